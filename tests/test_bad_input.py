"""Broken, hostile and absurd projects: each ends in a finding and exit code 1, none in a traceback or a long wait."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mlc_compiler import __version__
from mlc_compiler.frontend.lock import lock_text
from specs_on_disk import DIGEST, Outcome, a_lock, a_project_on_disk, changed, mlc

PIN = f"version: {DIGEST}\nartifact: {DIGEST}\nimage: ghcr.io/acme/late:1\nsnapshot: {DIGEST}\n"
SNAPSHOT = f"environments/snapshots/late/{DIGEST[7:19]}.json"
PINNED = {"environments/staging/late.yaml": PIN}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_project_on_disk(tmp_path / "tiny")


@pytest.fixture
def validate(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Validate:
    return Validate(root, capsys, monkeypatch)


class Validate:
    """Runs `mlc validate` and expects one code among its errors."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.capsys, self.monkeypatch = root, capsys, monkeypatch

    def run(self, command: str = "validate") -> Outcome:
        return mlc(command, self.root, self.capsys, self.monkeypatch)

    def refuses(self, code: str) -> None:
        outcome = self.run()
        assert f"error[{code}]" in outcome.err, outcome.text
        assert outcome.code == 1

    def refuses_files(self, files: dict[str, str | bytes] | dict[str, str] | dict[str, bytes], code: str) -> None:
        for path, content in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        self.refuses(code)


# --- no project ------------------------------------------------------------------------------------------------------
def test_an_empty_folder_is_no_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("validate", "plan", "build", "graph", "lock", "run", "show late", "release late -e staging"):
        outcome = mlc(command, tmp_path, capsys, monkeypatch)
        assert (outcome.code, "error[MLC201]" in outcome.err) == (1, True), command


def test_a_project_file_that_is_a_folder_is_no_project(root: Path, validate: Validate) -> None:
    (root / "mlc.yaml").unlink()
    (root / "mlc.yaml").mkdir()
    validate.refuses("MLC201")


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n---\n", "null\n", "[]\n", "just words\n", "\x00"])
def test_a_project_file_without_a_project_is_told(text: str, validate: Validate) -> None:
    outcome_code = {"[]\n": "MLC202", "just words\n": "MLC202", "\x00": "MLC003"}.get(text, "MLC202")
    validate.refuses_files({"mlc.yaml": text}, outcome_code)


# --- files that can't be read ----------------------------------------------------------------------------------------
def test_a_folder_named_like_a_spec_is_told(root: Path, validate: Validate) -> None:
    (root / "specs" / "gate.yaml").unlink()
    (root / "specs" / "gate.yaml").mkdir()
    validate.refuses("MLC212")


def test_a_link_to_nowhere_and_one_to_itself_are_told(root: Path, validate: Validate) -> None:
    (root / "specs" / "lost.yaml").symlink_to("nowhere.yaml")
    (root / "specs" / "self.yaml").symlink_to("self.yaml")
    assert validate.run().err.count("error[MLC212]") == 2


def test_a_pipe_named_like_a_spec_does_not_hang(root: Path, validate: Validate) -> None:
    os.mkfifo(root / "specs" / "pipe.yaml")
    validate.refuses("MLC212")


def test_folders_that_link_in_a_circle_are_read_once(root: Path, validate: Validate) -> None:
    (root / "specs" / "again").symlink_to(root / "specs", target_is_directory=True)
    assert validate.run().code == 0


def test_a_name_that_is_no_unicode_is_answered(root: Path, validate: Validate) -> None:
    try:
        Path(os.fsdecode(os.fsencode(root / "specs") + b"/\xff\xfe.yaml")).write_text("kind: Gat\n", "utf-8")
    except OSError:
        pytest.skip("the file system takes no such name")
    assert validate.run().code == 1


# --- texts that are no YAML, or too much of it -----------------------------------------------------------------------
@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: \xe9\n", "kind: Gate".encode("utf-16"), b"\x80" * 1000])
def test_bytes_that_are_no_utf_8_are_told(content: bytes, validate: Validate) -> None:
    validate.refuses_files({"specs/gate.yaml": content}, "MLC002")


def test_ten_megabytes_are_refused_unread(validate: Validate) -> None:
    validate.refuses_files({"specs/gate.yaml": b"- {a: 1}\n" * 1_100_000}, "MLC012")


@pytest.mark.parametrize(
    "text", ["[" * 1000, "{a: " * 1000, "- " * 1000 + "a", "? " * 1000, "a: " + "[" * 1000 + "]" * 1000]
)
def test_a_thousand_levels_are_refused(text: str, validate: Validate) -> None:
    outcome_codes = ("MLC011", "MLC001")
    (validate.root / "specs" / "gate.yaml").write_text(text, "utf-8")
    outcome = validate.run()
    assert outcome.code == 1
    assert any(code in outcome.err for code in outcome_codes)


