"""What a codebook has from its parent, what it may not take from it, and where faults stand."""

import doctest
import json
import os
from itertools import count

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.errors import CodebookError
from ctdc_framework.language import inheritance, origins, overlays, seals
from ctdc_framework.language.inheritance import DEEPEST, LONGEST, inherit
from ctdc_framework.language.load import check_codebook, load_codebook, shipped_codebooks
from ctdc_framework.language.origins import Inherited, origin_of
from ctdc_framework.toml.file import read_toml

CHILD = '[codebook]\nextends = "base.toml"\n'
FRENCH = CHILD + 'lang = "fr"\n'
FLAGS = """
[templates.flag]
domain = "std/flag"
role = ["sensitive"]
protected = true
[templates.open]
domain = "std/flag"
role = ["none"]
[variables.one]
use = "flag"
definition = "One."
[variables.two]
use = "flag"
definition = "Two."
"""


@pytest.fixture(scope="module")
def family(tmp_path_factory, toy_text):
    """Write a child and others beside it, `base.toml` being the toy unless given.

    Gives the child's path and, for each file with a mark «, the place that it marks.
    """
    numbers = count()

    def write(child, name="child.toml", **others):
        folder = tmp_path_factory.mktemp(f"family{next(numbers)}")
        marks = {}
        for file, text in {"base": toy_text, **others, name: child}.items():
            before, mark, after = text.partition("«")
            file = file if file.endswith(".toml") else f"{file}.toml"
            if mark:
                column = len(before) - before.rfind("\n")
                marks[file] = f"{file}:{before.count(chr(10)) + 1}:{column}"
            (folder / file).write_text(before + after, encoding="utf-8")
        return folder / name, marks

    return write


def problems_of(path):
    """Every problem of a codebook as code, place with the file's bare name, message and help."""
    try:
        problems = check_codebook(path)[1]
    except CodebookError as error:
        problems = error.problems
        assert problems
    return [(p.code, os.path.basename(str(p.place)), p.message, p.help) for p in problems]


def resolved(path):
    return inherit(read_toml(path, CodebookError, "CB"), shipped_codebooks())


# ------------------------------------------------------------------------------- what is inherited


def test_a_file_that_extends_nothing_comes_back_as_it_is(file_of, toy_text):
    file = read_toml(file_of(toy_text), CodebookError, "CB")

    assert inherit(file, {}) == (file, [])
    assert inherit(file, {})[0] is file


def test_an_empty_child_is_its_parent(family, toy):
    child = load_codebook(family(CHILD)[0])

    assert evolve(child, origin="", digest="") == evolve(toy, origin="", digest="")


def test_a_digest_is_of_both_files(family, toy, toy_text):
    first = load_codebook(family(CHILD)[0]).digest
    other = load_codebook(family(CHILD, base=toy_text + "# more\n")[0]).digest

    assert len({first, other, toy.digest}) == 3
    assert load_codebook(family(CHILD)[0]).digest == first


@pytest.mark.parametrize("name", sorted(shipped_codebooks()))
def test_an_empty_child_of_a_shipped_codebook_is_that_codebook(name, file_of):
    child = load_codebook(file_of(f'[codebook]\nextends = "ctdc_framework:{name}@1"\n'))
    parent = load_codebook(name)

    assert evolve(child, origin="", digest="") == evolve(parent, origin="", digest="")


def test_tables_merge_by_key_and_values_replace(family, toy):
    text = '[domains.year]\nmax = 2022\n[variables.gender]\naliases = ["sex"]\n'
    child = load_codebook(family(CHILD + text)[0])

    assert (child.domains["year"].min, child.domains["year"].max) == (2019, 2022)
    assert child.variables["gender"] == evolve(toy.variables["gender"], aliases=("sex",))


def test_an_array_within_a_table_replaces_as_a_whole(family):
    text = '[domains.gender]\nvalues = [{ code = "Other" }]\n'

    assert load_codebook(family(CHILD + text)[0]).domains["gender"].codes == ("Other",)


