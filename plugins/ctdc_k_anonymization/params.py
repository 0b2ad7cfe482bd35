"""What a user says to k-anonymization, what is wrong with it, and what it then promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import frozen, validators

from ctdc_framework.plugin import (
    Claim,
    Codebook,
    Fault,
    KAnonymity,
    KmAnonymity,
    LDiversity,
    TCloseness,
    did_you_mean,
    entry,
)

BAD_VALUE, UNKNOWN_NAME = "019", "205"
"""Kinds of faults: a value that cannot be, a name that is no variable."""


@frozen(kw_only=True)
class Diverse:
    """How diverse a sensitive variable has to be in each class."""

    variable: str = entry("sensitive variable")
    kind: Literal["distinct", "entropy", "recursive"] = entry(
        "distinct: so many different values. entropy: as even as so many equal ones. recursive: "
        "the most frequent is rarer than c times the l-th and rarer ones together",
        default="distinct",
    )
    l: int = entry("the l of l-diversity", validator=validators.ge(2))  # noqa: E741
    c: float = entry("the c of recursive (c,l)-diversity", default=1.0, validator=validators.gt(0))


@frozen(kw_only=True)
class Close:
    """How near a sensitive variable's shares have to be, in each class, to those in all records."""

    variable: str = entry("sensitive variable")
    kind: Literal["equal", "ordered", "hierarchical"] = entry(
        "what moving a share costs. equal: the same between any two values. ordered: by how many "
        "values lie between. hierarchical: by how far up the hierarchy both meet",
        default="equal",
    )
    t: float = entry("the largest distance", validator=[validators.gt(0), validators.le(1)])


@frozen(kw_only=True)
class Bounds:
    """The levels that a variable may be generalised to; 0 are its own values."""

    lowest: int = entry("finest level", default=0, validator=validators.ge(0))
    highest: int | None = entry(
        "coarsest level; left out: the variable may be left out as a whole",
        default=None,
        validator=validators.optional(validators.ge(0)),
    )


@frozen(kw_only=True)
class KAnonymization:
    """Release a record only if at least k records share its quasi-identifiers."""

    k: int = entry(
        "fewest records that share their quasi-identifiers",
        validator=validators.ge(2),
        from_codebook="k",
    )
    method: Literal["records", "cells", "generalise"] = entry(
        "records: a record in too small a class is left out. cells: single values are left out, or "
        "made coarser. generalise: a variable is made coarser in all records, as little as can be",
        default="records",
    )
    keys: Literal["quasi", "all"] | tuple[str, ...] = entry(
        'variables that an outsider could know: a list, "quasi" for those whose role says so, '
        'or "all"',
        default="quasi",
    )
    missing: Literal["codebook", "itself"] = entry(
        "what a missing value matches: what the codebook's `missing_matches` says of each variable "
        "(generalise, `diverse` and `close` take all as itself), or itself alone: a run can "
        "protect more than the codebook says, and not less",
        default="codebook",
    )
    known: int = entry(
        "cells: the most quasi-identifiers of one person that an attacker knows, 2 to 4: each "
        "combination of that many values is shared by k, and values are only left out, never made "
        "coarser; 0: all of them may be known",
        default=0,
        validator=[validators.ge(0), validators.le(4)],
    )
    diverse: tuple[Diverse, ...] = entry(
        "l-diversity: sensitive variables that have to be diverse in each class; not with cells",
        default=(),
    )
    close: tuple[Close, ...] = entry(
        "t-closeness: sensitive variables whose shares have to be near the whole's in each class; "
        "not with cells",
        default=(),
    )
    weights: Mapping[str, float] = entry(
        "how much a variable's values count, > 0; 1 where nothing is said", factory=dict
    )
    hierarchies: bool = entry(
        "whether values may be made coarser by the codebook's hierarchies, or are only left out",
        default=True,
    )
    metric: Literal[
        "loss", "entropy", "normalised-entropy", "precision", "height", "discernibility",
        "class-size",
    ] = entry(
        "what generalise makes least. loss: how much of its domain a value covers. entropy: bits "
        "that tell a value from those merged with it. precision, height: how far up. "
        "discernibility, class-size: how large classes get",
        default="loss",
    )  # fmt: skip
    aggregate: Literal["sum", "arithmetic-mean", "geometric-mean", "rank", "max"] = entry(
        "how generalise puts the variables' losses together", default="geometric-mean"
    )
    factor: float = entry(
        "generalise: 0 if suppression costs nothing, 1 if generalisation does, 0.5 if both count",
        default=0.5,
        validator=[validators.ge(0), validators.le(1)],
    )
    limit: float = entry(
        "generalise: largest share of records that may be left out",
        default=0.05,
        validator=[validators.ge(0), validators.le(1)],
    )
    levels: Mapping[str, Bounds] = entry(
        "generalise: the levels that a variable may go to", factory=dict
    )
    exact: int = entry(
        "generalise: largest number of combinations of levels of which the best is found; among "
        "more, `steps` of them are looked at",
        default=200_000,
        validator=[validators.ge(0), validators.le(10_000_000)],
    )
    steps: int = entry(
        "generalise: how many are looked at where there are more than `exact`",
        default=2_000,
        validator=[validators.ge(1), validators.le(1_000_000)],
    )


