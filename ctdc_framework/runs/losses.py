"""What became of the original's values on the way to a release of records, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from ctdc_framework.contract.results import Release
from ctdc_framework.records.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@frozen(kw_only=True)
class Losses:
    """Filled cells, each once: recorded - left_out - suppressed + added = released.

    Where records were not followed, as in synthetic ones, `suppressed` are the values by which a
    column holds fewer than it did and `added` those by which it holds more; `left_out` is 0.
    """

    recorded: int
    left_out: int = 0
    """In records that were left out."""
    suppressed: int = 0
    added: int = 0
    released: int = 0
    generalised: int = 0
    """Of those released, the ones that are coarser than they were."""
    is_followed: bool = False
    """Whether it is known which record each released one was."""


def losses_of(original: Table, release: Release) -> Losses | None:
    """Count what a release keeps of the original's values; None where it has no records."""
    if release.records is None:
        return None
    after = _in_columns_of(original, release.records)
    recorded, released = int((original.codes >= 0).sum()), int((after >= 0).sum())
    if release.kept_rows is None:
        change = (after >= 0).sum(axis=0) - (original.codes >= 0).sum(axis=0)
        return Losses(
            recorded=recorded,
            suppressed=-int(change[change < 0].sum()),
            added=int(change[change > 0].sum()),
            released=released,
        )
    before = original.codes[release.kept_rows]
    in_kept = int((before >= 0).sum())
    return Losses(
        recorded=recorded,
        left_out=recorded - in_kept,
        suppressed=in_kept - released,
        released=released,
        generalised=int(((after >= 0) & (after != before)).sum()),
        is_followed=True,
    )


def _in_columns_of(original: Table, released: Table) -> NDArray[np.int16]:
    """Give the released codes in the original's columns; a column that was left out is missing."""
    import numpy as np

    places = {column.name: number for number, column in enumerate(released.columns)}
    codes = np.full((len(released), len(original.columns)), -1, np.int16)
    for number, column in enumerate(original.columns):
        if column.name in places:
            codes[:, number] = released.codes[:, places[column.name]]
    return codes
