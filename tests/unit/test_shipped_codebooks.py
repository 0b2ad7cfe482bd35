"""The shipped codebooks against the data and the facts that they describe."""

import csv
import gzip

import pytest
from typer.testing import CliRunner

from ctdc_framework.cli import app
from ctdc_framework.language.load import load_codebook

ADULT = (
    *("sex", "age", "race", "marital-status", "education", "native-country", "workclass"),
    *("occupation", "salary-class"),
)


@pytest.fixture(scope="module")
def adult():
    return load_codebook("adult")


def as_we_write(code, name):
    """Give a generalised code of ARX's files as the codebook has it.

    Its bands of age are called after one year less than they hold: 0-4 holds 1 to 5.
    """
    if name != "age":
        return code
    low, high = map(int, code.split("-")) if code != "*" else (0, 99)
    return f"{low + 1}--{high + 1}"


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ADULT)
def test_a_hierarchy_of_adult_joins_what_the_published_one_joins(adult, shared, name):
    path = shared / "data" / "adult" / f"adult_hierarchy_{name}.csv"
    rows = [*csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter=";")]
    hierarchy = adult.hierarchy_of(name)
    assert sorted(row[0] for row in rows) == sorted(adult.domain_of(name).codes)
    for value, *above in rows:
        ours = [level.group_of[value] for level in hierarchy.levels]
        assert ours == [as_we_write(code, name) for code in above]


@pytest.mark.shared_data
def test_the_adult_file_holds_the_codebooks_columns_and_nothing_outside_its_domains(adult, shared):
    with gzip.open(shared / "data" / "adult" / "adult.csv.gz", "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert tuple(header) == tuple(adult.variables) == ADULT
    for name, column in zip(header, zip(*rows, strict=True), strict=True):
        assert set(column) <= set(adult.domain_of(name).codes)


def test_every_variable_of_adult_can_be_generalised_to_one_group_and_only_salary_is_sensitive(
    adult,
):
    for name in adult.variables:
        (top,) = adult.hierarchy_of(name).levels[-1].groups
        assert set(top.members) == set(adult.domain_of(name).codes)
    assert adult.quasi_identifiers == ADULT[:-1]


# ------------------------------------------------------------------ from 63 columns to 37 and to 27

FLAGS_2021 = {
    "meansOfControlOther": (
        *("meansOfControlRestrictsFinancialAccess", "meansOfControlUsesChildren"),
        "meansOfControlOther",
    ),
    "meansOfControlThreatOfLawEnforce": ("meansOfControlThreatOfLawEnforcement",),
    "isOtherExploit": (
        *("isForcedMarriage", "isForcedMilitary", "isOrganRemoval", "isSlaveryAndPractices"),
        "isOtherExploit",
    ),
    "typeOfLabourOther": (
        *("typeOfLabourAquafarming", "typeOfLabourBegging", "typeOfLabourIllicitActivities"),
        *("typeOfLabourManufacturing", "typeOfLabourMiningOrDrilling", "typeOfLabourPeddling"),
        *("typeOfLabourTransportation", "typeOfLabourOther"),
    ),
    "typeOfSexOther": ("typeOfSexRemoteInteractiveServices", "typeOfSexPrivateSexualServices"),
}
"""The flags of 2021 that are not a column of their own name, with the columns they are made of."""

TEXTS_63 = (
    *("meansOfControlConcatenated", "typeOfExploitConcatenated", "typeOfLabourConcatenated"),
    *("typeOfSexConcatenated", "RecruiterRelationship"),
)
PERSON_63 = {
    "yearOfRegistration": ["2019", "2015"],
    "Datasource": ["Case Management", "Hotline"],
    "gender": ["Female", "Male", "Unknown"],
    "ageBroad": ["9--17", "48+", "-99"],
    "majorityStatus": ["Minor", "Adult", "-99"],
    "majorityStatusAtExploit": ["Minor", "-99", "Unknown"],
    "majorityEntry": ["Minor", "-99"],
    "citizenship": ["NA", "PH", "ZZ", "Y1", "TB", "00", "ZR"],
    "CountryOfExploitation": ["-99", "US", "Y1", "AN"],
}
COLUMNS_63 = (
    *("yearOfRegistration", "Datasource", "gender", "ageBroad", "majorityStatus"),
    *("majorityStatusAtExploit", "majorityEntry", "citizenship"),
    *("meansOfControlDebtBondage", "meansOfControlTakesEarnings"),
    *("meansOfControlRestrictsFinancialAccess", "meansOfControlThreats"),
    *("meansOfControlPsychologicalAbuse", "meansOfControlPhysicalAbuse"),
    *("meansOfControlSexualAbuse", "meansOfControlFalsePromises"),
    *("meansOfControlPsychoactiveSubstances", "meansOfControlRestrictsMovement"),
    *("meansOfControlRestrictsMedicalCare", "meansOfControlExcessiveWorkingHours"),
    *("meansOfControlUsesChildren", "meansOfControlThreatOfLawEnforcement"),
    *("meansOfControlWithholdsNecessities", "meansOfControlWithholdsDocuments"),
    *("meansOfControlOther", "meansOfControlNotSpecified", "meansOfControlConcatenated"),
    *("isForcedLabour", "isSexualExploit", "isOtherExploit", "isSexAndLabour"),
    *("isForcedMarriage", "isForcedMilitary", "isOrganRemoval", "isSlaveryAndPractices"),
    *("typeOfExploitConcatenated", "typeOfLabourAgriculture", "typeOfLabourAquafarming"),
    *("typeOfLabourBegging", "typeOfLabourConstruction", "typeOfLabourDomesticWork"),
    *("typeOfLabourHospitality", "typeOfLabourIllicitActivities", "typeOfLabourManufacturing"),
    *("typeOfLabourMiningOrDrilling", "typeOfLabourPeddling", "typeOfLabourTransportation"),
    *("typeOfLabourOther", "typeOfLabourNotSpecified", "typeOfLabourConcatenated"),
    *("typeOfSexProstitution", "typeOfSexPornography", "typeOfSexRemoteInteractiveServices"),
    *("typeOfSexPrivateSexualServices", "typeOfSexConcatenated", "isAbduction"),
    *("RecruiterRelationship", "CountryOfExploitation", "recruiterRelationIntimatePartner"),
    *("recruiterRelationFriend", "recruiterRelationFamily", "recruiterRelationOther"),
    "recruiterRelationUnknown",
)
"""The columns of the k-anonymized release of 2020, in its order."""

ISO3 = {"NA": "NAM", "PH": "PHL", "US": "USA", "Y1": "SRB", "TB": "CHN"}
MISSING_63 = ("-99", "Unknown", "ZZ", "00", "ZR", "AN", "")


@pytest.fixture(scope="module")
def records_63():
    """Made-up records in the 63 columns; a flag is 1 in one of five, else 0, -99 or blank."""
    rows = []
    for n in range(60):
        row = {}
        for place, name in enumerate(COLUMNS_63):
            if name in PERSON_63:
                row[name] = PERSON_63[name][n % len(PERSON_63[name])]
            elif name in TEXTS_63:
                row[name] = ["Threats;False promises", "Not specified", "-99", ""][n % 4]
            else:
                row[name] = ["1", "0", "-99", "", "0"][(n * 7 + place * 3) % 5]
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def prepared_from(records_63, tmp_path_factory):
    """Run the records through `ctdc prepare` with a codebook, and give what it wrote."""

    def run(codebook, records=records_63):
        folder = tmp_path_factory.mktemp("k-anonymized")
        with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, records[0])
            writer.writeheader()
            writer.writerows(records)
        call = ["prepare", "--codebook", codebook, "--data", str(folder / "in.csv")]
        result = CliRunner().invoke(app, [*call, "--out", str(folder / "out.csv")])
        assert result.exit_code == 0, result.output
        return [*csv.DictReader((folder / "out.csv").read_text(encoding="utf-8").splitlines())]

    return run


