"""The registry: what is wrong with one plugin disables that plugin, says why, and nothing else."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest
from attrs import evolve, frozen

from ctdc_framework.codebook import rules
from ctdc_framework.contract.results import Release, StageRecord
from ctdc_framework.errors import PluginError, ReleaseRefused, StrategyError
from ctdc_framework.loading import registry
from ctdc_framework.plugin import (
    CONTRACT,
    GROUP,
    Better,
    Command,
    Measure,
    Note,
    Output,
    Rule,
    Severity,
    Shape,
    Side,
    Strategy,
    hookimpl,
)
from ctdc_framework.promises.claims import NoClaim
from ctdc_framework.shipped import OWN_COMMANDS

CANARY = "Maria Canary, born 1999"


@frozen(kw_only=True)
class Nothing:
    """No parameters."""


def strategy(name="same", contract=CONTRACT):
    return Strategy(
        name=name,
        summary="gives what it got",
        params=Nothing,
        takes=Shape.RECORDS,
        gives=Shape.RECORDS,
        run=lambda table, params, context: Output(table=table),
        claims=lambda codebook, params: [NoClaim(reason="a test")],
        contract=contract,
    )


def measure(name="size"):
    return Measure(
        name=name,
        summary="how many rows",
        side=Side.UTILITY,
        better=Better.HIGHER,
        unit="records",
        params=Nothing,
        compute=lambda pair, params, context: [],
    )


def rule(op="mirror"):
    return Rule(op=op, summary="turns around", params=Nothing)


def plugin(**hooks):
    """A plugin of hooks that give what they are told here, or do what a function does."""
    module = ModuleType("made_up")
    for name, made in hooks.items():
        if callable(made):
            made.__name__ = f"ctdc_{name}"
            setattr(module, f"ctdc_{name}", hookimpl(made))
        else:
            setattr(module, f"ctdc_{name}", hookimpl(lambda made=made: made))
    return module


GOOD = {"register_strategies": [strategy()], "register_measures": [measure()]}


def load(**extra):
    return registry.load(found=[], extra={"good": plugin(**GOOD), **extra})


def reason(found, name):
    (one,) = [one for one in found.plugins if one.name == name]
    return one.broken


def works(found):
    """Whether the good plugin is there."""
    return not reason(found, "good") and "same" in found.strategies and "size" in found.measures


def test_the_built_in_plugins_are_found_and_work():
    found = registry.load()

    ours = {one.name: one.broken for one in found.plugins if one.distribution == "ctdc-framework"}
    assert ours == dict.fromkeys(("k-anonymization", "k-synthesis", "measures", "rounding"), "")
    assert {"k-anonymization", "k-synthesis", "rounding", "tabulate"} <= found.strategies.keys()
    assert "rare-combination-leakage" in found.measures
    assert found.plugin_of("tabulate").name == "rounding"
    assert found.plugin_of("tabulate").distribution == "ctdc-framework"


def test_a_plugin_offers_by_name_and_is_listed_with_it():
    found = load(more=plugin(register_strategies=[strategy("b"), strategy("a")]))

    assert works(found)
    assert found.strategy("a").name == "a"
    assert found.plugin_of("b").name == "more"
    assert [one.strategies for one in found.plugins] == [("same",), ("b", "a")]
    assert list(found.strategies) == ["a", "b", "same"]


def test_a_rule_is_offered_beside_the_languages_own():
    mirror = rule()
    found = load(more=plugin(register_rules=[mirror]))

    assert found.rules == {**rules.BUILT_IN, "mirror": mirror}


# ---- what is broken


def broken_strategies():
    raise ValueError("no licence file")


BROKEN = {
    "a hook misspelt": (plugin(register_strategy=[strategy()]), "unknown hook 'ctdc_register_str"),
    "an argument misspelt": (plugin(stage_finished=lambda recrod: None), "recrod"),
    "another contract, newer": (
        plugin(register_strategies=[strategy("new", contract=CONTRACT + 1)]),
        f"`new` speaks contract {CONTRACT + 1}, this is {CONTRACT}: upgrade ctdc-framework",
    ),
    "another contract, older": (
        plugin(register_measures=[evolve(measure("old"), contract=CONTRACT - 1)]),
        f"speaks contract {CONTRACT - 1}, this is {CONTRACT}: upgrade bad",
    ),
    "a rule of the language's own name": (
        plugin(register_rules=[rule(next(iter(rules.BUILT_IN)))]), "is the codebook language's own",
    ),
    "one name twice": (
        plugin(register_strategies=[strategy("a"), strategy("a")]), "it offers `a` twice",
    ),
    "another thing": (
        plugin(register_strategies=[measure()]),
        "ctdc_register_strategies gave a Measure, not a Strategy",
    ),
    "no list": (plugin(register_strategies=strategy("alone")), "TypeError"),
    "a hook that raises": (plugin(register_strategies=broken_strategies), "no licence file"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_with_a_plugin_disables_it_alone_and_is_said(what):
    bad, why = BROKEN[what]

    found = load(bad=bad)

    assert why in reason(found, "bad")
    assert works(found)
    assert "bad" not in {one.plugin.name for one in found._strategies.values()}
    assert not [name for name, _ in found._each("ctdc_stage_finished") if name == "bad"]


def test_a_plugin_that_is_broken_in_one_hook_watches_with_none():
    """A half-loaded plugin must not go on judging or watching."""
    bad = plugin(check_release=lambda release: [], register_strategies=[strategy("x", contract=9)])

    found = load(bad=bad)

    assert reason(found, "bad")
    assert list(found._each("ctdc_check_release")) == []
    assert "x" not in found.strategies


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "ModuleNotFoundError"),
        ("import no_such_module_at_all\n", "ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("def broken(:\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_module_that_cannot_be_imported_disables_itself(tmp_path, monkeypatch, text, why):
    name = f"ctdc_made_up_{why.lower()}"
    if text is not None:
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    point = EntryPoint(name="bad", value=name, group=GROUP)

    found = registry.load(found=[point], extra={"good": plugin(**GOOD)})

    assert why in reason(found, "bad")
    assert works(found)


def test_two_plugins_of_one_name_are_both_turned_off(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / f"ctdc_made_up_{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        EntryPoint(name="twin", value=f"ctdc_made_up_{name}", group=GROUP)
        for name in ("one", "two")
    ]

    found = registry.load(found=points, extra={"good": plugin(**GOOD)})

    twins = [one.broken for one in found.plugins if one.name == "twin"]
    assert twins == ["2 plugins are called `twin`"] * 2
    assert works(found)


def test_one_plugin_under_two_names_is_loaded_once():
    only = plugin(**GOOD)

    found = registry.load(found=[], extra={"good": only, "again": only})

    assert reason(found, "again") == "it is the same as plugin good"
    assert works(found)


# ---- one name, two plugins


def test_a_name_that_two_plugins_offer_is_unusable_and_others_go_on():
    twin = plugin(register_strategies=[strategy("same"), strategy("mine")])

    found = load(twin=twin)

    assert found.strategies.keys() == {"mine"}
    assert not reason(found, "twin")
    with pytest.raises(PluginError, match="two plugins offer the strategy `same`: good and twin"):
        found.strategy("same")
    assert "--without" in _error(found.strategy, "same").help


def test_turning_one_of_two_off_makes_the_name_usable():
    twin = plugin(register_strategies=[strategy("same")])

    found = registry.load(found=[], extra={"good": plugin(**GOOD), "twin": twin}, without=["good"])

    assert found.plugin_of("same").name == "twin"


def test_a_rule_or_measure_that_two_offer_is_unusable_too():
    one, other = (
        plugin(register_rules=[rule()], register_measures=[measure("m")]) for _ in range(2)
    )

    found = load(one=one, other=other)

    assert "mirror" not in found.rules
    assert "m" not in found.measures
    with pytest.raises(PluginError, match="two plugins offer the measure `m`"):
        found.measure("m")


def _error(call, *arguments):
    with pytest.raises(PluginError) as caught:
        call(*arguments)
    return caught.value


def test_an_unknown_name_gets_a_suggestion_and_is_told_what_was_not_loaded():
    found = load(bad=plugin(register_strategy=[]))

    error = _error(found.strategy, "sane")

    assert error.message == "no strategy is called `sane`"
    assert "did you mean `same`?" in error.help
    assert "not loaded: bad" in error.help
    assert "there are size" in _error(found.measure, "zzz").help


# ---- turned off


@pytest.mark.parametrize(
    ("without", "environment"),
    [(["good"], ""), ([], "good"), ([], "other, good"), (["good"], "good,"), ([" good"], "")],
)
def test_a_plugin_is_turned_off_by_option_or_environment(monkeypatch, without, environment):
    monkeypatch.setenv("CTDC_WITHOUT", environment)

    found = registry.load(
        found=[], extra={"good": plugin(**GOOD), "more": plugin()}, without=without
    )

    assert reason(found, "good") == "turned off"
    assert reason(found, "more") == ""
    assert found.strategies == {}
    assert list(found._each("ctdc_register_strategies")) == []


def test_a_plugin_that_is_turned_off_is_not_even_imported(monkeypatch):
    monkeypatch.delenv("CTDC_WITHOUT", raising=False)
    point = EntryPoint(name="bad", value="no_such_module_at_all", group=GROUP)

    found = registry.load(found=[point], without=["bad"])

    assert [one.broken for one in found.plugins] == ["turned off"]


@pytest.mark.parametrize(("name", "words"), [("god", "did you mean `good`?"), ("zzz", "are good")])
def test_turning_off_what_is_not_installed_is_said(name, words):
    error = _error(lambda: registry.load(found=[], extra={"good": plugin(**GOOD)}, without=[name]))

    assert error.message == f"--without {name}: no plugin is called so"
    assert words in error.help


# ---- commands


def command(name="greet", app="made_up:app"):
    return Command(name=name, summary="greets", app=app)


def test_a_command_is_offered_and_nothing_of_it_is_imported():
    found = load(more=plugin(register_commands=[command(app="no_such_module:app")]))

    assert found.commands["greet"].app == "no_such_module:app"
    assert [one.commands for one in found.plugins] == [(), ("greet",)]


@pytest.mark.parametrize("name", sorted(OWN_COMMANDS))
def test_a_command_of_our_own_cannot_be_taken(name):
    found = load(bad=plugin(register_commands=[command(name)]))

    assert reason(found, "bad") == f"command `{name}` is ctdc's own"
    assert works(found)


def test_our_own_commands_are_those_of_the_command_line():
    from ctdc_framework.cli import app

    names = {one.name or one.callback.__name__ for one in app.registered_commands}
    assert names | {one.name for one in app.registered_groups} == OWN_COMMANDS


# ---- tracing


def test_a_trace_tells_types_and_sizes_and_no_value(monkeypatch, capsys, toy):
    monkeypatch.setenv("CTDC_TRACE", "1")

    found = load(
        fails=plugin(check_release=raises),
        notes=plugin(check_release=lambda codebook: [Note(code="a", message=CANARY)]),
    )
    list(found.check_release(RELEASE, toy))

    told = re.sub("[0-9.]+ ms", "T ms", capsys.readouterr().err).splitlines()
    assert "trace: good: ctdc_register_strategies() -> list[1] in T ms" in told
    assert told[-2:] == [
        "trace: fails: ctdc_check_release(release: Release) -> raised RuntimeError in T ms",
        "trace: notes: ctdc_check_release(codebook: Codebook) -> list[1] in T ms",
    ]
    assert CANARY not in str(told)


def test_nothing_is_traced_unasked(monkeypatch, capsys):
    for value in ("", "0"):
        monkeypatch.setenv("CTDC_TRACE", value)
        load()

    assert capsys.readouterr().err == ""


# ---- hooks that judge and watch

RELEASE = Release(name="candidate")


def record(**changes):
    made = StageRecord(
        stage="stage", part=Shape.RECORDS, strategy="same", plugin="p", version="1", contract=1,
        params={"k": 10}, claims=(), rows_in=1, rows_out=1, seconds=0.1, details={"n": [1]},
    )  # fmt: skip
    return evolve(made, **changes)


def test_a_hook_may_name_fewer_arguments_or_none(toy):
    heard = []
    found = load(
        none=plugin(check_release=lambda: heard.append("none")),
        one=plugin(check_release=lambda codebook: heard.append(codebook.id)),
        both=plugin(check_release=lambda codebook, release: heard.append(release.name)),
        watcher=plugin(stage_finished=lambda: heard.append("watched")),
    )

    assert list(found.check_release(RELEASE, toy)) == []
    assert list(found.stage_finished(record())) == []
    assert sorted(heard) == ["candidate", "none", "toy", "watched"]


def test_every_plugin_judges_and_all_notes_are_heard(toy):
    notes = [Note(code=code, message=code) for code in "abc"]
    found = load(
        two=plugin(check_release=lambda release: iter(notes[1:])),
        one=plugin(check_release=lambda release: notes[:1]),
        silent=plugin(check_release=lambda release: None),
    )

    assert list(found.check_release(RELEASE, toy)) == notes


def raises(release):
    raise RuntimeError(CANARY)


def test_who_keeps_a_book_is_told_of_a_release_by_its_manifest(toy):
    heard = []
    found = load(book=plugin(release_written=lambda release, manifest: heard.append(manifest)))

    found.release_written(RELEASE, toy, "abc")

    assert heard == ["abc"]


def test_a_book_that_cannot_be_kept_refuses_and_tells_only_what_is_for_the_user(toy):
    def is_full(release):
        raise StrategyError("the ledger is full")

    with pytest.raises(
        ReleaseRefused, match=r"plugin book could not .* \(RuntimeError\)"
    ) as caught:
        load(book=plugin(release_written=raises)).release_written(RELEASE, toy, "abc")
    assert CANARY not in caught.value.message
    with pytest.raises(ReleaseRefused, match=r"\(StrategyError\): the ledger is full"):
        load(book=plugin(release_written=is_full)).release_written(RELEASE, toy, "abc")


def raises_late(release):
    yield Note(code="fine", message="fine")
    raise RuntimeError(CANARY)


@pytest.mark.parametrize(
    ("judge", "kind"),
    [
        (raises, "RuntimeError"),
        (raises_late, "RuntimeError"),
        (lambda release: "no notes", "TypeError"),
        (lambda release: [None], "TypeError"),
        (lambda release: 3, "TypeError"),
    ],
    ids=["raises", "raises-late", "text", "none", "number"],
)
def test_a_plugin_that_cannot_judge_refuses_without_its_text(toy, judge, kind):
    other = Note(code="other", message="heard all the same")
    found = load(bad=plugin(check_release=judge), other=plugin(check_release=lambda: [other]))

    notes = list(found.check_release(RELEASE, toy))

    (refusal,) = [note for note in notes if note.severity is Severity.BLOCKING]
    assert refusal.message == f"plugin bad could not judge the release ({kind})"
    assert CANARY not in repr(notes)
    assert other in notes


def test_a_watcher_that_fails_is_noted_without_its_text_and_others_still_watch():
    heard = []

    def fail(record):
        raise RuntimeError(CANARY)

    found = load(
        bad=plugin(stage_finished=fail),
        fine=plugin(stage_finished=lambda record: heard.append(record.stage)),
    )

    (note,) = found.stage_finished(record())

    assert note.message == "plugin bad failed to watch stage stage (RuntimeError)"
    assert note.severity is Severity.INFO
    assert heard == ["stage"]


def test_a_watcher_cannot_change_the_record():
    def meddle(record):
        record.params["k"] = 3
        record.details["n"].append(2)

    seen = record()
    list(load(bad=plugin(stage_finished=meddle)).stage_finished(seen))

    assert seen == record()
