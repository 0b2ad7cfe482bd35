"""`rounding`: from exact counts to counts that may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import evolve, frozen, validators

from ctdc_framework.plugin import (
    COUNT,
    Additive,
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
    method: Literal["floor", "nearest", "random", "controlled", "cell-key"] = entry(
        "floor: down to the multiple below; nearest: to the nearest multiple; random: up or down, "
        "so that the mean is the count; controlled: up or down, so that all parts add up; "
        "cell-key: changed by a draw from a perturbation table",
        default="floor",
    )
    margins: Literal["independent", "sum", "controlled"] | None = entry(
        "totals of declared tables: independent, each by itself; sum, of the shown parts; "
        "controlled, as that method has them. By the method if left out",
        default=None,
    )
    small_cells: Literal["down", "free"] = entry(
        "controlled: whether a count below the threshold is never shown, or may be rounded up",
        default="down",
    )
    steps: int = entry(
        "controlled: how many multiples further than the two beside it a count may go",
        default=3,
        validator=[validators.ge(0), validators.le(20)],  # see controlled.MOST_STEPS
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
    """Change the counts by the method; leave out those below the threshold.

    The threshold looks at the true count. What comes to nothing is left out too. Raises
    `StrategyError` for negative counts, where cell-key has no records to take keys from, and where
    totals are to be kept that nobody declared or that cannot be.
    """
    import numpy as np

    counts = methods.checked(table.counts)
    if params.method == "controlled":
        rounded, told = _controlled(table, params)
    else:
        shown = counts >= params.threshold
        rounded = np.zeros_like(counts)
        rounded[shown] = _each(table.with_frame(table.frame[shown]), params, context)
        told = _SAID[params.method](params)
        if params.margins == "sum":
            rounded, told = _summed(table, rounded)
    context.progress(1, 1)
    made = table.with_frame(table.frame.assign(**{COUNT: rounded})[rounded > 0])
    return Output(
        table=evolve(made, counted=None),
        notes=[Note(code="totals", message=told + _told_apart(table, rounded))],
        details={"not_shown": len(table) - len(made)},
    )


def _each(table: Table, params: Rounding, context: Context) -> NDArray[np.int64]:
    """Change each count by itself."""
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


def _controlled(table: Table, params: Rounding) -> tuple[NDArray[np.int64], str]:
    """Round all counts together; a row that is in no declared table comes to nothing."""
    from ctdc_rounding.complete import complete
    from ctdc_rounding.controlled import round_all

    cells = complete(table)
    found = round_all(
        cells,
        params.base,
        threshold=params.threshold,
        small_cells=params.small_cells,
        steps=params.steps,
    )
    told = f"counts are rounded to multiples of {params.base} together, so that parts add up"
    if found.steps:
        told += f"; some are {found.steps} multiples further than the two beside them"
    if not found.best:
        told += "; nearer ones may exist, which were not found with the work allowed"
    return cells.in_table(found.counts, len(table)), told


def _summed(table: Table, rounded: NDArray[np.int64]) -> tuple[NDArray[np.int64], str]:
    """Make each total the sum of the parts that are shown."""
    from ctdc_rounding.complete import complete

    if len(table.layouts) != 1:
        raise StrategyError(
            "totals can be sums of their shown parts in one declared table, and there are "
            f"{len(table.layouts)}",
            help="declare one table, or choose margins = independent",
        )
    cells = complete(table)
    summed = cells.in_table(cells.add_up(cells.of_table(rounded)), len(table))
    return (
        summed,
        "totals are the sums of the parts that are shown, and fall short of the true ones",
    )


def _told_apart(table: Table, rounded: NDArray[np.int64]) -> str:
    """Say in how many places of declared tables parts and total differ, by what is shown."""
    from ctdc_rounding.complete import complete

    overlap = any(
        table.codebook.variables[variable].list
        for layout in table.layouts
        for variable in layout.axes
    )
    if overlap or not table.layouts:
        return ""
    cells = complete(table)
    apart, every = cells.apart(cells.of_table(rounded))
    return f"; parts and total differ in {apart:,} of {every:,} sums of the declared tables"


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
    furthest = {
        "nearest": params.base // 2,
        "controlled": (params.steps + 1) * params.base - 1,
        "cell-key": params.deviation,
    }.get(params.method, params.base - 1)
    together = params.method == "controlled" or params.margins == "sum"
    free = params.method == "controlled" and params.small_cells == "free"
    return [
        *([] if params.method == "cell-key" else [MultipleOf(base=params.base)]),
        *([] if free else [Threshold(k=params.threshold)]),
        *([] if params.margins == "sum" else [MaxDeviation(d=furthest)]),
        *([Additive()] if together else []),
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
    if params.margins and (params.margins == "controlled") != (params.method == "controlled"):
        message = f"method `{params.method}` does not go with margins `{params.margins}`"
        help = "margins are controlled where the method is, and only there"
        yield Fault(path=("margins",), kind="019", message=message, help=help)
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
