"""What a notebook calls: from raw records to files, or to nothing at all."""

import csv
import json
import stat
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from attrs import evolve

from ctdc_framework import api
from ctdc_framework.demo.records import fabricate_cases
from ctdc_framework.errors import CtdcError, DataError, Exit, PlanError, ReleaseRefused
from ctdc_framework.language.load import load_codebook
from ctdc_framework.plans.entries import CandidateEntry, StageEntry
from ctdc_framework.plans.plan import Plan, bind_candidates
from ctdc_framework.records.files import raw_of_arrow
from ctdc_framework.records.tables import cell_texts
from ctdc_framework.releases import publish
from ctdc_framework.releases import writing as files

ROWS = 800
SEED = 123_456_789_012_345_678_901_234_567


@pytest.fixture(scope="module")
def registry():
    return api.load_registry()


@pytest.fixture(scope="module")
def ctdc_2021():
    return load_codebook("ctdc-2021")


@pytest.fixture(scope="module")
def cases():
    """Fabricated records with names and case numbers, as they come from a contributor."""
    return fabricate_cases(ROWS, np.random.default_rng(1))


@pytest.fixture(scope="module")
def raw(cases):
    return raw_of_arrow(cases, "cases.csv")


SYNTHESIS = {"k-synthesis": {}}
ROUNDED = {"tabulate": {"length": 2}, "rounding": {}}


@pytest.fixture(scope="module")
def plan_of(ctdc_2021, registry):
    """Make a plan of candidates, each a chain of strategies with parameters, without measures."""

    def chain(strategies):
        return tuple(
            StageEntry(id=f"{number}-{name}", strategy=name, params=params)
            for number, (name, params) in enumerate(strategies.items())
        )

    def make(*, codebook=ctdc_2021, tables=None, **candidates):
        entries = [
            CandidateEntry(name=name, stages=chain(strategies), tables=chain(tables or {}))
            for name, strategies in candidates.items()
        ]
        bound, faults = bind_candidates(entries, codebook, registry)
        assert not faults
        return Plan(codebook=codebook, candidates=tuple(bound), measures=())

    return make


