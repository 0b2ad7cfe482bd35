"""What may be seen of a column of raw data by whoever drafts a codebook from it.

A `Sight` shows the texts that at least k records hold, and the rest from afar: how much of it there
is, and whether nearly all of it is of a kind. Who works from a sight cannot tell a rare value, nor
a small count, even by mistake.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from ctdc_framework.codebook import countries
from ctdc_framework.codebook.domains import read_whole

if TYPE_CHECKING:
    from ctdc_framework.codebook.columns import Column

SEPARATOR = ";"

AS_OF = datetime.date(2025, 1, 1)
"""The day as of which country codes are judged: a draft must not depend on when it is made."""

MISSING = {
    "": "not-recorded",
    ".": "not-recorded",
    "#n/a": "not-recorded",
    "-99": "not-recorded",
    "-99.0": "not-recorded",
    "-999": "not-recorded",
    "?": "unknown",
    "missing": "not-recorded",
    "n/a": "not-recorded",
    "na": "not-recorded",
    "nan": "not-recorded",
    "not known": "unknown",
    "not recorded": "not-recorded",
    "null": "not-recorded",
    "unknown": "unknown",
}
"""Texts that stand for missing almost anywhere, in small letters, and why it is missing."""

MISSING_COUNTRIES = frozenset(["ZZ", "ZZZ", "00"])
"""Texts that stand for an unknown country where the others are countries."""

SENTINELS = frozenset([-7, -8, -9, -77, -88, -98, -99, -999, -9999])
"""Numbers that stand for missing where no other number is below 0."""

TOPICS = {
    "age": "age aged ages agegr agegrp agegroup ageband agebroad",
    "birth": "birth birthday born dob",
    "person": "gender sex majority minor adult marital married civil ethnic ethnicity race religion"
    " language tongue education edu occupation profession job disability children household",
    "country": "country countries citizen citizenship citizenships nationality nationalities nation"
    " origin destination",
    "place": "region regions province state district county city town village residence"
    " placesize postcode zip",
    "time": "year years date dates day month registration registered register",
    "identifier": "id ids identifier case number no name uuid key record",
    "personal": "fullname surname firstname lastname forename nickname alias passport phone"
    " telephone mobile email mail address ssn",
}
"""Words in a column's name that say what the column is about."""


@frozen(kw_only=True)
class Sight:
    """What may be seen of a column."""

    name: str
    k: int
    common: Mapping[str, int]
    """Texts that at least k records hold and that mean something, in order, with how many."""
    missing: Mapping[str, str]
    """Texts that at least k records hold and that seem to mean nothing, with the reason."""
    known: int
    """Values there are, common and rare: one a record, unless cells list several."""
    full: bool
    """Whether every record has a value."""
    hides: bool
    """Whether there are texts that fewer than k records hold."""
    distinct: float
    """Distinct texts for each value: 1 where no two are alike."""
    mostly: Callable[[Callable[[str], bool]], bool] = field(eq=False)
    """Tells whether nearly all values, the rare ones too, satisfy a condition."""
    separator: str = ""

    @property
    def covered(self) -> bool:
        """Whether the common texts make up most of the values, and so stand for the column."""
        return 2 * sum(self.common.values()) >= self.known > 0

    def speaks_of(self, *topics: str) -> bool:
        """Tell whether a word of the column's name belongs to one of some topics."""
        words = {word for topic in topics for word in TOPICS[topic].split()}
        return not words.isdisjoint(words_of(self.name))


