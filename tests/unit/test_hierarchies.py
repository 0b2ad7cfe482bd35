"""Hierarchies: what is built of their three forms, and what is proved before data are read."""

import pytest

from ctdc_framework.codebook.hierarchies import Group, Hierarchy, Level
from ctdc_framework.errors import CodebookError
from ctdc_framework.language.load import check_codebook

AGES = """
[hierarchies.ages]
domain = "age-band"
[[hierarchies.ages.levels]]
name  = "majority"
bands = [{ from = 0, to = 17 }, { from = 18 }]
[[hierarchies.ages.levels]]
name  = "any"
bands = [{ from = 0 }]
"""

YEARS = """
[hierarchies.years]
domain = "year"
[[hierarchies.years.levels]]
name  = "pandemic"
bands = [{ from = 2019, to = 2019 }, { from = 2020, to = 2021 }]
[[hierarchies.years.levels]]
name  = "any"
bands = [{ from = 2019, to = 2021 }]
"""

LISTED = """
[domains.region]
kind   = "enum"
values = [{ code = "N" }, { code = "S" }, { code = "O" }, { code = "W" }]
[hierarchies.sides]
domain = "region"
[[hierarchies.sides.levels]]
name   = "axis"
groups = [
  { code = "NS", label = "north and south", members = ["N", "S"] },
  { code = "OW", members = ["O", "W"] },
]
[[hierarchies.sides.levels]]
name   = "all"
groups = [{ code = "all", members = ["NS", "OW"] }]
[variables.side]
domain     = "region"
role       = ["quasi"]
hierarchy  = "sides"
list       = ";"
definition = "Where."
"""

COUNTRIES = """
[domains.land]
kind  = "country"
as_of = 2021-09-01
minus = ["ATA"]
[hierarchies.geo]
domain = "land"
source = "un-m49"
levels = ["country", "intermediate", "subregion", "region", "world"]
place  = { TWN = "030" }
[variables.land]
domain     = "land"
role       = ["quasi"]
hierarchy  = "geo"
definition = "Where."
"""


@pytest.fixture(scope="session")
def book(toy_text):
    """The toy codebook with hierarchies, used by the variables of their domains."""

    def text(*tables):
        made = toy_text
        for name, hierarchy in (("age-band", "ages"), ("year", "years")):
            if any(f"[hierarchies.{hierarchy}]" in table for table in tables):
                old = f'domain     = "{name}"\n'
                made = made.replace(old, f'{old}hierarchy  = "{hierarchy}"\n')
        for name in ("side", "land"):
            if any(f"[variables.{name}]" in table for table in tables):
                made = made.replace(', "forced"]', f', "forced", "{name}"]')
        return made + "".join(tables)

    return text


def level(name, *groups):
    made = [
        Group(code=code, label=label, members=tuple(members)) for code, label, members in groups
    ]
    return Level(name=name, groups=tuple(made))


def test_bands_are_joined_and_written_as_the_domain_writes_its_own(book, file_of):
    codebook, problems = check_codebook(file_of(book(AGES)))
    assert problems == []
    assert codebook.hierarchies["ages"] == Hierarchy(
        domain="age-band",
        levels=(
            level("majority", ("0--17", "0--17", ["0--17"]), ("18+", "18+", ["18--29", "30+"])),
            level("any", ("0+", "0+", ["0--17", "18--29", "30+"])),
        ),
    )
    assert codebook.hierarchies["ages"].codes == ("18+", "0+")


def test_numbers_of_a_range_are_joined_by_bands_and_one_alone_keeps_its_code(book, codebook_of):
    pandemic, every = codebook_of(book(YEARS)).hierarchies["years"].levels
    assert pandemic.group_of == {"2019": "2019", "2020": "2020--2021", "2021": "2020--2021"}
    assert [group.code for group in every.groups] == ["2019--2021"]
    assert pandemic.groups[1].label == "2020–2021"


def test_listed_groups_may_name_those_of_the_level_below(book, codebook_of):
    hierarchy = codebook_of(book(LISTED)).hierarchies["sides"]
    assert hierarchy.generalise("S", 1) == "NS"
    assert hierarchy.below("all") == frozenset("NSOW")
    assert hierarchy.levels[0].groups[0].label == "north and south"
    assert hierarchy.levels[0].groups[1].label == "OW"


def test_countries_are_joined_by_the_regions_of_the_united_nations(book, codebook_of):
    codebook = codebook_of(book(COUNTRIES))
    hierarchy = codebook.hierarchies["geo"]
    steps = {
        code: [hierarchy.generalise(code, n) for n in range(5)] for code in ("KEN", "TWN", "FRA")
    }
    assert steps == {
        "KEN": ["KEN", "Eastern Africa", "Sub-Saharan Africa", "Africa", "World"],
        "TWN": ["TWN", "Eastern Asia", "Eastern Asia", "Asia", "World"],
        "FRA": ["FRA", "Western Europe", "Western Europe", "Europe", "World"],
    }
    assert [len(one.groups) for one in hierarchy.levels] == [22, 17, 5, 1]
    for code in hierarchy.codes:
        assert code not in codebook.domains["land"].known
    for one in hierarchy.levels:
        assert sorted(one.group_of) == sorted(codebook.domains["land"].codes)


