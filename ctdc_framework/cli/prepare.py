"""`ctdc prepare`: raw records into the variables of a codebook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import harmless


def prepare(
    codebook: Annotated[str, typer.Option(help="a shipped codebook's name, or a path")],
    data: Annotated[Path, typer.Option(help="the data file")],
    out: Annotated[Path, typer.Option(help="to write: .csv, .parquet, .dta, .sav or .xlsx")],
    on_unknown: common.OnUnknown = "stop",
    drop_unknown: common.DropUnknown = False,
    delimiter: common.Delimiter = "",
    force: Annotated[bool, typer.Option("--force", help="replace the file")] = False,
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """Hold records against a codebook, apply its grouping rules, and write what comes of it.

    The file written is not protected: it is readable by its owner only.
    """
    from ctdc_framework import api

    registry = api.load_registry(without)
    book = api.load_codebook(codebook, registry.rules)
    reading = common.reading(on_unknown, drop_unknown, delimiter)
    with common.progress() as tell:
        tell("reading and preparing", 0, None)
        prepared, _ = api.prepare(data, book, registry, reading)
        tell("writing", 0, None)
        api.write_prepared(prepared, out, force=force)
    notes = [
        {"code": note.code, "severity": note.severity.value, "message": note.message}
        for note in prepared.notes
    ]
    if as_json:
        common.print_json({"out": str(out), "codebook": book.id, "notes": notes})
        return
    for note in prepared.notes:
        typer.echo(harmless(f"{note.severity.value}: {note.message}"))
    typer.echo(f"prepared records, not protected: {out}")
