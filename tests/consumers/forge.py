"""A forge on this machine: a bare repository, a clone of it, and act with stand-ins for what it would fetch.

Workflows really run, in this shell; actions, `docker` and `gh` are small programs that do the same to files here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from consumers import tools
from mlc_targets.github_actions.actions import ACTIONS

REPOSITORY = "acme/minimal"
URL = f"https://github.com/{REPOSITORY}"

STAND_INS = {
    "actions/setup-python": 'test -f "$LOCK_PATH"',
    "actions/upload-artifact": """\
test -e "$FROM"
rm -rf "$ARTIFACTS/$NAME" && mkdir -p "$ARTIFACTS/$NAME"
if [ -d "$FROM" ]; then cp -R "$FROM/." "$ARTIFACTS/$NAME"; else cp "$FROM" "$ARTIFACTS/$NAME"; fi""",
    "actions/download-artifact": """\
mkdir -p "$FROM"
for artifact in "$ARTIFACTS"/${NAME:-$PATTERN}; do
  if [ -d "$artifact" ]; then cp -R "$artifact/." "$FROM"; elif [ -n "$NAME" ]; then exit 1; fi
done""",
}
"""What each action does to files: uploads go below $ARTIFACTS."""

_INPUTS = (
    "name", "path", "pattern", "merge-multiple", "retention-days", "include-hidden-files", "python-version", "cache",
    "cache-dependency-path",
)  # fmt: skip

# An image is a folder of its context; what is pushed gets the digest of its files.
DOCKER = """\
#!/usr/bin/env bash
set -eo pipefail
echo "docker $*" >> "$FORGE/docker.log"
place() { echo "$FORGE/images/${1//[\\/:@]/_}"; }
case "$1" in
  login) cat > /dev/null ;;
  logout | rm) ;;
  build)
    test -f "${@: -1}/Dockerfile" -a -d "${@: -1}/package" -a -d "${@: -1}/wheels"
    mkdir -p "$FORGE/images"
    while [ "$2" = --tag ]; do rm -rf "$(place "$3")"; cp -R "${@: -1}" "$(place "$3")"; shift 2; done ;;
  push)
    for made in "$(place "$3")"_*; do test -d "$made"; done
    if [ -x "$FORGE/meanwhile" ]; then "$FORGE/meanwhile"; fi ;;
  inspect)
    digest=$(cd "$(place "$4")" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-64)
    rm -rf "$(place "${4%:*}@sha256:$digest")"
    cp -R "$(place "$4")" "$(place "${4%:*}@sha256:$digest")"
    echo "${4%:*}@sha256:$digest" ;;
  create) test -d "$(place "$2")"; place "$2" ;;
  cp) cp -R "${2%%:*}/package" "$3" ;;
  *) exit 64 ;;
esac
"""
# Comments are files, numbered from 1; a pull request is a file of its text, named by its branch.
GH = """\
#!/usr/bin/env bash
set -eo pipefail
echo "gh $*" >> "$FORGE/gh.log"
mkdir -p "$FORGE/comments" "$FORGE/pulls"
given() { local found; while [ $# -gt 0 ]; do [ "$1" = "$flag" ] && found=$2; shift; done; echo "$found"; }
flag=--head branch=$(given "$@") flag=--body-file text=$(given "$@")
pull=$(tr / _ <<< "$branch")
case "$1 $2" in
  "pr list")
    if [ -f "$FORGE/pulls/$pull" ]; then
      if [ "${@: -2:1}" = --jq ]; then echo "URL/$branch"; else echo "[{\\"url\\": \\"URL/$branch\\"}]"; fi
    fi
    exit ;;
  "pr create") test -n "$GH_TOKEN"; cat "$text" > "$FORGE/pulls/$pull"; echo "URL/$branch"; exit ;;
  "pr edit")
    pull=$(tr / _ <<< "${3#URL/}")
    if [ -n "$text" ]; then cat "$text" > "$FORGE/pulls/$pull"; fi
    exit ;;
