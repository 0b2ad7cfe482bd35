"""Stata, SPSS and Excel files: tables written with value labels.

They keep what `data.csv` holds, a cell's code, so that reading them gives the same table. A code
that is a whole number is written as that number, any other as a number of its own whose value label
is the code. Cells that list several values are texts.

The libraries are an extra, and are imported only when a file of their kind is met.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctdc_framework.codebook.model import COUNT
from ctdc_framework.errors import CtdcError, one_of
from ctdc_framework.exchange import excel, words
from ctdc_framework.exchange.cells import cell_columns
from ctdc_framework.records.formats.libraries import library
from ctdc_framework.records.formats.statistics import STATA_NAMES
from ctdc_framework.records.tables import Table

if TYPE_CHECKING:
    import pandas as pd

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,8}")
"""A code that a number stands for without loss."""

STATA_RESERVED = frozenset(
    {"_all", "_b", "_coef", "_cons", "_n", "_N", "_pi", "_pred", "_rc", "_skip", "byte", "double",
     "float", "if", "in", "int", "long", "strL", "using", "with"}
)  # fmt: skip
SPSS_RESERVED = frozenset(
    {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
)

SPSS_NAME = 64
SPSS_LABEL = 120
"""Characters of a name and bytes of a value label that SPSS has."""

STATA_TIME = (re.compile(rb"(<timestamp>\x11).{17}(?=</timestamp>)", re.DOTALL), 160)
SPSS_TIME = (re.compile(rb"(\$FL[23].{88}).{17}", re.DOTALL), 109)
"""Where a file tells when it was written, and in how many bytes from its start that is."""


def write(table: Table, path: Path) -> None:
    """Write a table as .dta, .sav or .xlsx, by the path's suffix; the same bytes each time.

    Stata has names of 32 characters, here of 28 with labels: longer ones are cut, and found again
    when the file is read. Raises `CtdcError` with every name that the format does not take, or
    that would be another's once cut, for another suffix, and where the library is not installed.
    """
    kind = path.suffix.lower()
    if kind == ".xlsx":
        excel.write(table, path)
        return
    if kind not in (".dta", ".sav"):
        raise CtdcError(
            f"{path.name}: files of this kind are not written",
            help="give a .dta (Stata), .sav (SPSS) or .xlsx (Excel) file",
        )
    pyreadstat = library("pyreadstat")
    frame, codes = _numbered(table)
    printed = {name: one for name, one in _printed(table).items() if name not in codes}
    titles = _titles(table, 80 if kind == ".dta" else 120)
    if kind == ".dta":
        labelled, plain = STATA_NAMES
        most = {name: labelled if name in codes | printed else plain for name in frame.columns}
        cut = _names(most, stata_fault, "Stata")
        pyreadstat.write_dta(
            frame.rename(columns=cut),
            path,
            version=14,
            column_labels={cut[name]: title for name, title in titles.items()},
            variable_value_labels={cut[name]: one for name, one in (codes | printed).items()},
        )
        _without_time(path, *STATA_TIME, b"01 Jan 1960 00:00")
    else:
        _names(dict.fromkeys(frame.columns, SPSS_NAME), spss_fault, "SPSS")
        _check_labels(codes)
        short = {
            name: {number: label for number, label in one.items() if _fits(label)}
            for name, one in printed.items()
        }
        pyreadstat.write_sav(frame, path, column_labels=titles, variable_value_labels=codes | short)
        _without_time(path, *SPSS_TIME, b"01 Jan 6000:00:00")


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


def _printed(table: Table) -> dict[str, dict[int, str]]:
    """Give the printed labels of codes that are numbers; none that is another value's code."""
    found = {}
    for column in table.columns:
        domain = table.codebook.domain_of(column.variable)
        labels = {
            int(code): label
            for code, label in words.labels(domain.values).items()
            if WHOLE.fullmatch(code) and label not in column.codes
        }
        if labels and not column.value:
            found[column.variable] = labels
    return found


def _titles(table: Table, most: int) -> dict[str, str]:
    """Give each column a heading."""
    book = table.codebook
    names = dict.fromkeys(column.variable for column in table.columns)
    found = {name: words.title(book, book.variables[name], most) for name in names}
    return found | ({COUNT: "records"} if COUNT in table.frame else {})


def stata_fault(name: str) -> str:
    """Say why Stata does not take a name of 32 characters or fewer; empty where it does.

    >>> stata_fault("ageBroad"), stata_fault("in"), stata_fault("1st")
    ('', 'is reserved', 'has other characters than letters, digits and _')
    """
    if name in STATA_RESERVED or re.fullmatch("str[0-9]+", name):
        return "is reserved"
    plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
    return "" if plain else "has other characters than letters, digits and _"


def spss_fault(name: str) -> str:
    """Say why SPSS does not take a name of 64 characters or fewer; empty where it does."""
    if name.casefold() in SPSS_RESERVED:
        return "is reserved"
    plain = re.fullmatch("[A-Za-z][A-Za-z0-9_.$#@]*", name) and not name.endswith((".", "_"))
    return "" if plain else "has other characters than letters, digits and _, or ends in one"


def _names(most: Mapping[str, int], fault: Callable[[str], str], program: str) -> dict[str, str]:
    """Give each name as the program has it: cut where it is longer than `most`, no two alike."""
    cut = {name: name[:longest] for name, longest in most.items()}
    used = Counter(name.casefold() for name in cut.values())
    wrong = [f"`{name}` {why}" for name in most if (why := fault(cut[name]))]
    wrong += [
        f"`{name}` is `{short}` there, and so is another, case aside"
        for name, short in cut.items()
        if used[short.casefold()] > 1
    ]
    if wrong:
        raise CtdcError(
            f"{program} does not take {len(wrong)} of the names: {one_of(wrong, most=len(wrong))}",
            help="give these variables other names in a codebook of your own, or write another "
            "kind of file",
        )
    return cut


def _fits(label: str) -> bool:
    return len(label.encode()) <= SPSS_LABEL


def _check_labels(labels: Mapping[str, Mapping[int, str]]) -> None:
    long = [f"`{name}`" for name, codes in labels.items() if not all(map(_fits, codes.values()))]
    if long:
        raise CtdcError(
            f"SPSS takes no value label of more than {SPSS_LABEL} bytes, and codes of "
            f"{one_of(long, most=len(long))} have more",
            help="write another kind of file",
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
