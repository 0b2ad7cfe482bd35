"""What the locator says about documents read by hand, and what holds for any document."""

from __future__ import annotations

import re
import time
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctdc_framework.toml.locator import Locator, Path, Span, locate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODEBOOK = FilePath(__file__).parents[3] / "shared" / "design" / "codebook-example.toml"


# Positions by hand ----------------------------------------------------------------------------


def place(span: Span | None) -> tuple[int, int, int, int]:
    assert span is not None
    return span.line, span.column, span.end_line, span.end_column


def key_at(text: str, *path: str | int) -> tuple[int, int, int, int]:
    return place(locate(text).key(path))


def value_at(text: str, *path: str | int) -> tuple[int, int, int, int]:
    return place(locate(text).value(path))


def test_key_and_value_of_a_plain_line_exclude_blanks_and_comment() -> None:
    text = "# [x]\n  age \t= 42 \t# = 43"
    assert key_at(text, "age") == (2, 3, 2, 6)
    assert value_at(text, "age") == (2, 10, 2, 12)


def test_offsets_cut_the_value_out_of_the_text() -> None:
    span = locate("a = 1\nbc = [2]\n").value(("bc",))
    assert span == Span(start=11, end=14, line=2, column=6, end_line=2, end_column=9)


def test_offsets_count_a_crlf_as_one_character() -> None:
    span = locate("a = 1\r\nb = 2\r\n").value(("b",))
    assert span == Span(start=10, end=11, line=2, column=5, end_line=2, end_column=6)


def test_columns_count_characters_and_not_bytes() -> None:
    text = '"größe 😀" = "ü"  # é\nz = 1'
    assert key_at(text, "größe 😀") == (1, 1, 1, 10)
    assert value_at(text, "größe 😀") == (1, 13, 1, 16)
    assert value_at(text, "z") == (2, 5, 2, 6)


def test_key_of_a_dotted_key_is_the_part_itself() -> None:
    text = "a . 'b.c'. d = 1"
    assert key_at(text, "a") == (1, 1, 1, 2)
    assert key_at(text, "a", "b.c") == (1, 5, 1, 10)
    assert key_at(text, "a", "b.c", "d") == (1, 12, 1, 13)


def test_value_of_a_table_made_by_a_dotted_key_is_the_key_as_far_as_its_name() -> None:
    text = "[t]\na . b . c = 1\na.b.d = 2"
    assert value_at(text, "t", "a") == (2, 1, 2, 2)
    assert value_at(text, "t", "a", "b") == (2, 1, 2, 6)
    assert value_at(text, "t", "a", "b", "d") == (3, 9, 3, 10)


def test_a_number_with_a_point_as_key_is_a_dotted_key() -> None:
    assert key_at("3.14 = 1", "3", "14") == (1, 3, 1, 5)


def test_a_key_with_escapes_is_known_by_what_it_means() -> None:
    text = r'"a\"]\u00e9\U0001F600\\\t" = 1'
    assert key_at(text, 'a"]é😀\\\t') == (1, 1, 1, 27)


def test_a_literal_key_keeps_its_backslashes() -> None:
    assert key_at(r"'a\tb' = 1", r"a\tb") == (1, 1, 1, 7)


def test_escapes_of_toml_1_1_are_understood_in_keys() -> None:
    assert key_at(r'"\e\x41" = 1', "\x1bA") == (1, 1, 1, 9)


def test_an_empty_key_is_a_key() -> None:
    assert key_at("'' = 1", "") == (1, 1, 1, 3)
    assert key_at('[ "" . "" ]', "", "") == (1, 8, 1, 10)


def test_a_table_is_its_header_with_brackets() -> None:
    text = "\n  [ variables . ageBroad ] # [x]\nrole = 'q'"
    assert value_at(text, "variables", "ageBroad") == (2, 3, 2, 27)
    assert key_at(text, "variables", "ageBroad") == (2, 17, 2, 25)
    assert value_at(text, "variables", "ageBroad", "role") == (3, 8, 3, 11)


