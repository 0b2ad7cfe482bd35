"""Whether a release tells whose records it was made from.

The attacker knows a person's whole record and looks for its rare combinations in the release. The
same is done to records that were withheld from a second run of the candidate: what is found of
those is chance. Rare is what fewer than k of members and withheld together hold, so that it does
not depend on who is which.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen, validators

from ctdc_framework.plugin import Better, Context, Measure, Pair, Score, Side, entry
from ctdc_measures.bases import BOTH, NEVER_PART
from ctdc_measures.intervals import Rate, area, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctdc_framework.plugin import Combinations
    from ctdc_measures.bases import Codes, Ints

    Floats = NDArray[np.float64]

_BATCH = 1 << 20
"""Combinations that are looked up together."""
_FEWEST = 10
"""Attacks of each kind below which the rarest tenth is not told apart."""


@frozen(kw_only=True)
class Attacks:
    """How members are looked for."""

    length: int = entry(
        "most values in a combination", default=3, validator=[validators.ge(1), validators.le(4)]
    )
    attacks: int = entry(
        "most members, and most withheld records, that are attacked",
        default=2000,
        validator=[validators.ge(10), validators.le(1_000_000)],
    )


@frozen(eq=False)
class _Counts:
    """Counts of combinations, to be looked up by what a record holds."""

    found: Combinations

    def of(self, wanted: Ints) -> Ints:
        """Give the counts (m, tables) of combinations (m, length), 0 where none is held."""
        import numpy as np

        length = wanted.shape[1]
        listed = self.found.of_length(length)
        counts = np.zeros((len(wanted), listed.counts.shape[1]), np.int64)
        if len(listed):
            base = int(self.found.offsets[-1])
            keys = _keys(listed.values[:, :length], base)  # these ascend
            asked = _keys(wanted, base)
            place = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
            hit = keys[place] == asked
            counts[hit] = listed.counts[place[hit]]
        return counts


def _keys(values: NDArray[Any], base: int) -> Ints:
    """Write each row of numbers as one; 64 bits hold four below 50,000."""
    import numpy as np

    keys = np.zeros(len(values), np.int64)
    for column in values.T:
        keys = keys * base + column
    return keys


def _rare(
    codes: Codes, length: int, k: int, members: _Counts, withheld: _Counts
) -> tuple[Ints, Ints]:
    """Count each record's rare combinations, and those of them that are shown."""
    import numpy as np

    rare, shown = np.zeros((2, len(codes)), np.int64)
    numbers = codes + members.found.offsets[:-1]
    filled = (codes >= 0).sum(axis=1)
    for width in np.unique(filled[filled > 0]):
        rows = np.flatnonzero(filled == width)
        values = numbers[rows][codes[rows] >= 0].reshape(len(rows), width)
        for size in range(1, min(length, width) + 1):
            chosen = np.array(list(itertools.combinations(range(width), size)))
            step = max(1, _BATCH // len(chosen))
            for first in range(0, len(rows), step):
                some = slice(first, first + step)
                asked = values[some][:, chosen].reshape(-1, size)
                both = members.of(asked)
                held = both[:, 0] + withheld.of(asked)[:, 0]
                is_rare = ((held > 0) & (held < k)).reshape(-1, len(chosen))
                rare[rows[some]] += is_rare.sum(axis=1)
                is_shown = (both[:, 1] > 0).reshape(-1, len(chosen))
                shown[rows[some]] += (is_rare & is_shown).sum(axis=1)
    return rare, shown


def _evidence(held: Ints, shown: Ints) -> Floats:
    """Score records by the share of their rare combinations that is shown, and then by how many.

    A record with nothing rare, and one of which nothing is shown, give no evidence: 0.
    """
    import numpy as np

    most = max(int(held.max(initial=0)), 1)
    scores: Floats = shown / np.maximum(held, 1) + shown / (most + 1) ** 3
    return scores


def _membership(pair: Pair, params: Attacks, context: Context) -> Iterator[Score]:
    import numpy as np

    from ctdc_framework.plugin import count_combinations

    length = min(params.length, pair.length) if pair.is_counts else params.length
    if pair.holdout is None or not (length and len(pair.original) and len(pair.holdout)):
        return
    counted = _Counts(pair.combinations(length))
    beside = _Counts(count_combinations([pair.holdout.codes], pair.original.sizes, length))
    rare, found = [], []
    for table in (pair.original, pair.holdout):
        rows = context.rng.permutation(len(table))[: params.attacks]
        held, shown = _rare(table.codes[rows], length, pair.k, counted, beside)
        rare.append(held)
        found.append(shown)
    # Together, as the numbers that break ties must mean the same for both.
    evidence = _evidence(np.concatenate(rare), np.concatenate(found))
    scores = np.split(evidence, [len(rare[0])])
    members, others = scores
    yield _score(area(members, others), "area under the curve")
    most = np.quantile(np.concatenate(rare), 0.9)
    rarest = [part[(held >= most) & (held > 0)] for part, held in zip(scores, rare, strict=True)]
    if min(map(len, rarest)) >= _FEWEST:
        yield _score(area(*rarest), "area under the curve, rarest tenth")
    yield _found(members, others)
    if min(map(len, scores)) >= _FEWEST:
        yield _advantage(members, others)


def _found(members: Floats, others: Floats) -> Score:
    """Give the share of members whose score at most 1 % of the others reach."""
    import numpy as np

    least = np.sort(others)[::-1][len(others) // 100]
    found = int((members > least).sum())
    rate = wilson(found, len(members))
    return Score(
        value=found / len(members),
        slice="found at 1 % false alarms",
        low=min(rate.low, found / len(members)),
        high=rate.high,
    )


def _advantage(members: Floats, others: Floats) -> Score:
    """Give how much more often members are called so than others: by half, for the other half.

    The best threshold for the same records would find a difference where there is none.
    """
    import numpy as np

    halves = [(part[::2], part[1::2]) for part in (members, others)]
    (one, one_held), (other, other_held) = halves
    thresholds = np.unique(np.concatenate([one, other]))
    gains = [(one >= least).mean() - (other >= least).mean() for least in thresholds]
    least = thresholds[int(np.argmax(gains))]
    calls = [int((part >= least).sum()) for part in (one_held, other_held)]
    numbers = (len(one_held), len(other_held))
    true, false = (call / number for call, number in zip(calls, numbers, strict=True))
    rates = [wilson(call, number) for call, number in zip(calls, numbers, strict=True)]
    down = np.hypot(true - rates[0].low, rates[1].high - false)  # Newcombe, Stat. Med. 17 (1998)
    up = np.hypot(rates[0].high - true, false - rates[1].low)
    value = true - false
    return Score(value=value, slice="advantage", low=float(value - down), high=float(value + up))


def _score(rate: Rate, slice: str) -> Score:
    return Score(value=rate.value, slice=slice, low=rate.low, high=rate.high)


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="membership-inference",
        summary="how well members are told from withheld records by the rare combinations shown",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Attacks,
        compute=_membership,
        shapes=BOTH,
        holdout=True,
        missing=NEVER_PART,
        reference="area: DeLong et al., Biometrics 44 (1988); 50 % is chance",
    ),
)
