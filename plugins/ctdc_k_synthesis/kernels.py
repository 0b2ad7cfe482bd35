"""The kernels of k-synthesis: growing records value by value, and taking them apart again.

Values that k original records hold are numbered 0 to V - 1. Records are kept end to end: record r
has `values[ends[r - 1]:ends[r]]`. A *pair* or *triple* is a combination of two or three values:

- `pairs[a, b]` and `triples[place(a, b, c)]` hold two counts, original and released;
- `pair_pull[a, b]` and `triple_pull[side(a, b), c]` hold what one more of it would bring, so that
  weighing a candidate is a sum along a row. Both triple tables are empty where V is too large.

The *distance* that everything here lowers is, over pairs and triples that at least k originals
hold, the sum of weight * |released - original|, and a price for each that is not released at
all. The weight is `share + 1 / original`: the first part counts errors in records, the second
relative to the count. `weights` is (share of pairs, price of an absent pair, share of triples,
price of an absent triple, weight of triples as a whole) and then a factor for each value: a
combination counts as much as the product of its values' factors.

All kernels stand in this one file, so that the compiler sees a change in any of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ctdc_framework.plugin import jit


@jit
def side(a: Any, b: Any) -> Any:
    """Give the place of two different values in a table of unordered pairs."""
    if a > b:
        a, b = b, a
    return a + b * (b - 1) // 2


@jit
def place(a: Any, b: Any, c: Any) -> Any:
    """Give the place of three different values in a table of unordered triples."""
    if a > b:
        a, b = b, a
    if b > c:
        b, c = c, b
        if a > b:
            a, b = b, a
    return a + b * (b - 1) // 2 + c * (c - 1) * (c - 2) // 6


@jit
def count_originals(values: Any, ends: Any, pairs: Any, triples: Any) -> None:
    """Count the pairs and triples of the original records."""
    first = 0
    for r in range(len(ends)):
        for i in range(first, ends[r]):
            a = values[i]
            for j in range(first, i):
                b = values[j]
                pairs[a, b, 0] += 1
                pairs[b, a, 0] += 1
                if len(triples):
                    for h in range(first, j):
                        triples[place(a, b, values[h]), 0] += 1
        first = ends[r]


@jit
def _gain(original: Any, released: Any, share: Any, absent: Any) -> Any:
    """What one more release of a combination lowers the distance by; negative past the goal."""
    weight = share + 1.0 / original
    if released >= original:
        return -weight
    return weight + absent if released == 0 else weight


@jit
def _pull(original: Any, released: Any, share: Any, absent: Any) -> Any:
    """The gain, fading as the goal comes near, so that those far from theirs go first."""
    if original == 0:
        return 0.0
    gain = _gain(original, released, share, absent)
    return gain * (1.0 - released / original) if 0 < released < original else gain


@jit
def weigh(pairs: Any, triples: Any, pair_pull: Any, triple_pull: Any, weights: Any) -> None:
    """Fill the tables of pulls anew, as other weights want it."""
    for a in range(len(pairs)):
        for b in range(len(pairs)):
            factor = weights[5 + a] * weights[5 + b]
            pair_pull[a, b] = factor * _pull(pairs[a, b, 0], pairs[a, b, 1], weights[0], weights[1])
    if len(triples):
        t = 0
        for c in range(len(pairs)):
            for b in range(c):
                for a in range(b):
                    factor = weights[4] * weights[5 + a] * weights[5 + b] * weights[5 + c]
                    pull = factor * _pull(triples[t, 0], triples[t, 1], weights[2], weights[3])
                    triple_pull[side(a, b), c] = pull
                    triple_pull[side(a, c), b] = pull
                    triple_pull[side(b, c), a] = pull
                    t += 1


@jit
def _put(
    values: Any, first: Any, end: Any, value: Any, sign: Any,
    pairs: Any, triples: Any, pair_pull: Any, triple_pull: Any, weights: Any,
) -> Any:  # fmt: skip
    """Count a value into a record of others (sign 1) or out (-1); give what it gains."""
    gain = 0.0
    before = 0 if sign > 0 else 1  # taking out loses what putting in would gain one lower
    for i in range(first, end):
        a = values[i]
        n, m = pairs[a, value, 0], pairs[a, value, 1]
        both = weights[5 + a] * weights[5 + value]
        gain += sign * both * _gain(n, m - before, weights[0], weights[1])
        pairs[a, value, 1] = pairs[value, a, 1] = m + sign
        pull = both * _pull(n, m + sign, weights[0], weights[1])
        pair_pull[a, value] = pair_pull[value, a] = pull
        if len(triples):
            for j in range(first, i):
                b = values[j]
                t = place(a, b, value)
                n, m = triples[t, 0], triples[t, 1]
                factor = weights[4] * both * weights[5 + b]
                gain += sign * factor * _gain(n, m - before, weights[2], weights[3])
                triples[t, 1] = m + sign
                pull = factor * _pull(n, m + sign, weights[2], weights[3])
                triple_pull[side(a, b), value] = pull
                triple_pull[side(a, value), b] = pull
                triple_pull[side(b, value), a] = pull
    return gain


@jit
def count_released(
    values: Any, ends: Any, chosen: Any, sign: Any,
    pairs: Any, triples: Any, pair_pull: Any, triple_pull: Any, weights: Any,
) -> Any:  # fmt: skip
    """Count chosen records into the release (sign 1) or out of it (-1); give what it gains."""
    gain = 0.0
    for r in chosen:
        first = ends[r - 1] if r else 0
        for step in range(ends[r] - first):
            end = first + step if sign > 0 else ends[r] - 1 - step
            gain += _put(
                values, first, end, values[end], sign,
                pairs, triples, pair_pull, triple_pull, weights,
            )  # fmt: skip
    return gain


@jit
def worth(values: Any, ends: Any, pairs: Any, triples: Any, weights: Any, out: Any) -> None:
    """Say of each record what its combinations are worth to the release, per value."""
    first = 0
    for r in range(len(ends)):
        total = 0.0
        for i in range(first, ends[r]):
            a = values[i]
            for j in range(first, i):
                b = values[j]
                both = weights[5 + a] * weights[5 + b]
                total += both * _gain(pairs[a, b, 0], pairs[a, b, 1] - 1, weights[0], weights[1])
                if len(triples):
                    for h in range(first, j):
                        t = place(a, b, values[h])
                        total += (
                            weights[4]
                            * both
                            * weights[5 + values[h]]
                            * _gain(triples[t, 0], triples[t, 1] - 1, weights[2], weights[3])
                        )
        out[r] = total / (ends[r] - first)
        first = ends[r]


@jit
def begin(
    order: Any, alone: Any,
    left: Any, column_of: Any, bits: Any, rows: Any, row_ends: Any, listed: Any, reach: Any,
    pairs: Any, triples: Any, pair_pull: Any, triple_pull: Any, weights: Any,
    k: Any, most: Any, steer: Any, noise: Any, rng: Any, values: Any, ends: Any, done: Any,
) -> None:  # fmt: skip
    """Make a record of each original's values, drawn by joint support while it is at least k.

    What is not taken stays in `left`; a value that no other joins is made a record of if `alone`.
    """
    waiting = np.empty(len(left), np.int64)
    gains = np.zeros(len(left), np.float64)
    supports = np.empty(len(left), np.int64)
    tally = np.empty(len(left), np.int64)
    words = np.empty(bits.shape[1], np.uint64)
    places = np.empty(bits.shape[1], np.int32)
    record, end = int(done[0]), int(done[1])
    for row in order:
        first = row_ends[row - 1] if row else 0
        total = 0
        for i in range(first, row_ends[row]):
            if left[rows[i]] > 0:
                total += pairs[rows[i], rows[i], 0]
        if total == 0:
            continue
        mark = rng.random() * total
        start = -1
        for i in range(first, row_ends[row]):
            if left[rows[i]] > 0:
                start = rows[i]
                mark -= pairs[start, start, 0]
                if mark < 0:
                    break
        n = 0
        for i in range(first, row_ends[row]):
            v = rows[i]
            if v != start and left[v] > 0 and pairs[start, v, 0] >= k:
                waiting[n], supports[n] = v, pairs[start, v, 0]
                n += 1
        if n == 0 and not alone:
            continue
        values[end] = start
        left[start] -= 1
        end = _grow(
            values, end, n, waiting, gains, supports, tally, words, places, False,
            left, column_of, bits, rows, row_ends, listed, reach,
            pairs, triples, pair_pull, triple_pull, weights, k, most, steer, noise, rng, done,
        )  # fmt: skip
        ends[record] = end
        record += 1
    done[0], done[1] = record, end


@jit
def join(
    limit: Any, chance: Any, reward: Any,
    left: Any, column_of: Any, bits: Any, rows: Any, row_ends: Any, listed: Any, reach: Any,
    pairs: Any, triples: Any, pair_pull: Any, triple_pull: Any, weights: Any,
    k: Any, most: Any, steer: Any, noise: Any, rng: Any, values: Any, ends: Any, done: Any,
) -> Any:  # fmt: skip
    """Join the values that are left to new records; give how many were made, `limit` at most.

    left: (V,) how often each value is still to be used, counted down; `chance[left]` is how
        likely a record begins with it, and reward: (V,) what it brings besides its pulls.
    rows, row_ends: the originals, end to end; bits: (V, words), who holds a value; listed, reach:
        what is known where there are no originals.
    steer: (greatest support + 1,), what a support is worth.
    values, ends: room for the records; done: (records, values used, gain) so far, carried on.
    """
    waiting = np.empty(len(left), np.int64)
    gains = np.empty(len(left), np.float64)
    supports = np.empty(len(left), np.int64)
    tally = np.empty(len(left), np.int64)
    words = np.empty(bits.shape[1], np.uint64)
    places = np.empty(bits.shape[1], np.int32)
    record, end = int(done[0]), int(done[1])
    made = 0
    while made < limit:
        total = 0.0
        for v in range(len(left)):
            total += chance[left[v]]
        if total == 0:
            break
        mark = rng.random() * total
        start = -1
        for v in range(len(left)):
            if left[v] > 0:
                start = v
                mark -= chance[left[v]]
                if mark < 0:
                    break
        n = 0
        for v in range(len(left)):
            if left[v] > 0 and column_of[v] != column_of[start] and pairs[start, v, 0] >= k:
                waiting[n], gains[n], supports[n] = v, reward[v], pairs[start, v, 0]
                n += 1
        values[end] = start
        left[start] -= 1
        end = _grow(
            values, end, n, waiting, gains, supports, tally, words, places, True,
            left, column_of, bits, rows, row_ends, listed, reach,
            pairs, triples, pair_pull, triple_pull, weights, k, most, steer, noise, rng, done,
        )  # fmt: skip
        ends[record] = end
        record += 1
        made += 1
    done[0], done[1] = record, end
    return made


@jit
def _grow(
    values: Any, first: Any, n: Any, waiting: Any, gains: Any, supports: Any,
    tally: Any, words: Any, places: Any, by_gain: Any,
    left: Any, column_of: Any, bits: Any, rows: Any, row_ends: Any, listed: Any, reach: Any,
    pairs: Any, triples: Any, pair_pull: Any, triple_pull: Any, weights: Any,
    k: Any, most: Any, steer: Any, noise: Any, rng: Any, done: Any,
) -> Any:  # fmt: skip
    """Add waiting values to a record of one while at least k originals hold it; give its end.

    The next value is the one with the greatest gain times the worth of its support, or is drawn
    by support. Supports are exact: of pairs and triples by table, and beyond by counting the
    values of the originals that hold the record so far. Where these are more than `most`, every
    s-th of them is counted, and the one value that is then chosen is checked in full. The holders
    are kept as those words of their bits that are not 0, and where these stand.

    Where `reach` is not 0 there are no originals, and what they hold together is known of
    combinations of up to `reach` values alone: by the tables of pairs and triples, and beyond
    them by `listed`. A support is then the least count of a pair or triple with the value.
    """
    end = first + 1
    held, size, stride = -1, 0, 1
    while n:
        if by_gain:
            last = values[end - 1]
            for i in range(n):
                gains[i] += pair_pull[last, waiting[i]]
            if len(triples):
                for j in range(first, end - 1):
                    row = side(values[j], last)
                    for i in range(n):
                        gains[i] += triple_pull[row, waiting[i]]
        chosen = -1
        while n:
            at = (
                _best(n, gains, supports, steer, noise, rng)
                if by_gain
                else _drawn(n, supports, rng)
            )
            if at < 0:
                break
            if reach:
                fits = (reach == 2 or (reach == 3 and len(triples) > 0)) or _is_listed(
                    values, first, end, waiting[at], len(pairs), listed, reach
                )
            else:
                fits = stride == 1 or _held_by(words, places, held, bits, waiting[at], k)
            if fits:
                chosen = waiting[at]
                break
            n -= 1
            waiting[at], gains[at], supports[at] = waiting[n], gains[n], supports[n]
        if chosen < 0:
            break
        done[2] += _put(
            values, first, end, chosen, 1, pairs, triples, pair_pull, triple_pull, weights
        )
        values[end] = chosen
        end += 1
        left[chosen] -= 1
        if n == 1:
            break
        if reach:
            for i in range(n):
                supports[i] = min(supports[i], pairs[chosen, waiting[i], 0])
                if len(triples) and column_of[waiting[i]] != column_of[chosen]:
                    for j in range(first, end - 1):
                        t = place(values[j], chosen, waiting[i])
                        supports[i] = min(supports[i], triples[t, 0])
        elif end - first == 2 and len(triples):
            for i in range(n):
                if column_of[waiting[i]] != column_of[chosen]:
                    supports[i] = triples[place(values[first], chosen, waiting[i]), 0]
        else:
            if held < 0:  # from here on the originals that hold it all are followed
                held, size = _holders(values, first, end, bits, words, places)
            else:
                held, size = _still(chosen, held, bits, words, places)
            stride = (size + most - 1) // most
            for i in range(n):
                tally[waiting[i]] = 0
            _tally(words, places, held, stride, rows, row_ends, tally)
            for i in range(n):
                supports[i] = tally[waiting[i]] * stride
        still = 0
        for i in range(n):
            v = waiting[i]
            if column_of[v] != column_of[chosen] and supports[i] >= k:
                waiting[still], gains[still], supports[still] = v, gains[i], supports[i]
                still += 1
        n = still
    return end


@jit
def _best(n: Any, gains: Any, supports: Any, steer: Any, noise: Any, rng: Any) -> Any:
    """Find the waiting value that gains most for its support, shaken a little; -1 if none does."""
    best, at = 0.0, -1
    for i in range(n):
        if gains[i] > 0:
            worth = gains[i] * steer[supports[i]] * (1.0 + noise * rng.random())
            if worth > best:
                best, at = worth, i
    return at


@jit
def _drawn(n: Any, supports: Any, rng: Any) -> Any:
    """Draw a waiting value by support."""
    total = 0
    for i in range(n):
        total += supports[i]
    mark = rng.random() * total
    for i in range(n):
        mark -= supports[i]
        if mark < 0:
            return i
    return n - 1


@jit
def _holders(values: Any, first: Any, end: Any, bits: Any, words: Any, places: Any) -> Any:
    """Find who holds a whole record; give how many words that takes, and how many they are."""
    held, size = 0, 0
    for w in range(bits.shape[1]):
        both = bits[values[first], w]
        for i in range(first + 1, end):
            both &= bits[values[i], w]
        words[held], places[held] = both, w
        if both:
            held += 1
            size += _ones(both)
    return held, size


@jit
def _still(chosen: Any, held: Any, bits: Any, words: Any, places: Any) -> Any:
    """Keep of the holders those of one value more; give how many words and how many they are."""
    still, size = 0, 0
    for i in range(held):
        w = places[i]
        both = words[i] & bits[chosen, w]
        words[still], places[still] = both, w
        if both:
            still += 1
            size += _ones(both)
    return still, size


@jit
def _tally(
    words: Any, places: Any, held: Any, stride: Any, rows: Any, row_ends: Any, tally: Any
) -> None:
    """Count the values of every s-th holder."""
    skip = 0
    for i in range(held):
        both = words[i]
        if stride > 1:
            ones = _ones(both)
            if ones <= skip:
                skip -= ones
                continue
        while both:
            low = both & (~both + np.uint64(1))
            both ^= low
            if skip:
                skip -= 1
                continue
            skip = stride - 1
            r = np.int64(places[i]) * 64 + _ones(low - np.uint64(1))
            for j in range(row_ends[r - 1] if r else 0, row_ends[r]):
                tally[rows[j]] += 1


@jit
def _held_by(words: Any, places: Any, held: Any, bits: Any, value: Any, k: Any) -> Any:
    """Tell whether k of the holders hold a value besides."""
    support = np.int64(0)
    for i in range(held):
        both = words[i] & bits[value, places[i]]
        if both:
            support += _ones(both)
            if support >= k:
                return True
    return False


@jit
def _is_listed(
    values: Any, first: Any, end: Any, value: Any, many: Any, listed: Any, reach: Any
) -> Any:
    """Tell whether each combination of a value with up to `reach` - 1 of a record is listed.

    listed: ascending; entry i, known as combination `many` + i, is many * (the combination
        without its greatest value) + that value; of one value, the combination is the value.
    Goes through the combinations in order, and leaves out those that cannot hold the value.
    """
    n = end - first + 1
    own = np.empty(n, np.int64)
    own[: n - 1] = values[first:end]
    own[n - 1] = value
    own.sort()
    path = np.empty(reach, np.int64)
    found = np.empty(reach, np.int64)
    depth, at, inside = 0, 0, -1
    while True:
        if at < n and depth < reach and (inside >= 0 or own[at] <= value):
            found[depth] = own[at]
            if depth:
                key = found[depth - 1] * many + own[at]
                row = np.searchsorted(listed, key)
                if row == len(listed) or listed[row] != key:
                    return False
                found[depth] = many + row
            if own[at] == value:
                inside = depth
            path[depth] = at
            depth += 1
            at += 1
        elif depth:
            depth -= 1
            at = path[depth] + 1
            if inside == depth:
                inside = -1
        else:
            return True


@jit
def _ones(word: Any) -> Any:
    """Count the one bits of a word, by adding neighbours."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
