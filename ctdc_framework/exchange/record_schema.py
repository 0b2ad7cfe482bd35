"""The JSON Schema of one released record, for programs that take records as JSON.

A record is an object with every variable, as the release's files hold it: a text that is a code,
or null where the value is missing.
"""

from __future__ import annotations

from typing import Any

from ctdc_framework.codebook.model import Codebook, Variable
from ctdc_framework.exchange import words

Schema = dict[str, Any]

MANY = 40
"""Values whose labels a description still lists."""


def export(codebook: Codebook) -> Schema:
    """Give the schema of a record, which allows no other keys."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": codebook.header.title,
        "description": words.plain(codebook, codebook.header.description),
        "$comment": f"{codebook.id} {codebook.header.version}",
        "type": "object",
        "properties": {name: _value(codebook, one) for name, one in codebook.variables.items()},
        "required": list(codebook.variables),
        "additionalProperties": False,
    }


def _value(codebook: Codebook, variable: Variable) -> Schema:
    domain = codebook.domain_of(variable.name)
    found: Schema = {
        "title": words.title(codebook, variable, 120),
        "description": words.meaning(codebook, variable),
        "type": ["string", "null"],
    }
    labels = words.labels(domain.values)
    if 0 < len(labels) <= MANY:
        told = "; ".join(f"{code}: {label}" for code, label in labels.items())
        found["description"] += f" ({told})"
    if variable.list:
        one = "|".join(map(words.literally, domain.codes))
        found["pattern"] = f"^(?:{one})(?:{words.literally(variable.list)}(?:{one}))*$"
    else:
        found["enum"] = [*domain.codes, None]
    return found
