"""k-anonymization against counting classes by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ctdc_k_anonymization import STRATEGY, anonymise
from ctdc_k_anonymization.params import KAnonymization, keys_of
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.plugin import (
    Context,
    KAnonymity,
    Severity,
    StrategyError,
    table_of_codes,
)
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.toml.convert import Faults, structure

QUASI = ("year", "gender", "ageBroad")
"""The toy codebook's quasi-identifiers."""


def context():
    return Context(rng=np.random.default_rng(0))


def table_of(codebook, rows):
    """A table of the toy codebook: (year, gender, ageBroad, Debt, Threats, Violence, forced)."""
    columns = codebook.columns
    codes = np.array(rows, np.int16).reshape(len(rows), len(columns))
    return table_of_codes(codebook, columns, codes)


def classes_by_hand(rows, numbers, k):
    """The rows whose cells in some columns are those of at least k rows; -1 is a cell as any."""
    sizes = Counter(tuple(row[n] for n in numbers) for row in rows)
    return [row for row in rows if sizes[tuple(row[n] for n in numbers)] >= k]


ROW = st.tuples(
    st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 1),
    *[st.integers(-1, 0)] * 4,
)  # fmt: skip
NUMBERS = {"year": [0], "gender": [1], "ageBroad": [2], "means": [3, 4, 5], "forced": [6]}
KEYS = st.one_of(
    st.sampled_from(["quasi", "all"]),
    st.lists(st.sampled_from(sorted(NUMBERS)), min_size=1, unique=True).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(ROW, max_size=40), keys=KEYS, k=st.integers(2, 8))
def test_exactly_the_records_in_classes_of_at_least_k_are_released(toy, rows, keys, k):
    names = {"quasi": QUASI, "all": tuple(NUMBERS)}.get(keys, keys)
    params = KAnonymization(k=k, keys=keys)
    table = table_of(toy, rows)

    numbers = [n for name in names for n in NUMBERS[name]]
    expected = Counter(classes_by_hand(rows, numbers, k))
    if not expected:
        with pytest.raises(StrategyError, match="nothing could be released"):
            anonymise(table, params, context())
        return
    released = anonymise(table, params, context()).table

    assert Counter(tuple(row) for row in released.codes.tolist()) == expected
    (claim,) = STRATEGY.claims(toy, params)
    assert recount(claim, original_of(table), published_of(released)).holds


def test_two_unknown_values_shelter_each_other_and_no_known_one(toy):
    rows = [(0, -1, 0, -1, -1, -1, -1)] * 3 + [(0, 1, 0, -1, -1, -1, -1)] * 2

    released = anonymise(table_of(toy, rows), KAnonymization(k=3), context()).table

    assert [tuple(row) for row in released.codes.tolist()] == rows[:3]


@pytest.mark.parametrize("keys", ["all", ("gender",)])
def test_a_k_as_large_as_the_table_keeps_all_or_nothing(toy, keys):
    equal = [(1, 1, 1, 0, -1, 0, -1)] * 7
    other = [*equal[:-1], (1, 0, 1, 0, -1, 0, -1)]
    params = KAnonymization(k=7, keys=keys)

    assert len(anonymise(table_of(toy, equal), params, context()).table) == 7
    with pytest.raises(StrategyError, match="nothing could be released"):
        anonymise(table_of(toy, other), params, context())


@pytest.mark.parametrize("keys", ["quasi", "all", ("gender",)])
def test_of_no_records_none_can_be_released(toy, keys):
    with pytest.raises(StrategyError, match="nothing could be released"):
        anonymise(table_of(toy, []), KAnonymization(k=3, keys=keys), context())


def test_what_is_no_key_is_left_as_it_is_and_the_order_of_records_is_not(toy):
    rng = np.random.default_rng(5)
    rows = [(0, n % 2, 0, *cells) for n, cells in enumerate(rng.integers(-1, 1, (30, 4)).tolist())]
    rows[4] = (2, 0, 0, 0, 0, 0, 0)

    released = anonymise(table_of(toy, rows), KAnonymization(k=3), context()).table

    came = [tuple(row) for row in released.codes.tolist()]
    assert Counter(came) == Counter(rows[:4] + rows[5:])
    assert came != rows[:4] + rows[5:]
    assert released.frame.dtypes.equals(table_of(toy, rows).frame.dtypes)


def test_the_input_is_not_changed(toy):
    table = table_of(toy, [(0, 0, 0, 0, 0, 0, 0)] * 3 + [(0, 1, 0, 0, 0, 0, 0)])
    before = table.frame.copy()

    anonymise(table, KAnonymization(k=3), context())

    assert table.frame.equals(before)


def test_a_list_of_keys_is_taken_in_codebook_order(toy):
    params = KAnonymization(k=3, keys=("forced", "gender"))

    assert keys_of(toy, params) == ("gender", "forced")
    assert STRATEGY.claims(toy, params) == [KAnonymity(k=3, columns=("gender", "forced"))]
    assert keys_of(toy, KAnonymization(k=3)) == QUASI
    assert keys_of(toy, KAnonymization(k=3, keys="all")) == tuple(toy.variables)


def test_a_key_that_is_no_variable_is_a_fault_at_its_place(toy):
    (fault,) = STRATEGY.faults(toy, KAnonymization(k=3, keys=("gender", "gendr")))

    assert fault.path == ("keys", 1)
    assert "gendr" in fault.message


def test_having_nothing_to_protect_is_a_fault(codebook_of, toy_text):
    nobody = codebook_of(toy_text.replace('["quasi"]', '["none"]'))

    assert [fault.path for fault in STRATEGY.faults(nobody, KAnonymization(k=3))] == [("keys",)]
    assert not list(STRATEGY.faults(nobody, KAnonymization(k=3, keys=("gender",))))
    assert [f.path for f in STRATEGY.faults(nobody, KAnonymization(k=3, keys=()))] == [("keys",)]


@pytest.mark.parametrize("k", [1, 0, -3, 2.5, "3", True])
def test_a_k_that_is_no_whole_number_from_2_on_is_not_taken(k):
    with pytest.raises(Faults):
        structure({"k": k}, KAnonymization)


@pytest.mark.parametrize(
    ("left_out", "told"),
    [(0, "no records were"), (1, "fewer than 3 records"), (2, "fewer than 3"), (4, "25% of")],
)
def test_the_note_does_not_tell_how_few_were_left_out(toy, left_out, told):
    rows = [(0, 0, 0, -1, -1, -1, -1)] * 12
    rows += [(1, n % 2, n // 2, -1, -1, -1, -1) for n in range(left_out)]

    output = anonymise(table_of(toy, rows), KAnonymization(k=3), context())

    (note,) = [one for one in output.notes if one.code == "records-suppressed"]
    assert note.message.startswith(told)
    assert note.severity is Severity.INFO
    assert output.details["suppressed"] == left_out


def test_a_loss_of_more_than_half_is_a_warning(toy):
    rows = [(y, g, a, -1, -1, -1, -1) for y in range(3) for g in range(2) for a in range(2)]

    notes = anonymise(table_of(toy, rows + rows[:1] * 2), KAnonymization(k=3), context()).notes

    (note,) = [one for one in notes if one.code == "records-suppressed"]

    assert note.severity is Severity.WARNING
    assert note.message.startswith("79% of the records")
