"""What a column of raw data seems to hold, and how a codebook would say it.

Each recogniser takes a `Sight` and gives a `Finding`, or None where the column is nothing that it
knows; the first that gives one decides. All of it is guesswork, and every finding says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from ctdc_framework.codebook.domains import (
    STANDARD,
    CountryDomain,
    EnumDomain,
    FlagDomain,
    IntegerDomain,
    Value,
)
from ctdc_framework.drafting import numbers as numbers
from ctdc_framework.drafting.finding import Finding, clean, free_text, list_of
from ctdc_framework.drafting.sight import AS_OF, Sight, alpha2_codes, alpha3_of, sights_of, words_of
from ctdc_framework.errors import one_of
from ctdc_framework.language.format import quoted

if TYPE_CHECKING:
    from ctdc_framework.codebook.columns import Column

MOST_LISTED = 100
"""Values that are listed one by one; a column with more is read as text."""


def recognise(name: str, column: Column, k: int) -> Finding:
    """Say what a column seems to hold, from what at least k of its records hold.

    >>> from ctdc_framework.codebook.columns import Column
    >>> found = recognise("agegroup", Column.of(["0-17", "18+", "0-17", "18+", "99-120"]), k=2)
    >>> found.what, found.domain.codes, found.hides
    ('bands', ('0--17', '18+'), True)
    """
    *listed, whole = sights_of(name, column, k)
    for sight in listed:
        finding = _recognise(sight)
        if not finding.is_input or isinstance(finding.domain, IntegerDomain):
            return finding
    return _recognise(whole)


def _recognise(sight: Sight) -> Finding:
    finding = next((one for know in _RECOGNISERS if (one := know(sight))), None) or free_text()
    remarks = finding.remarks
    if sight.full and not sight.hides and len(sight.common) == 1:
        remarks += ("Every record holds the same, so it tells nothing and may be left out.",)
    if sight.separator:
        remarks += ("A cell may list several values: what is known, not all there is.",)
    return evolve(
        finding,
        name=sight.name,
        remarks=remarks,
        separator=sight.separator,
        missing=sight.missing,
        common=frozenset(sight.common),
        hides=sight.hides,
        quasi=_quasi(sight, finding),
    )


def _quasi(sight: Sight, finding: Finding) -> str:
    """Say why an outsider may know what a column holds."""
    if finding.is_input or isinstance(finding.domain, FlagDomain):
        return ""
    if isinstance(finding.domain, CountryDomain):
        return "it holds countries"
    topics = ("age", "birth", "person", "country", "place", "time")
    return "its name speaks of who, where or when" if sight.speaks_of(*topics) else ""


# --------------------------------------------------------------------------- what is never released


def _personal(sight: Sight) -> Finding | None:
    """What a name says is somebody's, however often a value recurs, but for a yes and a no."""
    words = words_of(sight.name)
    named = words == ["name"] or ("name" in words and not _WHOSE.isdisjoint(words))
    if not (named or sight.speaks_of("personal")) or (sight.covered and len(sight.common) <= 3):
        return None
    remark = "Names, addresses and the like are dropped as soon as the file is read."
    return Finding(
        what="an identifier",
        why="its name is that of something which is one person's",
        domain=None,
        remarks=(remark,),
    )


_WHOSE = frozenset(["family", "first", "full", "given", "last", "maiden", "middle", "victim"])


def _nothing(sight: Sight) -> Finding | None:
    if sight.known >= sight.k:
        return None
    return Finding(
        what="hardly any value",
        why=f"fewer than {sight.k} rows hold a value",
        domain=STANDARD["std/text"],
        remarks=("Too few records have a value to say more. It is read, and never released.",),
    )


_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[T ].*)?"
    r"|[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2,4}(?: .*)?"
)


def _dates(sight: Sight) -> Finding | None:
    if not sight.mostly(lambda text: _DATE.fullmatch(text.strip()) is not None):
        return None
    remark = "A date singles people out: put the year into a column of its own, and release that."
    return Finding(
        what="dates",
        why="nearly all values are written as dates",
        domain=STANDARD["std/text"],
        remarks=(remark,),
    )


def _identifier(sight: Sight) -> Finding | None:
    if sight.distinct < (0.5 if sight.speaks_of("identifier") else 0.9):
        return None
    remark = "Hardly two values are alike, so it is dropped as soon as the file is read."
    return Finding(
        what="an identifier",
        why="nearly all values are distinct",
        domain=None,
        remarks=(remark,),
    )


# --------------------------------------------------------------------------------- what has a list


def _country(sight: Sight) -> Finding | None:
    found = alpha3_of(sight.common, sight.name) if sight.covered else {}
    if not found:
        return None
    recodes = {text: code for text, code in found.items() if text != code}
    others = {text: clean(text) for text in sight.common if text not in found}
    recodes |= {text: code for text, code in others.items() if text != code}
    short = {text for text in recodes if text.strip().upper() in alpha2_codes()}
    names = [text for text in found if text in recodes and text not in short]
    remarks = []
    if plus := sorted({code for code in others.values() if code}):
        written = one_of((quoted(code) for code in plus), most=5)
        remarks.append(
            f"No country of today is {written}: the list takes it all the same. Decide what it "
            "stands for, and recode it."
        )
    if short:
        recodes |= {text: code for text, code in alpha2_codes().items() if text not in recodes}
        remarks.append(
            "Two-letter codes; NA is Namibia. A rule recodes them: it lists every code of "
            "ISO 3166-1, whether or not the file holds it."
        )
    if names:
        remarks.append(
            "Countries written otherwise than as three-letter codes. A rule recodes those that at "
            f"least {sight.k} rows hold: add any other that there may be."
        )
    form = "two-letter codes" if short else "names" if names else "three-letter codes"
    return Finding(
        what=f"countries ({form})",
        why=f"{len(found)} of its {len(sight.common)} common values are countries",
        domain=CountryDomain(kind="country", as_of=AS_OF, plus=tuple(plus)),
        remarks=tuple(remarks),
        recodes=dict(sorted(recodes.items())),
    )


def _flag(sight: Sight) -> Finding | None:
    if sight.separator or not sight.covered or not set(sight.common) <= {"1", "1.0"}:
        return None
    return Finding(
        what="a flag",
        why="its only common value is 1",
        domain=STANDARD["std/flag"],
        remarks=("1 or nothing: nothing means no or unknown, and is never taken for no.",),
    )


def _zero_one(sight: Sight) -> Finding | None:
    if not sight.covered or not set(sight.common) <= {"0", "1", "0.0", "1.0"}:
        return None
    remark = (
        "0 and 1: here 0 is taken for a No that was asked and recorded. If it only means that "
        'nothing was ticked, use domain = "std/flag" and a recode rule with map = { 0 = "" }.'
    )
    return Finding(
        what="no and yes, as 0 and 1",
        why="its common values are 0 and 1",
        domain=EnumDomain(
            kind="enum", listed=(Value(code="0", label="No"), Value(code="1", label="Yes"))
        ),
        remarks=(remark,),
        recodes={text: text[0] for text in sight.common if len(text) > 1},
    )


def _values(sight: Sight) -> Finding | None:
    if not sight.covered or len(sight.common) > MOST_LISTED:
        return None
    return list_of(sight.common, ())


_RECOGNISERS: Sequence[Callable[[Sight], Finding | None]] = (
    _flag,
    _zero_one,
    _personal,
    _nothing,
    _dates,
    _country,
    numbers.bands,
    numbers.age,
    _identifier,
    numbers.years,
    numbers.small_numbers,
    numbers.whole_numbers,
    numbers.decimals,
    _values,
)
