"""Draw one candidate's figures as a panel among panels of the same scale.

A heat map of two-way figures, marks of several kinds on lines, and what was lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from ctdc_framework.reports.charts import FONT_SIZE, paint, shortened, svg, ticks
from ctdc_framework.reports.figures import number

WIDTH, NAMES = 330, 160
"""Of every panel, and of the names in it: it fits a telephone."""
LETTERS = 23
"""Of a name in a panel."""
LIGHT, DARK = (255, 247, 236), (127, 0, 0)
"""The ends of the scale of a heat map."""


def heat_map(key: str, title: str, cells: Mapping[tuple[str, str], float]) -> str:
    """Draw shares by row and column, each in its cell, the darker the more; 1 and more is darkest.

    Rows and columns are in the order in which they come. All heat maps have this one scale.
    """
    import altair as alt

    rows = list(dict.fromkeys(row for row, _ in cells))
    columns = list(dict.fromkeys(column for _, column in cells))
    names = 58
    width = (WIDTH - names - 36) / max(len(columns), 1)
    data = [
        {"x": columns.index(column), "y": rows.index(row), **_shade(value)}
        for (row, column), value in cells.items()
    ]
    for one in data:
        one |= {"x2": one["x"] + 1, "y2": one["y"] + 1, "mx": one["x"] + 0.5, "my": one["y"] + 0.5}
    heads = [{"x": n + 0.5, "t": name} for n, name in enumerate(columns)]
    sides = [{"y": n + 0.5, "t": name} for n, name in enumerate(rows)]
    bare = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    x = alt.X("x:Q", title=None, scale=alt.Scale(domain=[0, len(columns)], nice=False), axis=bare)
    y = alt.Y(
        "y:Q", title=None, scale=alt.Scale(domain=[len(rows), 0], nice=False), axis=bare
    )  # the first row at the top

    def layer(values: Sequence[dict[str, Any]]) -> Any:
        size = {"width": width * len(columns), "height": 24 * len(rows)}
        return alt.Chart(alt.InlineData(values=list(values)), **size)

    text = alt.Text("t:N")
    chart = alt.layer(
        layer(data)
        .mark_rect(stroke="#888888", strokeWidth=0.5)
        .encode(x=x, y=y, x2="x2:Q", y2="y2:Q", color=alt.Color("colour:N", scale=None)),
        layer(data)
        .mark_text()
        .encode(x=alt.X("mx:Q"), y=alt.Y("my:Q"), text=text, color=alt.Color("ink:N", scale=None)),
        layer(heads)
        .mark_text(baseline="bottom", lineBreak="\n", lineHeight=11, fontSize=FONT_SIZE - 1)
        .encode(x=x, y=alt.value(-14), text=text),
        layer(sides).mark_text(align="right", dx=-6).encode(x=alt.value(0), y=y, text=text),
    )
    padding = {"left": names, "right": 4, "top": 34, "bottom": 4}
    description = (
        f"{title}: a cell for each length and number of records, the darker the larger its share. "
        "The table below the charts holds the figures."
    )
    return svg(chart, key, title, description, autosize="none", padding=padding)


def _shade(value: float) -> dict[str, Any]:
    part = min(max(value, 0.0), 1.0) ** 0.6  # small differences between small errors are seen
    mixed = [round(a + (b - a) * part) for a, b in zip(LIGHT, DARK, strict=True)]
    ink = "#ffffff" if _light(mixed) < 0.18 else "#000000"  # the better contrast of the two
    text = f"{value * 100:.0f} %"
    if value > 0 and text == "0 %":
        text = "<1 %"
    elif value < 1 and text == "100 %":
        text = ">99 %"
    return {"colour": "#" + "".join(f"{one:02x}" for one in mixed), "ink": ink, "t": text}


def _light(colour: Sequence[int]) -> float:
    """Give a colour's relative luminance, as WCAG 2 defines it."""
    parts = [one / 255 for one in colour]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@frozen(kw_only=True)
class Kind:
    """One kind of mark, in every row of a panel: its shape and whether it is filled."""

    name: str
    shape: str
    filled: bool = True
    strong: bool = False
    """Whether it is the figure itself, in the candidate's colour, and not what it is read by."""


TICK = "M0,-1.1L0,1.1"
"""A vertical stroke."""


def nice_top(values: Sequence[float]) -> float:
    """Give a round end for an axis that holds all values.

    >>> nice_top([0.03, 0.012]), nice_top([0.6]), nice_top([])
    (0.05, 1.0, 0.01)
    """
    highest = max([0.0, *values])
    rounds = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    return next((one for one in rounds if highest <= one), highest)


