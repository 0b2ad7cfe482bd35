"""The one plugin manager: find plugins, load each by itself, and know who offers what.

A plugin that is broken, misspelt or of another contract disables itself with a reason, and never
the command: `ctdc plugins list` must keep working to show it.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from copy import deepcopy
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy
from attrs import evolve, field, frozen

from ctdc_framework.codebook import rules
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.codebook.rules import Rule
from ctdc_framework.contract.results import Note, Release, Severity, StageRecord
from ctdc_framework.errors import CtdcError, PluginError, ReleaseRefused, did_you_mean, one_of
from ctdc_framework.loading import hookspecs
from ctdc_framework.plugin import CONTRACT, GROUP, Command, Measure, Strategy
from ctdc_framework.shipped import OWN_COMMANDS

Offer = TypeVar("Offer", Strategy[Any], Measure[Any], Rule[Any], Command)


@frozen(kw_only=True)
class PluginInfo:
    """A plugin as it was found; `broken` says why it is not used, empty if it is."""

    name: str
    distribution: str = ""
    version: str = ""
    strategies: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    broken: str = ""


@frozen(kw_only=True)
class Offered:
    """A named thing with the plugin that offers it; `clash` names two that offer the same."""

    thing: Any
    plugin: PluginInfo
    clash: str = ""


@frozen(kw_only=True, eq=False)
class Registry:
    """What is installed, by the names that users write."""

    plugins: tuple[PluginInfo, ...] = ()
    _manager: pluggy.PluginManager = field(factory=lambda: _new_manager())
    _strategies: Mapping[str, Offered] = field(factory=dict)
    _measures: Mapping[str, Offered] = field(factory=dict)
    _rules: Mapping[str, Offered] = field(factory=dict)
    _commands: Mapping[str, Offered] = field(factory=dict)

    @property
    def strategies(self) -> Mapping[str, Strategy[Any]]:
        """Every usable strategy."""
        return _usable(self._strategies)

    @property
    def measures(self) -> Mapping[str, Measure[Any]]:
        """Every usable measure."""
        return _usable(self._measures)

    @property
    def rules(self) -> Mapping[str, Rule[Any]]:
        """Every usable rule, the language's own included."""
        return {**_usable(self._rules), **rules.BUILT_IN}

    @property
    def commands(self) -> Mapping[str, Command]:
        """Every usable command of a plugin."""
        return _usable(self._commands)

    def command(self, name: str) -> Command:
        """Give a plugin's command by name; raises `PluginError` as `strategy` does."""
        found: Command = self._find("command", self._commands, name).thing
        return found

    def strategy(self, name: str) -> Strategy[Any]:
        """Give a strategy by name; raises `PluginError` where it is unknown or offered twice."""
        found: Strategy[Any] = self._find("strategy", self._strategies, name).thing
        return found

    def measure(self, name: str) -> Measure[Any]:
        """Give a measure by name; raises `PluginError` as `strategy` does."""
        found: Measure[Any] = self._find("measure", self._measures, name).thing
        return found

    def rule(self, name: str) -> Rule[Any]:
        """Give a plugin's rule by name; raises `PluginError` as `strategy` does."""
        found: Rule[Any] = self._find("rule", self._rules, name).thing
        return found

    def plugin_of(self, strategy: str) -> PluginInfo:
        """Tell which plugin offers a strategy."""
        return self._find("strategy", self._strategies, strategy).plugin

    def _find(self, what: str, offered: Mapping[str, Offered], name: str) -> Offered:
        if name not in offered:
            help = did_you_mean(name, offered) or f"there are {one_of(offered, most=20)}"
            broken = [plugin.name for plugin in self.plugins if plugin.broken]
            if broken:
                help += f" (not loaded: {one_of(broken)}; see ctdc plugins list)"
            raise PluginError(f"no {what} is called `{name}`", help=help)
        if offered[name].clash:
            raise PluginError(
                f"two plugins offer the {what} `{name}`: {offered[name].clash}",
                help="turn one of them off with --without PLUGIN",
            )
        return offered[name]

    def check_release(self, release: Release, codebook: Codebook) -> Iterator[Note]:
        """Ask every plugin to judge a release; one that fails to look refuses it."""
        for name, call in self._each("ctdc_check_release"):
            try:
                for note in call(release=release, codebook=codebook) or ():
                    if not isinstance(note, Note):
                        raise TypeError("a judgement is given as notes")
                    yield note
            except Exception as error:
                # The text of a foreign exception may quote data: only its type is told.
                message = f"plugin {name} could not judge the release ({type(error).__name__})"
                yield Note(code="release-check-failed", message=message, severity=Severity.BLOCKING)

    def release_written(self, release: Release, codebook: Codebook, manifest: str) -> None:
        """Tell every plugin of a release that is about to stand; one that fails refuses it.

        Raises `ReleaseRefused`; the caller throws away what was written.
        """
        for name, call in self._each("ctdc_release_written"):
            try:
                call(release=release, codebook=codebook, manifest=manifest)
            except Exception as error:
                # Only what a plugin says to the user is told: another text may quote data.
                reason = f": {error.message}" if isinstance(error, CtdcError) else ""
                raise ReleaseRefused(
                    f"`{release.name}` is refused, and nothing was written:\n"
                    f"plugin {name} could not take note of it ({type(error).__name__}){reason}"
                ) from None

    def stage_finished(self, record: StageRecord) -> Iterator[Note]:
        """Tell every plugin that a stage is done; one that fails is noted and changes nothing."""
        for name, call in self._each("ctdc_stage_finished"):
            try:
                call(record=deepcopy(record))  # watching must not change what is written
            except Exception as error:
                message = f"plugin {name} failed to watch stage {record.stage}"
                yield Note(code="observer-failed", message=f"{message} ({type(error).__name__})")

    def _each(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        yield from _implementations(self._manager, hook)


def load(
    *,
    without: Iterable[str] = (),
    found: Iterable[EntryPoint] | None = None,
    extra: Mapping[str, object] | None = None,
) -> Registry:
    """Load every installed plugin but those turned off here or in `CTDC_WITHOUT`.

    `found` replaces discovery and `extra` adds loaded modules or objects, for tests. Raises
    `PluginError` where `without` names what is not installed; the variable may, as it outlives
    what is.
    """
    without = [name.strip() for name in without]
    off = {name.strip() for name in (*without, *os.environ.get("CTDC_WITHOUT", "").split(","))}
    if found is None:
        found = entry_points(group=GROUP)
    manager = _new_manager()
    plugins: list[PluginInfo] = []
    offers: dict[str, dict[str, Offered]] = {
        "strategies": {}, "measures": {}, "rules": {}, "commands": {},
    }  # fmt: skip
    loaders: list[tuple[PluginInfo, Callable[[], object]]] = [
        (_info(point), point.load) for point in sorted(found, key=lambda point: point.name)
    ]
    loaders += [
        (PluginInfo(name=name), lambda module=module: module)  # type: ignore[misc]
        for name, module in (extra or {}).items()
    ]
    named = Counter(info.name for info, _ in loaders)
    for name in without:
        if name and name not in named:
            help = did_you_mean(name, named) or f"there are {one_of(named, most=20)}"
            raise PluginError(f"--without {name}: no plugin is called so", help=help)
    for info, loader in loaders:
        if info.name in off:
            plugins.append(evolve(info, broken="turned off"))
            continue
        try:
            if named[info.name] > 1:  # neither may pass for the other
                raise _Broken(f"{named[info.name]} plugins are called `{info.name}`")
            plugins.append(_load_one(manager, info, loader(), offers))
        except _Broken as reason:
            plugins.append(evolve(info, broken=str(reason)))
        except (Exception, SystemExit) as error:  # a script that exits is no plugin either
            reason_text = f"{type(error).__name__}: {error}"
            plugins.append(evolve(info, broken=f"cannot be loaded: {reason_text}"))
    return Registry(
        plugins=tuple(plugins),
        manager=manager,
        strategies=offers["strategies"],
        measures=offers["measures"],
        rules=offers["rules"],
        commands=offers["commands"],
    )


class _Broken(Exception):
    """A plugin that cannot be used, and why."""


def _load_one(
    manager: pluggy.PluginManager,
    info: PluginInfo,
    module: object,
    offers: dict[str, dict[str, Offered]],
) -> PluginInfo:
    if manager.is_registered(module):
        raise _Broken(f"it is the same as plugin {manager.get_name(module)}")
    try:
        manager.register(module, name=info.name)
        manager.check_pending()  # a misspelt hook would otherwise never be called, silently
        offered = {
            "strategies": _collect(manager, info.name, "ctdc_register_strategies", Strategy),
            "measures": _collect(manager, info.name, "ctdc_register_measures", Measure),
            "rules": _collect(manager, info.name, "ctdc_register_rules", Rule),
            "commands": _collect(manager, info.name, "ctdc_register_commands", Command),
        }
        for things in offered.values():
            for name, thing in things.items():
                if thing.contract != CONTRACT:
                    raise _Broken(
                        f"`{name}` speaks contract {thing.contract}, this is {CONTRACT}: "
                        f"upgrade {'ctdc-framework' if thing.contract > CONTRACT else info.name}"
                    )
        for name in offered["rules"]:
            if name in rules.BUILT_IN:
                raise _Broken(f"rule `{name}` is the codebook language's own")
        for name in offered["commands"]:
            if name in OWN_COMMANDS:
                raise _Broken(f"command `{name}` is ctdc's own")
    except BaseException as error:
        if manager.has_plugin(info.name):
            manager.unregister(name=info.name)
        if isinstance(error, pluggy.PluginValidationError):  # an unknown hook, or argument of one
            raise _Broken(" ".join(str(error).split())) from None
        raise
    info = evolve(
        info,
        strategies=tuple(offered["strategies"]),
        measures=tuple(offered["measures"]),
        rules=tuple(offered["rules"]),
        commands=tuple(offered["commands"]),
    )
    for kind, things in offered.items():
        for name, thing in things.items():
            earlier = offers[kind].get(name)
            clash = f"{earlier.plugin.name} and {info.name}" if earlier else ""
            offers[kind][name] = Offered(thing=thing, plugin=info, clash=clash)
    return info


def _collect(
    manager: pluggy.PluginManager, plugin: str, hook: str, kind: type[Any]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, call in _implementations(manager, hook):
        if name != plugin:
            continue
        for thing in call() or ():
            if not isinstance(thing, kind):
                raise _Broken(f"{hook} gave a {type(thing).__name__}, not a {kind.__name__}")
            label = thing.op if isinstance(thing, Rule) else thing.name
            if label in found:
                raise _Broken(f"it offers `{label}` twice")
            found[label] = thing
    return found


def _implementations(
    manager: pluggy.PluginManager, hook: str
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Go through a hook's implementations one plugin at a time, so that each can be blamed.

    Each is called with the arguments that it names and no others.
    """
    for impl in sorted(getattr(manager.hook, hook).get_hookimpls(), key=lambda i: i.plugin_name):

        def call(impl: Any = impl, **arguments: Any) -> Any:
            given = {name: arguments[name] for name in impl.argnames}
            if os.environ.get("CTDC_TRACE", "") in ("", "0"):
                return impl.function(**given)
            return _traced(f"{impl.plugin_name}: {hook}", impl.function, given)

        yield impl.plugin_name, call


def _traced(what: str, function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """Call a hook and tell it on the standard error: types and sizes, never values."""
    shown = ", ".join(f"{name}: {_type(value)}" for name, value in given.items())
    outcome = ""
    started = time.perf_counter()
    try:
        result = function(**given)
        outcome = _type(result)
    except BaseException as error:
        outcome = f"raised {type(error).__name__}"
        raise
    finally:
        taken = 1000 * (time.perf_counter() - started)
        sys.stderr.write(f"trace: {what}({shown}) -> {outcome} in {taken:.1f} ms\n")
    return result


def _type(value: object) -> str:
    size = f"[{len(value)}]" if isinstance(value, Sized) and not isinstance(value, str) else ""
    return f"{type(value).__name__}{size}"


def _usable(offered: Mapping[str, Offered]) -> Mapping[str, Any]:
    return {name: offered[name].thing for name in sorted(offered) if not offered[name].clash}


def _info(point: EntryPoint) -> PluginInfo:
    distribution = point.dist
    return PluginInfo(
        name=point.name,
        distribution=distribution.name if distribution else "",
        version=distribution.version if distribution else "",
    )


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("ctdc")
    manager.add_hookspecs(hookspecs)
    return manager