def test_arrays_of_tables_merge_by_id_and_keep_their_place(family):
    text = """
[[rules]]
id = "new"
op = "fold"
from = ["farm"]
to = "forced"
because = "New."
[[rules]]
id = "age-to-band"
op = "bin"
from = "age"
to = "ageBroad"
because = "For another reason."
"""
    rules = load_codebook(family(CHILD + text)[0]).rules

    assert [(one.id, one.because[:3]) for one in rules] == [
        ("age-to-band", "For"), ("rare-labour", "Too"), ("new", "New"),
    ]  # fmt: skip


def test_entries_without_id_are_added(family, toy_text):
    erratum = '[[errata]]\nat = "variables.{}"\nwhere = "p. 1"\nprinted = "x"\n'
    path, _ = family(CHILD + erratum.format("year"), base=toy_text + erratum.format("means"))

    assert [one.at for one in load_codebook(path).errata] == ["variables.means", "variables.year"]


def test_order_is_the_parents_less_what_is_removed_and_then_what_is_new(family):
    text = 'remove = ["variables.gender"]\n' + FLAGS.replace('[templates.open]\ndomain = "std/fla'
           'g"\nrole = ["none"]\n', "")  # fmt: skip

    names = list(load_codebook(family(CHILD + text)[0]).variables)
    assert names == ["year", "ageBroad", "means", "forced", "one", "two"]


def test_a_childs_own_order_holds(family):
    order = 'order = ["forced", "means", "ageBroad", "gender", "year"]\n'

    assert next(iter(load_codebook(family(CHILD + order)[0]).variables)) == "forced"


def test_a_parent_may_itself_extend(family):
    middle = CHILD + '[domains.year]\nmax = 2022\n[variables.year]\ncaveat = "Middle."\n'
    child = CHILD.replace("base", "middle") + '[variables.year]\ncaveat = "Child."\n'
    codebook = load_codebook(family(child, middle=middle)[0])

    assert codebook.variables["year"].caveat == "Child."
    assert codebook.domains["year"].max == 2022


def test_what_is_removed_and_said_anew_is_replaced_as_a_whole(family):
    text = 'remove = ["domains.means"]\n[domains.means]\nkind = "enum"\nvalues = [{ code = "X" }]\n'

    assert load_codebook(family(CHILD + text)[0]).domains["means"].codes == ("X",)


def test_one_key_and_names_with_points_can_be_removed(family, toy_text):
    base = toy_text.replace("[inputs.age]", '[inputs."a.b"]\ndefinition = "x"\n[inputs.age]')
    file, faults = resolved(
        family(CHILD + 'remove = ["inputs.a.b", "variables.ageBroad.aliases"]\n', base=base)[0]
    )

    assert not faults
    assert list(file.data["inputs"]) == ["caseNumber", "age", "farm"]
    assert "aliases" not in file.data["variables"]["ageBroad"]
    assert "domain" in file.data["variables"]["ageBroad"]


# ----------------------------------------------------------------------------- what names nothing


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        (
            'remove = ["year", «"variables.agebroad"]',
            "`remove` names nothing",
            "variables.ageBroad",
        ),
        ('remove = [«"rules.age-to-bnad"]', "`remove` names nothing", "rules.age-to-band"),
        ('remove = [«"variable.year"]', "`remove` names nothing", "variables.year"),
        ('remove = [«"variables."]', "`remove` names nothing", ""),
        ('remove = [«""]', "`remove` names nothing", ""),
        ('remove = [«"variables.year.domain.x"]', "`remove` names nothing", ""),
        ('[variables.«agebroad]\ncaveat = "x"', "`variables.agebroad` changes nothing", "ageBroad"),
        ('[domains.«age-bnad]\nunit = "x"', "`domains.age-bnad` changes nothing", "age-band"),
        ('[variables.«zzz]\ncaveat = "x"', "`variables.zzz` changes nothing", "definition"),
    ],
)
def test_what_names_nothing_is_cb240_with_a_near_name(family, text, message, help):
    path, marks = family(CHILD + text.replace('"year", ', '"inputs.farm", ') + "\n")
    found = [one for one in problems_of(path) if one[0] == "CB240"]

    assert [one[1] for one in found] == [marks["child.toml"]]
    assert found[0][2].startswith(message)
    assert help in found[0][3]


