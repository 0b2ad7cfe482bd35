"""A comparison told as JSON, as text and as a page: what each of them says and never says."""

from __future__ import annotations

import doctest
import itertools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from attrs import frozen

from ctdc_framework.codebook.model import Codebook, Header, Privacy
from ctdc_framework.contract.results import Better, Note, Release, Score, ScoreRow, Severity, Side
from ctdc_framework.plans.entries import GateEntry
from ctdc_framework.plans.plan import BoundMeasure
from ctdc_framework.plugin import Measure
from ctdc_framework.promises.claims import KAnonymity, RecordSupport
from ctdc_framework.records.tables import Shape, Table
from ctdc_framework.reports import figures
from ctdc_framework.reports import page as report
from ctdc_framework.runs.compare import COPY, SHUFFLED, Comparison, GateResult, Verdict

LONG = "k-synthesis[k=20, mode=seeded]"
HOSTILE = "<b>x</b>"
LEAKAGE, ERROR, ROWS = "rare-combination-leakage", "combination-error", "rows-released"
FOREIGN = "guessing-attack"
CODEBOOK = Codebook(
    header=Header(dsl=1, id="tiny", title="A tiny codebook", version="1.2.3"),
    privacy=Privacy(k=10),
    variables={},
)


@frozen(kw_only=True)
class UpTo:
    length: int = 2


def measure(name, side, better, unit="share", summary="what it says"):
    return BoundMeasure(
        measure=Measure(
            name=name,
            summary=summary,
            side=side,
            better=better,
            unit=unit,
            params=UpTo,
            compute=lambda *_: (),
        ),
        params=UpTo(),
    )


def rows(candidate, name, *values, part=Shape.RECORDS, slices=("length 1", "length 2")):
    for slice, value in zip(slices, values, strict=False):
        score = value if isinstance(value, Score) else Score(value=value, slice=slice)
        yield ScoreRow(candidate=candidate, measure=name, part=part, score=score)


ROWS_OF_ALL = (
    *rows(COPY, LEAKAGE, 1.0, 1.0),
    *rows(COPY, ERROR, 0.0, 0.0),
    *rows(COPY, ROWS, 1.0, slices=("all",)),
    *rows(SHUFFLED, LEAKAGE, 1.0, 0.7),
    *rows(SHUFFLED, ERROR, 0.0, 0.2),
    *rows(SHUFFLED, ROWS, 1.0, slices=("all",)),
    *rows(LONG, LEAKAGE, 0.0, 0.0004),
    *rows(LONG, ERROR, 0.0063, Score(value=0.123, slice="length 2", low=0.119, high=0.128)),
    *rows(LONG, ROWS, 2.277, slices=("all",)),
    *rows("tables", LEAKAGE, 0.0, 0.0, part=Shape.COUNTS),
    *rows("tables", ERROR, 0.0063, 0.0731, part=Shape.COUNTS),
    *rows(HOSTILE, LEAKAGE, 0.3, 0.4),
    ScoreRow(
        candidate=HOSTILE, measure=ERROR, part=Shape.RECORDS, error="there is nothing to count"
    ),
    *rows(HOSTILE, ROWS, float("nan"), slices=("all",)),
    *rows(LONG, FOREIGN, 12.5, 5406.0, slices=("on average", "at worst")),
)
MEASURES = (
    measure(ROWS, Side.UTILITY, Better.HIGHER),
    measure(ERROR, Side.UTILITY, Better.LOWER),
    measure(
        FOREIGN, Side.RISK, Better.LOWER, unit="guesses", summary="how often one guesses right"
    ),
    measure(LEAKAGE, Side.RISK, Better.LOWER),
)
GATE = GateEntry(measure=LEAKAGE, op="==", value=0)
COMPARISON = Comparison(
    codebook=CODEBOOK,
    original=Table(
        frame=pd.DataFrame(index=pd.RangeIndex(1200)), shape=Shape.RECORDS, codebook=CODEBOOK
    ),
    measures=MEASURES,
    verdicts=(
        Verdict(name=COPY, is_control=True, may_release=False, reason="a control"),
        Verdict(name=SHUFFLED, is_control=True, may_release=False, reason="a control"),
        Verdict(
            name=LONG,
            stochastic=True,
            runs=3,
            claims=(RecordSupport(k=20),),
            notes=(Note(code="n", message="no row is anybody"),),
        ),
        Verdict(name="tables", claims=(KAnonymity(k=10, columns=("a", "b", "c")),)),
        Verdict(name=HOSTILE, may_release=False, reason="its k is below the codebook's 10"),
        Verdict(name="broken", may_release=False, reason="it could not be run"),
    ),
    rows=ROWS_OF_ALL,
    gates=(
        GateResult(candidate=LONG, gate=GATE, passed=False),
        GateResult(candidate="tables", gate=GATE, passed=True),
        GateResult(candidate="broken", gate=GATE, passed=None),
    ),
    releases={LONG: Release(name=LONG, claims=(RecordSupport(k=20),))},
)
DETAILS = report.Details(
    notes=(
        Note(code="a", message="rules were skipped"),
        Note(code="b", message="a check \x1b[31m does not hold", severity=Severity.WARNING),
    ),
    data="cases.csv",
    versions={"numpy": "2.4.6"},
)


