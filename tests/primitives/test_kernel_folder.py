"""Where compiled kernels rest: only where nobody else may write, and under a name of their own."""

import ast
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
    kernels, compiler, other = (
        package / "a" / "kernels" / "one.py",
        package / "primitives" / "compiling.py",
        package / "a" / "two.py",
    )
    for path in (kernels, compiler, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one = 1\n")
    seen = {kernel_folder.version_of(package)}
    other.write_text("one = 2\n")
    assert kernel_folder.version_of(package) in seen
    for path in (kernels, compiler):
        path.write_text("one = 2\n")
        fresh = kernel_folder.version_of(package)
        assert fresh not in seen
        seen.add(fresh)


def test_what_is_compiled_in_has_its_source_in_a_folder_of_kernels() -> None:
    """Or a change elsewhere would leave old machine code in use."""
    package = Path(kernel_folder.__file__).parents[1]
    allowed = {"tutela.primitives.compiling"}
    sources = sorted(package.glob("*/kernels/*.py"))
    assert sources
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tutela"):
                inside = (node.module or "").split(".")[2:3] == ["kernels"]
                assert inside or node.module in allowed, f"{path}: {node.module}"