def as_2021(name, row):
    """Say what a variable of 2021 holds for a record of the 63 columns."""
    if name == "traffickMonths":
        return ""
    if name in PERSON_63:
        return "" if row[name] in MISSING_63 else ISO3.get(row[name], row[name])
    return "1" if any(row[one] == "1" for one in FLAGS_2021.get(name, (name,))) else ""


def test_records_in_63_columns_become_the_37_of_2021(prepared_from, records_63):
    made = prepared_from("ctdc-2021")
    names = load_codebook("ctdc-2021").variables
    assert made == [{name: as_2021(name, row) for name in names} for row in records_63]
    assert {row["isOtherExploit"] for row in made} == {"", "1"}


def test_records_in_63_columns_stay_as_they_are_but_for_missing_and_countries(
    prepared_from, records_63
):
    made = prepared_from("ctdc-k-anonymized-2020")
    for ours, row in zip(made, records_63, strict=True):
        assert list(ours) == [name for name in COLUMNS_63 if name not in TEXTS_63]
        for name, value in ours.items():
            assert value == ("" if row[name] in MISSING_63 else ISO3.get(row[name], row[name]))


MEANS = "meansOfControl"
FLAGS_2024 = {
    "meansDebtBondageEarnings": (f"{MEANS}DebtBondage", f"{MEANS}TakesEarnings"),
    "meansThreats": (
        *(f"{MEANS}Threats", f"{MEANS}UsesChildren", f"{MEANS}ThreatOfLawEnforcement"),
    ),
    "meansAbusePsyPhySex": (
        *(f"{MEANS}PsychologicalAbuse", f"{MEANS}PhysicalAbuse", f"{MEANS}SexualAbuse"),
    ),
    "meansFalsePromises": (f"{MEANS}FalsePromises",),
    "meansDrugsAlcohol": (f"{MEANS}PsychoactiveSubstances",),
    "meansDenyBasicNeeds": (
        *(f"{MEANS}RestrictsFinancialAccess", f"{MEANS}RestrictsMovement"),
        *(f"{MEANS}RestrictsMedicalCare", f"{MEANS}WithholdsNecessities"),
    ),
    "meansExcessiveWorkHours": (f"{MEANS}ExcessiveWorkingHours",),
    "meansWithholdDocs": (f"{MEANS}WithholdsDocuments",),
    "isOtherExploit": FLAGS_2021["isOtherExploit"],
}
"""The flags of 2024 that are not a column of their own name, with the columns they are made of."""


