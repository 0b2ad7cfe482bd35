"""k-synthesis-from-tables: what the records hold stands in the tables, by brute force."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from attrs import evolve
from ctdc_k_synthesis import FROM_TABLES, KSynthesisFromTables, synthesise_tables, work
from ctdc_k_synthesis.from_tables import synthesise_from_counts
from ctdc_rounding import ROUNDING, TABULATE, Rounding, Tabulate

from ctdc_framework.errors import ReleaseRefused
from ctdc_framework.loading.registry import PluginInfo, load
from ctdc_framework.plans.plan import Candidate, Stage
from ctdc_framework.plugin import Cancelled, Context, StrategyError, silent, table_of_codes
from ctdc_framework.promises.claims import CombinationSupport, SingleCountsAtMost
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.runs.gate import judge
from ctdc_framework.runs.runner import run_candidate

OURS = PluginInfo(name="ours", distribution="ctdc-framework", version="0.1.0")


def held(row):
    """The values of a row of codes, each with its column."""
    return tuple((column, int(code)) for column, code in enumerate(row) if code >= 0)


def counted(codes, length, least=1, base=1):
    """A table of all combinations of up to `length` values, counted by hand."""
    found = Counter()
    for row in codes:
        for size in range(1, length + 1):
            found.update(combinations(held(row), size))
    return {items: n // base * base for items, n in found.items() if n >= least}


def matrix(table, columns):
    """A table of counts as the strategy gets it."""
    codes = np.full((len(table), columns), -1, np.int16)
    for row, items in enumerate(table):
        for column, code in items:
            codes[row, column] = code
    return codes, np.array(list(table.values()), np.int64)


def fault(table, made, k, length):
    """Say by brute force which promise is broken; empty where none is."""
    shown = Counter(item for row in made for item in held(row))
    if any(n > table.get((item,), 0) // k * k for item, n in shown.items()):
        return "a value occurs too often"
    for row in {held(row) for row in made}:
        if not row:
            return "a row is empty"
        for size in range(1, length + 1):
            if any(table.get(items, 0) < k for items in combinations(row, size)):
                return f"a combination of {size} is not in the tables"
    return ""


def make(table, sizes, k, rng, **more):
    return synthesise_from_counts(*matrix(table, len(sizes)), sizes, k, rng, silent, **more)


def some_records(rng):
    """Draw records: sizes, share of missing values and skew all by chance."""
    rows, columns = int(rng.integers(0, 90)), int(rng.integers(1, 7))
    sizes = rng.integers(1, 5, columns).tolist()
    skew, missing = rng.choice([0.3, 1.0, 3.0]), rng.choice([0.0, 0.3, 0.7])
    codes = np.stack([(rng.random(rows) ** skew * size).astype(np.int16) for size in sizes], 1)
    return np.where(rng.random(codes.shape) < missing, np.int16(-1), codes), sizes


@pytest.mark.parametrize("length", [2, 3, 4, 6])
@pytest.mark.parametrize("k", [2, 3, 5, 10, 20])
def test_its_promise_holds_on_a_hundred_random_tables(k, length):
    rng = np.random.default_rng([k, length])
    for _ in range(100):
        codes, sizes = some_records(rng)
        table = counted(codes, length, least=k, base=k)
        weights = rng.choice([0.5, 1.0, 4.0], len(sizes))
        effort = int(rng.integers(0, 5))

        made = make(table, sizes, k, rng, length=length, effort=effort, weights=weights).codes

        assert not fault(table, made, k, length)
        singles = Counter(item for row in made for item in held(row))
        assert singles == Counter({items[0]: n for items, n in table.items() if len(items) == 1})


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_its_promise_holds_where_the_tables_have_holes(length):
    """Tables that nobody counted: longer combinations without their parts, counts at odds."""
    rng = np.random.default_rng(length)
    for _ in range(100):
        codes, sizes = some_records(rng)
        whole = counted(codes, length)
        table = {items: int(rng.integers(0, 30)) for items in whole if rng.random() < 0.8}

        made = make(table, sizes, 5, rng, length=length, effort=2).codes

        assert not fault(table, made, 5, length)


@pytest.mark.parametrize("triples", [0, 4, 512])
@pytest.mark.parametrize("length", [3, 4])
def test_with_and_without_tables_of_triples_nothing_longer_slips_through(
    monkeypatch, triples, length
):
    monkeypatch.setattr(work, "MOST_FOR_TRIPLES", triples)
    rng = np.random.default_rng(8)
    profiles = rng.integers(-1, 3, (20, 6)).astype(np.int16)
    codes = profiles[rng.integers(0, 20, 150)]
    table = counted(codes, length, least=6)

    made = make(table, [3] * 6, 6, rng, length=length, effort=5).codes

    assert not fault(table, made, 6, length)
    assert (made >= 0).sum(axis=1).max() >= length, "or nothing would have been tried"


def test_a_record_of_pairs_is_refused_where_the_triple_is_not_shown():
    # Each two of a, b, c are common, and the three are nobody's.
    rows = [[0, 0, -1]] * 10 + [[0, -1, 0]] * 10 + [[-1, 0, 0]] * 10
    codes = np.array(rows, np.int16)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        short = make(counted(codes, 2), [1] * 3, 10, rng, length=2).codes
        long = make(counted(codes, 3), [1] * 3, 10, rng, length=3).codes

        assert not fault(counted(codes, 3), long, 10, 3)
        assert (long >= 0).sum(axis=1).max() == 2
        assert not fault(counted(codes, 2), short, 10, 2)


def hard(name):
    rng = np.random.default_rng(1)
    if name == "all-unique":
        return np.tile(np.arange(60, dtype=np.int16)[:, None], (1, 4)), [60] * 4
    if name == "all-equal":
        return np.ones((300, 6), np.int16), [2] * 6
    if name == "one-column":
        return rng.integers(-1, 5, (300, 1)).astype(np.int16), [5]
    if name == "200-columns":
        return np.where(rng.random((300, 200)) < 0.05, 0, -1).astype(np.int16), [1] * 200
    if name == "a-value-in-every-record":
        codes = rng.integers(-1, 4, (300, 5)).astype(np.int16)
        codes[:, 2] = 3
        return codes, [4] * 5
    if name == "5000-codes":
        common = np.repeat(np.arange(1000), 12)
        codes = np.stack([rng.permutation(common), common % 7, common % 3], 1)
        return codes.astype(np.int16), [5000, 7, 3]
    return np.zeros((0 if name == "no-records" else 9, 3), np.int16), [1] * 3


@pytest.mark.parametrize(
    "name",
    [
        "all-unique", "all-equal", "one-column", "200-columns", "a-value-in-every-record",
        "5000-codes", "no-records", "k-1-records",
    ],
)  # fmt: skip
def test_its_promise_holds_on_hard_tables(name):
    codes, sizes = hard(name)
    table = counted(codes, 3)

    made = make(table, sizes, 10, np.random.default_rng(2), effort=2).codes

    assert not fault(table, made, 10, 3)
    assert (len(made) == 0) == (name in ("all-unique", "no-records", "k-1-records"))


def test_equal_records_come_back_whole():
    table = counted(np.tile(np.array([0, 1, -1, 2], np.int16), (40, 1)), 3)

    made = make(table, [3] * 4, 10, np.random.default_rng(0)).codes

    assert (made == [0, 1, -1, 2]).all(axis=1).sum() >= 30


def test_so_many_records_as_asked_are_drawn_of_all():
    codes = np.random.default_rng(1).integers(-1, 3, (200, 4)).astype(np.int16)
    table = counted(codes, 3)

    everything = make(table, [3] * 4, 9, np.random.default_rng(0)).codes
    some = make(table, [3] * 4, 9, np.random.default_rng(0), records=17).codes

    assert np.array_equal(some, everything[:17])
    assert not fault(table, some, 9, 3)


def test_the_same_state_of_the_generator_gives_the_same_rows_and_another_does_not():
    codes = np.random.default_rng(1).integers(-1, 3, (200, 5)).astype(np.int16)
    table = counted(codes, 3)

    one, two, other = (
        make(table, [3] * 5, 5, np.random.default_rng(seed)).codes for seed in (1, 1, 2)
    )

    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_order_of_the_tables_rows_may_change():
    codes = np.random.default_rng(1).integers(-1, 3, (200, 5)).astype(np.int16)
    table = counted(codes, 3)
    turned = dict(reversed(table.items()))

    one, two = (
        make(given, [3] * 5, 5, np.random.default_rng(1)).codes for given in (table, turned)
    )

    assert np.array_equal(one, two)


def test_progress_grows_to_its_total_and_may_stop_the_run_wherever_it_is_asked():
    codes = np.random.default_rng(3).integers(-1, 3, (500, 6)).astype(np.int16)
    given = matrix(counted(codes, 3), 6)
    told = []

    def run(last):
        def progress(done, total):
            told.append((done, total))
            if len(told) == last:
                raise Cancelled

        told.clear()
        synthesise_from_counts(*given, [3] * 6, 5, np.random.default_rng(0), progress, effort=3)

    run(0)
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == told[0][1]
    for last in range(1, len(told) + 1):
        with pytest.raises(Cancelled):
            run(last)
        assert len(told) == last


# ---- in a plan


def stage(strategy, params, id):
    return Stage(id=id, strategy=strategy, params=params, plugin=OURS)


def chain(counted_to=3, **params):
    return Candidate(
        name="from-tables",
        stages=(
            stage(TABULATE, Tabulate(length=counted_to), "count"),
            stage(ROUNDING, Rounding(base=3, threshold=3), "round"),
            stage(FROM_TABLES, KSynthesisFromTables(k=3, **params), "synthesise"),
        ),
    )


@pytest.fixture(scope="module")
def records(toy):
    rng = np.random.default_rng(7)
    columns = toy.columns
    codes = np.stack(
        [rng.integers(0 if n == 0 else -1, len(column.codes), 300)
         for n, column in enumerate(columns)], 1,
    )  # fmt: skip
    return table_of_codes(toy, columns, codes.astype(np.int16))


@pytest.mark.parametrize("length", [2, 3, 4])
def test_tables_that_were_rounded_give_records_that_hold_to_the_original(records, length):
    release = run_candidate(chain(length, length=length), records, load(found=[]), 1)

    published = published_of(release.records)
    judged = judge(release, original_of(records), [published], load(found=[]))

    claims = [CombinationSupport(k=3, length=length), SingleCountsAtMost()]
    assert list(judged.claims) == claims
    true = counted(records.codes, length)
    assert not fault(true, release.records.codes, 3, length)


def test_a_record_that_the_tables_do_not_show_stops_the_run(records):
    def lying(table, params, context):
        output = synthesise_tables(table, params, context)
        codes = output.table.codes.copy()
        for column in range(codes.shape[1]):  # the single counts stay as they are
            codes[:, column] = np.roll(codes[:, column], column)
        return evolve(output, table=output.table.with_codes(codes))

    false = chain()
    last = evolve(false.stages[-1], strategy=evolve(FROM_TABLES, run=lying))
    false = evolve(false, stages=(*false.stages[:-1], last))

    with pytest.raises(ReleaseRefused, match="combination-support"):
        run_candidate(false, records.with_codes(records.codes[:60]), load(found=[]), 1)


def context():
    return Context(rng=np.random.default_rng(0))


def table_of(codebook, records, length):
    found = counted(records.codes, length)
    codes, counts = matrix(found, len(codebook.columns))
    return table_of_codes(codebook, codebook.columns, codes, counts)


def test_only_the_variables_asked_for_are_released(toy, records):
    params = KSynthesisFromTables(k=3, columns=("gender", "means"))

    made = synthesise_tables(table_of(toy, records, 3), params, context()).table

    assert {column.variable for column in made.columns} == {"gender", "means"}
    for claim in FROM_TABLES.claims(toy, params):
        assert recount(claim, original_of(records), published_of(made)).holds


def test_tables_that_are_shorter_than_asked_for_are_told_and_give_short_records(toy, records):
    params = KSynthesisFromTables(k=3, length=3, records=100_000)

    output = synthesise_tables(table_of(toy, records, 2), params, context())

    assert (output.table.codes >= 0).sum(axis=1).max() == 2
    told = {note.code: note.message for note in output.notes}
    assert "length = 2" in told["tables-too-short"]
    assert "100000 asked for" in told["fewer-records"]


def test_tables_of_small_counts_alone_are_refused_with_a_remedy(toy, records):
    with pytest.raises(StrategyError, match="no value is counted for 500 records"):
        synthesise_tables(table_of(toy, records, 3), KSynthesisFromTables(k=500), context())


def test_names_that_are_no_variables_are_faults(toy):
    params = KSynthesisFromTables(k=3, columns=("gender", "sex"), weights={"gender": 0.0})

    faults = list(FROM_TABLES.faults(toy, params))

    assert [fault.path for fault in faults] == [("columns", 1), ("weights", "gender")]
