"""Kernels of cell suppression where few variables are known: combinations counted as cells vanish.

A row holds the numbers of its values, -1 for none, ascending from column to column. A combination
is one number, its values being the digits; `keys` and `held` are a hash table of how many rows
hold each, 0 in `keys` where there is room.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ctdc_framework.plugin import jit

NONE, ONLY_FIXED = -1, -2
"""What is to vanish from a row: nothing; or nothing that may."""


@jit
def _slot(keys: Any, key: Any) -> Any:
    """Give where a combination is in the table, or where there is room for it."""
    last = np.uint64(len(keys) - 1)
    mixed = key * np.uint64(0x9E3779B97F4A7C15)
    at = (mixed ^ (mixed >> np.uint64(32))) & last
    while keys[at] != np.uint64(0) and keys[at] != key:
        at = (at + np.uint64(1)) & last
    return np.int64(at)


@jit
def tabulate(values: Any, counts: Any, base: Any, size: Any) -> Any:
    """Lay combinations, rows of ascending values padded by -1, out as a table of a power of 2."""
    keys, held = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for row in range(len(values)):
        key = np.uint64(0)
        for value in values[row]:
            if value >= 0:
                key = key * base + np.uint64(value + 1)
        at = _slot(keys, key)
        keys[at] = key
        held[at] = counts[row]
    return keys, held


@jit
def _walk(
    row: Any, only: Any, change: Any, keys: Any, held: Any, base: Any, k: Any, length: Any,
    hits: Any, fell: Any,
) -> Any:  # fmt: skip
    """Visit a row's combinations of up to `length` values; give how many fewer than k rows hold.

    With `only` = -1 these are counted in `hits` by column, and none that contains one of them is
    visited. Else only those with that column are visited and change by `change`; what falls below
    k by it is added to `fell`.
    """
    rare = 0
    at = np.zeros(length, np.int64)
    prefix = np.zeros(length, np.uint64)
    depth = 0
    while depth >= 0:
        column = at[depth]
        if column >= len(row):
            depth -= 1
            if depth >= 0:
                at[depth] += 1
            continue
        if row[column] < 0:
            at[depth] += 1
            continue
        key = np.uint64(row[column] + 1)
        if depth > 0:
            key += prefix[depth - 1] * base
        having = only < 0
        for place in range(depth + 1):
            having |= at[place] == only
        deeper = depth + 1 < length
        if having:
            slot = _slot(keys, key)
            if held[slot] < k:
                rare += 1
                if only < 0:
                    deeper = False
                    for place in range(depth + 1):
                        hits[at[place]] += 1
            if change != 0:
                if held[slot] == k and change < 0:
                    fell.append(key)
                held[slot] += change
        if deeper:
            prefix[depth] = key
            at[depth + 1] = column + 1
            depth += 1
        else:
            at[depth] += 1
    return rare


@jit
def _worst(row: Any, hits: Any, weights: Any, fixed: Any, singles: Any) -> Any:
    """Give the column whose value is in most rare combinations for its weight.

    Of equal ones it is the rarer value: then fewer combinations with others suffer.
    """
    best, most, found = NONE, 0.0, False
    for column in range(len(row)):
        if hits[column] > 0:
            found = True
            score = hits[column] / weights[column]
            if not fixed[column] and (
                score > most or (score == most and singles[row[column]] < singles[row[best]])
            ):
                best, most = column, score
    return ONLY_FIXED if found and best == NONE else best


@jit
def settle(
    rows: Any, out: Any, weights: Any, fixed: Any, bits: Any, singles: Any, keys: Any, held: Any,
    base: Any, k: Any, length: Any,
) -> None:  # fmt: skip
    """Take values from rows until k rows or more hold every combination that one holds.

    A row whose fixed values alone are too rare is emptied, and marked in `out`. `bits` (values,
    words) say who held each value at first: the rows that what falls below k is looked for in.
    """
    count, columns = rows.shape
    waiting = np.ones(count, np.bool_)
    hits = np.zeros(columns, np.int64)
    while True:
        fell = [np.uint64(0)]
        for row in range(count):
            if not waiting[row]:
                continue
            waiting[row] = False
            while True:
                hits[:] = 0
                if not _walk(rows[row], -1, 0, keys, held, base, k, length, hits, fell):
                    break
                worst = _worst(rows[row], hits, weights, fixed, singles)
                if worst == ONLY_FIXED:
                    out[row] = True
                for column in range(columns):
                    if (out[row] or column == worst) and rows[row, column] >= 0:
                        _walk(rows[row], column, -1, keys, held, base, k, length, hits, fell)
                        rows[row, column] = -1
        if len(fell) == 1:
            return
        for key in fell[1:]:
            for word in range(bits.shape[1]):
                left = key
                common = ~np.uint64(0)
                while left:
                    common &= bits[np.int64(left % base) - 1, word]
                    left //= base
                for bit in range(64):
                    if (common >> np.uint64(bit)) & np.uint64(1):
                        waiting[word * 64 + bit] = True


@jit
def restore(
    rows: Any, full: Any, out: Any, columns: Any, keys: Any, held: Any, base: Any, k: Any,
    length: Any,
) -> None:  # fmt: skip
    """Give values back to rows, column by column in the given order, where k others hold all."""
    hits = np.zeros(rows.shape[1], np.int64)
    fell = [np.uint64(0)]
    for column in columns:
        for row in range(len(rows)):
            if out[row] or rows[row, column] >= 0 or full[row, column] < 0:
                continue
            rows[row, column] = full[row, column]
            if _walk(rows[row], column, 0, keys, held, base, k, length, hits, fell):
                rows[row, column] = -1
            else:
                _walk(rows[row], column, 1, keys, held, base, k, length, hits, fell)


@jit
def too_few(asked: Any, bits: Any, k: Any) -> Any:
    """Mark the combinations, rows of values padded by -1, of which fewer than k bits are common."""
    found = np.zeros(len(asked), np.bool_)
    for row in range(len(asked)):
        crowd = 0
        for word in range(bits.shape[1]):
            common = ~np.uint64(0)
            for value in asked[row]:
                if value >= 0:
                    common &= bits[value, word]
            while common:
                common &= common - np.uint64(1)
                crowd += 1
            if crowd >= k:
                break
        found[row] = crowd < k
    return found
