"""Country codes of ISO 3166-1 as of a date, and advice for a text that is not one.

The facts are our own file, `data/countries.csv`. Where it gives only the year of a change, the
change counts from 1 January; a blank date of assignment is the first edition, of 1974. The file
takes no side on boundaries: what is not in M49 has no region, and codes left to users have no
successor. Such choices are rules of a codebook, with a date and a reason.

    >>> "ANT" in current(date(2010, 12, 14)), "ANT" in current(date(2010, 12, 15))
    (True, False)
"""

from __future__ import annotations

import csv
import re
import unicodedata
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from attrs import frozen

_LONGEST, _MISSING = 80, ("NAN", "NIL", "UNK")  # what is longer, or these, is not misspelt
_LEFT_TO_USERS = ("AAA to AAZ", "QMA to QZZ", "XAA to XZZ", "ZZA to ZZZ")
_ALPHA2, _NUMERIC = "is an alpha-2 code", "is a numeric code"
_SHORT, _NAME, _USERS = "is not an ISO code", "is a name", "is left to users"


@frozen(kw_only=True)
class M49:
    """A region of the UN's geography for statistics, such as 202, Sub-Saharan Africa."""

    code: str
    """Three digits, as text: `002` keeps its zeros."""
    name: str


@frozen(kw_only=True)
class Country:
    """A code that is assigned today."""

    alpha3: str
    alpha2: str
    """Two capitals; Namibia's `NA` is a code like any other, not a missing value."""
    numeric: str
    """Three digits, as text: Afghanistan is `004`."""
    name: str
    """English short name, without an article."""
    assigned: date | None
    """First day of this alpha-3 code; None is since 1974."""
    region: M49 | None
    """None where M49 names no region (Antarctica) or has no row (Taiwan)."""
    subregion: M49 | None
    intermediate: M49 | None
    """Only Sub-Saharan Africa and Latin America and the Caribbean have this level."""


@frozen(kw_only=True)
class Withdrawn:
    """A code that is no longer assigned, or stood for something else than it does today."""

    alpha3: str
    alpha2: str
    name: str
    assigned: date | None
    withdrawn: date
    """First day without the code."""
    successors: tuple[str, ...]
    """What replaced it that day, which may be withdrawn by now: `YUG` was followed by `SCG`."""


def current(as_of: date) -> tuple[str, ...]:
    """All alpha-3 codes assigned on a date, sorted; a change counts from its own day.

    >>> len(current(date(2011, 8, 8))), len(current(date(2011, 8, 9)))
    (248, 249)
    """
    new = {it.alpha3 for it in _countries().values() if (it.assigned or as_of) <= as_of}
    old = [it for it in _withdrawn().values() if (it.assigned or as_of) <= as_of < it.withdrawn]
    return tuple(sorted(new.union(it.alpha3 for it in old)))


def country(alpha3: str) -> Country | None:
    """The country of a code that is assigned today; None for any other text, capitals matter."""
    return _countries().get(alpha3)


def withdrawn(alpha3: str) -> Withdrawn | None:
    """What a withdrawn code stood for; None for any other text.

    `ATF` is here and in `country`: in 1979 the code went from a territory to a part of it.
    """
    return _withdrawn().get(alpha3)


def user_assigned(alpha3: str) -> bool:
    """Whether a code is nobody's in ISO 3166-1, but left to users or taken by them.

    >>> user_assigned("XKX"), user_assigned("RKS"), user_assigned("SRB")
    (True, True, False)
    """
    return alpha3 in _users() or _block(alpha3) is not None


def used_for(code: str) -> str | None:
    """What a user-assigned code, of two letters or three, has been used for, if we know it.

    >>> used_for("XKX"), used_for("Y1"), used_for("XAB")
    ('Kosovo', 'Kosovo', None)
    """
    kind, codes = _spellings().get(_key(code), ("", []))
    return _users()[codes[0]] if kind == _USERS else None


