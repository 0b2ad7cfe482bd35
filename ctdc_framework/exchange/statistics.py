"""Stata, SPSS and Excel files: tables written with value labels, and any such file read as texts.

Both directions keep what `data.csv` holds: a cell's code. A code that is a whole number is written
as that number, any other as a number of its own whose value label is the code, so that reading the
labels gives the codes back. Cells that list several values are texts.

The libraries are an extra, and are imported only when a file of their kind is met.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctdc_framework.errors import CtdcError, DataError, one_of
from ctdc_framework.exchange import words
from ctdc_framework.exchange.cells import cell_columns, library, texts
from ctdc_framework.tables import COUNT, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,8}")
"""A code that a number stands for without loss."""

STATA_RESERVED = frozenset(
    {"_all", "_b", "_coef", "_cons", "_n", "_N", "_pi", "_pred", "_rc", "_skip", "byte", "double",
     "float", "if", "in", "int", "long", "strL", "using", "with"}
)  # fmt: skip
SPSS_RESERVED = frozenset(
    {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
)

STATA_TIME = (re.compile(rb"(<timestamp>\x11).{17}(?=</timestamp>)", re.DOTALL), 160)
SPSS_TIME = (re.compile(rb"(\$FL[23].{88}).{17}", re.DOTALL), 109)
"""Where a file tells when it was written, and in how many bytes from its start that is."""


def write(table: Table, path: Path) -> None:
    """Write a table as .dta, .sav or .xlsx, by the path's suffix; the same bytes each time.

    Raises `CtdcError` with every name that the format does not take, for another suffix, and
    where the library is not installed.
    """
    kind = path.suffix.lower()
    if kind == ".xlsx":
        excel = import_module("ctdc_framework.exchange.excel")
        excel.write(table, path)
        return
    if kind not in (".dta", ".sav"):
        raise _unknown(path, "written")
    pyreadstat = library("pyreadstat")
    names = list(cell_columns(table))
    frame, labels = _numbered(table)
    if kind == ".dta":
        _check(names, stata_fault, "Stata")
        told = _titles(table, 80)
        pyreadstat.write_dta(
            frame, path, version=14, column_labels=told, variable_value_labels=labels
        )
        _without_time(path, *STATA_TIME, b"01 Jan 1960 00:00")
    else:
        _check(names, spss_fault, "SPSS")
        _check_labels(labels)
        told = _titles(table, 120)
        pyreadstat.write_sav(frame, path, column_labels=told, variable_value_labels=labels)
        _without_time(path, *SPSS_TIME, b"01 Jan 6000:00:00")


def read(path: Path, *, labels: bool = True) -> pa.Table:
    """Read a .dta, .sav, .zsav or .xlsx file as texts, null where a cell is empty.

    A value with a label is read as its label, or as itself where `labels` is false; a number that
    is whole as its digits, a date as 2021-09-01. Nothing else is guessed: values that the file
    declares missing are texts too, for the codebook to judge. Raises `DataError` for a file that
    cannot be read, and `CtdcError` where the library is not installed.
    """
    kind = path.suffix.lower()
    if kind == ".xlsx":
        excel = import_module("ctdc_framework.exchange.excel")
        sheet: pa.Table = excel.read(path)
        return sheet
    if kind not in (".dta", ".sav", ".zsav"):
        raise _unknown(path, "read")
    import pyarrow as pa

    pyreadstat = library("pyreadstat")
    reader = pyreadstat.read_dta if kind == ".dta" else pyreadstat.read_sav
    try:
        with path.open("rb"):
            pass  # what keeps a file from being opened is told in the system's words
        columns, meta = reader(path, output_format="dict", user_missing=True)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError):
        raise DataError(f"{path.name} is damaged, or not what its name says") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from None
    told = meta.variable_value_labels if labels else {}
    arrays = [pa.array(texts(cells, told.get(name, {})), pa.string())
              for name, cells in columns.items()]  # fmt: skip
    return pa.Table.from_arrays(arrays, names=list(columns))


def _numbered(table: Table) -> tuple[pd.DataFrame, dict[str, dict[int, str]]]:
    """Give a table's columns as numbers, and for those that are not codes the labels that are."""
    import numpy as np

    several = {column.variable for column in table.columns if column.value}
    found: dict[str, Any] = cell_columns(table)
    labels: dict[str, dict[int, str]] = {}
    for number, column in enumerate(table.columns):
        name = column.variable
        if name in several:
            found[name] = np.array([text or "" for text in found[name]], dtype=object)
            several.remove(name)
        elif not column.value:
            numbers = np.arange(1, len(column.codes) + 1, dtype="float64")
            if all(map(WHOLE.fullmatch, column.codes)):
                numbers = np.array([int(code) for code in column.codes], dtype="float64")
            else:
                labels[name] = dict(enumerate(column.codes, 1))
            found[name] = np.append(numbers, np.nan)[table.codes[:, number]]
    if COUNT in table.frame:
        found[COUNT] = table.counts.astype("float64")
    return table.frame[[]].assign(**found), labels


