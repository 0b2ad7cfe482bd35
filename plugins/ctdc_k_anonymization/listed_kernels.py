"""Kernels of cell suppression over listed patterns: close what is too small, open what gains."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from ctdc_framework.plugin import jit

NEAR = 1e-9
"""What patterns are worth may differ by so much from rounding alone."""


@jit
def close_small(choices: Any, start: Any, worth: Any, holders: Any, k: Any) -> Any:
    """Give each record the pattern that is worth most, of those that k records choose.

    `choices[start[r]:start[r + 1]]` are a record's patterns, the most worth first; `holders` says
    how many hold each. At first all are open. The most worth one that fewer than k chose is closed,
    and they choose again; of equal ones what most have chosen. Gives the choices, -1 for none.
    """
    records = len(start) - 1
    chosen = np.full(records, -1, np.int32)
    load = np.zeros(len(worth), np.int64)
    following = np.full(records, -1, np.int32)  # the next record of the same choice
    head = np.full(len(worth), -1, np.int32)
    first = start[:-1].copy()
    is_open = np.ones(len(worth), np.bool_)
    for record in range(records):
        _choose(record, choices, start, first, worth, holders, is_open, chosen)
        if chosen[record] >= 0:
            load[chosen[record]] += 1
            following[record] = head[chosen[record]]
            head[chosen[record]] = record
    heap = [(-worth[p], load[p], p) for p in range(len(worth)) if load[p] < k]
    heapq.heapify(heap)
    while heap:
        _, then, pattern = heapq.heappop(heap)
        if load[pattern] >= k:
            continue
        if load[pattern] > then:
            heapq.heappush(heap, (-worth[pattern], load[pattern], pattern))
            continue
        is_open[pattern] = False
        record = head[pattern]
        load[pattern] = 0
        while record >= 0:
            after = following[record]
            _choose(record, choices, start, first, worth, load, is_open, chosen)
            if chosen[record] >= 0:
                load[chosen[record]] += 1
                following[record] = head[chosen[record]]
                head[chosen[record]] = record
            record = after
    return chosen


@jit
def _choose(
    record: Any, choices: Any, start: Any, first: Any, worth: Any, many: Any, is_open: Any,
    chosen: Any,
) -> None:  # fmt: skip
    """Choose the open pattern worth most, and of equal ones the one that has most."""
    end = start[record + 1]
    at = first[record]
    while at < end and not is_open[choices[at]]:
        at += 1
    first[record] = at
    best = -1
    while at < end:
        pattern = choices[at]
        if best >= 0 and worth[pattern] < worth[best] - NEAR:
            break
        if is_open[pattern] and (best < 0 or many[pattern] > many[best]):
            best = pattern
        at += 1
    chosen[record] = best


@jit
def open_more(order: Any, held: Any, start: Any, worth: Any, chosen: Any, k: Any) -> Any:
    """Open, or fill, patterns by records that their classes can spare, wherever that gains.

    `held[start[p]:start[p + 1]]` are the records that hold a pattern; patterns are looked at in
    `order`. Who gains by it joins; up to k those join that lose least. Changes `chosen`, and gives
    what was gained.
    """
    load = np.zeros(len(worth), np.int64)
    for record in range(len(chosen)):
        if chosen[record] >= 0:
            load[chosen[record]] += 1
    gained = 0.0
    taken = np.zeros(len(worth), np.int64)
    for pattern in order:
        able = 0
        some = False
        holders = held[start[pattern] : start[pattern + 1]]
        gains = np.empty(len(holders))
        for number in range(len(holders)):
            now = chosen[holders[number]]
            gains[number] = -np.inf
            if now == pattern or (now >= 0 and load[now] <= k):
                continue
            gains[number] = worth[pattern] - (worth[now] if now >= 0 else 0.0)
            some = some or gains[number] > NEAR
            able += 1
        wanted = max(0, k - load[pattern])
        if not some or able < wanted:
            continue
        total, joined = 0.0, 0
        joining = np.empty(able, np.int32)
        for number in np.argsort(-gains, kind="mergesort")[:able]:
            if gains[number] <= NEAR and (
                joined >= wanted or total + gains[number] * (wanted - joined) <= NEAR
            ):
                break
            now = chosen[holders[number]]
            if now >= 0:
                if load[now] - taken[now] <= k:
                    continue
                taken[now] += 1
            joining[joined] = holders[number]
            joined += 1
            total += gains[number]
        for record in joining[:joined]:
            if chosen[record] >= 0:
                taken[chosen[record]] = 0
        if joined < wanted or total <= NEAR:
            continue
        for record in joining[:joined]:
            if chosen[record] >= 0:
                load[chosen[record]] -= 1
            chosen[record] = pattern
            load[pattern] += 1
        gained += total
    return gained
