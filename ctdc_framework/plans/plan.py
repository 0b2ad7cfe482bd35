"""A plan: which candidates are compared, by which measures. Checked before any data are read."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from os.path import isfile
from pathlib import Path
from typing import Any, get_args, get_origin

from attrs import evolve, field, frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.scenario import Scenario
from ctdc_framework.errors import (
    CodebookError,
    CtdcError,
    PlanError,
    PluginError,
    did_you_mean,
    one_of,
)
from ctdc_framework.language.load import load_codebook
from ctdc_framework.loading.registry import PluginInfo, Registry
from ctdc_framework.plans.entries import (
    CandidateEntry,
    GateEntry,
    MeasureEntry,
    PlanEntries,
    StageEntry,
)
from ctdc_framework.plans.keys import read_key
from ctdc_framework.plans.scenario import scenario_faults
from ctdc_framework.plugin import Measure, Strategy
from ctdc_framework.problems.faults import BAD_VALUE, Fault, Faults
from ctdc_framework.records.tables import Shape
from ctdc_framework.toml.convert import fields_of, key_of, structure
from ctdc_framework.toml.file import TomlFile, read_toml, speaking

MOST_CANDIDATES = 500
"""What the sweeps of one candidate may give: more is a slip of the hand."""


@frozen(kw_only=True, eq=False)
class Stage:
    """A strategy with its parameters, ready to run."""

    id: str
    strategy: Strategy[Any]
    params: Any
    plugin: PluginInfo
    key: bytes = field(default=b"", repr=False)
    """The secret key, where the strategy needs one."""


@frozen(kw_only=True, eq=False)
class Candidate:
    """A way of publishing, ready to run: one chain to what is published, one to tables beside."""

    name: str
    stages: tuple[Stage, ...] = ()
    tables: tuple[Stage, ...] = ()
    below_k: bool = False
    """Whether a parameter is lower than the codebook's k: compared, never released."""

    @property
    def stochastic(self) -> bool:
        """Whether it draws at random."""
        return any(stage.strategy.stochastic for stage in (*self.stages, *self.tables))

    @property
    def largest_k(self) -> int:
        """The largest of its parameters that stand for k; 0 where it has none."""
        return max(
            (
                getattr(stage.params, one.name)
                for stage in (*self.stages, *self.tables)
                for one in fields_of(type(stage.params))
                if one.metadata.get("from_codebook") == "k"
            ),
            default=0,
        )


@frozen(kw_only=True, eq=False)
class BoundMeasure:
    """A measure with its parameters, ready to compute."""

    measure: Measure[Any]
    params: Any


@frozen(kw_only=True, eq=False)
class Plan:
    """A checked plan."""

    codebook: Codebook
    candidates: tuple[Candidate, ...]
    measures: tuple[BoundMeasure, ...]
    gates: tuple[GateEntry, ...] = ()
    scenario: Scenario = Scenario()
    data: Path | None = None
    seeds: int = 1
    holdout: float = 0.0
    """Share of the records that a second run of each candidate is made without."""
    accept: str = ""
    """Why the gate may let pass what may be accepted; given with a run, not in the file."""


def load_plan(path: Path, registry: Registry) -> Plan:
    """Load a plan; raises `PlanError` with every problem, or `CodebookError` for its codebook."""
    file = read_toml(path, PlanError, "PL")
    try:
        entries = structure(file.data, PlanEntries)
    except Faults as found:
        raise _error(file, found.faults) from None
    try:
        codebook = load_codebook(_codebook_of(path, entries.plan.codebook), registry.rules)
    except CodebookError as error:
        if error.problems:
            raise
        fault = Fault(path=("plan", "codebook"), kind="020", message=error.message, help=error.help)
        raise _error(file, [fault]) from None
    candidates, faults = bind_candidates(entries.candidates, codebook, registry, folder=path.parent)
    faults += [fault.under("scenario") for fault in scenario_faults(entries.scenario, codebook)]
    measures: list[BoundMeasure] = []
    for number, one in enumerate(entries.measures):
        try:
            measures.append(bind_measure(one, registry))
            if any(one.measure == other.measure for other in entries.measures[:number]):
                message = f"the plan measures `{one.measure}` twice"
                help = "remove one; a measure by length shows every length up to its own"
                at = ("measures", number, "measure")
                faults.append(Fault(path=at, kind="024", message=message, help=help))
        except Faults as found:
            faults += [fault.under("measures", number) for fault in found.faults]
    if not entries.measures:
        measures = default_measures(registry, holdout=bool(entries.plan.holdout))
    named = [one.measure for one in entries.measures] or [one.measure.name for one in measures]
    for number, gate in enumerate(entries.gates):
        if gate.measure not in named:
            message = f"gate `{gate.measure}` looks at what this plan does not measure"
            near = did_you_mean(gate.measure, named)
            help = near or f"add it to [[measures]], or name one of {one_of(named)}"
            faults.append(
                Fault(path=("gates", number, "measure"), kind="023", message=message, help=help)
            )
    if faults:
        raise _error(file, faults)
    return Plan(
        codebook=codebook,
        candidates=tuple(candidates),
        measures=tuple(measures),
        gates=entries.gates,
        scenario=entries.scenario,
        data=path.parent / entries.plan.data if entries.plan.data else None,
        seeds=entries.plan.seeds,
        holdout=entries.plan.holdout,
    )


