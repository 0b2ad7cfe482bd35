"""The gate: what may not be published whatever is claimed. Judging releases: see test_runner."""

from __future__ import annotations

from attrs import evolve

from ctdc_framework.promises.claims import (
    CombinationSupport,
    KAnonymity,
    KmAnonymity,
    RecordSupport,
)
from ctdc_framework.records.items import Published
from ctdc_framework.runs import gate


def items(text):
    """Read `gender=Female means=Debt` as the items of a record or combination."""
    return tuple(tuple(one.split("=")) for one in text.split())


def records(*texts):
    return Published(records=[items(text) for text in texts])


def combos(*pairs):
    return Published(combinations=[(items(text), count) for text, count in pairs])


F, M = "year=2019 gender=Female ageBroad=18--29 means=Debt forced=1", "year=2019 gender=Male"


def test_a_claim_falls_short_of_what_the_codebook_says_that_an_outsider_could_know(toy):
    every = KAnonymity(k=3, columns=("forced", *toy.quasi_identifiers))
    one = KAnonymity(k=3, columns=("gender", "forced"))
    pairs, single = (CombinationSupport(k=3, length=length) for length in (2, 1))

    two = KmAnonymity(k=3, known=2, columns=toy.quasi_identifiers)

    enough = (every, pairs, two, RecordSupport(k=3))
    assert [gate.falls_short(claim, toy) for claim in enough] == [""] * 4
    assert "ageBroad are known" in gate.falls_short(evolve(two, columns=("gender", "year")), toy)
    assert "of whom two values are known" in gate.falls_short(evolve(two, known=1), toy)
    assert "of whom year, ageBroad are known" in gate.falls_short(one, toy)
    assert "of whom two values are known" in gate.falls_short(single, toy)


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


def test_a_generalised_value_lies_in_the_release_domain_of_a_variable_with_that_hierarchy(
    toy, graded
):
    coarse = records("ageBroad=18+", "ageBroad=0+", "ageBroad=0--17")

    assert gate.outside_domains(graded, coarse) == []
    assert gate.outside_domains(toy, coarse) == ["ageBroad"]


def test_a_column_with_a_value_and_one_below_it_mixes_levels(graded):
    assert gate.mixed_levels(graded, records("ageBroad=18+", "ageBroad=0--17")) == []
    assert gate.mixed_levels(graded, records("ageBroad=18--29", "ageBroad=30+", F, M)) == []
    assert gate.mixed_levels(graded, records("ageBroad=18+", "ageBroad=30+")) == ["ageBroad"]
    assert gate.mixed_levels(graded, records("ageBroad=18+", "ageBroad=0+")) == ["ageBroad"]
    assert gate.mixed_levels(graded, records("ageBroad=0--17", "ageBroad=0+")) == ["ageBroad"]
