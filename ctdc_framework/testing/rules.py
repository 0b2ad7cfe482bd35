"""What must hold of a grouping rule, each fact as a check that tries it on made-up columns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ctdc_framework.codebook.columns import Cell, Column
from ctdc_framework.codebook.domains import OUTSIDE
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.codebook.rules import Rows, Rule
from ctdc_framework.errors import one_of
from ctdc_framework.runs.runner import generator
from ctdc_framework.testing.checks import (
    SECONDS,
    Broken,
    Check,
    checks_of,
    global_chance_untouched,
    must,
    quoted,
)
from ctdc_framework.testing.kit import SAYS, Kit, Tried, tried
from ctdc_framework.testing.samples import MANY, USUAL

RULE_CHECKS = (
    *SAYS,
    "names-its-columns",
    "gives-a-column",
    "stays-in-the-domain",
    "is-total-if-it-says-so",
    "leaves-its-input-alone",
    "draws-nothing",
    "looks-at-each-record-alone",
    "works-on-hard-records",
    "tells-no-values",
    "is-quick",
)
"""Every check of a rule, by name."""

EVERY, NONE, ONE, MISSING = "every value once", "no record", "one record", "all missing"
HARD = (NONE, ONE, MISSING, EVERY)
"""What rules stumble over."""

TEXTS = (*map(str, range(100)), "2020-02-29", "a text", "another text")
"""Texts that an open domain is tried with, if it takes them."""


def rule_checks(
    rule: Rule[Any],
    params: Any,
    *,
    codebook: Codebook,
    seconds: float = SECONDS,
    expected_failures: Mapping[str, str] | None = None,
) -> list[Check]:
    """Give the checks of a rule with some parameters, to be called one by one.

    `codebook` is one whose columns the parameters name; the rule need not be in it. The other
    arguments are those of `strategy_checks`.
    """
    kit = _Kit(thing=rule, params=params, codebook=codebook, seconds=seconds)
    return checks_of(kit, RULE_CHECKS, expected_failures)


@frozen(kw_only=True, eq=False)
class _Kit(Kit):
    thing: Rule[Any]
    _done: dict[str, Tried] = field(factory=dict, init=False)

    @property
    def name(self) -> str:
        return self.thing.op

    @property
    def function(self) -> Callable[..., Any]:
        function = self.thing.apply or self.thing.rewrites
        if function is None:
            raise Broken("it neither applies nor rewrites")
        return function

    @property
    def reads(self) -> Sequence[str]:
        return list(self.thing.reads(self.params))

    def cells(self, name: str) -> list[Cell]:
        """Give what a cell of a column may hold, by its domain."""
        domain = self.codebook.domain_of(name)
        read = (domain.read(text) for text in (TEXTS if domain.is_open else domain.codes))
        cells = [cell for cell in read if cell is not OUTSIDE]
        if self.codebook.separator_of(name):
            pairs = itertools.pairwise(cells)
            return [*((cell,) for cell in cells), *pairs]
        return cells

    def rows(self, name: str) -> Rows:
        """Make the sample of a name: the columns that the rule reads."""
        import numpy as np

        rng = generator(1, "sample", name)
        many = {USUAL: 600, MANY: 10_000, NONE: 0, ONE: 1, MISSING: 20}
        held = {column: self.cells(column) for column in self.reads}
        rows = many.get(name, max(map(len, held.values()), default=1))
        columns = {}
        for column, cells in held.items():
            index = rng.integers(-1 if name in (USUAL, MANY) else 0, max(len(cells), 1), rows)
            if name == EVERY:
                index = np.arange(rows) % max(len(cells), 1)
            if name == MISSING or not cells:
                index = np.full(rows, -1)
            columns[column] = Column(index.astype(np.int32), tuple(cells))
        return Rows(columns=columns, rows=rows, codebook=self.codebook)

    def made(self, rows: Rows) -> Column:
        """Apply the rule."""
        assert self.thing.apply is not None
        column = self.thing.apply(self.params, rows)
        must(isinstance(column, Column), f"it gives a {type(column).__name__}, not a Column")
        must(len(column.index) == rows.rows, "its column has another number of rows")
        within = not rows.rows or (
            column.index.min() >= -1 and column.index.max() < len(column.cells)
        )
        must(within, "its column points at cells that it does not have")
        return column

    def tried(self, name: str) -> Tried:
        """Apply it to a sample once, and keep what comes of it for every check that asks."""
        if name not in self._done:
            self._done[name] = tried(lambda: self.made(self.rows(name)))
        return self._done[name]

    def outcome(self, name: str) -> Column:
        """Give what comes of a sample, which must be a column."""
        error = self.tried(name).error
        if isinstance(error, Broken):
            raise Broken(f"on {name}: {error}") from error
        if error is not None:
            raise Broken(f"on {name} it raises {type(error).__name__}: {error}") from error
        column: Column = self.tried(name).result
        return column

    # ---- what it says

    def says_what_it_is(self) -> None:
        """Its name, summary, parameters and contract are told, and in the form of all others."""
        super().says_what_it_is()
        one = self.thing
        must(bool(one.apply) != bool(one.rewrites), "it either applies or rewrites, and not both")
        faults = list(one.faults(self.params, self.codebook))
        must(not faults, f"it does not take these parameters: {[f.message for f in faults]}")

    def names_its_columns(self) -> None:
        """What it reads and writes are columns of the codebook, and it writes one."""
        known = {name for name, _ in self.codebook.entries()}
        writes = list(self.thing.writes(self.params))
        if self.thing.rewrites is not None:
            rewritten, _ = self.thing.rewrites(self.params)
            must(not set(rewritten) - known, "it rewrites what is no column of the codebook")
            must(not writes, "it rewrites, and writes a column besides")
            return
        must(self.reads, "it reads nothing")
        unknown = [name for name in (*self.reads, *writes) if name not in known]
        must(not unknown, f"it names {one_of(unknown)}: no column of the codebook")
        must(len(writes) == 1, f"it writes {len(writes)} columns, and not one")

    # ---- what it gives

    def gives_a_column(self) -> None:
        """It gives a column with a cell, or none, for each record; or texts for texts."""
        if self.thing.rewrites is not None:
            _, texts = self.thing.rewrites(self.params)
            plain = all(isinstance(one, str) for pair in texts.items() for one in pair)
            must(plain, "it rewrites what is no text")
            return
        self.outcome(USUAL)

    def stays_in_the_domain(self) -> None:
        """Every cell that it gives is a value of the target's domain.

        Of a rule that rewrites texts, some are, for each column: the domain judges the others.
        """
        if self.thing.rewrites is not None:
            rewritten, texts = self.thing.rewrites(self.params)
            for name in rewritten:
                read = self.codebook.domain_of(name).read
                fits = any(not text or read(text) is not OUTSIDE for text in texts.values())
                must(fits, f"it writes no text that `{name}` can hold")
            return
        for name in (USUAL, EVERY):
            for target in self.thing.writes(self.params):
                outside = [cell for cell in self.outcome(name).cells if not self.fits(target, cell)]
                must(not outside, f"it gives cells outside the domain of `{target}`")

    def fits(self, target: str, cell: Cell) -> bool:
        """Tell whether a cell may stand in a column."""
        if self.codebook.separator_of(target) and not isinstance(cell, tuple):
            return False
        domain = self.codebook.domain_of(target)
        parts = cell if self.codebook.separator_of(target) else (cell,)
        return all(domain.read(str(part)) == part for part in parts)

    def is_total_if_it_says_so(self) -> None:
        """If it is called total, every known cell gives a known one."""
        if not self.thing.total:
            return
        for name in (USUAL, EVERY):
            known = [column.known() for column in self.rows(name).columns.values()]
            lost = sum(known) > 0
            lost &= ~self.outcome(name).known()
            must(not lost.any(), "it is called total, and gives nothing for a known cell")

    def leaves_its_input_alone(self) -> None:
        """The columns that it is given are afterwards what they were."""
        for rows in self.each_rows(USUAL):
            kept = {name: column.values() for name, column in rows.columns.items()}
            self.made(rows)
            after = {name: column.values() for name, column in rows.columns.items()}
            must(after == kept, "it changes a column that it was given: make a new one")

    def draws_nothing(self) -> None:
        """The same columns give the same column: grouping is no place for chance."""
        for rows in self.each_rows(USUAL):
            with global_chance_untouched():
                again = self.made(rows)
            must(again.values() == self.outcome(USUAL).values(), "it gives another column again")

    def looks_at_each_record_alone(self) -> None:
        """What a record gets depends on no other record, nor on where it stands."""
        for rows in self.each_rows(USUAL):
            whole = self.outcome(USUAL).values()
            turned = _picked(rows, slice(None, None, -1))
            must(
                self.made(turned).values() == whole[::-1], "it depends on the order of the records"
            )
            for number in range(0, rows.rows, max(1, rows.rows // 20)):
                alone = self.made(_picked(rows, slice(number, number + 1))).values()
                same = alone == whole[number : number + 1]
                must(same, "what a record gets depends on what other records hold")

    # ---- hard records

    def works_on_hard_records(self) -> None:
        """No record, one, all missing, every value, or a file that lacks a column give a column."""
        if self.thing.rewrites is not None:
            return
        for name in HARD:
            self.outcome(name)
        rows = self.rows(USUAL)
        for lacking in self.reads if len(self.reads) > 1 else ():
            columns = {name: one for name, one in rows.columns.items() if name != lacking}
            less = tried(
                lambda columns=columns: self.made(  # type: ignore[misc]
                    Rows(columns=columns, rows=rows.rows, codebook=self.codebook)
                )
            )
            must(
                less.error is None, f"it fails where the file has no `{lacking}`: it may be absent"
            )

    def tells_no_values(self) -> None:
        """No error or printed line holds a value: in a column of its own each would be rare."""
        if self.thing.rewrites is not None:
            return
        for name in (USUAL, *HARD):
            one = self.tried(name)
            held = [cell for column in self.reads for cell in self.cells(column)]
            texts = {str(part) for cell in held for part in (cell if _lists(cell) else (cell,))}
            rare = {text for text in texts if len(text) > 2 and not text.isdigit()}
            must(not quoted(str(one.error or ""), rare), f"its error on {name} quotes a value")
            must(not one.printed, "it prints")

    def is_quick(self) -> None:
        """Ten thousand records take no longer than they may."""
        for rows in self.each_rows(MANY):
            self.must_be_quick(MANY, lambda rows=rows: self.made(rows))  # type: ignore[misc]

    def each_rows(self, name: str) -> Iterator[Rows]:
        """Give a sample's rows, for a rule that applies to any."""
        if self.thing.rewrites is None:
            self.outcome(name)
            yield self.rows(name)


def _lists(cell: Cell) -> bool:
    return isinstance(cell, tuple)


def _picked(rows: Rows, part: slice) -> Rows:
    """Give some of the rows, with no cell that none of them holds."""
    columns = {name: Column.of(one.values()[part]) for name, one in rows.columns.items()}
    return Rows(columns=columns, rows=len(range(rows.rows)[part]), codebook=rows.codebook)
