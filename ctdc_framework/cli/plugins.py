"""`ctdc plugins`: what is installed, and what its parameters are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import CtdcError, Exit, PluginError, did_you_mean, one_of

if TYPE_CHECKING:
    from ctdc_framework.loading.registry import Registry
    from ctdc_framework.testing import Check

app = typer.Typer(help="See, check and start plugins.", no_args_is_help=True)


@app.command("list")
def list_plugins(
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """List plugins with what they offer, and why one is not used."""
    from ctdc_framework.loading import registry
    from ctdc_framework.plugin import CONTRACT

    found = registry.load(without=without)
    if as_json:
        common.print_json(
            {
                "contract": CONTRACT,
                "plugins": [
                    {
                        "name": one.name,
                        "distribution": one.distribution,
                        "version": one.version,
                        "strategies": one.strategies,
                        "measures": one.measures,
                        "rules": one.rules,
                        "commands": one.commands,
                        "broken": one.broken,
                    }
                    for one in found.plugins
                ],
            }
        )
        return
    for one in found.plugins:
        typer.echo(f"{one.name} ({one.distribution} {one.version})".replace(" ( )", ""))
        if one.broken:
            typer.echo(f"  not used: {one.broken}")
        for name in one.strategies:
            strategy = found.strategies.get(name)
            typer.echo(f"  strategy {name}: {strategy.summary if strategy else 'offered twice'}")
        for name in one.measures:
            measure = found.measures.get(name)
            typer.echo(f"  measure {name}: {measure.summary if measure else 'offered twice'}")
        for name in one.rules:
            rule = found.rules.get(name)
            typer.echo(f"  rule {name}: {rule.summary if rule else 'offered twice'}")
        for name in one.commands:
            command = found.commands.get(name)
            typer.echo(f"  command {name}: {command.summary if command else 'offered twice'}")


@app.command()
def params(
    name: Annotated[str, typer.Argument(help="a strategy, a measure, or a rule of a plugin")],
    as_toml: Annotated[bool, typer.Option("--toml", help="as a commented TOML table")] = False,
    without: common.Without = [],  # noqa: B006
    as_json: common.AsJson = False,
) -> None:
    """Show the parameters of a strategy, measure or rule, with their defaults and bounds."""
    from ctdc_framework.loading import registry
    from ctdc_framework.loading.parameters import describe

    found = registry.load(without=without)
    thing = _thing(name, found)
    rows = describe(thing.params)
    if as_json:
        common.print_json([row.as_json() for row in rows])
    elif as_toml:
        typer.echo("\n".join(row.as_toml() for row in rows))
    else:
        typer.echo(f"{name}: {thing.summary}")
        for row in rows:
            typer.echo(f"  {row.key} = {row.default}  {row.kind}{row.bounds}\n      {row.help}")
        for preset, sets in getattr(thing, "presets", {}).items():
            told = ", ".join(f"{key} = {value}" for key, value in sets.items())
            typer.echo(f"  preset {preset}: {told}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="what users will write, such as two-way-swapping")],
    dir: Annotated[Path, typer.Option(help="the folder to make it in")] = Path(),
) -> None:
    """Start a plugin: a distribution with a strategy, a measure, and their test."""
    from ctdc_framework import scaffold
    from ctdc_framework.loading import registry

    name = name.removeprefix("ctdc-")
    files = scaffold.distribution(name)
    found = registry.load()
    if name in {*(one.name for one in found.plugins), *found.strategies, *found.measures}:
        raise CtdcError(f"there is a `{name}` already", help="see ctdc plugins list")
    folder = dir / f"ctdc-{name}"
    try:
        folder.mkdir(parents=True)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise CtdcError(f"{folder} is there already", help="give another name or --dir") from None
    except OSError as error:
        raise CtdcError(f"{folder} cannot be written: {error.strerror}") from None
    for path in files:
        typer.echo(f"wrote {folder / path}")
    typer.echo(f"next: pip install -e {folder}, then ctdc plugins check {name}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="a plugin, or a strategy, measure or rule of one")],
    param: Annotated[
        list[str], typer.Option(help="a parameter to try it with, key=value; may be repeated")
    ] = [],  # noqa: B006
    codebook: Annotated[
        str, typer.Option(help="the codebook to make records for; the kit's own if left out")
    ] = "",
    without: common.Without = [],  # noqa: B006
    as_json: common.AsJson = False,
) -> None:
    """Check that a plugin keeps the contract, on made-up records.

    Exit code 1 where it does not.
    """
    from ctdc_framework import testing
    from ctdc_framework.language.load import load_codebook
    from ctdc_framework.loading import registry
    from ctdc_framework.plans.entries import entry_of_options

    found = registry.load(without=without)
    given = entry_of_options([name], param).stages[0].params if param else {}
    book = load_codebook(codebook, found.rules) if codebook else testing.sample_codebook()
    offers = testing.checks_of_installed(name, found, given, book)
    told: list[dict[str, Any]] = []
    for offer in offers:
        if not as_json:
            typer.echo(f"{offer.kind} {offer.name}")
        for one in offer.checks:
            started = time.perf_counter()
            broken = _broken(one)
            seconds = time.perf_counter() - started
            told.append({"kind": offer.kind, "name": offer.name, "check": one.name,
                         "holds": not broken, "broken": broken})  # fmt: skip
            if not as_json:
                typer.echo(f"  {'broken' if broken else 'holds '}  {one.name:30}{seconds:6.1f} s")
                typer.echo(f"    {one.promise}\n    {broken}" if broken else "", nl=bool(broken))
    failed = sum(not one["holds"] for one in told)
    if as_json:
        untried = [
            {"kind": offer.kind, "name": offer.name, "why": offer.untried}
            for offer in offers
            if offer.untried
        ]
        common.print_json({"checks": told, "untried": untried})
    elif not offers:
        typer.echo("it offers no strategy, measure or rule, and there is nothing to check")
    elif told:
        typer.echo(f"{len(told) - failed} of {len(told)} checks hold")
    for offer in () if as_json else (one for one in offers if one.untried):
        help = f"ctdc plugins check {offer.name} --codebook ... --param key=value"
        typer.echo(f"{offer.kind} {offer.name} was not tried: name its columns, by {help}")
    if failed:
        raise typer.Exit(Exit.USER)


def is_foreign(words: list[str]) -> bool:
    """Tell whether a command line begins with a word that is none of ctdc's own."""
    from ctdc_framework.shipped import OWN_COMMANDS

    return bool(words) and not words[0].startswith("-") and words[0] not in OWN_COMMANDS


