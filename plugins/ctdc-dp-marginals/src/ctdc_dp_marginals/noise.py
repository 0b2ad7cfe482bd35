"""Discrete Gaussian noise and what it costs: the one door to OpenDP.

The noise is OpenDP's: exact integers from the system's own chance (Canonne, Kamath and Steinke
2020), so no float gives the true count away, and no seed replays it.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@cache
def _opendp() -> Any:
    import opendp.prelude as dp

    # OpenDP calls what has not been through its whole vetting `contrib`, and wants that said.
    dp.enable_features("contrib")
    return dp


def _gaussian(scale: float) -> Any:
    dp = _opendp()
    return dp.m.make_gaussian(
        dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float), scale
    )


@cache
def scale_for(sets: int, epsilon: float, delta: float) -> float:
    """Give the smallest scale of noise with which `sets` tables are (epsilon, delta)-private.

    One record changes each table by 1 in one cell at most.

    >>> round(scale_for(1, 1.0, 1e-6), 2)
    4.53
    """
    dp = _opendp()
    distance = math.sqrt(sets)

    def make(scale: float) -> Any:
        return dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(_gaussian(scale)), delta)

    scale: float = dp.binary_search_param(make, d_in=distance, d_out=(epsilon, delta), T=float)
    return scale


def rho_of(sets: int, scale: float) -> float:
    """Give the cost of `sets` tables with noise of some scale, as zero-concentrated privacy."""
    rho: float = _gaussian(scale).map(math.sqrt(sets))
    return rho


def epsilon_of(rho: float, delta: float) -> float:
    """Give the epsilon of what has been spent, at some delta; 0 where nothing has.

    >>> rho = rho_of(1, scale_for(1, 1.0, 1e-6))
    >>> round(epsilon_of(rho, 1e-6), 6), round(epsilon_of(2 * rho, 1e-6), 2)
    (1.0, 1.45)
    """
    if not rho:
        return 0.0
    dp = _opendp()
    spent = _gaussian(1 / math.sqrt(2 * rho))  # a single count that costs as much
    epsilon: float = dp.c.make_zCDP_to_approxDP(spent).map(1.0).epsilon(delta=delta)
    return epsilon


def noisy(counts: NDArray[np.int64], scale: float) -> NDArray[np.int64]:
    """Add noise to each count; the sum may be negative."""
    import numpy as np

    return np.array(_gaussian(scale)(counts.tolist()), dtype=np.int64)
