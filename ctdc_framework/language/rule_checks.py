"""Do rules and checks fit the codebook: what they read and write, what they make of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, has

from ctdc_framework.codebook.domains import CountryDomain, EnumDomain
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.codebook.rules import Rule, condition_faults, flow_of
from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.language.domain_checks import advice_kind
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.convert import fields_of, key_of
from ctdc_framework.toml.file import names_in, texts_in

Places = Mapping[str, Sequence[int]]
"""For each array, where in the file the entries stand that could be read."""


def rule_faults(
    codebook: Codebook, rules: Mapping[str, Rule[Any]], data: Mapping[str, Any], places: Places
) -> Iterator[Fault]:
    """List what is wrong with rules and checks beyond the form of each."""
    yield from _names(codebook, rules, data, places)
    yield from _rules(codebook, rules, places)
    yield from _recodes(codebook, rules, places)
    yield from _checks(codebook, data, places)
    yield from _unreached(codebook, rules, places)
    yield from _parents(codebook, rules, places)
    yield from _thresholds(codebook, places)


def _names(
    codebook: Codebook, rules: Mapping[str, Rule[Any]], data: Mapping[str, Any], places: Places
) -> Iterator[Fault]:
    known = dict.fromkeys([*names_in(data, "variables"), *names_in(data, "inputs")])
    writers: dict[str, tuple[str, bool]] = {}
    for number, one in zip(places["rules"], codebook.rules, strict=True):
        rule = rules[one.op]
        path: Path = ("rules", number)
        rewritten = rule.rewrites(one.params)[0] if rule.rewrites else ()
        reads, writes = rule.reads(one.params), rule.writes(one.params)
        for name in (*reads, *rewritten):
            where = (*path, *_spot(data["rules"][number], name))
            if name not in known:
                lacking = "declared neither in [inputs] nor in [variables]"
                message = f"rule `{one.id}` reads `{name}`, {lacking}"
                help = did_you_mean(name, known) or f"declare it: [inputs.{name}]"
                yield Fault(path=where, kind="205", message=message, help=help)
            elif name in codebook.identifiers:
                message = f"rule `{one.id}` reads `{name}`, an identifier, which is dropped unread"
                help = "read another input"
                yield Fault(path=where, kind="230", message=message, help=help)
            elif name in writes:
                message = f"rule `{one.id}` reads `{name}`, which it writes"
                help = "take it out: what the file holds there is kept, as `mode` says"
                yield Fault(path=where, kind="203", message=message, help=help)
        for name in writes:
            if name not in known:
                message = f"rule `{one.id}` writes `{name}`, which is no variable and no input"
                help = did_you_mean(name, known) or f"declare it: [variables.{name}]"
                yield Fault(path=(*path, "to"), kind="201", message=message, help=help)
            elif name in codebook.identifiers:
                message = f"rule `{one.id}` writes `{name}`, an identifier, which is dropped"
                help = "write another input, or a variable"
                yield Fault(path=(*path, "to"), kind="230", message=message, help=help)
            elif name in writers and not (writers[name][1] and rule.shares_target):
                message = f"both `{writers[name][0]}` and `{one.id}` write `{name}`"
                help = "one rule writes a variable; only folds may share"
                yield Fault(path=(*path, "to"), kind="204", message=message, help=help)
            writers.setdefault(name, (one.id, rule.shares_target))


def _spot(entry: Mapping[str, Any], name: str) -> Path:
    """Tell where in a rule it reads a name."""
    for key, value in entry.items():
        if key not in ("id", "op", "because", "to"):
            for path, text in texts_in((key,), value):
                if text == name:
                    return path
    return ()


def _sound(codebook: Codebook, names: Iterable[str]) -> bool:
    """Tell whether names lead to things whose domains are known, so that they can be looked at."""
    things = [codebook.variables.get(name) or codebook.inputs.get(name) for name in names]
    return all(thing and codebook.find_domain(thing.domain) for thing in things)


def _rules(codebook: Codebook, rules: Mapping[str, Rule[Any]], places: Places) -> Iterator[Fault]:
    for number, one in zip(places["rules"], codebook.rules, strict=True):
        rule = rules[one.op]
        rewritten = rule.rewrites(one.params)[0] if rule.rewrites else ()
        if _sound(codebook, (*rule.reads(one.params), *rule.writes(one.params), *rewritten)):
            for found in rule.faults(one.params, codebook):
                fault = _of_country(found, rule, one.params, codebook)
                message = f"rule `{one.id}`: {fault.message}"
                yield evolve(fault.under("rules", number), message=message)
    cycle = flow_of(codebook.rules, rules).cycle
    if len(cycle) > 1:
        number = places["rules"][codebook.rules.index(cycle[0])]
        links = ", ".join(
            f"`{one.id}` writes {one_of(rules[one.op].writes(one.params))}" for one in cycle
        )
        message = f"rules feed each other: {links}, which `{cycle[0].id}` reads"
        yield Fault(path=("rules", number), kind="203", message=message, help="remove one of them")


def _of_country(fault: Fault, rule: Rule[Any], params: Any, codebook: Codebook) -> Fault:
    """Say what is wrong with the country's code that a map leads to."""
    if fault.kind != "202" or rule.rewrites is None or fault.path[:1] != ("map",):
        return fault
    names, mapping = rule.rewrites(params)
    new = mapping[str(fault.path[1])]
    for domain in map(codebook.domain_of, names):
        if isinstance(domain, CountryDomain) and (kind := advice_kind(domain.advice(new))):
            return evolve(fault, kind=kind, help=domain.advice(new))
    return fault


