"""Is each domain sound: bands that meet, codes that any program can hold and nobody mistakes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from attrs import evolve

from ctdc_framework.codebook import countries
from ctdc_framework.codebook.domains import (
    OUTSIDE,
    BandsDomain,
    CountryDomain,
    Domain,
    EnumDomain,
)
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.problems.faults import Fault, Path


def domain_faults(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """List what is wrong with domains and missing codes."""
    yield from _missing_codes(codebook)
    used = [
        entry["domain"]
        for table in ("variables", "inputs")
        for entry in _tables(data.get(table))
        if "domain" in entry
    ]
    # One that is misspelt is told as such, and then which are unused is not known.
    all_known = all(isinstance(name, str) and codebook.find_domain(name) for name in used)
    unused = set(codebook.domains) - set(used) if all_known else set()
    for name, domain in codebook.domains.items():
        path: Path = ("domains", name)
        if name.startswith("std/"):
            message = f"`{name}`: names that start with std/ are the language's own"
            yield Fault(path=path, kind="020", message=message, help="rename it", at_key=True)
        found = [*_codes(domain, codebook)]
        if isinstance(domain, BandsDomain):
            found += [*_bands(domain), *_templates(domain), *_glosses(domain)]
        elif isinstance(domain, CountryDomain):
            found += _country(domain)
        if isinstance(domain, BandsDomain | EnumDomain):
            found += [*_dates(domain), *_dashes(domain)]
        for fault in found:
            message = f"domain `{name}`: {fault.message}"
            yield evolve(fault.under(*path), message=message)
        if name in unused:
            message, help = f"domain `{name}` is used by no variable", "remove it, or use it"
            yield Fault(
                path=path, kind="027", message=message, help=help, at_key=True, level="warning"
            )


def _tables(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield from (one for one in value.values() if isinstance(one, Mapping))


def _missing_codes(codebook: Codebook) -> Iterator[Fault]:
    seen: set[str] = set()
    names = {one.domain for _, one in codebook.entries() if one.domain}
    closed = [(name, codebook.find_domain(name)) for name in sorted(names)]
    for number, one in enumerate(codebook.missing.codes):
        path: Path = ("missing", "codes", number, "code")
        if one.code in seen:
            message = f"missing code `{one.code}` is given twice"
            yield Fault(path=path, kind="114", message=message, help="remove one")
        seen.add(one.code)
        for name, domain in closed:
            if domain is None or domain.is_open or domain.read(one.code) is OUTSIDE:
                continue
            if isinstance(domain, EnumDomain | BandsDomain) and one.code in domain.known:
                continue  # told where the domain lists it
            message = f"`{one.code}` is a missing code, and a value of domain `{name}` too"
            help = "a cell can only mean one of them: remove it from [missing]"
            yield Fault(path=path, kind="111", message=message, help=help)


def _bands(domain: BandsDomain) -> Iterator[Fault]:
    for number, (one, two) in enumerate(pairwise(domain.bands)):
        path: Path = ("bands", number + 1)
        names = f"{domain.codes[number]} and {domain.codes[number + 1]}"
        if one.to is None:
            message = f"{domain.codes[number]}: only the last band may have no upper end"
            yield Fault(path=("bands", number), kind="104", message=message, help="give it a `to`")
        elif two.to is not None and two.to < one.from_:
            message = f"bands {names} are out of order"
            yield Fault(path=path, kind="103", message=message, help="list the lowest first")
        elif one.to < one.from_ or (two.to is not None and two.to < two.from_):
            continue  # inverted, as is told below
        elif two.from_ == one.to > one.from_:
            message = f"{names} both hold {one.to}: a band holds the numbers at both of its ends"
            yield Fault(path=path, kind="105", message=message, help=f"start at {one.to + 1}")
        elif two.from_ <= one.to:
            message = f"bands {names} overlap at {two.from_}"
            yield Fault(path=path, kind="101", message=message, help=f"start at {one.to + 1}")
        elif two.from_ > one.to + 1:
            message = f"no band holds {one.to + 1} {domain.unit}".rstrip() + f", between {names}"
            yield Fault(path=path, kind="102", message=message, help=f"start at {one.to + 1}")
    for number, band in enumerate(domain.bands):
        if band.to is not None and band.to < band.from_:
            message = f"band {domain.codes[number]} is inverted"
            help = f"write {{ from = {band.to}, to = {band.from_} }}"
            yield Fault(path=("bands", number), kind="103", message=message, help=help)


def _templates(domain: BandsDomain) -> Iterator[Fault]:
    known = ("from", "to", "gloss")
    for key in ("code", "code_open", "label", "label_open"):
        for name in re.findall(r"\{([^{}]*)\}", getattr(domain, key)):
            if name not in known:
                message = f"`{key}` says {{{name}}}, which a band does not have"
                help = "write {from}, {to} or {gloss}"
                yield Fault(path=(key,), kind="106", message=message, help=help)
    if domain.read_dash == "any":
        for one, other in domain.alike():
            message = f"codes {one} and {other} read alike, as any dash will do"
            help = 'tell them apart by more than a dash, or say read_dash = "exact"'
            yield Fault(path=("read_dash",), kind="106", message=message, help=help)


def _country(domain: CountryDomain) -> Iterator[Fault]:
    listed = set(countries.current(domain.as_of))
    for number, code in enumerate(domain.minus):
        if code not in listed:
            message = f"`{code}` is not in the list, so it cannot be taken out"
            help = countries.advice(code, domain.as_of) or "remove it"
            yield Fault(path=("minus", number), kind="120", message=message, help=help)
    for number, code in enumerate(domain.plus):
        path: Path = ("plus", number)
        advice = domain.advice(code)
        kind = advice_kind(advice)
        if code in listed:
            message = f"`{code}` is in the list already"
            yield Fault(path=path, kind="120", message=message, help="remove it")
        elif kind == "123":
            yield Fault(path=path, kind=kind, message=advice, help="write the alpha-3 code")
        elif kind:
            help = "map it with a recode rule; if older records are to keep it, allow this"
            yield Fault(path=path, kind=kind, message=advice, help=help, level="warning")


_ADVICE = {
    "121": r"was withdrawn",
    "122": r"^`[A-Z]{3}` became",
    "123": r"is an alpha-2 code|is a numeric code|is not an ISO code|is a name|codes (are|have) ",
    "124": r"was assigned (in|on)",
}
"""What is wrong with a country's code, by what `countries.advice` says of it."""


