"""Accidents that public users of CTDC's files had, each with a fabricated file of the same shape.

The numbers are those of the project's notes on real data. What went wrong there without a word
stops here, or gives the right table.
"""

import csv
import io

import pytest

from ctdc_framework import api
from ctdc_framework.errors import DataError
from ctdc_framework.language.load import load_codebook
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.records.files import read_raw
from ctdc_framework.records.tables import cell_texts

ROWS = 60
MEANS = "meansOfControlThreats"


@pytest.fixture(scope="module")
def ctdc_2021():
    return load_codebook("ctdc-2021")


@pytest.fixture(scope="module")
def victim_perpetrator():
    return load_codebook("ctdc-victim-perpetrator-2022")


@pytest.fixture
def columns(ctdc_2021):
    """Sixty records as CTDC published them, by column."""
    made = {name: [""] * ROWS for name in ctdc_2021.variables}
    made["yearOfRegistration"] = [str(2015 + row % 5) for row in range(ROWS)]
    made["gender"] = ["Female", "Male", ""] * 20
    made["ageBroad"] = ["9--17", "18--20", "30--38"] * 20
    made["citizenship"] = ["UKR", "MDA", "PHL", "KHM"] * 15
    made["CountryOfExploitation"] = ["UKR", "USA"] * 30
    made["isForcedLabour"] = ["1", ""] * 30
    made[MEANS] = ["", "", "1"] * 20
    return made


@pytest.fixture
def read(tmp_path):
    """Write columns as a file of the given dialect, and read it."""

    def go(columns, separator=",", quoting=csv.QUOTE_MINIMAL, **options):
        text = io.StringIO()
        writer = csv.writer(text, delimiter=separator, quoting=quoting, quotechar='"')
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        path = tmp_path / "cases.csv"
        path.write_bytes(text.getvalue().encode())
        return read_raw(path, **options)

    return go


def values(prepared, name):
    return list(cell_texts(prepared.table)[name])


def test_the_fabricated_file_is_clean(read, columns, ctdc_2021):
    prepared = prepare(read(columns), ctdc_2021)
    for name, cells in columns.items():
        assert values(prepared, name) == [cell or None for cell in cells]


# 1. A file spelled 9--17 as 09--17, and all children of that age became missing without a word.


def test_1_a_band_spelled_otherwise_stops_and_the_spelling_is_suggested(read, columns, ctdc_2021):
    columns["ageBroad"] = [cell.replace("9--17", "09--17") for cell in columns["ageBroad"]]
    with pytest.raises(DataError) as caught:
        prepare(read(columns), ctdc_2021)
    (problem,) = caught.value.problems
    assert problem.place.data_column == "ageBroad"
    assert "`09--17` (about 20 rows)" in problem.message
    assert "it spells `9--17` otherwise" in problem.help
    assert '{ "09--17" = "9--17" }' in problem.help


def test_1_no_child_is_lost_where_the_suggestion_is_followed(
    read, columns, ctdc_2021, tmp_path, codebook_of
):
    with open(ctdc_2021.origin, encoding="utf-8") as file:
        text = file.read()
    rule = '[[rules]]\nid = "band"\nop = "recode"\non = ["ageBroad"]\nbecause = "As spelled."\n'
    mended = codebook_of(f'{text}\n{rule}map = {{ "09--17" = "9--17" }}\n')
    expected = columns["ageBroad"]
    columns["ageBroad"] = [cell.replace("9--17", "09--17") for cell in expected]
    assert values(prepare(read(columns), mended), "ageBroad") == expected


@pytest.mark.parametrize("dash", ["-", "–", "—", " - ", " -- "])
def test_1_a_dash_of_another_kind_is_the_same_band(read, columns, ctdc_2021, dash):
    expected = columns["ageBroad"]
    columns["ageBroad"] = [cell.replace("--", dash) for cell in expected]
    assert values(prepare(read(columns), ctdc_2021), "ageBroad") == expected


# 2. A file with a broken delimiter was read shifted, and false promises became forced labour.


def test_2_cells_that_hold_the_delimiter_unquoted_stop(tmp_path, columns, ctdc_2021):
    """The concatenated column holds the delimiter; somebody took the quotation marks away."""
    columns = {"meansOfControlConcatenated": ["Threats;False promises", ""] * 30, **columns}
    rows = [";".join(row) for row in zip(*columns.values(), strict=True)]
    path = tmp_path / "shifted.csv"
    path.write_text("\n".join([";".join(columns), *rows]), encoding="utf-8")
    with pytest.raises(DataError, match="the header has 38 columns, but some rows have 39"):
        read_raw(path, ";")


def test_2_a_file_read_with_another_delimiter_stops(read, columns):
    with pytest.raises(DataError, match="no comma, but 36 times a semicolon") as caught:
        read(columns, separator=";")
    assert "--delimiter ';'" in caught.value.help


