"""Stata, SPSS and Excel: what is written comes back, and others' files are read by their labels."""

import sys
import time
import zipfile
from collections import Counter
from datetime import date, datetime

import numpy as np
import pytest

from ctdc_framework.errors import CtdcError, DataError
from ctdc_framework.exchange import statistics
from ctdc_framework.language.load import load_codebook, shipped_codebooks
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.records.files import read_raw
from ctdc_framework.records.formats import limits
from ctdc_framework.records.formats import statistics as reading
from ctdc_framework.records.tables import cell_texts, table_of_codes

CANARY = "Zuzana"

ODD = """\
[codebook]
dsl     = 1
id      = "odd"
title   = "Codes that are hard to carry over"
version = "1.0.0"
order   = ["Group", "work", "swapped", "years", "means", "code", "forced"]

[privacy]
k        = 5
round_to = 5

[missing]
codes = [{ code = "-99", reason = "not-applicable", label = "missing" }]

[domains.group]
kind   = "enum"
values = [
  { code = "a.b|c", label = "A | B" },
  { code = "(x)+?", label = "Same" },
  { code = "été; [1]", label = "Same" },
]

[domains.work]
kind    = "enum"
ordered = true
values  = [{ code = "1", label = "Never" }, { code = "2", label = "Always" }]

[domains.swapped]
kind   = "enum"
values = [{ code = "1", label = "2" }, { code = "2", label = "1" }, { code = "3", label = "C" }]

[domains.years]
kind = "range"
min  = -3
max  = 4

[domains.means]
kind   = "enum"
values = [{ code = "Debt (a)" }, { code = "Threat.b" }]

[domains.code]
kind   = "enum"
values = [{ code = "007" }, { code = "7" }]

[variables.Group]
domain     = "group"
role       = ["quasi"]
definition = "A group."

[variables.work]
domain     = "work"
role       = ["quasi"]
definition = "How often."

[variables.swapped]
domain     = "swapped"
role       = ["quasi"]
definition = "Labels that are codes of others."

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
"""


def table_for(book, counts=None):
    """Make 60 records, some of which nothing more is known of than must be."""
    rng = np.random.default_rng(5)
    least = [-1 if book.variables[one.variable].nullable else 0 for one in book.columns]
    sizes = [1 if c.value else len(book.domain_of(c.variable).codes) for c in book.columns]
    codes = np.stack(
        [rng.integers(low, size, 60) for low, size in zip(least, sizes, strict=True)], axis=1
    )
    codes[[0, 30, -1]] = least
    return table_of_codes(book, book.columns, codes, counts)


def cells_of(raw):
    return {name: raw.worded(name).values() for name in raw.columns}


def told(table):
    found = {name: list(cells) for name, cells in cell_texts(table).items()}
    if "count" in table.frame:
        found["count"] = [str(count) for count in table.counts]
    return found


@pytest.fixture(scope="module")
def odd(codebook_of):
    return codebook_of(ODD)


@pytest.fixture(params=[".dta", ".sav", ".xlsx"])
def kind(request):
    pytest.importorskip("openpyxl" if request.param == ".xlsx" else "pyreadstat")
    return request.param


@pytest.fixture(autouse=True)
def here(request, monkeypatch):
    """Read Stata and SPSS files in this process, but where a test says `apart`."""
    if "apart" not in request.fixturenames:
        monkeypatch.setattr(reading, "read", reading.read_here)


@pytest.fixture
def apart():
    """Read them in a process of their own, as commands do."""


@pytest.fixture
def foreign(tmp_path):
    """Write an SPSS file as another program would, and read it."""
    pyreadstat = pytest.importorskip("pyreadstat")
    import pandas as pd

    def make(columns, labels=None, **options):
        path = tmp_path / "foreign.sav"
        pyreadstat.write_sav(
            pd.DataFrame(columns), path, variable_value_labels=labels or {}, **options
        )
        return read_raw(path)

    return make


