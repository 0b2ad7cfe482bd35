"""`ctdc prepare`: raw records into a codebook's variables, for their owner alone."""

import csv
import gzip
import json
import os
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest


def prepare(ctdc, *more, data="cases.csv", out="prepared.csv"):
    return ctdc("prepare", "--codebook", "minimal", "--data", data, "--out", out, *more)


def test_identifiers_and_exact_ages_are_gone(ctdc, cases):
    said = prepare(ctdc)

    assert said.code == 0
    assert "identifiers dropped: caseNumber" in said.out
    with Path("prepared.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["gender", "ageBroad", "citizenship", "isForcedLabour"]
    assert len(rows) == 300
    assert {row["ageBroad"] for row in rows} == {"0--8", "9--17", "18--29", "30+"}
    assert "NAM" in {row["citizenship"] for row in rows}


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_what_is_written_is_for_its_owner_alone(ctdc, cases):
    prepare(ctdc)

    assert stat.S_IMODE(Path("prepared.csv").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_replaced_only_by_force(ctdc, cases):
    Path("prepared.csv").write_text("a letter", encoding="utf-8")

    said = prepare(ctdc)

    assert said.code == 1
    assert "is there already" in said.err
    assert Path("prepared.csv").read_text(encoding="utf-8") == "a letter"
    assert prepare(ctdc, "--force").code == 0


def test_an_unknown_kind_of_file_is_not_written(ctdc, cases, left):
    said = prepare(ctdc, out="prepared.ods")

    assert said.code == 1
    assert ".csv or .parquet" in said.err
    assert left() == ["cases.csv"]


def test_parquet_holds_the_same_as_csv(ctdc, cases):
    prepare(ctdc)
    prepare(ctdc, out="prepared.parquet")

    with Path("prepared.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(file)]
    assert pq.read_table("prepared.parquet").to_pylist() == rows


@pytest.mark.parametrize("name", ["semicolon", ";"])
def test_a_delimiter_may_be_given_by_its_name(ctdc, cases, name):
    cases.write_text(cases.read_text("utf-8").replace(",", ";"), encoding="utf-8")

    assert prepare(ctdc, "--delimiter", name).code == 0


def test_tabs_and_gzip_are_read(ctdc, cases):
    prepare(ctdc)
    text = cases.read_text("utf-8").replace(",", "\t")
    Path("cases.tsv.gz").write_bytes(gzip.compress(text.encode()))

    assert prepare(ctdc, data="cases.tsv.gz", out="same.csv").code == 0

    assert Path("same.csv").read_bytes() == Path("prepared.csv").read_bytes()


def test_junk_columns_and_unknown_values_are_let_through_only_when_told(ctdc, cases, records):
    rows = [row.replace(",NPL,", ",Nepal,") + ",x" for row in records]
    header = cases.read_text("utf-8").split("\n")[0] + ",junk"
    cases.write_text("\n".join([header, *rows, ""]), encoding="utf-8")

    assert prepare(ctdc).code == 1
    assert prepare(ctdc, "--drop-unknown").code == 1
    said = prepare(ctdc, "--drop-unknown", "--on-unknown", "missing")

    assert said.code == 0
    assert "warning: 1 column(s) that the codebook does not know were left out" in said.out
    assert "`citizenship`: values outside the domain" in said.out


def test_json_holds_the_notes(ctdc, cases):
    told = json.loads(prepare(ctdc, "--json").out)

    assert told["codebook"] == "minimal"
    assert [note["code"] for note in told["notes"]] == ["identifiers-dropped"]


@pytest.mark.parametrize("suffix", [".dta", ".sav", ".xlsx"])
def test_what_is_written_for_another_program_is_private_and_prepares_to_the_same(
    ctdc, cases, suffix
):
    pytest.importorskip("openpyxl" if suffix == ".xlsx" else "pyreadstat")
    assert prepare(ctdc, out="first.csv").code == 0
    assert prepare(ctdc, out=f"other{suffix}").code == 0
    assert Path(f"other{suffix}").stat().st_mode & 0o777 == 0o600
    said = prepare(ctdc, data=f"other{suffix}", out="second.csv")
    assert said.code == 0
    assert Path("first.csv").read_bytes() == Path("second.csv").read_bytes()
