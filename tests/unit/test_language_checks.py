"""Every diagnostic: a codebook that earns it, where it points, whom it names, what it advises."""

import pytest
from attrs import frozen

from ctdc_framework.errors import CodebookError
from ctdc_framework.language.load import check_codebook, load_codebook


@frozen
class Case:
    """A change to the toy codebook, « before what the diagnostic is to point at."""

    code: str
    old: str
    new: str
    says: str
    help: str = ""
    level: str = "error"
    extra: str = ""
    """What else the codebook then has."""


GENDER_INPUTS = '[inputs.g]\ndomain="gender"\n[inputs.h]\ndomain="gender"'

END = "[inputs.age]"
"""What to put new tables before."""


def add(code, new, says, help="", level="error"):
    return Case(code, END, f"{new}\n\n{END}", says, help, level)


AGES = "bands     = [{ from = 0, to = 17 }, { from = 18, to = 29 }, { from = 30 }]"
GENDERS = 'values = [{ code = "Female" }, { code = "Male" }]'
CODES = 'codes = [{ code = "NULL", reason = "not-recorded" }]'
FORCED = 'domain     = "std/flag"'
PROSE = 'definition = "Gender."'
RULES = '[[rules]]\nid      = "age-to-band"'


def rule(new):
    return f'{new}\nbecause = ""\n\n{RULES}'


def bands(*each):
    return f"bands     = [{', '.join(each)}]"