@pytest.fixture(scope="module")
def page():
    return report.as_html(COMPARISON, DETAILS)


class Page(HTMLParser):
    """The tags of a page in their order, where they open and close, and the attributes."""

    VOID = frozenset({"meta", "wbr", "br", "link", "img"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((data, tuple(self.open)))

    def all(self, tag):
        return [(attrs, above) for name, attrs, above in self.tags if name == tag]


def text_of(block, width=80):
    """One measure's part of the text, to the next empty line."""
    text = report.as_text(COMPARISON, DETAILS, width)
    return text[text.index(f"\n{block}:") + 1 :].split("\n\n")[0]


def test_doctests():
    assert doctest.testmod(report).failed == 0


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, ctdc_framework.reports.page\n"
        "print({'altair', 'vl_convert', 'pandas', 'jinja2'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


# JSON


def test_json_holds_every_row():
    told = json.loads(json.dumps(report.as_json(COMPARISON, DETAILS), allow_nan=False))
    assert told["format"] == 1
    assert told["codebook"] == {"id": "tiny", "version": "1.2.3", "k": 10}
    assert told["records"] == 1200
    assert len(told["scores"]) == len(ROWS_OF_ALL)
    assert told["scores"][0] == {
        "candidate": COPY, "measure": LEAKAGE, "part": "records", "slice": "length 1",
        "value": 1.0, "low": None, "high": None, "error": None,
    }  # fmt: skip
    ranged = [row for row in told["scores"] if row["low"] is not None]
    assert [(row["value"], row["low"], row["high"]) for row in ranged] == [(0.123, 0.119, 0.128)]


def test_json_gives_the_reason_where_there_is_no_figure():
    scores = report.as_json(COMPARISON, DETAILS)["scores"]
    failed = {(row["measure"], row["error"]) for row in scores if row["value"] is None}
    assert failed == {(ERROR, "there is nothing to count"), (ROWS, "its figure is not a number")}


def test_json_holds_measures_verdicts_gates_and_notes():
    told = report.as_json(COMPARISON, DETAILS)
    assert told["measures"][1] == {
        "measure": ERROR, "side": "utility", "better": "lower", "unit": "share",
        "summary": "what it says", "params": {"length": 2},
    }  # fmt: skip
    assert told["verdicts"][2]["claims"] == ["record-support(k=20)"]
    assert told["gates"][0] == {
        "candidate": LONG, "measure": LEAKAGE, "slice": "all", "op": "==", "value": 0,
        "passed": False,
    }  # fmt: skip
    assert [note["code"] for note in told["notes"]] == ["b", "a", "n"]
    assert told["notes"][2]["candidates"] == [LONG]


# Text


@pytest.mark.parametrize("width", [110, 80, 60, 40])
def test_text_is_never_wider_than_asked(width):
    text = report.as_text(COMPARISON, DETAILS, width)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 60])
def test_text_shows_ranges_and_small_shares_as_what_they_are(width):
    assert "12.3 % (11.9-12.8)" in text_of(ERROR, width)
    assert "<0.1 %" in text_of(LEAKAGE, width)


def test_text_shows_a_dash_where_a_measure_does_not_apply():
    (line,) = [line for line in text_of(ROWS).splitlines() if line.startswith("  tables")]
    assert line.split() == ["tables", "-"]


def test_text_shows_the_reason_where_a_measure_failed():
    (line,) = [line for line in text_of(ERROR).splitlines() if line.startswith(f"  {HOSTILE}")]
    assert line.endswith("failed: there is nothing to count")


@pytest.mark.parametrize("name", [LEAKAGE, ERROR, ROWS, FOREIGN])
def test_text_puts_controls_last_and_marks_them(name):
    lines = text_of(name).splitlines()
    assert lines[-2].startswith(f"  {COPY} *")
    assert lines[-1].startswith(f"  {SHUFFLED} *")


