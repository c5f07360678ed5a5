"""What is handed over about a case: complete, checkable without us, nothing personal outside."""

import hashlib
import json
import stat
from pathlib import Path

import bagit
import pytest

from tutela.evidence.unsealing import Unsealer
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict
from tutela.primitives.ids import CaseId
from tutela.primitives.redacted import Redacted
from tutela.reporting.conversing import Next
from tutela.reporting.packaging import pack
from tutela.reporting.preparing import check, prepare
from tutela.reporting.submitting import advance
from workflows.filing_world import PRESERVE_RULE, REPORT_RULE, World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home")


@pytest.fixture
def case_id(world: World) -> CaseId:
    case_id = world.decided(
        uploader_email=Redacted("person-a@users.example"), uploader_ip=Redacted("192.0.2.1")
    )
    world.accept()
    with world.sandbox() as (_, authority):
        desk = world.desk(authority)
        report_id = prepare(desk, case_id)
        assert report_id is not None
        check(desk, report_id)
        while advance(desk, report_id) is not Next.DONE:
            pass
    return case_id


def packed(world: World, case_id: CaseId, folder: Path) -> Path:
    with world.database.begin() as tx:
        place = pack(tx, case_id, blobs=world.blobs, folder=folder, by="cli", at=world.clock.now())
    return place / "data"


def test_each_line_can_be_checked_by_what_the_package_says(
    world: World, case_id: CaseId, tmp_path: Path
) -> None:
    data = packed(world, case_id, tmp_path)
    lines = [json.loads(line) for line in (data / "ledger.jsonl").read_text("utf-8").splitlines()]
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})
    for line in lines:  # the recipe of README.txt, with the standard library alone
        covered = {key: value for key, value in line.items() if key != "digest"}
        text = json.dumps(
            covered | {"format": "tutela-ledger-1"},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        assert hashlib.sha256(text.encode()).hexdigest() == line["digest"], line["action"]
    told = [line["action"] for line in lines]
    for act in ("exhibit_sealed", "decision_made", "report_finished", "case_exported"):
        assert act in told
    accepted = [line["subject"] for line in lines if line["action"] == "law_rule_accepted"]
    assert REPORT_RULE in accepted
    assert PRESERVE_RULE not in accepted, "this case does not rest on it yet"
    head = json.loads((data / "ledger-head.json").read_text())
    assert head == {"seq": lines[-1]["seq"], "digest": lines[-1]["digest"]}


def test_the_package_holds_the_evidence_and_says_no_name(
    world: World, case_id: CaseId, tmp_path: Path
) -> None:
    data = packed(world, case_id, tmp_path / "new" / "folder")
    bagit.Bag(str(data.parent)).validate()
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700, "the report within names people"
    [sealed] = (data / "exhibits").iterdir()
    opened = world.desk(None).unsealer.unseal(sealed.read_bytes())
    assert isinstance(world.desk(None).unsealer, Unsealer)
    assert opened == b"known picture"
    report = world.report(case_id)
    [book] = (data / "reports").iterdir()
    assert (book / "report.xml").read_bytes() == report.xml
    assert (book / "receipt.xml").read_bytes() == report.receipt
    for name in ("case.json", "duties.json", "ledger.jsonl"):
        text = (data / name).read_text("utf-8")
        assert "person-a@" not in text
        assert "192.0.2.1" not in text
        assert hashlib.sha256(b"known picture").hexdigest() not in text


def test_a_package_that_cannot_be_made_leaves_nothing(
    world: World, case_id: CaseId, tmp_path: Path
) -> None:
    [row] = world.rows("SELECT blob_key FROM exhibits")
    kept = world.blobs.get(row.blob_key)
    world.blobs.delete(row.blob_key)
    world.blobs.put(row.blob_key, kept[:-1] + bytes([kept[-1] ^ 1]))
    before = world.actions(case_id)
    with pytest.raises(Conflict, match="not what was sealed"):
        packed(world, case_id, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert world.actions(case_id) == before
