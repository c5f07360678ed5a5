"""What handing in a picture costs: `POST /v1/media` of `tutela serve staff`, with N entries.

Drawn pictures as JPEG of quality 90, several of each size, none of which is listed: every answer
is looked at. One request at a time and as many as there are cores; in exact mode, and in fast mode
(`TUTELA_HASH_MODE`), where whatever comes near a list is hashed exactly before it counts.

Beside it threatexchange's own hashing and index (Pillow, `pdqhash`, the classes that HMA uses)
behind the same web server: one process that is sent the bare bytes, without a form, key or
database. HMA itself does more; `hma_per_second` is what was measured earlier of the whole of it
with one client and ten million entries (shared facts, hma.md 5d), not beside this run: a hint. It
answers one request at a time, so more clients would not raise that; ours is compared by what it
answers with as many clients as cores.

Environment: N (100,000), SECONDS_EACH (5) for a measurement, THEIRS=0 leaves the other out,
FORMAT=json prints one object.
"""

import argparse
import importlib.util
import io
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from circumstances import circumstances, line
from installation import SETTINGS, key_of_a_platform
from serve import drawn, fill, free_port, measured, running, show, until_ready
from starlette.types import Receive, Scope, Send

from tutela.adapters.postgres import embedded, migrate
from tutela.primitives.database import Database

SIZES = {"512x512": (512, 512), "1024x768": (1024, 768), "12 MP": (4032, 3024)}
HMA_PER_SECOND = {"512x512": 51, "1024x768": 26, "12 MP": 2}
GOALS = {"512x512": 4, "12 MP": 10}
MODES = ("exact", "fast")
_OF_EACH = 4
_QUALITY = 90
_EDGE = "drawn-by-a-script"


def pictures() -> Mapping[str, list[bytes]]:
    path = Path(__file__).resolve().parents[1] / "vectors" / "draw.py"
    spec = importlib.util.spec_from_file_location("drawn_for_bench", path)
    assert spec
    assert spec.loader
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    found: dict[str, list[bytes]] = {}
    for name, size in SIZES.items():
        for number, kind in enumerate(draw.GOLDEN_KINDS[:_OF_EACH]):
            held = io.BytesIO()
            draw.draw(kind, 500 + number, size).save(held, "JPEG", quality=_QUALITY)
            found.setdefault(name, []).append(held.getvalue())
    return found