def advice_kind(advice: str) -> str:
    """Give the kind of fault that a sentence about a country's code tells of, if any.

    >>> advice_kind("`UK` is not an ISO code; the alpha-3 code is `GBR`")
    '123'
    """
    kinds = ("123", "122", "121", "124")
    return next((kind for kind in kinds if re.search(_ADVICE[kind], advice)), "")


def _glosses(domain: BandsDomain) -> Iterator[Fault]:
    for number, (one, two) in enumerate(pairwise(domain.bands)):
        last, first = re.findall("[0-9]+", one.gloss)[-1:], re.findall("[0-9]+", two.gloss)[:1]
        if last and last == first:
            message = f"glosses `{one.gloss}` and `{two.gloss}` share {last[0]}"
            help = "let the next begin after it, as the bands do"
            path: Path = ("bands", number + 1)
            yield Fault(path=path, kind="110", message=message, help=help, level="warning")
            return


_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
_DATE = re.compile(
    rf"(\d{{1,4}})[-/](\d{{1,4}})|(?:\d{{1,2}}[- ]?)?(?:{_MONTH})(?:[- ]?\d{{1,4}})?", re.IGNORECASE
)


def _is_date(code: str) -> bool:
    """Tell whether a spreadsheet takes a code for a date.

    >>> [_is_date(code) for code in ("9-17", "18-29", "2019-05", "2005-2013", "Mar-5", "9--17")]
    [True, False, True, False, True, False]
    """
    found = _DATE.fullmatch(code)
    if not found or not code.strip("0123456789-/"):
        pair = [int(part) for part in found.groups() if part] if found else []
        if len(pair) != 2:
            return False
        one, two = pair
        if 1900 <= one <= 9999:
            return 1 <= two <= 12
        return (1 <= one <= 12 and (1 <= two <= 99 or two >= 1900)) or (
            1 <= two <= 12 and 1 <= one <= 31
        )
    return any(character.isdigit() for character in code)


def _dates(domain: BandsDomain | EnumDomain) -> Iterator[Fault]:
    for number, code in enumerate(domain.codes):
        if _is_date(code):
            message = f"code `{code}` opens as a date in a spreadsheet"
            help = "write it otherwise, with a word or two dashes"
            if isinstance(domain, BandsDomain):
                help = 'write code = "{from}--{to}"'
            path = _path_of(domain, number)
            yield Fault(path=path, kind="107", message=message, help=help, level="warning")
            return


def _dashes(domain: BandsDomain | EnumDomain) -> Iterator[Fault]:
    """Tell of codes that write their ranges of numbers with more than one kind of dash."""
    found: dict[str, list[int]] = {}
    for number, code in enumerate(domain.codes):
        for dash in re.findall(r"[0-9]\s*(--|[-\u2010-\u2015\u2212])\s*[0-9]", code)[:1]:
            found.setdefault(dash, []).append(number)
    if len(found) > 1:
        usual = max(found, key=lambda dash: len(found[dash]))
        odd = min((dash for dash in found if dash != usual), key=lambda dash: found[dash][0])
        shown = [dash if dash.isascii() else f"U+{ord(dash):04X}" for dash in (usual, odd)]
        message = f"codes write ranges with `{shown[0]}` ({len(found[usual])}) and with "
        message += f"`{shown[1]}` ({len(found[odd])}): to a program they are no one series"
        help = f"write `{shown[0]}` throughout"
        path = _path_of(domain, found[odd][0])
        yield Fault(path=path, kind="108", message=message, help=help, level="warning")


