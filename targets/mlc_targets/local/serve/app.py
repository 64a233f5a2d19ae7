"""The HTTP surface: predictions by two protocols, what describes the model, health, readiness and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from mlc_compiler.conventions import HEALTH_PATH, METRICS_PATH, READY_PATH
from mlc_targets.local.serve import answer, open_inference, schema
from mlc_targets.local.serve.logs import redacted_rows, write_line
from mlc_targets.local.serve.options import ServeOptions
from mlc_targets.local.serve.request import RequestError, Rows
from mlc_targets.local.serve.scoring import SaturatedError, Scored
from mlc_targets.local.serve.service import Service, watch

_INLINE = 32 * 1024
"""Bodies up to this many bytes are checked on the event loop; a larger one would hold up the others."""

Endpoint = Callable[[Request], Awaitable[Response]]
Read = Callable[[bytes], tuple[Rows, Mapping[str, object]]]
Write = Callable[[Scored, Mapping[str, object]], Mapping[str, object]]


def create_app(service: Service) -> Starlette:
    """Return the application of a service; its lifespan starts and stops the workers."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.scorer.start()
        watching = asyncio.create_task(watch(service))
        yield
        watching.cancel()
        service.scorer.stop()

    return Starlette(
        routes=[*_descriptions(service), *_health(service), *_predictions(service)],
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused},
    )


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(orjson.dumps(content), status, dict(headers or {}), "application/json")


async def _refused(_: Request, error: Exception) -> Response:
    """Answer what no route takes: 404, 405."""
    known = error if isinstance(error, HTTPException) else HTTPException(500)
    return reply({"error": known.detail}, known.status_code, known.headers)


# --- descriptions, health --------------------------------------------------------------------------------------------
def _constant(path: str, content: object) -> Route:
    body = orjson.dumps(content)

    async def endpoint(_: Request) -> Response:
        return Response(body, media_type="application/json")

    return Route(path, endpoint)


def _descriptions(service: Service) -> list[Route]:
    manifest, rows = service.package.manifest, service.schema.max_rows
    index = {
        "model": service.name,
        "version": service.version,
        "task": manifest.task,
        "predict": "/predict",
        "schema": "/schema",
        "openapi": "/openapi.json",
        "open_inference": f"/v2/models/{service.name}",
        "metrics": METRICS_PATH,
    }

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [
        _constant("/", index),
        _constant("/schema", schema.request_schema(manifest, rows)),
        _constant("/openapi.json", schema.openapi(manifest, rows)),
        _constant("/v2", open_inference.server_metadata(_mlc_version())),
        Route(METRICS_PATH, metrics),
    ]


def _mlc_version() -> str:
    try:
        return version("mlc-compiler")
    except PackageNotFoundError:  # run from source
        return "0"


def _health(service: Service) -> list[Route]:
    async def live(_: Request) -> Response:
        return reply({"live": True})

    async def ready(request: Request) -> Response:
        _known_model(service, request)
        reason = service.waits_for()
        content: dict[str, object] = {"ready": reason is None}
        if "name" in request.path_params:
            content["name"] = service.name
        return reply(content | ({"error": reason} if reason else {}), 503 if reason else 200)

    return [
        Route(HEALTH_PATH, live),
        Route("/v2/health/live", live),
        Route(READY_PATH, ready),
        Route("/v2/health/ready", ready),
        Route("/v2/models/{name}/ready", ready),
        Route("/v2/models/{name}/versions/{version}/ready", ready),
    ]


def _known_model(service: Service, request: Request) -> None:
    """Refuse another model's name and another version; both the short and the full version are known."""
    name, asked = request.path_params.get("name"), request.path_params.get("version")
    if name is not None and name != service.name:
        raise HTTPException(404, f"model `{name[:64]}` is not served here; `{service.name}` is")
    if asked is not None and asked not in {service.version, service.package.manifest.version}:
        raise HTTPException(404, f"version `{asked[:64]}` is not served here; `{service.version}` is")