@pytest.fixture
def run(tmp_path, raw, registry):
    """Execute a plan on the fabricated records, into `out` unless told otherwise."""

    def go(plan, out="out", **options):
        return api.execute(
            plan,
            tmp_path / out,
            registry,
            **{"releases": "one", "command": "ctdc run", "raw": raw, **options},
        )

    return go


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def single_counts(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Counter((name, cell) for row in rows for name, cell in row.items() if cell)


# ------------------------------------------------------------------------------------- repeatable


def test_the_same_seed_gives_the_same_bytes_of_every_public_file(tmp_path, run, plan_of):
    plan = plan_of(synthetic=SYNTHESIS, tables=ROUNDED)
    one, two = run(plan, "one", seed=SEED), run(plan, "two", seed=SEED)
    first, second = (contents(tmp_path / out / "release") for out in ("one", "two"))
    assert list(first) == [
        "codebook.html", "codebook.md", "data.csv", "data.parquet", "datapackage.json",
        "release.json", "report.html", "tables/combinations-2.csv", "tables/combinations-2.parquet",
    ]  # fmt: skip
    assert first == second
    assert one.hashes == two.hashes


def test_another_seed_gives_other_records_with_the_same_single_counts(tmp_path, run, plan_of):
    plan = plan_of(synthetic=SYNTHESIS)
    for out, seed in (("one", SEED), ("two", SEED + 1)):
        run(plan, out, seed=seed)
    one, two = (tmp_path / out / "release" / "data.csv" for out in ("one", "two"))
    assert one.read_bytes() != two.read_bytes()
    assert single_counts(one) == single_counts(two)
    assert all(count % 10 == 0 for count in single_counts(one).values())


def test_without_a_seed_one_is_drawn_and_kept_in_private(tmp_path, run, plan_of):
    plan = plan_of(table=ROUNDED)
    run(plan, "one")
    run(plan, "two")
    logs = [
        json.loads((tmp_path / out / "private" / "log.json").read_text(encoding="utf-8"))
        for out in ("one", "two")
    ]
    assert logs[0]["seed"] != logs[1]["seed"]
    assert [log["seed_given"] for log in logs] == [False, False]
    assert "weak-seed" not in {note["code"] for note in logs[0]["notes"]}


# --------------------------------------------------------------------------- what is in the files


def test_nothing_public_holds_a_name_a_case_number_or_the_seed(tmp_path, run, plan_of, cases):
    run(plan_of(synthetic=SYNTHESIS, tables=ROUNDED), seed=SEED)
    secrets = [*cases["name"].to_pylist(), *cases["caseNumber"].to_pylist(), str(SEED)]
    for name, content in contents(tmp_path / "out" / "release").items():
        text = content.decode("utf-8", "replace")
        assert not [secret for secret in secrets if secret in text], name


def test_raw_records_are_in_the_private_part_alone(tmp_path, run, plan_of, cases):
    run(plan_of(table=ROUNDED))
    names = cases["name"].to_pylist()
    holding = [
        name for name, content in contents(tmp_path / "out").items() if names[0].encode() in content
    ]
    assert holding == ["private/raw.csv"]
    path = tmp_path / "out" / "private" / "raw.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(encoding="utf-8", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == names


def test_the_hashes_given_are_those_of_the_files(tmp_path, run, plan_of):
    outcome = run(plan_of(synthetic=SYNTHESIS))
    assert outcome.hashes == {"synthetic": files.digest(tmp_path / "out/release/release.json")}
    assert outcome.out == tmp_path / "out"
    log = json.loads((tmp_path / "out/private/log.json").read_text(encoding="utf-8"))
    assert log["release_json_sha256"] == outcome.hashes


def test_all_that_is_private_is_for_its_owner_only(tmp_path, run, plan_of):
    run(plan_of(table=ROUNDED))
    private = tmp_path / "out" / "private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in private.iterdir()} == {0o600}


# -------------------------------------------------------------------------- what is released at all


def test_tables_that_nothing_protects_are_refused_and_leave_nothing(tmp_path, run, plan_of):
    with pytest.raises(ReleaseRefused) as caught:
        run(plan_of(exact={"tabulate": {"length": 2}}))
    assert caught.value.exit_code is Exit.REFUSED
    assert not list(tmp_path.iterdir())


def test_a_k_larger_than_the_data_is_refused_and_leaves_nothing(tmp_path, run, plan_of):
    with pytest.raises(CtdcError, match=f"k is {ROWS + 1}, more than there are records"):
        run(plan_of(synthetic={"k-synthesis": {"k": ROWS + 1}}))
    assert not list(tmp_path.iterdir())


def test_less_than_the_codebooks_k_is_refused_before_anything_is_read(tmp_path, run, plan_of):
    plan = plan_of(synthetic={"k-synthesis": {"k": 5}})
    broken = raw_of_arrow(pa.table({"x": ["1"]}), "x.csv")
    with pytest.raises(PlanError, match="below ctdc-2021's k = 10"):
        run(plan, raw=broken)
    assert not list(tmp_path.iterdir())


def test_a_comparison_writes_what_may_be_released_and_nothing_else(tmp_path, run, plan_of):
    plan = plan_of(
        rounded=ROUNDED, exact={"tabulate": {"length": 1}}, low={"k-synthesis": {"k": 5}}
    )
    outcome = run(plan, releases="each")
    assert {path.name for path in (tmp_path / "out" / "release").iterdir()} == {
        "rounded", "report.html", "comparison.json",
    }  # fmt: skip
    assert list(outcome.hashes) == ["rounded"]
    reasons = {one.name: one.reason for one in outcome.comparison.verdicts if not one.is_control}
    assert reasons["rounded"] == ""
    assert "no claim that holds" in reasons["exact"]
    assert "compared only" in reasons["low"]


def test_a_comparison_alone_releases_its_public_report_and_no_data(tmp_path, run, plan_of):
    outcome = run(plan_of(rounded=ROUNDED), releases="none")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"release", "private"}
    assert {path.name for path in (tmp_path / "out" / "release").iterdir()} == {
        "report.html", "comparison.json",
    }  # fmt: skip
    assert outcome.hashes == {}


