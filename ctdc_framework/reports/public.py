"""What of a comparison everybody may see: the rules of the public report, in one place.

Figures of a release alone stand as they are, where it is released. A share of counts is told to
two digits, and only where what it counts and what is left of it are each none or at least k. All
others could tell exact counts of the original, and are withheld.
"""

from __future__ import annotations

import math
from typing import Any

from attrs import evolve

from ctdc_framework.contract.results import Better, Public, Score, ScoreRow
from ctdc_framework.plans.plan import BoundMeasure
from ctdc_framework.plugin import Measure
from ctdc_framework.runs.compare import Comparison, Verdict

ROUNDED_SHARE = "rounded share"
"""The unit of a share in whole per cent."""
NOT_RELEASED = "the private report says why"


def floored(count: int, k: int) -> int:
    """Round a count of the original down to a multiple of k.

    >>> floored(10_009, 10), floored(9, 10)
    (10000, 0)
    """
    return count // k * k


def published(comparison: Comparison) -> Comparison:
    """Give the comparison with what may be shown to everybody, and nothing else.

    Notes, reasons and names are left out, and so are measures of which nothing may be shown; the
    original stays, as a comparison has one: its number of records is to be `floored`.
    """
    k = comparison.codebook.k
    shown = {
        one.measure.name: one.measure
        for one in comparison.measures
        if one.measure.public is not Public.NONE
    }
    released = {one.name for one in comparison.verdicts if one.may_release}
    return evolve(
        comparison,
        measures=tuple(_told(one) for one in comparison.measures if one.measure.name in shown),
        verdicts=tuple(_verdict(one) for one in comparison.verdicts),
        rows=tuple(
            public
            for row in comparison.rows
            if row.measure in shown
            and (public := _row(row, shown[row.measure], row.candidate in released, k)) is not None
        ),
        gates=tuple(one for one in comparison.gates if one.gate.measure in shown),
        releases={},
        losses={},
    )


def _told(one: BoundMeasure) -> BoundMeasure:
    """Give a measure with the unit in which it is told."""
    if one.measure.public is Public.FREE or one.measure.unit != "share":
        return one
    return evolve(one, measure=evolve(one.measure, unit=ROUNDED_SHARE))


def _verdict(verdict: Verdict) -> Verdict:
    if verdict.may_release or verdict.is_control:
        return evolve(verdict, notes=(), error=None)
    return evolve(verdict, notes=(), error=None, claims=(), reason=NOT_RELEASED)


def _row(row: ScoreRow, measure: Measure[Any], released: bool, k: int) -> ScoreRow | None:
    if row.score is None:
        return evolve(row, error="it could not be measured")
    score = evolve(row.score, names=())
    if measure.public is Public.FREE:  # nobody can count what is not released, or a control
        return evolve(row, score=evolve(score, of=None)) if released else None
    return evolve(row, score=_rounded(score, k, measure.better)) if _may(score, k) else None


def _may(score: Score, k: int) -> bool:
    """Say whether no count that a share tells of is below k, nor what is left of it."""
    if score.of is None:
        return False
    part, whole = score.of
    return all(count <= 0 or count >= k for count in (part, whole, whole - part))


def _rounded(score: Score, k: int, better: Better) -> Score:
    """Round to two digits, to the side that is less favourable: 0 and 1 stay what they are."""
    low, high = (None if end is None else _to_two(end, better) for end in (score.low, score.high))
    return evolve(score, value=_to_two(score.value, better), low=low, high=high, of=None)


def _to_two(value: float, better: Better) -> float:
    """Round a share to two digits.

    >>> [_to_two(0.0012, better) for better in Better]
    [0.01, 0.0, 0.0]
    """
    per_cent = round(value * 100, 6)
    if better is Better.NEITHER:
        return round(per_cent) / 100
    return (math.ceil(per_cent) if better is Better.LOWER else math.floor(per_cent)) / 100
