"""`ctdc verify`: what is wrong is found, what cannot be known is said, nothing passes unseen."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from ctdc_framework.language.load import load_codebook

OUT = Path("out")
RELEASE = OUT / "release"
TWO = """
[plan]
codebook = "minimal"
data = "cases.csv"

[[candidates]]
name = "k-synthesis"
stages = [{ id = "a", strategy = "k-synthesis" }]

[[candidates]]
name = "k-anonymization"
stages = [{ id = "a", strategy = "k-anonymization", params = { method = "records" } }]

[[measures]]
measure = "single-count-error"
"""


@pytest.fixture
def released(made, cases):
    """A run's folder with records and tables, its release in it: each test has its own."""
    shutil.copytree(made, OUT)
    return OUT


@pytest.fixture
def said(ctdc):
    """Verify and give the exit code and each check's result by what it is about."""

    def go(*argv):
        done = ctdc("verify", *argv, "--json")
        assert not done.err, done.err
        (one,) = json.loads(done.out)["releases"]
        return done.code, {check["about"]: check["result"] for check in one["checks"]}

    return go


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def seal(folder=RELEASE):
    """Put the hashes of the files as they are now into release.json, as a forger would."""
    held = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    held["files"] = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in held["files"]
        if (folder / name).exists()
    }
    (folder / "release.json").write_text(json.dumps(held), encoding="utf-8")


def test_a_release_alone_shows_what_needs_no_original(released, said, tmp_path):
    alone = shutil.copytree(RELEASE, tmp_path / "somewhere")

    code, checks = said(alone)

    assert code == 0
    assert checks == {
        "release.json itself": "not checked",
        "files": "holds",
        "codebook": "holds",
        "domains of the records": "holds",
        "domains of the counts": "holds",
        "record-support(k=10)": "not checked",
        "single-counts(k=10)": "not checked",
        "multiple-of(base=10)": "holds",
        "threshold(k=10)": "not checked",
        "max-deviation(d=9)": "not checked",
    }


def test_with_the_original_every_claim_is_recounted(released, said, cases):
    code, checks = said(OUT, "--data", cases)

    assert code == 0
    assert set(checks.values()) == {"holds"}


def test_other_records_do_not_bear_the_claims_out(released, said, cases, records):
    other = Path("other.csv")
    header = cases.read_text(encoding="utf-8").splitlines()[0]
    other.write_text("\n".join([header, *records[:100], ""]), encoding="utf-8")

    code, checks = said(OUT, "--data", other)

    assert code == 3
    assert checks["record-support(k=10)"] == checks["threshold(k=10)"] == "fails"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("data.csv", "Female", "Male"),
        ("tables/combinations-2.csv", ",10\n", ",20\n"),
        ("tables/combinations-2.csv", "\n", "\n\n"),
        ("codebook.md", "#", "##"),
        ("datapackage.json", "minimal", "maximal"),
    ],
)
def test_one_cell_one_count_or_one_sign_that_was_changed_is_found(released, said, file, old, new):
    change(RELEASE / file, old, new)

    code, checks = said(RELEASE)

    assert code == 3
    assert checks["files"] == "fails"


def test_a_file_that_is_missing_or_too_many_is_found(released, ctdc):
    (RELEASE / "codebook.html").unlink()
    (RELEASE / "records.csv").write_text("secret")

    done = ctdc("verify", RELEASE)

    assert done.code == 3
    assert "codebook.html: missing" in " ".join(done.out.split())
    assert "records.csv: not listed" in " ".join(done.out.split())


def test_a_link_is_no_file_of_a_release(released, said, tmp_path):
    shutil.move(RELEASE / "data.csv", tmp_path / "data.csv")
    (RELEASE / "data.csv").symlink_to(tmp_path / "data.csv")

    assert said(RELEASE)[1]["files"] == "fails"


def test_a_forger_who_mends_the_hashes_is_found_where_the_log_is_kept(released, said):
    change(RELEASE / "tables" / "combinations-2.csv", ",10\n", ",20\n")
    seal()

    code, checks = said(OUT)

    assert (code, checks["release.json itself"], checks["files"]) == (3, "fails", "holds")


