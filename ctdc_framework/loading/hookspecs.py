"""The hooks of contract 1. All collect: every plugin is asked, none ends the asking.

A hook asks everybody; an object answers for itself. So hooks hand out objects, or let plugins
judge and watch; what a strategy does is a function of the `Strategy` that it registered.
An implementation may name fewer arguments than its hook has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from ctdc_framework.codebook.model import Codebook
    from ctdc_framework.codebook.rules import Rule
    from ctdc_framework.contract.results import Note, Release, StageRecord
    from ctdc_framework.plugin import Command, Measure, Strategy

hookspec = pluggy.HookspecMarker("ctdc")


@hookspec
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:  # type: ignore[empty-body]
    """Offer privacy strategies.

    Called once, when the registry loads. Must be cheap: no data, no heavy imports. An exception
    disables this plugin only; `ctdc plugins list` shows why.
    """


@hookspec
def ctdc_register_measures() -> Iterable[Measure[Any]]:  # type: ignore[empty-body]
    """Offer measures of risk or utility. Called when and as strategies are."""


@hookspec
def ctdc_register_rules() -> Iterable[Rule[Any]]:  # type: ignore[empty-body]
    """Offer grouping rules for the codebook language. Called when and as strategies are."""


@hookspec
def ctdc_register_commands() -> Iterable[Command]:  # type: ignore[empty-body]
    """Offer commands, `ctdc NAME ...`. Called when and as strategies are.

    A command is a name and an import path; what it names is imported when a user calls it.
    """


@hookspec
def ctdc_check_release(release: Release, codebook: Codebook) -> Iterable[Note]:  # type: ignore[empty-body]
    """Judge a finished release before anything is written.

    Every plugin is asked. One blocking note refuses the release. An exception refuses it too: a
    gate that cannot look must not say yes.
    """


@hookspec
def ctdc_release_written(release: Release, codebook: Codebook, manifest: str) -> None:
    """Take note of a release that passed: its files are written and checked, and not yet in place.

    `manifest` is the SHA-256 of its release.json. An exception refuses the release: a book that
    cannot be kept must not miss one. What is only compared is not told.
    """


@hookspec
def ctdc_stage_finished(record: StageRecord) -> None:
    """Watch a run: called after each stage with its record, never with data.

    Exceptions are noted in the private log and change nothing.
    """
