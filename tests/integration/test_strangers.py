"""What a stranger gets: the built wheel, a plugin of their own, and plugins from elsewhere.

One fresh environment for all: the wheel and the plugins are installed in it as anybody would; what
the wheel needs is lent by the tests' own environment, as if it had been installed as well.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="what builds the wheel: pip install -e '.[test]'")

ROOT = Path(__file__).resolve().parents[2]

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
def built(tmp_path_factory):
    """The wheel and the source distribution."""
    from hatchling.builders.sdist import SdistBuilder
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("dist")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    (sdist,) = SdistBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(wheel), Path(sdist)


@pytest.fixture(scope="module")
def python(built, tmp_path_factory):
    """The interpreter of a fresh environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("stranger") / "env"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    packages.mkdir(parents=True, exist_ok=True)
    ours = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(ours)]
    (packages / "lent.pth").write_text("\n".join(lines), encoding="utf-8")
    done = install(python, "--no-deps", "--ignore-installed", built[0])
    assert done.returncode == 0, done.stdout
    return python


def install(python, *what):
    """Install into an environment with the tests' own pip."""
    return subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q",
         "--no-build-isolation", "--disable-pip-version-check", *map(str, what)],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(python):
    """Where the stranger works: no checkout is near. It holds a file of cases."""
    folder = python.parents[2] / "work"
    folder.mkdir()
    rng = random.Random(5)
    genders, ages, countries = ["Female", "Male"], [5, 12, 20, 40], ["NPL", ""]
    rows = [
        f"{rng.choice(genders)},{rng.choice(ages)},{rng.choice(countries)},1" for _ in range(400)
    ]
    text = "\n".join(["gender,age,citizenship,isForcedLabour", *rows, ""])
    (folder / "cases.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(python, folder):
    """Run a module in the environment; give what it printed, errors included."""

    def run(*words, code=0):
        done = subprocess.run(
            [str(python), "-m", *map(str, words)],
            cwd=folder, text=True, encoding="utf-8", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={
                **os.environ, "CTDC_WITHOUT": "", "COLUMNS": "200",
                "NUMBA_DISABLE_JIT": "1",  # for so few records it takes longer to compile
            },
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    return run


@pytest.fixture(scope="module")
def ctdc(run):
    """Call `ctdc` in the environment."""
    return lambda *words, code=0: run("ctdc_framework.cli", *words, code=code)


# ---- what is built


def names_in(archive):
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as held:
            return set(held.namelist())
    with tarfile.open(archive) as held:
        return {name.partition("/")[2] for name in held.getnames()}


def tracked(*folders):
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        pytest.skip("this is no git checkout, so nobody knows which files belong to it")
    return {name for name in done.stdout.splitlines() if (ROOT / name).exists()}


def test_the_wheel_holds_the_framework_its_plugins_codebooks_and_template_and_no_more(built):
    inside = {name for name in names_in(built[0]) if ".dist-info/" not in name}

    place = {
        "codebooks/": "ctdc_framework/codebooks/",
        "plugins/template/": "ctdc_framework/template/",
    }
    wanted = set()
    for name in tracked("ctdc_framework", "codebooks", "plugins/template", "plugins/ctdc_*"):
        for here, there in {**place, "plugins/": ""}.items():
            if name.startswith(here):
                name = name.replace(here, there, 1)
                break
        wanted.add(name)
    assert inside == wanted


def test_the_source_distribution_holds_all_that_is_tested_and_nothing_private(built):
    inside = names_in(built[1])

    shipped = tracked("ctdc_framework", "plugins", "codebooks", "tests", "docs", "README.md")
    assert shipped <= inside
    extra = {"PKG-INFO", "pyproject.toml", "CHANGELOG.md", "LICENSE", "Makefile", ".gitignore"}
    assert inside - shipped <= extra


# ---- the wheel in an environment of its own


def test_what_runs_is_the_wheel_and_not_a_checkout(run, python):
    said = run("site")  # tells where Python looks, and in which order
    assert str(ROOT) in said, "lent, and behind the environment's own"

    where = subprocess.run(
        [str(python), "-c", "import ctdc_framework, ctdc_rounding as r;"
         "print(ctdc_framework.__file__, r.__file__)"],
        text=True, stdout=subprocess.PIPE, check=True, cwd=python.parent,
    ).stdout.split()  # fmt: skip

    assert all(Path(path).is_relative_to(python.parents[1]) for path in where)


def test_the_demonstration_runs(ctdc, folder):
    said = ctdc("demo", "--rows", "100", "--out", "demo")

    assert "k-synthesis" in said
    assert (folder / "demo" / "release" / "k-synthesis" / "data.csv").exists()


def test_shipped_codebooks_are_found_by_name(ctdc):
    assert ctdc("codebook", "check", "ctdc-2021")


# ---- a plugin of their own, from the template


@pytest.fixture(scope="module")
def two_way(ctdc, python, folder):
    ctdc("plugins", "new", "two-way")
    done = install(python, "--no-deps", folder / "ctdc-two-way")
    assert done.returncode == 0, done.stdout
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")


@pytest.mark.usefixtures("two_way")
def test_a_new_plugin_is_listed(ctdc):
    said = ctdc("plugins", "list")

    assert "two-way (ctdc-two-way 0.1.0)\n  strategy two-way: draws a random share" in said
    assert "  measure two-way-records-lost: " in said


@pytest.mark.usefixtures("two_way")
def test_a_new_plugin_runs(ctdc, folder):
    ctdc("run", "--codebook", "minimal", "--data", "cases.csv",
         "--strategy", "two-way", "--param", "share=0.9", "--out", "out")  # fmt: skip

    told = json.loads((folder / "out" / "release" / "release.json").read_text(encoding="utf-8"))
    assert "two-way" in json.dumps(told)
    rows = (folder / "out" / "release" / "data.csv").read_text(encoding="utf-8").splitlines()
    assert 200 < len(rows) < 400


@pytest.mark.usefixtures("two_way")
def test_a_new_plugin_competes(ctdc):
    said = ctdc("compare", "plan.toml", "--out", "compared")

    assert "mine[share=0.5]" in said
    assert "k-anonymization" in said


@pytest.mark.usefixtures("two_way")
def test_the_tests_of_a_new_plugin_pass(run, folder):
    said = run("pytest", "-q", "-p", "no:cacheprovider", folder / "ctdc-two-way")

    assert "31 passed" in said


# ---- plugins that are distributions of their own


ELSEWHERE = ("ctdc-dp-marginals", "ctdc-pac-synth")


@pytest.fixture(scope="module")
def elsewhere(python, folder):
    """Install the plugins that need packages which the framework does not."""
    needs = set()
    for name in ELSEWHERE:
        project = (ROOT / "plugins" / name / "pyproject.toml").read_text(encoding="utf-8")
        needs |= set(re.findall(r'"((?:opendp|pac-synth|filelock)[^"]*)"', project))
    done = install(python, "--retries", "0", "--timeout", "20", *sorted(needs))
    if done.returncode:
        pytest.skip(f"{', '.join(sorted(needs))} cannot be had here, and no registry be reached")
    sources = [shutil.copytree(ROOT / "plugins" / name, folder / name) for name in ELSEWHERE]
    done = install(python, "--no-deps", *sources)
    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_tests_of_a_plugin_from_elsewhere_pass(run, folder, name):
    run("pytest", "-q", "-x", "-p", "no:cacheprovider", "--doctest-modules", folder / name)


@pytest.mark.usefixtures("elsewhere")
def test_private_tables_are_released_against_a_ledger_until_it_is_spent(ctdc, folder):
    ctdc("dp-ledger", "new", "ledger.json", "--epsilon", "1.2", "--delta", "1e-6")
    plan = PLAN[: PLAN.index("[[candidates]]")] + (
        '[[candidates]]\nname = "noisy"\n'
        'stages = [{ id = "count", strategy = "dp-marginals", '
        'params = { ledger = "ledger.json" } }]\n\n[[measures]]\nmeasure = "rows-released"\n'
    )
    (folder / "noisy.toml").write_text(plan, encoding="utf-8")
    words = ["run", "noisy.toml", "--accept", "agreed by the board", "--out"]

    ctdc(*words, "first")
    assert "1 entries: epsilon = 1.00 of 1.2" in ctdc("dp-ledger", "show", "ledger.json")
    said = ctdc(*words, "second", code=3)

    assert "with this release it would be 1.45" in said
    assert not (folder / "second").exists()
    told = json.loads((folder / "first" / "release" / "release.json").read_text("utf-8"))
    assert [one["basis"] for one in told["claims"]] == ["by design"]


@pytest.mark.usefixtures("elsewhere")
def test_strategies_from_elsewhere_compete_with_ours(ctdc, folder):
    page = (ROOT / "plugins" / "ctdc-pac-synth" / "README.md").read_text(encoding="utf-8")
    candidates = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    plan = PLAN[: PLAN.index("[[candidates]]")] + "".join(candidates) + (
        '\n[[candidates]]\nname = "noisy-tables"\n'
        'stages = [{ id = "count", strategy = "dp-marginals", params = { length = 1 } },'
        ' { id = "round", strategy = "rounding" }]\n'
        '\n[[measures]]\nmeasure = "combination-error"\n'
    )  # fmt: skip
    (folder / "others.toml").write_text(plan, encoding="utf-8")

    said = ctdc("compare", "others.toml", "--out", "others")

    names = ["pac-synth[epsilon=1.0]", "pac-synth[epsilon=4.0]", "pac-synth-as-it-comes"]
    for name in (*names, "k-synthesis", "noisy-tables"):
        assert re.search(rf"{re.escape(name)} .*\d %", said), said
