"""Change the core in one place at a time, and see whether a test notices: `make mutants`.

Works in a copy of what is committed. Prints every change that no test noticed: each is a test that
is missing, or a place that does not matter, and wants an answer. Name parts of the core to try
those alone: `python tests/mutants/run.py gate items`.

Cosmic Ray makes the changes. The tests of each run in a fork of this process, which has loaded the
large libraries once: that is most of what a run of a few small tests costs.
"""

from __future__ import annotations

import compileall
import contextlib
import difflib
import importlib
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).resolve().parents[2]
CORE = {
    "items": ("ctdc_framework/records/items.py", ["unit/test_items.py", "unit/test_recounts.py"]),
    "recounts": ("ctdc_framework/promises/recounts.py", ["unit/test_recounts.py"]),
    "gate": ("ctdc_framework/runs/gate.py", ["unit/test_gate.py", "unit/test_runner.py"]),
    "rounding": (
        "plugins/ctdc_rounding/rounding.py",
        [
            "plugins/test_rounding_methods.py",
            "plugins/test_controlled_rounding.py",
            "plugins/test_rounding.py",
        ],
    ),
    "models": (
        "plugins/ctdc_k_anonymization/models.py",
        ["plugins/test_k_anonymization_methods.py"],
    ),
    "synthesis": ("plugins/ctdc_k_synthesis/algorithm.py", ["plugins/test_k_synthesis.py"]),
}
"""Each part of the core: its file, and the tests under tests/ that guard it."""

TELLING = re.compile(
    "core/(AddNot|NumberReplacer|Replace(And|Or)With.*|Replace(True|False)With.*|.*Delete_Not|"
    "ZeroIteration.*|ReplaceBreak.*|.*_(Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Is_IsNot|"
    "IsNot_Is|Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul|BitAnd_BitOr|BitOr_BitAnd))"
)
"""Kinds of change that a test can tell: `<` for `is` between two numbers is no likely mistake."""

DECLARED = re.compile(r"\b(kw_only|strict|eq|init)=(True|False)")
"""What is there for the reader and the type checker, and no test is to be written for."""

SLOW = ["test_a_recount_loads_neither_numba_nor_the_counter"]
"""Tests that start processes, and guard none of what is changed here."""

LIBRARIES = ["pandas", "pyarrow.parquet", "numba", "scipy.optimize", "hypothesis", "pytest"]
SECONDS = 60
"""Of CPU time for the tests of one change: one that takes longer is noticed, as a hang is."""


def changed(source: str) -> Iterator[tuple[str, str]]:
    """Give each kind of change with the source as it makes it."""
    for name in filter(TELLING.fullmatch, sorted(cosmic_ray.plugins.operator_names())):
        operator = cosmic_ray.plugins.get_operator(name)
        if operator.arguments():
            continue
        number = 0
        while (mutant := mutate_code(source, operator(), number)) is not None:
            number += 1
            if DECLARED.sub("", mutant) != DECLARED.sub("", source):
                yield name.removeprefix("core/"), mutant


def noticed(copy: Path, tests: list[str]) -> bool:
    """Run tests in a fork; tell whether one fails, or they come to no end."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return status != 0
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        os.chdir(copy)
        sys.path[:0] = [str(copy), str(copy / "plugins")]
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            without = [f"--deselect={tests[0]}::{name}" for name in SLOW]
            code = int(importlib.import_module("pytest").main(
                ["-x", "-q", "-n0", "-p", "no:cacheprovider", "--assert=plain", *without, *tests]
            ))  # fmt: skip
    finally:
        os._exit(code)


def survivors(copy: Path, file: str, tests: list[str]) -> tuple[int, list[str]]:
    """Try each change of one file; give how many there are, and those that nobody noticed."""
    path = copy / file
    source = path.read_text(encoding="utf-8")
    if noticed(copy, tests):
        raise SystemExit(f"the tests of {file} fail before anything is changed")
    tried, left = 0, []
    for kind, mutant in changed(source):
        # The compiled file is told from its source by size and seconds: too coarse for this.
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()
        path.write_text(mutant, encoding="utf-8")
        tried += 1
        if not noticed(copy, tests):
            lines = difflib.unified_diff(source.splitlines(), mutant.splitlines(), n=0, lineterm="")
            left.append("\n".join([f"-- {kind}", *list(lines)[2:]]))
            print(left[-1], flush=True)  # noqa: T201
    path.write_text(source, encoding="utf-8")
    return tried, left


def main(names: list[str]) -> int:
    """Run the mutants of some parts of the core, or of all; give 1 where one survives."""
    sys.dont_write_bytecode = True
    for library in LIBRARIES:
        importlib.import_module(library)
    found = False
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
        (Path(folder) / "shared").symlink_to(ROOT.parent / "shared")
        with contextlib.redirect_stdout(None):
            compileall.compile_dir(copy, quiet=2)
        for name in names or CORE:
            file, tests = CORE[name]
            print(f"== {name}", flush=True)  # noqa: T201
            tried, left = survivors(copy, file, [f"tests/{one}" for one in tests])
            print(f"{tried} changes, {len(left)} survive", flush=True)  # noqa: T201
            found |= bool(left)
    return int(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