def test_a_run_releases_one_candidate(run, plan_of):
    with pytest.raises(PlanError, match="the plan has 2") as caught:
        run(plan_of(one=ROUNDED, two=ROUNDED))
    assert "--candidate: one, two" in caught.value.help


def test_records_of_which_none_is_known_are_refused_and_leave_nothing(tmp_path, run, plan_of):
    with pytest.raises(DataError):
        run(plan_of(rounded=ROUNDED), raw=raw_of_arrow(pa.table({"x": ["1"]}), "x.csv"))
    assert not list(tmp_path.iterdir())


def test_values_rarer_than_the_plans_largest_k_are_not_told(run, plan_of, cases):
    """The codebook's k is 10; where a candidate asks for 50, 49 records are few."""
    gender = ["Alien"] * 49 + cases["gender"].to_pylist()[49:]
    number = cases.column_names.index("gender")
    odd = raw_of_arrow(cases.set_column(number, "gender", pa.array(gender)), "cases.csv")
    with pytest.raises(DataError, match="fewer than 50 rows") as caught:
        run(plan_of(synthetic={"k-synthesis": {"k": 50}}), raw=odd)
    assert "Alien" not in str(caught.value)


# ------------------------------------------------------------------------------------ where it goes


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, ValueError])
@pytest.mark.parametrize("where", ["write_parquet", "write_manifest", "write_private", "write_raw"])
def test_a_run_that_is_stopped_leaves_nothing(tmp_path, monkeypatch, run, plan_of, stop, where):
    def fail(*_args):
        raise stop

    monkeypatch.setattr(publish.report, "as_html", lambda *_: "")
    monkeypatch.setattr(files, where, fail)
    with pytest.raises(CtdcError if stop is OSError else stop):
        run(plan_of(suppressed={"k-anonymization": {"method": "cells"}}))
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_told_before_the_data_are_read(tmp_path, run, plan_of):
    (tmp_path / "out").mkdir()
    broken = raw_of_arrow(pa.table({"x": ["1"]}), "x.csv")
    with pytest.raises(CtdcError, match="is there already"):
        run(plan_of(rounded=ROUNDED), raw=broken)