def words_of(name: str) -> list[str]:
    """Split a column's name into its words, in small letters.

    >>> words_of("CountryOfExploitation"), words_of("UN_COO_Region"), words_of("ageBroad2")
    (['country', 'of', 'exploitation'], ['un', 'coo', 'region'], ['age', 'broad'])
    """
    return [one.lower() for one in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+", name)]


def sights_of(name: str, column: Column, k: int) -> list[Sight]:
    """Give what may be seen of a column: first value by value where cells list several.

    The last sight takes each cell as a whole: a semicolon may part sentences and not values.

    >>> from ctdc_framework.codebook.columns import Column
    >>> column = Column.of(["A;B", "A;B", "B", "C", "NULL", "NULL", None])
    >>> [(dict(sight.common), sight.hides) for sight in sights_of("x", column, 2)]
    [({'A': 2, 'B': 3}, True), ({'A;B': 2}, True)]
    """
    import numpy as np

    sizes = np.bincount(column.index[column.index >= 0], minlength=len(column.cells)).tolist()
    cells = {str(cell): size for cell, size in zip(column.cells, sizes, strict=True) if size}
    rows = len(column.index)
    parts = _parts(cells, k)
    listed = [] if parts is None else [_sight(name, parts, rows, k, SEPARATOR)]
    return [*listed, _sight(name, cells, rows, k)]


def _parts(cells: Mapping[str, int], k: int) -> dict[str, int] | None:
    """Count each value by itself where cells list several; None where they hardly do."""
    if sum(size for cell, size in cells.items() if SEPARATOR in cell) < k:
        return None
    parts: Counter[str] = Counter()
    for cell, size in cells.items():
        once = {part.strip() for part in cell.split(SEPARATOR)} - {""}
        parts.update(dict.fromkeys(once, size))
    common = sum(size for size in parts.values() if size >= k)
    return dict(parts) if common >= 0.8 * sum(parts.values()) else None


def _sight(name: str, cells: Mapping[str, int], rows: int, k: int, separator: str = "") -> Sight:
    common = {text: cells[text] for text in sorted(cells) if cells[text] >= k}
    missing = _missing(common, name)
    values = {text: size for text, size in cells.items() if text not in missing}
    total = sum(values.values())

    def mostly(holds: Callable[[str], bool]) -> bool:
        return sum(size for text, size in values.items() if holds(text)) >= 0.95 * total > 0

    return Sight(
        name=name,
        k=k,
        common={text: size for text, size in common.items() if text not in missing},
        missing=missing,
        known=total,
        full=total == rows and not separator,
        hides=len(cells) > len(common),
        distinct=len(values) / max(1, total),
        mostly=mostly,
        separator=separator,
    )


def _missing(common: Iterable[str], name: str) -> dict[str, str]:
    """Tell which of the common texts stand for missing, by what the others are."""
    found = {one: MISSING.get(one.strip().casefold(), "") for one in common}
    found = {
        one: reason or "not-recorded" for one, reason in found.items() if reason or not one.strip()
    }
    others = [one for one in common if one not in found]
    numbers = {one: number for one in others if (number := read_whole(one)) is not None}
    low = {one for one, number in numbers.items() if number < 0}
    if low and len(low) < len(numbers) and all(numbers[one] in SENTINELS for one in low):
        found |= dict.fromkeys(low, "not-recorded")
    unknown = MISSING_COUNTRIES.intersection(others)
    known = alpha3_of([one for one in others if one not in unknown], name)
    if known:
        found |= dict.fromkeys(unknown, "unknown")
    if alpha2_codes().keys() & known.keys():
        found.pop("NA", None)  # Namibia, among codes of two letters
    return dict(sorted(found.items()))


# ---------------------------------------------------------------------------------------- countries

_MEANT = re.compile(
    r"(?:the (?:alpha-3 )?code is|codes are in capitals,|no spaces around them,) `([A-Z]{3})`$"
)


@cache
def alpha2_codes() -> Mapping[str, str]:
    """Give every two-letter code with its three-letter one, `NA` for Namibia among them."""
    known = (countries.country(code) for code in countries.current(AS_OF))
    return {one.alpha2: one.alpha3 for one in known if one}


def alpha3(text: str) -> str:
    """Give the three-letter code that a text spells otherwise; the text itself; or nothing.

    >>> alpha3("DEU"), alpha3("de"), alpha3("Ivory Coast"), alpha3("ZAR"), alpha3("Asia")
    ('DEU', 'DEU', 'CIV', '', '')
    """
    if text in countries.current(AS_OF):
        return text
    meant = _MEANT.search(countries.advice(text, AS_OF) or "")
    return meant[1] if meant else ""


def alpha3_of(texts: Iterable[str], name: str) -> dict[str, str]:
    """Give the codes of texts that are countries nearly all; nothing where they are not.

    A column whose name speaks of countries need not hold as many to be believed.
    """
    listed = list(texts)
    hinted = not set(TOPICS["country"].split()).isdisjoint(words_of(name))
    # Without a hint `en` is a language, and 840 a number.
    tried = (
        one for one in listed if hinted or one.isupper() or (len(one) > 3 and not one.isdigit())
    )
    found = {one: code for one in tried if (code := alpha3(one))}
    enough, share = (1, 0.5) if hinted else (3, 0.8)
    return found if len(found) >= max(enough, share * len(listed)) else {}
