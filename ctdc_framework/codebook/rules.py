"""Grouping rules: how raw inputs become the variables of a release.

A `Rule` is an operation of the codebook language (`op = "fold"`). Its parameters are an attrs
class; what it reads and writes is known from them alone, so that rules are put in data-flow order
and checked before any data are seen. Plugins offer more of them through `ctdc_register_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from typing import Any, Generic, Literal, TypeVar

from attrs import field, frozen, validators

from ctdc_framework.codebook.columns import Column, flag
from ctdc_framework.codebook.domains import OUTSIDE, BandsDomain, FlagDomain, IntegerDomain
from ctdc_framework.codebook.model import Codebook, Condition, RuleEntry
from ctdc_framework.codebook.rewriting import Alpha3, Recode, alpha3_faults, no_zero, recode_faults
from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.convert import entry

P = TypeVar("P")

Mode = Literal["check", "fill", "overwrite"]
"""What happens where the file already holds the target: stop where the rule gives another value,
use the rule where the file has none, or use the rule wherever it gives a value."""

MODE_HELP = (
    "where the file holds the target too: check stops if the rule gives another value, "
    "fill uses the rule where the file has none, overwrite wherever the rule gives a value"
)


@frozen(kw_only=True)
class Rows:
    """What a rule sees: the columns it reads (those that the file lacks are absent)."""

    columns: Mapping[str, Column]
    rows: int
    codebook: Codebook


def _nothing(*_: Any) -> tuple[()]:
    return ()


@frozen(kw_only=True)
class Rule(Generic[P]):
    """An operation of the codebook language.

    `reads` and `writes` name columns from the parameters. `apply` gives the target's column; its
    cells must be codes of the target's domain, which is checked. `faults` finds mistakes that only
    the whole codebook shows. A rule that `rewrites` works on the text of cells instead, before
    they are held against their domain, and writes no column; it `reads` what a file must have.
    """

    op: str
    summary: str
    params: type[P]
    reads: Callable[[P], Sequence[str]] = _nothing
    writes: Callable[[P], Sequence[str]] = _nothing
    apply: Callable[[P, Rows], Column] | None = None
    faults: Callable[[P, Codebook], Iterable[Fault]] = _nothing
    rewrites: Callable[[P], tuple[Sequence[str], Mapping[str, str]]] | None = None
    shares_target: bool = False
    """Whether several such rules may write one target and add to what the file holds there."""
    total: bool = False
    """Whether every known input must give a known output, as a number its band."""
    contract: int = 1


@frozen(kw_only=True)
class First:
    """Take the first value of a cell that lists several."""

    from_: str = entry("the input that lists several", key="from")
    to: str = entry("the variable or input that gets the first of them")
    mode: Mode = entry(MODE_HELP, default="check")


@frozen(kw_only=True)
class Bin:
    """Put a whole number into its band."""

    from_: str = entry("the input that holds the number", key="from")
    to: str = entry("the variable whose domain is bands")
    mode: Mode = entry(MODE_HELP, default="check")


@frozen(kw_only=True)
class Fold:
    """Set a flag wherever one of several flags is set, or the flag itself."""

    from_: tuple[str, ...] = entry(
        "the flags that are folded", key="from", validator=validators.min_len(1)
    )
    to: str = entry("the flag that they are folded into")
    how: Literal["any"] = entry("any: one of them is enough", default="any")


@frozen(kw_only=True)
class Derive:
    """Set a flag where any, or all, of some conditions hold."""

    to: str = entry("the flag that is set")
    any: tuple[Condition, ...] = entry("conditions of which one is enough", default=())
    all: tuple[Condition, ...] = entry("conditions that must all hold", default=())
    mode: Mode = entry(MODE_HELP, default="check")

    def __attrs_post_init__(self) -> None:
        if bool(self.any) == bool(self.all):
            raise ValueError("`derive` says either `any` or `all`: write one of them")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions, whichever way they are joined."""
        return self.any or self.all


@frozen(kw_only=True)
class Coalesce:
    """Take the first of several columns in which the value is known."""

    from_: tuple[str, ...] = entry(
        "columns in order of preference", key="from", validator=validators.min_len(1)
    )
    to: str = entry("the variable or input that gets the value")
    mode: Mode = entry(MODE_HELP, default="check")


def holds(condition: Condition, column: Column) -> Any:
    """Tell for each record whether a condition is known to hold; a mask."""
    if condition.missing:
        return ~column.known()
    wanted = frozenset(condition.values)
    return column.mask(
        lambda cell: not wanted.isdisjoint(cell) if isinstance(cell, tuple) else str(cell) in wanted
    )


def _first(params: First, rows: Rows) -> Column:
    return rows.columns[params.from_].map(lambda cell: cell[0])