def as_2024(name, row):
    """Say what a variable of 2024 holds for a record of the 63 columns."""
    if name in FLAGS_2024:
        return "1" if any(row[one] == "1" for one in FLAGS_2024[name]) else ""
    if name == "gender":
        return {"Female": "Woman", "Male": "Man"}.get(row["gender"], "")
    return as_2021(name, row)


def test_records_in_63_columns_become_the_27_of_2024(prepared_from, records_63):
    made = prepared_from("ctdc-2024")
    names = load_codebook("ctdc-2024").variables
    assert made == [{name: as_2024(name, row) for name in names} for row in records_63]
    assert len(names) == 27


def test_the_padded_band_and_the_words_of_the_first_edition_are_read_as_2024_has_them(
    prepared_from,
):
    row = dict.fromkeys(load_codebook("ctdc-2024").variables, "")
    first = {"gender": "Transgender/NonConforming", "traffickMonths": "61+ (5+ yrs)"}
    made = prepared_from("ctdc-2024", [row | {"ageBroad": "09--17"} | first])
    second = {"gender": "Trans/Transgender/NonConforming", "traffickMonths": "25+ (2+ yrs)"}
    assert made == [row | {"ageBroad": "9--17"} | second]


def test_an_empty_first_column_with_the_terms_of_use_is_read_over(prepared_from, records_63):
    terms = "By using this data you agree to the Terms of Use: "
    terms += "https://www.ctdatacollaborative.org/terms-use"
    made = prepared_from("ctdc-2021", [{terms: "", **row} for row in records_63])
    assert made == prepared_from("ctdc-2021")


def test_the_63_columns_are_those_of_the_codebook():
    book = load_codebook("ctdc-k-anonymized-2020")
    assert {*book.variables, *book.inputs} - {"termsOfUse"} == set(COLUMNS_63)
    assert len(COLUMNS_63) == len(set(COLUMNS_63)) == 63
    assert tuple(book.inputs)[:5] == TEXTS_63
    assert book.k == 11


@pytest.mark.shared_data
def test_the_63_columns_go_where_the_published_mapping_says(shared):
    path = shared / "data" / "mapping_63_to_37_to_27.csv"
    rows = [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    assert tuple(row["k_anon_column"] for row in rows) == COLUMNS_63
    book, target_of = load_codebook("ctdc-2021"), {}
    for rule in book.rules:
        if rule.op == "fold":
            target_of |= dict.fromkeys(rule.params.from_, rule.params.to)
    for row in rows:
        name, target = row["k_anon_column"], row["target_2021"]
        known = book.names[name]
        assert (known if known in book.variables else target_of.get(known, "")) == target


@pytest.mark.shared_data
def test_the_63_columns_go_to_the_27_as_the_published_mapping_says(shared):
    path = shared / "data" / "mapping_63_to_37_to_27.csv"
    rows = [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    book, target_of = load_codebook("ctdc-2024"), {}
    for rule in book.rules:
        if rule.op == "fold":
            target_of |= dict.fromkeys(rule.params.from_, rule.params.to)
    for row in rows:
        known = book.names[row["k_anon_column"]]
        target = known if known in book.variables else target_of.get(known, "")
        assert target == row["target_2024"]


@pytest.mark.shared_data
def test_two_letters_become_the_three_of_ctdcs_own_table(shared):
    path = shared / "data" / "ctdc_region_iso2_iso3_20221201.csv"
    rows = [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    maps = {}
    for rule in load_codebook("ctdc-2021").rules:
        if rule.op in ("recode", "alpha-3") and "citizenship" in rule.params.on:
            maps |= rule.params.map
    differ = {
        row["ISO2"]: (row["ISO3"], maps.get(row["ISO2"]))
        for row in rows
        if maps.get(row["ISO2"]) != row["ISO3"].replace("NULL", "")
    }
    # The table leaves three current codes blank, and has one that was withdrawn in 2010.
    assert differ == {
        "JE": ("", "JEY"),
        "MF": ("", "MAF"),
        "SX": ("", "SXM"),
        "AN": ("ANT", ""),
    }
