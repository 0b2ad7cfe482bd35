"""Compare candidates: every measure on every one, beside controls that make figures readable."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from attrs import evolve, field, frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.results import Note, Release, Score, ScoreRow
from ctdc_framework.errors import CtdcError, ReleaseRefused, StrategyError
from ctdc_framework.loading.registry import Registry
from ctdc_framework.plans.entries import GateEntry
from ctdc_framework.plans.plan import BoundMeasure, Candidate, Plan
from ctdc_framework.plugin import Cancelled, Context, Pair
from ctdc_framework.promises.claims import Claim
from ctdc_framework.records.items import AnyOriginal, original_of, published_of
from ctdc_framework.records.tables import Shape, Table
from ctdc_framework.runs.controls import (
    ANCHORS,
    CONTROLS,
    COPY,
    HALF,
    SHUFFLED,
    SUBSAMPLES,
    controls_of,
    split_off,
)
from ctdc_framework.runs.gate import judge
from ctdc_framework.runs.losses import Losses, losses_of
from ctdc_framework.runs.runner import generator, own_copy, run_candidate

if TYPE_CHECKING:
    import pandas as pd


class Tell(Protocol):
    """`tell(what, done, total)`: what a command is busy with."""

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """Take note of it."""


OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


@frozen(kw_only=True)
class GateResult:
    """Whether a candidate reaches what a plan's gate asks; None where it was not measured."""

    candidate: str
    gate: GateEntry
    passed: bool | None


@frozen(kw_only=True)
class Verdict:
    """What is known of a candidate as a whole."""

    name: str
    is_control: bool = False
    stochastic: bool = False
    runs: int = 1
    may_release: bool = True
    reason: str = ""
    """Why it may not be released, or could not be run."""
    error: CtdcError | None = field(default=None, eq=False)
    """What stopped it, where something did."""
    claims: tuple[Claim, ...] = ()
    notes: tuple[Note, ...] = ()


@frozen(kw_only=True, eq=False)
class Comparison:
    """Every candidate beside the original: verdicts, scores, gates. No overall score."""

    codebook: Codebook
    original: Table
    measures: tuple[BoundMeasure, ...]
    verdicts: tuple[Verdict, ...]
    rows: tuple[ScoreRow, ...]
    gates: tuple[GateResult, ...] = ()
    releases: Mapping[str, Release] = field(factory=dict, repr=False)
    """The first run of each candidate that may be released."""
    losses: Mapping[str, Losses] = field(factory=dict)
    """What became of the original's values in the first run of each candidate with records."""

    @property
    def gaps(self) -> bool:
        """Whether a measure that applies failed."""
        return any(row.error for row in self.rows)

    def frame(self) -> pd.DataFrame:
        """Give every score as a tidy table, for a notebook: exact figures, so private.

        A row is a score: candidate, control, measure, side, better, part, unit, slice, value, low,
        high, error. Where a measure failed, error says why and the figures are missing.
        """
        import pandas as pd

        controls = {one.name for one in self.verdicts if one.is_control}
        about = {one.measure.name: one.measure for one in self.measures}
        told = [
            {
                "candidate": row.candidate,
                "control": row.candidate in controls,
                "measure": row.measure,
                "side": about[row.measure].side.value,
                "better": about[row.measure].better.value,
                "part": row.part.value,
                "unit": about[row.measure].unit,
                "slice": row.score.slice if row.score else None,
                **{key: getattr(row.score, key, None) for key in ("value", "low", "high")},
                "error": row.error or None,
            }
            for row in self.rows
        ]
        names = (
            "candidate", "control", "measure", "side", "better", "part", "unit", "slice", "value",
            "low", "high", "error",
        )  # fmt: skip
        numbers = dict.fromkeys(("value", "low", "high"), "float64")
        return pd.DataFrame(told, columns=list(names)).astype(numbers)


