"""Measure the methods of rounding side by side, for docs/explanation/rounding.md.

    python tests/benchmarks/rounding_methods.py

Made-up cases of the demonstration, one declared table and one that shares its totals.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from ctdc_rounding import (
    Rounding,
    Tabulate,
    audit,
    methods,
    perturbation,
    round_counts,
    tabulate,
)
from ctdc_rounding.complete import complete

from ctdc_framework import api
from ctdc_framework.demo import plan as demo_plan
from ctdc_framework.plugin import Context, Layout, StrategyError, Table
from ctdc_framework.toml.convert import unstructure

ROWS, SEED, KEY = 50_000, 2021, b"a key that is no secret, to measure with"
ORIGIN = Layout(id="origin", rows=("citizenship",), columns=("gender",))
AGE = Layout(id="age", rows=("ageBroad",), columns=("gender",))
METHODS: dict[str, dict[str, Any]] = {
    "floor": {"method": "floor"},
    "nearest, ties even": {"method": "nearest", "ties": "even"},
    "random": {"method": "random"},
    "controlled, free": {"method": "controlled", "small_cells": "free"},
    "controlled, down": {"method": "controlled", "steps": 20},
    "floor, margins sum": {"method": "floor", "margins": "sum"},
    "cell-key, D 5 V 3": {"method": "cell-key"},
}


def records() -> Table:
    """Fabricate cases, and keep those of which all three variables are known."""
    registry = api.load_registry()
    plan, raw = demo_plan.make(ROWS, SEED, registry)
    table = api.prepare_raw(raw, plan.codebook, registry, api.Reading()).table
    known = table.frame[["citizenship", "gender", "ageBroad"]].notna().all(axis=1)
    return table.with_frame(table.frame[known])


def by_cell(table: Table) -> dict[bytes, int]:
    """Give counts by cell."""
    return dict(zip(map(bytes, table.codes), table.counts.tolist(), strict=True))


def measure(table: Table, name: str) -> list[str]:
    """Give one method's line."""
    params = Rounding(base=10, threshold=10, **METHODS[name])
    context = Context(rng=np.random.default_rng(0), key=KEY)
    made = []
    for layout in (ORIGIN, AGE):
        counted = tabulate(table, Tabulate(tables=(layout,)), context).table
        try:
            made.append((counted, round_counts(counted, params, context).table))
        except StrategyError:
            return [name, *["refused"] * 6]
    (counted, shown), (_, other) = made
    true, first, second = by_cell(counted), by_cell(shown), by_cell(other)
    errors = np.array([first.get(cell, 0) - n for cell, n in true.items() if n >= 10])
    cells = complete(counted)
    rounded = np.array([first.get(bytes(row), 0) for row in counted.codes])
    apart, sums = cells.apart(cells.of_table(rounded))
    both = [cell for cell in first if cell in second]
    differ = sum(first[cell] != second[cell] for cell in both)
    alone, proved = audit.prove(shown, 2, audit.told(unstructure(params)), 300)
    closer = proved.shown & (proved.most - proved.least < alone.most - alone.least)
    return [
        name,
        f"{errors.mean():+.1f}",
        f"{(errors**2).mean():,.1f}",
        f"{apart} of {sums}",
        f"{differ} of {len(both)}",
        f"{sum(true[cell] < 10 for cell in first)}",
        f"{int(closer.sum())} of {len(shown)}",
    ]


def advantages() -> list[list[str]]:
    """Give how well a release with one record more is told from one without, mean and worst.

    All other records are known. Total variation of what is shown, over true counts 100 to 109.
    """
    counts, dithers = np.arange(100, 110), np.arange(10)
    floor = methods.floor(counts, 10) != methods.floor(counts + 1, 10)
    nearest = methods.nearest(counts, 10, "even") != methods.nearest(counts + 1, 10, "even")
    now, then = (
        np.array([methods.by_dither(one, 10, np.full_like(one, u)) for u in dithers])
        for one in (counts, counts + 1)
    )
    # Who has not seen the earlier release compares how often each count is shown.
    unseen = abs((now > 100).mean(axis=0) - (then > 100).mean(axis=0))
    # Who has seen it knows of which dithers the secret one is.
    seen = [
        (now[:, n] != then[:, n])[now[:, n] == shown].mean()
        for n in range(10)
        for shown in np.unique(now[:, n])
    ]
    share = [(now[:, n] == shown).mean() for n in range(10) for shown in np.unique(now[:, n])]
    chances = perturbation.compute(5, 3.0, 0, None)
    law = np.diff(chances.up_to[-1], prepend=0) / perturbation.WHOLE
    redrawn = 1 - (law[1:] * law[:-1]).sum()  # the new draw shows another count than the old
    return [
        ["floor", f"{floor.mean():.2f}", f"{floor.max():.2f}"],
        ["nearest", f"{nearest.mean():.2f}", f"{nearest.max():.2f}"],
        ["random, earlier release not seen", f"{unseen.mean():.2f}", f"{unseen.max():.2f}"],
        ["random, seen", f"{np.average(seen, weights=share):.2f}", f"{max(seen):.2f}"],
        ["cell-key, D 5 V 3, seen", f"{redrawn:.2f}", f"{redrawn:.2f}"],
    ]


def main() -> None:
    """Print both tables."""
    table = records()
    lines = [["method", "bias", "squared error", "sums apart", "differ", "below 10", "closer"]]
    lines += [measure(table, name) for name in METHODS]
    for line in [*lines, [], *advantages()]:
        sys.stdout.write(f"| {' | '.join(line)} |\n")


if __name__ == "__main__":
    main()
