"""Grouping rules: their order follows from what they read, and a missing flag is never a no."""

from itertools import permutations

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.codebook.columns import Column
from ctdc_framework.codebook.model import Condition, RuleEntry
from ctdc_framework.codebook.rewriting import Recode
from ctdc_framework.codebook.rules import (
    BUILT_IN,
    Bin,
    Coalesce,
    Derive,
    First,
    Fold,
    Rows,
    flow_of,
    holds,
)
from ctdc_framework.demo.records import fabricate_cases
from ctdc_framework.language.load import load_codebook
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.records.files import raw_of_arrow

FLAGS = st.lists(st.sampled_from(["1", None]), min_size=4, max_size=4)


def applied(params, codebook=None, **columns):
    """Apply the rule whose parameters these are, to columns given as lists."""
    (rule,) = (rule for rule in BUILT_IN.values() if rule.params is type(params))
    made = {name: Column.of(values) for name, values in columns.items()}
    rows = max((len(values) for values in columns.values()), default=4)
    return rule.apply(params, Rows(columns=made, rows=rows, codebook=codebook)).values()


def entry(id, sources, target):
    return RuleEntry(
        id=id, op="coalesce", because="", params=Coalesce(from_=tuple(sources), to=target)
    )


def ids(entries):
    return [one.id for one in entries]


# ----------------------------------------------------------------------------------- data flow


@st.composite
def acyclic(draw):
    """Rules that each read earlier names and write their own, under ids in no order."""
    size = draw(st.integers(1, 8))
    names = draw(st.permutations(range(size)))
    made = []
    for number in range(size):
        sources = draw(st.sets(st.integers(0, number), max_size=3)) | {0}
        made.append(entry(f"r{names[number]}", [f"v{n}" for n in sources], f"v{number + 1}"))
    return made


@given(rules=acyclic(), data=st.data())
def test_the_order_of_rules_does_not_depend_on_their_position(rules, data):
    flow = flow_of(rules, BUILT_IN)
    assert flow.cycle == ()
    assert flow_of(data.draw(st.permutations(rules)), BUILT_IN).ordered == flow.ordered
    assert sorted(ids(flow.ordered)) == sorted(ids(rules))
    written = {"v0"}
    for one in flow.ordered:
        assert set(one.params.from_) <= written
        written.add(one.params.to)


def test_among_rules_that_are_free_to_run_the_smaller_id_goes_first():
    rules = [entry("z", ["in"], "x"), entry("b", ["x"], "y"), entry("m", ["in"], "w")]
    for order in permutations(rules):
        assert ids(flow_of(order, BUILT_IN).ordered) == ["m", "z", "b"]
    later = [*rules, entry("c", ["w"], "v")]
    assert ids(flow_of(later, BUILT_IN).ordered) == ["m", "c", "z", "b"]


@given(rules=acyclic(), data=st.data())
def test_a_cycle_is_found_wherever_it_is_and_holds_only_its_own(rules, data):
    last = f"v{len(rules)}"
    back = entry("back", [last], "v0")
    shuffled = data.draw(st.permutations([*rules, back, entry("after", [last], "end")]))
    cycle = flow_of(shuffled, BUILT_IN).cycle
    assert "after" not in ids(cycle)
    assert "back" in ids(cycle)
    # Each reads what the one before it writes, and the first what the last does.
    for before, one in zip((cycle[-1], *cycle), cycle, strict=False):
        assert before.params.to in one.params.from_


def test_recodes_take_no_part_in_the_order():
    recode = RuleEntry(id="r", op="recode", because="", params=Recode(on=("x",), map={"a": "b"}))
    flow = flow_of([entry("one", ["x"], "y"), recode], BUILT_IN)
    assert ids(flow.rewriting) == ["r"]
    assert ids(flow.ordered) == ["one"]
    assert BUILT_IN["recode"].apply is None


def test_thousands_of_rules_are_ordered_at_once():
    rules = [entry(f"r{n:05}", [f"v{n}"], f"v{n + 1}") for n in reversed(range(5000))]
    assert ids(flow_of(rules, BUILT_IN).ordered) == sorted(ids(rules))


@pytest.fixture(scope="module")
def cases():
    return raw_of_arrow(fabricate_cases(300, np.random.default_rng(1)), "cases")


@pytest.fixture(scope="module")
def ctdc():
    return load_codebook("ctdc-2021")


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_position_of_a_rule_never_changes_what_is_prepared(data, cases, ctdc):
    shuffled = evolve(ctdc, rules=tuple(data.draw(st.permutations(ctdc.rules))))
    codes = prepare(cases, ctdc).table.codes
    assert np.array_equal(prepare(cases, shuffled).table.codes, codes)
    assert (codes >= 0).any()


# -------------------------------------------------------------------------- flags and conditions


def is_1(name):
    return Condition(var=name, is_=1)


@given(FLAGS, FLAGS)
def test_any_is_set_where_one_is_known_to_be_and_all_where_each_is(a, b):
    pairs = list(zip(a, b, strict=True))
    either = Derive(to="t", any=(is_1("a"), is_1("b")))
    both = Derive(to="t", all=(is_1("a"), is_1("b")))
    assert applied(either, a=a, b=b) == ["1" if "1" in pair else None for pair in pairs]
    assert applied(both, a=a, b=b) == ["1" if pair == ("1", "1") else None for pair in pairs]


