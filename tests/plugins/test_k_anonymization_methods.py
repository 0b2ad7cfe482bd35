"""What each method of k-anonymization releases: recounted by the gate, compared cell by cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from ctdc_k_anonymization import STRATEGY, anonymise, listed
from ctdc_k_anonymization.cells import Values, recode
from ctdc_k_anonymization.explain import RARER
from ctdc_k_anonymization.params import Bounds, Close, Diverse, KAnonymization
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ctdc_framework.plugin import Context, Severity, StrategyError, table_of_codes
from ctdc_framework.promises.recounts import recount
from ctdc_framework.records.items import original_of, published_of
from ctdc_framework.runs.gate import mixed_levels
from ctdc_framework.toml.convert import Faults, structure

ROW = st.tuples(
    st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 2), *[st.integers(-1, 0)] * 4
)  # fmt: skip
"""A record of the toy codebook: year, gender, ageBroad (which has a hierarchy), three means of
control, forced."""
ROWS = st.lists(ROW, min_size=1, max_size=40)
METRICS = ["loss", "entropy", "normalised-entropy", "precision", "height", "discernibility",
           "class-size"]  # fmt: skip


def unshuffled():
    """A context that leaves the released records in the order of the original ones."""
    return Context(rng=SimpleNamespace(permutation=np.arange))


def table_of(codebook, rows):
    codes = np.array(rows, np.int16).reshape(len(rows), len(codebook.columns))
    return table_of_codes(codebook, codebook.columns, codes)


def release(table, params):
    """The released records in their order, or None where nothing can be released."""
    try:
        return anonymise(table, params, unshuffled())
    except StrategyError:
        return None


def stands_for(columns, shown, own):
    """Whether a released record's cells are the original's, coarser or left out."""
    return all(
        s in (o, -1) or (o >= 0 and o in column.below.get(s, ()))
        for column, s, o in zip(columns, shown, own, strict=True)
    )


def assert_kept_to(codebook, table, params, output):
    """The claims hold by the gate's recount; the records are the original's, coarser or blanked."""
    original, published = original_of(table), published_of(output.table)
    for claim in STRATEGY.claims(codebook, params):
        finding = recount(claim, original, published)
        assert finding.holds, finding
    if not STRATEGY.mixes_with(params):
        assert not mixed_levels(codebook, published)
    waiting = iter(table.codes.tolist())
    for shown in output.table.codes.tolist():
        assert any(stands_for(table.columns, shown, own) for own in waiting)
    assert len(output.table) == len(table) - output.details["suppressed"]


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS, k=st.integers(2, 6), hierarchies=st.booleans(),
    keys=st.sampled_from(["quasi", "all", ("means", "ageBroad"), ("gender",)]),
)  # fmt: skip
def test_cells_are_kept_left_out_or_made_coarser_and_every_class_is_large(
    graded, rows, k, hierarchies, keys
):
    params = KAnonymization(k=k, method="cells", keys=keys, hierarchies=hierarchies)
    table = table_of(graded, rows)
    output = release(table, params)

    assert (output is None) == (len(rows) < k)
    if output:
        assert_kept_to(graded, table, params, output)
        assert output.details["suppressed"] < k


@settings(max_examples=200, deadline=None)
@given(
    rows=ROWS, k=st.integers(2, 5), limit=st.sampled_from([0.0, 0.1, 1.0]),
    metric=st.sampled_from(METRICS), exact=st.sampled_from([0, 200_000]),
    keys=st.sampled_from(["quasi", ("means", "ageBroad")]),
    diverse=st.sampled_from([(), ("distinct",), ("entropy",), ("recursive",)]),
    close=st.sampled_from([(), ("equal",), ("ordered",)]),
)  # fmt: skip
def test_generalised_records_keep_to_every_claim(
    graded, rows, k, limit, metric, exact, keys, diverse, close
):
    params = KAnonymization(
        k=k, method="generalise", keys=keys, limit=limit, metric=metric, exact=exact,
        diverse=tuple(Diverse(variable="forced", kind=kind, l=2, c=2.0) for kind in diverse),
        close=tuple(Close(variable="forced", kind=kind, t=0.3) for kind in close),
    )  # fmt: skip
    table = table_of(graded, rows)
    output = release(table, params)

    assume(output is not None)
    assert_kept_to(graded, table, params, output)
    assert output.details["suppressed"] <= limit * len(rows)
    assert output.details["exact"] == bool(exact)


@settings(max_examples=120, deadline=None)
@given(rows=ROWS, k=st.integers(2, 5), t=st.sampled_from([0.1, 0.3, 0.6]))
def test_closeness_goes_by_the_hierarchy_of_the_sensitive_variable(graded, rows, k, t):
    params = KAnonymization(
        k=k, keys=("gender", "forced"),
        close=(Close(variable="ageBroad", kind="hierarchical", t=t),),
    )  # fmt: skip
    table = table_of(graded, rows)
    output = release(table, params)

    kept = classes_by_hand(rows, [1, 6], k, lambda found: moved(rows, found) <= t + 1e-12)
    assert (output is None) == (not kept)
    if output:
        assert output.table.codes.tolist() == [list(row) for row in rows if row in kept]
        assert_kept_to(graded, table, params, output)


def classes_by_hand(rows, numbers, k, met):
    classes = defaultdict(list)
    for row in rows:
        classes[tuple(row[n] for n in numbers)].append(row)
    return {
        row for found in classes.values() if len(found) >= k and met(found) for row in found
    }  # fmt: skip


def moved(rows, found):
    """How far ages move by the hierarchy: minors | 18-29, 30+ are adults | missing by itself."""
    extra = {
        age: sum(r[2] == age for r in found) / len(found)
        - sum(r[2] == age for r in rows) / len(rows)
        for age in (-1, 0, 1, 2)
    }
    adults = extra[1] + extra[2]
    low = min(max(extra[1], 0) + max(extra[2], 0), max(-extra[1], 0) + max(-extra[2], 0))
    high = sum(max(one, 0) for one in (extra[-1], extra[0], adults))
    return low / 2 + high


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, k=st.integers(2, 4), kind=st.sampled_from(["distinct", "recursive"]))
def test_records_are_left_out_where_their_class_is_not_diverse(graded, rows, k, kind):
    params = KAnonymization(
        k=k, keys=("gender",), diverse=(Diverse(variable="year", kind=kind, l=2, c=1.5),)
    )
    table = table_of(graded, rows)
    output = release(table, params)

    def met(found):
        counts = sorted(Counter(row[0] for row in found).values(), reverse=True)
        return len(counts) >= 2 if kind == "distinct" else counts[0] < 1.5 * sum(counts[1:])

    kept = classes_by_hand(rows, [1], k, met)
    assert (output is None) == (not kept)
    if output:
        assert output.table.codes.tolist() == [list(row) for row in rows if row in kept]
        assert_kept_to(graded, table, params, output)


@contextmanager
def listing(patterns):
    """Have cells recoded by listing all patterns, or by growing them one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listed, "MOST", listed.MOST if patterns else 0)
        yield


