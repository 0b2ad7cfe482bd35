"""What several commands share: options, progress on a terminal, output."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ctdc_framework.errors import CtdcError, harmless

if TYPE_CHECKING:
    from ctdc_framework.api import Outcome, Reading
    from ctdc_framework.runs.compare import Tell

OnUnknown = Annotated[
    Literal["stop", "missing"],
    typer.Option(help="what to do with values outside their domain: stop, or take for missing"),
]
DropUnknown = Annotated[
    bool, typer.Option("--drop-unknown", help="leave out columns that the codebook does not know")
]
Delimiter = Annotated[
    str,
    typer.Option(help="what parts cells: a character or its name; comma in .csv, tab in .tsv"),
]
Without = Annotated[list[str], typer.Option(help="turn a plugin off; may be repeated")]
Force = Annotated[bool, typer.Option("--force", help="replace an earlier run at the same place")]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0, help="makes a run repeatable; keep it as secret as the records. Drawn if left out"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, for scripts")]
Printed = Annotated[Path, typer.Option("--out", help="the file to write; printed if left out")]
Replace = Annotated[bool, typer.Option("--force", help="replace the file")]
Out = Annotated[Path, typer.Option(help="the directory to write; it must not be there yet")]


DELIMITERS = {
    "\\t": "\t",
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    "vertical bar": "|",
}
"""Words for what a shell makes hard to type."""


def reading(on_unknown: str, drop_unknown: bool, delimiter: str) -> Reading:
    """Gather how a data file is read."""
    from ctdc_framework.api import Reading

    delimiter = DELIMITERS.get(delimiter.strip() or delimiter, delimiter)
    if len(delimiter) > 1:
        raise CtdcError(
            f"--delimiter {delimiter}: that is not one character",
            help="give comma, semicolon, tab or bar, or the character itself in quotation marks",
        )
    return Reading(
        on_unknown=on_unknown,  # type: ignore[arg-type]
        drop_unknown=drop_unknown,
        delimiter=delimiter,
    )


@contextlib.contextmanager
def progress() -> Iterator[Tell]:
    """Show what a command is busy with on a terminal, and nothing in a pipe."""
    if not sys.stderr.isatty():
        yield _nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=None)
        shown = [0.0]

        def tell(what: str, done: int, total: int | None = None) -> None:
            now = time.monotonic()
            if done == 0 or done == total or now - shown[0] > 0.1:
                shown[0] = now
                bar.update(task, description=what, completed=done, total=total)

        yield tell


def _nobody(what: str, done: int, total: int | None = None) -> None:
    """Report progress to nobody."""


def show(outcome: Outcome, *, as_json: bool, what: Sequence[str]) -> None:
    """Print a comparison and where things were written."""
    from ctdc_framework.reports import page as report

    if as_json:
        print_json(
            {
                "out": str(outcome.out),
                "release_json_sha256": outcome.hashes,
                "releases": sorted(outcome.hashes),
                "refused": {
                    verdict.name: verdict.reason
                    for verdict in outcome.comparison.verdicts
                    if verdict.reason and not verdict.is_control
                },
            }
        )
        return
    width = min(shutil.get_terminal_size().columns, 110)
    typer.echo(report.as_text(outcome.comparison, report.Details(notes=outcome.notes), width))
    for line in what:
        typer.echo(line)


def deliver(content: str | bytes, out: Path, *, force: bool) -> None:
    """Write what a command made to the file named, or print it where none is."""
    data = content.encode() if isinstance(content, str) else content
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        return
    if out.exists() and not force:
        raise CtdcError(f"{out} is there already", help="give another --out, or --force")
    beside = out.with_name(f".{out.name}.part")
    try:
        beside.write_bytes(data)
        beside.replace(out)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CtdcError(f"{out} cannot be written: {error.strerror}") from None
    typer.echo(f"wrote {out}", err=True)


def print_json(value: Any) -> None:
    """Print a value for scripts."""
    typer.echo(harmless(json.dumps(value, indent=2, ensure_ascii=False)))


def command_line() -> str:
    """Give the command for the private log, with file names and without folders."""
    words = (Path(word).name if "/" in word else word for word in sys.argv[1:])
    return " ".join(["ctdc", *words])
