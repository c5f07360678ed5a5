"""Packing a case for whoever must check it: a BagIt bag (RFC 8493) that needs no network.

Exhibits stay sealed. Beside them lie the report as it was sent, every answer, the receipt,
the duties as derived, and the ledger lines with all that their digests are made of.
"""

import json
import shutil
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

import tutela
from tutela.evidence.custody import sealed_bytes
from tutela.evidence.ports import BlobStore
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.ledger.chain import as_json
from tutela.primitives.clock import iso
from tutela.primitives.errors import Conflict, TutelaError, Unavailable
from tutela.primitives.ids import CaseId
from tutela.reporting.dossier import Dossier, dossier

with warnings.catch_warnings():  # bagit still imports pkg_resources where it can
    warnings.simplefilter("ignore")
    import bagit

_READ_ME = """\
This is the evidence package of one Tutela case.

case.json            what was found, decided, reported, kept; for each decision what its
                     person had been shown of each exhibit, by the view log; entry_now is how
                     the matched entry stood in its list when this was packed
duties.json          what the law was found to ask for, with sources and dates
exhibits/*.age       the items, sealed with age; open with: age -d -i KEY FILE
reports/             the report as sent, each answer as received, the receipt
ledger.jsonl         the case's lines of the ledger, and those of the rules it rests on
ledger-head.json     number and digest of the ledger's last line when this was packed

Check that nothing is missing or changed: bagit.py --validate FOLDER

Check a line without Tutela: take its object, leave out "digest", add
"format": "tutela-ledger-1", write it as JSON with sorted keys and without spaces
(separators "," and ":", letters as they are, UTF-8); the SHA-256 of these bytes is the
digest. "previous" is the digest of the line before it in the installation; lines of
other cases between these are not here. `tutela ledger verify --anchor ledger-head.json`
checks the whole chain in the installation. Lines about rules (law_rule_accepted) say who
let which version of them act.
"""


def pack(
    tx: Connection, case_id: CaseId, *, blobs: BlobStore, folder: Path, by: str, at: datetime
) -> Path:
    """Write the bag to `folder`/`case_id`; returns its path. The export is a ledger line."""
    read = dossier(tx, case_id)
    target = folder / case_id
    if target.exists():
        raise Conflict(
            "There is already something at the place of the package",
            why=f"{target} exists",
            remedy="Choose another folder, or remove it first.",
        )
    unfinished = folder / f".{case_id}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700)  # the report within names people
        _write(unfinished, read, blobs)
        line = ledger.append(  # after the long part: from here on other acts wait for this one
            tx,
            at=at,
            actor=by,
            action=LedgerAction.CASE_EXPORTED,
            subject=case_id,
            detail={"exhibits": len(read.exhibits), "reports": len(read.reports)},
        )
        lines = [*read.lines, line]
        (unfinished / "ledger.jsonl").write_text(
            "".join(json.dumps(as_json(each), ensure_ascii=False) + "\n" for each in lines),
            encoding="utf-8",
        )
        _json(unfinished / "ledger-head.json", {"seq": line.seq, "digest": line.digest})
        bag = bagit.make_bag(
            str(unfinished),
            {
                "External-Identifier": case_id,
                "Bagging-Date": iso(at)[:10],
                "Bag-Software-Agent": f"Tutela {tutela.__version__}",
                "Internal-Sender-Description": "Exhibits are sealed with age.",
            },
            checksums=["sha256", "sha512"],
        )
        bag.validate()
        unfinished.rename(target)
    except TutelaError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise Unavailable(
            "The package could not be written",
            why=error.strerror or type(error).__name__,
            remedy="Nothing was exported. Check the space and rights of the folder.",
        ) from error
    return target


def _write(place: Path, read: Dossier, blobs: BlobStore) -> None:
    (place / "README.txt").write_text(_READ_ME, encoding="utf-8")
    _json(place / "case.json", dict(read.summary))
    _json(place / "duties.json", read.assessment)
    exhibits = place / "exhibits"
    exhibits.mkdir()
    for exhibit in read.exhibits:
        if exhibit.blob_key is not None and exhibit.destroyed_at is None:
            (exhibits / f"{exhibit.id}.age").write_bytes(sealed_bytes(exhibit, blobs))
    for report, calls in read.reports:
        book = place / "reports" / report.id
        book.mkdir(parents=True)
        if report.xml is not None:
            (book / "report.xml").write_bytes(report.xml)
        if report.receipt is not None:
            (book / "receipt.xml").write_bytes(report.receipt)
        for call in calls:
            stem = f"{call.id:06d}-{call.call}"
            if call.sent is not None:
                (book / f"{stem}-sent").write_bytes(call.sent)
            if call.received is not None:
                (book / f"{stem}-received").write_bytes(call.received)


def _json(path: Path, data: Any) -> None:  # noqa: ANN401 - any JSON value
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n", "utf-8")
