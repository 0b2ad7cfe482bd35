"""The normal form of a codebook's text: how it is laid out, never what it says.

The text is read into lines, keys and values as they are spelt, and written again. Comments, the
order of everything and the spelling of every value stay; only what stands between them changes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from attrs import define, evolve, frozen

from ctdc_framework.errors import CodebookError
from ctdc_framework.toml.syntax import parse

WIDTH = 100
"""Columns that an array may reach before it is broken."""


def format_codebook(text: str, name: str = "codebook.toml") -> str:
    """Give a codebook's text in its normal form, which means the same to the parser.

    One blank line parts tables, one space stands on each side of `=`, two before a comment that
    ends a line; runs of blank lines become one. An array that would pass column 100, or holds a
    comment, is broken: one element a line, the last with a comma. One that is broken already and
    has that last comma stays so. Line ends become LF, and letters in comments are composed
    (Unicode's NFC). No string is touched: a recode rule may name a text that a file has decomposed.

    Raises `CodebookError` for what is not TOML; `name` is the file's, for the message.

    >>> print(format_codebook('[a]\\nb=[1 , 2]# two\\n# of c\\n[ c ]\\nd = "x  "'), end="")
    [a]
    b = [1, 2]  # two
    <BLANKLINE>
    # of c
    [c]
    d = "x  "
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    parse(text, name, CodebookError, "CB")
    return _laid_out(_Reader(text).document())


def quoted(text: str) -> str:
    """Write a text as a TOML string, on one line and with all that cannot be seen in escapes.

    A letter in decomposed form is escaped too: no editor then composes it in passing.

    >>> print(quoted('say "hi"\\t'), quoted("C\u00f4te"), quoted("Co\u0302te"))
    "say \\"hi\\"\\t" "C\u00f4te" "Co\\u0302te"
    """
    plain = unicodedata.is_normalized("NFC", text)
    return f'"{"".join(_character(one, plain) for one in text)}"'


def _character(one: str, plain: bool) -> str:
    if one in _ESCAPES:
        return _ESCAPES[one]
    if (one.isascii() or plain) and one.isprintable():
        return one
    return f"\\u{ord(one):04X}" if ord(one) < 0x10000 else f"\\U{ord(one):08X}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def quoted_key(text: str) -> str:
    """Write a name as a TOML key, in quotation marks only where it needs them.

    >>> print(quoted_key("age-band"), quoted_key("age band"))
    age-band "age band"
    """
    return text if _NAME.fullmatch(text) else quoted(text)


# ------------------------------------------------------------------------------- what a text holds


@frozen
class _Blank:
    """One or more blank lines."""


@frozen
class _Comment:
    """A comment on a line of its own."""

    text: str


@frozen
class _Header:
    """`[table]` or `[[table]]`, and the comment that ends its line."""

    text: str
    after: str


@frozen
class _Entry:
    """A key with its value, or an element of an array, and the comment that ends its line."""

    key: str
    value: _Value
    after: str


@frozen
class _Group:
    """An array or an inline table."""

    brackets: str
    opening: str
    """The comment behind the opening bracket."""
    parts: Sequence[_Blank | _Comment | _Entry]
    spread: bool
    """Whether its author broke it: a comma after the last element, and a line end."""

    @property
    def has_comments(self) -> bool:
        """Whether a comment keeps it from being written on one line."""
        comments = (isinstance(part, _Comment) or _after(part) for part in self.parts)
        return bool(self.opening) or any(comments)


_Value: TypeAlias = str | _Group
_Part: TypeAlias = _Blank | _Comment | _Header | _Entry


def _after(part: _Part) -> str:
    return part.after if isinstance(part, _Header | _Entry) else ""


# --------------------------------------------------------------------------------- reading the text

_BLANKS = re.compile(r"[ \t]+")
_SPACE = re.compile(r"[ \t\n]+")
_COMMENT = re.compile(r"#[^\n]*")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}#\n]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\]|\\.)*+"'
    r"|'[^']*+'",
    re.DOTALL,
)