def keys_of(codebook: Codebook, params: KAnonymization) -> tuple[str, ...]:
    """Give the quasi-identifiers in codebook order."""
    sensitive = [one.variable for one in params.diverse] + [one.variable for one in params.close]
    if params.keys == "quasi":
        return codebook.quasi_identifiers
    if params.keys == "all":
        return tuple(name for name in codebook.variables if name not in sensitive)
    return tuple(name for name in codebook.variables if name in params.keys)


def wild_of(codebook: Codebook, params: KAnonymization) -> tuple[str, ...]:
    """Give the quasi-identifiers of which a missing value matches anything.

    Where records have to be grouped, or combinations of what is `known` are counted, there are
    none. With cells, what is published as it is, or lists several values, is not among them.
    """
    if params.missing == "itself" or params.method == "generalise" or params.known:
        return ()
    if params.diverse or params.close:
        return ()
    variables = codebook.variables
    return tuple(
        name
        for name in keys_of(codebook, params)
        if variables[name].missing_matches == "anything"
        and not (params.method == "cells" and (variables[name].list or variables[name].protected))
    )


def claims_of(codebook: Codebook, params: KAnonymization) -> Sequence[Claim]:
    """Give what the output keeps to."""
    columns = keys_of(codebook, params)
    if params.known:
        return [KmAnonymity(k=params.k, known=params.known, columns=columns)]
    diverse = [
        LDiversity(kind=one.kind, l=one.l, c=one.c, variable=one.variable, columns=columns)
        for one in params.diverse
    ]
    close = [
        TCloseness(kind=one.kind, t=one.t, variable=one.variable, columns=columns)
        for one in params.close
    ]
    wild = wild_of(codebook, params)
    missing: Literal["itself", "anything", "codebook"] = "codebook" if wild else "itself"
    if wild and wild == columns:
        missing = "anything"
    return [KAnonymity(k=params.k, columns=columns, missing=missing), *diverse, *close]


def faults_of(codebook: Codebook, params: KAnonymization) -> Iterator[Fault]:
    """Find what is wrong with parameters for a codebook."""
    yield from _unknown(codebook, params)
    keys = keys_of(codebook, params)
    if not keys:
        message = "there is no quasi-identifier to protect"
        help = 'give keys = ["..."], or say role = ["quasi"] in the codebook'
        yield Fault(path=("keys",), kind=UNKNOWN_NAME, message=message, help=help)
    for name, weight in params.weights.items():
        if not 0.001 <= weight <= 1000:  # nan is refused too
            message = f"the weight of `{name}` is not between 0.001 and 1000"
            help = "a weight of 2 counts twice as much as 1"
            yield Fault(path=("weights", name), kind=BAD_VALUE, message=message, help=help)
    for which in ("weights", "levels"):
        for name in getattr(params, which):
            if name in codebook.variables and name not in keys:
                message = f"`{which}` names `{name}`, which is not among the keys"
                help = "add it to `keys`, or drop it here"
                yield Fault(path=(which, name), kind=BAD_VALUE, message=message, help=help)
    yield from _known(params)
    yield from _sensitive(codebook, params, keys)
    for name, bounds in params.levels.items():
        if name in codebook.variables:
            yield from _bounds(codebook, params, name, bounds)


