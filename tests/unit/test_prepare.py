"""Preparing: what does not fit stops, what was allowed is noted, and nobody's data are told."""

import re
import time

import pyarrow as pa
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.codebook.columns import Column
from ctdc_framework.codebook.rules import BUILT_IN
from ctdc_framework.contract.results import Severity
from ctdc_framework.errors import DataError
from ctdc_framework.preparation.prepare import prepare
from ctdc_framework.records.files import raw_of_arrow
from ctdc_framework.records.tables import cell_texts

HEADER = """\
[codebook]
dsl     = 1
id      = "small"
title   = "Made for one test"
version = "1.0.0"

[privacy]
k        = 3
round_to = 3

[missing]
codes = [
  { code = "-99", reason = "not-recorded" },
  { code = "NULL", reason = "not-recorded" },
]

[domains.letter]
kind   = "enum"
values = [{ code = "A" }, { code = "B" }, { code = "C" }]

[domains.age-band]
kind  = "bands"
bands = [{ from = 0, to = 17 }, { from = 18 }]
"""

VARIABLE = """
[variables.{name}]
domain     = "{domain}"
role       = ["quasi"]
definition = "A variable."
{more}
"""

INPUT = """
[inputs.{name}]
domain = "{domain}"
{more}
"""

RULE = """
[[rules]]
id      = "the-rule"
because = "It is to be tested."
{text}
"""


def raw(**columns):
    """Make a raw file; a text is split at spaces, and `.` is an empty cell."""
    rows = {
        name: [None if cell == "." else cell for cell in cells.split()]
        if isinstance(cells, str)
        else cells
        for name, cells in columns.items()
    }
    return raw_of_arrow(pa.table({n: pa.array(c, pa.string()) for n, c in rows.items()}), "a.csv")


def told(prepared):
    """Give a table's cells by variable, as its file would hold them."""
    return {name: list(cells) for name, cells in cell_texts(prepared.table).items()}


def messages(error):
    return "\n".join([str(error), *(f"{p.message} {p.help}" for p in error.problems)])


def codes(error):
    return [problem.code for problem in error.problems]


@pytest.fixture(scope="module")
def book(codebook_of):
    """Make a codebook of some variables, inputs (name = domain) and further text."""

    def make(variables, inputs=None, more="", rule=""):
        text = HEADER
        for name, domain in variables.items():
            domain, _, extra = domain.partition("|")
            text += VARIABLE.format(name=name, domain=domain, more=extra)
        for name, domain in (inputs or {}).items():
            domain, _, extra = domain.partition("|")
            text += INPUT.format(name=name, domain=domain, more=extra)
        return codebook_of(text + (RULE.format(text=rule) if rule else "") + more)

    return make


@pytest.fixture
def complete():
    """Columns that the toy codebook takes without a word, to be changed one at a time."""
    return {
        "year": "2019 2020 2021 2019",
        "gender": "Female Male . Female",
        "ageBroad": "0--17 18--29 30+ .",
        "means": ["Debt;Threats", "Violence", None, "Debt"],
        "forced": "1 . 1 .",
    }


# --------------------------------------------------------------------------------- names of columns


def test_a_clean_file_becomes_a_table_without_a_word(toy, complete):
    prepared = prepare(raw(**complete), toy)
    assert told(prepared) == {
        "year": ["2019", "2020", "2021", "2019"],
        "gender": ["Female", "Male", None, "Female"],
        "ageBroad": ["0--17", "18--29", "30+", None],
        "means": ["Debt;Threats", "Violence", None, "Debt"],
        "forced": ["1", None, "1", None],
    }
    assert [note.code for note in prepared.notes] == ["rules-skipped"]


def test_columns_may_come_in_any_order_and_under_an_alias(toy, complete):
    complete["ageband"] = complete.pop("ageBroad")
    backwards = dict(reversed(complete.items()))
    prepared = prepare(raw(**backwards), toy)
    assert list(told(prepared)) == list(toy.variables)
    assert told(prepared)["ageBroad"] == ["0--17", "18--29", "30+", None]


