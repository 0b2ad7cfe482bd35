"""What goes together: the tables of all pairs of variables, by distance and by association.

All pairs are read from one matrix of joint counts, which follows from the counts of values and
pairs that other measures have taken already.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve, frozen

from ctdc_framework.plugin import Better, Context, Measure, Pair, Score, Side, entry
from ctdc_measures.bases import A_VALUE, Nothing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@frozen(kw_only=True)
class Missing:
    """How missing values take part."""

    missing: Literal["value", "left-out", "presence"] = entry(
        "value: missing is one more value; left-out: rows where either is missing are left out; "
        "presence: only whether a value is there",
        default="value",
    )


@frozen(eq=False)
class Joint:
    """The tables of all pairs of columns, side by side in one symmetric matrix.

    counts: (values, values) of rows that hold both; each column's last value is "missing".
    starts: (columns,) where each column's values begin.
    """

    counts: Floats
    starts: NDArray[np.int64]

    def sums(self, of: Floats) -> Floats:
        """Sum a matrix of the same shape over each pair's table, as (columns, columns)."""
        import numpy as np

        down: Floats = np.add.reduceat(of, self.starts, axis=0)
        across: Floats = np.add.reduceat(down, self.starts, axis=1)
        return across

    def treated(self, missing: str) -> Joint:
        """Give the tables with missing values as a value, left out, or as against any value."""
        import numpy as np

        last = np.append(self.starts[1:], len(self.counts)) - 1
        if missing == "presence":
            split = np.column_stack([self.starts, last]).ravel()
            counts = np.add.reduceat(np.add.reduceat(self.counts, split, axis=0), split, axis=1)
            return Joint(counts, 2 * np.arange(len(self.starts)))
        counts = self.counts
        if missing == "left-out":
            counts = counts.copy()
            counts[last] = counts[:, last] = 0
        return evolve(self, counts=counts)

    def cramers_v(self) -> Floats:
        """Give the bias-corrected association of each pair, NaN where a column does not vary."""
        import numpy as np

        of_pair = np.add.reduceat(self.counts, self.starts, axis=1)  # a value's rows, by pair
        column = np.repeat(
            np.arange(len(self.starts)), np.diff(np.append(self.starts, len(self.counts)))
        )
        margins = of_pair[:, column]
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(self.counts > 0, self.counts**2 / (margins * margins.T), 0.0)
            n = self.sums(self.counts)
            rows = np.add.reduceat(of_pair > 0, self.starts, axis=0, dtype=np.float64)
            columns = rows.T
            by_chance = (rows - 1) * (columns - 1) / (n - 1)
            phi = np.maximum(0.0, self.sums(terms) - 1 - by_chance)
            least = np.minimum(
                rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
            )
            varies = (n > 1) & (np.minimum(rows, columns) > 1) & (least > 1)
            v: Floats = np.where(varies, np.sqrt(phi / (least - 1)), np.nan)
        return np.minimum(v, 1.0)


def joint_counts(pair: Pair) -> tuple[Joint, Joint]:
    """Give the tables of all pairs, of the original and of the candidate.

    A generalised value is one that the original does not have.
    """
    import numpy as np

    found = pair.combinations(2)
    counts = found.counts.astype(np.float64)
    counts[pair.generalised(found), 0] = 0
    offsets = found.offsets
    n_columns = len(offsets) - 1
    starts = offsets[:-1] + np.arange(n_columns)
    missing = offsets[1:] + np.arange(n_columns)
    place = np.delete(np.arange(offsets[-1] + n_columns), missing)
    joints = []
    for table, rows in enumerate((len(pair.original), len(pair.candidate))):
        both = np.zeros((len(place) + n_columns,) * 2)
        single = found.values[:, 1] < 0 if found.values.shape[1] > 1 else np.ones(len(found), bool)
        alone = place[found.values[single, 0]]
        both[alone, alone] = counts[single, table]
        if not single.all():
            one, other = place[found.values[~single]].T
            both[one, other] = both[other, one] = counts[~single, table]
        # Rows of a value that are in none of another column's values are missing there.
        beside = np.add.reduceat(both, starts, axis=1)
        both[:, missing] = both.diagonal()[:, None] - beside
        both[missing] = both[:, missing].T
        lacking = rows - np.add.reduceat(both.diagonal(), starts)
        with_value = np.add.reduceat(both[missing], starts, axis=1)
        both[np.ix_(missing, missing)] = lacking[:, None] - with_value
        joints.append(Joint(both, starts))
    return joints[0], joints[1]


