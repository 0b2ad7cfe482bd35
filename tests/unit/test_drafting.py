"""A starter teaches and is sound; a draft reads its file and tells nothing that is rare in it."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.codebook.domains import FlagDomain, IntegerDomain, TextDomain
from ctdc_framework.drafting.draft import infer, starter
from ctdc_framework.errors import CodebookError, DataError
from ctdc_framework.language.format import format_codebook
from ctdc_framework.language.load import check_codebook
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.records.files import raw_of_arrow, read_raw
from ctdc_framework.records.tables import cell_texts


def raw(columns):
    """Make a raw file; None is an empty cell."""
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return raw_of_arrow(table, "cases.csv")


def column(**counts):
    """Make cells: `column(a=3, b=2)` holds a three times and b twice."""
    return [text for text, count in counts.items() for _ in range(count)]


def table(**columns):
    """Make a raw file of columns of any length; what is short is filled with empty cells."""
    rows = max(map(len, columns.values()))
    return raw({name: [*cells, *[None] * (rows - len(cells))] for name, cells in columns.items()})


@pytest.fixture(scope="session")
def book_of(file_of):
    """Load a draft's text, which must have no errors."""

    def load(text):
        book, problems = check_codebook(file_of(text))
        assert book is not None, [problem.render() for problem in problems]
        return book

    return load


def what_stops(source, book):
    """Give the message with which preparing stops, or nothing."""
    try:
        prepare(source, book)
    except DataError as error:
        return str(error)
    return ""


def entry(text, name):
    """Give what a draft says of a column: its comment and its table."""
    found = re.search(rf"(?m)((?:^#.*\n)*)^\[(?:variables|inputs)\.{name}\]\n(?:.+\n)*", text)
    return found[0].replace("\n# ", " ")


# -------------------------------------------------------------------------------------- the starter


def test_a_starter_loads_without_a_problem_or_a_warning(file_of):
    book, problems = check_codebook(file_of(starter("my-shelter")))
    assert not problems
    assert book.id == "my-shelter"


def test_a_starter_shows_each_thing_that_a_steward_needs_first(file_of):
    book, _ = check_codebook(file_of(starter("x")))
    kinds = {type(book.domain_of(name)).__name__ for name in book.variables}
    assert kinds == {"EnumDomain", "BandsDomain", "CountryDomain", "FlagDomain"}
    assert {role.value for one in book.variables.values() for role in one.role} == {
        "quasi",
        "sensitive",
    }
    assert book.identifiers
    assert len(book.missing.codes) > 2
    assert (len(book.rules), len(book.checks), len(book.notes)) == (2, 1, 1)


def test_a_starter_is_in_normal_form_and_half_of_it_explains():
    text = starter("x")
    assert format_codebook(text) == text
    assert text.count("#") > 40


def test_a_starter_prepares_records_at_once(file_of):
    book, _ = check_codebook(file_of(starter("x")))
    cells = {name: [None, None] for name in book.variables}
    cells |= {"caseNumber": ["7", "8"], "age": ["17", "44"], "farmWork": ["1", None]}
    cells |= {"citizenship": ["DEU", "-99"]}
    del cells["ageBand"], cells["forcedWork"]
    told = cell_texts(prepare(raw(cells), book).table)
    assert list(told["ageBand"]) == ["0--17", "30+"]
    assert list(told["forcedWork"]) == ["1", None]
    assert list(told["citizenship"]) == ["DEU", None]


@pytest.mark.parametrize("id", ["", "My Codebook", "a/b", 'x"\ny = 1'])
def test_an_id_that_no_codebook_can_have_is_refused(id):
    with pytest.raises(CodebookError, match="small letters"):
        starter(id)
    with pytest.raises(CodebookError, match="small letters"):
        infer(table(a=["x"] * 20), id)


# ------------------------------------------------------------------------------ what is recognised


def drafted(book_of, **columns):
    draft = infer(table(**columns), "draft")
    book = book_of(draft.text)
    return draft, book


