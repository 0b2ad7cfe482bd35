"""Is each domain sound: bands that meet, codes that any program can hold and nobody mistakes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from attrs import evolve

from ctdc_framework import countries
from ctdc_framework.codebook import Codebook
from ctdc_framework.domains import (
    OUTSIDE,
    BandsDomain,
    CountryDomain,
    Domain,
    EnumDomain,
)
from ctdc_framework.faults import Fault, Path


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
            yield Fault(path=path, kind="020", message=message, at_key=True)
        found = [*_codes(domain, codebook)]
        if isinstance(domain, BandsDomain):
            found += [*_bands(domain), *_templates(domain)]
        elif isinstance(domain, CountryDomain):
            found += _country(domain)
        for fault in found:
            message = f"domain `{name}`: {fault.message}"
            yield evolve(fault.under(*path), message=message)
        if name in unused:
            message = f"domain `{name}` is used by no variable"
            yield Fault(path=path, kind="027", message=message, at_key=True, level="warning")


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
    for key, codes in (("plus", domain.plus), ("minus", domain.minus)):
        for number, code in enumerate(codes):
            if key == "minus" and code not in listed:
                message = f"`{code}` is not in the list, so it cannot be taken out"
                help = countries.advice(code, domain.as_of) or "remove it"
                yield Fault(path=(key, number), kind="120", message=message, help=help)
            elif key == "plus" and code in listed:
                message = f"`{code}` is in the list already"
                yield Fault(path=(key, number), kind="120", message=message, help="remove it")


def _codes(domain: Domain, codebook: Codebook) -> Iterator[Fault]:
    array = {BandsDomain: "bands", EnumDomain: "values"}.get(type(domain))
    if not domain.codes:
        yield Fault(path=(array,) if array else (), kind="012", message="there is no value")
    seen: set[str] = set()
    labels = Counter(value.label for value in domain.values if value.label)
    for number, value in enumerate(domain.values):
        code, path = value.code, _path_of(domain, number)
        if code in seen:
            yield Fault(path=path, kind="114", message=f"code `{code}` is given twice")
        elif labels[value.label] > 1:
            message = f"several codes share the label `{value.label}`"
            yield Fault(path=path, kind="114", message=message, level="warning")
            labels[value.label] = 0
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
        return ("values", number)
    if isinstance(domain, CountryDomain) and domain.codes[number] in domain.plus:
        return ("plus", domain.plus.index(domain.codes[number]))
    return ()


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
