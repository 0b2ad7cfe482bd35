"""What a plan file, or a command line in its place, states: names and values, nothing looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import tomli
from attrs import frozen, validators

from ctdc_framework.contract.scenario import Scenario
from ctdc_framework.errors import PlanError, did_you_mean, one_of
from ctdc_framework.toml.convert import entry, matching

NAME = matching(
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}",
    "up to 64 letters, digits and . _ + -, the first a letter or digit",
)
"""Candidates and stages name folders and random streams, so their names are plain."""


@frozen(kw_only=True)
class PlanHeader:
    """What a plan is about."""

    codebook: str = entry("a shipped codebook's name, or a path from this file")
    data: str = entry("the data file, a path from this file", default="")
    seeds: int = entry(
        "runs of each candidate that draws at random",
        default=1,
        validator=[validators.ge(1), validators.le(100)],
    )
    holdout: float = entry(
        "share of the records that a second run of each candidate is made without, to attack "
        "members and them; 0: no such attacks",
        default=0.0,
        validator=[validators.ge(0), validators.le(0.5)],
    )


@frozen(kw_only=True)
class StageEntry:
    """One step of a candidate, as the plan states it."""

    id: str = entry("the stage's name", validator=NAME)
    strategy: str = entry("the strategy's name")
    preset: str = entry(
        "the name that the strategy gives to some parameters; those in `params` come before",
        default="",
    )
    params: Mapping[str, Any] = entry("its parameters; a list on a single value is a sweep",
                                      factory=dict)  # fmt: skip


@frozen(kw_only=True)
class CandidateEntry:
    """One way of publishing, as the plan states it."""

    name: str = entry("the candidate's name", validator=NAME)
    stages: tuple[StageEntry, ...] = entry("steps from the original on", default=())
    tables: tuple[StageEntry, ...] = entry(
        "steps from the original to tables that are published beside the records", default=()
    )


@frozen(kw_only=True)
class MeasureEntry:
    """A measure, as the plan states it."""

    measure: str = entry("the measure's name")
    params: Mapping[str, Any] = entry("its parameters", factory=dict)


@frozen(kw_only=True)
class GateEntry:
    """What a candidate must reach to be fit for publishing."""

    measure: str = entry("a measure of this plan")
    slice: str = entry("the part it must hold for; all: every one", default="all")
    op: Literal["==", "<=", ">=", "<", ">"] = entry("how the score is held against the value")
    value: float = entry("the value")


@frozen(kw_only=True)
class PlanEntries:
    """A whole plan file."""

    plan: PlanHeader
    scenario: Scenario = Scenario()
    candidates: tuple[CandidateEntry, ...] = entry(
        "ways of publishing, each under [[candidates]]", validator=validators.min_len(1)
    )
    measures: tuple[MeasureEntry, ...] = ()
    gates: tuple[GateEntry, ...] = ()


def entry_of_options(
    strategies: Sequence[str], params: Sequence[str], tables: int = 0
) -> CandidateEntry:
    """State the one candidate that a command line describes.

    A parameter is `key=value`, or `strategy.key=value` where several strategies are chained; its
    value is written as in TOML, where a plain word is a text and a comma makes a list. `tables`
    adds floor-rounded tables of combinations up to that length, made from the original. Raises
    `PlanError`.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in strategies}
    for one in params:
        name, equals, text = one.partition("=")
        strategy, _, key = name.rpartition(".")
        if not equals or not key:
            raise PlanError(f"--param {one}: write key=value")
        if not strategy:
            if len(values) > 1:
                raise PlanError(
                    f"--param {one}: there are several strategies",
                    help=f"say whose it is: --param {strategies[0]}.{one}",
                )
            strategy = strategies[0]
        if strategy not in values:
            raise PlanError(
                f"--param {one}: `{strategy}` is none of the strategies",
                help=did_you_mean(strategy, strategies),
            )
        if key.strip() in values[strategy]:
            raise PlanError(
                f"--param {one}: `{key.strip()}` is given twice",
                help="give it once; several values are compared by a plan",
            )
        values[strategy][key.strip()] = _value(text.strip())
    try:
        stages = tuple(
            StageEntry(id=_id(name, strategies[:at]), strategy=name, params=values[name])
            for at, name in enumerate(strategies)
        )
    except ValueError:  # what is no name cannot be a strategy's
        raise PlanError(
            f"--strategy {one_of(strategies)}: strategies have names such as k-anonymization",
            help="see ctdc plugins list",
        ) from None
    beside: tuple[StageEntry, ...] = ()
    if tables:
        beside = (
            StageEntry(id="tables-count", strategy="tabulate", params={"length": tables}),
            StageEntry(id="tables-round", strategy="rounding"),
        )
    name = "+".join(strategies)[:64]
    return CandidateEntry(name=name, stages=stages, tables=beside)


def _id(name: str, before: Sequence[str]) -> str:
    return f"{name}-{before.count(name) + 1}" if name in before else name


def _value(text: str) -> Any:
    try:
        value = tomli.loads(f"value = {text}")
        if len(value) == 1:
            return value["value"]
    except (ValueError, RecursionError):
        pass
    return [part.strip() for part in text.split(",")] if "," in text else text