def test_a_change_of_nothing_is_told_once(family):
    path, _ = family(CHILD + '[variables.agebroad]\ncaveat = "x"\n')

    assert [one[0] for one in problems_of(path)] == ["CB240"]


def test_removing_without_a_parent_is_cb240(family, toy_text):
    text = toy_text.replace("dsl ", '«remove = ["rules.x"]\ndsl ')
    path, marks = family(text)

    assert [one[:2] for one in problems_of(path)] == [("CB240", marks["child.toml"])]


@pytest.mark.parametrize("extends", ["minimal", "minimal@1", "ctdc_framework:minimal@1"])
def test_a_shipped_codebook_is_extended_by_its_name(file_of, extends):
    child = f'[codebook]\nid = "child"\nextends = "{extends}"\n[privacy]\nk = 20\n'
    book = load_codebook(file_of(child))
    assert (book.id, book.k) == ("child", 20)
    assert list(book.variables) == list(load_codebook("minimal").variables)


def test_a_file_beside_the_child_goes_before_a_shipped_codebook_of_its_name(tmp_path):
    (tmp_path / "minimal").write_bytes(shipped_codebooks()["minimal"].read_bytes())
    with (tmp_path / "minimal").open("a", encoding="utf-8") as file:
        file.write("\n[notes.here]\ntitle = 'Here'\ntext = 'Here.'\n")
    child = tmp_path / "child.toml"
    child.write_text('[codebook]\nid = "child"\nextends = "minimal"\n', encoding="utf-8")
    assert "here" in load_codebook(child).notes


# --------------------------------------------------------------------------- the parent, not found


@pytest.mark.parametrize(
    ("extends", "code", "message", "help"),
    [
        ('"bsae.toml"', "CB240", "there is no file", "did you mean `base.toml`?"),
        ('"."', "CB240", "is a directory", ""),
        ('""', "CB240", "is a directory", ""),
        ('"a\\u0000b"', "CB012", "must be the name of a file", ""),
        ("3", "CB012", "must be the name of a file", ""),
        (
            '"minmal"',
            "CB240",
            "no codebook to extend is called `minmal`",
            "did you mean `minimal`?",
        ),
        ('"zzz"', "CB240", "no codebook to extend is called `zzz`", "ctdc-2021"),
        ('"minimal@x"', "CB240", "no codebook to extend is called `minimal@x`", "minimal"),
        ('"minimal@2"', "CB240", "asks for version 2, and 1.0.0", ""),
        ('"ctdc_framework:ctdc-2o21@1"', "CB240", "no shipped codebook", "`ctdc-2021`"),
        ('"ctdc_framework:"', "CB240", "no shipped codebook", "ctdc-2021"),
        ('"ctdc_framework:minimal"', "CB240", "which major version", "ctdc_framework:minimal@1"),
        ('"ctdc_framework:minimal@x"', "CB240", "which major version", "minimal@1"),
        ('"ctdc_framework:minimal@2"', "CB240", "asks for version 2, and 1.0.0", ""),
        ('"child.toml"', "CB240", "child.toml -> child.toml", ""),
    ],
)
def test_a_parent_that_cannot_be_had_is_told_where_it_is_named(
    family, extends, code, message, help
):
    path, marks = family(f"[codebook]\nextends = «{extends}\n")
    ((found, place, text, said),) = problems_of(path)

    assert (found, place) == (code, marks["child.toml"])
    assert message in text
    assert help in said


