"""Write what a run leaves behind, and read it back for the gate.

Unprotected content goes to `private/` alone, which is readable by its owner only.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ctdc_framework.codebook.model import COUNT, Codebook
from ctdc_framework.contract.results import Json, Release
from ctdc_framework.errors import ReleaseRefused
from ctdc_framework.records.items import Item, Items, Published
from ctdc_framework.records.layouts import TOTAL, Layout, percentages, wide
from ctdc_framework.records.suppression import STATUSES, statuses
from ctdc_framework.records.tables import Table, cell_texts
from ctdc_framework.releases.staging import RELEASE

if TYPE_CHECKING:
    from ctdc_framework.records.files import RawFile

DATA = "data.csv"
PARQUET = "data.parquet"
WARNING = "DO-NOT-PUBLISH.txt"
WARNING_TEXT = """\
What lies in this folder can tell about single people: exact counts, errors and the seed with
which a release can be replayed. Keep it where only those may read it who may read the records
themselves. Publish what lies in ../release and nothing from here.
"""


def private_directory(root: Path) -> Path:
    """Make `private/`, readable by its owner only, with the warning in it."""
    folder = root / "private"
    folder.mkdir(mode=0o700)
    write_private(folder / WARNING, WARNING_TEXT)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a text that only its owner may read."""
    with _private_file(path) as file:
        file.write(text)


def write_suppressed(original: Table, release: Release, path: Path) -> None:
    """Write what became of each original cell, where that is known, for its owner only."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if release.records is None or release.kept_rows is None:
        return
    columns = {
        name: pa.DictionaryArray.from_arrays(pa.array(places), list(STATUSES))
        for name, places in statuses(original, release.records, release.kept_rows).items()
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    with os.fdopen(_private_handle(path), "wb") as file:
        file.write(sink.getvalue())


def _private_file(path: Path) -> TextIO:
    return os.fdopen(_private_handle(path), "w", encoding="utf-8", newline="")


def _private_handle(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def as_json(value: Json) -> str:
    """Write JSON as our files hold it: keys in the order given, readable, one line end."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: Any) -> Json:
    """Take a plugin's numpy number for the number it is."""
    return value.item() if hasattr(value, "item") else str(value)


def write_csv(table: Table, path: Path) -> None:
    """Write a table as CSV: UTF-8, comma, LF, missing as an empty field."""
    columns = _file_columns(table)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_parquet(table: Table, path: Path) -> None:
    """Write a table as Parquet: the same texts, null for missing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        name: pa.array(cells, pa.int64() if name == COUNT else pa.string())
        for name, cells in _file_columns(table).items()
    }
    pq.write_table(pa.table(columns), path)


def _file_columns(table: Table) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: c.tolist() for name, c in cell_texts(table).items()}
    if COUNT in table.frame:
        columns[COUNT] = table.counts.tolist()
    return columns


def file_columns(table: Table) -> tuple[str, ...]:
    """Give the columns of a table's file: its variables, and `count` for counts."""
    variables = dict.fromkeys(column.variable for column in table.columns)
    return (*variables, COUNT) if COUNT in table.frame else tuple(variables)


def write_public(path: Path, text: str) -> None:
    """Write a text of a release, as UTF-8 with LF, in a folder that is made where it is not."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def write_raw(raw: RawFile, path: Path) -> None:
    """Write a raw file's texts as CSV that only its owner may read."""
    with _private_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(raw.columns)
        writer.writerows(zip(*(column.values() for column in raw.columns.values()), strict=True))


def write_release(folder: Path, release: Release) -> dict[str, Table]:
    """Write a release's data; give what each file written holds, by its name from `folder`."""
    folder.mkdir(parents=True)
    written: dict[str, Table] = {}
    if release.records is not None:
        write_csv(release.records, folder / DATA)
        write_parquet(release.records, folder / PARQUET)
        written |= {DATA: release.records, PARQUET: release.records}
    if release.tables is not None:
        (folder / "tables").mkdir()
        name = f"tables/combinations-{release.tables_length}"
        write_csv(release.tables, folder / f"{name}.csv")
        write_parquet(release.tables, folder / f"{name}.parquet")
        written |= {f"{name}.csv": release.tables, f"{name}.parquet": release.tables}
    return written


