"""The story of an order to disable access: made once, sent until the platform confirms it."""

from datetime import datetime

import structlog
from dbos import DBOS

from tutela.primitives.clock import iso
from tutela.primitives.ids import CaseId
from tutela.reporting import restricting, store
from tutela.reporting.conversing import Next
from tutela.workflows.parts import Parts, durably, persist, story

log = structlog.get_logger()


@DBOS.workflow(name="restrict", max_recovery_attempts=None)
def restrict_story(case_id: str) -> str:
    """Order the platform to disable access to a case's items; returns how it ended."""
    with story(case_id) as parts:
        orders = durably("order", lambda: _ordered(parts, case_id))
        platform = parts.platform
        if platform is None or not orders:
            return "waits_for_a_person_or_is_done"
        ended = Next.DONE
        for order_id in orders:

            def send(order_id: str = order_id) -> Next:
                return restricting.deliver(
                    parts.database,
                    platform,
                    order_id,
                    unsealer=parts.desk.unsealer,
                    clock=parts.clock,
                )

            def give_up(order_id: str = order_id) -> None:
                _failed(parts, order_id)

            def retry(at: datetime, order_id: str = order_id) -> None:
                with parts.database.begin() as tx:
                    store.change_restriction(tx, order_id, next_try_at=at)
                log.warning("order_waits", case=case_id, order=order_id, next_try_at=iso(at))

            if persist("deliver", send, give_up, retry) is Next.STOPPED:
                ended = Next.STOPPED
        log.info("restrict_story_ended", case=case_id, ended=ended.value)
        return ended.value


def _ordered(parts: Parts, case_id: str) -> list[str]:
    with parts.database.begin() as tx:
        orders = restricting.order(
            tx,
            CaseId(case_id),
            has_platform=parts.platform is not None,
            at=parts.clock.now(),
        )
        return [order.id for order in orders]


def _failed(parts: Parts, order_id: str) -> None:
    with parts.database.begin() as tx:
        last = store.restriction(tx, order_id).last_why
        why = f"Not confirmed by the platform for {parts.pace.horizon.days} days; last: {last}."
        restricting.fail(tx, order_id, why=why, at=parts.clock.now())
