"""Releases and their ledger: may this one be published, and what has it spent?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctdc_dp_marginals.strategy import DP_MARGINALS
from ctdc_framework.plugin import Codebook, Note, Release, Severity, StrategyError


def check(release: Release) -> Iterator[Note]:
    """Give a blocking note where there is no ledger, or where it has too little left."""
    for name, rhos in _costs(release).items():
        if reason := _reason(name, rhos):
            yield Note(code="privacy-budget", message=reason, severity=Severity.BLOCKING)


def enter(release: Release, codebook: Codebook, manifest: str) -> None:
    """Enter a release into its ledgers; raises `StrategyError` where that cannot be."""
    from ctdc_dp_marginals import ledger

    for name, rhos in _costs(release).items():
        spent = [
            ledger.Spent(
                release=manifest,
                candidate=release.name,
                codebook=codebook.id,
                date=ledger.today(),
                rho=rho,
            )
            for rho in rhos
        ]
        ledger.add(Path(name), spent)


def _costs(release: Release) -> dict[str, list[float]]:
    """Give what each draw of a release cost, by the ledger that it names."""
    found: dict[str, list[float]] = {}
    for record in release.stages:
        if record.strategy == DP_MARGINALS.name:
            found.setdefault(record.params["ledger"], []).append(record.details["rho"])
    return found


def _reason(name: str, rhos: list[float]) -> str:
    from ctdc_dp_marginals import ledger

    if not name:
        return (
            "dp-marginals names no ledger, so nobody knows what releases of these records have "
            "spent: start one with `ctdc dp-ledger new`, and name it as `ledger`"
        )
    try:
        return ledger.read(Path(name)).problem(rhos)
    except StrategyError as error:
        return f"{error.message}; {error.help}" if error.help else error.message
