import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import text

from tutela.accounts import passwords
from tutela.accounts.creating import create_account, disable_account
from tutela.accounts.model import Role
from tutela.accounts.signing_in import Attempt, session_of, sign_in, sign_out
from tutela.ledger.store import lines
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict, NotFound, Refused
from tutela.primitives.redacted import Redacted

PASSWORD = Redacted("four fictitious words here")
WRONG = Redacted("some other fictitious words")


@pytest.fixture(autouse=True)
def _person(database: Database, clock: FixedClock) -> None:
    with database.begin() as tx:
        create_account(
            tx,
            login="Person-A",
            password=PASSWORD,
            roles=[Role.REVIEWER],
            by="tests",
            at=clock.now(),
        )


def attempt(
    database: Database,
    clock: FixedClock,
    *,
    login: str = "person-a",
    password: Redacted[str] = PASSWORD,
) -> Attempt:
    with database.begin() as tx:
        return sign_in(tx, login=login, password=password, at=clock.now(), hours=8, attempts=3)


def actions(database: Database) -> list[str]:
    with database.begin() as tx:
        return [line.action for line in lines(tx)]


def test_the_right_password_opens_a_session(database: Database, clock: FixedClock) -> None:
    token, session = attempt(database, clock, login=" PERSON-A ").granted()
    with database.begin() as tx:
        found = session_of(tx, token, clock.now())
        stored = tx.execute(text("SELECT token_sha256 FROM sessions")).scalar_one()
    assert found == session
    assert session.actor.roles == {Role.REVIEWER}
    assert bytes(stored) == hashlib.sha256(token.reveal().encode()).digest()
    assert actions(database)[-1] == "signed_in"
    assert token.reveal() not in repr((token, session))


def test_wrong_unknown_and_disabled_get_the_same_answer(
    database: Database, clock: FixedClock
) -> None:
    wrong = attempt(database, clock, password=WRONG)
    unknown = attempt(database, clock, login="person-z", password=WRONG)
    with database.begin() as tx:
        disable_account(tx, login="person-a", by="tests", at=clock.now())
    disabled = attempt(database, clock)
    assert {str(each.refusal) for each in (wrong, unknown, disabled)} == {str(wrong.refusal)}
    with pytest.raises(Refused, match="name or password"):
        wrong.granted()
    assert actions(database).count("sign_in_refused") == 3


def test_an_unknown_login_costs_a_verification_too(
    database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            verified.append((password_hash, password))
            return False

        hash = staticmethod(lambda plain: f"hash of {len(plain)}")
        check_needs_rehash = staticmethod(lambda _hash: False)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    attempt(database, clock, login="person-z", password=WRONG)
    assert len(verified) == 1


def test_a_refused_attempt_is_remembered_and_the_limit_holds_for_the_right_password(
    database: Database, clock: FixedClock
) -> None:
    for _ in range(3):
        attempt(database, clock, password=WRONG)
    with pytest.raises(Refused, match="Too many attempts"):
        attempt(database, clock).granted()
    other = attempt(database, clock, login="person-z", password=WRONG)
    assert "name or password" in str(other.refusal)  # each login has its own limit
    clock.at += timedelta(minutes=15, seconds=1)
    attempt(database, clock).granted()


def test_guessing_many_names_does_not_fill_the_ledger(
    database: Database, clock: FixedClock
) -> None:
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO sign_in_attempts SELECT '\\x00'::bytea, :at, false "
                "FROM generate_series(1, 200)"
            ),
            {"at": clock.now()},
        )
    before = len(actions(database))
    attempt(database, clock, login="person-z", password=WRONG)
    assert len(actions(database)) == before


def test_sessions_end(database: Database, clock: FixedClock) -> None:
    token, _ = attempt(database, clock).granted()
    second, _ = attempt(database, clock).granted()
    assert token.reveal() != second.reveal()
    with database.begin() as tx:
        sign_out(tx, token, clock.now())
        sign_out(tx, token, clock.now())
        assert session_of(tx, token, clock.now()) is None
        assert session_of(tx, second, clock.now()) is not None
        assert session_of(tx, second, clock.now() + timedelta(hours=8)) is None
    assert actions(database).count("signed_out") == 1


def test_disabling_ends_sessions_at_once(database: Database, clock: FixedClock) -> None:
    token, _ = attempt(database, clock).granted()
    with database.begin() as tx:
        disable_account(tx, login="person-a", by="tests", at=clock.now())
        assert session_of(tx, token, clock.now()) is None
        with pytest.raises(Conflict):
            disable_account(tx, login="person-a", by="tests", at=clock.now())
        with pytest.raises(NotFound):
            disable_account(tx, login="person-z", by="tests", at=clock.now())


@pytest.mark.parametrize(
    ("login", "password", "roles", "error"),
    [
        ("person-a", PASSWORD, [Role.AUDITOR], Conflict),
        ("person-b", Redacted("short"), [Role.AUDITOR], BadInput),
        ("person-b", Redacted("x" * 2000), [Role.AUDITOR], BadInput),
        ("person-b", Redacted("person-b and more"), [Role.AUDITOR], BadInput),
        ("person-b", PASSWORD, [], BadInput),
        ("person-b", PASSWORD, [Role.PLATFORM], BadInput),
        ("", PASSWORD, [Role.AUDITOR], BadInput),
        ("person b", PASSWORD, [Role.AUDITOR], BadInput),
        ("person\x00b", PASSWORD, [Role.AUDITOR], BadInput),
    ],
)
def test_a_bad_account_is_refused_and_nothing_is_stored(
    *,
    database: Database,
    clock: FixedClock,
    login: str,
    password: Redacted[str],
    roles: list[Role],
    error: type[Exception],
) -> None:
    with pytest.raises(error), database.begin() as tx:
        create_account(tx, login=login, password=password, roles=roles, by="tests", at=clock.now())
    assert actions(database).count("account_created") == 1


def test_a_hash_made_with_a_lower_cost_is_renewed(database: Database, clock: FixedClock) -> None:
    weak = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with database.begin() as tx:
        tx.execute(
            text("UPDATE accounts SET password_hash = :hash"),
            {"hash": weak.hash(PASSWORD.reveal())},
        )
    attempt(database, clock).granted()
    with database.begin() as tx:
        renewed = tx.execute(text("SELECT password_hash FROM accounts")).scalar_one()
    assert not passwords.is_outdated(renewed)
