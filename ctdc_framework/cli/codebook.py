"""`ctdc codebook check`: every mistake by line and column."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from ctdc_framework.cli import codebook_tools, common
from ctdc_framework.errors import CodebookError, Exit, Problem, harmless

app = typer.Typer(help="Work with codebooks.", no_args_is_help=True)


for _name, _command in codebook_tools.COMMANDS.items():
    app.command(_name)(_command)


@app.command()
def check(
    source: Annotated[str, typer.Argument(help="a shipped codebook's name, or a path")],
    strict: Annotated[bool, typer.Option("--strict", help="warnings fail too")] = False,
    format: Annotated[
        Literal["text", "json", "github", "sarif"], typer.Option(help="how problems are written")
    ] = "text",
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """Name every mistake in a codebook by line and column."""
    from ctdc_framework.cli.rules import Rules
    from ctdc_framework.language.load import check_codebook

    format = "json" if as_json else format

    try:
        book, problems = check_codebook(source, Rules(without))
    except CodebookError as error:  # it cannot even be read, so there is no codebook to go on with
        if not error.problems:
            raise
        book, problems = None, error.problems
    if format == "text":
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        for problem in problems:
            typer.echo(problem.render(columns))
        if book is not None and not problems:
            typer.echo(
                f"{book.id} {book.header.version}: {len(book.variables)} variables, "
                f"{len(book.inputs)} inputs, {len(book.rules)} rules: no problems"
            )
    else:
        _tell_programs(problems, format)
    if book is None or (strict and problems):
        raise typer.Exit(Exit.USER)


def _tell_programs(problems: Sequence[Problem], format: str) -> None:
    from ctdc_framework.problems import formats as problem_formats

    if format == "json":
        common.print_json(problem_formats.as_json(problems))
    elif format == "github":
        typer.echo(harmless(problem_formats.as_github(problems)))
    else:
        from importlib.metadata import version

        common.print_json(problem_formats.as_sarif(problems, version("ctdc-framework")))
