"""Artifacts against the disk: which files would change, and which are not mlc's to change."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mlc_compiler.backend.changes import Change, Changes, Conflict, Kind
from mlc_compiler.backend.digests import Digests, Obstacle, digest
from mlc_compiler.backend.journal import Journal, read_journal
from mlc_compiler.backend.manifest import (
    DamagedManifest,
    Entry,
    Manifest,
    entry_of,
    folders_below,
    home,
    is_inside,
    is_walked,
    manifest_path,
    read,
    render,
    split,
)
from mlc_compiler.backend.target import Artifact
from mlc_compiler.conventions import DEPLOY_FOLDER, MANIFEST_FILE
from mlc_compiler.diagnostics import Finding, Severity, Span


def diff(
    root: Path, artifacts: Iterable[Artifact], digests: Digests | None = None, scope: Sequence[str] | None = None
) -> Changes:
    """Return how `artifacts` differ from what is below `root`. Nothing is written.

    `digests` spares reading files whose stat is known. `scope` lists the paths, each with all below it, that the
    artifacts are complete for: only there is an owned file without an artifact an orphan; None means everywhere.
    Raises ValueError for two artifacts of one path or a path that leaves the root, which are bugs of a target.
    """
    wanted = _by_home(artifacts)
    comparison = _Comparison(root, digests or Digests(root), read_journal(root), scope, wanted)
    folders = sorted(comparison.folders())
    for folder in folders:
        comparison.take_up(folder)
    for folder in wanted:
        comparison.files(folder)
    comparison.orphans()
    comparison.leftovers()
    comparison.manifests_of(folders)
    if scope is None:
        comparison.digests.keep_only({*comparison.paths, *map(manifest_path, ("", *wanted))})
    return comparison.changes()


def _by_home(artifacts: Iterable[Artifact]) -> dict[str, dict[str, Artifact]]:
    """Return the artifacts by path, by the folders whose manifests are to hold them."""
    found: dict[str, dict[str, Artifact]] = defaultdict(dict)
    paths: set[str] = set()
    for artifact in artifacts:
        path = artifact.path
        if not is_inside(path) or split(path)[1] == MANIFEST_FILE:
            raise ValueError(f"an artifact may not be written to {path!r}")
        if path in paths:
            raise ValueError(f"two artifacts of {path!r}")
        paths.add(path)
        found[home(path, artifact.environment, artifact.model)][path] = artifact
    return found


class _Comparison:
    """Collects the differences: what the manifests say, then files, orphans, and the manifests themselves."""

    def __init__(
        self,
        root: Path,
        digests: Digests,
        journal: Journal,
        scope: Sequence[str] | None,
        wanted: Mapping[str, Mapping[str, Artifact]],
    ) -> None:
        self.root = root
        self.digests = digests
        self.journal = journal
        self.scope = scope
        self.wanted = wanted
        self.paths = frozenset(path for artifacts in wanted.values() for path in artifacts)
        self.entries = {f: {p: entry_of(a) for p, a in artifacts.items()} for f, artifacts in wanted.items()}
        self.as_wanted: set[str] = set()  # folders whose manifest is the one that is to be there
        self.damaged: dict[str, Finding] = {}
        self.claims: dict[str, dict[str, Entry]] = defaultdict(dict)  # of the other manifests: path -> folder -> entry
        self.found: dict[Kind, list[Change]] = {"created": [], "changed": [], "deleted": []}
        self.unchanged: list[str] = []
        self.conflicts: list[Conflict] = []
        self.manifests: list[Change] = []
        self.kept: list[Finding] = []
        self.safe: dict[str, str | None] = {"": None}

    def folders(self) -> set[str]:
        """Return the folders whose manifests hold the artifacts, and those where orphans may be owned."""
        try:
            listed = read(self.root, "").folders
        except DamagedManifest:
            listed = ()  # `take_up` reports it
        listed = (*listed, *(split(path)[0] for path in self.journal.digests), *self.journal.folders)
        starts = {DEPLOY_FOLDER} if self.scope is None else {s for path in self.scope for s in self.owners(path)}
        around = () if self.scope is None else tuple(split(path)[0] for path in self.scope)
        walked = (start for start in (*starts, *self.journal.folders) if not self.obstacle(start))
        return {"", *self.wanted, *listed, *around, *folders_below(self.root, walked)}

    def owners(self, start: str) -> tuple[str, ...]:
        """Return where manifests may stand that own orphans at or below a path of the scope."""
        if start in self.paths:
            return ()
        if is_walked(start):
            return ("/".join(start.split("/")[:2]),)
        return DEPLOY_FOLDER, start

    def covers(self, path: str) -> bool:
        """Tell whether an owned file there without an artifact is an orphan."""
        if self.scope is None:
            return True
        return any(path == start or path.startswith(f"{start}/") or not start for start in self.scope)

    def take_up(self, folder: str) -> None:
        """Take up what a folder's manifest says; the one that is to be there needs no parsing."""
        if self.obstacle(folder):
            return
        entries = self.entries.get(folder)
        if folder and entries:
            found = self.digests.find(manifest_path(folder))
            if found is None:
                return
            if found == digest(render(folder, Manifest(entries)).encode()):
                self.as_wanted.add(folder)
                return
        try:
            for path, entry in read(self.root, folder).entries.items():
                self.claims[path][folder] = entry
        except DamagedManifest as damage:
            self.damaged[folder] = damage.finding

    def files(self, folder: str) -> None:
        """Compare the files that a folder's manifest is to hold."""
        for path, artifact in self.wanted[folder].items():
            above, entry = split(path)[0], self.entries[folder][path]
            blocked = next((f for f in (above, folder) if self.obstacle(f)), None)
            if blocked is not None:
                change = _change("created", artifact, None, entry.digest)
                finding = _blocked(blocked, self.obstacle(blocked) or "")
                self.conflicts.append(Conflict(change, finding, forceable=False))
                continue
            claims = (entry,) if folder in self.as_wanted else self.claims.get(path, {}).values()
            damage = self.damaged.get(folder) or self.damaged.get(above)
            self.file(artifact, entry.digest, tuple(claim.digest for claim in claims), damage)

    def orphans(self) -> None:
        """Delete the owned files that nothing asks for any more."""
        for path in sorted(self.claims.keys() - self.paths):
            if self.covers(path) and not self.obstacle(split(path)[0]):
                self.orphan(path, tuple(self.claims[path].values()))

    def manifests_of(self, folders: Iterable[str]) -> None:
        """Decide on the manifests; those of folders outside `deploy/` are listed in the root's."""
        stay: dict[str, dict[str, Entry]] = defaultdict(dict)
        for path in self.claims.keys() - self.paths:
            if not self.covers(path):
                for folder, entry in self.claims[path].items():
                    stay[folder][path] = entry
        outside = []
        for folder in folders:
            entries = {**self.entries.get(folder, {}), **stay[folder]}
            if self.obstacle(folder) or not folder:
                continue
            if entries and not is_walked(folder):
                outside.append(folder)
            if folder not in self.as_wanted:
                self.manifest(folder, Manifest(entries))
        self.manifest("", Manifest({**self.entries.get("", {}), **stay[""]}, tuple(outside)))

    def manifest(self, folder: str, manifest: Manifest) -> None:
        """Decide on a folder's manifest; one that can't be read is not overwritten unasked."""
        path, damage = manifest_path(folder), self.damaged.get(folder)
        text = render(folder, manifest) if manifest else None
        before, after = self.digests.find(path), digest(text.encode()) if text else None
        if isinstance(before, Obstacle):
            finding = damage or _in_the_way(path, before.what)
            change = Change("changed" if text else "deleted", path, None, after, text)
            self.conflicts.append(Conflict(change, finding, before.replaceable))
        elif before != after:
            kind: Kind = "created" if before is None else "deleted" if after is None else "changed"
            change = Change(kind, path, before, after, text)
            if damage:
                self.conflicts.append(Conflict(change, damage))
            else:
                self.manifests.append(change)

    def file(self, artifact: Artifact, after: str, owned: Sequence[str], damage: Finding | None) -> None:
        """Compare one artifact with its file; `owned` are the digests that manifests know it by."""
        path = artifact.path
        before = self.digests.find(path)
        if isinstance(before, Obstacle):
            change = _change("changed", artifact, None, after)
            self.conflicts.append(Conflict(change, _in_the_way(path, before.what), before.replaceable))
        elif before is None:
            self.found["created"].append(_change("created", artifact, None, after))
        elif before == after:
            self.unchanged.append(path)
        elif self.journal.wrote(path, before) or before in owned:
            self.found["changed"].append(_change("changed", artifact, before, after))
        else:
            finding = damage or (_edited(artifact) if owned else _in_the_way(path, "a file that mlc did not write"))
            self.conflicts.append(Conflict(_change("changed", artifact, before, after), finding))

    def orphan(self, path: str, claims: Sequence[Entry]) -> None:
        """Delete an owned file, if it still is what mlc wrote."""
        before, entry = self.digests.find(path), claims[0]
        if before is None:
            return
        if isinstance(before, str) and (before in [e.digest for e in claims] or self.journal.wrote(path, before)):
            place = (entry.target, entry.document, entry.environment, entry.model)
            self.found["deleted"].append(Change("deleted", path, before, None, None, *place))
        else:
            self.kept.append(_kept(path, entry))

    def leftovers(self) -> None:
        """Delete what a broken-off build created, when its artifact has gone before a manifest named it."""
        seen = {change.path for change in self.found["deleted"]} | self.paths
        for path in sorted(self.journal.digests.keys() - seen):
            folder, name = split(path)
            if name == MANIFEST_FILE or not self.covers(path) or self.obstacle(folder):
                continue
            before = self.digests.find(path)
            if isinstance(before, str) and self.journal.wrote(path, before):
                self.found["deleted"].append(Change("deleted", path, before, None))

    def obstacle(self, folder: str) -> str | None:
        """Return why nothing may be written into a folder: a part of it is a file, or a link out of the project."""
        if folder in self.safe:
            return self.safe[folder]
        reason = self.obstacle(split(folder)[0]) or _folder_obstacle(self.root, folder)
        self.safe[folder] = reason
        return reason

    def changes(self) -> Changes:
        found = {kind: tuple(sorted(changes, key=lambda c: c.path)) for kind, changes in self.found.items()}
        return Changes(
            found["created"],
            found["changed"],
            found["deleted"],
            tuple(sorted(self.unchanged)),
            tuple(sorted(self.conflicts, key=lambda c: c.change.path)),
            tuple(sorted(self.manifests, key=lambda c: c.path)),
            tuple(self.kept),
        )


