"""Tell a comparison: as JSON, as rows for a terminal, as a page. Strings out, no files.

All that it is given is told, so it is private, unless it is what `public.published` left of it.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

from ctdc_framework.contract.results import Json, Note, ScoreRow, Severity
from ctdc_framework.plans.entries import GateEntry
from ctdc_framework.reports import charts
from ctdc_framework.reports.drawing import asked_for, bars_of, map_of
from ctdc_framework.reports.figures import (
    SHARES,
    Block,
    blocks,
    number,
    ordered,
    sound,
)
from ctdc_framework.reports.pictures import pictures
from ctdc_framework.reports.public import floored
from ctdc_framework.runs.compare import COPY, HALF, SHUFFLED, SUBSAMPLES, Comparison, Verdict
from ctdc_framework.toml.convert import unstructure

CONTROLS: Mapping[str, str] = {
    COPY: "what nobody may publish: it keeps everything and shows everything",
    SHUFFLED: "every column shuffled by itself: it keeps single counts, and not what goes together",
    HALF: "half of the records, measured beside the other half: the differences are chance alone",
    **{
        name: f"{share} in 100 records as they are: how far so honest a sample would be"
        for name, share in SUBSAMPLES.items()
    },
}
REACHED = {True: "reached", False: "missed", None: "not measured"}
WEIGHT = (Severity.BLOCKING, Severity.WARNING, Severity.INFO)
PRIVATE = (
    "PRIVATE: exact figures about unpublished records; do not pass them on. Synthetic rows are "
    "not people: never report their number as a number of people."
)


@frozen(kw_only=True)
class Details:
    """What a report says besides the comparison itself."""

    notes: Sequence[Note] = ()
    data: str = ""
    data_sha256: str = ""
    versions: Mapping[str, str] = field(factory=dict)
    is_public: bool = False
    """Whether the comparison is one that is `published`, for everybody to see."""


def as_json(comparison: Comparison, details: Details) -> Json:
    """Give the whole comparison as JSON values: exact figures, unless it is the public one."""
    codebook = comparison.codebook
    said = ("side", "better", "unit", "summary")
    told = ("is_control", "may_release", "reason", "stochastic", "runs")
    return {
        "format": 1,
        "codebook": {"id": codebook.id, "version": codebook.header.version, "k": codebook.k},
        "data": details.data,
        "records": _records(comparison, details),
        "verdicts": [
            {"candidate": one.name}
            | {name: getattr(one, name) for name in told}
            | {"claims": [str(claim) for claim in one.claims]}
            for one in comparison.verdicts
        ],
        "measures": [
            {"measure": one.measure.name}
            | {name: unstructure(getattr(one.measure, name)) for name in said}
            | {"params": unstructure(one.params)}
            for one in comparison.measures
        ],
        "scores": [_row_as_json(row) for row in comparison.rows],
        "gates": [
            {"candidate": one.candidate, **unstructure(one.gate), "passed": one.passed}
            for one in comparison.gates
        ],
        "notes": [
            {"candidates": names, **unstructure(note)}
            for note, names in _notes(comparison, details).items()
        ],
        "versions": dict(details.versions),
    }


def _records(comparison: Comparison, details: Details) -> int:
    """Give how many records there are; to everybody only down to a multiple of k."""
    number = len(comparison.original)
    return floored(number, comparison.codebook.k) if details.is_public else number


def _row_as_json(row: ScoreRow) -> Json:
    score, error = sound(row)
    return {
        "candidate": row.candidate,
        "measure": row.measure,
        "part": row.part.value,
        "slice": row.score.slice if row.score else None,
        **{name: getattr(score, name, None) for name in ("value", "low", "high")},
        **({"names": list(score.names)} if score and score.names else {}),
        "error": error or None,
    }


def _notes(comparison: Comparison, details: Details) -> dict[Note, list[str]]:
    """Gather all notes with the candidates that they are about, the weightiest first."""
    found: dict[Note, list[str]] = {note: [] for note in details.notes}
    for verdict in comparison.verdicts:
        release = comparison.releases.get(verdict.name)
        for note in dict.fromkeys((*verdict.notes, *(release.notes if release else ()))):
            found.setdefault(note, []).append(verdict.name)
    return dict(sorted(found.items(), key=lambda one: WEIGHT.index(one[0].severity)))


def _judged(verdict: Verdict) -> str:
    if verdict.is_control:
        return "a control, never released"
    if verdict.may_release:
        return "may be released"
    # The command line says first that nothing was written; here that goes without saying.
    reason = verdict.reason.partition("nothing was written:\n")[2] or verdict.reason
    return f"not to be released: {reason or 'no reason given'}"


def _claims(verdict: Verdict) -> str:
    """Write the claims in short; of long lists of columns only how many they are."""
    short = [
        re.sub(r"columns=([^,)]*)", lambda found: f"{len(found[1].split())} columns", str(claim))
        for claim in verdict.claims
    ]
    return ", ".join(short) or "nothing"


def _asked(gate: GateEntry, units: Mapping[str, str]) -> str:
    value = f"{gate.value * 100:g} %" if units.get(gate.measure) in SHARES else f"{gate.value:,g}"
    part = "every part" if gate.slice == "all" else gate.slice
    return f"{gate.measure}, {part} {gate.op} {value}"


def _printable(text: str) -> str:
    """Leave out what could steer a terminal or spoil a page."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def as_text(comparison: Comparison, details: Details, width: int = 80) -> str:
    """Write the whole comparison for a terminal, in lines of at most `width` characters."""
    width = max(width, 40)
    found = blocks(comparison)
    names = [line.name for block in found for line in block.lines]
    names += [verdict.name for verdict in comparison.verdicts]
    left = min(max(map(len, names), default=0) + 2, width * 2 // 5)
    codebook = comparison.codebook
    about = f"{codebook.id} {codebook.header.version}, {len(comparison.original):,} records, "
    lines = [*_wrapped(PRIVATE, width), "", *_wrapped(f"Verdicts ({about}k = {codebook.k})", width)]
    for verdict in ordered(comparison):
        text = _judged(verdict)
        text += f"; claims {_claims(verdict)}" if verdict.claims else ""
        if verdict.is_control:
            text = CONTROLS.get(verdict.name, text)
        lines += _row(verdict.name + " *" * verdict.is_control, text, left, width)
    lines += ["", *_wrapped("* A control: to read the others by, not to be released.", width, "  ")]
    for block in found:
        title = f"{block.measure.name}: {block.measure.side.value}, {block.better_words}"
        lines += ["", *_wrapped(title, width), *_wrapped(block.measure.summary, width, "  ")]
        lines += _table(block, left, width)
    units = {block.measure.name: block.measure.unit for block in found}
    for gate, results in itertools.groupby(comparison.gates, key=lambda one: one.gate):
        lines += ["", *_wrapped(f"Gate: {_asked(gate, units)}", width)]
        for one in results:
            lines += _row(one.candidate, REACHED[one.passed], left, width)
    notes = _notes(comparison, details)
    lines += ["", "Notes"] if notes else []
    for note, names in notes.items():
        of = f" ({', '.join(names)})" if names else ""
        lines += _wrapped(f"{note.severity.value}{of}: {note.message}", width, "  ", "    ")
    return _printable("\n".join(lines) + "\n")


def _wrapped(text: str, width: int, indent: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=later or indent,
        break_on_hyphens=False,
    )


def _row(name: str, text: str | list[str], left: int, width: int) -> Iterator[str]:
    """Put a name beside a text, both wrapped."""
    texts = _wrapped(text, width - left - 4) if isinstance(text, str) else text
    names = charts.wrapped_name(name, left)
    for one, other in itertools.zip_longest(names, texts, fillvalue=""):
        yield f"  {one:<{left}}  {other}".rstrip()


def _table(block: Block, left: int, width: int) -> Iterator[str]:
    room = width - left - 4
    if len(block.slices) > charts.MOST_SLICES:
        said = f"{len(block.slices)} figures for each candidate: the page shows them."
        yield from _wrapped(said, width, "  ")
        for line in block.lines:
            yield from _row(line.name, f"failed: {line.error}", left, width) if line.error else ()
        return
    columns = []
    for part in block.slices or ("",):
        cells = ["" if block.slices == ("all",) else charts.shortened(part, room)]
        cells += [block.cell(line, part) for line in block.lines]
        wide = max(map(len, cells))
        columns.append([f"{cell:>{wide}}" for cell in cells])
    while columns:
        ends = itertools.accumulate(len(column[0]) + 2 for column in columns)
        taken = max(1, sum(end - 2 <= room for end in ends))
        head, *cells = ["  ".join(row) for row in zip(*columns[:taken], strict=True)]
        columns = columns[taken:]
        yield from _row(" ", [head], left, width) if head.strip() else ()
        for line, row in zip(block.lines, cells, strict=True):
            name = line.name + " *" * line.verdict.is_control
            yield from _row(name, f"failed: {line.error}" if line.error else [row], left, width)


def as_html(comparison: Comparison, details: Details) -> str:
    """Write the whole comparison as one page: exact figures, unless it is the public one.

    It needs nothing but itself: no script, no font, no picture from elsewhere.
    """
    from jinja2 import Environment, StrictUndefined

    found = blocks(comparison)
    units = {block.measure.name: block.measure.unit for block in found}
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    template = Path(__file__).parent / "templates" / "report.html.j2"
    page = environment.from_string(template.read_text(encoding="utf-8")).render(
        comparison=comparison,
        codebook=comparison.codebook,
        details=details,
        public=details.is_public,
        records=_records(comparison, details),
        verdicts=ordered(comparison),
        judged=_judged,
        claims=_claims,
        controls=CONTROLS,
        number=number,
        gates=_gates_of(comparison),
        asked_for=[_asked(gate, units) for gate in asked_for(comparison)],
        map=map_of(comparison, found),
        pictures={one.key: one for one in pictures(comparison, found)},
        drawn=list(bars_of(found)),
        blocks=found,
        notes=_notes(comparison, details),
        most_slices=charts.MOST_SLICES,
    )
    return _printable(page)


def _gates_of(comparison: Comparison) -> dict[str, list[tuple[str, str]]]:
    """Say of each candidate how it did at each gate, by its number, in words with a sign."""
    numbers = {gate: n for n, gate in enumerate(asked_for(comparison), start=1)}
    found: dict[str, list[tuple[str, str]]] = {}
    for one in comparison.gates:
        sign = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}", None: "\N{EN DASH}"}[one.passed]
        said = f"{sign} {numbers[one.gate]} {REACHED[one.passed]}"
        found.setdefault(one.candidate, []).append((REACHED[one.passed], said))
    return found
