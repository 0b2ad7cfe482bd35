"""A parameter's description follows from its one declaration."""

import datetime
from collections.abc import Mapping
from enum import Enum
from typing import Literal

import pytest
import tomli
from attrs import frozen, validators

from ctdc_framework.loading.parameters import describe, kind_of_type
from ctdc_framework.toml.convert import entry, structure


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@frozen(kw_only=True)
class Params:
    k: int = entry("least records", validator=validators.ge(2), from_codebook="k")
    base: int = entry("multiples", default=5, validator=[validators.ge(2), validators.le(9)])
    most: int | None = entry("most", default=None, validator=validators.optional(validators.lt(7)))
    method: Literal["floor", "ceil"] = entry("how", default="floor")
    colour: Colour = entry("colour", default=Colour.BLUE)
    keys: Literal["all"] | tuple[str, ...] = entry("which", default=('a "b"', "c"))
    from_: str = entry("source", key="from")
    words: Mapping[str, str] = entry("words", factory=lambda: {"a b": "c"})
    share: float = entry("share", default=1e-09)
    yes: bool = entry("yes or no", default=True)
    day: datetime.date = entry("day", default=datetime.date(2021, 9, 1))
    nothing: tuple[str, ...] = entry("nothing", default=())


BY_KEY = {one.key: one for one in describe(Params)}


@pytest.mark.parametrize(
    ("key", "kind", "default", "bounds"),
    [
        ("k", "whole number", "the codebook's k", ", >= 2"),
        ("base", "whole number", "5", ", >= 2 and <= 9"),
        ("most", "whole number", "none", ", < 7"),
        ("method", "one of floor, ceil", '"floor"', ""),
        ("colour", "one of red, blue", '"blue"', ""),
        ("keys", "one of all or list of text", '["a \\"b\\"", "c"]', ""),
        ("from", "text", "required", ""),
        ("words", "table", '{ "a b" = "c" }', ""),
        ("share", "number", "1e-09", ""),
        ("yes", "true or false", "true", ""),
        ("day", "date", '"2021-09-01"', ""),
        ("nothing", "list of text", "[]", ""),
    ],
)
def test_a_parameter_is_described_in_a_stewards_words(key, kind, default, bounds):
    one = BY_KEY[key]
    assert (one.kind, one.default, one.bounds) == (kind, default, bounds)


def test_the_toml_gives_every_default_and_leaves_to_the_user_what_is_his():
    written = "\n".join(one.as_toml() for one in BY_KEY.values())
    read = tomli.loads(written)
    assert set(read) == set(BY_KEY) - {"k", "from", "most"}
    assert structure({**read, "k": 2, "from": "x"}, Params) == Params(k=2, from_="x")
    assert "# least records (whole number, >= 2)\n# k =" in written


def test_a_parameter_is_given_to_scripts_as_texts():
    assert BY_KEY["base"].as_json() == {
        "key": "base",
        "kind": "whole number",
        "default": "5",
        "bounds": ", >= 2 and <= 9",
        "help": "multiples",
    }


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (tuple[tuple[int, ...], ...], "list of list of whole number"),
        (dict[str, int], "table"),
        (str | int, "text or whole number"),
        (Params, "table"),
        (Literal[1, 2], "one of 1, 2"),
    ],
)
def test_types_are_named_in_words(cls, words):
    assert kind_of_type(cls) == words
