"""Target `github-actions`: the workflows that check pull requests and release what main says."""

from mlc_targets.github_actions.emit import TARGET

__all__ = ["TARGET"]
