"""Whether somebody who fits a regression to the release would say what the original says.

One logistic model, which the plan declares, is fitted to both; the 95 % intervals of each
coefficient are laid over one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ctdc_framework.plugin import (
    Better,
    Context,
    Measure,
    Pair,
    Score,
    Side,
    StrategyError,
    Table,
    TableColumn,
    did_you_mean,
    entry,
)
from ctdc_measures.bases import class_numbers
from ctdc_measures.intervals import Z

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctdc_measures.bases import Codes, Ints

    Floats = NDArray[np.float64]

RIDGE = 0.01
"""Half of it times the square of each coefficient but the intercept is added to the loss, so that
a level whose rows are all alike in the outcome has an end, and next to nothing else changes."""
STEPS = 100
WORST = 20


@frozen(kw_only=True)
class Parameters:
    """The regression."""

    outcome: str = entry("the variable that is explained")
    value: str = entry(
        "which of its values is yes, all others no; left out: a flag's own", default=""
    )
    on: tuple[str, ...] = entry(
        "variables that explain it; left out: what an attacker knows", default=()
    )


@frozen(eq=False)
class Regression:
    """Which columns of the original a regression is about.

    code: which code of the outcome's column is yes. flag: whether missing is no.
    """

    outcome: int
    code: int
    flag: bool
    on: Sequence[int]


@frozen(eq=False)
class Levels:
    """The levels of a predictor: original values of k records or more, missing among them.

    codes: -1 is missing; the commonest comes first and is what the others are held against. All
    other values, rare or not in the original, are together one level more, the last.
    """

    codes: Ints

    @classmethod
    def of(cls, held: Codes, k: int) -> Levels:
        """Find the levels of an original column; of levels equally common, the lower code first."""
        import numpy as np

        codes, counts = np.unique(held, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return cls(codes[order][counts[order] >= k].astype(np.int64))

    def number(self, held: Codes) -> Ints:
        """Give the level of each row."""
        import numpy as np

        size = int(max(held.max(initial=0), self.codes.max(initial=0))) + 2
        numbers = np.full(size, len(self.codes))
        numbers[self.codes + 1] = np.arange(len(self.codes))
        found: Ints = numbers[held.astype(np.int64) + 1]
        return found


@frozen(eq=False)
class Fit:
    """A fitted model: coefficients, the intercept first, their errors, and the rows of each level.

    rows: (1 + terms,) rows that hold the level; a reference level is no term, so `references` has
    how many rows hold that of each predictor.
    """

    coefficients: Floats
    errors: Floats = field(repr=False)
    rows: Ints
    references: Ints

    @property
    def low(self) -> Floats:
        """The lower ends of the intervals."""
        return self.coefficients - Z * self.errors

    @property
    def high(self) -> Floats:
        """The upper ends of the intervals."""
        return self.coefficients + Z * self.errors


def logistic(matrix: Any, yes: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Fit a logistic model by Newton's steps; give the coefficients and their standard errors.

    matrix: sparse (rows, terms), of which the first is the intercept and has no ridge. rows: how
    many each row stands for, of which so many are `yes`; both yes and no have to be there.

    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> found, error = logistic(csr_array(np.ones((1, 1))), np.array([20.0]), np.array([100.0]))
    >>> bool(np.isclose(found[0], np.log(20 / 80))), bool(np.isclose(error[0], 0.25))
    (True, True)
    """
    import numpy as np
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import splu
    from scipy.special import expit

    ridge = np.full(matrix.shape[1], RIDGE)
    ridge[0] = 0

    def loss(at: Floats) -> float:
        terms = matrix @ at
        likely = (rows * np.logaddexp(0, terms) - yes * terms).sum()
        return float(likely + (ridge * at**2).sum() / 2)

    def information(at: Floats) -> Any:
        guess = expit(matrix @ at)
        bent = matrix.T @ diags_array(rows * guess * (1 - guess)) @ matrix + diags_array(ridge)
        # On so small a matrix the threads of LAPACK cost far more than they save.
        return splu(bent.tocsc())

    at = np.zeros(matrix.shape[1])
    at[0] = np.log(yes.sum() / (rows.sum() - yes.sum()))
    now = loss(at)
    for _ in range(STEPS):
        slope = matrix.T @ (rows * expit(matrix @ at) - yes) + ridge * at
        step = information(at).solve(slope)
        size = 1.0
        while (then := loss(at - size * step)) > now + 1e-9 * abs(now) and size > 1e-6:
            size /= 2
        at, now = at - size * step, then
        if abs(step).max() < 1e-6:  # errors are squared by each step
            break
    return at, np.sqrt(information(at).solve(np.eye(len(at))).diagonal())