def write_layouts(folder: Path, table: Table, published: Published) -> dict[str, Layout]:
    """Lay declared tables out in files of their own, from published counts; give them by name."""
    counts = dict(published.combinations or ())
    written = {}
    for layout in table.layouts:
        grids = {f"tables/wide-{layout.id}.csv": wide(layout, table.codebook, counts)}
        if layout.percent:
            shares = percentages(layout, table.codebook, counts)
            grids[f"tables/percent-{layout.id}.csv"] = shares
        for name, grid in grids.items():
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(grid)
            written[name] = layout
    return written


def read_wide(path: Path) -> list[tuple[frozenset[Item], int]]:
    """Read a table laid out wide as combinations with counts, by its headings alone."""
    rows = _rows_of(path)
    header = next(rows)
    names = [name for name in header if name != TOTAL and "=" not in name]
    heads = [
        frozenset() if head == TOTAL else frozenset(_item(one) for one in head.split("; "))
        for head in header[len(names) :]
    ]
    return [
        (head.union((n, v) for n, v in zip(names, row, strict=False) if v != TOTAL), int(cell))
        for row in rows
        for head, cell in zip(heads, row[len(names) :], strict=True)
        if cell
    ]


def heading_of(path: Path) -> tuple[str, ...]:
    """Give the heading of a file laid out wide."""
    return tuple(next(_rows_of(path)))


def _item(text: str) -> Item:
    name, _, value = text.partition("=")
    return name, value


def write_manifest(folder: Path, release: Release, codebook: Codebook, names: Iterable[str],
                   versions: Mapping[str, str]) -> str:  # fmt: skip
    """Write `release.json`, which lists exactly the files there are; give its own SHA-256."""
    manifest = {
        "format": 1,
        "candidate": release.name,
        "codebook": {
            "id": codebook.id,
            "version": codebook.header.version,
            "sha256": codebook.digest,
        },
        "unit": "records",
        "claims": [
            {"claim": str(claim), "basis": claim.basis, "sentence": claim.sentence}
            for claim in release.claims
        ],
        "accepted": None
        if release.accepted is None
        else {"note": release.accepted.note, "reasons": list(release.accepted.reasons)},
        "stages": [
            {
                "stage": record.stage,
                "part": record.part.value,
                "strategy": record.strategy,
                "plugin": record.plugin,
                "version": record.version,
                "params": record.params,
                "mixes_levels": record.mixes_levels,
            }
            for record in release.stages
        ],
        "seed": "withheld",
        "versions": versions,
        "files": {name: digest(folder / name) for name in sorted(names)},
    }
    path = folder / RELEASE
    path.write_text(as_json(manifest), encoding="utf-8")
    return digest(path)


def digest(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_back(path: Path, codebook: Codebook) -> Published:
    """Read a written file as plain items, for the gate; by none of the code that wrote it.

    Raises `ReleaseRefused` where it is no table of this codebook's variables.
    """
    rows = _rows_of(path)
    header = next(rows)
    counted = header[-1] == COUNT
    names = header[:-1] if counted else header
    wrong = ReleaseRefused(f"{path.name} was not written as it should be; nothing was kept")
    if not all(name in codebook.variables for name in names):
        raise wrong
    parts = [codebook.variables[name].list for name in names]
    meaning: list[dict[str, Items]] = [{} for _ in names]  # each distinct cell is taken apart once
    found: list[Items] = []
    counts: list[int] = []
    for row in rows:
        if len(row) != len(header):
            raise wrong
        items: list[Item] = []
        for name, part, known, cell in zip(names, parts, meaning, row, strict=False):  # no count
            if cell and cell not in known:
                values = cell.split(part) if part else [cell]
                known[cell] = tuple((name, value) for value in values)
            if cell:
                items += known[cell]
        found.append(tuple(items))
        if counted:
            counts.append(int(row[-1]))
    if counted:
        return Published(combinations=list(zip(found, counts, strict=True)))
    return Published(records=found)


def _rows_of(path: Path) -> Iterator[Sequence[str]]:
    """Give the header and then each row of a CSV or Parquet file."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.ParquetFile(path).read()
        yield table.column_names
        yield from zip(*(column.to_pylist() for column in table.columns), strict=True)
        return
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)
