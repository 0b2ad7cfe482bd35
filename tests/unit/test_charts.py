"""Charts as SVG: what is drawn where, and that nothing else gets into them."""

from __future__ import annotations

import doctest
import itertools
import re
from xml.etree import ElementTree

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.contract.results import Better, Score, Side
from ctdc_framework.plugin import Measure
from ctdc_framework.reports import charts, panels, pictures, risk_map
from ctdc_framework.reports.figures import Block, Line, Style
from ctdc_framework.runs.compare import Verdict

SVG = "{http://www.w3.org/2000/svg}"
WORDS = {"risk": "rare ones shown", "utility": "counts right"}


@frozen
class Nothing:
    pass


def block(better, *lines, unit="share", name="a-measure"):
    made = tuple(
        Line(
            name=name,
            verdict=Verdict(name=name, is_control=control),
            style=Style(number, control),
            scores={score.slice: score for score in scores if isinstance(score, Score)},
            error=next((one for one in scores if isinstance(one, str)), ""),
        )
        for number, (name, control, scores) in enumerate(lines)
    )
    return Block(
        measure=Measure(
            name=name,
            summary="what it says",
            side=Side.RISK,
            better=better,
            unit=unit,
            params=Nothing,
            compute=lambda *_: (),
        ),
        params={},
        slices=tuple(dict.fromkeys(part for line in made for part in line.scores)),
        lines=made,
    )


def at(value, part="all", **rest):
    return Score(value=value, slice=part, **rest)


def texts(svg):
    """Every text of a chart with its place."""
    found = []

    def walk(element, x, y):
        moved = re.match(r"translate\(([-\d.e]+),([-\d.e]+)\)", element.get("transform", ""))
        if moved:
            x, y = x + float(moved[1]), y + float(moved[2])
        if element.tag == f"{SVG}text":
            found.append(("".join(element.itertext()), x, y))
        for child in element:
            walk(child, x, y)

    walk(ElementTree.fromstring(svg), 0.0, 0.0)
    return found


def bars_of(svg):
    """The `d` of each bar."""
    marks = re.search(r'class="mark-rect role-mark[^>]*>(.*?)</g>', svg)
    return re.findall(r' d="([^"]*)"', marks[1]) if marks else []


def marks_of(svg):
    """The place of each mark of a map."""
    (group,) = re.findall(r'class="mark-symbol role-mark[^>]*>(.*?)</g>', svg)
    found = re.findall(r"translate\(([-\d.]+),([-\d.]+)\)", group)
    return [(float(x), float(y)) for x, y in found]


def test_doctests():
    assert not any(doctest.testmod(one).failed for one in (charts, panels, risk_map))


def test_a_chart_is_the_same_twice_and_tells_what_it_is():
    one = block(Better.LOWER, ("a & b", False, [at(0.5)]), name="<odd>")
    svg = charts.bars("c", one)
    assert charts.bars("c", one) == svg
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert root[0].text == "<odd>"
    assert root.get("aria-labelledby") == root[0].get("id") == "c-title"
    assert root.get("aria-describedby") == root[1].get("id") == "c-desc"
    assert re.findall(r'\bid="([^"]*)"', svg) == ["c-title", "c-desc"]


def test_bars_stand_under_their_slice_with_name_and_figure():
    one = block(
        Better.LOWER,
        ("first", False, [at(0.5, "length 1"), at(0.25, "length 2")]),
        ("second", True, [at(1.0, "length 1")]),
    )
    read = [text for text, _, y in sorted(texts(charts.bars("c", one, 1.0)), key=lambda t: t[2])]
    rows = [text for text in read if not text.endswith(" %") or text in ("50.0 %", "25.0 %")]
    assert rows.index("length 1") < rows.index("length 2")
    for wanted in ("first", "second (control)", "50.0 %", "25.0 %", "no figure"):
        assert wanted in rows