LISTED = st.booleans()
"""Whether patterns are listed: few variables, few records."""


def most_that_can_be_kept(rows, k):
    """By trying all: the most values that rows can show, each row shared by k or more."""
    patterns = {
        part
        for row in rows
        for n in range(len(row) + 1)
        for part in combinations([one for one in enumerate(row) if one[1] >= 0], n)
    }
    own = [[p for p in patterns if set(p) <= set(enumerate(row))] for row in rows]
    best = -1

    def place(number, sizes, kept):
        nonlocal best
        if number == len(rows):
            if all(size >= k for size in sizes.values()):
                best = max(best, kept)
            return
        if sum(max(0, k - size) for size in sizes.values()) > len(rows) - number:
            return
        for pattern in own[number]:
            sizes[pattern] = sizes.get(pattern, 0) + 1
            place(number + 1, sizes, kept + len(pattern))
            sizes[pattern] -= 1
            if not sizes[pattern]:
                del sizes[pattern]

    place(0, {}, 0)
    return best


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-1, 1)] * 2), min_size=2, max_size=6), LISTED)
def test_no_more_is_kept_than_can_be_and_half_of_it_is(rows, patterns):
    items = np.array([[v if v < 0 else 2 * c + v for c, v in enumerate(row)] for row in rows])
    values = Values(ladder=np.arange(4, dtype=np.int32)[:, None], worth=np.ones(4))
    with listing(patterns):
        result = recode(items.astype(np.int32), values, 2)

    kept = int((result.values >= 0).sum())
    best = most_that_can_be_kept(rows, 2)
    assert kept <= best or result.left_out.any()
    assert 2 * kept >= best


