"""The schemas of codebook and plan files: they take what the reader takes, and refuse with it."""

import datetime
import json
from collections.abc import Mapping

import pytest
import tomli
from attrs import frozen
from jsonschema import Draft7Validator

from ctdc_framework.codebook import model
from ctdc_framework.codebook.domains import KINDS
from ctdc_framework.codebook.rules import BUILT_IN, Rule
from ctdc_framework.json_schema import codebook_schema, plan_schema
from ctdc_framework.language.load import check_codebook, shipped_codebooks
from ctdc_framework.plans.entries import PlanEntries
from ctdc_framework.problems.faults import Faults
from ctdc_framework.toml.convert import entry, fields_of, key_of, structure

BOOK = """\
[codebook]
dsl     = 1
id      = "small"
title   = "Small"
version = "1.0.0"

[privacy]
k = 5

[missing]
codes = [{ code = "NULL", reason = "not-recorded" }]

[contributors.iom]
label = "IOM"
years = [2002, 2021]

[domains.age]
kind  = "bands"
bands = [{ from = 0, to = 17 }, { from = 18 }]

[domains.year]
kind = "range"
min  = 2002
max  = 2021

[domains.country]
kind  = "country"
as_of = 2021-09-01

[domains.gender]
kind   = "enum"
values = [{ code = "Female" }, { code = "Male" }]

[templates.flag]
domain = "std/flag"
role   = ["sensitive"]

[variables.age]
domain     = "age"
role       = ["quasi"]
definition = "Age."

[variables.gender]
domain     = "gender"
role       = ["quasi"]
definition = "Gender."
list       = ";"
contributors.iom = { status = "partial", since = 2017 }

[variables.citizenship]
domain     = "country"
role       = ["quasi"]
definition = "Citizenship."

[variables.year]
domain     = "year"
role       = ["none"]
definition = "Year."

[variables.forced]
use        = "flag"
definition = "Forced labour."

[inputs.farm]
domain = "std/flag"

[inputs.years]
domain = "std/integer"

[[rules]]
id      = "age"
op      = "bin"
from    = "years"
to      = "age"
because = "Too exact."

[[rules]]
id      = "farm"
op      = "fold"
from    = ["farm"]
to      = "forced"
because = "Too rare."

[[checks]]
id    = "young"
never = [{ var = "age", is = "0--17" }, { var = "year", in = [2002] }]
"""

