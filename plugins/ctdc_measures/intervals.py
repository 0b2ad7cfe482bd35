"""How sure a figure is that comes of so many attacks: intervals of 95 %."""

from __future__ import annotations

from math import hypot, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Z = NormalDist().inv_cdf(0.975)


@frozen
class Rate:
    """A share of attacks, and how far it may be off on either side."""

    value: float
    error: float = 0.0

    @property
    def low(self) -> float:
        """The lower end, not below 0."""
        return max(0.0, self.value - self.error)

    @property
    def high(self) -> float:
        """The upper end, not above 1."""
        return min(1.0, self.value + self.error)


def wilson(successes: int, attacks: int) -> Rate:
    """Give the share of attacks that succeed, by Wilson's interval; its middle is not the mean.

    >>> rate = wilson(850, 1000)
    >>> round(rate.value, 3), round(rate.error, 3)
    (0.849, 0.022)
    """
    middle = (successes + Z**2 / 2) / (attacks + Z**2)
    spread = successes * (attacks - successes) / attacks + Z**2 / 4
    return Rate(middle, Z / (attacks + Z**2) * sqrt(spread))


def excess(attack: Rate, control: Rate) -> Rate:
    """Give the share that an attack adds to what the control leaves open; below 0: it adds nothing.

    `control.value` must be below 1. Giomi et al., Anonymeter (PoPETs 2023).

    >>> excess(Rate(0.9), Rate(0.8))
    Rate(value=0.5, error=0.0)
    """
    left = 1 - control.value
    error = hypot(attack.error / left, control.error * (attack.value - 1) / left**2)
    return Rate((attack.value - control.value) / left, error)


def area(members: Floats, others: Floats) -> Rate:
    """Give the chance that a member's score is the higher one, ties counting half (AUC).

    Both need at least one score. The error is that of DeLong, DeLong and Clarke-Pearson
    (Biometrics 44, 1988); it is 0 where all scores are alike, which tell nothing.

    >>> import numpy as np
    >>> area(np.array([1.0, 1.0]), np.array([0.0, 1.0])).value
    0.75
    """
    import numpy as np
    from scipy.stats import rankdata

    n, m = len(members), len(others)
    ranks = rankdata(np.concatenate([members, others]))
    above = (ranks[:n] - rankdata(members)) / m
    below = 1 - (ranks[n:] - rankdata(others)) / n
    variance = sum(part.var(ddof=1) / len(part) for part in (above, below) if len(part) > 1)
    return Rate(float(above.mean()), Z * sqrt(variance))
