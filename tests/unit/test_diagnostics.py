"""The catalogue of codes: each is explained, and its examples earn what they are said to earn."""

import re
from pathlib import Path

import pytest

from ctdc_framework import diagnostics
from ctdc_framework.codebook_io import check_codebook
from ctdc_framework.errors import CodebookError, CtdcError

BASE = """\
[codebook]
dsl = 1
id = "example"
title = "An example"
version = "1.0.0"
[privacy]
k = 10
[missing]
codes = [{ code = "NULL", reason = "not-recorded" }]
[domains.gender]
kind = "enum"
values = [{ code = "Female" }, { code = "Male" }]
[domains.age-band]
kind = "bands"
bands = [{ from = 0, to = 17 }, { from = 18 }]
[variables.gender]
domain = "gender"
role = ["quasi"]
definition = "Gender."
[variables.ageBand]
domain = "age-band"
role = ["quasi"]
definition = "Age."
[variables.forced]
domain = "std/flag"
role = ["sensitive"]
definition = "Forced labour."
[inputs.age]
domain = "std/integer"
[inputs.farm]
domain = "std/flag"
[[rules]]
id = "age-to-band"
op = "bin"
from = "age"
to = "ageBand"
because = "Exact ages single people out."
[[checks]]
id = "farm-work"
never = [{ var = "farm", is = 1 }, { var = "forced", missing = true }]
"""

EXPLAINED = diagnostics.catalogue().values()
EXAMPLES = [one for one in EXPLAINED if one.wrong]
NONE = {"CB000", "CB002", "CB003", "CB208", "CB240", "CB241", "CB242", "CB243"}
"""What bytes, very many problems, plugins or a second file are needed for."""


def blocks(text):
    return re.split(r"^(?=\[)", text, flags=re.MULTILINE)


def with_example(example):
    """The base with the example's tables, which stand in for those of the same header."""
    new = blocks(example)
    headers = {block.split("\n")[0] for block in new if not block.startswith("[[")}
    kept = [block for block in blocks(BASE) if block.split("\n")[0] not in headers]
    return "".join([*kept, *new])


def given(path):
    try:
        return {problem.code for problem in check_codebook(path)[1]}
    except CodebookError as error:
        return {problem.code for problem in error.problems}


@pytest.fixture(scope="session")
def example_file(tmp_path_factory):
    def write(text):
        path = tmp_path_factory.mktemp("example") / "example.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.code)
def test_the_wrong_example_earns_exactly_its_code_and_the_right_one_nothing(one, example_file):
    assert given(example_file(with_example(one.wrong))) == {one.code}
    assert given(example_file(with_example(one.right))) == set()


def test_every_code_of_a_codebook_has_examples_unless_no_text_can_show_it():
    without = {one.code for one in EXPLAINED if not (one.wrong and one.right)}
    assert {code for code in without if code < "CB300"} == NONE


def test_the_reference_lists_what_the_catalogue_explains():
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"
    listed = dict(re.findall(r"^\| ((?:CB|PL)\d{3}) \| (.*) \|$", page.read_text("utf-8"), re.M))
    assert listed == {one.code: one.title for one in EXPLAINED}


def test_each_says_why_and_no_line_is_too_long():
    for one in EXPLAINED:
        assert one.why
        assert all(len(line) <= 105 for line in one.render().splitlines())
    assert list(diagnostics.catalogue()) == sorted(diagnostics.catalogue())


def test_a_code_is_found_in_small_letters_and_an_unknown_one_is_refused():
    assert diagnostics.explain("cb013 ").code == "CB013"
    assert "    role = " in diagnostics.explain("CB013").render()
    with pytest.raises(CtdcError, match="no problem has the code `CB999`"):
        diagnostics.explain("CB999")
