"""Make the JSON Schemas of codebook and plan files, by which an editor helps while one types.

Everything comes from the attrs classes that read the files: keys, help, defaults, choices and
bounds. So a schema cannot say other things than the reader does; it only says less, as names that
lead nowhere and bands that overlap show in the whole file alone.

The schemas are draft-07 without `$ref`, `oneOf` and `const`, and tell kinds and operations apart by
`if` and `then`: that is what Tombi and Taplo both turn into one message at the right place.
"""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from ctdc_framework.codebook.domains import KINDS, Domain
from ctdc_framework.codebook.model import Condition, RuleEntry, Variable
from ctdc_framework.codebook.rules import BUILT_IN, Derive, Rule
from ctdc_framework.language.hierarchy_io import LevelEntry
from ctdc_framework.language.load import ARRAYS, KEYED, REQUIRED, SINGLE, TABLES
from ctdc_framework.language.seals import Relaxation
from ctdc_framework.plans.entries import PlanEntries
from ctdc_framework.problems.faults import Faults
from ctdc_framework.toml.convert import checked, default_of, fields_of, key_of, unstructure

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
LARGEST = 10**18 - 1
"""What a whole number may be: eighteen digits."""

DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    # Tombi tells a date from a text by `format`; either is taken.
    datetime.date: {
        "anyOf": [
            {"type": "string", "pattern": DATE, "format": "date"},
            {"type": "string", "pattern": DATE},
        ]
    },
}


def _either(one: str, other: str) -> Schema:
    """Demand one of two keys that hold arrays, and not both."""
    return {
        "if": {"required": [one], "additionalProperties": True},
        "then": {"properties": {other: {"maxItems": 0}}, "additionalProperties": True},
        "else": {"required": [other], "additionalProperties": True},
    }


BETWEEN: Mapping[type, Schema] = {
    # Its variable, and one test of it.
    Condition: {"minProperties": 2, "maxProperties": 2},
    Derive: _either("any", "all"),
    LevelEntry: _either("bands", "groups"),
}
"""What a class demands between its entries, which its `__attrs_post_init__` says in Python."""

HEAD: Mapping[str, str] = {
    "id": "the rule's name",
    "op": "what the rule does",
    "because": "why the rule is there, as the printed codebook tells it",
}
"""The entries that every rule has besides those of its operation."""


def codebook_schema(rules: Mapping[str, Rule[Any]] = BUILT_IN) -> Schema:
    """Give the JSON Schema of a codebook file whose rules are the given operations."""
    made = {Domain: _domain(), RuleEntry: _rule(rules)}
    tables: dict[str, Schema] = {"templates": _keyed(_template())}
    tables |= {name: made.get(cls) or _table(cls) for name, cls in SINGLE.items()}
    tables |= {name: _keyed(made.get(cls) or _table(cls)) for name, cls in KEYED.items()}
    tables |= {name: _array_of(made.get(cls) or _table(cls)) for name, cls in ARRAYS.items()}
    loose = {name: _without_demands(tables[name]) for name in TABLES}
    loose["codebook"]["properties"] |= EXTENDING
    demands = {name: _demands(table) for name, table in tables.items()}
    return {
        **_head("A ctdc codebook", "What a data set holds, and who may be told what."),
        "type": "object",
        "properties": {**loose, "relax": _array_of(_table(Relaxation))},
        "additionalProperties": False,
        # What a codebook that extends another leaves out, that other one says.
        "if": {
            "properties": {"codebook": {"required": ["extends"], "additionalProperties": True}},
            "required": ["codebook"],
            "additionalProperties": True,
        },
        "then": {"additionalProperties": True},
        "else": {
            "properties": {name: one for name, one in demands.items() if one},
            "required": list(REQUIRED),
            "additionalProperties": True,
        },
    }


EXTENDING: Schema = {
    "extends": {
        "description": "the codebook that this one begins with: a path from this file, or a "
        "shipped one such as ctdc-2021",
        "type": "string",
    },
    "remove": {
        "description": "what is dropped of that one, such as variables.age or rules.age-to-band",
        "type": "array",
        "items": {"type": "string"},
    },
}
"""The keys that the header of a codebook has besides, if it extends another."""

DEMANDS = ("required", "if", "then", "else")


