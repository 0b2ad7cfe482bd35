"""Running candidates: chance by name, data kept apart, and plugins that break the contract."""

from __future__ import annotations

import itertools

import ctdc_rounding
import numpy as np
import pytest
from attrs import evolve, frozen
from ctdc_k_anonymization import STRATEGY as K_ANONYMIZATION
from ctdc_k_anonymization import KAnonymization
from ctdc_k_synthesis import STRATEGY as K_SYNTHESIS
from ctdc_k_synthesis import KSynthesis
from ctdc_rounding import ROUNDING, TABULATE, Rounding, Tabulate

from ctdc_framework.errors import ReleaseRefused, StrategyError
from ctdc_framework.loading import registry
from ctdc_framework.loading.registry import PluginInfo
from ctdc_framework.plans.plan import Candidate, Stage
from ctdc_framework.plugin import Cancelled, Note, Output, Severity, Shape, Strategy, hookimpl
from ctdc_framework.promises.claims import (
    DifferentialPrivacy,
    KAnonymity,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    RecordSupport,
    SingleCounts,
    SingleCountsAtMost,
    Threshold,
)
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import Published, original_of, published_of
from ctdc_framework.records.tables import table_of_codes
from ctdc_framework.runs.gate import judge
from ctdc_framework.runs.runner import generator, run_candidate
from ctdc_framework.toml.convert import entry

CANARY = "Maria Canary, born 1999"
NOBODY = registry.load(found=[])
OURS = PluginInfo(name="ours", distribution="ctdc-framework", version="0.1.0")
THEIRS = PluginInfo(name="theirs", distribution="ctdc-theirs", version="3.2.1")


@frozen(kw_only=True)
class Plain:
    """Parameters of a strategy made for a test."""

    k: int = entry("the least", default=3)


def strategy(run, *, claims=(), takes=Shape.RECORDS, gives=Shape.RECORDS, stochastic=False):
    return Strategy(
        name="made-up",
        summary="made up for a test",
        params=Plain,
        takes=takes,
        gives=gives,
        run=run,
        claims=claims if callable(claims) else lambda codebook, params: claims,
        stochastic=stochastic,
    )


def same(table, params, context):
    return Output(table=table)


def stage(strategy, params=None, id="stage", plugin=THEIRS):
    return Stage(id=id, strategy=strategy, params=params or Plain(), plugin=plugin)


def candidate(*stages, name="candidate", tables=(), below_k=False):
    return Candidate(name=name, stages=stages, tables=tuple(tables), below_k=below_k)


def synthesis(id="synthesise", k=3):
    return stage(K_SYNTHESIS, KSynthesis(k=k), id, OURS)


def tabulate(length=3, id="count"):
    return stage(TABULATE, Tabulate(length=length), id, OURS)


def rounding(base=3, threshold=3, id="round"):
    return stage(ROUNDING, Rounding(base=base, threshold=threshold), id, OURS)


def finish(release, original, registry=NOBODY, **options):
    """Judge a release on its tables in memory."""
    published = [published_of(table) for table in release.parts().values()]
    return judge(release, original_of(original), published, registry, **options)


def run(one, original, seed=1, **options):
    return run_candidate(one, original, options.pop("registry", NOBODY), seed, **options)


@pytest.fixture
def cases(toy):
    """Fifty records of the toy codebook; made anew for each test, as some try to change them."""
    rng = np.random.default_rng(7)
    codes = rng.integers(-1, [3, 2, 3, 1, 1, 1, 1], (50, 7)).astype(np.int16)
    return table_of_codes(toy, toy.columns, codes)


# ---- chance


def draws(*names, **more):
    return generator(*names, **more).integers(0, 2**63, 4).tolist()


def test_the_same_names_and_seed_give_the_same_draws():
    assert draws(1, "a", "b") == draws(1, "a", "b")
    assert draws(2**127 + 5, "a", "b", run=2) == draws(2**127 + 5, "a", "b", run=2)


