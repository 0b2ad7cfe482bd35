"""The gate: each claim held, broken by one cell, record or count, and recounted naively."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework import gate
from ctdc_framework.claims import (
    Claim,
    KAnonymity,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    RecordSupport,
    SingleCounts,
    Threshold,
)
from ctdc_framework.gate import Published, original_of, published_of, recount
from ctdc_framework.tables import table_of_codes

ROW = st.tuples(
    st.integers(-1, 1), st.integers(-1, 1), st.integers(-1, 1),
    *[st.integers(-1, 0)] * 4,
)  # fmt: skip
ROWS = st.lists(ROW, max_size=12)


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


def records(*texts):
    return Published(records=[items(text) for text in texts])


def combos(*pairs):
    return Published(combinations=[(items(text), count) for text, count in pairs])


FEMALE, MALE = (0, 0, 1, 0, -1, -1, 0), (0, 1, 1, -1, -1, -1, -1)
"""2019, Female, 18--29, Debt, forced and 2019, Male, 18--29."""
F, M = "year=2019 gender=Female ageBroad=18--29 means=Debt forced=1", (
    "year=2019 gender=Male ageBroad=18--29"
)  # fmt: skip


@pytest.fixture(scope="module")
def ten(toy):
    """Six and four equal records."""
    return original_of(table_of(toy, [FEMALE] * 6 + [MALE] * 4))


# ---- a case that holds and cases changed in one place, for every claim

SIX = [F] * 6
WITHIN = combos(("", 9), ("gender=Female", 6), ("gender=Male", 3), ("gender=Male year=2019", 3))
CASES = {
    "record-support: whole records": (RecordSupport(k=4), records(*SIX, *[M] * 4)),
    "record-support: parts of records": (
        RecordSupport(k=6),
        records("gender=Female means=Debt", "year=2019", "", "ageBroad=18--29 forced=1"),
    ),
    "record-support: nothing": (RecordSupport(k=4), records()),
    "single-counts": (
        SingleCounts(k=3),
        records(*["gender=Female means=Debt forced=1"] * 6, *["gender=Male"] * 3,
                *["year=2019 ageBroad=18--29"] * 9),
    ),
    "k-anonymity": (
        KAnonymity(k=3, columns=("gender", "means")),
        records(*["gender=Female means=Debt forced=1"] * 2, "gender=Female means=Debt",
                *["gender=Male"] * 3),
    ),
    "k-anonymity: missing is a value": (
        KAnonymity(k=3, columns=("gender",)), records("", "", "forced=1"),
    ),
    "multiple-of": (MultipleOf(base=3), WITHIN),
    "threshold": (Threshold(k=4), WITHIN),
    "max-deviation": (MaxDeviation(d=1), WITHIN),
    "max-deviation: exact": (MaxDeviation(d=0), combos(("", 10), ("gender=Male", 4))),
}  # fmt: skip
BROKEN = {
    "record-support: a cell changed": (
        RecordSupport(k=4),
        records(*SIX, "year=2019 gender=Male ageBroad=18--29 means=Debt"),
    ),
    "record-support: a record added": (
        RecordSupport(k=4), records(*SIX, "year=2020 gender=Male ageBroad=18--29"),
    ),
    "record-support: one too few hold it": (RecordSupport(k=5), records(M)),
    "record-support: a value outside the domain": (RecordSupport(k=4), records("gender=Nobody")),
    "record-support: a variable that is none": (RecordSupport(k=4), records("name=Maria")),
    "single-counts: one too many": (
        SingleCounts(k=3),
        records(*["gender=Female means=Debt forced=1"] * 6, *["gender=Male"] * 4,
                *["year=2019 ageBroad=18--29"] * 9),
    ),
    "single-counts: one too few": (
        SingleCounts(k=3),
        records(*["gender=Female means=Debt forced=1"] * 5, *["gender=Male"] * 3,
                *["year=2019 ageBroad=18--29"] * 9),
    ),
    "single-counts: a value that nobody has": (
        SingleCounts(k=3),
        records(*["gender=Female means=Debt forced=1"] * 6, *["gender=Male"] * 3,
                *["year=2019 ageBroad=18--29"] * 9, "year=2021"),
    ),
    "single-counts: nothing": (SingleCounts(k=3), records()),
    "k-anonymity: a cell changed": (
        KAnonymity(k=3, columns=("gender", "means")),
        records(*["gender=Female means=Debt"] * 3, *["gender=Male"] * 3, "gender=Male means=Debt"),
    ),
    "k-anonymity: a record left out": (
        KAnonymity(k=3, columns=("gender",)), records(*["gender=Male"] * 3, *["gender=Female"] * 2),
    ),
    "k-anonymity: missing shelters no value": (
        KAnonymity(k=3, columns=("gender",)), records("", "", "", "gender=Male"),
    ),
    "k-anonymity: missing matches anything": (
        KAnonymity(k=3, columns=("gender",), missing="anything"), records(*["gender=Male"] * 3),
    ),
    "k-anonymity: of what is no variable": (
        KAnonymity(k=3, columns=("gendr",)), records("gender=Male", "gender=Female"),
    ),
    "multiple-of: a count off by one": (MultipleOf(base=3), combos(("", 9), ("gender=Male", 4))),
    "multiple-of: a negative count": (MultipleOf(base=3), combos(("", -3))),
    "threshold: a cell of too few": (Threshold(k=5), combos(("", 9), ("gender=Male", 9))),
    "threshold: a cell of none": (Threshold(k=4), combos(("year=2020", 0))),
    "threshold: a value outside the domain": (Threshold(k=4), combos(("gender=Nobody", 9))),
    "max-deviation: a count off by one too many": (
        MaxDeviation(d=1), combos(("", 9), ("gender=Male", 6)),
    ),
    "max-deviation: one too few": (MaxDeviation(d=1), combos(("", 8))),
    "max-deviation: exact, and off by one": (MaxDeviation(d=0), combos(("", 9))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_holds_is_found_to_hold(ten, name):
    claim, published = CASES[name]

    assert recount(claim, ten, published) == gate.Finding(claim=claim, holds=True)


@pytest.mark.parametrize("name", BROKEN)
def test_one_change_is_found(ten, name):
    claim, published = BROKEN[name]

    finding = recount(claim, ten, published)

    assert not finding.holds
    assert finding.message


def test_every_claim_has_a_case_that_holds_and_one_that_does_not():
    classes = set(Claim.__subclasses__()) - {NoClaim}

    assert {type(claim) for claim, _ in CASES.values()} == classes
    assert {type(claim) for claim, _ in BROKEN.values()} == classes


@pytest.mark.parametrize(
    ("claim", "published"),
    [
        (RecordSupport(k=2), WITHIN),
        (SingleCounts(k=2), WITHIN),
        (KAnonymity(k=2, columns=("gender",)), WITHIN),
        (MultipleOf(base=2), records(*SIX)),
        (Threshold(k=2), records(*SIX)),
        (MaxDeviation(d=20), records(*SIX)),
    ],
)
def test_a_claim_of_the_other_shape_does_not_hold(ten, claim, published):
    finding = recount(claim, ten, published)

    assert not finding.holds
    assert finding.message in (gate.NO_RECORDS, gate.NO_COUNTS)


def test_promising_nothing_always_holds(ten):
    assert recount(NoClaim(reason="it is a test"), ten, records("gender=Nobody")).holds


def test_a_claim_that_nobody_recounts_does_not_hold(ten):
    @frozen(kw_only=True)
    class Magic(Claim):
        name = "magic"

    @frozen(kw_only=True)
    class Dressed(RecordSupport):
        """Recounted as its parent, it would promise what its own sentence says."""

        sentence = "Nobody can ever be found."

    for claim in (Magic(), Dressed(k=2)):
        finding = recount(claim, ten, records(*SIX))
        assert not finding.holds
        assert finding.message == "there is no recount of it"


# ---- against a naive recount


def known(row, codebook):
    return {
        (column.variable, column.cell(code))
        for column, code in zip(codebook.columns, row, strict=True)
        if code >= 0
    }


def naive(claim, original, published, shown):
    """Decide a claim in the words of its definition, on sets of items."""
    true = [sum(wanted <= record for record in original) for wanted in published]
    match claim:
        case RecordSupport(k=k) | Threshold(k=k):
            return min(true, default=k) >= k
        case SingleCounts(k=k):
            one, other = (Counter(i for row in rows for i in row) for rows in (original, published))
            return all(other[item] == one[item] // k * k for item in one | other)
        case KAnonymity(k=k, columns=columns):
            keys = [frozenset(i for i in row if i[0] in columns) for row in published]
            return all(keys.count(key) >= k for key in keys)
        case MultipleOf(base=base):
            return all(count % base == 0 for count in shown)
        case MaxDeviation(d=d):
            return all(abs(count - n) <= d for count, n in zip(shown, true, strict=True))


RECORD_CLAIMS = st.one_of(
    st.builds(RecordSupport, k=st.integers(1, 4)),
    st.builds(SingleCounts, k=st.integers(1, 4)),
    st.builds(
        KAnonymity,
        k=st.integers(1, 3),
        columns=st.sets(st.sampled_from(["year", "gender", "means"]), min_size=1).map(tuple),
    ),
)
COUNT_CLAIMS = st.one_of(
    st.builds(Threshold, k=st.integers(1, 4)),
    st.builds(MultipleOf, base=st.integers(1, 3)),
    st.builds(MaxDeviation, d=st.integers(0, 3)),
)


@settings(max_examples=200, deadline=None)
@given(ROWS, ROWS, RECORD_CLAIMS, st.booleans())
def test_claims_about_records_are_decided_as_a_naive_recount_decides(
    toy, original, other, claim, same
):
    released = (original * 2)[: len(original) + 1] if same else other

    finding = recount(
        claim, original_of(table_of(toy, original)), published_of(table_of(toy, released))
    )

    rows = [known(row, toy) for row in original]
    assert finding.holds == naive(claim, rows, [known(row, toy) for row in released], [])


@settings(max_examples=200, deadline=None)
@given(ROWS, st.lists(st.tuples(ROW, st.integers(0, 6)), max_size=5), COUNT_CLAIMS, st.booleans())
def test_claims_about_counts_are_decided_as_a_naive_recount_decides(
    toy, original, shown, claim, close
):
    rows = [known(row, toy) for row in original]
    combinations = [known(row, toy) for row, _ in shown]
    numbers = [count for _, count in shown]
    if close:
        numbers = [
            sum(c <= row for row in rows) + n % 2
            for c, n in zip(combinations, numbers, strict=True)
        ]
    published = published_of(table_of(toy, [row for row, _ in shown], numbers))

    finding = recount(claim, original_of(table_of(toy, original)), published)

    assert finding.holds == naive(claim, rows, combinations, numbers)


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


def test_counts_are_held_to_the_counts_they_were_made_from(toy):
    given = original_of(table_of(toy, [(-1,) * 7, (0, *[-1] * 6), (1, *[-1] * 6)], [15, 9, 6]))

    assert recount(MaxDeviation(d=2), given, combos(("", 15), ("year=2019", 7))).holds
    assert not recount(MaxDeviation(d=2), given, combos(("year=2019", 6))).holds
    assert not recount(Threshold(k=7), given, combos(("year=2020", 6))).holds
    assert recount(SingleCounts(k=5), given, records(*["year=2019"] * 5, *["year=2020"] * 5)).holds


def test_a_variable_called_count_does_not_make_records_counts(toy):
    variables = {"count": toy.variables["forced"]}  # no codebook may have it: CB016
    book = evolve(toy, variables=variables)
    table = table_of_codes(book, book.columns, np.zeros((2, 1), np.int16))

    assert published_of(table).records == [items("count=1")] * 2


def test_values_outside_their_domain_are_named_by_their_variable(toy):
    bad = records(F, "gender=Nobody year=2018", "means=Debt", "name=Maria", "forced=0")

    assert gate.outside_domains(toy, bad) == ["forced", "gender", "name", "year"]
    assert gate.outside_domains(toy, records(F, M, "means=Threats", "")) == []
    assert gate.outside_domains(toy, combos(("gender=Female", 3), ("ageBroad=9--17", 3))) == [
        "ageBroad"
    ]


def test_a_combination_shown_twice_is_counted_whatever_its_order():
    assert gate.repeated(combos(("", 9), ("gender=Male", 6), ("year=2019", 6))) == 0
    assert gate.repeated(combos(("gender=Male", 6), ("gender=Male", 3))) == 1
    assert (
        gate.repeated(combos(("means=Debt means=Threats", 6), ("means=Threats means=Debt", 6))) == 1
    )
    assert gate.repeated(records("gender=Male", "gender=Male")) == 0


# ---- messages


@pytest.fixture(scope="module")
def hundred(codebook_of, toy_text):
    """A hundred records of a codebook whose k is 10."""
    book = codebook_of(toy_text.replace("k        = 3", "k        = 10"))
    return original_of(table_of(book, [FEMALE] * 60 + [MALE] * 40))


FAILING = {
    RecordSupport(k=2): lambda n: records(*["gender=Male forced=1"] * n),
    KAnonymity(k=10, columns=("gender",)): lambda n: records(*["gender=Male"] * n),
    MultipleOf(base=2): lambda n: combos(*[("gender=Male", 41)] * n),
    Threshold(k=2): lambda n: combos(*[("gender=Male forced=1", 2)] * n),
    MaxDeviation(d=0): lambda n: combos(*[("gender=Male", 41)] * n),
}


@pytest.mark.parametrize("claim", FAILING, ids=str)
def test_a_message_tells_neither_values_nor_how_few_rows(hundred, claim):
    messages = {recount(claim, hundred, FAILING[claim](n)).message for n in range(1, 10)}

    (message,) = messages  # one row or nine: the same words
    assert "fewer than 10 rows" in message
    assert not [word for word in ("Male", "Female", "41", "forced") if word in message]


@pytest.mark.parametrize("claim", FAILING, ids=str)
def test_a_message_rounds_how_many_rows(hundred, claim):
    if not isinstance(claim, KAnonymity):
        assert "about 20 rows" in recount(claim, hundred, FAILING[claim](27)).message


def test_a_message_about_single_counts_names_variables_alone(hundred):
    message = recount(SingleCounts(k=10), hundred, records(*["gender=Male"] * 41)).message

    assert message == (
        "the counts of ageBroad, forced, gender, means, year are not the original ones rounded "
        "down to multiples of 10"
    )


def test_nothing_that_holds_data_shows_it_when_printed(ten):
    shown = repr(ten) + repr(CASES["threshold"][1]) + repr(records(*SIX))

    assert "Female" not in shown
    assert "gender=" not in shown


# ---- a path of its own


def test_the_gate_shares_no_code_with_the_counter():
    tree = ast.parse(Path(gate.__file__).read_text())

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
        "numba", "ctdc_framework.counting", "ctdc_framework.compiled", "ctdc_framework.pairs",
    }  # fmt: skip
    assert not used & {"codes", "sizes", "column_numbers", "with_codes", "counts_of"}


def test_a_recount_loads_neither_numba_nor_the_counter(file_of, toy_text):
    script = f"""
import sys
from ctdc_framework import gate
from ctdc_framework.claims import RecordSupport
from ctdc_framework.codebook_io import load_codebook
from pathlib import Path
import numpy as np, pandas as pd
from ctdc_framework.tables import Shape, Table, dtype_of
book = load_codebook(Path({str(file_of(toy_text))!r}))
frame = pd.DataFrame({{c.name: pd.Categorical([c.codes[0]] * 3, dtype=dtype_of(book, c))
                       for c in book.columns}})
table = Table(frame=frame, shape=Shape.RECORDS, codebook=book)
assert gate.recount(RecordSupport(k=3), gate.original_of(table), gate.published_of(table)).holds
print([name for name in ("numba", "ctdc_framework.counting", "ctdc_framework.plugin")
       if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