def _without_demands(schema: Schema) -> Schema:
    """Give a table's schema that takes a part of its keys; what is in arrays stays whole.

    >>> _without_demands({"required": ["a"], "properties": {"a": {"type": "string"}}})
    {'properties': {'a': {'type': 'string'}}}
    """
    done = {key: value for key, value in schema.items() if key not in DEMANDS}
    if "properties" in done:
        tables = done["properties"].items()
        done["properties"] = {key: _without_demands(one) for key, one in tables}
    if isinstance(done.get("additionalProperties"), dict):
        done["additionalProperties"] = _without_demands(done["additionalProperties"])
    if "allOf" in done:
        done["allOf"] = [{**one, "then": _without_demands(one["then"])} for one in done["allOf"]]
    return done


def _demands(schema: Schema) -> Schema:
    """Give what `_without_demands` takes away, and nothing else."""
    done = {key: schema[key] for key in DEMANDS if key in schema}
    inner = {key: _demands(one) for key, one in schema.get("properties", {}).items()}
    if inner := {key: one for key, one in inner.items() if one}:
        done["properties"] = inner
    entries = schema.get("additionalProperties")
    found = _demands(entries) if isinstance(entries, dict) else {}
    kinds = [{**one, "then": _demands(one["then"])} for one in schema.get("allOf", ())]
    if kinds := [one for one in kinds if one["then"]]:
        done["allOf"] = kinds
    return {**done, "additionalProperties": found or True} if done or found else {}


def plan_schema() -> Schema:
    """Give the JSON Schema of a plan file; the parameters of strategies and measures are open."""
    head = _head("A ctdc plan", "Which ways of publishing are compared, and by which measures.")
    return {**head, **_without(_table(PlanEntries), "description")}


def _head(title: str, about: str) -> Schema:
    return {
        "$schema": DRAFT,
        "title": title,
        "description": about,
        "x-tombi-toml-version": "v1.0.0",
    }


def _keyed(item: Schema) -> Schema:
    about = f"{item['description']} Each has its name in the header: [table.name]."
    return {"description": about, "type": "object", "additionalProperties": item}


def _array_of(item: Schema) -> Schema:
    about = f"{item['description']} Each has a header of its own: [[table]]."
    return {"description": about, "type": "array", "items": item}


def _table(cls: type) -> Schema:
    """Give the schema of a value class: every key with what it means, and no other key."""
    fields = [field for field in fields_of(cls) if field.metadata.get("in_toml", True)]
    required = [key_of(field) for field in fields if _is_required(field)]
    return {
        "type": "object",
        "description": _sentence(cls),
        "properties": {key_of(field): _entry(field) for field in fields},
        **_demand(required, cls),
        "additionalProperties": False,
        **BETWEEN.get(cls, {}),
    }


def _demand(keys: list[str], cls: type) -> Schema:
    """Say which keys must be there; a template may give those of a variable."""
    if cls is Variable:
        return {
            "if": {"required": ["use"], "additionalProperties": True},
            "then": {"additionalProperties": True},
            "else": {"required": keys, "additionalProperties": True},
        }
    return {"required": keys} if keys else {}


def _is_required(field: attrs.Attribute[Any]) -> bool:
    """Tell whether a key must be there: it has no default, or one that its validator refuses."""
    default = default_of(field)
    if default is attrs.NOTHING:
        return True
    try:
        checked(default, field)
    except Faults:
        return True
    return False


def _entry(field: attrs.Attribute[Any]) -> Schema:
    schema = {**_type(field.type), **_bounds(field)}
    help = field.metadata.get("help", "")
    if not help or help.startswith("["):
        help = schema.get("description") or _item(schema).get("description") or ""
    default = default_of(field)
    if default not in (attrs.NOTHING, None):
        schema["default"] = unstructure(default)
    return {"description": help or f"[{key_of(field)}]", **_without(schema, "description")}


def _item(schema: Schema) -> Schema:
    inner = schema.get("items") or schema.get("additionalProperties")
    return inner if isinstance(inner, dict) else {}


def _type(cls: Any) -> Schema:
    if cls in PLAIN:
        return dict(PLAIN[cls])
    if get_origin(cls) is Literal:
        choices = list(get_args(cls))
        return {"type": _name_of(choices[0]), "enum": choices}
    if isinstance(cls, type) and issubclass(cls, Enum):
        return {"type": "string", "enum": [member.value for member in cls]}
    if get_origin(cls) is tuple:
        return _array(get_args(cls))
    if get_origin(cls) in (dict, Mapping):
        return {"type": "object", "additionalProperties": _type(get_args(cls)[1]) or True}
    if get_origin(cls) in (Union, UnionType):
        return _union([_type(one) for one in get_args(cls) if one is not NoneType])
    return _table(cls) if attrs.has(cls) else {}


