"""The gate before every match, on real acceptances in a real ledger, through time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from cases.case_parts import AT, BY, REFERENCES, SEAL, Desk, JailForTests
from counsel.detection_parts import accept
from own_lawbook import own_lawbook
from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.cases.opening import open_case
from tutela.counsel.accepting import withdraw_rule
from tutela.counsel.detection import Detecting, NoBasis
from tutela.counsel.gate import DetectionGate
from tutela.hashing.model import Hashed, Mode
from tutela.intake.admitting import Intake
from tutela.intake.model import Context, Origin
from tutela.law.book import Lawbook
from tutela.ledger import store as ledger
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable

MESSAGES: Mapping[str, object] = {
    "provider.established_in": "IE",
    "service.targets_markets": ["IE"],
    "service.offered_in_eu": True,
    "service.end_to_end_encrypted": "no",
    "counsel.eu_interim_conditions": True,
}
HOST: Mapping[str, object] = {"provider.established_in": "US", "service.targets_markets": ["US"]}
INTERIM = "eu.detection.interim.known-hash"


@pytest.fixture(scope="module")
def book() -> Lawbook:
    return own_lawbook()


def gate(
    database: Database,
    book: Lawbook,
    *,
    at: datetime = AT,
    provider: Mapping[str, object] = MESSAGES,
    channel: str = "interpersonal",
) -> tuple[Detecting, FixedClock]:
    clock = FixedClock(at=at)
    return Detecting(database, clock, book, provider=provider, channel=channel), clock


def test_in_the_gap_a_detector_refuses_and_after_it_one_may_run(
    database: Database, book: Lawbook
) -> None:
    """PRV-01."""
    accept(database, INTERIM)
    detecting, clock = gate(database, book, at=datetime(2026, 5, 1, 12, tzinfo=UTC))
    with pytest.raises(NoBasis, match="ended after 2026-04-03 and begins on 2026-07-31"):
        detecting.require()
    clock.at = datetime(2026, 8, 2, 12, tzinfo=UTC)
    detecting.require()
    answer = detecting.standing().answer
    assert answer is not None
    assert [each.id for each in answer.bases] == [INTERIM]


def test_the_end_of_a_basis_stops_detection_within_the_second(
    database: Database, book: Lawbook
) -> None:
    """PRV-02: what was asked before midnight does not hold after it."""
    accept(database, INTERIM)
    detecting, clock = gate(database, book, at=datetime(2028, 4, 3, 23, 59, 59, tzinfo=UTC))
    detecting.require()
    assert "ends on 2028-04-03, in 0 days" in detecting.standing().warning
    clock.at += timedelta(seconds=1)
    with pytest.raises(NoBasis, match="ended after 2028-04-03"):
        detecting.require()


@pytest.mark.parametrize("applied", ["is", "was", "will_be"])
def test_encrypted_messages_and_audio_are_never_looked_at(
    database: Database, book: Lawbook, applied: str
) -> None:
    """PRV-03."""
    accept(database, INTERIM)
    facts = dict(MESSAGES) | {"service.end_to_end_encrypted": applied}
    with pytest.raises(NoBasis, match="forbidden"):
        gate(database, book, provider=facts)[0].require()
    for channel in ("end_to_end_encrypted", "audio"):
        with pytest.raises(NoBasis, match="forbidden"):
            gate(database, book, channel=channel)[0].require()


def test_counsel_lets_it_run_and_stops_it_again(database: Database, book: Lawbook) -> None:
    detecting, clock = gate(database, book, provider=HOST, channel="hosted")
    with pytest.raises(NoBasis) as refused:
        detecting.require()
    assert "`tutela law accept us.detection.known-hash --by … --note …`" in refused.value.remedy
    accept(database)
    detecting.require()  # a refusal is never kept
    with database.begin() as tx:
        withdraw_rule(
            tx,
            rule_id="us.detection.known-hash",
            version="",
            by="acct_counsel",
            note="It has changed.",
            at=AT,
        )
    clock.at += timedelta(seconds=6)
    with pytest.raises(NoBasis):
        detecting.require()


@pytest.mark.parametrize(
    ("provider", "channel", "setting"),
    [
        (HOST, "", "TUTELA_DETECTION_CHANNEL"),
        ({"provider.established_in": "US"}, "hosted", "TUTELA_SERVICE_TARGETS_MARKETS"),
        ({"service.targets_markets": ["US"]}, "hosted", "TUTELA_PROVIDER_ESTABLISHED_IN"),
        (
            dict(HOST) | {"service.targets_markets": ["GB"]},
            "hosted",
            "TUTELA_COUNSEL_DETECTION_APPLIES_IN",
        ),
    ],
)
def test_a_refusal_names_the_setting_that_is_missing(
    database: Database,
    book: Lawbook,
    provider: Mapping[str, object],
    channel: str,
    setting: str,
) -> None:
    accept(database)
    with pytest.raises(NoBasis) as refused:
        gate(database, book, provider=provider, channel=channel)[0].require()
    assert setting in refused.value.remedy


def test_one_place_without_a_basis_stops_it_in_all(database: Database, book: Lawbook) -> None:
    accept(database)
    provider = dict(HOST) | {"service.targets_markets": ["US", "JP"]}
    with pytest.raises(NoBasis, match="JP: the lawbook records no basis"):
        gate(database, book, provider=provider, channel="hosted")[0].require()


def test_while_the_database_is_away_nothing_is_let_through(book: Lawbook) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    detecting, _ = gate(away, book)
    with pytest.raises(Unavailable):
        detecting.require()
    assert detecting.announced() is None


class _NeverAsked(JailForTests):
    def hash(
        self, source: bytes | Path, *, dihedral: bool = False, mode: Mode = Mode.EXACT
    ) -> Hashed:
        raise AssertionError(f"hashed without a basis: {source!r} {dihedral} {mode}")


def test_without_a_basis_nothing_is_hashed_matched_or_stored(
    database: Database, book: Lawbook
) -> None:
    desk = Desk(database)
    intake = Intake(
        database,
        _NeverAsked(),
        DetectionGate(gate(database, book)[0], lambda: desk.matcher),
        SEAL,
        MemoryBlobsForTests(),
        desk.clock,
        open_case=open_case,
        references=REFERENCES,
    )
    desk.matcher.learn(b"known picture")
    hashed = JailForTests().hash(b"known picture")
    with pytest.raises(NoBasis):
        intake.admit_file(b"known picture", context=Context(), by=BY, origin=Origin.API_FILE)
    with pytest.raises(NoBasis):
        intake.examine_file(b"known picture")
    with pytest.raises(NoBasis):
        intake.admit_hashes(hashed, context=Context(), by=BY, origin=Origin.API_HASHES)
    with pytest.raises(NoBasis):
        intake.look_up([hashed])
    with database.begin() as tx:
        assert not list(ledger.lines(tx))
        assert not tx.execute(text("SELECT id FROM submissions")).all()
        assert not tx.execute(text("SELECT id FROM cases")).all()
