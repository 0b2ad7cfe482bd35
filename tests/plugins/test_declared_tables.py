"""Declared tables: counted as by hand, laid out for readers, and read back as they were meant."""

import hashlib
import itertools
import json
from collections import Counter

import numpy as np
import pytest
from attrs import evolve
from ctdc_rounding import TABULATE, Rounding, Tabulate, round_counts, tabulate
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.contract.results import Release
from ctdc_framework.errors import ReleaseRefused
from ctdc_framework.loading.registry import load
from ctdc_framework.plans.entries import CandidateEntry, StageEntry
from ctdc_framework.plans.plan import bind_candidates, bind_params
from ctdc_framework.plugin import Context, Layout, table_of_codes
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.records.layouts import percentages, wide
from ctdc_framework.releases import writing as release_files
from ctdc_framework.releases.publish import write_checked
from ctdc_framework.runs.runner import run_candidate
from ctdc_framework.toml.convert import Faults

ROW = st.tuples(
    st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 2), *[st.integers(-1, 0)] * 4
)
AGES = Layout(id="ages", rows=("ageBroad/majority", "ageBroad"), columns=("gender",))
MEANS = Layout(id="means", rows=("means", "gender"))


def context():
    return Context(rng=np.random.default_rng(0))


def table_of(codebook, rows):
    codes = np.array(rows, np.int16).reshape(-1, 7)
    return table_of_codes(codebook, codebook.columns, codes)


def counted(codebook, rows, *layouts):
    return tabulate(table_of(codebook, rows), Tabulate(tables=layouts), context()).table


def by_hand(codebook, rows, *layouts):
    """Count what each record holds of the tables, in the words of their declaration."""
    found = Counter({frozenset(): len(rows)})
    covers = codebook.release_domains
    for row in rows:
        held = {}
        for column, code in zip(codebook.columns, row, strict=True):
            if code >= 0:
                held.setdefault(column.variable, []).append(column.cell(code))
        seen = set()
        for layout in layouts:
            choices = []
            for variable, levels in layout.axes.items():
                wanted = set()
                hierarchy = codebook.hierarchy_of(variable)
                names = [level.name for level in hierarchy.levels] if hierarchy else []
                for value, level in itertools.product(held.get(variable, ()), levels):
                    height = names.index(level) + 1 if level else 0
                    wanted.add(hierarchy.generalise(value, height) if height else value)
                assert wanted <= set(covers[variable])
                choices.append([None, *((variable, value) for value in wanted)])
            seen |= {
                frozenset(item for item in chosen if item) for chosen in itertools.product(*choices)
            }
        found.update(seen - {frozenset()})
    return found


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(ROW, max_size=25))
@pytest.mark.parametrize("layouts", [(AGES,), (MEANS,), (AGES, MEANS)])
def test_a_declared_table_counts_every_combination_of_its_levels_once(graded, layouts, rows):
    published = published_of(counted(graded, rows, *layouts))

    found = {frozenset(items): count for items, count in published.combinations}
    assert len(found) == len(published.combinations)
    expected = by_hand(graded, rows, *layouts)
    assert found == {items: n for items, n in expected.items() if n or not items}
    true = original_of(table_of(graded, rows)).supports([i for i, _ in published.combinations])
    assert true == [count for _, count in published.combinations]


ROWS = (
    [(0, 0, 0, 0, -1, -1, 0)] * 40 + [(1, 0, 1, -1, 0, -1, -1)] * 25
    + [(1, 1, 1, 0, 0, -1, -1)] * 31 + [(2, 1, 2, -1, -1, 0, -1)] * 9
    + [(2, -1, 2, -1, -1, -1, -1)] * 4
)  # fmt: skip


def published(codebook, *layouts):
    table = counted(codebook, ROWS, *layouts)
    return round_counts(table, Rounding(base=10, threshold=10), context()).table


def test_the_wide_layout_puts_finer_values_under_coarser_and_leaves_unshown_cells_blank(graded):
    counts = dict(published_of(published(graded, AGES)).combinations)

    assert wide(AGES, graded, counts) == [
        ["ageBroad", "total", "gender=Female", "gender=Male"],
        ["total", "100", "60", "40"],
        ["0--17", "40", "40", ""],
        ["18+", "60", "20", "40"],
        ["18--29", "50", "20", "30"],
        ["30+", "10", "", ""],
    ]


