from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mlc_compiler.backend import journal
from mlc_compiler.backend.changes import Changes
from mlc_compiler.backend.digests import Digests
from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.backend.writer import check, diff, write
from mlc_compiler.conventions import MANIFEST_FILE
from mlc_compiler.ir import Origin
from outputs import an_artifact, artifacts, folders, killed_at, texts, tree

PROD = "deploy/prod/late-arrival"
FILES = {
    f"{PROD}/deployment.yaml": "replicas: 2\n",
    f"{PROD}/service.yaml": "port: 80\n",
    "docs/models/m.md": "# Card\n",
}


def build(root: Path, files: dict[str, str]) -> Changes:
    changes = diff(root, artifacts(files))
    write(root, changes)
    return changes


def codes(changes: Changes) -> list[str]:
    return [finding.code for finding in changes.findings]


def test_a_first_build_creates_the_files_and_says_so(tmp_path: Path) -> None:
    changes = build(tmp_path, FILES)
    assert [change.path for change in changes.created] == sorted(FILES)
    assert (changes.changed, changes.deleted, changes.conflicts) == ((), (), ())
    assert texts(tmp_path) == FILES


def test_after_a_build_there_is_nothing_to_do(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    assert not diff(tmp_path, artifacts(FILES))
    assert check(tmp_path, artifacts(FILES)) == ()


def test_a_change_knows_its_target_document_environment_and_model(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    (change,) = diff(tmp_path, artifacts({**FILES, f"{PROD}/service.yaml": "port: 81\n"})).changed
    assert (change.target, change.document, change.environment, change.model) == (
        "kubernetes",
        "Model/late-arrival",
        "prod",
        "late-arrival",
    )
    assert change.text == "port: 81\n"
    assert change.before != change.after


def test_an_orphan_knows_where_it_came_from(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    deleted = diff(tmp_path, []).deleted
    assert [change.path for change in deleted] == sorted(FILES)
    assert {(c.target, c.document, c.environment, c.model) for c in deleted} == {
        ("kubernetes", "Model/late-arrival", "prod", "late-arrival")
    }


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    before = {path: (tmp_path / path).stat().st_mtime_ns for path in FILES}
    inode = (tmp_path / PROD / "service.yaml").stat().st_ino
    build(tmp_path, {**FILES, f"{PROD}/deployment.yaml": "replicas: 3\n"})
    after = {path: (tmp_path / path).stat().st_mtime_ns for path in FILES}
    assert [path for path in FILES if before[path] != after[path]] == [f"{PROD}/deployment.yaml"]
    assert (tmp_path / PROD / "service.yaml").stat().st_ino == inode


def test_files_are_readable_by_all_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        build(tmp_path, FILES)
        build(tmp_path, dict.fromkeys(FILES, "other: 1\n"))
    finally:
        os.umask(old)
    assert {stat.S_IMODE((tmp_path / path).stat().st_mode) for path in FILES} == {0o644}


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    build(tmp_path, {"a.yaml": "a: 1\nb: é\n"})
    assert (tmp_path / "a.yaml").read_bytes() == b"a: 1\nb: \xc3\xa9\n"


def test_orphans_and_the_folders_they_leave_empty_are_removed(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    (tmp_path / "deploy/prod/notes.txt").write_text("mine")
    build(tmp_path, {})
    assert tree(tmp_path) == {"deploy/prod/notes.txt": b"mine"}
    assert folders(tmp_path) == {"deploy", "deploy/prod"}


def test_files_of_a_folder_outside_deploy_are_found_again(tmp_path: Path) -> None:
    build(tmp_path, {"ci/jenkins/Jenkinsfile": "pipeline {}\n"})
    build(tmp_path, {".github/workflows/mlc-release.yml": "on: push\n"})
    assert texts(tmp_path) == {".github/workflows/mlc-release.yml": "on: push\n"}
    build(tmp_path, {})
    assert tree(tmp_path) == {}


def test_a_file_edited_by_hand_is_a_conflict_until_it_is_forced(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    path = tmp_path / PROD / "service.yaml"
    path.write_text("port: 8080\n")
    changes = diff(tmp_path, artifacts(FILES))
    assert codes(changes) == ["MLC950"]
    assert check(tmp_path, artifacts(FILES)) == (f"{PROD}/service.yaml",)
    with pytest.raises(ValueError, match="conflicts"):
        write(tmp_path, changes)
    assert path.read_text() == "port: 8080\n"
    write(tmp_path, changes.forced())
    assert texts(tmp_path) == FILES
    assert not diff(tmp_path, artifacts(FILES))


def test_an_edit_that_equals_the_new_content_is_no_conflict(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    (tmp_path / PROD / "service.yaml").write_text("port: 81\n")
    changes = build(tmp_path, {**FILES, f"{PROD}/service.yaml": "port: 81\n"})
    assert (changes.changed, codes(changes)) == ((), [])
    assert not diff(tmp_path, artifacts({**FILES, f"{PROD}/service.yaml": "port: 81\n"}))


def test_a_file_that_mlc_did_not_write_is_a_conflict_until_it_is_forced(tmp_path: Path) -> None:
    (tmp_path / PROD).mkdir(parents=True)
    (tmp_path / PROD / "service.yaml").write_text("mine: true\n")
    changes = diff(tmp_path, artifacts(FILES))
    assert codes(changes) == ["MLC951"]
    write(tmp_path, changes.forced())
    assert texts(tmp_path) == FILES


def test_a_file_that_is_already_right_is_adopted(tmp_path: Path) -> None:
    (tmp_path / PROD).mkdir(parents=True)
    (tmp_path / PROD / "service.yaml").write_text("port: 80\n")
    changes = build(tmp_path, FILES)
    assert changes.unchanged == (f"{PROD}/service.yaml",)
    build(tmp_path, {})
    assert tree(tmp_path) == {}


def test_an_orphan_edited_by_hand_is_kept_with_a_warning_once(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    (tmp_path / PROD / "service.yaml").write_text("port: 8080\n")
    changes = build(tmp_path, {})
    assert [(finding.code, finding.severity.value) for finding in changes.findings] == [("MLC957", "warning")]
    assert tree(tmp_path) == {f"{PROD}/service.yaml": b"port: 8080\n"}
    assert not diff(tmp_path, [])


def test_a_deleted_file_is_written_again(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    (tmp_path / PROD / "service.yaml").unlink()
    assert [change.path for change in build(tmp_path, FILES).created] == [f"{PROD}/service.yaml"]
    assert texts(tmp_path) == FILES


def test_a_folder_in_the_way_of_a_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / PROD / "service.yaml").mkdir(parents=True)
    changes = diff(tmp_path, artifacts(FILES))
    assert codes(changes) == ["MLC951"]
    assert len(changes.forced().conflicts) == 1


def test_a_file_in_the_way_of_a_folder_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "deploy").write_text("mine")
    changes = diff(tmp_path, artifacts(FILES))
    assert set(codes(changes)) == {"MLC956"}
    assert changes.forced().conflicts == changes.conflicts


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("port: 80\n")
    root = tmp_path / "project"
    (root / PROD).mkdir(parents=True)
    (root / PROD / "service.yaml").symlink_to(outside)
    changes = diff(root, artifacts(FILES))
    assert codes(changes) == ["MLC951"]
    write(root, changes.forced())
    assert not (root / PROD / "service.yaml").is_symlink()
    assert outside.read_text() == "port: 80\n"
    assert texts(root) == FILES


def test_a_folder_link_that_leaves_the_project_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "project"
    root.mkdir()
    (root / "deploy").symlink_to(outside)
    changes = diff(root, artifacts(FILES))
    assert set(codes(changes)) == {"MLC956"}
    assert changes.forced().conflicts
    assert list(outside.iterdir()) == []


def test_a_folder_link_inside_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "rendered").mkdir()
    (tmp_path / "deploy").symlink_to("rendered")
    build(tmp_path, FILES)
    assert (tmp_path / "rendered/prod/late-arrival/service.yaml").read_text() == "port: 80\n"
    assert not diff(tmp_path, artifacts(FILES))
    build(tmp_path, {})
    assert (tmp_path / "deploy").is_symlink()


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/x",
        "a/../../x",
        "a//b",
        "",
        "a/",
        "./a",
        "a\\b",
        "a\0b",
        ".git/config",
        ".mlc/x",
        f"a/{MANIFEST_FILE}",
    ],
)
def test_a_path_that_a_target_may_not_write_is_our_bug(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="may not be written"):
        diff(tmp_path, [an_artifact(path)])


def test_two_artifacts_of_one_path_are_our_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two artifacts"):
        diff(tmp_path, [an_artifact("a.yaml"), an_artifact("a.yaml")])


def test_a_scope_leaves_the_files_outside_it_alone(tmp_path: Path) -> None:
    build(tmp_path, {**FILES, "deploy/staging/m/x.yaml": "x: 1\n", "docs/models/other.md": "# Other\n"})
    scope = [PROD, "docs/models/m.md"]
    changes = diff(tmp_path, artifacts({f"{PROD}/service.yaml": "port: 81\n"}), scope=scope)
    assert [change.path for change in changes.files] == [
        f"{PROD}/service.yaml",
        f"{PROD}/deployment.yaml",
        "docs/models/m.md",
    ]
    write(tmp_path, changes)
    rest = {
        f"{PROD}/service.yaml": "port: 81\n",
        "deploy/staging/m/x.yaml": "x: 1\n",
        "docs/models/other.md": "# Other\n",
    }
    assert texts(tmp_path) == rest
    assert not diff(tmp_path, artifacts(rest))


def test_the_order_of_artifacts_changes_no_byte(tmp_path: Path) -> None:
    made = artifacts(FILES)
    for root, given in ((tmp_path / "a", made), (tmp_path / "b", made[::-1])):
        root.mkdir()
        write(root, diff(root, given))
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


# --- manifests -------------------------------------------------------------------------------------------------------
def test_new_origins_alone_change_only_the_manifest(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    moved = [replace(a, origin=Origin("Model/renamed")) for a in artifacts(FILES)]
    changes = diff(tmp_path, moved)
    assert list(changes.files) == []
    assert [change.path for change in changes.manifests] == [f"{PROD}/{MANIFEST_FILE}"]
    assert check(tmp_path, moved) == (f"{PROD}/{MANIFEST_FILE}",)
    write(tmp_path, changes)
    assert not diff(tmp_path, moved)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"format_version":2,"files":{}}',
        b'{"format_version":1,"files":{"../../x":{"digest":"d","target":"t","document":"d","parts":[]}}}',
        b'{"format_version":1,"files":{"x":{"digest":1,"target":"t","document":"d","parts":[]}}}',
        b'{"format_version":1,"files":{"x":{"digest":"d","target":"t","document":"d","parts":[[1]]}}}',
        b'{"format_version":1,"files":{"x":3}}',
        b'{"format_version":1,"files":{"/../x":{"digest":"d","target":"t","document":"d","parts":[]}}}',
        b'{"format_version":1,"files":{"/.git/config":{"digest":"d","target":"t","document":"d","parts":[]}}}',
        b'{"format_version":1,"files":{"docs/x":{"digest":"d","target":"t","document":"d","parts":[]}}}',
        b'{"format_version":1,"folders":["../.."],"files":{}}',
        b"<<<<<<< HEAD\n{}\n",
        b"[" * 100_000,
    ],
)
def test_a_damaged_manifest_is_one_finding_until_it_is_forced(tmp_path: Path, content: bytes) -> None:
    build(tmp_path, FILES)
    (tmp_path / PROD / MANIFEST_FILE).write_bytes(content)
    new = {**FILES, f"{PROD}/service.yaml": "port: 81\n", f"{PROD}/deployment.yaml": "replicas: 3\n"}
    changes = diff(tmp_path, artifacts(new))
    assert codes(changes) == ["MLC952"]
    assert codes(diff(tmp_path, artifacts(FILES))) == ["MLC952"]
    write(tmp_path, changes.forced())
    assert texts(tmp_path) == new
    assert not diff(tmp_path, artifacts(new))


def test_a_damaged_manifest_of_the_root_is_a_finding(tmp_path: Path) -> None:
    files = {**FILES, ".github/CODEOWNERS": "* @acme/ops\n"}
    build(tmp_path, files)
    (tmp_path / MANIFEST_FILE).write_bytes(b"{")
    changes = diff(tmp_path, artifacts(files))
    assert codes(changes) == ["MLC952"]
    write(tmp_path, changes.forced())
    assert not diff(tmp_path, artifacts(files))


def test_a_merge_conflict_in_a_manifest_is_named(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    (tmp_path / PROD / MANIFEST_FILE).write_bytes(b'{"format_version":1,\n<<<<<<< ours\n')
    (finding,) = diff(tmp_path, artifacts(FILES)).findings
    assert "conflict markers of a merge" in finding.message


# --- what can go wrong while writing ---------------------------------------------------------------------------------
def refuse(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    def refused(*arguments: object, **_: object) -> None:
        named = [str(argument) for argument in arguments if isinstance(argument, str | Path)]
        raise OSError(number, os.strerror(number), *named[:1])

    monkeypatch.setattr(os, name, refused)


@pytest.mark.parametrize(
    ("name", "number", "code"),
    [
        ("write", errno.ENOSPC, "MLC955"),
        ("write", errno.EDQUOT, "MLC955"),
        ("rename", errno.ENOSPC, "MLC955"),
        ("open", errno.EACCES, "MLC953"),
        ("rename", errno.EROFS, "MLC953"),
        ("replace", errno.EROFS, "MLC953"),
    ],
)
def test_a_disk_that_refuses_is_a_finding_and_leaves_old_or_new_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int, code: str
) -> None:
    build(tmp_path, FILES)
    new = {**dict.fromkeys(FILES, "new: 1\n"), "deploy/prod/second/x.yaml": "x: 1\n"}
    changes = diff(tmp_path, artifacts(new))
    with monkeypatch.context() as patched:
        refuse(patched, name, number)
        with pytest.raises(ExecutionError) as refusal:
            write(tmp_path, changes)
    assert refusal.value.finding.code == code
    assert not [path for path in tree(tmp_path) if "mlc-new" in path]
    assert all(texts(tmp_path)[path] in (FILES[path], new[path]) for path in FILES)
    build(tmp_path, new)
    assert texts(tmp_path) == new


def test_a_full_disk_names_the_file_that_did_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, FILES)
    changes = diff(tmp_path, artifacts({**FILES, f"{PROD}/service.yaml": "port: 81\n"}))
    refuse(monkeypatch, "write", errno.ENOSPC)
    with pytest.raises(ExecutionError) as refusal:
        write(tmp_path, changes)
    assert refusal.value.finding.at.file == f"{PROD}/service.yaml"


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root may mount")
def test_a_really_full_disk_is_a_finding(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        files = {f"{PROD}/x{index}.yaml": "x" * 8000 for index in range(20)}
        with pytest.raises(ExecutionError) as refusal:
            build(tmp_path, files)
        assert refusal.value.finding.code == "MLC955"
        assert tree(tmp_path) == {}
        build(tmp_path, FILES)
        assert texts(tmp_path) == FILES
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_an_unreadable_file_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, FILES)

    def refused(self: Digests, path: str, stamp: str) -> object:
        return original(self, "missing", stamp) if path.endswith("service.yaml") else original(self, path, stamp)

    original = Digests._read
    monkeypatch.setattr(Digests, "_read", refused)
    changes = diff(tmp_path, artifacts(FILES))
    assert codes(changes) == ["MLC951"]
    assert "can't be read (No such file or directory)" in changes.findings[0].message


def test_a_file_that_changed_since_it_was_compared_is_not_overwritten(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    changes = diff(tmp_path, artifacts({**FILES, f"{PROD}/service.yaml": "port: 81\n"}))
    (tmp_path / PROD / "service.yaml").write_text("port: 8080\n")
    with pytest.raises(ExecutionError) as refusal:
        write(tmp_path, changes)
    assert refusal.value.finding.code == "MLC958"
    assert (tmp_path / PROD / "service.yaml").read_text() == "port: 8080\n"


def test_changes_that_another_build_has_made_are_not_made_again(tmp_path: Path) -> None:
    build(tmp_path, FILES)
    new = {f"{PROD}/service.yaml": "port: 81\n"}
    first, second = diff(tmp_path, artifacts(new)), diff(tmp_path, artifacts(new))
    write(tmp_path, first)
    write(tmp_path, second)
    assert texts(tmp_path) == new


def test_a_second_build_ends_with_a_finding_that_names_the_first(tmp_path: Path) -> None:
    changes = diff(tmp_path, artifacts(FILES))
    with journal.exclusive(tmp_path), pytest.raises(ExecutionError) as refusal:
        write(tmp_path, changes, wait_seconds=0.0)
    assert refusal.value.finding.code == "MLC954"
    assert str(os.getpid()) in refusal.value.finding.message
    write(tmp_path, changes)
    assert texts(tmp_path) == FILES


def test_a_second_build_waits_for_a_short_one(tmp_path: Path) -> None:
    holding, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with journal.exclusive(tmp_path):
            holding.set()
            leave.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    holding.wait(10)
    threading.Timer(0.1, leave.set).start()
    write(tmp_path, diff(tmp_path, artifacts(FILES)), wait_seconds=10.0)
    other.join()
    assert texts(tmp_path) == FILES


def test_an_interrupt_leaves_nothing_prepared_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, FILES)
    changes = diff(tmp_path, artifacts(dict.fromkeys(FILES, "new: 1\n")))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, changes)
    assert texts(tmp_path) == FILES


