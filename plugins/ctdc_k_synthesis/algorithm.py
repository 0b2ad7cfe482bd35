"""The seeded algorithm, step by step, over codes and bitsets.

Source of the method: D. Edge et al., Design of a Privacy-Preserving Data Platform for
Collaboration Against Human Trafficking (arXiv:2005.05688), and the printed CTDC codebook of 2021,
section 1. Where they round to the nearest multiple of k, this rounds down.

A value is a (variable, code) pair with a number; `bits[v]` has bit r set where record r holds
value v, so the support of a set of values is the number of bits in the AND of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from ctdc_framework.plugin import Progress, jit, value_bitsets, value_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 2000
"""Records between two reports of progress; a chance to cancel."""


@frozen(kw_only=True, eq=False)
class Synthetic:
    """Synthetic records as codes (rows, columns), -1 = missing; how many were joined anew."""

    codes: NDArray[np.int16]
    joined: int


def seeded(
    codes: NDArray[np.int16],
    sizes: Sequence[int],
    k: int,
    rng: np.random.Generator,
    progress: Progress,
) -> Synthetic:
    """Make records from seeds, join what they leave over, and cut counts to floor(n/k)*k.

    codes: (records, columns), -1 = missing; column j has codes 0 to sizes[j] - 1.
    Every released record as a whole is held by at least k records; every value is released
    floor(n/k)*k times. Rows come in random order. The same generator state gives the same rows.
    """
    counts = value_counts(codes, sizes)
    bits = value_bitsets(codes, sizes)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    kept = counts // k * k

    seeds = np.full(codes.shape, -1, dtype=np.int16)
    total = len(codes)
    for start in range(0, total, CHUNK):
        part = slice(start, start + CHUNK)
        draws = rng.random(codes[part].shape)
        _seed(codes[part], seeds[part], offsets, bits, counts, k, draws)
        progress(min(start + CHUNK, total), 2 * total)

    # Each value is to be released `kept` times, and the seeds hold `used` of them.
    used = value_counts(seeds, sizes)
    left = np.maximum(kept - used, 0)
    pool = [seeds]
    column_of = np.repeat(np.arange(len(sizes)), sizes)
    joined, left_at_first = 0, max(1, int(left.sum()))
    while left.any():
        draws = rng.random((CHUNK, len(sizes)))
        made = np.full((CHUNK, len(sizes)), -1, dtype=np.int16)
        rows = _join(left, column_of, offsets, bits, counts, k, draws, made)
        pool.append(made[:rows])
        joined += rows
        done = left_at_first - int(left.sum())
        progress(total + total * done // left_at_first, 2 * total)

    progress(2 * total, 2 * total)

    released = _cut(np.concatenate(pool), offsets, kept, rng)
    released = released[(released >= 0).any(axis=1)]
    order = rng.permutation(len(released))
    return Synthetic(codes=released[order], joined=joined)


def _cut(
    codes: NDArray[np.int16],
    offsets: NDArray[np.int64],
    kept: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    """Blank each value in as many records, drawn at random, as hold it in excess of `kept`."""
    codes = codes.copy()
    for column in range(codes.shape[1]):
        held = np.bincount(
            codes[:, column][codes[:, column] >= 0],
            minlength=int(offsets[column + 1] - offsets[column]),
        )
        for code in np.flatnonzero(held > kept[offsets[column] : offsets[column + 1]]):
            excess = held[code] - kept[offsets[column] + code]
            rows = np.flatnonzero(codes[:, column] == code)
            codes[rng.choice(rows, size=excess, replace=False), column] = -1
    return codes


@jit
def _seed(codes: Any, seeds: Any, offsets: Any, bits: Any, counts: Any, k: int, draws: Any) -> None:
    """Keep of each record values drawn one by one, weighted by joint support, while it is >= k."""
    columns, words = codes.shape[1], bits.shape[1]
    current = np.empty(words, np.uint64)
    waiting = np.empty(columns, np.int64)
    weight = np.empty(columns, np.int64)
    for row in range(codes.shape[0]):
        n = 0
        for column in range(columns):
            if codes[row, column] >= 0:
                value = offsets[column] + codes[row, column]
                if counts[value] >= k:
                    waiting[n], weight[n] = column, counts[value]
                    n += 1
        for word in range(words):
            current[word] = ~np.uint64(0)
        step = 0
        while n:
            place = _draw(weight, n, draws[row, step])
            step += 1
            column = waiting[place]
            seeds[row, column] = codes[row, column]
            chosen = offsets[column] + codes[row, column]
            for word in range(words):
                current[word] &= bits[chosen, word]
            still = 0
            for other in range(n):
                if other != place:
                    column = waiting[other]
                    value = offsets[column] + codes[row, column]
                    support = _support(current, bits, value)
                    if support >= k:  # a combination that is rare stays rare as it grows
                        waiting[still], weight[still] = column, support
                        still += 1
            n = still


@jit
def _join(
    left: Any,
    column_of: Any,
    offsets: Any,
    bits: Any,
    counts: Any,
    k: int,
    draws: Any,
    made: Any,
) -> Any:
    """Join pooled values to records while k real ones hold them all; give how many were made.

    `left` (how often each value is still to be used) is counted down. A value alone is held by k
    records, so each record takes at least one and the pool always empties.
    """
    words, values = bits.shape[1], len(left)
    current = np.empty(words, np.uint64)
    waiting = np.empty(values, np.int64)
    weight = np.empty(values, np.int64)
    for row in range(made.shape[0]):
        n = 0
        for value in range(values):
            if left[value] > 0:
                waiting[n], weight[n] = value, counts[value]
                n += 1
        if n == 0:
            return row
        for word in range(words):
            current[word] = ~np.uint64(0)
        step = 0
        while n:
            chosen = waiting[_draw(weight, n, draws[row, step])]
            step += 1
            column = column_of[chosen]
            made[row, column] = chosen - offsets[column]
            left[chosen] -= 1
            for word in range(words):
                current[word] &= bits[chosen, word]
            still = 0
            for other in range(n):
                value = waiting[other]
                if column_of[value] != column:
                    support = _support(current, bits, value)
                    if support >= k:
                        waiting[still], weight[still] = value, support
                        still += 1
            n = still
    return made.shape[0]


@jit
def _draw(weight: Any, n: int, uniform: float) -> int:
    """Draw one of the first n places with probability proportional to its weight."""
    total = 0
    for place in range(n):
        total += weight[place]
    mark = uniform * total
    for place in range(n):
        mark -= weight[place]
        if mark < 0:
            return place
    return n - 1


@jit
def _support(current: Any, bits: Any, value: int) -> Any:
    """Count the records that hold everything in `current` and a value besides."""
    support = np.int64(0)
    for word in range(len(current)):
        both = current[word] & bits[value, word]
        # The number of one bits, by adding neighbours: there is no instruction for it here.
        both -= (both >> np.uint64(1)) & np.uint64(0x5555555555555555)
        both = (both & np.uint64(0x3333333333333333)) + (
            (both >> np.uint64(2)) & np.uint64(0x3333333333333333)
        )
        both = (both + (both >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
        support += np.int64((both * np.uint64(0x0101010101010101)) >> np.uint64(56))
    return support
