"""The whole document of a codebook: what stands in it, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from attrs import frozen

from ctdc_framework.codebook.domains import FlagDomain, RangeDomain
from ctdc_framework.codebook.model import Codebook, Contributor, Input
from ctdc_framework.codebook.rules import Rule
from ctdc_framework.documents import cautions
from ctdc_framework.documents import nodes as n
from ctdc_framework.documents.counts import Counts, Generalised, Shown
from ctdc_framework.documents.prose import Prose, anchor
from ctdc_framework.documents.trees import tree
from ctdc_framework.documents.variables import LONG, Entries, erratum, in_words
from ctdc_framework.documents.wording import REASONS, ROLES, STATUSES, UNDECIDED, Wording, codes

PLACES = {
    "variables": "variable",
    "sections": "section",
    "notes": "note",
    "contributors": "contributor",
    "rules": "rule",
    "hierarchies": "hierarchy",
    "groups": "group",
}
"""The codebook's tables whose entries have a place of their own, and its kind."""


def document_of(
    codebook: Codebook,
    counts: Counts | None,
    rules: Mapping[str, Rule[Any]],
    generalised: Generalised | None = None,
) -> n.Document:
    """Give a codebook as a document, with what there is to tell of a release."""
    header = codebook.header
    shown = Shown(codebook, counts or {}, generalised or {})
    book = _Book(Entries(Wording(codebook, rules), shown))
    facts = {
        "Codebook": header.id,
        "Version": header.version,
        "Released": header.released,
        "Variables": str(len(codebook.variables)),
        "Smallest group": f"{codebook.k} records",
    }
    return n.Document(
        title=header.title,
        lang=header.lang,
        facts=tuple((term, fact) for term, fact in facts.items() if fact),
        front=(
            *book.prose.blocks(header.description),
            *book.coarser(),
            cautions.cautions(),
        ),
        chapters=tuple(
            n.Section(id=id, title=n.line(title), children=children)
            for id, title, children in book.chapters()
            if children
        ),
    )


