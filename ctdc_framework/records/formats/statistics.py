"""Stata and SPSS files: numbers and texts, and the labels that a file gives to values."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ctdc_framework.errors import DataError
from ctdc_framework.records.formats.cells import text_of, texts
from ctdc_framework.records.formats.libraries import library
from ctdc_framework.records.formats.limits import check_cells, check_columns, check_size

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".dta", ".sav", ".zsav")

STATA_NAMES = (28, 32)
"""Characters of a name in a Stata file: of a variable with value labels, and of any other.

The library names a set of labels by its variable and a number; both have to fit into 32.
"""

CELL = 4
"""Bytes of a cell once read: where its text stands in its column's dictionary."""

AT_ONCE = 1 << 21
"""Cells that are read at once: the library gives each as an object."""

REFUSED = 3
"""What the process that reads ends with where the file is refused in words."""

LABELS = b"labels"
"""Under which it hands labels over."""

Labels = Mapping[str, Mapping[str, str]]
"""By column, the labels of values; a value is written as its cell is."""


def read(path: Path) -> tuple[pa.Table, Labels]:
    """Read a .dta, .sav or .zsav file as texts, null where a cell is empty, and its value labels.

    A number that is whole is its digits, a date is 2021-09-01. Nothing else is guessed: values
    that the file declares missing are texts too, for the codebook to judge. Raises `DataError` for
    a file that cannot be read, `CtdcError` where the library is not installed.

    The library is written in C, and a damaged file can end the process that reads it: so another
    process does, which is lost alone.
    """
    import pyarrow as pa

    library("pyreadstat")
    check_size(path)
    code, content = ask_apart(path.absolute())
    if code == REFUSED:
        raise DataError(**json.loads(content))
    if code:
        raise _damaged(path)
    table = pa.ipc.open_stream(content).read_all()
    return table, json.loads(table.schema.metadata[LABELS])


def ask_apart(path: Path) -> tuple[int, bytes]:
    """Let a process of its own `answer` for a file; give what it ended with, and what it wrote."""
    reader = "from ctdc_framework.records.formats.statistics import serve; serve()"
    done = subprocess.run(  # noqa: S603 - nothing of the user's stands in the command
        [sys.executable, "-c", reader],
        input=str(path).encode("utf-8", "surrogateescape"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout


def serve() -> None:
    """Read the file that standard input names, and write what it holds to standard output."""
    path = Path(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    sys.exit(answer(path, sys.stdout.buffer))


def answer(path: Path, out: BinaryIO) -> int:
    """Write what a file holds, or why it is refused, and give what the process then ends with."""
    import pyarrow as pa

    try:
        table, labels = read_here(path)
    except DataError as error:
        out.write(json.dumps({"message": error.message, "help": error.help}).encode())
        return REFUSED
    table = table.replace_schema_metadata({LABELS: json.dumps(labels)})
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    return 0


def read_here(path: Path) -> tuple[pa.Table, Labels]:
    """Read a file as `read` does, but in this process."""
    pyreadstat = library("pyreadstat")
    reader = pyreadstat.read_dta if path.suffix.lower() == ".dta" else pyreadstat.read_sav
    try:
        check_size(path)
        _, told = reader(path, metadataonly=True, output_format="dict")
        width = len(told.column_names)
        check_columns(path.name, width)
        check_cells(path.name, (told.number_rows or 0) * width, CELL)
        table = _joined(list(_parts(reader, path, width)), told.column_names)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError, MemoryError):
        raise _damaged(path) from None
    labels = {
        name: {text: label for value, label in one.items() if (text := text_of(value)) and label}
        for name, one in told.variable_value_labels.items()
    }
    return table, labels


def _damaged(path: Path) -> DataError:
    return DataError(f"{path.name} is damaged, or not what its name says")


def _parts(reader: Any, path: Path, width: int) -> Iterator[list[Any]]:
    """Read a file part by part, each as one array of texts for each column."""
    import pyarrow as pa

    rows = max(1, AT_ONCE // max(1, width))
    start = 0
    while True:
        columns, _ = reader(
            path, output_format="dict", user_missing=True, row_offset=start, row_limit=rows
        )
        found = list(columns.values())
        length = len(found[0]) if found else 0
        check_cells(path.name, (start + length) * width, CELL)
        yield [pa.array(texts(cells), pa.string()).dictionary_encode() for cells in found]
        start += length
        if length < rows:
            return


def _joined(parts: list[list[Any]], names: list[str]) -> pa.Table:
    import pyarrow as pa

    if not names:
        return pa.table({})
    columns = [pa.chunked_array(chunks).unify_dictionaries() for chunks in zip(*parts, strict=True)]
    return pa.Table.from_arrays(columns, names=names)
