"""REDCap's data dictionary: the CSV from which REDCap builds a form for entering records.

REDCap takes small letters in names and plain codes in choices. Where a codebook's are others, the
field's annotation keeps them (`ctdc: {...}`), so that reading the dictionary back gives the
codebook's own.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ctdc_framework.codebook.domains import Domain, FlagDomain, IntegerDomain, RangeDomain
from ctdc_framework.codebook.model import Codebook, Input, Variable
from ctdc_framework.errors import CtdcError, one_of
from ctdc_framework.exchange import words
from ctdc_framework.exchange.redcap_import import COLUMNS, MARK
from ctdc_framework.exchange.redcap_import import import_dictionary as import_dictionary

RECORD = "record_id"
"""REDCap's first field names the record."""

FEW = 12
"""Choices that are shown beside each other; more go into a list to drop down."""

LONGEST = 100
"""Characters of a field's name."""

Row = dict[str, str]


def export(codebook: Codebook) -> str:
    """Write a dictionary with a field for every variable and, after them, every input.

    Raises `CtdcError` with all names that REDCap could not tell apart, or that are too long.
    """
    entries = list(codebook.entries())
    _check([name for name, _ in entries])
    form = field_name(codebook.id)
    rows: list[Row] = []
    if not any(field_name(name) == RECORD for name, _ in entries):
        rows.append({"name": RECORD, "form": form, "type": "text", "label": "Record ID"})
    section = ""
    for name, entry in entries:
        row = {"name": field_name(name), "form": form, **_field(codebook, name, entry)}
        heading = entry.section if isinstance(entry, Variable) else "Read, and never released"
        row["section"] = words.plain(codebook, heading) if heading != section else ""
        section = heading
        rows.append(row)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS.values())
    writer.writerows([row.get(key, "") for key in COLUMNS] for row in rows)
    return text.getvalue()


def field_name(name: str) -> str:
    """Give the name of a field: small letters, digits and `_`, the first a letter.

    >>> field_name("ageBroad"), field_name("2nd-visit")
    ('agebroad', 'v_2nd_visit')
    """
    plain = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if re.match("[a-z]", plain) else f"v_{plain}"


def _check(names: Sequence[str]) -> None:
    used = Counter(field_name(name) for name in names)
    alike = [f"`{name}`" for name in names if used[field_name(name)] > 1]
    long = [f"`{name}`" for name in names if len(field_name(name)) > LONGEST]
    if alike or long:
        told = [f"cannot tell {one_of(alike, most=len(alike))} apart"] if alike else []
        told += [f"takes no name as long as {one_of(long, most=len(long))}"] if long else []
        help = f"it knows small letters, digits and _, at most {LONGEST}: rename them"
        raise CtdcError(f"REDCap {' and '.join(told)}", help=help)


def _field(codebook: Codebook, name: str, entry: Variable | Input) -> Row:
    domain = codebook.domain_of(name)
    kept: dict[str, Any] = {} if name == field_name(name) else {"name": name}
    row: Row = {"label": words.plain(codebook, entry.definition) or name}
    if isinstance(entry, Variable):
        told = [words.plain(codebook, entry.caveat), words.reading(codebook, entry)]
        row["note"] = " ".join(part for part in told if part)
    else:
        kept["input"] = True
        row["identifier"] = "y" if entry.role == "identifier" else ""
    if isinstance(domain, IntegerDomain | RangeDomain) and not entry.list:
        row |= {"type": "text", "validation": "integer"}
        if isinstance(domain, RangeDomain):
            row |= {"min": str(domain.min), "max": str(domain.max)}
    elif domain.codes:
        row |= {"type": _type(domain, entry.list), "choices": _choices(domain, kept)}
        kept |= {"list": entry.list} if entry.list else {}
        kept |= {"domain": entry.domain}
    else:
        row["type"] = "text"
    if kept:
        row["annotation"] = f"{MARK}{json.dumps(kept, ensure_ascii=False)}"
    return row


def _type(domain: Domain, several: str) -> str:
    if several:
        return "checkbox"
    return "radio" if len(domain.codes) <= FEW else "dropdown"


def _choices(domain: Domain, kept: dict[str, Any]) -> str:
    """List choices as `code, label`; where REDCap takes not all of the codes they are numbered."""
    labels = words.labels(domain.values)
    codes = list(domain.codes)
    if not all(re.fullmatch("[A-Za-z0-9._-]+", code) for code in codes):
        kept["codes"] = {str(number): code for number, code in enumerate(codes, 1)}
        codes = list(kept["codes"])
    if domain.ordered:
        kept["ordered"] = True
    shown = [labels.get(code, code) for code in domain.codes]
    if isinstance(domain, FlagDomain):
        shown = ["Yes"]
    pairs = zip(codes, map(_choice, shown), strict=True)
    return " | ".join(f"{code}, {label}" for code, label in pairs)


def _choice(label: str) -> str:
    return " ".join(label.replace("|", "/").split())
