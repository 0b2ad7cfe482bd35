"""Rare combinations that a release shows, and combinations that nobody has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ctdc_framework.plugin import Better, Context, Measure, Pair, Public, Score, Side
from ctdc_measures.bases import BOTH, NEVER_PART, UpTo, by_length, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 1 << 24
"""Bytes of bit sets that are looked at together."""


def _leakage(original: Any, published: Any, k: int) -> tuple[int, int] | None:
    rare = (original > 0) & (original < k)
    return (int((published[rare] > 0).sum()), int(rare.sum())) if rare.any() else None


def _rare_in_both(original: Any, published: Any, k: int) -> tuple[int, int] | None:
    """Count as the showcase does: what is rare in both, of all combinations that there are."""
    rare = (original > 0) & (original < k) & (published > 0) & (published < k)
    held = int((original > 0).sum())
    return (int(rare.sum()), held) if held else None


def _fabricated(original: Any, published: Any, k: int) -> tuple[int, int] | None:
    shown = published > 0
    return (int((original[shown] == 0).sum()), int(shown.sum())) if shown.any() else None


def _unsafe(pair: Pair, params: UpTo, context: Context) -> Iterator[Score]:
    """Give, for each length, the share of rows that hold a rare combination that long or shorter.

    Instead of every combination of every row, only the rare ones that are shown are looked at:
    the rows that hold one are an AND of its values' bit sets.
    """
    import numpy as np

    from ctdc_framework.plugin import value_bitsets

    rows = len(pair.candidate)
    if not rows:
        return
    found = pair.combinations(params.length)
    rare = (found.counts[:, 0] > 0) & (found.counts[:, 0] < pair.k) & (found.counts[:, 1] > 0)
    found = found.select(rare)
    holders = value_bitsets(pair.candidate_codes, pair.original.sizes)
    unsafe = np.zeros(holders.shape[1], np.uint64)
    for length in range(1, params.length + 1):
        _mark(found.of_length(length).values[:, :length], holders, unsafe)
        context.progress(length, params.length)
        yield share(int(np.bitwise_count(unsafe).sum()), rows, f"length {length}")


def _mark(
    values: NDArray[np.int32], holders: NDArray[np.uint64], unsafe: NDArray[np.uint64]
) -> None:
    import numpy as np

    step = max(1, _BATCH // max(holders.shape[1] * 8, 1))
    for first in range(0, len(values), step):
        batch = values[first : first + step]
        common = holders[batch[:, 0]]
        for place in range(1, batch.shape[1]):
            common &= holders[batch[:, place]]
        unsafe |= np.bitwise_or.reduce(common, axis=0)


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="rare-combination-leakage",
        summary="share of the rare combinations that the release shows",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=by_length(_leakage, own=False),
        shapes=BOTH,
        missing=NEVER_PART,
        public=Public.ROUNDED,
        reference="Synthetic Data Showcase (Microsoft, 2021), its strict count",
    ),
    Measure(
        name="rare-in-both",
        summary="share of the original's combinations that are rare in both; flatters, to compare",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=by_length(_rare_in_both, own=False),
        shapes=BOTH,
        missing=NEVER_PART,
        reference="leakage as Synthetic Data Showcase (Microsoft) counts it",
    ),
    Measure(
        name="unsafe-records",
        summary="share of the released rows that hold a rare combination, that long or shorter",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=_unsafe,
        missing=NEVER_PART,
        public=Public.ROUNDED,
    ),
    Measure(
        name="fabricated-combinations",
        summary="share of the combinations shown that no original record holds",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=UpTo,
        compute=by_length(_fabricated, own=False),
        shapes=BOTH,
        missing=NEVER_PART,
        public=Public.ROUNDED,
    ),
)
