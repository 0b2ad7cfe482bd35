"""What must hold of a measure, each fact as a check that tries it on made-up releases."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.pairs import Pair
from ctdc_framework.contract.results import Better, Score, Side
from ctdc_framework.contract.scenario import Scenario
from ctdc_framework.errors import CtdcError
from ctdc_framework.plugin import Context, Measure
from ctdc_framework.records.tables import Shape, Table
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
)
from ctdc_framework.testing.kit import SAYS, Kit, Tried, tried
from ctdc_framework.testing.samples import (
    HARD,
    MANY,
    USUAL,
    counts_of,
    sample_codebook,
    sample_records,
)

MEASURE_CHECKS = (
    *SAYS,
    "gives-scores",
    "leaves-its-input-alone",
    "repeats-with-the-same-seed",
    "draws-from-its-context-alone",
    "row-order-means-nothing",
    "knows-better-from-worse",
    "works-on-hard-records",
    "tells-no-values",
    "is-quick",
)
"""Every check of a measure, by name."""

LENGTH = 2
"""Longest combination of the tables of counts that measures are tried on."""


def measure_checks(
    measure: Measure[Any],
    params: Any,
    *,
    codebook: Codebook | None = None,
    seconds: float = SECONDS,
    expected_failures: Mapping[str, str] | None = None,
) -> list[Check]:
    """Give the checks of a measure with some parameters, to be called one by one.

    The arguments are those of `strategy_checks`.
    """
    kit = _Kit(
        thing=measure, params=params, codebook=codebook or sample_codebook(), seconds=seconds
    )
    return checks_of(kit, MEASURE_CHECKS, expected_failures)


@frozen(kw_only=True, eq=False)
class _Kit(Kit):
    thing: Measure[Any]
    _done: dict[str, list[Tried]] = field(factory=dict, init=False)

    @property
    def measure(self) -> Measure[Any]:
        return self.thing

    @property
    def function(self) -> Callable[..., Any]:
        return self.thing.compute

    def pair(self, original: Table, candidate: Table, shape: Shape) -> Pair:
        """Put records, or the counts of the candidate's, beside the original."""
        counts = shape is Shape.COUNTS
        holdout = None
        if self.measure.holdout:  # the candidate itself stays: a copy is one of the members
            is_withheld = generator(1, "kit", "holdout").random(len(original)) < 0.2
            holdout = original.with_frame(original.frame[is_withheld])
            members = original.with_frame(original.frame[~is_withheld])
            original, candidate = members, members if candidate is original else candidate
        return Pair(
            holdout=holdout,
            original=own_copy(original),
            candidate=counts_of(candidate, LENGTH) if counts else own_copy(candidate),
            k=self.codebook.k,
            length=LENGTH if counts else 0,
            scenario=Scenario(groups=self.codebook.quasi_identifiers[:1]),
        )

    def pairs(self, name: str) -> Iterator[Pair]:
        """Give a sample beside four fifths of it, in each shape that the measure applies to."""
        original = sample_records(self.codebook, name)
        kept = generator(1, "kit", "released").random(len(original)) < 0.8
        released = original.with_frame(original.frame[kept])
        for shape in sorted(self.measure.shapes, key=lambda shape: shape.value):
            yield self.pair(original, released, shape)

    def scores(self, pair: Pair, seed: int = 1) -> dict[str, float]:
        """Compute the scores of a pair, by slice."""
        context = Context(rng=generator(seed, "kit", self.measure.name))
        scores = list(self.measure.compute(pair, self.params, context))
        must(all(isinstance(one, Score) for one in scores), "what it gives are no Scores")
        slices = [one.slice for one in scores]
        must(len(set(slices)) == len(slices), "it gives two scores of one slice")
        for one in scores:
            numbers = (one.value, one.low, one.high)
            finite = all(number is None or math.isfinite(number) for number in numbers)
            must(finite, f"its score of {one.slice} is no finite number")
        return {one.slice: one.value for one in scores}

    def tried(self, name: str) -> list[Tried]:
        """Score the pairs of a sample once, and keep what comes of it for every check that asks."""
        if name not in self._done:
            self._done[name] = [
                tried(lambda pair=pair: self.scores(pair))  # type: ignore[misc]
                for pair in self.pairs(name)
            ]
        return self._done[name]

    # ---- what it says

    def says_what_it_is(self) -> None:
        """Its name, summary, unit, parameters and contract are told, in the form of all others."""
        super().says_what_it_is()
        must(self.measure.unit, "it has no unit, such as share or records")
        must(self.measure.shapes, "it applies to no shape")

    # ---- what it gives

    def gives_scores(self) -> None:
        """It gives finite scores, each of its own slice.

        For counts it may give none: the kit's come from no chain of stages, and stand alone.
        """
        for pair in self.pairs(USUAL):
            must(self.scores(pair) or pair.is_counts, "it gives no score for usual records")

    def leaves_its_input_alone(self) -> None:
        """The tables that it is given are afterwards what they were."""
        for pair in self.pairs(USUAL):
            kept = [own_copy(table).frame for table in (pair.original, pair.candidate)]
            self.scores(pair)
            after = [pair.original.frame, pair.candidate.frame]
            same = all(one.equals(other) for one, other in zip(kept, after, strict=True))
            must(same, "it changes a table that it was given: work on a copy")

    def repeats_with_the_same_seed(self) -> None:
        """The same tables and the same seed give the same scores."""
        for one, again in zip(self.pairs(USUAL), self.pairs(USUAL), strict=True):
            scores = self.scores(one)
            must(scores == self.scores(again), "the same seed gives other scores")

    def draws_from_its_context_alone(self) -> None:
        """Chance comes from `context.rng`."""
        for pair in self.pairs(USUAL):
            with global_chance_untouched():
                self.scores(pair)

    def row_order_means_nothing(self) -> None:
        """Rows in another order give the same scores, or with chance such as might have come."""
        for pair in self.pairs(USUAL):
            turned = evolve(
                pair,
                original=pair.original.with_frame(pair.original.frame.iloc[::-1]),
                candidate=pair.candidate.with_frame(pair.candidate.frame.iloc[::-1]),
            )
            ours = [self.scores(pair, seed) for seed in range(1, 9)]
            theirs = [self.scores(turned, seed) for seed in range(1, 9)]
            for name in ours[0]:
                one = [scores.get(name, math.nan) for scores in ours]
                other = [scores.get(name, math.nan) for scores in theirs]
                slack = 1e-9 * max(1.0, *map(abs, one))
                met = max(one) + slack >= min(other) and max(other) + slack >= min(one)
                must(met, f"its score of {name} depends on the order of the rows")

    def knows_better_from_worse(self) -> None:
        """The original itself is at least as useful, and as risky, as records that say nothing.

        That is what `side` and `better` say; where they are the wrong way round, a comparison is.
        A useful release is also no worse for being whole, and not a tenth of itself.
        """
        import numpy as np

        if self.measure.better is Better.NEITHER:
            return
        original = sample_records(self.codebook, USUAL)
        kept = generator(1, "kit", "tenth").random(len(original)) < 0.1
        less = {"blank records": original.with_codes(np.full_like(original.codes, -1))}
        more = "risky"
        if self.measure.side is Side.UTILITY:
            less["a tenth of the records"] = original.with_frame(original.frame[kept])
            more = "useful"
        rises = (self.measure.better is Better.HIGHER) is (self.measure.side is Side.UTILITY)
        for shape in self.measure.shapes:
            copy = self.scores(self.pair(original, original, shape))
            for what, table in less.items():
                other = self.scores(self.pair(original, table, shape))
                gain = sum(copy[name] - other[name] for name in copy.keys() & other.keys())
                gain = gain if rises else -gain
                must(gain >= -1e-9, f"it finds {what} more {more} than the original itself")

    def works_on_hard_records(self) -> None:
        """Few, equal, empty or rare records give scores, none, or an error that says why."""
        for name in HARD:
            for error in (one.error for one in self.tried(name)):
                if isinstance(error, Broken):
                    raise Broken(f"on {name}: {error}") from error
                if error is not None and not isinstance(error, CtdcError):
                    what = f"{type(error).__name__}: {error}"
                    raise Broken(f"on {name} it raises {what}") from error

    def tells_no_values(self) -> None:
        """No slice, error or printed line holds a value that fewer than k records have."""
        for name in (USUAL, *HARD):
            rare = rare_values(sample_records(self.codebook, name), self.codebook.k)
            for one in self.tried(name):
                told = " ".join(one.result or ()) + str(one.error or "")
                must(not quoted(told, rare), f"a slice or error on {name} tells a rare value")
                must(not one.printed, "it prints")

    def is_quick(self) -> None:
        """Ten thousand records take no longer than they may."""
        self.gives_scores()  # what is compiled, or loaded, once is not counted
        for pair in self.pairs(MANY):
            self.must_be_quick(MANY, lambda pair=pair: self.scores(pair))  # type: ignore[misc]