REFUSED = {
    "unknown table": ("[inputs.years]", "[inptus.years]"),
    "unknown key of the header": ('title   = "Small"', 'title = "Small"\nsubtitle = "x"'),
    "unknown key of a variable": ('definition = "Age."', 'definition = "Age."\nnulable = true'),
    "unknown key of a template": ('role   = ["sensitive"]', 'role = ["sensitive"]\nrolle = 1'),
    "use in a template": ('[templates.flag]', '[templates.flag]\nuse = "other"'),
    "unknown key of a missing code": ('code = "NULL",', 'code = "NULL", labell = "x",'),
    "unknown key of a band": ("{ from = 18 }", "{ from = 18, upto = 20 }"),
    "unknown key of a contributor": ('label = "IOM"', 'label = "IOM"\nsince = 2002'),
    "unknown key of a collection": ("since = 2017", "from = 2017"),
    "unknown key of a rule": ('to      = "age"', 'to = "age"\nhow = "any"'),
    "unknown key of a condition": ('is = "0--17"', 'equals = "0--17"'),
    "a key of another kind": ('kind   = "enum"', 'kind = "enum"\nmin = 1'),
    "a key of a range in bands": ('kind  = "bands"', 'kind = "bands"\nmax = 3'),
    "no dsl": ("dsl     = 1\n", ""),
    "no k": ("k = 5", "round_to = 5"),
    "no domain of a variable": ('domain     = "age"\n', ""),
    "no role of a variable": ('domain     = "age"\nrole       = ["quasi"]', 'domain = "age"'),
    "no definition of a variable": ('definition = "Age."\n', ""),
    "no kind of a domain": ('kind = "range"\n', ""),
    "no max of a range": ("max  = 2021\n", ""),
    "no because of a rule": ('because = "Too rare."\n', ""),
    "no op of a rule": ('op      = "fold"\n', ""),
    "no source of a rule": ('from    = "years"\n', ""),
    "no reason of a missing code": (', reason = "not-recorded"', ""),
    "a text for an array": ('role       = ["none"]', 'role = "none"'),
    "a text for values": ('[{ code = "Female" }, { code = "Male" }]', '"Male"'),
    "an array for a text": ('from    = "years"', 'from = ["years"]'),
    "a text for a whole number": ("k = 5", 'k = "5"'),
    "a truth for a whole number": ("k = 5", "k = true"),
    "a number for a text": ('title   = "Small"', "title = 3"),
    "a text for a truth": ('definition = "Age."', 'definition = "Age."\nnullable = "no"'),
    "a number with a point for a whole one": ("k = 5", "k = 5.7"),
    "a year with a point": ("min  = 2002", "min = 2002.5"),
    "a table for an array of tables": ("[[checks]]", "[checks]"),
    "an array of tables for a table": ("[inputs.farm]", "[[inputs.farm]]"),
    "a role that is none": ('role       = ["none"]', 'role = ["quazi"]'),
    "a kind that is none": ('kind = "range"', 'kind = "rang"'),
    "an operation that is none": ('op      = "fold"', 'op = "folds"'),
    "a reason that is none": ('reason = "not-recorded"', 'reason = "lost"'),
    "a status that is none": ('status = "partial"', 'status = "sometimes"'),
    "another version of the language": ("dsl     = 1", "dsl = 2"),
    "a version of two numbers": ('version = "1.0.0"', 'version = "1.0"'),
    "an id with capitals": ('id      = "small"', 'id = "Small One"'),
    "k of 1": ("k = 5", "k = 1"),
    "a separator of two characters": ('list       = ";"', 'list = "; "'),
    "a month for a date": ("as_of = 2021-09-01", 'as_of = "2021-09"'),
    "a number of nineteen digits": ("k = 5", "k = 5000000000000000000"),
    "two tests in a condition": ('is = "0--17" }', 'is = "0--17", missing = true }'),
    "no test in a condition": (', is = "0--17" }', " }"),
    "missing = false": ('is = "0--17" }', "missing = false }"),
    "a check of nothing": ("never = [{", "never = []\n# [{"),
}  # fmt: skip


def plain(value):
    """Give TOML values as an editor hands them to a schema: dates as texts."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def faults_of(schema, text):
    return [
        error.message for error in Draft7Validator(schema).iter_errors(plain(tomli.loads(text)))
    ]


def schemas_in(schema):
    """Go through a schema and all schemas in it."""
    yield schema
    for key in ("properties", "definitions"):
        for one in schema.get(key, {}).values():
            yield from schemas_in(one)
    for key in ("allOf", "anyOf"):
        for one in schema.get(key, []):
            yield from schemas_in(one)
    for key in ("if", "then", "else", "not", "items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from schemas_in(schema[key])


@pytest.fixture(scope="module")
def schema():
    return codebook_schema()


@pytest.fixture(params=["codebook", "plan"])
def either(request):
    return codebook_schema() if request.param == "codebook" else plan_schema()


def test_schemas_are_draft_07(either):
    assert either["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(either)


def test_schemas_hold_nothing_that_editors_get_wrong(either):
    for one in schemas_in(either):
        assert not {"oneOf", "const", "$ref", "definitions"} & set(one)


def test_every_key_has_a_description(either):
    for one in schemas_in(either):
        # A table with what is known of all its keys, not a condition on some of them.
        if one.get("type") == "object":
            for key, value in one.get("properties", {}).items():
                assert value["description"].strip(), key


def test_every_table_says_whether_other_keys_are_allowed(either):
    for one in schemas_in(either):
        if one.get("type") == "object" or "properties" in one or "required" in one:
            assert "additionalProperties" in one


def test_schemas_are_the_same_each_time(either):
    again = codebook_schema() if "ctdc codebook" in either["title"] else plan_schema()
    assert json.dumps(either) == json.dumps(again)


@pytest.mark.parametrize("name", shipped_codebooks())
def test_shipped_codebooks_are_taken(schema, name):
    assert faults_of(schema, shipped_codebooks()[name].read_text(encoding="utf-8")) == []


def test_a_sound_codebook_is_taken_by_both(schema, codebook_of):
    assert codebook_of(BOOK).id == "small"
    assert faults_of(schema, BOOK) == []


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_refused_by_both(schema, file_of, mistake):
    old, new = REFUSED[mistake]
    assert BOOK.count(old) >= 1
    text = BOOK.replace(old, new, 1)
    codebook, problems = check_codebook(file_of(text))
    assert codebook is None, problems
    assert faults_of(schema, text)


CHILD = """\
[codebook]
extends = "base.toml"
id      = "child"
version = "1.0.1"
remove  = ["variables.year"]

