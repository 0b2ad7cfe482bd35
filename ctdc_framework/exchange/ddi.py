"""DDI-Codebook 2.5: a codebook as the XML that data archives and catalogues take.

Elements stand in the order that the standard's schema demands. What rules and contributors mean
for a variable is told in words; identifiers and other inputs are never described.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from attrs import frozen

from ctdc_framework.codebook.domains import CountryDomain, FlagDomain, RangeDomain
from ctdc_framework.codebook.model import Codebook, Role, RuleEntry, Variable
from ctdc_framework.codebook.rules import BUILT_IN, Rule
from ctdc_framework.documents.counts import Counts, Shown
from ctdc_framework.documents.wording import UNDECIDED
from ctdc_framework.exchange import words

NAMESPACE = "ddi:codebook:2_5"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA = "https://ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

FILE = "F1"
"""The one file that is described: the records of a release."""

SECURITY: Mapping[Role, str] = {
    Role.QUASI: "quasi-identifier: an outsider may know it about a person",
    Role.SENSITIVE: "sensitive: nobody should learn it about a person",
    Role.NONE: "neither a quasi-identifier nor sensitive",
}
"""What a variable means for privacy, in words."""

UNSTORABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def export(
    codebook: Codebook,
    counts: Counts | None = None,
    rules: Mapping[str, Rule[Any]] = BUILT_IN,
) -> str:
    """Write a codebook as DDI-Codebook XML.

    `counts` are a release's, by variable and code, those with no value under the code ""; they are
    written rounded down, and not at all where they are below k. `rules` are the known operations.
    """
    return _Export(codebook, Shown(codebook, counts or {}), rules).document()


@frozen
class _Export:
    codebook: Codebook
    shown: Shown
    rules: Mapping[str, Rule[Any]]

    def document(self) -> str:
        root = Xml.Element(
            "codeBook",
            {
                "xmlns": NAMESPACE,
                "xmlns:xsi": INSTANCE,
                "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
                "version": "2.5",
                LANGUAGE: self.codebook.header.lang,
            },
        )
        self.about_document(_add(root, "docDscr"))
        self.about_study(_add(root, "stdyDscr"))
        self.about_file(_add(root, "fileDscr", ID=FILE))
        self.about_data(_add(root, "dataDscr"))
        Xml.indent(root)
        text = Xml.tostring(root, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'

    def plain(self, text: str) -> str:
        return words.plain(self.codebook, text)

    def about_document(self, document: Xml.Element) -> None:
        self.citation(_add(document, "citation"), f"Codebook: {self.codebook.header.title}")
        if self.codebook.header.status == "draft":
            _add(document, "docStatus", "draft")

    def citation(self, citation: Xml.Element, title: str) -> None:
        header = self.codebook.header
        statement = _add(citation, "titlStmt")
        _add(statement, "titl", title)
        _add(statement, "IDNo", header.id)
        if header.released:
            dated = {"date": header.released}
            _add(_add(citation, "distStmt"), "distDate", header.released, **dated)
        _add(_add(citation, "verStmt"), "version", header.version)

    def about_study(self, study: Xml.Element) -> None:
        book = self.codebook
        self.citation(_add(study, "citation"), book.header.title)
        info = _add(study, "stdyInfo")
        if book.header.description:
            _add(info, "abstract", self.plain(book.header.description))
        summary = _add(info, "sumDscr")
        years = [year for one in book.contributors.values() for year in one.years]
        if years:
            _add(summary, "timePrd", str(min(years)), event="start", date=str(min(years)))
            _add(summary, "timePrd", str(max(years)), event="end", date=str(max(years)))
        _add(summary, "dataKind", "administrative records data")
        for section in book.sections:
            _add(info, "notes", self.plain(section.text), type="section",
                 subject=self.plain(section.title))  # fmt: skip
        method = _add(study, "method")
        if book.contributors:
            self.collectors(_add(method, "dataColl"))
        self.processing(method)
        for note in book.notes.values():
            _add(study, "notes", self.plain(note.text), type="note", subject=self.plain(note.title))

    def collectors(self, collection: Xml.Element) -> None:
        contributors = self.codebook.contributors.values()
        for one in contributors:
            _add(collection, "dataCollector", one.name or one.label, abbr=one.label)
        described = [one for one in contributors if one.how]
        if described:
            sources = _add(collection, "sources")
            for one in described:
                _add(sources, "dataSrc", f"{one.label}: {self.plain(one.how)}")

    def processing(self, method: Xml.Element) -> None:
        book = self.codebook
        promise = (
            f"No published combination of values may stand for fewer than {book.k} records; "
            f"published counts are multiples of {book.privacy.round_to}."
        )
        _add(method, "dataProcessing", promise, type="disclosure control")
        for entry in book.rules:
            rule = self.rules.get(entry.op)
            if rule is None or rule.rewrites is not None:
                _add(method, "dataProcessing", self.told(entry), type="recoding")
        for check in book.checks:
            if check.because:
                _add(method, "dataProcessing", self.plain(check.because), type="consistency check")

    def told(self, entry: RuleEntry) -> str:
        return words.rule_words(self.codebook, entry, self.rules)

    def about_file(self, file: Xml.Element) -> None:
        text = _add(file, "fileTxt")
        _add(text, "fileName", "data.csv")
        _add(text, "fileCont", "The records of a release, one in a row.")
        _add(text, "fileStrc", type="rectangular")
        _add(_add(text, "dimensns"), "varQnty", str(len(self.codebook.variables)))
        _add(text, "fileType", "text/csv", charset="UTF-8")
        _add(text, "format", "comma-delimited")
        _add(text, "dataMsng", "An empty field is missing.")

    def about_data(self, data: Xml.Element) -> None:
        ids = {name: f"V{number}" for number, name in enumerate(self.codebook.variables, 1)}
        for number, (title, text, names) in enumerate(self.groups(), 1):
            together = " ".join(ids[name] for name in names)
            group = _add(data, "varGrp", ID=f"G{number}", type="subject", var=together)
            _add(group, "labl", title)
            if text:
                _add(group, "txt", text)
        for name, variable in self.codebook.variables.items():
            self.variable(_add(data, "var", ID=ids[name], name=name, files=FILE), variable, ids)

    def groups(self) -> Iterator[tuple[str, str, Sequence[str]]]:
        """Give headings and groups of flags with their texts and the variables under them."""
        sections: dict[str, list[str]] = {}
        for name, variable in self.codebook.variables.items():
            if variable.section:
                sections.setdefault(variable.section, []).append(name)
        for title, names in sections.items():
            yield self.plain(title), "", names
        for group in self.codebook.groups.values():
            yield self.plain(group.title), self.plain(group.text), group.variables

    def variable(self, var: Xml.Element, variable: Variable, ids: Mapping[str, str]) -> None:
        name = variable.name
        domain = self.codebook.domain_of(name)
        numeric = isinstance(domain, RangeDomain | FlagDomain) and not variable.list
        var.set("intrvl", "discrete")
        var.set("nature", "ordinal" if domain.ordered else "nominal")
        if unit := getattr(domain, "unit", ""):
            var.set("measUnit", unit)
        var.set("representationType", "numeric" if isinstance(domain, RangeDomain) else "code")
        _add(var, "labl", words.title(self.codebook, variable, 120))
        _add(var, "security", "; ".join(SECURITY[role] for role in variable.role) or UNDECIDED)
        if isinstance(domain, RangeDomain):
            ends = {"UNITS": "INT", "min": str(domain.min), "max": str(domain.max)}
            _add(_add(var, "valrng"), "range", **ends)
        if variable.contributors:
            _add(var, "universe", self.universe(variable))
        self.statistics(var, name)
        _add(var, "txt", self.plain(variable.definition))
        if isinstance(domain, CountryDomain):
            _add(var, "stdCatgry", domain.standard, date=domain.as_of.isoformat())
        self.categories(var, variable)
        if variable.concept:
            _add(var, "concept", self.plain(variable.concept))
        self.derivation(var, name, ids)
        _add(var, "varFormat", type="numeric" if numeric else "character")
        for about, text in self.notes(variable):
            _add(var, "notes", text, type=about)

    def universe(self, variable: Variable) -> str:
        known = self.codebook.contributors
        told = (
            f"{known[name].label if name in known else name}: "
            f"{words.collected(self.codebook, collection)}"
            for name, collection in variable.contributors.items()
        )
        return "Records of contributors as follows; of others it is unknown. " + ". ".join(told)

    def statistics(self, var: Xml.Element, name: str) -> None:
        counts = self.shown.counts.get(name, {})
        if "" in counts and (blank := self.shown.rounded(name, "")):
            _add(var, "sumStat", str(blank), type="invd")

    def categories(self, var: Xml.Element, variable: Variable) -> None:
        name = variable.name
        domain = self.codebook.domain_of(name)
        labels = words.labels(domain.values)
        for value in domain.values:
            category = _add(var, "catgry")
            _add(category, "catValu", value.code)
            _add(category, "labl", labels.get(value.code, value.code))
            if value.definition:
                _add(category, "txt", self.plain(value.definition))
            if count := self.shown.rounded(name, value.code):
                _add(category, "catStat", str(count), type="freq")
        for code, (reason, label) in self.missing(variable).items():
            category = _add(var, "catgry", missing="Y", missType=reason)
            _add(category, "catValu", code)
            _add(category, "labl", label)

    def missing(self, variable: Variable) -> dict[str, tuple[str, str]]:
        """Give why a text means missing, and its label; an empty field may always be blanked."""
        found = {"": ("unknown", "missing")}
        for one in self.codebook.missing.codes:
            if variable.nullable or not one.code:
                found[one.code] = (one.reason, one.label or one.reason.replace("-", " "))
        if isinstance(self.codebook.domain_of(variable.name), FlagDomain):
            found[""] = (found[""][0], "no or unknown")
        return found

    def derivation(self, var: Xml.Element, name: str, ids: Mapping[str, str]) -> None:
        """Tell all rules that write a variable; the schema has room for one derivation."""
        told: list[str] = []
        read: list[str] = []
        for entry in self.codebook.rules:
            rule = self.rules.get(entry.op)
            if rule is not None and name in rule.writes(entry.params):
                told.append(self.told(entry))
                read += [ids[one] for one in rule.reads(entry.params) if one in ids]
        if told:
            var_ids = {"var": " ".join(dict.fromkeys(read))} if read else {}
            _add(_add(var, "derivation", **var_ids), "drvdesc", " ".join(told))

    def notes(self, variable: Variable) -> Iterator[tuple[str, str]]:
        if variable.caveat:
            yield "caveat", self.plain(variable.caveat)
        if reading := words.reading(self.codebook, variable):
            yield "reading", reading
        if variable.aliases:
            yield "other names", ", ".join(variable.aliases)
        if variable.protected:
            yield "protected", "No privacy strategy may blank it."


def _add(parent: Xml.Element, name: str, text: str = "", /, **attributes: str) -> Xml.Element:
    element = Xml.SubElement(
        parent, name, {key: UNSTORABLE.sub("�", value) for key, value in attributes.items()}
    )
    if text:
        element.text = UNSTORABLE.sub("�", text)
    return element
