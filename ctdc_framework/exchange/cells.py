"""Cells as other programs hold them: as texts with labels, and a table's columns to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ctdc_framework.errors import CtdcError
from ctdc_framework.tables import COUNT, Table, cell_texts

if TYPE_CHECKING:
    import numpy as np

EXTRA = "pip install 'ctdc-framework[formats]'"


def library(name: str) -> Any:
    """Import a library of the extra; raises `CtdcError` with the remedy where it is absent."""
    try:
        return import_module(name)
    except ImportError:
        raise CtdcError(f"this kind of file needs {name}", help=EXTRA) from None


def texts(cells: Sequence[Any], labels: Mapping[Any, str]) -> list[str | None]:
    """Give the texts of a column's cells, a label where there is one for the cell."""
    known: dict[Any, str | None] = {}
    found = []
    for cell in cells:
        key = (type(cell), cell)  # 1, 1.0 and true are three texts
        if key not in known:
            known[key] = labels.get(cell) or _text(cell)
        found.append(known[key])
    return found


def _text(cell: object) -> str | None:
    if cell is None or cell != cell or cell == "":  # not a number is missing
        return None
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime) and not any((cell.hour, cell.minute, cell.second)):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date | datetime) else str(cell)


def cell_columns(table: Table) -> dict[str, np.ndarray[Any, Any]]:
    """Give the columns of a table as files hold them: texts, None for missing; last the counts."""
    columns: dict[str, np.ndarray[Any, Any]] = dict(cell_texts(table))
    if COUNT in table.frame:
        columns[COUNT] = table.counts
    return columns
