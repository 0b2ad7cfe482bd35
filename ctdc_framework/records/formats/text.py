"""Text with a character between cells: CSV, TSV and their like."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from ctdc_framework.errors import DataError, one_of
from ctdc_framework.records.formats.limits import check_columns

if TYPE_CHECKING:
    import pyarrow as pa

TAB = "\t"
DELIMITERS = {TAB: "tab", ",": "comma", ";": "semicolon", "|": "vertical bar"}
HEADER_LIMIT = 1 << 20
"""Characters of the first line that are looked at; a longer header is no header."""

END = "\x04end"
"""Put after the last row: a quotation mark that is never closed would swallow it."""


def read(content: bytes, name: str, separator: str) -> pa.Table:
    """Read a text as dictionaries of texts, null where a cell is empty.

    Raises `DataError` where it is not UTF-8, blank, ragged, or has no end.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    header = _header(content, name, separator)
    ragged: set[int] = set()

    def note(row: Any) -> str:
        ragged.add(row.actual_columns)
        return "skip"

    text = pa.dictionary(pa.int32(), pa.string())
    # Columns get numbers for names: Arrow must not trip over names that occur twice.
    numbered = [str(number) for number in range(len(header))]
    line_end = "" if content.endswith((b"\n", b"\r")) else "\n"
    end = f"{line_end}{END}{separator * (len(header) - 1)}\n"
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content + end.encode()),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, column_names=numbered, skip_rows=0, block_size=1 << 24
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                invalid_row_handler=note,
                ignore_empty_lines=len(header) > 1,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(numbered, text),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowException:
        raise DataError(
            f"{name} cannot be parsed as text separated by {DELIMITERS.get(separator, separator)}s",
            help="look for a quotation mark that is not closed, or give --delimiter",
        ) from None
    if not table.num_rows or table[0][-1].as_py() != END:
        raise DataError(
            f"{name}: a quotation mark is not closed, so that its last cell has no end",
            help="write a quotation mark inside a cell twice, and the cell in quotation marks",
        )
    if ragged:
        found = one_of([str(number) for number in sorted(ragged)], most=3)
        raise DataError(
            f"{name}: the header has {len(header)} columns, but some rows have {found}",
            help="a cell that holds the delimiter must be in quotation marks; "
            "if the delimiter is another, give --delimiter",
        )
    return table.slice(1, table.num_rows - 2).rename_columns(header)


def _header(content: bytes, name: str, separator: str) -> list[str]:
    """Read the first line by itself: its names decide whether the rest can be read."""
    try:
        # Of the whole file: Arrow trips over a ragged row that is not UTF-8.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(
            f"{name} is not UTF-8 text", help="save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
        ) from None
    if not text.strip():
        raise DataError(f"{name} is empty")
    if "\0" in text:
        raise DataError(f"{name} holds NUL bytes: it is not a text file")
    start = text[:HEADER_LIMIT]
    first = start.split("\n", 1)[0].split("\r", 1)[0]
    if not first.strip():
        raise DataError(f"{name}: its first line is blank", help="begin with the column names")
    counts = {mark: first.count(mark) for mark in DELIMITERS}
    other = max(counts, key=lambda mark: counts[mark])
    if not counts.get(separator, first.count(separator)) and counts[other]:
        raise DataError(
            f"{name}: its first line holds no {DELIMITERS.get(separator, repr(separator))}, but "
            f"{counts[other]} times a {DELIMITERS[other]}",
            help=f"give --delimiter {'tab' if other == TAB else repr(other)}",
        )
    try:
        header = next(csv.reader(io.StringIO(start, newline=""), delimiter=separator))
    except (csv.Error, StopIteration):
        raise DataError(f"{name}: the header cannot be read") from None
    check_columns(name, len(header))
    return header
