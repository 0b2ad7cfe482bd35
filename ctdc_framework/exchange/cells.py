"""A table's columns as other programs' files hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctdc_framework.codebook.model import COUNT
from ctdc_framework.records.tables import Table, cell_texts

if TYPE_CHECKING:
    import numpy as np


def cell_columns(table: Table) -> dict[str, np.ndarray[Any, Any]]:
    """Give the columns of a table: texts, None for missing; last the counts."""
    columns: dict[str, np.ndarray[Any, Any]] = dict(cell_texts(table))
    if COUNT in table.frame:
        columns[COUNT] = table.counts
    return columns
