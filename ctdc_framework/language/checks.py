"""What only the whole codebook shows: names that lead nowhere, rules that feed each other.

Every check is a generator of faults; none stops at the first. An entry that could not be read is
not in the codebook, but its name is in the file, and nothing is said about those that refer to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from attrs import evolve

from ctdc_framework.codebook.domains import STANDARD, FlagDomain
from ctdc_framework.codebook.model import COUNT, Codebook, Role
from ctdc_framework.codebook.rules import Rule
from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.language.domain_checks import domain_faults, group_faults, text_faults
from ctdc_framework.language.reference_checks import reference_faults, told_of_aliases
from ctdc_framework.language.rule_checks import Places, rule_faults
from ctdc_framework.language.wording_checks import wording_faults
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.file import TomlFile, names_in

MOST = 500
"""Faults that are looked for: whoever has more does not read them one by one."""


def cross_faults(
    codebook: Codebook, rules: Mapping[str, Rule[Any]], data: Mapping[str, Any], places: Places
) -> list[Fault]:
    """List everything that is wrong with a codebook beyond the form of its single entries."""
    found = chain(
        _order(codebook, data),
        domain_faults(codebook, data),
        _subject(codebook, data),
        _variables(codebook, data),
        _contributors(codebook, data),
        _names(codebook),
        reference_faults(codebook, data, places),
        _ids(codebook, places),
        _groups(codebook, data),
        _hierarchies(codebook, data),
        group_faults(codebook, data),
        _figures(codebook, data, places),
        wording_faults(codebook, data),
        rule_faults(codebook, rules, data, places),
    )
    return list(told_of_aliases(islice(found, MOST), data))


def _order(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    order = codebook.header.order
    if not order:
        return
    known = names_in(data, "variables")
    listed: set[str] = set()
    everything = {codebook.names.get(name, name) for name in order}
    left_out = [name for name in known if name not in everything]
    for number, name in enumerate(order):
        path: Path = ("codebook", "order", number)
        if name in listed:
            message = f"`order` lists `{name}` twice"
            yield Fault(path=path, kind="023", message=message, help="remove one")
        elif name in known:
            pass
        elif name in codebook.identifiers:
            message = f"identifier `{name}` is in `order`: identifiers are never released"
            yield Fault(path=path, kind="230", message=message, help="take it out of `order`")
        elif name in codebook.inputs:
            message = f"input `{name}` is in `order`: inputs are never released"
            yield Fault(path=path, kind="023", message=message, help="take it out of `order`")
        else:
            message = f"`order` lists `{name}`, but no such variable is declared"
            help = did_you_mean(name, left_out) or "take it out, or declare [variables.name]"
            yield Fault(path=path, kind="023", message=message, help=help)
        listed.add(name)
    for name in left_out:
        message = f"variable `{name}` is declared and not listed in `order`"
        help = did_you_mean(name, listed - set(known)) or "add it to `order`"
        yield Fault(path=("variables", name), kind="023", message=message, help=help, at_key=True)


def _subject(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Subjects are told apart by an identifier, which is read for that and dropped."""
    name, path = codebook.privacy.subject, ("privacy", "subject")
    known = names_in(data, "inputs")
    if not name:
        return
    if name not in known:
        message = f"`subject` is `{name}`, which is no input"
        help = did_you_mean(name, known) or f'declare it: [inputs.{name}] role = "identifier"'
        yield Fault(path=path, kind="021", message=message, help=help)
    elif name in codebook.inputs and name not in codebook.identifiers:
        message = f"`subject` is input `{name}`, which is no identifier"
        help = f'give [inputs.{name}] role = "identifier"'
        yield Fault(path=path, kind="230", message=message, help=help)


