"""Pull requests are opened by the forge's program or its API, once for each branch; a token is never said."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlc_compiler.cli.forge import Forge, ForgeError, PullRequest, find_forge, open_pull_request
from processes import answering

REQUEST = PullRequest("mlc/promote/prod/late", "main", "Promote late", "the body", ("ops-leads",))
TOKEN = "s3cr3t-t0k3n"


@pytest.mark.parametrize(
    ("remote", "variables", "kind", "api", "project"),
    [
        ("https://github.com/acme/delays.git", {"GH_TOKEN": TOKEN}, "github", "https://api.github.com", "acme/delays"),
        ("git@github.com:acme/delays.git", {"GITHUB_TOKEN": TOKEN}, "github", "https://api.github.com", "acme/delays"),
        ("ssh://git@ghe.acme.org:22/a/b", {"GH_TOKEN": TOKEN}, "github", "https://ghe.acme.org/api/v3", "a/b"),
        (
            "https://oauth2:x@gitlab.com/a/b/c.git",
            {"GITLAB_TOKEN": TOKEN},
            "gitlab",
            "https://gitlab.com/api/v4",
            "a/b/c",
        ),
    ],
)
def test_a_remote_and_a_token_make_a_forge(
    remote: str, variables: dict[str, str], kind: str, api: str, project: str
) -> None:
    forge = find_forge(remote, {**variables, "PATH": "/nowhere"})
    assert forge is not None
    assert (forge.kind, forge.api, forge.project, forge.program) == (kind, api, project, None)


@pytest.mark.parametrize("remote", ["/srv/git/delays.git", "file:///srv/git/delays.git", "../delays", ""])
def test_a_folder_is_no_forge(remote: str) -> None:
    assert find_forge(remote, {"GH_TOKEN": TOKEN}) is None


def test_without_a_token_there_is_no_forge() -> None:
    assert find_forge("https://github.com/acme/delays", {}) is None


# --- APIs ------------------------------------------------------------------------------------------------------------
class Api(BaseHTTPRequestHandler):
    """Answers what GitHub and GitLab answer, and keeps what it was asked."""

    def _answer(self) -> None:
        server: Any = self.server
        length = int(self.headers.get("Content-Length", 0))
        value = json.loads(self.rfile.read(length)) if length else None
        server.asked.append((self.command, self.path, value, self.headers["Authorization"]))
        code, body = server.answer(self.command, self.path)
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815  as http.server wants them

    def log_message(self, format: str, *arguments: object) -> None:
        return


@pytest.fixture
def api() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Api)
    server.asked, server.open = [], []

    def answer(method: str, path: str) -> tuple[int, object]:
        if method == "GET":
            return 200, server.open
        if path.endswith("requested_reviewers"):
            return 422, {"message": "Could not resolve to a node"}
        return 201, {"number": 7, "iid": 7, "html_url": "https://forge/7", "web_url": "https://forge/7"}

    server.answer = answer
    with answering(server):
        yield server


def a_forge(api: Any, kind: Any) -> Forge:
    return Forge(kind, f"http://127.0.0.1:{api.server_port}", "acme/delays", TOKEN, None, "forge")


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_pull_request_is_opened_once(api: Any, kind: str) -> None:
    assert open_pull_request(a_forge(api, kind), REQUEST) == ("https://forge/7", True)
    made = next(value for method, _, value, _ in api.asked if method == "POST")
    assert REQUEST.body in (made.get("body"), made.get("description"))
    api.open = [{"number": 7, "iid": 7, "html_url": "https://forge/7", "web_url": "https://forge/7"}]
    api.asked.clear()
    assert open_pull_request(a_forge(api, kind), REQUEST) == ("https://forge/7", False)
    assert [method for method, *_ in api.asked] == ["GET", "PATCH" if kind == "github" else "PUT"]


def test_a_team_that_is_unknown_is_no_reason_to_have_no_pull_request(api: Any) -> None:
    open_pull_request(a_forge(api, "github"), REQUEST)
    assert api.asked[-1][1:3] == ("/repos/acme/delays/pulls/7/requested_reviewers", {"team_reviewers": ["ops-leads"]})


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_forge_that_refuses_is_told_without_the_token(api: Any, kind: str) -> None:
    api.answer = lambda method, path: (403, {"message": "Resource not accessible"})
    with pytest.raises(ForgeError, match=r"answered 403: .*not accessible") as raised:
        open_pull_request(a_forge(api, kind), REQUEST)
    assert TOKEN not in str(raised.value)


def test_a_forge_that_is_not_there_is_told(api: Any) -> None:
    with pytest.raises(ForgeError, match="was not reached"):
        open_pull_request(replace(a_forge(api, "github"), api="http://127.0.0.1:9"), REQUEST)


# --- programs --------------------------------------------------------------------------------------------------------
def a_program(folder: Path, listed: str) -> str:
    path = folder / "gh"
    path.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/asked\ncase "$*" in *list*) echo \'{listed}\';; '
        "*create*) cat > /dev/null; echo https://forge/8;; *) cat > /dev/null;; esac\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_program_opens_it(kind: Any, tmp_path: Path) -> None:
    forge = Forge(kind, "", "acme/delays", TOKEN, a_program(tmp_path, "[]"), "forge")
    assert open_pull_request(forge, REQUEST) == ("https://forge/8", True)
    asked = (tmp_path / "asked").read_text()
    assert "mlc/promote/prod/late" in asked
    assert TOKEN not in asked


def test_a_program_brings_an_open_one_up_to_date(tmp_path: Path) -> None:
    program = a_program(tmp_path, '[{"url": "https://forge/7", "iid": 7, "web_url": "https://forge/7"}]')
    for kind in ("github", "gitlab"):
        forge = Forge(kind, "", "acme/delays", TOKEN, program, "forge")
        assert open_pull_request(forge, REQUEST) == ("https://forge/7", False)
    assert "create" not in (tmp_path / "asked").read_text()


def test_a_program_that_fails_is_told(tmp_path: Path) -> None:
    program = tmp_path / "gh"
    program.write_text("#!/bin/sh\necho 'HTTP 401' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(ForgeError, match="HTTP 401"):
        open_pull_request(Forge("github", "", "a/b", TOKEN, os.fspath(program), "forge"), REQUEST)
