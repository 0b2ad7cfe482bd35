"""Cell suppression where an attacker knows few things: brute force over all combinations."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from attrs import evolve
from ctdc_k_anonymization import STRATEGY, anonymise
from ctdc_k_anonymization.params import KAnonymization
from ctdc_k_anonymization.subsets import suppress
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ctdc_framework.plugin import Context, KmAnonymity, StrategyError, table_of_codes
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of

SIZES = (3, 2, 3, 1, 1)
TABLES = st.lists(st.tuples(*(st.integers(-1, size - 1) for size in SIZES)), max_size=30)
TOY_ROW = st.tuples(
    st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 2), *[st.integers(-1, 0)] * 4
)
"""A record of the toy codebook: year, gender, ageBroad, three means of control, forced."""


def matrix(rows, width=5):
    return np.array(rows, np.int16).reshape(len(rows), width)


def parts(row, most):
    """Every combination of one to so many of a row's values, as (column, code) pairs."""
    known = [(column, code) for column, code in enumerate(row) if code >= 0]
    return [part for n in range(1, most + 1) for part in combinations(known, n)]


def fitting(part, rows):
    """How many rows hold each value of a combination, or nothing in its column."""
    return sum(all(row[column] in (code, -1) for column, code in part) for row in rows)


def assert_shared(rows, shown, left_out, k, known):
    """What is promised of a release, counted combination by combination."""
    released = [row for row, out in zip(shown, left_out, strict=True) if not out]
    held = Counter(part for row in released for part in parts(row, known))
    assert min(held.values(), default=k) >= k
    for own, row, out in zip(rows, shown, left_out, strict=True):
        assert all(s in (o, -1) for s, o in zip(row, own, strict=True))
        for part in [] if out else parts(own, known):
            assert fitting(part, released) >= k


@settings(max_examples=400, deadline=None)
@given(rows=TABLES, k=st.integers(2, 5), known=st.integers(2, 4))
def test_what_few_values_are_known_of_anybody_fits_k_released_records(rows, k, known):
    shown, left_out = suppress(matrix(rows), SIZES, k, known)

    assert not left_out.any() or len(rows) < k
    assert_shared(rows, shown.tolist(), left_out.tolist(), k, known)


@settings(max_examples=300, deadline=None)
@given(
    rows=TABLES, k=st.integers(2, 4), known=st.integers(2, 3),
    fixed=st.lists(st.booleans(), min_size=5, max_size=5),
    weights=st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=5, max_size=5),
)  # fmt: skip
def test_a_fixed_column_is_left_as_it_is_and_all_is_shared(rows, k, known, fixed, weights):
    shown, left_out = suppress(matrix(rows), SIZES, k, known, weights, fixed)

    assert_shared(rows, shown.tolist(), left_out.tolist(), k, known)
    kept = ~left_out
    assert (shown[kept][:, fixed] == matrix(rows)[kept][:, fixed]).all()
    assert (shown[left_out] == -1).all()


@settings(max_examples=100, deadline=None)
@given(rows=TABLES, k=st.integers(2, 4), known=st.integers(2, 3), seed=st.randoms())
def test_what_is_left_out_does_not_depend_on_the_order_of_records(rows, k, known, seed):
    mixed = seed.sample(rows, len(rows))

    one, other = (suppress(matrix(some), SIZES, k, known)[0].tolist() for some in (rows, mixed))
    assert Counter(map(tuple, one)) == Counter(map(tuple, other))


@settings(max_examples=100, deadline=None)
@given(rows=TABLES, k=st.integers(2, 4), known=st.integers(2, 3))
def test_what_is_shared_already_is_left_as_it_is(rows, k, known):
    assert suppress(matrix(rows * k), SIZES, k, known)[0].tolist() == [list(r) for r in rows * k]


def test_one_of_two_values_that_are_rare_together_is_left_out():
    rows = [(0, 0)] * 4 + [(1, 1)] * 3 + [(0, -1), (0, 1)]

    shown = suppress(matrix(rows, 2), (2, 2), 2, 2)[0].tolist()
    assert shown == [*map(list, rows[:8]), [0, -1]]


def test_who_looks_for_a_blank_beside_what_is_known_finds_k_too():
    """Whoever knows (0, 1) sees that it is in no record, and finds the one that shows 0 alone."""
    rows = [(0, 0)] * 9 + [(1, 1)] * 9 + [(0, 1)]

    shown = suppress(matrix(rows, 2), (2, 2), 3, 2)[0].tolist()
    assert fitting([(0, 0), (1, 1)], shown) == 3


def test_triples_are_shared_only_where_three_values_may_be_known():
    rows = list(np.ndindex(2, 2, 2)) * 2
    pairs, triples = (suppress(matrix(rows, 3), (2, 2, 2), 4, m)[0] for m in (2, 3))

    assert pairs.tolist() == [list(row) for row in rows]
    assert (triples < 0).any()


