"""The printed codebook: nothing of the book is missing, and nothing in it can do harm."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ctdc_framework import documents
from ctdc_framework.codebook.hierarchies import Group, Hierarchy, Level
from ctdc_framework.codebook.model import (
    Allowance,
    Check,
    Codebook,
    Condition,
    Figure,
    RuleEntry,
    Superseded,
    VariableGroup,
)
from ctdc_framework.codebook.rules import BUILT_IN, Coalesce, Derive, Rule
from ctdc_framework.documents import nodes as n
from ctdc_framework.documents.cautions import CAUTIONS
from ctdc_framework.documents.counts import Shown
from ctdc_framework.documents.markdown import escaped
from ctdc_framework.documents.prose import Prose
from ctdc_framework.documents.wording import Wording
from ctdc_framework.errors import CtdcError, DataError
from ctdc_framework.language.load import load_codebook, shipped_codebooks
from ctdc_framework.toml.convert import entry

# What the printed book of September 2021 says, by variable, in the order of its list: names,
# numbers, codes and dates. A list of words is looked for as it is; the sentences are not the
# book's.
BOOK = {
    "yearOfRegistration": [
        "numeric", "2002", "2021", "IOM", "registration and assistance", "Polaris", "first report",
        "Liberty Shared", "VCMS",
    ],
    "gender": [
        "string", "NULL", "Male", "Female", "Transgender/NonConforming", "assigned at birth",
        "2017", "sex", "masculinity", "femininity", "non-binary", "male, female, both or neither",
        "psychological", "cultural", "no further",
    ],
    "ageBroad": [
        "string", "NULL", "0–8", "9–17", "18–20", "21–23", "24–26", "27–29", "30–38", "39–47",
        "48+", "0--8", "18--20", "IOM", "Polaris", "Liberty Shared", "NGO partner",
    ],
    "majorityStatusAtExploit": [
        "string", "NULL", "Minor", "Adult", "18", "exploitation first began",
        "prostitution of others", "forced labour", "slavery", "servitude", "organs",
    ],
    "citizenship": [
        "string", "NULL", "ISO 3166-1 alpha-3", "nationality", "rights and duties",
        "Liberty Shared", "Country of Origin", "reported first", "Kosovo", "Serbia", "Tibet",
        "China", "United Nations", "Polaris", "several", "IOM", "one main citizenship",
    ],
    "CountryOfExploitation": [
        "string", "NULL", "ISO 3166-1 alpha-3", "supported or assisted", "identified", "referred",
        "country of destination", "country of origin", "last country of exploitation", "proxy",
        "IOM", "lastCountryOfExploitation", "countryOfScreeningInterview",
        "countryAtRegistration", "countryOfIomMission", "Kosovo", "Tibet",
    ],
    "traffickMonths": [
        "string", "NULL", "0—12 (0-1 yr)", "13—24 (1-2 yrs)", "25—60 (2-5 yrs)", "61+ (5+ yrs)",
        "0--12 (0-1 yr)", "as reported",
    ],
    "meansOfControlDebtBondage": [
        "debt", "1956", "United Nations", "Supplementary Convention on the Abolition of Slavery",
        "personal services", "security|secure",
    ],
    "meansOfControlTakesEarnings": ["paid", "control"],
    "meansOfControlThreats": [
        "openly or by implication", "harm", "loss", "19 meansOfControlThreatOfLawEnforce",
    ],
    "meansOfControlPsychologicalAbuse": [
        "emotional", "calling names", "verbal abuse", "humiliation", "power", "shaming",
        "blaming", "romantic",
    ],
    "meansOfControlPhysicalAbuse": [
        "injury", "pain", "disability", "death", "trauma", "shoving", "strangling", "shaking",
        "slapping", "punching", "kicking", "pulling hair", "burning", "branding", "tattooing",
        "weapon", "size and strength", "13 meansOfControlSexualAbuse",
    ],
    "meansOfControlSexualAbuse": [
        "consent", "punish", "manipulate", "sexual violence", "pregnancy", "birth control", "STI",
        "condoms",
    ],
    "meansOfControlFalsePromises": ["trick", "fraud", "false pretences"],
    "meansOfControlPsychoactiveSubstances": ["substance abuse", "compliant", "before"],
    "meansOfControlRestrictsMovement": [
        "confined", "isolated", "physical or social", "accompanied or watched", "networks",
        "support",
    ],
    "meansOfControlRestrictsMedicalCare": ["health", "medical", "treatment", "company"],
    "meansOfControlExcessiveWorkingHours": [
        "contract", "Over-time", "shifts", "night", "isolate", "body or mind",
    ],
    "meansOfControlThreatOfLawEnforce": [
        "meansOfControlThreatOfLawEnforcement", "immigration authorities", "police",
    ],
    "meansOfControlWithholdsNecessities": [
        "food", "shelter", "water", "hygiene", "clothing", "religion", "gender",
    ],
    "meansOfControlWithholdsDocuments": [
        "passport", "immigration documents", "work permit", "identification card",
        "government benefits", "birth certificate", "gender identity carry letter",
        "protection orders", "court", "custody papers",
    ],
    "meansOfControlOther": [
        "8 meansOfControlDebtBondage to 21 meansOfControlWithholdsDocuments",
        "meansOfControlRestrictsFinancialAccess", "meansOfControlUsesChildren", "k-anonymized",
        "few records",
    ],
    "isForcedLabour": ["penalty", "free will", "Sexual services"],
    "isSexualExploit": ["prostitution", "force", "fraud", "coercion"],
    "isOtherExploit": [
        "forced marriage", "forced military", "organs", "Polaris", "TVPA",
        "Trafficking Victims Protection Act", "organ harvesting", "force", "fraud", "coercion",
        "isForcedMarriage", "isForcedMilitary", "isOrganRemoval", "sub-types",
    ],
    "typeOfLabourAgriculture": [
        "ISIC", "Section A", "Division 01",
        "Crop and animal production, hunting and related service activities", "Division 02",
        "Forestry and logging", "30 typeOfLabourOther",
    ],
    "typeOfLabourConstruction": ["ISIC", "Section F", "Construction"],
    "typeOfLabourDomesticWork": [
        "ISIC", "Section T",
        "Activities of households as employers; undifferentiated goods- and services-producing "
        "activities of households for own use",
    ],
    "typeOfLabourHospitality": [
        "ISIC", "Section I", "Accommodation and food service activities", "Division 55",
        "Division 56", "Food and beverage service activities",
    ],
    "typeOfLabourOther": [
        "26 typeOfLabourAgriculture to 29 typeOfLabourHospitality", "aquafarming", "begging",
        "illicit activities", "manufacturing", "mining or drilling", "peddling",
        "transportation and storage", "typeOfLabourAquafarming", "typeOfLabourBegging",
        "typeOfLabourIllicitActivities", "typeOfLabourManufacturing",
        "typeOfLabourMiningOrDrilling", "typeOfLabourPeddling", "typeOfLabourTransportation",
        "few records",
    ],
    "typeOfSexProstitution": ["sexual act", "for payment"],
    "typeOfSexPornography": ["visual material", "arouse", "audience", "takes no part"],
    "typeOfSexOther": [
        "prostitution", "pornography", "remote interactive services", "private sexual services",
        "typeOfSexRemoteInteractiveServices", "typeOfSexPrivateSexualServices",
    ],
    "recruiterRelationIntimatePartner": ["romantic partner", "lured or brought"],
    "recruiterRelationFriend": ["known to the person", "romantic partner", "relative"],
    "recruiterRelationFamily": [
        "by blood", "by marriage", "custodian or guardian", "parents", "foster parents",
        "primary caregivers",
    ],
    "recruiterRelationOther": [
        "34 recruiterRelationIntimatePartner to 36 recruiterRelationFamily", "smugglers",
        "contractors", "labour brokers", "formal employers", "Liberty Shared", "broker", "IOM",
        "recruiterRelationBroker",
    ],
}  # fmt: skip

# What it says elsewhere, by the chapter or section in which it is looked for.
ELSEWHERE = {
    "about": [
        "37 variables", "IOM, Polaris, Liberty Shared, A21 and OTSH", "Microsoft Research",
        "International Organization for Migration", "July 2019", "Tech Against Trafficking", "TAT",
        "GitHub", "working paper", "40 %", "k-anonymization", "resolution, k. It is 10",
        "drill down", "multiples of 10", "100", "101", "k = 2", "18--20", "30--38",
        "no random sample", "biased", "updated regularly", "2021", "First", "Second", "Last",
        "multiple of the privacy resolution k", "only some of the contributors",
    ],
    "contributor-iom": [
        "2011", "MiMOSA", "Migrant Management Operational System Application", "legacy",
        "2002 to 2011", "direct assistance", "referral mechanism", "implementing partners",
        "third country", "2002–2021",
    ],
    "contributor-polaris": [
        "National Human Trafficking Hotline", "7 December 2007", "BeFree Textline",
        "28 March 2013", "1 January 2015", "31 March 2017", "twice a year", "120",
        "no systematic survey", "on request", "2015–2021",
    ],
    "contributor-liberty": [
        "Victim Case Management System", "VCMS", "more than 40 NGO", "2014", "legacy",
        "twice a year", "consenting", "trained", "cloud",
    ],
    "contributor-a21": ["A21"],
    "contributor-otsh": ["OTSH"],
    "note-boundaries": ["Serbia", "Kosovo", "China", "Tibet", "United Nations"],
    "note-citizenship": ["Polaris", "several citizenships", "IOM", "main citizenship", "first"],
    "note-exploitation-proxy": [
        "last country of exploitation", "screening interview", "when registered", "IOM mission",
        "destination", "referred to IOM",
    ],
    "missing": ["NULL", "missing data"],
    "privacy": ["k = 10", "10 records"],
}  # fmt: skip

FACTS = [(f"variable-{name}", fact) for name, facts in BOOK.items() for fact in facts]
FACTS += [(place, fact) for place, facts in ELSEWHERE.items() for fact in facts]
FACTS += [(f"variable-{name}", f"{number} {name}") for number, name in enumerate(BOOK, start=1)]
FACTS += [(f"variable-{name}", "binary numeric") for name in list(BOOK)[7:]]
FACTS += [(f"variable-{name}", "NULL") for name in list(BOOK)[7:]]
FACTS += [(f"variable-{name}", "1 or missing") for name in list(BOOK)[7:]]
FACTS += [(f"variable-{name}", "no or unknown, never no") for name in list(BOOK)[7:]]


class Page(HTMLParser):
    """A page as a tree of tags: refuses what is not nested, and keeps ids, links and texts."""

    VOID = frozenset(("meta", "br", "input", "wbr", "link", "img", "hr"))

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.tags = [], [], [], []
        self.parts, self.headings = {}, []
        self.feed(text)
        self.close()
        assert not self.open
        self.sections = {id: squeezed("".join(parts)) for id, parts in self.parts.items()}

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        assert len(named) == len(attrs), f"an attribute of <{tag}> twice"
        self.tags.append((tag, named))
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if "href" in named else []
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])
        if tag not in self.VOID:
            self.open.append((tag, named.get("id")))
        if tag != "wbr":
            self.handle_data(" ", is_text=False)

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag, f"</{tag}> closes {self.open[-1]}"
        self.open.pop()
        self.handle_data(" ", is_text=False)

    def handle_data(self, data, is_text=True):
        for _, id in self.open:
            if id:
                self.parts.setdefault(id, []).append(data)
        if is_text and self.open and re.fullmatch("h[1-6]", self.open[-1][0]):
            self.headings[-1][1] += data

    def text(self, id):
        return self.sections[id]


def squeezed(text):
    """Give a text's words with single spaces, and none before a mark."""
    return re.sub(r" ([.,;:)])", r"\1", re.sub(r"\s+", " ", text)).replace("( ", "(").strip()


