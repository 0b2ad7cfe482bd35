"""Declared tables: which variables go down the side and which across, and how that is laid out.

Everything here is about published counts: what is not among them is blank.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import frozen, validators

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.toml.convert import entry, matching

if TYPE_CHECKING:
    from ctdc_framework.records.items import Item, Items

TOTAL = "total"
"""How a margin is headed: its variable is no part of the combination."""

Grid = list[list[str]]
"""A table as it is written: a header, then a row for each combination of the side."""


@frozen(kw_only=True)
class Layout:
    """A table of counts: every combination of its variables' values, with all totals.

    An entry of `rows` or `columns` is a variable, `citizenship`, or a level of its hierarchy,
    `citizenship/region`. Levels of one variable stand above one another; variables are crossed.
    """

    id: str = entry(
        "the table's name, and its file's",
        validator=matching(r"[a-z0-9][a-z0-9-]{0,39}", "small letters, digits and -"),
    )
    rows: tuple[str, ...] = entry(
        "variables, or levels such as citizenship/region, down the side",
        validator=validators.min_len(1),
    )
    columns: tuple[str, ...] = entry("variables, or levels, across", default=())
    percent: Literal["", "rows", "columns", "total"] = entry(
        "what percentages are of: the row's total, the column's, or the whole table's; none if "
        "left out",
        default="",
    )

    @property
    def axes(self) -> Mapping[str, tuple[str, ...]]:
        """The levels asked for of each variable, rows first; `` is the variable's own values."""
        found: dict[str, tuple[str, ...]] = {}
        for stub in (*self.rows, *self.columns):
            variable, _, level = stub.partition("/")
            found[variable] = (*found.get(variable, ()), level)
        return found

    def problems(self, codebook: Codebook) -> Iterator[tuple[str, str]]:
        """Say what is wrong with it for a codebook: messages, each with what to do."""
        sides = [{stub.partition("/")[0] for stub in side} for side in (self.rows, self.columns)]
        for variable in sorted(sides[0] & sides[1]):
            yield f"`{variable}` is both down the side and across", "leave it out of one of them"
        stubs = [*self.rows, *self.columns]
        for stub in dict.fromkeys(stubs):
            variable, slash, level = stub.partition("/")
            if stubs.count(stub) > 1:
                yield f"`{stub}` is named twice", "remove one"
            if variable not in codebook.variables:
                near = did_you_mean(variable, codebook.variables)
                yield f"`{variable}` is no variable of {codebook.id}", near
                continue
            names = levels_of(codebook, variable)
            if slash and level not in names:
                help = did_you_mean(level, names) or (
                    f"there are {one_of(names)}" if names else "the variable has no hierarchy"
                )
                yield f"`{variable}` has no level `{level}`", help


def levels_of(codebook: Codebook, variable: str) -> list[str]:
    """Name the levels of a variable's hierarchy, from finer to coarser."""
    hierarchy = codebook.hierarchy_of(variable)
    held = codebook.variables[variable].list
    return [level.name for level in hierarchy.levels] if hierarchy and not held else []


def heights(codebook: Codebook, variable: str, levels: Sequence[str]) -> list[int]:
    """Give the heights of levels in a hierarchy, coarsest first; 0 is the values themselves."""
    names = ["", *levels_of(codebook, variable)]
    return sorted({names.index(level) for level in levels}, reverse=True)


def wide(layout: Layout, codebook: Codebook, counts: Mapping[Items, int]) -> Grid:
    """Lay published counts out: a column per combination across; rows without a count are left out.

    The header of a column names its values, `gender=Female`, or says `total`.
    """
    return _grid(layout, codebook, counts, lambda items: str(counts.get(items, "")))


def percentages(layout: Layout, codebook: Codebook, counts: Mapping[Items, int]) -> Grid:
    """Lay out whole percentages of the declared total, hidden where either count is.

    They are of published counts, so they tell nothing that these do not.
    """
    across = {stub.partition("/")[0] for stub in layout.columns}

    def share(items: Items) -> str:
        kept = {
            "rows": [item for item in items if item[0] not in across],
            "columns": [item for item in items if item[0] in across],
        }.get(layout.percent, [])
        part, whole = counts.get(items), counts.get(tuple(kept))
        return str((200 * part + whole) // (2 * whole)) if part and whole else ""

    return _grid(layout, codebook, counts, share)


def _grid(
    layout: Layout,
    codebook: Codebook,
    counts: Mapping[Items, int],
    cell: Callable[[Items], str],
) -> Grid:
    down = _variables(layout.rows)
    rows = list(_combinations(layout, codebook, down))
    columns = list(_combinations(layout, codebook, _variables(layout.columns)))
    order = {name: number for number, name in enumerate(codebook.variables)}
    grid = [[*down, *(_heading(items) for items in columns)]]
    for side in rows:
        both = [tuple(sorted((*side, *head), key=lambda i: order[i[0]])) for head in columns]
        if any(items in counts for items in both):
            named = dict(side)
            grid.append([*(named.get(name, TOTAL) for name in down), *map(cell, both)])
    return grid


def _heading(items: Items) -> str:
    return "; ".join(f"{name}={value}" for name, value in items) or TOTAL


def _variables(stubs: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(stub.partition("/")[0] for stub in stubs))


def _combinations(layout: Layout, codebook: Codebook, variables: Sequence[str]) -> Iterator[Items]:
    """Go through every combination of some variables' values, totals first, finer under coarser."""
    choices: list[list[Item | None]] = []
    for name in variables:
        choices.append([None, *((name, value) for value in _values(layout, codebook, name))])
    for chosen in itertools.product(*choices):
        yield tuple(item for item in chosen if item is not None)


def _values(layout: Layout, codebook: Codebook, variable: str) -> list[str]:
    """Give a variable's values in the table, each level's value followed by what is below it."""
    covers = codebook.release_domains[variable]
    wanted = heights(codebook, variable, layout.axes[variable])
    hierarchy = codebook.hierarchy_of(variable)
    own = list(codebook.domain_of(variable).codes)
    if hierarchy is None or wanted == [0]:
        return own
    place = {code: number for number, code in enumerate(own)}
    found = {hierarchy.generalise(code, height): height for height in wanted for code in own}

    def order(value: str) -> tuple[int, int]:
        return min(place[code] for code in covers[value]), -len(covers[value])

    return sorted(found, key=order)
