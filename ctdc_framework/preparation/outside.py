"""What to say of a text that a data file holds and its domain does not: once it may be shown."""

from __future__ import annotations

import re

from ctdc_framework.codebook.domains import OUTSIDE, Domain, FlagDomain
from ctdc_framework.errors import did_you_mean
from ctdc_framework.language.format import quoted

_LIKE_MISSING = re.compile(
    r"-0*9+|-0*8+|\.|-+|\?+|#?n/?a|nan|<na>|null|none|nil|missing|unknown|not (known|recorded)",
    re.IGNORECASE,
)
"""Texts by which files commonly mean a missing value."""


def code_of(text: str, domain: Domain) -> str:
    """Say which code a text outside its domain has.

    >>> from ctdc_framework.codebook.domains import STANDARD
    >>> [code_of(text, STANDARD["std/flag"]) for text in ("0", "-99", "yes")]
    ['CB331', 'CB304', 'CB302']
    """
    if isinstance(domain, FlagDomain) and text in ("0", "0.0"):
        return "CB331"
    known = domain.advice(text)  # NA may be Namibia
    return "CB304" if not known and _LIKE_MISSING.fullmatch(text.strip()) else "CB302"


def as_missing(text: str) -> str:
    """Say how to declare a text as a missing code.

    >>> as_missing("-99")
    'if it means missing add { code = "-99", reason = "not-recorded" } to [missing]'
    """
    entry = f'{{ code = {quoted(text)}, reason = "not-recorded" }}'
    return f"if it means missing add {entry} to [missing]"


def advice(text: str, domain: Domain) -> str:
    """Say what to do about a text, or nothing where nothing is known of its like."""
    if text.strip() != text and domain.read(text.strip()) is not OUTSIDE:
        return f"it is `{text.strip()}` with spaces around it: correct the file"
    if shown(text) != text:
        return ""  # too odd to be quoted
    if known := domain.advice(text):
        return known
    is_number = text.lstrip("-").isdigit()
    return did_you_mean(text, domain.codes) or (as_missing(text) if is_number else "")


def shown(text: str) -> str:
    """Shorten a text from a file for a message, without what a terminal would act upon."""
    plain = "".join(one if one.isprintable() else "\ufffd" for one in text[:61])
    return plain if len(plain) <= 60 else plain[:57] + "..."
