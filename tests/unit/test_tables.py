"""The table: its frame, its codes and its codebook never disagree."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ctdc_framework.codebook.model import COUNT
from ctdc_framework.records.tables import Shape, Table, dtype_of, table_of_codes


def matrices(codebook, most=12):
    """Draw matrices of codes that a codebook's columns can have."""
    sizes = [len(column.codes) for column in codebook.columns]
    rows = st.lists(st.tuples(*[st.integers(-1, size - 1) for size in sizes]), max_size=most)
    return rows.map(lambda rows: np.array(rows, dtype=np.int16).reshape(-1, len(sizes)))


@pytest.fixture
def table(toy):
    return table_of_codes(
        toy, toy.columns, np.array([[0, 0, 0, 0, -1, -1, 0], [1, -1, 2, -1, 0, 0, -1]])
    )


@pytest.fixture
def counts(toy):
    codes = np.array([[-1, 0, -1, -1, -1, -1, -1], [-1] * 7], dtype=np.int16)
    return table_of_codes(toy, toy.columns, codes, np.array([3, 9]))


def test_columns_are_variables_or_the_presence_of_one_value(table, toy):
    assert list(table.frame) == [
        "year", "gender", "ageBroad", "means=Debt", "means=Threats", "means=Violence", "forced",
    ]  # fmt: skip
    assert [column.variable for column in table.columns] == [
        "year", "gender", "ageBroad", "means", "means", "means", "forced",
    ]  # fmt: skip
    assert table.sizes == (3, 2, 3, 1, 1, 1, 1)
    assert table.column_numbers(["forced", "means"]) == [3, 4, 5, 6]


def test_bands_and_ranges_have_an_order_and_lists_of_values_have_none(table):
    ordered = {name: column.cat.ordered for name, column in table.frame.items()}
    assert [name for name, is_ordered in ordered.items() if is_ordered] == ["year", "ageBroad"]
    assert list(table.frame["ageBroad"].cat.categories) == ["0--17", "18--29", "30+"]
    assert list(table.frame["ageBroad"] > "0--17") == [False, True]


@given(data=st.data())
def test_codes_and_frame_hold_the_same(toy, data):
    codes = data.draw(matrices(toy))
    table = table_of_codes(toy, toy.columns, codes)
    assert np.array_equal(table.codes, codes)
    assert len(table) == len(codes)
    for number, column in enumerate(table.columns):
        cells = [None if code < 0 else column.codes[code] for code in codes[:, number].tolist()]
        held = table.frame[column.name].astype(object).where(lambda s: s.notna(), None)
        assert list(held) == cells
    assert np.array_equal(table.with_codes(table.codes).codes, codes)
    assert np.array_equal(table.with_frame(table.frame).codes, codes)


@given(data=st.data())
def test_rows_can_be_chosen_and_are_numbered_anew(toy, data):
    codes = data.draw(matrices(toy))
    kept = data.draw(arrays.arrays(bool, len(codes)))
    table = table_of_codes(toy, toy.columns, codes)
    chosen = table.with_frame(table.frame[kept])
    assert np.array_equal(chosen.codes, codes[kept])
    assert list(chosen.frame.index) == list(range(kept.sum()))
    assert chosen.shape is table.shape


def test_codes_are_int16_in_one_piece_and_read_only(table):
    assert table.codes.dtype == np.int16
    assert table.codes.flags.c_contiguous
    assert table.codes is table.codes
    with pytest.raises(ValueError, match="read-only"):
        table.codes[0, 0] = 1


def test_other_rows_have_other_codes(table):
    assert len(table.codes) == 2
    assert len(table.with_frame(table.frame[:1]).codes) == 1


def test_a_table_may_have_some_of_the_columns(table, toy):
    some = Table(frame=table.frame[["gender", "forced"]], shape=Shape.RECORDS, codebook=toy)
    assert [column.name for column in some.columns] == ["gender", "forced"]
    assert np.array_equal(some.codes, table.codes[:, [1, 6]])


def test_counts_come_last_and_are_no_column(counts, toy):
    assert counts.shape is Shape.COUNTS
    assert list(counts.frame)[-1] == COUNT
    assert counts.counts.tolist() == [3, 9]
    assert len(counts.columns) == len(toy.columns) == counts.codes.shape[1]
    fewer = counts.with_frame(counts.frame[1:])
    assert (fewer.shape, fewer.counts.tolist()) == (Shape.COUNTS, [9])


def wrong_frames(frame):
    year = frame["year"]
    yield "strings", frame.assign(gender=["Female", "Male"])
    yield "other categories", frame.assign(gender=pd.Categorical(["Female", "X"]))
    yield "fewer categories", frame.assign(gender=frame["gender"].cat.remove_unused_categories())
    yield "an order taken", frame.assign(year=year.cat.as_unordered())
    yield "an order given", frame.assign(gender=frame["gender"].cat.as_ordered())
    yield "an order changed", frame.assign(year=year.cat.reorder_categories(
        ["2021", "2020", "2019"], ordered=True))  # fmt: skip
    yield "another order of columns", frame[list(frame)[::-1]]
    yield "a column more", frame.assign(name="x")
    yield "a column twice", frame[["gender", "gender"]]
    yield "counts in records", frame.assign(count=1)
    yield "rows numbered otherwise", frame[::-1]
    yield "rows numbered twice", pd.concat([frame, frame])
    yield "rows with names", frame.set_axis(["a", "b"])


