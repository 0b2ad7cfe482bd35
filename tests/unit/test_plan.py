"""A plan is checked before data are read: sweeps, shapes, names, and k."""

import shutil

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ctdc_framework.errors import CodebookError, CtdcError, PlanError
from ctdc_framework.language.load import load_codebook
from ctdc_framework.loading import registry
from ctdc_framework.plans.entries import CandidateEntry, StageEntry
from ctdc_framework.plans.plan import (
    Candidate,
    bind_candidates,
    load_plan,
    refuse_below_k,
)
from ctdc_framework.plugin import hookimpl

PLAN = """\
[plan]
codebook = "minimal"
seeds    = 2

[[candidates]]
name   = "synthesis"
stages = [{ id = "make", strategy = "k-synthesis", params = { k = [10, 20] } }]
tables = [{ id = "count", strategy = "tabulate" }, { id = "round", strategy = "rounding" }]

[[candidates]]
name   = "left-out"
stages = [{ id = "drop", strategy = "k-anonymization", params = { keys = ["gender"] } }]

[[measures]]
measure = "rare-combination-leakage"
params  = { length = 2 }

[[gates]]
measure = "rare-combination-leakage"
op      = "=="
value   = 0
"""

INSTALLED = registry.load()
MEASURE = 'measure = "rare-combination-leakage"'


def test_sweeps_are_spread_out_and_every_candidate_has_a_name_of_its_own(file_of):
    plan = load_plan(file_of(PLAN), INSTALLED)
    names = [candidate.name for candidate in plan.candidates]
    assert names == ["synthesis[k=10]", "synthesis[k=20]", "left-out"]
    assert [candidate.stages[0].params.k for candidate in plan.candidates] == [10, 20, 10]
    assert [len(candidate.tables) for candidate in plan.candidates] == [2, 2, 0]
    assert plan.candidates[2].stages[0].params.keys == ("gender",)
    assert plan.seeds == 2
    assert plan.data is None
    assert [bound.params.length for bound in plan.measures] == [2]


def test_a_scenario_is_taken_as_stated_and_left_out_follows_the_roles(file_of):
    plan = load_plan(file_of(PLAN), INSTALLED)
    quasi = tuple(name for name, one in plan.codebook.variables.items() if one.is_quasi)
    assert plan.scenario.known_in(plan.codebook) == quasi
    assert not set(quasi) & set(plan.scenario.sensitive_in(plan.codebook))
    assert plan.scenario.groups == ()


@pytest.mark.parametrize(
    ("scenario", "code", "says"),
    [
        ('known = ["gender", «"gendre"]', "PL205", "`known` names `gendre`, which is no variable"),
        ('groups = ["gender", «"gender"]', "PL024", "`groups` names `gender` twice"),
        (
            'known = ["gender"]\nsensitive = [«"gender"]',
            "PL027",
            "`gender` is known to",
        ),
        ('sensitive = [«"gender"]', "PL027", "`gender` is known to"),
        ('knows = «["gender"]', "PL010", "unknown key `knows`"),
    ],
)
def test_a_mistake_in_a_scenario_is_told_where_it_stands(scenario, code, says, marked):
    text = PLAN.replace("[[candidates]]", f"[scenario]\n{scenario}\n\n[[candidates]]", 1)
    if code == "PL010":
        text = text.replace("knows = «", "«knows = ")
    path, place = marked(text)
    with pytest.raises(PlanError) as caught:
        load_plan(path, INSTALLED)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert says in problem.message
    assert (problem.place.line, problem.place.column) == place


def test_a_plan_says_which_share_is_withheld_and_by_itself_none_is(file_of):
    assert load_plan(file_of(PLAN), INSTALLED).holdout == 0
    text = PLAN.replace("seeds    = 2", "holdout = 0.2")
    assert load_plan(file_of(text), INSTALLED).holdout == 0.2


