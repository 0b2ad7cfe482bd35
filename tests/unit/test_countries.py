from __future__ import annotations

import csv
import doctest
import re
import subprocess
import sys
from collections import defaultdict
from datetime import date
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pycountry
import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.codebook import countries
from ctdc_framework.codebook.countries import M49, advice, country, current, used_for, user_assigned

TODAY = date(2026, 1, 1)
CTDC = date(2021, 9, 1)
CROSSWALK = Path(__file__).parents[3] / "shared" / "data" / "ctdc_region_iso2_iso3_20221201.csv"
ALL = [country(code) for code in current(TODAY)]
ROWS = list(
    csv.DictReader(
        files("ctdc_framework").joinpath("data/countries.csv").read_text("utf-8").splitlines()
    )
)
OLD = [row["alpha3"] for row in ROWS if row["status"] == "withdrawn"]
LEVELS = ("region", "subregion", "intermediate")


def words(text: str) -> list[str]:
    return text.split()


# --- The facts ---------------------------------------------------------------------------------


def test_249_codes_are_assigned_today_with_the_alpha_2_and_numeric_codes_of_pycountry() -> None:
    ours = {(each.alpha3, each.alpha2, each.numeric) for each in ALL if each}
    assert len(ours) == 249
    assert ours == {(each.alpha_3, each.alpha_2, each.numeric) for each in pycountry.countries}


def test_every_name_pycountry_knows_leads_to_its_code() -> None:
    for each in pycountry.countries:
        for name in {each.name, getattr(each, "common_name", each.name)}:
            said = advice(name, TODAY)
            assert said is not None, name
            assert f"`{each.alpha_3}`" in said, said


@pytest.mark.parametrize("theirs", list(pycountry.historic_countries), ids=lambda it: it.alpha_4)
def test_every_withdrawn_code_of_pycountry_has_its_date(theirs: pycountry.db.Data) -> None:
    ours = countries.withdrawn(theirs.alpha_3)
    assert ours is not None
    assert ours.alpha2 == theirs.alpha_2
    assert str(ours.withdrawn).startswith(theirs.withdrawal_date)
    row = next(row for row in ROWS if row["alpha3"] == ours.alpha3 and row["status"] == "withdrawn")
    assert row["withdrawn"] == theirs.withdrawal_date
    assert row["numeric"] in {getattr(theirs, "numeric", ""), "080"}


def test_only_rom_and_phi_are_withdrawn_codes_that_pycountry_does_not_list() -> None:
    assert set(OLD) - {each.alpha_3 for each in pycountry.historic_countries} == {"ROM", "PHI"}


@pytest.mark.parametrize("code", OLD)
def test_successors_are_assigned_on_the_day_their_predecessor_goes(code: str) -> None:
    old = countries.withdrawn(code)
    assert old is not None
    assert set(old.successors) <= set(current(old.withdrawn))
    assert code in old.successors or code not in current(old.withdrawn)


def test_text_of_other_alphabets_and_codes_that_look_like_something_else_come_through() -> None:
    names = {each.alpha3: each.name for each in ALL if each}
    assert names["CIV"] == "Côte d'Ivoire"
    assert names["CUW"] == "Curaçao"
    assert names["REU"] == "Réunion"
    assert names["TUR"] == "Türkiye"
    assert names["ALA"] == "Åland Islands"
    namibia, afghanistan = country("NAM"), country("AFG")
    assert namibia is not None
    assert namibia.alpha2 == "NA"
    assert afghanistan is not None
    assert afghanistan.numeric == "004"


def test_codes_are_unique_and_well_formed() -> None:
    for status in ("assigned", "withdrawn", "user-assigned"):
        rows = [row for row in ROWS if row["status"] == status]
        assert len({row["alpha3"] for row in rows}) == len(rows)
        assert [row["alpha3"] for row in rows] == sorted(row["alpha3"] for row in rows) or (
            status == "user-assigned"
        )
    for row in ROWS:
        assert re.fullmatch("[A-Z]{3}", row["alpha3"])
        assert re.fullmatch("([A-Z]{2})?", row["alpha2"])
        assert re.fullmatch("([0-9]{3})?", row["numeric"])
        assert all(value == value.strip() for value in row.values())


