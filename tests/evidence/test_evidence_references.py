"""Names of items and services: sealed at rest, found again, and sealed in old databases too."""

import json

import pyrage
import pytest
from sqlalchemy import create_engine, text

from cases.case_parts import AT, BY, REFERENCES, SEAL, UNSEALER, Desk
from tutela.adapters.postgres import migrate
from tutela.cases import store as cases
from tutela.evidence import references
from tutela.evidence.references import ReferenceKey, seal_plain
from tutela.evidence.unsealing import Unsealer
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured
from tutela.primitives.ids import CaseId
from tutela.primitives.redacted import Redacted

REVISION_BEFORE = "0016"
OLD_ROWS = """
INSERT INTO cases (id, state, opened_at, priority, known_item, second_person, needed, version)
VALUES (:case, 'decided', :at, 1, false, false, '{restricted}', 1);
INSERT INTO submissions (id, origin, received_at, actor, item_reference, item_digest, context)
VALUES (:id, 'api_file', :at, :actor, :reference, :digest, CAST(:context AS jsonb));
INSERT INTO exhibits (id, case_id, submission_id, sha256, md5, sha1, media_type, pipeline,
received_at) VALUES (:exhibit, :case, :id, :digest, '', '', '', 'tests/1', :at);
INSERT INTO restrictions (id, case_id, item_reference, state, ordered_at)
VALUES (:order, :case, :reference, 'failed', :at);
"""


def old_database(url: str, rows: int) -> None:
    """What the version before left behind: names in plain."""
    migrate(url, revision=REVISION_BEFORE)
    engine = create_engine(url)
    with engine.begin() as tx:
        for number in range(rows):
            values = {
                "case": f"case_{number:026}",
                "id": f"sub_{number:026}",
                "exhibit": f"exh_{number:026}",
                "order": f"res_{number:026}",
                "at": AT,
                "actor": BY,
                "reference": f"item-personal-{number}" if number else "",
                "digest": f"{number:064x}",
                "context": json.dumps({"service": "service-personal", "channel": "public"})
                if number % 2
                else json.dumps({"service": "  "}),
            }
            for statement in OLD_ROWS.strip().split(";\n"):
                tx.execute(text(statement.rstrip(";")), values)
    engine.dispose()
    migrate(url)


def test_an_old_database_is_sealed_and_reads_as_before(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_BATCH", 3)
    old_database(database_url, rows=8)
    database = Database(database_url)
    case_id = CaseId(f"case_{3:026}")
    with database.begin() as tx:  # a process of this version that came before the sealing
        assert cases.item_reference_of(tx, case_id, UNSEALER) == "item-personal-3"
        assert cases.context_of(tx, case_id, UNSEALER).service == "service-personal"
    assert seal_plain(database, seal=SEAL, key=REFERENCES) == 8
    assert seal_plain(database, seal=SEAL, key=REFERENCES) == 0
    with database.begin() as tx:
        dump = " ".join(
            str(row)
            for name in ("submissions", "restrictions")
            for row in tx.execute(text(f"SELECT {name}::text FROM {name}"))  # noqa: S608 - ours
        )
        assert "personal" not in dump
        for number in range(8):
            case_id = CaseId(f"case_{number:026}")
            context = cases.context_of(tx, case_id, UNSEALER)
            assert context.item_reference == (f"item-personal-{number}" if number else "")
            assert context.service == ("service-personal" if number % 2 else "")
            assert context.channel == ("public" if number % 2 else "")
        named = text("SELECT names_item FROM restrictions ORDER BY id")
        assert [row.names_item for row in tx.execute(named)] == [False] + [True] * 7
    database.close()


def test_an_item_of_the_version_before_is_known_again(database_url: str) -> None:
    database = Database(database_url)
    desk = Desk(database)
    first = desk.open(b"known", item_reference="item 1")
    with database.begin() as tx:  # as the version before would have stored it
        tx.execute(
            text(
                "UPDATE submissions SET item_reference = 'item 1', reference_digest = '', "
                "reference_sealed = NULL"
            )
        )
    assert seal_plain(database, seal=SEAL, key=REFERENCES) == 1
    assert desk.open(b"known", item_reference="item 1") == first
    database.close()


def test_the_digest_tells_nobody_a_name_and_no_two_actors_share_one() -> None:
    digest = REFERENCES.digest("item 1", actor=BY)
    assert digest == REFERENCES.digest("item 1", actor=BY)
    other = ReferenceKey(Redacted(str(pyrage.x25519.Identity.generate())))
    others = {
        REFERENCES.digest("item 1", actor="acct_other"),
        REFERENCES.digest("item 2", actor=BY),
        other.digest("item 1", actor=BY),
    }
    assert digest not in others
    assert len(others) == 3
    assert REFERENCES.digest("", actor=BY) == ""


def test_whoever_has_another_key_opens_no_name(database: Database) -> None:
    case_id = Desk(database).open(item_reference="item 1", service="drawings")
    stranger = Unsealer(Redacted(str(pyrage.x25519.Identity.generate())))
    with database.begin() as tx, pytest.raises(Misconfigured):
        cases.item_reference_of(tx, case_id, stranger)
    with database.begin() as tx:
        assert cases.item_reference_of(tx, case_id, UNSEALER) == "item 1"
