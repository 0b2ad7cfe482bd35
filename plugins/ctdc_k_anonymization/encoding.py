"""From a table of the framework to the numbers that the methods work on, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from ctdc_framework.plugin import Codebook, Table, TableColumn
from ctdc_k_anonymization.cells import Values
from ctdc_k_anonymization.lattice import Classes, Levels, Model, Problem
from ctdc_k_anonymization.models import Anonymous, Close, Diverse
from ctdc_k_anonymization.params import KAnonymization, keys_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


@frozen(kw_only=True, eq=False)
class Key:
    """A quasi-identifier: its columns, its distinct cells, and what each is at each level.

    `cells` (cells, columns) are codes, -1 missing; `images` (levels, cells, columns) the codes
    that stand for them.
    """

    name: str
    columns: tuple[int, ...]
    cells: NDArray[np.int16]
    index: NDArray[np.int32]
    images: NDArray[np.int16]
    levels: Levels


def _members(column: TableColumn) -> list[frozenset[int]]:
    """Give the domain's own codes that each code of a column stands for."""
    return [
        frozenset(own for own in column.below.get(code, (code,)) if own not in column.below)
        for code in range(len(column.codes))
    ]


def _steps(codebook: Codebook, column: TableColumn, hierarchies: bool) -> list[list[int]]:
    """Give, level by level of its hierarchy but the last, the code that each code goes to.

    A code that is already coarser than a level's groups stays.
    """
    hierarchy = codebook.hierarchy_of(column.variable) if hierarchies else None
    if hierarchy is None or column.value:
        return []
    number = {code: n for n, code in enumerate(column.codes)}
    members = _members(column)
    steps = []
    for level in hierarchy.levels[:-1]:
        groups = [(number[group.code], members[number[group.code]]) for group in level.groups]
        steps.append(
            [
                next((code for code, its in groups if members[own] <= its), own)
                for own in range(len(column.codes))
            ]
        )
    return steps


def key_of(table: Table, name: str, hierarchies: bool) -> Key:
    """Encode one variable; of one that lists several, the whole cell is one value."""
    numbers = tuple(table.column_numbers([name]))
    codes = table.codes[:, numbers]
    cells, index = np.unique(codes, axis=0, return_inverse=True)
    column = table.columns[numbers[0]]
    images = [cells]
    for step in _steps(table.codebook, column, hierarchies):
        above = np.array([*step, -1], np.int16)  # -1, missing, takes the last
        images.append(above[cells])
    images.append(np.full_like(cells, -1))
    return Key(
        name=name,
        columns=numbers,
        cells=cells,
        index=index.ravel().astype(np.int32),
        images=np.stack(images),
        levels=_levels(np.stack(images), column),
    )


def _levels(images: NDArray[np.int16], column: TableColumn) -> Levels:
    """Number the cells of each level, and say how much of the domain each covers.

    A missing cell covers as little as a value: making it coarser, or leaving the variable out,
    loses nothing of it.
    """
    depth, count, width = images.shape
    maps = np.zeros((depth, count), np.int32)
    for level in range(depth):
        maps[level] = np.unique(images[level], axis=0, return_inverse=True)[1].ravel()
    members = _members(column)
    own = sum(code not in column.below for code in range(len(members)))
    domain = max(count if column.value else own, 1)
    shares = np.full((depth, count), 1.0 / domain)
    known = (images[0] >= 0).any(axis=1)
    if width == 1 and not column.value:
        sizes = np.array([len(its) for its in members] + [domain], float)
        shares[:, known] = sizes[images[:, known, 0]] / domain
    shares[-1, known] = 1.0
    return Levels(maps=maps, shares=shares)


