"""The codebook as an object, and the shipped codebooks against what is printed."""

import pytest

from ctdc_framework.codebook.model import REFERENCE, Role
from ctdc_framework.language.load import check_codebook, load_codebook, shipped_codebooks

SHIPPED = sorted(shipped_codebooks())

LIST_OF_VARIABLES = """
yearOfRegistration gender ageBroad majorityStatusAtExploit citizenship CountryOfExploitation
traffickMonths
meansOfControlDebtBondage meansOfControlTakesEarnings meansOfControlThreats
meansOfControlPsychologicalAbuse meansOfControlPhysicalAbuse meansOfControlSexualAbuse
meansOfControlFalsePromises meansOfControlPsychoactiveSubstances meansOfControlRestrictsMovement
meansOfControlRestrictsMedicalCare meansOfControlExcessiveWorkingHours
meansOfControlThreatOfLawEnforce meansOfControlWithholdsNecessities
meansOfControlWithholdsDocuments meansOfControlOther
isForcedLabour isSexualExploit isOtherExploit
typeOfLabourAgriculture typeOfLabourConstruction typeOfLabourDomesticWork typeOfLabourHospitality
typeOfLabourOther
typeOfSexProstitution typeOfSexPornography typeOfSexOther
recruiterRelationIntimatePartner recruiterRelationFriend recruiterRelationFamily
recruiterRelationOther
"""
"""The 37 variables of the 2021 codebook, as its list of variables prints them."""
PRINTED = LIST_OF_VARIABLES.split()


@pytest.fixture(scope="module")
def ctdc():
    return load_codebook("ctdc-2021")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_codebook_has_no_problems(name):
    codebook, problems = check_codebook(name)
    assert [problem.render() for problem in problems] == []
    assert codebook.id == name


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_variable_says_what_it_means_and_what_it_is_for_privacy(name):
    codebook = load_codebook(name)
    for variable in codebook.variables.values():
        assert variable.role
        assert len(variable.definition.strip()) > 5
        assert codebook.domain_of(variable.name).codes
        assert Role.NONE not in variable.role


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_rule_says_why(name):
    for one in load_codebook(name).rules:
        assert len(one.because) > 10


def test_the_2021_codebook_has_the_printed_variables_in_the_printed_order(ctdc):
    assert list(ctdc.variables) == PRINTED
    assert len(PRINTED) == 37


def test_the_2021_codebook_has_the_printed_bands(ctdc):
    ages = ctdc.domain_of("ageBroad")
    assert ages.codes == (
        *("0--8", "9--17", "18--20", "21--23", "24--26", "27--29", "30--38", "39--47", "48+"),
    )
    assert ages.values[1].label == "9\u201317"
    assert ctdc.domain_of("traffickMonths").codes == (
        *("0--12 (0-1 yr)", "13--24 (1-2 yrs)", "25--60 (2-5 yrs)", "61+ (5+ yrs)"),
    )
    assert ctdc.domain_of("traffickMonths").values[0].label == "0\u201412 (0-1 yr)"
    assert ctdc.domain_of("yearOfRegistration").codes == tuple(map(str, range(2002, 2022)))
    assert ctdc.domain_of("gender").codes == ("Male", "Female", "Transgender/NonConforming")
    assert ctdc.domain_of("majorityStatusAtExploit").codes == ("Minor", "Adult")


def test_of_the_2021_variables_the_last_thirty_are_flags_and_the_first_seven_quasi(ctdc):
    assert ctdc.quasi_identifiers == tuple(PRINTED[:7])
    assert {ctdc.variables[name].domain for name in PRINTED[7:]} == {"std/flag"}
    assert {ctdc.variables[name].role for name in PRINTED[7:]} == {(Role.SENSITIVE,)}
    assert [name for name in PRINTED if not ctdc.variables[name].nullable] == ["yearOfRegistration"]
    assert (ctdc.k, ctdc.privacy.round_to) == (10, 10)


@pytest.mark.shared_data
def test_the_codes_of_the_released_file_are_in_the_country_domain(ctdc, shared):
    codes = (shared / "data" / "ctdc_v2021_iso3_domain.txt").read_text().split()
    assert len(codes) == 161
    assert set(codes) <= ctdc.domain_of("citizenship").known
    assert ctdc.domain_of("citizenship") is ctdc.domain_of("CountryOfExploitation")


def test_kosovo_and_tibet_are_told_as_the_book_tells_them(ctdc):
    (recode,) = (one for one in ctdc.rules if one.id == "un-boundaries")
    assert {recode.params.map[code] for code in ("XKX", "XKK", "RKS", "Kosovo")} == {"SRB"}
    assert recode.params.map["Tibet"] == "CHN"


PURPOSE = {
    "isForcedLabour": [name for name in PRINTED if name.startswith("typeOfLabour")],
    "isSexualExploit": [name for name in PRINTED if name.startswith("typeOfSex")],
}


def test_a_type_without_its_purpose_is_warned_of_for_each_of_the_eight_types(ctdc):
    found = []
    for check in ctdc.checks:
        match check.never:
            case (type_, purpose) if purpose.missing:
                assert type_.values == ("1",)
                assert check.severity == "warning"
                assert len(check.because) > 20
                found.append((purpose.var, type_.var))
    assert sorted(found) == sorted((key, one) for key, types in PURPOSE.items() for one in types)
    assert len(found) == 8


# ----------------------------------------------------------------------------------- the object


def test_a_variable_with_several_values_has_a_column_for_each(toy):
    names = [column.name for column in toy.columns]
    assert names == [
        *("year", "gender", "ageBroad", "means=Debt", "means=Threats", "means=Violence", "forced"),
    ]
    assert toy.columns[3].codes == ("1",)
    assert toy.columns[3].cell(0) == "Debt"
    assert toy.columns[1].cell(1) == "Male"


def test_every_name_and_alias_leads_to_its_own(toy):
    assert toy.names["ageband"] == toy.names["ageBroad"] == "ageBroad"
    assert set(toy.names) == {*toy.variables, *toy.inputs, "ageband"}


def test_what_a_codebook_knows_of_roles_and_missing_values(toy):
    assert toy.identifiers == ("caseNumber",)
    assert toy.quasi_identifiers == ("year", "gender", "ageBroad")
    assert toy.missing_codes == {"", "NULL"}
    assert toy.separator_of("means") == ";"
    assert toy.separator_of("gender") == toy.separator_of("age") == ""
    assert toy.domain_of("caseNumber").is_open
    assert toy.find_domain("nix") is None
    assert toy.variables["gender"].name == "gender"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{var:a} and {vars:a..b}", [("var", "a"), ("vars", "a..b")]),
        ("{note:x-y}{section:s}", [("note", "x-y"), ("section", "s")]),
        ("{from}--{to} {} {:} {a b:c}", []),
    ],
)
def test_references_are_found_in_prose(text, found):
    assert REFERENCE.findall(text) == found