def _titles(table: Table, most: int) -> dict[str, str]:
    """Give each column a heading, with the labels of codes that are numbers where they fit in."""
    book = table.codebook
    found = {}
    for name in dict.fromkeys(column.variable for column in table.columns):
        title = words.title(book, book.variables[name], most)
        domain = book.domain_of(name)
        labels = words.labels(domain.values)
        if labels and all(map(WHOLE.fullmatch, domain.codes)):
            told = ", ".join(f"{code} {label}" for code, label in labels.items())
            title = f"{title} ({told})" if len(f"{title} ({told})") <= most else title
        found[name] = title
    if COUNT in table.frame:
        found[COUNT] = "records"
    return found


def stata_fault(name: str) -> str:
    """Say why Stata does not take a name; empty where it does.

    >>> stata_fault("ageBroad"), stata_fault("a" * 33), stata_fault("in")
    ('', 'has more than 32 characters', 'is reserved')
    """
    if len(name) > 32:
        return "has more than 32 characters"
    if name in STATA_RESERVED or re.fullmatch("str[0-9]+", name):
        return "is reserved"
    plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
    return "" if plain else "has other characters than letters, digits and _"


def spss_fault(name: str) -> str:
    """Say why SPSS does not take a name; empty where it does."""
    if len(name) > 64:
        return "has more than 64 characters"
    if name.casefold() in SPSS_RESERVED:
        return "is reserved"
    plain = re.fullmatch("[A-Za-z][A-Za-z0-9_.$#@]*", name) and not name.endswith((".", "_"))
    return "" if plain else "has other characters than letters, digits and _, or ends in one"


def _check(names: Sequence[str], fault: Callable[[str], str], program: str) -> None:
    used = Counter(name.casefold() for name in names)
    wrong = [f"`{name}` {fault(name)}" for name in names if fault(name)]
    wrong += [f"`{name}` differs in case alone" for name in names if used[name.casefold()] > 1]
    if wrong:
        raise CtdcError(
            f"{program} does not take {len(wrong)} of the names: {one_of(wrong, most=len(wrong))}",
            help="give these variables other names in a codebook of your own, or write another "
            "kind of file",
        )


def _check_labels(labels: Mapping[str, Mapping[int, str]]) -> None:
    long = [
        f"`{name}`"
        for name, codes in labels.items()
        if any(len(code.encode()) > 120 for code in codes.values())
    ]
    if long:
        raise CtdcError(
            f"SPSS takes no value label of more than 120 bytes, and codes of "
            f"{one_of(long, most=len(long))} have more",
            help="write another kind of file",
        )


def _unknown(path: Path, done: str) -> CtdcError:
    return CtdcError(
        f"{path.name}: files of this kind are not {done}",
        help="give a .dta (Stata), .sav (SPSS) or .xlsx (Excel) file",
    )


def _without_time(path: Path, place: re.Pattern[bytes], length: int, time: bytes) -> None:
    """Put a fixed time where the library wrote the current one."""
    with path.open("r+b") as file:
        head = file.read(length)
        changed = place.sub(lambda found: found[1] + time, head, count=1)
        assert changed != head or time in head, "the file begins otherwise than it used to"
        assert len(changed) == len(head)
        file.seek(0)
        file.write(changed)
