"""A difference names what changed by its kind, where it is and how much it weighs."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.codebook.domains import (
    STANDARD,
    Band,
    BandsDomain,
    EnumDomain,
    RangeDomain,
    Value,
)
from ctdc_framework.codebook.model import Superseded
from ctdc_framework.difference.changes import WEIGHTS, as_json, as_text, compare_codebooks
from ctdc_framework.difference.domains import domain_changes, listed
from ctdc_framework.errors import CodebookError
from ctdc_framework.language.load import load_codebook, shipped_codebooks
from ctdc_framework.toml.convert import fields_of

BASE = """\
[codebook]
dsl = 1
id = "base"
title = "To be changed in one place"
version = "1.2.3"

[privacy]
k = 10
round_to = 10

[missing]
codes = [{ code = "NULL", reason = "not-recorded", label = "missing" }]

[contributors.iom]
label = "IOM"
years = [2002, 2021]

[domains.gender]
kind = "enum"
values = [
  { code = "Female" },
  { code = "Male", definition = "Identifies as male." },
  { code = "Trans" },
]

[domains.age]
kind = "bands"
unit = "year"
bands = [{ from = 0, to = 17 }, { from = 18, to = 38 }, { from = 39, to = 47 }, { from = 48 }]

[domains.year]
kind = "range"
min = 2002
max = 2021

[domains.country]
kind = "country"
as_of = "2005-01-01"

[variables.year]
domain = "year"
role = ["quasi"]
definition = "Year."

[variables.gender]
domain = "gender"
role = ["quasi", "sensitive"]
definition = "Gender."
aliases = ["sex"]
[variables.gender.contributors]
iom = { status = "partial", since = 2017 }

[variables.ageBroad]
domain = "age"
role = ["quasi"]
definition = "Age; see {note:age}."

[variables.citizenship]
domain = "country"
role = ["quasi"]
definition = "Citizenship."

[variables.forced]
domain = "std/flag"
role = ["sensitive"]
definition = "Forced labour."

[variables.worked]
domain = "std/flag"
role = ["sensitive"]
definition = "Work."

[inputs.caseNumber]
role = "identifier"

[inputs.age]
domain = "std/integer"

[inputs.farm]
domain = "std/flag"

[inputs.mine]
domain = "std/flag"

[inputs.spare]
domain = "std/flag"

[[rules]]
id = "age-to-band"
op = "bin"
from = "age"
to = "ageBroad"
because = "An exact age singles people out."

[[rules]]
id = "rare"
op = "fold"
from = ["farm"]
to = "worked"
because = "Too rare."

[[checks]]
id = "no-minors"
never = [{ var = "worked", is = 1 }, { var = "year", is = 2010 }]

[notes.age]
title = "Age"
text = "Age at registration."

[[sections]]
id = "what"
title = "What"
text = "Text."

