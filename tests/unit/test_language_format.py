"""The normal form of a codebook changes its looks and nothing else."""

import re
import unicodedata
from itertools import takewhile
from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.errors import CodebookError
from ctdc_framework.language.format import WIDTH, format_codebook, quoted, quoted_key
from ctdc_framework.language.load import shipped_codebooks

SHIPPED = sorted(shipped_codebooks().values())

COMMENT_OR_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}" + r'|"(?:\\.|[^"\\])*"|' + r"'[^']*'|(#[^\n]*)",
    re.DOTALL,
)


def comments(text):
    """List a text's comments by a way of its own: whatever # begins outside a string."""
    return [found[1].rstrip() for found in COMMENT_OR_STRING.finditer(text) if found[1]]


# ------------------------------------------------------------------------------- texts read by hand


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("", ""),
        ("\n\n# alone  \n\n\n", "# alone\n"),
        ("\ufeffa=1", "a = 1\n"),
        ("a   =\t1   #x  ", "a = 1  #x\n"),
        ("a = 1\r\n\r\n\r\n\r\nb = 2\r\n", "a = 1\n\nb = 2\n"),
        ("  a . 'b.c' . \"d\"=1", "a.'b.c'.\"d\" = 1\n"),
        ("[ a . b ]# c\n  x=1\n[[ d ]]\n", "[a.b]  # c\nx = 1\n\n[[d]]\n"),
        ("a = [ 1,2 , 3, ]", "a = [1, 2, 3]\n"),
        ("a = [\n  1,\n  2\n]", "a = [1, 2]\n"),
        ("a = [ ]\nb = {  }", "a = []\nb = {}\n"),
        ("a = {b=1,c.d = [ {} ] }", "a = { b = 1, c.d = [{}] }\n"),
        ("a = 1979-05-27 07:32:00  # noon", "a = 1979-05-27 07:32:00  # noon\n"),
        ("a = 1\n# of b\n# more\n[b]", "a = 1\n\n# of b\n# more\n[b]\n"),
        ("# top\n[a]\n\n# a section\n\n[b]", "# top\n[a]\n\n# a section\n\n[b]\n"),
    ],
)
def test_a_text_gets_its_normal_form(text, formatted):
    assert format_codebook(text) == formatted


def test_an_array_that_would_pass_column_100_is_broken_one_element_a_line():
    fits = f'a = ["{"x" * 44}", "{"y" * 44}"]\n'
    assert len(fits) - 1 == WIDTH
    assert format_codebook(fits) == fits
    assert format_codebook(fits.replace("a =", "ab =")) == (
        f'ab = [\n  "{"x" * 44}",\n  "{"y" * 44}",\n]\n'
    )


def test_a_comment_that_ends_the_line_does_not_break_an_array():
    text = f"a = [1, 2]  # {'long ' * 30}".rstrip() + "\n"
    assert format_codebook(text) == text


def test_an_array_broken_by_its_author_with_a_last_comma_stays_broken():
    assert format_codebook("a = [\n1,\n2,\n]") == "a = [\n  1,\n  2,\n]\n"


def test_comments_in_an_array_stay_with_their_elements():
    text = "a = [# all\n1, # one\n  # of two\n\n\n\n 2 # two\n # tail\n , # late\n\n]"
    assert format_codebook(text) == (
        "a = [  # all\n  1,  # one\n  # of two\n\n  2,  # two\n  # tail\n  # late\n]\n"
    )


def test_an_inline_table_stays_on_one_line_but_for_what_must_be_broken_inside_it():
    text = "a = { b = [ # why\n 1 ], c = 2 }"
    assert format_codebook(text) == "a = { b = [  # why\n  1,\n], c = 2 }\n"
    assert format_codebook('a = { b = """x\n y""" }') == 'a = { b = """x\n y""" }\n'


def test_what_a_string_holds_is_not_touched():
    text = 'a = """\n  # no comment  \n\n\n[no header]\t\n\\\n   end"""""\n'
    text += "b = '''x  \r\n'''''\n"
    assert format_codebook(text) == text.replace("\r", "")
    escapes = r'''a = "\u00e9 \" # \\"''' + "\n"
    assert format_codebook(escapes) == escapes


def test_decomposed_letters_are_composed_in_comments_and_nowhere_else():
    text = '"Co\u0302te" = "o\u0302"  # o\u0302\n'
    assert format_codebook(text) == '"Co\u0302te" = "o\u0302"  # \u00f4\n'


@given(st.text())
def test_a_text_that_is_written_quoted_is_read_as_it_was(text):
    line = f"{quoted_key(text)} = {quoted(text)}"
    assert tomli.loads(line) == {text: text}
    assert line.isprintable()
    assert tomli.loads(unicodedata.normalize("NFC", line)) == {text: text}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a = 1\nb = = 2", "CB001", (2, 5)),
        ("a = [1", "CB001", (1, 7)),
        ("a = 1\na = 2", "CB005", (2, 1)),
        ("a = " + "[" * 900 + "]" * 900, "CB001", (0, 0)),
        ("a = " + "9" * 5000, "CB014", (0, 0)),
    ],
)
def test_what_is_not_toml_is_refused_with_its_place(text, code, place):
    with pytest.raises(CodebookError) as caught:
        format_codebook(text, "mine.toml")
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.file) == (code, "mine.toml")
    assert (problem.place.line, problem.place.column) == place


