"""Reading a codebook: any bytes lead to a codebook or to problems with places, never to a crash."""

import json
import time
from copy import deepcopy

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.codebook_io import (
    check_codebook,
    find_codebook,
    load_codebook,
    shipped_codebooks,
)
from ctdc_framework.errors import CodebookError
from ctdc_framework.rules import BUILT_IN, flow_of

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


def use(codebook):
    import pyarrow as pa
    from ctdc_framework.files import raw_of_arrow
    from ctdc_framework.prepare import prepare
    from ctdc_framework.errors import DataError
    import random
    global OK
    names=[*codebook.variables,*codebook.inputs]
    for _ in range(3):
        some=[n for n in names if random.random()<.7]
        cells=["1","2019","Male","x","0--17","","SRB;XKX","Kosovo","Debt;Threats","5;6"]
        t=pa.table({n:pa.array([random.choice([*cells,*codebook.domain_of(n).codes[:3]]) for _ in range(5)]) for n in some})
        if not some: continue
        try:
            p=prepare(raw_of_arrow(t,"x"),codebook,on_unknown="missing"); OK+=1
        except DataError: pass
OK=0
import atexit; atexit.register(lambda: print("PREPARED",OK))
def answers(path):
    """Check a codebook; whatever it holds, this gives problems with places or says none."""
    try:
        codebook, problems = check_codebook(path)
    except CodebookError as error:
        codebook, problems = None, error.problems
        assert problems or error.message
    assert (codebook is None) == any(p.level == "error" for p in problems) or not problems
    for problem in problems:
        assert problem.render()
        assert problem.place.file == str(path)
        assert problem.place.column <= len(problem.place.source) + 1
    if codebook:
        use(codebook)
        assert flow_of(codebook.rules, BUILT_IN).cycle == ()
        assert {column.variable for column in codebook.columns} <= set(codebook.variables)
        assert set(codebook.names.values()) == {*codebook.variables, *codebook.inputs}
    return codebook


def test_the_rich_codebook_has_no_problems(toy_text, file_of):
    path = file_of(rich_text(toy_text))
    assert check_codebook(path)[1] == []
    inline = check_codebook(file_of(document(tomli.loads(path.read_text()))))
    assert inline[1] == []


@settings(max_examples=2500, deadline=None)
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


@settings(max_examples=2500, deadline=None)
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