[[errata]]
at = "variables.gender"
where = "page 3"
printed = "gendre"
"""

MALE = '{ code = "Male", definition = "Identifies as male." }'
AGES = "{ from = 18, to = 38 }, { from = 39, to = 47 }, { from = 48 }"
FORCED = """\
[variables.forced]
domain = "std/flag"
role = ["sensitive"]
definition = "Forced labour."
"""
SPARE = '[inputs.spare]\ndomain = "std/flag"\n'
RARE = """
[[rules]]
id = "rare"
op = "fold"
from = ["farm"]
to = "worked"
because = "Too rare."
"""

MUTATIONS = {
    # what is replaced, by what: the only change that is found, its place, its weight
    "k lowered": ("k = 10", "k = 5", "k-lowered", "privacy.k", "relaxed"),
    "k raised": ("k = 10", "k = 20", "k-raised", "privacy.k", "minor"),
    "rounding finer": ("to = 10", "to = 5", "round-to-lowered", "privacy.round_to", "relaxed"),
    "rounding coarser": ("to = 10", "to = 20", "round-to-raised", "privacy.round_to", "minor"),
    "title": ('title = "To', 'title = "Not to', "title", "codebook.title", "patch"),
    "missing code gone": (
        '{ code = "NULL", reason = "not-recorded", label = "missing" }',
        "",
        "missing-removed",
        "missing.NULL",
        "major",
    ),
    "missing code new": (
        "codes = [",
        'codes = [{ code = "-99", reason = "unknown" }, ',
        "missing-added",
        "missing.-99",
        "minor",
    ),
    "missing reason": (
        "not-recorded",
        "unknown",
        "missing-changed",
        "missing.NULL",
        "minor",
    ),
    "missing label": ('"missing"', '"not known"', "missing-changed", "missing.NULL", "patch"),
    "bands joined": (
        AGES,
        "{ from = 18, to = 38 }, { from = 39 }",
        "domain-coarser",
        "domains.age",
        "major",
    ),
    "a band parted": (
        "{ from = 18, to = 38 }",
        "{ from = 18, to = 20 }, { from = 21, to = 38 }",
        "domain-finer",
        "domains.age",
        "relaxed",
    ),
    "bands cut otherwise": (
        AGES,
        "{ from = 18, to = 29 }, { from = 30, to = 47 }, { from = 48 }",
        "domain-recut",
        "domains.age",
        "major",
    ),
    "the last band closed": (
        "{ from = 48 }",
        "{ from = 48, to = 60 }",
        "domain-recut",
        "domains.age",
        "major",
    ),
    "bands written otherwise": (
        'unit = "year"',
        'unit = "year"\ncode = "{from} to {to}"',
        "values-recoded",
        "domains.age",
        "major",
    ),
    "unit": ('unit = "year"', 'unit = "month"', "domain-unit", "domains.age", "major"),
    "any dash": (
        'unit = "year"',
        'unit = "year"\nread_dash = "any"',
        "domain-reading",
        "domains.age",
        "minor",
    ),
    "a band's label": (
        'unit = "year"',
        'unit = "year"\nlabel = "{from} to {to}"',
        "text",
        "domains.age",
        "patch",
    ),
    "years added": ("max = 2021", "max = 2023", "values-added", "domains.year", "minor"),
    "years gone": ("min = 2002", "min = 2005", "values-removed", "domains.year", "major"),
    "value added": (
        '{ code = "Trans" }',
        '{ code = "Trans" }, { code = "Other" }',
        "values-added",
        "domains.gender",
        "minor",
    ),
    "value gone": ('{ code = "Trans" },', "", "values-removed", "domains.gender", "major"),
    "value renamed": (
        MALE,
        MALE.replace('"Male"', '"Man"'),
        "values-recoded",
        "domains.gender",
        "major",
    ),
    "value reworded": ("Identifies as male.", "A man.", "text", "domains.gender", "patch"),
    "order gains a meaning": (
        'kind = "enum"',
        'kind = "enum"\nordered = true',
        "domain-order",
        "domains.gender",
        "minor",
    ),
    "values in another order": (
        f'{{ code = "Female" }},\n  {MALE}',
        f'{MALE},\n  {{ code = "Female" }}',
        "domain-order",
        "domains.gender",
        "patch",
    ),
    "country taken out": (
        '"2005-01-01"',
        '"2005-01-01"\nminus = ["DEU"]',
        "values-removed",
        "domains.country",
        "major",
    ),
    "role dropped": (
        'role = ["quasi", "sensitive"]',
        'role = ["sensitive"]',
        "role-relaxed",
        "variables.gender",
        "relaxed",
    ),
    "role taken": (
        'role = ["sensitive"]\ndefinition = "Forced',
        'role = ["sensitive", "quasi"]\ndefinition = "Forced',
        "role-tightened",
        "variables.forced",
        "minor",
    ),
    "not nullable": (
        'definition = "Year."',
        'definition = "Year."\nnullable = false',
        "nullable",
        "variables.year",
        "major",
    ),
    "protected": (
        'definition = "Year."',
        'definition = "Year."\nprotected = true',
        "protected",
        "variables.year",
        "minor",
    ),
    "missing matches": (
        'definition = "Year."',
        'definition = "Year."\nmissing_matches = "anything"',
        "missing_matches",
        "variables.year",
        "relaxed",
    ),
    "list": (
        'definition = "Year."',
        'definition = "Year."\nlist = ";"',
        "list",
        "variables.year",
        "major",
    ),
    "alias gone": ('aliases = ["sex"]\n', "", "alias-removed", "variables.gender", "major"),
    "alias new": ('["sex"]', '["sex", "g"]', "alias-added", "variables.gender", "minor"),
    "definition": ('"Year."', '"The year."', "text", "variables.year", "patch"),
    "required": (
        "[variables.forced]\n",
        "[variables.forced]\nrequired = false\n",
        "required",
        "variables.forced",
        "minor",
    ),
    "collection": (
        '"partial"',
        '"proxy"',
        "collection-changed",
        "variables.gender.contributors.iom",
        "minor",
    ),
    "variable gone": (FORCED, "", "variable-removed", "variables.forced", "major"),
    "variable no longer released": (
        FORCED,
        '[inputs.forced]\ndomain = "std/flag"\n',
        "variable-removed",
        "variables.forced",
        "major",
    ),
    "variable new": (
        FORCED,
        FORCED + FORCED.replace("forced]", "other]"),
        "variable-added",
        "variables.other",
        "minor",
    ),
    "input released": (
        SPARE,
        FORCED.replace("forced]", "spare]"),
        "released",
        "variables.spare",
        "relaxed",
    ),
    "input released under another name": (
        SPARE,
        FORCED.replace("forced]", "work]") + 'aliases = ["spare"]\n',
        "released",
        "variables.work",
        "relaxed",
    ),
    "identifier released": (
        '[inputs.caseNumber]\nrole = "identifier"\n',
        FORCED.replace("forced]", "caseNumber]"),
        "released",
        "variables.caseNumber",
        "relaxed",
    ),
    "input gone": (SPARE, "", "input-removed", "inputs.spare", "major"),
    "input new": (
        SPARE,
        SPARE + SPARE.replace("spare", "more"),
        "input-added",
        "inputs.more",
        "minor",
    ),
    "rule gone": (RARE, "", "rule-removed", "rules.rare", "relaxed"),
    "rule new": (
        RARE,
        RARE + RARE.replace('"rare"', '"rarer"'),
        "rule-added",
        "rules.rarer",
        "minor",
    ),
    "rule changed": ('["farm"]', '["farm", "mine"]', "rule-changed", "rules.rare", "major"),
    "reason changed": ('"Too rare."', '"Far too rare."', "rule-changed", "rules.rare", "patch"),
    "check changed": ("is = 2010", "is = 2011", "check-changed", "checks.no-minors", "minor"),
    "contributor": (
        "[2002, 2021]",
        "[2002, 2022]",
        "contributor-changed",
        "contributors.iom",
        "minor",
    ),
    "contributor's name": (
        '"IOM"',
        '"The IOM"',
        "contributor-changed",
        "contributors.iom",
        "patch",
    ),
    "note": ("Age at registration", "Age then", "note-changed", "notes.age", "patch"),
    "section": ('"Text."', '"More."', "section-changed", "sections.what", "patch"),
    "erratum": ("page 3", "page 4", "errata", "errata", "patch"),
}


@pytest.fixture(scope="session")
def base(codebook_of):
    return codebook_of(BASE)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_single_change_is_the_only_one_found_with_its_kind_place_and_weight(
    codebook_of, base, name
):
    before, after, kind, at, severity = MUTATIONS[name]
    assert BASE.count(before) == 1
    (change,) = compare_codebooks(base, codebook_of(BASE.replace(before, after))).changes
    assert (change.kind, change.at, change.severity) == (kind, at, severity)


@given(st.lists(st.sampled_from(sorted(MUTATIONS)), max_size=4, unique=True))
def test_changes_are_all_found_together_and_the_heaviest_makes_the_version(
    codebook_of, base, names
):
    text, expected = BASE, []
    for name in names:
        before, after, kind, at, severity = MUTATIONS[name]
        if text.count(before) == 1 and at not in [one[1] for one in expected]:
            text = text.replace(before, after)
            expected.append((kind, at, severity))
    try:
        changed = codebook_of(text)
    except CodebookError:  # changes that do not go together, such as two `definition`s
        return
    difference = compare_codebooks(base, changed)
    found = [(one.kind, one.at, one.severity) for one in difference.changes]
    assert sorted(found) == sorted(expected)
    weights = [list(WEIGHTS).index(one[2]) for one in found]
    assert weights == sorted(weights)
    steps = ["2.0.0", "2.0.0", "1.3.0", "1.2.4"]
    assert difference.proposed == (steps[min(weights)] if weights else "1.2.3")


@pytest.mark.parametrize("name", shipped_codebooks())
def test_a_codebook_does_not_differ_from_itself(name):
    difference = compare_codebooks(load_codebook(name), load_codebook(name))
    assert (difference.changes, difference.step) == ((), "none")
    assert difference.proposed == difference.stated
    assert "No difference." in as_text(difference)


# ------------------------------------------------------------------------------------------ by hand


def changes(old, new):
    return [(one.kind, one.at, one.message) for one in compare_codebooks(old, new).changes]


def test_bands_that_were_joined_are_coarser_and_say_where_they_are_used(codebook_of, base):
    text = BASE.replace("{ from = 39, to = 47 }, { from = 48 }", "{ from = 39 }")
    assert changes(base, codebook_of(text)) == [
        ("domain-coarser", "domains.age", "39--47 and 48+ became 39+ (coarser), in ageBroad")
    ]


def test_an_identifier_that_is_read_is_relaxed(codebook_of, base):
    text = BASE.replace('role = "identifier"', 'domain = "std/text"')
    kinds = [kind for kind, *_ in changes(base, codebook_of(text))]
    assert kinds == ["identifier-read", "domain-renamed"]


def test_an_alias_tells_a_variable_that_was_renamed_from_one_that_is_gone(codebook_of, base):
    text = BASE.replace("variables.forced]", "variables.labour]")
    told = [
        ("variable-removed", "variables.forced", "is gone"),
        ("variable-added", "variables.labour", "is new"),
    ]
    assert changes(base, codebook_of(text)) == told
    text = text.replace('"Forced labour."', '"Labour."\naliases = ["forced"]')
    assert changes(base, codebook_of(text)) == [
        ("variable-renamed", "variables.forced", "is now called labour"),
        ("alias-added", "variables.labour", "is read under the name forced too"),
        ("text", "variables.labour", "its definition"),
    ]


@pytest.mark.parametrize(
    ("how", "names", "by", "kind", "message"),
    [
        ("renamed", ["forced"], ["labour"], "variable-renamed", "is now called labour"),
        (
            "merged",
            ["forced", "worked"],
            ["both"],
            "variable-merged",
            "was made of forced and worked",
        ),
        ("split", ["forced"], ["own", "other"], "variable-split", "was split into own and other"),
        ("dropped", ["forced"], [], "variable-removed", "is gone"),
    ],
)
def test_supersedes_says_what_became_of_a_variable(base, how, names, by, kind, message):
    kept = {name: one for name, one in base.variables.items() if name not in names}
    made = {name: evolve(base.variables["forced"], name=name) for name in by}
    said = Superseded(codebook="base", variables=tuple(names), by=tuple(by), how=how)
    new = evolve(base, variables={**kept, **made}, supersedes=(said,))
    found = changes(base, new)
    assert [one for one in found if one[0].startswith("variable-")] == [
        (kind, f"variables.{by[0] if how == 'merged' else 'forced'}", message)
    ]
    elsewhere = evolve(new, supersedes=(evolve(said, codebook="another"),))
    assert ("variable-removed", "variables.forced", "is gone") in changes(base, elsewhere)


def test_values_that_a_recode_rule_joins_are_coarser(codebook_of, base):
    rule = """
