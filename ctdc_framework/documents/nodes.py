"""What a document consists of: a tree from which Markdown, the page and the book are written.

Every text in it is plain: whoever writes a format escapes all of it, so that nothing a codebook
holds can be taken for markup. A heading's level is how deep its section lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from attrs import frozen


@frozen
class Text:
    """Plain words; a line break in them means a space."""

    text: str


@frozen
class Code:
    """A name, a value, a text of a file: shown exactly as it is."""

    text: str


@frozen
class Styled:
    """Words that stand out."""

    style: Literal["strong", "em"]
    children: Inlines


@frozen
class Link:
    """A way to an anchor of the document, as `#notes`, or to an address elsewhere."""

    target: str
    children: Inlines


@frozen
class Break:
    """The end of a line within a paragraph or a cell."""


Inline: TypeAlias = Text | Code | Styled | Link | Break
Inlines: TypeAlias = tuple[Inline, ...]


@frozen
class Paragraph:
    """Some sentences."""

    children: Inlines


@frozen
class Listed:
    """A list: numbered from `start`, or with bullets where that is None."""

    items: tuple[Blocks, ...]
    start: int | None = None
    look: Literal["", "tree", "columns"] = ""


@frozen
class Quote:
    """What somebody else says."""

    children: Blocks


@frozen
class Listing:
    """Lines that keep their breaks and spaces."""

    text: str


@frozen(kw_only=True)
class Table:
    """Rows under headings, with what it shows; its last `numbers` columns hold numbers."""

    caption: Inlines
    columns: tuple[str, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    numbers: int = 0


@frozen
class Facts:
    """Terms, each with what there is to say about it."""

    rows: tuple[tuple[str, Blocks], ...]


@frozen
class Aside:
    """A caution: what a reader has to know before going on."""

    title: str
    children: Blocks


@frozen(kw_only=True)
class Section:
    """A heading that can be linked to, and what stands under it."""

    id: str
    title: Inlines
    children: Blocks
    kind: Literal["", "variable"] = ""


Block: TypeAlias = Paragraph | Listed | Quote | Listing | Table | Facts | Aside | Section
Blocks: TypeAlias = tuple[Block, ...]


@frozen(kw_only=True)
class Document:
    """A whole document; `subtitle` says which codebook it prints and `facts` its version."""

    title: str
    lang: str
    facts: tuple[tuple[str, str], ...]
    front: Blocks
    chapters: tuple[Section, ...]


def plain(nodes: Iterable[Inline]) -> str:
    """Give the words alone, as for a table of contents.

    >>> plain((Text("see "), Link("#a", (Code("a"),))))
    'see a'
    """
    return "".join(_plain(node) for node in nodes)


def _plain(node: Inline) -> str:
    match node:
        case Text(text) | Code(text):
            return text
        case Break():
            return " "
        case _:
            return plain(node.children)


def line(*parts: str | Inline | Inlines) -> Inlines:
    """Put words and nodes into one run.

    >>> line("see ", (Code("a"), Text(".")))
    (Text(text='see '), Code(text='a'), Text(text='.'))
    """
    done: list[Inline] = []
    for part in parts:
        if isinstance(part, tuple):
            done += part
        elif not isinstance(part, str):
            done.append(part)
        elif part:
            done.append(Text(part))
    return tuple(done)


def joined(parts: Iterable[Inlines], between: str, last: str = "") -> Inlines:
    """Put parts one after another with a text between them, another before the last.

    >>> plain(joined([(Text("a"),), (Text("b"),), (Text("c"),)], ", ", " and "))
    'a, b and c'
    """
    listed = list(parts)
    done: list[Inline] = []
    for number, part in enumerate(listed):
        if number:
            done.append(Text(last if last and number == len(listed) - 1 else between))
        done += part
    return tuple(done)


def sections(blocks: Iterable[Block]) -> Iterator[Section]:
    """Go through the sections among some blocks, each before the sections it holds."""
    for block in blocks:
        if isinstance(block, Section):
            yield block
            yield from sections(block.children)
