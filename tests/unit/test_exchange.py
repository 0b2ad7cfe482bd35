"""Codebooks and tables in other programs' formats: what goes out, and what comes back."""

import csv
import io
import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from ctdc_framework.api import refuse_undecided
from ctdc_framework.codebook.hierarchies import Group, Hierarchy, Level
from ctdc_framework.documents import as_markdown
from ctdc_framework.errors import CtdcError
from ctdc_framework.exchange import (
    arx,
    csvw,
    ddi,
    drafts,
    frictionless,
    record_schema,
    redcap,
)
from ctdc_framework.exchange.frictionless import DataFile
from ctdc_framework.language.load import check_codebook, load_codebook, shipped_codebooks

ODD = """\
[codebook]
dsl     = 1
id      = "odd"
title   = "Odd <codes> & \\"labels\\""
version = "2.1.0"
lang    = "fr"
order   = ["Group", "work", "years", "means", "code", "forced"]

[privacy]
k        = 5
round_to = 5

[missing]
codes = [
  { code = "", reason = "not-recorded", label = "blank" },
  { code = "-99", reason = "not-applicable", label = "missing" },
  { code = "NULL", reason = "unknown", label = "missing" },
]

[contributors.iom]
label = "IOM"
years = [2002, 2021]
how   = "By *interview*."
url   = "https://example.org/iom"

[domains.group]
kind   = "enum"
values = [
  { code = "a.b|c", label = "A | B", definition = "Not <b>." },
  { code = "(x)+?", label = "Same" },
  { code = "été; [1]", label = "Same" },
]

[domains.work]
kind    = "enum"
ordered = true
values  = [{ code = "1", label = "Never" }, { code = "2", label = "Always" }]

[domains.years]
kind = "range"
min  = -3
max  = 4
unit = "year"

[domains.means]
kind   = "enum"
values = [{ code = "Debt (a)" }, { code = "Threat.b" }]

[domains.code]
kind   = "enum"
values = [{ code = "007" }, { code = "7" }]

[variables.Group]
domain     = "group"
role       = ["quasi", "sensitive"]
section    = "First"
definition = "See {var:years} and {note:why}. **Bold**."
caveat     = "Beware."
aliases    = ["grp"]
contributors.iom = { status = "proxy", proxy = "country", since = 2010 }

[variables.work]
domain     = "work"
role       = ["quasi"]
definition = "How often."
concept    = "ISCO"

[variables.years]
domain     = "years"
role       = ["none"]
nullable   = false
definition = "Years between."

[variables.means]
domain     = "means"
role       = ["sensitive"]
list       = ";"
definition = "Means."

[variables.code]
domain     = "code"
role       = ["sensitive"]
definition = "Leading zeros stay."

[variables.forced]
domain     = "std/flag"
role       = ["sensitive"]
definition = "Forced."

[inputs.caseNumber]
role       = "identifier"
definition = "Case."

[inputs.farm]
domain = "std/flag"

[[rules]]
id      = "recode"
op      = "recode"
on      = ["work"]
map     = { "3" = "2" }
because = "Too rare."

[[rules]]
id      = "fold"
op      = "fold"
from    = ["farm"]
to      = "forced"
because = "Rare."

[notes.why]
title = "Why"
text  = "Because."

[[sections]]
id    = "front"
title = "Front"
text  = "Read {section:front}."
"""


@pytest.fixture(scope="module")
def odd(codebook_of):
    """A codebook whose codes and labels are hard to carry over."""
    return codebook_of(ODD)


@pytest.fixture(scope="module", params=[*shipped_codebooks(), "odd"])
def book(request, odd):
    return odd if request.param == "odd" else load_codebook(request.param)


@pytest.fixture(scope="module")
def draft_of(codebook_of):
    """Load the text of a draft, which says that it is one."""

    def load(text):
        book = codebook_of(text)
        assert book.header.status == "draft"
        return book

    return load


def through_json(value):
    return json.loads(json.dumps(value))


def told(domain):
    """Give what a reader knows of a domain: its codes, how they are printed, their order."""
    return [(one.code, one.label or one.code) for one in domain.values], domain.ordered


def labels_differ(domain):
    return len(set(dict(told(domain)[0]).values())) == len(domain.codes)


# ------------------------------------------------------------------------------------ frictionless


