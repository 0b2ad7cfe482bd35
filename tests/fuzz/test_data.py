"""Damaged data files, manifests and descriptions of other programs: read, or refused in words."""

import gzip
import io
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ctdc_framework.errors import CtdcError
from ctdc_framework.exchange import frictionless, redcap, statistics
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.records.files import read_raw
from ctdc_framework.records.formats.statistics import ask_apart
from ctdc_framework.records.tables import cell_texts, table_of_codes
from ctdc_framework.releases.reading import read_manifest

MANIFEST = {
    "format": 1,
    "candidate": "one",
    "codebook": {"id": "minimal", "version": "1.0.0", "sha256": "0" * 64},
    "claims": [
        {"claim": "record-support(k=10)", "basis": "recounted"},
        {
            "claim": "k-anonymity(k=10, columns=gender ageBroad, missing=itself)",
            "basis": "recounted",
        },
        {"claim": "differential-privacy(epsilon=1.0, delta=0.0)", "basis": "by design"},
    ],
    "stages": [
        {"id": "make", "strategy": "k-synthesis", "params": {"k": 10}, "mixes_levels": True}
    ],
    "files": {"data.csv": "0" * 64, "tables/combinations-2.csv": "1" * 64},
    "accepted": {"note": "because"},
}

DICTIONARY = """\
"Variable / Field Name","Form Name","Section Header","Field Type","Field Label","Choices, \
Calculations, OR Slider Labels","Field Note","Text Validation Type OR Show Slider Number"
record_id,intake,,text,Case,,,
sex,intake,"Who",radio,Sex,"1, Female | 2, Male | -9, Refused",,
means,intake,,checkbox,Means,"a, Debt | b, Threats",,
age,intake,,text,Age,,,integer
"""


@pytest.fixture(scope="module")
def table(toy):
    rng = np.random.default_rng(7)
    sizes = [len(column.codes) for column in toy.columns]
    return table_of_codes(
        toy, toy.columns, np.stack([rng.integers(0, size, 25) for size in sizes], axis=1)
    )


@pytest.fixture(scope="module")
def texts(table):
    cells = {name: list(column) for name, column in cell_texts(table).items()}
    rows = [
        list(cells),
        *([cell or "" for cell in row] for row in zip(*cells.values(), strict=True)),
    ]
    return cells, "\n".join(",".join(row) for row in rows) + '\n2019,"Female",0--17,,1\n'


def hold(error):
    """Look at what a user is told."""
    assert str(error)
    assert "Traceback" not in str(error)


def readings(mutator, rounds, number, contents, suffix, tmp_path):
    """Give damaged copies, each written to a file."""
    path = tmp_path / f"cases{suffix}"
    for _ in range(rounds(number)):
        content = mutator.content(mutator.random.choice(contents))
        path.write_bytes(content)
        yield content, path


def read(path, toy, **options):
    """Read and prepare a file; give whether it held what it should."""
    try:
        raw = read_raw(path)
        prepare(raw, toy, on_unknown="missing", drop_unknown=True)
    except CtdcError as error:
        hold(error)
        return False
    return True


@pytest.mark.parametrize(
    ("suffix", "number"), [(".csv", 15_000), (".tsv", 3_000), (".csv.gz", 2_000)]
)
def test_damaged_texts(rounds, mutator, soon, toy, texts, tmp_path, suffix, number):
    text = texts[1].replace(",", "\t") if suffix == ".tsv" else texts[1]
    content = gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode()
    found = 0
    for damaged, path in readings(mutator, rounds, number, [content], suffix, tmp_path):
        with soon(damaged, suffix):
            found += read(path, toy)
    assert found or suffix.endswith(".gz")


def test_damaged_parquet(rounds, mutator, soon, toy, texts, tmp_path):
    contents = []
    for options in ({}, {"compression": "none"}, {"compression": "gzip", "use_dictionary": False}):
        written = io.BytesIO()
        pq.write_table(pa.table(texts[0]), written, **options)
        contents.append(written.getvalue())
    for damaged, path in readings(mutator, rounds, 4_000, contents, ".parquet", tmp_path):
        with soon(damaged, ".parquet"):
            read(path, toy)


def test_damaged_workbooks(rounds, mutator, soon, toy, table, tmp_path):
    pytest.importorskip("openpyxl")
    content = written(table, tmp_path / "whole.xlsx")
    for damaged, path in readings(mutator, rounds, 1_000, [content], ".xlsx", tmp_path):
        with soon(damaged, ".xlsx"):
            read(path, toy)


@pytest.mark.parametrize("suffix", [".dta", ".sav"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process for each file would take hours")
def test_damaged_files_of_statistics_programs(
    rounds, mutator, soon, toy, table, tmp_path, monkeypatch, ask_copies, suffix
):
    pytest.importorskip("pyreadstat")
    whole = tmp_path / f"whole{suffix}"
    content = written(table, whole)
    assert ask_copies(whole) == ask_apart(whole)
    monkeypatch.setattr("ctdc_framework.records.formats.statistics.ask_apart", ask_copies)
    assert read(whole, toy)
    for damaged, path in readings(mutator, rounds, 2_000, [content], suffix, tmp_path):
        with soon(damaged, suffix):
            read(path, toy)


def written(table, path):
    """Write a sound file for another program, and give its bytes."""
    statistics.write(table, path)
    return path.read_bytes()


def test_damaged_manifests(rounds, mutator, soon, tmp_path):
    path, sound = tmp_path / "release.json", 0
    for number in range(rounds(12_000)):
        if number % 2:
            content = json.dumps(
                mutator.tree(json.loads(json.dumps(MANIFEST))), default=str
            ).encode()
        else:
            content = mutator.content(json.dumps(MANIFEST).encode())
        path.write_bytes(content)
        with soon(content, ".json"):
            try:
                read_manifest(tmp_path)
                sound += 1
            except CtdcError as error:
                hold(error)
    assert sound


def test_damaged_descriptions_of_other_programs(rounds, mutator, soon, toy):
    package = json.dumps(frictionless.export(toy), default=str)
    for number in range(rounds(4_000)):
        if number % 2:
            data = mutator.tree(json.loads(package))
            content = json.dumps(data, default=str).encode()
        else:
            content = mutator.content(DICTIONARY.encode())
        with soon(content, ".json" if number % 2 else ".csv"):
            try:
                if not number % 2:
                    redcap.import_dictionary(content.decode("utf-8", "replace"), "x")
                elif isinstance(data, dict):
                    frictionless.import_package(json.loads(content), "x")
            except CtdcError as error:
                hold(error)
