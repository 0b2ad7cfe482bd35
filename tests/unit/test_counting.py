"""The counter against plain Python, and against the known counts of a file."""

from __future__ import annotations

import doctest
import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.counting import combinations as counting
from ctdc_framework.counting.combinations import (
    combination_support,
    count_combinations,
    value_bitsets,
    value_counts,
)

SHARED = Path(__file__).parents[3] / "shared" / "data"


def matrix(rows, columns):
    return np.array(rows, np.int16).reshape(len(rows), columns)


def plain_counts(tables, length):
    """The oracle: {((column, code), ...): (count in each table, ...)} in canonical order."""
    counted = [
        Counter(
            combination
            for row in pd.DataFrame(table).itertuples(index=False)
            for wanted in range(1, length + 1)
            for combination in itertools.combinations(
                [(column, code) for column, code in enumerate(row) if code >= 0], wanted
            )
        )
        for table in tables
    ]
    occurring = sorted(set().union(*counted), key=lambda found: (len(found), found))
    return {found: tuple(counts[found] for counts in counted) for found in occurring}


def as_plain(found):
    keys = [
        tuple((column, code) for column, code in zip(columns, codes, strict=True) if column >= 0)
        for columns, codes in zip(found.columns.tolist(), found.codes.tolist(), strict=True)
    ]
    return dict(zip(keys, map(tuple, found.counts.tolist()), strict=True))


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("values", "counts", "offsets")
    )


@st.composite
def coded_tables(draw, least=1, most=3):
    """Some tables over the same columns: small, with missing, constant and unused columns."""
    sizes = draw(st.lists(st.integers(0, 4), max_size=5))
    record = st.tuples(*(st.integers(-1, size - 1) for size in sizes))
    rows = st.lists(record, max_size=12)
    tables = draw(st.lists(rows, min_size=least, max_size=most))
    return [matrix(table, len(sizes)) for table in tables], sizes


@settings(max_examples=150, deadline=None)
@given(coded_tables(), st.integers(1, 6))
def test_every_combination_is_counted_as_plain_python_counts_it_and_in_the_same_order(case, length):
    tables, sizes = case

    found = count_combinations(tables, sizes, length)

    expected = plain_counts(tables, length)
    assert list(as_plain(found).items()) == list(expected.items())
    assert found.lengths.tolist() == [len(combination) for combination in expected]
    assert found.values.shape == (len(expected), min(length, len(sizes)))
    assert found.counts.shape == (len(expected), len(tables))


