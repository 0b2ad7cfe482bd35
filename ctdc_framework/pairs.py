"""The original beside what would be published: what every measure looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from ctdc_framework.tables import Shape, Table

if TYPE_CHECKING:
    from ctdc_framework.counting import Combinations


@frozen(kw_only=True, eq=False)
class Pair:
    """The prepared original beside what a candidate would publish, records or counts.

    `length` is the longest combination that a table of counts holds; 0 for records.
    """

    original: Table
    candidate: Table
    k: int
    length: int = 0
    _counted: dict[int, Combinations] = field(factory=dict, init=False, repr=False)

    @property
    def is_counts(self) -> bool:
        """Whether the candidate is a table of counts."""
        return self.candidate.shape is Shape.COUNTS

    def combinations(self, length: int) -> Combinations:
        """Count all combinations up to a length: column 0 in the original, column 1 published.

        In a table of counts, what is not shown is 0. The count is kept, so that measures which
        ask for the same length share it. Raises `ValueError` where the table of counts is
        shorter than `length`.
        """
        if self.is_counts and length > self.length:
            raise ValueError("the tables hold no combinations of this length")
        if length not in self._counted:
            self._counted[length] = self._count(length)
        return self._counted[length]

    def _count(self, length: int) -> Combinations:
        from ctdc_framework.counting import count_combinations

        original, sizes = self.original.codes, self.original.sizes
        if not self.is_counts:
            return count_combinations([original, self.candidate.codes], sizes, length)
        return _beside(count_combinations([original], sizes, length), self.candidate)


def _beside(true: Combinations, shown: Table) -> Combinations:
    """Put published counts beside true ones, in the canonical order; what is not shown is 0."""
    import numpy as np

    from ctdc_framework.counting import Combinations

    rows, columns = np.nonzero(shown.codes >= 0)
    lengths = np.bincount(rows, minlength=len(shown))
    wanted = (lengths > 0) & (lengths <= true.values.shape[1])
    # Where a value stands in its combination: its rank among the row's values.
    place = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    held = wanted[rows]
    values = np.full((len(shown), true.values.shape[1]), -1, dtype=np.int32)
    numbers = true.offsets[columns] + shown.codes[rows, columns]
    values[rows[held], place[held]] = numbers[held]

    both = np.concatenate([true.values, values[wanted]])
    counts = np.zeros((len(both), 2), dtype=np.int64)
    counts[: len(true), 0] = true.counts[:, 0]
    counts[len(true) :, 1] = shown.counts[wanted]
    order = np.lexsort([*both.T[::-1], np.count_nonzero(both >= 0, axis=1)])
    both, counts = both[order], counts[order]
    first = np.ones(len(both), dtype=bool)
    first[1:] = (both[1:] != both[:-1]).any(axis=1)
    if not len(both):
        return Combinations(both, counts, true.offsets)
    summed = np.add.reduceat(counts, np.flatnonzero(first), axis=0)
    return Combinations(both[first], summed, true.offsets)
