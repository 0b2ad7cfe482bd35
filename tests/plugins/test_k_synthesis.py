"""k-synthesis against the printed figure, and against counting by hand on hundreds of tables."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from ctdc_k_synthesis import STRATEGY, KSynthesis, algorithm, synthesise, work
from ctdc_k_synthesis.algorithm import synthesise_records
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ctdc_framework.codebook.domains import EnumDomain, Value
from ctdc_framework.codebook.model import Codebook, Header, Privacy, Role, Variable
from ctdc_framework.plugin import (
    Cancelled,
    Context,
    RecordSupport,
    SingleCounts,
    StrategyError,
    count_combinations,
    silent,
    table_of_codes,
)
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of

FIGURE_1 = """\
[codebook]
dsl     = 1
id      = "figure-1"
title   = "Creation of new synthetic records for k = 2"
version = "1.0.0"
order   = ["gender", "ageBroad", "isForcedLabour"]

[privacy]
k        = 2
round_to = 2

[domains.gender]
kind   = "enum"
values = [{ code = "Female" }, { code = "Male" }]

[domains.age]
kind   = "enum"
values = [{ code = "18--20" }, { code = "30--38" }]

[variables.gender]
domain = "gender"
role = ["quasi"]
definition = "Gender."

[variables.ageBroad]
domain = "age"
role = ["quasi"]
definition = "Age."