def test_seed_candidate_stage_and_run_each_give_other_draws():
    every = [
        draws(seed, candidate, stage, run=run)
        for seed, candidate, stage, run in itertools.product(
            (0, 1, 2**64), ("a", "b", "ab"), ("b", "c", "bc", "measure b"), (0, 1, 2)
        )
    ]

    assert len({tuple(one) for one in every}) == len(every)


def draw(table, params, context):
    return Output(table=table, details={"drawn": context.rng.integers(0, 2**62, 3).tolist()})


def drawn(release, id):
    (record,) = [record for record in release.stages if record.stage == id]
    return record.details["drawn"]


def test_a_stage_put_in_before_does_not_change_the_draws_of_later_ones(cases):
    before, later = (stage(strategy(draw), id=id) for id in ("before", "later"))

    one, other = run(candidate(later), cases), run(candidate(before, later), cases)

    assert drawn(one, "later") == drawn(other, "later")
    assert drawn(other, "before") != drawn(other, "later")


def test_candidates_and_repetitions_draw_differently(cases):
    one = stage(strategy(draw))

    every = [
        drawn(run(candidate(one, name=name), cases, run=number), "stage")
        for name in ("a", "b")
        for number in (0, 1)
    ]

    assert len({tuple(found) for found in every}) == 4


def test_the_same_seed_gives_the_same_release_and_another_does_not(cases):
    one, again, other = (
        run(candidate(synthesis()), cases, seed=seed).records.frame for seed in (5, 5, 6)
    )

    assert one.equals(again)
    assert not one.equals(other)


def test_numpys_global_chance_is_left_alone(cases):
    np.random.seed(3)
    before = np.random.get_state()[1].tolist()

    run(candidate(synthesis(), tables=[tabulate(), rounding()]), cases)

    assert np.random.get_state()[1].tolist() == before


# ---- data kept apart


def write_through_array(table, params, context):
    table.frame["gender"].array[:] = "Male"
    return Output(table=table)


def assign_column(table, params, context):
    table.frame["gender"] = table.frame["gender"].cat.set_categories(["Female", "Male"])
    table.frame.loc[:, "gender"] = "Male"
    return Output(table=table)


@pytest.mark.parametrize("change", [write_through_array, assign_column])
def test_what_a_strategy_changes_in_place_does_not_reach_the_original(cases, change):
    before = cases.frame.copy(deep=True)
    codes = cases.codes.copy()

    release = run(candidate(stage(strategy(change))), cases)

    assert cases.frame.equals(before)
    assert np.array_equal(cases.codes, codes)
    assert not release.records.frame.equals(before)


def test_what_was_changed_in_place_is_encoded_anew(cases):
    def change(table, params, context):
        assert (table.codes[:, 1] == 0).any()  # now the codes are kept
        return write_through_array(table, params, context)

    release = run(candidate(stage(strategy(change))), cases)

    assert (release.records.codes[:, 1] == 1).all()


# ---- plugins that do not keep the contract


def message_of(error):
    return f"{error.message} {error.help} {error}"


def refuses(one, original, **options):
    with pytest.raises(StrategyError) as caught:
        run(candidate(one), original, **options)
    assert CANARY not in message_of(caught.value)
    # Nor may it hang on: what prints the error might print what it came from.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message_of(caught.value)


def test_the_text_of_a_foreign_exception_is_not_shown(cases):
    def fail(table, params, context):
        raise ValueError(f"could not convert {CANARY!r}")

    told = refuses(stage(strategy(fail)), cases)

    assert "stage `stage`: made-up failed (ValueError)" in told
    assert "ctdc-theirs" in told


def test_claims_that_cannot_be_stated_are_the_plugins_fault_too(cases):
    def claims(codebook, params):
        raise KeyError(CANARY)

    assert "(KeyError)" in refuses(stage(strategy(same, claims=claims)), cases)


