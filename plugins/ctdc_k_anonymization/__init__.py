"""k-anonymization: no released record is alone with what an outsider could know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ctdc_framework.plugin import Context, Output, Shape, Strategy, Table, hookimpl
from ctdc_k_anonymization.params import KAnonymization, claims_of, faults_of


def anonymise(table: Table, params: KAnonymization, context: Context) -> Output:
    """Make every released record share its quasi-identifiers with at least k - 1 others."""
    from ctdc_k_anonymization.methods import anonymise

    return anonymise(table, params, context)


STRATEGY = Strategy(
    name="k-anonymization",
    summary="leaves out or makes coarser what fewer than k records share of quasi-identifiers",
    params=KAnonymization,
    takes=Shape.RECORDS,
    gives=Shape.RECORDS,
    run=anonymise,
    claims=claims_of,
    faults=faults_of,
    may_blank=lambda params: params.method != "records",
    keeps_protected=True,
    mixes_levels=lambda params: (
        params.method == "cells" and params.hierarchies and not params.known
    ),
)


@hookimpl
def ctdc_register_strategies() -> Iterable[Strategy[Any]]:
    """Offer k-anonymization."""
    return [STRATEGY]
