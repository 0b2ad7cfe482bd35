"""Frictionless Data Packages, version 2: what a release's `datapackage.json` says, and back.

Categories carry codes and labels, `missingValues` the texts for missing. What the standard has no
word for stands beside it under names of our own (`ctdc:domain`, `ctdc:role`, ...), as the
standard provides; other programs pass over them, and reading back is exact by them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from ctdc_framework.codebook.domains import STANDARD, FlagDomain, RangeDomain, Value
from ctdc_framework.codebook.model import COUNT, Codebook, MissingCode, Variable
from ctdc_framework.exchange import words
from ctdc_framework.exchange.frictionless_import import import_package as import_package
from ctdc_framework.toml.convert import unstructure

Descriptor = dict[str, Any]

PROFILES = "https://datapackage.org/profiles/2.0/"

NOT_PART = "Blank: the variable is not part of the combination."
MANY_ROWS = "Each row is a combination of values and how many records hold it."
LAID_OUT = (
    "A declared table laid out wide, with totals: each cell is of the values at the left and of "
    "those above. An empty cell is not shown."
)

FORMATS: Mapping[str, Descriptor] = {
    ".csv": {"format": "csv", "mediatype": "text/csv", "encoding": "utf-8"},
    ".tsv": {"format": "tsv", "mediatype": "text/tab-separated-values", "encoding": "utf-8"},
    ".parquet": {"format": "parquet", "mediatype": "application/vnd.apache.parquet"},
}


@frozen(kw_only=True)
class DataFile:
    """A file of a release; `columns` are all variables where none are named."""

    path: str
    """From the folder in which `datapackage.json` lies, parted by `/`."""
    sha256: str = ""
    bytes: int | None = None
    columns: tuple[str, ...] = ()
    """Variables in the order of the file; last `count`, if its rows are combinations."""
    wide: tuple[str, ...] = ()
    """The heading of a declared table laid out wide: variables, then the cells beside them."""


def export(
    codebook: Codebook,
    files: Iterable[DataFile] = (DataFile(path="data.csv"),),
    *,
    blanked: Collection[str] = (),
    generalised: Collection[str] = (),
) -> Descriptor:
    """Describe the files of a release by its codebook.

    `blanked` names the variables that a strategy may have blanked: they may be missing here,
    whether or not they were in the records. `generalised` names those that may hold values of
    their hierarchy too.
    """
    changed = _Changed(frozenset(blanked), frozenset(generalised))
    header = codebook.header
    package: Descriptor = {
        "$schema": f"{PROFILES}datapackage.json",
        "name": header.id,
        "title": header.title,
        "version": header.version,
        "description": words.plain(codebook, header.description),
        "languages": [header.lang],
        "contributors": [
            {
                "title": one.name or one.label,
                **({"path": one.url} if re.match("https?://", one.url) else {}),
                "roles": ["dataSource"],
            }
            for one in codebook.contributors.values()
        ],
        "resources": [_resource(codebook, file, changed) for file in files],
    }
    return {key: value for key, value in package.items() if value}


@frozen
class _Changed:
    """What was done to the variables of a release."""

    blanked: frozenset[str]
    generalised: frozenset[str]


def _wide(codebook: Codebook, heading: Sequence[str]) -> Descriptor:
    """Describe a table laid out wide: what is down the side is text, as it may say `total`."""
    fields: list[Descriptor] = []
    for name in heading:
        if name in codebook.variables:
            title = words.title(codebook, codebook.variables[name], 120)
            fields.append({"name": name, "type": "string", "title": title})
        else:
            fields.append({"name": name, "type": "integer", "constraints": {"minimum": 0}})
    return {
        "$schema": f"{PROFILES}tableschema.json",
        "fields": fields,
        "missingValues": [""],
    }


def _resource(codebook: Codebook, file: DataFile, changed: _Changed) -> Descriptor:
    suffix = re.sub(r".*(?=\.[^./]*$)", "", file.path.removesuffix(".gz")).lower()
    columns = file.columns or tuple(codebook.variables)
    counted = columns[-1] == COUNT
    resource: Descriptor = {
        "name": re.sub("[^a-z0-9._-]+", "-", file.path.lower()),
        "path": file.path,
        "type": "table",
        "description": MANY_ROWS if counted else "",
        **FORMATS.get(suffix, {}),
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}" if file.sha256 else "",
        "dialect": _dialect(suffix),
        "schema": {
            "$schema": f"{PROFILES}tableschema.json",
            "fields": [
                _field(codebook, codebook.variables[name], changed, counted, suffix)
                for name in columns
                if name != COUNT
            ],
            "missingValues": _missing(codebook),
        },
    }
    if file.wide:
        resource |= {"schema": _wide(codebook, file.wide), "description": LAID_OUT}
    elif counted:
        resource["schema"]["fields"].append(
            {
                "name": COUNT,
                "type": "integer",
                "description": "How many records hold the combination.",
                "constraints": {"required": True, "minimum": 0},
            }
        )
    return {key: value for key, value in resource.items() if value not in ("", None, {})}


def _dialect(suffix: str) -> Descriptor:
    delimiter = {".csv": ",", ".tsv": "\t"}.get(suffix)
    if delimiter is None:
        return {}
    return {
        "$schema": f"{PROFILES}tabledialect.json",
        "header": True,
        "delimiter": delimiter,
        "lineTerminator": "\n",
    }


def _field(
    codebook: Codebook, variable: Variable, changed: _Changed, counted: bool, suffix: str
) -> Descriptor:
    domain = codebook.domain_of(variable.name)
    blanked = variable.name in changed.blanked and not counted
    told = [words.meaning(codebook, variable), NOT_PART if counted else ""]
    told.append(words.BLANKED if blanked else "")
    coarser = _coarser(codebook, variable) if variable.name in changed.generalised else ()
    told.append(words.COARSER if coarser else "")
    known = not (variable.nullable or blanked or counted)
    found: Descriptor = {
        "name": variable.name,
        "type": "string",
        "title": words.title(codebook, variable, 120),
        "description": " ".join(part for part in told if part),
        "constraints": {"required": True} if known else {},
    }
    # Parquet holds texts in every column.
    numbers = isinstance(domain, RangeDomain | FlagDomain) and suffix != ".parquet" and not coarser
    if variable.list:
        found |= {"type": "list", "delimiter": variable.list, "itemType": "string"}
    elif isinstance(domain, RangeDomain) and numbers:
        found["type"] = "integer"
        found["constraints"] |= {"minimum": domain.min, "maximum": domain.max}
    else:
        found |= {"type": "integer"} if numbers else {}
        found["categories"] = _categories((*domain.values, *coarser), numbers)
        # Programs of version 1 pass over categories.
        found["constraints"]["enum"] = [one["value"] for one in found["categories"]]
        found["categoriesOrdered"] = domain.ordered and not coarser
    if domain not in STANDARD.values():
        found["ctdc:domain"] = {"name": variable.domain, **_kept(unstructure(domain))}
    if coarser:
        covers = codebook.release_domains[variable.name]
        found["ctdc:generalised"] = [
            {"value": one.code, "standsFor": [c for c in domain.codes if c in covers[one.code]]}
            for one in coarser
        ]
    if variable.caveat:
        found["ctdc:caveat"] = words.plain(codebook, variable.caveat)
    found["ctdc:role"] = [role.value for role in variable.role]
    return {key: value for key, value in found.items() if value not in ("", {})}


def _coarser(codebook: Codebook, variable: Variable) -> tuple[Value, ...]:
    """Give the values that a variable's hierarchy has beyond those of its domain."""
    hierarchy = codebook.hierarchies.get(variable.hierarchy)
    if hierarchy is None:
        return ()
    groups = {group.code: group for level in hierarchy.levels for group in level.groups}
    return tuple(Value(code=code, label=groups[code].label) for code in hierarchy.codes)