OLD = {
    f"{PROD}/a.yaml": "a: 1\n",
    f"{PROD}/b.yaml": "b: 1\n",
    "ci/Jenkinsfile": "old\n",
    "deploy/prod/gone/x.yaml": "x: 1\n",
}
NEW = {
    f"{PROD}/a.yaml": "a: 2\n",
    f"{PROD}/c.yaml": "c: 1\n",
    "docs/models/m.md": "# Card\n",
    "deploy/prod/new/x.yaml": "y: 1\n",
}
OTHER = {f"{PROD}/a.yaml": "a: 3\n", "deploy/prod/new/x.yaml": "y: 2\n", "ci/Jenkinsfile": "new\n"}


@pytest.mark.parametrize("following", [NEW, OLD, OTHER, {}], ids=["the same", "the old", "another", "an empty"])
def test_a_build_killed_anywhere_leaves_old_or_new_files_and_any_following_build_mends(
    tmp_path: Path, following: dict[str, str]
) -> None:
    step = 0
    killed = True
    while killed:
        root = tmp_path / str(step)
        root.mkdir()
        build(root, OLD)
        (root / PROD / "mine.txt").write_text("mine")
        killed = killed_at(step, lambda root=root: build(root, NEW))  # type: ignore[misc]  # bound for this round
        for path in OLD.keys() & NEW.keys():
            assert texts(root)[path] in (OLD[path], NEW[path])
        assert codes(diff(root, artifacts(following))) == []
        build(root, following)
        assert texts(root) == {**following, f"{PROD}/mine.txt": "mine"}
        assert not diff(root, artifacts(following))
        assert not (root / ".mlc/build.journal").exists()
        step += 1
    assert step > 30, "the build touches the disk less often than expected: is it still being killed?"
