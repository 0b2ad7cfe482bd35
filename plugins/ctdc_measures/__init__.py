"""Measures of risk and utility: what a release gives away, and what it keeps.

All but `propensity` and `regression-overlap`, which fit a model, are exact counts. With n(c) the
records that hold combination c in the original and m(c) what is published of it, a combination is
*rare* where 0 < n(c) < k and *reportable* where n(c) >= k.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ctdc_framework.plugin import Measure, hookimpl
from ctdc_measures import (
    association,
    counts,
    diversity,
    equity,
    errors,
    identity,
    inference,
    leakage,
    membership,
    propensity,
    regression,
    suppression,
)

MEASURES: tuple[Measure[Any], ...] = (
    *leakage.MEASURES,
    *identity.MEASURES,
    *diversity.MEASURES,
    *inference.MEASURES,
    *membership.MEASURES,
    *counts.MEASURES,
    *errors.MEASURES,
    *association.MEASURES,
    *propensity.MEASURES,
    *regression.MEASURES,
    *suppression.MEASURES,
    *equity.MEASURES,
)


@hookimpl
def ctdc_register_measures() -> Iterable[Measure[Any]]:
    """Offer the measures."""
    return MEASURES
