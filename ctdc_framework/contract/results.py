"""What comes out of a run: notes, records of its stages, releases and scores."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ctdc_framework.promises.claims import Claim
from ctdc_framework.records.tables import Shape, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Json = Any
"""A value that JSON can hold."""


class Severity(Enum):
    """How much a note weighs."""

    INFO = "info"
    WARNING = "warning"
    BLOCKING = "blocking"
    """The release is refused."""


@frozen(kw_only=True)
class Note:
    """Something that the steward has to read; its message holds no value rarer than k."""

    code: str
    message: str
    severity: Severity = Severity.INFO
    overridable: bool = False
    """Whether a blocking note may be accepted by the steward, who says why (`--accept`)."""


@frozen(kw_only=True)
class Acceptance:
    """What a steward let pass that the gate would have refused, and in whose words why."""

    note: str
    reasons: tuple[str, ...]


@frozen(kw_only=True)
class StageRecord:
    """What one stage did. The runner writes it, so that a plugin can neither forget nor dress it.

    `rows_in`, `rows_out` and `details` are exact: private.
    """

    stage: str
    part: Shape
    """What the stage's chain ends in."""
    strategy: str
    plugin: str
    version: str
    contract: int
    params: Mapping[str, Json]
    claims: tuple[Claim, ...]
    rows_in: int
    rows_out: int
    seconds: float
    may_blank: bool = False
    """Whether the strategy may leave values out that the original records have."""
    mixes_levels: bool = False
    """Whether its output may hold a generalised value beside finer ones in one column."""
    notes: tuple[Note, ...] = ()
    details: Mapping[str, Json] = field(factory=dict)


@frozen(kw_only=True, eq=False)
class Release:
    """What one candidate would publish: records, tables of counts, or both.

    `claims` hold between the prepared original and the final output, by the last recount.
    """

    name: str
    records: Table | None = None
    tables: Table | None = None
    tables_length: int = 0
    """Longest combination that the tables hold."""
    stages: tuple[StageRecord, ...] = ()
    claims: tuple[Claim, ...] = ()
    notes: tuple[Note, ...] = ()
    accepted: Acceptance | None = None
    kept_rows: NDArray[np.int64] | None = field(default=None, repr=False)
    """The original's row of each record, if all stages told: private, and never among the data."""

    def parts(self) -> Mapping[Shape, Table]:
        """Give what there is, by shape."""
        both = {Shape.RECORDS: self.records, Shape.COUNTS: self.tables}
        return {shape: table for shape, table in both.items() if table is not None}


class Side(Enum):
    """What a measure speaks of."""

    RISK = "risk"
    UTILITY = "utility"


class Better(Enum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"
    """A figure to read the others by: synthetic rows beyond the original's are no gain."""

    @property
    def words(self) -> str:
        """Say it in words."""
        return "neither way is better" if self is Better.NEITHER else f"{self.value} is better"


class Public(Enum):
    """What of a measure the public report may show."""

    NONE = "none"
    """Nothing: it could tell exact counts of the original."""
    ROUNDED = "rounded"
    """Shares of counts (`Score.of`) to two digits, where no count is below k."""
    FREE = "free"
    """Everything: it is a figure of the release alone, which every reader can count."""


@frozen(kw_only=True)
class Score:
    """One figure of a measure; `slice` says of what part, such as `length 3`.

    `low` and `high` span the runs with different seeds, or an interval that the measure gives.
    """

    value: float
    slice: str = "all"
    low: float | None = None
    high: float | None = None
    of: tuple[int, int] | None = None
    """How many of how many, where it is a share of counts; without, it is never public."""
    names: tuple[str, ...] = ()
    """What it counted, where that is to be looked at: for the private report alone."""


@frozen(kw_only=True)
class ScoreRow:
    """One line of a comparison: a score, or the reason why there is none."""

    candidate: str
    measure: str
    part: Shape
    score: Score | None = None
    error: str = ""
