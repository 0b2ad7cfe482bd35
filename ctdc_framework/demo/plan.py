"""The plan that `ctdc demo` runs and `ctdc plan new` writes."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from ctdc_framework.loading.registry import Registry
from ctdc_framework.plans.plan import Plan, load_plan

if TYPE_CHECKING:
    from ctdc_framework.records.files import RawFile


def text() -> str:
    """Give the plan as TOML."""
    return (files("ctdc_framework") / "data" / "plan.toml").read_text(encoding="utf-8")


def make(rows: int, seed: int, registry: Registry) -> tuple[Plan, RawFile]:
    """Load the plan, and fabricate raw records for it."""
    from ctdc_framework.demo.records import fabricate_cases
    from ctdc_framework.records.files import raw_of_arrow
    from ctdc_framework.runs.runner import generator

    with as_file(files("ctdc_framework") / "data" / "plan.toml") as path:
        plan = load_plan(path, registry)
    table = fabricate_cases(rows, generator(seed, "demo", "fabricate"))
    return plan, raw_of_arrow(table, "raw.csv")