def call_foreign(words: list[str]) -> None:
    """Call the command of a plugin and exit as it does; return where no plugin has it.

    Raises `PluginError` where it cannot be loaded, or two plugins offer it.
    """
    from importlib import import_module

    from ctdc_framework.loading import registry

    name, *rest = words
    found = registry.load()
    if not any(name in plugin.commands for plugin in found.plugins):
        return
    command = found.command(name)
    module, _, attribute = command.app.partition(":")
    try:
        application = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"command `{name}` cannot be loaded: {type(error).__name__}",
            help=f"report it to the authors; it names {command.app}",
        ) from None
    application(args=rest, prog_name=f"ctdc {name}")


def _broken(check: Check) -> str:
    """Call a check; say how it fails, if it does."""
    from ctdc_framework.testing import Broken

    try:
        check()
    except Broken as error:
        return str(error)
    return ""


def _thing(name: str, found: Registry) -> Any:
    """Find what has parameters by name; raises `PluginError` where there is none, or are two."""
    if any(name in one.measures for one in found.plugins):
        return found.measure(name)
    if any(name in one.strategies for one in found.plugins):
        return found.strategy(name)
    if any(name in one.rules for one in found.plugins):
        return found.rule(name)
    known = [*found.strategies, *found.measures]
    help = did_you_mean(name, known) or f"there are {one_of(known, most=30)}"
    raise PluginError(f"no strategy or measure is called `{name}`", help=help)