def default_measures(registry: Registry, *, holdout: bool = False) -> list[BoundMeasure]:
    """Bind every installed measure that needs no parameters, nor withheld records without any."""
    bound = []
    for name in registry.measures:
        try:
            one = bind_measure(MeasureEntry(measure=name), registry)
        except Faults:
            continue
        if holdout or not one.measure.holdout:
            bound.append(one)
    return bound


def _codebook_of(path: Path, source: str) -> str | Path:
    """A path counts from the plan's folder; a shipped codebook has a name."""
    is_path = "/" in source or "\\" in source or source.endswith(".toml")
    return path.parent / source if is_path or isfile(path.parent / source) else source


SUBJECTS = {
    "candidates.*": ("candidate", "name"),
    "candidates.*.stages.*": ("stage", "id"),
    "candidates.*.tables.*": ("stage", "id"),
    "measures.*": ("measure", "measure"),
    "gates.*": ("gate", "measure"),
}
"""What the entries of a plan are called, and by which key they are known."""


def _error(file: TomlFile, faults: Sequence[Fault]) -> PlanError:
    told = [speaking(fault, file.data, SUBJECTS) for fault in faults]
    return PlanError(problems=file.problems(told, "PL"))


def bind_candidates(
    entries: Sequence[CandidateEntry],
    codebook: Codebook,
    registry: Registry,
    *,
    folder: Path = Path(),
) -> tuple[list[Candidate], list[Fault]]:
    """Look up strategies, check parameters and shapes, and spread sweeps out.

    A `key_file` counts from `folder`.
    """
    candidates: list[Candidate] = []
    faults: list[Fault] = []
    for number, one in enumerate(entries):
        try:
            candidates += _bind_candidate(one, codebook, registry, folder)
        except Faults as found:
            faults += [fault.under("candidates", number) for fault in found.faults]
        if any(one.name.casefold() == other.name.casefold() for other in entries[:number]):
            message = f"there is another candidate `{one.name}`, as folders are told apart"
            path = ("candidates", number, "name")
            faults.append(Fault(path=path, kind="024", message=message, help="rename one"))
    return candidates, faults


def bind_measure(one: MeasureEntry, registry: Registry) -> BoundMeasure:
    """Look a measure up and check its parameters; raises `Faults`."""
    try:
        measure = registry.measure(one.measure)
    except PluginError as error:
        raise _not_found("measure", error, "021") from None
    try:
        return BoundMeasure(measure=measure, params=structure(one.params, measure.params))
    except Faults as found:
        raise Faults(fault.under("params") for fault in found.faults) from None


def _not_found(key: str, error: PluginError, kind: str) -> Faults:
    return Faults([Fault(path=(key,), kind=kind, message=error.message, help=error.help)])


