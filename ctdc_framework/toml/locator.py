"""Where the parts of a TOML document are written, for messages that point at file, line and column.

`tomli` says what a document contains, not where.  `locate` reads the same text once more and keeps
only places, so that what is found wrong later (an unknown key, a value out of range) can be shown
where it stands.  It relies on `tomli` having accepted the text: it checks nothing, has no messages
of its own, and stops silently at the first thing that it cannot follow.

Places are kept in a tree that mirrors the document, not in a dictionary of whole paths, which would
take memory quadratic in the depth of nesting.  Nor is anything here recursive: how deep a document
may be is for `tomli` to decide.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field, frozen

from ctdc_framework.toml.strings import written_at

if TYPE_CHECKING:
    from collections.abc import Iterator

Path: TypeAlias = tuple[str | int, ...]
"""The way to a value: a string is a key, an integer an index in an array or array of tables."""

_Extent: TypeAlias = tuple[int, int]
"""Offsets into the folded text: of the first character and of one past the last."""


@frozen
class Span:
    """A stretch of text, by offsets and by lines and columns.

    Offsets count from 0 in the text after folding CRLF to LF.  Lines and columns count from 1, in
    characters (code points; a tab is one).  `end`, `end_line` and `end_column` are one past the
    last character, hence never on the line after it.
    """

    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int


@define(eq=False, repr=False)
class _Node:
    """A table, array or value of the document: where it is written and what it contains.

    A table has members; an array, and an array of tables, has items.  Changed only while the
    document is read.
    """

    key: _Extent | None = None
    value: _Extent | None = None
    members: dict[str, _Node] = field(factory=dict)
    items: list[_Node] = field(factory=list)

    def member(self, name: str, key: _Extent, value: _Extent) -> _Node:
        """The member `name`, which is created with these places if this is where it first appears.

        Of an array of tables, it is a member of the last one.
        """
        table = self.items[-1] if self.items else self
        found = table.members.get(name)
        if found is None:
            found = table.members[name] = _Node(key, value)
        return found

    def item(self, key: _Extent | None = None, value: _Extent | None = None) -> _Node:
        """A new item at the end."""
        self.items.append(_Node(key, value))
        return self.items[-1]

    def child(self, part: str | int) -> _Node | None:
        """What this part of a path leads to, if anything."""
        if isinstance(part, str):
            return self.members.get(part)
        return self.items[part] if 0 <= part < len(self.items) else None


@frozen
class Locator:
    """Knows where each key and each value of one TOML document is written.

    Every path that `tomli` gives for the text is known.  Other paths give None, as does the empty
    one: the document as a whole has no place.

    >>> locator = locate('[sites]  # where\\nnorth.open = 1999-12-31 23:59:00  # local\\n')
    >>> span = locator.value(("sites", "north", "open"))
    >>> (span.line, span.column, span.end_column)
    (2, 14, 33)
    >>> locator.line(span.line)[span.column - 1 : span.end_column - 1]
    '1999-12-31 23:59:00'
    """

    _text: str = field(repr=False)
    # Both follow from the text, so two locators of one text are equal.
    _line_starts: tuple[int, ...] = field(repr=False, eq=False)
    _root: _Node = field(repr=False, eq=False)

    def key(self, path: Path) -> Span | None:
        """Where the last part of `path` is written as a key, quotes included.

        A table with a header of its own is named in that header, any other where it is first
        mentioned.  A table in an array of tables is named in its `[[header]]`, and the array as a
        whole in the first of them.  None for an item of an array between brackets: it has no name.

        >>> locator = locate("[a.'b c']\\n[a]\\nx . y = 1")
        >>> [(s.line, s.column) for s in map(locator.key, [("a", "b c"), ("a",), ("a", "x", "y")])]
        [(1, 4), (2, 2), (3, 5)]
        """
        node = self._find(path)
        return self._span(node.key) if node else None

    def value(self, path: Path) -> Span | None:
        """Where the value at `path` is written, with its quotes, brackets or braces.

        A table or array of tables made by headers is not written in one piece.  Its place is its
        own header with brackets (of an array, the first), or else the header where it is first
        mentioned; for a table made by a dotted key, that key as far as the part that names it.

        >>> locator = locate("[a.b]\\nx . y = [ 1, 2 ]")
        >>> for path in [("a",), ("a", "b"), ("a", "b", "x"), ("a", "b", "x", "y")]:
        ...     span = locator.value(path)
        ...     locator.line(span.line)[span.column - 1 : span.end_column - 1]
        '[a.b]'
        '[a.b]'
        'x'
        '[ 1, 2 ]'
        """
        node = self._find(path)
        return self._span(node.value) if node else None

    def nearest(self, path: Path) -> Span | None:
        """Where the value of the longest known beginning of `path` is written.

        For what is missing: it points at the place where it should have been.  None if not even the
        first part is known.

        >>> locator = locate("sizes = { small = [1] }")
        >>> locator.nearest(("sizes", "small", 3)) == locator.value(("sizes", "small"))
        True
        """
        values = [node.value for node in self._along(path) if node.value]
        return self._span(values[-1]) if values else None

    def part(self, path: Path, start: int, end: int) -> Span | None:
        """Where some of the text at `path` is written, from one of its characters up to another.

        >>> locator = locate('a = "\\u00e9 and {var:x}"')
        >>> span = locator.part(("a",), 11, 12)
        >>> locator.line(1)[span.column - 1 : span.end_column - 1]
        'x'
        """
        node = self._find(path)
        if node is None or node.value is None or self._text[node.value[0]] not in _QUOTES:
            return None
        first, last = (written_at(self._text, node.value[0], place) for place in (start, end))
        return self._span((first, last))

    def line(self, number: int) -> str:
        """The text of line `number` (from 1) without its line end; empty if there is no such line.

        >>> locate("a = 1\\r\\nb = 2\\r\\n").line(2)
        'b = 2'
        """
        if not 1 <= number <= len(self._line_starts):
            return ""
        start = self._line_starts[number - 1]
        # Not str.splitlines, which also splits at characters that TOML allows within a line.
        return self._text[start:].partition("\n")[0]

    def _along(self, path: Path) -> Iterator[_Node]:
        """What each part of `path` leads to, up to the first that leads nowhere."""
        node: _Node | None = self._root
        for part in path:
            node = node.child(part) if node else None
            if node is None:
                return
            yield node

    def _find(self, path: Path) -> _Node | None:
        nodes = list(self._along(path))
        return nodes[-1] if nodes and len(nodes) == len(path) else None

    def _span(self, extent: _Extent | None) -> Span | None:
        if extent is None:
            return None
        start, end = extent
        return Span(start, end, *self._line_and_column(start), *self._line_and_column(end))

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


def locate(text: str) -> Locator:
    """Finds where everything in a TOML document is written, in one pass and linear time.

    `text` is one that `tomli.loads` accepts.  With any other the locator knows what stands before
    the first thing that could not be followed, perhaps wrongly; no text raises an error.

    >>> locate("a = 1\\nb = = 2").value(("a",)).column
    5
    """
    text = text.replace("\r\n", "\n")  # as tomli does, so that offsets mean the same in both
    root = _Node()
    with suppress(_LostError):
        _read_document(_Cursor(text), root)
    return Locator(text, (0, *(end.end() for end in re.finditer("\n", text))), root)


class _LostError(Exception):
    """The text goes on in a way that cannot be followed."""


# None of these can backtrack: each is a run of one class of characters or a choice between
# alternatives that differ in the first.
_BLANKS = re.compile(r"[ \t]+")
_SPACE = re.compile(r"[ \t\n]+|#[^\n]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# Whatever is neither string, array nor inline table.  It ends where nothing but punctuation can
# follow, and so covers a date with a space before the time without having to know about dates.
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]+")
# What to step over or stop at in a string, by the quotes that it begins with.
_STRING_MARKS = {
    '"""': re.compile(r'\\.|"""'),
    "'''": re.compile(r"'''"),
    '"': re.compile(r'\\.|"'),
    "'": re.compile(r"'"),
}
_ESCAPE = re.compile(r"\\(?:(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}
_QUOTES = ("'", '"')
_CLOSING = {"[": "]", "{": "}"}


@frozen
class _Name:
    """One part of a key: what it says, and where."""

    text: str
    extent: _Extent


@define
class _Cursor:
    """A place in the text that moves forward over one piece of TOML at a time.

    What must be there but is not raises `_LostError`, so that no loop can stand still.
    """

    text: str
    at: int = 0

    def sees(self, piece: str) -> bool:
        return self.text.startswith(piece, self.at)

    def accept(self, piece: str) -> bool:
        """Moves over `piece` if it is here."""
        if not self.sees(piece):
            return False
        self.at += len(piece)
        return True

    def expect(self, piece: str) -> None:
        if not self.accept(piece):
            raise _LostError

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Moves over `pattern` if it is here."""
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match is not None

    def skip_space(self) -> None:
        """Moves over blanks, line ends and comments."""
        while self.skip(_SPACE):
            pass

    def key(self) -> list[_Name]:
        """Reads a key, dotted or not, and the blanks after it."""
        names = [self.name()]
        self.skip(_BLANKS)
        while self.accept("."):
            self.skip(_BLANKS)
            names.append(self.name())
            self.skip(_BLANKS)
        return names

    def name(self) -> _Name:
        """Reads one part of a key."""
        start = self.at
        if self.text[start : start + 1] in _QUOTES:
            self.string()
            name = self.text[start + 1 : self.at - 1]
            if self.text[start] == '"':
                name = _ESCAPE.sub(_unescape, name)
        elif self.skip(_BARE_KEY):
            name = self.text[start : self.at]
        else:
            raise _LostError
        return _Name(name, (start, self.at))

    def string(self) -> None:
        """Moves over a string of any of the four kinds."""
        quote = self.text[self.at]
        quotes = quote * 3 if self.sees(quote * 3) else quote
        marks = _STRING_MARKS[quotes].finditer(self.text, self.at + len(quotes))
        closing = next((mark for mark in marks if mark[0] == quotes), None)
        if closing is None:
            raise _LostError
        self.at = closing.end()
        if quotes != quote:
            # Up to two quotes may stand before the closing three, and the search stopped at the
            # first three in the row.
            self.accept(quote)
            self.accept(quote)

    def scalar(self) -> None:
        """Moves over a string, number, boolean, date or time."""
        start = self.at
        if self.text[start : start + 1] in _QUOTES:
            self.string()
        elif self.skip(_PLAIN_VALUE):
            self.at = start + len(self.text[start : self.at].rstrip(" \t"))
        else:
            raise _LostError