@pytest.mark.parametrize("dash", ["-", "--", " – ", "—", " to "])
def test_bands_are_recognised_with_any_dash(book_of, dash):
    cells = column(**{f"0{dash}17": 30, f"18{dash}29": 20, "30+": 40})
    _, book = drafted(book_of, ageBand=cells)
    assert book.domain_of("ageBand").codes == ("0--17", "18--29", "30+")
    prepare(table(ageBand=cells), book)


def test_a_band_spelt_with_a_leading_zero_is_recoded(book_of):
    cells = column(**{"0--8": 20, "09--17": 20, "18 and over": 20})
    _, book = drafted(book_of, age=cells)
    told = cell_texts(prepare(table(age=cells), book).table)
    assert set(told["age"]) == {"0--8", "9--17", "18+"}


def test_bands_keep_their_glosses(book_of):
    cells = column(**{"0--12 (0-1 yr)": 20, "13--24 (1-2 yrs)": 20, "25+ (2+ yrs)": 20})
    _, book = drafted(book_of, months=cells)
    assert book.domain_of("months").codes == ("0--12 (0-1 yr)", "13--24 (1-2 yrs)", "25+ (2+ yrs)")


def test_bands_with_a_rare_one_between_them_become_a_list_in_order(book_of):
    cells = column(**{"30+": 20, "18-20": 20, "21-29": 3, "0-17": 20})
    draft, book = drafted(book_of, age=cells)
    assert book.domain_of("age").codes == ("0-17", "18-20", "30+")
    assert book.domain_of("age").ordered
    assert "21" not in draft.text


@pytest.mark.parametrize("cells", [["1"] * 12 + [None] * 20, ["1.0"] * 12, ["1", "1.0"] * 12])
def test_one_and_nothing_is_a_flag(book_of, cells):
    _, book = drafted(book_of, wasDebt=cells)
    assert isinstance(book.domain_of("wasDebt"), FlagDomain)


def test_zero_and_one_is_told_apart_from_a_flag(book_of):
    cells = column(**{"1": 20, "0": 20, "1.0": 20, "0.0": 20})
    draft, book = drafted(book_of, wasDebt=cells)
    assert book.domain_of("wasDebt").codes == ("0", "1")
    assert "std/flag" in entry(draft.text, "wasDebt")
    prepare(table(wasDebt=cells), book)


def test_years_are_a_range_of_those_that_are_common(book_of):
    draft, book = drafted(book_of, yearOfCase=column(**{"2005": 10, "2019.0": 12, "1987": 9}))
    domain = book.domain_of("yearOfCase")
    assert (domain.min, domain.max, domain.unit) == (2005, 2019, "year")
    assert "1987" not in draft.text


def test_an_age_is_read_as_a_whole_number_to_be_binned(book_of):
    draft, book = drafted(book_of, age=[str(age) for age in range(15, 60)] * 2)
    assert isinstance(book.domain_of("age"), IntegerDomain)
    assert 'op = "bin"' in entry(draft.text, "age")
    assert "TODO" not in draft.text


def test_whole_numbers_that_are_all_rare_are_still_whole_numbers(book_of):
    _, book = drafted(book_of, income=[str(number % 80) for number in range(320)])
    assert isinstance(book.domain_of("income"), IntegerDomain)


def test_three_letter_codes_are_countries(book_of):
    _, book = drafted(book_of, origin=column(DEU=10, FRA=10, ROU=3))
    assert book.variables["origin"].domain == "country"
    assert "ROU" in book.domain_of("origin").codes


def test_namibia_among_two_letter_codes_is_no_missing_code(book_of):
    cells = column(DE=12, NA=12, ZZ=12, FR=12)
    _, book = drafted(book_of, citizenship=cells, other=column(NA=12, x=40))
    told = cell_texts(prepare(table(citizenship=cells, other=["NA", "x"]), book).table)
    assert sorted(set(told["citizenship"]) - {None}) == ["DEU", "FRA", "NAM"]
    assert list(told["other"])[:2] == [None, "x"]
    assert "NA" not in book.missing_codes


