"""What a command line states, and what a plan's names may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.errors import PlanError
from ctdc_framework.plans.entries import CandidateEntry, GateEntry, PlanHeader, entry_of_options


def params_of(*params, strategies=("k-anonymization",)):
    return [stage.params for stage in entry_of_options(strategies, params).stages]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("k=10", 10),
        ("k = 10", 10),
        ("k=10.5", 10.5),
        ("k=true", True),
        ("k=records", "records"),
        ('k="10"', "10"),
        ("k=gender,ageBroad", ["gender", "ageBroad"]),
        ("k=gender, ageBroad", ["gender", "ageBroad"]),
        ('k=["gender"]', ["gender"]),
        ("k=", ""),
        ("k=a=b", "a=b"),
        ("k=[[[", "[[["),
        ("k=" + "9" * 5000, "9" * 5000),
        ("k=" + "[" * 5000, "[" * 5000),
        ("k=1\nx = 2", "1\nx = 2"),
    ],
)
def test_a_value_is_read_as_in_toml_and_a_plain_word_is_a_text(written, value):
    assert params_of(written) == [{"k": value}]


@given(st.text(max_size=20))
def test_any_value_is_read(text):
    assert set(params_of(f"k={text}")[0]) == {"k"}


@pytest.mark.parametrize("written", ["k", "=5", "", "k-anonymization.=5", "other.k=5"])
def test_what_is_no_parameter_is_refused_by_its_own_words(written):
    with pytest.raises(PlanError) as caught:
        params_of(written)
    assert f"--param {written}" in str(caught.value)


def test_of_several_strategies_each_parameter_says_whose_it_is():
    chain = ("k-synthesis", "tabulate", "rounding")
    given = params_of("k-synthesis.k=5", "rounding.base=4", strategies=chain)
    assert given == [{"k": 5}, {}, {"base": 4}]
    with pytest.raises(PlanError, match=r"--param k-synthesis\.k=5"):
        params_of("k=5", strategies=chain)
    with pytest.raises(PlanError, match="did you mean `rounding`"):
        params_of("roundng.base=5", strategies=chain)


def test_the_candidate_is_named_by_its_strategies_and_its_stages_apart():
    entry = entry_of_options(["rounding", "rounding"], [])
    assert entry.name == "rounding+rounding"
    assert [stage.id for stage in entry.stages] == ["rounding", "rounding-2"]
    many = entry_of_options(["k-anonymization"] * 9, [])
    assert len(many.name) == 64


def test_tables_are_counted_from_the_original_and_rounded():
    entry = entry_of_options(["k-synthesis"], [], tables=3)
    assert [stage.strategy for stage in entry.tables] == ["tabulate", "rounding"]
    assert entry.tables[0].params == {"length": 3}
    assert entry_of_options(["k-synthesis"], []).tables == ()


@pytest.mark.parametrize("name", ["k synthesis", "", "../x", "ä", "a" * 65])
def test_what_cannot_be_a_strategys_name_is_refused_without_a_traceback(name):
    with pytest.raises(PlanError, match="--strategy"):
        entry_of_options([name], [])


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", "a b", "", "a" * 65, "-x", "a\n"])
def test_a_candidates_name_can_be_a_folders(name):
    with pytest.raises(ValueError, match="letters, digits"):
        CandidateEntry(name=name)
    assert CandidateEntry(name="k-synthesis_v1.0+x").name


@pytest.mark.parametrize("seeds", [0, 101])
def test_seeds_are_from_1_to_100(seeds):
    with pytest.raises(ValueError, match="seeds"):
        PlanHeader(codebook="x", seeds=seeds)


def test_a_gate_looks_at_every_part_unless_it_says_which():
    assert GateEntry(measure="m", op="==", value=0).slice == "all"