CASES = [
    Case("CB005", "[variables.gender]", "«[variables.year]", "`[variables.year]`", "line 34"),
    Case("CB005", "dsl     = 1", "dsl = 1\n«dsl = 1", "`dsl`", "line 2"),
    Case("CB005", 'id      = "rare-labour"', 'id      = «"age-to-band"', "rules", "rename"),
    add(
        "CB005",
        '[[sections]]\nid="s"\ntitle=""\ntext=""\n[[sections]]\nid=«"s"\ntitle=""\ntext=""',
        "two sections are called `s`",
    ),
    add(
        "CB005",
        '[[checks]]\nid="c"\nnever=[{var="age",is=1}]\n'
        '[[checks]]\nid=«"c"\nnever=[{var="age",is=2}]',
        "two checks are called `c`",
    ),
    # ------------------------------------------------------------------ the form of one entry
    Case(
        "CB010",
        "nullable   = false",
        "«nulable = false",
        "variable `year`: unknown key `nulable`",
        "`nullable`",
    ),
    Case(
        "CB010",
        GENDERS,
        'values = [{ code = "Male", «lable = "M" }]',
        "domain `gender`, value `Male`: unknown key `lable`",
        "`label`",
    ),
    add("CB010", "[«variable.x]\n", "unknown table `variable`", "`variables`"),
    Case(
        "CB010", 'from    = ["farm"]', 'from = ["farm"]\n«form = 1', "rule `rare-labour`", "`from`"
    ),
    Case(
        "CB011",
        'role       = ["quasi"]\naliases',
        "aliases",
        "variable `ageBroad`: `role`",
        "no default",
    ),
    Case("CB011", '[inputs.farm]\ndomain = "std/flag"', "«[inputs.farm]", "input `farm`: `domain`"),
    Case(
        "CB011",
        'kind   = "enum"\nvalues = [{ code = "F',
        'values = [{ code = "F',
        "domain `gender`: `kind` is missing",
        "enum, bands, range, country",
    ),
    Case("CB011", '[[rules]]\nid      = "rare-labour"', "«[[rules]]", "a rule without `id`"),
    Case(
        "CB012",
        GENDERS,
        'values = «"Male"',
        "domain `gender`: `values` must be an array",
        'write ["Male"]',
    ),
    Case("CB012", GENDERS, "values = «[]", "domain `gender`: there is no value"),
    Case("CB012", 'to      = "forced"', "to = «5", "rule `rare-labour`: `to` must be a text"),
    Case("CB012", PROSE, f"{PROSE}\naliases = [«5]", "an entry of `aliases` must be a text"),
    Case("CB012", PROSE, f"{PROSE}\nnullable = «1", "`nullable` must be true or false"),
    add("CB012", '«[checks]\nid="x"', "`checks` must be an array", "[[checks]]"),
    add("CB012", '«[[notes]]\nid="x"', "`notes` must be tables", "[notes.name]"),
    add(
        "CB012",
        '[[checks]]\nid="c"\nnever=[{var="age", is = «1.5}]',
        "check `c`: `is` must be a text or a whole number, found a number with a point",
    ),
    Case(
        "CB013",
        'role       = ["quasi"]\naliases',
        'role = [«"quazi"]\naliases',
        "variable `ageBroad`: role `quazi` is not one of quasi, sensitive, none",
        "`quasi`",
    ),
    Case(
        "CB013",
        'role       = ["quasi"]\naliases',
        'role = ["quasi", «"none"]\naliases',
        "variable `ageBroad`",
    ),
    Case("CB013", 'kind      = "bands"', 'kind = «"band"', "domain `age-band`: `band`", "`bands`"),
    Case(
        "CB013",
        'op      = "bin"',
        'op = «"bun"',
        "rule `age-to-band`: no rule is called `bun`",
        "`bin`",
    ),
    Case("CB013", "dsl     = 1", "dsl = «2", "`dsl` must be 1"),
    Case("CB014", "k        = 3", "k = «10.7", "`k` must be a whole number, found 10.7"),
    Case("CB019", "k        = 3", "k = «1", "`k` must be >= 2"),
    Case("CB019", 'version = "1.0.0"', 'version = «"1.0"', "`version` is three numbers"),
    Case("CB019", 'list       = ";"', 'list = «"; "', "variable `means`: `list` is one character"),
    add("CB019", '[[checks]]\nid="c"\nnever=[«{var="age"}]', "check `c`: a condition says one of"),
    # -------------------------------------------------------------------- names and codes as text
    Case("CB015", '{ code = "Male" }', '{ code = «"Co\\u0302te" }', "is in decomposed"),
    Case("CB016", '{ code = "Male" }', '{ code = «"Male\\u00a0" }', "ends in a space", '"Male"'),
    Case("CB016", '{ code = "Male" }', '{ code = «"Ma\\u200ble" }', "U+200B ZERO WIDTH SPACE"),
    Case(
        "CB016",
        '{ code = "Male" }',
        '{ code = «"Mаle" }',
        "U+0430 CYRILLIC SMALL LETTER A",
        level="warning",
    ),
    add(
        "CB016",
        '[inputs.«"fаrm"]\nrole = "identifier"',
        "input name `fаrm` holds U+0430",
        level="warning",
    ),
    add("CB016", '[inputs.«"a;b"]\ndomain = "std/flag"', "input name `a;b`", "underscores"),
    add("CB016", '[inputs.«""]\ndomain = "std/flag"', "input name ``"),
    Case("CB116", '{ code = "Male" }', '{ code = «"=Male" }', "`=Male` starts with", "otherwise"),
    Case(
        "CB116", AGES, bands("«{ from = -9, to = -1 }", "{ from = 0 }"), "domain `age-band`: code"
    ),
    # ------------------------------------------------------------------------------- lost names
    Case(
        "CB020",
        'domain     = "age-band"',
        'domain = «"age-bands"',
        "variable `ageBroad` uses domain `age-bands`, which is not declared",
        "`age-band`",
    ),
    Case(
        "CB020",
        'domain     = "year"',
        'domain = «"std/integer"',
        "variable `year` is released",
        "read the raw value as an input",
        extra='[inputs.y]\ndomain="year"',
    ),
    add(
        "CB020",
        '[domains.«"std/x"]\nkind="enum"\nvalues=[{code="a"}]\n[inputs.x]\ndomain="std/x"',
        "`std/x`",
    ),
    Case(
        "CB020",
        "[variables.gender]",
        '[variables.gender]\nuse = «"nix"',
        "variable `gender` uses template `nix`",
    ),
    Case(
        "CB021",
        PROSE,
        'definition = "See {var:«ageBraod}."',
        "`{var:ageBraod}` names no variable",
        "`ageBroad`",
    ),
    Case(
        "CB022",
        PROSE,
        'definition = "See {var:«ageband}."',
        "`{var:ageband}` calls `ageBroad` by an alias",
        "write `ageBroad`",
        "warning",
    ),
    Case(
        "CB022", '"gender", "ageBroad"', '"gender", «"ageband"', "an alias of `ageBroad`", "write"
    ),
    Case("CB022", 'to      = "ageBroad"', 'to = «"ageband"', "`ageband` is an alias", "`ageBroad`"),
    add(
        "CB022",
        '[[checks]]\nid="c"\nnever=[{ var = «"ageband", missing = true }]',
        "`ageband` is an alias of `ageBroad`",
        "write `ageBroad`",
    ),
    Case("CB021", PROSE, 'definition = "See «{vars:year}."', "no first and last", "{vars:a..b}"),
    Case(
        "CB021",
        PROSE,
        'definition = "See {vars:year..«fourced}."',
        "{vars:year..fourced}",
        "`forced`",
    ),
    Case("CB021", PROSE, 'definition = "See {section:«method}."', "names no section"),
    Case("CB021", PROSE, 'definition = "See «{vra:year}."', "{vra:year}", "`var`", "warning"),
    add(
        "CB021",
        '[[errata]]\nat=«"variables.gendre"\nwhere=""\nprinted=""',
        "`variables.gendre`",
        "`variables.gender`",
    ),
    add("CB021", '[[errata]]\nat=«"variables"\nwhere=""\nprinted=""', "`variables`", "variables."),
    Case("CB023", '"forced"]', '"forced", «"forced"]', "`order` lists `forced` twice"),
    Case("CB023", '"forced"]', '"forced", «"age"]', "input `age` is in `order`"),
    Case("CB023", ', "forced"]', "]", "variable `forced` is declared and not listed", "add it"),
    Case("CB023", '"forced"]', '"forced", «"fourced"]', "`fourced`, but no such variable"),
    Case(
        "CB024",
        'aliases    = ["ageband"]',
        'aliases = [«"GENDER"]',
        "`GENDER` is a name of variable `gender` too",
        "case",
    ),
    add("CB024", '[inputs.«year]\ndomain = "std/flag"', "`year` is a name of variable `year` too"),
    add(
        "CB027",
        '[domains.«spare]\nkind="enum"\nvalues=[{code="a"}]',
        "domain `spare`",
        level="warning",
    ),
    add("CB027", '[templates.«spare]\nrole=["none"]', "template `spare`", level="warning"),
    add("CB027", '[notes.«spare]\ntitle=""\ntext=""', "note `spare`", "{note:spare}", "warning"),
    add(
        "CB030",
        '[contributors.polaris]\nlabel="P"\n[variables.year.contributors]\n'
        '«polarsi = {status="collected"}',
        "variable `year`: no contributor is called `polarsi`",
        "`polaris`",
    ),
    add(
        "CB032",
        '[contributors.iom]\nlabel="IOM"\nyears=[2002, 2021]\n[variables.year.contributors]'
        '\niom = {status="collected", since = «1999}',
        "variable `year`: since 1999 is before IOM's",
    ),
    add(
        "CB032",
        '[contributors.iom]\nlabel="IOM"\nyears=[2002, 2021]\n[variables.year.contributors]'
        '\niom = {status="collected", since = «2022}',
        "since 2022 is after IOM's last year, 2021",
    ),
    add("CB032", '[contributors.iom]\nlabel="IOM"\nyears=«[2021, 2002]', "contributor `iom`"),
    # --------------------------------------------------------------------------------- domains
    Case(
        "CB101",
        AGES,
        bands("{ from = 0, to = 17 }", "«{ from = 16 }"),
        "domain `age-band`: bands 0--17 and 16+ overlap at 16",
        "start at 18",
    ),
    Case(
        "CB105",
        AGES,
        bands("{ from = 0, to = 17 }", "«{ from = 17 }"),
        "domain `age-band`: 0--17 and 17+ both hold 17",
        "start at 18",
    ),
    add(
        "CB113",
        '[[checks]]\nid="c"\nnever=[{ var = "forced", is = «0 }]',
        "check `c`: flag `forced` has no 0",
        "missing = true",
    ),
    add(
        "CB113",
        '[[rules]]\nid="r"\nop="recode"\non=["forced"]\nmap={ No = «"0" }\nbecause=""',
        "rule `r`: flag `forced` has no 0",
        'write ""',
    ),
    Case(
        "CB115",
        GENDERS,
        'values = [{ code = «1 }, { code = "1" }]',
        'domain `gender`, value `1`: code 1 and code "1" are the same text',
        "in quotes",
    ),
    add(
        "CB115",
        '[[checks]]\nid="c"\nnever=[{ var = "age", in = [1, «"1"] }]',
        "check `c`: `1` stands twice",
        "remove one",
    ),
    Case(
        "CB024",
        GENDERS,
        'values = [{ code = "Male" }, { code = «"male" }]',
        "domain `gender`: codes `Male` and `male` differ in case alone",
        "spell one",
        "warning",
    ),
    Case("CB006", "[inputs.farm]", "[inputs.farm«", "[inputs.farm is not closed", "[inputs.farm]"),
    Case("CB006", RULES, RULES.replace("[[rules]]", "[[rules«]"), "[[rules is not", "[[rules]]"),
    Case("CB007", AGES, "bands = [«0--17, 18+]", "`0--17` is no", "{ from = 0, to = 17 }"),
    Case("CB007", AGES, "bands = [«48+]", "`48+` is no", "write { from = 48 }"),
    Case(
        "CB008",
        'version = "1.0.0"',
        'version = "1.0.0"\nreleased = «2021-09',
        "a date has a day",
        'write "2021-09"',
    ),
    Case(
        "CB102",
        AGES,
        bands("{ from = 0, to = 17 }", "«{ from = 20 }"),
        "no band holds 18 year, between 0--17 and 20+",
        "start at 18",
    ),
    Case(
        "CB103",
        AGES,
        bands("«{ from = 17, to = 0 }", "{ from = 18 }"),
        "band 17--0 is inverted",
        "{ from = 0, to = 17 }",
    ),
    Case("CB103", AGES, bands("{ from = 18, to = 29 }", "«{ from = 0, to = 17 }"), "out of order"),
    Case("CB104", AGES, bands("«{ from = 0 }", "{ from = 18 }"), "0+: only the last band", "`to`"),
    Case("CB106", AGES, f'code = «"{{form}}--{{to}}{{from}}"\n{AGES}', "{form}", "{from}, {to}"),
    Case(
        "CB106",
        f'read_dash = "any"\n{AGES}',
        'read_dash = «"any"\ncode = "{gloss}"\nbands = [{ from = 0, to = 1, gloss = "a-b" }, '
        '{ from = 2, to = 3, gloss = "a--b" }]',
        "codes a-b and a--b read alike",
        "exact",
    ),
    add(
        "CB106",
        '[domains.d]\nkind="enum"\nvalues=[{code="a;b"}]\n[inputs.d]\ndomain="d"\nlist=«";"',
        "input `d` parts values by `;`, which code `a;b` holds",
    ),
    Case("CB106", FORCED, f'{FORCED}\nlist = «";"', "variable `forced` is a flag"),
    Case("CB109", "max  = 2021", "max = «2018", "domain `year`: min 2019 and max 2018"),
    Case("CB109", "max  = 2021", "max = «2000000000", "domain `year`", "32,000"),
    Case(
        "CB111",
        CODES,
        'codes = [{ code = «"1", reason = "unknown" }]',
        "`1` is a missing code, and a value of domain `std/flag` too",
    ),
    Case("CB111", CODES, 'codes = [{ code = «"2019.0", reason = "unknown" }]', "domain `year`"),
    Case(
        "CB112", '{ code = "Male" }', '{ code = «"NULL" }', "`NULL` is a missing code", "nullable"
    ),
    Case("CB112", '{ code = "Male" }', '{ code = «"" }', "domain `gender`: a code is empty"),
    Case(
        "CB112",
        RULES,
        rule('[[rules]]\nid="r"\nop="recode"\non=["gender"]\nmap={«NULL = "Male"}'),
        "rule `r`: `NULL` is a missing code",
        "[missing]",
    ),
    Case(
        "CB114",
        '{ code = "Male" }',
        '{ code = "Male" }, { code = «"Male" }',
        "domain `gender`: code `Male` is given twice",
    ),
    Case(
        "CB114",
        GENDERS,
        'values = [{ code = «"a", label = "x" }, { code = "b", label = "x" }]',
        "label `x`",
        level="warning",
    ),
    Case(
        "CB114",
        CODES,
        'codes = [{code="-",reason="unknown"},{code=«"-",reason="unknown"}]',
        "missing code `-` is given twice",
    ),
    add(
        "CB120",
        '[domains.c]\nkind="country"\nas_of=2021-09-01\nminus=[«"XKX"]\n[inputs.c]\ndomain="c"',
        "domain `c`: `XKX` is not in the list",
        "Kosovo",
    ),
    add(
        "CB120",
        '[domains.c]\nkind="country"\nas_of=2021-09-01\nplus=[«"SRB"]\n[inputs.c]\ndomain="c"',
        "domain `c`: `SRB` is in the list already",
    ),
    # ----------------------------------------------------------------------- rules and checks
    Case(
        "CB201",
        'to      = "forced"',
        'to = «"fourced"',
        "rule `rare-labour` writes `fourced`",
        "`forced`",
    ),
    Case(
        "CB202",
        'to      = "forced"',
        'to = «"gender"',
        "rule `rare-labour`: `gender` is no flag",
        "std/flag",
    ),
    Case(
        "CB202",
        RULES,
        rule('[[rules]]\nid="r"\nop="recode"\non=["gender"]\nmap={M = «"Mael"}'),
        "rule `r`: maps `M` to `Mael`, which is not in the domain of `gender`",
        "`Male`",
    ),
    Case(
        "CB202",
        RULES,
        rule('[[rules]]\nid="r"\nop="alpha-3"\non=[«"gender"]'),
        "rule `r`: `gender` holds no countries",
        "country",
    ),
    Case(
        "CB205",
        RULES,
        rule('[[rules]]\nid="r"\nop="recode"\non=["gender"]\nmap={M="Male"}\nfile_has=[«"frm"]'),
        "rule `r` reads `frm`",
        "`farm`",
    ),
    Case(
        "CB203",
        RULES,
        rule('[[rules]]\nid="r"\nop="coalesce"\nfrom=[«"gender"]\nto="gender"'),
        "rule `r` reads `gender`, which it writes",
        "take it out",
    ),
    Case(
        "CB203",
        RULES,
        rule('[[rules]]\nid="r"\nop="recode"\non=["gender"]\nmap={M = «"Male", Male = "Female"}'),
        "rule `r`: M becomes Male",
        "one pass",
        "warning",
    ),
    Case(
        "CB204",
        'to      = "ageBroad"\nbecause = "An exact age singles people out."',
        'to = "ageBroad"\nbecause = ""\n[[rules]]\nid="r"\nop="bin"\nfrom="age"\nto=«"ageBroad"\n'
        'because=""',
        "both `age-to-band` and `r` write `ageBroad`",
        "only folds",
    ),
    Case(
        "CB204",
        RULES,
        rule(
            '[[rules]]\nid="r"\nop="recode"\non=["gender"]\nmap={M="Male"}\n'
            'because=""\n[[rules]]\nid="s"\nop="recode"\non=["gender"]\n'
            'map={M=«"Female"}'
        ),
        "`r` and `s` recode `M` of `gender` differently",
    ),
    Case(
        "CB205", 'from    = ["farm"]', 'from = [«"frm"]', "rule `rare-labour` reads `frm`", "`farm`"
    ),
    add(
        "CB205",
        '[[checks]]\nid="c"\nnever=[{var=«"gendre", is="Male"}]',
        "check `c` looks at `gendre`",
        "`gender`",
    ),
    Case(
        "CB205",
        RULES,
        rule('[[rules]]\nid="r"\nop="first"\nfrom=«"g"\nto="h"'),
        "rule `r`: `g` has no `list`",
        "list",
        extra=GENDER_INPUTS,
    ),
    add(
        "CB206",
        '[[checks]]\nid="c"\nnever=[{var="gender", is=«"male"}]',
        "check `c`: `male` is no value of `gender`",
        "`Male`",
    ),
    add(
        "CB206",
        '[[checks]]\nid="c"\nnever=[{var="gender", in=["Male", «"X"]}]',
        "`X` is no value",
        "Female, Male",
    ),
    add("CB206", '[[checks]]\nid="c"\nnever=[{var="age", is=«"old"}]', "`old`", "whole numbers"),
    Case(
        "CB207",
        RULES,
        '[inputs.g]\ndomain="std/text"\n'
        + rule('[[rules]]\nid="r"\nop="coalesce"\nfrom=[«"g"]\nto="gender"'),
        "rule `r`: `g` does not fit into `gender`",
        "same domain",
    ),
    Case(
        "CB207",
        RULES,
        '[inputs.g]\ndomain="std/text"\n[inputs.h]\ndomain="std/integer"\n'
        + rule('[[rules]]\nid="r"\nop="coalesce"\nfrom=[«"g"]\nto="h"'),
        "`g` does not fit into `h`",
    ),
    Case(
        "CB207",
        RULES,
        '[inputs.g]\ndomain="means"\n'
        + rule('[[rules]]\nid="r"\nop="coalesce"\nfrom=[«"g"]\nto="means"'),
        "only one of `g` and `means` lists several",
        "first",
    ),
    Case(
        "CB207",
        RULES,
        rule('[[rules]]\nid="r"\nop="first"\nfrom="g"\nto=«"h"'),
        "rule `r`: `h` lists several values in a cell",
        "drop its `list`",
        extra=GENDER_INPUTS.replace('gender"', 'gender"\nlist=";"'),
    ),
    Case(
        "CB207",
        'from    = "age"',
        'from = «"ages"',
        "rule `age-to-band`: `ages` lists several",
        "first",
        extra='[inputs.ages]\ndomain="std/integer"\nlist=";"',
    ),
    Case("CB212", 'to      = "ageBroad"', 'to = «"gender"', "rule `age-to-band`: the domain of"),
    Case("CB212", 'from    = "age"', 'from = «"farm"', "rule `age-to-band`: `farm` holds no whole"),
    Case("CB230", '"forced"]', '"forced", «"caseNumber"]', "identifier `caseNumber` is in `order`"),
    Case("CB230", 'from    = ["farm"]', 'from = [«"caseNumber"]', "reads `caseNumber`, an identif"),
    Case(
        "CB230",
        'role = "identifier"',
        'role = "identifier"\ndomain = «"std/text"',
        "input `caseNumber` is an identifier",
    ),
    add("CB230", '[[checks]]\nid="c"\nnever=[{var=«"caseNumber", missing=true}]', "an identifier"),
]


