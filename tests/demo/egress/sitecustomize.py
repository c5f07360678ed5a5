"""Loaded by every Python process of the test: writes down each host that is named or called."""

import os
import sys
from pathlib import Path

_LOG = os.environ.get("TUTELA_TEST_EGRESS_LOG")


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "unix"
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"} or event == "urllib.Request":
        host = arguments[0]
    else:
        return
    with Path(str(_LOG)).open("a", encoding="utf-8") as log:
        log.write(f"{event} {host!s}\n")


if _LOG:
    sys.addaudithook(_watch)
