"""`ctdc plugins`: what is installed, whether it keeps the contract, how one begins."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
from attrs import evolve, frozen

from ctdc_framework.loading import registry
from ctdc_framework.plugin import Command, NoClaim, Output, Rule, entry, hookimpl
from ctdc_framework.testing import RULE_CHECKS, STRATEGY_CHECKS


@pytest.fixture
def with_plugin(monkeypatch):
    """Let `ctdc` find one more plugin: a function that gives what it offers."""
    load = registry.load

    def add(name, offers, hook="ctdc_register_strategies"):
        module = ModuleType(name)
        offers.__name__ = hook
        setattr(module, hook, hookimpl(offers))
        monkeypatch.setattr(registry, "load", lambda **given: load(**given, extra={name: module}))

    return add


GOOD = registry.load().strategy("k-anonymization")


def bad_strategies():
    return [
        evolve(
            GOOD,
            name="bad",
            run=lambda table, params, context: Output(table=table, details={"n": {1}}),
        )
    ]


def unclaimed_strategies():
    (bad,) = bad_strategies()
    return [evolve(bad, claims=lambda codebook, params: [NoClaim(reason="it is a copy")])]


def test_a_plugin_that_keeps_the_contract_passes_with_each_check_named(ctdc):
    said = ctdc("plugins", "check", "k-anonymization")

    assert said.code == 0, said.out
    assert said.out.startswith("strategy k-anonymization\n  holds   says-what-it-is")
    assert said.out.endswith(f"\n{len(STRATEGY_CHECKS)} of {len(STRATEGY_CHECKS)} checks hold\n")


def test_a_plugin_that_breaks_it_ends_in_1_and_says_how(ctdc, with_plugin):
    with_plugin("poor", bad_strategies)

    said = ctdc("plugins", "check", "poor")

    assert said.code == 1
    lines = said.out.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.startswith("  broken  keeps-its-claims")]
    assert lines[at + 1].strip().startswith("What it claims is found")
    assert "it claims k-anonymity(k=5" in lines[at + 2]
    assert lines[-1] == f"{len(STRATEGY_CHECKS) - 3} of {len(STRATEGY_CHECKS)} checks hold"


def test_scripts_get_every_check_with_what_is_broken(ctdc, with_plugin):
    with_plugin("poor", unclaimed_strategies)

    said = ctdc("plugins", "check", "bad", "--param", "k=7", "--json")

    assert said.code == 1
    checks = json.loads(said.out)["checks"]
    assert [one["check"] for one in checks] == list(STRATEGY_CHECKS)
    broken = {one["check"]: one["broken"] for one in checks if not one["holds"]}
    assert broken.keys() == {"details-are-json", "imports-the-contract-alone"}  # as this file does
    assert "JSON" in broken["details-are-json"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["k-anonimization"], "did you mean `k-anonymization`?"),
        (["k-anonymization", "--param", "keys=x,y"], "`keys` names `x`"),
        (["k-anonymization", "--param", "kk=4"], "unknown key `kk`"),
        (["rounding", "--param", "base=7"], "`rounding` offers several things"),
        (["measures", "--without", "measures"], "plugin `measures` is not used: turned off"),
        (["k-anonymization", "--codebook", "no-such"], "no codebook is called `no-such`"),
    ],
)
def test_what_cannot_be_checked_is_said(ctdc, argv, words):
    said = ctdc("plugins", "check", *argv)

    assert said.code == 1
    assert words in said.err


@frozen(kw_only=True)
class Shout:
    """Parameters of a rule."""

    from_: str = entry("the column", key="from")
    to: str = entry("the variable")


def shouting_rules():
    return [
        Rule(
            op="same",
            summary="the cell itself",
            params=Shout,
            reads=lambda params: (params.from_,),
            writes=lambda params: (params.to,),
            apply=lambda params, rows: rows.columns[params.from_],
        )
    ]


def test_a_rule_is_checked_on_the_columns_that_are_named(ctdc, with_plugin):
    with_plugin("shout", shouting_rules, "ctdc_register_rules")
    named = ["--param", "from=gender", "--param", "to=gender", "--codebook", "minimal", "--json"]

    said = ctdc("plugins", "check", "same", *named)

    checks = json.loads(said.out)["checks"]
    assert [one["check"] for one in checks] == list(RULE_CHECKS)
    broken = {one["check"] for one in checks if not one["holds"]}
    assert broken == {"imports-the-contract-alone"}  # as this file does
    wrong = ctdc("plugins", "check", "same", "--param", "from=gendre", "--param", "to=gender")
    assert wrong.code == 1
    assert "`gendre` is no column of sample" in wrong.err
    assert (
        "same: the cell itself\n  from = required  text\n" in ctdc("plugins", "params", "same").out
    )


def test_a_rule_without_its_columns_is_said_to_be_untried(ctdc, with_plugin):
    with_plugin("shout", lambda: [*shouting_rules(), evolve(shouting_rules()[0], op="other")],
                "ctdc_register_rules")  # fmt: skip

    said = ctdc("plugins", "check", "shout")

    assert said.code == 0
    assert "\nrule same was not tried: name its columns" in said.out


def test_another_codebook_may_be_tried(ctdc):
    said = ctdc("plugins", "check", "rows-released", "--codebook", "minimal")

    assert said.code == 0, said.out
    assert said.out.startswith("measure rows-released\n")


# ---- new


def test_a_new_plugin_is_written_with_what_to_do_next(ctdc, left):
    said = ctdc("plugins", "new", "sampling", "--dir", "made")

    assert said.code == 0
    assert "made/ctdc-sampling/src/ctdc_sampling/__init__.py" in left()
    assert said.out.endswith(
        "next: pip install -e made/ctdc-sampling, then ctdc plugins check sampling\n"
    )


def test_a_new_plugin_may_be_named_as_its_distribution(ctdc, left):
    assert ctdc("plugins", "new", "ctdc-sampling").code == 0
    assert "ctdc-sampling/pyproject.toml" in left()


def test_a_new_plugin_replaces_nothing(ctdc, folder, left):
    (folder / "ctdc-sampling").mkdir()

    said = ctdc("plugins", "new", "sampling")

    assert said.code == 1
    assert said.err.startswith("ctdc-sampling is there already")
    assert left() == ["ctdc-sampling"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("k-synthesis", "there is a `k-synthesis` already"), ("Two", "cannot be a plugin's name")],
)
def test_a_new_plugin_needs_a_name_of_its_own(ctdc, left, name, words):
    said = ctdc("plugins", "new", name)

    assert said.code == 1
    assert words in said.err
    assert left() == []


# ---- commands of plugins


@pytest.fixture
def greeting(with_plugin, tmp_path, monkeypatch):
    """A plugin with a command, `ctdc greet NAME`, and one whose module is not there."""
    (tmp_path / "ctdc_greeting.py").write_text(
        "import typer\n\napp = typer.Typer()\n\n\n@app.command()\n"
        "def greet(name: str):\n    typer.echo(f'hello {name}')\n    raise typer.Exit(3)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "ctdc_greeting", raising=False)
    with_plugin(
        "greeting",
        lambda: [
            Command(name="greet", summary="greets somebody", app="ctdc_greeting:app"),
            Command(name="lost", summary="is not there", app="ctdc_no_such:app"),
        ],
        hook="ctdc_register_commands",
    )


@pytest.mark.usefixtures("greeting")
def test_a_command_of_a_plugin_is_called_with_its_words_and_exit_code(ctdc):
    said = ctdc("greet", "Ada")

    assert (said.code, said.out) == (3, "hello Ada\n")
    assert "Usage: ctdc greet" in ctdc("greet", "--help").out


@pytest.mark.usefixtures("greeting")
def test_a_command_of_a_plugin_is_listed_and_not_loaded(ctdc):
    assert "  command greet: greets somebody\n" in ctdc("plugins", "list").out
    assert "ctdc_greeting" not in sys.modules


@pytest.mark.usefixtures("greeting")
def test_a_command_that_cannot_be_loaded_is_said(ctdc):
    said = ctdc("lost")

    assert said.code == 1
    assert said.err.startswith("command `lost` cannot be loaded: ModuleNotFoundError")


@pytest.mark.usefixtures("greeting")
def test_a_word_that_is_no_command_is_a_mistake_of_usage(ctdc):
    assert ctdc("grete").code == 2