def _bin(params: Bin, rows: Rows) -> Column:
    domain = rows.codebook.domain_of(params.to)
    assert isinstance(domain, BandsDomain)
    return rows.columns[params.from_].map(domain.band_of)


def _fold(params: Fold, rows: Rows) -> Column:
    present = [rows.columns[name].known() for name in params.from_ if name in rows.columns]
    return flag(_joined(present, rows.rows, every=False))


def _derive(params: Derive, rows: Rows) -> Column:
    masks = [
        holds(condition, rows.columns[condition.var])
        for condition in params.conditions
        if condition.var in rows.columns
    ]
    if params.all and len(masks) < len(params.all):
        return Column.missing(rows.rows)  # an absent column is unknown throughout
    return flag(_joined(masks, rows.rows, every=bool(params.all)))


def _coalesce(params: Coalesce, rows: Rows) -> Column:
    known = [rows.columns[name] for name in params.from_ if name in rows.columns]
    result = known[0]
    for column in known[1:]:
        result = result.filled_from(column)
    return result


def _joined(masks: Sequence[Any], rows: int, *, every: bool) -> Any:
    import numpy as np

    if not masks:
        return np.zeros(rows, dtype=bool)
    return np.logical_and.reduce(masks) if every else np.logical_or.reduce(masks)


def _single_faults(key: str, name: str, codebook: Codebook) -> Iterator[Fault]:
    if codebook.separator_of(name):
        message = f"`{name}` lists several values in a cell, and one is wanted here"
        help = "take the first of them by a rule of its own" if key == "from" else "drop its `list`"
        yield Fault(path=(key,), kind="207", message=message, help=help)


def _first_faults(params: First, codebook: Codebook) -> Iterator[Fault]:
    yield from _single_faults("to", params.to, codebook)
    if not codebook.separator_of(params.from_):
        message = f"`{params.from_}` has no `list`, so there is no first of several"
        help = f'add list = ";" to `{params.from_}`, or use coalesce'
        yield Fault(path=("from",), kind="205", message=message, help=help)
    yield from _same_domain(("from",), params.from_, params.to, codebook)


def _bin_faults(params: Bin, codebook: Codebook) -> Iterator[Fault]:
    yield from _single_faults("from", params.from_, codebook)
    yield from _single_faults("to", params.to, codebook)
    if not isinstance(codebook.domain_of(params.from_), IntegerDomain):
        message = f"`{params.from_}` holds no whole numbers to bin"
        help = f'give `{params.from_}` domain = "std/integer"'
        yield Fault(path=("from",), kind="212", message=message, help=help)
    if not isinstance(codebook.domain_of(params.to), BandsDomain):
        message = f"the domain of `{params.to}` is not bands"
        yield Fault(path=("to",), kind="212", message=message, help="bin writes bands")


def _flag_faults(names: Iterable[tuple[Path, str]], codebook: Codebook) -> Iterator[Fault]:
    for path, name in names:
        if not isinstance(codebook.domain_of(name), FlagDomain):
            message = f"`{name}` is no flag"
            help = f'give `{name}` domain = "std/flag"'
            yield Fault(path=path, kind="202", message=message, help=help)


def _fold_faults(params: Fold, codebook: Codebook) -> Iterator[Fault]:
    sources = [(("from", number), name) for number, name in enumerate(params.from_)]
    yield from _flag_faults([*sources, (("to",), params.to)], codebook)


def _derive_faults(params: Derive, codebook: Codebook) -> Iterator[Fault]:
    yield from _flag_faults([(("to",), params.to)], codebook)
    for key, conditions in (("any", params.any), ("all", params.all)):
        for number, condition in enumerate(conditions):
            yield from (fault.under(key, number) for fault in condition_faults(condition, codebook))


def _coalesce_faults(params: Coalesce, codebook: Codebook) -> Iterator[Fault]:
    for number, name in enumerate(params.from_):
        yield from _same_domain(("from", number), name, params.to, codebook)
        if bool(codebook.separator_of(name)) != bool(codebook.separator_of(params.to)):
            message = f"only one of `{name}` and `{params.to}` lists several values in a cell"
            help = 'take the first of them with a rule of its own (op = "first")'
            yield Fault(path=("from", number), kind="207", message=message, help=help)


def _same_domain(path: Path, source: str, target: str, codebook: Codebook) -> Iterator[Fault]:
    ours, theirs = codebook.domain_of(source), codebook.domain_of(target)
    foreign = sorted(set(ours.codes) - set(theirs.codes))
    other_kind = (ours.is_open or theirs.is_open) and type(ours) is not type(theirs)
    if other_kind or foreign:
        what = f"`{foreign[0]}`, for one, is" if foreign else "its values are"
        message = f"`{source}` does not fit into `{target}`: {what} not in the target's domain"
        help = "give both the same domain, or map the value with a recode rule"
        yield Fault(path=path, kind="207", message=message, help=help)


