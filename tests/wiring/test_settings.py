"""One table of settings: typed, documented, example secrets refused outside the demo."""

from pathlib import Path

import pytest

from tutela.primitives.errors import Misconfigured
from tutela.wiring.checking import check_everything
from tutela.wiring.settings import EXAMPLE_SECRETS, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tutela.toml").write_text('provider_name = "From file"\nstaff_port = 9000\n')
    monkeypatch.setenv("TUTELA_PROVIDER_NAME", "From environment")
    settings = load_settings()
    assert (settings.provider_name, settings.staff_port) == ("From environment", 9000)


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tutela.toml").write_text("staff_prot = 9000\n")
    with pytest.raises(Misconfigured, match="STAFF_PROT"):
        load_settings()


def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_STAFF_PORT", "hunter2")
    with pytest.raises(Misconfigured, match="TUTELA_STAFF_PORT") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("word", sorted(EXAMPLE_SECRETS))
@pytest.mark.parametrize("name", ["CYBERTIP_PASSWORD", "PLATFORM_WEBHOOK_SECRET"])
def test_example_secrets_open_nothing_outside_the_demo(
    name: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TUTELA_{name}", word)
    with pytest.raises(Misconfigured, match="example from the documentation"):
        load_settings()
    monkeypatch.setenv("TUTELA_DEMO", "1")
    assert load_settings().demo


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_CYBERTIP_PASSWORD", "a-real-one")
    assert "a-real-one" not in repr(load_settings())


def test_nothing_outside_is_contacted_by_default() -> None:
    assert load_settings().outbound_hosts == frozenset()


def test_hosts_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_CYBERTIP_URL", "https://authority.example/api")
    monkeypatch.setenv("TUTELA_PLATFORM_WEBHOOK_URL", "https://platform.example/hook")
    assert load_settings().outbound_hosts == {"authority.example", "platform.example"}


def test_check_names_what_is_missing_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("TUTELA_CYBERTIP_URL", "https://authority.example/api")
    found = {check.part: check for check in check_everything(load_settings())}
    assert found["database"].state == "missing"
    assert "did not answer" in found["database"].why
    assert found["provider"].state == "missing"
    assert "TUTELA_PROVIDER_ESTABLISHED_IN" in found["provider"].why
    assert "TUTELA_CYBERTIP_PASSWORD" in found["CyberTipline"].why
    assert found["platform webhook"].state == "off"


def test_check_sees_a_key_others_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    key = tmp_path / "home" / "keys" / "evidence.agekey"
    key.parent.mkdir(parents=True)
    key.write_text("a key")
    key.chmod(0o644)
    found = {check.part: check for check in check_everything(load_settings())}
    assert found["evidence key"].state == "missing"
    key.chmod(0o600)
    found = {check.part: check for check in check_everything(load_settings())}
    assert found["evidence key"].state == "ok"
