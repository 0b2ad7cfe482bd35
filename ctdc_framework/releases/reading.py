"""Read a release that may have been tampered with: nothing in it is trusted.

A name in `release.json` may point elsewhere, a file may be a link, JSON may be nested without end.
What cannot be read is told in words, never as a fault of ours.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import field, frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import CtdcError, DataError
from ctdc_framework.promises.claims import Claim, parse_claim
from ctdc_framework.records.items import Item, Published
from ctdc_framework.releases import staging
from ctdc_framework.releases import writing as files

LARGEST = 1 << 24
"""Bytes of a `release.json` or `log.json` that are read; ours have some thousands."""

CHECKLIST = "checklist.md"
UNLISTED = {staging.RELEASE, CHECKLIST}
"""Files of a release that `release.json` does not list."""


@frozen(kw_only=True)
class Found:
    """One release on disk, and where what its run kept in private lies."""

    name: str
    folder: Path
    private: Path | None = None


@frozen(kw_only=True)
class Manifest:
    """What `release.json` says, as far as a verification needs it."""

    candidate: str
    codebook: str
    codebook_sha256: str
    claims: tuple[Claim, ...]
    files: Mapping[str, str]
    mixes_levels: bool = False
    accepted: str = ""
    digest: str = field(kw_only=True)


def find_releases(path: Path) -> list[Found]:
    """Find the releases at a path: a release, a run's folder, or that of a comparison.

    Gives none where it is something else, such as a data file; raises `CtdcError` where there is
    nothing.
    """
    if not os.path.exists(path):
        raise CtdcError(f"there is nothing at {path}", help="check the path")
    if not path.is_dir():
        return []
    if (path / staging.RELEASE).is_file():
        beside = path.parent / "private" if path.name == "release" else None
        kept = beside if beside is not None and _is_open(beside) else None
        return [Found(name=path.resolve().name, folder=path, private=kept)]
    inner = path / "release" if (path / "release").is_dir() else path
    kept = path / "private" if _is_open(path / "private") else None
    if (inner / staging.RELEASE).is_file():
        return [Found(name=path.resolve().name, folder=inner, private=kept)]
    found = [
        Found(name=one.name, folder=one, private=kept)
        for one in sorted(inner.iterdir())
        if (one / staging.RELEASE).is_file()
    ]
    if not found:
        raise CtdcError(
            f"{path} holds no release: there is no {staging.RELEASE}",
            help="give the folder of a run, its release/ folder, or one data file with --codebook",
        )
    return found


def _is_open(folder: Path) -> bool:
    """Tell whether a folder can be read: a colleague's private/ is there, and shut to others."""
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)