@frozen
class _Book:
    """The chapters of one codebook."""

    entries: Entries

    @property
    def codebook(self) -> Codebook:
        return self.entries.codebook

    @property
    def prose(self) -> Prose:
        return self.entries.prose

    def coarser(self) -> n.Blocks:
        """Name the variables of which a release holds generalised values."""
        if not self.entries.shown.generalised:
            return ()
        names = self.entries.wording.columns(self.entries.shown.generalised)
        words = n.line("In this release some values are coarser than in the records, in ", names)
        told = n.line(words, ". The entry of each says which, and what they stand for.")
        return (n.Aside("Coarser values", (n.Paragraph(told),)),)

    @property
    def wording(self) -> Wording:
        return self.entries.wording

    def chapters(self) -> Iterator[tuple[str, str, n.Blocks]]:
        """Give every chapter's anchor, heading and content, which may be nothing."""
        shown, privacy = self.entries.shown, self.codebook.privacy
        counted = (cautions.about_counts(privacy, shown.least),) if shown.counts else ()
        yield "about", "About the data", tuple(self._front())
        yield "figures", "Figures", tuple(self._figures())
        yield "list", "List of variables", (self._list(),)
        yield "variables", "The variables", (*counted, *self.entries.all())
        yield "groups", "Groups of variables and their shares", tuple(self._groups())
        yield "missing", "Missing values", tuple(self._missing())
        yield "rules", "Grouping rules", tuple(self._rules())
        yield "inputs", "Columns that are read and never released", tuple(self._inputs())
        yield "checks", "Checks", tuple(self._checks())
        yield "hierarchies", "Hierarchies", tuple(self._hierarchies())
        yield "privacy", "Privacy", (*cautions.promises(privacy), self._roles())
        yield "contributors", "Contributors", tuple(self._contributors())
        yield "before", "Earlier codebooks", tuple(self._supersedes())
        yield "notes", "Appendix: notes", tuple(self._notes())
        yield "errata", "Errata", tuple(self._errata())
        yield "values", "Long lists of values", tuple(self._long_lists())
        yield "colophon", "About this document", tuple(self._colophon())

    def _front(self) -> Iterator[n.Section]:
        for one in self.codebook.sections:
            yield self._section("section", one.id, one.title, self.prose.blocks(one.text))

    def _section(self, kind: str, name: str, title: str, children: n.Blocks) -> n.Section:
        words = self.prose.inlines(title)
        return n.Section(id=anchor(kind, name), title=words, children=children)

    def _figures(self) -> Iterator[n.Block]:
        for one in self.codebook.figures:
            rows = tuple(tuple(n.line(cell) for cell in row) for row in one.rows)
            caption = (n.Styled("strong", self.prose.inlines(one.title)),)
            yield n.Table(caption=caption, columns=one.columns, rows=rows)
            yield from self.prose.blocks(one.text)

    def _list(self) -> n.Table:
        rows = []
        for name, variable in self.codebook.variables.items():
            roles = ", ".join(role.value for role in variable.role) or UNDECIDED
            values = self._values(name, variable.domain)
            rows.append(((self.prose.variable(name),), values, n.line(roles)))
        return n.Table(
            caption=n.line(f"{len(rows)} variables, in the order of the release"),
            columns=("Variable", "Values", "Role in privacy"),
            rows=tuple(rows),
        )

    def _values(self, name: str, domain_name: str) -> n.Inlines:
        """Say in a cell which values a variable or an input has."""
        domain = self.codebook.domain_of(name)
        if isinstance(domain, FlagDomain):
            return n.line("1 or missing")
        values = in_words(self.prose, domain, domain_name)
        separator = self.codebook.separator_of(name)
        return n.line(values, ", several parted by ", n.Code(separator)) if separator else values

    def _groups(self) -> Iterator[n.Block]:
        if self.codebook.groups:
            yield n.Paragraph(cautions.DENOMINATOR)
        for name, one in self.codebook.groups.items():
            flags = n.Paragraph(n.line(self.wording.ranges(one.variables), "."))
            text = self.prose.blocks(one.text)
            yield self._section("group", name, one.title, (flags, *text))

    def _missing(self) -> Iterator[n.Block]:
        words = "A blank cell is a missing value, always. In a release it is the only one; "
        texts = self.codebook.missing.codes
        other = "raw files may hold other texts that mean the same." if texts else (
            "no other text means the same."
        )  # fmt: skip
        yield n.Paragraph(n.line(words, other))
        rows = []
        for one in texts:
            code = (n.Code(one.code),) if one.code else n.line("(blank)")
            told = (one.label, REASONS[one.reason], ", ".join(one.seen_in))
            rows.append((code, *map(n.line, told)))
        if rows:
            yield n.Table(
                caption=n.line("Texts that stand for a missing value"),
                columns=("Text", "Printed as", "Why the value is missing", "Seen in"),
                rows=tuple(rows),
            )
        yield n.Paragraph(cautions.FLAGS)

    def _rules(self) -> Iterator[n.Block]:
        if self.entries.rules:
            words = (
                "How raw records become the variables, in the order in which the rules run. A rule "
                "is skipped where a file has none of the columns that it reads."
            )
            yield n.Paragraph(n.line(words))
        for rule in self.entries.rules:
            yield self._reasoned("rule", rule.id, self.wording.rule(rule), rule.because)

    def _checks(self) -> Iterator[n.Section]:
        for one in self.codebook.checks:
            yield self._reasoned("check", one.id, self.wording.check(one), one.because)

    def _reasoned(self, kind: str, name: str, words: n.Inlines, because: str) -> n.Section:
        blocks = (n.Paragraph(words), *self.prose.blocks(because))
        return n.Section(id=anchor(kind, name), title=n.line(name), children=blocks)

    def _inputs(self) -> Iterator[n.Table]:
        rows = tuple(self._input(name, one) for name, one in self.codebook.inputs.items())
        if rows:
            caption = n.line("Columns of raw files that the grouping rules can read")
            yield n.Table(caption=caption, columns=("Column", "Values", "Meaning"), rows=rows)

    def _input(self, name: str, one: Input) -> tuple[n.Inlines, ...]:
        column: n.Inlines = (n.Code(name),)
        if one.aliases:
            column = n.line(column, n.Break(), "also ", codes(one.aliases, " and "))
        dropped = n.line("An identifier: dropped as the data are read")
        values = dropped if one.role == "identifier" else self._values(name, one.domain)
        return column, values, self.prose.inlines(one.definition)

    def _hierarchies(self) -> Iterator[n.Section]:
        for name, one in self.codebook.hierarchies.items():
            users = [v.name for v in self.codebook.variables.values() if v.hierarchy == name]
            domain = self.codebook.find_domain(one.domain)
            labels = {value.code: value.label for value in domain.values} if domain else {}
            levels = [f"{level.name} ({len(level.groups)})" for level in one.levels]
            steps = ", then ".join([f"{len(labels)} values", *levels])
            used = n.line("For ", self.wording.columns(users), ". ") if users else ()
            words = n.Paragraph(n.line(used, f"From fine to coarse: {steps}."))
            blocks = (words, *tree(one, labels))
            yield n.Section(id=anchor("hierarchy", name), title=n.line(name), children=blocks)

    def _roles(self) -> n.Facts:
        """List the variables by what they mean for privacy."""
        rows = []
        for role, (term, meaning) in ROLES.items():
            names = [one.name for one in self.codebook.variables.values() if role in one.role]
            if names:
                words = n.line(f"{meaning}: ", self.wording.ranges(names))
                rows.append((term, (n.Paragraph(words),)))
        return n.Facts(tuple(rows))

    def _contributors(self) -> Iterator[n.Section]:
        for name, one in self.codebook.contributors.items():
            facts = [(term, (n.Paragraph(told),)) for term, told in self._about(name, one)]
            blocks = (n.Facts(tuple(facts)), *self.prose.blocks(one.how))
            title = n.line(one.label)
            yield n.Section(id=anchor("contributor", name), title=title, children=blocks)

    def _about(self, name: str, one: Contributor) -> Iterator[tuple[str, n.Inlines]]:
        """Say in short who a contributor is, and which variables it is said to collect."""
        if one.name not in ("", one.label):
            yield "Name", n.line(one.name)
        yield "Years", n.line("–".join(map(str, dict.fromkeys(one.years))) or "not said")
        said = {
            variable.name: variable.contributors[name].status
            for variable in self.codebook.variables.values()
            if name in variable.contributors
        }
        for status, words in STATUSES.items():
            names = [variable for variable, its in said.items() if its == status]
            if names:
                yield words.capitalize(), self.wording.ranges(names)
        if len(said) < len(self.codebook.variables):
            others = "Other variables" if said else "Variables"
            yield others, n.line("unknown, as the codebook does not say; that is not “no”")
        if one.url:
            yield "More", self.prose.address(one.url)

    def _supersedes(self) -> Iterator[n.Listed]:
        told = [self.wording.superseded(one) for one in self.codebook.supersedes]
        if told:
            yield cautions.listed(told)

    def _notes(self) -> Iterator[n.Section]:
        for name, one in self.codebook.notes.items():
            yield self._section("note", name, one.title, self.prose.blocks(one.text))

    def _errata(self) -> Iterator[n.Block]:
        told = [
            n.line(self._place(one.at), " · ", erratum(self.prose, one))
            for one in self.codebook.errata
        ]
        if told:
            words = "Where the print differs from this codebook, from itself or from the data."
            yield n.Paragraph(n.line(words))
            yield cautions.listed(told)

    def _place(self, at: str) -> n.Inline:
        """Give the link to what an entry is about, or its name where that has no place here."""
        table, _, name = at.partition(".")
        if table == "variables":
            return self.prose.column(name)
        return self.prose.link(PLACES[table], name, name) if table in PLACES else n.Code(at)

    def _long_lists(self) -> Iterator[n.Section]:
        for name in dict.fromkeys(one.domain for _, one in self.codebook.entries()):
            domain = self.codebook.find_domain(name)
            if domain is None or len(domain.codes) <= LONG or isinstance(domain, RangeDomain):
                continue
            items = [
                n.line(n.Code(one.code), f" {one.label}" if one.label else "",
                       ": " if one.definition else "", self.prose.inlines(one.definition))
                for one in domain.values
            ]  # fmt: skip
            columns = n.Listed(tuple((n.Paragraph(one),) for one in items), look="columns")
            title = n.line(f"{name}: {len(items)} values")
            yield n.Section(id=anchor("values", name), title=title, children=(columns,))

    def _colophon(self) -> Iterator[n.Block]:
        header = self.codebook.header
        file = PurePath(self.codebook.origin).name or header.id
        words = n.line("Made from the codebook ", n.Code(file), f", version {header.version}")
        words = n.line(words, f", in version {header.dsl} of the language")
        if self.codebook.digest:
            words = n.line(words, "; SHA-256 of the file: ", n.Code(self.codebook.digest))
        yield n.Paragraph(n.line(words, "."))
        told = [
            n.line(self._place(one.at), " (", n.Code(one.code), "): ",
                   self.prose.inlines(one.because))
            for one in self.codebook.allow
        ]  # fmt: skip
        if told:
            yield n.Paragraph(n.line("What looks like a mistake in it, and is meant to be so:"))
            yield cautions.listed(told)
