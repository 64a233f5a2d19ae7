"""Who is too slow: a caller whose body does not come (408), or the server, whose fault error rates count (503)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from mlc_compiler import conventions
from mlc_targets.local.package.bundle import load_package
from mlc_targets.local.serve.app import create_app
from mlc_targets.local.serve.options import ServeOptions
from mlc_targets.local.serve.request import Rows
from mlc_targets.local.serve.scoring import Scored
from mlc_targets.local.serve.service import Service, open_service
from serving import a_package

ROW = {"origin": "JFK", "carrier": "UA", "distance": 500, "departure": "2013-07-01T12:00:00Z"}


def a_service(folder: Path, **options: float) -> Service:
    return open_service(load_package(a_package(folder)), None, ServeOptions(**options))  # type: ignore[arg-type]  # seconds


def counted(service: Service, code: str) -> float | None:
    labels = {"model": service.name, "version": service.version, "code": code, "protocol": "json"}
    return service.metrics.registry.get_sample_value(conventions.METRIC_REQUESTS, labels)


def test_a_prediction_that_takes_too_long_is_a_failed_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: Rows) -> Scored:
        await asyncio.sleep(60)
        raise AssertionError("it was waited for")

    service = a_service(tmp_path / "p", timeout=0.05)
    monkeypatch.setattr(service.scorer, "score", never)
    with TestClient(create_app(service)) as client:
        answer = client.post("/predict", json=ROW)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == {"error": "the prediction took longer than 0.05 s"}
    assert (counted(service, "503"), counted(service, "408")) == (1, None)


def test_a_body_that_does_not_come_is_the_callers_fault(tmp_path: Path) -> None:
    service = a_service(tmp_path / "p", read_timeout=0.05)

    async def slow() -> httpx.Response:
        async def body() -> object:
            yield b"{"
            await asyncio.sleep(60)

        transport = httpx.ASGITransport(create_app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.post("/predict", content=body())  # type: ignore[arg-type]  # an iterator of bytes

    answer = asyncio.run(slow())
    assert answer.status_code == 408
    assert (counted(service, "408"), counted(service, "503")) == (1, 0)
