"""Release, pins and promotion as data: what a passed run makes, what is refused, what a later build reads back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import an_environment
from mlc_compiler import codec, ir
from mlc_compiler.conventions import image_name, image_tag
from mlc_compiler.diagnostics import Sink
from mlc_compiler.evidence import gates_digest
from mlc_compiler.gitops.pins import read_pins
from mlc_compiler.gitops.release import Refusal, Released, make_release
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.resolved import ResolvedModel, is_snapshot_of, parse_snapshot, snapshot_text
from specs_on_disk import DIGEST, a_model_of, changed, codes, compiled

STAGING = an_environment("staging")
MODEL = a_model_of()


def lowered(model: ResolvedModel = MODEL) -> ir.Model:
    return lower_model(model, frozenset(), None)


def evidence(**fields: Any) -> dict[str, Any]:
    """Return the evidence of a run that passed."""
    verdict = {"gate": "release", "status": "passed", "reason": ""}
    passed = {
        "version": MODEL.version,
        "artifact": DIGEST,
        "gates_digest": gates_digest(lowered().gates),
        "passed": True,
    }
    return {**passed, "verdicts": [verdict], **fields}


def released(model: ResolvedModel = MODEL, **fields: Any) -> Released:
    compilation, _ = compiled()
    assert compilation is not None
    made = make_release(compilation.releases.project, STAGING, model, evidence(**fields), None)
    assert isinstance(made, Released), made
    return made


def refusal(**fields: Any) -> Refusal:
    compilation, _ = compiled()
    assert compilation is not None
    made = make_release(compilation.releases.project, STAGING, MODEL, evidence(**fields), None)
    assert isinstance(made, Refusal)
    return made


def on_disk(root: Path, files: Mapping[str, str]) -> Pins:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    sink = Sink()
    pins = read_pins(root, (("staging", "late"), ("prod", "late")), sink)
    assert codes(sink) == []
    return pins


# --- release ---------------------------------------------------------------------------------------------------------
def test_a_passed_run_makes_pin_snapshot_and_evidence() -> None:
    made = released()
    pin_file, snapshot, evidence_file = made.files
    assert pin_file == "environments/staging/late.yaml"
    assert codec.text_digest(made.files[snapshot]) == made.pin.snapshot
    assert codec.text_digest(made.files[evidence_file]) == made.pin.evidence
    assert made.pin.version == MODEL.version
    assert made.pin.image == image_name(None, "tiny", "late") + f":{image_tag(MODEL.version)}"


def test_what_was_released_is_read_back(tmp_path: Path) -> None:
    made = released()
    pins = on_disk(tmp_path, made.files)
    assert pins.pins == {("staging", "late"): made.pin}
    compilation, findings = compiled(pins=pins)
    assert codes(findings) == []
    assert compilation is not None
    staging = next(r for r in compilation.releases.releases if r.environment.name == "staging")
    assert staging.models[0].pin == made.pin


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"version": DIGEST}, "was of version dddddddddddd"),
        ({"gates_digest": DIGEST}, "gates of `late` have changed"),
        ({"passed": False}, "did not pass"),
        ({"verdicts": [{"gate": "release", "status": "failed", "reason": "roc_auc 0.61 < 0.7"}]}, "roc_auc 0.61 < 0.7"),
        ({"verdicts": [{"gate": "release", "status": "undecided", "reason": "9 rows"}]}, "undecided: 9 rows"),
        ({"verdicts": [{}]}, "damaged"),
        ({"verdicts": 3}, "damaged"),
        ({"artifact": None}, "damaged"),
    ],
)
def test_a_run_that_does_not_allow_it_releases_nothing(fields: dict[str, Any], words: str) -> None:
    made = refusal(**fields)
    assert words in made.message
    assert made.help


def test_a_required_gate_judges_the_model() -> None:
    compilation, _ = compiled()
    assert compilation is not None
    made = make_release(compilation.releases.project, replace(STAGING, gates=("other",)), MODEL, evidence(), None)
    assert isinstance(made, Refusal)
    assert "requires gate `other`" in made.message


# --- pins and snapshots ----------------------------------------------------------------------------------------------
def test_a_pinned_environment_keeps_what_was_promoted_while_the_specs_move_on(tmp_path: Path) -> None:
    pins = on_disk(tmp_path, released().files)
    moved = changed("specs/model.yaml", "delay > 15", "delay > 30")
    compilation, findings = compiled(moved, pins)
    assert codes(findings) == []
    assert compilation is not None
    pinned, unpinned = (r.models[0] for r in compilation.releases.releases)
    assert (pinned.version, pinned.label.expression) == (MODEL.version, "delay > 15")
    assert (unpinned.pin, unpinned.label.expression) == (None, "delay > 30")


def test_a_snapshot_is_read_as_it_was_written() -> None:
    text = snapshot_text(MODEL)
    assert parse_snapshot(text) == replace(MODEL, label_type="")  # of the specs as they stand
    assert is_snapshot_of(text, MODEL)
    assert not is_snapshot_of(text, replace(MODEL, owner="others"))


def test_a_pin_of_another_version_than_its_snapshot_is_told(tmp_path: Path) -> None:
    made = released()
    pins = on_disk(tmp_path, {**made.files, made.pin.path: made.files[made.pin.path].replace(made.pin.version, DIGEST)})
    assert codes(compiled(pins=pins)[1]) == ["MLC904"]


def test_a_snapshot_that_was_edited_is_told(tmp_path: Path) -> None:
    made = released()
    edited = {p: t.replace("delay > 15", "delay > 16") for p, t in made.files.items() if "snapshots" in p}
    assert codes(compiled(pins=on_disk(tmp_path, {**made.files, **edited}))[1]) == ["MLC905"]


@pytest.mark.parametrize(
    "damage", [{"labels": []}, {"gates": None}, {"model": {"task": "x"}}, {"format_version": 99}, {"features": {}}]
)
def test_a_snapshot_of_another_shape_is_told_though_its_digest_agrees(damage: dict[str, Any], tmp_path: Path) -> None:
    made = released()
    path = next(p for p in made.files if "snapshots" in p)
    text = json.dumps({**json.loads(made.files[path]), **damage})
    digest = codec.text_digest(text)
    folder = path.rpartition("/")[0]
    pin = made.files[made.pin.path].replace(made.pin.snapshot, digest)
    pins = on_disk(tmp_path, {made.pin.path: pin, f"{folder}/{digest[7:19]}.json": text})
    assert codes(compiled(pins=pins)[1]) == ["MLC905"]
