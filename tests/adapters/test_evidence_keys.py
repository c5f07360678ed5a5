"""The key pair is made once, for its owner only, and never repeated in a message."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tutela.adapters.keys import (
    ensure_evidence_key,
    load_identity,
    load_recipient,
    recipient_of,
)
from tutela.evidence.sealing import Seal
from tutela.evidence.unsealing import Unsealer
from tutela.primitives.errors import Misconfigured
from tutela.wiring import evidence_key
from tutela.wiring.settings import Settings


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    recipient = ensure_evidence_key(tmp_path)
    path = tmp_path / "keys" / "evidence.agekey"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert ensure_evidence_key(tmp_path) == recipient
    assert [entry.name for entry in path.parent.iterdir()] == ["evidence.agekey"]
    identity = load_identity(path)
    assert recipient_of(identity) == recipient
    assert Unsealer(identity).unseal(Seal(recipient).seal(b"drawn")) == b"drawn"


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: ensure_evidence_key(tmp_path), range(16)))
    assert len(made) == 1


def test_a_lost_key_is_never_replaced_by_another(tmp_path: Path) -> None:
    """What was sealed to it could not be opened again, and nobody would have been told."""
    recipient = ensure_evidence_key(tmp_path)
    path = tmp_path / "keys" / "evidence.agekey"
    kept = path.rename(tmp_path / "backup")
    with pytest.raises(Misconfigured, match="backup"):
        ensure_evidence_key(tmp_path)
    assert not path.exists()
    assert load_recipient(tmp_path) == recipient
    kept.rename(path)
    assert ensure_evidence_key(tmp_path) == recipient


def test_what_is_sealed_can_be_opened_with_the_operators_own_identity(tmp_path: Path) -> None:
    own = tmp_path / "own"
    ensure_evidence_key(own)
    identity = own / "keys" / "evidence.agekey"
    settings = Settings(home=tmp_path / "home", evidence_identity_file=identity)
    sealed = Seal(evidence_key.recipient_of(settings)).seal(b"drawn")
    assert Unsealer(load_identity(settings.identity_file)).unseal(sealed) == b"drawn"
    assert load_recipient(settings.folder) == evidence_key.recipient_of(settings)
    assert not (settings.folder / "keys" / "evidence.agekey").exists()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    ensure_evidence_key(tmp_path)
    path = tmp_path / "keys" / "evidence.agekey"
    path.chmod(0o640)
    with pytest.raises(Misconfigured, match="0640"):
        load_identity(path)


@pytest.mark.parametrize("content", ["", "# only a comment\n", "one\ntwo\n", "\udce4"])
def test_a_file_without_exactly_one_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "identity"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(Misconfigured):
        load_identity(path)


def test_a_damaged_key_is_never_repeated_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "identity"
    path.write_text("AGE-SECRET-KEY-1NOTAKEY\n", "ascii")
    path.chmod(0o600)
    with pytest.raises(Misconfigured) as refusal:
        recipient_of(load_identity(path))
    assert "NOTAKEY" not in str(refusal.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="TUTELA_EVIDENCE_IDENTITY_FILE"):
        load_identity(tmp_path / "nowhere")
