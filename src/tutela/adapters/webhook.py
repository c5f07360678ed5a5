"""The platform's webhooks: one signed order per item, one signed notice per decision.

Each goes to the one address that was configured for it.

The body is signed as `Tutela-Signature: t=<unix seconds>,v1=<hex>`, where the second part
is HMAC-SHA-256 over `t + "." + body` with the shared secret. `verify` is the other side of
it, for receivers written in Python and for the tests.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from tutela.ledger.outward import Clears
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput, Misconfigured, Refused
from tutela.primitives.redacted import Redacted
from tutela.reporting.notifying import TYPE, DecisionNotice
from tutela.reporting.reports import Restriction
from tutela.reporting.restricting import ACTION, Delivery

SIGNATURE = "Tutela-Signature"
KEY = "Idempotency-Key"
TOLERANCE_SECONDS = 300
"""How old or how early a signed order may be; a receiver keeps keys for longer than this."""

_TIMEOUT = httpx.Timeout(15.0, connect=10.0)
_AGAIN = frozenset({408, 425, 429})  # HTTP: too slow, too early, too many
_SERVER_TROUBLE = 500


class Webhook:
    """Sends to `url`; implements `restricting.Platform` and `notifying.DecisionListener`.

    Plain HTTP is accepted for a loopback address only. Redirects are not followed, and
    proxies of the environment are not used: no other host is ever contacted.
    """

    def __init__(self, url: str, secret: Redacted[str], *, outward: Clears) -> None:
        self._url = _checked(url)
        self._host = urlsplit(url).hostname or ""
        self._outward = outward
        if not secret.reveal():
            raise Misconfigured(
                "The webhook has no secret",
                why="TUTELA_PLATFORM_WEBHOOK_SECRET is empty",
                remedy="Set the secret that the platform verifies orders with.",
            )
        self._secret = secret
        self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def disable_access(self, order: Restriction, *, at: datetime) -> Delivery:
        """Send the order once. Any 2xx is a delivery; nothing is raised for the rest.

        Raises `OutwardWaits` while the gate is closed; then nothing was sent.
        """
        return self._send(order.id, body_of(order), at=at)

    def tell_decision(self, notice: DecisionNotice, *, at: datetime) -> Delivery:
        """Send the notice once, like an order."""
        return self._send(notice.id, notice_body(notice), at=at)

    def _send(self, key: str, body: bytes, *, at: datetime) -> Delivery:
        """The answer's head says it all; its body is not read, however long it is."""
        headers = {
            "Content-Type": "application/json",
            KEY: key,
            SIGNATURE: sign(self._secret, body, at=at),
        }
        self._outward.clear()
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                status, delivered = answer.status_code, answer.is_success
        except httpx.HTTPError as error:
            why = f"no answer from {self._host} ({type(error).__name__})"
            return Delivery(delivered=False, again=True, why=why)
        if delivered:
            return Delivery(delivered=True, again=False, why="")
        again = status in _AGAIN or status >= _SERVER_TROUBLE
        why = f"HTTP status {status} from {self._host}"
        return Delivery(delivered=False, again=again, why=why)


def body_of(order: Restriction) -> bytes:
    """The order as JSON; the same order always gives the same bytes."""
    return json.dumps(
        {
            "id": order.id,
            "item_reference": order.item_reference,
            "action": ACTION,
            "case": order.case_id,
            "at": iso(order.ordered_at),
        },
        separators=(",", ":"),
        sort_keys=True,
    ).encode()


def notice_body(notice: DecisionNotice) -> bytes:
    """The notice as JSON; the same notice always gives the same bytes."""
    return json.dumps(
        {
            "id": notice.id,
            "type": TYPE,
            "case": notice.case_id,
            "item_reference": notice.item_reference or None,
            "verdict": notice.verdict.value,
            "decided_at": iso(notice.decided_at),
        },
        separators=(",", ":"),
        sort_keys=True,
    ).encode()


def sign(secret: Redacted[str], body: bytes, *, at: datetime) -> str:
    """The value of the signature header for `body` sent at `at`."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={_digest(secret, stamp, body)}"


def verify(
    secret: Redacted[str], headers: Mapping[str, str], body: bytes, *, now: datetime
) -> dict[str, object]:
    """The order, when `body` was signed with `secret` in the last five minutes; else `Refused`.

    A receiver also remembers `Idempotency-Key` and answers 2xx to one it has seen: an order
    comes again when an answer was lost.
    """
    given = {name.lower(): value for name, value in headers.items()}
    fields = dict(
        part.split("=", 1) for part in given.get(SIGNATURE.lower(), "").split(",") if "=" in part
    )
    stamp, digest = fields.get("t", ""), fields.get("v1", "")
    if not stamp.isdigit() or not hmac.compare_digest(
        digest.encode(), _digest(secret, stamp, body).encode()
    ):
        raise Refused("The order is not signed by Tutela", why="the signature does not fit")
    if abs((now - datetime.fromtimestamp(int(stamp), UTC)).total_seconds()) > TOLERANCE_SECONDS:
        raise Refused("The order is too old or too early", why="outside the five minutes")
    order = json.loads(body)
    if not isinstance(order, dict) or order.get("id") != given.get(KEY.lower()):
        raise BadInput("The order is not the one its key names")
    return order


def _digest(secret: Redacted[str], stamp: str, body: bytes) -> str:
    key = secret.reveal().encode()
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname):
        return url
    raise Misconfigured(
        "The webhook's address cannot be used",
        why="it is neither https nor a loopback address",
        remedy="Set TUTELA_PLATFORM_WEBHOOK_URL to an https address.",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
