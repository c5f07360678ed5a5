"""Which packets must be decoded, and which frames are hashed: without decoding the others.

A frame that nothing refers to, and that is not wanted, need not be decoded; the frames that
are wanted come out the same in every pixel. Steps, for packets in decoding order:

1. number the frames in the order of showing: a packet's place is settled when the decoding
   time has reached its own time of showing;
2. the first frame at or after each step is wanted;
3. hold packets back until it is settled whether they are wanted;
4. of those before the next wanted one, drop the pictures that no other refers to, and drop all
   when a picture that starts anew (IDR) comes first: both read from the stream itself, not from
   the container's claim;
5. decode the rest; where nothing could be read the decoder leaves out what no other refers to.

A stream whose packets lack times is decoded whole.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

MAX_HELD_PACKETS = 512
"""More than any reordering needs; a stream that wants more is decoded as it comes."""
MAX_HELD_BYTES = 64 << 20

_H264_IDR, _H264_PICTURES, _H264_HARMLESS = frozenset({5}), range(1, 6), frozenset({1, 5, 6, 9, 12})
_H264_LEAF, _H264_AROUND_LEAF = 0x01, frozenset({0x01, 0x09, 0x0C})
"""First bytes: a slice that says nothing refers to its picture; with delimiter and filler.

A decoder may read on for other pictures what stands in supplemental information: it gets that.
"""
_HEVC_IDR, _HEVC_PICTURES = frozenset({19, 20}), range(32)
_HEVC_HARMLESS = frozenset({*range(10), *range(16, 22), 35, 38, 39, 40})
_START_CODE = b"\x00\x00\x01"


class Packet(Protocol):
    """What is asked of a packet (`av.Packet`)."""

    pts: int | None
    dts: int | None

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def is_discard(self) -> bool:
        """Whether the container cuts this frame away: decoded, never shown."""
        ...

    def __bytes__(self) -> bytes: ...


class Role(Enum):
    """What a packet is for."""

    WANTED = "wanted"
    OTHER = "other"  # decode it if something refers to it


@dataclass(frozen=True, slots=True)
class Release:
    """A packet to decode now."""

    packet: Packet
    role: Role


class Choosing:
    """Takes packets in decoding order, gives those to decode and tells which frames to hash."""

    def __init__(self, *, step: int, codec: str, extradata: bytes) -> None:
        """`step` is in the stream's time base; `codec` the decoder's name."""
        self._step = step
        self._nals = nals_of(codec, extradata)
        self.origin: int | None = None
        self.next_target = 0
        self._unsettled: list[int] = []
        self.settled_to: int | None = None
        self._queue: deque[Packet] = deque()
        self._aside: list[Packet] = []
        self._held_bytes = 0
        self._wanted: set[int] = set()
        self._numbers: dict[int, int] = {}
        self.count = 0
        self.lost = 0  # wanted frames that gave no picture

    def take(self, packet: Packet) -> Iterator[Release]:
        """The next packet; what can be decoded now comes out, in order."""
        if not packet.is_discard:
            if packet.pts is None:
                raise NoTimes
            if self.settled_to is not None and packet.pts <= self.settled_to:
                raise NoTimes  # its times contradict those before it
            heapq.heappush(self._unsettled, packet.pts)
            if packet.dts is not None:  # Matroska says none for the first packets
                self._settle(packet.dts)
        self._queue.append(packet)
        self._held_bytes += packet.size
        yield from self._release()
        held = len(self._queue) + len(self._aside)
        if held > MAX_HELD_PACKETS or self._held_bytes > MAX_HELD_BYTES:
            yield from self.let_go()

    def finish(self) -> Iterator[Release]:
        """No packet follows."""
        while self._unsettled:
            self._number(heapq.heappop(self._unsettled))
        yield from self._release()
        self._aside.clear()  # nothing wanted comes any more

    def number_of(self, pts: int) -> int | None:
        """The frame's number, when it is one to hash."""
        return self._numbers.get(pts)

    def overtaken(self, pts: int) -> tuple[int, int] | None:
        """The wanted frame (its time and number) that `pts` has overtaken without it, if any.

        A wanted frame that gives no picture is replaced by the next that does.
        """
        lost = [time for time in self._numbers if time < pts]
        if not lost:
            return None
        numbers = [self._numbers.pop(time) for time in sorted(lost)]
        self.lost += len(lost)
        return max(lost), numbers[-1]

    def forget(self) -> None:
        """No frame follows: those still expected gave no picture."""
        self.lost += len(self._numbers)
        self._numbers.clear()

    def done(self, pts: int) -> None:
        """The frame has been hashed."""
        self._numbers.pop(pts, None)

    def _settle(self, dts: int) -> None:
        """Step 1: nothing that comes later is shown before `dts`."""
        while self._unsettled and self._unsettled[0] <= dts:
            self._number(heapq.heappop(self._unsettled))

    def _number(self, pts: int) -> None:
        """Steps 1 and 2."""
        if self.origin is None:
            self.origin = pts
        if pts - self.origin >= self.next_target:
            self._wanted.add(pts)
            self._numbers[pts] = self.count
            passed = (pts - self.origin) // self._step if self._step else 0
            self.next_target = (passed + 1) * self._step
        self.settled_to = pts
        self.count += 1

    def _release(self) -> Iterator[Release]:
        """Steps 3 to 5 for the packets at the head whose place is settled."""
        while self._queue:
            head = self._queue[0]
            if not head.is_discard and not self._is_settled(head.pts):
                return
            self._queue.popleft()
            if head.pts in self._wanted and not head.is_discard:
                self._wanted.discard(head.pts)
                if self._aside and self._read(head).starts_anew:
                    self._drop_aside()
                yield from self._flush()
                self._held_bytes -= head.size
                yield Release(head, Role.WANTED)
            else:
                yield from self._put_aside(head)

    def _is_settled(self, pts: int | None) -> bool:
        return pts is not None and self.settled_to is not None and pts <= self.settled_to

    def _put_aside(self, packet: Packet) -> Iterator[Release]:
        """Step 4."""
        read = self._read(packet)
        if read.leaf:
            self._held_bytes -= packet.size
            return
        if read.starts_anew:
            self._drop_aside()
        self._aside.append(packet)
        if self._nals is not None and not read.droppable:
            yield from self._flush()

    def _read(self, packet: Packet) -> "Reading":
        return UNREAD if self._nals is None else self._nals.read(bytes(packet))

    def _drop_aside(self) -> None:
        self._held_bytes -= sum(one.size for one in self._aside)
        self._aside.clear()

    def _flush(self) -> Iterator[Release]:
        """Step 5 for what was set aside."""
        for packet in self._aside:
            self._held_bytes -= packet.size
            yield Release(packet, Role.OTHER)
        self._aside.clear()

    def let_go(self) -> Iterator[Release]:
        """Too much is held back: decode it all, whatever it is."""
        yield from self._flush()
        while self._queue:
            packet = self._queue.popleft()
            self._held_bytes -= packet.size
            yield Release(packet, Role.WANTED)


