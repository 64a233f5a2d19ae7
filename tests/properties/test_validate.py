"""Whatever is done to sound specs, `mlc validate` answers: findings in files that exist, never a crash."""

from __future__ import annotations

import copy
import io
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlc_compiler.cli import main
from mlc_compiler.diagnostics import LINE_BREAK, Sink
from mlc_compiler.frontend.yaml_source import load
from specs_on_disk import a_project_on_disk

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
# Values of every type, and texts that mean something somewhere in the language.
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 7, 10**18, 0.5, -1e300, "", " ", "a", "late-arrival", "departures.*", "*", "flights", "../x",
    "a; rm -rf /", "$(id)", "\n", "\x7f", "é", "${{ matrix.x }}", "1d", "15m", "1%", "512Mi", "arr_delay",
    "distance > 0", "avg(distance)", "SELECT 1", "((((", "'", "prod", "staging", "roc_auc", "psi", "2014-02-30",
    "* * * * *", [], [None], [[]], {}, {"x": {}}, {"a": [1, {"b": None}]},
    ["late-arrival", "late-arrival"], {"secret": "x/y"},
)  # fmt: skip
KEYS = ("spec", "metadata", "name", "kind", "x-note", "matrix", "x-allow", "model", "", "é", "a b", "0", "<<", "expr")


def sound_documents() -> dict[str, list[Any]]:
    """Return the documents of the tutorial by file."""
    paths = [FLIGHTS / "mlc.yaml", *sorted((FLIGHTS / "specs").glob("*.yaml"))]
    return {
        path.relative_to(FLIGHTS).as_posix(): [d.value for d in load(path.name, path.read_bytes(), Sink())]
        for path in paths
    }


SOUND = sound_documents()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container with each of its keys or indices."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def mutate(documents: dict[str, list[Any]], choose: random.Random) -> None:
    """Change one place: delete, rename, replace, repeat, or swap it with another."""
    found = [place for values in documents.values() for place in places(values)]
    holder, key = choose.choice(found)
    action = choose.choice(("delete", "rename", "replace", "repeat", "swap", "alike", "alike", "alike"))
    if action == "delete":
        del holder[key]
    elif action == "rename" and isinstance(holder, dict):
        holder[choose.choice((*KEYS, f"{key}x", str(key)[:-1]))] = holder.pop(key)
    elif action == "repeat" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif action == "swap":
        other, place = choose.choice(found)
        holder[key] = copy.deepcopy(other[place])
    elif action == "alike":  # what the schema accepts gets further
        holder[key] = copy.deepcopy(choose.choice([h[k] for h, k in found if type(h[k]) is type(holder[key])]))
    else:
        holder[key] = copy.deepcopy(choose.choice(VALUES))


def write(root: Path, documents: dict[str, list[Any]]) -> None:
    for path, values in documents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        texts = [json.dumps(value, indent=1, ensure_ascii=False) for value in values]
        (root / path).write_text("\n---\n".join(texts) + "\n", encoding="utf-8")


def validate(root: Path) -> tuple[int, str]:
    """Run the command; an exception of ours is not turned into a report but let through."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main._run(["validate", "--format", "json", "-C", str(root)])
    return code, out.getvalue()


def check_answer(root: Path) -> None:
    code, out = validate(root)
    findings = json.loads(out)["findings"] if out else []
    assert code == (1 if any(f["severity"] == "error" for f in findings) else 0)
    for finding in findings:
        for at in (finding["at"], *(r["at"] for r in finding["related"] if r["at"])):
            lines = len(LINE_BREAK.split((root / at["file"]).read_text("utf-8")))
            assert 1 <= at["line"] <= at["end_line"] <= lines
            assert (at["line"], at["column"]) <= (at["end_line"], at["end_column"])
    assert validate(root) == (code, out)


@given(seed=st.integers(min_value=0, max_value=2**32), count=st.integers(min_value=1, max_value=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(seed=0, count=1)
def test_mutated_specs_are_answered(seed: int, count: int) -> None:
    documents = copy.deepcopy(SOUND)
    choose = random.Random(seed)
    for _ in range(count):
        mutate(documents, choose)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), documents)
        check_answer(Path(folder))


def test_the_sound_specs_are_written_as_they_are_read(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    code, out = validate(tmp_path)
    assert code == 0
    assert {f["code"] for f in json.loads(out)["findings"]} <= {"MLC901", "MLC906"}


@given(data=st.binary(max_size=200), at=st.integers(min_value=0, max_value=10**6), span=st.integers(0, 40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("file", ["mlc.yaml", "mlc.lock", "specs/features.yaml", "environments/staging/late.yaml"])
def test_files_with_bytes_exchanged_are_answered(file: str, data: bytes, at: int, span: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = a_project_on_disk(Path(folder) / "tiny", PINNED)
        content = (root / file).read_bytes()
        at %= len(content) + 1
        (root / file).write_bytes(content[:at] + data + content[at + span :])
        code, _ = validate(root)
        assert code in (0, 1)
        shutil.rmtree(root)


PIN = "".join(
    f"{field}: sha256:{digit * 64}\n" for field, digit in (("version", "1"), ("artifact", "2"), ("snapshot", "3"))
)
PINNED = {
    "environments/staging/late.yaml": f"image: ghcr.io/acme/late:1\n{PIN}",
    f"environments/snapshots/late/{'3' * 12}.json": '{"format_version": 1}\n',
}