@given(FLAGS, FLAGS)
def test_setting_a_flag_that_was_missing_never_unsets_the_target(a, more):
    fuller = ["1" if "1" in pair else None for pair in zip(a, more, strict=True)]
    for how in ("any", "all"):
        params = Derive(to="t", **{how: (is_1("a"), is_1("b"))})
        before, after = applied(params, a=a, b=a), applied(params, a=fuller, b=fuller)
        assert all(new == "1" for old, new in zip(before, after, strict=True) if old == "1")


@given(FLAGS)
def test_an_absent_column_is_unknown_throughout(a):
    either = Derive(to="t", any=(is_1("a"), is_1("b")))
    both = Derive(to="t", all=(is_1("a"), is_1("b")))
    assert applied(either, a=a) == a
    assert applied(both, a=a) == [None] * 4
    assert applied(Fold(from_=("a", "b"), to="t"), a=a) == a


@given(FLAGS, FLAGS)
def test_a_fold_is_set_where_one_of_its_sources_is(a, b):
    folded = applied(Fold(from_=("a", "b"), to="t"), a=a, b=b)
    assert folded == ["1" if "1" in pair else None for pair in zip(a, b, strict=True)]


def test_no_rule_ever_writes_a_0():
    for how in ("any", "all"):
        assert applied(Derive(to="t", **{how: (is_1("a"),)}), a=["1", None]) == ["1", None]


def mask(condition, values):
    return holds(condition, Column.of(values)).tolist()


def test_conditions_hold_for_known_values_only():
    values = ["Male", None, "Female", "Other"]
    assert mask(Condition(var="g", is_="Male"), values) == [True, False, False, False]
    assert mask(Condition(var="g", in_=("Male", "Other")), values) == [True, False, False, True]
    assert mask(Condition(var="g", missing=True), values) == [False, True, False, False]


def test_numbers_in_a_condition_are_compared_as_codes():
    assert mask(Condition(var="a", is_=17), [17, 18, None]) == [True, False, False]
    assert mask(Condition(var="a", is_="17"), [17, 18, None]) == [True, False, False]
    assert mask(Condition(var="f", is_=1), ["1", None]) == [True, False]


def test_of_a_cell_that_lists_several_one_is_enough():
    cells = [("a", "b"), ("b",), None]
    assert mask(Condition(var="x", is_="a"), cells) == [True, False, False]
    assert mask(Condition(var="x", in_=("a", "b")), cells) == [True, True, False]


@pytest.mark.parametrize(
    "wrong", [{}, {"is_": 1, "missing": True}, {"is_": 1, "in_": (1,)}, {"in_": (), "is_": None}]
)
def test_a_condition_says_exactly_one_thing(wrong):
    with pytest.raises(ValueError, match="write `is`, `in` or `missing = true`"):
        Condition(var="x", **wrong)


def test_derive_says_either_any_or_all():
    for wrong in ({}, {"any": (is_1("a"),), "all": (is_1("b"),)}):
        with pytest.raises(ValueError, match="either"):
            Derive(to="t", **wrong)


# ------------------------------------------------------------------------------ the other rules


@given(st.lists(st.lists(st.sampled_from([None, "x", "y"]), min_size=3, max_size=3), min_size=1))
def test_coalesce_takes_the_first_known_in_the_order_of_preference(columns):
    names = [f"c{number}" for number in range(len(columns))]
    params = Coalesce(from_=tuple(reversed(names)), to="t")
    wanted = [
        next((cell for cell in reversed(row) if cell is not None), None)
        for row in zip(*columns, strict=True)
    ]
    assert applied(params, **dict(zip(names, columns, strict=True))) == wanted


def test_coalesce_passes_over_columns_that_the_file_lacks():
    assert applied(Coalesce(from_=("a", "b"), to="t"), b=["x", None]) == ["x", None]


def test_first_takes_the_first_of_those_listed():
    cells = [("SRB", "CHN"), ("CHN",), None]
    assert applied(First(from_="a", to="t"), a=cells) == ["SRB", "CHN", None]


def test_bin_puts_a_number_into_its_band(toy):
    ages = [0, 17, 18, 29, 30, 120, None, -1]
    bands = applied(Bin(from_="age", to="ageBroad"), codebook=toy, age=ages)
    assert bands == ["0--17", "0--17", "18--29", "18--29", "30+", "30+", None, None]
    assert BUILT_IN["bin"].total


def test_what_a_rule_reads_and_writes_follows_from_its_parameters():
    derive = Derive(to="t", any=(is_1("a"), is_1("b"), is_1("a")))
    assert BUILT_IN["derive"].reads(derive) == ("a", "b")
    assert BUILT_IN["derive"].writes(derive) == ("t",)
    recode = Recode(on=("x", "y"), map={"a": "b"})
    assert BUILT_IN["recode"].reads(recode) == BUILT_IN["recode"].writes(recode) == ()
    assert BUILT_IN["recode"].rewrites(recode) == (("x", "y"), {"a": "b"})
    assert [op for op, rule in BUILT_IN.items() if rule.shares_target] == ["fold"]


def test_the_shipped_rules_run_after_what_they_read(ctdc):
    order = ids(flow_of(ctdc.rules, BUILT_IN).ordered)
    assert order.index("first-citizenship") < order.index("citizenship-or-origin")
    assert "un-boundaries" not in order
