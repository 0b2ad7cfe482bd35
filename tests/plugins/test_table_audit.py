"""The audit of tables: what it proves is true, and what could be proved it finds."""

import itertools
from unittest.mock import patch

import numpy as np
import pytest
from ctdc_rounding import AUDIT, Rounding, Tabulate, audit, round_counts, tabulate
from ctdc_rounding.measure import Audit
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.loading.registry import load
from ctdc_framework.plans.entries import CandidateEntry, StageEntry
from ctdc_framework.plans.plan import bind_candidates
from ctdc_framework.plugin import (
    Context,
    Layout,
    Pair,
    StrategyError,
    combination_support,
    table_of_codes,
)
from ctdc_framework.runs.runner import run_candidate
from ctdc_framework.toml.convert import unstructure

KEY = b"a key for tests, not a secret"
GENDERS = Layout(id="genders", rows=("gender",), columns=("year",))
AGES = Layout(id="ages", rows=("ageBroad/majority", "ageBroad"), columns=("gender",))
MEANS = Layout(id="means", rows=("means",), columns=("gender",))


def context():
    return Context(rng=np.random.default_rng(0), key=KEY)


def records_of(codebook, rows, seed):
    rng = np.random.default_rng(seed)
    sizes = [1 if column.value else len(codebook.domain_of(column.variable).codes)
             for column in codebook.columns]  # fmt: skip
    low = [0 if column.variable == "year" else -1 for column in codebook.columns]
    codes = np.column_stack([rng.integers(a, b, rows) for a, b in zip(low, sizes, strict=True)])
    return table_of_codes(codebook, codebook.columns, codes.astype(np.int16))


def published(records, params, tables=(), length=2):
    counted = tabulate(records, Tabulate(tables=tables, length=length), context()).table
    return round_counts(counted, params, context()).table


def true_counts(records, system):
    return combination_support(records.codes, records.sizes, system.codes[system.named],
                               records.generalised)  # fmt: skip


METHODS = st.sampled_from(
    [
        {"method": "floor"}, {"method": "nearest", "ties": "even"}, {"method": "random"},
        {"method": "nearest", "ties": "up", "margins": "sum"},
        {"method": "floor", "margins": "sum"}, {"method": "cell-key"},
        {"method": "controlled", "small_cells": "free"},
    ]
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 80), seed=st.integers(0, 10**6), method=METHODS, base=st.integers(2, 6),
    threshold=st.integers(2, 8), tables=st.sampled_from([(GENDERS,), (AGES,), (MEANS,), ()]),
    exact=st.sampled_from([0, 30]), whole=st.sampled_from([0, 10**6]),
)  # fmt: skip
def test_every_true_count_lies_within_what_is_proved(
    graded, rows, seed, method, base, threshold, tables, exact, whole
):
    if not tables or tables == (MEANS,):
        method = {k: v for k, v in method.items() if k != "margins"}
        method = {"method": "floor"} if method["method"] == "controlled" else method
    records = records_of(graded, rows, seed)
    params = Rounding(base=base, threshold=threshold, **method)
    table = published(records, params, tables)

    with patch.object(audit, "MOST_WHOLE", whole):
        alone, proved = audit.prove(table, 2, audit.told(unstructure(params)), exact)

    true = true_counts(records, proved)
    named = proved.named
    assert (proved.least[named] <= true).all()
    assert (true <= proved.most[named]).all()
    assert (alone.least <= proved.least).all()
    assert (proved.most <= alone.most).all()
    assert alone.shown.sum() == len(table)


