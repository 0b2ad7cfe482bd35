"""The commands of `ctdc codebook` but `check`, each a few lines over a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import CodebookError, CtdcError, Exit, harmless

Source = Annotated[str, typer.Argument(help="a shipped codebook's name, or a path")]
Id = Annotated[str, typer.Option("--id", help="the new codebook's name; as its file's")]


def new(
    id: Annotated[str, typer.Argument(help="the codebook's name, as its file's without .toml")],
    out: common.Printed = Path("-"),
    force: common.Replace = False,
) -> None:
    """Write a small commented codebook to start from; it checks clean."""
    from ctdc_framework.drafting.draft import starter

    common.deliver(starter(id), out, force=force)


def infer(
    data: Annotated[Path, typer.Argument(help="a data file")],
    id: Id = "",
    k: Annotated[int, typer.Option(help="no value held by fewer rows is copied", min=2)] = 10,
    out: common.Printed = Path("-"),
    delimiter: common.Delimiter = "",
    force: common.Replace = False,
) -> None:
    """Draft a codebook from a data file, and say what was guessed.

    The draft has status = "draft": a run refuses it until somebody has looked at every line, as
    data must not teach a domain unseen.
    """
    from ctdc_framework.drafting.draft import infer as draft
    from ctdc_framework.records.files import read_raw

    reading = common.reading("stop", False, delimiter)
    made = draft(read_raw(data, reading.delimiter), id or _id_of(data), k)
    common.deliver(made.text, out, force=force)
    for guess in made.guesses:
        typer.echo(harmless(f"{guess.column}: {guess.what}: {guess.why}"), err=True)


def fmt(
    path: Annotated[Path, typer.Argument(help="the codebook")],
    check: Annotated[
        bool, typer.Option("--check", help="only tell whether it would change")
    ] = False,
) -> None:
    """Put a codebook into normal form, keeping every comment."""
    from ctdc_framework.language.format import format_codebook

    text = _text_of(path)
    made = format_codebook(text, str(path))
    if made == text:
        typer.echo(f"{path}: is in normal form")
    elif check:
        typer.echo(f"{path}: would change")
        raise typer.Exit(Exit.USER)
    else:
        common.deliver(made, path, force=True)


def diff(
    old: Annotated[str, typer.Argument(help="the earlier codebook")],
    new: Annotated[str, typer.Argument(help="the later one")],
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """Tell what changed between two codebooks, what is coarser or laxer, and the version step."""
    from ctdc_framework.cli.rules import Rules
    from ctdc_framework.difference import changes
    from ctdc_framework.language.load import load_codebook

    rules = Rules(without)
    found = changes.compare_codebooks(load_codebook(old, rules), load_codebook(new, rules))
    if as_json:
        common.print_json(changes.as_json(found))
    else:
        typer.echo(harmless(changes.as_text(found)))


def schema(
    what: Annotated[
        Literal["codebook", "plan"], typer.Argument(help="of which files")
    ] = "codebook",
    out: common.Printed = Path("-"),
    without: common.Without = [],  # noqa: B006
    force: common.Replace = False,
) -> None:
    """Write the JSON Schema of codebooks or plans, for editors that help while one types."""
    from ctdc_framework import json_schema
    from ctdc_framework.cli.rules import Rules

    rules = Rules(without)
    made = json_schema.plan_schema() if what == "plan" else json_schema.codebook_schema(rules)
    common.deliver(_json(made), out, force=force)


def render(
    source: Source,
    format: Annotated[
        Literal["md", "html", "pdf"], typer.Argument(help="Markdown, one page, or a book")
    ] = "html",
    data: Annotated[
        Path | None, typer.Option(help="a release's data.csv, whose counts are shown, rounded")
    ] = None,
    out: common.Printed = Path("-"),
    without: common.Without = [],  # noqa: B006
    force: common.Replace = False,
) -> None:
    """Print a codebook as a document: every variable, value, caveat, note and grouping rule."""
    from ctdc_framework import documents
    from ctdc_framework.cli.rules import Rules
    from ctdc_framework.language.load import load_codebook

    rules = Rules(without)
    book = load_codebook(source, rules)
    counts = documents.counts_of(data, book) if data is not None else None
    ways: Mapping[str, Any] = {
        "md": documents.as_markdown,
        "html": documents.as_html,
        "pdf": documents.as_pdf,
    }
    common.deliver(ways[format](book, counts, rules), out, force=force)


def export(
    source: Source,
    format: Annotated[
        Literal["frictionless", "csvw", "ddi", "redcap", "record-schema", "arx-hierarchies"],
        typer.Argument(help="the other program's format"),
    ],
    hierarchy: Annotated[str, typer.Option(help="which one, for arx-hierarchies")] = "",
    out: common.Printed = Path("-"),
    without: common.Without = [],  # noqa: B006
    force: common.Replace = False,
) -> None:
    """Hand a codebook to another program."""
    from ctdc_framework.cli.rules import Rules
    from ctdc_framework.exchange import arx, csvw, ddi, frictionless, record_schema, redcap
    from ctdc_framework.language.load import load_codebook

    rules = Rules(without)
    book = load_codebook(source, rules)
    if format == "frictionless":
        made = _json(frictionless.export(book))
    elif format == "csvw":
        made = _json(csvw.export(book, "data.csv"))
    elif format == "ddi":
        made = ddi.export(book, None, rules)
    elif format == "redcap":
        made = redcap.export(book)
    elif format == "record-schema":
        made = _json(record_schema.export(book))
    else:
        made = arx.export(book, hierarchy)
    common.deliver(made, out, force=force)


def import_(
    format: Annotated[
        Literal["frictionless", "redcap"], typer.Argument(help="the other program's format")
    ],
    path: Annotated[Path, typer.Argument(help="datapackage.json, or a data dictionary")],
    id: Id = "",
    out: common.Printed = Path("-"),
    force: common.Replace = False,
) -> None:
    """Draft a codebook from another program's description; roles are left to be decided."""
    import json

    from ctdc_framework.exchange import frictionless, redcap_import

    text = _text_of(path)
    name = id or _id_of(path)
    if format == "redcap":
        common.deliver(redcap_import.import_dictionary(text, name), out, force=force)
        return
    try:
        package = json.loads(text)
    except ValueError:
        raise CtdcError(f"{path} is not JSON") from None
    common.deliver(frictionless.import_package(package, name), out, force=force)


