"""How far a row can be somebody's: exact copies of unique records, and classes of equal keys.

The keys are what the scenario says an attacker knows. Of synthetic rows these figures say little
by themselves: a class of many synthetic rows hides nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ctdc_framework.plugin import Better, Context, Measure, Pair, Public, Score, Side
from ctdc_measures.bases import A_VALUE, Nothing, class_sizes, share


def _unique_exact_matches(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    sizes = class_sizes(pair, range(len(pair.original.columns)))
    unique = sizes[sizes[:, 0] == 1]
    if len(unique):
        yield share(int((unique[:, 1] > 0).sum()), len(unique))


def _replicated_uniques(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if len(pair.original) and pair.known:
        sizes = class_sizes(pair, pair.known)
        replicated = int(((sizes[:, 0] == 1) & (sizes[:, 1] == 1)).sum())
        yield share(replicated, len(pair.original))


def _released_classes(pair: Pair) -> Any:
    """Give the sizes of the release's classes; none without rows or keys."""
    sizes = class_sizes(pair, pair.known)[:, 1]
    return sizes[sizes > 0] if pair.known else sizes[:0]


def _k_achieved(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    sizes = _released_classes(pair)
    if len(sizes):
        yield Score(value=float(sizes.min()))


def _prosecutor(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    sizes = _released_classes(pair)
    if len(sizes):
        yield Score(value=float(1 / sizes.min()), slice="highest")
        above = sizes[sizes < pair.k].sum() / sizes.sum()
        yield Score(value=float(above), slice="rows above 1/k")


def _marketer(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    """Give the mean over released rows of 1 over the people that it could be.

    These are the original's class, of which the release may be a part; where the release has more
    rows alike, as where values were left out, they are its own.
    """
    import numpy as np

    if len(pair.candidate) and pair.known:
        original, released = class_sizes(pair, pair.known).T
        right = released / np.maximum(np.maximum(original, released), 1)
        yield Score(value=float(right.sum() / released.sum()))


EL_EMAM = "El Emam and Dankar, J. Am. Med. Inform. Assoc. 15 (2008)"

MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="unique-exact-matches",
        summary="share of the records unlike all others, over all variables, that are released",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_unique_exact_matches,
        missing=A_VALUE,
        public=Public.ROUNDED,
        reference="SDNist (NIST)",
    ),
    Measure(
        name="replicated-uniques",
        summary="share of the records that are unique by what is known, and so in the release too",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_replicated_uniques,
        missing=A_VALUE,
        public=Public.ROUNDED,
        reference="synthpop (R), repU",
    ),
    Measure(
        name="k-achieved",
        summary="rows of the smallest class of released rows that are alike in what is known",
        side=Side.RISK,
        better=Better.HIGHER,
        unit="rows",
        params=Nothing,
        compute=_k_achieved,
        missing=A_VALUE,
        public=Public.FREE,
        reference="Sweeney, Int. J. Uncertain. Fuzz. 10 (2002)",
    ),
    Measure(
        name="prosecutor-risk",
        summary="one over the rows of a class: the highest, and the rows whose risk is above 1/k",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_prosecutor,
        missing=A_VALUE,
        public=Public.FREE,
        reference=EL_EMAM,
    ),
    Measure(
        name="marketer-risk",
        summary="share of rows that a guess among those who are alike would name right",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_marketer,
        missing=A_VALUE,
        reference=EL_EMAM,
    ),
)
