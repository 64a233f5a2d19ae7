"""Two locks that grew apart, brought together entry by entry, where git sees only lines that meet."""

from __future__ import annotations

from collections.abc import Mapping

from mlc_compiler.frontend.lock import SECTIONS, LockFile

Entries = Mapping[str, object]


def merge_locks(base: LockFile, ours: LockFile, theirs: LockFile) -> tuple[LockFile, tuple[str, ...]]:
    """Return the lock with what either side changed since `base`, and what both changed, as section and name.

    Where both did, ours stays.

    >>> one, other = LockFile(images={"a": "1"}), LockFile(images={"b": "1"})
    >>> merge_locks(LockFile(), one, other)[0].images
    {'a': '1', 'b': '1'}
    """
    sections, met = {}, []
    for name in SECTIONS:
        sections[name], both = _merged(*(getattr(lock, name) for lock in (base, ours, theirs)))
        met += [f"{name}/{entry}" for entry in both]
    mlc, both = _merged({"mlc": base.mlc}, {"mlc": ours.mlc}, {"mlc": theirs.mlc})
    return LockFile(mlc=str(mlc["mlc"]), **sections), (*both, *met)  # type: ignore[arg-type]  # as the sides have them


def _merged(base: Entries, ours: Entries, theirs: Entries) -> tuple[dict[str, object], tuple[str, ...]]:
    found, met = {}, []
    for name in sorted(ours.keys() | theirs.keys()):
        before, one, other = (side.get(name) for side in (base, ours, theirs))
        if one != other and before not in (one, other):
            met.append(name)
        chosen = other if one == before else one
        if chosen is not None:
            found[name] = chosen
    return found, tuple(met)