def test_package_describes_each_file(odd):
    package = frictionless.export(
        odd, [DataFile(path="data.csv", sha256="ab" * 32, bytes=9), DataFile(path="data.parquet")]
    )
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert "created" not in package
    text, columns = package["resources"]
    assert (text["path"], text["format"], text["encoding"]) == ("data.csv", "csv", "utf-8")
    assert text["hash"] == f"sha256:{'ab' * 32}"
    assert text["bytes"] == 9
    assert text["dialect"]["lineTerminator"] == "\n"
    assert (columns["format"], "dialect" in columns, "hash" in columns) == ("parquet", False, False)


def test_fields_have_types_categories_and_constraints(odd):
    schema = frictionless.export(odd)["resources"][0]["schema"]
    found = {one["name"]: one for one in schema["fields"]}
    assert list(found) == list(odd.variables)
    assert found["work"]["categories"] == [
        {"value": "1", "label": "Never"},
        {"value": "2", "label": "Always"},
    ]
    assert found["work"]["categoriesOrdered"] is True
    assert found["work"]["constraints"] == {"enum": ["1", "2"]}
    assert found["years"]["type"] == "integer"
    assert found["years"]["constraints"] == {"required": True, "minimum": -3, "maximum": 4}
    assert (found["means"]["type"], found["means"]["delimiter"]) == ("list", ";")
    assert found["forced"]["categories"] == [{"value": 1}]
    assert "Missing means no or unknown" in found["forced"]["description"]
    assert found["Group"]["description"] == "See years and Why. Bold. Beware."


def test_labels_that_two_share_are_told_apart(odd):
    schema = frictionless.export(odd)["resources"][0]["schema"]
    labels = [one.get("label") for one in schema["fields"][0]["categories"]]
    assert labels == ["A | B", "Same ((x)+?)", "Same (été; [1])"]
    missing = [one.get("label") for one in schema["missingValues"]]
    assert missing == ["blank", "missing: -99", "missing: NULL"]


def test_parquet_is_described_as_texts(odd):
    package = frictionless.export(odd, [DataFile(path="data.parquet")])
    kinds = {one["type"] for one in package["resources"][0]["schema"]["fields"]}
    assert kinds == {"string", "list"}


def test_a_variable_that_was_blanked_may_be_missing(odd):
    field = frictionless.export(odd, blanked=["years"])["resources"][0]["schema"]["fields"][2]
    assert "required" not in field["constraints"]
    assert "May be missing in this release" in field["description"]


def test_a_variable_that_was_generalised_may_hold_its_hierarchys_values(odd):
    codes = odd.domain_of("years").codes
    groups = tuple(
        Group(code=code, label=label, members=members)
        for code, label, members in (("< 0", "before", codes[:3]), ("0+", "after", codes[3:]))
    )
    hierarchy = Hierarchy(domain="years", levels=(Level(name="sign", groups=groups),))
    years = evolve(odd.variables["years"], hierarchy="h")
    book = evolve(odd, hierarchies={"h": hierarchy}, variables={**odd.variables, "years": years})
    field = frictionless.export(book, generalised=["years"])["resources"][0]["schema"]["fields"][2]
    assert field["type"] == "string"
    assert field["categories"][-2:] == [
        {"value": "< 0", "label": "before"},
        {"value": "0+", "label": "after"},
    ]
    assert field["constraints"]["enum"][-1] == "0+"


def test_a_table_of_counts_ends_in_the_counts(odd):
    file = DataFile(path="tables/combinations-2.csv", columns=("work", "years", "count"))
    resource = frictionless.export(odd, [file])["resources"][0]
    *variables, count = resource["schema"]["fields"]
    assert [one["name"] for one in variables] == ["work", "years"]
    assert all("required" not in one.get("constraints", {}) for one in variables)
    assert (count["name"], count["type"]) == ("count", "integer")
    assert resource["name"] == "tables-combinations-2.csv"


def test_package_and_back_keeps_variables_domains_labels_and_missing_codes(book, draft_of):
    package = through_json(frictionless.export(book))
    again = draft_of(frictionless.import_package(package, book.id))
    assert list(again.variables) == list(book.variables)
    for name, variable in book.variables.items():
        assert again.domain_of(name) == book.domain_of(name)
        assert again.variables[name].domain == variable.domain
        assert again.variables[name].list == variable.list
        assert again.variables[name].nullable == variable.nullable
        assert again.variables[name].role == variable.role
    kept = [(one.code, one.reason, one.label) for one in book.missing.codes]
    assert [(one.code, one.reason, one.label) for one in again.missing.codes] == kept
    assert again.header.version == book.header.version


def test_package_and_back_twice_is_the_same(book, draft_of):
    package = frictionless.export(book)
    again = draft_of(frictionless.import_package(through_json(package), book.id))
    for key in ("title", "version", "name"):
        assert frictionless.export(again)[key] == package[key]
    assert frictionless.export(again)["resources"] == package["resources"]


