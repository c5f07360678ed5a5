"""Setting the stage: a clean folder, drawn pictures, a list of some of them, people, rules."""

import csv
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import tutela
from tutela.accounts.creating import create_account
from tutela.accounts.model import Actor, Role
from tutela.accounts.store import credentials
from tutela.adapters.media.model import Refusal
from tutela.adapters.sandbox.platform import ORDERS_PATH
from tutela.counsel.accepting import accept_rule
from tutela.indicators.importing import import_list
from tutela.law.countries import Basis
from tutela.law.model import Rule
from tutela.primitives.errors import Conflict, Misconfigured, Unavailable
from tutela.primitives.redacted import Redacted
from tutela.wiring.building import Parts

_MARKER = "this-is-a-tutela-demo"
LIST_NAME = "demo-list"
REVIEWER = "demo-reviewer"
COUNSEL = "demo-counsel"
SANDBOX_WORD = "sandbox"
PROVIDER: Mapping[str, str] = {
    "TUTELA_DEMO": "1",
    "TUTELA_SECURE_COOKIES": "false",
    "TUTELA_PROVIDER_NAME": "Example Platform (demo)",
    "TUTELA_PROVIDER_ESTABLISHED_IN": "US",
    "TUTELA_PROVIDER_EU_REPRESENTATIVE_IN": "IE",
    "TUTELA_PROVIDER_IS_ELECTRONIC_SERVICE": "true",
    "TUTELA_PROVIDER_REPORTS_TO_NCMEC": "true",
    "TUTELA_PROVIDER_REGISTERED_WITH_NCA": "true",
    "TUTELA_SERVICE_TYPE": "u2u",
    "TUTELA_SERVICE_IS_USER_TO_USER": "true",
    "TUTELA_SERVICE_IS_HOSTING": "true",
    "TUTELA_SERVICE_TARGETS_MARKETS": '["US", "GB", "IE"]',
    "TUTELA_SERVICE_SIGNIFICANT_UK_USERS": "true",
    "TUTELA_SERVICE_OFFERED_IN_EU": "true",
    "TUTELA_SERVICE_HOSTING_LOCATION": "US",
    "TUTELA_DETECTION_CHANNEL": "hosted",
    "TUTELA_COUNSEL_DETECTION_APPLIES_IN": "GB",
    "TUTELA_CYBERTIP_USER": SANDBOX_WORD,
    "TUTELA_CYBERTIP_PASSWORD": SANDBOX_WORD,
    "TUTELA_PLATFORM_WEBHOOK_SECRET": SANDBOX_WORD,
    "TUTELA_REPORTER_EMAIL": "reporter@platform.example",
    "TUTELA_REPORTER_FIRST_NAME": "Person",
    "TUTELA_REPORTER_LAST_NAME": "A",
    "TUTELA_WORKER_POLL_SECONDS": "0.2",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Where the demo's processes listen, all on loopback."""

    authority: int
    platform: int
    staff: int
    public: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """The folders of one demo; `edits` names what was done to each drawn upload."""

    folder: Path
    uploads: Path
    known: Path
    home: Path
    edits: Mapping[str, str]
    lock: TextIO  # held while the demo runs


def environment(stage: Stage, ports: Ports) -> dict[str, str]:
    """The settings of every process of the demo."""
    return {
        **PROVIDER,
        "TUTELA_HOME": str(stage.home),
        "TUTELA_CONFIG": str(stage.folder / "tutela.toml"),
        "TUTELA_CYBERTIP_URL": f"http://127.0.0.1:{ports.authority}",
        "TUTELA_PLATFORM_WEBHOOK_URL": f"http://127.0.0.1:{ports.platform}{ORDERS_PATH}",
        "TUTELA_STAFF_PORT": str(ports.staff),
        "TUTELA_PUBLIC_PORT": str(ports.public),
    }


def set_up(folder: Path, *, count: int, fresh: bool) -> Stage:
    """Make (or take up) the demo's folder and draw the pictures."""
    marker = folder / _MARKER
    folder.mkdir(parents=True, exist_ok=True)
    if fresh and not marker.exists() and any(folder.iterdir()):
        raise Misconfigured(
            f"{folder} is not a folder of the demo",
            why="it holds other files, which would be deleted",
            remedy="Choose another folder with --folder.",
        )
    lock = _locked(marker)
    if fresh:
        _clear(folder)
    (folder / "tutela.toml").touch()  # the demo's own settings, so that no other file is read
    pictures = folder / "pictures"
    if not (pictures / "manifest.json").exists():
        _draw(pictures, count)
    manifest = json.loads((pictures / "manifest.json").read_text("utf-8"))
    return Stage(
        folder=folder,
        uploads=pictures / "uploads",
        known=pictures / "known",
        home=folder / "home",
        edits={name: entry["edit"] for name, entry in manifest.items()},
        lock=lock,
    )


def _locked(marker: Path) -> TextIO:
    """The demo's marker, locked while it is open; raises `Conflict` while another demo runs.

    The kernel drops the lock of a demo that was killed.
    """
    file = marker.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        running = file.read().strip() or "it is still starting"
        file.close()
        raise Conflict(
            f"A demo is running in {marker.parent}",
            why=running,
            remedy="End it with Ctrl-C where it was started, or use another folder: "
            "make demo ARGS='--folder .demo-2'.",
        ) from None
    file.truncate(0)
    return file


def note_running(stage: Stage, ports: Ports) -> None:
    """Write down, for a second demo in this folder, who runs here."""
    stage.lock.write(f"process {os.getpid()}, console at http://127.0.0.1:{ports.staff}/")
    stage.lock.flush()


def _clear(folder: Path) -> None:
    """Remove what an earlier demo left, but the marker, whose lock we hold."""
    for path in folder.iterdir():
        if path.name == _MARKER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _draw(pictures: Path, count: int) -> None:
    """Run the drawing script of the repository."""
    script = Path(tutela.__file__).resolve().parents[2] / "vectors" / "draw.py"
    if not script.exists():
        raise Misconfigured(
            "The demo needs the repository",
            why="the script that draws the benign pictures is not part of the installed package",
            remedy="Run `make demo` in a clone.",
        )
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(script), "--out", str(pictures), "--count", str(count)],
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode:
        raise Unavailable("Drawing the pictures failed", why=f"exit code {done.returncode}")


