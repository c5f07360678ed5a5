"""Building a server: every HTTP port that this program opens is opened through here."""

import resource
from collections.abc import Sequence
from typing import Any

import uvicorn

from tutela.adapters.web.bounded_config import BoundedConfig
from tutela.adapters.web.bounded_protocol import BoundedProtocol
from tutela.adapters.web.bounds import Bounds
from tutela.adapters.web.networks import LOOPBACK

_OTHER_DESCRIPTORS = 512
"""Of the database, the blobs, the decoders and the index files."""


def server_of(
    app: Any,  # noqa: ANN401 (as uvicorn says it)
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    bounds: Bounds | None = None,
    trusted_proxies: Sequence[str] = LOOPBACK,
    protocol: type[BoundedProtocol] = BoundedProtocol,
    lifespan: bool = False,
) -> uvicorn.Server:
    """A server for `app`, with bounds on every connection and no log of who asked for what.

    `trusted_proxies` are addresses and networks whose `X-Forwarded-For` is believed and whose
    connections are not counted by address.
    """
    bounds = bounds or Bounds()
    config = BoundedConfig(
        app,
        bounds=bounds,
        trusted_proxies=trusted_proxies,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        lifespan="auto" if lifespan else "off",
        log_config=None,
        access_log=False,  # addresses and paths of people are nobody's log
        server_header=False,
        timeout_keep_alive=bounds.idle_seconds,
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)


def make_room_for_descriptors(bounds: Bounds) -> None:
    """Ask for as many open files as the connections need, and some for all other work.

    Where the machine does not allow so many, a connection may be refused earlier.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = bounds.connections + _OTHER_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
