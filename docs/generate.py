"""Write those parts of `docs/reference/` that follow from the code: tables of keys and options.

    python docs/generate.py

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; a test compares it with what
this script makes of the code, so that the two cannot drift apart.
"""

from __future__ import annotations

import datetime
import inspect
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
import typer

from ctdc_framework.cli import app
from ctdc_framework.codebook import domains, rules
from ctdc_framework.codebook import model as codebook
from ctdc_framework.codebook.domains import Domain
from ctdc_framework.contract import scenario
from ctdc_framework.contract.results import Public
from ctdc_framework.language import hierarchy_io
from ctdc_framework.language import load as codebook_io
from ctdc_framework.loading import hookspecs, registry
from ctdc_framework.loading.parameters import describe, kind_of_type
from ctdc_framework.plans import entries as plan_entries
from ctdc_framework.problems import diagnostics
from ctdc_framework.toml.convert import fields_of, key_of

PUBLIC = {
    Public.NONE: "nothing",
    Public.ROUNDED: "to whole per cent, where no count is below k",
    Public.FREE: "as it is, for every reader can count it",
}
DOCS = Path(__file__).resolve().parent
PART = re.compile(r"(<!-- begin (\S+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)

CODEBOOK_TABLES: Mapping[str, type] = {
    "codebook": codebook.Header,
    "privacy": codebook.Privacy,
    "missing": codebook.Missing,
    "missing-code": codebook.MissingCode,
    "contributor": codebook.Contributor,
    "enum": domains.EnumDomain,
    "value": domains.Value,
    "bands": domains.BandsDomain,
    "band": domains.Band,
    "range": domains.RangeDomain,
    "country": domains.CountryDomain,
    "hierarchy": hierarchy_io.HierarchyEntry,
    "level": hierarchy_io.LevelEntry,
    "level-group": hierarchy_io.GroupEntry,
    "variable": codebook.Variable,
    "collection": codebook.Collection,
    "input": codebook.Input,
    "condition": codebook.Condition,
    "check": codebook.Check,
    "note": codebook.Remark,
    "section": codebook.Section,
    "variable-group": codebook.VariableGroup,
    "figure": codebook.Figure,
    "supersedes": codebook.Superseded,
    "erratum": codebook.Erratum,
    "allow": codebook.Allowance,
    **{f"rule-{op}": rule.params for op, rule in rules.BUILT_IN.items()},
}
"""The tables of a codebook, by the name of their part in codebook.md."""

PLAN_TABLES: Mapping[str, type] = {
    "plan": plan_entries.PlanHeader,
    "scenario": scenario.Scenario,
    "candidate": plan_entries.CandidateEntry,
    "stage": plan_entries.StageEntry,
    "measure": plan_entries.MeasureEntry,
    "gate": plan_entries.GateEntry,
}
"""The tables of a plan, by the name of their part in plan.md."""


def keys(cls: type) -> str:
    """Make a table of the keys of a TOML table."""
    rows = [
        (f"`{key_of(field)}`", _default(field), _kind(field.type), _help(field))
        for field in _entries(cls)
    ]
    return _table(("key", "left out", "holds", "meaning"), rows)


def parameters(cls: type) -> str:
    """Make a table of the parameters of a strategy or a measure."""
    rows = [
        (f"`{one.key}`", one.default.strip('"'), one.kind + one.bounds, one.help)
        for one in describe(cls)
    ]
    return _table(("parameter", "left out", "holds", "meaning"), rows) if rows else "No parameters."


def strategies() -> str:
    """Describe every built-in strategy."""
    parts = []
    for name, one in _built_in().strategies.items():
        chance = "draws at random" if one.stochastic else "draws nothing at random"
        blanks = "may leave values out" if one.may_blank else "leaves no value out"
        parts.append(
            f"## {name}\n\n{_sentence(one.summary)}\n\n"
            f"Takes {one.takes.value}, gives {one.gives.value}; {chance}; {blanks}.\n\n"
            f"{parameters(one.params)}\n"
        )
    return "\n".join(parts)


def measures() -> str:
    """Describe every built-in measure."""
    parts = []
    for name, one in _built_in().measures.items():
        shapes = " and ".join(sorted((shape.value for shape in one.shapes), reverse=True))
        parts.append(
            f"## {name}\n\n{_sentence(one.summary)}\n\n"
            f"Speaks of {one.side.value}; {one.better.words}; unit: {one.unit}; "
            f"applies to {shapes}."
            + (f"\n\nMissing: {one.missing}." if one.missing else "")
            + (f"\nThe formula: {one.reference}." if one.reference else "")
            + f"\nIn the public report: {PUBLIC[one.public]}."
            + f"\n\n{parameters(one.params)}\n"
        )
    return "\n".join(parts)


def diagnostics_page() -> str:
    """Tell every code, with what earns it and what does not."""
    parts = []
    for one in diagnostics.catalogue().values():
        parts.append(f"## {one.code}\n\n**{_sentence(one.title)}**\n\n{one.why}\n")
        for word, example in (("Wrong", one.wrong), ("Right", one.right)):
            if example:
                parts.append(f"{word}:\n\n```toml\n{example}```\n")
    return "\n".join(parts)


def codes(prefix: str) -> str:
    """Make a table of codes, each linked to what is said of it."""
    return _table(
        ("code", "about"),
        [
            (f"[{one.code}](diagnostics.md#{one.code.lower()})", one.title)
            for one in diagnostics.catalogue().values()
            if one.code.startswith(prefix)
        ],
    )


def hooks() -> str:
    """Describe every hook by its signature and its docstring."""
    parts = []
    for name, function in vars(hookspecs).items():
        if name.startswith("ctdc_"):
            text = inspect.getdoc(function)
            parts.append(f"## {name}\n\n```python\n{signature(function)}\n```\n\n{text}\n")
    return "\n".join(parts)


def signature(function: Any) -> str:
    """Write a hook's signature as it stands in the code."""
    return f"def {function.__name__}{inspect.signature(function)}".replace("'", "")


def commands() -> str:
    """Describe every command with its arguments and options."""
    return "\n".join(_command(name, function) for name, function in each_command())


def each_command(group: typer.Typer = app, before: str = "ctdc") -> Iterator[tuple[str, Any]]:
    """Go through the commands with their functions."""
    for one in group.registered_commands:
        function: Any = one.callback
        yield f"{before} {one.name or function.__name__.replace('_', '-')}", function
    for one in group.registered_groups:
        yield from each_command(one.typer_instance or typer.Typer(), f"{before} {one.name}")


def options(function: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Go through a command's arguments and options: name, type, declaration, default."""
    defaults = inspect.signature(function).parameters
    for name, hint in get_type_hints(function, include_extras=True).items():
        if name == "return":
            continue
        cls, declared = get_args(hint)
        if isinstance(declared, typer.models.ArgumentInfo):
            shown = name.upper()
        else:
            # In an annotation, typer keeps the first name where a default would stand.
            names = [declared.default, *(declared.param_decls or ())]
            own = [one for one in names if isinstance(one, str) and one.startswith("--")]
            shown = own[0] if own else "--" + name.replace("_", "-")
        yield shown, cls, declared, defaults[name].default


def _command(name: str, function: Any) -> str:
    rows, words = [], []
    for shown, cls, declared, default in options(function):
        required = default is inspect.Parameter.empty
        if not shown.startswith("--"):
            words.append(shown if required else f"[{shown}]")
        told = "required" if required else "" if cls is bool else _plain(default)
        rows.append((f"`{shown}`", told, _option_kind(cls, declared), declared.help))
    usage = " ".join([name, *words, "[OPTIONS]"])
    text = inspect.getdoc(function)
    head = ("argument or option", "left out", "takes", "meaning")
    return f"## {name}\n\n```text\n{usage}\n```\n\n{text}\n\n{_table(head, rows)}\n"


def _option_kind(cls: Any, declared: Any) -> str:
    if cls is bool:
        return "is a switch"
    if get_origin(cls) is list:
        return "text, may be repeated"
    options = [one for one in get_args(cls) if one is not NoneType]
    inner = options[0] if options and isinstance(options[0], type) else cls
    kind = "path" if isinstance(inner, type) and issubclass(inner, Path) else kind_of_type(inner)
    ends = [f"{sign} {end}" for sign, end in ((">=", declared.min), ("<=", declared.max))
            if end is not None]  # fmt: skip
    return ", ".join([kind, " and ".join(ends)]) if ends else kind


def tables_of_the_languages() -> set[type]:
    """Find every class that a table of a codebook or of a plan is read into."""
    tops = {**codebook_io.SINGLE, **codebook_io.KEYED, **codebook_io.ARRAYS}
    waiting: list[Any] = [cls for cls in tops.values() if cls not in (Domain, codebook.RuleEntry)]
    waiting += [*domains.KINDS.values(), *(rule.params for rule in rules.BUILT_IN.values())]
    waiting += [field.type for field in fields_of(plan_entries.PlanEntries)]
    found: set[type] = set()
    while waiting:
        cls = waiting.pop()
        if not attrs.has(cls):
            waiting += get_args(cls)
        elif cls not in found:
            found.add(cls)
            waiting += [field.type for field in _entries(cls)]
    return found


def _entries(cls: type) -> list[Any]:
    """Give the fields of a class that are keys of its table."""
    return [one for one in fields_of(cls) if one.init and one.metadata.get("in_toml", True)]


def _built_in() -> registry.Registry:
    """Load the plugins that come with the framework, and no others."""
    found = registry.load()
    others = [one.name for one in found.plugins if one.distribution != "ctdc-framework"]
    return registry.load(without=others)


def _kind(cls: Any) -> str:
    origin, inner = get_origin(cls), get_args(cls)
    if origin is Mapping:
        return "table of text" if inner[1] is str else "table"
    if origin is tuple:
        return "list of tables" if attrs.has(inner[0]) else f"list of {_kind(inner[0])}"
    if origin is Literal:
        return " or ".join(f"`{'true' if one is True else one}`" for one in inner if one != "")
    if isinstance(cls, type) and issubclass(cls, Enum):
        return " or ".join(f"`{one.value}`" for one in cls)
    if cls is datetime.date:
        return "date"
    options = [one for one in inner if one is not NoneType]
    return " or ".join(map(_kind, options)) if options else kind_of_type(cls)


def _default(field: Any) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    return "" if isinstance(field.default, type(attrs.Factory(list))) else _plain(field.default)


def _help(field: Any) -> str:
    bounds = _bounds(field)
    return field.metadata["help"] + (f" ({bounds})" if bounds else "")


def _bounds(field: Any) -> str:
    parts = getattr(field.validator, "_validators", (field.validator,))
    return " and ".join(
        f"{one.compare_op} {one.bound}" for one in parts if hasattr(one, "compare_op")
    )


def _plain(default: Any) -> str:
    if default is None or default == () or default == [] or default == "":
        return ""
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def parts() -> dict[str, dict[str, str]]:
    """Make every part, by page and name."""
    return {
        "reference/codebook.md": {name: keys(cls) for name, cls in CODEBOOK_TABLES.items()},
        "reference/plan.md": {name: keys(cls) for name, cls in PLAN_TABLES.items()},
        "reference/strategies.md": {"strategies": strategies()},
        "reference/measures.md": {"measures": measures()},
        "reference/hooks.md": {"hooks": hooks()},
        "reference/errors.md": {"codes-of-codebooks": codes("CB"), "codes-of-plans": codes("PL")},
        "reference/diagnostics.md": {"diagnostics": diagnostics_page()},
        "reference/commands.md": {"commands": commands()},
    }


def filled(text: str, made: Mapping[str, str]) -> str:
    """Put parts in their places in a page; raises `KeyError` for one that is not made."""
    return PART.sub(lambda m: f"{m[1]}\n{made[m[2]].strip()}\n\n{m[3]}", text)


def main() -> None:
    """Rewrite the pages."""
    for page, made in parts().items():
        path = DOCS / page
        path.write_text(filled(path.read_text(encoding="utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
