"""What changed from one codebook to another, how much it weighs, and which version that makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import evolve, frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.results import Json
from ctdc_framework.difference.comparison import changes_between
from ctdc_framework.difference.domains import Change, Severity, listed

CODE = "CB250"
"""What a change is in the catalogue of problems."""

WEIGHTS: Mapping[Severity, str] = {
    "relaxed": "Relaxed: less is promised about privacy, or more is told; each needs a reason",
    "major": "Major: files or releases of the old codebook no longer fit",
    "minor": "Minor: what fitted still fits",
    "patch": "Patch: nothing but words",
}
"""The severities, the heaviest first, with what they mean."""


@frozen(kw_only=True)
class Difference:
    """All changes between two codebooks, the heaviest first."""

    old: str
    new: str
    """The two codebooks, as `id version`."""
    changes: tuple[Change, ...]
    proposed: str
    """The version that the changes ask for, counted from the old one."""
    stated: str
    """The version that the new codebook says."""

    @property
    def step(self) -> Literal["none", "patch", "minor", "major"]:
        """How far the version goes up: as the heaviest change asks for."""
        if not self.changes:
            return "none"
        heaviest = self.changes[0].severity
        return "major" if heaviest == "relaxed" else heaviest

    @property
    def is_enough(self) -> bool:
        """Whether the new codebook's version is as high as the changes ask for."""
        return _numbers(self.stated) >= _numbers(self.proposed)


def compare_codebooks(old: Codebook, new: Codebook) -> Difference:
    """List what changed, variable by variable and value by value, and propose the next version.

    A variable is taken for the same where its name is, where the old name is an alias of the new
    one, or where the new codebook's `supersedes` says so. Bands are compared as numbers: 39--47 and
    48+ that became 39+ are coarser, and not two codes lost. Whatever has an effect is told.

    >>> from ctdc_framework.language.load import load_codebook
    >>> book = load_codebook("minimal")
    >>> weaker = evolve(book, privacy=evolve(book.privacy, k=5))
    >>> difference = compare_codebooks(book, weaker)
    >>> [change.message for change in difference.changes], difference.proposed
    (['k was lowered from 10 to 5'], '2.0.0')
    """
    order = list(WEIGHTS)
    changes = sorted(changes_between(old, new), key=lambda one: order.index(one.severity))
    weightless = Difference(
        old=f"{old.id} {old.header.version}",
        new=f"{new.id} {new.header.version}",
        changes=tuple(changes),
        proposed=old.header.version,
        stated=new.header.version,
    )
    return evolve(weightless, proposed=_next(old.header.version, weightless.step))


def as_text(difference: Difference) -> str:
    """Tell the difference in plain words, the heaviest changes first.

    What changed alike in several places is told once. Between codebooks of two names no version is
    proposed.
    """
    lines = [f"{difference.old} -> {difference.new}"]
    for severity, title in WEIGHTS.items():
        found = [one for one in difference.changes if one.severity == severity]
        lines += ["", title] if found else []
        places: dict[tuple[str, str], list[str]] = {}
        for one in found:
            places.setdefault((one.at.partition(".")[0], one.message), []).append(one.at)
        most = 5 if severity == "patch" else len(found)
        lines += [f"  {listed(at, most)}: {message}" for (_, message), at in places.items()]
    if not difference.changes:
        return "\n".join([*lines, "", "No difference."]) + "\n"
    help = f"  = help: `ctdc codebook explain {CODE}` tells how changes are weighed"
    step = f"These changes make it {difference.proposed} ({difference.step})"
    if difference.old.partition(" ")[0] != difference.new.partition(" ")[0]:
        lines += ["", "These are two codebooks: neither's version follows from the other's.", help]
        return "\n".join(lines) + "\n"
    says = "as the new codebook says"
    if not difference.is_enough:
        says = f"but the new codebook says {difference.stated}"
    elif difference.stated != difference.proposed:
        says = f"and the new codebook says {difference.stated}"
    return "\n".join([*lines, "", f"{step}, {says}.", help]) + "\n"


def as_json(difference: Difference) -> dict[str, Json]:
    """Give the difference for scripts."""
    return {
        "old": difference.old,
        "new": difference.new,
        "step": difference.step,
        "proposed": difference.proposed,
        "stated": difference.stated,
        "changes": [
            {
                "code": CODE,
                "kind": one.kind,
                "at": one.at,
                "severity": one.severity,
                "message": one.message,
            }
            for one in difference.changes
        ],
    }


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _next(version: str, step: str) -> str:
    major, minor, patch = _numbers(version)
    steps = {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
    }
    return ".".join(map(str, steps.get(step, (major, minor, patch))))
