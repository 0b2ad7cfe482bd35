"""The recount of each claim on what is about to be published, on plain items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from functools import singledispatch
from itertools import combinations

from attrs import frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import one_of, tell_rows
from ctdc_framework.promises.additivity import all_known, sums
from ctdc_framework.promises.claims import (
    Additive,
    Claim,
    CombinationSupport,
    DifferentialPrivacy,
    KAnonymity,
    KmAnonymity,
    LDiversity,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    RecordSupport,
    SingleCounts,
    SingleCountsAtMost,
    TCloseness,
    Threshold,
)
from ctdc_framework.promises.sensitive import NEAR, distance, is_diverse
from ctdc_framework.records.items import AnyOriginal, Items, Original, Published

NO_RECORDS, NO_COUNTS = "no records would be published", "no counts would be published"
NO_VARIABLE = "it names what is no variable of the codebook"


@frozen(kw_only=True)
class Finding:
    """What a recount of one claim gave; `message` holds no value and no small number."""

    claim: Claim
    holds: bool
    message: str = ""


def recount(claim: Claim, original: AnyOriginal, published: Published) -> Finding:
    """Recount one claim on what would be published; a claim without a recount does not hold.

    A subclass of a claim is none: its sentence could promise what nobody recounts.
    """
    if type(claim) not in _recount.registry:
        return Finding(claim=claim, holds=False, message="there is no recount of it")
    holds, message = _recount(claim, original, published)
    return Finding(claim=claim, holds=holds, message="" if holds else message)


@singledispatch
def _recount(claim: Claim, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    raise TypeError("recount() has looked the claim up")


@_recount.register
def _(claim: NoClaim, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    return True, ""


@_recount.register
def _(claim: DifferentialPrivacy, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    return True, ""  # a property of the mechanism: no file shows it


@_recount.register
def _(claim: RecordSupport, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    rare = _rare(original, published.records, claim.k)
    bad = sum(items in rare for items in published.records)
    return not bad, (
        f"{_rows(bad, claim.k, original)} of the release are held by fewer than {claim.k} "
        "original records"
    )


@_recount.register
def _(claim: CombinationSupport, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    parts = {  # the longest alone: shorter ones are held by no fewer
        items: list(combinations(items, min(claim.length, len(items))))
        for items in set(published.records)
    }
    rare = _rare(original, (part for found in parts.values() for part in found), claim.k)
    bad = sum(any(part in rare for part in parts[items]) for items in published.records)
    return not bad, (
        f"{_rows(bad, claim.k, original)} of the release hold a combination of up to "
        f"{claim.length} values that fewer than {claim.k} original records hold"
    )


def _rare(original: AnyOriginal, asked: Iterable[Items], k: int) -> set[Items]:
    """Give those combinations that fewer than k original records hold."""
    distinct = list(dict.fromkeys(asked))
    supports = original.supports(distinct)
    return {items for items, n in zip(distinct, supports, strict=True) if n < k}


@_recount.register
def _(claim: SingleCounts, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    if not set(claim.columns) <= original.codebook.variables.keys():
        return False, NO_VARIABLE
    released = Counter(item for items in published.records for item in items)
    true = original.singles
    wrong = {
        item[0]
        for item in released.keys() | true.keys()
        if (not claim.columns or item[0] in claim.columns)
        and released[item] != true.get(item, 0) // claim.k * claim.k
    }
    return not wrong, (
        f"the counts of {_named(wrong)} are not the original ones rounded down to "
        f"multiples of {claim.k}"
    )


@_recount.register
def _(claim: SingleCountsAtMost, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    released = Counter(item for items in published.records for item in items)
    true = original.supports([(item,) for item in released])
    wrong = {item[0] for item, n in zip(released, true, strict=True) if released[item] > n}
    return not wrong, f"values of {_named(wrong)} occur more often than in the original records"


@_recount.register
def _(claim: KAnonymity, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    keys, variables = set(claim.columns), original.codebook.variables
    if not keys <= variables.keys():
        return False, NO_VARIABLE
    if claim.missing == "itself":
        bad = sum(small_classes(published.records, keys, claim.k))
    else:
        everywhere = claim.missing == "anything"
        wild = {n for n in keys if everywhere or variables[n].missing_matches == "anything"}
        bad = incompatible(published.records, keys, wild, claim.k)
    return not bad, (
        f"{_rows(bad, claim.k, original)} share their values with fewer than {claim.k - 1} others"
    )


@_recount.register
def _(claim: KmAnonymity, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    keys = set(claim.columns)
    if not keys <= original.codebook.variables.keys():
        return False, NO_VARIABLE
    rows = Counter(
        tuple(sorted({item for item in items if item[0] in keys})) for items in published.records
    )
    held: Counter[Items] = Counter()
    for items, n in rows.items():
        for part in _parts(items, claim.known):
            held[part] += n
    rare = {part for part, n in held.items() if n < claim.k}
    bad = 0
    if rare:
        wrong = (any(part in rare for part in _parts(items, claim.known)) for items in rows)
        bad = sum(n for n, is_wrong in zip(rows.values(), wrong, strict=True) if is_wrong)
    return not rare, (
        f"{_rows(bad, claim.k, original)} of the release hold a combination of up to "
        f"{claim.known} values that fewer than {claim.k} of them hold"
    )


def _parts(items: Items, most: int) -> Iterable[Items]:
    """Give every combination of one to so many of a record's items."""
    for length in range(1, most + 1):
        yield from combinations(items, length)