def test_a_table_without_a_header_of_its_own_is_where_it_is_first_named() -> None:
    text = "[variables.a]\n[variables.b]"
    assert key_at(text, "variables") == (1, 2, 1, 11)
    assert value_at(text, "variables") == (1, 1, 1, 14)


def test_a_super_table_defined_later_is_at_its_own_header() -> None:
    text = "[a.b]\n[a]\nx = 1\n[a.c]"
    assert key_at(text, "a") == (2, 2, 2, 3)
    assert value_at(text, "a") == (2, 1, 2, 4)
    assert value_at(text, "a", "x") == (3, 5, 3, 6)
    assert value_at(text, "a", "b") == (1, 1, 1, 6)


def test_a_super_table_defined_first_stays_at_its_own_header() -> None:
    assert value_at("[a]\n[a.b]", "a") == (1, 1, 1, 4)


def test_an_element_of_an_array_of_tables_is_its_own_header() -> None:
    text = "[[a.b]]\nx = 1\n[[ a . b ]]\nx = 2"
    assert key_at(text, "a", "b", 1) == (3, 8, 3, 9)
    assert value_at(text, "a", "b", 1) == (3, 1, 3, 12)
    assert value_at(text, "a", "b", 0, "x") == (2, 5, 2, 6)
    assert value_at(text, "a", "b", 1, "x") == (4, 5, 4, 6)


def test_an_array_of_tables_as_a_whole_is_its_first_header() -> None:
    text = "[[a]]\n[[a]]"
    assert key_at(text, "a") == (1, 3, 1, 4)
    assert value_at(text, "a") == (1, 1, 1, 6)


def test_headers_below_an_array_of_tables_belong_to_its_last_element() -> None:
    text = "[[a]]\n[a.b]\nx = 1\n[[a.c]]\n[[a]]\n[a.b]\nx = 2\n[[a.c]]\n[[a.c]]\n[a.c.d]\nx = 3"
    assert value_at(text, "a", 0, "b", "x") == (3, 5, 3, 6)
    assert value_at(text, "a", 1, "b", "x") == (7, 5, 7, 6)
    assert value_at(text, "a", 0, "c", 0) == (4, 1, 4, 8)
    assert value_at(text, "a", 1, "c", 1) == (9, 1, 9, 8)
    assert value_at(text, "a", 1, "c", 1, "d", "x") == (11, 5, 11, 6)
    assert locate(text).value(("a", 0, "c", 1)) is None


def test_an_inline_table_is_from_brace_to_brace() -> None:
    text = "p = { x = 1, y.z = { w = 2 }, e = {} }"
    assert value_at(text, "p") == (1, 5, 1, 39)
    assert key_at(text, "p", "x") == (1, 7, 1, 8)
    assert value_at(text, "p", "x") == (1, 11, 1, 12)
    assert key_at(text, "p", "y", "z") == (1, 16, 1, 17)
    assert value_at(text, "p", "y") == (1, 14, 1, 15)
    assert value_at(text, "p", "y", "z") == (1, 20, 1, 29)
    assert value_at(text, "p", "y", "z", "w") == (1, 26, 1, 27)
    assert value_at(text, "p", "e") == (1, 35, 1, 37)


def test_an_inline_table_may_span_lines_with_comments_and_a_trailing_comma() -> None:
    text = "p = { # }\n  x = 1, # ,\n\n  y = 2, # }\n}\nq = 3"
    assert value_at(text, "p") == (1, 5, 5, 2)
    assert value_at(text, "p", "y") == (4, 7, 4, 8)
    assert value_at(text, "q") == (6, 5, 6, 6)