def condition_faults(condition: Condition, codebook: Codebook) -> Iterator[Fault]:
    """Find a condition's value that its variable cannot take."""
    domain = codebook.domain_of(condition.var)
    for number, value in enumerate(condition.values):
        if value in condition.values[:number]:
            message = f"`{value}` stands twice: with quotes or without, it is the same text"
            yield Fault(path=("in", number), kind="115", message=message, help="remove one")
            continue
        lacking = domain.read(value) is OUTSIDE if domain.is_open else value not in domain.known
        if lacking:
            path: Path = ("is",) if condition.is_ is not None else ("in", number)
            message = f"`{value}` is no value of `{condition.var}`"
            near = did_you_mean(value, domain.codes)
            help = near or f"its values are {one_of(domain.codes) or 'whole numbers'}"
            if isinstance(domain, FlagDomain) and value == "0":
                yield no_zero(path, condition.var, "say missing = true for no or unknown")
                continue
            yield Fault(path=path, kind="206", message=message, help=help)


def _to(params: Any) -> Sequence[str]:
    return (params.to,)


BUILT_IN: Mapping[str, Rule[Any]] = {
    rule.op: rule
    for rule in (
        Rule(
            op="first",
            summary="the first value of a cell that lists several",
            params=First,
            reads=lambda params: (params.from_,),
            writes=_to,
            apply=_first,
            faults=_first_faults,
        ),
        Rule(
            op="recode",
            summary="texts of the file replaced before the domain check",
            params=Recode,
            reads=lambda params: params.file_has,
            rewrites=lambda params: (params.on, params.map),
            faults=recode_faults,
        ),
        Rule(
            op="alpha-3",
            summary="two-letter codes of countries read as three-letter ones",
            params=Alpha3,
            reads=lambda params: params.file_has,
            rewrites=lambda params: (params.on, params.map),
            faults=alpha3_faults,
        ),
        Rule(
            op="bin",
            summary="a whole number put into its band",
            params=Bin,
            reads=lambda params: (params.from_,),
            writes=_to,
            apply=_bin,
            total=True,
            faults=_bin_faults,
        ),
        Rule(
            op="fold",
            summary="rare flags folded into one",
            params=Fold,
            reads=lambda params: params.from_,
            writes=_to,
            apply=_fold,
            faults=_fold_faults,
            shares_target=True,
        ),
        Rule(
            op="derive",
            summary="a flag set from conditions",
            params=Derive,
            reads=lambda params: tuple(dict.fromkeys(c.var for c in params.conditions)),
            writes=_to,
            apply=_derive,
            faults=_derive_faults,
        ),
        Rule(
            op="coalesce",
            summary="the first of several columns that is known",
            params=Coalesce,
            reads=lambda params: params.from_,
            writes=_to,
            apply=_coalesce,
            faults=_coalesce_faults,
        ),
    )
}


@frozen(kw_only=True)
class Flow:
    """The rules of a codebook in the order in which they run, with what each reads and writes."""

    rewriting: tuple[RuleEntry, ...] = field(factory=tuple)
    ordered: tuple[RuleEntry, ...] = field(factory=tuple)
    cycle: tuple[RuleEntry, ...] = field(factory=tuple)
    """Rules that feed each other; such a codebook is refused."""


def flow_of(entries: Sequence[RuleEntry], rules: Mapping[str, Rule[Any]]) -> Flow:
    """Order rules so that each runs after every rule that writes what it reads.

    Position in the file means nothing: among rules that are free to run, the one with the smaller
    id goes first.
    """
    rewriting = tuple(e for e in entries if rules[e.op].rewrites is not None)
    others = sorted((e for e in entries if rules[e.op].rewrites is None), key=lambda e: e.id)
    writers: dict[str, list[int]] = {}
    for number, one in enumerate(others):
        for name in rules[one.op].writes(one.params):
            writers.setdefault(name, []).append(number)
    sorter = TopologicalSorter[int]()
    for number, one in enumerate(others):
        reads = rules[one.op].reads(one.params)
        sorter.add(number, *(writer for name in reads for writer in writers.get(name, ())))
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = tuple(others[number] for number in error.args[1][1:])
        return Flow(rewriting=rewriting, cycle=cycle)
    ordered: list[RuleEntry] = []
    ready: list[int] = []
    while sorter.is_active():
        for number in sorter.get_ready():
            heappush(ready, number)
        sorter.done(ready[0])
        ordered.append(others[heappop(ready)])
    return Flow(rewriting=rewriting, ordered=tuple(ordered))