def test_two_columns_for_one_variable_stop(toy, complete):
    with pytest.raises(DataError, match="`ageBroad` and `ageband` are both `ageBroad`"):
        prepare(raw(**complete, ageband="0--17 . . ."), toy)


def test_an_unknown_column_stops_with_a_suggestion(toy, complete):
    complete["Gender"] = complete["gender"]
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert codes(caught.value) == ["CB301"]
    assert "column `Gender` is not in the codebook toy" in str(caught.value)
    assert "did you mean `gender`?" in str(caught.value)
    assert "--drop-unknown" in str(caught.value)


def test_every_unknown_column_is_told_at_once(toy, complete):
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete, one="a b c d", two="a b c d"), toy)
    assert codes(caught.value) == ["CB301", "CB301"]


def test_an_unknown_column_can_be_dropped_and_that_is_noted(toy, complete):
    prepared = prepare(raw(**complete, diary="x y z w"), toy, drop_unknown=True)
    (note,) = [note for note in prepared.notes if note.code == "columns-dropped"]
    assert note.severity is Severity.WARNING
    assert note.message.startswith("1 column(s)")
    assert prepared.details["columns_dropped"] == ["diary"]
    assert "diary" not in prepared.table.frame


@pytest.mark.parametrize("drop_unknown", [False, True])
def test_a_first_line_that_is_a_record_is_never_shown(toy, drop_unknown):
    record = raw(Zuzana="x", Kowalska="y", Prague="z")
    with pytest.raises(DataError) as caught:
        prepare(record, toy, drop_unknown=drop_unknown)
    assert "none of its 3 columns is known to toy" in str(caught.value)
    assert not re.search("Zuzana|Kowalska|Prague", messages(caught.value))


def test_a_header_is_shown_short_and_without_what_a_terminal_acts_upon(toy, complete):
    complete["\x1b[2J" + "x" * 100] = complete["gender"]
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert "\x1b" not in messages(caught.value)
    assert "x" * 61 not in messages(caught.value)


# -------------------------------------------------------------------------------------- identifiers


def test_an_identifier_is_dropped_named_and_in_nothing(toy, complete):
    cases = ["C-1", "C-2", "C-3", "C-4"]
    prepared = prepare(raw(**complete, caseNumber=cases), toy)
    assert prepared.details["identifiers_dropped"] == ["caseNumber"]
    assert "identifiers dropped: caseNumber" in [note.message for note in prepared.notes]
    everything = f"{prepared.table.frame.to_dict()} {prepared.notes} {prepared.details}"
    assert "C-1" not in everything
    assert list(told(prepared)) == list(toy.variables)


def test_an_identifier_is_in_no_message_even_where_the_run_stops(toy, complete):
    complete["gender"] = "X X X X"
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete, caseNumber=["Zuzana"] * 4), toy)
    assert "Zuzana" not in messages(caught.value)


# ------------------------------------------------------------------------- missing codes and recode


def test_a_missing_code_is_missing_and_no_value(toy, complete):
    complete["gender"] = "NULL Male Female NULL"
    complete["means"] = ["NULL", "Debt;NULL", "NULL;NULL", None]
    prepared = prepare(raw(**complete), toy)
    assert told(prepared)["gender"] == [None, "Male", "Female", None]
    assert told(prepared)["means"] == [None, "Debt", None, None]


def test_recode_comes_before_the_domain_check(book):
    one = book({"x": "letter"}, rule='op = "recode"\non = ["x"]\nmap = { a = "A", zz = "NULL" }')
    assert told(prepare(raw(x="a zz B"), one)) == {"x": ["A", None, "B"]}


def test_recode_is_done_once_and_not_again_on_its_result(book):
    one = book({"x": "letter"}, rule='op = "recode"\non = ["x"]\nmap = { A = "B", B = "A" }')
    assert told(prepare(raw(x="A B C"), one)) == {"x": ["B", "A", "C"]}


