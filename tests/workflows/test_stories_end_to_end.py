"""The worker's stories on the real engine: a decided case becomes a receipt, an order, a hold."""

from tutela.cases.model import State
from tutela.reporting.reports import ReportState
from tutela.workflows import engine
from tutela.workflows.relaying import relay
from workflows.filing_world import World


def test_a_decided_case_is_reported_preserved_and_waits_for_the_platform(
    world: World, database_url: str
) -> None:
    case_id = world.decided()
    world.accept()
    with world.sandbox() as (sandbox, authority):
        parts = world.parts(authority)
        with engine.started(database_url, parts):
            done = relay(parts, poll_seconds=0.05, once=True)
    assert done.waiting == 0
    report = world.report(case_id)
    assert report.state is ReportState.FINISHED, report.why
    assert [each.state for each in sandbox.reports.all()] == ["finished"]
    assert world.case(case_id).state is State.DECIDED
    assert world.ledger_holds()
