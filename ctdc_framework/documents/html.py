"""Write a document as one page that asks nobody for anything: no font, no picture, no address.

Its one script narrows the list of variables down; without it the page lacks nothing else. The
policy in the page's head lets no other script run, and nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from ctdc_framework.documents import nodes as n

HERE = Path(__file__).parent
LONG = 45
"""A cell with more characters makes its table one of long texts."""
SHORT = 24
"""A name or a value with more characters may be broken at the end of a line."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[_/])(?=\w)")


def as_html(document: n.Document) -> str:
    """Write the whole page."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    script = (HERE / "find.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    template = (HERE / "page.html.j2").read_text(encoding="utf-8")
    contents = [
        (chapter, [one for one in n.sections(chapter.children) if one.kind == "variable"])
        for chapter in document.chapters
    ]
    page = environment.from_string(template).render(
        document=document,
        contents=contents,
        front=Markup(_blocks(document.front, 1)),  # noqa: S704 - escaped piece by piece
        chapters=Markup("\n".join(_section(one, 2) for one in document.chapters)),  # noqa: S704
        script=Markup(script),  # noqa: S704 - ours
        script_hash=base64.b64encode(digest).decode(),
        words=n.plain,
        broken=lambda text: Markup(_broken(text)),  # noqa: S704
    )
    return page + "\n"


def _section(section: n.Section, level: int) -> str:
    heading = f"h{min(level, 6)}"
    name, title = escape(section.id), _inlines(section.title)
    under = _blocks(section.children, level)
    if section.kind == "variable":
        number, _, rest = n.plain(section.title).partition(" ")
        title = f'<span class="number">{escape(number)}</span> {_broken(rest)}'
        return (
            f'<article class="variable" id="{name}" aria-labelledby="title.{name}">\n'
            f'<{heading} id="title.{name}">{title}</{heading}>\n{under}\n</article>'
        )
    kind = "chapter" if level == 2 else "part"
    return (
        f'<section class="{kind}" id="{name}">\n<{heading}>{title}</{heading}>\n{under}\n</section>'
    )


def _blocks(blocks: Iterable[n.Block], level: int) -> str:
    return "\n".join(_block(block, level) for block in blocks)


def _block(block: n.Block, level: int) -> str:
    match block:
        case n.Section():
            return _section(block, level + 1)
        case n.Paragraph(children):
            return f"<p>{_inlines(children)}</p>"
        case n.Listed(items, start, look):
            listed = "\n".join(f"<li>{_item(item, level)}</li>" for item in items)
            if start is None:
                kind = f' class="{look}"' if look else ""
                return f"<ul{kind}>\n{listed}\n</ul>"
            first = f' start="{start}"' if start != 1 else ""
            return f"<ol{first}>\n{listed}\n</ol>"
        case n.Quote(children):
            return f"<blockquote>\n{_blocks(children, level)}\n</blockquote>"
        case n.Listing(text):
            return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'
        case n.Aside(title, children):
            words = f'<p class="title">{escape(title)}</p>\n{_blocks(children, level)}'
            return f'<div class="caution" role="note">\n{words}\n</div>'
        case n.Facts(rows):
            pairs = "\n".join(
                f"<div><dt>{escape(term)}</dt><dd>{_item(told, level)}</dd></div>"
                for term, told in rows
            )
            return f"<dl>\n{pairs}\n</dl>"
        case n.Table():
            return _table(block)


def _item(blocks: n.Blocks, level: int) -> str:
    """Write what an item holds; its first paragraph is the item itself."""
    if blocks and isinstance(blocks[0], n.Paragraph):
        rest = _blocks(blocks[1:], level)
        return _inlines(blocks[0].children) + (f"\n{rest}\n" if rest else "")
    return f"\n{_blocks(blocks, level)}\n"


def _table(table: n.Table) -> str:
    """Write a table; one of long texts is a list on a narrow screen, and says it is a table."""
    numbers = len(table.columns) - table.numbers
    wordy = any(len(n.plain(cell)) > LONG for row in table.rows for cell in row)
    roles = dict.fromkeys(("table", "row", "columnheader", "cell"), "")
    if wordy:
        roles = {role: f' role="{role}"' for role in roles}
    heads = "".join(
        f'<th scope="col"{roles["columnheader"]}{_figure(place >= numbers)}>{escape(one)}</th>'
        for place, one in enumerate(table.columns)
    )
    rows = []
    for row in table.rows:
        cells = "".join(
            f"<td{roles['cell']}{_figure(place >= numbers, name if wordy else '')}>"
            f"{_inlines(cell)}</td>"
            for place, (name, cell) in enumerate(zip(table.columns, row, strict=False))
        )
        rows.append(f"<tr{roles['row']}{_about(row)}>{cells}</tr>")
    kind = f'{roles["table"]} class="wordy"' if wordy else ""
    label = escape(n.plain(table.caption))
    listed = "\n".join(rows)
    region = "" if wordy else f' tabindex="0" role="region" aria-label="{label}"'
    return (
        f'<div class="scroll"{region}>\n'
        f"<table{kind}>\n<caption>{_inlines(table.caption)}</caption>\n"
        f"<thead>\n<tr{roles['row']}>{heads}</tr>\n</thead>\n"
        f"<tbody>\n{listed}\n</tbody>\n</table>\n</div>"
    )


def _about(row: tuple[n.Inlines, ...]) -> str:
    """Say which variable a row leads to: it goes when that is not looked for."""
    first = row[0][0] if row and row[0] else None
    if isinstance(first, n.Link) and first.target.startswith("#variable-"):
        return f' data-variable="{escape(first.target[1:])}"'
    return ""


def _figure(is_figure: bool, name: str = "") -> str:
    told = f' data-column="{escape(name)}"' if is_figure and name else ""
    return f' class="figure"{told}' if is_figure else ""


def _inlines(nodes: Iterable[n.Inline]) -> str:
    return "".join(map(_inline, nodes))


def _inline(node: n.Inline) -> str:
    match node:
        case n.Text(text):
            return _broken(text)
        case n.Code(text):
            kind = ' class="long"' if len(text) > SHORT else ""
            return f"<code{kind}>{_broken(text)}</code>"
        case n.Styled(style, children):
            return f"<{style}>{_inlines(children)}</{style}>"
        case n.Link(target, children):
            rel = "" if target.startswith("#") else ' rel="noreferrer"'
            return f'<a href="{escape(target)}"{rel}>{_inlines(children)}</a>'
        case n.Break():
            return "<br>"


def _broken(text: str) -> str:
    """Escape a text, and let a long name break where a capital begins a part of it."""
    return re.sub(r"[\w/]{14,}", lambda name: _HUMP.sub("<wbr>", name[0]), escape(text))
