"""Kernels of cell suppression: grow patterns that enough records hold, from the longest down."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from ctdc_framework.plugin import jit

SMALL = 1e-6
"""What each holder above k takes off a pattern's worth: of equal ones that with fewer comes first,
as more classes have room beside it."""


@jit
def _ones(word: Any) -> Any:
    """Count the bits of a word."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit
def _count(bits: Any, where: Any, words: Any, used: Any) -> Any:
    """Count the records of some words that hold an item, given its bits."""
    found = 0
    for at in range(used):
        found += _ones(words[at] & bits[where[at]])
    return found


@jit
def _narrow(bits: Any, where: Any, words: Any, used: Any) -> Any:
    """Keep in some words the records that hold an item; words left empty are dropped."""
    left = 0
    for at in range(used):
        word = words[at] & bits[where[at]]
        if word:
            where[left] = where[at]
            words[left] = word
            left += 1
    return left


@jit
def _grow(
    own: Any, ladder: Any, worth: Any, forced: Any, bits: Any, live: Any, singles: Any,
    k: Any, taken: Any, counted: Any, where: Any, words: Any,
) -> Any:  # fmt: skip
    """Grow the pattern of one record: add what keeps most of its holders, as long as k hold it.

    That is the value whose holders, times what it is worth, are most.

    `own` are the record's finest items per column, `ladder[item]` the items from the coarsest
    that stands for it down to itself. Sets `taken`, the number of rungs per column, and the
    holders: the first `used` of `where` and `words`. Gives what the pattern is worth, and `used`;
    -1 where fewer than k hold what is forced.
    """
    columns = len(own)
    used = 0
    for at in range(len(live)):
        if live[at]:
            where[used] = at
            words[used] = live[at]
            used += 1
    total = 0.0
    first = True
    for column in range(columns):
        taken[column] = 0
        counted[column] = len(live) * 64
        if forced[column]:
            rungs = 0
            while rungs < ladder.shape[1] and ladder[own[column], rungs] >= 0:
                rungs += 1
            taken[column] = rungs
            used = _narrow(bits[own[column]], where, words, used)
            total += worth[own[column]]
            first = False
    if not first:
        held = 0
        for at in range(used):
            held += _ones(words[at])
        if held < k:
            return -1.0, 0
    while True:
        best, most, score = -1, 0, -1.0
        for column in range(columns):
            if own[column] < 0 or taken[column] >= ladder.shape[1]:
                continue
            item = ladder[own[column], taken[column]]
            if item < 0 or counted[column] < k:
                continue
            held = singles[item] if first else _count(bits[item], where, words, used)
            counted[column] = held
            gain = worth[item]
            if taken[column] > 0:
                gain -= worth[ladder[own[column], taken[column] - 1]]
            if held >= k and held * gain > score:
                best, most, score = column, held, held * gain
        if best < 0:
            return total, used
        item = ladder[own[best], taken[best]]
        used = _narrow(bits[item], where, words, used)
        total += worth[item]
        if taken[best] > 0:
            total -= worth[ladder[own[best], taken[best] - 1]]
        taken[best] += 1
        counted[best] = most
        first = False


@jit
def cover(
    items: Any, ladder: Any, worth: Any, forced: Any, wild_in: Any, bits: Any, bound: Any, k: Any,
    until: Any,
) -> Any:  # fmt: skip
    """Part records into classes of at least k that share a pattern, the most worth one first.

    `items` (records, columns) are finest items, -1 missing; `bits` (items, words) who holds each.
    `wild_in` gives the column of the items that who has nothing there holds as well, else -1.
    `bound` says what each record's pattern is worth at most. Stops when fewer than `until`
    records are left. Gives each record's class (-1 not yet, -2 in none: too few share a value),
    the classes' rungs, one member each, and the bounds that are left.
    """
    records, columns = items.shape
    live = np.zeros(bits.shape[1], np.uint64)
    singles = np.zeros(len(bits), np.int64)
    for record in range(records):
        live[record >> 6] |= np.uint64(1) << np.uint64(record & 63)
    for item in range(len(bits)):
        for at in range(len(live)):
            singles[item] += _ones(bits[item, at])
    member_of = np.full(records, -1, np.int32)
    rungs = np.zeros((records // k + 1, columns), np.int8)
    members = np.zeros(records // k + 1, np.int32)
    taken = np.zeros(columns, np.int8)
    counted = np.zeros(columns, np.int64)
    where, words = np.empty(len(live), np.int32), np.empty(len(live), np.uint64)
    bound = bound.copy()
    heap = [(-bound[record], record) for record in range(records)]
    heapq.heapify(heap)
    classes, left = 0, records
    while heap and left >= until:
        _, record = heapq.heappop(heap)
        if member_of[record] != -1:
            continue
        total, used = _grow(
            items[record], ladder, worth, forced, bits, live, singles, k,
            taken, counted, where, words,
        )  # fmt: skip
        if used == 0 or taken.sum() == 0:
            member_of[record] = -2
            left -= 1
            continue
        bound[record] = total
        held = 0
        for at in range(used):
            held += _ones(words[at])
        total -= SMALL * min(held - k, 1000)
        if heap and -total > heap[0][0]:
            heapq.heappush(heap, (-total, record))
            continue
        rungs[classes] = taken
        members[classes] = record
        for at in range(used):
            live[where[at]] &= ~words[at]
            for bit in range(64):
                if (words[at] >> np.uint64(bit)) & np.uint64(1):
                    holder = where[at] * 64 + bit
                    left -= member_of[holder] == -1
                    member_of[holder] = classes
                    for column in range(columns):
                        if items[holder, column] >= 0:
                            for rung in range(ladder.shape[1]):
                                item = ladder[items[holder, column], rung]
                                if item >= 0:
                                    singles[item] -= 1
                    for item in range(len(wild_in)):
                        if wild_in[item] >= 0 and items[holder, wild_in[item]] < 0:
                            singles[item] -= 1
        classes += 1
    return member_of, rungs[:classes], members[:classes], bound