def test_text_says_which_way_is_better_and_what_is_counted():
    assert text_of(LEAKAGE).startswith(f"{LEAKAGE}: risk, lower is better\n")
    assert text_of(FOREIGN).startswith(f"{FOREIGN}: risk, lower is better, in guesses\n")
    assert "12.5     5,406" in text_of(FOREIGN)


def test_text_begins_with_verdicts_risk_and_then_utility():
    text = report.as_text(COMPARISON, DETAILS, 110)
    places = [
        text.index(f"\n{one}") for one in ("Verdicts", LEAKAGE, FOREIGN, ERROR, ROWS, "Gate: ")
    ]
    assert places == sorted(places)
    assert "not to be released: its k is below" in text
    assert "claims k-anonymity(k=10, 3 columns, missing=itself)" in " ".join(text.split())
    assert " ".join(text.split()).count("Synthetic rows are not people") == 1


def test_text_puts_warnings_first_and_nothing_that_steers_a_terminal():
    notes = report.as_text(COMPARISON, DETAILS).split("\nNotes\n")[1]
    assert [line.split(":")[0].split(" (")[0].strip() for line in notes.splitlines()] == [
        "warning", "info", "info",
    ]  # fmt: skip
    assert "\x1b" not in notes


def test_a_candidate_with_records_and_tables_has_a_line_for_each():
    both = (
        *rows("both", LEAKAGE, 0.1, 0.2),
        *rows("both", LEAKAGE, 0.3, part=Shape.COUNTS),
        *rows("both", ROWS, 0.5, slices=("all",)),
    )
    comparison = Comparison(
        codebook=CODEBOOK,
        original=COMPARISON.original,
        measures=MEASURES,
        verdicts=(Verdict(name="both"),),
        rows=both,
    )
    found = {block.measure.name: block for block in figures.blocks(comparison)}
    names = {name: [line.name for line in block.lines] for name, block in found.items()}
    assert names[LEAKAGE] == ["both (records)", "both (tables)"]
    assert names[ROWS] == ["both (records)"]
    assert found[LEAKAGE].slices == ("length 1", "length 2")


def test_a_measure_of_many_parts_does_not_fill_the_terminal():
    parts = [f"variable-{number}" for number in range(11)]
    comparison = Comparison(
        codebook=CODEBOOK,
        original=COMPARISON.original,
        measures=MEASURES,
        verdicts=(Verdict(name="one"),),
        rows=tuple(rows("one", LEAKAGE, *[0.5] * 11, slices=parts)),
    )

    text = report.as_text(comparison, DETAILS)

    assert "variable-7" not in text
    assert "11 figures for each candidate: the page shows them." in text
    assert "variable-10" in report.as_html(comparison, DETAILS)


# The page


def test_page_is_the_same_twice(page):
    assert report.as_html(COMPARISON, DETAILS) == page