def test_a_failure_of_our_own_strategies_is_ours(cases):
    def fail(table, params, context):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(candidate(stage(strategy(fail), plugin=OURS)), cases)


@pytest.mark.parametrize("error", [StrategyError("too few records for it"), Cancelled()])
def test_what_a_strategy_says_itself_and_stopping_pass(cases, error):
    def fail(table, params, context):
        raise error

    with pytest.raises(type(error)) as caught:
        run(candidate(stage(strategy(fail))), cases)
    assert caught.value is error


def counts_of(table, params, context):
    return Output(table=table.with_codes(table.codes[:1], np.array([1], np.int64)))


def of_another_codebook(table, params, context):
    other = evolve(table.codebook, origin="elsewhere.toml")
    return Output(table=table_of_codes(other, table.columns, table.codes))


@pytest.mark.parametrize(
    "give",
    [
        counts_of,
        of_another_codebook,
        lambda table, params, context: None,
        lambda table, params, context: table,
        lambda table, params, context: Output(table=None),
        lambda table, params, context: Output(table=table.frame),
        lambda table, params, context: Output(table=table, notes=[CANARY]),
    ],
    ids=["counts", "codebook", "none", "table", "no-table", "frame", "texts-for-notes"],
)
def test_what_is_no_table_of_the_shape_and_codebook_is_refused(cases, give):
    assert "did not give a table of records" in refuses(stage(strategy(give)), cases)


def test_a_claim_that_is_none_is_refused(cases):
    assert "did not give" in refuses(stage(strategy(same, claims=[CANARY])), cases)


def text_columns(table, params, context):
    return Output(table=table.with_frame(table.frame.astype(str)))


def foreign_categories(table, params, context):
    table.frame["gender"] = table.frame["gender"].cat.add_categories([CANARY]).fillna(CANARY)
    return Output(table=table)


def unknown_column(table, params, context):
    table.frame[CANARY] = "x"
    return Output(table=table)


@pytest.mark.parametrize("lose", [text_columns, foreign_categories, unknown_column])
def test_a_frame_that_lost_its_encoding_is_refused(cases, lose):
    assert "(ValueError)" in refuses(stage(strategy(lose)), cases)


def test_a_column_may_be_left_out(cases):
    def leave_out(table, params, context):
        return Output(table=table.with_frame(table.frame.drop(columns="gender")))

    release = run(candidate(stage(strategy(leave_out))), cases)

    assert [column.variable for column in release.records.columns][:2] == ["year", "ageBroad"]


def test_a_k_larger_than_the_number_of_records_is_told_before_anything_runs(cases):
    def fail(table, params, context):
        raise AssertionError

    one = candidate(stage(strategy(fail)), synthesis(k=51))
    with pytest.raises(StrategyError, match="k is 51, more than there are records"):
        run(one, cases)
    with pytest.raises(StrategyError, match="k is 51"):
        run(candidate(tables=[tabulate(), rounding(threshold=51)]), cases)


# ---- claims held


def test_a_claim_that_does_not_hold_refuses_the_release(cases):
    release = run(candidate(stage(strategy(same, claims=[RecordSupport(k=3)]))), cases)

    with pytest.raises(ReleaseRefused, match=r"record-support\(k=3\) does not hold"):
        finish(release, cases)


def test_a_claim_of_a_stage_in_a_chain_is_held_to_that_stages_own_input(cases):
    liar = stage(strategy(same, claims=[RecordSupport(k=3)]), id="liar")
    honest = KAnonymity(k=3, columns=("gender",))

    with pytest.raises(ReleaseRefused, match=r"stage `liar` claims record-support\(k=3\), but"):
        run(candidate(liar, synthesis()), cases)
    with pytest.raises(ReleaseRefused, match="stage `liar` claims"):
        run(candidate(stage(strategy(same, claims=[honest]), id="first"), liar), cases)