def test_package_of_another_program_keeps_codes_labels_and_order(book, draft_of):
    package = through_json(frictionless.export(book))
    schema = package["resources"][0]["schema"]
    for one in (*schema["fields"], *schema["missingValues"]):
        for key in [key for key in one if key.startswith("ctdc:")]:
            del one[key]
    again = draft_of(frictionless.import_package(package, book.id))
    for name, variable in book.variables.items():
        if variable.list:
            assert name in again.inputs  # the standard lists no values of a list
        elif labels_differ(book.domain_of(name)):
            assert told(again.domain_of(name)) == told(book.domain_of(name))


FOREIGN = {
    "title": "Someone's data {var:x}",
    "version": "1.2",
    "resources": [
        {"name": "notes", "path": "notes.txt"},
        {
            "name": "main",
            "path": "main.csv",
            "schema": {
                "primaryKey": "id",
                "missingValues": ["", "NA"],
                "fields": [
                    {"name": "id", "type": "integer"},
                    {"name": "mail", "type": "string", "constraints": {"unique": True}},
                    {"name": "sex", "type": "string", "constraints": {"enum": ["m", "f", "NA"]}},
                    {"name": "done", "type": "boolean"},
                    {"name": "score", "type": "integer",
                     "constraints": {"minimum": "1", "exclusiveMaximum": 6}},
                    {"name": "income", "type": "integer", "constraints": {"minimum": 0}},
                    {"name": "when", "type": "date"},
                    {"name": "free", "description": "{note:y} says"},
                    {"name": "tags", "type": "list", "categories": ["a"]},
                    {"name": "=sum", "type": "string"},
                    {"name": "SEX", "type": "string"},
                    {"name": "level", "type": "integer", "categoriesOrdered": True,
                     "categories": [{"value": 1, "label": "low"}, {"value": -2, "label": "?"},
                                    {"value": 3, "label": "high"}]},
                    {"name": "huge", "type": "integer",
                     "constraints": {"minimum": 0, "maximum": 10**9}},
                ],
            },
        },
    ],
}  # fmt: skip


def test_a_foreign_package_gives_variables_inputs_and_remarks(draft_of):
    text = frictionless.import_package(FOREIGN, "foreign")
    book = draft_of(text)
    assert list(book.variables) == ["sex", "done", "score", "tags", "level"]
    assert book.domain_of("sex").codes == ("m", "f")
    assert book.domain_of("done").codes == ("false", "true")
    assert book.domain_of("score").codes == ("1", "2", "3", "4", "5")
    assert told(book.domain_of("level")) == ([("1", "low"), ("3", "high")], True)
    assert book.identifiers == ("id", "mail")
    assert set(book.inputs) == {"id", "mail", "income", "when", "free", "huge"}
    assert book.inputs["income"].domain == "std/integer"
    assert book.rules[0].params.map["TRUE"] == "true"
    assert book.header.version == "0.1.0"
    assert "Left out: column `=sum`" in text
    assert "Left out: value `NA` of `sex`" in text
    assert "Left out: value `-2` of `level`" in text


def test_roles_that_nobody_stated_are_left_to_be_decided(file_of):
    text = frictionless.import_package(FOREIGN, "foreign")
    assert text.count(f"role = []  # {drafts.UNDECIDED}") == 5
    draft, problems = check_codebook(file_of(text))
    assert draft is not None
    told = [one for one in problems if "`role` is to be decided" in one.message]
    assert [(one.code, one.level) for one in told] == [("CB019", "warning")] * 5
    with pytest.raises(CtdcError, match=r"does not say what `sex`, .* mean for privacy"):
        refuse_undecided(draft)
    assert "to be decided" in as_markdown(draft)
    done = text.replace('status = "draft"\n', "")
    _, problems = check_codebook(file_of(done))
    assert [one.level for one in problems if "`role` may not be empty" in one.message] == (
        ["error"] * 5
    )


def test_a_caveat_comes_back_as_a_caveat(odd, draft_of):
    back = draft_of(frictionless.import_package(frictionless.export(odd), "odd"))
    assert back.variables["Group"].caveat == "Beware."
    assert "Beware" not in back.variables["Group"].definition
    assert back.variables["means"].definition == "Means."  # how its cells are read is no definition


def test_roles_that_the_source_states_say_so():
    own = frictionless.import_package(frictionless.export(load_codebook("minimal")), "own")
    assert drafts.UNDECIDED not in own
    assert own.count(drafts.STATED) == 4


