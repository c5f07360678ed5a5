"""Where compiled kernels rest: only where nobody else may write, and under a name of their own."""

import os
import subprocess
import sys
from pathlib import Path

from tutela.primitives import kernel_folder


def told(place: Path) -> str:
    """What a new process takes for its folder when `place` is named."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tutela.primitives.kernel_folder import FOLDER; print(FOLDER)",
        ],
        env={**os.environ, "TUTELA_KERNELS": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_folder_of_ones_own_is_used_and_made(tmp_path: Path) -> None:
    place = tmp_path / "kernels"
    folder = Path(told(place))
    assert folder.parent == place
    assert place.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    for rights in (0o770, 0o707, 0o777):
        place = tmp_path / f"{rights:o}"
        place.mkdir()
        place.chmod(rights)
        assert told(place) == "None"


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        assert told(Path("/")) == "None"
        return
    place = tmp_path / "theirs"
    place.mkdir(mode=0o700)
    os.chown(place, 65534, 65534)
    assert told(place) == "None"


def test_kernels_are_named_by_the_sources_of_all_of_them(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    kernel, part, other = package / "a.py", package / "b.py", package / "c.py"
    kernel.write_text("@kernel()\ndef one(): ...\n")
    part.write_text("@intrinsic\ndef two(): ...\n")
    other.write_text("three = 3\n")
    before = kernel_folder.version_of(package)
    other.write_text("three = 4\n")
    assert kernel_folder.version_of(package) == before
    part.write_text("@intrinsic\ndef two(): pass\n")
    changed = kernel_folder.version_of(package)
    assert changed != before
    kernel.write_text("@kernel()\ndef one(): pass\n")
    assert kernel_folder.version_of(package) not in {before, changed}
