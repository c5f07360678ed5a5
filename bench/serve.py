"""`make bench-serve`: what looking up hashes over HTTP costs on this machine, with N entries.

An embedded PostgreSQL gets N drawn entries. Real `tutela serve lookup` processes answer a load
generator that runs in a process of its own and checks every answer. Each lookup of ours pays
for its key, the search and the database's confirmation.

Beside it `threatexchange`'s PDQ index (the classes that HMA uses) answers the same hashes from
one process behind the same web server, with no key, no database and no JSON beyond the list of
hits: what its index costs when everything around it costs nothing. HMA itself does more.

Environment: N (10,000,000), WORKERS (2), SECONDS_EACH (5) for a measurement, THEIRS=0 leaves the
other out, FORMAT=json prints one object, KEEP names a folder that is kept for the next run.
"""

import argparse
import json
import multiprocessing
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from circumstances import circumstances, line
from installation import SETTINGS, key_of_a_platform
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from tutela.adapters.postgres import embedded, migrate
from tutela.indicators import listing
from tutela.primitives.database import Database

BATCH = 10_000
CONNECTIONS = 16
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("list_bytes", ">i4"),
        ("list_id", "S31"),
        ("kind_bytes", ">i4"),
        ("kind", "S3"),
        ("value_bytes", ">i4"),
        ("value", np.uint8, 32),
        ("external_bytes", ">i4"),
        ("external_id", "S10"),
        ("change_bytes", ">i4"),
        ("change", ">i8"),
    ]
)
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'list_entries'"
_ONCE = "list_entries_once_a_record"


def drawn(n: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (n, 32), dtype=np.uint8)


def fill(database: Database, owner_url: str, hashes: np.ndarray) -> float:
    """Put the entries into one list by COPY, without triggers and with the indexes made after."""
    began = time.perf_counter()
    now = datetime.now(UTC)
    with database.begin() as tx:
        list_id = listing.create(tx, name="drawn", by="bench", at=now).id
    owner = Database(owner_url)
    with owner.engine.begin() as tx:
        tx.execute(text("RESET ROLE"))
        made = [row for row in tx.execute(text(_INDEXES)) if "pkey" not in row[0]]
        tx.execute(text(f"ALTER TABLE list_entries DISABLE TRIGGER USER, DROP CONSTRAINT {_ONCE}"))
        for name, _ in made:
            tx.execute(text(f"DROP INDEX IF EXISTS {name}"))
        driver: Any = tx.connection.driver_connection
        columns = "list_id, kind, value, external_id, change"
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY list_entries ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for first in range(0, len(hashes), 100_000):
                copy.write(_rows(list_id, first, hashes[first : first + 100_000]))
            copy.write(b"\xff\xff")
        for _, definition in made:
            tx.execute(text(definition))
        tx.execute(
            text(f"ALTER TABLE list_entries ADD CONSTRAINT {_ONCE} UNIQUE USING INDEX {_ONCE}")
        )
        tx.execute(text("ALTER TABLE list_entries ENABLE TRIGGER USER"))
        tx.execute(text(f"SELECT setval('list_entries_change', {len(hashes)})"))
    with owner.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(text("RESET ROLE"))
        tx.execute(text("VACUUM ANALYZE list_entries"))
    owner.close()
    return time.perf_counter() - began


def _rows(list_id: str, first: int, hashes: np.ndarray) -> bytes:
    rows = np.zeros(len(hashes), _ROW)
    rows["fields"] = 5
    for name, size, value in (
        ("list", 31, list_id.encode()),
        ("kind", 3, b"pdq"),
        ("external", 10, None),
    ):
        rows[f"{name}_bytes"] = size
        if value is not None:
            rows["list_id" if name == "list" else name] = value
    rows["external_id"] = np.char.add(
        b"e", np.char.zfill(np.arange(first, first + len(hashes)).astype("S9"), 9)
    )
    rows["value_bytes"], rows["value"] = 32, hashes
    rows["change_bytes"], rows["change"] = 8, np.arange(first + 1, first + len(hashes) + 1)
    return rows.tobytes()


