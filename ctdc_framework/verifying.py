"""Verify what lies at a path: read it, read what it is to be held against, and ask each question.

What `api` is for making a release, this is for looking at one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from ctdc_framework.api import Reading, prepare
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import CtdcError, DataError, one_of
from ctdc_framework.language.load import load_codebook
from ctdc_framework.loading.registry import Registry
from ctdc_framework.promises.claims import Claim, parse_claim
from ctdc_framework.records.items import AnyOriginal, Published, original_of, published_of
from ctdc_framework.releases import staging
from ctdc_framework.releases import writing as files
from ctdc_framework.releases.checklist import as_checklist
from ctdc_framework.releases.reading import (
    CHECKLIST,
    Found,
    find_releases,
    hash_files,
    kept_hashes,
    read_manifest,
    read_parts,
)
from ctdc_framework.releases.verify import (
    Check,
    Verification,
    check_claims,
    check_content,
    check_files,
    check_previous,
    check_seal,
    fails,
    holds,
    not_checked,
    on_variables,
)
from ctdc_framework.shipped import shipped_codebooks

Held = tuple[Sequence[Claim], Sequence[Published]]
"""What a release claims, and what it holds."""


@frozen(kw_only=True)
class Question:
    """What a release is to be held against."""

    registry: Registry = field(repr=False)
    codebook: str = ""
    """A shipped codebook's name or a path; if empty, the release's own, where that is shipped."""
    data: Path | None = None
    """The original records."""
    previous: Path | None = None
    """An earlier release of the same records."""
    claims: tuple[str, ...] = ()
    """Claims to check beside those that the release makes."""
    manifest_hash: str = ""
    reading: Reading = field(factory=Reading)


def verify(path: Path, asked: Question) -> list[Verification]:
    """Check each release at a path, or one data file, as far as what is given can show.

    Raises `CtdcError` where the question cannot be understood; what is wrong with the release is in
    the answer.
    """
    claims = [parse_claim(text) for text in asked.claims]
    found = find_releases(path)
    book = load_codebook(asked.codebook, asked.registry.rules) if asked.codebook else None
    if found and asked.manifest_hash and len(found) > 1:
        raise CtdcError(
            "--manifest-hash is of one release, and there are several",
            help=f"give one of {one_of(str(one.folder) for one in found)}",
        )
    if found:
        return [_of_release(one, book, claims, asked) for one in found]
    if book is None:
        raise CtdcError("a data file says nothing of its variables", help="give --codebook with it")
    if asked.manifest_hash:
        raise CtdcError("--manifest-hash is of a release.json, and this is one data file")
    return [_of_file(path, book, claims, asked)]


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


def _of_file(path: Path, book: Codebook, claims: Sequence[Claim], asked: Question) -> Verification:
    checks: list[Check] = []
    original, previous = _original(asked, book), _previous(asked, book, claims)
    try:
        prepared, _ = prepare(path, book, asked.registry, asked.reading, book.k)
    except DataError as error:
        return Verification(name=path.name, checks=(fails("codebook", error.message),))
    parts = [published_of(prepared.table)]
    checks += [
        not_checked("files", "a data file alone has no release.json that could be compared"),
        *check_content(book, parts),
        *check_claims([on_variables(claim, book) for claim in claims], book, parts, original),
    ]
    if not claims:
        checks.append(not_checked("claims", "none were given: see --claim"))
    if previous is not None:
        checks += check_previous(previous, (claims, parts), book.k)
    return Verification(name=path.name, checks=tuple(checks))


def _of_release(
    found: Found, book: Codebook | None, claims: Sequence[Claim], asked: Question
) -> Verification:
    checks: list[Check] = []

    def so_far() -> Verification:
        return Verification(name=found.name, checks=tuple(checks))

    try:
        manifest = read_manifest(found.folder)
        checks.append(check_seal(manifest.digest, kept_hashes(found, asked.manifest_hash)))
        hashes, extra = hash_files(found.folder, manifest.files)
    except DataError as error:
        checks.append(fails("release.json itself", error.message))
        return so_far()
    checks += check_files(manifest.files, hashes, extra)
    if found.private is None and (found.folder / CHECKLIST).is_file():
        message = "people fill it in, so that release.json does not list its SHA-256"
        checks.append(not_checked(CHECKLIST, message))
    given = book or _shipped(manifest.codebook, manifest.codebook_sha256, asked.registry)
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
    original, previous = _original(asked, given), _previous(asked, given, claims)
    try:
        parts = read_parts(found.folder, list(manifest.files), given)
    except DataError as error:
        checks.append(fails("data files", error.message))
        return so_far()
    checks += check_content(given, parts, mixes_levels=manifest.mixes_levels)
    every = list(
        dict.fromkeys([*manifest.claims, *(on_variables(claim, given) for claim in claims)])
    )
    checks += check_claims(every, given, parts, original)
    if not every:
        checks.append(not_checked("claims", "it makes none, and none were given: see --claim"))
    if previous is not None:
        checks += check_previous(previous, (every, parts), given.k)
    if manifest.accepted:
        message = f"the gate would have refused it; it was accepted, because: {manifest.accepted}"
        checks.append(not_checked("accepted by the steward", message))
    return so_far()


def _shipped(name: str, digest: str, registry: Registry) -> Codebook | None:
    """Give the shipped codebook of that name, if it is the very one."""
    path = shipped_codebooks().get(name)
    book = None if path is None else load_codebook(path, registry.rules)
    return book if book is not None and book.digest == digest else None


def _original(asked: Question, book: Codebook) -> AnyOriginal | None:
    if asked.data is None:
        return None
    prepared, _ = prepare(asked.data, book, asked.registry, asked.reading, book.k)
    return original_of(prepared.table)


def _previous(asked: Question, book: Codebook, claims: Sequence[Claim]) -> Held | None:
    """Read an earlier release; a data file is taken to make the claims that were given."""
    if asked.previous is None:
        return None
    found = find_releases(asked.previous)
    if not found:
        prepared, _ = prepare(asked.previous, book, asked.registry, asked.reading, book.k)
        return claims, [published_of(prepared.table)]
    if len(found) > 1:
        raise CtdcError(
            f"{asked.previous} holds several releases",
            help=f"give one of {one_of(str(one.folder) for one in found)} as --previous",
        )
    manifest = read_manifest(found[0].folder)
    return manifest.claims, read_parts(found[0].folder, list(manifest.files), book)
