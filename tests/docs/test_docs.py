"""What README and docs say is true: commands are run, output and reference pages are compared."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from ctdc_framework.language import load as codebook_io
from ctdc_framework.loading import registry

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *ROOT.glob("plugins/**/README.md")])
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE
)
EXIT = re.compile(r"<!-- exit: (\d+) -->\s*$")
LEFT_OUT = (".venv", ".git", "site", "ctdc-demo", "__pycache__", ".*", "tests")


def name_of(page):
    return str(page.relative_to(ROOT))


def fences(page):
    """Every fenced block of a page: language, title, text, and the exit code that is expected."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        language, _, rest = found["info"].partition(" ")
        title = re.search(r'title="([^"]*)"', rest)
        stated = EXIT.search(text[: found.start()])
        body = textwrap.dedent(found["body"])
        yield language, title[1] if title else "", body, int(stated[1]) if stated else 0


def steps(body):
    """Parts of a console block: each command with the output that is shown below it."""
    command, shown = "", []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line)
    if command:
        yield command, shown


def matches(shown, printed):
    """Whether output is as shown, where `...` stands for anything."""
    lines = [re.escape(line.rstrip()).replace(re.escape("..."), ".*") for line in shown]
    # A line of dots alone stands for any number of lines, none included.
    pattern = "\n".join(lines).replace("\n.*\n", "\n(?:.*\n)?")
    text = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def changed(text, parts):
    """Put each table of `parts` in the place of the same table in a TOML text, or at its end."""
    start = re.compile(r"^(?=\[)", re.MULTILINE)
    for part in filter(None, start.split(parts)):
        head = part.split("\n", 1)[0]
        tables = start.split(text)
        same = [n for n, table in enumerate(tables) if table.split("\n", 1)[0] == head]
        if same and not head.startswith("[["):
            tables[same[0]] = part.rstrip() + "\n\n"
            text = "".join(tables)
        else:
            text = text.rstrip() + "\n\n" + part
    return text


