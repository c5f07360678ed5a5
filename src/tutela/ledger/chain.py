"""The chain: each line's digest covers the line and the digest of the one before.

Pure. What the chain alone shows: every edit, deletion, insertion and reordering before the
head. What needs an anchor kept outside: a tail cut off or written anew as a whole.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from tutela.ledger.canonical import canonical, moment, plain_object, plain_text
from tutela.ledger.model import JSON, Anchor, Line, Verification
from tutela.primitives.errors import BadInput

GENESIS = "0" * 64
"""What the first line names as the digest before it."""
_FORMAT = "tutela-ledger-1"
_NAME_LENGTH = 200


def link(
    *,
    previous: str,
    seq: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> Line:
    """The line that follows the digest `previous`; raises `BadInput` for what cannot be kept."""
    names = {"actor": actor, "action": action, "subject": subject}
    for field, name in names.items():
        if not 0 < len(name) <= _NAME_LENGTH or not name.isprintable():
            raise BadInput(
                f"A ledger line needs its {field}",
                why=f"it must be 1 to {_NAME_LENGTH} printable characters",
            )
        names[field] = plain_text(name)
    if not isinstance(detail, Mapping):
        raise BadInput("A ledger line's detail is an object", why=type(detail).__name__)
    unsealed = Line(
        seq=seq, at=at, detail=plain_object(detail), previous=previous, digest="", **names
    )
    return replace(unsealed, digest=digest_of(unsealed))


def digest_of(line: Line) -> str:
    """SHA-256, lower-case hex, over the canonical JSON of everything but the digest itself."""
    text = canonical({"format": _FORMAT} | _covered(line))
    return hashlib.sha256(text.encode()).hexdigest()


def as_json(line: Line) -> dict[str, JSON]:
    """The line as an object for programs and exports; `digest_of` can be recomputed from it."""
    return _covered(line) | {"digest": line.digest}


def _covered(line: Line) -> dict[str, JSON]:
    return {
        "seq": line.seq,
        "at": moment(line.at),
        "actor": line.actor,
        "action": line.action,
        "subject": line.subject,
        "detail": line.detail,
        "previous": line.previous,
    }


def verify(lines: Iterable[Line], *, anchor: Anchor | None = None) -> Verification:
    """Read the whole chain from line 1, one line at a time, and stop at the first trouble.

    1. each line stands at its number; 2. it names the digest of the line before; 3. its own
    digest is right; 4. the anchored line has the anchored digest; 5. the chain reaches it.
    """
    checked, digest = 0, GENESIS
    for line in lines:
        why = _trouble(line, expected=checked + 1, previous=digest, anchor=anchor)
        if why:
            return Verification(
                ok=False,
                checked=checked,
                head_seq=checked,
                head_digest=digest,
                bad_seq=checked + 1,
                why=why,
            )
        checked, digest = line.seq, line.digest
    if anchor and checked < anchor.seq:  # 5
        return Verification(
            ok=False,
            checked=checked,
            head_seq=checked,
            head_digest=digest,
            bad_seq=checked + 1,
            why=f"the ledger ends at line {checked}, but line {anchor.seq} was anchored",
        )
    return Verification(ok=True, checked=checked, head_seq=checked, head_digest=digest)


def _trouble(line: Line, *, expected: int, previous: str, anchor: Anchor | None) -> str:
    """Why this line cannot stand here; empty when it can."""
    if line.seq != expected:  # 1
        return f"line {expected} is not here; line {line.seq} stands in its place"
    if line.previous != previous:  # 2
        before = f"line {expected - 1}" if expected > 1 else "the beginning"
        return f"line {expected} does not follow {before}: one of the two was changed"
    try:
        digest = digest_of(line)
    except BadInput as error:
        return f"line {expected} was changed: {error.why}"
    if digest != line.digest:  # 3
        return f"line {expected} was changed: its content does not give its digest"
    if anchor and anchor.seq == expected and anchor.digest != line.digest:  # 4
        return f"line {expected} is not the one that was anchored"
    return ""