def test_a_spelling_is_one_kind_of_thing_and_no_abbreviation_hides_a_code() -> None:
    kinds = defaultdict(set)
    taken = {row["alpha3"] for row in ROWS} | {row["alpha2"] for row in ROWS}
    for row in ROWS:
        for kind in ("alpha2", "numeric", "name"):
            kinds[countries._key(row[kind])].add(kind)
        for alias in filter(None, row["aliases"].split(";")):
            assert alias not in taken, alias
            kinds[countries._key(alias)].add("name")
    assert {key: found for key, found in kinds.items() if key and len(found) > 1} == {}


def test_abbreviations_mean_one_code_each() -> None:
    known = {key: codes for key, (kind, codes) in countries._spellings().items() if "ISO" in kind}
    assert known["uk"] == ["GBR"]
    assert {key: codes for key, codes in known.items() if len(codes) > 1} == {}


def test_values_cannot_be_changed() -> None:
    serbia = country("SRB")
    with pytest.raises(FrozenInstanceError):
        serbia.name = "elsewhere"  # type: ignore[union-attr,misc]


# --- The geography -----------------------------------------------------------------------------


def test_a_place_in_the_geography_of_the_un_has_a_code_and_a_name_at_each_level() -> None:
    kenya, france = country("KEN"), country("FRA")
    assert kenya is not None
    assert kenya.region == M49(code="002", name="Africa")
    assert kenya.subregion == M49(code="202", name="Sub-Saharan Africa")
    assert kenya.intermediate == M49(code="014", name="Eastern Africa")
    assert france is not None
    assert france.subregion == M49(code="155", name="Western Europe")
    assert france.intermediate is None


def test_taiwan_and_antarctica_alone_have_no_region() -> None:
    assert [each.alpha3 for each in ALL if each and not each.region] == ["ATA", "TWN"]


def test_a_region_has_one_name_and_one_parent() -> None:
    names, parents = defaultdict(set), defaultdict(set)
    for each in filter(None, ALL):
        path = [place for level in LEVELS if (place := getattr(each, level))]
        for place in path:
            names[place.code].add(place.name)
        for upper, lower in pairwise(path):
            parents[lower.code].add(upper.code)
    assert len(names) == 5 + 17 + 7
    assert all(len(found) == 1 for found in [*names.values(), *parents.values()])


@pytest.mark.shared_data
@pytest.mark.skipif(not CROSSWALK.exists(), reason=f"{CROSSWALK.name} is not on this machine")
def test_regions_agree_with_the_official_crosswalk_except_where_it_has_none() -> None:
    with CROSSWALK.open(encoding="utf-8-sig", newline="") as lines:
        standard = (row for row in csv.DictReader(lines) if row["ISO2"] not in ("TB", "Y1"))
        theirs = {row["ISO3"]: row for row in standard}
    differ = set()
    for each in filter(None, ALL):
        row = theirs.get(each.alpha3)
        ours = [getattr(each, level).name for level in LEVELS if getattr(each, level)]
        if row is None:
            differ.add((each.alpha3, "absent"))
        elif row["UNRegion"] in ("", "NULL"):
            differ.add((each.alpha3, "no region"))
        elif not ours:
            differ.add((each.alpha3, "no row in M49"))
        else:
            assert row["UNRegion"] == ours[0], each
            assert row["UNSubRegion"].casefold() == ours[-1].casefold(), each
    absent = {(code, "absent") for code in words("ALA BES BLM GGY IMN JEY MAF SXM")}
    blank = {(code, "no region") for code in words("ATA ATF BVT CCK CXR HMD IOT SGS UMI")}
    assert differ == absent | blank | {("TWN", "no row in M49")}


