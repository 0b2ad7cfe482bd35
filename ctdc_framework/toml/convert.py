"""The one converter: TOML values in, checked value objects out, every fault with its path.

cattrs by itself would turn `k = 10.7` into 10 and `true` into 1, stop at the first fault and lose
where it was. The hooks here take nothing for something else, run each entry's own validator at
once, and collect all faults, each with the path of keys that leads to it.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import attrs
import cattrs

from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.problems.faults import (
    BAD_CHOICE,
    BAD_VALUE,
    MISSING_KEY,
    NOT_WHOLE,
    UNKNOWN_KEY,
    WRONG_TYPE,
    Faults,
)
from ctdc_framework.problems.faults import Fault as Fault  # plugins know it from here

T = TypeVar("T")


def entry(
    help: str,
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    validator: Any = None,
    key: str = "",
    from_codebook: str = "",
) -> Any:
    """Declare one entry of a TOML table: what it means, its default and its bounds, once.

    `key` is the TOML key where Python does not allow the word (`from`). `from_codebook` names the
    `[privacy]` entry that fills the value where the user gives none: `"k"` or `"round_to"`; what
    is filled from `k` may not be set lower than the codebook's without its consent.
    """
    metadata = {"help": help, "key": key, "from_codebook": from_codebook}
    if factory is not None:
        return attrs.field(factory=factory, validator=validator, metadata=metadata)
    return attrs.field(default=default, validator=validator, metadata=metadata)


def matching(pattern: str, words: str) -> Callable[[Any, Any, str], None]:
    """Make a validator that takes texts of a pattern, and says in words what they are."""

    def validator(_: Any, field: attrs.Attribute[Any], value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"`{key_of(field)}` is {words}, not `{value}`")

    return validator


def key_of(field: attrs.Attribute[Any]) -> str:
    """Give the TOML key of a field."""
    return field.metadata.get("key") or field.name


def default_of(field: attrs.Attribute[Any]) -> Any:
    """Give the value of a field that is left out, `attrs.NOTHING` where it must be given."""
    default: Any = field.default
    made = isinstance(default, attrs.Factory)  # type: ignore[arg-type]
    return default.factory() if made and not default.takes_self else default


def _in_toml(field: attrs.Attribute[Any]) -> bool:
    return bool(field.init and field.metadata.get("in_toml", True))


def fields_of(cls: type) -> tuple[attrs.Attribute[Any], ...]:
    """Give the fields of a value class with their types resolved."""
    found: tuple[attrs.Attribute[Any], ...] = attrs.fields(_resolved(cls))
    return found


@cache
def _resolved(cls: type) -> Any:
    return attrs.resolve_types(cls)


def structure(value: object, cls: type[T]) -> T:
    """Turn a TOML value into `cls`, or raise `Faults` with everything that is wrong with it.

    A whole number is taken where a float is wanted, and nothing else for anything else.
    """
    return converter.structure(value, cls)


def unstructure(value: object) -> Any:
    """Turn a value object into plain TOML and JSON values, with TOML's keys; empty ones left out.

    For parameter classes `structure` undoes it.
    """
    return converter.unstructure(value)


def kind_of(value: object) -> str:
    """Name a TOML value's type for a message, without the value."""
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number with a point",
        str: "a text",
        list: "an array",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def _wrong(value: object, wanted: str, help: str = "") -> Faults:
    message = f"must be {wanted}, found {kind_of(value)}"
    return Faults(
        [Fault(path=(), kind=WRONG_TYPE, message=message, help=help or f"write {wanted}")]
    )


def _text(value: object, _: object) -> str:
    if isinstance(value, str):
        return value
    shown = isinstance(value, float | datetime.date) or (isinstance(value, int) and _fits(value))
    raise _wrong(value, "a text", f'write "{_toml(value)}"' if shown else "")


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fits(value: int) -> bool:
    return abs(value) < 10**18


