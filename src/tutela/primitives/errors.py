"""The error tree. A message is for the reader: what happened, why, what to do.

Never put content, names, addresses or hashes of matched media in a message.
"""

from typing import ClassVar


class TutelaError(Exception):
    """Something went wrong that a reader can understand and act on.

    `what` is one clause, `why` the reason, `remedy` what to do next. `code` is a
    constant for programs (API bodies, logs); `exit_code` is the command line's,
    `http_status` the API's.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        text = self.what
        if self.why:
            text += f": {self.why}"
        if not text.endswith("."):
            text += "."
        if self.remedy:
            text += f" {self.remedy}"
            if not text.endswith("."):
                text += "."
        return text


class BadInput(TutelaError):
    """What came in cannot be accepted; nothing was changed."""

    code = "bad_input"
    exit_code = 2
    http_status = 422


class NotFound(TutelaError):
    """The thing asked for is not here."""

    code = "not_found"
    exit_code = 3
    http_status = 404


class Refused(TutelaError):
    """A rule says no. `reasons` lists every reason (house style 9)."""

    code = "refused"
    exit_code = 4
    http_status = 403

    def __init__(
        self, what: str, *, reasons: tuple[str, ...] = (), why: str = "", remedy: str = ""
    ) -> None:
        self.reasons = reasons
        super().__init__(what, why=why or "; ".join(reasons), remedy=remedy)


class Conflict(TutelaError):
    """The thing has changed meanwhile, or two rules contradict each other."""

    code = "conflict"
    exit_code = 5
    http_status = 409


class Unavailable(TutelaError):
    """A part this needs (database, disk, authority) cannot be reached for now; try again."""

    code = "unavailable"
    exit_code = 6
    http_status = 503


class Misconfigured(TutelaError):
    """A setting is missing or unsafe."""

    code = "misconfigured"
    exit_code = 7
    http_status = 500
