"""The three methods: records, cells, generalise. Each gives a table whose every class is large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

import numpy as np

from ctdc_framework.plugin import Context, Note, Output, Severity, StrategyError, Table
from ctdc_k_anonymization.cells import recode
from ctdc_k_anonymization.encoding import Encoded, cell_values, encode
from ctdc_k_anonymization.explain import (
    coarser_by_one,
    counted,
    one_level_more,
    rare_by,
    tally,
    told,
)
from ctdc_k_anonymization.lattice import Metric, Problem, Question, best_first, optimum
from ctdc_k_anonymization.metrics import (
    AverageClassSize,
    Discernibility,
    GranularityLoss,
    Height,
    NonUniformEntropy,
    Precision,
    weights_of,
)
from ctdc_k_anonymization.params import KAnonymization, keys_of, top_of, wild_of
from ctdc_k_anonymization.subsets import suppress
from ctdc_k_anonymization.wildcards import candidates, compatible

if TYPE_CHECKING:
    from numpy.typing import NDArray


def anonymise(table: Table, params: KAnonymization, context: Context) -> Output:
    """Make every released record share its quasi-identifiers with at least k - 1 others.

    A missing value counts as a value of its own, so two unknowns can shelter each other, or matches
    anything where the codebook says so. What the other variables hold is left as it is. The
    records that stay come in random order, as the original one may tell when somebody was
    registered. Raises `StrategyError` where none stays.
    """
    if len(table) < params.k:
        raise StrategyError(
            f"there are fewer records than k = {params.k}, so nothing could be released",
            help="choose a smaller k, or add records",
        )
    method = {"records": _records, "cells": _cells, "generalise": _generalised}[params.method]
    return method(table, params, context)


def _records(table: Table, params: KAnonymization, context: Context) -> Output:
    """Leave out the records of classes that are too small, or do not meet a model."""
    encoded = encode(table, params)
    rows = encoded.problem.codes
    details: dict[str, object] = {}
    wild = wild_of(table.codebook, params)
    if wild:
        matched = rows.copy()
        for number, key in enumerate(encoded.keys):
            if key.name in wild:
                missing = (key.images[0] < 0).all(axis=1).nonzero()[0]
                matched[np.isin(key.index, missing), number] = -1
        kept, crowd = compatible(matched, params.k)
        details["smallest_compatible"] = int(crowd[kept].min(initial=len(rows)))
    else:
        kept = _kept(encoded, rows)
        details["one_level_more"] = coarser_by_one(encoded)
    why, notes = _why(table, encoded, rows, kept, params)
    return _output(table, table.codes, kept, params, context, {**details, **why}, notes)


def _kept(encoded: Encoded, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Say which records may be released."""
    of_class, classes = encoded.classes(rows)
    met = np.ones(len(classes), bool)
    for model in encoded.models:
        met &= model.conform(classes)
    kept: NDArray[np.bool_] = met[of_class]
    return kept


def _why(
    table: Table,
    encoded: Encoded,
    rows: NDArray[np.int32],
    kept: NDArray[np.bool_],
    params: KAnonymization,
) -> tuple[dict[str, object], Sequence[Note]]:
    """Tell which variables, and which of their values, made records rare."""
    k = max(params.k, table.codebook.k)
    names = [key.name for key in encoded.keys]
    marks = dict(zip(names, rare_by(rows, kept, params.k), strict=True))
    by_value = {name: tally(table, name, marked, k) for name, marked in marks.items()}
    left_out = int((~kept).sum())
    beginning = "but for one value they would not be rare"
    details: dict[str, object] = {
        "rare_by": {name: int(marked.sum()) for name, marked in marks.items()},
        "rare_by_value": by_value,
    }
    return details, told(by_value, left_out, k, beginning, "of the records left out")


def _cells(table: Table, params: KAnonymization, context: Context) -> Output:
    """Leave out, or make coarser, as few cells as can be."""
    numbers = table.column_numbers(keys_of(table.codebook, params))
    before = table.codes[:, numbers]
    after, kept = (_of_known if params.known else _recoded)(table, params)
    codes = table.codes.copy()
    codes[:, numbers] = after
    lost: dict[str, int] = {}
    coarser: dict[str, int] = {}
    by_value: dict[str, dict[str, int]] = {}
    k = max(params.k, table.codebook.k)
    for place, number in enumerate(numbers):
        name = table.columns[number].variable
        known = kept & (before[:, place] >= 0)
        blank = known & (after[:, place] < 0)
        lost[name] = lost.get(name, 0) + int(blank.sum())
        values_lost = by_value.setdefault(name, {})
        for value, count in counted(table.columns[number], table.codes[:, number], blank, k):
            values_lost[value] = values_lost.get(value, 0) + count
        changed = known & ~blank & (after[:, place] != before[:, place])
        coarser[name] = coarser.get(name, 0) + int(changed.sum())
    known_cells = int((before >= 0).sum())
    gone = sum(lost.values()) + int((before[~kept] >= 0).sum())
    note = Note(
        code="cells-suppressed",
        message=f"{_share(gone, known_cells)} of the known values of quasi-identifiers were left "
        f"out, and {_share(sum(coarser.values()), known_cells)} were made coarser",
        severity=Severity.WARNING if 2 * gone > known_cells else Severity.INFO,
    )
    details = {
        "suppressed_cells": lost,
        "suppressed_by_value": by_value,
        "coarser_cells": coarser,
        "known_cells": known_cells,
    }
    notes = [note, *told(by_value, gone, k, "left out most often were", "of the values left out")]
    return _output(table, codes, kept, params, context, details, notes)


