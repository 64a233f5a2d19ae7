"""Whether a change both pins versions and moves the measure that they are judged by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlc_compiler.conventions import PROJECT_FILE
from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.gitops.integrity import Committed

_MEASURES = ("tracks", "promoted_from", "requires", "freezes")


def check_measures(
    before: Committed,
    after: Committed,
    environments: Mapping[str, Place],
    pinned: Iterable[str],
    key_files: Iterable[str],
) -> Iterator[Finding]:
    """Yield the environments, given with their places, that are pinned anew while what they require changes."""
    changed = after.repository.changed(before.revision, after.revision, (".",))
    paths = [path for path in changed if path.endswith((".yaml", ".yml"))]
    old, new = _documents(before, paths), _documents(after, paths)
    wanted = sorted(set(pinned))
    for name in wanted:
        then, now = old.get(("Environment", name)), new.get(("Environment", name))
        moved = [m for m in _MEASURES if then is not None and then.get(m) != (now or {}).get(m)]
        if moved and name in environments:
            said = f"`{moved[0]}` of {name} changes together with a pin of it"
            yield Finding("MLC946", said, environments[name].at("spec", moved[0]), help=_APART)
    if wanted and (_keys(old) != _keys(new) or set(key_files) & set(changed)):
        said = "the keys that sign change together with a pin"
        yield Finding("MLC946", said, Place(PROJECT_FILE).at("spec", "signing"), help=_APART)


_APART = "change it in a pull request of its own, and promote after that"


def _documents(held: Committed, paths: Iterable[str]) -> dict[tuple[str, str], Mapping[str, object]]:
    found: dict[tuple[str, str], Mapping[str, object]] = {}
    for path in paths:
        text = held.read(path)
        for document in load(path, text.encode(), Sink()) if text is not None else ():
            value = document.value if isinstance(document.value, dict) else {}
            metadata, spec = value.get("metadata"), value.get("spec")
            if isinstance(metadata, dict) and isinstance(spec, dict):
                found[str(value.get("kind")), str(metadata.get("name"))] = spec
    return found


def _keys(documents: Mapping[tuple[str, str], Mapping[str, object]]) -> object:
    return next((spec.get("signing") for (kind, _), spec in documents.items() if kind == "Project"), None)
