"""From a comparison to files: judge what was written, then let it stand.

The last recount looks at the files themselves, read back by code that did not write them.
"""

from __future__ import annotations

import platform
import secrets
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from ctdc_framework import documents
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.results import Json, Note, Release, Severity
from ctdc_framework.errors import ReleaseRefused
from ctdc_framework.exchange import frictionless
from ctdc_framework.loading.registry import Registry
from ctdc_framework.records.items import AnyOriginal, Published, original_of, published_of
from ctdc_framework.records.tables import Table
from ctdc_framework.releases import staging
from ctdc_framework.releases import writing as files
from ctdc_framework.reports import page as report
from ctdc_framework.reports.public import published
from ctdc_framework.runs.compare import Comparison
from ctdc_framework.runs.gate import judge

if TYPE_CHECKING:
    from ctdc_framework.preparation.prepare import Prepared

PACKAGES = ("ctdc-framework", "numpy", "numba", "pandas", "pyarrow", "altair", "vl-convert-python")
"""Packages whose versions decide what a seed gives."""

PAGE, SCORES = "report.html", "comparison.json"
"""The comparison as a page and as JSON: exact in private/, and the public one in release/."""

GUESSABLE = 1 << 64
"""Seeds below this could be tried one by one."""


@frozen(kw_only=True, eq=False)
class Job:
    """What a run is about besides its comparison: for the private log and report."""

    command: str
    seed: int
    seed_given: bool
    data: str
    data_sha256: str
    prepared: Prepared
    registry: Registry
    accept: str = ""
    seconds: Mapping[str, float] = field(factory=dict)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What has to be said of the data and the seed."""
        notes = tuple(self.prepared.notes)
        if self.seed_given and self.seed < GUESSABLE:
            message = "the seed could be guessed; with it the release can be replayed"
            notes += (Note(code="weak-seed", message=message, severity=Severity.WARNING),)
        return notes


def draw_seed() -> int:
    """Draw a seed that nobody can guess."""
    return secrets.randbits(128)


def versions() -> dict[str, str]:
    """Give the versions that decide what a seed gives."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def write_checked(
    folder: Path,
    release: Release,
    original: AnyOriginal,
    codebook: Codebook,
    registry: Registry,
    accept: str = "",
    pages: Mapping[str, str] | None = None,
) -> tuple[Release, str]:
    """Write a release, read it back, recount its claims; give it with its manifest's hash.

    `pages` are texts that lie beside it, by their names. Raises `ReleaseRefused`; the caller throws
    away what was written.
    """
    written = files.write_release(folder, release)
    published, laid_out = [], []
    for table in release.parts().values():
        meant = published_of(table)
        for name in [name for name, one in written.items() if one is table]:
            held = files.read_back(folder / name, codebook)
            if (held.records, held.combinations) != (meant.records, meant.combinations):
                message = f"{name} does not hold what was to be written; nothing was kept"
                raise ReleaseRefused(message)
        published.append(held)
        laid_out += _lay_out(folder, table, held)
    release = judge(release, original, published, registry, accept=accept)
    coarser = _generalised(codebook, published)
    described = _describe(folder, release, codebook, registry, written, laid_out, coarser)
    for name, text in (pages or {}).items():
        files.write_public(folder / name, text)
    names = [*written, *laid_out, *described, *(pages or {})]
    return release, files.write_manifest(folder, release, codebook, names, versions())


def _lay_out(folder: Path, table: Table, held: Published) -> list[str]:
    """Write declared tables as they are read, and read back that they show what is published."""
    names = list(files.write_layouts(folder, table, held))
    known = {frozenset(items): count for items, count in held.combinations or ()}
    for name in names:
        if "/wide-" in name and any(known.get(i) != n for i, n in files.read_wide(folder / name)):
            raise ReleaseRefused(f"{name} does not hold what is published; nothing was kept")
    return names


def _generalised(codebook: Codebook, published: Sequence[Published]) -> documents.Generalised:
    """List the generalised values that the files hold, by variable."""
    held = {item for one in published for items in one.records or () for item in items}
    held |= {item for one in published for items, _ in one.combinations or () for item in items}
    found = {
        name: [code for code, of in covers.items() if of != {code} and (name, code) in held]
        for name, covers in codebook.release_domains.items()
    }
    return {name: codes for name, codes in found.items() if codes}