def markdown_sections(text):
    """Give each anchor's section as its words; a chapter's sections belong to it."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    found, level = {}, {}
    open_ones, waiting = [], None
    for token in parser.parse(text):
        if token.type == "inline" and (made := re.match('<a id="([^"]+)"></a>', token.content)):
            waiting = made[1]
            continue
        if token.type == "heading_open":
            depth = int(token.tag[1])
            open_ones = [one for one in open_ones if level[one] < depth]
            if waiting:
                assert waiting not in level, f"{waiting} twice"
                level[waiting] = depth
                open_ones.append(waiting)
                waiting = None
        words = " " + (token.content if token.type == "fence" else "")
        for child in token.children or ():
            words += " " if child.type in ("softbreak", "hardbreak") else child.content
        for one in open_ones:
            found.setdefault(one, []).append(words)
    return {one: squeezed("".join(parts)) for one, parts in found.items()}


@pytest.fixture(scope="module")
def ctdc():
    return load_codebook("ctdc-2021")


@pytest.fixture(scope="module")
def book(ctdc):
    """The CTDC codebook with a bit of everything that the language has."""
    ages, countries = ctdc.domains["age-band"].codes, ctdc.domains["country"].codes

    def group(code, members, label=""):
        return Group(code=code, label=label or code, members=tuple(members))

    stages = (
        group("0--17", ages[:2]), group("18--29", ages[2:6]), group("30+", ages[6:], "30 or more"),
    )  # fmt: skip
    age = Hierarchy(
        domain="age-band",
        levels=(
            Level(name="stage", groups=stages),
            Level(name="majority", groups=(stages[0], group("18+", ages[2:]))),
            Level(name="any", groups=(group("0+", ages),)),
        ),
    )
    halves = (group("N", countries[:100], "North"), group("S", countries[100:], "South"))
    world = Level(name="world", groups=(group("001", countries, "World"),))
    geo = Hierarchy(domain="country", levels=(Level(name="half", groups=halves), world))
    variables = dict(ctdc.variables)
    variables["ageBroad"] = evolve(variables["ageBroad"], hierarchy="age")
    variables["citizenship"] = evolve(variables["citizenship"], hierarchy="geo", protected=True)
    labour = tuple(name for name in variables if name.startswith("typeOfLabour"))
    text = "Compare {section:method}, {var:ageBroad} and [a page](https://example.org/a)."
    return evolve(
        ctdc,
        variables=variables,
        hierarchies={"age": age, "geo": geo},
        figures=(
            Figure(id="real", title="Real data", columns=("gender", "ageBroad"), text=text,
                   rows=(("Female", "18--20"), ("Male", ""))),
        ),
        groups={"labour": VariableGroup(title="Types of labour", variables=labour, text=text)},
        supersedes=(
            Superseded(codebook="k-anon", variables=("a", "b"), by=("meansOfControlOther",),
                       how="merged", note="Few had them."),
            Superseded(codebook="k-anon", variables=("Datasource",), how="dropped"),
        ),
        allow=(Allowance(code="CB025", at="variables.gender", because="As printed."),),
        checks=(
            *ctdc.checks,
            Check(id="stop", severity="error",
                  never=(Condition(var="gender", missing=True), Condition(var="age", is_=3))),
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(book):
    return Page(documents.as_html(book))


@pytest.fixture(scope="module")
def sections(book):
    return markdown_sections(documents.as_markdown(book))


HOSTILE = """\
[codebook]
dsl     = 1
id      = "hostile"
title   = "<script>alert('title')</script> & *co*"
version = "1.0.0"
released = "2021 | <b>"
description = '''
<script>alert(1)</script> <!-- not closed

# Not a heading

![picture](https://example.org/spy.png) [bad](javascript:alert(1)) <https://example.org/?a=1&b=2>

***

```
<script>alert("fence")</script> not closed'''

