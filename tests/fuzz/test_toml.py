"""The locator and the formatter on every construct of TOML 1.0, whole and damaged."""

import pytest
import tomli

from ctdc_framework.errors import CtdcError
from ctdc_framework.language.format import format_codebook
from ctdc_framework.toml.dialect import newer_syntax
from ctdc_framework.toml.locator import locate

LARGE = 30_000
"""Characters of a document that is not held against tomli: each path would be looked up in all."""

CONSTRUCTS = {
    "comments": "# one\na = 1 # two # three\n#\n[t] # four\n",
    "bare keys": "a = 1\nA-b_1 = 2\n1234 = 3\n-_- = 4\n",
    "quoted keys": '"a b" = 1\n\'c "d"\' = 2\n"" = 3\n\'é\' = 4\n"\\u00ea\\t" = 5\n',
    "dotted keys": "a.b.c = 1\na.\"b\".d = 2\na . 'e' = 3\n3.14 = 4\n",
    "basic strings": 'a = ""\nb = "x\\b\\t\\n\\f\\r\\"\\\\"\nc = "\\u00e9\\U0001F600"\n'
    'd = "# no"\n',
    "multi-line strings": 'a = """"""\nb = """\none\n  two"""\nc = """x\\\n   \n  y"""\n'
    'd = """"quoted""""\ne = """\\"""\\u0041"""\n',
    "literal strings": "a = ''\nb = 'C:\\x\\u'\nc = 'say \"hi\"'\n",
    "multi-line literals": "a = ''''''\nb = '''\none\n\\two'''\nc = ''''quoted''''\n",
    "integers": "a = 0\nb = +1\nc = -17\nd = 1_000\ne = 0xDEAD_beef\nf = 0o755\ng = 0b1101\n"
    "h = -9223372036854775808\ni = 9223372036854775807\n",
    "floats": "a = 1.0\nb = -0.5\nc = 5e+22\nd = 1e06\ne = 6.626e-34\nf = 1_0.0_1\ng = -0.0\n",
    "not finite": "a = inf\nb = +inf\nc = -inf\nd = nan\ne = +nan\nf = -nan\n",
    "truths": "a = true\nb = false\ntrue = false\n",
    "moments": "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 00:32:00.999999-07:00\n"
    "c = 1979-05-27t07:32:00\nd = 1979-05-27\ne = 07:32:00\nf = 00:00:00.5\n",
    "arrays": 'a = []\nb = [1, 2,]\nc = [[1], ["x", [true]]]\nd = [ # one\n 1, # two\n\n 2\n]\n'
    'e = [1, "mixed", 0.5, {a = 1}]\n',
    "tables": "[a]\nx = 1\n[b.c]\nx = 2\n[ d . \"e\" . 'f' ]\nx = 3\n[b]\nx = 4\n[empty]\n",
    "super-tables after": "[x.y.z.w]\n[x]\na = 1\n[x.y]\nb = 2\n",
    "dotted under headers": "[a]\nb.c = 1\nb.d.e = 2\n[a.f]\ng.h = 3\n",
    "inline tables": "a = {}\nb = { x = 1, y.z = \"2\", 'w' = [ {} ] }\nc = {d = {e = {f = 1}}}\n",
    "arrays of tables": "[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 2\n[[a.c]]\nz = 3\n[[a.c]]\n"
    "[[a]]\nx = 4\n",
    "deep arrays of tables": "[[a.b]]\n[[a.b.c.d]]\n[a.b.c.d.e]\nx = 1\n[[a.b.c.d]]\n",
    "blanks": " \t a\t=\t1 \t\n\n\n  [ t ]  \n\tb = 2",
    "Windows": "a = 1\r\n[t]\r\nb = '''x\r\ny'''\r\nc = [\r\n1]\r\n",
    "nothing": "",
    "no last line end": "a = 1\nb = 'x'",
    "beyond the plane": "a = \"😀\"\n'😀' = ['語', \"\\U0001F600\"]\n",
}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_locator_agrees_with_tomli_on_every_construct(agree, name):
    assert CONSTRUCTS[name] == "" or tomli.loads(CONSTRUCTS[name])
    agree(CONSTRUCTS[name])


def test_the_locator_agrees_with_tomli_on_damaged_documents(rounds, variants, mutator, soon, agree):
    texts = [variants(text) for text in CONSTRUCTS.values() if text]
    accepted = 0
    for _ in range(rounds(40_000)):
        content = next(mutator.random.choice(texts))
        with soon(content, ".toml"):
            text = content.decode("utf-8", "replace")
            try:
                data = tomli.loads(text)
            except (ValueError, RecursionError):  # a number of 5,000 digits is no decoding error
                locate(text)  # whatever it sees, it does not raise
                continue
            accepted += 1
            if len(text) < LARGE:
                agree(text)
            if newer_syntax(text):  # which tomli takes by now, and we do not
                with pytest.raises(CtdcError):
                    format_codebook(text)
                continue
            assert told(tomli.loads(format_codebook(text))) == told(data)
    assert accepted > rounds(40_000) // 5


def told(value):
    """Write a value so that equal ones are written alike: 1 is not true, nan is itself."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {told(one)}" for key, one in sorted(value.items())) + "}"
    if type(value) is int:
        return hex(value)  # there are numbers of more digits than Python writes
    return f"[{', '.join(map(told, value))}]" if isinstance(value, list) else repr(value)


def test_the_formatter_tells_what_is_no_toml():
    with pytest.raises(CtdcError):
        format_codebook("a = [")