def import_known(parts: Parts, stage: Stage, *, at: datetime) -> int:
    """Hash the known pictures, write them as a list, import it; returns its entries."""
    table = stage.folder / "demo-list.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", "value", "external_id", "scheme", "scheme_version", "category"])
        for path in sorted(stage.known.iterdir()):
            hashed = parts.jail.hash(path)
            if isinstance(hashed, Refusal):
                raise Unavailable("A drawn picture cannot be read", why=hashed.why)
            category = ("ncmec-ab", "2022", "B2")
            if hashed.pdq is not None:
                writer.writerow(["pdq", hashed.pdq.hex, path.stem, *category])
            writer.writerow(["md5", hashed.digests.md5.hex(), path.stem, *category])
    imported = import_list(
        parts.database,
        path=table,
        name=LIST_NAME,
        format="csv",
        by="demo",
        at=at,
        provenance="drawn by the demo",
        dihedral=True,
    )
    parts.lists.refresh()
    return imported.added + imported.unchanged


def people(parts: Parts, stage: Stage, *, at: datetime) -> tuple[Actor, str]:
    """A reviewer with a password made for this demo; a continued demo keeps both."""
    kept = stage.folder / "sign-in.json"
    if kept.exists():
        known = json.loads(kept.read_text("utf-8"))
        with parts.database.begin() as tx:
            found = credentials(tx, REVIEWER)
        if found is not None:
            return found.actor, known["password"]
    password = secrets.token_urlsafe(12)
    with parts.database.begin() as tx:
        reviewer = create_account(
            tx,
            login=REVIEWER,
            password=Redacted(password),
            roles={Role.REVIEWER, Role.COUNSEL, Role.OPERATOR, Role.AUDITOR},
            by="demo",
            at=at,
        )
    kept.touch(mode=0o600)
    kept.write_text(json.dumps({"login": REVIEWER, "password": password}), "utf-8")
    return reviewer, password


def accept_rules(parts: Parts, *, by: str, at: datetime) -> None:
    """Accept every rule version of the lawbook, openly and for the demo only.

    And every basis that the demo's matching waits for.
    """
    answer = parts.detecting.standing().answer
    waiting = answer.to_accept if answer is not None else ()
    bases = [each for each in parts.book.bases if each.id in waiting]
    entries: list[Rule | Basis] = [*parts.book.rules, *bases]
    with parts.database.begin() as tx:
        for entry in entries:
            accept_rule(
                tx,
                book=parts.book,
                rule_id=entry.id,
                version=entry.version,
                by=by,
                note="Accepted for the demonstration on drawn pictures only.",
                at=at,
            )
