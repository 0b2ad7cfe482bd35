"""Runs that are killed without warning: what stands is whole, what is left is hidden and cleared.

`CTDC_KILLS` says how many are killed; some are in every test run, `CTDC_KILLS=100` takes minutes.
"""

import hashlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time

import pytest

KILLS = int(os.environ.get("CTDC_KILLS", "8"))
HEADER = "caseNumber,gender,age,citizenship,isForcedLabour,forcedFarmWork,forcedDomesticWork"

RUN = """
import sys
from ctdc_framework import api, report
import pandas, pyarrow.parquet, ctdc_k_synthesis.algorithm
report.as_html = lambda *_: "<!doctype html>"  # drawing takes seconds in which nothing is written
from ctdc_framework.cli import main
print("ready", flush=True)
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    draw = random.Random(3)
    rows = [
        f"A-{n},{draw.choice(['Female', 'Male'])},{draw.randint(4, 60)},"
        f"{draw.choice(['NPL', 'PHL', 'UKR'])},{draw.choice(['1', ''])},,"
        for n in range(400)
    ]
    (folder / "cases.csv").write_text("\n".join([HEADER, *rows, ""]))
    return folder


def start(place, *more):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "run", "--codebook", "minimal", "--data", "cases.csv",
         "--strategy", "k-synthesis", "--tables", "2", "--out", "out", *more],
        cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


def whole(release):
    """Whether a release has all its files with their hashes."""
    held = json.loads((release / "release.json").read_bytes())["files"]
    return all(
        hashlib.sha256((release / name).read_bytes()).hexdigest() == digest
        for name, digest in held.items()
    )


def test_a_run_that_is_killed_leaves_a_whole_release_or_none(place):
    started = time.perf_counter()
    process = start(place)
    begun = time.perf_counter()
    process.communicate()
    assert process.returncode == 0, "the run that is not killed"
    lasts = time.perf_counter() - begun
    assert time.perf_counter() - started < 120
    draw = random.Random(11)
    seen = {"before": 0, "left": 0, "whole": 0}
    for number in range(KILLS):
        again = ["--force"] if (place / "out").exists() else []
        process = start(place, *again)
        # Later moments are tried more often: that is when files are written.
        time.sleep(lasts * draw.random() ** 0.3)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (place / "out").exists():
            assert whole(place / "out" / "release"), f"kill {number}"
            seen["whole"] += 1
        else:
            seen["before"] += 1
        for path in place.iterdir():
            if path.name not in ("cases.csv", "out"):
                seen["left"] += 1
                assert path.name.startswith(".out."), path.name
                if path.suffix == ".part":
                    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert seen["before"] + seen["whole"] == KILLS

    process = start(place, *(["--force"] if (place / "out").exists() else []))
    process.communicate()

    assert process.returncode == 0
    assert sorted(path.name for path in place.iterdir()) == ["cases.csv", "out"]
    assert whole(place / "out" / "release")
