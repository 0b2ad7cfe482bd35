"""What an outsider can prove about true counts, from all published tables together.

He knows the method and its parameters, which `release.json` tells, and that parts are no more than
their whole. Each published count bounds the true one; sums bind the bounds together.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from ctdc_framework.plugin import StrategyError, Table
from ctdc_rounding.complete import NOT_KNOWN, Tree, size_of, together, tree_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Codes = NDArray[np.int16]

MANY = 1 << 50
"""Stands for no bound."""

MOST_WHOLE = 200_000
"""Cells of whole tables that are bound together; beyond, those that are shown are."""

ROUNDS = 50
"""Passes over all sums, after which bounds by parts and wholes are left as they are."""


@frozen(kw_only=True, eq=False)
class System:
    """Cells with what is known of each by itself, and sums that bind them.

    codes: (cells, columns), as in `Complete`.
    least, most: (cells,).
    totals, parts: as in `Complete`; parts make up their totals entirely.
    named: (cells,) which are cells that a table could show: hidden rests are none.
    shown: (cells,) which are published.
    whole: whether every cell of the tables is among them, so that nothing is left out.
    """

    codes: Codes = field(repr=False)
    least: Integers = field(repr=False)
    most: Integers = field(repr=False)
    totals: Integers = field(repr=False)
    parts: Integers = field(repr=False)
    named: NDArray[np.bool_] = field(repr=False)
    shown: NDArray[np.bool_] = field(repr=False)
    whole: bool


@frozen(kw_only=True)
class Told:
    """What a method tells of one count: how far the true one is above or below, and of no count."""

    below: int
    above: int
    threshold: int
    hidden: int
    """The most that a count can be that is not shown."""

    def bounds(self, counts: Integers) -> tuple[Integers, Integers]:
        """Give the least and the most that true counts can be; 0 is a count not shown."""
        import numpy as np

        shown = counts > 0
        least = np.where(shown, np.maximum(counts - self.below, self.threshold), 0)
        return least, np.where(shown, counts + self.above, self.hidden)


EXACT = Told(below=0, above=0, threshold=1, hidden=0)
"""What counts tell that nobody rounded."""


def told(params: Mapping[str, Any]) -> Told:
    """Say what rounding with these parameters tells; as wide as any of its tie rules allows."""
    base, threshold = params["base"], params["threshold"]
    method = params.get("method", "floor")
    reach = (params.get("steps", 0) + 1) * base - 1
    below, above, nothing = {
        "floor": (0, base - 1, base - 1),
        "nearest": (base // 2, base // 2, base // 2),
        "random": (base - 1, base - 1, base - 1),
        "controlled": (reach, reach, reach),
        "cell-key": (*[params.get("deviation", 0)] * 3,),
    }[method]
    free = method == "controlled" and params.get("small_cells") == "free"
    if params.get("margins") == "sum":  # totals may be far off; parts are not told apart here
        below, above, nothing = (0 if method == "floor" else MANY), MANY, MANY
    return Told(
        below=below,
        above=above,
        threshold=1 if free else threshold,
        hidden=max(nothing, 0 if free else threshold - 1),
    )


def system(table: Table, length: int, by: Told) -> System:
    """Bind a published table's counts together.

    length: of the longest combinations, where no tables are declared.
    Every cell that could be shown is put in where they are not too many, else those that are shown.
    """
    import numpy as np

    forests = _forests(table, length)
    if forests is None:
        return _of_shown(table, by)
    cells = together(table, forests)
    least, most = by.bounds(cells.counts)
    named = (cells.codes != NOT_KNOWN).all(axis=1)
    never = [
        number
        for number, column in enumerate(table.columns)
        if not column.value and not table.codebook.variables[column.variable].nullable
    ]
    open_ = ~named
    least[open_] = 0
    most[open_] = MANY
    most[(cells.codes[:, never] == NOT_KNOWN).any(axis=1)] = 0
    return System(
        codes=cells.codes,
        least=least,
        most=most,
        totals=cells.totals,
        parts=cells.parts,
        named=named,
        shown=np.asarray(cells.rows >= 0),
        whole=True,
    )


def _forests(table: Table, length: int) -> list[list[Tree]] | None:
    """Give the trees of every table of a release, or None where they have too many cells."""
    if table.layouts:
        forests = [
            [tree_of(table, column, layout.axes[table.columns[column].variable]) for column in one]
            for layout in table.layouts
            for one in itertools.product(*(table.column_numbers([v]) for v in layout.axes))
        ]
        forests = [sorted(trees, key=lambda tree: not tree.flat) for trees in forests]
    else:
        trees = [tree_of(table, column) for column in range(len(table.columns))]
        if length > 3 or len(trees) > 12:  # only to look how many cells there are takes too long
            return None
        forests = [list(some) for some in itertools.combinations(trees, min(length, len(trees)))]
    return forests if forests and size_of(forests) <= MOST_WHOLE else None


def _of_shown(table: Table, by: Told) -> System:
    """Bind published cells to those they are parts of; what is not shown is one rest of each."""
    import numpy as np

    codes = table.codes
    least, most = by.bounds(table.counts)
    numbers = {row.tobytes(): number for number, row in enumerate(codes)}
    part = codes >= 0
    for one, code in table.generalised:  # a coarser value overlaps with those below it
        part[codes[:, one] == code, one] = False
    rows, columns = np.nonzero(part)
    wholes = codes[rows].copy()
    wholes[np.arange(len(rows)), columns] = -1
    whole = np.array([numbers.get(one.tobytes(), -1) for one in wholes], dtype=np.int64)
    split = np.column_stack([whole, columns])[whole >= 0]
    distinct, which = np.unique(split, axis=0, return_inverse=True)
    which = which.reshape(-1)
    rest = len(codes) + np.arange(len(distinct))
    room = np.full(len(distinct), MANY)
    for place, column in enumerate(table.columns):
        if not column.value and not table.codebook.variables[column.variable].nullable:
            own = len(table.codebook.domain_of(column.variable).codes)
            of = np.flatnonzero(distinct[:, 1] == place)
            room[of] = (own - np.bincount(which, minlength=len(distinct))[of]) * by.hidden
    empty = np.full((len(distinct), codes.shape[1]), NOT_KNOWN, dtype=np.int16)
    number = np.arange(len(distinct))
    return System(
        codes=np.concatenate([codes, empty]),
        least=np.concatenate([least, np.zeros(len(distinct), np.int64)]),
        most=np.concatenate([most, room]),
        totals=distinct[:, 0],
        parts=np.concatenate(
            [np.column_stack([which, rows[whole >= 0]]), np.column_stack([number, rest])]
        ),
        named=np.arange(len(codes) + len(distinct)) < len(codes),
        shown=np.arange(len(codes) + len(distinct)) < len(codes),
        whole=False,
    )


def propagate(one: System) -> System:
    """Narrow bounds by wholes and parts, over and over: valid bounds, not always the narrowest.

    Raises `StrategyError` where no true counts can be behind what is published.
    """
    import numpy as np

    least, most = one.least.copy(), one.most.copy()
    number, part = one.parts.T
    for _ in range(ROUNDS):
        before = least.copy(), most.copy()
        low = np.bincount(number, least[part], len(one.totals)).astype(np.int64)
        high = np.minimum(np.bincount(number, np.minimum(most, MANY)[part], len(one.totals)), MANY)
        high = high.astype(np.int64)
        np.maximum.at(least, one.totals, low)
        np.minimum.at(most, one.totals, high)
        # A part is what its whole has, less what the others have.
        whole = one.totals[number]
        np.minimum.at(most, part, most[whole] - low[number] + least[part])
        unbound = np.bincount(number, most[part] >= MANY, len(one.totals)).astype(np.int64)
        others = np.where(unbound[number] == 0, least[whole] - high[number] + most[part], -MANY)
        np.maximum.at(least, part, np.maximum(others, 0))
        if (least > most).any():
            raise StrategyError("no true counts can be behind the published ones")
        if (before[0] == least).all() and (before[1] == most).all():
            break
    return evolve(one, least=least, most=most)


def tighten(one: System) -> System:
    """Narrow bounds to the least and most of each cell over all solutions of all sums together.

    These are the linear bounds, rounded to whole numbers: none narrower follows from sums without
    that counts are whole.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    number, part = one.parts.T
    rows = np.concatenate([np.arange(len(one.totals)), number])
    columns = np.concatenate([one.totals, part])
    signs = np.repeat([1.0, -1.0], [len(one.totals), len(part)])
    sums = csr_array((signs, (rows, columns)), shape=(len(one.totals), len(one.codes)))
    most = np.where(one.most >= MANY, np.inf, one.most)
    least_found, most_found = one.least.copy(), one.most.copy()
    for cell in np.flatnonzero(one.named & (one.least < one.most)):
        for sign, found in ((1, least_found), (-1, most_found)):
            aim = np.zeros(len(one.codes))
            aim[cell] = sign
            solved = linprog(
                aim,
                A_eq=sums,
                b_eq=np.zeros(len(one.totals)),
                bounds=np.column_stack([one.least, most]),
                method="highs",
            )
            if solved.status == 2:
                raise StrategyError("no true counts can be behind the published ones")
            if solved.status == 0:
                at = float(solved.x[cell])
                found[cell] = np.ceil(at - 1e-6) if sign == 1 else np.floor(at + 1e-6)
    return evolve(
        one, least=np.maximum(least_found, one.least), most=np.minimum(most_found, one.most)
    )


def prove(table: Table, length: int, by: Told, exact: int) -> tuple[System, System]:
    """Give what each count tells by itself, and what all of them prove together."""
    alone = system(table, length, by)
    proved = propagate(alone)
    return alone, tighten(proved) if proved.whole and len(proved.codes) <= exact else proved


def names(table: Table, codes: Codes, most: int) -> Sequence[str]:
    """Name some cells for the private report."""
    return [
        "; ".join(
            f"{column.variable}={column.cell(code)}"
            for column, code in zip(table.columns, row.tolist(), strict=True)
            if code >= 0
        )
        or "all records"
        for row in codes[:most]
    ]
