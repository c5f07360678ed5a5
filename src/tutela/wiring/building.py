"""Building what staff, worker and command line share, from the settings."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tutela.adapters.blobs import open_blobs
from tutela.adapters.media.jail import Jail
from tutela.cases.opening import open_case
from tutela.counsel.detection import Detecting
from tutela.evidence.ports import BlobStore
from tutela.evidence.sealing import Seal
from tutela.evidence.unsealing import Unsealer
from tutela.intake.admitting import Intake
from tutela.law.book import Lawbook
from tutela.ledger.outward import OutwardGate
from tutela.primitives.clock import Clock, SystemClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.wiring.background import Waits
from tutela.wiring.evidence_key import checked_pair, reference_key
from tutela.wiring.lawbook import lawbook_of
from tutela.wiring.limits import limits_of, video_limits_of
from tutela.wiring.matching import ListIndex, open_matching
from tutela.wiring.opening import attention_of, evidence_faults, open_database, outward_gate
from tutela.wiring.patience import patience
from tutela.wiring.provider import detecting_of
from tutela.wiring.settings import Settings, load_settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Everything a staff process or a command works with."""

    settings: Settings
    database: Database
    clock: Clock
    jail: Jail
    lists: ListIndex
    seal: Seal
    unsealer: Unsealer
    blobs: BlobStore
    book: Lawbook
    intake: Intake
    detecting: Detecting
    outward: OutwardGate
    waits: Waits

    def attention(self) -> Mapping[str, str]:
        """What a person must settle though items can be taken; raises `Unavailable`."""
        return attention_of(self.outward, self.database) | self.waits.attention()

    def evidence_faults(self) -> int:
        """Sealed items that are missing or damaged; 0 while the database is away."""
        try:
            return evidence_faults(self.database)
        except Unavailable:
            return 0


@contextmanager
def open_parts(settings: Settings | None = None, *, pool_size: int = 5) -> Iterator[Parts]:
    """Open database, keys, blobs, decoders and lists; close them at the end."""
    settings = settings or load_settings()
    with ExitStack() as stack:
        database = stack.enter_context(open_database(settings, pool_size=pool_size))
        jail = stack.enter_context(
            Jail(
                limits_of(settings),
                workers=settings.decoders,
                videos=video_limits_of(settings),
                starting=patience,
            )
        )
        blobs = open_blobs(settings.blobs_url, home=settings.folder)
        seal, unsealer = checked_pair(settings, database, blobs)
        references = reference_key(settings, database, seal)
        clock = SystemClock()
        book = lawbook_of(settings)
        detecting = detecting_of(settings, database, clock, book)
        lists, gate = stack.enter_context(open_matching(settings, database, lambda: detecting))
        yield Parts(
            settings=settings,
            database=database,
            clock=clock,
            jail=jail,
            lists=lists,
            seal=seal,
            unsealer=unsealer,
            blobs=blobs,
            book=book,
            intake=Intake(
                database,
                jail,
                gate,
                seal,
                blobs,
                clock,
                open_case=open_case,
                references=references,
                mode=settings.hash_mode,
            ),
            detecting=detecting,
            outward=outward_gate(settings, database, clock),
            waits=Waits(database, clock, late_after=settings.late_after),
        )