def test_an_array_may_span_lines_with_comments_and_a_trailing_comma() -> None:
    text = "a = [ # ] \"\n  1, # ' [\n  [ 2,3 ],\n  { x = 4 } # }\n  ,\n]\nb = []"
    assert value_at(text, "a") == (1, 5, 6, 2)
    assert value_at(text, "a", 0) == (2, 3, 2, 4)
    assert value_at(text, "a", 1) == (3, 3, 3, 10)
    assert value_at(text, "a", 1, 1) == (3, 7, 3, 8)
    assert value_at(text, "a", 2) == (4, 3, 4, 12)
    assert value_at(text, "a", 2, "x") == (4, 9, 4, 10)
    assert value_at(text, "b") == (7, 5, 7, 7)
    assert locate(text).value(("a", 3)) is None


def test_an_item_between_brackets_has_a_value_but_no_key() -> None:
    locator = locate("a = [1, {b = 2}]")
    assert locator.key(("a", 0)) is None
    assert locator.value(("a", 0)) is not None
    assert place(locator.key(("a", 1, "b"))) == (1, 10, 1, 11)


def test_a_string_includes_its_quotes_and_hides_what_it_contains() -> None:
    text = 'a = ["# ] \\" ,", \'# ] \\\', ""]'
    assert value_at(text, "a", 0) == (1, 6, 1, 16)
    assert value_at(text, "a", 1) == (1, 18, 1, 25)
    assert value_at(text, "a", 2) == (1, 27, 1, 29)


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("extra", [0, 1, 2])
def test_a_multi_line_string_may_end_in_up_to_two_quotes_more(quote: str, extra: int) -> None:
    text = f"a = [{quote * 3}\nx{quote * 2}y\n{quote * (3 + extra)}, 2]"
    assert value_at(text, "a", 0) == (1, 6, 3, 4 + extra)
    assert value_at(text, "a", 1) == (3, 6 + extra, 3, 7 + extra)


def test_an_escaped_quote_does_not_end_a_multi_line_string() -> None:
    text = 'a = """\\"""\\""" \\\\"""\nb = 1'
    assert value_at(text, "a") == (1, 5, 1, 22)
    assert value_at(text, "b") == (2, 5, 2, 6)


def test_an_escaped_crlf_does_not_derail_a_multi_line_string() -> None:
    assert value_at('a = """x \\\r\n\r\n  y"""\r\nb = 1', "b") == (4, 5, 4, 6)


def test_a_date_with_a_space_before_the_time_is_one_value() -> None:
    text = "a = 1979-05-27 07:32:00.5  # x\nb = [1979-05-27 07:32 , 1979-05-27 ]\nc = 07:32"
    assert value_at(text, "a") == (1, 5, 1, 26)
    assert value_at(text, "b", 0) == (2, 6, 2, 22)
    assert value_at(text, "b", 1) == (2, 25, 2, 35)
    assert value_at(text, "c") == (3, 5, 3, 10)


def test_a_value_at_the_very_end_needs_no_line_end() -> None:
    assert value_at("a = true", "a") == (1, 5, 1, 9)


def test_nearest_is_the_value_of_the_longest_known_beginning() -> None:
    locator = locate("[a]\nb = [1]\n[[c]]\nd = 2")
    assert locator.nearest(("a", "b", 0)) == locator.value(("a", "b", 0))
    assert locator.nearest(("a", "b", 7, "x")) == locator.value(("a", "b"))
    assert locator.nearest(("a", "missing")) == locator.value(("a",))
    assert locator.nearest(("c", 0, "missing")) == locator.value(("c", 0))
    assert locator.nearest(("c", 1, "d")) == locator.value(("c",))


def test_nearest_needs_at_least_the_first_part() -> None:
    locator = locate("a = 1")
    assert locator.nearest(("b", "a")) is None
    assert locator.nearest(()) is None


@pytest.mark.parametrize("path", [(), ("b",), ("a", "x"), ("a", 2), ("a", -1), (0,), ("a", 0, 0)])
def test_an_unknown_path_has_neither_key_nor_value(path: Path) -> None:
    locator = locate("a = [1, 2]")
    assert locator.key(path) is None
    assert locator.value(path) is None


