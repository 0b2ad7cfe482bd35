"""Runs that are killed without warning: what stands is whole, what is left is hidden and cleared.

`CTDC_KILLS` says how many are killed; some are in every test run, `CTDC_KILLS=100` takes minutes.
"""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest

KILLS = int(os.environ.get("CTDC_KILLS", "8"))
HEADER = "caseNumber,gender,age,citizenship,isForcedLabour,forcedFarmWork,forcedDomesticWork"

SERVER = """
import json, os, sys
from ctdc_framework import api
from ctdc_framework.reports import page as report
import pandas, pyarrow.parquet, ctdc_k_synthesis.algorithm
report.as_html = lambda *_: "<!doctype html>"  # drawing takes seconds in which nothing is written
from ctdc_framework.cli import main
for line in sys.stdin:
    child = os.fork()
    if child:
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        os.dup2(2, 1)  # what it prints goes nowhere
        code = 70
        try:
            main(json.loads(line))
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            os._exit(code)
"""
"""Runs commands, each in a fork that has everything loaded: its number, and then its exit code."""


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


@pytest.fixture(scope="module")
def start(place):
    """Start a run that replaces an earlier one; give its number and how to wait for its code."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip

    def go():
        words = ["run", "--codebook", "minimal", "--data", "cases.csv", "--out", "out",
                 "--strategy", "k-synthesis", "--tables", "2"]  # fmt: skip
        words += ["--force"] if (place / "out").exists() else []
        server.stdin.write(json.dumps(words) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline()), lambda: int(server.stdout.readline())

    yield go
    server.communicate()


def whole(release):
    """Whether a release has all its files with their hashes."""
    held = json.loads((release / "release.json").read_bytes())["files"]
    return all(
        hashlib.sha256((release / name).read_bytes()).hexdigest() == digest
        for name, digest in held.items()
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills of POSIX")
def test_a_run_that_is_killed_leaves_a_whole_release_or_none(place, start):
    _, code = start()
    assert code() == 0, "the first compiles"
    begun = time.perf_counter()
    _, code = start()
    assert code() == 0, "the run that is not killed"
    lasts = time.perf_counter() - begun
    draw = random.Random(11)
    seen = {"killed": 0, "too late": 0, "nothing there": 0, "hidden remains": 0}
    while seen["killed"] < KILLS:
        if seen["killed"] % 2:  # one run in two has no earlier one, which would be put back
            for earlier in (place / "out", *place.glob(".out.*.old")):
                shutil.rmtree(earlier, ignore_errors=True)
        process, code = start()
        # Later moments are tried more often: that is when files are written.
        time.sleep(lasts * draw.random() ** 0.3)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        ended = code()
        assert ended in (0, -signal.SIGKILL)
        seen["killed" if ended else "too late"] += 1
        assert seen["too late"] <= KILLS
        if (place / "out").exists():
            assert whole(place / "out" / "release"), seen
        else:
            seen["nothing there"] += 1
        for path in place.iterdir():
            if path.name not in ("cases.csv", "out"):
                seen["hidden remains"] += 1
                assert path.name.startswith(".out."), path.name
                if path.suffix == ".part":
                    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    print(seen)  # noqa: T201 - shown with pytest -s

    _, code = start()

    assert code() == 0
    assert sorted(path.name for path in place.iterdir()) == ["cases.csv", "out"]
    assert whole(place / "out" / "release")
