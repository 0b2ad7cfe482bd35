"""Declared tables made complete: every cell with every part, so that totals are sums.

A record whose value is not known is part of a total and of none of its cells. So each variable
gets one hidden cell more, for what is not known: with it, each total is exactly the sum of its
parts. Hidden cells are rounded like others and never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from ctdc_framework.plugin import Layout, StrategyError, Table, heights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

MOST = 1_000_000
"""Cells of tables that are made complete; more would not be rounded in any good time."""

NOT_PART, NOT_KNOWN = -1, -2
"""What stands for a code where the variable is no part of a cell, and where it is not known."""


@frozen(kw_only=True, eq=False)
class Complete:
    """Cells, how they sum, and their true counts.

    codes: (cells, columns of the table), with `NOT_PART` and `NOT_KNOWN`.
    counts: (cells,).
    totals, parts: (sums,) and (parts, 2): total t is the sum of the cells that stand beside its
        number in `parts`. Sums that follow from others are left out.
    rows: (cells,), the row of the table of counts that each is; -1 where none is.
    numbers: for each table, the cells of it as it was crossed.
    network: whether a flow can carry it, so that whole solutions come by themselves: one or two
        variables, one of them at most with levels.
    """

    codes: NDArray[np.int16] = field(repr=False)
    counts: Integers = field(repr=False)
    totals: Integers = field(repr=False)
    parts: Integers = field(repr=False)
    rows: Integers = field(repr=False)
    numbers: tuple[Integers, ...] = field(repr=False)
    network: bool

    def of_table(self, counts: Integers) -> Integers:
        """Give a table's counts by cell: 0 where a cell is none of its rows."""
        return _taken(counts, self.rows)

    def in_table(self, counts: Integers, length: int) -> Integers:
        """Give counts of cells by the table's rows: 0 where a row is no cell."""
        import numpy as np

        found = np.zeros(length, dtype=np.int64)
        found[self.rows[self.rows >= 0]] = counts[self.rows >= 0]
        return found

    def add_up(self, counts: Integers) -> Integers:
        """Give counts in which each total is the sum of its parts; what has no parts is kept."""
        while True:
            added = counts.copy()
            added[self.totals] = self._sum(counts)
            if (added == counts).all():
                return counts
            counts = added

    def apart(self, counts: Integers) -> tuple[int, int]:
        """Count the sums of which total and parts differ, and all; those of hidden cells aside."""
        shown = (self.codes[self.totals] != NOT_KNOWN).all(axis=1)
        apart = self._sum(counts) != counts[self.totals]
        return int((apart & shown).sum()), int(shown.sum())

    def _sum(self, counts: Integers) -> Integers:
        import numpy as np

        number, part = self.parts.T
        # Whole numbers below 2**53 pass through floats unharmed.
        added = np.bincount(number, weights=counts[part], minlength=len(self.totals))
        return added.astype(np.int64)


@frozen(kw_only=True, eq=False)
class Tree:
    """The values of one column in one table: 0 is the total, the last what is not known."""

    column: int
    codes: Integers
    parents: Integers

    @property
    def leaves(self) -> Integers:
        """The nodes without parts."""
        import numpy as np

        return np.setdiff1d(np.arange(len(self.codes)), self.parents)

    @property
    def flat(self) -> bool:
        """Whether nothing stands between the total and the values."""
        return int(self.parents.max()) <= 0


def complete(table: Table) -> Complete:
    """Complete the declared tables of a table of counts; cells that they share are one cell.

    Raises `StrategyError` where none is declared, where parts overlap, where a total is smaller
    than its parts, or where there are too many cells.
    """
    if not len(table):
        raise StrategyError("the table of counts is empty: there is not even a total")
    if not table.layouts:
        raise StrategyError(
            "totals can be kept together in declared tables only, and all combinations are asked "
            "for",
            help="declare tables for tabulate, each with rows and columns",
        )
    forests = [_trees(table, layout) for layout in table.layouts]
    cells = together(table, forests)
    counts = cells.of_table(table.counts)
    filled = [
        _fill(layout, trees, counts[number])
        for layout, trees, number in zip(table.layouts, forests, cells.numbers, strict=True)
    ]
    for number, one in zip(cells.numbers, filled, strict=True):
        counts[number] = one
    return evolve(cells, counts=counts)