def test_a_line_is_given_without_its_end() -> None:
    locator = locate("a = 1\r\n\r\n\tb = '\u2028\x85'")
    assert [locator.line(n) for n in range(5)] == ["", "a = 1", "", "\tb = '\u2028\x85'", ""]


def test_a_text_without_lines_has_one_empty_line() -> None:
    assert [locate("").line(n) for n in (-1, 0, 1, 2)] == [""] * 4


def test_locators_of_the_same_text_are_equal_and_hashable() -> None:
    assert locate("a = 1\r\n") == locate("a = 1\n")
    assert locate("a = 1") != locate("a = 2")
    assert len({locate("a = 1"), locate("a = 1")}) == 1


def test_what_stands_before_the_first_mistake_is_known() -> None:
    locator = locate("a = 1\nb = [2, = \nc = 3")
    assert place(locator.value(("a",))) == (1, 5, 1, 6)
    assert place(locator.value(("b", 0))) == (2, 6, 2, 7)
    assert locator.value(("c",)) is None


# What holds for any document that tomli accepts -------------------------------------------------


def paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every path below a value, with what is there."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for part, inner in items:
        yield (*path, part), inner
        if isinstance(inner, dict | list):
            yield from paths(inner, (*path, part))


def names(document: Any) -> list[str]:
    """The only way through nested tables (or arrays of one) of one member each."""
    return [part for path, _ in paths(document) for part in path[-1:] if isinstance(part, str)]


def check_span(text: str, span: Span) -> str:
    """The text of the span, once lines and columns are seen to agree with its offsets."""
    assert 0 <= span.start < span.end <= len(text)
    for offset, line, column in (
        (span.start, span.line, span.column),
        (span.end, span.end_line, span.end_column),
    ):
        before = text[:offset].split("\n")
        assert (line, column) == (len(before), len(before[-1]) + 1)
    return text[span.start : span.end]


def shown(value: Any) -> Any:
    """A value so that equal ones are alike: nan is itself, and 1 neither true nor 1.0."""
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shown(one) for one in value]
    # Not in decimals: Python writes no number of more than 4300 digits, and hexadecimals have them.
    return hex(value) if type(value) is int else repr(value)


def check_document(text: str) -> None:
    """Compares the locator with tomli on every path of one document."""
    document = tomli.loads(text)
    locator = locate(text)
    text = text.replace("\r\n", "\n")
    for path, expected in paths(document):
        value, key = locator.value(path), locator.key(path)
        assert value is not None, path
        written = check_span(text, value)
        strings = [part for part in path if isinstance(part, str)]
        if key is not None:
            assert list(tomli.loads(f"{check_span(text, key)} = 1")) == strings[-1:], path

        # A header contains the key, and so does the dotted key that stands for a table.
        if key is None or key.end <= value.start:
            assert shown(tomli.loads(f"x = {written}")["x"]) == shown(expected), path
            if key is None:
                assert isinstance(path[-1], int), path
            else:
                assert text[key.end : value.start].strip(" \t") == "=", path
        elif written.startswith("["):
            assert isinstance(expected, dict | list), path
            assert names(tomli.loads(written))[: len(strings)] == strings, path
        else:
            assert isinstance(expected, dict), path
            dotted = names(tomli.loads(f"{written} = 1"))
            assert dotted == strings[-len(dotted) :], path

        assert locator.nearest((*path, "\0 never a key")) == value
        if isinstance(expected, list):
            assert locator.value((*path, len(expected))) is None


