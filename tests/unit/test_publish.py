"""Publishing: what stands in the files is what was judged, and it is judged on the files."""

import hashlib
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attrs import evolve

from ctdc_framework.contract.results import Note, Release, Severity, StageRecord
from ctdc_framework.errors import Exit, ReleaseRefused
from ctdc_framework.loading.registry import load
from ctdc_framework.plugin import hookimpl
from ctdc_framework.preparation.prepare import Prepared
from ctdc_framework.promises.claims import (
    DifferentialPrivacy,
    MaxDeviation,
    MultipleOf,
    NoClaim,
    RecordSupport,
    SingleCounts,
    Threshold,
)
from ctdc_framework.records.items import original_of
from ctdc_framework.records.tables import Shape, table_of_codes
from ctdc_framework.releases import publish
from ctdc_framework.releases import writing as files
from ctdc_framework.runs.compare import Comparison, Verdict

K = 3
SEED = 98_765_432_109_876_543_210_987_654_321


@pytest.fixture(scope="module")
def registry():
    return load()


@pytest.fixture
def records(toy):
    """Three records of each of two kinds: as they are, they may be published with k = 3."""
    kinds = [[0, 0, 0, 0, -1, 0, 0], [1, 1, -1, -1, 0, -1, -1]]
    return table_of_codes(toy, toy.columns, np.repeat(np.array(kinds), K, axis=0))


@pytest.fixture
def counts(toy):
    codes = np.array([[-1] * 7, [0, 0, -1, -1, -1, -1, -1], [-1, 1, -1, -1, 0, -1, -1]])
    return table_of_codes(toy, toy.columns, codes, np.array([6, 3, 3]))


def stage(name, part, *claims):
    return StageRecord(
        stage=name, part=part, strategy=name, plugin="ctdc-framework", version="1", contract=1,
        params={}, claims=claims, rows_in=6, rows_out=6, seconds=0.1,
    )  # fmt: skip


@pytest.fixture
def release(records, counts):
    promised = (MultipleOf(base=K), Threshold(k=K), MaxDeviation(d=K - 1))
    return Release(
        name="safe",
        records=records,
        tables=counts,
        tables_length=2,
        stages=(
            stage("copy", Shape.RECORDS, RecordSupport(k=K), SingleCounts(k=K)),
            stage("count", Shape.COUNTS, NoClaim(reason="exact")),
            stage("round", Shape.COUNTS, *promised),
        ),
    )


@pytest.fixture
def check(tmp_path, records, registry):
    """Write and check a release against the records, or others."""

    def go(release, original=records):
        return publish.write_checked(
            tmp_path / "release", release, original_of(original), original.codebook, registry
        )

    return go


def test_what_holds_is_written_with_its_claims(tmp_path, check, release):
    judged, digest = check(release)
    assert {str(claim) for claim in judged.claims} == {
        "record-support(k=3)", "single-counts(k=3)", "multiple-of(base=3)", "threshold(k=3)",
        "max-deviation(d=2)",
    }  # fmt: skip
    manifest = tmp_path / "release" / "release.json"
    assert digest == hashlib.sha256(manifest.read_bytes()).hexdigest()
    told = json.loads(manifest.read_text(encoding="utf-8"))
    assert [one["claim"] for one in told["claims"]] == [str(claim) for claim in judged.claims]


# ------------------------------------------------------------------ a writer that writes wrongly


def spoil_csv(change):
    write = files.write_csv

    def spoilt(table, path):
        write(table, path)
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return "write_csv", spoilt


def spoil_parquet(change):
    write = files.write_parquet

    def spoilt(table, path):
        write(table, path)
        pq.write_table(change(pq.read_table(path)), path)

    return "write_parquet", spoilt


def swap_rows(table):
    return pa.concat_tables([table.slice(1), table.slice(0, 1)])


def set_gender(table):
    cells = table["gender"].to_pylist()
    return table.set_column(1, "gender", pa.array([*cells[:-1], None], pa.string()))


