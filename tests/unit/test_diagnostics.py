"""The catalogue of codes: each is explained, and its examples earn what they are said to earn."""

import re
from pathlib import Path

import pytest

from ctdc_framework.codebook.columns import Column
from ctdc_framework.errors import CodebookError, CtdcError, DataError
from ctdc_framework.language.load import check_codebook
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.problems import diagnostics
from ctdc_framework.records.files import RawFile
from ctdc_framework.toml.file import MOST

BASE = """\
[codebook]
dsl = 1
id = "example"
title = "An example"
version = "1.0.0"
[privacy]
k = 10
[missing]
codes = [{ code = "NULL", reason = "not-recorded" }]
[domains.gender]
kind = "enum"
values = [{ code = "Female" }, { code = "Male" }]
[domains.age-band]
kind = "bands"
bands = [{ from = 0, to = 17 }, { from = 18 }]
[variables.gender]
domain = "gender"
role = ["quasi"]
definition = "Gender."
[variables.ageBand]
domain = "age-band"
role = ["quasi"]
definition = "Age."
[variables.forced]
domain = "std/flag"
role = ["sensitive"]
definition = "Forced labour."
[inputs.age]
domain = "std/integer"
[inputs.farm]
domain = "std/flag"
[[rules]]
id = "age-to-band"
op = "bin"
from = "age"
to = "ageBand"
because = "Exact ages single people out."
[[checks]]
id = "farm-work"
never = [{ var = "farm", is = 1 }, { var = "forced", missing = true }]
"""

EXPLAINED = diagnostics.catalogue().values()
EXAMPLES = [one for one in EXPLAINED if one.wrong]
NONE = {"CB000", "CB002", "CB003", "CB208", "CB240", "CB241", "CB242", "CB243", "CB250"}
"""What bytes, very many problems, plugins or a second file are needed for."""


def blocks(text):
    return re.split(r"^(?=\[)", text, flags=re.MULTILINE)


def with_example(example):
    """The base with the example's tables, which stand in for those of the same header."""
    new = blocks(example)
    headers = {block.split("\n")[0] for block in new if not block.startswith("[[")}
    kept = [block for block in blocks(BASE) if block.split("\n")[0] not in headers]
    return "".join([*kept, *new])


def given(path):
    try:
        return {problem.code for problem in check_codebook(path)[1]}
    except CodebookError as error:
        return {problem.code for problem in error.problems}


@pytest.fixture(scope="session")
def example_file(tmp_path_factory):
    def write(text):
        path = tmp_path_factory.mktemp("example") / "example.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.code)
def test_the_wrong_example_earns_exactly_its_code_and_the_right_one_nothing(one, example_file):
    assert given(example_file(with_example(one.wrong))) == {one.code}
    assert given(example_file(with_example(one.right))) == set()


def test_every_code_of_a_codebook_has_examples_unless_no_text_can_show_it():
    without = {one.code for one in EXPLAINED if not (one.wrong and one.right)}
    assert {code for code in without if code < "CB300"} == NONE


def test_the_reference_lists_what_the_catalogue_explains():
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"
    row = r"^\| \[((?:CB|PL)\d{3})\]\(diagnostics\.md#\w+\) \| (.*) \|$"
    listed = dict(re.findall(row, page.read_text("utf-8"), re.M))
    assert listed == {one.code: one.title for one in EXPLAINED}


def test_each_says_why_and_no_line_is_too_long():
    for one in EXPLAINED:
        assert one.why
        assert all(len(line) <= 105 for line in one.render().splitlines())
    assert list(diagnostics.catalogue()) == sorted(diagnostics.catalogue())


def test_a_code_is_found_in_small_letters_and_an_unknown_one_is_refused():
    assert diagnostics.explain("cb013 ").code == "CB013"
    assert "    role = " in diagnostics.explain("CB013").render()
    with pytest.raises(CtdcError, match="no problem has the code `CB999`"):
        diagnostics.explain("CB999")


# ------------------------------------------------------------------------------------ every code

# The codes are typed out here and do not follow from the code: one that is lost is missed.