def _variables(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    known = dict.fromkeys([*names_in(data, "domains"), *STANDARD])
    for table, things in (("variables", codebook.variables), ("inputs", codebook.inputs)):
        for name, thing in things.items():
            path: Path = (table, name)
            what = f"{table[:-1]} `{name}`"
            domain = codebook.find_domain(thing.domain)
            if name in codebook.identifiers and table == "inputs":
                if thing.domain:
                    message = f"{what} is an identifier: it is dropped, so it has no domain"
                    path = (*path, "domain")
                    yield Fault(path=path, kind="230", message=message, help="remove it")
                continue
            if not thing.domain:
                if not {"domain", "role"}.isdisjoint(data[table][name]):
                    continue  # what it says there is wrong, and told as such
                help = f"name one of {one_of(known)}"
                message = f"{what}: `domain` is missing"
                yield Fault(path=path, kind="011", message=message, help=help)
            elif thing.domain not in known:
                message = f"{what} uses domain `{thing.domain}`, which is not declared"
                help = did_you_mean(thing.domain, known) or f"the domains are {one_of(known)}"
                yield Fault(path=(*path, "domain"), kind="020", message=message, help=help)
            elif domain is not None and table == "variables" and domain.is_open:
                message = f"{what} is released, so its values must be listed: not `{thing.domain}`"
                help = "use an enum, bands or a range, and read the raw value as an input"
                yield Fault(path=(*path, "domain"), kind="020", message=message, help=help)
            if domain is not None and thing.list:
                yield from _several(what, (*path, "list"), thing.list, domain)
    for name, variable in codebook.variables.items():
        if not variable.role:
            draft = codebook.header.status == "draft"
            message = f"variable `{name}`: `role` " + (
                "is to be decided" if draft else "may not be empty"
            )
            help = (
                "say quasi if an outsider could know it about a person, sensitive if nobody should "
                "learn it from the data, both, or none"
            )
            yield Fault(
                path=("variables", name, "role"),
                kind="019",
                message=message,
                help=help,
                level="warning" if draft else "error",
            )
        if Role.NONE in variable.role and len(variable.role) > 1:
            message = f"variable `{name}`: role `none` stands beside another"
            path = ("variables", name, "role", variable.role.index(Role.NONE))
            yield Fault(path=path, kind="013", message=message, help="remove `none`, or the others")
        if variable.missing_matches != "itself" and not variable.is_quasi:
            message = f"variable `{name}` is no quasi-identifier, so `missing_matches` says nothing"
            help = 'remove it, or add "quasi" to its role'
            yield _unused(("variables", name, "missing_matches"), message, help)


def _several(what: str, path: Path, separator: str, domain: Any) -> Iterator[Fault]:
    if isinstance(domain, FlagDomain):
        message = f"{what} is a flag, which cannot list several values"
        yield Fault(path=path, kind="106", message=message, help="remove `list`")
    for code in domain.codes:
        if separator in code:
            message = f"{what} parts values by `{separator}`, which code `{code}` holds"
            help = "part them by a character that no code holds"
            yield Fault(path=path, kind="106", message=message, help=help)
            return


def _contributors(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    known = names_in(data, "contributors")
    for name, one in codebook.contributors.items():
        if one.years and (len(one.years) != 2 or one.years[0] > one.years[1]):
            message = f"contributor `{name}`: `years` are a first and a last year"
            path: Path = ("contributors", name, "years")
            yield Fault(path=path, kind="032", message=message, help="write [2002, 2021]")
    for name, variable in codebook.variables.items():
        for contributor, collection in variable.contributors.items():
            path = ("variables", name, "contributors", contributor)
            if contributor not in known:
                help = did_you_mean(contributor, known) or f"there are {one_of(known)}"
                message = f"variable `{name}`: no contributor is called `{contributor}`"
                yield Fault(path=path, kind="030", message=message, help=help, at_key=True)
            who = codebook.contributors.get(contributor)
            if collection.since is None or who is None or len(who.years) != 2:
                continue
            first, last = who.years
            if not first <= collection.since <= last:
                side = f"before {who.label}'s first" if collection.since < first else (
                    f"after {who.label}'s last"
                )  # fmt: skip
                year = first if collection.since < first else last
                message = f"variable `{name}`: since {collection.since} is {side} year, {year}"
                help = f"correct it, or `years` of contributor `{contributor}`"
                yield Fault(path=(*path, "since"), kind="032", message=message, help=help)


def _names(codebook: Codebook) -> Iterator[Fault]:
    """Every name that a column may bear leads to one thing only, and survives other programs."""
    seen: dict[str, tuple[str, str]] = {}
    variables = [("variables", name, one.aliases) for name, one in codebook.variables.items()]
    inputs = [("inputs", name, one.aliases) for name, one in codebook.inputs.items()]
    for table, name, aliases in (*variables, *inputs):
        for number, one in enumerate((name, *aliases)):
            path: Path = (table, name, "aliases", number - 1) if number else (table, name)
            earlier = seen.setdefault(one.casefold(), (table, name))
            if earlier != (table, name):
                message = f"`{one}` is a name of {earlier[0][:-1]} `{earlier[1]}` too"
                help = "rename one; case alone does not tell names apart"
                yield Fault(path=path, kind="024", message=message, help=help, at_key=not number)
        path, what = (table, name), f"{table[:-1]} name `{name}`"
        for fault in text_faults(what, name):
            yield evolve(fault, path=path, at_key=True)
        if not name or any(character in name for character in "=;\n\r\t"):
            message = f"{what} cannot be a column's name in every file format"
            help = "use letters, digits and underscores"
            yield Fault(path=path, kind="016", message=message, help=help, at_key=True)
        elif table == "variables" and name.casefold() == COUNT:
            message = f"{what} is that of the column in which tables hold their counts"
            yield Fault(path=path, kind="016", message=message, help="rename it", at_key=True)


def _ids(codebook: Codebook, places: Places) -> Iterator[Fault]:
    """No two rules, checks, sections or figures share a name."""
    for table in ("rules", "checks", "sections", "figures"):
        seen: set[str] = set()
        for number, one in zip(places[table], getattr(codebook, table), strict=True):
            if one.id in seen:
                message = f"two {table} are called `{one.id}`"
                path: Path = (table, number, "id")
                yield Fault(path=path, kind="005", message=message, help="rename one")
            seen.add(one.id)


def _groups(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Groups are of flags, and what took the place of earlier variables is a variable."""
    known = names_in(data, "variables")
    for group, one in codebook.groups.items():
        for number, name in enumerate(one.variables):
            path: Path = ("groups", group, "variables", number)
            if name not in known:
                message = f"group `{group}` lists `{name}`, which is no variable"
                help = did_you_mean(name, known) or "list variables of this codebook"
                yield Fault(path=path, kind="021", message=message, help=help)
            elif name in one.variables[:number]:
                message = f"group `{group}` lists `{name}` twice"
                yield Fault(path=path, kind="005", message=message, help="remove one")
            elif (variable := codebook.variables.get(name)) and not isinstance(
                codebook.find_domain(variable.domain) or FlagDomain(), FlagDomain
            ):
                message = f"group `{group}` lists `{name}`, which is no flag"
                help = "a group is of flags, which share a denominator: take it out"
                yield Fault(path=path, kind="020", message=message, help=help)


def _hierarchies(codebook: Codebook, data: Mapping[str, Any]) -> Iterator[Fault]:
    """A variable's hierarchy is there and joins the values of the variable's own domain."""
    known = names_in(data, "hierarchies")
    used: set[str] = set()
    for name, variable in codebook.variables.items():
        if not variable.hierarchy:
            continue
        used.add(variable.hierarchy)
        path: Path = ("variables", name, "hierarchy")
        found = codebook.hierarchies.get(variable.hierarchy)
        if variable.hierarchy not in known:
            message = f"variable `{name}` uses hierarchy `{variable.hierarchy}`, "
            help = did_you_mean(variable.hierarchy, known) or f"there are {one_of(known) or 'none'}"
            yield Fault(path=path, kind="020", message=f"{message}which is not declared", help=help)
        elif found is not None and found.domain != variable.domain:
            message = f"hierarchy `{variable.hierarchy}` joins values of domain `{found.domain}`, "
            message += f"and variable `{name}` takes those of `{variable.domain}`"
            help = f'make one with domain = "{variable.domain}"'
            yield Fault(path=path, kind="020", message=message, help=help)
    for name in known if used <= set(known) else ():
        if name not in used:
            message = f"hierarchy `{name}` is used by no variable"
            help = f'give a variable hierarchy = "{name}", or remove it'
            yield _unused(("hierarchies", name), message, help)


def _unused(path: Path, message: str, help: str) -> Fault:
    return Fault(path=path, kind="027", message=message, help=help, at_key=True, level="warning")


def _figures(codebook: Codebook, data: Mapping[str, Any], places: Places) -> Iterator[Fault]:
    for number, one in zip(places["figures"], codebook.figures, strict=True):
        for row, cells in enumerate(one.rows):
            if len(cells) != len(one.columns):
                message = f"figure `{one.id}`: a row has {len(cells)} cells, and there are "
                message += f"{len(one.columns)} columns"
                path: Path = ("figures", number, "rows", row)
                help = 'write "" for an empty cell'
                yield Fault(path=path, kind="019", message=message, help=help)
    known = names_in(data, "variables")
    for number, earlier in zip(places["supersedes"], codebook.supersedes, strict=True):
        for place, name in enumerate(earlier.by):
            if name not in known:
                message = f"`{name}`, which takes the place of {one_of(earlier.variables)}, "
                message += "is no variable"
                help = did_you_mean(name, known) or "name a variable of this codebook"
                path = ("supersedes", number, "by", place)
                yield Fault(path=path, kind="021", message=message, help=help)


def allowed_faults(
    codebook: Codebook, faults: Iterable[Fault], file: TomlFile, places: Sequence[int]
) -> list[Fault]:
    """Leave out the warnings that the codebook allows where they are; tell of idle allowances."""
    wanted = {(one.code, one.at) for one in codebook.allow}
    used: set[tuple[str, str]] = set()
    told: list[Fault] = []
    for fault in faults:
        spots = {_spot_of(path, file.data) for path in (fault.path, file.written_at(fault.path))}
        found = {(f"CB{fault.kind}", spot) for spot in spots} & wanted
        if found and fault.level == "warning":
            used |= found
        else:
            told.append(fault)
    if any(fault.level == "error" for fault in told):
        return told
    for number, one in zip(places, codebook.allow, strict=True):
        if (one.code, one.at) not in used:
            message = f"nothing at `{one.at}` gives the warning {one.code}, which is allowed there"
            path: Path = ("allow", number)
            told.append(
                Fault(path=path, kind="028", message=message, help="remove it", level="warning")
            )
    return told


def _spot_of(path: Path, data: Mapping[str, Any]) -> str:
    """Say where a fault is as an allowance says it: `codebook`, `variables.x` or `rules.id`."""
    if not path or path[0] == "codebook":
        return "codebook"
    if len(path) < 2 or path[0] in ("privacy", "missing"):
        return str(path[0])
    if isinstance(path[1], int):
        entries = data.get(str(path[0]))
        one = entries[path[1]] if isinstance(entries, list) else None
        return f"{path[0]}.{one.get('id', '') if isinstance(one, Mapping) else ''}"
    return f"{path[0]}.{path[1]}"
