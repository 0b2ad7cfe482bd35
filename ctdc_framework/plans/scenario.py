"""Check the scenario of a plan by the plan's codebook."""

from __future__ import annotations

from collections.abc import Iterator

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.contract.scenario import Scenario
from ctdc_framework.errors import did_you_mean
from ctdc_framework.problems.faults import Fault


def scenario_faults(scenario: Scenario, codebook: Codebook) -> Iterator[Fault]:
    """Tell what is wrong with a scenario for a codebook: names that are none, twice, or both."""
    known = scenario.known_in(codebook)
    for key in ("known", "sensitive", "groups"):
        names = getattr(scenario, key)
        for number, name in enumerate(names):
            path = (key, number)
            if name not in codebook.variables:
                message = f"`{key}` names `{name}`, which is no variable of {codebook.id}"
                help = did_you_mean(name, codebook.variables) or "name one of its variables"
                yield Fault(path=path, kind="205", message=message, help=help)
            elif name in names[:number]:
                message = f"`{key}` names `{name}` twice"
                yield Fault(path=path, kind="024", message=message, help="remove one")
            elif key == "sensitive" and name in known:
                message = f"`{name}` is known to an attacker, so nobody can learn it"
                help = "take it out, or state `known` without it"
                yield Fault(path=path, kind="027", message=message, help=help)
