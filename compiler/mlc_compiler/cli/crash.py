"""Our own bugs: a file with what is needed to mend them, exit code 70, and no traceback in the user's face."""

from __future__ import annotations

import hashlib
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from mlc_compiler import __version__

EXIT = 70


def report(error: BaseException, arguments: list[str]) -> int:
    """Write the report and say where it is; returns the exit code of a bug."""
    trace = "".join(traceback.format_exception(error))
    text = "\n".join(
        [
            f"mlc {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
            f"command: mlc {' '.join(arguments)}",
            "",
            trace,
        ]
    )
    path = Path(tempfile.gettempdir()) / f"mlc-crash-{hashlib.sha256(trace.encode()).hexdigest()[:8]}.txt"
    try:
        path.write_text(text, "utf-8")
        where = f"the report is in {path}"
    except OSError:
        where = text
    print(f"mlc: internal error: {type(error).__name__}: {error}\nThis is a bug in mlc; {where}", file=sys.stderr)
    return EXIT
