"""The pictures of a comparison that show one candidate per panel, all panels on one scale.

Each is made from the measure that it is named for, where a plan has it, and holds its figures as a
table too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from ctdc_framework.reports import panels
from ctdc_framework.reports.charts import span_of
from ctdc_framework.reports.figures import Block, Line, Style, number, ordered
from ctdc_framework.reports.panels import TICK, Kind, Step
from ctdc_framework.runs.compare import COPY, HALF, SUBSAMPLES, Comparison
from ctdc_framework.runs.losses import Losses

MOST_ROWS = 15
"""Lines of one panel: the worst; the table holds them all."""


@frozen(kw_only=True)
class Panel:
    """One candidate's drawing."""

    name: str
    svg: str


@frozen(kw_only=True)
class Picture:
    """Panels of one scale with what they say, and their figures as a table."""

    key: str
    title: str
    says: str
    """What it shows, and how it is read."""
    panels: tuple[Panel, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Each begins with the candidate and the part that its figures are of."""
    failed: tuple[tuple[str, str], ...] = ()
    """Candidates on which it was not measured, with the reason."""


def pictures(comparison: Comparison, blocks: Sequence[Block]) -> list[Picture]:
    """Make the pictures for which there are figures, in the order in which they are read."""
    by_name = {block.measure.name: block for block in blocks if block.slices}
    makers = {
        "error-by-count": _error_by_count,
        "attribute-inference": _attacks,
        "attribute-inference-excess": _excess,
        "attribute-disclosure": _single,
        "variable-distance": _variables,
        "group-error": _groups,
        "group-suppression": _groups,
        "variable-suppression": _single,
    }
    found = [make(by_name[name]) for name, make in makers.items() if name in by_name]
    if comparison.losses:
        found.insert(1 if "error-by-count" in by_name else 0, _losses(comparison))
    return found


def _lines(block: Block, *, without: Sequence[str] = ()) -> list[Line]:
    """Give the lines that have a panel: candidates, and the controls that tell something here."""
    left_out = {COPY, *SUBSAMPLES, *without}
    return [line for line in block.lines if line.scores and line.verdict.name not in left_out]


def _failed(block: Block) -> tuple[tuple[str, str], ...]:
    return tuple((line.label, line.error) for line in block.lines if line.error)


def _error_by_count(block: Block) -> Picture:
    """Show lengths downwards and numbers of records across."""
    drawn = []
    for place, line in enumerate(_lines(block)):
        cells = {
            (length, _on_two_lines(records)): score.value
            for slice, score in line.scores.items()
            for length, _, records in [slice.partition(", ")]
        }
        svg = panels.heat_map(f"{block.measure.name}-{place}", line.label, cells)
        drawn.append(Panel(name=line.label, svg=svg))
    columns = dict.fromkeys(slice.partition(", ")[2] for slice in block.slices)
    lengths = dict.fromkeys(slice.partition(", ")[0] for slice in block.slices)
    rows = [
        (
            line.label,
            length,
            *(block.cell(line, f"{length}, {records}") for records in columns),
        )
        for line in block.lines
        if line.scores
        for length in lengths
    ]
    return Picture(
        key=block.measure.name,
        title="Errors of counts, by length and by number of records",
        says="Downwards: how many values go together. Across: how many original records hold "
        "them. A cell is the sum of errors over the sum of counts; the darker, the more is wrong, "
        "on one scale for all. Counts of few records are usually the worst.",
        panels=tuple(drawn),
        head=("Candidate", "Length", *(f"{records} records" for records in columns)),
        rows=tuple(rows),
        failed=_failed(block),
    )


def _on_two_lines(records: str) -> str:
    return records.replace(" to ", "\nto ").replace(" and more", "\nor more")


def _by_part(line: Line, kinds: Sequence[str]) -> dict[str, dict[str, str]]:
    """Sort slices such as `gender, by chance` by part and kind; one without is the first kind."""
    parts: dict[str, dict[str, str]] = {}
    for slice in line.scores:
        name, _, kind = slice.rpartition(", ")
        if not name or kind not in kinds:
            name, kind = slice, kinds[0]
        parts.setdefault(name, {})[kind] = slice
    return parts


def _values(line: Line, kinds: Sequence[str]) -> dict[str, dict[str, float]]:
    """Give each part's figure of each kind, and the `low` and `high` end of the first kind's."""
    found = {}
    for name, row in _by_part(line, kinds).items():
        found[name] = {kind: line.scores[slice].value for kind, slice in row.items()}
        ends = span_of(line.scores[row[kinds[0]]]) if kinds[0] in row else None
        if ends:
            found[name] |= dict(zip(("low", "high"), ends, strict=True))
    return found


def _dotted(
    block: Block,
    kinds: Sequence[Kind],
    title: str,
    says: str,
    part: str,
    *,
    by: tuple[str, str] | None = None,
    span: tuple[str, str] | None = None,
    without: Sequence[str] = (),
) -> Picture:
    """Draw a measure's parts as marks of several kinds; the worst by the difference `by`."""
    names = [kind.name for kind in kinds]
    lines = _lines(block, without=without)
    figures = {line.name: _values(line, names) for line in block.lines if line.scores}

    def weight(row: Mapping[str, float]) -> float:
        if by is None:
            return max(row.values())
        return row.get(by[0], 0.0) - row.get(by[1], 0.0)

    ends = [v for line in lines for row in figures[line.name].values() for v in row.values()]
    top = panels.nice_top(ends)
    drawn = []
    for place, line in enumerate(lines):
        parts = figures[line.name]
        worst = sorted(parts, key=lambda one: -weight(parts[one]))[:MOST_ROWS]
        svg = panels.marks(
            f"{block.measure.name}-{place}",
            line.label,
            kinds,
            {name: parts[name] for name in worst},
            line.style.colour,
            top,
            span=span,
        )
        drawn.append(Panel(name=line.label, svg=svg))
    if any(len(parts) > MOST_ROWS for parts in figures.values()):
        says += f" Drawn are the {MOST_ROWS} worst of each candidate; the table has all."
    rows = [
        (
            line.label,
            name,
            *(block.cell(line, row[kind]) if kind in row else "-" for kind in names),
        )
        for line in block.lines
        if line.scores
        for name, row in _by_part(line, names).items()
    ]
    return Picture(
        key=block.measure.name,
        title=title,
        says=says,
        panels=tuple(drawn),
        head=("Candidate", part, *names),
        rows=tuple(rows),
        failed=_failed(block),
    )


def _variables(block: Block) -> Picture:
    kinds = (
        Kind(name="distance", shape="circle", strong=True),
        Kind(name="by chance", shape=TICK, filled=False),
    )
    return _dotted(
        block,
        kinds,
        "What goes together, variable by variable",
        "A dot is how far a variable's tables with all others are from the original's; the stroke "
        "is how far two samples of so many records would be by chance. A dot at its stroke is as "
        "right as can be; one far to the right of it has lost what goes together with others.",
        "Variable",
        by=("distance", "by chance"),
        without=(HALF,),
    )


SINGLE = {
    "attribute-disclosure": (
        "Disclosed: what the release alone tells of somebody",
        "Records whose known values all released rows with the same values answer with one and the "
        "same sensitive value, and rightly: whoever knows the ones reads off the other.",
        "Sensitive variable",
    ),
    "variable-suppression": (
        "Values lost, variable by variable",
        "The share of a variable's values that are fewer in the release.",
        "Variable",
    ),
}
"""Measures with one figure for each variable: title, how it is read, and what its parts are."""


def _single(block: Block) -> Picture:
    kinds = (Kind(name="share", shape="circle", strong=True),)
    return _dotted(block, kinds, *SINGLE[block.measure.name], without=(HALF,))


def _groups(block: Block) -> Picture:
    kinds = (
        Kind(name="median", shape="circle", strong=True),
        Kind(name="worst", shape="triangle-left", strong=True, filled=False),
    )
    lost = block.measure.name == "group-suppression"
    what = "share of a group's records that is lost" if lost else "error of a group's counts"
    return _dotted(
        block,
        kinds,
        f"Who bears it: {'records lost' if lost else 'errors'}, by group",
        f"Groups are the values of a variable; the figure is the {what}. The dot is the group in "
        "the middle, the triangle the one that fares worst. A long bar between them is unfair: "
        "some groups pay for the others. Small groups are told apart.",
        "Groups of",
        span=("median", "worst"),
        by=("worst", ""),
        without=(HALF,),
    )


def _attacks(block: Block) -> Picture:
    kinds = (
        Kind(name="guessed right", shape="circle", strong=True),
        Kind(name="mode guess", shape=TICK, filled=False),
        Kind(name="marginal guess", shape="diamond", filled=False),
    )
    return _dotted(
        block,
        kinds,
        "Attacks: what somebody would guess",
        "The dot is how often somebody who knows some variables of a person and has the release "
        "guesses another one right. The stroke is who always says what is most frequent, and the "
        "diamond who draws from all: they need no release. What the dot is beyond the stroke is "
        "gained by the release.",
        "Sensitive variable",
        by=("guessed right", "mode guess"),
        without=(HALF,),
    )


def _excess(block: Block) -> Picture:
    kinds = (
        Kind(name="excess", shape="circle", strong=True),
        Kind(name="members", shape="triangle-up", filled=False),
        Kind(name="withheld", shape="square", filled=False),
    )
    return _dotted(
        block,
        kinds,
        "Attacks on records that are in the data, and on withheld ones",
        "The release was made once more without some of the records. The triangle is how often the "
        "attack is right on records that are in it, and the square on those that were withheld: "
        "what it learns of anybody. The dot is what being in the data adds, as a share of what was "
        "left to learn, and the bar its interval of 95 %: where it begins at 0, nothing is shown.",
        "Sensitive variable",
        by=("low", ""),
        span=("low", "high"),
        without=(HALF,),
    )


def _losses(comparison: Comparison) -> Picture:
    drawn, rows = [], []
    top = max(1.0, *(_top(one) / max(one.recorded, 1) for one in comparison.losses.values()))
    for place, verdict in enumerate(ordered(comparison)):
        one = comparison.losses.get(verdict.name)
        if one is None:
            continue
        style = Style(place, verdict.is_control, verdict.may_release)
        steps = list(_steps(one))
        svg = panels.waterfall(f"losses-{place}", verdict.name, steps, style.colour, top)
        drawn.append(Panel(name=verdict.name, svg=svg))
        rows += [
            (verdict.name, name, f"{count:,}", number(count / max(one.recorded, 1), "share"))
            for name, count in _counts(one).items()
        ]
    return Picture(
        key="losses",
        title="What was lost on the way",
        says="From the values recorded at the top to those released at the bottom, in per cent of "
        "what was recorded. Of synthetic records nobody can say what became of one: there, fewer "
        "or more is counted variable by variable. Blank cells are not counted.",
        panels=tuple(drawn),
        head=("Candidate", "Step", "Values", "Of those recorded"),
        rows=tuple(rows),
    )


def _top(one: Losses) -> int:
    return max(one.recorded, one.recorded - one.left_out - one.suppressed + one.added)


def _counts(one: Losses) -> dict[str, int]:
    """Name the steps with their counts."""
    lost = "suppressed" if one.is_followed else "fewer than before"
    counts = {"recorded": one.recorded}
    if one.is_followed:
        counts["in records left out"] = one.left_out
    counts[lost] = one.suppressed
    if not one.is_followed:
        counts["more than before"] = one.added
    counts["released"] = one.released
    if one.is_followed:
        counts["of them coarser"] = one.generalised
    return counts


def _steps(one: Losses) -> Iterator[Step]:
    counts, level = _counts(one), 0.0
    for name, count in counts.items():
        share = count / max(one.recorded, 1)
        if name in ("recorded", "released", "of them coarser"):
            yield Step(name=name, start=0.0, end=share, is_total=True)
            level = share
        else:
            end = level + (share if name == "more than before" else -share)
            yield Step(name=name, start=level, end=end)
            level = end
