"""`ctdc plan`: start a plan, check a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import CtdcError

app = typer.Typer(help="Start and check plans.", no_args_is_help=True)


@app.command()
def new(
    out: Annotated[Path, typer.Option(help="the file to write; printed if left out")] = Path("-"),
) -> None:
    """Write a commented plan to start from."""
    from ctdc_framework.demo import plan as demo_plan

    text = demo_plan.text()
    if str(out) == "-":
        typer.echo(text, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CtdcError(f"{out} is there already", help="give another --out") from None
    except OSError as error:
        raise CtdcError(
            f"{out} cannot be written: {error.strerror}",
            help="give an --out in a folder that is there and where you may write",
        ) from None
    typer.echo(f"wrote {out}")


@app.command()
def check(
    plan: Annotated[Path, typer.Argument(help="the plan")],
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """Check a plan, its codebook included, without reading any data."""
    from ctdc_framework import api
    from ctdc_framework.problems import formats as problem_formats

    registry = api.load_registry(without)
    try:
        found = api.read_plan(plan, registry)
    except CtdcError as error:
        if as_json and error.problems:
            common.print_json({"problems": problem_formats.as_json(error.problems)})
            raise typer.Exit(error.exit_code) from None
        raise
    names = [candidate.name for candidate in found.candidates]
    if as_json:
        common.print_json(
            {
                "problems": [],
                "codebook": found.codebook.id,
                "candidates": names,
                "below_k": [one.name for one in found.candidates if one.below_k],
                "measures": [one.measure.name for one in found.measures],
            }
        )
        return
    typer.echo(f"{plan}: fine")
    for candidate in found.candidates:
        typer.echo(f"  {candidate.name}" + (" (compared only)" if candidate.below_k else ""))