def test_claims_that_do_not_hold_from_end_to_end_are_dropped_from_a_chain(cases):
    anonymous = stage(K_ANONYMIZATION, KAnonymization(k=3), "k", OURS)

    release = finish(run(candidate(anonymous, synthesis()), cases), cases)

    assert RecordSupport(k=3) in release.claims
    assert SingleCounts(k=3) not in release.claims
    held = original_of(cases), published_of(release.records)
    assert all(recount(claim, *held).holds for claim in release.claims)


def test_each_part_of_a_release_carries_its_claims(cases):
    release = finish(run(candidate(synthesis(), tables=[tabulate(), rounding()]), cases), cases)

    assert release.claims == (
        RecordSupport(k=3), SingleCounts(k=3),
        MultipleOf(base=3), Threshold(k=3), MaxDeviation(d=2),
    )  # fmt: skip
    assert [record.part for record in release.stages] == [Shape.RECORDS, Shape.COUNTS, Shape.COUNTS]
    assert release.tables_length == 3


def test_rounded_tables_answer_to_the_records_and_not_to_the_counts_they_were_given(cases):
    def miscount(table, params, context):
        output = ctdc_rounding.tabulate(table, Tabulate(length=2), context)
        return Output(table=table.with_codes(output.table.codes, output.table.counts * 4))

    wrong = strategy(miscount, gives=Shape.COUNTS, claims=[NoClaim(reason="exact counts")])
    release = run(candidate(stage(wrong, id="count"), rounding()), cases)

    with pytest.raises(ReleaseRefused, match=r"max-deviation\(d=2\) does not hold"):
        finish(release, cases)


@pytest.mark.parametrize(
    "claims",
    [
        [],
        [NoClaim(reason="it is a test")],
        [RecordSupport(k=1)],
        [RecordSupport(k=2)],
        [KAnonymity(k=2, columns=("forced",))],
        [SingleCounts(k=1)],
    ],
    ids=str,
)
def test_records_that_no_claim_protects_by_the_codebooks_k_are_refused(cases, claims):
    doubled = cases.with_codes(np.concatenate([cases.codes] * 2))
    release = run(candidate(stage(strategy(same, claims=claims))), doubled)

    with pytest.raises(ReleaseRefused, match="no claim that holds protects the records by k = 3"):
        finish(release, doubled)


def test_below_the_codebooks_k_a_release_is_judged_where_that_was_asked_for(cases):
    doubled = cases.with_codes(np.concatenate([cases.codes] * 2))
    release = run(candidate(stage(strategy(same, claims=[RecordSupport(k=2)]))), doubled)

    assert finish(release, doubled, least=2).claims == (RecordSupport(k=2),)


