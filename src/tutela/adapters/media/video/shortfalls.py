"""What came of a track, compared with what the file declares: runs in the child only.

Whether a file is whole has three answers: yes (its structure shows its end, and all of it came),
no (with the reasons), and not known (a transport stream, for one, says nothing of its length).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from tutela.adapters.media.video.declared import Declared, Shortfall

SLACK_SECONDS = 1.5
SLACK_SHARE = 0.03
"""A declared length is rounded, and counts the longest of all tracks: so much less is nothing."""
_UNDECODED_SECONDS = 3.0

Found = tuple[Shortfall, float, float]
"""In which way less came than is declared: how much is declared, and how much came."""


class Packet(Protocol):
    """What is asked of a packet (`av.Packet`)."""

    pts: int | None
    dts: int | None
    duration: int | None

    @property
    def time_base(self) -> Fraction | None:
        """Seconds of one unit of the times."""
        ...

    @property
    def stream_index(self) -> int:
        """Which track it is of."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def is_corrupt(self) -> bool:
        """Whether the demuxer could not read all of it."""
        ...


class Came:
    """Counts what a demuxer gives; times are of all tracks that are read, in seconds."""

    def __init__(self, stream_index: int) -> None:
        self._index = stream_index
        self.packets = 0
        self.last_is_cut = False
        self._start: float | None = None
        self._end = 0.0
        self.track_end: float | None = None

    def take(self, packet: Packet) -> bool:
        """Count it; returns whether it is of the track itself."""
        mine = packet.stream_index == self._index
        if mine:
            self.packets += 1
            self.last_is_cut = packet.is_corrupt
        time = packet.dts if packet.pts is None else packet.pts
        if time is None or packet.time_base is None or not packet.size:
            return mine
        start = float(time * packet.time_base)
        end = start + float((packet.duration or 0) * packet.time_base)
        self._start = start if self._start is None else min(self._start, start)
        self._end = max(self._end, end)
        if mine:
            self.track_end = max(self.track_end or 0.0, end)
        return mine

    @property
    def seconds(self) -> float:
        """How far it came: from the first to the last, or from 0 where the first is later."""
        if self._start is None:
            return 0.0
        return max(self._end, self._end - self._start)


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """Of `frames` frames that a container's index lists, `beyond` lie behind the file's end."""

    frames: int = 0
    beyond: int = 0


def index_of(entries: Iterable[tuple[int, int]], size: int) -> Index:
    """Count the (place, bytes) of an index that do not fit into a file of that size."""
    frames = beyond = 0
    for place, count in entries:
        frames += 1
        beyond += place + count > size
    return Index(frames=frames, beyond=beyond)


def shortfalls(
    declared: Declared, came: Came, index: Index, *, size: int, stream_seconds: float | None
) -> list[Found]:
    """In which ways less came than was declared; empty when in none."""
    found: list[Found] = []
    if declared.end is not None and declared.end > size:
        found.append((Shortfall.BYTES, declared.end, size))
    if index.beyond:
        found.append((Shortfall.FRAMES, index.frames, index.frames - index.beyond))
    elif declared.frames is not None and declared.frames > came.packets:
        found.append((Shortfall.FRAMES, declared.frames, came.packets))
    seconds = stream_seconds or declared.seconds
    if seconds is not None and not found:
        slack = max(SLACK_SECONDS, SLACK_SHARE * seconds)
        if came.seconds < seconds - slack:
            found.append((Shortfall.SECONDS, seconds, came.seconds))
    if declared.cut_packet or came.last_is_cut:
        found.append((Shortfall.LAST_PACKET, 0, 0))
    elif declared.ends is False:
        found.append((Shortfall.END_MARK, 0, 0))
    return found


def undecoded(came: Came, decoded_to: float | None, *, errors: int) -> list[Found]:
    """Whether from some second on nothing could be decoded, though it came."""
    if not errors or came.track_end is None:
        return []
    reached = decoded_to or 0.0
    if came.track_end - reached <= _UNDECODED_SECONDS:
        return []
    return [(Shortfall.UNDECODED, came.track_end, reached)]


def whole(
    declared: Declared, found: Collection[Found], *, stream_seconds: float | None
) -> bool | None:
    """Whether all that is declared came: no, yes, or None where nothing is declared."""
    if found:
        return False
    known = declared.ends or declared.frames or declared.seconds or stream_seconds
    return True if known else None
