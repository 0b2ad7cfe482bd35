"""Read a codebook: TOML text in, a checked `Codebook` or every problem with its place out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os.path import isfile
from pathlib import Path as FilePath
from typing import Any, TypeVar, cast

from attrs import evolve, field, frozen

from ctdc_framework.codebook.domains import KINDS, MOST_VALUES, STANDARD, Domain, RangeDomain
from ctdc_framework.codebook.model import (
    Allowance,
    Check,
    Codebook,
    Contributor,
    Erratum,
    Figure,
    Header,
    Input,
    Missing,
    Privacy,
    Remark,
    RuleEntry,
    Section,
    Superseded,
    Variable,
    VariableGroup,
)
from ctdc_framework.codebook.rules import BUILT_IN, Rule
from ctdc_framework.errors import CodebookError, Problem, did_you_mean, one_of
from ctdc_framework.language.checks import allowed_faults, cross_faults
from ctdc_framework.language.hierarchy_io import HierarchyEntry, build_all
from ctdc_framework.language.inheritance import inherit
from ctdc_framework.language.origins import at
from ctdc_framework.language.wording_checks import idle_inputs, name_faults
from ctdc_framework.problems.faults import Fault, Faults, Path
from ctdc_framework.shipped import find_codebook as find_codebook
from ctdc_framework.shipped import shipped_codebooks as shipped_codebooks
from ctdc_framework.toml.convert import entry, fields_of, key_of, kind_of, named, structure
from ctdc_framework.toml.file import TomlFile, names_in, read_toml, speaking

T = TypeVar("T")

SINGLE: Mapping[str, type] = {"codebook": Header, "privacy": Privacy, "missing": Missing}
KEYED: Mapping[str, type] = {
    "contributors": Contributor,
    "domains": Domain,
    "hierarchies": HierarchyEntry,
    "variables": Variable,
    "groups": VariableGroup,
    "inputs": Input,
    "notes": Remark,
}
ARRAYS: Mapping[str, type] = {
    "rules": RuleEntry,
    "checks": Check,
    "sections": Section,
    "figures": Figure,
    "supersedes": Superseded,
    "errata": Erratum,
    "allow": Allowance,
}
TABLES = (*SINGLE, "templates", *KEYED, *ARRAYS)
"""Every table of the language: one entry, entries by name, or an array of entries."""

REQUIRED = {"codebook": "what it is", "privacy": "the least that a release keeps to",
            "variables": "what is released"}  # fmt: skip

SUBJECTS = {
    "contributors.*": ("contributor", ""),
    "domains.*": ("domain", ""),
    "domains.*.values.*": ("value", "code"),
    "templates.*": ("template", ""),
    "variables.*": ("variable", ""),
    "variables.*.contributors.*": ("contributor", ""),
    "inputs.*": ("input", ""),
    "notes.*": ("note", ""),
    "hierarchies.*": ("hierarchy", ""),
    "hierarchies.*.levels.*": ("level", "name"),
    "hierarchies.*.levels.*.groups.*": ("group", "code"),
    "groups.*": ("group", ""),
    "rules.*": ("rule", "id"),
    "checks.*": ("check", "id"),
    "sections.*": ("section", "id"),
    "errata.*": ("erratum", "at"),
    "figures.*": ("figure", "id"),
    "supersedes.*": ("earlier codebook", "codebook"),
    "allow.*": ("allowance", "code"),
    "missing.codes.*": ("missing code", "code"),
}
"""What the entries are called, and by which key those of an array are known."""

STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "codebook": {"dsl": 1, "id": "unreadable", "title": "", "version": "0.0.0"},
    "privacy": {"k": 2},
    "variables": {"role": ["none"], "definition": ""},
    "contributors": {"label": ""},
    "hierarchies": {"source": "un-m49"},
    "notes": {"title": "", "text": ""},
    "rules": {"because": ""},
}
"""What an entry goes on with where it says something wrong, so that the rest is looked at too."""


def load_codebook(source: str | FilePath, rules: Mapping[str, Rule[Any]] = BUILT_IN) -> Codebook:
    """Load the codebook at a path, or a shipped one by its name.

    Raises `CodebookError` with every problem found. Warnings are not raised: see
    `check_codebook`.
    """
    codebook, problems = check_codebook(source, rules)
    if codebook is None:
        raise CodebookError(problems=[p for p in problems if p.level == "error"])
    return codebook


def check_codebook(
    source: str | FilePath, rules: Mapping[str, Rule[Any]] = BUILT_IN
) -> tuple[Codebook | None, Sequence[Problem]]:
    """Load a codebook and list its problems, warnings included; None where there are errors."""
    written = read_toml(find_codebook(source), CodebookError, "CB")
    file, inherited = inherit(written, shipped_codebooks())
    file, faults = _expand_templates(file)
    faults += inherited
    if file.marked:
        message, help = "the file starts with a byte order mark", "save it as UTF-8 without BOM"
        faults.append(Fault(path=(), kind="002", message=message, help=help, level="warning"))
    read = _Reading(rules=rules, file=file)
    codebook = read.codebook()
    faults += read.faults
    for fault in cross_faults(codebook, rules, file.data, read.places):
        # What stands in prose does not tell by itself whose text it is.
        faults.append(speaking(fault, file.data, SUBJECTS) if fault.part else fault)
    others = {*shipped_codebooks(), *_beside(file.name, codebook.id)}
    stated = written.data.get("codebook")
    if isinstance(stated, Mapping) and "id" in stated:  # an overlay goes by its parent's
        faults += name_faults(codebook, file.name, others)
    broken = any(fault.level == "error" for fault in faults)
    # A mistake may be why nothing reads an input.
    faults += idle_inputs(codebook, rules) if not broken else ()
    told = allowed_faults(codebook, _told_once(faults, file), file, read.places["allow"])
    return None if broken else codebook, file.problems(told, "CB")


def _beside(file: str, id: str) -> Iterator[str]:
    if isfile(FilePath(file).with_name(f"{id}.toml")):
        yield id


def _expand_templates(file: TomlFile) -> tuple[TomlFile, list[Fault]]:
    """Give each variable the entries of the template it uses, its own ones winning."""
    variables, templates = file.data.get("variables"), file.data.get("templates", {})
    if not isinstance(templates, dict):
        message, help = "`templates` must be tables", "write [templates.name]"
        return file, [Fault(path=("templates",), kind="012", message=message, help=help)]
    allowed = {key_of(one) for one in fields_of(Variable)} - {"name", "use"}
    faults = [fault for name, one in templates.items() for fault in _template(name, one, allowed)]
    done: dict[str, Any] = {}
    moved: dict[Path, Path] = {}
    used: set[str] = set()
    for name, entries in variables.items() if isinstance(variables, dict) else ():
        done[name] = entries
        template = entries.get("use") if isinstance(entries, dict) else None
        if not isinstance(template, str):
            continue
        used.add(template)
        if template not in templates:
            help = did_you_mean(template, templates) or f"there are {one_of(templates)}"
            message = f"variable `{name}` uses template `{template}`, which is not declared"
            path: Path = ("variables", name, "use")
            faults.append(Fault(path=path, kind="020", message=message, help=help))
        elif isinstance(templates[template], dict):
            taken = {k: v for k, v in templates[template].items() if k in allowed - set(entries)}
            done[name] = {**taken, **entries}
            moved |= {("variables", name, key): ("templates", template, key) for key in taken}
    for name in templates if used <= set(templates) else ():
        if name not in used:
            message = f"template `{name}` is used by no variable, so what it says is not checked"
            path, help = ("templates", name), f'give a variable use = "{name}", or remove it'
            fault = Fault(
                path=path, kind="027", message=message, help=help, at_key=True, level="warning"
            )
            faults.append(fault)
    if not done:
        return file, faults
    return evolve(file, data={**file.data, "variables": done}, moved=moved), faults


def _template(name: str, entries: object, allowed: set[str]) -> Iterator[Fault]:
    if not isinstance(entries, dict):
        message = f"template `{name}` must be a table, found {kind_of(entries)}"
        help = f"write [templates.{name}]"
        yield Fault(path=("templates", name), kind="012", message=message, help=help)
        return
    for key in entries:
        if key not in allowed:
            message = f"template `{name}`: unknown key `{key}`"
            help = did_you_mean(key, allowed) or "a template has the keys of a variable"
            if key == "use":
                help = "a template does not use another: repeat what it says"
            path: Path = ("templates", name, key)
            yield Fault(path=path, kind="010", message=message, help=help, at_key=True)


def _told_once(faults: Iterable[Fault], file: TomlFile) -> Iterator[Fault]:
    """A mistake in a template is one mistake, however many variables use it."""
    found: dict[Any, list[Fault]] = {}
    for fault in dict.fromkeys(faults):
        key: Any = fault
        if (path := file.written_at(fault.path)) != fault.path:
            key = (path, fault.kind, fault.message.replace(f"`{fault.path[1]}`", ""))
        found.setdefault(key, []).append(fault)
    for first, *more in found.values():
        message = f"{first.message}; {len(more)} more by the same template"
        yield evolve(first, message=message) if more else first


@frozen(kw_only=True, eq=False)
class _Reading:
    """Reads a codebook entry by entry: one that is wrong does not hide what is wrong elsewhere."""

    rules: Mapping[str, Rule[Any]]
    file: TomlFile
    faults: list[Fault] = field(factory=list)
    places: dict[str, list[int]] = field(factory=dict)
    """For each array, where the entries stand that could be read."""

    def codebook(self) -> Codebook:
        """Read what can be read; `faults` then says whether that is all."""
        data = self.file.data
        for key in data:
            if key not in (*TABLES, "relax"):
                message = f"unknown table `{key}`"
                help = did_you_mean(key, TABLES) or f"the tables are {one_of(TABLES, most=20)}"
                self.add([Fault(path=(key,), kind="010", message=message, help=help, at_key=True)])
        for key, what in REQUIRED.items():
            if key not in data:
                message, help = f"the codebook has no [{key}]", f"add it: {what}"
                self.add([Fault(path=(), kind="011", message=message, help=help)])
        parts: dict[str, Any] = {}
        for key, cls in SINGLE.items():
            one = self.entry((key,), data.get(key, {}), cls) if key in data else None
            parts[key] = one or structure(STAND_INS.get(key, {}), cls)
        for key, cls in KEYED.items():
            parts[key] = self.keyed(key, data.get(key, {}), cls)
        for key, cls in ARRAYS.items():
            parts[key] = self.array(key, data.get(key, []), cls)
        variables = parts["variables"]
        order = [name for name in dict.fromkeys(parts["codebook"].order) if name in variables]
        order = list(dict.fromkeys([*order, *variables]))
        parts["variables"] = {name: evolve(variables[name], name=name) for name in order}
        parts["inputs"] = {name: evolve(one, name=name) for name, one in parts["inputs"].items()}
        domains = {**STANDARD, **parts["domains"]}
        declared = {**dict.fromkeys(names_in(data, "domains")), **STANDARD}
        parts["hierarchies"], faults = build_all(parts["hierarchies"], domains.get, declared)
        self.add(faults)
        return Codebook(
            header=parts.pop("codebook"), origin=self.file.name, digest=self.file.digest, **parts
        )

    def add(self, faults: Iterable[Fault]) -> None:
        data = self.file.data
        for fault in faults:
            # What a variable has from its template is told as the template's.
            written = evolve(fault, path=self.file.written_at(fault.path))
            self.faults.append(speaking(written, data, SUBJECTS))

    def keyed(self, table: str, value: object, cls: type[T]) -> dict[str, T]:
        if not isinstance(value, dict):
            help = f"write [{table}.name]"
            message = f"`{table}` must be tables by name, found {kind_of(value)}"
            self.add([Fault(path=(table,), kind="012", message=message, help=help)])
            return {}
        read = ((name, self.entry((table, name), one, cls)) for name, one in value.items())
        return {name: one for name, one in read if one is not None}

    def array(self, table: str, value: object, cls: type[T]) -> tuple[T, ...]:
        self.places[table] = []
        if not isinstance(value, list):
            message = f"`{table}` must be an array of tables, found {kind_of(value)}"
            help = f"write [[{table}]]"
            self.add([Fault(path=(table,), kind="012", message=message, help=help)])
            return ()
        read = [self.entry((table, n), one, cls) for n, one in enumerate(value)]
        self.places[table] += [number for number, one in enumerate(read) if one is not None]
        return tuple(one for one in read if one is not None)

    def entry(self, path: Path, value: object, cls: type[T]) -> T | None:
        """Read one entry; where it is wrong, once more without what is wrong."""
        if not isinstance(value, dict):
            message = f"must be a table, found {kind_of(value)}"
            help = "write its keys under a header of its own, or in braces"
            fault = Fault(path=(), kind="012", message=message, help=help)
            self.add([named(fault, path[0]).under(*path)])
            return None
        try:
            return cast("T", self.build(value, cls))
        except Faults as found:
            template = value.get("use") if cls is Variable else None
            known = names_in(self.file.data, "templates")
            hidden = isinstance(template, str) and template not in known
            # What an unknown template would have said is not missing.
            self.add(f.under(*path) for f in found.faults if not (hidden and f.kind == "011"))
            wrong = {fault.path[0] for fault in found.faults if fault.path}
        sound = {key: one for key, one in value.items() if key not in wrong}
        try:
            return cast("T", self.build({**STAND_INS.get(str(path[0]), {}), **sound}, cls))
        except Faults:
            return None

    def build(self, value: dict[str, Any], cls: type[Any]) -> object:
        if cls is Domain:
            return _domain(value)
        return _rule(value, self.rules) if cls is RuleEntry else structure(value, cls)


def _domain(value: dict[str, Any]) -> Domain:
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        help = did_you_mean(kind, KINDS) if isinstance(kind, str) else ""
        help = help or f"the kinds are {one_of(KINDS)}"
        if "kind" not in value:
            raise Faults([Fault(path=(), kind="011", message="`kind` is missing", help=help)])
        shown = f"`{kind}`" if isinstance(kind, str) else kind_of(kind)
        message = f"{shown} is no kind of domain"
        raise Faults([Fault(path=("kind",), kind="013", message=message, help=help)])
    for key in ("bands", "values"):
        if isinstance(value.get(key), list) and len(value[key]) > MOST_VALUES:
            message = f"`{key}` has more than {MOST_VALUES:,} entries"
            help = "read it as an input, and release something coarser"
            raise Faults([Fault(path=(key,), kind="109", message=message, help=help)])
    try:
        domain: Domain = structure(value, KINDS[kind])
    except Faults as found:
        raise Faults(_same_text(fault, value) for fault in found.faults) from None
    if isinstance(domain, RangeDomain) and not 0 <= domain.max - domain.min < MOST_VALUES:
        message = f"min {domain.min} and max {domain.max} give no usable range"
        help = f"it goes from a smaller to a larger number, with at most {MOST_VALUES:,} values"
        raise Faults([Fault(path=("max",), kind="109", message=message, help=help)])
    return domain


def _same_text(fault: Fault, domain: Mapping[str, Any]) -> Fault:
    """Tell of a code that is a number and another's text: a file cannot hold both."""
    code = at(domain, *fault.path)
    values = domain.get("values")
    codes = [at(one, "code") for one in values] if isinstance(values, list) else []
    if fault.path[2:] != ("code",) or type(code) is not int or str(code) not in codes:
        return fault
    message = f'code {code} and code "{code}" are the same text in a file'
    return evolve(fault, kind="115", message=message, help="remove one; a code stands in quotes")