def test_a_cycle_names_all_files(family):
    child = CHILD.replace("base", "b")
    path, marks = family(child, b=CHILD.replace("base", "c"), c='[codebook]\nextends=«"b.toml"\n')
    ((code, place, message, _),) = problems_of(path)

    assert (code, place) == ("CB240", marks["c.toml"])
    assert "child.toml -> b.toml -> c.toml -> b.toml" in message


def test_a_chain_that_is_too_long_is_refused(family):
    files = {f"f{n}": f'[codebook]\nextends = "f{n + 1}.toml"\n' for n in range(LONGEST + 2)}
    path, _ = family('[codebook]\nextends = "f0.toml"\n', **files)

    assert "more than 16 codebooks" in problems_of(path)[0][2]


@pytest.mark.parametrize("deep", ["child", "base"])
def test_what_is_nested_too_deep_is_refused_and_not_followed(family, toy_text, deep):
    texts = {"child": CHILD, "base": toy_text}
    texts[deep] += f"[x{'.x' * (DEEPEST + 30)}]\n"
    path, _ = family(texts["child"], base=texts["base"])

    assert f"nested more than {DEEPEST} deep" in problems_of(path)[0][2]


def test_a_parent_that_is_no_toml_is_told_in_the_parent(family):
    path, marks = family(CHILD, base="[codebook]\nid = «= 3\n")

    assert [one[:2] for one in problems_of(path)] == [("CB001", marks["base.toml"])]


# -------------------------------------------------------------------------------- what is sealed


RULE = '[[rules]]\nid = «"age-to-band"\nop = "bin"\nfrom = "farm"\nto = "ageBroad"\nbecause = ""\n'
SEALED = [
    ("[privacy]\nk = «2", "privacy.k", "lowered from 3 to 2"),
    ('remove = ["privacy.k"]\n[privacy]\nk = «2', "privacy.k", "lowered from 3 to 2"),
    ('[variables.gender]\nrole = «["none"]', "variables.gender.role", "role `quasi`"),
    ('[variables.means]\nrole = «["quasi"]', "variables.means.role", "role `sensitive`"),
    ('remove = [«"rules.age-to-band"]', "rules.age-to-band", "rule `age-to-band` is removed"),
    ('remove = [«"rules"]', "rules.age-to-band", "rule `age-to-band` is removed"),
    (RULE.replace("[[rules]]\nid = «", "«[[rules]]\nid = "), "rules.age-to-band", "is changed"),
    ("[variables.kept]\nprotected = «false", "variables.kept.protected", "no longer protected"),
    (
        '[variables.kept]\nmissing_matches = «"anything"',
        "variables.kept.missing_matches",
        "lets a missing value match anything",
    ),
    ('remove = [«"privacy.subject"]', "privacy.subject", "no longer counts subjects"),
    ('remove = [«"variables.kept.protected"]', "variables.kept.protected", "no longer protected"),
    ("[templates.flag]\nprotected = «false", "templates.flag.protected", "`one` (and 1 more)"),
    ('remove = [«"templates.flag.protected"]', "templates.flag.protected", "`one` (and 1 more)"),
    ('[templates.flag]\nrole = «["none"]', "templates.flag.role", "`one` (and 1 more)"),
    ('[variables.one]\nuse = «"open"', "variables.one.role", "variable `one` no longer has"),
    ('[variables.one]\nuse = «"open"', "variables.one.protected", "variable `one` is no longer"),
]
KEPT = FLAGS.replace("[templates.open]", '[variables.kept]\ndomain = "std/flag"\nrole = ["none"]\n'
                     'definition = "Kept."\nprotected = true\n[templates.open]')  # fmt: skip


@pytest.fixture(scope="module")
def sealed_base(toy_text):
    text = toy_text.replace('"forced"]', '"forced", "kept", "one", "two"]') + KEPT
    return text.replace("round_to = 3", 'round_to = 3\nsubject = "caseNumber"')


