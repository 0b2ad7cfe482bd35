"""The original beside a candidate: counted once, side by side, in the original's columns."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ctdc_framework.contract.pairs import Pair
from ctdc_framework.counting import combinations as counting
from ctdc_framework.counting.combinations import count_combinations
from ctdc_framework.records.tables import table_of_codes

ROW = st.tuples(
    st.integers(-1, 1), st.integers(-1, 1), st.integers(-1, 1),
    *[st.integers(-1, 0)] * 4,
)  # fmt: skip
ROWS = st.lists(ROW, max_size=15)


def table_of(codebook, rows, counts=None, columns=None):
    columns = columns or codebook.columns
    codes = np.array(rows, np.int16).reshape(len(rows), len(columns))
    return table_of_codes(
        codebook, columns, codes, None if counts is None else np.array(counts, np.int64)
    )


def as_plain(found):
    """{((column, code), ...): (true, published)} in the order given."""
    keys = [
        tuple((column, code) for column, code in zip(columns, codes, strict=True) if column >= 0)
        for columns, codes in zip(found.columns.tolist(), found.codes.tolist(), strict=True)
    ]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, map(tuple, found.counts.tolist()), strict=True))


def combinations(rows, length):
    return Counter(
        chosen
        for row in rows
        for wanted in range(1, length + 1)
        for chosen in itertools.combinations(
            [(column, code) for column, code in enumerate(row) if code >= 0], wanted
        )
    )


@settings(max_examples=80, deadline=None)
@given(ROWS, ROWS, st.integers(1, 4))
def test_records_are_counted_side_by_side(toy, original, candidate, length):
    pair = Pair(original=table_of(toy, original), candidate=table_of(toy, candidate), k=3)

    found = as_plain(pair.combinations(length))

    one, other = combinations(original, length), combinations(candidate, length)
    assert found == {key: (one[key], other[key]) for key in one | other}
    assert list(found) == sorted(found, key=lambda key: (len(key), key))


@settings(max_examples=120, deadline=None)
@given(
    rows=ROWS,
    shown=st.dictionaries(ROW, st.integers(0, 9), max_size=8),
    length=st.integers(1, 7),
)
@example(rows=[(0,) * 7] * 3, shown={(-1,) * 7: 3, (0, *[-1] * 6): 2}, length=2)
def test_published_counts_stand_beside_true_ones_and_0_where_not_shown(toy, rows, shown, length):
    table = table_of(toy, list(shown), list(shown.values()))
    pair = Pair(original=table_of(toy, rows), candidate=table, k=3, length=7)

    found = as_plain(pair.combinations(length))

    true = combinations(rows, length)
    published = {
        tuple((column, code) for column, code in enumerate(row) if code >= 0): count
        for row, count in shown.items()
    }
    wanted = {key: n for key, n in published.items() if 0 < len(key) <= length}
    assert found == {key: (true[key], wanted.get(key, 0)) for key in true.keys() | wanted}
    assert list(found) == sorted(found, key=lambda key: (len(key), key))


def test_the_empty_original_beside_an_empty_table_has_no_combinations(toy):
    pair = Pair(original=table_of(toy, []), candidate=table_of(toy, [], []), k=3, length=2)

    assert len(pair.combinations(2)) == 0


def test_a_column_that_the_candidate_left_out_counts_as_missing(toy):
    rows = [(0, 1, 1, 0, -1, -1, 0)] * 3
    fewer = [column for column in toy.columns if column.variable not in ("gender", "means")]
    records = table_of(toy, [(0, 1, 0)] * 2, columns=fewer)
    counts = table_of(toy, [(0, -1, 0)], [6], columns=fewer)

    found = as_plain(Pair(original=table_of(toy, rows), candidate=records, k=3).combinations(2))
    shown = as_plain(
        Pair(original=table_of(toy, rows), candidate=counts, k=3, length=2).combinations(2)
    )

    assert found[(0, 0), (6, 0)] == (3, 2)
    assert found[((1, 1),)] == (3, 0)
    assert shown[(0, 0), (6, 0)] == (3, 6)
    assert shown[((6, 0),)] == (3, 0)


def test_a_column_that_the_original_lacks_cannot_be_measured(toy):
    fewer = [column for column in toy.columns if column.variable != "gender"]
    original = table_of(toy, [(0, 1, 0, -1, -1, 0)], columns=fewer)

    with pytest.raises(ValueError, match="columns that the original lacks"):
        Pair(original=original, candidate=table_of(toy, []), k=3).combinations(1)


def test_combinations_longer_than_the_tables_are_not_made_up(toy):
    original = table_of(toy, [(0, 1, 1, 0, -1, -1, 0)])
    shown = table_of(toy, [(0, -1, -1, -1, -1, -1, -1)], [1])

    with pytest.raises(ValueError, match="no combinations of this length"):
        Pair(original=original, candidate=shown, k=3, length=1).combinations(2)


def test_a_length_is_counted_once(toy, monkeypatch):
    calls = []

    def count(*arguments):
        calls.append(arguments)
        return count_combinations(*arguments)

    monkeypatch.setattr(counting, "count_combinations", count)
    pair = Pair(original=table_of(toy, [(0,) * 7]), candidate=table_of(toy, [(0,) * 7]), k=3)

    assert pair.combinations(2) is pair.combinations(2)
    assert pair.combinations(1) is not pair.combinations(2)
    assert len(calls) == 2


def test_a_generalised_combination_is_held_by_the_original_records_below_it(graded):
    """Ages are coded 0--17, 18--29, 30+, then 18+ and 0+."""
    adult = graded.columns[2].codes.index("18+")
    original = table_of(graded, [(0, -1, 1, *[-1] * 4)] * 2 + [(0, -1, 2, *[-1] * 4)])
    candidate = table_of(graded, [(0, -1, adult, *[-1] * 4)] * 5)
    pair = Pair(original=original, candidate=candidate, k=3)

    found = pair.combinations(2)

    assert as_plain(found) == {
        ((0, 0),): (3, 5),
        ((2, 1),): (2, 0), ((2, 2),): (1, 0), ((2, adult),): (3, 5),
        ((0, 0), (2, 1)): (2, 0), ((0, 0), (2, 2)): (1, 0), ((0, 0), (2, adult)): (3, 5),
    }  # fmt: skip
    general = as_plain(found.select(pair.generalised(found)))
    assert list(general) == [((2, adult),), ((0, 0), (2, adult))]


def test_a_published_count_of_a_generalised_value_stands_beside_the_true_one(graded):
    adult = graded.columns[2].codes.index("18+")
    original = table_of(graded, [(-1, -1, 1, *[-1] * 4)] * 2 + [(-1, -1, 2, *[-1] * 4)])
    shown = table_of(graded, [(-1, -1, adult, *[-1] * 4)], [2])
    pair = Pair(original=original, candidate=shown, k=2, length=1)

    assert as_plain(pair.combinations(1))[((2, adult),)] == (3, 2)