DOCUMENTS = [
    "",
    "\n \t\r\n# only a comment",
    "a=1",
    "a = 1 # b = 2",
    "a = 1\r\nb = 'x' # y\r\n[c]\r\nd = [\r\n1,\r\n2\r\n]\r\n",
    "bare_key-1 = 1\n1234 = 2\n-- = 3\n_ = 4\ntrue = 5\ninf.nan = 6",
    "1979-05-27 = 1979-05-27\n3.14 = 3.14\n3.15 = 3.15",
    "\"\" . '' = 1\n[b.'']\n'' = 2\n[b.\"\".y]",
    '"a.b".c."d # e" = "f # g"\n\'a.b\'.h = 1',
    "a.b.c = 1\na . b\t.\td = 2\na.'e'.\"f\" = 3",
    "\"]\" = 1\n['[']\n'[[' = 2\n[ \"]]\" . ']' ]\nx = 3",
    '"\\"" = 1\n"\\\\" = 2\n"\\\\\\"" = 3\n"\\u00e9\\U0001F600\\b\\t\\n\\f\\r" = 4',
    '"\\e\\x41\\x7f" = "\\e\\xe9"',
    "'\\' = '\\'\n'\"' = '\"'\n\"'\" = \"'\"",
    "'größe' = 'ü'\n\"日本\" = ['語', \"😀\"]\n[\"é\".'è']\nà = 1".replace("à", "'à'"),
    "a = 1 #\n#\nb = [ #\n#\n] #\n[c] #",
    "[a]\n[b]\n[c]",
    "[a]\nx = 1\n[a.b]\nx = 2\n[a.b.c]\nx = 3",
    "[a.b.c]\nx = 1\n[a]\nx = 2\n[a.b]\nx = 3",
    "[x.y.z.w]\n[x]\n[x.y]",
    "  [ a . 'b' . \"c\" ]  # d\n\t[\ta\t.\td\t]\t",
    "[a]\nb.c = 1\nb.d = 2\n[a.e]\nb.c = 3",
    "[a.b.c]\nz = 9\n[a]\nb.d = 5",
    "[fruit]\napple.color = 1\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = true\n",
    "[[a]]\n[[a]]\nx = 1\n[[a]]",
    "[[a]]\n[a.b]\nx = 1\n[[a.c]]\nx = 2\n[[a.c]]\nx = 3\n[[a]]\n[a.b]\nx = 4\n[[a.c]]\nx = 5",
    "[[ a . b ]] # ]]\n[[a.b.c.d]]\nx = 1\n[[a.b.c.d]]\n[a.b.c.e]\nx.y = 2\n[a]\nz = 3",
    "[[a.b]]\n[a.b.c]\n[[a.b.c.d]]\n[[a.b]]\n[[a.b.c.d]]\n[[a.b.c.d]]",
    "[[1]]\n2 = 3\n[4]\n5 = 6\n[[7.8]]",
    "a = []\nb = {}\nc = [[]]\nd = [{}]\ne = { f = [] }\ng = [ ]\nh = { }\ni = [[], [[]], {}]",
    "a = [1,2,]\nb = [ 1 , 2 , ]\nc=[[1],[2,[3,[4]]]]",
    'a = [ # ]\n# [\n1 # ,\n, # \'\n2, # "\n# """\n]',
    "a = [\n\n\n[\n1\n]\n,\n{ b = [\n2\n] }\n]\nc = 3",
    "a = { b = 1, c.d = 2, c.e = 3, 'f g' = [{ h = 4 }, { h = 5 }] }",
    "a = {b={c={d={e=1}}}}\nf = [{g=[{h=1}]}]",
    "a = { # }\n b = 1, # ,\n c = 2 # ]\n , d = [ # [\n ],\n}\ne = 1",
    "a = {\n\n}\nb = {\n# }\n}\nc = {x = 1\n}\nd = {\ny = 1,}",
    "a = [{ x = '}' }, { x = \"}\\\"}\" }, { ']' = ']' }]",
    "a = '''x'''\nb = '''''''\nc = '''\\'''\nd = ''''x'''''\ne = '''\n'''\nf = ''''''",
    'a = """x"""\nb = """"""\nc = """\\""""\nd = """"x"""""\ne = """\n"""\nf = """"x\\"""""',
    'a = """"""""\nb = """ \\"""\\"""\\""" """\nc = "\\\\"\nd = """\\\\"""\ne = """\\\\\\""""""',
    'a = """x \\\n   \n  y"""\nb = """\\\n"""\nc = """\\   \n  z"""',
    "a = \"\"\"\r\nx\\\r\n  y\r\n\"\"\"\r\nb = '''\r\nz\r\n'''\r\n",
    "a = [''''''', '''''''', \"\"\"x\"\"\"\"\", '''''x''''']\nb = 1",
    "a = '''\n[b]\nc = 1\n# d\n'''\n[b]\nc = '''\n\"\"\"'''\nd = \"\"\"\n'''[e]\"\"\"",
    "a = [\"\"\"\n]\"\"\", '''\n,''', '#', \"#\"] # ]",
    "a = 'x'# y\nb = [1]# z\nc = {}# w\n[d]# v\n[[e]]# u\nf = 1# t",
    "a = +99\nb = 1_000\nc = 0xDEAD_beef\nd = 0o755\ne = 0b1101\nf = -0\ng = -0.0",
    "a = 1e06\nb = 6.626e-34\nc = +inf\nd = -inf\ne = nan\nf = -nan\ng = 224_617.445_991_228",
    "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 07:32:00-07:00 # c\nd = 1979-05-27t00:32:00.999999",
    "a = 1979-05-27 \nb = 1979-05-27\t\nc = [1979-05-27 , 1979-05-27 07:32:00 ,1979-05-27]\n",
    "a = 07:32\nb = 1979-05-27 07:32\nc = 1979-05-27T07:32Z\nd = {e = 1979-05-27 07:32:00.5}",
    "a = [true, false, 1, 1.0, '1', 1979-05-27, { b = 1 }, [1]]",
    "a = ['\u2028', '\x85', \"\xa0\"] # \u2029\nb = 1",
    "a" + ".a" * 80 + " = 1\n[b" + ".b" * 80 + "]\nx = 1",
    "a = " + "[" * 80 + "]" * 80 + "\nb = " + "{a=" * 80 + "1" + "}" * 80,
]


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_locator_agrees_with_tomli_on_tricky_documents(text: str) -> None:
    check_document(text)


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_line_ends_do_not_matter(text: str) -> None:
    with_lf = text.replace("\r\n", "\n")
    with_crlf = with_lf.replace("\n", "\r\n")
    check_document(with_crlf)
    unix, windows = locate(with_lf), locate(with_crlf)
    for path, _ in paths(tomli.loads(with_lf)):
        assert unix.value(path) == windows.value(path)
        assert unix.key(path) == windows.key(path)


