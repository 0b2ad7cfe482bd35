"""The kernel of cell keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from ctdc_framework.plugin import jit


@jit
def add_keys(everyone: Any, bits: Any, starts: Any, asked: Any, keys: Any, sums: Any) -> None:
    """Sum, for each row of `asked`, the keys of the records that hold all its values.

    `bits` holds the records of each value, `starts` the place of each column's first value,
    `everyone` all records. Sums are modulo 2**64.
    """
    one = np.uint64(1)
    low = np.uint64(0xFF)
    held_by = np.empty(asked.shape[1], np.int64)
    for row in range(asked.shape[0]):
        length = 0
        for column in range(asked.shape[1]):
            if asked[row, column] >= 0:
                held_by[length] = starts[column] + asked[row, column]
                length += 1
        total = np.uint64(0)
        for word in range(everyone.size):
            held = everyone[word]
            for number in range(length):
                held &= bits[held_by[number], word]
            place = 64 * word
            while held:
                while not held & low:
                    held >>= np.uint64(8)
                    place += 8
                if held & one:
                    total += keys[place]
                held >>= one
                place += 1
        sums[row] = total
