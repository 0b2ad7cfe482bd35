"""Local recoding: suppress or generalise single cells, so that all records share what they show.

A record may be published with any of its values left out, as long as at least k records are
published with the same ones. So the question is which patterns (sets of values) to publish, each
with k records or more that hold it. Patterns are taken from the most worth one down: whoever holds
it is published with it and leaves the rest. A pattern is grown from one record, adding the value
that keeps most of its holders while k are left; a variable with a hierarchy adds its coarsest
value first and goes down. No later record holds an earlier pattern, so none could be moved to a
better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from ctdc_k_anonymization.cell_kernels import cover
from ctdc_k_anonymization.listed import can_list, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL_ENOUGH = 3000
"""Below so many records the arrays are not made anew for those that are left."""


@frozen(kw_only=True, eq=False)
class Values:
    """The values that records may be published with, numbered over all columns.

    `ladder` (values, rungs) holds, for each finest value, those that stand for it from the
    coarsest down to itself, -1 padded. `worth` says what publishing each is worth.
    """

    ladder: NDArray[np.int32]
    worth: NDArray[np.float64]


@frozen(kw_only=True, eq=False)
class Recoded:
    """What each record is published with: value numbers (records, columns), -1 for none.

    `left_out` marks the records that share nothing with enough others.
    """

    values: NDArray[np.int32]
    left_out: NDArray[np.bool_]


def recode(
    items: NDArray[np.int32],
    values: Values,
    k: int,
    forced: Sequence[bool] = (),
    wild: Sequence[bool] = (),
) -> Recoded:
    """Publish as much of the records as can be, each row shared by at least k.

    `items` (records, columns) are finest values, -1 where missing. A forced column is published
    as it is, and must not be missing. In a wild column a missing value matches anything: it is in
    a class whatever the others show there, and stays missing. The result follows from the records,
    not from their order.

    >>> values = Values(ladder=np.arange(3, dtype=np.int32)[:, None], worth=np.ones(3))
    >>> recode(np.array([[0, 2], [0, 2], [1, 2]], np.int32), values, 3).values.tolist()
    [[-1, 2], [-1, 2], [-1, 2]]
    """
    kept = np.array(forced or [False] * items.shape[1], bool)
    order = _alike(items, len(values.ladder))
    rows = np.ascontiguousarray(items[order])
    if not any(wild) and can_list(rows, values.ladder):
        published, class_of = listed(rows, values.ladder, values.worth, k, kept)
    else:
        anything = np.array(wild or [False] * items.shape[1], bool)
        published, class_of = _covered(rows, values, k, kept, anything)
    _rescue(rows, published, class_of, values, k, kept)
    published[rows < 0] = -1
    back = np.argsort(order)
    return Recoded(values=published[back], left_out=(class_of < 0)[back])


def _covered(
    items: NDArray[np.int32],
    values: Values,
    k: int,
    forced: NDArray[np.bool_],
    wild: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Give what each record is published with, and its class: -1 where it has none."""
    published = np.full_like(items, -1)
    class_of = np.full(len(items), -1)
    here = np.arange(len(items))
    bound = _worth(items, values)
    wild_in = _wild_in(items, values.ladder, wild)
    found = 0
    while len(here):
        rows = np.ascontiguousarray(items[here])
        until = len(here) // 2 if len(here) > SMALL_ENOUGH else 0
        holders = _holders(rows, values.ladder, wild_in)
        member_of, rungs, members, bound = cover(
            rows, values.ladder, values.worth, forced, wild_in, holders, bound, k, until
        )
        done = member_of >= 0
        published[here[done]] = _shown(rows[members], rungs, values.ladder)[member_of[done]]
        class_of[here[done]] = found + member_of[done]
        found += len(members)
        waiting = member_of == -1
        bound, here = bound[waiting], here[waiting]
    return published, class_of


def _worth(shown: NDArray[np.int32], values: Values) -> NDArray[np.float64]:
    """Give what each row of values is worth."""
    total: NDArray[np.float64] = np.where(shown >= 0, values.worth[shown], 0.0).sum(axis=1)
    return total


