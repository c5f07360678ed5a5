"""`tutela hash` as a person and as a program meet it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tutela.cli.hash import files_below
from tutela.hashing.model import DIHEDRAL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures (one in a folder below), one flat picture, one file of words."""
    below = tmp_path / "pictures" / "below"
    below.mkdir(parents=True)
    texture = Image.effect_noise((160, 120), 90).resize((320, 240))
    texture.save(tmp_path / "pictures" / "[bold]a.png")
    texture.rotate(90).save(below / "b.jpg")
    Image.new("RGB", (50, 50), "teal").save(tmp_path / "pictures" / "flat.bmp")
    (tmp_path / "pictures" / "words.txt").write_text("neutral words")
    return tmp_path / "pictures"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    order = [sys.executable, "-m", "tutela", "hash", *map(str, arguments)]
    return subprocess.run(order, capture_output=True, text=True, check=False)


def test_each_file_is_one_json_object_and_refusals_set_the_exit_code(folder: Path) -> None:
    done = run(folder, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(row["path"]).name for row in rows] == [
        "[bold]a.png",
        "flat.bmp",
        "words.txt",
        "b.jpg",
    ]
    assert done.returncode == 2
    picture, flat, words, _ = rows
    data = (folder / "[bold]a.png").read_bytes()
    assert len(picture["pdq"]) == 64
    assert picture["quality"] >= 50
    assert picture["md5"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert picture["sha1"] == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert picture["sha256"] == hashlib.sha256(data).hexdigest()
    assert picture["pipeline"].startswith("tutela-exact/1+pillow-")
    assert flat["unmatchable"] == "low_quality"
    assert "error" not in flat
    assert "pdq" not in words
    assert "first bytes" in words["error"]
    assert words["sha256"] == hashlib.sha256(b"neutral words").hexdigest()


def test_all_hashed_is_exit_code_zero_and_the_eight_hashes_have_names(folder: Path) -> None:
    done = run(folder / "[bold]a.png", "--json", "--dihedral")
    assert done.returncode == 0
    row = json.loads(done.stdout)
    assert tuple(row["dihedral"]) == DIHEDRAL
    assert row["dihedral"]["original"] == row["pdq"]
    assert done.stderr == ""


def test_a_person_gets_a_table_with_names_as_they_are(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 2
    assert "[bold]a.png" in done.stdout
    assert "3 hashed, 1 refused" in done.stdout


def test_the_pipeline_can_be_read() -> None:
    said = json.loads(run("--pipeline", "--json").stdout)
    assert said["pipeline"].startswith("tutela-exact/1+pillow-")
    assert {"orientation", "alpha", "cmyk", "palette", "animation"} <= set(said["policy"])


def test_a_missing_path_and_no_path_are_told_apart(tmp_path: Path) -> None:
    missing = run(tmp_path / "absent", "--json")
    assert missing.returncode == 3
    assert json.loads(missing.stderr)["error"]["code"] == "not_found"
    nothing = run()
    assert nothing.returncode == 2
    assert "nothing to hash" in nothing.stderr


def test_odd_names_and_files_that_cannot_be_read_do_not_stop_it(folder: Path) -> None:
    odd = os.fsencode(folder) + b"/odd-\xff\n.png"
    Path(os.fsdecode(odd)).write_bytes((folder / "[bold]a.png").read_bytes())
    os.mkfifo(folder / "pipe")
    (folder / "gone").symlink_to(folder / "nowhere")
    rows = {
        Path(row["path"]).name: row
        for row in map(json.loads, run(folder, "--json").stdout.splitlines())
    }
    assert len(rows) == 7
    assert rows["odd-\\udcff\n.png"]["pdq"] == rows["[bold]a.png"]["pdq"]
    for name in ("pipe", "gone"):
        assert rows[name]["reason"] == "unreadable"
        assert "cannot be read" in rows[name]["error"]


def test_odd_names_stay_valid_json_and_never_steer_a_terminal(tmp_path: Path) -> None:
    for name in (b"bad\xff.bin", b"esc\x1b[31m.bin", b"new\nline.bin"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"neutral")
    (tmp_path / "[").mkdir()
    (tmp_path / "[" / "red].bin").write_bytes(b"neutral")
    order = [sys.executable, "-m", "tutela", "hash", str(tmp_path)]
    latin = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    for environment in (None, latin):
        done = subprocess.run([*order, "--json"], capture_output=True, env=environment, check=False)
        rows = [json.loads(line.decode("utf-8")) for line in done.stdout.splitlines()]
        assert {Path(row["path"]).name for row in rows} == {
            "bad\\udcff.bin",
            "esc\x1b[31m.bin",
            "new\nline.bin",
            "red].bin",
        }
    table = subprocess.run(order, capture_output=True, check=False).stdout
    assert b"\x1b[31m" not in table


def test_a_folder_that_may_not_be_read_is_a_refusal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "below":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert files_below([folder])[-1] == folder / "below"


def test_an_output_that_takes_nothing_is_told_in_one_line(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        order = [sys.executable, "-m", "tutela", "hash", str(folder), "--json"]
        done = subprocess.run(order, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 6
    assert json.loads(done.stderr)["error"]["why"] == "No space left on device"
