"""Controlled rounding: additive, near, and refused in plain words where that cannot be."""

import itertools
import json

import numpy as np
import pytest
from ctdc_rounding import ROUNDING, Rounding, Tabulate, round_counts, tabulate
from ctdc_rounding.complete import Complete, complete
from ctdc_rounding.controlled import bounds, existence, round_all
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.plans.plan import bind_params
from ctdc_framework.plugin import (
    Additive,
    Context,
    Layout,
    MaxDeviation,
    MultipleOf,
    StrategyError,
    Threshold,
    table_of_codes,
)
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.toml.convert import Faults

TWO_WAY = Layout(id="two-way", rows=("ageBroad/any", "ageBroad/majority", "ageBroad"),
                 columns=("gender",))  # fmt: skip
THREE_WAY = Layout(id="three-way", rows=("ageBroad", "gender"), columns=("year",))


def context():
    return Context(rng=np.random.default_rng(0))


def counted(codebook, rows, *layouts, seed=0, known=False):
    """Made-up records, and the declared tables counted from them."""
    rng = np.random.default_rng(seed)
    sizes = [len(codebook.domain_of(column.variable).codes) if not column.value else 1
             for column in codebook.columns]  # fmt: skip
    codes = np.column_stack([rng.integers(0 if known else -1, size, rows) for size in sizes])
    table = table_of_codes(codebook, codebook.columns, codes.astype(np.int16))
    return table, tabulate(table, Tabulate(tables=layouts), context()).table


def cube(shape, inner, base=3):
    """A table of any number of variables with all margins, as sums of one another."""
    grid = np.zeros([n + 1 for n in shape], np.int64)
    grid[tuple(slice(1, None) for _ in shape)] = inner
    for axis in range(len(shape)):
        moved = np.moveaxis(grid, axis, 0)
        moved[0] = moved[1:].sum(axis=0)
    numbers = np.arange(grid.size).reshape(grid.shape)
    totals, parts = [], []
    for axis in range(len(shape)):
        moved = np.moveaxis(numbers, axis, 0).reshape(shape[axis] + 1, -1)
        for line in moved.T:
            parts += [(len(totals), cell) for cell in line[1:]]
            totals.append(line[0])
    return Complete(
        codes=np.zeros((grid.size, 1), np.int16), counts=grid.reshape(-1),
        totals=np.array(totals), parts=np.array(parts), rows=np.arange(grid.size), numbers=(),
        network=len(shape) <= 2,
    )  # fmt: skip


def adds_up(cells, counts):
    return (cells.add_up(counts) == counts).all()


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5)), base=st.integers(2, 12),
    seed=st.integers(0, 10**6), mean=st.integers(0, 30),
)  # fmt: skip
def test_every_two_way_table_has_a_rounding_to_the_multiples_beside(shape, base, seed, mean):
    cells = cube(shape, np.random.default_rng(seed).poisson(mean, shape))

    found = round_all(cells, base, threshold=base, small_cells="free", steps=0)

    assert (found.steps, found.best) == (0, True)
    assert adds_up(cells, found.counts)
    assert (found.counts % base == 0).all()
    assert (abs(found.counts - cells.counts) < base).all()
    multiples = cells.counts % base == 0
    assert (found.counts[multiples] == cells.counts[multiples]).all()


@settings(max_examples=25, deadline=None)
@given(inner=st.lists(st.integers(0, 9), min_size=4, max_size=4), base=st.integers(2, 4))
def test_no_other_rounding_is_nearer(inner, base):
    cells = cube((2, 2), np.array(inner).reshape(2, 2))
    least, most = bounds(cells.counts, base, 0)
    every = (
        np.array(chosen) * base
        for chosen in itertools.product(
            *(range(a, b + 1) for a, b in zip(least, most, strict=True))
        )
    )
    nearest = min(abs(one - cells.counts).sum() for one in every if adds_up(cells, one))

    found = round_all(cells, base, threshold=base, small_cells="free", steps=0)

    assert abs(found.counts - cells.counts).sum() == nearest


def test_a_three_way_table_without_any_rounding_beside_gets_one_a_step_further():
    inner = np.array([[[0, 0, 2], [0, 0, 2], [2, 0, 0]], [[0, 2, 1], [0, 1, 0], [0, 0, 1]]])
    cells = cube(inner.shape, inner)
    least, most = bounds(cells.counts, 3, 0)
    inside = inner.reshape(-1) > 0
    for chosen in itertools.product((0, 3), repeat=int(inside.sum())):  # every one of 2**8
        tried = np.zeros(inner.size, np.int64)
        tried[inside] = chosen
        rounded = cube(inner.shape, tried.reshape(inner.shape)).counts
        assert not ((least * 3 <= rounded) & (rounded <= most * 3)).all()

    with pytest.raises(StrategyError, match="keeps the sums within 0 steps"):
        round_all(cells, 3, threshold=3, small_cells="free", steps=0)
    found = round_all(cells, 3, threshold=3, small_cells="free", steps=1)

    assert found.steps == 1
    assert adds_up(cells, found.counts)
    assert (abs(found.counts - cells.counts) <= 5).all()


