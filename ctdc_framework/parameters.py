"""Describe parameters from their one declaration: for commands, TOML stubs and documents."""

from __future__ import annotations

from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import attrs
from attrs import frozen

from ctdc_framework.convert import fields_of, key_of


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
        told = self.default.startswith("the codebook's") or self.default == "required"
        return f"{comment}\n# {self.key} =" if told else f"{comment}\n{self.key} = {self.default}"


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
    options = [one for one in get_args(cls) if one is not NoneType]
    return " or ".join(map(kind_of_type, options)) if options else "table"


def _default(field: attrs.Attribute[Any]) -> str:
    if source := field.metadata.get("from_codebook"):
        return f"the codebook's {source}"
    if field.default is attrs.NOTHING:
        return "required"
    default = field.default.value if isinstance(field.default, Enum) else field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return "{}"
    return f'"{default}"' if isinstance(default, str) else str(default).lower()


def _bounds(validator: Any) -> str:
    """Read the bounds off attrs' own validators, which are the declaration."""
    parts = getattr(validator, "_validators", (validator,))
    found = [f"{one.compare_op} {one.bound}" for one in parts if hasattr(one, "compare_op")]
    return f", {' and '.join(found)}" if found else ""
