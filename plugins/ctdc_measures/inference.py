"""What an attacker who knows some variables of a person learns about the others.

Every original record is attacked, by its class: the released rows that are alike in what is known.
So the figures are exact, and need no sample of attacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from ctdc_framework.plugin import Better, Context, Measure, Pair, Score, Side
from ctdc_measures.bases import A_VALUE, Nothing, class_numbers
from ctdc_measures.intervals import excess, wilson

if TYPE_CHECKING:
    from ctdc_measures.bases import Codes, Ints


@frozen(eq=False)
class Classes:
    """Rows by what is known of them: the class of each original record and each released row."""

    original: Ints
    released: Ints
    number: int

    def of_released(self, values: Ints) -> tuple[Ints, Ints]:
        """Give each class's most frequent released value, and the only one if there is no other.

        values: of each released row, from 0 on. -1 where a class has no released row, or for the
        second where its rows differ. Of values equally frequent, the first.
        """
        import numpy as np

        size = int(values.max(initial=0)) + 1
        held, counts = np.unique(self.released * size + values, return_counts=True)
        classes, found = held // size, held % size
        order = np.lexsort((found, -counts, classes))
        first = np.ones(len(order), dtype=bool)
        first[1:] = classes[order][1:] != classes[order][:-1]
        mode, only = np.full((2, self.number), -1, dtype=np.int64)
        mode[classes[order][first]] = found[order][first]
        distinct = np.bincount(classes, minlength=self.number)
        only[distinct == 1] = mode[distinct == 1]
        return mode, only


def _classes(pair: Pair, attacked: Codes | None = None) -> Classes:
    """Class the records that are attacked, the original's where none are given."""
    import numpy as np

    codes = pair.original.codes if attacked is None else attacked
    both = np.concatenate([codes, pair.candidate_codes])[:, pair.known]
    numbers = class_numbers(both)
    return Classes(numbers[: len(codes)], numbers[len(codes) :], int(numbers.max(initial=-1)) + 1)


def _targets(pair: Pair) -> Iterator[tuple[str, Ints, Ints]]:
    """Give each sensitive column's name and values, 0 for missing, of original and release."""
    import numpy as np

    for number in pair.sensitive:
        original, released = (
            codes[:, number].astype(np.int64) + 1
            for codes in (pair.original.codes, pair.candidate_codes)
        )
        yield pair.original.columns[number].name, original, released


def _can_be_attacked(pair: Pair) -> bool:
    return bool(len(pair.original) and len(pair.candidate) and pair.known)


def _found(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    if _can_be_attacked(pair):
        classes = _classes(pair)
        yield Score(value=float(np.isin(classes.original, classes.released).mean()))


def _disclosure(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    if not _can_be_attacked(pair):
        return
    classes = _classes(pair)
    for name, original, released in _targets(pair):
        _, only = classes.of_released(released)
        right = (only[classes.original] == original) & (original > 0)
        yield Score(value=float(right.mean()), slice=name)


def _inference(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    if not _can_be_attacked(pair):
        return
    classes = _classes(pair)
    for name, original, released in _targets(pair):
        size = int(max(original.max(), released.max())) + 1
        true, shown = (
            np.bincount(values, minlength=size) / len(values) for values in (original, released)
        )
        mode, _ = classes.of_released(released)
        guess = np.where(mode < 0, shown.argmax(), mode)[classes.original]
        yield Score(value=float((guess == original).mean()), slice=name)
        yield Score(value=float(true[shown.argmax()]), slice=f"{name}, mode guess")
        yield Score(value=float((true * shown).sum()), slice=f"{name}, marginal guess")


def _excess(pair: Pair, params: Nothing, context: Context) -> Iterator[Score]:
    import numpy as np

    if pair.holdout is None or not (_can_be_attacked(pair) and len(pair.holdout)):
        return
    attacked = [table.codes for table in (pair.original, pair.holdout)]
    classes = [_classes(pair, codes) for codes in attacked]
    for number in pair.sensitive:
        name = pair.original.columns[number].name
        released = pair.candidate_codes[:, number].astype(np.int64) + 1
        usual = int(np.bincount(released).argmax())
        rates = []
        for held, codes in zip(classes, attacked, strict=True):
            mode, _ = held.of_released(released)
            guess = np.where(mode < 0, usual, mode)[held.original]
            rates.append(wilson(int((guess == codes[:, number] + 1).sum()), len(codes)))
        beyond = excess(*rates)
        value = min(max(0.0, beyond.value), 1.0)
        yield Score(value=value, slice=name, low=beyond.low, high=max(value, beyond.high))
        for rate, whose in zip(rates, ("members", "withheld"), strict=True):
            told = f"{name}, {whose}"
            yield Score(value=rate.value, slice=told, low=rate.low, high=rate.high)


DISCO = "Raab, Nowok and Dibben, synthpop (R)"

MEASURES: tuple[Measure[Any], ...] = (
    Measure(
        name="known-values-found",
        summary="share of the records whose known values some released row has",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_found,
        missing=A_VALUE,
        reference=f"iS of {DISCO}",
    ),
    Measure(
        name="attribute-disclosure",
        summary="share of the records whose known values show one sensitive value alone, and right",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_disclosure,
        missing="a value of its own in what is known; nobody learns anything by a missing one",
        reference=f"DiSCO of {DISCO}",
    ),
    Measure(
        name="attribute-inference",
        summary="share of records whose sensitive value is guessed right, and by who knows nothing",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_inference,
        missing=A_VALUE,
    ),
    Measure(
        name="attribute-inference-excess",
        summary="how much more sensitive values are guessed right of members than of withheld ones",
        side=Side.RISK,
        better=Better.LOWER,
        unit="share",
        params=Nothing,
        compute=_excess,
        holdout=True,
        missing=A_VALUE,
        reference="risk beyond the control of Giomi et al., Anonymeter (PoPETs 2023)",
    ),
)
