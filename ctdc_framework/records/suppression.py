"""What became of each cell of the original records in a release.

A blank in released records may be one that was never recorded, or one that was suppressed. Readers
of the release cannot tell, and are not to; whoever may read the original records can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctdc_framework.codebook.model import TableColumn
from ctdc_framework.records.tables import Shape, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STATUSES = (
    "kept", "generalised", "suppressed in part", "suppressed", "not recorded", "record left out",
)  # fmt: skip
"""What can have become of a cell. Only one that lists several values is suppressed in part."""
KEPT, GENERALISED, IN_PART, SUPPRESSED, NOT_RECORDED, LEFT_OUT = range(len(STATUSES))


def are_kept_rows(rows: Any, given: Table, made: Table) -> bool:
    """Tell whether each record of `made` is that of `given` which `rows` names for it.

    A record may come once. A cell holds the value that it had, a coarser one that stands for it, or
    nothing. Whatever is no array of row numbers is refused: it comes from somebody else's code.
    """
    import numpy as np

    names = {column.name: number for number, column in enumerate(given.columns)}
    if (
        not isinstance(rows, np.ndarray)
        or rows.dtype.kind not in "iu"
        or rows.shape != (len(made),)
        or given.shape is not Shape.RECORDS
        or made.shape is not Shape.RECORDS
        or any(column.name not in names for column in made.columns)
    ):
        return False
    if len(rows) and not 0 <= rows.min() <= rows.max() < len(given):
        return False
    if len(np.unique(rows)) < len(rows):
        return False
    return all(
        _stands_for(column)[made.codes[:, number], given.codes[rows, names[column.name]]].all()
        for number, column in enumerate(made.columns)
    )


def _stands_for(column: TableColumn) -> NDArray[np.bool_]:
    """Tell which codes (the first index) stand for which; the last, so -1, is missing."""
    import numpy as np

    stands = np.eye(len(column.codes) + 1, dtype=bool)
    for code, below in column.below.items():
        stands[code, list(below)] = True
    stands[-1] = True
    return stands


def statuses(original: Table, released: Table, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Tell for each variable, and each original record in its order, what became of its cell.

    `rows` are those that `are_kept_rows` accepts. Gives arrays (int8) of places in `STATUSES`. Of a
    record that was left out, no cell is told apart.
    """
    import numpy as np

    places = {column.name: number for number, column in enumerate(released.columns)}
    of_variable: dict[str, list[int]] = {}
    for number, column in enumerate(original.columns):
        of_variable.setdefault(column.variable, []).append(number)
    after = np.full((len(rows), len(original.columns)), -1, np.int16)
    for number, column in enumerate(original.columns):
        if column.name in places:
            after[:, number] = released.codes[:, places[column.name]]
    before = original.codes[rows]
    found = {}
    for name, numbers in of_variable.items():
        held, shown = before[:, numbers], after[:, numbers]
        lost = (held >= 0) & (shown < 0)
        coarser = (shown >= 0) & (shown != held)
        found[name] = np.full(len(original), LEFT_OUT, np.int8)
        found[name][rows] = np.select(
            [(held < 0).all(axis=1), (shown < 0).all(axis=1), lost.any(axis=1),
             coarser.any(axis=1)],
            [NOT_RECORDED, SUPPRESSED, IN_PART, GENERALISED], KEPT,
        )  # fmt: skip
    return found
