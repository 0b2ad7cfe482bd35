"""Draw the map of risk beside utility: the one picture that a choice begins with."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from ctdc_framework.contract.results import Better
from ctdc_framework.reports.charts import FONT_SIZE, paint, shortened, span_of, svg
from ctdc_framework.reports.figures import CLASSES, Block, Style

MAP_WIDTH, MAP_HEIGHT, MARGIN = 490, 330, 16
SMALLEST = 0.001
"""Where the map's axis of risk goes over from even steps to steps of ten."""
_ACROSS = (MAP_WIDTH - 2 * MARGIN) / math.log1p(1 / SMALLEST)
ALARM = "#C44200"
"""What is shaded: it shows on white and on black."""


@frozen(kw_only=True)
class Point:
    """One mark of the map: shares of risk and of utility, with what they span."""

    name: str
    style: Style
    risk: float
    utility: float
    risk_span: tuple[float, float] | None = None
    utility_span: tuple[float, float] | None = None
    worst: str = ""
    """The measure that the risk is of: of all core risks the highest."""

    @property
    def upper(self) -> float:
        """The risk at its upper bound."""
        return self.risk_span[1] if self.risk_span else self.risk

    @property
    def sweep(self) -> str:
        """What it shares with the others of its sweep; empty where one parameter is not swept."""
        swept = re.search(r"\[[^\],]*\]", self.name)
        return self.name.replace(swept[0], "") if swept else ""


@frozen(kw_only=True)
class Limits:
    """What gates of the plan ask on the map's axes: the most risk, and the least utility."""

    risk: float | None = None
    utility: float | None = None


def points_of(risks: Sequence[Block], utility: Block) -> list[Point]:
    """Give each candidate's worst risk beside its utility, both at the last slice: full length.

    The worst is that with the highest upper bound. A risk that does not apply is left out; one that
    failed, or was not measured at the full length, as for tables of shorter combinations, keeps the
    candidate off the map. A shorter length would tell less: single values are shown by what is safe
    and by what is not.
    """
    by_risk = [(risk, {line.name: line for line in risk.lines}) for risk in risks if risk.slices]
    points = []
    for line in utility.lines:
        kept = line.scores.get(utility.slices[-1])
        own = [
            (risk.measure.name, of[line.name].scores.get(risk.slices[-1]))
            for risk, of in by_risk
            if line.name in of and (of[line.name].scores or of[line.name].error)
        ]
        known = [(name, score) for name, score in own if score is not None]
        if kept is None or line.error or not known or len(known) < len(own):
            continue
        value, span = kept.value, span_of(kept)
        # Of an error, and of counts that are beyond bounds, what is right is the rest.
        if utility.measure.better is Better.LOWER or utility.measure.name == CLASSES:
            value, span = 1 - value, (1 - span[1], 1 - span[0]) if span else None
        name, worst = max(known, key=lambda one: (span_of(one[1]) or (0, one[1].value))[1])
        points.append(
            Point(
                name=line.label,
                style=line.style,
                risk=min(max(worst.value, 0.0), 1.0),
                utility=value,
                risk_span=span_of(worst),
                utility_span=span,
                worst=name,
            )
        )
    return points


def front_of(points: Sequence[Point]) -> list[Point]:
    """Give, from little risk to much, what may be released and is beaten by none that may be.

    One beats another where neither its risk, at the upper bound, nor its utility is worse, and one
    of them is better.
    """
    free = [one for one in points if one.style.may_release and not one.style.is_control]
    found: list[Point] = []
    for point in sorted(free, key=lambda one: (one.upper, -one.utility)):
        if not found or point.utility > found[-1].utility:
            found.append(point)
    return found


