"""Which counts are wrong, and how far: by how many records they are of, in classes, the worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ctdc_framework.plugin import (
    Better,
    Context,
    Measure,
    Pair,
    Public,
    Score,
    Side,
)
from ctdc_measures.bases import BOTH, NEVER_PART, UpTo, longest_of, share

if TYPE_CHECKING:
    from ctdc_framework.plugin import Combinations

BUCKETS = 5
"""Of original counts: k to below 2k, to below 4k and so on; the last has no end."""
WORST = 20


def _by_length(pair: Pair, params: UpTo) -> Iterator[tuple[int, Combinations]]:
    """Give the reportable combinations of each length."""
    longest = longest_of(pair, params)
    if not longest:
        return
    found = pair.combinations(longest)
    found = found.select(~pair.generalised(found) & (found.counts[:, 0] >= pair.k))
    for length in range(1, longest + 1):
        yield length, found.of_length(length)


def _error_by_count(pair: Pair, params: UpTo, context: Context) -> Iterator[Score]:
    for length, found in _by_length(pair, params):
        original, published = found.counts.T
        for bucket in range(BUCKETS):
            least, end = pair.k << bucket, pair.k << (bucket + 1)
            last = bucket == BUCKETS - 1
            held = (original >= least) & (last | (original < end))
            if held.any():
                words = f"{least:,} and more" if last else f"{least:,} to {end - 1:,}"
                wrong = abs(published[held] - original[held]).sum() / original[held].sum()
                yield Score(value=float(wrong), slice=f"length {length}, {words}")


def _error_classes(pair: Pair, params: UpTo, context: Context) -> Iterator[Score]:
    """Tell how many counts are nearly right; what is within k is not asked for 10 %."""
    for length, found in _by_length(pair, params):
        original, published = found.counts.T
        wrong = abs(published - original)
        near = wrong < pair.k
        fair = ~near & (10 * wrong <= original)
        sizes = {
            "within k": int(near.sum()),
            "within 10 %": int(fair.sum()),
            "beyond": int((~near & ~fair).sum()),
        }
        total = sum(sizes.values())
        if total:
            # The classes add up, so one that is too small would follow from the others.
            small = any(0 < size < pair.k for size in sizes.values())
            for words, size in sizes.items():
                slice = f"length {length}, {words}"
                yield (
                    Score(value=size / total, slice=slice) if small else share(size, total, slice)
                )


def _worst_counts(pair: Pair, params: UpTo, context: Context) -> Iterator[Score]:
    import numpy as np

    for length, found in _by_length(pair, params):
        original, published = found.counts.T
        wrong = abs(published - original)
        if len(wrong):
            worst = np.argsort(-wrong, kind="stable")[:WORST]
            worst = worst[wrong[worst] > 0]
            names = tuple(
                f"{_named(pair, found.columns[one], found.codes[one])}: "
                f"{original[one]:,} in the original, {published[one]:,} published"
                for one in worst
            )
            yield Score(value=float(wrong.max()), slice=f"length {length}", names=names)


def _named(pair: Pair, columns: Sequence[int], codes: Sequence[int]) -> str:
    parts: list[str] = []
    for column, code in zip(columns, codes, strict=True):
        if column >= 0:
            one = pair.original.columns[column]
            parts.append(f"{one.variable}={one.cell(code)}")
    return ", ".join(parts)


_SHARED: dict[str, Any] = {
    "side": Side.UTILITY,
    "params": UpTo,
    "shapes": BOTH,
    "missing": NEVER_PART,
}

MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="error-by-count",
        summary="sum of absolute errors over sum of counts, by how many records have a combination",
        better=Better.LOWER,
        unit="share",
        compute=_error_by_count,
        **_SHARED,
    ),
    Measure(
        name="error-classes",
        summary="shares of the reportable combinations whose count is wrong by less than k, by at "
        "most 10 %, or by more",
        better=Better.NEITHER,
        unit="share",
        compute=_error_classes,
        public=Public.ROUNDED,
        **_SHARED,
    ),
    Measure(
        name="worst-counts",
        summary="the largest error of a reportable combination's count; the worst twenty are named",
        better=Better.LOWER,
        unit="records",
        compute=_worst_counts,
        **_SHARED,
    ),
)