@pytest.fixture
def sheet(tmp_path):
    """Write rows as the only sheet of a workbook, and give its path."""
    openpyxl = pytest.importorskip("openpyxl")

    def make(rows):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        path = tmp_path / "foreign.xlsx"
        book.save(path)
        return path

    return make


# -------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("name", ["odd", *shipped_codebooks()])
def test_a_table_written_and_prepared_is_the_same_table(odd, tmp_path, kind, name):
    table = table_for(odd if name == "odd" else load_codebook(name))
    path = tmp_path / f"data{kind}"
    if kind != ".xlsx" and any("-" in variable for variable in table.codebook.variables):
        with pytest.raises(CtdcError, match="does not take"):  # marital-status
            statistics.write(table, path)
        return
    statistics.write(table, path)
    prepared = prepare(read_raw(path), table.codebook)
    assert np.array_equal(prepared.table.codes, table.codes)
    assert {note.code for note in prepared.notes} <= {"rules-skipped", "check-broken"}


@pytest.mark.parametrize("suffix", [".dta", ".sav"])
def test_a_process_of_its_own_reads_the_same(odd, tmp_path, apart, suffix):
    pytest.importorskip("pyreadstat")
    path = tmp_path / f"data é{suffix}"
    statistics.write(table_for(odd), path)
    table, labels = reading.read(path)
    here, labels_here = reading.read_here(path)
    assert table.to_pydict() == here.to_pydict()
    assert labels == labels_here


def test_counts_are_written_as_numbers(odd, tmp_path, kind):
    table = table_for(odd, np.arange(60) + 2**40)
    path = tmp_path / f"data{kind}"
    statistics.write(table, path)
    assert cells_of(read_raw(path))["count"] == told(table)["count"]


def test_files_are_the_same_bytes_each_time(odd, tmp_path, kind):
    table = table_for(odd)
    one, two = tmp_path / f"one{kind}", tmp_path / f"two{kind}"
    statistics.write(table, one)
    statistics.write(table, two)
    content = one.read_bytes()
    assert content == two.read_bytes()
    if kind == ".xlsx":
        with zipfile.ZipFile(one) as book:
            assert {part.date_time[0] for part in book.infolist()} == {1980}
            assert b"1980-01-01" in book.read("docProps/core.xml")
    else:
        assert (b"01 Jan 1960 00:00" if kind == ".dta" else b"01 Jan 6000:00:00") in content[:160]
        assert str(date.today().year).encode() not in content[:160]


@pytest.mark.parametrize("suffix", [".dta", ".sav"])
def test_value_labels_are_codes_or_what_codes_are_printed_as(odd, tmp_path, suffix):
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / f"data{suffix}"
    statistics.write(table_for(odd), path)
    reader = pyreadstat.read_dta if suffix == ".dta" else pyreadstat.read_sav
    _, meta = reader(path, metadataonly=True)
    assert meta.variable_value_labels == {
        "Group": {1: "a.b|c", 2: "(x)+?", 3: "été; [1]"},
        "work": {1: "Never", 2: "Always"},
        "swapped": {3: "C"},  # a label that is another value's code would be read as that
        "code": {1: "007", 2: "7"},  # 007 is no number
    }
    assert dict(zip(meta.column_names, meta.column_labels, strict=True))["work"] == "How often"


