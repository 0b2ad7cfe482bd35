"""What can be said of a release that lies before us: each point holds, fails, or was not checked.

Nothing is passed for lack of evidence: what only the original records, or the private log, could
show is listed as not checked when they are not given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from attrs import evolve, frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import one_of
from ctdc_framework.promises.claims import (
    Claim,
    KAnonymity,
    KmAnonymity,
    MultipleOf,
    NoClaim,
    SingleCounts,
    Threshold,
)
from ctdc_framework.promises.recounts import recount, small_classes
from ctdc_framework.promises.successive import Differences, Move, counts_of, differences
from ctdc_framework.records.items import AnyOriginal, Items, OriginalCounts, Published
from ctdc_framework.runs import gate

ALL = "all"
"""Stands for every variable in a claim that a user types: `k-anonymity(k=10, columns=all)`."""


class Result(Enum):
    """What came of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_CHECKED = "not checked"


@frozen(kw_only=True)
class Check:
    """One point of a verification: what was asked, what came of it, and why.

    `message` may hold figures of the release, which is public, and none of the original that is
    smaller than k.
    """

    about: str
    result: Result
    message: str


@frozen(kw_only=True)
class Verification:
    """All that was asked of one release."""

    name: str
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing fails; what was not checked is not counted as passed by anybody."""
        return all(check.result is not Result.FAILS for check in self.checks)

    def having(self, result: Result) -> tuple[Check, ...]:
        """Give the checks with one result."""
        return tuple(check for check in self.checks if check.result is result)


def holds(about: str, message: str) -> Check:
    """Make a check that holds."""
    return Check(about=about, result=Result.HOLDS, message=message)


def fails(about: str, message: str) -> Check:
    """Make a check that fails."""
    return Check(about=about, result=Result.FAILS, message=message)


def not_checked(about: str, message: str) -> Check:
    """Make a check that could not be made, with what is missing for it."""
    return Check(about=about, result=Result.NOT_CHECKED, message=message)


def on_variables(claim: Claim, codebook: Codebook) -> Claim:
    """Give a claim with the names of all variables where it says `all`."""
    if isinstance(claim, KAnonymity | KmAnonymity) and claim.columns == (ALL,):
        return evolve(claim, columns=tuple(codebook.variables))
    if isinstance(claim, SingleCounts) and claim.columns == (ALL,):
        return evolve(claim, columns=())
    return claim


def check_content(
    codebook: Codebook, parts: Sequence[Published], *, mixes_levels: bool = False
) -> Iterator[Check]:
    """Check what holds for any release: values from their domains, one level, one count each."""
    for part in parts:
        name = _named(part)
        wrong = gate.outside_domains(codebook, part)
        yield (
            fails(f"domains of the {name}", f"values outside their domain in {one_of(wrong)}")
            if wrong
            else holds(f"domains of the {name}", "every value comes from the codebook")
        )
        mixed = gate.mixed_levels(codebook, part) if part.records is not None else []
        if mixed and not mixes_levels:
            yield fails(
                f"levels of the {name}", f"several levels of a hierarchy in {one_of(mixed)}"
            )
        if twice := gate.repeated(part):
            yield fails(f"counts of the {name}", f"{twice:,} combinations have a second count")


def check_claims(
    claims: Sequence[Claim],
    codebook: Codebook,
    parts: Sequence[Published],
    original: AnyOriginal | None,
) -> Iterator[Check]:
    """Recount each claim on the parts of a release that it speaks of."""
    for claim in claims:
        about = [part for part in parts if claim.about in ("either", _named(part))]
        if not about:
            yield fails(str(claim), f"the release holds no {claim.about} that it could speak of")
        elif isinstance(claim, NoClaim):
            yield not_checked(str(claim), claim.sentence)
        elif claim.basis == "by design":
            yield not_checked(str(claim), f"{claim.sentence} It makes no claim of k.")
        elif claim.needs_original and original is None:
            yield not_checked(str(claim), "only the original records can show it: give --data")
        else:
            against = original or OriginalCounts(codebook=codebook, counts={})
            yield _recounted(claim, against, about)


def _recounted(claim: Claim, original: AnyOriginal, parts: Sequence[Published]) -> Check:
    for part in parts:
        finding = recount(claim, original, part)
        if not finding.holds:
            return fails(str(claim), _exactly(claim, part) or finding.message)
    return holds(str(claim), claim.sentence)


def _exactly(claim: Claim, part: Published) -> str:
    """Say how many combinations break a claim that anybody can recount on what is public."""
    if not isinstance(claim, KAnonymity) or part.records is None or claim.missing != "itself":
        return ""
    sizes = small_classes(part.records, set(claim.columns), claim.k)
    if not sizes:  # it fails for another reason, which the recount tells
        return ""
    return (
        f"{len(sizes):,} combinations of {_listed(claim.columns)} are shared by fewer than "
        f"{claim.k} records each, {sum(sizes):,} records altogether"
    )


def _listed(columns: Sequence[str]) -> str:
    return one_of(columns, most=4)


def check_previous(
    earlier: tuple[Sequence[Claim], Sequence[Published]],
    later: tuple[Sequence[Claim], Sequence[Published]],
    k: int,
) -> Iterator[Check]:
    """Say what two releases of the same records prove together, each given with its claims.

    It fails where a count is proved to have changed by at least one and fewer than k records. A
    count that moved by one step alone proves that to whoever knows that one record came, or was
    withdrawn at its subject's request: that is told, as no file says what others know.
    """
    for part in later[1]:
        name = _named(part)
        before = [one for one in earlier[1] if _named(one) == name]
        about = f"the {name} and those of the earlier release"
        steps = (_step(earlier[0], name), _step(later[0], name))
        if not before:
            yield not_checked(about, f"the earlier release holds no {name}")
        elif steps[0] is None or steps[0] != steps[1]:
            yield not_checked(
                about, "they do not both claim counts in multiples of the same number"
            )
        else:
            base, least, columns = steps[0]
            shown = _counts(before[0], columns), _counts(part, columns)
            yield from _compared(about, *shown, base=base, threshold=least, k=k)


def _counts(part: Published, columns: Sequence[str]) -> Mapping[Items, int]:
    """Give what a part shows of true counts: the number of made-up rows is none.

    columns: the variables of which rows show counts; all where none are named.
    """
    counts = counts_of(part)
    if part.records is None:
        return counts
    return {
        items: n for items, n in counts.items() if items and (not columns or items[0][0] in columns)
    }


def _step(claims: Sequence[Claim], name: str) -> tuple[int, int, tuple[str, ...]] | None:
    """Give the multiple that a part's counts are rounded down to, the least shown, and of what."""
    if name == "records":
        found = [claim for claim in claims if isinstance(claim, SingleCounts)]
        return (found[0].k, found[0].k, found[0].columns) if found else None
    bases = [claim.base for claim in claims if isinstance(claim, MultipleOf)]
    least = [claim.k for claim in claims if isinstance(claim, Threshold)]
    return (bases[0], max(least, default=bases[0]), ()) if bases else None


