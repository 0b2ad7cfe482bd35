"""Generalisation hierarchies: which coarser value stands for which finer ones, known before data.

A hierarchy has levels from finer to coarser. Each level's groups part the whole domain, each
group lies within one group of the next level, and the last level has one group. The language
proves this when a codebook is read, so nothing here checks it again.
"""

from __future__ import annotations

from functools import cached_property

from attrs import frozen


@frozen(kw_only=True)
class Group:
    """A generalised value: its code in a release, how it is printed, the codes it stands for."""

    code: str
    label: str
    members: tuple[str, ...]


@frozen(kw_only=True)
class Level:
    """One step up: every code of the domain is in exactly one of its groups."""

    name: str
    groups: tuple[Group, ...]

    @cached_property
    def group_of(self) -> dict[str, str]:
        """The code of the group that each code of the domain is in."""
        return {code: group.code for group in self.groups for code in group.members}


@frozen(kw_only=True)
class Hierarchy:
    """Levels over a domain, from the finest above the domain itself to the one group of all.

    >>> any_age = Group(code="0+", label="any age", members=("0--17", "18+"))
    >>> ages = Hierarchy(domain="age", levels=(Level(name="any", groups=(any_age,)),))
    >>> ages.generalise("18+", 0), ages.generalise("18+", 1), sorted(ages.below("0+"))
    ('18+', '0+', ['0--17', '18+'])
    """

    domain: str
    levels: tuple[Level, ...]

    def generalise(self, code: str, height: int) -> str:
        """Give the value that stands for a code so many levels up; 0 is the code itself."""
        return self.levels[height - 1].group_of[code] if height else code

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Every generalised code that is not one of the domain's own, level by level."""
        own = set(self.levels[0].group_of) if self.levels else set()
        found = (group.code for level in self.levels for group in level.groups)
        return tuple(dict.fromkeys(code for code in found if code not in own))

    def below(self, code: str) -> frozenset[str]:
        """Give the domain's codes that a generalised code stands for; a code stands for itself."""
        for level in self.levels:
            for group in level.groups:
                if group.code == code:
                    return frozenset(group.members)
        return frozenset([code])
