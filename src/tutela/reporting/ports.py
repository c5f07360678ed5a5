"""The door to an authority: the same calls whether a network or a test stands behind it."""

from typing import BinaryIO, Protocol

from tutela.primitives.errors import Unavailable
from tutela.reporting.model import Exchange


class NoReply(Unavailable):
    """No answer came. `exchange` records what was sent; store it like any other.

    `may_have_arrived` is false only when the connection was never made; a lost reply does
    not mean that nothing was received.
    """

    code = "no_reply"

    def __init__(self, what: str, *, exchange: Exchange, may_have_arrived: bool, why: str) -> None:
        """Keep the exchange beside the message."""
        self.exchange = exchange
        self.may_have_arrived = may_have_arrived
        super().__init__(
            what,
            why=why,
            remedy="The call is recorded and may be made again. If it keeps failing, check the "
            "address of the authority and the network.",
        )


class Authority(Protocol):
    """An authority that takes reports in the CyberTipline's steps.

    Each call returns the exact bytes sent and received, whatever the HTTP status was, and
    raises only `NoReply`. What the answer means is decided on its body with
    `formats.cybertip.parse_reply` and `classify`.
    """

    def status(self) -> Exchange:
        """Ask whether the authority can be reached with these credentials."""
        ...

    def schema(self) -> Exchange:
        """Fetch the current schema; read it with `formats.cybertip.schema_of`."""
        ...

    def submit(self, xml: bytes) -> Exchange:
        """Open a report with the bytes of `report_xml`."""
        ...

    def upload(self, report_id: str, file_name: str, content: bytes | BinaryIO) -> Exchange:
        """Add a file to an open report; a stream must be seekable, and is sent once whole."""
        ...

    def file_details(self, xml: bytes) -> Exchange:
        """Describe an uploaded file with the bytes of `file_details_xml`."""
        ...

    def finish(self, report_id: str) -> Exchange:
        """Finish an open report; this cannot be undone, and the answer is the receipt."""
        ...

    def retract(self, report_id: str) -> Exchange:
        """Withdraw a report that is not finished."""
        ...
