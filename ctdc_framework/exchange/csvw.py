"""CSV on the Web (W3C 2015): the metadata that says how a release's CSV is read.

The standard has no list of values. A column's pattern takes its codes and nothing else, and the
codes with their labels hang on the column as a SKOS scheme, by RDF's vocabulary for data cubes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ctdc_framework.codebook.domains import Domain, RangeDomain
from ctdc_framework.codebook.model import Codebook, Variable
from ctdc_framework.exchange import words

Metadata = dict[str, Any]


def export(codebook: Codebook, url: str) -> Metadata:
    """Describe a release's table of records at `url`, which may be relative to the metadata."""
    header = codebook.header
    found: Metadata = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": header.lang}],
        "@type": "Table",
        "url": url,
        "dc:identifier": header.id,
        "dc:title": header.title,
        "dc:description": words.plain(codebook, header.description),
        "dc:issued": header.released,
        "schema:version": header.version,
        "dialect": {
            "encoding": "utf-8",
            "delimiter": ",",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
            "headerRowCount": 1,
            "lineTerminators": ["\n"],
        },
        "tableSchema": {"columns": [_column(codebook, one) for one in codebook.variables.values()]},
    }
    return {key: value for key, value in found.items() if value}


def _column(codebook: Codebook, variable: Variable) -> Metadata:
    domain = codebook.domain_of(variable.name)
    column: Metadata = {
        "name": name_of(variable.name),
        "titles": variable.name,
        "dc:description": words.meaning(codebook, variable),
        "datatype": _datatype(domain),
        "null": [""],
        "required": not variable.nullable,
    }
    if variable.list:
        column |= {"separator": variable.list, "ordered": False}
    if not isinstance(domain, RangeDomain):
        column["qb:codeList"] = _scheme(codebook, domain)
    return column


def name_of(column: str) -> str:
    """Give a column's name as a variable of URI templates: letters, digits, `_`, others escaped.

    >>> name_of("ageBroad"), name_of("_a b")
    ('ageBroad', '%5Fa%20b')
    """
    found = quote(column, safe="").replace("-", "%2D").replace(".", "%2E").replace("~", "%7E")
    return f"%5F{found[1:]}" if found.startswith("_") else found


def _datatype(domain: Domain) -> Metadata:
    if isinstance(domain, RangeDomain):
        return {"base": "integer", "minimum": domain.min, "maximum": domain.max}
    return {"base": "string", "format": "|".join(map(words.literally, domain.codes))}


def _scheme(codebook: Codebook, domain: Domain) -> Metadata:
    labels = words.labels(domain.values)
    return {
        "@type": "skos:ConceptScheme",
        "skos:hasTopConcept": [
            {
                "@type": "skos:Concept",
                "skos:notation": value.code,
                "skos:prefLabel": labels.get(value.code, value.code),
                **(
                    {"skos:definition": words.plain(codebook, value.definition)}
                    if value.definition
                    else {}
                ),
            }
            for value in domain.values
        ],
    }
