"""In words: in which ways less of a video came than its file declares."""

from collections.abc import Iterable

from tutela.adapters.media.frames import BadFrame
from tutela.adapters.media.video.declared import Shortfall

_MOST = 16
_WORDS = {
    Shortfall.BYTES: "it declares {0:,.0f} bytes and has {1:,.0f}",
    Shortfall.FRAMES: "it declares {0:,.0f} frames and has {1:,.0f}",
    Shortfall.SECONDS: "it declares {0:,.1f} s and has {1:,.1f} s",
    Shortfall.LAST_PACKET: "its last packet is cut off",
    Shortfall.END_MARK: "the mark of its end is missing",
    Shortfall.ERROR: "its container ends in an error",
    Shortfall.UNDECODED: "nothing behind second {1:,.1f} of {0:,.1f} can be decoded",
}


def shortfalls_of(line: object) -> tuple[str, ...]:
    """The words for what a child sent; raise `BadFrame` when that is malformed."""
    if not isinstance(line, list) or len(line) > _MOST:
        raise BadFrame
    words = []
    for one in line:
        if not isinstance(one, list) or len(one) != 3:  # noqa: PLR2004 - kind, declared, came
            raise BadFrame
        name, declared, came = one
        if type(declared) not in {int, float} or type(came) not in {int, float}:
            raise BadFrame
        try:
            words.append(_WORDS[Shortfall(name)].format(declared, came))
        except (ValueError, OverflowError) as error:
            raise BadFrame from error
    return tuple(words)


def incomplete(reasons: Iterable[str]) -> str:
    """Why a video is not whole, for the reader of an answer."""
    listed = "; ".join(reasons)
    ending = f": {listed}" if listed else ""
    return f"The video is incomplete{ending}. The frames that came were compared"


def undecodable(count: int) -> str:
    """How many frames could not be decoded."""
    frames = "1 frame" if count == 1 else f"{count:,} frames"
    return f"{frames} could not be decoded"