def test_by_itself_a_plan_attacks_withheld_records_only_where_there_are_any(file_of):
    text = PLAN[: PLAN.index("[[measures]]")]
    for share in ("", "holdout = 0.2"):
        plan = load_plan(file_of(text.replace("seeds    = 2", share)), INSTALLED)
        assert any(one.measure.holdout for one in plan.measures) == bool(share)


def test_two_sweeps_give_each_pair_of_values(file_of):
    text = PLAN.replace(
        'strategy = "tabulate"', 'strategy = "tabulate", params = { length = [1, 2] }'
    )
    names = [candidate.name for candidate in load_plan(file_of(text), INSTALLED).candidates]
    assert names[:4] == [f"synthesis[k={k},length={length}]" for k in (10, 20) for length in (1, 2)]


@pytest.fixture
def presets():
    """A registry whose one strategy has presets, as a plugin's may."""
    strategy = evolve(
        INSTALLED.strategy("k-anonymization"), name="mine",
        presets={"coarse": {"k": 20, "keys": ["gender"]}, "both": {"k": [10, 20]}},
    )  # fmt: skip

    class Plugin:
        @hookimpl
        def ctdc_register_strategies(self):
            return [strategy]

    return registry.load(extra={"mine": Plugin()})


def with_preset(inside):
    stage = 'strategy = "k-anonymization", params = { keys = ["gender"] }'
    assert stage in PLAN
    return PLAN.replace(stage, f'strategy = "mine", {inside}')


def of_last(plan):
    return [one for one in plan.candidates if one.name.startswith("left-out")]


def test_a_preset_sets_what_the_plan_does_not(file_of, presets):
    (one,) = of_last(load_plan(file_of(with_preset('preset = "coarse"')), presets))
    (stage,) = one.stages
    assert (stage.params.k, stage.params.keys) == (20, ("gender",))

    text = with_preset('preset = "coarse", params = { k = [10, 30] }')
    several = of_last(load_plan(file_of(text), presets))
    assert [one.name for one in several] == ["left-out[k=10]", "left-out[k=30]"]
    assert {one.stages[0].params.keys for one in several} == {("gender",)}


def test_a_preset_may_be_a_sweep(file_of, presets):
    plan = load_plan(file_of(with_preset('preset = "both"')), presets)
    assert [one.name for one in of_last(plan)] == ["left-out[k=10]", "left-out[k=20]"]


@pytest.mark.parametrize(
    ("strategy", "name", "help"),
    [("mine", "coars", "`coarse`"), ("k-anonymization", "coarse", "set its parameters")],
)
def test_a_preset_that_there_is_not_is_told_where_it_stands(strategy, name, help, marked, presets):
    text = with_preset(f'preset = «"{name}"').replace('"mine"', f'"{strategy}"')
    path, place = marked(text)
    with pytest.raises(PlanError) as caught:
        load_plan(path, presets)
    (problem,) = caught.value.problems
    assert problem.code == "PL013"
    assert f"`{strategy}` has no preset `{name}`" in problem.message
    assert help in problem.help
    assert (problem.place.line, problem.place.column) == place


def test_what_the_codebook_decides_is_filled_in(file_of):
    plan = load_plan(file_of(PLAN.replace("params = { k = [10, 20] }", "params = {}")), INSTALLED)
    synthesis = plan.candidates[0]
    assert synthesis.name == "synthesis"
    assert synthesis.stages[0].params.k == plan.codebook.k == 10
    assert synthesis.tables[1].params.base == plan.codebook.privacy.round_to
    assert synthesis.tables[1].params.threshold == 10


