"""Times mlc on generated repositories of many models, each with dataset, features, gate, rollout and monitor.

Prints CPU seconds (user + system, whole process) and peak memory of each command, beside the budgets of the design,
and how they grow from one size to the next; with `--peer` also what PyYAML's CSafeLoader and CSafeDumper alone need to
read the same specs and write the same objects. Machines differ and others use them: the loop in the first line is what
to compare runs by. Nothing here decides a test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

BUDGETS = {
    "version": 0.06, "validate, nothing changed": 0.15, "plan, nothing changed": 0.15, "build, nothing changed": 0.15,
    "validate, one spec edited": 0.4, "plan, one spec edited": 0.4, "build, one spec edited": 0.4,
    "validate, cold": 5.0, "build, cold": 5.0,
}  # fmt: skip
AGAINST = "plan --against HEAD"
SERVING = "kubernetes: {}, argo-rollouts: {traffic: gateway-api}"
ALL = f"{SERVING}, prometheus: {{}}, grafana: {{}}, docker: {{}}, model-card: {{}}"

PROJECT = """\
apiVersion: mlc/v1
kind: Project
metadata: {name: bench, owner: bench}
spec:
  image_registry: registry.example.com/bench
  targets: {TARGETS}
---
kind: Environment
metadata: {name: prod}
spec: {tracks: main, namespace: ml, ingress: {gateway: infra/public, host: example.com}}
"""

MODEL = """\
kind: Dataset
metadata: {{name: events-{i}}}
spec:
  source: {{format: parquet, path: data/events-{i}.parquet}}
  primary_key: [event_id]
  event_time: happened_at
  columns:
    event_id: {{type: int64, required: true, unique: true}}
    happened_at: {{type: timestamp, required: true}}
    account: {{type: string, required: true}}
    amount: {{type: float64, minimum: 0}}
    country: {{type: string}}
    settled_at: {{type: timestamp, known_at: settled_at}}
    disputed: {{type: bool, known_at: settled_at}}
  checks:
    - {{row_count: {{min: 1000}}}}
    - {{missing_rate: {{column: country, max: 2%}}}}
    - {{expression: "amount >= 0"}}
---
kind: FeatureView
metadata: {{name: payments-{i}}}
spec:
  from: events-{i}
  predict_at: happened_at
  request: [account, amount, country, happened_at]
  features:
    amount: {{expr: amount}}
    hour: {{expr: "hour(happened_at)"}}
    country: {{expr: country, type: category}}
    large: {{expr: "amount > {threshold}"}}
    spent_1d: {{aggregate: "sum(amount)", by: [account], window: 1d}}
    disputes_30d: {{aggregate: "count(*)", by: [account], window: 30d, where: "disputed"}}
---
kind: Model
metadata: {{name: dispute-{i}}}
spec:
  task: binary_classification
  features: [payments-{i}.*]
  label: {{expr: disputed, known_at: settled_at}}
  split: {{strategy: time, train: 70%, validation: 15%, test: 15%, gap: 1d}}
  estimator: {{class: sklearn.ensemble.HistGradientBoostingClassifier, params: {{max_iter: 200}}}}
  baseline: {{class: sklearn.linear_model.LogisticRegression}}
  serving: {{mode: online, replicas: {{min: 2, max: 10}}, resources: {{cpu: 500m, memory: 512Mi}}, latency_p99: 50ms}}
---
kind: Gate
metadata: {{name: release-{i}}}
spec:
  model: dispute-{i}
  checks:
    - {{metric: roc_auc, min: 0.70}}
    - {{metric: brier, max: 0.16}}
    - {{metric: roc_auc, versus: baseline, margin: 0}}
---
kind: Rollout
metadata: {{name: dispute-{i}}}
spec:
  model: dispute-{i}
  strategy: canary
  traffic: {{requests_per_second: 200}}
  steps: [{{weight: 5, hold: 30m}}, {{weight: 25, hold: 1h}}, {{weight: 100}}]
  analysis:
    - {{metric: error_rate, max: 1%, interval: 1m, failure_limit: 3}}
    - {{metric: latency_p99, max: 50ms}}
