"""Columns of distinct cells do what lists of cells would do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.codebook.columns import Column, flag

CELLS = st.one_of(st.none(), st.integers(0, 3), st.sampled_from("abc"), st.just(("a", "b")))


def lists(size):
    return st.lists(CELLS, min_size=size, max_size=size)


PAIRS = st.integers(0, 12).flatmap(lambda size: st.tuples(lists(size), lists(size)))


@given(st.lists(CELLS))
def test_a_column_gives_back_what_it_was_made_of(values):
    column = Column.of(values)
    assert column.values() == values
    assert column.known().tolist() == [value is not None for value in values]
    assert len(set(column.cells)) == len(column.cells)


@given(st.lists(CELLS))
def test_mapping_a_column_maps_each_known_value(values):
    def function(cell):
        return {"a": None, "b": "x", 1: "x"}.get(cell, cell)

    mapped = Column.of(values).map(function)
    assert mapped.values() == [None if v is None else function(v) for v in values]
    assert len(set(mapped.cells)) == len(mapped.cells)


@given(st.lists(CELLS))
def test_a_mask_never_holds_for_a_missing_value(values):
    column = Column.of(values)
    assert column.mask(lambda _: True).tolist() == [v is not None for v in values]
    assert column.mask(lambda cell: cell == "a").tolist() == [v == "a" for v in values]


@given(PAIRS)
def test_filling_takes_from_the_other_what_is_missing(pair):
    ours, theirs = pair
    filled = Column.of(ours).filled_from(Column.of(theirs))
    assert filled.values() == [b if a is None else a for a, b in zip(ours, theirs, strict=True)]


@given(PAIRS)
def test_values_differ_where_this_one_is_known_and_the_other_is_not_the_same(pair):
    ours, theirs = pair
    differs = Column.of(ours).differs_from(Column.of(theirs)).tolist()
    assert differs == [a is not None and a != b for a, b in zip(ours, theirs, strict=True)]


@given(st.lists(st.booleans()))
def test_a_flag_is_1_or_missing(mask):
    column = flag(np.array(mask, dtype=bool))
    assert column.values() == ["1" if one else None for one in mask]


def test_a_missing_column_knows_nothing():
    column = Column.missing(3)
    assert column.values() == [None, None, None]
    assert column.map(str).values() == [None, None, None]
    assert column.filled_from(Column.of("abc")).values() == ["a", "b", "c"]


def test_a_column_of_records_shows_no_record():
    assert "secret" not in repr(Column.of(["secret"]))
