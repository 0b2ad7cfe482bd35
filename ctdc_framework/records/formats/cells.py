"""Cells that are no texts yet: numbers and dates, as the texts that they are read as."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def texts(cells: Iterable[Any]) -> list[str | None]:
    """Give the texts of a column's cells, each distinct one made once."""
    known: dict[Any, str | None] = {}
    found = []
    for cell in cells:
        key = (type(cell), cell)  # 1, 1.0 and true are three texts
        if key not in known:
            known[key] = text_of(cell)
        found.append(known[key])
    return found


def text_of(cell: object) -> str | None:
    """Give a cell's text: whole numbers as digits, days as 2021-09-01, nothing where it is missing.

    >>> text_of(1.0), text_of(0.5), text_of(float("nan")), text_of(True), text_of("1.0")
    ('1', '0.5', None, 'TRUE', '1.0')
    """
    if cell is None or cell != cell or cell == "":  # not a number is missing
        return None
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, Decimal) and cell.is_finite() and cell == cell.to_integral_value():
        return str(cell.to_integral_value())
    if isinstance(cell, datetime) and not any((cell.hour, cell.minute, cell.second)):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date | datetime) else str(cell)
