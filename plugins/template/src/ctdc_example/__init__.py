"""example: a random share of the records, without those that too few others are like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen, validators

from ctdc_framework.plugin import (
    Better,
    Claim,
    Codebook,
    Context,
    KAnonymity,
    Measure,
    Note,
    Output,
    Pair,
    Score,
    Shape,
    Side,
    Strategy,
    Table,
    entry,
    hookimpl,
)


@frozen(kw_only=True)
class Example:
    """What a plan or `--param` may set: meaning, default and bounds, once."""

    k: int = entry(
        "fewest released records that share their quasi-identifiers",
        validator=validators.ge(2),
        from_codebook="k",
    )
    share: float = entry(
        "share of the records that are drawn",
        default=0.5,
        validator=[validators.gt(0.0), validators.le(1.0)],
    )


def draw(table: Table, params: Example, context: Context) -> Output:
    """Draw records, then leave out those whose quasi-identifiers fewer than k of them share."""
    keys = list(table.codebook.quasi_identifiers)
    drawn = table.frame[context.rng.random(len(table)) < params.share]
    sizes = drawn.groupby(keys, dropna=False, observed=True)[keys[0]].transform("size")
    kept = drawn[sizes >= params.k]
    left_out = 1 - len(kept) / max(1, len(drawn))
    message = f"a share of {params.share:.0%} was drawn; {left_out:.0%} of it was in small classes"
    note = Note(code="drawn", message=message)
    return Output(table=table.with_frame(kept), notes=[note], details={"drawn": len(drawn)})


def claims(codebook: Codebook, params: Example) -> Sequence[Claim]:
    """Say what the output keeps to; it is recounted before anything is published."""
    return [KAnonymity(k=params.k, columns=codebook.quasi_identifiers)]


EXAMPLE = Strategy(
    name="example",
    summary="draws a random share of the records and leaves out small classes",
    params=Example,
    takes=Shape.RECORDS,
    gives=Shape.RECORDS,
    run=draw,
    claims=claims,
    stochastic=True,
)


@frozen(kw_only=True)
class Nothing:
    """No parameters."""


def lost(pair: Pair, params: Nothing, context: Context) -> Iterable[Score]:
    """Give the share of the original records for which there is no released row."""
    if len(pair.original):
        yield Score(value=max(0.0, 1 - len(pair.candidate) / len(pair.original)))


RECORDS_LOST = Measure(
    name="example-records-lost",
    summary="share of the original records that are not released",
    side=Side.UTILITY,
    better=Better.LOWER,
    unit="share",
    params=Nothing,
    compute=lost,
)


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer the strategy."""
    return [EXAMPLE]


@hookimpl
def ctdc_register_measures() -> Iterable[Measure[Any]]:
    """Offer the measure."""
    return [RECORDS_LOST]
