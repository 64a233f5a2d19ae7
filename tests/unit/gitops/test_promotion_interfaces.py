"""Promotion compares the interface of the candidate with what runs, whatever the specs say by then."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from mlc_compiler import ir
from mlc_compiler.diagnostics import Finding, Sink
from mlc_compiler.gitops.promotion import check_interface
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.resolved import ResolvedModel
from promotions import PROMOTION, a_clone
from specs_on_disk import BASE, DIGEST, a_model_of, changed, compiled

STAGING = "environments/staging/late.yaml"
DATA = (BASE / "specs/data.yaml").read_text("utf-8")
FEATURES = (BASE / "specs/features.yaml").read_text("utf-8")
REGRESSION = """\
kind: Model
metadata: {name: late}
spec:
  task: regression
  features: [departures.*]
  label: {expr: delay}
  estimator: {class: sklearn.linear_model.Ridge}
"""


def requesting(declared: str) -> dict[str, str]:
    """Return the files in which requests have one more column, of this type; none where there is no type."""
    if not declared:
        return {"specs/data.yaml": DATA, "specs/features.yaml": FEATURES}
    data = DATA.replace("    delay:", f"    gate: {{{declared}}}\n    delay:", 1)
    return {
        "specs/data.yaml": data,
        "specs/features.yaml": FEATURES.replace("tailnum, distance]", "tailnum, distance, gate]"),
    }


@functools.cache
def a_version(declared: str) -> ResolvedModel:
    return a_model_of(requesting(declared))


def told(live: ResolvedModel, candidate: ResolvedModel) -> list[Finding]:
    """Return what is found where the candidate follows what prod runs; the specs are the base project's."""
    compilation = compiled()[0]
    assert compilation is not None
    pin = ir.Pin(live.version, DIGEST, "late:1", DIGEST, "environments/prod/late.yaml")
    release = next(r for r in compilation.releases.releases if r.environment.name == "prod")
    sink = Sink()
    runs = release.with_models((lower_model(live, frozenset(), pin),))
    check_interface(compilation.project, runs, candidate, sink)
    return list(sink)


@pytest.mark.parametrize(
    ("live", "candidate", "expected"),
    [
        pytest.param("type: string, required: true", "", ("MLC430", "error"), id="a removed field that is required"),
        pytest.param("type: string", "", ("MLC431", "warning"), id="a removed field that may be left out"),
        pytest.param("", "type: string, required: true", ("MLC430", "error"), id="an added field that is required"),
        pytest.param("", "type: string", ("MLC432", "info"), id="an added field that may be left out"),
        pytest.param("type: int64, required: true", "type: string", ("MLC430", "error"), id="another type"),
        pytest.param("type: int64", "type: int32", ("MLC431", "warning"), id="a narrower type"),
        pytest.param("type: int32", "type: int64", None, id="a wider type"),
    ],
)
def test_a_request_of_the_candidate_is_held_against_what_runs(
    live: str, candidate: str, expected: tuple[str, str] | None
) -> None:
    found = told(a_version(live), a_version(candidate))
    assert [(f.code, f.severity.value) for f in found] == ([expected] if expected else [])
    assert all("gate" in f.message for f in found)


def test_an_answer_of_another_shape_is_refused() -> None:
    files = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", "{metric: rmse, max: 40}")
    regression = a_model_of({**files, "specs/model.yaml": REGRESSION})
    found = told(a_version(""), regression)
    assert [(f.code, f.severity.value) for f in found] == [("MLC433", "error")]
    assert "the next version answers with a number" in found[0].message


def test_where_nothing_runs_every_interface_is_new() -> None:
    compilation = compiled()[0]
    assert compilation is not None
    sink = Sink()
    release = next(r for r in compilation.releases.releases if r.environment.name == "prod")
    check_interface(compilation.project, release, a_version("type: string, required: true"), sink)
    assert not list(sink)


# --- the command -----------------------------------------------------------------------------------------------------
def test_a_version_that_no_request_fits_is_not_promoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Staging goes back to a version without the column that prod requires, and the specs take either."""
    clone = a_clone(tmp_path / "tiny", files=requesting(""))
    clone.release()
    without = (clone.root / STAGING).read_text("utf-8")
    clone.write(requesting("type: string, required: true"))
    (clone.root / STAGING).unlink()
    clone.release()
    assert clone.promote() == 0
    clone.merge(PROMOTION)
    clone.git("branch", "--quiet", "-D", PROMOTION)
    clone.write({**requesting("type: string"), STAGING: without})
    assert clone.mlc("build") == 0
    clone.commit("Back in staging")
    capsys.readouterr()
    assert clone.promote() == 1
    said = capsys.readouterr().err
    assert "error[MLC430]: no request fits both versions: prod requires `gate`, the next one refuses it" in said
    assert not clone.git("branch", "--list", PROMOTION)
    assert not clone.git("status", "--porcelain")


def test_specs_whose_answers_differ_from_what_runs_release_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = a_clone(tmp_path / "tiny")
    clone.release()
    assert clone.promote() == 0
    clone.merge(PROMOTION)
    clone.change("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", "{metric: rmse, max: 40}")
    clone.write({"specs/model.yaml": REGRESSION})
    clone.commit("Another task")
    capsys.readouterr()
    assert clone.promote() == 1
    assert "error[MLC433]" in capsys.readouterr().err
