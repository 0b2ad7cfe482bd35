"""k-synthesis for those who never see the records: from counts of combinations to records.

What no table shows cannot be known: a record is built of combinations that the tables show, and
longer ones are whatever comes of it. The idea is that of the aggregate-seeded synthesis of
Microsoft's Synthetic Data Showcase; joining and passes are those of k-synthesis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ctdc_framework.plugin import Progress
from ctdc_k_synthesis import kernels
from ctdc_k_synthesis.work import (
    REWARD,
    Source,
    Steps,
    Synthetic,
    Work,
    empty_tables,
    improve,
    join,
    number_values,
    passes_for,
    released,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def synthesise_from_counts(
    codes: NDArray[np.int16],
    counts: NDArray[np.int64],
    sizes: Sequence[int],
    k: int,
    rng: np.random.Generator,
    progress: Progress,
    *,
    length: int = 3,
    effort: int = 50,
    records: int | None = None,
    weights: Sequence[float] | None = None,
) -> Synthetic:
    """Make records of which every combination of up to `length` values is counted k times.

    codes: (combinations, columns), -1 = not part of it; column j has codes 0 to sizes[j] - 1.
    counts: (combinations,); what is not among them counts 0. records: how many are drawn of
    those that the counts give; left out: all. weights: a factor > 0 for each column.
    No value is used more often than its count, rounded down to a multiple of k. Combinations of
    two and three values are kept as near to their counts as `effort` passes find; longer ones
    are as they come. Rows come in random order. The same generator state gives the same rows.
    Raises `StrategyError` where there are too many values.
    """
    factors = np.ones(len(sizes)) if weights is None else np.asarray(weights, dtype=float)
    work, singles = _number(codes, counts, sizes, k, rng, length, factors)
    left = singles // k * k
    total = int(left.sum())
    steps = Steps(progress, total * (effort + 1))
    work.append(*join(work, left, steps)[:2])
    steps.reach(total)
    passes = passes_for(len(work.ends), effort) if len(work.ends) else 0
    improved = 0
    for number in range(passes):
        improved += improve(work, steps)
        steps.reach(total * (effort * (number + 1) // passes + 1))
    steps.reach(steps.total)
    made = released(work, sizes, improved)
    if records is None:
        return made
    return Synthetic(codes=made.codes[:records], improved=improved)  # in random order already


def _number(
    codes: NDArray[np.int16],
    counts: NDArray[np.int64],
    sizes: Sequence[int],
    k: int,
    rng: np.random.Generator,
    length: int,
    factors: NDArray[np.float64],
) -> tuple[Work, NDArray[np.int64]]:
    """Number the values counted at least k times, lay the counts out; give those of values."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    lengths = (codes >= 0).sum(axis=1)
    singles = np.zeros(offsets[-1], dtype=np.int64)
    alone = np.flatnonzero(lengths == 1)
    column = (codes[alone] >= 0).argmax(axis=1)
    singles[offsets[column] + codes[alone, column]] = counts[alone]
    keep, column_of, number = number_values(singles, sizes, k)
    tables = empty_tables(column_of, factors, triples=length > 2)
    many = len(keep)
    shown: dict[int, tuple[Any, Any]] = {}
    for size in range(2, min(length, len(sizes)) + 1):
        rows = np.flatnonzero((lengths == size) & (counts >= k))
        places = offsets[:-1] + codes[rows]
        values = number[places[codes[rows] >= 0].reshape(-1, size)]  # ascending in each row
        known = (values >= 0).all(axis=1)
        shown[size] = values[known], counts[rows[known]]
    own = np.arange(many)
    tables[0][own, own, 0] = singles[keep]
    if 2 in shown:
        (a, b), n = shown[2][0].T, shown[2][1]
        tables[0][a, b, 0] = tables[0][b, a, 0] = n
    if 3 in shown and len(tables[1]):
        (a, b, c), n = shown[3][0].T, shown[3][1]
        tables[1][a + b * (b - 1) // 2 + c * (c - 1) * (c - 2) // 6, 0] = n
    kernels.weigh(*tables)
    source = Source(
        column_of=column_of,
        bits=np.empty((many, 0), dtype=np.uint64),
        rows=np.empty(0, dtype=np.int16),
        row_ends=np.empty(0, dtype=np.int64),
        listed=_listed([values for values, _ in shown.values()], many),
        reach=length,
    )
    work = Work(
        keep=keep,
        source=source,
        tables=tables,
        k=k,
        rng=rng,
        most=1,
        supports=int(singles.max(initial=0)),
        values=np.empty(0, dtype=np.int32),
        ends=np.empty(0, dtype=np.int64),
        # Where pairs alone are known any value finds a place, and the reward only misleads.
        reward=REWARD if length > 2 else 0.0,
    )
    return work, singles[keep]


def _listed(shown: Sequence[NDArray[np.int64]], many: int) -> NDArray[np.int64]:
    """Number combinations by the one without their last value; see `kernels.is_listed`.

    One without its beginning in the list is left out: no record may hold it.
    """
    listed: list[NDArray[np.int64]] = []
    for values in shown:
        node = values[:, 0]
        rows = np.arange(len(values))
        before = np.concatenate([np.empty(0, dtype=np.int64), *listed])
        for at in range(1, values.shape[1] - 1):
            node = _find(before, node * many + values[rows, at], many)
            rows, node = rows[node >= 0], node[node >= 0]
        listed.append(np.sort(node * many + values[rows, -1]))
    return np.concatenate([np.empty(0, dtype=np.int64), *listed])


def _find(listed: NDArray[np.int64], keys: NDArray[np.int64], many: int) -> NDArray[np.int64]:
    """Give the numbers of combinations by their keys, -1 for those not in the list."""
    if not len(listed):
        return np.full(len(keys), -1, dtype=np.int64)
    rows = np.minimum(np.searchsorted(listed, keys), len(listed) - 1)
    return np.where(listed[rows] == keys, many + rows, -1)
