"""Two releases of the same data, one after the other: what their difference proves.

Rounding hides how many records a cell has in one release. Where the next release shows another
multiple, the count has crossed an edge: between 109 and 110, not between 100 and 101.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from attrs import frozen

from ctdc_framework.records.items import Items, Published

Range = tuple[int, int]
"""The least and the most that a count can be."""


@frozen(kw_only=True)
class Move:
    """A cell whose published count changed; not shown is 0.

    `before` and `after` are what an outsider can prove of the two true counts, `came` of how many
    records came in between; where records left too, it is the change that is left of both.
    """

    items: Items
    earlier: int
    later: int
    before: Range
    after: Range
    came: Range

    @property
    def width(self) -> int:
        """How many true counts the earlier release's cell can still have had; 1: it is known."""
        return self.before[1] - self.before[0] + 1


@frozen(kw_only=True)
class Differences:
    """What changed between two releases; `records_left` tells that the later one lacks records."""

    base: int
    moves: tuple[Move, ...]
    unchanged: int
    records_left: bool = False

    @property
    def edge_moves(self) -> tuple[Move, ...]:
        """The cells that went up or down by one step: a single record may have moved them."""
        return tuple(move for move in self.moves if abs(move.later - move.earlier) == self.base)

    @property
    def narrowed(self) -> tuple[Move, ...]:
        """The cells of which more is proved than rounding lets one release tell."""
        return tuple(move for move in self.moves if move.width < self.base)

    @property
    def exact(self) -> tuple[Move, ...]:
        """The cells whose earlier count is proved."""
        return tuple(move for move in self.moves if move.width == 1)


def differences(
    earlier: Mapping[Items, int],
    later: Mapping[Items, int],
    base: int,
    *,
    threshold: int = 0,
    added: int | None = None,
) -> Differences:
    """Compare the counts of two releases that were rounded down to multiples of `base`.

    earlier, later: published counts by combination, the empty one for all records; what is not
        shown has fewer than `threshold` records, `base` where that is 0.
    added: how many records came in between, where the outsider knows it. Without it, no more than
        the totals allow.
    Both releases are taken to hold every earlier record; where the later one shows fewer, that is
    wrong, and then nothing is concluded but each release by itself.

    >>> total, men = (), (("gender", "Male"),)
    >>> before = {total: 500, men: 100}
    >>> differences(before, before, 10, added=1).moves  # 100 and 101 look alike
    ()
    >>> (move,) = differences(before, {total: 500, men: 110}, 10, added=1).moves
    >>> move.before, move.after, move.came  # 109 and 110 do not
    ((109, 109), (110, 110), (1, 1))
    """
    threshold = max(threshold, base)
    cells = sorted(earlier.keys() | later.keys(), key=lambda items: (len(items), items))
    moved = [items for items in cells if earlier.get(items, 0) != later.get(items, 0)]
    left = any(
        _range(later, items, base, threshold)[1] < _range(earlier, items, base, threshold)[0]
        for items in moved
    )
    moves = []
    for items in moved:
        before = _range(earlier, items, base, threshold)
        after = _range(later, items, base, threshold)
        came = (after[0] - before[1], after[1] - before[0])
        if not left:
            most = _most_added(items, earlier, later, base, threshold)
            most = most if added is None else min(most, added)
            came = (max(0, came[0]), min(came[1], most))
            before, after = _joined(before, after, most)
        moves.append(
            Move(
                items=items,
                earlier=earlier.get(items, 0),
                later=later.get(items, 0),
                before=before,
                after=after,
                came=came,
            )
        )
    return Differences(
        base=base,
        moves=tuple(moves),
        unchanged=len(cells) - len(moved),
        records_left=left,
    )


def counts_of(published: Published, length: int = 1) -> Mapping[Items, int]:
    """Give what a release shows of each combination: its counts, or those of its rows.

    Of rows, combinations of up to `length` values and the number of rows are counted; where they
    are rounded as single counts of a release are, `length` is 1.
    """
    if published.combinations is not None:
        return dict(published.combinations)
    return Counter(part for row in published.records or () for part in _parts(row, length))


def _parts(items: Items, length: int) -> Iterator[Items]:
    for wanted in range(min(length, len(items)) + 1):
        yield from combinations(items, wanted)


def _range(counts: Mapping[Items, int], items: Items, base: int, threshold: int) -> Range:
    shown = counts.get(items, 0)
    return (max(shown, threshold), shown + base - 1) if shown else (0, threshold - 1)


def _most_added(
    items: Items,
    earlier: Mapping[Items, int],
    later: Mapping[Items, int],
    base: int,
    threshold: int,
) -> int:
    """Give the most records that can have come to a cell: no more than to what it is part of."""
    return min(
        _range(later, whole, base, threshold)[1] - _range(earlier, whole, base, threshold)[0]
        for whole in _parts(items, len(items))
        if whole == items or whole in earlier or whole in later
    )


def _joined(before: Range, after: Range, most: int) -> tuple[Range, Range]:
    """Narrow two ranges by: from 0 to `most` records came."""
    narrowed = (max(before[0], after[0] - most), min(before[1], after[1]))
    grown = (max(after[0], before[0]), min(after[1], before[1] + most))
    return narrowed, grown
