"""What each code of a problem means: why it is one, and what earns it beside what does not.

The catalogue is our own file, `data/diagnostics.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from attrs import frozen

from ctdc_framework.errors import CtdcError, did_you_mean

_ENTRY = re.compile(
    r"^## ([A-Z]{2}[0-9]{3}): ([^\n]+)\n\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
_FENCE = re.compile(r"^```(wrong|right)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@frozen(kw_only=True)
class Explanation:
    """A code, and what there is to know about it; data and plans come without an example."""

    code: str
    title: str
    why: str
    wrong: str = ""
    """Tables of a codebook that earn the code."""
    right: str = ""

    def render(self) -> str:
        """Write it for a terminal.

        >>> print(explain("CB306").render())
        CB306: a value is missing where it may not be
        <BLANKLINE>
        The variable says `nullable = false`.
        """
        parts = [f"{self.code}: {self.title}", self.why]
        for title, example in (("Wrong:", self.wrong), ("Right:", self.right)):
            if example:
                parts += [title, "\n".join(f"    {line}" for line in example.splitlines())]
        return "\n\n".join(parts)


@cache
def catalogue() -> Mapping[str, Explanation]:
    """Give every explanation by its code, in order."""
    file = files("ctdc_framework").joinpath("data", "diagnostics.md")
    found = {}
    for code, title, body in _ENTRY.findall(file.read_text(encoding="utf-8")):
        why = _FENCE.sub("", body).strip()
        found[code] = Explanation(code=code, title=title, why=why, **dict(_FENCE.findall(body)))
    return found


def explain(code: str) -> Explanation:
    """Explain a code, in capitals or not; raises `CtdcError` where there is none such."""
    found = catalogue().get(code.strip().upper())
    if found is None:
        near = did_you_mean(code.upper(), catalogue())
        help = near or "codes look like CB013; messages show them in square brackets"
        raise CtdcError(f"no problem has the code `{code}`", help=help)
    return found
