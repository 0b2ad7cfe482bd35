"""What a codebook that extends another may not do without saying why.

It may not lower `privacy.k`, count records for subjects, take a role or its protection from a
variable, let a missing value match anything, or remove or change a rule, unless a `[[relax]]` entry
names just that and gives a reason, which a reader then sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import define, frozen, validators

from ctdc_framework.errors import did_you_mean
from ctdc_framework.language.origins import OWN, Inherited, at, id_of, less, names_of
from ctdc_framework.problems.faults import Fault, Faults, Path
from ctdc_framework.toml.convert import entry, named, structure
from ctdc_framework.toml.file import TomlFile

T = TypeVar("T")
Relaxed = Sequence[tuple[int, str]]

REMOVE: Path = ("codebook", "remove")


@frozen(kw_only=True)
class Relaxation:
    """One thing that a codebook protects less than its parent does."""

    what: str = entry("what is relaxed, such as privacy.k or variables.age.role")
    because: str = entry("why that is right", validator=validators.min_len(1))


def relaxed_in(file: TomlFile, faults: list[Fault]) -> Relaxed:
    """List what `[[relax]]` names, by the places of the entries, and add what is wrong with them.

    One that gives no reason is a fault and relaxes all the same: one mistake is told once.

    >>> faults = []
    >>> data = {"relax": [{"what": "privacy.k"}]}
    >>> relaxed_in(TomlFile(name="a.toml", data=data), faults)
    [(0, 'privacy.k')]
    >>> faults[0].message
    '`because` is missing'
    """
    entries = file.data.get("relax", [])
    read(entries, tuple[Relaxation, ...], ("relax",), faults)
    found = (
        (n, at(one, "what")) for n, one in enumerate(entries if isinstance(entries, list) else ())
    )
    return [(number, what) for number, what in found if isinstance(what, str)]


def read(value: object, cls: type[T], path: Path, faults: list[Fault]) -> T | None:
    """Give a value as `cls`, or None and what is wrong with it among `faults`."""
    try:
        return structure(value, cls)
    except Faults as found:
        faults += [named(fault, path[-1]).under(*path) for fault in found.faults]
        return None


def unused(relaxed: Relaxed, broken: Iterable[str]) -> Iterator[Fault]:
    """Go through what is relaxed though nothing that it names is broken.

    >>> [fault.path for fault in unused([(0, "privacy.k"), (1, "privacy.k")], ["privacy.k"])]
    [('relax', 1, 'what')]
    """
    needed = set(broken)
    for number, what in relaxed:
        if what not in needed:
            message = f"`{what}` is relaxed, and this codebook does not need it to be"
            help = did_you_mean(what, sorted(needed)) or "take it out"
            path: Path = ("relax", number, "what")
            yield Fault(path=path, kind="242", message=message, help=help, level="warning")
        needed.discard(what)


@define(kw_only=True)
class Seals:
    """Compares what a child protects with what its parent does, however it came to differ.

    `removed` says for the entries of the parent that are dropped which element of `remove` does so.
    """

    file: TomlFile
    before: Mapping[str, Any]
    after: Inherited
    removed: Mapping[Path, int]

    def broken(self) -> Iterator[tuple[str, Fault]]:
        """Go through the seals that are broken, each with the name by which it is relaxed."""
        before, after = self.before, self.after.data
        k, now = at(before, "privacy", "k"), at(after, "privacy", "k")
        if type(k) is type(now) is int and now < k:
            yield "privacy.k", self.fault(("privacy", "k"), f"`k` is lowered from {k} to {now}")
        subject = at(before, "privacy", "subject")
        if subject and at(after, "privacy", "subject") != subject:
            message = f"k no longer counts subjects, told apart by `{subject}`"
            yield "privacy.subject", self.fault(("privacy", "subject"), message)
        # What is no array at all is a mistake of another kind.
        readable = isinstance(after.get("rules", []), list)
        rules = _rules(after)
        for name, (number, *_) in _rules(before).items() if readable else ():
            # One that is said twice is changed where either is.
            does = less(before["rules"][number], "because")
            changed = [n for n in rules.get(name, ()) if less(after["rules"][n], "because") != does]
            dropped = self.drop(("rules", number))
            if changed:
                message = f"rule `{name}` is changed"
                place: Path = ("rules", changed[0])
                yield f"rules.{name}", Fault(path=place, kind="241", message=message)
            elif name not in rules:
                place = ("rules",) if dropped is None else (OWN, *REMOVE, dropped)
                message = f"rule `{name}` is removed"
                yield f"rules.{name}", Fault(path=place, kind="241", message=message)
        yield from self.broken_by_variables()

    def broken_by_variables(self) -> Iterator[tuple[str, Fault]]:
        """Go through what variables have lost; what a template did to many is told once."""
        found: dict[tuple[str, Path, str], list[str]] = {}
        inherited = names_of(at(self.before, "variables"), ("variables",))
        for name in names_of(at(self.after.data, "variables"), ("variables",)):
            if name not in inherited:
                continue
            for key in ("role", "protected", "missing_matches"):
                was, _ = _said(self.before, name, key)
                now, path = _said(self.after.data, name, key)
                if words := _weaker(key, was, now):
                    found.setdefault((*self.blamed(name, path, key), words), []).append(name)
        for (subject, path, words), names in found.items():
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            yield subject, self.fault(path, f"variable `{names[0]}`{more} {words}")

    def blamed(self, name: str, path: Path, key: str) -> tuple[str, Path]:
        """Say what a reason has to name, and where the child did it."""
        use: Path = ("variables", name, "use")
        direct: Path = ("variables", name, key)
        if path == direct or self.drop(direct) is not None:
            return f"variables.{name}.{key}", direct
        if self.is_own(use):
            return f"variables.{name}.{key}", use
        return f"templates.{path[1]}.{key}", path

    def fault(self, path: Path, message: str) -> Fault:
        """Blame what the child gives instead, or else the element of `remove` that took it."""
        dropped = self.drop(path)
        if dropped is not None and not self.is_own(path):
            path = (OWN, *REMOVE, dropped)
        return Fault(path=path, kind="241", message=message)

    def drop(self, path: Path) -> int | None:
        """Say which element of `remove` dropped an entry of the parent, if one did."""
        found = (self.removed.get(path[:n]) for n in range(len(path), 0, -1))
        return next((number for number in found if number is not None), None)

    def is_own(self, path: Path) -> bool:
        """Say whether the child itself gives an entry."""
        own = self.after.origin(path).file is self.file
        return own and at(self.after.data, *path) is not None


def _weaker(key: str, was: object, now: object) -> str:
    """Say in words what a variable has lost, nothing if it has not."""
    if key == "missing_matches":
        return "lets a missing value match anything" if now == "anything" != was else ""
    if key == "protected":
        return "is no longer protected" if was is True and now is not True else ""
    before, after = (
        {one for one in roles if isinstance(one, str)} if isinstance(roles, list) else set()
        for roles in (was, now)
    )
    lost = sorted(before - after - {"none"}) if isinstance(now, list) else []
    return f"no longer has the role {' and '.join(f'`{one}`' for one in lost)}" if lost else ""


def _said(data: Mapping[str, Any], name: str, key: str) -> tuple[Any, Path]:
    """Give what a variable says, by itself or through its template, and where that stands."""
    direct: Path = ("variables", name, key)
    use = at(data, "variables", name, "use")
    if at(data, *direct) is not None or not isinstance(use, str):
        return at(data, *direct), direct
    return at(data, "templates", use, key), ("templates", use, key)


def _rules(data: Mapping[str, Any]) -> dict[str, list[int]]:
    """Give the places of the rules by their names."""
    found: dict[str, list[int]] = {}
    rules = data.get("rules")
    for number, one in enumerate(rules if isinstance(rules, list) else ()):
        if name := id_of(one):
            found.setdefault(name, []).append(number)
    return found
