"""Cell suppression against who knows at most m things of a person (k^m-anonymity).

Values are left out until k released records or more hold every combination of up to m values that
one of them holds (Terrovitis, Mamoulis and Kalnis 2008, there by generalisation of items). That
alone would not do for a table: who knows a person's two values, and finds them in no record,
looks for records that show one of them and a blank. So values are left out, too, until whatever m
values an original record holds fit k released records, a blank fitting anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ctdc_framework.plugin import StrategyError, count_combinations, value_bitsets
from ctdc_k_anonymization.subset_kernels import restore, settle, tabulate, too_few

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1 << 64
"""A combination is one number below it."""


def suppress(
    codes: NDArray[np.int16],
    sizes: Sequence[int],
    k: int,
    known: int,
    weights: Sequence[float] = (),
    fixed: Sequence[bool] = (),
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Leave values out until any `known` of a record's values are shared by at least k.

    `codes` (records, columns) are -1 where missing; a missing value is part of no combination. A
    fixed column is left as it is; a record whose fixed values alone are too rare is left out. Gives
    the codes, and which records are left out, which then have none. The result follows from the
    records, not from their order. Raises `StrategyError` where a combination is no 64-bit number.

    >>> rows = np.array([[0, 0], [0, 0], [1, 1], [1, 0], [1, 1], [0, -1]], np.int16)
    >>> suppress(rows, [2, 2], k=2, known=2)[0].tolist()
    [[0, 0], [0, 0], [1, 1], [1, -1], [1, 1], [0, -1]]
    """
    order = np.lexsort(codes.T[::-1])
    full = np.ascontiguousarray(codes[order])
    rows = full.copy()
    out = np.zeros(len(rows), bool)
    search = _Search(
        sizes=sizes,
        k=k,
        weights=np.array(weights or [1.0] * len(sizes)),
        fixed=np.array(fixed or [False] * len(sizes), bool),
    )
    for length in range(1, known + 1):
        search.settle(rows, full, out, length)
    while search.blank(rows, full, out, known):
        search.settle(rows, rows, out, known)
    back = np.argsort(order)
    return rows[back], out[back]


class _Search:
    """What stays the same while values are left out."""

    def __init__(
        self,
        *,
        sizes: Sequence[int],
        k: int,
        weights: NDArray[np.float64],
        fixed: NDArray[np.bool_],
    ) -> None:
        self.sizes, self.k, self.weights, self.fixed = sizes, k, weights, fixed
        self.offsets = np.cumsum([0, *sizes])

    def settle(
        self, rows: NDArray[np.int16], full: NDArray[np.int16], out: NDArray[np.bool_], length: int
    ) -> None:
        """Leave out until no combination is too rare; give back of `full` what can be."""
        found = count_combinations([rows], self.sizes, length)
        counts = np.ascontiguousarray(found.counts[:, 0])
        base = int(self.offsets[-1]) + 1
        if base**length > LARGEST:
            raise StrategyError(
                f"the keys have too many different values for combinations of {length} of them",
                help="choose a smaller `known`, or fewer keys",
            )
        size = 1 << max(2 * len(counts), 1).bit_length()
        keys, held = tabulate(found.values, counts, np.uint64(base), size)
        singles = np.zeros(base, np.int64)
        alone = (found.values >= 0).sum(axis=1) == 1
        singles[found.values[alone, 0]] = counts[alone]
        shown, whole = self._numbered(rows), self._numbered(full)
        bits = value_bitsets(rows, self.sizes)
        table = keys, held, np.uint64(base), self.k, length
        settle(shown, out, self.weights, self.fixed, bits, singles, *table)
        restore(shown, whole, out, np.argsort(-self.weights, kind="stable"), *table)
        rows[:] = np.where(shown >= 0, full, -1)

    def _numbered(self, rows: NDArray[np.int16]) -> NDArray[np.int32]:
        return np.where(rows >= 0, rows + self.offsets[:-1], -1).astype(np.int32)

    def blank(
        self, rows: NDArray[np.int16], full: NDArray[np.int16], out: NDArray[np.bool_], known: int
    ) -> bool:
        """Blank values of others where a record's true ones fit too few; say whether any did."""
        true = full.copy()
        true[out] = -1
        found = count_combinations([true, rows], self.sizes, known)
        asked = found.values[(found.counts[:, 0] > 0) & (found.counts[:, 1] < self.k)]
        bits = value_bitsets(rows, self.sizes)
        blank = np.where((rows < 0) & ~out[:, None], 0, -1).astype(np.int16)
        anything = value_bitsets(blank, [1] * len(self.sizes))
        bits |= np.repeat(anything, self.sizes, axis=0)  # a blank fits any value of its column
        lacking = asked[too_few(np.ascontiguousarray(asked), bits, self.k)]
        for values in lacking.tolist():
            self._fit(rows, full, out, [value for value in values if value >= 0])
        return bool(len(lacking))

    def _fit(
        self,
        rows: NDArray[np.int16],
        full: NDArray[np.int16],
        out: NDArray[np.bool_],
        values: Sequence[int],
    ) -> None:
        """Make a combination fit k records by blanking least; else leave out who holds it."""
        columns = np.searchsorted(self.offsets, values, side="right") - 1
        codes = np.array(values) - self.offsets[columns]
        unlike = (rows[:, columns] >= 0) & (rows[:, columns] != codes)
        price = np.where(self.fixed[columns], np.inf, self.weights[columns])
        cost = np.where(unlike, price, 0.0).sum(axis=1)
        cost[out] = np.inf
        nearest = np.argsort(cost, kind="stable")[: self.k]
        if len(nearest) < self.k or np.isinf(cost[nearest[-1]]):
            holders = (full[:, columns] == codes).all(axis=1)
            out[holders] = True
            rows[holders] = -1
            return
        for record in nearest.tolist():
            rows[record, columns[unlike[record]]] = -1