LADDER = np.array([[0, -1], [0, 1], [0, 2], [3, -1], [4, -1], [5, -1], [5, 6], [5, 7]], np.int32)
FINEST = [[1, 2], [3, 4], [6, 7]]
"""Their finest values: the first column's 1 and 2 are 0, the third's 6 and 7 are 5."""


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(st.tuples(*[st.sampled_from([-1, *values]) for values in FINEST]), max_size=14),
    st.integers(2, 4),
    st.booleans(),
    LISTED,
)
def test_every_row_is_shared_by_k_and_shows_what_stands_for_its_values(rows, k, forced, patterns):
    rows = [row for row in rows if row[1] >= 0] if forced else rows
    items = np.array(rows, np.int32).reshape(len(rows), 3)
    worth = np.array([0.5, 1, 1, 1, 1, 0.5, 1, 1])

    with listing(patterns):
        result = recode(items, Values(ladder=LADDER, worth=worth), k, [False, forced, False])

    shown = [tuple(row) for row in result.values[~result.left_out].tolist()]
    own = [row for row, out in zip(rows, result.left_out, strict=True) if not out]
    assert min(Counter(shown).values(), default=k) >= k
    for row, seen in zip(own, shown, strict=True):
        assert all(s in (-1, o, *LADDER[o]) if o >= 0 else s == -1
                   for o, s in zip(row, seen, strict=True))  # fmt: skip
        assert not forced or row[1] == seen[1]


@settings(max_examples=120, deadline=None)
@given(rows=ROWS, k=st.integers(2, 5), seed=st.integers(0, 9), patterns=LISTED)
def test_cells_do_not_depend_on_the_order_of_records(graded, rows, k, seed, patterns):
    params = KAnonymization(k=k, method="cells")
    order = np.random.default_rng(seed).permutation(len(rows))
    with listing(patterns):
        found = [release(table_of(graded, some), params)
                 for some in (rows, [rows[n] for n in order])]  # fmt: skip

    one, other = (f and Counter(map(tuple, f.table.codes[:, :3].tolist())) for f in found)
    assert one == other


@pytest.fixture(scope="module")
def protecting(codebook_of, toy_text):
    """The toy codebook, in which gender may not be blanked."""
    text = toy_text.replace("[variables.gender]\n", "[variables.gender]\nprotected = true\n")
    return codebook_of(text)


@settings(max_examples=120, deadline=None)
@given(rows=ROWS, k=st.integers(2, 4), method=st.sampled_from(["cells", "generalise"]))
def test_a_protected_variable_is_released_as_it_is(protecting, rows, k, method):
    params = KAnonymization(k=k, method=method, limit=1.0)
    table = table_of(protecting, rows)
    output = release(table, params)

    assume(output is not None)
    assert_kept_to(protecting, table, params, output)
    left = Counter(row[1] for row in rows)
    shown = Counter(output.table.codes[:, 1].tolist())
    assert shown <= left
    if method == "cells":  # only those are left out that are too few to share it
        assert all(shown[gender] == n for gender, n in left.items() if n >= k and gender >= 0)


def test_a_variable_that_counts_more_is_kept_longer(toy):
    rows = [(n % 3, n % 2, -1, *[-1] * 4) for n in range(12)]
    of = {
        name: anonymise(
            table_of(toy, rows),
            KAnonymization(k=4, method="cells", weights={name: 5.0}), unshuffled(),
        ).details["suppressed_cells"]
        for name in ("year", "gender")
    }  # fmt: skip

    assert of["year"]["year"] == 0
    assert of["gender"]["gender"] == 0


def test_a_coarser_value_is_released_where_it_suffices(graded):
    rows = [(0, 0, 1, *[-1] * 4)] * 2 + [(0, 0, 2, *[-1] * 4)] * 2
    for method in ("cells", "generalise"):
        params = KAnonymization(k=4, method=method, limit=0.0)
        shown = anonymise(table_of(graded, rows), params, unshuffled()).table.frame
        assert shown["ageBroad"].tolist() == ["18+"] * 4
        assert shown["gender"].tolist() == ["Female"] * 4
        left = anonymise(
            table_of(graded, rows),
            KAnonymization(k=4, method=method, limit=0.0, hierarchies=False), unshuffled(),
        ).table.frame  # fmt: skip
        assert left["ageBroad"].isna().all()


