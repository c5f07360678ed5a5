"""A decoder that was started before anybody knew what for: taken, or ended without a word."""

import io
import os
import time

import psutil
import pytest
from PIL import Image

from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import Limits
from tutela.adapters.media.starting import decoder_ahead, start_decoder
from tutela.hashing.model import Hashed


def test_the_first_child_is_the_one_that_was_started_ahead(small_png: bytes) -> None:
    with decoder_ahead() as process:
        with Jail(Limits(max_pixels=20_000), workers=1, ahead=process) as jail:
            found = jail.hash(small_png)
            assert isinstance(found, Hashed)
            assert found.pdq is not None
            children = {child.pid for child in psutil.Process().children()}
            assert process.pid in children
            assert "no_new_descriptor" in jail.confinement() or os.name != "posix"
            larger = io.BytesIO()
            Image.new("RGB", (200, 200)).save(larger, "PNG")
            refused = jail.hash(larger.getvalue())  # it obeys the limits it was told later
            assert isinstance(refused, Hashed)
            assert "20,000" in refused.why
        assert process.poll() is not None


def test_a_jail_that_needed_no_child_ends_the_one_it_was_given() -> None:
    process = start_decoder()
    Jail(workers=1, ahead=process).close()
    assert process.poll() is not None


@pytest.mark.parametrize("said", [b"", b"\0\0"])
def test_a_decoder_that_nobody_gives_limits_to_goes_when_its_input_closes(said: bytes) -> None:
    with decoder_ahead() as process:
        assert process.stdin
        process.stdin.write(said)
        process.stdin.close()
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert process.returncode == 0