def test_long_names_are_cut_for_stata_and_found_again(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    table = table_for(load_codebook("ctdc-2021"))
    statistics.write(table, tmp_path / "data.dta")
    _, meta = pyreadstat.read_dta(tmp_path / "data.dta", metadataonly=True)
    assert "meansOfControlPsychoactiveSubsta" in meta.column_names  # Stata has 32 characters
    assert meta.variable_value_labels
    assert max(map(len, meta.variable_value_labels)) <= 28
    assert "meansOfControlPsychoactiveSubstances" in table.codebook.variables


def test_names_that_are_alike_once_cut_are_refused_all_at_once():
    names = ["a" * 32 + "1", "A" * 33, "in", "b" * 33]
    with pytest.raises(CtdcError, match="does not take 3 of the names") as stop:
        statistics._names(dict.fromkeys(names, 32), statistics.stata_fault, "Stata")
    assert f"`{names[0]}` is `{'a' * 32}` there, and so is another" in stop.value.message
    assert f"`{names[1]}` is" in stop.value.message
    assert "`in` is reserved" in stop.value.message


@pytest.mark.parametrize(
    ("name", "stata", "spss"),
    [
        ("ageBroad", True, True),
        ("in", False, True),
        ("with", False, False),
        ("str12", False, True),
        ("1st", False, False),
        ("_x", True, False),
        ("a.b", False, True),
        ("a b", False, False),
        ("x_", True, False),
    ],
)
def test_names_that_programs_take(name, stata, spss):
    assert (not statistics.stata_fault(name)) is stata
    assert (not statistics.spss_fault(name)) is spss


def test_names_that_differ_in_case_alone_are_refused():
    with pytest.raises(CtdcError, match="`Age` is `Age` there, and so is another, case aside"):
        statistics._names({"Age": 64, "age": 64}, statistics.spss_fault, "SPSS")


def test_spss_refuses_long_codes(codebook_of, tmp_path):
    pytest.importorskip("pyreadstat")
    book = codebook_of(ODD.replace("Debt (a)", "é" * 61).replace('list       = ";"\n', ""))
    with pytest.raises(CtdcError, match="`means`"):
        statistics.write(table_for(book), tmp_path / "data.sav")


def test_cells_of_a_workbook_are_texts_and_never_formulas(odd, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    statistics.write(table_for(odd), tmp_path / "data.xlsx")
    book = openpyxl.load_workbook(tmp_path / "data.xlsx")
    assert book.sheetnames == ["data", "codes"]
    kinds = Counter(cell.data_type for row in book["data"] for cell in row if cell.value)
    assert set(kinds) == {"s"}
    assert {cell.number_format for row in book["data"] for cell in row if cell.value} == {"@"}
    assert ("work", "1", "Never", None) in list(book["codes"].values)


def test_what_is_no_file_of_another_program_is_not_written(tmp_path, odd):
    with pytest.raises(CtdcError, match="not written"):
        statistics.write(table_for(odd), tmp_path / "data.csv")


# ----------------------------------------------------------------------------- others' files, read


def test_a_foreign_file_is_read_by_its_values_with_labels_beside(foreign):
    raw = foreign(
        {
            "sex": [1.0, 2.0, 9.0, np.nan],
            "weight": [61.5, 70.0, np.nan, 1e16],
            "when": [date(2021, 9, 1), date(1999, 1, 2), None, date(2000, 1, 1)],
            "text": ["NA", "", "007", "é"],
        },
        {"sex": {1: "Male", 2: "Female", 9: "Refused"}},
        missing_ranges={"sex": [9]},
    )
    assert {name: column.values() for name, column in raw.columns.items()} == {
        "sex": ["1", "2", "9", None],
        "weight": ["61.5", "70", None, "10000000000000000"],
        "when": ["2021-09-01", "1999-01-02", None, "2000-01-01"],
        "text": ["NA", None, "007", "é"],
    }
    assert raw.labels == {"sex": {"1": "Male", "2": "Female", "9": "Refused"}}
    assert cells_of(raw)["sex"] == ["Male", "Female", "Refused", None]


def whole(odd, **columns):
    """Complete a foreign file's columns to those of the odd codebook, for four records."""
    filled = {name: [""] * 4 for name in odd.variables} | {"years": [0.0, 1.0, -3.0, 4.0]}
    return filled | columns


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        ({1: "Always", 2: "Never"}, ["2", "1", "2", None]),  # the label says what 1 meant
        ({1: "1", 2: "2"}, ["1", "2", "1", None]),
        ({}, ["1", "2", "1", None]),
    ],
)
def test_a_label_of_the_file_that_the_codebook_knows_decides(odd, foreign, labels, read):
    raw = foreign(whole(odd, work=[1.0, 2.0, 1.0, np.nan]), {"work": labels} if labels else {})
    prepared = prepare(raw, odd)
    assert told(prepared.table)["work"] == read
    assert not prepared.notes


