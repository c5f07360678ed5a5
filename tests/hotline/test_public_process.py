"""The public process can seal and never open: it does not even read the secret key."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from tutela.adapters.keys import ensure_evidence_key, load_identity, load_recipient
from tutela.evidence import key_record
from tutela.evidence.unsealing import Unsealer
from tutela.intake.tips import TipState, advance, by_receipt, hand_in, tip
from tutela.ledger.store import lines
from tutela.primitives.clock import FixedClock
from tutela.primitives.errors import Misconfigured, NotFound
from tutela.primitives.ids import SubmissionId
from tutela.wiring.public import public_parts
from tutela.wiring.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    plain = database_url.replace("postgresql+psycopg", "postgresql")
    return load_settings(home=tmp_path / "home", database_url=SecretStr(plain))


def test_it_seals_without_the_secret_key_and_staff_opens(
    settings: Settings, clock: FixedClock
) -> None:
    ensure_evidence_key(settings.folder)
    secret = settings.identity_file
    identity = load_identity(secret)
    secret.unlink()
    with public_parts(settings) as parts:
        with parts.database.begin() as tx:
            code = hand_in(
                tx, answers={"address": "https://example.org/"}, seal=parts.seal, at=clock.at
            )
        with parts.database.begin() as tx:
            found = by_receipt(tx, code)
    opened = json.loads(Unsealer(identity).unseal(found.sealed))
    assert opened == {"address": "https://example.org/"}


def test_without_a_sealing_key_it_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="TUTELA_EVIDENCE_RECIPIENT"), public_parts(settings):
        pass


def test_the_published_key_is_never_written_over_by_another(tmp_path: Path) -> None:
    first = ensure_evidence_key(tmp_path)
    ensure_evidence_key(tmp_path / "other")
    (tmp_path / "other" / "keys" / "evidence.agekey").replace(tmp_path / "keys" / "evidence.agekey")
    with pytest.raises(Misconfigured, match="do not belong together"):
        ensure_evidence_key(tmp_path)
    assert load_recipient(tmp_path) == first


def test_it_seals_nothing_to_another_key_than_the_noted_one(settings: Settings) -> None:
    recipient = ensure_evidence_key(settings.folder)
    with public_parts(settings) as parts, parts.database.begin() as tx:
        key_record.require_pair(
            tx,
            recipient,
            Unsealer(load_identity(settings.identity_file)),
            source="here",
            sealed=(),
            at=datetime.now(UTC),
        )
    other = ensure_evidence_key(settings.folder / "other")
    (settings.folder / "evidence.recipient").write_text(other + "\n")
    ours = "not the one of this installation"
    with pytest.raises(Misconfigured, match=ours), public_parts(settings):
        pass
    swapped = settings.model_copy(update={"evidence_recipient": other})
    with pytest.raises(Misconfigured, match="TUTELA_EVIDENCE_RECIPIENT"), public_parts(swapped):
        pass


def test_the_sender_sees_how_far_it_has_come(settings: Settings, clock: FixedClock) -> None:
    ensure_evidence_key(settings.folder)
    with public_parts(settings) as parts, parts.database.begin() as tx:
        code = hand_in(tx, answers={"description": "A note."}, seal=parts.seal, at=clock.at)
        found = by_receipt(tx, code)
        advance(tx, found.id, state=TipState.ASSESSED, by="cli", at=clock.at)
        assert by_receipt(tx, code).state is TipState.ASSESSED
        assert tip(tx, found.id).state is TipState.ASSESSED
        assert [line.action for line in lines(tx)] == ["tip_received", "tip_advanced"]
        with pytest.raises(NotFound):
            advance(tx, SubmissionId.new(), state=TipState.CLOSED, by="cli", at=clock.at)