def test_na_is_a_missing_code_where_there_are_no_two_letter_codes(book_of):
    _, book = drafted(book_of, gender=column(NA=12, Male=12), origin=column(DEU=10, NA=10))
    assert "NA" in book.missing_codes


def test_country_names_are_recoded(book_of):
    cells = column(Germany=20, France=20, Serbia=20, Stateless=12)
    draft, book = drafted(book_of, citizenship=cells)
    told = cell_texts(prepare(table(citizenship=cells), book).table)
    assert set(told["citizenship"]) == {"DEU", "FRA", "SRB", "Stateless"}
    assert "Stateless" in entry(draft.text, "citizenship")


@pytest.mark.parametrize("cells", [["en", "de", "fr", "it", "es"] * 12, ["840", "276", "250"] * 12])
def test_languages_and_numbers_are_no_countries(book_of, cells):
    _, book = drafted(book_of, thing=cells)
    assert "country" not in book.domains


@pytest.mark.parametrize("code", ["NULL", "-99", "Unknown", "N/A", " ", "nan", "-9.0"])
def test_missing_codes_are_recognised(book_of, code):
    draft, book = drafted(book_of, score=column(**{"1": 20, "2": 20, "3": 20, code: 15}))
    assert code in book.missing_codes
    assert any("missing" in guess.what for guess in draft.guesses)


def test_a_missing_code_that_few_records_hold_is_not_told(book_of):
    draft, book = drafted(book_of, gender=column(Male=20, Female=20, Unknown=9))
    assert book.missing_codes == {""}
    assert "Unknown" not in draft.text


def test_a_missing_code_that_is_a_value_elsewhere_is_recoded_where_it_is_missing(book_of):
    columns = {
        "score": column(**{"-9": 12, "1": 20, "2": 20}),
        "change": column(**{"-20": 12, "-9": 12, "30": 12}),
    }
    _, book = drafted(book_of, **columns)
    told = cell_texts(prepare(table(**columns), book).table)
    assert set(told["score"]) == {None, "1", "2"}
    assert "-9" not in book.missing_codes


def test_cells_that_list_several_values_are_known_by_their_parts(book_of):
    cells = column(
        **{"Male": 20, "Female;Male": 5, "Female; Male": 6, "Female": 4, "Other;Male": 2}
    )
    draft, book = drafted(book_of, IP_Gender=cells)
    assert book.variables["IP_Gender"].list == ";"
    assert book.domain_of("IP_Gender").codes == ("Female", "Male")
    assert "Other" not in draft.text


def test_sentences_with_semicolons_are_free_text_and_no_list(book_of):
    cells = [f"She came in {n}; she left in {n + 1}" for n in range(40)] * 2
    _, book = drafted(book_of, story=cells, note=[*cells, "x"])
    assert isinstance(book.domain_of("story"), TextDomain)
    assert book.inputs["story"].list == ""


def test_what_is_nearly_all_distinct_is_dropped_as_an_identifier(book_of):
    numbers = [str(1000 + n) for n in range(50)]
    _, book = drafted(book_of, caseNumber=numbers, phone=[f"+49 {n % 30}" for n in range(50)])
    assert book.identifiers == ("caseNumber", "phone")


@pytest.mark.parametrize("name", ["surname", "Name", "victimFirstName", "e_mail", "phone2"])
def test_a_column_of_names_is_an_identifier_though_the_names_recur(book_of, name):
    draft, book = drafted(book_of, **{name: column(Mehta=40, Okafor=40, Lindqvist=30, Novak=30)})
    assert book.identifiers == (name,)
    assert "Mehta" not in draft.text


def test_dates_are_read_and_never_released(book_of):
    _, book = drafted(book_of, registered=[f"2019-03-{1 + n % 28:02}" for n in range(60)] * 6)
    assert isinstance(book.domain_of("registered"), TextDomain)


