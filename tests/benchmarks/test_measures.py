"""What measures cost: their section of docs/benchmarks.md. `make bench` runs it.

All in one process, after everything was taken of a few records, so that nothing is compiled while
the clock runs.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from ctdc_framework import api
from ctdc_framework.plans.entries import CandidateEntry, MeasureEntry, StageEntry
from ctdc_framework.plans.plan import Plan, bind_candidates, bind_measure, default_measures
from ctdc_framework.plugin import Context, Pair
from ctdc_framework.runs.compare import compare

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
COUNTED = ("rare-combination-leakage", "fabricated-combinations", "combination-error")
LIMITS = {3: 0.6, 4: 3.0}
"""CPU seconds to keep below, by length; to be beaten were 6.7 and 47 (combinations in NumPy)."""
FITTED = ("propensity",)
"""What fits models without being asked to: no part of the core, whose limit is 20; with it 30."""


def blurred(table):
    """As many records, drawn from a table's, with a tenth of each column's values mixed."""
    rng = np.random.default_rng(20261122)
    codes = table.codes[rng.integers(0, len(table), len(table))].copy()
    for column in codes.T:
        at = np.flatnonzero(rng.random(len(column)) < 0.1)
        column[at] = rng.permutation(column[at])
    return table.with_codes(codes)


def seconds(work):
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.skipif(not DATA.is_dir(), reason="the data are not part of the project")
def test_what_measures_cost(benchmark, section):
    registry = api.load_registry()
    codebook = api.load_codebook("ctdc-2021", registry.rules)
    prepared, _ = api.prepare(DATA / "ctdc_shaped_50k.csv.gz", codebook, registry)
    stage = StageEntry(id="suppress", strategy="k-anonymization")
    entry = CandidateEntry(name="k-anonymization", stages=(stage,))
    candidates, _ = bind_candidates([entry], codebook, registry)
    measures = tuple(default_measures(registry))
    core = tuple(one for one in measures if one.measure.name not in FITTED)
    plan = Plan(codebook=codebook, candidates=tuple(candidates), measures=measures)

    def counted(length, table):
        pair = Pair(original=table, candidate=blurred(table), k=10)
        for name in COUNTED:
            asked = MeasureEntry(measure=name, params={"length": length})
            one = bind_measure(asked, registry)
            list(one.measure.compute(pair, one.params, Context(rng=np.random.default_rng(1))))

    def compared(table, asked=measures):
        found = compare(evolve(plan, measures=asked), table, registry, 1, lambda *_: None)
        assert not found.gaps

    few = prepared.table.with_codes(prepared.table.codes[:300])
    counted(4, few)
    compared(few)

    def everything():
        words = "leakage, fabrication and combination error up to length"
        used = {f"{words} {n}": seconds(lambda n=n: counted(n, prepared.table)) for n in LIMITS}
        together = "one candidate and seven controls by"
        few = f"{together} {len(core)} measures that fit no model"
        all_of_them = f"{together} all {len(measures)} measures"
        used |= {few: seconds(lambda: compared(prepared.table, core))}
        return used | {all_of_them: seconds(lambda: compared(prepared.table))}

    used = benchmark.pedantic(everything, rounds=1)
    lines = ["| what | CPU s |", "| --- | --- |"]
    lines += [f"| {what} | {spent:.2f} |" for what, spent in used.items()]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines += ["", f"The memory of the process was {memory:.0f} MiB at its peak."]
    section("measures", "\n".join(lines))
    for spent, most in zip(used.values(), (*LIMITS.values(), 20, 30), strict=True):
        assert spent <= most
    assert memory <= 1024