[[rules]]
id = "fewer"
op = "recode"
on = ["gender"]
map = { Male = "Other", Trans = "Other" }
because = "Too few."
"""
    text = BASE.replace(MALE + ',\n  { code = "Trans" },', '{ code = "Other" },') + rule
    assert changes(base, codebook_of(text)) == [
        ("domain-coarser", "domains.gender", "Male and Trans became Other (coarser), in gender"),
        ("rule-added", "rules.fewer", "is new"),
    ]


def test_a_domain_under_another_name_is_compared_where_it_is_used(codebook_of, base):
    text = BASE.replace("domains.year]", "domains.years]")
    text = text.replace('domain = "year"', 'domain = "years"')
    assert changes(base, codebook_of(text)) == [
        ("domain-renamed", "variables.year", "its domain is now called years")
    ]
    text = text.replace("max = 2021", "max = 2022")
    assert changes(base, codebook_of(text)) == [
        ("values-added", "variables.year", "a new value: 2022")
    ]


def test_a_later_list_of_countries_tells_what_came_and_what_went(codebook_of, base):
    found = changes(base, codebook_of(BASE.replace("2005-01-01", "2012-01-01")))
    assert [one[0] for one in found] == ["values-removed", "values-added", "domain-as-of"]
    assert "SCG" in found[0][2]
    assert "BES" in found[1][2]


def test_the_order_of_variables_is_that_of_the_columns(base):
    new = evolve(base, variables=dict(reversed(base.variables.items())))
    assert [one[0] for one in changes(base, new)] == ["order"]


def test_the_place_of_a_rule_means_nothing(base):
    assert not changes(base, evolve(base, rules=base.rules[::-1]))


def test_numbers_that_became_bands_are_coarser():
    old = RangeDomain(kind="range", min=0, max=3)
    new = BandsDomain(kind="bands", bands=(Band(from_=0, to=1), Band(from_=2, to=3)))
    assert [(one.kind, one.message) for one in domain_changes(old, new)] == [
        ("domain-kind", "a range of numbers became bands"),
        ("domain-coarser", "0 and 1 became 0--1 (coarser)"),
        ("domain-coarser", "2 and 3 became 2--3 (coarser)"),
    ]


def test_a_flag_that_became_a_list_is_of_another_kind():
    new = EnumDomain(kind="enum", listed=(Value(code="0"), Value(code="1")))
    found = [(one.kind, one.message) for one in domain_changes(STANDARD["std/flag"], new)]
    assert found[:2] == [
        ("domain-kind", "a flag became a list of values"),
        ("values-added", "a new value: 0"),
    ]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6, unique=True).map(sorted), st.data())
def test_joining_bands_is_coarser_and_parting_them_again_finer(starts, data):
    kept = data.draw(st.lists(st.sampled_from(starts), unique=True).map(sorted))
    fine, coarse = bands_from(starts), bands_from(sorted({starts[0], *kept}))
    there = {one.kind for one in domain_changes(fine, coarse)}
    back = {one.kind for one in domain_changes(coarse, fine)}
    assert there == (set() if fine == coarse else {"domain-coarser"})
    assert back == (set() if fine == coarse else {"domain-finer"})


def bands_from(starts):
    ends = [start - 1 for start in starts[1:]] + [None]
    found = [Band(from_=start, to=end) for start, end in zip(starts, ends, strict=True)]
    return BandsDomain(kind="bands", bands=tuple(found))


# -------------------------------------------------------------------------------- nothing is silent


def other(value):
    """Give another value of the same type; None where this cannot know one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str | int):
        return value * 2 or ("x" if isinstance(value, str) else 1)
    if isinstance(value, tuple) and value:
        return value[:-1]
    if isinstance(value, dict) and value:
        return dict(list(value.items())[1:])
    return None


