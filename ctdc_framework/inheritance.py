"""A codebook that extends another: what it says itself, and where each inherited entry is written.

Tables merge by key, arrays and scalars replace, and the arrays of tables at the top of the file
(rules, checks, sections) merge by `id`. What protects people is sealed: a child that lowers it has
to say why. Nothing here judges whether the outcome is a sound codebook.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path as FilePath
from typing import Any, TypeVar

import attrs
from attrs import define, evolve, field, frozen, validators

from ctdc_framework.codebook import Contributor, Remark, Role, Variable, VariableGroup
from ctdc_framework.convert import default_of, entry, fields_of, key_of, kind_of, named, structure
from ctdc_framework.errors import CodebookError, Problem, did_you_mean, nearest, one_of
from ctdc_framework.faults import Fault, Faults, Path
from ctdc_framework.toml_file import TomlFile, read_toml

T = TypeVar("T")

DEEPEST = 32
"""Tables and arrays within one another: the language needs six."""

LONGEST = 16
"""Codebooks of which each extends the next."""

OWN, PARENT = 0, 1
"""First parts of a fault's path that mean the child's file and what it extends, as written.

No path into a codebook begins with a number, so these can be told from those into the outcome."""

PLACE: Path = ("codebook", "extends")

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

_VARIABLE = frozenset(["definition", "caveat", "section"])
_COLLECTION = frozenset(["meaning", "proxy", "approximates", "note"])
TEXTS: Mapping[str, frozenset[str]] = {
    "codebook": frozenset(["title", "description"]),
    "missing.codes.*": frozenset(["label"]),
    "contributors.*": frozenset(["label", "name", "how"]),
    "domains.*": frozenset(["definition", "label", "label_open"]),
    "domains.*.values.*": frozenset(["definition", "label"]),
    "templates.*": _VARIABLE,
    "templates.*.contributors.*": _COLLECTION,
    "variables.*": _VARIABLE,
    "variables.*.contributors.*": _COLLECTION,
    "inputs.*": frozenset(["definition"]),
    "notes.*": frozenset(["title", "text"]),
    "rules.*": frozenset(["because"]),
    "checks.*": frozenset(["because"]),
    "sections.*": frozenset(["title", "text"]),
    "figures.*": frozenset(["title", "text"]),
    "groups.*": frozenset(["title", "text"]),
}
"""What an overlay in another language may say: a table's keys, `*` standing for an entry."""

_SHAPES = {
    ".".join(parts[:length])
    for parts in (pattern.split(".") for pattern in TEXTS)
    for length in range(1, len(parts) + 1)
}
_HEADER = ("extends", "lang", "dsl")
_KNOWN_BY = {"values": "code", "codes": "code"}


@frozen(kw_only=True)
class Relaxation:
    """One thing that a codebook protects less than its parent does."""

    what: str = entry("what is relaxed, such as privacy.k or variables.age.role")
    because: str = entry("why that is right", validator=validators.min_len(1))


@frozen
class Origin:
    """The file and the path in it where an entry is written."""

    file: TomlFile
    path: Path


@frozen(kw_only=True)
class Inherited(TomlFile):
    """A codebook with all that it inherits; its faults point into the file that is to blame.

    `origins` says where an entry is written; one that is not in it goes with the table or array
    around it. A path that starts with OWN or PARENT leads into that file instead.
    """

    origins: Mapping[Path, Origin] = field(factory=dict, repr=False)

    def origin(self, path: Path) -> Origin:
        """Give the file and the path at which an entry is written."""
        path = self.written_at(path)
        length = next(n for n in range(len(path), -1, -1) if path[:n] in self.origins)
        found = self.origins[path[:length]]
        inside = (*found.path, *path[length:])
        return origin_of(found.file, inside)

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
        # The count of those that are not told stays last: it alone has no line and this code.
        last = f"{prefix}000"
        return sorted(
            told, key=lambda p: (p.code == last, ranks.get(p.place.file, 0) if p.place else 0)
        )


def origin_of(file: TomlFile, path: Path) -> Origin:
    """Give the file and the path at which an entry is written, whether or not any is inherited."""
    if isinstance(file, Inherited):
        return file.origin(path)
    return Origin(file, file.written_at(path))


def inherit(file: TomlFile, shipped: Mapping[str, FilePath]) -> tuple[TomlFile, list[Fault]]:
    """Give a codebook with everything that it extends, and what is wrong with how it does so.

    `shipped` are the codebooks that `extends = "ctdc_framework:name@1"` can mean, by name. A file
    that extends nothing comes back as it is. Faults are CB240 (a change of nothing), CB241 (a seal
    broken), CB242 (a reason for nothing) and CB243 (an overlay that says more than texts).

    Raises `CodebookError` where the parent cannot be had, as then everything would be missing.

    >>> from ctdc_framework.locator import locate
    >>> alone = TomlFile(name="a.toml", data={"codebook": {"id": "a"}}, locator=locate(""))
    >>> inherit(alone, {}) == (alone, [])
    True
    """
    return _inherit(file, shipped, ())


