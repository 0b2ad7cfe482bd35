"""What tests share: a toy codebook, a way to load one from text, and data that may be absent.

Everything is a fixture, as test files cannot import one another; all but `shared` are made once
for the whole run, so that Hypothesis may use them.
"""

from itertools import count
from pathlib import Path

import pytest

from ctdc_framework.language.load import load_codebook

collect_ignore = ["mutants/run.py"]  # a command, which needs an extra

SHARED = Path(__file__).resolve().parents[2] / "shared"

TOY = """\
[codebook]
dsl     = 1
id      = "toy"
title   = "Five variables, one of them multi-valued"
version = "1.0.0"
order   = ["year", "gender", "ageBroad", "means", "forced"]

[privacy]
k        = 3
round_to = 3

[missing]
codes = [{ code = "NULL", reason = "not-recorded" }]

[domains.year]
kind = "range"
min  = 2019
max  = 2021

[domains.gender]
kind   = "enum"
values = [{ code = "Female" }, { code = "Male" }]

[domains.age-band]
kind      = "bands"
unit      = "year"
read_dash = "any"
bands     = [{ from = 0, to = 17 }, { from = 18, to = 29 }, { from = 30 }]

[domains.means]
kind   = "enum"
values = [{ code = "Debt" }, { code = "Threats" }, { code = "Violence" }]

[variables.year]
domain     = "year"
role       = ["quasi"]
nullable   = false
definition = "Year of registration."

[variables.gender]
domain     = "gender"
role       = ["quasi"]
definition = "Gender."

[variables.ageBroad]
domain     = "age-band"
role       = ["quasi"]
aliases    = ["ageband"]
definition = "Age at registration, in bands."

[variables.means]
domain     = "means"
role       = ["sensitive"]
list       = ";"
definition = "Every means of control that is known."

[variables.forced]
domain     = "std/flag"
role       = ["sensitive"]
definition = "Whether the person was made to work; see {var:means}."

[inputs.caseNumber]
role = "identifier"

[inputs.age]
domain = "std/integer"

[inputs.farm]
domain = "std/flag"

[[rules]]
id      = "age-to-band"
op      = "bin"
from    = "age"
to      = "ageBroad"
because = "An exact age singles people out."

[[rules]]
id      = "rare-labour"
op      = "fold"
from    = ["farm"]
to      = "forced"
because = "Too rare to be shown by itself."
"""

HIERARCHY = """
[hierarchies.age]
domain = "age-band"

[[hierarchies.age.levels]]
name  = "majority"
bands = [{ from = 0, to = 17 }, { from = 18 }]

[[hierarchies.age.levels]]
name  = "any"
bands = [{ from = 0 }]
"""


def pytest_collection_modifyitems(items):
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason=f"needs the data in {SHARED}")
    for item in items:
        if item.get_closest_marker("shared_data"):
            item.add_marker(absent)


@pytest.fixture
def shared():
    """The folder of data that are no part of the project; for tests marked `shared_data`."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the data in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def file_of(tmp_path_factory):
    """Write a text to a new file, as it is, and give its path."""
    folder, numbers = tmp_path_factory.mktemp("texts"), count()

    def write(text, suffix=".toml"):
        path = folder / f"file{next(numbers)}{suffix}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture(scope="session")
def codebook_of(file_of):
    """Load a codebook from its TOML text; raises `CodebookError` as `load_codebook` does."""
    return lambda text: load_codebook(file_of(text))


@pytest.fixture(scope="session")
def toy_text():
    """The toy codebook's TOML, to be changed with `str.replace`."""
    return TOY


@pytest.fixture(scope="session")
def toy(codebook_of):
    """The toy codebook, loaded: year, gender, ageBroad, means (several in a cell), forced."""
    return codebook_of(TOY)


@pytest.fixture(scope="session")
def graded(codebook_of):
    """The toy codebook with a hierarchy of ageBroad: 0--17 and 18+, then 0+."""
    named = TOY.replace('domain     = "age-band"', 'domain     = "age-band"\nhierarchy  = "age"')
    return codebook_of(named + HIERARCHY)


@pytest.fixture(scope="session")
def marked(file_of):
    """Write a text without its mark « and give the path, and line and column of what it marks."""

    def write(text):
        before, mark, after = text.partition("«")
        assert mark
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return file_of(before + after), (line, column)

    return write
