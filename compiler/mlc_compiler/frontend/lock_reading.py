"""Reads mlc.lock as untrusted text: what can't be used is a finding on its line that says how to mend it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlc_compiler import __version__
from mlc_compiler.conventions import LOCK_FILE
from mlc_compiler.diagnostics import Sink, Span
from mlc_compiler.frontend.lock import FORMAT, SECTIONS, LockFile, conflict_marker, minor

OPTIONAL = ("models",)  # locks of the first projects have none
Json = Mapping[str, Any]
"""An entry as it was read: `Any`, since nothing of it has been checked."""
_MOST_CHARACTERS = 256 * 2**20
_FOLDS = ("train", "validation", "test")
# What goes into requirements, Dockerfiles and workflows as it stands: nothing in it may end a line or add an option.
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_UNREADABLE = "the lock can't be read: it is cut short or was edited by hand"
_RESTORE = "restore it from git, or delete it and run `mlc lock`"


class _WrongEntry(ValueError):
    """An entry that is not what `mlc lock` writes: its section and name, and what is wrong with it."""

    def __init__(self, section: str, name: str, what: str) -> None:
        super().__init__(what)
        self.section, self.name, self.what = section, name, what


class _KeyTwice(ValueError):
    """A key that stands twice in one object, as a merge of two branches may leave it."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def parse_lock(text: str, sink: Sink) -> LockFile:
    """Return the lock, or an empty one with a finding when the text can't be used."""
    marker = conflict_marker(text)
    if marker is not None:
        where = Span(LOCK_FILE, marker, 1, marker, 8)
        help = "run `mlc lock --merge` in the merge, or take either side and run `mlc lock`"
        sink.error("MLC902", where, "the lock holds conflict markers", help=help)
        return LockFile()
    other = ""
    try:
        value = _loaded(text)
        other = _other_version(value)
        lock = LockFile(_version(value["mlc"]), **{s: _section(value, s) for s in SECTIONS})
        _check_entries(lock)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if not other:
            _report(text, error, sink)
            return LockFile()
        lock = LockFile()  # another version's entries may be of other forms: that they are its own is what is wrong
    if other:
        message = f"the lock was written by mlc {other}, this is mlc {__version__}"
        help = f"run `mlc lock --upgrade` to move to {minor(__version__)}, or install mlc {minor(other)}"
        sink.error("MLC903", Span(LOCK_FILE, 1, 1, 1, 1), message, help=help)
    return lock


def parse_known_lock(text: str, sink: Sink) -> LockFile:
    """Return a lock that was read before without a finding: a third of what it takes to hold each entry to its form."""
    try:
        value = json.loads(text)
        return LockFile(value["mlc"], **{section: value.get(section, {}) for section in SECTIONS})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # it changed this moment
        return parse_lock(text, sink)


def _other_version(value: Mapping[str, Any]) -> str:
    """Return the version of mlc that a lock is of, where it is another; nothing where it is this one."""
    version = _version(value["mlc"])
    return version if value.get("format") != FORMAT or minor(version) != minor(__version__) else ""


def _loaded(text: str) -> dict[str, Any]:
    if len(text) > _MOST_CHARACTERS:
        raise ValueError("too large")
    value: dict[str, Any] = json.loads(text, object_pairs_hook=_object, parse_constant=_not_a_number)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        raise _KeyTwice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]  # adds
    return value


def _not_a_number(text: str) -> float:
    raise ValueError(text)


def _section(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name, {}) if name in OPTIONAL else value[name]
    if not isinstance(found, dict):
        raise _WrongEntry(name, "", "it is no mapping")
    return found


# --- findings --------------------------------------------------------------------------------------------------------
def _report(text: str, error: Exception, sink: Sink) -> None:
    if isinstance(error, _WrongEntry):
        line = _line_of(text, error.section, error.name)
        name = f"`{error.name}` of {error.section}" if error.name else f"`{error.section}`"
        message, mend = f"the lock's entry {name} is not what `mlc lock` writes: {error.what}", _mend(error)
    elif isinstance(error, _KeyTwice):
        line = _second(text, error.key)
        message, mend = f"the lock holds `{error.key}` twice", "keep one of the two, then run `mlc lock`"
    else:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        message, mend = _UNREADABLE, _RESTORE
    sink.error("MLC902", Span(LOCK_FILE, line, 1, line, 1), message, help=mend)