@pytest.mark.shared_data
@pytest.mark.skipif(not CODEBOOK.exists(), reason=f"{CODEBOOK} is not part of the project")
def test_locator_agrees_with_tomli_on_the_example_codebook() -> None:
    check_document(CODEBOOK.read_bytes().decode())


# Documents by chance ------------------------------------------------------------------------------

Draw = Any  # what Hypothesis passes to a composite strategy

BLANKS = st.sampled_from(["", " ", "\t", "  "])
COMMENTS = st.sampled_from(["", "# plain", '#"', "# ''' [x]", "#]}", "# é = [", "# , }\t"])
NAMES = st.one_of(
    st.sampled_from(["a", "b", "c", "1", "-", "true", "", "a.b", "[", "]]", "#", "=", "'", '"']),
    st.text("ab1_-.'\"\\#[]{}=, \té😀\n\x1b", max_size=4),
)
NUMBERS = ["0", "-17", "+1_000", "0xDEAD_beef", "0o17", "0b101", "3.14", "-0.0", "5e+22", "-inf"]
TIMES = ["1979-05-27T07:32:00Z", "1979-05-27 07:32:00", "1979-05-27 00:32:00.5-07:00", "07:32:00"]
SHORT_TIMES = ["1979-05-27", "1979-05-27 07:32", "07:32"]
PLAIN_VALUES = st.sampled_from([*NUMBERS, *TIMES, *SHORT_TIMES, "true", "false", "nan"])
CONTENTS = st.text("ab'\"\\#[]{}=, .\té😀\n\u2028\x1b", max_size=10)
# Of multi-line strings. None ends in a quote that counts, so that no three come together.
PIECES = {
    "'": ["''x", "'\n", "\\", '"""', "# ]}", "é\u2028", "[x]\n", "a = 1\n"],
    '"': ['""x', '"\n', '\\"', "\\\\", "'''", "# ]}", "\\u00e9", "\\ \n\n \t", "[x]\n"],
}
SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "é": "\\xe9"}


