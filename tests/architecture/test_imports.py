"""Who may import whom: one direction, one door for each library, plugins by the contract alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import tomli

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORK = ROOT / "ctdc_framework"
PLUGINS = sorted(path for path in (ROOT / "plugins").glob("ctdc_*") if path.is_dir())

ROOMS: dict[str, list[str]] = {
    "errors": [],
    "problems": ["diagnostics", "formats", "faults"],
    "shipped": [],
    "scaffold": [],
    "toml": ["strings", "locator", "dialect", "syntax", "file", "convert"],
    "codebook": ["countries", "domains", "hierarchies", "model", "columns", "rewriting", "rules"],
    "records": ["layouts", "tables", "suppression", "items", "formats", "files"],
    "language": [
        "format", "domain_checks", "rule_checks", "origins", "seals", "overlays", "inheritance",
        "show", "wording_checks", "reference_checks", "checks", "hierarchy_io", "load",
    ],
    "documents": [],
    "exchange": [],
    "drafting": [],
    "promises": ["claims", "additivity", "sensitive", "recounts", "successive"],
    "counting": ["compiled", "combinations"],
    "contract": ["scenario", "results", "pairs"],
    "plugin": [],
    "difference": [],
    "loading": ["hookspecs", "parameters", "registry"],
    "plans": ["entries", "scenario", "keys", "plan"],
    "json_schema": [],
    "preparation": ["cell_reader", "outside", "prepare"],
    "runs": ["gate", "runner", "losses", "controls", "compare"],
    "reports": ["public", "figures", "charts", "risk_map", "panels", "pictures", "drawing", "page"],
    "demo": ["records", "plan"],
    "testing": [],
    "releases": ["staging", "writing", "reading", "verify", "checklist", "publish"],
    "api": [],
    "verifying": [],
    "cli": [],
}  # fmt: skip
"""Every package of the framework, with the order of its modules where they have one. Each module
imports from those before it and from no other: how faults are told, the language, the data, what
is promised, what strategies see, who offers them, how they are run, what is written.
"""

ORDER = [
    f"{room}.{module}" if module else room
    for room, modules in ROOMS.items()
    for module in modules or [""]
]

DOORS = {
    "typer": {"cli"},
    "rich": {"cli"},
    "pluggy": {"plugin", "loading.hookspecs", "loading.registry"},
    "cattrs": {"toml.convert"},
    "tomli": {"toml.syntax", "plans.entries"},
    "markdown_it": {"documents"},
    "numba": {"counting.compiled"},
    "pandas": {"records.tables", "runs.compare"},
    "altair": {"reports.charts", "reports.risk_map", "reports.panels"},
    "vl_convert": {"reports.charts"},
    "jinja2": {"reports.page", "documents"},
    "pyarrow": {
        "records.files",
        "records.formats",
        "releases.writing",
        "releases.reading",
        "demo.records",
    },
}
"""The modules through which a library enters."""

READ_DATA = {
    "records.formats",
    "releases.staging",
    "releases.writing",
    "releases.reading",
    "toml.file",
    "exchange",
    "plans.keys",
}
READ_OWN = {
    "codebook.countries", "demo.plan", "problems.diagnostics", "reports.page", "documents",
    "drafting", "scaffold",
}  # fmt: skip
"""The modules that open files: the user's, and those that come with the package."""
WRITE_A_PLAN = {"cli"}

OPENING = {
    "open", "fdopen", "read_text", "read_bytes", "write_text", "write_bytes", "read_csv",
    "read_table", "read_parquet", "ParquetFile", "write_table", "to_csv", "to_parquet",
    "input_stream", "mkstemp", "mkdtemp", "mkdir", "rename", "unlink", "rmtree",
}  # fmt: skip

HEAVY = ("pandas", "numpy", "numba", "pyarrow", "altair", "vl_convert", "jinja2", "scipy")


def modules() -> Iterator[tuple[str, Path]]:
    """Each file of the framework, by its place in the order."""
    for path in sorted(FRAMEWORK.rglob("*.py")):
        parts = path.relative_to(FRAMEWORK).with_suffix("").parts
        if parts[-1] != "__init__" or not ROOMS.get(parts[0], ["its modules"]):
            yield place(parts), path


def place(parts: tuple[str, ...]) -> str:
    """Where a module stands: its package, or its own name in a package that has an order."""
    return ".".join(parts[: 2 if ROOMS.get(parts[0]) else 1])


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, *, typing: bool = True) -> Iterator[str]:
    """Every module that a file imports, at its top or in a function; `typing`: for types too."""
    tree = tree_of(path)
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not typing and id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            # `from package import name` may name a module of it, so both are told.
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def of_framework(name: str) -> str:
    """The place in the order of what is imported from the framework, or nothing."""
    package, *parts = name.split(".")
    where = place(tuple(parts)) if parts else ""
    return where if package == "ctdc_framework" and where in ORDER else ""


