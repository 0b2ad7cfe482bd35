"""The entry of a variable: everything that the codebook says about it, in one place."""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import cached_property

from attrs import frozen

from ctdc_framework.codebook.domains import CountryDomain, Domain, FlagDomain, RangeDomain, Value
from ctdc_framework.codebook.model import Codebook, Erratum, RuleEntry, Variable
from ctdc_framework.codebook.rules import flow_of
from ctdc_framework.documents import nodes as n
from ctdc_framework.documents.counts import Shown
from ctdc_framework.documents.prose import Prose, anchor
from ctdc_framework.documents.wording import ROLES, UNDECIDED, Wording, codes

FEW = 12
"""So many values are listed one by one where they stand behind a coarser one."""

LONG = 40
"""A domain with more values is printed once, at the end, and not with every variable."""


@frozen
class Entries:
    """The entries of all variables."""

    wording: Wording
    shown: Shown

    @property
    def codebook(self) -> Codebook:
        """The codebook that is printed."""
        return self.wording.codebook

    @property
    def prose(self) -> Prose:
        """The codebook's own texts."""
        return self.wording.prose

    def all(self) -> n.Blocks:
        """Give every variable's entry, in order, under the headings that the codebook gives."""
        done: list[n.Block] = []
        heading, under = "", list[n.Section]()
        for name, variable in self.codebook.variables.items():
            if variable.section != heading or not heading:
                done += _under(heading, under, len(done))
                heading, under = variable.section, []
            under.append(self.entry(name))
        return (*done, *_under(heading, under, len(done)))

    def entry(self, name: str) -> n.Section:
        """Give the entry of one variable."""
        variable = self.codebook.variables[name]
        blocks = list(self.prose.blocks(variable.definition))
        if variable.caveat:
            blocks.append(n.Aside("Caution", self.prose.blocks(variable.caveat)))
        table = self._values(name)
        facts = self._facts(variable, tabled=table is not None)
        blocks += [table] if table else []
        blocks.append(n.Facts(tuple((term, told) for term, told in facts.items() if told)))
        return n.Section(
            id=anchor("variable", name),
            title=(n.Text(self.prose.title(name)),),
            children=tuple(blocks),
            kind="variable",
        )

    def _facts(self, variable: Variable, tabled: bool) -> dict[str, n.Blocks]:
        """Give what is said in a line or two; a fact of which nothing is said is empty."""
        name, words, prose, book = variable.name, self.wording, self.prose, self.codebook
        roles = [n.line(": ".join(ROLES[role])) for role in variable.role] or [n.line(UNDECIDED)]
        if variable.is_quasi and variable.missing_matches == "anything":
            roles.append(n.line("in k-anonymity a missing value is as good as every value"))
        rules = [self._rule(one, of) for one, of in self._rules(name)]
        checks = [
            n.line(words.check(one), " ", prose.inlines(one.because))
            for one in book.checks
            if name in [condition.var for condition in one.never]
        ]
        earlier = [words.superseded(one) for one in book.supersedes if name in one.by]
        errata = [erratum(prose, one) for one in book.errata if _concerns(one, variable)]
        return {
            "Type": _lines(variable.type),
            "Values": self._values_in_words(variable, tabled),
            "Coarser values": self._coarser(name),
            "Missing": _lines(words.missing(name)),
            "Also called": _lines(codes(variable.aliases, " and ")),
            "Concept": _lines(prose.inlines(variable.concept)),
            "Privacy": _lines(n.joined(roles, "; ")),
            "Generalised by": self._hierarchy(variable),
            "Shares": self._shares(name),
            "Contributors": self._contributors(variable),
            "Grouping": _told(rules),
            "Checks": _told(checks),
            "Takes the place of": _told(earlier),
            "Errata": _told(errata),
        }

    @cached_property
    def rules(self) -> tuple[RuleEntry, ...]:
        """The grouping rules in the order in which they run; unknown ones at the end."""
        known = [rule for rule in self.codebook.rules if rule.op in self.wording.rules]
        flow = flow_of(known, self.wording.rules)
        found = (*flow.rewriting, *flow.ordered)
        return (*found, *(rule for rule in self.codebook.rules if rule not in found))

    def _rule(self, entry: RuleEntry, of: Container[str]) -> n.Inlines:
        """Tell a rule as far as it concerns a variable; the link leads to the whole of it."""
        words = n.line(self.prose.link("rule", entry.id, entry.id), ": ")
        words = n.line(words, self.wording.rule(entry, of))
        rule = self.wording.rules.get(entry.op)
        if rule and rule.rewrites and len(rule.rewrites(entry.params)[0]) > FEW:
            return words  # why, is told there once
        return n.line(words, " ") + self.prose.inlines(entry.because)

    def _rules(self, name: str) -> list[tuple[RuleEntry, Container[str]]]:
        """List the rules that make a variable, those that make its inputs included.

        Each comes with the columns on account of which it is there.
        """
        wanted = {name}
        found: list[tuple[RuleEntry, Container[str]]] = []
        for entry in reversed(self.rules):  # what is written last is looked at first
            rule = self.wording.rules.get(entry.op)
            if rule is None:
                continue
            rewritten = rule.rewrites(entry.params)[0] if rule.rewrites else ()
            of = wanted.intersection((*rewritten, *rule.writes(entry.params)))
            if of:
                found.insert(0, (entry, of))
                wanted |= {one for one in rule.reads(entry.params) if one in self.codebook.inputs}
        return found

    def _values(self, name: str) -> n.Table | None:
        """Give the table of a variable's values, if there is more to them than a list."""
        domain, shown = self.codebook.domain_of(name), self.shown
        counted, base = name in shown.counts, shown.base(name)
        values = self._listed(name)
        labelled = any(one.label not in ("", one.code) for one in values)
        defined = any(one.definition for one in values)
        is_flag = isinstance(domain, FlagDomain)
        if not (counted or ((labelled or defined) and not is_flag)):
            return None

        def row(code: str, label: str, definition: str) -> tuple[n.Inlines, ...]:
            cells = [(n.Code(code),) if code else n.line("(blank)")]
            cells += [n.line(label)] * labelled + [self.prose.inlines(definition)] * defined
            cells += [n.line(shown.words(name, code))] * counted
            return (*cells, *[n.line(shown.share(name, code))] * bool(base))

        rows = [row(one.code, one.label or one.code, one.definition) for one in values]
        if counted:
            rows.append(row("", "", "No or unknown, never no." if is_flag else ""))
        label = "Country" if isinstance(domain, CountryDomain) else "Printed as"
        columns = ["Value", *[label] * labelled, *["Meaning"] * defined]
        columns += ["Records"] * counted + ["Share"] * bool(base)
        of = f"; shares of {base}" if base else ""
        return n.Table(
            caption=n.line(f"{self.prose.title(name)}: values{of}"),
            columns=tuple(columns),
            rows=tuple(rows),
            numbers=counted + bool(base),
        )

    def _listed(self, name: str) -> list[Value]:
        """List the values that a table has rows for: of many only those that occur."""
        domain = self.codebook.domain_of(name)
        values = {one.code: one for one in domain.values}
        many = len(values) > LONG
        if name not in self.shown.counts:
            return [] if many or isinstance(domain, RangeDomain) else list(values.values())
        hierarchy = self.codebook.hierarchies.get(self.codebook.variables[name].hierarchy)
        for level in hierarchy.levels if hierarchy else ():
            for group in level.groups:
                values.setdefault(group.code, Value(code=group.code, label=group.label))
        return [
            value
            for code, value in values.items()
            if self.shown.rounded(name, code) or (code in domain.known and not many)
        ]

    def _values_in_words(self, variable: Variable, tabled: bool) -> n.Blocks:
        """Say which values there are, unless a table tells it, and what else is to know of them."""
        domain = self.codebook.domain_of(variable.name)
        words = in_words(self.prose, domain, variable.domain)
        told: list[n.Inlines] = []
        if isinstance(domain, FlagDomain):
            told.append(n.line(n.Code("1"), " or missing; missing means no or unknown, never no."))
        elif not tabled:
            told.append(n.line(words, "."))
        elif len(domain.codes) > LONG:
            told.append(n.line(words, f"; without a row: fewer than {self.shown.least}."))
        if variable.list:
            several = n.line("A cell may list several, parted by ", n.Code(variable.list))
            told.append(n.line(several, ": what is known, not all there is."))
        if definition := getattr(domain, "definition", ""):
            told.append(self.prose.inlines(definition))
        return _lines(n.joined(told, " "))

    def _coarser(self, name: str) -> n.Blocks:
        """List the generalised values that a release holds, and what each stands for."""
        covers = self.codebook.release_domains[name]
        own = self.codebook.domain_of(name).codes
        told = []
        for code in self.shown.generalised.get(name, ()):
            members = [one for one in own if one in covers[code]]
            few = codes(members, " and ") if len(members) <= FEW else f"{len(members)} values"
            told.append(n.line(n.Code(code), " stands for ", few))
        return _lines(n.line("In this release, ", n.joined(told, "; "), ".")) if told else ()

    def _hierarchy(self, variable: Variable) -> n.Blocks:
        if not variable.hierarchy:
            return ()
        name = variable.hierarchy
        return _lines((self.prose.link("hierarchy", name, f"Hierarchy {name}"),))

    def _shares(self, name: str) -> n.Blocks:
        group = self.codebook.group_of(name)
        if not group:
            return ()
        title = n.plain(self.prose.inlines(self.codebook.groups[group].title))
        link = self.prose.link("group", group, title)
        return _lines(n.line("Within the group ", link, " only"))

    def _contributors(self, variable: Variable) -> n.Blocks:
        """Say who collects a variable; who is not spoken of is unknown, which is not `no`."""
        told = [
            n.line(self._contributor(name), ": ", self.wording.collection(one))
            for name, one in variable.contributors.items()
        ]
        silent = [
            (self._contributor(name),)
            for name in self.codebook.contributors
            if name not in variable.contributors
        ]
        if silent:
            who = n.joined(silent, ", ", " and ")
            told.append(n.line(who, ": unknown, as the codebook does not say"))
        return _told(told)

    def _contributor(self, name: str) -> n.Inline:
        who = self.codebook.contributors.get(name)
        return self.prose.link("contributor", name, who.label if who else name)


