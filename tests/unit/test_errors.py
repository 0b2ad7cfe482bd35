"""How a problem reads, and what a message may tell of data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.errors import (
    CtdcError,
    DataError,
    Exit,
    Place,
    PlanError,
    Problem,
    ReleaseRefused,
    did_you_mean,
    nearest,
    one_of,
    tell_rows,
)


def problem(**place):
    return Problem(code="CB001", message="no", place=Place(file="a.toml", **place))


def carets(shown):
    """The text that the carets stand under."""
    _, _, source, under = shown.split("\n")[:4]
    return "".join(
        c for c, mark in zip(source, under.ljust(len(source)), strict=True) if mark == "^"
    )


def test_carets_stand_under_the_place_whatever_is_before_it():
    for before in ("", "    ", "\t\t", "x = ", "\tä\t"):
        source = f"{before}[here] # not here"
        shown = problem(line=7, column=len(before) + 1, width=6, source=source).render()
        assert carets(shown) == "[here]"
        assert shown.startswith("a.toml:7:")


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 50))
def test_of_a_long_line_the_part_around_the_place_is_shown(before, after, width):
    source = "." * before + "X" * width + "." * after
    shown = problem(line=1234, column=before + 1, width=width, source=source).render()
    assert carets(shown) == "X" * width
    assert max(map(len, shown.split("\n"))) < 180


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 12), st.integers(1, 200))
def test_in_a_narrow_terminal_the_line_fits_and_what_is_left_out_is_marked(
    before, after, width, columns
):
    source = "." * before + "X" * width + "." * after
    shown = problem(line=12, column=before + 1, width=width, source=source).render(columns)
    assert carets(shown) == "X" * width
    room = max(columns, 36)  # no terminal is narrower
    line = shown.split("\n")[2]
    assert len(line) <= room
    assert line[5:].strip("…") in source
    assert ("…" in line) == (len(source) > min(160, max(30, columns - 5)))


def test_a_control_character_of_a_file_does_not_reach_the_terminal():
    assert "\x1b" not in problem(line=1, column=1, source="a\x1b[2Jb").render()


def test_without_a_line_only_the_file_is_named_and_the_help_comes_after():
    shown = Problem(code="CB011", message="no", help="add it", place=Place(file="a.toml")).render()
    assert shown == "a.toml: error[CB011]: no\n  = help: add it"
    assert Problem(code="X", message="no", level="warning").render() == "warning[X]: no"


def test_a_place_in_data_names_the_column_and_no_row():
    assert str(Place(file="cases.csv", data_column="age")) == "cases.csv: column age"


def test_an_error_says_all_its_problems_and_scripts_get_its_exit_code():
    error = PlanError(problems=[problem(line=1, column=1), problem(line=2, column=2)])
    assert str(error).count("error[CB001]") == 2
    assert str(CtdcError("no", help="do")) == "no\n  = help: do"
    assert (error.exit_code, ReleaseRefused.exit_code) == (Exit.USER, Exit.REFUSED)
    assert issubclass(DataError, CtdcError)
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 70]


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("ageBraod", ["ageBroad", "gender"], ["ageBroad"]),
        ("GENDER", ["ageBroad", "gender"], ["gender"]),
        ("typeOfLaborOther", ["typeOfLabourOther", "typeOfSexOther"], ["typeOfLabourOther"]),
        ("countryOfExploitation", ["CountryOfExploitation"], ["CountryOfExploitation"]),
        ("xyz", ["ageBroad"], []),
        ("", ["ageBroad"], []),
        ("=", ["==", ">="], []),
        ("a", [], []),
    ],
)
def test_the_nearest_name_is_suggested_case_not_counting(word, known, near):
    assert list(nearest(word, known)) == near
    assert did_you_mean(word, known) == (f"did you mean `{near[0]}`?" if near else "")


def test_a_list_of_choices_is_cut_where_it_is_long():
    assert one_of("abc") == "a, b, c"
    assert one_of("abcdefghij") == "a, b, c, d, e, f, g, h and 2 more"


@given(st.integers(0, 10**6), st.integers(2, 1000))
def test_rows_are_told_as_fewer_than_k_or_as_a_multiple_of_k(rows, k):
    told = tell_rows(rows, k)
    if rows < k:
        assert told == f"fewer than {k} rows"
    else:
        number = int(told.split()[1])
        assert number % k == 0
        assert number <= rows < number + k
