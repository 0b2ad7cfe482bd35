"""The entry of a variable: everything that the codebook says about it, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ctdc_framework.codebook import Codebook, Erratum, RuleEntry, Variable
from ctdc_framework.documents import nodes as n
from ctdc_framework.documents.counts import Shown, known_codes
from ctdc_framework.documents.prose import Prose, anchor
from ctdc_framework.documents.wording import ROLES, Wording, codes
from ctdc_framework.domains import CountryDomain, Domain, FlagDomain, RangeDomain, Value
from ctdc_framework.rules import flow_of

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
        tables = tuple(self._values(name))
        facts = [(term, one) for term, one in self._facts(variable, bool(tables)) if one]
        blocks += tables
        blocks.append(n.Facts(tuple(facts)))
        return n.Section(
            id=anchor("variable", name),
            title=(n.Text(self.prose.title(name)),),
            children=tuple(blocks),
            kind="variable",
        )

    def _facts(self, variable: Variable, tabled: bool) -> Iterator[tuple[str, n.Blocks]]:
        name, words = variable.name, self.wording
        yield "Type", _lines(variable.type)
        yield "Values", self._values_in_words(variable, tabled)
        yield "Missing", _lines(words.missing(name))
        yield "Also called", _lines(codes(variable.aliases, " and "))
        yield "Concept", _lines(self.prose.inlines(variable.concept))
        yield (
            "Privacy",
            _lines(n.joined([n.line(": ".join(ROLES[role])) for role in variable.role], "; ")),
        )
        yield "Generalised by", self._hierarchy(variable)
        yield "Shares", self._shares(name)
        yield "Contributors", self._contributors(variable)
        yield "Grouping", _told(
            n.line(self.prose.link("rule", rule.id, rule.id), ": ", words.rule(rule), " ",
                   self.prose.inlines(rule.because))
            for rule in self._rules(name)
        )  # fmt: skip
        yield (
            "Checks",
            _told(
                n.line(words.check(check), " ", self.prose.inlines(check.because))
                for check in self.codebook.checks
                if name in [one.var for one in check.never]
            ),
        )
        yield (
            "Takes the place of",
            _told(words.superseded(one) for one in self.codebook.supersedes if name in one.by),
        )
        yield (
            "Errata",
            _told(
                erratum(self.prose, one) for one in self.codebook.errata if _concerns(one, variable)
            ),
        )

    def in_order(self) -> tuple[RuleEntry, ...]:
        """Give the grouping rules in the order in which they run."""
        known = [rule for rule in self.codebook.rules if rule.op in self.wording.rules]
        flow = flow_of(known, self.wording.rules)
        rest = [rule for rule in self.codebook.rules if rule not in known]
        return (*flow.rewriting, *flow.ordered, *rest)

    def _rules(self, name: str) -> list[RuleEntry]:
        """List the rules that make a variable, those that make its inputs included."""
        wanted, rules = [name], self.wording.rules
        found: list[RuleEntry] = []
        for rule in reversed(self.in_order()):  # what is written last is looked at first
            operation = rules.get(rule.op)
            if operation is None:
                continue
            rewrites = operation.rewrites
            written = operation.writes(rule.params) if rewrites is None else (
                rewrites(rule.params)[0]
            )  # fmt: skip
            if not set(wanted).isdisjoint(written):
                found.insert(0, rule)
                read = operation.reads(rule.params)
                wanted += [one for one in read if one in self.codebook.inputs]
        return found

    def _values(self, name: str) -> Iterator[n.Table]:
        """Give the table of a variable's values, if there is more to them than a list."""
        domain, shown = self.codebook.domain_of(name), self.shown
        counted, base = name in shown.counts, shown.base(name)
        values = self._listed(name)
        labelled = any(one.label.strip() not in ("", one.code) for one in values)
        defined = any(one.definition for one in values)
        if not (counted or ((labelled or defined) and not isinstance(domain, FlagDomain))):
            return
        label = "Country" if isinstance(domain, CountryDomain) else "Printed as"
        columns = ["Value", *[label] * labelled, *["Meaning"] * defined]
        rows: list[tuple[n.Inlines, ...]] = []
        for value in values:
            row: list[n.Inlines] = [(n.Code(value.code),) if value.code else n.line("(blank)")]
            row += [n.line(value.label or value.code)] * labelled
            row += [self.prose.inlines(value.definition)] * defined
            row += [n.line(shown.words(name, value.code))] * counted
            row += [n.line(shown.share(name, value.code))] * bool(base)
            rows.append(tuple(row))
        columns += ["Records"] * counted + ["Share"] * bool(base)
        title = self.prose.title(name)
        yield n.Table(
            caption=n.line(f"{title}: values", f"; shares of {base}" if base else ""),
            columns=tuple(columns),
            rows=tuple(rows),
            numbers=counted + bool(base),
        )

    def _listed(self, name: str) -> list[Value]:
        """List the values that a table has rows for: of many only those that occur."""
        domain = self.codebook.domain_of(name)
        values = {one.code: one for one in domain.values}
        if name not in self.shown.counts:
            return [] if len(values) > LONG or isinstance(domain, RangeDomain) else [*domain.values]
        hierarchy = self.codebook.hierarchies.get(self.codebook.variables[name].hierarchy)
        for level in hierarchy.levels if hierarchy else ():
            for group in level.groups:
                values.setdefault(group.code, Value(code=group.code, label=group.label))

        def is_listed(code: str) -> bool:
            own = code in domain.known and len(domain.codes) <= LONG
            return own or self.shown.rounded(name, code) > 0

        listed = [values[one] for one in known_codes(self.codebook, name) if is_listed(one)]
        blank = "No or unknown, never no." if isinstance(domain, FlagDomain) else ""
        return [*listed, Value(code="", label=" ", definition=blank)]

    def _values_in_words(self, variable: Variable, tabled: bool) -> n.Blocks:
        """Say which values there are, unless a table tells it, and what else is to know of them."""
        domain = self.codebook.domain_of(variable.name)
        told: list[n.Inlines] = []
        if isinstance(domain, FlagDomain):
            told.append(n.line(n.Code("1"), " or missing; missing means no or unknown, never no."))
        elif not tabled:
            told.append(n.line(in_words(self.prose, domain, variable.domain), "."))
        elif len(domain.codes) > LONG:
            told.append(n.line(in_words(self.prose, domain, variable.domain), f"; those without a row are "
                               f"fewer than {self.shown.least}."))  # fmt: skip
        if variable.list:
            told.append(n.line("A cell may list several, parted by ", n.Code(variable.list),
                               ": what is known, not all there is."))  # fmt: skip
        if definition := getattr(domain, "definition", ""):
            told.append(self.prose.inlines(definition))
        return (n.Paragraph(n.joined(told, " ")),) if told else ()

    def _hierarchy(self, variable: Variable) -> n.Blocks:
        if not variable.hierarchy:
            return ()
        words = f"Hierarchy {variable.hierarchy}"
        return (n.Paragraph((self.prose.link("hierarchy", variable.hierarchy, words),)),)

    def _shares(self, name: str) -> n.Blocks:
        group = self.shown.group_of(name)
        if not group:
            return ()
        title = n.plain(self.prose.inlines(self.codebook.groups[group].title))
        link = self.prose.link("group", group, title)
        return (n.Paragraph(n.line("Within the group ", link, " only")),)

    def _contributors(self, variable: Variable) -> n.Blocks:
        """Say who collects a variable; who is not spoken of is unknown, which is not `no`."""
        labels = {name: one.label for name, one in self.codebook.contributors.items()}
        said: list[n.Blocks] = [
            (n.Paragraph(n.line(self._contributor(name), ": ", self.wording.collection(one))),)
            for name, one in variable.contributors.items()
        ]
        silent = [self._contributor(name) for name in labels if name not in variable.contributors]
        unknown = n.line(n.joined([(one,) for one in silent], ", ", " and "),
                         ": unknown, as the codebook does not say")  # fmt: skip
        if not said:
            return (n.Paragraph(unknown),) if silent else ()
        return (n.Listed((*said, *[(n.Paragraph(unknown),)] * bool(silent))),)

    def _contributor(self, name: str) -> n.Inline:
        who = self.codebook.contributors.get(name)
        return self.prose.link("contributor", name, who.label if who else name)


def in_words(prose: Prose, domain: Domain, name: str) -> n.Inlines:
    """Say which values a domain has."""
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
    name = {"variables": variable.name, "domains": variable.domain}.get(table)
    return name is not None and (rest == name or rest.startswith(f"{name}."))


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
