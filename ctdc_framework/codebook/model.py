"""The codebook: what a data set holds, who may be told what, and how raw records become it.

Frozen and pure: no files, no data, no pandas. `language.load` reads one from TOML and checks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Any, Literal

from attrs import field, frozen, validators

from ctdc_framework.codebook.domains import STANDARD, Domain
from ctdc_framework.codebook.hierarchies import Hierarchy
from ctdc_framework.toml.convert import entry, matching

Reason = Literal["not-collected", "not-recorded", "not-applicable", "suppressed", "unknown"]


COUNT = "count"
"""The column of a table of counts that holds its numbers: no variable may be called so."""

SEPARATOR = matching(r"[^\w\"'\t\r\n]?", "one character that no value holds, such as ;")
"""What may part the values of a cell."""


class Role(Enum):
    """What a variable means for privacy. Each variable states its own; there is no default."""

    QUASI = "quasi"
    """A quasi-identifier: an outsider could know it."""
    SENSITIVE = "sensitive"
    """Nobody should learn it about a person."""
    NONE = "none"


@frozen(kw_only=True)
class Header:
    """What the codebook is."""

    dsl: Literal[1] = entry("version of the codebook language")
    id: str = entry(
        "the codebook's name, as its file's",
        validator=matching(r"[a-z0-9][a-z0-9.-]{0,63}", "small letters, digits, - and ."),
    )
    title: str = entry("title, as printed")
    version: str = entry(
        "version of the content, such as 1.0.0",
        validator=matching(r"[0-9]+\.[0-9]+\.[0-9]+", "three numbers, such as 1.0.0"),
    )
    released: str = entry("when the data set it describes was released", default="")
    lang: str = entry("language of the texts", default="en")
    status: Literal["", "draft"] = entry("draft: nothing may be released by it", default="")
    description: str = entry("what the data set is, in a sentence or two", default="")
    order: tuple[str, ...] = entry("every variable, in the order of the release", default=())


@frozen(kw_only=True)
class Privacy:
    """The least that any release must keep to."""

    k: int = entry(
        "fewest records that a published combination may stand for", validator=validators.ge(2)
    )
    round_to: int = entry(
        "published counts are multiples of this", default=10, validator=validators.ge(2)
    )
    subject: str = entry(
        "identifier input that tells whose record it is: k then counts subjects, not records",
        default="",
    )

    @property
    def unit(self) -> Literal["records", "subjects"]:
        """What k counts."""
        return "subjects" if self.subject else "records"


@frozen(kw_only=True)
class MissingCode:
    """A text that stands for a missing value, and why it is missing."""

    code: str = entry("the text of the cell")
    reason: Reason = entry("why the value is missing")
    label: str = entry("how it is printed", default="")
    seen_in: tuple[str, ...] = entry("releases in which it was seen", default=())


@frozen(kw_only=True)
class Missing:
    """Which texts stand for missing; an empty cell always does."""

    codes: tuple[MissingCode, ...] = entry("the texts", default=())


@frozen(kw_only=True)
class Contributor:
    """An organisation whose records the data set holds."""

    label: str = entry("short name")
    name: str = entry("full name", default="")
    years: tuple[int, ...] = entry("first and last year of its records", default=())
    how: str = entry("how it collects its data", default="")
    url: str = entry("where to read more", default="")


@frozen(kw_only=True)
class Collection:
    """How one contributor collects one variable; what is not said is unknown."""

    status: Literal["collected", "partial", "proxy", "not-collected"] = entry("whether it does")
    since: int | None = entry("first year in which it did", default=None)
    meaning: str = entry("what the variable means in its records", default="")
    proxy: str = entry("what it records instead", default="")
    approximates: str = entry("what its values only come near to", default="")
    note: str = entry("anything else to know", default="")
    records_several: bool | None = entry(
        "whether it records more than one value for a person", default=None
    )


@frozen(kw_only=True)
class Variable:
    """One variable of the release."""

    name: str = field(default="", metadata={"in_toml": False})
    domain: str = entry("name of the domain its values come from")
    role: tuple[Role, ...] = entry(
        "what it means for privacy: quasi, sensitive or none; there is no default, but in a draft "
        "it may be empty: to be decided",
    )
    definition: str = entry("what it means")
    hierarchy: str = entry("name of the hierarchy by which it may be generalised", default="")
    use: str = entry("template whose entries it takes where it has none", default="")
    type: Literal["", "string", "numeric", "binary numeric"] = entry("type, as printed", default="")
    list: str = entry(
        "what parts the values of a cell that lists several; such a cell lists what is known",
        default="",
        validator=SEPARATOR,
    )
    nullable: bool = entry("whether a value may be missing in the input", default=True)
    required: bool = entry(
        "whether a file must have it, or what it is made from; else it is missing throughout",
        default=True,
    )
    missing_matches: Literal["itself", "anything"] = entry(
        "for a quasi-identifier in k-anonymity: itself if a missing value is one like any other, "
        "anything if it is as good as every value",
        default="itself",
    )
    protected: bool = entry("whether a strategy may not blank it", default=False)
    aliases: tuple[str, ...] = entry("other names that a file may use for it", default=())
    caveat: str = entry("what a reader has to be warned of", default="")
    concept: str = entry("the standard concept it follows", default="")
    section: str = entry("heading it is printed under", default="")
    contributors: Mapping[str, Collection] = entry("how each contributor collects it", factory=dict)

    @property
    def is_quasi(self) -> bool:
        """Whether it is a quasi-identifier."""
        return Role.QUASI in self.role


@frozen(kw_only=True)
class Input:
    """A column that rules read and that is never released."""

    name: str = field(default="", metadata={"in_toml": False})
    domain: str = entry("name of the domain its values come from", default="")
    role: Literal["", "identifier"] = entry(
        "identifier: the column is dropped as the data are read", default=""
    )
    list: str = entry(
        "what parts the values of a cell that lists several",
        default="",
        validator=SEPARATOR,
    )
    aliases: tuple[str, ...] = entry("other names that a file may use for it", default=())
    definition: str = entry("what it means", default="")


@frozen(kw_only=True)
class Condition:
    """A test of one variable or input: equal to a value, one of several, or missing."""

    var: str = entry("variable or input that is looked at")
    is_: str | int | None = entry("the value it has", key="is", default=None)
    in_: tuple[str | int, ...] = entry("the values of which it has one", key="in", default=())
    missing: Literal[True] | None = entry("true: no value is known", default=None)

    def __attrs_post_init__(self) -> None:
        if (self.is_ is not None) + bool(self.in_) + bool(self.missing) != 1:
            raise ValueError(
                "a condition says one of three things: write `is`, `in` or `missing = true`"
            )

    @property
    def values(self) -> tuple[str, ...]:
        """The values that satisfy it, as codes; none where it asks for a missing one."""
        return tuple(map(str, self.in_ if self.is_ is None else (self.is_,)))


@frozen(kw_only=True)
class RuleEntry:
    """A grouping rule as the codebook states it; `params` are the entries of its `op`."""

    id: str
    op: str
    because: str
    params: Any


@frozen(kw_only=True)
class Check:
    """What can never be: all conditions true of one record."""

    id: str = entry("the check's name")
    never: tuple[Condition, ...] = entry(
        "conditions that are never all true of one record", validator=validators.min_len(1)
    )
    severity: Literal["warning", "error"] = entry("error stops the run", default="warning")
    because: str = entry("why it can never be", default="")


@frozen(kw_only=True)
class Remark:
    """A note that texts can refer to as `{note:name}`."""

    title: str = entry("heading")
    text: str = entry("the note")


@frozen(kw_only=True)
class Section:
    """A section of front matter."""

    id: str = entry("the section's name")
    title: str = entry("heading")
    text: str = entry("the section")


@frozen(kw_only=True)
class Erratum:
    """Where the printed source differs from the codebook or from itself."""

    at: str = entry("what it concerns, such as variables.gender")
    where: str = entry("where it stands in print")
    printed: str = entry("what is printed there")
    note: str = entry("what holds instead, and why", default="")


@frozen(kw_only=True)
class Figure:
    """A small table of the printed book."""

    id: str = entry("the figure's name")
    title: str = entry("caption")
    columns: tuple[str, ...] = entry("headings, from left to right")
    rows: tuple[tuple[str, ...], ...] = entry("rows of cells, as many as headings")
    text: str = entry("what it shows", default="")


@frozen(kw_only=True)
class Allowance:
    """One diagnostic that is meant to be so, in one place."""

    code: str = entry(
        "the code of a warning, such as CB025",
        validator=matching("CB[0-9]{3}", "a code such as CB025"),
    )
    at: str = entry("where it is allowed, such as variables.gender")
    because: str = entry("why it is meant to be so")


@frozen(kw_only=True)
class Superseded:
    """What became of variables of an earlier codebook."""

    codebook: str = entry("the earlier codebook's id")
    variables: tuple[str, ...] = entry("its variables", validator=validators.min_len(1))
    by: tuple[str, ...] = entry("the variables here that take their place", default=())
    how: Literal["renamed", "merged", "split", "dropped", "recoded"] = entry("what was done")
    note: str = entry("anything else to know", default="")


@frozen(kw_only=True)
class VariableGroup:
    """Flags that share a denominator: a record counts where any of them is known to be set."""

    title: str = entry("heading")
    variables: tuple[str, ...] = entry("its flags", validator=validators.min_len(2))
    text: str = entry("what its percentages mean", default="")


COUNT = "count"
"""The column that holds a table of counts' numbers."""


