"""The gate: judge what is about to be published, and say no where a promise does not hold."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.results import Acceptance, Release, Severity, StageRecord
from ctdc_framework.errors import ReleaseRefused, one_of
from ctdc_framework.loading.registry import Registry
from ctdc_framework.promises.claims import (
    Claim,
    CombinationSupport,
    KAnonymity,
    KmAnonymity,
    NoClaim,
    Protecting,
    together,
)
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import AnyOriginal, Item, Published
from ctdc_framework.records.tables import Shape


def promise_nothing(chain: Sequence[StageRecord]) -> bool:
    """Tell whether nothing is promised so far: then the next stage answers to the original.

    So `rounding` after `tabulate` is recounted on the records themselves, and not on the counts
    that it was given: were these wrong, it would be the first to know.
    """
    return all(isinstance(claim, NoClaim) for record in chain for claim in record.claims)


def is_drawn_by_design(chain: Sequence[StageRecord]) -> bool:
    """Tell whether a chain draws on the records by a mechanism that is private by design alone."""
    return any(claim.basis == "by design" for record in chain[:1] for claim in record.claims)


def is_told(claim: Claim, record: StageRecord, chain: Sequence[StageRecord]) -> bool:
    """Tell whether a claim of a stage may be told of what its chain gives.

    What holds by design holds of the records for a first stage alone: a later one speaks of what
    it was given. And after such a stage nothing is said that only the records show: whether it
    holds would be one more answer about them, and one without noise.
    """
    if record is chain[0]:
        return True
    by_design = claim.basis == "by design"
    return not by_design and not (claim.needs_original and is_drawn_by_design(chain))


def judge(
    release: Release,
    original: AnyOriginal,
    published: Sequence[Published],
    registry: Registry,
    *,
    least: int = 0,
    accept: str = "",
) -> Release:
    """Recount every claim between the original and what would be published, and ask the plugins.

    Gives the release with the claims that hold. Those of a stage in a chain were held to its own
    input and need not hold from end to end; those of a last stage before which nothing is claimed
    must; for those by design see `is_told`. Raises `ReleaseRefused` where they do not, where no
    claim that holds protects by `least` (the codebook's k, if 0) or more, or where a plugin says
    no. `accept` is the steward's reason to let pass what may be: a note that its plugin calls
    overridable, a release that is protected by design alone, which no file can show, and one whose
    claims all fall short of what the codebook says that an outsider could know. It never makes a
    claim hold.
    """
    least = least or original.codebook.k
    reasons: list[str] = []
    if original.codebook.privacy.subject:
        reasons.append("k counts subjects, and what is recounted here are records")
    overridable: list[str] = []
    held: list[Claim] = []
    designed: dict[Shape, list[Claim]] = {}
    for part in published:
        shape = Shape.COUNTS if part.records is None else Shape.RECORDS
        for variable in outside_domains(original.codebook, part):
            reasons.append(f"`{variable}` would be published with a value outside its domain")
        if repeated(part):
            reasons.append("a combination would be published with more than one count")
        chain = [record for record in release.stages if record.part is shape]
        if part.records is not None and not any(record.mixes_levels for record in chain):
            for variable in mixed_levels(original.codebook, part):
                reasons.append(
                    f"`{variable}` would be published at several levels of its hierarchy"
                )
        kept: dict[Claim, None] = {}
        for record in chain:
            must = record is chain[-1] and promise_nothing(chain[:-1])
            for claim in (one for one in record.claims if is_told(one, record, chain)):
                finding = recount(claim, original, part)
                if finding.holds and not isinstance(claim, NoClaim):
                    kept[claim] = None
                elif not finding.holds and must:
                    reasons.append(f"{claim} does not hold: {finding.message}")
        designed[shape] = [claim for claim in kept if claim.basis == "by design"]
        enough = [one for one in kept if isinstance(one, Protecting) and one.k >= least]
        short = [falls_short(claim, original.codebook) for claim in enough]
        if short and all(short):
            overridable += short
        if not enough:
            why = "".join(
                f" ({record.strategy}: {claim.reason})"
                for record in chain
                for claim in record.claims
                if isinstance(claim, NoClaim) and not kept
            )
            lacking = f"no claim that holds protects the {shape.value} by k = {least} or more{why}"
            if designed[shape]:
                lacking += (
                    f"; {designed[shape][0]} is a property of the mechanism, which no file can show"
                )
            (overridable if designed[shape] else reasons).append(lacking)
        held += [claim for claim in kept if claim.basis != "by design"]
    if len(designed) > 1 and any(designed.values()) and not all(designed.values()):
        reasons.append(
            f"the {' and the '.join(shape.value for shape in designed if designed[shape])} would "
            "be private by design, and what is published beside them is not: publish them apart"
        )
    held += together([claim for claims in designed.values() for claim in claims])
    asked = list(registry.check_release(release, original.codebook))
    notes = tuple(dict.fromkeys((*release.notes, *asked)))
    for note in notes:
        if note.severity is Severity.BLOCKING:
            (overridable if note.overridable else reasons).append(note.message)
    if reasons or (overridable and not accept):
        raise ReleaseRefused(
            "\n".join(
                [f"`{release.name}` is refused, and nothing was written:", *reasons, *overridable]
            ),
            help="" if reasons else 'if that is right all the same, say why with --accept "..."',
        )
    accepted = Acceptance(note=accept, reasons=tuple(overridable)) if overridable else None
    return evolve(release, claims=tuple(held), notes=notes, accepted=accepted)


def falls_short(claim: Protecting, codebook: Codebook) -> str:
    """Say what an outsider could know, by the codebook, that a claim does not protect from."""
    if isinstance(claim, KAnonymity | KmAnonymity):
        open_ = [name for name in codebook.quasi_identifiers if name not in claim.columns]
        if open_:
            return f"{claim} protects nobody of whom {one_of(open_)} are known (role quasi)"
    if (isinstance(claim, CombinationSupport) and claim.length == 1) or (
        isinstance(claim, KmAnonymity) and claim.known == 1
    ):
        return f"{claim} protects nobody of whom two values are known"
    return ""


def repeated(published: Published) -> int:
    """Count the combinations that would be published more than once: two counts tell too much."""
    combinations = published.combinations or ()
    return len(combinations) - len({frozenset(items) for items, _ in combinations})


def outside_domains(codebook: Codebook, published: Published) -> list[str]:
    """Name the variables of which a value would be published that is not in their release domain.

    That is the domain and, where the variable has a hierarchy, the generalised values of it.
    """
    domains = codebook.release_domains
    return sorted({name for name, value in _items(published) if value not in domains.get(name, ())})


def mixed_levels(codebook: Codebook, published: Published) -> list[str]:
    """Name the variables of which both a value and one below it would be published."""
    held: dict[str, set[str]] = {}
    for name, value in _items(published):
        held.setdefault(name, set()).add(value)
    return sorted(name for name, values in held.items() if _mixed(codebook, name, values))


def _mixed(codebook: Codebook, name: str, values: set[str]) -> bool:
    covers = codebook.release_domains.get(name, {})
    known = {value: covers[value] for value in values if value in covers}
    coarse = [members for value, members in known.items() if members != {value}]
    return any(members < above for above in coarse for members in known.values())


def _items(published: Published) -> set[Item]:
    rows = published.records or [items for items, _ in published.combinations or ()]
    return {item for items in rows for item in items}