@pytest.mark.parametrize(("text", "subject", "message"), SEALED)
def test_a_seal_that_is_broken_is_cb241_where_the_child_breaks_it(
    family, sealed_base, text, subject, message
):
    path, marks = family(f"{CHILD}{text}\n", base=sealed_base)
    found = [one for one in problems_of(path) if one[0] == "CB241" and f'"{subject}"' in one[3]]

    ((_, place, said, help),) = found
    assert place == marks["child.toml"]
    assert message in said
    assert help == f'if it has to be: [[relax]] what = "{subject}", because = "..."'


@pytest.mark.parametrize(("text", "subject", "message"), SEALED)
def test_a_reason_lets_just_that_seal_be_broken(family, sealed_base, text, subject, message):
    relax = f'\n[[relax]]\nwhat = "{subject}"\nbecause = "Agreed."\n'
    path, _ = family(f"{CHILD}{text}{relax}", base=sealed_base)
    codes = [(one[0], subject in one[3]) for one in problems_of(path)]

    assert ("CB241", True) not in codes
    assert "CB242" not in {code for code, _ in codes}


def test_a_rule_that_is_said_twice_does_not_slip_a_change_past_the_seal(family):
    same = RULE.replace("«", "").replace("age-to-band", "rare-labour").replace("ageBroad", "forced")
    same = same.replace('"bin"', '"fold"').replace('"farm"', '["farm"]')
    other = same.replace("farm", "age")

    for text in (same + other, other + same):
        found = problems_of(family(CHILD + text)[0])
        assert ("CB241", "rule `rare-labour` is changed") in [(one[0], one[2]) for one in found]


def test_removing_a_template_lets_no_protection_go(family, sealed_base):
    path, marks = family(CHILD + 'remove = [«"templates.flag"]\n', base=sealed_base)

    assert ("CB241", marks["child.toml"]) in [one[:2] for one in problems_of(path)]


@pytest.mark.parametrize(
    "text",
    [
        "[privacy]\nk = 4",
        '[variables.gender]\nrole = ["quasi", "sensitive"]',
        'remove = ["variables.gender"]',
        RULE.replace("«", "").replace('"farm"', '"age"'),
        "[variables.kept]\nprotected = true",
        '[variables.kept]\nrole = ["sensitive"]',
    ],
)
def test_what_protects_as_much_or_more_needs_no_reason(family, sealed_base, text):
    path, _ = family(f"{CHILD}{text}\n", base=sealed_base)

    assert not {one[0] for one in problems_of(path)} & {"CB240", "CB241", "CB242"}


def test_reasons_are_in_the_resolved_data_with_those_of_the_parent(family):
    relax = '[privacy]\nk = 2\n[[relax]]\nwhat = "privacy.k"\nbecause = "Agreed {}."\n'
    child = f'{CHILD.replace("base", "middle")}[variables.gender]\nrole = ["none"]\n'
    child += '[[relax]]\nwhat = "variables.gender.role"\nbecause = "Agreed too."\n'
    path, _ = family(child, middle=CHILD + relax.format("once"))
    file, faults = resolved(path)

    assert not faults
    assert [one["because"] for one in file.data["relax"]] == ["Agreed once.", "Agreed too."]
    assert os.path.basename(origin_of(file, ("relax", 0, "what")).file.name) == "middle.toml"
    assert load_codebook(path).k == 2


def test_a_parents_reason_is_none_for_its_child(family, toy_text):
    middle = CHILD + '[privacy]\nk = 2\n[[relax]]\nwhat = "privacy.k"\nbecause = "Agreed."\n'
    path, marks = family(
        CHILD.replace("base", "middle") + "[privacy]\nk = «2\n",
        middle=middle.replace("k = 2", "k = 4"),
        base=toy_text.replace("k        = 3", "k = 5"),
    )

    assert [one[:2] for one in problems_of(path)] == [("CB241", marks["child.toml"])]


def test_a_seal_that_a_parent_breaks_is_told_in_the_parent(family):
    path, marks = family(CHILD.replace("base", "middle"), middle=CHILD + "[privacy]\nk = «2\n")

    assert [one[:2] for one in problems_of(path)] == [("CB241", marks["middle.toml"])]