def together(table: Table, forests: Sequence[Sequence[Tree]]) -> Complete:
    """Put tables together, each the crossing of some trees, with a table's counts as they are.

    Cells that are no rows of it have the count 0. Raises `StrategyError` where there are too many.
    """
    import numpy as np

    size = size_of(forests)
    if size > MOST:
        raise StrategyError(
            f"the declared tables have {size:,} cells, more than {MOST:,}",
            help="leave variables out, or take a coarser level of them",
        )
    key_of = _keys(table, forests)
    known = key_of(table.codes)
    order = np.argsort(known)
    codes, keys, totals, parts = [], [], [], []
    cells = sums = 0
    for trees in forests:
        own = _cells(trees, len(table.columns))
        total, part = _sums(trees)
        codes.append(own)
        keys.append(key_of(own))
        totals.append(total + cells)
        parts.append(part + np.array([sums, cells]))
        cells, sums = cells + len(own), sums + len(total)
    distinct, first, which = np.unique(np.concatenate(keys), return_index=True, return_inverse=True)
    rows = np.full(len(distinct), -1)
    if len(known):
        at = np.searchsorted(known, distinct, sorter=order)
        place = order[np.minimum(at, len(known) - 1)]
        rows = np.where(known[place] == distinct, place, -1)
    part = np.concatenate(parts)
    part[:, 1] = which[part[:, 1]]
    (trees, *more) = forests
    return Complete(
        codes=np.concatenate(codes)[first],
        counts=_taken(table.counts, rows),
        totals=which[np.concatenate(totals)],
        parts=part,
        rows=rows,
        numbers=tuple(np.split(which, np.cumsum([len(own) for own in codes])[:-1])),
        network=not more and len(trees) <= 2 and sum(not tree.flat for tree in trees) <= 1,
    )


def _taken(counts: Integers, rows: Integers) -> Integers:
    """Give the counts of rows, 0 for -1."""
    import numpy as np

    return np.append(counts, 0)[rows]


def size_of(forests: Sequence[Sequence[Tree]]) -> int:
    """Count the cells of tables, those that they share once for each."""
    return sum(prod(len(tree.codes) for tree in trees) for trees in forests)


def _trees(table: Table, layout: Layout) -> list[Tree]:
    """Give the trees of a table's variables, those without levels first, as sums want them."""
    trees = []
    for variable, levels in layout.axes.items():
        if table.codebook.variables[variable].list:
            raise StrategyError(
                f"table `{layout.id}`: a record can have several values of `{variable}`, so its "
                "parts overlap and no rounding makes them add up",
                help=f"leave `{variable}` out of the table, or round by another method",
            )
        (column,) = table.column_numbers([variable])
        trees.append(tree_of(table, column, levels))
    return sorted(trees, key=lambda tree: not tree.flat)


def tree_of(table: Table, column: int, levels: Sequence[str] = ("",)) -> Tree:
    """Give the tree of a column: of a variable's own values and of levels above them.

    The presence of a value, in a cell that can list several, has no levels: it is there or not.
    """
    import numpy as np

    variable, value = table.columns[column].variable, table.columns[column].value
    if value:
        return Tree(column=column, codes=np.array([-1, 0, -2]), parents=np.array([-1, 0, 0]))
    number = {code: n for n, code in enumerate(table.columns[column].codes)}
    hierarchy = table.codebook.hierarchy_of(variable)
    own = table.codebook.domain_of(variable).codes
    at = dict.fromkeys(own, 0)  # the node above each value so far
    node: dict[str, int] = {}
    codes, parents = [NOT_PART], [-1]
    for height in heights(table.codebook, variable, levels):
        above = dict(at)
        for value in own:
            code = hierarchy.generalise(value, height) if height and hierarchy else value
            if code not in node:
                node[code] = len(codes)
                codes.append(number[code])
                parents.append(above[value])
            at[value] = node[code]
    return Tree(
        column=column,
        codes=np.array([*codes, NOT_KNOWN]),
        parents=np.array([*parents, 0]),
    )


