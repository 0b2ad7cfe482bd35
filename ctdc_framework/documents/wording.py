"""Say in words what a codebook states in entries: rules, conditions, roles, who collects what."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from typing import Any

from attrs import frozen

from ctdc_framework.codebook.model import (
    Check,
    Codebook,
    Collection,
    Condition,
    Role,
    RuleEntry,
    Superseded,
)
from ctdc_framework.codebook.rewriting import Alpha3, Recode
from ctdc_framework.codebook.rules import Bin, Coalesce, Derive, First, Fold, Rule
from ctdc_framework.documents import nodes as n
from ctdc_framework.documents.prose import Prose
from ctdc_framework.toml.convert import unstructure

ROLES: Mapping[Role, tuple[str, str]] = {
    Role.QUASI: ("Quasi-identifier", "an outsider may know it about a person, or find it out"),
    Role.SENSITIVE: ("Sensitive", "nobody should learn it about a person"),
    Role.NONE: ("No role", "neither a quasi-identifier nor sensitive"),
}
"""What each role means."""

UNDECIDED = "to be decided"
"""Said of a variable in a draft that has no role yet."""

STATUSES: Mapping[str, str] = {
    "collected": "collected",
    "partial": "collected in part",
    "proxy": "by proxy",
    "not-collected": "not collected",
}

REASONS: Mapping[str, str] = {
    "not-collected": "nobody asked for it",
    "not-recorded": "it was not recorded",
    "not-applicable": "it does not apply",
    "suppressed": "it was taken out to protect privacy",
    "unknown": "it is not known",
}
"""What each reason for a missing value means."""

SEVERITIES: Mapping[str, str] = {
    "warning": "Reading warns of records in which ",
    "error": "Reading stops at records in which ",
}
"""What comes of a check that fails."""

_INTO = {"renamed": " to ", "merged": " into ", "split": " into ", "recoded": " as "}

_MODES = {
    "check": " Where the file itself has a value, the two must agree.",
    "fill": " Where the file itself has a value, that one stands.",
    "overwrite": " It stands even where the file itself has another value.",
}


@frozen
class Wording:
    """The words for a codebook's entries; `rules` tells about operations that plugins offer."""

    codebook: Codebook
    rules: Mapping[str, Rule[Any]]

    @cached_property
    def prose(self) -> Prose:
        """The codebook's own texts."""
        return Prose(self.codebook)

    def columns(self, names: Iterable[str], last: str = " and ") -> n.Inlines:
        """List variables and inputs."""
        return n.joined([(self.prose.column(name),) for name in names], ", ", last)

    def ranges(self, names: Iterable[str]) -> n.Inlines:
        """List variables, of neighbours only the first and the last."""
        places = list(self.codebook.variables)
        runs: list[list[str]] = []
        for name in names:
            if runs and places.index(name) == places.index(runs[-1][-1]) + 1:
                runs[-1].append(name)
            else:
                runs.append([name])
        parts = [
            self.columns((run[0], run[-1]), " to ") if len(run) > 2 else self.columns(run, ", ")
            for run in runs
        ]
        return n.joined(parts, ", ", " and ")

    def rule(self, entry: RuleEntry, of: Container[str] = ()) -> n.Inlines:
        """Say what a grouping rule does; where it is about many columns, only to those named."""
        known = self._known(entry.params, of)
        return n.line(known, _MODES.get(getattr(entry.params, "mode", ""), "")) if known else (
            self._foreign(entry)
        )  # fmt: skip

    def _known(self, params: Any, of: Container[str] = ()) -> n.Inlines:
        """Say what a rule of the language itself does; nothing of any other."""
        column = self.prose.column
        match params:
            case First(from_=source, to=target):
                listed = n.line("The first of the values that a cell of ", column(source), " lists")
                return n.line(listed, " becomes ", column(target), ".")
            case Bin(from_=source, to=target):
                number = n.line("The whole number in ", column(source))
                return n.line(number, " becomes the band that holds it, in ", column(target), ".")
            case Fold(from_=sources, to=target):
                words = n.line(column(target), " is ", n.Code("1"), " wherever ")
                words = n.line(words, self.columns(sources, " or "), " is ", n.Code("1"))
                return n.line(words, ", and wherever the file itself says so.")
            case Coalesce(from_=sources, to=target):
                words = n.line(column(target), " takes the first of these that is known: ")
                return n.line(words, self.columns(sources, ", else "), ".")
            case Derive(to=target, any=any_of, conditions=conditions):
                told = [self.condition(one) for one in conditions]
                words = n.line(column(target), " is ", n.Code("1"), " wherever ")
                return n.line(words, n.joined(told, ", ", " or " if any_of else " and "), ".")
            case Recode(on=names, map=replaced, file_has=marks):
                words = n.line(self._of_files(marks), self._replaced(names[0], replaced))
                return n.line(words, self._there(names, of), ".")
            case Alpha3(on=names, file_has=marks):
                words = n.line(self._of_files(marks), "two-letter codes of ISO 3166-1 become ")
                return n.line(words, "its three-letter ones", self._there(names, of), ".")
        return ()

    def _there(self, names: Iterable[str], of: Container[str]) -> n.Inlines:
        """Say in which columns texts are replaced, unless it is the variable that is spoken of."""
        told = [name for name in names if not of or name in of]
        alone = bool(of) and len(told) == 1 and told[0] in self.codebook.variables
        return () if alone else n.line(". So in ", self.columns(told))

    def _of_files(self, marks: Iterable[str]) -> n.Inlines:
        """Say of which files a rule speaks that replaces texts."""
        which = n.line(" that has ", self.columns(marks)) if marks else ()
        return n.line("As a file", which, " is read, ")

    def _replaced(self, name: str, replaced: Mapping[str, str]) -> n.Inlines:
        """Say what a recode rule replaces, each new value once."""
        sources: dict[str, list[str]] = {}
        for old, new in replaced.items():
            sources.setdefault(new, []).append(old)
        labels = {one.code: one.label for one in self.codebook.domain_of(name).values}
        told = []
        for new, olds in sources.items():
            label = f" ({labels[new]})" if labels.get(new, new) not in ("", new) else ""
            value = n.line(n.Code(new), label) if new else n.line("missing")
            become = " become " if len(olds) > 1 else " becomes "
            told.append(n.line(codes(olds, " and "), become, value))
        return n.joined(told, "; ")

    def _foreign(self, entry: RuleEntry) -> n.Inlines:
        """Say of a plugin's rule what it says of itself, and its entries."""
        rule = self.rules.get(entry.op)
        words: n.Inlines = (n.Code(entry.op), n.Text(f": {rule.summary}." if rule else "."))
        if rule and (read := tuple(rule.reads(entry.params))):
            words = n.line(words, " It reads ", self.columns(read), ".")
        if rule and (written := tuple(rule.writes(entry.params))):
            words = n.line(words, " It writes ", self.columns(written), ".")
        told = [
            (n.Code(f"{key} = {json.dumps(value, ensure_ascii=False)}"),)
            for key, value in unstructure(entry.params).items()
        ]
        return n.line(words, " Its entries: ", n.joined(told, ", "), ".") if told else words

    def condition(self, one: Condition) -> n.Inlines:
        """Say what a condition asks for."""
        name = self.prose.column(one.var)
        if one.missing:
            return n.line(name, " is missing")
        values = [(n.Code(value),) for value in one.values]
        return n.line(name, " is ", n.joined(values, ", ", " or "))

    def check(self, check: Check) -> n.Inlines:
        """Say what should never be true of one record, and what happens where it is."""
        conditions = n.joined([self.condition(one) for one in check.never], ", ", " and ")
        return n.line(SEVERITIES[check.severity], conditions, ".")

    def collection(self, one: Collection) -> n.Inlines:
        """Say how a contributor collects a variable."""
        since = f" since {one.since}" if one.since is not None else ""
        texts = (
            ("", one.meaning),
            ("recorded instead: ", one.proxy),
            ("comes near to: ", one.approximates),
        )
        told = [n.line(STATUSES[one.status], since)]
        told += [n.line(words, self.prose.inlines(text)) for words, text in texts if text]
        if one.records_several is not None:
            many = "several values" if one.records_several else "a single value"
            told.append(n.line(f"{many} for a person"))
        if one.note:
            told.append(self.prose.inlines(one.note))
        return n.joined(told, "; ")

    def superseded(self, one: Superseded) -> n.Inlines:
        """Say what became of variables of an earlier codebook."""
        what = f" of {one.codebook} {'were' if len(one.variables) > 1 else 'was'} {one.how}"
        words = n.line(codes(one.variables, " and "), what)
        if one.by:
            words = n.line(words, _INTO.get(one.how, " for "), self.columns(one.by))
        return n.line(words, ". ", self.prose.inlines(one.note)) if one.note else (
            n.line(words, ".")
        )  # fmt: skip

    def missing(self, name: str) -> n.Inlines:
        """Say which texts mean that a variable's value is missing."""
        variable = self.codebook.variables[name]
        texts = [one.code for one in self.codebook.missing.codes if one.code]
        words: n.Inlines = (n.Text("Never in the records that are read."),)
        if variable.nullable:
            also = n.line("; in raw files also ", codes(texts)) if texts else ()
            words = n.line("A blank cell", also, ".")
        if not variable.required:
            words = n.line(words, " A file may lack the column: then it is missing throughout.")
        if variable.protected:
            return n.line(words, " No privacy strategy may blank it.")
        return words if variable.nullable else n.line(words, " A privacy strategy may blank it.")


def codes(values: Iterable[str], last: str = " or ") -> n.Inlines:
    """List texts of a file."""
    return n.joined([(n.Code(value),) for value in values], ", ", last)