def _alike(items: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """Order records so that like ones are neighbours: then few words of bits hold most."""
    counts = np.bincount(items[items >= 0], minlength=size)
    commonest = [int(counts[np.unique(column)].max(initial=0)) for column in items.T]
    columns = np.argsort(commonest, kind="stable")  # the last one is the first to sort by
    return np.lexsort([items[:, column] for column in columns])


def _wild_in(
    items: NDArray[np.int32], ladder: NDArray[np.int32], wild: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Give the wild column that each value belongs to, -1 for those of other columns."""
    found = np.full(len(ladder), -1, np.int32)
    for column in np.flatnonzero(wild).tolist():
        own = items[:, column]
        rungs = ladder[own[own >= 0]]
        found[rungs[rungs >= 0]] = column
    return found


def _holders(
    items: NDArray[np.int32], ladder: NDArray[np.int32], wild_in: NDArray[np.int32]
) -> NDArray[np.uint64]:
    """Give a row of bits per value: which records it stands for, or may."""
    bits = np.zeros((len(ladder), (len(items) + 63) // 64), np.uint64)
    for rung in range(ladder.shape[1]):
        held = np.where(items >= 0, ladder[items, rung], -1)
        records, columns = np.nonzero(held >= 0)
        bit = np.uint64(1) << (records & 63).astype(np.uint64)
        np.bitwise_or.at(bits, (held[records, columns], records >> 6), bit)
    for column in sorted({*wild_in.tolist()} - {-1}):
        records = np.flatnonzero(items[:, column] < 0)
        unknown = np.zeros(bits.shape[1], np.uint64)
        np.bitwise_or.at(unknown, records >> 6, np.uint64(1) << (records & 63).astype(np.uint64))
        bits[wild_in == column] |= unknown
    return bits


def _shown(
    items: NDArray[np.int32], rungs: NDArray[np.int8], ladder: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Give the values at some rungs of each record's ladders; none at rung 0."""
    return np.where(rungs > 0, ladder[items, np.maximum(rungs, 1) - 1], -1).astype(np.int32)


def _rescue(
    items: NDArray[np.int32],
    published: NDArray[np.int32],
    class_of: NDArray[np.int64],
    values: Values,
    k: int,
    forced: NDArray[np.bool_],
) -> None:
    """Publish records in no class after all, by what costs the others least.

    A record is shown with one of its values, which spare members of other classes then show alone;
    or it joins a class, of which all members then show what they have in common. Records of which
    neither is true are published with what is forced alone where k of them are alike in it.
    """
    sizes = np.bincount(class_of[class_of >= 0], minlength=1).tolist()
    shown = np.where(forced, items, -1)
    coarsest = np.where(items >= 0, values.ladder[items, 0], -1)
    for record in np.flatnonzero(class_of < 0).tolist():
        if class_of[record] >= 0:
            continue
        cost = _worth(published, values)
        alike = (items[:, forced] == items[record, forced]).all(axis=1)
        best: tuple[float, list[int], NDArray[np.int32]] | None = None
        for column in np.flatnonzero(~forced & (items[record] >= 0)).tolist():
            holders = np.flatnonzero((coarsest[:, column] == coarsest[record, column]) & alike)
            waiting = holders[class_of[holders] < 0].tolist()
            others = holders[class_of[holders] >= 0]
            order = others[np.lexsort((others, cost[others]))].tolist()
            spare = _spare(order, class_of, sizes, k, k - len(waiting))
            if len(waiting) + len(spare) >= k:
                row = shown[record].copy()
                row[column] = coarsest[record, column]
                price = float((cost[spare] - _worth(row[None], values)).sum()) / len(waiting)
                if best is None or price < best[0]:
                    best = price, waiting + spare, row
        joined = _joined(items[record], published, class_of, values, alike)
        if joined and (best is None or joined[0] < best[0]):
            price, number, row = joined
            best = price, [*np.flatnonzero(class_of == number).tolist(), record], row
        if best is not None:
            _, members, row = best
            for member in members:
                if class_of[member] >= 0:
                    sizes[class_of[member]] -= 1
            published[members] = row
            class_of[members] = len(sizes)
            sizes.append(len(members))
    left = np.flatnonzero(class_of < 0)
    if len(left):
        _, group, counts = np.unique(shown[left], axis=0, return_inverse=True, return_counts=True)
        enough = counts[group.ravel()] >= k
        published[left[enough]] = shown[left[enough]]
        class_of[left[enough]] = len(sizes) + group.ravel()[enough]


def _joined(
    own: NDArray[np.int32],
    published: NDArray[np.int32],
    class_of: NDArray[np.int64],
    values: Values,
    alike: NDArray[np.bool_],
) -> tuple[float, int, NDArray[np.int32]] | None:
    """Find the class that a record joins at the least cost: its price, number and new row."""
    candidates = np.flatnonzero(alike & (class_of >= 0))
    numbers, first, sizes = np.unique(class_of[candidates], return_index=True, return_counts=True)
    if not len(numbers):
        return None
    rows = published[candidates[first]]
    common = np.full_like(rows, -1)
    for column in range(rows.shape[1]):
        if own[column] < 0:
            continue
        for value in values.ladder[own[column]]:  # from the coarsest down: the last that holds
            if value >= 0:
                under = (values.ladder[rows[:, column]] == value).any(axis=1)
                common[(rows[:, column] >= 0) & under, column] = value
    some = _worth(common, values) > 0
    prices = np.where(some, (_worth(rows, values) - _worth(common, values)) * sizes, np.inf)
    best = int(np.argmin(prices))
    if not some[best]:
        return None
    return float(prices[best]), int(numbers[best]), common[best]


def _spare(
    holders: list[int], class_of: NDArray[np.int64], sizes: list[int], k: int, wanted: int
) -> list[int]:
    """Give the first holders that their classes can do without, as many as are wanted."""
    taken: list[int] = []
    gone: dict[int, int] = {}
    for record in holders:
        if len(taken) >= wanted:
            break
        own = int(class_of[record])
        if sizes[own] - gone.get(own, 0) > k:
            gone[own] = gone.get(own, 0) + 1
            taken.append(record)
    return taken
