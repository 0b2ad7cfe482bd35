"""The measure `table-audit`: what published tables prove about the cells behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen, validators

from ctdc_framework.plugin import (
    Better,
    Context,
    Measure,
    Pair,
    Score,
    Shape,
    Side,
    entry,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMED = 100
"""Cells that the private report names of each kind."""


@frozen(kw_only=True)
class Audit:
    """How far the audit goes."""

    exact: int = entry(
        "cells up to which bounds are exact; beyond, they are by parts and wholes alone",
        default=300,
        validator=[validators.ge(0), validators.le(5000)],
    )


def audit(pair: Pair, params: Audit, context: Context) -> Iterator[Score]:
    """Count the cells that are proved to be small, or exactly, or closer than the method promises.

    Bounds by parts and wholes alone are no proof of safety: what they do not find may be there.
    """
    from ctdc_rounding import audit as auditing

    last = pair.stages[-1] if pair.stages else None
    if last is None or last.strategy not in ("tabulate", "rounding"):
        return  # what another strategy's counts tell of the true ones is not known here
    by = auditing.told(last.params) if last.strategy == "rounding" else auditing.EXACT
    alone, proved = auditing.prove(pair.candidate, pair.length, by, params.exact)

    def score(slice: str, which: NDArray[np.bool_]) -> Score:
        cells = auditing.names(pair.candidate, proved.codes[which], NAMED)
        return Score(value=float(which.sum()), slice=slice, names=tuple(cells))

    least, most = proved.least, proved.most
    small = proved.named & (least >= 1) & (most < pair.k)
    yield score(f"proved to be 1 to {pair.k - 1}", small)
    yield score("proved exactly", proved.named & (least == most) & (least > 0))
    width = alone.most - alone.least
    closer = proved.named & (most - least < width) & (proved.shown | (least > 0))
    yield score("closer than the method promises", closer)
    bound = proved.whole and len(proved.codes) <= params.exact
    yield Score(value=float(proved.named.sum() if bound else 0), slice="cells bounded exactly")
    yield Score(value=float(proved.named.sum()), slice="cells looked at")


AUDIT = Measure(
    name="table-audit",
    summary="cells that published tables prove to be small, exactly, or closer than rounding says",
    side=Side.RISK,
    better=Better.LOWER,
    unit="cells",
    params=Audit,
    compute=audit,
    shapes=frozenset({Shape.COUNTS}),
    missing="in totals alone: no value of a cell",
)
