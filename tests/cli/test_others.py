"""`ctdc plan`, `ctdc codebook`, `ctdc plugins` and help."""

import json
from pathlib import Path

import pytest

from ctdc_framework.language.load import shipped_codebooks

COMMANDS = (
    ["demo"], ["run"], ["compare"], ["prepare"], ["plan", "new"], ["plan", "check"],
    ["codebook", "check"], ["plugins", "list"], ["plugins", "params"],
)  # fmt: skip


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
@pytest.mark.parametrize("width", [60, 80])
def test_help_fits_a_narrow_terminal(ctdc, monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", str(width))

    said = ctdc(*command, "--help")

    assert said.code == 0
    assert said.err == ""
    assert max(map(len, said.out.splitlines())) <= width


def test_nothing_asked_is_answered_with_help(ctdc):
    said = ctdc()

    assert "Commands:" in said.out + said.err
    assert said.code == 2


# ------------------------------------------------------------------------------------------- plans


def test_a_new_plan_is_a_sound_one(ctdc):
    assert ctdc("plan", "new", "--out", "plan.toml").code == 0

    said = ctdc("plan", "check", "plan.toml")

    assert said.code == 0
    assert "plan.toml: fine" in said.out


def test_a_new_plan_is_printed_where_no_file_is_named(ctdc):
    said = ctdc("plan", "new")

    ctdc("plan", "new", "--out", "plan.toml")
    assert said.out == Path("plan.toml").read_text(encoding="utf-8")


def test_a_plan_that_is_there_is_kept(ctdc):
    Path("plan.toml").write_text("mine", encoding="utf-8")

    said = ctdc("plan", "new", "--out", "plan.toml")

    assert said.code == 1
    assert "plan.toml is there already" in said.err
    assert Path("plan.toml").read_text(encoding="utf-8") == "mine"


def test_a_plan_in_a_folder_that_is_not_there_is_told(ctdc):
    said = ctdc("plan", "new", "--out", "none/plan.toml")

    assert said.code == 1
    assert "none/plan.toml cannot be written" in said.err
    assert "= help:" in said.err


def test_a_plan_is_checked_for_scripts(ctdc):
    ctdc("plan", "new", "--out", "plan.toml")
    told = json.loads(ctdc("plan", "check", "plan.toml", "--json").out)
    assert told["codebook"] == "ctdc-2021"
    assert "k-synthesis" in told["candidates"]
    assert told["problems"] == []

    text = Path("plan.toml").read_text("utf-8").replace('"tabulate"', '"tablate"', 1)
    Path("plan.toml").write_text(text, encoding="utf-8")
    said = ctdc("plan", "check", "plan.toml", "--json")

    (problem,) = json.loads(said.out)["problems"]
    assert said.code == 1
    assert (problem["code"], problem["help"]) == ("PL020", "did you mean `tabulate`?")
    assert problem["line"] > 0


# --------------------------------------------------------------------------------------- codebooks


@pytest.mark.parametrize("name", shipped_codebooks())
def test_shipped_codebooks_are_sound(ctdc, name):
    said = ctdc("codebook", "check", name, "--strict")

    assert said.code == 0, said.out
    assert said.out.startswith(name)


@pytest.fixture
def own(folder):
    """A copy of the codebook `minimal`, to be changed: a function of old and new text."""

    def write(old="", new=""):
        text = shipped_codebooks()["minimal"].read_text(encoding="utf-8")
        assert old in text
        Path("own.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
        return "own.toml"

    return write


def test_every_mistake_is_named_by_line_and_column(ctdc, own):
    path = own('role = ["quasi"]', 'role = ["quazi"]')

    said = ctdc("codebook", "check", path)

    assert said.code == 1
    assert "own.toml:" in said.out
    assert "did you mean `quasi`" in said.out
    assert "^^^^^^^" in said.out


def test_warnings_fail_only_where_asked_for(ctdc, own):
    path = own("[domains.country]", '[domains.unused]\nkind = "range"\nmin = 1\nmax = 2\n\n'
                                    "[domains.country]")  # fmt: skip

    assert ctdc("codebook", "check", path).code == 0
    assert ctdc("codebook", "check", path, "--strict").code == 1


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("\nk = 10", "\nkk = 10", "CB010"), ("[codebook]", "[codebook", "CB006")],
)
def test_mistakes_are_told_to_scripts(ctdc, own, old, new, code):
    said = ctdc("codebook", "check", own(old, new), "--json")

    found = json.loads(said.out)
    assert said.code == 1
    assert said.err == ""
    assert code in [problem["code"] for problem in found]
    assert all(problem["file"] == "own.toml" for problem in found)


# ----------------------------------------------------------------------------------------- plugins


def test_the_built_in_plugins_are_listed(ctdc):
    said = ctdc("plugins", "list")

    for name in ("k-synthesis", "k-anonymization", "tabulate", "rounding"):
        assert f"strategy {name}:" in said.out
    assert "measure rare-combination-leakage:" in said.out
    assert "not used" not in said.out


def test_a_plugin_can_be_turned_off(ctdc, monkeypatch):
    said = ctdc("plugins", "list", "--without", "rounding")
    assert "not used: turned off" in said.out
    assert "strategy rounding" not in said.out

    monkeypatch.setenv("CTDC_WITHOUT", "measures,rounding")
    told = json.loads(ctdc("plugins", "list", "--json").out)

    broken = {one["name"]: one["broken"] for one in told["plugins"]}
    assert broken["measures"] == broken["rounding"] == "turned off"
    assert told["contract"] == 1


@pytest.mark.parametrize("name", ["k-synthesis", "rounding", "combination-error", "rows-released"])
def test_parameters_are_told_in_three_forms(ctdc, name):
    text, toml, data = (
        ctdc("plugins", "params", name, *more) for more in ((), ("--toml",), ("--json",))
    )

    assert text.code == toml.code == data.code == 0
    for one in json.loads(data.out):
        assert f"  {one['key']} = {one['default']}" in text.out
        assert one["help"] in toml.out


def test_unknown_strategies_and_measures_are_told_with_the_nearest_name(ctdc):
    said = ctdc("plugins", "params", "row-released")

    assert said.code == 1
    assert "did you mean `rows-released`" in said.err
