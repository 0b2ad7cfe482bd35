"""The rules that a codebook may use, for commands that need nothing else of a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ctdc_framework.codebook.rules import BUILT_IN, Rule


class Rules(Mapping[str, Rule[Any]]):
    """The language's own rules, and those of plugins; these are loaded once one is asked for.

    Most codebooks use none, and a plugin can take no name of the language's own.
    """

    def __init__(self, without: Sequence[str]):
        self._without = without
        if without:
            len(self)  # to refuse the name of no plugin

    @cached_property
    def _all(self) -> Mapping[str, Rule[Any]]:
        from ctdc_framework.loading import registry

        return registry.load(without=self._without).rules

    def __getitem__(self, op: str) -> Rule[Any]:
        return BUILT_IN[op] if op in BUILT_IN else self._all[op]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)
