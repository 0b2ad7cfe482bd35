"""Groups, figures, drafts and allowances; and what is legal in a codebook and worth a warning."""

import pytest

from ctdc_framework import api
from ctdc_framework.codebook.rules import BUILT_IN
from ctdc_framework.errors import CodebookError, CtdcError
from ctdc_framework.language.load import check_codebook, load_codebook

END = "[inputs.age]"
AGES = "bands     = [{ from = 0, to = 17 }, { from = 18, to = 29 }, { from = 30 }]"
GENDERS = 'values = [{ code = "Female" }, { code = "Male" }]'
LAND = (
    '[domains.c]\nkind="country"\nas_of=2005-01-01\n{}\n[inputs.c]\ndomain="c"\n'
    '[[checks]]\nid="c"\nnever=[{{ var="c", missing=true }}]'
)
IOM = (
    '[contributors.iom]\nlabel = "IOM"\n[variables.year.contributors]\niom = {{ status = "{}" }}\n'
)
LONG = '\n[variables.{}]\ndomain = "std/flag"\nrole = ["none"]\ndefinition = ""\n'
FLAGS = 'domain="std/flag"\n'


def add(new):
    return END, f"{new}\n\n{END}"


def recode(mapping, on="gender"):
    rule = f'[[rules]]\nid="r"\nop="recode"\non=["{on}"]\nmap={{{mapping}}}\nbecause=""'
    return add(rule)


def derive(rest):
    return add(f'[inputs.x]\n{FLAGS}[[rules]]\nid="d"\nop="derive"\nto="x"\nbecause=""\n{rest}')


