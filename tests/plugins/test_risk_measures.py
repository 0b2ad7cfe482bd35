"""Measures of risk: by hand on small tables, and against what others published."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ctdc_measures import MEASURES
from ctdc_measures.bases import class_numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.language.load import load_codebook
from ctdc_framework.plugin import Context, Pair, Scenario, table_of_codes

BY_NAME = {measure.name: measure for measure in MEASURES}
ROW = st.tuples(*[st.integers(-1, 1)] * 3, *[st.integers(-1, 0)] * 4)
ROWS = st.lists(ROW, max_size=25)
KNOWN = ("year", "gender")


def table_of(codebook, rows):
    columns = codebook.columns
    return table_of_codes(
        codebook, columns, np.array(rows, np.int16).reshape(len(rows), len(columns))
    )


def scores(name, pair, **params):
    measure = BY_NAME[name]
    context = Context(rng=np.random.default_rng(0))
    found = list(measure.compute(pair, measure.params(**params), context))
    assert len({score.slice for score in found}) == len(found)
    return {score.slice: score.value for score in found}


def held(row, length):
    values = [(column, code) for column, code in enumerate(row) if code >= 0]
    return [c for size in range(1, length + 1) for c in itertools.combinations(values, size)]


@settings(max_examples=100, deadline=None)
@given(original=ROWS, candidate=ROWS, k=st.integers(2, 5))
def test_unsafe_records_are_those_found_row_by_row(toy, original, candidate, k):
    pair = Pair(original=table_of(toy, original), candidate=table_of(toy, candidate), k=k)
    support = Counter(c for row in original for c in held(row, 3))

    expected = {
        f"length {length}": pytest.approx(
            np.mean([any(0 < support[c] < k for c in held(row, length)) for row in candidate])
        )
        for length in (1, 2, 3)
        if candidate
    }
    assert scores("unsafe-records", pair, length=3) == expected


def test_unsafe_records_are_the_same_in_any_number_of_batches(toy, monkeypatch):
    from ctdc_measures import leakage

    rows = np.random.default_rng(4).integers(-1, 1, (150, 7))
    table = table_of(toy, rows)
    pair = Pair(original=table, candidate=table, k=38)
    whole = scores("unsafe-records", pair)

    monkeypatch.setattr(leakage, "_BATCH", 1)
    assert scores("unsafe-records", pair) == whole
    assert 0 < whole["length 2"] < 1


@settings(max_examples=100, deadline=None)
@given(original=ROWS, candidate=ROWS)
def test_fabricated_combinations_are_shown_and_held_by_nobody(toy, original, candidate):
    pair = Pair(original=table_of(toy, original), candidate=table_of(toy, candidate), k=3)
    true, shown = ({c for row in rows for c in held(row, 3)} for rows in (original, candidate))

    expected = {}
    for length in (1, 2, 3):
        own = {c for c in shown if len(c) == length}
        if own:
            expected[f"length {length}"] = pytest.approx(len(own - true) / len(own))
    assert scores("fabricated-combinations", pair) == expected


@settings(max_examples=100, deadline=None)
@given(original=ROWS, candidate=ROWS, k=st.integers(2, 5))
def test_risks_of_identity_are_those_of_classes_counted_by_hand(toy, original, candidate, k):
    pair = Pair(
        original=table_of(toy, original),
        candidate=table_of(toy, candidate),
        k=k,
        scenario=Scenario(known=KNOWN),
    )
    unique = [row for row, n in Counter(original).items() if n == 1]
    one, other = (Counter(row[:2] for row in rows) for rows in (original, candidate))

    copied = sum(row in candidate for row in unique)
    matches = {"all": pytest.approx(copied / len(unique))} if unique else {}
    assert scores("unique-exact-matches", pair) == matches
    both = sum(n == 1 and other[key] == 1 for key, n in one.items())
    replicated = {"all": pytest.approx(both / len(original))} if original else {}
    assert scores("replicated-uniques", pair) == replicated
    if not candidate:
        assert scores("k-achieved", pair) == scores("marketer-risk", pair) == {}
        return
    least = min(other.values())
    assert scores("k-achieved", pair) == {"all": least}
    assert scores("prosecutor-risk", pair) == {
        "highest": pytest.approx(1 / least),
        "rows above 1/k": pytest.approx(np.mean([1 / other[row[:2]] > 1 / k for row in candidate])),
    }
    mean = np.mean([1 / max(one[row[:2]], other[row[:2]]) for row in candidate])
    assert scores("marketer-risk", pair) == {"all": pytest.approx(mean)}


def test_without_a_scenario_the_quasi_identifiers_are_known(toy):
    quasi = tuple(name for name, one in toy.variables.items() if one.is_quasi)
    rows = np.random.default_rng(1).integers(-1, 1, (30, 7))
    table = table_of(toy, rows)
    left_out = Pair(original=table, candidate=table, k=3)
    stated = Pair(original=table, candidate=table, k=3, scenario=Scenario(known=quasi))

    assert quasi
    assert left_out.known == stated.known == table.column_numbers(quasi)
    assert scores("k-achieved", left_out) == scores("k-achieved", stated)


def test_a_copy_replicates_every_unique(toy):
    table = table_of(toy, [(0,) * 7, (0,) * 7, (1, 1, 0, 0, 0, 0, 0), (-1,) * 7])
    pair = Pair(original=table, candidate=table, k=3, scenario=Scenario(known=KNOWN))

    assert scores("unique-exact-matches", pair) == {"all": 1}
    assert scores("replicated-uniques", pair) == {"all": 0.5}
    assert scores("marketer-risk", pair) == {"all": 0.75}


def test_classes_of_many_wide_columns_are_those_of_whole_rows():
    rng = np.random.default_rng(3)
    codes = rng.integers(-1, 32767, (60, 40)).astype(np.int16)  # beyond 64 bits, unless renumbered
    codes = codes[rng.integers(0, 60, 200)]

    numbers = class_numbers(codes)

    _, expected = np.unique(codes, axis=0, return_inverse=True)
    assert len(set(zip(numbers.tolist(), expected.tolist(), strict=True))) == len(set(expected))
    assert sorted(set(numbers.tolist())) == list(range(len(set(expected))))


def attacked_by_hand(original, candidate, column):
    """Found, disclosed, guessed, mode and marginal guess, as shares of the original records."""
    shown = {}
    for row in candidate:
        shown.setdefault(row[:2], []).append(row[column])
    marginal = Counter(row[column] for row in candidate)

    def mode(values):
        return min(values, key=lambda value: (-values[value], value))

    found = disclosed = guessed = 0
    for row in original:
        values = Counter(shown.get(row[:2], ()))
        found += bool(values)
        disclosed += set(values) == {row[column]} and row[column] >= 0
        guessed += mode(values or marginal) == row[column]
    true = Counter(row[column] for row in original)
    drawn = sum(true[value] * n for value, n in marginal.items()) / len(candidate)
    return [n / len(original) for n in (found, disclosed, guessed, true[mode(marginal)], drawn)]


@settings(max_examples=100, deadline=None)
@given(original=ROWS.filter(bool), candidate=ROWS.filter(bool))
def test_attacks_are_those_made_record_by_record(toy, original, candidate):
    pair = Pair(
        original=table_of(toy, original),
        candidate=table_of(toy, candidate),
        k=3,
        scenario=Scenario(known=KNOWN, sensitive=("forced", "ageBroad")),
    )
    disclosure, inference = {}, {}
    for column in (2, 6):
        name = toy.columns[column].name
        found, disclosed, *guesses = attacked_by_hand(original, candidate, column)
        assert scores("known-values-found", pair) == {"all": pytest.approx(found)}
        disclosure[name] = pytest.approx(disclosed)
        words = (name, f"{name}, mode guess", f"{name}, marginal guess")
        inference |= {word: pytest.approx(n) for word, n in zip(words, guesses, strict=True)}

    assert scores("attribute-disclosure", pair) == disclosure
    assert scores("attribute-inference", pair) == inference


def test_a_release_in_which_known_values_tell_the_sensitive_one_is_disclosive(toy):
    rng = np.random.default_rng(6)
    rows = rng.integers(0, 2, (300, 7))
    rows[:, 2:6] = -1
    rows[:, 6] = np.where(rows[:, 0] == rows[:, 1], 0, -1)
    shuffled = rows.copy()
    shuffled[:, 6] = rng.permutation(rows[:, 6])
    scenario = Scenario(known=KNOWN, sensitive=("forced",))

    def measured(name, candidate):
        pair = Pair(
            original=table_of(toy, rows), candidate=table_of(toy, candidate), k=3, scenario=scenario
        )
        return scores(name, pair)

    assert measured("attribute-disclosure", rows)["forced"] == np.mean(rows[:, 6] == 0)
    assert measured("attribute-disclosure", shuffled)["forced"] == 0
    assert measured("attribute-inference", rows)["forced"] == 1
    constant = rows.copy()
    constant[:, 6] = 0  # it tells of nobody more than of another
    told = measured("attribute-inference", constant)
    assert told["forced"] == told["forced, mode guess"] == told["forced, marginal guess"] < 0.6


# The Polish survey SD2011, as synthpop ships it. Its vignette on measures of disclosure gives, for
# four keys: 48.38 % unique records, 53.3 % disclosive of `depress`; the classes were counted here.
KEYS = ["sex", "age", "region", "placesize"]


@pytest.fixture
def survey(shared, file_of):
    frame = pd.read_csv(Path(shared) / "data" / "sd2011.csv.gz", dtype=str)
    frame = frame[[*KEYS, "depress"]].fillna("no answer")  # which synthpop takes for a value
    toml = [
        '[codebook]\ndsl = 1\nid = "survey"\ntitle = "Survey"\nversion = "1.0.0"\n'
        "[privacy]\nk = 3\nround_to = 3\n"
    ]
    for name, values in frame.items():
        codes = ", ".join(f'{{ code = "{value}" }}' for value in sorted(set(values)))
        role = "sensitive" if name == "depress" else "quasi"
        toml.append(
            f'[domains.d-{name}]\nkind = "enum"\nvalues = [{codes}]\n[variables.{name}]\n'
            f'domain = "d-{name}"\nrole = ["{role}"]\ndefinition = "As asked."\n'
        )
    codebook = load_codebook(file_of("\n".join(toml)))
    codes = [
        pd.Categorical(frame[column.name], categories=list(column.codes)).codes
        for column in codebook.columns
    ]
    return table_of_codes(codebook, codebook.columns, np.column_stack(codes).astype(np.int16))


@pytest.mark.shared_data
def test_risks_of_a_survey_are_those_that_synthpop_publishes(survey):
    pair = Pair(original=survey, candidate=survey, k=3)

    assert len(survey) == 5000
    assert scores("replicated-uniques", pair) == {"all": 0.4838}
    assert scores("attribute-disclosure", pair)["depress"] == pytest.approx(0.533, abs=5e-5)
    assert scores("known-values-found", pair) == {"all": 1}
    assert scores("k-achieved", pair) == {"all": 1}
    assert scores("marketer-risk", pair) == {"all": 3459 / 5000}
    assert scores("prosecutor-risk", pair)["rows above 1/k"] == 3805 / 5000
    guess = scores("attribute-inference", pair)["depress, marginal guess"]
    assert guess == pytest.approx(0.09808648)


@pytest.mark.shared_data
def test_fewer_records_are_named_in_a_sample_than_in_all_of_it(survey):
    part = survey.with_codes(survey.codes[::10])

    whole, tenth = (
        scores("marketer-risk", Pair(original=survey, candidate=one, k=3))["all"]
        for one in (survey, part)
    )
    assert tenth == pytest.approx(whole, abs=0.03)
