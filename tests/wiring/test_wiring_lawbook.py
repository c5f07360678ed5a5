"""The operator's own lawbook folder and facts file: what they change, and when they are refused."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from own_lawbook import own_lawbook
from tutela.cli import app
from tutela.law.book import Lawbook
from tutela.primitives.errors import BadInput, Misconfigured
from tutela.wiring.lawbook import lawbook_of
from tutela.wiring.provider import provider_facts
from tutela.wiring.settings import load_settings

OURS = own_lawbook()
RULE = "us.2258A.report"
OWN = """
rules:
  - id: us.2258A.report
    jurisdiction: US
    title: Our counsel's reading
    summary: Not law; a rule for tests.
    legal_status: in_force
    legal_basis: [{cite: "18 U.S.C. 2258A(a)", source: our-counsel, status: recalled}]
    in_force:
      {from: 2024-05-07, to: null, before: unrecorded,
       cite: c, source: our-counsel, status: recalled}
    status: recalled
    reviewers: []
    action: report
    bearer: {fact: provider.ours, eq: true, cite: c, source: our-counsel, status: recalled}
    connection: {fact: provider.ours, eq: true, cite: c, source: our-counsel, status: recalled}
    trigger:
      {fact: decision.apparent_csam, eq: true, cite: c, source: our-counsel, status: recalled}
    clock: {kind: none, cite: c, source: our-counsel, status: recalled}
    recipients: [{id: a, body: A body, cite: c, source: our-counsel, status: recalled}]
"""
SOURCE = """
sources:
  - {id: our-counsel, kind: recalled, locator: a file note, retrieved: 2026-11-21,
     text_sha256: null, reviewers: [], status: recalled}
"""
FACT = """
facts:
  - {name: provider.ours, kind: bool, asked: counsel, question: Is it ours?, meaning: For tests.}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    own = tmp_path / "own-law"
    (own / "us").mkdir(parents=True)
    (own / "us" / "ours.yaml").write_text(OWN)
    (own / "sources.yaml").write_text(SOURCE)
    (own / "facts.yaml").write_text(FACT)
    return own


def test_an_own_rule_takes_the_place_of_ours_and_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lawbook_of(load_settings()).digest == OURS.digest
    monkeypatch.setenv("TUTELA_LAWBOOK", str(folder))
    book = lawbook_of(load_settings())
    assert [rule.title for rule in book.editions(RULE)] == ["Our counsel's reading"]
    assert book.origins == {f"rules {RULE}": "own-law"}
    assert len(book.rules) == len(OURS.rules)
    others = [rule.version for rule in book.rules if rule.id != RULE]
    assert others == [rule.version for rule in OURS.rules if rule.id != RULE]
    assert book.editions(RULE)[0].version != OURS.editions(RULE)[0].version
    shown = CliRunner().invoke(app, ["law", "show", RULE, "--json"], catch_exceptions=False)
    assert json.loads(shown.stdout)["origin"] == "own-law"
    listed = CliRunner().invoke(app, ["law", "rules", "--json"], catch_exceptions=False)
    origins = {each["id"]: each["origin"] for each in json.loads(listed.stdout)["rules"]}
    assert (origins.pop(RULE), set(origins.values())) == ("own-law", {None})


def test_a_folder_that_is_not_there_or_faulty_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTELA_LAWBOOK", str(tmp_path / "absent"))
    with pytest.raises(Misconfigured, match="TUTELA_LAWBOOK"):
        lawbook_of(load_settings())
    (folder / "sources.yaml").unlink()
    monkeypatch.setenv("TUTELA_LAWBOOK", str(folder))
    with pytest.raises(BadInput, match="our-counsel"):
        lawbook_of(load_settings())


def test_a_file_that_cannot_be_read_is_a_fault_and_an_editors_lock_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTELA_LAWBOOK", str(folder))
    (folder / "us" / ".#ours.yaml").symlink_to("person-a@host.1234")
    assert lawbook_of(load_settings()).origins
    own = folder / "us" / "more.yaml"
    own.write_bytes("rules: [é]".encode("latin-1"))
    with pytest.raises(BadInput, match=r"us/more\.yaml is refused.*UTF-8"):
        lawbook_of(load_settings())
    own.unlink()
    own.symlink_to(folder / "absent.yaml")
    with pytest.raises(BadInput, match=r"us/more\.yaml is refused"):
        lawbook_of(load_settings())
    own.unlink()
    (folder / "facts.yaml").write_bytes(b"facts: \xff")
    with pytest.raises(BadInput, match=r"facts\.yaml is refused"):
        lawbook_of(load_settings())


@pytest.fixture
def book() -> Lawbook:
    return OURS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decision.apparent_csam: true", "no facts of provider"),
        ("counsel.nothing_of_the_kind: true", "no fact called"),
        ("service.type: website", "service.type"),
        ("- a list", "expected a mapping"),
    ],
)
def test_a_facts_file_is_refused_with_its_setting(
    text: str, said: str, book: Lawbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "facts.yaml"
    file.write_text(text)
    monkeypatch.setenv("TUTELA_LAW_FACTS", str(file))
    with pytest.raises(Misconfigured, match="TUTELA_LAW_FACTS") as caught:
        provider_facts(load_settings(), book)
    assert said in str(caught.value)


def test_a_facts_file_answers_what_has_no_setting_and_the_settings_win(
    book: Lawbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "facts.yaml"
    file.write_text("service.available_in: [US]\nservice.type: u2u\nprovider.ours: null\n")
    monkeypatch.setenv("TUTELA_LAW_FACTS", str(file))
    with pytest.raises(Misconfigured, match=r"provider\.ours"):
        provider_facts(load_settings(), book)
    file.write_text("service.available_in: [US]\nservice.type: u2u\n")
    monkeypatch.setenv("TUTELA_SERVICE_TYPE", "messaging")
    facts = provider_facts(load_settings(), book)
    assert (facts["service.available_in"], facts["service.type"]) == (["US"], "messaging")