def _change(kind: Kind, artifact: Artifact, before: str | None, after: str) -> Change:
    return Change(
        kind, artifact.path, before, after, artifact.text,
        artifact.target, artifact.origin.document, artifact.environment, artifact.model,
    )  # fmt: skip


def _folder_obstacle(root: Path, folder: str) -> str | None:
    try:
        mode = os.lstat(root / folder).st_mode
    except OSError:
        return None  # missing; what else is wrong shows when it is written
    if stat.S_ISDIR(mode):
        return None
    if not stat.S_ISLNK(mode):
        return f"`{folder}` is a file"
    if not (root / folder).is_dir():
        return f"`{folder}` is a symbolic link to no folder"
    inside = (root / folder).resolve().is_relative_to(root.resolve())
    return None if inside else f"`{folder}` is a symbolic link that leaves the project"


def _at(path: str) -> Span:
    return Span(path, 1, 1, 1, 1)


def _edited(artifact: Artifact) -> Finding:
    path, document = artifact.path, artifact.origin.document
    message = f"`{path}` was edited by hand since mlc wrote it, and would be overwritten"
    mend = (
        f"make the change in {document}, or as a patch of the environment; "
        "then throw the edit away with `git checkout` or `mlc build --force`"
    )
    return Finding("MLC950", message, _at(path), f"generated from {document}", (), mend)


def _in_the_way(path: str, what: str) -> Finding:
    message = f"`{path}` is to be written, but {what} is there"
    mend = "move it away, or let `mlc build --force` replace it where it is a file or a link"
    return Finding("MLC951", message, _at(path), "mlc replaces only what its manifests say it wrote", (), mend)


def _blocked(folder: str, reason: str) -> Finding:
    message = f"nothing can be written into `{folder}`: {reason}"
    mend = "make it a folder of the project"
    return Finding("MLC956", message, _at(folder), "generated files stay inside the project", (), mend)


def _kept(path: str, entry: Entry) -> Finding:
    message = f"`{path}` is no longer generated, but was edited by hand; it is kept and is yours from now on"
    note = f"it was generated from {entry.document}"
    mend = "delete it, or keep it: mlc does not look at it again"
    return Finding("MLC957", message, _at(path), note, (), mend, Severity.WARNING)
