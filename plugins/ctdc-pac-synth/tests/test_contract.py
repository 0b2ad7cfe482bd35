"""The strategy keeps the contract, and hands pac-synth what is meant."""

import numpy as np
import pytest
from ctdc_pac_synth import PAC_SYNTH, PacSynth

from ctdc_framework.plugin import Context, StrategyError
from ctdc_framework.testing import sample_codebook, sample_records, strategy_checks

LOOSE = PacSynth(epsilon=50.0, reporting_length=2)


@pytest.mark.parametrize("check", strategy_checks(PAC_SYNTH, LOOSE))
def test_the_strategy_keeps_the_contract(check):
    check()


def run(name, params=LOOSE):
    table = sample_records(sample_codebook(), name)
    return table, PAC_SYNTH.run(table, params, Context(rng=np.random.default_rng(1))).table


def test_with_little_noise_the_shares_of_values_are_the_records_own():
    """A column or code that is mixed up on the way there or back would show."""
    original, made = run("ten thousand records")

    for column in ("gender", "ageBroad", "year", "means=Threats"):
        was, now = (t.frame[column].value_counts(normalize=True) for t in (original, made))
        assert (was - now).abs().max() < 0.1, column


def test_variables_may_be_left_out():
    _, made = run("usual records", PacSynth(epsilon=50.0, columns=("gender", "means")))

    assert {column.variable for column in made.columns} == {"gender", "means"}


def test_where_pac_synth_panics_the_user_is_told_in_a_sentence():
    """Its panic is no `Exception`, and would end the program; with one record it often comes."""

    def often():
        for _ in range(60):
            run("one record", PacSynth(epsilon=0.1))

    with pytest.raises(StrategyError, match="pac-synth gave up"):
        often()


def test_names_that_are_no_variables_are_told_before_any_data_are_read():
    (fault,) = PAC_SYNTH.faults(sample_codebook(), PacSynth(columns=("gendre",)))

    assert fault.help == "did you mean `gender`?"