def read_manifest(folder: Path) -> Manifest:
    """Read `release.json`; raises `DataError` where it is not as ctdc writes it."""
    path = folder / staging.RELEASE
    held = _read_json(path)
    problems: list[str] = []

    def take(source: Any, key: str, kind: type) -> Any:
        value = source.get(key) if isinstance(source, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            problems.append(f"`{key}` is missing, or is not what it should be")
            return kind()
        return value

    if take(held, "format", int) != 1:
        problems.append("its format is not 1, the one that this version reads")
    book = take(held, "codebook", dict)
    listed = take(held, "files", dict)
    if not all(_is_inside(name) and isinstance(value, str) for name, value in listed.items()):
        problems.append("`files` names what is no file of a release")
    claims: list[Claim] = []
    for one in take(held, "claims", list):
        try:
            claims.append(parse_claim(take(one, "claim", str)))
        except CtdcError as error:
            problems.append(error.message)
    stages = take(held, "stages", list)
    accepted = held.get("accepted") if isinstance(held, dict) else None
    manifest = Manifest(
        candidate=take(held, "candidate", str),
        codebook=take(book, "id", str),
        codebook_sha256=take(book, "sha256", str),
        claims=tuple(claims),
        files=listed,
        mixes_levels=any(isinstance(one, dict) and one.get("mixes_levels") is True
                         for one in stages),
        accepted=str(accepted.get("note", "")) if isinstance(accepted, dict) else "",
        digest=files.digest(path),
    )  # fmt: skip
    if problems:
        raise DataError(f"{staging.RELEASE} is not as ctdc writes it: {'; '.join(problems[:5])}")
    return manifest


def _is_inside(name: object) -> bool:
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def _read_json(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise DataError(f"{path.name} is larger than any that ctdc writes")
        return json.loads(content)
    except OSError as error:
        raise DataError(
            f"{path.name} cannot be read: {error.strerror or 'unknown reason'}"
        ) from None
    except (ValueError, RecursionError):
        raise DataError(f"{path.name} is no JSON that can be read") from None


def kept_hashes(found: Found, given: str) -> dict[str, str]:
    """Give what other places keep as the SHA-256 of `release.json`, each with where it stands."""
    kept = {"--manifest-hash": given.strip().lower()} if given else {}
    log = None if found.private is None else found.private / staging.LOG
    if log is None or not log.is_file():
        return kept
    held = _read_json(log)
    known = held.get("release_json_sha256") if isinstance(held, dict) else None
    hashes = known if isinstance(known, dict) else {}
    # The log of a run of one candidate has one; that of a comparison names each folder.
    whose = hashes.get(found.name) if found.folder.name == found.name else None
    digest = whose or (next(iter(hashes.values())) if len(hashes) == 1 else None)
    return kept | {"private/log.json": digest if isinstance(digest, str) else "none"}


def hash_files(folder: Path, listed: Mapping[str, str]) -> tuple[dict[str, str | None], list[str]]:
    """Give each listed file's SHA-256, None for what is no plain file, and the unlisted names."""
    found: dict[str, str | None] = {}
    for name in listed:
        path = folder / name
        plain = path.is_file() and not _is_link(folder, name)
        try:
            found[name] = files.digest(path) if plain else None
        except OSError:
            found[name] = None
    there = (one for one in folder.rglob("*") if one.is_symlink() or not one.is_dir())
    names = {one.relative_to(folder).as_posix() for one in there}
    unlisted = {name for name in UNLISTED if not _is_link(folder, name)}
    return found, sorted(names - set(listed) - unlisted)


def _is_link(folder: Path, name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(folder.joinpath(*parts[:n]).is_symlink() for n in range(1, len(parts) + 1))


def read_parts(folder: Path, names: Sequence[str], codebook: Codebook) -> list[Published]:
    """Read the data files of a release as plain items, by the names that `release.json` lists.

    Raises `DataError` where one cannot be read, or shows other than its twin: the same in Parquet,
    and a table laid out wide what the table of combinations holds.
    """
    parts = {
        name.removesuffix(".csv"): read_part(folder / name, codebook)
        for name in names
        if name == files.DATA or (name.startswith("tables/combinations-") and name.endswith(".csv"))
    }
    for name in names:
        if not name.endswith(".parquet"):
            continue
        twin = read_part(folder / name, codebook)
        part = parts.get(name.removesuffix(".parquet"), Published())
        if (part.records, part.combinations) != (twin.records, twin.combinations):
            raise DataError(f"{name} does not hold what is in the CSV file of the same name")
    counts = {
        frozenset(items): count
        for part in parts.values()
        for items, count in part.combinations or ()
    }
    for name in names:
        if name.startswith("tables/wide-") and not _agrees(folder / name, counts):
            raise DataError(f"{name} shows counts that the table of combinations does not hold")
    return list(parts.values())


def _agrees(path: Path, counts: Mapping[frozenset[Item], int]) -> bool:
    try:
        return path.is_file() and all(counts.get(i) == n for i, n in files.read_wide(path))
    except (ValueError, IndexError, StopIteration, csv.Error, OSError):
        return False


def read_part(path: Path, codebook: Codebook) -> Published:
    """Read one data file as `writing.read_back` does; raises `DataError` for what is none."""
    import pyarrow as pa

    if not path.is_file():  # a pipe would be waited for
        raise DataError(f"{path.name} is missing, or no plain file")
    try:
        return files.read_back(path, codebook)
    except CtdcError:
        raise DataError(f"{path.name} is no table of this codebook's variables") from None
    except (ValueError, IndexError, StopIteration, csv.Error, OSError, pa.ArrowException):
        raise DataError(f"{path.name} cannot be read as a table") from None