def test_2_columns_that_are_shifted_stop_in_every_column_that_shows_it(read, columns, ctdc_2021):
    columns["meansOfControlFalsePromises"] = ["False promises", "Psychological abuse"] * 30
    names = list(columns)
    shifted = dict(zip(names, [columns[names[-1]], *list(columns.values())[:-1]], strict=True))
    with pytest.raises(DataError) as caught:
        prepare(read(shifted), ctdc_2021)
    wrong = {problem.place.data_column for problem in caught.value.problems}
    assert {"gender", "ageBroad", "majorityStatusAtExploit", "traffickMonths"} <= wrong
    assert "meansOfControlPsychoactiveSubstances" in wrong
    assert "`False promises` (about 30 rows)" in str(caught.value)


def test_2_nothing_comes_of_a_shifted_file(read, columns, tmp_path, ctdc_2021):
    columns["isForcedLabour"] = ["False promises", "Psychological abuse"] * 30
    read(columns)
    registry, out = api.load_registry(), tmp_path / "prepared.csv"
    with pytest.raises(DataError, match="isForcedLabour"):
        api.write_prepared(api.prepare(tmp_path / "cases.csv", ctdc_2021, registry)[0], out)
    assert not out.exists()


# 4. Codes that no list of countries holds were lost in a join, or left where they were.


def test_4_codes_of_the_old_files_become_iso_or_missing(read, columns, ctdc_2021):
    columns["citizenship"] = ["Y1", "TB", "ZZ", "00", "-99", "SRB"] * 10
    columns["CountryOfExploitation"] = ["UKR", "Y1", "ZZ"] * 20
    prepared = prepare(read(columns), ctdc_2021)
    assert values(prepared, "citizenship") == ["SRB", "CHN", None, None, None, "SRB"] * 10
    assert values(prepared, "CountryOfExploitation") == ["UKR", "SRB", None] * 20


def test_4_a_code_of_two_letters_stops_and_the_code_of_three_is_told(read, columns, ctdc_2021):
    columns["citizenship"] = ["US", "UA", "Y1"] * 20
    with pytest.raises(DataError) as caught:
        prepare(read(columns), ctdc_2021)
    (problem,) = caught.value.problems
    assert problem.place.data_column == "citizenship"
    assert "`US` (about 20 rows)" in problem.message
    assert "alpha-3 code is `UKR`" in problem.help
    assert "Y1" not in problem.message


def test_4_namibia_is_a_country_whatever_the_file_calls_it(read, columns, ctdc_2021):
    columns["citizenship"] = ["NAM"] * ROWS
    assert values(prepare(read(columns), ctdc_2021), "citizenship") == ["NAM"] * ROWS
    columns["citizenship"] = ["NA"] * ROWS
    with pytest.raises(DataError, match="alpha-3 code is `NAM`"):
        prepare(read(columns), ctdc_2021)


def test_4_a_rare_country_that_is_wrong_is_not_told(read, columns, ctdc_2021):
    columns["citizenship"][0] = "QQ"
    with pytest.raises(DataError, match="in fewer than 10 rows; values in fewer than 10") as caught:
        prepare(read(columns), ctdc_2021)
    assert "QQ" not in str(caught.value)


# 5. Cells with several values: somebody kept the first spelling that matched, somebody "Various".


def test_5_several_values_in_a_variable_that_holds_one_stop(read, columns, ctdc_2021):
    columns["gender"] = ["Female;Male", "Female"] * 30
    with pytest.raises(DataError, match="`Female;Male`"):
        prepare(read(columns), ctdc_2021)


def test_5_the_first_of_several_citizenships_is_taken_where_the_codebook_says_so(
    read, columns, ctdc_2021
):
    del columns["citizenship"]
    columns["citizenships"] = ["KHM;USA", "USA", "NULL", "Y1;USA", "-99;UKR", ""] * 10
    prepared = prepare(read(columns), ctdc_2021)
    assert values(prepared, "citizenship") == ["KHM", "USA", None, "SRB", "UKR", None] * 10


def test_5_several_values_are_values_where_the_variable_lists_them(read, victim_perpetrator):
    columns = {name: [""] * ROWS for name in victim_perpetrator.variables}
    columns["IP_Relation"] = [
        "StrangerUnknownOther;FriendAcquaintance",
        "FriendAcquaintance",
        "",
    ] * 20
    columns["IP_citizen_UNRegion"] = ["Americas/Oceania;Africa", "Asia", "Africa"] * 20
    prepared = prepare(read(columns), victim_perpetrator)
    assert (
        values(prepared, "IP_Relation")
        == [
            "FriendAcquaintance;StrangerUnknownOther",
            "FriendAcquaintance",
            None,
        ]
        * 20
    )
    assert values(prepared, "IP_citizen_UNRegion")[0] == "Africa;Americas/Oceania"
    present = prepared.table.frame["IP_Relation=FriendAcquaintance"]
    assert int(present.notna().sum()) == 40


