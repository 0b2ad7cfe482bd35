"""One check of a conformance kit, and what the kits share."""

from __future__ import annotations

import contextlib
import io
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

from attrs import frozen

from ctdc_framework.records.tables import Table

if TYPE_CHECKING:
    import pandas as pd

SECONDS = 30.0
"""How long one run on ten thousand records may take."""


class Broken(AssertionError):
    """A plugin does not keep the contract; the text says how."""


@frozen(eq=False)
class Check:
    """A fact that must hold of a plugin: call it, and it raises `Broken` where it does not.

    pytest shows it by its name. One that is expected to fail is skipped with the reason where it
    does, and broken where it does not, so that the list of what is expected stays true.
    """

    name: str
    promise: str
    """The fact, in a sentence."""
    function: Callable[[], None]
    expected: str = ""

    @property
    def __name__(self) -> str:
        """What pytest calls it."""
        return self.name

    def __call__(self) -> None:
        """Raise `Broken` where the fact does not hold."""
        try:
            self.function()
        except Exception as error:
            if self.expected:
                raise SkipTest(f"fails, as expected: {self.expected}") from None
            if isinstance(error, Broken):
                raise
            raise Broken(f"it raises {type(error).__name__}: {error}") from error
        must(not self.expected, f"{self.name} holds: take it out of expected_failures")


def checks_of(
    kit: Any, names: Sequence[str], expected_failures: Mapping[str, str] | None
) -> list[Check]:
    """Make the checks that are methods of a kit: `keeps-its-claims` is `keeps_its_claims`."""
    expected = dict(expected_failures or {})
    unknown = expected.keys() - set(names)
    if unknown:
        raise ValueError(f"there is no check {', '.join(sorted(unknown))}")
    made = []
    for name in names:
        function = getattr(kit, name.replace("-", "_"))
        promise = function.__doc__.split("\n")[0]
        made.append(Check(name, promise, function, expected.get(name, "")))
    return made


def must(holds: object, what: str) -> None:
    """Raise `Broken` where something does not hold."""
    if not holds:
        raise Broken(what)


@contextlib.contextmanager
def global_chance_untouched() -> Iterator[None]:
    """Tell whether what runs inside drew from a generator that is everybody's."""
    import numpy as np

    ours, numpys = random.getstate(), np.random.get_state()
    yield
    must(random.getstate() == ours, "it draws from Python's global generator")
    after = np.random.get_state()
    same = all(np.array_equal(a, b) for a, b in zip(numpys, after, strict=True))
    must(same, "it draws from numpy's global generator: use context.rng")


@contextlib.contextmanager
def heard() -> Iterator[io.StringIO]:
    """Listen to what is printed inside."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        yield said


def rare_values(table: Table, k: int) -> list[str]:
    """Give the values that fewer than k records of a table hold, if a text could betray them."""
    rare: dict[str, None] = {}
    for column in table.columns:
        counts = table.frame[column.name].value_counts()
        for value, count in counts.items():
            shown = column.value or str(value)
            if 0 < count < k and len(shown) > 2 and not shown.isdigit():
                rare[shown] = None
    return list(rare)


def quoted(text: str, values: Iterable[str]) -> bool:
    """Tell whether a text holds one of some values as a word."""
    return any(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) for value in values)


def rows_of(frame: pd.DataFrame) -> Counter[tuple[Any, ...]]:
    """Count a frame's rows, whatever their order."""
    plain = frame.astype(object).where(frame.notna(), None)
    return Counter(map(tuple, plain.to_numpy().tolist()))
