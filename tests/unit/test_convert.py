"""Conversion takes nothing for something else, and tells every fault with the path to it."""

import datetime
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal

import pytest
import tomli
from attrs import NOTHING, evolve, field, frozen, has, validators
from hypothesis import assume, given
from hypothesis import strategies as st

from ctdc_framework.codebook.rules import BUILT_IN
from ctdc_framework.loading import registry
from ctdc_framework.loading.parameters import describe
from ctdc_framework.problems.faults import Faults
from ctdc_framework.toml.convert import (
    Fault,
    entry,
    fields_of,
    key_of,
    matching,
    structure,
    unstructure,
)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@frozen(kw_only=True)
class Inner:
    name: str = entry("its name")
    size: int = entry("its size", default=1, validator=validators.ge(1))


@frozen(kw_only=True)
class Outer:
    number: int = entry("a number", default=0, validator=[validators.ge(0), validators.le(9)])
    share: float = entry("a share", default=0.5)
    word: str = entry("a word", default="", validator=matching("[a-z]*", "small letters"))
    yes: bool = entry("yes", default=False)
    day: datetime.date | None = entry("a day", default=None)
    one: Literal["a", "b"] = entry("one of two", default="a")
    two: Literal[2, 3] = entry("one of two numbers", default=2)
    colour: Colour = entry("a colour", default=Colour.RED)
    from_: str | int = entry("text or number", key="from", default="")
    keys: Literal["all"] | tuple[str, ...] = entry("all or a list", default="all")
    grid: tuple[tuple[int, ...], ...] = entry("rows of numbers", default=((1,),))
    pair: tuple[int, str] = entry("a number and a text", default=(1, "x"))
    inner: Inner | None = entry("one inside", default=None)
    many: tuple[Inner, ...] = entry("several inside", default=())
    named: Mapping[str, Inner] = entry("several by name", factory=dict)
    numbers: dict[str, tuple[int, ...]] = entry("lists by name", factory=dict)
    full: tuple[str, ...] = entry("at least one", default=("x",), validator=validators.min_len(1))
    anything: Any = entry("anything", default=None)
    hidden: int = field(default=7, metadata={"in_toml": False})


def faults(value, cls=Outer):
    with pytest.raises(Faults) as caught:
        structure(value, cls)
    return caught.value.faults


def tried(value, cls):
    try:
        return structure(value, cls), ()
    except Faults as found:
        return None, found.faults


