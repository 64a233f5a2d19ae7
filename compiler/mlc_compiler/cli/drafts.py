"""Drafts for `mlc init`: a project file, and specs guessed from a table, marked for review."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mlc_compiler.backend.emitter import yaml_text
from mlc_compiler.backend.registry import installed
from mlc_compiler.backend.target import DatasetStatistics, ExecutionError
from mlc_compiler.cli.console import Console
from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Column

MODELINE = "# yaml-language-server: $schema={schema}\n"
SCHEMA_FILE = "mlc.schema.json"  # committed, so that every editor finds it
FORMATS = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def safe_name(text: str) -> str:
    """Return a DNS label made of any text.

    >>> safe_name("My Project_1")
    'my-project-1'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63] or "project"


def project_files(name: str) -> dict[str, str]:
    """Return mlc.yaml, a .gitignore and the schema that editors read."""
    import json

    from mlc_compiler.spec.json_schema import union_schema

    project = {
        "apiVersion": "mlc/v1",
        "kind": "Project",
        "metadata": {"name": name, "owner": "me"},
        "spec": {"store": {"local": ".mlc/store"}, "targets": {"docker": {}, "kubernetes": {}, "prometheus": {}}},
    }
    return {
        "mlc.yaml": MODELINE.format(schema=SCHEMA_FILE) + yaml_text(project)[0],
        ".gitignore": ".mlc/\n",
        SCHEMA_FILE: json.dumps(union_schema(), indent=1) + "\n",
    }


def draft_files(
    root: Path, table: Path, label: str | None, time: str | None, console: Console
) -> dict[str, str] | None:
    """Return the drafted spec file, or None after saying why there is none."""
    path = (Path.cwd() / table).resolve()
    if not path.is_relative_to(root):
        console.say(f"mlc init: {table} is not below the project; copy it there, e.g. into data/")
        return None
    if path.suffix not in FORMATS:
        console.say(f"mlc init: {table} is neither of {', '.join(sorted(FORMATS))}")
        return None
    executor = installed().executor()
    if executor is None:
        console.say("mlc init: reading tables needs mlc-compiler[run]")
        return None
    try:
        columns, statistics = executor.describe(FORMATS[path.suffix], path)
    except ExecutionError as error:
        console.findings([error.finding], root)
        return None
    names = [c.name for c in columns]
    for given in (label, time):
        if given is not None and given not in names:
            near = nearest(given, names)
            console.say(f"mlc init: the table has no column `{given}`" + (f"; did you mean `{near}`?" if near else ""))
            return None
    draft = Draft(safe_name(path.stem), path.relative_to(root).as_posix(), FORMATS[path.suffix], columns, statistics)
    return {f"specs/{draft.name}.yaml": draft.text(label, time)}


class Draft:
    """Specs guessed from one table."""

    def __init__(
        self, name: str, path: str, format: str, columns: tuple[Column, ...], statistics: DatasetStatistics
    ) -> None:
        self.name, self.path, self.format = name, path, format
        self.columns, self.statistics = columns, dict(statistics.columns)

    def text(self, label: str | None, time: str | None) -> str:
        """Return the documents; what was guessed is said in comments, for people to review."""
        time = time or next((c.name for c in self.columns if c.type in ("timestamp", "date")), None)
        label = label or self.columns[-1].name
        documents = [self._dataset(time), self._view(label, time), self._model(label, time)]
        texts = [yaml_text(d)[0] for d in documents]
        head = MODELINE.format(schema=f"../{SCHEMA_FILE}") + "# Drafted from the table: review every line.\n"
        return head + "---\n".join(texts)

    def _dataset(self, time: str | None) -> dict[str, object]:
        key = next((c.name for c in self.columns if self._is_key(c)), None)
        return {
            "kind": "Dataset",
            "metadata": {"name": self.name},
            "spec": {
                "source": {"format": self.format, "path": self.path},
                **({"primary_key": [key]} if key else {}),
                **({"event_time": time} if time else {}),
                "columns": {c.name: self._column(c, key) for c in self.columns},
            },
        }

    def _is_key(self, column: Column) -> bool:
        found = self.statistics[column.name]
        return column.type in ("int64", "int32", "string") and found.get("nulls") == 0 and bool(found.get("unique"))

    def _column(self, column: Column, key: str | None) -> dict[str, object]:
        found: Mapping[str, object] = self.statistics[column.name]
        entry: dict[str, object] = {"type": column.type}
        if found.get("nulls") == 0:
            entry["required"] = True
        if column.name == key:
            entry["unique"] = True
        return entry

    def _view(self, label: str, time: str | None) -> dict[str, object]:
        usable = [c for c in self.columns if c.name not in (label, time) and not self._is_key(c) and c.type != "date"]
        features = {c.name: {"expr": c.name, **({"type": "category"} if c.type == "string" else {})} for c in usable}
        return {
            "kind": "FeatureView",
            "metadata": {"name": f"{self.name}-features"[:63]},
            "spec": {
                "from": self.name,
                "predict_at": time or "REVIEW",
                "request": [c.name for c in usable] + ([time] if time else []),
                "features": features,
            },
        }

    def _model(self, label: str, time: str | None) -> dict[str, object]:
        column = next(c for c in self.columns if c.name == label)
        distinct = self.statistics[label].get("distinct")
        if column.type == "bool" or distinct == 2:
            task, kind = "binary_classification", "Classifier"
        elif column.type == "string":
            task, kind = "multiclass_classification", "Classifier"
        else:
            task, kind = "regression", "Regressor"
        return {
            "kind": "Model",
            "metadata": {"name": f"{self.name}-model"[:63]},
            "spec": {
                "task": task,
                "features": [f"{self.name}-features.*"[:65]],
                "label": {"expr": label},
                "split": {"strategy": "time" if time else "random"},
                "estimator": {"class": f"sklearn.ensemble.HistGradientBoosting{kind}"},
            },
        }