@frozen(kw_only=True, eq=False)
class Encoded:
    """A table's quasi-identifiers and sensitive values, with the models that its classes meet."""

    keys: tuple[Key, ...]
    problem: Problem
    models: tuple[Model, ...]

    def classes(self, rows: NDArray[np.int32]) -> tuple[NDArray[np.int64], Classes]:
        """Group records by rows of numbers; give each record's class, and the classes."""
        _, first, of_class, counts = np.unique(
            rows, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        of_class = of_class.ravel()
        held = np.zeros((len(first), self.problem.sensitive.shape[1]), np.int32)
        np.add.at(held, of_class, self.problem.sensitive)
        classes = Classes(
            keys=np.arange(len(first)), members=first.astype(np.int32), counts=counts, held=held
        )
        return of_class, classes


def encode(table: Table, params: KAnonymization) -> Encoded:
    """Encode what a method that works on classes looks at."""
    names = keys_of(table.codebook, params)
    keys = tuple(key_of(table, name, params.hierarchies) for name in names)
    held: list[NDArray[np.int32]] = [np.zeros((len(table), 0), np.int32)]
    models: list[Model] = [Anonymous(k=params.k)]
    at = 0
    for diverse in params.diverse:
        values, marks = _marks(table, diverse.variable)
        first, at = at, at + len(values)
        models.append(Diverse(first=first, end=at, least=diverse.l, c=diverse.c, kind=diverse.kind))
        held.append(marks)
    for close in params.close:
        values, marks = _marks(table, close.variable)
        first, at = at, at + len(values)
        groups = _groups(table, close.variable, values)
        whole = marks.mean(axis=0)
        models.append(
            Close(first=first, end=at, t=close.t, whole=whole, kind=close.kind, groups=groups)
        )
        held.append(marks)
    problem = Problem(
        codes=np.ascontiguousarray(np.stack([key.index for key in keys], axis=1)),
        levels=tuple(key.levels for key in keys),
        sensitive=np.hstack(held),
    )
    return Encoded(keys=keys, problem=problem, models=tuple(models))


def _marks(table: Table, name: str) -> tuple[list[int], NDArray[np.int32]]:
    """Mark which of a sensitive variable's values each record holds; missing, the last, is one."""
    (number,) = table.column_numbers([name])
    codes = table.codes[:, number]
    values = sorted(set(codes.tolist()), key=lambda code: (code < 0, code))
    return values, (codes[:, None] == np.array(values, np.int16)).astype(np.int32)


def _groups(table: Table, name: str, values: Sequence[int]) -> list[NDArray[np.int64]]:
    """Number, level by level of its hierarchy, the group of each value; missing is in the last."""
    (number,) = table.column_numbers([name])
    steps = _steps(table.codebook, table.columns[number], hierarchies=True)
    levels = [np.array([*step, -1])[values] for step in steps]
    return [*levels, np.zeros(len(values), np.int64)]


def cell_values(
    table: Table, params: KAnonymization
) -> tuple[list[int], NDArray[np.int32], Values, list[bool], NDArray[np.int32]]:
    """Encode single cells for local recoding.

    Gives the columns' numbers, the records' finest values over all of them, how these values may
    be published, which columns are published as they are, and the code of each value.
    """
    codebook = table.codebook
    numbers = table.column_numbers(keys_of(codebook, params))
    ladders: list[list[int]] = []
    worth: list[float] = []
    codes: list[int] = []
    items = np.empty((len(table), len(numbers)), np.int32)
    forced = [codebook.variables[table.columns[n].variable].protected for n in numbers]
    for place, number in enumerate(numbers):
        column = table.columns[number]
        weight = params.weights.get(column.variable, 1.0)
        members = _members(column)
        domain = sum(code not in column.below for code in range(len(members)))
        first = len(codes)
        steps = _steps(codebook, column, params.hierarchies and not forced[place])
        for code, its in enumerate(members):
            above = [step[code] for step in reversed(steps)]
            ladder = [first + one for one in dict.fromkeys([*above, code])]
            ladders.append(ladder)
            worth.append(weight * (1 - (len(its) - 1) / max(domain - 1, 1)))
            codes.append(code)
        items[:, place] = np.where(table.codes[:, number] >= 0, table.codes[:, number] + first, -1)
        if forced[place]:  # that it is missing is published, too
            items[items[:, place] < 0, place] = len(codes)
            ladders.append([len(codes)])
            worth.append(0.0)
            codes.append(-1)
    depth = max(map(len, ladders), default=1)
    padded = np.full((len(ladders), depth), -1, np.int32)
    for number, ladder in enumerate(ladders):
        padded[number, : len(ladder)] = ladder
    values = Values(ladder=padded, worth=np.array(worth))
    return numbers, items, values, forced, np.array([*codes, -1], np.int32)