@pytest.mark.parametrize("cells", [[None] * 40, ["x"] * 9 + [None] * 31, ["NULL"] * 40])
def test_an_empty_column_is_told_and_not_released(book_of, cells):
    draft, book = drafted(book_of, thing=cells, other=["y"] * 40)
    assert list(book.variables) == ["other"]
    assert "fewer than 10 rows hold a value" in entry(draft.text, "thing")


def test_a_constant_column_is_told(book_of):
    draft, _ = drafted(book_of, thing=["y"] * 40)
    assert "Every record holds the same" in entry(draft.text, "thing")


def test_codes_that_no_codebook_can_hold_are_recoded(book_of):
    cells = column(**{" Male": 10, "+": 10, "Co\u0302te": 10, "a\u00a0b": 10, "{var:x}": 10})
    _, book = drafted(book_of, thing=cells)
    told = cell_texts(prepare(table(thing=cells), book).table)
    assert set(told["thing"]) == {"Male", "plus", "C\u00f4te", "a b", "(var:x)"}


def test_a_column_that_cannot_bear_its_name_gets_another_and_its_own_as_an_alias(book_of):
    names = [" gender", "", "count", "a=b", "x"]
    source = raw({name: ["y"] * 20 for name in names})
    draft = infer(source, "draft")
    book = book_of(draft.text)
    prepare(source, book)
    assert list(book.variables) == ["gender", "column-2", "count_value", "a_b", "x"]


def test_a_column_that_differs_in_capitals_only_is_left_out(book_of):
    source = raw({"Gender": ["y"] * 20, "gender": ["z"] * 20})
    draft = infer(source, "draft")
    assert list(book_of(draft.text).variables) == ["Gender"]
    assert 'Left out: "gender"' in draft.text


# ------------------------------------------------------------------------------ what a draft says


def test_a_draft_is_marked_and_says_that_it_guesses(book_of):
    draft, _ = drafted(book_of, gender=column(a=20, b=20), means=column(c=20, d=20))
    assert tomli.loads(draft.text)["codebook"]["status"] == "draft"
    assert draft.text.startswith("# A draft")
    roles = re.findall(r'(?m)^role = \["(\w+)"\]  # a guess', draft.text)
    assert roles == ["quasi"]
    assert "\nrole = []  # to be decided" in draft.text
    assert format_codebook(draft.text) == draft.text


def test_every_column_has_a_guess_and_every_guess_a_reason(book_of):
    draft, _ = drafted(book_of, gender=column(a=20, b=20), id=[str(n) for n in range(40)])
    assert [(one.column, one.what) for one in draft.guesses] == [
        ("gender", "a list of values"),
        ("gender", "role quasi"),
        ("id", "an identifier"),
    ]
    assert all(guess.why for guess in draft.guesses)


def test_columns_with_the_same_values_share_a_domain(book_of):
    _, book = drafted(book_of, smokes=column(Yes=20, No=20), drinks=column(No=30, Yes=10))
    assert list(book.domains) == ["smokes"]


def test_a_file_without_a_header_is_refused_without_a_word_of_it():
    source = raw({"Anna": ["Bea", "Cleo"], "Female": ["Female", "Male"]})
    with pytest.raises(DataError) as caught:
        infer(source, "draft")
    assert "Female" not in str(caught.value)


def test_k_below_two_is_refused():
    with pytest.raises(CodebookError, match="k is at least 2"):
        infer(table(a=["x"]), "draft", k=1)


# ------------------------------------------------------------------------------------- real files


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "file", ["ctdc_victim_perpetrator_2022.csv", "ctdc_shaped_10k.csv.gz", "sd2011.csv.gz"]
)
def test_a_draft_prepares_the_file_it_was_made_from_but_for_rare_values(shared, book_of, file):
    source = read_raw(Path(shared, "data", file))
    book = book_of(infer(source, "draft").text)
    prepared = prepare(source, book, on_unknown="missing")
    assert len(prepared.table.frame) == source.rows
    told = re.findall("rows[;:] (.*)", what_stops(source, book))
    assert set(told) <= {"values in fewer than 10 rows are not shown"}


