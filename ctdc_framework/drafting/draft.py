"""First codebooks: one to learn from, and one drafted from a data file.

A draft is a text with comments, for a person to go through: roles and meanings cannot be seen in
data. Nothing in it is held by fewer than k records; `sight` sees to that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from attrs import frozen

from ctdc_framework.codebook.model import COUNT, REFERENCE, Header
from ctdc_framework.drafting.finding import Finding, tidy
from ctdc_framework.drafting.guess import recognise
from ctdc_framework.drafting.text import Writer
from ctdc_framework.errors import CodebookError, DataError
from ctdc_framework.language.format import quoted

if TYPE_CHECKING:
    from ctdc_framework.records.files import RawFile

STARTER_ID = 'id = "starter"'


@frozen(kw_only=True)
class Guess:
    """One thing that a draft takes a column for, and what it is taken from."""

    column: str
    what: str
    why: str


@frozen(kw_only=True)
class Draft:
    """A drafted codebook: its text, and every guess in it, column by column."""

    text: str
    guesses: tuple[Guess, ...]


def starter(id: str) -> str:
    """Give the text of a small codebook that is sound, and explains itself to be changed.

    Raises `CodebookError` for an id that no codebook can have.

    >>> starter("my-shelter").splitlines()[12]
    'id = "my-shelter"  # the name of this file without .toml'
    """
    _check_id(id)
    text = (files("ctdc_framework") / "data" / "starter.toml").read_text(encoding="utf-8")
    return text.replace(STARTER_ID, f"id = {quoted(id)}", 1)


def infer(raw: RawFile, id: str, k: int = 10) -> Draft:
    """Draft a codebook from a data file; it loads, and reads the file but for rare values.

    The draft holds no value, and no number of records, below k: what a column has of such is said
    without saying what. It is marked `status = "draft"`, as data must not teach a domain unseen.
    Raises `DataError` where the first line of the file looks like a record, for then the names of
    its columns are somebody's data.
    """
    _check_id(id)
    if k < 2:
        raise CodebookError("k is at least 2: a value that one record holds may be somebody's")
    _check_header(raw)
    names = _names(list(raw.columns))
    found = {name: recognise(header, raw.worded(header), k) for header, name in names.items()}
    left_out = [header for header in raw.columns if header not in names]
    guesses = [guess for one in found.values() for guess in _guesses(one)]
    guesses += [
        Guess(column=header, what="left out", why="no codebook can hold its name")
        for header in left_out
    ]
    writer = Writer(file=raw.name, rows=raw.rows, id=id, k=k, found=found, left_out=left_out)
    return Draft(text=writer.text(), guesses=tuple(guesses))


def _check_id(id: str) -> None:
    try:
        Header(dsl=1, id=id, title="", version="0.1.0")
    except ValueError as error:
        raise CodebookError(str(error), help="give an id such as my-shelter") from None


def _check_header(raw: RawFile) -> None:
    alike = sum(header in column.cells for header, column in raw.columns.items())
    if 2 * alike >= len(raw.columns):
        message = f"{raw.name}: the first line looks like a record, so nothing is drafted from it"
        raise DataError(message, help="write the names of the columns into the first line")


def _names(headers: Sequence[str]) -> dict[str, str]:
    """Give each column a name that a codebook can hold; those that can have none are left out."""
    folded = [header.casefold() for header in headers]
    names: dict[str, str] = {}
    used: set[str] = set()
    for number, header in enumerate(headers):
        if folded.index(folded[number]) < number or REFERENCE.search(header):
            continue
        name = re.sub("[=;]", "_", tidy(header)) or f"column-{number + 1}"
        base = name = f"{name}_value" if name.casefold() == COUNT else name
        tries = 2
        while name != header and name.casefold() in used.union(folded):
            name, tries = f"{base}_{tries}", tries + 1
        names[header] = name
        used.add(name.casefold())
    return names


def _guesses(one: Finding) -> Iterator[Guess]:
    yield Guess(column=one.name, what=one.what, why=one.why)
    for code, reason in one.missing.items():
        what = f"{quoted(code)} is missing ({reason})"
        yield Guess(column=one.name, what=what, why="it is no value among the others")
    if not one.is_input:
        role = "role quasi" if one.quasi else "role to be decided"
        why = one.quasi or "no name tells whether an outsider knows it, or nobody should"
        yield Guess(column=one.name, what=role, why=why)
