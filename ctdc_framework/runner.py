"""Run a candidate: the order of stages, their chance, their records. No files, no printing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from ctdc_framework import gate
from ctdc_framework.claims import Claim, NoClaim
from ctdc_framework.convert import unstructure
from ctdc_framework.errors import CtdcError, ReleaseRefused, StrategyError
from ctdc_framework.plan import Candidate, Stage
from ctdc_framework.plugin import Cancelled, Context, Output, Progress, silent
from ctdc_framework.registry import Registry
from ctdc_framework.results import Note, Release, Severity, StageRecord
from ctdc_framework.tables import Shape, Table

if TYPE_CHECKING:
    import numpy as np


def generator(seed: int, candidate: str, stage: str, run: int = 0) -> np.random.Generator:
    """Make the one generator of a stage, from the seed and names.

    Names and not positions: a stage put in before does not change the draws of those after it.
    """
    import numpy as np

    name = f"{candidate}/{stage}" + (f"/{run}" if run else "")
    words = hashlib.sha256(name.encode()).digest()[:16]
    key = [int.from_bytes(words[at : at + 4], "big") for at in range(0, 16, 4)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def run_candidate(
    candidate: Candidate,
    original: Table,
    registry: Registry,
    seed: int,
    *,
    run: int = 0,
    progress: Progress = silent,
) -> Release:
    """Run both chains of a candidate from the prepared original.

    `run` numbers repetitions with other draws. Raises `StrategyError` where a strategy cannot, and
    `ReleaseRefused` where a stage's output does not keep what the stage claims.
    """
    largest = candidate.largest_k
    if largest > len(original):
        raise StrategyError(
            f"`{candidate.name}`: k is {largest}, more than there are records, so nothing could be "
            "published",
            help="give a smaller k, or more records",
        )
    parts: dict[Shape, Table] = {}
    records: list[StageRecord] = []
    notes: list[Note] = []
    for stages in filter(None, (candidate.stages, candidate.tables)):
        table = original
        for stage in stages:
            rng = generator(seed, candidate.name, stage.id, run)
            part = stages[-1].strategy.gives
            context = Context(rng=rng, progress=progress)
            table, record = _run_stage(stage, part, table, context, alone=len(stages) == 1)
            records.append(record)
            notes += [*record.notes, *registry.stage_finished(record)]
        parts[table.shape] = table
    counts = parts.get(Shape.COUNTS)
    return Release(
        name=candidate.name,
        records=parts.get(Shape.RECORDS),
        tables=counts,
        tables_length=_longest(counts) if counts is not None else 0,
        stages=tuple(records),
        notes=tuple(notes),
    )


def _longest(tables: Table) -> int:
    return int((tables.codes >= 0).sum(axis=1).max(initial=0))


def _run_stage(
    stage: Stage, part: Shape, table: Table, context: Context, *, alone: bool
) -> tuple[Table, StageRecord]:
    started = time.perf_counter()
    output = _call(stage, table, context)
    claims = tuple(stage.strategy.claims(table.codebook, stage.params))
    if not alone:  # the output of a stage by itself is what the last recount looks at
        _hold_to(claims, stage, table, output.table)
    record = StageRecord(
        stage=stage.id,
        part=part,
        strategy=stage.strategy.name,
        plugin=stage.plugin.distribution or stage.plugin.name,
        version=stage.plugin.version,
        contract=stage.strategy.contract,
        params=unstructure(stage.params),
        claims=claims,
        rows_in=len(table),
        rows_out=len(output.table),
        seconds=time.perf_counter() - started,
        notes=tuple(output.notes),
        details=dict(output.details),
    )
    return output.table, record


def _call(stage: Stage, table: Table, context: Context) -> Output:
    # A shallow copy: pandas copies on write, so what a plugin changes in place stays with it.
    own = evolve(table, frame=table.frame.copy(deep=False))
    try:
        output = stage.strategy.run(own, stage.params, context)
    except (CtdcError, Cancelled):
        raise
    except Exception as error:
        if stage.plugin.distribution == "ctdc-framework":
            raise
        # The text of a foreign exception may quote a record: its type is all that is told.
        raise StrategyError(
            f"stage `{stage.id}`: {stage.strategy.name} failed ({type(error).__name__})",
            help=f"report it to the authors of {stage.plugin.distribution or stage.plugin.name}",
        ) from None
    fits = (
        isinstance(output, Output)
        and output.table.shape is stage.strategy.gives
        and output.table.codebook is table.codebook
    )
    if not fits:
        raise StrategyError(
            f"stage `{stage.id}`: {stage.strategy.name} did not give a table of "
            f"{stage.strategy.gives.value} of this codebook"
        )
    return output


def _hold_to(claims: Sequence[Claim], stage: Stage, given: Table, made: Table) -> None:
    original, published = gate.original_of(given), gate.published_of(made)
    failed = [f for f in (gate.recount(c, original, published) for c in claims) if not f.holds]
    if failed:
        raise ReleaseRefused(
            "\n".join(f"stage `{stage.id}` claims {f.claim}, but {f.message}" for f in failed)
        )


def judge(release: Release, original: gate.AnyOriginal, published: Sequence[gate.Published],
          registry: Registry) -> Release:  # fmt: skip
    """Recount every claim between the original and what would be published, and ask the plugins.

    Gives the release with the claims that hold. Those of a stage in a chain were held to its own
    input and need not hold from end to end; those of a stage by itself must. Raises
    `ReleaseRefused` where they do not, where nothing at all holds, or where a plugin says no.
    """
    reasons: list[str] = []
    held: list[Claim] = []
    for part in published:
        shape = Shape.COUNTS if part.records is None else Shape.RECORDS
        for variable in gate.outside_domains(original.codebook, part):
            reasons.append(f"`{variable}` would be published with a value outside its domain")
        chain = [record for record in release.stages if record.part is shape]
        kept: list[Claim] = []
        for record in chain:
            for claim in record.claims:
                finding = gate.recount(claim, original, part)
                if finding.holds:
                    kept.append(claim)
                elif len(chain) == 1:
                    reasons.append(f"{claim} does not hold: {finding.message}")
        real = [claim for claim in dict.fromkeys(kept) if not isinstance(claim, NoClaim)]
        if not real and not reasons:
            reasons.append(f"nothing is promised for the {shape.value} that would be published")
        held += real
    notes = list(registry.check_release(release, original.codebook))
    reasons += [note.message for note in notes if note.severity is Severity.BLOCKING]
    if reasons:
        raise ReleaseRefused(
            "\n".join([f"`{release.name}` is refused, and nothing was written:", *reasons])
        )
    return evolve(release, claims=tuple(held), notes=(*release.notes, *notes))
