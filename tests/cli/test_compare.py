"""`ctdc compare`: exit codes, what is written, and that a failed measure is told and contained."""

import json
from pathlib import Path

import pytest
from attrs import frozen

from ctdc_framework import api
from ctdc_framework.loading import registry
from ctdc_framework.plugin import Better, Measure, Side, hookimpl
from ctdc_framework.runs.compare import ANCHORS, CONTROLS

PLAN = """\
[plan]
codebook = "minimal"
data     = "cases.csv"
seeds    = 2

[[candidates]]
name   = "synthesis"
stages = [{ id = "synthesise", strategy = "k-synthesis", params = { k = [5, 10] } }]

[[candidates]]
name   = "records"
stages = [{ id = "suppress", strategy = "k-anonymization" }]

[[measures]]
measure = "rare-combination-leakage"

[[measures]]
measure = "rows-released"

[[gates]]
measure = "rows-released"
op      = ">="
value   = 0.99
"""


@frozen(kw_only=True)
class Nothing:
    """No parameters."""


def _fails(pair, params, context):
    raise ValueError("could not convert 'Maria Example'")


class Failing:
    @staticmethod
    @hookimpl
    def ctdc_register_measures():
        return [
            Measure(
                name="failing",
                summary="a measure that fails",
                side=Side.RISK,
                better=Better.LOWER,
                unit="share",
                params=Nothing,
                compute=_fails,
            )
        ]


@pytest.fixture
def plan(cases):
    path = Path("plan.toml")
    path.write_text(PLAN, encoding="utf-8")
    return path


def test_a_comparison_by_itself_releases_nothing(ctdc, plan):
    said = ctdc("compare", plan, "--out", "out")

    assert said.code == 0
    assert said.err == ""
    assert Path("out/private/report.html").stat().st_size > 0
    assert not list(Path("out").rglob("data.csv"))


def test_a_comparison_shows_all_controls_and_a_run_two(ctdc, plan):
    whole = ctdc("compare", plan, "--out", "all")
    one = ctdc("run", plan, "--candidate", "synthesis[k=10]", "--out", "one")

    assert all(name in whole.out for name in CONTROLS)
    assert {name for name in CONTROLS if name in one.out} == set(ANCHORS)


def test_what_may_be_released_is_written_where_asked_for(ctdc, plan):
    said = ctdc("compare", plan, "--out", "out", "--write-releases", "--json")

    told = json.loads(said.out)
    assert told["releases"] == ["synthesis[k=10]"]
    assert "misses what the plan asks" in told["refused"]["records"]
    assert {path.parent.name for path in Path("out/release").rglob("release.json")} == set(
        told["releases"]
    )


def test_a_candidate_below_the_codebooks_k_is_compared_and_not_released(ctdc, plan, drawn):
    said = ctdc("compare", plan, "--out", "out", "--write-releases", "--json")

    assert "below the codebook's 10" in json.loads(said.out)["refused"]["synthesis[k=5]"]
    assert not Path("out/release/synthesis[k=5]").exists()
    page = Path("out/private/report.html").read_text(encoding="utf-8")
    assert "synthesis[k=5]" in page


def test_the_private_json_holds_every_score(ctdc, plan):
    ctdc("compare", plan, "--out", "out")

    told = json.loads(Path("out/private/comparison.json").read_text(encoding="utf-8"))

    assert "synthesis[k=10]" in json.dumps(told)


def test_another_data_file_can_be_given(ctdc, plan, cases):
    cases.rename("others.csv")

    assert ctdc("compare", plan, "--out", "out").code == 1
    assert ctdc("compare", plan, "--out", "out", "--data", "others.csv").code == 0


def test_a_measure_that_fails_is_told_by_code_4_without_its_text(ctdc, plan, monkeypatch, drawn):
    found = registry.load(extra={"failing": Failing})
    monkeypatch.setattr(api, "load_registry", lambda without=(): found)
    plan.write_text(PLAN + '[[measures]]\nmeasure = "failing"\n', encoding="utf-8")

    said = ctdc("compare", plan, "--out", "out")

    assert said.code == 4
    everything = said.out + Path("out/private/report.html").read_text(encoding="utf-8")
    assert "ValueError" in everything
    assert "Maria" not in everything


def test_every_problem_of_a_plan_is_told_at_once(ctdc, plan, left):
    text = PLAN.replace("seeds", "sseds").replace('op      = ">="', 'op = "="')
    plan.write_text(text, encoding="utf-8")

    said = ctdc("compare", plan, "--out", "out")

    assert said.code == 1
    assert "did you mean `seeds`" in said.err
    assert "`=` is not one of" in said.err
    assert left() == ["cases.csv", "plan.toml"]


def test_unknown_measures_are_told_with_the_nearest_name(ctdc, plan):
    text = PLAN.replace('measure = "rare-combination-leakage"', 'measure = "rare-leakage"', 1)
    plan.write_text(text, encoding="utf-8")

    said = ctdc("compare", plan, "--out", "out")

    assert said.code == 1
    assert "no measure is called `rare-leakage`" in said.err
    assert "rare-combination-leakage" in said.err
