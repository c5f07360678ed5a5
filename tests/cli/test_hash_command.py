"""`tutela hash` as a person and as a program meet it."""

import contextlib
import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from PIL import Image

from tutela.cli import hash_files
from tutela.cli.hash import hash_command
from tutela.hashing import selftest
from tutela.hashing.model import DIHEDRAL, Pdq
from tutela.scan.walking import walk


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
    assert picture["pipeline"].startswith("tutela-exact/3+pillow-")
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


def test_a_terminal_that_cannot_show_a_sign_gets_it_spelled_out(tmp_path: Path) -> None:
    (tmp_path / "ж.txt").write_bytes(b"neutral words")
    done = subprocess.run(
        [sys.executable, "-m", "tutela", "hash", tmp_path],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert "\\u0436.txt" in done.stdout


def test_a_name_that_is_not_there_is_told_on_a_terminal_too(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    order = [sys.executable, "-m", "tutela", "hash", str(tmp_path / "absent.jpg")]
    with subprocess.Popen(order, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        told = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes any more
            while piece := os.read(ours, 4096):
                told += piece
    os.close(ours)
    assert process.returncode == 3
    assert b"There is no such file" in told
    assert b"Traceback" not in told


def test_a_file_of_rows_with_a_video_is_taken_up_again(folder: Path) -> None:
    (folder / "film.mkv").write_bytes(b"\x1a\x45\xdf\xa3" + b"neutral words" * 100)
    rows = folder.parent / "rows.jsonl"
    first, again = (run(folder, "--out", rows, "--json") for _ in range(2))
    assert (first.returncode, again.returncode) == (2, 0), again.stderr
    assert json.loads(again.stdout)["earlier"] == 5


def test_a_person_gets_a_table_with_names_as_they_are(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 2
    assert "[bold]a.png" in done.stdout
    assert "3 hashed, 1 refused" in done.stdout


def test_the_pipeline_can_be_read() -> None:
    said = json.loads(run("--pipeline", "--json").stdout)
    assert said["pipeline"].startswith("tutela-exact/3+pillow-")
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
    assert list(walk([folder]))[-1] == folder / "below"


def test_an_output_that_takes_nothing_is_told_in_one_line(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        order = [sys.executable, "-m", "tutela", "hash", str(folder), "--json"]
        done = subprocess.run(order, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 6
    assert json.loads(done.stderr)["error"]["why"] == "No space left on device"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Forty small pictures in four folders: enough for a crew, and for more than one batch."""
    texture = Image.effect_noise((320, 240), 90)
    for number in range(40):
        place = tmp_path / "many" / f"folder{number % 4}" / f"{number:02}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        texture.rotate(7 * number).resize((160, 120)).save(place)
    return tmp_path / "many"


def test_a_crew_gives_what_one_worker_gives_in_the_same_order(many: Path) -> None:
    alone, crew = (run(many, "--json", "--workers", workers) for workers in ("1", "3"))
    assert (alone.returncode, crew.returncode) == (0, 0)
    assert alone.stdout == crew.stdout
    names = [json.loads(line)["path"] for line in crew.stdout.splitlines()]
    assert names == sorted(names)
    assert len(names) == 40


def test_rows_go_to_a_file_and_a_second_run_goes_on_there(many: Path) -> None:
    out = many / "rows.jsonl"
    whole = run(many, "--out", out, "--json")
    assert json.loads(whole.stdout) == {
        "out": str(out),
        "hashed": 40,
        "refused": 0,
        "earlier": 0,
    }
    rows = out.read_text()
    assert [json.loads(line)["quality"] for line in rows.splitlines()].count(100) == 40
    out.write_text("".join(rows.splitlines(keepends=True)[:25]) + '{"path": "to')
    again = run(many, "--out", out, "--json")
    assert json.loads(again.stdout)["hashed"] == 15
    assert json.loads(again.stdout)["earlier"] == 25
    assert out.read_text() == rows
    (many / "folder0" / "00.jpg").write_bytes((many / "folder1" / "01.jpg").read_bytes())
    assert "1 hashed, 0 refused, 39 were in the file already" in run(many, "--out", out).stdout
    assert len(out.read_text().splitlines()) == 41
    other = run(many, "--out", out, "--dihedral")
    assert other.returncode == 5
    assert "without --dihedral" in other.stderr


MANY = 1000
"""Enough that a run cannot be over between its first row and the interruption."""


def test_a_run_that_is_interrupted_ends_its_processes_and_can_be_continued(many: Path) -> None:
    for number in range(40, MANY):
        os.link(many / "folder0" / "00.jpg", many / "folder3" / f"{number}.jpg")
    out = many.parent / "rows.jsonl"
    order = [sys.executable, "-m", "tutela", "hash", str(many), "--out", str(out), "--workers", "2"]
    with subprocess.Popen(
        order, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as going:
        while not (out.exists() and out.stat().st_size):
            time.sleep(0.02)
            assert going.poll() is None
        os.killpg(going.pid, signal.SIGINT)
        _, said = going.communicate(timeout=120)
    assert "the same command goes on from here" in said
    assert "Traceback" not in said
    assert _all_gone(going.pid)
    before = len(out.read_text().splitlines())
    assert 0 < before < MANY
    again = run(many, "--out", out, "--json")
    assert json.loads(again.stdout)["earlier"] == before
    paths = [json.loads(line)["path"] for line in out.read_text().splitlines()]
    assert len(paths) == len(set(paths)) == MANY


def _all_gone(group: int) -> bool:
    """Whether no process of the group is left, within a few seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_the_fast_mode_says_which_rows_it_made(tmp_path: Path) -> None:
    texture = Image.effect_noise((1024, 768), 90).resize((1536, 1152))
    texture.save(tmp_path / "large.jpg")
    texture.resize((120, 90)).save(tmp_path / "small.jpg")
    exact, fast = (
        [json.loads(line) for line in run(tmp_path, "--json", "--mode", mode).stdout.splitlines()]
        for mode in ("exact", "fast")
    )
    assert [row["mode"] for row in fast] == ["fast", "fast"]
    assert [row["pipeline"].split("/")[0] for row in fast] == ["tutela-fast", "tutela-exact"]
    assert {row["pipeline"].split("/")[0] for row in exact} == {"tutela-exact"}
    for one, other in zip(exact, fast, strict=True):
        assert Pdq.parse(one["pdq"]).distance_bits(Pdq.parse(other["pdq"])) <= 31
    out = tmp_path / "rows.jsonl"
    assert run(tmp_path, "--out", out, "--mode", "fast").returncode == 0
    refused = run(tmp_path, "--out", out)
    assert refused.returncode == 5
    assert "made in the mode “fast”" in refused.stderr


def test_the_self_test_says_what_it_checked() -> None:
    done = run("--self-test", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["failures"]) == (0, [])
    assert said["pictures"] > said["references"] > 0


def test_a_self_test_that_fails_is_exit_code_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "run", lambda: ["grain, 5 x 5 pixels: another hash"])
    with pytest.raises(typer.Exit) as left:
        hash_command(self_test=True)
    assert left.value.exit_code == 1
    assert "grain, 5 x 5 pixels" in capsys.readouterr().out


def test_what_hashes_nothing_does_not_load_the_compiler() -> None:
    for arguments in (["hash", "--help"], ["hash", "--pipeline"]):
        code = (
            f"import sys; from tutela.cli import app; sys.argv[1:] = {arguments!r}\n"
            "try: app()\nexcept SystemExit: pass\n"
            "assert 'numba' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_hashing_a_file_loads_no_database_no_web_and_no_numbers(folder: Path) -> None:
    """The pixels are the decoder's; what this process loads is waited for at every start."""
    code = (
        "import sys; from tutela.cli import app\n"
        f"sys.argv[1:] = ['hash', {str(folder / '[bold]a.png')!r}, '--json']\n"
        "try: app()\nexcept SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'fastapi', 'dbos', 'numpy', 'PIL', 'av', 'llvmlite', 'httpx',"
        " 'tutela.law.loading', 'tutela.indicators.model', 'pydantic_settings'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["quality"] >= 50
    assert done.stderr == "[]\n"


def test_only_a_few_files_of_which_one_looks_like_a_picture_start_a_decoder_ahead(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, words = folder / "[bold]a.png", folder / "words.txt"
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    started: list[bool] = []

    def hash_and_tell(paths: object, wish: object, *, ahead: object) -> int:
        del paths, wish
        started.append(ahead is not None)
        return 0

    monkeypatch.setattr(hash_files, "hash_and_tell", hash_and_tell)
    for paths in ([picture], [words, picture], [words], [folder], [pipe], [picture] * 9):
        hash_command(paths)
    assert started == [True, True, False, False, False, False]
