"""Privacy models: which classes may be released. Formulas with their sources.

k-anonymity (Samarati and Sweeney 1998); l-diversity (Machanavajjhala et al. 2007): distinct,
entropy, recursive; t-closeness (Li, Li and Venkatasubramanian 2007): equal, ordered, hierarchical.
A sensitive variable is a range of columns of `Classes.held`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from attrs import field, frozen

from ctdc_k_anonymization.kernels import close
from ctdc_k_anonymization.lattice import Classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-12
"""Where a bound is met exactly, rounding errors do not matter."""


@frozen(kw_only=True)
class Anonymous:
    """At least k records share their quasi-identifiers."""

    k: int
    monotone: bool = field(default=True, init=False)

    def conform(self, classes: Classes) -> NDArray[np.bool_]:
        """Say for each class whether it is large enough."""
        return classes.counts >= self.k


@frozen(kw_only=True)
class Diverse:
    """The sensitive values of a class are as diverse as l equally frequent ones.

    distinct: l different values. entropy: their entropy is at least that of l equal ones, and
    there are l of them. recursive: the most frequent value is rarer than c times all from the
    l-th on.
    """

    first: int
    end: int
    least: float
    """The l of l-diversity."""
    kind: Literal["distinct", "entropy", "recursive"] = "distinct"
    c: float = 1.0

    @property
    def monotone(self) -> bool:
        """Whether a class that meets it does so merged with any other."""
        return self.kind == "distinct"

    def conform(self, classes: Classes) -> NDArray[np.bool_]:
        """Say for each class whether it is diverse enough."""
        held = classes.held[:, self.first : self.end].astype(float)
        different: NDArray[np.bool_] = (held > 0).sum(axis=1) >= math.ceil(self.least)
        if self.kind == "distinct":
            return different
        if self.kind == "recursive":
            order = -np.sort(-held, axis=1)
            rest = order[:, math.ceil(self.least) - 1 :].sum(axis=1)
            met: NDArray[np.bool_] = order[:, 0] < self.c * rest
            return met
        shares = held / np.maximum(held.sum(axis=1, keepdims=True), 1)
        logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
        met = -(shares * logs).sum(axis=1) >= math.log(self.least) - TOLERANCE
        return different & met


@frozen(kw_only=True, eq=False)
class Close:
    """The sensitive values of a class are distributed nearly as in all records.

    The distance of both distributions is at most t. equal: half the sum of differences. ordered:
    how far shares have to move along the domain's order, its length being 1. hierarchical: how
    far up a hierarchy they have to move; `groups` then numbers, level by level, the group of each
    value, the last level having one.
    """

    first: int
    end: int
    t: float
    whole: NDArray[np.float64]
    """The shares of the values in all records."""
    kind: Literal["equal", "ordered", "hierarchical"] = "equal"
    groups: Sequence[NDArray[np.int64]] = ()
    monotone: bool = field(default=False, init=False)

    @cached_property
    def _parents(self) -> NDArray[np.int64]:
        """Per level, the group in which each group of the level before (or value) is."""
        groups = self.groups if self.kind == "hierarchical" else ()
        parents = np.full((len(groups), len(self.whole)), -1, np.int64)
        children = np.arange(len(self.whole))
        for level, group in enumerate(groups):
            numbers = np.unique(group, return_inverse=True)[1]
            parents[level, children] = numbers
            children = numbers
        return parents

    def conform(self, classes: Classes) -> NDArray[np.bool_]:
        """Say for each class whether it is close enough."""
        met: NDArray[np.bool_] = close(
            classes.held, self.first, self.whole, self.t + TOLERANCE, self.kind == "ordered",
            self._parents,
        )  # fmt: skip
        return met
