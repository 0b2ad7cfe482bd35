"""What was lost on the way: each value of the original is counted once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.contract.results import Release
from ctdc_framework.records.tables import table_of_codes
from ctdc_framework.runs.losses import Losses, losses_of

ROW = st.tuples(*[st.integers(-1, 1)] * 3, *[st.integers(-1, 0)] * 4)


def table_of(toy, rows):
    codes = np.array(rows, np.int16).reshape(len(rows), 7)
    return table_of_codes(toy, toy.columns, codes)


@given(data=st.data(), rows=st.lists(ROW, min_size=1, max_size=12))
def test_records_that_were_followed_lose_values_with_their_record_or_by_themselves(toy, data, rows):
    kept = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1))))
    blank = data.draw(st.lists(st.integers(0, 6), max_size=4))
    released = [
        tuple(-1 if place in blank else code for place, code in enumerate(rows[one]))
        for one in kept
    ]
    release = Release(name="r", records=table_of(toy, released), kept_rows=np.array(kept, np.int64))

    found = losses_of(table_of(toy, rows), release)

    gone = [row for number, row in enumerate(rows) if number not in kept]
    assert found.is_followed
    assert found.left_out == sum(code >= 0 for row in gone for code in row)
    assert found.suppressed == sum(rows[one][place] >= 0 for one in kept for place in set(blank))
    assert found.recorded - found.left_out - found.suppressed == found.released


@given(rows=st.lists(ROW, min_size=1, max_size=12), made=st.lists(ROW, max_size=12))
def test_of_synthetic_records_each_column_has_fewer_values_or_more(toy, rows, made):
    found = losses_of(table_of(toy, rows), Release(name="r", records=table_of(toy, made)))

    before, after = (
        [sum(row[column] >= 0 for row in one) for column in range(7)] for one in (rows, made)
    )
    changes = [b - a for a, b in zip(before, after, strict=True)]
    assert found == Losses(
        recorded=sum(before),
        suppressed=-sum(min(one, 0) for one in changes),
        added=sum(max(one, 0) for one in changes),
        released=sum(after),
    )


def test_tables_alone_have_no_records_to_lose(toy):
    assert losses_of(table_of(toy, [(0, 0, 0, 0, -1, -1, -1)]), Release(name="r")) is None
