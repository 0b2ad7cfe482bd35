"""Writing: all of it or nothing, where it belongs, and back again as it was."""

import csv
import hashlib
import json
import os
import re
import stat
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.contract.results import Note, Release, StageRecord
from ctdc_framework.errors import ReleaseRefused
from ctdc_framework.promises.claims import RecordSupport
from ctdc_framework.records.files import raw_of_arrow
from ctdc_framework.records.items import published_of
from ctdc_framework.records.tables import Shape, table_of_codes
from ctdc_framework.releases import staging
from ctdc_framework.releases import writing as files

ODD = """
[codebook]
dsl     = 1
id      = "odd"
title   = "Codes that a careless writer breaks"
version = "1.0.0"

[privacy]
k        = 3
round_to = 3

[domains.odd]
kind   = "enum"
values = [
  { code = "a,b" }, { code = 'say "no"' }, { code = "x;y" }, { code = "NA" }, { code = "007" },
  { code = "0--12 (0-1 yr)" }, { code = "é" }, { code = "'" }, { code = "two words" },
]

[domains.part]
kind   = "enum"
values = [{ code = "b" }, { code = "a" }, { code = "c, d" }]

[variables.one]
domain     = "odd"
role       = ["quasi"]
definition = "One."

[variables.several]
domain     = "part"
role       = ["quasi"]
list       = ";"
definition = "Several."

[variables.other]
domain     = "part"
role       = ["quasi"]
list       = "/"
definition = "Several, parted otherwise."
"""


@pytest.fixture(scope="module")
def odd(codebook_of):
    return codebook_of(ODD)


@pytest.fixture
def table(toy):
    codes = [[0, 0, 0, 0, -1, 0, 0], [1, 1, -1, -1, -1, -1, -1], [2, -1, 2, -1, 0, -1, 0]]
    return table_of_codes(toy, toy.columns, np.array(codes))


@pytest.fixture
def counts(toy):
    codes = np.array([[-1] * 7, [-1, 0, -1, -1, -1, -1, 0]])
    return table_of_codes(toy, toy.columns, codes, np.array([9, 3]))


@pytest.fixture
def umask():
    """Let new files be readable by everybody, and new folders be entered."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# ------------------------------------------------------------------------------------- private


def test_private_is_for_its_owner_only_and_says_so(tmp_path, umask):
    folder = files.private_directory(tmp_path)
    files.write_private(folder / "log.json", "é\n")
    files.write_raw(raw_of_arrow(_raw(), "raw.csv"), folder / "raw.csv")
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        files.WARNING: 0o600,
        "log.json": 0o600,
        "raw.csv": 0o600,
    }
    assert (folder / "log.json").read_bytes() == "é\n".encode()
    assert "nothing from here" in (folder / files.WARNING).read_text()
    assert (folder / "raw.csv").read_text() == 'a,b\nNA,\n"x,y",1\n'


def _raw():
    import pyarrow as pa

    return pa.table({"a": ["NA", "x,y"], "b": [None, "1"]})


def test_a_private_file_is_never_written_over_another(tmp_path):
    (tmp_path / "log.json").write_text("before")
    with pytest.raises(FileExistsError):
        files.write_private(tmp_path / "log.json", "after")


def test_a_release_by_itself_is_ours_too(tmp_path, toy, table):
    release = Release(name="c", records=table)
    names = files.write_release(tmp_path / "out" / "release", release)
    files.write_manifest(tmp_path / "out" / "release", release, toy, names, {})
    staging.check_writable(tmp_path / "out", replace=True)


# --------------------------------------------------------------------------------- CSV and Parquet


def test_csv_is_plain(tmp_path, table):
    files.write_csv(table, tmp_path / "data.csv")
    assert (tmp_path / "data.csv").read_bytes() == (
        b"year,gender,ageBroad,means,forced\n"
        b"2019,Female,0--17,Debt;Violence,1\n"
        b"2020,Male,,,\n"
        b"2021,,30+,Threats,1\n"
    )


def test_counts_come_last(tmp_path, counts):
    files.write_csv(counts, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == (
        b"year,gender,ageBroad,means,forced,count\n,,,,,9\n,Female,,,1,3\n"
    )


def test_only_what_needs_quotation_marks_has_them(tmp_path, odd):
    codes = np.array([[number, -1, -1, -1, -1, -1, -1] for number in range(9)])
    files.write_csv(table_of_codes(odd, odd.columns, codes), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines() == [
        "one,several,other", '"a,b",,', '"say ""no""",,', "x;y,,", "NA,,", "007,,",
        "0--12 (0-1 yr),,", "é,,", "',,", "two words,,",
    ]  # fmt: skip


def tables(codebook, *, counted):
    """Draw tables of a codebook's columns."""
    sizes = [len(column.codes) for column in codebook.columns]
    row = st.tuples(*[st.integers(-1, size - 1) for size in sizes])

    def build(rows):
        codes = np.array([codes for codes, _ in rows], dtype=np.int16).reshape(-1, len(sizes))
        counts = np.array([count for _, count in rows], dtype=np.int64) if counted else None
        return table_of_codes(codebook, codebook.columns, codes, counts)

    return st.lists(st.tuples(row, st.integers(0, 10**12)), max_size=8).map(build)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("written") / "data"


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@given(data=st.data())
def test_what_is_read_back_is_what_was_written(place, odd, data, counted, suffix):
    table = data.draw(tables(odd, counted=counted))
    path = place.with_suffix(suffix)
    (files.write_csv if suffix == ".csv" else files.write_parquet)(table, path)
    held, meant = files.read_back(path, odd), published_of(table)
    assert held.records == meant.records
    assert held.combinations == meant.combinations


