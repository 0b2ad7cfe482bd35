"""The conformance kit catches each kind of bad grouping rule by the check named for it."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
from attrs import evolve, frozen, validators

from ctdc_framework.codebook.rules import BUILT_IN
from ctdc_framework.language.load import load_codebook
from ctdc_framework.plugin import Column, Fault, Rule, entry, flag
from ctdc_framework.testing import RULE_CHECKS, Broken, rule_checks

WORK = """\
[codebook]
dsl     = 1
id      = "work"
title   = "Work"
version = "1.0.0"

[privacy]
k = 5

[domains.isco]
kind   = "enum"
values = [{ code = "5122" }, { code = "5223" }, { code = "Unclear" }, { code = "9111" }]

[domains.major]
kind   = "enum"
values = [{ code = "5" }, { code = "9" }, { code = "U" }]

[variables.group]
domain     = "major"
role       = ["quasi"]
definition = "Group of work."

[inputs.work]
domain = "isco"

[inputs.earlier]
domain = "isco"
"""


@frozen(kw_only=True)
class Leading:
    """Parameters of the rule that is good."""

    from_: tuple[str, ...] = entry("the codes, in order of preference", key="from")
    to: str = entry("the variable that gets the group")
    characters: int = entry("how many", default=1, validator=validators.ge(1))


PARAMS = Leading(from_=("work", "earlier"), to="group")


def leading(params, rows):
    present = [rows.columns[name] for name in params.from_ if name in rows.columns]
    first = present[0]
    for other in present[1:]:
        first = first.filled_from(other)
    return first.map(lambda code: code[: params.characters])


GOOD = Rule(
    op="leading",
    summary="the first characters of the first code that is known",
    params=Leading,
    reads=lambda params: params.from_,
    writes=lambda params: (params.to,),
    apply=leading,
    total=True,
)


@pytest.fixture(scope="module")
def work(file_of):
    return load_codebook(file_of(WORK))


def failing(rule, codebook, params=PARAMS, **options):
    found = {}
    for check in rule_checks(rule, params, codebook=codebook, **options):
        if check.name == "imports-the-contract-alone":
            continue  # this file imports more than a plugin may
        try:
            check()
        except Broken as error:
            found[check.name] = str(error)
    return found


def test_a_good_rule_passes_every_check(work):
    assert failing(GOOD, work) == {}


def test_rules_of_the_language_pass_every_check(toy):
    """Each kind once, from codebooks that use it; they are held to no import rule."""
    every = [(toy, one) for one in toy.rules]
    shipped = load_codebook("ctdc-2021")
    every += [(shipped, one) for one in shipped.rules]
    tried = {}
    for codebook, one in every:
        if one.op not in tried:
            tried[one.op] = failing(BUILT_IN[one.op], codebook, one.params)

    assert {"bin", "fold", "recode"} <= tried.keys()
    assert {op: said for op, said in tried.items() if said} == {}


# ---- bad ones


def gives_a_list(params, rows):
    return leading(params, rows).values()


def gives_too_few(params, rows):
    return Column(leading(params, rows).index[:-1], ("5",))


def points_nowhere(params, rows):
    return Column(np.full(rows.rows, 7, dtype=np.int32), ("5",))


def keeps_the_code(params, rows):
    return leading(Leading(from_=params.from_, to="group", characters=4), rows)


def loses_one(params, rows):
    return leading(params, rows).map(lambda code: None if code == "U" else code)


def overwrites(params, rows):
    rows.columns["work"].index[:] = 0
    return leading(params, rows)


def guesses(params, rows):
    return leading(params, rows).map(lambda code: random.choice(["5", "9"]))


def draws_in_secret(params, rows):
    index = np.random.default_rng().integers(0, 2, rows.rows)
    return Column(index.astype(np.int32), ("5", "9"))


def takes_the_most_frequent(params, rows):
    column = leading(params, rows)
    counts = column.sizes()
    most = max(counts, key=counts.get, default=None)
    return Column.of([most] * rows.rows)


def fills_from_above(params, rows):
    values = leading(params, rows).values()
    for number in range(1, len(values)):
        values[number] = values[number] or values[number - 1]
    return Column.of(values)


def divides(params, rows):
    1 // rows.rows
    return leading(params, rows)


def needs_both(params, rows):
    return rows.columns["work"].filled_from(rows.columns["earlier"]).map(lambda code: code[:1])


def quotes(params, rows):
    for code in rows.columns["work"].cells:
        if not code.isdigit():
            raise ValueError(f"{code} is no number")
    return leading(params, rows)


def prints(params, rows):
    print("grouping")  # noqa: T201
    return leading(params, rows)


def dawdles(params, rows):
    if rows.rows > 5000:
        time.sleep(0.4)
    return leading(params, rows)


def no(params, codebook):
    yield Fault(path=(), kind="019", message="not these")


BAD = {
    "says-what-it-is": [evolve(GOOD, op="Leading One"), evolve(GOOD, contract=2),
                        evolve(GOOD, apply=None), evolve(GOOD, faults=no)],
    "names-its-columns": [evolve(GOOD, writes=lambda params: ("nobody",)),
                          evolve(GOOD, writes=lambda params: ()),
                          evolve(GOOD, reads=lambda params: ())],
    "gives-a-column": [evolve(GOOD, apply=gives_a_list), evolve(GOOD, apply=gives_too_few),
                       evolve(GOOD, apply=points_nowhere)],
    "stays-in-the-domain": [evolve(GOOD, apply=keeps_the_code),
                            evolve(GOOD, apply=lambda p, rows: flag(np.ones(rows.rows, bool)))],
    "is-total-if-it-says-so": [evolve(GOOD, apply=loses_one)],
    "leaves-its-input-alone": [evolve(GOOD, apply=overwrites)],
    "draws-nothing": [evolve(GOOD, apply=guesses), evolve(GOOD, apply=draws_in_secret)],
    "looks-at-each-record-alone": [evolve(GOOD, apply=takes_the_most_frequent),
                                   evolve(GOOD, apply=fills_from_above)],
    "works-on-hard-records": [evolve(GOOD, apply=divides), evolve(GOOD, apply=needs_both)],
    "tells-no-values": [evolve(GOOD, apply=quotes), evolve(GOOD, apply=prints)],
    "is-quick": [evolve(GOOD, apply=dawdles)],
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_rule_is_caught_by_the_check_that_is_named_for_it(name, work):
    for bad in BAD[name]:
        assert name in failing(bad, work, seconds=0.3), bad


@pytest.mark.parametrize(
    "name",
    ["stays-in-the-domain", "is-total-if-it-says-so", "works-on-hard-records", "is-quick"],
)
def test_a_bad_rule_is_blamed_for_nothing_else(name, work):
    bad = BAD[name][0]

    assert failing(bad, work, seconds=0.3).keys() == {name}


def test_every_check_of_rules_has_a_bad_rule():
    elsewhere = {"parameters-come-back", "wrong-parameters-are-named", "imports-the-contract-alone"}

    assert set(RULE_CHECKS) - elsewhere == set(BAD)


@frozen(kw_only=True)
class Rewriting:
    """Parameters of a rule that rewrites."""

    on: tuple[str, ...] = entry("the columns")
    text: str = entry("what is written", default="5122")


REWRITES = Rule(
    op="spelt",
    summary="one spelling for another",
    params=Rewriting,
    rewrites=lambda params: (params.on, {"5-122": params.text}),
)


def test_a_rule_that_rewrites_is_held_to_the_domain_as_well(work):
    assert failing(REWRITES, work, Rewriting(on=("work",))) == {}
    outside = failing(REWRITES, work, Rewriting(on=("work",), text="5123"))
    assert outside.keys() == {"stays-in-the-domain"}
    assert "names-its-columns" in failing(REWRITES, work, Rewriting(on=("wrok",)))
