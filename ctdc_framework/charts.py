"""Draw figures as SVG: bars of one measure, and the map of risk beside utility.

A chart holds the few figures that it draws and nothing else, so that no data end up in a page. Its
text takes the colour of the page around it. The same figures give the same bytes.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen
from markupsafe import escape

from ctdc_framework.figures import Block, Style
from ctdc_framework.results import Better, Score

FONT_SIZE = 11
NAMES, BARS = 170, 180
"""Widths of a bar chart's names and bars: together they fit a telephone."""
LINE = 25
"""Characters on one of the two lines that a name may take."""
MAP_WIDTH, MAP_HEIGHT, MARGIN = 490, 330, 16
MOST_SLICES = 8
"""A chart with more would be endless; its table holds them all."""
SMALLEST = 0.001
"""Where the map's axis of risk goes over from even steps to steps of ten."""


@frozen(kw_only=True)
class Point:
    """One mark of the map: shares of risk and of utility, with what they span."""

    name: str
    style: Style
    risk: float
    utility: float
    risk_span: tuple[float, float] | None = None
    utility_span: tuple[float, float] | None = None

    @property
    def sweep(self) -> str:
        """What it shares with the others of its sweep; empty where one parameter is not swept."""
        swept = re.search(r"\[[^\],]*\]", self.name)
        return self.name.replace(swept[0], "") if swept else ""


def points_of(risk: Block, utility: Block) -> list[Point]:
    """Give each candidate's risk beside its utility, both at the last slice: the full length.

    One that has none there, such as tables of shorter combinations, is not on the map. A shorter
    length would tell less: single values are shown by what is safe and by what is not.
    """
    utilities = {line.name: line.scores.get(utility.slices[-1]) for line in utility.lines}
    points = []
    for line in risk.lines:
        kept, shown = utilities.get(line.name), line.scores.get(risk.slices[-1])
        if kept is None or shown is None or line.error:
            continue
        value, span = kept.value, _span(kept)
        if utility.measure.better is Better.LOWER:  # an error: what is right is the rest
            value, span = 1 - value, (1 - span[1], 1 - span[0]) if span else None
        points.append(
            Point(
                name=line.label,
                style=line.style,
                risk=min(max(shown.value, 0.0), 1.0),
                utility=value,
                risk_span=_span(shown),
                utility_span=span,
            )
        )
    return points


def _span(score: Score) -> tuple[float, float] | None:
    return None if score.low is None or score.high is None else (score.low, score.high)


def bars(key: str, block: Block, top: float = 0.0) -> str:
    """Draw one measure: a section per slice, a bar per candidate, all on one scale from zero.

    The scale reaches `top` at least, so that several charts can share one. `key` names the chart
    in its page.
    """
    import altair as alt

    rows = list(_bar_rows(block))
    ends = [row[end] for row in rows for end in ("value", "low", "high") if end in row]
    lowest, highest = min([0.0, *ends]), max([top, *ends])
    highest = highest if highest > lowest else 1.0
    room = (highest - lowest) * 55 / (BARS - 55)  # for the figure after the longest bar
    share = block.measure.unit == "share"
    x = alt.X(
        "value:Q",
        title=None,
        scale=alt.Scale(domain=[lowest, highest + room], nice=False),
        axis=alt.Axis(
            values=_ticks(lowest, highest),
            labelExpr="format(datum.value * 100, '~r') + ' %'" if share else "datum.label",
            domain=False,
            ticks=False,
            labelFlush=False,
        ),
    )
    # The axis holds the names' place and no more: they are drawn as text, some on two lines.
    y = alt.Y(
        "row:N",
        title=None,
        scale=alt.Scale(domain=[row["row"] for row in rows]),
        axis=alt.Axis(labels=False, ticks=False, domain=False),
    )
    # A row takes two lines only where a name needs them.
    height = len(rows) * (28 if any("long_name" in row for row in rows) else 19)

    def layer(holding: str, *names: str) -> Any:
        data = [{n: row[n] for n in ("row", holding, *names)} for row in rows if holding in row]
        return alt.Chart(alt.InlineData(values=data), width=BARS, height=height).encode(y=y)

    span = layer("low", "high").mark_rule(color="currentColor", strokeWidth=1.5)
    words = layer("text", "end").mark_text(align="left", dx=4)
    heading = layer("heading").mark_text(align="left", fontWeight="bold", dy=2)
    name = {"align": "right", "dx": -8}
    chart = alt.layer(
        layer("value", "colour", "fill")
        .mark_bar(height=11, strokeWidth=1.5)
        .encode(x=x, **_paint()),
        span.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q")),
        words.encode(x=alt.X("end:Q"), text=alt.Text("text:N")),
        heading.encode(x=alt.value(-NAMES), text=alt.Text("heading:N")),
        *(
            layer(one)
            .mark_text(lineBreak="\n", lineHeight=12, dy=dy, **name)
            .encode(x=alt.value(0), text=alt.Text(f"{one}:N"))
            for one, dy in (("name", 0), ("long_name", -6))
        ),
    )
    # Sizes are fixed, so that no chart is narrower than its neighbour by a shorter name.
    padding = {"left": NAMES + 4, "right": 4, "top": 4, "bottom": 20}
    description = (
        f"{block.measure.summary}: {block.better_words}. A bar for each of {len(block.lines)} "
        "candidates and controls; the table beside the chart holds the figures."
    )
    return _svg(chart, key, block.measure.name, description, autosize="none", padding=padding)


