"""Read data files into columns of texts: the one way in for records.

Everything is read as text: nothing is guessed, so `NA` stays Namibia and `007` stays itself. What
is wrong with a file is told without its content, as any cell may be somebody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ctdc_framework.codebook.columns import Column
from ctdc_framework.errors import DataError
from ctdc_framework.records.formats import excel, parquet, statistics, text
from ctdc_framework.records.formats.cells import texts
from ctdc_framework.records.formats.limits import check_columns, content_of

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t", ".tab": "\t"}
"""The texts that are read, and what parts their cells where nothing else is said."""

PACKABLE = {*SEPARATORS, ".parquet"}


@frozen(kw_only=True, eq=False)
class RawFile:
    """A data file as it was read: every column's texts, missing where a cell is empty."""

    name: str
    columns: Mapping[str, Column] = field(repr=lambda columns: f"<{len(columns)} columns>")
    rows: int
    labels: Mapping[str, Mapping[str, str]] = field(factory=dict, repr=False)
    """By column, the labels that the file itself gives to texts of its cells."""
    cuts: tuple[int, ...] = ()
    """Lengths to which the kind of file cuts names; none where it does not."""

    def worded(self, header: str) -> Column:
        """Give a column with its labels in the place of what they stand for.

        >>> import numpy as np
        >>> sex = Column(np.array([0, 1, 0]), ("1", "9"))
        >>> file = RawFile(name="a.sav", columns={"sex": sex}, rows=3, labels={"sex": {"1": "F"}})
        >>> file.worded("sex").values()
        ['F', '9', 'F']
        """
        labels = self.labels.get(header, {})
        return self.columns[header].map(lambda cell: labels.get(cell, cell))


def read_raw(path: Path, delimiter: str = "") -> RawFile:
    """Read CSV, TSV or Parquet, gzipped or not, Stata, SPSS or Excel, all cells as text.

    `delimiter` is a comma for .csv and a tab for .tsv where it is empty. Raises `DataError` for
    a file that is missing, empty, without records, too large, not UTF-8, ragged, or with a column
    twice, and `CtdcError` where a library that its kind needs is not installed.
    """
    name = path.name
    kind = next((s.lower() for s in reversed(path.suffixes) if s.lower() != ".gz"), "")
    is_packed = path.suffix.lower() == ".gz"
    if kind not in {*PACKABLE, *statistics.SUFFIXES, ".xlsx"}:
        raise DataError(
            f"{name}: files of this kind are not read",
            help="give a .csv, .tsv or .parquet file, or one of them with .gz; or .dta (Stata), "
            ".sav (SPSS) or .xlsx (Excel)",
        )
    if is_packed and kind not in PACKABLE:
        raise DataError(f"{name}: {kind} files are not read packed", help="unpack it first")
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        raise DataError("the delimiter is one character, and no quotation mark or line end")
    try:
        if kind in statistics.SUFFIXES:
            table, labels = statistics.read(path)
            cuts = statistics.STATA_NAMES if kind == ".dta" else ()
            return raw_of_arrow(table, name, labels=labels, cuts=cuts)
        if kind == ".xlsx":
            table = excel.read(path)
        elif kind == ".parquet":
            table = parquet.read(content_of(path), name)
        else:
            table = text.read(content_of(path), name, delimiter or SEPARATORS[kind])
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", help="check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a directory, not a data file") from None
    except OSError as error:
        reason = error.strerror or "it is damaged, or not what its name says"
        raise DataError(f"{name} cannot be read: {reason}") from None
    return raw_of_arrow(table, name)


def raw_of_arrow(
    table: pa.Table,
    name: str,
    *,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    cuts: tuple[int, ...] = (),
) -> RawFile:
    """Take an Arrow table for a raw file; raises `DataError` where it has no records.

    A number that is whole is read as its digits, and one that is none (NaN) is missing.
    """
    import pyarrow as pa

    check_columns(name, table.num_columns)
    used = Counter(table.column_names)
    repeated = sum(times > 1 for times in used.values())
    if repeated:
        raise DataError(
            f"{name}: {repeated} column name(s) occur more than once",
            help="give every column a name of its own",
        )
    if not table.num_rows:
        raise DataError(f"{name} has a header and no records")
    columns = {}
    for header, values in zip(table.column_names, table.columns, strict=True):
        try:
            columns[header] = _column(_encoded(values))
        except (pa.ArrowException, UnicodeDecodeError):
            message = f"{name}: a column holds what is no text, number or date, such as lists"
            raise DataError(message) from None
        if any("\0" in cell for cell in columns[header].cells):
            raise DataError(
                f"{name}: a column holds NUL bytes, which are part of no text",
                help="correct the program that wrote the file",
            )
    return RawFile(
        name=name,
        columns=columns,
        rows=table.num_rows,
        labels=labels or {},
        cuts=cuts,
    )


def _encoded(values: Any) -> Any:
    """Give a column as dictionaries of texts, whatever it was."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        if _is_text(kind.value_type):
            return values
        values, kind = values.cast(kind.value_type), kind.value_type
    if not (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return values.cast(pa.string()).dictionary_encode()
    numbers = values.dictionary_encode().unify_dictionaries().combine_chunks()
    written = pa.array(texts(numbers.dictionary.to_pylist()), pa.string())
    return pa.chunked_array([pa.DictionaryArray.from_arrays(numbers.indices, written)])


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
    kept: dict[str, int] = {}
    for number, (cell, is_used) in enumerate(cells):
        if cell and is_used:
            numbers[number] = kept.setdefault(cell, len(kept))
    return Column(numbers[index], tuple(kept))
