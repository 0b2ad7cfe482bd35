"""What somebody who drafts a codebook may say of a column, and lists of values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from ctdc_framework.codebook.domains import STANDARD, Domain, EnumDomain, Value
from ctdc_framework.codebook.model import REFERENCE
from ctdc_framework.drafting.sight import MISSING


@frozen(kw_only=True)
class Finding:
    """What a column seems to be, and how a codebook says so."""

    what: str
    why: str
    domain: Domain | None
    """None for an identifier."""
    remarks: tuple[str, ...] = ()
    recodes: Mapping[str, str] = field(factory=dict)
    """Texts of the file that the domain does not read, and the codes they stand for."""
    name: str = ""
    separator: str = ""
    missing: Mapping[str, str] = field(factory=dict)
    common: frozenset[str] = frozenset()
    hides: bool = False
    quasi: str = ""
    """Why an outsider may know it; empty where nothing says so."""

    @property
    def is_input(self) -> bool:
        """Whether it can only be read, as a release needs a closed list."""
        return self.domain is None or self.domain.is_open


def free_text() -> Finding:
    """Say that a column holds free text."""
    return Finding(
        what="free text",
        why="most values are rare, or they are too many for a list",
        domain=STANDARD["std/text"],
        remarks=("Free text may name people. It is read, and never released.",),
    )


def list_of(texts: Iterable[str], remarks: tuple[str, ...], *, ordered: bool = False) -> Finding:
    """Say that a column holds a list of values, in the order given; free text if none is left."""
    codes = {text: clean(text) for text in texts}
    listed = list(dict.fromkeys(code for code in codes.values() if code))
    if not listed:
        return free_text()
    if len({code.casefold() for code in listed}) < len(listed):
        remarks += ("Some values differ in capitals only: if they mean the same, recode one.",)
    values = tuple(Value(code=code) for code in listed)
    return Finding(
        what="values in order" if ordered else "a list of values",
        why="a few values that recur make up most of it",
        domain=EnumDomain(kind="enum", listed=values, in_order=ordered),
        remarks=remarks,
        recodes={text: code for text, code in codes.items() if code != text},
    )


_UNSEEN = ("Cc", "Zl", "Zp", "Zs")
_SIGNS = {"=": "equals ", "+": "plus ", "-": "minus ", "@": "at "}


def tidy(text: str) -> str:
    """Give a text without what no name and no code may hold.

    >>> tidy(" Male\\u00a0"), tidy("+"), tidy("18-20"), tidy("NU\\u200bLL")
    ('Male', 'plus', '18-20', 'NULL')
    """
    seen = (one for one in text if unicodedata.category(one) not in ("Cf", "Cs"))
    plain = "".join(" " if unicodedata.category(one) in _UNSEEN else one for one in seen)
    code = unicodedata.normalize("NFC", plain).strip()
    if code[:1] in _SIGNS:
        code = (_SIGNS[code[:1]] + code[1:].strip()).strip()
    return code.replace("{", "(").replace("}", ")") if REFERENCE.search(code) else code


def clean(text: str) -> str:
    """Give the code for a text; "" where what is left of it stands for missing.

    >>> clean("Male "), clean("\\u200bunknown")
    ('Male', '')
    """
    code = tidy(text)
    return "" if code.casefold() in MISSING else code