@pytest.mark.parametrize("number", range(13))
def test_a_frame_that_is_not_the_codebooks_is_not_taken(table, toy, number):
    frames = list(wrong_frames(table.frame))
    assert len(frames) == 13
    with pytest.raises(ValueError, match=r"encoded|columns|numbered"):
        Table(frame=frames[number][1], shape=Shape.RECORDS, codebook=toy)


@pytest.mark.parametrize(
    "frame",
    [
        lambda frame: frame.drop(columns=COUNT),
        lambda frame: frame.assign(count=frame[COUNT].astype(float)),
        lambda frame: frame.assign(count=frame[COUNT].astype("Int64")),
        lambda frame: frame.assign(count=frame[COUNT].astype("int32")),
        lambda frame: frame[[COUNT, *list(frame)[:-1]]],
    ],
    ids=["none", "floats", "with missing", "narrow", "first"],
)
def test_a_table_of_counts_ends_in_whole_numbers(counts, toy, frame):
    with pytest.raises(ValueError, match="ends in a column count of whole numbers"):
        Table(frame=frame(counts.frame), shape=Shape.COUNTS, codebook=toy)


def test_what_is_said_of_a_wrong_frame_is_not_its_content(table, toy):
    with pytest.raises(ValueError, match="encoded") as caught:
        Table(
            frame=table.frame.assign(gender=["Zuzana", "Female"]),
            shape=Shape.RECORDS,
            codebook=toy,
        )
    assert "Zuzana" not in str(caught.value)


@pytest.mark.parametrize("bad", [-2, 3, 300])
def test_a_code_that_a_column_does_not_have_is_refused(table, bad):
    codes = table.codes.copy()
    codes[0, 0] = bad
    with pytest.raises(ValueError, match="codes need to be between -1 and"):
        table.with_codes(codes)


@pytest.mark.parametrize("shape", [(2, 6), (2, 8), (7,)])
def test_codes_of_another_width_are_refused(table, shape):
    with pytest.raises(ValueError, match="do not fit 7 columns"):
        table.with_codes(np.zeros(shape, dtype=np.int16))


def test_counts_are_never_made_whole_in_silence(counts):
    with pytest.raises(TypeError):
        counts.with_codes(counts.codes, np.array([2.5, 9.0]))
    assert counts.with_codes(counts.codes, np.array([2, 9], dtype=np.int32)).counts.dtype == "int64"


def test_as_many_counts_as_rows(counts):
    with pytest.raises(ValueError, match=r"[Ll]ength"):
        counts.with_codes(counts.codes, np.array([1]))


def test_a_dtype_is_made_once(toy):
    one, two = toy.columns[3:5]
    assert dtype_of(toy, one) is dtype_of(toy, two)
    assert not dtype_of(toy, one).ordered


def test_the_presence_of_a_band_has_no_order(codebook_of, toy_text):
    listed = codebook_of(toy_text.replace('domain     = "means"', 'domain     = "age-band"'))
    presence = next(column for column in listed.columns if column.name == "means=0--17")
    assert not dtype_of(listed, presence).ordered


def test_a_table_without_rows_is_a_table(toy):
    table = table_of_codes(toy, toy.columns, np.empty((0, 7), dtype=np.int16))
    assert (len(table), table.codes.shape) == (0, (0, 7))


def test_what_a_table_prints_is_no_record(table):
    assert "Female" not in repr(table)


def test_generalised_values_come_after_the_domains_own_and_know_what_lies_below(graded):
    age = graded.columns[2]

    assert age.codes == ("0--17", "18--29", "30+", "18+", "0+")
    assert age.below == {3: (1, 2, 3), 4: (0, 1, 2, 3, 4)}
    table = table_of_codes(graded, graded.columns, np.array([[0, 0, 4, -1, -1, -1, -1]], np.int16))
    assert table.frame["ageBroad"].tolist() == ["0+"]
    assert table.generalised == {(2, 3): (1, 2, 3), (2, 4): (0, 1, 2, 3, 4)}


def test_a_cell_that_lists_several_values_holds_no_generalised_one(codebook_of, toy_text):
    book = codebook_of(
        toy_text.replace('list       = ";"', 'list       = ";"\nhierarchy  = "means"')
        + """
[hierarchies.means]
domain = "means"

[[hierarchies.means.levels]]
name   = "any"
groups = [{ code = "Any", members = ["Debt", "Threats", "Violence"] }]
"""
    )

    assert set(book.release_domains["means"]) == {"Debt", "Threats", "Violence"}
