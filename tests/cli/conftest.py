"""Fixtures of the command line's tests: a command in this process, and records to try it on."""

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from ctdc_framework.cli import main

HEADER = "caseNumber,gender,age,citizenship,isForcedLabour,forcedFarmWork,forcedDomesticWork"


class Said(NamedTuple):
    """What a command came to: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def records():
    """Three hundred records for the codebook `minimal`, as lines of CSV without their header."""
    rng = random.Random(7)
    return [
        f"A-{number:04},{rng.choice(['Female', 'Female', 'Male', 'Other'])},{rng.randint(4, 60)},"
        f"{rng.choice(['NPL', 'PHL', 'UKR', 'NAM', ''])},{rng.choice(['1', ''])},"
        f"{rng.choice(['1', *[''] * 9])},"
        for number in range(300)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("CTDC_WITHOUT", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return work


@pytest.fixture
def cases(folder, records):
    """A file of records for `minimal`."""
    path = Path("cases.csv")
    path.write_text("\n".join([HEADER, *records, ""]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def made(tmp_path_factory, records):
    """A run's folder, made once and to be copied: synthetic records and tables of pairs."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "cases.csv").write_text("\n".join([HEADER, *records, ""]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ctdc_framework.reports.page.as_html", lambda *_: "<!doctype html>")
        with pytest.raises(SystemExit) as stop:
            main(["run", "--codebook", "minimal", "--data", str(folder / "cases.csv"),
                  "--strategy", "k-synthesis", "--tables", "2", "--seed", "5",
                  "--out", str(folder / "out")])  # fmt: skip
    assert not stop.value.code
    return folder / "out"


@pytest.fixture
def drawn():
    """Ask for the private page as it is: without this, `ctdc` writes an empty one, to be quick."""


@pytest.fixture
def ctdc(folder, capsys, monkeypatch, request):
    """Run a command in this process, in an empty folder: `ctdc("run", "--out", "o").code`."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("ctdc_framework.reports.page.as_html", lambda *_: "<!doctype html>")

    def run(*argv):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in argv])
        printed = capsys.readouterr()
        return Said(int(stop.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def left(folder):
    """List everything that lies in the folder, hidden things too."""
    return lambda: sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def run(ctdc, cases):
    """Run `ctdc run` on the file of records with k-synthesis, and more options."""
    return lambda *more: ctdc(
        "run", "--codebook", "minimal", "--data", cases, "--strategy", "k-synthesis",
        "--out", "out", *more,
    )  # fmt: skip
