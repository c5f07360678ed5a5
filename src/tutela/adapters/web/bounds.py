"""What one connection may cost a server, before anybody knows who is calling."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Limits of every HTTP server of this program; sizes in bytes, times in seconds.

    `head_bytes` and `fields` bound a request's head and the trailers of its body; `target_bytes`
    its target. A head must be whole within `head_seconds` of its first byte. A body that is
    waited for, and an answer that is being read, must move by `bytes_per_second`; a pause of up
    to `pause_seconds` is made up for by what came before it. An idle connection is closed after
    `idle_seconds`; one that is refused, after `linger_seconds` in which the caller may read why.
    """

    head_bytes: int = 32 * 1024
    target_bytes: int = 8 * 1024
    fields: int = 100
    pipelined: int = 16
    head_seconds: float = 10.0
    idle_seconds: float = 5.0
    pause_seconds: float = 15.0
    bytes_per_second: int = 512
    linger_seconds: float = 3.0
    check_seconds: float = 1.0
    connections: int = 512
    connections_per_address: int = 128