def in_words(prose: Prose, domain: Domain, name: str) -> n.Inlines:
    """Say which values the domain of this name has."""
    if isinstance(domain, RangeDomain):
        unit = f", in {domain.unit}s" if domain.unit not in ("", "year") else ""
        what = "Years" if domain.unit == "year" else "Whole numbers"
        return n.line(f"{what} from {domain.min} to {domain.max}{unit}")
    if domain.is_open:
        return n.line("Any whole number" if name == "std/integer" else "Any text")
    listed = codes(domain.codes)
    if len(domain.codes) > LONG:
        link = prose.link("values", name, f"{len(domain.codes)} values")
        listed = (link,)
    if isinstance(domain, CountryDomain):
        what = f"Three-letter codes of {domain.standard}, as of {domain.as_of.isoformat()}: "
        return n.line(what, listed)
    return listed


def erratum(prose: Prose, one: Erratum) -> n.Inlines:
    """Say where the print differs."""
    printed = n.line(one.where, ": ", n.Code(one.printed), ".")
    return n.line(printed, " ", prose.inlines(one.note)) if one.note else printed


def _concerns(one: Erratum, variable: Variable) -> bool:
    table, _, rest = one.at.partition(".")
    return rest == {"variables": variable.name, "domains": variable.domain}.get(table)


def _lines(words: str | n.Inlines) -> n.Blocks:
    return (n.Paragraph(n.line(words)),) if words else ()


def _told(told: Iterable[n.Inlines]) -> n.Blocks:
    """Give one paragraph, or a list of several."""
    listed = tuple((n.Paragraph(words),) for words in told)
    return listed[0] if len(listed) == 1 else (n.Listed(listed),) if listed else ()


def _under(heading: str, entries: list[n.Section], place: int) -> list[n.Section]:
    if not heading or not entries:
        return entries
    title = (n.Text(heading),)
    return [n.Section(id=f"part-{place + 1}", title=title, children=tuple(entries))]
