"""Write a document as a book in PDF: title page, contents, page numbers, and no date.

The content goes to the typesetter as data, never as its markup, so nothing in it can be run.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from ctdc_framework.documents import nodes as n
from ctdc_framework.errors import CtdcError

_OURS = re.compile("[\0-\u052f\u1e00-\u1fff\u2000-\u22ff]*")
"""What the typesetter's own fonts hold: with them alone a book is the same on every machine."""


def as_pdf(document: n.Document) -> bytes:
    """Write the whole book; raises `CtdcError` where the typesetter is not installed."""
    try:
        typst: Any = import_module("typst")
    except ImportError:
        message = "PDF needs the package typst, which is not installed"
        raise CtdcError(message, help="pip install 'ctdc-framework[pdf]'") from None
    content = json.dumps(_plain(document), ensure_ascii=False)
    made: bytes = typst.compile(
        Path(__file__).with_name("book.typ").read_bytes(),
        sys_inputs={"book": content},
        ignore_system_fonts=bool(_OURS.fullmatch(content)),
    )
    return made


def _plain(value: Any) -> Any:
    """Give nodes as JSON, each with its kind."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return re.sub(r"\s*\n\s*", " ", value)
    if isinstance(value, n.Listing):
        return {"kind": "Listing", "text": value.text}
    if attrs.has(type(value)):
        held = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        sort = {"sort": held.pop("kind")} if "kind" in held else {}
        return (
            {"kind": type(value).__name__} | sort | {key: _plain(one) for key, one in held.items()}
        )
    return value