@pytest.mark.shared_data
def test_steps_and_existence_intervals_are_those_of_tau_argus(shared):
    facts = json.loads((shared / "oracles" / "rounding.json").read_text())["facts"]
    fact = next(one for one in facts if one["id"] == "tauargus_K_steps")
    z, b = np.array([fact["z"]]), fact["b"]
    for step in (0, 1):
        (least,), (most,) = bounds(z, b, step)
        assert list(range(least * b, most * b + 1, b)) == fact[f"allowed_K{step}"]
    for rounded, base, step, expected in (
        (0, b, 0, fact["existence_interval_K0"]["a=0,b=5"]),
        (15, b, 1, fact["existence_interval_K1"]["a=15,b=5"]),
        (0, 10, 0, fact["b10_derived"]["a=0"]),
        (20, 10, 0, fact["b10_derived"]["a=20"]),
    ):
        assert [int(end[0]) for end in existence(np.array([rounded]), base, step)] == expected


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 150), seed=st.integers(0, 10**6), small=st.sampled_from(["down", "free"]),
    layouts=st.sampled_from([(TWO_WAY,), (THREE_WAY,), (TWO_WAY, THREE_WAY)]),
    base=st.integers(2, 6), known=st.booleans(),
)  # fmt: skip
def test_what_controlled_rounding_claims_holds_on_the_records(
    graded, rows, seed, small, layouts, base, known
):
    records, table = counted(graded, rows, *layouts, seed=seed, known=known)
    params = Rounding(base=base, threshold=5, method="controlled", small_cells=small, steps=4)

    if small == "down":
        try:
            output = round_counts(table, params, context())
        except StrategyError:  # which is tested by itself
            return
    else:
        output = round_counts(table, params, context())

    claims = ROUNDING.claims(graded, params)
    threshold = [Threshold(k=5)] if small == "down" else []
    assert claims == [MultipleOf(base=base), *threshold, MaxDeviation(d=5 * base - 1), Additive()]
    published = published_of(output.table)
    for claim in claims:
        finding = recount(claim, original_of(records), published)
        assert finding.holds, finding
    assert "so that parts add up" in output.notes[0].message


def test_small_cells_go_down_or_may_be_shown(graded):
    _, table = counted(graded, 60, TWO_WAY, known=True)
    small = table.counts < 10

    def shown(small_cells):
        params = Rounding(
            base=10, threshold=10, method="controlled", small_cells=small_cells, steps=6
        )
        made = round_counts(table, params, context()).table
        held = dict(zip(map(bytes, made.codes), made.counts.tolist(), strict=True))
        return [held.get(bytes(row), 0) for row in table.codes]

    assert small.any()
    assert not any(n for n, is_small in zip(shown("down"), small, strict=True) if is_small)
    assert any(n for n, is_small in zip(shown("free"), small, strict=True) if is_small)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(0, 200), seed=st.integers(0, 10**6), known=st.booleans(),
       method=st.sampled_from(["floor", "nearest"]))  # fmt: skip
def test_totals_that_are_sums_add_up_and_stand_for_enough_records(
    graded, rows, seed, known, method
):
    records, table = counted(graded, rows, TWO_WAY, seed=seed, known=known)
    params = Rounding(base=10, threshold=10, method=method, ties="down", margins="sum")

    output = round_counts(table, params, context())

    claims = ROUNDING.claims(graded, params)
    assert claims == [MultipleOf(base=10), Threshold(k=10), Additive()]
    for claim in claims:
        assert recount(claim, original_of(records), published_of(output.table)).holds
    assert "differ in 0 of" in output.notes[0].message
    inner = {bytes(row): n for row, n in zip(table.codes, table.counts, strict=True)
             if (row[1:3] >= 0).all() and row[2] < 3}  # fmt: skip
    floored = sum(n // 10 * 10 for n in inner.values())
    totals = output.table.counts[(output.table.codes < 0).all(axis=1)].tolist()
    if method == "floor":
        assert totals == ([floored] if floored else [])


def test_a_note_tells_in_how_many_sums_parts_and_total_differ(graded):
    _, table = counted(graded, 90, Layout(id="one", rows=("gender",)), known=True)
    women, men = table.counts[1:].tolist()
    assert (women // 10 + men // 10) * 10 < 90

    (note,) = round_counts(table, Rounding(base=10, threshold=10), context()).notes

    assert note.message.endswith("parts and total differ in 1 of 1 sums of the declared tables")


def test_hidden_cells_hold_the_records_whose_value_is_not_known(graded):
    records, table = counted(graded, 200, TWO_WAY, THREE_WAY)
    cells = complete(table)

    assert adds_up(cells, cells.counts)
    codes = records.codes
    for row, count in zip(cells.codes, cells.counts, strict=True):
        held = np.ones(len(codes), bool)
        for column, code in enumerate(row.tolist()):
            below = graded.columns[column].below.get(code, (code,))
            if code != -1:
                held &= np.isin(codes[:, column], below if code >= 0 else [-1])
        assert held.sum() == count
    assert (cells.rows >= 0).sum() == len(table)


# ---- what cannot be


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda counts: counts - 10 * (np.arange(len(counts)) == 0), "smaller than its parts"),
        (lambda counts: counts - 1000, "cannot be below 0"),
    ],
)
def test_counts_that_cannot_be_are_refused(graded, change, words):
    _, table = counted(graded, 50, Layout(id="one", rows=("gender",)), known=True)
    wrong = table.with_frame(table.frame.assign(count=change(table.counts)))

    with pytest.raises(StrategyError, match=words):
        round_counts(wrong, Rounding(base=10, threshold=10, method="controlled"), context())


