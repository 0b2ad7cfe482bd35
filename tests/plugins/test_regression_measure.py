"""Regressions: against a fit by another program, and intervals that are laid over by hand."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve
from ctdc_measures import MEASURES
from ctdc_measures.regression import RIDGE, Levels, logistic, overlap
from scipy.optimize import minimize
from scipy.sparse import csr_array

from ctdc_framework.loading.registry import load
from ctdc_framework.plans.plan import default_measures
from ctdc_framework.plugin import Context, Pair, Scenario, Shape, StrategyError, table_of_codes
from ctdc_framework.testing import measure_checks, sample_codebook

MEASURE = {measure.name: measure for measure in MEASURES}["regression-overlap"]
MODEL = {"outcome": "forced", "on": ("year", "gender")}


def pair_of(codebook, original, candidate):
    both = [
        table_of_codes(codebook, codebook.columns, np.array(rows, np.int16).reshape(-1, 7))
        for rows in (original, candidate)
    ]
    return Pair(original=both[0], candidate=both[1], k=3)


def found_in(pair, **params):
    context = Context(rng=np.random.default_rng(0))
    return {one.slice: one for one in MEASURE.compute(pair, MEASURE.params(**params), context)}


def scores(pair, **params):
    return {slice: one.value for slice, one in found_in(pair, **(params or MODEL)).items()}


def rows_of(rng, number):
    """Records of seven columns, of which the last depends on the first two."""
    year, gender = rng.integers(-1, 3, number), rng.integers(-1, 2, number)
    flags = [np.where(rng.random(number) < 0.4, 0, -1) for _ in range(3)]
    forced = np.where(rng.random(number) < 1 / (1 + np.exp(1 - year - gender)), 0, -1)
    return np.column_stack([year, gender, rng.integers(-1, 3, number), *flags, forced])


def by_another_program(design, yes):
    """Coefficients and errors of a logistic model, each row by itself, by BFGS."""
    ridge = np.full(design.shape[1], RIDGE)
    ridge[0] = 0

    def loss(at):
        terms = design @ at
        return (np.logaddexp(0, terms) - yes * terms).sum() + (ridge * at**2).sum() / 2

    at = minimize(loss, np.zeros(len(ridge)), tol=1e-9).x
    guess = 1 / (1 + np.exp(-design @ at))
    bent = (design.T * (guess * (1 - guess))) @ design + np.diag(ridge)
    return at, np.sqrt(np.diag(np.linalg.inv(bent)))


def intervals(rows, years, genders):
    """The intervals of `forced` on year and gender, of which the first levels are references."""
    held = [rows[:, 0] == code for code in years[1:]] + [rows[:, 1] == code for code in genders[1:]]
    design = np.column_stack([np.ones(len(rows)), *held]).astype(float)
    at, errors = by_another_program(design, rows[:, 6] == 0)
    return at - 1.959964 * errors, at + 1.959964 * errors


def commonest_first(codes):
    found, counts = np.unique(codes, return_counts=True)
    return found[np.argsort(-counts, kind="stable")]


def test_figures_are_those_of_fits_by_another_program(toy):
    rng = np.random.default_rng(1)
    rows, other = rows_of(rng, 300), rows_of(rng, 240)
    years, genders = commonest_first(rows[:, 0]), commonest_first(rows[:, 1])
    (low, high), (lower, upper) = (intervals(one, years, genders) for one in (rows, other))
    both = np.minimum(high, upper) - np.maximum(low, lower)
    by_hand = np.maximum(0, (both / (high - low) + both / (upper - lower)) / 2)

    found = scores(pair_of(toy, rows, other))

    assert found["mean"] == pytest.approx(by_hand.mean(), abs=1e-4)
    assert found["worst"] == pytest.approx(by_hand.min(), abs=1e-4)


def test_a_level_whose_rows_are_all_alike_has_an_end():
    design = np.array([[1, 0], [1, 0], [1, 1]], float)
    counts, yes = np.array([5, 5, 20]), np.array([5, 0, 20])
    each = np.repeat(design, counts, axis=0)
    is_yes = np.concatenate([np.arange(n) < m for n, m in zip(counts, yes, strict=True)])

    found = logistic(csr_array(design), yes.astype(float), counts.astype(float))

    expected = by_another_program(each, is_yes)
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(expected[0], abs=1e-3)
    assert found[1] == pytest.approx(expected[1], rel=1e-3)


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [((0, 4), (0, 4), 1), ((0, 4), (2, 4), 0.75), ((0, 4), (3, 5), 0.375), ((0, 1), (2, 3), 0)],
    ids=["the-same", "inside", "across", "apart"],
)
def test_overlap_is_the_mean_share_of_what_both_have(one, other, share):
    ends = [np.array([float(end)]) for end in (*one, *other)]
    assert overlap(*ends) == overlap(*ends[2:], *ends[:2]) == [share]


def test_rare_values_are_one_level_and_missing_is_one_of_its_own():
    levels = Levels.of(np.array([2] * 5 + [-1] * 9 + [0] * 3 + [1] * 2 + [4], np.int16), 3)

    assert levels.codes.tolist() == [-1, 2, 0]
    assert levels.number(np.array([0, -1, 2, 1, 4, 7], np.int16)).tolist() == [2, 0, 1, 3, 3, 3]


def test_a_copy_has_1_and_independent_columns_have_less_than_a_half(toy):
    rng = np.random.default_rng(2)
    rows = rows_of(rng, 2000)
    shuffled = np.column_stack([rng.permutation(column) for column in rows.T])

    assert scores(pair_of(toy, rows, rows)) == {"mean": 1, "worst": 1}
    half = scores(pair_of(toy, rows, rows[::2]))["mean"]
    assert scores(pair_of(toy, rows, shuffled))["mean"] < half - 0.2


def test_the_order_of_rows_plays_no_part(toy):
    rng = np.random.default_rng(3)
    rows, other = rows_of(rng, 300), rows_of(rng, 200)
    mixed = [side[rng.permutation(len(side))] for side in (rows, other)]

    assert scores(pair_of(toy, rows, other)) == scores(pair_of(toy, *mixed))


def test_the_worst_coefficients_are_named_and_no_rare_value(toy):
    rows = rows_of(np.random.default_rng(4), 600)
    rows[rows[:, 0] == 2, 0] = 1
    rows[:2, 0] = 2
    other = rows.copy()
    other[other[:, 1] == 0, 6] = 0

    worst = found_in(pair_of(toy, rows, other), **MODEL)["worst"]

    assert worst.value == 0
    assert any(name.startswith("gender=Female: ") for name in worst.names)
    assert not any("2021" in name for name in worst.names)


def test_what_the_release_cannot_tell_counts_0(toy):
    rows = rows_of(np.random.default_rng(5), 900)
    level = int(commonest_first(rows[:, 0])[-1])
    without = rows[rows[:, 0] != level]
    never = rows.copy()
    never[:, 6] = -1

    found = found_in(pair_of(toy, rows, without), **MODEL)
    assert found["worst"].value == 0
    assert found["worst"].names[0].endswith("none published")
    assert 0 < found["mean"].value < 6 / 7
    assert scores(pair_of(toy, rows, never)) == {"mean": 0, "worst": 0}
    reference = int(commonest_first(rows[:, 0])[0])
    found = found_in(pair_of(toy, rows, rows[rows[:, 0] != reference]), **MODEL)
    assert sum(name.endswith("none published") for name in found["worst"].names) == 4


def test_missing_is_no_of_a_flag_and_left_out_of_another_outcome(toy):
    rows = rows_of(np.random.default_rng(6), 500)
    known = rows[rows[:, 1] >= 0]
    model = {"outcome": "gender", "value": "Female", "on": ("year",)}

    assert scores(pair_of(toy, rows, known), **model) == {"mean": 1, "worst": 1}
    assert scores(pair_of(toy, rows, rows[rows[:, 6] >= 0])) == {"mean": 0, "worst": 0}
    several = {"outcome": "means", "value": "Threats", "on": ("year", "forced")}
    assert scores(pair_of(toy, rows, rows), **several) == {"mean": 1, "worst": 1}


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"outcome": "forcd", "on": ("year",)}, "`forcd` is no variable"),
        ({"outcome": "forced", "on": ("yeer",)}, "`yeer` is no variable"),
        ({"outcome": "gender", "on": ("year",)}, "no `value` is named of `gender`"),
        ({"outcome": "gender", "value": "Femal", "on": ("year",)}, "`Femal` is no value"),
        ({"outcome": "year", "value": "2020", "on": ("year",)}, "cannot explain itself"),
    ],
)
def test_what_cannot_be_is_refused(toy, params, says):
    rows = rows_of(np.random.default_rng(7), 60)
    with pytest.raises(StrategyError, match=says):
        scores(pair_of(toy, rows, rows), **params)


def test_it_says_why_it_does_not_apply(toy):
    rows = rows_of(np.random.default_rng(8), 60)
    pair = pair_of(toy, rows, rows)
    lacks = pair.candidate.with_frame(pair.candidate.frame.drop(columns=["gender"]))
    with pytest.raises(StrategyError, match="the release lacks `gender`"):
        scores(evolve(pair, candidate=lacks))
    rows[:, 6] = -1
    with pytest.raises(StrategyError, match="`forced` is always the same"):
        scores(pair_of(toy, rows, rows))
    assert MEASURE.shapes == {Shape.RECORDS}
    assert MEASURE.public.value == "none"


def test_what_explains_is_by_default_what_is_known(toy):
    rng = np.random.default_rng(9)
    pair = evolve(
        pair_of(toy, rows_of(rng, 300), rows_of(rng, 300)),
        scenario=Scenario(known=("year", "gender"), sensitive=("forced",)),
    )

    assert found_in(pair, **MODEL) != {}
    assert found_in(pair, outcome="forced") == found_in(pair, **MODEL)


def test_no_comparison_fits_a_regression_that_nobody_declared():
    names = [one.measure.name for one in default_measures(load())]
    assert "propensity" in names
    assert MEASURE.name not in names


PARAMS = MEASURE.params(outcome="means", value="Threats", on=("year", "gender", "citizenship"))
CHECKS = measure_checks(MEASURE, PARAMS, codebook=sample_codebook())


@pytest.mark.parametrize("check", [pytest.param(one, id=one.name) for one in CHECKS])
def test_a_declared_one_keeps_the_contract(check):
    check()
