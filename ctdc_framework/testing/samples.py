"""Made-up tables for a codebook: what plugins are tried on. Every call gives the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.counting.combinations import count_combinations
from ctdc_framework.language.load import load_codebook
from ctdc_framework.records.tables import Shape, Table, table_of_codes
from ctdc_framework.runs.runner import generator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

USUAL, MANY = "usual records", "ten thousand records"
HARD = (
    "no record", "one record", "all missing", "one large group", "groups of about k",
    "every record rare",
)  # fmt: skip
"""What strategies stumble over."""


@cache
def sample_codebook() -> Codebook:
    """Give the kit's own codebook: each kind of domain, several values in a cell, a hierarchy.

    >>> list(sample_codebook().variables)
    ['year', 'gender', 'ageBroad', 'citizenship', 'means', 'isForced']
    """
    return load_codebook(Path(__file__).parent / "sample.toml")


def sample_records(codebook: Codebook, name: str, k: int = 0) -> Table:
    """Make the sample of a name for a codebook; `k` is the size that groups are about.

    Records hold the codes of the domains alone, no generalised value.

    >>> len(sample_records(sample_codebook(), "one record"))
    1
    """
    rng = generator(1, "sample", name)
    codes = _MAKERS[name](codebook, rng, k or codebook.k)
    for number, column in enumerate(codebook.columns):
        if not codebook.variables[column.variable].nullable:
            codes[codes[:, number] < 0, number] = 0
    return table_of_codes(codebook, codebook.columns, codes)


def counts_of(records: Table, length: int = 2) -> Table:
    """Count the combinations of records, as a strategy that takes counts would be given them."""
    import numpy as np

    found = count_combinations([records.codes], records.sizes, length)
    codes = np.full((len(found) + 1, len(records.columns)), -1, dtype=np.int16)
    for place in range(found.values.shape[1]):
        columns = found.columns[:, place]
        used = np.flatnonzero(columns >= 0)
        codes[used + 1, columns[used]] = found.codes[used, place]
    counts = np.concatenate([[len(records)], found.counts[:, 0]])
    return evolve(records.with_codes(codes, counts), counted=records)


def sample(codebook: Codebook, shape: Shape, name: str, k: int = 0) -> Table:
    """Make a sample of records, or their counts."""
    records = sample_records(codebook, name, k)
    return records if shape is Shape.RECORDS else counts_of(records)


def _sizes(codebook: Codebook) -> list[int]:
    """How many codes of each column are the domain's own, and not generalised."""
    return [len(column.codes) - len(column.below) for column in codebook.columns]


def _drawn(codebook: Codebook, rng: np.random.Generator, rows: int) -> NDArray[np.int16]:
    """Draw records of which some values are usual and many rare, with some missing.

    A column leans on the one before it, so that there is something to keep or to lose.
    """
    import numpy as np

    columns = []
    before = np.zeros(rows, dtype=np.int64)
    for size in _sizes(codebook):
        rank = np.minimum(rng.geometric(0.45, rows) - 1, size - 1)
        code = np.where(rng.random(rows) < 0.5, (rank + before) % size, rank)
        missing = 0.5 if size == 1 else 0.1
        columns.append(np.where(rng.random(rows) < missing, -1, code))
        before = code
    return np.column_stack(columns).astype(np.int16)


def _usual(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    return _drawn(codebook, rng, 600)


def _many(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    return _drawn(codebook, rng, 10_000)


def _none(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    return _drawn(codebook, rng, 0)


def _one(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    return _drawn(codebook, rng, 1)


def _missing(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    import numpy as np

    return np.full((8 * k, len(codebook.columns)), -1, dtype=np.int16)


def _large(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    import numpy as np

    return np.zeros((20 * k, len(codebook.columns)), dtype=np.int16)


def _about_k(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    """Groups of equal records, some of k - 1, some of k, some of k + 1."""
    import numpy as np

    distinct = np.unique(_drawn(codebook, rng, 40), axis=0)
    return distinct[np.repeat(np.arange(len(distinct)), k - 1 + np.arange(len(distinct)) % 3)]


def _rare(codebook: Codebook, rng: np.random.Generator, k: int) -> NDArray[np.int16]:
    """Each record holds a value of its own in the variable that has the most."""
    import numpy as np

    sizes = _sizes(codebook)
    widest = int(np.argmax(sizes))
    codes = _drawn(codebook, rng, max(sizes))
    codes[:, widest] = rng.permutation(sizes[widest])
    return codes


_Maker = Callable[[Codebook, "np.random.Generator", int], "NDArray[np.int16]"]

_MAKERS: Mapping[str, _Maker] = {
    USUAL: _usual,
    MANY: _many,
    **dict(zip(HARD, (_none, _one, _missing, _large, _about_k, _rare), strict=True)),
}