def test_what_is_not_there_is_said_and_has_no_bar():
    one = block(
        Better.LOWER,
        ("none", False, []),
        ("broken", False, ["it failed"]),
        ("zero", False, [at(0.0)]),
        ("some", False, [at(0.5)]),
    )
    svg = charts.bars("c", one, 1.0)
    assert len(bars_of(svg)) == 1
    read = {text for text, _, _ in texts(svg)}
    assert {"failed", "0 %", "50.0 %"} <= read
    assert "none" not in read, "the page says to what a measure does not apply at all"


def test_a_shared_scale_makes_equal_figures_equally_long():
    small = block(Better.LOWER, ("a", False, [at(0.5)]))
    large = block(Better.LOWER, ("a", False, [at(0.5)]), ("b", False, [at(2.0)]))
    assert bars_of(charts.bars("c", small, 2.0))[0] == bars_of(charts.bars("c", large, 2.0))[0]
    assert bars_of(charts.bars("c", small, 1.0))[0] != bars_of(charts.bars("c", large, 2.0))[0]


def test_figures_below_zero_and_all_zero_can_be_drawn():
    for values in ((-3.0, 2.0), (0.0, 0.0), (1e-9, 0.0), (1e12, 5.0)):
        lines = [(f"c{n}", False, [at(value)]) for n, value in enumerate(values)]
        ElementTree.fromstring(charts.bars("c", block(Better.HIGHER, *lines, unit="count")))


def test_names_of_any_length_stay_in_their_place():
    name = "a-very-long-name " * 6 + "[k=20, mode=seeded]"
    svg = charts.bars("c", block(Better.LOWER, (name, False, [at(0.5)]), ("b", False, [at(1)])))
    written = [text for text, _, _ in texts(svg)]
    assert max(map(len, written)) <= 2 * charts.LINE
    assert any(text.endswith("seeded]") for text in written)


def test_a_measure_of_many_slices_is_drawn_in_part():
    scores = [at(0.5, f"column {number}") for number in range(37)]
    svg = charts.bars("c", block(Better.LOWER, ("a", False, scores)))
    headings = [text for text, _, _ in texts(svg) if text.startswith("column")]
    assert len(headings) == charts.MOST_SLICES


def test_the_map_places_the_copy_at_the_risk_end():
    risk = block(
        Better.LOWER,
        ("safe", False, [at(0.0, "length 1"), at(0.0, "length 2")]),
        ("leaky", False, [at(0.3, "length 1"), at(0.05, "length 2")]),
        ("copy", True, [at(1.0, "length 1"), at(1.0, "length 2")]),
    )
    utility = block(
        Better.LOWER,
        ("safe", False, [at(0.0, "length 1"), at(0.7, "length 2")]),
        ("leaky", False, [at(0.0, "length 1"), at(0.2, "length 2")]),
        ("copy", True, [at(0.0, "length 1"), at(0.0, "length 2")]),
    )
    points = risk_map.points_of([risk], utility)
    assert [(p.name, p.risk, round(p.utility, 6)) for p in points] == [
        ("safe", 0.0, 0.3),
        ("leaky", 0.05, 0.8),
        ("copy (control)", 1.0, 1.0),
    ]
    safe, leaky, copy = marks_of(risk_map.risk_utility_map("m", points, **WORDS))
    assert safe[0] < leaky[0] < copy[0]
    assert copy[0] == risk_map.MAP_WIDTH - risk_map.MARGIN
    assert copy[1] < leaky[1] < safe[1]


def test_the_map_tells_a_little_leakage_from_none():
    points = [
        risk_map.Point(name=name, style=Style(0), risk=risk, utility=0.5)
        for name, risk in (("none", 0.0), ("a little", 0.001))
    ]
    none, little = marks_of(risk_map.risk_utility_map("m", points, **WORDS))
    assert little[0] - none[0] > 20


