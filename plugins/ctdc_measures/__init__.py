"""Measures of risk and utility: what a release gives away, and what it keeps.

All are exact counts over value combinations; missing is never part of one. With n(c) the records
that hold combination c in the original and m(c) what is published of it, a combination is *rare*
where 0 < n(c) < k and *reportable* where n(c) >= k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import frozen, validators

from ctdc_framework.plugin import (
    Better,
    Context,
    Measure,
    Pair,
    Score,
    Shape,
    Side,
    entry,
    hookimpl,
)

BOTH = frozenset({Shape.RECORDS, Shape.COUNTS})


@frozen(kw_only=True)
class UpTo:
    """How long combinations are looked at."""

    length: int = entry(
        "most values in a combination", default=3, validator=[validators.ge(1), validators.le(6)]
    )


@frozen(kw_only=True)
class Nothing:
    """No parameters."""


def _by_length(
    figure: Callable[[Any, Any, int], float | None], *, own: bool = True
) -> Callable[[Pair, UpTo, Context], Iterable[Score]]:
    """Make a measure of a figure of (original, published) counts, one score for each length.

    `own` leaves out combinations with generalised values, which the original does not have: they
    are no part of what could be kept. Where the figure is None there is nothing to measure at that
    length, and no score.
    """

    def compute(pair: Pair, params: UpTo, context: Context) -> Iterator[Score]:
        longest = min(params.length, pair.length) if pair.is_counts else params.length
        if not longest:  # a table that shows a total and nothing else
            return
        found = pair.combinations(longest)
        if own:
            found = found.select(~pair.generalised(found))
        for length in range(1, longest + 1):
            counts = found.of_length(length).counts
            value = figure(counts[:, 0], counts[:, 1], pair.k)
            context.progress(length, longest)
            if value is not None:
                yield Score(value=value, slice=f"length {length}")

    return compute


def _leakage(original: Any, published: Any, k: int) -> float | None:
    rare = (original > 0) & (original < k)
    return float((published[rare] > 0).mean()) if rare.any() else None


def _error(original: Any, published: Any, k: int) -> float | None:
    reportable = original >= k
    if not reportable.any():
        return None
    wrong = abs(published[reportable] - original[reportable]).sum()
    return float(wrong / original[reportable].sum())


def _preservation(original: Any, published: Any, k: int) -> float | None:
    reportable = original >= k
    if not reportable.any():
        return None
    return float((published[reportable] / original[reportable]).mean())


def _lost(original: Any, published: Any, k: int) -> float | None:
    reportable = original >= k
    return float((published[reportable] == 0).mean()) if reportable.any() else None


def _single_count_error(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if pair.is_counts and not pair.length:
        return
    counts = pair.combinations(1).counts
    wrong = abs(counts[:, 1] - counts[:, 0])
    if len(wrong):
        yield Score(value=float(wrong.mean()), slice="mean")
        yield Score(value=float(wrong.max()), slice="largest")


def _records_kept(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if len(pair.original):
        yield Score(value=len(pair.candidate) / len(pair.original))


def _cells_kept(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    cells = int((pair.original.codes >= 0).sum())
    if cells:
        yield Score(value=int((pair.candidate.codes >= 0).sum()) / cells)


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="rare-combination-leakage",
        summary="share of the rare combinations that the release shows",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=_by_length(_leakage, own=False),
        shapes=BOTH,
    ),
    Measure(
        name="single-count-error",
        summary="how far the count of a single value is from the original's",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="records",
        params=Nothing,
        compute=_single_count_error,
        shapes=BOTH,
    ),
    Measure(
        name="combination-error",
        summary="sum of absolute errors over sum of counts, of reportable combinations",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=_by_length(_error),
        shapes=BOTH,
    ),
    Measure(
        name="combination-preservation",
        summary="mean of published over original count, of reportable combinations",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="share",
        params=UpTo,
        compute=_by_length(_preservation),
        shapes=BOTH,
    ),
    Measure(
        name="combinations-lost",
        summary="share of the reportable combinations that the release does not show",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=_by_length(_lost),
        shapes=BOTH,
    ),
    Measure(
        name="records-kept",
        summary="released rows over original records; synthetic rows are not records",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="share",
        params=Nothing,
        compute=_records_kept,
    ),
    Measure(
        name="cells-kept",
        summary="released values over original values, missing ones not counted",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="share",
        params=Nothing,
        compute=_cells_kept,
    ),
)


@hookimpl
def ctdc_register_measures() -> Iterable[Measure[Any]]:
    """Offer the measures."""
    return MEASURES