def _codes(domain: Domain, codebook: Codebook) -> Iterator[Fault]:
    array = {BandsDomain: "bands", EnumDomain: "values"}.get(type(domain))
    if not domain.codes:
        help = "list at least one value"
        where: Path = (array,) if array else ()
        yield Fault(path=where, kind="012", message="there is no value", help=help)
    seen: set[str] = set()
    folded: dict[str, str] = {}
    labels = Counter(value.label for value in domain.values if value.label)
    for number, value in enumerate(domain.values):
        code, path = value.code, _path_of(domain, number)
        if code in seen:
            message, help = f"code `{code}` is given twice", "remove one, or write another code"
            yield Fault(path=path, kind="114", message=message, help=help)
        elif labels[value.label] > 1:
            message = f"several codes share the label `{value.label}`"
            help = "let each label say what its code alone means"
            yield Fault(path=path, kind="114", message=message, help=help, level="warning")
            labels[value.label] = 0
        other = folded.setdefault(code.casefold(), code)
        if other != code:
            message = f"codes `{other}` and `{code}` differ in case alone"
            help = "spell one of them otherwise: many programs take them for one"
            yield Fault(path=path, kind="024", message=message, help=help, level="warning")
        seen.add(code)
        if array and code in codebook.missing_codes:
            what = f"`{code}` is a missing code, not a value" if code else "a code is empty"
            help = "remove it; a value may be missing unless nullable = false"
            yield Fault(path=path, kind="112", message=what, help=help)
        if array or path:
            yield from (evolve(fault, path=path) for fault in text_faults(f"code `{code}`", code))


def _path_of(domain: Domain, number: int) -> Path:
    """Where a code is written; nowhere by itself in a range or a list of countries."""
    if isinstance(domain, BandsDomain):
        return ("bands", number)
    if isinstance(domain, EnumDomain):
        return ("values", number, "code")
    if isinstance(domain, CountryDomain) and domain.codes[number] in domain.plus:
        return ("plus", domain.plus.index(domain.codes[number]))
    return ()


def group_faults(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Hold the codes of hierarchies' groups to what holds for values: a release has both."""
    for name, hierarchy in codebook.hierarchies.items():
        separators = {one.list for one in codebook.variables.values() if one.hierarchy == name}
        entry = data["hierarchies"][name]
        if "source" in entry:  # the codes are the source's own
            continue
        for number, (level, written) in enumerate(
            zip(hierarchy.levels, entry["levels"], strict=True)
        ):
            for place, group in enumerate(level.groups):
                code = group.code
                within: Path = ("bands", place) if written.get("bands") else (
                    "groups", place, "code"
                )  # fmt: skip
                path: Path = ("hierarchies", name, "levels", number, *within)
                what = f"hierarchy `{name}`, level `{level.name}`: code `{code}`"
                yield from (evolve(fault, path=path) for fault in text_faults(what, code))
                if code in codebook.missing_codes:
                    message = f"{what} is a missing code" if code else f"{what} is empty"
                    yield Fault(path=path, kind="112", message=message, help="write another")
                for separator in filter(None, separators):
                    if separator in code:
                        message = f"{what} holds `{separator}`, which parts values"
                        yield Fault(path=path, kind="106", message=message, help="write another")


def text_faults(what: str, text: str) -> Iterator[Fault]:
    """List what in a name or a code is lost on the way, or not what it looks like."""
    if text != text.strip():
        message, help = f"{what} begins or ends in a space", f'write "{text.strip()}"'
        yield Fault(path=(), kind="016", message=message, help=help)
    if text[:1] in tuple("=+-@\t\r"):
        message = f"{what} starts with a character that spreadsheets run as a formula"
        yield Fault(path=(), kind="116", message=message, help="write it otherwise")
    if text.isascii() and text.isprintable():
        return
    if unicodedata.normalize("NFC", text) != text:
        message = f"{what} is in decomposed Unicode and will not equal the composed form"
        help = "type it anew, or save the file in Unicode's form NFC"
        yield Fault(path=(), kind="015", message=message, help=help)
    for character in text.strip():
        if character != " " and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs"):
            message = f"{what} holds {_name(character)}, which cannot be seen"
            yield Fault(path=(), kind="016", message=message, help="remove it, or type a space")
            break
    for word in re.findall(r"[^\W\d_]+", text):
        foreign = [c for c in word if _name(c).split()[1] in ("CYRILLIC", "GREEK")]
        if foreign and any("LATIN" in _name(character) for character in word):
            message = f"{what} holds {_name(foreign[0])} among Latin letters"
            help = "is it the letter that it looks like?"
            yield Fault(path=(), kind="016", message=message, help=help, level="warning")
            break


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"