def test_recode_for_one_kind_of_file_leaves_others_alone_and_is_listed_as_skipped(book):
    rule = 'op = "recode"\non = ["x"]\nmap = { a = "A" }\nfile_has = ["mark", "y"]'
    one = book({"x": "letter", "y": "letter|required = false"}, {"mark": "std/text"}, rule=rule)
    prepared = prepare(raw(x="a B", mark="z z", y=". ."), one)
    assert told(prepared)["x"] == ["A", "B"]
    assert prepared.details["rules_skipped"] == []
    for columns in ({"mark": "z z z"}, {"y": ". . ."}, {}):
        with pytest.raises(DataError) as caught:
            prepare(raw(x="a a a", **columns), one)
        assert codes(caught.value) == ["CB302"]
    assert prepare(raw(x="A", y="."), one).details["rules_skipped"] == ["the-rule"]


def test_two_letter_codes_become_three_and_namibia_is_no_missing_value(book):
    country = '[domains.country]\nkind = "country"\nas_of = "2005-01-01"\n'
    one = book({"x": "country"}, more=country, rule='op = "alpha-3"\non = ["x"]')
    assert told(prepare(raw(x="NA DE FRA ."), one)) == {"x": ["NAM", "DEU", "FRA", None]}
    with pytest.raises(DataError) as caught:  # South Sudan has its code since 2011
        prepare(raw(x="SS SS SS"), one)
    assert codes(caught.value) == ["CB302"]


def test_a_variable_that_is_not_required_may_be_absent_and_is_then_missing_throughout(book):
    one = book({"x": "letter|required = false", "y": "letter"})
    prepared = prepare(raw(y="A B"), one)
    assert told(prepared) == {"x": [None, None], "y": ["A", "B"]}
    assert [note.code for note in prepared.notes] == ["variables-absent"]
    assert told(prepare(raw(x="B C", y="A B"), one))["x"] == ["B", "C"]
    with pytest.raises(DataError) as caught:
        prepare(raw(x="A B"), one)
    assert codes(caught.value) == ["CB301"]


def test_recode_reaches_each_value_of_a_list(book):
    rule = 'op = "recode"\non = ["x"]\nmap = { a = "A", none = "" }'
    one = book({"x": 'letter|list = ";"'}, rule=rule)
    prepared = prepare(raw(x=["a;B", "none;a", "none"]), one)
    assert told(prepared) == {"x": ["A;B", "A", None]}


def test_recode_comes_before_a_rule_reads_the_column(book):
    one = book(
        {"x": "letter"},
        {"first": "letter"},
        more=RULE.format(text='op = "coalesce"\nfrom = ["first"]\nto = "x"').replace("the-", "b-"),
        rule='op = "recode"\non = ["first"]\nmap = { a = "A" }',
    )
    assert told(prepare(raw(first="a B ."), one)) == {"x": ["A", "B", None]}


# --------------------------------------------------------------------------------------- the domain


@pytest.mark.parametrize(
    ("column", "cells", "advice"),
    [
        ("gender", "female", "did you mean `Female`?"),
        ("ageBroad", "00--17", '{ "00--17" = "0--17" }'),
        ("gender", "Xyzzy", "map them with a recode rule"),
        ("forced", "0", "a flag holds 1 or nothing"),
    ],
)
def test_a_common_value_outside_the_domain_stops_with_advice(toy, complete, column, cells, advice):
    complete[column] = [cells] * 4
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    (problem,) = caught.value.problems
    assert problem.place.data_column == column
    assert f"`{cells}` (about 3 rows)" in problem.message
    assert advice in problem.help


@pytest.mark.parametrize("text", ["-99", "-9", "N/A", "null", ".", "unknown"])
def test_what_looks_like_a_missing_code_has_a_code_of_its_own(toy, complete, text):
    complete["ageBroad"] = [text] * 4
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.data_column) == ("CB304", "ageBroad")
    assert f"holds `{text}`, which is no missing code here, in about 3 rows" in problem.message
    assert f'add {{ code = "{text}", reason = "not-recorded" }} to [missing]' in problem.help


