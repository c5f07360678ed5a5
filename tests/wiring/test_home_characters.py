"""A home folder works, or is refused with the character before anything starts."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from tutela.adapters.postgres import embedded
from tutela.primitives.errors import Misconfigured
from tutela.wiring.checking import check_everything
from tutela.wiring.settings import load_settings
from tutela.wiring.values import require_embeddable

REFUSED = [*" \"'`$\\&;|<>()*?[],", "\t", "\n", "\x1b", "\u00a0", "\u202e", "\udcff"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with tempfile.TemporaryDirectory(prefix="tutela-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("sign", REFUSED, ids=ascii)
def test_a_character_that_cannot_be_used_is_named_with_its_position(sign: str, place: Path) -> None:
    home = place / f"a{sign}b"
    settings = load_settings(home=home)
    with pytest.raises(Misconfigured) as caught:
        check_everything(settings)
    assert f"character {sign!a} at position {len(str(place)) + 3}" in str(caught.value)
    assert list(place.iterdir()) == []
    elsewhere = SecretStr("postgresql://nobody@127.0.0.1:1/none")
    assert load_settings(home=home, database_url=elsewhere).folder.name == home.name


@pytest.mark.parametrize("name", ["a+b%41c=@:#!{}~é中", "long-" * 40])
def test_a_home_that_is_not_refused_works(name: str, place: Path) -> None:
    require_embeddable(place / name)
    with embedded(place / name / "postgres") as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT current_database()")).scalar() == "tutela"
        engine.dispose()


def test_a_relative_home_a_trailing_slash_and_a_link_name_the_folder(place: Path) -> None:
    (place / "home").mkdir()
    (place / "link to it").symlink_to(place / "home")
    for given in (f"{place}/home/", f"{place}/./home", f"{place}/link to it"):
        assert load_settings(home=given).folder == place / "home"
    assert load_settings(home="home/").folder == Path.cwd() / "home"
