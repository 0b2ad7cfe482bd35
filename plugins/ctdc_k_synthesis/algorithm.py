"""k-synthesis step by step: number the values, begin records, and improve them in passes.

The promise and the idea of seeds and a pool are those of D. Edge et al., Design of a
Privacy-Preserving Data Platform for Collaboration Against Human Trafficking (arXiv:2005.05688),
and of the printed CTDC codebook of 2021, section 1; counts are rounded down, as the codebook of
2024 says. How values are joined and improved is ours: see README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ctdc_framework.plugin import Progress, value_bitsets, value_counts
from ctdc_k_synthesis import kernels
from ctdc_k_synthesis.work import (
    CHUNK,
    Source,
    Step,
    Steps,
    Synthetic,
    Work,
    empty_tables,
    improve,
    join,
    number_values,
    passes_for,
    released,
    room,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


MOST_HOLDERS, FEWEST_HOLDERS, HOLDERS = 400, 50, 4_000_000
"""Originals whose values are counted to know supports; of more, a sample, so that the cost of
knowing them stays as it is: `HOLDERS` by the number of records, within the other two."""


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
    work, counts = _number(
        codes, sizes, k, rng, triples=length > 2 and mode != "unseeded", factors=factors
    )
    passes = passes_for(len(codes), effort) if mode != "unseeded" and len(work.keep) else 0
    steps = Steps(progress, len(codes) * (passes + 2))
    if mode == "unseeded":
        _draw(work, len(codes) // k * k if records is None else records, steps)
    else:
        left = counts // k * k
        if mode == "seeded":
            _begin(work, left, steps)
        steps(len(codes))
        work.append(*join(work, left, steps)[:2])
    improved = 0
    for number in range(passes):
        improved += improve(work, steps)
        steps.reach(len(codes) * (number + 3))
    steps.reach(steps.total)
    return released(work, sizes, improved)


def _number(
    codes: NDArray[np.int16],
    sizes: Sequence[int],
    k: int,
    rng: np.random.Generator,
    *,
    triples: bool,
    factors: NDArray[np.float64],
) -> tuple[Work, NDArray[np.int64]]:
    """Number the values that k records hold, count their pairs and triples; give their counts."""
    counts = value_counts(codes, sizes)
    keep, column_of, number = number_values(counts, sizes, k)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    numbered = np.where(codes >= 0, number[offsets[:-1] + codes], -1)
    order = _like_beside_like(numbered)
    codes, numbered = codes[order], numbered[order]
    source = Source(
        column_of=column_of,
        bits=np.ascontiguousarray(value_bitsets(codes, sizes)[keep]),
        rows=numbered[numbered >= 0].astype(np.int16),
        row_ends=np.cumsum((numbered >= 0).sum(axis=1)),
        listed=np.empty(0, dtype=np.int64),
        reach=0,
    )
    tables = empty_tables(column_of, factors, triples=triples)
    kernels.count_originals(source.rows, source.row_ends, *tables[:2])
    own = np.arange(len(keep))
    tables[0][own, own, 0] = counts[keep]
    kernels.weigh(*tables)
    most = min(MOST_HOLDERS, max(FEWEST_HOLDERS, HOLDERS // max(1, len(codes))))
    work = Work(
        keep=keep,
        source=source,
        tables=tables,
        k=k,
        rng=rng,
        most=most,
        supports=2 * len(codes) + most,
        values=np.empty(0, dtype=np.int32),
        ends=np.empty(0, dtype=np.int64),
    )
    return work, counts[keep]


def _like_beside_like(numbered: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the order in which records that share values stand together, by frequent ones first.

    Who holds values together then stands in few words of bits and near one another in memory.
    """
    together = [float((np.bincount(one[one >= 0]) ** 2.0).sum()) for one in numbered.T]
    return np.lexsort(numbered.T[np.argsort(together, kind="stable")])


def _begin(work: Work, left: NDArray[np.int64], step: Step) -> None:
    """Make records of parts of the real ones, each once, while their values are wanted."""
    order = work.rng.permutation(len(work.source.row_ends))
    _grow(work, order, left, int(left.sum()), False, step)


def _draw(work: Work, records: int, step: Step) -> None:
    """Make so many records of parts of real ones drawn by chance, counts aside."""
    lengths = np.diff(work.source.row_ends, prepend=0)
    some = np.flatnonzero(lengths)
    if not len(some):
        return
    order = work.rng.choice(some, records)
    _grow(work, order, np.full(len(work.keep), records + 1), int(lengths[order].sum()), True, step)


def _grow(
    work: Work,
    order: NDArray[np.int64],
    left: NDArray[np.int64],
    most: int,
    alone: bool,
    step: Step,
) -> None:
    """Make a record of a part of each of the real ones in `order`."""
    values, ends, done = room(most)
    for at in range(0, len(order), CHUNK):
        kernels.begin(
            order[at : at + CHUNK], alone, left, *work.source.arguments, *work.tables,
            *work.taste, values, ends, done,
        )  # fmt: skip
        step(0)
    work.append(values[: int(done[1])], ends[: int(done[0])])
