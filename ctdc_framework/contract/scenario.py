"""The scenario: what somebody who looks for a person knows, and what they would learn."""

from __future__ import annotations

from attrs import frozen

from ctdc_framework.codebook.model import Codebook, Role
from ctdc_framework.toml.convert import entry


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
        "variables by whose values errors are told apart; left out: those that are known",
        default=(),
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

    def groups_in(self, codebook: Codebook) -> tuple[str, ...]:
        """Give by what errors are told apart: what is stated, or what an attacker knows."""
        return self.groups or self.known_in(codebook)