def _recoded(table: Table, params: KAnonymization) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Recode so that each record is like k in all keys."""
    numbers, items, values, forced, code_of = cell_values(table, params)
    wild = wild_of(table.codebook, params)
    result = recode(
        items, values, params.k, forced, [table.columns[n].variable in wild for n in numbers]
    )
    return code_of[result.values], ~result.left_out


def _of_known(table: Table, params: KAnonymization) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Leave values out so that each record is like k in what is known of it."""
    numbers = table.column_numbers(keys_of(table.codebook, params))
    variables = [table.columns[number].variable for number in numbers]
    codes, left_out = suppress(
        table.codes[:, numbers],
        [table.sizes[number] for number in numbers],
        params.k,
        params.known,
        [params.weights.get(name, 1.0) for name in variables],
        [table.codebook.variables[name].protected for name in variables],
    )
    return codes, ~left_out


def _generalised(table: Table, params: KAnonymization, context: Context) -> Output:
    """Make whole variables coarser, by the levels that lose least."""
    encoded = encode(table, params)
    problem, codebook = encoded.problem, table.codebook
    tops = [top_of(codebook, params, key.name) for key in encoded.keys]
    bounds = [params.levels.get(key.name) for key in encoded.keys]
    question = Question(
        problem=problem,
        models=encoded.models,
        metric=_metric(params, problem, [key.name for key in encoded.keys]),
        limit=params.limit,
        lowest=tuple(one.lowest if one else 0 for one in bounds),
        highest=tuple(
            top if one is None or one.highest is None else one.highest
            for top, one in zip(tops, bounds, strict=True)
        ),
    )

    def step(done: int) -> None:
        context.progress(done, None)

    if question.size <= params.exact:
        found = optimum(question, step)
    else:
        found = best_first(question, params.steps, step)
    if found is None:
        raise StrategyError(
            "no levels of generalisation make the records alike enough with at most "
            f"{params.limit:.0%} of them left out",
            help="raise `limit`, let `levels` go further up, or ask less of `diverse` and `close`",
        )
    codes = table.codes.copy()
    for key, level in zip(encoded.keys, found.node, strict=True):
        codes[:, key.columns] = key.images[level][key.index]
    rows = np.stack(
        [key.levels.maps[at][key.index] for key, at in zip(encoded.keys, found.node, strict=True)],
        axis=1,
    )
    kept = _kept(encoded, rows)
    why, why_notes = _why(table, encoded, rows, kept, params)
    levels = {key.name: level for key, level in zip(encoded.keys, found.node, strict=True)}
    details = {
        "levels": levels,
        "loss": list(found.loss),
        "checked": found.checked,
        "exact": found.exact,
        **why,
        "one_level_more": one_level_more(question, found, encoded),
    }
    notes = [_told_levels(table, params, levels), *why_notes]
    if not found.exact:
        notes.append(
            Note(
                code="search-is-not-exact",
                message=f"there are {question.size:,} ways to generalise, more than are searched "
                f"exactly; best first from the coarsest, {found.checked:,} were looked at: there "
                "may be a better one",
                severity=Severity.WARNING,
            )
        )
    return _output(table, codes, kept, params, context, details, notes)


def _told_levels(table: Table, params: KAnonymization, levels: Mapping[str, int]) -> Note:
    told = []
    for name, level in levels.items():
        hierarchy = table.codebook.hierarchy_of(name)
        if not level:
            continue
        top = top_of(table.codebook, params, name) + table.codebook.variables[name].protected
        if level == top or hierarchy is None:
            told.append(f"{name} is left out")
        else:
            told.append(f"{name} is at the level {hierarchy.levels[level - 1].name}")
    return Note(
        code="generalised",
        message="; ".join(told) if told else "no variable had to be made coarser",
    )


def _metric(params: KAnonymization, problem: Problem, names: Sequence[str]) -> Metric:
    weights = weights_of([params.weights.get(name, 1.0) for name in names])
    factor, aggregate = params.factor, params.aggregate
    if params.metric == "loss":
        return GranularityLoss(problem=problem, weights=weights, factor=factor, aggregate=aggregate)
    if params.metric in ("entropy", "normalised-entropy"):
        return NonUniformEntropy(
            problem=problem, weights=weights, factor=factor, aggregate=aggregate,
            normalised=params.metric == "normalised-entropy",
        )  # fmt: skip
    if params.metric == "precision":
        return Precision(problem=problem, weights=weights, factor=factor, aggregate=aggregate)
    if params.metric == "discernibility":
        return Discernibility(records=len(problem.codes))
    if params.metric == "class-size":
        return AverageClassSize(records=len(problem.codes), smallest=params.k, factor=factor)
    return Height()


