"""`tutela law`: for people and for programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tutela.cli import app
from tutela.primitives.errors import BadInput, NotFound

RUN = CliRunner()
FACTS = {
    "provider.established_in": "US",
    "provider.is_electronic_service": True,
    "decision.apparent_csam": True,
    "event.uploader_location": "JP",
}


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FACTS), "utf-8")
    return path


def run(*words: object) -> str:
    result = RUN.invoke(app, ["law", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_duties_for_programs(facts: Path) -> None:
    out = run("duties", "--facts", facts, "--as-of", "2026-11-21", "--jurisdiction", "US", "--json")
    assert out.count("\n") == 1
    data = json.loads(out)
    shown = {each["rule_id"]: each for each in data["duties"] if "2258A" in each["rule_id"]}
    assert {rule_id: each["state"] for rule_id, each in shown.items()} == {
        "us.2258A.preserve": "unknown",
        "us.2258A.report": "unknown",
    }
    assert {each["weaker"]["state"] for each in shown.values()} == {"owed"}
    assert data["floor"] == "secondary"
    [why] = {each["why"] for each in data["duties"] if each["rule_id"] == "us.2258A.report"}
    assert why.startswith("Cannot say at status secondary: rests on recalled text (18 U.S.C. 2258A")
    assert "2258E" in why
    words = ("--as-of", "2026-11-21", "--jurisdiction", "US", "--status", "recalled", "--json")
    weaker = json.loads(run("duties", "--facts", facts, *words))
    states = {each["rule_id"]: each["state"] for each in weaker["duties"]}
    assert {states[rule_id] for rule_id in shown} == {"owed"}
    assert data["as_of"] == "2026-11-21"
    assert data["uncovered"] == ["JP"]


def test_duties_for_people(facts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutela.cli.law.OUT.width", 260, raising=False)
    out = run("duties", "--facts", facts, "--as-of", "2026-11-21T12:00:00Z")
    for words in (
        "us.2258A.report",
        "as soon as reasonably possible",
        "no end yet: destroy nothing",
        "not the same as no duty): JP",
        "[event.reported_to_ncmec_at, ask the system]",
        "text from secondary on",
        "recalled: owed",
    ):
        assert words in out
    weaker = run("duties", "--facts", facts, "--as-of", "2026-11-21", "--status", "recalled")
    assert "Report to: National Center for Missing & Exploited Children" in weaker
    assert "Report to:" not in out
    assert "no duty" not in out.replace("not the same as no duty", "")


def test_facts_may_be_yaml_and_the_day_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("provider.established_in: NO\n", "utf-8")
    data = json.loads(run("duties", "--facts", path, "--json"))
    assert data["uncovered"] == ["NO"]
    assert data["as_of"].endswith("Z")


def test_rules_are_listed_and_shown() -> None:
    listed = json.loads(run("rules", "--json"))
    ids = [each["id"] for each in listed["rules"]]
    assert "gb.osa-s66.report" in ids
    shown = json.loads(run("show", "gb.osa-s66.report", "--json"))
    assert shown["editions"][0]["id"] == "gb.osa-s66.report"
    assert "recalled" in run("rules")
    text = run("show", "gb.osa-s66.report")
    assert "OSA s.70(5)" in text
    assert "version" in text


def test_facts_of_the_other_question_are_named(facts: Path, tmp_path: Path) -> None:
    conduct = tmp_path / "conduct.yaml"
    conduct.write_text("conduct.act: possess\nvictim.age: 12\n", "utf-8")
    asked = (
        (["duties", "--facts", str(conduct)], "conduct.act, victim.age"),
        (["compare", "GB", "JP", "--conduct", str(facts)], "provider.established_in"),
    )
    for words, unasked in asked:
        told = RUN.invoke(app, ["law", *words, "--json"], catch_exceptions=False)
        assert unasked in " ".join(told.stderr.split())
        assert json.loads(told.stdout)
    told = RUN.invoke(app, ["law", "duties", "--facts", str(facts), "--json"])
    assert told.stderr == ""


def test_no_word_begins_so_is_said() -> None:
    assert "No word begins so" in run("words", "zzz")
    assert json.loads(run("words", "zzz", "--json")) == {"words": []}


def test_instruments_and_requirements_are_one_object_a_line() -> None:
    listed = [json.loads(line)["id"] for line in run("instruments", "--json").splitlines()]
    assert "MNR" in listed
    asked = [json.loads(line)["id"] for line in run("instruments", "MNR", "--json").splitlines()]
    assert "MNR-1" in asked


def test_one_outcome_alone_is_shown_to_programs_as_to_people() -> None:
    words = ("gap", "--jurisdiction", "GB", "--status", "recalled", "--json")
    whole, some = json.loads(run(*words)), json.loads(run(*words, "--only", "unknown"))
    rows = [row for row in whole["requirements"] if row["outcome"] == "unknown"]
    assert 0 < len(rows) < len(whole["requirements"])
    assert some == whole | {"requirements": rows}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["show", "xx.nothing"], NotFound),
        (["duties", "--facts", "absent.json"], BadInput),
        (["duties", "--facts", "{facts}", "--as-of", "yesterday"], BadInput),
        (["duties", "--facts", "{facts}", "--as-of", "2026-11-21T12:00:00"], BadInput),
        (["duties", "--facts", "{facts}", "--jurisdiction", "ZZ"], NotFound),
        (["duties", "--facts", "{facts}", "--status", "disputed"], BadInput),
        (["duties", "--facts", "{facts}", "--status", "sure"], BadInput),
        (["gap", "--jurisdiction", "DE", "--only", "good"], BadInput),
    ],
)
def test_misuse_has_a_clear_answer(words: list[str], error: type[Exception], facts: Path) -> None:
    filled = [str(facts) if word == "{facts}" else word for word in words]
    with pytest.raises(error):
        RUN.invoke(app, ["law", *filled], catch_exceptions=False)
