"""k-synthesis on thousands of small random tables, and on tables made to be hard."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from ctdc_k_synthesis.algorithm import synthesise_records

from ctdc_framework.plugin import Cancelled, silent

MODES = ("value-seeded", "seeded", "unseeded")


def fault(codes, released, k, *, counts):
    """Say by brute force which promise is broken; empty where none is."""
    for row in np.unique(released, axis=0):
        given = row >= 0
        if not given.any():
            return "a row is empty"
        if (codes[:, given] == row[given]).all(axis=1).sum() < k:
            return "a row is rare"
    for column in range(codes.shape[1] if counts else 0):
        true, shown = (
            Counter(table[table[:, column] >= 0, column].tolist()) for table in (codes, released)
        )
        if shown != Counter({v: n // k * k for v, n in true.items() if n >= k}):
            return "a count is not the one rounded down"
    return ""


def some_table(rng):
    """Draw a table: sizes, share of missing values and skew all by chance."""
    rows, columns = int(rng.integers(0, 90)), int(rng.integers(1, 7))
    sizes = rng.integers(1, 5, columns).tolist()
    skew, missing = rng.choice([0.3, 1.0, 3.0]), rng.choice([0.0, 0.3, 0.7])
    codes = np.stack([(rng.random(rows) ** skew * size).astype(np.int16) for size in sizes], 1)
    return np.where(rng.random(codes.shape) < missing, np.int16(-1), codes), sizes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("k", [2, 3, 5, 10, 20])
def test_its_promise_holds_on_two_hundred_random_tables(mode, k):
    rng = np.random.default_rng([k, MODES.index(mode)])
    for _ in range(200):
        codes, sizes = some_table(rng)
        length, effort = int(rng.integers(2, 4)), int(rng.integers(0, 5))
        weights = rng.choice([0.5, 1.0, 4.0], len(sizes))
        made = synthesise_records(
            codes, sizes, k, rng, silent, mode=mode, length=length, effort=effort, weights=weights
        )
        assert not fault(codes, made.codes, k, counts=mode != "unseeded")
        if mode == "unseeded" and len(made.codes):
            assert len(made.codes) == len(codes) // k * k


def hard(name):
    rng = np.random.default_rng(1)
    if name == "all-unique":
        return np.tile(np.arange(300, dtype=np.int16)[:, None], (1, 4)), [300] * 4
    if name == "all-equal":
        return np.ones((300, 6), np.int16), [2] * 6
    if name == "one-column":
        return rng.integers(-1, 5, (300, 1)).astype(np.int16), [5]
    if name == "200-columns":
        return np.where(rng.random((300, 200)) < 0.1, 0, -1).astype(np.int16), [1] * 200
    if name == "a-value-in-every-record":
        codes = rng.integers(-1, 4, (300, 5)).astype(np.int16)
        codes[:, 2] = 3
        return codes, [4] * 5
    if name == "5000-codes":
        # 2,000 of the 5,000 codes are held by 10 records or more, too many for tables of triples
        common = np.repeat(np.arange(2000), 12)
        codes = np.stack([rng.permutation(common), common % 7, common % 3], 1)
        return codes.astype(np.int16), [5000, 7, 3]
    return np.zeros((0 if name == "no-records" else 9, 3), np.int16), [1] * 3


HARD = [
    "all-unique", "all-equal", "one-column", "200-columns", "a-value-in-every-record",
    "5000-codes", "no-records", "k-1-records",
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", HARD)
def test_its_promise_holds_on_hard_tables(name, mode):
    codes, sizes = hard(name)

    made = synthesise_records(
        codes, sizes, 10, np.random.default_rng(2), silent, mode=mode, effort=2
    )

    if name == "5000-codes":  # brute force over all rows would take minutes
        values = [Counter(table[:, 0].tolist()) for table in (codes, made.codes)]
        if mode != "unseeded":
            assert all(values[1][code] == 10 for code in range(2000))
        assert not fault(codes, made.codes[:300], 10, counts=False)
    else:
        assert not fault(codes, made.codes, 10, counts=mode != "unseeded")
    if name in ("all-unique", "no-records", "k-1-records"):
        assert len(made.codes) == 0


@pytest.mark.parametrize("mode", MODES)
def test_cancelling_stops_at_once_wherever_it_is_asked(mode):
    codes = np.random.default_rng(3).integers(-1, 3, (500, 6)).astype(np.int16)
    asked = []

    def run(last):
        def progress(done, total):
            asked.append(done)
            if len(asked) == last:
                raise Cancelled

        asked.clear()
        synthesise_records(
            codes, [3] * 6, 5, np.random.default_rng(0), progress, mode=mode, effort=3
        )

    run(0)
    for last in range(1, len(asked) + 1):
        with pytest.raises(Cancelled):
            run(last)
        assert len(asked) == last


PROGRAM = """
import hashlib, sys
import numpy as np
from ctdc_k_synthesis.algorithm import synthesise_records
codes = np.random.default_rng(3).integers(-1, 3, (500, 6)).astype(np.int16)
for mode in ("value-seeded", "seeded", "unseeded"):
    made = synthesise_records(
        codes, [3] * 6, 5, np.random.default_rng(0), lambda *_: None, mode=mode, effort=5
    )
    sys.stdout.write(hashlib.sha256(made.codes.tobytes()).hexdigest())
"""


def test_the_same_bytes_come_whatever_the_threads_and_hash_seeds():
    told = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "NUMBA_NUM_THREADS": threads, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads, seed in (("1", "0"), ("2", "77"))
    }

    assert len(told) == 1
    assert len(told.pop()) == 3 * len(hashlib.sha256().hexdigest())


def test_a_variable_of_more_weight_keeps_its_pairs_better():
    rng = np.random.default_rng(8)
    profiles = np.where(rng.random((40, 10)) < 0.5, rng.integers(0, 4, (40, 10)), -1)
    codes = profiles[np.minimum(rng.geometric(0.08, 1500) - 1, 39)]
    codes = np.where(rng.random(codes.shape) < 0.2, -1, codes).astype(np.int16)

    def preserved(weight, seed):
        made = synthesise_records(
            codes, [4] * 10, 10, np.random.default_rng(seed), silent, weights=[weight] + [1.0] * 9
        ).codes
        shares = []
        for b, x, y in np.ndindex(9, 4, 4):
            n, m = (((t[:, 0] == x) & (t[:, b + 1] == y)).sum() for t in (codes, made))
            shares += [m / n] if n >= 10 else []
        return np.mean(shares)

    plain = np.mean([preserved(1.0, seed) for seed in range(4)])
    assert np.mean([preserved(3.0, seed) for seed in range(4)]) > plain
