"""Read a codebook: TOML text in, a checked `Codebook` or every problem with its place out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import Any, TypeVar

import attrs
import tomli
from attrs import evolve, field, frozen

from ctdc_framework.codebook import (
    Check,
    Codebook,
    Contributor,
    Erratum,
    Header,
    Input,
    Missing,
    Privacy,
    Remark,
    RuleEntry,
    Section,
    Variable,
)
from ctdc_framework.codebook_checks import cross_faults
from ctdc_framework.convert import Fault, Faults, Path, fields_of, key_of, kind_of, structure
from ctdc_framework.domains import KINDS, Domain
from ctdc_framework.errors import (
    CodebookError,
    CtdcError,
    Place,
    Problem,
    did_you_mean,
    nearest,
    one_of,
)
from ctdc_framework.locator import Locator, locate
from ctdc_framework.rules import BUILT_IN, Rule

T = TypeVar("T")

SHIPPED = FilePath(__file__).parent / "codebooks"
BESIDE = FilePath(__file__).parent.parent / "codebooks"
"""Where the shipped codebooks lie in a wheel, and beside the package in a checkout."""


@frozen(kw_only=True)
class TomlFile:
    """A parsed TOML file that can say where each of its keys and values stands."""

    name: str
    data: Mapping[str, Any]
    locator: Locator
    digest: str = ""
    moved: Mapping[Path, Path] = field(factory=dict)
    """Entries that came from somewhere else in the file, such as a template."""

    def problem(self, fault: Fault, prefix: str) -> Problem:
        """Turn a fault into a problem with its place in the file."""
        path = self._written_at(fault.path)
        span = self.locator.key(path) if fault.at_key else self.locator.value(path)
        span = span or self.locator.value(path) or self.locator.nearest(path)
        place = Place(file=self.name)
        if span:
            line = self.locator.line(span.line)
            ends_here = span.end_line == span.line
            width = (span.end_column if ends_here else len(line) + 1) - span.column
            place = evolve(
                place, line=span.line, column=span.column, width=max(1, width), source=line
            )
        return Problem(
            code=f"{prefix}{fault.kind}",
            message=fault.message,
            help=fault.help,
            place=place,
            level=fault.level,
        )

    def _written_at(self, path: Path) -> Path:
        for length in range(len(path), 0, -1):
            if path[:length] in self.moved:
                return (*self.moved[path[:length]], *path[length:])
        return path


def read_toml(path: FilePath, error: type[CtdcError], prefix: str) -> TomlFile:
    """Read a TOML file, or raise `error` with what is wrong with its bytes or its syntax."""
    name = str(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise error(f"there is no file {name}", help="check the path") from None
    except IsADirectoryError:
        raise error(f"{name} is a directory, not a TOML file") from None
    except OSError as failure:
        raise error(f"{name} cannot be read: {failure.strerror}") from None
    problem = partial(Problem, place=Place(file=name))
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as failure:
        byte = content[failure.start]
        message = f"byte 0x{byte:02X} at offset {failure.start} is not UTF-8"
        if 0x80 <= byte <= 0x9F:
            meant = bytes([byte]).decode("cp1252", "replace")
            message += f": it looks like Windows-1252, where it is {meant!r}"
        help = "save the file as UTF-8"
        raise error(problems=[problem(code=f"{prefix}003", message=message, help=help)]) from None
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as failure:
        raise error(problems=[_syntax(name, text, failure, f"{prefix}001")]) from None
    except RecursionError:
        message = "tables or arrays are nested too deeply"
        raise error(problems=[problem(code=f"{prefix}001", message=message)]) from None
    return TomlFile(
        name=name,
        data=data,
        locator=locate(text),
        digest=hashlib.sha256(content).hexdigest(),
    )


def _syntax(name: str, text: str, failure: tomli.TOMLDecodeError, code: str) -> Problem:
    message = re.sub(r"\s*\(at .*\)$", "", str(failure))
    lines = text.split("\n")
    line = getattr(failure, "lineno", 0) or 0
    column = getattr(failure, "colno", 0) or 0
    if not 0 < line <= len(lines):
        line, column = len(lines), len(lines[-1]) + 1
    help = ""
    if odd := re.search("[\u2018-\u201f\u2010-\u2015]", lines[line - 1]):
        kind = "dash" if odd.group() < "\u2018" else "quote"
        help = f"U+{ord(odd.group()):04X} in this line is a typographic {kind}"
    place = Place(file=name, line=line, column=column, source=lines[line - 1])
    return Problem(code=code, message=f"not valid TOML: {message}", help=help, place=place)


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
    file = _expand_templates(read_toml(find_codebook(source), CodebookError, "CB"))
    parts, faults = _structure(file.data, rules)
    codebook = None
    if parts is not None:
        codebook = _assemble(parts, file)
        faults = [*faults, *cross_faults(codebook, rules, file.data)]
    problems = sorted(
        (file.problem(fault, "CB") for fault in dict.fromkeys(faults)),
        key=lambda p: (p.place.line, p.place.column) if p.place else (0, 0),
    )
    broken = any(problem.level == "error" for problem in problems)
    return None if broken else codebook, problems


def shipped_codebooks() -> dict[str, FilePath]:
    """List the codebooks that come with the package, by name."""
    folder = SHIPPED if SHIPPED.is_dir() else BESIDE
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_codebook(source: str | FilePath) -> FilePath:
    """Give the path of a codebook: a shipped one's by its name, else the path itself."""
    text = str(source)
    if "/" in text or "\\" in text or text.endswith(".toml"):
        return FilePath(source)
    shipped = shipped_codebooks()
    if text in shipped:
        return shipped[text]
    if FilePath(text).exists():
        return FilePath(text)
    near = nearest(text, shipped)
    help = f"did you mean `{near[0]}`?" if near else "give a path that ends in .toml"
    raise CodebookError(
        f"no codebook is called `{text}`; shipped ones are {one_of(shipped)}", help=help
    )


