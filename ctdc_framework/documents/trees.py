"""Draw a hierarchy as a tree: from the one group of all down to the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from ctdc_framework.codebook.hierarchies import Group, Hierarchy
from ctdc_framework.documents import nodes as n

MOST = 40
"""Of a domain with more values the groups are drawn with their sizes, and not the values."""


def tree(hierarchy: Hierarchy, labels: Mapping[str, str]) -> n.Blocks:
    """Give the tree of a hierarchy over values with these labels; nothing where it has no level."""
    if not hierarchy.levels:
        return ()
    top = len(hierarchy.levels) - 1
    return (_Tree(hierarchy, labels).branch(hierarchy.levels[top].groups, top),)


@frozen
class _Tree:
    hierarchy: Hierarchy
    labels: Mapping[str, str]

    def branch(self, groups: Sequence[Group], height: int) -> n.Listed:
        items = tuple((_stem(one), *self.under(one, height)) for one in groups)
        return n.Listed(items, look="tree")

    def under(self, group: Group, height: int) -> n.Blocks:
        """Give what a group of a level consists of."""
        if height:
            finer = self.hierarchy.levels[height - 1].groups
            parts = [one for one in finer if set(one.members) <= set(group.members)]
            if len(parts) == 1 and parts[0].code == group.code:  # the level leaves it as it is
                return self.under(parts[0], height - 1)
            return (self.branch(parts, height - 1),)
        if len(self.labels) > MOST or group.members == (group.code,):
            return ()
        leaves = tuple((_leaf(code, self.labels.get(code, "")),) for code in group.members)
        return (n.Listed(leaves, look="tree"),)


def _stem(group: Group) -> n.Paragraph:
    size = len(group.members)
    words = _leaf(group.code, group.label).children
    return n.Paragraph(n.line(words, f" · {size} value{'s' if size > 1 else ''}"))


def _leaf(code: str, label: str) -> n.Paragraph:
    return n.Paragraph(n.line(n.Code(code), f" {label}" if label not in ("", code) else ""))