SPOILT = {
    "a cell changed": spoil_csv(lambda text: text.replace("Female", "Male", 1)),
    "a cell lost": spoil_csv(lambda text: text.replace("Female", "", 1)),
    "a cell more": spoil_csv(lambda text: text.replace("Male,", "Male,30+", 1)),
    "a part of a cell lost": spoil_csv(lambda text: text.replace("Debt;Violence", "Debt", 1)),
    "a row lost": spoil_csv(lambda text: text[: text.rstrip().rindex("\n") + 1]),
    "a row twice": spoil_csv(lambda text: text + text.splitlines()[-1] + "\n"),
    "two columns exchanged": spoil_csv(lambda text: text.replace("year,gender", "gender,year")),
    "a column renamed": spoil_csv(lambda text: text.replace("gender", "name")),
    "a cell beyond the last column": spoil_csv(lambda text: text.rstrip() + ",Zuzana\n"),
    "a count changed": spoil_csv(lambda text: re.sub(r",3\n$", ",6\n", text)),
    "Parquet: a cell changed": spoil_parquet(set_gender),
    "Parquet: rows in another order": spoil_parquet(swap_rows),
    "Parquet: a row lost": spoil_parquet(lambda table: table.slice(1)),
    "Parquet: a column renamed": spoil_parquet(
        lambda table: table.rename_columns(["name", *table.column_names[1:]])
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_file_that_holds_something_else_is_refused(tmp_path, monkeypatch, check, release, what):
    monkeypatch.setattr(files, *SPOILT[what])
    with pytest.raises(ReleaseRefused, match="nothing was kept") as caught:
        check(release)
    assert caught.value.exit_code is Exit.REFUSED
    assert not (tmp_path / "release" / "release.json").exists()
    assert "Zuzana" not in str(caught.value)


@pytest.mark.parametrize("without", ["records", "tables"])
def test_a_part_by_itself_is_read_back_too(monkeypatch, check, release, without):
    monkeypatch.setattr(files, *spoil_csv(lambda text: text.replace("Female", "Male", 1)))
    with pytest.raises(ReleaseRefused, match="nothing was kept"):
        check(evolve(release, **{without: None}))


# --------------------------------------------------------------------- a release that is not safe


def test_a_claim_that_does_not_hold_on_the_files_is_refused(tmp_path, check, release, records):
    rarer = records.with_frame(records.frame[1:])
    with pytest.raises(ReleaseRefused, match=r"record-support\(k=3\) does not hold"):
        check(release, rarer)
    assert not (tmp_path / "release" / "release.json").exists()


def test_a_count_that_is_no_multiple_is_refused(check, release, counts):
    wrong = counts.with_codes(counts.codes, np.array([6, 3, 4]))
    with pytest.raises(ReleaseRefused, match=r"multiple-of\(base=3\) does not hold"):
        check(evolve(release, tables=wrong))


def test_a_release_that_promises_nothing_is_refused(tmp_path, check, release):
    nothing = evolve(
        release, records=None, stages=(stage("count", Shape.COUNTS, NoClaim(reason="exact")),)
    )
    with pytest.raises(ReleaseRefused, match="no claim that holds protects"):
        check(nothing)
    assert not (tmp_path / "release" / "release.json").exists()


def test_tables_that_promise_nothing_are_refused_beside_records_that_do(check, release):
    with pytest.raises(ReleaseRefused, match="protects the counts"):
        check(evolve(release, stages=release.stages[:2]))


# ---------------------------------------------------------------------------------- a whole run


@pytest.fixture
def job(records, registry):
    return publish.Job(
        command="ctdc run",
        seed=SEED,
        seed_given=True,
        data="cases.csv",
        data_sha256="abc",
        prepared=Prepared(table=records, details={"rules_skipped": ["x"]}),
        registry=registry,
        seconds={"prepare": 0.12345},
    )


@pytest.fixture
def comparison(toy, records, release):
    return Comparison(
        codebook=toy,
        original=records,
        measures=(),
        verdicts=(
            Verdict(name="safe"),
            Verdict(name="unsafe", may_release=False, reason="it is not"),
        ),
        rows=(),
        releases={"safe": release},
    )


@pytest.fixture
def no_page(monkeypatch):
    """Leave the page out: what it looks like is another test's."""
    monkeypatch.setattr(publish.report, "as_html", lambda *_: "<p>")
    monkeypatch.setattr(publish.report, "as_json", lambda *_: {})


@pytest.mark.usefixtures("no_page")
def test_a_run_leaves_a_release_and_a_private_part(tmp_path, comparison, job, release):
    hashes = publish.publish(comparison, job, tmp_path, releases=[(release, tmp_path / "release")])
    there = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert there == [
        "private/DO-NOT-PUBLISH.txt", "private/comparison.json", "private/log.json",
        "private/report.html", "release/codebook.html", "release/codebook.md",
        "release/data.csv", "release/data.parquet", "release/datapackage.json",
        "release/release.json", "release/report.html", "release/tables/combinations-2.csv",
            "release/tables/combinations-2.parquet",
    ]  # fmt: skip
    assert hashes == {"safe": files.digest(tmp_path / "release" / "release.json")}


@pytest.mark.usefixtures("no_page")
def test_what_became_of_each_cell_is_told_where_all_stages_name_the_records(
    tmp_path, comparison, job, release
):
    named = evolve(release, kept_rows=np.arange(6)[::-1])
    one, other = tmp_path / "one", tmp_path / "other"
    publish.publish(comparison, job, one, releases=[(named, one / "release")])
    publish.publish(comparison, job, other, releases=[(named, other / "release" / "a")])
    paths = sorted(path for path in tmp_path.rglob("*suppressed*"))
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "one/private/suppressed.parquet", "other/private/suppressed-a.parquet"
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    assert len({path.read_bytes() for path in paths}) == 1
    assert pq.read_table(paths[0]).column_names == [
        "year", "gender", "ageBroad", "means", "forced"
    ]  # fmt: skip


@pytest.mark.usefixtures("no_page")
def test_the_private_log_tells_how_to_replay_a_release(tmp_path, comparison, job, release):
    publish.publish(comparison, job, tmp_path, releases=[(release, tmp_path / "release")])
    log = json.loads((tmp_path / "private" / "log.json").read_text(encoding="utf-8"))
    assert log["seed"] == str(SEED)
    assert log["data"] == {"name": "cases.csv", "sha256": "abc", "records": 6}
    assert log["codebook"]["sha256"] == comparison.codebook.digest
    assert log["prepare"] == {"rules_skipped": ["x"]}
    assert log["release_json_sha256"] == {
        "safe": files.digest(tmp_path / "release" / "release.json")
    }
    assert [one["name"] for one in log["candidates"]] == ["safe", "unsafe"]
    assert set(log["versions"]) >= {"python", "numpy", "pandas", "pyarrow", "ctdc-framework"}


@pytest.mark.usefixtures("no_page")
def test_no_report_about_the_original_lies_beside_what_is_private_by_design(
    tmp_path, comparison, job, release
):
    private = DifferentialPrivacy(epsilon=1.0)
    counts = evolve(release.stages[-1], claims=(private,))
    release = evolve(release, records=None, stages=(counts,), claims=(private,))
    job = evolve(job, accept="audited")

    publish.publish(comparison, job, tmp_path, releases=[(release, tmp_path / "release")])

    assert (tmp_path / "release" / "release.json").exists()
    assert not (tmp_path / "release" / "report.html").exists()
    assert (tmp_path / "private" / "report.html").exists()


@pytest.mark.usefixtures("no_page")
def test_plugins_are_told_of_what_was_written_and_passed(tmp_path, comparison, job, release):
    told = []

    class Book:
        @hookimpl
        def ctdc_release_written(self, release, codebook, manifest):
            there = tmp_path / "release" / "release.json"
            told.append((release.claims, codebook, manifest == files.digest(there)))

    job = evolve(job, registry=load(found=[], extra={"book": Book()}))
    publish.publish(comparison, job, tmp_path, releases=[(release, tmp_path / "release")])

    ((claims, codebook, same),) = told
    assert claims
    assert codebook is comparison.codebook
    assert same


@pytest.mark.usefixtures("no_page")
def test_the_seed_is_in_no_public_file(tmp_path, comparison, job, release):
    publish.publish(comparison, job, tmp_path, releases=[(release, tmp_path / "release")])
    for path in (tmp_path / "release").rglob("*"):
        if path.is_file():
            assert str(SEED).encode() not in path.read_bytes(), path


@pytest.mark.usefixtures("no_page")
def test_a_plugins_odd_details_do_not_lose_a_run(tmp_path, comparison, job, release):
    odd = evolve(release.stages[0], details={"n": np.int64(3), "what": Shape.RECORDS})
    odd_release = evolve(release, stages=(odd, *release.stages[1:]))
    comparison = evolve(comparison, releases={"safe": odd_release})
    publish.publish(comparison, job, tmp_path, releases=[])
    log = json.loads((tmp_path / "private" / "log.json").read_text(encoding="utf-8"))
    assert log["candidates"][0]["stages"][0]["details"]["n"] == 3


@pytest.mark.parametrize(
    ("seed", "given", "weak"),
    [(0, True, True), (2**64 - 1, True, True), (2**64, True, False), (5, False, False)],
)
def test_a_seed_that_could_be_guessed_is_warned_of(job, seed, given, weak):
    notes = evolve(job, seed=seed, seed_given=given).notes
    assert [note.severity for note in notes if note.code == "weak-seed"] == [
        Severity.WARNING
    ] * weak


def test_notes_of_preparing_come_first(job, records):
    note = Note(code="x", message="x")
    prepared = Prepared(table=records, notes=[note])
    assert evolve(job, prepared=prepared, seed=1).notes[0] is note


def test_drawn_seeds_cannot_be_guessed():
    seeds = {publish.draw_seed() for _ in range(20)}
    assert len(seeds) == 20
    assert max(seeds).bit_length() > 64


def test_a_package_that_is_not_there_is_said_to_be_absent(monkeypatch):
    monkeypatch.setattr(publish, "PACKAGES", ("no-such-package",))
    assert publish.versions()["no-such-package"] == "not installed"


# ------------------------------------------------------------------------------- coarser values


@pytest.fixture
def coarse(graded):
    """Six records, of which the age of three is told as 18+ and of three as it was."""
    names = [column.name for column in graded.columns]
    (age,) = (column for column in graded.columns if column.name == "ageBroad")
    codes = np.full((6, len(names)), -1)
    codes[:, names.index("ageBroad")] = [age.codes.index("18+")] * 3 + [0] * 3
    return table_of_codes(graded, graded.columns, codes)


def test_a_release_with_coarser_values_says_so_and_lists_them(tmp_path, check, coarse):
    finer = coarse.codebook.columns[2].codes.index("30+")
    original = coarse.codes.copy()
    original[original == coarse.codebook.columns[2].codes.index("18+")] = finer
    before = table_of_codes(coarse.codebook, coarse.columns, original)
    check(Release(name="coarse", records=coarse, stages=(
        stage("join", Shape.RECORDS, RecordSupport(k=K)),)), before)  # fmt: skip

    told = (tmp_path / "release" / "codebook.md").read_text(encoding="utf-8")
    assert "In this release some values are coarser than in the records, in " in told
    assert "In this release, `18+` stands for `18--29` and `30+`." in told
    assert "`0+` stands for" not in told
    page = (tmp_path / "release" / "codebook.html").read_text(encoding="utf-8")
    assert "stands for" in page
    package = json.loads((tmp_path / "release" / "datapackage.json").read_text(encoding="utf-8"))
    fields = {one["name"]: one for one in package["resources"][0]["schema"]["fields"]}
    assert {"value": "18+", "standsFor": ["18--29", "30+"]} in fields["ageBroad"][
        "ctdc:generalised"
    ]
    assert "18+" in fields["ageBroad"]["constraints"]["enum"]
    assert "coarser" in fields["ageBroad"]["description"]
    assert "ctdc:generalised" not in fields["gender"]


def test_a_release_without_coarser_values_speaks_of_none(tmp_path, check, release):
    check(release)
    told = (tmp_path / "release" / "codebook.md").read_text(encoding="utf-8")
    assert "coarser" not in told
    assert "ctdc:generalised" not in (tmp_path / "release" / "datapackage.json").read_text("utf-8")
