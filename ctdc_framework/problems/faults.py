"""Faults: what is wrong inside a value, before anybody knows in which file and line it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs
from attrs import frozen

Path = tuple[str | int, ...]

UNKNOWN_KEY, MISSING_KEY, WRONG_TYPE, BAD_CHOICE, NOT_WHOLE, BAD_VALUE = (
    "010",
    "011",
    "012",
    "013",
    "014",
    "019",
)
"""What a fault is; a codebook says CB010, a plan PL010."""


@frozen(kw_only=True)
class Fault:
    """One thing wrong with a value, at a path of keys.

    `at_key` points at the key itself and not at its value, as an unknown key wants it; `part` at
    some of a text, from one character up to another.
    """

    path: Path
    kind: str
    message: str
    help: str = ""
    at_key: bool = False
    level: Literal["error", "warning"] = "error"
    part: tuple[int, int] | None = None

    def under(self, *head: str | int) -> Fault:
        """Give the same fault as seen from further out."""
        return attrs.evolve(self, path=(*head, *self.path))


class Faults(Exception):
    """All faults of one value."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))
