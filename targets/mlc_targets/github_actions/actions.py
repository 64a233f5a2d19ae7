"""Actions that the workflows use, each at the commit that a release of it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from mlc_compiler.backend.target import Artifact
from mlc_compiler.ir import Action, Project

ACTIONS = (
    Action("actions/checkout", "3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    Action("actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"),
    Action("actions/setup-python", "5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    Action("actions/upload-artifact", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"),
)
"""What `mlc lock` writes down: a tag can be moved to other code, a commit cannot."""

_USES = re.compile(r"^( *(?:- )?uses: ([^@\s]+)@[0-9a-f]{40})$", re.MULTILINE)


def pinned_actions(project: Project) -> dict[str, Action]:
    """Return the actions by name: the lock's, or those that this mlc was tried with."""
    return {action.name: action for action in (*ACTIONS, *project.lock.actions)}


def with_versions(artifact: Artifact, actions: Mapping[str, Action]) -> Artifact:
    """Return the artifact with the version behind each pinned action, for people and for what updates them."""
    return replace(artifact, text=_USES.sub(lambda found: f"{found[1]} # {actions[found[2]].version}", artifact.text))
