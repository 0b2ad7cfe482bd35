"""What generalisation costs: the measures of loss that a search can make least.

Formulas as in ARX 3.9, so that figures can be compared; see docs/explanation/k-anonymization.md.
Each knows a floor: what a node and any coarser one cost at least, from the counts of single
columns alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from attrs import frozen

from ctdc_k_anonymization.kernels import add_up, spread
from ctdc_k_anonymization.lattice import Classes, Loss, Node, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

Aggregate = Literal["sum", "arithmetic-mean", "geometric-mean", "rank", "max"]

GRAIN = 1e10
"""Column losses are rounded down to multiples of its inverse, as ARX does: sums stay comparable."""


def combine(losses: Sequence[float], weights: Sequence[float], by: Aggregate) -> Loss:
    """Make one loss of those of the columns; `rank` orders them from the largest.

    >>> combine([0.5, 0.0], [1.0, 1.0], "geometric-mean")
    (0.22474487139158894,)
    """
    weighted = [weight * loss for weight, loss in zip(weights, losses, strict=True)]
    if by == "rank":
        return tuple(sorted(weighted, reverse=True))
    if by == "max":
        return (max(weighted),)
    if by == "geometric-mean":
        return (math.prod(1 + one for one in weighted) ** (1 / len(weighted)) - 1,)
    total = math.fsum(weighted)
    return (total / len(weighted) if by == "arithmetic-mean" else total,)


@frozen(kw_only=True, eq=False)
class _Balanced:
    """What metrics share that weigh generalisation against suppression."""

    factor: float = 0.5
    """Between 0 (suppression costs nothing) and 1 (generalisation costs nothing)."""

    @property
    def generalising(self) -> float:
        """How much generalisation counts."""
        return 1.0 if self.factor <= 0.5 else 1 - 2 * (self.factor - 0.5)

    @property
    def suppressing(self) -> float:
        """How much suppression counts."""
        return 2 * self.factor if self.factor < 0.5 else 1.0


@frozen(kw_only=True, eq=False)
class _Columns(_Balanced):
    """What metrics that look at single columns share."""

    problem: Problem
    weights: Sequence[float]
    """A weight per column, the largest 1."""

    @property
    def records(self) -> int:
        """How many records there are."""
        return len(self.problem.codes)

    @cached_property
    def singles(self) -> list[NDArray[np.int64]]:
        """How many records hold each value, per column."""
        return [
            np.bincount(self.problem.codes[:, column], minlength=levels.maps.shape[1])
            for column, levels in enumerate(self.problem.levels)
        ]


@frozen(kw_only=True, eq=False)
class GranularityLoss(_Columns):
    """How much of its domain the value that stands for a record's own covers (ARX's Loss)."""

    aggregate: Aggregate = "geometric-mean"

    @cached_property
    def _totals(self) -> list[list[float]]:
        return [
            (levels.shares @ held).tolist()
            for levels, held in zip(self.problem.levels, self.singles, strict=True)
        ]

    @cached_property
    def _least(self) -> list[float]:
        n = self.records
        return [self.generalising * n * float(s.shares[0].min()) for s in self.problem.levels]

    def _normalised(self, covered: float, column: int) -> float:
        least, records = self._least[column], len(self.problem.codes)
        if records <= least:
            return 0.0
        return math.floor(max(0.0, (covered - least) / (records - least)) * GRAIN) / GRAIN

    @cached_property
    def _floors(self) -> list[list[float]]:
        """What each column loses at each of its levels, without any suppression."""
        return [
            [self._normalised(self.generalising * total, column) for total in totals]
            for column, totals in enumerate(self._totals)
        ]

    def floor(self, node: Node, classes: Classes | None = None) -> Loss:
        """Give the loss without any suppression, which can only add to it."""
        losses = [of[level] for of, level in zip(self._floors, node, strict=True)]
        return combine(losses, self.weights, self.aggregate)

    def loss(self, node: Node, classes: Classes, kept: NDArray[np.bool_]) -> Loss:
        """Give the loss with the suppressed records losing all, or `suppressing` of the rest."""
        rows = self.problem.rows_of(node)
        parts = add_up(
            classes.members, classes.counts, kept, self.problem.columns, self.problem.shares, rows
        )
        suppressed = float(classes.counts[~kept].sum())
        covered = self.generalising * parts
        if self.suppressing == 1:
            covered = covered + suppressed
        elif suppressed:
            held = np.array([t[level] for t, level in zip(self._totals, node, strict=True)]) - parts
            covered = covered + held + self.suppressing * (suppressed - held)
        losses = [self._normalised(own, column) for column, own in enumerate(covered.tolist())]
        return combine(losses, self.weights, self.aggregate)


@frozen(kw_only=True, eq=False)
class NonUniformEntropy(_Columns):
    """The bits that it takes to tell a record's value from those it was merged with.

    Where not `monotone`, suppressed records lose what is left of them as well; `normalised`
    divides each column by what it loses when all of it is one value.
    """

    aggregate: Aggregate = "sum"
    monotone: bool = False
    normalised: bool = False

    @cached_property
    def _bits(self) -> list[list[float]]:
        found = []
        for held, levels in zip(self.singles, self.problem.levels, strict=True):
            known = held > 0
            bits = []
            for row in levels.maps:
                groups = np.bincount(row, weights=held, minlength=levels.maps.max() + 1)
                ratio = held[known] / groups[row][known]
                bits.append(float(-(held[known] * np.log2(ratio)).sum()) + 0.0)
            found.append(bits)
        return found

    @cached_property
    def _whole(self) -> list[float]:
        if not self.normalised:
            return [1.0] * len(self.weights)
        whole: list[float] = []
        for held in self.singles:
            known = held[held > 0]
            whole.append(float(-(known * np.log2(known / self.records)).sum()) or 1.0)
        return whole

    def _of(self, node: Node, more: Sequence[float] = ()) -> Loss:
        factor = self.generalising
        losses = [factor * bits[level] for bits, level in zip(self._bits, node, strict=True)]
        if len(more):
            losses = [one + extra for one, extra in zip(losses, more, strict=True)]
        if self.normalised:
            losses = [one / whole for one, whole in zip(losses, self._whole, strict=True)]
        grained = [math.floor(one * GRAIN) / GRAIN for one in losses]
        return combine(grained, self.weights, self.aggregate)

    def floor(self, node: Node, classes: Classes | None = None) -> Loss:
        """Give the loss of generalisation alone."""
        return self._of(node)

    def loss(self, node: Node, classes: Classes, kept: NDArray[np.bool_]) -> Loss:
        """Give the loss of generalisation, and of suppression unless `monotone`."""
        if self.monotone or kept.all():
            return self._of(node)
        more = spread(
            classes.members, classes.counts, kept, self.problem.columns, self.problem.maps,
            self.problem.rows_of(node),
        )  # fmt: skip
        return self._of(node, (self.suppressing * more).tolist())


@frozen(kw_only=True, eq=False)
class Precision(_Columns):
    """How far up their hierarchies the values went, as a share of the way."""

    aggregate: Aggregate = "arithmetic-mean"
    monotone: bool = False

    def _shares(self, node: Node) -> list[float]:
        return [level / max(top, 1) for level, top in zip(node, self.problem.top, strict=True)]

    def floor(self, node: Node, classes: Classes | None = None) -> Loss:
        """Give the mean way up without suppression, which may cost less but not nothing."""
        shares = self._shares(node)
        if not self.monotone:
            shares = [min(self.generalising * share, self.suppressing) for share in shares]
        return combine(shares, self.weights, self.aggregate)

    def loss(self, node: Node, classes: Classes, kept: NDArray[np.bool_]) -> Loss:
        """Give the mean way up, suppressed records having gone all of it unless `monotone`."""
        if self.monotone:
            return self.floor(node)
        lost = float(classes.counts[~kept].sum()) / self.records
        losses = [
            (1 - lost) * self.generalising * share + lost * self.suppressing
            for share in self._shares(node)
        ]
        return combine(losses, self.weights, self.aggregate)


@frozen(kw_only=True, eq=False)
class Height:
    """The sum of the levels."""

    def floor(self, node: Node, classes: Classes | None = None) -> Loss:
        """Give the loss itself: suppression costs nothing."""
        return (float(sum(node)),)

    def loss(self, node: Node, classes: Classes, kept: NDArray[np.bool_]) -> Loss:
        """Give the sum of the node's levels."""
        return self.floor(node)


