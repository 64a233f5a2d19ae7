"""Binding names to documents: what is found, what is picked by patterns, and what points at nothing."""

from __future__ import annotations

import pytest

from mlc_compiler.diagnostics import Place
from mlc_compiler.frontend.resolve import is_pattern, matching
from specs_on_disk import bound, changed, codes

GATE = "kind: Gate\nmetadata: {name: %s}\nspec: {model: %r, checks: [{metric: f1, min: 0.5}]}\n"


def test_a_sound_project_is_bound_to_what_it_names() -> None:
    project, findings = bound()
    assert findings == []
    assert project is not None
    (model,) = project.models
    assert (model.name, model.spine.name, [v.name for v in model.views]) == ("late", "flights", ["departures"])
    assert [f.name for f in model.features] == ["carrier", "distance", "built", "carrier_delay"]
    assert [g.name for g in model.gates] == ["release"]
    assert (model.rollout is not None, model.monitor is not None) == (True, True)


def test_environments_stand_in_order_of_promotion() -> None:
    environments = "".join(
        f"kind: Environment\nmetadata: {{name: {name}}}\nspec: {{namespace: {name}, {source}}}\n---\n"
        for name, source in (
            ("a", "promoted_from: c"),
            ("b", "promoted_from: z"),
            ("c", "promoted_from: z"),
            ("z", "tracks: main"),
        )
    )
    project, findings = bound({"specs/environments.yaml": environments})
    assert findings == []
    assert project is not None
    assert [e.name for e in project.environments] == ["z", "b", "c", "a"]


def test_a_pattern_attaches_a_gate_to_all_that_it_picks_in_order_of_names() -> None:
    project, findings = bound(
        {"specs/more.yaml": "---\n".join(GATE % p for p in (("zeta", "l*"), ("alpha", "lat[ef]")))}
    )
    assert findings == []
    assert project is not None
    assert [g.name for g in project.models[0].gates] == ["alpha", "release", "zeta"]


@pytest.mark.parametrize(
    ("pattern", "found"), [("*", ["a-b", "b"]), ("a-*", ["a-b"]), ("?", ["b"]), ("[!a]", ["b"]), ("B", [])]
)
def test_patterns_are_those_of_shells_and_keep_the_case(pattern: str, found: list[str]) -> None:
    assert matching(pattern, ["b", "a-b"]) == found
    assert is_pattern(pattern) == (pattern != "B")


def test_excluded_features_are_left_out_by_either_name() -> None:
    for name in ("carrier", "departures.carrier"):
        project, findings = bound(changed("specs/model.yaml", "  label", f"  exclude: [{name}]\n  label"))
        assert findings == []
        assert project is not None
        assert "carrier" not in [f.name for f in project.models[0].features]


def test_every_dangling_reference_is_told_in_one_run() -> None:
    files = {
        **changed("specs/gate.yaml", "model: late", "model: lat"),
        **changed("specs/monitor.yaml", "model: late", "model: 'x-*'"),
        **changed("specs/features.yaml", "from: flights", "from: flihgts"),
        **changed("specs/environments.yaml", "promoted_from: staging", "promoted_from: stage, models: [lats]"),
    }
    project, findings = bound(files)
    assert project is None
    assert codes(findings) == ["MLC204", "MLC204", "MLC204", "MLC205", "MLC205"]


PROD = "namespace: ml-prod"


@pytest.mark.parametrize(
    ("file", "old", "new", "path"),
    [
        ("features", "by: [carrier]", "over: x, by: [carrier]", ("features", "carrier_delay", "over")),
        ("features", "on: [tailnum]", "dataset: x, on: [tailnum]", ("joins", "planes", "dataset")),
        ("model", '{expr: "delay > 15"}', "{aggregate: count(*), over: x, horizon: 1d}", ("label", "over")),
        ("model", "  label", "  serving: {mode: batch, input: x}\n  label", ("serving", "input")),
        ("environments", PROD, "namespace: p, requires: {gates: [x]}", ("requires", "gates", 0)),
        (
            "environments",
            PROD,
            "namespace: p, overrides: [{kind: Model, name: x, set: {a: 1}}]",
            ("overrides", 0, "name"),
        ),
        ("monitor", "  signals", "  retrain: {on: [x]}\n  signals", ("retrain", "on", 0)),
    ],
)
def test_each_field_that_names_a_document_is_looked_up(
    file: str, old: str, new: str, path: tuple[str | int, ...]
) -> None:
    _, (finding,) = bound(changed(f"specs/{file}.yaml", old, new))
    assert isinstance(finding.at, Place)
    assert (finding.code, finding.at.path) == ("MLC204", ("spec", *path))


def test_findings_do_not_depend_on_the_order_of_files() -> None:
    gates = {f"specs/{n}.yaml": GATE % ("release", model) for n, model in (("zz", "nobody"), ("aa", "late"))}
    found = [bound(dict(sorted(gates.items(), reverse=reverse)))[1] for reverse in (False, True)]
    assert found[0] == found[1]
    assert codes(found[0]) == ["MLC203", "MLC203"]


def test_documents_of_two_kinds_may_share_a_name() -> None:
    project, findings = bound({"specs/more.yaml": GATE % ("late", "late")})
    assert (project is not None, findings) == (True, [])
