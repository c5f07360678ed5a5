"""Which network a caller comes from: what a pace counts by, since one person has many addresses."""

import ipaddress
from collections.abc import Iterable

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""Who is taken for a proxy unless the settings say otherwise."""
UNKNOWN = ""
"""The caller comes through a proxy that does not say for whom, or from no address at all."""
_V4_BITS = 24
_V6_BITS = 56


def network_of(host: str | None, *, proxies: Iterable[str] = LOOPBACK) -> str:
    """The /24 (IPv4) or /56 (IPv6) of a caller; `UNKNOWN` for a proxy and for what is no address.

    Kept in memory only, and only as long as something is counted by it.
    """
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in ipaddress.ip_network(proxy) for proxy in proxies):
        return UNKNOWN
    bits = _V4_BITS if isinstance(address, ipaddress.IPv4Address) else _V6_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))
