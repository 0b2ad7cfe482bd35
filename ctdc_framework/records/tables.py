"""The table that strategies take and give: a pandas DataFrame whose dtypes are the codebook's.

Every column is a Categorical over its variable's domain, so an author works in plain pandas and
the encoding is already done: `table.codes` is the same content as one int16 matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from ctdc_framework.codebook.model import COUNT, Codebook, TableColumn
from ctdc_framework.records.layouts import Layout

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class Shape(Enum):
    """What the rows of a table are."""

    RECORDS = "records"
    """A row is a record; a missing value means missing."""
    COUNTS = "counts"
    """A row is a combination of values and how many records hold it; missing means: not part."""


@frozen(kw_only=True, eq=False)
class Table:
    """Records, or counts of combinations, with the codebook that their values come from.

    `frame` has the columns of `codebook.columns`, or some of them, in that order; a table of
    counts has `count` (int64) besides. Each is a Categorical with the dtype that the codebook
    gives, missing as NaN. Raises `ValueError` otherwise: the maker of the table is at fault.
    """

    frame: pd.DataFrame = field(repr=lambda frame: f"<{len(frame)} rows>")
    """Its index numbers the rows from 0, as `with_frame` sees to."""
    shape: Shape
    codebook: Codebook = field(repr=lambda codebook: codebook.id)
    counted: Table | None = field(default=None, repr=False)
    """Of a table of counts: the records that were counted. They are written nowhere."""
    layouts: tuple[Layout, ...] = ()
    """Of a table of counts: the declared tables that its combinations make up, if any."""

    def __attrs_post_init__(self) -> None:
        names = list(self.frame.columns)
        if self.shape is Shape.COUNTS:
            if names[-1:] != [COUNT] or self.frame[COUNT].dtype != "int64":
                raise ValueError(f"a table of counts ends in a column {COUNT} of whole numbers")
            names.pop()
        possible = [column.name for column in self.codebook.columns]
        if names != [name for name in possible if name in set(names)]:
            raise ValueError("columns are not those of the codebook, in its order")
        for column in self.columns:
            if self.frame[column.name].dtype != dtype_of(self.codebook, column):
                raise ValueError(f"column {column.name} is not encoded as the codebook has it")
        if not self.frame.index.equals(_numbering(len(self.frame))):
            raise ValueError("the rows are not numbered from 0: use with_frame, which numbers them")

    @cached_property
    def columns(self) -> tuple[TableColumn, ...]:
        """The columns with their variables and codes; `count` is not one of them."""
        present = set(self.frame.columns)
        return tuple(column for column in self.codebook.columns if column.name in present)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each column has."""
        return tuple(len(column.codes) for column in self.columns)

    @cached_property
    def generalised(self) -> Mapping[tuple[int, int], tuple[int, ...]]:
        """The (column, code) pairs of generalised values, with the codes that each stands for."""
        return {
            (number, code): below
            for number, column in enumerate(self.columns)
            for code, below in column.below.items()
        }

    @cached_property
    def codes(self) -> NDArray[np.int16]:
        """The C-contiguous int16 matrix (rows, columns) of codes, -1 = missing; read-only."""
        import numpy as np

        matrix = np.empty((len(self.frame), len(self.columns)), dtype=np.int16)
        for number, column in enumerate(self.columns):
            matrix[:, number] = self.frame[column.name].cat.codes
        matrix.setflags(write=False)
        return matrix

    @property
    def counts(self) -> NDArray[np.int64]:
        """The counts of a table of counts."""
        counts: NDArray[np.int64] = self.frame[COUNT].to_numpy()
        return counts

    def __len__(self) -> int:
        return len(self.frame)

    def with_frame(self, frame: pd.DataFrame) -> Table:
        """Give a table of the same shape with other rows, numbered anew."""
        return evolve(self, frame=frame.reset_index(drop=True))

    def with_codes(
        self, codes: NDArray[np.integer[Any]], counts: NDArray[np.int64] | None = None
    ) -> Table:
        """Give a table of the same columns from a matrix of codes; of counts where given."""
        return table_of_codes(self.codebook, self.columns, codes, counts)

    def column_numbers(self, variables: Iterable[str]) -> list[int]:
        """Give the numbers of the columns that belong to some variables."""
        wanted = set(variables)
        return [n for n, column in enumerate(self.columns) if column.variable in wanted]


def _numbering(rows: int) -> pd.RangeIndex:
    import pandas as pd

    return pd.RangeIndex(rows)


def dtype_of(codebook: Codebook, column: TableColumn) -> pd.CategoricalDtype:
    """Give a column's dtype: its codes, ordered where the domain is.

    Generalised values come last; they have no order among the domain's own.
    """
    ordered = codebook.domain_of(column.variable).ordered and not column.value
    return _dtype(column.codes, ordered)


@cache
def _dtype(codes: tuple[str, ...], ordered: bool) -> pd.CategoricalDtype:
    import pandas as pd

    return pd.CategoricalDtype(list(codes), ordered=ordered)


def table_of_codes(
    codebook: Codebook,
    columns: Sequence[TableColumn],
    codes: NDArray[np.integer[Any]],
    counts: NDArray[np.int64] | None = None,
) -> Table:
    """Make a table from a matrix of codes (rows, columns), -1 = missing.

    Raises `ValueError` for a code that a column does not have, or another number of columns.
    """
    import pandas as pd

    if codes.ndim != 2 or codes.shape[1] != len(columns):
        raise ValueError(f"codes of shape {codes.shape} do not fit {len(columns)} columns")
    frame = pd.DataFrame(
        {
            column.name: pd.Categorical.from_codes(
                codes[:, number], dtype=dtype_of(codebook, column)
            )
            for number, column in enumerate(columns)
        },
        index=_numbering(len(codes)),
    )
    if counts is not None:
        frame[COUNT] = counts.astype("int64", casting="same_kind")  # never from fractions
    shape = Shape.RECORDS if counts is None else Shape.COUNTS
    return Table(frame=frame, shape=shape, codebook=codebook)


def cell_texts(table: Table) -> dict[str, NDArray[np.object_]]:
    """Give each variable's cells as the files hold them: codes, None for missing.

    The values of a multi-valued variable are joined again, in codebook order.
    """
    import numpy as np

    texts: dict[str, NDArray[np.object_]] = {}
    codes = table.codes
    for number, column in enumerate(table.columns):
        held = np.array([*(column.cell(c) for c in range(len(column.codes))), None], dtype=object)
        cells = held[codes[:, number]]
        if column.variable not in texts:
            texts[column.variable] = cells
            continue
        separator = table.codebook.variables[column.variable].list
        before = texts[column.variable]
        joined = [
            f"{one}{separator}{two}" if one and two else one or two
            for one, two in zip(before, cells, strict=True)
        ]
        texts[column.variable] = np.array(joined, dtype=object)
    return texts