@pytest.mark.parametrize(
    ("percent", "row"),
    [
        ("rows", ["18--29", "100", "40", "60"]),
        ("columns", ["18--29", "50", "33", "75"]),
        ("total", ["18--29", "50", "20", "30"]),
    ],
)
def test_percentages_are_of_published_counts_and_hidden_where_either_is(graded, percent, row):
    layout = evolve(AGES, percent=percent)
    counts = dict(published_of(published(graded, AGES)).combinations)

    grid = percentages(layout, graded, counts)

    assert row in grid
    assert grid[2][3] == ""  # 0--17, men: not shown
    without = {items: n for items, n in counts.items() if items}
    if percent == "total":
        assert all(cell == "" for line in percentages(layout, graded, without)[1:]
                   for cell in line[1:])  # fmt: skip


def release_of(table):
    return Release(name="tables", tables=table, tables_length=2)


def test_the_files_of_a_table_hold_the_same_counts_long_and_wide(graded, tmp_path):
    table = published(graded, evolve(AGES, percent="rows"))
    written = release_files.write_release(tmp_path / "r", release_of(table))
    laid_out = release_files.write_layouts(tmp_path / "r", table, published_of(table))

    assert sorted(written) == ["tables/combinations-2.csv", "tables/combinations-2.parquet"]
    assert sorted(laid_out) == ["tables/percent-ages.csv", "tables/wide-ages.csv"]
    held = [release_files.read_back(tmp_path / "r" / name, graded) for name in written]
    assert held[0].combinations == held[1].combinations == published_of(table).combinations
    pairs = release_files.read_wide(tmp_path / "r" / "tables/wide-ages.csv")
    assert dict(pairs) == {frozenset(items): n for items, n in held[0].combinations}
    assert len(pairs) == len(held[0].combinations)


def test_the_package_describes_each_file_of_a_table(graded, tmp_path):
    layout = {"id": "ages", "rows": ["ageBroad"], "columns": ["gender"], "percent": "rows"}
    stages = (
        StageEntry(id="count", strategy="tabulate", params={"tables": [layout]}),
        StageEntry(id="round", strategy="rounding", params={"base": 10, "threshold": 10}),
    )
    entry = CandidateEntry(name="tables", stages=stages)
    (candidate,), _ = bind_candidates([entry], graded, load())
    records, folder = table_of(graded, ROWS), tmp_path / "r"
    release = run_candidate(candidate, records, load(), seed=1)
    write_checked(folder, release, original_of(records), graded, load())

    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    described = {one["path"]: one for one in package["resources"]}

    for path in (folder / "tables").iterdir():
        one = described.pop(f"tables/{path.name}")
        assert one["hash"] == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        if path.suffix == ".csv":
            heading = path.read_text("utf-8").splitlines()[0].split(",")
            fields = one["schema"]["fields"]
            assert [field["name"] for field in fields] == heading
            assert [field["type"] for field in fields[1:]] == ["integer"] * len(fields[1:]) or (
                "combinations" in path.name
            )
    assert not described


def test_a_wide_file_that_shows_another_count_refuses_the_release(graded, tmp_path, monkeypatch):
    table = published(graded, AGES)
    bound = [["ageBroad", "total", "gender=Female"], ["total", "100", "50"]]
    monkeypatch.setattr(release_files, "wide", lambda *_: bound)

    with pytest.raises(ReleaseRefused, match=r"wide-ages\.csv does not hold"):
        write_checked(
            tmp_path / "r", release_of(table), original_of(table_of(graded, ROWS)), graded, load()
        )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"rows": ["gendr"]}, "no variable of toy.*did you mean `gender`|no variable"),
        ({"rows": ["ageBroad/region"]}, "no level `region`"),
        ({"rows": ["gender/any"]}, "no level `any`"),
        ({"rows": ["gender"], "columns": ["gender"]}, "both down the side and across"),
        ({"rows": ["gender", "gender"]}, "named twice"),
        ({"rows": []}, "may not be empty"),
        ({"rows": ["gender"], "id": "A b"}, "small letters"),
        ({"rows": ["gender"], "percent": "half"}, "not one of"),
    ],
)
def test_a_table_that_cannot_be_made_is_a_fault_at_its_place(graded, entry, words):
    with pytest.raises(Faults, match=words) as found:
        bind_params(TABULATE, {"tables": [{"id": "one", **entry}]}, graded)
    assert found.value.faults[0].path[:3] == ("params", "tables", 0)


def test_two_tables_of_one_name_are_a_fault(graded):
    both = [{"id": "one", "rows": ["gender"]}, {"id": "one", "rows": ["year"]}]
    with pytest.raises(Faults, match="two tables are called `one`"):
        bind_params(TABULATE, {"tables": both}, graded)


def test_no_records_give_a_total_of_none_and_nothing_is_shown(graded):
    table = counted(graded, [], AGES)
    assert table.counts.tolist() == [0]
    made = round_counts(table, Rounding(base=10, threshold=10), context()).table
    assert len(made) == 0
    assert len(wide(AGES, graded, {})) == 1