def _expand_templates(file: TomlFile) -> TomlFile:
    """Give each variable the entries of the template it uses, its own ones winning."""
    variables, templates = file.data.get("variables"), file.data.get("templates")
    if not isinstance(variables, dict) or not isinstance(templates, dict):
        return file
    done: dict[str, Any] = {}
    moved: dict[Path, Path] = {}
    for name, entries in variables.items():
        done[name] = entries
        template = entries.get("use") if isinstance(entries, dict) else None
        if isinstance(template, str) and isinstance(templates.get(template), dict):
            done[name] = {**templates[template], **entries}
            for key in templates[template]:
                if key not in entries:
                    moved["variables", name, key] = ("templates", template, key)
    return evolve(file, data={**file.data, "variables": done}, moved=moved)


@frozen(kw_only=True)
class _Parts:
    """A codebook's tables, each by itself in order."""

    codebook: Header
    privacy: Privacy
    variables: Mapping[str, Variable]
    missing: Missing = field(factory=Missing)
    contributors: Mapping[str, Contributor] = field(factory=dict)
    domains: Mapping[str, Any] = field(factory=dict)
    templates: Mapping[str, Any] = field(factory=dict)
    inputs: Mapping[str, Input] = field(factory=dict)
    rules: tuple[Any, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: Mapping[str, Remark] = field(factory=dict)
    sections: tuple[Section, ...] = ()
    errata: tuple[Erratum, ...] = ()


def _structure(
    data: Mapping[str, Any], rules: Mapping[str, Rule[Any]]
) -> tuple[_Parts | None, list[Fault]]:
    faults: list[Fault] = []
    ready: dict[str, Any] = {}
    tables = {key_of(part): part for part in fields_of(_Parts)}
    for key in data:
        if key not in tables:
            message = f"unknown table `{key}`"
            help = did_you_mean(key, tables) or f"the tables are {one_of(tables, most=20)}"
            faults.append(Fault(path=(key,), kind="010", message=message, help=help, at_key=True))
    for key, part in tables.items():
        if key not in data:
            if part.default is attrs.NOTHING:
                message = f"the codebook has no [{key}]"
                faults.append(Fault(path=(), kind="011", message=message))
            continue
        try:
            if key in ("domains", "templates"):
                ready[key] = _tables(data[key], _domain if key == "domains" else _free)
            elif key == "rules":
                ready[key] = _array(data[key], lambda value: _rule(value, rules))
            else:
                ready[key] = structure(data[key], part.type)  # type: ignore[arg-type]
        except Faults as found:
            faults += [_speaking(fault.under(key), data) for fault in found.faults]
    complete = all(
        key in ready or (part.default is not attrs.NOTHING and key not in data)
        for key, part in tables.items()
    )
    return (_Parts(**ready) if complete else None), faults


def _speaking(fault: Fault, data: Mapping[str, Any]) -> Fault:
    """Name the subject of a fault, so that nobody has to count array elements."""
    if len(fault.path) < 2 or fault.path[0] == "codebook":
        return fault
    one = {"variables": "variable", "inputs": "input", "domains": "domain", "rules": "rule",
           "checks": "check", "notes": "note", "contributors": "contributor",
           "sections": "section", "errata": "erratum"}.get(str(fault.path[0]))  # fmt: skip
    if one is None:
        return fault
    name = fault.path[1]
    if isinstance(name, int):
        element = data[str(fault.path[0])][name]
        name = str(element.get("id", name + 1)) if isinstance(element, dict) else str(name + 1)
    return evolve(fault, message=f"{one} `{name}`: {fault.message}")


def _tables(value: object, build: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Faults(
            [Fault(path=(), kind="012", message=f"must be tables, found {kind_of(value)}")]
        )
    return _collect(value.items(), build)


def _array(value: object, build: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        message = f"must be an array of tables, found {kind_of(value)}"
        raise Faults([Fault(path=(), kind="012", message=message, help="write [[rules]]")])
    return tuple(_collect(enumerate(value), build).values())


def _collect(items: Any, build: Any) -> dict[Any, Any]:
    faults: list[Fault] = []
    done = {}
    for name, value in items:
        try:
            if not isinstance(value, dict):
                message = f"must be a table, found {kind_of(value)}"
                raise Faults([Fault(path=(), kind="012", message=message)])
            done[name] = build(value)
        except Faults as found:
            faults += [fault.under(name) for fault in found.faults]
    if faults:
        raise Faults(faults)
    return done


def _free(value: dict[str, Any]) -> dict[str, Any]:
    """Leave a template as it is: it is checked as part of every variable that uses it."""
    return value


def _domain(value: dict[str, Any]) -> Domain:
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        help = did_you_mean(kind, KINDS) if isinstance(kind, str) else ""
        help = help or f"the kinds are {one_of(KINDS)}"
        if "kind" not in value:
            raise Faults([Fault(path=(), kind="011", message="`kind` is missing", help=help)])
        message = f"`{kind}` is no kind of domain"
        raise Faults([Fault(path=("kind",), kind="013", message=message, help=help)])
    return structure(value, KINDS[kind])


@frozen(kw_only=True)
class _RuleHead:
    id: str
    op: str
    because: str


def _rule(value: dict[str, Any], rules: Mapping[str, Rule[Any]]) -> RuleEntry:
    faults: list[Fault] = []
    head = {key: one for key, one in value.items() if key in ("id", "op", "because")}
    body = {key: one for key, one in value.items() if key not in head}
    params: Any = None
    try:
        common = structure(head, _RuleHead)
        if common.op not in rules:
            help = did_you_mean(common.op, rules) or f"the rules are {one_of(rules, most=20)}"
            message = f"no rule is called `{common.op}`"
            faults.append(Fault(path=("op",), kind="013", message=message, help=help))
    except Faults as found:
        faults += found.faults
    op = value.get("op")
    if isinstance(op, str) and op in rules:
        try:
            params = structure(body, rules[op].params)
        except Faults as found:
            faults += found.faults
    if faults:
        raise Faults(faults)
    return RuleEntry(id=common.id, op=common.op, because=common.because, params=params)


def _assemble(parts: _Parts, file: TomlFile) -> Codebook:
    order = [name for name in parts.codebook.order if name in parts.variables]
    order += [name for name in parts.variables if name not in order]
    return Codebook(
        header=parts.codebook,
        privacy=parts.privacy,
        variables={name: evolve(parts.variables[name], name=name) for name in order},
        domains=parts.domains,
        inputs={name: evolve(one, name=name) for name, one in parts.inputs.items()},
        missing=parts.missing,
        contributors=parts.contributors,
        rules=parts.rules,
        checks=parts.checks,
        notes=parts.notes,
        sections=parts.sections,
        errata=parts.errata,
        origin=file.name,
        digest=file.digest,
    )
