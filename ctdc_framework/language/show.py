"""A codebook as it is after all that it extends, and who says what in it."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from os.path import basename
from typing import Any

from ctdc_framework.errors import CodebookError
from ctdc_framework.language.format import quoted, quoted_key
from ctdc_framework.language.inheritance import DEEPEST
from ctdc_framework.language.origins import at, origin_of, too_deep
from ctdc_framework.problems.faults import Path
from ctdc_framework.toml.file import TomlFile

WIDTH = 100
"""Columns that an array may reach before it is broken."""


def show(file: TomlFile, *, origin: bool = False) -> list[str]:
    """Give a codebook as TOML, line by line; with `origin`, each line says where it is written.

    A line that comes from two files names both: a value whose label an overlay translates. Lines
    that only open or close something say nothing. Read again, the lines give `file.data`.

    >>> text = "rules = [{ id = 'a' }]\\nprivacy.k = 10"
    >>> data = {"rules": [{"id": "a"}], "privacy": {"k": 10}}
    >>> file = TomlFile(name="x/a.toml", data=data, text=text)
    >>> print(*show(file, origin=True), sep="\\n")
    [[rules]]
    id = "a"  # a.toml:1
    <BLANKLINE>
    [privacy]
    k = 10  # a.toml:2
    """
    _refuse_depth(file)
    lines = []
    for text, paths in _table((), file.data):
        places = (_where(file, one) for path in paths for one in _parts(file, path))
        said = ", ".join(dict.fromkeys(places)) if origin else ""
        lines.append(f"{text}  # {said}" if said else text)
    return lines[1:] if lines[:1] == [""] else lines


def as_json(file: TomlFile, *, origin: bool = False) -> dict[str, Any]:
    """Give a codebook as plain JSON values; with `origin`, also the place of each of its values.

    Places are under JSON pointers, as a name may hold points. Dates, and numbers that JSON does not
    know, are texts.

    >>> data = {"domains": {"a/b": {"min": float("inf")}}}
    >>> file = TomlFile(name="a.toml", data=data, text="[domains.'a/b']\\nmin = inf")
    >>> as_json(file, origin=True)["origins"]
    {'/domains/a~1b/min': 'a.toml:2'}
    >>> as_json(file)
    {'codebook': {'domains': {'a/b': {'min': 'inf'}}}}
    """
    _refuse_depth(file)
    shown = {"codebook": _plain(file.data)}
    if origin:
        parts = (one for path in _leaves((), file.data) for one in _parts(file, path))
        shown["origins"] = {_pointer(path): _where(file, path) for path in parts}
    return shown


def _refuse_depth(file: TomlFile) -> None:
    if too_deep(file.data, DEEPEST):
        raise CodebookError(f"{file.name}: tables or arrays are nested more than {DEEPEST} deep")


def _where(file: TomlFile, path: Path) -> str:
    """Say `file:line`; a value that is written nowhere by itself is where what holds it is."""
    found = origin_of(file, path)
    locator = found.file.locator
    span = locator.value(found.path) or locator.nearest(found.path)
    # A file's name may hold anything, and a comment only what can be seen.
    name = re.sub(r"[\x00-\x1f\x7f]", "\ufffd", basename(found.file.name))
    return f"{name}:{span.line}" if span else name


def _parts(file: TomlFile, path: Path) -> Iterator[Path]:
    """Go through a value, and those elements of an array that are from another file than it is."""
    yield path
    value = at(file.data, *path)
    own = origin_of(file, path).file
    for number in range(len(value)) if isinstance(value, list) else ():
        if origin_of(file, (*path, number)).file is not own:
            yield (*path, number)


def _leaves(path: Path, value: Any) -> Iterator[Path]:
    """Go through the paths of all values that hold no others, arrays of such values as one."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        inner = list(enumerate(value))
    if not inner:
        yield path
    for part, one in inner:
        yield from _leaves((*path, part), one)


# ---------------------------------------------------------------------------------------- as TOML

_Lines = Iterator[tuple[str, list[Path]]]


def _table(path: Path, table: Any) -> _Lines:
    """Go through a table's lines, each with the paths of what it says: first values, then tables.

    Only the arrays of tables at the top get headers of their own.
    """
    own = {key: one for key, one in table.items() if not _has_header((*path, key), one)}
    for key, one in own.items():
        yield from _entry((*path, key), f"{quoted_key(key)} = ", one)
    for key, one in table.items():
        if key in own:
            continue
        here = (*path, key)
        header = ".".join(quoted_key(str(part)) for part in here)
        if isinstance(one, dict):
            # A table that holds nothing but tables needs no header.
            inner = [_has_header((*here, k), v) for k, v in one.items()]
            if not inner or not all(inner):
                yield "", []
                yield f"[{header}]", []
            yield from _table(here, one)
            continue
        for number, element in enumerate(one):
            yield "", []
            yield f"[[{header}]]", []
            for name, value in element.items():
                yield from _entry((*here, number, name), f"{quoted_key(name)} = ", value)


def _has_header(path: Path, value: Any) -> bool:
    if isinstance(value, dict):
        return True
    tables = isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    return bool(len(path) == 1 and tables)


def _entry(path: Path, start: str, value: Any) -> _Lines:
    """Write one key with its value; an array that is long or holds tables over several lines."""
    text = start + _value(value)
    holds_tables = isinstance(value, list) and any(isinstance(one, dict) for one in value)
    if not isinstance(value, list) or not value or (len(text) <= WIDTH and not holds_tables):
        yield text, list(_leaves(path, value))
        return
    yield f"{start}[", []
    for number, one in enumerate(value):
        yield f"  {_value(one)},", list(_leaves((*path, number), one))
    yield "]", []


def _value(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{quoted_key(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return _number(value) if isinstance(value, int) else str(value)


def _number(value: int) -> str:
    # Python writes no number of more than 4300 digits in tens, which TOML's hexadecimals may have.
    return str(value) if value.bit_length() < 10_000 else hex(value)


# ---------------------------------------------------------------------------------------- as JSON


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() >= 10_000:
        return hex(value)
    return value


def _pointer(path: Path) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
