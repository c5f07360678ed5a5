"""The bodies of the questions to the law, as typed data."""

from typing import Literal

from pydantic import Field

from tutela.api.bodies import Country, Day, Moment, Short, Taken
from tutela.law.clauses import Choice
from tutela.law.comparing import Purpose

FactBody = bool | int | Short | list[Short] | None


class _Asked(Taken):
    as_of: Day | None = Field(default=None, description="The day whose law counts; today.")
    status: Literal["verified", "single_reviewer", "secondary", "recalled"] = Field(
        default="secondary", description="The weakest review status that counts."
    )


class DutiesBody(_Asked):
    """A case's facts; a fact that is left out is unknown."""

    facts: dict[Short, FactBody] = Field(max_length=200)
    jurisdictions: list[Country] = Field(default_factory=list, max_length=50)
    as_of: Moment | Day | None = Field(
        default=None, description="The day or moment whose law counts; now."
    )


class CompareBody(_Asked):
    """One conduct and two places."""

    requesting: Country
    requested: Country
    conduct: dict[Short, FactBody] = Field(max_length=50)
    purpose: Purpose = Purpose.EXTRADITION


class DraftBody(_Asked):
    """Requirements that need a clause in a place."""

    jurisdiction: Country
    requirements: list[Short] = Field(min_length=1, max_length=50)
    option: Choice = Choice.FLOOR
