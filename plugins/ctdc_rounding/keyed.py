"""Chance that is the same in every table and every run: drawn from a secret and from the cell.

A draw is HMAC-SHA256 of a label and of what is drawn for, so nobody without the secret can tell
it, and nobody can average it out by asking again.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ctdc_framework.plugin import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]


def draw(key: bytes, label: str, messages: Iterable[bytes]) -> Words:
    """Draw 64 even bits for each message; `label` keeps the draws of different uses apart.

    >>> one, again, other = draw(b"a secret of some length", "use", [b"x", b"x", b"y"])
    >>> one == again, one == other
    (np.True_, np.False_)
    """
    import numpy as np

    # The label has a key of its own, so that no label and message can pass for others.
    own = hmac.digest(key, label.encode(), "sha256")
    parts = b"".join(hmac.digest(own, message, "sha256")[:8] for message in messages)
    return np.frombuffer(parts, dtype=">u8").astype(np.uint64)


def dither(key: bytes, base: int, table: Table) -> NDArray[np.int64]:
    """Draw a number from 0 to base - 1 for each cell; the same cell has the same in any table."""
    words = draw(key, f"dither {base}", cell_names(table))
    drawn: NDArray[np.int64] = (words % base).astype("int64")
    return drawn


def cell_names(table: Table) -> Iterator[bytes]:
    """Name each cell by its values, in the order of the variables' names and not of a codebook."""
    import numpy as np

    named = sorted(
        (
            [f"{column.variable}={column.cell(code)}\n" for code in range(len(column.codes))],
            number,
        )
        for number, column in enumerate(table.columns)
    )
    codes = table.codes[:, [number for _, number in named]]
    names = [texts for texts, _ in named]
    rows, columns = np.nonzero(codes >= 0)
    ends = np.cumsum(np.bincount(rows, minlength=len(codes)))
    texts = [
        names[column][code]
        for column, code in zip(columns.tolist(), codes[rows, columns].tolist(), strict=True)
    ]
    start = 0
    for end in ends.tolist():
        yield "".join(texts[start:end]).encode()
        start = end


def record_keys(table: Table) -> Words:
    """Give each record 64 bits that follow from its values, and from how many before have the same.

    So a set of records has the same keys in whatever order, table and run. They are no secret:
    `cell_keys` mixes the secret in.
    """
    import numpy as np

    distinct, which = np.unique(table.codes, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    ranks = np.empty(len(which), dtype=np.int64)
    starts = np.searchsorted(which[order], np.arange(len(distinct)))
    ranks[order] = np.arange(len(which)) - starts[which[order]]
    names = list(cell_names(table.with_codes(distinct)))
    messages = (names[one] + b"%d" % rank for one, rank in zip(which, ranks, strict=True))
    return draw(b"", "record", messages)


def cell_keys(key: bytes, counted: Table, cells: Table) -> Words:
    """Give each cell 64 bits that follow from the secret and from the set of records in it.

    counted: the records that the cells count.
    Record keys are summed, so the same records have the same cell key under whatever heading; the
    sum is mixed with the secret, so that keys of a cell and of its parts do not add up to any one.
    """
    sums = _sums(counted, cells)
    return draw(key, "cell", (int(one).to_bytes(8, "big") for one in sums))


def _sums(counted: Table, cells: Table) -> Words:
    """Sum the keys of the records that hold each cell, modulo 2**64."""
    import numpy as np

    from ctdc_framework.plugin import value_bitsets
    from ctdc_rounding.kernels import add_keys

    numbers = {column.name: number for number, column in enumerate(counted.columns)}
    places = [numbers[column.name] for column in cells.columns]
    starts = np.cumsum([0, *counted.sizes])[places]
    bits = value_bitsets(counted.codes, counted.sizes, counted.generalised)
    everyone = value_bitsets(np.zeros((len(counted), 1), np.int16), [1])[0]
    sums = np.zeros(len(cells), dtype=np.uint64)
    add_keys(everyone, bits, starts, cells.codes, record_keys(counted), sums)
    return sums
