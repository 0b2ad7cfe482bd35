"""The scenario: what somebody who looks for a person knows, and what they would learn."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from ctdc_framework.codebook import Codebook, Role
from ctdc_framework.convert import entry
from ctdc_framework.errors import did_you_mean
from ctdc_framework.faults import Fault


@frozen(kw_only=True)
class Scenario:
    """What measures of risk and of equity take for granted; each names variables.

    >>> Scenario(sensitive=("Debt",)).sensitive
    ('Debt',)
    """

    known: tuple[str, ...] = entry(
        "variables that an attacker knows of a person; left out: the quasi-identifiers", default=()
    )
    sensitive: tuple[str, ...] = entry(
        "variables that an attacker would learn; left out: those with the role sensitive",
        default=(),
    )
    groups: tuple[str, ...] = entry(
        "variables by whose values errors are told apart, such as citizenship", default=()
    )

    def known_in(self, codebook: Codebook) -> tuple[str, ...]:
        """Give what an attacker knows: what is stated, or the codebook's quasi-identifiers."""
        quasi = tuple(name for name, one in codebook.variables.items() if one.is_quasi)
        return self.known or quasi

    def sensitive_in(self, codebook: Codebook) -> tuple[str, ...]:
        """Give what an attacker would learn, without what they know already."""
        known = self.known_in(codebook)
        stated = self.sensitive or tuple(
            name for name, one in codebook.variables.items() if Role.SENSITIVE in one.role
        )
        return tuple(name for name in stated if name not in known)


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
