"""Names of files as text that every database, document and program can hold."""

from pathlib import PurePath


def spelled(path: PurePath) -> str:
    r"""The path with bytes that are no UTF-8 spelled out (`\udcff`); any other name as it is."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()
