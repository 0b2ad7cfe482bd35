"""Libraries that only some kinds of file need: an extra of the package."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ctdc_framework.errors import CtdcError

EXTRA = "pip install 'ctdc-framework[formats]'"


def library(name: str) -> Any:
    """Import a library of the extra; raises `CtdcError` with the remedy where it is absent."""
    try:
        return import_module(name)
    except ImportError:
        raise CtdcError(f"this kind of file needs {name}", help=EXTRA) from None
