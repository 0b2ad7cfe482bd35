"""Tables taken apart for the gate, and the support of combinations in them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.promises import recounts
from ctdc_framework.records import items as items_module
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.records.tables import table_of_codes


def table_of(codebook, rows, counts=None):
    """A table of the toy codebook: (year, gender, ageBroad, Debt, Threats, Violence, forced)."""
    columns = codebook.columns
    codes = np.array(rows, np.int16).reshape(len(rows), len(columns))
    return table_of_codes(
        codebook, columns, codes, None if counts is None else np.array(counts, np.int64)
    )


def items(text):
    """Read `gender=Female means=Debt` as the items of a record or combination."""
    return tuple(tuple(one.split("=")) for one in text.split())


def known(row, codebook):
    return {
        (column.variable, column.cell(code))
        for column, code in zip(codebook.columns, row, strict=True)
        if code >= 0
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 200), st.integers(0, 999))
def test_support_is_counted_right_past_the_end_of_a_word(toy, rows, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-1, 1, (rows, 7)).tolist()
    asked = rng.integers(-1, 1, (20, 7)).tolist()
    asked[0] = [-1] * 7

    wanted = list(published_of(table_of(toy, asked)).records)

    held = [known(row, toy) for row in codes]
    expected = [sum(set(one) <= record for record in held) for one in wanted]
    assert original_of(table_of(toy, codes)).supports(wanted) == expected


# ---- taking tables apart


def test_a_record_is_taken_apart_into_items_in_codebook_order(toy):
    table = table_of(toy, [(2, 0, -1, 0, -1, 0, 0), (-1,) * 7])

    assert published_of(table).records == [
        items("year=2021 gender=Female means=Debt means=Violence forced=1"),
        (),
    ]


def test_a_combination_is_taken_apart_with_its_count(toy):
    table = table_of(toy, [(-1,) * 7, (-1, -1, 2, -1, 0, -1, -1)], [12, 3])

    assert published_of(table).combinations == [((), 12), (items("ageBroad=30+ means=Threats"), 3)]
    asked = [items("ageBroad=30+ means=Threats"), items("year=2019")]
    assert original_of(table).supports(asked) == [3, 0]


def test_a_variable_called_count_does_not_make_records_counts(toy):
    variables = {"count": toy.variables["forced"]}  # no codebook may have it: CB016
    book = evolve(toy, variables=variables)
    table = table_of_codes(book, book.columns, np.zeros((2, 1), np.int16))

    assert published_of(table).records == [items("count=1")] * 2


def test_an_item_is_held_by_nobody_where_it_does_not_occur(toy):
    original = original_of(table_of(toy, [(0, 0, -1, 0, -1, 0, 0)] * 2))

    assert [original.held(("year", year)) for year in ("2019", "2020")] == [2, 0]


# ---- a path of its own


@pytest.mark.parametrize("module", [items_module, recounts], ids=lambda module: module.__name__)
def test_the_gate_shares_no_code_with_the_counter(module):
    tree = ast.parse(Path(module.__file__).read_text())

    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [n.name for n in node.names]
        )
    }
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not imported & {
        "numba",
        "ctdc_framework.counting.combinations",
        "ctdc_framework.counting.compiled",
        "ctdc_framework.contract.pairs",
    }
    assert not used & {"codes", "sizes", "column_numbers", "with_codes", "counts_of"}


def test_a_recount_loads_neither_numba_nor_the_counter(file_of, toy_text):
    script = f"""
import sys
from ctdc_framework.records import items
from ctdc_framework.promises import recounts
from ctdc_framework.promises.claims import RecordSupport
from ctdc_framework.language.load import load_codebook
from pathlib import Path
import numpy as np, pandas as pd
from ctdc_framework.records.tables import Shape, Table, dtype_of
book = load_codebook(Path({str(file_of(toy_text))!r}))
frame = pd.DataFrame({{c.name: pd.Categorical([c.codes[0]] * 3, dtype=dtype_of(book, c))
                       for c in book.columns}})
table = Table(frame=frame, shape=Shape.RECORDS, codebook=book)
original, published = items.original_of(table), items.published_of(table)
assert recounts.recount(RecordSupport(k=3), original, published).holds
print([name for name in ("numba", "ctdc_framework.counting.combinations", "ctdc_framework.plugin")
       if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
