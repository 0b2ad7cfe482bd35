"""The single changes from one codebook to another, table by table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from ctdc_framework.codebook.domains import STANDARD
from ctdc_framework.codebook.model import Codebook, Input, Role, Variable
from ctdc_framework.codebook.rewriting import Recode
from ctdc_framework.codebook.rules import Fold
from ctdc_framework.difference.domains import Change, Severity, domain_changes, listed
from ctdc_framework.toml.convert import fields_of, key_of

TEXTS = frozenset(
    [
        *("because", "caveat", "concept", "definition", "description", "how", "label", "lang"),
        *("meaning", "name", "note", "printed", "released", "section", "seen_in", "text", "title"),
        *("type", "url", "where"),
    ]
)
"""Entries that say something to readers and change nothing that is done."""

WEIGHT: Mapping[str, tuple[Severity, Severity, Severity]] = {
    "rules": ("minor", "relaxed", "major"),
    "checks": ("minor", "minor", "minor"),
    "contributors": ("minor", "minor", "minor"),
    "hierarchies": ("minor", "major", "major"),
    "groups": ("minor", "major", "major"),
    "notes": ("patch", "patch", "patch"),
    "sections": ("patch", "patch", "patch"),
    "figures": ("patch", "patch", "patch"),
}
"""How much it weighs that an entry is new, is gone, or is changed in more than its texts."""

PROSE = ("errata", "supersedes", "allow")
"""Arrays whose entries have no name, and no effect on data."""


def changes_between(old: Codebook, new: Codebook) -> Iterator[Change]:
    """Go through all changes, in the order of the codebook's tables."""
    compared = _Comparison(old=old, new=new)
    yield from compared.header()
    yield from compared.privacy()
    yield from compared.missing()
    yield from compared.domains()
    yield from compared.variables()
    yield from compared.inputs()
    yield from compared.others()


