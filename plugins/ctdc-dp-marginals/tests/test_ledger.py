"""The ledger: it adds up, refuses what goes beyond its budget, and is not passed by."""

import json
import threading

import pytest
from attrs import evolve
from ctdc_dp_marginals import ctdc_check_release, ctdc_release_written
from ctdc_dp_marginals.command import app
from ctdc_dp_marginals.ledger import Ledger, Spent, add, read, start
from ctdc_dp_marginals.noise import epsilon_of, rho_of, scale_for
from typer.testing import CliRunner

from ctdc_framework.plugin import Release, Severity, Shape, StageRecord, StrategyError
from ctdc_framework.testing import sample_codebook

ONE = rho_of(1, scale_for(1, 1.0, 1e-6))
"""What one release of epsilon = 1 at delta = 1e-6 costs."""


def spent(rho=ONE):
    return Spent(
        release="ab" * 32, candidate="noisy", codebook="sample", date="2026-01-01", rho=rho
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ledger.json"
    start(path, Ledger(epsilon=1.5, delta=1e-6))
    return path


def release(file, rho=ONE):
    record = StageRecord(
        stage="count", part=Shape.COUNTS, strategy="dp-marginals", plugin="ctdc-dp-marginals",
        version="0.1.0", contract=1, params={"ledger": str(file)}, claims=(), rows_in=9,
        rows_out=9, seconds=0.1, details={"rho": rho},
    )  # fmt: skip
    return Release(name="noisy", stages=(record,))


def test_releases_add_up_by_rho_and_not_by_epsilon(file):
    assert read(file).spent == 0.0

    add(file, [spent()])
    assert read(file).spent == pytest.approx(1.0, rel=1e-6)
    add(file, [spent()])
    assert read(file).spent == pytest.approx(epsilon_of(2 * ONE, 1e-6))
    assert 1.4 < read(file).spent < 1.5
    assert [one.rho for one in read(file).releases] == [ONE, ONE]


def test_what_goes_beyond_the_budget_is_refused_and_not_entered(file):
    add(file, [spent(), spent()])
    before = file.read_bytes()

    with pytest.raises(StrategyError, match=r"has spent epsilon = 1\.45 of 1\.5 .* it would be"):
        add(file, [spent()])
    assert file.read_bytes() == before


def test_a_release_is_checked_and_then_entered(file):
    assert list(ctdc_check_release(release=release(file))) == []
    assert not read(file).releases

    ctdc_release_written(release=release(file), codebook=sample_codebook(), manifest="cd" * 32)

    (one,) = read(file).releases
    assert (one.release, one.candidate, one.codebook) == ("cd" * 32, "noisy", "sample")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("ledger", ["", "no-such.json"])
def test_a_release_without_a_ledger_is_refused_and_nobody_can_accept_it(ledger):
    (note,) = ctdc_check_release(release=release(ledger))

    assert note.severity is Severity.BLOCKING
    assert not note.overridable
    assert "ctdc dp-ledger new" in note.message


def test_two_draws_of_one_release_are_added_before_they_are_held_to_the_budget(file):
    twice = release(file)
    twice = evolve(twice, stages=twice.stages * 3)

    assert len(list(ctdc_check_release(release=twice))) == 1


def test_a_release_of_other_strategies_needs_no_ledger(file):
    other = release("")
    other = evolve(other, stages=(evolve(other.stages[0], strategy="rounding"),))

    assert list(ctdc_check_release(release=other)) == []
    ctdc_release_written(release=other, codebook=sample_codebook(), manifest="")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 9}', '{"format": 1, "epsilon": 1}'])
def test_a_damaged_ledger_refuses(file, text):
    file.write_text(text)

    (note,) = ctdc_check_release(release=release(file))
    assert "is no ledger, or is damaged" in note.message


def test_runs_at_the_same_time_lose_no_entry(tmp_path):
    path = tmp_path / "busy.json"
    start(path, Ledger(epsilon=50, delta=1e-6))

    runs = [threading.Thread(target=add, args=(path, [spent()])) for _ in range(8)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert len(read(path).releases) == 8


def test_the_command_starts_and_shows_a_ledger(tmp_path):
    runner, path = CliRunner(), tmp_path / "new.json"

    made = runner.invoke(app, ["new", str(path), "--epsilon", "3", "--delta", "1e-6"])
    assert made.exit_code == 0, made.output
    assert (
        runner.invoke(app, ["new", str(path), "--epsilon", "9", "--delta", "1e-6"]).exit_code == 1
    )
    assert json.loads(path.read_text())["epsilon"] == 3
    add(path, [spent()])
    shown = runner.invoke(app, ["show", str(path)]).output
    assert "sample  noisy  rho = " in shown
    assert "1 entries: epsilon = 1.00 of 3 at delta = 1e-06" in shown
    wrong = ["new", str(tmp_path / "x"), "--epsilon", "0", "--delta", "1e-6"]
    assert runner.invoke(app, wrong).exit_code == 1