@pytest.mark.parametrize(
    "part",
    ["header", "privacy", "missing", "variables", "inputs", "rules", "checks", "contributors"],
)
def test_no_entry_of_any_part_changes_in_silence(part):
    book = load_codebook("ctdc-2021")
    whole = getattr(book, part)
    things = whole if isinstance(whole, tuple | dict) else {"": whole}
    if isinstance(things, tuple):
        things = {one.id: one for one in things}
    tried = 0
    for name, one in things.items():
        for entry in fields_of(type(one)):
            value = getattr(one, entry.name)
            changed = other(value)
            if changed is None or entry.name in ("name", "use", "version", "id", "dsl", "order"):
                continue
            new = evolve(one, **{entry.name: changed}) if valid(one, entry, changed) else None
            if new is None:
                continue
            made = new
            if isinstance(whole, dict):
                made = {**whole, name: new}
            elif isinstance(whole, tuple):
                made = tuple(new if each.id == name else each for each in whole)
            assert compare_codebooks(book, evolve(book, **{part: made})).changes, (name, entry.name)
            tried += 1
    assert tried


def valid(one, entry, changed):
    try:
        evolve(one, **{entry.name: changed})
    except (ValueError, TypeError):
        return False
    return True


# ------------------------------------------------------------------------------------- what is told


