"""What is drawn of a comparison, as SVG: the map, a picture for each question, bars for the rest.

A page puts them beside their figures; a notebook shows each by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from attrs import field, frozen

from ctdc_framework.contract.results import Better
from ctdc_framework.plans.entries import GateEntry
from ctdc_framework.reports import charts, risk_map
from ctdc_framework.reports.figures import (
    CLASSES,
    CORE_RISKS,
    ERROR,
    ONE_SCALE,
    PANELS,
    PRESERVATION,
    SHARES,
    Block,
    blocks,
)
from ctdc_framework.reports.pictures import pictures
from ctdc_framework.runs.compare import Comparison


@frozen(kw_only=True)
class Chart:
    """One drawing that displays itself in a notebook; exact figures, so it is private.

    `svgs` has one drawing, or one for each candidate; `title` says what it shows. The colours of
    its text follow the page that it stands in.

    >>> Chart(title="risk & utility", svgs=("<svg></svg>",))._repr_html_()
    '<figure><figcaption>risk &amp; utility</figcaption><svg></svg></figure>'
    """

    title: str
    svgs: tuple[str, ...] = field(repr=False)

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        return f"<figure><figcaption>{escape(self.title)}</figcaption>{''.join(self.svgs)}</figure>"


def charts_of(comparison: Comparison) -> dict[str, Chart]:
    """Draw a comparison: `map` where risk and utility were measured, then a chart per measure.

    A measure that could be scored for no candidate has no chart. `losses` is what was lost on the
    way, where anything was.
    """
    found = blocks(comparison)
    drawn = {}
    if the_map := map_of(comparison, found):
        drawn["map"] = Chart(title="risk and utility", svgs=(the_map["svg"],))
    for picture in pictures(comparison, found):
        panels = tuple(panel.svg for panel in picture.panels)
        drawn[picture.key] = Chart(title=f"{picture.title}: {picture.says}", svgs=panels)
    for block, svg in bars_of(found):
        if svg:
            drawn[block.measure.name] = Chart(title=block.measure.summary, svgs=(svg,))
    return drawn


def bars_of(found: Sequence[Block]) -> Iterator[tuple[Block, str]]:
    """Draw every measure; those that are read beside each other on one scale."""
    together = [block for block in found if block.measure.name in ONE_SCALE]
    scores = [score for block in together for line in block.lines for score in line.scores.values()]
    highest = max((max(score.value, score.high or 0.0) for score in scores), default=0.0)
    for place, block in enumerate(found):
        if block.measure.name in PANELS and block.slices:
            continue  # it has a picture of its own
        top = 1.0 if block.measure.unit in SHARES else 0.0
        top = max(top, highest) if block in together else top
        yield block, charts.bars(f"chart-{place}", block, top)


def map_of(comparison: Comparison, found: Sequence[Block]) -> dict[str, Any]:
    """Draw risk beside utility, where both were measured."""
    by_name = {block.measure.name: block for block in found if block.slices}
    risks = [by_name[name] for name in CORE_RISKS if name in by_name]
    names = (ERROR, PRESERVATION, CLASSES)  # the last is what may be public of the first
    utility = next((by_name[name] for name in names if name in by_name), None)
    points = risk_map.points_of(risks, utility) if risks and utility else []
    if not (risks and utility and points):
        return {}
    kept = {
        ERROR: f"kept right, {utility.slices[-1]}",
        PRESERVATION: f"kept, {utility.slices[-1]}",
        CLASSES: f"right within k or 10 %, {utility.slices[-1].partition(',')[0]}",
    }
    words = {
        "risk": f"share of the rare combinations that are shown, {risks[0].slices[-1]}"
        if len(risks) == 1
        else "the worst core risk",
        "utility": f"share of counts {kept[utility.measure.name]}",
    }
    on_it = {point.name for point in points}
    missing = [line.label for line in utility.lines if line.label not in on_it]
    limits = _limits(comparison, risks, utility)
    svg = risk_map.risk_utility_map("map", points, **words, limits=limits)
    front = {point.name for point in risk_map.front_of(points)}
    core = [f"{risk.measure.name} ({risk.slices[-1]})" for risk in risks]
    return words | {
        "svg": svg,
        "points": points,
        "missing": missing,
        "front": front,
        "core": core,
        "units": (risks[0].measure.unit, utility.measure.unit),
        "limits": limits,
    }


def _limits(comparison: Comparison, risks: Sequence[Block], utility: Block) -> risk_map.Limits:
    """Find what the plan's gates ask on the axes of the map: the strictest of each."""
    most, least = [], []
    for gate in asked_for(comparison):
        if gate.op not in ("==", "<=", "<", ">="):
            continue
        for block in (*risks, utility):
            if gate.measure != block.measure.name or gate.slice not in ("all", block.slices[-1]):
                continue
            if block.measure.name == CLASSES:
                continue
            if block is utility:
                lower = block.measure.better is Better.LOWER
                if lower == (gate.op != ">="):
                    least.append(1 - gate.value if lower else gate.value)
            elif gate.op != ">=":
                most.append(gate.value)
    return risk_map.Limits(risk=min(most, default=None), utility=max(least, default=None))


def asked_for(comparison: Comparison) -> list[GateEntry]:
    """Give the gates of the plan, each once, in its order."""
    return list(dict.fromkeys(one.gate for one in comparison.gates))