def risk_utility_map(
    key: str, points: Sequence[Point], risk: str, utility: str, limits: Limits | None = None
) -> str:
    """Draw a mark per candidate, risk to the right and utility upwards; the words say what.

    The axis of risk goes in steps of ten and begins at a true zero: what leaks a little must not
    look like what leaks nothing. A utility below zero is drawn at zero. Where it is shaded, a gate
    of the plan is missed; a full line is the front, and dashed lines join sweeps.
    """
    import altair as alt

    highest = max([1.0, *(point.utility for point in points)])
    x_scale = alt.Scale(
        type="symlog", constant=SMALLEST, domain=[0, 1], range=[MARGIN, MAP_WIDTH - MARGIN]
    )
    y_scale = alt.Scale(domain=[0, highest], range=[MAP_HEIGHT - MARGIN, MARGIN], nice=False)
    per_cent = "format(datum.value * 100, '~r') + ' %'"
    line = {"ticks": False, "domain": False, "labelExpr": per_cent, "labelFlush": False}
    x_axis = alt.Axis(values=[0, 0.001, 0.01, 0.1, 1], labelPadding=6, titlePadding=8, **line)
    y_axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], labelPadding=6, titlePadding=8, **line)
    x = alt.X("x:Q", title=risk, scale=x_scale, axis=x_axis)
    y = alt.Y("y:Q", title=utility, scale=y_scale, axis=y_axis)

    def layer(rows: Sequence[dict[str, Any]]) -> Any:
        data = alt.InlineData(values=list(rows))
        return alt.Chart(data, width=MAP_WIDTH, height=MAP_HEIGHT).encode(x=x, y=y)

    marks, spans = [], []
    for point in points:
        place = {"x": point.risk, "y": _inside(point.utility, highest)}
        marks.append({**place, **point.style.fields()})
        colour = {"colour": point.style.colour}
        if point.risk_span:
            low, high = point.risk_span
            spans.append({**place, **colour, "x": low, "x2": high, "y2": place["y"]})
        if point.utility_span:
            low, high = (_inside(end, highest) for end in point.utility_span)
            spans.append({**place, **colour, "y": low, "y2": high, "x2": place["x"]})
    labels = list(_labels(points, highest))
    inked, shape = paint(), alt.Shape("shape:N", scale=None)
    ends = {"x2": alt.X2("x2:Q"), "y2": alt.Y2("y2:Q")}
    missed = list(_missed(limits or Limits(), highest))
    corners = {"x2": alt.X2("x2:Q"), "y2": alt.Y2("y2:Q")}
    layers = [
        layer(missed).mark_rect(color=ALARM, opacity=0.13).encode(**corners),
        layer(_staircase(front_of(points), highest))
        .mark_line(strokeWidth=1.5, interpolate="linear", color="currentColor", opacity=0.75)
        .encode(order=alt.Order("place:Q")),
        *(
            layer(rows)
            .mark_line(strokeWidth=1.5, strokeDash=[4, 3], opacity=0.6, color="currentColor")
            .encode(order=alt.Order("place:Q"))
            for rows in _sweeps(points, highest)
        ),
        layer([one for one in labels if one["led"]])
        .mark_rule(color="currentColor", opacity=0.5)
        .encode(**ends),
        layer(spans).mark_rule(strokeWidth=1.5).encode(**ends, color=inked["color"]),
        layer(marks)
        .mark_point(filled=True, size=90, strokeWidth=2, opacity=1)
        .encode(**inked, shape=shape),
    ]
    for align in ("left", "right"):
        text = layer([one for one in labels if one["align"] == align])
        dx = 10 if align == "left" else -10
        place = {"x": alt.X("start:Q"), "y": alt.Y("y2:Q")}
        layers.append(text.mark_text(align=align, dx=dx).encode(**place, text=alt.Text("text:N")))
    description = (
        f"A mark for each of {len(points)} candidates and controls. To the right: {risk}. Upwards: "
        f"{utility}. Shaded: a gate is missed. The table beside the chart holds the figures."
    )
    return svg(alt.layer(*layers), key, "Risk beside utility", description)


def _missed(limits: Limits, highest: float) -> Iterator[dict[str, float]]:
    """Give the parts of the map where a gate is missed, as rectangles that do not overlap."""
    left = 0.0
    if limits.risk is not None and limits.risk < 1:
        # A mark at the limit itself has passed: the shade begins beside it.
        left = min(1.0, _risk_at(_across(limits.risk) + 9))
        yield {"x": left, "x2": 1.0, "y": 0.0, "y2": highest}
    if limits.utility is not None and limits.utility > 0:
        end = left if left else 1.0
        yield {"x": _risk_at(2), "x2": end, "y": 0.0, "y2": min(limits.utility, highest)}


