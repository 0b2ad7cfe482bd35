"""The gate: recount every claim on what is about to be published.

A second, plain path on purpose: it reads texts, knows nothing of codes, kernels or caches, and
shares no code with the strategies or the counter, so that one bug cannot pass both.

Records are looked at as sets of items, (variable, value) pairs. The original is kept as one row
of bits for each item; the support of a set is the number of bits in the AND of its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property, singledispatch
from itertools import islice
from typing import TYPE_CHECKING

from attrs import field, frozen

from ctdc_framework.claims import (
    Claim,
    KAnonymity,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    RecordSupport,
    SingleCounts,
    Threshold,
)
from ctdc_framework.codebook import Codebook
from ctdc_framework.errors import tell_rows
from ctdc_framework.tables import COUNT, Shape, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Item = tuple[str, str]
"""A variable and one value of it."""

Items = tuple[Item, ...]
"""A record's or a combination's values, in codebook order."""

NO_RECORDS, NO_COUNTS = "no records would be published", "no counts would be published"


@frozen(kw_only=True, eq=False)
class Original:
    """The prepared original as rows of bits, one for each item that occurs."""

    codebook: Codebook = field(repr=lambda codebook: codebook.id)
    rows: int
    bits: dict[Item, NDArray[np.uint64]] = field(repr=False)

    def supports(self, combinations: Sequence[Items]) -> list[int]:
        """Count the original records that hold each combination; all hold the empty one.

        Combinations are gone through in sorted order, so that those with a common beginning share
        its ANDs.
        """
        import numpy as np

        found = [0] * len(combinations)
        none = np.zeros((self.rows + 63) // 64, dtype=np.uint64)
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
                row = self.bits.get(item, none)
                ands.append(ands[-1] & row if ands else row)
                path.append(item)
            found[number] = int(np.bitwise_count(ands[-1]).sum()) if ands else self.rows
        return found

    @cached_property
    def singles(self) -> dict[Item, int]:
        """How many records hold each item."""
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


@frozen(kw_only=True)
class Finding:
    """What a recount of one claim gave; `message` holds no value and no small number."""

    claim: Claim
    holds: bool
    message: str = ""


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


def recount(claim: Claim, original: AnyOriginal, published: Published) -> Finding:
    """Recount one claim on what would be published; a claim without a recount does not hold.

    A subclass of a claim is none: its sentence could promise what nobody recounts.
    """
    if type(claim) not in _recount.registry:
        return Finding(claim=claim, holds=False, message="there is no recount of it")
    holds, message = _recount(claim, original, published)
    return Finding(claim=claim, holds=holds, message="" if holds else message)


def repeated(published: Published) -> int:
    """Count the combinations that would be published more than once: two counts tell too much."""
    combinations = published.combinations or ()
    return len(combinations) - len({frozenset(items) for items, _ in combinations})


def outside_domains(codebook: Codebook, published: Published) -> list[str]:
    """Name the variables of which a value would be published that is not in their domain."""
    pairs = {item for items in published.records or () for item in items}
    pairs |= {item for items, _ in published.combinations or () for item in items}
    return sorted(
        {
            variable
            for variable, value in pairs
            if variable not in codebook.variables or value not in codebook.domain_of(variable).known
        }
    )


@singledispatch
def _recount(claim: Claim, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    raise TypeError("recount() has looked the claim up")


@_recount.register
def _(claim: NoClaim, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    return True, ""


@_recount.register
def _(claim: RecordSupport, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    distinct = Counter(published.records)
    combinations = list(distinct)
    bad = sum(
        distinct[items]
        for items, support in zip(combinations, original.supports(combinations), strict=True)
        if support < claim.k
    )
    return not bad, (
        f"{_rows(bad, claim.k, original)} of the release are held by fewer than {claim.k} "
        "original records"
    )


@_recount.register
def _(claim: SingleCounts, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    released = Counter(item for items in published.records for item in items)
    true = original.singles
    wrong = {
        item[0]
        for item in released.keys() | true.keys()
        if released[item] != true.get(item, 0) // claim.k * claim.k
    }
    return not wrong, (
        f"the counts of {', '.join(sorted(wrong)[:5])} are not the original ones rounded down to "
        f"multiples of {claim.k}"
    )


@_recount.register
def _(claim: KAnonymity, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    if claim.missing != "itself":
        return False, "there is no recount where missing values match anything"
    keys = set(claim.columns)
    if not keys <= original.codebook.variables.keys():
        return False, "it names what is no variable of the codebook"
    classes = Counter(
        tuple(item for item in items if item[0] in keys) for items in published.records
    )
    bad = sum(size for size in classes.values() if size < claim.k)
    return not bad, (
        f"{_rows(bad, claim.k, original)} share their values with fewer than {claim.k - 1} others"
    )


@_recount.register
def _(claim: MultipleOf, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.combinations is None:
        return False, NO_COUNTS
    bad = sum(count % claim.base != 0 or count < 0 for _, count in published.combinations)
    return not bad, (
        f"{_rows(bad, claim.base, original)} hold a count that is no multiple of {claim.base}"
    )


@_recount.register
def _(claim: Threshold, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.combinations is None:
        return False, NO_COUNTS
    bad = sum(true < claim.k for true in published.true_counts(original))
    return not bad, (
        f"{_rows(bad, claim.k, original)} show a combination of fewer than {claim.k} original "
        "records"
    )


@_recount.register
def _(claim: MaxDeviation, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.combinations is None:
        return False, NO_COUNTS
    shown = [count for _, count in published.combinations]
    true = published.true_counts(original)
    bad = sum(abs(m - n) > claim.d for m, n in zip(shown, true, strict=True))
    return not bad, (
        f"{_rows(bad, claim.d + 1, original)} hold a count further than {claim.d} from the true one"
    )


def _rows(bad: int, coarse: int, original: AnyOriginal) -> str:
    """Tell how many rows a claim fails on, no finer than the codebook's k."""
    return tell_rows(bad, max(coarse, original.codebook.k))
