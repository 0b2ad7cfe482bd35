"""Propensity: by hand on small tables, by every split of a few rows, and what chance alone does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ctdc_measures import MEASURES
from ctdc_measures.propensity import RIDGE, Model, held_together, telling_pairs, values_held
from scipy.stats import chi2_contingency

from ctdc_framework.plugin import Context, Pair, Shape, table_of_codes

MEASURE = {measure.name: measure for measure in MEASURES}["propensity"]
VALUES, PAIRS = "single values", "single values and pairs"


def pair_of(codebook, original, candidate):
    both = [
        table_of_codes(codebook, codebook.columns, np.array(rows, np.int16).reshape(-1, 7))
        for rows in (original, candidate)
    ]
    return Pair(original=both[0], candidate=both[1], k=3)


def scores(pair, seed=0, **params):
    context = Context(rng=np.random.default_rng(seed))
    found = MEASURE.compute(pair, MEASURE.params(**params), context)
    return {score.slice: score.value for score in found}


def rows_of(rng, number):
    """Records of seven columns, of which the second follows the first."""
    year = rng.integers(-1, 3, number)
    flags = [np.where(rng.random(number) < 0.4, 0, -1) for _ in range(4)]
    return np.column_stack([year, year % 2, rng.integers(-1, 3, number), *flags])


def model_of(codes, counts, share):
    matrix, _ = values_held(np.array(codes, np.int16))
    counts = np.array(counts, float)
    return Model.of(matrix, counts, held_together(matrix, counts), share)


def test_of_one_variable_it_is_chi_squared_by_its_degrees_of_freedom(toy):
    """A saturated model's guesses are each value's share of released rows: pMSE is chi-squared."""
    held = np.array([[3000, 3100], [4000, 3700], [2000, 2250], [1000, 950]])
    years = [np.repeat([0, 1, 2, -1], side) for side in held.T]
    rows = [np.column_stack([year, *[np.full(len(year), -1)] * 6]) for year in years]
    chi2 = chi2_contingency(held).statistic
    n = held.sum()

    found = scores(pair_of(toy, *rows))

    assert found == {VALUES: pytest.approx(chi2 / 3 * (n - 1) / n, rel=0.01)}


FEW = [[0, 1], [0, 0], [1, -1], [1, 1], [2, 0], [2, -1], [0, -1], [1, 0]]


def test_the_expectation_is_the_mean_over_all_splits():
    model = model_of(FEW, [1] * 8, 3 / 8)
    splits = [np.isin(range(8), chosen) * 1.0 for chosen in itertools.combinations(range(8), 3)]

    assert model.expected() == pytest.approx(np.mean([model.linear(one) for one in splits]))


def test_the_fit_is_that_of_newtons_steps_on_every_row():
    counts, released = np.array([3, 1, 4, 2, 2, 5, 1, 2]), np.array([1, 1, 0, 2, 1, 4, 0, 0])
    share = released.sum() / counts.sum()
    each = np.repeat(np.arange(8), counts)
    is_released = np.concatenate([np.arange(n) < m for n, m in zip(counts, released, strict=True)])
    items = [(column, value) for column in (0, 1) for value in (-1, 0, 1, 2)]
    one_hot = np.array([[FEW[row][c] == v for c, v in items] for row in each], float)
    design = np.column_stack([np.ones(len(each)), one_hot - one_hot.mean(axis=0)])
    ridge = RIDGE * np.diag([0] + [1] * len(items))
    at = np.zeros(design.shape[1])
    for _ in range(30):
        guess = 1 / (1 + np.exp(-design @ at))
        bent = (design * (guess * (1 - guess))[:, None]).T @ design + ridge
        at -= np.linalg.solve(bent, design.T @ (guess - is_released) + ridge @ at)

    found = model_of(FEW, counts, share).logistic(released.astype(float))

    assert found == pytest.approx(((guess - share) ** 2).mean(), rel=1e-3)


def test_of_two_variables_the_pair_of_values_furthest_from_independence_is_taken():
    codes = np.array(
        [[0, 0, 0]] * 6 + [[0, 1, 1]] * 2 + [[1, 1, 0]] * 6 + [[2, 1, 1]] * 6, np.int16
    )
    matrix, columns = values_held(codes)
    together = held_together(matrix, np.ones(20))

    one, other = telling_pairs(together, columns, 20.0, 9)

    by_hand = {}
    for (a, va), (b, vb) in itertools.combinations(itertools.product(range(3), range(3)), 2):
        both = (codes[:, a] == va) & (codes[:, b] == vb)
        far = abs(20 * both.sum() - (codes[:, a] == va).sum() * (codes[:, b] == vb).sum())
        if a != b and far > by_hand.get((a, b), (0, None))[0]:
            by_hand[a, b] = (far, (va, vb))
    assert len(one) == len(by_hand) == 3
    held = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 1)]
    for first, second in zip(one, other, strict=True):
        (a, va), (b, vb) = held[first], held[second]
        assert by_hand[a, b][1] == (va, vb)
    assert len(telling_pairs(together, columns, 20.0, 1)[0]) == 1


@pytest.mark.parametrize("sizes", [(300, 300), (450, 150)], ids=["as-many", "fewer"])
def test_two_samples_are_as_alike_as_chance(toy, sizes):
    rng = np.random.default_rng(4)
    found = []
    for seed in range(20):
        rows = rows_of(rng, sum(sizes))
        pair = pair_of(toy, rows[: sizes[0]], rows[sizes[0] :])
        found.append(list(scores(pair, seed).values()))

    assert np.mean(found, axis=0) == pytest.approx([1, 1], abs=0.25)


def test_pairs_tell_independent_columns_that_single_values_cannot(toy):
    rng = np.random.default_rng(5)
    rows = rows_of(rng, 2000)
    shuffled = np.column_stack([rng.permutation(column) for column in rows.T])

    found = scores(pair_of(toy, rows, shuffled))

    assert found[VALUES] == pytest.approx(0, abs=0.001)
    assert found[PAIRS] > 10
    assert scores(pair_of(toy, rows, rows)) == {VALUES: 0, PAIRS: 0}


def test_missing_values_are_seen(toy):
    rows = rows_of(np.random.default_rng(6), 1000)
    blanked = np.where(np.arange(1000)[:, None] % 5 == 0, -1, rows)

    assert scores(pair_of(toy, rows, blanked))[VALUES] > 5


@pytest.mark.parametrize("most", [100, 10_000], ids=["drawn", "all"])
def test_the_order_of_rows_plays_no_part(toy, most):
    rng = np.random.default_rng(7)
    rows, other = rows_of(rng, 400), rows_of(rng, 300)
    mixed = [side[rng.permutation(len(side))] for side in (rows, other)]

    assert scores(pair_of(toy, rows, other), rows=most) == scores(pair_of(toy, *mixed), rows=most)


def test_where_no_row_differs_from_another_there_is_no_score(toy):
    same = [[0, 1, -1, 0, -1, -1, -1]]

    assert scores(pair_of(toy, same * 30, same * 20)) == {}
    assert scores(pair_of(toy, same * 30, [])) == {}


def test_it_applies_to_records_alone_and_nothing_of_it_is_public():
    assert MEASURE.shapes == {Shape.RECORDS}
    assert MEASURE.public.value == "none"
    assert MEASURE.better.words == "lower is better"
