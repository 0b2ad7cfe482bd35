"""Does what a codebook refers to exist: in prose, in errata and allowances, by its own name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from ctdc_framework.codebook.model import REFERENCE, Codebook
from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.language.origins import at
from ctdc_framework.language.rule_checks import Places
from ctdc_framework.problems.faults import Fault
from ctdc_framework.toml.file import names_in, texts_in

LEADS_NOWHERE = ("021", "023", "201", "205")
"""The kinds of fault that a name gives which is that of nothing."""


def reference_faults(
    codebook: Codebook, data: Mapping[str, Any], places: Places
) -> Iterator[Fault]:
    """List the references that lead nowhere, and the notes that nothing leads to."""
    yield from _prose(codebook, data)
    yield from _places(codebook, data, places)


def told_of_aliases(faults: Iterable[Fault], data: Mapping[str, Any]) -> Iterator[Fault]:
    """Where a name that leads nowhere is an alias, tell whose: it is not misspelt.

    >>> data = {"variables": {"age": {"aliases": ["AGE_YRS"]}}, "rules": [{"from": "AGE_YRS"}]}
    >>> fault = Fault(path=("rules", 0, "from"), kind="205", message="...")
    >>> [(one.kind, one.help) for one in told_of_aliases([fault], data)]
    [('022', 'write `age`')]
    """
    aliases = _aliases(data)
    for fault in faults:
        name = at(data, *fault.path) if fault.kind in LEADS_NOWHERE else None
        if not isinstance(name, str) or name not in aliases:
            yield fault
            continue
        message = f"`{name}` is an alias of `{aliases[name]}`, and only a file may use it"
        yield evolve(fault, kind="022", message=message, help=f"write `{aliases[name]}`")


def _aliases(data: Mapping[str, Any]) -> dict[str, str]:
    """Give whose each alias is, whether or not their entries are sound."""
    found: dict[str, str] = {}
    for table in ("variables", "inputs"):
        for name in names_in(data, table):
            listed = at(data, table, name, "aliases")
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, str):
                    found.setdefault(one, name)
    return found


def _prose(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Every `{var:x}` in prose leads somewhere, and every note is led to."""
    variables = names_in(data, "variables")
    known: dict[str, Collection[str]] = {
        "var": variables,
        "vars": variables,
        "note": names_in(data, "notes"),
        "section": names_in(data, "sections"),
    }
    aliases = _aliases(data)
    notes: set[str] = set()
    for path, text in texts_in((), data):
        for found in REFERENCE.finditer(text):
            kind, target = found.groups()
            written = f"`{found[0]}`"
            whole = found.span()
            notes.add(target if kind == "note" else "")
            if kind not in known:
                message = f"{written} looks like a reference, and is none"
                help = did_you_mean(kind, known) or "write {var:x}, {vars:a..b} or {note:x}"
                yield Fault(
                    path=path, kind="021", message=message, help=help, part=whole, level="warning"
                )
                continue
            names = target.split("..") if kind == "vars" else [target]
            if kind == "vars" and len(names) != 2:
                message = f"{written} names no first and last variable"
                help = "write {vars:a..b}"
                yield Fault(path=path, kind="021", message=message, help=help, part=whole)
                continue
            for name in names:
                start = found.start(2) if name is names[0] else found.end(2) - len(name)
                part = (start, start + len(name))
                if known[kind] is variables and name in aliases:
                    message = f"{written} calls `{aliases[name]}` by an alias"
                    help = f"write `{aliases[name]}`"
                    yield Fault(
                        path=path,
                        kind="022",
                        message=message,
                        help=help,
                        part=part,
                        level="warning",
                    )
                elif name not in known[kind]:
                    what = "variable" if known[kind] is variables else kind
                    message = f"{written} names no {what} of this codebook"
                    help = did_you_mean(name, known[kind]) or f"there are {one_of(known[kind])}"
                    help = help if known[kind] else f"declare a {what}, or write plain text"
                    yield Fault(path=path, kind="021", message=message, help=help, part=part)
    for name in codebook.notes if notes <= {"", *known["note"]} else ():
        if name not in notes:
            message = f"note `{name}` is referred to by no text"
            help = f"write {{note:{name}}} where it belongs"
            path = ("notes", name)
            yield Fault(
                path=path, kind="027", message=message, help=help, at_key=True, level="warning"
            )


def _places(codebook: Codebook, data: Mapping[str, Any], places: Places) -> Iterator[Fault]:
    """Every erratum and every allowance is about something that is there."""
    for table, what in (("errata", "an erratum"), ("allow", "an allowance")):
        for number, one in zip(places[table], getattr(codebook, table), strict=True):
            first, dot, name = one.at.partition(".")
            known = names_in(data, first)
            if first in data and (
                name in known if dot else first in ("codebook", "privacy", "missing")
            ):
                continue
            message = f"{what} is at `{one.at}`, which is not in this codebook"
            near = did_you_mean(one.at, [f"{first}.{each}" for each in known] or data)
            help = near or "write codebook, variables.x, domains.x, sections.x and so on"
            yield Fault(path=(table, number, "at"), kind="021", message=message, help=help)
