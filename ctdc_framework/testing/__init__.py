"""The conformance kit: whether a plugin keeps the contract, tried on made-up records.

A plugin's contract test is three lines: parametrise over `strategy_checks`, `measure_checks` or
`rule_checks`, and call each check. Only tests import this; a plugin itself imports
`ctdc_framework.plugin`.
"""

from ctdc_framework.testing.checks import Broken, Check
from ctdc_framework.testing.installed import Offer, checks_of_installed
from ctdc_framework.testing.measures import MEASURE_CHECKS, measure_checks
from ctdc_framework.testing.rules import RULE_CHECKS, rule_checks
from ctdc_framework.testing.samples import counts_of, sample_codebook, sample_records
from ctdc_framework.testing.strategies import STRATEGY_CHECKS, strategy_checks

__all__ = [
    "MEASURE_CHECKS",
    "RULE_CHECKS",
    "STRATEGY_CHECKS",
    "Broken",
    "Check",
    "Offer",
    "checks_of_installed",
    "counts_of",
    "measure_checks",
    "rule_checks",
    "sample_codebook",
    "sample_records",
    "strategy_checks",
]