def _unescape(escape: re.Match[str]) -> str:
    code, character = escape.groups()
    if code:
        return chr(min(int(code[1:], 16), sys.maxunicode))
    return _ESCAPED.get(character, character)


def _read_document(cursor: _Cursor, root: _Node) -> None:
    table = root
    cursor.skip_space()
    while cursor.at < len(cursor.text):
        if cursor.sees("["):
            table = _read_header(cursor, root)
        else:
            _read_value(cursor, _read_key(cursor, table))
        cursor.skip_space()


def _read_header(cursor: _Cursor, root: _Node) -> _Node:
    """Reads `[a.b]` or `[[a.b]]`; gives the table that the lines below it belong to."""
    start = cursor.at
    brackets = 2 if cursor.sees("[[") else 1
    cursor.expect("[" * brackets)
    cursor.skip(_BLANKS)
    names = cursor.key()
    cursor.expect("]" * brackets)
    header = (start, cursor.at)

    node = root
    for name in names:
        node = node.member(name.text, name.extent, header)
    if brackets == 2:
        return node.item(names[-1].extent, header)
    # Lower tables may have been the first to mention it, but this is where it is defined.
    node.key, node.value = names[-1].extent, header
    return node


def _read_key(cursor: _Cursor, table: _Node) -> _Node:
    """Reads `a.b.c =` in a table; gives the node of `c`, whose value comes next."""
    names = cursor.key()
    cursor.expect("=")
    cursor.skip(_BLANKS)
    start = names[0].extent[0]
    node = table
    for name in names:
        node = node.member(name.text, name.extent, (start, name.extent[1]))
    return node


def _read_value(cursor: _Cursor, node: _Node) -> None:
    """Reads the value of `node` with all that is inside it."""
    inside: list[tuple[_Node, str, int]] = []  # open arrays and tables: node, bracket, its offset
    while True:
        start = cursor.at
        first = cursor.text[start : start + 1]
        if first in _CLOSING:
            cursor.expect(first)
            inside.append((node, first, start))
        else:
            cursor.scalar()
            node.value = (start, cursor.at)

        # Go out of all that ends here: `]]}` ends three.
        while inside:
            container, bracket, opened = inside[-1]
            cursor.skip_space()
            if cursor.accept(","):
                cursor.skip_space()
            if not cursor.accept(_CLOSING[bracket]):
                break
            container.value = (opened, cursor.at)
            inside.pop()
        else:
            return
        node = container.item() if bracket == "[" else _read_key(cursor, container)