def test_the_text_goes_from_the_heaviest_to_the_lightest_and_ends_in_the_version(codebook_of, base):
    text = BASE.replace("k = 10", "k = 5").replace('"Year."', '"The year."')
    text = text.replace("max = 2021", "max = 2022").replace("1.2.3", "1.3.0")
    told = as_text(compare_codebooks(base, codebook_of(text)))
    assert told == (
        "base 1.2.3 -> base 1.3.0\n\n"
        "Relaxed: less is promised about privacy, or more is told; each needs a reason\n"
        "  privacy.k: k was lowered from 10 to 5\n\n"
        "Minor: what fitted still fits\n"
        "  domains.year: a new value: 2022, in year\n\n"
        "Patch: nothing but words\n"
        "  variables.year: its definition\n\n"
        "These changes make it 2.0.0 (major), but the new codebook says 1.3.0.\n"
        "  = help: `ctdc codebook explain CB250` tells how changes are weighed\n"
    )


def test_a_version_that_is_high_enough_is_said_to_be(codebook_of, base):
    text = BASE.replace('"Year."', '"The year."')
    difference = compare_codebooks(base, codebook_of(text.replace("1.2.3", "1.2.4")))
    assert difference.is_enough
    assert "make it 1.2.4 (patch), as the new codebook says.\n" in as_text(difference)