def _paint() -> dict[str, Any]:
    import altair as alt

    colour, fill = alt.Color("colour:N", scale=None), alt.FillOpacity("fill:Q", scale=None)
    return {"color": colour, "stroke": alt.Stroke("colour:N", scale=None), "fillOpacity": fill}


def _bar_rows(block: Block) -> Iterator[dict[str, Any]]:
    number = itertools.count()
    for part in block.slices[:MOST_SLICES] or ("all",):
        if part != "all":
            yield {"row": next(number), "heading": shortened(part, 50)}
        for line in block.lines:
            name, score = _two_lines(line.label), line.scores.get(part)
            row = {"row": next(number), "long_name" if "\n" in name else "name": name}
            # A bar that is not there must not look like one of length 0.
            row |= {"end": 0, "text": "failed" if line.error else "does not apply"}
            if score is not None and not line.error:
                row |= {**line.style.fields(), "text": block.cell(line, part, spans=False)}
                row["end"] = max(0.0, score.value, score.high or 0.0)
                if score.value:  # the outline of nothing would look like a little
                    row["value"] = score.value
                if span := _span(score):
                    row |= {"low": span[0], "high": span[1]}
            yield row


def _ticks(lowest: float, highest: float) -> list[float]:
    """Give two to four round numbers for an axis, 0 among them.

    >>> _ticks(0, 1), _ticks(0, 5406), _ticks(-1, 2.28)
    ([0.0, 0.5, 1.0], [0.0, 2000.0, 4000.0], [-1.0, 0.0, 1.0, 2.0])
    """
    rough = (highest - lowest) / 2
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (5, 2, 1) if n * power <= rough * 1.0001)
    numbers = range(math.ceil(lowest / step), math.floor(highest / step * 1.0001) + 1)
    return [round(number * step, 12) for number in numbers]


