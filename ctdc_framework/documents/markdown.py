"""Write a document as Markdown: what CommonMark and GitHub read alike, stable line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ctdc_framework.documents import nodes as n

_SPECIAL = re.compile(r"[\\`*\[\]<>|~#]|_(?!\w)|(?<!\w)_|&(?=#|\w)|!\Z")
"""What could be markup; an underscore within a word is none."""
_AT_START = re.compile(r"\A(\d+)(?=[.)](?:\s|$))|^(1)(?=[.)]\s)|^(?=[-+](?:\s|$)|[-=]+$)", re.M)
"""Where a line could begin a list or underline a heading."""


def as_markdown(document: n.Document) -> str:
    """Write the whole document."""
    facts = " · ".join(f"{term}: {fact}" for term, fact in document.facts)
    parts = [f"# {escaped(document.title)}", escaped(facts), _blocks(document.front, 1)]
    contents = (f"- [{_inlines((n.Text(n.plain(one.title)),))}](#{one.id})"
                for one in document.chapters)  # fmt: skip
    parts.append("\n".join(contents))
    parts += [_section(chapter, 2) for chapter in document.chapters]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    r"""Write plain text so that none of it is taken for Markdown.

    >>> print(escaped("a*b <c> 1. UN_COO | - d"))
    a\*b \<c\> 1. UN_COO \| - d
    """
    return _SPECIAL.sub(r"\\\g<0>", text)


def _section(section: n.Section, level: int) -> str:
    marks = "#" * min(level, 6)
    head = f'<a id="{section.id}"></a>\n\n{marks} {_one_line(_inlines(section.title))}'
    return f"{head}\n\n{_blocks(section.children, level)}"


def _blocks(blocks: Iterable[n.Block], level: int) -> str:
    return "\n\n".join(_block(block, level) for block in blocks)


def _block(block: n.Block, level: int) -> str:
    match block:
        case n.Section():
            return _section(block, level + 1)
        case n.Paragraph(children):
            return _words(children)
        case n.Listed(items, start):
            marks = [f"{number}. " for number in range(start, start + len(items))] if (
                start is not None
            ) else ["- "] * len(items)  # fmt: skip
            return "\n".join(
                mark + _indented(_item(item, level), len(mark))
                for mark, item in zip(marks, items, strict=True)
            )
        case n.Quote(children):
            return "\n".join(f"> {line}".rstrip() for line in _blocks(children, level).split("\n"))
        case n.Aside(title, children):
            words = n.Paragraph((n.Styled("strong", n.line(title)),))
            return _block(n.Quote((words, *children)), level)
        case n.Listing(text):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}\n{text}\n{fence}"
        case n.Facts(rows):
            return "\n".join(
                _indented(f"- **{escaped(term)}:** {_item(blocks, level)}", 2).replace(" \n", "\n")
                for term, blocks in rows
            )
        case n.Table():
            return _table(block)


def _item(blocks: n.Blocks, level: int) -> str:
    """Write what an item holds: a list under its words follows without a blank line."""
    done = ""
    for block in blocks:
        gap = "\n" if isinstance(block, n.Listed) else "\n\n"
        done += (gap if done else "\n" * isinstance(block, n.Listed)) + _block(block, level)
    return done


def _indented(text: str, width: int) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *((" " * width + line).rstrip() for line in rest)])


def _table(table: n.Table) -> str:
    dashes = ["---"] * len(table.columns)
    for place in range(len(dashes) - table.numbers, len(dashes)):
        dashes[place] = "---:"
    rows = [[_cell(n.line(one)) for one in table.columns], dashes]
    rows += [[_cell(cell) for cell in row] for row in table.rows]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    caption = _one_line(_inlines((n.Styled("em", table.caption),)))
    return "\n".join([caption, "", *lines])


def _cell(nodes: n.Inlines) -> str:
    return _one_line(_inlines(nodes, in_table=True))


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).strip()


def _words(nodes: n.Inlines) -> str:
    """Write a paragraph, no line of which begins a list, a heading or a rule."""
    return _AT_START.sub(r"\g<0>\\", _inlines(nodes).strip())


def _inlines(nodes: Iterable[n.Inline], *, in_table: bool = False) -> str:
    return "".join(_inline(node, in_table) for node in nodes)


def _inline(node: n.Inline, in_table: bool) -> str:
    match node:
        case n.Text(text):
            return escaped(re.sub(r"\s*\n\s*", "\n", text))
        case n.Code(text):
            return _code(text, in_table)
        case n.Styled(style, children):
            mark = "**" if style == "strong" else "*"
            words = _inlines(children, in_table=in_table)
            return f"{mark}{words}{mark}" if words.strip() else words
        case n.Link(target, children):
            address = re.sub(r"[\s()<>|\\]", lambda odd: f"%{ord(odd[0]):02X}", target)
            return f"[{_inlines(children, in_table=in_table)}]({address})"
        case n.Break():
            return "<br>" if in_table else "\\\n"


def _code(text: str, in_table: bool) -> str:
    """Write a text exactly, in as many backticks as it needs."""
    text = re.sub(r"\s", " ", text)
    if in_table:
        text = text.replace("|", "\\|")  # GitHub undoes it, in code as well
    if not text.strip():
        return "` `" if text else ""
    marks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text[0] in " `" or text[-1] in " `" else ""
    return f"{marks}{space}{text}{space}{marks}"
