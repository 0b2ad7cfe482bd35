"""Parse TOML, and say what was meant where a text is none: a steward does not know the grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import tomli
from attrs import evolve, frozen

from ctdc_framework.errors import CtdcError, Place, Problem
from ctdc_framework.toml.dialect import Newer, newer_syntax


def parse(text: str, name: str, error: type[CtdcError], prefix: str) -> dict[str, Any]:
    """Give what a text contains; line ends are folded to LF already.

    Raises `error` with the parser's one complaint, or with everything that is TOML 1.1; `name` is
    the file's, and `prefix` that of the codes.

    >>> from ctdc_framework.errors import CodebookError
    >>> try:
    ...     parse("bands = [18--20]", "a.toml", CodebookError, "CB")
    ... except CodebookError as failure:
    ...     print(failure)
    a.toml:1:10: error[CB007]: `18--20` is no TOML value
       |
      1| bands = [18--20]
       |          ^^^^^^
       = help: write { from = 18, to = 20 }
    """
    here = Place(file=name)
    newer = [_newer(name, text, one, prefix) for one in newer_syntax(text)]
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as failure:
        # A parser of 1.0 fails at, or right after, what is newer.
        near = [one for one in newer if one.place and -1 <= one.place.line - failure.lineno <= 0]
        raise error(problems=near or [_complaint(name, text, failure, prefix)]) from None
    except RecursionError:
        message, help = "tables or arrays are nested too deeply", "is a bracket not closed?"
        problem = Problem(code=f"{prefix}001", message=message, help=help, place=here)
        raise error(problems=[problem]) from None
    except ValueError:  # Python reads no number of more than 4300 digits
        message, help = "a number is too large", "write one of at most 18 digits"
        problem = Problem(code=f"{prefix}014", message=message, help=help, place=here)
        raise error(problems=[problem]) from None
    if newer:
        raise error(problems=newer)
    return data


def _newer(name: str, text: str, one: Newer, prefix: str) -> Problem:
    source = text.split("\n")[one.line - 1]
    place = Place(file=name, line=one.line, column=one.column, width=one.width, source=source)
    return Problem(code=f"{prefix}009", message=one.message, help=one.help, place=place)


@frozen(kw_only=True)
class _Meant:
    """What somebody meant who wrote what is no TOML: a code, words, and where on the line."""

    code: str
    message: str
    help: str = ""
    start: int
    width: int = 1


def _complaint(name: str, text: str, failure: tomli.TOMLDecodeError, prefix: str) -> Problem:
    lines = text.split("\n")
    line, column = failure.lineno, failure.colno
    if not 0 < line <= len(lines):
        line, column = len(lines), len(lines[-1]) + 1
    said = re.sub(r"\s*\(at .*\)$", "", str(failure))
    meant = _meant(lines, line, column - 1, said)
    place = Place(file=name, line=line, column=meant.start + 1, source=lines[line - 1])
    return Problem(
        code=f"{prefix}{meant.code}",
        message=meant.message,
        help=meant.help,
        place=evolve(place, width=meant.width),
    )


def _meant(lines: Sequence[str], line: int, at: int, said: str) -> _Meant:
    """Guess by the parser's complaint, which is at offset `at` of a line, and the line's looks."""
    source = lines[line - 1]
    if said.startswith(("Cannot overwrite", "Cannot declare")):
        return _twice(lines, line)
    if "at the end of a" in said and (header := _HEADER.match(source)):
        opened, name = header[1], header[2]
        message = f"the header of {opened}{name} is not closed"
        closed = f"{opened}{name}{']' * len(opened)}"
        return _Meant(code="006", message=message, help=f"write {closed}", start=at)
    for pattern, meant in ((_MONTH, _month), (_BAND, _band), (_ODD, _odd)):
        for found in pattern.finditer(source):
            # The parser stops within what is wrong, or right behind the part that it took.
            if found.start() <= at <= found.end():
                return meant(found)
    if said.startswith("Illegal character '\\n'"):
        if quote := _ODD.search(source):
            return _odd(quote)
        message = "not valid TOML: the line ends inside a text"
        help = 'close it with ", or give a text of several lines three quotes at each end'
        return _Meant(code="001", message=message, help=help, start=at)
    help = next((help for part, help in _HELP.items() if part in said), "")
    return _Meant(code="001", message=f"not valid TOML: {said}", help=help, start=at)


_HELP = {
    "Unclosed array": "put a comma between two entries, and ] after the last",
    "Unclosed inline table": "put a comma between two entries, and } after the last",
    "Expected newline": "begin a new line, or put quotes around a text",
    "Expected '='": 'write key = "value"; a remark begins with #',
    "Invalid initial character for a key": "name it with letters, digits, - and _, or in quotes",
    "at the end of a": "a name with a space or another such character stands in quotes",
    "Invalid value": 'a text stands in quotes, as in "Female"; true and false are small',
    "Invalid statement": 'write key = "value"; a remark begins with #',
    "Unterminated string": "put a quotation mark where the text ends",
    "Unescaped '\\'": "write \\\\ for a backslash, or put the text in single quotes",
}
"""What to type, by a part of the parser's complaint."""


_HEADER = re.compile(r"\s*(\[{1,2})([\w.\"'-]+)\s*\]?\s*(?:#|$)")
_MONTH = re.compile(r"(?<=[=\[,{])\s*(?P<date>\d{4}-\d{1,2})(?=\s*(?:#|$|[,\]}]))")
_BAND = re.compile(r"(?P<from>\d+)(?:\s*(?:-{1,2}|[\u2010-\u2015])\s*(?P<to>\d+)|\+)")
_ODD = re.compile("[\u2010-\u2015\u2018-\u201f]")


def _month(found: re.Match[str]) -> _Meant:
    return _Meant(
        code="008",
        message="a date has a day, or stands in quotes",
        help=f'write "{found["date"]}"',
        start=found.start("date"),
        width=len(found["date"]),
    )


def _band(found: re.Match[str]) -> _Meant:
    """Two numbers and a dash: a band, or a first and a last year."""
    first, last = found["from"], found["to"]
    band = f"{{ from = {first}, to = {last} }}" if last else f"{{ from = {first} }}"
    if last and re.match(r"[^#]*\byears\s*=", found.string):
        band = f"{first}, {last}"
    message = f"`{found[0]}` is no TOML value"
    return _Meant(
        code="007", message=message, help=f"write {band}", start=found.start(), width=len(found[0])
    )


def _odd(found: re.Match[str]) -> _Meant:
    quote = found[0] >= "\u2018"
    what, help = ("quote", "type a straight one") if quote else ("dash", "type a hyphen")
    return _Meant(
        code="001",
        message=f"not valid TOML: U+{ord(found[0]):04X} is a typographic {what}",
        help=help,
        start=found.start(),
    )


def _twice(lines: Sequence[str], line: int) -> _Meant:
    """Say what is declared twice, and where first, as far as the lines by themselves show it."""
    source = lines[line - 1]
    written = re.match(r"\s*(\[+[^\]]+\]+|[^=]+?(?=\s*=))", source)
    what = written[1] if written else source.strip()[:40]
    help = "keep one of them"
    for number in range(line - 1, 0, -1):
        if re.match(rf"\s*{re.escape(what)}\s*{'' if what[:1] == '[' else '='}", lines[number - 1]):
            help += f"; line {number} has the other"
            break
    start = len(source) - len(source.lstrip())
    return _Meant(
        code="005",
        message=f"`{what}` is declared twice",
        help=help,
        start=start,
        width=max(1, len(what)),
    )
