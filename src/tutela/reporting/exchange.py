"""Facts of a call to an authority: what was sent, what came back, what follows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tutela.reporting.limits import check_aware


class Call(StrEnum):
    """The authority's calls; the value is the last part of the address."""

    STATUS = "status"
    SCHEMA = "xsd"
    SUBMIT = "submit"
    UPLOAD = "upload"
    FILE_DETAILS = "fileinfo"
    FINISH = "finish"
    RETRACT = "retract"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One call to an authority: what was sent, what came back, and when.

    `request_bytes` is the exact body; `None` for an upload, where `request_note` describes
    the body and both digests are those of the file's bytes. `http_status`,
    `response_bytes` and `received_at` are `None` when no answer came.
    `sandbox` is true when the answer said that it came from a sandbox.
    """

    call: Call
    method: str
    request_digest_sha256: str
    request_bytes: bytes | None
    request_note: str
    sent_at: datetime
    http_status: int | None = None
    response_bytes: bytes | None = None
    request_id: str | None = None
    received_at: datetime | None = None
    file_digest_md5: str | None = None
    sandbox: bool = False

    def __post_init__(self) -> None:
        check_aware("exchange", (self.sent_at, self.received_at))


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityReply:
    """What an answer says. `code` 0 is success; the list of codes is open, so it is an int.

    `hash_md5` is the authority's digest of an upload; `file_ids` are those of a finished
    report.
    """

    code: int
    description: str
    report_id: str | None = None
    file_id: str | None = None
    hash_md5: str | None = None
    file_ids: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What to do after a call."""

    OK = "ok"
    RETRY = "retry"
    STOP_AND_PAGE = "stop_and_page"
    HUMAN = "human"
    ALREADY_FINISHED = "already_finished"
    REOPEN = "reopen"
