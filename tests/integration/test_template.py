"""The plugin that `ctdc plugins new` makes is installed by a stranger, runs and competes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="what builds the plugin: pip install -e '.[test]'")

PLAN = """\
[plan]
codebook = "minimal"
data     = "cases.csv"
seeds    = 1

[[candidates]]
name   = "mine"
stages = [{ id = "draw", strategy = "two-way", params = { share = [0.5, 1.0] } }]

[[candidates]]
name   = "k-anonymization"
stages = [{ id = "suppress", strategy = "k-anonymization" }]

[[measures]]
measure = "two-way-records-lost"

[[measures]]
measure = "rows-released"
"""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A folder with an environment of its own that has the framework, and a way to run in it."""
    folder = tmp_path_factory.mktemp("stranger")
    venv.create(folder / "env", with_pip=False, symlinks=os.name != "nt")
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    paths = {"base": str(folder / "env"), "platbase": str(folder / "env")}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    packages.mkdir(parents=True, exist_ok=True)
    # What the tests' own environment has, as if it had been installed in this one too.
    ours = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(ours)]
    (packages / "framework.pth").write_text("\n".join(lines), encoding="utf-8")

    def run(*words):
        done = subprocess.run(
            [str(python), "-m", *map(str, words)],
            cwd=folder, text=True, encoding="utf-8", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "CTDC_WITHOUT": "", "COLUMNS": "200"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    run("ctdc_framework.cli", "plugins", "new", "two-way")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps",
         "--no-build-isolation", "--disable-pip-version-check", str(folder / "ctdc-two-way")],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    rng = random.Random(5)
    genders, ages, countries = ["Female", "Male"], [5, 12, 20, 40], ["NPL", ""]
    rows = [
        f"{rng.choice(genders)},{rng.choice(ages)},{rng.choice(countries)},1" for _ in range(400)
    ]
    text = "\n".join(["gender,age,citizenship,isForcedLabour", *rows, ""])
    (folder / "cases.csv").write_text(text, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return folder, run


def test_it_is_listed(stranger):
    _, run = stranger

    said = run("ctdc_framework.cli", "plugins", "list")

    assert "two-way (ctdc-two-way 0.1.0)\n  strategy two-way: draws a random share" in said
    assert "  measure two-way-records-lost: " in said


def test_it_runs(stranger):
    folder, run = stranger

    run("ctdc_framework.cli", "run", "--codebook", "minimal", "--data", "cases.csv",
        "--strategy", "two-way", "--param", "share=0.9", "--out", "out")  # fmt: skip

    told = json.loads((folder / "out" / "release" / "release.json").read_text(encoding="utf-8"))
    assert "two-way" in json.dumps(told)
    rows = (folder / "out" / "release" / "data.csv").read_text(encoding="utf-8").splitlines()
    assert 200 < len(rows) < 400


def test_it_competes(stranger):
    _, run = stranger

    said = run("ctdc_framework.cli", "compare", "plan.toml", "--out", "compared")

    assert "mine[share=0.5]" in said
    assert "k-anonymization" in said


def test_its_own_tests_pass(stranger):
    folder, run = stranger

    said = run("pytest", "-q", "-p", "no:cacheprovider", folder / "ctdc-two-way")

    assert "31 passed" in said
