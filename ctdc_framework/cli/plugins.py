"""`ctdc plugins`: what is installed, and what its parameters are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import PluginError, did_you_mean, one_of

if TYPE_CHECKING:
    from ctdc_framework.registry import Registry

app = typer.Typer(help="See what is installed.", no_args_is_help=True)


@app.command("list")
def list_plugins(
    without: common.Without = [],  # noqa: B006 - typer's way to say: none
    as_json: common.AsJson = False,
) -> None:
    """List plugins with what they offer, and why one is not used."""
    from ctdc_framework import registry
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


@app.command()
def params(
    name: Annotated[str, typer.Argument(help="a strategy or a measure")],
    as_toml: Annotated[bool, typer.Option("--toml", help="as a commented TOML table")] = False,
    without: common.Without = [],  # noqa: B006
    as_json: common.AsJson = False,
) -> None:
    """Show the parameters of a strategy or measure, with their defaults and bounds."""
    from ctdc_framework import registry
    from ctdc_framework.parameters import describe

    found = registry.load(without=without)
    thing = _thing(name, found)
    rows = describe(thing.params)
    if as_json:
        common.print_json([row.as_json() for row in rows])
    elif as_toml:
        typer.echo("\n".join(row.as_toml() for row in rows))
    else:
        typer.echo(f"{thing.name}: {thing.summary}")
        for row in rows:
            typer.echo(f"  {row.key} = {row.default}  {row.kind}{row.bounds}\n      {row.help}")


def _thing(name: str, found: Registry) -> Any:
    """Find a strategy or a measure; raises `PluginError` where there is none, or are two."""
    if any(name in one.measures for one in found.plugins):
        return found.measure(name)
    if any(name in one.strategies for one in found.plugins):
        return found.strategy(name)
    known = [*found.strategies, *found.measures]
    help = did_you_mean(name, known) or f"there are {one_of(known, most=30)}"
    raise PluginError(f"no strategy or measure is called `{name}`", help=help)