def test_a_place_may_be_the_name_of_a_region(book, codebook_of):
    by_name = codebook_of(book(COUNTRIES.replace('"030"', '"Eastern Asia"')))
    assert by_name.hierarchies == codebook_of(book(COUNTRIES)).hierarchies


ALL_AGES = "bands = [{ from = 0 }]\n"
MAJORITY = "bands = [{ from = 0, to = 17 }, { from = 18 }]"
NS = '{ code = "NS", label = "north and south", members = ["N", "S"] }'
OW = '{ code = "OW", members = ["O", "W"] }'
ONE = '[[hierarchies.ages.levels]]\nname  = "majority"'

WRONG = [
    # ----------------------------------------------------------------------------- not total
    (AGES, MAJORITY, "bands = [{ from = 0, to = 17 }]", "CB220", "places no 18--29, 30+"),
    (
        LISTED,
        OW,
        '{ code = "OW", members = ["O"] }',
        "CB220",
        "hierarchy `sides`: level `axis` places no W",
    ),
    (COUNTRIES, 'minus = ["ATA"]\n', "", "CB220", "`intermediate` places no ATA: UN M49 names no"),
    (COUNTRIES, 'place  = { TWN = "030" }\n', "", "CB220", 'place = { TWN = "030" }'),
    (COUNTRIES, '"030"', '"142"', "CB220", "level `subregion` places no TWN"),
    # ---------------------------------------------------------------------------- not nested
    (
        AGES,
        MAJORITY,
        "bands = [{ from = 0, to = 9 }, «{ from = 10 }]".replace("«", ""),
        "CB221",
        "level `majority`: 0--9 cuts 0--17 in two",
    ),
    (
        AGES,
        ONE,
        '[[hierarchies.ages.levels]]\nname = "young"\n'
        f"bands = [{{ from = 0, to = 29 }}, {{ from = 30 }}]\n«{ONE}",
        "CB221",
        "level `young` puts 0--17 and 18--29 together, level `majority` parts them",
    ),
    (
        LISTED,
        NS,
        '{ code = "NS", members = ["N", "S", "O"] }',
        "CB221",
        "groups `NS` and `OW` overlap",
    ),
    (COUNTRIES, '["country", ', '["intermediate", «"country", ', "CB221", "put it first"),
    # ----------------------------------------------------------------------------- the top
    (AGES, ALL_AGES, f"{MAJORITY}\n", "CB222", "top level `any` has 2 groups; the top is one"),
    (COUNTRIES, ', "world"]', "]", "CB222", 'add a last level "world"'),
    (COUNTRIES, '["country", "intermediate", "subregion", "region", "world"]', '«["country"]',
     "CB222", "there is no level above the values"),
    # --------------------------------------------------------------------- codes and names
    (LISTED, 'code = "all", ', 'code = "N", ', "CB223", "code `N` is that of a value too"),
    (LISTED, 'code = "all", ', 'code = "NS", ', "CB223", "code `NS` is that of another group too"),
    (LISTED, '["O", "W"]', '["O", «"V"]', "CB224", "`V` is no value of domain `region`"),
    (LISTED, '["NS", "OW"]', '["NS", «"OWW"]', "CB224", "did you mean `OW`?"),
    (LISTED, 'code = "all", ', 'code = «"=1+1", ', "CB116", "code `=1+1` starts with a character"),
    (LISTED, 'code = "all", ', 'code = «"NULL", ', "CB112", "code `NULL` is a missing code"),
    (LISTED, 'code = "all", ', 'code = «"", ', "CB112", "code `` is empty"),
    (LISTED, 'code = "all", ', 'code = «"N;S", ', "CB106", "code `N;S` holds `;`, which parts"),
    (LISTED, 'code = "all", ', 'code = «"all ", ', "CB016", "begins or ends in a space"),
    (COUNTRIES, '{ TWN', '{ «TWM = "030", TWN', "CB224", "`place` speaks of `TWM`"),
    (COUNTRIES, '"030"', '«"Eastern Asi"', "CB224", "did you mean `Eastern Asia`?"),
    (AGES, 'name  = "any"', 'name = "majority"', "CB005", "two levels are called `majority`"),
    # ------------------------------------------------------------------------- the entries
    (AGES, '"age-band"', '«"age-bnd"', "CB020", "did you mean `age-band`?"),
    (AGES, 'domain = "age-band"', 'domain = «"std/integer"', "CB020", "no list of values to join"),
    (COUNTRIES, '"subregion"', '«"subregoin"', "CB013", "did you mean `subregion`?"),
    (COUNTRIES, 'source = "un-m49"\n', "", "CB011", 'source = "un-m49"'),
    (COUNTRIES, '"un-m49"', '«"m49"', "CB013", "`un-m49`"),
    (LISTED, f"groups = [\n  {NS},\n  {OW},\n]", "bands = «[{ from = 0 }]", "CB012", "no numbers"),
    (AGES, 'name  = "any"', 'name = "any"\ngroups = [{code="a",members=["0--17"]}]', "CB019",
     "either `bands` or `groups`"),
    (AGES, "{ from = 0, to = 17 }", "«{ from = 17, to = 0 }", "CB103", "band 17--0 is inverted"),
    (AGES, "{ from = 0, to = 17 }", "{ from = -9, to = -1 }, { from = 0, to = 17 }", "CB224",
     "-9---1 holds no value"),
    (AGES, "levels]]\nname  = \"any\"", "levels]]\n«nmae = 1\nname = \"any\"", "CB010", "`nmae`"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "old", "new", "code", "says"), WRONG)
