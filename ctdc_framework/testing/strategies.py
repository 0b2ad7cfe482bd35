"""What must hold of a strategy, each fact as a check that tries it on made-up records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from ctdc_framework.codebook.model import COUNT, Codebook
from ctdc_framework.contract.results import Note
from ctdc_framework.errors import CtdcError
from ctdc_framework.plugin import Cancelled, Context, Output, Progress, Strategy, silent
from ctdc_framework.problems.faults import Faults
from ctdc_framework.promises.claims import CLAIMS
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.records.suppression import are_kept_rows
from ctdc_framework.records.tables import Shape, Table
from ctdc_framework.runs.gate import mixed_levels, outside_domains
from ctdc_framework.runs.runner import generator, own_copy
from ctdc_framework.testing.checks import (
    SECONDS,
    Broken,
    Check,
    checks_of,
    global_chance_untouched,
    must,
    quoted,
    rare_values,
    rows_of,
)
from ctdc_framework.testing.kit import NAME, SAYS, Kit, Tried, tried
from ctdc_framework.testing.samples import HARD, MANY, USUAL, sample, sample_codebook
from ctdc_framework.toml.convert import fields_of, structure, unstructure

STRATEGY_CHECKS = (
    *SAYS,
    "gives-what-it-says",
    "keeps-the-columns",
    "stays-in-the-domains",
    "blanks-only-if-it-says-so",
    "leaves-its-input-alone",
    "repeats-with-the-same-seed",
    "draws-from-its-context-alone",
    "row-order-means-nothing",
    "works-on-hard-records",
    "keeps-its-claims",
    "tells-no-values",
    "details-are-json",
    "reports-progress",
    "is-quick",
)
"""Every check of a strategy, by name."""


def strategy_checks(
    strategy: Strategy[Any],
    params: Any,
    *,
    codebook: Codebook | None = None,
    seconds: float = SECONDS,
    expected_failures: Mapping[str, str] | None = None,
) -> list[Check]:
    """Give the checks of a strategy with some parameters, to be called one by one.

    `codebook` stands for the kit's own, where the parameters name variables. `seconds` is what
    one run on ten thousand records may take. `expected_failures` gives for a check's name the
    reason why it may fail; raises `ValueError` for a name that is none.
    """
    kit = _Kit(
        thing=strategy, params=params, codebook=codebook or sample_codebook(), seconds=seconds
    )
    return checks_of(kit, STRATEGY_CHECKS, expected_failures)


@frozen(kw_only=True, eq=False)
class _Kit(Kit):
    thing: Strategy[Any]
    _done: dict[tuple[str, int], Tried] = field(factory=dict, init=False)

    @property
    def strategy(self) -> Strategy[Any]:
        return self.thing

    @property
    def function(self) -> Callable[..., Any]:
        return self.thing.run

    def table(self, name: str) -> Table:
        return sample(self.codebook, self.strategy.takes, name, self.k)

    @property
    def k(self) -> int:
        """The size of groups that the strategy is to protect, by its parameters."""
        named = [f for f in fields_of(type(self.params)) if f.metadata.get("from_codebook") == "k"]
        return max((getattr(self.params, f.name) for f in named), default=self.codebook.k)

    def run(self, table: Table, seed: int = 1, progress: Progress = silent) -> Output:
        """Run it once, on the table itself."""
        context = Context(
            rng=generator(seed, "kit", self.strategy.name), progress=progress, key=b"k" * 32
        )
        return self.strategy.run(table, self.params, context)

    def tried(self, name: str, seed: int = 1) -> Tried:
        """Run it on a sample once, and keep what comes of it for every check that asks."""
        if (name, seed) not in self._done:
            self._done[name, seed] = tried(lambda: self.run(self.table(name), seed))
        return self._done[name, seed]

    def outcome(self, name: str, seed: int = 1) -> Output | CtdcError:
        """Give what comes of a sample: an output, or the error that it may raise."""
        one = self.tried(name, seed)
        if one.error is not None and not isinstance(one.error, CtdcError):
            what = f"{type(one.error).__name__}: {one.error}"
            raise Broken(f"on {name} it raises {what}") from one.error
        outcome: Output | CtdcError = one.error or one.result
        return outcome

    def usual(self, seed: int = 1) -> Output:
        """Give its output on usual records, which it must have."""
        output = self.outcome(USUAL, seed)
        if isinstance(output, CtdcError):
            raise Broken(f"it refuses usual records: {output.message}") from output
        return output

    # ---- what it says

    def says_what_it_is(self) -> None:
        """Its name, summary, parameters and contract are told, and in the form of all others."""
        super().says_what_it_is()
        faults = list(self.strategy.faults(self.codebook, self.params))
        must(not faults, f"it does not take these parameters: {[f.message for f in faults]}")
        for name, preset in self.strategy.presets.items():
            must(NAME.fullmatch(name), f"`{name}` is no name for a preset")
            self.must_take(name, preset)

    def must_take(self, name: str, preset: Mapping[str, Any]) -> None:
        """Read what a preset sets, over the parameters that it is tried with."""
        try:
            params = structure({**unstructure(self.params), **preset}, self.strategy.params)
            faults = [fault.message for fault in self.strategy.faults(self.codebook, params)]
        except Faults as found:
            faults = [fault.message for fault in found.faults]
        must(not faults, f"it does not take its preset `{name}`: {faults}")

    # ---- what it gives

    def gives_what_it_says(self) -> None:
        """It gives a table of the shape it declares, with notes and claims."""
        output = self.usual()
        must(isinstance(output, Output), f"it gives a {type(output).__name__}, not an Output")
        must(isinstance(output.table, Table), "its output holds no Table")
        gives = self.strategy.gives.value
        must(output.table.shape is self.strategy.gives, f"it does not give {gives}, as it says")
        must(output.table.codebook is self.codebook, "its table is of another codebook")
        must(all(isinstance(note, Note) for note in output.notes), "its notes are no Notes")
        rows = output.kept_rows
        true = rows is None or are_kept_rows(rows, self.table(USUAL), output.table)
        must(true, "its kept_rows name other records than those that it released")
        claims = list(self.strategy.claims(self.codebook, self.params))
        must(claims, "it claims nothing: where that is meant, give NoClaim(reason=...)")
        must(all(type(claim) in CLAIMS for claim in claims), "it claims what is no claim")

    def keeps_the_columns(self) -> None:
        """Its table has the columns that it was given."""
        given = [column.name for column in self.table(USUAL).columns]
        made = [name for name in self.usual().table.frame.columns if name != COUNT]
        must(made == given, f"it loses {', '.join(sorted(set(given) - set(made)))}")

    def stays_in_the_domains(self) -> None:
        """Every value is one of the codebook's, at one level of its hierarchy if it says no other.

        A value that no original record holds may be made up, one that the codebook lacks may not.
        """
        table = self.usual().table
        try:
            published = published_of(table.with_frame(table.frame))
        except ValueError as error:
            raise Broken(f"its table is none any more: {error}") from error
        outside = outside_domains(self.codebook, published)
        must(not outside, f"it gives values outside the domain of {', '.join(outside)}")
        if self.strategy.gives is Shape.RECORDS and not self.strategy.mixes_with(self.params):
            mixed = mixed_levels(self.codebook, published)
            must(not mixed, f"it gives several levels of {', '.join(mixed)}: say mixes_levels")

    def blanks_only_if_it_says_so(self) -> None:
        """What the codebook says is always known stays known, if it does not say `may_blank`."""
        if self.strategy.blanks_with(self.params) or self.strategy.gives is not Shape.RECORDS:
            return
        table = self.usual().table
        for column in table.columns:
            if not self.codebook.variables[column.variable].nullable and not column.value:
                blank = table.frame[column.name].isna().any()
                must(not blank, f"it blanks `{column.name}`: say may_blank")

    def leaves_its_input_alone(self) -> None:
        """The table that it is given is afterwards what it was."""
        given = self.table(USUAL)
        kept, codes = own_copy(given), given.codes.copy()
        self.run(given)
        same = given.frame.equals(kept.frame) and (given.codes == codes).all()
        must(same, "it changes the table that it was given: work on a copy")

    # ---- chance and order

    def repeats_with_the_same_seed(self) -> None:
        """The same records and the same seed give the same table, notes and details.

        What is not `repeatable` gives another one each time.
        """
        one = self.usual()
        self.outcome(USUAL, 2)
        again = self.run(self.table(USUAL))
        if not self.strategy.repeatable:
            must(self.strategy.stochastic, "it is not repeatable: say stochastic, too")
            other = not one.table.frame.equals(again.table.frame)
            must(other, "the same seed gives the same table: it is repeatable")
            return
        must(one.table.frame.equals(again.table.frame), "the same seed gives another table")
        same = list(one.notes) == list(again.notes) and one.details == again.details
        must(same, "the same seed gives other notes or details")

    def draws_from_its_context_alone(self) -> None:
        """Chance comes from `context.rng`, and only where it is called stochastic.

        What is not `repeatable` has chance of the system's own besides, and may do without.
        """
        context = Context(rng=generator(1, "kit", self.strategy.name), key=b"k" * 32)
        before = str(context.rng.bit_generator.state)
        with global_chance_untouched():
            self.strategy.run(self.table(USUAL), self.params, context)
        if not self.strategy.repeatable:
            return
        if self.strategy.stochastic:
            drawn = str(context.rng.bit_generator.state) != before
            must(drawn, "it is called stochastic, and draws nothing from context.rng")
        else:
            same = rows_of(self.usual().table.frame) == rows_of(self.usual(2).table.frame)
            must(same, "it gives other rows by chance: say stochastic")

    def row_order_means_nothing(self) -> None:
        """Records in another order give the same rows, or with chance such as might have come."""
        given = self.table(USUAL)
        sorted_rows = given.frame.sort_values(list(given.frame.columns), kind="stable")
        orders = [
            evolve(given, frame=frame.reset_index(drop=True))
            for frame in (sorted_rows, sorted_rows.iloc[::-1])
        ]
        if not self.strategy.stochastic:
            one, other = (rows_of(self.run(table).table.frame) for table in orders)
            must(one == other, "it gives other rows where the records stand in another order")
            return
        seeds = range(1, 9)
        one_way, other_way = (
            [_single_counts(self.run(own_copy(table), seed).table) for seed in seeds]
            for table in orders
        )
        slack = max(3, len(given) // 50)
        for value in {key for counts in (*one_way, *other_way) for key in counts}:
            low, high = sorted(
                ([counts.get(value, 0) for counts in way] for way in (one_way, other_way)), key=min
            )
            must(
                max(low) + slack >= min(high),
                f"how often a value of `{value[0]}` occurs depends on the order of the records",
            )

    # ---- hard records

    def works_on_hard_records(self) -> None:
        """Few, equal, empty or rare records give a table too, or a `StrategyError`."""
        for name in HARD:
            output = self.outcome(name)
            if not isinstance(output, CtdcError):
                shape = output.table.shape
                must(shape is self.strategy.gives, f"on {name} it gives another shape")

    def keeps_its_claims(self) -> None:
        """What it claims is found, by a recount that is not its own, on every sample."""
        for name in (USUAL, *HARD):
            output = self.outcome(name)
            if isinstance(output, CtdcError):
                continue
            original = original_of(self.table(name))
            published = published_of(output.table)
            for claim in self.strategy.claims(self.codebook, self.params):
                finding = recount(claim, original, published)
                must(finding.holds, f"on {name} it claims {claim}, but {finding.message}")

    def tells_no_values(self) -> None:
        """No note, detail, error or printed line holds a value that fewer than k records have."""
        for name in (USUAL, *HARD):
            table = self.table(name)
            rare = rare_values(table.counted or table, self.k)
            one = self.tried(name)
            must(not one.printed, "it prints: give a Note instead")
            must(not quoted(str(one.error or ""), rare), f"its error on {name} quotes a record")
            if one.error is None:
                notes = " ".join(note.message for note in one.result.notes)
                must(not quoted(notes, rare), f"a note on {name} tells a rare value")
                details = repr(one.result.details)
                must(not quoted(details, rare), f"the details on {name} tell a rare value")

    def details_are_json(self) -> None:
        """Its details can be written as JSON: plain numbers, texts, lists and tables."""
        try:
            json.dumps(dict(self.usual().details), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Broken(f"its details are no JSON: {error}") from error

    # ---- while it runs

    def reports_progress(self) -> None:
        """What it reports grows and ends at the total, and it lets itself be stopped."""
        reports: list[tuple[int, int | None]] = []

        def note(done: int, total: int | None = None) -> None:
            reports.append((done, total))

        self.run(self.table(USUAL), progress=note)
        done = [number for number, _ in reports]
        must(done == sorted(done), "its progress goes back")
        beyond = any(total is not None and number > total for number, total in reports)
        must(not beyond, "its progress goes beyond the total")
        if reports:
            try:
                self.run(self.table(USUAL), progress=_stop)
            except Cancelled:
                return
            raise Broken("it goes on when it is told to stop: let Cancelled pass")

    def is_quick(self) -> None:
        """Ten thousand records take no longer than they may."""
        table = self.table(MANY)
        self.usual()  # what is compiled, or loaded, once is not counted
        try:
            self.must_be_quick(MANY, lambda: self.run(table))
        except CtdcError as error:
            raise Broken(f"it refuses {MANY}: {error.message}") from error


def _stop(done: int, total: int | None = None) -> None:
    raise Cancelled


def _single_counts(table: Table) -> dict[tuple[str, str], int]:
    """Count how often each value occurs in a table; in one of counts, by how many rows."""
    found: dict[tuple[str, str], int] = {}
    for column in table.columns:
        for value, count in table.frame[column.name].value_counts().items():
            found[column.name, str(value)] = int(count)
    return found
