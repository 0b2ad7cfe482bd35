"""Kernels are compiled, and run even where their code cannot be kept."""

from __future__ import annotations

import doctest

import numba
import pytest

from ctdc_framework.counting import compiled
from ctdc_framework.counting.compiled import jit


def test_a_function_without_a_file_to_keep_its_code_beside_is_compiled_all_the_same():
    namespace = {}
    exec("def doubled(number):\n    return 2 * number", namespace)
    with pytest.raises(RuntimeError, match="cannot cache function"):
        numba.njit(cache=True)(namespace["doubled"])

    kernel = jit(namespace["doubled"])

    assert kernel(21) == 42
    assert kernel.signatures


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(compiled) == (0, 2)