def test_fractional_counts_are_no_table(graded):
    _, table = counted(graded, 50, TWO_WAY)
    with pytest.raises(ValueError, match="whole numbers"):
        table.with_frame(table.frame.assign(count=table.counts / 2))


def test_an_empty_table_is_refused_and_one_of_no_records_is_rounded(graded):
    _, table = counted(graded, 0, TWO_WAY)
    params = Rounding(base=10, threshold=10, method="controlled")

    assert len(round_counts(table, params, context()).table) == 0
    with pytest.raises(StrategyError, match="empty"):
        round_counts(table.with_frame(table.frame[:0]), params, context())


def test_overlapping_parts_and_undeclared_tables_are_refused_with_what_to_do(toy):
    params = Rounding(base=10, threshold=10, method="controlled")
    _, table = counted(toy, 30, Layout(id="means", rows=("means",)))
    with pytest.raises(StrategyError, match="several values of `means`"):
        round_counts(table, params, context())

    records, _ = counted(toy, 30, Layout(id="one", rows=("gender",)))
    every = tabulate(records, Tabulate(length=2), context()).table
    for one in (params, Rounding(base=10, threshold=10, margins="sum")):
        with pytest.raises(StrategyError, match="declare") as refused:
            round_counts(every, one, context())
        assert "declare" in str(refused.value.help)


def test_too_many_cells_are_refused_before_anything_is_tried():
    cells = cube((20, 20, 30), np.ones((20, 20, 30), np.int64))
    with pytest.raises(StrategyError, match="at most 10,000 cells"):
        round_all(cells, 10, threshold=10, small_cells="free", steps=0)


@pytest.mark.parametrize(
    "wrong",
    [{"method": "controlled", "margins": "sum"}, {"method": "floor", "margins": "controlled"}],
)
def test_margins_that_do_not_go_with_the_method_are_a_fault(toy, wrong):
    with pytest.raises(Faults, match="does not go with margins"):
        bind_params(ROUNDING, wrong, toy)


def test_the_same_table_is_rounded_the_same_way(graded):
    _, table = counted(graded, 300, THREE_WAY)
    params = Rounding(base=10, threshold=10, method="controlled", small_cells="free")

    one, other = (round_counts(table, params, context()).table.frame for _ in range(2))

    assert one.equals(other)


def test_where_small_cells_cannot_go_down_it_tells_how_many_steps_let_them():
    cells = cube((4, 10), np.full((4, 10), 9, np.int64))  # every cell is small, no total is

    def tried(steps):
        return round_all(cells, 10, threshold=10, small_cells="down", steps=steps)

    with pytest.raises(StrategyError, match="within 3 steps") as refused:
        tried(3)

    assert cells.counts.max() == 360  # 36 multiples above the 0 that its parts add up to
    assert "steps" not in str(refused.value.help)
    assert 'margins = "sum"' in str(refused.value.help)
    mixed = cube((2, 3), np.array([[9, 9, 9], [9, 9, 30]]))
    with pytest.raises(StrategyError) as refused:
        round_all(mixed, 10, threshold=10, small_cells="down", steps=0)
    enough = int(str(refused.value.help).split()[2])
    assert "is enough" in str(refused.value.help)
    assert round_all(mixed, 10, threshold=10, small_cells="down", steps=enough).steps == enough
    with pytest.raises(StrategyError):
        round_all(mixed, 10, threshold=10, small_cells="down", steps=enough - 1)