def _bind_candidate(
    one: CandidateEntry, codebook: Codebook, registry: Registry, folder: Path
) -> Iterator[Candidate]:
    faults: list[Fault] = []
    if not one.stages and not one.tables:
        message = f"candidate `{one.name}` has neither stages nor tables"
        faults.append(Fault(path=(), kind="011", message=message, help="give it stages"))
    chains: dict[str, list[list[tuple[Stage, str]]]] = {}
    for key, entries in (("stages", one.stages), ("tables", one.tables)):
        chains[key] = []
        for number, stage in enumerate(entries):
            try:
                chains[key].append(list(_bind_stage(stage, codebook, registry, folder)))
            except Faults as found:
                faults += [fault.under(key, number) for fault in found.faults]
    ids = [stage.id for stage in (*one.stages, *one.tables)]
    for id in sorted({id for id in ids if ids.count(id) > 1}):
        message = f"candidate `{one.name}` has two stages called `{id}`"
        faults.append(Fault(path=(), kind="024", message=message, help="rename one"))
    if not faults:
        faults += _shapes(one, chains)
    if faults:
        raise Faults(faults)
    every = [*chains["stages"], *chains["tables"]]
    if (number := math.prod(map(len, every))) > MOST_CANDIDATES:
        raise _too_many(number)
    for choice in itertools.product(*every):
        swept = ",".join(label for _, label in choice if label)
        stages = tuple(stage for stage, _ in choice)
        yield Candidate(
            name=f"{one.name}[{swept}]" if swept else one.name,
            stages=stages[: len(one.stages)],
            tables=stages[len(one.stages) :],
            below_k=any(_below_k(stage, codebook) for stage in stages),
        )


def _bind_stage(
    one: StageEntry, codebook: Codebook, registry: Registry, folder: Path
) -> Iterator[tuple[Stage, str]]:
    """Give a stage for each combination of swept values, with a label for the combination."""
    try:
        strategy = registry.strategy(one.strategy)
    except PluginError as error:
        raise _not_found("strategy", error, "020") from None
    given = {**_preset(one, strategy), **one.params}
    swept = {
        key: value
        for key, value in given.items()
        if isinstance(value, list) and not _takes_list(strategy.params, key)
    }
    if strategy.may_blank and not strategy.keeps_protected:
        kept = [name for name, variable in codebook.variables.items() if variable.protected]
        if kept:
            message = f"`{strategy.name}` may blank values, and {one_of(kept)} may not be blanked"
            help = "choose another strategy, or drop `protected` in the codebook"
            fault = Fault(path=("strategy",), kind="025", message=message, help=help)
            raise Faults([fault])
    if codebook.privacy.subject and not strategy.counts_subjects:
        message = f"`{strategy.name}` counts records, and the codebook's k counts subjects, told "
        message += f"apart by `{codebook.privacy.subject}`"
        help = "join the records of each subject into one, and leave `subject` out of [privacy]"
        fault = Fault(path=("strategy",), kind="027", message=message, help=help)
        raise Faults([fault])
    faults = [*_sweep_faults(swept)]
    if faults:
        raise Faults(faults)
    for places in itertools.product(*(range(len(values)) for values in swept.values())):
        chosen = {key: swept[key][place] for key, place in zip(swept, places, strict=True)}
        try:
            params = bind_params(strategy, {**given, **chosen}, codebook)
            key = _key_of(strategy, params, folder)
        except Faults as found:
            at = dict(zip(swept, places, strict=True))
            faults += [_in_sweep(fault, at) for fault in found.faults]
            continue
        stage = Stage(
            id=one.id,
            strategy=strategy,
            params=params,
            plugin=registry.plugin_of(one.strategy),
            key=key,
        )
        yield stage, ",".join(f"{key}={value}" for key, value in chosen.items())
    if faults:
        raise Faults(dict.fromkeys(faults))


def _preset(one: StageEntry, strategy: Strategy[Any]) -> Mapping[str, Any]:
    """Look a stage's preset up; raises `Faults` where its strategy has none of that name."""
    if not one.preset:
        return {}
    if one.preset not in strategy.presets:
        message = f"`{strategy.name}` has no preset `{one.preset}`"
        help = did_you_mean(one.preset, strategy.presets) or (
            f"it has {one_of(strategy.presets)}" if strategy.presets else "set its parameters"
        )
        raise Faults([Fault(path=("preset",), kind="013", message=message, help=help)])
    return strategy.presets[one.preset]


def _sweep_faults(swept: Mapping[str, Sequence[Any]]) -> Iterator[Fault]:
    """A swept value is part of a candidate's name, and so of a folder's."""
    if (number := math.prod(map(len, swept.values()))) > MOST_CANDIDATES:
        raise _too_many(number)
    for key, values in swept.items():
        path = ("params", key)
        if not values:
            message = f"`{key}` is an empty list, so there is nothing to sweep over"
            yield Fault(path=path, kind="012", message=message, help="give it a value")
        words = [_word(value) for value in values]
        for number, word in enumerate(words):
            if word in words[:number]:
                message = f"`{key}` is swept over {word} twice"
                yield Fault(path=(*path, number), kind="024", message=message, help="remove one")
            elif not re.fullmatch(r"[\w.+-]{1,40}", word):
                message = f"`{key}` is swept over a value that cannot be part of a folder's name"
                help = "make it a candidate of its own"
                yield Fault(path=(*path, number), kind="019", message=message, help=help)