def _keys(
    table: Table, forests: Sequence[Sequence[Tree]]
) -> Callable[[NDArray[np.int16]], Integers]:
    """Make a function that numbers rows of codes, alike where the rows are alike."""
    import numpy as np

    columns = sorted({tree.column for trees in forests for tree in trees})
    sizes = [table.sizes[column] + 2 for column in columns]
    if np.prod([float(size) for size in sizes]) >= 2.0**62:
        raise StrategyError(
            "the declared tables have too many variables together",
            help="declare fewer tables in one stage",
        )
    weights = np.cumprod([1, *sizes])[:-1]

    def key_of(codes: NDArray[np.int16]) -> Integers:
        keys: Integers = (codes[:, columns].astype(np.int64) + 2) @ weights
        return keys

    return key_of


def _cells(trees: Sequence[Tree], width: int) -> NDArray[np.int16]:
    import numpy as np

    nodes = np.indices([len(tree.codes) for tree in trees]).reshape(len(trees), -1)
    codes = np.full((nodes.shape[1], width), NOT_PART, dtype=np.int16)
    for tree, node in zip(trees, nodes, strict=True):
        codes[:, tree.column] = tree.codes[node]
    return codes


def _fill(layout: Layout, trees: Sequence[Tree], counts: Integers) -> Integers:
    """Give hidden cells what their total has more than its parts."""
    import numpy as np

    grid = counts.reshape([len(tree.codes) for tree in trees]).copy()
    for axis, tree in enumerate(trees):
        moved = np.moveaxis(grid, axis, 0)
        top = np.flatnonzero(tree.parents[:-1] == 0)
        moved[-1] = moved[0] - moved[top].sum(axis=0)
        for node in range(1, len(tree.codes) - 1):
            below = np.flatnonzero(tree.parents == node)
            if len(below) and (moved[node] != moved[below].sum(axis=0)).any():
                raise StrategyError(
                    f"table `{layout.id}`: a total is not the sum of its parts at a lower level"
                )
    if (grid < 0).any():
        raise StrategyError(f"table `{layout.id}`: a total is smaller than its parts")
    return grid.reshape(-1)


def _sums(trees: Sequence[Tree]) -> tuple[Integers, Integers]:
    """Give totals and parts, as `Complete` has them: each cell that is a sum is one just once."""
    import numpy as np

    shape = [len(tree.codes) for tree in trees]
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    totals, parts = [np.empty(0, np.int64)], [np.empty((0, 2), np.int64)]
    sums = 0
    for axis, tree in enumerate(trees):
        # Any cell of the variables before; of those after, only what has no parts itself.
        kept = [
            np.arange(len(other.codes)) if place < axis else other.leaves
            for place, other in enumerate(trees)
        ]
        for node in np.setdiff1d(tree.parents, [-1]):
            kept[axis] = np.array([node])
            total = numbers[np.ix_(*kept)].reshape(-1)
            kept[axis] = np.flatnonzero(tree.parents == node)
            below = np.moveaxis(numbers[np.ix_(*kept)], axis, 0).reshape(len(kept[axis]), -1)
            which = np.broadcast_to(np.arange(sums, sums + len(total)), below.shape)
            totals.append(total)
            parts.append(np.column_stack([which.reshape(-1), below.reshape(-1)]))
            sums += len(total)
    return np.concatenate(totals), np.concatenate(parts)
