"""What counting and controlled rounding cost: their section of docs/benchmarks.md.

The tables are of made-up records, with hidden cells for what is not known; the combinations are of
records shaped like CTDC's.
"""

from __future__ import annotations

import csv
import gzip
import time
from math import prod
from pathlib import Path

import numpy as np
import pytest
from ctdc_rounding import complete as completing
from ctdc_rounding.complete import Tree, size_of
from ctdc_rounding.controlled import round_all

from ctdc_framework.plugin import StrategyError, count_combinations

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def flat(values, column):
    """A variable without levels, and nothing that is not known."""
    return Tree(column=column, codes=np.arange(-1, values), parents=np.array([-1] + [0] * values))


def in_groups(values, groups, column):
    """A variable whose values stand in groups of nearly equal size."""
    above = 1 + np.arange(values) * groups // values
    return Tree(
        column=column,
        codes=np.arange(-1, groups + values),
        parents=np.concatenate([[-1], np.zeros(groups, np.int64), above]),
    )


def table_of(trees, mean, seed=0):
    """Made-up counts of each cell, skewed as real ones are, with every total."""
    rng = np.random.default_rng(seed)
    shape = [len(tree.codes) for tree in trees]
    grid = np.zeros(shape, np.int64)
    inner = np.ix_(*(tree.leaves for tree in trees))
    many = [len(tree.leaves) for tree in trees]
    grid[inner] = rng.poisson(mean * rng.gamma(0.5, 2.0, many))
    for axis, tree in enumerate(trees):
        moved = np.moveaxis(grid, axis, 0)
        for node in np.unique(tree.parents[1:])[::-1]:
            moved[node] = moved[tree.parents == node].sum(axis=0)
    totals, parts = completing._sums(trees)
    return completing.Complete(
        codes=np.zeros((prod(shape), 1), np.int16), counts=grid.reshape(-1), totals=totals,
        parts=parts, rows=np.arange(prod(shape)), numbers=(),
        network=len(trees) <= 2 and sum(not tree.flat for tree in trees) <= 1,
    )  # fmt: skip


TABLES = {
    "400 in 50 groups x 10": ([flat(10, 1), in_groups(400, 50, 0)], 10),
    "10,000 in 1,250 groups x 10": ([flat(10, 1), in_groups(10_000, 1250, 0)], 10),
    "60 in 7 groups x 10 x 4": ([flat(10, 1), flat(4, 2), in_groups(60, 7, 0)], 20),
}


def used_by(work):
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def rounded(trees, most, small_cells):
    cells = table_of(trees, 30.0)
    try:
        used, found = used_by(
            lambda: round_all(cells, 10, threshold=10, small_cells=small_cells, steps=3)
        )
    except StrategyError as error:
        return f"{size_of([trees]):,} | {small_cells} | | {error.message}; {error.help}"
    assert (cells.add_up(found.counts) == found.counts).all()
    assert used <= most
    worth = abs(found.counts - cells.counts).mean()
    told = f"steps used: {found.steps}; {worth:.2f} from the count on average"
    return f"{size_of([trees]):,} | {small_cells} | {used:.1f} | {told}"


def combinations_of(length, most):
    with gzip.open(DATA / "ctdc_shaped_50k.csv.gz", "rt", newline="") as file:
        columns = list(zip(*list(csv.reader(file))[1:], strict=True))
    known = [sorted(set(column) - {""}) for column in columns]
    codes = np.array(
        [[known[n].index(cell) if cell else -1 for cell in column]
         for n, column in enumerate(columns)], np.int16,
    ).T.copy()  # fmt: skip
    sizes = [len(values) for values in known]
    count_combinations([codes[:100]], sizes, length)
    used, found = used_by(lambda: count_combinations([codes], sizes, length))
    assert used <= most
    return f"{len(found):,} | | {used:.2f} | counted"


def test_what_counting_and_controlled_rounding_cost(benchmark, section):
    if not DATA.is_dir():
        pytest.skip("the data are not part of the project")
    lines = ["| work | cells | small cells | CPU s | result |", "| --- | --- | --- | --- | --- |"]

    def run():
        for name, (trees, most) in TABLES.items():
            for small in ("free", "down"):
                lines.append(f"| {name} | {rounded(trees, most, small)} |")
        for length, most in ((3, 1.0), (4, 4.0)):
            lines.append(f"| 50k, up to {length} values | {combinations_of(length, most)} |")

    benchmark.pedantic(run, rounds=1)
    section("rounding", "\n".join(lines))
