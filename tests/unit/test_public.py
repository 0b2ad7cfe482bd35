"""The public report: what everybody may see of a comparison, and what nobody can work out of it."""

from __future__ import annotations

import doctest
import json

import pandas as pd
import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.codebook.model import Codebook, Header, Privacy
from ctdc_framework.contract.results import Better, Note, Public, Release, Score, ScoreRow, Side
from ctdc_framework.plans.entries import GateEntry
from ctdc_framework.plans.plan import BoundMeasure
from ctdc_framework.plugin import Measure
from ctdc_framework.promises.claims import RecordSupport
from ctdc_framework.records.tables import Shape, Table
from ctdc_framework.reports import page as report
from ctdc_framework.reports import public
from ctdc_framework.runs.compare import COPY, Comparison, GateResult, Verdict, _joined

K = 10
SECRET = "QZX"
CODEBOOK = Codebook(
    header=Header(dsl=1, id="tiny", title="A tiny codebook", version="1.2.3"),
    privacy=Privacy(k=K),
    variables={},
)
COUNTS = st.integers(0, 40)


@frozen(kw_only=True)
class Nothing:
    pass


def bound(name, public, better=Better.LOWER):
    return BoundMeasure(
        measure=Measure(
            name=name,
            summary="what it says",
            side=Side.RISK,
            better=better,
            unit="share",
            params=Nothing,
            compute=lambda *_: (),
            public=public,
        ),
        params=Nothing(),
    )


def row(candidate, measure, score=None, error=""):
    return ScoreRow(
        candidate=candidate, measure=measure, part=Shape.RECORDS, score=score, error=error
    )


def share(part, whole, **rest):
    return Score(value=part / whole, of=(part, whole), **rest)


def comparison_of(*rows, verdicts=(), records=1234, gates=()):
    return Comparison(
        codebook=CODEBOOK,
        original=Table(
            frame=pd.DataFrame(index=pd.RangeIndex(records)), shape=Shape.RECORDS, codebook=CODEBOOK
        ),
        measures=(
            bound("unshown", Public.NONE),
            bound("shares", Public.ROUNDED),
            bound("kept", Public.ROUNDED, Better.HIGHER),
            bound("of-release", Public.FREE),
        ),
        verdicts=verdicts
        or (
            Verdict(name=COPY, is_control=True, may_release=False, reason="a control"),
            Verdict(
                name="good", claims=(RecordSupport(k=10),), notes=(Note(code="n", message=SECRET),)
            ),
            Verdict(
                name="bad",
                may_release=False,
                reason=f"{SECRET} is rare",
                claims=(RecordSupport(k=3),),
            ),
        ),
        rows=rows,
        gates=gates,
        releases={"good": Release(name="good", notes=(Note(code="n", message=SECRET),))},
    )


def shown(*rows):
    return {
        (one.candidate, one.measure, one.score.slice): one.score
        for one in public.published(comparison_of(*rows)).rows
        if one.score
    }


def test_doctests():
    assert doctest.testmod(public).failed == 0


def test_a_measure_that_does_not_say_so_is_not_public():
    assert bound("new", Public.NONE).measure.public is Measure.__attrs_attrs__.public.default
    assert shown(row("good", "unshown", share(50, 100))) == {}


@given(part=COUNTS, rest=COUNTS)
def test_a_share_is_told_only_where_all_counts_behind_it_are_none_or_k(part, rest):
    if not part + rest:
        return
    found = shown(row("good", "shares", share(part, part + rest)))

    assert bool(found) == all(n == 0 or n >= K for n in (part, rest))


@given(part=st.integers(0, 10_000), whole=st.integers(1, 10_000))
def test_a_share_has_two_digits_on_the_less_favourable_side(part, whole):
    part = min(part, whole)
    for name, worse in (("shares", max), ("kept", min)):
        for score in shown(row("good", name, share(part, whole))).values():
            assert score.value == round(score.value, 2)
            assert abs(score.value - part / whole) <= 0.01
            assert worse(score.value, part / whole) == pytest.approx(score.value)
            assert score.of is None


def test_a_figure_without_its_counts_is_withheld():
    assert shown(row("good", "shares", Score(value=0.5))) == {}


def test_ranges_are_rounded_too_and_names_left_out():
    score = share(123, 1000, low=0.1201, high=0.1299, names=(SECRET,))
    (found,) = shown(row("good", "shares", score)).values()
    assert (found.value, found.low, found.high, found.names) == (0.13, 0.13, 0.13, ())


def test_of_several_runs_the_smallest_count_decides():
    runs = [share(50, 100), share(3, 100), share(0, 100)]
    joined = _joined(runs)
    assert joined.of == (3, 53)
    assert shown(row("good", "shares", joined)) == {}
    assert shown(row("good", "shares", _joined([share(11, 30), share(29, 30)]))) == {}
    assert shown(row("good", "shares", _joined([share(11, 30), share(20, 30)]))) != {}
    assert _joined([share(50, 100), Score(value=0.5)]).of is None


def test_figures_of_a_release_are_exact_and_those_of_what_is_not_released_are_withheld():
    rows = [row(name, "of-release", Score(value=0.123456)) for name in ("good", "bad", COPY)]
    assert {key[0]: score.value for key, score in shown(*rows).items()} == {"good": 0.123456}


def test_reasons_notes_errors_names_and_claims_of_what_is_not_released_are_left_out():
    gates = (
        GateResult(
            candidate="good", gate=GateEntry(measure="unshown", op="<=", value=123.456), passed=True
        ),
        GateResult(
            candidate="good", gate=GateEntry(measure="shares", op="==", value=0), passed=True
        ),
    )
    comparison = comparison_of(
        row("good", "shares", share(98765, 1000000, names=(SECRET,))),
        row("bad", "shares", error=f"{SECRET} cannot be counted"),
        gates=gates,
    )
    details = report.Details(versions={"numpy": "2"}, is_public=True)
    found = public.published(comparison)

    page = report.as_html(found, details)
    told = json.dumps(report.as_json(found, details))
    for text in (page, told):
        assert SECRET not in text
        assert "record-support(k=3)" not in text
        assert "9876" not in text
        assert "1,234" not in text
        assert "1234" not in text
        assert "unshown" not in text
    assert "Private: do not" not in page
    assert "it could not be measured" in page
    assert [one.gate.measure for one in found.gates] == ["shares"]
    assert json.loads(told)["records"] == 1230


def test_one_record_more_or_less_changes_nothing():
    """Whoever knows all records but one learns nothing of that one from rounded shares."""
    details = report.Details(is_public=True)
    pages = {
        report.as_html(
            public.published(
                comparison_of(row("good", "shares", share(part, 2000)), records=records)
            ),
            details,
        )
        for part, records in ((123, 1234), (124, 1235), (130, 1239))
    }
    assert len(pages) == 1


def test_the_private_comparison_is_left_as_it_is():
    comparison = comparison_of(row("good", "unshown", Score(value=0.123456)))
    assert public.published(comparison).rows == ()
    assert comparison.rows[0].score.value == 0.123456
    assert evolve(comparison).releases
