"""k-synthesis step by step: number the values, begin records, and improve them in passes.

The promise and the idea of seeds and a pool are those of D. Edge et al., Design of a
Privacy-Preserving Data Platform for Collaboration Against Human Trafficking (arXiv:2005.05688),
and of the printed CTDC codebook of 2021, section 1; counts are rounded down, as the codebook of
2024 says. How values are joined and improved is ours: see README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from attrs import define, frozen

from ctdc_framework.plugin import Progress, StrategyError, value_bitsets, value_counts
from ctdc_k_synthesis import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 2000
"""Records between two reports of progress; a chance to cancel."""

MOST_HOLDERS, FEWEST_HOLDERS, HOLDERS = 400, 50, 4_000_000
"""Originals whose values are counted to know supports; of more, a sample, so that the cost of
knowing them stays as it is: `HOLDERS` by the number of records, within the other two."""

MOST_FOR_TRIPLES = 512
"""Values for which triples are kept in tables; with more, pairs alone steer (memory V**3)."""

MOST_VALUES = 8000
"""Values for which pairs are kept in tables."""

STEER, NOISE, SPREAD = 0.9, 0.5, 0.5
"""Powers of a candidate's support and of what is left of a first value; shaking of a choice."""

SHARE, ABSENT_PAIR, ABSENT_TRIPLE, TRIPLES = 0.02, 1.0, 0.13, 0.05
"""What the distance is made of (see kernels), found by trial."""

REBUILT, SHAKE = 0.1, 1.0
"""Share of records that a pass takes apart, and how much chance has in choosing them."""

ALL_PASSES = 12_000
"""Records up to which every pass is made. With more, passes bring less and cost more: they are so
many fewer that as many records are made anew in all."""


@frozen(kw_only=True, eq=False)
class Synthetic:
    """Synthetic records as codes (rows, columns), -1 = missing; how many passes improved them."""

    codes: NDArray[np.int16]
    improved: int


@define(eq=False)
class _Work:
    """The originals by numbered values, the tables of counts, and the records made so far."""

    keep: NDArray[np.int64]
    column_of: NDArray[np.int64]
    bits: NDArray[np.uint64]
    rows: NDArray[np.int16]
    row_ends: NDArray[np.int64]
    tables: tuple[Any, Any, Any, Any, Any]
    kept: NDArray[np.int64]
    k: int
    rng: np.random.Generator
    most: int
    values: NDArray[np.int32]
    ends: NDArray[np.int64]