@pytest.mark.parametrize(
    "package",
    [
        {},
        {"resources": []},
        {"resources": [{"name": "a"}]},
        {"resources": [{"schema": {"fields": "x"}}]},
        {"resources": [{"schema": "schema.json"}]},
        {"resources": "x"},
    ],
)
def test_a_package_without_a_table_is_refused(package):
    with pytest.raises(CtdcError, match=r"describes no table|file of its own"):
        frictionless.import_package(package, "x")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
some_field = st.fixed_dictionaries(
    {"name": st.text(max_size=8)},
    optional={
        "type": st.sampled_from(["string", "integer", "boolean", "list", "year", "x"]),
        "categories": st.lists(anything | st.fixed_dictionaries({"value": anything}), max_size=4),
        "constraints": anything
        | st.fixed_dictionaries(
            {}, optional={"minimum": st.integers(), "maximum": st.integers(), "enum": anything}
        ),
        "delimiter": st.text(max_size=2),
        "description": st.text(max_size=12),
        "title": anything,
        "trueValues": anything,
        "ctdc:role": anything,
        "ctdc:domain": anything
        | st.fixed_dictionaries({"kind": st.just("enum"), "values": anything}),
    },
)


@settings(max_examples=60, deadline=None)
@given(
    found=st.lists(some_field, max_size=4),
    missing=st.lists(st.text(max_size=3) | st.fixed_dictionaries({"value": st.text(max_size=3)})),
    title=anything,
)
def test_whatever_a_package_says_its_draft_loads(draft_of, found, missing, title):
    schema = {"fields": found, "missingValues": missing}
    package = {"title": title, "version": title, "resources": [{"schema": schema}]}
    draft_of(frictionless.import_package(package, "any"))


# -------------------------------------------------------------------------------------------- csvw


def test_csvw_describes_each_column(odd):
    metadata = csvw.export(odd, "data.csv")
    assert metadata["@context"] == ["http://www.w3.org/ns/csvw", {"@language": "fr"}]
    assert metadata["url"] == "data.csv"
    columns = {one["titles"]: one for one in metadata["tableSchema"]["columns"]}
    assert list(columns) == list(odd.variables)
    assert columns["years"]["datatype"] == {"base": "integer", "minimum": -3, "maximum": 4}
    assert columns["years"]["required"] is True
    assert columns["means"]["separator"] == ";"
    top = columns["work"]["qb:codeList"]["skos:hasTopConcept"]
    assert [one["skos:prefLabel"] for one in top] == ["Never", "Always"]


def test_csvw_patterns_take_the_codes_and_nothing_else(book):
    for column in csvw.export(book, "data.csv")["tableSchema"]["columns"]:
        pattern = column["datatype"].get("format")
        for code in book.domain_of(column["titles"]).codes if pattern else ():
            assert re.fullmatch(pattern, code)
            assert not re.fullmatch(pattern, f"{code}x")
            assert not re.fullmatch(pattern, code[1:])


# --------------------------------------------------------------------------------------------- ddi

SEQUENCES = {
    "codeBook": "docDscr* stdyDscr+ fileDscr* dataDscr* otherMat*",
    "docDscr": "citation? guide? docStatus? docSrc* controlledVocabUsed* notes*",
    "citation": "titlStmt rspStmt? prodStmt? distStmt? serStmt* verStmt* biblCit? holdings* notes*",
    "titlStmt": "titl subTitl* altTitl* parTitl* IDNo*",
    "distStmt": "distrbtr* contact* depositr* depDate* distDate?",
    "verStmt": "version? verResp? notes*",
    "stdyDscr": "citation+ studyAuthorization* stdyInfo* studyDevelopment* method* dataAccs* "
    "othrStdyMat* notes*",
    "stdyInfo": "studyBudget* subject* abstract* sumDscr* qualityStatement? notes* "
    "exPostEvaluation*",
    "sumDscr": "timePrd* collDate* nation* geogCover* geogUnit* geoBndBox? boundPoly? anlyUnit* "
    "universe* dataKind*",
    "method": "dataColl* notes* anlyInfo? stdyClas? dataProcessing* codingInstructions*",
    "dataColl": "timeMeth* dataCollector* collectorTraining* frequenc* sampProc* sampleFrame* "
    "targetSampleSize* deviat* collMode* resInstru* instrumentDevelopment* sources? collSitu* "
    "actMin* ConOps* weight* cleanOps*",
    "sources": "dataSrc* sourceCitation* srcOrig* srcChar* srcDocu* sources*",
    "fileDscr": "fileTxt* locMap? notes*",
    "fileTxt": "fileName? fileCitation? fileCont? fileStrc? dimensns? fileType? format? filePlac? "
    "dataChck* ProcStat? dataMsng? software* verStmt?",
    "fileStrc": "recGrp* notes*",
    "dimensns": "caseQnty* varQnty* logRecL* recPrCas* recNumTot*",
    "dataDscr": "varGrp* nCubeGrp* var* nCube* notes*",
    "varGrp": "labl* txt* concept* defntn? universe? notes*",
    "var": "location* labl* imputation? security? embargo? respUnit? anlysUnit? qstn* valrng* "
    "invalrng* undocCod* universe* TotlResp? sumStat* txt* stdCatgry* catgryGrp* catgry* "
    "codInstr* verStmt* concept* derivation? varFormat? geoMap* catLevel* notes*",
    "valrng": "range+ key? notes*",
    "catgry": "catValu? labl* txt* catStat* mrow?",
    "derivation": "drvdesc? drvcmd?",
}
"""The children of elements in the order that the schema of DDI-Codebook 2.5 demands.

The source is codebook.xsd of the DDI Alliance, version 2.5 of 2012-01-17. Compared with it by eye
were the types of codeBook, docDscr, citation, distStmt, stdyDscr, stdyInfo, sumDscr, fileTxt,
fileStrc, varGrp, var, valrng and catgry, and the attributes and their values below. The schema is
under the LGPL and is no part of the project.
"""

