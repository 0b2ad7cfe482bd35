"""What only the whole codebook shows: names that lead nowhere, rules that feed each other.

Every check is a generator of faults; none stops at the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from ctdc_framework import countries
from ctdc_framework.codebook import REFERENCE, Codebook
from ctdc_framework.convert import Fault, Path
from ctdc_framework.domains import STANDARD, BandsDomain, CountryDomain, EnumDomain, RangeDomain
from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.rules import Rule, condition_faults, flow_of


def cross_faults(
    codebook: Codebook, rules: Mapping[str, Rule[Any]], data: Mapping[str, Any]
) -> list[Fault]:
    """List everything that is wrong with a codebook beyond the form of its single entries."""
    faults = [
        *_order(codebook),
        *_domains(codebook),
        *_variables(codebook),
        *_names(codebook),
        *_references(data, codebook),
    ]
    named = [*_rule_names(codebook, rules), *_check_names(codebook)]
    faults += named
    if not any(fault.level == "error" for fault in faults):
        # These look names up, so they come when every name is known to be good.
        faults += [*_rules(codebook, rules), *_checks(codebook)]
    return faults


def _order(codebook: Codebook) -> Iterator[Fault]:
    order = codebook.header.order
    if not order:
        return
    left_out = [name for name in codebook.variables if name not in order]
    for number, name in enumerate(order):
        path: Path = ("codebook", "order", number)
        if name in order[:number]:
            message = f"`order` lists `{name}` twice"
            yield Fault(path=path, kind="023", message=message, help="remove one")
        elif name in codebook.inputs and codebook.inputs[name].role == "identifier":
            message = f"identifier `{name}` is in `order`: identifiers are never released"
            yield Fault(path=path, kind="230", message=message, help="take it out of `order`")
        elif name not in codebook.variables:
            message = f"`order` lists `{name}`, but no such variable is declared"
            yield Fault(path=path, kind="023", message=message, help=did_you_mean(name, left_out))
    for name in left_out:
        message = f"variable `{name}` is declared and not listed in `order`"
        help = did_you_mean(name, set(order) - set(codebook.variables)) or "add it to `order`"
        yield Fault(path=("variables", name), kind="023", message=message, help=help, at_key=True)


def _domains(codebook: Codebook) -> Iterator[Fault]:
    for name, domain in codebook.domains.items():
        path: Path = ("domains", name)
        if name.startswith("std/"):
            message = f"`{name}`: names that start with std/ are the language's own"
            yield Fault(path=path, kind="020", message=message, at_key=True)
        if isinstance(domain, BandsDomain):
            yield from (fault.under(*path) for fault in _bands(domain))
        elif isinstance(domain, RangeDomain) and not 0 <= domain.max - domain.min <= 32_000:
            message = f"domain `{name}`: min {domain.min} and max {domain.max} give no usable range"
            help = "a range goes from a smaller to a larger number, with 32,000 values at the most"
            yield Fault(path=(*path, "max"), kind="109", message=message, help=help)
            continue
        elif isinstance(domain, CountryDomain):
            yield from (fault.under(*path) for fault in _country(domain))
        yield from (fault.under(*path) for fault in _codes(domain, codebook))
        if name not in {thing.domain for _, thing in codebook.entries()}:
            message = f"domain `{name}` is used by no variable"
            yield Fault(path=path, kind="027", message=message, at_key=True, level="warning")


def _bands(domain: BandsDomain) -> Iterator[Fault]:
    if not domain.bands:
        yield Fault(path=("bands",), kind="102", message="there is no band")
    for number, (one, two) in enumerate(pairwise(domain.bands)):
        path: Path = ("bands", number + 1)
        names = f"{domain.codes[number]} and {domain.codes[number + 1]}"
        if one.to is None:
            message = "only the last band may have no upper end"
            yield Fault(path=("bands", number), kind="104", message=message, help="give it a `to`")
        elif two.from_ <= one.to:
            message = f"bands {names} overlap at {two.from_}"
            yield Fault(path=path, kind="101", message=message, help=f"start at {one.to + 1}")
        elif two.from_ > one.to + 1:
            message = f"no band holds {one.to + 1} {domain.unit}".rstrip() + f", between {names}"
            yield Fault(path=path, kind="102", message=message, help=f"start at {one.to + 1}")
    for number, band in enumerate(domain.bands):
        if band.to is not None and band.to < band.from_:
            message = f"band {domain.codes[number]} is inverted"
            help = f"write {{ from = {band.to}, to = {band.from_} }}"
            yield Fault(path=("bands", number), kind="103", message=message, help=help)


def _country(domain: CountryDomain) -> Iterator[Fault]:
    listed = set(countries.current(domain.as_of))
    for key, codes in (("plus", domain.plus), ("minus", domain.minus)):
        for number, code in enumerate(codes):
            if key == "minus" and code not in listed:
                message = f"`{code}` is not in the list, so it cannot be taken out"
                help = countries.advice(code, domain.as_of) or "remove it"
                yield Fault(path=(key, number), kind="120", message=message, help=help)
            elif key == "plus" and code in listed:
                message = f"`{code}` is in the list already"
                yield Fault(path=(key, number), kind="120", message=message, help="remove it")


def _codes(domain: Any, codebook: Codebook) -> Iterator[Fault]:
    seen: set[str] = set()
    array = "bands" if isinstance(domain, BandsDomain) else "values"
    indexed = isinstance(domain, BandsDomain | EnumDomain)
    if isinstance(domain, EnumDomain) and not domain.codes:
        yield Fault(path=("values",), kind="012", message="there is no value")
    for number, code in enumerate(domain.codes):
        path: Path = (array, number) if indexed else ()
        if code in seen:
            yield Fault(path=path, kind="114", message=f"code `{code}` is given twice")
        seen.add(code)
        if code in codebook.missing_codes:
            what = f"`{code}` is a missing code, not a value" if code else "a code is empty"
            help = "remove it; a value may be missing unless nullable = false"
            yield Fault(path=path, kind="112", message=what, help=help)
        if code != code.strip():
            message = f"code `{code}` begins or ends in a space"
            yield Fault(path=path, kind="016", message=message, help=f'write "{code.strip()}"')
        if code[:1] in tuple("=+-@\t\r"):
            message = f"code `{code}` starts with a character that spreadsheets run as a formula"
            yield Fault(path=path, kind="116", message=message, help="write it otherwise")
        if any(character in code for character in "\n\r\0"):
            yield Fault(path=path, kind="016", message="a code holds a line end or a NUL")


def _variables(codebook: Codebook) -> Iterator[Fault]:
    known = [*codebook.domains, *STANDARD]
    for table, things in (("variables", codebook.variables), ("inputs", codebook.inputs)):
        for name, thing in things.items():
            path: Path = (table, name)
            what = f"{table[:-1]} `{name}`"
            identifier = table == "inputs" and getattr(thing, "role", "") == "identifier"
            domain = codebook.find_domain(thing.domain)
            if identifier and thing.domain:
                message = f"{what} is an identifier: it is dropped, so it has no domain"
                yield Fault(path=(*path, "domain"), kind="230", message=message, help="remove it")
            elif not identifier and not thing.domain:
                yield Fault(path=path, kind="011", message=f"{what}: `domain` is missing")
            elif not identifier and domain is None:
                message = f"{what} uses domain `{thing.domain}`, which is not declared"
                help = did_you_mean(thing.domain, known) or f"the domains are {one_of(known)}"
                yield Fault(path=(*path, "domain"), kind="020", message=message, help=help)
            elif domain is not None and table == "variables" and domain.is_open:
                message = f"{what} is released, so its values must be listed: not `{thing.domain}`"
                help = "use an enum, bands or a range, and read the raw value as an input"
                yield Fault(path=(*path, "domain"), kind="020", message=message, help=help)
            if domain is not None and thing.list:
                for code in domain.codes:
                    if thing.list in code:
                        message = f"{what} parts values by `{thing.list}`, which `{code}` holds"
                        yield Fault(path=(*path, "list"), kind="106", message=message)
                        break
    for name, variable in codebook.variables.items():
        for contributor, collection in variable.contributors.items():
            path = ("variables", name, "contributors", contributor)
            if contributor not in codebook.contributors:
                help = did_you_mean(contributor, codebook.contributors)
                message = f"variable `{name}`: no contributor is called `{contributor}`"
                yield Fault(path=path, kind="030", message=message, help=help, at_key=True)
                continue
            years = codebook.contributors[contributor].years
            if collection.since is not None and years and collection.since < years[0]:
                message = (
                    f"variable `{name}`: since {collection.since} is before "
                    f"{codebook.contributors[contributor].label}'s first year, {years[0]}"
                )
                yield Fault(path=(*path, "since"), kind="032", message=message)


def _names(codebook: Codebook) -> Iterator[Fault]:
    """Every name that a column may bear leads to one thing only, and survives other programs."""
    seen: dict[str, str] = {}
    tables = {
        **dict.fromkeys(codebook.inputs, "inputs"),
        **dict.fromkeys(codebook.variables, "variables"),
    }
    for name, thing in codebook.entries():
        if name in codebook.variables and name in codebook.inputs:
            message = f"`{name}` is both a variable and an input"
            yield Fault(path=("inputs", name), kind="024", message=message, at_key=True)
            continue
        for number, one in enumerate((name, *thing.aliases)):
            path: Path = (
                (tables[name], name) if not number else (tables[name], name, "aliases", number - 1)
            )
            earlier = seen.get(one.casefold())
            if earlier is not None and earlier != name:
                message = (
                    f"`{one}` is a name of `{earlier}` too; case alone does not tell them apart"
                )
                yield Fault(path=path, kind="024", message=message, at_key=not number)
            seen.setdefault(one.casefold(), name)
        if any(character in name for character in "=;\n\r\t") or name != name.strip():
            message = f"`{name}` cannot be a column's name in every file format"
            help = "use letters, digits and underscores"
            yield Fault(
                path=(tables[name], name), kind="016", message=message, help=help, at_key=True
            )


def _references(data: Mapping[str, Any], codebook: Codebook) -> Iterator[Fault]:
    """Every `{var:x}` in prose leads somewhere."""
    known: dict[str, Iterable[str]] = {
        "var": codebook.variables,
        "vars": codebook.variables,
        "note": codebook.notes,
        "section": [section.id for section in codebook.sections],
    }
    aliases = {alias: name for name, one in codebook.variables.items() for alias in one.aliases}
    for path, text in _texts((), data):
        for kind, target in REFERENCE.findall(text):
            names = target.split("..") if kind == "vars" else [target]
            if kind == "vars" and len(names) != 2:
                message = f"`{{vars:{target}}}` names no first and last variable"
                yield Fault(path=path, kind="021", message=message, help="write {vars:a..b}")
                continue
            for name in names:
                if name in known[kind]:
                    continue
                message = f"`{{{kind}:{target}}}` names no {kind.rstrip('s')} of this codebook"
                help = (
                    f"write `{aliases[name]}`"
                    if name in aliases
                    else did_you_mean(name, known[kind])
                )
                yield Fault(path=path, kind="021", message=message, help=help)


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    # A template's texts are looked at in the variables that use it.
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if path or key != "templates":
                yield from _texts((*path, key), one)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _texts((*path, number), one)


def _rule_names(codebook: Codebook, rules: Mapping[str, Rule[Any]]) -> Iterator[Fault]:
    known = [*codebook.variables, *codebook.inputs]
    writers: dict[str, tuple[str, bool]] = {}
    seen: set[str] = set()
    for number, one in enumerate(codebook.rules):
        rule = rules[one.op]
        path: Path = ("rules", number)
        if one.id in seen:
            message = f"two rules are called `{one.id}`"
            yield Fault(path=(*path, "id"), kind="005", message=message, help="rename one")
        seen.add(one.id)
        rewritten = rule.rewrites(one.params)[0] if rule.rewrites else ()
        for name in (*rule.reads(one.params), *rewritten):
            if name not in known:
                where = "declared neither in [inputs] nor in [variables]"
                message = f"rule `{one.id}` reads `{name}`, {where}"
                yield Fault(path=path, kind="205", message=message, help=did_you_mean(name, known))
            elif name in codebook.identifiers:
                message = f"rule `{one.id}` reads `{name}`, an identifier, which is dropped unread"
                yield Fault(path=path, kind="230", message=message)
        for name in rule.writes(one.params):
            if name not in known:
                message = f"rule `{one.id}` writes `{name}`, which is no variable and no input"
                help = did_you_mean(name, known)
                yield Fault(path=(*path, "to"), kind="201", message=message, help=help)
            elif name in codebook.identifiers:
                message = f"rule `{one.id}` writes `{name}`, an identifier"
                yield Fault(path=(*path, "to"), kind="230", message=message)
            elif name in writers and not (writers[name][1] and rule.shares_target):
                message = f"both `{writers[name][0]}` and `{one.id}` write `{name}`"
                help = "one rule writes a variable; only folds may share"
                yield Fault(path=(*path, "to"), kind="204", message=message, help=help)
            writers.setdefault(name, (one.id, rule.shares_target))


def _rules(codebook: Codebook, rules: Mapping[str, Rule[Any]]) -> Iterator[Fault]:
    for number, one in enumerate(codebook.rules):
        for fault in rules[one.op].faults(one.params, codebook):
            yield _of(f"rule `{one.id}`", fault).under("rules", number)
    if cycle := flow_of(codebook.rules, rules).cycle:
        number = codebook.rules.index(cycle[0])
        chain = ", ".join(
            f"`{one.id}` writes {one_of(rules[one.op].writes(one.params))}" for one in cycle
        )
        message = f"rules feed each other: {chain}, which `{cycle[0].id}` reads"
        yield Fault(path=("rules", number), kind="203", message=message, help="remove one of them")


def _check_names(codebook: Codebook) -> Iterator[Fault]:
    known = [*codebook.variables, *codebook.inputs]
    for number, check in enumerate(codebook.checks):
        for place, condition in enumerate(check.never):
            if condition.var not in known:
                message = f"check `{check.id}` looks at `{condition.var}`, which is not declared"
                path: Path = ("checks", number, "never", place, "var")
                help = did_you_mean(condition.var, known)
                yield Fault(path=path, kind="205", message=message, help=help)


def _checks(codebook: Codebook) -> Iterator[Fault]:
    for number, check in enumerate(codebook.checks):
        for place, condition in enumerate(check.never):
            for fault in condition_faults(condition, codebook):
                yield _of(f"check `{check.id}`", fault).under("checks", number, "never", place)


def _of(subject: str, fault: Fault) -> Fault:
    return Fault(
        path=fault.path,
        kind=fault.kind,
        message=f"{subject}: {fault.message}",
        help=fault.help,
        at_key=fault.at_key,
        level=fault.level,
    )
