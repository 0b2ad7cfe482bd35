"""How each kind of domain reads a cell, and what it says to a cell that it does not take."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.codebook.domains import (
    OUTSIDE,
    STANDARD,
    Band,
    BandsDomain,
    CountryDomain,
    EnumDomain,
    RangeDomain,
    Value,
    read_whole,
)

AGES = BandsDomain(
    kind="bands",
    bands=(Band(from_=0, to=8), Band(from_=9, to=17), Band(from_=18, to=47), Band(from_=48)),
    unit="year",
    label="{from}\u2013{to}",
    read_dash="any",
)
MONTHS = BandsDomain(
    kind="bands",
    bands=(Band(from_=0, to=12, gloss="0-1 yr"), Band(from_=13, gloss="1+ yrs")),
    code="{from}--{to} ({gloss})",
    code_open="{from}+ ({gloss})",
    read_dash="any",
)
FLAG, INTEGER, TEXT = (STANDARD[f"std/{name}"] for name in ("flag", "integer", "text"))
DASHES = ["-", "--", *map(chr, range(0x2010, 0x2016)), "\u2212"]


def test_bands_have_the_codes_and_labels_of_their_templates():
    assert AGES.codes == ("0--8", "9--17", "18--47", "48+")
    assert [value.label for value in AGES.values] == ["0\u20138", "9\u201317", "18\u201347", ""]
    assert MONTHS.codes == ("0--12 (0-1 yr)", "13+ (1+ yrs)")
    assert AGES.ordered


@pytest.mark.parametrize("dash", DASHES)
def test_any_dash_with_or_without_spaces_reads_as_the_codes_own(dash):
    for space in ("", " ", "\u00a0", "\t"):
        assert AGES.read(f"9{space}{dash}{space}17") == "9--17"
        assert MONTHS.read(f"0{space}{dash}12 (0{dash}1 yr)") == "0--12 (0-1 yr)"


def test_where_dashes_are_exact_the_code_alone_reads():
    exact = BandsDomain(kind="bands", bands=AGES.bands)
    assert exact.read("9--17") == "9--17"
    assert exact.read("9-17") is OUTSIDE
    assert exact.read("9 --17") is OUTSIDE


@pytest.mark.parametrize("text", ["9", "17", "9---17", "9-17-", "09--17", "48", "48 +", "", "9-18"])
def test_what_is_not_quite_a_band_is_outside(text):
    assert AGES.read(text) is OUTSIDE


@pytest.mark.parametrize(
    ("text", "code"),
    [("09--17", "9--17"), ("9 to 17", "9--17"), ("048", "48+"), ("48 or more", "48+")],
)
def test_a_band_spelt_otherwise_is_advised_and_not_read(text, code):
    assert AGES.read(text) is OUTSIDE
    advice = AGES.advice(text)
    assert f'{{ "{text}" = "{code}" }}' in advice
    assert f"`{code}`" in advice


@pytest.mark.parametrize("text", ["48--60", "9--18", "x", "", "12", "1990"])
def test_a_text_with_other_numbers_gets_no_advice(text):
    assert AGES.advice(text) == ""


def test_advice_quotes_a_text_so_that_toml_can_read_it():
    assert r'{ "9 \"to\" 17" = "9--17" }' in AGES.advice('9 "to" 17')


def test_advice_for_a_band_with_a_gloss_looks_at_its_numbers_too():
    assert "`0--12 (0-1 yr)`" in MONTHS.advice("0--12")
    assert "`0--12 (0-1 yr)`" in MONTHS.advice("00-12 (0 to 1 yr)")


@given(st.integers(-5, 200))
def test_a_number_is_in_the_one_band_that_holds_it(number):
    holding = [c for band, c in zip(AGES.bands, AGES.codes, strict=True) if band.holds(number)]
    assert AGES.band_of(number) == (holding[0] if holding else None)
    assert len(holding) == (number >= 0)


def test_bands_whose_codes_only_a_dash_tells_apart_are_alike():
    two = (Band(from_=0, to=1, gloss="a-b"), Band(from_=2, to=3, gloss="a--b"))
    assert BandsDomain(kind="bands", bands=two, code="{gloss}").alike() == [("a-b", "a--b")]
    assert AGES.alike() == []


YEARS = RangeDomain(kind="range", min=2002, max=2021)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2019", "2019"),
        ("2019.0", "2019"),
        ("2019.000", "2019"),
        ("2019.5", OUTSIDE),
        ("2001", OUTSIDE),
        ("2022", OUTSIDE),
        (" 2019", OUTSIDE),
        ("2019\n", OUTSIDE),
        ("2e3", OUTSIDE),
        ("\u0662\u0660\u0661\u0669", OUTSIDE),
        ("", OUTSIDE),
        ("9" * 5000, OUTSIDE),
    ],
)
def test_a_range_reads_whole_numbers_as_text(text, read):
    assert YEARS.read(text) == read


def test_a_range_lists_each_of_its_numbers_in_order():
    assert YEARS.codes == tuple(map(str, range(2002, 2022)))
    assert YEARS.ordered


@pytest.mark.parametrize(
    ("text", "number"),
    [("31", 31), ("31.0", 31), ("-99", -99), ("007", 7), ("31.5", None), ("", None), ("1.", None),
     ("+1", None), ("1,0", None), ("\u0663\u0661", None), ("9" * 18, int("9" * 18)),
     ("9" * 19, None)],
)  # fmt: skip
def test_a_whole_number_is_read_from_digits_alone(text, number):
    assert read_whole(text) == number
    assert INTEGER.read(text) == (OUTSIDE if number is None else number)


@pytest.mark.parametrize(
    ("text", "read"),
    [("1", "1"), ("1.0", "1"), ("0", OUTSIDE), ("", OUTSIDE), ("yes", OUTSIDE), ("2", OUTSIDE),
     ("01", OUTSIDE), ("1 ", OUTSIDE)],
)  # fmt: skip
def test_a_flag_reads_1_and_nothing_else(text, read):
    assert FLAG.read(text) == read


def test_a_0_in_a_flag_is_advised_about_and_other_texts_are_not():
    for text in ("0", "0.0", "00"):
        assert "no or unknown" in FLAG.advice(text)
        assert f'{{ "{text}" = "" }}' in FLAG.advice(text)
    assert FLAG.advice("2") == FLAG.advice("no") == ""


def test_open_domains_list_no_codes_and_text_takes_anything():
    assert INTEGER.is_open
    assert TEXT.is_open
    assert INTEGER.codes == TEXT.codes == ()
    assert TEXT.read("anything at all") == "anything at all"
    assert not FLAG.is_open
    assert FLAG.codes == ("1",)


def test_an_enum_reads_its_codes_to_the_letter_and_has_an_order_if_it_says_so():
    listed = (Value(code="Male"), Value(code="Female"))
    gender = EnumDomain(kind="enum", listed=listed)
    assert gender.codes == ("Male", "Female")
    assert gender.read("Male") == "Male"
    assert gender.read("male") is gender.read("Male ") is OUTSIDE
    assert not gender.ordered
    assert EnumDomain(kind="enum", listed=listed, in_order=True).ordered


def country(**more):
    return CountryDomain(kind="country", as_of=datetime.date(2021, 9, 1), **more)


def test_countries_are_those_of_the_date_with_and_without_what_the_codebook_says():
    assert len(country().codes) == 249
    assert country().codes == tuple(sorted(country().codes))
    assert set(country(plus=("XKX",), minus=("ATA",)).codes) ^ set(country().codes) == {
        "XKX",
        "ATA",
    }
    earlier = CountryDomain(kind="country", as_of=datetime.date(2005, 1, 1))
    assert earlier.read("SSD") is OUTSIDE
    assert earlier.read("SCG") == "SCG"
    assert country().read("SSD") == "SSD"


@pytest.mark.parametrize(
    ("text", "says"),
    [("XKX", "Kosovo"), ("US", "`USA`"), ("Serbia", "`SRB`"), ("ANT", "successors"),
     ("usa", "capitals"), ("qwertz", "")],
)  # fmt: skip
def test_what_is_no_current_country_code_is_outside_and_advised(text, says):
    assert country().read(text) is OUTSIDE
    assert says in country().advice(text)


@given(st.text(max_size=12))
def test_every_domain_reads_and_advises_any_text(text):
    for domain in (AGES, MONTHS, YEARS, country(), *STANDARD.values()):
        read = domain.read(text)
        assert read is OUTSIDE or domain.is_open or read in domain.known
        assert isinstance(domain.advice(text), str)


@pytest.mark.parametrize(
    "domain", [AGES, MONTHS, YEARS, FLAG], ids=["ages", "months", "years", "1"]
)
def test_every_code_reads_as_itself(domain):
    assert [domain.read(code) for code in domain.codes] == list(domain.codes)
    assert domain.known == set(domain.codes)
