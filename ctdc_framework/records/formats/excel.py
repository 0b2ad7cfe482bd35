"""Excel workbooks: the cells of one sheet."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ctdc_framework.errors import DataError
from ctdc_framework.records.formats.cells import texts
from ctdc_framework.records.formats.libraries import library
from ctdc_framework.records.formats.limits import (
    check_cells,
    check_columns,
    check_packing,
    check_size,
)

if TYPE_CHECKING:
    import pyarrow as pa

DATA, CODES = "data", "codes"
"""The sheets of a workbook of ours: the cells, and what the codes mean."""

CELL = 8
"""Bytes of a cell while a sheet is read: a reference."""


def read(path: Path) -> pa.Table:
    """Read the sheet `data` of a workbook, or its first one, as texts, without blank rows.

    Raises `DataError` for a file that is no workbook, and for a column without a name.
    """
    openpyxl = library("openpyxl")
    import pyarrow as pa

    try:
        size = check_size(path)
        with path.open("rb") as file:
            with zipfile.ZipFile(file) as packed:
                check_packing(path.name, size, sum(part.file_size for part in packed.infolist()))
            rows = _rows(openpyxl, file, path.name)
    except (DataError, OSError):
        raise
    except Exception:  # a damaged workbook fails in as many ways as there are libraries beneath
        raise DataError(f"{path.name} is no Excel workbook, or is damaged") from None
    if not rows:
        raise DataError(f"{path.name}: its first sheet is empty")
    width = max(map(len, rows))
    check_cells(path.name, width * len(rows), CELL)
    full = [(*row, *[None] * (width - len(row))) for row in rows]
    header = texts(full[0])
    columns = list(zip(*full[1:], strict=True)) or [()] * width
    kept = [(name, column) for name, column in zip(header, columns, strict=True)
            if name is not None or any(cell is not None for cell in column)]  # fmt: skip
    if any(name is None for name, _ in kept):
        raise DataError(
            f"{path.name}: a column has values and no name in the first row",
            help="give every column a name; remove rows above the names",
        )
    arrays = [pa.array(texts(column), pa.string()) for _, column in kept]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in kept])


def _rows(openpyxl: Any, file: BinaryIO, name: str) -> list[tuple[Any, ...]]:
    """Give a sheet's rows, each as long as its last cell; raises `DataError` for too many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what a workbook holds besides cells
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            sheet = book[DATA] if DATA in book.sheetnames else book.worksheets[0]
            # In a workbook of ours a blank row is a record of which nothing is known.
            ours = book.sheetnames == [DATA, CODES]
            # What a sheet says of its own size may be wrong, and would pad every row to it.
            sheet.reset_dimensions()
            rows, cells = [], 0
            for row in sheet.values:
                check_columns(name, len(row))
                cells += len(row)
                check_cells(name, cells, CELL)
                if ours or any(cell is not None for cell in row):
                    rows.append(tuple(row))
            return rows
        finally:
            book.close()