def test_a_variable_that_counts_more_is_kept_longer():
    rows = [(n % 2, n % 5 // 4, -1, -1, -1) for n in range(20)]
    first, second = (
        (suppress(matrix(rows), SIZES, 4, 2, weights)[0] < 0).sum(axis=0)[:2].tolist()
        for weights in ([9.0, 1.0, 1.0, 1.0, 1.0], [1.0, 9.0, 1.0, 1.0, 1.0])
    )
    assert first[0] == second[1] == 0
    assert min(first[1], second[0]) > 0


def test_more_values_than_can_be_numbered_is_an_error():
    sizes = [30_000] * 3
    with pytest.raises(StrategyError, match="too many different values for combinations of 4"):
        suppress(matrix([[0, 0, 0]] * 3, 3), sizes, 2, 4)


# ---- the strategy


def table_of(codebook, rows):
    return table_of_codes(codebook, codebook.columns, matrix(rows, len(codebook.columns)))


def unshuffled():
    return Context(rng=SimpleNamespace(permutation=np.arange))


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(TOY_ROW, min_size=5, max_size=40), k=st.integers(2, 5),
    known=st.integers(2, 3), keys=st.sampled_from(["quasi", "all", ("gender", "means")]),
)  # fmt: skip
def test_the_claim_holds_by_the_recount_and_other_variables_stay(graded, rows, k, known, keys):
    params = KAnonymization(k=k, method="cells", known=known, keys=keys)
    table = table_of(graded, rows)

    output = anonymise(table, params, unshuffled())

    (claim,) = STRATEGY.claims(graded, params)
    assert isinstance(claim, KmAnonymity)
    finding = recount(claim, original_of(table), published_of(output.table))
    assert finding.holds, finding
    assert len(output.table) == len(rows)
    other = [n for n, column in enumerate(graded.columns) if column.variable not in claim.columns]
    assert (output.table.codes[:, other] == table.codes[:, other]).all()
    assert not STRATEGY.mixes_with(params)
    assert output.details["coarser_cells"].keys() == set(claim.columns)
    assert not any(output.details["coarser_cells"].values())


def test_a_release_in_which_one_cell_was_put_back_is_not_taken(toy):
    rows = [(0, 0, *[-1] * 5)] * 6 + [(1, 1, *[-1] * 5)] * 6 + [(0, 1, *[-1] * 5)]
    params = KAnonymization(k=3, method="cells", known=2)
    table = table_of(toy, rows)
    output = anonymise(table, params, unshuffled())
    (claim,) = STRATEGY.claims(toy, params)

    doctored = output.table.codes.copy()
    doctored[12] = rows[12]
    original = original_of(table)
    assert recount(claim, original, published_of(output.table)).holds
    finding = recount(claim, original, published_of(output.table.with_codes(doctored)))
    assert not finding.holds
    assert "combination of up to 2 values" in finding.message


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(TOY_ROW, min_size=8, max_size=40), k=st.integers(2, 4))
def test_a_protected_variable_is_released_as_it_is(codebook_of, toy_text, rows, k):
    said = "[variables.gender]\nprotected = true\n"
    book = codebook_of(toy_text.replace("[variables.gender]\n", said))
    genders = Counter(row[1] for row in rows)
    assume(any(n >= k for n in genders.values()))
    params = KAnonymization(k=k, method="cells", known=2, weights={"gender": 0.5})

    output = anonymise(table_of(book, rows), params, unshuffled())

    shown = Counter(output.table.codes[:, 1].tolist())
    assert all(shown[gender] == n for gender, n in genders.items() if n >= k)
    assert all(shown[gender] == 0 for gender, n in genders.items() if n < k and gender >= 0)


def test_it_is_said_that_whoever_knows_more_may_find_somebody(toy):
    params = KAnonymization(k=3, method="cells", known=2)
    output = anonymise(table_of(toy, [(0, 0, 0, *[-1] * 4)] * 5), params, unshuffled())

    (note,) = [note for note in output.notes if note.code == "few-are-known"]
    assert "up to 2 quasi-identifiers" in note.message


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"method": "records"}, "the method records leaves out no single values"),
        ({"method": "generalise"}, "the method generalise leaves out no single values"),
        ({"missing": "itself"}, 'missing = "itself" asks that each counts'),
        ({"known": 1}, "nobody is protected of whom two values are known"),
    ],
)
def test_what_does_not_go_with_it_is_a_fault_at_its_place(toy, said, why):
    params = KAnonymization(k=3, method="cells", known=2)
    assert not [fault for fault in STRATEGY.faults(toy, params) if fault.path == ("known",)]

    (fault,) = STRATEGY.faults(toy, evolve(params, **said))
    assert fault.path == ("known",)
    assert why in fault.message
