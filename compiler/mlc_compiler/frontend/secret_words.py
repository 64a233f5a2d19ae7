"""Tells files that may hold a secret from the others, so that few files are looked through value by value."""

from __future__ import annotations

# What any secret that `analysis.secrets` knows holds, in small letters: its issuer's mark, or the name of its field.
_MARKS = (
    "akia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "sk-", "aiza", "-----begin ", "glpat-", "eyj",
    "://", "passw", "secret_key", "api_key", "access_key", "auth_token", "private_key",
)  # fmt: skip
# What puts values together from pieces, which may be harmless each: escapes and the matrix.
_JOINTS = ("\\", "${{")


def may_hold_secret(text: str) -> bool:
    """Tell whether a mark of a secret stands in a file, or could be put together from what does."""
    lower = text.casefold()
    return any(sign in lower for sign in (*_JOINTS, *_MARKS))
