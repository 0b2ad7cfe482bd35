"""`ctdc codebook`: check a codebook."""

from __future__ import annotations

from typing import Annotated

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import CodebookError, Exit

app = typer.Typer(help="Work with codebooks.", no_args_is_help=True)


@app.callback()
def codebook() -> None:
    """Work with codebooks."""


@app.command()
def check(
    source: Annotated[str, typer.Argument(help="a shipped codebook's name, or a path")],
    strict: Annotated[bool, typer.Option("--strict", help="warnings fail too")] = False,
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """Name every mistake in a codebook by line and column."""
    from ctdc_framework import registry
    from ctdc_framework.codebook_io import check_codebook

    rules = registry.load(without=without).rules
    try:
        book, problems = check_codebook(source, rules)
    except CodebookError as error:  # it cannot even be read, so there is no codebook to go on with
        if not (as_json and error.problems):
            raise
        book, problems = None, error.problems
    if as_json:
        common.print_json(common.problems_as_json(problems))
    else:
        for problem in problems:
            typer.echo(problem.render())
        if book is not None and not problems:
            typer.echo(
                f"{book.id} {book.header.version}: {len(book.variables)} variables, "
                f"{len(book.inputs)} inputs, {len(book.rules)} rules: no problems"
            )
    if book is None or (strict and problems):
        raise typer.Exit(Exit.USER)
