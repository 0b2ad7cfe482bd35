"""Excel workbooks: a sheet with the cells as texts, so that `9-17` becomes no date, and one with
what the codes mean.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ctdc_framework.errors import CtdcError
from ctdc_framework.exchange import words
from ctdc_framework.exchange.cells import cell_columns
from ctdc_framework.records.formats.excel import CODES, DATA
from ctdc_framework.records.formats.libraries import library
from ctdc_framework.records.tables import Table

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
