"""Change the gate's core in one place at a time, and see whether a test notices: `make mutants`.

Works in a copy of what is committed. Prints every change that no test noticed: each is a test that
is missing, or a place that does not matter, and wants an answer.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = {
    "items": ["test_items", "test_recounts"],
    "recounts": ["test_recounts"],
    "gate": ["test_gate", "test_runner"],
}
"""Each module of the gate's core with the tests that guard it, under tests/unit."""

TELLING = (
    "AddNot|NumberReplacer|Replace(And|Or)With.*|Replace(True|False)With.*|.*Delete_Not|"
    "ZeroIteration.*|ReplaceBreak.*|.*_(Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Is_IsNot|"
    "IsNot_Is|Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul|BitAnd_BitOr|BitOr_BitAnd)"
)
"""Kinds of change that a test can tell: `<` for `is` between two numbers is no likely mistake."""

CONFIG = """\
[cosmic-ray]
module-path = "ctdc_framework/{module}.py"
timeout = 120.0
excluded-modules = []
test-command = "{python} -m pytest -x -q -p no:cacheprovider {tests}"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/(?!({telling})$).*"]
"""


def main(modules: list[str]) -> int:
    """Run the mutants of some modules, or of all; give 1 where one survives."""
    tools = Path(sys.executable).parent
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
        (Path(folder) / "shared").symlink_to(ROOT.parent / "shared")
        for module in modules or CORE:
            tests = " ".join(f"tests/unit/{name}.py" for name in CORE[module])
            config, session = copy / f"{module}.toml", copy / f"{module}.sqlite"
            text = CONFIG.format(
                module=module, python=sys.executable, tests=tests, telling=TELLING
            ).replace("\\", "\\\\")
            config.write_text(text, encoding="utf-8")
            environment = {"PYTHONPATH": f"{copy}:{copy / 'plugins'}", "PATH": "/usr/bin:/bin",
                           "HOME": folder}  # fmt: skip

            def tool(*words: str) -> str:
                done = subprocess.run(
                    [str(tools / words[0]), *words[1:]],
                    cwd=copy, env=environment, capture_output=True, text=True,  # noqa: B023
                )  # fmt: skip
                if done.returncode:
                    raise SystemExit(done.stdout + done.stderr)
                return done.stdout

            tool("cosmic-ray", "init", config.name, session.name)
            tool("cr-filter-operators", session.name, config.name)
            tool("cosmic-ray", "baseline", config.name)
            tool("cosmic-ray", "exec", config.name, session.name)
            report = tool("cr-report", "--show-diff", "--surviving-only", session.name)
            print(f"== {module}\n{report}")  # noqa: T201
            survived += "surviving mutants: 0 " not in report
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
