"""The fabricated cases: repeatable, fit for the codebook, difficult in the ways they claim."""

import numpy as np
import pytest

from ctdc_framework.demo.records import FLAGS, GENDER_SINCE, KOSOVO, MISSING, YEARS, fabricate_cases
from ctdc_framework.language.load import load_codebook
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.records.files import raw_of_arrow

ROWS = 10_000


@pytest.fixture(scope="module")
def cases():
    return fabricate_cases(ROWS, np.random.default_rng(5))


@pytest.fixture(scope="module")
def frame(cases):
    return cases.to_pandas()


@pytest.fixture(scope="module")
def codebook():
    return load_codebook("ctdc-2021")


@pytest.fixture(scope="module")
def prepared(cases, codebook):
    return prepare(raw_of_arrow(cases, "cases"), codebook)


def test_the_same_seed_gives_the_same_table(cases):
    assert fabricate_cases(ROWS, np.random.default_rng(5)).equals(cases)
    assert not fabricate_cases(ROWS, np.random.default_rng(6)).equals(cases)


def test_names_and_case_numbers_are_unique_and_plain_to_see(frame):
    assert frame["caseNumber"].is_unique
    assert frame["caseNumber"].str.fullmatch(r"C-\d{4}-\d{6}").all()
    assert (frame["caseNumber"].str[2:6] == frame["yearOfRegistration"]).all()
    assert frame["name"].is_unique
    assert frame["name"].str.fullmatch(r"[A-Z][a-z]{4,} [A-Z][a-z]{4,}").all()


def test_every_column_is_declared_and_holds_text(cases, codebook):
    assert set(cases.column_names) <= {*codebook.inputs, *codebook.variables}
    assert {str(one.type) for one in cases.schema} == {"string"}
    assert not any(column.null_count for column in cases.columns)


def test_every_identifier_of_the_codebook_is_there(cases, codebook):
    assert set(codebook.identifiers) <= set(cases.column_names)


def test_flags_are_1_or_blank_and_each_occurs(frame):
    assert frame[list(FLAGS)].isin(["1", ""]).all(axis=None)
    never = [name for name in FLAGS if not (frame[name] == "1").any()]
    assert never == []


def test_what_is_missing_follows_the_contributor(frame):
    known = ~frame.isin(MISSING)
    share = known.groupby(frame["contributor"]).mean()
    assert share.loc["Polaris", "citizenships"] < 0.4
    assert share.loc["IOM", "citizenships"] > 0.95
    assert share.loc["IOM", "age"] < 0.75 < 0.85 < share.loc["Polaris", "age"]
    assert share.loc["IOM", "typeOfSexPornography"] == 0
    assert share.loc["Polaris", "typeOfSexPornography"] > 0
    assert share.loc["Liberty Shared", "citizenships"] == 0
    others = share.drop(index="Liberty Shared")
    assert share.loc["Liberty Shared", "countryOfOrigin"] > 0.8
    assert (others[["countryOfOrigin", "recruiterRelationBroker"]] == 0).all(axis=None)
    assert (share.drop(index="IOM")["countryOfIomMission"] == 0).all()


def test_missing_is_written_in_several_ways(frame):
    ages = frame["age"].groupby(frame["contributor"]).unique().map(set)
    assert {"", "-99"} <= ages["IOM"]
    assert "NULL" in ages["Liberty Shared"]
    assert not {"NULL", "-99"} & ages["Polaris"]


def test_years_keep_to_when_each_contributor_collected(frame):
    year = frame["yearOfRegistration"].astype(int)
    found = year.groupby(frame["contributor"]).agg(["min", "max"])
    by = dict(zip(("IOM", "Polaris", "Liberty Shared", "A21", "OTSH"), YEARS, strict=True))
    for contributor, (first, last) in by.items():
        assert first <= found.loc[contributor, "min"] <= found.loc[contributor, "max"] <= last
    early = (frame["contributor"] == "IOM") & (year < GENDER_SINCE)
    assert not frame.loc[early, "gender"].str.startswith("Trans").any()
    assert not (frame.loc[early, "typeOfSexPrivateSexualServices"] == "1").any()


def test_several_citizenships_and_codes_of_kosovo_occur(frame):
    several = frame["citizenships"].str.contains(";")
    assert several.any()
    assert set(frame.loc[several, "contributor"]) == {"Polaris"}
    assert set(KOSOVO) <= set(frame["citizenships"])


def test_the_codebook_reads_it_with_warnings_only(prepared):
    assert prepared.table.frame.shape == (ROWS, 37)
    skipped = prepared.details["rules_skipped"]
    assert all(one.startswith("k-anonymized-") for one in skipped)  # for files of another kind
    assert len(skipped) == 3
    broken = prepared.details["checks_broken"]
    assert "adult-before-minor" in broken
    assert max(broken.values()) < 100


def test_a_few_types_have_no_purpose(prepared):
    flags = prepared.table.frame.notna()
    labour = flags.filter(like="typeOfLabour").any(axis=1) & ~flags["isForcedLabour"]
    sex = flags.filter(like="typeOfSex").any(axis=1) & ~flags["isSexualExploit"]
    assert 5 < labour.sum() < 100
    assert 5 < sex.sum() < 100


def test_prepared_cases_are_sparse_and_partly_rare(prepared):
    frame = prepared.table.frame
    assert 0.68 < frame.isna().mean().mean() < 0.78
    keys = ["yearOfRegistration", "gender", "ageBroad", "citizenship"]
    size = frame[keys].astype(object).fillna("").groupby(keys).size()
    assert 0.3 < size[size < 10].sum() / ROWS < 0.6
    assert size.max() > 50


def test_few_rows_are_enough():
    assert fabricate_cases(1, np.random.default_rng(0)).num_rows == 1
