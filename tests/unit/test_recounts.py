"""Recounts: each claim held, broken by one cell, record or count, and recounted naively."""

from __future__ import annotations

from collections import Counter
from itertools import combinations as sets

import numpy as np
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.promises import recounts
from ctdc_framework.promises.claims import (
    CLAIMS,
    Additive,
    Claim,
    CombinationSupport,
    DifferentialPrivacy,
    KAnonymity,
    KmAnonymity,
    LDiversity,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    RecordSupport,
    SingleCounts,
    SingleCountsAtMost,
    TCloseness,
    Threshold,
)
from ctdc_framework.promises.recounts import Finding, recount
from ctdc_framework.records.items import Published, original_of, published_of
from ctdc_framework.records.tables import table_of_codes

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
    "combination-support: pairs": (
        CombinationSupport(k=4, length=2), records("year=2019 gender=Male", "gender=Female", ""),
    ),
    "combination-support: of more than it speaks of": (
        CombinationSupport(k=4, length=1),
        records("gender=Male means=Debt", "year=2019 ageBroad=18--29 forced=1"),
    ),
    "single-counts-at-most": (
        SingleCountsAtMost(), records(*["gender=Male"] * 4, *["gender=Female forced=1"] * 6, ""),
    ),
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
    "km-anonymity: pairs, each of two at least": (
        KmAnonymity(k=2, known=2, columns=("year", "gender", "forced")),
        records("year=2019 gender=Male", "year=2019 gender=Male forced=1", "gender=Male forced=1",
                "forced=1 year=2019 means=Debt", ""),
    ),
    "k-anonymity: missing is a value": (
        KAnonymity(k=3, columns=("gender",)), records("", "", "forced=1"),
    ),
    "k-anonymity: every variable is known": (
        KAnonymity(k=3, columns=("year", "gender", "ageBroad", "means", "forced")),
        records(F, F, F, M, M, M),
    ),
    "additive": (
        Additive(), combos(("", 9), ("gender=Female", 6), ("gender=Male", 3), ("year=2019", 9)),
    ),
    "additive: but for what is not known": (
        Additive(), combos(("", 9), ("forced=1", 6), ("means=Debt", 3)),
    ),
    "l-diversity: missing is a value": (
        LDiversity(variable="forced", columns=("year",), l=2), records(F, M),
    ),
    "l-diversity: every variable is known but one": (
        LDiversity(variable="gender", columns=("year", "ageBroad", "means", "forced"), l=1),
        records(F, M),
    ),
    "l-diversity: as even as two": (
        LDiversity(variable="gender", columns=("year",), l=2, kind="entropy"), records(F, M, F, M),
    ),
    "l-diversity: the most frequent is rare enough": (
        LDiversity(variable="gender", columns=("year",), l=2, kind="recursive", c=2.1),
        records(F, M, F),
    ),
    "t-closeness: as in all": (
        TCloseness(variable="forced", columns=("year",), t=0.01), records(*SIX, *[M] * 4),
    ),
    "t-closeness: every variable is known but one": (
        TCloseness(variable="forced", columns=("year", "gender", "ageBroad", "means"), t=1.0),
        records(F, M),
    ),
    "t-closeness: exactly so far": (
        TCloseness(variable="forced", columns=("gender",), t=0.4), records(*SIX),
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
    "combination-support: a pair of too few": (
        CombinationSupport(k=4, length=2), records(*SIX, "year=2019 gender=Male forced=1"),
    ),
    "combination-support: a single value of too few": (
        CombinationSupport(k=5, length=3), records("gender=Male"),
    ),
    "single-counts-at-most: one too many": (SingleCountsAtMost(), records(*["gender=Male"] * 5)),
    "single-counts-at-most: a value that nobody has": (SingleCountsAtMost(), records("year=2021")),
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
    "single-counts: of what is no variable": (SingleCounts(k=3, columns=("gendr",)), records(M)),
    "single-counts: nothing": (SingleCounts(k=3), records()),
    "single-counts: one too few of a named variable": (
        SingleCounts(k=3, columns=("gender",)),
        records(*["gender=Female"] * 6),
    ),
    "single-counts: exact, but for one value that nobody has": (
        SingleCounts(k=1),
        records(*SIX, *[M] * 4, "year=2021"),
    ),
    "km-anonymity: a pair of one, however many original records hold it": (
        KmAnonymity(k=2, known=2, columns=("year", "gender")),
        records("year=2019 gender=Male", "year=2019", "gender=Male"),
    ),
    "km-anonymity: a single value of too few": (
        KmAnonymity(k=2, known=3, columns=("gender",)), records(F, M, M),
    ),
    "km-anonymity: two values of one variable": (
        KmAnonymity(k=2, known=2, columns=("means",)),
        records("means=Debt means=Threats", "means=Debt", "means=Threats"),
    ),
    "km-anonymity: of what is no variable": (
        KmAnonymity(k=2, known=2, columns=("gendr",)), records(M, M),
    ),
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
    "k-anonymity: missing matches anything, and too few fit": (
        KAnonymity(k=3, columns=("gender",), missing="anything"),
        records("gender=Male", "gender=Male", "gender=Female", ""),
    ),
    "k-anonymity: where nobody misses it, missing matches nobody": (
        KAnonymity(k=3, columns=("gender",), missing="anything"),
        records(*["gender=Male"] * 3, *["gender=Female"] * 2),
    ),
    "k-anonymity: there are no more records than there are": (
        KAnonymity(k=3, columns=("gender",), missing="anything"), records("", ""),
    ),
    "k-anonymity: missing matches anything, of what is no variable": (
        KAnonymity(k=3, columns=("gendr",), missing="anything"), records("", "", ""),
    ),
    "k-anonymity: missing matches what the codebook says, which is itself": (
        KAnonymity(k=3, columns=("gender",), missing="codebook"), records("", "", "gender=Male"),
    ),
    "k-anonymity: of what is no variable": (
        KAnonymity(k=3, columns=("gendr",)), records("gender=Male", "gender=Female"),
    ),
    "additive: a part too small": (
        Additive(), combos(("", 9), ("gender=Female", 3), ("gender=Male", 3)),
    ),
    "additive: a part not shown": (Additive(), combos(("", 9), ("gender=Female", 6))),
    "additive: more than there is": (Additive(), combos(("", 9), ("forced=1", 12))),
    "additive: parts of what is not shown": (
        Additive(), combos(("", 9), ("year=2019", 9), ("gender=Male", 9), ("year=2020 forced=1", 3),
                           ("forced=1", 3)),
    ),
    "l-diversity: a class of one value": (
        LDiversity(variable="forced", columns=("gender",), l=2), records(F, M, F),
    ),
    "l-diversity: less even than two": (
        LDiversity(variable="gender", columns=("year",), l=2, kind="entropy"), records(F, M, F),
    ),
    "l-diversity: the most frequent is as frequent": (
        LDiversity(variable="gender", columns=("year",), l=2, kind="recursive", c=2.0),
        records(F, M, F),
    ),
    "l-diversity: of what is no variable": (
        LDiversity(variable="forcd", columns=("year",), l=1), records(F, M),
    ),
    "t-closeness: a class of one value": (
        TCloseness(variable="forced", columns=("gender",), t=0.5), records(*SIX, M),
    ),
    "t-closeness: a little further": (
        TCloseness(variable="forced", columns=("gender",), t=0.399), records(*SIX),
    ),
    "t-closeness: of what is no variable": (
        TCloseness(variable="forced", columns=("yaer",), t=1.0), records(F, M),
    ),
    "t-closeness: a value that no original has": (
        TCloseness(variable="year", columns=("gender",), t=1.0), records("year=2021 gender=Male"),
    ),
    "t-closeness: by a hierarchy that is not there": (
        TCloseness(variable="forced", columns=("year",), t=1.0, kind="hierarchical"),
        records(*SIX, *[M] * 4),
    ),
    "multiple-of: a count off by one": (MultipleOf(base=3), combos(("", 9), ("gender=Male", 4))),
    "multiple-of: a negative count": (MultipleOf(base=3), combos(("", -3))),
    "multiple-of: a negative count of any base": (MultipleOf(base=1), combos(("", -1))),
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

    assert recount(claim, ten, published) == Finding(claim=claim, holds=True)


@pytest.mark.parametrize("name", BROKEN)
def test_one_change_is_found(ten, name):
    claim, published = BROKEN[name]

    finding = recount(claim, ten, published)

    assert not finding.holds
    assert finding.message


def test_every_claim_has_a_case_that_holds_and_one_that_does_not():
    recounted = {one for one in CLAIMS if one.basis == "recounted"}

    assert {type(claim) for claim, _ in CASES.values()} == recounted
    assert {type(claim) for claim, _ in BROKEN.values()} == recounted


@pytest.mark.parametrize(
    ("claim", "published"),
    [
        (RecordSupport(k=2), WITHIN),
        (CombinationSupport(k=2, length=2), WITHIN),
        (SingleCounts(k=2), WITHIN),
        (SingleCountsAtMost(), WITHIN),
        (KAnonymity(k=2, columns=("gender",)), WITHIN),
        (KmAnonymity(k=2, known=2, columns=("gender",)), WITHIN),
        (LDiversity(variable="forced", columns=("gender",), l=1), WITHIN),
        (TCloseness(variable="forced", columns=("gender",), t=1.0), WITHIN),
        (MultipleOf(base=2), records(*SIX)),
        (Threshold(k=2), records(*SIX)),
        (MaxDeviation(d=20), records(*SIX)),
        (Additive(), records(*SIX)),
    ],
)
def test_a_claim_of_the_other_shape_does_not_hold(ten, claim, published):
    finding = recount(claim, ten, published)

    assert not finding.holds
    assert finding.message in (recounts.NO_RECORDS, recounts.NO_COUNTS)


def test_promising_nothing_always_holds(ten):
    assert recount(NoClaim(reason="it is a test"), ten, records("gender=Nobody")).holds
    assert recount(DifferentialPrivacy(epsilon=1), ten, records("gender=Nobody")).holds


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
        case CombinationSupport(k=k, length=length):
            parts = [c for row in published for n in range(length + 1) for c in sets(row, n)]
            return all(sum(set(c) <= record for record in original) >= k for c in parts)
        case SingleCountsAtMost():
            one, other = (Counter(i for row in rows for i in row) for rows in (original, published))
            return all(other[item] <= one[item] for item in other)
        case SingleCounts(k=k, columns=columns):
            one, other = (Counter(i for row in rows for i in row) for rows in (original, published))
            asked = [item for item in one | other if not columns or item[0] in columns]
            return all(other[item] == one[item] // k * k for item in asked)
        case KAnonymity(k=k, columns=columns, missing="anything"):
            cells = [[frozenset(i for i in row if i[0] == c) for c in columns] for row in published]
            return all(sum(all(not x or not y or x == y for x, y in zip(one, other, strict=True))
                           for other in cells) >= k for one in cells)  # fmt: skip
        case KAnonymity(k=k, columns=columns):
            keys = [frozenset(i for i in row if i[0] in columns) for row in published]
            return all(keys.count(key) >= k for key in keys)
        case KmAnonymity(k=k, known=known, columns=columns):
            keys = [{i for i in row if i[0] in columns} for row in published]
            parts = [set(c) for row in keys for n in range(1, known + 1) for c in sets(row, n)]
            return all(sum(part <= row for row in keys) >= k for part in parts)
        case MultipleOf(base=base):
            return all(count % base == 0 for count in shown)
        case MaxDeviation(d=d):
            return all(abs(count - n) <= d for count, n in zip(shown, true, strict=True))


RECORD_CLAIMS = st.one_of(
    st.builds(RecordSupport, k=st.integers(1, 4)),
    st.builds(CombinationSupport, k=st.integers(1, 4), length=st.integers(1, 3)),
    st.builds(
        SingleCounts,
        k=st.integers(1, 4),
        columns=st.sets(st.sampled_from(["year", "gender", "means"])).map(tuple),
    ),
    st.just(SingleCountsAtMost()),
    st.builds(
        KAnonymity,
        k=st.integers(1, 3),
        columns=st.sets(st.sampled_from(["year", "gender", "means"]), min_size=1).map(tuple),
        missing=st.sampled_from(["itself", "anything"]),
    ),
    st.builds(
        KmAnonymity,
        k=st.integers(1, 3),
        known=st.integers(1, 3),
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


@pytest.mark.parametrize("k", [2, 9, 20, 40])
def test_compatible_records_are_counted_right_past_the_first_few_bytes(toy, k):
    rng = np.random.default_rng(k)
    rows = rng.choice([-1, 0, 1], (150, 7), p=[0.1, 0.7, 0.2]).clip(max=[1, 1, 1, 0, 0, 0, 0])
    columns = ("year", "gender", "ageBroad")

    found = recounts.incompatible(
        published_of(table_of(toy, rows)).records, set(columns), set(columns), k
    )

    keys = rows[:, :3]
    fits = (keys[:, None] == keys) | (keys[:, None] < 0) | (keys < 0)
    assert found == (fits.all(axis=2).sum(axis=1) < k).sum()


def test_a_hierarchy_makes_values_near_that_share_a_group(graded):
    """Half 18--29, half 30+, both adult: to be all 18--29 moves half of them one level of two."""
    rows = [(0, 0, 1, *[-1] * 4), (0, 1, 2, *[-1] * 4)] * 5
    original = original_of(table_of(graded, rows))
    published = records(*["gender=Female ageBroad=18--29"] * 5)

    def claim(t):
        return TCloseness(variable="ageBroad", columns=("gender",), t=t, kind="hierarchical")

    assert recount(claim(0.25), original, published).holds
    assert not recount(claim(0.249), original, published).holds


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


def test_counts_are_held_to_the_counts_they_were_made_from(toy):
    given = original_of(table_of(toy, [(-1,) * 7, (0, *[-1] * 6), (1, *[-1] * 6)], [15, 9, 6]))

    assert recount(MaxDeviation(d=2), given, combos(("", 15), ("year=2019", 7))).holds
    assert not recount(MaxDeviation(d=2), given, combos(("year=2019", 6))).holds
    assert not recount(Threshold(k=7), given, combos(("year=2020", 6))).holds
    assert recount(SingleCounts(k=5), given, records(*["year=2019"] * 5, *["year=2020"] * 5)).holds


# ---- messages


def test_missing_matches_anything_in_the_variables_of_which_the_codebook_says_so(
    codebook_of, toy_text
):
    said = '[variables.gender]\nmissing_matches = "anything"\n'
    book = codebook_of(toy_text.replace("[variables.gender]\n", said))
    original = original_of(table_of(book, [FEMALE]))
    claim = KAnonymity(k=2, columns=("year", "gender"), missing="codebook")

    assert recount(claim, original, records("year=2019 gender=Male", "year=2019")).holds
    assert recount(claim, original, records("gender=Male", "gender=Male", "")).holds
    assert not recount(claim, original, records("year=2019 gender=Male", "gender=Male")).holds


@pytest.fixture(scope="module")
def hundred(codebook_of, toy_text):
    """A hundred records of a codebook whose k is 10."""
    book = codebook_of(toy_text.replace("k        = 3", "k        = 10"))
    return original_of(table_of(book, [FEMALE] * 60 + [MALE] * 40))


FAILING = {
    RecordSupport(k=2): lambda n: records(*["gender=Male forced=1"] * n),
    CombinationSupport(k=2, length=2): lambda n: records(*["gender=Male forced=1"] * n),
    KAnonymity(k=10, columns=("gender",)): lambda n: records(*["gender=Male"] * n),
    KAnonymity(k=10, columns=("gender",), missing="anything"): (
        lambda n: records(*["gender=Male"] * n)
    ),
    KmAnonymity(k=10, known=2, columns=("gender",)): lambda n: records(*["gender=Male"] * n),
    MultipleOf(base=2): lambda n: combos(*[("gender=Male", 41)] * n),
    Threshold(k=2): lambda n: combos(*[("gender=Male forced=1", 2)] * n),
    MaxDeviation(d=0): lambda n: combos(*[("gender=Male", 41)] * n),
    LDiversity(variable="gender", columns=("year",), l=2): (
        lambda n: records(*["gender=Male"] * n)
    ),
    TCloseness(variable="gender", columns=("year",), t=0.1): (
        lambda n: records(*["gender=Male"] * n)
    ),
}


@pytest.mark.parametrize("claim", FAILING, ids=str)
def test_a_message_tells_neither_values_nor_how_few_rows(hundred, claim):
    messages = {recount(claim, hundred, FAILING[claim](n)).message for n in range(1, 10)}

    (message,) = messages  # one row or nine: the same words
    assert "fewer than 10 rows" in message
    assert not [word for word in ("Male", "Female", "41", "forced") if word in message]


@pytest.mark.parametrize("claim", FAILING, ids=str)
def test_a_message_rounds_how_many_rows(hundred, claim):
    if not isinstance(claim, KAnonymity | KmAnonymity):
        assert "about 20 rows" in recount(claim, hundred, FAILING[claim](27)).message


def test_a_message_about_single_counts_names_variables_alone(hundred):
    message = recount(SingleCounts(k=10), hundred, records(*["gender=Male"] * 41)).message

    assert message == (
        "the counts of ageBroad, forced, gender, means, year are not the original ones rounded "
        "down to multiples of 10"
    )


def test_a_message_about_counts_that_exceed_names_variables_alone(hundred):
    message = recount(SingleCountsAtMost(), hundred, records(*["gender=Male"] * 41)).message

    assert message == "values of gender occur more often than in the original records"


def test_a_message_tells_with_how_few_others_a_record_stands(hundred):
    claim = KAnonymity(k=10, columns=("gender",))

    assert "fewer than 9 others" in recount(claim, hundred, records("gender=Male")).message


def test_a_message_is_no_finer_than_counts_may_deviate(hundred):
    message = recount(MaxDeviation(d=19), hundred, combos(*[("gender=Male", 80)] * 19)).message

    assert message.startswith("fewer than 20 rows")


def test_nothing_that_holds_data_shows_it_when_printed(toy, ten):
    published = combos(("gender=Female", 6))
    counted = original_of(table_of(toy, [(-1, 0, *[-1] * 5)], [6]))
    assert recount(Threshold(k=4), ten, published).holds
    shown = repr(ten) + repr(published) + repr(records(*SIX)) + repr(counted)

    assert "Female" not in shown
    assert "6" not in shown
    assert "gender=" not in shown


# ---- generalised values


def test_a_generalised_value_is_held_by_the_records_with_values_below_it(graded):
    """Four records of 18--29 and three of 30+ are seven of 18+."""
    rows = [(0, -1, band, -1, -1, -1, -1) for band in (0, 1, 1, 1, 1, 2, 2, 2, -1)]
    original = original_of(table_of(graded, rows))
    adults = records("year=2019 ageBroad=18+")

    assert recount(RecordSupport(k=7), original, adults).holds
    assert not recount(RecordSupport(k=8), original, adults).holds
    assert recount(RecordSupport(k=8), original, records("ageBroad=0+")).holds
    assert recount(Threshold(k=7), original, combos(("ageBroad=18+", 7))).holds
    assert not recount(MaxDeviation(d=2), original, combos(("ageBroad=18+", 4))).holds
    assert not recount(SingleCountsAtMost(), original, records(*["ageBroad=18+"] * 8)).holds


def test_a_value_generalised_before_is_held_by_the_coarser_ones_above_it(graded):
    """A second stage may go further up than the first."""
    adult, any_age = graded.columns[2].codes.index("18+"), "ageBroad=0+"
    original = original_of(table_of(graded, [(-1, -1, adult, -1, -1, -1, -1)] * 3))

    assert recount(RecordSupport(k=3), original, records(any_age)).holds
    assert not recount(RecordSupport(k=1), original, records("ageBroad=30+")).holds
