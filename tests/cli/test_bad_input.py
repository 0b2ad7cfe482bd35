"""What a user can mend is told once, with a place and a remedy; nothing is left half-written.

No message holds a value of the records, and none is a traceback.
"""

import os
from pathlib import Path

import pytest

RUN = ("run", "--codebook", "minimal", "--strategy", "k-synthesis", "--data", "cases.csv")


def text_of(records, header=None):
    first = header or (
        "caseNumber,gender,age,citizenship,isForcedLabour,forcedFarmWork,forcedDomesticWork"
    )
    return "\n".join([first, *records, ""])


@pytest.fixture
def refused(ctdc, left):
    """Run a command that must fail: one message on stderr, nothing written, no data shown."""

    def check(*argv, code=1):
        before = left()
        said = ctdc(*argv)
        assert said.code == code, said
        assert said.out == ""
        assert said.err.strip()
        assert "Traceback" not in said.err
        assert "A-00" not in said.err, "a message shows a case number"
        assert left() == before, "something was left behind"
        return said.err

    return check


FILES = {
    "empty": (lambda rows: b"", ["cases.csv", "is empty"]),
    "header only": (lambda rows: text_of([]).encode(), ["cases.csv", "no records"]),
    "wrong delimiter": (
        lambda rows: text_of(rows).replace(",", ";").encode(),
        ["cases.csv", "semicolon", "--delimiter"],
    ),
    "Windows-1252": (
        lambda rows: text_of(rows).replace("Other", "Autre é").encode("cp1252"),
        ["cases.csv", "not UTF-8", "save it as UTF-8"],
    ),
    "UTF-16": (
        lambda rows: text_of(rows).encode("utf-16"),
        ["cases.csv", "not UTF-8", "save it as UTF-8"],
    ),
    "duplicate columns": (
        lambda rows: text_of(rows).replace("age,", "gender,", 1).encode(),
        ["cases.csv", "more than once", "a name of its own"],
    ),
    "a row too long": (
        lambda rows: text_of([*rows, "A-0999,Male,3,NPL,,,,Kathmandu"]).encode(),
        ["cases.csv", "7 columns", "some rows have 8"],
    ),
    "no header": (lambda rows: "\n".join(rows[:250]).encode(), ["cases.csv"]),
    "an open quotation mark": (
        lambda rows: text_of([*rows[:-1], 'A-0999,"Male,3,NPL,,,']).encode(),
        ["cases.csv", "quotation mark"],
    ),
    "junk column": (
        lambda rows: text_of(
            [f"{row},x" for row in rows],
            "caseNumber,gender,age,citizenship,isForcedLabour,forcedFarmWork,"
            "forcedDomesticWork,notes",
        ).encode(),
        ["cases.csv", "`notes`", "--drop-unknown"],
    ),
    "misspelt column": (
        lambda rows: text_of(rows).replace("citizenship", "citizenshp", 1).encode(),
        ["cases.csv", "`citizenshp`", "did you mean `citizenship`"],
    ),
    "values outside a domain": (
        lambda rows: text_of(rows).replace(",NPL,", ",NP,").encode(),
        ["cases.csv", "citizenship", "`NP`", "`NPL`"],
    ),
    "0 in a flag": (
        lambda rows: text_of([row.replace(",1,", ",0,") for row in rows]).encode(),
        ["cases.csv", "isForcedLabour", "CB331", "a flag holds 1 or nothing"],
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_does_not_fit_is_told_with_place_and_remedy(kind, records, refused, folder):
    make, told = FILES[kind]
    Path("cases.csv").write_bytes(make(records))

    message = refused(*RUN, "--out", "out")

    assert all(part in message for part in told), message


def test_a_rare_value_outside_a_domain_is_not_shown(records, refused, folder):
    rows = [row.replace(",Male,", ",Zorgblat,") if n < 90 else row for n, row in enumerate(records)]
    assert sum(",Zorgblat," in row for row in rows) >= 10
    rows[-1] = "A-0999,Xanthippe,30,NPL,,,"
    Path("cases.csv").write_text(text_of(rows), encoding="utf-8")

    message = refused(*RUN, "--out", "out")

    assert "Zorgblat" in message
    assert "Xanthippe" not in message


def test_a_missing_file_is_named(refused, folder):
    assert "there is no file cases.csv" in refused(*RUN, "--out", "out")


def test_a_directory_is_no_data_file(refused, folder):
    Path("cases.csv").mkdir()

    assert "is a directory" in refused(*RUN, "--out", "out")


def test_a_file_of_a_kind_that_is_not_read_is_told(refused, cases):
    cases.rename("cases.ods")

    message = refused(*RUN[:-1], "cases.ods", "--out", "out")

    assert "cases.ods" in message
    assert "give a .csv" in message


def test_a_spreadsheet_that_is_none_is_told(refused, cases):
    cases.rename("cases.xlsx")

    assert "is no Excel workbook" in refused(*RUN[:-1], "cases.xlsx", "--out", "out")


OPTIONS = {
    "unknown strategy": (["--strategy", "k-sinthesis"], ["`k-sinthesis`", "`k-synthesis`"]),
    "unknown parameter": (
        ["--strategy", "k-synthesis", "--param", "mod=seeded"],
        ["--param mod", "did you mean `mode`"],
    ),
    "parameter without a value": (
        ["--strategy", "k-synthesis", "--param", "k"],
        ["--param k", "key=value"],
    ),
    "parameter of the wrong kind": (
        ["--strategy", "k-synthesis", "--param", "k=ten"],
        ["--param k", "whole number"],
    ),
    "parameter whose owner is unclear": (
        ["--strategy", "k-anonymization", "--strategy", "k-synthesis", "--param", "k=10"],
        ["--param k=10", "several strategies", "--param k-anonymization.k=10"],
    ),
    "k below the codebook's": (
        ["--strategy", "k-synthesis", "--param", "k=5"],
        ["k = 10", "at least 10"],
    ),
    "k larger than the data": (
        ["--strategy", "k-synthesis", "--param", "k=301"],
        ["301", "more than there are records"],
    ),
    "counts where records are wanted": (
        ["--strategy", "rounding"],
        ["--strategy rounding", "takes counts", "tabulate"],
    ),
    "unknown variable": (
        ["--strategy", "k-anonymization", "--param", "keys=gender,agebroad"],
        ["--param keys", "`agebroad`"],
    ),
    "two characters for a delimiter": (
        ["--strategy", "k-synthesis", "--delimiter", "::"],
        ["--delimiter ::", "one character"],
    ),
    "a candidate without a plan": (
        ["--strategy", "k-synthesis", "--candidate", "one"],
        ["--candidate", "plan"],
    ),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_option_that_does_not_fit_is_told_with_its_remedy(kind, refused, cases):
    options, told = OPTIONS[kind]

    message = refused("run", "--codebook", "minimal", "--data", cases, "--out", "out", *options)

    assert all(part in message for part in told), message


def test_unknown_codebooks_are_told_with_the_nearest_name(refused, cases):
    message = refused("run", "--codebook", "minimall", "--data", cases,
                      "--strategy", "k-synthesis", "--out", "out")  # fmt: skip

    assert "did you mean `minimal`" in message


def test_a_codebook_that_is_not_toml_is_told_by_line(refused, cases):
    Path("own.toml").write_text('[codebook]\nid = "own\n', encoding="utf-8")

    message = refused("run", "--codebook", "own.toml", "--data", cases,
                      "--strategy", "k-synthesis", "--out", "out")  # fmt: skip

    assert "own.toml:2:" in message
    assert "CB001" in message


def test_options_that_are_missing_are_all_named(refused, folder):
    message = refused("run", "--out", "out")

    assert all(option in message for option in ("--codebook", "--data", "--strategy"))


def test_a_plan_and_options_together_are_refused(refused, cases):
    Path("plan.toml").write_text("", encoding="utf-8")

    message = refused("run", "plan.toml", "--strategy", "k-synthesis", "--out", "out")

    assert "either a plan or" in message


def test_a_directory_that_is_there_is_not_written_over(run, refused):
    assert run().code == 0

    message = refused(*RUN, "--out", "out")

    assert "out is there already" in message
    assert "--force" in message


def test_force_replaces_an_earlier_run(run, left):
    assert run("--seed", 1).code == 0
    first = Path("out/release/data.csv").read_bytes()

    assert run("--force", "--seed", 2).code == 0

    assert Path("out/release/data.csv").read_bytes() != first
    assert {name.split("/")[0] for name in left()} == {"cases.csv", "out"}


def test_force_keeps_a_run_that_cannot_be_replaced(run, refused):
    assert run().code == 0
    before = Path("out/release/data.csv").read_bytes()

    refused(*RUN, "--out", "out", "--force", "--param", "k=301")

    assert Path("out/release/data.csv").read_bytes() == before


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_foreign_directory_is_never_replaced(refused, cases, force):
    Path("letters").mkdir()
    Path("letters/will.txt").write_text("to my niece", encoding="utf-8")

    message = refused(*RUN, "--out", "letters", *force)

    assert "letters is there already" in message
    assert Path("letters/will.txt").read_text(encoding="utf-8") == "to my niece"


def test_no_permission_to_write_is_told_and_nothing_is_left(refused, cases, monkeypatch):
    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", denied)

    message = refused(*RUN, "--out", "out")

    assert "out cannot be written: Permission denied" in message
    assert "where you may write" in message


def test_a_full_disk_is_told_and_nothing_is_left(refused, cases, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ctdc_framework.releases.writing.write_csv", full)

    assert "No space left on device" in refused(*RUN, "--out", "out")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_no_permission_to_read_is_told(refused, cases, monkeypatch):
    original = Path.open

    def denied(self, *args, **kwargs):
        if self.name == "cases.csv":
            raise PermissionError(13, "Permission denied")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", denied)

    message = refused(*RUN, "--out", "out")

    assert "cases.csv cannot be read: Permission denied" in message


def test_a_fault_of_ours_shows_no_data(refused, cases, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("could not convert 'Maria Example'")

    monkeypatch.setattr("ctdc_framework.api.execute", broken)

    message = refused(*RUN, "--out", "out", code=70)

    assert "ValueError" in message
    assert "Maria" not in message


def test_a_fault_of_ours_leaves_a_private_file_with_lines_of_code_alone(
    refused, cases, monkeypatch, tmp_path
):
    def broken(*args, **kwargs):
        try:
            raise KeyError("Maria Example")
        except KeyError as error:
            raise ValueError("could not convert 'Maria Example'") from error

    monkeypatch.setattr("ctdc_framework.api.execute", broken)

    message = refused(*RUN, "--out", "out", code=70)

    (path,) = (tmp_path / "state" / "ctdc").iterdir()
    assert str(path) in message
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert text.index("KeyError") < text.index("ValueError")
    assert "run.py, line" in text
    # The line that raises it is in this file, and quotes the name; no text of an exception is.
    assert "Maria" not in text.replace('raise KeyError("Maria Example")', "").replace(
        "raise ValueError(\"could not convert 'Maria Example'\")", ""
    )


def test_a_fault_is_told_where_no_file_can_be_written(refused, cases, monkeypatch, tmp_path):
    (tmp_path / "state").write_text("in the way")
    monkeypatch.setattr("ctdc_framework.api.execute", lambda *_, **__: 1 / 0)

    assert "please report this line; it holds" in refused(*RUN, "--out", "out", code=70)


def test_wrong_usage_is_told_by_code_2(ctdc, folder):
    assert ctdc("run", "--bogus").code == 2
    assert ctdc("rn").code == 2
    assert ctdc("run").code == 2
    assert ctdc("demo", "--rows", "10").code == 2
