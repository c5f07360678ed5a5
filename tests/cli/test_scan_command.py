"""`tutela scan` as a person runs it: what `--mode fast` answers itself, and what it leaves."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from accounts.people import SECRET, account
from counsel.detection_parts import BASIS, US_HOST, accept
from tutela import cli
from tutela.accounts.model import Role
from tutela.hashing.model import Hashed, Pdq
from tutela.indicators.importing import import_list
from tutela.ledger import store as ledger
from tutela.primitives.database import Database
from tutela.wiring.building import open_parts

Run = Callable[..., tuple[int, str, str]]


def drawn(seed: int, kind: str = "JPEG") -> bytes:
    """A benign picture: waves across each other."""
    chance = np.random.default_rng(seed)
    down, across = np.mgrid[0:600, 0:800]
    waves = np.zeros((600, 800))
    for _ in range(12):
        a, b, phase = chance.uniform(-0.05, 0.05, 3) * (1, 1, 60)
        waves += np.sin(a * down + b * across + phase)
    held = io.BytesIO()
    Image.fromarray(np.clip(128 + 20 * waves, 0, 255).astype(np.uint8)).convert("RGB").save(
        held, kind
    )
    return held.getvalue()


@pytest.fixture
def run(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Call the command in this process, with a home and a database of its own."""
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url.replace("+psycopg", ""))
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUTELA_DECODERS", "1")
    for name, value in US_HOST.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tutela", *arguments])
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        told = capsys.readouterr()
        return int(leaving.value.code or 0), told.out, told.err

    return call


@pytest.fixture
def folder(run: Run, database: Database, tmp_path: Path) -> Path:  # noqa: ARG001 - sets the home
    """Three pictures that may be matched; one's exact hash is 31 bits off the list's entry."""
    accept(database)
    root = tmp_path / "uploads"
    root.mkdir()
    for name, data in {
        "far.jpg": drawn(1),
        "flat.png": drawn(2, "PNG"),
        "near.jpg": drawn(3),
    }.items():
        (root / name).write_bytes(data)
    with open_parts() as parts:
        exact = parts.jail.hash(root / "near.jpg")
    assert isinstance(exact, Hashed)
    assert isinstance(exact.pdq, Pdq)
    entry = int.from_bytes(exact.pdq.bits) ^ ((1 << 31) - 1)
    listed = tmp_path / "list.csv"
    listed.write_text(f"kind,value\npdq,{entry:064x}\n")
    import_list(
        database, path=listed, name="drawings", by="test", at=datetime(2026, 11, 22, tzinfo=UTC)
    )
    return root


def rows(out: str) -> dict[str, tuple[str, str]]:
    """File name → finding, and the mode of the pipeline that decided."""
    told = [json.loads(line) for line in out.splitlines()]
    return {
        Path(row["path"]).name: (row["finding"], row["pipeline"].partition("/")[0]) for row in told
    }


def test_fast_answers_what_is_far_and_leaves_what_is_near_to_the_exact_hash(
    run: Run, folder: Path
) -> None:
    code, out, err = run("scan", str(folder), "--mode", "fast", "--dry-run", "--json")
    assert code == 0, err
    assert rows(out) == {
        "far.jpg": ("no_known_match", "tutela-fast"),
        "flat.png": ("no_known_match", "tutela-exact"),
        "near.jpg": ("matched", "tutela-exact"),
    }
    _, out, _ = run("scan", str(folder), "--mode", "exact", "--dry-run", "--json")
    assert {pipeline for _, pipeline in rows(out).values()} == {"tutela-exact"}
    code, out, err = run("scan", str(folder), "--mode", "fast")
    assert code == 0, err
    assert "near.jpg: drawings, PDQ distance 31 (threshold 31) case_" in " ".join(out.split())
    assert "“No known match” means that no list has it, not that it is harmless." in out


def test_a_mode_that_there_is_not_is_refused(run: Run, tmp_path: Path) -> None:
    code, _, err = run("scan", str(tmp_path), "--mode", "fastest")
    assert code == 2
    assert "fastest" in err


def test_without_a_basis_nothing_is_looked_at_and_the_answer_says_what_to_do(
    run: Run, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.jpg").write_bytes(drawn(1))
    code, out, err = run("scan", str(tmp_path), "--json")
    assert (code, out) == (4, "")
    said = " ".join(err.split())
    assert "Nothing may be matched here today" in said
    assert "tutela law accept us.detection.known-hash --by … --note …" in said
    account(database, "person-a", Role.COUNSEL)
    accepted = run("law", "accept", BASIS, "--by", "person-a", "--note", "Read today.")
    assert accepted[0] == 0, accepted
    code, out, err = run("scan", str(tmp_path), "--json")
    assert code == 0, err
    assert rows(out)["one.jpg"][0] == "cannot_be_matched"  # looked at, and there is no list yet
    assert "(No hash list is enabled" in " ".join(err.split())
    monkeypatch.delenv("TUTELA_DETECTION_CHANNEL")
    code, _, err = run("scan", str(tmp_path), "--json", "--restart")
    assert code == 4
    assert "Set TUTELA_DETECTION_CHANNEL" in err
    with database.begin() as tx:
        acts = [line.action for line in ledger.lines(tx) if line.actor != "tests"]
    assert acts == ["signed_in", "signed_out", "law_rule_accepted"]
