"""Local recoding with few variables: all patterns that enough records hold can be listed.

A pattern is a set of values, at most one of each variable. Every record chooses one of those that
it holds, and each must be chosen by nobody or by at least k. From the list, what too few choose is
closed; then patterns are opened again wherever records that other classes can spare gain by it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ctdc_k_anonymization.listed_kernels import close_small, open_more

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 20_000_000
"""Records times the ways to show one: more are not listed."""

ROUNDS = 10
"""How often all patterns are looked at to open some; two or three suffice."""


def can_list(items: NDArray[np.int32], ladder: NDArray[np.int32]) -> bool:
    """Say whether the patterns of so many records and values are few enough."""
    depths = [
        int((ladder[np.unique(column[column >= 0])] >= 0).any(axis=0).sum()) for column in items.T
    ]
    return len(items) * math.prod(depth + 1 for depth in depths) <= MOST


def listed(
    items: NDArray[np.int32],
    ladder: NDArray[np.int32],
    worth: NDArray[np.float64],
    k: int,
    forced: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Give what each record is published with, and its class: -1 where it has none."""
    shown, holds, pattern = _patterns(items, ladder, k, forced)
    published, class_of = np.full_like(items, -1), np.full(len(items), -1)
    if not len(shown):
        return published, class_of
    value = np.where(shown >= 0, worth[shown], 0.0).sum(axis=1)
    by_record = np.lexsort((pattern, -value[pattern], holds))
    of_record = np.searchsorted(holds[by_record], np.arange(len(items) + 1))
    by_pattern = np.argsort(pattern, kind="stable")
    of_pattern = np.searchsorted(pattern[by_pattern], np.arange(len(shown) + 1))
    holders = np.diff(of_pattern)
    chosen = close_small(pattern[by_record], of_record, value, holders, k)
    order = np.lexsort((holders, -value))
    for _ in range(ROUNDS):
        if not open_more(order, holds[by_pattern], of_pattern, value, chosen, k):
            break
    some = chosen >= 0
    published[some] = shown[chosen[some]]
    class_of[some] = np.unique(chosen[some], return_inverse=True)[1]
    return published, class_of


def _patterns(
    items: NDArray[np.int32], ladder: NDArray[np.int32], k: int, forced: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """List the patterns of at least k: their values, and who holds which, pair by pair.

    They grow variable by variable; what fewer than k hold is not grown further.
    """
    columns = items.shape[1]
    rows: list[NDArray[np.int32]] = []
    holds: list[NDArray[np.int32]] = []
    pattern: list[NDArray[np.int32]] = []
    # Who holds patterns of the first variables, of which each, and their values.
    here = np.arange(len(items), dtype=np.int32)
    waiting = [(here, np.zeros(len(items), np.int64), np.zeros((1, 0), np.int32))]
    found = 0
    while waiting:
        here, which, values = waiting.pop()
        column = values.shape[1]
        if column == columns:
            if (values >= 0).any():
                rows.append(values)
                holds.append(here)
                pattern.append((found + which).astype(np.int32))
                found += len(values)
            continue
        own = items[here, column]
        shows = [own] if forced[column] else [np.full_like(own, -1)]
        if not forced[column]:
            shows += [np.where(own >= 0, rung[own], -2) for rung in ladder.T]
        for number, show in enumerate(shows):
            known = show >= 0 if number or forced[column] else np.ones(len(show), bool)
            if known.sum() < k:
                continue
            codes, keys = pd.factorize(which[known] * (len(ladder) + 1) + show[known] + 1)
            counts = np.bincount(codes)
            new = np.where(counts >= k, np.cumsum(counts >= k) - 1, -1)
            keys = keys[counts >= k]
            kept = new[codes] >= 0
            grown = np.column_stack([values[keys // (len(ladder) + 1)],
                                     keys % (len(ladder) + 1) - 1])  # fmt: skip
            if len(grown):
                waiting.append((here[known][kept], new[codes][kept], grown.astype(np.int32)))
    if not rows:
        none = np.zeros(0, np.int32)
        return np.zeros((0, columns), np.int32), none, none
    return np.concatenate(rows), np.concatenate(holds), np.concatenate(pattern)
