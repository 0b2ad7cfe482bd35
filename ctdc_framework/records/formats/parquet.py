"""Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctdc_framework.errors import DataError
from ctdc_framework.records.formats.limits import check_bytes, check_cells, check_columns

if TYPE_CHECKING:
    import pyarrow as pa

CELL = 4
"""Bytes of a cell once read: where its text stands in its column's dictionary."""


def read(content: bytes, name: str) -> pa.Table:
    """Read a file's columns, those that are texts as dictionaries.

    Raises `DataError` where it is no Parquet file, or tells that it is larger than is read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = pq.read_metadata(pa.BufferReader(content))
        check_columns(name, told.num_columns)
        check_cells(name, told.num_rows * told.num_columns, CELL)
        groups = (told.row_group(number) for number in range(told.num_row_groups))
        check_bytes(name, sum(group.total_byte_size for group in groups))
        schema = pq.read_schema(pa.BufferReader(content))
        texts = [one.name for one in schema if pa.types.is_string(one.type)]
        # As dictionaries: a text that a small file holds once may stand in a million rows.
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
        table = file.read(use_threads=False)
        table.validate(full=True)  # a damaged file may point outside of its dictionaries
        return table
    except (pa.ArrowException, OSError, ValueError, LookupError, MemoryError):
        raise DataError(f"{name} is not a Parquet file, or is damaged") from None
