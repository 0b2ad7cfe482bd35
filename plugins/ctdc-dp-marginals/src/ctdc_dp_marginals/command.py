"""`ctdc dp-ledger`: start a ledger, and see what has been spent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctdc_framework.plugin import StrategyError

app = typer.Typer(help="Keep account of differentially private releases.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="the ledger of one set of records")]


@app.command()
def new(
    file: File,
    epsilon: Annotated[float, typer.Option(help="what all releases together may spend")],
    delta: Annotated[float, typer.Option(help="at which delta that is counted")],
) -> None:
    """Start a ledger with a budget."""
    from ctdc_dp_marginals import ledger

    try:
        ledger.start(file, ledger.Ledger(epsilon=epsilon, delta=delta))
    except ValueError:
        raise _stop("a budget has an epsilon above 0, and a delta between 0 and 1") from None
    except StrategyError as error:
        raise _stop(str(error)) from None
    typer.echo(f'wrote {file}: name it in a plan, as params = {{ ledger = "{file}" }}')


@app.command()
def show(file: File) -> None:
    """Show what each release has spent, and what is left."""
    from ctdc_dp_marginals import ledger

    try:
        held = ledger.read(file)
    except StrategyError as error:
        raise _stop(str(error)) from None
    for one in held.releases:
        typer.echo(
            f"{one.date}  {one.codebook}  {one.candidate}  rho = {one.rho:.4g}  "
            f"release.json {one.release[:12]}"
        )
    typer.echo(
        f"{len(held.releases)} entries: epsilon = {held.spent:.2f} of {held.epsilon:g} at "
        f"delta = {held.delta:g}"
    )


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)
