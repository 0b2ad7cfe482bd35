"""Take a Frictionless Data Package, of version 1 or 2, for the draft of a codebook.

A field with listed values, or a whole number between two bounds, becomes a variable. Any other
field becomes an input: it is read and never released until somebody gives it a domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from attrs import field, frozen

from ctdc_framework.codebook.domains import MOST_VALUES
from ctdc_framework.codebook.model import Reason, Role
from ctdc_framework.errors import CtdcError
from ctdc_framework.exchange import drafts, words
from ctdc_framework.exchange.drafts import Draft, Entries

ROLES = frozenset(role.value for role in Role)
TRUE = ("true", "True", "TRUE", "1")
FALSE = ("false", "False", "FALSE", "0")


def import_package(package: Mapping[str, Any], id: str) -> str:
    """Write the draft of a codebook named `id` from the first table that a package describes.

    Raises `CtdcError` where it describes none.
    """
    schema = _schema(package)
    key = schema.get("primaryKey", [])
    reading = _Reading(keys=[key] if isinstance(key, str) else list(key))
    fields = [one for one in schema["fields"] if isinstance(one, Mapping)]
    reading.missing_codes(schema.get("missingValues", [""]))
    for one in fields:
        reading.field(one)
    languages = package.get("languages")
    return drafts.write(
        Draft(
            id=id,
            source="a Frictionless data package",
            title=drafts.prose(package.get("title") or package.get("name")),
            version=str(package.get("version") or ""),
            lang=str(languages[0]) if isinstance(languages, list) and languages else "",
            description=drafts.prose(package.get("description")),
            domains=reading.domains,
            variables=reading.variables,
            inputs=reading.inputs,
            missing=list(reading.missing.values()),
            rules=reading.rules,
            stated=reading.stated,
            remarks=reading.remarks,
        )
    )


def _schema(package: Mapping[str, Any]) -> Mapping[str, Any]:
    resources = package.get("resources")
    for one in resources if isinstance(resources, list) else ():
        schema = one.get("schema") if isinstance(one, Mapping) else None
        if isinstance(schema, Mapping) and isinstance(schema.get("fields"), list):
            return schema
        if isinstance(schema, str):
            help = "put the schema itself into datapackage.json, under `schema`"
            raise CtdcError("the package's schema is in a file of its own", help=help)
    help = "give a datapackage.json whose resource has a `schema` with `fields`"
    raise CtdcError("the package describes no table", help=help)


@frozen(kw_only=True, eq=False)
class _Reading:
    """What was taken over so far."""

    keys: Sequence[str]
    domains: dict[str, Entries] = field(factory=dict)
    variables: dict[str, Entries] = field(factory=dict)
    inputs: dict[str, Entries] = field(factory=dict)
    missing: dict[str, Entries] = field(factory=dict)
    rules: list[Entries] = field(factory=list)
    stated: list[str] = field(factory=list)
    remarks: list[str] = field(factory=list)

    def missing_codes(self, values: object) -> None:
        for one in values if isinstance(values, list) else ():
            told: Mapping[str, Any] = one if isinstance(one, Mapping) else {"value": one}
            code = str(told.get("value", ""))
            if code == "" and set(told) <= {"value"}:
                continue  # an empty cell is missing in any case
            reason = told.get("ctdc:reason")
            label = str(told.get("label") or "").removesuffix(f": {code}")
            self.missing[code] = {
                "code": code,
                "reason": reason if reason in get_args(Reason) else "unknown",
                **({"label": drafts.prose(label)} if label else {}),
            }

    def field(self, told: Mapping[str, Any]) -> None:
        name = str(told.get("name") or "")
        if not drafts.fits_as_name(name, [*self.variables, *self.inputs]):
            self.remarks.append(f"Left out: column `{name}`, whose name no variable can have.")
            return
        limits = told.get("constraints")
        limits = limits if isinstance(limits, Mapping) else {}
        definition = drafts.prose(told.get("description") or told.get("title"))
        definition = words.without_reading(definition)
        caveat = drafts.prose(told.get("ctdc:caveat"))
        definition = definition.removesuffix(caveat).rstrip() if caveat else definition
        if name in self.keys or limits.get("unique") is True:
            self.inputs[name] = {"role": "identifier", "definition": definition}
            return
        separator = str(told.get("delimiter", ",")) if told.get("type") == "list" else ""
        domain = self.domain(name, told, limits, separator)
        if not domain:
            self.open(name, told, definition)
            return
        role = told.get("ctdc:role")
        stated = isinstance(role, list) and role and ROLES.issuperset(map(str, role))
        if stated:
            self.stated.append(name)
        self.variables[name] = {
            "domain": domain,
            "role": role if stated else [],
            **({"list": separator} if separator else {}),
            **({"nullable": False} if limits.get("required") is True else {}),
            "definition": definition or drafts.UNWRITTEN,
            "caveat": caveat,
        }

    def open(self, name: str, told: Mapping[str, Any], definition: str) -> None:
        number = told.get("type") == "integer"
        self.inputs[name] = {
            "domain": "std/integer" if number else "std/text",
            "definition": definition,
        }
        self.remarks.append(
            f"`{name}` has no list of values, so it is an input: read and never released."
        )

    def domain(
        self, name: str, told: Mapping[str, Any], limits: Mapping[str, Any], separator: str
    ) -> str:
        """Name the domain of a field, which is declared now; empty where there can be none."""
        if len(separator) > 1 or re.search(r"[\w\"'\t\r\n]", separator):
            return ""
        kept = told.get("ctdc:domain")
        if isinstance(kept, Mapping):
            given = {key: value for key, value in kept.items() if key != "name"}
            if drafts.is_domain(given, self.missing, separator):
                return self.declare(str(kept.get("name") or name), given)
        if told.get("type") in ("integer", "year"):
            bounded = drafts.range_of(*_ends(limits))
            if bounded:
                return self.declare(name, bounded)
        if told.get("type") == "boolean":
            return self.truth(name, told)
        values = list(self.values(name, told, limits, separator))
        if [value["code"] for value in values] == ["1"]:
            return "std/flag"
        if not 0 < len(values) <= MOST_VALUES:
            return ""
        ordered = told.get("categoriesOrdered") is True
        return self.declare(name, drafts.enum(values, ordered=ordered))

    def declare(self, wish: str, entries: Entries) -> str:
        name = drafts.domain_name(wish, self.domains, entries)
        self.domains[name] = entries
        return name

    def truth(self, name: str, told: Mapping[str, Any]) -> str:
        """Declare a domain for truth values, and map their spellings to one of each."""
        lists = [self.spellings(told.get("falseValues", FALSE))]
        lists.append(self.spellings(told.get("trueValues", TRUE), besides=lists[0]))
        if not all(lists):
            return ""
        recode = {old: codes[0] for codes in lists for old in codes[1:]}
        if recode:
            self.rules.append(
                {
                    "id": f"spelling-of-{name}",
                    "op": "recode",
                    "on": [name],
                    "map": recode,
                    "because": "The data package allows several spellings.",
                }
            )
        values: list[Entries] = [{"code": codes[0]} for codes in lists]
        return self.declare(name, drafts.enum(values, ordered=False))

    def spellings(self, told: object, besides: Sequence[str] = ()) -> list[str]:
        """Give the texts for one truth value that can be codes and are nothing else already."""
        listed = dict.fromkeys(map(str, told if isinstance(told, list | tuple) else ()))
        taken = {*self.missing, *besides}
        return [one for one in listed if drafts.fits_as_code(one) and one not in taken]

    def values(
        self, name: str, told: Mapping[str, Any], limits: Mapping[str, Any], separator: str
    ) -> Iterator[Entries]:
        """Give the listed values that can be a domain's; say which cannot."""
        listed = told.get("categories", limits.get("enum"))
        seen: set[str] = set()
        for one in listed if isinstance(listed, list) else ():
            value: Mapping[str, Any] = one if isinstance(one, Mapping) else {"value": one}
            code = _text(value.get("value"))
            if code in seen:
                continue
            seen.add(code)
            if code in self.missing or not drafts.fits_as_code(code, separator):
                self.remarks.append(f"Left out: value `{code}` of `{name}`, which no code can be.")
                continue
            yield {"code": code, "label": drafts.prose(value.get("label"))}


def _ends(limits: Mapping[str, Any]) -> tuple[object, object]:
    """Give the lowest and the highest whole number that constraints allow, None where open."""
    low, high = _whole(limits.get("minimum")), _whole(limits.get("maximum"))
    above, below = _whole(limits.get("exclusiveMinimum")), _whole(limits.get("exclusiveMaximum"))
    return (
        above + 1 if low is None and above is not None else low,
        below - 1 if high is None and below is not None else high,
    )


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    text = str(value)
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