def _inherit(
    file: TomlFile, shipped: Mapping[str, FilePath], chain: tuple[str, ...]
) -> tuple[TomlFile, list[Fault]]:
    if not any(_at(file.data, "codebook", key) is not None for key in ("extends", "remove")):
        return file, list(_unused(_relaxations(file)[1], ())) + _relaxations(file)[0]
    faults, relaxed = _relaxations(file)
    removals = _removals(file, faults)
    if _at(file.data, *PLACE) is None:
        message = "`remove` has nothing to remove from: this codebook extends no other"
        fault = Fault(path=("codebook", "remove"), kind="240", message=message, at_key=True)
        header = _without(file.data["codebook"], "remove")
        faults += [fault, *_unused(relaxed, ())]
        return evolve(file, data={**file.data, "codebook": header}), faults
    try:
        raw, chain = _parent(file, shipped, chain)
        if _too_deep(file.data) or _too_deep(raw.data):
            message = f"tables or arrays are nested more than {DEEPEST} deep"
            raise Faults([Fault(path=PLACE, kind="240", message=message)])
    except Faults as failure:
        raise CodebookError(problems=file.problems([*faults, *failure.faults], "CB")) from None
    parent, above = _inherit(raw, shipped, chain)
    own = [fault.under(OWN) for fault in faults] + [fault.under(PARENT) for fault in above]
    done: _Overlay | _Child
    if _is_overlay(file, parent):
        done = _Overlay(file=file, parent=parent, faults=own)
    else:
        done = _Child(file=file, parent=parent, faults=own, removals=removals, relaxed=relaxed)
    return done.outcome(), own


# ------------------------------------------------------------------------------------- the parent


def _parent(
    file: TomlFile, shipped: Mapping[str, FilePath], chain: tuple[str, ...]
) -> tuple[TomlFile, tuple[str, ...]]:
    """Read what a codebook extends; also give the chain of files that led there."""
    extends = _read(file.data["codebook"]["extends"], str, PLACE)
    path, major = _asked_for(file, extends, shipped)
    chain = chain or (os.path.realpath(file.name),)
    real = os.path.realpath(path)
    if real in chain:
        names = [os.path.basename(one) for one in (*chain[chain.index(real) :], real)]
        raise Faults([_odd(f"codebooks extend each other: {' -> '.join(names)}")])
    if len(chain) >= LONGEST:
        raise Faults([_odd(f"more than {LONGEST} codebooks extend one another")])
    try:
        parent = read_toml(path, CodebookError, "CB")
    except CodebookError as failure:
        if failure.problems:
            raise
        with suppress(OSError, ValueError):
            beside = sorted(one.name for one in path.parent.glob("*.toml"))
            help = did_you_mean(path.name, [n for n in beside if n != os.path.basename(file.name)])
            raise Faults([_odd(f"cannot extend: {failure.message}", help)]) from None
        raise Faults([_odd(f"cannot extend: {failure.message}")]) from None
    version = _at(parent.data, "codebook", "version")
    if major and str(version).partition(".")[0] != major:
        message = f"`{extends}` asks for version {major}, and {version} is installed"
        raise Faults([_odd(message, "see what changed with `ctdc codebook diff`")])
    return parent, (*chain, real)


def _asked_for(
    file: TomlFile, extends: str, shipped: Mapping[str, FilePath]
) -> tuple[FilePath, str]:
    """Give the path that `extends` means, and the major version where it asks for one."""
    package, _, rest = extends.partition(":")
    if package != "ctdc_framework":
        if "\0" in extends:
            raise Faults([_odd("`extends` holds a character that no file's name can hold")])
        return FilePath(file.name).parent / extends, ""
    name, _, major = rest.partition("@")
    if name not in shipped:
        help = did_you_mean(name, shipped) or f"shipped ones are {one_of(shipped)}"
        raise Faults([_odd(f"no shipped codebook is called `{name}`", help)])
    if not re.fullmatch("[0-9]+", major):
        found = _at(read_toml(shipped[name], CodebookError, "CB").data, "codebook", "version")
        help = f'write "ctdc_framework:{name}@{str(found).partition(".")[0]}"'
        raise Faults([_odd(f"`{extends}` does not say which major version", help)])
    return shipped[name], major.lstrip("0") or "0"


def _odd(message: str, help: str = "") -> Fault:
    return Fault(path=PLACE, kind="240", message=message, help=help)