def called(path: Path) -> set[str]:
    """The names of all functions and methods that a file calls."""
    functions = [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    return {
        function.id if isinstance(function, ast.Name) else function.attr
        for function in functions
        if isinstance(function, ast.Name | ast.Attribute)
    }


# ---- inside the framework


def test_every_module_has_its_place_in_the_order():
    unknown = {top for top, _ in modules()} - set(ORDER)

    assert not unknown, "write into ORDER where they stand"
    assert len(set(ORDER)) == len(ORDER)


@pytest.mark.parametrize("top", ORDER)
def test_a_module_imports_none_that_stands_after_it(top):
    after = ORDER[ORDER.index(top) + 1 :]

    for path in (path for name, path in modules() if name == top):
        upwards = {of_framework(name) for name in imported(path, typing=False)} & set(after)
        assert not upwards, f"{path.name} imports upwards"


def test_the_framework_imports_no_plugin_and_no_test():
    own = {path.name for path in PLUGINS}

    for _, path in modules():
        for name in imported(path):
            package = name.partition(".")[0]
            assert package not in own | {"tests", "plugins", "conftest"}, path
            assert package == "ctdc_framework" or not package.startswith("ctdc_"), path


@pytest.mark.parametrize("library", DOORS)
def test_a_library_enters_by_its_door(library):
    users = {
        top
        for top, path in modules()
        for name in imported(path, typing=False)
        if name.partition(".")[0] == library
    }

    assert users <= DOORS[library]


def test_only_the_modules_for_files_open_any():
    allowed = READ_DATA | READ_OWN | WRITE_A_PLAN

    for top, path in modules():
        if top not in allowed:
            assert not called(path) & OPENING, path


def test_nothing_but_the_command_line_prints_or_sees_arguments():
    for top, path in modules():
        if top != "cli":
            assert "print" not in called(path), path
            attributes = (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.Attribute))
            assert "sys.argv" not in map(ast.unparse, attributes), path


def test_chance_comes_from_the_runner_and_the_system_alone():
    """No other module makes a generator, but for the one that the made-up cases are fixed by."""
    for top, path in [*modules(), *((p.name, f) for p in PLUGINS for f in p.rglob("*.py"))]:
        # The conformance kit looks whether a plugin draws from Python's global generator.
        assert "random" not in set(imported(path)) or top == "testing", path
        used = called(path) & {"default_rng", "RandomState", "PCG64", "seed", "randbits"}
        assert not used or top in {"runs.runner", "releases.publish", "demo.records"}, path


def test_the_gate_and_the_counter_do_not_know_each_other():
    together = {
        top: {of_framework(name) for name in imported(path)}
        for top, path in modules()
        if top
        in (
            "records.items",
            "promises.recounts",
            "promises.claims",
            "counting.combinations",
            "counting.compiled",
        )
    }

    for path in ("records.items", "promises.recounts"):
        assert not together[path] & {
            "counting.combinations",
            "counting.compiled",
            "contract.pairs",
            "plugin",
        }
        assert path not in together["counting.combinations"] | together["counting.compiled"]


# ---- plugins


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_imports_of_the_framework_the_contract_alone(folder):
    declared = {"numpy", "pandas", "attrs", "scipy"}

    for path in folder.rglob("*.py"):
        for name in imported(path):
            package = name.partition(".")[0]
            if package == "ctdc_framework":
                assert name == "ctdc_framework.plugin" or name.startswith("ctdc_framework.plugin.")
            else:
                assert package in {folder.name, *declared} | sys.stdlib_module_names, path


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_opens_no_file_and_prints_nothing(folder):
    for path in folder.rglob("*.py"):
        assert not called(path) & (OPENING | {"print"}), path


def test_every_plugin_of_ours_is_installed_and_shipped():
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = project["project"]["entry-points"]["ctdc_framework.plugins"]
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    names = {folder.name for folder in PLUGINS}
    assert names
    assert set(points.values()) == names
    assert {point: f"ctdc_{point.replace('-', '_')}" for point in points} == points
    assert sorted(wheel) == sorted(["ctdc_framework", *(f"plugins/{name}" for name in names)])


# ---- what starting costs


def loaded(statement: str) -> set[str]:
    """The heavy libraries that a fresh process has loaded after a statement."""
    script = f"import sys\n{statement}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import ctdc_framework.cli",
        "from ctdc_framework.loading import registry; registry.load()",
        "import ctdc_framework.plugin, ctdc_framework.language.load, ctdc_framework.plans.plan",
    ],
)
def test_starting_loads_nothing_heavy(statement):
    assert loaded(statement) == set()