def _mend(error: _WrongEntry) -> str:
    """Return what mends an entry: the lock can't be read while it is there, so that it has to go first."""
    if error.section in ("datasets", "models") and error.name:
        return f"restore the entry from git, or delete it and run `mlc lock -s {error.section[:-1]}:{error.name}`"
    return _RESTORE


def _line_of(text: str, section: str, name: str) -> int:
    """Return the line of an entry's key, the section's where it is not found."""
    start = text.find(f'"{section}"')
    found = text.find(f"{json.dumps(name)}:", max(start, 0)) if name else -1
    return text.count("\n", 0, max(found, start, 0)) + 1


def _second(text: str, key: str) -> int:
    """Return the line where a key stands again at the same depth of indentation."""
    places: dict[str, int] = {}
    for match in re.finditer(rf"(?m)^( *){re.escape(json.dumps(key))}:", text):
        if match[1] in places:
            return text.count("\n", 0, match.start()) + 1
        places[match[1]] = match.start()
    return 1


# --- entries ---------------------------------------------------------------------------------------------------------
def _check_entries(lock: LockFile) -> None:
    """Raise for the first entry that lacks what builds and analyses read, or holds it as another type."""
    for section, check in (("datasets", _dataset), ("models", _model), ("actions", _action)):
        for name, entry in getattr(lock, section).items():
            _checked(section, name, entry, check)
    for section in ("images", "packages"):
        for name, pinned in getattr(lock, section).items():
            wanted, what = (_DIGEST, "sha256 digest") if section == "images" else (_VERSION, "version")
            if not isinstance(pinned, str) or not wanted.fullmatch(pinned) or not _NAME.fullmatch(name):
                raise _WrongEntry(section, name, f"it is no {what}" if _NAME.fullmatch(name) else "its name is none")


def _version(value: object) -> str:
    if not isinstance(value, str) or not re.match(r"\d+\.\d+", value):
        raise _WrongEntry("mlc", "", "it is no version")
    return value


def _checked(section: str, name: str, entry: Json, check: Callable[[Json], None]) -> None:
    try:
        check(entry)
    except KeyError as error:
        raise _WrongEntry(section, name, f"it has no `{error.args[0]}`") from error
    except (TypeError, AttributeError, IndexError) as error:
        raise _WrongEntry(section, name, "it is of another type") from error
    except ValueError as error:
        raise _WrongEntry(section, name, str(error)) from error


def _dataset(entry: Mapping[str, Any]) -> None:
    _text(entry, "digest", _DIGEST, "sha256 digest")
    _counts(_mapping(entry.get("files", {})), entry.get("files", {}))
    _counts(entry, ("rows",))
    for column in _mapping(entry["columns"]).values():
        _counts(column, [key for key in ("nulls", "distinct") if key in column])
        categories = column.get("categories", {})
        _counts(categories, categories)


def _action(entry: Mapping[str, Any]) -> None:
    _text(entry, "sha", _COMMIT, "commit")
    _text(entry, "version", _VERSION, "version")


def _model(entry: Mapping[str, Any]) -> None:
    _text(entry, "of")
    _counts(entry, ("rows", "mature"))
    _numbers(entry, ("per_day",))
    _numbers(_mapping(entry["label_delay"]), entry["label_delay"])
    for fold in _FOLDS:
        _sample(entry["folds"][fold])
    for groups in _mapping(entry["groups"]).values():
        for group in _mapping(groups).values():
            _sample(group)


def _sample(entry: Mapping[str, Any]) -> None:
    """Check rows of a fold or group: parts are counts of at most the rows, the others finite numbers."""
    parts = [key for key in ("days", "positives", "blocks") if key in entry]
    _counts(entry, ("rows", *parts))
    for key in parts:
        if entry[key] > entry["rows"]:
            raise ValueError(f"`{key}` {entry[key]:,} is more than its {entry['rows']:,} rows")
    _numbers(entry, [key for key in ("mean", "std", "icc") if entry.get(key) is not None])
    classes = entry.get("classes", {})
    _counts(classes, classes)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _text(entry: Mapping[str, Any], key: str, form: re.Pattern[str] | None = None, what: str = "text") -> None:
    if not isinstance(entry[key], str) or (form and not form.fullmatch(entry[key])):
        raise ValueError(f"`{key}` is no {what}")


def _counts(entry: Mapping[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        if type(entry[key]) is not int or entry[key] < 0:
            raise ValueError(f"`{key}` is no count")


def _numbers(entry: Mapping[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        if type(entry[key]) not in (int, float) or abs(entry[key]) == float("inf"):
            raise ValueError(f"`{key}` is no number")