def test_bounds_of_levels_are_kept_to(graded):
    rows = [(n % 3, n % 2, n % 3, *[-1] * 4) for n in range(30)]
    table = table_of(graded, rows)
    free = KAnonymization(k=3, method="generalise")
    bounded = KAnonymization(
        k=3, method="generalise", levels={"ageBroad": Bounds(lowest=1, highest=1)}
    )

    assert anonymise(table, free, unshuffled()).details["levels"]["ageBroad"] != 1
    assert anonymise(table, bounded, unshuffled()).details["levels"]["ageBroad"] == 1


def test_more_levels_than_can_be_searched_is_said(toy):
    rows = [(n % 3, n % 2, n % 3, *[-1] * 4) for n in range(30)]
    params = KAnonymization(k=3, method="generalise", exact=0, steps=3)

    output = anonymise(table_of(toy, rows), params, unshuffled())

    (note,) = [note for note in output.notes if note.code == "search-is-not-exact"]
    assert note.message.startswith("there are 8 ways to generalise, more than are searched exactly")
    assert "best first from the coarsest, 3 were looked at" in note.message
    assert note.severity is Severity.WARNING


@pytest.mark.parametrize("method", ["records", "cells", "generalise"])
@pytest.mark.parametrize(
    "rows",
    [
        [(-1,) * 7] * 5,
        [(0, 0, 0, 0, 0, 0, 0)] * 5,
        [(0, 0, 0, 0, 0, 0, 0)] * 5 + [(-1,) * 7] * 3,
    ],
    ids=["all missing", "constant", "duplicated"],
)
def test_what_is_alike_is_released_as_it_is(graded, method, rows):
    params = KAnonymization(k=3, method=method, limit=0.0)

    output = anonymise(table_of(graded, rows), params, unshuffled())

    assert output.table.codes.tolist() == [list(row) for row in rows]
    bare = [note for note in output.notes if note.code == "records-without-quasi-identifiers"]
    assert output.details["bare"] == sum(row[0] < 0 for row in rows)
    assert bool(bare) == bool(output.details["bare"])


@pytest.mark.parametrize("method", ["records", "cells", "generalise"])
@pytest.mark.parametrize("rows", [0, 1, 4])
def test_a_k_above_the_number_of_records_is_an_error(toy, method, rows):
    table = table_of(toy, [(0, 0, 0, 0, 0, 0, 0)] * rows)

    with pytest.raises(StrategyError, match="fewer records than k = 5"):
        anonymise(table, KAnonymization(k=5, method=method), unshuffled())


def faults(codebook, **params):
    return {
        fault.path: fault.message
        for fault in STRATEGY.faults(codebook, KAnonymization(k=3, **params))
    }


def test_what_cannot_be_is_a_fault_at_its_place(graded):
    assert faults(graded, method="generalise", weights={"year": 2.0}) == {}
    both = faults(graded, diverse=(Diverse(variable="gender", l=2),), keys=("gender", "year"))
    assert "a quasi-identifier in `keys`" in both[("diverse", 0)]
    found = faults(
        graded, method="generalise", weights={"yaer": 1.0, "year": 0.0, "forced": 2.0},
        levels={"ageBroad": Bounds(highest=3), "gender": Bounds(lowest=1)},
        diverse=(Diverse(variable="means", l=2),),
        close=(Close(variable="forced", kind="hierarchical", t=0.2),),
    )  # fmt: skip
    assert found.keys() == {
        ("weights", "yaer"), ("weights", "year"), ("weights", "forced"), ("levels", "ageBroad"),
        ("diverse", 0), ("close", 0),
    }  # fmt: skip
    assert "from 0 to 2" in found[("levels", "ageBroad")]
    cells = faults(graded, method="cells", close=(Close(variable="forced", t=0.2),))
    assert "cells does not look at it" in cells[("close", 0)]


def test_public_notes_tell_no_count_below_k(toy):
    rows = [(0, 0, 0, *[-1] * 4)] * 9 + [(1, 1, 1, *[-1] * 4), (1, 0, 1, *[-1] * 4)]
    for method in ("records", "cells", "generalise"):
        params = KAnonymization(k=3, method=method, limit=0.5)
        for note in anonymise(table_of(toy, rows), params, unshuffled()).notes:
            assert not {"1 ", "2 "} & {f"{word} " for word in note.message.split()}, note


