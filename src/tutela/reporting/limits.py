"""What an authority's form accepts, checked before anything leaves the house.

Source: the CyberTipline appendix A to C as documented (page footer 2025-06-11): lengths,
aware and past times, well-formed addresses. The schema (XSD) alone passes documents that the
authority rejects, so these rules are code. A message names the field and the rule, never
the value.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from urllib.parse import urlsplit

from tutela.primitives.errors import BadInput

MAX_URL = 2083
MAX_EMAIL = 255
_MAX_LONG = 2**63 - 1
_NOT_IN_XML = re.compile(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.][^@\s]*")
_COUNTRY = re.compile(r"[A-Z]{2}")

# Postal abbreviations of the United States: 50 states, DC and the territories GU, PR, VI.
_STATES = (
    "AK AL AR AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS "
    "MT NC ND NE NH NJ NM NV NY OH OK OR PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY"
)
US_STATES = frozenset(_STATES.split())


def broken(path: str, why: str, *, remedy: str = "") -> BadInput:
    """The error for the field at `path`; `why` states the rule, never the value."""
    return BadInput(
        "The report breaks a rule of the authority", why=f"{path}: {why}", remedy=remedy
    )


def carriable(text: str) -> str:
    """`text` with each character that XML 1.0 cannot carry replaced by U+FFFD.

    For composers: names that people chose may hold control characters, and a report must
    not fail for that. The replacement stays visible in what is sent.
    """
    return _NOT_IN_XML.sub("\ufffd", text)


def check_text(path: str, value: str | None, limit: int | None = None) -> None:
    """Refuse a blank text, one over `limit` characters, or one that XML cannot carry."""
    if value is None:
        return
    if not value.strip():
        raise broken(path, "is blank", remedy="Leave the field out instead.")
    if limit is not None and len(value) > limit:
        raise broken(path, f"has {len(value)} characters, at most {limit} are accepted")
    if _NOT_IN_XML.search(value):
        raise broken(
            path, "holds a character that XML cannot carry", remedy="Pass it through `carriable`."
        )


def check_texts(path: str, fact: object, **limits: int | None) -> None:
    """`check_text` on the named fields of `fact`; a tuple field is checked item by item."""
    for name, limit in limits.items():
        value = getattr(fact, name)
        if isinstance(value, tuple):
            for number, item in enumerate(value):
                check_text(f"{path}.{name}[{number}]", item, limit)
        else:
            check_text(f"{path}.{name}", value, limit)


def check_url(path: str, value: str | None) -> None:
    """Refuse what is no absolute URL of at most 2083 characters."""
    check_text(path, value, MAX_URL)
    if value is None:
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        raise broken(path, "is not a URL") from None
    if not parts.scheme or not parts.netloc or any(letter.isspace() for letter in value):
        raise broken(path, "is not an absolute URL")


def check_email(path: str, value: str) -> None:
    """Refuse what is no e-mail address: 255 characters, 64 before the @."""
    check_text(path, value, MAX_EMAIL)
    if not _EMAIL.fullmatch(value):
        raise broken(path, "is not a well-formed e-mail address")


def check_ip(path: str, value: str) -> None:
    """Refuse what is no IPv4 or IPv6 address (scope zones are not accepted)."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise broken(path, "is not an IPv4 or IPv6 address") from None
    if "%" in value:
        raise broken(path, "carries a scope zone")


def check_country(path: str, value: str | None) -> None:
    """Refuse what does not look like an ISO 3166-1 alpha-2 code; the XSD knows the list."""
    if value is not None and not _COUNTRY.fullmatch(value):
        raise broken(path, "is not a two-letter country code")


def check_state(path: str, value: str | None) -> None:
    """Refuse what is no postal abbreviation of a US state or territory."""
    if value is not None and value not in US_STATES:
        raise broken(path, "is not a US state or territory abbreviation")


def check_range(path: str, value: float | None, low: float, high: float) -> None:
    """Refuse a number outside `low` to `high`, both included (and what is not a number)."""
    if value is not None and not low <= value <= high:
        raise broken(path, f"is not between {low} and {high}")


def check_report_number(path: str, value: str) -> None:
    """Refuse what is no report number of the authority (xs:long above zero, as text)."""
    if not re.fullmatch(r"[1-9][0-9]{0,18}", value) or int(value) > _MAX_LONG:
        raise broken(path, "is not a report number")


def check_in_order(path: str, first: datetime | None, second: datetime | None) -> None:
    """Refuse a `second` moment before the `first`; either may be missing."""
    if first is None or second is None:
        return
    check_aware(path, (first, second))
    if second < first:
        raise broken(path, "is before the moment it must follow")


def check_aware(path: str, moments: Iterable[datetime | None]) -> None:
    """Refuse a moment without a time zone; the authority does."""
    for moment in moments:
        if moment is not None and moment.utcoffset() is None:
            raise broken(path, "has no time zone")


def check_past(fact: object, path: str, at: datetime, *, may_be_later: frozenset[str]) -> None:
    """Refuse any moment or date inside `fact` that is naive or later than `at`.

    `may_be_later` names the fields for which the documentation asks no past time.
    """
    check_aware(f"{path}.composed_at", (at,))
    for where, moment in _moments(fact, path):
        if isinstance(moment, datetime):
            check_aware(where, (moment,))
            later = moment > at
        else:
            later = moment > at.date()
        if later and where.rpartition(".")[2] not in may_be_later:
            raise broken(where, "is not in the past")


def _moments(fact: object, path: str) -> Iterator[tuple[str, datetime | date]]:
    if isinstance(fact, date):  # a datetime is a date
        yield path, fact
    elif isinstance(fact, tuple):
        for number, item in enumerate(fact):
            yield from _moments(item, f"{path}[{number}]")
    elif dataclasses.is_dataclass(fact):
        for field in dataclasses.fields(fact):
            yield from _moments(getattr(fact, field.name), f"{path}.{field.name}")
