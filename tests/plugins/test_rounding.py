"""tabulate against itertools, and rounding against published and derived facts."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import numpy as np
import pytest
from ctdc_rounding import ROUNDING, TABULATE, Rounding, Tabulate, round_counts, tabulate
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.plans.plan import bind_params
from ctdc_framework.plugin import (
    Context,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    Shape,
    Threshold,
    table_of_codes,
)
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.toml.convert import Faults, structure

ROW = st.tuples(
    st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 2),
    *[st.integers(-1, 0)] * 4,
)  # fmt: skip


def context():
    return Context(rng=np.random.default_rng(0))


def table_of(codebook, rows):
    """A table of the toy codebook: (year, gender, ageBroad, Debt, Threats, Violence, forced)."""
    columns = codebook.columns
    codes = np.array(rows, np.int16).reshape(len(rows), len(columns))
    return table_of_codes(codebook, columns, codes)


def counts_of(codebook, counts):
    """A table of counts with one combination for each: the first is the total."""
    columns = codebook.columns
    combinations = itertools.product(*(range(-1, len(column.codes)) for column in columns))
    codes = np.array(list(itertools.islice(combinations, len(counts))), np.int16)
    return table_of_codes(codebook, columns, codes, np.array(counts, np.int64))


def combinations_by_hand(rows, length):
    """All combinations of 0 to `length` known cells, with the rows that hold each."""
    return Counter(
        tuple(code if column in chosen else -1 for column, code in enumerate(row))
        for row in rows
        for wanted in range(length + 1)
        for chosen in itertools.combinations([n for n, code in enumerate(row) if code >= 0], wanted)
    )


def shown(counts, base=10, threshold=10, *, codebook):
    """What is published of some counts, None where nothing is."""
    table = counts_of(codebook, counts)
    rounded = round_counts(table, Rounding(base=base, threshold=threshold), context()).table
    published = dict(zip(map(bytes, rounded.codes), rounded.counts.tolist(), strict=True))
    assert len(published) == len(rounded)
    return [published.get(bytes(row)) for row in table.codes]


# ---- tabulate


@settings(max_examples=120, deadline=None)
@given(rows=st.lists(ROW, max_size=25), length=st.integers(1, 6))
def test_every_combination_is_counted_once_and_the_total_comes_first(toy, rows, length):
    counted = tabulate(table_of(toy, rows), Tabulate(length=length), context()).table

    assert counted.shape is Shape.COUNTS
    codes = [tuple(row) for row in counted.codes.tolist()]
    expected = combinations_by_hand(rows, length) or {(-1,) * 7: 0}
    assert dict(zip(codes, counted.counts.tolist(), strict=True)) == expected
    assert len(codes) == len(expected)
    assert codes[0] == (-1,) * 7
    assert counted.counts[0] == len(rows)
    lengths = [sum(code >= 0 for code in row) for row in codes]
    assert lengths == sorted(lengths)


def test_the_order_of_records_does_not_show_in_the_table(toy):
    rows = np.random.default_rng(1).integers(-1, 1, (40, 7)).tolist()

    one, other = (
        tabulate(table_of(toy, some), Tabulate(length=3), context()).table
        for some in (rows, rows[::-1])
    )

    assert one.frame.equals(other.frame)


def test_exact_counts_promise_nothing(toy):
    (claim,) = TABULATE.claims(toy, Tabulate())

    assert isinstance(claim, NoClaim)


@pytest.mark.parametrize("length", [0, -1, 7, 2.0, "3"])
def test_a_length_out_of_bounds_is_not_taken(length):
    with pytest.raises(Faults):
        structure({"length": length}, Tabulate)


# ---- rounding


@pytest.mark.parametrize(
    ("count", "published"),
    [(0, None), (1, None), (9, None), (10, 10), (11, 10), (19, 10), (20, 20), (21, 20), (109, 100)],
)
def test_a_count_is_rounded_down_and_shown_from_ten_records_on(toy, count, published):
    assert shown([count], codebook=toy) == [published]


@pytest.mark.parametrize(
    ("count", "published"),
    [(4, None), (5, None), (9, None), (10, 10), (14, 10), (15, 15), (19, 15), (20, 20)],
)
def test_a_base_below_k_shows_nothing_below_k(toy, count, published):
    assert shown([count], base=5, threshold=10, codebook=toy) == [published]


@pytest.mark.parametrize(
    ("count", "published"), [(10, None), (19, None), (20, 20), (25, 20), (30, 30)]
)
def test_a_threshold_above_the_base_hides_more(toy, count, published):
    assert shown([count], base=10, threshold=20, codebook=toy) == [published]


@pytest.mark.parametrize(("count", "published"), [(9, None), (10, None), (19, None), (20, 20)])
def test_what_rounds_to_nothing_is_left_out_and_not_shown_as_zero(toy, count, published):
    assert shown([count], base=20, threshold=10, codebook=toy) == [published]


@settings(max_examples=150, deadline=None)
@given(
    counts=st.lists(st.integers(0, 130), min_size=1, max_size=40),
    base=st.integers(2, 25),
    threshold=st.integers(2, 25),
)
def test_every_count_is_floored_by_itself_and_hidden_below_the_threshold(
    toy, counts, base, threshold
):
    expected = [n // base * base if n >= max(threshold, base) else None for n in counts]

    assert shown(counts, base, threshold, codebook=toy) == expected


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ROW, max_size=40),
    base=st.integers(2, 12),
    threshold=st.integers(2, 12),
)
def test_what_rounding_claims_holds_on_the_records_themselves(toy, rows, base, threshold):
    original = table_of(toy, rows)
    params = Rounding(base=base, threshold=threshold)
    counted = tabulate(original, Tabulate(length=3), context()).table

    published = published_of(round_counts(counted, params, context()).table)

    claims = ROUNDING.claims(toy, params)
    assert claims == [MultipleOf(base=base), Threshold(k=threshold), MaxDeviation(d=base - 1)]
    for claim in claims:
        assert recount(claim, original_of(original), published).holds
        assert recount(claim, original_of(counted), published).holds


def test_rounding_twice_is_rounding_once(toy):
    params = Rounding(base=10, threshold=10)
    once = round_counts(counts_of(toy, [100, 37, 10, 9, 0]), params, context()).table

    assert round_counts(once, params, context()).table.frame.equals(once.frame)


def test_a_note_says_that_parts_do_not_add_up(toy):
    output = round_counts(counts_of(toy, [30, 19, 11]), Rounding(base=10, threshold=10), context())

    (note,) = output.notes
    assert note.code == "totals"
    assert "less than their total" in note.message
    assert output.table.counts.tolist() == [30, 10, 10]
    assert output.details["not_shown"] == 0


def test_the_input_is_not_changed(toy):
    table = counts_of(toy, [100, 37, 9])
    before = table.frame.copy()

    round_counts(table, Rounding(base=10, threshold=10), context())

    assert table.frame.equals(before)


def test_base_and_threshold_are_the_codebooks_where_nothing_is_said(toy):
    assert bind_params(ROUNDING, {}, toy) == Rounding(base=3, threshold=3)


def test_a_base_that_would_round_nearly_all_away_is_a_fault(toy):
    with pytest.raises(Faults, match="round nearly every count away"):
        bind_params(ROUNDING, {"base": 3001}, toy)


@pytest.mark.parametrize("wrong", [{"base": 1}, {"threshold": 1}, {"base": 5.0}, {"method": "up"}])
def test_parameters_out_of_bounds_are_not_taken(toy, wrong):
    with pytest.raises(Faults):
        bind_params(ROUNDING, wrong, toy)


# ---- published facts


@pytest.fixture
def facts(shared):
    found = json.loads((shared / "oracles" / "rounding.json").read_text())["facts"]
    return {fact["id"]: fact for fact in found}


@pytest.mark.shared_data
def test_it_rounds_as_the_showcase_does(toy, facts):
    fact = facts["sds_floor_threshold"]

    expected = [None if n == "absent" else n for n in fact["expected"]]
    assert shown(fact["input"], fact["k"], fact["k"], codebook=toy) == expected


@pytest.mark.shared_data
def test_one_record_more_does_not_show_in_the_printed_example(toy, facts):
    fact = facts["seed_differencing"]

    assert shown(fact["input"], fact["k"], fact["k"], codebook=toy) == fact["expected_floor"]
    assert shown([109, 110], fact["k"], fact["k"], codebook=toy) == [
        100,
        110,
    ]  # at the edge it does


@pytest.mark.shared_data
def test_it_counts_the_combinations_of_the_showcases_own_example(codebook_of, toy_text, facts):
    fact = facts["sds_dp_doc_aggregates"]
    variables = "\n".join(
        f'[domains.{name}]\nkind = "enum"\nvalues = ['
        + ", ".join(f'{{ code = "{v}" }}' for v in sorted({row[n] for row in fact["rows"]} - {""}))
        + f']\n[variables.{name}]\ndomain = "{name}"\nrole = ["quasi"]\ndefinition = "Any."\n'
        for n, name in enumerate(fact["columns"])
    )
    header = toy_text[: toy_text.index("order")] + 'order = ["A", "B", "C"]\n'
    codebook = codebook_of(f"{header}[privacy]\nk = 3\nround_to = 3\n{variables}")
    columns = codebook.columns
    rows = [
        [
            column.codes.index(cell) if cell else -1
            for column, cell in zip(columns, row, strict=True)
        ]
        for row in fact["rows"]
    ]

    counted = tabulate(
        table_of(codebook, rows), Tabulate(length=fact["reporting_length"]), context()
    ).table

    named = {
        ";".join(f"{variable}={value}" for variable, value in items): count
        for items, count in published_of(counted).combinations
    }
    assert named.pop("") == len(rows)
    assert named == fact["expected_counts"]


@pytest.mark.shared_data
def test_rounding_down_errs_by_what_was_derived_for_it(toy, facts):
    fact = facts["moments_base10"]["floor"]
    true = np.arange(100, 200)

    errors = np.array(shown(true.tolist(), codebook=toy)) - true

    assert errors.mean() == fact["bias"]
    assert (errors**2).mean() == fact["mse"]
