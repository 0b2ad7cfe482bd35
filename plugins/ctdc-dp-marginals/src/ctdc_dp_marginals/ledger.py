"""The ledger: a file beside the records that adds up what their releases have spent.

What is added is rho, in which the cost of several releases is the sum of theirs (Bun and Steinke
2016, lemma 1.7); the budget is an epsilon at one delta.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, field, frozen, validators
from filelock import FileLock, Timeout

from ctdc_dp_marginals.noise import epsilon_of
from ctdc_framework.plugin import StrategyError

FORMAT = 1


@frozen(kw_only=True)
class Spent:
    """One release: what it is known by, and what it cost."""

    release: str
    """The SHA-256 of its release.json."""
    candidate: str
    codebook: str
    date: str
    rho: float = field(converter=float, validator=validators.gt(0))


@frozen(kw_only=True)
class Ledger:
    """What may be spent on some records, and what has been."""

    epsilon: float = field(converter=float, validator=validators.gt(0))
    delta: float = field(converter=float, validator=[validators.gt(0), validators.lt(1)])
    releases: tuple[Spent, ...] = ()

    @property
    def spent(self) -> float:
        """The epsilon of all releases together, at the ledger's delta."""
        return self.with_more(())

    def with_more(self, rhos: Sequence[float]) -> float:
        """The epsilon that it would be with more releases."""
        return epsilon_of(sum(one.rho for one in self.releases) + sum(rhos), self.delta)

    def problem(self, rhos: Sequence[float]) -> str:
        """Say why no more may be spent; empty where it may."""
        after = self.with_more(rhos)
        if after <= self.epsilon:
            return ""
        return (
            f"its ledger has spent epsilon = {self.spent:.2f} of {self.epsilon:g} (delta = "
            f"{self.delta:g}), and with this release it would be {after:.2f}"
        )


def read(path: Path) -> Ledger:
    """Read a ledger; raises `StrategyError` where there is none."""
    try:
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if held["format"] != FORMAT:
            raise ValueError("another format")
        releases = tuple(Spent(**one) for one in held["releases"])
        return Ledger(epsilon=held["epsilon"], delta=held["delta"], releases=releases)
    except FileNotFoundError:
        raise StrategyError(
            f"there is no ledger {path}",
            help=f"start one: ctdc dp-ledger new {path} --epsilon 4 --delta 1e-6",
        ) from None
    except OSError as error:
        raise StrategyError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise StrategyError(f"{path} is no ledger, or is damaged", help="restore a copy") from None


def start(path: Path, ledger: Ledger) -> None:
    """Write a new ledger, readable by its owner only; raises `StrategyError` if it is there."""
    try:
        with path.open("x", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(_text(ledger))
    except FileExistsError:
        raise StrategyError(
            f"{path} is there already", help="a ledger is kept, not made anew"
        ) from None
    except OSError as error:
        raise StrategyError(f"{path} cannot be written: {error.strerror}") from None


def add(path: Path, spent: Sequence[Spent]) -> None:
    """Enter a release, unless that goes beyond the budget; raises `StrategyError`.

    One run at a time: two that each had enough left could have too little together.
    """
    try:
        with FileLock(f"{path}.lock", timeout=20):
            ledger = read(path)
            if problem := ledger.problem([one.rho for one in spent]):
                raise StrategyError(problem)
            work = path.with_name(f".{path.name}.part")
            work.write_text(_text(evolve(ledger, releases=(*ledger.releases, *spent))), "utf-8")
            work.chmod(0o600)
            work.replace(path)
    except Timeout:
        raise StrategyError(f"{path} is in use by another run", help="try again") from None
    except OSError as error:
        raise StrategyError(f"{path} cannot be written: {error.strerror}") from None


def today() -> str:
    """Give the date for an entry."""
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _text(ledger: Ledger) -> str:
    return json.dumps({"format": FORMAT, **asdict(ledger)}, indent=2) + "\n"