def test_a_label_that_the_codebook_does_not_know_leaves_the_value_and_a_note(odd, foreign):
    raw = foreign(whole(odd, work=[1.0, 2.0, 1.0, np.nan]), {"work": {1: "Jamais", 2: "Always"}})
    prepared = prepare(raw, odd)
    assert told(prepared.table)["work"] == ["1", "2", "1", None]
    (note,) = prepared.notes
    assert note.code == "labels-differ"
    assert "`work`: the file labels 1 value(s) otherwise" in note.message


@pytest.mark.parametrize("label", ["missing", "-99"])
def test_a_label_or_a_value_can_be_a_missing_code(codebook_of, foreign, label):
    book = codebook_of(ODD.replace('code = "-99"', f'code = "{label}"'))
    raw = foreign(whole(book, work=[-99.0, 2.0, 1.0, -99.0]), {"work": {-99: "missing"}})
    assert told(prepare(raw, book).table)["work"] == [None, "2", "1", None]


def test_a_value_outside_the_domain_is_told_by_its_label(odd, foreign):
    columns = {name: cells * 2 for name, cells in whole(odd).items()}
    raw = foreign(columns | {"work": [3.0] * 8}, {"work": {3: "Sometimes"}})
    with pytest.raises(DataError, match="`Sometimes`"):
        prepare(raw, odd)


def test_a_file_of_more_rows_than_are_read_at_once_is_read_whole(foreign, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 14)
    for rows in (6, 7, 8, 14):
        raw = foreign({"a": np.arange(rows, dtype="float64"), "b": ["x"] * rows})
        assert raw.columns["a"].values() == [str(row) for row in range(rows)]


def test_a_foreign_workbook_is_read_as_texts(sheet):
    path = sheet(
        [
            ["id", "year", "share", "when", "yes", None],
            ["007", 2019, 0.5, datetime(2021, 9, 17), True, None],
            [None] * 6,
            ["NA", 2020.0, None, datetime(2021, 9, 17, 12, 30), False, None],
        ]
    )
    assert cells_of(read_raw(path)) == {
        "id": ["007", "NA"],
        "year": ["2019", "2020"],
        "share": ["0.5", None],
        "when": ["2021-09-17", "2021-09-17T12:30:00"],
        "yes": ["TRUE", "FALSE"],
    }


# ------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "content", [b"", b"no file of this kind", b"PK\x03\x04 broken", b"$FL2 broken" + bytes(400)]
)
def test_a_damaged_file_is_told_without_its_content(tmp_path, kind, content):
    path = tmp_path / f"data{kind}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged") as stop:
        read_raw(path)
    assert "broken" not in stop.value.message


