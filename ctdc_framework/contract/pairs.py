"""The original beside what would be published: what every measure looks at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from ctdc_framework.contract.results import StageRecord
from ctdc_framework.contract.scenario import Scenario
from ctdc_framework.records.tables import Shape, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctdc_framework.counting.combinations import Combinations


@frozen(kw_only=True, eq=False)
class Pair:
    """The prepared original beside what a candidate would publish, records or counts.

    `length` is the longest combination that a table of counts holds; 0 for records. `stages` are
    those of the chain that made the candidate. `holdout` are records that the candidate was made
    without, in the original's columns, for measures that ask for them.
    """

    original: Table
    candidate: Table
    k: int
    length: int = 0
    stages: tuple[StageRecord, ...] = ()
    scenario: Scenario = Scenario()
    holdout: Table | None = None
    _counted: dict[int, Combinations] = field(factory=dict, init=False, repr=False)

    @property
    def is_counts(self) -> bool:
        """Whether the candidate is a table of counts."""
        return self.candidate.shape is Shape.COUNTS

    @cached_property
    def known(self) -> list[int]:
        """The original's columns that an attacker knows, by the scenario."""
        return self.original.column_numbers(self.scenario.known_in(self.original.codebook))

    @cached_property
    def sensitive(self) -> list[int]:
        """The original's columns that an attacker would learn, by the scenario."""
        return self.original.column_numbers(self.scenario.sensitive_in(self.original.codebook))

    @cached_property
    def groups(self) -> list[int]:
        """The original's columns by whose values errors are told apart, by the scenario."""
        return self.original.column_numbers(self.scenario.groups_in(self.original.codebook))

    def combinations(self, length: int) -> Combinations:
        """Count all combinations up to a length: column 0 in the original, column 1 published.

        In a table of counts, what is not shown is 0, and so is what an original column would
        hold that the candidate has not. A combination with generalised values, which only the
        candidate can have, is held by the original records that hold values below them. The count
        is kept, so that measures which ask for the same length share it. Raises `ValueError` where
        the table of counts is shorter than `length`.
        """
        if self.is_counts and length > self.length:
            raise ValueError("the tables hold no combinations of this length")
        if length not in self._counted:
            self._counted[length] = self._count(length)
        return self._counted[length]

    def _count(self, length: int) -> Combinations:
        from ctdc_framework.counting.combinations import count_combinations

        original, sizes = self.original.codes, self.original.sizes
        codes = self.candidate_codes
        if self.is_counts:
            true = count_combinations([original], sizes, length)
            found = _beside(true, codes, self.candidate.counts)
        else:
            found = count_combinations([original, codes], sizes, length)
        return self._with_support(found)

    def _with_support(self, found: Combinations) -> Combinations:
        """Count anew, in the original, the combinations that have generalised values."""
        import numpy as np

        from ctdc_framework.counting.combinations import combination_support

        general = self.generalised(found)
        if not general.any():
            return found
        asked = np.full((int(general.sum()), len(self.original.columns)), -1, dtype=np.int16)
        columns, codes = found.columns[general], found.codes[general]
        for place in range(columns.shape[1]):
            used = np.flatnonzero(columns[:, place] >= 0)
            asked[used, columns[used, place]] = codes[used, place]
        counts = found.counts.copy()
        counts[general, 0] = combination_support(
            self.original.codes, self.original.sizes, asked, self.original.generalised
        )
        return evolve(found, counts=counts)

    def generalised(self, found: Combinations) -> NDArray[np.bool_]:
        """Tell which combinations have a generalised value: no original record is written so."""
        import numpy as np

        general = np.zeros(found.offsets[-1] + 1, dtype=bool)  # the last is what -1 reaches
        for column, code in self.original.generalised:
            general[found.offsets[column] + code] = True
        mask: NDArray[np.bool_] = np.any(general[found.values], axis=1)
        return mask

    @cached_property
    def candidate_codes(self) -> NDArray[np.int16]:
        """The candidate's codes in the original's columns; one left out is all missing."""
        import numpy as np

        numbers = {column.name: n for n, column in enumerate(self.candidate.columns)}
        names = [column.name for column in self.original.columns]
        if not numbers.keys() <= set(names):
            raise ValueError("the candidate has columns that the original lacks")
        empty = np.full(len(self.candidate), -1, dtype=np.int16)
        codes = self.candidate.codes
        columns = [codes[:, numbers[name]] if name in numbers else empty for name in names]
        return np.column_stack(columns) if columns else codes


def _beside(true: Combinations, codes: NDArray[np.int16], shown: NDArray[np.int64]) -> Combinations:
    """Put published counts beside true ones, in the canonical order; what is not shown is 0."""
    import numpy as np

    from ctdc_framework.counting.combinations import Combinations

    rows, columns = np.nonzero(codes >= 0)
    lengths = np.bincount(rows, minlength=len(codes))
    wanted = (lengths > 0) & (lengths <= true.values.shape[1])
    # Where a value stands in its combination: its rank among the row's values.
    place = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    held = wanted[rows]
    values = np.full((len(codes), true.values.shape[1]), -1, dtype=np.int32)
    numbers = true.offsets[columns] + codes[rows, columns]
    values[rows[held], place[held]] = numbers[held]

    both = np.concatenate([true.values, values[wanted]])
    counts = np.zeros((len(both), 2), dtype=np.int64)
    counts[: len(true), 0] = true.counts[:, 0]
    counts[len(true) :, 1] = shown[wanted]
    order = np.lexsort([*both.T[::-1], np.count_nonzero(both >= 0, axis=1)])
    both, counts = both[order], counts[order]
    first = np.ones(len(both), dtype=bool)
    first[1:] = (both[1:] != both[:-1]).any(axis=1)
    if not len(both):
        return Combinations(both, counts, true.offsets)
    summed = np.add.reduceat(counts, np.flatnonzero(first), axis=0)
    return Combinations(both[first], summed, true.offsets)
