"""A fault of ours, told without anybody's data: kinds of errors and lines of code, no texts."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path


def told(error: BaseException) -> str:
    """Say where a fault is, and in which private file its whole path through the code stands.

    The text of an exception may quote a record, so neither the message nor the file holds it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "ctdc" in frame.filename] or frames
    place = f"{ours[-1].name}, line {ours[-1].lineno}" if ours else "unknown place"
    message = f"ctdc has a fault: {type(error).__name__} in {place}"
    path = _written("\n".join(_traced(error)) + "\n")
    if path is None:
        return f"{message}\n  = help: please report this line; it holds nothing of your data"
    return (
        f"{message}\n  = help: please report this line and {path}: lines of code alone, nothing of "
        "your data"
    )


def _traced(error: BaseException) -> Iterator[str]:
    """Go through the errors that led to this one, the first one first."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _traced(before)
        yield ""
    yield type(error).__name__
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {Path(frame.filename).name}, line {frame.lineno}, {frame.name}: {frame.line}"


def _written(text: str) -> Path | None:
    """Write a file that only its owner may read, where a user's programs keep their logs."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local/state")
    try:
        folder = Path(home) / "ctdc"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="fault-", suffix=".txt", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError):
        return None
    return Path(name)
