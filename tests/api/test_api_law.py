"""The four questions over HTTP; the law's own tests prove the answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.test_api_error_shape import Broken, app_with, shape

CONDUCT = {
    "conduct.act": "possess",
    "material.medium": "drawing",
    "material.depiction": "virtual_child",
    "victim.age": 12,
}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(app_with(Broken(ValueError())), raise_server_exceptions=False) as opened:
        opened.headers["Authorization"] = "Bearer reviewer"
        yield opened


def test_duties_of_a_case(client: TestClient) -> None:
    asked = {
        "facts": {"provider.established_in": "US", "decision.apparent_csam": True},
        "as_of": datetime(2026, 11, 21, 12, tzinfo=UTC).isoformat(),
        "jurisdictions": ["US"],
    }
    answer = client.post("/v1/law/duties", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = {each["rule_id"]: each for each in answer.json()["duties"]}
    assert found["us.2258A.report"]["outcome"] == "unknown"


def test_a_gap_says_the_unknown_share(client: TestClient) -> None:
    answer = client.get("/v1/law/gap?jurisdiction=DE&against=uncc&as_of=2026-11-21")
    assert answer.status_code == 200, answer.text
    assert answer.json()["against"] == ["UNCC"]
    assert 0 <= answer.json()["all"]["unknown_share"] <= 1


def test_a_comparison_at_the_recalled_level_names_the_divergence(client: TestClient) -> None:
    asked = {"requesting": "GB", "requested": "JP", "conduct": CONDUCT, "status": "recalled"}
    found = client.post("/v1/law/compare", json=asked).json()
    assert (found["both"], found["divergence"]) == ("no", "depiction")
    checked = client.post("/v1/law/compare", json=asked | {"status": "verified"}).json()
    assert checked["outcome"] == "unknown"


def test_a_draft_shows_its_effect(client: TestClient) -> None:
    asked = {"jurisdiction": "IE", "requirements": ["UNCC-14-1c"], "option": "floor"}
    found = client.post("/v1/law/draft", json=asked).json()
    assert found["clauses"]
    turned = {each["requirement"]: each["after"] for each in found["effect"]["changes"]}
    assert turned["UNCC-14-1c"].startswith("met")


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/v1/law/gap?jurisdiction=ZZ", "not_found", 404),
        ("/v1/law/gap?jurisdiction=DE&as_of=soon", "bad_input", 422),
        ("/v1/law/gap?jurisdiction=DE&against=nothing", "not_found", 404),
    ],
)
def test_bad_questions_have_the_one_shape(
    client: TestClient, path: str, code: str, status: int
) -> None:
    shape(client.get(path), status, code)


def test_nobody_asks_without_a_key(client: TestClient) -> None:
    answer = client.get("/v1/law/gap?jurisdiction=DE", headers={"Authorization": ""})
    shape(answer, 401, "not_signed_in")


def test_a_missing_parameter_is_named_and_none_is_repeated(client: TestClient) -> None:
    error = client.get("/v1/law/gap").json()["error"]
    assert error["why"] == "jurisdiction is missing"
    assert "docs/reference/api.md" in error["remedy"]
    error = client.get(f"/v1/law/gap?jurisdiction=DE&status={'private' * 50}").json()["error"]
    assert error["why"] == "status is not as asked"