def advice(text: str, as_of: date) -> str | None:
    """One sentence on what to type instead of a text that is not a code on a date.

    None for a code that is valid, and for a text we cannot read. The sentence quotes the text.

    >>> advice("Ivory Coast", date(2021, 9, 1))
    '`Ivory Coast` is a name; the code is `CIV`'
    >>> advice("SS", date(2005, 1, 1))
    '`SS` is an alpha-2 code: `SSD` was assigned in 2011; the list is as of 2005-01-01'
    """
    word = " ".join(text.split())
    code = word.upper()
    valid = current(as_of)
    if text in valid or not word or code in _MISSING or len(word) > _LONGEST:
        return None
    if code in valid:
        rule = "codes are in capitals" if word != code else "codes have no spaces around them"
        return f"`{text}`: {rule}, `{code}`"
    if code in _countries() or code in _withdrawn():
        return _why_not(code, as_of)
    if user_assigned(code) or used_for(word):
        return _left_to_users(word, code)
    return _other_spelling(word, as_of) or _near_miss(word, as_of)


def _why_not(code: str, as_of: date) -> str:
    """Why a code we know is not assigned on a date, and what is."""
    old = _withdrawn().get(code)
    if old is None or as_of < old.withdrawn:
        day = (old or _countries()[code]).assigned or as_of
        when = f"on {day}" if day.year == as_of.year else f"in {day.year}"
        return f"`{code}` was assigned {when}; the list is as of {as_of}"
    heirs = _heirs(old, as_of)
    if [_name_of(heir) for heir in heirs] == [old.name]:
        return f"`{code}` became `{heirs[0]}` in {old.withdrawn.year}"
    when = re.sub("on (....)-01-01", r"in \1", f"on {old.withdrawn}")
    gone = f"`{code}` ({old.name}) was withdrawn {when}"
    if len(heirs) == 1:
        return f"{gone}; its successor is `{heirs[0]}`"
    return f"{gone} and has {len(heirs)} successors: {', '.join(heirs)}"


def _heirs(old: Withdrawn, as_of: date) -> list[str]:
    """The codes valid on a date that a withdrawn one led to, through others if need be."""
    now = set(old.successors).intersection(current(as_of))
    return sorted(now.union(*(_heirs(_withdrawn()[it], as_of) for it in {*old.successors} - now)))


def _left_to_users(word: str, code: str) -> str:
    """That a code is left to users, with all spellings of what it has been used for."""
    name = used_for(word)
    codes = _spellings()[_key(name)][1] if name else [code]
    left = f"`{word}` is not in ISO 3166-1: {_block(code) or _block(codes[0])} are left to users"
    have = {1: "has", 2: "have both"}.get(len(codes), "have all")
    return f"{left}, and {_listed(codes, 'and')} {have} been used for {name}" if name else left


def _other_spelling(word: str, as_of: date) -> str | None:
    """What to type for an alpha-2 or numeric code, an abbreviation or a name."""
    short = word.isdecimal() and len(word) < 3
    key = word.zfill(3) if short else _key(word)
    kind, codes = _spellings().get(key, ("", []))
    if not codes or (kind == _NUMERIC and not word.isdecimal()):
        return None
    said = f"`{word}` {kind}" + (" without its leading zeros" if short else "")
    if valid := [f"`{code}`" for code in codes if code in current(as_of)]:
        return f"{said}; the {'' if kind == _NAME else 'alpha-3 '}code is {_listed(valid, 'or')}"
    if len(codes) == 1:
        return f"{said}: {_why_not(codes[0], as_of)}"
    meant = _listed([f"`{code}` ({_name_of(code)})" for code in codes], "and")
    return f"{said} of {meant}, which are not in the list as of {as_of}"


