"""Say a codebook's texts in plain words, for formats that know neither Markdown nor our references.

The wording is that of the printed codebook, so that no two documents tell a rule differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ctdc_framework.codebook.domains import FlagDomain, Value
from ctdc_framework.codebook.model import Codebook, Collection, RuleEntry, Variable
from ctdc_framework.codebook.rules import Rule
from ctdc_framework.documents import nodes
from ctdc_framework.documents.prose import Prose, anchor
from ctdc_framework.documents.wording import Wording

VARIABLE = f"#{anchor('variable', '')}"
"""Begins the target of a link to a variable."""

FLAG = "1 means yes. Missing means no or unknown, never no."
SEVERAL = "A cell lists what is known, not all there is; its values are parted by {}."
BLANKED = "May be missing in this release although it was recorded."
COARSER = "In this release some cells hold a coarser value, which stands for several."


def plain(codebook: Codebook, text: str) -> str:
    """Give a text without marks, its references as the words they lead to, on one line."""
    return _line(Prose(codebook).inlines(text))


def _line(found: Iterable[nodes.Inline]) -> str:
    return " ".join("".join(map(_words, found)).split())


def _words(node: nodes.Inline) -> str:
    match node:
        case nodes.Text(text) | nodes.Code(text):
            return text
        case nodes.Break():
            return " "
        case nodes.Link(target, (nodes.Text(text),)) if target.startswith(VARIABLE):
            return text.partition(" ")[2]  # its number means nothing outside the printed book
        case _:
            return "".join(map(_words, node.children))


def meaning(codebook: Codebook, variable: Variable) -> str:
    """Give all that a reader of a variable has to know, in a paragraph."""
    told = [plain(codebook, variable.definition), plain(codebook, variable.caveat)]
    told.append(reading(codebook, variable))
    return " ".join(part for part in told if part)


def reading(codebook: Codebook, variable: Variable) -> str:
    """Say how a cell of a variable is read where that is not plain: flags, and lists of values."""
    if variable.list:
        return SEVERAL.format(variable.list)
    return FLAG if isinstance(codebook.domain_of(variable.name), FlagDomain) else ""


def without_reading(definition: str) -> str:
    """Take from a definition what was put after it about its cells, for one that comes back."""
    several = re.escape(SEVERAL).replace(r"\{\}", ".")
    added = f"(?:{re.escape(FLAG)}|{several}|{re.escape(BLANKED)}|{re.escape(COARSER)})"
    return re.sub(rf"(?:(?:^|\s+){added})+$", "", definition)


def labels(values: tuple[Value, ...]) -> dict[str, str]:
    """Give each code's label, no two alike; a code that is its own label has none."""
    shown = [value.label for value in values]
    return {
        value.code: value.label
        if shown.count(value.label) == 1
        else f"{value.label} ({value.code})"
        for value in values
        if value.label and value.label != value.code
    }


def title(codebook: Codebook, variable: Variable, most: int) -> str:
    """Give the first sentence of a definition, cut at a word where it is longer than `most`."""
    text = plain(codebook, variable.definition)
    first = text.partition(". ")[0].removesuffix(".")
    if len(first) <= most:
        return first
    return first[: most - 1].rsplit(" ", 1)[0] + "…"


def literally(code: str) -> str:
    r"""Write a code as a pattern that Python, JavaScript and XML Schema read alike.

    >>> print(literally("48+ (a/b)"))
    48\+ \(a/b\)
    """
    return re.sub(r"[\\^$.|?*+(){}\[\]]", r"\\\g<0>", code)


def collected(codebook: Codebook, one: Collection) -> str:
    """Say how a contributor collects a variable."""
    return _line(Wording(codebook, {}).collection(one))


def rule_words(codebook: Codebook, entry: RuleEntry, rules: Mapping[str, Rule[Any]]) -> str:
    """Say what a grouping rule does, and why."""
    done = _line(Wording(codebook, rules).rule(entry))
    return f"{done} {plain(codebook, entry.because)}".strip()
