"""pac-synth: records drawn from differentially private counts, by Microsoft's own code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen, validators

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
    did_you_mean,
    entry,
    hookimpl,
    table_of_codes,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@frozen(kw_only=True)
class PacSynth:
    """How private, and what is kept: pac-synth's own parameters, under its own names."""

    epsilon: float = entry(
        "privacy loss of the release; smaller is more private",
        default=4.0,
        validator=[validators.gt(0.0), validators.le(50.0)],
    )
    delta: float = entry(
        "chance that the loss is larger; pac-synth would take it from the number of records, which "
        "tells that number",
        default=1e-6,
        validator=[validators.gt(0.0), validators.le(1e-3)],
    )
    reporting_length: int = entry(
        "longest combination that is counted, as pac-synth calls it",
        default=3,
        validator=[validators.ge(2), validators.le(4)],
    )
    percentile_percentage: int = entry(
        "share of the records, in per cent, that may hold no more combinations than are counted",
        default=99,
        validator=[validators.ge(1), validators.le(100)],
    )
    fabrication: Literal["uncontrolled", "progressive", "balanced", "minimize"] = entry(
        "how hard combinations that nobody holds are kept out; the harder, the more true ones go",
        default="uncontrolled",
    )
    accuracy: Literal[
        "prioritize_long_combinations", "balanced", "prioritize_short_combinations"
    ] = entry("which counts get less noise", default="prioritize_long_combinations")
    use_synthetic_counts: bool = entry("whether what was made already is drawn less", default=True)
    columns: tuple[str, ...] = entry("variables to release; left out: all", default=())


def synthesise(table: Table, params: PacSynth, context: Context) -> Output:
    """Fit and draw. Raises `StrategyError` where pac-synth gives up, as with very few records."""
    import numpy as np

    wanted = table.column_numbers(params.columns or table.codebook.variables)
    columns = [table.columns[number] for number in wanted]
    # A letter before the number: pac-synth takes a plain 0 for missing.
    texts = [["", *(f"v{code}" for code in range(len(column.codes)))] for column in columns]
    rows = [
        [own[code + 1] for own, code in zip(texts, row, strict=True)]
        for row in table.codes[:, wanted].tolist()
    ]
    head = [f"c{number}" for number in range(len(columns))]
    made = _drawn([head, *rows], params)
    order = [made[0].index(name) for name in head]
    codes = [[int(row[at][1:]) if row[at] else -1 for at in order] for row in made[1:]]
    released: NDArray[np.int16] = np.array(codes, np.int16).reshape(-1, len(columns))
    context.progress(1, 1)
    note = Note(
        code="rows-are-not-people",
        message="released rows are synthetic: their number is no number of records",
    )
    return Output(table=table_of_codes(table.codebook, columns, released), notes=[note])


def _drawn(raw: list[list[str]], params: PacSynth) -> list[list[str]]:
    """Let pac-synth fit and draw; it gives the header first, as it was given it."""
    import pacsynth

    builder = (
        pacsynth.DpAggregateSeededParametersBuilder()
        .epsilon(params.epsilon)
        .delta(params.delta)
        .reporting_length(params.reporting_length)
        .percentile_percentage(params.percentile_percentage)
        .fabrication_mode(getattr(pacsynth.FabricationMode, params.fabrication)())
        .accuracy_mode(getattr(pacsynth.AccuracyMode, params.accuracy)())
        .use_synthetic_counts(params.use_synthetic_counts)
    )
    try:
        synthesiser = pacsynth.DpAggregateSeededSynthesizer(builder.build())
        synthesiser.fit(pacsynth.Dataset(raw))
        made: list[list[str]] = synthesiser.sample()
    except BaseException as error:
        # A panic of its Rust is no `Exception`; what it says is of its code, and no help.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise StrategyError(
                f"pac-synth gave up ({type(error).__name__})",
                help="it does with few records and a small epsilon: the noise is then larger "
                "than what is counted",
            ) from None
        raise
    return made


def claims(codebook: Codebook, params: PacSynth) -> Sequence[Claim]:
    """Say what pac-synth promises: by its design, which no file can show."""
    return [DifferentialPrivacy(epsilon=params.epsilon, delta=params.delta)]


def faults(codebook: Codebook, params: PacSynth) -> Iterator[Fault]:
    """Find variables that there are not."""
    for number, name in enumerate(params.columns):
        if name not in codebook.variables:
            message = f"`{name}` is no variable of {codebook.id}"
            help = did_you_mean(name, codebook.variables) or "name variables of the codebook"
            yield Fault(path=("columns", number), kind="205", message=message, help=help)


PAC_SYNTH = Strategy(
    name="pac-synth",
    summary="draws records from differentially private counts (Microsoft's pac-synth)",
    params=PacSynth,
    takes=Shape.RECORDS,
    gives=Shape.RECORDS,
    run=synthesise,
    claims=claims,
    faults=faults,
    presets={
        "package": {"use_synthetic_counts": False},  # the defaults of pac-synth 0.0.8
        "few-fabrications": {"fabrication": "minimize", "accuracy": "balanced"},
    },
    stochastic=True,
    repeatable=False,
    may_blank=True,
)


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer pac-synth."""
    return [PAC_SYNTH]
