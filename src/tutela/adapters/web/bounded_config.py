"""What all connections of one server share: its bounds, its places, and who is a proxy."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn

from tutela.adapters.web.bounds import Bounds
from tutela.adapters.web.slots import ConnectionSlots


class BoundedConfig(uvicorn.Config):
    """uvicorn's configuration, and the bounds that each connection asks it for."""

    def __init__(
        self,
        app: Any,  # noqa: ANN401 (as uvicorn says it)
        *,
        bounds: Bounds,
        trusted_proxies: Sequence[str],
        **named: Any,  # noqa: ANN401 (uvicorn's own)
    ) -> None:
        super().__init__(app, forwarded_allow_ips=list(trusted_proxies), **named)
        self.bounds = bounds
        self.slots = ConnectionSlots(bounds)
        self.trusts = _trusting(trusted_proxies)


def _trusting(proxies: Sequence[str]) -> Callable[[str], bool]:
    """Whether an address is one of `proxies`; one that cannot be read is none."""
    networks = [ipaddress.ip_network(one, strict=False) for one in proxies]

    def trusts(remote: str) -> bool:
        try:
            address = ipaddress.ip_address(remote)
        except ValueError:
            return False
        return any(address in network for network in networks)

    return trusts