---
kind: Monitor
metadata: {{name: dispute-{i}}}
spec:
  model: dispute-{i}
  signals:
    - {{name: inputs, type: feature_drift, method: psi, window: 1d}}
    - {{name: outputs, type: prediction_drift, window: 1d}}
  slo: {{availability: 99.9%, latency_p99: 50ms}}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process used: CPU seconds and peak memory in MiB."""

    cpu: float
    memory: float


def make_repository(root: Path, models: int, targets: str = SERVING) -> None:
    """Write a project of `models` models, with lock and pins, as a team would have it after its first releases."""
    (root / "specs").mkdir(parents=True)
    (root / "mlc.yaml").write_text(PROJECT.replace("TARGETS", targets))
    for i in range(models):
        (root / "specs" / f"dispute-{i:05}.yaml").write_text(MODEL.format(i=f"{i:05}", threshold=100 + i % 7))
    pin_everything(root, models)


def pin_everything(root: Path, models: int) -> None:
    """Write lock, pins and snapshots as `mlc lock` and `mlc release` would after every model was run."""
    from mlc_compiler import __version__
    from mlc_compiler.cli.console import Console
    from mlc_compiler.cli.project import Emission, open_project
    from mlc_compiler.codec import digest
    from mlc_compiler.evidence import gates_digest
    from mlc_compiler.frontend.lock import LockFile, lock_text
    from mlc_compiler.gitops.release import Released, make_release
    from mlc_compiler.middle.lower import lower_model
    from mlc_compiler.middle.statistics import statistics_digest

    entries = {f"events-{i:05}": {"digest": digest(i), "rows": 100_000, "columns": {}} for i in range(models)}
    lock = LockFile(mlc=__version__, datasets=entries)
    (root / "mlc.lock").write_text(lock_text(lock))
    opened = open_project(root, Console("text", False, True, False, False), emission=Emission.NOTHING)
    assert opened is not None
    counted = {
        name: {"of": statistics_digest(model, opened.project.spec.timezone), **rows_of(number)}
        for number, (name, model) in enumerate(opened.compilation.models.items())
    }
    (root / "mlc.lock").write_text(lock_text(replace(lock, models=counted)))
    release = opened.releases.releases[0]
    for resolved in opened.compilation.models.values():
        gates = gates_digest(lower_model(resolved, frozenset(), None).gates)
        evidence = {
            "version": resolved.version, "artifact": digest(resolved.name), "gates_digest": gates, "passed": True,
            "verdicts": [{"gate": g.name, "status": "passed", "reason": ""} for g in resolved.gates],
        }  # fmt: skip
        made = make_release(opened.releases.project, release.environment, resolved, evidence, None)
        assert isinstance(made, Released), made
        for path, text in made.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)


def rows_of(number: int) -> dict[str, object]:
    """Return row counts as `mlc lock` writes them, others for each model, so that nothing is remembered for two."""
    fold = {"rows": 50_000 + number, "days": 60, "positives": 15_000 + number % 97}
    return {
        "rows": 300_000, "mature": 290_000, "per_day": 800.0, "label_delay": {"p50": 3_600, "p95": 86_400},
        "folds": dict.fromkeys(("train", "validation", "test"), fold), "groups": {},
    }  # fmt: skip


def cost(command: list[str]) -> Cost:
    """Run a command and return what it used. The caller's own memory must be small: a child's peak starts from it."""
    # An installed mlc has its bytecode beside it, whatever this shell says of writing some.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir(), "mlc-bench-bytecode"))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    errors = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 2, 3):
        sys.exit(f"{' '.join(command)} failed:\n{errors.decode()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(command: list[str], runs: int) -> Cost:
    found = sorted((cost(command) for _ in range(runs)), key=lambda c: c.cpu)
    return Cost(found[len(found) // 2].cpu, max(c.memory for c in found))


def measure(root: Path, runs: int) -> dict[str, Cost]:
    """Return the cost of each command on a repository, in the order in which a day meets them."""
    installed = str(Path(sys.executable).with_name("mlc"))  # as users run it: `python -m` alone takes 10 ms more
    mlc = [installed, "-C", str(root)]
    rows = {"version": median([installed, "--version"], runs)}
    cost([*mlc, "validate"])  # for the bytecode
    for command in ("validate", "build"):
        shutil.rmtree(root / ".mlc", ignore_errors=True)
        rows[f"{command}, cold"] = cost([*mlc, command])
    commit_everything(root)
    for command in ("build", "validate", "plan"):
        cost([*mlc, command])
        rows[f"{command}, nothing changed"] = median([*mlc, command], runs)
    edited: dict[str, list[Cost]] = {"validate": [], "plan": [], AGAINST: [], "build": []}
    spec = root / "specs" / "dispute-00000.yaml"
    for run in range(runs):
        spec.write_text(MODEL.format(i="00000", threshold=100).replace("max: 10}", f"max: {11 + run}}}"))
        time.sleep(0.1)  # what changed while mlc looks is not remembered
        for command, found in edited.items():
            found.append(cost([*mlc, *command.split()]))
    for command, found in edited.items():
        rows[f"{command}, one spec edited"] = sorted(found, key=lambda c: c.cpu)[runs // 2]
    return rows


def commit_everything(root: Path) -> None:
    """Put the repository under git, for comparing with a ref."""
    (root / ".gitignore").write_text(".mlc/\n")
    git = ["git", "-C", str(root), "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for step in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "all of it"]):
        subprocess.run([*git, *step], check=True)


def a_loop() -> float:
    """Return the CPU seconds of ten million additions: how fast this machine is just now."""
    return cost([sys.executable, "-c", "x = 0\nfor i in range(10_000_000): x += i"]).cpu


def peer(root: Path) -> Cost:
    """Return the cost of reading all specs and writing all objects again with PyYAML's C loader and dumper."""
    script = (
        "import sys, pathlib, yaml\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for p in sorted(root.glob('specs/*.yaml')): list(yaml.load_all(p.read_bytes(), yaml.CSafeLoader))\n"
        "for p in sorted(root.glob('deploy/*/*/*.yaml')):\n"
        "    yaml.dump(yaml.load(p.read_bytes(), yaml.CSafeLoader), Dumper=yaml.CSafeDumper)\n"
    )
    return cost([sys.executable, "-c", script, str(root)])


