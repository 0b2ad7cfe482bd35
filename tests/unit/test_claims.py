"""Claims as they are written and read: what is typed back is the same claim, or is told as none."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctdc_framework.errors import CtdcError
from ctdc_framework.promises.claims import (
    CLAIMS,
    Claim,
    KAnonymity,
    NoClaim,
    RecordSupport,
    parse_claim,
)

NUMBERS = st.integers(1, 10**6)
NAMES = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), min_size=1, max_size=5)
MADE = {
    "int": NUMBERS,
    "float": st.floats(1e-6, 0.999),
    "tuple[str, ...]": NAMES.map(tuple),
    "str": st.just("exact counts, for the next stage"),
}


def any_of(cls):
    """Make claims of a class, whatever its attributes are."""
    fields = {one.name: MADE.get(str(one.type)) for one in attrs.fields(cls)}
    return st.builds(cls, **{name: made for name, made in fields.items() if made is not None})


@pytest.mark.parametrize("cls", CLAIMS, ids=lambda cls: cls.name)
@given(data=st.data())
def test_what_is_written_is_read_as_the_same_claim(cls, data):
    claim = data.draw(any_of(cls))
    assert parse_claim(str(claim)) == claim


@pytest.mark.parametrize(
    "text",
    [
        "k-anonymity(k=10, columns=age gender)",
        "k-anonymity(k=10,columns=age,gender)",
        " k-anonymity( columns = [age, gender] , k = 10 , missing=itself ) ",
    ],
)
def test_names_are_parted_by_spaces_or_commas(text):
    assert parse_claim(text) == KAnonymity(k=10, columns=("age", "gender"))


@pytest.mark.parametrize(
    "text",
    [
        "", "k", "record-support", "record-support()", "record-support(10)", "record-support(k=0)",
        "record-support(k=ten)", "record-support(k=10", "record-support(k=10, k=11)",
        "record-support(k=10, d=1)", "k-anonymity(k=10, columns=)", "max-deviation(d=-1)",
        "k-anonymity(k=10, columns=a, missing=never)", "RecordSupport(k=10)", "no-claim()",
        "differential-privacy(epsilon=nan)", "differential-privacy(epsilon=1, delta=1)",
        "record-support(k=1e9)", "(" * 10_000, "a" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_claim_is_told_with_how_one_is_written(text):
    with pytest.raises(CtdcError, match="is no claim") as caught:
        parse_claim(text)
    assert caught.value.help
    assert len(str(caught.value)) < 1000


def test_claims_have_names_of_their_own_and_those_alone():
    assert len({cls.name for cls in CLAIMS}) == len(CLAIMS)
    made = {cls.name for cls in Claim.__subclasses__() if cls.__module__ == Claim.__module__}
    assert made == {cls.name for cls in CLAIMS}


def test_what_only_the_original_shows_says_so():
    assert RecordSupport.needs_original
    assert not KAnonymity.needs_original
    assert not NoClaim.needs_original
