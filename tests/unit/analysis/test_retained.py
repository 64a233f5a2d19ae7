"""What prod runs keeps its data and lookups while another version follows it."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from builders import a_dataset, a_feature_query, a_lookup, a_model
from mlc_compiler import codec
from mlc_compiler.analysis.retained import _lost
from mlc_compiler.conventions import pin_path
from mlc_compiler.ir import Model, Pin
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.resolved import snapshot_text
from specs_on_disk import DIGEST, a_model_of, changed, compiled

JOINED = "  joins:\n    planes: {on: [tailnum], static: true}\n"


@functools.cache
def live(*environments: str) -> Pins:
    model = a_model_of()
    text = snapshot_text(model)
    snapshot = codec.text_digest(text)
    bare = Pin(model.version, DIGEST, "registry.example/late@" + DIGEST, snapshot, "")
    return Pins({(e, "late"): replace(bare, path=pin_path(e, "late")) for e in environments}, {snapshot: text})


def told(files: dict[str, str]) -> list[str]:
    return [f.message for f in compiled(files, pins=live("prod"))[1] if f.code == "MLC644"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tailnum, distance]", "tailnum, distance]"),
        ("distance: {expr: distance}", "distance: {expr: distance * 2}"),
        ("    carrier_delay:", '    slow: {aggregate: "max(distance)", by: [tailnum], window: 2d}\n    carrier_delay:'),
        ("    carrier_delay:", '    slow: {aggregate: "max(distance)", by: [carrier], window: 2d}\n    carrier_delay:'),
    ],
)
def test_what_is_added_or_comes_with_the_request_takes_nothing_away(old: str, new: str) -> None:
    assert told(changed("specs/features.yaml", old, new)) == []


def test_lookups_that_change_take_nothing_away_because_each_version_has_its_own() -> None:
    assert told(changed("specs/features.yaml", "window: 24h", "window: 48h")) == []
    files = changed("specs/features.yaml", "    built: {expr: planes.year}\n", "")
    files["specs/features.yaml"] = files["specs/features.yaml"].replace(JOINED, "")
    assert told(files) == []


def test_a_version_that_looks_nothing_up_ends_the_job_that_the_live_one_needs() -> None:
    text = changed("specs/features.yaml", "    built: {expr: planes.year}\n", "")["specs/features.yaml"]
    lines = [line for line in text.replace(JOINED, "").split("\n") if "carrier_delay" not in line]
    (message,) = told({"specs/features.yaml": "\n".join(lines)})
    assert "it looks nothing up, and no job rewrites the online snapshot any more" in message


def test_a_rarer_refresh_lets_the_live_snapshot_grow_older() -> None:
    end = ", window: 24h}\n"
    (message,) = told(changed("specs/features.yaml", end, f"{end}  online: {{refresh: 2h}}\n"))
    assert "rewritten every 2h, not every" in message


@pytest.mark.parametrize(
    ("live_source", "next_source", "said"),
    [
        ({"secret": "old/key"}, {}, "has no secret `old/key` to read `flights` by"),
        ({"secret": "same/key"}, {"secret": "same/key"}, None),
        ({}, {"path": None, "url": "s3://acme/flights.parquet"}, "has no data files to read `flights` from"),
        ({"path": None, "url": "s3://acme/flights.parquet"}, {}, None),
    ],
)
def test_the_next_job_reads_what_the_live_lookups_are_made_of(
    live_source: dict[str, str | None], next_source: dict[str, str | None], said: str | None
) -> None:
    def model(window: str, source: dict[str, str | None]) -> Model:
        lookup = a_lookup(sql=f"SELECT carrier, avg(x) AS carrier_delay_24h FROM flights -- {window}")
        flights = a_dataset()
        read = replace(flights, source=replace(flights.source, **source))  # type: ignore[arg-type]  # each case's own
        return a_model(features=a_feature_query([lookup]), datasets=(read,))

    found = _lost(model("24h", live_source), model("48h", next_source))
    assert (found is None) if said is None else (found is not None and said in found)


def test_what_several_environments_lose_is_told_once_with_all_of_them() -> None:
    files = changed("specs/features.yaml", ", window: 24h}\n", ", window: 24h}\n  online: {refresh: 2h}\n")
    findings = compiled(files, pins=live("staging", "prod"))[1]
    (finding,) = [f for f in findings if f.code == "MLC644"]
    assert "staging and prod run look up" in finding.message
    assert [r.text for r in finding.related] == ["what staging runs", "what prod runs"]


def test_a_dataset_that_no_spec_declares_any_more_is_told() -> None:
    files = changed("specs/features.yaml", "    built: {expr: planes.year}\n", "")
    files["specs/features.yaml"] = files["specs/features.yaml"].replace(JOINED, "")
    data = changed("specs/data.yaml", "---", "---")["specs/data.yaml"]
    files["specs/data.yaml"] = data.split("---")[0]
    assert any("`planes`, which no spec declares any more" in message for message in told(files))
