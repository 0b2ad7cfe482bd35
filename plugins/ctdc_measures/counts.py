"""How right the counts of values and of combinations are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen, validators

from ctdc_framework.plugin import Better, Context, Measure, Pair, Public, Score, Side, entry
from ctdc_measures.bases import BOTH, NEVER_PART, Nothing, UpTo, by_length

_BUCKETS = 7
"""Of original counts: k to below 2k, to below 4k and so on; the last has no end."""


@frozen(kw_only=True)
class Exactly:
    """How long combinations are looked at."""

    length: int = entry(
        "values in a combination", default=3, validator=[validators.ge(1), validators.le(6)]
    )


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
    return float(_kept(original[reportable], published[reportable]).mean())


def _kept(original: Any, published: Any) -> Any:
    """Give published over original counts, at most 1: too many make up for no loss elsewhere."""
    import numpy as np

    return np.minimum(published, original) / original


def _lost(original: Any, published: Any, k: int) -> tuple[int, int] | None:
    reportable = original >= k
    if not reportable.any():
        return None
    return int((published[reportable] == 0).sum()), int(reportable.sum())


def _by_count(pair: Pair, params: Exactly, context: Context) -> Iterator[Score]:
    length = min(params.length, pair.length) if pair.is_counts else params.length
    if not length:
        return
    found = pair.combinations(length)
    found = found.select(~pair.generalised(found)).of_length(length)
    original, published = found.counts.T
    for bucket in range(_BUCKETS):
        least, end = pair.k << bucket, pair.k << (bucket + 1)
        last = bucket == _BUCKETS - 1
        held = (original >= least) & (last | (original < end))
        if held.any():
            words = f"{least:,} and more" if last else f"{least:,} to {end - 1:,}"
            yield Score(value=float(_kept(original[held], published[held]).mean()), slice=words)


def _single_count_error(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if pair.is_counts and not pair.length:
        return
    counts = pair.combinations(1).counts
    wrong = abs(counts[:, 1] - counts[:, 0])
    if len(wrong):
        yield Score(value=float(wrong.mean()), slice="mean")
        yield Score(value=float(wrong.max()), slice="largest")


SHOWCASE = "Synthetic Data Showcase (Microsoft); buckets here are by the original's count"

MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="single-count-error",
        summary="how far the count of a single value is from the original's",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="records",
        params=Nothing,
        compute=_single_count_error,
        shapes=BOTH,
        missing="not counted",
    ),
    Measure(
        name="combination-error",
        summary="sum of absolute errors over sum of counts, of reportable combinations",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=by_length(_error),
        shapes=BOTH,
        missing=NEVER_PART,
    ),
    Measure(
        name="combination-preservation",
        summary="mean of published over original count, at most 1, of reportable combinations",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="share",
        params=UpTo,
        compute=by_length(_preservation),
        shapes=BOTH,
        missing=NEVER_PART,
        reference="Synthetic Data Showcase (Microsoft)",
    ),
    Measure(
        name="combinations-lost",
        summary="share of the reportable combinations that the release does not show",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=by_length(_lost),
        shapes=BOTH,
        missing=NEVER_PART,
        public=Public.ROUNDED,
    ),
    Measure(
        name="preservation-by-count",
        summary="mean of published over original count, at most 1, by how many records hold it",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="share",
        params=Exactly,
        compute=_by_count,
        shapes=BOTH,
        missing=NEVER_PART,
        reference=SHOWCASE,
    ),
)
