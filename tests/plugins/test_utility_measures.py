"""Measures of utility: by hand on small tables, and against what others published."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from attrs import evolve
from ctdc_measures import MEASURES
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.plugin import Context, Pair, Public, Scenario, table_of_codes

BY_NAME = {measure.name: measure for measure in MEASURES}
ROW = st.tuples(*[st.integers(-1, 1)] * 3, *[st.integers(-1, 0)] * 4)
ROWS = st.lists(ROW, max_size=25)
FULL = st.lists(ROW, min_size=1, max_size=25)
PAIRS = list(itertools.combinations(range(7), 2))


def table_of(codebook, rows):
    columns = codebook.columns
    return table_of_codes(
        codebook, columns, np.array(rows, np.int16).reshape(len(rows), len(columns))
    )


def pair_of(codebook, original, candidate, k=3):
    return Pair(original=table_of(codebook, original), candidate=table_of(codebook, candidate), k=k)


def scores(name, pair, **params):
    measure = BY_NAME[name]
    context = Context(rng=np.random.default_rng(0))
    found = list(measure.compute(pair, measure.params(**params), context))
    assert len({score.slice for score in found}) == len(found)
    return {score.slice: score.value for score in found}


def shares(rows, columns):
    return Counter(
        {
            key: n / len(rows)
            for key, n in Counter(tuple(r[c] for c in columns) for r in rows).items()
        }
    )


def distance(one, other):
    return sum(abs(one[key] - other[key]) for key in one.keys() | other.keys()) / 2


@settings(max_examples=60, deadline=None)
@given(original=FULL, candidate=FULL)
def test_distances_of_pairs_are_those_of_their_tables_missing_as_a_value(toy, original, candidate):
    pair = pair_of(toy, original, candidate)
    by_hand = [distance(shares(original, both), shares(candidate, both)) for both in PAIRS]
    chance = [
        sum(np.sqrt(2 / np.pi * p * (1 - p)) for p in shares(original, both).values()) / 2
        for both in PAIRS
    ]

    found = scores("pair-distance", pair)
    assert found == pytest.approx({
        "mean": np.mean(by_hand),
        "95th percentile": np.quantile(by_hand, 0.95),
        "largest": max(by_hand),
        "mean by chance": np.mean(chance) * np.sqrt(1 / len(original) + 1 / len(candidate)),
    })  # fmt: skip
    likeness = scores("k-marginal", pair)["all"]
    assert likeness == pytest.approx(1000 * (1 - np.mean(by_hand)))


def cramers_v(table):
    """Bergsma's correction of chi-squared by its definition; NaN where one does not vary."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (r, c) = table.sum(), table.shape
    if n < 2 or min(r, c) < 2:
        return np.nan
    by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = ((table - by_chance) ** 2 / by_chance).sum() / n
    phi = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1))
    return min(1.0, np.sqrt(phi / (least - 1))) if least > 1 + 1e-12 else np.nan


def treated(rows, treatment):
    if treatment == "presence":
        return [tuple(min(code, 0) for code in row) for row in rows]
    return rows


def table_by_hand(rows, one, other, treatment):
    table = np.zeros((4, 4))
    for row in treated(rows, treatment):
        if treatment != "left-out" or (row[one] >= 0 and row[other] >= 0):
            table[row[one], row[other]] += 1
    return table


@settings(max_examples=60, deadline=None)
@given(original=FULL, candidate=FULL, treatment=st.sampled_from(["value", "left-out", "presence"]))
def test_association_errors_are_those_of_bergsmas_v(toy, original, candidate, treatment):
    both = [
        np.array([cramers_v(table_by_hand(rows, *pair, treatment)) for pair in PAIRS])
        for rows in (original, candidate)
    ]
    defined = ~(np.isnan(both[0]) & np.isnan(both[1]))
    wrong = abs(np.nan_to_num(both[0]) - np.nan_to_num(both[1]))[defined]

    found = scores("association-error", pair_of(toy, original, candidate), missing=treatment)

    if not len(wrong):
        assert found == {}
        return
    assert found == pytest.approx({
        "mean": wrong.mean(),
        "95th percentile": np.quantile(wrong, 0.95),
        "largest": wrong.max(),
    }, abs=1e-7)  # fmt: skip


def test_a_shuffle_loses_the_association_that_a_sample_keeps(toy):
    rng = np.random.default_rng(5)
    year = rng.integers(0, 3, 3000)
    original = np.column_stack([year, year % 2, *[np.where(rng.random(3000) < 0.4, 0, -1)] * 5])
    shuffled = np.column_stack([rng.permutation(column) for column in original.T])
    sample = original[rng.permutation(3000)[:1500]]

    lost = scores("association-error", pair_of(toy, original, shuffled))
    kept = scores("association-error", pair_of(toy, original, sample))

    assert lost["largest"] > 0.9
    assert kept["largest"] < 0.05
    by_chance = scores("pair-distance", pair_of(toy, original, sample))
    assert by_chance["mean"] < by_chance["mean by chance"]
    far = scores("pair-distance", pair_of(toy, original, shuffled))
    assert far["mean"] > 3 * far["mean by chance"]


