"""A codebook that extends another: what it says itself, and what it has from its parent.

Tables merge by key, arrays and scalars replace, and the arrays of tables at the top of the file
(rules, checks, sections) merge by `id`. What protects people is sealed: a child that lowers it has
to say why. Nothing here judges whether the outcome is a sound codebook.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

import attrs
from attrs import define, evolve, field

from ctdc_framework.codebook.model import Contributor, Remark, Variable, VariableGroup
from ctdc_framework.errors import CodebookError, did_you_mean, nearest, one_of
from ctdc_framework.language.origins import (
    OWN,
    PARENT,
    Inherited,
    Origin,
    at,
    id_of,
    less,
    names_of,
    put_together,
    too_deep,
)
from ctdc_framework.language.overlays import is_overlay, overlay
from ctdc_framework.language.seals import REMOVE, Relaxed, Seals, read, relaxed_in, unused
from ctdc_framework.problems.faults import Fault, Faults, Path
from ctdc_framework.toml.convert import default_of, fields_of, key_of
from ctdc_framework.toml.file import TomlFile, read_toml

DEEPEST = 32
"""Tables and arrays within one another: the language needs six."""

LONGEST = 16
"""Codebooks of which each extends the next."""

EXTENDS: Path = ("codebook", "extends")
ORDER: Path = ("codebook", "order")

_CLASSES: Mapping[str, type] = {
    "variables": Variable, "contributors": Contributor, "notes": Remark, "groups": VariableGroup,
}  # fmt: skip
NEEDED: Mapping[str, frozenset[str]] = {
    "domains": frozenset(["kind"]),
    **{
        table: frozenset(key_of(f) for f in fields_of(cls) if default_of(f) is attrs.NOTHING)
        for table, cls in _CLASSES.items()
    },
}
"""What an entry must say to be a new one, and not a change of one that the parent has."""


def inherit(file: TomlFile, shipped: Mapping[str, FilePath]) -> tuple[TomlFile, list[Fault]]:
    """Give a codebook with everything that it extends, and what is wrong with how it does so.

    `shipped` are the codebooks that `extends = "name"` and `"ctdc_framework:name@1"` can mean. A
    file that extends nothing comes back as it is. Faults are CB240 (a change of nothing), CB241 (a
    seal broken), CB242 (a reason for nothing) and CB243 (an overlay that says more than texts).

    Raises `CodebookError` where the parent cannot be had, as then everything would be missing.

    >>> alone = TomlFile(name="a.toml", data={"codebook": {"id": "a"}})
    >>> inherit(alone, {}) == (alone, [])
    True
    """
    return (file, []) if isinstance(file, Inherited) else _inherit(file, shipped, ())


def _inherit(
    file: TomlFile, shipped: Mapping[str, FilePath], chain: tuple[str, ...]
) -> tuple[TomlFile, list[Fault]]:
    faults: list[Fault] = []
    relaxed = relaxed_in(file, faults)
    removals = _removals(file, faults)
    if at(file.data, *EXTENDS) is None:
        faults += unused(relaxed, ())
        if at(file.data, *REMOVE) is None:
            return file, faults
        message = "`remove` has nothing to remove from: this codebook extends no other"
        help = 'take it out, or say extends = "..."'
        faults.append(Fault(path=REMOVE, kind="240", message=message, help=help, at_key=True))
        header = less(file.data["codebook"], "remove")
        return evolve(file, data={**file.data, "codebook": header}), faults
    try:
        raw, chain = _parent(file, shipped, chain)
        if too_deep(file.data, DEEPEST) or too_deep(raw.data, DEEPEST):
            raise Faults(
                [_odd(f"tables or arrays are nested more than {DEEPEST} deep", "nest less")]
            )
    except Faults as failure:
        raise CodebookError(problems=file.problems([*faults, *failure.faults], "CB")) from None
    parent, above = _inherit(raw, shipped, chain)
    faults = [fault.under(OWN) for fault in faults] + [fault.under(PARENT) for fault in above]
    if is_overlay(file, parent):
        outcome, more = overlay(file, parent)
        return outcome, faults + more
    child = _Child(file=file, parent=parent, faults=faults)
    return child.outcome(removals, relaxed), faults


def _removals(file: TomlFile, faults: list[Fault]) -> Sequence[str]:
    value = at(file.data, *REMOVE)
    return read([] if value is None else value, tuple[str, ...], REMOVE, faults) or ()


# ------------------------------------------------------------------------------------- the parent


def _parent(
    file: TomlFile, shipped: Mapping[str, FilePath], chain: tuple[str, ...]
) -> tuple[TomlFile, tuple[str, ...]]:
    """Read what a codebook extends; also give the chain of files that led there."""
    extends = at(file.data, *EXTENDS)
    if not isinstance(extends, str) or "\0" in extends:
        raise Faults(
            [
                evolve(
                    _odd("`extends` must be the name of a file", 'write extends = "base.toml"'),
                    kind="012",
                )
            ]
        )
    path, major = _asked_for(file, extends, shipped)
    chain = chain or (os.path.realpath(file.name),)
    real = os.path.realpath(path)
    if real in chain:
        names = [os.path.basename(one) for one in (*chain, real)]
        message = f"codebooks extend each other: {' -> '.join(names)}"
        raise Faults([_odd(message, "remove `extends` from one of them")])
    if len(chain) >= LONGEST:
        raise Faults([_odd(f"more than {LONGEST} codebooks extend one another", "join some")])
    try:
        parent = read_toml(path, CodebookError, "CB")
    except CodebookError as failure:
        if failure.problems:
            raise
        beside: list[str] = []
        with suppress(OSError):
            beside = sorted({one.name for one in path.parent.glob("*.toml")})
        near = did_you_mean(path.name, [n for n in beside if n != os.path.basename(file.name)])
        raise Faults(
            [_odd(f"cannot extend `{extends}`: {failure.message}", near or "check the path")]
        ) from None
    version = at(parent.data, "codebook", "version")
    if major and str(version).partition(".")[0] != major:
        message = f"`{extends}` asks for version {major}, and {version} is what is installed"
        raise Faults([_odd(message, "ask for the version that is there, and read what changed")])
    return parent, (*chain, real)


def _asked_for(
    file: TomlFile, extends: str, shipped: Mapping[str, FilePath]
) -> tuple[FilePath, str]:
    """Give the path that `extends` means, and the major version where it asks for one."""
    package, colon, rest = extends.partition(":")
    if not colon or package != "ctdc_framework":
        name, _, major = extends.partition("@")
        beside = FilePath(file.name).parent / extends
        if extends.endswith(".toml") or "/" in extends or "\\" in extends or beside.exists():
            return beside, ""
        if name in shipped and re.fullmatch("[0-9]*", major):
            return shipped[name], major
        help = (
            did_you_mean(name, shipped) or f"or a file's name that ends in .toml; {_are(shipped)}"
        )
        raise Faults([_odd(f"no codebook to extend is called `{extends}`", help)])
    name, _, major = rest.partition("@")
    if name not in shipped:
        help = did_you_mean(name, shipped) or _are(shipped)
        raise Faults([_odd(f"no shipped codebook is called `{name}`", help)])
    if not re.fullmatch("[0-9]+", major):
        help = f'write "ctdc_framework:{name}@1" for any 1.x.y'
        raise Faults([_odd(f"`{extends}` does not say which major version it means", help)])
    return shipped[name], major


def _are(shipped: Mapping[str, FilePath]) -> str:
    return f"shipped ones are {one_of(shipped)}"


def _odd(message: str, help: str = "") -> Fault:
    return Fault(path=EXTENDS, kind="240", message=message, help=help)


# ------------------------------------------------------------------------------------ the merging


@define(kw_only=True)
class _Child:
    """Puts a child and its parent together, and looks at what it did to what is sealed."""

    file: TomlFile
    parent: TomlFile
    faults: list[Fault]
    origins: dict[Path, Origin] = field(factory=dict)
    removed: dict[Path, int] = field(factory=dict)
    """What of the parent is dropped, and which element of `remove` says so."""
    cut: set[Path] = field(factory=set)
    """Tables and arrays of which something is dropped."""

    def outcome(self, removals: Sequence[str], relaxed: Relaxed) -> Inherited:
        for number, name in enumerate(removals):
            self.remove(number, name)
        self.cut = {path[:n] for path in self.removed for n in range(1, len(path))}
        header = less(self.file.data["codebook"], "extends", "remove")
        data = self.table((), {**self.file.data, "codebook": header}, self.parent.data)
        self.order(data)
        outcome = put_together(self.file, self.parent, data, self.origins)
        seals = Seals(file=self.file, before=self.parent.data, after=outcome, removed=self.removed)
        broken = list(seals.broken())
        allowed = {what for _, what in relaxed}
        for subject, fault in broken:
            if subject not in allowed:
                help = f'if it has to be: [[relax]] what = "{subject}", because = "..."'
                self.faults.append(evolve(fault, help=help))
        needless = unused(relaxed, (subject for subject, _ in broken))
        self.faults += [fault.under(OWN) for fault in needless]
        return outcome

    def remove(self, number: int, name: str) -> None:
        path: Path = ()
        value: Any = self.parent.data
        rest: str | None = name
        while rest is not None:
            names = names_of(value, path)
            # A name may itself hold points, so the longest that fits is meant.
            fits = [one for one in names if rest == one or rest.startswith(f"{one}.")]
            if not fits:
                head, point, tail = (rest, "", "") if path else rest.partition(".")
                start = name.removesuffix(rest)
                near = [f"{start}{one}{point}{tail}" for one in nearest(head, names)]
                help = f"did you mean `{near[0]}`?" if near else ""
                message = f"`remove` names nothing that the parent has: `{name}`"
                where: Path = (OWN, *REMOVE, number)
                self.faults.append(Fault(path=where, kind="240", message=message, help=help))
                return
            best = max(fits, key=len)
            path, value = (*path, names[best]), value[names[best]]
            rest = None if rest == best else rest[len(best) + 1 :]
        self.removed.setdefault(path, number)

    def table(self, path: Path, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Any:
        done: dict[str, Any] = {}
        kept = {key: one for key, one in theirs.items() if (*path, key) not in self.removed}
        for key, one in kept.items():
            here = (*path, key)
            if key not in mine:
                self.origins[here] = Origin(self.parent, here)
                done[key] = self.remainder(here, one)
            elif isinstance(one, dict) and isinstance(mine[key], dict):
                done[key] = self.table(here, mine[key], one)
            elif not path and isinstance(one, list) and isinstance(mine[key], list):
                done[key] = self.array(here, mine[key], one)
            else:
                done[key] = mine[key]
        for key, one in mine.items():
            if key not in kept and not self.changes_nothing((*path, key), one, kept):
                done[key] = one
        return done

    def remainder(self, path: Path, value: Any) -> Any:
        """Give what is inherited unchanged, but for what is removed from it."""
        if path not in self.cut:
            return value
        if isinstance(value, list):
            return self.array(path, [], value)
        return self.table(path, {}, value)

    def array(self, path: Path, mine: list[Any], theirs: list[Any]) -> list[Any]:
        replacing: dict[str, int] = {}
        for number, one in enumerate(mine):
            if name := id_of(one):
                replacing.setdefault(name, number)
        kept = [number for number in range(len(theirs)) if (*path, number) not in self.removed]
        chosen = [(replacing.pop(id_of(theirs[number]), None), number) for number in kept]
        used = {other for other, _ in chosen}
        chosen += [(number, 0) for number in range(len(mine)) if number not in used]
        done: list[Any] = []
        for other, number in chosen:
            source = self.parent if other is None else self.file
            where = (*path, number if other is None else other)
            self.origins[(*path, len(done))] = Origin(source, where)
            done.append(theirs[number] if other is None else mine[other])
        return done

    def changes_nothing(self, path: Path, value: Any, known: Mapping[str, Any]) -> bool:
        """Say whether an entry that the parent has not was meant to change one that it has."""
        if len(path) != 2 or path[0] not in NEEDED or not isinstance(value, dict):
            return False
        needed, name = NEEDED[str(path[0])], str(path[1])
        near = did_you_mean(name, known)
        if "use" in value or needed <= set(value) or (needed & set(value) and not near):
            return False
        message = f"`{path[0]}.{name}` changes nothing: the parent has none of this name"
        help = near or f"a new one says {one_of(sorted(needed))}"
        where = (OWN, *path)
        self.faults.append(Fault(path=where, kind="240", message=message, help=help, at_key=True))
        return True

    def order(self, data: dict[str, Any]) -> None:
        """Where the child gives no order: the parent's, less what is gone, then what is new."""
        theirs, variables = at(data, *ORDER), at(data, "variables")
        before = at(self.parent.data, "variables")
        if at(self.file.data, *ORDER) is not None or not isinstance(theirs, list):
            return
        if not isinstance(variables, dict) or not isinstance(before, dict):
            return
        gone = [name for name in before if name not in variables]
        kept = [number for number, name in enumerate(theirs) if name not in gone]
        new = [name for name in variables if name not in before]
        for number, written in enumerate(kept):
            self.origins[(*ORDER, number)] = Origin(self.parent, (*ORDER, written))
        for number, name in enumerate(new, len(kept)):
            self.origins[(*ORDER, number)] = Origin(self.file, ("variables", name))
        order = [*(theirs[number] for number in kept), *new]
        data["codebook"] = {**data["codebook"], "order": order}