def compare(
    plan: Plan,
    original: Table,
    registry: Registry,
    seed: int,
    tell: Tell,
    *,
    controls: Collection[str] = CONTROLS,
) -> Comparison:
    """Run every candidate of a plan and measure it beside the original, and the controls named.

    A candidate that cannot be run, and a measure that fails, become a row with the reason.
    """
    recounted = original_of(original)
    measured = own_copy(original)  # so that no measure can change what the gate looks at
    verdicts: list[Verdict] = []
    rows: list[ScoreRow] = []
    releases: dict[str, Release] = {}
    losses: dict[str, Losses] = {}
    attacked, withheld = split_off(measured, _withheld_of(plan), seed)
    for control, beside in controls_of(measured, seed, controls):
        name = control.name
        verdicts.append(Verdict(name=name, is_control=True, may_release=False, reason="a control"))
        tell(f"measuring {name}", 0, None)
        rows += _measure(plan, beside, [control], seed)
    if len(withheld):
        for control, beside in controls_of(attacked, seed, controls):
            rows += _measure(plan, beside, [control], seed, withheld)
    for candidate in plan.candidates:
        verdict, runs = _run(candidate, plan, original, recounted, registry, seed, tell)
        verdicts.append(verdict)
        if verdict.may_release:
            releases[candidate.name] = runs[0]
        if runs and (lost := losses_of(original, runs[0])) is not None:
            losses[candidate.name] = lost
        tell(f"measuring {candidate.name}", 0, None)
        rows += _measure(plan, measured, runs, seed)
        if len(withheld) and runs:
            rows += _attack(candidate, plan, attacked, withheld, runs, registry, seed, tell)
    gates = tuple(_gates(plan.gates, plan.candidates, rows))
    verdicts = [_gated(verdict, gates) for verdict in verdicts]
    return Comparison(
        codebook=plan.codebook,
        original=original,
        measures=plan.measures,
        verdicts=tuple(verdicts),
        rows=tuple(rows),
        gates=gates,
        releases={one.name: releases[one.name] for one in verdicts if one.may_release},
        losses=losses,
    )


def _gated(verdict: Verdict, gates: Sequence[GateResult]) -> Verdict:
    """Hold back what misses a gate of the plan: it was asked for before anything was seen."""
    missed = [one.gate for one in gates if one.candidate == verdict.name and one.passed is False]
    if not missed or not verdict.may_release:
        return verdict
    asked = "; ".join(f"{gate.measure} ({gate.slice}) {gate.op} {gate.value:g}" for gate in missed)
    reason = f"it misses what the plan asks: {asked}"
    error = ReleaseRefused(f"`{verdict.name}` is refused, and nothing was written:\n{reason}")
    return evolve(verdict, may_release=False, reason=reason, error=error)


def _run(
    candidate: Candidate,
    plan: Plan,
    original: Table,
    recounted: AnyOriginal,
    registry: Registry,
    seed: int,
    tell: Tell,
) -> tuple[Verdict, list[Release]]:
    verdict = Verdict(name=candidate.name, stochastic=candidate.stochastic)
    runs: list[Release] = []
    try:
        for run in range(plan.seeds if candidate.stochastic else 1):
            runs.append(
                run_candidate(
                    candidate,
                    original,
                    registry,
                    seed,
                    run=run,
                    progress=partial(tell, candidate.name),
                )
            )
        verdict = evolve(verdict, runs=len(runs), notes=runs[0].notes)
        published = [published_of(table) for table in runs[0].parts().values()]
        least = 1 if candidate.below_k else plan.codebook.k
        runs[0] = judge(runs[0], recounted, published, registry, least=least, accept=plan.accept)
    except Cancelled:
        raise
    except CtdcError as error:
        return evolve(verdict, may_release=False, reason=error.message, error=error), runs
    verdict = evolve(verdict, claims=runs[0].claims, notes=runs[0].notes)
    if candidate.below_k:
        reason = f"its k is below the codebook's {plan.codebook.k}: compared only"
        verdict = evolve(verdict, may_release=False, reason=reason)
    return verdict, runs


def _withheld_of(plan: Plan) -> float:
    """Give the share to withhold: none where nothing would look at it."""
    return plan.holdout if any(one.measure.holdout for one in plan.measures) else 0.0


def _attack(
    candidate: Candidate,
    plan: Plan,
    members: Table,
    withheld: Table,
    runs: Sequence[Release],
    registry: Registry,
    seed: int,
    tell: Tell,
) -> Iterator[ScoreRow]:
    """Run a candidate again without the withheld records, and attack both."""
    told = f"{candidate.name}, without the holdout"
    try:
        second = [
            run_candidate(candidate, members, registry, seed, run=run, progress=partial(tell, told))
            for run in range(len(runs))
        ]
    except Cancelled:
        raise
    except CtdcError as error:
        reason = f"without the holdout: {error.message}"
        for part in runs[0].parts():
            for one in plan.measures:
                if one.measure.holdout and part in one.measure.shapes:
                    name = one.measure.name
                    yield ScoreRow(candidate=candidate.name, measure=name, part=part, error=reason)
        return
    yield from _measure(plan, members, second, seed, withheld)