def test_an_anchor_bomb_is_defused(validate: Validate) -> None:
    levels = ["x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    levels += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    validate.refuses_files({"specs/gate.yaml": "kind: Gate\n" + "\n".join(levels) + "\nspec: *a11\n"}, "MLC010")


def test_an_anchor_that_holds_itself_is_told(validate: Validate) -> None:
    validate.refuses_files({"specs/gate.yaml": "kind: Gate\nmetadata: &m {name: g, x-me: *m}\nspec: {}\n"}, "MLC009")


def test_a_matrix_of_a_million_documents_is_refused(validate: Validate) -> None:
    lists = ", ".join(f"k{n}: [{', '.join(map(str, range(100)))}]" for n in range(3))
    name = "-".join(f"${{{{ matrix.k{n} }}}}" for n in range(3))
    text = f"kind: Gate\nmetadata: {{name: '{name}', matrix: {{{lists}}}}}\nspec: {{}}\n"
    validate.refuses_files({"specs/gate.yaml": text}, "MLC110")


# --- circles ---------------------------------------------------------------------------------------------------------
def test_an_environment_promoted_from_itself_is_a_circle(validate: Validate) -> None:
    validate.refuses_files(
        changed("specs/environments.yaml", "promoted_from: staging", "promoted_from: prod"), "MLC209"
    )


def test_a_dataset_that_queries_itself_is_a_circle(validate: Validate) -> None:
    text = "kind: Dataset\nmetadata: {name: extra}\nspec:\n  source: {format: query, query: SELECT 1 AS a FROM extra}\n"
    validate.refuses_files({"specs/extra.yaml": f"{text}  columns: {{a: {{type: int64}}}}\n"}, "MLC209")


def test_a_feature_that_uses_itself_is_a_circle(validate: Validate) -> None:
    validate.refuses_files(changed("specs/features.yaml", "planes.year", "built"), "MLC307")


# --- names and texts that want to be something else ------------------------------------------------------------------
HOSTILE = ("../../etc/passwd", "$(id)", "a; rm -rf /", "a b", "`id`", "-rf", "A", "a/b", "a\\nb", "${IFS}", "a'b", "")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_dns_labels(name: str, validate: Validate) -> None:
    for path, old in (
        ("mlc.yaml", "name: tiny"),
        ("specs/model.yaml", "name: late"),
        ("specs/data.yaml", "name: flights"),
    ):
        outcome = _with(validate, changed(path, old, f'name: "{name}"'))
        assert (outcome.code, "error[MLC105]" in outcome.err) == (1, True), path


def _with(validate: Validate, files: dict[str, str]) -> Outcome:
    kept = {path: (validate.root / path).read_text("utf-8") for path in files}
    for path, text in files.items():
        (validate.root / path).write_text(text, "utf-8")
    outcome = validate.run()
    for path, text in kept.items():
        (validate.root / path).write_text(text, "utf-8")
    return outcome


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("mlc.yaml", "spec: {", 'spec: {specs: ["../.."], '),
        ("mlc.yaml", "spec: {", "spec: {specs: [/etc], "),
        ("mlc.yaml", "spec: {", 'spec: {image_registry: "ghcr.io/$(id)", '),
        ("mlc.yaml", "spec: {", 'spec: {image_registry: "ghcr.io/a\\nRUN id", '),
        ("mlc.yaml", "spec: {", 'spec: {ci: {python: "3.11; id"}, '),
        ("mlc.yaml", "spec: {", 'spec: {ci: {default_branch: "main; id"}, '),
        ("mlc.yaml", "spec: {", 'spec: {ci: {default_branch: "a..b"}, '),
        ("mlc.yaml", "spec: {", 'spec: {ci: {app_token: {secret: "a b"}}, '),
        ("mlc.yaml", "spec: {", 'spec: {timezone: "../../etc/passwd", '),
        ("mlc.yaml", "spec: {", "spec: {timezone: America, "),
        ("specs/data.yaml", "data/flights.parquet", "data/../../x"),
        ("specs/data.yaml", "data/flights.parquet", '"/etc/passwd"'),
        ("specs/data.yaml", "data/flights.parquet", '"~/x"'),
        ("specs/model.yaml", "  estimator", '  code: ["../**"]\n  estimator'),
        ("specs/model.yaml", "  estimator", '  train: {requirements: ["--index-url=http://x"]}\n  estimator'),
        ("specs/model.yaml", "  estimator", '  train: {requirements: ["a; id"]}\n  estimator'),
        ("specs/environments.yaml", "namespace: ml-prod", "namespace: ../prod"),
        ("specs/environments.yaml", "namespace: ml-prod", 'namespace: ml-prod, ingress: {host: "a b"}'),
        ("specs/environments.yaml", "namespace: ml-prod", 'namespace: ml-prod, ingress: {gateway: "a/b/c"}'),
        (
            "specs/environments.yaml",
            "namespace: ml-prod",
            'namespace: ml-prod, requires: {approvals: [{team: "ops\\n* @me"}]}',
        ),
        ("specs/features.yaml", "window: 24h", "window: 99999999999999999999d"),
        ("specs/features.yaml", "window: 24h", "window: -1d"),
    ],
)
def test_texts_that_others_read_have_a_form(path: str, old: str, new: str, validate: Validate) -> None:
    validate.refuses_files(changed(path, old, new), "MLC105")