esac
for last in "$FORGE"/comments/*; do :; done
case "$*" in
  *--paginate*) if [ -f "$last" ]; then basename "$last"; fi ;;
  *"--method POST"*) cp "${6#body=@}" "$FORGE/comments/1" ;;
  *"--method PATCH"*) cp "${6#body=@}" "$FORGE/comments/$(basename "$4")" ;;
esac
"""


# The address that steps push to is rewritten to the bare repository's; to those who ask it stays the forge's.
GIT = """\
#!/usr/bin/env bash
case "$*" in
  *"remote get-url"*) echo {} ;;
  *) exec {} "$@" ;;
esac
"""


@dataclass(frozen=True)
class Forge:
    """`work` is a clone of the bare repository `origin`; `folder` holds what the stand-ins leave."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def mlc(self, *arguments: str) -> str:
        """Run the real mlc in the clone; it must succeed."""
        return done([sys.executable, "-m", "mlc_compiler", *arguments], self.work)

    @property
    def secret(self) -> Path:
        """The key that releases are signed with."""
        return self.folder / "release.pem"

    @property
    def settings(self) -> Path:
        """Git's settings: the address that the clone knows stands for the bare repository."""
        return self.folder / "gitconfig"

    def git(self, *arguments: str) -> str:
        return done(["env", f"GIT_CONFIG_GLOBAL={self.settings}", "git", *arguments], self.work)

    def commit(self, message: str) -> str:
        """Commit everything, push it, and return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def pull(self) -> str:
        """Take over what workflows have pushed, and return the last commit's message."""
        self.git("pull", "--quiet", "--ff-only", "origin", "main")
        return self.git("log", "-1", "--format=%s")

    def run(self, event: str, payload: Mapping[str, object], workflow: str, *options: str) -> tools.Outcome:
        """Run a workflow with act for an event."""
        file = self.folder / "event.json"
        file.write_text(json.dumps(payload), "utf-8")
        for left in (self.folder / "artifacts", self.work / ".mlc"):
            shutil.rmtree(left, ignore_errors=True)
        # Only the steps take the address for the bare repository: act reads the repository's name from it.
        told = {
            "GIT_CONFIG_GLOBAL": self.settings,
            "FORGE": self.folder,
            "ARTIFACTS": self.folder / "artifacts",
            "PATH": _path(self.folder / "bin"),
        }
        environment = [part for name, value in told.items() for part in ("--env", f"{name}={value}")]
        actions = [part for a in ACTIONS if a.name in STAND_INS for part in _local(self.folder / "actions", a)]
        return tools.act(
            self.work, event, "-P", "ubuntu-24.04=-self-hosted", "-W", f".github/workflows/{workflow}",
            "--eventpath", str(file), *environment, *actions, *options, timeout=300,
        )  # fmt: skip


def a_forge(folder: Path, project: Path) -> Forge:
    """Make a forge whose repository holds a copy of a project, not yet committed."""
    forge = Forge(folder)
    done(["git", "init", "--quiet", "--bare", "--initial-branch=main", forge.origin], folder)
    shutil.copytree(project, forge.work)
    done(["git", "init", "--quiet", "--initial-branch=main"], forge.work)
    forge.git("remote", "add", "origin", URL)
    _settle(forge)
    (forge.work / ".gitignore").write_text(".mlc/\n")
    python = f'#!/usr/bin/env bash\nexec "{sys.executable}" {{}} "$@"\n'
    git = GIT.format(URL, shutil.which("git"))
    programs = {
        "docker": DOCKER,
        "gh": GH.replace("URL", URL),
        "git": git,
        "mlc": python.format("-m mlc_compiler"),
        "python": python.format(""),
    }
    for name, script in programs.items():
        _program(folder / "bin" / name, script)
    for name, script in STAND_INS.items():
        _action(folder / "actions" / name.replace("/", "-"), script)
    return forge


def a_copy(forge: Forge, folder: Path) -> Forge:
    """Copy a forge as it is, for a test that changes it."""
    shutil.copytree(forge.folder, folder, dirs_exist_ok=True, symlinks=True)
    copied = Forge(folder)
    _settle(copied)
    return copied


def _settle(forge: Forge) -> None:
    settings = f'[user]\nname = Test\nemail = test@example.com\n[url "{forge.origin}"]\ninsteadOf = {URL}\n'
    forge.settings.write_text(settings, "utf-8")


def _path(programs: Path) -> str:
    return os.pathsep.join((str(programs), os.environ["PATH"]))


def _local(actions: Path, action: object) -> Sequence[str]:
    name, sha = action.name, action.sha  # type: ignore[attr-defined]
    return ("--local-repository", f"{name}@{sha}={actions / name.replace('/', '-')}")


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, "utf-8")
    path.chmod(0o755)


def _action(folder: Path, script: str) -> None:
    """Write a composite action that runs a script, in a repository of its own as act wants it."""
    folder.mkdir(parents=True)
    told = {
        "NAME": "${{ inputs.name }}",
        "FROM": "${{ inputs.path }}",
        "PATTERN": "${{ inputs.pattern }}",
        "LOCK_PATH": "${{ inputs.cache-dependency-path }}",
    }
    step = {"shell": "bash", "run": script, "env": told}
    action = {
        "name": folder.name,
        "description": "a stand-in",
        "inputs": {name: {"description": name, "required": False, "default": ""} for name in _INPUTS},
        "runs": {"using": "composite", "steps": [step]},
    }
    (folder / "action.yml").write_text(json.dumps(action), "utf-8")
    done(["git", "init", "--quiet", "--initial-branch=main"], folder)
    done(["git", "add", "--all"], folder)
    done(["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", "one"], folder)


def done(command: Sequence[str | Path], folder: Path) -> str:
    """Run a command that must succeed, and return what it says."""
    finished = subprocess.run([str(p) for p in command], cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{' '.join(map(str, command))}: {finished.stdout}{finished.stderr}"
    return finished.stdout.strip()
