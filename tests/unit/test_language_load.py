"""Reading a codebook: any bytes lead to a codebook or to problems with places, never to a crash."""

import json
import time
from copy import deepcopy

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.codebook.rules import BUILT_IN, flow_of
from ctdc_framework.errors import CodebookError
from ctdc_framework.language.load import (
    check_codebook,
    find_codebook,
    load_codebook,
    shipped_codebooks,
)

RICH = """
[templates.flag]
domain = "std/flag"
role = ["sensitive"]
[variables.farmed]
use = "flag"
definition = "See {note:farm}, {vars:year..forced} and {section:s}."
[variables.farmed.contributors]
iom = { status = "partial", since = 2019 }
[contributors.iom]
label = "IOM"
years = [2002, 2021]
[domains.country]
kind = "country"
as_of = 2021-09-01
plus = ["XKX"]
minus = ["ATA"]
[inputs.countries]
domain = "country"
list = ";"
[inputs.first]
domain = "country"
[inputs.other]
domain = "country"
[[rules]]
id = "first"
op = "first"
from = "countries"
to = "first"
because = ""
[[rules]]
id = "either"
op = "coalesce"
from = ["first"]
to = "other"
mode = "fill"
because = ""
[[rules]]
id = "boundaries"
op = "recode"
on = ["countries", "other"]
map = { Kosovo = "XKX", Tibet = "CHN" }
because = ""
[[rules]]
id = "farmed"
op = "derive"
any = [{ var = "farm", is = 1 }, { var = "gender", in = ["Male"] }, { var = "age", missing = true }]
to = "farmed"
because = ""
[[checks]]
id = "never"
never = [{ var = "gender", is = "Male" }, { var = "farm", missing = true }]
[[checks]]
id = "other"
never = [{ var = "other", is = "SRB" }]
[notes.farm]
title = "Farm"
text = "A farm."
[[sections]]
id = "s"
title = "S"
text = "Text."
[[errata]]
at = "sections.s"
where = "p. 1"
printed = "S"
"""


def rich_text(toy_text):
    return toy_text.replace(', "forced"]', ', "forced", "farmed"]') + RICH


def dumps(value):
    """Write a value as TOML, tables in braces."""
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {dumps(one)}" for key, one in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(dumps, value))}]"
    if isinstance(value, bool | str):
        return json.dumps(value)
    return str(value)


def document(data):
    return "\n".join(f"{json.dumps(key)} = {dumps(value)}" for key, value in data.items())


def places(value):
    """Every container in a document with a key or index of it."""
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield value, key
            yield from places(value[key])


ODD = [0, 1, -5, 10**17, 10**30, 10.7, float("inf"), float("nan"), True, False, "", "x", " ", "=x",
       "year", "gender", "Male", "std/flag", "forced", "{var:x}", "{from}", "\u0000", "e\u0301", [],
       [1], ["x"], ["year", "year"], [[]], [{}], [{"id": "x"}], {}, {"x": 1}, {"kind": "range"},
       {"year": {}}, {"domain": "year"}, {"": ""}]  # fmt: skip


def answers(path):
    """Check a codebook; whatever it holds, this gives problems with places or says none."""
    try:
        codebook, problems = check_codebook(path)
    except CodebookError as error:
        codebook, problems = None, error.problems
    assert (codebook is None) == any(p.level == "error" for p in problems) or not problems
    for problem in problems:
        assert problem.render()
        assert problem.place.file == str(path)
        assert problem.place.column <= len(problem.place.source) + 1
    if codebook:
        assert flow_of(codebook.rules, BUILT_IN).cycle == ()
        assert {column.variable for column in codebook.columns} <= set(codebook.variables)
        assert set(codebook.names.values()) == {*codebook.variables, *codebook.inputs}
    return codebook


def test_the_rich_codebook_has_no_problems(toy_text, file_of):
    path = file_of(rich_text(toy_text))
    assert check_codebook(path)[1] == []
    inline = check_codebook(file_of(document(tomli.loads(path.read_text()))))
    assert inline[1] == []


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_values_of_any_other_kind_give_problems_and_no_traceback(data, toy_text, file_of):
    book = tomli.loads(rich_text(toy_text))
    for _ in range(data.draw(st.integers(1, 4))):
        inside, key = data.draw(st.sampled_from(list(places(book))))
        change = data.draw(st.sampled_from(["delete", "replace", "move", "add"]))
        if change == "delete":
            del inside[key]
        elif change == "replace":
            inside[key] = deepcopy(data.draw(st.sampled_from(ODD)))
        elif change == "move":
            _, other = data.draw(st.sampled_from(list(places(book))))
            value = deepcopy(inside[key])
            if isinstance(inside, dict):
                inside[str(other)] = value
            else:
                inside.append(value)
        elif isinstance(inside, dict):
            inside["nix"] = deepcopy(data.draw(st.sampled_from(ODD)))
    answers(file_of(document(book)))


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_lines_and_characters_changed_give_problems_and_no_traceback(data, toy_text, file_of):
    lines = rich_text(toy_text).split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["delete", "double", "swap", "character", "cut"]))
        if change == "delete":
            lines[at : at + 1] = [] if len(lines) > 1 else [""]
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif change == "character" and lines[at]:
            place = data.draw(st.integers(0, len(lines[at]) - 1))
            new = data.draw(st.text(max_size=2))
            lines[at] = lines[at][:place] + new + lines[at][place + 1 :]
        elif change == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
    text = "\n".join(lines).encode("utf-8", "replace")
    answers(file_of(text))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_an_answer(file_of, content):
    assert answers(file_of(content)) is None