@frozen(kw_only=True)
class _Comparison:
    old: Codebook
    new: Codebook

    def header(self) -> Iterator[Change]:
        for key, before, after in _differing(self.old.header, self.new.header):
            if key not in ("version", "order"):
                severity: Severity = "patch" if key in TEXTS or key in ("id", "status") else "minor"
                yield _change(key, f"codebook.{key}", _became(before, after), severity)
        ours = [name for name in self.old.variables if name in self.new.variables]
        theirs = [name for name in self.new.variables if name in self.old.variables]
        if ours != theirs:
            message = "the columns of a release are in another order"
            yield _change("order", "codebook.order", message, "minor")

    def privacy(self) -> Iterator[Change]:
        for key, before, after in _differing(self.old.privacy, self.new.privacy):
            if key == "subject" and not after:
                message = f"k counts records, and no longer subjects told apart by {before}"
                yield _change("subject-dropped", "privacy.subject", message, "relaxed")
                continue
            if key not in ("k", "round_to"):
                yield _change("privacy", f"privacy.{key}", _became(before, after), "major")
                continue
            word, severity = _LOWERED if after < before else _RAISED
            message = f"{key} was {word} from {before} to {after}"
            yield _change(f"{key.replace('_', '-')}-{word}", f"privacy.{key}", message, severity)

    def missing(self) -> Iterator[Change]:
        ours = {one.code or "(blank)": one for one in self.old.missing.codes}
        theirs = {one.code or "(blank)": one for one in self.new.missing.codes}
        yield from _keyed("missing", "missing", ours, theirs, ("minor", "major", "minor"))

    def domains(self) -> Iterator[Change]:
        """Compare domains of one name; where the name changed, what uses it is compared."""
        for name, one in self.old.domains.items():
            at = f"domains.{name}"
            if name not in self.new.domains:
                if name not in _used(self.old):
                    yield _change("domain-removed", at, "was not used, and is gone", "patch")
                continue
            users = [key for key, entry in self.new.entries() if entry.domain == name]
            recodes = _recodes(self.new, users)
            for found in domain_changes(one, self.new.domains[name], recodes):
                told = f", in {listed(users)}" if users else ""
                yield evolve(found, at=at, message=found.message + told)
        for name in self.new.domains:
            if name not in self.old.domains and name not in _used(self.new):
                message = "is new, and not used yet"
                yield _change("domain-added", f"domains.{name}", message, "patch")

    def variables(self) -> Iterator[Change]:
        matched = self._matched()
        sources: dict[str, list[str]] = {}
        for name, targets in matched.items():
            for target in targets:
                sources.setdefault(target, []).append(name)
        for name, targets in matched.items():
            at = f"variables.{name}"
            if not targets and name in self.new.inputs:
                message = "is no longer released, only read"
                yield _change("variable-removed", at, message, "major")
            elif not targets:
                yield _change("variable-removed", at, "is gone", "major")
            elif len(targets) > 1:
                yield _change("variable-split", at, f"was split into {listed(targets)}", "major")
            elif targets == [name]:
                yield from self._variable(name, name)
            elif len(sources[targets[0]]) == 1:  # a merged one is told below
                yield _change("variable-renamed", at, f"is now called {targets[0]}", "major")
                yield from self._variable(name, targets[0])
        read = {key for name, one in self.old.inputs.items() for key in (name, *one.aliases)}
        for name, variable in self.new.variables.items():
            at, before = f"variables.{name}", sources.get(name, [])
            if len(before) > 1:
                yield _change("variable-merged", at, f"was made of {listed(before)}", "major")
            elif not before and not read.isdisjoint([name, *variable.aliases]):
                yield _change("released", at, "was only read, and is now released", "relaxed")
            elif not before:
                yield _change("variable-added", at, "is new", "minor")
            if before != [name]:  # else the rule that was changed is told
                yield from self._taken_in(name, before)

    def _taken_in(self, name: str, before: Sequence[str]) -> Iterator[Change]:
        """Tell of inputs that are folded into a variable, and were not part of it before."""
        earlier = {source: to for to, sources in _folds(self.old) for source in sources}
        for source in (one for to, each in _folds(self.new) if to == name for one in each):
            if source in self.old.inputs and earlier.get(source) not in (name, *before):
                where = f"part of {earlier[source]}" if source in earlier else "only read"
                message = f"takes in {source}, which was {where}"
                yield _change("variable-takes-in", f"variables.{name}", message, "major")

    def _matched(self) -> dict[str, list[str]]:
        """Say what each old variable is in the new codebook; nothing where it is gone."""
        variables = self.new.variables
        aliases = {alias: name for name, one in variables.items() for alias in one.aliases}
        found: dict[str, list[str]] = {}
        for name in self.old.variables:
            if name in variables:
                found[name] = [name]
            else:
                found[name] = [aliases[name]] if name in aliases else []
        for one in self.new.supersedes:
            for name in one.variables if one.codebook == self.old.id else ():
                if name in found:
                    kept = [name] if name in variables and one.how != "split" else []
                    targets = [target for target in one.by if target in variables]
                    found[name] = kept or targets or found[name]
        return found

    def _variable(self, ours: str, theirs: str) -> Iterator[Change]:
        old, new, at = self.old.variables[ours], self.new.variables[theirs], f"variables.{theirs}"
        for key, before, after in _differing(old, new):
            if key == "role":
                yield from _role(at, before, after)
            elif key == "domain":
                yield from self._domain_named(at, old, new)
            elif key == "contributors":
                weights = WEIGHT["contributors"]
                yield from _keyed(f"{at}.contributors", "collection", before, after, weights)
            elif key not in ("name", "use"):
                yield from _entry(at, key, before, after)

    def _domain_named(
        self, at: str, old: Variable | Input, new: Variable | Input
    ) -> Iterator[Change]:
        """Compare the domains of what names another domain than before."""
        ours, theirs = self.old.find_domain(old.domain), self.new.find_domain(new.domain)
        if ours is None or theirs is None:  # an identifier has none
            yield _change("domain-renamed", at, _became(old.domain, new.domain), "minor")
            return
        found = [*domain_changes(ours, theirs, _recodes(self.new, [new.name]))]
        yield from (evolve(one, at=at) for one in found)
        if not found:
            message = f"its domain is now called {new.domain}"
            yield _change("domain-renamed", at, message, "patch")

    def inputs(self) -> Iterator[Change]:
        released = {key for name, one in self.new.variables.items() for key in (name, *one.aliases)}
        for name, one in self.old.inputs.items():
            at = f"inputs.{name}"
            if name in self.new.inputs:
                yield from self._input(at, one, self.new.inputs[name])
            elif name not in released:
                yield _change("input-removed", at, "is no longer read", "major")
        for name in self.new.inputs:
            if name not in self.old.inputs and name not in self.old.variables:
                yield _change("input-added", f"inputs.{name}", "is new", "minor")

    def _input(self, at: str, old: Input, new: Input) -> Iterator[Change]:
        for key, before, after in _differing(old, new):
            if key == "role" and before == "identifier":
                message = "was dropped as an identifier, and is now read"
                yield _change("identifier-read", at, message, "relaxed")
            elif key == "role":
                message = "is now dropped as an identifier"
                yield _change("identifier-dropped", at, message, "minor")
            elif key == "domain":
                yield from self._domain_named(at, old, new)
            else:
                yield from _entry(at, key, before, after)

    def others(self) -> Iterator[Change]:
        done = ("header", "privacy", "missing", "domains", "variables", "inputs")
        for key, before, after in _differing(self.old, self.new):
            if key in WEIGHT:
                kind = "hierarchy" if key == "hierarchies" else key.removesuffix("s")
                found = [*_keyed(key, kind, _by_name(before), _by_name(after), WEIGHT[key])]
                yield from map(self._rule_gone, found) if key == "rules" else found
                if not found and key != "rules":  # whose order means nothing
                    yield _change(f"{kind}-order", key, "are in another order", "patch")
            elif key not in (*done, "origin", "digest"):
                yield _change(key, key, "was changed", "patch" if key in PROSE else "minor")

    def _rule_gone(self, change: Change) -> Change:
        """A rule that is gone relaxes nothing where what it wrote is not released any more."""
        name = change.at.partition(".")[2]
        to = next((getattr(one.params, "to", "") for one in self.old.rules if one.id == name), "")
        withdrawn = to in self.old.variables and to not in self.new.variables
        if change.kind != "rule-removed" or not withdrawn:
            return change
        return evolve(change, message=f"is gone, as is {to}, which it wrote", severity="minor")


