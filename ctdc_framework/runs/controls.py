"""What candidates are read by: controls, and records withheld from a second run."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ctdc_framework.contract.results import Release
from ctdc_framework.records.tables import Table
from ctdc_framework.runs.runner import generator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COPY, SHUFFLED, HALF = "the original itself", "independent columns", "one half beside the other"
"""Controls: what nobody may publish; what keeps single counts and nothing else; mere chance."""
SUBSAMPLES = {f"a subsample of {share} %": share for share in (1, 5, 10, 50)}
"""Controls: an honest part of the records, as a yardstick, with its share in per cent."""
ANCHORS = (COPY, SHUFFLED)
"""The two controls between which any figure is read."""
CONTROLS = (*ANCHORS, HALF, *SUBSAMPLES)
"""All controls."""


def controls_of(
    original: Table, seed: int, names: Collection[str]
) -> Iterator[tuple[Release, Table]]:
    """Give each control, and what it is measured beside: the original, or half of it."""
    import numpy as np

    def drawn(name: str) -> NDArray[np.int64]:
        return generator(seed, name, "control").permutation(len(original))

    def of_rows(name: str, rows: NDArray[np.int64]) -> Release:
        return Release(name=name, records=original.with_codes(original.codes[np.sort(rows)]))

    if COPY in names:
        yield Release(name=COPY, records=original), original
    if SHUFFLED in names:
        rng = generator(seed, SHUFFLED, "control")
        codes = original.codes.copy()
        for number in range(codes.shape[1]):
            codes[:, number] = rng.permutation(codes[:, number])
        shuffled = original.with_codes(np.ascontiguousarray(codes))
        yield Release(name=SHUFFLED, records=shuffled), original
    if HALF in names:
        half = len(original) // 2
        rows = drawn(HALF)
        first, second = of_rows(HALF, rows[:half]), of_rows(HALF, rows[half:])
        assert second.records is not None
        yield first, second.records
    for name, share in SUBSAMPLES.items():
        if name in names:
            yield of_rows(name, drawn(name)[: len(original) * share // 100]), original


def split_off(original: Table, share: float, seed: int) -> tuple[Table, Table]:
    """Split records by chance into those that second runs are made of, and those withheld."""
    import numpy as np

    drawn = generator(seed, "holdout", "control").permutation(len(original))
    number = round(len(original) * share)
    withheld, members = (
        original.with_codes(original.codes[np.sort(rows)])
        for rows in (drawn[:number], drawn[number:])
    )
    return members, withheld