CASES = [
    # ------------------------------------------------------------------------ warnings of names
    ("CB027", "warning", *add(IOM.format("collected") + '[contributors.«a21]\nlabel = "A21"'),
     "contributor `a21` is named by no variable", "[[allow]]"),
    ("CB027", "warning", 'list       = ";"', 'list = ";"\n«missing_matches = "anything"',
     "variable `means` is no quasi-identifier", '"quasi"'),
    ("CB021", "error", "round_to = 3", 'round_to = 3\nsubject = «"caseNumbr"',
     "`subject` is `caseNumbr`, which is no input", "`caseNumber`"),
    ("CB230", "error", "round_to = 3", 'round_to = 3\nsubject = «"age"',
     "`subject` is input `age`, which is no identifier", '[inputs.age] role = "identifier"'),
    # -------------------------------------------------------------------------------- domains
    ("CB107", "warning", AGES, f'code = "{{from}}-{{to}}"\n{AGES}'.replace("0, to", "1, to")
     .replace("{ from = 1,", "«{ from = 1,"), "code `1-17` opens as a date", '"{from}--{to}"'),
    ("CB107", "warning", GENDERS, 'values = [{ code = "Female" }, { code = «"Mar-5" }]',
     "`Mar-5`", ""),
    ("CB108", "warning", GENDERS,
     'values = [{ code = "18--20" }, { code = "21--23" }, { code = «"24\u201326" }]',
     "with `--` (2) and with `U+2013` (1)", "write `--` throughout"),
    ("CB109", "warning", 'min  = 2019\nmax  = 2021\n', "min = 2002\nmax = 2021\n",
     "variable `year` has 20 values and no hierarchy", "[hierarchies.x]"),
    ("CB110", "warning", AGES,
     'bands = [{ from = 0, to = 12, gloss = "0-1 yr" }, «{ from = 13, gloss = "1-2 yrs" }]',
     "glosses `0-1 yr` and `1-2 yrs` share 1", "begin after it"),
    # ------------------------------------------------------------------------------ countries
    ("CB121", "warning", *add(LAND.format('plus=[«"ZAR"]')), "`ZAR` (Zaire) was withdrawn on",
     "map it"),
    ("CB122", "warning", *add(LAND.format('plus=[«"ROM"]')), "`ROM` became `ROU` in 2002",
     "map it"),
    ("CB123", "error", *add(LAND.format('plus=[«"US"]')), "`US` is an alpha-2 code", "alpha-3"),
    ("CB124", "warning", *add(LAND.format('plus=[«"SSD"]')), "`SSD` was assigned in 2011", ""),
    ("CB123", "error", *add(LAND.format("") + '\n[[rules]]\nid="r"\nop="recode"\non=["c"]\n'
     'map={XKX = «"Serbia"}\nbecause=""'), "rule `r`: maps `XKX` to `Serbia`", "Serbia"),
    ("CB122", "error", *add(LAND.format("") + '\n[[rules]]\nid="r"\nop="recode"\non=["c"]\n'
     'map={Romania = «"ROM"}\nbecause=""'), "maps `Romania` to `ROM`", "became `ROU`"),
    # ---------------------------------------------------------------------------------- rules
    ("CB206", "warning", *recode('Male = «"Female"'), "value `Male` of `gender` can never occur",
     "map"),
    ("CB206", "warning", *recode('Male = «""'), "as it becomes missing", ""),
    ("CB209", "error", 'from    = ["farm"]', 'from = ["farm"]\n«min_count = 5',
     "`min_count` would let the data decide", "list the values"),
    ("CB211", "error", *derive('any = [{ var = "farm", is = 1 }]\n«else = 0'),
     "`else`: a derived", "remove"),
    # ------------------------------------------------------------------------ groups, figures
    ("CB021", "error", *add('[groups.g]\ntitle="G"\nvariables=["forced", «"forcd"]'),
     "group `g` lists `forcd`, which is no variable", "`forced`"),
    ("CB020", "error", *add('[groups.g]\ntitle="G"\nvariables=["forced", «"gender"]'),
     "group `g` lists `gender`, which is no flag", "denominator"),
    ("CB005", "error", *add('[groups.g]\ntitle="G"\nvariables=["forced", «"forced"]'), "twice", ""),
    ("CB019", "error", *add('[groups.g]\ntitle="G"\nvariables=«["forced"]'), "group `g`", ""),
    ("CB019", "error",
     *add('[[figures]]\nid="f"\ntitle=""\ncolumns=["a","b"]\nrows=[["1","2"],«["3"]]'),
     "figure `f`: a row has 1 cells, and there are 2 columns", '""'),
    ("CB005", "error", *add(2 * '[[figures]]\nid="f"\ntitle=""\ncolumns=[]\nrows=[]\n'),
     "two figures are called `f`", ""),
    ("CB021", "error",
     *add('[[supersedes]]\ncodebook="old"\nvariables=["a"]\nhow="renamed"\nby=[«"gendre"]'),
     "`gendre`, which takes the place of a, is no variable", "`gender`"),
    ("CB013", "error", *add('[[supersedes]]\ncodebook="old"\nvariables=["a"]\nhow=«"rename"'), "",
     "`renamed`"),
    # ------------------------------------------------------------------------------- allowances
    ("CB021", "error", *add('[[allow]]\ncode="CB025"\nat=«"variables.gendre"\nbecause=""'),
     "an allowance is at `variables.gendre`", "`variables.gender`"),
    ("CB019", "error", *add('[[allow]]\ncode=«"025"\nat="variables.gender"\nbecause=""'),
     "`code`", ""),
    ("CB028", "warning", *add('«[[allow]]\ncode="CB025"\nat="variables.gender"\nbecause=""'),
     "nothing at `variables.gender` gives the warning CB025", "remove it"),
    ("CB013", "error", "dsl     = 1", 'dsl = 1\nstatus = «"darft"', "status `darft`", "`draft`"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "level", "old", "new", "says", "help"), CASES)
def test_what_is_worth_a_word_is_told_where_it_stands(
    code, level, old, new, says, help, toy_text, marked, file_of
):
    assert toy_text.count(old) == 1, old
    text = toy_text.replace(old, new)
    path, place = marked(text) if "«" in text else (file_of(text), None)
    try:
        codebook, problems = check_codebook(path)
    except CodebookError as error:
        codebook, problems = None, error.problems
    assert [(one.code, one.level) for one in problems] == [(code, level)]
    assert says in problems[0].message
    assert problems[0].help
    assert help in problems[0].help
    assert (codebook is None) == (level == "error")
    if place:
        assert (problems[0].place.line, problems[0].place.column) == place


def with_flags(toy_text, *names):
    listed = "".join(f', "{name}"' for name in names)
    text = toy_text.replace(', "forced"]', f', "forced"{listed}]')
    return text + "".join(LONG.format(f"{name}") for name in names)