def draw_quoted(draw: Draw, text: str) -> str:
    if not set(text) & set("'\n\x1b") and draw(st.booleans()):
        return f"'{text}'"
    long = draw(st.sampled_from(["\\u{:04x}", "\\U{:08X}"]))
    escapes = SHORT_ESCAPES | {character: long.format(ord(character)) for character in "a\u2028"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


def draw_name(draw: Draw, name: str) -> str:
    if re.fullmatch("[A-Za-z0-9_-]+", name) and draw(st.booleans()):
        return name
    return draw_quoted(draw, name)


def draw_key(draw: Draw, parts: list[str]) -> str:
    dot: str = draw(BLANKS) + "." + draw(BLANKS)
    return dot.join(draw_name(draw, part) for part in parts)


def draw_multi_line_string(draw: Draw) -> str:
    quote: str = draw(st.sampled_from(["'", '"']))
    pieces: list[str] = draw(st.lists(st.sampled_from(PIECES[quote]), max_size=4))
    start: str = draw(st.sampled_from(["", "\n"]))
    extra: int = draw(st.integers(0, 2))
    return quote * 3 + start + "".join(pieces) + quote * (extra + 3)


def draw_space(draw: Draw) -> str:
    """What may stand between the items of an array: blanks, or a comment and new lines."""
    if draw(st.integers(0, 3)):
        return str(draw(BLANKS))
    return f"{draw(BLANKS)}{draw(COMMENTS)}\n{draw(BLANKS)}"


def draw_value(draw: Draw, depth: int) -> str:
    kind = draw(st.integers(0, 7 if depth else 4))
    if kind <= 1:
        return str(draw(PLAIN_VALUES))
    if kind <= 3:
        return draw_quoted(draw, draw(CONTENTS))
    if kind == 4:
        return draw_multi_line_string(draw)
    if kind <= 6:
        items = [draw_value(draw, depth - 1) for _ in range(draw(st.integers(0, 3)))]
        return draw_enclosed(draw, "[", items, "]")
    return draw_enclosed(draw, "{", list(draw_pairs(draw, depth - 1, dict.fromkeys)), "}")


def draw_enclosed(draw: Draw, opening: str, items: list[str], closing: str) -> str:
    text = opening
    for number, item in enumerate(items):
        text += draw_space(draw) + item + draw_space(draw)
        if number < len(items) - 1 or draw(st.booleans()):
            text += ","
    return text + draw_space(draw) + closing


def draw_pairs(draw: Draw, depth: int, keep: Callable[[list[str]], Any]) -> Iterator[str]:
    """Lines `key = value` of one table; `keep` chooses which of the names drawn are used."""
    for name in keep(draw(st.lists(NAMES, max_size=3, unique=True))):
        below = draw(st.lists(NAMES, max_size=2, unique=True)) if draw(st.booleans()) else [None]
        for last in below:
            key = draw_key(draw, [name] if last is None else [name, last])
            yield f"{key}{draw(BLANKS)}={draw(BLANKS)}{draw_value(draw, depth)}"


def draw_table(draw: Draw, path: list[str], depth: int, kind: str) -> list[str]:
    """The lines of a table with those below it; its own header may come last, or not at all."""
    used: set[str] = set()

    def keep(names: list[str]) -> list[str]:
        fresh = [name for name in names if name not in used]
        used.update(fresh)
        return fresh

    own = list(draw_pairs(draw, 2, keep))
    below = []
    for name in keep(draw(st.lists(NAMES, max_size=2, unique=True))) if depth else []:
        if draw(st.booleans()):
            below += draw_table(draw, [*path, name], depth - 1, "table")
        else:
            for _ in range(draw(st.integers(1, 2))):
                below += draw_table(draw, [*path, name], depth - 1, "element")
    if kind == "root":
        return own + below
    key = draw(BLANKS) + draw_key(draw, path) + draw(BLANKS)
    if kind == "element":
        return [f"[[{key}]]", *own, *below]
    if below and not own and draw(st.booleans()):
        return below
    own = [f"[{key}]", *own]
    return below + own if draw(st.booleans()) else own + below


@st.composite
def documents(draw: Draw) -> str:
    text = ""
    for line in draw_table(draw, [], 2, "root"):
        text += draw(BLANKS) + line + draw(BLANKS) + draw(COMMENTS) + "\n"
        text += draw(st.sampled_from(["", "", "\n", " \t\n", "# [x]\n"]))
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_locator_agrees_with_tomli_on_documents_made_by_chance(text: str) -> None:
    check_document(text)


# What holds for any text ----------------------------------------------------------------------


def check_survives(text: str) -> Locator:
    locator = locate(text)
    for path in [(), ("a",), ("a", 0), ("a", "b", 0, "")]:
        locator.key(path)
        locator.value(path)
        locator.nearest(path)
    assert locator.line(1) == text.replace("\r\n", "\n").split("\n")[0]
    return locator


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.text("ab1.=[]{}'\",#\\ \n\r\tux", max_size=40)))
def test_no_text_raises(text: str) -> None:
    check_survives(text)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_no_damaged_document_raises(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    check_survives(text[:start] + data.draw(st.text("a.=[]{}'\",#\\\n", max_size=3)) + text[end:])


STATEMENTS = ["a=[1]\n", "a=1\n", "a.b=2\n", "[a]\n", "[[a]]\n", "[a.b]\n", "[[a.b]]\n"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(STATEMENTS)))
def test_contradicting_statements_do_not_raise(lines: list[str]) -> None:
    check_survives("".join(lines))


