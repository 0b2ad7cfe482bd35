"""What k-anonymization costs and keeps: its table of docs/benchmarks.md, by `make bench`.

Each run is a process of its own, so that CPU seconds and peak memory are its alone; the machine
code is kept from an earlier run.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- k-anonymization: written by make bench -->", "<!-- k-anonymization: end -->"
OPTIMA = {
    "Adult, 9 keys, k=5, loss, limit 4 %": ("loss", 0.04, 0.26611081915757495, 1.3),
    "Adult, 9 keys, k=5, loss, limit 100 %": ("loss", 1.0, 0.22041192847984292, 3.9),
    "Adult, 9 keys, k=5, entropy, limit 100 %": ("entropy", 1.0, 249855.10868148197, 7.4),
}
"""What is searched, ARX's optimum, and the CPU seconds to keep below."""
CELLS = {
    "CTDC-shaped 50k, 37 keys, k=10, cells": (37, 0.47, 6.0),
    "CTDC-shaped 50k, 7 keys, k=10, cells": (7, 0.28, 3.0),
    "Adult, 8 keys, k=10, cells with hierarchies": (8, 0.15, 5.0),
}
"""How many keys, the share that may be lost, and the CPU seconds to keep below."""

KNOWN = {
    "CTDC-shaped 50k, 37 keys, k=10, cells, 2 known": (37, 2, 0.05, 2.0),
    "CTDC-shaped 50k, 37 keys, k=10, cells, 3 known": (37, 3, 0.15, 6.0),
}
"""How many keys, how many of them are known, the share that may be lost, and the CPU seconds."""


def adult():
    """The records of Adult by column, and the rows of its hierarchies."""
    with gzip.open(DATA / "adult" / "adult.csv.gz", "rt", newline="") as file:
        head, *rows = csv.reader(file, delimiter=";")
    columns = dict(zip(head, zip(*rows, strict=True), strict=True))
    trees = {}
    for name in head:
        text = (DATA / "adult" / f"adult_hierarchy_{name}.csv").read_text(encoding="utf-8")
        trees[name] = [line.split(";") for line in text.splitlines() if line]
    return columns, trees


def generalise(metric, limit):
    """The optimum over the nine variables of Adult."""
    import numpy as np
    from ctdc_k_anonymization.lattice import Levels, Problem, Question, optimum
    from ctdc_k_anonymization.metrics import GranularityLoss, NonUniformEntropy
    from ctdc_k_anonymization.models import Anonymous

    columns, trees = adult()
    levels, codes = [], []
    for name, column in columns.items():
        tree = trees[name]
        maps = np.array(
            [np.unique(level, return_inverse=True)[1] for level in zip(*tree, strict=True)],
            np.int32,
        )
        shares = np.array([np.bincount(row)[row] / len(tree) for row in maps])
        levels.append(Levels(maps=maps, shares=shares))
        number = {row[0]: n for n, row in enumerate(tree)}
        codes.append([number[value] for value in column])
    kind = GranularityLoss if metric == "loss" else NonUniformEntropy

    def ask(rows):
        problem = Problem(
            codes=np.ascontiguousarray(np.array(codes, np.int32).T[:rows]),
            levels=tuple(levels),
            sensitive=np.zeros((len(columns["sex"][:rows]), 0), np.int32),
        )
        return Question(
            problem=problem, models=[Anonymous(k=5)],
            metric=kind(problem=problem, weights=[1.0] * len(levels)),
            limit=limit, lowest=(0,) * len(levels), highest=problem.top,
        )  # fmt: skip

    optimum(ask(60))
    question = ask(None)
    start = time.process_time()
    found = optimum(question)
    used = time.process_time() - start
    return {"cpu": used, "loss": found.loss[0], "suppressed": found.suppressed,
            "checked": found.checked}  # fmt: skip