def form(port: int, picture: bytes, key: str) -> bytes:
    """The whole request, with the picture as a form's file."""
    body = (
        f'--{_EDGE}\r\nContent-Disposition: form-data; name="file"; filename="drawn.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode()
    body += picture + f"\r\n--{_EDGE}--\r\n".encode()
    head = (
        f"POST /v1/media HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: multipart/form-data; boundary={_EDGE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def bare(port: int, picture: bytes) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture


def rates(
    port: int, requests: Mapping[str, list[bytes]], *, seconds: float, good: bytes
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, bodies in requests.items():
        for clients in (1, os.cpu_count() or 1):
            measured(port, bodies, clients=clients, seconds=0.5, good=good)
            one = measured(port, bodies, clients=clients, seconds=seconds, good=good)
            if one["wrong"]:
                raise SystemExit(f"{one['wrong']} answers were not {good!r}")
            found.setdefault(name, {})[f"c{clients}"] = one
    return found


def ours(home: Path, n: int, drawn_by_size: Mapping[str, list[bytes]], seconds: float) -> Any:  # noqa: ANN401 - JSON
    """Rates by mode and size, each mode in a process of its own."""
    with ExitStack() as stack:
        url = stack.enter_context(embedded(home / "postgres"))
        migrate(url)
        database = Database(url)
        stack.callback(database.close)
        fill(database, url, drawn(n))
        key = key_of_a_platform(database)
        found = {}
        for mode in MODES:
            port = free_port()
            environment = {
                "TUTELA_HOME": str(home),
                "TUTELA_STAFF_PORT": str(port),
                "TUTELA_HASH_MODE": mode,
            }
            command = [sys.executable, "-m", "tutela", "serve", "staff"]
            with running(command, environment | SETTINGS) as process:
                until_ready(port, [process])
                requests = {
                    name: [form(port, one, key) for one in some]
                    for name, some in drawn_by_size.items()
                }
                found[mode] = rates(port, requests, seconds=seconds, good=b'"no_known_match"')
        return found


def theirs(folder: Path, n: int, drawn_by_size: Mapping[str, list[bytes]], seconds: float) -> Any:  # noqa: ANN401 - JSON
    np.save(folder / "hashes.npy", drawn(n))
    port = free_port()
    command = [sys.executable, __file__, "--theirs", str(folder / "hashes.npy"), str(port)]
    with running(command, {"OMP_NUM_THREADS": "1"}) as process:
        until_ready(port, [process])
        requests = {name: [bare(port, one) for one in some] for name, some in drawn_by_size.items()}
        return rates(port, requests, seconds=seconds, good=b"[]")


def serve_theirs(path: str, port: int) -> None:
    """`threatexchange` hashes the bytes and asks its index, one process."""
    import uvicorn  # noqa: PLC0415 - of this process only
    from threatexchange.signal_type.pdq.signal import PdqSignal  # noqa: PLC0415

    hashes = np.load(path, mmap_mode="r")
    index = PdqSignal.get_index_cls().build(
        (row.tobytes().hex(), number) for number, row in enumerate(hashes)
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        content, more = b"", True
        while more:
            message = await receive()
            content += message["body"]
            more = message["more_body"]
        answer = b"ready"
        if content:
            pdq = PdqSignal.hash_from_bytes(content)
            answer = json.dumps([one.metadata for one in index.query(pdq)]).encode()
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def row(name: str, mode: str, size_bytes: int, mine: Any, other: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The figures of one size and mode; the ratio is that of one request at a time."""
    cores = f"c{os.cpu_count() or 1}"
    theirs_c1 = other.get("c1", {}).get("per_second_exact")
    return {
        "size": name,
        "mode": mode,
        "file_kb": round(size_bytes / 1000),
        "per_second": mine["c1"]["per_second_exact"],
        "p50_ms": mine["c1"]["p50_ms"],
        "p99_ms": mine["c1"]["p99_ms"],
        "per_second_all_cores": mine[cores]["per_second_exact"],
        "theirs_per_second": theirs_c1,
        "theirs_all_cores": other.get(cores, {}).get("per_second_exact"),
        "ratio": round(mine["c1"]["per_second_exact"] / theirs_c1, 1) if theirs_c1 else None,
        "hma_per_second": HMA_PER_SECOND[name],
        "goal": GOALS.get(name),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one object, as FORMAT=json does")
    chosen = parser.parse_args()
    if chosen.theirs:
        serve_theirs(chosen.theirs[0], int(chosen.theirs[1]))
        return
    n = int(os.environ.get("N", "100000"))
    seconds = float(os.environ.get("SECONDS_EACH", "5"))
    drawn_by_size = pictures()
    with tempfile.TemporaryDirectory(prefix="tutela-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        before = os.getloadavg()[0]
        mine = ours(folder, n, drawn_by_size, seconds)
        other = {}
        if os.environ.get("THEIRS") != "0":
            other = theirs(folder, n, drawn_by_size, seconds)
    rows = [
        row(size, mode, sum(map(len, some)) // len(some), mine[mode][size], other.get(size, {}))
        for size, some in drawn_by_size.items()
        for mode in MODES
    ]
    found = {"n": n, "load_before": round(before, 2), "media": rows}
    if chosen.json or os.environ.get("FORMAT") == "json":
        print(json.dumps({"circumstances": circumstances()} | found))
        return
    print(line())
    for one in rows:
        show(one)
        print()


if __name__ == "__main__":
    main()