@pytest.mark.shared_data
def test_the_released_file_of_2022_is_read_as_its_codebook_says(shared, book_of):
    source = read_raw(Path(shared, "data", "ctdc_victim_perpetrator_2022.csv"))
    book = book_of(infer(source, "draft").text)
    published, _ = check_codebook("ctdc-victim-perpetrator-2022")
    assert list(book.variables) == list(published.variables)
    for name, one in published.variables.items():
        assert set(book.domain_of(name).codes) == set(published.domain_of(name).codes)
        assert book.variables[name].list == one.list


# -------------------------------------------------------------------------------------- any file

K = 3
COMMON = (
    ("Male", "Female"),
    ("1",),
    ("0", "1.0"),
    ("0-17", "18 – 29", "30+"),
    ("2019", "2021.0"),
    ("DE", "FR", "NA", "ZZ"),
    ("Germany", "France", "Chad"),
    ("NULL", "-99", "7"),
    ("A;B", "A", "B;C"),
    ("12", "44", "71"),
)


@st.composite
def columns_of(draw, rare):
    common = draw(st.sampled_from(COMMON))
    often = draw(st.lists(st.sampled_from(common), max_size=12))
    seldom = draw(st.lists(rare, max_size=6))
    return draw(st.permutations([*often, *seldom, *[None] * draw(st.integers(0, 4))]))


@st.composite
def files(draw, rare):
    names = ["gender", "age", "citizenship", "yearOfCase", "means", "caseNumber"]
    columns = {
        name: draw(columns_of(rare))
        for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    }
    rows = max(1, *map(len, columns.values()))
    return {name: [*cells, *[None] * (rows - len(cells))] for name, cells in columns.items()}


def rare_parts(columns):
    """List what fewer than k records hold in every column, whole cells and parts of them."""
    rare, common = set(), set()
    for cells in columns.values():
        held = [{cell, *map(str.strip, cell.split(";"))} for cell in cells if cell]
        for part in set().union(*held):
            (common if sum(part in one for one in held) >= K else rare).add(part)
    return rare - common


odd = st.text("qxzj", min_size=5, max_size=6) | st.integers(70_000, 99_999).map(str)


@given(files(odd | st.builds("{};{}".format, odd, odd)))
def test_no_rare_value_of_any_file_is_in_its_draft(columns):
    draft = infer(raw(columns), "draft", K)
    for text in (draft.text, repr(draft.guesses)):
        assert not [
            one
            for one in rare_parts(columns)
            if re.fullmatch(r"[qxzj;]+|\d{5}", one) and one in text
        ]


@given(files(odd))
def test_other_rare_values_of_the_same_kind_would_give_the_same_draft(columns):
    others = {
        name: [
            cell.translate(str.maketrans("qxzj789", "xzjq897"))
            if cell in rare_parts({name: cells})
            else cell
            for cell in cells
        ]
        for name, cells in columns.items()
    }
    assert infer(raw(others), "draft", K) == infer(raw(columns), "draft", K)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
"""Any cell; files with NUL bytes are refused before anything is made of them."""


@settings(deadline=None)
@given(files(TEXTS | st.sampled_from(["-9", "NA", "1", "9--17", "2020", "UK", "é"])))
def test_the_draft_of_any_file_loads_and_reads_all_that_is_common_in_it(book_of, columns):
    source = raw(columns)
    book = book_of(infer(source, "draft", K).text)
    assert [*book.variables, *book.inputs]
    prepare(source, book, on_unknown="missing")
    assert "(about" not in what_stops(source, book)


@settings(deadline=None)
@given(st.lists(st.text(max_size=6), min_size=1, max_size=4, unique=True))
def test_the_draft_of_a_file_with_any_column_names_loads_and_reads_it(book_of, names):
    source = raw({name: ["value a", "value b", None] * 4 for name in names})
    draft = infer(source, "draft", K)
    book = book_of(draft.text)
    prepared = prepare(source, book, drop_unknown=True)
    left_out = sum(guess.what == "left out" for guess in draft.guesses)
    assert len(prepared.table.frame.columns) == len(names) - left_out
