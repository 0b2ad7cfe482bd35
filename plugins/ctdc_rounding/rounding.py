"""`rounding`: from exact counts to counts that may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import evolve, frozen, validators

from ctdc_framework.plugin import (
    COUNT,
    Claim,
    Codebook,
    Context,
    Fault,
    MaxDeviation,
    MultipleOf,
    Note,
    Output,
    Shape,
    Strategy,
    StrategyError,
    Table,
    Threshold,
    entry,
)
from ctdc_rounding import keyed, methods

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEYED = ("random", "cell-key")
"""The methods that draw, each from a secret key."""


@frozen(kw_only=True)
class Rounding:
    """Change every count a little, and show none that stands for too few records."""

    base: int = entry(
        "published counts are multiples of this; not by cell-key",
        validator=validators.ge(2),
        from_codebook="round_to",
    )
    threshold: int = entry(
        "a count below this is not shown", validator=validators.ge(2), from_codebook="k"
    )
    method: Literal["floor", "nearest", "random", "cell-key"] = entry(
        "floor: down to the multiple below; nearest: to the nearest multiple; random: up or down, "
        "so that the mean is the count; cell-key: changed by a draw from a perturbation table",
        default="floor",
    )
    ties: Literal["up", "even", "down"] | None = entry(
        "nearest, with an even base: where a count goes that lies midway", default=None
    )
    key_file: str = entry(
        "random and cell-key: the file with the secret key; CTDC_KEY if left out", default=""
    )
    deviation: int = entry(
        "cell-key: greatest change of a count (D)",
        default=5,
        validator=[validators.ge(1), validators.le(50)],
    )
    variance: float = entry(
        "cell-key: variance of the change at most (V)", default=3.0, validator=validators.gt(0)
    )
    js: int = entry(
        "cell-key: counts from 1 to this are never published",
        default=0,
        validator=[validators.ge(0), validators.le(50)],
    )
    pstay: float | None = entry(
        "cell-key: the chance that a count stays as it is; as it comes if left out",
        default=None,
        validator=validators.optional([validators.ge(0), validators.lt(1)]),
    )


def round_counts(table: Table, params: Rounding, context: Context) -> Output:
    """Change each count by the method; leave out those below the threshold.

    The threshold looks at the true count. What comes to nothing is left out too. Raises
    `StrategyError` for negative counts, and where cell-key has no records to take keys from.
    """
    counts = methods.checked(table.counts)
    shown = counts >= params.threshold
    kept = table.with_frame(table.frame[shown])
    rounded = _round(kept, params, context)
    frame = kept.frame.assign(**{COUNT: rounded})[rounded > 0]
    context.progress(1, 1)
    return Output(
        table=evolve(kept.with_frame(frame), counted=None),
        notes=[Note(code="not-additive", message=_SAID[params.method](params))],
        details={"not_shown": len(table) - len(frame)},
    )


def _round(table: Table, params: Rounding, context: Context) -> NDArray[np.int64]:
    counts, base = table.counts, params.base
    if params.method == "floor":
        return methods.floor(counts, base)
    if params.method == "nearest":
        return methods.nearest(counts, base, params.ties or "up")
    if not context.key:
        raise StrategyError(f"rounding by {params.method} needs a secret key, and has none")
    if params.method == "random":
        return methods.by_dither(counts, base, keyed.dither(context.key, base, table))
    if table.counted is None:
        raise StrategyError(
            "rounding by cell-key needs the records that were counted, and got counts alone",
            help="put tabulate right before it",
        )
    from ctdc_rounding import perturbation

    chances = perturbation.compute(params.deviation, params.variance, params.js, params.pstay)
    changed: NDArray[np.int64] = counts + chances.change(
        counts, keyed.cell_keys(context.key, table.counted, table)
    )
    return changed


_SAID = {
    "floor": lambda params: (
        f"counts are rounded down to multiples of {params.base} each by itself: parts may add "
        "up to less than their total"
    ),
    "nearest": lambda params: (
        f"counts are rounded to the nearest multiple of {params.base} each by itself: parts may "
        "add up to more or less than their total"
    ),
    "random": lambda params: (
        f"counts are rounded at random to a multiple of {params.base} each by itself: parts may "
        "add up to more or less than their total"
    ),
    "cell-key": lambda params: (
        f"counts are changed at random by up to {params.deviation} each by itself: parts may add "
        "up to more or less than their total"
    ),
}


def _claims(codebook: Codebook, params: Rounding) -> Sequence[Claim]:
    if params.method == "cell-key":
        return [Threshold(k=params.threshold), MaxDeviation(d=params.deviation)]
    furthest = params.base // 2 if params.method == "nearest" else params.base - 1
    return [
        MultipleOf(base=params.base),
        Threshold(k=params.threshold),
        MaxDeviation(d=furthest),
    ]


def _faults(codebook: Codebook, params: Rounding) -> Iterator[Fault]:
    if params.base > 1000 * codebook.k:
        message = f"base {params.base} would round nearly every count away"
        yield Fault(path=("base",), kind="019", message=message, help="choose a smaller base")
    if params.method == "nearest" and params.base % 2 == 0 and params.ties is None:
        message = "`ties` must say where a count goes that lies midway between two multiples"
        yield Fault(
            path=("ties",), kind="011", message=message, help='write "up", "even" or "down"'
        )
    if params.method == "cell-key":
        from ctdc_rounding import perturbation

        try:
            perturbation.compute(params.deviation, params.variance, params.js, params.pstay)
        except StrategyError as error:
            yield Fault(path=("variance",), kind="019", message=error.message, help=error.help)


ROUNDING = Strategy(
    name="rounding",
    summary="rounds or perturbs counts, and hides those below a threshold",
    params=Rounding,
    takes=Shape.COUNTS,
    gives=Shape.COUNTS,
    run=round_counts,
    claims=_claims,
    faults=_faults,
    needs_key=lambda params: params.method in KEYED,
)
