"""The server that images run: `run` serves one package over HTTP. It needs the `serve` extra only."""

from __future__ import annotations

from pathlib import Path

from mlc_targets.local.serve.options import ServeOptions

__all__ = ["ServeOptions", "run"]


def run(
    package: Path, host: str, port: int, online: Path | None = None, options: ServeOptions | None = None
) -> None:  # fmt: skip
    """Serve a package until the process is told to stop; raises ExecutionError (MLC480 to MLC484)."""
    from mlc_targets.local.serve.process import run as serve  # heavy: web server, DuckDB

    serve(package, host, port, online, options)
