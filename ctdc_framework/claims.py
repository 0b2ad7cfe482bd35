"""Claims: what a release promises, as data.

A strategy states its claims, the gate recounts them on what is about to be published, and
`release.json` carries those that hold. The set is closed, so that a claim can be checked by code
that is not the strategy's.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs
from attrs import field, frozen, validators

Basis = Literal["recounted", "by design", "none"]
"""Recounted on the files; a property of the mechanism, of which only traces show; nothing."""


def _at_least(least: int) -> Any:
    """Declare a whole number: anything else, such as nan, would make a claim of nothing."""
    return field(validator=[validators.instance_of(int), validators.ge(least)])


@frozen(kw_only=True)
class Claim:
    """A promise about a release. `unit` is what is counted: records."""

    name: ClassVar[str]
    basis: ClassVar[Basis] = "recounted"

    def __str__(self) -> str:
        """Write it as it is typed on a command line: `record-support(k=10)`."""
        values = ", ".join(
            f"{field.name}={_written(getattr(self, field.name))}"
            for field in attrs.fields(type(self))
        )
        return f"{self.name}({values})"

    @property
    def sentence(self) -> str:
        """The promise in words."""
        raise NotImplementedError


def _written(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


@frozen(kw_only=True)
class RecordSupport(Claim):
    """Every released record as a whole is held by at least k original records."""

    name: ClassVar[str] = "record-support"
    k: int = _at_least(1)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return (
            f"Every combination of values in a released record, of any length, is held by at least "
            f"{self.k} original records."
        )


@frozen(kw_only=True)
class CombinationSupport(Claim):
    """Every combination of up to `length` values in a released record is held by k records."""

    name: ClassVar[str] = "combination-support"
    k: int = _at_least(1)
    length: int = _at_least(1)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return (
            f"Every combination of up to {self.length} values in a released record is held by at "
            f"least {self.k} original records. Longer combinations are not protected."
        )


@frozen(kw_only=True)
class SingleCounts(Claim):
    """Every value is released exactly floor(n/k)*k times."""

    name: ClassVar[str] = "single-counts"
    k: int = _at_least(1)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return (
            f"Every single value occurs as often as in the original records, rounded down to a "
            f"multiple of {self.k}."
        )


@frozen(kw_only=True)
class SingleCountsAtMost(Claim):
    """No value is released more often than original records hold it."""

    name: ClassVar[str] = "single-counts-at-most"

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return "No single value occurs more often than in the original records."


@frozen(kw_only=True)
class KAnonymity(Claim):
    """Every combination of the named variables' values is shared by at least k records."""

    name: ClassVar[str] = "k-anonymity"
    k: int = _at_least(1)
    columns: tuple[str, ...] = field(validator=validators.min_len(1))
    missing: Literal["itself", "anything"] = "itself"

    @property
    def sentence(self) -> str:
        """The promise in words."""
        treated = (
            "a missing value counts as a value of its own"
            if self.missing == "itself"
            else "a missing value matches any value"
        )
        return (
            f"Every released record shares its values of {', '.join(self.columns)} with at least "
            f"{self.k - 1} others ({treated}). Other variables are not protected."
        )


@frozen(kw_only=True)
class MultipleOf(Claim):
    """Every published count is a multiple of the base."""

    name: ClassVar[str] = "multiple-of"
    base: int = _at_least(1)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return f"Every published count is a multiple of {self.base}."


@frozen(kw_only=True)
class Threshold(Claim):
    """No shown cell has fewer than k true records."""

    name: ClassVar[str] = "threshold"
    k: int = _at_least(1)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return f"No published count stands for fewer than {self.k} original records."


@frozen(kw_only=True)
class MaxDeviation(Claim):
    """No published count is further than d from the true one."""

    name: ClassVar[str] = "max-deviation"
    d: int = _at_least(0)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return f"No published count differs from the original count by more than {self.d}."


@frozen(kw_only=True)
class NoClaim(Claim):
    """Nothing is promised, and why."""

    name: ClassVar[str] = "no-claim"
    basis: ClassVar[Basis] = "none"
    reason: str

    @property
    def sentence(self) -> str:
        """What is not promised."""
        return f"Nothing is promised: {self.reason}."


Protecting = RecordSupport | CombinationSupport | KAnonymity | Threshold
"""Claims that keep records from being told apart, by their `k`; a release needs one of them."""