ATTRIBUTES = {
    "codeBook": {"version": "2.5"},
    "var": {
        "name": ".+",
        "files": "F1",
        "intrvl": "contin|discrete",
        "nature": "nominal|ordinal|interval|ratio|percent|other",
        "measUnit": ".+",
        "representationType": "text|numeric|code|datetime|other",
    },
    "varGrp": {
        "type": "section|multipleResp|grid|display|repetition|subject|version|iteration|analysis|"
        "pragmatic|record|file|randomized|other",
        "var": "V[0-9]+( V[0-9]+)*",
    },
    "catgry": {"missing": "[YN]", "missType": ".+"},
    "catStat": {"type": "freq|percent|crosstab|other"},
    "sumStat": {"type": "mean|medn|mode|vald|invd|min|max|stdev|other"},
    "range": {"UNITS": "INT|REAL", "min": "-?[0-9]+", "max": "-?[0-9]+"},
    "derivation": {"var": "V[0-9]+( V[0-9]+)*"},
    "varFormat": {"type": "character|numeric"},
    "fileType": {"charset": ".+"},
    "fileStrc": {"type": "rectangular|hierarchical|relational|nested|other"},
    "timePrd": {"event": "start|end|single", "date": "[0-9]{4}"},
    "distDate": {"date": ".+"},
    "stdCatgry": {"date": ".+"},
    "dataCollector": {"abbr": ".+"},
    "dataProcessing": {"type": ".+"},
    "notes": {"type": ".+", "subject": ".+"},
}
REQUIRED = {"var": {"name"}, "sumStat": {"type"}}
DDI = "{ddi:codebook:2_5}"


def parts_of(root, name):
    return root.iter(f"{DDI}{name}")


def texts_of(element, name):
    return [one.text or "" for one in element.findall(f"{DDI}{name}")]


def unlike_the_schema(root):
    """Say what of a document the schema would refuse; nothing where it is valid."""
    told = []
    for element in root.iter():
        name = element.tag.removeprefix(DDI)
        children = "".join(f"{one.tag.removeprefix(DDI)} " for one in element)
        wanted = "".join(
            f"({part.rstrip('*+?')} ){part[len(part.rstrip('*+?')) :]}"
            for part in SEQUENCES.get(name, "").split()
        )
        if not element.tag.startswith(DDI) or not re.fullmatch(wanted, children):
            told.append(f"{element.tag}: {children}")
        # An element that has children holds no text besides.
        if children and any(text and text.strip() for text in texts_beside(element)):
            told.append(f"{name}: a text beside its elements")
        allowed = {"ID": "[FGV][0-9]+", **ATTRIBUTES.get(name, {})}
        for key, value in element.attrib.items():
            fits = key.startswith("{") or re.fullmatch(allowed.get(key, ""), value, re.DOTALL)
            told += [] if fits else [f"{name} {key}={value}"]
        told += [f"{name} lacks {key}" for key in REQUIRED.get(name, set()) - set(element.attrib)]
    ids = [one.get("ID") for one in root.iter() if one.get("ID")]
    led = [one.get(key, "") for one in root.iter() for key in ("var", "files")]
    told += [f"{one} leads nowhere" for one in " ".join(led).split() if one not in ids]
    return told + [f"{one} is there twice" for one in ids if ids.count(one) > 1]