def _near_miss(word: str, as_of: date) -> str | None:
    """The codes somebody may have meant, at most 3; three letters are taken as a code.

    The same letters in another order and the first letters of a name beat any other likeness. A
    name has to be alike in each long word, not only in its `Republic of`.
    """
    valid, code, key = current(as_of), word.upper(), _key(word)
    if re.fullmatch("[A-Z]{3}", code):
        names = [other for other in valid if _key(_name_of(other)).startswith(key)]
        near = [other for other in valid if sorted(other) == sorted(code)] + names
        near = near or get_close_matches(code, valid, n=20, cutoff=0.6)
        near.sort(key=lambda other: -sum(a == b for a, b in zip(other, code, strict=True)))
    else:
        spelt = [it for it, (kind, _) in _spellings().items() if kind == _NAME]
        near = []
        for name in get_close_matches(key, spelt, cutoff=0.85):
            long = re.findall("[a-z]{4,}", name)
            if all(get_close_matches(it, key.split(), cutoff=0.7) for it in long):
                near += [other for other in _spellings()[name][1] if other in valid]
    meant = _listed([f"`{other}`" for other in dict.fromkeys(near)][:3], "or")
    return f"`{word}` is not in ISO 3166-1; did you mean {meant}?" if near else None


def _listed(words: list[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _name_of(code: str) -> str:
    return (_countries().get(code) or _withdrawn()[code]).name


def _block(code: str) -> str | None:
    """The range of user-assigned codes a code is in, in words."""
    ranges = _LEFT_TO_USERS if re.fullmatch("[A-Z]{3}", code) else ()
    return next((each for each in ranges if each[:3] <= code <= each[-3:]), None)


def _key(text: str) -> str:
    """A spelling without case, accents, punctuation or articles: `Gambia, The` is `gambia`."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    words = re.findall("[a-z0-9]+", re.sub("[\u0300-\u036f]", "", plain))
    return " ".join("saint" if word == "st" else word for word in words if word != "the")


@cache
def _rows() -> tuple[dict[str, str], ...]:
    """The file, as text: no cell becomes a number, and none a missing value."""
    file = files("ctdc_framework").joinpath("data", "countries.csv")
    return tuple(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


@cache
def _countries() -> dict[str, Country]:
    return {
        row["alpha3"]: Country(
            **{key: row[key] for key in ("alpha3", "alpha2", "numeric", "name")},
            assigned=_day(row["assigned"]),
            region=_m49(row, "region"),
            subregion=_m49(row, "subregion"),
            intermediate=_m49(row, "intermediate"),
        )
        for row in _rows()
        if row["status"] == "assigned"
    }


@cache
def _withdrawn() -> dict[str, Withdrawn]:
    return {
        row["alpha3"]: Withdrawn(
            **{key: row[key] for key in ("alpha3", "alpha2", "name")},
            assigned=_day(row["assigned"]),
            withdrawn=_day(row["withdrawn"]) or date.max,
            successors=tuple(row["successors"].split(";")),
        )
        for row in _rows()
        if row["status"] == "withdrawn"
    }


@cache
def _users() -> dict[str, str]:
    return {row["alpha3"]: row["name"] for row in _rows() if row["status"] == "user-assigned"}


def _m49(row: dict[str, str], level: str) -> M49 | None:
    return M49(code=row[f"{level}_code"], name=row[level]) if row[level] else None


def _day(text: str) -> date | None:
    """`2010-12-15`, or `1977` for the first day of a year of which no day is known."""
    return date.fromisoformat(f"{text}-01-01" if len(text) == 4 else text) if text else None


@cache
def _spellings() -> dict[str, tuple[str, list[str]]]:
    """What every other spelling is, and the codes it may mean; `A (B)` is also `A` and `B A`."""
    found: dict[str, tuple[str, list[str]]] = {}
    for row in _rows():
        outer, _, inner = row["name"].rstrip(")").partition(" (")
        names = {row["name"], outer, f"{inner} {outer}".strip(), *row["aliases"].split(";")}
        kinds = {name: _SHORT if re.fullmatch("[A-Z]{2,5}", name) else _NAME for name in names}
        kinds |= {row["alpha2"]: _ALPHA2, row["numeric"]: _NUMERIC}
        if row["status"] == "user-assigned":
            kinds = dict.fromkeys([row["alpha3"], *kinds], _USERS)
        for spelling, kind in kinds.items():
            known, codes = found.setdefault(_key(spelling), (kind, []))
            if known == kind and row["alpha3"] not in codes:
                codes.append(row["alpha3"])
    del found[""]
    return found