def test_a_hierarchy_that_does_not_hold_is_refused(
    text, old, new, code, says, book, marked, file_of
):
    assert text.count(old) == 1, old
    whole = book(text.replace(old, new))
    path, place = marked(whole) if "«" in whole else (file_of(whole), None)
    try:
        codebook, problems = check_codebook(path)
    except CodebookError as error:
        codebook, problems = None, error.problems
    assert codebook is None
    assert {problem.code for problem in problems if problem.level == "error"} == {code}
    found = [one for one in problems if says in f"{one.message} {one.help}"]
    assert found, [problem.render() for problem in problems]
    assert found[0].place.line > whole[: whole.index("[hierarchies.")].count("\n")
    if place:
        assert (found[0].place.line, found[0].place.column) == place


def test_a_level_that_joins_nothing_is_a_warning(book, marked):
    last = '[[hierarchies.ages.levels]]\nname  = "any"'
    more = f'«[[hierarchies.ages.levels]]\nname = "same"\n{MAJORITY}\n{last}'
    path, place = marked(book(AGES.replace(last, more)))
    codebook, (problem,) = check_codebook(path)
    assert (problem.code, problem.level) == ("CB222", "warning")
    assert "level `same` joins nothing" in problem.message
    assert (problem.place.line, problem.place.column) == place
    assert len(codebook.hierarchies["ages"].levels) == 3


def test_glosses_that_the_code_repeats_must_be_given(book, file_of):
    text = book(AGES).replace('unit      = "year"', 'unit = "year"\ncode_open = "{from}+ {gloss}"')
    text = text.replace("{ from = 30 }]", '{ from = 30, gloss = "old" }]')
    _, problems = check_codebook(file_of(text))
    assert {problem.code for problem in problems} == {"CB011"}
    assert "`gloss` is missing" in problems[0].message


@pytest.mark.parametrize(
    ("old", "new", "says", "help"),
    [
        ('hierarchy  = "ages"', 'hierarchy = «"aegs"', "uses hierarchy `aegs`, which", "`ages`"),
        ('domain     = "gender"', 'domain = "gender"\nhierarchy = «"ages"',
         "hierarchy `ages` joins values of domain `age-band`, and variable `gender`", "gender"),
    ],
)  # fmt: skip
def test_a_variable_s_hierarchy_is_there_and_over_its_domain(old, new, says, help, book, marked):
    path, place = marked(book(AGES).replace(old, new))
    _, problems = check_codebook(path)
    (problem,) = (one for one in problems if one.level == "error")
    assert problem.code == "CB020"
    assert says in problem.message
    assert help in problem.help
    assert (problem.place.line, problem.place.column) == place


def test_a_hierarchy_that_no_variable_uses_is_a_warning(toy_text, marked):
    path, place = marked(toy_text + AGES.replace("[hierarchies.ages]", "[hierarchies.«ages]"))
    _, problems = check_codebook(path)
    assert [(one.code, one.level) for one in problems] == [("CB027", "warning")]
    assert (problems[0].place.line, problems[0].place.column) == place


def test_quasi_identifiers_without_one_are_named_where_others_have_one(book, file_of):
    text = book(LISTED).replace('hierarchy  = "sides"\n', "").replace(
        'domain     = "gender"', 'domain = "region"\nhierarchy = "sides"'
    )  # fmt: skip
    text = text.replace("[inputs.age]", '[inputs.g]\ndomain = "gender"\n[inputs.age]')
    _, problems = check_codebook(file_of(text))
    idle, problem = problems
    assert "input `g` is read by no rule" in idle.message
    assert (problem.code, problem.level) == ("CB230", "warning")
    assert "1 quasi-identifier has no hierarchy: side" in problem.message


def test_the_shipped_codebook_generalises_what_an_outsider_may_know():
    codebook, problems = check_codebook("ctdc-2021")
    assert problems == []
    assert {codebook.variables[name].hierarchy for name in codebook.quasi_identifiers} == {
        *codebook.hierarchies,
        "",
    }
    tops = {name: one.levels[-1].groups[0].code for name, one in codebook.hierarchies.items()}
    assert tops == {"years": "2002--2021", "ages": "0+", "regions": "World", "months": "0+ (any)"}
