"""The figures of a comparison, sorted to be told: a block per measure, a line per candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ctdc_framework.contract.results import Json, Score, ScoreRow, Side
from ctdc_framework.plugin import Measure
from ctdc_framework.records.tables import Shape
from ctdc_framework.reports.public import ROUNDED_SHARE
from ctdc_framework.runs.compare import Comparison, Verdict
from ctdc_framework.toml.convert import unstructure

LEAKAGE, ERROR = "rare-combination-leakage", "combination-error"
PRESERVATION, CLASSES = "combination-preservation", "error-classes"
CORE_RISKS = (LEAKAGE, "unsafe-records")
"""Risks of which the worst is on the map: exact, and 0 only where nothing rare is shown."""
PANELS = (
    "error-by-count",
    "attribute-inference",
    "attribute-inference-excess",
    "attribute-disclosure",
    "variable-distance",
    "variable-suppression",
    "group-error",
    "group-suppression",
)
"""Measures of many parts, which are shown in panels, one for each candidate."""
SHARES = ("share", ROUNDED_SHARE)
"""Units that are told in per cent."""
ONE_SCALE = (ERROR, PRESERVATION, "combinations-lost")
"""Measures that are read beside each other, so their charts share a scale."""
ORDER = (LEAKAGE, *ONE_SCALE, "rows-released", "cells-kept", "single-count-error")
"""What is told first; measures of other plugins follow, in the plan's order."""

PUBLISHED = {Shape.RECORDS: "records", Shape.COUNTS: "tables"}

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "currentColor")
"""Okabe and Ito's; for their black the text's colour, and no yellow, which fades on white."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-left")
CONTROL_COLOUR, CONTROL_SHAPE = "#888888", "M-1,-1L1,1M-1,1L1,-1"


@frozen
class Style:
    """How a candidate looks in every chart: its number gives colour and shape, controls are grey.

    One that may not be released is hollow.
    """

    number: int
    is_control: bool = False
    may_release: bool = True

    @property
    def colour(self) -> str:
        """The colour of its marks."""
        return CONTROL_COLOUR if self.is_control else COLOURS[self.number % len(COLOURS)]

    @property
    def shape(self) -> str:
        """The shape of its mark: another one when the colours begin again."""
        turn = self.number + self.number // len(SHAPES)
        return CONTROL_SHAPE if self.is_control else SHAPES[turn % len(SHAPES)]

    def fields(self) -> dict[str, Any]:
        """Give what a drawn row holds of it."""
        filled = 0.8 if self.may_release or self.is_control else 0
        return {"colour": self.colour, "shape": self.shape, "fill": filled}


@frozen(kw_only=True)
class Line:
    """What one measure says of one candidate; of its records or tables where it has both."""

    name: str
    verdict: Verdict
    style: Style
    scores: Mapping[str, Score]
    error: str = ""

    @property
    def label(self) -> str:
        """The name, and that it is a control where it is one."""
        return f"{self.name} (control)" if self.verdict.is_control else self.name


@frozen(kw_only=True)
class Block:
    """One measure's figures: a line per candidate, controls last, and a column per slice."""

    measure: Measure[Any]
    params: Mapping[str, Json]
    slices: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def better_words(self) -> str:
        """Which way is better, and what is counted."""
        unit = "" if self.measure.unit in SHARES else f", in {self.measure.unit}"
        return f"{self.measure.better.words}{unit}"

    def cell(self, line: Line, part: str, *, spans: bool = True) -> str:
        """Write a figure, with what it spans over seeds; a dash where there is none."""
        score, unit = line.scores.get(part), self.measure.unit
        if score is None:
            return "-"
        text = number(score.value, unit)
        if not spans or score.low is None or score.high is None:
            return text
        low, high = (number(end, unit).removesuffix(" %") for end in (score.low, score.high))
        return text if low == high else f"{text} ({low}-{high})"


def sound(row: ScoreRow) -> tuple[Score | None, str]:
    """Give a row's score, or why there is none: what is no number cannot be told."""
    if row.score is None:
        return None, row.error or "no reason given"
    ends = (row.score.value, row.score.low, row.score.high)
    if not all(end is None or math.isfinite(end) for end in ends):
        return None, "its figure is not a number"
    return row.score, ""


def number(value: float, unit: str) -> str:
    """Write a figure with sensible digits; what is not 0 or 1 never looks as if it were.

    >>> [number(value, "share") for value in (0, 0.0001, 0.123, 0.9999, 1, 2.277)]
    ['0 %', '<0.1 %', '12.3 %', '>99.9 %', '100 %', '227.7 %']
    >>> [number(value, "records") for value in (0, 5406, 3.7409, 338.73, 0.0001)]
    ['0', '5,406', '3.74', '339', '<0.01']
    """
    if unit == ROUNDED_SHARE:
        return f"{value * 100:,.0f} %"
    if unit == "share":
        if value in (0, 1):
            return f"{value * 100:.0f} %"
        if abs(value) < 0.0005:
            return "<0.1 %" if value > 0 else ">-0.1 %"
        if 0.9995 <= value < 1.0005:
            return ">99.9 %" if value < 1 else ">100 %"
        return f"{value * 100:,.1f} %"
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) < 0.005:
        return "<0.01" if value > 0 else ">-0.01"
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}"


def blocks(comparison: Comparison) -> list[Block]:
    """Sort the scores by measure: risk first, and in each the candidates before the controls."""
    rows: dict[tuple[str, Shape, str], list[ScoreRow]] = {}
    for row in comparison.rows:
        rows.setdefault((row.candidate, row.part, row.measure), []).append(row)
    found = []
    # A measure that a plan names twice is told once: its rows cannot be told apart.
    for name, bound in {one.measure.name: one for one in comparison.measures}.items():
        lines = []
        for place, verdict in enumerate(ordered(comparison)):
            parts = [part for part in Shape if any(key[:2] == (verdict.name, part) for key in rows)]
            for part in parts:
                own = [sound(row) for row in rows.get((verdict.name, part, name), ())]
                if not own and len(parts) > 1:
                    continue  # its other part says what there is to say
                lines.append(
                    Line(
                        name=verdict.name + (f" ({PUBLISHED[part]})" if len(parts) > 1 else ""),
                        verdict=verdict,
                        style=Style(place, verdict.is_control, verdict.may_release),
                        scores={score.slice: score for score, _ in own if score},
                        error=next((error for _, error in own if error), ""),
                    )
                )
        # The line with the most scores knows best in which order they come.
        fullest = sorted(lines, key=lambda line: -len(line.scores))
        found.append(
            Block(
                measure=bound.measure,
                params=unstructure(bound.params),
                slices=tuple(dict.fromkeys(part for line in fullest for part in line.scores)),
                lines=tuple(lines),
            )
        )
    known = {name: place for place, name in enumerate(ORDER, start=-len(ORDER))}
    found.sort(key=lambda one: known.get(one.measure.name, 0))
    return sorted(found, key=lambda one: one.measure.side is not Side.RISK)


def ordered(comparison: Comparison) -> list[Verdict]:
    """Put the candidates before the controls."""
    return sorted(comparison.verdicts, key=lambda verdict: verdict.is_control)