[privacy]
k = 3

[[relax]]
what    = "privacy.k"
because = "It is a trial."

[variables.age]
caveat = "As told."

[domains.age]
unit = "year"
"""
EXTENDS_WRONG = {
    "unknown key of the header": ("remove ", "removes "),
    "what is removed is a list": ('["variables.year"]', '"variables.year"'),
    "a reason for what is relaxed": ('because = "It is a trial."\n', ""),
    "unknown key of a relaxation": ("because =", "reason ="),
    "unknown key of a part of a variable": ("caveat =", "caveats ="),
    "unknown table": ("[privacy]", "[privcy]"),
}


def test_a_codebook_that_extends_another_says_a_part_and_is_taken_by_both(schema, tmp_path):
    (tmp_path / "base.toml").write_text(BOOK.replace('{ var = "year", in = [2002] }', ""))
    (tmp_path / "child.toml").write_text(CHILD)
    _, problems = check_codebook(tmp_path / "child.toml")
    assert [one for one in problems if one.level == "error"] == []
    assert faults_of(schema, CHILD) == []
    assert faults_of(schema, CHILD.replace('extends = "base.toml"', ""))


@pytest.mark.parametrize("mistake", EXTENDS_WRONG)
def test_a_mistake_in_one_that_extends_is_refused_by_both(schema, tmp_path, mistake):
    (tmp_path / "base.toml").write_text(BOOK.replace('{ var = "year", in = [2002] }', ""))
    old, new = EXTENDS_WRONG[mistake]
    assert CHILD.count(old) == 1
    (tmp_path / "child.toml").write_text(CHILD.replace(old, new))
    codebook, problems = check_codebook(tmp_path / "child.toml")
    assert codebook is None, problems
    assert faults_of(schema, CHILD.replace(old, new))


def test_an_overlay_is_taken(schema):
    text = (
        '[codebook]\nextends = "a.toml"\nlang = "fr"\n[variables.age]\ndefinition = "\u00c2ge."\n'
    )
    assert faults_of(schema, text) == []


def test_mistakes_are_many_enough():
    assert len(REFUSED) >= 25


@pytest.mark.parametrize(
    ("table", "cls"),
    [
        ("codebook", model.Header),
        ("privacy", model.Privacy),
        ("contributors", model.Contributor),
        ("variables", model.Variable),
        ("inputs", model.Input),
        ("checks", model.Check),
        ("errata", model.Erratum),
    ],
)
def test_keys_are_those_of_the_model(schema, table, cls):
    item = schema["properties"][table]
    item = item.get("items", item)
    if isinstance(item.get("additionalProperties"), dict):
        item = item["additionalProperties"]
    fields = [one for one in fields_of(cls) if one.metadata.get("in_toml", True)]
    extending = ["extends", "remove"] if table == "codebook" else []
    assert list(item["properties"]) == [*(key_of(one) for one in fields), *extending]
    for one in fields:
        assert item["properties"][key_of(one)]["description"] == one.metadata["help"]


def test_help_defaults_choices_and_bounds_come_from_the_entries(schema):
    tables = schema["properties"]
    assert tables["privacy"]["properties"]["round_to"]["default"] == 10
    assert tables["privacy"]["properties"]["k"]["minimum"] == 2
    variable = tables["variables"]["additionalProperties"]["properties"]
    assert variable["nullable"] == {
        "description": "whether a value may be missing in the input",
        "type": "boolean",
        "default": True,
    }
    assert variable["role"]["items"]["enum"] == ["quasi", "sensitive", "none"]
    checks = tables["checks"]["items"]["properties"]
    assert checks["never"]["minItems"] == 1


def test_kinds_and_operations_are_told_apart(schema):
    domain = schema["properties"]["domains"]["additionalProperties"]
    assert domain["properties"]["kind"]["enum"] == list(KINDS)
    assert [one["if"]["properties"]["kind"]["enum"] for one in domain["allOf"]] == [
        [kind] for kind in KINDS
    ]
    rule = schema["properties"]["rules"]["items"]
    assert rule["properties"]["op"]["enum"] == list(BUILT_IN)


def test_a_plugins_operation_is_known():
    @frozen(kw_only=True)
    class Params:
        """Nothing much."""

        to: str = entry("what it writes")

    rule = Rule(op="shuffle", summary="values at random", params=Params)
    text = BOOK + '\n[[rules]]\nid = "s"\nop = "shuffle"\nto = "age"\nbecause = "why not"\n'
    assert faults_of(codebook_schema(), text)
    assert faults_of(codebook_schema({**BUILT_IN, "shuffle": rule}), text) == []


def test_a_date_is_taken_as_a_date_and_as_a_text(schema):
    assert faults_of(schema, BOOK.replace("as_of = 2021-09-01", 'as_of = "2021-09-01"')) == []


def test_derive_takes_one_way_of_joining(schema):
    rule = '\n[[rules]]\nid = "d"\nop = "derive"\nto = "forced"\nbecause = "b"\n'
    one = '[{ var = "age", is = "18+" }]'
    assert faults_of(schema, f"{BOOK}{rule}any = {one}") == []
    assert faults_of(schema, f"{BOOK}{rule}all = {one}") == []
    assert faults_of(schema, f"{BOOK}{rule}")
    assert faults_of(schema, f"{BOOK}{rule}any = {one}\nall = {one}")


PLAN = """\
[plan]
codebook = "minimal"
seeds = 3

