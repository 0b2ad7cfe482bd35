"""Excel workbooks: a sheet with the cells as texts, so that `9-17` becomes no date, and one with
what the codes mean.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctdc_framework.errors import CtdcError, DataError
from ctdc_framework.exchange import words
from ctdc_framework.exchange.cells import cell_columns, library, texts
from ctdc_framework.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

DATA, CODES = "data", "codes"
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""When every part of a workbook was written: the first day that its format knows."""

WRITTEN = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def write(table: Table, path: Path) -> None:
    """Write a table as a workbook; the same bytes each time.

    Raises `CtdcError` for more rows or columns than a sheet has, and where openpyxl is absent.
    """
    openpyxl = library("openpyxl")
    columns = cell_columns(table)
    if len(table) >= MOST_ROWS or len(columns) > MOST_COLUMNS:
        raise CtdcError(
            f"a sheet has {MOST_ROWS - 1:,} rows and {MOST_COLUMNS:,} columns, "
            f"and the table {len(table):,} and {len(columns):,}",
            help="write another kind of file",
        )
    book = openpyxl.Workbook(write_only=True)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    _fill(openpyxl, book.create_sheet(DATA), [list(columns), *rows])
    _fill(openpyxl, book.create_sheet(CODES), _meanings(table))
    content = io.BytesIO()
    book.save(content)
    path.write_bytes(_timeless(content.getvalue()))


def _fill(openpyxl: Any, sheet: Any, rows: Iterable[Iterable[Any]]) -> None:
    made = openpyxl.cell.WriteOnlyCell
    sheet.freeze_panes = "A2"
    for row in rows:
        cells = []
        for value in row:
            cell = made(sheet, value=value)
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula
                cell.number_format = "@"  # a text also after somebody has touched it
            cells.append(cell)
        sheet.append(cells)


def _meanings(table: Table) -> Iterable[tuple[str, ...]]:
    book = table.codebook
    yield "variable", "code", "label", "meaning"
    for name in dict.fromkeys(column.variable for column in table.columns):
        yield name, "", "", words.meaning(book, book.variables[name])
        domain = book.domain_of(name)
        labels = words.labels(domain.values)
        for value in domain.values:
            told = words.plain(book, value.definition)
            yield name, value.code, labels.get(value.code, value.code), told


def _timeless(content: bytes) -> bytes:
    """Put fixed times into a workbook, in its parts and in what it says of itself."""
    done = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(done, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = WRITTEN.sub(rb"\g<1>1980-01-01T00:00:00Z", part)
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, part)
    return done.getvalue()


def read(path: Path) -> pa.Table:
    """Read the sheet `data` of a workbook, or its first one, as texts, without blank rows.

    Raises `DataError` for a file that is no workbook, and for a column without a name.
    """
    openpyxl = library("openpyxl")
    import pyarrow as pa

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what a workbook holds besides cells
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                sheet = book[DATA] if DATA in book.sheetnames else book.worksheets[0]
                # In a workbook of ours a blank row is a record of which nothing is known.
                ours = book.sheetnames == [DATA, CODES]
                rows = [row for row in sheet.values if ours or any(c is not None for c in row)]
            finally:
                book.close()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from None
    except Exception:  # a damaged workbook fails in as many ways as there are libraries beneath
        raise DataError(f"{path.name} is no Excel workbook, or is damaged") from None
    if not rows:
        raise DataError(f"{path.name}: its first sheet is empty")
    width = max(len(row) for row in rows)
    full = [(*row, *[None] * (width - len(row))) for row in rows]
    header = texts(full[0], {})
    columns = list(zip(*full[1:], strict=True)) or [()] * width
    kept = [(name, column) for name, column in zip(header, columns, strict=True)
            if name is not None or any(cell is not None for cell in column)]  # fmt: skip
    if any(name is None for name, _ in kept):
        raise DataError(
            f"{path.name}: a column has values and no name in the first row",
            help="give every column a name; remove rows above the names",
        )
    arrays = [pa.array(texts(column, {}), pa.string()) for _, column in kept]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in kept])
