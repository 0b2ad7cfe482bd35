"""Differentially private tables of counts, and a ledger of what releases have spent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ctdc_dp_marginals import releases
from ctdc_dp_marginals.strategy import DP_MARGINALS, DpMarginals
from ctdc_framework.plugin import Codebook, Command, Note, Release, Strategy, hookimpl


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer the tables."""
    return [DP_MARGINALS]


@hookimpl
def ctdc_register_commands() -> Iterable[Command]:
    """Offer `ctdc dp-ledger`."""
    return [
        Command(
            name="dp-ledger",
            summary="starts and shows a ledger of differentially private releases",
            app="ctdc_dp_marginals.command:app",
        )
    ]


@hookimpl
def ctdc_check_release(release: Release) -> Iterable[Note]:
    """Refuse what no ledger holds, or what would go beyond its budget."""
    return releases.check(release)


@hookimpl
def ctdc_release_written(release: Release, codebook: Codebook, manifest: str) -> None:
    """Enter a release into its ledger before it stands."""
    releases.enter(release, codebook, manifest)


__all__ = ["DP_MARGINALS", "DpMarginals"]