def recoded(columns, trees):
    """Recode columns; give the share of what they are worth that is lost, and the classes.

    `trees` gives, per column, for each value those that stand for it, from itself up to but
    without the one of all. A value is worth 1, one that stands for more as many times less of
    the rest of its domain (Iyengar's loss).
    """
    import numpy as np
    from ctdc_k_anonymization.cells import Values, recode

    ladders, worth, items = [], [], []
    for column, tree in zip(columns, trees, strict=True):
        number = {}
        leaves = Counter(value for row in tree for value in dict.fromkeys(row))
        for row in tree:
            for n in range(len(row) - 1, -1, -1):
                if row[n] not in number:
                    number[row[n]] = len(ladders)
                    rungs = dict.fromkeys(number[value] for value in reversed(row[n:]))
                    ladders.append(list(rungs))
                    worth.append(1 - (leaves[row[n]] - 1) / max(len(tree) - 1, 1))
        items.append([number.get(value, -1) for value in column])
    depth = max(map(len, ladders))
    ladder = np.array([one + [-1] * (depth - len(one)) for one in ladders], np.int32)
    values = Values(ladder=ladder, worth=np.array(worth))
    records = np.ascontiguousarray(np.array(items, np.int32).T)
    recode(records[:60], values, 2)
    start = time.process_time()
    result = recode(records, values, 10)
    used = time.process_time() - start
    shown = result.values[~result.left_out]
    classes = Counter(map(bytes, np.ascontiguousarray(shown)))
    kept = np.where(shown >= 0, values.worth[shown], 0.0).sum()
    bare = int((shown < 0).all(axis=1).sum())
    return {
        "cpu": used,
        "lost": float(1 - kept / (records >= 0).sum()),
        "classes": len(classes),
        "smallest": min(classes.values()),
        "records": int(result.left_out.sum()) + bare,
    }


def shaped(keys):
    """The first columns of the CTDC-shaped records."""
    with gzip.open(DATA / "ctdc_shaped_50k.csv.gz", "rt", newline="") as file:
        return list(zip(*list(csv.reader(file))[1:], strict=True))[:keys]


def known(keys, most):
    """Leave values out until `most` known ones fit ten; give the share lost, and the rarest."""
    import numpy as np
    from ctdc_k_anonymization.subsets import suppress

    numbers = [{value: n for n, value in enumerate(sorted({*one} - {""}))} for one in shaped(keys)]
    codes = np.array(
        [[of.get(value, -1) for value in one]
         for of, one in zip(numbers, shaped(keys), strict=True)], np.int16
    ).T  # fmt: skip
    sizes = [len(of) for of in numbers]
    suppress(codes[:60], sizes, 2, most)
    start = time.process_time()
    shown, left_out = suppress(codes, sizes, 10, most)
    used = time.process_time() - start
    held = Counter(
        part
        for row in shown.tolist()
        for part in combinations([(n, code) for n, code in enumerate(row) if code >= 0], most)
    )
    bare = (shown < 0).all(axis=1) & ~left_out
    return {
        "cpu": used,
        "lost": float(1 - (shown >= 0).sum() / (codes >= 0).sum()),
        "rarest": min(held.values()),
        "records": int(left_out.sum() + bare.sum()),
    }


def cells(keys):
    if keys == 8:
        columns, trees = adult()
        names = [name for name in columns if name != "salary-class"]
        return recoded([columns[name] for name in names],
                       [[row[:-1] for row in trees[name]] for name in names])  # fmt: skip
    columns = shaped(keys)
    return recoded(columns, [[[value] for value in sorted({*column} - {""})] for column in columns])


