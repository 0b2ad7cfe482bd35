"""The checks of what an installed plugin offers, by the names that users write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.codebook.rules import Rule
from ctdc_framework.errors import PluginError, did_you_mean, one_of
from ctdc_framework.loading.registry import PluginInfo, Registry
from ctdc_framework.plans.entries import MeasureEntry
from ctdc_framework.plans.plan import bind_measure, bind_params
from ctdc_framework.problems.faults import Fault, Faults
from ctdc_framework.testing.checks import Check
from ctdc_framework.testing.measures import measure_checks
from ctdc_framework.testing.rules import rule_checks
from ctdc_framework.testing.strategies import strategy_checks
from ctdc_framework.toml.convert import structure


@frozen(kw_only=True)
class Offer:
    """Something that a plugin offers, with its checks."""

    kind: str
    name: str
    checks: tuple[Check, ...]
    untried: str = ""
    """Why there are no checks; empty where there are."""


def checks_of_installed(
    name: str, registry: Registry, given: Mapping[str, Any], codebook: Codebook
) -> list[Offer]:
    """Find a plugin, or one thing that it offers, and give the checks of each.

    `given` are parameters, by key; what the codebook decides is filled in. Raises `PluginError`
    where nothing is called so, or the plugin is not used, or the parameters are wrong.
    """
    things = list(_things(name, registry))
    if given and len(things) != 1:
        raise PluginError(
            f"`{name}` offers several things, and parameters are one's",
            help=f"name one of {one_of([thing for _, thing in things], most=20)}",
        )
    offers = []
    for kind, thing in things:
        try:
            checks = tuple(_checks(kind, thing, registry, given, codebook))
            offers.append(Offer(kind=kind, name=thing, checks=checks))
        except PluginError as error:  # what has to be told its columns is tried by itself
            if kind == "strategy" or len(things) == 1:
                raise
            offers.append(Offer(kind=kind, name=thing, checks=(), untried=error.message))
    return offers


def _things(name: str, registry: Registry) -> Iterator[tuple[str, str]]:
    named = [plugin for plugin in registry.plugins if plugin.name == name]
    for plugin in named:
        if plugin.broken:
            raise PluginError(f"plugin `{name}` is not used: {plugin.broken}")
        yield from _offered(plugin)
    if named:
        return
    every = [thing for plugin in registry.plugins for thing in _offered(plugin)]
    found = [thing for thing in every if thing[1] == name]
    if not found:
        names = [*(plugin.name for plugin in registry.plugins), *(thing for _, thing in every)]
        help = did_you_mean(name, names) or f"there are {one_of(names, most=30)}"
        raise PluginError(f"no plugin is called `{name}`, nor anything that one offers", help=help)
    yield from dict.fromkeys(found)


def _offered(plugin: PluginInfo) -> Iterator[tuple[str, str]]:
    yield from (("strategy", name) for name in plugin.strategies)
    yield from (("measure", name) for name in plugin.measures)
    yield from (("rule", name) for name in plugin.rules)


def _checks(
    kind: str, name: str, registry: Registry, given: Mapping[str, Any], codebook: Codebook
) -> list[Check]:
    try:
        if kind == "strategy":
            strategy = registry.strategy(name)
            params = bind_params(strategy, given, codebook)
            return strategy_checks(strategy, params, codebook=codebook)
        if kind == "rule":
            rule = registry.rule(name)
            return rule_checks(rule, _params_of(rule, given, codebook), codebook=codebook)
        bound = bind_measure(MeasureEntry(measure=name, params=given), registry)
        return measure_checks(bound.measure, bound.params, codebook=codebook)
    except Faults as found:
        raise PluginError(
            f"`{name}` cannot be tried with these parameters: "
            + "; ".join(fault.message for fault in found.faults),
            help=f"give others as --param key=value; see ctdc plugins params {name}",
        ) from None


def _params_of(rule: Rule[Any], given: Mapping[str, Any], codebook: Codebook) -> Any:
    """Read a rule's parameters; raises `Faults` where they are wrong, or name no column."""
    params = structure(given, rule.params)
    known = [name for name, _ in codebook.entries()]
    for name in (*rule.reads(params), *rule.writes(params)):
        if name not in known:
            message = f"`{name}` is no column of {codebook.id}"
            raise Faults([Fault(path=(), kind="205", message=message)])
    faults = list(rule.faults(params, codebook))
    if faults:
        raise Faults(faults)
    return params
