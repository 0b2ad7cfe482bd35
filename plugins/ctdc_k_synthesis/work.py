"""The work on synthetic records, whatever it starts from: join values, and improve in passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, frozen

from ctdc_framework.plugin import Progress, StrategyError
from ctdc_k_synthesis import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 2000
"""Records between two reports of progress; a chance to cancel."""

MOST_FOR_TRIPLES = 512
"""Values for which triples are kept in tables; with more, pairs alone steer (memory V**3)."""

MOST_VALUES = 8000
"""Values for which pairs are kept in tables."""

STEER, NOISE, SPREAD = 0.7, 0.6, 0.5
"""Powers of a candidate's support and of what is left of a first value; shaking of a choice."""

SHARE, ABSENT_PAIR, ABSENT_TRIPLE, TRIPLES = 0.022, 0.7, 0.25, 0.06
"""What the distance is made of (see kernels), found by trial."""

REWARD = 0.35
"""What a value brings besides where it stood alone in all its records; see `hardness`."""

REBUILT, SHAKE = 0.16, 0.6
"""Share of records that a pass takes apart, and how much chance has in choosing them."""

ALL_PASSES = 12_000
"""Records up to which every pass is made. With more, passes bring less and cost more: they are so
many fewer that as many records are made anew in all."""

Step = Callable[[int], None]
"""Tells that so many records more were made; may raise `Cancelled`."""


@frozen(kw_only=True, eq=False)
class Synthetic:
    """Synthetic records as codes (rows, columns), -1 = missing; how many passes improved them."""

    codes: NDArray[np.int16]
    improved: int


@frozen(kw_only=True, eq=False)
class Source:
    """What is known of the values: the original records, or no more than a list of combinations.

    column_of: (V,) each value's column. bits: (V, words), who holds a value. rows, row_ends: the
    values of the records, end to end. listed, reach: see `kernels`; empty and 0 where there are
    records, and the others empty where there are none.
    """

    column_of: NDArray[np.int64]
    bits: NDArray[np.uint64]
    rows: NDArray[np.int16]
    row_ends: NDArray[np.int64]
    listed: NDArray[np.int64]
    reach: int

    @property
    def arguments(self) -> tuple[Any, Any, Any, Any, Any, Any]:
        """What the kernels take, in their order."""
        return self.column_of, self.bits, self.rows, self.row_ends, self.listed, self.reach


@define(eq=False)
class Work:
    """The values in use by number, the tables of counts, and the records made so far.

    keep: (V,) the places of the values among all values. most: see `kernels`; supports: the
    greatest support there can be.
    """

    keep: NDArray[np.int64]
    source: Source
    tables: tuple[Any, Any, Any, Any, Any]
    k: int
    rng: np.random.Generator
    most: int
    supports: int
    values: NDArray[np.int32]
    ends: NDArray[np.int64]
    reward: float = REWARD

    @property
    def taste(self) -> tuple[Any, Any, Any, Any, Any]:
        """How a next value is chosen, as the kernels take it."""
        steer = np.arange(self.supports + 1, dtype=np.float32) ** STEER
        return self.k, self.most, steer, NOISE, self.rng

    def append(self, values: NDArray[np.int32], ends: NDArray[np.int64]) -> None:
        """Add records to those made."""
        self.ends = np.concatenate([self.ends, ends + len(self.values)])
        self.values = np.concatenate([self.values, values])


