"""What jobs enter with: the token that their pushes and pull requests carry, the key that signs, the registry."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Project
from mlc_targets.github_actions.workflow import Tree, runs

GITHUB_REGISTRY = "ghcr.io"
DOCKER_HUB = "docker.io"
REGISTRY_SECRETS = ("registry/username", "registry/password")
"""References of what a registry other than GitHub's is entered with."""
SIGNING_SECRET = "mlc/signing-key"  # noqa: S105  a reference
OWN_TOKEN = "${{ github.token }}"  # noqa: S105  an expression


def secret(reference: str) -> str:
    """Return the expression for a secret, given as `name/key`."""
    return f"${{{{ secrets.{conventions.secret_variable(reference)} }}}}"


def token(project: Project) -> object:
    """Return the token to write with: the App's, whose events start workflows, or else the job's own."""
    return Sourced(secret(project.app_token), project.origin.at("ci.app_token")) if project.app_token else OWN_TOKEN


def to_write(project: Project, *scopes: str) -> dict[str, str]:
    """Return the permissions of a job that writes: none but to read where the App's token does it."""
    written = () if project.app_token else scopes
    return {"contents": "read", **dict.fromkeys(written, "write")}


def signing(project: Project) -> Tree:
    """Return what a step that signs is told besides."""
    return {"MLC_SIGNING_KEY": secret(SIGNING_SECRET)} if project.signing_keys else {}


def extra(project: Project) -> str | None:
    """Return the extra that mlc needs to make and to check signatures, where there are any."""
    return "sign" if project.signing_keys else None


def log_in(project: Project) -> Tree:
    """Return the step that enters the registry."""
    hosted = registry(project) == GITHUB_REGISTRY
    username, password = ("${{ github.actor }}", OWN_TOKEN) if hosted else map(secret, REGISTRY_SECRETS)
    script = 'printf %s "$PASSWORD" | docker login "$REGISTRY" --username "$USERNAME" --password-stdin'
    told: Tree = {"PASSWORD": password, "REGISTRY": registry(project), "USERNAME": username}
    return runs("log in to the registry", script, told)


def registry(project: Project) -> str:
    """Return the host that a name without one means Docker Hub by: it has a dot, a port or is localhost."""
    host, slash, _ = (project.image_registry or "").partition("/")
    named = slash or "." in host
    return host if named and ("." in host or ":" in host or host == "localhost") else DOCKER_HUB