def test_below_the_codebooks_k_a_candidate_is_marked_and_never_released(file_of):
    plan = load_plan(file_of(PLAN.replace("[10, 20]", "[9, 10]")), INSTALLED)
    below, at = plan.candidates[:2]
    assert (below.below_k, at.below_k) == (True, False)
    assert below.largest_k == at.largest_k == 10  # the tables' threshold counts too
    with pytest.raises(PlanError, match="k = 10"):
        refuse_below_k(below, plan.codebook)
    refuse_below_k(at, plan.codebook)
    threshold = PLAN.replace(
        'strategy = "rounding"', 'strategy = "rounding", params = { threshold = 5 }'
    )
    assert load_plan(file_of(threshold), INSTALLED).candidates[1].below_k


def test_a_base_below_k_is_fine_where_the_threshold_is_not(file_of):
    text = PLAN.replace('strategy = "rounding"', 'strategy = "rounding", params = { base = 5 }')
    assert not load_plan(file_of(text), INSTALLED).candidates[0].below_k


def test_without_measures_every_measure_without_needs_is_taken(file_of):
    text = PLAN[: PLAN.index("[[measures]]")]
    plan = load_plan(file_of(text), INSTALLED)
    assert len(plan.measures) > 3
    assert Candidate(name="empty").largest_k == 0


