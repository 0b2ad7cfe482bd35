"""Whether a release is as right for some groups as for others. The scenario names the groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ctdc_framework.plugin import Better, Context, Measure, Pair, Score, Side
from ctdc_measures.bases import NEVER_PART, Nothing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMALL = 5
"""Groups of fewer than so many times k records are told apart."""


def _group_error(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    if not pair.groups:
        return
    found = pair.combinations(2)
    found = found.select(~pair.generalised(found))
    sizes = _sizes(pair)
    pairs = found.of_length(2)
    pairs = pairs.select(pairs.counts[:, 0] >= pair.k)
    held, counts = pairs.values.ravel(), np.repeat(pairs.counts, 2, axis=0)
    if pairs.values.shape[1] != 2:  # one column alone has no pairs
        return
    number = int(found.offsets[-1])
    true = np.bincount(held, weights=counts[:, 0], minlength=number)
    wrong = np.bincount(held, weights=abs(counts[:, 1] - counts[:, 0]), minlength=number)
    with np.errstate(invalid="ignore"):
        yield from _told(pair, found.offsets, sizes, wrong / true)


def _group_suppression(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    if not pair.groups:
        return
    found = pair.combinations(1)
    sizes = _sizes(pair)
    shown = np.zeros(int(found.offsets[-1]))
    alone = found.of_length(1)
    shown[alone.values[:, 0]] = alone.counts[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        yield from _told(pair, found.offsets, sizes, (1 - shown / sizes).clip(min=0))


def _sizes(pair: Pair) -> NDArray[np.int64]:
    """Count the original records of each value."""
    from ctdc_framework.plugin import value_counts

    return value_counts(pair.original.codes, pair.original.sizes)


def _told(
    pair: Pair,
    offsets: NDArray[np.int64],
    sizes: NDArray[np.int64],
    figures: NDArray[np.float64],
) -> Iterator[Score]:
    """Give the median and the worst of the values of each column that makes groups."""
    import numpy as np

    for column in pair.groups:
        own = slice(offsets[column], offsets[column + 1])
        has = (sizes[own] > 0) & np.isfinite(figures[own])
        small = sizes[own] < SMALL * pair.k
        for words, of in (("groups", has & ~small), ("small groups", has & small)):
            if of.any():
                name = f"{pair.original.columns[column].name}, {words}"
                yield Score(value=float(np.median(figures[own][of])), slice=f"{name}, median")
                yield Score(value=float(figures[own][of].max()), slice=f"{name}, worst")


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="group-error",
        summary="error of the reportable pairs with a group's value, over their count, by group",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_group_error,
        missing=NEVER_PART,
    ),
    Measure(
        name="group-suppression",
        summary="share of a group's records that are fewer in the release, by group",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_group_suppression,
        missing="no group of its own",
    ),
)
