"""Labelled pairs of projects: each edit is given exactly the classes that its label says, and layout means nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from edits import edit_pairs as cases
from mlc_compiler.diagnostics import Sink
from mlc_compiler.fmt import format_text
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.spec import KINDS

PAIRS = cases.pairs()


@cache
def told(number: int) -> frozenset[str]:
    return cases.classes(cases.compared(cases.after(PAIRS[number])))


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=lambda n: PAIRS[n].name)
def test_an_edit_means_what_its_label_says(number: int) -> None:
    assert sorted(told(number)) == sorted(PAIRS[number].means)


def test_no_retrain_or_redeploy_is_missed_and_hardly_one_is_false() -> None:
    assert len(PAIRS) >= 300
    for grave in ("retrain", "redeploy"):
        wanted = [n for n, pair in enumerate(PAIRS) if grave in pair.means]
        found = [n for n in range(len(PAIRS)) if grave in told(n)]
        assert len(wanted) > 40, "enough of them to count"
        assert set(wanted) <= set(found), "one is missed"
        assert len(set(found) - set(wanted)) <= 0.01 * len(PAIRS)


# --- every field -----------------------------------------------------------------------------------------------------
def schema_fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the paths of all fields that hold values; `*` stands for a key or an item."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        below = list(_models(field.annotation, path))
        if below:
            for inner, at in below:
                yield from schema_fields(inner, f"{at}.")
        else:
            yield path


def _models(annotation: Any, path: str) -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, path
        return
    arguments = getattr(annotation, "__args__", ())
    origin = getattr(annotation, "__origin__", None)
    for argument in arguments:
        yield from _models(argument, f"{path}.*" if origin in (list, dict) else path)


def changed_fields(number: int) -> Iterator[str]:
    """Yield the fields that a pair changes, as the schema names them."""
    for label, values in PAIRS[number].edits:
        kind = label.lstrip("+-").partition("/")[0]
        for path, value in values.items():
            spec = path.removeprefix("spec.")
            for leaf in _leaves(value, f"spec.{spec}" if label.startswith("+") else path):
                yield f"{kind}.{leaf}"


def _leaves(value: Any, path: str) -> Iterator[str]:
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")


def test_every_field_of_the_language_is_edited_at_least_once() -> None:
    edited = {field for number in range(len(PAIRS)) for field in changed_fields(number)}
    wanted = {f"{kind}.spec.{path}" for kind, model in KINDS.items() for path in schema_fields(model)}
    free = {w: re.compile(re.escape(w).replace(r"\*", r"[^.]+") + r"(\..*)?") for w in wanted}
    missing = sorted(w for w, pattern in free.items() if not any(pattern.fullmatch(e) for e in edited))
    assert missing == []


# --- layout ----------------------------------------------------------------------------------------------------------
Texts = Mapping[str, str]
Layout = Callable[[Texts], Texts]


def each(change: Callable[[str], str]) -> Layout:
    return lambda texts: {path: change(text) for path, text in texts.items()}


def commented(text: str) -> str:
    return "# said before\n" + re.sub(r"(?m)^spec:$", "spec: # said beside", text) + "\n# said after\n"


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: reversed_keys(value[k]) for k in reversed(value)}
    return [reversed_keys(v) for v in value] if isinstance(value, list) else value


def dumped(values: Callable[[Any], Any], flow: bool | None) -> Callable[[str], str]:
    def change(text: str) -> str:
        documents = [values(d.value) for d in load("x.yaml", text, Sink())]
        return yaml.safe_dump_all(documents, default_flow_style=flow, sort_keys=False, width=100_000)

    return change


def moved(texts: Texts) -> Texts:
    return {(p if p == "mlc.yaml" else f"specs/other/{p.rpartition('/')[2]}"): t for p, t in texts.items()}


def together(texts: Texts) -> Texts:
    rest = [t for p, t in texts.items() if p != "mlc.yaml"]
    return {"mlc.yaml": texts["mlc.yaml"], "specs/all.yaml": "---\n".join(reversed(rest))}


def apart(texts: Texts) -> Texts:
    parts = [part for p, t in texts.items() if p != "mlc.yaml" for part in t.split("---\n")]
    return {"mlc.yaml": texts["mlc.yaml"], **{f"specs/{i}.yaml": part for i, part in enumerate(parts)}}


def unchanged(value: Any) -> Any:
    return value


LAYOUTS: dict[str, Layout] = {
    "comments": each(commented),
    "blank lines": each(lambda t: t.replace("\n", "\n\n")),
    "spaces at ends": each(lambda t: t.replace("\n", "   \n")),
    "line ends of Windows": each(lambda t: t.replace("\n", "\r\n")),
    "a byte order mark": each(lambda t: "\ufeff" + t),
    "formatted": each(format_text),
    "block style": each(dumped(unchanged, False)),
    "flow style": each(dumped(unchanged, True)),
    "keys in another order": each(dumped(reversed_keys, False)),
    "files moved": moved,
    "one file": together,
    "a file for each document": apart,
    "files in another order": lambda texts: dict(reversed(list(texts.items()))),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_means_nothing(layout: str) -> None:
    texts = LAYOUTS[layout](cases.texts())
    found = cases.compared(cases.side(cases.documents(texts)))
    assert [(e.document, e.field) for change in found.changes for e in change.edits] == []
    assert found.risks == ()


@pytest.mark.parametrize("path", sorted(cases.texts()))
@pytest.mark.parametrize("layout", ["comments", "blank lines", "block style", "keys in another order"])
def test_layout_of_one_file_means_nothing(path: str, layout: str) -> None:
    texts = {**cases.texts(), path: LAYOUTS[layout](cases.texts())[path]}
    assert not cases.compared(cases.side(cases.documents(texts)))
