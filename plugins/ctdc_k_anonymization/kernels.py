"""Kernels of generalisation: merge classes, add up what they hold. Plain loops, compiled once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ctdc_framework.plugin import jit

MULTIPLIER = 0x9E3779B97F4A7C15
"""An odd number near 2^64 / golden ratio: its product spreads neighbouring keys."""


@jit
def _same(one: Any, other: Any, codes: Any, maps: Any, rows: Any) -> Any:
    """Tell whether two records hold the same values at the levels whose map rows are given."""
    for column in range(codes.shape[1]):
        row = maps[rows[column]]
        if row[codes[one, column]] != row[codes[other, column]]:
            return False
    return True


@jit
def merge(
    keys: Any, members: Any, counts: Any, held: Any, wide: Any, codes: Any, maps: Any, rows: Any
) -> Any:
    """Merge classes of the same key into those of the next node: keys, members, counts, held.

    `members` names one record of each class, `held` (classes, values) counts sensitive values.
    Classes come in the order in which their first part came. Where `wide`, the keys are hashes
    and the values of the two members decide.
    """
    size = 16
    while size < 2 * len(keys):
        size *= 2
    slots = np.full(size, -1, np.int32)
    new_keys = np.empty_like(keys)
    new_members = np.empty_like(members)
    new_counts = np.empty_like(counts)
    new_held = np.empty_like(held)
    found = 0
    for old in range(len(keys)):
        spread = np.uint64(keys[old]) * np.uint64(MULTIPLIER)
        slot = np.int64((spread >> np.uint64(32)) & np.uint64(size - 1))
        while True:
            new = slots[slot]
            if new < 0:
                slots[slot] = found
                new_keys[found] = keys[old]
                new_members[found] = members[old]
                new_counts[found] = counts[old]
                for value in range(held.shape[1]):
                    new_held[found, value] = held[old, value]
                found += 1
                break
            if new_keys[new] == keys[old] and (
                not wide or _same(members[old], new_members[new], codes, maps, rows)
            ):
                new_counts[new] += counts[old]
                for value in range(held.shape[1]):
                    new_held[new, value] += held[old, value]
                break
            slot = (slot + 1) & (size - 1)
    return new_keys[:found], new_members[:found], new_counts[:found], new_held[:found]


@jit
def raise_keys(keys: Any, members: Any, column: Any, before: Any, after: Any, places: Any) -> Any:
    """Give the keys after one column went up a level.

    `column` holds the records' codes of it, `before` and `after` its map at both levels, `places`
    what each of its values adds to a key.
    """
    new = np.empty_like(keys)
    for number in range(len(keys)):
        code = column[members[number]]
        new[number] = keys[number] + places[after[code]] - places[before[code]]
    return new


@jit
def add_up(members: Any, counts: Any, kept: Any, columns: Any, worth: Any, rows: Any) -> Any:
    """Add up, per column, what the values of the kept classes' records are worth.

    `columns` (columns, records) are the codes, a column's side by side.
    """
    total = np.zeros(len(columns))
    for column in range(len(columns)):
        codes, row = columns[column], worth[rows[column]]
        for number in range(len(members)):
            if kept[number]:
                total[column] += counts[number] * row[codes[members[number]]]
    return total


@jit
def spread(members: Any, counts: Any, kept: Any, columns: Any, maps: Any, rows: Any) -> Any:
    """Give, per column, the entropy in bits of the suppressed records, times their number.

    `columns` (columns, records) are the codes, a column's side by side.
    """
    some = np.empty(len(members), np.int32)
    many = np.empty(len(members), np.int64)
    used, lost = 0, 0
    for number in range(len(members)):
        if not kept[number]:
            some[used] = members[number]
            many[used] = counts[number]
            lost += counts[number]
            used += 1
    held = np.empty(maps.shape[1] + 1, np.int64)
    total = np.zeros(len(columns))
    for column in range(len(columns)):
        held[:] = 0
        codes, row = columns[column], maps[rows[column]]
        for at in range(used):
            held[row[codes[some[at]]]] += many[at]
        for value in range(len(held)):
            if held[value] > 0:
                total[column] -= held[value] * np.log2(held[value] / lost)
    return total


@jit
def close(held: Any, first: Any, whole: Any, most: Any, ordered: Any, parents: Any) -> Any:
    """Say whether each class's sensitive values, from column `first` on, are close to the whole.

    That is, no further than `most`: with `parents` (levels, groups) by the hierarchy, else by the
    order of the values or by none.
    """
    met = np.empty(len(held), np.bool_)
    values = len(whole)
    extra, above = np.empty(values), np.empty(values)
    more, less = np.empty(values), np.empty(values)
    for number in range(len(held)):
        size = 0
        for value in range(values):
            size += held[number, first + value]
        for value in range(values):
            extra[value] = held[number, first + value] / max(size, 1) - whole[value]
        total = 0.0
        if len(parents):
            children = values
            for level in range(len(parents)):
                groups = 0
                for child in range(children):
                    group = parents[level, child]
                    if group >= groups:
                        above[groups : group + 1] = 0.0
                        more[groups : group + 1] = 0.0
                        less[groups : group + 1] = 0.0
                        groups = group + 1
                    above[group] += extra[child]
                    if extra[child] > 0:
                        more[group] += extra[child]
                    else:
                        less[group] -= extra[child]
                for group in range(groups):
                    total += (level + 1) / len(parents) * min(more[group], less[group])
                    extra[group] = above[group]
                children = groups
                if total > most:
                    break
        elif ordered:
            moved = 0.0
            for value in range(values):
                moved += extra[value]
                total += abs(moved)
            total /= max(1, values - 1)
        else:
            for value in range(values):
                total += abs(extra[value]) / 2
        met[number] = total <= most
    return met