def show(size: int, rows: Mapping[str, Cost], before: Mapping[str, Cost]) -> None:
    """Print a table; `before` are the rows of the size before."""
    print(f"{'':<36}{'CPU s':>8}{'budget':>8}{'MiB':>8}{'growth':>8}")
    for name, found in rows.items():
        budget = BUDGETS.get(name, "-") if size == 1000 or name == "version" else ""
        growth = f"{found.cpu / before[name].cpu:.1f}x" if name in before else ""
        print(f"{name:<36}{found.cpu:>8.2f}{budget:>8}{found.memory:>8.0f}{growth:>8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[100, 1000], help="numbers of models")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--targets", choices=("serving", "all"), default="serving")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--keep", type=Path, help="make the repositories in this folder and leave them")
    parser.add_argument("--make", type=Path, help="only write one repository there")
    options = parser.parse_args()
    if options.make:
        make_repository(options.make, options.sizes[0], ALL if options.targets == "all" else SERVING)
        return
    before: dict[str, Cost] = {}
    for size in options.sizes:
        base = options.keep or Path(tempfile.mkdtemp(prefix="mlc-bench-"))
        root = base / f"r{size}"
        shutil.rmtree(root, ignore_errors=True)
        command = [sys.executable, __file__, str(size), "--targets", options.targets, "--make", str(root)]
        subprocess.run(command, check=True)
        print(f"\nR{size}, {options.targets} targets; ten million additions take {a_loop():.2f} s")
        rows = measure(root, options.runs)
        if options.peer:
            rows["PyYAML alone, read + write"] = peer(root)
        show(size, rows, before)
        print(f"{sum(1 for p in (root / 'deploy').rglob('*') if p.is_file())} files below deploy/")
        before = rows
        if options.keep is None:
            shutil.rmtree(base)


if __name__ == "__main__":
    main()