def test_without_the_log_a_forgery_is_named_as_what_could_not_be_found(released, ctdc, tmp_path):
    alone = shutil.copytree(RELEASE, tmp_path / "somewhere")
    change(alone / "release.json", "multiple-of(base=10)", "multiple-of(base=5)")
    change(alone / "release.json", "multiple of 10", "multiple of 5")

    done = ctdc("verify", alone)

    assert done.code == 0
    assert "whether it was changed can only be told" in " ".join(done.out.split())


def test_the_hash_that_the_run_printed_finds_a_changed_release_json(run, said, tmp_path):
    digest = json.loads(run("--json").out)["release_json_sha256"]["k-synthesis"]
    alone = shutil.copytree(RELEASE, tmp_path / "somewhere")

    assert said(alone, "--manifest-hash", digest.upper())[1]["release.json itself"] == "holds"
    change(alone / "release.json", "record-support(k=10)", "record-support(k=20)")
    assert said(alone, "--manifest-hash", digest)[1]["release.json itself"] == "fails"


def test_records_that_differ_between_the_two_files_are_found_though_the_hashes_are_mended(
    released, said
):
    change(RELEASE / "data.csv", "Female", "Male")
    seal()

    assert said(RELEASE)[1]["data files"] == "fails"


def test_a_count_that_differs_from_its_twin_is_found_though_the_hashes_are_mended(released, said):
    change(RELEASE / "tables" / "combinations-2.csv", ",10\n", ",20\n")
    seal()

    assert said(RELEASE)[1]["data files"] == "fails"


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(released, said):
    (RELEASE / "data.csv").unlink()
    os.mkfifo(RELEASE / "data.csv")

    code, checks = said(RELEASE)

    assert (code, checks["files"], checks["data files"]) == (3, "fails", "fails")


def test_release_json_may_be_no_link(released, said, tmp_path):
    shutil.move(RELEASE / "release.json", tmp_path / "elsewhere.json")
    (RELEASE / "release.json").symlink_to(tmp_path / "elsewhere.json")

    assert said(RELEASE)[1]["files"] == "fails"


def test_what_would_steer_a_terminal_is_not_printed(released, ctdc):
    held = json.loads((RELEASE / "release.json").read_text(encoding="utf-8"))
    held["accepted"] = {"note": "fine\x1b[2J\x9b1Aall hold\u202e", "reasons": []}
    (RELEASE / "release.json").write_text(json.dumps(held), encoding="utf-8")
    Path(os.fsdecode(bytes(RELEASE / "\x1b[8mhidden")) + "\udcff").write_text("x")

    for more in ((), ("--json",)):
        done = ctdc("verify", RELEASE, *more)
        assert done.code == 3
        assert "because: fine" in done.out
        assert not {"\x1b", "\x9b", "\u202e", "\udcff"} & set(done.out)


def test_a_release_that_claims_nothing_is_said_to(released, said):
    held = json.loads((RELEASE / "release.json").read_text(encoding="utf-8"))
    (RELEASE / "release.json").write_text(json.dumps(held | {"claims": []}), encoding="utf-8")

    assert said(RELEASE)[1]["claims"] == "not checked"


def test_a_colleague_who_may_not_look_into_private_verifies_the_rest(released, said, monkeypatch):
    def shut(path, mode):
        return Path(path).name != "private"

    monkeypatch.setattr("ctdc_framework.releases.reading.os.access", shut)

    code, checks = said(OUT)

    assert (code, checks["release.json itself"], checks["files"]) == (0, "not checked", "holds")
    assert not (RELEASE / "checklist.md").exists()


def test_a_checklist_of_somebody_elses_is_said_not_to_be_checked(released, said, tmp_path):
    alone = shutil.copytree(RELEASE, tmp_path / "somewhere")
    (alone / "checklist.md").write_text("Maria")

    assert said(alone)[1]["checklist.md"] == "not checked"