def test_a_name_that_stata_cuts_is_a_warning_and_two_that_it_makes_one_an_error(toy_text, file_of):
    name = "meansOfControlPsychoactiveSubstances"
    _, (problem,) = check_codebook(file_of(with_flags(toy_text, name)))
    assert (problem.code, problem.level) == ("CB025", "warning")
    assert "has 36 characters; Stata cuts at 32" in problem.message
    assert "`meansOfControlPsychoactiveSubsta`" in problem.message
    assert (problem.place.column, problem.place.width) == (12, 36)
    codebook, problems = check_codebook(file_of(with_flags(toy_text, name, name + "Other")))
    assert codebook is None
    assert [(one.code, one.level) for one in problems] == [("CB025", "warning"), ("CB025", "error")]
    assert f"`{name}` and `{name}Other`" in problems[1].message


def test_a_name_in_another_style_than_nearly_all_is_a_warning(toy_text, file_of):
    _, (problem,) = check_codebook(file_of(with_flags(toy_text, "Odd")))
    assert (problem.code, problem.level) == ("CB026", "warning")
    assert "5 of 6 names of variables start in lower case; `Odd` does not" in problem.message
    assert check_codebook(file_of(with_flags(toy_text, "Odd", "Even")))[1] == []


def test_an_invented_no_is_a_warning_unless_a_note_says_how_it_is_known(toy_text, file_of):
    text = toy_text + '[contributors.iom]\nlabel = "IOM"\n'
    for name in ("year", "gender", "ageBroad", "means", "forced"):
        text += f'[variables.{name}.contributors]\niom = {{ status = "not-collected" }}\n'
    _, (problem,) = check_codebook(file_of(text))
    assert (problem.code, problem.level) == ("CB031", "warning")
    assert "`iom` is marked not-collected for all 5 variables" in problem.message
    noted = text.replace('"not-collected"', '"not-collected", note = "its form"', 1)
    assert check_codebook(file_of(noted))[1] == []


def test_a_rule_that_leaves_out_what_others_are_folded_into_is_a_warning(toy_text, marked):
    text = with_flags(toy_text, "a", "b", "other", "any")
    text += '[groups.g]\ntitle = "Kinds"\nvariables = ["a", "b", "other"]\n[inputs.rare]\n' + FLAGS
    fold = '[[rules]]\nid="fold"\nop="fold"\nfrom=["rare"]\nto="other"\nbecause=""\n'
    rule = (
        '[[rules]]\nid="any"\nop="derive"\nto="any"\nbecause=""\n'
        'any=«[{ var="a", is=1 }, { var="b", is=1 }]\n'
    )
    path, place = marked(text + fold + rule)
    _, (problem,) = check_codebook(path)
    assert (problem.code, problem.level) == ("CB210", "warning")
    assert '"Kinds" and not `other`, into which `fold` folds' in problem.message
    assert (problem.place.line, problem.place.column) == place
    complete = rule.replace("«", "").replace("}]", '}, { var="other", is=1 }]')
    path, _ = marked(text + fold + complete + "«")
    assert check_codebook(path)[1] == []


def test_a_rule_of_a_plugin_may_not_keep_what_fewer_than_k_records_have(toy_text, file_of):
    from attrs import frozen

    from ctdc_framework.codebook.rules import Rule
    from ctdc_framework.toml.convert import entry

    @frozen(kw_only=True)
    class Params:
        least: int = entry("fewest records", from_codebook="k")

    rules = {**BUILT_IN, "join": Rule(op="join", summary="", params=Params)}
    join = '\n[[rules]]\nid="j"\nop="join"\nbecause=""\nleast={}\n'
    _, (problem,) = check_codebook(file_of(toy_text + join.format(2)), rules)
    assert problem.code == "CB208"
    assert "keeps what 2 records have, and k is 3" in problem.message
    assert check_codebook(file_of(toy_text + join.format(3)), rules)[1] == []


