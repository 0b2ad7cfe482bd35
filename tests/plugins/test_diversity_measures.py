"""l and t that a release reaches, and leakage as the showcase counts it: by hand, as published."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ctdc_measures import MEASURES
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.plugin import Context, Pair, Scenario, table_of_codes

BY_NAME = {measure.name: measure for measure in MEASURES}
KNOWN = Scenario(known=("year",), sensitive=("ageBroad",))
ROW = st.tuples(st.integers(0, 1), st.integers(-1, 2))


def table_of(codebook, rows):
    """A table of year and ageBroad, the rest missing."""
    codes = np.full((len(rows), len(codebook.columns)), -1, np.int16)
    codes[:, 0], codes[:, 2] = np.array(rows, np.int16).reshape(-1, 2).T
    return table_of_codes(codebook, codebook.columns, codes)


def scores(name, pair, **params):
    measure = BY_NAME[name]
    context = Context(rng=np.random.default_rng(0))
    return {
        score.slice: score.value
        for score in measure.compute(pair, measure.params(**params), context)
    }


@settings(max_examples=60, deadline=None)
@given(original=st.lists(ROW, min_size=1, max_size=20), released=st.lists(ROW, min_size=1))
def test_l_and_t_are_those_of_the_worst_class(toy, original, released):
    pair = Pair(
        original=table_of(toy, original), candidate=table_of(toy, released), k=3, scenario=KNOWN
    )
    distinct, entropy, closeness = [], [], []
    whole = Counter(age for _, age in original)
    for year in {year for year, _ in released}:
        held = Counter(age for one, age in released if one == year)
        shares = {age: count / held.total() for age, count in held.items()}
        distinct.append(len(held))
        entropy.append(np.exp(-sum(share * np.log(share) for share in shares.values())))
        apart = [abs(shares.get(age, 0) - whole[age] / len(original)) for age in range(-1, 3)]
        closeness.append(sum(apart) / 2)

    assert scores("l-achieved", pair) == {
        "ageBroad, distinct": min(distinct), "ageBroad, entropy": pytest.approx(min(entropy)),
    }  # fmt: skip
    assert scores("t-achieved", pair) == {"ageBroad": pytest.approx(max(closeness))}


def test_what_is_rare_in_both_leaves_out_what_became_frequent(toy):
    original, released = [(0, -1)] * 2 + [(1, -1)] * 2 + [(0, 1)] * 5, [(1, -1)] * 2 + [(0, 1)] * 9
    pair = Pair(original=table_of(toy, original), candidate=table_of(toy, released), k=6)

    # Held: both years, one age, one pair. Rare: year 1, the age and the pair; the latter two show
    # nine times.
    assert scores("rare-combination-leakage", pair, length=2) == {"length 1": 1, "length 2": 1}
    assert scores("rare-in-both", pair, length=2) == {
        "length 1": pytest.approx(1 / 3), "length 2": 0,
    }  # fmt: skip


def test_what_is_published_too_often_makes_up_for_no_loss(toy):
    original, released = [(0, -1)] * 4 + [(1, -1)] * 4, [(0, -1)] * 8
    pair = Pair(original=table_of(toy, original), candidate=table_of(toy, released), k=3)

    assert scores("combination-preservation", pair, length=1) == {"length 1": 0.5}
    assert scores("preservation-by-count", pair, length=1) == {"3 to 5": 0.5}
