"""Run a candidate: the order of stages, their chance, their records. No files, no printing."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from attrs import evolve

from ctdc_framework.contract.results import Json, Note, Release, StageRecord
from ctdc_framework.errors import CtdcError, ReleaseRefused, StrategyError
from ctdc_framework.loading.registry import Registry
from ctdc_framework.plans.plan import Candidate, Stage
from ctdc_framework.plugin import Cancelled, Context, Output, Progress, silent
from ctdc_framework.promises.claims import Claim
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.records.suppression import are_kept_rows
from ctdc_framework.records.tables import Shape, Table
from ctdc_framework.runs.gate import promise_nothing
from ctdc_framework.toml.convert import unstructure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    import numpy as np

    parts: dict[Shape, Table] = {}
    kept_rows: NDArray[np.int64] | None = None
    records: list[StageRecord] = []
    notes: list[Note] = []
    for stages in filter(None, (candidate.stages, candidate.tables)):
        table = original
        chain: list[StageRecord] = []
        rows: NDArray[np.int64] | None = np.arange(len(original))
        for stage in stages:
            rng = generator(seed, candidate.name, stage.id, run)
            part = stages[-1].strategy.gives
            given = table
            output, record = _run_stage(
                stage, part, given, Context(rng=rng, progress=progress, key=stage.key)
            )
            table, kept = output.table, output.kept_rows
            rows = None if rows is None or kept is None else rows[kept]
            if not (stage is stages[-1] and promise_nothing(chain)):
                _hold_to(record, given, table)
            chain.append(record)
            notes += [*record.notes, *registry.stage_finished(record)]
        records += chain
        parts[table.shape] = table
        if table.shape is Shape.RECORDS:
            kept_rows = rows
    counts = parts.get(Shape.COUNTS)
    return Release(
        name=candidate.name,
        records=parts.get(Shape.RECORDS),
        tables=counts,
        tables_length=_longest(counts) if counts is not None else 0,
        stages=tuple(records),
        notes=tuple(notes),
        kept_rows=kept_rows,
    )


def _longest(tables: Table) -> int:
    return int((tables.codes >= 0).sum(axis=1).max(initial=0))


def own_copy(table: Table) -> Table:
    """Give a table to somebody else's code: nothing changed in place reaches the original.

    A deep copy, as what is written through `Series.array` gets past pandas' copy-on-write.
    """
    return evolve(table, frame=table.frame.copy())


def _run_stage(
    stage: Stage, part: Shape, table: Table, context: Context
) -> tuple[Output, StageRecord]:
    started = time.perf_counter()
    output, claims = _call(stage, table, context)
    record = StageRecord(
        stage=stage.id,
        part=part,
        strategy=stage.strategy.name,
        plugin=stage.plugin.distribution or stage.plugin.name,
        version=stage.plugin.version,
        contract=stage.strategy.contract,
        params=_told(stage),
        claims=claims,
        may_blank=stage.strategy.blanks_with(stage.params),
        mixes_levels=stage.strategy.mixes_with(stage.params),
        rows_in=len(table),
        rows_out=len(output.table),
        seconds=time.perf_counter() - started,
        notes=tuple(output.notes),
        details=dict(output.details),
    )
    return output, record


def _told(stage: Stage) -> dict[str, Json]:
    """Give the parameters as anybody may read them: where a key lies is withheld."""
    told: dict[str, Json] = unstructure(stage.params)
    return {**told, "key_file": "withheld"} if stage.key else told


def _call(stage: Stage, table: Table, context: Context) -> tuple[Output, tuple[Claim, ...]]:
    try:
        output = stage.strategy.run(own_copy(table), stage.params, context)
        claims = tuple(stage.strategy.claims(table.codebook, stage.params))
        fits = (
            isinstance(output, Output)
            and isinstance(output.table, Table)
            and output.table.shape is stage.strategy.gives
            and output.table.codebook is table.codebook
            and all(isinstance(note, Note) for note in output.notes)
            and all(isinstance(claim, Claim) for claim in claims)
        )
        if fits:
            # Made anew: what the strategy did in place to its frame is checked and encoded again.
            output = evolve(output, table=output.table.with_frame(output.table.frame))
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
    if not fits:
        raise StrategyError(
            f"stage `{stage.id}`: {stage.strategy.name} did not give a table of "
            f"{stage.strategy.gives.value} of this codebook, with notes and claims"
        )
    if output.kept_rows is not None and not are_kept_rows(output.kept_rows, table, output.table):
        raise StrategyError(
            f"stage `{stage.id}`: {stage.strategy.name} names records (kept_rows) that are not "
            "those which it released"
        )
    return output, claims


def _hold_to(record: StageRecord, given: Table, made: Table) -> None:
    if promise_nothing([record]):
        return
    original, published = original_of(given), published_of(made)
    findings = [recount(claim, original, published) for claim in record.claims]
    failed = [finding for finding in findings if not finding.holds]
    if failed:
        raise ReleaseRefused(
            "\n".join(f"stage `{record.stage}` claims {f.claim}, but {f.message}" for f in failed)
        )
