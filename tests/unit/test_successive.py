"""What two releases prove together, against every pair of true counts that gives them."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.promises.claims import SingleCounts
from ctdc_framework.promises.successive import counts_of, differences
from ctdc_framework.records.items import Published
from ctdc_framework.releases.verify import Result, check_previous

TOTAL, MEN, WOMEN = (), (("gender", "Male"),), (("gender", "Female"),)


def shown(counts, base, threshold=0):
    return {items: n // base * base for items, n in counts.items() if n >= max(base, threshold)}


@pytest.mark.shared_data
def test_the_printed_codebooks_example_proves_nothing_and_the_edge_proves_all(shared):
    facts = json.loads((shared / "oracles" / "rounding.json").read_text())["facts"]
    fact = next(one for one in facts if one["id"] == "seed_differencing")
    one, other = ({TOTAL: 995, MEN: n} for n in fact["input"])

    found = differences(shown(one, 10), shown(other, 10), 10, added=1)
    assert (found.moves, found.unchanged) == ((), 2)

    found = differences(shown({TOTAL: 995, MEN: 109}, 10), shown({TOTAL: 996, MEN: 110}, 10), 10,
                        added=1)  # fmt: skip
    assert [(move.items, move.before) for move in found.exact] == [(MEN, (109, 109))]
    assert found.exact == found.edge_moves == found.narrowed


def test_without_knowing_how_many_came_the_totals_bound_it():
    before, after = {TOTAL: 100, MEN: 50}, {TOTAL: 100, MEN: 60}

    (move,) = differences(before, after, 10).moves

    assert (move.before, move.after) == ((51, 59), (60, 68))  # at most 9 records came at all
    assert move.width == 9


def test_a_cell_that_appears_has_crossed_the_threshold():
    (move,) = differences({TOTAL: 100}, {TOTAL: 100, MEN: 20}, 10, threshold=20, added=1).moves

    assert (move.earlier, move.later, move.before, move.after) == (0, 20, (19, 19), (20, 20))


def test_where_records_left_nothing_is_concluded_from_growth():
    found = differences({TOTAL: 100, MEN: 50}, {TOTAL: 80, MEN: 60}, 10)

    assert found.records_left
    assert [move.before for move in found.moves] == [(100, 109), (50, 59)]


@settings(max_examples=60, deadline=None)
@given(
    base=st.integers(2, 5), threshold=st.integers(0, 6), men=st.integers(0, 12),
    women=st.integers(0, 12), came=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    known=st.booleans(),
)  # fmt: skip
def test_a_range_holds_every_count_that_gives_these_releases(
    base, threshold, men, women, came, known
):
    def release(men, women):
        return shown({TOTAL: men + women, MEN: men, WOMEN: women}, base, threshold)

    one, other = release(men, women), release(men + came[0], women + came[1])
    added = sum(came) if known else None

    found = differences(one, other, base, threshold=threshold, added=added)

    truths = [
        ({MEN: m, WOMEN: w, TOTAL: m + w}, {MEN: m + a, WOMEN: w + b, TOTAL: m + w + a + b})
        for m, w in itertools.product(range(18), repeat=2)
        if release(m, w) == one
        for a, b in itertools.product(range(10), repeat=2)
        if added in (None, a + b) and release(m + a, w + b) == other
    ]
    assert not found.records_left
    assert {move.items for move in found.moves} == {
        items for items in (TOTAL, MEN, WOMEN) if one.get(items) != other.get(items)
    }
    for move in found.moves:
        for before, after in truths:
            assert move.before[0] <= before[move.items] <= move.before[1]
            assert move.after[0] <= after[move.items] <= move.after[1]
            assert move.came[0] <= after[move.items] - before[move.items] <= move.came[1]


def test_rows_are_counted_by_value_and_tables_taken_as_they_are():
    rows = Published(records=[MEN, MEN, WOMEN, ()])
    assert counts_of(rows) == {TOTAL: 4, MEN: 2, WOMEN: 1}

    both = (("gender", "Male"), ("year", "2020"))
    assert counts_of(Published(records=[both]), 2)[both] == 1
    assert both not in counts_of(Published(records=[both]))
    assert counts_of(Published(combinations=[(MEN, 20)])) == {MEN: 20}


def test_rows_are_compared_by_the_variables_whose_counts_they_claim():
    claims = [SingleCounts(k=10, columns=("gender",))]
    earlier = Published(records=[MEN] * 100 + [(("year", "2019"),)] * 7)
    later = Published(records=[MEN] * 110)

    found = check_previous((claims, [earlier]), (claims, [later]), 10)
    (other,) = check_previous((claims, [earlier]), ([SingleCounts(k=10)], [later]), 10)

    told = " ".join(check.message for check in found)
    assert "Male" in told
    assert "2019" not in told
    assert other.result is Result.NOT_CHECKED