def text_of(case, toy_text):
    assert toy_text.count(case.old) == 1, case.old
    text = toy_text.replace(case.old, case.new)
    return text.replace(END, f"{case.extra}\n\n{END}") if case.extra else text


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.says[-40:]}")
def test_a_mistake_is_told_where_it_stands_and_by_name(case, toy_text, marked, file_of):
    text = text_of(case, toy_text)
    path, place = marked(text) if "«" in text else (file_of(text), None)
    try:
        codebook, problems = check_codebook(path)
    except CodebookError as error:
        codebook, problems = None, error.problems
    assert [(problem.code, problem.level) for problem in problems] == [(case.code, case.level)]
    (problem,) = problems
    assert case.says in problem.message
    assert problem.help
    assert case.help in problem.help
    assert str(problem.place).startswith(str(path))
    if place:
        assert (problem.place.line, problem.place.column) == place
        assert problem.place.source == path.read_text().split("\n")[place[0] - 1]
    assert (codebook is None) == (case.level == "error")


FIVE = {
    'domain     = "gender"': 'domain = "gendre"',
    "nullable   = false": "nulable = false",
    'role       = ["quasi"]\naliases': 'role = ["quazi"]\naliases',
    "{ from = 18, to = 29 }": "{ from = 19, to = 29 }",
    'from    = ["farm"]': 'from = ["frm"]',
}