@frozen(kw_only=True)
class TableColumn:
    """A column: a variable, or the presence of one value of a multi-valued variable.

    `value` is empty for a variable of its own; `IP_Gender=Female` is the presence of `Female`.
    """

    variable: str
    value: str = ""
    codes: tuple[str, ...]
    """What a cell may hold, in the order of its integer codes: the domain's own values first."""
    below: Mapping[int, tuple[int, ...]] = field(factory=dict, hash=False)
    """For the code of each generalised value, those of the finer values that it stands for."""

    @property
    def name(self) -> str:
        """The column's name in the frame."""
        return f"{self.variable}={self.value}" if self.value else self.variable

    def cell(self, code: int) -> str:
        """Give the value of the variable that a code of this column stands for."""
        return self.value or self.codes[code]


REFERENCE = re.compile(r"\{([a-z]+):([^{}]*)\}")
"""A cross reference in prose: `{var:x}`, `{vars:a..b}`, `{note:x}` or `{section:x}`."""


@frozen(kw_only=True)
class Codebook:
    """A whole codebook, checked: every name in it refers to something in it.

    `variables` are in the order of the release. `origin` names the file it came from and `digest`
    is the SHA-256 of its bytes.
    """

    header: Header
    privacy: Privacy
    variables: Mapping[str, Variable]
    domains: Mapping[str, Domain] = field(factory=dict)
    inputs: Mapping[str, Input] = field(factory=dict)
    missing: Missing = field(factory=Missing)
    contributors: Mapping[str, Contributor] = field(factory=dict)
    rules: tuple[RuleEntry, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: Mapping[str, Remark] = field(factory=dict)
    sections: tuple[Section, ...] = ()
    errata: tuple[Erratum, ...] = ()
    hierarchies: Mapping[str, Hierarchy] = field(factory=dict)
    figures: tuple[Figure, ...] = ()
    groups: Mapping[str, VariableGroup] = field(factory=dict)
    supersedes: tuple[Superseded, ...] = ()
    allow: tuple[Allowance, ...] = ()
    origin: str = ""
    digest: str = ""

    @property
    def id(self) -> str:
        """The codebook's name."""
        return self.header.id

    @property
    def k(self) -> int:
        """The fewest records that a published combination may stand for."""
        return self.privacy.k

    def domain_of(self, name: str) -> Domain:
        """Give the domain of a variable or an input; free text for an identifier."""
        thing = self.variables.get(name) or self.inputs[name]
        return self.find_domain(thing.domain) or STANDARD["std/text"]

    def find_domain(self, name: str) -> Domain | None:
        """Give a declared or standard domain by its name."""
        return self.domains.get(name) or STANDARD.get(name)

    def separator_of(self, name: str) -> str:
        """Give what parts the values of a multi-valued variable's or input's cells."""
        return (self.variables.get(name) or self.inputs[name]).list

    def hierarchy_of(self, name: str) -> Hierarchy | None:
        """Give the hierarchy by which a variable may be generalised, if it has one."""
        return self.hierarchies.get(self.variables[name].hierarchy)

    def group_of(self, name: str) -> str:
        """Give the group whose records are the denominator of a flag's shares, or nothing."""
        return next((group for group, one in self.groups.items() if name in one.variables), "")

    @cached_property
    def release_domains(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """What each variable may hold in a release, and the values of its domain that it covers.

        These are the domain's own values, each of which covers itself, and then the generalised
        values of the variable's hierarchy. A cell that lists several holds none of the latter.
        """
        found = {}
        for name, variable in self.variables.items():
            found[name] = {code: frozenset([code]) for code in self.domain_of(name).codes}
            hierarchy = self.hierarchy_of(name)
            if hierarchy and not variable.list:
                found[name] |= {code: hierarchy.below(code) for code in hierarchy.codes}
        return found

    @cached_property
    def columns(self) -> tuple[TableColumn, ...]:
        """The columns that a table of this codebook can have, in order.

        A multi-valued variable has one column for each value that a cell can list.
        """
        found: list[TableColumn] = []
        for name, variable in self.variables.items():
            covers = self.release_domains[name]
            if variable.list:
                found += [TableColumn(variable=name, value=c, codes=("1",)) for c in covers]
                continue
            number = {code: n for n, code in enumerate(covers)}
            below = {
                number[code]: tuple(number[o] for o, its in covers.items() if its <= members)
                for code, members in covers.items()
                if members != {code}
            }
            found.append(TableColumn(variable=name, codes=tuple(covers), below=below))
        return tuple(found)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Every name that a column of raw data may bear, and whose it is."""
        found = {}
        for name, thing in self.entries():
            found.update(dict.fromkeys((name, *thing.aliases), name))
        return found

    @cached_property
    def missing_codes(self) -> frozenset[str]:
        """The texts that stand for a missing value."""
        return frozenset(["", *(code.code for code in self.missing.codes)])

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The inputs that are dropped as data are read."""
        return tuple(name for name, one in self.inputs.items() if one.role == "identifier")

    @property
    def quasi_identifiers(self) -> tuple[str, ...]:
        """The variables that an outsider could know, in the order of the release."""
        return tuple(name for name, variable in self.variables.items() if variable.is_quasi)

    def entries(self) -> Iterator[tuple[str, Variable | Input]]:
        """Go through everything that a raw file's column may be."""
        yield from self.variables.items()
        yield from self.inputs.items()
