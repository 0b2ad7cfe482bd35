"""ARX's generalisation hierarchies: a CSV whose rows are a value and its ancestors, up to `*`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from ctdc_framework.codebook.domains import EnumDomain, Value
from ctdc_framework.codebook.hierarchies import Group, Hierarchy, Level
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import CtdcError, did_you_mean, one_of

TOP = "*"
"""What stands for any value at all."""


class Imported(NamedTuple):
    """A hierarchy, and the domain whose values its rows are, in their order."""

    hierarchy: Hierarchy
    domain: EnumDomain


def export(codebook: Codebook, hierarchy: str) -> str:
    """Write one of a codebook's hierarchies as ARX reads it; its one group of all becomes `*`.

    No name means the only one there is. Raises `CtdcError` where the codebook has no hierarchy of
    that name, or several and none is named.
    """
    if not hierarchy and len(codebook.hierarchies) == 1:
        (hierarchy,) = codebook.hierarchies
    if not hierarchy and codebook.hierarchies:
        message = f"{codebook.id} has {len(codebook.hierarchies)} hierarchies, and a file holds one"
        names = one_of((f"--hierarchy {name}" for name in codebook.hierarchies), most=20)
        raise CtdcError(message, help=f"say which: {names}")
    if hierarchy not in codebook.hierarchies:
        help = did_you_mean(hierarchy, codebook.hierarchies)
        known = one_of(codebook.hierarchies) or "none"
        message = f"no hierarchy is called `{hierarchy}`; {codebook.id} has {known}"
        raise CtdcError(message, help=help)
    found = codebook.hierarchies[hierarchy]
    domain = codebook.find_domain(found.domain)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    for code in domain.codes if domain else ():
        writer.writerow([code, *(level.group_of[code] for level in found.levels[:-1]), TOP])
    return text.getvalue()


def import_csv(text: str, name: str) -> Imported:
    """Read a hierarchy that ARX wrote, for a domain that is called `name`.

    Raises `CtdcError` for rows of different length, a value given twice, groups that do not lie
    within groups of the next level, and a last level of several groups.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";")
    rows = [row for row in lines if row]
    _check(rows)
    levels = []
    for height in range(1, len(rows[0])):
        members: dict[str, list[str]] = {}
        for row in rows:
            members.setdefault(row[height], []).append(row[0])
        groups = tuple(
            Group(code=code, label=code, members=tuple(codes)) for code, codes in members.items()
        )
        levels.append(Level(name=f"level-{height}", groups=groups))
    return Imported(
        hierarchy=Hierarchy(domain=name, levels=tuple(levels)),
        domain=EnumDomain(kind="enum", listed=tuple(Value(code=row[0]) for row in rows)),
    )


def _check(rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        raise CtdcError("the hierarchy is empty", help="each row is a value and its ancestors")
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1 or lengths[0] < 2:
        raise CtdcError(
            f"rows of the hierarchy have {one_of(map(str, lengths))} cells",
            help="each row has a value and as many ancestors as every other, parted by ;",
        )
    seen: set[str] = set()
    for row in rows:
        if row[0] in seen:
            raise CtdcError(f"the hierarchy gives `{row[0]}` twice", help="remove one row")
        seen.add(row[0])
    for height in range(1, lengths[0] - 1):
        above: dict[str, str] = {}
        for row in rows:
            if above.setdefault(row[height], row[height + 1]) != row[height + 1]:
                raise CtdcError(
                    f"`{row[height]}` of level {height} lies in `{above[row[height]]}` "
                    f"and in `{row[height + 1]}`",
                    help="every group lies in one group of the next level",
                )
    top = sorted({row[-1] for row in rows})
    if len(top) > 1:
        raise CtdcError(
            f"the last level has {len(top)} groups: {one_of(top)}", help=f"end each row in {TOP}"
        )