class NoTimes(Exception):
    """The packets do not say when they are shown; decode the stream whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What the units of a packet say of it."""

    starts_anew: bool = False
    """Every picture in it is an IDR: nothing after it refers to what was before."""
    droppable: bool = False
    """It holds nothing that a later picture needs beyond its own picture.

    A parameter set, for one, stays in force.
    """
    leaf: bool = False
    """It holds nothing but a picture that no other refers to."""


UNREAD = Reading()


@dataclass(frozen=True, slots=True)
class Nals:
    """How the units of an H.264 or HEVC stream are told apart."""

    hevc: bool
    length_bytes: int  # 0: start codes

    def read(self, data: bytes) -> Reading:
        """Read a packet; `UNREAD` when its units do not fill it, so that the decoder judges it."""
        firsts = self._firsts(data)
        if not firsts:
            return UNREAD
        if self.hevc:
            kinds = {(first >> 1) & 0x3F for first in firsts}
            new, pictures, harmless = _HEVC_IDR, kinds.intersection(_HEVC_PICTURES), _HEVC_HARMLESS
        else:
            kinds = {first & 0x1F for first in firsts}
            new, pictures, harmless = _H264_IDR, kinds.intersection(_H264_PICTURES), _H264_HARMLESS
        return Reading(
            starts_anew=bool(pictures) and pictures <= new,
            droppable=kinds <= harmless,
            leaf=not self.hevc and _H264_LEAF in firsts and firsts <= _H264_AROUND_LEAF,
        )

    def _firsts(self, data: bytes) -> set[int]:
        """The first byte of each unit."""
        found: set[int] = set()
        if self.length_bytes:
            place = 0
            while place + self.length_bytes < len(data):
                start = place + self.length_bytes
                found.add(data[start])
                place = start + int.from_bytes(data[place:start])
            return found if place == len(data) else set()
        place = data.find(_START_CODE)
        while 0 <= place < len(data) - len(_START_CODE):
            found.add(data[place + len(_START_CODE)])
            place = data.find(_START_CODE, place + len(_START_CODE))
        return found


def nals_of(codec: str, extradata: bytes) -> Nals | None:
    """How to read this stream's units; None for a codec whose packets are never dropped."""
    if codec == "h264":
        sized = len(extradata) > 4 and extradata[0] == 1  # noqa: PLR2004 - avcC
        return Nals(hevc=False, length_bytes=(extradata[4] & 3) + 1 if sized else 0)
    if codec == "hevc":
        sized = len(extradata) > 21 and not extradata.startswith(b"\x00\x00")  # noqa: PLR2004 - hvcC
        return Nals(hevc=True, length_bytes=(extradata[21] & 3) + 1 if sized else 0)
    return None
