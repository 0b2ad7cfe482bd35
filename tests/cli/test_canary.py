"""Marked values in the rarest cells: no byte written or printed outside `private/` holds one.

Each canary is a text that nothing else would make, in a place where data come in: a value that one
record alone holds, a value outside its domain, an identifier, a column that nobody knows.
"""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

CODEBOOK = """
[codebook]
dsl = 1
id = "canary"
title = "Places, many of them rare"
version = "1.0.0"
order = ["place", "gender", "work"]

[privacy]
k = 5
round_to = 5

[domains.place]
kind = "enum"
values = [{places}]

[domains.gender]
kind = "enum"
values = [{{ code = "Female" }}, {{ code = "Male" }}]

[variables.place]
domain = "place"
role = ["quasi"]
definition = "Where."

[variables.gender]
domain = "gender"
role = ["quasi"]
definition = "Gender."

[variables.work]
domain = "std/flag"
role = ["sensitive"]
definition = "Work."

[inputs.person]
role = "identifier"
"""

RARE = [f"QZX{number:03}RARE" for number in range(30)]
SECRET = "QZXIDENT"
STRATEGIES = {
    "k-synthesis": ["--strategy", "k-synthesis", "--tables", "2"],
    "k-anonymization": ["--strategy", "k-anonymization"],
    "rounding": ["--strategy", "tabulate", "--strategy", "rounding"],
}


@pytest.fixture
def codebook(folder):
    places = ["Here", "There", *RARE, "QZXNEVER"]
    text = CODEBOOK.format(places=", ".join(f'{{ code = "{one}" }}' for one in places))
    path = Path("canary.toml")
    path.write_text(text)
    return path


def cases(extra=()):
    rows = [
        f"{SECRET}{n},{('Here', 'There')[n % 2]},{('Female', 'Male')[n % 3 == 0]},{n % 2 or ''}"
        for n in range(100)
    ]
    rows += [f"{SECRET}R{n},{place},Female,1" for n, place in enumerate(RARE)]
    return "\n".join(["person,place,gender,work", *rows, *extra, ""])


@pytest.fixture
def data(codebook):
    path = Path("cases.csv")
    path.write_text(cases())
    return path


def texts(folder):
    """Every text outside `private/`: names and contents, packed and columnar files unpacked."""
    for path in folder.rglob("*"):
        if "private" in path.parts:
            continue
        yield str(path.relative_to(folder)).encode()
        if path.is_file():
            content = path.read_bytes()
            yield content
            if path.suffix == ".parquet":
                yield json.dumps(pq.read_table(path).to_pydict()).encode()
                yield str(pq.read_metadata(path).to_dict()).encode()
            if content[:2] == b"\x1f\x8b":
                yield gzip.decompress(content)
            if content[:2] == b"PK":
                with zipfile.ZipFile(io.BytesIO(content)) as packed:
                    yield from map(packed.read, packed.namelist())


def marked(*more):
    return [text for text in more if b"QZX" in (text if isinstance(text, bytes) else text.encode())]


@pytest.mark.parametrize(
    ("name", "format"),
    [("k-synthesis", ["--json"]), ("k-anonymization", []), ("rounding", [])],
)
def test_nothing_that_is_released_or_printed_holds_a_rare_value(ctdc, data, name, format):
    hold_no_rare_value(ctdc, data, name, format)


def test_no_page_that_is_drawn_holds_a_rare_value(ctdc, data, drawn):
    hold_no_rare_value(ctdc, data, "k-synthesis", [])

    assert "<svg" in Path("out/release/report.html").read_text(encoding="utf-8")


def hold_no_rare_value(ctdc, data, name, format):
    done = ctdc(
        "run", "--codebook", "canary.toml", "--data", data, *STRATEGIES[name], "--out", "out",
        *format,
    )  # fmt: skip
    assert done.code == 0, done.err

    told = Path("out/private/suppressed.parquet")
    assert told.exists() == (name == "k-anonymization")
    assert not told.exists() or told.stat().st_mode & 0o777 == 0o600
    assert not list(Path("out/release").rglob("*suppressed*"))
    assert not marked(done.out, done.err)
    release = Path("out/release")
    for text in texts(Path("out")):
        assert SECRET.encode() not in text
    described = {"codebook.md", "codebook.html", "datapackage.json"}  # list the domains, not data
    for path in release.rglob("*"):
        if path.is_file() and path.name not in described:
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += json.dumps(pq.read_table(path).to_pydict()).encode()
            assert b"QZX" not in content, path


