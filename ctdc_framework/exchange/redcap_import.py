"""Take a REDCap data dictionary for the draft of a codebook.

What a person chooses from a list becomes a variable. What is typed becomes an input, which is read
and never released, unless it is a whole number between two bounds. Where REDCap shows a field only
under a condition, the variable's caveat keeps the condition: missing may mean *not asked* there.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from ctdc_framework.errors import CtdcError
from ctdc_framework.exchange import drafts, words
from ctdc_framework.exchange.drafts import Draft, Entries

COLUMNS: Mapping[str, str] = {
    "name": "Variable / Field Name",
    "form": "Form Name",
    "section": "Section Header",
    "type": "Field Type",
    "label": "Field Label",
    "choices": "Choices, Calculations, OR Slider Labels",
    "note": "Field Note",
    "validation": "Text Validation Type OR Show Slider Number",
    "min": "Text Validation Min",
    "max": "Text Validation Max",
    "identifier": "Identifier?",
    "branching": "Branching Logic (Show field only if...)",
    "required": "Required Field?",
    "alignment": "Custom Alignment",
    "number": "Question Number (surveys only)",
    "matrix": "Matrix Group Name",
    "ranking": "Matrix Ranking?",
    "annotation": "Field Annotation",
}
"""The columns of a dictionary, in order, by what they are called here."""

API: Mapping[str, str] = {
    "name": "field_name",
    "form": "form_name",
    "section": "section_header",
    "type": "field_type",
    "label": "field_label",
    "choices": "select_choices_or_calculations",
    "note": "field_note",
    "validation": "text_validation_type_or_show_slider_number",
    "min": "text_validation_min",
    "max": "text_validation_max",
    "identifier": "identifier",
    "branching": "branching_logic",
    "annotation": "field_annotation",
}
"""The same columns as REDCap's programming interface calls them."""

MARK = "ctdc: "
"""Begins the line of a field's annotation that keeps what REDCap has no place for."""

TRUTHS: Mapping[str, str] = {"yesno": "0, No | 1, Yes", "truefalse": "0, False | 1, True"}
TICKED = drafts.enum(
    [{"code": "0", "label": "Not ticked"}, {"code": "1", "label": "Ticked"}], ordered=False
)
NO_DATA = ("descriptive", "file", "signature")

ASKED = "Asked only if {} (REDCap's branching logic): missing may mean not asked."

Row = Mapping[str, str]


def import_dictionary(csv_text: str, id: str) -> str:
    """Write the draft of a codebook named `id` from a dictionary's CSV.

    Raises `CtdcError` for a file that is no data dictionary.
    """
    reading = _Reading()
    rows = list(_rows(csv_text))
    section, forms = ("", ""), dict.fromkeys(row["form"] for row in rows)
    for number, row in enumerate(rows):
        heading = row["section"] or (section[1] if row["form"] == section[0] else "")
        section = (row["form"], heading)
        reading.field({**row, "section": heading}, first=number == 0)
    for form in forms:
        reading.complete(f"{form}_complete")
    reading.missing_codes()
    return drafts.write(
        Draft(
            id=id,
            source="a REDCap data dictionary",
            domains=reading.domains,
            variables=reading.variables,
            inputs=reading.inputs,
            missing=list(reading.missing.values()),
            remarks=reading.remarks,
        )
    )