# ---------------------------------------------------------------------------------- the merging


@define(kw_only=True)
class _Child:
    """Puts a child and its parent together, and looks at what it did to what is sealed."""

    file: TomlFile
    parent: TomlFile
    faults: list[Fault]
    removals: Sequence[tuple[int, str]]
    relaxed: list[tuple[int, str]]
    removed: dict[Path, int] = field(factory=dict)
    """What of the parent is dropped, and which element of `remove` says so."""
    cut: set[Path] = field(factory=set)
    origins: dict[Path, Origin] = field(factory=dict)

    def outcome(self) -> Inherited:
        for number, name in self.removals:
            self.remove(number, name)
        self.cut = {path[:n] for path in self.removed for n in range(1, len(path))}
        self.origins = _roots(self.file, self.parent)
        header = _without(self.file.data["codebook"], "extends", "remove")
        data = self.table((), {**self.file.data, "codebook": header}, self.parent.data)
        self.order(data)
        outcome = _outcome(self.file, self.parent, data, self.origins)
        broken = dict(self.broken(outcome))
        for subject, fault in broken.items():
            if subject not in (what for _, what in self.relaxed):
                help = f'if it must be: [[relax]] what = "{subject}", because = "..."'
                self.faults.append(evolve(fault, help=help))
        self.faults += [fault.under(OWN) for fault in _unused(self.relaxed, broken)]
        return outcome

    def remove(self, number: int, name: str) -> None:
        path: Path = ()
        value: Any = self.parent.data
        rest = name
        while rest:
            named_here = dict(_names(value, path))
            # A name may itself hold points, so the longest that fits is meant.
            fits = [one for one in named_here if rest == one or rest.startswith(f"{one}.")]
            if not fits:
                known = [f"{name[: len(name) - len(rest)]}{one}" for one in named_here]
                if path:  # also where the table itself is misspelt, its entries are of no help
                    known += [f"{name[: len(name) - len(rest)]}{rest}"] * 0
                help = did_you_mean(name, known) or _near_entry(name, self.parent.data)
                message = f"`remove` names nothing that the parent has: `{name}`"
                where: Path = (OWN, "codebook", "remove", number)
                self.faults.append(Fault(path=where, kind="240", message=message, help=help))
                return
            best = max(fits, key=len)
            path = (*path, named_here[best])
            value = value[named_here[best]]
            rest = rest[len(best) + 1 :]
        if path:
            self.removed.setdefault(path, number)

    def table(self, path: Path, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Any:
        done: dict[str, Any] = {}
        kept = {key: one for key, one in theirs.items() if (*path, key) not in self.removed}
        for key, one in kept.items():
            here = (*path, key)
            if key not in mine:
                self.origins[here] = Origin(self.parent, here)
                done[key] = self.less(here, one)
            elif isinstance(one, dict) and isinstance(mine[key], dict):
                done[key] = self.table(here, mine[key], one)
            elif not path and isinstance(one, list) and isinstance(mine[key], list):
                done[key] = self.array(here, mine[key], one)
            else:
                done[key] = mine[key]
        for key, one in mine.items():
            if key not in kept and not self.changes_nothing(path, key, one, kept):
                done[key] = one
        return done

    def less(self, path: Path, value: Any) -> Any:
        """Give what is inherited as it is, but for what is removed from it."""
        if path not in self.cut:
            return value
        if isinstance(value, list):
            return self.array(path, [], value)
        return self.table(path, {}, value)

    def array(self, path: Path, mine: list[Any], theirs: list[Any]) -> list[Any]:
        replacing: dict[str, int] = {}
        for number, one in enumerate(mine):
            if (name := _id(one)) is not None:
                replacing.setdefault(name, number)
        done: list[Any] = []
        used = set()
        for number, one in enumerate(theirs):
            if (*path, number) in self.removed:
                continue
            here = (*path, len(done))
            other = replacing.pop(_id(one) or "", None)
            if other is None:
                self.origins[here] = Origin(self.parent, (*path, number))
                done.append(one)
            else:
                self.origins[here] = Origin(self.file, (*path, other))
                used.add(other)
                done.append(mine[other])
        for number, one in enumerate(mine):
            if number not in used:
                self.origins[(*path, len(done))] = Origin(self.file, (*path, number))
                done.append(one)
        return done

    def changes_nothing(
        self, path: Path, key: str, value: Any, known: Mapping[str, Any]
    ) -> bool:
        needed = NEEDED.get(str(path[0]), frozenset()) if len(path) == 1 else frozenset()
        if not isinstance(value, dict) or "use" in value or needed <= set(value):
            return False
        near = did_you_mean(key, known)
        if not near and needed & set(value):
            return False  # one that is new, and not yet complete
        message = f"`{path[0]}.{key}` changes nothing: the parent has none of this name"
        help = near or f"a new one needs {one_of(sorted(needed))}"
        where: Path = (OWN, *path, key)
        self.faults.append(Fault(path=where, kind="240", message=message, help=help, at_key=True))
        return True

    def order(self, data: dict[str, Any]) -> None:
        """Where the child gives no order: the parent's, less what is gone, then what is new."""
        path: Path = ("codebook", "order")
        theirs, variables = _at(data, *path), _at(data, "variables")
        if _at(self.file.data, *path) is not None or not isinstance(theirs, list):
            return
        before = _at(self.parent.data, "variables")
        if not isinstance(variables, dict) or not isinstance(before, dict):
            return
        gone = {str(p[1]) for p in self.removed if len(p) == 2 and p[0] == "variables"}
        kept = [(n, one) for n, one in enumerate(theirs) if one not in gone - set(variables)]
        new = [name for name in variables if name not in before]
        for number, (written, _) in enumerate(kept):
            self.origins[(*path, number)] = Origin(self.parent, (*path, written))
        for number, name in enumerate(new, len(kept)):
            self.origins[(*path, number)] = Origin(self.file, ("variables", name))
        data["codebook"] = {**data["codebook"], "order": [*(one for _, one in kept), *new]}

    # ---- seals

    def broken(self, outcome: Inherited) -> Iterator[tuple[str, Fault]]:
        """Go through the seals that are broken, each with what a reason has to name."""
        before, after = self.parent.data, outcome.data
        k, now = _at(before, "privacy", "k"), _at(after, "privacy", "k")
        if type(k) is type(now) is int and now < k:
            message = f"`privacy.k` is lowered from {k} to {now}"
            yield "privacy.k", self.broke(outcome, ("privacy", "k"), message)
        rules = {_id(one): n for n, one in reversed(list(enumerate(_list(after, "rules"))))}
        for number, one in enumerate(_list(before, "rules")):
            name = _id(one)
            if name is None:
                continue
            if name not in rules:
                fault = self.broke(outcome, ("rules", number), f"rule `{name}` is removed")
                yield f"rules.{name}", fault
            elif _without(after["rules"][rules[name]], "because") != _without(one, "because"):
                fault = self.broke(outcome, ("rules", rules[name]), f"rule `{name}` is changed")
                yield f"rules.{name}", fault
        yield from self.broken_by_variables(outcome)

    def broken_by_variables(self, outcome: Inherited) -> Iterator[tuple[str, Fault]]:
        found: dict[tuple[str, Path, str], list[str]] = {}
        variables = _at(outcome.data, "variables")
        for name in variables if isinstance(variables, dict) else ():
            was, _ = _said(self.parent.data, name, "role")
            now, path = _said(outcome.data, name, "role")
            lost = sorted(_roles(was) - _roles(now)) if isinstance(now, list) else []
            if lost:
                subject, path = self.blamed(outcome, name, path)
                words = f"no longer has the role {' or '.join(f'`{one}`' for one in lost)}"
                found.setdefault((subject, path, words), []).append(name)
            was, _ = _said(self.parent.data, name, "protected")
            now, path = _said(outcome.data, name, "protected")
            if was is True and now is not True:
                subject, path = self.blamed(outcome, name, path)
                found.setdefault((subject, path, "is no longer protected"), []).append(name)
        for (subject, path, words), names in found.items():
            many = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            message = f"variable `{names[0]}`{many} {words}"
            yield subject, self.broke(outcome, path, message)

    def blamed(self, outcome: Inherited, name: str, path: Path) -> tuple[str, Path]:
        """Say what a reason has to name, and where the child did it: a template, or a variable."""
        own = outcome.origin(path).file is self.file or self.drop(path) is not None
        if path[0] == "templates" and own and not self.own(outcome, ("variables", name, "use")):
            return ".".join(map(str, path)), path
        subject = f"variables.{name}.{path[-1]}"
        if path[0] == "variables":
            return subject, path
        return subject, ("variables", name, "use" if self.own(outcome, path[:2]) or True else "")

    def own(self, outcome: Inherited, path: Path) -> bool:
        return outcome.origin(path).file is self.file

    def drop(self, path: Path) -> int | None:
        found = (self.removed.get(path[:n]) for n in range(len(path), 0, -1))
        return next((number for number in found if number is not None), None)

    def broke(self, outcome: Inherited, path: Path, message: str) -> Fault:
        number = self.drop(path)
        said = _at(outcome.data, *path) is not None and self.own(outcome, path)
        if number is not None and (path[0] == "rules" or not said):
            path = (OWN, "codebook", "remove", number)
        return Fault(path=path, kind="241", message=message)
