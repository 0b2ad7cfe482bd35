"""`tabulate`: from records to counts."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen, validators

from ctdc_framework.plugin import (
    Claim,
    Codebook,
    Context,
    NoClaim,
    Output,
    Shape,
    Strategy,
    Table,
    entry,
)


@frozen(kw_only=True)
class Tabulate:
    """Count every combination of up to `length` values."""

    length: int = entry(
        "most values in a combination", default=3, validator=[validators.ge(1), validators.le(6)]
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
    counted = evolve(table.with_codes(codes, counts), counted=table)
    return Output(table=counted, details={"combinations": len(found)})


def _no_claim(codebook: Codebook, params: Tabulate) -> Sequence[Claim]:
    return [NoClaim(reason="exact counts; put rounding after it")]


TABULATE = Strategy(
    name="tabulate",
    summary="counts all combinations of up to `length` values; not safe by itself",
    params=Tabulate,
    takes=Shape.RECORDS,
    gives=Shape.COUNTS,
    run=tabulate,
    claims=_no_claim,
)
