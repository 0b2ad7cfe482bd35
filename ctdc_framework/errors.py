"""What can go wrong, said once and in one form.

A `Problem` is one finding with a place and a remedy; a `CtdcError` carries all of them at once.
Whatever is not a `CtdcError` is a fault of ours and never shown to the user in full: the text of a
foreign exception may quote a record.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import IntEnum
from itertools import islice
from typing import Literal

from attrs import frozen

Level = Literal["error", "warning"]

WIDEST = 160
"""Characters of a source line that are shown, where a terminal does not have room for fewer."""

NARROWEST = 30
"""Characters of a source line that are shown in the narrowest terminal."""


class Exit(IntEnum):
    """What a command's exit code tells a script."""

    FINE = 0
    USER = 1
    """The user can mend it."""
    USAGE = 2
    REFUSED = 3
    """A release was refused, or a claim does not hold."""
    GAPS = 4
    """Complete, but a measure failed."""
    BUG = 70


@frozen(kw_only=True)
class Place:
    """Where a problem is: a position in a text file, or a column of a data file.

    `line` and `column` count from 1 in characters; 0 means that the file as a whole is meant.
    `source` is the line itself, shown under the message, and only ever a line of a codebook or a
    plan: lines of data are not kept.
    """

    file: str
    line: int = 0
    column: int = 0
    width: int = 1
    source: str = ""
    data_column: str = ""

    def __str__(self) -> str:
        if self.line:
            return f"{self.file}:{self.line}:{self.column}"
        return f"{self.file}: column {self.data_column}" if self.data_column else self.file


@frozen(kw_only=True)
class Problem:
    """One finding: a stable code, a sentence that names the subject, a place and a remedy.

    >>> print(Problem(code="CB013", message="role `quazi` is unknown", help="did you mean `quasi`?",
    ...               place=Place(file="a.toml", line=2, column=9, width=7,
    ...                           source="role = ['quazi']")).render())
    a.toml:2:9: error[CB013]: role `quazi` is unknown
       |
      2| role = ['quazi']
       |         ^^^^^^^
       = help: did you mean `quasi`?
    """

    code: str
    message: str
    help: str = ""
    place: Place | None = None
    level: Level = "error"

    def render(self, columns: int = 0) -> str:
        """Write the problem as a person reads it, with the line it points at.

        Of a line that is longer than a terminal of so many columns only the part around the place
        is shown, as otherwise the marks would not stand beneath it.
        """
        head = f"{self.level}[{self.code}]: {self.message}"
        lines = [f"{self.place}: {head}" if self.place else head]
        if self.place and self.place.source:
            number = f"{self.place.line:>3}"
            gutter = " " * len(number)
            room = columns - len(number) - 2 if columns else WIDEST
            widest = min(WIDEST, max(NARROWEST, room))
            source = self.place.source
            start = 0
            if len(source) > widest:
                # A third of the room is for what stands before.
                start = max(0, min(self.place.column - 1 - widest // 3, len(source) - widest))
            shown = source[start : start + widest]
            shown = "…" + shown[1:] if start else shown
            shown = shown[:-1] + "…" if start + widest < len(source) else shown
            # Tabs keep their width, so that the carets stand under what they mean.
            ahead = shown[: self.place.column - 1 - start]
            before = "".join("\t" if character == "\t" else " " for character in ahead)
            width = min(self.place.width, len(shown) - len(ahead))
            lines += [
                f"{gutter}|",
                f"{number}| {shown}",
                f"{gutter}| {before}{'^' * max(1, width)}",
            ]
            lines += [f"{gutter}= help: {self.help}"] if self.help else []
        elif self.help:
            lines.append(f"  = help: {self.help}")
        return harmless("\n".join(lines))


class CtdcError(Exception):
    """Something that the user can mend, with every problem found and none of anybody's data."""

    exit_code = Exit.USER

    def __init__(self, message: str = "", *, problems: Iterable[Problem] = (), help: str = ""):
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.help = help
        self.message = message or "\n".join(problem.render() for problem in self.problems)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n  = help: {self.help}" if self.help else self.message


class CodebookError(CtdcError):
    """A codebook that does not say what it means."""


class PlanError(CtdcError):
    """A plan that cannot be run."""


class PluginError(CtdcError):
    """A plugin that is missing, broken, ambiguous or of another contract."""


class DataError(CtdcError):
    """A data file that does not fit its codebook: column and rounded rows, never the content."""


class StrategyError(CtdcError):
    """A strategy cannot do what was asked of it with these data."""


class ReleaseRefused(CtdcError):
    """The gate said no; nothing was written."""

    exit_code = Exit.REFUSED


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of the text around them."""


def harmless(text: str) -> str:
    """Take out of a text what a terminal would act upon: it may come from somebody else's file.

    >>> harmless("one line\\nfails \\x1b[2K holds")
    'one line\\nfails \ufffd[2K holds'
    """
    return "".join(
        "\ufffd"
        if one in _TURNING or (unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t")
        else one
        for one in text
    )


def did_you_mean(word: str, known: Iterable[str], *, most: int = 1) -> str:
    """Suggest the nearest known words, or nothing where none is near.

    >>> did_you_mean("ageBraod", ["ageBroad", "gender"])
    'did you mean `ageBroad`?'
    >>> did_you_mean("xyz", ["ageBroad"])
    ''
    """
    near = nearest(word, known, most=most)
    return f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else ""


def nearest(word: str, known: Iterable[str], *, most: int = 1) -> Sequence[str]:
    """Give the known words that look most like `word`, case not counting.

    Looks at the first two thousand: where there are more, a search would take seconds.
    """
    if not any(map(str.isalnum, word)):
        return []  # `=` is as near to `<=` as to `>=`
    folded: dict[str, str] = {}
    for one in islice(known, 2000):
        folded.setdefault(one.casefold(), one)
    return [folded[m] for m in get_close_matches(word.casefold(), folded, n=most, cutoff=0.6)]


def one_of(words: Iterable[str], *, most: int = 8) -> str:
    """List choices for a message: `a, b, c`, shortened where there are many."""
    listed = list(words)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def tell_rows(rows: int, k: int) -> str:
    """Tell a number of rows without telling a small one.

    >>> tell_rows(7, 10), tell_rows(128, 10)
    ('fewer than 10 rows', 'about 120 rows')
    """
    return f"fewer than {k} rows" if rows < k else f"about {rows // k * k} rows"
