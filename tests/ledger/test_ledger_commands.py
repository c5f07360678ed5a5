import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import create_engine
from typer.testing import CliRunner, Result

from tutela.cli import app
from tutela.ledger.chain import GENESIS
from tutela.ledger.model import Line
from tutela.ledger.store import append
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound


@pytest.fixture(autouse=True)
def _settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))


@pytest.fixture
def written(database: Database, clock: FixedClock) -> list[Line]:
    with database.begin() as tx:
        return [
            append(
                tx,
                at=clock.now(),
                actor="system",
                action=("case_opened", "case_closed")[number % 2],
                subject=f"case_{number}",
                detail={"reason": "[bold]ä"},
            )
            for number in range(4)
        ]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["ledger", *arguments], catch_exceptions=True)


def change(database_url: str, statement: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_only_grows")
        tx.exec_driver_sql(statement)
    engine.dispose()


def test_an_unbroken_ledger_ends_with_zero(written: list[Line]) -> None:
    done = run("verify")
    assert done.exit_code == 0
    assert f"Unbroken: 4 lines. Head: {written[-1].digest}" in done.stdout
    done = run("verify", "--json")
    assert json.loads(done.stdout) == {
        "ok": True,
        "checked": 4,
        "head_seq": 4,
        "head_digest": written[-1].digest,
        "bad_seq": None,
        "why": "",
        "anchored_seq": None,
        "outward_acts_wait": None,
    }


def test_an_empty_ledger_is_unbroken_and_has_no_head() -> None:
    assert json.loads(run("verify", "--json").stdout)["head_digest"] == GENESIS
    assert run("show", "--json").output == ""
    assert "no such line" in run("show").stderr
    assert isinstance(run("head").exception, NotFound)


@pytest.mark.usefixtures("written")
def test_a_broken_ledger_ends_with_one_and_names_the_line(database_url: str) -> None:
    change(database_url, "UPDATE ledger SET actor = 'x' WHERE seq = 3")
    done = run("verify")
    assert done.exit_code == 1
    assert "BROKEN at line 3: line 3 was changed" in done.stdout
    answer = json.loads(run("verify", "--json").stdout)
    assert (answer["ok"], answer["bad_seq"], answer["checked"]) == (False, 3, 2)


@pytest.mark.usefixtures("written")
def test_a_tail_cut_off_is_found_with_the_head_kept_elsewhere(
    database_url: str, tmp_path: Path
) -> None:
    kept = tmp_path / "anchor.json"
    kept.write_text(run("head", "--json").stdout, encoding="utf-8")
    assert "4 lines, anchored at line 4" in run("verify", "--anchor", str(kept)).stdout
    change(database_url, "DELETE FROM ledger WHERE seq > 2")
    assert run("verify").exit_code == 0
    done = run("verify", "--anchor", str(kept))
    assert done.exit_code == 1
    assert "BROKEN at line 3: the ledger ends at line 2, but line 4 was anchored" in done.stdout


@pytest.mark.usefixtures("written")
def test_a_signed_anchor_counts_only_with_its_public_key(tmp_path: Path) -> None:
    files = {}
    for name in ("ours", "other"):
        key = Ed25519PrivateKey.generate()
        files[name] = tmp_path / f"{name}.pem"
        files[name].write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        files[f"{name}_public"] = tmp_path / f"{name}.pub"
        files[f"{name}_public"].write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    kept = tmp_path / "anchor.json"
    kept.write_text(run("head", "--sign", str(files["ours"])).stdout, encoding="utf-8")
    with_key = ("verify", "--json", "--anchor", str(kept), "--anchor-key")
    assert json.loads(run(*with_key, str(files["ours_public"])).stdout)["anchored_seq"] == 4
    refused = run(*with_key, str(files["other_public"])).exception
    assert isinstance(refused, BadInput)
    assert "signature was not made" in str(refused)
    assert isinstance(run("verify", "--anchor", str(kept)).exception, BadInput)


@pytest.mark.usefixtures("written")
def test_missing_files_are_said(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    for arguments in (
        ("verify", "--anchor", missing),
        ("verify", "--anchor-key", missing),
        ("head", "--sign", missing),
    ):
        assert isinstance(run(*arguments).exception, BadInput)


def test_lines_are_shown_to_people_and_programs(written: list[Line]) -> None:
    shown = [json.loads(line) for line in run("show", "--json").stdout.splitlines()]
    assert [line["digest"] for line in shown] == [line.digest for line in written]
    assert shown[0]["detail"] == {"reason": "[bold]ä"}
    assert shown[0]["at"] == "2026-11-21T12:00:00.000000Z"
    only = run("show", "--json", "--action", "case_closed", "--limit", "1").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in only] == [2]
    assert "case_2" in run("show", "--subject", "case_2").stdout
    assert "[bold]ä" in run("show").stdout
    assert len(run("show", "--since", "3").stdout.splitlines()) == 1
