"""Where a character of a string is written: by its place, whatever stands before it."""

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.toml.strings import written_at

PLAIN = [("a", "a"), ("é", "é"), ("😀", "😀"), (" ", " "), ("{var:x}", "{var:x}")]
ESCAPED = [("\\n", "\n"), ('\\"', '"'), ("\\\\", "\\"), ("\\u00e9", "é"), ("\\U0001F600", "😀")]
LINES = [("\n", "\n"), ("x", "x")]
JOINED = [("\\\n  ", ""), ("\\  \n\n\t", ""), ("x", "x")]
KINDS = {
    '"': [*PLAIN, *ESCAPED],
    "'": PLAIN,
    '"""': [*PLAIN, *ESCAPED, *LINES, *JOINED],
    '"""\n': [*PLAIN, *ESCAPED, *LINES, *JOINED],
    "'''": [*PLAIN, *LINES],
    "'''\n": [*PLAIN, *LINES],
}
"""How a string opens, and what may stand in it: as it is written, and as it is read."""


@pytest.mark.parametrize("opening", KINDS)
@given(data=st.data())
def test_every_character_is_found_where_it_is_written(opening, data):
    pieces = data.draw(st.lists(st.sampled_from(KINDS[opening]), max_size=12))
    pieces = [("b", "b"), *pieces, ("c", "c")]  # no blank is trimmed, no first line end lost
    start, places = len("k = "), []
    at = start + len(opening)
    for written, read in pieces:
        same = len(written) == len(read)
        places += [at + n if same else at for n in range(len(read))]
        at += len(written)
    text = f"k = {opening}{''.join(written for written, _ in pieces)}{opening.strip()}"
    value = tomli.loads(text)["k"]
    # Behind a joined line, blanks and line ends are no part of the string.
    if value == "".join(read for _, read in pieces):
        assert [written_at(text, start, n) for n in range(len(value))] == places
    assert text[written_at(text, start, len(value) - 1)] == "c"
    assert written_at(text, start, len(value)) == len(text) - len(opening.strip())
