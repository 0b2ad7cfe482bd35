"""Records whose missing values match anything: who fits whom, and who has to be left out.

Two records are compatible if no variable is known of both and differs. That is no grouping: one
record can fit two that do not fit each other. So a record that is left out is missed by all that
it fitted, and some of these may have to follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def compatible(rows: NDArray[np.int32], k: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Keep the most records of which each is compatible with k that are kept, itself among them.

    `rows` (records, variables) are numbers, -1 where missing and matching anything. Gives which are
    kept, and with how many of those each is compatible. It is the same whatever their order, as
    what has to go from all of them has to go from any part.

    >>> kept, crowd = compatible(np.array([[0, 5], [0, -1], [-1, 6], [1, 7]], np.int32), 2)
    >>> kept.tolist(), crowd.tolist()
    ([True, True, True, False], [2, 3, 2, 0])
    """
    _, first, of_class, sizes = np.unique(
        rows, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    of_class = of_class.ravel()
    masks = [_masks(column) for column in rows.T]

    def fitting(one: int) -> NDArray[np.uint64]:
        """Give, as bits, the records that a class is compatible with, its own among them."""
        found: NDArray[np.uint64] = masks[0][rows[first[one], 0]]
        for number, mask in enumerate(masks[1:], 1):
            found = found & mask[rows[first[one], number]]
        return found

    counts = [int(np.bitwise_count(fitting(one)).sum()) for one in range(len(first))]
    crowd = np.array(counts, np.int64)
    kept = crowd >= k
    gone = np.flatnonzero(~kept).tolist()
    while gone:
        one = gone.pop()
        bits = np.unpackbits(fitting(one).view(np.uint8), count=len(rows))
        near = np.unique(of_class[bits.view(bool)])
        crowd[near] -= sizes[one]
        follow = near[kept[near] & (crowd[near] < k)]
        kept[follow] = False
        gone += follow.tolist()
    return kept[of_class], crowd[of_class]


def _masks(column: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Give for each value of a column, and last for missing, the records that fit it, as bits."""
    words = (len(column) + 63) // 64
    masks = np.zeros((int(column.max(initial=-1)) + 2, words * 8), np.uint8)
    used = (len(column) + 7) // 8
    for value in range(len(masks) - 1):
        masks[value, :used] = np.packbits((column == value) | (column < 0))
    masks[-1, :used] = np.packbits(np.ones(len(column), bool))
    return masks.view(np.uint64)


def candidates(
    truth: NDArray[np.int32], fits: Sequence[NDArray[np.bool_]], shown: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Count for each record the released ones that its true values fit.

    `truth` (records, columns) and `shown` (released, columns) number what a column holds;
    `fits[column]` (true, shown) says which of them fit. Who knows all true values of somebody
    cannot tell which of so many is theirs.

    >>> fits = [np.array([[True, False], [False, True]]), np.array([[True, True]])]
    >>> rows = np.array([[0, 0], [0, 0], [1, 0]], np.int32)
    >>> candidates(rows, fits, np.array([[0, 0], [0, 1], [1, 0]], np.int32)).tolist()
    [2, 2, 1]
    """
    rows, of_row = np.unique(truth, axis=0, return_inverse=True)
    masks = [
        np.stack([np.packbits(known[shown[:, column]]) for known in of])
        for column, of in enumerate(fits)
    ]
    counts = np.zeros(len(rows), np.int64)
    for number, row in enumerate(rows.tolist()):
        found = masks[0][row[0]]
        for column, own in enumerate(row[1:], 1):
            found = found & masks[column][own]
        counts[number] = np.bitwise_count(found).sum()
    return counts[of_row.ravel()]