[variables.isForcedLabour]
domain = "std/flag"
role = ["sensitive"]
definition = "Forced labour."
"""
REAL = [
    ("Female", "18--20", "1"),
    ("Male", "18--20", "1"),
    ("Male", "18--20", "1"),
    ("Female", "30--38", None),
    ("Female", "30--38", None),
]
PRINTED = [
    ("Female", None, None),
    (None, "18--20", "1"),
    ("Male", "18--20", "1"),
    ("Male", "18--20", "1"),
    ("Female", "30--38", None),
    ("Female", "30--38", None),
]


MODES = st.sampled_from([
    {"mode": mode, "length": length, "effort": effort}
    for mode in ("seeded", "value-seeded") for length in (2, 3) for effort in (0, 1, 9)
] + [{"mode": "unseeded", "records": records} for records in (None, 1, 30)])  # fmt: skip


def context(seed=0, progress=silent):
    return Context(rng=np.random.default_rng(seed), progress=progress)


def table_of(codebook, rows):
    codes = [
        [
            -1 if cell is None else column.codes.index(cell)
            for cell, column in zip(row, codebook.columns, strict=True)
        ]
        for row in rows
    ]
    matrix = np.array(codes, np.int16).reshape(len(rows), len(codebook.columns))
    return table_of_codes(codebook, codebook.columns, matrix)


def rows_of(table):
    return [tuple(c if isinstance(c, str) else None for c in row) for row in
            table.frame.astype(object).itertuples(index=False)]  # fmt: skip


def held(row):
    """The values of a row of codes, each with its column."""
    return frozenset((column, int(code)) for column, code in enumerate(row) if code >= 0)


def support(wanted, records):
    return sum(wanted <= record for record in records)


def check(codes, released, k, *, counts=True):
    """Recount by hand what k-synthesis promises, on codes."""
    records = [held(row) for row in codes]
    rows = [held(row) for row in released]
    for row in set(rows):
        assert row, "an empty row is no record"
        assert support(row, records) >= k
    if not counts:
        return
    true = Counter(value for record in records for value in record)
    shown = Counter(value for row in rows for value in row)
    assert shown == Counter({value: n // k * k for value, n in true.items() if n >= k})


# ---- the printed figure


@pytest.fixture(scope="module")
def figure(codebook_of):
    return codebook_of(FIGURE_1)


@pytest.fixture(scope="module")
def real(figure):
    return table_of(figure, REAL)


def test_the_printed_rows_are_each_held_by_two_records(figure, real):
    printed = published_of(table_of(figure, PRINTED))

    assert recount(RecordSupport(k=2), original_of(real), printed).holds


def test_the_printed_rows_show_three_of_a_value_where_two_are_allowed(figure, real):
    printed = published_of(table_of(figure, PRINTED))

    finding = recount(SingleCounts(k=2), original_of(real), printed)

    assert Counter(cell for row in PRINTED for cell in row if cell)["Female"] == 3
    assert not finding.holds
    assert "gender" in finding.message
    assert "Female" not in finding.message


def test_the_printed_figure_keeps_its_counts_with_every_seed(real):
    for seed in range(1000):
        rows = rows_of(synthesise(real, KSynthesis(k=2), context(seed)).table)

        assert Counter(cell for row in rows for cell in row if cell) == {
            "Female": 2, "Male": 2, "18--20": 2, "30--38": 2, "1": 2,
        }  # fmt: skip
        for row in rows:
            wanted = [(n, cell) for n, cell in enumerate(row) if cell]
            assert sum(all(record[n] == cell for n, cell in wanted) for record in REAL) >= 2


def test_no_row_of_the_figure_holds_the_only_forced_labour_of_a_female(real):
    for seed in range(100):
        rows = rows_of(synthesise(real, KSynthesis(k=2), context(seed)).table)

        assert not [row for row in rows if row[0] == "Female" and (row[1] == "18--20" or row[2])]


# ---- any table


def book(shape, k=10):
    """A codebook of variables with as many values as `shape` says; 0 < n: multi-valued if -n."""
    domains = {
        f"d{n}": EnumDomain(kind="enum", listed=tuple(Value(code=f"v{i}") for i in range(abs(m))))
        for n, m in enumerate(shape)
    }
    variables = {
        f"c{n}": Variable(
            name=f"c{n}",
            domain=f"d{n}",
            role=(Role.QUASI,),
            definition="A variable.",
            list=";" if m < 0 else "",
        )
        for n, m in enumerate(shape)
    }
    header = Header(dsl=1, id="any", title="Any", version="1.0.0")
    return Codebook(header=header, privacy=Privacy(k=k), variables=variables, domains=domains)


@st.composite
def coded(draw):
    """A table, as codes: few distinct records, most of them several times, some values missing."""
    shape = draw(st.lists(st.integers(-3, 4).filter(bool), min_size=1, max_size=5))
    codebook = book(shape)
    sizes = [len(column.codes) for column in codebook.columns]
    record = st.tuples(*(st.integers(-1, size - 1) for size in sizes))
    groups = draw(st.lists(st.tuples(record, st.integers(1, 25)), max_size=7))
    rows = [row for row, times in groups for _ in range(times)]
    order = np.random.default_rng(draw(st.integers(0, 9))).permutation(len(rows))
    codes = np.array(rows, np.int16).reshape(len(rows), len(sizes))[order]
    return table_of_codes(codebook, codebook.columns, codes)


@settings(max_examples=500, deadline=None)
@given(coded(), st.integers(2, 20), st.integers(0, 2**64), MODES)
def test_every_row_has_support_every_count_is_floored_and_nothing_is_made_up(table, k, seed, mode):
    original = original_of(table)
    try:
        released = synthesise(table, KSynthesis(k=k, **mode), context(seed)).table
    except StrategyError:
        counts = Counter(value for row in table.codes for value in held(row))
        drawn = mode.get("records", 1) or len(table) // k  # none are drawn of fewer than k
        assert max(counts.values(), default=0) < k or not drawn
        return

    check(table.codes, released.codes, k, counts=mode["mode"] != "unseeded")
    for claim in STRATEGY.claims(table.codebook, KSynthesis(k=k, **mode)):
        assert recount(claim, original, published_of(released)).holds


@settings(max_examples=60, deadline=None)
@given(coded(), st.integers(2, 10), st.integers(0, 99), MODES)
def test_the_same_state_of_the_generator_gives_the_same_rows(table, k, seed, mode):
    one, two = (
        synthesise_records(table.codes, table.sizes, k, np.random.default_rng(seed), silent, **mode)
        for _ in range(2)
    )

    assert np.array_equal(one.codes, two.codes)
    assert one.improved == two.improved


@settings(max_examples=100, deadline=None)
@given(coded(), st.integers(2, 10), st.integers(0, 99), MODES)
def test_it_keeps_its_promise_in_any_order_of_records_and_columns(table, k, seed, mode):
    shuffle = np.random.default_rng(seed)
    rows = shuffle.permutation(len(table))
    columns = shuffle.permutation(len(table.columns))
    codes = np.ascontiguousarray(table.codes[rows][:, columns])

    sizes = [table.sizes[n] for n in columns]
    made = synthesise_records(codes, sizes, k, shuffle, silent, **mode)

    check(codes, made.codes, k, counts=mode["mode"] != "unseeded")


def test_other_seeds_give_other_rows():
    codes = np.random.default_rng(1).integers(-1, 3, (200, 4)).astype(np.int16)

    made = [
        synthesise_records(codes, [3] * 4, 5, np.random.default_rng(seed), silent)
        for seed in range(5)
    ]

    assert len({one.codes.tobytes() for one in made}) == 5


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 20))
@example(10)
def test_a_count_just_below_k_is_gone_and_one_just_above_is_k(k):
    codes = np.concatenate([np.full(n, code) for code, n in enumerate((k - 1, k, k + 1, 2 * k))])

    made = synthesise_records(
        codes.astype(np.int16)[:, None], [4], k, np.random.default_rng(0), silent
    )

    assert Counter(made.codes[:, 0].tolist()) == {1: k, 2: k, 3: 2 * k}


# ---- tables at the edge


def uniques(rows, columns):
    """Every record alone with each of its values."""
    return np.tile(np.arange(rows, dtype=np.int16)[:, None], (1, columns)), [rows] * columns


@pytest.mark.parametrize(
    ("codes", "sizes"),
    [
        uniques(50, 3),
        (np.zeros((0, 3), np.int16), [2, 2, 2]),
        (np.zeros((9, 3), np.int16), [2, 2, 2]),
        (np.full((50, 3), -1, np.int16), [2, 2, 2]),
    ],
    ids=["all-unique", "no-records", "k-1-records", "all-missing"],
)
def test_where_no_value_is_common_nothing_is_made(codes, sizes):
    made = synthesise_records(codes, sizes, 10, np.random.default_rng(0), silent)

    assert made.codes.shape == (0, len(sizes))
    assert made.improved == 0


def test_where_nothing_is_made_the_strategy_says_so(toy):
    with pytest.raises(StrategyError, match="nothing could be released"):
        synthesise(table_of(toy, []), KSynthesis(k=3), context())


def test_equal_records_come_back_whole_but_for_what_is_rounded_away():
    codes = np.tile(np.array([0, 1, -1, 2], np.int16), (47, 1))

    made = synthesise_records(codes, [3] * 4, 10, np.random.default_rng(0), silent)

    check(codes, made.codes, 10)
    assert (made.codes[:, 2] == -1).all()
    assert (made.codes == codes[0]).all(axis=1).sum() >= 47 - 3 * 7


def test_unique_records_of_common_values_are_taken_apart():
    codes = np.array([(a, b) for a in range(10) for b in range(10)], np.int16)

    made = synthesise_records(codes, [10, 10], 10, np.random.default_rng(0), silent)

    check(codes, made.codes, 10)
    assert ((made.codes >= 0).sum(axis=1) == 1).all()


@pytest.mark.parametrize("columns", [1, 120])
def test_one_column_and_very_many_keep_the_promise(columns):
    rng = np.random.default_rng(3)
    codes = np.where(rng.random((150, columns)) < 0.3, 0, -1).astype(np.int16)

    check(codes, synthesise_records(codes, [1] * columns, 5, rng, silent).codes, 5)


def test_a_value_in_every_record_and_one_in_none_keep_the_promise():
    rng = np.random.default_rng(4)
    codes = rng.integers(-1, 4, (200, 4)).astype(np.int16)
    codes[:, 1] = 2

    made = synthesise_records(codes, [4, 5, 4, 6], 7, rng, silent)

    check(codes, made.codes, 7)
    assert (made.codes[:, 1] == 2).sum() == 196


@pytest.mark.parametrize("records", [63, 64, 65, 2000, 2001])
def test_sizes_at_the_edge_of_a_word_or_a_chunk_are_counted_right(records):
    codes = np.arange(records, dtype=np.int16)[:, None] % np.array([1, 2, 3], np.int16)

    check(codes, synthesise_records(codes, [1, 2, 3], 2, np.random.default_rng(0), silent).codes, 2)


# ---- what the order of rows, the notes and the progress tell


def test_the_order_of_rows_tells_nothing_of_the_order_of_records():
    half = 20
    codes = np.repeat(np.array([0, 1], np.int16), half)[:, None]

    first = [
        synthesise_records(codes, [2], 2, np.random.default_rng(seed), silent)
        .codes[:half, 0]
        .mean()
        for seed in range(200)
    ]

    # In the order of the seeds the first half would be all 0. Drawn at random it is half 0 on
    # average, with a standard deviation of 0.08 for one seed and 0.006 for the mean of all.
    assert 0.47 < np.mean(first) < 0.53
    assert min(first) < 0.4 < 0.6 < max(first)


@pytest.mark.parametrize("mode", ["seeded", "value-seeded"])
def test_the_place_of_a_value_among_the_rows_is_left_to_chance(mode):
    # Each value of column 1 is common, and rare beside each of column 0, so that it stands in rows
    # of its own, which are made by themselves until they are shuffled.
    codes = np.array([(n % 2, n // 2 % 10) for n in range(100)], np.int16)
    places = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        made = synthesise_records(codes, [2, 10], 6, rng, silent, mode=mode)
        check(codes, made.codes, 6)
        places += (np.flatnonzero(made.codes[:, 1] >= 0) / (len(made.codes) - 1)).tolist()

    assert 0.48 < np.mean(places) < 0.52


def test_more_holders_than_are_counted_and_more_values_than_have_triples_keep_the_promise(
    monkeypatch,
):
    rng = np.random.default_rng(5)
    codes = rng.integers(-1, 3, (400, 7)).astype(np.int16)
    for module, name, value in ((algorithm, "MOST_HOLDERS", 5), (work, "MOST_FOR_TRIPLES", 4)):
        monkeypatch.setattr(module, name, value)
        for mode in ("seeded", "value-seeded"):
            check(codes, synthesise_records(codes, [3] * 7, 4, rng, silent, mode=mode).codes, 4)


def test_more_values_than_can_be_paired_are_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(work, "MOST_VALUES", 3)
    codes = np.zeros((20, 4), np.int16)

    with pytest.raises(StrategyError, match="4 values are held by 5 records or more"):
        synthesise_records(codes, [1] * 4, 5, np.random.default_rng(0), silent)


def test_a_pass_is_kept_only_if_it_brings_the_release_nearer():
    rng = np.random.default_rng(6)
    codes = np.where(rng.random((600, 12)) < 0.5, rng.integers(0, 3, (600, 12)), -1)
    codes = codes.astype(np.int16)
    sizes = [3] * 12
    distances = []
    for effort in (0, 2, 5, 20, 60):
        made = synthesise_records(
            codes, sizes, 5, np.random.default_rng(7), silent, length=2, effort=effort
        )
        distances.append(distance(codes, made.codes, sizes, 5))

    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < distances[0]


def test_the_order_of_the_originals_tells_nothing_and_changes_nothing():
    rng = np.random.default_rng(4)
    codes = rng.integers(-1, 3, (300, 6)).astype(np.int16)
    shuffled = codes[rng.permutation(len(codes))]

    one, two = (
        synthesise_records(given, [3] * 6, 5, np.random.default_rng(1), silent).codes
        for given in (codes, shuffled)
    )

    assert np.array_equal(one, two)


def test_values_in_short_records_are_taken_for_hard_to_place():
    values, ends = np.array([0, 1, 2, 0, 1, 0], np.int32), np.array([3, 5, 6])
    made = SimpleNamespace(values=values, ends=ends, keep=np.arange(4))

    assert work.hardness(made) == pytest.approx(
        [(1 / 3 + 1 / 2 + 1) / 3, (1 / 3 + 1 / 2) / 2, 1 / 3, 0]
    )


def distance(codes, released, sizes, k):
    """The distance over pairs, by the formula and by another way of counting."""
    found = count_combinations([codes, released], sizes, 2).of_length(2).counts
    n, m = found[found[:, 0] >= k].T
    weight = work.SHARE + 1 / n
    return (weight * abs(n - m)).sum() + work.ABSENT_PAIR * (m == 0).sum()


def test_notes_and_details_hold_no_value_of_the_records(real):
    output = synthesise(real, KSynthesis(k=2), context())

    told = repr(output.notes) + repr(output.details)
    assert not [cell for row in REAL for cell in row if cell and cell != "1" and cell in told]


def test_the_input_is_not_changed(real):
    before = real.frame.copy()

    synthesise(real, KSynthesis(k=2), context())

    assert real.frame.equals(before)


def test_progress_grows_to_its_total_and_may_stop_the_run(real):
    told = []

    def note(done, total):
        told.append((done, total))

    synthesise(real, KSynthesis(k=2), context(progress=note))

    assert told == sorted(told)
    assert len({total for _, total in told}) == 1
    assert told[-1][0] == told[-1][1]

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        synthesise(real, KSynthesis(k=2), context(progress=stop))


def test_it_claims_support_and_single_counts_with_its_own_k(toy):
    assert list(STRATEGY.claims(toy, KSynthesis(k=7))) == [RecordSupport(k=7), SingleCounts(k=7)]
    assert STRATEGY.stochastic
    assert STRATEGY.may_blank


# ---- parameters


def test_drawn_records_are_as_many_as_asked_and_claim_support_alone(toy):
    codes = np.random.default_rng(1).integers(-1, 3, (200, 4)).astype(np.int16)

    for asked, expected in ((17, 17), (1000, 1000), (None, 198)):
        made = synthesise_records(
            codes, [3] * 4, 9, np.random.default_rng(0), silent, mode="unseeded", records=asked
        )
        assert len(made.codes) == expected
        check(codes, made.codes, 9, counts=False)
    assert list(STRATEGY.claims(toy, KSynthesis(k=7, mode="unseeded"))) == [RecordSupport(k=7)]


def test_variables_that_are_not_asked_for_stay_out_and_only_the_others_counts_are_claimed(
    figure, real
):
    params = KSynthesis(k=2, columns=("isForcedLabour", "gender"))

    released = synthesise(real, params, context()).table

    assert [column.name for column in released.columns] == ["gender", "isForcedLabour"]
    claims = list(STRATEGY.claims(figure, params))
    counts = SingleCounts(k=2, columns=("gender", "isForcedLabour"))
    assert claims == [RecordSupport(k=2), counts]
    for claim in claims:
        assert recount(claim, original_of(real), published_of(released)).holds
    assert not recount(SingleCounts(k=2), original_of(real), published_of(released)).holds
    every = KSynthesis(k=2, columns=tuple(figure.variables))
    assert SingleCounts(k=2) in STRATEGY.claims(figure, every)


@pytest.mark.parametrize(
    ("params", "path", "message"),
    [
        ({"columns": ("gender", "sex")}, ("columns", 1), "`columns` names `sex`"),
        ({"weights": {"sex": 2.0}}, ("weights", "sex"), "`weights` names `sex`"),
        ({"weights": {"gender": 0.0}}, ("weights", "gender"), "the weight of `gender`"),
        ({"weights": {"gender": float("nan")}}, ("weights", "gender"), "the weight of `gender`"),
        (
            {"columns": ("ageBroad",), "weights": {"gender": 2.0}},
            ("weights", "gender"),
            "not among `columns`",
        ),
        ({"records": 100}, ("records",), "`records` is given, and in the mode value-seeded"),
    ],
)
def test_parameters_that_cannot_be_meant_are_faults(figure, params, path, message):
    (fault,) = STRATEGY.faults(figure, KSynthesis(k=2, **params))

    assert fault.path == path
    assert message in fault.message
    assert fault.help


def test_parameters_that_fit_have_no_fault(figure):
    for params in (
        {},
        {"mode": "unseeded", "records": 5},
        {"columns": ("gender",), "weights": {"gender": 2.0}},
    ):
        assert not list(STRATEGY.faults(figure, KSynthesis(k=2, **params)))