def test_a_missing_code_and_other_values_outside_the_domain_are_told_apart(toy, complete):
    for name, values in complete.items():
        complete[name] = " ".join([values] * 3) if isinstance(values, str) else values * 3
    complete["gender"] = ["-99"] * 4 + ["Mal"] * 3 + ["x", "y", "Male", "Male", "Female"]
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    missing, other = caught.value.problems
    assert (missing.code, other.code) == ("CB304", "CB302")
    assert "in about 3 rows" in missing.message
    assert "outside its domain in about 3 rows: `Mal`" in other.message
    assert "values in fewer than 3 rows are not shown" in other.message


def test_flags_that_pandas_wrote_with_a_point_are_read_and_noted(toy, complete):
    complete["forced"] = ["1.0", "1.0", "1.0", None]
    (note,) = [one for one in prepare(raw(**complete), toy).notes if one.code == "CB303"]
    assert note.message == "`forced` holds `1.0`, read as 1, in about 3 rows"
    complete["forced"] = ["1.0", None, "1", None]
    (note,) = [one for one in prepare(raw(**complete), toy).notes if one.code == "CB303"]
    assert note.message == "`forced` holds `1.0`, read as 1, in fewer than 3 rows"


def test_spaces_around_a_value_are_told_and_not_taken_off(toy, complete):
    complete["gender"] = ["Female "] * 4
    with pytest.raises(DataError, match="it is `Female` with spaces around it"):
        prepare(raw(**complete), toy)


def test_a_zero_in_a_flag_has_a_code_of_its_own_only_where_it_may_be_told(toy, complete):
    complete["forced"] = "0 0 0 1"
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert codes(caught.value) == ["CB331"]
    complete["forced"] = "0 0 1 1"
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert codes(caught.value) == ["CB302"]


def test_problems_of_several_columns_are_told_at_once(toy, complete):
    complete["gender"] = complete["forced"] = ["2", "2", "2", "2"]
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert [one.place.data_column for one in caught.value.problems] == ["gender", "forced"]


def test_whole_numbers_written_as_fractions_are_read(toy, complete):
    complete["year"] = ["2019.0", "2020", "2021.00", "2019"]
    complete["forced"] = ["1.0", None, "1", None]
    complete["age"] = ["31.0", "18", "0", None]
    complete["ageBroad"] = ["30+", "18--29", "0--17", None]
    prepared = prepare(raw(**complete), toy)
    assert told(prepared)["year"] == ["2019", "2020", "2021", "2019"]
    assert told(prepared)["forced"] == ["1", None, "1", None]


@pytest.mark.parametrize("bad", ["31.5", "1e1", "thirty", "31,0", "+31"])
def test_what_is_no_whole_number_stops(toy, complete, bad):
    complete["age"] = [bad] * 4
    with pytest.raises(DataError, match="`age` holds values outside its domain"):
        prepare(raw(**complete), toy)


def test_more_common_values_than_fit_are_counted(toy, complete):
    bad = [f"bad{number}" for number in range(7) for _ in range(4)]
    columns = {"year": ["2019"] * 28, "gender": bad} | {
        name: [None] * 28 for name in ("ageBroad", "means", "forced")
    }
    with pytest.raises(DataError, match=r"`bad4` \(about 3 rows\) and 2 more") as caught:
        prepare(raw(**columns), toy)
    assert "not shown" not in messages(caught.value)


def test_a_variable_that_may_not_be_missing_stops(toy, complete):
    complete["year"] = "2019 . 2020 2021"
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert codes(caught.value) == ["CB306"]
    assert "`year` may not be missing, and is in fewer than 3 rows" in str(caught.value)


def test_a_missing_code_does_not_make_a_variable_known(toy, complete):
    complete["year"] = "2019 NULL 2020 2021"
    with pytest.raises(DataError, match="CB306"):
        prepare(raw(**complete), toy)


# ------------------------------------------------------------------------------- taken for missing


def test_values_outside_can_be_taken_for_missing_and_that_is_noted(toy, complete):
    complete["gender"] = "Alien Male Alien Alien"
    prepared = prepare(raw(**complete), toy, on_unknown="missing")
    assert told(prepared)["gender"] == [None, "Male", None, None]
    (note,) = [note for note in prepared.notes if note.code == "outside-taken-for-missing"]
    assert (
        note.message == "`gender`: values outside the domain in about 3 rows were taken for missing"
    )
    assert note.severity is Severity.WARNING
    assert prepared.details["outside_taken_for_missing"] == {"gender": 3}


