"""Perturbation tables of the cell key method: how likely each small change of a count is.

For a count n the chances of the changes v are those of greatest entropy with mean 0, variance at
most V, |v| <= D, no published count below 0 or from 1 to js, and chances that do not grow away
from v = 0. After: Giessing (2016), and the R package ptable, whose published rows it reproduces.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from ctdc_framework.plugin import StrategyError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

WHOLE = 1_000_000
"""Chances are kept in millionths, so that a draw is looked up among integers."""


@frozen(kw_only=True, eq=False)
class PerturbationTable:
    """For each count from 0 on, changes and the millionths up to which they are drawn.

    changes: (counts,) + (changes,), each row ascending.
    up_to: the same shape; the chances summed, so the last of each row is `WHOLE`.
    Counts past the last row have the last one's.
    """

    changes: Integers = field(repr=False)
    up_to: Integers = field(repr=False)

    def change(self, counts: Integers, keys: NDArray[np.uint64]) -> Integers:
        """Look up by how much each count is changed, by its cell's 64 key bits."""
        import numpy as np

        draws = ((keys >> np.uint64(32)) * np.uint64(WHOLE) >> np.uint64(32)).astype(np.int64)
        rows = np.minimum(counts, len(self.changes) - 1)
        places = (draws[:, None] >= self.up_to[rows]).sum(axis=1)
        found: Integers = self.changes[rows, places]
        return found


def table_of(rows: Mapping[int, Mapping[int, float]]) -> PerturbationTable:
    """Make a table of chances by count and published count.

    >>> import numpy as np
    >>> table = table_of({0: {0: 1.0}, 1: {0: 0.5, 2: 0.5}})
    >>> keys = np.array([0.3, 0.5, 0.8]) * 2.0**64
    >>> table.change(np.array([1, 1, 7]), keys.astype(np.uint64)).tolist()
    [-1, 1, 1]
    """
    import numpy as np

    width = max(map(len, rows.values()))
    changes = np.zeros((len(rows), width), dtype=np.int64)
    up_to = np.full((len(rows), width), WHOLE, dtype=np.int64)
    for count, row in rows.items():
        changes[count, : len(row)] = [target - count for target in row]
        summed = np.cumsum([round(chance * WHOLE) for chance in row.values()])
        up_to[count, : len(row) - 1] = summed[:-1]
    return PerturbationTable(changes=changes, up_to=up_to)


@cache
def compute(deviation: int, variance: float, js: int, pstay: float | None) -> PerturbationTable:
    """Compute the table for all counts; they are alike from `deviation + js` on.

    Raises `StrategyError` where there is none with these parameters.
    """
    rows: dict[int, Mapping[int, float]] = {0: {0: 1.0}}
    for count in range(1, deviation + js + 2):
        row = chances(count, deviation, variance, js, pstay)
        if row is None:
            row = chances(count, deviation, variance, js, pstay, falling=False)
        if row is None:
            raise StrategyError(
                f"no perturbation table has deviation {deviation}, variance {variance:g} and js "
                f"{js}: there are no chances for the count {count}",
                help="raise variance or deviation, lower js, or leave pstay out",
            )
        rows[count] = row
    return table_of(rows)


def chances(
    count: int,
    deviation: int,
    variance: float,
    js: int = 0,
    pstay: float | None = None,
    *,
    falling: bool = True,
) -> Mapping[int, float] | None:
    """Compute the chance of each published count for one true count; None where there is none.

    `falling` asks that chances do not grow away from the true count. `pstay` fixes the chance that
    it stays as it is.

    >>> row = chances(1, deviation=2, variance=1.08, js=1)
    >>> {target: round(chance, 4) for target, chance in row.items()}
    {0: 0.5133, 2: 0.46, 3: 0.0267}
    """
    import numpy as np
    from scipy.optimize import minimize

    v = np.array(
        [
            change
            for change in range(-deviation, deviation + 1)
            if count + change >= 0 and not 1 <= count + change <= js
        ]
    )
    fixed = [(np.ones(len(v)), 1.0), (v, 0.0)]
    if pstay is not None and 0 in v:
        fixed.append((v == 0, pstay))
    least = [(-(v**2), -variance)]
    for one in range(len(v) - 1) if falling else ():
        if v[one + 1] <= 0 or v[one] >= 0:
            slope = np.zeros(len(v))
            slope[one], slope[one + 1] = (-1, 1) if v[one + 1] <= 0 else (1, -1)
            least.append((slope, 0.0))
    a, b = (np.array(part, dtype=float) for part in zip(*fixed, strict=True))
    c, d = (np.array(part, dtype=float) for part in zip(*least, strict=True))

    def log(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(np.maximum(p, 1e-300))

    found = minimize(
        lambda p: float(p @ log(p)),
        np.full(len(v), 1 / len(v)),
        jac=lambda p: log(p) + 1,
        method="SLSQP",
        bounds=[(0, 1)] * len(v),
        constraints=[
            {"type": "eq", "fun": lambda p: a @ p - b, "jac": lambda p: a},
            {"type": "ineq", "fun": lambda p: c @ p - d, "jac": lambda p: c},
        ],
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    kept = abs(a @ found.x - b).max() < 1e-7 and (c @ found.x - d).min() > -1e-7
    if not kept:
        return None
    return dict(zip((count + v).tolist(), found.x.tolist(), strict=True))