def _array(items: tuple[Any, ...]) -> Schema:
    if Ellipsis in items:
        return {"type": "array", "items": _type(items[0])}
    each = [_type(one) for one in items]
    return {"type": "array", "items": each, "minItems": len(each), "maxItems": len(each)}


def _union(options: list[Schema]) -> Schema:
    """Join alternatives: by their types where these differ, as that gives the plainest message."""
    types = [option.get("type") for option in options]
    if None in types or len(set(types)) < len(types):
        return {"anyOf": options} if len(options) > 1 else options[0]
    joined = {key: value for option in options for key, value in option.items()}
    return {**joined, "type": types if len(types) > 1 else types[0]}


def _bounds(field: attrs.Attribute[Any]) -> Schema:
    """Read bounds off a field's validators, which are their declaration."""
    found: Schema = {}
    array = get_origin(field.type) is tuple
    table = get_origin(field.type) in (dict, Mapping)
    validators: tuple[Any, ...] = getattr(field.validator, "_validators", (field.validator,))
    for one in validators:
        operator = getattr(one, "compare_op", None)
        if operator in (">=", "<="):
            found["minimum" if operator == ">=" else "maximum"] = one.bound
        if least := getattr(one, "min_length", None):
            found["minItems" if array else "minProperties" if table else "minLength"] = least
        if options := getattr(one, "options", None):
            found["enum"] = list(options)
        if pattern := _pattern(one):
            found["pattern"] = f"^(?:{pattern})$"
    return found


def _pattern(validator: Any) -> str:
    """Give the pattern that `matching` was called with."""
    if not inspect.isfunction(validator):
        return ""
    pattern = inspect.getclosurevars(validator).nonlocals.get("pattern", "")
    # A quotation mark that is escaped for no reason is an error in JavaScript's expressions.
    return str(pattern).replace('\\"', '"')


def _domain() -> Schema:
    kinds = {name: _table(cls) for name, cls in KINDS.items()}
    told = " ".join(f"{name}: {schema['description']}" for name, schema in kinds.items())
    kind = {"description": f"the kind of domain. {told}", "type": "string", "enum": list(KINDS)}
    return _by_key("A set of values.", {"kind": kind}, "kind", kinds)


def _rule(rules: Mapping[str, Rule[Any]]) -> Schema:
    told = "; ".join(f"{name}: {rule.summary}" for name, rule in rules.items())
    head: Schema = {key: {"description": help, "type": "string"} for key, help in HEAD.items()}
    head["op"] = {**head["op"], "description": f"{HEAD['op']}. {told}", "enum": list(rules)}
    bodies = {}
    for name, rule in rules.items():
        body = _table(rule.params)
        bodies[name] = {
            **body,
            "description": rule.summary,
            "properties": {**head, **body["properties"]},
            "required": [*HEAD, *body.get("required", ())],
        }
    return _by_key("A grouping rule: how raw columns become variables.", head, "op", bodies)


def _by_key(about: str, head: Schema, key: str, bodies: Mapping[str, Schema]) -> Schema:
    """Give the schema of a table whose other keys depend on the text at one key."""
    return {
        "type": "object",
        "description": about,
        "properties": dict(head),
        "required": list(head),
        "additionalProperties": True,
        "allOf": [
            {
                "if": {
                    "properties": {key: {"enum": [name]}},
                    "required": [key],
                    "additionalProperties": True,
                },
                "then": body,
            }
            for name, body in bodies.items()
        ],
    }


def _template() -> Schema:
    entry = _table(Variable)
    keys = _without(entry["properties"], "use")
    return {
        "type": "object",
        "description": "Entries that several variables share by `use`; any key of a variable.",
        "properties": keys,
        "additionalProperties": False,
    }


def _without(schema: Schema, key: str) -> Schema:
    return {name: value for name, value in schema.items() if name != key}


def _name_of(value: object) -> str:
    return {bool: "boolean", int: "integer"}.get(type(value), "string")


def _sentence(cls: type) -> str:
    """Give the first sentence or so of a class's docstring."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].split())