def test_the_map_leaves_out_what_has_no_figures_at_the_longest_length():
    risk = block(
        Better.LOWER,
        ("long", False, [at(0.9, "length 1"), at(0.0, "length 2")]),
        ("short", False, [at(0.0, "length 1")]),
    )
    utility = block(
        Better.HIGHER,
        ("long", False, [at(0.9, "length 1"), at(0.5, "length 2", low=0.4, high=0.6)]),
        ("short", False, [at(0.9, "length 1")]),
    )
    (point,) = risk_map.points_of([risk], utility)
    assert (point.name, point.utility, point.utility_span) == ("long", 0.5, (0.4, 0.6))


def test_single_values_put_no_harmless_candidate_beside_the_copy():
    # Shuffled columns show every rare single value, and hardly a rare combination.
    risk = block(Better.LOWER, ("shuffled", True, [at(1.0, "length 1"), at(0.2, "length 2")]))
    utility = block(Better.LOWER, ("shuffled", True, [at(0.0, "length 1"), at(0.4, "length 2")]))

    (point,) = risk_map.points_of([risk], utility)

    assert point.risk == 0.2


def test_a_line_joins_the_candidates_of_a_sweep():
    names = ("k-synthesis[k=5]", "k-synthesis[k=10]", "other", "alone[k=5]", "two[k=5,length=2]")
    points = [
        risk_map.Point(name=name, style=Style(n), risk=0.1 * n, utility=0.2 * n)
        for n, name in enumerate(names)
    ]
    assert [point.sweep for point in points] == ["k-synthesis", "k-synthesis", "", "alone", ""]

    joined = risk_map.risk_utility_map("m", points, **WORDS)
    apart = risk_map.risk_utility_map("m", points[1:], **WORDS)

    assert joined.count("stroke-dasharray") == apart.count("stroke-dasharray") + 1


def test_the_worst_risk_by_its_upper_bound_is_on_the_map():
    utility = block(Better.HIGHER, ("one", False, [at(0.5)]), ("failed", False, [at(0.5)]))
    rare = block(Better.LOWER, ("one", False, [at(0.2, low=0.1, high=0.3)]), name="rare")
    rows = block(
        Better.LOWER, ("one", False, [at(0.25)]), ("failed", False, ["it failed"]), name="rows"
    )
    (point,) = risk_map.points_of([rare, rows], utility)
    assert (point.worst, point.risk, point.upper) == ("rare", 0.2, 0.3)


FRONT = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.5]), st.sampled_from([0.2, 0.4, 0.9]), st.booleans()),
    max_size=7,
)


@given(FRONT)
def test_the_front_is_what_nothing_that_may_be_released_beats(marks):
    points = [
        risk_map.Point(name=str(n), style=Style(n, may_release=free), risk=risk, utility=utility)
        for n, (risk, utility, free) in enumerate(marks)
    ]
    front = risk_map.front_of(points)

    def beaten(point):
        return any(
            other.style.may_release
            and other.risk <= point.risk
            and other.utility >= point.utility
            and (other.risk, other.utility) != (point.risk, point.utility)
            for other in points
        )

    kept = {(p.risk, p.utility) for p in points if p.style.may_release and not beaten(p)}
    assert [(p.risk, p.utility) for p in front] == sorted(kept)
    controls = [risk_map.Point(name="c", style=Style(0, True), risk=0.0, utility=1.0)]
    assert risk_map.front_of(controls) == []


def rectangles(svg):
    """The shaded parts of a map, as (left, top, right, bottom) within it."""
    group = re.search(r'class="mark-rect role-mark[^>]*>(.*?)</g>', svg)
    shapes = re.findall(r' d="M([-\d.]+),([-\d.]+)h([-\d.]+)v([-\d.]+)', group[1]) if group else []
    return [(x, y, x + w, y + h) for x, y, w, h in (map(float, one) for one in shapes)]