def _upper(of_pairs: Floats) -> Floats:
    """Give each pair of different columns once."""
    import numpy as np

    once: Floats = of_pairs[np.triu_indices(len(of_pairs), 1)]
    return once


def _can_be_measured(pair: Pair) -> bool:
    rows = min(len(pair.original), len(pair.candidate))
    return rows > 0 and len(pair.original.columns) > 1


def _distances(pair: Pair) -> tuple[Floats, Floats]:
    """Give the pairs' distances, each once, and what samples of so many rows have by chance."""
    found, chance = _matrices(pair)
    return _upper(found), _upper(chance)


def _matrices(pair: Pair) -> tuple[Floats, Floats]:
    """Give the distance of each two columns, and what two samples would have by chance."""
    import numpy as np

    joint, other = joint_counts(pair)
    n, m = len(pair.original), len(pair.candidate)
    shares = joint.counts / n
    chance = np.sqrt(2 / np.pi * shares * (1 - shares) * (1 / n + 1 / m))
    return joint.sums(abs(shares - other.counts / m)) / 2, joint.sums(chance) / 2


def _pair_distance(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if _can_be_measured(pair):
        distances, chance = _distances(pair)
        yield from _spread(distances)
        yield Score(value=float(chance.mean()), slice="mean by chance")


def _variable_distance(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    """Give each column's mean over its pairs with the others."""
    import numpy as np

    if not _can_be_measured(pair):
        return
    others = len(pair.original.columns) - 1
    found, chance = (
        (of_pairs.sum(axis=1) - np.diag(of_pairs)) / others for of_pairs in _matrices(pair)
    )
    for column, one, by_chance in zip(pair.original.columns, found, chance, strict=True):
        yield Score(value=float(one), slice=column.name)
        yield Score(value=float(by_chance), slice=f"{column.name}, by chance")


def _k_marginal(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if _can_be_measured(pair):
        distances, _ = _distances(pair)
        yield Score(value=float((2 - 2 * distances.mean()) * 500))


def _association_error(pair: Pair, params: Missing, context: Context) -> Iterator[Score]:
    import numpy as np

    if not _can_be_measured(pair):
        return
    one, other = (_upper(joint.treated(params.missing).cramers_v()) for joint in joint_counts(pair))
    defined = ~(np.isnan(one) & np.isnan(other))
    if defined.any():
        # What does not vary is associated with nothing.
        wrong = abs(np.nan_to_num(one[defined]) - np.nan_to_num(other[defined]))
        yield from _spread(wrong)


def _spread(values: Floats) -> Iterator[Score]:
    import numpy as np

    yield Score(value=float(values.mean()), slice="mean")
    yield Score(value=float(np.quantile(values, 0.95)), slice="95th percentile")
    yield Score(value=float(values.max()), slice="largest")


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="k-marginal",
        summary="likeness of the tables of all pairs of variables; 1000: all alike",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="points",
        params=Nothing,
        compute=_k_marginal,
        missing=A_VALUE,
        reference="SDNist (NIST), of all pairs",
    ),
    Measure(
        name="pair-distance",
        summary="total variation distance of pairs' tables, and the mean of two samples by chance",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_pair_distance,
        missing=A_VALUE,
        reference="the mean by chance: mostlyai-qa",
    ),
    Measure(
        name="variable-distance",
        summary="mean distance of a variable's tables with the others, and that of two samples by "
        "chance",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_variable_distance,
        missing=A_VALUE,
        reference="the mean by chance: mostlyai-qa",
    ),
    Measure(
        name="association-error",
        summary="how far Cramer's V of two variables, corrected for bias, is from the original's",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="V",
        params=Missing,
        compute=_association_error,
        missing="by the parameter",
        reference="Bergsma, J. Korean Stat. Soc. 42 (2013)",
    ),
)