def mondrian():
    """Adult, 8 keys, by anonypyx: a class shows the set of its values, which no hierarchy has."""
    import pandas as pd
    from anonypyx import Anonymiser

    columns, trees = adult()
    names = [name for name in columns if name != "salary-class"]
    frame = pd.DataFrame({name: columns[name] for name in names}).astype("category")
    start = time.process_time()
    shown = Anonymiser(
        frame, k=10, feature_columns=names, generalisation_strategy="human-readable"
    ).anonymise()  # fmt: skip
    used = time.process_time() - start
    sizes = shown["count"]
    lost = [
        (shown[name].map(lambda cell: len(str(cell).split(","))) - 1) / (len(trees[name]) - 1)
        for name in names
    ]
    mean = sum(float((one * sizes).sum()) for one in lost) / sizes.sum() / len(names)
    return {"cpu": used, "lost": mean, "classes": len(shown), "smallest": int(sizes.min()),
            "records": 0}  # fmt: skip


def work(kind, *given):
    """Run once and print the figures as JSON."""
    if kind == "anonypyx":
        told = mondrian()
    elif kind == "known":
        told = known(int(given[0]), int(given[1]))
    else:
        told = generalise(given[0], float(given[1])) if kind == "optimum" else cells(int(given[0]))
    told["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(told))


def run(*given):
    done = subprocess.run(
        [sys.executable, __file__, *map(str, given)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def test_what_k_anonymization_costs_and_keeps(benchmark, request):
    if not request.config.getoption("benchmark_only"):
        pytest.skip("runs with make bench")
    if not DATA.is_dir():
        pytest.skip("the data are not part of the project")

    def everything():
        return {
            **{name: run("optimum", *asked[:2]) for name, asked in OPTIMA.items()},
            **{name: run("cells", asked[0]) for name, asked in CELLS.items()},
            **{name: run("known", *asked[:2]) for name, asked in KNOWN.items()},
        }

    run("optimum", "entropy", 1.0), run("cells", 7), run("known", 7, 2)  # the first run compiles
    runs = benchmark.pedantic(everything, rounds=1)
    lines = ["| run | CPU s | MiB | result |", "| --- | --- | --- | --- |"]
    for name, (_, _, optimum, seconds) in OPTIMA.items():
        told = runs[name]
        result = f"optimum {told['loss']:.13g}; {told['suppressed']:,} records left out"
        lines.append(f"| {name} | {told['cpu']:.2f} | {told['memory']:.0f} | {result} |")
        assert told["loss"] == pytest.approx(optimum, rel=1e-9)
        assert told["cpu"] <= seconds
        assert told["memory"] <= 1024
    for name, (_, most, seconds) in CELLS.items():
        told = runs[name]
        result = (
            f"{told['lost']:.1%} lost; {told['records']:,} records lost; {told['classes']:,} "
            f"classes, the smallest of {told['smallest']}"
        )
        lines.append(f"| {name} | {told['cpu']:.2f} | {told['memory']:.0f} | {result} |")
        assert told["lost"] <= most
        assert told["records"] == 0
        assert told["smallest"] >= 10
        assert told["cpu"] <= seconds
        assert told["memory"] <= 1024
    for name, (_, most, share, seconds) in KNOWN.items():
        told = runs[name]
        result = (
            f"{told['lost']:.1%} lost; {told['records']:,} records lost; the rarest combination of "
            f"{most} is in {told['rarest']}"
        )
        lines.append(f"| {name} | {told['cpu']:.2f} | {told['memory']:.0f} | {result} |")
        assert told["lost"] <= share
        assert told["records"] == 0
        assert told["rarest"] >= 10
        assert told["cpu"] <= seconds
    if find_spec("anonypyx"):
        told = run("anonypyx")
        lines.append(
            "| Adult, 8 keys, by anonypyx, sets of values "
            f"| {told['cpu']:.1f} | {told['memory']:.0f} "
            f"| {told['lost']:.1%} lost; {told['classes']:,} classes, the smallest of "
            f"{told['smallest']} |"
        )
    table = "\n".join(lines)
    where = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        sys.stdout.write(f"\n{table}\n")
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{where}.\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    work(*sys.argv[1:])
