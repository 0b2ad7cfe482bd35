"""`ctdc compare`: several ways of publishing beside one another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import Exit


def compare(
    plan: Annotated[Path, typer.Argument(help="the plan")],
    out: common.Out,
    data: Annotated[Path | None, typer.Option(help="the data file, if not the plan's")] = None,
    seed: common.Seed = None,
    write_releases: Annotated[
        bool, typer.Option("--write-releases", help="write each candidate that may be released")
    ] = False,
    on_unknown: common.OnUnknown = "stop",
    drop_unknown: common.DropUnknown = False,
    delimiter: common.Delimiter = "",
    force: common.Force = False,
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """Run every candidate of a plan and show risk beside utility.

    Writes OUT/private/report.html with exact figures and OUT/release/report.html with what may be
    public; with --write-releases also OUT/release/CANDIDATE. Exit code 4 tells that a measure
    failed; the rest is complete.
    """
    from attrs import evolve

    from ctdc_framework import api

    registry = api.load_registry(without)
    chosen = api.read_plan(plan, registry)
    chosen = chosen if data is None else evolve(chosen, data=data)
    with common.progress() as tell:
        outcome = api.execute(
            chosen,
            out,
            registry,
            releases="each" if write_releases else "none",
            command=common.command_line(),
            seed=seed,
            reading=common.reading(on_unknown, drop_unknown, delimiter),
            force=force,
            tell=tell,
        )
    what = [f"look at, privately: {out / 'private' / 'report.html'}"]
    if (out / "release").is_dir():  # nothing is published by a draft
        what.insert(0, f"may be published:  {out / 'release'}")
    common.show(outcome, as_json=as_json, what=what)
    if outcome.comparison.gaps:
        raise typer.Exit(Exit.GAPS)
