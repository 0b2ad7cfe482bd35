"""k-anonymization: leave out the records whose quasi-identifiers too few others share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from attrs import frozen, validators

from ctdc_framework.plugin import (
    Claim,
    Codebook,
    Context,
    Fault,
    KAnonymity,
    Note,
    Output,
    Severity,
    Shape,
    Strategy,
    StrategyError,
    Table,
    did_you_mean,
    entry,
    hookimpl,
)


@frozen(kw_only=True)
class KAnonymization:
    """Release a record only if at least k records share its quasi-identifiers."""

    k: int = entry(
        "fewest records that share their quasi-identifiers",
        validator=validators.ge(2),
        from_codebook="k",
    )
    method: Literal["records"] = entry(
        "records: a record in too small a class is left out", default="records"
    )
    keys: Literal["quasi", "all"] | tuple[str, ...] = entry(
        'variables that an outsider could know: a list, "quasi" for those whose role says so, '
        'or "all"',
        default="quasi",
    )


def keys_of(codebook: Codebook, params: KAnonymization) -> tuple[str, ...]:
    """Give the quasi-identifiers in codebook order."""
    if params.keys == "quasi":
        return codebook.quasi_identifiers
    if params.keys == "all":
        return tuple(codebook.variables)
    return tuple(name for name in codebook.variables if name in params.keys)


def suppress_records(table: Table, params: KAnonymization, context: Context) -> Output:
    """Drop every record whose equivalence class holds fewer than k records.

    A missing value counts as a value of its own, so two unknowns can shelter each other. What the
    other variables hold is left as it is. The records that stay come in random order, as the
    original one may tell when somebody was registered. Raises `StrategyError` where none stays.
    """
    keys = keys_of(table.codebook, params)
    columns = [table.columns[number].name for number in table.column_numbers(keys)]
    kept = table.frame
    if len(table):
        classes = kept.groupby(columns, dropna=False, observed=True, sort=False)
        kept = kept[classes[columns[0]].transform("size") >= params.k]
    if not len(kept):
        raise StrategyError(
            f"no record shares its quasi-identifiers with {params.k - 1} others, so nothing could "
            "be released",
            help="name fewer keys, or group their values more coarsely in the codebook",
        )
    kept = kept.iloc[context.rng.permutation(len(kept))]
    context.progress(1, 1)
    suppressed = len(table) - len(kept)
    share = suppressed / len(table) if suppressed else 0.0
    note = Note(
        code="records-suppressed",
        message=f"{_told(suppressed, share, max(params.k, table.codebook.k))} in classes of fewer "
        f"than {params.k}, and left out",
        severity=Severity.WARNING if share > 0.5 else Severity.INFO,
    )
    return Output(
        table=table.with_frame(kept),
        notes=[note],
        details={"suppressed": suppressed, "keys": list(keys)},
    )


def _told(records: int, share: float, k: int) -> str:
    """Tell how many records, but not how few: with the released ones that would be a number."""
    if 0 < records < k:
        return f"fewer than {k} records were"
    return f"{share:.0%} of the records were" if records else "no records were"


def _claims(codebook: Codebook, params: KAnonymization) -> Sequence[Claim]:
    return [KAnonymity(k=params.k, columns=keys_of(codebook, params))]


def _faults(codebook: Codebook, params: KAnonymization) -> Iterator[Fault]:
    if isinstance(params.keys, tuple):
        for number, name in enumerate(params.keys):
            if name not in codebook.variables:
                message = f"`keys` names `{name}`, which is no variable of {codebook.id}"
                help = did_you_mean(name, codebook.variables) or "list variables of the codebook"
                yield Fault(path=("keys", number), kind="205", message=message, help=help)
    if not keys_of(codebook, params):
        message = "there is no quasi-identifier to protect"
        help = 'give keys = ["..."], or say role = ["quasi"] in the codebook'
        yield Fault(path=("keys",), kind="205", message=message, help=help)


STRATEGY = Strategy(
    name="k-anonymization",
    summary="leaves out records whose quasi-identifiers fewer than k records share",
    params=KAnonymization,
    takes=Shape.RECORDS,
    gives=Shape.RECORDS,
    run=suppress_records,
    claims=_claims,
    faults=_faults,
)


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer k-anonymization."""
    return [STRATEGY]
