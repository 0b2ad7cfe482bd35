"""The conformance kit catches each kind of bad plugin by the check that is named for it."""

from __future__ import annotations

import contextlib
import random
import time
from unittest import SkipTest

import numpy as np
import pytest
from attrs import evolve, frozen, validators

from ctdc_framework.loading import registry
from ctdc_framework.plugin import (
    Better,
    Cancelled,
    KAnonymity,
    Measure,
    NoClaim,
    Note,
    Output,
    Score,
    Shape,
    Side,
    Strategy,
    StrategyError,
    entry,
)
from ctdc_framework.testing import (
    MEASURE_CHECKS,
    STRATEGY_CHECKS,
    Broken,
    checks_of_installed,
    measure_checks,
    sample_codebook,
    sample_records,
    strategy_checks,
)
from ctdc_framework.testing.samples import HARD, MANY, USUAL, counts_of


@frozen(kw_only=True)
class Half:
    """Parameters of the strategy that is good."""

    k: int = entry("fewest records in a class", validator=validators.ge(2), from_codebook="k")
    share: float = entry("share that is drawn", default=0.5, validator=validators.gt(0.0))


PARAMS = Half(k=5)


def classes(table, params, frame):
    keys = list(table.codebook.quasi_identifiers)
    if not len(frame):
        return frame
    sizes = frame.groupby(keys, dropna=False, observed=True)[keys[0]].transform("size")
    return frame[sizes >= params.k]


def sampled(table, params, context):
    drawn = table.frame[context.rng.random(len(table)) < params.share]
    kept = classes(table, params, drawn)
    note = Note(code="sampled", message=f"a share of {params.share:.0%} was drawn")
    return Output(table=table.with_frame(kept), notes=[note], details={"drawn": len(drawn)})


GOOD = Strategy(
    name="good",
    summary="draws a random share and leaves out small classes",
    params=Half,
    takes=Shape.RECORDS,
    gives=Shape.RECORDS,
    run=sampled,
    claims=lambda codebook, params: [KAnonymity(k=params.k, columns=codebook.quasi_identifiers)],
    stochastic=True,
)
COPY = evolve(
    GOOD,
    run=lambda table, params, context: Output(table=table),
    claims=lambda codebook, params: [NoClaim(reason="a copy")],
    stochastic=False,
)


def failing(strategy, params=PARAMS, **options):
    """The checks that a strategy does not pass, with what they say."""
    found = {}
    for check in strategy_checks(strategy, params, **options):
        if check.name == "imports-the-contract-alone" and strategy.run.__module__ == __name__:
            continue  # this file imports more than a plugin may
        try:
            check()
        except Broken as error:
            found[check.name] = str(error)
    return found


def test_a_good_strategy_passes_every_check():
    assert failing(GOOD) == {}
    assert failing(COPY) == {}


def test_a_strategy_whose_chance_is_the_systems_own_passes_where_it_says_so():
    noisy = evolve(COPY, run=uses_the_systems_chance, stochastic=True, repeatable=False)

    assert failing(noisy) == {}


# ---- bad ones


def mutates(table, params, context):
    table.frame.loc[:, "gender"] = None
    return Output(table=table.with_frame(table.frame))


def mutates_beneath(table, params, context):
    """Past the copy-on-write of pandas."""
    table.frame["gender"].array._ndarray[:] = 0
    return Output(table=table.with_frame(table.frame))


def uses_numpys_generator(table, params, context):
    context.rng.random()
    drawn = table.frame[np.random.random(len(table)) < 0.9]
    return Output(table=table.with_frame(drawn))


def uses_pythons_generator(table, params, context):
    context.rng.random()
    random.random()
    return Output(table=table)


def uses_the_systems_chance(table, params, context):
    context.rng.random()
    drawn = table.frame[np.random.default_rng().random(len(table)) < 0.5]
    return Output(table=table.with_frame(drawn))