def test_what_makes_records_rare_is_told_by_variable(toy):
    rows = [(0, 0, 0, *[-1] * 4)] * 5 + [(0, 0, 1, *[-1] * 4)] * 2 + [(0, 1, 1, *[-1] * 4)]

    details = anonymise(table_of(toy, rows), KAnonymization(k=3), unshuffled()).details

    # Without ageBroad two more are like the five; without gender three are like one another.
    assert details["rare_by"] == {"year": 0, "gender": 3, "ageBroad": 2}
    # The one man is no one of k, so his value is not named.
    age = {toy.columns[2].codes[1]: 2}
    assert details["rare_by_value"]["ageBroad"] == age
    assert details["rare_by_value"]["gender"] == {toy.columns[1].codes[0]: 2, RARER: 1}


def test_cells_left_out_are_told_by_value_and_none_rarer_than_k_by_its_name(toy):
    rows = [(0, 0, 0)] * 6 + [(0, 1, 0)] * 2 + [(1, 0, 0)] * 5
    table = table_of(toy, [(*row, *[-1] * 4) for row in rows])

    output = anonymise(table, KAnonymization(k=3, method="cells"), unshuffled())

    by_value = output.details["suppressed_by_value"]
    assert output.details["suppressed_cells"] == {
        name: sum(values.values()) for name, values in by_value.items()
    }
    assert toy.columns[1].codes[1] not in by_value["gender"]
    assert by_value["gender"][RARER] == 2


def test_what_one_level_more_would_save_is_told(graded):
    rows = [(0, 0, 1, *[-1] * 4)] * 2 + [(0, 0, 2, *[-1] * 4)] * 2 + [(0, 0, 0, *[-1] * 4)] * 4

    details = anonymise(table_of(graded, rows), KAnonymization(k=4), unshuffled()).details

    assert details["suppressed"] == 4
    assert details["one_level_more"] == {"ageBroad": 0}


def test_notes_name_values_that_k_records_lost_and_no_others(toy):
    rows = [(0, 0, 0)] * 20 + [(0, 1, n % 2) for n in range(2)] + [(1, n % 2, 0) for n in range(4)]
    table = table_of(toy, [(*row, *[-1] * 4) for row in rows])

    output = anonymise(table, KAnonymization(k=3), unshuffled())

    (note,) = [one for one in output.notes if one.code == "rare-values"]
    assert f"year {toy.columns[0].codes[1]}" in note.message
    assert toy.columns[2].codes[1] not in note.message


# ---- missing values that match anything


@pytest.fixture(scope="module")
def wild_gender(codebook_of, toy_text):
    """The toy codebook, where a missing gender matches anything."""
    said = '[variables.gender]\nmissing_matches = "anything"\n'
    return codebook_of(toy_text.replace("[variables.gender]\n", said))


@pytest.fixture(scope="module")
def wild(codebook_of, toy_text):
    """The toy codebook, where a missing value of any key matches anything."""
    text = toy_text
    for name in ("year", "gender", "ageBroad"):
        said = f'[variables.{name}]\nmissing_matches = "anything"\n'
        text = text.replace(f"[variables.{name}]\n", said)
    return codebook_of(text)


def most_compatible(rows, wild, k):
    """The largest part of the rows in which each is compatible with k, by trying every part."""

    def fit(one, other):
        return all(
            a == b or (place in wild and -1 in (a, b))
            for place, (a, b) in enumerate(zip(one, other, strict=True))
        )

    for size in range(len(rows), 0, -1):
        for part in combinations(range(len(rows)), size):
            if all(sum(fit(rows[a], rows[b]) for b in part) >= k for a in part):
                return list(part)
    return []


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-1, 1), st.integers(-1, 1), st.integers(-1, 1), *[st.just(-1)] * 4),
        min_size=1, max_size=9,
    ),
    k=st.integers(2, 4), said=st.sampled_from(["gender", "all", "itself"]),
)  # fmt: skip
def test_most_records_stay_of_which_each_is_compatible_with_k(wild_gender, wild, rows, k, said):
    params = KAnonymization(k=k, missing="itself" if said == "itself" else "codebook")
    matching = {"gender": {1}, "all": {0, 1, 2}, "itself": set()}[said]
    codebook = wild if said == "all" else wild_gender
    table = table_of(codebook, rows)

    output = release(table, params)

    best = most_compatible([row[:3] for row in rows], matching, k)
    assert (output.kept_rows.tolist() if output else []) == best
    if output:
        assert_kept_to(codebook, table, params, output)


