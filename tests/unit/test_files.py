"""Reading: every cell stays the text it was, and no message repeats one."""

import gzip
import time
import tracemalloc
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.errors import DataError
from ctdc_framework.records.files import raw_of_arrow, read_raw
from ctdc_framework.records.formats import limits, parquet

CANARY = "Zuzana"
"""Stands in cells; a message that holds it has told somebody's data."""

TEXT = 'case,country,age,note\n007,NA,31.0,"a;b, and\nmore"\n008,NULL,,"she said ""no"""\n'
CELLS = {
    "case": ["007", "008"],
    "country": ["NA", "NULL"],
    "age": ["31.0", None],
    "note": ["a;b, and\nmore", 'she said "no"'],
}


def cells_of(raw):
    return {name: column.values() for name, column in raw.columns.items()}


@pytest.fixture
def read(tmp_path):
    """Write bytes to a file of some name and read it."""

    def go(content, name="cases.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_raw(path, **options)

    return go


@pytest.fixture
def read_table(tmp_path):
    """Write an Arrow table as Parquet and read it."""

    def go(columns, name="cases.parquet"):
        path = tmp_path / name
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        pq.write_table(table, path)
        return read_raw(path)

    return go


# ------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("name", "separator"),
    [("a.csv", ","), ("a.CSV", ","), ("a.txt", ","), ("a.tsv", "\t"), ("a.TAB", "\t")],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_name_tells_the_delimiter_and_whether_it_is_packed(read, name, separator, packed):
    content = TEXT.replace(",", separator).replace(f"a;b{separator} and", "a;b, and").encode()
    raw = read(gzip.compress(content) if packed else content, name + (".gz" if packed else ""))
    assert cells_of(raw) == CELLS
    assert raw.rows == 2


def test_a_packed_file_may_be_called_gz_in_capitals(read):
    assert cells_of(read(gzip.compress(TEXT.encode()), "CASES.CSV.GZ")) == CELLS


def test_a_file_packed_in_pieces_is_read_to_its_end(read):
    raw = read(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"), "a.csv.gz")
    assert cells_of(raw) == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize("separator", [";", "|", "\t", "^"])
def test_another_delimiter_can_be_given(read, separator):
    content = TEXT.replace(",", separator).replace(f"a;b{separator} and", "a;b, and")
    assert cells_of(read(content, delimiter=separator)) == CELLS


def test_a_dot_in_the_name_is_no_kind_of_file(read):
    assert read("a,b\n1,2\n", "cases.v1.2020.csv").rows == 1


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_are_no_part_of_a_cell(read, line_end, last, mark):
    content = line_end.join(['"a",b', "1,2", "3,4"]) + (line_end if last else "")
    raw = read(mark + content.encode())
    assert cells_of(raw) == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize(
    "cell", ["NA", "NULL", "nan", "None", "007", "1.0", "1e5", "TRUE", " x ", "-99", "2020-01-01"]
)
def test_nothing_is_guessed_from_a_text(read, cell):
    assert cells_of(read(f"a,b\n{cell},1\n"))["a"] == [cell]


def test_an_empty_cell_is_missing_in_quotation_marks_or_not(read):
    assert cells_of(read('a,b\n"",x\n,y\n')) == {"a": [None, None], "b": ["x", "y"]}


def test_blank_lines_are_no_records_where_there_are_several_columns(read):
    assert cells_of(read("a,b\n1,2\n\n\n3,4\n\n")) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_a_blank_line_is_a_record_where_there_is_one_column(read):
    assert cells_of(read("a\n1\n\n2\n")) == {"a": ["1", None, "2"]}


def test_a_cell_may_be_longer_than_what_is_read_at_once(read):
    long = "x" * 300_000
    assert cells_of(read(f"a,b\n{long},2\n3,4\n")) == {"a": [long, "3"], "b": ["2", "4"]}


def test_distinct_cells_are_kept_once(read):
    column = read("a,b\n" + "x,1\ny,2\n" * 50).columns["a"]
    assert sorted(column.cells) == ["x", "y"]


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"))] * 2),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(",;\t|"),
)
def test_whatever_is_quoted_comes_back(file_of, rows, separator):
    def quoted(cell):
        return '"' + cell.replace('"', '""') + '"'

    lines = [separator.join(map(quoted, row)) for row in [("a", "b"), *rows]]
    raw = read_raw(file_of("\n".join(lines) + "\n", ".csv"), separator)
    assert cells_of(raw) == {
        "a": [one or None for one, _ in rows],
        "b": [two or None for _, two in rows],
    }


# ----------------------------------------------------------------------------------------- Parquet


def test_parquet_gives_texts(read_table):
    raw = read_table(
        {
            "whole": pa.array([1, None, 3]),
            "float": pa.array([1.0, None, 31.5]),
            "text": pa.array(["NA", None, ""]),
            "large": pa.array(["NULL", None, "007"], pa.large_string()),
            "category": pa.array(["x", None, "x"]).dictionary_encode(),
            "nothing": pa.nulls(3),
        }
    )
    assert cells_of(raw) == {
        "whole": ["1", None, "3"],
        "float": ["1", None, "31.5"],
        "text": ["NA", None, None],
        "large": ["NULL", None, "007"],
        "category": ["x", None, "x"],
        "nothing": [None, None, None],
    }


def test_parquet_may_be_packed(read, tmp_path):
    pq.write_table(pa.table({"a": ["NA"]}), tmp_path / "plain.parquet")
    packed = gzip.compress((tmp_path / "plain.parquet").read_bytes())
    assert cells_of(read(packed, "cases.parquet.gz")) == {"a": ["NA"]}


def test_a_folder_named_like_a_partition_adds_no_column(read_table, tmp_path):
    (tmp_path / "year=2019").mkdir()
    assert list(read_table({"a": ["1"]}, "year=2019/cases.parquet").columns) == ["a"]


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.float64()])
def test_a_category_that_is_a_number_is_read_as_its_text(kind):
    values = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array([0, 1], kind))
    assert cells_of(raw_of_arrow(pa.table({"a": values}), "x")) == {"a": ["0", "1", None, "0"]}