def number_values(
    counts: NDArray[np.int64], sizes: Sequence[int], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Number the values that are counted at least k times, in their order.

    counts: one for each value, column after column, of which column j has sizes[j]. Gives the
    places of those in use, each one's column, and each value's number (-1 = not in use, and one
    more for what is missing). Raises `StrategyError` where there are too many.
    """
    keep = np.flatnonzero(counts >= k)
    if len(keep) > MOST_VALUES:
        raise StrategyError(
            f"{len(keep)} values are held by {k} records or more, and k-synthesis takes "
            f"{MOST_VALUES}",
            help="group values in the codebook, or leave variables with very many values out",
        )
    number = np.full(len(counts) + 1, -1, dtype=np.int64)
    number[keep] = np.arange(len(keep))
    return keep, np.repeat(np.arange(len(sizes)), sizes)[keep], number


def empty_tables(
    column_of: NDArray[np.int64], factors: NDArray[np.float64], *, triples: bool
) -> tuple[Any, Any, Any, Any, Any]:
    """Make the tables of pairs and triples, and of their pulls, for counts to be filled in.

    factors: one for each column. Without `triples`, or with too many values, those are empty.
    """
    many = len(column_of)
    sides = many * (many - 1) // 2 if triples and many <= MOST_FOR_TRIPLES else 0
    distance = [SHARE, ABSENT_PAIR, SHARE, ABSENT_TRIPLE / TRIPLES, TRIPLES]
    return (
        np.zeros((many, many, 2), dtype=np.int32),
        np.zeros((sides * (many - 2) // 3, 2), dtype=np.int32),
        np.zeros((many, many), dtype=np.float32),
        np.zeros((sides, many), dtype=np.float32),
        np.concatenate([distance, factors[column_of]]),
    )


def room(total: int) -> tuple[Any, Any, Any]:
    """Make room for records of so many values in all."""
    return np.empty(total, np.int32), np.empty(total, np.int64), np.zeros(3)


def hardness(work: Work) -> NDArray[np.float64]:
    """Say of each value what share of its records it makes up on average, 0 without any.

    Values that few others can join stand in short records: to take them earlier makes fewer
    records. The distance does not know of it, so passes are judged without.
    """
    lengths = np.diff(work.ends, prepend=0)
    many = len(work.keep)
    shares = np.bincount(work.values, np.repeat(1.0 / lengths, lengths), minlength=many)
    return shares / np.maximum(np.bincount(work.values, minlength=many), 1)


def join(
    work: Work, left: NDArray[np.int64], step: Step
) -> tuple[NDArray[np.int32], NDArray[np.int64], float]:
    """Join what is left to records; give them, and how much they lower the distance."""
    values, ends, done = room(int(left.sum()))
    chance = np.arange(int(left.max(initial=0)) + 1, dtype=float) ** SPREAD
    chance[0] = 0.0  # whatever the power: what is used up begins nothing
    reward = work.reward * hardness(work)
    made = CHUNK
    while made == CHUNK:
        made = kernels.join(
            CHUNK, chance, reward, left, *work.source.arguments, *work.tables, *work.taste,
            values, ends, done,
        )  # fmt: skip
        step(made)
    return values[: int(done[1])], ends[: int(done[0])], float(done[2])


def passes_for(records: int, effort: int) -> int:
    """Say how many passes so many records get."""
    return effort if records <= ALL_PASSES else -(-effort * ALL_PASSES // records)


def improve(work: Work, step: Step) -> bool:
    """Take the records that are worth least apart and join them anew; keep that if it is better."""
    lengths = np.diff(work.ends, prepend=0)
    worth = np.empty(len(work.ends))
    pairs, triples, *_, weights = work.tables
    kernels.worth(work.values, work.ends, pairs, triples, weights, worth)
    worth += SHAKE * worth.std() * work.rng.standard_normal(len(worth))
    few = max(1, int(REBUILT * len(worth)))
    apart = np.zeros(len(worth), dtype=bool)
    apart[np.argpartition(worth, few - 1)[:few]] = True
    chosen = np.flatnonzero(apart)
    lost = kernels.count_released(work.values, work.ends, chosen, -1, *work.tables)
    theirs = np.repeat(apart, lengths)
    left = np.bincount(work.values[theirs], minlength=len(work.keep))
    values, ends, gained = join(work, left, lambda records: step(0))
    if lost + gained <= 0:
        kernels.count_released(values, ends, np.arange(len(ends)), -1, *work.tables)
        kernels.count_released(work.values, work.ends, chosen, 1, *work.tables)
        return False
    work.values, work.ends = work.values[~theirs], np.cumsum(lengths[~apart])
    work.append(values, ends)
    return True


def released(work: Work, sizes: Sequence[int], improved: int) -> Synthetic:
    """Give the records made, as codes, in random order."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    codes = np.full((len(work.ends), len(sizes)), -1, dtype=np.int16)
    record = np.repeat(np.arange(len(work.ends)), np.diff(work.ends, prepend=0))
    column = work.source.column_of[work.values]
    codes[record, column] = work.keep[work.values] - offsets[column]
    return Synthetic(codes=codes[work.rng.permutation(len(codes))], improved=improved)


class Steps:
    """Progress over a known number of steps, which never goes back."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0
        self(0)  # a chance to cancel before anything is done

    def __call__(self, records: int) -> None:
        """Go so many on."""
        self.reach(self.done + records)

    def reach(self, done: int) -> None:
        """Go on to a place, unless it is behind."""
        self.done = min(max(done, self.done), self.total)
        self.progress(self.done, self.total)
