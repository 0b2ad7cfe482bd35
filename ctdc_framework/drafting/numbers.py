"""What a column of numbers seems to be: bands, years, ages, amounts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from ctdc_framework.codebook.domains import (
    OUTSIDE,
    STANDARD,
    Band,
    BandsDomain,
    RangeDomain,
    read_whole,
)
from ctdc_framework.drafting.finding import Finding, list_of
from ctdc_framework.drafting.sight import Sight

LONGEST_RANGE = 40
"""Numbers in a row that may be a domain; a longer stretch is better released in bands."""

FEW = 12
"""Values that look like codes for groups where the numbers as such could be many."""


def is_whole(text: str) -> bool:
    """Tell whether a text is a whole number, and no code such as 007."""
    return read_whole(text) is not None and re.match("-?0[0-9]", text) is None


def age(sight: Sight) -> Finding | None:
    """Ages and years of birth are to be binned, unless they are codes of a few groups."""
    if not sight.speaks_of("age", "birth"):
        return None
    few = sight.covered and all((read_whole(text) or 0) <= FEW for text in sight.common)
    return None if few else whole_numbers(sight)


def whole_numbers(sight: Sight) -> Finding | None:
    """Whole numbers, the common and the rare: they are read, and a rule puts them into bands."""
    if not sight.mostly(is_whole):
        return None
    remark = (
        "Whole numbers that are too many to be released one by one. Decide which bands of them may "
        'be known: declare these as a domain (kind = "bands") of a variable, and fill the variable '
        'by a rule with op = "bin".'
    )
    return Finding(
        what="whole numbers to be binned",
        why="nearly all values are whole numbers",
        domain=STANDARD["std/integer"],
        remarks=(remark,),
    )


def decimals(sight: Sight) -> Finding | None:
    """Numbers with a point or a comma, unless they are a few that recur."""
    if sight.covered and len(sight.common) <= FEW:
        return None
    if not sight.mostly(lambda text: re.fullmatch(r"[+-]?[0-9]+(?:[.,][0-9]+)?", text) is not None):
        return None
    remark = "If it is to be released in bands round it in the file: bands hold whole numbers."
    return Finding(
        what="decimal numbers",
        why="nearly all values are numbers, and not all of them whole",
        domain=STANDARD["std/text"],
        remarks=(remark,),
    )


_Ends: TypeAlias = tuple[int, int | None]

_BAND = re.compile(
    r"(?P<low>[0-9]{1,6})\s*"
    r"(?:(?:--?|[\u2010-\u2015\u2212]|\bto\b)\s*(?P<high>[0-9]{1,6})"
    r"|(?P<open>\+|(?:and|or) (?:over|older|above|more|up)))?"
    r"\s*(?:\((?P<gloss>[A-Za-z0-9 .,/+-]*)\))?"
)


def bands(sight: Sight) -> Finding | None:
    """Bands, if they follow on each other; if they do not, a list in order."""
    read = {text: _BAND.fullmatch(text.strip()) for text in sight.common}
    parts = {text: match.groupdict() for text, match in read.items() if match}
    if not sight.covered or len(parts) < max(2, len(read)):
        return None
    ends = {text: _ends(one) for text, one in parts.items()}
    if not any(one["high"] or one["open"] for one in parts.values()):
        return None
    glosses: dict[_Ends, set[str]] = {}
    for text, one in parts.items():
        glosses.setdefault(ends[text], set()).add(one["gloss"] or "")
    glossed = all(len(one) == 1 and "" not in one for one in glosses.values())
    in_order = sorted(glosses, key=_place)
    bands = [
        Band(from_=low, to=high, gloss=min(glosses[low, high]) if glossed else "")
        for low, high in in_order
    ]
    if any(not (one["high"] or one["open"]) for one in parts.values()) or not _meet(bands):
        return _in_order(sight, ends)
    gloss = " ({gloss})" if glossed else ""
    domain = BandsDomain(
        kind="bands",
        bands=tuple(bands),
        unit="month" if "month" in sight.name.lower() else "year" if sight.speaks_of("age") else "",
        code="{from}--{to}" + gloss,
        code_open="{from}+" + gloss,
        read_dash="any",
    )
    codes = dict(zip(in_order, domain.codes, strict=True))
    return Finding(
        what="bands",
        why="its common values are bands of numbers that follow on each other",
        domain=domain,
        remarks=("The codes have two hyphens, as spreadsheets take 9-17 for a date.",),
        recodes={text: codes[ends[text]] for text in parts if domain.read(text) is OUTSIDE},
    )


def _ends(parts: Mapping[str, str | None]) -> _Ends:
    low = int(parts["low"] or 0)
    return low, None if parts["open"] else int(parts["high"] or low)


def _place(ends: _Ends) -> tuple[int, bool, int]:
    """Where a band stands in order: by its lower end, one without upper end last."""
    low, high = ends
    return low, high is None, high or 0


def _meet(bands: Sequence[Band]) -> bool:
    """Tell whether bands follow on each other without gap or overlap."""
    upright = all(band.to is None or band.from_ <= band.to for band in bands)
    return upright and all(
        one.to is not None and one.to + 1 == two.from_ for one, two in pairwise(bands)
    )


def _in_order(sight: Sight, ends: Mapping[str, _Ends]) -> Finding:
    remark = (
        "Bands that do not follow on each other, as far as the common ones show: so they are a "
        'list in order. Where you know them all, make it kind = "bands".'
    )
    listed = sorted(sight.common, key=lambda text: (_place(ends[text]), text))
    return list_of(listed, (remark,), ordered=True)


def years(sight: Sight) -> Finding | None:
    """Years that are near enough to each other to be a domain."""
    return _range(sight, "years", 1900, 2100, unit="year")


def small_numbers(sight: Sight) -> Finding | None:
    """Numbers from 0 up that are few enough to be a domain."""
    return _range(sight, "small whole numbers", 0, LONGEST_RANGE)


def _range(sight: Sight, what: str, lowest: int, highest: int, *, unit: str = "") -> Finding | None:
    numbers = [read_whole(text) or 0 for text in sight.common if is_whole(text)]
    if not sight.covered or len(numbers) < len(sight.common):
        return None
    low, high = min(numbers), max(numbers)
    if low < lowest or high > highest or high - low >= LONGEST_RANGE:
        return None
    remark = f"From the lowest to the highest number that at least {sight.k} rows hold."
    codes = "" if unit else " If the numbers are codes make it an enum, and say what each means."
    return Finding(
        what=what,
        why=f"its common values are whole numbers from {low} to {high}",
        domain=RangeDomain(kind="range", min=low, max=high, unit=unit),
        remarks=(remark + codes,),
    )
