"""Read a TOML file so that whatever is wrong with it can be shown where it stands."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path as FilePath
from typing import Any

from attrs import evolve, field, frozen

from ctdc_framework.errors import CtdcError, Place, Problem
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.locator import Locator, locate
from ctdc_framework.toml.syntax import parse

MOST = 100
"""Problems that are told at once: nobody reads more."""

LARGEST = 2_000_000
"""Bytes: some forty times the largest shipped codebook, and read within seconds."""


@frozen(kw_only=True)
class TomlFile:
    """A parsed TOML file that can say where each of its keys and values stands."""

    name: str
    data: Mapping[str, Any]
    text: str = field(default="", repr=False)
    """What is written in it, line ends folded to LF."""
    digest: str = ""
    marked: bool = False
    """Whether the file starts with a byte order mark."""
    moved: Mapping[Path, Path] = field(factory=dict)
    """Entries that came from somewhere else in the file, such as a template."""

    @cached_property
    def locator(self) -> Locator:
        """Knows the places; made when the first thing is wrong."""
        return locate(self.text)

    def problems(self, faults: Iterable[Fault], prefix: str) -> list[Problem]:
        """Turn faults into problems, each once and in the order of the file; errors go first."""
        unique = sorted(dict.fromkeys(faults), key=lambda fault: fault.level == "warning")
        told = [self.problem(fault, prefix) for fault in unique[:MOST]]
        told.sort(key=lambda p: (p.place.line, p.place.column) if p.place else (0, 0))
        if len(unique) > MOST:
            message = f"and {len(unique) - MOST:,} more problems"
            help = "mend these first, and check again"
            place = Place(file=self.name)
            told.append(Problem(code=f"{prefix}000", message=message, help=help, place=place))
        return told

    def problem(self, fault: Fault, prefix: str) -> Problem:
        """Turn a fault into a problem with its place in the file."""
        path = self.written_at(fault.path)
        span = self.locator.key(path) if fault.at_key else self.locator.value(path)
        if fault.part:
            span = self.locator.part(path, *fault.part) or span
        span = span or self.locator.value(path) or self.locator.nearest(path)
        place = Place(file=self.name)
        if span:
            line = self.locator.line(span.line)
            ends_here = span.end_line == span.line
            width = (span.end_column if ends_here else len(line) + 1) - span.column
            place = evolve(
                place, line=span.line, column=span.column, width=max(1, width), source=line
            )
        return Problem(
            code=f"{prefix}{fault.kind}",
            message=fault.message,
            help=fault.help,
            place=place,
            level=fault.level,
        )

    def written_at(self, path: Path) -> Path:
        """Give the path at which an entry is written, if that is not its own."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.moved:
                return (*self.moved[path[:length]], *path[length:])
        return path


def read_toml(path: FilePath, error: type[CtdcError], prefix: str) -> TomlFile:
    """Read a TOML file, or raise `error` with what is wrong with its bytes or its syntax."""
    name = str(path)
    content = _content(path, error)
    problem = partial(Problem, place=Place(file=name))
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as failure:
        byte = content[failure.start]
        message = f"byte 0x{byte:02X} at offset {failure.start} is not UTF-8"
        if 0x80 <= byte <= 0x9F:
            meant = bytes([byte]).decode("cp1252", "replace")
            message += f": it looks like Windows-1252, where it is {meant!r}"
        help = "save the file as UTF-8"
        raise error(problems=[problem(code=f"{prefix}003", message=message, help=help)]) from None
    data = parse(text, name, error, prefix)
    return TomlFile(
        name=name,
        data=data,
        text=text,
        digest=hashlib.sha256(content).hexdigest(),
        marked=content.startswith(codecs.BOM_UTF8),
    )


def _content(path: FilePath, error: type[CtdcError]) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise error(f"there is no file {path}", help="check the path") from None
    except IsADirectoryError:
        raise error(f"{path} is a directory, not a TOML file") from None
    except OSError as failure:
        raise error(f"{path} cannot be read: {failure.strerror}") from None
    except ValueError:  # a NUL in the name
        raise error("this is no file's name", help="check the path") from None
    if len(content) > LARGEST:
        help = "list codes rather than combinations of codes; keep data in files of their own"
        raise error(f"{path} has more than {LARGEST:,} bytes", help=help)
    return content


def speaking(
    fault: Fault, data: Mapping[str, Any], subjects: Mapping[str, tuple[str, str]]
) -> Fault:
    """Name the subject of a fault, so that nobody has to count array elements.

    `subjects` says what the entries of a table or array are called, and which of its keys names an
    element of an array.

    >>> data = {"rules": [{"id": "age"}]}
    >>> fault = Fault(path=("rules", 0), kind="011", message="`to` is missing")
    >>> speaking(fault, data, {"rules.*": ("rule", "id")}).message
    'rule `age`: `to` is missing'
    """
    names: list[str] = []
    where, value = "", data
    for part in fault.path:
        value = _within(value, part)
        if f"{where}*" not in subjects:
            where = f"{where}{part}."
            continue
        word, key = subjects[f"{where}*"]
        name = part if isinstance(part, str) else _within(value, key)
        said = isinstance(name, str) or (type(name) is int and abs(name) < 10**18)
        names.append(f"{word} `{name}`" if said else f"a {word} without `{key}`")
        where = f"{where}*."
    unsaid = ", ".join(name for name in names if name not in fault.message)
    return evolve(fault, message=f"{unsaid}: {fault.message}") if unsaid else fault


def _within(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def names_in(data: Mapping[str, Any], table: str) -> Collection[str]:
    """List the names that a table or an array gives, whether or not their entries are sound."""
    value = data.get(table)
    if isinstance(value, Mapping):
        return value.keys()
    entries = value if isinstance(value, list) else []
    ids = [one.get("id") for one in entries if isinstance(one, Mapping)]
    return dict.fromkeys(one for one in ids if isinstance(one, str))


def texts_in(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Go through every text, without recursion: tables can be nested to any depth."""
    inside = [(path, value)]
    while inside:
        path, value = inside.pop()
        if isinstance(value, str):
            yield path, value
        # A template's texts are looked at in the variables that use it.
        elif isinstance(value, Mapping) and path != ("templates",):
            inside += [((*path, key), one) for key, one in reversed(list(value.items()))]
        elif isinstance(value, list):
            inside += [((*path, n), value[n]) for n in reversed(range(len(value)))]
