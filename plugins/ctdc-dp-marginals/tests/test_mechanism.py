"""What makes the tables private: how much a record can change, what is counted, what is drawn."""

import math
from itertools import product

import numpy as np
import pytest
from ctdc_dp_marginals import DP_MARGINALS, DpMarginals, noise
from ctdc_dp_marginals.marginals import cell_count, cells, column_sets, exact_counts, set_count
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.plugin import Context
from ctdc_framework.testing import sample_codebook, sample_records

SIZES = [2, 3, 1, 2]
RECORDS = st.lists(st.tuples(*(st.integers(-1, size - 1) for size in SIZES)), max_size=12)


def every_count(records, length):
    codes = np.array(records, dtype=np.int16).reshape(-1, len(SIZES))
    sets = column_sets(len(SIZES), length)
    return np.concatenate([exact_counts(codes, SIZES, chosen) for chosen in sets])


@given(RECORDS, st.tuples(*(st.integers(-1, size - 1) for size in SIZES)), st.integers(1, 4))
def test_one_record_changes_all_tables_by_no_more_than_the_root_of_their_number(
    records, one, length
):
    change = every_count([*records, one], length) - every_count(records, length)

    reach = math.sqrt(set_count(len(SIZES), length))
    assert np.linalg.norm(change) <= reach + 1e-12
    if min(one) >= 0:
        assert np.linalg.norm(change) == pytest.approx(reach)


@given(RECORDS, st.integers(1, 3))
def test_counts_are_those_that_one_would_count_by_hand(records, length):
    codes = np.array(records, dtype=np.int16).reshape(-1, len(SIZES))
    total = 0
    for chosen in column_sets(len(SIZES), length):
        counts = exact_counts(codes, SIZES, chosen)
        values = cells(SIZES, chosen, np.arange(len(counts)))
        assert list(map(tuple, values)) == list(product(*(range(SIZES[c]) for c in chosen)))
        for value, count in zip(values, counts, strict=True):
            held = [all(row[c] == v for c, v in zip(chosen, value, strict=True)) for row in records]
            assert count == sum(held)
        total += len(counts)
    assert total == cell_count(SIZES, length)


@pytest.mark.parametrize(("sets", "epsilon", "delta"), [(1, 1.0, 1e-6), (37, 0.5, 1e-9)])
def test_the_noise_is_no_less_than_theory_asks(sets, epsilon, delta):
    """Bun and Steinke 2016, proposition 1.3, is an upper bound; OpenDP's is somewhat tighter."""
    rho = noise.rho_of(sets, noise.scale_for(sets, epsilon, delta))

    bound = rho + 2 * math.sqrt(rho * math.log(1 / delta))
    assert epsilon <= bound <= 1.3 * epsilon
    assert noise.epsilon_of(rho, delta) == pytest.approx(epsilon, rel=1e-6)


def test_the_noise_has_the_scale_that_is_told():
    drawn = noise.noisy(np.full(20_000, 7), 5.0)

    assert abs(drawn.mean() - 7) < 0.25  # seven standard errors
    assert abs(drawn.std() - 5.0) < 0.2
    assert drawn.dtype == np.int64


def run(name="usual records", **params):
    table = sample_records(sample_codebook(), name)
    context = Context(rng=np.random.default_rng(1))
    return DP_MARGINALS.run(table, DpMarginals(**params), context)


def test_a_value_that_nobody_holds_is_counted_with_noise_like_any_other():
    """Whether a cell is shown must not tell whether somebody is in it."""
    shown = run("no record", length=1, shown_from=1).table

    values = set(shown.frame["citizenship"].dropna())
    assert 50 < len(values) < 200  # about half of 249, of which none is held
    assert len(shown) == 1 + shown.frame.drop(columns="count").notna().any(axis=1).sum()


def test_the_number_of_records_is_noisy_too_and_always_shown():
    totals = {int(run("one large group", epsilon=0.1).table.counts[0]) for _ in range(5)}

    assert len(totals) > 1


def test_counts_below_the_threshold_are_left_out_by_the_noisy_count_alone():
    output = run(length=2, shown_from=40)

    assert output.table.counts[1:].min() >= 40
    assert output.table.counted is None, "a later stage would see the records"


def test_a_smaller_epsilon_draws_more_noise():
    scales = [run(epsilon=epsilon).details["scale"] for epsilon in (0.5, 1.0, 2.0)]

    assert scales == sorted(scales, reverse=True)


def test_the_details_hold_nothing_of_the_records():
    assert run("no record").details == run("usual records").details


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"columns": ("gendre",)}, "no variable of sample"),
        ({"columns": ("gender", "gender")}, "stands twice"),
        ({"columns": ("citizenship", "year", "ageBroad", "gender", "means"), "length": 4}, ""),
    ],
)
def test_what_cannot_be_counted_is_told_before_any_data_are_read(params, words):
    told = [
        fault.message for fault in DP_MARGINALS.faults(sample_codebook(), DpMarginals(**params))
    ]

    assert bool(told) is bool(words)
    assert all(words in message for message in told)


def test_too_many_cells_are_refused_from_the_codebook_alone(monkeypatch):
    monkeypatch.setattr("ctdc_dp_marginals.strategy.MOST_CELLS", 100)

    (fault,) = DP_MARGINALS.faults(sample_codebook(), DpMarginals())
    assert "cells, more than 100" in fault.message
