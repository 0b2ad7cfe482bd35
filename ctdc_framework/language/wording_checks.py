"""What is legal in a codebook and still worth a word: names cut by other programs, idle entries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from ctdc_framework.codebook.domains import RangeDomain
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.codebook.rules import Rule
from ctdc_framework.errors import one_of
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.file import names_in

STATA = 32
"""Characters of a variable's name that Stata keeps."""

FEW_NAMES = 5
SAME_STYLE = 0.8
"""A style of names is one if at least so many names, and this share of them, have it."""

LONG_RANGE = 20
"""Values of a range from which on suppressing rare ones costs too much."""

FEW_VALUES = 3
"""A domain of so few values has nothing to generalise."""


def wording_faults(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """List what is worth a warning in a codebook that says what it means."""
    if codebook.header.status == "draft":
        message = "this is a draft: nothing is released by it"
        help = 'look at every entry, then remove status = "draft"'
        path: Path = ("codebook", "status")
        yield Fault(path=path, kind="034", message=message, help=help, level="warning")
    yield from _long_names(codebook)
    yield from _case(codebook)
    yield from _contributors(codebook, data)
    yield from _without_hierarchy(codebook, data)


def _long_names(codebook: Codebook) -> Iterator[Fault]:
    cut: dict[str, str] = {}
    for name in codebook.variables:
        path: Path = ("variables", name)
        other = cut.setdefault(name[:STATA].casefold(), name)
        if other.casefold() != name.casefold():
            message = f"variables `{other}` and `{name}` are both `{name[:STATA]}` once Stata "
            message += f"has cut them to {STATA} characters"
            help = "shorten one of them, or let them differ earlier"
            yield Fault(path=path, kind="025", message=message, help=help, at_key=True)
        elif len(name) > STATA:
            message = f"variable name `{name}` has {len(name)} characters; Stata cuts at {STATA}, "
            message += f"giving `{name[:STATA]}`"
            help = _allow("CB025", f"variables.{name}", "shorten it")
            yield Fault(
                path=path, kind="025", message=message, help=help, at_key=True, level="warning"
            )


def _allow(code: str, at: str, instead: str) -> str:
    return f'{instead}, or let it be: [[allow]] with code = "{code}", at = "{at}", because = "..."'


def _case(codebook: Codebook) -> Iterator[Fault]:
    styles = {name: name[0].isupper() for name in codebook.variables if name[:1].isalpha()}
    for upper, words in ((False, "in lower case"), (True, "with a capital")):
        usual = [name for name, style in styles.items() if style == upper]
        odd = [name for name, style in styles.items() if style != upper]
        if len(usual) < FEW_NAMES or len(usual) < SAME_STYLE * len(styles):
            continue
        for name in odd:
            message = f"{len(usual)} of {len(styles)} names of variables start {words}; "
            message += f"`{name}` does not"
            help = _allow("CB026", f"variables.{name}", "rename it")
            yield Fault(
                path=("variables", name), kind="026", message=message, help=help, at_key=True,
                level="warning",
            )  # fmt: skip


def _contributors(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """A contributor is named by a variable, and does not say no to everything unasked."""
    said: dict[str, list[Any]] = {name: [] for name in names_in(data, "contributors")}
    for variable in codebook.variables.values():
        for name, one in variable.contributors.items():
            said.setdefault(name, []).append(one)
    known = names_in(data, "contributors")
    # Where no variable names any, who collects what is not this codebook's matter.
    misspelt = not set(said) <= set(known) or not any(said.values())
    for name, all_said in said.items():
        path: Path = ("contributors", name)
        if not all_said and not misspelt:
            message = f"contributor `{name}` is named by no variable"
            help = _allow("CB027", f"contributors.{name}", "remove it")
            yield Fault(
                path=path, kind="027", message=message, help=help, at_key=True, level="warning"
            )
        elif len(all_said) == len(codebook.variables) > 1 and all(
            one.status == "not-collected" and not one.note for one in all_said
        ):
            message = f"`{name}` is marked not-collected for all {len(all_said)} variables, "
            message += "without a `note` that says how this is known"
            help = "leave it out: what is not said is unknown"
            yield Fault(
                path=path, kind="031", message=message, help=help, at_key=True, level="warning"
            )


def _without_hierarchy(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    lacking: list[str] = []
    for name, variable in codebook.variables.items():
        domain = codebook.find_domain(variable.domain)
        if not variable.is_quasi or variable.hierarchy or domain is None:
            continue
        if isinstance(domain, RangeDomain) and len(domain.codes) >= LONG_RANGE:
            message = f"the range of variable `{name}` has {len(domain.codes)} values and no "
            message += "hierarchy: what is rare can only be suppressed"
            help = f"declare bands in [hierarchies.x], and give `{name}` its `hierarchy`"
            path: Path = ("variables", name, "domain")
            yield Fault(path=path, kind="109", message=message, help=help, level="warning")
        elif len(domain.codes) > FEW_VALUES:
            lacking.append(name)
    # Who generalises nothing at all has decided so.
    if lacking and data.get("hierarchies"):
        many = len(lacking) > 1
        message = f"{len(lacking)} quasi-identifier{'s have' if many else ' has'} no hierarchy: "
        message += one_of(lacking, most=9)
        help = "give each a `hierarchy`, so that what is rare can be generalised"
        yield Fault(path=("hierarchies",), kind="230", message=message, help=help, level="warning")


def name_faults(codebook: Codebook, file: str, others: Collection[str]) -> Iterator[Fault]:
    """Tell where a file bears the id of another codebook, as a copy does."""
    stem = PurePath(file).name.removesuffix(".toml")
    if stem != codebook.id in others:
        message = f"the id `{codebook.id}` is that of another codebook, and this is `{stem}`"
        help = f'write id = "{stem}": two codebooks of one name cannot be told apart'
        path: Path = ("codebook", "id")
        yield Fault(path=path, kind="033", message=message, help=help, level="warning")


def idle_inputs(codebook: Codebook, rules: Mapping[str, Rule[Any]]) -> Iterator[Fault]:
    """Tell of inputs that no rule and no check reads, in a codebook without mistakes.

    An identifier is there to be dropped.
    """
    read = {condition.var for check in codebook.checks for condition in check.never}
    for one in codebook.rules:
        read.update(rules[one.op].reads(one.params))
    for name, column in codebook.inputs.items():
        if column.role != "identifier" and name not in read:
            message = f"input `{name}` is read by no rule and no check"
            help = _allow(
                "CB027", f"inputs.{name}", "make a variable of it by a rule, or remove it"
            )
            path: Path = ("inputs", name)
            yield Fault(
                path=path, kind="027", message=message, help=help, at_key=True, level="warning"
            )