def _known(params: KAnonymization) -> Iterator[Fault]:
    if not params.known:
        return
    message = help = ""
    if params.known == 1:
        message = "`known` is 1, and nobody is protected of whom two values are known"
        help = "give a number from 2 to 4, or 0 for all"
    elif params.method != "cells":
        message = f"`known` is given, and the method {params.method} leaves out no single values"
        help = 'choose method = "cells", or drop `known`'
    elif params.missing == "itself":
        message = '`known` counts no missing value, and missing = "itself" asks that each counts'
        help = "drop one of the two"
    if message:
        yield Fault(path=("known",), kind=BAD_VALUE, message=message, help=help)


def _unknown(codebook: Codebook, params: KAnonymization) -> Iterator[Fault]:
    listed = params.keys if isinstance(params.keys, tuple) else ()
    named: list[tuple[tuple[str | int, ...], str]] = [
        *((("keys", number), name) for number, name in enumerate(listed)),
        *((("diverse", n, "variable"), one.variable) for n, one in enumerate(params.diverse)),
        *((("close", n, "variable"), one.variable) for n, one in enumerate(params.close)),
        *((("weights", name), name) for name in params.weights),
        *((("levels", name), name) for name in params.levels),
    ]
    for path, name in named:
        if name not in codebook.variables:
            message = f"`{path[0]}` names `{name}`, which is no variable of {codebook.id}"
            help = did_you_mean(name, codebook.variables) or "name variables of the codebook"
            yield Fault(path=path, kind=UNKNOWN_NAME, message=message, help=help)


def _sensitive(codebook: Codebook, params: KAnonymization, keys: Sequence[str]) -> Iterator[Fault]:
    both: list[tuple[str, int, Any]] = [
        *(("diverse", number, one) for number, one in enumerate(params.diverse)),
        *(("close", number, one) for number, one in enumerate(params.close)),
    ]
    for which, number, one in both:
        variable = codebook.variables.get(one.variable)
        message = help = ""
        if params.method == "cells":
            message = f"`{which}` is asked for, and the method cells does not look at it"
            help = 'choose method = "generalise" or "records"'
        elif variable is None:
            continue
        elif one.variable in keys:
            message = f"`{one.variable}` is sensitive in `{which}` and a quasi-identifier in `keys`"
            help = "a class shares its quasi-identifiers, so they cannot differ in it: drop one"
        elif variable.list:
            message = f"`{one.variable}` lists several values, and `{which}` needs one of each"
            help = "name a variable that holds one value"
        elif one.kind == "hierarchical" and codebook.hierarchy_of(one.variable) is None:
            message = f"`{one.variable}` has no hierarchy by which shares could be moved"
            help = 'declare one in the codebook, or choose kind = "equal"'
        if message:
            yield Fault(path=(which, number), kind=BAD_VALUE, message=message, help=help)


def top_of(codebook: Codebook, params: KAnonymization, name: str) -> int:
    """Give a variable's coarsest level: that at which it is left out, or the one below.

    Level 0 are its own values; the levels of its hierarchy follow but for the last, whose one group
    says nothing; then it is left out, unless it is protected.
    """
    hierarchy = codebook.hierarchy_of(name) if params.hierarchies else None
    listed = codebook.variables[name].list
    steps = len(hierarchy.levels) - 1 if hierarchy and not listed else 0
    return steps + (not codebook.variables[name].protected)


def _bounds(
    codebook: Codebook, params: KAnonymization, name: str, bounds: Bounds
) -> Iterator[Fault]:
    top = top_of(codebook, params, name)
    highest = top if bounds.highest is None else bounds.highest
    if not bounds.lowest <= highest <= top:
        message = f"the levels of `{name}` go from 0 to {top}, and its bounds lie elsewhere"
        help = f"give 0 <= lowest <= highest <= {top}"
        yield Fault(path=("levels", name), kind=BAD_VALUE, message=message, help=help)
