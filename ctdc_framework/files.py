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

DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "vertical bar"}
HEADER_LIMIT = 1 << 20
"""Bytes of the first line that are looked at; a longer header is no header."""


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
    if not path.exists():
        raise DataError(f"there is no file {path}", help="check the path")
    if path.is_dir():
        raise DataError(f"{path} is a directory, not a data file")
    kind = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"][-1:]
    try:
        if kind == [".parquet"]:
            table = _read_parquet(path)
        elif kind in ([".csv"], [".tsv"], [".tab"], [".txt"]):
            separator = delimiter or ("\t" if kind in ([".tsv"], [".tab"]) else ",")
            table = _read_text(path, name, separator)
        else:
            raise DataError(
                f"{name}: files of this kind are not read",
                help="give a .csv, .tsv or .parquet file, or one of them with .gz",
            )
    except OSError as error:
        reason = error.strerror or "it is damaged, or not what its name says"
        raise DataError(f"{name} cannot be read: {reason}") from None
    return raw_of_arrow(table, name)


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
        if not pa.types.is_dictionary(values.type):
            try:
                values = values.cast(pa.string()).dictionary_encode()
            except pa.ArrowException:
                raise DataError(f"{name}: a column holds lists or other nested values") from None
        columns[header] = _column(values)
    return RawFile(name=name, columns=columns, rows=table.num_rows)


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


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except pa.ArrowException:
        raise DataError(f"{path.name} is not a Parquet file, or is damaged") from None


def _read_text(path: Path, name: str, separator: str) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    header = _header(path, name, separator)
    ragged: set[int] = set()

    def note(row: Any) -> str:
        ragged.add(row.actual_columns)
        return "skip"

    text = pa.dictionary(pa.int32(), pa.string())
    # Columns get numbers for names: Arrow must not trip over names that occur twice.
    numbered = [str(number) for number in range(len(header))]
    try:
        table = arrow_csv.read_csv(
            pa.input_stream(str(path), compression="detect"),
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
    except pa.ArrowException as error:
        if "UTF8" in str(error):
            raise _not_utf8(name) from None
        raise DataError(
            f"{name} cannot be parsed as text separated by {DELIMITERS.get(separator, separator)}s",
            help="look for a quotation mark that is not closed, or give --delimiter",
        ) from None
    if ragged:
        found = one_of([str(number) for number in sorted(ragged)], most=3)
        raise DataError(
            f"{name}: the header has {len(header)} columns, but some rows have {found}",
            help="a cell that holds the delimiter must be in quotation marks; "
            "if the delimiter is another, give --delimiter",
        )
    return table.slice(1).rename_columns(header)


def _header(path: Path, name: str, separator: str) -> list[str]:
    """Read the first line by itself: its names decide whether the rest can be read."""
    import pyarrow as pa

    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(HEADER_LIMIT)
    if not start.strip():
        raise DataError(f"{name} is empty")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _not_utf8(name)
    try:
        # The cut may go through a character; only the first line matters here.
        text = start[: start.rfind(b"\n") + 1 or None].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _not_utf8(name) from None
    if "\0" in text:
        raise DataError(f"{name} holds NUL bytes: it is not a text file")
    first = text.split("\n", 1)[0]
    counts = {mark: first.count(mark) for mark in DELIMITERS}
    other = max(counts, key=lambda mark: counts[mark])
    if not counts.get(separator, first.count(separator)) and counts[other]:
        raise DataError(
            f"{name}: its first line holds no {DELIMITERS.get(separator, repr(separator))}, but "
            f"{counts[other]} times a {DELIMITERS[other]}",
            help=f"give --delimiter {DELIMITERS[other]!r}",
        )
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except (csv.Error, StopIteration):
        raise DataError(f"{name}: the header cannot be read") from None
    return header


def _not_utf8(name: str) -> DataError:
    return DataError(
        f"{name} is not UTF-8 text", help="save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
    )
