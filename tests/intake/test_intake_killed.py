"""A process killed at any point of an admission leaves a whole case or no case, never a part."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from cases.case_parts import IDENTITY, Desk
from tutela.adapters.blobs import BlobFolder
from tutela.cases import store as cases
from tutela.cases.model import State
from tutela.evidence import custody, store
from tutela.primitives.database import Database

TESTS = Path(__file__).resolve().parents[1]
CHILD = """
import os, signal, sys
from pathlib import Path
from cases import case_parts
from cases.case_parts import Desk
from tutela.adapters import blobs
from tutela.cases import opening
from tutela.evidence import custody
from tutela.evidence.references import ReferenceKey
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted

url, folder, point, identity = sys.argv[1:]
case_parts.REFERENCES = ReferenceKey(Redacted(identity))  # one installation, one key

def dies(act, *, after):
    def dying(*args, **kwargs):
        result = act(*args, **kwargs) if after else None
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    return dying

match point:
    case "before the blob": blobs._write_flushed = dies(blobs._write_flushed, after=False)
    case "half a blob": blobs._flush_folder = dies(blobs._flush_folder, after=False)
    case "after the blob": custody.put_sealed = dies(custody.put_sealed, after=True)
    case "in the transaction":
        opening.store.add_matches = dies(opening.store.add_matches, after=True)
    case "before the commit": opening._tell = dies(opening._tell, after=True)
    case "after the commit": Desk.open = dies(Desk.open, after=True)

Desk(Database(url), blobs=blobs.BlobFolder(Path(folder))).open(b"known", item_reference="item 1")
"""
POINTS = {
    "before the blob": 0,
    "half a blob": 0,
    "after the blob": 0,
    "in the transaction": 0,
    "before the commit": 0,
    "after the commit": 1,
}


def test_each_kill_leaves_all_or_nothing_and_the_retry_completes_it(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    desk = Desk(database, blobs=BlobFolder(tmp_path))
    empty = dict(desk.row_counts())
    for point, opened in POINTS.items():
        killed = subprocess.run(
            [sys.executable, "-c", CHILD, database_url, str(tmp_path), point, str(IDENTITY)],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        counts = dict(desk.row_counts())
        assert counts["cases"] == opened, point
        if not opened:
            assert counts == empty, point
    case_id = desk.open(b"known", item_reference="item 1")
    assert desk.row_counts()["cases"] == 1
    with database.begin() as tx:
        assert cases.case(tx, case_id).state is State.MATCHED
        (exhibit,) = store.exhibits_of(tx, case_id)
        orphans = list(custody.orphans(tx, desk.blobs))
    assert len(custody.sealed_bytes(exhibit, desk.blobs)) > 0
    assert len(orphans) == 4  # the blobs of the four kills between the blob and the commit