@given(data=st.data())
def test_parquet_and_csv_hold_the_same_texts(place, odd, data):
    table = data.draw(tables(odd, counted=data.draw(st.booleans())))
    files.write_csv(table, place.with_suffix(".csv"))
    files.write_parquet(table, place.with_suffix(".parquet"))
    with place.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    parquet = pq.read_table(place.with_suffix(".parquet"))
    assert parquet.column_names == header
    held = [["" if c is None else str(c) for c in row.values()] for row in parquet.to_pylist()]
    assert held == rows


def test_a_table_of_some_variables_has_only_those_columns(tmp_path, table, toy):
    some = evolve(table, frame=table.frame[["gender", "means=Threats"]])
    files.write_csv(some, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "gender,means\nFemale,\nMale,\n,Threats\n"
    assert files.read_back(tmp_path / "t.csv", toy).records == published_of(some).records


@pytest.mark.parametrize(
    "text",
    [
        "gender,forced\nFemale,1,Zuzana\n",
        "gender,forced\nFemale\n",
        "gender,name\nFemale,Zuzana\n",
        "gender,count\nFemale\n",
        "gender,forced\n\n",
    ],
    ids=["a cell more", "a cell less", "another column", "no count", "a blank line"],
)
def test_a_file_that_is_no_table_of_the_codebook_is_refused(tmp_path, toy, text):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ReleaseRefused) as caught:
        files.read_back(tmp_path / "t.csv", toy)
    assert "Zuzana" not in str(caught.value)


# ------------------------------------------------------------------------------------- the release


@pytest.fixture
def release(table, counts):
    stage = StageRecord(
        stage="s", part=Shape.RECORDS, strategy="k-synthesis", plugin="ctdc-framework",
        version="1.0", contract=1, params={"k": 3}, claims=(RecordSupport(k=3),), rows_in=7919,
        rows_out=7907, seconds=1.5, details={"secret": 7901},
        notes=(Note(code="a", message="7883 were left out"),),
    )  # fmt: skip
    return Release(
        name="c", records=table, tables=counts, tables_length=2, stages=(stage,),
        claims=(RecordSupport(k=3),), notes=stage.notes,
    )  # fmt: skip


def test_a_release_holds_records_and_tables(tmp_path, release, umask):
    written = files.write_release(tmp_path / "release", release)
    assert list(written) == [
        "data.csv",
        "data.parquet",
        "tables/combinations-2.csv",
        "tables/combinations-2.parquet",
    ]
    assert written["data.csv"] is release.records
    assert written["tables/combinations-2.csv"] is release.tables
    assert [mode(tmp_path / "release" / name) for name in written] == [0o644] * 4


def test_a_release_of_one_kind_holds_that_alone(tmp_path, release):
    only = files.write_release(tmp_path / "a", evolve(release, tables=None))
    assert list(only) == everything(tmp_path / "a") == ["data.csv", "data.parquet"]
    only = files.write_release(tmp_path / "b", evolve(release, records=None))
    assert everything(tmp_path / "b") == ["tables", *only]


def test_the_manifest_lists_the_files_there_are_with_their_hashes(tmp_path, release, toy):
    folder = tmp_path / "release"
    written = files.write_release(folder, release)
    own = files.write_manifest(folder, release, toy, written, {"python": "3.11"})
    path = folder / "release.json"
    assert own == hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = json.loads(path.read_text(encoding="utf-8"))
    there = {name for name in everything(folder) if (folder / name).is_file()} - {"release.json"}
    assert set(manifest["files"]) == there
    for name, digest in manifest["files"].items():
        assert digest == hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_the_manifest_tells_what_is_promised_and_nothing_of_the_original(tmp_path, release, toy):
    folder = tmp_path / "release"
    written = files.write_release(folder, release)
    files.write_manifest(folder, release, toy, written, {"python": "3.11"})
    text = (folder / "release.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert manifest["codebook"] == {"id": "toy", "version": "1.0.0", "sha256": toy.digest}
    assert manifest["claims"] == [
        {
            "claim": "record-support(k=3)",
            "basis": "recounted",
            "sentence": RecordSupport(k=3).sentence,
        }
    ]
    assert manifest["stages"][0]["params"] == {"k": 3}
    assert manifest["seed"] == "withheld"
    assert not re.search("79(19|07|01)|7883", text), "rows, details and notes are private"


def test_numbers_of_numpy_are_numbers_in_json():
    value = {"n": np.int64(3), "x": np.float64(0.5), "b": np.bool_(True), "p": Path("a")}
    assert json.loads(files.as_json(value)) == {"n": 3, "x": 0.5, "b": True, "p": "a"}


def test_a_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert files.digest(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
