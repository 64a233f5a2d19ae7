"""Files that are generated or describe what is generated stay in step with the code."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlc_compiler.codes import FAMILIES, REGISTRY
from mlc_compiler.diagnostics import Finding, Related, Sink, Span
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.plan.as_json import plan_json
from mlc_compiler.plan.summary import FieldChange, Group, ObjectChange, Plan
from mlc_compiler.render import render_json
from mlc_compiler.spec import KINDS
from specs_on_disk import ERRORS, a_project_on_disk, mlc

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "schemas" / "mlc_schemas"
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*/mlc.yaml"))


def a_schema(path: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / path).read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return schema


def test_generated_files_are_in_step() -> None:
    generated: dict[str, str] = runpy.run_path(str(ROOT / "tools" / "generate.py"))["generated"]()
    stale = [p for p, text in generated.items() if not (ROOT / p).is_file() or (ROOT / p).read_text("utf-8") != text]
    assert stale == [], "run `make generate`"


def test_there_is_a_schema_for_each_kind_and_for_all() -> None:
    found = {path.name.removesuffix(".schema.json") for path in (SCHEMAS / "spec" / "v1").iterdir()}
    assert {name.replace("_", "") for name in found} == {kind.lower() for kind in KINDS} | {"spec"}


@pytest.mark.parametrize("project", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_published_schema_accepts_the_examples(project: Path) -> None:
    validator = Draft202012Validator(a_schema("spec/v1/spec.schema.json"))
    for path in (project, *sorted((project.parent / "specs").glob("*.yaml"))):
        for document in load(path.name, path.read_bytes(), Sink()):
            assert [error.message for error in validator.iter_errors(document.value)] == [], path.name


@pytest.mark.parametrize(
    "document",
    [
        {
            "kind": "Gate",
            "metadata": {"name": "Release"},
            "spec": {"model": "m", "checks": [{"metric": "f1", "min": 0.5}]},
        },
        {"kind": "Gate", "metadata": {"name": "g"}, "spec": {"model": "m", "checks": []}},
        {
            "kind": "Gate",
            "metadata": {"name": "g"},
            "spec": {"model": "m", "checks": [{"metric": "f1", "latency": "p99"}]},
        },
        {"kind": "Gate", "metadata": {"name": "g"}, "spec": {"modle": "m", "checks": [{"metric": "f1", "min": 0.5}]}},
        {"kind": "Gate", "metadata": {"name": "g"}},
        {"kind": "Gates", "metadata": {"name": "g"}, "spec": {}},
    ],
    ids=["name", "no-checks", "two-forms", "misspelt", "no-spec", "kind"],
)
def test_the_published_schema_refuses_what_validate_refuses(document: object) -> None:
    assert not Draft202012Validator(a_schema("spec/v1/spec.schema.json")).is_valid(document)


def test_the_plan_as_json_fits_its_schema() -> None:
    change = ObjectChange("changed", "deploy/a.yaml", "a.yaml", "kubernetes", (FieldChange("spec.x", "1", "(none)"),))
    created = ObjectChange("created", "docs/b.md", "b.md", "model-card")
    plan = Plan((Group("prod", ("late",), (change,)), Group("project", (), (created,))), 1, 1, 0)
    schema = a_schema("output/plan.schema.json")
    Draft202012Validator(schema).validate(json.loads(plan_json(plan)))
    assert not Draft202012Validator(schema).is_valid({**json.loads(plan_json(plan)), "format_version": 2})


def test_a_real_plan_fits_its_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = mlc("plan --format json", a_project_on_disk(tmp_path / "tiny"), capsys, monkeypatch)
    plan = json.loads(outcome.out)
    Draft202012Validator(a_schema("output/plan.schema.json")).validate(plan)
    assert outcome.code == 0


def test_findings_as_json_fit_their_schema() -> None:
    span = Span("specs/a.yaml", 1, 2, 1, 5)
    finding = Finding("MLC203", "a second Gate is named `g`", span, "", (Related("first", "g", span),), "rename one")
    Draft202012Validator(a_schema("output/findings.schema.json")).validate(json.loads(render_json([finding])))


def test_every_code_has_its_section_in_the_docs() -> None:
    page = (ROOT / "docs" / "diagnostics.md").read_text("utf-8")
    assert re.findall(r"^### (MLC\d{3})", page, re.MULTILINE) == [
        code.id for _, codes in FAMILIES for code in sorted(codes, key=lambda code: code.id)
    ]


def test_what_a_help_tells_to_explain_can_be_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [case.read_text("utf-8") for case in sorted(ERRORS.glob("*/expected.txt"))]
    subjects = sorted({s for text in texts for s in re.findall(r"mlc explain ([\w.]+)", text)})
    assert len(subjects) > len(REGISTRY) / 2
    assert [s for s in subjects if mlc(f"explain {s}", tmp_path, capsys, monkeypatch).code] == []
