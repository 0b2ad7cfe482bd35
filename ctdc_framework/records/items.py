"""What the gate looks at: the original and what would be published, as plain items.

A second, plain path on purpose: it reads texts, knows nothing of codes, kernels or caches, and
shares no code with the strategies or the counter, so that one bug cannot pass both.

Records are looked at as sets of items, (variable, value) pairs. The original is kept as one row
of bits for each item; the support of a set is the number of bits in the AND of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from attrs import field, frozen

from ctdc_framework.codebook.model import COUNT, Codebook
from ctdc_framework.records.tables import Shape, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Item = tuple[str, str]
"""A variable and one value of it."""

Items = tuple[Item, ...]
"""A record's or a combination's values, in codebook order."""


@frozen(kw_only=True, eq=False)
class Original:
    """The prepared original as rows of bits, one for each item that occurs."""

    codebook: Codebook = field(repr=lambda codebook: codebook.id)
    rows: int
    bits: dict[Item, NDArray[np.uint64]] = field(repr=False)
    _holders: dict[Item, NDArray[np.uint64]] = field(factory=dict, init=False, repr=False)

    def supports(self, combinations: Sequence[Items]) -> list[int]:
        """Count the original records that hold each combination; all hold the empty one.

        Combinations are gone through in sorted order, so that those with a common beginning share
        its ANDs.
        """
        import numpy as np

        found = [0] * len(combinations)
        path: list[Item] = []
        ands: list[NDArray[np.uint64]] = []
        for number in sorted(range(len(combinations)), key=combinations.__getitem__):
            items = combinations[number]
            same = 0
            for ours, theirs in zip(path, items, strict=False):
                if ours != theirs:
                    break
                same += 1
            del path[same:], ands[same:]
            for item in islice(items, same, None):
                row = self.holders(item)
                ands.append(ands[-1] & row if ands else row)
                path.append(item)
            found[number] = int(np.bitwise_count(ands[-1]).sum()) if ands else self.rows
        return found

    def holders(self, item: Item) -> NDArray[np.uint64]:
        """Give the records that hold an item: a generalised value is held by any below it, too."""
        import numpy as np

        if item not in self._holders:
            variable, value = item
            covers = self.codebook.release_domains.get(variable, {})
            row = np.zeros((self.rows + 63) // 64, dtype=np.uint64)
            for one, members in covers.items():
                if members <= covers.get(value, frozenset()) and (variable, one) in self.bits:
                    row |= self.bits[variable, one]
            self._holders[item] = row
        return self._holders[item]

    def held(self, item: Item) -> int:
        """Count the records that hold an item itself, and not one below it."""
        import numpy as np

        return int(np.bitwise_count(self.bits[item]).sum()) if item in self.bits else 0

    @cached_property
    def singles(self) -> dict[Item, int]:
        """How many records hold each item that occurs."""
        items = list(self.bits)
        return dict(zip(items, self.supports([(item,) for item in items]), strict=True))


@frozen(kw_only=True, eq=False)
class OriginalCounts:
    """A stage's input that is itself counts: what it does not show is 0."""

    codebook: Codebook = field(repr=lambda codebook: codebook.id)
    counts: dict[Items, int] = field(repr=False)

    def supports(self, combinations: Sequence[Items]) -> list[int]:
        """Give the count of each combination."""
        return [self.counts.get(items, 0) for items in combinations]

    @property
    def singles(self) -> dict[Item, int]:
        """The counts of single values."""
        return {items[0]: count for items, count in self.counts.items() if len(items) == 1}


AnyOriginal = Original | OriginalCounts


@frozen(kw_only=True, eq=False)
class Published:
    """What would be published, as plain items: records, or combinations with their counts."""

    records: Sequence[Items] | None = field(default=None, repr=False)
    combinations: Sequence[tuple[Items, int]] | None = field(default=None, repr=False)
    _true: dict[AnyOriginal, Sequence[int]] = field(factory=dict, init=False, repr=False)

    def true_counts(self, original: AnyOriginal) -> Sequence[int]:
        """Count what each combination truly stands for; kept, as several claims ask."""
        if original not in self._true:
            asked = [items for items, _ in self.combinations or ()]
            self._true[original] = original.supports(asked)
        return self._true[original]


def original_of(table: Table) -> AnyOriginal:
    """Take what a stage or a release starts from apart: records into rows of bits."""
    import numpy as np

    if table.shape is Shape.COUNTS:
        combinations = published_of(table).combinations or ()
        return OriginalCounts(codebook=table.codebook, counts=dict(combinations))
    rows = len(table.frame)
    bits = {}
    for column in table.columns:
        values = table.frame[column.name].astype(object).to_numpy()
        for value in sorted({value for value in values if isinstance(value, str)}):
            packed = np.packbits(values == value)
            padded = np.zeros((rows + 63) // 64 * 8, dtype=np.uint8)
            padded[: len(packed)] = packed
            bits[column.variable, column.value or value] = padded.view(np.uint64)
    return Original(codebook=table.codebook, rows=rows, bits=bits)


def published_of(table: Table) -> Published:
    """Take a table apart as if it had been read from its file."""
    rows: list[list[Item]] = [[] for _ in range(len(table.frame))]
    for column in table.columns:
        known = table.frame[column.name].dropna()
        for number, value in zip(known.index.tolist(), known.astype(object), strict=True):
            rows[number].append((column.variable, column.value or value))
    items = [tuple(row) for row in rows]
    if table.shape is Shape.RECORDS:
        return Published(records=items)
    counts = [int(count) for count in table.frame[COUNT]]
    return Published(combinations=list(zip(items, counts, strict=True)))
