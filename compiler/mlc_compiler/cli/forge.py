"""Pull requests on GitHub and GitLab: by their programs where they are installed, by their APIs otherwise.

Only called when a token is present. A request that is open already for the branch is brought up to date, not doubled.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mlc_compiler.records import dataclass

Json = Any
"""What a forge answers."""

_TIMEOUT = 30
_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]+@)?|(?:[^@/:]+@))(?P<host>[^/:]+)(?::\d+)?[:/](?P<path>.+?)(?:\.git)?/?"
)


class ForgeError(Exception):
    """The forge refused, or was not reached; the text says what it said, never the token."""


@dataclass(frozen=True, slots=True)
class Forge:
    """Where pull requests are opened: which kind, the address of its API, the project there, how to enter."""

    kind: Literal["github", "gitlab"]
    api: str
    project: str
    token: str
    program: str | None
    host: str


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What is asked for: from which branch into which, its words, and the teams that are to look at it."""

    branch: str
    base: str
    title: str
    body: str
    reviewers: tuple[str, ...]


def find_forge(remote: str, variables: Mapping[str, str]) -> Forge | None:
    """Return the forge that a remote's URL leads to, or None without a token for it."""
    found = _REMOTE.fullmatch(remote)
    if found is None:
        return None
    host, path = found["host"], found["path"]
    github, gitlab = variables.get("GH_TOKEN") or variables.get("GITHUB_TOKEN"), variables.get("GITLAB_TOKEN")
    if gitlab and (host == "gitlab.com" or "gitlab" in host or not github):
        api = variables.get("CI_API_V4_URL") or f"https://{host}/api/v4"
        return Forge("gitlab", api, path, gitlab, shutil.which("glab", path=variables.get("PATH")), host)
    if github:
        own = "https://api.github.com" if host == "github.com" else f"https://{host}/api/v3"
        api = variables.get("GITHUB_API_URL") or own
        return Forge("github", api, path, github, shutil.which("gh", path=variables.get("PATH")), host)
    return None


def open_pull_request(forge: Forge, request: PullRequest) -> tuple[str, bool]:
    """Return the URL of the branch's open pull request, and whether it was opened now. Raises ForgeError."""
    if forge.program is not None:
        return _by_program(forge, forge.program, request)
    return _on_github(forge, request) if forge.kind == "github" else _on_gitlab(forge, request)


# --- programs --------------------------------------------------------------------------------------------------------
def _by_program(forge: Forge, program: str, request: PullRequest) -> tuple[str, bool]:
    if forge.kind == "github":
        where = ("--repo", f"{forge.host}/{forge.project}")
        there = json.loads(_run(program, "pr", "list", *where, "--head", request.branch, "--json", "url") or "[]")
        if there:
            _run(program, "pr", "edit", there[0]["url"], "--body-file", "-", input=request.body)
            return str(there[0]["url"]), False
        wanted = ("--head", request.branch, "--base", request.base, "--title", request.title, "--body-file", "-")
        url = _run(program, "pr", "create", *where, *wanted, input=request.body).strip()
        for team in request.reviewers:
            _asked(program, "pr", "edit", url, "--add-reviewer", _team(forge, team))
        return url, True
    listed = _run(program, "mr", "list", "--source-branch", request.branch, "--output", "json")
    there = json.loads(listed or "[]")
    if there:
        _run(program, "mr", "update", str(there[0]["iid"]), "--description", request.body)
        return str(there[0]["web_url"]), False
    asked = ("--source-branch", request.branch, "--target-branch", request.base, "--title", request.title)
    said = _run(program, "mr", "create", *asked, "--description", request.body, "--yes")
    return next((word for word in said.split() if word.startswith("http")), said.strip()), True


def _team(forge: Forge, name: str) -> str:
    return name if "/" in name else f"{forge.project.partition('/')[0]}/{name}"


def _asked(*command: str) -> None:
    """Ask for a review; a team that the forge does not know is no reason to have no pull request."""
    subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT)


def _run(*command: str, input: str = "") -> str:
    try:
        done = subprocess.run(command, input=input, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ForgeError(f"{command[0]} did not run: {error}") from None
    if done.returncode:
        raise ForgeError(" ".join(done.stderr.split()) or f"{command[0]} ended with {done.returncode}")
    return done.stdout


# --- APIs ------------------------------------------------------------------------------------------------------------
def _on_github(forge: Forge, request: PullRequest) -> tuple[str, bool]:
    pulls = f"repos/{forge.project}/pulls"
    owner = forge.project.partition("/")[0]
    query = urllib.parse.urlencode({"head": f"{owner}:{request.branch}", "state": "open"})
    there = _call(forge, "GET", f"{pulls}?{query}")
    if there:
        _call(forge, "PATCH", f"{pulls}/{there[0]['number']}", {"body": request.body})
        return str(there[0]["html_url"]), False
    wanted = {"head": request.branch, "base": request.base, "title": request.title, "body": request.body}
    made = _call(forge, "POST", pulls, wanted)
    teams = [team.rpartition("/")[2] for team in request.reviewers]
    _review(forge, f"{pulls}/{made['number']}/requested_reviewers", teams)
    return str(made["html_url"]), True


def _review(forge: Forge, path: str, teams: Sequence[str]) -> None:
    """Ask teams for a review; one that the repository does not know is no reason to have no pull request."""
    if teams:
        try:
            _call(forge, "POST", path, {"team_reviewers": list(teams)})
        except ForgeError:
            return


def _on_gitlab(forge: Forge, request: PullRequest) -> tuple[str, bool]:
    requests = f"projects/{urllib.parse.quote(forge.project, safe='')}/merge_requests"
    query = urllib.parse.urlencode({"source_branch": request.branch, "state": "opened"})
    there = _call(forge, "GET", f"{requests}?{query}")
    if there:
        _call(forge, "PUT", f"{requests}/{there[0]['iid']}", {"description": request.body})
        return str(there[0]["web_url"]), False
    wanted = {"source_branch": request.branch, "target_branch": request.base, "title": request.title}
    return str(_call(forge, "POST", requests, {**wanted, "description": request.body})["web_url"]), True


def _call(forge: Forge, method: str, path: str, value: Mapping[str, object] | None = None) -> Json:
    headers = {"Authorization": f"Bearer {forge.token}", "Accept": "application/json", "User-Agent": "mlc"}
    content = None if value is None else json.dumps(value).encode()
    if content is not None:
        headers["Content-Type"] = "application/json"
    asked = urllib.request.Request(f"{forge.api}/{path}", content, headers, method=method)  # noqa: S310  from the remote
    try:
        with urllib.request.urlopen(asked, timeout=_TIMEOUT) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            said = " ".join(error.read(2000).decode("utf-8", "replace").split())
        raise ForgeError(f"{forge.host} answered {error.code}: {said}") from None
    except (OSError, ValueError) as error:
        raise ForgeError(f"{forge.host} was not reached: {error}") from None
