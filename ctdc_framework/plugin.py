"""The public contract: everything a plugin may import from the framework, and nothing else.

A plugin is a module named in the entry-point group `ctdc_framework.plugins`. It implements hooks
of `ctdc_framework.loading.hookspecs` with `@hookimpl`; these hand out `Strategy`, `Measure` and
`Rule` objects. Importing this module is cheap: pandas, numpy and the counter come when they are
used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pluggy
from attrs import field, frozen

from ctdc_framework.codebook.columns import Column, flag
from ctdc_framework.codebook.model import (
    COUNT,
    Codebook,
    Condition,
    Role,
    RuleEntry,
    TableColumn,
    Variable,
)
from ctdc_framework.codebook.rules import Rows, Rule
from ctdc_framework.contract.pairs import Pair
from ctdc_framework.contract.results import (
    Better,
    Json,
    Note,
    Public,
    Release,
    Score,
    Severity,
    Side,
    StageRecord,
)
from ctdc_framework.contract.scenario import Scenario
from ctdc_framework.errors import DataError, Problem, StrategyError, did_you_mean
from ctdc_framework.promises.claims import (
    Additive,
    Claim,
    CombinationSupport,
    DifferentialPrivacy,
    KAnonymity,
    KmAnonymity,
    LDiversity,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    RecordSupport,
    SingleCounts,
    SingleCountsAtMost,
    TCloseness,
    Threshold,
)
from ctdc_framework.records.layouts import Layout, heights
from ctdc_framework.records.tables import Shape, Table, table_of_codes
from ctdc_framework.toml.convert import Fault, entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctdc_framework.counting.combinations import (
        Combinations,
        combination_support,
        count_combinations,
        value_bitsets,
        value_counts,
    )
    from ctdc_framework.counting.compiled import jit

CONTRACT = 1
"""The contract that this module is. A plugin of another number is not loaded."""

GROUP = "ctdc_framework.plugins"
"""The entry-point group in which plugins are found."""

hookimpl = pluggy.HookimplMarker("ctdc")

P = TypeVar("P")

Progress = Callable[[int, int | None], None]
"""`progress(done, total)`, to be called now and then; it may raise `Cancelled`."""


class Cancelled(Exception):
    """The user asked to stop. A strategy lets it pass."""


def silent(done: int, total: int | None = None) -> None:
    """Report progress to nobody."""


@frozen(kw_only=True, eq=False)
class Context:
    """What a strategy or measure gets besides its data: chance, and someone to tell.

    `rng` is the only source of chance of what is repeatable: one generator per stage, derived from
    the run's seed, the candidate's and the stage's name.
    """

    rng: np.random.Generator
    progress: Progress = silent
    key: bytes = field(default=b"", repr=False)
    """The secret key, where the strategy's `needs_key` asks for one; it appears in no output."""


@frozen(kw_only=True, eq=False)
class Output:
    """What a strategy gives back.

    `details` are figures for the private record: counts and names, never rows or rare values.
    `kept_rows`, where each released record is one of those given, names its row there, so that the
    private part can tell a suppressed value from one not recorded. The record may have become
    coarser or blank in places, and nothing else; the runner looks.
    """

    table: Table
    notes: Sequence[Note] = ()
    details: Mapping[str, Json] = field(factory=dict)
    kept_rows: NDArray[np.int64] | None = field(default=None, repr=False)


def _nothing(*_: Any) -> tuple[()]:
    return ()


def _never(_: Any) -> bool:
    return False


