"""Pins and snapshots: which version of a model runs in an environment, and its resolved specs as promoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlc_compiler.backend.emitter import yaml_text
from mlc_compiler.codec import text_digest
from mlc_compiler.conventions import ENVIRONMENTS_FOLDER, pin_path, snapshot_path
from mlc_compiler.diagnostics import Place, Sink, Span
from mlc_compiler.frontend.lock import conflict_marker
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.ir import Pin
from mlc_compiler.middle.pins import Pins

HEADER = "# Written by mlc; changed by `mlc release`, `mlc promote` and `mlc rollback` only.\n"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FIELDS = ("version", "artifact", "image", "snapshot")


def read_pins(root: Path, pairs: tuple[tuple[str, str], ...], sink: Sink) -> Pins:
    """Return the pins of the given (environment, model) pairs, with the snapshots that they name."""
    pins: dict[tuple[str, str], Pin] = {}
    snapshots: dict[str, Path] = {}
    folder = root / ENVIRONMENTS_FOLDER
    for environment, model in pairs if folder.is_dir() else ():
        path = pin_path(environment, model)
        pin = _read_pin(root, path, sink)
        if pin is None:
            continue
        if _has_snapshot(root, model, pin, sink):
            pins[environment, model] = pin
            snapshots[pin.snapshot] = root / snapshot_path(model, pin.snapshot)
    return Pins(pins, _Snapshots(snapshots))


class _Snapshots(Mapping[str, str]):
    """The texts of files, each read when it is asked for: together they are larger than all else in a compilation."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths

    def __getitem__(self, digest: str) -> str:
        path = self._paths[digest]
        try:
            return path.read_text("utf-8", "replace")
        except OSError:
            return ""  # gone since: it has not the digest of what was promoted

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _read_pin(root: Path, path: str, sink: Sink) -> Pin | None:
    try:
        content = (root / path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        sink.error(
            "MLC904", Span(path, 1, 1, 1, 1), f"the pin can't be read: {error.strerror}", help="mend its permissions"
        )
        return None
    return parse_pin(path, content, sink)


def parse_pin(path: str, content: bytes, sink: Sink) -> Pin | None:
    """Return the pin that a file holds, or None after saying what is wrong with it."""
    marker = conflict_marker(content.decode("utf-8", "replace"))
    if marker is not None:
        sink.error(
            "MLC904",
            Span(path, marker, 1, marker, 8),
            "the pin holds conflict markers",
            help="take one side whole: a pin is never merged line by line",
        )
        return None
    before = len(sink)
    documents = load(path, content, sink)
    if len(sink) > before:
        return None
    value = documents[0].value if len(documents) == 1 else None
    return _pin(value, path, sink)


def _pin(value: object, path: str, sink: Sink) -> Pin | None:
    place = Place(path)
    if not isinstance(value, dict):
        sink.error("MLC904", place, "a pin is one mapping", help="restore it from git; promote and release write pins")
        return None
    for name in _FIELDS:
        text = value.get(name)
        if not isinstance(text, str) or (name != "image" and not _DIGEST.fullmatch(text)):
            sink.error(
                "MLC904",
                place.at(name) if name in value else place,
                f"the pin's `{name}` is not a sha256 digest" if name != "image" else "the pin names no image",
                help="restore it from git; promote and release write pins",
            )
            return None
    evidence = value.get("evidence")
    version, artifact, image, snapshot = (str(value[name]) for name in _FIELDS)
    return Pin(version, artifact, image, snapshot, path, str(evidence) if evidence else None)


def _has_snapshot(root: Path, model: str, pin: Pin, sink: Sink) -> bool:
    path = snapshot_path(model, pin.snapshot)
    try:
        text = (root / path).read_text("utf-8")
        if text_digest(text) != pin.snapshot:  # nearly always it is what was promoted, which was whole
            json.loads(text)
    except (OSError, ValueError, RecursionError):
        sink.error(
            "MLC905",
            Place(pin.path).at("snapshot"),
            f"the pin's snapshot {path} is missing or damaged",
            help="restore it from git: it holds what was promoted",
        )
        return False
    return True


def pin_text(pin: Pin) -> str:
    """Return the text of a pin's file."""
    return HEADER + yaml_text(pin_data(pin))[0]


def pin_data(pin: Pin) -> dict[str, str]:
    """Return the pin as the mapping that its file holds."""
    values = {name: getattr(pin, name) for name in _FIELDS}
    return {**values, "evidence": pin.evidence} if pin.evidence else values