def test_what_is_taken_for_missing_is_not_shown_and_not_counted_exactly(toy, complete):
    complete["gender"] = "Alien Male Male Martian"
    prepared = prepare(raw(**complete), toy, on_unknown="missing")
    noted = " ".join(note.message for note in prepared.notes)
    assert "Alien" not in noted
    assert "in fewer than 3 rows" in noted


def test_the_known_values_of_a_list_stay_where_another_is_taken_for_missing(toy, complete):
    complete["means"] = ["Debt;Magic", "Magic", "Violence", None]
    prepared = prepare(raw(**complete), toy, on_unknown="missing")
    assert told(prepared)["means"] == ["Debt", None, "Violence", None]


def test_taking_for_missing_does_not_help_a_variable_that_may_not_be_missing(toy, complete):
    complete["year"] = "2019 1888 2020 2021"
    with pytest.raises(DataError, match="CB306"):
        prepare(raw(**complete), toy, on_unknown="missing")


# ------------------------------------------------------------------------------------------- lists


def test_a_list_is_joined_again_in_codebook_order_each_value_once(toy, complete):
    complete["means"] = ["Violence;Debt", "Debt;Debt", " Debt ; Threats ", ";Threats;;NULL"]
    prepared = prepare(raw(**complete), toy)
    assert told(prepared)["means"] == ["Debt;Violence", "Debt", "Debt;Threats", "Threats"]
    frame = prepared.table.frame
    assert list(frame["means=Debt"].notna()) == [True, True, True, False]
    assert list(frame["means=Threats"].notna()) == [False, False, True, True]
    assert list(frame["means=Violence"].notna()) == [True, False, False, False]


def test_a_value_listed_twice_counts_its_rows_once(toy):
    """Three rows are shown from k = 3 on; two rows that say it twice are two."""
    rows = 8
    columns = {"year": ["2019"] * rows, "means": ["Magic;Magic"] * 2 + [None] * 6}
    columns |= {name: [None] * rows for name in ("gender", "ageBroad", "forced")}
    with pytest.raises(DataError) as caught:
        prepare(raw(**columns), toy)
    assert "Magic" not in messages(caught.value)


def test_several_values_in_a_variable_that_holds_one_stop(toy, complete):
    complete["gender"] = ["Female;Male"] * 4
    with pytest.raises(DataError, match="`Female;Male`"):
        prepare(raw(**complete), toy)


# ------------------------------------------------------------------- a target that the file has too

COALESCE = 'op = "coalesce"\nfrom = ["from"]\nto = "x"\n'


@pytest.mark.parametrize(
    ("mode", "held", "made", "result"),
    [
        ("check", "A . B .", "A . . .", "A . B ."),
        ("fill", "A . B .", "B C . .", "A C B ."),
        ("overwrite", "A . B .", "B C . .", "B C B ."),
    ],
)
def test_a_mode_says_how_a_rule_and_the_file_meet(book, mode, held, made, result):
    rule = COALESCE + (f'mode = "{mode}"' if mode != "check" else "")
    one = book({"x": "letter"}, {"from": "letter"}, rule=rule)
    expected = [None if cell == "." else cell for cell in result.split()]
    assert told(prepare(raw(x=held, **{"from": made}), one)) == {"x": expected}


@pytest.mark.parametrize("made", ["B . . .", ". C . .", "B C . ."])
def test_without_a_mode_another_value_than_the_files_stops(book, made):
    one = book({"x": "letter"}, {"from": "letter"}, rule=COALESCE)
    with pytest.raises(DataError) as caught:
        prepare(raw(x="A . B .", **{"from": made}), one)
    assert codes(caught.value) == ["CB302"]
    assert "rule `the-rule` gives `x` another value than the file in fewer than 3 rows" in str(
        caught.value
    )
    assert 'mode = "fill"' in str(caught.value)
    assert "A" not in re.findall(r"\b[ABC]\b", messages(caught.value))


