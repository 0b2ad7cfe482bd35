"""k-synthesis: new records made only of combinations that at least k real records share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from attrs import frozen, validators

from ctdc_framework.plugin import (
    Claim,
    Codebook,
    Context,
    Note,
    Output,
    RecordSupport,
    Shape,
    SingleCounts,
    Strategy,
    StrategyError,
    Table,
    entry,
    hookimpl,
)


@frozen(kw_only=True)
class KSynthesis:
    """Make records whose every combination of values at least k real records hold."""

    k: int = entry(
        "fewest real records that a released record may stand for",
        validator=validators.ge(2),
        from_codebook="k",
    )
    mode: Literal["value-seeded", "seeded"] = entry(
        "how records begin. value-seeded: with single values; seeded: each with what k real "
        "records share of one. The promise is the same",
        default="value-seeded",
    )
    length: int = entry(
        "longest combination whose count is kept as near as can be",
        default=3,
        validator=[validators.ge(2), validators.le(3)],
    )
    effort: int = entry(
        "passes in which the worst records are made anew; more take longer and come nearer",
        default=50,
        validator=[validators.ge(0), validators.le(10_000)],
    )


def synthesise(table: Table, params: KSynthesis, context: Context) -> Output:
    """Make records that keep every single count, rounded down to k, and no rare combination.

    Raises `StrategyError` where no value is held by k records: nothing could be released.
    """
    from ctdc_k_synthesis.algorithm import synthesise_records

    result = synthesise_records(
        table.codes,
        table.sizes,
        params.k,
        context.rng,
        context.progress,
        mode=params.mode,
        length=params.length,
        effort=params.effort,
    )
    if not len(result.codes):
        raise StrategyError(
            f"no value is held by {params.k} records, so nothing could be released",
            help="a smaller k needs the codebook's consent; more records would help too",
        )
    note = Note(
        code="rows-are-not-people",
        message=(
            "released rows are synthetic: their number is not the number of records, and no row "
            "is anybody"
        ),
    )
    return Output(
        table=table.with_codes(result.codes),
        notes=[note],
        details={"improved": result.improved},
    )


def _claims(codebook: Codebook, params: KSynthesis) -> Sequence[Claim]:
    return [RecordSupport(k=params.k), SingleCounts(k=params.k)]


STRATEGY = Strategy(
    name="k-synthesis",
    summary="makes records of value combinations that at least k records share, counts kept",
    params=KSynthesis,
    takes=Shape.RECORDS,
    gives=Shape.RECORDS,
    run=synthesise,
    claims=_claims,
    stochastic=True,
    may_blank=True,
)


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer k-synthesis."""
    return [STRATEGY]
