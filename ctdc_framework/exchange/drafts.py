"""Write what another program's description tells as the draft of a codebook.

A draft loads, and nothing runs on it: `status = "draft"` stands until somebody has read it. Names
and codes that the language cannot hold are left out, and the text says which.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ctdc_framework.codebook.domains import KINDS, MOST_VALUES, RangeDomain
from ctdc_framework.codebook.model import COUNT, REFERENCE, Codebook, Header, Privacy
from ctdc_framework.language.domain_checks import domain_faults
from ctdc_framework.language.format import format_codebook, quoted, quoted_key
from ctdc_framework.problems.faults import Faults
from ctdc_framework.toml.convert import structure

Entries = Mapping[str, Any]
"""A TOML table: texts, numbers, truths, lists and tables of them."""

UNDECIDED = "to be decided: quasi, sensitive, both, or none"
STATED = "as the source states it: confirm it"
"""The remark beside a role: who says so."""

K = 10
"""The least number of records that a draft begins with; a guess too."""

UNWRITTEN = "To be written."


@frozen(kw_only=True)
class Draft:
    """A codebook as far as another description tells it."""

    id: str
    source: str
    """What it was taken from, such as: a Frictionless data package."""
    title: str = ""
    version: str = ""
    lang: str = ""
    description: str = ""
    domains: Mapping[str, Entries] = field(factory=dict)
    variables: Mapping[str, Entries] = field(factory=dict)
    inputs: Mapping[str, Entries] = field(factory=dict)
    missing: Sequence[Entries] = ()
    rules: Sequence[Entries] = ()
    stated: Collection[str] = ()
    """Variables whose role the source itself states; that of any other is left to be decided."""
    remarks: Sequence[str] = ()
    """What could not be taken over, and what else whoever reads the draft should know."""


def write(draft: Draft) -> str:
    """Write a draft as TOML."""
    return format_codebook("\n".join(_lines(draft)) + "\n")


def _lines(draft: Draft) -> Iterator[str]:
    yield f"# A draft, taken from {draft.source}. Read all of it, above all each `role`, `k` and"
    yield "# what is released at all; then remove `status`."
    for remark in draft.remarks:
        yield f"# - {_one_line(remark)}"
    header = {
        "dsl": 1,
        "id": draft.id,
        "title": draft.title or draft.id,
        "version": draft.version if re.fullmatch(r"\d+\.\d+\.\d+", draft.version) else "0.1.0",
        "status": "draft",
        "lang": draft.lang,
        "description": draft.description,
        "order": list(draft.variables),
    }
    yield from _table("codebook", header)
    yield from _table("privacy", {"k": K, "round_to": K}, {"k": "a guess, like `round_to`"})
    if draft.missing:
        yield from _table("missing", {"codes": list(draft.missing)})
    for name, entries in draft.domains.items():
        yield from _table(f"domains.{quoted_key(name)}", entries)
    if not draft.variables:
        yield "\n[variables]"
    for name, entries in draft.variables.items():
        yield from _table(
            f"variables.{quoted_key(name)}",
            entries,
            {"role": STATED if name in draft.stated else UNDECIDED},
        )
    for name, entries in draft.inputs.items():
        yield from _table(f"inputs.{quoted_key(name)}", entries)
    for entries in draft.rules:
        yield from _table("rules", entries, array=True)


def _table(
    name: str, entries: Entries, remarks: Mapping[str, str] | None = None, *, array: bool = False
) -> Iterator[str]:
    yield f"\n[[{name}]]" if array else f"\n[{name}]"
    for key, value in entries.items():
        if value in ("", [], {}) and key != "role":
            continue
        remark = (remarks or {}).get(key)
        yield f"{quoted_key(key)} = {toml(value)}" + (f"  # {remark}" if remark else "")


def toml(value: object) -> str:
    """Write a value as TOML 1.0.

    >>> print(toml({"code": "0--8", "to": 8, "open": False}), toml(["a\\x7f"]))
    { code = "0--8", to = 8, open = false } ["a\\u007F"]
    """
    if isinstance(value, Mapping):
        return (
            "{ "
            + ", ".join(f"{quoted_key(key)} = {toml(one)}" for key, one in value.items())
            + " }"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return quoted(_whole(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(text: str) -> str:
    """Put a question mark for half a character, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def prose(text: object) -> str:
    """Take a foreign text for prose: in Unicode's form NFC, and without what reads as a reference.

    >>> prose("see {var:x}\\r\\nand [y]")
    'see (var:x)\\nand [y]'
    """
    found = unicodedata.normalize("NFC", str(text or "")).replace("\r\n", "\n").replace("\r", "\n")
    return REFERENCE.sub(lambda one: f"({one[0][1:-1]})", found).strip()


def fits_as_name(name: str, taken: Iterable[str]) -> bool:
    """Tell whether a column's name can be a variable's, beside those that are taken."""
    folded = name.casefold()
    return (
        _fits(name)
        and not re.search("[=;]", name)
        and folded != COUNT
        and all(folded != one.casefold() for one in taken)
    )


def fits_as_code(code: str, separator: str = "") -> bool:
    """Tell whether a text can be a domain's code."""
    return _fits(code) and not (separator and separator in code)


def _fits(text: str) -> bool:
    hidden = ("Cc", "Cf", "Zl", "Zp", "Zs", "Cs")
    return (
        bool(text)
        and text == text.strip()
        and not text.startswith(("=", "+", "-", "@"))
        and unicodedata.normalize("NFC", text) == text
        and all(one == " " or unicodedata.category(one) not in hidden for one in text)
    )


def domain_name(wish: str, taken: Mapping[str, Entries], entries: Entries) -> str:
    """Give a domain a name: the one of a domain that is the same, or a new one like the wish.

    >>> domain_name("Age group", {"age-group": {"kind": "enum"}}, {"kind": "range"})
    'age-group-2'
    """
    plain = re.sub("[^a-z0-9]+", "-", wish.casefold()).strip("-") or "values"
    name, number = plain, 1
    while name in taken and taken[name] != entries:
        number += 1
        name = f"{plain}-{number}"
    return name


def enum(values: Sequence[Entries], *, ordered: bool) -> Entries:
    """Give the entries of a domain that lists its values."""
    listed = [{key: one for key, one in value.items() if one} for value in values]
    return {"kind": "enum", **({"ordered": True} if ordered else {}), "values": listed}


def range_of(low: object, high: object) -> Entries | None:
    """Give the entries of a range, or None where there is no such range."""
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    fits = 0 <= high - low < MOST_VALUES and max(abs(low), abs(high)) < 10**18
    return {"kind": "range", "min": low, "max": high} if fits else None


def is_domain(entries: object, missing: Collection[str], separator: str) -> bool:
    """Tell whether something is the entries of a sound domain, as a package of ours keeps them.

    `missing` are texts that no code may be, `separator` is one that no code may hold.
    """
    kind = entries.get("kind") if isinstance(entries, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        return False
    try:
        domain = structure(entries, KINDS[kind])
    except Faults:
        return False
    if isinstance(domain, RangeDomain) and range_of(domain.min, domain.max) is None:
        return False
    header = Header(dsl=1, id="draft", title="", version="0.0.0")
    book = Codebook(header=header, privacy=Privacy(k=2), variables={}, domains={"a": domain})
    return (
        all(fault.level == "warning" for fault in domain_faults(book, {}))
        and len(domain.codes) <= MOST_VALUES
        and not any(code in missing or (separator and separator in code) for code in domain.codes)
    )


def _one_line(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)
