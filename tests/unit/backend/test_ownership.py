"""Which manifest owns which file, and how a tree of the former layout, a manifest a folder, is taken over."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from mlc_compiler.backend.manifest import Entry, Manifest, entry_of, manifest_path, owner, render, split
from mlc_compiler.backend.target import Artifact, Part
from mlc_compiler.backend.writer import diff, write
from mlc_compiler.conventions import MANIFEST_FILE
from mlc_compiler.ir import Origin
from outputs import an_artifact, killed_at, texts, tree

RULES = "deploy/prod/monitoring/rules"
IMAGE, CARD = "deploy/images/a/Dockerfile", "docs/models/a.md"


def of_a_model(model: str, text: str = "1\n") -> list[Artifact]:
    """Return what targets write of a model: manifests, a rule file beside those of others, a recipe, a card."""
    pinned = (f"deploy/prod/{model}/deployment.yaml", f"{RULES}/{model}.yaml")
    always = (f"deploy/images/{model}/Dockerfile", f"docs/models/{model}.md")
    found = [an_artifact(path, text, model) for path in (*pinned, *always)]
    return [a if a.path in pinned else replace(a, environment=None) for a in found]


NOBODYS = [an_artifact("deploy/prod/monitoring/alertmanager.yml", model=None), an_artifact(".github/x.yml", model=None)]


def build(root: Path, made: list[Artifact]) -> None:
    write(root, diff(root, made))


def as_formerly(root: Path, made: list[Artifact]) -> None:
    """Write the artifacts, and who owns them into the manifest of each file's folder."""
    folders: dict[str, dict[str, Entry]] = defaultdict(dict)
    for artifact in made:
        (root / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (root / artifact.path).write_text(artifact.text)
        folders[split(artifact.path)[0]][artifact.path] = entry_of(artifact)
    for folder, entries in folders.items():
        (root / manifest_path(folder)).write_text(render(folder, Manifest(entries)))
    outside = tuple(sorted(f for f in folders if not f.startswith("deploy/")))
    (root / MANIFEST_FILE).write_text(render("", Manifest({}, outside)))


def owned(root: Path) -> dict[str, list[str]]:
    found = {path: json.loads(content) for path, content in tree(root).items() if path.endswith(MANIFEST_FILE)}
    return {split(path)[0]: list(manifest["files"]) for path, manifest in found.items()}


def test_a_models_files_are_owned_by_its_manifests_wherever_they_stand(tmp_path: Path) -> None:
    build(tmp_path, [*of_a_model("a"), *NOBODYS])
    assert owned(tmp_path) == {
        "": [],
        ".github": ["x.yml"],
        "deploy/images/a": [f"/{CARD}", "Dockerfile"],
        "deploy/prod/a": [f"/{RULES}/a.yaml", "deployment.yaml"],
        "deploy/prod/monitoring": ["alertmanager.yml"],
    }


def test_the_owner_of_a_file_is_found_wherever_it_stands(tmp_path: Path) -> None:
    build(tmp_path, [*of_a_model("a"), *of_a_model("b"), *NOBODYS])
    for path, model in ((CARD, "a"), (f"{RULES}/b.yaml", "b"), (IMAGE, "a"), (".github/x.yml", None)):
        found = owner(tmp_path, path)
        assert found is not None
        assert found.model == model
    assert owner(tmp_path, "docs/models/c.md") is None


def test_another_model_changes_no_file_that_is_there(tmp_path: Path) -> None:
    build(tmp_path, [*of_a_model("a"), *NOBODYS])
    before = tree(tmp_path)
    build(tmp_path, [*of_a_model("a"), *of_a_model("b"), *NOBODYS])
    assert before.items() <= tree(tmp_path).items()


def test_a_file_of_a_shared_folder_edited_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    build(tmp_path, of_a_model("a"))
    (tmp_path / CARD).write_text("mine\n")
    assert [f.code for f in diff(tmp_path, of_a_model("a", "2\n")).findings] == ["MLC950"]


def test_a_file_of_a_shared_folder_goes_with_its_model_unless_it_was_edited(tmp_path: Path) -> None:
    build(tmp_path, of_a_model("a"))
    (tmp_path / CARD).write_text("mine\n")
    changes = diff(tmp_path, [])
    assert [f.code for f in changes.findings] == ["MLC957"]
    write(tmp_path, changes)
    assert texts(tmp_path) == {CARD: "mine\n"}


def test_a_shared_file_does_not_say_which_model_brought_a_line() -> None:
    origins = (Origin("Monitor/a", "spec.retrain"), Origin("Environment/prod", "spec.name"))
    shared = an_artifact("x.yml", model=None)
    shared = replace(shared, origin=Origin("Project/p"), parts=tuple(Part(n, o) for n, o in enumerate(origins, 1)))
    assert [part.origin for part in entry_of(shared).parts] == [Origin("Project/p"), origins[1]]
    assert [part.origin for part in entry_of(replace(shared, model="a")).parts] == list(origins)


# --- the former layout -----------------------------------------------------------------------------------------------
def test_a_tree_of_the_former_layout_is_taken_over_without_a_word(tmp_path: Path) -> None:
    made = [*of_a_model("a"), *of_a_model("b"), *NOBODYS]
    for root in (tmp_path / "old", tmp_path / "new"):
        root.mkdir()
    as_formerly(tmp_path / "old", made)
    build(tmp_path / "new", made)
    changes = diff(tmp_path / "old", made)
    assert (list(changes.files), changes.findings) == ([], ())
    write(tmp_path / "old", changes)
    assert tree(tmp_path / "old") == tree(tmp_path / "new")


def test_files_of_the_former_layout_change_and_go_as_owned(tmp_path: Path) -> None:
    as_formerly(tmp_path, [*of_a_model("a"), *of_a_model("b"), *NOBODYS])
    build(tmp_path, of_a_model("a", "2\n"))
    assert texts(tmp_path) == {artifact.path: "2\n" for artifact in of_a_model("a")}
    assert not diff(tmp_path, of_a_model("a", "2\n"))


def test_an_edit_by_hand_in_the_former_layout_is_still_seen(tmp_path: Path) -> None:
    as_formerly(tmp_path, of_a_model("a"))
    (tmp_path / CARD).write_text("mine\n")
    assert [f.code for f in diff(tmp_path, of_a_model("a", "2\n")).findings] == ["MLC950"]


@pytest.mark.parametrize("former", [True, False])
def test_a_build_killed_at_any_point_takes_nothing_of_its_own_for_somebody_elses(tmp_path: Path, former: bool) -> None:
    before, after = [*of_a_model("a"), *NOBODYS], [*of_a_model("a", "2\n"), *of_a_model("b", "2\n"), *NOBODYS]
    later = [*of_a_model("b", "3\n"), *NOBODYS]
    for step in range(100):
        root = tmp_path / str(step)
        root.mkdir()
        (as_formerly if former else build)(root, before)
        if not killed_at(step, lambda: build(root, after)):  # noqa: B023  called at once
            break
        changes = diff(root, later)
        assert changes.findings == (), step
        write(root, changes)
        assert texts(root) == {artifact.path: artifact.text for artifact in later}
    assert step > 10