def overlap(low: Floats, high: Floats, other_low: Floats, other_high: Floats) -> Floats:
    """Give the mean share of two intervals that both have in common; 0 where that is nothing.

    >>> import numpy as np
    >>> overlap(*(np.array([end]) for end in (0.0, 4.0, 3.0, 5.0))).tolist()
    [0.375]
    """
    import numpy as np

    both = np.minimum(high, other_high) - np.maximum(low, other_low)
    shares: Floats = (both / (high - low) + both / (other_high - other_low)) / 2
    return shares.clip(min=0)


def _regression(pair: Pair, params: Parameters) -> Regression:
    """Find what is declared; raises `StrategyError` where that cannot be."""
    original = pair.original
    for name in (params.outcome, *params.on):
        if name not in original.codebook.variables:
            help = did_you_mean(name, original.codebook.variables)
            raise StrategyError(f"`{name}` is no variable of {original.codebook.id}", help=help)
    outcome, code, flag = _outcome(pair, params)
    variable = original.columns[outcome].variable
    if variable in params.on:
        raise StrategyError(f"`{variable}` cannot explain itself", help="leave it out of `on`")
    named = original.column_numbers(params.on) if params.on else pair.known
    on = [number for number in named if original.columns[number].variable != variable]
    if not on:
        raise StrategyError(f"nothing explains `{variable}`", help="name variables in `on`")
    return Regression(outcome, code, flag, on)


def _outcome(pair: Pair, params: Parameters) -> tuple[int, int, bool]:
    """Give the outcome's column, the code that is yes, and whether it is a flag."""
    columns = pair.original.columns
    held = [
        (number, code, len(_own(columns[number])) == 1)
        for number in pair.original.column_numbers([params.outcome])
        for code in _own(columns[number])
    ]
    names = [columns[number].cell(code) for number, code, _ in held]
    if not params.value and len(held) == 1:
        return held[0]
    if params.value not in names:
        what = f"`{params.value}` is no value of" if params.value else "no `value` is named of"
        help = did_you_mean(params.value, names) or "name the value that is yes"
        raise StrategyError(f"{what} `{params.outcome}`", help=help)
    return held[names.index(params.value)]


def _own(column: TableColumn) -> list[int]:
    """Give the codes of a column that are no generalised values."""
    return [code for code in range(len(column.codes)) if code not in column.below]


def _lacking(pair: Pair, model: Regression) -> list[str]:
    """Name the variables of a regression that the release has no column of."""
    shown = {column.name for column in pair.candidate.columns}
    columns = [pair.original.columns[number] for number in (model.outcome, *model.on)]
    return list(dict.fromkeys(one.variable for one in columns if one.name not in shown))


def _known(table: Table, codes: Codes, model: Regression) -> Codes:
    """Give the rows that tell the outcome: of a flag all, as missing is `no or unknown`."""
    import numpy as np

    if model.flag:
        return codes
    own = _own(table.columns[model.outcome])
    kept: Codes = codes[np.isin(codes[:, model.outcome], own)]
    return kept