def test_a_reason_for_nothing_is_a_warning(family):
    text = '[privacy]\nk = 2\n[[relax]]\nwhat = «"privacy.kk"\nbecause = "x"\n'
    text += '[[relax]]\nwhat = "privacy.k"\nbecause = "x"\n'
    path, marks = family(CHILD + text)

    ((code, place, _, help),) = problems_of(path)
    assert (code, place) == ("CB242", marks["child.toml"])
    assert help == "did you mean `privacy.k`?"
    assert load_codebook(path).k == 2


def test_a_reason_in_a_codebook_that_extends_nothing_is_a_warning(family, toy_text):
    relax = '[[relax]]\nwhat = «"privacy.k"\nbecause = "x"\n'
    path, marks = family(toy_text + relax)
    assert [one[:2] for one in problems_of(path)] == [("CB242", marks["child.toml"])]

    path, marks = family(CHILD, base=toy_text + relax)
    assert [one[:2] for one in problems_of(path)] == [("CB242", marks["base.toml"])]


@pytest.mark.parametrize(
    ("relax", "code"),
    [
        ('«[[relax]]\nwhat = "privacy.k"', "CB011"),
        ('[[relax]]\nwhat = "privacy.k"\nbecause = «""', "CB019"),
        ('[[relax]]\nwhat = "privacy.k"\nbecause = "x"\n«why = 3', "CB010"),
    ],
)
def test_an_unsound_reason_is_one_problem(family, relax, code):
    path, marks = family(f"{CHILD}[privacy]\nk = 2\n{relax}\n")

    assert [one[:2] for one in problems_of(path)] == [(code, marks["child.toml"])]


# ------------------------------------------------------------------------------------- languages


def test_an_overlay_replaces_texts_and_nothing_else(family, toy):
    text = """title = "Cinq variables"
[variables.gender]
definition = "Genre."
[domains.gender]
values = [{ code = "Male", label = "Homme" }]
[missing]
codes = [{ code = "NULL", label = "manquant" }]
[[rules]]
id = "rare-labour"
because = "Trop rare."
"""
    codebook = load_codebook(family(FRENCH + text, "base.fr.toml")[0])

    assert (codebook.header.title, codebook.header.lang) == ("Cinq variables", "fr")
    assert [one.label for one in codebook.domains["gender"].listed] == ["", "Homme"]
    assert codebook.domains["gender"].codes == toy.domains["gender"].codes
    assert codebook.missing.codes[0].label == "manquant"
    assert [one.because[:4] for one in codebook.rules] == ["An e", "Trop"]
    assert codebook.rules[1].params == toy.rules[1].params
    assert codebook.variables["gender"] == evolve(toy.variables["gender"], definition="Genre.")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('«id = "x"', "CB243", "`codebook.id` is no text"),
        ('«order = ["year"]', "CB243", "`codebook.order` is no text"),
        ('«remove = ["rules.rare-labour"]', "CB243", "`codebook.remove` is no text"),
        ("[«privacy]\nk = 2", "CB243", "`privacy` is no text"),
        ('[variables.gender]\n«role = ["none"]', "CB243", "`variables.gender.role` is no text"),
        ('[[rules]]\nid = "rare-labour"\n«op = "bin"', "CB243", "`rules.rare-labour.op`"),
        ('[domains.gender]\nvalues = [{ code = "Male", «x = 1 }]', "CB243", "values.Male.x` is no"),
        ("[domains.gender]\n«kind = 3", "CB243", "`domains.gender.kind` is no text"),
        ('[variables.«gendre]\ndefinition = "x"', "CB240", "`variables.gendre` translates nothing"),
        ('[[rules]]\nid = «"rare-labor"\nbecause = "x"', "CB240", "`rules.rare-labor` translates"),
        ('[domains.gender]\nvalues = [{ code = «"Mael", label = "x" }]', "CB240", "values.Mael`"),
        ("[variables.gender]\ndefinition = «3", "CB012", "`variables.gender.definition` must be a"),
        ("[variables]\ngender = «3", "CB012", "`variables.gender` must be a table"),
        ("«variables = 3", "CB243", "`codebook.variables` is no text"),
        ('«[[rules]]\nbecause = "x"', "CB011", "an entry of `rules` needs `id`"),
        ("«[[relax]]\nwhat = 'privacy.k'\nbecause = 'x'", "CB243", "`relax` is no text"),
    ],
)
def test_an_overlay_that_says_more_is_told_where(family, text, code, message):
    path, marks = family(f"{FRENCH}{text}\n", "base.fr.toml")
    ((found, place, said, _),) = problems_of(path)

    name, line, column = marks["base.fr.toml"].split(":")
    column = str(int(column) + 2) if "«[[relax" in text else column  # at the key in the header
    assert (found, place) == (code, f"{name}:{line}:{column}")
    assert message in said