def _categories(values: tuple[Value, ...], numbers: bool) -> list[Descriptor]:
    labels = words.labels(values)
    return [
        {
            "value": int(one.code) if numbers else one.code,
            **({"label": labels[one.code]} if one.code in labels else {}),
        }
        for one in values
    ]


def _kept(value: Any) -> Any:
    """Leave out of a domain's entries what is empty, and so is the default."""
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if one is not False and one not in ("", [])}
        return {key: _kept(one) for key, one in kept.items()}
    return value


def _missing(codebook: Codebook) -> list[Descriptor]:
    """Give the texts for missing, an empty cell first; labels that two share name the text too."""
    codes = {"": MissingCode(code="", reason="unknown"), **_by_code(codebook)}
    labels = [one.label for one in codes.values()]
    return [
        {
            "value": one.code,
            **({"label": _label(one, labels.count(one.label))} if one.label else {}),
            **({"ctdc:reason": one.reason} if one.code in _by_code(codebook) else {}),
        }
        for one in codes.values()
    ]


def _by_code(codebook: Codebook) -> dict[str, MissingCode]:
    return {one.code: one for one in codebook.missing.codes}


def _label(one: MissingCode, sharing: int) -> str:
    return one.label if sharing == 1 else f"{one.label}: {one.code}"