@pytest.mark.parametrize(
    ("held", "made", "result"),
    [("1 . 1 .", "1 1 . .", "1 1 1 ."), (". . . .", "1 . . .", "1 . . .")],
)
def test_fold_takes_either(toy, complete, held, made, result):
    complete |= {"forced": held, "farm": made}
    expected = [None if cell == "." else cell for cell in result.split()]
    assert told(prepare(raw(**complete), toy))["forced"] == expected


def test_several_folds_add_to_one_target(book):
    fold = 'op = "fold"\nfrom = ["{0}"]\nto = "x"'
    one = book(
        {"x": "std/flag"},
        {"a": "std/flag", "b": "std/flag"},
        rule=fold.format("a"),
        more=RULE.format(text=fold.format("b")).replace("the-rule", "other"),
    )
    assert told(prepare(raw(a="1 . .", b=". 1 ."), one)) == {"x": ["1", "1", None]}
    assert told(prepare(raw(x=". . 1", a="1 . .", b=". 1 ."), one)) == {"x": ["1", "1", "1"]}
    assert told(prepare(raw(b="1 . ."), one)) == {"x": ["1", None, None]}


def test_a_target_that_only_the_file_has_is_read_from_it_and_the_rule_is_listed(book):
    one = book({"x": "letter"}, {"from": "letter"}, rule=COALESCE)
    prepared = prepare(raw(x="A B"), one)
    assert told(prepared) == {"x": ["A", "B"]}
    assert prepared.details["rules_skipped"] == ["the-rule"]
    assert "rules skipped, as the file lacks what they read: the-rule" in [
        note.message for note in prepared.notes
    ]


def test_a_rule_that_runs_is_not_listed_as_skipped(book):
    one = book({"x": "letter"}, {"from": "letter"}, rule=COALESCE)
    prepared = prepare(raw(**{"from": "A B"}), one)
    assert prepared.details["rules_skipped"] == []
    assert prepared.notes == ()


def test_with_neither_target_nor_inputs_both_are_named(book):
    one = book({"x": "letter", "y": "letter"}, {"from": "letter"}, rule=COALESCE)
    with pytest.raises(DataError) as caught:
        prepare(raw(y="A B"), one)
    assert codes(caught.value) == ["CB301"]
    assert "no column `x`, nor anything it is made from" in str(caught.value)
    assert "rule `the-rule` makes it from from" in str(caught.value)


def test_a_column_that_is_not_there_is_named_with_the_nearest_that_was_dropped(toy, complete):
    complete["Forced_"] = complete.pop("forced")
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy, drop_unknown=True)
    assert "did you mean `Forced_`?" in str(caught.value)


def test_a_column_of_another_variable_is_no_suggestion_for_a_missing_one(book):
    one = book({"lettera": "letter", "letterb": "letter"})
    with pytest.raises(DataError) as caught:
        prepare(raw(lettera="A B"), one)
    assert "add the column, empty if need be" in str(caught.value)


def test_rules_feed_one_another_whatever_their_order_in_the_file(book):
    one = book(
        {"x": "letter"},
        {"all": 'letter|list = ";"', "first": "letter"},
        rule='op = "coalesce"\nfrom = ["first"]\nto = "x"',
        more=RULE.format(text='op = "first"\nfrom = "all"\nto = "first"').replace("the-", "z-"),
    )
    assert told(prepare(raw(all=["B;A", "NULL;C", None]), one)) == {"x": ["B", "C", None]}


def test_a_number_that_no_band_holds_stops(toy, complete):
    complete |= {"age": "-1 18 30 .", "ageBroad": [None, "18--29", "30+", None]}
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert codes(caught.value) == ["CB212"]
    assert "rule `age-to-band` finds no place in `ageBroad` for the values of fewer than 3" in str(
        caught.value
    )


def test_a_number_and_a_band_that_agree_are_taken(toy, complete):
    complete["age"] = "17 18 30 ."
    assert told(prepare(raw(**complete), toy))["ageBroad"] == ["0--17", "18--29", "30+", None]