# ---------------------------------------------------------------------------------- whole codebooks


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_codebook_is_in_normal_form(path):
    text = path.read_text(encoding="utf-8")
    assert format_codebook(text) == text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_codebook_that_is_laid_out_otherwise_means_the_same_formatted(path):
    text = path.read_text(encoding="utf-8").replace(" = ", "   =  ").replace("\n\n", "\n\n\n")
    formatted = format_codebook(text)
    assert formatted != text
    assert tomli.loads(formatted) == tomli.loads(text)
    assert format_codebook(formatted) == formatted
    assert comments(formatted) == comments(text)
    assert list(tomli.loads(formatted)["variables"]) == list(tomli.loads(text)["variables"])


@pytest.mark.shared_data
def test_the_worked_example_means_the_same_formatted(shared):
    text = Path(shared, "design", "codebook-example.toml").read_text(encoding="utf-8")
    formatted = format_codebook(text)
    assert tomli.loads(formatted) == tomli.loads(text)
    assert format_codebook(formatted) == formatted
    assert comments(formatted) == comments(text)


# ----------------------------------------------------------------------------------------- any text

LETTERS = "ab#\"\\[]{}=,.'\u00e9\u0301A "
blanks = st.sampled_from(["", " ", "\t ", "   "])
spaces = st.sampled_from(["", " ", "\n", " \n\n\n ", " # no 'end [\n", "\t#\u00e9 e\u0301 \t\n"])
comment = st.sampled_from(["", "# why", ' #"not a string', "  #  ", "\t# A\u030a{", "#]"])


def _basic(text, quotes='"'):
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f"{quotes}{text.replace('A', chr(92) + 'u004A')}{quotes}"


strings = st.one_of(
    st.text(LETTERS, max_size=6).map(_basic),
    st.text(LETTERS.replace("'", ""), max_size=6).map(lambda text: f"'{text}'"),
    st.text(LETTERS + "\n\t", max_size=8).map(lambda text: _basic(text, '"""')),
    st.text(LETTERS.replace("'", "\n"), max_size=8).map(lambda text: f"'''{text}'''"),
    st.sampled_from(['"""a"" b"""""', "'''''a'''''", '"""\\\n   x"""', '""', "''", '""""""']),
)
scalars = st.one_of(
    strings,
    st.sampled_from(
        ["1", "-1_000.5e3", "true", "inf", "0xff", "2021-09-01", "1979-05-27 07:32:00"]
    ),
)


@st.composite
def arrays(draw, values):
    items = draw(st.lists(values, max_size=4))
    text = "[" + draw(spaces)
    for number, item in enumerate(items):
        text += item + draw(spaces)
        if number < len(items) - 1 or draw(st.booleans()):
            text += "," + draw(spaces)
    return text + "]"


@st.composite
def tables(draw, values):
    items = draw(st.lists(values, max_size=3))
    pairs = [
        f"{draw(blanks)}k{n}{draw(blanks)}={draw(blanks)}{one}{draw(blanks)}"
        for n, one in enumerate(items)
    ]
    return "{" + ",".join(pairs) + draw(blanks) + "}"


values = st.recursive(scalars, lambda inner: arrays(inner) | tables(inner), max_leaves=12)


@st.composite
def documents(draw):
    lines = []
    for number in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["key", "key", "key", "header", "array", "blank", "comment"]))
        if kind == "key":
            name = draw(st.sampled_from(["k{}", "'k {}'", 'x{} . "\u00e9 y"', '"e\u0301{}"']))
            pair = name.format(number) + draw(blanks) + "=" + draw(blanks) + draw(values)
            lines.append(draw(blanks) + pair + draw(blanks) + draw(comment))
        elif kind == "header":
            lines.append(f"[ t{number}{draw(blanks)}]{draw(comment)}")
        elif kind == "array":
            lines.append(f"{draw(blanks)}[[list]]{draw(blanks)}{draw(comment)}")
        else:
            lines.append(draw(blanks) + (draw(comment) if kind == "comment" else ""))
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


@given(documents())
def test_any_text_means_the_same_formatted_and_is_formatted_once(text):
    formatted = format_codebook(text)
    assert repr(tomli.loads(formatted)) == repr(tomli.loads(text))
    assert format_codebook(formatted) == formatted


@given(documents())
def test_every_comment_of_any_text_is_kept_in_order(text):
    kept = [unicodedata.normalize("NFC", one) for one in comments(text)]
    assert comments(format_codebook(text)) == kept


@given(documents())
def test_the_normal_form_has_no_stray_white_space_outside_strings(text):
    outside = COMMENT_OR_STRING.sub(lambda found: found[1] or '""', format_codebook(text))
    assert not re.search(r"[ \t]$|\n\n\n|\t =|= {2}|\A\n|\n\n\Z", outside, re.MULTILINE)
    lines = outside.split("\n")
    for number, line in enumerate(lines):
        if line.startswith("["):
            above = list(takewhile(lambda one: one.startswith("#"), reversed(lines[:number])))
            assert lines[: number - len(above)][-1:] in ([], [""])