[privacy]
k        = 3
round_to = 3

[domains.odd]
kind   = "enum"
values = [
  { code = "a|b", label = "<i>one</i> | two", definition = "`co` | <img src=x onerror=alert(1)>" },
  { code = "`tick`", label = "``two``", definition = '{var: is none, nor is `{var:odd name}`' },
  { code = "<b>", label = "a \\\\ b_c_ *d*", definition = "- x\\n- y\\n\\n1. z" },
]

[variables."odd name"]
domain     = "odd"
role       = ["quasi"]
definition = "See {var:odd name}: \\\\{var:odd name}, &lt;, `<b>|`, and 5 < 6 | 7 > 4."
caveat     = "</article></main><script>alert(2)</script>"
concept    = "x](y) <b>"

[[checks]]
id    = "</section>"
never = [{ var = "odd name", is = "a|b" }]
because = "<svg onload=alert(3)>"

[notes."a\\"b"]
title = "<h1>note</h1> {var:odd name}"
text  = '''
    <script>indented</script>

> quote

1) one
2) two'''

[[sections]]
id    = "s"
title = "# Section"
text  = "Text\\n===\\n{note:a\\"b} and {section:s}"

[[errata]]
at      = "variables.odd name"
where   = "<p>"
printed = "`a` <b> | \\\\"
"""


@pytest.fixture(scope="module")
def hostile(codebook_of):
    return codebook_of(HOSTILE)


def test_there_are_more_than_a_hundred_and_twenty_facts_by_hand():
    assert sum(map(len, [*BOOK.values(), *ELSEWHERE.values()])) > 320
    assert list(BOOK)[18] == "meansOfControlThreatOfLawEnforce"
    assert len(BOOK) == 37


@pytest.mark.parametrize(("place", "fact"), FACTS)
def test_a_fact_of_the_printed_book_stands_in_its_own_section(page, sections, place, fact):
    options = fact.split("|")
    assert any(one in sections[place] for one in options), "Markdown"
    assert any(one in page.text(place) for one in options), "HTML"


def test_the_list_of_variables_is_that_of_the_printed_book(page, sections):
    names = [f"{number} {name}" for number, name in enumerate(BOOK, start=1)]
    for text in (page.text("list"), sections["list"]):
        places = [text.index(name) for name in names]
        assert places == sorted(places)


def test_the_titles_of_the_printed_book_are_printed(book):
    text = documents.as_markdown(book)
    title = "Counter Trafficking Data Collaborative (CTDC) Synthetic Data Codebook"
    assert text.startswith(f"# {title}\n")
    assert f"Version: {book.header.version} · Released: 2021-09 · Variables: 37" in text


@pytest.mark.parametrize("name", sorted(shipped_codebooks()))
def test_every_document_warns_of_what_people_get_wrong(name):
    codebook = load_codebook(name)
    page = Page(documents.as_html(codebook))
    for caution in CAUTIONS:
        assert caution in documents.as_markdown(codebook)
        assert caution in page.text("main")


@pytest.mark.parametrize("name", sorted(shipped_codebooks()))
def test_every_entry_of_a_shipped_codebook_is_printed(name):
    codebook = load_codebook(name)
    sections = markdown_sections(documents.as_markdown(codebook))
    page = Page(documents.as_html(codebook))
    kinds = {
        "variable": codebook.variables,
        "rule": [one.id for one in codebook.rules],
        "check": [one.id for one in codebook.checks],
        "note": codebook.notes,
        "section": [one.id for one in codebook.sections],
        "contributor": codebook.contributors,
        "hierarchy": codebook.hierarchies,
        "group": codebook.groups,
    }
    for kind, names in kinds.items():
        for one in names:
            assert f"{kind}-{one}" in sections
            assert f"{kind}-{one}" in page.ids
    for name, variable in codebook.variables.items():
        for code in codebook.domain_of(name).codes:
            own = f"variable-{name}"
            place = sections.get(f"values-{variable.domain}", "") + sections[own]
            if codebook.domain_of(name).__class__.__name__ != "RangeDomain":
                assert code in place
        for alias in variable.aliases:
            assert alias in sections[f"variable-{name}"]
    for one in codebook.figures:
        for cell in (one.title, *one.columns, *(cell for row in one.rows for cell in row)):
            assert cell in sections["figures"]
            assert cell in page.text("figures")
    for one in codebook.errata:
        assert squeezed(one.printed) in sections["errata"]


def test_what_the_language_has_besides_is_printed_too(page, sections):
    for seen in (sections, page.sections):
        assert "9 values, then stage (3), then majority (2), then any (1)" in seen["hierarchy-age"]
        assert "30+ 30 or more · 3 values" in seen["hierarchy-age"]
        assert seen["hierarchy-age"].count("0--17") == 1, "a level that leaves a group as it is"
        assert "N North · 100 values" in seen["hierarchy-geo"]
        assert "AFG" not in seen["hierarchy-geo"]
        assert "Hierarchy age" in seen["variable-ageBroad"]
        assert "Types of labour" in seen["variable-typeOfLabourOther"]
        assert "least one of them is 1" in seen["groups"]
        assert "26 typeOfLabourAgriculture to 30 typeOfLabourOther." in seen["group-labour"]
        assert "a and b of k-anon were merged into 22 meansOfControlOther. Few" in seen["before"]
        assert "a and b of k-anon were merged" in seen["variable-meansOfControlOther"]
        assert "Datasource of k-anon was dropped." in seen["before"]
        assert "2 gender (CB025): As printed." in seen["colophon"]
        assert "Compare How the synthetic records are made, 3 ageBroad" in seen["figures"]
        assert "stops at records in which 2 gender is missing and age is 3." in seen["check-stop"]
        assert "No privacy strategy may blank it." in seen["variable-citizenship"]
        assert "A21 and OTSH: unknown, as the codebook does not say" in seen["variable-ageBroad"]


def test_what_nobody_said_about_a_contributor_is_unknown_and_not_no(sections):
    text = sections["variable-traffickMonths"]
    assert "IOM, Polaris, Liberty Shared, A21 and OTSH: unknown" in text
    assert "not collected" not in text


def test_every_rule_of_the_language_has_words(ctdc):
    words = Wording(ctdc, BUILT_IN)
    told = {rule.id: n.plain(words.rule(rule)) for rule in ctdc.rules}
    assert told["first-citizenship"] == (
        "The first of the values that a cell of citizenships lists becomes firstCitizenship. "
        "Where the file itself has a value, the two must agree."
    )
    assert "Kosovo and Y1 become SRB (Serbia); TB and Tibet become CHN (" in told["un-boundaries"]
    assert told["age-to-band"].startswith(
        "The whole number in age becomes the band that holds it, in 3 ageBroad."
    )
    assert told["rare-sex"] == (
        "33 typeOfSexOther is 1 wherever typeOfSexRemoteInteractiveServices or "
        "typeOfSexPrivateSexualServices is 1, and wherever the file itself says so."
    )
    assert (
        "6 CountryOfExploitation takes the first of these that is known: "
        in (told["exploitation-proxy"])
    )
    assert "countryAtRegistration, else countryOfIomMission." in told["exploitation-proxy"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (
            Derive(to="isForcedLabour", mode="fill",
                   any=(Condition(var="gender", in_=("Male", "Female")),
                        Condition(var="ageBroad", missing=True))),
            "23 isForcedLabour is 1 wherever 2 gender is Male or Female or 3 ageBroad is missing. "
            "Where the file itself has a value, that one stands.",
        ),
        (
            Derive(to="isForcedLabour",
                   all=(Condition(var="gender", is_="Male"), Condition(var="age", is_=17))),
            "23 isForcedLabour is 1 wherever 2 gender is Male and age is 17. "
            "Where the file itself has a value, the two must agree.",
        ),
        (
            Coalesce(from_=("a", "gender"), to="gender", mode="overwrite"),
            "2 gender takes the first of these that is known: a, else 2 gender. It stands even "
            "where the file itself has another value.",
        ),
    ],
)  # fmt: skip
def test_how_conditions_and_modes_are_told(ctdc, params, words):
    rule = RuleEntry(id="x", op="x", because="", params=params)
    assert n.plain(Wording(ctdc, BUILT_IN).rule(rule)) == words


@frozen(kw_only=True)
class Lookup:
    """A plugin's parameters."""

    column: str = entry("what it reads")
    of: tuple[int, ...] = entry("numbers", default=())