TYPES = {
    "whole": (int, [3, -3, 10**17], [10.7, 3.0, True, "3", [3], {}, None, 10**18, 16**5000]),
    "number": (float, [1, 1.5, -2], [True, "1", [1.0], float("nan"), float("inf"), 10**400]),
    "text": (str, ["", "x"], [1, 1.5, True, ["x"], datetime.date(2021, 9, 1), 16**5000]),
    "truth": (bool, [True, False], [0, 1, "true", "yes", []]),
    "date": (datetime.date, [datetime.date(2021, 9, 1)],
             [datetime.datetime(2021, 9, 1), "2021-09", "20210901", "2021-W35-3", 2021, "x"]),
    "literal": (Literal["a", "b"], ["a"], ["c", "A", 1, ["a"]]),
    "literal number": (Literal[1], [1], [True, 1.0, "1", 2]),
    "literal truth": (Literal[True], [True], [1, False, "true"]),
    "texts": (tuple[str, ...], [], ["x", [1], [["x"]], {"x": 1}]),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_a_type_takes_its_own_values_and_no_others(name):
    cls, right, wrong = TYPES[name]
    for value in right:
        taken = structure(value, cls)
        assert taken == value
        assert type(taken) is (float if cls is float else type(value))
    for value in wrong:
        (fault,) = faults(value, cls)
        assert fault.message
        assert len(fault.message) < 200


def test_an_iso_date_may_be_a_text_and_a_whole_number_a_float():
    assert structure("2021-09-01", datetime.date) == datetime.date(2021, 9, 1)
    assert structure({"share": 1}, Outer).share == 1.0


@pytest.mark.parametrize(
    ("value", "path", "kind", "says", "help"),
    [
        ({"number": 10.7}, ("number",), "014", "`number` must be a whole number, found 10.7", ""),
        ({"number": True}, ("number",), "012", "`number` must be a whole number, found true", ""),
        ({"number": -1}, ("number",), "019", "`number` must be >= 0", ""),
        ({"number": 10}, ("number",), "019", "`number` must be <= 9", ""),
        ({"word": "X"}, ("word",), "019", "`word` is small letters, not `X`", ""),
        ({"word": 5}, ("word",), "012", "`word` must be a text", 'write "5"'),
        ({"full": []}, ("full",), "019", "`full` may not be empty", ""),
        ({"numbr": 1}, ("numbr",), "010", "unknown key `numbr`", "did you mean `number`?"),
        ({"hidden": 1}, ("hidden",), "010", "unknown key `hidden`", ""),
        ({"from_": 1}, ("from_",), "010", "unknown key `from_`", "did you mean `from`?"),
        ({"from": 1.5}, ("from",), "012", "`from` must be a text or a whole number, found", ""),
        ({"one": "c"}, ("one",), "013", "one `c` is not one of a, b", "write one of a, b"),
        ({"two": 4}, ("two",), "013", "`two` must be 2 or 3", "write 2 or 3"),
        ({"colour": "bleu"}, ("colour",), "013", "colour `bleu` is not", "did you mean `blue`?"),
        ({"colour": 1}, ("colour",), "012", "`colour` must be a text", ""),
        ({"keys": "al"}, ("keys",), "013", "keys `al` is not one of all", ""),
        ({"keys": 5}, ("keys",), "012", "`keys` must be a text or an array, found a whole", ""),
        ({"keys": ["a", 5]}, ("keys", 1), "012", "an entry of `keys` must be a text", ""),
        ({"grid": [[1], [2, "3"]]}, ("grid", 1, 1), "012", "an entry of `grid` must be", ""),
        ({"grid": [1]}, ("grid", 0), "012", "an entry of `grid` must be an array", ""),
        ({"pair": [1]}, ("pair",), "012", "`pair` must have 2 entries, found 1", ""),
        ({"pair": ["x", "x"]}, ("pair", 0), "012", "an entry of `pair` must be a whole", ""),
        ({"inner": {}}, ("inner",), "011", "`name` is missing", "its name"),
        ({"inner": 5}, ("inner",), "012", "`inner` must be a table, found a whole number", ""),
        ({"inner": {"name": "x", "size": 0}}, ("inner", "size"), "019", "`size` must be >= 1", ""),
        ({"many": {"name": "x"}}, ("many",), "012", "`many` must be an array", "[[...]]"),
        ({"many": [{"name": "x"}, 5]}, ("many", 1), "012", "an entry of `many` must be", ""),
        ({"named": [{}]}, ("named",), "012", "`named` must be a table", "[table.name]"),
        ({"named": {"x": 5}}, ("named", "x"), "012", "`x` must be a table", ""),
        ({"numbers": {"x": ["y"]}}, ("numbers", "x", 0), "012", "an entry of `x` must", ""),
        ({"day": "soon"}, ("day",), "012", "`day` must be a date, found a text", "2021-09-01"),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(value, path, kind, says, help):
    (fault,) = faults(value)
    assert (fault.path, fault.kind) == (path, kind)
    assert says in fault.message
    assert help in fault.help
    assert fault.at_key == (kind == "010")


def test_all_faults_come_at_once_each_with_its_path():
    value = {
        "number": "x",
        "nix": 1,
        "many": [{"name": 5}, {"name": "x", "size": 0}],
        "named": {"a": {}, "b": {"name": "x", "siz": 1}},
    }
    assert {fault.path for fault in faults(value)} == {
        ("number",),
        ("nix",),
        ("many", 0, "name"),
        ("many", 1, "size"),
        ("named", "a"),
        ("named", "b", "siz"),
    }


def test_what_is_missing_is_told_beside_what_is_wrong():
    found = faults({"size": "x"}, Inner)
    assert {(fault.kind, fault.path) for fault in found} == {("011", ()), ("012", ("size",))}


@frozen(kw_only=True)
class Checked:
    low: int = entry("low", default=0)
    high: int = entry("high", default=1)
    odd: int = entry("odd", default=1, validator=lambda *_: _raise(ValueError()))

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("`low` is above `high`")


def _raise(error):
    raise error


def test_a_validator_that_raises_without_words_is_a_fault_too():
    (fault,) = faults({"odd": 1}, Checked)
    assert fault.message == "`odd` is not allowed"


@frozen(kw_only=True)
class Ordered:
    low: int = entry("low", default=0, validator=validators.ge(0))
    high: int = entry("high", default=1)

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("`low` is above `high`")


def test_a_rule_between_entries_is_a_fault_of_the_whole_and_comes_after_those_of_its_parts():
    (fault,) = faults({"low": 3}, Ordered)
    assert (fault.path, fault.message) == ((), "`low` is above `high`")
    (fault,) = faults({"low": -1, "high": -2}, Ordered)
    assert fault.path == ("low",)


def test_a_fault_can_be_seen_from_further_out():
    fault = Fault(path=("k",), kind="012", message="no").under("rules", 3)
    assert fault.path == ("rules", 3, "k")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
KEYS = st.sampled_from([key_of(one) for one in fields_of(Outer)])


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_value_is_converted_or_its_faults_are_told(value):
    done, found = tried(value, Outer)
    assert all(fault.path[:1] and fault.path[0] in value for fault in found)
    if not found:
        typed = evolve(done, anything=None)  # a date among anything comes back as a text
        assert structure(unstructure(typed), Outer) == typed


# ------------------------------------------------------------------------------------- and back


def strategy_of(cls):
    """Draw values of a parameter class: what TOML could hold, judged by the class itself."""
    some = {
        int: st.integers(1, 6) | st.integers(10, 12),
        float: st.floats(0, 1),
        str: st.sampled_from(["a", "year", "x y"]),
        bool: st.booleans(),
    }

    def of(kind):
        if kind in some:
            return some[kind]
        arguments = getattr(kind, "__args__", ())
        origin = getattr(kind, "__origin__", None)
        if origin is Literal:
            return st.sampled_from(arguments)
        if origin is tuple:
            return st.lists(of(arguments[0]), max_size=3)
        if origin in (dict, Mapping):
            return st.dictionaries(st.sampled_from("ab"), of(arguments[1]), max_size=2)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return st.sampled_from([member.value for member in kind])
        if has(kind):
            return strategy_of(kind)
        return st.one_of([of(one) for one in arguments if one is not type(None)])

    needed = {key_of(one): of(one.type) for one in fields_of(cls) if one.default is NOTHING}
    others = {key_of(one): of(one.type) for one in fields_of(cls) if one.default is not NOTHING}
    return st.fixed_dictionaries(needed, optional=others)


INSTALLED = registry.load()
PARAMS = {
    **{name: one.params for name, one in INSTALLED.strategies.items()},
    **{name: one.params for name, one in INSTALLED.measures.items()},
    **{op: rule.params for op, rule in BUILT_IN.items() if op not in ("derive", "recode")},
}


def test_there_are_installed_parameters_to_test():
    assert {"k-anonymization", "k-synthesis", "rounding", "tabulate", "fold"} <= set(PARAMS)


@pytest.mark.parametrize("name", PARAMS)
@given(data=st.data())
def test_unstructure_then_structure_is_the_identity_for_every_parameter_class(name, data):
    cls = PARAMS[name]
    given = data.draw(strategy_of(cls))
    params, found = tried(given, cls)
    assume(not found)
    again = unstructure(params)
    assert structure(again, cls) == params
    assert unstructure(structure(again, cls)) == again


def test_an_empty_list_is_written_where_the_default_is_another():
    value = Outer(keys=(), grid=(), named={})
    assert unstructure(value)["keys"] == []
    assert "named" not in unstructure(value)
    assert "many" not in unstructure(value)
    assert structure(unstructure(value), Outer) == value


@pytest.mark.parametrize("name", PARAMS)
def test_the_described_defaults_are_toml_that_the_class_takes(name):
    cls = PARAMS[name]
    written = tomli.loads("\n".join(one.as_toml() for one in describe(cls)))
    required = {one.key for one in describe(cls) if one.default == "required"}
    filled = {one.key for one in describe(cls) if one.default.startswith("the codebook's")}
    assert not set(written) & (required | filled)
    _, found = tried(written, cls)
    assert {fault.kind for fault in found} <= {"011"}
