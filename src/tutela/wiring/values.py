"""What the values of settings may look like, and how they are written."""

import ipaddress
import json
from pathlib import Path
from typing import Annotated, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from tutela.primitives.errors import Misconfigured

EXAMPLE_SECRETS = frozenset(
    {
        "changethis",
        "change-me",
        "changeme",
        "secret",
        "password",
        "example",
        "demo",
        "tutela",
        "sandbox",
        "test",
        "xxx",
    }
)
"""Words that stand in documentation; outside the demo they open nothing, however written."""


def _plain(secret: str) -> str:
    """A secret without case, blanks and signs: `Change_Me!` is `changeme`."""
    return "".join(c for c in secret.lower() if c.isalnum())


_PLAIN_EXAMPLES = frozenset(_plain(word) for word in EXAMPLE_SECRETS)


def is_example(secret: str) -> bool:
    """Whether this stands in documentation rather than in a safe."""
    return _plain(secret) in _PLAIN_EXAMPLES


def require_own_type(value: object, annotation: object) -> None:
    """Refuse a number for a yes or no, a yes for a number and a fraction for a whole number.

    Texts are let through: a variable of the environment has nothing else. Raises `ValueError`.
    """
    kinds = {annotation, *get_args(annotation)}
    if isinstance(value, bool):
        if bool not in kinds and kinds & {int, float}:
            raise ValueError("Input should be a number, not true or false")
    elif isinstance(value, float) and int in kinds:
        raise ValueError("Input should be a whole number")
    elif isinstance(value, int | float) and bool in kinds:
        raise ValueError("Input should be true or false")


def _split(value: object) -> object:
    """`GB,US` and `["GB", "US"]` alike."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError("write country codes with commas: GB,US") from None
    return tuple(code for part in value.split(",") if (code := part.strip()))


def _web_address(url: str | None) -> str | None:
    """An http(s) address with a host and without a password in it; empty is none."""
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("should be an address that begins with https:// (or http://)")
    if parts.username or parts.password:
        raise ValueError("should not hold a user name or password")
    _ = parts.port  # raises ValueError for one that is no number
    return url


def host_of(url: str) -> str | None:
    """The host an address names, if any."""
    try:
        return urlsplit(url).hostname
    except ValueError:  # what cannot be read is never contacted
        return None


def _networks(value: object) -> object:
    """`10.0.0.1,10.1.0.0/16` and a list of the same alike; a single address is a network."""
    if isinstance(value, str):
        value = tuple(one for part in value.split(",") if (one := part.strip()))
    if not isinstance(value, list | tuple):
        return value
    try:
        return tuple(str(ipaddress.ip_network(str(one).strip())) for one in value)
    except ValueError:
        raise ValueError(
            "expected IP addresses or networks with commas: 192.0.2.1,10.0.0.0/8"
        ) from None


WebAddress = Annotated[str | None, AfterValidator(_web_address)]
Countries = Annotated[tuple[str, ...], BeforeValidator(_split)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_networks)]


_NOT_IN_A_SHELL = frozenset("\"'`$\\&;|<>()*?[],")
"""PostgreSQL's `pg_ctl` hands the folder to a shell, within double quotes for the data and without
for the socket; a comma would divide the socket's folder in two."""


def require_embeddable(folder: Path) -> None:
    """Raise `Misconfigured` for a folder in which the embedded PostgreSQL cannot run.

    The first such character is named with its position, counted from 1.
    """
    for position, sign in enumerate(str(folder), start=1):
        odd = sign in _NOT_IN_A_SHELL or sign.isspace() or not sign.isprintable()
        if odd:
            raise Misconfigured(
                "TUTELA_HOME cannot be used with the embedded PostgreSQL",
                why=f"{str(folder)!a} has the character {sign!a} at position {position}",
                remedy="Choose a folder without it, or set TUTELA_DATABASE_URL to a PostgreSQL "
                "of your own.",
            )
