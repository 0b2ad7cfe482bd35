"""The plugin keeps the contract: every check of the conformance kit holds."""

import pytest
from ctdc_example import EXAMPLE, RECORDS_LOST, Example, Nothing

from ctdc_framework.testing import measure_checks, strategy_checks


@pytest.mark.parametrize("check", strategy_checks(EXAMPLE, Example(k=5)))
def test_the_strategy_keeps_the_contract(check):
    check()


@pytest.mark.parametrize("check", measure_checks(RECORDS_LOST, Nothing()))
def test_the_measure_keeps_the_contract(check):
    check()