def marks(
    key: str,
    title: str,
    kinds: Sequence[Kind],
    rows: Mapping[str, Mapping[str, float]],
    colour: str,
    top: float,
    *,
    span: tuple[str, str] | None = None,
) -> str:
    """Draw a line per row with a mark of each kind, from 0 to `top`, in shares.

    `span` names two kinds whose marks a bar joins.
    """
    import altair as alt

    room = WIDTH - NAMES - 16
    height = 17 * len(rows)
    y = alt.Y(
        "row:N",
        title=None,
        scale=alt.Scale(domain=list(range(len(rows)))),
        axis=alt.Axis(labels=False, ticks=False, domain=False, grid=True, gridOpacity=0.12),
    )
    x = alt.X(
        "x:Q",
        title=None,
        scale=alt.Scale(domain=[0, top], nice=False),
        axis=alt.Axis(
            values=ticks(0, top),
            labelExpr="format(datum.value * 100, '~r') + ' %'",
            domain=False,
            ticks=False,
            labelFlush=False,
            labelOverlap=True,
        ),
    )

    def layer(values: Sequence[dict[str, Any]]) -> Any:
        data = alt.InlineData(values=list(values))
        return alt.Chart(data, width=room, height=height).encode(y=y)

    labels = [{"row": n, "t": shortened(name, LETTERS)} for n, name in enumerate(rows)]
    layers = [
        layer(labels).mark_text(align="right", dx=-8).encode(x=alt.value(0), text=alt.Text("t:N"))
    ]
    if span:
        joined = [
            {"row": n, "x": row[span[0]], "x2": row[span[1]]}
            for n, row in enumerate(rows.values())
            if span[0] in row and span[1] in row
        ]
        layers.append(
            layer(joined).mark_rule(color=colour, strokeWidth=2, opacity=0.6).encode(x=x, x2="x2:Q")
        )
    for kind in kinds:
        data = [
            {
                "row": n,
                "x": min(row[kind.name], top),
                "colour": colour if kind.strong else "currentColor",
                "fill": 1.0 if kind.filled else 0.0,
            }
            for n, row in enumerate(rows.values())
            if kind.name in row
        ]
        layers.append(
            layer(data)
            .mark_point(filled=True, size=42, strokeWidth=1.6, opacity=1, shape=kind.shape)
            .encode(x=x, **paint())
        )
    padding = {"left": NAMES, "right": 16, "top": 4, "bottom": 20}
    said = ", ".join(kind.name for kind in kinds)
    description = (
        f"{title}: a line for each of {len(rows)} parts, with marks for {said}. The table below "
        "the charts holds the figures."
    )
    return svg(alt.layer(*layers), key, title, description, autosize="none", padding=padding)


@frozen(kw_only=True)
class Step:
    """One bar of a waterfall: where it begins and ends, as shares of what there was."""

    name: str
    start: float
    end: float
    is_total: bool = False


def waterfall(key: str, title: str, steps: Sequence[Step], colour: str, top: float) -> str:
    """Draw bars that each begin where the one above ended; totals begin at zero."""
    import altair as alt

    room = WIDTH - NAMES - 52
    rows = list(_bars(steps, colour))
    y = alt.Y(
        "row:N",
        title=None,
        scale=alt.Scale(domain=list(range(len(steps)))),
        axis=alt.Axis(labels=False, ticks=False, domain=False),
    )
    scale = alt.Scale(domain=[0, top], nice=False)
    bare = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    x = alt.X("x:Q", title=None, scale=scale, axis=bare)

    def layer(values: Sequence[dict[str, Any]]) -> Any:
        data = alt.InlineData(values=list(values))
        return alt.Chart(data, width=room, height=20 * len(steps)).encode(y=y)

    chart = alt.layer(
        layer([row for row in rows if row["x"] < row["x2"]])
        .mark_bar(height=12, strokeWidth=1)
        .encode(x=x, x2="x2:Q", **paint()),
        layer(rows)
        .mark_text(align="left", dx=5)
        .encode(x=alt.X("x2:Q", scale=scale), text=alt.Text("t:N")),
        layer(rows).mark_text(align="right", dx=-8).encode(x=alt.value(0), text=alt.Text("name:N")),
    )
    padding = {"left": NAMES, "right": 52, "top": 4, "bottom": 4}
    description = (
        f"{title}: a bar for each of {len(steps)} steps from the values recorded to those "
        "released. The table below the charts holds the figures."
    )
    return svg(chart, key, title, description, autosize="none", padding=padding)


def _bars(steps: Sequence[Step], colour: str) -> Iterator[dict[str, Any]]:
    for row, step in enumerate(steps):
        change = step.end - step.start
        text = number(abs(change), "share")
        sign = (
            ""
            if step.is_total or not change or text[0] == "<"
            else "+"
            if change > 0
            else "\N{MINUS SIGN}"
        )
        yield {
            "row": row,
            "name": shortened(step.name, LETTERS),
            "x": min(step.start, step.end),
            "x2": max(step.start, step.end),
            "t": sign + text,
            "colour": colour if step.is_total else "currentColor",
            "fill": 0.85 if step.is_total else 0.35,
        }