def test_where_a_gate_is_missed_is_shaded_and_what_reaches_it_is_not():
    points = [
        risk_map.Point(name=f"{risk} {utility}", style=Style(0), risk=risk, utility=utility)
        for risk, utility in ((0.0, 0.9), (0.0, 0.2), (0.05, 0.9), (0.002, 0.2))
    ]
    limits = risk_map.Limits(risk=0.0, utility=0.5)
    svg = risk_map.risk_utility_map("m", points, **WORDS, limits=limits)
    shades = rectangles(svg)
    inside = [
        sum(left < x < right and top < y < bottom for left, top, right, bottom in shades)
        for x, y in marks_of(svg)
    ]
    assert inside == [0, 1, 1, 1]
    assert rectangles(risk_map.risk_utility_map("m", points, **WORDS)) == []


# Panels


def test_a_cell_of_a_heat_map_is_the_darker_the_more_is_wrong():
    cells = {("length 1", "10 to 19"): 0.0, ("length 1", "20 and more"): 0.4}
    cells |= {("length 2", "10 to 19"): 1.0, ("length 2", "20 and more"): 1.7}
    svg = panels.heat_map("h", "one", cells)
    fills = re.findall(
        r'<path aria-label[^>]*fill="(#\w+)"|<path[^>]* fill="(#\w{6})" stroke="#888', svg
    )
    colours = [a or b for a, b in fills]
    light = [sum(int(one[n : n + 2], 16) for n in (1, 3, 5)) for one in colours]
    assert len(light) == 4
    assert light[0] > light[1] > light[2] == light[3]
    written = {text for text, _, _ in texts(svg)}
    assert {"0 %", "40 %", "100 %", "170 %", "length 1", "length 2"} <= written


@given(st.floats(0, 3))
def test_figures_in_a_heat_map_can_be_read(value):
    shade = panels._shade(value)
    ground = panels._light([int(shade["colour"][n : n + 2], 16) for n in (1, 3, 5)])
    ink = {"#ffffff": 1.0, "#000000": 0.0}[shade["ink"]]
    brighter, darker = max(ground, ink), min(ground, ink)
    assert (brighter + 0.05) / (darker + 0.05) >= 4.5
    assert (shade["t"] == "0 %") == (value == 0)
    assert (shade["t"] == "100 %") <= (value >= 1)


def test_a_panel_has_a_mark_of_each_kind_in_its_row():
    rows = {"gender": {"own": 0.1, "chance": 0.02}, "age": {"own": 0.05}}
    kinds = (
        panels.Kind(name="own", shape="circle", strong=True),
        panels.Kind(name="chance", shape=panels.TICK, filled=False),
    )
    svg = panels.marks("p", "one", kinds, rows, "#0072B2", 0.1)
    groups = re.findall(r'class="mark-symbol role-mark[^>]*>(.*?)</g>', svg)
    places = [re.findall(r"translate\(([-\d.]+),([-\d.]+)\)", group) for group in groups]
    assert [len(one) for one in places] == [2, 1]
    (own, other), (chance,) = places
    assert float(chance[0]) < float(other[0]) < float(own[0])
    assert chance[1] == own[1] != other[1]
    assert {"gender", "age"} <= {text for text, _, _ in texts(svg)}


def test_bars_of_a_waterfall_begin_where_the_last_one_ended():
    steps = [
        panels.Step(name="recorded", start=0, end=1, is_total=True),
        panels.Step(name="left out", start=1, end=0.7),
        panels.Step(name="nothing", start=0.7, end=0.7),
        panels.Step(name="released", start=0, end=0.7, is_total=True),
    ]
    svg = panels.waterfall("w", "one", steps, "#0072B2", 1.0)
    assert len(bars_of(svg)) == 3
    written = {text for text, _, _ in texts(svg)}
    assert {"100 %", "\N{MINUS SIGN}30.0 %", "0 %", "70.0 %"} <= written


