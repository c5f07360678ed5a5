"""The words of each refusal: why, and what the reader can do."""

from tutela.adapters.media.model import Limits, Refusal, RefusalReason
from tutela.adapters.media.sniffing import NAMES
from tutela.adapters.media.video.containers import VIDEO_NAMES

_OTHER_WAY = "The digests still match exactly; a person may look at it in another way"


def refuse(reason: RefusalReason, limits: Limits, detail: str = "") -> Refusal:
    """The refusal for this reason; `detail` is a class name or a constant, never content."""
    in_brackets = f" ({detail})" if detail else ""
    why, remedy = {
        RefusalReason.UNREADABLE: (
            f"The file cannot be read{in_brackets}",
            "Check that it exists, is a plain file and may be read",
        ),
        RefusalReason.EMPTY: ("The file is empty", "Fetch it again from its source"),
        RefusalReason.NOT_A_PICTURE: (
            f"The first bytes are not those of {NAMES}, nor of {VIDEO_NAMES}",
            "Only its digests can be matched; convert the file if it is a picture or video",
        ),
        RefusalReason.DAMAGED: (
            f"The picture is damaged, cut off or not what it claims to be{in_brackets}",
            _OTHER_WAY,
        ),
        RefusalReason.CUT_OFF: (
            f"The file is cut off: too little of the picture came to be compared{in_brackets}",
            "Fetch the whole file; the digests are those of what is there",
        ),
        RefusalReason.TOO_MANY_BYTES: (
            f"The file is larger than {limits.max_file_bytes:,} bytes",
            "Raise the limit on file size if such pictures are expected",
        ),
        RefusalReason.TOO_MANY_PIXELS: (
            f"It declares over {limits.max_pixels:,} pixels or a side over {limits.max_side_px:,}",
            "Nothing was decoded. Raise the limits on pixels and memory if this is expected",
        ),
        RefusalReason.OUT_OF_MEMORY: (
            f"Decoding needs more than the {limits.memory_bytes:,} bytes allowed",
            "Raise the decoder's memory limit if such pictures are expected",
        ),
        RefusalReason.OUT_OF_TIME: (
            f"Decoding takes over {limits.cpu_seconds} s of work or {limits.wall_seconds:g} s",
            "Try again when the machine is less busy, or raise the decoder's time limits",
        ),
        RefusalReason.DECODER_DIED: (
            "The decoder's process ended in the middle of this file",
            _OTHER_WAY,
        ),
    }[reason]
    return Refusal(reason=reason, why=why, remedy=remedy)