def _output(
    table: Table,
    codes: NDArray[np.int16],
    kept: NDArray[np.bool_],
    params: KAnonymization,
    context: Context,
    details: Mapping[str, object],
    notes: Sequence[Note] = (),
) -> Output:
    """Release the kept records in random order, and tell how many were left out or are bare."""
    if not kept.any():
        raise _nothing(params)
    released = np.flatnonzero(kept)
    released = released[context.rng.permutation(len(released))]
    k = max(params.k, table.codebook.k)
    suppressed = len(table) - len(released)
    share = suppressed / len(table)
    wild = wild_of(table.codebook, params)
    reason = f"{'compatible with' if wild else 'in classes of'} fewer than {params.k}"
    if params.known:
        reason = f"shared by fewer than {params.k} in what may not be blanked"
    if params.diverse or params.close:
        reason += ", or of too few different sensitive values"
    said = [
        *notes,
        Note(
            code="records-suppressed",
            message=f"{_told(suppressed, share, k)} {reason}, and left out",
            severity=Severity.WARNING if share > 0.5 else Severity.INFO,
        ),
    ]
    names = keys_of(table.codebook, params)
    variables = table.codebook.variables
    if wild:
        said.append(
            Note(
                code="missing-matches-anything",
                message=f"missing matches anything in {', '.join(wild)}: each record fits at least "
                f"{params.k}, of which fewer may look the same",
                severity=Severity.WARNING,
            )
        )
    said_wild = {name for name in names if variables[name].missing_matches == "anything"}
    if params.known:
        said.append(
            Note(
                code="few-are-known",
                message=f"up to {params.known} quasi-identifiers of one person are taken to be "
                "known; whoever knows more may tell the person from all others",
                severity=Severity.WARNING,
            )
        )
        said_wild = set()
    other = [name for name in names if name in said_wild and name not in wild]
    if other:
        said.append(
            Note(
                code="missing-counts-as-a-value",
                message=f"missing counts as a value of its own in {', '.join(other)} too, of which "
                "the codebook says that it matches anything: that protects more, and loses more",
            )
        )
    numbers = table.column_numbers(names)
    counts: dict[str, object] = {}
    if said_wild:
        alike = np.unique(codes[released][:, numbers], axis=0, return_counts=True)[1]
        fitting = _candidates(table, codes, released, said_wild, params)
        counts = {"smallest_class": int(alike.min()), "smallest_candidates": fitting}
    bare = int((codes[released][:, numbers] < 0).all(axis=1).sum())
    if bare:
        said.append(
            Note(
                code="records-without-quasi-identifiers",
                message=f"{_told(bare, bare / len(table), k)} released without any "
                "quasi-identifier",
                severity=Severity.WARNING,
            )
        )
    context.progress(1, 1)
    return Output(
        table=table.with_codes(codes[released]),
        notes=said,
        details={"suppressed": suppressed, "bare": bare, "keys": list(names), **counts, **details},
        kept_rows=released,
    )


def _candidates(
    table: Table,
    codes: NDArray[np.int16],
    released: NDArray[np.int64],
    wild: Set[str],
    params: KAnonymization,
) -> int:
    """Give the fewest released records that the true values of a released one fit.

    What is missing in truth fits anything in a wild variable, and else what is missing. What is
    missing in the release fits anything where values were left out or the variable is wild. A
    coarser value fits those that it stands for.
    """
    fits, truth, shown = [], [], []
    for name in keys_of(table.codebook, params):
        numbers = table.column_numbers([name])
        below = [table.columns[number].below for number in numbers]
        anything = name in wild
        blank = (anything and len(numbers) == 1) or params.method != "records"
        own, of_own = np.unique(table.codes[released][:, numbers], axis=0, return_inverse=True)
        its, of_its = np.unique(codes[released][:, numbers], axis=0, return_inverse=True)
        known, seen = own.tolist(), its.tolist()
        fits.append(
            np.array(
                [
                    [
                        (anything and (max(true) < 0 or max(show) < 0))
                        or all(
                            a == b or (b < 0 and blank) or a in under.get(b, ())
                            for a, b, under in zip(true, show, below, strict=True)
                        )
                        for show in seen
                    ]
                    for true in known
                ]
            )
        )
        truth.append(of_own.ravel())
        shown.append(of_its.ravel())
    found = candidates(np.stack(truth, axis=1), fits, np.stack(shown, axis=1))
    return int(found.min())


def _nothing(params: KAnonymization) -> StrategyError:
    return StrategyError(
        f"no record shares its quasi-identifiers with {params.k - 1} others, so nothing could "
        "be released",
        help="name fewer keys, or group their values more coarsely in the codebook",
    )


def _share(part: int, whole: int) -> str:
    """Tell a share in whole per cent, which hides how few cells it stands for."""
    return f"{part / whole:.0%}" if whole else "none"


def _told(records: int, share: float, k: int) -> str:
    """Tell how many records, but not how few: with the released ones that would be a number."""
    if 0 < records < k:
        return f"fewer than {k} records were"
    return f"{share:.0%} of the records were" if records else "no records were"
