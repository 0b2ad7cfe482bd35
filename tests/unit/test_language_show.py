"""What a codebook is after all that it extends: the lines mean the same, and say who wrote them."""

import doctest
import json

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.errors import CodebookError
from ctdc_framework.language import show as codebook_show
from ctdc_framework.language.inheritance import DEEPEST, inherit
from ctdc_framework.language.load import shipped_codebooks
from ctdc_framework.language.show import as_json, show
from ctdc_framework.toml.file import read_toml

BASE = """\
[privacy]
k = 3
[domains.gender]
kind = "enum"
values = [
  { code = "Female" },
  { code = "Male", label = "man" },
]
[variables.gender]
role = ["quasi"]
definition = "Gender."
[[rules]]
id = "a"
"""


@pytest.fixture
def of(tmp_path):
    """Write a child beside the base, and give the two put together."""
    (tmp_path / "base.toml").write_text(BASE)

    def write(text, name="child.toml"):
        (tmp_path / name).write_text(text)
        return inherit(read_toml(tmp_path / name, CodebookError, "CB"), shipped_codebooks())[0]

    return write


CHILD = '[codebook]\nextends = "base.toml"\n[variables.gender]\ncaveat = "x"\n[[rules]]\nid = "b"\n'


def test_each_line_says_the_file_and_the_line_of_its_value(of):
    lines = [line for line in show(of(CHILD), origin=True) if "# " in line]

    assert lines == [
        "k = 3  # base.toml:2",
        'kind = "enum"  # base.toml:4',
        '  { code = "Female" },  # base.toml:6',
        '  { code = "Male", label = "man" },  # base.toml:7',
        'role = ["quasi"]  # base.toml:10',
        'definition = "Gender."  # base.toml:11',
        'caveat = "x"  # child.toml:4',
        'id = "a"  # base.toml:13',
        'id = "b"  # child.toml:6',
    ]


def test_without_origins_there_are_the_same_lines_without_comments(of):
    file = of(CHILD)

    assert [line.partition("  # ")[0] for line in show(file, origin=True)] == show(file)
    assert "k = 3" in show(file)


def test_a_line_from_two_files_names_both(of):
    text = '[codebook]\nextends = "base.toml"\nlang = "fr"\n[domains.gender]\n'
    file = of(text + 'values = [{ code = "Male", label = "homme" }]\n', "base.fr.toml")

    assert '  { code = "Male", label = "homme" },  # base.toml:7, base.fr.toml:5' in show(
        file, origin=True
    )
    origins = as_json(file, origin=True)["origins"]
    assert origins["/domains/gender/values/1/code"] == "base.toml:7"
    assert origins["/domains/gender/values/1/label"] == "base.fr.toml:5"
    assert origins["/codebook/lang"] == "base.fr.toml:3"


def test_an_order_that_is_made_up_of_two_files_says_so_for_each_name(of, tmp_path):
    (tmp_path / "base.toml").write_text('codebook.order = ["gender"]\n' + BASE)
    new = '[variables.new]\ndomain = "d"\nrole = ["none"]\ndefinition = ""\n'
    file = of('[codebook]\nextends = "base.toml"\n' + new)

    assert file.data["codebook"]["order"] == ["gender", "new"]
    (line,) = (line for line in show(file, origin=True) if line.startswith("order"))
    assert line == 'order = ["gender", "new"]  # base.toml:1, child.toml:3'
    assert as_json(file, origin=True)["origins"]["/codebook/order/1"] == "child.toml:3"


@pytest.mark.parametrize("name", sorted(shipped_codebooks()))
def test_a_shipped_codebook_means_the_same_when_it_is_shown(name):
    file = read_toml(shipped_codebooks()[name], CodebookError, "CB")

    for origin in (False, True):
        assert tomli.loads("\n".join(show(file, origin=origin))) == file.data
    assert json.loads(json.dumps(as_json(file, origin=True), allow_nan=False))["origins"]


def test_what_is_nested_too_deep_is_refused(file_of):
    file = read_toml(file_of(f"[x{'.x' * (DEEPEST + 9)}]"), CodebookError, "CB")

    for shown in (show, as_json):
        with pytest.raises(CodebookError, match="deep"):
            shown(file)


def test_a_number_that_python_writes_not_in_tens_is_shown(file_of):
    file = read_toml(file_of(f"x = 0x{'f' * 9000}"), CodebookError, "CB")

    assert tomli.loads(show(file)[0]) == file.data
    assert json.dumps(as_json(file))


KEYS = st.sampled_from(["a", "b c", "", "é", "#", "rules", 'q"', "x.y", "\u0007"])
VALUES = st.recursive(
    st.sampled_from([
        "x", "\u0000", "say # 'x'", 3, -2, True, 2.5, "1979-05-27T07:32:00.5Z", "07:32:00", 1e300,
        "line\nend", float("inf"), -0.0,
    ]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def written(value):
    """TOML by a way of its own: everything inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str) and value[:1].isdigit():
        return value
    return {float("inf"): "inf"}.get(value) or json.dumps(value)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_what_is_shown_means_what_the_file_says(file_of, data, origin):
    text = "".join(f"{json.dumps(key)} = {written(value)}\n" for key, value in data.items())
    file = read_toml(file_of(text), CodebookError, "CB")

    lines = show(file, origin=origin)
    assert tomli.loads("\n".join(lines)) == file.data
    assert not any("\n" in line for line in lines)
    assert json.dumps(as_json(file, origin=origin), allow_nan=False)


def test_doctests():
    assert doctest.testmod(codebook_show).failed == 0
