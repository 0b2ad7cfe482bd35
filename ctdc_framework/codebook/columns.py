"""A column of raw data, read once per distinct cell and not once per record.

Raw columns hold few distinct cells and many records, so every step of preparing works on the
distinct cells; a rule's author writes a function of one cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cell = Any
"""A code, a whole number, or a tuple of codes for a cell that lists several."""


@frozen(eq=False)
class Column:
    """Records' values as indexes into their distinct cells; -1 where missing.

    >>> import numpy as np
    >>> ages = Column(np.array([0, 1, -1, 0]), (17, 30))
    >>> ages.map(lambda age: "Minor" if age < 18 else None).values()
    ['Minor', None, None, 'Minor']
    """

    index: NDArray[np.int32] = field(repr=lambda index: f"<{len(index)} rows>")
    cells: tuple[Cell, ...] = field(repr=lambda cells: f"<{len(cells)} distinct>")

    @classmethod
    def missing(cls, rows: int) -> Column:
        """Give a column without a single value."""
        import numpy as np

        return cls(np.full(rows, -1, dtype=np.int32), ())

    @classmethod
    def of(cls, values: Iterable[Cell | None]) -> Column:
        """Encode a sequence of cells, None for missing."""
        import numpy as np

        numbers: dict[Cell, int] = {}
        index = [-1 if v is None else numbers.setdefault(v, len(numbers)) for v in values]
        return cls(np.array(index, dtype=np.int32), tuple(numbers))

    def sizes(self) -> dict[Cell, int]:
        """Give how many records hold each distinct cell."""
        import numpy as np

        counts = np.bincount(self.index[self.index >= 0], minlength=len(self.cells))
        return dict(zip(self.cells, counts.tolist(), strict=True))

    def map(self, function: Callable[[Cell], Cell | None]) -> Column:
        """Apply a function to each distinct cell; None makes it missing."""
        import numpy as np

        numbers: dict[Cell, int] = {}
        made = (function(cell) for cell in self.cells)
        table = [-1 if one is None else numbers.setdefault(one, len(numbers)) for one in made]
        # The last entry is what index -1 reaches: missing stays missing.
        lookup = np.array([*table, -1], dtype=np.int32)
        return Column(lookup[self.index], tuple(numbers))

    def mask(self, holds: Callable[[Cell], bool]) -> NDArray[np.bool_]:
        """Tell for each record whether its value is known and satisfies a condition."""
        import numpy as np

        return np.array([*(holds(cell) for cell in self.cells), False], dtype=bool)[self.index]

    def known(self) -> NDArray[np.bool_]:
        """Tell for each record whether its value is known."""
        known: NDArray[np.bool_] = self.index >= 0
        return known

    def filled_from(self, other: Column) -> Column:
        """Give this column with its missing values taken from another."""
        import numpy as np

        numbers = {cell: number for number, cell in enumerate(self.cells)}
        table = [numbers.setdefault(cell, len(numbers)) for cell in other.cells]
        lookup = np.array([*table, -1], dtype=np.int32)
        index = np.where(self.index >= 0, self.index, lookup[other.index]).astype(np.int32)
        return Column(index, tuple(numbers))

    def differs_from(self, other: Column) -> NDArray[np.bool_]:
        """Tell for each record whether this value is known and the other is not the same."""
        import numpy as np

        numbers = {cell: number for number, cell in enumerate(self.cells)}
        lookup = np.array([*(numbers.get(cell, -2) for cell in other.cells), -1], dtype=np.int32)
        differs: NDArray[np.bool_] = (self.index >= 0) & (self.index != lookup[other.index])
        return differs

    def values(self) -> list[Cell | None]:
        """Give each record's value."""
        return [None if number < 0 else self.cells[number] for number in self.index.tolist()]


def flag(mask: NDArray[np.bool_]) -> Column:
    """Make a flag's column: `1` where the mask holds, else missing.

    >>> import numpy as np
    >>> flag(np.array([True, False])).values()
    ['1', None]
    """
    import numpy as np

    return Column(np.where(mask, 0, -1).astype(np.int32), ("1",))
