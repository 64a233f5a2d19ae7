"""The tables of what targets can express: complete rows, sources, and versions that are too old."""

from __future__ import annotations

from typing import Any

import pytest

from builders import a_batch_serving, a_model, a_project, a_release
from mlc_compiler.backend.capability import Capability, Capable, too_old
from mlc_compiler.backend.registry import installed
from mlc_compiler.backend.target import Unsupported
from mlc_compiler.spec import KINDS
from mlc_compiler.spec.documentation import find
from mlc_targets.kubernetes import TARGET as KUBERNETES

CAPABLE = [target for target in installed().every() if isinstance(target, Capable)]
ROWS = [(target.name, row) for target in CAPABLE for row in target.capabilities()]


@pytest.mark.parametrize(("target", "row"), ROWS, ids=lambda value: value if isinstance(value, str) else value.name)
def test_a_row_names_fields_and_a_source(target: str, row: Capability) -> None:
    assert row.source.startswith("https://"), target
    assert row.detail
    assert row.support == "yes" or row.alternative, "what cannot be done is told with what can"
    for field in row.fields:
        kind, _, path = field.partition(".")
        known = kind in KINDS and (not path or find(KINDS[kind], tuple(path.split("."))) is not None)
        assert known or kind.islower(), f"{field} is neither a field of the specs nor an option"


@pytest.mark.parametrize("target", CAPABLE, ids=lambda target: target.name)
def test_rows_are_sorted_and_named_once(target: Capable) -> None:
    names = [row.name for row in target.capabilities()]
    assert names == sorted(set(names))


def checked(target: str, **options: Any) -> list[Unsupported]:
    project = a_project(targets={"kubernetes": {}, "argo-rollouts": {}} | {target: options})
    [found] = installed().chosen([target])
    return list(found.check(a_release(a_model(), project=project)))


def test_a_version_that_lacks_what_is_used_is_refused_with_the_source() -> None:
    found = checked("argo-rollouts", version="1.3")
    assert [u.origin.field for u in found] == ["spec.targets.argo-rollouts.version"]
    assert "since 1.4" in found[0].message
    assert found[0].source.endswith("/rollback/")
    assert checked("argo-rollouts", version="1.10") == []


def test_a_cluster_that_is_too_old_is_refused() -> None:
    assert any("since 1.23" in u.message for u in checked("kubernetes", version="1.22"))
    assert not any(u.origin.field.endswith("version") for u in checked("kubernetes", version="1.31"))


def test_a_beta_that_is_on_by_default_will_do() -> None:
    def told(version: str) -> list[str]:
        return [u.message for u in checked("kubernetes", version=version, snapshot_access="ReadWriteOncePod")]

    assert any("ReadWriteOncePod" in message and "since 1.27" in message for message in told("1.26"))
    assert told("1.27") == []


def test_jobs_need_a_cluster_whose_schedules_have_a_time_zone() -> None:
    def told(version: str) -> list[str]:
        project = a_project(targets={"kubernetes": {"version": version}})
        found = KUBERNETES.check(a_release(a_model(serving=a_batch_serving()), project=project))
        return [u.message for u in found if u.origin.field.endswith("version")]

    assert ["time zone since 1.25" in message for message in told("1.24")] == [True]
    assert told("1.25") == []


@pytest.mark.parametrize("version", [1.8, "1", "v1.8", "1.8.1", "", None])
def test_a_version_is_major_and_minor(version: Any) -> None:
    found = checked("argo-rollouts", version=version)
    assert [u.origin.field for u in found] == ["spec.targets.argo-rollouts.version"]


def test_what_ended_is_refused_as_well() -> None:
    row = Capability("x", (), "yes", "x works", "https://x.example", until="1.2")
    project = a_project(targets={"argo-rollouts": {"version": "1.3"}})
    assert [u.message for u in too_old(project, "argo-rollouts", [row])] == [
        "x works until 1.2, and `version` says 1.3"
    ]
