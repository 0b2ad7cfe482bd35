"""How many records hold which values together: the one combination counter of the project.

Everything here works on a matrix of codes: a row per record, a column per variable, -1 where the
value is missing; column j has the codes 0..sizes[j] - 1. A *value* is a (column, code) pair and
has a number, `offsets[column] + code`. A *combination* is a set of values on distinct columns. A
record *holds* it when it has all of them; missing is never part of one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ctdc_framework.counting.compiled import jit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Generalised: TypeAlias = Mapping[tuple[int, int], tuple[int, ...]]

IntMatrix: TypeAlias = NDArray[np.int16]
_Ints: TypeAlias = NDArray[np.int64]
_Values: TypeAlias = NDArray[np.int32]
_Places: TypeAlias = NDArray[np.uint32]  # more values than a machine that runs this can hold
_Bits: TypeAlias = NDArray[np.uint64]

NOTHING: Generalised = {}

# Records per round of `combination_support`: their bitsets stay small, however many records.
_ROUND = 1 << 16


def _shape(array: NDArray[Any]) -> str:
    """Show an array without its content, which tells about single records."""
    return f"<{' x '.join(map(str, array.shape))}>"


@frozen(eq=False)
class Combinations:
    """Value combinations with how many records hold each, in a canonical order.

    The order is by length, then lexicographic by value numbers, which is by columns and codes.

    values: (m, L) int32, the numbers of each combination's values ascending, -1 after the last.
    counts: (m, t) int64, a column per table counted.
    offsets: (columns + 1,) int64, the sizes summed: column j has the numbers from
        `offsets[j]` up to but not including `offsets[j + 1]`.
    """

    values: NDArray[np.int32] = field(repr=_shape)
    counts: NDArray[np.int64] = field(repr=_shape)
    offsets: NDArray[np.int64] = field(repr=_shape)

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def lengths(self) -> _Ints:
        """(m,) how many values each combination has."""
        lengths: _Ints = np.count_nonzero(self.values >= 0, axis=1)
        return lengths

    @property
    def columns(self) -> NDArray[np.int16]:
        """(m, L) the column of each value, -1 after the last."""
        sizes = np.diff(self.offsets)
        return self._look_up(np.repeat(np.arange(len(sizes)), sizes))

    @property
    def codes(self) -> NDArray[np.int16]:
        """(m, L) the code of each value within its column, -1 after the last."""
        starts = np.repeat(self.offsets[:-1], np.diff(self.offsets))
        return self._look_up(np.arange(len(starts)) - starts)

    def of_length(self, length: int) -> Combinations:
        """Give the combinations of exactly `length` values; views, not copies."""
        first, end = np.searchsorted(self.lengths, [length, length + 1])
        return self._take(slice(first, end))

    def select(self, mask: NDArray[np.bool_]) -> Combinations:
        """Give the combinations for which `mask`, of shape (m,), is true, in the same order."""
        return self._take(mask)

    def _look_up(self, of_value: NDArray[Any]) -> NDArray[np.int16]:
        # The padding, -1, indexes the last entry.
        return np.append(of_value, -1).astype(np.int16)[self.values]

    def _take(self, rows: slice | NDArray[np.bool_]) -> Combinations:
        return Combinations(self.values[rows], self.counts[rows], self.offsets)


def count_combinations(
    tables: Sequence[IntMatrix], sizes: Sequence[int], length: int
) -> Combinations:
    """Count every combination of 1 to `length` values that occurs in any of the tables.

    tables: int16 matrices over the same columns, -1 = missing; counted side by side, so a
        combination has 0 where a table lacks it.
    Gives m combinations in canonical order, L = `length` or the number of columns if that is less.
    Neither the order of the records nor the machine changes a byte of the answer. Time and memory
    grow with what occurs: a record with p values holds C(p, l) combinations of l values.
    Raises ValueError for a code outside its column's sizes, or a length below 1.

    >>> original = np.array([[0, 1], [0, -1]], np.int16)
    >>> release = np.array([[0, 0]], np.int16)
    >>> found = count_combinations([original, release], sizes=[1, 2], length=3)
    >>> for values, counts in zip(found.values.tolist(), found.counts.tolist(), strict=True):
    ...     print(values, counts)
    [0, -1] [2, 1]
    [1, -1] [0, 1]
    [2, -1] [1, 0]
    [0, 1] [0, 1]
    [0, 2] [1, 0]
    """
    if length < 1:
        raise ValueError(f"a combination has at least 1 value, not {length}")
    tables = [_checked(table, sizes) for table in tables]
    offsets = _offsets(sizes)
    n_values = offsets[-1]
    width = min(length, len(sizes))

    size = sum(len(table) + np.count_nonzero(table >= 0) for table in tables)
    records = np.full(size + 1, n_values, np.uint32)
    end, ends = 0, []
    for table in tables:
        end = _lay_out(table, offsets, records, end)
        ends.append(end)
    table_ends = np.array(ends, np.int64)
    heads = np.flatnonzero(records == n_values)
    longest = np.diff(heads).max(initial=1) - 1

    # The first walk counts the combinations of each length, the second writes them in place.
    # That costs less than a hash or a sort would, and the memory is that of the answer.
    found = np.zeros(min(width, longest), np.int64)
    values = np.empty((0, width), np.int32)
    counts = np.empty((0, len(tables)), np.int64)
    if longest:
        roots = heads[:-1].astype(np.uint32)
        _walk(records, roots, table_ends, found, values, counts)
        values = np.full((found.sum(), width), -1, np.int32)
        counts = np.empty((found.sum(), len(tables)), np.int64)
        _walk(records, roots, table_ends, np.cumsum(found) - found, values, counts)
    return Combinations(values, counts, offsets)


def combination_support(
    codes: IntMatrix,
    sizes: Sequence[int],
    combinations_codes: IntMatrix,
    generalised: Generalised = NOTHING,
) -> _Ints:
    """Count, for each row of a second matrix, the rows of `codes` that hold all its values.

    combinations_codes: int16, (m, columns), -1 = not part of the combination: so a released record
        asks how many original records it could stand for. An empty one is held by every record.
    generalised: as `Table.generalised` gives it; a record holds such a value, too, where it holds
        one of those that the value stands for.
    Gives (m,) counts. Raises ValueError for a code outside its column's sizes.

    >>> records = np.array([[0, 1], [0, -1]], np.int16)
    >>> asked = np.array([[0, -1], [0, 1], [0, 0], [-1, -1]], np.int16)
    >>> combination_support(records, [1, 2], asked).tolist()
    [2, 1, 0, 2]
    >>> either = np.array([[0, 2]], np.int16)
    >>> combination_support(records, [1, 3], either, {(1, 2): (0, 1)}).tolist()
    [1]
    """
    codes, asked = _checked(codes, sizes), _checked(combinations_codes, sizes)
    offsets = _offsets(sizes)
    support = np.zeros(len(asked), np.int64)
    for first in range(0, len(codes), _ROUND):
        part = codes[first : first + _ROUND]
        everyone = value_bitsets(np.zeros((len(part), 1), np.int16), [1])[0]
        _add_support(everyone, value_bitsets(part, sizes, generalised), offsets, asked, support)
    return support


def value_bitsets(
    codes: IntMatrix, sizes: Sequence[int], generalised: Generalised = NOTHING
) -> NDArray[np.uint64]:
    """Give each value the set of records that hold it, as bits.

    Bit r % 64 of word r // 64 of row v is set where record r holds value v, or one of those that
    v stands for by `generalised`. The shape is (values, words); the bits past the last record are
    0, so an AND of rows needs no mask.
    Raises ValueError for a code outside its column's sizes.

    >>> value_bitsets(np.array([[0, 1], [0, -1]], np.int16), [1, 2]).tolist()
    [[3], [0], [1]]
    """
    codes, offsets = _checked(codes, sizes), _offsets(sizes)
    bitsets = np.zeros((offsets[-1], (len(codes) + 63) // 64), np.uint64)
    _set_bits(codes, offsets, bitsets)
    for (column, code), below in generalised.items():
        for one in below:
            bitsets[offsets[column] + code] |= bitsets[offsets[column] + one]
    return bitsets


def value_counts(codes: IntMatrix, sizes: Sequence[int]) -> _Ints:
    """Count the records that hold each value, as (values,); 0 for a value that does not occur.

    Raises ValueError for a code outside its column's sizes.

    >>> value_counts(np.array([[0, 1], [0, -1]], np.int16), [1, 2]).tolist()
    [2, 0, 1]
    """
    codes, offsets = _checked(codes, sizes), _offsets(sizes)
    counts = np.zeros(offsets[-1], np.int64)
    _add_values(codes, offsets, counts)
    return counts


def _offsets(sizes: Sequence[int]) -> _Ints:
    return np.append(np.int64(0), np.cumsum(sizes, dtype=np.int64))


def _checked(codes: IntMatrix, sizes: Sequence[int]) -> IntMatrix:
    """Refuse what a kernel, which checks nothing, would read or write out of bounds."""
    if codes.dtype != np.int16:
        raise TypeError(f"codes are int16, not {codes.dtype}")
    if codes.ndim != 2 or codes.shape[1] != len(sizes):
        raise ValueError(f"codes of shape {codes.shape} do not fit {len(sizes)} columns")
    outside = (codes.min(axis=0, initial=-1) < -1) | (codes.max(axis=0, initial=-1) >= sizes)
    if outside.any():
        raise ValueError(f"column {outside.argmax()} has a code outside its sizes")
    return np.ascontiguousarray(codes)


# Kernels. The hot indices are unsigned: numba then needs no test for negative ones.

_ONE = np.uint64(1)
_SIX = np.uint64(6)  # a word has 2 ** 6 bits
_LOW = np.uint64(63)


@jit
def _lay_out(codes: IntMatrix, offsets: _Ints, records: _Places, end: int) -> int:
    """Write the numbers of each record's values from `end` on; give the place after the last.

    One place before each record is left as it is: its head, which also ends the record before.
    """
    for row in range(codes.shape[0]):
        end += 1
        for column in range(codes.shape[1]):
            if codes[row, column] >= 0:
                records[end] = offsets[column] + codes[row, column]
                end += 1
    return end


@jit
def _walk(
    records: _Places, roots: _Places, table_ends: _Ints, rows: _Ints, values: _Values, counts: _Ints
) -> None:
    """Visit every combination that occurs, depth first and in ascending order.

    `rows[d]` moves on by one for each combination of d + 1 values; it is written there too,
    unless `values` has no rows. `table_ends` are the places in `records` where each table ends.

    A prefix of d values has a *bucket*: the places in `records` of its last value, one for each
    record that holds the prefix; with none, the heads of all records. What follows each place, up
    to the next head, are the prefix's extensions. They are tallied in an array that fits the
    fastest cache, which a hash of all combinations would not, and dealt to a bucket each.
    """
    last = rows.size - 1
    n_values = np.int64(records[-1])
    places = np.empty((last, records.size), np.uint32)  # the buckets, one after the other
    begins = np.zeros(rows.size, np.int64)  # of the next bucket to visit
    ends = np.zeros((rows.size, n_values), np.int64)  # of each extension's bucket
    marks = np.zeros((rows.size, (n_values + 63) // 64), np.uint64)  # extensions yet to visit
    prefix = np.zeros(rows.size, np.int64)
    tally = np.zeros((n_values, table_ends.size), np.int64)

    depth = 0
    bucket = roots
    while depth >= 0:
        if bucket.size > 0:
            _tally(records, bucket, table_ends, marks[depth], tally)
            rows[depth] = _write(
                prefix[:depth], marks[depth], tally, ends[depth], rows[depth], values, counts
            )
            if depth < last:
                _deal(records, bucket, ends[depth], places[depth])
                begins[depth] = 0
            else:
                marks[depth, :] = 0
            prefix[depth] = prefix[depth - 1] if depth > 0 else 0
        value = _take_lowest(marks[depth], prefix[depth])
        if value >= 0:
            prefix[depth] = value
            bucket = places[depth, begins[depth] : ends[depth, value]]
            begins[depth] = ends[depth, value]
            depth += 1
        else:
            bucket = roots[:0]
            depth -= 1


@jit
def _tally(
    records: _Places, bucket: _Places, table_ends: _Ints, marks: _Bits, tally: _Ints
) -> None:
    """Count and mark the values that follow the bucket's places, which ascend."""
    table = 0
    for start in bucket:
        while start >= table_ends[table]:
            table += 1
        place = np.uint64(start) + _ONE
        while records[place] < tally.shape[0]:
            value = np.uint64(records[place])
            if tally[value, table] == 0:
                marks[value >> _SIX] |= _ONE << (value & _LOW)
            tally[value, table] += 1
            place += _ONE


