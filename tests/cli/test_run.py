"""`ctdc run`: what is written, what is printed, and what holds of it by brute force."""

import contextlib
import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ctdc_framework.cli import common

K = 10


def rows_of(path):
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def items_of(row, parted=()):
    """The values of a record as a set of (column, value) pairs."""
    return frozenset(
        (name, value)
        for name, cell in row.items()
        for value in (cell.split(";") if name in parted else [cell])
        if value
    )


def hold_to_k_synthesis(original, released, parted=()):
    """Recount by brute force, with no code of the project's: Counter, sets and big integers."""
    true, shown = Counter(), Counter()
    records_with = {}
    for number, row in enumerate(original):
        items = items_of(row, parted)
        true.update(items)
        for item in items:
            records_with[item] = records_with.get(item, 0) | 1 << number
    distinct = Counter(items_of(row, parted) for row in released)
    for items, times in distinct.items():
        assert items, "an empty record is released"
        shown.update(dict.fromkeys(items, times))
        common_to_all = -1
        for item in items:
            common_to_all &= records_with.get(item, 0)
        assert common_to_all.bit_count() >= K, "a released record is held by too few"
    assert dict(shown) == {item: n // K * K for item, n in true.items() if n >= K}


def test_writes_a_release_and_a_private_part(run, left):
    said = run("--tables", 2)

    assert said.code == 0
    assert said.err == "", "something is said beside the result"
    assert "out/release" in said.out
    assert "out/private/report.html" in said.out
    assert hashlib.sha256(Path("out/release/release.json").read_bytes()).hexdigest() in said.out
    manifest = json.loads(Path("out/release/release.json").read_text(encoding="utf-8"))
    lying = {str(path.relative_to("out/release")) for path in Path("out/release").rglob("*")}
    assert lying - {"tables"} == {*manifest["files"], "release.json"}
    assert {"data.csv", "data.parquet", "tables/combinations-2.csv"} <= set(manifest["files"])
    for name, digest in manifest["files"].items():
        content = Path("out/release", name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
    assert manifest["seed"] == "withheld"
    assert manifest["unit"] == "records"
    assert not [name for name in left() if ".part" in name or ".old" in name]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_private_part_is_for_its_owner_alone(run):
    run()

    for path in (Path("out/private"), *Path("out/private").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_private_log_holds_what_a_replay_needs(run):
    run("--seed", 123)

    log = json.loads(Path("out/private/log.json").read_text(encoding="utf-8"))

    assert log["seed"] == "123"
    assert log["data"]["sha256"] == hashlib.sha256(Path("cases.csv").read_bytes()).hexdigest()
    assert "123" not in Path("out/release/release.json").read_text(encoding="utf-8")


def test_a_seed_is_drawn_where_none_is_given(run):
    seeds = []
    for force in ((), ("--force",)):
        run(*force)
        seeds.append(int(json.loads(Path("out/private/log.json").read_text("utf-8"))["seed"]))

    assert seeds[0] != seeds[1]
    assert max(seeds) > 1 << 64


def test_json_tells_a_script_what_came_of_it(run):
    said = run("--json")

    told = json.loads(said.out)

    digest = hashlib.sha256(Path("out/release/release.json").read_bytes()).hexdigest()
    assert told["out"] == "out"
    assert list(told["release_json_sha256"].values()) == [digest]


def test_the_release_keeps_what_it_claims_by_brute_force(ctdc, run, cases):
    ctdc("prepare", "--codebook", "minimal", "--data", cases, "--out", "prepared.csv")
    run()

    hold_to_k_synthesis(rows_of(Path("prepared.csv")), rows_of(Path("out/release/data.csv")))


def test_csv_and_parquet_hold_the_same(run):
    run()

    table = pq.read_table("out/release/data.parquet").to_pylist()

    assert [{name: value or "" for name, value in row.items()} for row in table] == rows_of(
        Path("out/release/data.csv")
    )


def test_k_anonymous_records_share_their_quasi_identifiers(ctdc, cases):
    said = ctdc("run", "--codebook", "minimal", "--data", cases, "--strategy", "k-anonymization",
                "--out", "out")  # fmt: skip

    assert said.code == 0
    keys = ("gender", "ageBroad", "citizenship")
    classes = Counter(
        tuple(row[key] for key in keys) for row in rows_of(Path("out/release/data.csv"))
    )
    assert classes
    assert min(classes.values()) >= K


def test_tables_are_the_original_counts_rounded_down(ctdc, run, cases):
    ctdc("prepare", "--codebook", "minimal", "--data", cases, "--out", "prepared.csv")
    run("--tables", 2)

    true = Counter({frozenset(): 0})
    for row in rows_of(Path("prepared.csv")):
        items = items_of(row)
        for length in (0, 1, 2):
            true.update(map(frozenset, itertools.combinations(items, length)))
    shown = {
        items_of({name: cell for name, cell in row.items() if name != "count"}): int(row["count"])
        for row in rows_of(Path("out/release/tables/combinations-2.csv"))
    }

    assert shown == {items: n // K * K for items, n in true.items() if n >= K}


def test_exact_counts_are_refused_by_code_3(ctdc, cases, left):
    said = ctdc("run", "--codebook", "minimal", "--data", cases, "--strategy", "tabulate",
                "--out", "out")  # fmt: skip

    assert said.code == 3
    assert "refused" in said.err
    assert left() == ["cases.csv"]


def test_a_plan_with_one_candidate_is_run(ctdc, cases):
    Path("plan.toml").write_text(
        '[plan]\ncodebook = "minimal"\ndata = "cases.csv"\n'
        '[[candidates]]\nname = "one"\n'
        'stages = [{ id = "synthesise", strategy = "k-synthesis" }]\n',
        encoding="utf-8",
    )

    said = ctdc("run", "plan.toml", "--out", "out")

    assert said.code == 0
    assert json.loads(Path("out/release/release.json").read_text("utf-8"))["candidate"] == "one"


def test_of_several_candidates_one_has_to_be_chosen(ctdc, cases, left):
    ctdc("plan", "new", "--out", "plan.toml")
    text = Path("plan.toml").read_text("utf-8").replace('"ctdc-2021"', '"minimal"')
    Path("plan.toml").write_text(text, "utf-8")

    said = ctdc("run", "plan.toml", "--out", "out")

    assert said.code == 1
    assert "--candidate" in said.err
    assert "k-anonymization-3-keys" in said.err
    assert ctdc("run", "plan.toml", "--out", "out", "--candidate", "k-synthesys").code == 1
    assert left() == ["cases.csv", "plan.toml"]
    assert ctdc("run", "plan.toml", "--out", "out", "--candidate", "k-synthesis").code == 0


@pytest.fixture
def at_moment(monkeypatch):
    """Do something at a moment of a command's progress."""

    def arrange(moment, action):
        @contextlib.contextmanager
        def progress():
            yield lambda what, done, total=None: action() if what == moment else None

        monkeypatch.setattr(common, "progress", progress)

    return arrange


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("moment", ["reading and preparing", "k-synthesis", "writing"])
def test_an_interrupted_run_leaves_nothing(run, left, at_moment, moment):
    at_moment(moment, interrupt)

    said = run()

    assert said.code == 130
    assert "nothing was written" in said.err
    assert said.out == ""
    assert left() == ["cases.csv"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_request_to_end_leaves_nothing_and_is_taken_back_afterwards(run, left, at_moment):
    before = signal.getsignal(signal.SIGTERM)
    at_moment("writing", lambda: os.kill(os.getpid(), signal.SIGTERM))

    said = run()

    assert said.code == 130
    assert left() == ["cases.csv"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupted_run_keeps_the_earlier_one(run, left, at_moment):
    run()
    before = content_of("out")
    at_moment("writing", interrupt)

    assert run("--force").code == 130

    assert content_of("out") == before
    assert {name.split("/")[0] for name in left()} == {"cases.csv", "out"}


def content_of(out):
    folder = Path(out, "release")
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_whatever_the_machine_is_set_to(cases):
    code = "from ctdc_framework.cli import main; main()"
    arguments = ["run", "--codebook", "minimal", "--data", str(cases), "--strategy", "k-synthesis",
                 "--tables", "2", "--json", "--seed", "1"]  # fmt: skip
    elsewhere = {
        "PYTHONHASHSEED": "4711",
        "TZ": "Pacific/Kiritimati",
        "NUMBA_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_NUM_THREADS": "1",
        # A machine on which a text file is not UTF-8 unless one says so.
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
    }  # fmt: skip
    for out, there in (("one", {"PYTHONHASHSEED": "0", "TZ": "UTC"}), ("same", elsewhere)):
        subprocess.run(
            [sys.executable, "-c", code, *arguments, "--out", out],
            env={**os.environ, **there},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    assert content_of("one") == content_of("same")


def test_another_seed_gives_other_rows_and_the_same_single_counts(run):
    held = []
    for seed in (1, 2):
        run("--seed", seed, "--force")
        held.append(rows_of(Path("out/release/data.csv")))

    one, other = held
    assert Counter(map(items_of, one)) != Counter(map(items_of, other))
    assert Counter(item for row in one for item in items_of(row)) == Counter(
        item for row in other for item in items_of(row)
    )


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("codebook", "name", "parted"),
    [
        (
            "ctdc-victim-perpetrator-2022",
            "ctdc_victim_perpetrator_2022.csv",
            ["IP_Gender", "IP_ageBroad", "IP_citizen_UNRegion", "IP_Relation", "IP_PayMoney"],
        ),
        ("ctdc-2021", "ctdc_shaped_10k.csv.gz", []),
    ],
)
def test_releases_of_large_files_hold_by_brute_force(ctdc, shared, codebook, name, parted):
    data = shared / "data" / name  # its cells are the prepared ones already

    said = ctdc("run", "--codebook", codebook, "--data", data, "--strategy", "k-synthesis",
                "--out", "out", "--json")  # fmt: skip

    assert said.code == 0, said.err
    hold_to_k_synthesis(rows_of(data), rows_of(Path("out/release/data.csv")), parted)
