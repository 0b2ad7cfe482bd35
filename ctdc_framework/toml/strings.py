"""Where the characters of a TOML string are written, which escapes and joined lines shift."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_JOINED = re.compile(r"(?:\\[ \t]*\n[ \t\n]*)+")
"""A backslash at the end of a line: no character of the string, nor is the space behind it."""


def written_at(text: str, start: int, place: int) -> int:
    """The offset of a character in a string that is written from `start` on, by its place in it.

    `text` is one that was read, line ends folded to LF. The place past the last character is that
    of the closing quotes.

    >>> written_at('a = "\\\\u00e9b"', 4, 1)
    11
    """
    quote = text[start]
    quotes = quote * 3 if text.startswith(quote * 3, start) else quote
    at = start + len(quotes)
    if quotes != quote and text[at] == "\n":
        at += 1  # the first line end is no part of the string
    if quote == "'":
        return at + place
    while True:
        if quotes != quote and (joined := _JOINED.match(text, at)):
            at = joined.end()
        if not place:
            return at
        escape = _ESCAPE.match(text, at)
        at = escape.end() if escape else at + 1
        place -= 1