@pytest.mark.parametrize(
    ("old", "new", "code", "says", "help"),
    [
        ("seeds    = 2", "seeds = «0", "PL019", "`seeds` must be >= 1", ""),
        ("seeds    = 2", "holdout = «0.6", "PL019", "`holdout` must be <= 0.5", ""),
        ("seeds    = 2", "«seed = 2", "PL010", "unknown key `seed`", "`seeds`"),
        ('"minimal"', '«"minmal"', "PL020", "no codebook is called `minmal`", "`minimal`"),
        ('"minimal"', '«"nix.toml"', "PL020", "there is no file", "path"),
        ('"minimal"', '«"a\\u0000.toml"', "PL020", "no file's name", ""),
        ('"k-synthesis"', '«"k-sinthesis"', "PL020",
         "candidate `synthesis`, stage `make`: no strategy is called", "mean `k-synthesis`"),
        ("k = [10, 20]", "«kk = 10", "PL010", "stage `make`: unknown key `kk`", ""),
        ("k = [10, 20]", "«kk = [10, 20]", "PL010", "stage `make`: unknown key `kk`", ""),
        ("k = [10, 20]", 'k = «"x"', "PL012", "stage `make`: `k` must be a whole number", ""),
        ("[10, 20]", '[10, «"x", 20]', "PL012", "stage `make`: `k` must be a whole number", ""),
        ("[10, 20]", "[10, «1]", "PL019", "`k` must be >= 2", ""),
        ("[10, 20]", "«[]", "PL012", "`k` is an empty list", "value"),
        ("[10, 20]", "[10, «10]", "PL024", "`k` is swept over 10 twice", "remove"),
        ("[10, 20]", "[10, «0x" + "f" * 5000 + "]", "PL019", "cannot be part of a folder", ""),
        ("k = [10, 20]", "mode = [«'../x']", "PL019", "cannot be part of a folder", ""),
        ('keys = ["gender"]', 'keys = ["gender", «"gendre"]', "PL205", "names `gendre`", ""),
        ('[{ id = "count"', '[«{ id = "first", strategy = "rounding" }, { id = "count"', "PL022",
         "candidate `synthesis`, stage `first`: `rounding` takes counts, and gets records",
         "tabulate"),
        (', { id = "round", strategy = "rounding" }', ', «{ id = "x", strategy = "k-synthesis" }',
         "PL022", "`k-synthesis` takes records, and gets counts here", "earlier"),
        ('id = "round"', 'id = "count"', "PL024", "has two stages called `count`", "rename"),
        ('name   = "left-out"', 'name = «"SYNTHESIS"', "PL024", "another candidate", ""),
        ('name   = "left-out"', 'name = «"a/b"', "PL019", "`name` is up to 64", ""),
        (f"{MEASURE}\nparams", 'measure = «"rare-leakage"\nparams', "PL021",
         "measure `rare-leakage`: no measure is called", "rare-combination-leakage"),
        ("length = 2", "length = «7", "PL019", "measure `rare-combination-leakage`: `length`", ""),
        (f"{MEASURE}\nop", 'measure = «"rows"\nop', "PL023",
         "gate `rows` looks at what this plan does not measure", "rare-combination-leakage"),
        ("[[gates]]", "[[measures]]\nmeasure = «" + MEASURE[10:] + "\n[[gates]]", "PL024",
         "measures `rare-combination-leakage` twice", "remove"),
        ('op      = "=="', 'op = «"="', "PL013", "op `=` is not one of ==, <=", "write one of"),
        ("value   = 0", "value = «nan", "PL019", "`value` must be a number", ""),
        ("value   = 0", "value = «true", "PL012", "`value` must be a number", ""),
        ('[[candidates]]\nname   = "syn', '[[«candidats]]\nname = "syn', "PL010", "candidats", ""),
        ('id = "make", ', "", "PL011", "a stage without `id`: `id` is missing", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_name_and_where_it_stands(old, new, code, says, help, marked, file_of):
    assert PLAN.count(old) == 1, old
    text = PLAN.replace(old, new)
    path, place = marked(text) if "«" in text else (file_of(text), None)
    with pytest.raises(PlanError) as caught:
        load_plan(path, INSTALLED)
    # A measure that is not known cannot be gated either: the first problem is the one.
    problem = caught.value.problems[0]
    assert problem.code == code
    assert says in problem.message
    assert help in problem.help
    if place:
        assert (problem.place.line, problem.place.column) == place


def test_all_mistakes_of_a_plan_come_in_one_run(file_of):
    text = PLAN.replace("[10, 20]", '["x", 1]').replace('"gender"', '"gender", "gendre"')
    text = text.replace("length = 2", "length = 0")
    text = text.replace('leakage"\nop', 'leak"\nop').replace('"tabulate"', '"tabulat"')
    with pytest.raises(PlanError) as caught:
        load_plan(file_of(text), INSTALLED)
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["PL012", "PL019", "PL020", "PL205", "PL019", "PL023"]


def test_sweeps_that_give_too_many_candidates_are_refused_at_once(file_of):
    values = ", ".join(map(str, range(10, 410)))
    for text in (
        PLAN.replace("[10, 20]", f"[{values}, {', '.join(map(str, range(410, 1000)))}]"),
        PLAN.replace("[10, 20]", f"[{values}]").replace(
            'strategy = "tabulate"', 'strategy = "tabulate", params = { length = [1, 2] }'
        ),
    ):
        with pytest.raises(PlanError, match="more than 500") as caught:
            load_plan(file_of(text), INSTALLED)
        assert caught.value.problems[0].code == "PL026"


def test_a_candidate_without_steps_is_none(file_of):
    text = PLAN.replace('stages = [{ id = "drop"', 'note = 1\nx = [{ id = "drop"')
    with pytest.raises(PlanError):
        load_plan(file_of(text), INSTALLED)
    empty = CandidateEntry(name="empty")
    _, (fault,) = bind_candidates([empty], load_codebook("minimal"), INSTALLED)
    assert "neither stages nor tables" in fault.message


def test_tables_end_in_counts_and_stand_beside_records(toy):
    count, round_ = (StageEntry(id=name, strategy=name) for name in ("tabulate", "rounding"))
    synthesis = StageEntry(id="s", strategy="k-synthesis")
    for wrong in (
        CandidateEntry(name="a", tables=(synthesis,)),
        CandidateEntry(name="b", stages=(count, round_), tables=(
            StageEntry(id="c", strategy="tabulate"),)),
    ):  # fmt: skip
        _, (fault,) = bind_candidates([wrong], toy, INSTALLED)
        assert (fault.kind, fault.path) == ("022", ("candidates", 0, "tables"))
    right = CandidateEntry(name="c", stages=(synthesis,), tables=(count, round_))
    (candidate,), faults = bind_candidates([right], toy, INSTALLED)
    assert faults == []
    assert candidate.stochastic


def test_what_may_not_be_blanked_is_kept_from_strategies_that_blank(toy_text, codebook_of):
    protecting = toy_text.replace('definition = "Gender."', 'definition = ""\nprotected = true')
    entry = CandidateEntry(name="s", stages=(StageEntry(id="s", strategy="k-synthesis"),))
    _, (fault,) = bind_candidates([entry], codebook_of(protecting), INSTALLED)
    assert "gender may not be blanked" in fault.message
    assert fault.path == ("candidates", 0, "stages", 0, "strategy")


def test_a_codebook_is_looked_for_beside_the_plan_and_not_where_the_command_runs(
    tmp_path, monkeypatch, toy_text
):
    (tmp_path / "plans").mkdir()
    plan = tmp_path / "plans" / "plan.toml"
    plan.write_text(PLAN.replace('"minimal"', '"mine.toml"').replace('"gender"', '"year"'))
    (tmp_path / "mine.toml").write_text(toy_text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlanError, match="there is no file"):
        load_plan(plan, INSTALLED)
    shutil.move(tmp_path / "mine.toml", tmp_path / "plans" / "mine.toml")
    assert load_plan(plan, INSTALLED).codebook.id == "toy"


def test_problems_of_the_codebook_are_told_in_the_codebook(tmp_path, toy_text):
    (tmp_path / "mine.toml").write_text(toy_text.replace("k        = 3", "k = 1"))
    (tmp_path / "plan.toml").write_text(PLAN.replace('"minimal"', '"mine.toml"'))
    with pytest.raises(CodebookError) as caught:
        load_plan(tmp_path / "plan.toml", INSTALLED)
    assert caught.value.problems[0].place.file.endswith("mine.toml")


def test_data_are_looked_for_beside_the_plan(file_of):
    path = file_of(PLAN.replace("seeds    = 2", 'data = "cases.csv"'))
    assert load_plan(path, INSTALLED).data == path.parent / "cases.csv"


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_changed_plan_gives_problems_and_no_traceback(data, file_of):
    lines = PLAN.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["delete", "double", "value", "character"]))
        if change == "delete":
            lines[at] = ""
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "value" and "=" in lines[at]:
            odd = ["1", "-1", "nan", "[]", "[1]", "[[]]", "{}", '""', '"x"', "true", "[{}]"]
            parts = lines[at].split("=")
            which = data.draw(st.integers(1, len(parts) - 1))
            parts[which:] = [data.draw(st.sampled_from(odd)) + "".join(parts[which][-2:])]
            lines[at] = "=".join(parts)
        elif change == "character" and lines[at]:
            place = data.draw(st.integers(0, len(lines[at]) - 1))
            lines[at] = lines[at][:place] + data.draw(st.text(max_size=2)) + lines[at][place + 1 :]
    path = file_of("\n".join(lines).encode("utf-8", "replace"))
    try:
        plan = load_plan(path, INSTALLED)
    except CtdcError as error:
        told = str(error)
    else:
        told = "".join(candidate.name for candidate in plan.candidates)
        assert len({one.name for one in plan.candidates}) == len(plan.candidates)
    assert told


def test_what_counts_records_is_refused_where_k_counts_subjects(toy_text, codebook_of):
    text = toy_text.replace("round_to = 3", 'round_to = 3\nsubject = "caseNumber"')
    entry = CandidateEntry(name="a", stages=(StageEntry(id="s", strategy="k-synthesis"),))
    _, (fault,) = bind_candidates([entry], codebook_of(text), INSTALLED)
    assert fault.kind == "027"
    assert "`k-synthesis` counts records, and the codebook's k counts subjects" in fault.message
    assert "`caseNumber`" in fault.message
