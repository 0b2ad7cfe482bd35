"""Read a codebook's texts: Markdown without HTML, in which `{var:x}` leads to a variable.

What comes out are nodes, so nothing of the text can become markup of the document by accident:
a heading stands out and is none, a picture is its description, HTML is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from ctdc_framework.codebook.model import REFERENCE, Codebook
from ctdc_framework.documents import nodes as n

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.tree import SyntaxTreeNode

ADDRESS = re.compile(r"(https?://|mailto:)[^\s]+", re.IGNORECASE)
"""The links that a text may hold; any other is shown as its words."""


def anchor(kind: str, name: str) -> str:
    """Give the anchor of something in a document; no two names share one.

    >>> anchor("variable", "gender"), anchor("variable", "my var")
    ('variable-gender', 'variable-my.20.var')
    """
    return f"{kind}-{re.sub('[^A-Za-z0-9_-]', lambda odd: f'.{ord(odd[0]):x}.', name)}"


@frozen
class Prose:
    """A codebook's texts as nodes, their references as links that read as what they lead to."""

    codebook: Codebook

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.codebook.variables, start=1)}

    def blocks(self, text: str) -> n.Blocks:
        """Give a text's paragraphs and lists."""
        return tuple(self._blocks(_parsed(text).children))

    def inlines(self, text: str) -> n.Inlines:
        """Give a text as one run of words, for a heading or a cell.

        Of a text of several lines the paragraphs become lines; one of a single line is never a
        list, as a title may begin with a number.
        """
        text = text.strip()
        if "\n" in text:
            return tuple(_run(self.blocks(text)))
        return self._line(_parsed(text, in_line=True))

    def link(self, kind: str, name: str, words: str) -> n.Inline:
        """Give a link to something in the codebook, or its words where it is not there."""
        there = name in self._places.get(kind, ())
        return n.Link(f"#{anchor(kind, name)}", (n.Text(words),)) if there else n.Text(words)

    @cached_property
    def _places(self) -> dict[str, Container[str]]:
        """What of a codebook has a place in its document, by kind."""
        book = self.codebook
        return {
            "variable": book.variables,
            "note": book.notes,
            "section": [one.id for one in book.sections],
            "rule": [one.id for one in book.rules],
            "contributor": book.contributors,
            "hierarchy": book.hierarchies,
            "group": book.groups,
            "values": book.domains,
        }

    def variable(self, name: str) -> n.Inline:
        """Give the link to a variable: its number and its name."""
        return self.link("variable", name, self.title(name))

    def title(self, name: str) -> str:
        """Give a variable's number in the release and its name."""
        return f"{self._numbers[name]} {name}"

    def column(self, name: str) -> n.Inline:
        """Give a variable as its link, an input, which has no number, as its name."""
        return self.variable(name) if name in self.codebook.variables else n.Code(name)

    def address(self, address: str) -> n.Inlines:
        """Give the link to an address on the web, or its text where it is none."""
        text = n.Text(address)
        return (n.Link(address, (text,)) if ADDRESS.fullmatch(address) else text,)

    def _reference(self, kind: str, target: str) -> n.Inlines:
        """Give what a reference stands for; one that leads nowhere stays as it was written."""
        titles = {one.id: one.title for one in self.codebook.sections}
        if kind == "note":
            titles = {name: note.title for name, note in self.codebook.notes.items()}
        names = target.split("..") if kind == "vars" else [target]
        names = [self.codebook.names.get(name, name) for name in names]
        if kind in ("var", "vars") and all(name in self.codebook.variables for name in names):
            return n.joined([(self.variable(name),) for name in names], " to ")
        if kind in ("note", "section") and target in titles:
            # A title that refers to titles must not go round in circles.
            words = REFERENCE.sub(
                lambda one: one[0] if one[1].startswith("var") else one[2], titles[target]
            )
            return (self.link(kind, target, n.plain(self.inlines(words))),)
        return (n.Text(f"{{{kind}:{target}}}"),)

    def _blocks(self, found: Sequence[SyntaxTreeNode]) -> Iterator[n.Block]:
        for node in found:
            match node.type:
                case "paragraph":
                    yield n.Paragraph(self._line(node))
                case "heading":
                    yield n.Paragraph((n.Styled("strong", self._line(node)),))
                case "bullet_list" | "ordered_list":
                    items = tuple(tuple(self._blocks(item.children)) for item in node.children)
                    first = int(node.attrs.get("start", 1))
                    yield n.Listed(items, None if node.type == "bullet_list" else first)
                case "blockquote":
                    yield n.Quote(tuple(self._blocks(node.children)))
                case "fence" | "code_block":
                    yield n.Listing(node.content.rstrip("\n"))

    def _line(self, node: SyntaxTreeNode) -> n.Inlines:
        """Give the words of a block that holds a line of them."""
        return tuple(one for child in node.children for one in self._inline(child.children))

    def _inline(self, found: Sequence[SyntaxTreeNode]) -> Iterator[n.Inline]:
        for node in found:
            match node.type:
                case "text":
                    yield n.Text(node.content)
                case "code_inline":
                    yield n.Code(node.content)
                case "softbreak":
                    yield n.Text("\n")
                case "hardbreak":
                    yield n.Break()
                case "strong" | "em":
                    style: Literal["strong", "em"] = "em" if node.type == "em" else "strong"
                    yield n.Styled(style, tuple(self._inline(node.children)))
                case "link":
                    yield from self._link(node)
                case "image":
                    yield n.Text(node.content)
                case "reference":
                    yield from self._reference(node.meta["kind"], node.meta["target"])

    def _link(self, node: SyntaxTreeNode) -> Iterator[n.Inline]:
        words = tuple(_unlinked(self._inline(node.children)))
        target = str(node.attrs.get("href", ""))
        if ADDRESS.fullmatch(target) and words:
            yield n.Link(target, words)
        else:
            yield from words


def _unlinked(found: Iterator[n.Inline]) -> Iterator[n.Inline]:
    """Take links out of the words of a link, which may hold none."""
    for node in found:
        match node:
            case n.Link(_, children):
                yield from children
            case n.Styled(style, children):
                yield n.Styled(style, tuple(_unlinked(iter(children))))
            case _:
                yield node


def _run(found: Sequence[n.Block]) -> Iterator[n.Inline]:
    """Put blocks into one line after another."""
    for number, block in enumerate(found):
        if number:
            yield n.Break()
        match block:
            case n.Paragraph(children):
                yield from children
            case n.Listed(items):
                parts = [tuple(_run(item)) for item in items]
                yield from n.joined(parts, "; ")
            case n.Quote(children):
                yield from _run(children)
            case n.Listing(text):
                yield n.Code(text)


def _parsed(text: str, *, in_line: bool = False) -> SyntaxTreeNode:
    from markdown_it.tree import SyntaxTreeNode

    parse = _parser().parseInline if in_line else _parser().parse
    return SyntaxTreeNode(parse(text.strip()))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False})
    parser.disable(["lheading", "hr"])  # a line of dashes is nothing but a line of dashes
    parser.inline.ruler.after("escape", "reference", _reference_rule)
    return parser


def _reference_rule(state: StateInline, silent: bool) -> bool:
    """Find `{var:x}` where Markdown would see plain text; not in code, not after a backslash."""
    found = REFERENCE.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("reference", "", 0)
        token.meta = {"kind": found[1], "target": found[2]}
    state.pos = found.end()
    return True