@jit
def _write(
    prefix: _Ints, marks: _Bits, tally: _Ints, ends: _Ints, row: int, values: _Values, counts: _Ints
) -> int:
    """Write the prefix with each marked value from `row` on, clear the tally, give the next row.

    `ends` gets where the bucket of each marked value begins; dealing moves that to its end.
    """
    begin = 0
    for word in range(prefix[-1] >> 6 if prefix.size > 0 else 0, marks.size):
        bits = marks[word]
        while bits:
            value = 64 * word + _lowest(bits)
            bits &= bits - _ONE
            if values.shape[0] > 0:
                for place in range(prefix.size):
                    values[row, place] = prefix[place]
                values[row, prefix.size] = value
                for table in range(tally.shape[1]):
                    counts[row, table] = tally[value, table]
            row += 1
            ends[value] = begin
            for table in range(tally.shape[1]):
                begin += tally[value, table]
                tally[value, table] = 0
    return row


@jit
def _deal(records: _Places, bucket: _Places, ends: _Ints, places: _Places) -> None:
    """Put the place of each value that follows the bucket's places into that value's bucket."""
    for start in bucket:
        place = np.uint64(start) + _ONE
        while records[place] < ends.size:
            value = np.uint64(records[place])
            places[ends[value]] = place
            ends[value] += 1
            place += _ONE


