"""The server as a process: both protocols, bad input over the wire, bounds, snapshots, and its end."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from mlc_compiler import conventions
from mlc_targets.local.online import write_snapshot
from mlc_targets.local.package.bundle import read_manifest
from serving import LOOKUP, Server, a_package, a_server, environment, flights, probability

ROW = {"origin": "JFK", "carrier": "UA", "distance": 500, "departure": "2013-07-01T12:00:00Z"}
NAME = "/v2/models/late-arrival"
VERSIONED = f"{NAME}/versions/1a2b3c4d5e6f"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    package = a_package(tmp_path_factory.mktemp("served") / "p")
    with a_server(package, "--log-requests", "1") as running:
        yield running


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def metric(server: Server, name: str, **labels: str) -> float:
    total = 0.0
    for line in server.get("/metrics").text.splitlines():
        if line.startswith(name + "{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
            total += float(line.rsplit(" ", 1)[1])
    return total


# --- protocols -------------------------------------------------------------------------------------------------------
def test_predict_answers_one_row_and_several(server: Server) -> None:
    answer = server.post("/predict", ROW)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert (body["model"], body["version"]) == ("late-arrival", "1a2b3c4d5e6f")
    score = pytest.approx(probability("UA", 500, 8), abs=1e-6)
    assert body["predictions"] == [{"probability": score, "label": True, "threshold": 0.4}]
    several = server.post("/predict", {"instances": [ROW, {**ROW, "carrier": "ZZ", "distance": None}]}).json()
    assert [p["label"] for p in several["predictions"]] == [True, False]


def test_open_inference_answers_the_same(server: Server) -> None:
    inputs = [
        {"name": "origin", "datatype": "BYTES", "shape": [1, 1], "data": ["JFK"]},
        {"name": "carrier", "datatype": "BYTES", "shape": [1], "data": ["UA"]},
        {"name": "distance", "datatype": "INT64", "shape": [1, 1], "data": [[500]]},
        {"name": "departure", "datatype": "BYTES", "shape": [1, 1], "data": ["2013-07-01T08:00:00-04:00"]},
    ]
    for path in (f"{NAME}/infer", f"{NAME}/versions/1a2b3c4d5e6f/infer"):
        body = server.post(path, {"id": "a", "inputs": inputs}).json()
        assert (body["model_name"], body["model_version"], body["id"]) == ("late-arrival", "1a2b3c4d5e6f", "a")
        outputs = {output["name"]: output["data"] for output in body["outputs"]}
        assert outputs["probability"] == [pytest.approx(probability("UA", 500, 8), abs=1e-6)]
        assert outputs["label"] == [True]


@pytest.mark.parametrize(
    "path",
    ["/", "/v2", "/v2/health/live", "/v2/health/ready", NAME, f"{NAME}/ready", VERSIONED, f"{VERSIONED}/ready",
     "/schema", "/openapi.json", conventions.HEALTH_PATH, conventions.READY_PATH],
)  # fmt: skip
def test_every_description_is_json(server: Server, path: str) -> None:
    answer = server.get(path)
    assert answer.status_code == 200
    assert isinstance(answer.json(), dict)


def test_the_model_metadata_names_the_request_columns(server: Server) -> None:
    metadata = server.get(NAME).json()
    assert metadata["inputs"][2] == {"name": "distance", "datatype": "INT64", "shape": [-1, 1]}
    assert [output["name"] for output in metadata["outputs"]] == ["probability", "label"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/predict", 405),
        ("POST", "/schema", 405),
        ("GET", "/v2/models/other", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("GET", f"{NAME}/versions/2/ready", 404),
        ("GET", "/v2/models/..%2f..%2fetc/ready", 404),
    ],
)
def test_other_paths_are_refused_in_json(server: Server, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, server.url + path)
    assert answer.status_code == status
    assert answer.json()["error"]


# --- bad input -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "JSON"),
        (b"{", 400, "JSON"),
        (b"[" * 200_000, 400, "JSON"),
        (b'{"a":' * 50_000, 400, "JSON"),
        (b'{"distance": NaN}', 400, "JSON"),
        (b'{"distance": 1e999}', 400, ""),
        (b'{"distance": ' + b"9" * 5000 + b"}", 400, ""),
        (json.dumps({**ROW, "carier": 1}).encode(), 422, "did you mean `carrier`?"),
        (json.dumps({**ROW, "distance": "x"}).encode(), 422, "an integer is wanted"),
        (json.dumps({**ROW, "origin": "\u202e\U0001f600"}).encode(), 422, "one of EWR, JFK, LGA"),
        (json.dumps({"instances": [ROW] * 101}).encode(), 413, "101 rows; at most 100"),
        (b"x" * (8 * 1024 * 1024 + 1), 413, "larger than"),
        (json.dumps({**ROW, "departure": "0001-01-01T00:00:00+14:00"}).encode(), 422, "ISO 8601"),
    ],
)
def test_bad_bodies_get_an_answer_that_says_why(server: Server, body: bytes, status: int, words: str) -> None:
    answer = server.send("/predict", body)
    assert answer.status_code == status or (words == "" and answer.status_code in {400, 422})
    assert words in answer.json()["error"]


def test_a_refusal_names_the_field_and_the_row(server: Server) -> None:
    body = server.post("/predict", {"instances": [ROW, {**ROW, "distance": -3}]}).json()
    assert (body["field"], body["row"]) == ("distance", 1)
    assert body["faults"][0]["message"] == "`distance` is -3 (a number); the smallest allowed is 0"


def test_a_body_without_end_is_cut_off_at_the_bound(server: Server) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 1024 * 1024

    with contextlib.suppress(httpx.WriteError):  # the server closes while the body is still coming
        assert httpx.post(server.url + "/predict", content=endless(), timeout=20).status_code == 413
    assert server.get("/healthz").status_code == 200


def test_headers_beyond_the_bound_are_refused(server: Server) -> None:
    answer = httpx.post(server.url + "/predict", headers={"x-long": "a" * 20_000}, json=ROW)
    assert (answer.status_code, answer.json()["error"]) == (431, "the headers are larger than 16384 bytes")


def test_what_is_no_http_does_not_harm(server: Server) -> None:
    address = urlsplit(server.url)
    for bytes_ in (
        b"\x00" * 1000,
        b"GET\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -4\r\n\r\n",
    ):
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
            connection.sendall(bytes_)
            connection.settimeout(5)
            assert b"400" in connection.recv(100)
    assert server.get("/healthz").status_code == 200


def test_extreme_timestamps_are_computed_or_refused(server: Server) -> None:
    for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59.999999Z"):
        assert server.post("/predict", {**ROW, "departure": text}).status_code in {200, 422}


# --- load ------------------------------------------------------------------------------------------------------------
def test_requests_at_once_each_get_their_own_answer(server: Server) -> None:
    def ask(distance: int) -> tuple[int, float]:
        answer = server.post("/predict", {**ROW, "distance": distance})
        return distance, answer.json()["predictions"][0]["probability"]

    with ThreadPoolExecutor(12) as pool:
        for distance, found in pool.map(ask, range(0, 1200, 10)):
            assert found == pytest.approx(probability("UA", distance, 8), abs=1e-6)


def test_one_bad_request_among_many_fails_alone(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = list(
            pool.map(
                lambda i: server.post("/predict", {**ROW, "distance": -1 if i % 5 == 0 else 5}).status_code, range(40)
            )
        )
    assert codes == [422 if i % 5 == 0 else 200 for i in range(40)]


def test_more_requests_than_may_wait_get_503_and_when_to_come_back(tmp_path: Path) -> None:
    limits = httpx.Limits(max_connections=40)
    with (
        a_server(a_package(tmp_path / "p"), "--max-waiting", "1") as running,
        httpx.Client(limits=limits, timeout=30) as client,
        ThreadPoolExecutor(40) as pool,
    ):
        rows = {"instances": [ROW] * 100}

        def ask(_: int) -> httpx.Response:
            return client.post(running.url + "/predict", json=rows)

        answers = list(pool.map(ask, range(400)))
        assert {answer.status_code for answer in answers} == {200, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert running.post("/predict", ROW).status_code == 200
        assert metric(running, conventions.METRIC_REQUESTS, code="503") == len(refused)


# --- metrics and logs ------------------------------------------------------------------------------------------------
def test_metrics_count_answers_by_code_and_protocol(server: Server) -> None:
    before = {code: metric(server, conventions.METRIC_REQUESTS, code=code, protocol="json") for code in ("200", "422")}
    server.post("/predict", ROW)
    server.post("/predict", {})
    for code, count in before.items():
        assert metric(server, conventions.METRIC_REQUESTS, code=code, protocol="json") == count + 1
    assert metric(server, conventions.METRIC_MODEL_INFO, model="late-arrival", version="1a2b3c4d5e6f") == 1
    assert server.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


def test_a_logged_request_shows_open_values_and_redacts_the_rest(server: Server) -> None:
    server.post("/predict", {**ROW, "distance": 777, "tail": "N-SECRET"})
    until(lambda: any(e["request"][0]["distance"] == 777 for e in server.events("request")))
    line = next(e for e in server.events("request") if e["request"][0]["distance"] == 777)
    assert line["request"][0]["tail"] == "[redacted]"
    assert line["predictions"][0]["threshold"] == 0.4
    assert "N-SECRET" not in json.dumps(server.lines)


def test_a_log_shows_what_its_classification_lets_it(tmp_path: Path) -> None:
    package = a_package(tmp_path / "p")
    for limit, shown in (("confidential", "[redacted]"), ("pii", "N1")):
        with a_server(package, "--log-requests", "1", "--log-classification", limit) as running:
            running.post("/predict", {**ROW, "tail": "N1"})
            until(lambda running=running: bool(running.events("request")))  # type: ignore[misc]  # mypy can't infer it
            assert running.events("request")[0]["request"][0]["tail"] == shown


# --- snapshots -------------------------------------------------------------------------------------------------------
def snapshot(folder: Path, delay: float) -> Path:
    manifest = read_manifest(folder / "p")
    moment = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
    flights(folder, [(1, moment, "JFK", "UA", 1, moment, delay)])
    return write_snapshot(
        manifest.lookups, manifest.datasets, folder, folder / "online", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    )


def test_a_server_waits_for_its_first_snapshot_and_takes_up_each_new_one(tmp_path: Path) -> None:
    package = a_package(tmp_path / "p", lookups=(LOOKUP,))
    with a_server(package, "--online", str(tmp_path / "online"), "--poll", "0.1") as running:
        assert running.get("/readyz").status_code == 503
        assert running.get("/healthz").status_code == 200
        refused = running.post("/predict", ROW)
        assert (refused.status_code, refused.json()["error"]) == (503, "no online snapshot is loaded")
        snapshot(tmp_path, 10.0)
        until(lambda: running.get("/readyz").status_code == 200)
        assert _score(running) == pytest.approx(probability("UA", 500, 8, 10.0), abs=1e-6)
        (tmp_path / "online" / "current").write_text("broken-snapshot")
        until(lambda: bool(running.events("snapshot_refused")))
        assert _score(running) == pytest.approx(probability("UA", 500, 8, 10.0), abs=1e-6)
        snapshot(tmp_path, 40.0)
        until(lambda: _score(running) > probability("UA", 500, 8, 39.0))
        assert metric(running, conventions.METRIC_ONLINE_AGE) < 60
        running.post("/predict", {**ROW, "carrier": "ZZ"})
        assert metric(running, conventions.METRIC_LOOKUP_MISSES, lookup="delays") == 1


def _score(server: Server) -> float:
    return float(server.post("/predict", ROW).json()["predictions"][0]["probability"])


def test_snapshots_change_under_load_without_a_failed_request(tmp_path: Path) -> None:
    package = a_package(tmp_path / "p", lookups=(LOOKUP,))
    snapshot(tmp_path, 1.0)
    with a_server(package, "--online", str(tmp_path / "online"), "--poll", "0.05") as running:
        stop = threading.Event()

        def ask() -> list[int]:
            codes = []
            with httpx.Client() as client:
                while not stop.is_set():
                    codes.append(client.post(running.url + "/predict", json=ROW).status_code)
            return codes

        with ThreadPoolExecutor(2) as pool:
            asking = [pool.submit(ask) for _ in range(2)]
            for delay in (2.0, 3.0, 4.0, 5.0):
                snapshot(tmp_path, delay)
                time.sleep(0.3)
            stop.set()
            codes = [code for future in asking for code in future.result()]
        assert set(codes) == {200}


# --- the end ---------------------------------------------------------------------------------------------------------
def test_told_to_stop_it_says_that_it_is_not_ready_and_still_answers(tmp_path: Path) -> None:
    with a_server(a_package(tmp_path / "p"), "--drain", "1.5") as running:
        with httpx.Client() as client:
            running.terminate()
            until(lambda: client.get(running.url + "/readyz").status_code == 503)
            assert client.get(running.url + "/readyz").json()["error"] == "draining"
            assert client.post(running.url + "/predict", json=ROW).status_code == 200
        assert running.process.wait(20) == 0
    assert [line["event"] for line in running.lines][-2:] == ["draining", "stopped"]


def test_what_is_under_way_is_finished_before_it_ends(tmp_path: Path) -> None:
    with a_server(a_package(tmp_path / "p"), "--drain", "0.2") as running:
        address = urlsplit(running.url)
        body = json.dumps(ROW).encode()
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        running.terminate()
        until(lambda: bool(running.events("draining")))
        time.sleep(0.6)
        connection.send(body[10:])
        assert connection.getresponse().status == 200
        connection.close()
        assert running.process.wait(20) == 0


def test_ctrl_c_ends_it_at_once_with_exit_code_zero(tmp_path: Path) -> None:
    with a_server(a_package(tmp_path / "p"), "--drain", "60") as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0


# --- start -----------------------------------------------------------------------------------------------------------
def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlc_targets.local.serve", "--host", "127.0.0.1", *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def test_a_taken_port_is_a_finding(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = serve("--package", str(a_package(tmp_path / "p")), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "error[MLC484]: cannot listen on 127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--package", "nowhere"), "MLC480"), (("--package", "p", "--digest", "sha256:" + "0" * 64), "MLC482")],
)
def test_a_package_that_cannot_be_served_is_a_finding(tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    a_package(tmp_path / "p")
    done = serve("--port", "0", *(str(tmp_path / a) if a in {"p", "nowhere"} else a for a in arguments))
    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr


def test_the_startup_line_says_what_is_served_where(server: Server) -> None:
    first = server.lines[0]
    assert (first["event"], first["model"], first["url"]) == ("serving", "late-arrival", server.url)


@pytest.mark.slow
def test_a_header_that_never_ends_is_not_waited_for(server: Server) -> None:
    address = urlsplit(server.url)
    for beginning in (b"", b"GET /healthz HTTP/1.1\r\nx-slow: "):
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
            connection.sendall(beginning)
            connection.settimeout(20)
            assert connection.recv(100) == b""


@pytest.mark.slow
def test_a_body_that_never_comes_is_answered_in_time(server: Server) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        connection.settimeout(20)
        assert b"408" in connection.recv(100)
    assert server.post("/predict", ROW).status_code == 200