def uses_a_seed_of_its_own(table, params, context):
    order = np.random.default_rng(7).permutation(len(table))
    return Output(table=table.with_frame(table.frame.iloc[order]))


def remembers():
    called = []

    def run(table, params, context):
        called.append(1)
        return Output(table=table.with_frame(table.frame.iloc[len(called) :]))

    return run


def draws_in_secret(table, params, context):
    drawn = table.frame[context.rng.random(len(table)) < 0.5]
    return Output(table=table.with_frame(drawn))


def writes_outside_the_domain(table, params, context):
    frame = table.frame.copy()
    made = evolve(table, frame=frame)
    frame["gender"] = "Unheard-of"
    return Output(table=made)


def mixes_levels(table, params, context):
    frame = table.frame.copy()
    frame.loc[frame.index[::2], "ageBroad"] = frame["ageBroad"].cat.categories[-1]
    return Output(table=table.with_frame(frame))


def blanks(table, params, context):
    frame = table.frame.copy()
    frame.loc[frame["citizenship"].isna(), "year"] = None
    return Output(table=table.with_frame(frame))


def claims_k_and_gives_a_copy(table, params, context):
    return Output(table=table)


def quotes_in_a_note(table, params, context):
    counts = table.frame["citizenship"].value_counts()
    rarest = counts[counts > 0].index[-1] if counts.any() else "none"
    note = Note(code="rarest", message=f"the rarest citizenship is {rarest}")
    return Output(table=table, notes=[note])


def quotes_in_details(table, params, context):
    return Output(table=table, details={"cells": table.frame["citizenship"].dropna().tolist()})


def quotes_in_an_error(table, params, context):
    if len(table) > 200 and table.frame["citizenship"].is_unique:
        raise StrategyError(f"cannot handle {table.frame['citizenship'][0]}")
    if len(table) < 2:
        raise StrategyError(f"cannot handle {table.frame.to_dict()}")
    return Output(table=table)


def prints(table, params, context):
    print("looking")  # noqa: T201
    return Output(table=table)


def gives_details_that_are_no_json(table, params, context):
    return Output(table=table, details={"rows": np.int64(len(table))})


def sleeps(table, params, context):
    if len(table) > 5000:
        time.sleep(0.4)
    return Output(table=table)