@jit
def _take_lowest(marks: _Bits, first: int) -> np.int64 | int:
    """Clear the lowest mark, none of which is below `first`, and give its value; -1 if none."""
    for word in range(first >> 6, marks.size):
        bits = marks[word]
        if bits:
            marks[word] = bits & (bits - _ONE)
            return 64 * word + _lowest(bits)
    return -1


@jit
def _lowest(bits: np.uint64) -> np.int64:
    return _popcount(~bits & (bits - _ONE))


@jit
def _popcount(bits: np.uint64) -> np.int64:
    """Count the bits that are set; LLVM knows this pattern as one instruction."""
    bits -= (bits >> _ONE) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    bits = (bits & pairs) + ((bits >> np.uint64(2)) & pairs)
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit
def _add_support(
    everyone: _Bits, bitsets: _Bits, offsets: _Ints, asked: IntMatrix, support: _Ints
) -> None:
    common = np.empty_like(everyone)
    for row in range(asked.shape[0]):
        common[:] = everyone
        for column in range(asked.shape[1]):
            if asked[row, column] >= 0:
                holders = bitsets[offsets[column] + asked[row, column]]
                for word in range(common.size):
                    common[word] &= holders[word]
        for word in range(common.size):
            support[row] += _popcount(common[word])


@jit
def _set_bits(codes: IntMatrix, offsets: _Ints, bitsets: _Bits) -> None:
    for row in range(codes.shape[0]):
        word, bit = row >> 6, _ONE << np.uint64(row & 63)
        for column in range(codes.shape[1]):
            if codes[row, column] >= 0:
                bitsets[offsets[column] + codes[row, column], word] |= bit


@jit
def _add_values(codes: IntMatrix, offsets: _Ints, counts: _Ints) -> None:
    for row in range(codes.shape[0]):
        for column in range(codes.shape[1]):
            if codes[row, column] >= 0:
                counts[offsets[column] + codes[row, column]] += 1
