r"""What reaches a terminal: text only, never a command to it.

Names, paths and messages come from strangers. Control characters in them could move the cursor,
rewrite what was printed, set the clipboard or open a link; bidirectional controls could show a
name in another order than it has. They are shown as JSON escapes (`\u001b`), so that a line of
JSON stays what it was. All output of a command goes through `guard_output` or `Terminal`.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (but tab and line feed), DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # line and paragraph separator
    "\u206a-\u206f\ufeff\ufff9-\ufffb"  # deprecated and annotation controls, byte order mark
    "\ud800-\udfff"  # half of a pair: no encoding holds it
    "\U000e0000-\U000e007f]"  # tags: invisible text
)


def escaped(text: str) -> str:
    r"""The text with every character that could steer a terminal as `\uXXXX`; line ends stay."""
    return _STEERING.sub(_escape, text)


def one_line(text: str) -> str:
    r"""The same, with line ends and tabs escaped, too: for a name within a line."""
    return escaped(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


class GuardedStream:
    """A text stream that escapes what is written to it; everything else is the stream's own.

    `unguarded` is for whoever escapes the text and adds styles of its own (`Terminal`).
    """

    def __init__(self, stream: IO[str]) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Write the text, escaped; gives its length as it came."""
        self.unguarded.write(escaped(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each line, escaped."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self.unguarded, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.unguarded)


def guard_output() -> None:
    """From now on stdout and stderr escape; a second call changes nothing."""
    if not isinstance(sys.stdout, GuardedStream):
        sys.stdout = cast("Any", GuardedStream(sys.stdout))
    if not isinstance(sys.stderr, GuardedStream):
        sys.stderr = cast("Any", GuardedStream(sys.stderr))


def unguarded(stream: IO[str]) -> IO[str]:
    """The stream itself."""
    return stream.unguarded if isinstance(stream, GuardedStream) else stream


def write_line(text: str, *, to_stderr: bool = False) -> None:
    """Print one line, escaped whether the streams are guarded or not."""
    stream = sys.stderr if to_stderr else sys.stdout
    stream.write(escaped(text) + "\n")
    stream.flush()
