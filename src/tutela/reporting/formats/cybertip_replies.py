"""The CyberTipline's answers: reading them, and what follows from each code."""

import re
from typing import Final

from lxml import etree

from tutela.primitives.errors import BadInput
from tutela.reporting.exchange import AuthorityReply, Call, Exchange, Outcome
from tutela.reporting.formats.xml_documents import local_name, parse

_ROOTS: Final = frozenset({"reportResponse", "reportDoneResponse"})
_CODE = re.compile(r"-?[0-9]{1,9}")
_NUMBER = re.compile(r"[0-9]{1,19}")
_MAX_DESCRIPTION: Final = 4000

# Codes of the documentation (appendix D, an open list) plus 1001, seen in recorded answers.
_SERVER_TROUBLE: Final = frozenset({1000, 1100, 1110, 1111, 1300})
_SIGN_IN: Final = range(2000, 4000)
_BY_CALL: Final = {
    # 5001 report missing: an open report was abandoned and must be opened again; a report to
    # be withdrawn is gone already, which is what was asked for.
    (5001, Call.UPLOAD): Outcome.REOPEN,
    (5001, Call.FILE_DETAILS): Outcome.REOPEN,
    (5001, Call.FINISH): Outcome.REOPEN,
    (5001, Call.RETRACT): Outcome.OK,
    (5101, Call.RETRACT): Outcome.OK,
    # 5102 already finished: the lost answer to an earlier /finish. A file that comes too late
    # for a finished report is another matter and goes to a person.
    (5102, Call.FINISH): Outcome.ALREADY_FINISHED,
    (5102, Call.RETRACT): Outcome.ALREADY_FINISHED,
}


def parse_reply(body: bytes) -> AuthorityReply:
    """What an answer says; `BadInput` when the body is no answer of the authority.

    Unknown elements are passed over, because the schema moves. Answers have come in
    ISO-8859-1 without saying so in the document; when the declared or assumed UTF-8 does
    not fit, ISO-8859-1 is tried.
    """
    what = "The authority's answer"
    try:
        root = parse(body, what=what)
    except BadInput:
        root = parse(body, charset="iso-8859-1", what=what)
    if local_name(root) not in _ROOTS:
        raise BadInput(f"{what} is not one that Tutela knows", why="another root element")
    found = _texts(root)
    code = found.get("responseCode", "")
    if not _CODE.fullmatch(code):
        raise BadInput(f"{what} carries no response code")
    report_id = found.get("reportId") or None
    if report_id is not None and not _NUMBER.fullmatch(report_id):
        raise BadInput(f"{what} carries a report number that is none")
    return AuthorityReply(
        code=int(code),
        description=found.get("responseDescription", "")[:_MAX_DESCRIPTION],
        report_id=report_id,
        file_id=found.get("fileId") or None,
        hash_md5=(found.get("hash") or "").lower() or None,
        file_ids=_file_ids(root),
    )


def _texts(root: etree._Element) -> dict[str, str]:
    """The text of each direct child by name; the first one counts."""
    texts: dict[str, str] = {}
    for child in root.iterchildren(etree.Element):
        texts.setdefault(local_name(child), (child.text or "").strip())
    return texts


def _file_ids(root: etree._Element) -> tuple[str, ...]:
    return tuple(
        (each.text or "").strip()
        for files in root.iterchildren(etree.Element)
        if local_name(files) == "files"
        for each in files.iterchildren(etree.Element)
        if local_name(each) == "fileId" and (each.text or "").strip()
    )


def classify(reply: AuthorityReply | None, http_status: int | None, call: Call) -> Outcome:
    """What to do after a call. The body decides; the HTTP status only where there is none.

    `reply` is `None` when nothing came (`http_status` also `None`) or the body was no
    answer of the authority. A code that is not known goes to a person, never to a loop.
    """
    if reply is None:
        return _without_body(http_status)
    if reply.code == 0:
        return Outcome.OK if _complete(reply, call) else Outcome.HUMAN
    if reply.code in _SERVER_TROUBLE:
        return Outcome.RETRY
    if reply.code in _SIGN_IN:
        return Outcome.STOP_AND_PAGE
    return _BY_CALL.get((reply.code, call), Outcome.HUMAN)


def _complete(reply: AuthorityReply, call: Call) -> bool:
    """Whether a success carries the identifier that the next step needs."""
    if call is Call.SUBMIT:
        return reply.report_id is not None
    if call is Call.UPLOAD:
        return reply.file_id is not None
    return True


def _without_body(http_status: int | None) -> Outcome:
    if http_status is None or http_status in {408, 425, 429} or http_status >= 500:  # noqa: PLR2004 (HTTP)
        return Outcome.RETRY
    if http_status in {401, 403} or 300 <= http_status < 400:  # noqa: PLR2004 (HTTP)
        return Outcome.STOP_AND_PAGE
    return Outcome.HUMAN


def read(exchange: Exchange) -> tuple[AuthorityReply | None, Outcome]:
    """The answer of an exchange, if it has one, and what to do after it."""
    reply = None
    if exchange.response_bytes is not None:
        try:
            reply = parse_reply(exchange.response_bytes)
        except BadInput:
            reply = None
    return reply, classify(reply, exchange.http_status, exchange.call)


def schema_of(exchange: Exchange) -> bytes:
    """The schema's bytes from a call for it; `BadInput` when something else came."""
    body = exchange.response_bytes or b""
    if local_name(parse(body, what="The schema")) != "schema":
        raise BadInput(
            "The authority did not send its schema",
            why=f"HTTP status {exchange.http_status}",
            remedy="The report can still be sent; it is then checked by the authority alone.",
        )
    return body