def test_a_plugins_rule_is_told_by_its_summary_and_its_entries(ctdc):
    rule = RuleEntry(id="x", op="lookup", because="So.", params=Lookup(column="age", of=(1, 2)))
    made = Rule(
        op="lookup", summary="a value found in a table", params=Lookup,
        reads=lambda params: (params.column,), writes=lambda _: ("gender",),
    )  # fmt: skip
    known, unknown = Wording(ctdc, {**BUILT_IN, "lookup": made}), Wording(ctdc, BUILT_IN)
    assert n.plain(known.rule(rule)) == (
        "lookup: a value found in a table. It reads age. It writes 2 gender. "
        'Its entries: column = "age", of = [1, 2].'
    )
    assert n.plain(unknown.rule(rule)) == 'lookup. Its entries: column = "age", of = [1, 2].'
    codebook = evolve(ctdc, rules=(*ctdc.rules, rule))
    text = documents.as_markdown(codebook, rules={**BUILT_IN, "lookup": made})
    assert "a value found in a table" in markdown_sections(text)["variable-gender"]
    assert "rule-x" in markdown_sections(documents.as_markdown(codebook))


def test_the_rules_that_make_an_input_stand_with_the_variable_that_it_makes(sections):
    text = sections["variable-citizenship"]
    places = [text.index(f"{one}: ") for one in
              ("un-boundaries", "first-citizenship", "citizenship-or-origin")]  # fmt: skip
    assert places == sorted(places)
    assert "first-citizenship" not in sections["variable-CountryOfExploitation"]


