"""Why records and values were left out: by variable and by value, naming none rarer than k."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ctdc_framework.plugin import Note, Table, TableColumn
from ctdc_k_anonymization.encoding import Encoded
from ctdc_k_anonymization.lattice import Found, Question

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPREAD = 0x9E3779B97F4A7C15
"""An odd number near 2^64 / golden ratio: its multiples hash values apart."""

RARER = "(rarer values)"
"""What stands for all values that fewer than k records hold."""

NAMED = 5
"""How many values a note names."""

Tally = Mapping[str, Mapping[str, int]]
"""Per variable and value, how many records or cells."""


def rare_by(rows: NDArray[np.int32], kept: NDArray[np.bool_], k: int) -> list[NDArray[np.bool_]]:
    """Mark, per variable, the records left out that k would share if it were not for it alone."""
    parts = [
        (rows[:, n].astype(np.uint64) + np.uint64(1)) * np.uint64(pow(SPREAD, n + 1, 1 << 64))
        for n in range(rows.shape[1])
    ]
    whole = np.sum(parts, axis=0, dtype=np.uint64)
    found = []
    for part in parts:
        _, of_class, counts = np.unique(whole - part, return_inverse=True, return_counts=True)
        found.append((counts[of_class] >= k) & ~kept)
    return found


def tally(table: Table, name: str, marked: NDArray[np.bool_], k: int) -> dict[str, int]:
    """Count the marked records by what they hold of a variable, the most frequent first.

    What fewer than k of all records hold is counted together. A variable that lists several values
    is counted by each of them; so is, of others, that nothing is known.
    """
    found: dict[str, int] = {}
    for number in table.column_numbers([name]):
        for value, count in counted(table.columns[number], table.codes[:, number], marked, k):
            found[value] = found.get(value, 0) + count
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def counted(
    column: TableColumn, codes: NDArray[np.int16], marked: NDArray[np.bool_], k: int
) -> Iterator[tuple[str, int]]:
    """Count the marked records of one column by what they hold, none rarer than k by its name."""
    shift = codes.astype(np.int64) + 1
    every = np.bincount(shift, minlength=len(column.codes) + 1)
    some = np.bincount(shift[marked], minlength=len(column.codes) + 1)
    first = 1 if column.value else 0  # that a flag of a list is not set is no value
    for code in (np.flatnonzero(some[first:]) + first).tolist():
        value = column.value or (column.codes[code - 1] if code else "(missing)")
        yield (value if every[code] >= k else RARER), int(some[code])


def one_level_more(question: Question, found: Found, encoded: Encoded) -> dict[str, int]:
    """Count, per variable, the records left out were it one level coarser."""
    more = {}
    for number, key in enumerate(encoded.keys):
        level = found.node[number]
        if level < question.highest[number]:
            classes = question.problem.raised(found.classes, found.node, number, level + 1)
            more[key.name] = int(classes.counts[~question.kept(classes)].sum())
    return more


def coarser_by_one(encoded: Encoded) -> dict[str, int]:
    """Count, per variable that can be coarser, the records left out were it so by one level."""
    problem = encoded.problem
    more = {}
    for number, key in enumerate(encoded.keys):
        if key.levels.top > 1:
            classes = problem.raised(problem.finest, (0,) * len(encoded.keys), number, 1)
            met = np.logical_and.reduce([model.conform(classes) for model in encoded.models])
            more[key.name] = int(classes.counts[~met].sum())
    return more


def told(by: Tally, whole: int, k: int, beginning: str, of: str) -> Sequence[Note]:
    """Tell the values that made most rare, as shares; of values, none that fewer than k lost."""
    found = sorted(
        ((count, name, value) for name, values in by.items() for value, count in values.items()
         if count >= k and value != RARER),
        key=lambda one: (-one[0], *one[1:]),
    )  # fmt: skip
    if not found:
        return []
    words = [f"{name} {value} ({count / whole:.0%})" for count, name, value in found[:NAMED]]
    return [Note(code="rare-values", message=f"{beginning}: {', '.join(words)} {of}")]