def test_what_is_allowed_is_silent_there_and_nowhere_else(toy_text, file_of):
    one, two = "a" * 40, "b" * 40
    allow = f'[[allow]]\ncode = "CB025"\nat = "variables.{one}"\nbecause = "as printed"\n'
    codebook, problems = check_codebook(file_of(with_flags(toy_text, one, two) + allow))
    assert [problem.code for problem in problems] == ["CB025"]
    assert two in problems[0].message
    assert codebook.allow[0].because == "as printed"


def test_an_error_cannot_be_allowed(toy_text, file_of):
    text = toy_text.replace('domain     = "gender"', 'domain = "gendre"')
    allow = '[[allow]]\ncode = "CB020"\nat = "variables.gender"\nbecause = ""\n'
    codebook, problems = check_codebook(file_of(text + allow))
    assert codebook is None
    assert [problem.code for problem in problems] == ["CB020"]


def test_the_tables_are_read_as_they_are_written(toy_text, codebook_of):
    text = with_flags(toy_text, "other") + (
        '[groups.g]\ntitle = "Kinds"\nvariables = ["forced", "other"]\ntext = "Shares."\n'
        '[[figures]]\nid = "f"\ntitle = "F"\ncolumns = ["a"]\nrows = [["1"], ["2"]]\n'
        '[[supersedes]]\ncodebook = "old"\nvariables = ["sex"]\nby = ["gender"]\nhow = "renamed"\n'
    )
    codebook = codebook_of(text)
    assert codebook.groups["g"].variables == ("forced", "other")
    assert codebook.figures[0].rows == (("1",), ("2",))
    assert codebook.supersedes[0].by == ("gender",)


def test_nothing_is_released_by_a_draft(toy_text, file_of):
    codebook = load_codebook(file_of(toy_text.replace("dsl     = 1", 'dsl = 1\nstatus = "draft"')))
    assert codebook.header.status == "draft"
    with pytest.raises(CtdcError, match="`toy` is a draft") as caught:
        api.refuse_draft(codebook)
    assert "remove status" in caught.value.help


# -------------------------------------------------------------------------------- bytes and syntax


def test_a_byte_order_mark_is_a_warning(toy_text, file_of):
    codebook, (problem,) = check_codebook(file_of("\ufeff" + toy_text))
    assert (problem.code, problem.level) == ("CB002", "warning")
    assert "without BOM" in problem.help
    assert codebook is not None


@pytest.mark.parametrize(
    ("old", "new", "help"),
    [
        (GENDERS, 'values = [«{ code = "Female",\n  label = "F" }]', "[header]"),
        (GENDERS, 'values = [{ code = "Female"«, }]', "remove the comma"),
        (GENDERS, 'values = [«{\n code = "Female" }, { code = "Male" }]', "[header]"),
        ('"Gender."', '"Ge«\\x6Eder."', "write \\u006E"),
        ('"Gender."', '"""Ge«\\ender."""', "write \\u001B"),
        ("k        = 3", "k = «07:32", "write 07:32:00"),
        ("k        = 3", "k = «2021-09-01T07:32", "write 2021-09-01T07:32:00"),
    ],
)
def test_what_only_toml_1_1_has_is_refused_with_what_1_0_writes(old, new, help, toy_text, marked):
    path, place = marked(toy_text.replace(old, new))
    with pytest.raises(CodebookError) as caught:
        load_codebook(path)
    (problem,) = caught.value.problems
    assert problem.code == "CB009"
    assert help in problem.help
    assert (problem.place.line, problem.place.column) == place


def test_what_looks_like_toml_1_1_in_a_text_or_a_comment_is_left_alone(toy_text, codebook_of):
    text = toy_text.replace('"Gender."', "'\\x41 at 07:32, { a = 1, }' # { 07:32\n")
    assert codebook_of(text).variables["gender"].definition.startswith("\\x41")


def test_a_copy_that_kept_its_id_is_a_warning(toy_text, tmp_path):
    (tmp_path / "toy.toml").write_text(toy_text)
    (tmp_path / "mine.toml").write_text(toy_text)
    assert check_codebook(tmp_path / "toy.toml")[1] == []
    _, (problem,) = check_codebook(tmp_path / "mine.toml")
    assert (problem.code, problem.level) == ("CB033", "warning")
    assert (problem.place.line, problem.place.column) == (3, 11)
    assert 'write id = "mine"' in problem.help