def texts_beside(element):
    return [element.text, *(one.tail for one in element)]


def ddi_of(book):
    counts = {name: {"": 500, book.domain_of(name).codes[0]: 500} for name in book.variables}
    return ElementTree.fromstring(ddi.export(book, counts).encode())


def test_ddi_is_as_its_schema_demands(book):
    root = ddi_of(book)
    assert root.tag == f"{DDI}codeBook"
    assert unlike_the_schema(root) == []


DAMAGE = {
    "an element left out": lambda root, var: root.remove(root[1]),
    "a title left out": lambda root, var: root[0][0][0].remove(root[0][0][0][0]),
    "a title twice": lambda root, var: root[0][0][0].insert(0, root[0][0][0][0]),
    "another order": lambda root, var: var.insert(0, var[-1]),
    "an unknown element": lambda root, var: var.append(ElementTree.Element(f"{DDI}vaar")),
    "a foreign element": lambda root, var: var.append(ElementTree.Element("notes")),
    "an unknown attribute": lambda root, var: var.set("nam", "x"),
    "a wrong value": lambda root, var: var.set("nature", "quasi"),
    "no name": lambda root, var: var.attrib.pop("name"),
    "an ID twice": lambda root, var: var.set("ID", "F1"),
    "a reference to nothing": lambda root, var: var.set("files", "F2"),
    "a text between elements": lambda root, var: setattr(var, "text", "x"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_ddi_that_its_schema_refuses_is_noticed(damage):
    root = ddi_of(load_codebook("minimal"))
    DAMAGE[damage](root, next(parts_of(root, "var")))
    assert unlike_the_schema(root)


def test_ddi_tells_variables_values_missing_and_derivation(odd):
    root = ElementTree.fromstring(ddi.export(odd).encode())
    found = {one.get("name"): one for one in parts_of(root, "var")}
    assert list(found) == list(odd.variables)
    group = found["Group"]
    first, *_, blank, null = group.findall(f"{DDI}catgry")
    assert (texts_of(first, "catValu"), texts_of(first, "labl")) == (["a.b|c"], ["A | B"])
    assert texts_of(first, "txt") == ["Not <b>."]
    assert (blank.get("missType"), texts_of(blank, "catValu")) == ("not-applicable", ["-99"])
    assert null.get("missing") == "Y"
    assert texts_of(group, "universe")[0].startswith("Records of contributors")
    assert texts_of(group, "notes") == ["Beware.", "grp"]
    assert texts_of(found["work"], "concept") == ["ISCO"]
    derived = next(parts_of(found["forced"], "drvdesc")).text
    assert "farm" in derived
    assert "Rare." in derived
    assert next(parts_of(found["years"], "range")).attrib["min"] == "-3"
    processing = " ".join(one.text for one in parts_of(root, "dataProcessing"))
    assert "fewer than 5 records" in processing
    assert "Too rare." in processing
    assert "Case." not in ddi.export(odd)  # inputs are never described


def test_ddi_shows_no_small_count(odd):
    counts = {"work": {"1": 4, "2": 13, "": 7}}
    text = ddi.export(odd, counts)
    root = ElementTree.fromstring(text.encode())
    assert [one.text for one in parts_of(root, "catStat")] == ["10"]
    assert [(one.get("type"), one.text) for one in parts_of(root, "sumStat")] == [("invd", "5")]


def test_ddi_holds_what_xml_can_hold(odd):
    draft = evolve(odd, header=evolve(odd.header, status="draft"))
    assert "<docStatus>draft</docStatus>" in ddi.export(draft)
    header = evolve(odd.header, title="A\x00B\ud800C < & ]]>")
    root = ElementTree.fromstring(ddi.export(evolve(odd, header=header)).encode())
    assert not list(parts_of(root, "docStatus"))
    assert texts_of(next(parts_of(root, "titlStmt")), "titl") == ["Codebook: A�B�C < & ]]>"]


# -------------------------------------------------------------------------------------------- JSON


def test_record_schema_takes_released_records_alone(odd):
    check = Draft7Validator(record_schema.export(odd))
    Draft7Validator.check_schema(check.schema)
    record = {"Group": "(x)+?", "work": "1", "years": "-3", "means": "Threat.b;Debt (a)",
              "code": "007", "forced": None}  # fmt: skip
    assert check.is_valid(record)
    for change in (
        {"Group": "x"}, {"years": 3}, {"years": "5"}, {"means": "Threat.b;"}, {"means": "Threatxb"},
        {"forced": "0"}, {"forced": ""}, {"caseNumber": "1"},
    ):  # fmt: skip
        assert not check.is_valid(record | change), change
    assert not check.is_valid({key: one for key, one in record.items() if key != "code"})


# --------------------------------------------------------------------------------------------- arx


def with_hierarchy(book, name, imported):
    domains = {**book.domains, name: imported.domain}
    return evolve(book, domains=domains, hierarchies={name: imported.hierarchy})


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name",
    ["age", "education", "marital-status", "native-country", "occupation", "race", "salary-class",
     "sex", "workclass"],
)  # fmt: skip
def test_arx_files_come_back_row_by_row(shared, odd, name):
    text = (shared / "data" / "adult" / f"adult_hierarchy_{name}.csv").read_text()
    imported = arx.import_csv(text, name)
    assert arx.export(with_hierarchy(odd, name, imported), name).splitlines() == text.splitlines()


def test_arx_levels_are_groups_of_values(odd):
    text = "a;x;*\nc;y;*\nb;x;*\n"
    imported = arx.import_csv(text, "letters")
    assert imported.domain.codes == ("a", "c", "b")
    assert imported.hierarchy.generalise("b", 1) == "x"
    assert imported.hierarchy.below("x") == {"a", "b"}
    assert arx.export(with_hierarchy(odd, "letters", imported), "letters") == text


def test_arx_takes_quoted_cells_and_writes_the_group_of_all_as_a_star(odd):
    codes = odd.domains["group"].codes
    top = Group(code="anything", label="anything", members=codes)
    level = Level(name="any", groups=(top,))
    book = evolve(odd, hierarchies={"g": Hierarchy(domain="group", levels=(level,))})
    text = arx.export(book, "g")
    assert text.splitlines()[2] == '"été; [1]";*'
    assert arx.import_csv(text, "group").domain.codes == codes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a\nb\n", "1 cells"),
        ("a;*\nb;x;*\n", "2, 3 cells"),
        ("a;*\na;*\n", "twice"),
        ("a;x;p;*\nb;x;q;*\n", "`x` of level 1 lies in `p` and in `q`"),
        ("a;x\nb;y\n", "the last level has 2 groups"),
    ],
)
def test_arx_refuses_what_is_no_hierarchy(text, message):
    with pytest.raises(CtdcError, match=message):
        arx.import_csv(text, "x")


