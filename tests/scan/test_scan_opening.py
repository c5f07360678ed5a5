"""What was put in place of a listed file is not opened, and nothing waits for it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tutela.cli import scan as command
from tutela.scan.opening import Folder
from tutela.scan.planning import Plan


def link(path: Path, outside: Path) -> None:
    path.unlink()
    path.symlink_to(outside / "file")


def hanging_link(path: Path, outside: Path) -> None:
    path.unlink()
    path.symlink_to(outside / "nothing")


def pipe(path: Path, outside: Path) -> None:
    del outside
    path.unlink()
    os.mkfifo(path)


def parent(path: Path, outside: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to(outside, target_is_directory=True)


def grandparent(path: Path, outside: Path) -> None:
    (outside / "b").mkdir()
    (outside / "b" / "file").write_bytes(b"outside")
    parent(path.parent, outside)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "b" / "file").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"outside")
    return tmp_path / "root"


@pytest.mark.parametrize("swap", [link, hanging_link, pipe, parent, grandparent])
def test_what_takes_a_files_place_after_the_listing_is_refused(
    swap: Callable[[Path, Path], None], root: Path
) -> None:
    read: list[bytes] = []
    examine = lambda file, **_: read.append(file.read_bytes())  # noqa: E731
    parts = SimpleNamespace(
        intake=SimpleNamespace(examine_file=examine),
        settings=SimpleNamespace(decoders=1, provider_name=""),
        jail=SimpleNamespace(close=lambda: None),
    )

    class Swapping(Plan):
        def __iter__(self) -> Iterator[Path]:
            for path in super().__iter__():
                swap(path, root.parent / "outside")
                yield path

    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    (found,) = command._results(
        parts,  # type: ignore[arg-type]
        Swapping(root),
        None,
        mode=None,
        dry_run=True,
        service="",
        uploader="",
    )
    assert read == []
    assert "The file cannot be read" in found.error
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_what_was_opened_stays_what_is_read(root: Path) -> None:
    (path,) = Plan(root)
    with Folder(root) as folder, folder.opened(path) as file:
        link(path, root.parent / "outside")
        assert file.read_bytes() == b"inside"
        assert file.read_bytes() == b"inside"  # hashed, then sealed


def test_a_file_that_the_operator_named_may_be_a_link(root: Path) -> None:
    named = root / "named"
    named.symlink_to(root / "a" / "b" / "file")
    plan = Plan(named)
    (path,) = plan
    with (
        Folder(plan.root) as folder,
        folder.opened(path, follow=path == plan.named_file) as file,
    ):
        assert file.read_bytes() == b"inside"
