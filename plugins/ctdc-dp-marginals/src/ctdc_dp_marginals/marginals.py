"""The exact counts that noise is added to: every cell of every set of columns, empty ones too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Columns = tuple[int, ...]
"""Numbers of columns; none of them is the set whose one cell is the number of records."""


def column_sets(columns: int, length: int) -> Iterator[Columns]:
    """Give every set of up to `length` of some columns, the empty one first.

    A record is in one cell of a set, or in none where it lacks a value: so to add or remove one
    changes each set by 1 in one cell at most, and all of them by the root of their number.

    >>> list(column_sets(3, 2))
    [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    """
    for size in range(min(length, columns) + 1):
        yield from combinations(range(columns), size)


def set_count(columns: int, length: int) -> int:
    """Count the sets without listing them."""
    return sum(math.comb(columns, size) for size in range(min(length, columns) + 1))


def cell_count(sizes: Sequence[int], length: int) -> int:
    """Count the cells of all sets, from how many values each column has.

    >>> cell_count([2, 3, 4], 2)  # 1 and 2 + 3 + 4 and 6 + 8 + 12
    36
    """
    of_length = [1] + [0] * length  # of the columns so far, by the size of the set
    for size in sizes:
        for place in range(length, 0, -1):
            of_length[place] += of_length[place - 1] * size
    return sum(of_length)


def exact_counts(
    codes: NDArray[np.int16], sizes: Sequence[int], chosen: Columns
) -> NDArray[np.int64]:
    """Count the records in each cell of a set of columns, in the order of `cells`.

    codes: (rows, columns), -1 = missing, which is in no cell.
    """
    import numpy as np

    place = np.zeros(len(codes), dtype=np.int64)
    for column in chosen:
        place = place * sizes[column] + codes[:, column]
    known = (codes[:, chosen] >= 0).all(axis=1)
    cells = math.prod(sizes[column] for column in chosen)
    return np.bincount(place[known], minlength=cells).astype(np.int64)


def cells(sizes: Sequence[int], chosen: Columns, places: NDArray[np.int64]) -> NDArray[np.int16]:
    """Give the codes of some cells of a set: (places, columns of the set)."""
    import numpy as np

    shape = [sizes[column] for column in chosen]
    if not shape:
        return np.zeros((len(places), 0), dtype=np.int16)
    return np.column_stack(np.unravel_index(places, shape)).astype(np.int16)