def show(
    source: Source,
    origin: Annotated[
        bool, typer.Option("--origin", help="say of each line in which file and line it stands")
    ] = False,
    as_json: common.AsJson = False,
) -> None:
    """Show a codebook with everything that it extends, as it stands in the end."""
    from ctdc_framework.language import show as codebook_show
    from ctdc_framework.language.inheritance import inherit
    from ctdc_framework.language.load import find_codebook, shipped_codebooks
    from ctdc_framework.toml.file import read_toml

    file, _ = inherit(read_toml(find_codebook(source), CodebookError, "CB"), shipped_codebooks())
    if as_json:
        common.print_json(codebook_show.as_json(file, origin=origin))
    else:
        typer.echo(harmless("\n".join(codebook_show.show(file, origin=origin))))


def explain(
    code: Annotated[str, typer.Argument(help="a code that a message showed, such as CB013")],
) -> None:
    """Explain a code, with an example of wrong and right."""
    from ctdc_framework.problems import diagnostics

    typer.echo(diagnostics.explain(code).render())


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _id_of(path: Path) -> str:
    """Make a codebook's name of a file's."""
    stem = path.name.split(".")[0].lower()
    return "".join(one if one.isascii() and one.isalnum() else "-" for one in stem).strip("-")


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CodebookError(f"{path} is not UTF-8 text", help="save it as UTF-8") from None
    except OSError as error:
        raise CodebookError(f"{path} cannot be read: {error.strerror}") from None


COMMANDS: Mapping[str, Callable[..., None]] = {
    "new": new,
    "infer": infer,
    "fmt": fmt,
    "diff": diff,
    "schema": schema,
    "render": render,
    "export": export,
    "import": import_,
    "show": show,
    "explain": explain,
}
