"""Attacks on members and on records withheld: by hand, by brute force, and as others publish."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ctdc_measures import MEASURES
from ctdc_measures.intervals import Rate, area, excess, wilson
from ctdc_measures.membership import _Counts, _rare
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.plugin import Context, Pair, Scenario, count_combinations, table_of_codes

BY_NAME = {measure.name: measure for measure in MEASURES}
ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles" / "evaluation.json"
ROW = st.tuples(*[st.integers(-1, 1)] * 3, *[st.integers(-1, 0)] * 4)
ROWS = st.lists(ROW, min_size=1, max_size=15)


def table_of(codebook, rows):
    columns = codebook.columns
    codes = np.array(rows, np.int16).reshape(len(rows), len(columns))
    return table_of_codes(codebook, columns, codes)


def scores(name, pair, **params):
    measure = BY_NAME[name]
    context = Context(rng=np.random.default_rng(0))
    found = list(measure.compute(pair, measure.params(**params), context))
    return {score.slice: score for score in found}


@pytest.fixture(scope="module")
def oracle():
    if not ORACLES.is_file():
        pytest.skip("the oracles are not part of the project")
    cases = json.loads(ORACLES.read_text(encoding="utf-8"))["cases"]
    return {case["id"]: case for case in cases}


# ---- intervals


def test_wilson_is_that_of_anonymeter(oracle):
    # Statice (Anonymeter), tests/test_confidence.py
    for case in oracle["anonymeter_wilson"]["cases"]:
        rate = wilson(case["s"], case["n"])
        exact = len(str(case["rate"])) > 6
        tolerance = 1e-12 if exact else 5e-4
        assert rate.value == pytest.approx(case["rate"], abs=tolerance)
        assert rate.error == pytest.approx(case["err"], abs=tolerance)


def test_the_excess_is_the_residual_risk_of_anonymeter(oracle):
    for case in oracle["anonymeter_residual"]["cases"]:
        found = excess(Rate(*case["attack"]), Rate(*case["control"]))
        assert [found.value, found.error] == pytest.approx(case["expected"], abs=5e-4)


def test_the_published_risk_follows_from_the_published_rates(oracle):
    told = oracle["anonymeter_notebook"]["expected"]["univariate singling out n=500"]
    found = excess(Rate(told["attack"]), Rate(told["control"]))
    assert found.value == pytest.approx(told["risk"], abs=2e-5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1), st.lists(st.integers(0, 4), min_size=1))
def test_the_area_is_the_share_of_pairs_in_which_the_member_is_above(members, others):
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(members, others)]
    found = area(np.array(members, float), np.array(others, float))
    assert found.value == pytest.approx(np.mean(pairs))


def test_the_area_s_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    truth = 0.7602  # of normal scores one apart: Phi(1 / sqrt 2)
    draws = [area(rng.normal(1, 1, 80), rng.normal(0, 1, 60)) for _ in range(400)]
    held = np.mean([rate.low <= truth <= rate.high for rate in draws])
    assert 0.91 <= held <= 0.98


# ---- membership


@settings(max_examples=60, deadline=None)
@given(members=ROWS, withheld=ROWS, shown=ROWS, k=st.integers(2, 4))
def test_rare_combinations_are_those_found_row_by_row(toy, members, withheld, shown, k):
    def held(row):
        values = [(column, code) for column, code in enumerate(row) if code >= 0]
        return [c for size in (1, 2, 3) for c in itertools.combinations(values, size)]

    support = Counter(c for row in (*members, *withheld) for c in held(row))
    released = {c for row in shown for c in held(row)}
    one, two, three = (table_of(toy, rows) for rows in (members, withheld, shown))
    counted = _Counts(Pair(original=one, candidate=three, k=k).combinations(3))
    beside = _Counts(count_combinations([two.codes], two.sizes, 3))

    for rows, table in ((members, one), (withheld, two)):
        rare, found = _rare(table.codes, 3, k, counted, beside)
        expected = [[c for c in held(row) if support[c] < k] for row in rows]
        assert rare.tolist() == [len(one) for one in expected]
        assert found.tolist() == [len(released & set(one)) for one in expected]


def test_equal_evidence_is_equal_whoever_else_is_attacked(toy):
    alone, more = (0, -1, -1, -1, -1, -1, -1), (0, 1, 1, 0, -1, -1, -1)
    members, withheld = table_of(toy, [alone] * 10), table_of(toy, [alone] * 9 + [more])
    everything = table_of(toy, [alone, more])
    pair = Pair(original=members, candidate=everything, holdout=withheld, k=30)

    found = scores("membership-inference", pair)["area under the curve"]

    assert found.value == pytest.approx((9 / 2 + 0) / 10)


def unlike(count):
    """Records of which each two have no pair of values in common, for up to 30."""
    return [(n % 3, n // 3 % 2, n // 6 % 3, *[0 if n >> 3 & 1 << b else -1 for b in range(4)])
            for n in range(count)]  # fmt: skip


@pytest.fixture
def halves(toy):
    """Records each two of which differ, half of them withheld."""
    rows = unlike(144)
    return table_of(toy, rows[::2]), table_of(toy, rows[1::2])


def test_a_copy_tells_its_members_and_rows_of_nobody_do_not(toy, halves):
    members, withheld = halves
    copy = Pair(original=members, candidate=members, holdout=withheld, k=6)
    empty = Pair(original=members, candidate=table_of(toy, []), holdout=withheld, k=6)

    found, nothing = (scores("membership-inference", pair, length=4) for pair in (copy, empty))

    assert found["area under the curve"].value > 0.8
    assert found["advantage"].low > 0.2
    assert nothing["area under the curve"].value == 0.5
    assert nothing["advantage"].value == nothing["found at 1 % false alarms"].value == 0


def test_a_release_of_others_tells_members_from_none(toy):
    rng = np.random.default_rng(1)
    drawn = np.column_stack([*rng.integers(-1, 2, (3, 180)), *rng.integers(-1, 1, (4, 180))])
    one, other, withheld = (table_of(toy, drawn[part::3]) for part in range(3))
    apart = Pair(original=one, candidate=other, holdout=withheld, k=6)

    found = scores("membership-inference", apart, length=4)["area under the curve"]

    assert found.low < 0.5 < found.high


def test_without_a_holdout_nothing_is_attacked(halves):
    members, _ = halves
    for name in ("membership-inference", "attribute-inference-excess"):
        assert scores(name, Pair(original=members, candidate=members, k=3)) == {}


# ---- attribute inference


def test_what_a_copy_adds_is_what_it_tells_of_members_beyond_withheld_ones(toy):
    rows = [(n % 3, 0, n // 3 % 3, -1, -1, -1, 0 if n % 2 else -1) for n in range(36)]
    others = [(*row[:6], -1 if row[6] == 0 else 0) for row in rows]  # all the other way round
    members, withheld = table_of(toy, rows), table_of(toy, others)
    known = Scenario(known=("year", "gender", "ageBroad"), sensitive=("forced",))
    pair = Pair(original=members, candidate=members, holdout=withheld, k=3, scenario=known)

    found = scores("attribute-inference-excess", pair)

    right = 18  # in each class of known values half the rows hold the flag: one guess, half right
    assert found["forced, members"].value == wilson(right, 36).value
    assert found["forced, withheld"].value == wilson(36 - right, 36).value
    assert found["forced"].value == 0
    assert found["forced"].high > 0


def test_values_that_only_members_have_by_what_is_known_are_told_of_them_alone(toy):
    rows = [(n % 3, 0, -1, -1, -1, -1, 0 if n % 3 == 1 else -1) for n in range(60)]
    others = [(n % 3, 0, -1, -1, -1, -1, -1 if n % 3 == 1 else 0) for n in range(30)]
    members, withheld = table_of(toy, rows), table_of(toy, others)
    known = Scenario(known=("year", "gender"), sensitive=("forced",))
    pair = Pair(original=members, candidate=members, holdout=withheld, k=3, scenario=known)

    found = scores("attribute-inference-excess", pair)

    all_right, none_right = wilson(60, 60), wilson(0, 30)
    expected = excess(all_right, none_right)
    assert found["forced"].value == pytest.approx(expected.value)
    assert found["forced"].low == pytest.approx(expected.low)
    assert found["forced"].high <= 1
