"""`ctdc demo`: the whole job on fabricated records, and nothing of them gets out."""

import csv
import hashlib
import json
import os
import re
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ctdc_framework import api
from ctdc_framework.cli import main
from ctdc_framework.counting.combinations import value_counts

CANDIDATES = {
    "k-synthesis",
    "k-synthesis-k20",
    "k-anonymization",
    "k-anonymization-3-keys",
    "rounded-tables",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demonstration of 1500 records, made once: its folder."""
    out = tmp_path_factory.mktemp("demo") / "out"
    with pytest.raises(SystemExit) as stop:
        main(["demo", "--rows", "1500", "--out", str(out)])
    assert not stop.value.code
    return out


@pytest.fixture(scope="module")
def raw(demo):
    with (demo / "private" / "raw.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def published(demo):
    """Every file outside private/ by its name."""
    return {
        str(path.relative_to(demo)): path
        for path in demo.rglob("*")
        if path.is_file() and "private" not in path.relative_to(demo).parts
    }


def content_of(path):
    """A file's bytes, and every text that a reader of its format would see."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield str(table.schema.metadata).encode()
        for name, column in zip(table.column_names, table.columns, strict=True):
            yield "\n".join(
                [name, *("" if value is None else str(value) for value in column.to_pylist())]
            ).encode()
    elif path.suffix == ".json":
        yield "\n".join(texts_of(json.loads(path.read_text(encoding="utf-8")))).encode()
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            yield "\n".join(cell for row in csv.reader(file) for cell in row).encode()


def texts_of(value):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from (key, *texts_of(one))
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
    else:
        yield str(value)


def test_no_name_and_no_case_number_gets_out(raw, published):
    secrets = {row["caseNumber"].encode() for row in raw}
    secrets |= {word.encode() for row in raw for word in row["name"].split()}
    assert len(secrets) > 1500
    least = min(map(len, secrets))
    assert least >= 5, "shorter ones would be found by chance"
    starts = {secret[:least] for secret in secrets}

    for name, path in published.items():
        for content in content_of(path):
            # Every place in the file is looked at: first by a secret's beginning, then in full.
            seen = {content[at : at + least] for at in range(len(content))} & starts
            found = [s for s in secrets if s[:least] in seen and s in content]
            assert not found, f"{name} holds {len(found)} names or case numbers"


def test_the_search_would_find_a_name(raw, demo):
    """The private file itself is the proof that the search sees what it looks for."""
    assert raw[7]["name"].split()[0].encode() in b"".join(content_of(demo / "private" / "raw.csv"))


def test_each_release_lists_exactly_the_files_there_are(demo):
    folders = {path.parent for path in demo.glob("release/*/release.json")}
    # The demo's plan asks for no rare combination, which k-anonymization does not keep.
    assert {folder.name for folder in folders} == {
        name for name in CANDIDATES if not name.startswith("k-anonymization")
    }
    for folder in folders:
        files = json.loads((folder / "release.json").read_text(encoding="utf-8"))["files"]
        lying = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert lying == {*files, "release.json"}
        for name, digest in files.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_nothing_lies_beside_releases_and_private(demo, published):
    assert {path.name for path in demo.iterdir()} == {"release", "private"}
    for name in published:
        assert re.fullmatch(r"release/([^/]+/(tables/)?)?[^/]+\.(csv|parquet|json|html|md)", name)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_private_part_is_for_its_owner_alone(demo):
    private = demo / "private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    for path in private.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert {"raw.csv", "report.html", "log.json", "DO-NOT-PUBLISH.txt"} <= {
        path.name for path in private.iterdir()
    }


def test_the_page_loads_nothing_from_elsewhere(demo):
    for part in ("private", "release"):
        page = (demo / part / "report.html").read_text(encoding="utf-8")

        assert "<svg" in page
        assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", page)
        assert "<script" not in page


def test_no_exact_count_of_the_original_stands_in_the_public_comparison(demo):
    """What whoever reads all of it could look for: the count of a value, as it was before."""
    loaded = api.load_registry()
    codebook = api.load_codebook("ctdc-2021", loaded.rules)
    prepared, _ = api.prepare(demo / "private" / "raw.csv", codebook, loaded)
    counts = value_counts(prepared.table.codes, prepared.table.sizes)
    exact = {int(count) for count in counts if count > 100 and count % codebook.k}
    assert len(exact) > 20
    page = (demo / "release" / "report.html").read_text(encoding="utf-8")
    texts = re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    told = json.loads((demo / "release" / "comparison.json").read_text(encoding="utf-8"))
    rates = [score["value"] for score in told["scores"] if score["value"] is not None]

    numbers = {float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", texts)}
    assert numbers.isdisjoint(exact)
    assert rates
    # A share in whole per cent, times whatever it may be a share of, is no exact count.
    assert all(rate == round(rate, 2) for rate in rates)
    assert told["records"] == 1500
    assert told["notes"] == []


def test_raw_records_are_the_same_for_everybody_and_others_for_another_seed(ctdc):
    for out, *more in (("one",), ("same",), ("other", "--seed", "1")):
        assert ctdc("demo", "--rows", "300", "--out", out, *more).code == 0

    one, same, other = (
        Path(out, "private/raw.csv").read_bytes() for out in ("one", "same", "other")
    )
    assert one == same
    assert one != other


def test_a_demo_replaces_its_own_and_nothing_else(ctdc):
    assert ctdc("demo", "--rows", "300").code == 0
    assert ctdc("demo", "--rows", "300").code == 0
    Path("letters").mkdir()

    said = ctdc("demo", "--rows", "300", "--out", "letters")

    assert said.code == 1
    assert "letters" in said.err


def test_the_demo_tells_where_things_are(ctdc):
    said = ctdc("demo", "--rows", "300")

    assert said.err == ""
    for place in ("private/raw.csv", "private/report.html", "release"):
        assert str(Path("ctdc-demo") / place) in said.out


@pytest.mark.parametrize("width", [60, 80])
def test_the_table_fits_a_narrow_terminal(ctdc, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))

    said = ctdc("demo", "--rows", "300")

    assert max(map(len, said.out.splitlines())) <= width
