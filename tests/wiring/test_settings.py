"""One table of settings: typed, documented, example secrets refused outside the demo."""

import os
from pathlib import Path
from typing import get_args

import pyrage
import pytest

from own_lawbook import own_lawbook
from tutela.primitives.errors import Misconfigured
from tutela.wiring.checking import check_everything
from tutela.wiring.provider import provider_facts
from tutela.wiring.settings import Settings, load_settings, unknown_variables
from tutela.wiring.values import EXAMPLE_SECRETS


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
    with pytest.raises(Misconfigured, match="STAFF_PROT is no setting"):
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
    key.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    key.chmod(0o644)
    found = {check.part: check for check in check_everything(load_settings())}
    assert found["evidence key"].state == "missing"
    key.chmod(0o600)
    found = {check.part: check for check in check_everything(load_settings())}
    assert found["evidence key"].state == "ok"
    key.unlink()
    found = {check.part: check for check in check_everything(load_settings())}
    assert found["evidence key"].why == "not made yet: run `tutela init`"
    (tmp_path / "home" / "evidence.recipient").write_text("age1…")
    found = {check.part: check for check in check_everything(load_settings())}
    assert found["evidence key"].state == "missing"
    assert "restore it" in found["evidence key"].why


@pytest.mark.parametrize("given", ["GB,US", " GB , US ", '["GB", "US"]'])
def test_countries_are_written_with_commas(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_SERVICE_TARGETS_MARKETS", given)
    assert load_settings().service_targets_markets == ("GB", "US")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SERVICE_TARGETS_MARKETS", '["GB"', "with commas"),
        ("CYBERTIP_URL", "notaurl", "https://"),
        ("CYBERTIP_URL", "ftp://127.0.0.1/", "https://"),
        ("CYBERTIP_URL", "https://", "https://"),
        ("CYBERTIP_URL", "https://127.0.0.1:port/", "TUTELA_CYBERTIP_URL"),
        ("PLATFORM_WEBHOOK_URL", "https://name:hunter2@127.0.0.1/", "password"),
        ("PLATFORM_WEBHOOK_SECRET", "Change_Me!", "TUTELA_PLATFORM_WEBHOOK_SECRET is an example"),
        ("CONFIG", "absent.toml", "no such file"),
    ],
)
def test_a_value_that_cannot_work_is_named_with_what_would(
    name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TUTELA_{name}", value)
    with pytest.raises(Misconfigured, match=why) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"staff_port = = 3", "no TOML"), (b'provider_name = "\xff"', "not UTF-8")],
)
def test_a_broken_file_of_settings_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "tutela.toml").write_bytes(content)
    with pytest.raises(Misconfigured, match=why):
        load_settings()


@pytest.mark.parametrize("name", ["DATABASE_URL", "BLOBS_URL", "PROVIDER_IS_ELECTRONIC_SERVICE"])
def test_what_may_be_unset_is_unset_when_empty(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"TUTELA_{name}", "")
    assert getattr(load_settings(), name.lower()) is None


@pytest.mark.parametrize(
    ("name", "value", "part", "why"),
    [
        ("PROVIDER_ESTABLISHED_IN", "Atlantis", "provider", "ISO 3166-1"),
        ("PROVIDER_ESTABLISHED_IN", "UK", "provider", "United Kingdom is GB"),
        ("SERVICE_TYPE", "bakery", "provider", "expected one of u2u"),
        ("SERVICE_TARGETS_MARKETS", "GB,Europe", "provider", "ISO 3166-1"),
        ("DATABASE_URL", "rubbish", "database", "TUTELA_DATABASE_URL cannot be read"),
        ("DATABASE_URL", "postgresql://u:hunter[2@127.0.0.1:x/y", "database", "cannot be read"),
        ("BLOBS_URL", "ftp://127.0.0.1/y", "evidence store", "TUTELA_BLOBS_URL"),
        ("BLOBS_URL", "s3://", "evidence store", "names no bucket"),
        ("EVIDENCE_RECIPIENT", "foo", "evidence key", "TUTELA_EVIDENCE_RECIPIENT"),
        ("EVIDENCE_IDENTITY_FILE", "absent", "evidence key", "no such file"),
        ("STAFF_PROT", "9000", "environment", "TUTELA_STAFF_PROT"),
    ],
)
def test_check_names_what_would_fail_later(
    name: str, value: str, part: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv(f"TUTELA_{name}", value)
    found = {check.part: check for check in check_everything(load_settings())}
    assert found[part].state == "missing"
    assert why in found[part].why
    assert "hunter" not in str(found)


def test_check_knows_the_variables_that_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELA_KERNELS", "/srv/kernels")
    assert unknown_variables() == []
    monkeypatch.setenv("TUTELA_KERNEL", "/srv/kernels")
    assert unknown_variables() == ["TUTELA_KERNEL"]


def test_an_answer_the_lawbook_cannot_read_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong code would quietly answer "no duty" to every question about a country."""
    monkeypatch.setenv("TUTELA_PROVIDER_ESTABLISHED_IN", "UK")
    with pytest.raises(Misconfigured, match="TUTELA_PROVIDER_ESTABLISHED_IN"):
        provider_facts(load_settings(), own_lawbook())


def test_a_home_that_is_no_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "file"))
    found = {check.part: check for check in check_everything(load_settings())}
    assert (found["home"].state, found["database"].state) == ("missing", "missing")
    assert "Set TUTELA_HOME" in found["database"].why
    monkeypatch.setenv("TUTELA_HOME", "~nobody-of-this-name/x")
    with pytest.raises(Misconfigured, match="Give the whole path"):
        check_everything(load_settings())


def test_the_null_device_stands_for_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tutela.toml").write_text('provider_name = "From file"\n')
    monkeypatch.setenv("TUTELA_CONFIG", os.devnull)
    assert load_settings().provider_name == ""
    monkeypatch.setenv("TUTELA_CONFIG", str(tmp_path / "absent.toml"))
    with pytest.raises(Misconfigured, match="there is no such file"):
        load_settings()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_no_value_of_another_type_in_the_file_is_taken_for_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`true` is no port and 1 is no yes: whatever a setting's type, only its own values count."""
    monkeypatch.delenv("TUTELA_HOME")
    annotation = Settings.model_fields[name].annotation
    kinds = {annotation, *get_args(annotation)}
    wrong = ["2026-01-01", "{a = 1}"]
    wrong += ["true", "false"] if bool not in kinds else ["0", "1", "1.0"]
    wrong += ["8400.0", "1e3"] if float not in kinds else []
    for value in wrong:
        (tmp_path / "tutela.toml").write_text(f"{name} = {value}\n", "utf-8")
        with pytest.raises(Misconfigured, match=f"TUTELA_{name.upper()}"):
            load_settings()