def test_an_earlier_run_is_replaced_as_a_whole_where_that_is_asked_for(tmp_path, run, plan_of):
    run(plan_of(one=ROUNDED, two=ROUNDED), releases="each")
    with pytest.raises(CtdcError, match="is there already"):
        run(plan_of(rounded=ROUNDED))
    run(plan_of(rounded=ROUNDED), force=True)
    assert {path.name for path in (tmp_path / "out" / "release").iterdir()} == {
        "codebook.html", "codebook.md", "datapackage.json", "release.json", "report.html", "tables",
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_does_not_replace_the_folder_that_its_data_are_in(tmp_path, run, plan_of):
    plan = plan_of(rounded=ROUNDED)
    run(plan)
    data = tmp_path / "out" / "private" / "raw.csv"
    with pytest.raises(CtdcError, match="holds the data file"):
        run(evolve(plan, data=data), raw=None, force=True)
    assert data.exists()


def test_a_run_from_a_file_is_that_of_its_records(tmp_path, run, plan_of, cases):
    from pyarrow import csv as arrow_csv

    arrow_csv.write_csv(cases, tmp_path / "cases.csv")
    plan = evolve(plan_of(rounded=ROUNDED), data=tmp_path / "cases.csv")
    run(plan, "from-file", raw=None, seed=SEED)
    run(plan, "from-memory", seed=SEED)
    assert contents(tmp_path / "from-file/release") == contents(tmp_path / "from-memory/release")
    assert not (tmp_path / "from-file" / "private" / "raw.csv").exists()
    log = json.loads((tmp_path / "from-file/private/log.json").read_text(encoding="utf-8"))
    assert log["data"] == {
        "name": "cases.csv",
        "sha256": files.digest(tmp_path / "cases.csv"),
        "records": ROWS,
    }


def test_a_plan_without_data_is_told(run, plan_of):
    with pytest.raises(DataError, match="names no data file"):
        run(plan_of(rounded=ROUNDED), raw=None)


# ---------------------------------------------------------------------------------- preparing alone


@pytest.fixture
def prepared(file_of, toy, registry):
    path = file_of(
        "caseNumber,year,gender,age,means,farm\n"
        "C-1,2019,Female,17,Violence;Debt,1\nC-2,2020,NULL,30,,\n",
        ".csv",
    )
    return api.prepare(path, toy, registry)[0]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.CSV"])
def test_prepared_records_are_written_for_their_owner_and_read_again(
    tmp_path, prepared, toy, registry, name
):
    out = tmp_path / name
    api.write_prepared(prepared, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [name]
    again, raw = api.prepare(out, toy, registry)
    assert list(raw.columns) == list(toy.variables)
    assert {n: list(c) for n, c in cell_texts(again.table).items()} == {
        "year": ["2019", "2020"],
        "gender": ["Female", None],
        "ageBroad": ["0--17", "30+"],
        "means": ["Debt;Violence", None],
        "forced": ["1", None],
    }


def test_prepared_records_are_written_over_a_file_only_where_that_is_asked_for(tmp_path, prepared):
    out = tmp_path / "a.csv"
    out.write_text("before")
    with pytest.raises(CtdcError, match="is there already"):
        api.write_prepared(prepared, out)
    assert out.read_text() == "before"
    api.write_prepared(prepared, out, force=True)
    assert out.read_text().startswith("year,gender")


@pytest.mark.parametrize("name", ["a.doc", "a", "a.csv.gz", "a.tsv"])
def test_prepared_records_are_written_in_formats_that_are_known_only(tmp_path, prepared, name):
    with pytest.raises(CtdcError, match=r"as \.csv or \.parquet"):
        api.write_prepared(prepared, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("writer", ["write_csv", "write_parquet"])
def test_a_full_disk_leaves_no_prepared_records(tmp_path, monkeypatch, prepared, writer):
    def fail(_table, path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, writer, fail)
    with pytest.raises(CtdcError, match="No space left"):
        api.write_prepared(prepared, tmp_path / ("a" + writer.replace("write_", ".")))
    assert not list(tmp_path.iterdir())


def test_how_a_file_is_read_can_be_chosen(file_of, toy, registry):
    path = file_of("year;gender;ageBroad;means;forced;x\n2019;Alien;;;;y\n", ".csv")
    for reading in (
        api.Reading(),
        api.Reading(delimiter=";"),
        api.Reading(delimiter=";", drop_unknown=True),
    ):
        with pytest.raises(DataError):
            api.prepare(path, toy, registry, reading)
    reading = api.Reading(delimiter=";", drop_unknown=True, on_unknown="missing")
    prepared, _ = api.prepare(path, toy, registry, reading)
    assert prepared.table.frame["gender"].isna().all()


def test_what_is_told_can_be_made_coarser(file_of, toy, registry):
    rows = "2019,Alien,,,\n" * 4
    path = file_of(f"year,gender,ageBroad,means,forced\n{rows}", ".csv")
    with pytest.raises(DataError, match="Alien"):
        api.prepare(path, toy, registry)
    with pytest.raises(DataError) as caught:
        api.prepare(path, toy, registry, tell=5)
    assert "Alien" not in str(caught.value)


# ------------------------------------------------------------------------------------------- plans

PLAN = """
[plan]
codebook = "minimal"

[[candidates]]
name   = "one"
stages = [ { id = "s", strategy = "k-anonymization" } ]

[[candidates]]
name   = "two"
stages = [ { id = "s", strategy = "k-synthesis" } ]
"""


def test_one_candidate_of_a_plan_can_be_chosen(file_of, registry):
    path = file_of(PLAN)
    assert [one.name for one in api.read_plan(path, registry).candidates] == ["one", "two"]
    chosen = api.read_plan(path, registry, "two")
    assert api.the_candidate(chosen).name == "two"


def test_a_candidate_that_is_not_there_is_told_with_the_nearest(file_of, registry):
    with pytest.raises(PlanError, match="no candidate `tow`") as caught:
        api.read_plan(file_of(PLAN), registry, "tow")
    assert "did you mean `two`?" in caught.value.help
    with pytest.raises(PlanError) as caught:
        api.read_plan(file_of(PLAN), registry, "xyz")
    assert caught.value.help == "there are one, two"
