"""Signed evidence and promotions: what a key signed is let in, a changed byte, another key or none is refused."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mlc_compiler.gitops import signing
from mlc_compiler.gitops.signing import PublicKey, SigningUnavailable, Unverified, sign, verify
from promotions import PROMOTION, Clone, a_clone, a_key

SECRET, PUBLIC = a_key()
KEY = PublicKey("keys/release.pub", PUBLIC)
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}]}
PROJECT = """\
apiVersion: mlc/v1
kind: Project
metadata: {name: tiny, owner: ops}
spec: {targets: {kubernetes: {}}, signing: {keys: [environments/keys/release.pub]}}
"""
PIN, SUMMARY = "environments/prod/late.yaml", "environments/prod/late.promotion.json"


# --- envelopes -------------------------------------------------------------------------------------------------------
def test_what_was_signed_is_read_back() -> None:
    signed = verify(sign(STATEMENT, SECRET), (KEY,))
    assert (signed.statement, signed.key) == (STATEMENT, KEY.path)


def test_the_same_statement_has_the_same_bytes() -> None:
    assert sign(STATEMENT, SECRET) == sign(STATEMENT, SECRET)


def test_an_envelope_is_a_dsse_envelope() -> None:
    """By the text of the specification: the signature is over the pre-authentication encoding of type and payload."""
    envelope = json.loads(sign(STATEMENT, SECRET))
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key = load_pem_public_key(PUBLIC.encode())
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), encoded)  # type: ignore[union-attr, call-arg]


def test_no_changed_byte_of_an_envelope_verifies() -> None:
    text = sign(STATEMENT, SECRET)
    envelope = json.loads(text)
    for field in ("payload", "payloadType"):
        for position in range(0, len(envelope[field]), 7):
            changed = bytearray(envelope[field].encode())
            changed[position] ^= 1
            with pytest.raises(Unverified):
                verify(json.dumps({**envelope, field: changed.decode("latin-1")}), (KEY,))


def test_another_key_verifies_nothing() -> None:
    with pytest.raises(Unverified, match="none of the project's keys"):
        verify(sign(STATEMENT, a_key()[0]), (KEY,))


NO_ENVELOPES = (
    *("", "{}", "[]", "null", "\x00", '{"payload": 1}', "[" * 100_000),
    '{"payload": "x", "payloadType": 1, "signatures": {}}',
    '{"payload": "e30=", "payloadType": "text", "signatures": [{"keyid": "a", "sig": "zz"}]}',
)


@pytest.mark.parametrize("text", NO_ENVELOPES, ids=range(len(NO_ENVELOPES)))
def test_what_is_no_envelope_is_no_signature(text: str) -> None:
    with pytest.raises(Unverified):
        verify(text, (KEY,))


@pytest.mark.parametrize(
    "key",
    ["", "nonsense", PUBLIC, SECRET[:60] + "\n-----END PRIVATE KEY-----\n"],
    ids=["empty", "nonsense", "public", "cut"],
)
def test_a_key_that_is_none_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(SigningUnavailable) as raised:
        sign(STATEMENT, key)
    assert not key or key not in str(raised.value)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "securesystemslib.dsse", None)
    with pytest.raises(SigningUnavailable, match=r"mlc-compiler\[sign\]"):
        sign(STATEMENT, SECRET)
    with pytest.raises(SigningUnavailable, match=r"mlc-compiler\[sign\]"):
        verify("{}", (KEY,))


# --- releases and promotions -----------------------------------------------------------------------------------------
@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A repository that requires signatures in prod, with a signed release in staging."""
    files = {"mlc.yaml": PROJECT, "environments/keys/release.pub": PUBLIC}
    clone = a_clone(tmp_path / "tiny", ", requires: {signed: true}", files)
    monkeypatch.setenv("MLC_SIGNING_KEY", SECRET)
    clone.release()
    return clone