def test_a_run_prints_the_same_whether_a_rare_value_occurs_or_not(ctdc, data):
    """The one value that nobody has: nothing printed or listed may tell it from the rare ones."""
    ctdc("run", "--codebook", "canary.toml", "--data", data, *STRATEGIES["k-synthesis"],
         "--out", "a", "--seed", "1")  # fmt: skip
    Path("cases.csv").write_text(cases().replace(RARE[0], "QZXNEVER"))
    ctdc("run", "--codebook", "canary.toml", "--data", data, *STRATEGIES["k-synthesis"],
         "--out", "b", "--seed", "1")  # fmt: skip
    for name in ("codebook.md", "codebook.html", "datapackage.json", "data.csv"):
        assert Path("a/release", name).read_bytes() == Path("b/release", name).read_bytes()


BAD = {
    "outside its domain": "X1,QZXOUT,Female,1",
    "a flag that is none": "X1,Here,Female,QZXFLAG",
    "a formula": "X1,=QZX(),Female,1",
    "ragged": "X1,Here,Female,1,QZXMORE",
    "an open quotation mark": 'X1,"QZXOPEN,Female,1',
    "not UTF-8": "X1,QZX\udcff,Female,1",
    "NUL": "X1,QZX\0,Female,1",
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["run", "prepare", "verify"])
def test_what_is_wrong_with_a_file_is_told_without_its_content(ctdc, codebook, left, name, command):
    Path("cases.csv").write_bytes(cases([BAD[name]]).encode(errors="surrogateescape"))
    before = left()
    argv = {
        "run": ["run", "--codebook", codebook, "--data", "cases.csv", "--strategy", "k-synthesis",
                "--out", "out"],
        "prepare": ["prepare", "--codebook", codebook, "--data", "cases.csv", "--out", "p.csv"],
        "verify": ["verify", "cases.csv", "--codebook", codebook],
    }[command]  # fmt: skip

    done = ctdc(*argv)

    assert done.code in (1, 3)
    assert not marked(done.out, done.err)
    assert left() == before


def test_unknown_columns_are_named_as_they_are_headers_and_no_data(ctdc, codebook, left):
    lines = cases().splitlines()
    Path("cases.csv").write_text("\n".join(f"{line},QZXCELL" for line in lines))

    done = ctdc("run", "--codebook", codebook, "--data", "cases.csv", "--strategy", "k-synthesis",
                "--out", "out")  # fmt: skip

    assert done.code == 1
    assert SECRET not in done.err


def test_taking_bad_values_for_missing_names_none_of_them(ctdc, codebook):
    extra = [f"X{n},QZXOUT{n},Female,1" for n in range(3)]
    Path("cases.csv").write_text(cases(extra))

    done = ctdc("run", "--codebook", codebook, "--data", "cases.csv", "--strategy", "k-synthesis",
                "--on-unknown", "missing", "--out", "out")  # fmt: skip

    assert done.code == 0
    assert not marked(done.out, done.err)
    for text in texts(Path("out")):
        assert b"QZXOUT" not in text


def test_a_fault_of_ours_tells_nothing_of_the_data(ctdc, data, monkeypatch, left):
    def fail(*_):
        raise RuntimeError(f"{SECRET}1 {RARE[0]}")

    monkeypatch.setattr("ctdc_framework.runs.compare.original_of", fail)
    done = ctdc("run", "--codebook", "canary.toml", "--data", data, *STRATEGIES["k-synthesis"],
                "--out", "out")  # fmt: skip

    assert done.code == 70
    assert not marked(done.out, done.err)
    assert not any("out" in name for name in left())