def _staircase(front: Sequence[Point], highest: float) -> list[dict[str, float]]:
    """Give the corners of the front, from the lower edge to the right one."""
    corners, level = [], 0.0
    for point in front:
        height = _inside(point.utility, highest)
        corners += [(point.upper, level), (point.upper, height)]
        level = height
    if corners:
        corners.append((1.0, level))
    return [{"x": x, "y": y, "place": place} for place, (x, y) in enumerate(corners)]


def _across(risk: float) -> float:
    """Give the place on the axis of risk, in pixels."""
    return MARGIN + math.log1p(risk / SMALLEST) * _ACROSS


def _risk_at(place: float) -> float:
    return SMALLEST * math.expm1((place - MARGIN) / _ACROSS)


def _sweeps(points: Sequence[Point], highest: float) -> Iterator[list[dict[str, float]]]:
    """Give the places that a line joins: the candidates of each sweep, in the plan's order."""
    for sweep in dict.fromkeys(point.sweep for point in points if point.sweep):
        own = [point for point in points if point.sweep == sweep]
        if len(own) > 1:
            yield [
                {"x": point.risk, "y": _inside(point.utility, highest), "place": place}
                for place, point in enumerate(own)
            ]


def _inside(utility: float, highest: float) -> float:
    return min(max(utility, 0.0), highest)


def _labels(points: Sequence[Point], highest: float) -> Iterator[dict[str, Any]]:
    """Find each mark's label a free place, nearest first; one that has moved gets a line."""
    up = (MAP_HEIGHT - 2 * MARGIN) / highest

    spots = [
        (
            _across(point.risk),
            MAP_HEIGHT - MARGIN - _inside(point.utility, highest) * up,
            point,
        )
        for point in points
    ]
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y, _ in spots]
    for line in (_staircase(front_of(points), highest), *_sweeps(points, highest)):
        places = [(_across(at["x"]), MAP_HEIGHT - MARGIN - at["y"] * up) for at in line]
        taken += [box for ends in itertools.pairwise(places) for box in _along(*ends)]
    placed: list[tuple[float, float]] = []
    for x, y, point in sorted(spots, key=lambda spot: (spot[1], -spot[0])):
        text = shortened(point.name, 38)
        width = len(text) * FONT_SIZE * 0.6 + 12
        # Marks are labelled from the top: no line crosses another while labels stay in order.
        above = max((at for other, at in placed if abs(other - x) < 30), default=0.0)
        for strict, move, side in itertools.product((True, False), _moves(), (1, -1)):
            start = x + side * (9 + (14 if move else 0))
            end, at = start + side * width, y + move
            box = (min(start, end), at - 7, max(start, end), at + 7)
            inside = box[0] >= 0 and box[2] <= MAP_WIDTH and 7 <= at <= MAP_HEIGHT - 7
            inside = inside and (at > above or not strict)
            if inside and not any(_meet(box, other) for other in taken):
                break
        else:  # no room anywhere: its own place is the least wrong
            move, side, at = 0, 1, y
        taken.append(box)
        placed.append((x, at))
        yield {
            "text": text,
            "align": "left" if side > 0 else "right",
            "led": bool(move),
            "x": point.risk,
            "y": _inside(point.utility, highest),
            "start": _risk_at(x + side * 14) if move else point.risk,
            "x2": _risk_at(x + side * 22),
            "y2": (MAP_HEIGHT - MARGIN - at) / up,
        }


def _along(
    start: tuple[float, float], end: tuple[float, float]
) -> Iterator[tuple[float, float, float, float]]:
    """Give small boxes along a line, so that no label is struck through."""
    steps = max(1, int(math.dist(start, end) // 8))
    for step in range(steps + 1):
        x, y = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
        yield (x - 1, y - 1, x + 1, y + 1)


def _moves() -> Iterator[int]:
    """Go up and down from a mark, by lines of text."""
    yield 0
    for lines in range(1, MAP_HEIGHT // 14):
        yield from (-14 * lines, 14 * lines)


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
