"""Domains: which values a variable can take, known before any data are seen.

Each kind says its `codes` (what a release holds, in order) and how it `read`s the text of a cell.
Nothing here looks at data: a list of values learnt from records would itself be a disclosure.
"""

from __future__ import annotations

import datetime
import json
import re
from functools import cached_property
from typing import ClassVar, Literal

from attrs import frozen

from ctdc_framework.codebook import countries
from ctdc_framework.toml.convert import entry

OUTSIDE: object = object()
"""What `read` gives for a text that is no value of the domain."""

_DASHES = re.compile(r"\s*(?:--|[-\u2010-\u2015\u2212])\s*")
_WHOLE = re.compile(r"-?[0-9]{1,18}(?:\.0+)?")

MOST_VALUES = 32_000
"""Values of a domain: what the integer codes of a table can tell apart."""


@frozen(kw_only=True)
class Value:
    """One value of a domain: its code in the data, how it is printed, what it means."""

    code: str = entry("what a cell of the data holds")
    label: str = entry("how it is printed; the code itself if left out", default="")
    definition: str = entry("what the value means", default="")


@frozen(kw_only=True)
class Domain:
    """A set of values. `codes` is empty where the domain is open (whole numbers, free text)."""

    is_open: ClassVar[bool] = False

    @property
    def ordered(self) -> bool:
        """Whether the values have an order, from low to high."""
        return False

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value, in order."""
        return ()

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Every code, in order."""
        return tuple(value.code for value in self.values)

    @cached_property
    def known(self) -> frozenset[str]:
        """The codes as a set."""
        return frozenset(self.codes)

    def read(self, text: str) -> object:
        """Give the code (a number for whole numbers) that a cell's text means, or `OUTSIDE`."""
        return text if text in self.known else OUTSIDE

    def advice(self, text: str) -> str:
        """Say what to do about a text outside the domain; the caller has made sure it is common."""
        return ""


@frozen(kw_only=True)
class EnumDomain(Domain):
    """A list of values."""

    kind: Literal["enum"] = entry("the kind of domain")
    listed: tuple[Value, ...] = entry("the values, in order", key="values")
    in_order: bool = entry(
        "whether the order means something, from low to high", key="ordered", default=False
    )
    definition: str = entry("what the domain is about", default="")

    @property
    def ordered(self) -> bool:
        """Whether the listed order means something."""
        return self.in_order

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value, as listed."""
        return self.listed


@frozen(kw_only=True)
class Band:
    """A stretch of whole numbers; without `to` it has no upper end."""

    from_: int = entry("the lowest number in the band", key="from")
    to: int | None = entry("the highest number in the band; none if left out", default=None)
    gloss: str = entry("words that the code repeats, such as 0-1 yr", default="")

    def holds(self, number: int) -> bool:
        """Tell whether a number lies in the band, both ends included."""
        return self.from_ <= number and (self.to is None or number <= self.to)


@frozen(kw_only=True)
class BandsDomain(Domain):
    """Bands of whole numbers, each written by a template.

    >>> young, old = Band(from_=0, to=8), Band(from_=9)
    >>> ages = BandsDomain(kind="bands", bands=(young, old), read_dash="any")
    >>> ages.codes, ages.read("0 - 8"), ages.read("00--8") is OUTSIDE, ages.band_of(8)
    (('0--8', '9+'), '0--8', True, '0--8')
    """

    kind: Literal["bands"] = entry("the kind of domain")
    bands: tuple[Band, ...] = entry("the bands, from low to high")
    unit: str = entry("what is counted, such as year", default="")
    code: str = entry("how a band is written in the data", default="{from}--{to}")
    code_open: str = entry("how a band without upper end is written", default="{from}+")
    label: str = entry("how a band is printed; as its code if left out", default="")
    label_open: str = entry("how a band without upper end is printed", default="")
    read_dash: Literal["exact", "any"] = entry(
        "any: a hyphen or dash of any kind, with or without spaces, reads as the code's own",
        default="exact",
    )
    definition: str = entry("what the domain is about", default="")

    @cached_property
    def _values(self) -> tuple[Value, ...]:
        return tuple(
            Value(
                code=_fill(self.code_open if band.to is None else self.code, band),
                label=_fill(self.label_open if band.to is None else self.label, band),
            )
            for band in self.bands
        )

    @property
    def ordered(self) -> bool:
        """Bands have an order."""
        return True

    @property
    def values(self) -> tuple[Value, ...]:
        """The bands with their codes filled in."""
        return self._values

    @cached_property
    def _by_dash(self) -> dict[str, str]:
        return {_plain_dash(code): code for code in self.codes}

    def alike(self) -> list[tuple[str, str]]:
        """List the codes that only a dash tells apart."""
        plain = [(code, self._by_dash[_plain_dash(code)]) for code in self.codes]
        return [(code, other) for code, other in plain if code != other]

    def read(self, text: str) -> object:
        """Give the code of the band that the text names; a number alone is no band."""
        if text in self.known:
            return text
        if self.read_dash == "any":
            return self._by_dash.get(_plain_dash(text), OUTSIDE)
        return OUTSIDE

    def advice(self, text: str) -> str:
        """Suggest the band whose numbers a text spells otherwise, as `09--17` spells `9--17`."""
        numbers = _numbers(text)
        for band, code in zip(self.bands, self.codes, strict=True):
            ends = [band.from_] if band.to is None else [band.from_, band.to]
            if numbers and numbers in (ends, _numbers(code)):
                recode = f"{{ {_quoted(text)} = {_quoted(code)} }}"
                return f"it spells `{code}` otherwise: add a recode rule with map = {recode}"
        return ""

    def band_of(self, number: int) -> str | None:
        """Give the code of the band that holds a number, or None where none does."""
        for band, code in zip(self.bands, self.codes, strict=True):
            if band.holds(number):
                return code
        return None


@frozen(kw_only=True)
class RangeDomain(Domain):
    """Whole numbers from `min` to `max`, each a value of its own; `2019.0` reads as `2019`."""

    kind: Literal["range"] = entry("the kind of domain")
    min: int = entry("the lowest value")
    max: int = entry("the highest value")
    unit: str = entry("what is counted, such as year", default="")
    definition: str = entry("what the domain is about", default="")

    @cached_property
    def _values(self) -> tuple[Value, ...]:
        return tuple(Value(code=str(number)) for number in range(self.min, self.max + 1))

    @property
    def ordered(self) -> bool:
        """Numbers have an order."""
        return True

    @property
    def values(self) -> tuple[Value, ...]:
        """Every number of the range."""
        return self._values

    def read(self, text: str) -> object:
        """Give the number as text; pandas' `2019.0` is the number 2019."""
        number = read_whole(text)
        return str(number) if number is not None and str(number) in self.known else OUTSIDE