@frozen(kw_only=True)
class Strategy(Generic[P]):
    """A way to de-identify: a function from a table to a table, and what it promises.

    `params` is an attrs class whose fields are made with `entry`; TOML and the command line fill
    it. `run` must not change its input and takes chance from its context alone. `faults` says
    before any data are read what is wrong with parameters for a codebook; `claims` says what the
    output will keep to, for the gate to recount.
    """

    name: str
    """What users write, such as `k-anonymization`."""
    summary: str
    params: type[P]
    takes: Shape
    gives: Shape
    run: Callable[[Table, P, Context], Output]
    claims: Callable[[Codebook, P], Sequence[Claim]]
    faults: Callable[[Codebook, P], Iterable[Fault]] = _nothing
    stochastic: bool = False
    repeatable: bool = True
    """Whether the same seed gives the same table. Not where chance is the system's own, as it has
    to be where noise that somebody could replay would be none."""
    may_blank: bool | Callable[[P], bool] = False
    """Whether it may leave a value out that the original record has; may depend on parameters."""
    keeps_protected: bool = False
    """Whether, if it may blank, it leaves variables alone that the codebook says are protected."""
    mixes_levels: bool | Callable[[P], bool] = False
    """Whether one column of its output may hold a generalised value beside finer ones."""
    needs_key: Callable[[P], bool] = _never
    """Whether it needs a secret key with these parameters, which then have a `key_file`."""
    presets: Mapping[str, Mapping[str, Json]] = field(factory=dict)
    """Parameters by one name, for a plan's `preset`; what the plan sets itself comes before."""
    counts_subjects: bool = False
    """Whether its k counts subjects where the codebook says so; else it is refused there."""
    contract: int = CONTRACT

    def blanks_with(self, params: P) -> bool:
        """Say whether it may leave values out with these parameters."""
        return self.may_blank(params) if callable(self.may_blank) else self.may_blank

    def mixes_with(self, params: P) -> bool:
        """Say whether it may mix levels of a hierarchy with these parameters."""
        return self.mixes_levels(params) if callable(self.mixes_levels) else self.mixes_levels


@frozen(kw_only=True)
class Measure(Generic[P]):
    """A figure of risk or utility for one candidate beside the original.

    `shapes` says to what it applies; to anything else a comparison shows a dash. `compute` may
    give several scores, each with its `slice`. What it cannot compute it raises as an error,
    which becomes a row with the reason.
    """

    name: str
    summary: str
    side: Side
    better: Better
    unit: str
    """`share` (shown as per cent), `records`, `count` and so on."""
    params: type[P]
    compute: Callable[[Pair, P, Context], Iterable[Score]]
    shapes: frozenset[Shape] = frozenset({Shape.RECORDS})
    holdout: bool = False
    """Whether it looks at a second run, made without some records, which `Pair.holdout` has.

    A plan says how many (`holdout`); where it withholds none, the measure does not apply.
    """
    missing: str = ""
    """What it does with missing values, as half a sentence: `never part of a combination`."""
    reference: str = ""
    """Where its formula is from; empty where it is plain arithmetic."""
    public: Public = Public.NONE
    """What of it the public report may show: by default nothing."""
    contract: int = CONTRACT


@frozen(kw_only=True)
class Command:
    """A command of its own: `ctdc NAME ...`, of which nothing is loaded before it is called.

    `app` is where it is, as `module:attribute`: a Typer application or a click command.
    """

    name: str
    summary: str
    app: str
    contract: int = CONTRACT


_COUNTER = (
    "Combinations",
    "combination_support",
    "count_combinations",
    "value_bitsets",
    "value_counts",
)


def __getattr__(name: str) -> Any:
    """Load the counter and the compiler when a plugin first asks for them, not at start-up."""
    if name in _COUNTER:
        from ctdc_framework.counting import combinations as counting

        return getattr(counting, name)
    if name == "jit":
        from ctdc_framework.counting.compiled import jit

        return jit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "CONTRACT",
    "COUNT",
    "Additive",
    "Better",
    "Cancelled",
    "Claim",
    "Codebook",
    "Column",
    "CombinationSupport",
    "Combinations",
    "Command",
    "Condition",
    "Context",
    "DataError",
    "DifferentialPrivacy",
    "Fault",
    "KAnonymity",
    "KmAnonymity",
    "LDiversity",
    "Layout",
    "MaxDeviation",
    "Measure",
    "MultipleOf",
    "NoClaim",
    "Note",
    "Output",
    "Pair",
    "Problem",
    "Progress",
    "Public",
    "RecordSupport",
    "Release",
    "Role",
    "Rows",
    "Rule",
    "RuleEntry",
    "Scenario",
    "Score",
    "Severity",
    "Shape",
    "Side",
    "SingleCounts",
    "SingleCountsAtMost",
    "StageRecord",
    "Strategy",
    "StrategyError",
    "TCloseness",
    "Table",
    "TableColumn",
    "Threshold",
    "Variable",
    "combination_support",
    "count_combinations",
    "did_you_mean",
    "entry",
    "flag",
    "heights",
    "hookimpl",
    "jit",
    "table_of_codes",
    "value_bitsets",
    "value_counts",
]
