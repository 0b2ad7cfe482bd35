"""What a notebook or a command calls: load, prepare, run, compare, publish.

Every function raises a `CtdcError` for what the user can mend.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import evolve, field, frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.results import Note, Release
from ctdc_framework.errors import CtdcError, DataError, PlanError, did_you_mean, one_of
from ctdc_framework.exchange import statistics
from ctdc_framework.language.load import load_codebook
from ctdc_framework.loading import registry as registries
from ctdc_framework.loading.registry import Registry
from ctdc_framework.plans.plan import Candidate, Plan, load_plan, refuse_below_k
from ctdc_framework.releases import staging
from ctdc_framework.releases import writing as files
from ctdc_framework.releases.publish import Job, draw_seed, publish
from ctdc_framework.runs.compare import CONTROLS, Comparison, Tell
from ctdc_framework.runs.compare import compare as compare_candidates

if TYPE_CHECKING:
    from ctdc_framework.preparation.prepare import Prepared
    from ctdc_framework.records.files import RawFile
    from ctdc_framework.records.tables import Table
    from ctdc_framework.reports.drawing import Chart

Releases = Literal["one", "each", "none"]
"""What is released: the one candidate there is, each that may be, or nothing."""


def nobody(what: str, done: int, total: int | None = None) -> None:
    """Report progress to nobody."""


@frozen(kw_only=True)
class Reading:
    """How a data file is read, where the user chose."""

    on_unknown: Literal["stop", "missing"] = "stop"
    drop_unknown: bool = False
    delimiter: str = ""


@frozen(kw_only=True, eq=False)
class Outcome:
    """What was compared and written; `hashes` are those of each `release.json`."""

    comparison: Comparison
    out: Path
    notes: tuple[Note, ...] = ()
    """What had to be said of the data and the seed."""
    hashes: dict[str, str] = field(factory=dict)


def load_registry(without: Sequence[str] = ()) -> Registry:
    """Load the installed plugins."""
    return registries.load(without=without)


def prepare(
    data: Path,
    codebook: Codebook,
    registry: Registry,
    reading: Reading | None = None,
    tell: int = 0,
) -> tuple[Prepared, RawFile]:
    """Read a data file and prepare it by a codebook; `tell` hides rarer values in messages."""
    from ctdc_framework.records.files import read_raw

    reading = reading or Reading()
    raw = read_raw(data, reading.delimiter)
    return prepare_raw(raw, codebook, registry, reading, tell), raw


def prepare_raw(
    raw: RawFile, codebook: Codebook, registry: Registry, reading: Reading, tell: int = 0
) -> Prepared:
    """Prepare what has been read already."""
    from ctdc_framework.preparation.prepare import prepare as prepare_file

    return prepare_file(
        raw,
        codebook,
        registry.rules,
        on_unknown=reading.on_unknown,
        drop_unknown=reading.drop_unknown,
        tell=tell,
    )


def write_prepared(prepared: Prepared, out: Path, *, force: bool = False) -> None:
    """Write the prepared records to the file named, by its suffix, for its owner only.

    CSV or Parquet as in a release; Stata, SPSS or Excel with value labels.
    """
    suffix = out.suffix.lower()
    writers: dict[str, Callable[[Table, Path], None]] = {
        ".csv": files.write_csv,
        ".parquet": files.write_parquet,
        **dict.fromkeys((".dta", ".sav", ".xlsx"), statistics.write),
    }
    if suffix not in writers:
        raise CtdcError(
            f"{out}: prepared records are written as .csv or .parquet, or as .dta (Stata), "
            ".sav (SPSS) or .xlsx (Excel)"
        )
    with staging.writing_file(out, replace=force) as path:
        writers[suffix](prepared.table, path)


def read_plan(path: Path, registry: Registry, candidate: str = "") -> Plan:
    """Load a plan; with `candidate`, a plan of that one alone."""
    plan = load_plan(path, registry)
    if not candidate:
        return plan
    found = [one for one in plan.candidates if one.name == candidate]
    if not found:
        names = [one.name for one in plan.candidates]
        help = did_you_mean(candidate, names) or f"there are {one_of(names, most=20)}"
        raise PlanError(f"the plan has no candidate `{candidate}`", help=help)
    return evolve(plan, candidates=tuple(found))


def the_candidate(plan: Plan) -> Candidate:
    """Give the one candidate that is to be released; raises `PlanError` where it may not be."""
    if len(plan.candidates) != 1:
        names = one_of([one.name for one in plan.candidates], most=20)
        raise PlanError(
            f"a run releases one candidate, and the plan has {len(plan.candidates)}",
            help=f"say which with --candidate: {names}",
        )
    refuse_draft(plan.codebook)
    refuse_below_k(plan.candidates[0], plan.codebook)
    return plan.candidates[0]


def refuse_draft(codebook: Codebook) -> None:
    """Refuse to release by a codebook that nobody has confirmed; raises `CtdcError`."""
    if codebook.header.status == "draft":
        raise CtdcError(
            f"codebook `{codebook.id}` is a draft, and nothing is released by a draft",
            help='look at every entry, then remove status = "draft" from [codebook]',
        )


def charts(comparison: Comparison) -> dict[str, Chart]:
    """Draw what was compared: by name, each a chart that displays itself in a notebook.

    `map` is risk beside utility; the others have the names of their measures. Exact: private.
    """
    from ctdc_framework.reports.drawing import charts_of

    return charts_of(comparison)


def refuse_undecided(codebook: Codebook) -> None:
    """Refuse to judge by a draft whose roles nobody has decided; raises `CtdcError`."""
    undecided = [f"`{name}`" for name, one in codebook.variables.items() if not one.role]
    if undecided:
        raise CtdcError(
            f"codebook `{codebook.id}` does not say what {one_of(undecided)} mean for privacy",
            help="decide each role: quasi, sensitive, both, or none",
        )


def execute(
    plan: Plan,
    out: Path,
    registry: Registry,
    *,
    releases: Releases,
    command: str,
    seed: int | None = None,
    reading: Reading | None = None,
    raw: RawFile | None = None,
    force: bool = False,
    controls: Collection[str] = CONTROLS,
    tell: Tell = nobody,
) -> Outcome:
    """Prepare the data, run and compare the candidates, and write what may be written.

    With `releases="one"` the candidate must end in a release: what stops it is raised. `raw`
    stands for the plan's data file where it has been read, or made, already. `controls` are those
    that are measured beside the candidates.
    """
    refuse_undecided(plan.codebook)
    if releases == "one":
        the_candidate(plan)
    elif releases == "each":
        refuse_draft(plan.codebook)
    staging.check_writable(out, replace=force)
    if raw is None and out.resolve() in the_data(plan).resolve().parents:
        raise CtdcError(
            f"{out} holds the data file, and would be replaced", help="give another --out"
        )
    largest = max(one.largest_k for one in plan.candidates)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    tell("reading and preparing", 0, None)
    if raw is not None:
        prepared = prepare_raw(raw, plan.codebook, registry, reading or Reading(), largest)
        name, digest = raw.name, ""
    else:
        data = the_data(plan)
        prepared, _ = prepare(data, plan.codebook, registry, reading, largest)
        name, digest = data.name, files.digest(data)
    seconds["prepare"] = time.perf_counter() - started
    started = time.perf_counter()
    chosen = draw_seed() if seed is None else seed
    comparison = compare_candidates(plan, prepared.table, registry, chosen, tell, controls=controls)
    if releases == "one":
        for verdict in comparison.verdicts:
            if verdict.error is not None:
                raise verdict.error
    seconds["compare"] = time.perf_counter() - started
    job = Job(
        command=command,
        seed=chosen,
        seed_given=seed is not None,
        data=name,
        data_sha256=digest,
        prepared=prepared,
        registry=registry,
        accept=plan.accept,
        seconds=seconds,
    )
    tell("writing", 0, None)
    with staging.writing_directory(out, replace=force) as work:
        hashes = publish(comparison, job, work, releases=_folders(comparison, work, releases))
        if raw is not None:
            files.write_raw(raw, work / "private" / "raw.csv")
    return Outcome(comparison=comparison, out=out, notes=job.notes, hashes=hashes)


def _folders(comparison: Comparison, work: Path, releases: Releases) -> list[tuple[Release, Path]]:
    if releases == "one":
        return [(release, work / "release") for release in comparison.releases.values()]
    if releases == "each":
        return [(release, work / "release" / name) for name, release in comparison.releases.items()]
    return []


def the_data(plan: Plan) -> Path:
    """Give the plan's data file; raises `DataError` where it names none."""
    if plan.data is None:
        raise DataError("the plan names no data file", help='add data = "cases.csv" or give --data')
    return plan.data


__all__ = [
    "Outcome",
    "Reading",
    "charts",
    "execute",
    "load_codebook",
    "load_registry",
    "prepare",
    "prepare_raw",
    "read_plan",
    "the_candidate",
    "the_data",
    "write_prepared",
]