# --- As of a date ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "held", "not_held", "count"),
    [
        (date(2001, 12, 31), "ROM TMP YUG ANT COD PSE", "ROU TLS SCG SRB MNE ALA ZAR", 239),
        (date(2005, 1, 1), "ROU TLS SCG ANT ALA", "ROM TMP YUG SRB MNE GGY SSD", 240),
        (date(2006, 9, 26), "SRB MNE GGY IMN JEY", "SCG BLM MAF", 244),
        (date(2009, 6, 1), "SRB MNE BLM MAF ANT", "SCG BES CUW SXM SSD", 246),
        (date(2010, 12, 15), "BES CUW SXM", "ANT SSD", 248),
        (CTDC, "SSD BES CUW SXM ATF", "ANT SCG YUG ROM ZAR XKX", 249),
    ],
    ids=str,
)
def test_the_list_is_that_of_the_day(as_of: date, held: str, not_held: str, count: int) -> None:
    codes = current(as_of)
    assert len(codes) == count
    assert list(codes) == sorted(set(codes))
    assert set(words(held)) <= set(codes)
    assert not set(words(not_held)) & set(codes)


@pytest.mark.parametrize(
    ("day", "old", "new"),
    [
        ("1997-07-14", "ZAR FXX", "COD"),
        ("2002-02-01", "ROM", "ROU"),
        ("2002-05-20", "TMP", "TLS"),
        ("2003-07-23", "YUG", "SCG"),
        ("2006-09-26", "SCG", "MNE SRB"),
        ("2010-12-15", "ANT", "BES CUW SXM"),
    ],
)
def test_a_change_counts_from_its_own_day(day: str, old: str, new: str) -> None:
    after = date.fromisoformat(day)
    eve, morning = current(date.fromordinal(after.toordinal() - 1)), current(after)
    assert set(eve) - set(morning) == set(words(old))
    assert set(morning) - set(eve) == set(words(new))


def test_a_code_that_changed_its_meaning_was_never_away() -> None:
    assert all("ATF" in current(date(year, 6, 1)) for year in range(1974, 2027))
    old, new = countries.withdrawn("ATF"), country("ATF")
    assert old is not None
    assert new is not None
    assert (old.alpha2, new.alpha2) == ("FQ", "TF")


def test_a_day_of_the_first_edition_or_before_has_codes() -> None:
    assert {"SKM", "ROM", "YUG", "USA"} <= set(current(date.min))


def test_other_text_is_no_country() -> None:
    for text in ("", "usa", "US", "XKX", "ANT", " USA"):
        assert country(text) is None
    assert countries.withdrawn("USA") is None


# --- Codes left to users -----------------------------------------------------------------------


@pytest.mark.parametrize("code", words("AAA AAZ QMA QZZ XAA XKX XZZ ZZA ZZZ RKS"))
def test_codes_left_to_users_are_told_from_countries(code: str) -> None:
    assert user_assigned(code)
    assert country(code) is None


@pytest.mark.parametrize("code", words("ABW ABA QLZ QAT WZZ YAA ZYZ ZZ XK XK9 xkx SRB"))
def test_other_codes_are_not_left_to_users(code: str) -> None:
    assert not user_assigned(code)


@pytest.mark.parametrize("code", words("XKX XKK XKS XKV RKS XK Y1"))
def test_each_spelling_used_for_kosovo_says_so(code: str) -> None:
    assert used_for(code) == "Kosovo"


def test_no_code_left_to_users_has_a_region_or_a_successor() -> None:
    rows = [row for row in ROWS if row["status"] == "user-assigned"]
    assert rows
    assert not any(row[key] for row in rows for key in ("region", "subregion", "successors"))
    assert used_for("XAB") is None
    assert used_for("SRB") is None


