"""Where the settings table is filled from: variables of the environment, and a file."""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tutela.primitives.errors import Misconfigured

PREFIX = "TUTELA_"
_OTHER_VARIABLES = frozenset(
    {
        "TUTELA_CONFIG",
        "TUTELA_TOKEN",  # the key of a program that runs commands
        "TUTELA_KERNELS",  # where compiled code is kept
        "TUTELA_KEY",  # for programs that call the API, as in the README
        "TUTELA_URL",
        "TUTELA_SANDBOX_PASSWORD",
        "TUTELA_SCHEMAS",  # for tests, as the next three
        "TUTELA_TEST_EGRESS_LOG",
        "TUTELA_WRITE_PICTURES",
        "TUTELA_WRITE_README",
    }
)


def config_file() -> Path:
    """The file of settings: `TUTELA_CONFIG`, or `tutela.toml` where the program is started."""
    return Path(os.environ.get("TUTELA_CONFIG") or "tutela.toml")


def unknown_variables(names: Iterable[str]) -> list[str]:
    """`TUTELA_…` variables of the environment that are none of the settings `names`."""
    known = {f"{PREFIX}{name.upper()}" for name in names}
    return sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and name.upper() not in known | _OTHER_VARIABLES
    )


def from_environment(names: Iterable[str]) -> dict[str, Any]:
    """`TUTELA_…` in capitals or not, where `names` has such a setting."""
    given = {name.lower(): value for name, value in os.environ.items()}
    variables = ((name, f"{PREFIX}{name}".lower()) for name in names)
    return {name: given[variable] for name, variable in variables if variable in given}


def from_file() -> dict[str, Any]:
    """A file that was asked for by name must be there; the one by default may be missing.

    The null device says: no file, whatever lies in the folder.
    """
    file = config_file()
    if file.is_file():
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    named = os.environ.get("TUTELA_CONFIG")
    if named and named != os.devnull:
        raise unusable(f"TUTELA_CONFIG names {file}, and there is no such file")
    return {}


def unusable(why: str) -> Misconfigured:
    """The error for settings that cannot be used."""
    return Misconfigured(
        "The settings cannot be used",
        why=why,
        remedy="See docs/reference/settings.md, then run `tutela check`.",
    )