def test_a_file_named_after_its_language_is_an_overlay_whatever_its_parent_speaks(family):
    text = CHILD + 'lang = "en"\n[privacy]\nk = 4\n'

    assert [one[0] for one in problems_of(family(text, "base.en.toml")[0])] == ["CB243"]
    assert problems_of(family(text, "other.toml")[0]) == []


def test_an_overlay_of_a_child_translates_what_the_child_added(family):
    middle = CHILD + '[variables.gender]\ncaveat = "New."\n'
    text = FRENCH.replace("base", "middle") + '[variables.gender]\ncaveat = "Nouveau."\n'
    codebook = load_codebook(family(text, "middle.fr.toml", middle=middle)[0])

    assert codebook.variables["gender"].caveat == "Nouveau."


def test_an_overlay_can_translate_a_template(family, toy_text):
    base = toy_text.replace('"forced"]', '"forced", "one", "two"]')
    base += FLAGS.replace('[templates.open]\ndomain = "std/flag"\nrole = ["none"]\n', "")
    text = FRENCH + '[templates.flag]\ncaveat = "Attention."\n'

    codebook = load_codebook(family(text, "base.fr.toml", base=base)[0])
    assert codebook.variables["one"].caveat == codebook.variables["two"].caveat == "Attention."


# -------------------------------------------------------------------------------------- positions


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("min  = 2019", 'min  = «"x"', "CB012"),
        ('domain     = "gender"', 'domain     = «"gendre"', "CB020"),
        ("is {var:means}", "is «{var:means}", ""),
        ('op      = "fold"', 'op      = «"flod"', "CB013"),
        ("nullable   = false", "«nulable   = false", "CB010"),
    ],
)
def test_a_fault_in_an_inherited_entry_is_told_in_the_parent(family, toy_text, old, new, code):
    child = CHILD.replace("base", "middle") + '[variables.year]\ncaveat = "x"\n'
    rule = '[[rules]]\nid = "new"\nop = "fold"\nfrom = ["farm"]\nto = "forced"\nbecause = ""\n'
    path, marks = family(child, middle=CHILD + rule, base=toy_text.replace(old, new))

    expected = [(code, marks["base.toml"])] if code else []
    assert [one[:2] for one in problems_of(path)][: len(expected) or None] == expected


def test_a_fault_in_an_entry_that_the_child_changed_is_told_in_the_child(family):
    path, marks = family(CHILD + '[variables.gender]\ndomain = «"gendre"\n')

    assert marks["child.toml"] in [one[1] for one in problems_of(path)]


def test_a_fault_in_an_inherited_template_is_told_there(family, toy_text):
    base = toy_text.replace('"forced"]', '"forced", "one", "two"]')
    base += FLAGS.replace("protected = true", 'protected = «"yes"')
    path, marks = family(CHILD, base=base)
    found = [one[:2] for one in problems_of(path) if one[0] != "CB027"]

    assert found == [("CB012", marks["base.toml"])]


