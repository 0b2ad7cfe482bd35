"""Writing beside the place: what stands there is whole, and what was killed is cleared away."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ctdc_framework.errors import CtdcError, ReleaseRefused
from ctdc_framework.releases import staging


@pytest.fixture
def umask():
    """Let new files be readable by everybody, and new folders be entered."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def run_of_ours(out):
    """Make what an earlier run left behind."""
    (out / "private").mkdir(parents=True)
    (out / "private" / "log.json").write_text('{"format": 1, "codebook": {"id": "toy"}}')
    (out / "old.txt").write_text("of the run before")
    return out


# ------------------------------------------------------------------------------- a whole directory


def test_a_directory_appears_when_all_of_it_is_written(tmp_path):
    out = tmp_path / "deep" / "out"
    with staging.writing_directory(out, replace=False) as work:
        (work / "a.txt").write_text("a")
        assert not out.exists()
        assert work.parent == out.parent
    assert everything(out) == ["a.txt"]
    assert everything(out.parent) == ["out", "out/a.txt"]


@pytest.mark.parametrize(
    "stop", [ValueError, OSError, ReleaseRefused, KeyboardInterrupt, SystemExit, MemoryError]
)
@pytest.mark.parametrize("written", [0, 1, 2])
@pytest.mark.parametrize("replace", [False, True])
def test_nothing_is_left_where_writing_is_stopped(tmp_path, stop, written, replace):
    out = tmp_path / "out"
    if replace:
        run_of_ours(out)
    before = everything(tmp_path)

    def write():
        with staging.writing_directory(out, replace=replace) as work:
            for number in range(written):
                (work / f"folder{number}").mkdir()
                (work / f"folder{number}" / "file.txt").write_text("half")
            raise stop

    with pytest.raises(CtdcError if stop is OSError else stop):
        write()
    assert everything(tmp_path) == before


def test_a_full_disk_is_told_with_a_remedy(tmp_path):
    def write():
        with staging.writing_directory(tmp_path / "out", replace=False):
            raise OSError(28, "No space left on device")

    with pytest.raises(CtdcError, match="cannot be written: No space left") as caught:
        write()
    assert "there is room" in caught.value.help


def test_what_is_being_written_is_readable_by_its_owner_only(tmp_path, umask):
    with staging.writing_directory(tmp_path / "out", replace=False) as work:
        assert mode(work) == 0o700


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o755), (0o077, 0o700), (0o027, 0o750)])
def test_what_is_written_is_as_readable_as_any_new_folder(tmp_path, mask, expected):
    before = os.umask(mask)
    try:
        with staging.writing_directory(tmp_path / "out", replace=False):
            pass
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert mode(tmp_path / "out") == expected


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda out: out.mkdir(),
        lambda out: out.write_text("a file"),
        lambda out: (out / "mine.txt").mkdir(parents=True),
        lambda out: (out.mkdir(), (out / "log.json").write_text('{"level": "info"}')),
        lambda out: (
            (out / "private").mkdir(parents=True),
            (out / "private" / "log.json").write_text('{"format": 1}'),
        ),
        lambda out: (
            (out / "release").mkdir(parents=True),
            (out / "release" / "release.json").write_text("[]"),
        ),
        lambda out: (
            (out / "release").mkdir(parents=True),
            (out / "release" / "release.json").write_bytes(b"\xff\xfe"),
        ),
    ],
    ids=["empty", "file", "folder", "a log", "another's log", "another's list", "no JSON"],
)
def test_what_is_not_ours_is_never_replaced(tmp_path, make, replace):
    out = tmp_path / "out"
    make(out)
    before = everything(tmp_path)
    with pytest.raises(CtdcError, match="is there already"):
        staging.check_writable(out, replace=replace)
    with (
        pytest.raises(CtdcError, match="is there already") as caught,
        staging.writing_directory(out, replace=replace),
    ):
        pytest.fail("this is not reached")
    assert "--force" not in caught.value.help
    assert everything(tmp_path) == before


