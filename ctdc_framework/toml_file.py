"""Read a TOML file so that whatever is wrong with it can be shown where it stands."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import tomli
from attrs import evolve, field, frozen

from ctdc_framework.errors import CtdcError, Place, Problem
from ctdc_framework.faults import Fault, Path
from ctdc_framework.locator import Locator, locate
from ctdc_framework.toml_dialect import Newer, newer_syntax

MOST = 200
"""Problems that are told at once: nobody reads more."""

LARGEST = 2_000_000
"""Bytes: some forty times the largest shipped codebook, and read within seconds."""


@frozen(kw_only=True)
class TomlFile:
    """A parsed TOML file that can say where each of its keys and values stands."""

    name: str
    data: Mapping[str, Any]
    locator: Locator
    digest: str = ""
    marked: bool = False
    """Whether the file starts with a byte order mark."""
    moved: Mapping[Path, Path] = field(factory=dict)
    """Entries that came from somewhere else in the file, such as a template."""

    def problems(self, faults: Iterable[Fault], prefix: str) -> list[Problem]:
        """Turn faults into problems, each once and in the order of the file; errors go first."""
        unique = sorted(dict.fromkeys(faults), key=lambda fault: fault.level == "warning")
        told = [self.problem(fault, prefix) for fault in unique[:MOST]]
        told.sort(key=lambda p: (p.place.line, p.place.column) if p.place else (0, 0))
        if len(unique) > MOST:
            message = f"and {len(unique) - MOST} more problems: mend these first"
            told.append(Problem(code=f"{prefix}000", message=message, place=Place(file=self.name)))
        return told

    def problem(self, fault: Fault, prefix: str) -> Problem:
        """Turn a fault into a problem with its place in the file."""
        path = self.written_at(fault.path)
        span = self.locator.key(path) if fault.at_key else self.locator.value(path)
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
    newer = [_newer(name, text, one, prefix) for one in newer_syntax(text)]
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as failure:
        # A parser of 1.0 fails at, or right after, what is newer.
        here = [one for one in newer if one.place and -1 <= one.place.line - failure.lineno <= 0]
        raise error(problems=here or [_syntax(name, text, failure, prefix)]) from None
    except RecursionError:
        message = "tables or arrays are nested too deeply"
        raise error(problems=[problem(code=f"{prefix}001", message=message)]) from None
    except ValueError:  # Python reads no number of more than 4300 digits
        message = "a number is too large"
        raise error(problems=[problem(code=f"{prefix}014", message=message)]) from None
    if newer:
        raise error(problems=newer)
    return TomlFile(
        name=name,
        data=data,
        locator=locate(text),
        digest=hashlib.sha256(content).hexdigest(),
        marked=content.startswith(codecs.BOM_UTF8),
    )


def _newer(name: str, text: str, one: Newer, prefix: str) -> Problem:
    source = text.split("\n")[one.line - 1]
    place = Place(file=name, line=one.line, column=one.column, width=one.width, source=source)
    return Problem(code=f"{prefix}009", message=one.message, help=one.help, place=place)


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


_HELP = (
    ("[\u2018-\u201f]", "U+{0:04X} is a typographic quote: type a straight one"),
    ("[\u2010-\u2015]", "U+{0:04X} is a typographic dash: type a hyphen"),
    (r"\d+-{1,2}\d+ *[,\]]", "a band is written {{ from = 18, to = 20 }}"),
    (r"=\s*\d{4}-\d{2}\s*(#|$)", 'a date has a day, or quotes: "2021-09"'),
)
"""What may have been meant, by what the line looks like."""


def _syntax(name: str, text: str, failure: tomli.TOMLDecodeError, prefix: str) -> Problem:
    message = re.sub(r"\s*\(at .*\)$", "", str(failure))
    lines = text.split("\n")
    line, column = failure.lineno, failure.colno
    if not 0 < line <= len(lines):
        line, column = len(lines), len(lines[-1]) + 1
    source = lines[line - 1]
    if message.startswith(("Cannot overwrite", "Cannot declare")):
        return _twice(name, lines, line, prefix)
    found = ((re.search(pattern, source), help) for pattern, help in _HELP)
    help = next((help.format(ord(odd.group()[0])) for odd, help in found if odd), "")
    place = Place(file=name, line=line, column=column, source=source)
    return Problem(
        code=f"{prefix}001", message=f"not valid TOML: {message}", help=help, place=place
    )


def _twice(name: str, lines: list[str], line: int, prefix: str) -> Problem:
    """Say what is declared twice, and where first, as far as the lines by themselves show it."""
    source = lines[line - 1]
    column = len(source) - len(source.lstrip()) + 1
    written = re.match(r"\s*(\[+[^\]]+\]+|[^=]+?(?=\s*=))", source)
    what = written.group(1) if written else source.strip()[:40]
    help = "keep one of them"
    for number in range(line - 1, 0, -1):
        if re.match(rf"\s*{re.escape(what)}\s*{'' if what[:1] == '[' else '='}", lines[number - 1]):
            help += f"; line {number} has the other"
            break
    place = Place(file=name, line=line, column=column, width=len(what), source=source)
    return Problem(
        code=f"{prefix}005", message=f"`{what}` is declared twice", help=help, place=place
    )


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
        names.append(f"{word} `{name}`" if isinstance(name, str) else f"a {word} without `{key}`")
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