# --- Advice ------------------------------------------------------------------------------------

X = "is not in ISO 3166-1: XAA to XZZ are left to users"
KOSOVO = f"{X}, and XKX, XKK, XKS, XKV and RKS have all been used for Kosovo"
ANT = "`ANT` (Netherlands Antilles) was withdrawn on 2010-12-15 and has 3 successors: BES, CUW, SXM"
SCG = "`SCG` (Serbia and Montenegro) was withdrawn on 2006-09-26 and has 2 successors: MNE, SRB"
YUG = "`YUG` (Yugoslavia) was withdrawn on 2003-07-23"
ZAR = "`ZAR` (Zaire) was withdrawn on 1997-07-14; its successor is `COD`"
CS = "`CSK` (Czechoslovakia) and `SCG` (Serbia and Montenegro)"
LATER = "`SRB` was assigned in 2006; the list is as of 2005-01-01"
ZZ = "is not in ISO 3166-1: ZZA to ZZZ are left to users"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("US", "`US` is an alpha-2 code; the alpha-3 code is `USA`"),
        ("us", "`us` is an alpha-2 code; the alpha-3 code is `USA`"),
        ("NA", "`NA` is an alpha-2 code; the alpha-3 code is `NAM`"),
        ("UK", "`UK` is not an ISO code; the alpha-3 code is `GBR`"),
        ("GER", "`GER` is not an ISO code; the alpha-3 code is `DEU`"),
        ("840", "`840` is a numeric code; the alpha-3 code is `USA`"),
        ("004", "`004` is a numeric code; the alpha-3 code is `AFG`"),
        ("4", "`4` is a numeric code without its leading zeros; the alpha-3 code is `AFG`"),
        ("Serbia", "`Serbia` is a name; the code is `SRB`"),
        ("CÔTE D’IVOIRE", "`CÔTE D’IVOIRE` is a name; the code is `CIV`"),
        ("Congo", "`Congo` is a name; the code is `COD` or `COG`"),
        ("Zaire", f"`Zaire` is a name: {ZAR}"),
        ("ZAR", ZAR),
        ("DHY", "`DHY` (Dahomey) was withdrawn in 1977; its successor is `BEN`"),
        ("ANT", ANT),
        ("AN", f"`AN` is an alpha-2 code: {ANT}"),
        ("SCG", SCG),
        ("YUG", f"{YUG} and has 2 successors: MNE, SRB"),
        ("CS", f"`CS` is an alpha-2 code of {CS}, which are not in the list as of {CTDC}"),
        ("ROM", "`ROM` became `ROU` in 2002"),
        ("rom", "`ROM` became `ROU` in 2002"),
        ("XKX", f"`XKX` {KOSOVO}"),
        ("RKS", f"`RKS` {KOSOVO}"),
        ("XK", f"`XK` {KOSOVO}"),
        ("Y1", f"`Y1` {KOSOVO}"),
        ("Kosovo", f"`Kosovo` {KOSOVO}"),
        ("XAB", f"`XAB` {X}"),
        ("QQQ", "`QQQ` is not in ISO 3166-1: QMA to QZZ are left to users"),
        ("XXC", f"`XXC` {X}, and XXB and XXC have both been used for refugees"),
        ("ZZ", f"`ZZ` {ZZ}, and ZZZ has been used for an unknown country"),
        ("usa", "`usa`: codes are in capitals, `USA`"),
        (" USA", "` USA`: codes have no spaces around them, `USA`"),
        ("SER", "`SER` is not in ISO 3166-1; did you mean `SRB`?"),
        ("UAS", "`UAS` is not in ISO 3166-1; did you mean `AUS`, `SAU` or `USA`?"),
        ("Germny", "`Germny` is not in ISO 3166-1; did you mean `DEU`?"),
        ("Nigera", "`Nigera` is not in ISO 3166-1; did you mean `NGA` or `NER`?"),
    ],
)
def test_advice_says_what_to_type(text: str, said: str) -> None:
    assert advice(text, CTDC) == said