def test_what_is_ours_is_replaced_only_where_that_is_asked_for(tmp_path):
    out = run_of_ours(tmp_path / "out")
    with pytest.raises(CtdcError, match="is there already") as caught:
        staging.check_writable(out, replace=False)
    assert "--force" in caught.value.help
    with staging.writing_directory(out, replace=True) as work:
        (work / "new.txt").write_text("new")
        assert (out / "old.txt").exists()
    assert everything(tmp_path) == ["out", "out/new.txt"]


def test_what_came_between_is_not_overwritten(tmp_path):
    """Two runs with the same --out: the quicker one keeps its place."""
    out = tmp_path / "out"

    def write():
        with staging.writing_directory(out, replace=False):
            run_of_ours(out)

    with pytest.raises(CtdcError, match="is there already"):
        write()
    assert "out/old.txt" in everything(tmp_path)
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("stop", [OSError, KeyboardInterrupt])
def test_the_run_before_is_put_back_where_the_new_one_cannot_take_its_place(
    tmp_path, monkeypatch, stop
):
    out = run_of_ours(tmp_path / "out")
    before = everything(tmp_path)
    rename = Path.rename

    def fail(path, target):
        if path.suffix == ".part":
            raise stop
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with (
        pytest.raises(CtdcError if stop is OSError else stop),
        staging.writing_directory(out, replace=True),
    ):
        pass
    assert everything(tmp_path) == before


def test_a_run_before_that_cannot_be_removed_is_told_with_its_place(tmp_path, monkeypatch):
    out = run_of_ours(tmp_path / "out")
    remove = staging.shutil.rmtree

    def fail(path, ignore_errors=False):
        if path.suffix == ".old":
            raise PermissionError(13, "Permission denied")
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(staging.shutil, "rmtree", fail)
    with (
        pytest.raises(CtdcError, match="was written, but the earlier run") as caught,
        staging.writing_directory(out, replace=True) as work,
    ):
        (work / "new.txt").write_text("new")
    assert everything(out) == ["new.txt"]
    assert Path(caught.value.help.removeprefix("remove ")).joinpath("old.txt").exists()


def test_a_link_leads_to_the_new_run(tmp_path):
    run_of_ours(tmp_path / "disk" / "real")
    link = tmp_path / "out"
    link.symlink_to(tmp_path / "disk" / "real")
    with pytest.raises(CtdcError, match="is there already"):
        staging.check_writable(link, replace=False)
    with staging.writing_directory(link, replace=True) as work:
        (work / "new.txt").write_text("new")
    assert link.is_symlink()
    assert everything(tmp_path / "disk") == ["real", "real/new.txt"]


def test_a_link_that_leads_to_itself_is_told(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "out")
    with (
        pytest.raises(CtdcError, match="out cannot be written"),
        staging.writing_directory(tmp_path / "out", replace=True),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("call", ["check", "write"])
def test_a_place_where_nobody_may_look_is_told_or_left_to_the_writing(tmp_path, monkeypatch, call):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(staging.os, "stat", refuse)
    if call == "check":
        staging.check_writable(tmp_path / "out", replace=False)
        return
    with (
        pytest.raises(CtdcError, match="Permission denied"),
        staging.writing_directory(tmp_path / "out", replace=False),
    ):
        pytest.fail("this is not reached")


def test_a_place_where_nothing_may_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(CtdcError, match="out cannot be written"),
        staging.writing_directory(tmp_path / "file" / "out", replace=False),
    ):
        pytest.fail("this is not reached")


# --------------------------------------------------------------------------------- one private file


def test_a_private_file_appears_when_it_is_written_for_its_owner_only(tmp_path, umask):
    out = tmp_path / "records.csv"
    with staging.writing_file(out, replace=False) as path:
        path.write_text("a")
        assert mode(path) == 0o600
        assert not out.exists()
    assert everything(tmp_path) == ["records.csv"]
    assert (mode(out), out.read_text()) == (0o600, "a")


@pytest.mark.parametrize("stop", [ValueError, OSError, KeyboardInterrupt])
def test_no_half_written_private_file_is_left(tmp_path, stop):
    out = tmp_path / "records.csv"
    out.write_text("before")

    def write():
        with staging.writing_file(out, replace=True) as path:
            path.write_text("half")
            raise stop

    with pytest.raises(CtdcError if stop is OSError else stop):
        write()
    assert everything(tmp_path) == ["records.csv"]
    assert out.read_text() == "before"