def test_arx_says_which_hierarchies_there_are(odd):
    with pytest.raises(CtdcError, match="odd has none"):
        arx.export(odd, "age")


# ------------------------------------------------------------------------------------------ redcap


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_redcap_fields_are_what_redcap_takes(book):
    rows = rows_of(redcap.export(book))
    names = [row["Variable / Field Name"] for row in rows]
    assert names[0] == "record_id"
    assert len(names) == len(set(names)) == 1 + len(list(book.entries()))
    for row in rows:
        assert re.fullmatch("[a-z][a-z0-9_]*", row["Variable / Field Name"])
        assert row["Field Type"] in ("text", "radio", "dropdown", "checkbox")
        choices = row["Choices, Calculations, OR Slider Labels"]
        for choice in choices.split(" | ") if choices else ():
            assert re.match("[A-Za-z0-9._-]+, .", choice)


def test_redcap_and_back_keeps_names_codes_labels_and_lists(book, draft_of):
    again = draft_of(redcap.import_dictionary(redcap.export(book), book.id))
    assert list(again.variables) == list(book.variables)
    assert set(book.inputs) <= set(again.inputs)
    assert set(book.identifiers) <= set(again.identifiers)
    for name, variable in book.variables.items():
        ours, theirs = book.domain_of(name), again.domain_of(name)
        assert theirs.codes == ours.codes
        assert theirs.ordered == ours.ordered
        assert again.variables[name].list == variable.list
        if labels_differ(ours):
            labels = [label.replace("|", "/") for _, label in told(ours)[0]]
            assert [label for _, label in told(theirs)[0]] == labels


