"""Draw figures as SVG: what all charts share, and bars of one measure.

A chart holds the few figures that it draws and nothing else, so that no data end up in a page. Its
text takes the colour of the page around it. The same figures give the same bytes.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from markupsafe import escape

from ctdc_framework.contract.results import Score
from ctdc_framework.reports.figures import SHARES, Block
from ctdc_framework.runs.compare import SUBSAMPLES

FONT_SIZE = 11
NAMES, BARS = 170, 180
"""Widths of a bar chart's names and bars: together they fit a telephone."""
LINE = 25
"""Characters on one of the two lines that a name may take."""
MOST_SLICES = 9
"""A chart with more would be endless; its table holds them all."""


def span_of(score: Score) -> tuple[float, float] | None:
    """Give what a score spans, where it spans anything."""
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
    share = block.measure.unit in SHARES
    x = alt.X(
        "value:Q",
        title=None,
        scale=alt.Scale(domain=[lowest, highest + room], nice=False),
        axis=alt.Axis(
            values=ticks(lowest, highest),
            labelExpr="format(datum.value * 100, '~r') + ' %'" if share else "datum.label",
            domain=False,
            ticks=False,
            labelFlush=False,
            labelOverlap=True,
            labelSeparation=8,
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
        .encode(x=x, **paint()),
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
    return svg(chart, key, block.measure.name, description, autosize="none", padding=padding)


def paint() -> dict[str, Any]:
    """Encode a mark's colours as its row gives them."""
    import altair as alt

    colour, fill = alt.Color("colour:N", scale=None), alt.FillOpacity("fill:Q", scale=None)
    return {"color": colour, "stroke": alt.Stroke("colour:N", scale=None), "fillOpacity": fill}


def _bar_rows(block: Block) -> Iterator[dict[str, Any]]:
    number = itertools.count()
    # The table has the subsamples too: every length of each would be endless.
    many = len(block.slices) > 1
    drawn = [
        line
        for line in block.lines
        if (line.scores or line.error) and not (many and line.verdict.name in SUBSAMPLES)
    ]
    for part in block.slices[:MOST_SLICES] or ("all",):
        if part != "all":
            yield {"row": next(number), "heading": shortened(part, 50)}
        for line in drawn:
            name, score = _two_lines(line.label), line.scores.get(part)
            row = {"row": next(number), "long_name" if "\n" in name else "name": name}
            # A bar that is not there must not look like one of length 0.
            row |= {"end": 0, "text": "failed" if line.error else "no figure"}
            if score is not None and not line.error:
                row |= {**line.style.fields(), "text": block.cell(line, part, spans=False)}
                row["end"] = max(0.0, score.value, score.high or 0.0)
                if score.value:  # the outline of nothing would look like a little
                    row["value"] = score.value
                if span := span_of(score):
                    row |= {"low": span[0], "high": span[1]}
            yield row


def ticks(lowest: float, highest: float) -> list[float]:
    """Give two to four round numbers for an axis, 0 among them.

    >>> ticks(0, 1), ticks(0, 5406), ticks(-1, 2.28)
    ([0.0, 0.5, 1.0], [0.0, 2000.0, 4000.0], [-1.0, 0.0, 1.0, 2.0])
    """
    rough = (highest - lowest) / 2
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (5, 2, 1) if n * power <= rough * 1.0001)
    numbers = range(math.ceil(lowest / step), math.floor(highest / step * 1.0001) + 1)
    return [round(number * step, 12) for number in numbers]


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


def svg(chart: Any, key: str, title: str, description: str, **sizes: Any) -> str:
    """Give a chart as SVG with its title and description; `key` names it in its page."""
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