# Counts that SDNist published of a k-anonymised (k = 6) and of an AIM release of ACS data.
MSP = [4247, 9152, 700, 1387, 2357, 449, 8961]


@pytest.mark.parametrize(
    ("target", "released", "expected"),
    [
        ([13223, 14030], [9063, 9657], 0.0010596751522062575),
        (MSP, [4121, 6879, 18, 392, 956, 20, 6334], 0.1055014056321252),
        (MSP, [4266, 9178, 659, 1398, 2359, 445, 8948], 0.0021282060690566047),
    ],
)
def test_distances_of_published_counts_are_known(toy, target, released, expected):
    # A variable of up to nine values is told by a pair: three years by two genders or none.
    rows = np.full((9, 7), -1)
    rows[:, 0], rows[:, 1] = np.arange(9) % 3, np.arange(9) // 3 - 1
    both = [np.repeat(rows[: len(counts)], counts, axis=0) for counts in (target, released)]

    found = scores("pair-distance", pair_of(toy, *both))

    assert found["largest"] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(original=ROWS, candidate=ROWS)
def test_what_is_suppressed_is_counted_by_variable(toy, original, candidate):
    pair = pair_of(toy, original, candidate)
    one, other = (
        [sum(row[c] >= 0 for row in rows) for c in range(7)] for rows in (original, candidate)
    )
    variables = [column.variable for column in toy.columns]

    kept = sum(map(min, one, other)) / sum(one) if any(one) else None
    assert scores("cells-kept", pair).get("all") == (None if kept is None else pytest.approx(kept))
    gone, total = Counter(), Counter()
    for variable, n, m in zip(variables, one, other, strict=True):
        total[variable] += n
        gone[variable] += max(0, n - m)
    assert scores("variable-suppression", pair) == {
        name: pytest.approx(gone[name] / total[name]) for name in total if total[name]
    }


def test_more_synthetic_rows_make_up_for_no_value_that_is_lost(toy):
    original = [(0, 1, -1, 0, -1, -1, -1)] * 10
    candidate = [(0, 1, -1, -1, -1, -1, -1)] * 30
    pair = pair_of(toy, original, candidate)

    assert scores("rows-released", pair) == {"all": 3}
    assert BY_NAME["rows-released"].better.words == "neither way is better"
    assert scores("cells-kept", pair) == {"all": pytest.approx(2 / 3)}


def test_a_share_whose_numerator_everybody_can_count_is_not_public():
    """Of 1,000 released rows, 200 % tells of 499 to 501 records, and not of 490 to 509."""
    assert BY_NAME["rows-released"].public is Public.NONE


@settings(max_examples=60, deadline=None)
@given(original=FULL, candidate=FULL)
def test_the_shift_of_missing_values_is_that_counted_by_hand(toy, original, candidate):
    both = [[tuple(code < 0 for code in row) for row in rows] for rows in (original, candidate)]
    rates = [np.mean(rows, axis=0) for rows in both]
    patterns = [shares(rows, range(7)) for rows in both]

    assert scores("missing-shift", pair_of(toy, original, candidate)) == pytest.approx({
        "mean": abs(rates[0] - rates[1]).mean(),
        "largest": abs(rates[0] - rates[1]).max(),
        "patterns": distance(*patterns),
    })  # fmt: skip


def test_preservation_is_told_by_how_many_records_hold_a_combination(toy):
    rare, few, many = [(0, -1, -1, -1, -1, -1, -1)], [(1,) + (-1,) * 6], [(2,) + (-1,) * 6]
    original, candidate = rare * 2 + few * 5 + many * 400, rare * 2 + few * 4 + many * 100
    pair = pair_of(toy, original, candidate, k=3)

    assert scores("preservation-by-count", pair, length=1) == {
        "3 to 5": pytest.approx(0.8), "192 and more": 0.25,
    }  # fmt: skip
    assert scores("preservation-by-count", pair, length=2) == {}


def test_a_release_without_rows_has_no_likeness_and_is_no_failure(toy):
    pair = pair_of(toy, [(0,) * 7] * 3, [])

    for name in ("k-marginal", "pair-distance", "association-error", "missing-shift"):
        assert scores(name, pair) == {}
    assert scores("cells-kept", pair) == {"all": 0}


GROUPS = Scenario(groups=("gender",))


def by_group(rows, length):
    return Counter(
        chosen
        for row in rows
        for chosen in itertools.combinations([(c, v) for c, v in enumerate(row) if v >= 0], length)
    )