def _whole(value: object, _: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if not _fits(value):
            raise _too_large()
        return value
    if isinstance(value, float):
        message = f"must be a whole number, found {value}"
        help = f"write {math.floor(value)}" if abs(value) < 10**18 else "write a whole number"
        raise Faults([Fault(path=(), kind=NOT_WHOLE, message=message, help=help)])
    raise _wrong(value, "a whole number")


def _number(value: object, _: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, int) and not _fits(value):
            raise _too_large()
        if not math.isfinite(value):
            message, help = f"must be a number, found {value}", "write a number"
            raise Faults([Fault(path=(), kind=BAD_VALUE, message=message, help=help)])
        return float(value)
    raise _wrong(value, "a number")


def _too_large() -> Faults:
    message, help = "must be a number of at most 18 digits", "write a smaller one"
    return Faults([Fault(path=(), kind=BAD_VALUE, message=message, help=help)])


def _truth(value: object, _: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(value, "true or false")


def _date(value: object, _: object) -> datetime.date:
    if type(value) is datetime.date:
        return value
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            pass
    raise _wrong(value, "a date", 'write "2021-09-01"')


def _choice(value: object, choices: Iterable[str]) -> Faults:
    known = list(choices)
    message = f"`{value}` is not one of {one_of(known, most=20)}"
    help = did_you_mean(str(value), known) or f"write one of {one_of(known, most=20)}"
    return Faults([Fault(path=(), kind=BAD_CHOICE, message=message, help=help)])


def _literal(value: object, cls: Any) -> Any:
    choices = get_args(cls)
    # By type too: 1 == True, and neither may stand for the other.
    if any(value == one and type(value) is type(one) for one in choices):
        return value
    if not isinstance(choices[0], str):
        words = " or ".join(map(_toml, choices))
        message, help = f"must be {words}", f"write {words}"
        raise Faults([Fault(path=(), kind=BAD_CHOICE, message=message, help=help)])
    raise _choice(value, map(str, choices)) if isinstance(value, str) else _wrong(value, "a text")


def _enum(value: object, cls: type[Enum]) -> Enum:
    for member in cls:
        if member.value == value:
            return member
    raise (
        _choice(value, (str(m.value) for m in cls))
        if isinstance(value, str)
        else _wrong(value, "a text")
    )


def _tuple_hook(cls: Any) -> Callable[[object, object], tuple[Any, ...]]:
    items = get_args(cls)

    def hook(value: object, _: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            help = f'write ["{value}"]' if isinstance(value, str) else "put it in square brackets"
            if isinstance(value, Mapping) and attrs.has(items[0]):
                help = "its header has two square brackets: [[...]]"
            raise _wrong(value, "an array", help)
        each = (items[0],) * len(value) if Ellipsis in items else items
        if len(each) != len(value):
            message = f"must have {len(each)} entries, found {len(value)}"
            help = "add the rest" if len(value) < len(each) else "remove the rest"
            raise Faults([Fault(path=(), kind=WRONG_TYPE, message=message, help=help)])
        both = zip(value, each, strict=True)
        return tuple(_each((n, one, item) for n, (one, item) in enumerate(both)).values())

    return hook


def _table_hook(cls: Any) -> Callable[[object, object], dict[str, Any]]:
    item = get_args(cls)[1]

    def hook(value: object, _: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            many = isinstance(value, list)
            raise _wrong(value, "a table", "its entries have names: [table.name]" if many else "")
        return _each((name, one, item) for name, one in value.items())

    return hook


def _each(items: Iterable[tuple[Any, object, Any]]) -> dict[Any, Any]:
    faults: list[Fault] = []
    done: dict[Any, Any] = {}
    for name, value, cls in items:
        try:
            done[name] = converter.structure(value, cls)
        except Faults as found:
            faults += [named(fault, name).under(name) for fault in found.faults]
    if faults:
        raise Faults(faults)
    return done


def _union_hook(cls: Any) -> Callable[[object, object], Any]:
    options = [one for one in get_args(cls) if one is not NoneType]

    def hook(value: object, _: object) -> Any:
        if value is None and NoneType in get_args(cls):
            return None
        found: list[Faults] = []
        for option in options:
            try:
                return converter.structure(value, option)
            except Faults as faults:
                found.append(faults)
        raise _of_options(value, found)

    return hook


def _of_options(value: object, found: Sequence[Faults]) -> Faults:
    """Let the option that got furthest speak, or where none takes such a value all of them."""
    faults = [fault for one in found for fault in one.faults]
    wrong_type = [not fault.path and fault.kind in (WRONG_TYPE, NOT_WHOLE) for fault in faults]
    if all(wrong_type) and len(found) > 1:
        wanted = [fault.message.removeprefix("must be ").partition(",")[0] for fault in faults]
        return _wrong(value, " or ".join(dict.fromkeys(wanted)))

    def depth(one: Faults) -> tuple[int, bool]:
        return max((len(fault.path), fault.kind != WRONG_TYPE) for fault in one.faults)

    return max(found, key=depth)


def _class_hook(cls: Any) -> Callable[[object, object], Any]:
    def hook(value: object, _: object) -> Any:
        if not isinstance(value, Mapping):
            raise _wrong(value, "a table")
        fields = {key_of(field): field for field in fields_of(cls) if _in_toml(field)}
        faults: list[Fault] = []
        for name in value:
            if name not in fields:
                message = f"unknown key `{name}`"
                near = did_you_mean(name, fields) if len(faults) < 100 else ""
                help = near or f"the keys here are {one_of(fields, most=30)}"
                faults.append(
                    Fault(path=(name,), kind=UNKNOWN_KEY, message=message, help=help, at_key=True)
                )
        ready: dict[str, Any] = {}
        for name, field in fields.items():
            if name not in value:
                if field.default is attrs.NOTHING:
                    help = field.metadata.get("help", "")
                    message = f"`{name}` is missing"
                    faults.append(Fault(path=(), kind=MISSING_KEY, message=message, help=help))
                continue
            try:
                ready[str(field.alias)] = checked(
                    structure(value[name], cast("type[Any]", field.type)), field
                )
            except Faults as found:
                faults += [named(fault, name).under(name) for fault in found.faults]
        if not faults:
            try:
                return cls(**ready)
            except ValueError as error:  # __attrs_post_init__: a rule between entries
                # Such a rule is told as `what it demands: what to write`.
                message, _, help = str(error).partition(": ")
                faults.append(Fault(path=(), kind=BAD_VALUE, message=message, help=help))
        raise Faults(faults)

    return hook


def named(fault: Fault, name: str | int) -> Fault:
    """Put the key in front of a sentence about its own value: `k` must be a whole number."""
    if isinstance(name, int) or any(isinstance(part, str) for part in fault.path):
        return fault
    if fault.kind == BAD_CHOICE and fault.message.startswith("`"):
        return attrs.evolve(fault, message=f"{name} {fault.message}")
    if not fault.message.startswith("must "):
        return fault
    what = f"an entry of `{name}`" if fault.path else f"`{name}`"
    return attrs.evolve(fault, message=f"{what} {fault.message}")


def checked(value: T, field: attrs.Attribute[Any]) -> T:
    """Run a field's own validator on a value; it may look at nothing but the value."""
    if field.validator is not None:
        try:
            field.validator(None, field, value)
        except (ValueError, TypeError) as error:
            # attrs' own validators give the field, and more, after the sentence.
            message = str(error.args[0]) if error.args else f"`{key_of(field)}` is not allowed"
            if message.startswith("Length of") and not value:
                message = f"`{key_of(field)}` may not be empty"
            message = message.replace(f"'{field.name}'", f"`{key_of(field)}`")
            help = field.metadata.get("help", "")
            raise Faults([Fault(path=(), kind=BAD_VALUE, message=message, help=help)]) from None
    return value


def _plain(value: Any) -> dict[str, Any]:
    done = {}
    for field in fields_of(type(value)):
        one = getattr(value, field.name) if _in_toml(field) else None
        if one is not None and not (one in ((), {}) and one == default_of(field)):
            done[key_of(field)] = converter.unstructure(one)
    return done


def _origin(cls: Any) -> Any:
    return get_origin(cls)


def _is_union(cls: Any) -> bool:
    return _origin(cls) in (Union, UnionType)


converter = cattrs.Converter()
for _cls, _hook in ((str, _text), (int, _whole), (float, _number), (bool, _truth),
                    (datetime.date, _date)):  # fmt: skip
    converter.register_structure_hook(_cls, _hook)
converter.register_structure_hook_func(lambda cls: _origin(cls) is Literal, _literal)
converter.register_structure_hook_func(
    lambda cls: isinstance(cls, type) and issubclass(cls, Enum), _enum
)
converter.register_structure_hook_factory(lambda cls: _origin(cls) is tuple, _tuple_hook)
converter.register_structure_hook_factory(lambda cls: _origin(cls) in (dict, Mapping), _table_hook)
converter.register_structure_hook_factory(_is_union, _union_hook)
converter.register_structure_hook_factory(attrs.has, _class_hook)
converter.register_unstructure_hook_func(attrs.has, _plain)
converter.register_unstructure_hook(datetime.date, lambda value: value.isoformat())
