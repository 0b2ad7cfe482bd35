"""`tabulate`: from records to counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import evolve, frozen, validators

from ctdc_framework.plugin import (
    Claim,
    Codebook,
    Context,
    Fault,
    Layout,
    NoClaim,
    Output,
    Shape,
    Strategy,
    Table,
    entry,
    heights,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@frozen(kw_only=True)
class Tabulate:
    """Count every combination of up to `length` values, or those of declared tables."""

    length: int = entry(
        "most values in a combination, where no tables are declared",
        default=3,
        validator=[validators.ge(1), validators.le(6)],
    )
    tables: tuple[Layout, ...] = entry(
        "declared tables, each with `id`, `rows`, `columns` and `percent`", default=()
    )


def tabulate(table: Table, params: Tabulate, context: Context) -> Output:
    """Count all combinations that occur of what is asked for, and all records (the first row).

    A missing value is never part of a combination; a generalised value of a declared table counts
    the records with any value below it. The counts are exact: not for publishing.
    """
    codes, counts = (
        _declared(table, params.tables) if params.tables else _up_to(table, params.length)
    )
    context.progress(1, 1)
    counted = evolve(table.with_codes(codes, counts), counted=table, layouts=params.tables)
    return Output(table=counted, details={"combinations": len(counts) - 1})


def _up_to(table: Table, length: int) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    import numpy as np

    from ctdc_framework.plugin import count_combinations

    found = count_combinations([table.codes], table.sizes, length)
    codes = np.full((len(found) + 1, len(table.columns)), -1, dtype=np.int16)
    columns, values = found.columns, found.codes
    for place in range(columns.shape[1]):
        used = np.flatnonzero(columns[:, place] >= 0)
        codes[used + 1, columns[used, place]] = values[used, place]
    return codes, np.concatenate([[len(table)], found.counts[:, 0]])


def _declared(
    table: Table, layouts: Sequence[Layout]
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Count the combinations of each choice of levels; those that tables share are counted once."""
    import numpy as np

    width = len(table.columns)
    codes = [np.full((1, width), -1, dtype=np.int16)]
    counts = [np.array([len(table)], dtype=np.int64)]
    done: set[tuple[object, ...]] = {()}
    for layout in layouts:
        options = [
            [None, *_options(table, variable, levels)] for variable, levels in layout.axes.items()
        ]
        for choice in itertools.product(*options):
            chosen = sorted((one for one in choice if one is not None), key=lambda one: one[0])
            what = tuple((column, height) for column, height, _ in chosen)
            if what in done:
                continue
            done.add(what)
            asked = np.column_stack([up[table.codes[:, column]] for column, _, up in chosen])
            asked = asked[(asked >= 0).all(axis=1)]
            found, number = np.unique(asked, axis=0, return_counts=True)
            rows = np.full((len(found), width), -1, dtype=np.int16)
            rows[:, [column for column, _, _ in chosen]] = found
            codes.append(rows)
            counts.append(number)
    # A group of one value may bear that value's code, and is then counted at both levels.
    every = np.concatenate(codes)
    used = every[:, (every >= 0).any(axis=0)]
    order = np.lexsort([*used.T[::-1], np.count_nonzero(used >= 0, axis=1)])
    used = used[order]
    first = np.append(True, (used[1:] != used[:-1]).any(axis=1))
    return every[order[first]], np.concatenate(counts)[order[first]]


def _options(
    table: Table, variable: str, levels: Sequence[str]
) -> Iterator[tuple[int, int, NDArray[np.int16]]]:
    """Give the ways in which a variable can be part of a combination of a declared table.

    Each is a column, a height, and for each code of the column that at this height, -1 last.
    """
    import numpy as np

    for column in table.column_numbers([variable]):
        codes = table.columns[column].codes
        place = {code: number for number, code in enumerate(codes)}
        hierarchy = table.codebook.hierarchy_of(variable)
        for height in heights(table.codebook, variable, levels):
            up = np.arange(len(codes) + 1, dtype=np.int16)
            up[-1] = -1
            if height and hierarchy is not None:
                for code in table.codebook.domain_of(variable).codes:
                    up[place[code]] = place[hierarchy.generalise(code, height)]
            yield column, height, up


def _no_claim(codebook: Codebook, params: Tabulate) -> Sequence[Claim]:
    return [NoClaim(reason="exact counts; put rounding after it")]


def _faults(codebook: Codebook, params: Tabulate) -> Iterator[Fault]:
    names = [layout.id for layout in params.tables]
    for number, layout in enumerate(params.tables):
        if layout.id in names[:number]:
            message = f"two tables are called `{layout.id}`"
            yield Fault(
                path=("tables", number, "id"), kind="024", message=message, help="rename one"
            )
        for message, help in layout.problems(codebook):
            yield Fault(path=("tables", number), kind="019", message=message, help=help)


TABULATE = Strategy(
    name="tabulate",
    summary="counts combinations of values, or declared tables; not safe by itself",
    params=Tabulate,
    takes=Shape.RECORDS,
    gives=Shape.COUNTS,
    run=tabulate,
    claims=_no_claim,
    faults=_faults,
)