@pytest.mark.parametrize("name", ["../late", "late; id", "[", "[!", "*[", "", "../*"])
def test_references_reach_documents_only(name: str, validate: Validate) -> None:
    outcome = _with(validate, changed("specs/gate.yaml", "model: late", f'model: "{name}"'))
    assert outcome.code == 1
    assert any(f"error[{code}]" in outcome.err for code in ("MLC204", "MLC205", "MLC106"))


EXPRESSIONS = {
    *("(" * 500, "distance" + " + 1" * 3000, "'''", "1; DROP TABLE x", "read_csv('/etc/passwd')", "distance -- x"),
    *("\\x00", "a." * 200, "(SELECT 1)", "distance > ALL (SELECT 1)", "getenv('HOME')", "1" * 400, "{'a': 1}"),
}


@pytest.mark.parametrize("text", sorted(EXPRESSIONS))
def test_expressions_are_values_of_rows(text: str, validate: Validate) -> None:
    outcome = _with(validate, changed("specs/features.yaml", "planes.year", f'"{text}"'))
    assert outcome.code == 1, outcome.text
    expected = ("MLC106", "MLC301", "MLC304", "MLC305", "MLC306")
    assert any(f"error[{code}]" in outcome.err for code in expected), outcome.text


@pytest.mark.parametrize(
    "query", ["SELECT * FROM '/etc/passwd'", "DROP TABLE flights", "SELECT 1; SELECT 2", "", "SELEC", "(" * 300]
)
def test_queries_read_datasets_only(query: str, validate: Validate) -> None:
    source = f"format: query, query: {json.dumps(query)}"
    outcome = _with(validate, changed("specs/data.yaml", "format: csv, path: data/planes.csv", source))
    assert outcome.code == 1
    assert "internal error" not in outcome.err


# --- what git keeps beside the specs ---------------------------------------------------------------------------------
LOCK = lock_text(a_lock())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MLC902"),
        ("null", "MLC902"),
        ("[]", "MLC902"),
        ("{}", "MLC902"),
        ("[" * 100_000, "MLC902"),
        (LOCK[: len(LOCK) // 2], "MLC902"),
        (LOCK.replace('"rows": 1000', '"rows": "many"', 1), "MLC902"),
        (LOCK.replace('"digest"', '"digset"', 1), "MLC902"),
        (LOCK.replace('"actions": {', '"actions": {"a/b": "v1"'), "MLC902"),
        (f"<<<<<<< ours\n{LOCK}=======\n{LOCK}>>>>>>> theirs\n", "MLC902"),
        (LOCK.replace(f'"mlc": "{__version__}"', '"mlc": "99.1.0"'), "MLC903"),
        (LOCK.replace('"format": 1', '"format": 2'), "MLC903"),
    ],
)
def test_a_lock_that_can_not_be_used_is_told(text: str, code: str, validate: Validate) -> None:
    validate.refuses_files({"mlc.lock": text}, code)


@pytest.mark.parametrize(
    "text",
    [
        f"<<<<<<< ours\n{PIN}=======\n{PIN}>>>>>>> theirs\n",
        "",
        "[]",
        PIN.replace("sha256:", "md5:"),
        PIN.replace("version", "versoin"),
        PIN.replace("image: ghcr.io/acme/late:1", "image: [1]"),
        f"{PIN}---\n{PIN}",
    ],
)
def test_a_pin_that_can_not_be_used_is_told(text: str, validate: Validate) -> None:
    validate.refuses_files({"environments/staging/late.yaml": text}, "MLC904")


def test_a_pin_that_is_a_folder_is_told(root: Path, validate: Validate) -> None:
    (root / "environments" / "staging" / "late.yaml").mkdir(parents=True)
    validate.refuses("MLC904")


@pytest.mark.parametrize("text", [None, "", "{", "{}", "[]", "[" * 100_000, "\udcff", '{"format_version": 1}'])
def test_a_snapshot_that_is_missing_or_damaged_is_told(text: str | None, validate: Validate) -> None:
    snapshot = {} if text is None else {SNAPSHOT: text.encode("utf-8", "surrogateescape")}
    validate.refuses_files({**{p: t.encode() for p, t in PINNED.items()}, **snapshot}, "MLC905")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1}', "[" * 100_000, '{"verdicts": 3}'])
def test_damaged_evidence_releases_nothing(text: str, root: Path, validate: Validate) -> None:
    (root / ".mlc" / "runs" / "late").mkdir(parents=True)
    (root / ".mlc" / "runs" / "late" / "evidence.json").write_text(text, "utf-8")
    outcome = validate.run("release late -e staging")
    assert (outcome.code, "error[MLC914]" in outcome.err) == (1, True), outcome.text
    assert not (root / "environments").exists()
