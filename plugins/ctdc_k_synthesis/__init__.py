"""k-synthesis: new records made only of combinations that at least k real records share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import frozen, validators

from ctdc_framework.plugin import (
    Claim,
    Codebook,
    CombinationSupport,
    Context,
    Fault,
    Note,
    Output,
    RecordSupport,
    Severity,
    Shape,
    SingleCounts,
    SingleCountsAtMost,
    Strategy,
    StrategyError,
    Table,
    did_you_mean,
    entry,
    hookimpl,
    table_of_codes,
)

NOT_PEOPLE = Note(
    code="rows-are-not-people",
    message=(
        "released rows are synthetic: their number is not the number of records, and no row "
        "is anybody"
    ),
)


@frozen(kw_only=True)
class KSynthesis:
    """Make records whose every combination of values at least k real records hold."""

    k: int = entry(
        "fewest real records that a released record may stand for",
        validator=validators.ge(2),
        from_codebook="k",
    )
    mode: Literal["value-seeded", "seeded", "unseeded"] = entry(
        "how records begin. value-seeded: with single values; seeded: each with what k real "
        "records share of one. unseeded: so many are drawn, and single counts are not kept",
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
    records: int | None = entry(
        "how many records are drawn, where the mode is unseeded; left out: as many as there are, "
        "rounded down to k",
        default=None,
        validator=validators.optional([validators.ge(1), validators.le(10_000_000)]),
    )
    columns: tuple[str, ...] = entry(
        "variables to release; left out: all. Counts are kept, and claimed, of these alone",
        default=(),
    )
    weights: Mapping[str, float] = entry(
        "how much the combinations of a variable count, > 0; 1 where nothing is said",
        factory=dict,
    )


@frozen(kw_only=True)
class KSynthesisFromTables:
    """Make records whose every combination of up to `length` values the tables show."""

    k: int = entry(
        "fewest records that a combination must be counted for, to be used",
        validator=validators.ge(2),
        from_codebook="k",
    )
    length: int = entry(
        "longest combination that is held to the tables: as long as they were counted, for "
        "longer ones may be rare, or nobody's",
        default=3,
        validator=[validators.ge(2), validators.le(6)],
    )
    effort: int = entry(
        "passes in which the worst records are made anew; more take longer and come nearer",
        default=50,
        validator=[validators.ge(0), validators.le(10_000)],
    )
    records: int | None = entry(
        "how many records are drawn, at most, of those that the counts give; left out: all",
        default=None,
        validator=validators.optional([validators.ge(1), validators.le(10_000_000)]),
    )
    columns: tuple[str, ...] = entry("variables to release; left out: all", default=())
    weights: Mapping[str, float] = entry(
        "how much the combinations of a variable count, > 0; 1 where nothing is said",
        factory=dict,
    )


def synthesise(table: Table, params: KSynthesis, context: Context) -> Output:
    """Make records that keep every single count, rounded down to k, and no rare combination.

    Raises `StrategyError` where no value is held by k records: nothing could be released.
    """
    from ctdc_k_synthesis.algorithm import synthesise_records

    wanted = table.column_numbers(params.columns or table.codebook.variables)
    columns = [table.columns[number] for number in wanted]
    result = synthesise_records(
        table.codes[:, wanted],
        [table.sizes[number] for number in wanted],
        params.k,
        context.rng,
        context.progress,
        mode=params.mode,
        length=params.length,
        effort=params.effort,
        records=params.records,
        weights=[params.weights.get(column.variable, 1.0) for column in columns],
    )
    if not len(result.codes):
        raise StrategyError(
            f"no value is held by {params.k} records, so nothing could be released",
            help="a smaller k needs the codebook's consent; more records would help too",
        )
    return Output(
        table=table_of_codes(table.codebook, columns, result.codes),
        notes=[NOT_PEOPLE],
        details={"improved": result.improved},
    )


def synthesise_tables(table: Table, params: KSynthesisFromTables, context: Context) -> Output:
    """Make records of a table of counts: nothing else of the original is looked at.

    Raises `StrategyError` where no value is counted k times: nothing could be released.
    """
    from ctdc_k_synthesis.from_tables import synthesise_from_counts

    wanted = table.column_numbers(params.columns or table.codebook.variables)
    columns = [table.columns[number] for number in wanted]
    within = (table.codes >= 0).sum(axis=1) == (table.codes[:, wanted] >= 0).sum(axis=1)
    result = synthesise_from_counts(
        table.codes[within][:, wanted],
        table.counts[within],
        [table.sizes[number] for number in wanted],
        params.k,
        context.rng,
        context.progress,
        length=params.length,
        effort=params.effort,
        records=params.records,
        weights=[params.weights.get(column.variable, 1.0) for column in columns],
    )
    if not len(result.codes):
        raise StrategyError(
            f"no value is counted for {params.k} records, so nothing could be released",
            help="the tables need the counts of single values, and some of k or more",
        )
    notes = [NOT_PEOPLE]
    longest = int((table.codes >= 0).sum(axis=1).max(initial=0))
    if longest < min(params.length, len(columns)):
        message = (
            f"the tables show no combination of {longest + 1} values, so no record has more than "
            f"{longest}: if none was counted, length = {longest} allows longer records"
        )
        notes.append(Note(code="tables-too-short", message=message, severity=Severity.WARNING))
    if params.records is not None and len(result.codes) < params.records:
        message = f"the counts give {len(result.codes)} records, not the {params.records} asked for"
        notes.append(Note(code="fewer-records", message=message, severity=Severity.WARNING))
    return Output(
        table=table_of_codes(table.codebook, columns, result.codes),
        notes=notes,
        details={"improved": result.improved},
    )


def _claims(codebook: Codebook, params: KSynthesis) -> Sequence[Claim]:
    support = RecordSupport(k=params.k)
    if params.mode == "unseeded":
        return [support]
    kept = set(_columns(codebook, params))
    named = () if kept >= set(codebook.variables) else tuple(kept & set(codebook.variables))
    return [support, SingleCounts(k=params.k, columns=tuple(sorted(named)))]


def _claims_of_tables(codebook: Codebook, params: KSynthesisFromTables) -> Sequence[Claim]:
    return [CombinationSupport(k=params.k, length=params.length), SingleCountsAtMost()]


def _columns(codebook: Codebook, params: KSynthesis | KSynthesisFromTables) -> tuple[str, ...]:
    return params.columns or tuple(codebook.variables)


def _faults_of_names(
    codebook: Codebook, params: KSynthesis | KSynthesisFromTables
) -> Iterator[Fault]:
    named: list[tuple[str, str, str | int]] = [
        ("columns", name, number) for number, name in enumerate(params.columns)
    ]
    for key, name, at in [*named, *(("weights", name, name) for name in params.weights)]:
        if name not in codebook.variables:
            message = f"`{key}` names `{name}`, which is no variable of {codebook.id}"
            help = did_you_mean(name, codebook.variables) or "name variables of the codebook"
            yield Fault(path=(key, at), kind="205", message=message, help=help)
    for name, weight in params.weights.items():
        if not 0.001 <= weight <= 1000:  # nan is refused too
            message = f"the weight of `{name}` is not between 0.001 and 1000"
            help = "a weight of 2 counts twice as much as 1; `columns` leaves variables out"
            yield Fault(path=("weights", name), kind="019", message=message, help=help)
        elif name in codebook.variables and name not in _columns(codebook, params):
            message = f"`{name}` has a weight and is not among `columns`"
            yield Fault(path=("weights", name), kind="019", message=message, help="drop one")


def _faults(codebook: Codebook, params: KSynthesis) -> Iterator[Fault]:
    yield from _faults_of_names(codebook, params)
    if params.records is not None and params.mode != "unseeded":
        message = f"`records` is given, and in the mode {params.mode} the counts decide it"
        help = 'drop it, or choose mode = "unseeded"'
        yield Fault(path=("records",), kind="019", message=message, help=help)


STRATEGY = Strategy(
    name="k-synthesis",
    summary="makes records of value combinations that at least k records share, counts kept",
    params=KSynthesis,
    takes=Shape.RECORDS,
    gives=Shape.RECORDS,
    run=synthesise,
    claims=_claims,
    faults=_faults,
    stochastic=True,
    may_blank=True,
)

FROM_TABLES = Strategy(
    name="k-synthesis-from-tables",
    summary="makes records of tables of counts, for those who never see the records",
    params=KSynthesisFromTables,
    takes=Shape.COUNTS,
    gives=Shape.RECORDS,
    run=synthesise_tables,
    claims=_claims_of_tables,
    faults=_faults_of_names,
    stochastic=True,
    may_blank=True,
)


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer k-synthesis, of records and of tables."""
    return [STRATEGY, FROM_TABLES]
