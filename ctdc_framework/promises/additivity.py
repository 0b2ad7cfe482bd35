"""Whether published parts add up to their wholes: looked at on plain items.

The *shape* of a combination is its variables, each with the height of its value in the variable's
hierarchy. Where combinations of two shapes are published, and one shape is the other with one
variable more, or with one a level finer, those of the finer are parts of those of the coarser.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping

from attrs import frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.records.items import AnyOriginal, Items

Shape = tuple[tuple[str, int], ...]


@frozen(kw_only=True)
class Sum:
    """A published whole and its published parts by one variable; what is not shown counts as 0."""

    whole: Items
    variable: str
    height: int
    """How coarse the parts are."""
    count: int
    parts: int


def sums(codebook: Codebook, counts: Mapping[Items, int]) -> Iterator[Sum]:
    """Go through every published whole with the sum of its parts, once for each way to part it.

    A variable of which a record can have several values parts nothing.
    """
    shapes: dict[Shape, dict[Items, int]] = {}
    for items in counts:
        shapes.setdefault(tuple((name, min(_heights(codebook, name, v))) for name, v in items), {})
    for items, count in counts.items():
        # A group of one value bears that value's code: it stands at both heights.
        every = ([(name, h) for h in _heights(codebook, name, value)] for name, value in items)
        for shape in itertools.product(*every):
            if shape in shapes:
                shapes[shape][items] = count
    for shape, cells in shapes.items():
        for place, (name, height) in enumerate(shape):
            above = _above(codebook, shapes, shape, place)
            if codebook.variables[name].list or above is None:
                continue
            coarser, up = above
            found: dict[Items, int] = defaultdict(int)
            for items, count in cells.items():
                value = items[place][1]
                kept = ((name, _generalised(codebook, name, value, up)),) if up else ()
                found[(*items[:place], *kept, *items[place + 1 :])] += count
            for whole in {**shapes[coarser], **found}:
                yield Sum(
                    whole=whole,
                    variable=name,
                    height=height,
                    count=shapes[coarser].get(whole, 0),
                    parts=found.get(whole, 0),
                )


def all_known(codebook: Codebook, one: Sum, original: AnyOriginal) -> bool:
    """Tell whether every original record of a whole is in one of its parts."""
    covers = codebook.release_domains[one.variable]
    named = dict(one.whole).get(one.variable)
    order = {name: number for number, name in enumerate(codebook.variables)}
    rest = [item for item in one.whole if item[0] != one.variable]
    parts = [
        tuple(sorted((*rest, (one.variable, value)), key=lambda item: order[item[0]]))
        for value in covers
        if one.height in _heights(codebook, one.variable, value)
        and (named is None or covers[value] <= covers[named])
    ]
    whole, *held = original.supports([one.whole, *parts])
    return whole == sum(held)


def _above(
    codebook: Codebook, shapes: Mapping[Shape, object], shape: Shape, place: int
) -> tuple[Shape, int] | None:
    """Give the next coarser shape of which anything is published, and the height there; 0: none."""
    name, height = shape[place]
    hierarchy = codebook.hierarchy_of(name)
    tops = range(height + 1, len(hierarchy.levels) + 1) if hierarchy else ()
    for up in tops:
        coarser = (*shape[:place], (name, up), *shape[place + 1 :])
        if coarser in shapes:
            return coarser, up
    coarser = (*shape[:place], *shape[place + 1 :])
    return (coarser, 0) if coarser in shapes else None


def _generalised(codebook: Codebook, variable: str, value: str, height: int) -> str:
    hierarchy = codebook.hierarchy_of(variable)
    if hierarchy is None:
        return value
    (some, *_) = sorted(codebook.release_domains[variable].get(value, {value}))
    return hierarchy.generalise(some, height)


def _heights(codebook: Codebook, variable: str, value: str) -> list[int]:
    """Give the heights at which a value stands in its variable's hierarchy; 0 is its own."""
    hierarchy = codebook.hierarchy_of(variable)
    if hierarchy is None or codebook.variables[variable].list:
        return [0]
    own = [0] if value in codebook.domain_of(variable).codes else []
    levels = enumerate(hierarchy.levels, 1)
    return own + [n for n, level in levels if any(g.code == value for g in level.groups)] or [0]
