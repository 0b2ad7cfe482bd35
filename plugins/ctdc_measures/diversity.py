"""How much the classes of a release tell of sensitive values: the l and t that they reach.

As in the claims: a class is the released rows alike in what is known, and missing is one value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ctdc_framework.plugin import Better, Context, Measure, Pair, Score, Side
from ctdc_measures.bases import A_VALUE, Nothing, class_numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def _classes(pair: Pair) -> Iterator[tuple[int, Floats, Floats]]:
    """Give each sensitive column, its values' shares in each class, and in the original.

    The shares are (classes, values) and (values,); the last value is "missing".
    """
    import numpy as np

    if not (len(pair.original) and len(pair.candidate) and pair.known):
        return
    codes = pair.candidate_codes
    numbers = class_numbers(codes[:, pair.known])
    for column in pair.sensitive:
        size = pair.original.sizes[column] + 1
        held = codes[:, column].astype(np.int64) % size  # -1, missing, becomes the last
        counts = np.bincount(numbers * size + held, minlength=(numbers.max() + 1) * size)
        counts = counts.reshape(-1, size)
        true = pair.original.codes[:, column].astype(np.int64) % size
        shares = np.bincount(true, minlength=size) / len(true)
        yield column, counts / counts.sum(axis=1, keepdims=True), shares


def _l_achieved(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    for column, shares, _ in _classes(pair):
        name = pair.original.columns[column].name
        logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
        yield Score(value=float((shares > 0).sum(axis=1).min()), slice=f"{name}, distinct")
        entropy = float(np.exp((-(shares * logs).sum(axis=1)).min()))
        yield Score(value=entropy, slice=f"{name}, entropy")


def _t_achieved(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    for column, shares, true in _classes(pair):
        name = pair.original.columns[column].name
        yield Score(value=float(abs(shares - true).sum(axis=1).max() / 2), slice=name)


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="l-achieved",
        summary="values of a sensitive variable in the class with fewest, and as many equal ones",
        side=Side.RISK,
        better=Better.HIGHER,
        unit="values",
        params=Nothing,
        compute=_l_achieved,
        missing=A_VALUE,
        reference="Machanavajjhala et al., TKDD 1 (2007): distinct and entropy l-diversity",
    ),
    Measure(
        name="t-achieved",
        summary="how far a class's sensitive values are at most from those of all original records",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_t_achieved,
        missing=A_VALUE,
        reference="Li, Li and Venkatasubramanian, ICDE 2007, equal distance",
    ),
)
