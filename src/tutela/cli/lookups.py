"""The lookup process, put together from its parts."""

from tutela.cli.loading import loading
from tutela.wiring.disk import Disks, disks_of
from tutela.wiring.lookups import Lookups, open_lookups
from tutela.wiring.opening import attention_of
from tutela.wiring.settings import Settings


def serve_lookups(settings: Settings) -> None:
    """Answer on the addresses that look up hashes, and on the process's state, until it ends."""
    disks = disks_of(settings, written=False)
    with open_lookups(settings) as lookups:
        with loading():  # while the indexes are read
            from tutela.api.parts import LookupParts  # noqa: PLC0415
            from tutela.api.serving import build_lookup  # noqa: PLC0415
            from tutela.cli.listening import serve  # noqa: PLC0415

        app = build_lookup(
            LookupParts(
                look_up=lookups.look_up,
                clock=lookups.clock,
                authenticate=lookups.authenticated,
                index_state=lookups.lists.state,
                attention=lambda: _attention(lookups, disks),
                requests_per_minute=settings.api_requests_per_minute,
            )
        )
        serve(app, settings.lookup_host, settings.lookup_port, settings=settings, shared=True)


def _attention(lookups: Lookups, disks: Disks) -> dict[str, str]:
    """What a person must settle; a full disk stops no looking up."""
    found = attention_of(lookups.outward, lookups.database)
    full = disks.said()
    return found if full == "ok" else {**found, "disk": full}