# ------------------------------------------------------------------------------- one entry of them

_LOWERED: tuple[str, Severity] = ("lowered", "relaxed")
_RAISED: tuple[str, Severity] = ("raised", "minor")


def _role(at: str, before: Sequence[Role], after: Sequence[Role]) -> Iterator[Change]:
    dropped = [one.value for one in before if one not in after and one is not Role.NONE]
    taken = [one.value for one in after if one not in before and one is not Role.NONE]
    if dropped:
        yield _change("role-relaxed", at, f"role dropped {listed(dropped)}", "relaxed")
    if taken:
        yield _change("role-tightened", at, f"role is now {listed(taken)} too", "minor")
    if not dropped and not taken:
        yield _change("role-order", at, "its roles are in another order", "patch")


def _entry(at: str, key: str, before: Any, after: Any) -> Iterator[Change]:
    """Tell the change of one entry of a variable or an input."""
    if key == "aliases":
        if gone := [one for one in before if one not in after]:
            message = f"is no longer read under the name {listed(gone)}"
            yield _change("alias-removed", at, message, "major")
        if come := [one for one in after if one not in before]:
            yield _change("alias-added", at, f"is read under the name {listed(come)} too", "minor")
        if not gone and not come:
            yield _change("alias-order", at, "its aliases are in another order", "patch")
    elif key == "nullable":
        message = "may be missing in the input" if after else "may no longer be missing"
        yield _change(key, at, message, "minor" if after else "major")
    elif key == "required":
        message = "may no longer be absent from a file" if after else "may be absent from a file"
        yield _change(key, at, message, "major" if after else "minor")
    elif key == "protected":
        message = "may not be blanked any more" if after else "may now be blanked"
        yield _change(key, at, message, "minor")
    elif key == "missing_matches":
        message = f"in k-anonymity, a missing value now matches {after}"
        yield _change(key, at, message, "relaxed" if after == "anything" else "minor")
    elif key == "list":
        message = f"lists several values, parted by {after}" if after else "holds one value"
        yield _change(key, at, f"a cell now {message}", "major")
    elif key in TEXTS:
        yield _change("text", at, f"its {key}", "patch")
    else:
        yield _change(key, f"{at}.{key}", _became(before, after), "minor")