@pytest.mark.parametrize(
    ("text", "as_of", "said"),
    [
        ("SSD", "2005-01-01", "`SSD` was assigned in 2011; the list is as of 2005-01-01"),
        ("SSD", "2011-08-08", "`SSD` was assigned on 2011-08-09; the list is as of 2011-08-08"),
        ("ROU", "2001-01-01", "`ROU` was assigned in 2002; the list is as of 2001-01-01"),
        ("SCG", "2001-01-01", "`SCG` was assigned in 2003; the list is as of 2001-01-01"),
        ("Romania", "2001-01-01", "`Romania` is a name; the code is `ROM`"),
        ("Burma", "1985-01-01", "`Burma` is a name; the code is `BUR`"),
        ("YUG", "2004-01-01", f"{YUG}; its successor is `SCG`"),
        ("CS", "2004-01-01", "`CS` is an alpha-2 code; the alpha-3 code is `SCG`"),
        ("Serbia", "2005-01-01", f"`Serbia` is a name: {LATER}"),
    ],
)
def test_advice_is_that_of_the_day(text: str, as_of: str, said: str) -> None:
    assert advice(text, date.fromisoformat(as_of)) == said


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Russia", "RUS"),
        ("Vietnam", "VNM"),
        ("Ivory Coast", "CIV"),
        ("Turkey", "TUR"),
        ("türkiye", "TUR"),
        ("South Korea", "KOR"),
        ("Czech Republic", "CZE"),
        ("Swaziland", "SWZ"),
        ("Macedonia", "MKD"),
        ("Burma", "MMR"),
        ("Cape Verde", "CPV"),
        ("Congo-Kinshasa", "COD"),
        ("Democratic Republic of the Congo", "COD"),
        ("Curacao", "CUW"),
        ("REUNION", "REU"),
        ("The Gambia", "GMB"),
        ("St. Vincent & the Grenadines", "VCT"),
        ("Iran", "IRN"),
        ("U.S.A.", "USA"),
    ],
)
def test_common_names_are_known(name: str, code: str) -> None:
    assert advice(name, CTDC) == f"`{name}` is a name; the code is `{code}`"


@pytest.mark.parametrize(
    "text",
    [*words("-99 -840 00 N/A nan NULL Unknown ? 中国"), "", " ", "X" * 5000],
)
def test_what_we_cannot_read_gets_no_advice(text: str) -> None:
    assert advice(text, CTDC) is None


def test_a_name_that_is_alike_only_in_its_tail_gets_no_advice() -> None:
    assert advice("Bolivarian Republic of Venezuelo", CTDC) is not None
    for name in ("Utopia, United Republic of", "Republic of Kosova", "Tibet, Province of China"):
        assert advice(name, CTDC) is None


@given(st.dates())
def test_a_valid_code_gets_no_advice_and_every_other_known_code_does(as_of: date) -> None:
    valid = set(current(as_of))
    for code in {row["alpha3"] for row in ROWS}:
        assert (advice(code, as_of) is None) == (code in valid)


@given(st.text(), st.dates())
def test_advice_on_any_text_is_one_line_or_none(text: str, as_of: date) -> None:
    said = advice(text, as_of)
    assert said is None or ("`" in said and len(said) < 400)


# --- The module --------------------------------------------------------------------------------


def test_importing_the_module_reads_nothing() -> None:
    code = (
        "from ctdc_framework.codebook import countries as c\n"
        "assert c._rows.cache_info().currsize == 0\n"
        "c.country('USA'), c.withdrawn('ANT'), c.advice('US', c.date(2021, 9, 1))\n"
        "assert c._rows.cache_info().misses == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_examples_in_the_docstrings_are_true() -> None:
    tried = doctest.testmod(countries)
    assert tried.attempted
    assert not tried.failed