def test_counts_that_are_merely_rounded_are_refused(cases):
    def all_rounded(table, params, context):
        counted = ctdc_rounding.tabulate(table, Tabulate(length=2), context).table
        return Output(table=table.with_codes(counted.codes, (counted.counts + 2) // 3 * 3))

    claims = [MultipleOf(base=3), MaxDeviation(d=2)]
    release = run(candidate(stage(strategy(all_rounded, gives=Shape.COUNTS, claims=claims))), cases)

    with pytest.raises(ReleaseRefused, match="no claim that holds protects the counts by k = 3"):
        finish(release, cases)


def test_what_is_refused_for_want_of_a_promise_says_why_there_is_none(cases):
    release = run(candidate(stage(strategy(same, claims=[NoClaim(reason="it is a trial")]))), cases)

    with pytest.raises(ReleaseRefused, match=r"or more \(made-up: it is a trial\)"):
        finish(release, cases)


def test_two_levels_of_a_hierarchy_in_a_column_are_refused_unless_its_strategy_mixes_them(graded):
    codes = graded.columns[2].codes
    rows = [[-1, -1, codes.index(age), *[-1] * 4] for age in ("18+", "30+") for _ in range(3)]
    mixed = table_of_codes(graded, graded.columns, np.array(rows, np.int16))
    one = strategy(same, claims=[RecordSupport(k=3)])

    with pytest.raises(ReleaseRefused, match="`ageBroad` would be published at several levels"):
        finish(run(candidate(stage(one)), mixed), mixed)
    assert finish(run(candidate(stage(evolve(one, mixes_levels=True))), mixed), mixed).claims

    counted = table_of_codes(
        graded, graded.columns, np.array(rows[::3], np.int16), np.array([6, 3])
    )
    shown = strategy(lambda *_: Output(table=counted), gives=Shape.COUNTS, claims=[Threshold(k=3)])
    assert finish(run(candidate(stage(shown)), mixed), mixed).claims, "counts of both may be shown"


def test_two_counts_of_one_combination_are_refused(cases):
    def twice(table, params, context):
        counted = ctdc_rounding.tabulate(table, Tabulate(length=1), context).table
        codes = np.concatenate([counted.codes[:1]] * 2)
        return Output(table=table.with_codes(codes, np.array([48, 51], np.int64)))

    claims = [Threshold(k=3), MultipleOf(base=3), MaxDeviation(d=2)]
    release = run(candidate(stage(strategy(twice, gives=Shape.COUNTS, claims=claims))), cases)

    with pytest.raises(ReleaseRefused, match="more than one count"):
        finish(release, cases)


def test_a_value_outside_its_domain_is_refused_by_the_variables_name(cases):
    release = run(candidate(synthesis()), cases)
    published = published_of(release.records)
    changed = Published(records=[*published.records, (("gender", CANARY),)])

    with pytest.raises(ReleaseRefused, match="`gender` would be published with a value") as caught:
        judge(release, original_of(cases), [changed], NOBODY)
    assert CANARY not in message_of(caught.value)


def test_one_cell_changed_after_the_run_is_refused(cases):
    release = run(candidate(synthesis()), cases)
    published = published_of(release.records)
    first, *rest = published.records
    item = ("forced", "1")
    changed = tuple(i for i in first if i != item) if item in first else (*first, item)

    with pytest.raises(ReleaseRefused, match="single-counts"):
        judge(release, original_of(cases), [Published(records=[changed, *rest])], NOBODY)


# ---- what a steward may accept


def dp_stage():
    return stage(strategy(same, claims=[DifferentialPrivacy(epsilon=1.0, delta=1e-6)]))


def dp(cases):
    return run(candidate(dp_stage()), cases)


def test_what_is_protected_by_design_alone_is_released_only_where_the_steward_says_why(cases):
    with pytest.raises(ReleaseRefused, match="which no file can show") as caught:
        finish(dp(cases), cases)
    assert "--accept" in caught.value.help

    release = finish(dp(cases), cases, accept="the mechanism was audited")
    assert [claim.basis for claim in release.claims] == ["by design"]
    assert release.accepted.note == "the mechanism was audited"
    assert len(release.accepted.reasons) == 1


def test_what_is_private_by_design_is_so_only_where_it_draws_from_the_records_themselves(cases):
    private = DifferentialPrivacy(epsilon=1.0)
    after = stage(strategy(same, claims=[private]), id="after")
    release = run(candidate(stage(strategy(same)), after), cases)

    with pytest.raises(ReleaseRefused, match="no claim that holds") as caught:
        finish(release, cases, accept="the mechanism was audited")
    assert "mechanism, which no file" not in message_of(caught.value)


def test_what_only_the_records_show_is_not_told_after_a_draw_that_is_private_by_design(cases):
    """Whether it holds would be an answer about the records without noise."""
    drawn = stage(strategy(same, claims=[DifferentialPrivacy(epsilon=1.0)]))
    seen, unseen = SingleCountsAtMost(), KAnonymity(k=1, columns=["gender"])
    after = stage(strategy(same, claims=[seen, unseen]), id="after")

    release = finish(run(candidate(drawn, after), cases), cases, accept="audited")

    assert {claim.name for claim in release.claims} == {"differential-privacy", "k-anonymity"}


def test_two_draws_that_are_private_by_design_add_up(cases):
    count = strategy(
        counts_of,
        claims=[DifferentialPrivacy(epsilon=0.5, delta=1e-6)], gives=Shape.COUNTS,
    )  # fmt: skip
    both = run(candidate(dp_stage(), tables=[stage(count, id="count")]), cases)
    alone = run(candidate(synthesis(), tables=[stage(count, id="count")]), cases)

    (claim,) = finish(both, cases, accept="audited").claims
    assert claim == DifferentialPrivacy(epsilon=1.5, delta=2e-6)
    with pytest.raises(ReleaseRefused, match="publish them apart"):
        finish(alone, cases, accept="audited")


@pytest.mark.parametrize("overridable", [False, True])
def test_a_plugins_no_is_overridden_only_where_the_plugin_allows_it(cases, overridable):
    stop = Note(
        code="stop", message="look twice", severity=Severity.BLOCKING, overridable=overridable
    )

    class Watcher:
        @hookimpl
        def ctdc_check_release(self, release):
            return [stop]

    watched = registry.load(found=[], extra={"watcher": Watcher()})
    release = run(candidate(synthesis()), cases)

    with pytest.raises(ReleaseRefused, match="look twice"):
        finish(release, cases, watched)
    if overridable:
        accepted = finish(release, cases, watched, accept="seen by two").accepted
        assert (accepted.note, accepted.reasons) == ("seen by two", ("look twice",))
    else:
        with pytest.raises(ReleaseRefused, match="look twice"):
            finish(release, cases, watched, accept="seen by two")


def test_no_note_makes_a_claim_hold_or_a_release_without_claims_pass(cases):
    liar = run(candidate(stage(strategy(same, claims=[RecordSupport(k=3)]))), cases)
    nothing = run(candidate(stage(strategy(same))), cases)
    for release in (liar, nothing):
        with pytest.raises(ReleaseRefused) as caught:
            finish(release, cases, accept="let it pass")
        assert "--accept" not in caught.value.help


def test_k_anonymity_of_fewer_than_the_quasi_identifiers_needs_a_reason(cases):
    fewer = run(candidate(stage(K_ANONYMIZATION, KAnonymization(k=3, keys=("gender",)))), cases)

    with pytest.raises(ReleaseRefused, match="of whom year, ageBroad are known") as caught:
        finish(fewer, cases)
    assert "--accept" in caught.value.help

    accepted = finish(fewer, cases, accept="years and ages are made up").accepted
    assert accepted.note == "years and ages are made up"


def test_of_two_claims_one_that_does_not_fall_short_is_enough(cases):
    alike = table_of_codes(cases.codebook, cases.columns, np.repeat(cases.codes[:9], 3, axis=0))
    claims = [KAnonymity(k=3, columns=("gender",)), RecordSupport(k=3)]
    release = run(candidate(stage(strategy(same, claims=claims))), alike)

    assert finish(release, alike).claims == tuple(claims)


def test_what_a_later_stage_claims_by_design_hides_none_of_its_other_claims(cases):
    alike = table_of_codes(cases.codebook, cases.columns, np.repeat(cases.codes[:9], 3, axis=0))
    first = stage(strategy(same, claims=[NoClaim(reason="it is a trial")]), id="first")
    claims = [DifferentialPrivacy(epsilon=1.0), RecordSupport(k=3)]
    release = run(candidate(first, stage(strategy(same, claims=claims))), alike)

    assert finish(release, alike).claims == (RecordSupport(k=3),)


def test_where_nothing_is_to_be_accepted_the_note_is_not_kept(cases):
    release = finish(run(candidate(synthesis()), cases), cases, accept="just in case")
    assert release.accepted is None


# ---- which records were released


def backwards(table, params, context):
    rows = np.arange(len(table))[::-2]
    return Output(table=table.with_codes(table.codes[rows]), kept_rows=rows)


def without_gender(table, params, context):
    codes = table.codes.copy()
    codes[:, 1] = -1
    return Output(table=table.with_codes(codes), kept_rows=np.arange(len(table)))


def test_the_rows_that_stages_name_are_followed_to_the_original(cases):
    stages = [stage(strategy(run), id=run.__name__) for run in (backwards, without_gender)]
    again = stage(strategy(backwards), id="again")

    release = run(candidate(*stages, again), cases)

    assert release.kept_rows.tolist() == np.arange(50)[::-2][::-2].tolist()
    others = [0, 2, 3, 4, 5, 6]
    assert np.array_equal(
        release.records.codes[:, others], cases.codes[release.kept_rows][:, others]
    )


@pytest.mark.parametrize("place", [0, 1, 2])
def test_where_one_stage_names_no_rows_the_release_has_none(cases, place):
    stages = [stage(strategy(backwards), id=f"s{n}") for n in range(2)]
    stages.insert(place, stage(strategy(same), id="silent"))

    assert run(candidate(*stages), cases).kept_rows is None


def test_tables_beside_records_take_no_rows_from_them(cases):
    release = run(candidate(stage(strategy(backwards)), tables=[tabulate(), rounding()]), cases)

    assert release.kept_rows.tolist() == np.arange(50)[::-2].tolist()


@pytest.mark.parametrize(
    "rows",
    [
        np.arange(50)[::-1], np.arange(49), np.arange(50.0), np.zeros(50, int), np.arange(1, 51),
        np.arange(-1, 49), np.arange(50)[:, None], list(range(50)), CANARY,
    ],
    ids=["other", "few", "fractions", "twice", "beyond", "below", "matrix", "list", "text"],
)  # fmt: skip
def test_rows_that_are_not_those_released_are_refused(cases, rows):
    def lie(table, params, context):
        return Output(table=table, kept_rows=rows)

    with pytest.raises(StrategyError, match=r"kept_rows") as caught:
        run(candidate(stage(strategy(lie))), cases)
    assert CANARY not in caught.value.message


# ---- records and notes


def test_the_runner_writes_what_a_stage_did(cases):
    note = Note(code="seen", message="all is well")

    def half(table, params, context):
        return Output(
            table=table.with_frame(table.frame.iloc[:25]), notes=[note], details={"why": "a test"}
        )

    claim = NoClaim(reason="a test")
    release = run(candidate(stage(strategy(half, claims=[claim]), Plain(k=4))), cases)

    (record,) = release.stages
    assert (record.plugin, record.version, record.contract) == ("ctdc-theirs", "3.2.1", 1)
    assert (record.rows_in, record.rows_out, record.params) == (50, 25, {"k": 4})
    assert (record.claims, record.details) == ((claim,), {"why": "a test"})
    assert record.seconds > 0
    assert release.notes == (note,)


def test_a_blocking_note_of_a_stage_refuses_the_release(cases):
    stop = Note(code="stop", message="this must not go out", severity=Severity.BLOCKING)

    def warn(table, params, context):
        output = K_SYNTHESIS.run(table, KSynthesis(k=3), context)
        return evolve(output, notes=[stop])

    release = run(candidate(stage(strategy(warn, claims=[RecordSupport(k=3)]))), cases)

    with pytest.raises(ReleaseRefused, match="this must not go out"):
        finish(release, cases)


def test_judging_twice_does_not_double_the_notes(cases):
    class Watcher:
        @hookimpl
        def ctdc_check_release(self, release):
            return [Note(code="looked", message="looked at it")]

    watched = registry.load(found=[], extra={"watcher": Watcher()})
    once = finish(run(candidate(synthesis()), cases), cases, watched)

    assert [note.code for note in once.notes].count("looked") == 1
    assert finish(once, cases, watched).notes == once.notes


def test_progress_reaches_the_strategy(cases):
    told = []

    run(candidate(synthesis()), cases, progress=lambda done, total: told.append(total))

    assert told
