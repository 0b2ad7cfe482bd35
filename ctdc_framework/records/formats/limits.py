"""How much a data file may hold.

Sensitive records come from elsewhere, and a file may be made to fill a machine's memory. What is
larger than these limits is refused before it is unpacked. They are far above what a codebook of
case records describes.
"""

from __future__ import annotations

import os
from pathlib import Path

from ctdc_framework.errors import DataError

MOST_BYTES = 1 << 30
"""Bytes of a file, unpacked."""

MOST_COLUMNS = 10_000

MOST_TIMES = 200
"""How many times larger than itself a packed file may unpack: text rarely packs better than 50."""

UNSUSPICIOUS = 1 << 24
"""Bytes that a packed file may always unpack to, so that a small file may be very regular."""

PIECE = 1 << 20


def check_size(path: Path) -> int:
    """Give a file's size; raises `DataError` where it is too large, `OSError` where it is not."""
    with path.open("rb") as file:  # what keeps it from being opened is told in the system's words
        size = os.fstat(file.fileno()).st_size
    check_bytes(path.name, size)
    return size


def check_bytes(name: str, size: int) -> None:
    """Refuse what holds, or would unpack to, more bytes than are read."""
    if size > MOST_BYTES:
        raise DataError(
            f"{name} holds more than {_binary(MOST_BYTES)}, which is more than is read",
            help="take the columns that the codebook names, or split the file",
        )


def check_packing(name: str, packed: int, unpacked: int) -> None:
    """Refuse what unpacks to far more than it is, as no file of records does."""
    check_bytes(name, unpacked)
    if unpacked > max(UNSUSPICIOUS, MOST_TIMES * packed):
        raise DataError(
            f"{name} unpacks to more than {MOST_TIMES} times its size, as no file of records does",
            help="if you trust it, unpack it yourself and give the unpacked file",
        )


def check_columns(name: str, columns: int) -> None:
    """Refuse more columns than are read."""
    if columns > MOST_COLUMNS:
        raise DataError(
            f"{name} has {columns:,} columns, and at most {MOST_COLUMNS:,} are read",
            help="is the delimiter right? Take the columns that the codebook names",
        )


def check_cells(name: str, cells: int, bytes_each: int) -> None:
    """Refuse more cells than fit into the bytes that a file may hold."""
    if cells * bytes_each > MOST_BYTES:
        raise DataError(
            f"{name} has more than {MOST_BYTES // bytes_each:,} cells, which is more than is read",
            help="take the columns that the codebook names, or write it as CSV",
        )


def content_of(path: Path) -> bytes:
    """Read a whole file once, unpacked where it ends in .gz.

    All that is told of a file is then told of the same bytes. Raises `DataError` where it is, or
    unpacks to, more than is read, and `OSError` where it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        check_bytes(path.name, size)
        if path.suffix.lower() != ".gz":
            return file.read()
        import pyarrow as pa

        pieces, unpacked = [], 0
        with pa.input_stream(file, compression="gzip") as stream:
            while piece := stream.read(PIECE):
                unpacked += len(piece)
                check_packing(path.name, size, unpacked)
                pieces.append(piece)
        return b"".join(pieces)


def _binary(size: int) -> str:
    return f"{size >> 30} GiB" if size >> 30 else f"{size:,} bytes"