def _fit(codes: Codes, model: Regression, levels: Sequence[Levels]) -> Fit | None:
    """Fit the model; None where the outcome has one value."""
    import numpy as np
    from scipy.sparse import csr_array

    is_yes = codes[:, model.outcome] == model.code
    if is_yes.all() or not is_yes.any():
        return None
    numbers = np.column_stack(
        [one.number(codes[:, column]) for one, column in zip(levels, model.on, strict=True)]
    )
    classes = class_numbers(numbers.astype(np.int16))
    _, first = np.unique(classes, return_index=True)
    rows = np.bincount(classes).astype(np.float64)
    yes = np.bincount(classes, weights=is_yes).astype(np.float64)
    numbers = numbers[first]
    # Level 0 is no term; the intercept is the first term, and every row has it.
    ends = np.cumsum([len(one.codes) for one in levels])
    terms = numbers + np.concatenate([[0], ends[:-1]])
    held = np.column_stack([np.ones(len(first), bool), numbers > 0])
    terms = np.column_stack([np.zeros(len(first), np.int64), terms])
    row, place = np.nonzero(held)
    shape = (len(first), 1 + int(ends[-1]))
    matrix = csr_array((np.ones(len(row)), (row, terms[row, place])), shape=shape)
    found, errors = logistic(matrix, yes, rows)
    references = ((numbers == 0) * rows[:, None]).sum(axis=0)
    return Fit(found, errors, matrix.T @ rows, references)


def _terms(pair: Pair, model: Regression, levels: Sequence[Levels]) -> tuple[list[str], list[int]]:
    """Name the terms of a model, and give the predictor that each is of; -1 is the intercept's."""
    told, of = ["intercept"], [-1]
    for place, (one, number) in enumerate(zip(levels, model.on, strict=True)):
        column = pair.original.columns[number]
        words = ["missing" if code < 0 else column.cell(code) for code in one.codes[1:].tolist()]
        words += ["all other values"] if len(one.codes) else []
        told += [f"{column.name}={word}" for word in words]
        of += [place] * len(words)
    return told, of


def _overlap(pair: Pair, params: Parameters, context: Context) -> Iterator[Score]:
    import numpy as np

    model = _regression(pair, params)
    if not (len(pair.original) and len(pair.candidate)):
        return
    original = _known(pair.original, pair.original.codes, model)
    levels = [Levels.of(original[:, column], pair.k) for column in model.on]
    lacking, true = _lacking(pair, model), _fit(original, model, levels)
    if lacking or true is None:
        name = pair.original.columns[model.outcome].name
        of_release = f"the release lacks {', '.join(f'`{one}`' for one in lacking)}"
        of_original = f"the outcome `{name}` is always the same in the original"
        raise StrategyError(of_release if lacking else of_original)
    compared = np.flatnonzero(true.rows >= pair.k)
    if not len(compared):
        return
    told, of = _terms(pair, model, levels)
    shares, ends = np.zeros(len(told)), ["none published"] * len(told)
    shown = _fit(_known(pair.original, pair.candidate_codes, model), model, levels)
    if shown is not None:
        gone = shown.references == 0  # nothing is there that its other levels are held against
        there = (shown.rows > 0) & ~np.append(gone, gone.any())[of]
        # Beyond these digits are those of the last steps of the fits.
        shares = (overlap(true.low, true.high, shown.low, shown.high) * there).round(6)
        for n in np.flatnonzero(there):
            ends[n] = f"{shown.low[n]:.3g} to {shown.high[n]:.3g} published"
    yield Score(value=float(f"{shares[compared].mean():.6g}"), slice="mean")
    order = compared[np.argsort(shares[compared], kind="stable")]
    names = tuple(
        f"{told[n]}: {true.low[n]:.3g} to {true.high[n]:.3g} in the original, {ends[n]}"
        for n in order[:WORST]
        if shares[n] < 1
    )
    yield Score(value=float(shares[order[0]]), slice="worst", names=names)


MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="regression-overlap",
        summary="how far the 95 % intervals of a regression's coefficients overlap with those of "
        "the original",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="share",
        params=Parameters,
        compute=_overlap,
        missing="no, where the outcome is a flag; else left out; a level in what explains it",
        reference="Karr et al., Am. Stat. 60 (2006); no overlap counts 0",
    ),
)
