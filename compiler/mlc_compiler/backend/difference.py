"""Artifacts against the disk: which files would change, and which are not mlc's to change."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    is_inside,
    is_walked,
    join,
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
    wanted = _by_folder(artifacts)
    comparison = _Comparison(root, digests or Digests(root), read_journal(root), scope)
    for folder in sorted(comparison.folders(wanted)):
        comparison.compare(folder, wanted.get(folder, {}))
    comparison.leftovers(wanted)
    comparison.index()
    if scope is None:
        comparison.digests.keep_only(wanted)
    return comparison.changes()


def _by_folder(artifacts: Iterable[Artifact]) -> dict[str, dict[str, Artifact]]:
    folders: dict[str, dict[str, Artifact]] = defaultdict(dict)
    for artifact in artifacts:
        folder, name = split(artifact.path)
        if not is_inside(artifact.path) or name == MANIFEST_FILE:
            raise ValueError(f"an artifact may not be written to {artifact.path!r}")
        if name in folders[folder]:
            raise ValueError(f"two artifacts of {artifact.path!r}")
        folders[folder][name] = artifact
    return folders


@dataclass(frozen=True, slots=True)
class _Top:
    """What is known of the root's manifest before all other folders are."""

    entries: dict[str, Entry]
    damage: Finding | None


@dataclass(slots=True)
class _Comparison:
    """Collects the differences folder by folder."""

    root: Path
    digests: Digests
    journal: Journal
    scope: Sequence[str] | None
    found: dict[Kind, list[Change]] = field(default_factory=lambda: {"created": [], "changed": [], "deleted": []})
    unchanged: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    manifests: list[Change] = field(default_factory=list)
    kept: list[Finding] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)  # folders that the root's manifest is to list
    top: _Top = field(default_factory=lambda: _Top({}, None))
    safe: dict[str, str | None] = field(default_factory=lambda: {"": None})

    def folders(self, wanted: Mapping[str, Mapping[str, Artifact]]) -> set[str]:
        """Return the folders of the artifacts and those where orphans may be."""
        try:
            listed = read(self.root, "").folders
        except DamagedManifest:
            listed = ()  # `compare` reports it
        listed = (*listed, *(split(path)[0] for path in self.journal.digests), *self.journal.folders)
        starts = (DEPLOY_FOLDER,) if self.scope is None else tuple(self.scope)
        around = () if self.scope is None else tuple(split(path)[0] for path in self.scope)
        walked = (start for start in (*starts, *self.journal.folders) if not self.obstacle(start))
        return {"", *wanted, *listed, *around, *folders_below(self.root, walked)}

    def covers(self, path: str) -> bool:
        """Tell whether an owned file there without an artifact is an orphan."""
        if self.scope is None:
            return True
        return any(path == start or path.startswith(f"{start}/") or not start for start in self.scope)

    def compare(self, folder: str, wanted: Mapping[str, Artifact]) -> None:
        """Compare one folder's artifacts and manifest with the disk."""
        obstacle = self.obstacle(folder)
        if obstacle:
            finding = _blocked(folder, obstacle)
            for artifact in wanted.values():
                change = _change("created", artifact, None, digest(artifact.text.encode()))
                self.conflicts.append(Conflict(change, finding, forceable=False))
            return
        entries = {name: entry_of(artifact) for name, artifact in wanted.items()}
        old, damage = self.owned(folder, entries)
        for name, artifact in wanted.items():
            self.file(artifact, entries[name].digest, old.entries.get(name), damage)
        if old.entries is not entries:
            entries |= self.others(folder, entries, old)
        if not folder:
            self.top = _Top(entries, damage)  # it needs to know all other folders first
            return
        if entries and not is_walked(folder):
            self.outside.add(folder)
        if old.entries is not entries:
            self.manifest(folder, Manifest(entries), damage)

    def owned(self, folder: str, entries: Mapping[str, Entry]) -> tuple[Manifest, Finding | None]:
        """Return the folder's manifest, and what is wrong with it; the one that is to be there needs no parsing."""
        if folder and entries:
            expected, found = Manifest(entries), self.digests.find(manifest_path(folder))
            if found is None:
                return Manifest(), None
            if found == digest(render(expected).encode()):
                return expected, None
        try:
            return read(self.root, folder), None
        except DamagedManifest as damage:
            return Manifest(), damage.finding

    def others(self, folder: str, wanted: Mapping[str, Entry], old: Manifest) -> dict[str, Entry]:
        """Return the owned files that stay without an artifact, being out of scope, and delete the orphans."""
        stay = {}
        for name in old.entries.keys() - wanted.keys():
            path = join(folder, name)
            if self.covers(path):
                self.orphan(path, old.entries[name])
            else:
                stay[name] = old.entries[name]
        return stay

    def index(self) -> None:
        """Decide on the root's manifest."""
        self.manifest("", Manifest(self.top.entries, tuple(sorted(self.outside))), self.top.damage)

    def manifest(self, folder: str, manifest: Manifest, damage: Finding | None) -> None:
        """Decide on a folder's manifest; one that can't be read is not overwritten unasked."""
        path = manifest_path(folder)
        text = render(manifest) if manifest else None
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

    def file(self, artifact: Artifact, after: str, owned: Entry | None, damage: Finding | None) -> None:
        """Compare one artifact with its file."""
        path = artifact.path
        before = self.digests.find(path)
        if isinstance(before, Obstacle):
            change = _change("changed", artifact, None, after)
            self.conflicts.append(Conflict(change, _in_the_way(path, before.what), before.replaceable))
        elif before is None:
            self.found["created"].append(_change("created", artifact, None, after))
        elif before == after:
            self.unchanged.append(path)
        elif self.journal.wrote(path, before) or (owned and owned.digest == before):
            self.found["changed"].append(_change("changed", artifact, before, after))
        else:
            finding = damage or (_edited(artifact) if owned else _in_the_way(path, "a file that mlc did not write"))
            self.conflicts.append(Conflict(_change("changed", artifact, before, after), finding))

    def orphan(self, path: str, entry: Entry) -> None:
        """Delete an owned file that nothing asks for any more, if it still is what mlc wrote."""
        before = self.digests.find(path)
        if before is None:
            return
        if isinstance(before, str) and (before == entry.digest or self.journal.wrote(path, before)):
            place = (entry.target, entry.document, entry.environment, entry.model)
            self.found["deleted"].append(Change("deleted", path, before, None, None, *place))
        else:
            self.kept.append(_kept(path, entry))

    def leftovers(self, wanted: Mapping[str, Mapping[str, Artifact]]) -> None:
        """Delete what a broken-off build created, when its artifact has gone before a manifest named it."""
        seen = {change.path for change in self.found["deleted"]}
        for path in sorted(set(self.journal.digests) - seen):
            folder, name = split(path)
            if (
                name == MANIFEST_FILE
                or name in wanted.get(folder, {})
                or not self.covers(path)
                or self.obstacle(folder)
            ):
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
