"""Read data files. The only module that opens one.

Everything is read as text: nothing is guessed, so `NA` stays Namibia and `007` stays itself. What
is wrong with a file is told without its content, as any cell may be somebody's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ctdc_framework.columns import Column
from ctdc_framework.errors import DataError, one_of

if TYPE_CHECKING:
    import pyarrow as pa

TAB = "\t"
DELIMITERS = {TAB: "tab", ",": "comma", ";": "semicolon", "|": "vertical bar"}
HEADER_LIMIT = 1 << 20
"""Characters of the first line that are looked at; a longer header is no header."""

END = "\x04end"
"""Put after the last row: a quotation mark that is never closed would swallow it."""


@frozen(kw_only=True, eq=False)
class RawFile:
    """A data file as it was read: every column's texts, missing where a cell is empty."""

    name: str
    columns: Mapping[str, Column] = field(repr=lambda columns: f"<{len(columns)} columns>")
    rows: int


def read_raw(path: Path, delimiter: str = "") -> RawFile:
    """Read CSV, TSV or Parquet, gzipped or not, all cells as text.

    `delimiter` is a comma for .csv and a tab for .tsv where it is empty. Raises `DataError` for
    a file that is missing, empty, without records, not UTF-8, ragged, or with a column twice.
    """
    name = path.name
    kind = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"][-1:]
    if kind not in ([".parquet"], [".csv"], [".tsv"], [".tab"], [".txt"]):
        raise DataError(
            f"{name}: files of this kind are not read",
            help="give a .csv, .tsv or .parquet file, or one of them with .gz",
        )
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        raise DataError("the delimiter is one character, and no quotation mark or line end")
    try:
        content = _content(path)
        if kind == [".parquet"]:
            table = _read_parquet(content, name)
        else:
            separator = delimiter or ("\t" if kind in ([".tsv"], [".tab"]) else ",")
            table = _read_text(content, name, separator)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", help="check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a directory, not a data file") from None
    except OSError as error:
        reason = error.strerror or "it is damaged, or not what its name says"
        raise DataError(f"{name} cannot be read: {reason}") from None
    return raw_of_arrow(table, name)


def _content(path: Path) -> bytes:
    """Read a whole file once, so that all that is told of it is told of the same bytes."""
    import pyarrow as pa

    with path.open("rb") as file:
        if path.suffix.lower() != ".gz":
            return file.read()
        with pa.input_stream(file, compression="gzip") as stream:
            unpacked: bytes = stream.read()
            return unpacked


def raw_of_arrow(table: pa.Table, name: str) -> RawFile:
    """Take an Arrow table for a raw file; raises `DataError` where it has no records."""
    import pyarrow as pa

    repeated = sorted({one for one in table.column_names if table.column_names.count(one) > 1})
    if repeated:
        raise DataError(
            f"{name}: {len(repeated)} column name(s) occur more than once",
            help="give every column a name of its own",
        )
    if not table.num_rows:
        raise DataError(f"{name} has a header and no records")
    columns = {}
    for header, values in zip(table.column_names, table.columns, strict=True):
        try:
            if pa.types.is_dictionary(values.type) and not _is_text(values.type.value_type):
                values = values.cast(values.type.value_type)
            if not pa.types.is_dictionary(values.type):
                values = values.cast(pa.string()).dictionary_encode()
        except pa.ArrowException:
            message = f"{name}: a column holds what is no text, number or date, such as lists"
            raise DataError(message) from None
        columns[header] = _column(values)
    return RawFile(name=name, columns=columns, rows=table.num_rows)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _column(values: Any) -> Column:
    import numpy as np

    whole = values.unify_dictionaries().combine_chunks()
    index = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    used = np.bincount(index[index >= 0], minlength=len(whole.dictionary)) > 0
    # An Arrow dictionary may hold a null, an empty text, or texts of rows that were sliced off.
    cells = zip(whole.dictionary.to_pylist(), used.tolist(), strict=True)
    numbers = np.full(len(used) + 1, -1, dtype=np.int32)
    kept: list[str] = []
    for number, (cell, is_used) in enumerate(cells):
        if cell and is_used:
            numbers[number] = len(kept)
            kept.append(cell)
    return Column(numbers[index], tuple(kept))


def _read_parquet(content: bytes, name: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(pa.BufferReader(content)).read()
    except pa.ArrowException:
        raise DataError(f"{name} is not a Parquet file, or is damaged") from None


def _read_text(content: bytes, name: str, separator: str) -> pa.Table:
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
    return header
