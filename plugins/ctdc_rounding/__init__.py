"""Counts in place of records: `tabulate` counts combinations, `rounding` makes counts safe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from attrs import frozen, validators

from ctdc_framework.plugin import (
    COUNT,
    Claim,
    Codebook,
    Context,
    Fault,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    Note,
    Output,
    Shape,
    Strategy,
    Table,
    Threshold,
    entry,
    hookimpl,
)


@frozen(kw_only=True)
class Tabulate:
    """Count every combination of up to `length` values."""

    length: int = entry(
        "most values in a combination", default=3, validator=[validators.ge(1), validators.le(6)]
    )


@frozen(kw_only=True)
class Rounding:
    """Round every count to a multiple of a base, and show none that stands for too few records."""

    base: int = entry(
        "published counts are multiples of this",
        validator=validators.ge(2),
        from_codebook="round_to",
    )
    threshold: int = entry(
        "a count below this is not shown", validator=validators.ge(2), from_codebook="k"
    )
    method: Literal["floor"] = entry(
        "floor: down to the multiple below, so that no record is counted that is not there",
        default="floor",
    )


def tabulate(table: Table, params: Tabulate, context: Context) -> Output:
    """Count all combinations of 1 to `length` values that occur, and all records (the first row).

    A missing value is never part of a combination. The counts are exact: not for publishing.
    """
    import numpy as np

    from ctdc_framework.plugin import count_combinations

    found = count_combinations([table.codes], table.sizes, params.length)
    codes = np.full((len(found) + 1, len(table.columns)), -1, dtype=np.int16)
    columns, values = found.columns, found.codes
    for place in range(columns.shape[1]):
        used = np.flatnonzero(columns[:, place] >= 0)
        codes[used + 1, columns[used, place]] = values[used, place]
    counts = np.concatenate([[len(table)], found.counts[:, 0]])
    context.progress(1, 1)
    return Output(table=table.with_codes(codes, counts), details={"combinations": len(found)})


def round_counts(table: Table, params: Rounding, context: Context) -> Output:
    """Round each count down to a multiple of the base; leave out those below the threshold.

    The threshold looks at the true count. What rounds to nothing is left out too. Cells and
    totals are rounded each by itself, so parts may add up to less than their total.
    """
    counts = table.counts
    rounded = counts // params.base * params.base
    shown = (counts >= params.threshold) & (rounded > 0)
    frame = table.frame.assign(**{COUNT: rounded})[shown]
    context.progress(1, 1)
    note = Note(
        code="not-additive",
        message=(
            f"counts are rounded down to multiples of {params.base} each by itself: parts may add "
            "up to less than their total"
        ),
    )
    return Output(
        table=table.with_frame(frame),
        notes=[note],
        details={"not_shown": int((~shown).sum())},
    )


def _claims(codebook: Codebook, params: Rounding) -> Sequence[Claim]:
    return [
        MultipleOf(base=params.base),
        Threshold(k=params.threshold),
        MaxDeviation(d=params.base - 1),
    ]


def _no_claim(codebook: Codebook, params: Tabulate) -> Sequence[Claim]:
    return [NoClaim(reason="exact counts; put rounding after it")]


def _faults(codebook: Codebook, params: Rounding) -> Iterator[Fault]:
    if params.base > 1000 * codebook.k:
        message = f"base {params.base} would round nearly every count away"
        yield Fault(path=("base",), kind="019", message=message, help="choose a smaller base")


TABULATE = Strategy(
    name="tabulate",
    summary="counts all combinations of up to `length` values; not safe by itself",
    params=Tabulate,
    takes=Shape.RECORDS,
    gives=Shape.COUNTS,
    run=tabulate,
    claims=_no_claim,
)

ROUNDING = Strategy(
    name="rounding",
    summary="rounds counts down to multiples of a base and hides those below a threshold",
    params=Rounding,
    takes=Shape.COUNTS,
    gives=Shape.COUNTS,
    run=round_counts,
    claims=_claims,
    faults=_faults,
)


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer tabulate and rounding."""
    return [TABULATE, ROUNDING]
