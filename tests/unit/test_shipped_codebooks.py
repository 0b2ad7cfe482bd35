"""The shipped codebooks against the data and the facts that they describe."""

import csv
import gzip

import pytest

from ctdc_framework.codebook_io import load_codebook

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
