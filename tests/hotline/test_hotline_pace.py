"""Nobody closes the public form for the others, and nobody is remembered for it."""

from datetime import datetime, timedelta

import pytest
from starlette.testclient import TestClient

from tutela.adapters.web.networks import UNKNOWN, network_of
from tutela.hotline.app import HotlineParts, build
from tutela.hotline.pace import Pace
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable


class TurningSeal:
    def seal(self, data: bytes) -> bytes:
        return data[::-1]


@pytest.fixture
def parts(database: Database, clock: FixedClock) -> HotlineParts:
    return HotlineParts(
        database=database,
        seal=TurningSeal(),
        clock=clock,
        service_name="Test form",
        reports_per_minute=24,
    )


def sender(parts: HotlineParts, address: str) -> TestClient:
    return TestClient(build(parts), client=(address, 4711))


WHOLE = {"description": "A note."}


@pytest.mark.parametrize(
    ("path", "invalid", "status"),
    [
        ("/", {}, 422),
        ("/", {"description": "x" * 60_000}, 422),
        ("/", {f"field{number}": "x" for number in range(30)}, 422),
        ("/status", {"code": "aaaa"}, 404),
        ("/status", {"code": "0" * 20}, 404),
        ("/status", {}, 404),
    ],
)
def test_what_is_refused_takes_nobody_s_place(
    parts: HotlineParts, path: str, invalid: dict[str, str], status: int
) -> None:
    client = sender(parts, "198.51.100.7")
    assert {client.post(path, data=invalid).status_code for _ in range(60)} == {status}
    assert client.post("/", data=WHOLE).status_code == 201
    assert client.post("/status", data={"code": "aaaa-aaaa-aaaa-aaaa-aaaa"}).status_code == 404


@pytest.mark.parametrize("flooding", ["198.51.100.7", "127.0.0.1", "2001:db8:1:100::7"])
def test_whoever_floods_the_form_closes_it_for_nobody_else(
    parts: HotlineParts, flooding: str
) -> None:
    app = build(parts)
    flood = TestClient(app, client=(flooding, 4711))
    answers = [flood.post("/", data=WHOLE).status_code for _ in range(40)]
    assert answers[-1] == 503
    assert TestClient(app, client=("203.0.113.9", 4711)).post("/", data=WHOLE).status_code == 201


def test_one_network_with_many_addresses_is_one(clock: FixedClock) -> None:
    pace = Pace(per_minute=24)
    for host in (1, 2):
        pace.take(clock.at, network_of(f"198.51.100.{host}"))
    with pytest.raises(Unavailable):
        pace.take(clock.at, network_of("198.51.100.3"))


def test_all_together_have_a_bound_and_a_new_minute_begins_empty(clock: FixedClock) -> None:
    pace = Pace(per_minute=24)
    for number in range(24):
        pace.take(clock.at, network_of(f"10.0.{number}.1"))
    with pytest.raises(Unavailable):
        pace.take(clock.at, network_of("10.0.99.1"))
    later: datetime = clock.at + timedelta(minutes=1)
    pace.take(later, network_of("10.0.0.1"))
    pace.take(later - timedelta(hours=1), network_of("10.0.0.1"))  # the clock was put back


def test_networks_are_kept_as_digests_for_a_minute_and_bounded(clock: FixedClock) -> None:
    pace = Pace(per_minute=1_000_000)
    for number in range(6_000):
        pace.take(clock.at, f"10.{number // 256}.{number % 256}.0/24")
    first = set(pace._taken)
    assert len(first) <= 4_097
    assert not any(b"10." in mark for mark in first)
    pace.take(clock.at + timedelta(minutes=1), "10.0.0.0/24")
    assert len(pace._taken) == 1
    assert not first & set(pace._taken)  # another key: the same network has another digest


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:1ff::7", "2001:db8:1:100::/56"),
        ("127.0.0.1", UNKNOWN),
        ("::1", UNKNOWN),
        ("testclient", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_networks(host: str | None, network: str) -> None:
    assert network_of(host) == network


def test_a_proxy_that_does_not_name_its_callers_is_no_network() -> None:
    assert network_of("192.0.2.1", proxies=("192.0.2.0/28",)) == UNKNOWN
