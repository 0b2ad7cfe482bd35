"""Controlled rounding: every count near itself, and every total still the sum of its parts.

Each count goes to one of the two multiples beside it, multiples stay (zero-restricted); where that
cannot be, to multiples a step further, and so on. Among such roundings the one is taken whose
counts are nearest in sum. Where sums can be carried by a flow, the linear relaxation has a whole
solution of itself (Cox and Ernst 1982); elsewhere branch and bound looks for one, with a limit of
work and not of time, so that the answer does not depend on the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from ctdc_framework.plugin import StrategyError
from ctdc_rounding.complete import Complete

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

MOST_NETWORK, MOST_OTHER = 400_000, 10_000
"""Cells that are tried: where sums are a flow, and where they are not."""

MOST_STEPS = 20
"""Steps that can be asked for."""

NODES = 200
"""Branches that are looked at before a rounding is given up."""

GAP = 0.01
"""How much further than the best a rounding may be in sum, where it is not a flow's."""


@frozen(kw_only=True, eq=False)
class Rounded:
    """Rounded counts, all sums kept; `steps` is how many steps further than beside they went."""

    counts: Integers = field(repr=False)
    steps: int
    best: bool
    """Whether no other within these steps is nearer, up to `GAP`."""


def round_all(
    cells: Complete,
    base: int,
    *,
    threshold: int,
    small_cells: Literal["down", "free"],
    steps: int,
) -> Rounded:
    """Round all counts together.

    threshold: with `small_cells` down, a count below it becomes 0; with free, it may become `base`.
    steps: how many steps further than the multiples beside are tried.
    Raises `StrategyError` where there is no such rounding, or none was found with the work allowed.
    """
    most = MOST_NETWORK if cells.network else MOST_OTHER
    if len(cells.counts) > most:
        raise StrategyError(
            f"controlled rounding of these tables takes at most {most:,} cells, and there are "
            f"{len(cells.counts):,}",
            help="leave a variable out, or take a coarser level of it",
        )
    gave_up = False
    for step in range(steps + 1):
        least, most_ = _within(cells, base, step, threshold if small_cells == "down" else 0)
        for whole in (False, True):
            found, ended = _solve(cells, base, least, most_, whole=whole)
            if found is not None:
                return Rounded(counts=found * base, steps=step, best=ended)
            if not whole and ended:  # not even fractions can be made to add up
                break
            gave_up |= whole and not ended
    help = "take a coarser table"
    if small_cells == "down":
        enough = _enough(cells, base, steps, threshold)
        if enough is not None:
            will = "is enough" if cells.network else "may be enough"
            help = (
                f"steps = {enough} {will}, and each step lets counts go {base} further; or {help}"
            )
        elif len(cells.counts) > MOST_OTHER and steps < MOST_STEPS:
            help = f"allow more steps, or {help}"
        help += ', or margins = "sum" with method = "floor", whose totals are those of shown cells'
    elif steps < MOST_STEPS:
        help = f"allow more steps, or {help}"
    raise StrategyError(
        "no rounding "
        + ("was found with the work allowed" if gave_up else "keeps the sums")
        + f" within {steps} steps of the counts",
        help=help,
    )


def _within(cells: Complete, base: int, steps: int, threshold: int) -> tuple[Integers, Integers]:
    """Give the bounds of all cells; what is below the threshold is 0."""
    least, most = bounds(cells.counts, base, steps)
    small = cells.counts < threshold
    least[small] = most[small] = 0
    return least, most


def _enough(cells: Complete, base: int, steps: int, threshold: int) -> int | None:
    """Find how many steps let fractions add up, at most `MOST_STEPS`; None if that is too few.

    More steps allow all that fewer do, so halves are left out. Of very many cells it is not asked.
    """
    low, high = steps, MOST_STEPS + 1
    while high - low > 1 and len(cells.counts) <= MOST_OTHER:
        step = (low + high) // 2
        found, ended = _solve(cells, base, *_within(cells, base, step, threshold), whole=False)
        low, high = (low, step) if found is not None or not ended else (step, high)
    return high if high - low == 1 and high <= MOST_STEPS else None


def bounds(counts: Integers, base: int, steps: int) -> tuple[Integers, Integers]:
    """Give the least and the most, in multiples of the base, that a count may become.

    >>> import numpy as np
    >>> [b.tolist() for b in bounds(np.array([0, 7, 10]), 5, 0)]
    [[0, 1, 2], [0, 2, 2]]
    >>> [b.tolist() for b in bounds(np.array([0, 7, 10]), 5, 1)]
    [[0, 0, 1], [0, 3, 3]]
    """
    import numpy as np

    least = np.maximum(counts // base - steps, 0)
    most = np.where(counts > 0, -(-counts // base) + steps, 0)
    return least, most


def existence(rounded: Integers, base: int, steps: int = 0) -> tuple[Integers, Integers]:
    """Give the least and the most that a true count can be, from its rounded one.

    >>> import numpy as np
    >>> [b.tolist() for b in existence(np.array([0, 20]), 10)]
    [[0, 11], [9, 29]]
    """
    import numpy as np

    reach = (steps + 1) * base - 1
    return np.maximum(rounded - reach, 0), rounded + reach


def _solve(
    cells: Complete, base: int, least: Integers, most: Integers, *, whole: bool
) -> tuple[Integers | None, bool]:
    """Look for the nearest rounding within bounds; `whole` branches where fractions come out.

    Gives it, or None, and whether the search came to its end.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    # A count goes up from its least by steps of one multiple; each costs what it brings nearer.
    room = most - least
    of = np.repeat(np.arange(len(room)), room)
    place = np.arange(len(of)) - np.repeat(np.cumsum(room) - room, room)
    after = base * (least[of] + place + 1) - cells.counts[of]
    costs = abs(after) - abs(after - base)

    number, part = cells.parts.T
    rows = np.concatenate([np.arange(len(cells.totals)), number])
    columns = np.concatenate([cells.totals, part])
    signs = np.repeat([1, -1], [len(cells.totals), len(part)])
    sums = csr_array((signs, (rows, columns)), shape=(len(cells.totals), len(room)))
    owed = -(sums @ least)
    if not len(of):
        return (None if owed.any() else least), True
    found = milp(
        costs,
        integrality=np.full(len(of), int(whole)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(sums[:, of], owed, owed),
        options={"node_limit": NODES, "mip_rel_gap": GAP} if whole else {},
    )
    ended = found.status in (0, 2)
    if found.x is None:
        return None, ended
    chosen = np.rint(found.x)
    if abs(found.x - chosen).max() > 1e-6:
        return None, False
    multiples = least + np.bincount(of, weights=chosen, minlength=len(room)).astype(np.int64)
    # What the solver says is nearly so; what is published must be exactly so.
    return (None, False) if (sums @ multiples).any() else (multiples, ended)