@settings(max_examples=60, deadline=None)
@given(original=ROWS, candidate=ROWS)
def test_groups_are_told_apart_by_their_size(toy, original, candidate):
    k = 2
    pair = evolve(pair_of(toy, original, candidate, k=k), scenario=GROUPS)
    true, shown = by_group(original, 2), by_group(candidate, 2)
    errors, lost = ({"groups": [], "small groups": []} for _ in range(2))
    for group in (0, 1):
        n, m = (sum(row[1] == group for row in rows) for rows in (original, candidate))
        words = "small groups" if n < 5 * k else "groups"
        own = [pair for pair in true if (1, group) in pair and true[pair] >= k]
        if own:
            wrong = sum(abs(shown[one] - true[one]) for one in own)
            errors[words].append(wrong / sum(true[one] for one in own))
        if n:
            lost[words].append(max(0, 1 - m / n))

    for name, figures in (("group-error", errors), ("group-suppression", lost)):
        expected = {}
        for words, values in figures.items():
            if values:
                expected[f"gender, {words}, median"] = pytest.approx(np.median(values))
                expected[f"gender, {words}, worst"] = pytest.approx(max(values))
        assert scores(name, pair) == expected


def test_groups_left_out_are_what_is_known(toy):
    pair = pair_of(toy, [(0,) * 7] * 5, [(0,) * 7] * 5)
    known = evolve(pair, scenario=Scenario(known=("year",)))

    assert {one.split(",")[0] for one in scores("group-error", known)} == {"year"}
    quasi = {name for name, one in toy.variables.items() if one.is_quasi}
    assert {one.split(",")[0] for one in scores("group-suppression", pair)} == quasi


# ---- which counts are wrong, and how far


@settings(max_examples=60, deadline=None)
@given(original=FULL, candidate=ROWS)
def test_the_errors_by_count_together_are_the_error_of_all(toy, original, candidate):
    pair = pair_of(toy, original, candidate, k=2)
    found = pair.combinations(2)
    whole = scores("combination-error", pair, length=2)

    cells = scores("error-by-count", pair, length=2)

    for length in (1, 2):
        counts = found.of_length(length).counts[:, 0]
        wrong, total = 0.0, 0
        for bucket, words in enumerate(("2 to 3", "4 to 7", "8 to 15", "16 to 31", "32 and more")):
            least, end = 2 << bucket, (4 << bucket) if bucket < 4 else 10**9
            held = counts[(counts >= least) & (counts < end)].sum()
            assert (f"length {length}, {words}" in cells) == (held > 0)
            wrong += cells.get(f"length {length}, {words}", 0.0) * held
            total += held
        if total:
            assert wrong / total == pytest.approx(whole[f"length {length}"])


def test_a_count_is_nearly_right_within_k_or_ten_per_cent_or_wrong(toy):
    original = [[0, -1, -1, -1, -1, -1, -1]] * 40 + [[1, -1, -1, -1, -1, -1, -1]] * 40
    original += [[-1, 0, -1, -1, -1, -1, -1]] * 40
    candidate = original[:38] + original[40:76] + original[80:115]  # 2, 4 and 5 fewer
    pair = pair_of(toy, original, candidate, k=3)

    assert scores("error-classes", pair, length=1) == pytest.approx(
        {
            "length 1, within k": 1 / 3,
            "length 1, within 10 %": 1 / 3,
            "length 1, beyond": 1 / 3,
        }
    )
    measure = BY_NAME["error-classes"]
    context = Context(rng=np.random.default_rng(0))
    told = list(measure.compute(pair, measure.params(length=1), context))
    assert [score.of for score in told] == [None] * 3, "one of k = 3 would follow from the others"


def test_the_worst_counts_are_named_and_no_more_than_twenty(toy):
    original = [[0, 1, -1, 0, -1, -1, -1]] * 9 + [[1, 1, -1, -1, -1, -1, -1]] * 5
    pair = pair_of(toy, original, original[:8], k=3)
    measure = BY_NAME["worst-counts"]
    context = Context(rng=np.random.default_rng(0))

    single, pairs = measure.compute(pair, measure.params(length=2), context)

    assert (single.slice, single.value, pairs.value) == ("length 1", 6, 5)
    assert single.names[0].endswith(": 14 in the original, 8 published")
    assert len(single.names) == 4
    assert all("Debt" not in name or "9 in the original, 8" in name for name in pairs.names)


@settings(max_examples=40, deadline=None)
@given(original=FULL, candidate=FULL)
def test_a_variables_distances_average_to_those_of_all_pairs(toy, original, candidate):
    pair = pair_of(toy, original, candidate)
    of_pairs, found = scores("pair-distance", pair), scores("variable-distance", pair)

    for words, mean in (("", "mean"), (", by chance", "mean by chance")):
        own = [found[f"{column.name}{words}"] for column in toy.columns]
        assert np.mean(own) == pytest.approx(of_pairs[mean])