def synthesise_records(
    codes: NDArray[np.int16],
    sizes: Sequence[int],
    k: int,
    rng: np.random.Generator,
    progress: Progress,
    *,
    mode: Literal["seeded", "value-seeded", "unseeded"] = "value-seeded",
    length: int = 3,
    effort: int = 50,
    records: int | None = None,
    weights: Sequence[float] | None = None,
) -> Synthetic:
    """Make records whose every combination at least k originals hold, single counts kept.

    codes: (records, columns), -1 = missing; column j has codes 0 to sizes[j] - 1.
    weights: a factor > 0 for each column: how much its combinations count.
    Every record as a whole is held by at least k originals; every value is released
    floor(n/k)*k times. Combinations of up to `length` (2 or 3) values are kept as near to their
    counts as `effort` passes find. Rows come in random order. The same generator state gives the
    same rows, whatever the machine. Raises `StrategyError` where there are too many values.

    In the mode `unseeded` nothing but the first holds: `records` are drawn (left out: as many as
    there are, rounded down to k), each from a real one drawn by chance.
    """
    factors = np.ones(len(sizes)) if weights is None else np.asarray(weights, dtype=float)
    work = _number(codes, sizes, k, rng, triples=length > 2 and mode != "unseeded", factors=factors)
    passes = 0 if mode == "unseeded" or not len(work.keep) else effort
    if len(codes) > ALL_PASSES:
        passes = -(-passes * ALL_PASSES // len(codes))
    steps = len(codes) * (passes + 2)
    done = 0

    def step(records: int) -> None:
        nonlocal done
        done = min(done + records, steps)
        progress(done, steps)

    step(0)  # a chance to cancel
    if mode == "unseeded":
        _draw(work, len(codes) // k * k if records is None else records, step)
    else:
        left = work.kept.copy()
        if mode == "seeded":
            _begin(work, left, step)
        step(len(codes))
        more, more_ends, _ = _join(work, left, step)
        _append(work, more, more_ends)
    improved = 0
    for number in range(passes):
        improved += _improve(work, step)
        done = max(done, len(codes) * (number + 2))
        step(len(codes))
    step(steps)
    released = _decode(work, codes.shape[1], sizes)
    return Synthetic(codes=released[rng.permutation(len(released))], improved=improved)


def _number(
    codes: NDArray[np.int16],
    sizes: Sequence[int],
    k: int,
    rng: np.random.Generator,
    *,
    triples: bool,
    factors: NDArray[np.float64],
) -> _Work:
    """Number the values that k records hold, and count their pairs and triples."""
    counts = value_counts(codes, sizes)
    keep = np.flatnonzero(counts >= k)
    many = len(keep)
    if many > MOST_VALUES:
        raise StrategyError(
            f"{many} values are held by {k} records or more, and k-synthesis takes {MOST_VALUES}",
            help="group values in the codebook, or leave variables with very many values out",
        )
    number = np.full(len(counts) + 1, -1, dtype=np.int64)
    number[keep] = np.arange(many)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    numbered = np.where(codes >= 0, number[offsets[:-1] + codes], -1)
    rows = numbered[numbered >= 0].astype(np.int16)
    row_ends = np.cumsum((numbered >= 0).sum(axis=1))
    with_triples = triples and many <= MOST_FOR_TRIPLES
    sides = many * (many - 1) // 2 if with_triples else 0
    pairs = np.zeros((many, many, 2), dtype=np.int32)
    triple = np.zeros((sides * (many - 2) // 3, 2), dtype=np.int32)
    kernels.count_originals(rows, row_ends, pairs, triple)
    pairs[np.arange(many), np.arange(many), 0] = counts[keep]
    column_of = np.repeat(np.arange(len(sizes)), sizes)[keep]
    distance = [SHARE, ABSENT_PAIR, SHARE, ABSENT_TRIPLE / TRIPLES, TRIPLES]
    tables = (
        pairs,
        triple,
        np.zeros((many, many), dtype=np.float32),
        np.zeros((sides, many), dtype=np.float32),
        np.concatenate([distance, factors[column_of]]),
    )
    kernels.weigh(*tables)
    return _Work(
        keep=keep,
        column_of=column_of,
        bits=np.ascontiguousarray(value_bitsets(codes, sizes)[keep]),
        rows=rows,
        row_ends=row_ends,
        tables=tables,
        kept=counts[keep] // k * k,
        k=k,
        rng=rng,
        most=min(MOST_HOLDERS, max(FEWEST_HOLDERS, HOLDERS // max(1, len(codes)))),
        values=np.empty(0, dtype=np.int32),
        ends=np.empty(0, dtype=np.int64),
    )


def _begin(work: _Work, left: NDArray[np.int64], step: Any) -> None:
    """Make records of parts of the real ones, each once, while their values are wanted."""
    values, ends, done = _room(int(left.sum()))
    order = work.rng.permutation(len(work.row_ends))
    for at in range(0, len(order), CHUNK):
        kernels.begin(
            order[at : at + CHUNK], False, left,
            *_originals(work), *work.tables, *_taste(work), values, ends, done,
        )  # fmt: skip
        step(0)
    _append(work, values[: int(done[1])], ends[: int(done[0])])


def _draw(work: _Work, records: int, step: Any) -> None:
    """Make so many records of parts of real ones drawn by chance, counts aside."""
    lengths = np.diff(work.row_ends, prepend=0)
    some = np.flatnonzero(lengths)
    if not len(some):
        return
    order = work.rng.choice(some, records)
    values, ends, done = _room(int(lengths[order].sum()))
    left = np.full(len(work.keep), records + 1)
    for at in range(0, records, CHUNK):
        kernels.begin(
            order[at : at + CHUNK], True, left,
            *_originals(work), *work.tables, *_taste(work), values, ends, done,
        )  # fmt: skip
        step(0)
    _append(work, values[: int(done[1])], ends[: int(done[0])])


def _join(
    work: _Work, left: NDArray[np.int64], step: Any = lambda records: None
) -> tuple[NDArray[np.int32], NDArray[np.int64], float]:
    """Join what is left to records; give them, and how much they lower the distance."""
    values, ends, done = _room(int(left.sum()))
    chance = np.arange(int(left.max(initial=0)) + 1, dtype=float) ** SPREAD
    chance[0] = 0.0  # whatever the power: what is used up begins nothing
    made = CHUNK
    while made == CHUNK:
        made = kernels.join(
            CHUNK, chance, left, *_originals(work), *work.tables, *_taste(work), values, ends, done
        )
        step(made)
    return values[: int(done[1])], ends[: int(done[0])], float(done[2])


def _room(total: int) -> tuple[Any, Any, Any]:
    return np.empty(total, np.int32), np.empty(total, np.int64), np.zeros(3)


def _originals(work: _Work) -> tuple[Any, Any, Any, Any]:
    return work.column_of, work.bits, work.rows, work.row_ends


def _taste(work: _Work) -> tuple[Any, Any, Any, Any, Any]:
    steer = np.arange(2 * len(work.row_ends) + work.most + 1, dtype=np.float32) ** STEER
    return work.k, work.most, steer, NOISE, work.rng


def _append(work: _Work, values: NDArray[np.int32], ends: NDArray[np.int64]) -> None:
    work.ends = np.concatenate([work.ends, ends + len(work.values)])
    work.values = np.concatenate([work.values, values])


def _improve(work: _Work, step: Any) -> bool:
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
    left = np.bincount(work.values[theirs], minlength=len(work.kept))
    values, ends, gained = _join(work, left, lambda records: step(0))
    if lost + gained <= 0:
        kernels.count_released(values, ends, np.arange(len(ends)), -1, *work.tables)
        kernels.count_released(work.values, work.ends, chosen, 1, *work.tables)
        return False
    work.values, work.ends = work.values[~theirs], np.cumsum(lengths[~apart])
    _append(work, values, ends)
    return True


def _decode(work: _Work, columns: int, sizes: Sequence[int]) -> NDArray[np.int16]:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    released = np.full((len(work.ends), columns), -1, dtype=np.int16)
    record = np.repeat(np.arange(len(work.ends)), np.diff(work.ends, prepend=0))
    column = work.column_of[work.values]
    released[record, column] = work.keep[work.values] - offsets[column]
    return released
