"""Ways to round counts, each count by itself: integers in, integers out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ctdc_framework.plugin import StrategyError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

Ties = Literal["up", "even", "down"]
"""Where a count lies midway between two multiples: the one above, the even one, the one below."""


def checked(counts: Counts) -> Counts:
    """Give counts back; raises `StrategyError` for what no count can be."""
    if counts.dtype.kind not in "iu":
        raise StrategyError("a count is a whole number, and the table holds others")
    if (counts < 0).any():
        raise StrategyError("a count cannot be below 0, and the table holds such counts")
    return counts


def floor(counts: Counts, base: int) -> Counts:
    """Round down to the multiple below.

    >>> import numpy as np
    >>> floor(np.array([9, 10, 19, 109, 110]), 10).tolist()
    [0, 10, 10, 100, 110]
    """
    return checked(counts) // base * base


def nearest(counts: Counts, base: int, ties: Ties) -> Counts:
    """Round to the nearest multiple; `ties` says what happens midway.

    An odd base has no ties.

    >>> import numpy as np
    >>> [nearest(np.array([5, 15, 25]), 10, ties).tolist() for ties in ("up", "even", "down")]
    [[10, 20, 30], [0, 20, 20], [0, 10, 20]]
    """
    import numpy as np

    below = checked(counts) // base
    twice = 2 * (counts - below * base)
    tied = {"up": np.True_, "even": below % 2 == 1, "down": np.False_}[ties]
    up = (twice > base) | ((twice == base) & tied)
    rounded: Counts = (below + up) * base
    return rounded


def by_dither(counts: Counts, base: int, dither: Counts) -> Counts:
    """Round up where the remainder is above a cell's secret dither, from 0 to base - 1; else down.

    Over an even dither the mean is the count itself: a remainder r goes up in r of base cases.

    >>> import numpy as np
    >>> by_dither(np.full(3, 14), 3, np.arange(3)).tolist()
    [15, 15, 12]
    """
    remainder = checked(counts) % base
    rounded: Counts = counts - remainder + base * (remainder > dither)
    return rounded
