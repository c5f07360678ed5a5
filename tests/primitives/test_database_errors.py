"""What the database's errors say ends in the log: which statement, never its values."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tutela.primitives.database import Database


def test_an_error_names_the_statement_and_none_of_its_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.begin() as tx:
        tx.execute(
            text("SELECT login FROM accounts WHERE login = :login"), {"login": "person-a\x00"}
        )
    assert "SELECT login FROM accounts" in str(caught.value)
    assert "person-a" not in str(caught.value)