def _compared(
    about: str,
    earlier: Mapping[Items, int],
    later: Mapping[Items, int],
    *,
    base: int,
    threshold: int,
    k: int,
) -> Iterator[Check]:
    found = differences(earlier, later, base, threshold=threshold)
    if found.records_left:  # then the earlier release may hold all of the later one's records
        back = differences(later, earlier, base, threshold=threshold)
        found = found if back.records_left else back
    small = [move for move in found.moves if _is_small(move, found, k)]
    moved = f"{len(found.moves):,} of {len(found.moves) + found.unchanged:,} counts changed"
    if small:
        yield fails(
            about,
            f"{moved}; together they prove of {len(small):,} that between 1 and {k - 1} records "
            f"came or went, such as {'; '.join(map(_told, small[:3]))}",
        )
    else:
        yield holds(about, f"{moved}; of none do they prove that fewer than {k} records did that")
    if found.edge_moves:
        yield not_checked(
            f"{about}: counts at an edge",
            f"{len(found.edge_moves):,} counts moved by one step; whoever knows that one record "
            "came, or was withdrawn, learns that it is among them, such as "
            f"{'; '.join(map(_told, found.edge_moves[:3]))}",
        )


def _is_small(move: Move, found: Differences, k: int) -> bool:
    """Whether it is proved that at least one and fewer than k records made the difference."""
    return not found.records_left and move.came[0] >= 1 and move.came[1] < k


def _told(move: Move) -> str:
    """Write a count that moved: `Male (between 51 and 59, then between 60 and 68)`."""
    name = " ".join(value for _, value in move.items) or "all"
    (a, b), (c, d) = move.before, move.after
    return f"{name} (between {a:,} and {b:,}, then between {c:,} and {d:,})"


def check_files(
    listed: Mapping[str, str], found: Mapping[str, str | None], extra: Sequence[str]
) -> Iterator[Check]:
    """Compare the files that `release.json` lists with their hashes as they are (None: missing)."""
    missing = sorted(name for name in listed if found.get(name) is None)
    changed = sorted(name for name in listed if found.get(name) not in (None, listed[name]))
    for names, what in (
        (missing, "missing, or no plain file"),
        (changed, "not as they were written: the SHA-256 is another"),
        (sorted(extra), "not listed in release.json"),
    ):
        if names:
            yield fails("files", f"{one_of(names)}: {what}")
    if not (missing or changed or extra):
        yield holds("files", f"{len(listed)} files, each with the SHA-256 in release.json")


def check_seal(found: str, expected: Mapping[str, str]) -> Check:
    """Compare the hash of `release.json` with those that other places keep of it."""
    if not expected:
        return not_checked(
            "release.json itself",
            "whether it was changed can only be told from the run's private/ folder, or with "
            "--manifest-hash",
        )
    wrong = [source for source, digest in expected.items() if digest != found]
    if wrong:
        return fails("release.json itself", f"its SHA-256 is not the one in {one_of(wrong)}")
    return holds("release.json itself", f"its SHA-256 is the one in {one_of(expected)}")


def _named(part: Published) -> str:
    return "records" if part.records is not None else "counts"