def test_a_rule_of_many_columns_is_told_once_and_linked_from_each(ctdc, sections):
    (zeros,) = (one for one in ctdc.rules if one.id == "k-anonymized-zeros")
    assert all(name in sections["rule-k-anonymized-zeros"] for name in zeros.params.on)
    said = "k-anonymized-zeros: As a file that has Datasource is read, 0 and 0.0 become missing."
    entries = {name: sections[f"variable-{name}"] for name in ctdc.variables}
    flags = [name for name in zeros.params.on if name in entries]
    assert len(flags) > 25
    assert all(said[:75] in entries[name] for name in flags)
    assert said in entries["meansOfControlThreats"]
    rare = [name for name, entry in entries.items() if "PrivateSexualServices" in entry]
    assert rare == ["typeOfSexOther"]


# ---- escaping


def test_nothing_of_a_codebook_becomes_markup_of_the_page(hostile):
    page = Page(documents.as_html(hostile))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == tags.count("main") == tags.count("h1") == 1
    assert {"img", "svg", "i"}.isdisjoint(tags)
    assert all(not name.startswith("on") for _, named in page.tags for name in named)
    assert page.links.count("https://example.org/?a=1&b=2") == 1
    assert {link for link in page.links if link[0] != "#"} == {"https://example.org/?a=1&b=2"}
    variable = page.text("variable-odd.20.name")
    for literal in (
        "</article></main><script>alert(2)</script>", "<i>one</i> | two", "a|b", "`tick`",
        "``two``", "<img src=x onerror=alert(1)>", "{var: is none, nor is {var:odd name}",
        "a \\ b_c_ *d*", "See 1 odd name: {var:odd name}, <, <b>|, and 5 < 6 | 7 > 4.",
        "x](y) <b>", "`a` <b> | \\",
    ):  # fmt: skip
        assert literal in variable
    main = page.text("main")
    assert "<script>alert(1)</script> <!-- not closed Not a heading picture [bad](javas" in main
    assert '<script>alert("fence")</script> not closed' in main
    assert "<script>indented</script>" in main