SHOWN = {
    "CB001": ("“An", "“", "straight"),
    "CB005": ("k = 5", "k", "line 40 has the other"),
    "CB006": ("\ndomain", "", "write [variables.sex]"),
    "CB007": ("0--17", "0--17", "write { from = 0, to = 17 }"),
    "CB008": ("2021-09", "2021-09", 'write "2021-09"'),
    "CB009": (", }", ",", "remove the comma"),
    "CB010": ("nulable", "nulable", "`nullable`"),
    "CB011": ("[variables.gender]", "[variables.gender]", "no default"),
    "CB012": ('"quasi"', '"quasi"', 'write ["quasi"]'),
    "CB013": ('"quazi"', '"quazi"', "`quasi`"),
    "CB014": ("10.7", "10.7", "write 10"),
    "CB015": ('"E\\u0301gal"', '"E\\u0301gal"', "NFC"),
    "CB016": ('"Female "', '"Female "', 'write "Female"'),
    "CB019": ("1\n", "1", "fewest records"),
    "CB020": ('"gendre"', '"gendre"', "`gender`"),
    "CB021": ("agebnad}", "agebnad", "`ageBand`"),
    "CB022": ("ageGroup}", "ageGroup", "`ageBand`"),
    "CB023": ("forced]", "forced", "add it to `order`"),
    "CB024": ("Gender]", "Gender", "rename one"),
    "CB025": ("meansOfControlPsychoactiveSubstances]", "meansOfControlPsychoactiveSubstances",
              "shorten it"),
    "CB026": ("Threats]", "Threats", "rename it"),
    "CB027": ("majority]", "majority", "remove it"),
    "CB028": ("[[allow]]", "[[allow]]", "remove it"),
    "CB030": ("imo =", "imo", "`iom`"),
    "CB031": ("iom]", "iom", "leave it out"),
    "CB032": ("1999", "1999", "`years` of contributor `iom`"),
    "CB033": ('"ctdc-2021"', '"ctdc-2021"', 'write id = "example"'),
    "CB034": ('"draft"', '"draft"', 'remove status = "draft"'),
    "CB101": ("{ from = 18 }", "{ from = 18 }", "start at 21"),
    "CB102": ("{ from = 21 }", "{ from = 21 }", "start at 18"),
    "CB103": ("{ from = 17, to = 0 }", "{ from = 17, to = 0 }", "write { from = 0, to = 17 }"),
    "CB104": ("{ from = 0 }", "{ from = 0 }", "give it a `to`"),
    "CB105": ("{ from = 18 }", "{ from = 18 }", "start at 19"),
    "CB106": ('"{form}--{to}"', '"{form}--{to}"', "write {from}"),
    "CB107": ("{ from = 9, to = 17 }", "{ from = 9, to = 17 }", 'write code = "{from}--{to}"'),
    "CB108": ('"2019–2021"', '"2019–2021"', "write `--` throughout"),
    "CB109": ("2002\n", "2002", "from a smaller to a larger"),
    "CB110": ('{ from = 18, gloss = "18 or more" }', '{ from = 18, gloss = "18 or more" }',
              "begin after it"),
    "CB111": ('"1"', '"1"', "remove it from [missing]"),
    "CB112": ('"NULL"', '"NULL"', "remove it"),
    "CB113": ("0 }", "0", "missing = true"),
    "CB114": ('"Male" }]', '"Male"', "remove one"),
    "CB115": ("1, label", "1", "in quotes"),
    "CB116": ('"=Female"', '"=Female"', "write it otherwise"),
    "CB120": ('"XKX"', '"XKX"', "Kosovo"),
    "CB121": ('"ANT"', '"ANT"', "recode"),
    "CB122": ('"ROM"', '"ROM"', "recode"),
    "CB123": ('"UK"', '"UK"', "alpha-3"),
    "CB124": ('"SSD"', '"SSD"', "recode"),
    "CB201": ('"focred"', '"focred"', "`forced`"),
    "CB202": ('"Mael"', '"Mael"', "`Male`"),
    "CB203": ('"forced"', '"forced"', "take it out"),
    "CB204": ('"ageBand"', '"ageBand"', "only folds may share"),
    "CB205": ('"frm"', '"frm"', "`farm`"),
    "CB206": ('"male"', '"male"', "`Male`"),
    "CB207": ('"genderAsTold"]', '"genderAsTold"', "the same domain"),
    "CB209": ("min_count", "min_count", "list the values"),
    "CB210": ('[{ var = "debt"', '[{ var = "debt", is = 1 }, { var = "threats", is = 1 }]',
              'add { var = "forced", is = 1 }'),
    "CB211": ("else", "else", "remove it"),
    "CB212": ('"gender"', '"gender"', "bin writes bands"),
    "CB220": ("[[hierarchies.ages.levels]]", "[[hierarchies.ages.levels]]", "put each value"),
    "CB221": ("{ from = 0, to = 11 }", "{ from = 0, to = 11 }", "start and end"),
    "CB222": ("[[hierarchies.genders.levels]]", "[[hierarchies.genders.levels]]", "one group"),
    "CB223": ("[[hierarchies.genders.levels]]", "[[hierarchies.genders.levels]]", "rename"),
    "CB224": ('"Other"', '"Other"', "declare it"),
    "CB230": ('"std/text"', '"std/text"', "remove it"),
}  # fmt: skip
"""For each code that a text of a codebook earns: where in its example it points, what stands over
the carets, and words of the remedy."""