def test_both_counts_are_told_where_missing_matches_anything(wild):
    rows = [(0, 0, 0), (0, 0, 0), (0, -1, 0), (0, 1, 0), (0, 1, 0), (1, 1, 1)]
    table = table_of(wild, [(*row, *[-1] * 4) for row in rows])

    output = anonymise(table, KAnonymization(k=3), unshuffled())

    assert output.kept_rows.tolist() == [0, 1, 2, 3, 4]
    assert output.details["smallest_class"] == 1
    assert output.details["smallest_compatible"] == output.details["smallest_candidates"] == 3
    (note,) = [one for one in output.notes if one.code == "missing-matches-anything"]
    assert "in year, gender, ageBroad" in note.message
    (told,) = [one for one in output.notes if one.code == "records-suppressed"]
    assert "compatible with fewer than 3" in told.message


def test_who_fitted_a_record_that_is_left_out_may_have_to_follow(wild):
    rows = [(0, 0, 0), (0, -1, 0), (0, -1, -1), (0, 1, 1), (1, 0, 0)]
    table = table_of(wild, [(*row, *[-1] * 4) for row in rows])

    assert release(table, KAnonymization(k=3)).kept_rows.tolist() == [0, 1, 2]
    assert release(table, KAnonymization(k=4)) is None


def test_a_run_cannot_say_that_missing_matches_more_than_the_codebook_does():
    with pytest.raises(Faults) as found:
        structure({"k": 3, "missing": "anything"}, KAnonymization)

    (fault,) = found.value.faults
    assert "codebook" in fault.message
    assert "itself" in fault.message


WILD_ROW = st.tuples(st.integers(-1, 1), st.integers(-1, 1), st.integers(-1, 2), *[st.just(-1)] * 4)


def fits(shown, true, matching, below):
    """Whether a released row may be that of true values: coarser, left out, or unknown."""
    return all(
        s in (t, -1) or t in below[place].get(s, ()) or (t < 0 and place in matching)
        for place, (s, t) in enumerate(zip(shown, true, strict=True))
    )


@settings(max_examples=400, deadline=None)
@given(rows=st.lists(WILD_ROW, min_size=1, max_size=16), k=st.integers(2, 4), every=st.booleans())
def test_the_true_values_of_each_record_fit_k_released_ones(wild_gender, wild, rows, k, every):
    codebook, matching = (wild, {0, 1, 2}) if every else (wild_gender, {1})
    table, params = table_of(codebook, rows), KAnonymization(k=k, method="cells")

    output = release(table, params)

    if output:
        assert_kept_to(codebook, table, params, output)
        shown = output.table.codes[:, :3].tolist()
        below = [column.below for column in table.columns]
        crowds = [
            sum(fits(one, rows[own][:3], matching, below) for one in shown)
            for own in output.kept_rows
        ]
        assert output.details["smallest_candidates"] == min(crowds) >= k
        assert output.details["smallest_class"] == min(Counter(map(tuple, shown)).values())


def test_cells_need_leave_out_less_where_missing_matches_anything(wild, toy):
    rows = [(0, 0, 0, *[-1] * 4)] * 2 + [(0, -1, 0, *[-1] * 4)]
    params = KAnonymization(k=3, method="cells")

    strict = anonymise(table_of(toy, rows), params, unshuffled()).table.codes.tolist()
    kept = anonymise(table_of(wild, rows), params, unshuffled()).table.codes.tolist()

    assert strict == [[0, -1, 0, *[-1] * 4]] * 3
    assert kept == [list(row) for row in rows]


@pytest.mark.parametrize("method", ["records", "cells"])
def test_classes_are_needed_for_sensitive_values_so_missing_counts_as_itself(wild, method):
    sensitive = {"diverse": (Diverse(variable="forced", l=2),)} if method == "records" else {}
    params = KAnonymization(k=3, method=method, keys=("gender",), **sensitive)

    (claim, *_) = STRATEGY.claims(wild, params)

    assert claim.missing == ("itself" if sensitive else "anything")


def test_a_method_that_needs_classes_tells_that_missing_counts_as_itself(wild_gender):
    rows = [(0, -1, 0, *[-1] * 4)] * 3 + [(0, 1, 0, *[-1] * 4)] * 3
    params = KAnonymization(k=3, method="generalise")

    output = anonymise(table_of(wild_gender, rows), params, unshuffled())

    assert [claim.missing for claim in STRATEGY.claims(wild_gender, params)] == ["itself"]
    (note,) = [one for one in output.notes if one.code == "missing-counts-as-a-value"]
    assert "in gender too" in note.message
