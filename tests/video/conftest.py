"""Clips that several tests read are drawn once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from video_drawing import film, pictures, write

from tutela.adapters.media.jail import Jail


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    """One jail of two workers for all tests."""
    with Jail(workers=2) as opened:
        yield opened


@pytest.fixture(scope="session")
def known_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty seconds of film 1, ten frames a second, H.264 with B-frames and long groups."""
    path = tmp_path_factory.mktemp("clips") / "known.mp4"
    return write(path, pictures(film(1), seconds=30, fps=10), options={"crf": "20"})