BESIDE = {
    "CB000": ("", None, "check again"),
    "CB002": ("\ufeff", None, "without BOM"),
    "CB003": ('title = "\udc96"', None, "UTF-8"),
    "CB240": ('[codebook]\nextends = «"bsae.toml"\n', '"bsae.toml"', "`base.toml`"),
    "CB241": ('[codebook]\nextends = "base.toml"\n[privacy]\nk = «5\n', "5", "[[relax]]"),
    "CB242": (
        '[codebook]\nextends = "base.toml"\n[[relax]]\nwhat = «"privacy.k"\nbecause = "x"\n',
        '"privacy.k"',
        "take it out",
    ),
    "CB243": (
        '[codebook]\nextends = "base.toml"\nlang = "fr"\n[«privacy]\nk = 20\n',
        "privacy",
        "take it out",
    ),
}
"""What bytes, very many mistakes or a second file earn, « before what is pointed at."""

IN_DATA = {
    "CB301": ({"gendre": "Female"}, "gendre"),
    "CB302": ({"gender": "female"}, "gender"),
    "CB304": ({"gender": "-99"}, "gender"),
    "CB305": ({"farm": "1", "forced": ""}, ""),
    "CB306": ({"gender": ""}, "gender"),
    "CB331": ({"forced": "0"}, "forced"),
}
"""Cells of a data file, in every row, and the column that is pointed at."""

ELSEWHERE = {
    "CB208": "a rule of a plugin: test_language_warnings",
    "CB250": "a change that `codebook diff` tells: test_difference",
    "CB303": "a note, not a problem: test_prepare",
}
"""What is earned in another test, as neither a codebook nor a file can."""

CHECKED = """\
[[checks]]
id = "farm-is-labour"
never = [{ var = "farm", is = 1 }, { var = "forced", missing = true }]
severity = "error"
"""

NOT_TOLD = {
    "CB004": "line ends of Windows are accepted in silence",
}
"""Codes of the design that no check gives."""


def places_of(problem):
    return problem.place.line, problem.place.column


def position(text, offset):
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def problems_of(path):
    try:
        return check_codebook(path)[1]
    except CodebookError as error:
        return error.problems


def test_every_code_of_the_language_is_explained_and_no_other():
    codes = {*SHOWN, *BESIDE, *IN_DATA, *ELSEWHERE}
    assert {one.code for one in EXPLAINED if one.code[:2] == "CB"} == codes
    assert not codes & set(NOT_TOLD)


@pytest.mark.parametrize("code", SHOWN)
def test_a_code_points_at_what_is_wrong_and_says_what_to_type(code, example_file):
    wrong = diagnostics.explain(code).wrong
    text = with_example(wrong)
    begins, under, help = SHOWN[code]
    offset = text.find(begins, len(text) - len(wrong))
    offset = text.index(begins) if offset < 0 else offset
    problem = problems_of(example_file(text))[0]
    assert problem.code == code
    assert places_of(problem) == position(text, offset)
    line, column, width = problem.place.source, problem.place.column, problem.place.width
    assert line == text.split("\n")[problem.place.line - 1]
    assert line[column - 1 : column - 1 + width] == under
    assert help in problem.help


@pytest.mark.parametrize("code", BESIDE)
def test_what_a_codebook_alone_cannot_earn_is_told_too(code, tmp_path):
    written, under, help = BESIDE[code]
    text, mark, rest = written.partition("«")
    (tmp_path / "base.toml").write_text(BASE, encoding="utf-8")
    path = tmp_path / "example.toml"
    if code == "CB000":
        rest = "".join(f"[variables.v{n}]\nx = 1\n" for n in range(MOST))
    if code in ("CB000", "CB002"):
        text = (text if code == "CB002" else "") + BASE
    path.write_bytes((text + rest).encode("utf-8", "surrogateescape"))
    (problem,) = [one for one in problems_of(path) if one.code == code]
    assert problem.help
    assert help in problem.help
    assert problem.place.file == str(path)
    if mark:
        assert places_of(problem) == position(text, len(text))
        column = problem.place.column - 1
        assert problem.place.source[column : column + problem.place.width] == under


@pytest.mark.parametrize("code", IN_DATA)
def test_a_code_of_data_names_the_file_and_the_column(code, example_file):
    cells, column = IN_DATA[code]
    text = with_example(CHECKED) if code == "CB305" else BASE
    text = text.replace('"Gender."', '"Gender."\nnullable = false') if code == "CB306" else text
    book = check_codebook(example_file(text))[0]
    whole = {"gender": "Female", "ageBand": "18+", "forced": "1", **cells}
    columns = {name: Column.of([cell or None] * 40) for name, cell in whole.items()}
    with pytest.raises(DataError) as caught:
        prepare(RawFile(name="cases.csv", columns=columns, rows=40), book)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.help
    assert problem.place.file == "cases.csv"
    assert problem.place.data_column == column or column in problem.message
