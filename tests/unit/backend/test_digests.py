from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlc_compiler.backend.digests import Digests, Obstacle, digest
from mlc_compiler.backend.writer import diff, write
from mlc_compiler.conventions import MANIFEST_FILE
from outputs import artifacts

A = "deploy/prod/late-arrival/a.yaml"
FILES = {A: "a: 1\n", "docs/models/m.md": "# Card\n", ".github/CODEOWNERS": "* @acme/ops\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A built project whose digests are saved, long enough ago that no file is racy."""
    digests = Digests.load(tmp_path)
    write(tmp_path, diff(tmp_path, artifacts(FILES), digests), digests)
    digests.save(as_built=True)
    later = time.time_ns() + 1_000_000_000
    os.utime(tmp_path / ".mlc/cache/outputs.json", ns=(later, later))
    return tmp_path


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr(Digests, "_read", read)


def test_a_file_whose_stat_is_known_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = Digests.load(root)
    forbid_reading(monkeypatch)
    assert digests.unchanged()
    assert not diff(root, artifacts(FILES), digests)


def test_a_changed_file_is_noticed(root: Path) -> None:
    (root / A).write_text("a: 2\n")
    assert not Digests.load(root).unchanged()
    assert diff(root, artifacts(FILES), Digests.load(root)).findings[0].code == "MLC950"


def test_a_change_that_hides_behind_size_and_mtime_is_noticed(root: Path) -> None:
    before = (root / A).stat()
    (root / A).write_text("a: 2\n")
    os.utime(root / A, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not Digests.load(root).unchanged()


def test_a_file_as_new_as_the_cache_itself_is_read_again(root: Path) -> None:
    status = (root / A).stat()
    newest = max(status.st_mtime_ns, status.st_ctime_ns)
    os.utime(root / ".mlc/cache/outputs.json", ns=(newest, newest))
    digests = Digests.load(root)
    stamp = f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino} "
    digests._known[A] = stamp + "sha256:of-what-was-there-within-the-same-tick"
    assert digests.find(A) == digest(b"a: 1\n")


def test_a_touched_file_with_the_same_bytes_is_unchanged(root: Path) -> None:
    os.utime(root / A)
    assert Digests.load(root).unchanged()


@pytest.mark.parametrize("path", [A, f"deploy/prod/late-arrival/{MANIFEST_FILE}", MANIFEST_FILE])
def test_a_missing_file_is_noticed(root: Path, path: str) -> None:
    (root / path).unlink()
    assert not Digests.load(root).unchanged()


def test_a_broken_off_build_is_not_unchanged(root: Path) -> None:
    (root / ".mlc/build.journal").write_text("{}")
    assert not Digests.load(root).unchanged()


def test_a_difference_that_was_only_looked_at_is_not_taken_for_built(root: Path) -> None:
    (root / A).write_text("a: 2\n")
    digests = Digests.load(root)
    assert diff(root, artifacts(FILES), digests)
    digests.save(as_built=False)
    assert not Digests.load(root).unchanged()


def test_looking_at_an_edit_does_not_make_it_built(root: Path) -> None:
    (root / A).write_text("a: 2\n")
    digests = Digests.load(root)
    assert not digests.unchanged()
    assert not digests.unchanged()


def test_files_that_went_away_are_all_forgotten_at_once(root: Path) -> None:
    (root / A).unlink()
    (root / "docs/models/m.md").unlink()
    digests = Digests.load(root)
    assert not digests.unchanged()
    digests.save(as_built=True)
    assert Digests.load(root).unchanged()


DAMAGED = [
    *(b"", b"{", b"[]", b"null", b"\xff"),
    b'{"format_version":1,"as_built":true,"files":[1]}',
    b'{"format_version":1,"as_built":true,"files":{"a":1}}',
    b'{"format_version":9,"as_built":true,"files":{}}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_cache_is_ignored(root: Path, content: bytes) -> None:
    (root / ".mlc/cache/outputs.json").write_bytes(content)
    digests = Digests.load(root)
    assert not digests.unchanged()
    assert not diff(root, artifacts(FILES), digests)


def test_a_cache_that_cannot_be_saved_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / ".mlc").write_text("a file where the folder should be")
    digests = Digests(tmp_path)
    digests.find("a")
    digests.save(as_built=True)
    assert not Digests.load(tmp_path).unchanged()


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    os.mkfifo(tmp_path / "pipe")
    digests = Digests(tmp_path)
    assert digests.find("folder") == Obstacle("a folder")
    assert digests.find("link") == Obstacle("a symbolic link", replaceable=True)
    assert digests.find("pipe") == Obstacle("a special file")
    assert digests.find("missing") is None
