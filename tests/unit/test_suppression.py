"""What became of each cell: suppressed and not recorded are told apart, beside brute force."""

from types import SimpleNamespace

import numpy as np
import pytest
from ctdc_k_anonymization import anonymise
from ctdc_k_anonymization.params import KAnonymization
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.plugin import Context, StrategyError
from ctdc_framework.records.suppression import STATUSES, are_kept_rows, statuses
from ctdc_framework.records.tables import cell_texts, table_of_codes

ROW = st.tuples(
    st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 2), *[st.integers(-1, 0)] * 4
)  # fmt: skip
"""A record of the toy codebook: year, gender, ageBroad, three means of control, forced."""
BACKWARDS = SimpleNamespace(permutation=lambda count: np.arange(count)[::-1])


def table_of(codebook, rows):
    return table_of_codes(codebook, codebook.columns, np.array(rows, np.int16).reshape(-1, 7))


def told(original, released, rows):
    found = statuses(original, released, np.array(rows, np.int64))
    return {name: [STATUSES[place] for place in places] for name, places in found.items()}


def by_texts(original, released, rows):
    """The same, from the texts that the files hold and the domains that the codebook names."""
    covers = original.codebook.release_domains
    before, after = cell_texts(original), cell_texts(released)
    place = {row: n for n, row in enumerate(rows)}

    def status(name, row):
        if row not in place:
            return "record left out"
        own, shown = before[name][row], after[name][place[row]]
        if own is None:
            assert shown is None
            return "not recorded"
        if shown is None:
            return "suppressed"
        if shown == own:
            return "kept"
        if own in covers[name].get(shown, ()):
            return "generalised"
        assert set(shown.split(";")) < set(own.split(";"))
        return "suppressed in part"

    return {name: [status(name, row) for row in range(len(original))] for name in before}


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(ROW, min_size=1, max_size=30), k=st.integers(2, 5),
    method=st.sampled_from(["records", "cells", "generalise"]),
    keys=st.sampled_from(["quasi", "all"]),
)  # fmt: skip
def test_every_cell_is_told_as_its_texts_tell_it(graded, rows, k, method, keys):
    original = table_of(graded, rows)
    params = KAnonymization(k=k, method=method, keys=keys, limit=1.0)
    try:
        output = anonymise(original, params, Context(rng=BACKWARDS))
    except StrategyError:
        return

    assert are_kept_rows(output.kept_rows, original, output.table)
    assert told(original, output.table, output.kept_rows) == by_texts(
        original, output.table, output.kept_rows.tolist()
    )


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=6), made=st.lists(ROW, min_size=1, max_size=3),
       names=st.lists(st.integers(-1, 6), min_size=1, max_size=3))  # fmt: skip
def test_rows_are_believed_only_where_each_cell_may_stem_from_the_one_named(
    graded, rows, made, names
):
    original, released = table_of(graded, rows), table_of(graded, made)
    believed = are_kept_rows(np.array(names), original, released)

    fits = (
        len(names) == len(made) == len(set(names))
        and all(0 <= name < len(rows) for name in names)
        and all(
            s in (-1, o)
            for name, row in zip(names, made, strict=True)
            for s, o in zip(row, rows[name], strict=True)
        )
    )
    assert believed == fits


def test_a_value_may_become_coarser_and_not_finer(graded):
    age = graded.columns[2]
    code = next(iter(age.below))
    fine = [[0, 0, below, 0, 0, 0, 0] for below in age.below[code] if below != code]
    rows = np.arange(len(fine))
    original, coarser = (
        table_of(graded, fine), table_of(graded, [[*r[:2], code, *r[3:]] for r in fine])
    )  # fmt: skip

    assert are_kept_rows(rows, original, coarser)
    assert not are_kept_rows(rows, coarser, original)
    assert set(told(original, coarser, rows)["ageBroad"]) == {"generalised"}


def test_blanks_are_told_apart_and_a_lost_column_is_suppressed(toy):
    original = table_of(toy, [[0, -1, 0, 0, 0, -1, 0], [1, 1, 0, -1, -1, -1, 0], [0] * 7])
    codes = [[1, -1, -1, -1, -1, -1], [0, -1, -1, 0, -1, -1]]
    released = table_of_codes(toy, toy.columns[:-1], np.array(codes, np.int16))

    assert told(original, released, [1, 0]) == {
        "year": ["kept", "kept", "record left out"],
        "gender": ["not recorded", "suppressed", "record left out"],
        "ageBroad": ["suppressed", "suppressed", "record left out"],
        "means": ["suppressed in part", "not recorded", "record left out"],
        "forced": ["suppressed", "suppressed", "record left out"],
    }


@pytest.mark.parametrize("rows", [[], [0]])
def test_a_table_without_records_has_no_statuses_and_names_no_row(toy, rows):
    empty = table_of(toy, [])

    assert are_kept_rows(np.array(rows, np.int64), empty, empty) == (not rows)
    assert set(map(tuple, told(empty, empty, []).values())) == {()}
