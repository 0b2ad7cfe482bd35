"""How a sensitive variable is spread over a class: the second, plain path of l and t.

Plain numbers and texts on purpose: nothing here is shared with a strategy, so that one mistake
cannot pass both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ctdc_framework.promises.claims import ClosenessKind, DiversityKind

NEAR = 1e-9
"""How far rounding errors may carry a figure over its bound."""

Spread = Mapping[str, float]
"""How many records hold each value, or which share of them; missing is the empty text."""


def is_diverse(spread: Spread, kind: DiversityKind, least: int, c: float = 1.0) -> bool:
    """Say whether the values of a class are diverse enough.

    >>> mostly = {"yes": 9, "no": 1}
    >>> is_diverse(mostly, "distinct", 2), is_diverse(mostly, "entropy", 2)
    (True, False)
    """
    counts = sorted((n for n in spread.values() if n > 0), reverse=True)
    if kind == "recursive":
        return counts[0] < c * sum(counts[least - 1 :])
    if len(counts) < least:
        return False
    total = sum(counts)
    entropy = -sum(n / total * math.log(n / total) for n in counts)
    return kind == "distinct" or entropy >= math.log(least) - NEAR


def distance(
    spread: Spread,
    whole: Spread,
    kind: ClosenessKind,
    *,
    order: Sequence[str] = (),
    groups: Sequence[Mapping[str, str]] = (),
) -> float:
    """Give the distance of a class's shares from those of all records.

    `order` lists all values of `whole` for the ordered distance; `groups` gives, for the
    hierarchical one, each value's group at each level above it, the last level being one group.

    >>> whole = {"low": 1, "mid": 0, "high": 1}
    >>> distance({"low": 1}, whole, "ordered", order=list(whole))
    0.5
    """
    here, there = sum(spread.values()), sum(whole.values())
    extra = {value: spread.get(value, 0) / here - n / there for value, n in whole.items()}
    if kind == "equal":
        return sum(map(abs, extra.values())) / 2
    if kind == "ordered":
        moved = total = 0.0
        for value in order:
            moved += extra[value]
            total += abs(moved)
        return total / max(1, len(order) - 1)
    total = 0.0
    child_of = {value: value for value in extra}
    for level, group_of in enumerate(groups, start=1):
        more: dict[str, float] = {}
        less: dict[str, float] = {}
        for child in dict.fromkeys(child_of.values()):
            inside = [value for value, one in child_of.items() if one == child]
            group, amount = group_of[inside[0]], sum(extra[value] for value in inside)
            more[group] = more.get(group, 0.0) + max(amount, 0.0)
            less[group] = less.get(group, 0.0) + max(-amount, 0.0)
        total += level / len(groups) * sum(min(more[group], less[group]) for group in more)
        child_of = dict(group_of)
    return total
