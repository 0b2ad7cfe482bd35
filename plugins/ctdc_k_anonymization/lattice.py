"""The lattice of full-domain generalisation: nodes, their classes, and the search for the best.

A node gives each quasi-identifier a level, 0 for the values as they are. Records that agree at a
node's levels are one class. The classes of a node come from those of a finer one by merging, never
from the records again.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from attrs import evolve, field, frozen

from ctdc_k_anonymization.kernels import merge, raise_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

Node = tuple[int, ...]
"""A level for each quasi-identifier."""

Loss = tuple[float, ...]
"""What a node costs; compared element by element, as ranked losses are several."""

SPREAD = 0x9E3779B97F4A7C15
"""An odd number near 2^64 / golden ratio: its powers hash values of different columns apart."""

AT_ONCE = 256
"""How many classes are judged before looking whether too many records are suppressed already."""


@frozen(kw_only=True, eq=False)
class Levels:
    """One quasi-identifier's values at each level.

    `maps` (levels, values) holds for each of its values the number of the value that stands for
    it; the finest level is the values themselves, each coarser one merges whole groups of the
    one before. `shares` of the same shape says which share of the domain that value covers.
    """

    maps: NDArray[np.int32]
    shares: NDArray[np.float64]

    @property
    def top(self) -> int:
        """The coarsest level."""
        return len(self.maps) - 1


@frozen(kw_only=True, eq=False)
class Classes:
    """Equivalence classes at a node: one record of each, its size, its sensitive values.

    `held` (classes, values) counts the sensitive values, all of them side by side.
    """

    keys: NDArray[np.int64]
    members: NDArray[np.int32]
    counts: NDArray[np.int64]
    held: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.counts)

    def part(self, which: slice) -> Classes:
        """Give some of the classes."""
        return Classes(
            keys=self.keys[which], members=self.members[which], counts=self.counts[which],
            held=self.held[which],
        )  # fmt: skip


class Model(Protocol):
    """A privacy model: which classes may be released.

    Classes that meet it meet it when merged. It is `monotone` where one that meets it does so
    merged with any other.
    """

    @property
    def monotone(self) -> bool:
        """Whether a class that meets it does so merged with any other."""

    def conform(self, classes: Classes) -> NDArray[np.bool_]:
        """Say for each class whether it keeps to the model."""


class Metric(Protocol):
    """What a node costs."""

    def floor(self, node: Node, classes: Classes | None = None) -> Loss:
        """Give what the node, and any coarser one, costs at least; more where classes are known."""

    def loss(self, node: Node, classes: Classes, kept: NDArray[np.bool_]) -> Loss:
        """Give what the node costs when the other classes are suppressed."""


@frozen(kw_only=True, eq=False)
class Problem:
    """Records as codes (rows, columns), each column's levels, and sensitive values beside them.

    `sensitive` (rows, values) marks which values a record holds; without any it has no columns.
    """

    codes: NDArray[np.int32]
    levels: tuple[Levels, ...]
    sensitive: NDArray[np.int32]

    @property
    def top(self) -> Node:
        """The coarsest node."""
        return tuple(levels.top for levels in self.levels)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return math.prod(level + 1 for level in self.top)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Where each column's maps begin in `maps`."""
        return np.cumsum([0, *(len(levels.maps) for levels in self.levels)][:-1])

    @cached_property
    def maps(self) -> NDArray[np.int32]:
        """All columns' maps below one another, padded with 0."""
        return _stacked([levels.maps for levels in self.levels])

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """All columns' shares below one another, padded with 0."""
        return _stacked([levels.shares for levels in self.levels])

    @cached_property
    def places(self) -> tuple[list[NDArray[np.int64]], bool]:
        """What each value adds to a class's key, and whether such a key is but a hash.

        A key is a number whose digits are the values, as long as 63 bits hold it.
        """
        sizes = [int(levels.maps.max(initial=0)) + 1 for levels in self.levels]
        if math.prod(sizes) < 1 << 63:
            steps = [math.prod(sizes[:number]) for number in range(len(sizes))]
            return [np.arange(n) * step for n, step in zip(sizes, steps, strict=True)], False
        spread = [np.uint64(pow(SPREAD, number, 1 << 64)) for number in range(1, len(sizes) + 1)]
        hashes = [np.arange(n, dtype=np.uint64) * one for n, one in zip(sizes, spread, strict=True)]
        return [one.view(np.int64) for one in hashes], True

    def rows_of(self, node: Node) -> NDArray[np.int64]:
        """Give the row of `maps` that each column has at a node."""
        return self.offsets + np.array(node, np.int64)

    @cached_property
    def finest(self) -> Classes:
        """The classes of the records as they are."""
        places, _ = self.places
        keys = np.zeros(len(self.codes), np.int64)
        with np.errstate(over="ignore"):
            for column, place in enumerate(places):
                keys += place[self.levels[column].maps[0][self.codes[:, column]]]
        rows = Classes(
            keys=keys,
            members=np.arange(len(keys), dtype=np.int32),
            counts=np.ones(len(keys), np.int64),
            held=np.ascontiguousarray(self.sensitive, np.int32),
        )
        return self._merged(rows, (0,) * len(self.levels))

    @cached_property
    def columns(self) -> NDArray[np.int32]:
        """The codes of each column side by side: (columns, rows)."""
        return np.ascontiguousarray(self.codes.T)

    def _merged(self, classes: Classes, node: Node) -> Classes:
        _, wide = self.places
        keys, members, counts, held = merge(
            classes.keys, classes.members, classes.counts, classes.held,
            wide, self.codes, self.maps, self.rows_of(node),
        )  # fmt: skip
        return Classes(keys=keys, members=members, counts=counts, held=held)

    def raised(self, classes: Classes, node: Node, column: int, level: int) -> Classes:
        """Give the classes after one column of a node went up to a level."""
        maps = self.levels[column].maps
        places, _ = self.places
        keys = raise_keys(
            classes.keys, classes.members, self.columns[column],
            maps[node[column]], maps[level], places[column],
        )  # fmt: skip
        moved = Classes(
            keys=keys, members=classes.members, counts=classes.counts, held=classes.held
        )
        return self._merged(moved, (*node[:column], level, *node[column + 1 :]))

    def classes(self, node: Node) -> Classes:
        """Give the classes of any node, from the finest."""
        classes = self.finest
        at = (0,) * len(node)
        for column in np.argsort([-len(levels.maps[0]) for levels in self.levels], kind="stable"):
            if node[column]:
                classes = self.raised(classes, at, int(column), node[column])
                at = (*at[:column], node[column], *at[column + 1 :])
        return classes