@frozen(kw_only=True)
class CountryDomain(Domain):
    """ISO 3166-1 alpha-3 codes as they stood on a date, so that a later run judges alike."""

    kind: Literal["country"] = entry("the kind of domain")
    as_of: datetime.date = entry("the date on which a code is judged")
    standard: Literal["ISO 3166-1 alpha-3"] = entry(
        "the list that the codes come from", default="ISO 3166-1 alpha-3"
    )
    plus: tuple[str, ...] = entry("codes to add to the list", default=())
    minus: tuple[str, ...] = entry("codes to leave out of the list", default=())
    definition: str = entry("what the domain is about", default="")

    @cached_property
    def _values(self) -> tuple[Value, ...]:
        codes = sorted((set(countries.current(self.as_of)) | set(self.plus)) - set(self.minus))
        known = ((code, countries.country(code)) for code in codes)
        return tuple(
            Value(code=code, label=country.name if country else code) for code, country in known
        )

    @property
    def values(self) -> tuple[Value, ...]:
        """Every country with its English name."""
        return self._values

    def advice(self, text: str) -> str:
        """Say what the text is instead of a current alpha-3 code."""
        return countries.advice(text, self.as_of) or ""


@frozen(kw_only=True)
class FlagDomain(Domain):
    """`1` or missing, where missing means no or unknown; `1.0` reads as `1`, `0` is no value."""

    kind: Literal["flag"] = entry("the kind of domain", default="flag")

    @property
    def values(self) -> tuple[Value, ...]:
        """The one value."""
        return (Value(code="1", label="1", definition="Yes. Missing means no or unknown."),)

    def read(self, text: str) -> object:
        """Give `1` for 1."""
        return "1" if text in ("1", "1.0") else OUTSIDE

    def advice(self, text: str) -> str:
        """Say that a flag has no 0, and what to write if No was truly recorded."""
        if read_whole(text) != 0:
            return ""
        return (
            "a flag holds 1 or nothing, and nothing means no or unknown: if No was asked and "
            "recorded use an enum, else say so with a recode rule such as "
            f'{{ {_quoted(text)} = "" }}'
        )


@frozen(kw_only=True)
class IntegerDomain(Domain):
    """Any whole number; only for inputs, as a release needs a closed list."""

    is_open: ClassVar[bool] = True
    kind: Literal["integer"] = entry("the kind of domain", default="integer")

    def read(self, text: str) -> object:
        """Give the number; `31.0` is 31."""
        number = read_whole(text)
        return OUTSIDE if number is None else number


@frozen(kw_only=True)
class TextDomain(Domain):
    """Any text; only for inputs, as a release needs a closed list."""

    is_open: ClassVar[bool] = True
    kind: Literal["text"] = entry("the kind of domain", default="text")

    def read(self, text: str) -> object:
        """Give the text."""
        return text


KINDS: dict[str, type[Domain]] = {
    "enum": EnumDomain,
    "bands": BandsDomain,
    "range": RangeDomain,
    "country": CountryDomain,
}
"""The kinds that a codebook can declare."""


STANDARD: dict[str, Domain] = {
    "std/flag": FlagDomain(),
    "std/integer": IntegerDomain(),
    "std/text": TextDomain(),
}
"""The domains that need no declaration."""


def read_whole(text: str) -> int | None:
    """Read a whole number, `31` or pandas' `31.0`, or give None.

    >>> read_whole("31.0"), read_whole("31.5"), read_whole("")
    (31, None, None)
    """
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


def _fill(template: str, band: Band) -> str:
    return (
        template.replace("{from}", str(band.from_))
        .replace("{to}", "" if band.to is None else str(band.to))
        .replace("{gloss}", band.gloss)
    )


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall("[0-9]{1,18}", text)]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain_dash(text: str) -> str:
    return _DASHES.sub("-", text.strip())
