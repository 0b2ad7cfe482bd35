"""The whole document of a codebook: what stands in it, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from attrs import frozen

from ctdc_framework.codebook import Codebook, Contributor, VariableGroup
from ctdc_framework.documents import nodes as n
from ctdc_framework.documents.counts import Counts, Shown
from ctdc_framework.documents.prose import Prose, anchor
from ctdc_framework.documents.variables import LONG, Entries, erratum, in_words
from ctdc_framework.documents.wording import REASONS, ROLES, STATUSES, Wording, codes
from ctdc_framework.domains import FlagDomain, RangeDomain
from ctdc_framework.hierarchies import Group, Hierarchy
from ctdc_framework.rules import Rule


def document_of(
    codebook: Codebook, counts: Counts | None, rules: Mapping[str, Rule[Any]]
) -> n.Document:
    """Give a codebook as a document, with a release's counts where there are some."""
    shown = Shown(codebook, counts or {})
    book = _Book(Entries(Wording(codebook, rules), shown))
    header = codebook.header
    facts = {
        "Codebook": header.id,
        "Version": header.version,
        "Released": header.released,
        "Variables": str(len(codebook.variables)),
        "Smallest group": f"{codebook.k} records",
    }
    found = (n.Section(id=id, title=n.line(title), children=children)
             for id, title, children in book.chapters())  # fmt: skip
    return n.Document(
        title=header.title,
        lang=header.lang,
        facts=tuple((term, fact) for term, fact in facts.items() if fact),
        front=(*book.prose.blocks(header.description), book.cautions()),
        chapters=tuple(chapter for chapter in found if chapter.children),
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

    def chapters(self) -> Iterator[tuple[str, str, n.Blocks]]:
        """Give every chapter's anchor, heading and content; one without content is left out."""
        yield "about", "About the data", tuple(
            n.Section(id=anchor("section", one.id), title=self.prose.inlines(one.title),
                      children=self.prose.blocks(one.text))
            for one in self.codebook.sections
        )  # fmt: skip
        yield "figures", "Figures", tuple(self._figures())
        yield "list", "List of variables", (self._list(),)
        yield "variables", "The variables", (*self._about_counts(), *self.entries.all())
        yield "groups", "Groups of variables and their shares", tuple(self._groups())
        yield "missing", "Missing values", tuple(self._missing())
        yield "rules", "Grouping rules", tuple(self._rules())
        yield "inputs", "Columns that are read and never released", tuple(self._inputs())
        yield "checks", "Checks", tuple(self._checks())
        yield "hierarchies", "Hierarchies", tuple(self._hierarchies())
        yield "privacy", "Privacy", tuple(self._privacy())
        yield (
            "contributors",
            "Contributors",
            tuple(self._contributor(name, one) for name, one in self.codebook.contributors.items()),
        )
        yield "before", "Earlier codebooks", self._supersedes()
        yield "notes", "Appendix: notes", tuple(
            n.Section(id=anchor("note", name), title=self.prose.inlines(one.title),
                      children=self.prose.blocks(one.text))
            for name, one in self.codebook.notes.items()
        )  # fmt: skip
        yield "errata", "Errata", self._errata()
        yield "values", "Long lists of values", tuple(self._long_lists())
        yield "colophon", "About this document", self._colophon()

    def cautions(self) -> n.Aside:
        """Say what everybody has to know who counts anything."""
        told = (
            ("A blank is not a zero.", "It means that nothing is known: for a flag, no or unknown."
             " A share of all rows that takes blanks for zeros is wrong."),
            ("Synthetic rows are not victims.", "Where a release is synthetic, no row is a person:"
             " never report the number of rows as a number of people."),
            ("Missing values follow the contributor.", "Each organization asks for other things in"
             " other places: a difference between countries, years or groups may show no more than"
             " who works there."),
        )  # fmt: skip
        items = tuple(
            (n.Paragraph(n.line(n.Styled("strong", n.line(short)), " ", long)),)
            for short, long in told
        )
        return n.Aside("Before you count anything", (n.Listed(items),))

    def _figures(self) -> Iterator[n.Section]:
        for one in self.codebook.figures:
            title = self.prose.inlines(one.title)
            rows = tuple(tuple(n.line(cell) for cell in row) for row in one.rows)
            table = n.Table(caption=title, columns=one.columns, rows=rows)
            blocks = (table, *self.prose.blocks(one.text))
            yield n.Section(id=anchor("figure", one.id), title=title, children=blocks)

    def _list(self) -> n.Table:
        rows = []
        for name, variable in self.codebook.variables.items():
            domain = self.codebook.domain_of(name)
            values = n.line("1 or missing") if isinstance(domain, FlagDomain) else (
                in_words(self.prose, domain, variable.domain)
            )  # fmt: skip
            roles = ", ".join(role.value for role in variable.role)
            rows.append(((self.prose.variable(name),), values, n.line(roles)))
        many = len(rows)
        return n.Table(
            caption=n.line(f"{many} variables, in the order of the release"),
            columns=("Variable", "Values", "Role in privacy"),
            rows=tuple(rows),
        )

    def _about_counts(self) -> Iterator[n.Block]:
        shown = self.entries.shown
        if shown.counts:
            base = self.codebook.privacy.round_to
            words = (
                f"The counts are those of a release. They are rounded down to multiples of {base}; "
                f"one below {shown.least}, none included, is shown as “fewer than {shown.least}”. "
                "Shares are computed from the rounded counts, and stand only where it is known "
                "what they are shares of."
            )
            yield n.Aside("Counts", (n.Paragraph(n.line(words)),))

    def _groups(self) -> Iterator[n.Section]:
        for name, one in self.codebook.groups.items():
            yield n.Section(
                id=anchor("group", name),
                title=self.prose.inlines(one.title),
                children=(n.Paragraph(self._denominator(one)), *self.prose.blocks(one.text)),
            )

    def _denominator(self, group: VariableGroup) -> n.Inlines:
        return n.line(
            self.entries.wording.columns(group.variables),
            ". A percentage of these is a share of the records in which at least one of them is ",
            n.Code("1"),
            ": there a blank counts as 0. All other records stay missing and are left out. As a"
            " record may have several, the shares can add up to more than 100 %.",
        )

    def _missing(self) -> Iterator[n.Block]:
        words = "A blank cell is a missing value, always. In a release it is the only one; "
        if self.codebook.missing.codes:
            yield n.Paragraph(n.line(words, "raw files may hold other texts that mean the same."))
            yield n.Table(
                caption=n.line("Texts that stand for a missing value"),
                columns=("Text", "Printed as", "Why the value is missing", "Seen in"),
                rows=tuple(
                    ((n.Code(one.code),) if one.code else n.line("(blank)"), n.line(one.label),
                     n.line(REASONS[one.reason]), n.line(", ".join(one.seen_in)))
                    for one in self.codebook.missing.codes
                ),
            )  # fmt: skip
        else:
            yield n.Paragraph(n.line(words, "no other text means the same."))
        yield n.Paragraph(
            n.line("A flag holds ", n.Code("1"), " or nothing, and nothing means no or unknown,"
                   " never no. A value can also be missing because a privacy strategy took it"
                   " out: the released file does not tell which it is.")
        )  # fmt: skip

    def _rules(self) -> Iterator[n.Block]:
        rules = self.entries.in_order()
        if rules:
            words = (
                "How raw records become the variables, in the order in which the rules run. A rule "
                "is skipped where a file has none of the columns that it reads."
            )
            yield n.Paragraph(n.line(words))
        for rule in rules:
            blocks = (n.Paragraph(self.entries.wording.rule(rule)), *_because(self, rule.because))
            yield n.Section(id=anchor("rule", rule.id), title=n.line(rule.id), children=blocks)

    def _inputs(self) -> Iterator[n.Block]:
        rows = []
        for name, one in self.codebook.inputs.items():
            values = n.line("An identifier: dropped as the data are read")
            if one.role != "identifier":
                domain = self.codebook.domain_of(name)
                flag = isinstance(domain, FlagDomain)
                values = (
                    n.line("1 or missing") if flag else in_words(self.prose, domain, one.domain)
                )
                if one.list:
                    values = n.line(values, ", several parted by ", n.Code(one.list))
            also = [n.Break(), *n.line("also ", codes(one.aliases))] if one.aliases else []
            rows.append(((n.Code(name), *also), values, self.prose.inlines(one.definition)))
        if rows:
            caption = n.line("Columns of raw files that the grouping rules can read")
            yield n.Table(caption=caption, columns=("Column", "Values", "Meaning"),
                          rows=tuple(rows))  # fmt: skip

    def _checks(self) -> Iterator[n.Section]:
        for one in self.codebook.checks:
            blocks = (n.Paragraph(self.entries.wording.check(one)), *_because(self, one.because))
            yield n.Section(id=anchor("check", one.id), title=n.line(one.id), children=blocks)

    def _hierarchies(self) -> Iterator[n.Section]:
        for name, one in self.codebook.hierarchies.items():
            users = [v.name for v in self.codebook.variables.values() if v.hierarchy == name]
            domain = self.codebook.find_domain(one.domain)
            labels = {value.code: value.label for value in domain.values} if domain else {}
            levels = [f"{level.name} ({len(level.groups)})" for level in one.levels]
            steps = ", then ".join([f"{len(labels)} values", *levels])
            words = n.line(f"From fine to coarse: {steps}.")
            if users:
                words = n.line("For ", self.entries.wording.columns(users), ". ", words)
            yield n.Section(
                id=anchor("hierarchy", name),
                title=n.line(name),
                children=(n.Paragraph(words), *_tree(one, labels)),
            )

    def _privacy(self) -> Iterator[n.Block]:
        k, base = self.codebook.k, self.codebook.privacy.round_to
        least = max(k, base)
        promises = (
            f"k = {k}: nothing released may stand for a group of fewer than {k} records.",
            f"Counts are multiples of {base}, rounded down: a count of {10 * base} stands for "
            f"{10 * base} to {11 * base - 1} records. One below {least} is not told, and not told "
            "apart from none.",
        )
        limits = (
            f"k counts records. {k} records may be fewer than {k} people.",
            f"If all records of a group share a sensitive value, whoever is known to be in the "
            f"group is known to have it, though there be {k} of them.",
            "Each release is safe by itself; two that are compared can tell more than either.",
            "A combination that is absent is rare or was lost: that does not make it impossible.",
        )
        yield n.Paragraph(n.line("A release made with this codebook keeps to this:"))
        yield _bullets(promises)
        yield n.Paragraph(n.line("And this it does not promise:"))
        yield _bullets(limits)
        yield n.Paragraph(n.line("What a certain release claims, and how that was checked, is in "
                                 "its ", n.Code("release.json"), "."))  # fmt: skip
        rows = []
        for role, (term, meaning) in ROLES.items():
            names = [one.name for one in self.codebook.variables.values() if role in one.role]
            if names:
                links = self.entries.wording.ranges(names)
                rows.append((term, (n.Paragraph(n.line(meaning, ": ", links)),)))
        yield n.Facts(tuple(rows))

    def _contributor(self, name: str, one: Contributor) -> n.Section:
        facts: list[tuple[str, n.Blocks]] = []
        if one.name and one.name != one.label:
            facts.append(("Name", (n.Paragraph(n.line(one.name)),)))
        years = "–".join(map(str, dict.fromkeys(one.years))) or "not said"
        facts.append(("Years", (n.Paragraph(n.line(years)),)))
        for status, words in STATUSES.items():
            names = [
                variable.name
                for variable in self.codebook.variables.values()
                if name in variable.contributors and variable.contributors[name].status == status
            ]
            if names:
                links = self.entries.wording.ranges(names)
                facts.append((_capital(words), (n.Paragraph(links),)))
        rest = n.line("what the codebook does not say, which is unknown and not “no”")
        facts.append(("Other variables", (n.Paragraph(rest),)))
        if one.url:
            facts.append(("More", (n.Paragraph(self.prose.address(one.url)),)))
        return n.Section(
            id=anchor("contributor", name),
            title=n.line(one.label),
            children=(n.Facts(tuple(facts)), *self.prose.blocks(one.how)),
        )

    def _supersedes(self) -> n.Blocks:
        words = self.entries.wording
        told = [(n.Paragraph(words.superseded(one)),) for one in self.codebook.supersedes]
        return (n.Listed(tuple(told)),) if told else ()

    def _errata(self) -> n.Blocks:
        told = [
            (n.Paragraph(n.line(self._place(one.at), " · ", erratum(self.prose, one))),)
            for one in self.codebook.errata
        ]
        words = n.line("Where the print differs from this codebook, from itself or from the data.")
        return (n.Paragraph(words), n.Listed(tuple(told))) if told else ()

    def _place(self, at: str) -> n.Inline:
        """Give the link to what an erratum concerns, or its name where that has no place here."""
        table, _, name = at.partition(".")
        if table == "variables":
            return self.prose.column(name.partition(".")[0])
        kind = {"sections": "section", "notes": "note", "contributors": "contributor",
                "rules": "rule", "hierarchies": "hierarchy"}.get(table)  # fmt: skip
        return self.prose.link(kind, name, name) if kind else n.Code(at)

    def _long_lists(self) -> Iterator[n.Section]:
        used = [one.domain for _, one in self.codebook.entries()]
        for name in dict.fromkeys(used):
            domain = self.codebook.find_domain(name)
            if domain is None or len(domain.codes) <= LONG or isinstance(domain, RangeDomain):
                continue
            items = tuple(
                (n.Paragraph(n.line(n.Code(one.code), f" {one.label}" if one.label else "",
                                    ": " if one.definition else "",
                                    self.prose.inlines(one.definition))),)
                for one in domain.values
            )  # fmt: skip
            yield n.Section(
                id=anchor("values", name),
                title=n.line(f"{name}: {len(items)} values"),
                children=(n.Listed(items, look="columns"),),
            )

    def _colophon(self) -> n.Blocks:
        header = self.codebook.header
        words = n.line(
            "Made from the codebook ", n.Code(PurePath(self.codebook.origin).name or header.id),
            f", version {header.version}, in version {header.dsl} of its language",
        )  # fmt: skip
        if self.codebook.digest:
            words = n.line(words, "; SHA-256 of the file: ", n.Code(self.codebook.digest))
        told = [
            (n.Paragraph(n.line(n.Code(one.at), " (", n.Code(one.code), "): ",
                                self.prose.inlines(one.because))),)
            for one in self.codebook.allow
        ]  # fmt: skip
        meant = n.Paragraph(n.line("What looks like a mistake in it, and is meant to be so:"))
        return (n.Paragraph(n.line(words, ".")), *([meant, n.Listed(tuple(told))] if told else ()))


def _because(book: _Book, because: str) -> n.Blocks:
    return book.prose.blocks(because)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bullets(texts: tuple[str, ...]) -> n.Listed:
    return n.Listed(tuple((n.Paragraph(n.line(text)),) for text in texts))


def _tree(hierarchy: Hierarchy, labels: Mapping[str, str]) -> n.Blocks:
    """Draw a hierarchy from its one group of all down to the values, if these are not too many."""
    if not hierarchy.levels:
        return ()

    def under(group: Group, height: int) -> n.Blocks:
        if height == 0:
            if len(labels) > LONG:
                return ()
            leaves = [(_leaf(code, labels.get(code, "")),) for code in group.members]
            return (n.Listed(tuple(leaves), look="tree"),)
        finer = hierarchy.levels[height - 1].groups
        parts = [one for one in finer if set(one.members) <= set(group.members)]
        alone = len(parts) == 1 and parts[0].code == group.code  # the level leaves it as it is
        return under(parts[0], height - 1) if alone else (branch(parts, height - 1),)

    def branch(groups: list[Group], height: int) -> n.Listed:
        return n.Listed(tuple((_stem(one), *under(one, height)) for one in groups), look="tree")

    top = len(hierarchy.levels) - 1
    return (branch(list(hierarchy.levels[top].groups), top),)


def _stem(group: Group) -> n.Paragraph:
    size = len(group.members)
    words = n.line(*_leaf(group.code, group.label).children)
    return n.Paragraph(n.line(words, f" · {size} value{'s' if size > 1 else ''}"))


def _leaf(code: str, label: str) -> n.Paragraph:
    return n.Paragraph(n.line(n.Code(code), f" {label}" if label not in ("", code) else ""))