def _rows(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        names = API if API["name"] in header else COLUMNS
        for key in ("name", "type"):
            if names[key] not in header:
                help = "download it in REDCap under Data Dictionary"
                message = f"this is no REDCap data dictionary: it has no column `{names[key]}`"
                raise CtdcError(message, help=help)
        places = {key: header.index(name) for key, name in names.items() if name in header}
        for cells in reader:
            row = {key: cells[at].strip() for key, at in places.items() if at < len(cells)}
            if row.get("name"):
                yield {**dict.fromkeys(COLUMNS, ""), **row}
    except csv.Error:
        help = "save it as CSV with commas"
        raise CtdcError("the data dictionary cannot be read as CSV", help=help) from None


@frozen(kw_only=True, eq=False)
class _Reading:
    """What was taken over so far."""

    domains: dict[str, Entries] = field(factory=dict)
    variables: dict[str, Entries] = field(factory=dict)
    inputs: dict[str, Entries] = field(factory=dict)
    missing: dict[str, Entries] = field(factory=dict)
    remarks: list[str] = field(factory=list)

    def field(self, row: Row, *, first: bool) -> None:
        kept = _kept(row["annotation"])
        name = str(kept.get("name") or row["name"])
        if row["type"] in NO_DATA:
            self.remarks.append(f"Left out: `{name}`, which is a {row['type']} and holds no value.")
        elif first or row["identifier"].lower() == "y":
            self.add(self.inputs, name, {"role": "identifier", "definition": _words(row["label"])})
        elif row["type"] == "checkbox" and "list" not in kept:
            self.checkbox(name, row)
        elif domain := self.domain(name, row, kept):
            self.chosen(name, row, kept, domain)
        else:
            whole = row["validation"] == "integer"
            entries = {
                "domain": "std/integer" if whole else "std/text",
                "definition": _words(row["label"]),
            }
            self.add(self.inputs, name, entries)
            if not kept.get("input"):
                told = "has no list of values, so it is an input: read and never released."
                self.remarks.append(f"`{name}` {told}")

    def add(self, table: dict[str, Entries], name: str, entries: Entries) -> None:
        if drafts.fits_as_name(name, [*self.variables, *self.inputs]):
            table[name] = entries
        else:
            self.remarks.append(f"Left out: field `{name}`, whose name no variable can have.")

    def complete(self, name: str) -> None:
        """Name the column that REDCap itself adds for each form."""
        if name != "_complete" and drafts.fits_as_name(name, [*self.variables, *self.inputs]):
            definition = "REDCap's own: whether the form is complete."
            self.inputs[name] = {"domain": "std/text", "definition": definition}

    def chosen(self, name: str, row: Row, kept: Mapping[str, Any], domain: str) -> None:
        several = {"list": str(kept["list"])} if kept.get("list") else {}
        definition = _words(row["label"])
        if kept.get("input"):
            self.add(self.inputs, name, {"domain": domain, **several, "definition": definition})
            return
        caveats = [words.without_reading(_words(row["note"]))]
        if row["branching"]:
            caveats.append(ASKED.format(drafts.prose(row["branching"])))
        entries = {
            "domain": domain,
            "role": [],
            **several,
            "section": _words(row["section"]),
            "definition": definition or drafts.UNWRITTEN,
            "caveat": " ".join(caveat for caveat in caveats if caveat),
        }
        self.add(self.variables, name, entries)

    def checkbox(self, name: str, row: Row) -> None:
        """Take a box for a variable of its own, as REDCap's data files have a column for each."""
        for code, label in _choices(row["choices"]):
            told = f"{row['label']}: {label}" if row["label"] else label
            one = {**row, "label": told}
            column = f"{name}___{re.sub('[^a-z0-9_]', '_', code.lower())}"
            self.chosen(column, one, {}, self.declare("ticked", TICKED))

    def domain(self, name: str, row: Row, kept: Mapping[str, Any]) -> str:
        """Name the domain of a field, which is declared now; empty where there can be none."""
        ends = (row["min"], row["max"])
        if row["type"] == "slider":
            ends = (row["min"] or "0", row["max"] or "100")
        if row["type"] == "slider" or (row["type"], row["validation"]) == ("text", "integer"):
            bounded = drafts.range_of(*map(_whole, ends))
            return self.declare(name, bounded) if bounded else ""
        listed = TRUTHS.get(row["type"], row["choices"])
        if row["type"] not in (*TRUTHS, "radio", "dropdown", "checkbox"):
            return ""
        codes = kept.get("codes")
        values = list(self.values(name, listed, codes if isinstance(codes, dict) else {}))
        if [value["code"] for value in values] == ["1"] and kept.get("domain") == "std/flag":
            return "std/flag"
        wish = str(kept.get("domain") or name)
        entries = drafts.enum(values, ordered=kept.get("ordered") is True)
        return self.declare(wish, entries) if values else ""

    def declare(self, wish: str, entries: Entries) -> str:
        name = drafts.domain_name(wish, self.domains, entries)
        self.domains[name] = entries
        return name

    def values(self, name: str, listed: str, codes: Mapping[str, str]) -> Iterator[Entries]:
        """Give the choices that can be values; a negative number is taken for a missing code."""
        seen: set[str] = set()
        for choice, label in _choices(listed):
            code = str(codes.get(choice, choice))
            if code in seen:
                continue
            seen.add(code)
            if re.fullmatch(r"-\d{1,9}", code):
                one = {"code": code, "reason": "unknown", "label": label}
                self.missing.setdefault(code, one)
                told = (
                    f"Value `{code}` ({label}) of `{name}` was taken for a missing code, a guess."
                )
                self.remarks.append(told)
            elif drafts.fits_as_code(code):
                yield {"code": code, "label": label if label != code else ""}
            else:
                self.remarks.append(f"Left out: value `{code}` of `{name}`, which no code can be.")

    def missing_codes(self) -> None:
        """Keep no missing code that is a value of a range."""
        ranges = [one for one in self.domains.values() if one["kind"] == "range"]
        for code in list(self.missing):
            if any(one["min"] <= int(code) <= one["max"] for one in ranges):
                del self.missing[code]
                self.remarks.append(
                    f"Left out: missing code `{code}`, which is a number elsewhere."
                )


def _kept(annotation: str) -> Mapping[str, Any]:
    """Give what an annotation of ours keeps."""
    for line in annotation.splitlines():
        if line.startswith(MARK):
            try:
                found = json.loads(line.removeprefix(MARK))
            except ValueError:
                continue
            return found if isinstance(found, dict) else {}
    return {}


def _choices(listed: str) -> Iterator[tuple[str, str]]:
    for part in listed.split("|"):
        code, _, label = part.partition(",")
        if code.strip():
            yield code.strip(), _words(label) or code.strip()


def _words(text: str) -> str:
    """Take the words of a label, which REDCap lets hold HTML."""
    return drafts.prose(html.unescape(re.sub(r"</?[A-Za-z][^<>]*>", "", text)))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None