T = TypeVar("T", bound=np.generic)


def _stacked(parts: Sequence[NDArray[T]]) -> NDArray[T]:
    whole = np.zeros((sum(map(len, parts)), max(part.shape[1] for part in parts)), parts[0].dtype)
    at = 0
    for part in parts:
        whole[at : at + len(part), : part.shape[1]] = part
        at += len(part)
    return whole


@frozen(kw_only=True, eq=False)
class Found:
    """The best node that was found, with its classes; `kept` says which are released."""

    node: Node
    loss: Loss
    classes: Classes
    kept: NDArray[np.bool_]
    suppressed: int
    checked: int
    """How many nodes' classes were looked at."""
    exact: bool
    """Whether no node of the lattice is better."""


@frozen(kw_only=True, eq=False)
class Question:
    """What is asked of a lattice: models to meet, a loss to make least, a limit of suppression.

    `lowest` and `highest` bound the levels of each column.
    """

    problem: Problem
    models: Sequence[Model]
    metric: Metric
    limit: float
    lowest: Node
    highest: Node

    @property
    def allowed(self) -> int:
        """How many records may be suppressed."""
        return math.floor(self.limit * len(self.problem.codes))

    @property
    def size(self) -> int:
        """How many nodes lie within the bounds."""
        return math.prod(h - low + 1 for low, h in zip(self.lowest, self.highest, strict=True))

    def kept(self, classes: Classes) -> NDArray[np.bool_]:
        """Say which classes meet all models."""
        met = np.ones(len(classes), bool)
        for model in self.models:
            met &= model.conform(classes)
        return met

    def kept_if_allowed(self, classes: Classes) -> NDArray[np.bool_] | None:
        """Say which classes meet all models, or give None where too many records do not.

        It looks at some classes after the others, and at no more once there are too many.
        """
        if self.allowed >= len(self.problem.codes):
            return self.kept(classes)
        kept = np.empty(len(classes), bool)
        suppressed = 0
        for start in range(0, len(classes), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            kept[part] = self.kept(classes.part(part))
            suppressed += int(classes.counts[part][~kept[part]].sum())
            if suppressed > self.allowed:
                return None
        return kept

    @cached_property
    def monotone(self) -> bool:
        """Whether a coarser node never suppresses too many where a finer one does not."""
        return not self.allowed or all(model.monotone for model in self.models)

    def answer(self, node: Node, classes: Classes, best: Found | None = None) -> Found | None:
        """Judge a node: None where it suppresses more than is allowed, or is no better."""
        kept = self.kept_if_allowed(classes)
        if kept is None:
            return None
        loss = self.metric.loss(node, classes, kept)
        if best and loss >= best.loss:
            return None
        return Found(
            node=node, loss=loss, classes=classes, kept=kept,
            suppressed=int(classes.counts[~kept].sum()), checked=0, exact=False,
        )  # fmt: skip


Step = Callable[[int], None]


def optimum(question: Question, step: Step = lambda done: None) -> Found | None:
    """Find the node of least loss within the limit, or None where there is none.

    Exact: a branch is left out only where the metric's floor says that none of it is better, or
    where, suppression being monotone, its coarsest node suppresses too many. Of equal ones it is
    the first in the order of search. `step(checked)` is told now and then.
    """
    problem, metric = question.problem, question.metric
    order = sorted(range(len(problem.levels)), key=lambda n: -problem.levels[n].maps.shape[1])
    hopeless = _Hopeless(question=question, order=order)
    best, checked = _climbed(question, step)
    if best is None and question.monotone:  # the coarsest was looked at, too
        return None
    # A branch: a node, the classes of the node a level below with that node and the column that
    # went up, and the first column (in order) that may still go up.
    waiting: list[tuple[Node, Classes, Node, int, int]] = [
        (question.lowest, problem.classes(question.lowest), question.lowest, 0, 0)
    ]
    while waiting:
        node, classes, finer, column, first = waiting.pop()
        if best and metric.floor(node) >= best.loss:
            continue
        if node != finer:
            classes = problem.raised(classes, finer, column, node[column])
        checked += 1
        step(checked)
        best = question.answer(node, classes, best) or best
        if best and metric.floor(node, classes) >= best.loss:
            continue
        for at in range(first, hopeless.end(node, classes, first)):
            column = order[at]
            if node[column] < question.highest[column]:
                coarser = (*node[:column], node[column] + 1, *node[column + 1 :])
                waiting.append((coarser, classes, node, column, at))
    return evolve(best, checked=checked, exact=True) if best else None


def _climbed(question: Question, step: Step) -> tuple[Found | None, int]:
    """Go up from the finest node, by the step that costs least, to one that may be released.

    What costs more than it needs no look. Gives the node, and how many were looked at.
    """
    node, classes = question.lowest, question.problem.classes(question.lowest)
    best = question.answer(node, classes)
    checked = 1
    while node != question.highest:
        around = []
        for column, level in enumerate(node):
            if level < question.highest[column]:
                coarser = (*node[:column], level + 1, *node[column + 1 :])
                merged = question.problem.raised(classes, node, column, level + 1)
                kept = question.kept(merged)
                around.append((question.metric.loss(coarser, merged, kept), coarser, merged))
        checked += len(around)
        step(checked)
        loss, node, classes = min(around, key=lambda one: one[:2])
        if best and loss >= best.loss:
            break
        best = question.answer(node, classes, best) or best
    return best, checked


@frozen(kw_only=True, eq=False)
class _Hopeless:
    """Tells branches apart in which every node suppresses too many."""

    question: Question
    order: Sequence[int]
    known: dict[Node, bool] = field(factory=dict)
    """Whether a node suppresses too many."""

    def end(self, node: Node, classes: Classes, first: int) -> int:
        """Give the place in the order from which on raising a column is of no use.

        Where a column is raised, those before it stay as they are. So the coarsest node of that
        branch has it and all after it at the top, and is finer the later it comes.
        """
        question, order = self.question, self.order
        if not question.monotone or question.allowed >= len(question.problem.codes):
            return len(order)
        coarse, at = node, node  # of the latter the classes are known
        for place in range(len(order) - 1, first - 1, -1):
            column = order[place]
            if coarse[column] == question.highest[column]:
                continue
            coarse = (*coarse[:column], question.highest[column], *coarse[column + 1 :])
            if coarse not in self.known:
                for raised in order[place:]:
                    if at[raised] != coarse[raised]:
                        classes = question.problem.raised(classes, at, raised, coarse[raised])
                        at = (*at[:raised], coarse[raised], *at[raised + 1 :])
                self.known[coarse] = question.kept_if_allowed(classes) is None
            if not self.known[coarse]:
                return place + 1
        return first


def _finer(question: Question, node: Node) -> Iterator[Node]:
    for column, level in enumerate(node):
        if level > question.lowest[column]:
            yield (*node[:column], level - 1, *node[column + 1 :])


def best_first(question: Question, steps: int, step: Step = lambda done: None) -> Found | None:
    """Search from the coarsest node down, best loss first, looking at no more nodes than `steps`.

    Gives the best it saw; exact where it saw all that could be better.
    """
    start = question.answer(question.highest, question.problem.classes(question.highest))
    checked = 1
    best = start
    seen = {question.highest}
    queue: list[tuple[Loss, Node]] = [(start.loss, start.node)] if start else []
    while queue and checked < steps:
        _, node = heapq.heappop(queue)
        for finer in _finer(question, node):
            if finer in seen or checked >= steps:
                continue
            seen.add(finer)
            checked += 1
            step(checked)
            found = question.answer(finer, question.problem.classes(finer))
            if found is None:
                continue
            heapq.heappush(queue, (found.loss, finer))
            if best is None or found.loss < best.loss:
                best = found
    return evolve(best, checked=checked) if best else None
