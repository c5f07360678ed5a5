"""docs/reference/api.md names every address, field, finding, state and error code."""

from pathlib import Path

from tutela.api import bodies, faults
from tutela.cases.model import State
from tutela.indicators.model import Finding
from tutela.primitives import errors

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text("utf-8")


def test_every_field_finding_and_state_is_documented() -> None:
    named = {
        name
        for kind in (
            bodies.ContextBody,
            bodies.HashesBody,
            bodies.MediaBody,
            bodies.LookupBody,
            bodies.MediaAnswer,
            bodies.MatchAnswer,
            bodies.LookupAnswer,
            bodies.CaseAnswer,
            bodies.ErrorBody,
        )
        for name, field in kind.model_fields.items()
        if field.serialization_alias is None
    }
    missing = [name for name in named | set(Finding) | set(State) if name not in PAGE]
    assert missing == []
    assert f"{bodies.MAX_LOOKUPS:,}" in PAGE


def test_every_error_code_that_the_api_can_give_is_documented_with_its_status() -> None:
    kinds = [
        errors.TutelaError,
        errors.BadInput,
        errors.NotFound,
        errors.Refused,
        errors.Conflict,
        errors.Unavailable,
        errors.Misconfigured,
        faults.NotSignedIn,
        faults.TooLarge,
        faults.TooMany,
        faults.TooSlow,
        faults.WrongBody,
    ]
    missing = [kind.code for kind in kinds if f"| {kind.http_status} | `{kind.code}` |" not in PAGE]
    assert missing == []
