"""What the measures share: parameters, shares by length of combination, classes of equal rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen, validators

from ctdc_framework.plugin import Context, Pair, Score, Shape, entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes: TypeAlias = NDArray[np.int16]
    Ints: TypeAlias = NDArray[np.int64]

BOTH = frozenset({Shape.RECORDS, Shape.COUNTS})
NEVER_PART = "never part of a combination"
A_VALUE = "a value of its own"


@frozen(kw_only=True)
class UpTo:
    """How long combinations are looked at."""

    length: int = entry(
        "most values in a combination", default=3, validator=[validators.ge(1), validators.le(6)]
    )


@frozen(kw_only=True)
class Nothing:
    """No parameters."""


def share(part: int, whole: int, slice: str = "all") -> Score:
    """Give a share of counts, which the public report may show if they are not too small."""
    return Score(value=part / whole, slice=slice, of=(part, whole))


def by_length(
    figure: Callable[[Any, Any, int], float | tuple[int, int] | None], *, own: bool = True
) -> Callable[[Pair, UpTo, Context], Iterable[Score]]:
    """Make a measure of a figure of (original, published) counts, one score for each length.

    A figure may be how many of how many, which is a share that can be made public. Where it is
    None there is nothing to measure at that length, and no score. `own` leaves out combinations
    with generalised values, which the original does not have: they are no part of what could be
    kept.
    """

    def compute(pair: Pair, params: UpTo, context: Context) -> Iterator[Score]:
        longest = longest_of(pair, params)
        if not longest:  # a table that shows a total and nothing else
            return
        found = pair.combinations(longest)
        if own:
            found = found.select(~pair.generalised(found))
        for length in range(1, longest + 1):
            counts = found.of_length(length).counts
            value = figure(counts[:, 0], counts[:, 1], pair.k)
            context.progress(length, longest)
            if isinstance(value, tuple):
                yield share(*value, slice=f"length {length}")
            elif value is not None:
                yield Score(value=value, slice=f"length {length}")

    return compute


def longest_of(pair: Pair, params: UpTo) -> int:
    """Give the length up to which a candidate can be looked at."""
    return min(params.length, pair.length) if pair.is_counts else params.length


def class_sizes(pair: Pair, columns: Sequence[int]) -> Ints:
    """Count the rows of each class, those that are alike in some columns, as (classes, 2).

    Column 0 is the original, column 1 the candidate; a missing value is alike to another. The
    order of the classes is that of their codes.
    """
    import numpy as np

    rows = len(pair.original)
    both = np.concatenate([pair.original.codes, pair.candidate_codes])[:, list(columns)]
    numbers = class_numbers(both)
    size = int(numbers.max(initial=-1)) + 1
    sizes = [np.bincount(part, minlength=size) for part in (numbers[:rows], numbers[rows:])]
    return np.column_stack(sizes).astype(np.int64)


def class_numbers(codes: Codes) -> Ints:
    """Number the distinct rows of a matrix from 0 on, and give each row's number.

    >>> import numpy as np
    >>> class_numbers(np.array([[0, -1], [0, 3], [0, -1]], np.int16)).tolist()
    [0, 1, 0]
    """
    import numpy as np

    numbers = np.zeros(len(codes), np.int64)
    for column in range(codes.shape[1]):
        held = codes[:, column].astype(np.int64) + 1
        # What was numbered so far is at most the rows, so the product holds in 64 bits.
        numbers = numbers * (held.max(initial=0) + 1) + held
        _, numbers = np.unique(numbers, return_inverse=True)
    return numbers
