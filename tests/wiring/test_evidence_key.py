"""The pair of keys is checked wherever something is sealed or opened, and never written over."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from tutela.adapters.blobs import open_blobs
from tutela.adapters.keys import ensure_evidence_key, load_identity, load_recipient, recipient_of
from tutela.cli import app
from tutela.evidence import key_record
from tutela.evidence.sealing import Seal
from tutela.intake.tips import hand_in
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured
from tutela.wiring.building import open_parts
from tutela.wiring.evidence_key import checked_pair, require_pair_if_here
from tutela.wiring.public import public_parts
from tutela.wiring.settings import Settings, load_settings
from tutela.wiring.worker import run_worker

NOT_OURS = "not the one of this installation"


@pytest.fixture
def settings(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUTELA_CONFIG", raising=False)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    plain = database_url.replace("postgresql+psycopg", "postgresql")
    monkeypatch.setenv("TUTELA_DATABASE_URL", plain)
    return load_settings(home=tmp_path / "home", database_url=SecretStr(plain))


def pair(settings: Settings, database: Database) -> Seal:
    return checked_pair(settings, database, open_blobs(None, home=settings.folder))[0]


def tip(database: Database, seal: Seal) -> None:
    with database.begin() as tx:
        hand_in(tx, answers={"description": "A note."}, seal=seal, at=datetime.now(UTC))


def another(settings: Settings, *, with_recipient: bool = True) -> str:
    """Swap the key of the home folder for one of somewhere else."""
    other = settings.folder.parent / "other"
    ensure_evidence_key(other)
    shutil.copy(other / "keys" / "evidence.agekey", settings.identity_file)
    if with_recipient:
        shutil.copy(other / "evidence.recipient", settings.folder / "evidence.recipient")
    return load_recipient(other)


def record(database: Database) -> str | None:
    with database.begin() as tx:
        found = key_record.noted(tx)
    return found.recipient if found else None


def evidence_part() -> dict[str, str]:
    lines = CliRunner().invoke(app, ["check", "--json"]).stdout.splitlines()
    [found] = [one for one in map(json.loads, lines) if one["part"] == "evidence key"]
    return dict(found)


def test_the_first_start_notes_the_key_and_the_next_one_finds_it(
    settings: Settings, database: Database
) -> None:
    pair(settings, database)
    first = record(database)
    assert first == load_recipient(settings.folder)
    pair(settings, database)
    assert record(database) == first
    assert evidence_part()["state"] == "ok"


@pytest.mark.parametrize("with_recipient", [False, True])
def test_another_key_refuses_everything_that_seals_or_opens(
    settings: Settings, database: Database, *, with_recipient: bool
) -> None:
    pair(settings, database)
    tip(database, Seal(load_recipient(settings.folder)))
    ours = load_recipient(settings.folder)
    other = another(settings, with_recipient=with_recipient)
    before = (settings.folder / "evidence.recipient").read_text()
    why = NOT_OURS if with_recipient else "do not belong together"
    acts = [
        lambda: open_parts(settings).__enter__(),  # intake, scan, console, API
        lambda: run_worker(settings, once=True),  # filing
        lambda: pair(settings, database),  # reading tips
    ]
    for act in acts:
        with pytest.raises(Misconfigured, match=why) as refusal:
            act()
        assert key_record.short(ours) in str(refusal.value)
        assert key_record.short(other) in str(refusal.value)
        assert str(settings.identity_file) in str(refusal.value)
    with pytest.raises(Misconfigured, match=NOT_OURS):
        require_pair_if_here(settings, database)  # handing a case over
    if with_recipient:
        with pytest.raises(Misconfigured, match=NOT_OURS), public_parts(settings):
            pass
    found = evidence_part()
    assert found["state"] == "missing"
    assert key_record.short(ours) in found["why"]
    assert (settings.folder / "evidence.recipient").read_text() == before
    assert record(database) == ours


def test_a_key_of_the_settings_that_belongs_to_another_identity_is_refused(
    settings: Settings, database: Database
) -> None:
    ensure_evidence_key(settings.folder)
    other = ensure_evidence_key(settings.folder / "other")
    swapped = settings.model_copy(update={"evidence_recipient": other})
    with pytest.raises(Misconfigured, match="TUTELA_EVIDENCE_RECIPIENT"):
        pair(swapped, database)
    assert record(database) is None


def test_an_older_home_is_noted_only_by_the_key_that_opens_what_is_there(
    settings: Settings, database: Database
) -> None:
    ours = ensure_evidence_key(settings.folder)
    tip(database, Seal(ours))  # sealed by a version that noted no key
    kept = settings.identity_file.read_bytes()
    another(settings)
    with pytest.raises(Misconfigured, match="opens none of the 1 sealed"):
        pair(settings, database)
    assert record(database) is None
    settings.identity_file.write_bytes(kept)
    (settings.folder / "evidence.recipient").write_text(ours + "\n")
    pair(settings, database)
    assert record(database) == ours


@pytest.mark.parametrize("noted", [True, False])
def test_no_new_pair_is_made_where_something_was_sealed(
    settings: Settings, database: Database, *, noted: bool
) -> None:
    """Both files are gone: a new pair would open nothing, and seal what nobody can open."""
    ours = ensure_evidence_key(settings.folder)
    if noted:
        pair(settings, database)
    else:
        tip(database, Seal(ours))
    settings.identity_file.unlink()
    (settings.folder / "evidence.recipient").unlink()
    with pytest.raises(Misconfigured, match="is gone"):
        pair(settings, database)
    assert not settings.identity_file.exists()
    assert not (settings.folder / "evidence.recipient").exists()


def test_a_canary_that_was_exchanged_is_found(
    settings: Settings, database: Database, database_url: str
) -> None:
    pair(settings, database)
    forged = Seal(load_recipient(settings.folder)).seal(b"something else")
    engine = create_engine(database_url)
    with engine.begin() as owner:
        owner.execute(text("UPDATE evidence_key SET canary = :it"), {"it": forged})
    engine.dispose()
    with pytest.raises(Misconfigured, match="not to what was sealed"):
        pair(settings, database)


def test_the_program_has_no_right_to_change_the_noted_key(database: Database) -> None:
    for sql in ("UPDATE evidence_key SET recipient = 'x'", "DELETE FROM evidence_key"):
        with pytest.raises(Exception, match="permission denied"), database.begin() as tx:
            tx.execute(text(sql))


@pytest.mark.parametrize(
    "form",
    [
        "\ufeff{key}\r\n",
        "\r\n\r\n{key}\r\n\r\n",
        "# made elsewhere\n\n   {key}  \n",
        "\ufeff# made elsewhere\r\n{key}",
        "{key}",
    ],
)
def test_key_files_are_read_however_an_editor_saved_them(
    settings: Settings, database: Database, form: str
) -> None:
    recipient = ensure_evidence_key(settings.folder)
    secret = load_identity(settings.identity_file).reveal()
    settings.identity_file.write_bytes(form.format(key=secret).encode())
    (settings.folder / "evidence.recipient").write_bytes(form.format(key=recipient).encode())
    assert recipient_of(load_identity(settings.identity_file)) == recipient
    assert load_recipient(settings.folder) == recipient
    pair(settings, database)


@pytest.mark.parametrize("content", ["", "\n", "age1one\nage1two\n"])
def test_a_published_key_that_cannot_be_read_is_not_taken_for_none(
    settings: Settings, content: str
) -> None:
    ensure_evidence_key(settings.folder)
    (settings.folder / "evidence.recipient").write_text(content)
    with pytest.raises(Misconfigured, match="expected one"):
        ensure_evidence_key(settings.folder)
    assert (settings.folder / "evidence.recipient").read_text() == content
