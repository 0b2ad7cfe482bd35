"""Comparing: controls, failing measures, gates, sweeps below k, several seeds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from attrs import evolve, frozen
from ctdc_k_synthesis import STRATEGY as K_SYNTHESIS
from ctdc_measures import MEASURES

from ctdc_framework.errors import ReleaseRefused, StrategyError
from ctdc_framework.loading import registry
from ctdc_framework.plans.entries import CandidateEntry, GateEntry, MeasureEntry, StageEntry
from ctdc_framework.plans.plan import BoundMeasure, Plan, bind_candidates, bind_measure
from ctdc_framework.plugin import (
    Better,
    Cancelled,
    Measure,
    Note,
    Output,
    Scenario,
    Score,
    Shape,
    Side,
    Strategy,
    hookimpl,
)
from ctdc_framework.promises.claims import (
    MaxDeviation,
    MultipleOf,
    RecordSupport,
    SingleCounts,
    Threshold,
)
from ctdc_framework.records.tables import table_of_codes
from ctdc_framework.runs.compare import ANCHORS, COPY, HALF, SHUFFLED, SUBSAMPLES, compare
from ctdc_framework.toml.convert import entry, unstructure

CANARY = "Maria Canary, born 1999"
LEAKAGE, ERROR, LOST = "rare-combination-leakage", "combination-error", "combinations-lost"
DECLARED = {"regression-overlap": {"outcome": "forced", "on": ["year"]}}
"""What a measure has to be told."""
CONTROLS = [COPY, SHUFFLED, HALF, *SUBSAMPLES]


def nobody(what, done, total=None):
    """Report progress to nobody."""


@pytest.fixture(scope="module")
def installed():
    return registry.load()


@pytest.fixture(scope="module")
def cases(toy):
    """Eighty records of the toy codebook, each variable telling something of the next."""
    rng = np.random.default_rng(7)
    year = rng.integers(0, 3, 80)
    codes = [year, (year + rng.integers(0, 5, 80)) % 2, np.minimum(year, rng.integers(-1, 3, 80))]
    codes += [np.where(rng.random(80) < share, 0, -1) for share in (0.3, 0.2, 0.05, 0.5)]
    return table_of_codes(toy, toy.columns, np.column_stack(codes).astype(np.int16))


def stage(strategy, id="", **params):
    return StageEntry(id=id or strategy, strategy=strategy, params=params)


def candidate(*stages, name="one", tables=()):
    return CandidateEntry(name=name, stages=stages, tables=tuple(tables))


SYNTHESIS = candidate(stage("k-synthesis"), name="synthesis")
ANONYMITY = candidate(stage("k-anonymization", keys=["gender"]), name="anonymity")
TABLES = candidate(stage("tabulate", length=2), stage("rounding"), name="tables")
BOTH = candidate(
    stage("k-synthesis"), name="both", tables=[stage("tabulate", length=2), stage("rounding")]
)


def plan_of(codebook, registry, *candidates, measures=(), gates=(), seeds=1):
    bound, faults = bind_candidates(candidates, codebook, registry)
    assert not faults
    asked = [MeasureEntry(measure=m.name, params=DECLARED.get(m.name, {})) for m in MEASURES]
    measured = measures or [bind_measure(one, registry) for one in asked]
    return Plan(
        codebook=codebook,
        candidates=tuple(bound),
        measures=tuple(measured),
        gates=tuple(gates),
        seeds=seeds,
    )


def run(cases, registry, *candidates, seed=1, **options):
    plan = plan_of(cases.codebook, registry, *candidates, **options)
    return compare(plan, cases, registry, seed, nobody)


def scores(comparison, candidate, measure, part=Shape.RECORDS):
    return {
        row.score.slice: row.score.value
        for row in comparison.rows
        if (row.candidate, row.measure, row.part) == (candidate, measure, part) and row.score
    }


def verdict(comparison, name):
    (one,) = [one for one in comparison.verdicts if one.name == name]
    return one


# ---- controls


@pytest.fixture(scope="module")
def compared(cases, installed):
    return run(cases, installed, SYNTHESIS, ANONYMITY, TABLES, BOTH)


def test_every_measure_is_taken_of_every_candidate_and_control(compared):
    assert [one.name for one in compared.verdicts] == [
        *CONTROLS, "synthesis", "anonymity", "tables", "both",
    ]  # fmt: skip
    measured = {(row.candidate, row.measure, row.part) for row in compared.rows}
    for measure in (one for one in MEASURES if not one.holdout):
        for name in (COPY, SHUFFLED, "synthesis", "anonymity", "both"):
            assert (name, measure.name, Shape.RECORDS) in measured
        for name in ("tables", "both"):
            applies = Shape.COUNTS in measure.shapes
            assert ((name, measure.name, Shape.COUNTS) in measured) == applies
    assert not compared.gaps


def test_the_original_itself_leaks_all_and_errs_in_nothing(compared):
    assert set(scores(compared, COPY, LEAKAGE).values()) == {1.0}
    assert set(scores(compared, COPY, ERROR).values()) == {0.0}
    assert set(scores(compared, COPY, LOST).values()) == {0.0}


def test_independent_columns_keep_single_counts_and_nothing_else(compared):
    assert scores(compared, SHUFFLED, "single-count-error") == {"mean": 0, "largest": 0}
    error = scores(compared, SHUFFLED, ERROR)
    assert error["length 1"] == 0
    assert error["length 2"] > 0.1


def test_subsamples_are_records_of_the_original_in_the_share_that_they_say(compared):
    for name, share in SUBSAMPLES.items():
        assert scores(compared, name, "rows-released") == {"all": 80 * share // 100 / 80}
        if share > 1:  # of 80 records, 1 % is none
            assert scores(compared, name, "fabricated-combinations")["length 3"] == 0
    likeness = [scores(compared, name, "k-marginal")["all"] for name in list(SUBSAMPLES)[1:]]
    assert likeness == sorted(likeness)


def test_a_control_that_is_left_out_changes_no_other(cases, installed, compared):
    plan = plan_of(cases.codebook, installed, ANONYMITY)

    fewer = compare(plan, cases, installed, 1, nobody, controls=ANCHORS)

    assert [one.name for one in fewer.verdicts] == [COPY, SHUFFLED, "anonymity"]
    of_all = [row for row in compared.rows if row.candidate in (COPY, SHUFFLED, "anonymity")]
    assert sorted(fewer.rows, key=str) == sorted(of_all, key=str)


def test_one_half_is_measured_beside_the_other(compared):
    assert scores(compared, HALF, "rows-released") == {"all": 1}
    assert scores(compared, HALF, "fabricated-combinations")["length 3"] > 0
    assert scores(compared, HALF, LEAKAGE)["length 3"] < 1


def test_a_notebook_gets_every_score_as_a_row_of_a_tidy_table(compared):
    frame = compared.frame()

    assert len(frame) == len(compared.rows)
    assert set(frame.loc[frame["control"], "candidate"]) == set(CONTROLS)
    one = frame[(frame["candidate"] == COPY) & (frame["measure"] == LEAKAGE)]
    assert set(one["value"]) == {1.0}
    assert set(one["side"]) == {"risk"}
    assert frame["error"].isna().all()
    assert frame["value"].dtype == frame["low"].dtype == "float64"


def test_measures_follow_the_scenario_of_the_plan(cases, installed):
    plan = plan_of(cases.codebook, installed, ANONYMITY)
    plan = evolve(plan, scenario=Scenario(known=("gender",), sensitive=("forced",)))

    compared = compare(plan, cases, installed, 1, nobody)

    assert scores(compared, COPY, "attribute-inference").keys() == {
        "forced", "forced, mode guess", "forced, marginal guess",
    }  # fmt: skip
    counts = np.unique(cases.codes[:, 1], return_counts=True)[1]
    assert scores(compared, COPY, "k-achieved") == {"all": counts.min()}
    groups = {part.split(",")[0] for part in scores(compared, COPY, "group-error")}
    assert groups == {"gender"}


ATTACKS = ("membership-inference", "attribute-inference-excess")


@pytest.fixture(scope="module")
def attacks(installed):
    return [bind_measure(MeasureEntry(measure=name), installed) for name in ATTACKS]


def test_what_needs_withheld_records_is_not_measured_where_none_are(compared):
    assert not any(row.measure in ATTACKS for row in compared.rows)


def test_a_second_run_is_made_of_the_members_alone_and_not_released(
    cases, installed, attacks, compared
):
    seen = []

    def measured(pair, params, context):
        seen.append(pair)
        return [Score(value=0)]

    looking = evolve(attacks[0], measure=evolve(attacks[0].measure, compute=measured))
    plan = evolve(plan_of(cases.codebook, installed, SYNTHESIS, measures=[looking]), holdout=0.25)

    found = compare(plan, cases, installed, 1, nobody, controls=[COPY])

    copy, candidate = seen
    assert np.array_equal(copy.candidate.codes, copy.original.codes)
    assert np.array_equal(candidate.original.codes, copy.original.codes)
    assert len(candidate.original) == 60
    parted = [*candidate.original.codes.tolist(), *candidate.holdout.codes.tolist()]
    assert sorted(parted) == sorted(cases.codes.tolist())
    released = found.releases["synthesis"].records.codes
    assert np.array_equal(released, compared.releases["synthesis"].records.codes)
    assert not np.array_equal(released, candidate.candidate.codes)


def test_the_original_itself_tells_its_members_and_a_synthesis_does_not(cases, installed, attacks):
    plan = plan_of(cases.codebook, installed, SYNTHESIS, measures=attacks)

    found = compare(evolve(plan, holdout=0.5), cases, installed, 1, nobody)

    area = "area under the curve"
    assert scores(found, COPY, ATTACKS[0])[area] > 0.55
    assert scores(found, "synthesis", ATTACKS[0])[area] == 0.5
    assert {row.candidate for row in found.rows} == {*CONTROLS, "synthesis"}
    assert not found.gaps


def test_a_second_run_that_fails_is_a_row_with_its_reason(cases, installed, attacks):
    high = candidate(stage("tabulate", length=1), stage("rounding", threshold=50), name="high")
    plan = plan_of(cases.codebook, installed, high, measures=attacks)

    found = compare(evolve(plan, holdout=0.5), cases, installed, 1, nobody, controls=[])

    (row,) = found.rows
    assert (row.measure, row.part) == (ATTACKS[0], Shape.COUNTS)
    assert row.error.startswith("without the holdout: `high`: k is 50")


def test_controls_are_never_released(compared):
    controls = [one for one in compared.verdicts if one.is_control]

    assert [one.name for one in controls] == CONTROLS
    assert not any(one.may_release for one in controls)
    assert compared.releases.keys() == {"synthesis", "tables", "both"}


def test_a_claim_that_leaves_out_what_an_outsider_could_know_is_compared_and_not_released(compared):
    assert "protects nobody of whom year, ageBroad are known" in (
        verdict(compared, "anonymity").reason
    )


def test_candidates_that_may_be_released_carry_their_claims(compared):
    assert verdict(compared, "synthesis").claims == (RecordSupport(k=3), SingleCounts(k=3))
    assert verdict(compared, "both").claims == (
        RecordSupport(k=3), SingleCounts(k=3), MultipleOf(base=3), Threshold(k=3),
        MaxDeviation(d=2),
    )  # fmt: skip
    assert verdict(compared, "synthesis").reason == ""


def test_the_strategies_are_ordered_as_expected(compared):
    assert set(scores(compared, "synthesis", LEAKAGE).values()) == {0.0}
    assert set(scores(compared, "tables", LEAKAGE, Shape.COUNTS).values()) == {0.0}
    assert scores(compared, "anonymity", LEAKAGE)["length 3"] > 0.9
    assert scores(compared, "tables", ERROR, Shape.COUNTS).keys() == {"length 1", "length 2"}


def test_the_same_seed_compares_alike_and_in_any_company(cases, installed, compared):
    again = run(cases, installed, SYNTHESIS)

    rows = [row for row in compared.rows if row.candidate in (*CONTROLS, "synthesis")]
    assert list(again.rows) == rows
    other = run(cases, installed, SYNTHESIS, seed=2)
    assert scores(other, "synthesis", ERROR) != scores(again, "synthesis", ERROR)


def test_rows_can_be_told_as_json(compared):
    assert json.dumps([unstructure(row) for row in compared.rows], default=str, allow_nan=False)


# ---- measures that fail


@frozen(kw_only=True)
class Nothing:
    """No parameters."""


def bound(compute, name="made-up", shapes=frozenset({Shape.RECORDS})):
    measure = Measure(
        name=name,
        summary="made up for a test",
        side=Side.RISK,
        better=Better.LOWER,
        unit="count",
        params=Nothing,
        compute=compute,
        shapes=shapes,
    )
    return BoundMeasure(measure=measure, params=Nothing())


def sizes(pair, params, context):
    yield Score(value=len(pair.candidate))


SIZE = bound(sizes, "size")


def fails(pair, params, context):
    raise ValueError(f"could not convert {CANARY!r}")


def fails_late(pair, params, context):
    yield Score(value=1, slice="early")
    raise ValueError(CANARY)


def speaks(pair, params, context):
    raise StrategyError("there is no sensitive variable")


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (fails, "failed (ValueError)"),
        (fails_late, "failed (ValueError)"),
        (speaks, "there is no sensitive variable"),
        (lambda *_: [Score(value=float("nan"))], "it gave a score that is no number"),
        (lambda *_: [Score(value=float("inf"))], "it gave a score that is no number"),
        (lambda *_: [1.5], "failed (AttributeError)"),
        (lambda *_: None, "failed (TypeError)"),
    ],
    ids=["raises", "raises-late", "says-why", "nan", "infinite", "float", "none"],
)
def test_a_measure_that_fails_is_a_row_with_its_reason_and_others_go_on(
    cases, installed, compute, reason
):
    comparison = run(cases, installed, SYNTHESIS, measures=[bound(compute), SIZE])

    rows = [row for row in comparison.rows if row.measure == "made-up"]
    assert [(row.candidate, row.score, row.error) for row in rows] == [
        (name, None, reason) for name in (*CONTROLS, "synthesis")
    ]
    assert CANARY not in repr(comparison.rows)
    assert comparison.gaps
    assert scores(comparison, COPY, "size") == {"all": 80}
    assert verdict(comparison, "synthesis").may_release


def test_stopping_is_no_failure(cases, installed):
    def stop(pair, params, context):
        raise Cancelled

    with pytest.raises(Cancelled):
        run(cases, installed, SYNTHESIS, measures=[bound(stop)])


def test_a_measure_that_does_not_apply_has_no_row_and_is_no_gap(cases, installed):
    comparison = run(cases, installed, TABLES, measures=[SIZE])

    assert {row.candidate for row in comparison.rows} == set(CONTROLS)
    assert not comparison.gaps


def test_what_a_measure_changes_in_place_does_not_reach_the_gate_or_the_release(cases, installed):
    before = cases.frame.copy(deep=True)

    def meddle(pair, params, context):
        pair.original.frame["gender"].array[:] = "Male"
        pair.candidate.frame["gender"].array[:] = "Male"
        return []

    comparison = run(cases, installed, SYNTHESIS, BOTH, measures=[bound(meddle)])

    assert comparison.original.frame.equals(before)
    assert cases.frame.equals(before)
    for release in comparison.releases.values():
        assert (release.records.frame["gender"] == "Female").any()


# ---- gates


def gate(measure="size", op="==", value=0.0, slice="all"):
    return GateEntry(measure=measure, op=op, value=value, slice=slice)


def passed(comparison):
    return [one.passed for one in comparison.gates]


def sliced(*scores):
    return bound(lambda *_: [Score(value=value, slice=name) for name, value in scores], "size")


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [("==", 2, True), ("==", 3, False), ("<=", 2, True), ("<=", 1, False), (">=", 2, True),
     (">=", 3, False), ("<", 3, True), ("<", 2, False), (">", 1, True), (">", 2, False)],
)  # fmt: skip
def test_a_gate_holds_a_score_against_its_value(cases, installed, op, value, expected):
    comparison = run(
        cases, installed, ANONYMITY, measures=[sliced(("a", 2))], gates=[gate(op=op, value=value)]
    )

    assert passed(comparison) == [expected]


def test_a_gate_looks_at_every_slice_or_at_the_one_it_names(cases, installed):
    comparison = run(
        cases, installed, ANONYMITY, measures=[sliced(("length 1", 0), ("length 2", 5))],
        gates=[gate(), gate(slice="length 1"), gate(slice="length 2"), gate(slice="length 3")],
    )  # fmt: skip

    assert passed(comparison) == [False, True, False, None]


def test_a_gate_is_judged_by_the_worst_of_several_seeds(cases, installed):
    numbers = iter([9] * len(CONTROLS) + [0, 0, 4])  # then three runs of the candidate

    comparison = run(
        cases, installed, SYNTHESIS, seeds=3,
        measures=[bound(lambda *_: [Score(value=next(numbers))], "size")],
        gates=[gate(), gate(op="<=", value=4), gate(op="<=", value=3), gate(op=">=", value=1)],
    )  # fmt: skip

    assert passed(comparison) == [False, True, False, False]


def test_the_ends_of_an_interval_count_too(cases, installed):
    interval = bound(lambda *_: [Score(value=2, low=1, high=3)], "size")

    comparison = run(
        cases, installed, ANONYMITY, measures=[interval],
        gates=[gate(op="<=", value=2), gate(op="<=", value=3), gate(op=">=", value=2)],
    )  # fmt: skip

    assert passed(comparison) == [False, True, False]


def test_what_misses_a_gate_is_compared_and_not_released(cases, installed):
    asked = [gate(op="<", value=0)]
    missed = run(cases, installed, SYNTHESIS, measures=[SIZE], gates=asked)
    reached = run(cases, installed, SYNTHESIS, measures=[SIZE], gates=[gate(op=">=", value=0)])

    (told,) = [one for one in missed.verdicts if not one.is_control]
    assert not told.may_release
    assert told.reason == "it misses what the plan asks: size (all) < 0"
    assert isinstance(told.error, ReleaseRefused)
    assert missed.releases == {}
    assert missed.rows
    assert list(reached.releases) == ["synthesis"]


@pytest.mark.parametrize("slice", ["all", "length 1"])
def test_a_gate_on_a_measure_that_failed_is_missed(cases, installed, slice):
    comparison = run(
        cases, installed, ANONYMITY, measures=[bound(fails, "size")],
        gates=[gate(op=">=", value=0, slice=slice)],
    )  # fmt: skip

    assert passed(comparison) == [False]


def test_a_gate_on_a_measure_that_does_not_apply_is_neither_reached_nor_missed(cases, installed):
    comparison = run(cases, installed, TABLES, measures=[SIZE], gates=[gate()])

    assert passed(comparison) == [None]


def test_controls_answer_to_no_gate(cases, installed):
    comparison = run(cases, installed, ANONYMITY, SYNTHESIS, measures=[SIZE], gates=[gate()])

    assert [one.candidate for one in comparison.gates] == ["anonymity", "synthesis"]


# ---- several seeds


def test_several_seeds_give_a_mean_and_its_range(cases, installed):
    comparison = run(cases, installed, SYNTHESIS, seeds=4)

    assert verdict(comparison, "synthesis").runs == 4
    ranges = [
        row.score
        for row in comparison.rows
        if row.candidate == "synthesis" and row.measure == ERROR
    ]
    assert all(score.low <= score.value <= score.high for score in ranges)
    assert any(score.low < score.high for score in ranges)


def test_what_draws_nothing_runs_once(cases, installed):
    comparison = run(cases, installed, ANONYMITY, TABLES, seeds=4)

    assert [one.runs for one in comparison.verdicts] == [1] * (len(CONTROLS) + 2)
    assert all(row.score.low is None for row in comparison.rows)


def test_the_mean_and_range_of_runs_are_those_of_their_scores(cases, installed):
    numbers = iter([0] * len(CONTROLS) + [1, 2, 6])

    comparison = run(
        cases, installed, SYNTHESIS, seeds=3,
        measures=[bound(lambda *_: [Score(value=next(numbers))], "size")],
    )  # fmt: skip

    assert comparison.rows[-1].score == Score(value=3, low=1, high=6)


def test_one_run_in_which_a_measure_fails_makes_it_fail(cases, installed):
    numbers = iter([0] * len(CONTROLS) + [1, float("nan"), 6])

    comparison = run(
        cases, installed, SYNTHESIS, seeds=3,
        measures=[bound(lambda *_: [Score(value=next(numbers))], "size")],
    )  # fmt: skip

    assert comparison.rows[-1].score is None
    assert comparison.gaps


# ---- what may not be released


def test_a_candidate_below_k_is_compared_and_not_released(cases, installed):
    low = candidate(stage("k-synthesis", k=[2, 3]), name="swept")

    comparison = run(cases, installed, low)

    assert comparison.releases.keys() == {"swept[k=3]"}
    below = verdict(comparison, "swept[k=2]")
    assert not below.may_release
    assert below.reason == "its k is below the codebook's 3: compared only"
    assert below.error is None
    assert below.claims == (RecordSupport(k=2), SingleCounts(k=2))
    assert scores(comparison, "swept[k=2]", ERROR)


@frozen(kw_only=True)
class Own:
    """A k that the framework is not told of."""

    k: int = entry("the least", default=2)


def with_strategy(run, claims, note=""):
    made = Strategy(
        name="made-up", summary="made up", params=Own, takes=Shape.RECORDS, gives=Shape.RECORDS,
        run=run, claims=lambda codebook, params: claims,
    )  # fmt: skip

    class Plugin:
        @hookimpl
        def ctdc_register_strategies(self):
            return [made, K_SYNTHESIS]

        @hookimpl
        def ctdc_check_release(self):
            return [Note(code="looked", message=note)] if note else []

    return registry.load(found=[], extra={"made-up": Plugin()})


def test_a_strategy_that_hides_its_small_k_is_not_released(cases):
    found = with_strategy(lambda table, *_: Output(table=table), [RecordSupport(k=1)])

    comparison = run(cases, found, candidate(stage("made-up")), measures=[SIZE])

    one = verdict(comparison, "one")
    assert not one.may_release
    assert "no claim that holds protects the records by k = 3" in one.reason
    assert one.error is not None
    assert comparison.releases == {}


def test_a_candidate_that_fails_is_told_and_others_go_on(cases):
    def fail(*_):
        raise ValueError(CANARY)

    found = with_strategy(fail, [])
    comparison = run(cases, found, candidate(stage("made-up")), SYNTHESIS, measures=[SIZE])

    failed = verdict(comparison, "one")
    assert failed.reason == "stage `made-up`: made-up failed (ValueError)"
    assert failed.error.message == failed.reason
    assert not [row for row in comparison.rows if row.candidate == "one"]
    assert comparison.releases.keys() == {"synthesis"}


def test_what_the_plugins_say_of_a_release_is_kept(cases):
    found = with_strategy(lambda table, *_: Output(table=table), [], note="seen by a plugin")

    comparison = run(cases, found, SYNTHESIS, measures=[SIZE])

    assert "seen by a plugin" in [n.message for n in verdict(comparison, "synthesis").notes]


def test_a_k_larger_than_the_data_stops_its_candidate_alone(cases, installed):
    large = candidate(stage("k-synthesis", k=81), name="large")

    comparison = run(cases, installed, large, SYNTHESIS)

    assert "k is 81, more than there are records" in verdict(comparison, "large").reason
    assert verdict(comparison, "synthesis").may_release


def test_everything_is_told_to_whoever_waits(cases, installed):
    told = []
    plan = plan_of(cases.codebook, installed, SYNTHESIS)

    compare(plan, cases, installed, 1, lambda what, done, total=None: told.append(what))

    assert list(dict.fromkeys(told)) == [
        *(f"measuring {name}" for name in CONTROLS), "synthesis", "measuring synthesis",
    ]  # fmt: skip


def test_the_input_is_not_changed(cases, installed):
    before = cases.frame.copy(deep=True)

    run(cases, installed, SYNTHESIS, TABLES)

    assert cases.frame.equals(before)
