"""Open a file with one decoder, within the limits: runs in the child only.

The header is read first; a picture that declares too many pixels is refused before a single one
is decoded.
"""

import io
import warnings

from PIL import Image, UnidentifiedImageError

from tutela.adapters.media.model import Limits, RefusalReason
from tutela.adapters.media.sniffing import Kind


class NoPicture(Exception):
    """The file gives no picture; `detail` is a constant or a class name, never content."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason)


def obey(limits: Limits) -> None:
    """Set the decoders' own limits; a warning about size becomes a refusal."""
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def opened(body: bytes, *, kind: Kind, limits: Limits) -> Image.Image:
    """The picture with its header read and its declared size within the limits."""
    try:
        image = Image.open(io.BytesIO(body), formats=[kind.decoder])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPicture(RefusalReason.TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise NoPicture(RefusalReason.DAMAGED, "header") from error
    check_size(image.size, limits)
    return image


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Raise `NoPicture` for a picture without pixels or with more than are decoded."""
    width, height = size
    if width < 1 or height < 1:
        raise NoPicture(RefusalReason.DAMAGED, "size")
    if width * height > limits.max_pixels or max(width, height) > limits.max_side_px:
        raise NoPicture(RefusalReason.TOO_MANY_PIXELS)


def loaded(image: Image.Image, limits: Limits) -> Image.Image:
    """The same picture, all pixels decoded."""
    try:
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPicture(RefusalReason.TOO_MANY_PIXELS) from error
    check_size(image.size, limits)  # a frame may be larger than the header said
    return image