def test_nothing_of_a_codebook_becomes_markup_of_the_markdown(hostile):
    text = documents.as_markdown(hostile)
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    headings, tags, links = [], [], []
    tokens = parser.parse(text)
    for before, token in zip([None, *tokens[:-1]], tokens, strict=True):
        assert token.type != "html_block"
        if before is not None and before.type == "heading_open":
            headings.append("".join(child.content for child in token.children))
        for child in token.children or ():
            tags += [child.content] if child.type == "html_inline" else []
            links += [child.attrs["href"]] if child.type == "link_open" else []
            assert child.type != "image"
    assert headings == [
        "<script>alert('title')</script> & *co*", "About the data", "# Section",
        "List of variables", "The variables", "1 odd name", "Missing values", "Checks",
        "</section>", "Privacy", "Appendix: notes", "<h1>note</h1> 1 odd name", "Errata",
        "About this document",
    ]  # fmt: skip
    assert {tag for tag in tags if not re.fullmatch('<a id="[a-zA-Z0-9._-]+">|</a>', tag)} <= (
        {"<br>"}
    )
    assert {link for link in links if not link.startswith("#")} == {"https://example.org/?a=1&b=2"}
    words = markdown_sections(text)["variable-odd.20.name"]
    assert "<i>one</i> | two" in words
    assert "See 1 odd name: {var:odd name}, <, <b>|, and 5 < 6 | 7 > 4." in words
    assert "a \\ b_c_ *d*" in words


AWKWARD = st.text(alphabet=" \n#*_-+=>|`~[](){}<>&!\\.:1ab'\"$@éж", max_size=60)


@given(AWKWARD)
def test_plain_text_comes_through_markdown_as_it_is(text):
    words = " ".join(text.split())
    parsed = MarkdownIt("commonmark").enable("table").parse(f"x {escaped(words)}")
    assert [token.type for token in parsed] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(child.content for child in parsed[1].children) == f"x {words}".rstrip()


@settings(deadline=None)
@given(AWKWARD)
def test_a_text_means_in_the_document_what_it_meant_in_the_codebook(toy, text):
    """However odd it is: what follows it stays what it is, and its words are there."""
    definition = text.strip() or "x"
    odd = evolve(toy.variables["gender"], definition=definition, caveat=definition)
    codebook = evolve(toy, variables={**toy.variables, "gender": odd})
    sections = markdown_sections(documents.as_markdown(codebook))
    page = Page(documents.as_html(codebook))
    assert list(sections) == list(markdown_sections(documents.as_markdown(toy)))
    assert page.headings == Page(documents.as_html(toy)).headings
    letters = re.sub(r"[^ab1éж]", "", words_of(Prose(codebook).blocks(definition)))
    for found in (sections["variable-gender"], page.text("variable-gender")):
        assert letters in re.sub(r"[^ab1éж]", "", found)


def words_of(blocks):
    done = ""
    for block in blocks:
        match block:
            case n.Paragraph(children):
                done += n.plain(children)
            case n.Listed(items):
                done += "".join(map(words_of, items))
            case n.Quote(children):
                done += words_of(children)
            case n.Listing(text):
                done += text
    return done


@pytest.fixture(scope="module")
def minimal():
    return load_codebook("minimal")


def test_a_reference_in_code_or_after_a_backslash_is_none(ctdc):
    prose = Prose(ctdc)
    links = [node for node in prose.inlines("{var:gender} `{var:gender}` \\{var:gender}")
             if isinstance(node, n.Link)]  # fmt: skip
    assert links == [n.Link("#variable-gender", (n.Text("2 gender"),))]
    assert n.plain(prose.inlines("{vars:gender..citizenship}, {note:citizenship}")) == (
        "2 gender to 5 citizenship, Citizenship (5 citizenship)"
    )
    assert n.plain(prose.inlines("{var:nobody} {odd:x} {section:none}")) == (
        "{var:nobody} {odd:x} {section:none}"
    )


def test_a_title_may_begin_with_a_number(ctdc):
    prose = Prose(ctdc)
    assert [n.plain(prose.inlines(text)) for text in ("1. Intro", "# x", "")] == (
        ["1. Intro", "# x", ""]
    )
    assert n.plain(prose.inlines("Two lines:\n\n- a\n- b")) == "Two lines: a; b"


def test_titles_that_refer_to_each_other_do_not_go_round_in_circles(ctdc):
    notes = {
        "a": evolve(ctdc.notes["citizenship"], title="A {note:b}"),
        "b": evolve(ctdc.notes["citizenship"], title="B {note:a}"),
    }
    prose = Prose(evolve(ctdc, notes=notes))
    assert n.plain(prose.inlines("{note:a}")) == "A b"


# ---- the page


