"""What is a part of what among published counts, levels of a hierarchy among them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.promises.additivity import sums
from ctdc_framework.promises.claims import Additive
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import Published, original_of
from ctdc_framework.records.tables import table_of_codes


def items(text):
    return tuple(tuple(one.split("=")) for one in text.split())


def found(codebook, counts):
    return {
        (" ".join(map("=".join, one.whole)), one.variable): (one.count, one.parts)
        for one in sums(codebook, {items(text): n for text, n in counts.items()})
    }


def test_a_whole_is_parted_by_each_variable_that_is_published_with_it(toy):
    counts = {
        "": 9, "gender=Male": 6, "year=2019": 4, "year=2020": 5, "year=2019 gender=Male": 4,
    }  # fmt: skip

    assert found(toy, counts) == {
        ("", "gender"): (9, 6),
        ("", "year"): (9, 9),
        ("gender=Male", "year"): (6, 4),
        ("year=2019", "gender"): (4, 4),
        ("year=2020", "gender"): (5, 0),
    }


def test_parts_of_a_level_are_of_the_next_coarser_one_that_is_published(graded):
    ages = {"ageBroad=0--17": 2, "ageBroad=18--29": 3, "ageBroad=30+": 4}

    assert found(graded, {"": 9, **ages}) == {("", "ageBroad"): (9, 9)}
    assert found(graded, {"": 9, "ageBroad=0+": 9, **ages}) == {
        ("ageBroad=0+", "ageBroad"): (9, 9),
        ("", "ageBroad"): (9, 9),
    }
    both = list(sums(graded, {items(t): n for t, n in {"": 9, "ageBroad=18+": 6, **ages}.items()}))
    assert {(" ".join(map("=".join, one.whole)), one.height, one.count, one.parts)
            for one in both} == {
        ("", 1, 9, 8),  # 0--17 is a group of one, and stands at both heights
        ("ageBroad=18+", 0, 6, 7),
        ("ageBroad=0--17", 0, 2, 2),
    }  # fmt: skip


def test_values_that_can_stand_side_by_side_in_a_record_are_no_parts(toy):
    assert found(toy, {"": 9, "means=Debt": 6, "means=Threats": 6}) == {}
    assert found(toy, {"means=Debt": 6, "gender=Male means=Debt": 4}) == {
        ("means=Debt", "gender"): (6, 4)
    }


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 2)), max_size=12),
    cell=st.integers(0, 40), change=st.integers(-2, 2),
)  # fmt: skip
def test_true_counts_are_additive_and_a_change_of_one_is_found(graded, rows, cell, change):
    full = [(0, gender, age, -1, -1, -1, -1) for gender, age in rows]
    codes = np.array(full, np.int16).reshape(-1, 7)
    original = original_of(table_of_codes(graded, graded.columns, codes))
    genders = [None, *graded.release_domains["gender"]]
    ages = [None, *(age for age in graded.release_domains["ageBroad"] if age != "0+")]
    asked = [
        tuple(
            (name, value)
            for name, value in (("gender", gender), ("ageBroad", age))
            if value is not None
        )
        for gender, age in itertools.product(genders, ages)
    ]
    counts = dict(zip(asked, original.supports(asked), strict=True))
    published = Published(combinations=list(counts.items()))
    assert recount(Additive(), original, published).holds

    changed = asked[cell % len(asked)]
    counts[changed] += change
    holds = recount(Additive(), original, Published(combinations=list(counts.items()))).holds

    missing = any(-1 in row for row in rows)
    if change == 0:
        assert holds
    elif not missing:
        assert not holds


@pytest.mark.parametrize("shown", [["gender=Male"], []])
def test_where_no_whole_is_published_there_is_nothing_to_add_up(toy, shown):
    assert found(toy, dict.fromkeys(shown, 3)) == {}
