"""`dp-marginals`: noisy counts of every combination of values, whether anybody holds it or not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from attrs import frozen, validators

from ctdc_dp_marginals.marginals import cell_count, cells, column_sets, exact_counts, set_count
from ctdc_framework.plugin import (
    Claim,
    Codebook,
    Context,
    DifferentialPrivacy,
    Fault,
    Note,
    Output,
    Shape,
    Strategy,
    StrategyError,
    Table,
    TableColumn,
    did_you_mean,
    entry,
    table_of_codes,
)

MOST_CELLS = 1_000_000
"""Noise is drawn for each cell: that many take about twenty seconds."""


@frozen(kw_only=True)
class DpMarginals:
    """Which tables, and how private."""

    epsilon: float = entry(
        "privacy loss of the release; smaller is more private",
        default=1.0,
        validator=[validators.gt(0.0), validators.le(50.0)],
    )
    delta: float = entry(
        "chance that the loss is larger; far below one over the number of records",
        default=1e-6,
        validator=[validators.gt(0.0), validators.le(1e-3)],
    )
    length: int = entry(
        "most values in a combination",
        default=2,
        validator=[validators.ge(1), validators.le(4)],
    )
    columns: tuple[str, ...] = entry(
        "variables to count; left out: the quasi-identifiers", default=()
    )
    shown_from: int | None = entry(
        "a noisy count below this is not shown; left out: three standard deviations of the noise",
        default=None,
        validator=validators.optional(validators.ge(1)),
    )
    ledger: str = entry(
        "the file that adds up what releases of these records have spent, from where the command "
        "runs; needed to release, not to compare",
        default="",
    )


def tabulate(table: Table, params: DpMarginals, context: Context) -> Output:
    """Count, add noise to each count, and leave out what is below the threshold.

    A missing value is part of no combination. The total, of no value at all, is noisy as well,
    and always shown. Raises `StrategyError` for generalised values, which are no value of a
    domain.
    """
    import numpy as np

    from ctdc_dp_marginals import noise

    numbers = table.column_numbers(_variables(table.codebook, params))
    columns = [table.columns[number] for number in numbers]
    sizes = _sizes(columns)
    codes = table.codes[:, numbers]
    if (codes >= sizes).any():
        raise StrategyError(
            "dp-marginals takes records as they were prepared, and got generalised values",
            help="make it the first stage",
        )
    sets = set_count(len(columns), params.length)
    scale = noise.scale_for(sets, params.epsilon, params.delta)
    least = params.shown_from or math.ceil(3 * scale)
    rows, counts = [], []
    for done, chosen in enumerate(column_sets(len(columns), params.length), 1):
        drawn = noise.noisy(exact_counts(codes, sizes, chosen), scale)
        places = np.flatnonzero(drawn >= least) if chosen else np.zeros(1, dtype=np.int64)
        made = np.full((len(places), len(table.columns)), -1, dtype=np.int16)
        made[:, [numbers[column] for column in chosen]] = cells(sizes, chosen, places)
        rows.append(made)
        counts.append(np.maximum(drawn[places], 0))
        context.progress(done, sets)
    made_of = table_of_codes(
        table.codebook, table.columns, np.concatenate(rows), np.concatenate(counts)
    )
    note = Note(
        code="noisy-counts",
        message=(
            f"each count has noise with a standard deviation of {scale:.1f}, and those below "
            f"{least} are not shown; parts need not add up to their whole"
        ),
    )
    return Output(
        table=made_of,
        notes=[note],
        details={"scale": scale, "rho": noise.rho_of(sets, scale), "tables": sets},
    )


def _variables(codebook: Codebook, params: DpMarginals) -> Sequence[str]:
    return params.columns or codebook.quasi_identifiers


def _sizes(columns: Sequence[TableColumn]) -> list[int]:
    """How many values each domain has: by the codebook, never by the data."""
    return [len(column.codes) - len(column.below) for column in columns]


def claims(codebook: Codebook, params: DpMarginals) -> Sequence[Claim]:
    """Say what the mechanism is; no file can show it, and it is no k."""
    return [DifferentialPrivacy(epsilon=params.epsilon, delta=params.delta)]


def faults(codebook: Codebook, params: DpMarginals) -> Iterator[Fault]:
    """Find variables that there are not, and tables with too many cells."""
    for number, name in enumerate(params.columns):
        path = ("columns", number)
        if name not in codebook.variables:
            message = f"`{name}` is no variable of {codebook.id}"
            help = did_you_mean(name, codebook.variables) or "name variables of the codebook"
            yield Fault(path=path, kind="205", message=message, help=help)
        elif name in params.columns[:number]:
            yield Fault(path=path, kind="024", message=f"`{name}` stands twice", help="drop one")
    wanted = set(_variables(codebook, params))
    if not wanted:
        message = f"{codebook.id} has no quasi-identifiers to count"
        yield Fault(path=("columns",), kind="011", message=message, help="name variables")
    sizes = _sizes([column for column in codebook.columns if column.variable in wanted])
    if (number := cell_count(sizes, params.length)) > MOST_CELLS:
        message = f"the tables would have {number:,} cells, more than {MOST_CELLS:,}"
        help = (
            "each needs noise, held by somebody or not: name fewer variables, or a shorter length"
        )
        yield Fault(path=("length",), kind="019", message=message, help=help)


DP_MARGINALS = Strategy(
    name="dp-marginals",
    summary="counts combinations of values with noise that makes them differentially private",
    params=DpMarginals,
    takes=Shape.RECORDS,
    gives=Shape.COUNTS,
    run=tabulate,
    claims=claims,
    faults=faults,
    stochastic=True,
    repeatable=False,
)
