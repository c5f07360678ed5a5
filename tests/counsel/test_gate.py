"""No door matches without a basis: asked of the doors themselves, with the real composition."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from counsel.detection_parts import US_HOST, accept
from tutela import cli
from tutela.accounts.keys import create_key
from tutela.cli.faces import open_staff
from tutela.counsel.detection import NoBasis
from tutela.indicators.matching import Matcher
from tutela.primitives.clock import SystemClock
from tutela.primitives.database import Database
from tutela.wiring.lookups import open_lookups
from tutela.wiring.settings import load_settings

QUESTION = {"hashes": [{"md5": "0" * 32}]}
MATCHING = ("match", "match_many", "sift")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> list[str]:
    """What any matcher of this process has been asked."""
    monkeypatch.setenv("TUTELA_CONFIG", os.devnull)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url.replace("+psycopg", ""))
    monkeypatch.setenv("TUTELA_DECODERS", "1")
    for name, value in US_HOST.items():
        monkeypatch.setenv(name, value)
    found: list[str] = []

    def noted(name: str) -> Callable[..., object]:
        real = getattr(Matcher, name)

        def ask(*given: object, **named: object) -> object:
            found.append(name)
            return real(*given, **named)

        return ask

    for name in MATCHING:
        monkeypatch.setattr(Matcher, name, noted(name))
    return found


@contextmanager
def platform(database: Database) -> Iterator[TestClient]:
    """A platform at the API of a staff process."""
    with database.begin() as tx:
        _, key = create_key(tx, name="uploads", by="tests", at=SystemClock().now())
    with open_staff(load_settings()) as app, TestClient(app) as client:
        client.headers["Authorization"] = f"Bearer {key.reveal()}"
        yield client


def picture(folder: Path) -> Path:
    file = folder / "one.png"
    Image.effect_noise((300, 200), 80).save(file)
    return file


def every_door(database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ask each once; statuses and exit codes."""
    file = picture(folder)
    with platform(database) as client:
        answers = [
            client.post("/v1/media", files={"file": file.read_bytes()}).status_code,
            client.post("/v1/media", json={"hashes": QUESTION["hashes"][0]}).status_code,
            client.post("/v1/lookup", json=QUESTION).status_code,
            client.post("/v1/lookup", json={"hashes": QUESTION["hashes"] * 500}).status_code,
        ]
    for words in (["scan", str(file)], ["scan", str(file), "--dry-run"]):
        monkeypatch.setattr("sys.argv", ["tutela", *words])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        answers.append(int(leaving.value.code or 0))
    return answers


def test_without_a_basis_no_door_asks_a_matcher(
    asked: list[str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = every_door(database, tmp_path, monkeypatch)
    assert answers == [403, 403, 403, 403, 4, 4]
    with open_lookups(load_settings()) as lookups, pytest.raises(NoBasis):
        lookups.look_up([])
    assert asked == []


def test_with_a_basis_every_door_asks_one(
    asked: list[str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the test above would say nothing."""
    accept(database)
    answers = every_door(database, tmp_path, monkeypatch)
    assert answers[4:] == [0, 0]
    assert max(answers[:4]) < 300
    with open_lookups(load_settings()) as lookups:
        lookups.look_up([])
    assert asked.count("match_many") == 7  # what `match` asks, too
