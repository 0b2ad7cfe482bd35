"""Claims: what a release promises, as data.

A strategy states its claims, the gate recounts them on what is about to be published, and
`release.json` carries those that hold. The set is closed, so that a claim can be checked by code
that is not the strategy's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import attrs
from attrs import field, frozen, validators

from ctdc_framework.errors import CtdcError, did_you_mean, one_of

Basis = Literal["recounted", "by design", "none"]
"""Recounted on the files; a property of the mechanism, of which only traces show; nothing."""

About = Literal["records", "counts", "either"]
"""Which part of a release a claim speaks of."""


def _at_least(least: int) -> Any:
    """Declare a whole number: anything else, such as nan, would make a claim of nothing."""
    return field(validator=[validators.instance_of(int), validators.ge(least)])


def _names(columns: Iterable[str]) -> tuple[str, ...]:
    """Take a list of names, too: a claim is told apart by what it says."""
    return tuple(columns)


@frozen(kw_only=True)
class Claim:
    """A promise about a release. `unit` is what is counted: records."""

    name: ClassVar[str]
    basis: ClassVar[Basis] = "recounted"
    about: ClassVar[About] = "records"
    needs_original: ClassVar[bool] = True
    """Whether only the original records can show that it holds."""

    def __str__(self) -> str:
        """Write it as it is typed on a command line: `record-support(k=10)`."""
        values = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        told = [f"{name}={_written(value)}" for name, value in values.items() if value != ()]
        return f"{self.name}({', '.join(told)})"

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
    """Every value, of the named variables if any are named, is released floor(n/k)*k times."""

    name: ClassVar[str] = "single-counts"
    k: int = _at_least(1)
    columns: tuple[str, ...] = field(default=(), converter=_names)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        of = f" of {', '.join(self.columns)}" if self.columns else ""
        return (
            f"Every single value{of} occurs as often as in the original records, rounded down to a "
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
    needs_original: ClassVar[bool] = False
    k: int = _at_least(1)
    columns: tuple[str, ...] = field(converter=_names, validator=validators.min_len(1))
    missing: Literal["itself", "anything", "codebook"] = "itself"
    """What a missing value matches; codebook: as `missing_matches` says of each variable."""

    @property
    def sentence(self) -> str:
        """The promise in words."""
        treated = {
            "itself": "a missing value counts as a value of its own",
            "anything": "a missing value matches any value",
            "codebook": "a missing value matches any value where the codebook says so",
        }[self.missing]
        return (
            f"Every released record shares its values of {', '.join(self.columns)} with at least "
            f"{self.k - 1} others ({treated}). Other variables are not protected."
        )


@frozen(kw_only=True)
class KmAnonymity(Claim):
    """Every combination of at most `known` of the named variables' values is shared by k records.

    Counted among the released records, not the original ones (Terrovitis, Mamoulis and Kalnis
    2008). A missing value is part of no combination.
    """

    name: ClassVar[str] = "km-anonymity"
    needs_original: ClassVar[bool] = False
    k: int = _at_least(1)
    known: int = _at_least(1)
    columns: tuple[str, ...] = field(converter=_names, validator=validators.min_len(1))

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return (
            f"Every combination of up to {self.known} values of {', '.join(self.columns)} in a "
            f"released record is shared with at least {self.k - 1} others (a missing value is part "
            "of no combination). Longer combinations and other variables are not protected."
        )


DiversityKind = Literal["distinct", "entropy", "recursive"]
ClosenessKind = Literal["equal", "ordered", "hierarchical"]


@frozen(kw_only=True)
class LDiversity(Claim):
    """In each class of the columns a sensitive variable is as diverse as l equal values.

    Missing is one value among others. distinct: l different values; entropy: their entropy is at
    least that of l equal shares; recursive: the most frequent value is rarer than `c` times the
    l-th and all rarer ones together (Machanavajjhala et al. 2007).
    """

    name: ClassVar[str] = "l-diversity"
    needs_original: ClassVar[bool] = False
    variable: str = field(validator=validators.min_len(1))
    columns: tuple[str, ...] = field(converter=_names, validator=validators.min_len(1))
    l: int = _at_least(1)  # noqa: E741
    kind: DiversityKind = "distinct"
    c: float = field(default=1.0, converter=float, validator=validators.gt(0))

    @property
    def sentence(self) -> str:
        """The promise in words."""
        how = {
            "distinct": f"at least {self.l} different values",
            "entropy": f"values as evenly spread as {self.l} equally frequent ones",
            "recursive": f"a most frequent value rarer than {self.c:g} times the values from the "
            f"{self.l}th on",
        }[self.kind]
        return (
            f"Records that share their values of {', '.join(self.columns)} have {how} of "
            f"{self.variable}."
        )


@frozen(kw_only=True)
class TCloseness(Claim):
    """In each class of the columns a sensitive variable is distributed as in all original records.

    The distance of both distributions is at most t: equal, ordered or hierarchical distance
    (Li, Li and Venkatasubramanian 2007), over the values that the original records hold, missing
    being one, the last.
    """

    name: ClassVar[str] = "t-closeness"
    variable: str = field(validator=validators.min_len(1))
    columns: tuple[str, ...] = field(converter=_names, validator=validators.min_len(1))
    t: float = field(converter=float, validator=[validators.gt(0), validators.le(1)])
    kind: ClosenessKind = "equal"

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return (
            f"Among records that share their values of {', '.join(self.columns)}, those of "
            f"{self.variable} are distributed as among all original records, up to a distance of "
            f"{self.t:g} ({self.kind})."
        )


@frozen(kw_only=True)
class MultipleOf(Claim):
    """Every published count is a multiple of the base."""

    name: ClassVar[str] = "multiple-of"
    about: ClassVar[About] = "counts"
    needs_original: ClassVar[bool] = False
    base: int = _at_least(1)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return f"Every published count is a multiple of {self.base}."


@frozen(kw_only=True)
class Threshold(Claim):
    """No shown cell has fewer than k true records."""

    name: ClassVar[str] = "threshold"
    about: ClassVar[About] = "counts"
    k: int = _at_least(1)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return f"No published count stands for fewer than {self.k} original records."


@frozen(kw_only=True)
class MaxDeviation(Claim):
    """No published count is further than d from the true one."""

    name: ClassVar[str] = "max-deviation"
    about: ClassVar[About] = "counts"
    d: int = _at_least(0)

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return f"No published count differs from the original count by more than {self.d}."


@frozen(kw_only=True)
class Additive(Claim):
    """Published parts add up to their published wholes."""

    name: ClassVar[str] = "additive"
    about: ClassVar[About] = "counts"

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return (
            "Where counts of a whole and of its parts are published, the parts add up to the "
            "whole, but for records whose value is not known; what is not shown counts as 0."
        )


@frozen(kw_only=True)
class DifferentialPrivacy(Claim):
    """The mechanism is (epsilon, delta)-differentially private; no file can show that.

    It says nothing of k: a count of one person may be published, with noise.
    """

    name: ClassVar[str] = "differential-privacy"
    basis: ClassVar[Basis] = "by design"
    about: ClassVar[About] = "either"
    needs_original: ClassVar[bool] = False
    epsilon: float = field(converter=float, validator=validators.gt(0))
    delta: float = field(
        default=0.0, converter=float, validator=[validators.ge(0), validators.lt(1)]
    )

    @property
    def sentence(self) -> str:
        """The promise in words."""
        return (
            f"What is published was drawn by a mechanism that is differentially private with "
            f"epsilon = {self.epsilon:g} and delta = {self.delta:g}: by design, and not shown by "
            "any file. It is no promise about groups of k records."
        )


@frozen(kw_only=True)
class NoClaim(Claim):
    """Nothing is promised, and why."""

    name: ClassVar[str] = "no-claim"
    basis: ClassVar[Basis] = "none"
    about: ClassVar[About] = "either"
    needs_original: ClassVar[bool] = False
    reason: str

    @property
    def sentence(self) -> str:
        """What is not promised."""
        return f"Nothing is promised: {self.reason}."


Protecting = RecordSupport | CombinationSupport | KAnonymity | KmAnonymity | Threshold
"""Claims that keep records from being told apart, by their `k`; a release needs one of them."""


CLAIMS: tuple[type[Claim], ...] = (
    RecordSupport,
    CombinationSupport,
    SingleCounts,
    SingleCountsAtMost,
    KAnonymity,
    KmAnonymity,
    LDiversity,
    TCloseness,
    MultipleOf,
    Threshold,
    MaxDeviation,
    Additive,
    DifferentialPrivacy,
    NoClaim,
)
"""Every claim of the contract."""


def together(claims: Sequence[Claim]) -> list[Claim]:
    """Give what holds of several draws from the same records, each private by design, as one.

    The sum, as for any draws from the same records (Dwork and Roth 2014, theorem 3.16).

    >>> one = DifferentialPrivacy(epsilon=1.5, delta=1e-6)
    >>> [str(claim) for claim in together([one, one])]
    ['differential-privacy(epsilon=3.0, delta=2e-06)']
    """
    drawn = [claim for claim in claims if isinstance(claim, DifferentialPrivacy)]
    if len(drawn) < 2:
        return list(claims)
    epsilon, delta = sum(one.epsilon for one in drawn), sum(one.delta for one in drawn)
    return [DifferentialPrivacy(epsilon=epsilon, delta=delta)]


_WRITTEN = re.compile(r"\s*([a-z][a-z-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_NEXT = re.compile(r",\s*(?=[a-z_]+\s*=)")
"""A comma before the next `key=`: others part the names of a list, or belong to a sentence."""


def parse_claim(text: str) -> Claim:
    """Read a claim as it is written; raises `CtdcError` with what would be right.

    Names in `columns` are parted by spaces or commas; `columns=all` is kept as the one name `all`.

    >>> parse_claim("record-support(k=10)")
    RecordSupport(k=10)
    >>> str(parse_claim("k-anonymity(k=5, columns=age, gender)"))
    'k-anonymity(k=5, columns=age gender, missing=itself)'
    >>> parse_claim("k-anonimity(k=5)")
    Traceback (most recent call last):
    ctdc_framework.errors.CtdcError: `k-anonimity(k=5)` is no claim: there is none of that name
      = help: did you mean `k-anonymity`?
    """
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    known = {cls.name: cls for cls in CLAIMS}
    matched = _WRITTEN.fullmatch(text)
    if matched is None or matched[1] not in known:
        raise CtdcError(
            f"`{shown}` is no claim: there is none of that name",
            help=did_you_mean(text.partition("(")[0], known)
            or f"claims are {one_of(sorted(known), most=20)}",
        )
    cls = known[matched[1]]
    types = get_type_hints(cls)
    fields = {one.name: types[one.name] for one in attrs.fields(cls)}
    example = help_of(cls)
    values: dict[str, Any] = {}
    for part in filter(None, map(str.strip, _NEXT.split(matched[2] or ""))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in fields or key in values:
            raise CtdcError(
                f"`{shown}` is no claim: `{key[:40]}` is none of its values, or is there twice",
                help=example,
            )
        values[key] = value
    try:
        return cls(**{key: _read(fields[key], value) for key, value in values.items()})
    except (TypeError, ValueError):
        message = f"`{shown}` is no claim: a value is missing or wrong"
        raise CtdcError(message, help=example) from None


def help_of(cls: type[Claim]) -> str:
    """Show how a claim is written."""
    inside = ", ".join(f"{one.name}=..." for one in attrs.fields(cls))
    return f"it is written {cls.name}({inside})"


def _read(kind: Any, value: str) -> Any:
    """Give a written value its type."""
    if kind is int or kind is float:
        return kind(value)
    if get_origin(kind) is tuple:
        return tuple(filter(None, re.split(r"[\s,]+", value.strip("[]"))))
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise ValueError("a word that is not one of those")
    return value