def _recodes(codebook: Codebook, rules: Mapping[str, Rule[Any]], places: Places) -> Iterator[Fault]:
    """The position of recode rules means nothing, so they may not contradict or follow others."""
    maps: dict[str, dict[str, tuple[str, int, str]]] = {}
    for number, one in zip(places["rules"], codebook.rules, strict=True):
        rewrites = rules[one.op].rewrites
        names, mapping = rewrites(one.params) if rewrites else ((), {})
        for name in names:
            joined = maps.setdefault(name, {})
            for old, new in mapping.items():
                before, _, other = joined.setdefault(old, (new, number, one.id))
                if before != new:
                    message = f"`{other}` and `{one.id}` recode `{old}` of `{name}` differently"
                    path: Path = ("rules", number, "map", old)
                    yield Fault(path=path, kind="204", message=message, help="keep one of them")
    told: set[tuple[int, str]] = set()
    for joined in maps.values():
        for old, (new, number, id) in joined.items():
            after = joined.get(new, (new, 0, ""))[0]
            if after != new and (number, old) not in told:
                told.add((number, old))
                message = (
                    f"rule `{id}`: {old} becomes {new} and stays so, though {new} has a recode"
                )
                path = ("rules", number, "map", old)
                help = f'a map is one pass; if it is to become {after} write "{after}"'
                yield Fault(path=path, kind="203", message=message, help=help, level="warning")


def _checks(codebook: Codebook, data: Mapping[str, Any], places: Places) -> Iterator[Fault]:
    known = dict.fromkeys([*names_in(data, "variables"), *names_in(data, "inputs")])
    for number, check in zip(places["checks"], codebook.checks, strict=True):
        for place, condition in enumerate(check.never):
            path = ("checks", number, "never", place)
            if condition.var not in known:
                message = f"check `{check.id}` looks at `{condition.var}`, which is not declared"
                help = did_you_mean(condition.var, known) or "name a variable or an input"
                yield Fault(path=(*path, "var"), kind="205", message=message, help=help)
            elif condition.var in codebook.identifiers:
                message = f"check `{check.id}` looks at `{condition.var}`, an identifier"
                help = "it is dropped unread: look at another column"
                yield Fault(path=(*path, "var"), kind="230", message=message, help=help)
            elif _sound(codebook, [condition.var]):
                for fault in condition_faults(condition, codebook):
                    message = f"check `{check.id}`: {fault.message}"
                    yield evolve(fault.under(*path), message=message)


def _unreached(
    codebook: Codebook, rules: Mapping[str, Rule[Any]], places: Places
) -> Iterator[Fault]:
    """Tell of a value that a recode turns into another, and that nothing else can give."""
    maps: dict[str, dict[str, tuple[str, int, str]]] = {}
    written: set[str] = set()
    for number, one in zip(places["rules"], codebook.rules, strict=True):
        rule = rules[one.op]
        written |= set(rule.writes(one.params))
        names, mapping = rule.rewrites(one.params) if rule.rewrites else ((), {})
        for name in names:
            joined = maps.setdefault(name, {})
            joined |= {old: (new, number, one.id) for old, new in mapping.items()}
    for name, joined in maps.items():
        if name not in codebook.variables or name in written or not _sound(codebook, [name]):
            continue
        domain = codebook.domain_of(name)
        if not isinstance(domain, EnumDomain | CountryDomain):
            continue
        given = {new for new, _, _ in joined.values()}
        for old, (new, number, id) in joined.items():
            if old in domain.known and old not in given:
                message = f"rule `{id}`: value `{old}` of `{name}` can never occur, as it becomes "
                message += f"`{new}`" if new else "missing"
                help = "remove it from the domain, or from the map"
                path: Path = ("rules", number, "map", old)
                yield Fault(path=path, kind="206", message=message, help=help, level="warning")


def _parents(codebook: Codebook, rules: Mapping[str, Rule[Any]], places: Places) -> Iterator[Fault]:
    """Tell of a flag that others are folded into, and that a rule about its group leaves out."""
    folded = {
        name: one.id
        for one in codebook.rules
        if rules[one.op].shares_target
        for name in rules[one.op].writes(one.params)
    }
    for number, one in zip(places["rules"], codebook.rules, strict=True):
        if not getattr(one.params, "any", ()):
            continue
        reads, writes = set(rules[one.op].reads(one.params)), rules[one.op].writes(one.params)
        for group in codebook.groups.values():
            for name in group.variables:
                left_out = name in folded and name not in reads and name not in writes
                if left_out and len(reads.intersection(group.variables)) > 1:
                    message = f'rule `{one.id}` reads others of "{group.title}" and not '
                    message += f"`{name}`, into which `{folded[name]}` folds"
                    help = f'add {{ var = "{name}", is = 1 }} to `any`'
                    path: Path = ("rules", number, "any")
                    yield Fault(path=path, kind="210", message=message, help=help, level="warning")


def _thresholds(codebook: Codebook, places: Places) -> Iterator[Fault]:
    """No rule keeps what is rarer than k; only rules of plugins have such a parameter."""
    for number, one in zip(places["rules"], codebook.rules, strict=True):
        for each in fields_of(type(one.params)) if has(type(one.params)) else ():
            least = getattr(one.params, each.name)
            from_k = each.metadata.get("from_codebook") == "k"
            if from_k and isinstance(least, int) and 0 < least < codebook.k:
                message = f"rule `{one.id}` keeps what {least} records have, and k is {codebook.k}"
                path: Path = ("rules", number, key_of(each))
                help = f"write {codebook.k} or more"
                yield Fault(path=path, kind="208", message=message, help=help)
