"""Secret keys: where they come from, which are refused, and that none is shown."""

import os

import pytest

from ctdc_framework.errors import CtdcError
from ctdc_framework.plans.keys import VARIABLE, read_key

GOOD = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_key_is_a_files_content_without_the_white_space_around_it(tmp_path):
    (tmp_path / "key").write_text(f"{GOOD}\n")

    assert read_key(tmp_path / "key") == GOOD.encode()


def test_a_key_comes_from_the_environment_where_no_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, GOOD)
    assert read_key(None) == GOOD.encode()

    (tmp_path / "key").write_text(GOOD[::-1])
    assert read_key(tmp_path / "key") == GOOD[::-1].encode()


@pytest.mark.parametrize(
    ("key", "words"),
    [(GOOD[:15], "fewer than 16"), ("", "fewer than 16"), ("abc" * 20, "could be guessed")],
)
def test_a_key_that_could_be_guessed_is_refused_and_not_shown(tmp_path, key, words):
    (tmp_path / "key").write_text(key)

    with pytest.raises(CtdcError, match=words) as refused:
        read_key(tmp_path / "key")

    assert not key or key not in str(refused.value)
    assert "openssl" in refused.value.help


def test_no_key_at_all_is_refused_with_both_ways_to_give_one(tmp_path):
    with pytest.raises(CtdcError, match="none is given") as refused:
        read_key(None)
    assert "key_file" in refused.value.help
    assert VARIABLE in refused.value.help

    with pytest.raises(CtdcError, match="cannot be read"):
        read_key(tmp_path / "absent")
    assert VARIABLE not in os.environ