def test_the_page_is_sound_and_needs_nothing_but_itself(book, page):
    text = documents.as_html(book)
    assert len(page.ids) == len(set(page.ids))
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert len(inside) > 200
    assert set(inside) <= set(page.ids)
    outside = {link for link in page.links if link[0] != "#"}
    assert "https://example.org/a" in outside
    assert all(link.startswith("https://") for link in outside)
    assert not re.search(r"@import|url\(|src=|<link|<iframe|<img|<object", text)
    named = [tag for tag, attrs in page.tags if {"src", "srcset", "data", "action"} & set(attrs)]
    assert named == []


def test_the_page_allows_no_script_but_its_own(book):
    text = documents.as_html(book)
    policy = re.search('<meta http-equiv="Content-Security-Policy" content="([^"]+)">', text)[1]
    scripts = re.findall("<script[^>]*>(.*?)</script>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert len(scripts) == 1
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_page_can_be_read_with_ears_and_keys(page):
    tags = [tag for tag, _ in page.tags]
    levels = [level for level, _ in page.headings]
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert tags.count("table") == tags.count("caption")
    assert all(attrs.get("scope") == "col" for tag, attrs in page.tags if tag == "th")
    assert {"header", "nav", "main", "footer"} <= set(tags)
    assert page.tags[tags.index("a")][1] == {"class": "skip", "href": "#main"}
    assert dict(page.tags)["html"] == {"lang": "en"}
    labels = {attrs["for"] for tag, attrs in page.tags if tag == "label"}
    assert {attrs["id"] for tag, attrs in page.tags if tag == "input"} <= labels
    named = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
    assert len(named) == 37
    assert set(named) <= set(page.ids)


def test_without_its_script_the_page_shows_everything_and_no_search_box(page):
    hidden = [attrs.get("id") for _, attrs in page.tags if "hidden" in attrs]
    assert hidden == ["search"]


def test_every_row_of_the_list_goes_with_its_variable(page):
    rows = [attrs["data-variable"] for _, attrs in page.tags if "data-variable" in attrs]
    assert rows == 2 * [f"variable-{name}" for name in BOOK]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(book, scheme):
    first, second = re.findall(r":root \{(.*?)\}", documents.as_html(book), re.DOTALL)[:2]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", first))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", second))
    pairs = [
        ("text", "page"), ("text", "band"), ("text", "tint"), ("soft", "page"), ("link", "page"),
        ("accent", "page"), ("accent", "tint"), ("alarm", "alarm-page"), ("text", "alarm-page"),
        ("link", "alarm-page"), ("top-text", "top"), ("top-soft", "top"),
    ]  # fmt: skip
    for text, ground in pairs:
        light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


# ---- links in Markdown, and bytes


def test_every_link_in_the_markdown_leads_somewhere(book):
    text = documents.as_markdown(book)
    anchors = re.findall('<a id="([^"]+)"></a>', text)
    targets = re.findall(r"\]\(#([^)]+)\)", text)
    assert len(anchors) == len(set(anchors))
    assert len(targets) > 200
    assert set(targets) <= set(anchors)


RENDER = """
import hashlib
from ctdc_framework import documents
from ctdc_framework.language.load import load_codebook
codebook = load_codebook("ctdc-2021")
text = documents.as_markdown(codebook) + documents.as_html(codebook)
print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_the_same_codebook_gives_the_same_bytes_in_every_process(ctdc):
    text = documents.as_markdown(ctdc) + documents.as_html(ctdc)
    made = {hashlib.sha256(text.encode()).hexdigest()}
    for seed in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", RENDER], capture_output=True, check=True,
                              text=True, env={**os.environ, "PYTHONHASHSEED": seed})  # fmt: skip
        made.add(done.stdout.strip())
    assert len(made) == 1


def test_asking_for_documents_loads_neither_pandas_nor_the_typesetter():
    code = "import sys, ctdc_framework.documents; print({'pandas', 'typst'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"


# ---- counts


@pytest.fixture
def counted(codebook_of, toy_text) -> Codebook:
    flags = (
        toy_text
        + """
