"""`ctdc run`: one de-identified release, with its private report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import Place, PlanError, Problem

if TYPE_CHECKING:
    from ctdc_framework.toml.convert import Fault


def run(
    out: common.Out,
    plan: Annotated[Path | None, typer.Argument(help="a plan; or give the options below")] = None,
    candidate: Annotated[str, typer.Option(help="which candidate of the plan")] = "",
    codebook: Annotated[str, typer.Option(help="a shipped codebook's name, or a path")] = "",
    data: Annotated[Path | None, typer.Option(help="the data file")] = None,
    strategy: Annotated[
        list[str], typer.Option(help="a strategy; several are run one after another")
    ] = [],  # noqa: B006 - typer's way to say: none
    param: Annotated[
        list[str], typer.Option(help="key=value, or strategy.key=value where there are several")
    ] = [],  # noqa: B006
    tables: Annotated[
        int, typer.Option(help="add rounded tables of combinations up to this length", min=0, max=6)
    ] = 0,
    seed: common.Seed = None,
    on_unknown: common.OnUnknown = "stop",
    drop_unknown: common.DropUnknown = False,
    delimiter: common.Delimiter = "",
    force: common.Force = False,
    accept: Annotated[
        str,
        typer.Option(help="why a refusal that may be overridden is right; told in release.json"),
    ] = "",
    without: common.Without = [],  # noqa: B006
    as_json: common.AsJson = False,
) -> None:
    """Prepare records, protect them by one strategy or chain, check what it claims, and write it.

    Writes OUT/release, which may be published, and OUT/private, which may not. Nothing is written
    where a claim does not hold (exit code 3).
    """
    from attrs import evolve

    from ctdc_framework import api
    from ctdc_framework.runs.compare import ANCHORS

    registry = api.load_registry(without)
    reading = common.reading(on_unknown, drop_unknown, delimiter)
    if plan is not None:
        if codebook or strategy or param or tables:
            raise PlanError(
                "a plan says codebook, strategies and parameters itself",
                help="give either a plan or --codebook, --data and --strategy",
            )
        chosen = api.read_plan(plan, registry, candidate)
        chosen = chosen if data is None else evolve(chosen, data=data)
    elif candidate:
        raise PlanError("--candidate chooses from a plan, and none is given", help="give a plan")
    else:
        chosen = _plan_of(codebook, data, strategy, param, tables, registry)
    with common.progress() as tell:
        outcome = api.execute(
            evolve(chosen, accept=accept.strip()),
            out,
            registry,
            releases="one",
            command=common.command_line(),
            seed=seed,
            reading=reading,
            force=force,
            controls=ANCHORS,
            tell=tell,
        )
    (digest,) = outcome.hashes.values()
    common.show(
        outcome,
        as_json=as_json,
        what=[
            f"may be published:  {out / 'release'}",
            f"look at, privately: {out / 'private' / 'report.html'}",
            f"release.json has SHA-256 {digest}",
        ],
    )


def _plan_of(
    codebook: str,
    data: Path | None,
    strategies: list[str],
    params: list[str],
    tables: int,
    registry: Any,
) -> Any:
    """Make the plan that the options describe: one candidate, no sweep."""
    from ctdc_framework.language.load import load_codebook
    from ctdc_framework.plans.entries import entry_of_options
    from ctdc_framework.plans.plan import Plan, bind_candidates, default_measures

    lacking = [
        option
        for option, value in (
            ("--codebook", codebook),
            ("--data", data),
            ("--strategy", strategies),
        )
        if not value
    ]
    if lacking:
        raise PlanError(
            f"without a plan, a run needs {' and '.join(lacking)} too",
            help="give a plan, or --codebook, --data and --strategy; see ctdc run --help",
        )
    book = load_codebook(codebook, registry.rules)
    entry = entry_of_options(strategies, params, tables)
    candidates, faults = bind_candidates([entry], book, registry)
    if faults:
        raise PlanError(problems=[_problem(fault, strategies) for fault in faults])
    return Plan(
        codebook=book,
        candidates=tuple(candidates),
        measures=tuple(default_measures(registry)),
        data=data,
    )


def _problem(fault: Fault, strategies: list[str]) -> Problem:
    """Say which option a fault of the plan made of them is about."""
    place = None
    match fault.path:
        case ("candidates", 0, "stages", int(number), "params", str(key), *_):
            whose = f"{strategies[number]}." if len(strategies) > 1 else ""
            place = Place(file=f"--param {whose}{key}")
        case ("candidates", 0, "stages", int(number), *_):
            place = Place(file=f"--strategy {strategies[number]}")
        case ("candidates", 0, "tables", *_):
            place = Place(file="--tables")
    return Problem(code=f"PL{fault.kind}", message=fault.message, help=fault.help, place=place)
