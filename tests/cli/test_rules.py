"""The rules that commands about codebooks know: plugins are loaded when one of theirs is named."""

import pytest

from ctdc_framework.cli.rules import Rules
from ctdc_framework.codebook.rules import BUILT_IN, Fold, Rule
from ctdc_framework.errors import PluginError
from ctdc_framework.loading import registry
from ctdc_framework.loading.registry import Registry

OTHER = Rule(op="other", summary="a rule of a plugin", params=Fold)


@pytest.fixture
def loads(monkeypatch):
    """How often plugins were loaded, each time with a rule."""
    seen = []

    def load(*, without=()):
        seen.append(tuple(without))
        return Registry(
            rules={"other": registry.Offered(thing=OTHER, plugin=registry.PluginInfo(name="x"))}
        )

    monkeypatch.setattr(registry, "load", load)
    return seen


def test_a_rule_of_the_language_is_known_without_plugins(loads):
    rules = Rules([])
    assert all(op in rules and rules[op] is rule for op, rule in BUILT_IN.items())
    assert not loads


def test_a_rule_of_a_plugin_is_known_too_and_plugins_are_loaded_once(loads):
    rules = Rules([])
    assert rules["other"] is OTHER
    assert "nothing" not in rules
    assert set(rules) == {"other", *BUILT_IN}
    assert len(rules) == len(BUILT_IN) + 1
    assert loads == [()]


def test_turning_off_no_plugin_is_refused_at_once():
    with pytest.raises(PluginError, match="no plugin is called so"):
        Rules(["nobody"])
