"""What waits or fails in the background, for the pages and for /readyz of this process."""

from datetime import timedelta

from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.reporting.waiting import FIXED_WORDS, Waiting, waiting


class Waits:
    """Reads anew each time it is asked."""

    def __init__(self, database: Database, clock: Clock, *, late_after: timedelta) -> None:
        """`late_after`: the age at which a report that is under way is said to be late."""
        self._database = database
        self._clock = clock
        self._late_after = late_after

    def found(self) -> tuple[Waiting, ...]:
        """What waits now; raises `Unavailable`."""
        with self._database.begin() as tx:
            return waiting(tx, at=self._clock.now(), late_after=self._late_after)

    def announced(self) -> tuple[Waiting, ...]:
        """The same for a page, which has an error of its own while the database is away."""
        try:
            return self.found()
        except Unavailable:
            return ()

    def attention(self) -> dict[str, str]:
        """Names and fixed words alone: whoever reaches the port may read them.

        Raises `Unavailable`.
        """
        return {each.concern.value: FIXED_WORDS[each.concern] for each in self.found()}