def takes_the_first_half(table, params, context):
    return Output(table=table.with_frame(table.frame.iloc[: len(table) // 2]))


def takes_the_first_half_and_shuffles(table, params, context):
    half = table.frame.iloc[: len(table) // 2]
    return Output(table=table.with_frame(half.iloc[context.rng.permutation(len(half))]))


def loses_a_column(table, params, context):
    return Output(table=table.with_frame(table.frame.drop(columns="isForced")))


def gives_counts(table, params, context):
    return Output(table=counts_of(table))


def gives_a_frame(table, params, context):
    return Output(table=table.frame)


def fails_on_none(table, params, context):
    return Output(table=table.with_frame(table.frame[table.frame.index < table.frame.index.max()]))


def divides_by_nothing(table, params, context):
    return Output(table=table, details={"share": 1 // len(table)})


def goes_back(table, params, context):
    context.progress(2, 2)
    context.progress(1, 2)
    return Output(table=table)


def does_not_stop(table, params, context):
    with contextlib.suppress(Cancelled):
        context.progress(1, 1)
    return Output(table=table)


def names_other_rows(table, params, context):
    return Output(table=table, kept_rows=np.arange(len(table))[::-1])


def refuses(table, params, context):
    raise StrategyError("not today")


BAD = {
    "says-what-it-is": [evolve(COPY, name="No Name"), evolve(COPY, summary="Ends in a stop."),
                        evolve(COPY, contract=2), evolve(COPY, presets={"A b": {}}),
                        evolve(COPY, presets={"all": {"share": -1.0}}),
                        evolve(COPY, presets={"all": {"shares": 1.0}})],
    "gives-what-it-says": [evolve(COPY, run=gives_counts), evolve(COPY, run=refuses),
                           evolve(COPY, claims=lambda codebook, params: []),
                           evolve(COPY, run=gives_a_frame), evolve(COPY, run=names_other_rows)],
    "keeps-the-columns": [evolve(COPY, run=loses_a_column)],
    "stays-in-the-domains": [evolve(COPY, run=writes_outside_the_domain),
                             evolve(COPY, run=mixes_levels)],
    "blanks-only-if-it-says-so": [evolve(COPY, run=blanks)],
    "leaves-its-input-alone": [evolve(COPY, run=mutates), evolve(COPY, run=mutates_beneath)],
    "repeats-with-the-same-seed": [
        evolve(COPY, run=uses_the_systems_chance, stochastic=True), evolve(COPY, run=remembers()),
        evolve(GOOD, repeatable=False), evolve(COPY, run=uses_the_systems_chance, repeatable=False),
    ],
    "draws-from-its-context-alone": [
        evolve(COPY, run=uses_numpys_generator, stochastic=True),
        evolve(COPY, run=uses_pythons_generator, stochastic=True),
        evolve(COPY, run=uses_a_seed_of_its_own, stochastic=True),
        evolve(COPY, run=draws_in_secret)],
    "row-order-means-nothing": [
        evolve(COPY, run=takes_the_first_half),
        evolve(COPY, run=takes_the_first_half_and_shuffles, stochastic=True)],
    "works-on-hard-records": [evolve(COPY, run=divides_by_nothing)],
    "keeps-its-claims": [evolve(GOOD, run=claims_k_and_gives_a_copy, stochastic=False)],
    "tells-no-values": [evolve(COPY, run=quotes_in_a_note), evolve(COPY, run=quotes_in_details),
                        evolve(COPY, run=quotes_in_an_error), evolve(COPY, run=prints)],
    "details-are-json": [evolve(COPY, run=gives_details_that_are_no_json)],
    "reports-progress": [evolve(COPY, run=goes_back), evolve(COPY, run=does_not_stop)],
    "is-quick": [evolve(COPY, run=sleeps)],
}  # fmt: skip
CASES = [(name, bad) for name, several in BAD.items() for bad in several]


def label(value):
    return value if isinstance(value, str) else value.run.__name__.strip("<>")


@pytest.mark.parametrize(("name", "bad"), CASES, ids=label)
def test_a_bad_strategy_is_caught_by_the_check_that_is_named_for_it(name, bad):
    checks = {one.name: one for one in strategy_checks(bad, PARAMS, seconds=0.3)}

    with pytest.raises(Broken):
        checks[name]()


@pytest.mark.parametrize(
    ("name", "bad"),
    [(name, bad) for name, bad in CASES if name in ("leaves-its-input-alone", "tells-no-values",
     "row-order-means-nothing", "keeps-its-claims", "is-quick", "reports-progress")],
    ids=label,
)  # fmt: skip
def test_a_bad_strategy_is_blamed_for_nothing_else(name, bad):
    also = {"mutates": {"blanks-only-if-it-says-so"}}.get(bad.run.__name__, set())

    assert failing(bad, seconds=0.3).keys() - also == {name}


@frozen(kw_only=True)
class Awkward:
    """Parameters that are wrong in themselves."""

    k: int = entry("a number", default=5)
    count: int = entry("", default=1)


@frozen(kw_only=True)
class Unchecked:
    """A parameter that takes anything."""

    value: object = entry("anything", default=1)


def test_parameters_without_help_and_of_any_kind_are_caught():
    assert "has no help" in failing(evolve(COPY, params=Awkward), Awkward())["says-what-it-is"]
    unchecked = failing(evolve(COPY, params=Unchecked), Unchecked())
    assert "wrong-parameters-are-named" in unchecked


def test_an_import_past_the_contract_is_caught(tmp_path, monkeypatch):
    text = (
        "from ctdc_framework.runs.runner import generator\ndef run(table, params, context): ...\n"
    )
    (tmp_path / "ctdc_nosy.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    import ctdc_nosy

    said = failing(evolve(COPY, run=ctdc_nosy.run))["imports-the-contract-alone"]

    assert said == (
        "it imports ctdc_framework.runs.runner; only ctdc_framework.plugin stays as it is"
    )


# ---- measures


@frozen(kw_only=True)
class Nothing:
    """No parameters."""


def kept(pair, params, context):
    if len(pair.original):
        yield Score(value=len(pair.candidate) / len(pair.original))


GOOD_MEASURE = Measure(
    name="kept",
    summary="released rows over original ones",
    side=Side.UTILITY,
    better=Better.HIGHER,
    unit="share",
    params=Nothing,
    compute=kept,
)


def failing_measure(one, **options):
    found = {}
    for check in measure_checks(one, Nothing(), **options):
        if check.name == "imports-the-contract-alone":
            continue
        try:
            check()
        except Broken as error:
            found[check.name] = str(error)
    return found


def cells(pair, params, context):
    return [Score(value=float((pair.candidate.codes >= 0).sum()))]


def divides(pair, params, context):
    return [Score(value=len(pair.candidate) / len(pair.original))]


def gives_nan(pair, params, context):
    return [Score(value=float("nan"))]


def gives_one_slice_twice(pair, params, context):
    return [*kept(pair, params, context), *kept(pair, params, context)]


def empties(pair, params, context):
    pair.candidate.frame.loc[:, "gender"] = None
    return kept(pair, params, context)


def looks_at_the_first(pair, params, context):
    firsts = pair.candidate.frame["gender"].head(20).eq("Female").mean()
    return [Score(value=len(pair.candidate) + float(firsts))] if len(pair.candidate) else []


def draws_anew(pair, params, context):
    return [Score(value=len(pair.candidate) + np.random.default_rng().random() / 9)]


def draws_from_all(pair, params, context):
    np.random.random()
    return kept(pair, params, context)


def names_rare_slices(pair, params, context):
    counts = pair.original.frame["citizenship"].value_counts()
    return [Score(value=float(n), slice=value) for value, n in counts[counts > 0].items()]


def dawdles(pair, params, context):
    if len(pair.original) > 5000:
        time.sleep(0.4)
    return kept(pair, params, context)


def counts_tables_only(pair, params, context):
    return kept(pair, params, context) if pair.is_counts else []


BAD_MEASURES = {
    "no unit": ("says-what-it-is", evolve(GOOD_MEASURE, unit="")),
    "not a number": ("gives-scores", evolve(GOOD_MEASURE, compute=gives_nan)),
    "one slice twice": ("gives-scores", evolve(GOOD_MEASURE, compute=gives_one_slice_twice)),
    "no score of records": (
        "gives-scores",
        evolve(GOOD_MEASURE, compute=counts_tables_only, shapes=frozenset(Shape)),
    ),
    "mutates": ("leaves-its-input-alone", evolve(GOOD_MEASURE, compute=empties)),
    "no seed": ("repeats-with-the-same-seed", evolve(GOOD_MEASURE, compute=draws_anew)),
    "global": ("draws-from-its-context-alone", evolve(GOOD_MEASURE, compute=draws_from_all)),
    "order": ("row-order-means-nothing", evolve(GOOD_MEASURE, compute=looks_at_the_first)),
    "wrong way": ("knows-better-from-worse", evolve(GOOD_MEASURE, better=Better.LOWER)),
    "wrong side": ("knows-better-from-worse", evolve(GOOD_MEASURE, compute=cells, side=Side.RISK)),
    "division by nothing": ("works-on-hard-records", evolve(GOOD_MEASURE, compute=divides)),
    "rare slices": ("tells-no-values", evolve(GOOD_MEASURE, compute=names_rare_slices)),
    "slow": ("is-quick", evolve(GOOD_MEASURE, compute=dawdles)),
}


def test_a_good_measure_passes_every_check():
    assert failing_measure(GOOD_MEASURE) == {}


def test_a_measure_without_a_better_side_has_none_that_is_wrong():
    assert failing_measure(evolve(GOOD_MEASURE, better=Better.NEITHER)) == {}


@pytest.mark.parametrize("what", BAD_MEASURES)
def test_a_bad_measure_is_caught_by_the_check_that_is_named_for_it(what):
    name, bad = BAD_MEASURES[what]

    assert name in failing_measure(bad, seconds=0.3)


def test_every_check_of_measures_has_a_bad_measure():
    elsewhere = {"parameters-come-back", "wrong-parameters-are-named", "imports-the-contract-alone"}

    assert set(MEASURE_CHECKS) - elsewhere == {name for name, _ in BAD_MEASURES.values()}


# ---- the kit itself


def test_every_check_has_a_bad_strategy():
    elsewhere = {"parameters-come-back", "wrong-parameters-are-named", "imports-the-contract-alone"}

    assert set(STRATEGY_CHECKS) - elsewhere == set(BAD)


def test_a_check_is_known_by_its_name_and_says_what_it_promises():
    for check in strategy_checks(GOOD, PARAMS):
        assert check.__name__ == check.name
        assert check.promise.endswith(".")


def test_an_expected_failure_is_skipped_with_its_reason_and_broken_where_it_holds():
    expected = {"is-quick": "it waits for a register", "keeps-its-claims": "none"}
    checks = strategy_checks(
        evolve(COPY, run=sleeps), PARAMS, seconds=0.3, expected_failures=expected
    )
    by_name = {check.name: check for check in checks}

    with pytest.raises(SkipTest, match="waits for a register"):
        by_name["is-quick"]()
    with pytest.raises(Broken, match="keeps-its-claims holds"):
        by_name["keeps-its-claims"]()
    with pytest.raises(ValueError, match="there is no check is-slow"):
        strategy_checks(GOOD, PARAMS, expected_failures={"is-slow": "why"})


@pytest.mark.parametrize("name", [USUAL, *HARD, MANY])
def test_samples_are_the_same_every_time_and_fit_any_codebook(name, toy):
    for codebook in (sample_codebook(), toy):
        one, again = sample_records(codebook, name), sample_records(codebook, name)

        assert one.frame.equals(again.frame)
        assert not any((column, code) in one.generalised for column, code in _cells(one))


def _cells(table):
    rows, columns = np.nonzero(table.codes >= 0)
    return set(zip(columns.tolist(), table.codes[rows, columns].tolist(), strict=True))


def test_groups_of_about_k_have_k_minus_1_k_and_k_plus_1_records():
    table = sample_records(sample_codebook(), "groups of about k", 7)

    _, sizes = np.unique(table.codes, axis=0, return_counts=True)
    assert set(sizes) == {6, 7, 8}


def test_counts_are_those_of_the_records():
    records = sample_records(sample_codebook(), USUAL)
    counts = counts_of(records)

    female = counts.frame[
        (counts.frame["gender"] == "Female") & ((counts.codes >= 0).sum(axis=1) == 1)
    ]
    assert female["count"].tolist() == [(records.frame["gender"] == "Female").sum()]
    assert counts.frame["count"][0] == len(records)


INSTALLED = registry.load()
OURS = [
    pytest.param(check, id=f"{offer.name}-{check.name}")
    for plugin in INSTALLED.plugins
    if plugin.distribution == "ctdc-framework"
    for offer in checks_of_installed(plugin.name, INSTALLED, {}, sample_codebook())
    for check in offer.checks
]


@pytest.mark.parametrize("check", OURS)
def test_our_own_plugins_keep_the_contract(check):
    check()
