"""Shows located findings: as text for people, as JSON and SARIF for programs, as commands for GitHub annotations.

Every format is one function `(findings, ...) -> str` in a module of its own; nothing is printed here.
"""

from __future__ import annotations

from mlc_compiler.render.as_github import render_github
from mlc_compiler.render.as_json import render_json
from mlc_compiler.render.as_sarif import render_sarif
from mlc_compiler.render.as_text import render_text, summary

__all__ = ["render_github", "render_json", "render_sarif", "render_text", "summary"]