def test_categories_that_no_record_has_are_forgotten():
    values = pa.array(["kept", CANARY, None]).dictionary_encode().slice(0, 1)
    assert raw_of_arrow(pa.table({"a": values}), "x").columns["a"].cells == ("kept",)


def test_chunks_with_different_dictionaries_are_one_column():
    chunks = [pa.array(part).dictionary_encode() for part in (["x", "y"], ["y", None, "z"])]
    raw = raw_of_arrow(pa.table({"a": pa.chunked_array(chunks)}), "x")
    assert cells_of(raw) == {"a": ["x", "y", "y", None, "z"]}


# ---------------------------------------------------------------------------------- what is refused

FAR = b"1,2\n" * 300_000
"""More than the first part of the file that is looked at for its header."""

REFUSED = {
    "ragged and Latin-1": (f"a,b\n{CANARY}é\n".encode("latin-1"), "cases.csv", "not UTF-8"),
    "empty": (b"", "cases.csv", "is empty"),
    "only a mark": (b"\xef\xbb\xbf", "cases.csv", "is empty"),
    "blank": (b"\n\r\n  \n", "cases.csv", "is empty"),
    "header only": (b"a,b\n", "cases.csv", "no records"),
    "header without end": (b"a,b", "cases.csv", "no records"),
    "first line blank": (f"\na,b\n{CANARY},2\n", "cases.csv", "first line is blank"),
    "semicolons": (f"a;b\n{CANARY};2\n", "cases.csv", "no comma, but 1 times a semicolon"),
    "tabs": (f"a\tb\n{CANARY}\t2\n", "cases.csv", "no comma, but 1 times a tab"),
    "commas": (f"a,b,c\n{CANARY},2,3\n", "cases.tsv", "no tab, but 2 times a comma"),
    "Latin-1": (f"a,b\n{CANARY},é\n".encode("latin-1"), "cases.csv", "not UTF-8"),
    "Latin-1 far down": (
        b"a,b\n" + FAR + f"{CANARY},é\n".encode("latin-1"),
        "cases.csv",
        "not UTF-8",
    ),
    "UTF-16": (f"a,b\n{CANARY},2\n".encode("utf-16"), "cases.csv", "not UTF-8"),
    "UTF-16 without mark": (f"a,b\n{CANARY},2\n".encode("utf-16-le"), "cases.csv", "NUL"),
    "NUL": (f"a,b\n{CANARY},\0\n", "cases.csv", "NUL"),
    "NUL far down": (b"a,b\n" + FAR + f"{CANARY},\0\n".encode(), "cases.csv", "NUL"),
    "rows too long": (f"a,b\n1,2\n{CANARY},2,3\n", "cases.csv", "2 columns, but some rows have 3"),
    "rows too short": (f"a,b\n1,2\n{CANARY}\n", "cases.csv", "2 columns, but some rows have 1"),
    "rows of all kinds": (
        f"a,b\n{CANARY}\n1,2,3\n1,2,3,4\n1,2,3,4,5\n",
        "cases.csv",
        "some rows have 1, 3, 4 and 1 more",
    ),
    "columns twice": (f"{CANARY},b,{CANARY}\n1,2,3\n", "cases.csv", "1 column name(s)"),
    "quotation mark open": (f'a,b\n1,2\n3,"{CANARY}\n5,6\n', "cases.csv", "mark is not closed"),
    "mark open at the end": (f'a,b\n1,2\n3,"{CANARY}', "cases.csv", "mark is not closed"),
    "mark open in the header": (f'a,"b\n{CANARY},2\n', "cases.csv", "mark is not closed"),
    "header without end in sight": (CANARY * 300_000 + ",b\n1,2\n", "cases.csv", "header cannot"),
    "not packed": (f"a,b\n{CANARY},2\n", "cases.csv.gz", "damaged, or not what its name says"),
    "packed and cut": (
        gzip.compress(f"a,b\n{CANARY},2\n".encode())[:-5],
        "cases.csv.gz",
        "damaged, or not what its name says",
    ),
    "packed and damaged": (
        gzip.compress(f"a,b\n{CANARY},2\n".encode())[:-8] + b"12345678",
        "cases.csv.gz",
        "damaged, or not what its name says",
    ),
    "packed without saying": (gzip.compress(CANARY.encode()), "cases.csv", "not UTF-8"),
    "no Parquet": (f"a,b\n{CANARY},2\n", "cases.parquet", "not a Parquet file"),
    "Parquet cut": (b"PAR1" + CANARY.encode() + b"PAR1", "cases.parquet", "cases.parquet"),
    "an old spreadsheet": (CANARY, "cases.xls", "not read"),
    "no suffix": (CANARY, "cases", "not read"),
    "only packed": (CANARY, "cases.gz", "not read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_cannot_be_read_is_told_without_its_content(read, what):
    content, name, message = REFUSED[what]
    with pytest.raises(DataError) as caught:
        read(content, name)
    told = f"{caught.value} {caught.value.problems} {caught.value.args}"
    assert message in told
    assert name in told
    assert CANARY not in told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("content", "name", "remedy"),
    [
        ("a;b\n1;2\n", "a.csv", "--delimiter ';'"),
        ("a|b\n1|2\n", "a.csv", "--delimiter '|'"),
        ("a\tb\n1\t2\n", "a.csv", "--delimiter tab"),
        ("a,b\n1,2\n", "a.tsv", "--delimiter ','"),
        ("é".encode("latin-1"), "a.csv", "UTF-8"),
        ("a,b\n1\n", "a.csv", "quotation marks"),
        ("a,b\n1\n", "a.docx", ".csv, .tsv or .parquet"),
    ],
)
def test_a_refusal_names_the_remedy(read, content, name, remedy):
    with pytest.raises(DataError) as caught:
        read(content, name)
    assert remedy in caught.value.help


@pytest.mark.parametrize(
    "columns",
    [
        {"a": pa.array([[CANARY], ["x"]])},
        {"a": pa.array([{"b": CANARY}])},
        {"a": pa.array([CANARY.encode() + b"\xff"])},
        pa.Table.from_arrays([pa.array([CANARY])] * 2, names=[CANARY] * 2),
        {"a": pa.array([], pa.string())},
    ],
    ids=["lists", "structures", "bytes", "columns twice", "no rows"],
)
def test_a_parquet_file_that_cannot_be_read_is_told_without_its_content(read_table, columns):
    with pytest.raises(DataError) as caught:
        read_table(columns)
    assert "cases.parquet" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_missing_file_and_a_directory_are_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*gone"):
        read_raw(tmp_path / "gone.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="is a directory"):
        read_raw(tmp_path / "folder.csv")


def test_a_number_that_is_none_is_missing_and_whole_ones_are_digits(read_table):
    raw = read_table(
        {
            "float": pa.array([float("nan"), 1.0, 1e16, -0.0, 0.0]),
            "single": pa.array([float("nan"), 31.5, None, 2.0, 2.0], pa.float32()),
            "decimal": pa.array([None, Decimal("1.00"), Decimal("2.50"), None, None]),
            "category": pa.array([float("nan"), 1.0, 1.0, None, 2.0]).dictionary_encode(),
        }
    )
    assert cells_of(raw) == {
        "float": [None, "1", "10000000000000000", "0", "0"],
        "single": [None, "31.5", None, "2", "2"],
        "decimal": [None, "1", "2.50", None, None],
        "category": [None, "1", "1", None, "2"],
    }
    assert raw.columns["float"].cells == ("1", "10000000000000000", "0")


# ------------------------------------------------------------------------ what is made to be large


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "cases.csv"
    with path.open("wb") as file:
        file.truncate(limits.MOST_BYTES + 1)  # a hole: it takes no room
    started = time.process_time()
    with pytest.raises(DataError, match="more than 1 GiB"):
        read_raw(path)
    assert time.process_time() - started < 1


def test_what_unpacks_to_far_more_than_it_is_is_refused_on_the_way(read):
    packed = gzip.compress(b"a,b\n" + bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        read(packed, "cases.csv.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120_000_000  # 200 times 200 kB, and what joining takes


def test_a_small_file_may_be_as_regular_as_it_likes(read):
    assert read(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000), "cases.csv.gz").rows == 500_000


def test_more_than_ten_thousand_columns_are_refused(read, read_table):
    names = [f"c{number}" for number in range(limits.MOST_COLUMNS + 1)]
    with pytest.raises(DataError, match="10,001 columns"):
        read(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")
    with pytest.raises(DataError, match="10,001 columns"):
        read_table({one: ["1"] for one in names})


def test_names_are_compared_in_time_that_grows_with_their_number():
    table = pa.table({f"c{number}": ["1"] for number in range(limits.MOST_COLUMNS)})
    started = time.process_time()
    raw_of_arrow(table, "wide")
    assert time.process_time() - started < 5  # it was 62 s with a count for each


def repeated(text, rows):
    return pa.DictionaryArray.from_arrays(np.zeros(rows, dtype=np.int8), [text])


def test_parquet_that_tells_of_a_huge_table_is_refused_before_it_is_read(read_table, monkeypatch):
    monkeypatch.setattr(limits, "MOST_BYTES", 1 << 20)
    assert read_table({"a": repeated("x", 1 << 18)}).rows == 1 << 18
    with pytest.raises(DataError, match="more than 262,144 cells"):
        read_table({"a": repeated("x", (1 << 18) + 1)})


def test_a_long_text_that_a_file_holds_once_is_read_once(tmp_path):
    path = tmp_path / "cases.parquet"
    rows = 100_000
    pq.write_table(pa.table({"a": repeated("x" * 10_000, rows)}), path, store_schema=False)
    before = pa.total_allocated_bytes()
    table = parquet.read(path.read_bytes(), path.name)
    assert table.num_rows == rows
    assert pa.total_allocated_bytes() - before < 10_000_000  # 1 GB where each cell is a text


def test_parquet_that_points_outside_of_its_dictionary_is_refused(tmp_path):
    path = tmp_path / "cases.parquet"
    pq.write_table(
        pa.table({"a": ["x", "y", "z", "x"] * 9}), path, compression="none", store_schema=False
    )
    content = path.read_bytes()
    head = content.index(b"z") + 1
    place = content.index(b"\x02", head + 8)
    refused = 0
    for at in range(place, content.index(b"schema")):
        path.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
        try:
            assert set(read_raw(path).columns["a"].cells) <= {"x", "y", "z"}
        except DataError:
            refused += 1
    assert refused


@pytest.mark.parametrize("cell", ["\0", f"a\0{CANARY}"])
def test_nul_bytes_are_part_of_no_text(read_table, cell):
    with pytest.raises(DataError, match="NUL bytes") as caught:
        read_table({"a": [cell]})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("name", ["cases.csv", "cases.parquet", "cases.csv.gz"])
def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch, name):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=rf"{name} cannot be read: Permission denied"):
        read_raw(tmp_path / name)


def test_a_name_that_no_file_can_have_is_told(tmp_path):
    with pytest.raises(DataError, match="cannot be read: File name too long"):
        read_raw(tmp_path / ("x" * 300 + ".csv"))


@pytest.mark.parametrize("delimiter", [";;", '"', "\n", "\r"])
def test_what_cannot_part_cells_is_no_delimiter(read, delimiter):
    with pytest.raises(DataError, match="delimiter is one character"):
        read("a,b\n1,2\n", delimiter=delimiter)


@given(
    st.text(st.sampled_from('a,;\t"\n\r\0é'), max_size=30),
    st.sampled_from([".csv", ".tsv"]),
    st.sampled_from(["utf-8", "latin-1", "utf-16"]),
)
def test_no_damage_makes_a_message_repeat_a_cell(file_of, rest, suffix, encoding):
    content = f"a,b\n{CANARY},2\n{rest}{CANARY}".encode(encoding)
    try:
        read_raw(file_of(content, suffix))
    except DataError as error:
        assert CANARY not in f"{error} {error.args}"  # noqa: PT017


def test_showing_a_raw_file_shows_no_cell(read):
    assert CANARY not in repr(read(f"a,b\n{CANARY},2\n"))