def _describe(
    folder: Path,
    release: Release,
    codebook: Codebook,
    registry: Registry,
    written: Mapping[str, Table],
    laid_out: Sequence[str],
    generalised: documents.Generalised,
) -> list[str]:
    """Write what tells a reader, and a program, how to read the data; give the files' names."""
    blanks = any(record.may_blank for record in release.stages)
    package = frictionless.export(
        codebook,
        [
            frictionless.DataFile(
                path=name,
                sha256=files.digest(folder / name),
                bytes=(folder / name).stat().st_size,
                columns=files.file_columns(table),
            )
            for name, table in written.items()
        ]
        + [
            frictionless.DataFile(
                path=name,
                sha256=files.digest(folder / name),
                bytes=(folder / name).stat().st_size,
                wide=files.heading_of(folder / name),
            )
            for name in laid_out
        ],
        blanked=tuple(codebook.variables) if blanks else (),
        generalised=tuple(generalised),
    )
    texts = {
        "codebook.md": documents.as_markdown(codebook, None, registry.rules, generalised),
        "codebook.html": documents.as_html(codebook, None, registry.rules, generalised),
        "datapackage.json": files.as_json(package),
    }
    for name, text in texts.items():
        files.write_public(folder / name, text)
    return list(texts)


def publish(
    comparison: Comparison,
    job: Job,
    root: Path,
    *,
    releases: Sequence[tuple[Release, Path]],
) -> dict[str, str]:
    """Write the chosen releases and the private part into `root`; give the manifests' hashes."""
    original = original_of(comparison.original)
    details = report.Details(
        notes=job.notes, data=job.data, data_sha256=job.data_sha256, versions=versions()
    )
    hashes: dict[str, str] = {}
    pages = _pages(comparison, details, [release for release, _ in releases])
    alone = [folder for _, folder in releases] == [root / "release"]
    checked: list[Release] = []
    for release, folder in releases:
        one, hashes[release.name] = write_checked(
            folder,
            release,
            original,
            comparison.codebook,
            job.registry,
            job.accept,
            {PAGE: pages[PAGE]} if alone and pages else None,
        )
        checked.append(one)
    if pages and not alone:  # the comparison is not of one release, and lies beside them
        for name, text in pages.items():
            files.write_public(root / "release" / name, text)
    private = files.private_directory(root)
    for release, folder in releases:
        name = "-".join(["suppressed", *folder.relative_to(root / "release").parts])
        files.write_suppressed(comparison.original, release, private / f"{name}.parquet")
    files.write_private(private / PAGE, report.as_html(comparison, details))
    files.write_private(private / SCORES, files.as_json(report.as_json(comparison, details)))
    files.write_private(private / staging.LOG, files.as_json(_log(comparison, job, hashes)))
    for one in checked:  # last: what is told can be taken back no more
        job.registry.release_written(one, comparison.codebook, hashes[one.name])
    return hashes


def _pages(
    comparison: Comparison, details: report.Details, releases: Sequence[Release]
) -> dict[str, str]:
    """Write the public report and its scores, where there may be any.

    Nothing is published by a draft. And beside what is private by design there is no report: it
    holds a release against the original records, without noise.
    """
    by_design = any(claim.basis == "by design" for one in releases for claim in one.claims)
    if comparison.codebook.header.status == "draft" or by_design:
        return {}
    shown = published(comparison)
    public = report.Details(versions=details.versions, is_public=True)
    return {
        PAGE: report.as_html(shown, public),
        SCORES: files.as_json(report.as_json(shown, public)),
    }


def _log(comparison: Comparison, job: Job, hashes: Mapping[str, str]) -> Json:
    return {
        "format": 1,
        "command": job.command,
        "seed": str(job.seed),
        "seed_given": job.seed_given,
        "data": {"name": job.data, "sha256": job.data_sha256, "records": len(comparison.original)},
        "codebook": {"id": comparison.codebook.id, "sha256": comparison.codebook.digest},
        "prepare": dict(job.prepared.details),
        "notes": [
            {"code": note.code, "severity": note.severity.value, "message": note.message}
            for note in job.notes
        ],
        "candidates": [
            {
                "name": verdict.name,
                "reason": verdict.reason,
                "stages": [
                    {
                        "stage": record.stage,
                        "strategy": record.strategy,
                        "params": record.params,
                        "rows_in": record.rows_in,
                        "rows_out": record.rows_out,
                        "seconds": round(record.seconds, 3),
                        "details": record.details,
                    }
                    for record in comparison.releases[verdict.name].stages
                ]
                if verdict.name in comparison.releases
                else [],
            }
            for verdict in comparison.verdicts
            if not verdict.is_control
        ],
        "release_json_sha256": dict(hashes),
        "seconds": {name: round(value, 3) for name, value in job.seconds.items()},
        "versions": versions(),
        "plugins": [
            {"name": one.name, "version": one.version, "broken": one.broken}
            for one in job.registry.plugins
        ],
    }
