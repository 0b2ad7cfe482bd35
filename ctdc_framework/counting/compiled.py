"""Kernels: plain functions over arrays that numba compiles once and keeps on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(function: Kernel) -> Kernel:
    """Compile a function at its first call, and keep the machine code for the next process.

    The function takes and gives numbers and numpy arrays; it is compiled once for each set of
    types it is called with, so hand over arrays of one dtype and layout. Where nothing can be
    written, it is compiled anew in each process. Indices are not checked: a wrong one reads or
    overwrites other memory. Keep a kernel and every helper that it calls in one file: the kept
    code is renewed when the kernel's own file changes, not when a helper's does.

    >>> @jit
    ... def floored(count, base):
    ...     return count // base * base
    >>> floored(19, 10)
    10
    """
    try:
        return cast("Kernel", numba.njit(cache=True)(function))
    except RuntimeError:  # raised here, not at the first call: no folder for the code
        return cast("Kernel", numba.njit(function))
