"""A real Prometheus that scrapes loopback every second, for tests that need its answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from consumers import tools
from processes import a_process, free_port


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the result of an instant query; one that does not parse fails."""
        answer = httpx.post(f"{self.url}/api/v1/query", data={"query": expr}, timeout=10).json()
        assert answer["status"] == "success", f"{expr}: {answer.get('error')}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@contextmanager
def a_prometheus(
    folder: Path, targets: Mapping[int, str], rules: Path | None = None, alertmanager: int | None = None
) -> Iterator[Prometheus]:
    """Start a server that scrapes loopback ports, each as pods of the namespace given; stop it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    static = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"namespace": namespace, "pod": f"late-arrival-7d4b9c6f5d-{index:05}"},
        }
        for index, (port, namespace) in enumerate(targets.items())
    ]
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "pods", "static_configs": static}],
        "rule_files": [str(rules)] if rules else [],
    }
    if alertmanager:
        peers = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]
        config["alerting"] = {"alertmanagers": peers}
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    command: list[str | Path] = [
        tools.require("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    with a_process(command, folder / "prometheus.log"):
        server = Prometheus(f"http://127.0.0.1:{port}")
        _wait_until_ready(server, folder / "prometheus.log")
        yield server


def _wait_until_ready(server: Prometheus, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{server.url}/-/ready", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"Prometheus was not ready: {log.read_text(encoding='utf-8')}")