@define
class _Reader:
    """Goes through a text that the parser has accepted, so nothing is checked here."""

    text: str
    at: int = 0

    def document(self) -> list[_Part]:
        parts: list[_Part] = []
        while self.at < len(self.text):
            gap = self.take(_SPACE)
            if gap.count("\n") > 1 and parts and self.at < len(self.text):
                parts.append(_Blank())
            if self.sees("#"):
                parts.append(_Comment(self.comment()))
            elif self.sees("["):
                parts.append(self.header())
            elif self.at < len(self.text):
                parts.append(self.entry(keyed=True))
        return parts

    def sees(self, piece: str) -> bool:
        return self.text.startswith(piece, self.at)

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match[0] if match else ""

    def comment(self) -> str:
        """Read what is left of a line, if it is a comment."""
        self.take(_BLANKS)
        return unicodedata.normalize("NFC", self.take(_COMMENT).rstrip(" \t"))

    def header(self) -> _Header:
        brackets = 2 if self.sees("[[") else 1
        self.at += brackets
        key = self.key()
        self.at += brackets
        return _Header("[" * brackets + key + "]" * brackets, self.comment())

    def key(self) -> str:
        names: list[str] = []
        while not names or self.sees("."):
            self.at += bool(names)
            self.take(_BLANKS)
            names.append(self.take(_STRING) if self.text[self.at] in "\"'" else self.take(_NAME))
            self.take(_BLANKS)
        return ".".join(names)

    def entry(self, *, keyed: bool) -> _Entry:
        key = ""
        if keyed:
            key = self.key()
            self.at += len("=")
            self.take(_BLANKS)
        first = self.text[self.at]
        if first in "[{":
            value: _Value = self.group("[]" if first == "[" else "{}")
        else:
            value = self.take(_STRING) if first in "\"'" else self.take(_PLAIN).rstrip(" \t")
        return _Entry(key, value, self.comment())

    def group(self, brackets: str) -> _Group:
        self.at += 1
        opening = self.comment()
        parts: list[_Blank | _Comment | _Entry] = []
        comma = False
        while True:
            gap = self.take(_SPACE)
            if self.sees(brackets[1]):
                self.at += 1
                spread = comma and "\n" in gap
                return _Group(brackets, opening, tuple(parts), spread)
            if self.sees(","):
                self.at += 1
                comma = True
                self.attach(parts, self.comment())
                continue
            if gap.count("\n") > 1 and parts:
                parts.append(_Blank())
            if self.sees("#"):
                parts.append(_Comment(self.comment()))
            else:
                comma = False
                parts.append(self.entry(keyed=brackets == "{}"))

    def attach(self, parts: list[_Blank | _Comment | _Entry], comment: str) -> None:
        """Give the last element the comment behind its comma."""
        last = parts[-1]
        if isinstance(last, _Entry) and not last.after:
            parts[-1] = evolve(last, after=comment)
        elif comment:
            parts.append(_Comment(comment))


# --------------------------------------------------------------------------------- writing the text


def _laid_out(parts: Sequence[_Part]) -> str:
    lines = []
    for part in _parted(parts):
        if isinstance(part, _Blank):
            lines.append("")
        elif isinstance(part, _Comment):
            lines.append(part.text)
        elif isinstance(part, _Header):
            lines.append(_ended(part.text, part.after))
        else:
            start = f"{part.key} = "
            lines.append(_ended(start + _written(part.value, 0, len(start)), part.after))
    return "".join(f"{line}\n" for line in lines)


def _parted(parts: Sequence[_Part]) -> Iterator[_Part]:
    """Put a blank line before each table; the comments right above its header belong to it."""
    held: list[_Part] = []
    started = False
    for part in parts:
        if isinstance(part, _Comment):
            held.append(part)
            continue
        if isinstance(part, _Header) and started:
            yield _Blank()
        yield from held
        yield part
        held, started = [], not isinstance(part, _Blank)
    yield from held


def _ended(text: str, comment: str) -> str:
    return f"{text}  {comment}" if comment else text


def _written(value: _Value, indent: int, column: int) -> str:
    """Write a value that begins at a column (from 0); its later lines are indented."""
    flat = _flat(value)
    if isinstance(value, str) or (flat is not None and "\n" not in flat and _fits(flat, column)):
        return flat or ""
    if value.brackets == "[]" or value.has_comments:
        return _broken(value, indent)
    text = "{ "
    for number, entry in enumerate(_entries(value)):
        text += f"{', ' if number else ''}{entry.key} = "
        at = len(text) - text.rfind("\n") - 1 if "\n" in text else column + len(text)
        text += _written(entry.value, indent, at)
    return text + " }"


def _fits(text: str, column: int) -> bool:
    return column + len(text) <= WIDTH


def _broken(group: _Group, indent: int) -> str:
    margin = " " * (indent + 2)
    lines = [_ended(group.brackets[0], group.opening)]
    for part in group.parts:
        if isinstance(part, _Entry):
            start = margin + (f"{part.key} = " if part.key else "")
            text = start + _written(part.value, indent + 2, len(start) + len(","))
            lines.append(_ended(f"{text},", part.after))
        else:
            lines.append("" if isinstance(part, _Blank) else margin + part.text)
    return "\n".join([*lines, " " * indent + group.brackets[1]])


def _flat(value: _Value) -> str | None:
    """Write a value on one line, or give None where it has to be broken."""
    if isinstance(value, str):
        return value
    is_table = value.brackets == "{}"
    if value.has_comments or (value.spread and not is_table):
        return None
    texts = []
    for entry in _entries(value):
        text = _flat(entry.value)
        if text is None or ("\n" in text and not is_table):
            return None
        texts.append(f"{entry.key} = {text}" if is_table else text)
    if not texts:
        return value.brackets
    return f"{{ {', '.join(texts)} }}" if is_table else f"[{', '.join(texts)}]"


def _entries(group: _Group) -> Iterator[_Entry]:
    return (part for part in group.parts if isinstance(part, _Entry))