# ------------------------------------------------------------------- bytes, syntax, sizes, names


def only_problem(path):
    with pytest.raises(CodebookError) as caught:
        load_codebook(path)
    (problem,) = caught.value.problems
    return problem


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(toy_text, file_of, toy):
    for content in (b"\xef\xbb\xbf" + toy_text.encode(), toy_text.replace("\n", "\r\n").encode()):
        codebook = load_codebook(file_of(content))
        assert codebook.variables == toy.variables
        assert codebook.digest != toy.digest


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_are_counted_alike_whatever_the_line_ends_are(end, toy_text, file_of):
    text = toy_text.replace("nullable   = false", "nullable   = 5")
    _, problems = check_codebook(file_of("\ufeff" + text.replace("\n", end)))
    (problem,) = (one for one in problems if one.level == "error")
    assert problem.place.column == 14
    assert problem.place.source == "nullable   = 5"


def test_windows_1252_is_named_with_the_character_it_would_be(toy_text, file_of):
    content = toy_text.replace("Gender.", "Gender \u2013").encode("cp1252")
    problem = only_problem(file_of(content))
    assert problem.code == "CB003"
    assert f"byte 0x96 at offset {content.index(0x96)}" in problem.message
    assert "'\u2013'" in problem.message


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("title = \u201cx\u201d", "a straight one"),
        ('title = "x', "close it"),
        ("k = 1 2", "a new line"),
        ("k = ", "quotes"),
    ],
)
def test_what_is_no_toml_is_shown_with_its_line(written, says, toy_text, file_of):
    problem = only_problem(file_of(f"# first\n{written}\n"))
    assert problem.code == "CB001"
    assert problem.message.startswith("not valid TOML: ")
    assert problem.place.line == 2
    assert problem.place.source == written
    assert says in problem.help


def test_syntax_that_ends_too_early_points_at_the_last_line(file_of):
    problem = only_problem(file_of('a = """\nnever\nclosed'))
    assert (problem.place.line, problem.place.source) == (3, "closed")


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 5000 + "]" * 5000,
        "[" + ".".join("a" * 5000) + "]",
        "x = " + "{a=" * 5000 + "1" + "}" * 5000,
        "x = " + "9" * 5000,
        "[codebook]\nid = 0x" + "f" * 5000,
        "[privacy]\nk = 0x" + "f" * 5000,
        "[" + ".".join("a" * 300) + "]\nx = 1",
        "[variables.x]\n" + ".".join("a" * 300) + " = '{var:y}'",
    ],
    ids=["arrays", "keys", "braces", "number", "text", "k", "deep", "deep text"],
)
def test_what_is_too_deep_or_too_large_is_a_problem_like_any_other(text, file_of):
    assert answers(file_of(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "bands = [" + "{ from = 1, to = 2 },\n" * 1_000_000 + "]",
        '[domains.d]\nkind = "bands"\nbands = [' + "{ from = 1 },\n" * 60_000 + "]",
        "[codebook]\n" + "\n".join(f"a{n} = 1" for n in range(40_000)),
        "[codebook]\norder = [" + "\n".join(f'"a{n}",' for n in range(40_000)) + "]",
        "\n".join(f'[variables.a{n}]\ndomain = "b{n}"' for n in range(5_000)),
        '[domains.d]\nkind = "range"\nmin = -9000000000\nmax = 9000000000\n'
        '[variables.x]\ndomain = "d"\nlist = ";"',
    ],
    ids=["million bands", "many bands", "keys", "order", "variables", "range"],
)
def test_what_is_far_too_long_is_refused_within_seconds(text, file_of):
    path = file_of(text)
    start = time.process_time()
    assert answers(path) is None
    assert time.process_time() - start < 8


def test_of_very_many_problems_some_are_told_and_the_others_counted(file_of):
    _, problems = check_codebook(file_of("\n".join(f"a{n} = 1" for n in range(1000))))
    assert len(problems) == 101
    assert problems[-1].message.startswith("and 903 more")  # 1000, and three tables missing


@pytest.mark.parametrize(
    "name", ["nix.toml", "./nix", "", "a" * 5000, "a" * 5000 + ".toml", "a\0", "a\0.toml"]
)
def test_a_file_that_is_not_there_is_an_error_without_a_traceback(name):
    with pytest.raises(CodebookError) as caught:
        load_codebook(name)
    assert caught.value.exit_code == 1


def test_a_folder_is_no_codebook(tmp_path):
    with pytest.raises(CodebookError, match="is a directory"):
        load_codebook(tmp_path / "")


def test_a_shipped_codebook_goes_by_its_name_and_near_names_are_suggested(tmp_path, monkeypatch):
    assert {"ctdc-2021", "minimal"} <= set(shipped_codebooks())
    assert find_codebook("minimal") == shipped_codebooks()["minimal"]
    with pytest.raises(CodebookError, match="ctdc-2021") as caught:
        find_codebook("ctdc-2o21")
    assert caught.value.help == "did you mean `ctdc-2021`?"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("x = 1")
    assert find_codebook("mine").read_text() == "x = 1"


def test_variables_come_in_the_order_of_the_codebook_and_not_of_the_file(toy_text, codebook_of):
    text = toy_text.replace(
        '["year", "gender", "ageBroad", "means", "forced"]',
        '["forced", "means", "ageBroad", "gender", "year"]',
    )
    assert list(codebook_of(text).variables) == ["forced", "means", "ageBroad", "gender", "year"]
    without = toy_text.replace('order   = ["year", "gender", "ageBroad", "means", "forced"]', "")
    assert list(codebook_of(without).variables)[-1] == "forced"