def test_a_line_of_source_is_that_of_the_file_pointed_at(family, toy_text):
    path, _ = family(CHILD, base=toy_text.replace("min  = 2019", 'min  = "x"'))
    (problem,) = (p for p in check_codebook(path)[1] if p.code == "CB012")

    assert problem.place.source == 'min  = "x"'


def test_all_problems_of_all_files_are_told_in_one_run_the_childs_first(family, toy_text):
    child = CHILD + 'remove = ["rules.x"]\n[privacy]\nk = 2\n[variables.agebroad]\ncaveat = ""\n'
    base = toy_text.replace("min  = 2019", 'min  = "x"').replace('op      = "fold"', 'op = "flod"')
    found = [(code, place.partition(":")[0]) for code, place, *_ in problems_of(
        family(child + '[[relax]]\nwhat = "rules.y"\nbecause = "z"\n', base=base)[0])]  # fmt: skip

    assert found[:4] == [
        ("CB240", "child.toml"), ("CB241", "child.toml"), ("CB240", "child.toml"),
        ("CB242", "child.toml"),
    ]  # fmt: skip
    assert {("CB012", "base.toml"), ("CB013", "base.toml")} <= set(found[4:])


def test_what_is_already_put_together_is_left_alone(family):
    file, _ = resolved(family(CHILD)[0])

    assert isinstance(file, Inherited)
    again, faults = inherit(file, {})
    assert again is file
    assert not faults


def test_doctests():
    for module in (inheritance, origins, overlays, seals):
        assert doctest.testmod(module).failed == 0


# ---------------------------------------------------------------------------- any file whatsoever


FULL = """[codebook]
extends = "base.toml"
lang = "en"
remove = ["variables.means", "rules.rare-labour"]
[privacy]
k = 2
[variables.gender]
role = ["none"]
[domains.gender]
values = [{ code = "Male", label = "Homme" }]
[[rules]]
id = "age-to-band"
op = "bin"
[[relax]]
what = "privacy.k"
because = "Agreed."
"""
PIECES = ["[", "]", "[[", '"', "=", "\n", "3", "{}", "[]", '"fr"', "variables", "rules", "", ".",
          "[relax]\n", "codebook", "nan", "[[variables]]\n", "true", "2021-01-01"]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_mutated_child_leads_to_problems_with_places_and_never_to_a_crash(family, data):
    text = FULL
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + data.draw(st.sampled_from(PIECES) | st.text(max_size=3)) + text[end:]
    text = text.encode("utf-8", "replace").decode()

    told = []
    try:
        _, told = check_codebook(family(text.replace("«", ""))[0])
    except CodebookError as error:
        told = error.problems
    for problem in told:
        assert problem.render()
        assert problem.place


VALUES = st.recursive(
    st.sampled_from(["gender", "quasi", "", 3, True, 2.5, "age-to-band", "flag", "privacy.k"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "role", "use", "domain", "code", "what", "values", "gender", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
TOP = ["privacy", "variables", "rules", "relax", "templates", "domains", "missing", "sections"]


@settings(max_examples=150, deadline=None)
@given(
    child=st.dictionaries(st.sampled_from(TOP), VALUES, max_size=4),
    base=st.dictionaries(st.sampled_from(TOP), VALUES, max_size=4),
    header=st.dictionaries(st.sampled_from(["lang", "remove", "order"]), VALUES, max_size=3),
    lang=st.sampled_from([{}, {"lang": "fr"}]),
)
def test_tables_of_any_shape_merge_without_a_crash(family, child, base, header, lang):
    def inline(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {inline(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(inline, value)) + "]"
        return json.dumps(value)

    def toml(data):
        return "".join(f"{key} = {inline(value)}\n" for key, value in data.items())

    head = {"extends": "base.toml", **header, **lang}
    path, _ = family(
        toml({**child, "codebook": head}), base=toml({**base, "codebook": {"id": "b"}})
    )
    file, faults = resolved(path)

    for problem in file.problems(faults, "CB"):
        assert problem.place
        assert problem.place.line
