"""Clips drawn by script: shapes that move, gradients, neutral words. Nothing else, ever."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.uint8]
Film = Callable[[float], Picture]
"""The picture at a second."""

WIDTH, HEIGHT = 192, 144
SCENE_SECONDS = 3.0
_SHAPES = 14


def film(seed: int, *, width: int = WIDTH, height: int = HEIGHT) -> Film:
    """Scenes of three seconds, each of its own shapes that move on; the same for a seed."""

    def draw(second: float) -> Picture:
        scene = int(second // SCENE_SECONDS)
        chance = np.random.default_rng((seed, scene))
        tops = chance.integers(40, 200, 3)
        slope = np.linspace(0, 1, width)[None, :, None] * tops
        ground = np.broadcast_to(slope, (height, width, 3)).astype(np.uint8)
        image = Image.fromarray(np.ascontiguousarray(ground))
        pen = ImageDraw.Draw(image)
        inside = second - scene * SCENE_SECONDS
        for shape in range(_SHAPES):
            x, y, dx, dy = chance.uniform(-0.1, 1, 4) * (1, 1, 0.06, 0.06)
            side = chance.uniform(0.1, 0.3)
            left, top = (x + dx * inside) * width, (y + dy * inside) * height
            box = (left, top, left + side * width, top + side * height)
            colour = tuple(int(c) for c in chance.integers(0, 256, 3))
            (pen.ellipse if shape % 2 else pen.rectangle)(box, fill=colour)
        pen.text((width * 0.1, height * 0.4), f"film {seed} scene {scene}", fill=(255, 255, 255))
        return np.asarray(image)

    return draw


def pictures(
    of: Film, *, seconds: float, fps: float, start: float = 0.0, speed: float = 1.0
) -> Iterator[Picture]:
    """The frames of that stretch; `speed` 1.1 shows 1.1 seconds of the film in each second."""
    for number in range(round(seconds * fps)):
        yield of(start + speed * number / fps)


def write(
    path: Path,
    frames: Iterator[Picture],
    *,
    fps: float = 10,
    codec: str = "libx264",
    container: str | None = None,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    muxing: dict[str, str] | None = None,
) -> Path:
    """Encode the frames; returns the path."""
    with av.open(str(path), "w", format=container, container_options=muxing or {}) as target:
        stream = target.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
        stream.options = {"threads": "1", **(options or {})}
        stream.pix_fmt = pixels
        for picture in frames:
            if not stream.codec_context.is_open:
                stream.height, stream.width = picture.shape[:2]
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        target.mux(stream.encode(None))
    return path


def cropped(of: Film, share: float) -> Film:
    """The same film with that share cut off all around."""

    def draw(second: float) -> Picture:
        picture = of(second)
        high, wide = (round(side * share) for side in picture.shape[:2])
        return _even(picture[high : len(picture) - high, wide : picture.shape[1] - wide])

    return draw


def captioned(of: Film) -> Film:
    """The same film with a line of text below."""

    def draw(second: float) -> Picture:
        image = Image.fromarray(of(second))
        pen = ImageDraw.Draw(image)
        pen.rectangle((0, image.height * 0.92, image.width, image.height), fill=(0, 0, 0))
        pen.text((8, image.height * 0.92), "neutral words below", fill=(255, 255, 0))
        return np.asarray(image)

    return draw


def letterboxed(of: Film, share: float) -> Film:
    """The same film between black bars, each of that share of the height."""

    def draw(second: float) -> Picture:
        picture = of(second)
        bar = np.zeros((2 * round(len(picture) * share / 2), picture.shape[1], 3), np.uint8)
        return np.concatenate((bar, picture, bar))

    return draw


def mirrored(of: Film) -> Film:
    """The same film, left and right exchanged."""
    return lambda second: np.ascontiguousarray(of(second)[:, ::-1])


def joined(*parts: tuple[Film, float]) -> Film:
    """One film after the other, each for its seconds."""

    def draw(second: float) -> Picture:
        for of, seconds in parts:
            if second < seconds:
                return of(second)
            second -= seconds
        return parts[-1][0](parts[-1][1])

    return draw


def _even(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2])