def test_5_quoted_cells_with_the_files_own_delimiter_are_one_cell(read, victim_perpetrator):
    columns = {name: [""] * ROWS for name in victim_perpetrator.variables}
    columns["IP_Gender"] = ["Male;Female", "Male"] * 30
    raw = read(columns, separator=";", delimiter=";")
    assert values(prepare(raw, victim_perpetrator), "IP_Gender") == ["Female;Male", "Male"] * 30


# 6. A first column of terms of use, several missing codes at once, whole numbers as fractions.

TERMS = "By using this data you agree to the Terms of Use: https://www.example.org/terms-of-use"


def test_6_the_terms_of_use_stop_until_they_are_dropped_by_name(read, columns, ctdc_2021):
    raw = read({TERMS: [""] * ROWS, **columns})
    with pytest.raises(DataError) as caught:
        prepare(raw, ctdc_2021)
    (problem,) = caught.value.problems
    assert "column `By using this data you agree" in problem.message
    assert "--drop-unknown" in problem.help
    prepared = prepare(raw, ctdc_2021, drop_unknown=True)
    assert prepared.details["columns_dropped"] == [TERMS]
    assert values(prepared, "citizenship") == columns["citizenship"]


def test_6_every_missing_code_is_missing_in_one_file(read, columns, ctdc_2021):
    columns["gender"] = ["-99", "Unknown", "NULL", "", "Female", "Male"] * 10
    columns["citizenship"] = ["ZZ", "00", "-99", "NULL", "", "UKR"] * 10
    columns[MEANS] = ["-99", "1"] * 30
    prepared = prepare(read(columns), ctdc_2021)
    assert values(prepared, "gender") == [None, None, None, None, "Female", "Male"] * 10
    assert values(prepared, "citizenship") == [None, None, None, None, None, "UKR"] * 10
    assert values(prepared, MEANS) == [None, "1"] * 30


def test_6_whole_numbers_that_became_fractions_are_read(read, columns, ctdc_2021):
    columns["yearOfRegistration"] = [f"{2015 + row % 5}.0" for row in range(ROWS)]
    columns["isForcedLabour"] = ["1.0", ""] * 30
    prepared = prepare(read(columns), ctdc_2021)
    years = [str(2015 + row % 5) for row in range(ROWS)]
    assert values(prepared, "yearOfRegistration") == years
    assert values(prepared, "isForcedLabour") == ["1", None] * 30


def test_6_a_zero_in_a_flag_stops_and_is_no_missing_value(read, columns, ctdc_2021):
    columns["isForcedLabour"] = ["0", "1", ""] * 20
    with pytest.raises(DataError, match="CB331") as caught:
        prepare(read(columns), ctdc_2021)
    assert "nothing means no or unknown" in caught.value.problems[0].help


def test_6_all_of_it_at_once_is_told_at_once(read, columns, ctdc_2021):
    columns["ageBroad"] = ["09--17"] * ROWS
    columns["citizenship"] = ["US"] * ROWS
    columns["isForcedLabour"] = ["0", "1"] * 30
    with pytest.raises(DataError) as caught:
        prepare(read(columns), ctdc_2021)
    told = {problem.place.data_column: problem.code for problem in caught.value.problems}
    assert told == {"ageBroad": "CB302", "citizenship": "CB302", "isForcedLabour": "CB331"}


# --------------------------------------------------------------------------------------- real data


def count_cells(path_of_counts):
    with path_of_counts.open(encoding="utf-8", newline="") as file:
        return {(row["variable"], row["value"]): int(row["count"]) for row in csv.DictReader(file)}


def counted(prepared):
    """Count every cell, those that list several values as they are joined."""
    found = {}
    for name, cells in cell_texts(prepared.table).items():
        for cell in cells:
            found[name, cell or ""] = found.get((name, cell or ""), 0) + 1
    return found


@pytest.mark.shared_data
def test_the_published_counts_are_reproduced_before_and_after_writing(
    shared, tmp_path, victim_perpetrator
):
    registry = api.load_registry()
    published = count_cells(shared / "data" / "ctdc_victim_perpetrator_2022_counts.csv")
    data = shared / "data" / "ctdc_victim_perpetrator_2022.csv"
    prepared, raw = api.prepare(data, victim_perpetrator, registry)
    assert raw.rows == len(prepared.table) == 21_195
    assert counted(prepared) == published
    assert prepared.notes == ()
    for name in ("prepared.csv", "prepared.parquet"):
        api.write_prepared(prepared, tmp_path / name)
        again, _ = api.prepare(tmp_path / name, victim_perpetrator, registry)
        assert counted(again) == published
        assert again.table.frame.equals(prepared.table.frame)


@pytest.mark.shared_data
def test_ten_thousand_records_of_ctdcs_shape_are_clean(shared, ctdc_2021):
    raw = read_raw(shared / "data" / "ctdc_shaped_10k.csv.gz")
    prepared = prepare(raw, ctdc_2021)
    assert len(prepared.table) == raw.rows == 10_000
    assert {note.code for note in prepared.notes} <= {"rules-skipped", "check-broken"}
    for name, column in raw.columns.items():
        assert values(prepared, name) == column.values()
