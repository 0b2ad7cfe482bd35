"""What was left out: rows, values, and where values are missing that were not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ctdc_framework.plugin import Better, Context, Measure, Pair, Public, Score, Side
from ctdc_measures.bases import Nothing, class_numbers, share


def _rows_released(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if len(pair.original):
        yield share(len(pair.candidate), len(pair.original))


def _filled(pair: Pair) -> tuple[Any, Any]:
    """Count the values in each column, of the original and of the candidate."""
    both = (pair.original.codes, pair.candidate_codes)
    original, released = ((codes >= 0).sum(axis=0) for codes in both)
    return original, released


def _cells_kept(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    original, released = _filled(pair)
    if original.sum():
        yield Score(value=float(np.minimum(original, released).sum() / original.sum()))


def _variable_suppression(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    original, released = _filled(pair)
    variables = [column.variable for column in pair.original.columns]
    for variable in dict.fromkeys(variables):
        own = [number for number, name in enumerate(variables) if name == variable]
        if total := int(original[own].sum()):
            gone = (original[own] - released[own]).clip(min=0).sum()
            yield Score(value=float(gone / total), slice=variable)


def _missing_shift(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    rows, released = len(pair.original), len(pair.candidate)
    if not (rows and released and pair.original.columns):
        return
    both = [codes < 0 for codes in (pair.original.codes, pair.candidate_codes)]
    shift = abs(both[0].mean(axis=0) - both[1].mean(axis=0))
    yield Score(value=float(shift.mean()), slice="mean")
    yield Score(value=float(shift.max()), slice="largest")
    patterns = class_numbers(np.concatenate(both).astype(np.int16))
    size = patterns.max() + 1
    shares = [
        np.bincount(part, minlength=size) / len(part) for part in (patterns[:rows], patterns[rows:])
    ]
    yield Score(value=float(abs(shares[0] - shares[1]).sum() / 2), slice="patterns")


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="rows-released",
        summary="released rows over original records; more synthetic rows are no gain",
        side=Side.UTILITY,
        better=Better.NEITHER,
        unit="share",
        params=Nothing,
        compute=_rows_released,
        missing="not looked at",
        public=Public.NONE,  # of 1,000 rows, a share in per cent tells how many records there are
    ),
    Measure(
        name="cells-kept",
        summary="released values over original values, in no variable more than it had",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="share",
        params=Nothing,
        compute=_cells_kept,
        missing="not counted",
    ),
    Measure(
        name="variable-suppression",
        summary="share of a variable's values that are fewer in the release",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_variable_suppression,
        missing="not counted",
    ),
    Measure(
        name="missing-shift",
        summary="how far shares of missing values are from the original's, and their patterns",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_missing_shift,
        missing="what is counted",
    ),
)