def queries(hashes: np.ndarray, *, count: int, matched: bool) -> list[str]:
    """Hashes to ask for: entries with 0 to 31 bits turned over, or drawn ones that meet nothing."""
    rng = np.random.default_rng(11 if matched else 13)
    if not matched:
        return [row.tobytes().hex() for row in rng.integers(0, 256, (count, 32), dtype=np.uint8)]
    picked = hashes[rng.integers(0, len(hashes), count)].copy()
    for number, row in enumerate(picked):
        for bit in rng.choice(256, number % 32, replace=False):
            row[bit // 8] ^= np.uint8(1 << (bit % 8))
    return [row.tobytes().hex() for row in picked]


def request(port: int, body: bytes, key: str = "") -> bytes:
    return (
        f"POST /v1/lookup HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def asked(pdqs: list[str]) -> bytes:
    return json.dumps({"hashes": [{"pdq": one, "quality": 100} for one in pdqs]}).encode()


class Client:
    """One kept connection; the least HTTP that can be spoken, so that the client costs little."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""

    def ask(self, content: bytes) -> bytes:
        self.socket.sendall(content)
        while (answer := self.take()) is None:
            pass
        return answer

    def take(self) -> bytes | None:
        """One read; the body when it is complete."""
        more = self.socket.recv(1 << 18)
        if not more:
            raise ConnectionError("the server closed the connection")
        self._got += more
        head, gap, body = self._got.partition(b"\r\n\r\n")
        if not gap:
            return None
        lower = head.lower()
        size = int(lower[lower.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        if len(body) < size:
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(f"{head[:40]!r} {body[:300]!r}")
        self._got = b""
        return body


def load(
    port: int,
    bodies: list[bytes],
    *,
    clients: int,
    seconds: float,
    good: bytes,
    pipe: Any,  # noqa: ANN401 - a Connection
) -> None:
    """Ask without a pause over `clients` connections; every answer is looked at."""
    loop = selectors.DefaultSelector()
    began: dict[Client, float] = {}
    times: list[float] = []
    wrong = number = 0
    for _ in range(clients):
        client = Client(port)
        loop.register(client.socket, selectors.EVENT_READ, client)
        client.socket.sendall(bodies[number % len(bodies)])
        began[client] = time.perf_counter()
        number += 1
    start = time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < clients:
        for event, _ in loop.select(timeout=1):
            client = event.data
            answer = client.take()
            if answer is None:
                continue
            now = time.perf_counter()
            times.append(now - began[client])
            wrong += good not in answer
            client.socket.sendall(bodies[number % len(bodies)])
            began[client] = time.perf_counter()
            number += 1
    spent = time.perf_counter() - start
    pipe.send((times, spent, wrong))


def measured(
    port: int, bodies: list[bytes], *, clients: int, seconds: float, good: bytes
) -> dict[str, Any]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=load,
        args=(port, bodies),
        kwargs={"clients": clients, "seconds": seconds, "good": good, "pipe": theirs},
    )
    process.start()
    times, spent, wrong = ours.recv()
    process.join()
    sorted_ms = np.sort(np.array(times)) * 1000
    return {
        "clients": clients,
        "per_second": round(len(times) / spent),
        "per_second_exact": round(len(times) / spent, 2),
        "p50_ms": round(float(np.quantile(sorted_ms, 0.5)), 3),
        "p99_ms": round(float(np.quantile(sorted_ms, 0.99)), 3),
        "wrong": wrong,
    }


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def until_ready(port: int, processes: list[subprocess.Popen[bytes]]) -> float:
    began = time.perf_counter()
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
                one.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if one.recv(64).startswith(b"HTTP/1.1 200"):
                    return time.perf_counter() - began
        except OSError:
            pass
        for process in processes:
            if process.poll() is not None:
                raise SystemExit(f"{process.args!r} ended with {process.returncode}")
        time.sleep(0.01)


def memory(processes: list[subprocess.Popen[bytes]]) -> dict[str, float]:
    """MB of all together: PSS shares each page among its users; RSS counts it for each."""
    sums = {"Rss": 0, "Pss": 0, "Pss_Anon": 0}
    for process in processes:
        for row in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, value = row.split()[:2]
            if name[:-1] in sums:
                sums[name[:-1]] += int(value)
    return {f"{name.lower()}_mb": round(kib * 1024 / 1e6) for name, kib in sums.items()}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def singles(port: int, hashes: np.ndarray, key: str, seconds: float) -> dict[str, Any]:
    found = {}
    for name, matched, good in (
        ("matched", True, b'"matched"'),
        ("unmatched", False, b'"no_known_match"'),
    ):
        bodies = [
            request(port, asked([one]), key) for one in queries(hashes, count=4000, matched=matched)
        ]
        for clients in (1, 8):
            measured(port, bodies, clients=clients, seconds=0.5, good=good)
            found[f"{name}_c{clients}"] = measured(
                port, bodies, clients=clients, seconds=seconds, good=good
            )
    return found


def batches(port: int, hashes: np.ndarray, key: str, seconds: float) -> dict[str, Any]:
    """10,000 hashes a call, one in a hundred of them matched."""
    pdqs = queries(hashes, count=BATCH, matched=False)
    pdqs[::100] = queries(hashes, count=BATCH // 100, matched=True)
    body = request(port, asked(pdqs), key)
    found = measured(port, [body], clients=1, seconds=seconds, good=b'"matched"')
    return found | {"hashes_per_second": round(BATCH * 1000 / found["p50_ms"])}


def add_until_match(port: int, database: Database, key: str) -> dict[str, float]:
    """From the commit of a new entry until all workers (16 connections) match it."""
    spent = []
    for number in range(5):
        new = os.urandom(32)
        clients = [Client(port) for _ in range(CONNECTIONS)]
        body = request(port, asked([new.hex()]), key)
        with database.begin() as tx:
            tx.execute(
                text(
                    "INSERT INTO list_entries (list_id, kind, value, external_id) "
                    "SELECT id, 'pdq', :value, :name FROM hash_lists"
                ),
                {"value": new, "name": f"new {os.getpid()} {number}"},
            )
        began = time.perf_counter()
        while not all(b'"matched"' in client.ask(body) for client in clients):
            time.sleep(0.001)
        spent.append(time.perf_counter() - began)
        for client in clients:
            client.socket.close()
    return {"median_s": round(sorted(spent)[2], 3), "longest_s": round(max(spent), 3)}


def ours(home: Path, hashes: np.ndarray, workers: int, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {"workers": workers}
    with ExitStack() as stack:
        url = stack.enter_context(embedded(home / "postgres"))
        migrate(url)
        database = Database(url)
        stack.callback(database.close)
        with database.begin() as tx:
            filled = tx.execute(text("SELECT count(*) FROM hash_lists")).scalar_one()
        if not filled:
            found["fill_s"] = round(fill(database, url, hashes), 1)
        key = key_of_a_platform(database)
        for start in ("first", "later"):
            port = free_port()
            environment = {
                "TUTELA_HOME": str(home),
                "TUTELA_LOOKUP_PORT": str(port),
            } | SETTINGS
            command = [sys.executable, "-m", "tutela", "serve", "lookup"]
            with ExitStack() as crew:
                processes = [crew.enter_context(running(command, environment))]
                found[f"{start}_start_s"] = round(until_ready(port, processes), 2)
                if start == "first":
                    continue
                more = [running(command, environment) for _ in range(workers - 1)]
                processes += [crew.enter_context(one) for one in more]
                time.sleep(3 + 2 * found["later_start_s"])
                for process in processes:  # each has touched its pages
                    assert process.poll() is None
                found |= singles(port, hashes, key, seconds)
                found["batch_10000"] = batches(port, hashes, key, seconds)
                found["memory_together"] = memory(processes)
                found["memory_one"] = memory(processes[:1])
                found["add_until_match"] = add_until_match(port, database, key)
    return found


def theirs(folder: Path, hashes: np.ndarray, seconds: float) -> dict[str, Any]:
    np.save(folder / "hashes.npy", hashes)
    port = free_port()
    command = [sys.executable, __file__, "--theirs", str(folder / "hashes.npy"), str(port)]
    with running(command, {"OMP_NUM_THREADS": "1"}) as process:
        found: dict[str, Any] = {"start_s": round(until_ready(port, [process]), 1)}
        for name, matched in (("matched", True), ("unmatched", False)):
            bodies = [
                request(port, one.encode()) for one in queries(hashes, count=4000, matched=matched)
            ]
            for clients in (1, 8):
                found[f"{name}_c{clients}"] = measured(
                    port,
                    bodies,
                    clients=clients,
                    seconds=seconds,
                    good=b'[{"' if matched else b"[]",
                )
        found["memory"] = memory([process])
    return found


def serve_theirs(path: str, port: int) -> None:
    """`threatexchange`'s PDQ index behind the same web server, one process."""
    import uvicorn  # noqa: PLC0415 - of this process only
    from threatexchange.signal_type.pdq.signal import PdqSignal  # noqa: PLC0415

    hashes = np.load(path, mmap_mode="r")
    index = PdqSignal.get_index_cls().build(
        (row.tobytes().hex(), number) for number, row in enumerate(hashes)
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        content = b"ready"
        if scope["method"] == "POST":
            body = (await receive())["body"].decode()
            hits = [
                {"entry": one.metadata, "distance": one.similarity_info.pretty_str()}
                for one in index.query(body)
            ]
            content = json.dumps(hits).encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def show(found: dict[str, Any], place: str = "") -> None:
    for name, value in found.items():
        if isinstance(value, dict) and any(isinstance(one, dict) for one in value.values()):
            show(value, f"{place}{name} ")
        else:
            told = (
                ", ".join(f"{k} {v}" for k, v in value.items())
                if isinstance(value, dict)
                else value
            )
            print(f"{place}{name}: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.theirs:
        serve_theirs(chosen.theirs[0], int(chosen.theirs[1]))
        return
    n = int(os.environ.get("N", "10000000"))
    seconds = float(os.environ.get("SECONDS_EACH", "5"))
    kept = os.environ.get("KEEP")
    folder = Path(kept or tempfile.mkdtemp(prefix="tutela-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    hashes = drawn(n)
    try:
        found: dict[str, Any] = {"n": n}
        found["tutela"] = ours(folder, hashes, int(os.environ.get("WORKERS", "2")), seconds)
        if os.environ.get("THEIRS") != "0":
            found["threatexchange"] = theirs(folder, hashes, seconds)
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    if os.environ.get("FORMAT") == "json":
        print(json.dumps({"circumstances": circumstances()} | found))
    else:
        print(line())
        show(found)


if __name__ == "__main__":
    main()