def test_a_file_cut_anywhere_is_told_or_read(odd, tmp_path, kind):
    path = tmp_path / f"data{kind}"
    statistics.write(table_for(odd), path)
    content = path.read_bytes()
    for length in range(0, len(content), len(content) // 60):
        path.write_bytes(content[:length])
        try:
            raw = read_raw(path)
        except DataError:
            continue
        assert raw.rows <= 60


def test_a_file_that_ends_the_process_that_reads_it_is_told(odd, tmp_path, monkeypatch, apart):
    pytest.importorskip("pyreadstat")
    path = tmp_path / "data.dta"
    statistics.write(table_for(odd), path)
    monkeypatch.setattr(reading.sys, "executable", "/bin/false")
    with pytest.raises(DataError, match=r"data\.dta is damaged"):
        read_raw(path)


def test_a_file_that_is_refused_in_another_process_is_told(tmp_path, apart):
    pytest.importorskip("pyreadstat")
    path = tmp_path / "data.sav"
    path.write_bytes(CANARY.encode())
    with pytest.raises(DataError, match=r"data\.sav is damaged") as stop:
        read_raw(path)
    assert CANARY not in str(stop.value)


def test_files_that_are_not_there_are_named(tmp_path, kind):
    with pytest.raises(DataError, match="there is no file"):
        read_raw(tmp_path / f"none{kind}")
    (tmp_path / f"folder{kind}").mkdir()
    with pytest.raises(DataError, match="is a directory"):
        read_raw(tmp_path / f"folder{kind}")
    with pytest.raises(DataError, match="not read packed") as stop:
        read_raw(tmp_path / f"packed{kind}.gz")
    assert stop.value.help == "unpack it first"


def test_a_workbook_without_names_or_rows_is_refused(sheet):
    with pytest.raises(DataError, match="is empty"):
        read_raw(sheet([]))
    with pytest.raises(DataError, match="no name"):
        read_raw(sheet([["a", None], [1, 2]]))
    with pytest.raises(DataError, match="no records"):
        read_raw(sheet([["a", "b"]]))
    with pytest.raises(DataError, match="occur more than once"):
        read_raw(sheet([["a", "a"], [1, 2]]))


def test_a_file_too_wide_is_refused(tmp_path, monkeypatch, kind, odd):
    path = tmp_path / f"data{kind}"
    statistics.write(table_for(odd), path)
    monkeypatch.setattr(limits, "MOST_COLUMNS", len(odd.variables) - 1)
    with pytest.raises(DataError, match="at most 6 are read"):
        read_raw(path)


def test_a_file_of_too_many_cells_is_refused(tmp_path, monkeypatch, kind, odd):
    path = tmp_path / f"data{kind}"
    statistics.write(table_for(odd), path)
    monkeypatch.setattr(limits, "check_bytes", lambda name, size: None)
    monkeypatch.setattr(limits, "MOST_BYTES", 4 * 60 * len(odd.variables) - 4)
    with pytest.raises(DataError, match="cells, which is more than is read"):
        read_raw(path)


def packed_sheet(path, text):
    """Write the smallest workbook there is, with a sheet of our own making."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
        'package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        'relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
        'main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="one" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/'
        'package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/worksheet" Target="worksheets/one.xml"/>'
        "</Relationships>",
        "xl/worksheets/one.xml": text,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "{}<sheetData>{}</sheetData></worksheet>"
)
ROW = '<row r="{}"><c r="{}{}" t="inlineStr"><is><t>x</t></is></c></row>'


@pytest.mark.parametrize(
    ("what", "text", "message"),
    [
        ("packed", SHEET.format("", " " * 200_000_000), "unpacks to more than 200 times"),
        ("wide", SHEET.format("", ROW.format(1, "XFD", 1)), "16,384 columns"),
        (
            "entities",
            '<!DOCTYPE a [<!ENTITY a0 "xxxxxxxxxx">'
            + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
            + "]>"
            + SHEET.format("", ROW.format(1, "A", 1).replace("<t>x", "<t>&a11;")),
            "damaged",
        ),
    ],
)
def test_a_workbook_that_is_made_to_be_large_is_refused_in_seconds(tmp_path, what, text, message):
    pytest.importorskip("openpyxl")
    path = packed_sheet(tmp_path / f"{what}.xlsx", text)
    started = time.process_time()
    with pytest.raises(DataError, match=message):
        read_raw(path)
    assert time.process_time() - started < 5


def test_a_sheet_is_as_large_as_its_cells_and_not_as_it_says(tmp_path):
    pytest.importorskip("openpyxl")
    rows = ROW.format(1, "A", 1) + ROW.format(1_048_576, "A", 1_048_576)
    text = SHEET.format('<dimension ref="A1:XFD1048576"/>', rows)
    raw = read_raw(packed_sheet(tmp_path / "large.xlsx", text))
    assert cells_of(raw) == {"x": ["x"]}


@pytest.mark.parametrize(("suffix", "name"), [(".dta", "pyreadstat"), (".xlsx", "openpyxl")])
def test_where_a_library_is_absent_the_remedy_is_told(odd, tmp_path, monkeypatch, suffix, name):
    monkeypatch.setitem(sys.modules, name, None)
    for use in (lambda path: statistics.write(table_for(odd), path), read_raw):
        with pytest.raises(CtdcError, match=f"needs {name}") as stop:
            use(tmp_path / f"data{suffix}")
        assert stop.value.help == "pip install 'ctdc-framework[formats]'"