[[candidates]]
name = "a"
stages = [{ id = "s", strategy = "k-synthesis", params = { k = [5, 10], anything = "goes" } }]

[[measures]]
measure = "rows-released"

[[gates]]
measure = "rows-released"
op = ">="
value = 1
"""


def test_a_sound_plan_is_taken_by_both():
    structure(tomli.loads(PLAN), PlanEntries)
    assert faults_of(plan_schema(), PLAN) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('codebook = "minimal"', ""),
        ("seeds = 3", "seeds = 0"),
        ("seeds = 3", "seeds = 101"),
        ("seeds = 3", "seed = 3"),
        ('name = "a"', 'name = "a/b"'),
        ('op = ">="', 'op = "=>"'),
        ("value = 1", 'value = "1"'),
        ('id = "s", ', ""),
        ("params = { k = [5, 10]", "parms = { k = [5, 10]"),
        ('[[candidates]]\nname = "a"\nstages', "[candidates]\nstages"),
        ("[[measures]]", "[[meassures]]"),
    ],
)
def test_a_mistake_in_a_plan_is_refused_by_both(old, new):
    assert old in PLAN
    text = PLAN.replace(old, new, 1)
    with pytest.raises(Faults):
        structure(tomli.loads(text), PlanEntries)
    assert faults_of(plan_schema(), text)


def test_a_plan_without_candidates_is_refused_by_both():
    with pytest.raises(Faults):
        structure({"plan": {"codebook": "minimal"}}, PlanEntries)
    assert faults_of(plan_schema(), '[plan]\ncodebook = "minimal"\n')