def test_a_value_from_no_domain_is_found_though_the_hashes_are_mended(released, said, tmp_path):
    alone = shutil.copytree(RELEASE, tmp_path / "somewhere")
    change(alone / "tables" / "combinations-2.csv", "Female", "=1+1")
    (alone / "tables" / "combinations-2.parquet").unlink()
    seal(alone)

    code, checks = said(alone)

    assert (code, checks["domains of the counts"]) == (3, "fails")


def test_a_claim_of_the_users_is_checked_besides(released, ctdc, said):
    code, checks = said(OUT, "--claim", "k-anonymity(k=2, columns=gender)")
    assert code == 0
    assert checks["k-anonymity(k=2, columns=gender, missing=itself)"] == "holds"

    assert said(OUT, "--claim", "k-anonymity(k=4000, columns=all)")[0] == 3


def test_several_releases_of_a_comparison_are_verified_each(ctdc, cases):
    Path("p.toml").write_text(TWO)
    assert ctdc("compare", "p.toml", "--out", "out", "--write-releases", "--seed", 3).code == 0

    done = ctdc("verify", "out", "--data", cases, "--json")

    found = json.loads(done.out)["releases"]
    assert done.code == 0
    assert [one["name"] for one in found] == ["k-anonymization", "k-synthesis"]
    for one in found:
        assert {check["result"] for check in one["checks"]} <= {"holds"}, one


def test_the_checklist_is_filled_in_where_the_private_folder_is(released, ctdc, said, tmp_path):
    alone = shutil.copytree(RELEASE, tmp_path / "somewhere")
    assert ctdc("verify", alone).code == 0
    assert not (alone / "checklist.md").exists()

    assert ctdc("verify", OUT).code == 0
    text = (RELEASE / "checklist.md").read_text(encoding="utf-8")
    assert "- [x] files:" in text
    assert "- [ ] *not checked* record-support(k=10)" in text
    assert "- [ ] `private/`, the seed" in text
    assert said(OUT)[1]["files"] == "holds"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "`format` is missing"),
        ('{"format": 2}', "format is not 1"),
        ('{"format": true}', "`format` is missing"),
        ('{"format": 1, "claims": [3, {"claim": "safe()"}]}', "none of that name"),
        ('{"format": 1, "files": {"../../secret": "a"}}', "names what is no file of a release"),
        ('{"format": 1, "files": {"/etc/passwd": "a"}}', "names what is no file of a release"),
        ('{"format": 1, "files": {"data.csv": 7}}', "names what is no file of a release"),
    ],
)
def test_a_release_json_that_is_none_fails_in_words(released, ctdc, text, told):
    (RELEASE / "release.json").write_text(text)

    done = ctdc("verify", RELEASE)

    assert done.code == 3
    assert told in " ".join(done.out.split())
    assert "fault" not in done.out + done.err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'gender\n"', b"gender,count\nMale,x\n"])
def test_a_data_file_that_is_none_fails_in_words(released, said, content):
    for name in ("data.csv", "tables/combinations-2.csv", "data.parquet"):
        (RELEASE / name).write_bytes(content)
    seal()

    code, checks = said(RELEASE)

    assert (code, checks["data files"]) == (3, "fails")


def test_what_cannot_be_asked_is_told_with_a_remedy(released, ctdc, cases):
    for argv, told in (
        (["nowhere"], "there is nothing at nowhere"),
        ([cases], "give --codebook with it"),
        (["."], "holds no release"),
        ([OUT, "--claim", "k-anonimity(k=3)"], "did you mean `k-anonymity`?"),
        ([OUT, "--claim", "record-support(k=lots)"], "it is written record-support(k=...)"),
        ([cases, "--codebook", "minimal", "--manifest-hash", "ab"], "this is one data file"),
    ):
        done = ctdc("verify", *argv)
        assert (done.code, done.out) == (1, "")
        assert told in done.err


def test_a_release_by_a_codebook_that_is_not_at_hand_says_so(released, said):
    change(RELEASE / "release.json", '"id": "minimal"', '"id": "elsewhere"')

    _, checks = said(RELEASE)

    assert checks["codebook, domains and claims"] == "not checked"


