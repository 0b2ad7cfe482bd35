"""What TOML 1.1 allows and 1.0 does not: a newer parser takes it, other programs would not.

The text is one that a parser took, or failed on; nothing here says whether it is TOML at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

_TOKEN = re.compile(
    r'#[^\n]*|"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    r"|(?:[0-9-]{10}[Tt])?[0-9]{2}:[0-9]{2}(?::[0-9]{2})?|[\[\]{},\n]|[^\s\"'#\[\]{},]+?(?=[\s\"'#\[\]{},:]|$)|:",
    re.DOTALL,
)
_MOST = 50


@frozen(kw_only=True)
class Newer:
    """A place in a text, counted from 1, that only TOML 1.1 allows."""

    line: int
    column: int
    width: int
    message: str
    help: str


def newer_syntax(text: str) -> list[Newer]:
    r"""List what in a text is TOML 1.1 and not 1.0.

    >>> [(one.line, one.column, one.help) for one in newer_syntax('a = { b = "\\e",\n  c = 1 }')]
    [(1, 12, 'write \\u001B'), (1, 5, 'write the table on one line, or with a [header] of its own')]
    """
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    done: list[Newer] = []
    line = 0
    for at, width, message, help in _found(text):
        while line and starts[line] > at:
            line -= 1
        while line + 1 < len(starts) and starts[line + 1] <= at:
            line += 1
        column = at - starts[line] + 1
        done.append(Newer(line=line + 1, column=column, width=width, message=message, help=help))
        if len(done) == _MOST:
            break
    return done


def _found(text: str) -> Iterator[tuple[int, int, str, str]]:
    opened: list[int] = []
    """Where brackets opened; of an inline table that is told of already, -1."""
    comma = -1
    for token in _TOKEN.finditer(text):
        word, at = token.group(), token.start()
        inside = bool(opened) and (opened[-1] < 0 or text[opened[-1]] == "{")
        if word in ("[", "{"):
            opened.append(at)
        elif word == "]" and opened:
            opened.pop()
        elif word == "}" and opened:
            opened.pop()
            if inside and comma >= 0:
                message = "a comma before } is TOML 1.1, and 1.0 has none there"
                yield comma, 1, message, "remove the comma"
        elif word == "\n" and inside and opened[-1] >= 0:
            message = "a table in braces over several lines is TOML 1.1, and in 1.0 it ends on its "
            help = "write the table on one line, or with a [header] of its own"
            yield opened[-1], 1, f"{message}line", help
            opened[-1] = -1
        elif word[0] == '"':
            for escape in re.finditer(r"\\(x[0-9A-Fa-f]{2}|.)", word, re.DOTALL):
                said = escape[1]
                if said == "e" or (said[0] == "x" and len(said) == 3):
                    code = "001B" if said == "e" else f"00{said[1:].upper()}"
                    message = f"the escape \\{said} is TOML 1.1, and 1.0 does not have it"
                    help = f"write \\u{code}"
                    yield at + escape.start(), len(escape[0]), message, help
        elif re.fullmatch("(?:[0-9-]{10}[Tt])?[0-9]{2}:[0-9]{2}", word):
            message = "a time without seconds is TOML 1.1, and 1.0 wants them"
            yield at, len(word), message, f"write {word}:00"
        if not word.isspace() and word[0] != "#":
            comma = at if word == "," else -1
