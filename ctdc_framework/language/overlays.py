"""Overlays: a codebook's texts in another language, and nothing else.

A translator writes `x.fr.toml` with `extends` and `lang = "fr"`, and can then change what is read
but not what is done: every key that is no text is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from attrs import define, field

from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.language.origins import OWN, Inherited, Origin, at, put_together
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.convert import kind_of
from ctdc_framework.toml.file import TomlFile

_VARIABLE = frozenset(["definition", "caveat", "section"])
_COLLECTION = frozenset(["meaning", "proxy", "approximates", "note"])
TEXTS: Mapping[str, frozenset[str]] = {
    "codebook": frozenset(["title", "description"]),
    "missing.codes.*": frozenset(["label"]),
    "contributors.*": frozenset(["label", "name", "how"]),
    "domains.*": frozenset(["definition", "label", "label_open"]),
    "domains.*.values.*": frozenset(["definition", "label"]),
    "templates.*": _VARIABLE,
    "templates.*.contributors.*": _COLLECTION,
    "variables.*": _VARIABLE,
    "variables.*.contributors.*": _COLLECTION,
    "inputs.*": frozenset(["definition"]),
    "notes.*": frozenset(["title", "text"]),
    "rules.*": frozenset(["because"]),
    "checks.*": frozenset(["because"]),
    "sections.*": frozenset(["title", "text"]),
    "figures.*": frozenset(["title", "text"]),
    "groups.*": frozenset(["title", "text"]),
}
"""What an overlay may say: a table and its keys, `*` standing for each of its entries."""

_SHAPES = {
    ".".join(parts[:length])
    for parts in (pattern.split(".") for pattern in TEXTS)
    for length in range(1, len(parts) + 1)
}
_HEADER = frozenset(["extends", "lang", "dsl"])
_KNOWN_BY = {"values": "code", "codes": "code"}
"""By what the elements of an array are known, where it is not their `id`."""


def is_overlay(file: TomlFile, parent: TomlFile) -> bool:
    """Say whether a codebook is an overlay: in another language than its parent, or named as one.

    >>> def of(name, lang):
    ...     return TomlFile(name=name, data={"codebook": {"lang": lang}})
    >>> base = of("x.toml", "en")
    >>> is_overlay(of("y.toml", "fr"), base), is_overlay(of("x.en.toml", "en"), base)
    (True, True)
    >>> is_overlay(of("y.toml", "en"), base)
    False
    """
    lang = at(file.data, "codebook", "lang")
    if not isinstance(lang, str) or not lang:
        return False
    other = lang != (at(parent.data, "codebook", "lang") or "en")
    return other or os.path.basename(file.name).endswith(f".{lang}.toml")


def overlay(file: TomlFile, parent: TomlFile) -> tuple[Inherited, list[Fault]]:
    """Give the parent with the overlay's texts in place of its own, and all that is no text.

    Entries of arrays are matched by `id`, values of a domain and missing codes by `code`. A key
    that is no text is CB243; an entry that the parent has not is CB240. Neither is taken over.
    """
    origins: dict[Path, Origin] = {(key,): Origin(parent, (key,)) for key in parent.data}
    work = _Overlay(data=deepcopy(dict(parent.data)), file=file, origins=origins)
    work.table("", file.data, (), ())
    work.data.setdefault("codebook", {})
    work.take("lang", file.data["codebook"]["lang"], ("codebook",), ("codebook",))
    return put_together(file, parent, work.data, work.origins), work.faults


@define(kw_only=True)
class _Overlay:
    """Goes through an overlay beside a copy of its parent's data, which it changes."""

    file: TomlFile
    data: dict[str, Any]
    origins: dict[Path, Origin]
    faults: list[Fault] = field(factory=list)

    def table(self, shape: str, mine: Mapping[str, Any], path: Path, there: Path) -> None:
        """Take over the texts of one table; `path` is where it is here, `there` in the parent."""
        skipped = _HEADER if shape == "codebook" else frozenset[str]()
        if path and isinstance(path[-1], int):
            skipped = frozenset([_known_by(shape.removesuffix(".*"))])
        for key, value in mine.items():
            inner = f"{shape}.{key}" if shape else key
            if key in skipped:
                continue
            if key in TEXTS.get(shape, ()):
                self.take(key, value, path, there)
            elif f"{inner}.*" in _SHAPES:
                self.entries(inner, value, (*path, key), (*there, key))
            elif inner in _SHAPES and isinstance(value, dict):
                self.table(inner, value, (*path, key), (*there, key))
            else:
                texts = one_of(sorted(TEXTS.get(shape, ())))
                help = f"an overlay may say {texts} here" if texts else "take it out"
                message = (
                    f"`{self.said((*path, key))}` is no text, and an overlay holds nothing else"
                )
                self.add("243", (*path, key), message, help, at_key=True)

    def entries(self, shape: str, value: object, path: Path, there: Path) -> None:
        """Take over the texts of entries by name, or of an array's elements by what they say."""
        theirs = at(self.data, *there)
        by = _known_by(shape)
        pairs: list[tuple[str | int, object, object]]
        known: dict[Any, str | int] = {}
        if isinstance(value, dict):
            pairs = [(name, name, one) for name, one in value.items()]
            known = {name: name for name in theirs} if isinstance(theirs, dict) else {}
        elif isinstance(value, list):
            pairs = [(number, at(one, by), one) for number, one in enumerate(value)]
            for number, one in enumerate(theirs if isinstance(theirs, list) else ()):
                if isinstance(name := at(one, by), str):
                    known.setdefault(name, number)
        else:
            message = f"`{self.said(path)}` must be tables, found {kind_of(value)}"
            self.add("012", path, message, "write each under a header of its own")
            return
        for key, name, one in pairs:
            here = (*path, key)
            if not isinstance(one, dict):
                message = f"`{self.said(here)}` must be a table, found {kind_of(one)}"
                self.add("012", here, message, "write its texts under a header of its own")
            elif not isinstance(name, str):
                message = f"an entry of `{self.said(path)}` needs `{by}` as a text"
                self.add("011", here, message, f'add {by} = "...", as the parent has it')
            elif name not in known:
                message = f"`{self.said(here)}` translates nothing: the parent has no such entry"
                where = here if isinstance(value, dict) else (*here, by)
                help = did_you_mean(name, known) or "take it out"
                self.add("240", where, message, help, at_key=isinstance(value, dict))
            else:
                self.table(f"{shape}.*", one, here, (*there, known[name]))

    def take(self, key: str, value: object, path: Path, there: Path) -> None:
        if not isinstance(value, str):
            message = f"`{self.said((*path, key))}` must be a text, found {kind_of(value)}"
            self.add("012", (*path, key), message, "put it in quotes")
            return
        table = at(self.data, *there)
        if isinstance(table, dict):
            table[key] = value
            self.origins[(*there, key)] = Origin(self.file, (*path, key))

    def add(self, kind: str, path: Path, message: str, help: str, *, at_key: bool = False) -> None:
        fault = Fault(path=(OWN, *path), kind=kind, message=message, help=help, at_key=at_key)
        self.faults.append(fault)

    def said(self, path: Path) -> str:
        """Name an entry by what its tables are called, so that nobody has to count elements."""
        names = []
        for length, part in enumerate(path, 1):
            table = str(path[length - 2]) if length > 1 else ""
            name = at(self.file.data, *path[:length], _KNOWN_BY.get(table, "id"))
            names.append(name if isinstance(part, int) and isinstance(name, str) else str(part))
        return ".".join(names)


def _known_by(shape: str) -> str:
    return _KNOWN_BY.get(shape.rpartition(".")[2], "id")
