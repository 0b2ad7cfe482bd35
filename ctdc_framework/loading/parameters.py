"""Describe parameters from their one declaration: for commands, TOML stubs and documents."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from attrs import frozen

from ctdc_framework.toml.convert import default_of, fields_of, key_of, unstructure


@frozen(kw_only=True)
class Parameter:
    """One parameter, in words."""

    key: str
    kind: str
    default: str
    bounds: str
    help: str

    def as_json(self) -> dict[str, str]:
        """Give it for scripts."""
        return {field.name: getattr(self, field.name) for field in attrs.fields(Parameter)}

    def as_toml(self) -> str:
        """Give a commented line to put into a plan; what the codebook decides is left to it."""
        comment = f"# {self.help} ({self.kind}{self.bounds})"
        if self.default in ("required", "none") or self.default.startswith("the codebook's"):
            return f"{comment}\n# {self.key} ="
        return f"{comment}\n{self.key} = {self.default}"


def describe(params: type) -> list[Parameter]:
    """List the parameters of a class made of `entry` fields."""
    return [
        Parameter(
            key=key_of(field),
            kind=kind_of_type(field.type),
            default=_default(field),
            bounds=_bounds(field.validator),
            help=field.metadata.get("help", ""),
        )
        for field in fields_of(params)
    ]


def kind_of_type(cls: Any) -> str:
    """Name a type as a steward would: `whole number`, `one of a, b`, `list of text`."""
    plain = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    if cls in plain:
        return plain[cls]
    if get_origin(cls) is Literal:
        return "one of " + ", ".join(map(str, get_args(cls)))
    if isinstance(cls, type) and issubclass(cls, Enum):
        return "one of " + ", ".join(str(member.value) for member in cls)
    if get_origin(cls) is tuple:
        return f"list of {kind_of_type(get_args(cls)[0])}"
    if cls is datetime.date:
        return "date"
    if get_origin(cls) not in (Union, UnionType):
        return "table"
    options = [one for one in get_args(cls) if one is not NoneType]
    return " or ".join(map(kind_of_type, options))


def _default(field: attrs.Attribute[Any]) -> str:
    if source := field.metadata.get("from_codebook"):
        return f"the codebook's {source}"
    default = default_of(field)
    return "required" if default is attrs.NOTHING else _as_toml(unstructure(default))


def _as_toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_quoted(key)} = {_as_toml(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    return _quoted(value) if isinstance(value, str) else str(value).lower()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _bounds(validator: Any) -> str:
    """Read the bounds off attrs' own validators, which are the declaration."""
    validator = getattr(validator, "validator", validator)  # what `optional` holds
    parts = getattr(validator, "_validators", (validator,))
    found = [f"{one.compare_op} {one.bound}" for one in parts if hasattr(one, "compare_op")]
    return f", {' and '.join(found)}" if found else ""