def test_a_number_that_no_band_holds_can_be_taken_for_missing(toy, complete):
    complete |= {"age": "-1 18 30 -5", "ageBroad": [None, "18--29", "30+", None]}
    prepared = prepare(raw(**complete), toy, on_unknown="missing")
    assert told(prepared)["ageBroad"] == [None, "18--29", "30+", None]
    (note,) = [note for note in prepared.notes if note.code == "outside-taken-for-missing"]
    assert "rule `age-to-band` finds no place in `ageBroad`" in note.message
    assert "fewer than 3 rows, which were taken for missing" in note.message
    assert prepared.details["outside_taken_for_missing"] == {"ageBroad": 2}


def test_a_rules_value_outside_the_domain_of_its_target_can_be_taken_for_missing(book):
    one = book({"x": "letter"}, {"from": "letter"}, rule=COALESCE)
    bad = evolve(
        BUILT_IN["coalesce"], apply=lambda _params, _rows: Column.of(["A", "Zuzana", None, "C"])
    )
    rules = {**BUILT_IN, "coalesce": bad}
    prepared = prepare(raw(**{"from": "A B C A"}), one, rules, on_unknown="missing")
    assert told(prepared) == {"x": ["A", None, None, "C"]}
    assert prepared.details["outside_taken_for_missing"] == {"x": 1}


def test_a_file_of_unknown_columns_is_told_in_seconds(toy, complete):
    complete |= {f"genders{number}": [None] * 4 for number in range(9_000)}
    started = time.process_time()
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert time.process_time() - started < 10
    assert len(caught.value.problems) == 9_000


def test_a_rules_value_outside_the_domain_of_its_target_stops(book):
    one = book({"x": "letter"}, {"from": "letter"}, rule=COALESCE)
    bad = evolve(
        BUILT_IN["coalesce"], apply=lambda _params, rows: Column.of(["Zuzana"] * rows.rows)
    )
    with pytest.raises(DataError) as caught:
        prepare(raw(**{"from": "A B C A"}), one, {**BUILT_IN, "coalesce": bad})
    assert "gives values outside the domain of `x` in about 3 rows" in str(caught.value)
    assert "Zuzana" not in messages(caught.value)


# ------------------------------------------------------------------------------------------- checks

CHECK = """
[[checks]]
id       = "a-and-b"
never    = [{{ var = "x", is = "A" }}, {{ var = "y", is = "B" }}]
severity = "{severity}"
because  = "That cannot be."
"""


def test_a_broken_check_warns_and_keeps_its_count_private(book):
    one = book({"x": "letter", "y": "letter"}, more=CHECK.format(severity="warning"))
    prepared = prepare(raw(x="A A A A B", y="B B B B A"), one)
    (note,) = prepared.notes
    assert (note.code, note.severity) == ("check-broken", Severity.WARNING)
    assert note.message == "check `a-and-b` does not hold in about 3 rows: That cannot be."
    assert prepared.details["checks_broken"] == {"a-and-b": 4}


def test_a_broken_check_stops_where_it_is_an_error(book):
    one = book({"x": "letter", "y": "letter"}, more=CHECK.format(severity="error"))
    with pytest.raises(DataError) as caught:
        prepare(raw(x="A B", y="B B"), one)
    assert codes(caught.value) == ["CB305"]
    assert "does not hold in fewer than 3 rows" in str(caught.value)


def test_a_check_that_holds_says_nothing(book):
    one = book({"x": "letter", "y": "letter"}, more=CHECK.format(severity="error"))
    assert prepare(raw(x="A B .", y="A B B"), one).notes == ()


def test_a_check_looks_at_what_the_rules_made(book):
    one = book(
        {"x": "letter", "y": "letter"},
        {"from": "letter"},
        rule=COALESCE,
        more=CHECK.format(severity="error"),
    )
    with pytest.raises(DataError, match="CB305"):
        prepare(raw(**{"from": "A A"}, y="B B"), one)


# ----------------------------------------------------------------------------- what messages tell