def _measure(
    plan: Plan,
    original: Table,
    runs: Sequence[Release],
    seed: int,
    withheld: Table | None = None,
) -> Iterator[ScoreRow]:
    """Score all runs of one candidate; scores of the same slice become one with its range.

    With records that the runs were made without, the measures that look at these are taken, and
    no others.
    """
    measures = [one for one in plan.measures if one.measure.holdout is (withheld is not None)]
    by_row: dict[tuple[Shape, str, str], list[Score]] = {}
    failed: dict[tuple[Shape, str], str] = {}
    order: dict[tuple[Shape, str], None] = {}
    for release in runs:
        for shape, table in release.parts().items():
            pair = Pair(
                original=original,
                candidate=own_copy(table),
                k=original.codebook.k,
                length=release.tables_length if shape is Shape.COUNTS else 0,
                stages=tuple(record for record in release.stages if record.part is shape),
                scenario=plan.scenario,
                holdout=withheld,
            )
            for one in measures:
                name = one.measure.name
                if shape not in one.measure.shapes:
                    continue
                order[shape, name] = None
                context = Context(rng=generator(seed, release.name, f"measure {name}"))
                try:
                    scores = _scores(one, pair, context)
                except Cancelled:
                    raise
                except Exception as error:
                    # A measure that fails is a row with its reason; its text may quote data.
                    reason = error.message if isinstance(error, CtdcError) else ""
                    failed[shape, name] = reason or f"failed ({type(error).__name__})"
                    continue
                for score in scores:
                    by_row.setdefault((shape, name, score.slice), []).append(score)
    for shape, name in order:
        row = ScoreRow(candidate=runs[0].name, measure=name, part=shape)
        if (shape, name) in failed:
            yield evolve(row, error=failed[shape, name])
            continue
        for (part, measure, _), scores in by_row.items():
            if (part, measure) == (shape, name):
                yield evolve(row, score=_joined(scores))


def _scores(one: BoundMeasure, pair: Pair, context: Context) -> list[Score]:
    scores = list(one.measure.compute(pair, one.params, context))
    for score in scores:
        if not math.isfinite(score.value):
            raise StrategyError("it gave a score that is no number")
    return scores


def _joined(scores: Sequence[Score]) -> Score:
    if len(scores) == 1:
        return scores[0]
    values = [score.value for score in scores]
    lows = [score.value if score.low is None else score.low for score in scores]
    highs = [score.value if score.high is None else score.high for score in scores]
    mean = sum(values) / len(values)
    return evolve(scores[0], value=mean, low=min(lows), high=max(highs), of=_least(scores))


def _least(scores: Sequence[Score]) -> tuple[int, int] | None:
    """Give the smallest counts above zero, of a part and of what is left, that any run tells of.

    Those are what must not be too few; they may stem from different runs.
    """
    counts = [score.of for score in scores if score.of is not None]
    if len(counts) < len(scores):
        return None
    part = min((part for part, _ in counts if part), default=0)
    rest = min((whole - part for part, whole in counts if whole != part), default=0)
    return part, part + rest


def _gates(
    gates: Sequence[GateEntry], candidates: Sequence[Candidate], rows: Iterable[ScoreRow]
) -> Iterator[GateResult]:
    rows = list(rows)
    for one in gates:
        for candidate in candidates:
            held = [
                row
                for row in rows
                if row.candidate == candidate.name
                and row.measure == one.measure
                and (one.slice == "all" or not row.score or row.score.slice == one.slice)
            ]
            scores = [row.score for row in held if row.score]
            passed: bool | None = None
            if held:  # a measure that failed has not shown that the gate holds
                # Every run counts: the least favourable end of the range is what is judged.
                ends = [v for s in scores for v in (s.value, s.low, s.high) if v is not None]
                passed = len(scores) == len(held) and all(
                    OPERATORS[one.op](value, one.value) for value in ends
                )
            yield GateResult(candidate=candidate.name, gate=one, passed=passed)


__all__ = [
    "ANCHORS",
    "CONTROLS",
    "COPY",
    "HALF",
    "SHUFFLED",
    "SUBSAMPLES",
    "Comparison",
    "GateResult",
    "Verdict",
    "compare",
]