DICTIONARY = """\
field_name,form_name,section_header,field_type,field_label,select_choices_or_calculations,\
field_note,text_validation_type_or_show_slider_number,text_validation_min,text_validation_max,\
identifier,branching_logic,required_field
study_id,intake,,text,Study ID,,,,,,,,
surname,intake,,text,Name,,,,,,y,,
sex,intake,<b>Person</b>,radio,"Sex <i>at birth</i>",\
"1, Male | 2, Female, or so | -9, Unknown",,,,,,,y
age,intake,,text,Age,,,integer,0,120,,,
weight,intake,,text,Weight,,,number,,,,,
visits,intake,,text,Visits,,,integer,,,,,
pregnant,intake,,yesno,Pregnant?,,,,,,,"[sex] = '2' and [age] > 12",
means,intake,,checkbox,Means,"debt, Debt | T2, Threats",,,,,,,
pain,visit,,slider,Pain,none | some | much,,,,,,,
bmi,visit,,calc,BMI,[weight]/2,,,,,,,
intro,visit,,descriptive,Hello,,,,,,,,
scan,visit,,file,Scan,,,,,,,,
country,visit,,dropdown,Country,"1, A | 2, B | 2, C",,,,,,,
temp,visit,,text,Temperature,,,integer,-20,50,,,
"""


def test_a_foreign_dictionary_gives_variables_inputs_and_remarks(draft_of):
    text = redcap.import_dictionary(DICTIONARY, "intake")
    book = draft_of(text)
    assert list(book.variables) == [
        "sex", "age", "pregnant", "means___debt", "means___t2", "pain", "country", "temp",
    ]  # fmt: skip
    assert book.identifiers == ("study_id", "surname")
    assert told(book.domain_of("sex"))[0] == [("1", "Male"), ("2", "Female, or so")]
    assert book.variables["sex"].definition == "Sex at birth"
    assert book.variables["sex"].section == "Person"
    assert len(book.domain_of("age").codes) == 121
    assert told(book.domain_of("pregnant"))[0] == [("0", "No"), ("1", "Yes")]
    assert "[sex] = '2' and [age] > 12" in book.variables["pregnant"].caveat
    assert book.variables["means___debt"].domain == book.variables["means___t2"].domain == "ticked"
    assert book.domain_of("pain").codes[-1] == "100"
    assert book.domain_of("country").codes == ("1", "2")
    assert {"weight", "visits", "bmi", "intake_complete", "visit_complete"} <= set(book.inputs)
    assert book.inputs["visits"].domain == "std/integer"
    assert "Left out: `scan`" in text
    assert "Left out: missing code `-9`, which is a number elsewhere." in text


def test_a_negative_choice_is_taken_for_a_missing_code(draft_of):
    text = DICTIONARY.replace("-20,50", "0,50")
    book = draft_of(redcap.import_dictionary(text, "intake"))
    assert [(one.code, one.reason, one.label) for one in book.missing.codes] == [
        ("-9", "unknown", "Unknown")
    ]


def test_redcap_refuses_names_that_it_cannot_tell_apart(codebook_of):
    long = "x" * 101
    more = "".join(f'[inputs.{name}]\ndomain = "std/text"\n' for name in ("gro_up", "Gro-up", long))
    with pytest.raises(CtdcError) as stop:
        redcap.export(codebook_of(ODD.replace("[inputs.farm]", f"{more}[inputs.farm]")))
    for name in ("`gro_up`", "`Gro-up`", f"`{long}`"):
        assert name in stop.value.message


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Variable / Field Name\nx\n"])
def test_what_is_no_dictionary_is_refused(text):
    with pytest.raises(CtdcError, match="no REDCap data dictionary"):
        redcap.import_dictionary(text, "x")


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.text(max_size=6),
            st.sampled_from(["radio", "checkbox", "yesno", "text", "slider", "calc", "?"]),
            st.text(max_size=12) | st.text("1,|a -{}:", max_size=12),
            st.text("-0123456789", max_size=3),
        ),
        max_size=4,
    )
)
def test_whatever_a_dictionary_says_its_draft_loads(draft_of, rows):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(redcap.COLUMNS.values())
    for name, kind, words, number in rows:
        writer.writerow([name, words, words, kind, words, words, words, "integer", number, "5",
                         "", words, "", "", "", "", "", f"ctdc: {words}"])  # fmt: skip
    draft_of(redcap.import_dictionary(text.getvalue(), "any"))


# ------------------------------------------------------------------------------------------- all


def test_libraries_are_imported_only_when_they_are_needed():
    script = (
        "import sys; from ctdc_framework.exchange import "
        "arx, csvw, ddi, frictionless, record_schema, redcap, statistics; "
        "print({'pandas', 'numpy', 'pyarrow', 'pyreadstat', 'openpyxl'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_exports_are_the_same_each_time(book):
    for export in (
        lambda: json.dumps(frictionless.export(book)),
        lambda: json.dumps(csvw.export(book, "data.csv")),
        lambda: json.dumps(record_schema.export(book)),
        lambda: ddi.export(book),
        lambda: redcap.export(book),
        lambda: frictionless.import_package(frictionless.export(book), "x"),
    ):
        assert export() == export()