@settings(max_examples=50, deadline=None)
@given(coded_tables(most=1), st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(case, random):
    (table,), sizes = case
    shuffled = table[random.sample(range(len(table)), len(table))]

    assert same(
        count_combinations([table], sizes, length=3), count_combinations([shuffled], sizes, 3)
    )


@settings(max_examples=100, deadline=None)
@given(coded_tables(least=2, most=2))
def test_support_is_the_number_of_records_that_have_all_the_values_asked_for(case):
    (table, asked), sizes = case

    support = combination_support(table, sizes, asked)

    agrees = (asked[:, None, :] == table[None, :, :]) | (asked[:, None, :] == -1)
    assert support.tolist() == agrees.all(axis=2).sum(axis=1).tolist()


@settings(max_examples=50, deadline=None)
@given(coded_tables(most=1))
def test_value_counts_and_bitsets_say_who_holds_a_value(case):
    (table,), sizes = case
    holds = [table[:, column] == code for column, size in enumerate(sizes) for code in range(size)]

    bitsets = value_bitsets(table, sizes)
    bits = np.unpackbits(bitsets.astype("<u8").view(np.uint8), axis=1, bitorder="little")

    assert value_counts(table, sizes).tolist() == [int(column.sum()) for column in holds]
    assert bits[:, : len(table)].tolist() == [column.astype(int).tolist() for column in holds]
    assert not bits[:, len(table) :].any()


def test_a_record_holds_a_generalised_value_where_it_holds_one_below_it():
    records = matrix([(0, 0), (1, 0), (2, -1), (-1, 0)], 2)
    generalised = {(0, 3): (0, 1), (0, 4): (0, 1, 2, 3)}
    asked = matrix([(3, -1), (4, -1), (4, 0), (2, -1), (3, 0), (0, 0)], 2)

    support = combination_support(records, [5, 1], asked, generalised)

    assert support.tolist() == [2, 3, 2, 1, 2, 1]
    assert combination_support(records, [5, 1], asked).tolist() == [0, 0, 0, 1, 0, 1]


def test_a_generalised_value_that_a_record_has_itself_counts_too():
    assert value_bitsets(matrix([(0,), (1,), (2,)], 1), [3], {(0, 2): (0,)}).tolist() == [
        [0b001], [0b010], [0b101],
    ]  # fmt: skip


def test_support_adds_up_over_rounds_of_records():
    """More records than one round takes, and not a multiple of a word."""
    table = np.zeros((2 * counting._ROUND + 77, 2), np.int16)
    table[::3, 1] = -1
    with_second = int((table[:, 1] == 0).sum())

    support = combination_support(table, [1, 1], matrix([[0, 0], [0, -1], [-1, -1]], 2))

    assert support.tolist() == [with_second, len(table), len(table)]


def test_a_bitset_takes_a_new_word_every_64_records():
    bitsets = value_bitsets(np.zeros((65, 1), np.int16), [1])

    assert bitsets.tolist() == [[2**64 - 1, 1]]


def test_two_hundred_columns_and_a_column_of_5000_codes_are_counted():
    rng = np.random.default_rng(5)
    sizes = [5000] + [3] * 199
    table = np.stack([rng.integers(-1, size, 40) for size in sizes], axis=1).astype(np.int16)
    table[rng.random(table.shape) < 0.8] = -1
    table[0, 0] = 4999

    found = count_combinations([table], sizes, length=2)

    assert as_plain(found) == plain_counts([table], 2)


def test_longer_than_the_number_of_columns_means_up_to_whole_records():
    table = matrix([[0, 0, 1], [0, 0, -1]], 3)

    found = count_combinations([table], [1, 1, 2], length=1000)

    assert same(found, count_combinations([table], [1, 1, 2], length=3))
    assert as_plain(found.of_length(3)) == {((0, 0), (1, 0), (2, 1)): (1,)}


@pytest.mark.parametrize(
    "tables",
    [
        [],
        [matrix([], 2)],
        [matrix([[-1, -1]], 2), matrix([], 2)],
    ],
    ids=["no tables", "no records", "all missing"],
)
def test_where_nothing_occurs_nothing_is_found(tables):
    found = count_combinations(tables, [2, 2], length=2)

    assert found.values.shape == (0, 2)
    assert found.counts.shape == (0, len(tables))
    assert len(found.of_length(1)) == 0


def test_without_columns_every_record_still_supports_the_empty_combination():
    table = np.zeros((3, 0), np.int16)

    assert len(count_combinations([table], [], length=2)) == 0
    assert combination_support(table, [], np.zeros((2, 0), np.int16)).tolist() == [3, 3]
    assert value_bitsets(table, []).shape == (0, 1)
    assert value_counts(table, []).shape == (0,)


def test_an_empty_table_before_the_others_keeps_its_column_of_zeros():
    found = count_combinations([matrix([], 1), matrix([[0]], 1), matrix([], 1)], [1], length=1)

    assert found.counts.tolist() == [[0, 1, 0]]


def test_a_read_only_or_strided_matrix_counts_the_same():
    table = matrix([[0, 1], [1, -1], [0, 0]], 2)
    read_only = table.copy()
    read_only.setflags(write=False)
    expected = count_combinations([table], [2, 2], length=2)

    assert same(count_combinations([read_only], [2, 2], length=2), expected)
    assert same(count_combinations([np.asfortranarray(table)], [2, 2], length=2), expected)


def test_selecting_keeps_order_and_a_length_is_a_view():
    table = matrix([[0, 1], [1, 1], [0, 1]], 2)
    found = count_combinations([table], [2, 2], length=2)

    often = found.select(found.counts[:, 0] >= 2)

    assert as_plain(often) == {((0, 0),): (2,), ((1, 1),): (3,), ((0, 0), (1, 1)): (2,)}
    assert as_plain(often.of_length(2)) == {((0, 0), (1, 1)): (2,)}
    assert np.shares_memory(found.of_length(2).counts, found.counts)


def test_showing_combinations_shows_no_counts():
    found = count_combinations([matrix([[0]], 1)], [1], length=1)

    assert repr(found) == "Combinations(values=<1 x 1>, counts=<1 x 1>, offsets=<2>)"


@pytest.mark.parametrize("code", [-2, 2])
@pytest.mark.parametrize(
    "count",
    [
        lambda table: count_combinations([table], [1, 2], 1),
        lambda table: combination_support(table, [1, 2], matrix([[0, 0]], 2)),
        lambda table: combination_support(matrix([[0, 0]], 2), [1, 2], table),
        lambda table: value_bitsets(table, [1, 2]),
        lambda table: value_counts(table, [1, 2]),
    ],
)
def test_a_code_outside_its_column_is_refused_before_a_kernel_sees_it(count, code):
    with pytest.raises(ValueError, match="column 1 has a code outside its sizes"):
        count(matrix([[0, code]], 2))


def test_what_is_not_a_matrix_of_codes_over_these_columns_is_refused():
    with pytest.raises(TypeError, match="codes are int16, not int64"):
        value_counts(np.zeros((2, 1), np.int64), [1])
    with pytest.raises(ValueError, match="do not fit 2 columns"):
        count_combinations([matrix([[0]], 1)], [1, 1], length=1)
    with pytest.raises(ValueError, match="at least 1 value, not 0"):
        count_combinations([matrix([[0]], 1)], [1], length=0)


def test_the_examples_in_the_docstrings_run():
    assert doctest.testmod(counting).attempted > 0
    assert doctest.testmod(counting).failed == 0


def test_importing_the_counter_does_not_import_pandas():
    code = "import sys, ctdc_framework.counting.combinations; sys.exit('pandas' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.shared_data
def test_the_10k_file_has_the_known_counts():
    """Distinct combinations and, of them, those of fewer than ten records, by length."""
    path = SHARED / "ctdc_shaped_10k.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not part of the project")
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    coded = [pd.factorize(frame[name]) for name in frame]
    table = np.stack([codes for codes, _ in coded], axis=1).astype(np.int16)

    found = count_combinations([table], [len(values) for _, values in coded], length=3)

    by_length = [found.of_length(length).counts[:, 0] for length in (1, 2, 3)]
    assert [(len(counts), int((counts < 10).sum())) for counts in by_length] == [
        (328, 148),
        (11_800, 8_081),
        (138_038, 104_806),
    ]
