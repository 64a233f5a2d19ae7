"""Whatever builds follow one another, killed or not, beside whatever a hand does: nothing is lost, all is mended."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mlc_compiler.backend.digests import Digests
from mlc_compiler.backend.manifest import Entry, Manifest, parse, render
from mlc_compiler.backend.target import Part
from mlc_compiler.backend.writer import diff, write
from mlc_compiler.conventions import MANIFEST_FILE
from mlc_compiler.ir import Origin
from outputs import an_artifact, artifacts, folders, killed_at, texts, tree

# Few paths and contents, so that builds meet the files of earlier ones; each path is either a file or a folder in all.
PATHS = [
    "deploy/prod/m/a.yaml",
    "deploy/prod/m/b.yaml",
    "deploy/prod/n/a.yaml",
    "deploy/prod/k.yaml",
    "ci/x/y",
    "ci/z",
    "top",
]
builds = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["1\n", "2\n", "3\n"]))
kills = st.none() | st.integers(0, 60)
hands = st.dictionaries(
    st.sampled_from([*PATHS, "deploy/prod/m/mine", "ci/x/mine"]), st.sampled_from(["mine\n", "edit\n"])
)


def build(root: Path, files: dict[str, str], force: bool = False) -> None:
    digests = Digests.load(root)
    changes = diff(root, artifacts(files), digests)
    write(root, changes.forced() if force else changes, digests)
    digests.save(as_built=True)


@settings(max_examples=60)
@given(history=st.lists(st.tuples(builds, kills), min_size=1, max_size=6), last=builds)
def test_killed_builds_are_mended_by_the_next_one_that_ends(
    history: list[tuple[dict[str, str], int | None]], last: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for files, step in history:
            if step is None:
                build(root, files)
                assert texts(root) == files
            else:
                killed_at(step, lambda files=files: build(root, files))  # type: ignore[misc]  # bound for this round
        build(root, last)
        assert texts(root) == last
        assert not diff(root, artifacts(last))
        assert Digests.load(root).unchanged()
        build(root, {})
        assert (tree(root), folders(root) - {".mlc/cache"}) == ({}, set())


@settings(max_examples=100)
@given(first=builds, hand=hands, second=builds)
def test_what_a_hand_wrote_is_never_lost_unless_forced(
    first: dict[str, str], hand: dict[str, str], second: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, first)
        for path, text in hand.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        changes = diff(root, artifacts(second))
        assert {conflict.change.path for conflict in changes.conflicts} == hand.keys() & second.keys()
        if not changes.conflicts:
            write(root, changes)
            assert texts(root) == {**second, **hand}
        else:
            build(root, second, force=True)
            assert texts(root) == {**hand, **second}
        assert not diff(root, artifacts(second))


@settings(max_examples=60)
@given(first=builds, second=builds)
def test_two_halves_built_in_their_scopes_are_the_whole(first: dict[str, str], second: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as parted:
        for root in (Path(whole), Path(parted)):
            build(root, first)
        build(Path(whole), second)
        for scope in (["deploy"], ["ci", "top"]):
            part = [a for a in artifacts(second) if any(a.path == s or a.path.startswith(f"{s}/") for s in scope)]
            write(Path(parted), diff(Path(parted), part, scope=scope))
        assert tree(Path(parted)) == tree(Path(whole))


names = st.text(min_size=1).filter(
    lambda name: name not in (".", "..", ".mlc", ".git") and not set(name) & set("/\\\0")
)
parts = st.lists(st.builds(Part, st.integers(1, 10**6), st.builds(Origin, st.text(), st.text())), max_size=4).map(tuple)
entries = st.builds(Entry, st.text(), st.text(), st.text(), st.none() | st.text(), st.none() | st.text(), parts)


paths = st.lists(names, min_size=1, max_size=4).map("/".join).filter(lambda path: not path.endswith(".mlc-new"))


@given(folder=st.just("") | paths, entries=st.dictionaries(paths, entries, max_size=4))
def test_a_manifest_reads_back_as_it_was_with_each_file_on_lines_of_its_own(
    folder: str, entries: dict[str, Entry]
) -> None:
    text = render(folder, Manifest(entries))
    assert parse(folder, text.encode()).entries == entries
    # A name, its entry, and a comma between two: git merges what others change of a neighbour.
    assert text.count("\n") == 3 + max(1, 3 * len(entries) - 1)


@given(content=st.binary() | st.text().map(str.encode))
def test_no_bytes_in_place_of_a_manifest_raise_anything_unexpected(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, {"deploy/a.yaml": "1\n"})
        (root / "deploy" / MANIFEST_FILE).write_bytes(content)
        changes = diff(root, [an_artifact("deploy/a.yaml", "2\n")])
        assert [finding.code for finding in changes.findings] == ["MLC952"]