@pytest.mark.parametrize(("tell", "shown"), [(0, True), (4, True), (5, False)])
def test_what_is_rarer_than_the_runs_largest_k_is_not_shown(toy, complete, tell, shown):
    complete["gender"] = ["Alien"] * 4
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy, tell=tell)
    assert ("Alien" in str(caught.value)) is shown


def test_the_codebooks_k_holds_where_the_runs_is_smaller(toy, complete):
    complete["gender"] = "Alien Alien Male ."
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy, tell=2)
    assert "Alien" not in messages(caught.value)
    assert "values in fewer than 3 rows are not shown" in str(caught.value)


K = 9
RARE = st.dictionaries(
    st.sampled_from(["Zuzana", "Jitka", "0", "11", "USA;CZE", "09--17"]),
    st.integers(1, K - 1),
    min_size=1,
    max_size=5,
)
COMMON = st.dictionaries(st.sampled_from(["Alien", "5"]), st.integers(K, 40), max_size=2)


@given(
    rare=RARE,
    common=COMMON,
    column=st.sampled_from(["gender", "ageBroad", "means", "forced", "age", "year"]),
    on_unknown=st.sampled_from(["stop", "missing"]),
)
def test_no_message_tells_a_rare_value_or_a_small_number(toy, rare, common, column, on_unknown):
    cells = [text for text, count in (rare | common).items() for _ in range(count)]
    columns = {name: [None] * len(cells) for name in toy.variables} | {
        "year": ["2019"] * len(cells),
        column: cells,
    }
    try:
        prepared = prepare(raw(**columns), toy, on_unknown=on_unknown, tell=K)
        said = " ".join(note.message for note in prepared.notes)
    except DataError as error:
        said = messages(error)
    for text in rare:
        if not text.isdigit():
            assert text not in said
    # Numbers are k, multiples of k, and what is in the codebook or in values shown.
    allowed = {"1", "301", "302", "306", "331", "212", "17", "18", "29", "30", "2019", "2021"}
    for number in set(re.findall(r"\d+", said)) - allowed - set(common):
        assert int(number) % K == 0, said


def test_a_large_number_of_rows_is_rounded_down(toy):
    rows = 1000
    columns = {name: [None] * rows for name in toy.variables} | {"year": ["2019"] * rows}
    columns["gender"] = ["Alien"] * 997 + [None] * 3
    with pytest.raises(DataError, match="in about 990 rows"):
        prepare(raw(**columns), toy, tell=10)


def test_a_value_is_shown_short_and_without_what_a_terminal_acts_upon(toy, complete):
    complete["gender"] = ["\x1b[31m" + "x" * 500] * 4
    with pytest.raises(DataError) as caught:
        prepare(raw(**complete), toy)
    assert "\x1b" not in messages(caught.value)
    assert "x" * 61 not in messages(caught.value)


def test_nothing_of_the_records_is_in_what_is_printed_of_the_result(toy, complete):
    prepared = prepare(raw(**complete), toy)
    assert "Female" not in repr(prepared.table)


# ------------------------------------------------------------------------------------- subjects


@pytest.fixture
def by_subject(toy_text, codebook_of):
    return codebook_of(toy_text.replace("round_to = 3", 'round_to = 3\nsubject = "caseNumber"'))


def test_subjects_with_several_records_are_noted_and_nobody_is_named(by_subject, complete):
    prepared = prepare(raw(**complete, caseNumber=["a", "a", "a", "b"]), by_subject)
    (note,) = [one for one in prepared.notes if one.code == "subjects-repeated"]
    assert note.message == "subjects have several records, by `caseNumber`: about 3 rows"
    assert "caseNumber" not in told(prepared)


def test_whose_a_record_is_has_to_be_known_of_each(by_subject, complete):
    with pytest.raises(DataError, match="no column `caseNumber`, by which subjects") as caught:
        prepare(raw(**complete), by_subject)
    assert codes(caught.value) == ["CB301"]
    with pytest.raises(DataError, match="is missing in fewer than 3 rows") as caught:
        prepare(raw(**complete, caseNumber=["a", "b", "NULL", None]), by_subject)
    assert codes(caught.value) == ["CB306"]