def test_another_codebook_than_the_releases_fails(released, said, tmp_path):
    assert said(RELEASE, "--codebook", "ctdc-2021")[1]["codebook"] == "fails"


def counts(name, total, men):
    """A published table of two counts, as a release of its own."""
    folder = Path(name)
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "combinations-1.csv").write_text(
        f"gender,count\n,{total}\nMale,{men}\n", encoding="utf-8"
    )
    claims = ["multiple-of(base=10)", "threshold(k=10)"]
    held = {
        "format": 1, "candidate": name, "stages": [], "claims": [{"claim": one} for one in claims],
        "codebook": {"id": "minimal", "sha256": load_codebook("minimal").digest},
        "files": {"tables/combinations-1.csv": ""},
    }  # fmt: skip
    (folder / "release.json").write_text(json.dumps(held), encoding="utf-8")
    seal(folder)
    return name


TOGETHER = "the counts and those of the earlier release"


def test_two_releases_that_look_alike_prove_nothing_together(ctdc, folder, said):
    assert counts("a", 990, 100) == "a"

    code, checks = said("a", "--previous", counts("b", 990, 100))

    assert (code, checks[TOGETHER]) == (0, "holds")
    assert f"{TOGETHER}: counts at an edge" not in checks


def test_a_count_that_the_totals_prove_to_have_changed_by_few_fails_with_the_intervals(
    ctdc, folder
):
    done = ctdc("verify", counts("later", 990, 110), "--previous", counts("earlier", 990, 100))

    text = " ".join(done.out.split())
    assert done.code == 3
    assert "they prove of 1 that between 1 and 9 records came or went" in text
    # The total stayed between 990 and 999, so that at most nine came: 101 to 109 before.
    assert "Male (between 101 and 109, then between 110 and 118)" in text


@pytest.mark.parametrize(
    ("earlier", "later"), [((990, 100), (1000, 110)), ((990, 110), (980, 100))]
)
def test_a_count_at_an_edge_is_told_whether_a_record_came_or_was_withdrawn(
    ctdc, folder, said, earlier, later
):
    code, checks = said(counts("later", *later), "--previous", counts("earlier", *earlier))

    assert (code, checks[TOGETHER]) == (0, "holds")
    assert checks[f"{TOGETHER}: counts at an edge"] == "not checked"


def test_a_run_is_compared_with_an_earlier_one(run, ctdc, said, cases, records):
    assert run("--tables", 2, "--seed", 5).code == 0
    shutil.move("out", "earlier")
    header = cases.read_text(encoding="utf-8").splitlines()[0]
    cases.write_text("\n".join([header, *records, *records[:40], ""]), encoding="utf-8")
    assert run("--tables", 2, "--seed", 6).code == 0

    _, checks = said("out", "--previous", "earlier")

    assert {"the records and those of the earlier release", TOGETHER} <= set(checks)


def test_releases_that_cannot_be_compared_are_said_not_to_have_been(ctdc, folder, said):
    later = counts("later", 990, 100)
    earlier = counts("earlier", 990, 100)
    change(Path(earlier, "release.json"), "multiple-of(base=10)", "multiple-of(base=5)")

    assert said(later, "--previous", earlier)[1][TOGETHER] == "not checked"
    assert ctdc("verify", later, "--previous", "nowhere").code == 1


@pytest.mark.shared_data
def test_the_real_victim_and_perpetrator_file_is_not_10_anonymous(ctdc, shared):
    file = shared / "data" / "ctdc_victim_perpetrator_2022.csv"
    asked = ("verify", file, "--codebook", "ctdc-victim-perpetrator-2022")

    assert ctdc(*asked).code == 0
    done = ctdc(*asked, "--claim", "k-anonymity(k=10, columns=all)")
    assert done.code == 3
    # Counted apart, with csv and Counter on the file itself.
    assert "9,343 combinations" in " ".join(done.out.split())
