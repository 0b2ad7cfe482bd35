"""The strategy keeps the contract: every check of the conformance kit holds."""

import pytest
from ctdc_dp_marginals import DP_MARGINALS, DpMarginals

from ctdc_framework.testing import strategy_checks


@pytest.mark.parametrize("check", strategy_checks(DP_MARGINALS, DpMarginals(length=1)))
def test_the_strategy_keeps_the_contract(check):
    check()
