"""Input that was made to do harm: refused in words, within seconds, in bounded memory."""

import csv
import gzip
import os
import resource
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

CODE = "from ctdc_framework.cli import main; main()"
SECONDS, BYTES = 20, 3 << 30
DEEP = {
    "arrays": "a = " + "[" * 100_000 + "]" * 100_000,
    "tables": "a = " + "{b=" * 3000 + "1" + "}" * 3000,
    "keys": "a" + ".a" * 50_000 + " = 1",
    "headers": "[a" + ".a" * 50_000 + "]",
}


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.fixture
def refused(folder):
    """Run a command with bounded memory and time; give what it says on refusing."""

    def go(*argv, code=1):
        done = subprocess.run(
            [sys.executable, "-c", CODE, *map(str, argv)],
            capture_output=True, text=True, preexec_fn=limited,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == code, said[-500:]
        assert "Traceback" not in said
        assert "fault" not in said
        assert len(said) < 20_000
        return said

    return go


@pytest.fixture
def told(ctdc):
    """The same in this process, for what is small and does no harm by its size or depth."""

    def go(*argv):
        done = ctdc(*argv)
        assert done.code == 1, done
        assert len(done.out + done.err) < 20_000
        return done.out + done.err

    return go


@pytest.fixture
def minimal():
    return (Path(__file__).parents[2] / "codebooks" / "minimal.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", DEEP)
def test_a_codebook_nested_without_end_is_refused(refused, minimal, kind):
    Path("own.toml").write_text(f"{DEEP[kind]}\n{minimal}", encoding="utf-8")

    assert "nested too deeply" in refused("codebook", "check", "own.toml")


def test_a_codebook_with_a_million_bands_is_refused(refused, minimal):
    bands = ",".join(f"{{from={n},to={n}}}" for n in range(1_000_000))
    Path("own.toml").write_text(f'{minimal}\n[domains.x]\nkind="bands"\nbands=[{bands}]\n')

    assert "more than 2,000,000 bytes" in refused("codebook", "check", "own.toml")


@pytest.mark.parametrize("id", ["../../x", "/etc/x", "a/b", "..", "con\\x", "x\\u0000"])
def test_an_id_with_parts_of_a_path_is_refused(told, minimal, id):
    Path("own.toml").write_text(minimal.replace('"minimal"', f'"{id}"', 1), encoding="utf-8")

    assert "CB0" in told("codebook", "check", "own.toml")


@pytest.mark.parametrize("name", ["../../evil", "/evil", "..", "a/../b"])
def test_a_candidates_name_with_parts_of_a_path_is_refused(told, name):
    Path("p.toml").write_text(
        f'[plan]\ncodebook = "minimal"\n[[candidates]]\nname = "{name}"\n'
        'stages = [{ id = "a", strategy = "k-synthesis" }]\n'
    )

    assert "error[PL0" in told("plan", "check", "p.toml")


def test_a_letter_that_looks_like_another_is_named(told, minimal):
    Path("own.toml").write_text(
        minimal.replace("[variables.gender]", '[variables."g\u0435nder"]'), encoding="utf-8"
    )

    assert "U+0435 CYRILLIC SMALL LETTER IE" in told("codebook", "check", "own.toml")


def test_nothing_of_a_codebook_or_a_header_steers_the_terminal(ctdc, minimal):
    steering = "\\u001b[2J\\u009b8m\\u202e"
    Path("own.toml").write_text(minimal.replace('title = "', f'title = "{steering}', 1))
    Path("cases.csv").write_text(
        HEADER.strip() + ",\x1b[2Jnotes\n" + "A,Female,30,NPL,1,,,x\n" * 20
    )
    assert "\\u009b" in Path("own.toml").read_text()

    for argv in (
        ("codebook", "show", "own.toml"),
        ("codebook", "show", "own.toml", "--json"),
        ("codebook", "check", "own.toml"),
        ("codebook", "diff", "minimal", "own.toml"),
        ("codebook", "infer", "cases.csv", "--out", "drafted.toml"),
        ("prepare", "--codebook", "minimal", "--data", "cases.csv", "--out", "a.csv"),
        ("prepare", "--codebook", "minimal", "--data", "cases.csv", "--out", "b.csv",
         "--drop-unknown"),
    ):  # fmt: skip
        done = ctdc(*argv)
        assert done.code in (0, 1, 3), (argv, done)
        assert done.out + done.err, argv
        assert not {"\x1b", "\x9b", "\u202e"} & set(done.out + done.err), argv


def test_no_cell_of_a_release_is_a_formula_in_a_spreadsheet(made):
    sheet = openpyxl.Workbook().active
    files = sorted((made / "release").rglob("*.csv"))
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines):
                sheet.append([cell or None for cell in row])
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]

    assert len(files) == 2
    assert len(cells) > 1000
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert not [cell.value for cell in cells if str(cell.value)[0] in "=+-@\t\r"]


@pytest.mark.parametrize("sign", "=+-@\t")
def test_a_code_that_a_spreadsheet_would_run_is_refused(told, minimal, sign):
    Path("own.toml").write_text(
        minimal.replace('"Female"', f'"{sign}cmd"', 1).replace("\t", "\\t"), encoding="utf-8"
    )

    assert "CB116" in told("codebook", "check", "own.toml", "--strict")


HEADER = "caseNumber,gender,age,citizenship,isForcedLabour,forcedFarmWork,forcedDomesticWork\n"
RUN = ("run", "--codebook", "minimal", "--strategy", "k-synthesis", "--out", "out", "--data")


def test_a_line_of_a_hundred_megabytes_is_refused(refused):
    with open("long.csv", "w", encoding="utf-8") as file:
        file.write(HEADER + "A-1," + "F" * 100_000_000 + ",3,,,,\n")

    assert "FFF" not in refused(*RUN, "long.csv")


def test_a_hundred_thousand_columns_are_refused(refused):
    names = [f"c{number}" for number in range(100_000)]
    Path("wide.csv").write_text(f"{','.join(names)}\n{','.join('1' for _ in names)}\n")

    assert "100,000 columns" in refused(*RUN, "wide.csv")


def test_a_file_that_unpacks_to_gigabytes_is_refused(refused):
    lines = gzip.compress(b"\n" * 10_000_000)  # members of a gzip file are read as one
    Path("bomb.csv.gz").write_bytes(gzip.compress(HEADER.encode()) + lines * 120)

    assert "unpacks to more than" in refused(*RUN, "bomb.csv.gz")


def test_line_ends_in_quotation_marks_do_not_part_a_record(told):
    """A cell of two lines is one cell, outside its domain: it is told so, and not shown."""
    Path("lines.csv").write_text(HEADER + 'A-1,"Fe\nmale",3,NPL,1,,\n' * 3)

    said = told(*RUN, "lines.csv")

    assert "gender" in said
    assert "fewer than 10 rows" in said
    assert "Fe\nmale" not in said


def test_a_release_is_not_written_through_a_link_into_another_folder(told):
    Path("cases.csv").write_text(HEADER + "A-1,Female,30,NPL,1,,\n" * 40)
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    Path("out").symlink_to("mine")

    told(*RUN, "cases.csv")

    assert [path.name for path in Path("mine").iterdir()] == ["notes.txt"]