def test_the_parts_of_a_picture_are_sorted_by_what_is_beyond_their_mark():
    scores = [at(0.9, "often"), at(0.88, "often, mode guess"), at(0.5, "rare=a, b")]
    scores += [at(0.2, "rare=a, b, mode guess"), at(0.1, "rare=a, b, marginal guess")]
    one = block(
        Better.LOWER, ("a", False, scores), ("b", False, ["it failed"]), name="attribute-inference"
    )
    picture = pictures._attacks(one)
    assert picture.rows == (
        ("a", "often", "90.0 %", "88.0 %", "-"),
        ("a", "rare=a, b", "50.0 %", "20.0 %", "10.0 %"),
    )
    (panel,) = picture.panels
    names = [text for text, _, y in sorted(texts(panel.svg), key=lambda t: t[2]) if "%" not in text]
    assert names == ["rare=a, b", "often"]
    assert picture.failed == (("b", "it failed"),)


def test_what_is_surely_learnt_of_members_comes_first_with_its_interval():
    scores = [at(0.4, "unsure", low=0.0, high=0.8), at(0.1, "sure", low=0.05, high=0.15)]
    one = block(Better.LOWER, ("a", False, scores), name="attribute-inference-excess")
    picture = pictures._excess(one)
    (panel,) = picture.panels
    names = [text for text, _, y in sorted(texts(panel.svg), key=lambda t: t[2]) if "%" not in text]
    assert names == ["sure", "unsure"]
    assert picture.rows[0] == ("a", "unsure", "40.0 % (0-80.0)", "-", "-")
    assert 'class="mark-rule role-mark' in panel.svg


def test_what_is_worse_than_nothing_is_drawn_at_the_edge():
    points = [
        risk_map.Point(
            name="bad", style=Style(0), risk=0.5, utility=-3.0, utility_span=(-4.0, -2.0)
        )
    ]
    ((_, y),) = marks_of(risk_map.risk_utility_map("m", points, **WORDS))
    assert y == risk_map.MAP_HEIGHT - risk_map.MARGIN


@pytest.mark.parametrize("risk", [0.0, 0.02, 1.0])
def test_labels_of_marks_at_one_place_stand_apart(risk):
    points = [
        risk_map.Point(
            name=f"k-synthesis[k={n}, mode=seeded]", style=Style(n), risk=risk, utility=0.3
        )
        for n in range(10)
    ]
    svg = risk_map.risk_utility_map("m", points, **WORDS)
    text = r'<text text-anchor="(\w+)" transform="translate\(([-\d.]+),([-\d.]+)\)"[^>]*>k-syn'
    found = [(anchor, float(x), float(y)) for anchor, x, y in re.findall(text, svg)]
    assert len(found) == 10
    for (anchor, x, y), (other, other_x, other_y) in itertools.combinations(found, 2):
        if anchor == other:
            assert abs(y - other_y) >= 12
        else:  # one stands left of the mark and one right of it
            assert (x < other_x) == (anchor == "end")


def test_candidates_differ_by_shape_where_their_colours_are_the_same():
    looks = {(Style(number).colour, Style(number).shape) for number in range(49)}
    assert len(looks) == 49
    assert Style(0, is_control=True).colour == Style(5, is_control=True).colour


def test_what_may_not_be_released_is_hollow_and_a_control_is_not():
    assert Style(0, may_release=False).fields()["fill"] == 0
    assert Style(0).fields()["fill"] > 0
    assert Style(0, is_control=True, may_release=False).fields()["fill"] > 0


@given(st.text(alphabet="ab [],-+=_1", min_size=1, max_size=90), st.integers(3, 40))
def test_a_wrapped_name_keeps_every_sign_and_its_width(name, width):
    lines = charts.wrapped_name(name, width)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(name.split())


@given(st.text(max_size=60), st.integers(3, 50))
def test_a_shortened_text_is_short_enough(text, most):
    short = charts.shortened(text, most)
    assert len(short) == min(len(text), most)
    assert short[:1] == text[:1]
    assert short[-1:] == text[-1:]
