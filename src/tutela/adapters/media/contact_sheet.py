"""Several pictures of one file side by side, for a person who must look at them."""

from collections.abc import Sequence

from PIL import Image

GAP_PX = 8


def cell_px(count: int, *, side_px: int) -> int:
    """How large one of `count` pictures may be on a sheet whose long side is `side_px`."""
    columns = columns_of(count)
    return max(1, (side_px - (columns - 1) * GAP_PX) // columns)


def columns_of(count: int) -> int:
    """The fewest columns that make a sheet at least as wide as high."""
    return next(columns for columns in range(1, count + 1) if columns * columns >= count)


def sheet_of(pictures: Sequence[Image.Image]) -> Image.Image:
    """Rows of cells on black, no larger than the pictures need; a single one as it is."""
    if len(pictures) == 1:
        return pictures[0]
    width, height = max(one.width for one in pictures), max(one.height for one in pictures)
    columns = columns_of(len(pictures))
    rows = -(-len(pictures) // columns)
    size = (columns * (width + GAP_PX) - GAP_PX, rows * (height + GAP_PX) - GAP_PX)
    sheet = Image.new("RGB", size)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        sheet.paste(picture.convert("RGB"), (column * (width + GAP_PX), row * (height + GAP_PX)))
    return sheet