def test_json_tells_the_same(codebook_of, base):
    told = as_json(compare_codebooks(base, codebook_of(BASE.replace("k = 10", "k = 5"))))
    assert told["step"] == "major"
    assert told["changes"] == [
        {
            "code": "CB250",
            "kind": "k-lowered",
            "at": "privacy.k",
            "severity": "relaxed",
            "message": "k was lowered from 10 to 5",
        }
    ]
    assert json.loads(json.dumps(told)) == told


def test_what_changed_alike_in_several_places_is_told_once(base):
    new = {name: evolve(one, definition="Other words.") for name, one in base.variables.items()}
    told = as_text(compare_codebooks(base, evolve(base, variables=new)))
    places = [f"variables.{name}" for name in new]
    assert f"  {listed(places)}: its definition\n" in told
    assert told.count("its definition") == 1


def test_no_version_follows_between_codebooks_of_two_names(base):
    other = evolve(base, header=evolve(base.header, id="other"), privacy=evolve(base.privacy, k=5))
    told = as_text(compare_codebooks(base, other))
    assert "two codebooks: neither's version follows from the other's.\n" in told
    assert "make it" not in told


def test_a_rule_that_is_gone_with_what_it_wrote_relaxes_nothing(codebook_of):
    before = codebook_of(BASE.replace('to = "worked"', 'to = "forced"'))
    after = codebook_of(BASE.replace(RARE, "").replace(FORCED, ""))
    (rule,) = (one for one in compare_codebooks(before, after).changes if one.at == "rules.rare")
    assert (rule.severity, rule.message) == ("minor", "is gone, as is forced, which it wrote")