def small_classes(records: Sequence[Items], keys: Set[str], k: int) -> list[int]:
    """Give the sizes of the equivalence classes that fewer than k records are in."""
    classes = Counter(tuple(item for item in items if item[0] in keys) for items in records)
    return [size for size in classes.values() if size < k]


def incompatible(records: Sequence[Items], keys: Set[str], wild: Set[str], k: int) -> int:
    """Count the records that are compatible with fewer than k, themselves among them.

    Two are compatible if they hold the same of each key; of a wild one, or if either has nothing.
    """
    holders: dict[tuple[str, Items], bytearray] = {}
    classes: Counter[tuple[tuple[str, Items], ...]] = Counter()
    for number, items in enumerate(records):
        held: dict[str, Items] = dict.fromkeys(keys, ())
        for item in items:
            if item[0] in keys:
                held[item[0]] += (item,)
        row = tuple(held.items())
        for cell in row:
            bits = holders.setdefault(cell, bytearray(len(records) // 8 + 1))
            bits[number // 8] |= 1 << number % 8
        classes[row] += 1
    masks = {cell: int.from_bytes(bits, "little") for cell, bits in holders.items()}
    fits = {
        (name, own): mask | masks.get((name, ()), 0) if name in wild else mask
        for (name, own), mask in masks.items()
    }
    bad = 0
    for row, size in classes.items():
        crowd = (1 << len(records)) - 1
        for name, own in row:
            if own or name not in wild:
                crowd &= fits[name, own]
        bad += size if crowd.bit_count() < k else 0
    return bad


@_recount.register
def _(claim: LDiversity, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    if not {claim.variable, *claim.columns} <= original.codebook.variables.keys():
        return False, NO_VARIABLE
    bad = sum(
        spread.total()
        for spread in _spreads(published.records, claim.columns, claim.variable)
        if not is_diverse(spread, claim.kind, claim.l, claim.c)
    )
    return not bad, (
        f"{_rows(bad, original.codebook.k, original)} are in classes of too few different values "
        f"of {claim.variable}"
    )


@_recount.register
def _(claim: TCloseness, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.records is None:
        return False, NO_RECORDS
    codebook = original.codebook
    if not {claim.variable, *claim.columns} <= codebook.variables.keys():
        return False, NO_VARIABLE
    if not isinstance(original, Original):
        return False, "there are no original records to compare the values with"
    whole = {code: n for code in codebook.release_domains[claim.variable]
             if (n := original.held((claim.variable, code)))}  # fmt: skip
    if missing := original.rows - sum(whole.values()):
        whole[""] = missing
    groups = _groups(codebook, claim.variable, list(whole))
    if claim.kind == "hierarchical" and not groups:
        return False, f"{claim.variable} has no hierarchy"
    bad = 0
    for spread in _spreads(published.records, claim.columns, claim.variable):
        known = spread.keys() <= whole.keys()
        if not known or claim.t + NEAR < distance(
            spread, whole, claim.kind, order=list(whole), groups=groups
        ):
            bad += spread.total()
    return not bad, (
        f"{_rows(bad, codebook.k, original)} are in classes whose values of {claim.variable} are "
        f"further than {claim.t:g} from all records'"
    )


def _spreads(
    records: Sequence[Items], columns: Sequence[str], variable: str
) -> Iterable[Counter[str]]:
    """Count the values of a variable in each class of the columns; missing is the empty text."""
    classes: dict[Items, Counter[str]] = {}
    keys = set(columns)
    for items in records:
        own = "\n".join(value for name, value in items if name == variable)
        classes.setdefault(tuple(i for i in items if i[0] in keys), Counter())[own] += 1
    return classes.values()


def _groups(codebook: Codebook, variable: str, values: Sequence[str]) -> list[dict[str, str]]:
    """Give the group of each value at each level of its hierarchy; missing joins at the last."""
    hierarchy = codebook.hierarchy_of(variable)
    if hierarchy is None:
        return []
    levels = [{value: level.group_of.get(value, value) for value in values}
              for level in hierarchy.levels[:-1]]  # fmt: skip
    return [*levels, dict.fromkeys(values, "")]


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


@_recount.register
def _(claim: Additive, original: AnyOriginal, published: Published) -> tuple[bool, str]:
    if published.combinations is None:
        return False, NO_COUNTS
    codebook = original.codebook
    bad = sum(
        one.parts > one.count or (one.parts < one.count and all_known(codebook, one, original))
        for one in sums(codebook, dict(published.combinations))
    )
    return not bad, f"{_rows(bad, 1, original)} hold a count to which its parts do not add up"


def _named(variables: set[str]) -> str:
    return one_of(sorted(variables), most=5)


def _rows(bad: int, coarse: int, original: AnyOriginal) -> str:
    """Tell how many rows a claim fails on, no finer than the codebook's k."""
    return tell_rows(bad, max(coarse, original.codebook.k))