def test_page_parses_and_needs_nothing_else(page):
    parsed = Page(page)
    names = {tag for tag, _, _ in parsed.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "use", "image", "form"}
    assert "<script" not in page.lower()
    referred = [a.get("href", a.get("src")) for _, a, _ in parsed.tags if {"href", "src"} & set(a)]
    assert {one[0] for one in referred} == {"#"}
    assert set(re.findall(r"https?://[^\s\"'<]*", page)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in page
    assert "url(" not in page
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert [a["content"] for a, _ in parsed.all("meta") if "http-equiv" in a] == [policy]


def test_page_names_no_id_twice_and_refers_to_those_there_are(page):
    parsed = Page(page)
    ids = [attrs["id"] for _, attrs, _ in parsed.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs, _ in parsed.tags:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(attrs.get(name, "").split()) <= set(ids)
        if attrs.get("href"):
            assert attrs["href"][1:] in ids


def test_every_chart_has_a_title_a_description_and_its_table(page):
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == len(MEASURES) + 1
    assert page.count("<svg") == len(figures)
    for figure in figures:
        (head,) = re.findall(r"<svg[^>]*>", figure)
        assert 'role="img"' in head
        assert re.search(r"<svg[^>]*><title id=[^>]*>.+?</title><desc id=[^>]*>.+?</desc>", figure)
        assert re.search(r"<details.*<table>.*<td.*</details>", figure, re.DOTALL)


def test_page_has_headings_in_order_and_what_scrolls_can_be_reached(page):
    parsed = Page(page)
    levels = [int(tag[1]) for tag, _, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for attrs, _ in parsed.all("div"):
        if "scroll" in attrs.get("class", "").split():
            assert attrs["tabindex"] == "0"
            assert {"aria-label", "aria-labelledby"} & set(attrs)


def test_names_are_escaped(page):
    parsed = Page(page)
    assert parsed.all("b") == []
    assert any(HOSTILE in text for text, _ in parsed.texts)
    assert any(HOSTILE in text and "svg" in above for text, above in parsed.texts)


@pytest.mark.parametrize(
    "caution",
    [
        "A blank is not a zero: a missing flag means no or unknown.",
        "Synthetic rows are not victims: never report the number of rows as a number of people.",
        "Missing values follow the contributor, so they say how data were collected and not how "
        "common something is.",
    ],
)
def test_the_cautions_are_always_there(page, caution):
    assert caution in " ".join(page.split())


def test_page_is_marked_private_and_says_what_was_compared(page):
    for fact in ("Private: do not publish", "A tiny codebook", "cases.csv", "1,200", "2.4.6"):
        assert fact in page
    assert RecordSupport(k=20).sentence in page


def test_page_shows_another_plugins_measure_in_a_chart_and_a_table(page):
    (figure,) = [
        one
        for one in re.findall(r"<figure.*?</figure>", page, re.DOTALL)
        if f"<h3>{FOREIGN}</h3>" in one
    ]
    assert re.search(r"<text[^>]*>at worst</text>", figure)
    assert re.search(r"<td[^>]*><span>5,406</span></td>", figure)
    assert "How often one guesses right." in figure


def test_page_says_to_what_a_measure_does_not_apply(page):
    (card,) = [
        one for one in re.findall(r"<figure.*?</figure>", page, re.DOTALL) if f"<h3>{ROWS}" in one
    ]
    assert "Does not apply to: tables; broken" in card or "Does not apply to: tables." in card


def test_page_shows_which_gates_are_reached_by_words_and_sign(page):
    (table,) = re.findall(r'<table class="verdicts">.*?</table>', page, re.DOTALL)
    assert "\N{BALLOT X} 1 missed" in table
    assert "\N{CHECK MARK} 1 reached" in table
    assert "\N{EN DASH} 1 not measured" in table
    assert f"<li>{LEAKAGE}, every part == 0 %</li>" in page


def test_page_says_what_is_not_on_the_map(page):
    assert f"Not on the map, as one of the two was not measured there: {HOSTILE}".replace(
        HOSTILE, "&lt;b&gt;x&lt;/b&gt;"
    ) in " ".join(page.split())


def test_a_comparison_without_measures_still_gives_a_page():
    bare = Comparison(
        codebook=CODEBOOK,
        original=COMPARISON.original,
        measures=(),
        verdicts=COMPARISON.verdicts,
        rows=(),
    )
    assert "<svg" not in report.as_html(bare, report.Details())


def test_a_measure_that_failed_everywhere_still_has_its_table():
    failed = ScoreRow(candidate="tables", measure=ERROR, part=Shape.COUNTS, error="too long")
    comparison = Comparison(
        codebook=CODEBOOK,
        original=COMPARISON.original,
        measures=MEASURES,
        verdicts=(Verdict(name="tables"),),
        rows=(failed,),
    )
    assert "failed: too long" in report.as_html(comparison, report.Details())
    assert "failed: too long" in report.as_text(comparison, report.Details())


def test_a_measure_that_has_a_panel_and_failed_everywhere_is_told():
    failed = ScoreRow(
        candidate="tables", measure="group-error", part=Shape.COUNTS, error="too long"
    )
    comparison = Comparison(
        codebook=CODEBOOK,
        original=COMPARISON.original,
        measures=(measure("group-error", Side.UTILITY, Better.LOWER),),
        verdicts=(Verdict(name="tables"),),
        rows=(failed,),
    )
    assert "failed: too long" in report.as_html(comparison, report.Details())


def test_page_names_the_worst_of_candidates_and_not_of_controls():
    told = [
        ScoreRow(
            candidate=name,
            measure=LEAKAGE,
            part=Shape.RECORDS,
            score=Score(value=0.5, names=(f"rare of {name}",)),
        )
        for name in (COPY, "one")
    ]
    comparison = Comparison(
        codebook=CODEBOOK,
        original=COMPARISON.original,
        measures=MEASURES,
        verdicts=(COMPARISON.verdicts[0], Verdict(name="one")),
        rows=tuple(told),
    )
    page = report.as_html(comparison, DETAILS)
    assert "rare of one" in page
    assert f"rare of {COPY}" not in page
