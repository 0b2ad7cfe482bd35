"""A codebook that was put together from several files, and where each of its entries is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from ctdc_framework.errors import Problem
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.file import TomlFile

OWN, PARENT = 0, 1
"""First parts of a path that leads into the child's file, or into what it extends, as written.

No path into a codebook begins with a number, so these can be told from those into the outcome."""


@frozen
class Origin:
    """The file and the path in it where an entry is written."""

    file: TomlFile
    path: Path


@frozen(kw_only=True)
class Inherited(TomlFile):
    """A codebook with all that it inherits; its faults point into the file that is to blame.

    `origins` says where entries are written; one that it does not name is where the table or array
    around it is. The parent may itself be put together, and then says where it has things from.
    """

    origins: Mapping[Path, Origin] = field(repr=False)

    def origin(self, path: Path) -> Origin:
        """Give the file and the path at which an entry is written."""
        path = self.written_at(path)
        length = next(n for n in range(len(path), -1, -1) if path[:n] in self.origins)
        found = self.origins[path[:length]]
        return origin_of(found.file, (*found.path, *path[length:]))

    def files(self) -> list[str]:
        """Name the files that it was read from, the child first."""
        parent = self.origins[PARENT,].file
        return [self.name, *(parent.files() if isinstance(parent, Inherited) else [parent.name])]

    def problem(self, fault: Fault, prefix: str) -> Problem:
        """Turn a fault into a problem with its place in the file that says it."""
        origin = self.origin(fault.path)
        return origin.file.problem(evolve(fault, path=origin.path), prefix)

    def problems(self, faults: Iterable[Fault], prefix: str) -> list[Problem]:
        """Turn faults into problems as for one file, the child's before its parent's."""
        told = super().problems(faults, prefix)
        ranks = {name: rank for rank, name in enumerate(self.files())}
        # The count of those that are not told stays last.
        return sorted(
            told,
            key=lambda p: len(ranks) if p.code == f"{prefix}000" or not p.place
            else ranks[p.place.file],
        )  # fmt: skip


def origin_of(file: TomlFile, path: Path) -> Origin:
    """Give the file and the path at which an entry is written, whether or not any is inherited.

    >>> base = TomlFile(name="base.toml", data={"a": {"b": 1}}, text="[a]\\nb = 1")
    >>> child = TomlFile(name="child.toml", data={})
    >>> both = put_together(child, base, base.data, {("a",): Origin(base, ("a",))})
    >>> [origin_of(both, path).file.name for path in [("a", "b"), ("c",), (PARENT, "c")]]
    ['base.toml', 'child.toml', 'base.toml']
    """
    if isinstance(file, Inherited):
        return file.origin(path)
    return Origin(file, file.written_at(path))


def put_together(
    file: TomlFile, parent: TomlFile, data: Mapping[str, Any], origins: Mapping[Path, Origin]
) -> Inherited:
    """Make the outcome of a child and its parent; what `origins` does not name is the child's.

    Its digest is of both files, so that a release tells what it was made by.
    """
    roots: dict[Path, Origin] = {
        (): Origin(file, ()),
        (OWN,): Origin(file, ()),
        (PARENT,): Origin(parent, ()),
    }
    return Inherited(
        name=file.name,
        data=data,
        text=file.text,
        marked=file.marked,
        digest=hashlib.sha256(f"{file.digest} {parent.digest}".encode()).hexdigest(),
        origins={**roots, **origins},
    )


def at(data: object, *path: str | int) -> Any:
    """Give what stands at a path, None where nothing does.

    >>> at({"rules": [{"id": "age"}]}, "rules", 0, "id"), at({"rules": 3}, "rules", 0)
    ('age', None)
    """
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def too_deep(data: Mapping[str, Any], most: int) -> bool:
    """Say whether tables and arrays lie more than `most` deep within one another.

    >>> too_deep({"a": [1]}, 2), too_deep({"a": [[1]]}, 2)
    (False, True)
    """
    level: list[Any] = [data]
    for _ in range(most):
        inside: list[Any] = []
        for one in level:
            inside += one.values() if isinstance(one, dict) else one
        level = [one for one in inside if isinstance(one, dict | list)]
    return bool(level)


def names_of(value: object, path: Path) -> dict[str, Any]:
    """Give the names of what is in a table, or in an array at the top, each with its part."""
    if isinstance(value, list) and len(path) == 1:
        return {name: number for number, one in enumerate(value) if (name := id_of(one))}
    return {name: name for name in value} if isinstance(value, dict) else {}


def id_of(value: object) -> str:
    """Give the `id` of an element of an array, nothing where it has none."""
    name = at(value, "id")
    return name if isinstance(name, str) else ""


def less(table: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Give a table without some of its keys.

    >>> less({"a": 1, "b": 2}, "b", "c")
    {'a': 1}
    """
    return {key: one for key, one in table.items() if key not in keys}