@frozen(kw_only=True, eq=False)
class Discernibility:
    """From how many records each cannot be told: the squares of the classes' sizes, added up.

    Suppressed records cannot be told from any, unless `monotone`: then they keep their classes.
    """

    records: int
    monotone: bool = False

    def floor(self, node: Node, classes: Classes | None = None) -> Loss:
        """Give the squares of all classes: merging them can only add."""
        if classes is None:
            return (float(self.records),)
        return (float((classes.counts.astype(float) ** 2).sum()),)

    def loss(self, node: Node, classes: Classes, kept: NDArray[np.bool_]) -> Loss:
        """Give the sum over records of how many they cannot be told from."""
        squares = classes.counts.astype(float) ** 2
        if self.monotone:
            return (float(squares.sum()),)
        lost = float(classes.counts[~kept].sum())
        return (float(squares[kept].sum()) + self.records * lost,)


@frozen(kw_only=True, eq=False)
class AverageClassSize(_Balanced):
    """Records by classes, the suppressed ones being one class."""

    records: int
    smallest: int
    """The smallest class that the models allow, as far as is known."""

    def floor(self, node: Node, classes: Classes | None = None) -> Loss:
        """Give what it costs at least: as many classes as there are, or as can be."""
        most = self.records // self.smallest
        if classes is not None:
            most = min(most, len(classes))
        return (self.records / (most * self.suppressing + self.generalising),)

    def loss(self, node: Node, classes: Classes, kept: NDArray[np.bool_]) -> Loss:
        """Give the average size, weighted by what generalisation and suppression count."""
        size = float(kept.sum()) * self.suppressing + (0.0 if kept.all() else self.generalising)
        return (self.records / size if size else math.inf,)


def weights_of(weights: Sequence[float]) -> list[float]:
    """Scale weights so that the largest is 1.

    >>> weights_of([2, 1])
    [1.0, 0.5]
    """
    largest = max(weights, default=0.0)
    return [weight / largest for weight in weights] if largest > 0 else [1.0] * len(weights)