@frozen(kw_only=True)
class _RuleHead:
    id: str = entry("give the rule a name")
    op: str = entry("name the operation, such as fold")
    because: str = entry("say why, for whoever reads the release")


def _rule(value: dict[str, Any], rules: Mapping[str, Rule[Any]]) -> RuleEntry:
    head = {key: one for key, one in value.items() if key in ("id", "op", "because")}
    body = {key: one for key, one in value.items() if key not in head}
    faults: list[Fault] = []
    common = _kept(lambda: structure(head, _RuleHead), faults)
    params: Any = None
    op = value.get("op")
    if isinstance(op, str) and op not in rules:
        help = did_you_mean(op, rules) or f"the rules are {one_of(rules, most=20)}"
        faults.append(
            Fault(path=("op",), kind="013", message=f"no rule is called `{op}`", help=help)
        )
    elif isinstance(op, str):
        params = _kept(lambda: structure(body, rules[op].params), faults)
        faults = [_told_better(fault, op) for fault in faults]
    if faults or common is None:
        raise Faults(faults)
    return RuleEntry(id=common.id, op=common.op, because=common.because, params=params)


def _told_better(fault: Fault, op: str) -> Fault:
    """Say why the language does not have what somebody asks a rule for."""
    key = fault.path[-1] if fault.kind == "010" and len(fault.path) == 1 else ""
    if key in ("min_count", "rarer_than", "threshold"):
        message = f"`{key}` would let the data decide which values are published"
        help = "list the values: what is rare this year may not be so the next"
        return evolve(fault, kind="209", message=message, help=help)
    if op == "derive" and key in ("value", "else", "otherwise", "set"):
        message = f"`{key}`: a derived flag is 1 or missing, and can never be set to 0"
        help = "remove it: missing means no or unknown"
        return evolve(fault, kind="211", message=message, help=help)
    return fault


def _kept(make: Callable[[], T], faults: list[Fault]) -> T | None:
    try:
        return make()
    except Faults as found:
        faults += found.faults
        return None
