"""Counts in place of records: `tabulate` counts combinations, `rounding` makes counts safe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ctdc_framework.plugin import Measure, Strategy, hookimpl
from ctdc_rounding.measure import AUDIT
from ctdc_rounding.rounding import ROUNDING, Rounding, round_counts
from ctdc_rounding.tabulation import TABULATE, Tabulate, tabulate


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer tabulate and rounding."""
    return [TABULATE, ROUNDING]


@hookimpl
def ctdc_register_measures() -> Iterable[Measure[Any]]:
    """Offer the audit of tables."""
    return [AUDIT]


__all__ = ["AUDIT", "ROUNDING", "TABULATE", "Rounding", "Tabulate", "round_counts", "tabulate"]