@settings(max_examples=8, deadline=None)
@given(
    counts=st.lists(st.integers(0, 7), min_size=4, max_size=4), base=st.sampled_from([2, 3]),
    threshold=st.sampled_from([3, 4]),
)  # fmt: skip
def test_bounds_are_those_of_every_table_that_would_look_the_same(
    codebook_of, toy_text, counts, base, threshold
):
    gender = 'definition = "Gender."'
    text = toy_text.replace(gender, f"{gender}\nnullable = false")
    text = text.replace("max  = 2021", "max  = 2020")
    codebook = codebook_of(text)
    cells = list(itertools.product(range(2), range(2)))

    def shown(counts):
        rows = [(y, g, -1, -1, -1, -1, -1) for (y, g), n in zip(cells, counts, strict=True)
                for _ in range(n)]  # fmt: skip
        codes = np.array(rows, np.int16).reshape(-1, 7)
        table = table_of_codes(codebook, codebook.columns, codes)
        return published(table, Rounding(base=base, threshold=threshold), (GENDERS,))

    def floored(grid):
        """The published counts of many tables at once, as `shown` has them; 0: not shown."""
        full = np.concatenate([grid, grid.sum(axis=1, keepdims=True)], axis=1)
        full = np.concatenate([full, full.sum(axis=2, keepdims=True)], axis=2)
        return np.where(full >= threshold, full // base * base, 0).reshape(len(grid), -1)

    table = shown(counts)
    most = max(counts) + 3
    every = np.array(list(itertools.product(range(most + 1), repeat=4))).reshape(-1, 2, 2)
    own = floored(np.array(counts).reshape(1, 2, 2))
    alike = every[(floored(every) == own).all(axis=1)].reshape(-1, 4)

    _, proved = audit.prove(table, 2, audit.told({"base": base, "threshold": threshold}), 60)

    place = {tuple(row[:2].tolist()): n for n, row in enumerate(proved.codes)}
    for cell, truth in zip(cells, alike.T, strict=True):
        number = place[cell]
        assert (proved.least[number], proved.most[number]) == (truth.min(), truth.max())


CARELESS = (
    [(0, 0, 0)] * 20 + [(0, 0, 1)] * 11 + [(0, 0, 2)] * 14 + [(0, 1, 0)] * 12 + [(0, 1, 1)] * 4
    + [(0, 1, 2)] * 18
)  # fmt: skip


@pytest.fixture(scope="module")
def complete_codebook(codebook_of, toy_text):
    """The toy codebook with variables that are always known."""
    known = toy_text.replace("nullable   = false\n", "")
    known = known.replace('role       = ["quasi"]', 'nullable = false\nrole = ["quasi"]')
    return codebook_of(known)


def scores_of(codebook, base):
    """Score a table of four men among 79 records, rounded down to a base and hidden below 10."""
    codes = np.full((len(CARELESS), 7), -1, np.int16)
    codes[:, :3] = CARELESS
    records = table_of_codes(codebook, codebook.columns, codes)
    layout = {"id": "ages", "rows": ["ageBroad"], "columns": ["gender"]}
    stages = (
        StageEntry(id="count", strategy="tabulate", params={"tables": [layout]}),
        StageEntry(id="round", strategy="rounding", params={"base": base, "threshold": 10}),
    )
    entry = CandidateEntry(name="tables", stages=stages)
    (candidate,), _ = bind_candidates([entry], codebook, load())
    release = run_candidate(candidate, records, load(), seed=1)
    pair = Pair(original=records, candidate=release.tables, k=10, length=2, stages=release.stages)
    return {score.slice: score for score in AUDIT.compute(pair, Audit(), context())}


def test_it_finds_the_leak_in_a_carelessly_rounded_table_and_names_it(complete_codebook):
    careless = scores_of(complete_codebook, base=2)

    # Four men are not shown, but the total of men and the other two ages are, within one each.
    small = careless["proved to be 1 to 9"]
    assert small.value == 1
    assert small.names == ("gender=Male; ageBroad=18--29",)
    assert careless["closer than the method promises"].value >= 1
    assert careless["cells bounded exactly"].value == careless["cells looked at"].value == 12

    assert scores_of(complete_codebook, base=10)["proved to be 1 to 9"].value == 0


def test_exact_counts_are_all_proved(toy):
    records = records_of(toy, 50, 1)
    counted = tabulate(records, Tabulate(tables=(GENDERS,)), context()).table

    _, proved = audit.prove(counted, 2, audit.EXACT, 300)

    assert (proved.least == proved.most)[proved.shown].all()


def test_tables_of_another_strategy_are_not_judged(toy):
    records = records_of(toy, 50, 1)
    table = published(records, Rounding(base=3, threshold=3))
    pair = Pair(original=records, candidate=table, k=3, length=2)
    assert list(AUDIT.compute(pair, Audit(), context())) == []


def test_counts_that_contradict_each_other_are_told(complete_codebook):
    codes = np.full((3, 7), -1, np.int16)
    codes[1, 1], codes[2, 1] = 0, 1
    table = table_of_codes(
        complete_codebook, complete_codebook.columns, codes, np.array([100, 10, 10])
    )
    for exact in (0, 300):
        with pytest.raises(StrategyError, match="no true counts"):
            audit.prove(table, 1, audit.told({"base": 10, "threshold": 10}), exact)


def test_beyond_the_stated_number_of_cells_bounds_are_by_parts_and_wholes(toy):
    records = records_of(toy, 80, 2)
    table = published(records, Rounding(base=3, threshold=3), length=3)

    by = audit.told({"base": 3, "threshold": 3})

    alone, proved = audit.prove(table, 3, by, exact=10)
    with patch.object(audit, "MOST_WHOLE", 10):
        alone_shown, proved_shown = audit.prove(table, 3, by, exact=10)

    assert proved.whole
    assert not proved_shown.whole
    assert proved_shown.named.sum() == len(table)
    for before, after in ((alone, proved), (alone_shown, proved_shown)):
        width, narrowed = before.most - before.least, after.most - after.least
        assert (narrowed <= width).all()
        assert (narrowed < width)[after.shown].any()