# --------------------------------------------------------------------- from one edition to the next


@pytest.fixture(scope="module")
def story():
    """What is told of the step from CTDC's first synthetic data set to its second."""
    changes = compare_codebooks(load_codebook("ctdc-2021"), load_codebook("ctdc-2024")).changes
    return {(one.kind, one.at.partition(".")[2], one.message) for one in changes}


def test_four_variables_are_no_longer_released(story):
    gone = {at for kind, at, _ in story if kind == "variable-removed"}
    assert gone == {
        *("majorityStatusAtExploit", "meansOfControlOther", "typeOfLabourOther", "typeOfSexOther")
    }


def test_means_of_control_were_merged_and_two_of_them_left_other(story):
    means = "meansOfControl"
    merged = {at: message for kind, at, message in story if kind == "variable-merged"}
    assert merged == {
        "meansDebtBondageEarnings": f"was made of {means}DebtBondage and {means}TakesEarnings",
        "meansThreats": f"was made of {means}Threats and {means}ThreatOfLawEnforce",
        "meansAbusePsyPhySex": (
            f"was made of {means}PsychologicalAbuse, {means}PhysicalAbuse and {means}SexualAbuse"
        ),
        "meansDenyBasicNeeds": (
            f"was made of {means}RestrictsMovement, {means}RestrictsMedicalCare and "
            f"{means}WithholdsNecessities"
        ),
    }
    taken = {(at, message) for kind, at, message in story if kind == "variable-takes-in"}
    part = f"which was part of {means}Other"
    assert taken == {
        ("meansThreats", f"takes in {means}UsesChildren, {part}"),
        ("meansDenyBasicNeeds", f"takes in {means}RestrictsFinancialAccess, {part}"),
    }


def test_four_means_of_control_were_renamed(story):
    renamed = {at: message for kind, at, message in story if kind == "variable-renamed"}
    assert renamed == {
        "meansOfControlFalsePromises": "is now called meansFalsePromises",
        "meansOfControlPsychoactiveSubstances": "is now called meansDrugsAlcohol",
        "meansOfControlExcessiveWorkingHours": "is now called meansExcessiveWorkHours",
        "meansOfControlWithholdsDocuments": "is now called meansWithholdDocs",
    }


def test_genders_have_other_names_durations_are_coarser_and_a_year_was_added(story):
    assert {
        ("values-recoded", "gender", "Male is now written Man, in gender"),
        ("values-recoded", "gender", "Female is now written Woman, in gender"),
        (
            *("values-recoded", "gender"),
            "Transgender/NonConforming is now written Trans/Transgender/NonConforming, in gender",
        ),
        (
            *("domain-coarser", "duration-band"),
            "25--60 (2-5 yrs) and 61+ (5+ yrs) became 25+ (2+ yrs) (coarser), in traffickMonths",
        ),
        ("values-added", "registration-year", "a new value: 2022, in yearOfRegistration"),
    } <= story
    assert not {one for one in story if one[0] in ("variable-added", "domain-finer")}


def test_back_from_the_second_edition_durations_are_finer_and_tell_more():
    changes = compare_codebooks(load_codebook("ctdc-2024"), load_codebook("ctdc-2021")).changes
    (finer,) = (one for one in changes if one.kind == "domain-finer")
    assert finer.severity == "relaxed"
    assert "finer: a release tells more of each person" in finer.message
