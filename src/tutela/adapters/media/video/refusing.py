"""The words of each refusal of a video: why, and what the reader can do."""

from tutela.adapters.media.model import PictureRefused, Refusal, RefusalReason
from tutela.adapters.media.video.containers import VIDEO_NAMES
from tutela.adapters.media.video.model import VideoLimits

_OTHER_WAY = "The digests still match exactly; a person may look at it in another way"


class VideoRefused(PictureRefused):
    """Frames were asked for and the file gives none; `refusal` says why."""

    code = "video_refused"


def refuse_video(reason: RefusalReason, limits: VideoLimits, detail: str = "") -> Refusal:
    """The refusal for this reason; `detail` is a class name or a constant, never content."""
    in_brackets = f" ({detail})" if detail else ""
    why, remedy = {
        RefusalReason.UNREADABLE: (
            f"The file cannot be read{in_brackets}",
            "Check that it exists, is a plain file and may be read",
        ),
        RefusalReason.NO_VIDEO_DECODER: (
            "Videos are not decoded here: the decoder is not installed",
            "Only the digests were matched. Install it with `pip install 'tutela[video]'`",
        ),
        RefusalReason.NOT_A_VIDEO: (
            f"The first bytes are not those of {VIDEO_NAMES}",
            "Only its digests can be matched; convert the file if it is a video",
        ),
        RefusalReason.TOO_MANY_BYTES: (
            f"The video is larger than {limits.max_file_bytes:,} bytes",
            "Raise the limit on the size of videos if such files are expected",
        ),
        RefusalReason.TOO_MANY_PIXELS: (
            f"Its frames have over {limits.max_pixels:,} pixels",
            "Nothing was decoded. Raise the limit if this is expected",
        ),
        RefusalReason.OUT_OF_MEMORY: (
            f"Decoding needs more than the {limits.memory_bytes:,} bytes allowed",
            "Raise the decoder's memory limit if such videos are expected",
        ),
        RefusalReason.OUT_OF_TIME: (
            "Decoding takes longer than a video of this length may, or stands still",
            "Try again when the machine is less busy, or raise the decoder's time limits",
        ),
        RefusalReason.DECODER_DIED: (
            "The decoder's process ended in the middle of this video",
            _OTHER_WAY,
        ),
    }.get(
        reason,
        (
            f"The video is damaged, cut off or of a kind that is not decoded{in_brackets}",
            _OTHER_WAY,
        ),
    )
    return Refusal(reason=reason, why=why, remedy=remedy)