def test_a_file_that_is_there_is_replaced_only_where_that_is_asked_for(tmp_path, umask):
    out = tmp_path / "records.csv"
    out.write_text("before")
    with (
        pytest.raises(CtdcError, match="is there already"),
        staging.writing_file(out, replace=False),
    ):
        pytest.fail("this is not reached")
    with staging.writing_file(out, replace=True) as path:
        path.write_text("after")
    assert (mode(out), out.read_text()) == (0o600, "after")


def test_a_private_file_is_not_written_through_a_link(tmp_path):
    """Records must not end where a link leads, which may be open to others."""
    (tmp_path / "open.csv").write_text("open")
    out = tmp_path / "records.csv"
    for target in ("open.csv", "nowhere.csv"):
        out.unlink(missing_ok=True)
        out.symlink_to(tmp_path / target)
        with (
            pytest.raises(CtdcError, match="is there already"),
            staging.writing_file(out, replace=False),
        ):
            pytest.fail("this is not reached")
        with staging.writing_file(out, replace=True) as path:
            path.write_text("records")
        assert not out.is_symlink()
    assert (tmp_path / "open.csv").read_text() == "open"
    assert not (tmp_path / "nowhere.csv").exists()


def test_a_private_file_in_a_folder_that_is_not_there_is_told(tmp_path):
    with (
        pytest.raises(CtdcError, match="cannot be written: No such file"),
        staging.writing_file(tmp_path / "gone" / "a.csv", replace=False),
    ):
        pytest.fail("this is not reached")


def test_a_directory_is_no_private_file(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with (
        pytest.raises(CtdcError, match="cannot be written"),
        staging.writing_file(tmp_path / "a.csv", replace=True),
    ):
        pass
    assert everything(tmp_path) == ["a.csv"]


# ---------------------------------------------------------------------------- what killed runs left


def ended():
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def left(folder, pid, kind, name="out", host=None):
    """Make what a killed run leaves behind."""
    path = folder / f".{name}.{host or staging._host()}-{pid}.ab_c12.{kind}"
    path.mkdir()
    (path / "data.csv").write_text("records")
    return path


def test_what_a_killed_run_left_is_removed_by_the_next_beside_it(tmp_path):
    gone = left(tmp_path, ended(), "part")
    (tmp_path / f".cases.{staging._host()}-{ended()}.xy12.part.csv").write_text("records")
    with staging.writing_directory(tmp_path / "other", replace=False):
        assert not gone.exists()
    assert everything(tmp_path) == ["other"]


def test_what_a_living_run_or_another_host_writes_is_left_alone(tmp_path):
    living = left(tmp_path, os.getppid(), "part")
    elsewhere = left(tmp_path, ended(), "part", host="elsewhere")
    foreign = tmp_path / ".notes.part"
    foreign.write_text("mine")
    staging.clear_away(tmp_path)
    assert living.exists()
    assert elsewhere.exists()
    assert foreign.exists()


def test_a_run_that_was_being_replaced_when_all_stopped_is_put_back(tmp_path):
    left(tmp_path, ended(), "old")
    staging.clear_away(tmp_path)
    assert everything(tmp_path) == ["out", "out/data.csv"]


def test_a_run_whose_place_is_taken_again_is_removed(tmp_path):
    left(tmp_path, ended(), "old")
    (tmp_path / "out").mkdir()
    staging.clear_away(tmp_path)
    assert everything(tmp_path) == ["out"]


def test_a_link_with_such_a_name_is_removed_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    (tmp_path / f".out.{staging._host()}-{ended()}.ab12.part").symlink_to(tmp_path / "mine")
    staging.clear_away(tmp_path)
    assert everything(tmp_path) == ["mine", "mine/a.txt"]


def test_a_public_file_is_whole_and_as_readable_as_others(tmp_path, umask):
    with staging.writing_public(tmp_path / "checklist.md") as path:
        path.write_text("a")
        assert not (tmp_path / "checklist.md").exists()
    assert everything(tmp_path) == ["checklist.md"]
    assert mode(tmp_path / "checklist.md") == 0o666 & ~os.umask(os.umask(0o022))