def _word(value: object) -> str:
    # Python does not write numbers of thousands of digits, which TOML can hold.
    return "" if isinstance(value, int) and abs(value) >= 10**18 else str(value)


def _too_many(number: int) -> Faults:
    message = f"the sweeps give {number} candidates, more than {MOST_CANDIDATES}"
    return Faults([Fault(path=(), kind="026", message=message, help="shorten the lists")])


def _in_sweep(fault: Fault, at: Mapping[str, int]) -> Fault:
    """Point at the one value of a swept list that is wrong."""
    head, rest = fault.path[:2], fault.path[2:]
    if len(head) == 2 and head[1] in at and not fault.at_key:
        return evolve(fault, path=(*head, at[str(head[1])], *rest))
    return fault


def bind_params(strategy: Strategy[Any], given: Mapping[str, Any], codebook: Codebook) -> Any:
    """Fill what the codebook decides, and check the rest; raises `Faults` under `params`."""
    filled = dict(given)
    for one in fields_of(strategy.params):
        source = one.metadata.get("from_codebook")
        if source and key_of(one) not in filled:
            filled[key_of(one)] = getattr(codebook.privacy, source)
    try:
        params = structure(filled, strategy.params)
    except Faults as found:
        raise Faults(fault.under("params") for fault in found.faults) from None
    faults = [fault.under("params") for fault in strategy.faults(codebook, params)]
    if faults:
        raise Faults(faults)
    return params


def _key_of(strategy: Strategy[Any], params: Any, folder: Path) -> bytes:
    if not strategy.needs_key(params):
        return b""
    try:
        return read_key(folder / params.key_file if params.key_file else None)
    except CtdcError as error:
        at = ("params", "key_file")
        fault = Fault(path=at, kind=BAD_VALUE, message=error.message, help=error.help)
        raise Faults([fault]) from None


def _takes_list(params: type, key: str) -> bool:
    for one in fields_of(params):
        if key_of(one) == key:
            options = (one.type, *get_args(one.type))
            return any(get_origin(option) is tuple for option in options)
    return False


def _below_k(stage: Stage, codebook: Codebook) -> bool:
    return any(
        getattr(stage.params, one.name) < codebook.k
        for one in fields_of(type(stage.params))
        if one.metadata.get("from_codebook") == "k"
    )


def _shapes(
    one: CandidateEntry, chains: Mapping[str, Sequence[Sequence[tuple[Stage, str]]]]
) -> Iterator[Fault]:
    ends: dict[str, Shape] = {}
    for key, chain in chains.items():
        shape = Shape.RECORDS
        for number, options in enumerate(chain):
            strategy = options[0][0].strategy
            if strategy.takes is not shape:
                message = (
                    f"`{strategy.name}` takes {strategy.takes.value}, and gets {shape.value} here"
                )
                help = "put tabulate before it" if shape is Shape.RECORDS else "put it earlier"
                yield Fault(path=(key, number), kind="022", message=message, help=help)
                return
            shape = strategy.gives
        ends[key] = shape
    if one.tables and ends["tables"] is not Shape.COUNTS:
        message = "the tables end in records, not in counts"
        yield Fault(path=("tables",), kind="022", message=message, help="end with tabulate")
    if one.tables and one.stages and ends["stages"] is Shape.COUNTS:
        message = "the stages end in counts already, so there are no other tables"
        yield Fault(path=("tables",), kind="022", message=message, help="remove one of the two")


def refuse_below_k(candidate: Candidate, codebook: Codebook) -> None:
    """Refuse to release with less than the codebook's k; raises `PlanError`."""
    if candidate.below_k:
        raise PlanError(
            f"`{candidate.name}` has a k or threshold below {codebook.id}'s k = {codebook.k}",
            help=f"give at least {codebook.k}, or change [privacy] k in a codebook of your own; "
            "compare may look below it, without releasing",
        )
