"""The text of a drafted codebook: findings about columns, written as TOML with comments."""

from __future__ import annotations

import datetime
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import evolve, field, frozen

from ctdc_framework.codebook.domains import OUTSIDE, STANDARD, CountryDomain, Domain
from ctdc_framework.drafting.finding import Finding, tidy
from ctdc_framework.drafting.sight import words_of
from ctdc_framework.errors import tell_rows
from ctdc_framework.language.format import WIDTH, format_codebook, quoted, quoted_key
from ctdc_framework.toml.convert import default_of, fields_of, key_of


@frozen(kw_only=True, eq=False)
class Writer:
    """Writes a draft from what the columns seem to hold."""

    file: str
    rows: int
    id: str
    k: int
    found: Mapping[str, Finding]
    left_out: Sequence[str]
    domains: dict[Domain, str] = field(factory=dict)
    remarks: set[str] = field(factory=set)
    """What has been explained once."""

    def text(self) -> str:
        """Give the whole text, in its normal form."""
        self._name_domains()
        everywhere, here = self._missing()
        variables = {name: one for name, one in self.found.items() if not one.is_input}
        inputs = {name: one for name, one in self.found.items() if one.is_input}
        lines = [
            *self._head(),
            *_missing_lines(everywhere),
            *_title("domains"),
            *(line for domain, name in self.domains.items() for line in _domain(name, domain)),
            *_title("variables"),
            *([] if variables else ["[variables]"]),
            *(line for name, one in variables.items() for line in self._variable(name, one)),
            *(_title("inputs") if inputs else []),
            *(line for name, one in inputs.items() for line in self._input(name, one)),
            *self._rules(here),
            *self._left_out(),
        ]
        return format_codebook("\n".join(lines))

    def _name_domains(self) -> None:
        """Give each list of values a name; columns with the same values share one."""
        countries = [one.domain for one in self.found.values()]
        plus = {code for one in countries if isinstance(one, CountryDomain) for code in one.plus}
        taken = {"country"}
        for name, one in self.found.items():
            domain = one.domain
            if domain is None or domain in STANDARD.values():
                continue
            if isinstance(domain, CountryDomain):
                self.domains[evolve(domain, plus=tuple(sorted(plus)))] = "country"
            elif domain not in self.domains:
                self.domains[domain] = _unique(_slug(name), taken)

    def _domain_of(self, one: Finding) -> str:
        for name, domain in STANDARD.items():
            if one.domain == domain:
                return name
        if isinstance(one.domain, CountryDomain):
            return "country"
        assert one.domain is not None
        return self.domains[one.domain]

    def _missing(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """Part missing codes into those that hold everywhere, and those of single columns.

        A text that is a value elsewhere, as NA is Namibia among two-letter codes, is recoded where
        it stands for missing.
        """
        reasons: dict[str, str] = {}
        for one in self.found.values():
            reasons = {**one.missing, **reasons}
        read = [one for one in self.found.values() if one.domain]
        shared = {
            code: reason
            for code, reason in sorted(reasons.items())
            if not any(code not in one.missing and _means_something(code, one) for one in read)
        }
        here = {
            name: {code: "" for code in one.missing if code not in shared} | dict(one.recodes)
            for name, one in self.found.items()
            if one.domain
        }
        return shared, here

    def _head(self) -> list[str]:
        name = quoted(self.file)
        rows = tell_rows(self.rows, self.k)
        return [
            *_comment(f"A draft made from {name}, {rows}: every line of it is a guess."),
            "#",
            *_comment(
                "Go through it from the top. Data cannot tell what a variable means nor who could "
                "know it: write the definitions, and decide each role. Nothing that fewer than "
                f"{self.k} rows hold is written here; where a column has such values it is said "
                "so, and reading the file stops at them, or takes them for missing with "
                "--on-unknown missing."
            ),
            "#",
            *_comment(
                'When it says what you mean take out status = "draft": until then no release is '
                "made with it."
            ),
            "",
            "[codebook]",
            "dsl = 1",
            f"id = {quoted(self.id)}",
            f"title = {quoted('Draft from ' + tidy(self.file))}",
            'version = "0.1.0"',
            'status = "draft"  # take it out once everything here has been looked at',
            "",
            "[privacy]",
            f"k = {self.k}  # the fewest records that anything published may stand for",
            f"round_to = {self.k}  # published counts are multiples of this, rounded down",
        ]

    def _variable(self, name: str, one: Finding) -> Iterator[str]:
        yield from self._about(name, one, "variables")
        if one.quasi:
            yield f'role = ["quasi"]  # a guess, as {one.quasi}: could an outsider know it?'
        else:
            yield "role = []  # to be decided: quasi, sensitive, both, or none"
        yield 'definition = "What it means has not been written down yet."'

    def _input(self, name: str, one: Finding) -> Iterator[str]:
        yield from self._about(name, one, "inputs")

    def _about(self, name: str, one: Finding, table: str) -> Iterator[str]:
        said = [f"Seems to be {one.what}: {one.why}."]
        said += [remark for remark in one.remarks if remark not in self.remarks]
        self.remarks.update(one.remarks)
        if one.hides and not one.is_input:
            said.append(f"Some values held by fewer than {self.k} rows are not listed.")
        yield ""
        yield from _comment(" ".join(said))
        yield f"[{table}.{quoted_key(name)}]"
        if name != one.name:
            yield f"aliases = [{quoted(one.name)}]  # its name in the file"
        if one.domain is None:
            yield 'role = "identifier"'
            return
        yield f"domain = {quoted(self._domain_of(one))}"
        if one.separator:
            yield f"list = {quoted(one.separator)}"

    def _rules(self, recodes: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for name, recoded in recodes.items():
            if recoded:
                groups.setdefault(tuple(sorted(recoded.items())), []).append(name)
        yield from _title("rules") if groups else ()
        taken: set[str] = set()
        for mapping, names in groups.items():
            because = "The file writes these values otherwise than the domain does."
            if not any(new for _, new in mapping):
                because = "Here these texts stand for missing, and in another column for a value."
            entries = [f"{quoted_key(old)} = {quoted(new)}" for old, new in mapping]
            yield from ("", "[[rules]]")
            yield f"id = {quoted(_unique('recode-' + _slug(names[0]), taken))}"
            yield 'op = "recode"'
            yield f"on = {_toml(tuple(names))}"
            short = f"map = {{ {', '.join(entries)} }}"
            yield from [short] if len(short) <= WIDTH else []
            yield f"because = {quoted(because)}"
            yield from ["[rules.map]", *entries] if len(short) > WIDTH else []

    def _left_out(self) -> Iterator[str]:
        if self.left_out:
            yield ""
            written = ", ".join(map(quoted, self.left_out))
            yield from _comment(
                f"Left out: {written}. No two columns may differ in capitals only, and none is "
                "named like a reference in prose. Rename them in the file, or read it with "
                "--drop-unknown."
            )


def _means_something(code: str, one: Finding) -> bool:
    """Tell whether a text is, or could be, a value of a column."""
    if code in one.common or code in one.recodes:
        return True
    assert one.domain is not None
    return not one.domain.is_open and one.domain.read(code) is not OUTSIDE


# ---------------------------------------------------------------------------------- the text of it


def _title(text: str) -> list[str]:
    return ["", f"# {'-' * (WIDTH - 3 - len(text))} {text}"]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _missing_lines(codes: Mapping[str, str]) -> list[str]:
    everything = {"": "not-recorded", **codes}
    lines = [
        f"  {{ code = {quoted(code)}, reason = {quoted(reason)} }},"
        for code, reason in everything.items()
    ]
    about = (
        "What stands for missing: an empty cell always, and the others by a guess, with reasons."
    )
    return ["", *_comment(about), "[missing]", "codes = [", *lines, "]"]


def _domain(name: str, domain: Domain) -> Iterator[str]:
    yield ""
    if isinstance(domain, CountryDomain):
        yield "# Codes are judged as on a day: write the day on which your list was made."
    yield f"[domains.{quoted_key(name)}]"
    # Lists of tables go last, as they are long.
    for key, value in sorted(_stated(domain), key=lambda one: _is_long(one[1])):
        if _is_long(value):
            yield from (f"{key} = [", *(f"  {_toml(one)}," for one in value), "]")
        else:
            yield f"{key} = {_toml(value)}"


def _is_long(value: Any) -> bool:
    return isinstance(value, tuple) and any(attrs.has(type(one)) for one in value)


def _stated(value: object) -> Iterator[tuple[str, Any]]:
    """Go through the entries of a value object that are not left at their defaults."""
    for one in fields_of(type(value)):
        if getattr(value, one.name) != default_of(one):
            yield key_of(one), getattr(value, one.name)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str | datetime.date):
        return quoted(str(value))
    return f"{{ {', '.join(f'{key} = {_toml(one)}' for key, one in _stated(value))} }}"


def _slug(name: str) -> str:
    """Give a name for a table in small letters: `age-broad` for ageBroad."""
    return "-".join(re.sub("[^a-z]", "", word) for word in words_of(name)).strip("-") or "values"


def _unique(name: str, taken: set[str]) -> str:
    found, tries = name, 2
    while found in taken:
        found, tries = f"{name}-{tries}", tries + 1
    taken.add(found)
    return found
