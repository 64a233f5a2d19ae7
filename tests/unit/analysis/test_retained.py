"""What prod runs keeps its data and lookups while another version follows it."""

from __future__ import annotations

import functools

import pytest

from mlc_compiler import codec
from mlc_compiler.conventions import pin_path
from mlc_compiler.ir import Pin
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.resolved import snapshot_text
from specs_on_disk import DIGEST, a_model_of, changed, compiled

JOINED = "  joins:\n    planes: {on: [tailnum], static: true}\n"


@functools.cache
def live() -> Pins:
    model = a_model_of()
    text = snapshot_text(model)
    snapshot = codec.text_digest(text)
    pin = Pin(model.version, DIGEST, "registry.example/late@" + DIGEST, snapshot, pin_path("prod", "late"))
    return Pins({("prod", "late"): pin}, {snapshot: text})


def told(files: dict[str, str]) -> list[str]:
    return [f.message for f in compiled(files, pins=live())[1] if f.code == "MLC644"]


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


def test_a_lookup_that_means_something_else_is_told() -> None:
    (message,) = told(changed("specs/features.yaml", "window: 24h", "window: 48h"))
    assert "look up `carrier_delay` as the next one means it" in message


def test_a_lookup_that_is_gone_is_told() -> None:
    files = changed("specs/features.yaml", "    built: {expr: planes.year}\n", "")
    files["specs/features.yaml"] = files["specs/features.yaml"].replace(JOINED, "")
    (message,) = told(files)
    assert "holds no `tailnum` in `planes`" in message


def test_a_dataset_that_no_spec_declares_any_more_is_told() -> None:
    files = changed("specs/features.yaml", "    built: {expr: planes.year}\n", "")
    files["specs/features.yaml"] = files["specs/features.yaml"].replace(JOINED, "")
    data = changed("specs/data.yaml", "---", "---")["specs/data.yaml"]
    files["specs/data.yaml"] = data.split("---")[0]
    assert any("`planes`, which no spec declares any more" in message for message in told(files))