def refused(clone: Clone, code: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert clone.promote() == 1
    said = capsys.readouterr().err
    assert code in said
    assert SECRET.splitlines()[1] not in said
    return said


def evidence(clone: Clone) -> Path:
    return next(p for p in (clone.root / "environments/evidence/late").iterdir() if p.name.count(".") == 1)


def provenance(clone: Clone) -> Path:
    return next((clone.root / "environments/evidence/late").glob("*.provenance.json"))


def test_a_signed_version_is_promoted_with_a_signed_summary(signed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert signed.promote() == 0, capsys.readouterr().err
    signed.git("switch", "--quiet", PROMOTION)
    statement = verify((signed.root / SUMMARY).read_text(), (KEY,)).statement
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    summary = statement["predicate"]
    assert isinstance(summary, dict)
    assert (summary["verificationResult"], summary["resourceUri"]) == ("PASSED", "mlc:tiny/prod/late")
    assert summary["inputAttestations"][0]["uri"] == str(provenance(signed).relative_to(signed.root))
    assert signed.mlc("promote", "--verify", "--base", "main") == 0, capsys.readouterr().err
    assert signed.mlc("verify") == 0, capsys.readouterr().err


def test_the_statement_of_a_run_is_slsa_provenance(signed: Clone) -> None:
    statement = verify(provenance(signed).read_text(), (KEY,)).statement
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    run = statement["predicate"]
    assert isinstance(run, dict)
    names = [d["name"] for d in run["buildDefinition"]["resolvedDependencies"]]
    assert "dataset flights" in names


def test_edited_evidence_is_refused_naming_file_and_field(signed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    path = evidence(signed)
    path.write_text(path.read_text().replace("0.75", "0.95"))
    signed.commit("Better numbers")
    said = refused(signed, "MLC940", capsys)
    assert str(path.relative_to(signed.root)) in said
    assert "`metrics.test`" in said


def test_edited_evidence_with_a_pin_to_match_is_refused(signed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    from mlc_compiler import codec

    path = evidence(signed)
    before = path.read_text()
    path.write_text(before.replace("0.75", "0.95"))
    pin = "environments/staging/late.yaml"
    signed.change(pin, codec.text_digest(before), codec.text_digest(path.read_text()))
    signed.commit("Better numbers")
    refused(signed, "MLC941", capsys)
    assert signed.mlc("verify") == 1
    assert "MLC941" in capsys.readouterr().err


def test_every_changed_byte_of_the_signature_is_refused(signed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    path = provenance(signed)
    envelope = json.loads(path.read_text())
    envelope["payload"] = base64.b64encode(base64.b64decode(envelope["payload"]).replace(b"tiny", b"tidy")).decode()
    path.write_text(json.dumps(envelope))
    signed.commit("Another project")
    assert "its bytes are not those that environments/keys/release.pub signed" in refused(signed, "MLC941", capsys)


def test_a_missing_signature_is_refused_where_it_is_required(signed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    provenance(signed).unlink()
    signed.commit("Unsign")
    refused(signed, "MLC941", capsys)


def test_without_a_key_nothing_is_promoted_where_signatures_are_required(
    signed: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLC_SIGNING_KEY")
    refused(signed, "MLC941", capsys)


def test_a_key_of_somebody_else_signs_nothing_that_verifies(
    signed: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_SIGNING_KEY", a_key()[0])
    assert signed.promote() == 0
    signed.git("switch", "--quiet", PROMOTION)
    assert signed.mlc("promote", "--verify", "--base", "main") == 1
    assert "MLC941" in capsys.readouterr().err


def test_a_promotion_without_its_summary_is_refused(signed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    signed.promote()
    signed.git("switch", "--quiet", PROMOTION)
    (signed.root / SUMMARY).unlink()
    signed.commit("Unsign")
    assert signed.mlc("promote", "--verify", "--base", "main") == 1
    assert "MLC941" in capsys.readouterr().err


def test_keys_do_not_change_together_with_pins(signed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    signed.promote()
    signed.git("switch", "--quiet", PROMOTION)
    signed.write({"environments/keys/release.pub": a_key()[1]})
    signed.commit("My key")
    assert signed.mlc("promote", "--verify", "--base", "main") == 1
    assert "MLC946" in capsys.readouterr().err


@pytest.mark.parametrize("key", [SECRET, None], ids=["private", "missing"])
def test_a_key_file_that_can_not_be_used_is_a_finding(
    signed: Clone, key: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = signed.root / "environments/keys/release.pub"
    path.unlink() if key is None else path.write_text(key)
    signed.commit("Keys")
    refused(signed, "MLC949", capsys)


def test_an_unreadable_private_key_is_told_without_quoting_it(
    signed: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_SIGNING_KEY", "swordfish")
    assert "swordfish" not in refused(signed, "MLC948", capsys)
    monkeypatch.delenv("MLC_SIGNING_KEY")
    assert signed.promote("--key", str(signed.root / "nowhere.pem")) == 1
    assert "MLC948" in capsys.readouterr().err


def test_a_rollout_record_that_nobody_signed_counts_for_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"mlc.yaml": PROJECT, "environments/keys/release.pub": PUBLIC}
    clone = a_clone(tmp_path / "tiny", ", requires: {signed: true, soak: 1h}", files)
    monkeypatch.setenv("MLC_SIGNING_KEY", SECRET)
    clone.release()
    later = time.time() + 7200
    monkeypatch.setattr(time, "time", lambda: later)
    record = ("release", "late", "-e", "staging", "--rolled-out", "succeeded", "--source", "Olga")
    monkeypatch.delenv("MLC_SIGNING_KEY")
    assert clone.mlc(*record) == 0
    clone.commit("Unsigned record")
    monkeypatch.setenv("MLC_SIGNING_KEY", SECRET)
    assert "environments/staging/late.rollout.json" in refused(clone, "MLC941", capsys)
    assert clone.mlc(*record) == 0
    clone.commit("Signed record")
    assert clone.promote() == 0, capsys.readouterr().err
    summary = verify(clone.git("show", f"{PROMOTION}:{SUMMARY}"), (KEY,)).statement["predicate"]
    assert isinstance(summary, dict)
    judged_by = [attestation["uri"] for attestation in summary["inputAttestations"]]
    assert judged_by == [str(provenance(clone).relative_to(clone.root)), "environments/staging/late.rollout.json"]


def test_an_unsigned_project_asks_for_nothing(released: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "sign", None)
    assert released.promote() == 0
    assert not released.git("ls-tree", "--name-only", PROMOTION, SUMMARY)