[variables.mine]
domain = "std/flag"
role = ["sensitive"]
definition = "Mining."
"""
    )
    codebook = codebook_of(flags.replace('"means", "forced"]', '"means", "forced", "mine"]'))
    group = VariableGroup(title="Work", variables=("forced", "mine"))
    return evolve(codebook, groups={"work": group})


DATA = "year,gender,ageBroad,means,forced,mine\n" + "".join(
    7 * ["2019,Female,0--17,Debt;Threats,1,1\n"]
    + 4 * ["2020,Male,18--29,Threats,1,\n"]
    + 2 * ["2021,,,,,\n"]
)


def test_counts_of_a_release_are_those_of_its_cells(counted, file_of):
    counts = documents.counts_of(file_of(DATA, ".csv"), counted)
    assert counts["gender"] == {"": 2, "Female": 7, "Male": 4}
    assert counts["means"] == {"": 2, "Debt": 7, "Threats": 11, "Violence": 0}
    assert counts["forced"] == {"": 2, "1": 11}
    assert counts["ageBroad"] == {"": 2, "0--17": 7, "18--29": 4, "30+": 0}
    assert counts["group:work"] == {"1": 11}


def test_counts_are_shown_rounded_down_and_none_below_k(counted, file_of):
    counts = documents.counts_of(file_of(DATA, ".csv"), counted)
    for text in (
        markdown_sections(documents.as_markdown(counted, counts))["variable-gender"],
        Page(documents.as_html(counted, counts)).text("variable-gender"),
    ):
        assert "Female 6 67 %" in text
        assert "Male 3 33 %" in text
        assert "(blank) fewer than 3" in text
    assert "Records" not in documents.as_markdown(counted)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "fewer than 10"), (9, "fewer than 10"), (10, "10"), (19, "10"), (1239, "1,230")],
)
def test_a_count_is_never_told_exactly(ctdc, count, words):
    assert Shown(ctdc, {"gender": {"Male": count}}).words("gender", "Male") == words


@pytest.mark.parametrize(("base", "words"), [(100, "fewer than 100"), (4, "16"), (5, "15")])
def test_the_larger_of_k_and_the_base_hides(ctdc, base, words):
    codebook = evolve(ctdc, privacy=evolve(ctdc.privacy, round_to=base))
    assert Shown(codebook, {"gender": {"Male": 19}}).words("gender", "Male") == words


def test_shares_stand_only_where_it_is_known_of_what(counted):
    counts = {
        "gender": {"Female": 9, "Male": 3, "": 600},
        "means": {"Debt": 9, "Threats": 9},
        "forced": {"1": 9, "": 90},
    }
    shown = Shown(counted, counts)
    assert shown.share("gender", "Female") == "75 %"
    assert shown.share("gender", "") == ""
    assert shown.share("means", "Debt") == "", "a cell lists what is known"
    assert shown.share("forced", "1") == "", "blanks are no or unknown"
    whole = Shown(counted, counts | {"group:work": {"1": 18}})
    assert whole.share("forced", "1") == "50 %"
    assert whole.base("forced") == "records with any flag of “Work”"
    assert Shown(counted, {"forced": {"1": 9}, "group:work": {"1": 2}}).share("forced", "1") == ""


@pytest.fixture
def five_people(file_of):
    """Ten times CTDC's example of a group of three flags: one person in five has none of them."""
    names = ["recruiterRelationFriend", "recruiterRelationFamily", "recruiterRelationOther"]
    people = ["1,1,", "1,,", ",1,", ",,1", ",,"]
    header = ",".join([*names, "recruiterRelationIntimatePartner"])
    rows = [f"{one}," for one in people] * 10
    return file_of("\n".join([header, *rows]) + "\n", ".csv")


def test_shares_of_a_group_are_of_those_with_any_flag_and_may_exceed_the_whole(five_people):
    codebook = load_codebook("ctdc-2024")
    counts = documents.counts_of(five_people, codebook)
    shown = Shown(codebook, counts)
    assert counts["group:recruiter"] == {"1": 40}
    names = ["recruiterRelationFriend", "recruiterRelationFamily", "recruiterRelationOther"]
    assert [shown.share(name, "1") for name in names] == ["50 %", "50 %", "25 %"]
    assert codebook.group_of(names[0]) == "recruiter"
    assert codebook.group_of("gender") == ""


def test_rules_for_one_kind_of_file_and_variables_that_may_be_absent_are_told_as_such(book):
    sections = markdown_sections(documents.as_markdown(book))
    zeros = sections["rule-k-anonymized-zeros"]
    assert "As a file that has Datasource is read, 0 and 0.0 become missing" in zeros
    letters = sections["rule-k-anonymized-countries"]
    assert "two-letter codes of ISO 3166-1 become its three-letter ones" in letters
    assert "A file may lack the column" in sections["variable-traffickMonths"]
    assert "A file may lack the column" not in sections["variable-ageBroad"]


def test_of_a_long_list_only_what_is_shown_has_a_row(book):
    counts = {"citizenship": {"AFG": 25, "ALB": 7, "S": 40, "": 100}}
    text = markdown_sections(documents.as_markdown(book, counts))["variable-citizenship"]
    assert "AFG Afghanistan 20 33 %" in text
    assert "S South 40 67 %" in text
    assert "Albania" not in text
    assert "without a row: fewer than 10" in text


def test_counts_of_something_else_are_refused(ctdc):
    with pytest.raises(CtdcError, match="counts are given for `gendre`"):
        documents.as_markdown(ctdc, {"gendre": {"Male": 10}})


@pytest.mark.parametrize(
    ("text", "message"),
    [("name\nAda\n", "no variable of toy"), ("gender\nAda\n", "column gender holds what is no")],
)
def test_a_file_that_is_no_release_is_refused_without_its_content(counted, file_of, text, message):
    with pytest.raises(DataError, match=message) as caught:
        documents.counts_of(file_of(text, ".csv"), counted)
    assert "Ada" not in str(caught.value)


# ---- the book


def test_the_book_is_a_pdf_without_a_date_and_always_the_same(book, hostile):
    pytest.importorskip("typst", reason="needs the extra pdf")
    made = documents.as_pdf(book, {"gender": {"Male": 100}})
    assert made.startswith(b"%PDF")
    assert b"/CreationDate" not in made
    assert made == documents.as_pdf(book, {"gender": {"Male": 100}})
    assert documents.as_pdf(hostile).startswith(b"%PDF")


def test_a_text_in_another_script_is_set_too(minimal):
    pytest.importorskip("typst", reason="needs the extra pdf")
    header = evolve(minimal.header, title="رموز 符号", lang='weird"')
    assert documents.as_pdf(evolve(minimal, header=header)).startswith(b"%PDF")


def test_where_the_typesetter_is_absent_it_says_what_to_install(ctdc, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(CtdcError) as caught:
        documents.as_pdf(ctdc)
    assert caught.value.help == "pip install 'ctdc-framework[pdf]'"
