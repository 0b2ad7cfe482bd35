"""Whether a model can tell released rows from original records, better than by chance.

A logistic model guesses for each row whether it is a released one. The mean square of how far its
guesses are from the share of released rows is the pMSE; here it is divided by what it would be if
the two were one set of records, split at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen, validators

from ctdc_framework.plugin import Better, Context, Measure, Pair, Score, Side, entry
from ctdc_measures.bases import A_VALUE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctdc_measures.bases import Codes, Ints

    Floats = NDArray[np.float64]

RIDGE = 1.0
"""Half of it times the square of each coefficient is added to the loss, so that none is unbounded
where only one side has a value."""
DRAWS = 3
"""Random splits that tell how far the logistic model is from the linear one, by chance alone."""
_BLOCK = 4096


@frozen(kw_only=True)
class Parameters:
    """What the model looks at."""

    pairs: int = entry(
        "most pairs of values in the model, beside the single values",
        default=200,
        validator=[validators.ge(1), validators.le(1000)],
    )
    rows: int = entry(
        "most original records, and most released rows, that are looked at",
        default=10_000,
        validator=[validators.ge(10), validators.le(200_000)],
    )


@frozen(eq=False)
class Rows:
    """Distinct rows in the order of their codes, so that the order in a file plays no part.

    counts: (rows, 2), how many original records and how many released rows each stands for.
    """

    codes: Codes
    counts: Ints


def distinct_rows(original: Codes, released: Codes, most: int, rng: np.random.Generator) -> Rows:
    """Put both sides together; of a side with more than `most` rows so many are drawn."""
    import numpy as np

    codes, place = np.unique(np.concatenate([original, released]), axis=0, return_inverse=True)
    counts = np.zeros((len(codes), 2), np.int64)
    for side, rows in enumerate(np.split(place.ravel(), [len(original)])):
        held = np.bincount(rows, minlength=len(codes))
        if len(rows) > most:
            held = rng.multivariate_hypergeometric(held, most, method="marginals")
        counts[:, side] = held
    some = counts.any(axis=1)
    return Rows(codes[some], counts[some])


def values_held(codes: Codes) -> tuple[Any, Ints]:
    """Give which values the rows hold, sparse (rows, values), and the column of each value.

    Missing is a value of each column where some row lacks one; what no row holds is left out.
    """
    import numpy as np
    from scipy.sparse import csr_array

    rows, columns = codes.shape
    width = int(codes.max(initial=0)) + 2
    items = codes.astype(np.int64) + 1 + width * np.arange(columns)
    held, numbers = np.unique(items, return_inverse=True)
    starts = np.arange(rows + 1) * columns
    matrix = csr_array((np.ones(items.size), numbers.ravel(), starts), shape=(rows, len(held)))
    return matrix, held // width


def telling_pairs(together: Floats, columns: Ints, n: float, most: int) -> tuple[Ints, Ints]:
    """Choose, of each two columns, the pair of values furthest from independence; the first `most`.

    together: (values, values) of the n rows of both sides that hold both. Nothing here depends on
    which side a row is of, so the choice gives no model an advantage over chance.
    """
    import numpy as np

    held = together.diagonal()
    far = np.triu(abs(n * together - np.outer(held, held)), 1)  # whole numbers: ties are exact
    far[columns[:, None] == columns] = 0
    one, other = np.nonzero(far)
    order = np.argsort(-far[one, other], kind="stable")
    one, other = one[order], other[order]
    _, first = np.unique(columns[one] * (columns.max() + 1) + columns[other], return_index=True)
    chosen = np.sort(first)[:most]
    return one[chosen], other[chosen]


def held_together(matrix: Any, counts: Floats) -> Floats:
    """Count the rows that hold each two of the values; whole numbers, so exact in any order."""
    import numpy as np

    found = np.zeros((matrix.shape[1],) * 2)
    for first in range(0, matrix.shape[0], _BLOCK):
        # Below 2^24 single precision holds whole numbers, and takes half the time.
        block = matrix[first : first + _BLOCK].toarray().astype(np.float32)
        weighted = block * counts[first : first + _BLOCK, None].astype(np.float32)
        found += block.T @ weighted
    return found


@frozen(eq=False)
class Model:
    """A logistic model of which rows are released ones, with a ridge.

    matrix: sparse (rows, terms), each 0 or 1. counts: (rows,), how many each row stands for.
    turned: the inverse of the Cholesky factor of the information at no difference, in whose
    coordinates the loss is nearly round, so that few steps are enough.
    """

    matrix: Any
    counts: Floats
    share: float
    turned: Floats
    means: Floats

    @classmethod
    def of(cls, matrix: Any, counts: Floats, together: Floats, share: float) -> Model:
        """Prepare a model; `share` is that of the released rows."""
        import numpy as np
        from scipy.linalg import solve_triangular

        n = counts.sum()
        means = together.diagonal() / n
        own = np.eye(len(means))
        information = share * (1 - share) * (together - n * np.outer(means, means))
        factor = np.linalg.cholesky(information + RIDGE * own)
        return cls(matrix, counts, share, solve_triangular(factor, own, lower=True), means)

    def expected(self) -> float:
        """Give the mean of `linear` over all ways to split the rows: exact, and without a draw."""
        import numpy as np

        hat = np.eye(len(self.turned)) - RIDGE * self.turned @ self.turned.T
        return float(self.share * (1 - self.share) * (hat**2).sum() / (self.counts.sum() - 1))

    def linear(self, released: Floats) -> float:
        """Give the pMSE after one step of Newton from no difference: linear in who is released."""
        weight = self.share * (1 - self.share)
        step = self._terms(self._gradient(released - self.share * self.counts))
        return float((self.counts * (weight * step) ** 2).sum() / self.counts.sum())

    def logistic(self, released: Floats) -> float:
        """Give the pMSE of the fitted model. released: (rows,), how many of each are released."""
        import numpy as np
        from scipy.optimize import minimize
        from scipy.special import expit, logit

        n, level = self.counts.sum(), logit(self.share)
        scale = 1 / np.sqrt(self.share * (1 - self.share) * n)

        def logits(point: Floats) -> Floats:
            terms: Floats = self._terms(point[1:]) + (scale * point[0] + level)
            return terms

        def loss(point: Floats) -> tuple[float, Floats]:
            at = logits(point)
            coefficients = _product(self.turned.T, point[1:])
            wrong = self.counts * expit(at) - released
            slope = self._gradient(wrong) + _product(self.turned, RIDGE * coefficients)
            value = (self.counts * np.logaddexp(0, at) - released * at).sum()
            value += RIDGE / 2 * (coefficients**2).sum()
            return float(value), np.append(scale * wrong.sum(), slope)

        start = np.zeros(1 + len(self.turned))
        # Conjugate gradients are plain NumPy. In these coordinates a slope of 1/1000 is next to
        # nothing: that of a random split is about 1.
        found = minimize(loss, start, jac=True, method="CG", options={"gtol": 1e-3})
        return float((self.counts * (expit(logits(found.x)) - self.share) ** 2).sum() / n)

    def _terms(self, point: Floats) -> Floats:
        coefficients = _product(self.turned.T, point)
        terms: Floats = self.matrix @ coefficients - (self.means * coefficients).sum()
        return terms

    def _gradient(self, wrong: Floats) -> Floats:
        return _product(self.turned, self.matrix.T @ wrong - self.means * wrong.sum())


def _product(matrix: Floats, vector: Floats) -> Floats:
    """Multiply without the threads of BLAS: they cost more than they save on so small a matrix."""
    import numpy as np

    found: Floats = np.einsum("ij,j->i", matrix, vector)
    return found


def ratio(model: Model, counts: Ints, rng: np.random.Generator) -> float | None:
    """Give the pMSE over its mean at random splits; None where no row differs from another.

    The linear model's mean is exact. Draws are used only for how much the logistic one has beside
    it, which hardly varies between them.
    """
    import numpy as np

    expected = model.expected()
    if expected < 1e-12:
        return None
    released = counts[:, 1]
    rows, number = counts.sum(axis=1), int(released.sum())
    splits = [
        rng.multivariate_hypergeometric(rows, number, method="marginals").astype(np.float64)
        for _ in range(DRAWS)
    ]
    linear = sum(map(model.linear, splits))
    beside = sum(map(model.logistic, splits)) / linear if linear > expected / 100 else 1.0
    return model.logistic(released.astype(np.float64)) / (expected * beside)


def _propensity(pair: Pair, params: Parameters, context: Context) -> Iterator[Score]:
    import numpy as np
    from scipy.sparse import hstack

    original, candidate = pair.original.codes, pair.candidate_codes
    if not (len(original) and len(candidate) and original.shape[1]):
        return
    rows = distinct_rows(original, candidate, params.rows, context.rng)
    counts = rows.counts.sum(axis=1).astype(np.float64)
    share = float(rows.counts[:, 1].sum() / counts.sum())
    matrix, columns = values_held(rows.codes)
    together = held_together(matrix, counts)
    one, other = telling_pairs(together, columns, float(counts.sum()), params.pairs)
    matrices = {"single values": matrix}
    if len(one):
        by_value = matrix.tocsc()
        both = by_value[:, one] * by_value[:, other]
        matrices["single values and pairs"] = hstack([matrix, both], format="csr")
    for done, (slice, terms) in enumerate(matrices.items(), 1):
        of_terms = together if terms is matrix else held_together(terms, counts)
        value = ratio(Model.of(terms, counts, of_terms, share), rows.counts, context.rng)
        context.progress(done, len(matrices))
        if value is not None:
            # More digits would be those of the last step of the fit and of the draws.
            yield Score(value=float(f"{value:.3g}"), slice=slice)


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="propensity",
        summary="how well a model tells released rows from records, over chance: 1 is two samples "
        "of the same people",
        side=Side.UTILITY,
        better=Better.LOWER,
        unit="times chance",
        params=Parameters,
        compute=_propensity,
        missing=A_VALUE,
        reference="S_pMSE of Snoke et al., J. R. Stat. Soc. A 181 (2018), over random splits",
    ),
)
