"""What k-synthesis costs and keeps: writes the table of docs/benchmarks.md. `make bench` runs it.

Each run is a process of its own, so that CPU seconds and peak memory are its alone; the machine
code is kept from an earlier run. Where pac-synth (Microsoft's, from PyPI) can be imported, by
this interpreter or by the one that PAC_SYNTH_PYTHON names, it runs beside ours.
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
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- k-synthesis: written by make bench -->", "<!-- k-synthesis: end -->"
K = 10
RUNS = [("10k", seed) for seed in range(10)] + [("20k", 0), ("50k", 0), ("150k", 0)]
PAC = os.environ.get("PAC_SYNTH_PYTHON", sys.executable)
PAC_PROGRAM = """
import csv, gzip, json, resource, sys, time
import pacsynth
pacsynth.set_number_of_threads(1)
with gzip.open(sys.argv[1], "rt", newline="") as file:
    raw = list(csv.reader(file))
start = time.process_time()
made = pacsynth.DpAggregateSeededSynthesizer(
    pacsynth.DpAggregateSeededParametersBuilder().use_synthetic_counts(True).build()
)
data = pacsynth.Dataset(raw, sensitive_zeros=raw[0])
made.fit(data)
rows = made.sample()
used = time.process_time() - start
with open(sys.argv[2], "w", newline="") as file:
    csv.writer(file).writerows(rows)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cpu": used, "memory": memory}))
"""


def read(name):
    """Codes and sizes of an input; the one of 150,000 records is made from the one of 50,000."""
    import numpy as np

    source = DATA / f"ctdc_shaped_{'50k' if name == '150k' else name}.csv.gz"
    with gzip.open(source, "rt", newline="") as file:
        rows = list(csv.reader(file))[1:]
    columns = list(zip(*rows, strict=True))
    known = [sorted(set(column) - {""}) for column in columns]
    codes = coded(columns, known)
    if name == "150k":
        rng = np.random.default_rng(0)
        copies = []
        for _ in range(3):
            copy = codes.copy()
            for j in range(copy.shape[1]):
                redrawn = rng.random(len(copy)) < 0.2
                copy[redrawn, j] = rng.choice(codes[:, j], redrawn.sum())
            copies.append(copy)
        codes = np.concatenate(copies)
    return codes, known


def coded(columns, known):
    import numpy as np

    numbers = [{value: n for n, value in enumerate(values)} for values in known]
    return np.array(
        [[own.get(cell, -1) for cell in column]
         for own, column in zip(numbers, columns, strict=True)], np.int16,
    ).T.copy()  # fmt: skip


def kept(codes, released, sizes):
    """Preservation, error and lost share of pairs and of triples that K records hold."""
    from ctdc_framework.plugin import count_combinations

    found = count_combinations([codes, released], sizes, 3)
    told = []
    for length in (2, 3):
        counts = found.of_length(length).counts
        n, m = counts[counts[:, 0] >= K].T
        told += [(m / n).mean(), abs(n - m).sum() / n.sum(), (m == 0).mean()]
    return [float(figure) for figure in told]


def work(name, seed):
    """Run once and print the figures as JSON; what counting them takes is not in the memory."""
    import numpy as np
    from ctdc_k_synthesis.algorithm import synthesise_records

    def quiet(done, total):
        pass

    codes, known = read(name)
    sizes = [len(values) for values in known]
    synthesise_records(codes[:60], sizes, 2, np.random.default_rng(0), quiet, effort=1)
    start = time.process_time()
    made = synthesise_records(codes, sizes, K, np.random.default_rng(seed), quiet)
    used = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = kept(codes, made.codes, sizes)
    sys.stdout.write(
        json.dumps({"cpu": used, "memory": memory, "rows": len(made.codes), "kept": figures})
    )


def run(name, seed):
    done = subprocess.run(
        [sys.executable, __file__, name, str(seed)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def run_pac(folder):
    """Run pac-synth on the smallest input; None where it is not installed."""
    asked = subprocess.run([PAC, "-c", "import pacsynth"], capture_output=True)
    if asked.returncode:
        return None
    out = folder / "pac.csv"
    done = subprocess.run(
        [PAC, "-c", PAC_PROGRAM, str(DATA / "ctdc_shaped_10k.csv.gz"), str(out)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    codes, known = read("10k")
    with out.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    released = coded(list(zip(*rows, strict=True)), known)
    told |= {"rows": len(rows), "kept": kept(codes, released, [len(values) for values in known])}
    return told


def span(values, form):
    """One figure, or the lowest and the highest of several."""
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


def line(label, runs):
    forms = ["{:.3f}", "{:.3f}", "{:.2%}"] * 2
    figures = [span([one["kept"][n] for one in runs], form) for n, form in enumerate(forms)]
    cells = [
        label,
        span([one["cpu"] for one in runs], "{:.1f}"),
        span([one["memory"] for one in runs], "{:.0f}"),
        span([one["rows"] for one in runs], "{:,}"),
        " / ".join(figures[:3]),
        " / ".join(figures[3:]),
    ]
    return f"| {' | '.join(cells)} |"


def test_what_k_synthesis_costs_and_keeps(benchmark, tmp_path, request):
    if not request.config.getoption("benchmark_only"):
        pytest.skip("runs with make bench")
    if not DATA.is_dir():
        pytest.skip("the data are not part of the project")
    run("10k", 0)  # the first run compiles
    runs = benchmark.pedantic(lambda: [(name, run(name, seed)) for name, seed in RUNS], rounds=1)
    lines = [
        "| run | CPU s | MiB | rows | pairs: preserved / error / lost "
        "| triples: preserved / error / lost |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in dict(RUNS):
        own = [one for run_name, one in runs if run_name == name]
        times = f", {len(own)} seeds" if len(own) > 1 else ""
        lines.append(line(f"k-synthesis, {name}{times}", own))
    pac = run_pac(tmp_path)
    if pac is not None:
        lines.append(line("pac-synth, 10k (epsilon 4, another promise)", [pac]))
    table = "\n".join(lines)
    where = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        sys.stdout.write(f"\n{table}\n")
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{where}.\n\n{END}{after}", encoding="utf-8")
    best = dict(reversed(runs))  # the first of each
    assert best["10k"]["cpu"] <= 10
    assert best["150k"]["cpu"] <= 30
    assert best["150k"]["memory"] <= 1536


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]))