def test_five_different_mistakes_are_told_in_one_run(toy_text, file_of):
    for old, new in FIVE.items():
        toy_text = toy_text.replace(old, new)
    with pytest.raises(CodebookError) as caught:
        load_codebook(file_of(toy_text))
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["CB102", "CB010", "CB020", "CB013", "CB205"]
    lines = [problem.place.line for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert str(caught.value).count("= help: ") == 5


def test_what_refers_to_an_entry_that_is_wrong_is_not_blamed(toy_text, file_of):
    broken = toy_text.replace('kind      = "bands"', 'kind = "bnds"')
    broken = broken.replace('[inputs.farm]\ndomain = "std/flag"', "[inputs.farm]\ndomain = 5")
    broken = broken.replace('role = "identifier"', 'role = "identifer"')
    _, problems = check_codebook(file_of(broken))
    assert [problem.code for problem in problems] == ["CB013", "CB013", "CB012"]


CYCLE = """
[inputs.a]
domain = "std/flag"
[inputs.b]
domain = "std/flag"
[[rules]]
id = "one"
op = "fold"
from = ["b"]
to = "a"
because = ""
«[[rules]]
id = "other"
op = "derive"
any = [{ var = "a", is = 1 }]
to = "b"
because = ""
[[rules]]
id = "innocent"
op = "fold"
from = ["a"]
to = "forced"
because = ""
"""


def test_rules_that_feed_each_other_are_named_and_no_others(toy_text, marked):
    path, place = marked(toy_text + CYCLE)
    _, (problem,) = check_codebook(path)
    assert problem.code == "CB203"
    assert "`one` writes a" in problem.message
    assert "`other` writes b" in problem.message
    assert "innocent" not in problem.message
    assert (problem.place.line, problem.place.column) in {place, (place[0] - 6, 1)}


TEMPLATE = """
[templates.flag]
domain  = {domain}
role    = ["sensitive"]
caveat  = "See {{var:{var}}}."
{more}

[variables.gender]"""


@pytest.mark.parametrize(
    ("domain", "var", "more", "code", "says"),
    [
        ("5", "year", "", "CB012", "template `flag`: `domain` must be a text"),
        ('"std/flg"', "year", "", "CB020", "2 more by the same template"),
        ('"std/flag"', "yaer", "", "CB021", "2 more by the same template"),
        ('"std/flag"', "year", "nulable = true", "CB010", "template `flag`: unknown key `nulable`"),
        ('"std/flag"', "year", 'use = "flag"', "CB010", "a template does not use another"),
    ],
)
def test_a_mistake_in_a_template_is_told_once_and_in_the_template(
    domain, var, more, code, says, toy_text, file_of
):
    template = TEMPLATE.format(domain=domain, var=var, more=more)
    text = toy_text.replace("[variables.gender]", template.lstrip())
    text = text.replace(', "forced"]', ', "forced", "a", "b", "c"]')
    text += "".join(f'\n[variables.{x}]\nuse = "flag"\ndefinition = ""\n' for x in "abc")
    _, (problem,) = check_codebook(file_of(text))
    assert problem.code == code
    assert says in problem.message + problem.help
    first = text[: text.index("[templates.flag]")].count("\n") + 1
    assert first < problem.place.line <= first + 4


def test_a_variable_takes_from_its_template_what_it_does_not_say_itself(toy_text, codebook_of):
    text = toy_text.replace(', "forced"]', ', "forced", "a", "b"]')
    text += """
[templates.flag]
domain = "std/flag"
role = ["sensitive"]
caveat = "none"
[variables.a]
use = "flag"
definition = ""
[variables.b]
use = "flag"
definition = ""
caveat = "its own"
"""
    codebook = codebook_of(text)
    assert codebook.variables["a"].caveat == "none"
    assert codebook.variables["b"].caveat == "its own"
    assert codebook.variables["a"].domain == codebook.variables["b"].domain == "std/flag"


def test_warnings_do_not_stop_a_codebook(toy_text, file_of):
    path = file_of(toy_text.replace("{var:means}", "{vra:means}"))
    codebook, (problem,) = check_codebook(path)
    assert problem.level == "warning"
    assert codebook == load_codebook(path)


def test_the_toy_has_no_problems(toy_text, file_of):
    assert check_codebook(file_of(toy_text))[1] == []
