"""Write beside the place and rename at the end: nothing half-written stands where one looks.

What is being written is readable by its owner only until it is whole. A run that was killed cannot
clear up; the next one beside it does, as the name says which process on which host was at work.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ctdc_framework.errors import CtdcError

RELEASE = "release.json"
LOG = "log.json"


@contextlib.contextmanager
def writing_directory(out: Path, *, replace: bool) -> Iterator[Path]:
    """Give a directory to write in, which becomes `out` when all went well, and else vanishes.

    `replace` allows `out` to be there if it holds a run of ours. Raises `CtdcError` where it may
    not be written.
    """
    out = Path(os.path.realpath(out))  # a link is to lead to the new run, and not to nowhere
    check_writable(out, replace=replace)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        clear_away(out.parent)
        work = Path(tempfile.mkdtemp(prefix=_prefix(out.name), suffix=".part", dir=out.parent))
    except OSError as error:
        raise _cannot_write(out, error) from None
    try:
        yield work
        check_writable(out, replace=replace)  # another run may have been quicker
        if out.exists():
            _replace(out, work)
        else:
            work.rename(out)
        out.chmod(0o777 & ~_umask())  # once it is whole, and not before
    except OSError as error:
        raise _cannot_write(out, error) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _replace(out: Path, work: Path) -> None:
    """Put `work` in the place of `out`, which is removed only when that is done."""
    old = work.with_suffix(".old")
    out.rename(old)
    try:
        work.rename(out)
    except BaseException:
        old.rename(out)
        raise
    try:
        shutil.rmtree(old)
    except OSError:
        raise CtdcError(
            f"{out} was written, but the earlier run cannot be removed", help=f"remove {old}"
        ) from None


@contextlib.contextmanager
def writing_file(out: Path, *, replace: bool) -> Iterator[Path]:
    """Give a path to write one private file at, which becomes `out`, readable by its owner only."""
    out = out.absolute()
    if os.path.lexists(out) and not replace:
        raise CtdcError(f"{out} is there already", help="give another --out, or --force")
    with _beside(out) as work:
        yield work


@contextlib.contextmanager
def writing_public(out: Path) -> Iterator[Path]:
    """Give a path to write one file at that everybody may read; it replaces what is there."""
    with _beside(out.absolute()) as work:
        yield work
        work.chmod(0o666 & ~_umask())


@contextlib.contextmanager
def _beside(out: Path) -> Iterator[Path]:
    try:
        clear_away(out.parent)
        handle, name = tempfile.mkstemp(
            prefix=_prefix(out.stem), suffix=f".part{out.suffix}", dir=out.parent
        )
    except OSError as error:
        raise _cannot_write(out, error) from None
    os.close(handle)
    try:
        yield Path(name)
        Path(name).rename(out)
    except OSError as error:
        raise _cannot_write(out, error) from None
    finally:
        Path(name).unlink(missing_ok=True)


def _prefix(name: str) -> str:
    return f".{name}.{_host()}-{os.getpid()}."


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:40] or "host"


def clear_away(folder: Path) -> None:
    """Remove what killed runs of this user on this host left in a folder; others' stays.

    An earlier run that was being replaced, and is not in its place again, is put back there.
    """
    if os.name != "posix":  # where asking whether a process lives may end it
        return
    ours = re.compile(
        rf"\.(?P<name>.+)\.{re.escape(_host())}-(?P<pid>\d+)\.[A-Za-z0-9_]+\.(?P<kind>part|old)"
        r"(\.\w+)?"
    )
    for path in folder.iterdir():
        matched = ours.fullmatch(path.name)
        if matched is None or _lives(int(matched["pid"])):
            continue
        place = folder / matched["name"]
        with contextlib.suppress(OSError):
            if path.lstat().st_uid != os.getuid():
                continue
            if matched["kind"] == "old" and not os.path.lexists(place):
                path.rename(place)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def check_writable(out: Path, *, replace: bool) -> None:
    """Say early that a directory may not be written; raises `CtdcError`."""
    if not os.path.exists(out):  # Path.exists raises where it may not look
        return
    ours = _is_ours(out / "private" / LOG) or _is_ours(out / "release" / RELEASE)
    if not replace:
        help = "give another --out, or --force to replace it" if ours else "give another --out"
        raise CtdcError(f"{out} is there already", help=help)
    if not ours:
        raise CtdcError(
            f"{out} is there already and holds no run of ctdc, so it is not replaced",
            help="give another --out",
        )


def _is_ours(path: Path) -> bool:
    """Tell a log or manifest of ours from another program's file of the same name."""
    try:
        held = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(held, dict) and held.get("format") == 1 and "codebook" in held


def _cannot_write(out: Path, error: OSError) -> CtdcError:
    return CtdcError(
        f"{out} cannot be written: {error.strerror or 'unknown reason'}",
        help="give an --out where you may write and there is room",
    )


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now