@pytest.fixture
def copy(tmp_path):
    """A copy of the working directory, without what is made in it."""
    target = tmp_path / "ctdc"
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return target


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a", "b"], "a\nb\n", True),
        (["a", "b"], "a\nc\n", False),
        (["a", "...", "b"], "a\nb\n", True),
        (["a", "...", "b"], "a\nx\ny\nb\n", True),
        (["a ... c"], "a b c\n", True),
        (["a"], "a\nb\n", False),
        (["a", "..."], "a\nb\n", True),
        (["1.0"], "100\n", False),
    ],
)
def test_dots_stand_for_anything_and_all_else_for_itself(shown, printed, same):
    assert matches(shown, printed) is same


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Run a command in a folder; give its exit code and what it printed.

    Pages that begin with the same demonstration share it.
    """
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
    }
    environment.pop("CTDC_WITHOUT", None)
    demos = {}

    def run(command, folder):
        if command in demos:
            printed, kept = demos[command]
            shutil.copytree(kept, folder / "ctdc-demo")
            return 0, printed
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder, env=environment, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if command.startswith("ctdc demo") and not done.returncode:
            kept = tmp_path_factory.mktemp("demo") / "kept"
            demos[command] = done.stdout, shutil.copytree(folder / "ctdc-demo", kept)
        return done.returncode, done.stdout

    return run


WITH_COMMANDS = [page for page in PAGES if any(one[0] == "console" for one in fences(page))]


@pytest.mark.skipif(os.name != "posix", reason="the commands are those of a POSIX shell")
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_commands_do_what_the_page_says(page, copy, shell):
    for language, title, body, expected in fences(page):
        if title:
            path = copy / title.removesuffix(" (changed)")
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") if title.endswith("(changed)") else ""
            path.write_text(changed(before, body) if before else body, encoding="utf-8")
        if language != "console":
            continue
        for command, shown in steps(body):
            if command.split()[0] == "make":
                continue  # that there is such a target is another test's
            code, printed = shell(command, copy)
            assert code == expected, f"{command}\n{printed}"
            if shown:
                assert matches(shown, printed), f"{command} printed\n{printed}"


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named |= set(re.findall(r"(?:^(?:\$ )?|`)make ([a-z]+)", text, re.MULTILINE))

    assert {"demo", "test"} <= named <= targets


SET_UP = ("make", "python3", "source", "pip", ".venv/bin/pip", ".venv/bin/ctdc", "ctdc")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_not_run_is_set_up_only(page):
    for language, _, body, _ in fences(page):
        if language == "sh":
            assert all(line.split()[0] in SET_UP for line in body.splitlines() if line)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_plain(page):
    text = page.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert str(ROOT) not in text
    assert not re.search(r"\b(?:simply|seamless|powerful|cutting-edge|best-in-class)\b", text, re.I)
    long = [line for line in FENCE.sub("", text).splitlines() if len(line) > 110]
    assert all(re.match(r"[|!<\d$*-]|\s", line) for line in long), long


def test_the_picture_is_small():
    assert (DOCS / "images" / "risk-utility.png").stat().st_size < 150_000


# ---------------------------------------------------------------------------------- reference pages


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_what_the_code_says(generate):
    for page, made in generate.parts().items():
        text = (DOCS / page).read_text(encoding="utf-8")
        standing = re.findall(r"<!-- begin (\S+) -->", text)

        assert sorted(standing) == sorted(made), f"{page} lacks a part, or has one too many"
        assert generate.filled(text, made) == text, f"{page}: run python docs/generate.py"


def test_every_table_of_the_language_is_documented(generate):
    documented = {*generate.CODEBOOK_TABLES.values(), *generate.PLAN_TABLES.values()}

    lacking = {cls.__name__ for cls in generate.tables_of_the_languages()} - {
        cls.__name__ for cls in documented
    }
    assert not lacking, f"add to docs/generate.py, and a place in docs/reference: {lacking}"
    page = (DOCS / "reference" / "codebook.md").read_text(encoding="utf-8")
    for table in codebook_io.TABLES:
        assert re.search(rf"^## \[+{table}[\].]", page, re.MULTILINE), f"no heading for {table}"


def test_every_command_and_option_has_its_place(generate):
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")

    for name, function in generate.each_command():
        assert f"## {name}\n" in page
        section = page.split(f"## {name}\n")[1].split("\n## ")[0]
        for option, *_ in generate.options(function):
            assert f"`{option}`" in section


def test_every_hook_has_a_heading_and_its_signature(generate):
    from ctdc_framework.loading import hookspecs

    page = (DOCS / "reference" / "hooks.md").read_text(encoding="utf-8")
    hooks = {name: one for name, one in vars(hookspecs).items() if name.startswith("ctdc_")}

    assert re.findall(r"^## (\S+)$", page, re.MULTILINE) == list(hooks)
    for function in hooks.values():
        assert f"```python\n{generate.signature(function)}\n```" in page


def test_every_hook_is_used_by_a_test():
    from ctdc_framework.loading import hookspecs

    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    written = "".join(path.read_text(encoding="utf-8") for path in tests)

    for hook in (name for name in vars(hookspecs) if name.startswith("ctdc_")):
        as_argument = hook.removeprefix("ctdc_")
        assert re.search(rf"def {hook}\(|\b{as_argument}=|\"{hook}\"", written), hook


def test_every_built_in_strategy_and_measure_has_a_heading():
    found = registry.load()
    own = {one.name for one in found.plugins if one.distribution == "ctdc-framework"}
    for page, names in (
        ("strategies", [n for one in found.plugins if one.name in own for n in one.strategies]),
        ("measures", [n for one in found.plugins if one.name in own for n in one.measures]),
    ):
        text = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
        assert set(re.findall(r"^## (\S+)$", text, re.MULTILINE)) == set(names)


def test_every_exit_code_is_documented():
    from ctdc_framework.cli import STOPPED
    from ctdc_framework.errors import Exit

    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")

    assert set(map(int, re.findall(r"^\| (\d+) \|", page, re.MULTILINE))) == {*Exit, STOPPED}


def test_every_code_of_a_problem_is_documented():
    """Plans and plugins give PL, codebooks and data CB; what reads TOML gives either."""
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    given = set()
    for path in (*ROOT.glob("ctdc_framework/**/*.py"), *ROOT.glob("plugins/ctdc_*/*.py")):
        text = path.read_text(encoding="utf-8")
        given |= set(re.findall(r"\"((?:CB|PL)\d{3})\"", text))
        kinds = set(
            re.findall(
                r"(?:kind=|code=|error, |prefix\}|add\(|^    \")\"?(\d{3})\"", text, re.MULTILINE
            )
        )
        if path.name in ("convert.py", "faults.py", "file.py", "syntax.py"):
            prefixes = ["CB", "PL"]
        elif {"plans", "plugins"} & {*path.parts}:
            prefixes = ["PL"]
        else:
            prefixes = ["CB"]
        given |= {prefix + kind for prefix in prefixes for kind in kinds}

    documented = set(re.findall(r"^\| \[?((?:CB|PL)\d{3})\b", page, re.MULTILINE))
    assert documented == given, "docs/reference/errors.md lists the codes that there are"


def test_every_claim_is_explained():
    from ctdc_framework.promises import claims

    page = (DOCS / "explanation" / "privacy-promise.md").read_text(encoding="utf-8")

    for claim in claims.Claim.__subclasses__():
        if claim is not claims.NoClaim:
            assert f"`{claim.name}(" in page


# ------------------------------------------------------------------------------------ explanations


def table_after(text, words):
    """The rows of the first table after some words, without its head."""
    lines = text[text.index(words) :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| ---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_counts_of_figure_1_are_those_of_its_records():
    text = (DOCS / "explanation" / "figure-1.md").read_text(encoding="utf-8")
    real, printed, made = (
        Counter(
            "isForcedLabour" if cell == "1" else cell
            for row in table_after(text, words)
            for cell in row
            if cell
        )
        for words in ("The five real records", "The six synthetic records", "By default it gives")
    )

    for value, *counts in table_after(text, "## The counts are no multiples"):
        assert list(map(int, counts)) == [real[value], printed[value], real[value] // 2 * 2]
        assert made[value] == int(counts[-1])


def test_every_package_of_the_framework_has_a_line_in_the_page_on_how_data_flow():
    page = (DOCS / "explanation" / "pipeline.md").read_text(encoding="utf-8")
    table = page.partition("## Where the code stands")[2]
    packages = {path.parent.name for path in (ROOT / "ctdc_framework").glob("*/__init__.py")}
    assert packages <= set(re.findall(r"`([a-z]+)`", table))


def test_the_notebook_of_the_how_to_gives_a_frame_and_charts_that_show_themselves(
    tmp_path, monkeypatch
):
    page = DOCS / "how-to" / "compare-strategies.md"
    code = {title: body for _, title, body, _ in fences(page) if title}
    monkeypatch.chdir(tmp_path)
    rows = ["gender,age,citizenship,isForcedLabour"]
    rows += [f"{('Female', 'Male')[n % 2]},{n % 60},NPL,1" for n in range(240)]
    Path("cases.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    Path("sweep.toml").write_text(
        '[plan]\ncodebook = "minimal"\ndata = "cases.csv"\n'
        "[[candidates]]\nname = 'tables'\n"
        "stages = [{ id = 'a', strategy = 'tabulate' }, { id = 'b', strategy = 'rounding' }]\n"
        "[[measures]]\nmeasure = 'rare-combination-leakage'\n"
        "[[measures]]\nmeasure = 'combination-error'\n",
        encoding="utf-8",
    )
    told = {}
    exec(compile(code["notebook.py"], "notebook.py", "exec"), told)
    assert set(told["scores"]["measure"]) == {"rare-combination-leakage", "combination-error"}
    shown = told["charts"]["map"]._repr_html_()
    assert shown.startswith("<figure>")
    assert "<svg" in shown
    assert {"rare-combination-leakage", "combination-error"} <= set(told["charts"])


def test_the_plugin_of_the_how_to_can_be_used(tmp_path, monkeypatch):
    page = DOCS / "how-to" / "add-a-strategy.md"
    code = {title: body for _, title, body, _ in fences(page) if title}
    (tmp_path / "ctdc_sampling.py").write_text(
        code["ctdc-sampling/ctdc_sampling.py"], encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    import random

    import ctdc_sampling
    import tomli

    from ctdc_framework import api
    from ctdc_framework.cli import main

    project = tomli.loads(code["ctdc-sampling/pyproject.toml"])
    assert project["project"]["entry-points"]["ctdc_framework.plugins"] == {
        "sampling": "ctdc_sampling"
    }
    exec(compile(code["try_it.py"], "try_it.py", "exec"), {})
    found = registry.load(extra={"sampling": ctdc_sampling})
    assert not [one.broken for one in found.plugins if one.broken]
    monkeypatch.setattr(api, "load_registry", lambda without=(): found)
    rng = random.Random(3)
    rows = [f"{rng.choice(['Female', 'Male'])},{rng.randint(0, 60)},NPL,1" for _ in range(400)]
    Path("cases.csv").write_text(
        "\n".join(["gender,age,citizenship,isForcedLabour", *rows, ""]), encoding="utf-8"
    )

    with pytest.raises(SystemExit) as stop:
        main(["run", "--codebook", "minimal", "--data", "cases.csv", "--strategy", "sampling",
              "--param", "share=0.8", "--out", "out"])  # fmt: skip

    assert not stop.value.code
    released = Path("out/release/data.csv").read_text(encoding="utf-8").splitlines()
    assert 200 < len(released) < 400


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """The modules of the page of worked examples, and a registry that has them all."""
    folder = tmp_path_factory.mktemp("examples")
    modules = {}
    for _, title, body, _ in fences(DOCS / "how-to" / "plugin-examples.md"):
        if title:
            path = folder / title
            path.write_text(body, encoding="utf-8")
            spec = importlib.util.spec_from_file_location(f"worked_{path.stem}", path)
            modules[path.stem] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(modules[path.stem])
    return modules, registry.load(extra=modules)


def test_the_worked_examples_load(examples):
    modules, found = examples

    assert {one.name: one.broken for one in found.plugins if one.name in modules} == dict.fromkeys(
        ["few_records", "leading", "pram", "share_shift"], ""
    )


def test_the_worked_strategy_and_measure_keep_the_contract(examples):
    from ctdc_framework.testing import checks_of_installed, sample_codebook

    matrix = {"Female": {"Female": 0.7, "Male": 0.3}, "Male": {"Male": 1.0}}
    given = {"variable": "gender", "matrix": matrix}
    for name, params in (("pram", given), ("share_shift", {})):
        (offer,) = checks_of_installed(name, examples[1], params, sample_codebook())
        for check in offer.checks:
            check()


def test_the_worked_strategy_exchanges_by_its_matrix_and_refuses_a_wrong_one(examples):
    import numpy as np

    from ctdc_framework.errors import PluginError
    from ctdc_framework.plugin import Context
    from ctdc_framework.testing import checks_of_installed, sample_codebook, sample_records

    pram = examples[0]["pram"]
    records = sample_records(sample_codebook(), "ten thousand records")
    matrix = {"Female": {"Female": 0.7, "Male": 0.3}, "Male": {"Male": 1.0}}
    params = pram.Pram(variable="gender", matrix=matrix)
    made = pram.exchange(records, params, Context(rng=np.random.default_rng(1))).table

    was, now = records.frame["gender"], made.frame["gender"]
    assert 0.67 < (now[was == "Female"] == "Female").mean() < 0.73
    assert (now[was == "Male"] == "Male").all()
    assert (now.isna() == was.isna()).all()
    wrong = {"variable": "gender", "matrix": {"Female": {"Female": 0.7}, "Mole": {"Male": 1}}}
    with pytest.raises(PluginError, match=r"add up to 1.*`Mole` is no value of `gender`"):
        checks_of_installed("pram", examples[1], wrong, sample_codebook())


def test_the_worked_rule_prepares_and_finds_a_group_that_is_not_there(examples, tmp_path):
    from ctdc_framework.codebook.columns import Column
    from ctdc_framework.codebook.rules import Rows
    from ctdc_framework.errors import CodebookError
    from ctdc_framework.language.load import load_codebook
    from ctdc_framework.testing import rule_checks

    _, found = examples
    text = (
        '[codebook]\ndsl = 1\nid = "work"\ntitle = "Work"\nversion = "1.0.0"\n[privacy]\nk = 5\n'
        '[domains.isco]\nkind = "enum"\nvalues = [{ code = "51" }, { code = "91" }]\n'
        '[domains.major]\nkind = "enum"\nvalues = [{ code = "5" }, { code = "9" }]\n'
        '[variables.group]\ndomain = "major"\nrole = ["quasi"]\ndefinition = "Group of work."\n'
        '[inputs.work]\ndomain = "isco"\n'
        '[[rules]]\nid = "group"\nop = "leading"\nfrom = "work"\nto = "group"\nbecause = "Rare."\n'
    )
    path = tmp_path / "work.toml"
    path.write_text(text, encoding="utf-8")
    codebook = load_codebook(path, found.rules)
    (entry,) = codebook.rules
    rows = Rows(columns={"work": Column.of(["51", None, "91"])}, rows=3, codebook=codebook)

    assert found.rules["leading"].apply(entry.params, rows).values() == ["5", None, "9"]
    for check in rule_checks(found.rules["leading"], entry.params, codebook=codebook):
        check()
    path.write_text(text.replace('{ code = "9" }', '{ code = "8" }'), encoding="utf-8")
    with pytest.raises(CodebookError, match="`91` would become `9`, no value of `group`"):
        load_codebook(path, found.rules)


def test_the_worked_release_check_asks_for_a_reason_where_records_are_few(examples):
    from ctdc_framework.contract.results import Release
    from ctdc_framework.testing import sample_codebook, sample_records

    _, found = examples
    codebook = sample_codebook()
    few, many = (
        Release(name="r", records=sample_records(codebook, name))
        for name in ("one record", "usual records")
    )

    (note,) = found.check_release(few, codebook)
    assert note.overridable
    assert list(found.check_release(many, codebook)) == []


@pytest.mark.parametrize(
    "words",
    [
        "is not UTF-8 text",
        "its first line holds no",
        "the header has",
        "a quotation mark is not closed",
        "column name(s) occur more than once",
        "has a header and no records",
        "none of its",
        "is not in the codebook",
        "there is no column",
        "holds values outside its domain in",
        "a flag holds 1 or nothing",
        "with spaces around it",
        "finds no place in",
        "another value than the file",
    ],
)
def test_messages_that_are_explained_are_the_program_s(words):
    page = (DOCS / "how-to" / "prepare-your-data.md").read_text(encoding="utf-8")
    code = "".join(path.read_text("utf-8") for path in ROOT.glob("ctdc_framework/**/*.py"))

    assert words in page.replace("\n", " ")
    assert words in code


@pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None,
    reason="mkdocs is an extra: pip install -e '.[docs]'",
)
def test_the_pages_build_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path / "site")],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
