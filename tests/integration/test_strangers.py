"""What a stranger gets: the built wheel, a plugin of their own, and plugins from elsewhere.

One fresh environment for all: the wheel and the plugins are installed in it as anybody would; what
the wheel needs is lent by the tests' own environment, as if it had been installed as well.
"""

from __future__ import annotations

import json
import os
import re
import shlex
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

PAGE = (ROOT / "plugins" / "README.md").read_text(encoding="utf-8")
"""Ten minutes to a plugin: the page is followed to the letter."""

FENCE = re.compile(r'^```(\w+)(?: title="(\S+)")?\n(.*?)^```', re.DOTALL | re.MULTILINE)

HEAD = """\
[plan]
codebook = "minimal"
data     = "few.csv"

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
    """Where the stranger works: no checkout is near."""
    folder = python.parents[2] / "work"
    folder.mkdir()
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


# ---- ten minutes to a plugin


@pytest.fixture(scope="module")
def followed(run, ctdc, python, folder):
    """What each command of the page printed, in the order of the page."""
    said = {}
    for language, title, body in FENCE.findall(PAGE):
        if title:
            (folder / title).write_text(body, encoding="utf-8")
            continue
        lines = body.splitlines()
        if language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        for line in lines if language in ("sh", "console") else ():
            program, *words = shlex.split(line)
            if program == "ctdc":
                said[line] = ctdc(*words)
            elif program == "pip":  # -e needs an isolated build, and so a registry
                source = folder / words[-1].partition("[")[0]
                done = install(python, "--no-deps", source)
                assert done.returncode == 0, done.stdout
            elif words[0] == "-m":
                said[line] = run(words[1], "-p", "no:cacheprovider", *words[2:])
            else:
                script, _, target = words
                (folder / target).write_text(run(script.removesuffix(".py")), encoding="utf-8")
    return said


def test_a_new_plugin_is_listed_and_checked(followed):
    listed = followed["ctdc plugins list"]
    assert "two-way (ctdc-two-way 0.1.0)\n  strategy two-way: draws a random share" in listed
    assert "  measure two-way-records-lost: " in listed
    assert followed["ctdc plugins check two-way"].endswith("31 of 31 checks hold\n")
    assert "31 passed" in followed["python3 -m pytest -q ctdc-two-way"]


@pytest.mark.usefixtures("followed")
def test_a_new_plugin_releases(folder):
    told = json.loads((folder / "out" / "release" / "release.json").read_text(encoding="utf-8"))
    rows = (folder / "out" / "release" / "data.csv").read_text(encoding="utf-8").splitlines()

    assert told["stages"][0]["plugin"] == "ctdc-two-way"
    assert 500 < len(rows) < 1100


def test_a_new_plugin_competes(followed):
    said = followed["ctdc compare two-way.toml --out compared"]

    for name in ("two-way[share=0.5]", "two-way[share=0.8]", "k-anonymization"):
        assert re.search(rf"{re.escape(name)} .*\d %", said), said


# ---- plugins that are distributions of their own


ELSEWHERE = ("ctdc-dp-marginals", "ctdc-pac-synth")


@pytest.fixture(scope="module")
def elsewhere(python, folder, followed):
    """Install the plugins that need packages which the framework does not."""
    needs = set()
    for name in ELSEWHERE:
        project = (ROOT / "plugins" / name / "pyproject.toml").read_text(encoding="utf-8")
        needs |= set(re.findall(r'"((?:opendp|pac-synth|filelock)[^"]*)"', project))
    done = install(python, "--retries", "0", "--timeout", "20", *sorted(needs))
    if done.returncode:
        pytest.skip(f"{', '.join(sorted(needs))} cannot be had here, and no registry be reached")
    cases = (folder / "cases.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "few.csv").write_text("".join(cases[:1001]), encoding="utf-8")
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
    plan = HEAD + (
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
    assert not (folder / "first" / "release" / "report.html").exists(), "it is of the records"


@pytest.mark.usefixtures("elsewhere")
def test_strategies_from_elsewhere_compete_with_ours(ctdc, folder):
    page = (ROOT / "plugins" / "ctdc-pac-synth" / "README.md").read_text(encoding="utf-8")
    candidates = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    plan = HEAD + "".join(candidates) + (
        '\n[[candidates]]\nname = "noisy-tables"\n'
        'stages = [{ id = "count", strategy = "dp-marginals", params = { length = 1 } },'
        ' { id = "round", strategy = "rounding" }]\n'
        '\n[[measures]]\nmeasure = "combination-error"\n'
    )  # fmt: skip
    (folder / "others.toml").write_text(plan, encoding="utf-8")

    said = ctdc("compare", "others.toml", "--out", "others")

    assert "pac-synth[epsilon=1.0]" in said  # its noise may leave nothing to release
    names = ["pac-synth[epsilon=4.0]", "pac-synth-as-it-comes", "k-synthesis", "noisy-tables"]
    for name in names:
        assert re.search(rf"{re.escape(name)} .*\d %", said), said
