"""The walk over files, and the file of rows that a broken-off run takes up again."""

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from tutela.hashing.model import Mode
from tutela.primitives.errors import BadInput, Conflict, NotFound, Unavailable
from tutela.scan.keeping import Rows
from tutela.scan.naming import spelled
from tutela.scan.walking import count, walk

PIPELINE = "tutela-exact/0+test"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    below = tmp_path / "folder"
    for name in ("b", "a", "c/y", "c/x", "a2/z"):
        path = below / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"neutral words {name}")
    return below


def rows_of(path: Path, *, mode: Mode = Mode.EXACT, dihedral: bool = False) -> Rows:
    return Rows(path, mode=mode, dihedral=dihedral, pipelines=frozenset({PIPELINE}))


def line(file: Path, **more: object) -> str:
    status = file.stat()
    row: dict[str, object] = {
        "path": str(file),
        "mode": "exact",
        "pdq": "0" * 64,
        "sha256": "00",
        "md5": "",
    }
    row |= {"size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "pipeline": PIPELINE}
    return json.dumps(row | more) + "\n"


def test_files_come_before_folders_each_by_name(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in walk([folder])]
    assert found == ["a", "b", "a2/z", "c/x", "c/y"]
    assert count([folder, folder / "b"]) == 6


def test_links_to_folders_are_left_out_and_links_to_files_are_files(folder: Path) -> None:
    (folder / "a2" / "up").symlink_to(folder)
    (folder / "a2" / "file").symlink_to(folder / "a")
    (folder / "a2" / "nowhere").symlink_to(folder / "absent")
    found = [path.name for path in walk([folder / "a2"])]
    assert found == ["file", "nowhere", "z"]


def test_a_missing_path_is_told_before_the_first_file(folder: Path) -> None:
    with pytest.raises(NotFound):
        next(walk([folder, folder / "absent"]))


def test_a_link_that_leads_nowhere_hides_no_other_file(folder: Path) -> None:
    before = count([folder])
    (folder / "loop").symlink_to("loop")
    (folder / "endless").symlink_to("x" * 300)  # longer than a name may be
    assert count([folder]) == before + 2


def test_the_walk_holds_one_folder_at_a_time(tmp_path: Path) -> None:
    for number in range(40):
        below = tmp_path / f"folder{number:02}"
        below.mkdir()
        for name in range(50):
            (below / f"{name:0100}").touch()
    tracemalloc.start()
    try:
        assert sum(1 for _ in walk([tmp_path])) == 2000
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 100_000  # the list of all would take three times that


def test_finished_files_are_not_hashed_again_and_changed_ones_are(folder: Path) -> None:
    kept = folder / "rows.jsonl"
    with rows_of(kept) as rows:
        files = [path for path in walk([folder]) if path != kept]
        assert rows.unfinished(files) == (files, 0)
        rows.append(line(folder / "a") + line(folder / "b"))
    with rows_of(kept) as rows:
        assert len(rows) == 2
        # The file of rows is in the folder, too, and is never one of the files.
        assert rows.unfinished([*walk([folder])]) == (files[2:], 2)
    os.utime(folder / "a", ns=(1, 1))
    (folder / "b").write_text("longer neutral words than before")
    with rows_of(kept) as rows:
        assert rows.unfinished(files) == (files, 0)


def test_a_torn_last_line_is_dropped(folder: Path) -> None:
    kept = folder.parent / "rows.jsonl"
    whole, torn = line(folder / "a"), line(folder / "b")
    for length in range(1, len(torn)):
        kept.write_text(whole + torn[:length])
        with rows_of(kept) as rows:
            assert len(rows) == 1
            rows.append(torn)
        assert kept.read_text() == whole + torn


def test_refusals_without_digests_and_ambiguous_names_are_tried_again(folder: Path) -> None:
    kept = folder.parent / "rows.jsonl"
    odd = folder / "odd\\udcff"
    odd.write_text("neutral")
    gone = json.dumps({"path": str(folder / "b"), "mode": "exact", "error": "cannot be read"})
    kept.write_text(line(odd) + gone + "\n")
    with rows_of(kept) as rows:
        assert rows.unfinished([odd, folder / "b"]) == ([odd, folder / "b"], 0)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"mode": "fast"}, "the mode “fast”"),
        ({"pipeline": "tutela-exact/9"}, "the pipeline tutela-exact/9"),
        ({"dihedral": {}}, "with --dihedral"),
    ],
)
def test_rows_made_in_another_way_are_refused_and_kept(
    folder: Path, more: dict[str, object], why: str
) -> None:
    kept = folder.parent / "rows.jsonl"
    kept.write_text(line(folder / "a", **more))
    before = kept.read_bytes()
    with pytest.raises(Conflict, match=why):
        rows_of(kept)
    assert kept.read_bytes() == before


def test_the_longest_row_that_is_ever_written_is_read_again(tmp_path: Path) -> None:
    name = spelled(Path(os.fsdecode(b"/".join([b"\xff" * 255] * 16))))  # none may be longer
    frames = [f"{number},100,{'a' * 64},{number}.123456789012" for number in range(99_000, 99_500)]
    facts = {"sha256": "a" * 64, "frames": frames, "frames_left_out": 10**6}
    row = {"path": name, "mode": "exact", "pipeline": PIPELINE} | facts
    kept = tmp_path / "rows.jsonl"
    kept.write_text(2 * (json.dumps(row) + "\n"))
    with rows_of(kept) as rows:
        assert len(rows) == 0, "such a name could be another's, so it is tried again"


@pytest.mark.parametrize("content", [b"neutral words", b"[]\n", b"{}\n", b"\xff\xd8\n" * 9])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "notes.txt"
    kept.write_bytes(content)
    with pytest.raises(BadInput, match="does not hold rows"):
        rows_of(kept)
    assert kept.read_bytes() == content


def test_two_runs_do_not_write_into_one_file(tmp_path: Path) -> None:
    with rows_of(tmp_path / "rows.jsonl"), pytest.raises(Conflict, match="Another run"):
        rows_of(tmp_path / "rows.jsonl")
    with pytest.raises(Unavailable):
        rows_of(tmp_path / "absent" / "rows.jsonl")
