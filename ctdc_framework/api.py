"""What a notebook or a command calls: load, prepare, run, compare, publish.

Every function raises a `CtdcError` for what the user can mend.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import evolve, field, frozen

from ctdc_framework import registry as registries
from ctdc_framework import release_files as files
from ctdc_framework import staging
from ctdc_framework.checklist import as_checklist
from ctdc_framework.claims import Claim, parse_claim
from ctdc_framework.codebook import Codebook
from ctdc_framework.codebook_io import load_codebook
from ctdc_framework.compare import Comparison, Tell
from ctdc_framework.compare import compare as compare_candidates
from ctdc_framework.errors import CtdcError, DataError, PlanError, did_you_mean, one_of
from ctdc_framework.exchange import statistics
from ctdc_framework.items import AnyOriginal, original_of, published_of
from ctdc_framework.plan import Candidate, Plan, load_plan, refuse_below_k
from ctdc_framework.publish import Job, draw_seed, publish
from ctdc_framework.registry import Registry
from ctdc_framework.release_reading import (
    CHECKLIST,
    Found,
    find_releases,
    hash_files,
    kept_hashes,
    read_manifest,
    read_parts,
)
from ctdc_framework.results import Note, Release
from ctdc_framework.shipped import shipped_codebooks
from ctdc_framework.verify import (
    Check,
    Verification,
    check_claims,
    check_content,
    check_files,
    check_seal,
    fails,
    holds,
    not_checked,
    on_variables,
)

if TYPE_CHECKING:
    from ctdc_framework.files import RawFile
    from ctdc_framework.prepare import Prepared
    from ctdc_framework.tables import Table

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
    from ctdc_framework.files import read_raw

    reading = reading or Reading()
    raw = read_raw(data, reading.delimiter)
    return prepare_raw(raw, codebook, registry, reading, tell), raw


def prepare_raw(
    raw: RawFile, codebook: Codebook, registry: Registry, reading: Reading, tell: int = 0
) -> Prepared:
    """Prepare what has been read already."""
    from ctdc_framework.prepare import prepare as prepare_file

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
    tell: Tell = nobody,
) -> Outcome:
    """Prepare the data, run and compare the candidates, and write what may be written.

    With `releases="one"` the candidate must end in a release: what stops it is raised. `raw`
    stands for the plan's data file where it has been read, or made, already.
    """
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
    comparison = compare_candidates(plan, prepared.table, registry, chosen, tell)
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


def verify(
    path: Path,
    registry: Registry,
    *,
    codebook: str = "",
    data: Path | None = None,
    claims: Sequence[str] = (),
    manifest_hash: str = "",
    reading: Reading | None = None,
) -> list[Verification]:
    """Check each release at a path, or one data file, as far as what is given can show.

    `codebook` is needed for a data file, and where a release's own is not shipped; `data` are the
    original records; `claims` are checked beside those that the release makes. Raises `CtdcError`
    where the question cannot be understood; what is wrong with the release is in the answer.
    """
    asked = [parse_claim(text) for text in claims]
    found = find_releases(path)
    book = load_codebook(codebook, registry.rules) if codebook else None
    if not found:
        if book is None:
            raise CtdcError(
                "a data file says nothing of its variables", help="give --codebook with it"
            )
        if manifest_hash:
            raise CtdcError("--manifest-hash is of a release.json, and this is one data file")
        return [_verify_file(path, book, asked, data, registry, reading or Reading())]
    if manifest_hash and len(found) > 1:
        raise CtdcError(
            "--manifest-hash is of one release, and there are several",
            help=f"give one of {one_of(str(one.folder) for one in found)}",
        )
    return [
        _verify_release(one, book, asked, data, manifest_hash, registry, reading or Reading())
        for one in found
    ]


def write_checklists(path: Path, verified: Sequence[Verification]) -> list[Path]:
    """Fill in the checklist of each release that has its private/ folder beside it: the steward's.

    Gives the files written; a release that somebody else made is left as it is.
    """
    written = []
    for found, one in zip(find_releases(path), verified, strict=False):
        if found.private is not None:
            place = found.folder / CHECKLIST
            with staging.writing_public(place) as work:
                files.write_public(work, as_checklist(one))
            written.append(place)
    return written


def _verify_file(
    path: Path,
    book: Codebook,
    asked: Sequence[Claim],
    data: Path | None,
    registry: Registry,
    reading: Reading,
) -> Verification:
    checks: list[Check] = []
    original = _original(data, book, registry, reading)
    try:
        prepared, _ = prepare(path, book, registry, reading, book.k)
    except DataError as error:
        checks.append(fails("codebook", error.message))
        return Verification(name=path.name, checks=tuple(checks))
    parts = [published_of(prepared.table)]
    checks += [
        not_checked("files", "a data file alone has no release.json that could be compared"),
        *check_content(book, parts),
        *check_claims([on_variables(claim, book) for claim in asked], book, parts, original),
    ]
    if not asked:
        checks.append(not_checked("claims", "none were given: see --claim"))
    return Verification(name=path.name, checks=tuple(checks))


def _verify_release(
    found: Found,
    book: Codebook | None,
    asked: Sequence[Claim],
    data: Path | None,
    manifest_hash: str,
    registry: Registry,
    reading: Reading,
) -> Verification:
    checks: list[Check] = []

    def so_far() -> Verification:
        return Verification(name=found.name, checks=tuple(checks))

    try:
        manifest = read_manifest(found.folder)
        checks.append(check_seal(manifest.digest, kept_hashes(found, manifest_hash)))
        hashes, extra = hash_files(found.folder, manifest.files)
    except DataError as error:
        checks.append(fails("release.json itself", error.message))
        return so_far()
    checks += check_files(manifest.files, hashes, extra)
    given = book or _shipped(manifest.codebook, manifest.codebook_sha256, registry)
    if given is None:
        message = (
            f"`{manifest.codebook}` is no shipped codebook with the SHA-256 of release.json: give "
            "--codebook"
        )
        checks.append(not_checked("codebook, domains and claims", message))
        return so_far()
    checks.append(
        holds("codebook", f"it is the one of the release, `{given.id}`")
        if given.digest == manifest.codebook_sha256
        else fails("codebook", "the SHA-256 in release.json is of another codebook")
    )
    original = _original(data, given, registry, reading)
    try:
        parts = read_parts(found.folder, list(manifest.files), given)
    except DataError as error:
        checks.append(fails("data files", error.message))
        return so_far()
    checks += check_content(given, parts, mixes_levels=manifest.mixes_levels)
    claims = dict.fromkeys([*manifest.claims, *(on_variables(one, given) for one in asked)])
    checks += check_claims(list(claims), given, parts, original)
    if manifest.accepted:
        message = f"the gate would have refused it; it was accepted, because: {manifest.accepted}"
        checks.append(not_checked("accepted by the steward", message))
    return so_far()


def _shipped(name: str, digest: str, registry: Registry) -> Codebook | None:
    """Give the shipped codebook of that name, if it is the very one."""
    path = shipped_codebooks().get(name)
    book = None if path is None else load_codebook(path, registry.rules)
    return book if book is not None and book.digest == digest else None


def _original(
    data: Path | None, book: Codebook, registry: Registry, reading: Reading
) -> AnyOriginal | None:
    if data is None:
        return None
    prepared, _ = prepare(data, book, registry, reading, book.k)
    return original_of(prepared.table)


def the_data(plan: Plan) -> Path:
    """Give the plan's data file; raises `DataError` where it names none."""
    if plan.data is None:
        raise DataError("the plan names no data file", help='add data = "cases.csv" or give --data')
    return plan.data


__all__ = [
    "Outcome",
    "Reading",
    "execute",
    "load_codebook",
    "load_registry",
    "prepare",
    "prepare_raw",
    "read_plan",
    "the_candidate",
    "the_data",
    "verify",
    "write_checklists",
    "write_prepared",
]