# --- predictions -----------------------------------------------------------------------------------------------------
def _predictions(service: Service) -> list[Route]:
    manifest = service.package.manifest

    def read_predict(body: bytes) -> tuple[Rows, Mapping[str, object]]:
        return service.schema.read_json(body), {}

    def read_infer(body: bytes) -> tuple[Rows, Mapping[str, object]]:
        return open_inference.read_infer(service.schema, body)

    def write_predict(scored: Scored, _: Mapping[str, object]) -> Mapping[str, object]:
        return answer.body(manifest, scored.decided)

    def write_infer(scored: Scored, request: Mapping[str, object]) -> Mapping[str, object]:
        return open_inference.infer_body(manifest, scored.decided, request)

    async def metadata(request: Request) -> Response:
        _known_model(service, request)
        return reply(open_inference.model_metadata(manifest))

    infer = _counted(service, "v2", _prediction(service, "v2", read_infer, write_infer))
    return [
        Route(
            "/predict",
            _counted(service, "json", _prediction(service, "json", read_predict, write_predict)),
            methods=["POST"],
        ),
        Route("/v2/models/{name}", metadata),
        Route("/v2/models/{name}/versions/{version}", metadata),
        Route("/v2/models/{name}/infer", infer, methods=["POST"]),
        Route("/v2/models/{name}/versions/{version}/infer", infer, methods=["POST"]),
    ]


def _prediction(service: Service, protocol: str, read: Read, write: Write) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        _known_model(service, request)
        async with asyncio.timeout(service.options.read_timeout):
            body = await _body(request, service.options)
        if service.scorer.database is None:
            raise HTTPException(503, "no online snapshot is loaded", {"Retry-After": "5"})
        rows, parsed = read(body) if len(body) <= _INLINE else await asyncio.to_thread(read, body)
        scored = await _scored(service, rows)
        content = write(scored, parsed)
        service.metrics.scored(scored)
        if service.sampler.take():
            _log(service, protocol, rows, scored)
        return reply(content)

    return endpoint


async def _scored(service: Service, rows: Rows) -> Scored:
    seconds = service.options.timeout
    try:
        async with asyncio.timeout(seconds):
            return await service.scorer.score(rows)
    except TimeoutError as error:  # the caller did its part: a fault of ours, which error rates count
        message = f"the prediction took longer than {seconds:g} s"
        raise HTTPException(503, message, {"Retry-After": "1"}) from error


async def _body(request: Request, options: ServeOptions) -> bytes:
    limit = options.max_body
    if sum(len(name) + len(value) for name, value in request.headers.raw) > options.max_header:
        raise RequestError(431, f"the headers are larger than {options.max_header} bytes")
    too_large = RequestError(413, f"the body is larger than {limit} bytes")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > limit:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _log(service: Service, protocol: str, rows: Rows, scored: Scored) -> None:
    manifest = service.package.manifest
    write_line("request", {
        "model": service.name,
        "version": service.version,
        "protocol": protocol,
        "rows": rows.count,
        "request": redacted_rows(manifest.request, rows, service.options.log_classification),
        "predictions": answer.predictions(manifest, scored.decided)[:10],
        "lookup_misses": dict(scored.misses),
    })  # fmt: skip


def _counted(service: Service, protocol: str, endpoint: Endpoint) -> Endpoint:
    """Turn every outcome into an answer, and count it."""

    async def counted(request: Request) -> Response:
        start = time.perf_counter()
        service.metrics.in_flight.inc()
        try:
            response = await _answered(service, protocol, endpoint, request)
        finally:
            service.metrics.in_flight.dec()
        service.metrics.answered(protocol, response.status_code, time.perf_counter() - start)
        return response

    return counted


async def _answered(service: Service, protocol: str, endpoint: Endpoint, request: Request) -> Response:
    try:
        return await endpoint(request)
    except RequestError as error:
        return _fault_reply(protocol, error)
    except HTTPException as error:
        return reply({"error": error.detail}, error.status_code, error.headers)
    except SaturatedError:
        return reply({"error": "too many requests wait; try again"}, 503, {"Retry-After": "1"})
    except TimeoutError:
        return reply({"error": "the body took too long to arrive"}, 408)
    except ClientDisconnect:
        return reply({"error": "the client went away"}, 499)
    except Exception as error:  # noqa: BLE001  # our fault: the caller gets 500 and no inner detail, the log the trace
        trace = "".join(traceback.format_exception(error, limit=-5))
        write_line("error", {"model": service.name, "version": service.version, "error": trace})
        sys.stderr.write(trace)
        return reply({"error": "internal error"}, 500)


def _fault_reply(protocol: str, error: RequestError) -> Response:
    content: dict[str, object] = {"error": error.message}
    if error.faults and protocol == "json":
        first = error.faults[0]
        content |= {"field": first.field, "row": first.row, "faults": [fault.to_json() for fault in error.faults]}
    return reply(content, error.status)