def _keyed(
    at: str,
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    weights: tuple[Severity, Severity, Severity],
) -> Iterator[Change]:
    """Compare entries that have names: which are new, gone, or changed."""
    new, gone, changed = weights
    for name, one in before.items():
        if name not in after:
            yield _change(f"{kind}-removed", f"{at}.{name}", "is gone", gone)
        elif keys := [*_changed_keys(one, after[name])]:
            # A rule's parameters may be called anything.
            texts = {"because"} if kind == "rule" else TEXTS
            severity: Severity = "patch" if texts.issuperset(keys) else changed
            message = f"was changed: {listed(keys)}"
            yield _change(f"{kind}-changed", f"{at}.{name}", message, severity)
    for name in after:
        if name not in before:
            yield _change(f"{kind}-added", f"{at}.{name}", "is new", new)


def _changed_keys(before: Any, after: Any) -> Iterator[str]:
    for key, ours, theirs in _differing(before, after):
        if key == "params" and type(ours) is type(theirs):
            yield from (inner for inner, _, _ in _differing(ours, theirs))
        elif key != "params" or before.op == after.op:
            yield key


def _differing(before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Go through the entries in which two value objects differ, by their keys."""
    for one in fields_of(type(before)):
        ours, theirs = getattr(before, one.name), getattr(after, one.name)
        # Mappings are equal whatever their order; that of variables is looked at elsewhere.
        if ours != theirs:
            yield key_of(one), ours, theirs


def _by_name(entries: Any) -> dict[str, Any]:
    return dict(entries) if isinstance(entries, Mapping) else {one.id: one for one in entries}


def _used(book: Codebook) -> set[str]:
    return {one.domain for _, one in book.entries()} - STANDARD.keys()


def _folds(book: Codebook) -> Iterator[tuple[str, Sequence[str]]]:
    """Give what is folded into what."""
    for rule in book.rules:
        if isinstance(rule.params, Fold):
            yield rule.params.to, rule.params.from_


def _recodes(book: Codebook, names: Sequence[str]) -> dict[str, str]:
    """Give what a codebook's rules replace in some columns."""
    found: dict[str, str] = {}
    for rule in book.rules:
        if isinstance(rule.params, Recode) and not set(rule.params.on).isdisjoint(names):
            found |= rule.params.map
    return found


def _became(before: Any, after: Any) -> str:
    """Say what a single value became, unless it is long."""
    ours, theirs = _shown(before), _shown(after)
    return f"{ours} became {theirs}" if len(ours) + len(theirs) <= 120 else "was changed"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return listed(map(_shown, value)) if value else "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if value not in ("", None) else "nothing"


def _change(kind: str, at: str, message: str, severity: Severity) -> Change:
    return Change(kind=kind, at=at, message=message, severity=severity)
