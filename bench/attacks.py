"""What an honest caller waits for while others attack: quiet and under each attack, real processes.

`tutela serve staff` and `tutela serve public` answer on an embedded PostgreSQL. Each attack runs
in a process of its own for a few seconds; meanwhile one honest caller asks again and again, on
new connections. The longest and the middle of its waits are printed beside those of the quiet
machine. All callers come from one address, which is the hardest case. About a minute in all.

Environment: SECONDS_EACH (4) for an attack, FORMAT=json prints one object. `--only NAME …`.
"""

import argparse
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
from circumstances import circumstances, line
from installation import SETTINGS, key_of_a_platform
from PIL import Image

from tutela.accounts.creating import create_account
from tutela.accounts.keys import create_key
from tutela.accounts.model import Role
from tutela.adapters.keys import ensure_evidence_key
from tutela.adapters.postgres import embedded, migrate
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted

PASSWORD = "four fictitious words here"  # noqa: S105 - plainly fictitious
CALLERS = 60
_WAIT_S = 120
_IDLE_TICKS = 2  # of a hundred a second, within half a second
_TRANSPORT = httpx.HTTPTransport(
    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
)
_HEAD = b"POST /sign-in HTTP/1.1\r\nHost: x\r\n"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the processes answer, and the keys of an attacker and of an honest caller."""

    staff: int
    public: int
    greedy: str
    honest: str


# Honest requests. Each raises when it is not answered as it should be.


def look_up(at: Target) -> None:
    asked = {"hashes": [{"pdq": "6b" * 32, "quality": 90}]}
    _good(
        _client().post(_url(at.staff, "/v1/lookup"), json=asked, headers=_key(at.honest)),
        200,
    )


def hand_in(at: Target) -> None:
    files = {"file": ("a.png", _picture(), "image/png")}
    _good(
        _client().post(_url(at.staff, "/v1/media"), files=files, headers=_key(at.honest)),
        200,
    )


def ask_the_law(at: Target) -> None:
    _good(
        _client().get(_url(at.staff, "/v1/law/gap"), params=_GAP, headers=_key(at.honest)),
        200,
    )


def sign_in(at: Target) -> None:
    _good(_signing_in(at, "person-a", PASSWORD), 303)


def report(at: Target) -> None:
    _good(_client().post(_url(at.public, "/"), data={"description": "A note."}), 201)


# Attacks. Each goes on until its process is ended.


def endless_heads(at: Target) -> None:
    def one() -> None:
        with socket.create_connection(("127.0.0.1", at.staff), timeout=_WAIT_S) as to:
            to.sendall(_HEAD)
            while True:
                to.sendall(b"A: " + b"x" * 8_000 + b"\r\n")

    _many(one)


def half_requests(at: Target) -> None:
    held = []
    while True:
        with suppress(OSError):
            held.append(socket.create_connection(("127.0.0.1", at.staff), timeout=_WAIT_S))
            held[-1].sendall((b"", _HEAD, _HEAD + b"Content-Length: 9\r\n\r\n")[len(held) % 3])
        if len(held) >= 700:
            held.pop(0).close()
            time.sleep(0.005)


def slow_uploads(at: Target) -> None:
    head = (
        f"POST /v1/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {at.greedy}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()

    def one() -> None:
        with socket.create_connection(("127.0.0.1", at.staff), timeout=_WAIT_S) as to:
            to.sendall(head)
            while True:
                to.sendall(b"5\r\n--x\r\n\r\n")
                time.sleep(1)

    _many(one)


def questions_to_the_law(at: Target) -> None:
    _many(
        lambda: _client().get(_url(at.staff, "/v1/law/gap"), params=_GAP, headers=_key(at.greedy))
    )


def long_lookups(at: Target) -> None:
    asked = {"hashes": [{"pdq": "6b" * 32, "quality": 90}] * 10_000}
    body = json.dumps(asked).encode()
    headers = {**_key(at.greedy), "Content-Type": "application/json"}
    _many(
        lambda: _client().post(_url(at.staff, "/v1/lookup"), content=body, headers=headers),
        callers=16,
    )


def strangers(at: Target) -> None:
    numbers = iter(range(10**9))
    _many(lambda: _signing_in(at, f"stranger-{next(numbers)}", "some words of theirs"))


def invalid_reports(at: Target) -> None:
    _many(lambda: _client().post(_url(at.public, "/"), data={}))


ATTACKS: Mapping[str, tuple[Callable[[Target], None], tuple[Callable[[Target], None], ...]]] = {
    "endless-heads": (endless_heads, (look_up,)),
    "half-requests": (half_requests, (look_up,)),
    "slow-uploads": (slow_uploads, (hand_in,)),
    "law-questions": (questions_to_the_law, (look_up, ask_the_law)),
    "long-lookups": (long_lookups, (look_up,)),
    "strangers": (strangers, (sign_in,)),
    "invalid-reports": (invalid_reports, (report,)),
}
_GAP = {"jurisdiction": "FR"}


def _many(once: Callable[[], object], *, callers: int = CALLERS) -> None:
    def again() -> None:
        while True:
            with suppress(OSError, httpx.HTTPError):
                once()

    with ThreadPoolExecutor(callers) as pool:
        for _ in range(callers):
            pool.submit(again)


def _client() -> httpx.Client:
    """A caller without a memory, on a new connection each time; cheap to make."""
    return httpx.Client(transport=_TRANSPORT, timeout=_WAIT_S, trust_env=False)


def _signing_in(at: Target, login: str, password: str) -> httpx.Response:
    browser = _client()
    page = browser.get(_url(at.staff, "/sign-in")).text
    token = page.split('name="csrf" value="')[1].split('"', 1)[0]
    fields = {"csrf": token, "login": login, "password": password}
    return browser.post(_url(at.staff, "/sign-in"), data=fields)


def _picture() -> bytes:
    y, x = np.mgrid[0:240, 0:320] / 40.0
    waves = np.dstack([np.sin(x), np.cos(y), np.sin(x * y)]) * 127 + 128
    out = io.BytesIO()
    Image.fromarray(waves.astype(np.uint8)).save(out, format="PNG")
    return out.getvalue()


def _url(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}{path}"


def _key(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _good(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"answered {answer.status_code}: {answer.text[:200]}")


def waits(honest: Callable[[Target], None], at: Target, seconds: float) -> dict[str, object]:
    """Ask until the time is over, three times at least; milliseconds, and what failed."""
    took: list[float] = []
    failed = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(took) + failed < 3:
        began = time.perf_counter()
        try:
            honest(at)
        except (httpx.HTTPError, RuntimeError):
            failed += 1
        else:
            took.append(1000 * (time.perf_counter() - began))
    return {
        "p50_ms": round(statistics.median(took)) if took else None,
        "max_ms": round(max(took)) if took else None,
        "answered": len(took),
        "failed": failed,
    }


def measure(names: list[str], at: Target, staff: int, seconds: float) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in names:
        _, honest_ones = ATTACKS[name]
        _settle(staff)
        quiet = {one.__name__: waits(one, at, seconds / 4) for one in honest_ones}
        before = _memory_mib(staff)
        with _attack(name, at):
            time.sleep(1)
            under = {one.__name__: waits(one, at, seconds) for one in honest_ones}
            grown = _memory_mib(staff) - before
        found[name] = {
            one: {"quiet": quiet[one], "under_attack": under[one], "memory_grew_mib": grown}
            for one in quiet
        }
    return found


@contextmanager
def _attack(name: str, at: Target) -> Iterator[None]:
    given = [str(at.staff), str(at.public), at.greedy, at.honest]
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, __file__, "--attack", name, *given], stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
        time.sleep(1)


def _settle(pid: int) -> None:
    """Wait until the process has ended what the attack before has left it, a minute at most."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        before = _cpu_ticks(pid)
        time.sleep(0.5)
        if _cpu_ticks(pid) - before <= _IDLE_TICKS:
            return


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _memory_mib(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


@contextmanager
def installation(folder: Path) -> Iterator[tuple[Target, int]]:
    """Both processes on a database of their own, with two keys and a person."""
    home = folder / "home"
    ensure_evidence_key(home)
    with ExitStack() as stack:
        url = stack.enter_context(embedded(folder / "postgres"))
        migrate(url)
        database = Database(url)
        honest, now = key_of_a_platform(database), datetime.now(UTC)
        with database.begin() as tx:
            _, greedy = create_key(tx, name="greedy", by="bench", at=now)
            create_account(
                tx,
                login="person-a",
                password=Redacted(PASSWORD),
                roles=[Role.REVIEWER],
                by="bench",
                at=now,
            )
        database.close()
        ports = [_free_port(), _free_port()]
        environment = os.environ | {
            **SETTINGS,
            "TUTELA_CONFIG": os.devnull,
            "TUTELA_HOME": str(home),
            "TUTELA_DATABASE_URL": url.replace("+psycopg", ""),
            "TUTELA_SECURE_COOKIES": "false",
            "TUTELA_STAFF_PORT": str(ports[0]),
            "TUTELA_PUBLIC_PORT": str(ports[1]),
        }
        processes = []
        for face, port in zip(("staff", "public"), ports, strict=True):
            process = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-m", "tutela", "serve", face],
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            processes.append(process)
            _wait(port)
        target = Target(staff=ports[0], public=ports[1], greedy=greedy.reveal(), honest=honest)
        hand_in(target)  # decoders and kernels are warm
        yield target, processes[0].pid


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(port: int) -> None:
    end = time.monotonic() + 150
    while True:
        with suppress(httpx.HTTPError):
            _client().get(_url(port, "/healthz"))
            return
        if time.monotonic() > end:
            raise RuntimeError("the process did not answer")
        time.sleep(0.1)


def show(found: dict[str, object]) -> None:
    print(
        "| attack | honest request | quiet p50 / max | under attack p50 / max | failed | memory |"
    )
    print("|---|---|---|---|---|---|")
    for attack, honest in found.items():
        for name, one in honest.items():  # type: ignore[attr-defined]
            quiet, under = one["quiet"], one["under_attack"]
            print(
                f"| {attack} | {name} | {quiet['p50_ms']} / {quiet['max_ms']} ms | "
                f"{under['p50_ms']} / {under['max_ms']} ms | "
                f"{under['failed']} of {under['answered'] + under['failed']} | "
                f"{one['memory_grew_mib']:+} MiB |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(ATTACKS), metavar="NAME")
    parser.add_argument("--attack", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.attack:
        name, staff, public, greedy, honest = chosen.attack
        target = Target(staff=int(staff), public=int(public), greedy=greedy, honest=honest)
        ATTACKS[name][0](target)
        return
    folder = Path(tempfile.mkdtemp(prefix="tutela-bench-"))
    folder.chmod(0o755)
    try:
        with installation(folder) as (target, staff):
            seconds = float(os.environ.get("SECONDS_EACH", "4"))
            found = measure(chosen.only or list(ATTACKS), target, staff, seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if os.environ.get("FORMAT") == "json":
        print(json.dumps({"circumstances": circumstances()} | found))
    else:
        print(line())
        show(found)


if __name__ == "__main__":
    main()