@pytest.mark.parametrize("key", [r'"\UFFFFFFFF"', r'"\ud800"', r'"\xg"', r'"\U1"', '"\\\n"', '"\\'])
def test_an_escape_that_means_nothing_does_not_raise(key: str) -> None:
    check_survives(f"{key} = 1")


SIZE = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * SIZE,
        "a = " + "[" * (SIZE // 2) + "]" * (SIZE // 2),
        "a = " + "{a=" * (SIZE // 3),
        "a." * (SIZE // 2) + "a = 1",
        "[[a]]\n[a.b]\n" * (SIZE // 12),
        "a = [" + "1," * (SIZE // 2) + "]",
        "a = [" + "#\n" * (SIZE // 2) + "]",
        "a = [" + "," * SIZE,
        'a = "' + '\\"' * (SIZE // 2),
        'a = """' + '\\"' * (SIZE // 2) + '"""',
        'a = """' + '""x' * (SIZE // 3),
        "a = " + "'" * SIZE,
        "a = 1" + " " * SIZE + "x",
        "\n" * SIZE,
    ],
    ids=lambda text: re.sub(r"\s+", " ", text[:12]),
)
def test_time_is_linear_in_the_length_of_the_text(text: str) -> None:
    started = time.process_time()
    check_survives(text).nearest(("a", *[0] * SIZE))
    # A tenth of a second or so; anything quadratic takes minutes.
    assert time.process_time() - started < 5
