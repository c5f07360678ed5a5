"""Whose password is checked when: strangers who flood the sign-in hold up nobody with an account.

A check takes 64 MiB, a connection to the database and a tenth of a second or more, and anybody
may ask for one. As long as a place is free all attempts go one way. When strangers have taken the
places, an attempt for a name that has an account has places apart. These cannot be flooded: a
name is refused without a check after a few failures (`accounts.signing_in`).

What is faster for a name with an account would tell who has one. So only a right password is
answered at once; a wrong one waits for its turn among the strangers, and its work is done there
as for a name that nobody has.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from tutela.accounts.signing_in import Attempt
from tutela.adapters.web.fair_places import Crowded, FairThreads, fair_threads

Result = TypeVar("Result")
AT_ONCE = 1
"""Passwords that are checked at the same time, of strangers: one check uses every core."""
WITH_ACCOUNT_AT_ONCE = 2
"""… and apart from them, for names that have an account."""
_WAITING = 64
_REFUSED_AFTER_SECONDS = 1.0
"""A refusal takes this long, so that it does not tell what was looked up meanwhile."""


class SignInQueue:
    """The places of one console's sign-in."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._strangers: FairThreads = fair_threads(
            threads=AT_ONCE, per_key=AT_ONCE, waiting_per_key=_WAITING // 2, waiting=_WAITING
        )
        self._with_account: FairThreads = fair_threads(
            threads=WITH_ACCOUNT_AT_ONCE, per_key=1, waiting_per_key=4, waiting=_WAITING
        )
        self._finishing: set[asyncio.Task[object]] = set()

    async def attempt(
        self,
        *,
        login: str,
        has_account: bool,
        network: str,
        check: Callable[[], Attempt],
        same_work: Callable[[], object],
    ) -> Attempt:
        """What `check` gives; `Crowded` when too many wait.

        `same_work` costs what a check of a name without an account costs, and does nothing.
        """
        if not has_account or self._strangers.is_free:
            return await self._as_stranger(network, check)
        among_strangers: asyncio.Task[object] = asyncio.ensure_future(
            self._as_stranger(network, same_work)
        )
        self._finishing.add(among_strangers)
        among_strangers.add_done_callback(self._finished)
        attempt = await self._with_account.run(login, check)
        if attempt.token is None:
            await asyncio.shield(among_strangers)
        return attempt

    async def _as_stranger(self, network: str, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        came_at = loop.time()
        try:
            return await self._strangers.run(network, work)
        except Crowded:
            await asyncio.sleep(max(0.0, came_at + _REFUSED_AFTER_SECONDS - loop.time()))
            raise

    def _finished(self, task: asyncio.Task[object]) -> None:
        """What became of a turn that nobody waits for any more is nobody's concern."""
        self._finishing.discard(task)
        if not task.cancelled():
            task.exception()