def risk_utility_map(key: str, points: Sequence[Point], risk: str, utility: str) -> str:
    """Draw a mark per candidate, risk to the right and utility upwards; the words say what.

    The axis of risk goes in steps of ten and begins at a true zero: what leaks a little must not
    look like what leaks nothing. A utility below zero is drawn at zero.
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
    paint, shape = _paint(), alt.Shape("shape:N", scale=None)
    ends = {"x2": alt.X2("x2:Q"), "y2": alt.Y2("y2:Q")}
    layers = [
        *(
            layer(rows)
            .mark_line(strokeWidth=1.5, strokeDash=[4, 3], opacity=0.6, color="currentColor")
            .encode(order=alt.Order("place:Q"))
            for rows in _sweeps(points, highest)
        ),
        layer([one for one in labels if one["led"]])
        .mark_rule(color="currentColor", opacity=0.5)
        .encode(**ends),
        layer(spans).mark_rule(strokeWidth=1.5).encode(**ends, color=paint["color"]),
        layer(marks)
        .mark_point(filled=True, size=90, strokeWidth=2, opacity=1)
        .encode(**paint, shape=shape),
    ]
    for align in ("left", "right"):
        text = layer([one for one in labels if one["align"] == align])
        dx = 10 if align == "left" else -10
        place = {"x": alt.X("start:Q"), "y": alt.Y("y2:Q")}
        layers.append(text.mark_text(align=align, dx=dx).encode(**place, text=alt.Text("text:N")))
    description = (
        f"A mark for each of {len(points)} candidates and controls. To the right: {risk}. Upwards: "
        f"{utility}. The table beside the chart holds the figures."
    )
    return _svg(alt.layer(*layers), key, "Risk beside utility", description)


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
    across = (MAP_WIDTH - 2 * MARGIN) / math.log1p(1 / SMALLEST)
    up = (MAP_HEIGHT - 2 * MARGIN) / highest

    def risk_at(x: float) -> float:
        return SMALLEST * math.expm1((x - MARGIN) / across)

    spots = [
        (
            MARGIN + math.log1p(point.risk / SMALLEST) * across,
            MAP_HEIGHT - MARGIN - _inside(point.utility, highest) * up,
            point,
        )
        for point in points
    ]
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y, _ in spots]
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
            "start": risk_at(x + side * 14) if move else point.risk,
            "x2": risk_at(x + side * 22),
            "y2": (MAP_HEIGHT - MARGIN - at) / up,
        }


def _moves() -> Iterator[int]:
    """Go up and down from a mark, by lines of text."""
    yield 0
    for lines in range(1, MAP_HEIGHT // 14):
        yield from (-14 * lines, 14 * lines)


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def shortened(text: str, most: int) -> str:
    """Leave out the middle of a text that is too long: names of a sweep differ at the end.

    >>> shortened("k-synthesis[k=20, mode=seeded]", 20)
    'k-synthes…de=seeded]'
    """
    if len(text) <= most:
        return text
    begin = (most - 1) // 2
    return f"{text[:begin]}…{text[begin + 1 - most :]}"


def wrapped_name(name: str, width: int) -> list[str]:
    """Break a name where its parts end; where one is too long, anywhere.

    >>> wrapped_name("k-synthesis[k=20,mode=seeded]", 20)
    ['k-synthesis[k=20,', ' mode=seeded]']
    """
    lines = [""]
    for part in re.findall(r"[^\s,\[+-]*[\s,\[+-]?", name):
        if len(lines[-1] + part.rstrip()) > width and lines[-1].strip():
            lines.append(" ")
        lines[-1] += part
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], " " + lines[-1][width:]]
    return [line.rstrip() for line in lines]


def _two_lines(name: str) -> str:
    """Put a name on the one or two lines that it may take, its middle left out if need be."""
    lines = wrapped_name(name, LINE)
    if len(lines) > 2:
        cut = shortened(name, 2 * LINE)
        lines = [cut[:LINE], cut[LINE:]]
    return "\n".join(line.strip() for line in lines)


def _svg(chart: Any, key: str, title: str, description: str, **sizes: Any) -> str:
    import altair as alt
    import vl_convert

    ink = "currentColor"
    axis: dict[str, Any] = {"labelColor": ink, "titleColor": ink, "gridColor": ink}
    axis |= {"gridOpacity": 0.18, "labelFontSize": FONT_SIZE, "titleFontWeight": "normal"}
    config = {"aria": False, "background": "transparent", "font": "sans-serif", "axis": axis}
    config |= {"text": {"color": ink, "fontSize": FONT_SIZE}, "view": {"stroke": None}}
    spec = chart.to_dict(validate=False) | sizes | {"config": config}
    version = re.match(r"v(\d+\.\d+)", alt.SCHEMA_VERSION)
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=version[1] if version else None)
    head, _, body = svg.partition(">")
    return (
        f'{head} role="img" aria-labelledby="{key}-title" aria-describedby="{key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(description)}</desc>{body}'
    )
