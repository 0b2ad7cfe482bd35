"""How one domain differs from another: coarser, finer, cut otherwise, or with other values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Literal, TypeAlias

from attrs import frozen

from ctdc_framework.codebook.domains import (
    BandsDomain,
    CountryDomain,
    Domain,
    EnumDomain,
    FlagDomain,
    IntegerDomain,
    RangeDomain,
    TextDomain,
)
from ctdc_framework.toml.convert import fields_of

Severity = Literal["relaxed", "major", "minor", "patch"]
"""Relaxed: less is promised about privacy or more is told, which needs a reason. Major: what was
made for the old no longer fits. Minor: something is added. Patch: nothing but texts."""


@frozen(kw_only=True)
class Change:
    """One difference: its kind for scripts, where it is, what it is, and how much it weighs."""

    kind: str
    at: str = ""
    message: str
    severity: Severity


COARSER, FINER = " (coarser)", " (finer: a release tells more of each person)"

KINDS: Mapping[type[Domain], str] = {
    EnumDomain: "a list of values",
    BandsDomain: "bands",
    RangeDomain: "a range of numbers",
    CountryDomain: "a list of countries",
    FlagDomain: "a flag",
    IntegerDomain: "any whole number",
    TextDomain: "any text",
}


def domain_changes(
    old: Domain, new: Domain, recodes: Mapping[str, str] | None = None
) -> Iterator[Change]:
    """List how a domain became another; nothing where they are equal.

    `recodes` are what the new codebook's rules replace in it: they tell a value that was renamed
    from one that was dropped. Bands and ranges are compared as numbers, not as texts.

    >>> from ctdc_framework.codebook.domains import Band
    >>> old = BandsDomain(kind="bands", bands=(Band(from_=0, to=17), Band(from_=18)))
    >>> new = BandsDomain(kind="bands", bands=(Band(from_=0),))
    >>> [(one.kind, one.message) for one in domain_changes(old, new)]
    [('domain-coarser', '0--17 and 18+ became 0+ (coarser)')]
    """
    found = list(_found(old, new, recodes or {}))
    if old != new and not found:
        found = [_change("domain-other", "said otherwise, to the same effect", "patch")]
    yield from found


def _found(old: Domain, new: Domain, recodes: Mapping[str, str]) -> Iterator[Change]:
    if type(old) is not type(new):
        yield _change("domain-kind", f"{_kind(old)} became {_kind(new)}", "major")
    if old.is_open or new.is_open:
        return
    ours, theirs = _stretches(old), _stretches(new)
    if ours and theirs:
        yield from _cuts(ours, theirs)
    else:
        yield from _values(old, new, recodes)
    yield from _texts(old, new)
    if type(old) is type(new):
        yield from _entries(old, new)


def _kind(domain: Domain) -> str:
    return KINDS[type(domain)]


def listed(words: Iterable[str], most: int = 5) -> str:
    """List words as in a sentence: `a, b and c`, the last of many as a number.

    >>> listed(["a"]), listed("ab"), listed("abcdefg", most=3)
    ('a', 'a and b', 'a, b, c and 4 more')
    """
    every = list(words)
    shown = every[:most] + ([f"{len(every) - most} more"] if len(every) > most else [])
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def _change(kind: str, message: str, severity: Severity) -> Change:
    return Change(kind=kind, message=message, severity=severity)


# ---------------------------------------------------------------------------- numbers, in stretches

_Stretch: TypeAlias = tuple[float, float, str]
"""The lowest number, the highest, and the code."""


def _stretches(domain: Domain) -> list[_Stretch]:
    if isinstance(domain, BandsDomain):
        ends = [(one.from_, inf if one.to is None else one.to) for one in domain.bands]
        return [(*end, code) for end, code in zip(ends, domain.codes, strict=True)]
    if isinstance(domain, RangeDomain):
        return [(int(code), int(code), code) for code in domain.codes]
    return []


def _cuts(old: Sequence[_Stretch], new: Sequence[_Stretch]) -> Iterator[Change]:
    """Compare stretch by stretch of numbers: those that overlap belong together."""
    gone: list[str] = []
    come: list[str] = []
    written: list[str] = []
    for ours, theirs in _overlapping(old, new):
        before, after = [code for *_, code in ours], [code for *_, code in theirs]
        became = f"{listed(before)} became {listed(after)}"
        if not theirs:
            gone += before
        elif not ours:
            come += after
        elif _ends(ours) != _ends(theirs):
            yield _change("domain-recut", became, "major")
        elif len(ours) == len(theirs) == 1:
            written += [became] if before != after else []
        elif len(theirs) == 1:
            yield _change("domain-coarser", became + COARSER, "major")
        elif len(ours) == 1:
            yield _change("domain-finer", became + FINER, "relaxed")
        else:
            yield _change("domain-recut", became, "major")
    if written:
        yield _change("values-recoded", "written otherwise: " + listed(written), "major")
    yield from _gone_and_come(gone, come)


def _overlapping(
    old: Sequence[_Stretch], new: Sequence[_Stretch]
) -> Iterator[tuple[list[_Stretch], list[_Stretch]]]:
    every = [(one, 0) for one in old] + [(one, 1) for one in new]
    sides: tuple[list[_Stretch], list[_Stretch]] = ([], [])
    reach = -inf
    for one, side in sorted(every, key=lambda item: item[0][:2]):
        if one[0] > reach and any(sides):
            yield sides
            sides = ([], [])
        sides[side].append(one)
        reach = max(reach, one[1])
    if any(sides):
        yield sides


def _ends(stretches: Sequence[_Stretch]) -> tuple[float, float]:
    return stretches[0][0], stretches[-1][1]


# --------------------------------------------------------------------------------- values, as codes


def _values(old: Domain, new: Domain, recodes: Mapping[str, str]) -> Iterator[Change]:
    gone = [code for code in old.codes if code not in new.known]
    come = [code for code in new.codes if code not in old.known]
    targets = _targets(old, new, gone, come, recodes)
    joined: dict[str, list[str]] = {}
    for code, target in targets.items():
        joined.setdefault(target, []).append(code)
    for target, sources in joined.items():
        if target in old.known:
            message = f"{listed(sources)} became part of {target}{COARSER}"
            yield _change("domain-coarser", message, "major")
        elif len(sources) > 1:
            message = f"{listed(sources)} became {target}{COARSER}"
            yield _change("domain-coarser", message, "major")
        else:
            message = f"{sources[0]} is now written {target}"
            yield _change("values-recoded", message, "major")
    yield from _gone_and_come(
        [code for code in gone if code not in targets], [c for c in come if c not in joined]
    )


def _targets(
    old: Domain, new: Domain, gone: Sequence[str], come: Sequence[str], recodes: Mapping[str, str]
) -> dict[str, str]:
    """Say which value took the place of one that is gone: by a recode rule, or as it means so."""
    meanings = {one.definition: one.code for one in new.values if one.code in come}
    meant = {one.code: meanings.get(one.definition, "") for one in old.values if one.definition}
    found = {code: recodes.get(code) or meant.get(code, "") for code in gone}
    return {code: target for code, target in found.items() if target in new.known}


def _gone_and_come(gone: Sequence[str], come: Sequence[str]) -> Iterator[Change]:
    if gone:
        yield _change("values-removed", f"no longer a value: {listed(gone)}", "major")
    if come:
        yield _change("values-added", f"a new value: {listed(come)}", "minor")


# ---------------------------------------------------------------------------------- everything else


def _texts(old: Domain, new: Domain) -> Iterator[Change]:
    """Labels, definitions and the order of values that both have."""
    ours = {one.code: one for one in old.values}
    theirs = {one.code: one for one in new.values}
    both = [code for code in ours if code in theirs]
    reworded = [code for code in both if ours[code] != theirs[code]]
    if reworded:
        yield _change("text", f"label or definition of {listed(reworded)}", "patch")
    if both != [code for code in theirs if code in ours]:
        means = old.ordered or new.ordered
        message = "the values are in another order"
        yield _change("domain-order", message, "minor" if means else "patch")


def _entries(old: Domain, new: Domain) -> Iterator[Change]:
    """Entries of the domain itself that its values do not show."""
    shown = {"kind", "bands", "listed", "min", "max", "plus", "minus"}
    shown |= {"code", "code_open", "label", "label_open"}
    for one in fields_of(type(old)):
        before, after = getattr(old, one.name), getattr(new, one.name)
        if before == after or one.name in shown:
            continue
        if one.name == "definition":
            yield _change("text", "its definition", "patch")
        elif one.name == "unit" and before and after:
            yield _change("domain-unit", f"counted in {before}, now in {after}", "major")
        elif one.name == "unit":
            yield _change("text", f"unit `{before or after}`", "patch")
        elif one.name == "as_of":
            yield _change("domain-as-of", f"judged as of {before}, now of {after}", "patch")
        elif one.name == "read_dash" and after == "exact":
            message = "only the code's own dash is read, no longer any"
            yield _change("domain-reading", message, "major")
        elif one.name == "read_dash":
            yield _change("domain-reading", "a dash of any kind is read", "minor")
        elif one.name == "in_order":
            message = (
                f"the order of the values {'now means' if after else 'no longer means'} something"
            )
            yield _change("domain-order", message, "minor")
        else:
            message = f"`{one.name}`: {before} became {after}"
            yield _change("domain-other", message, "minor")
