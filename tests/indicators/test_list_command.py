"""`tutela lists`, from the command line to PostgreSQL and back."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from indicator_drawing import md5, pdq

from tutela import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Call `tutela …`; returns exit code, stdout and stderr."""
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url.replace("+psycopg", ""))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tutela", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        told = capsys.readouterr()
        return int(leaving.value.code or 0), told.out, told.err

    return call


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "known.csv"
    path.write_text(
        "kind,value,external_id,scheme,scheme_version,category\n"
        f"md5,{md5(1)},rec-1,iwf,2024,A\npdq,{pdq(1)},rec-1,iwf,2024,A\n"
        f"md5,{md5(2)},rec-2,vics-us,2.0,0\nmd5,{md5(3)}_,rec-3,,,\n"
    )
    return path


def as_json(answer: tuple[int, str, str]) -> Any:
    code, out, err = answer
    assert code == 0, err
    return json.loads(out)


def test_import_show_configure_withdraw_and_restore(run: Run, table: Path) -> None:
    imported = as_json(run("lists", "import", str(table), "--name", "known", "--json"))
    assert (imported["added"], imported["refused_total"]) == (3, 1)
    assert imported["refused"] == [
        {"row": 5, "why": "md5: it contains something that is no hexadecimal digit"}
    ]
    again = as_json(run("lists", "import", str(table), "--name", "known", "--json"))
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 3)

    shown = as_json(run("lists", "show", "known", "--json"))
    assert shown["entries"] == {"md5": {"active": 1, "non_pertinent": 1}, "pdq": {"active": 1}}
    assert (shown["active"], shown["not_matched"]) == (2, {"non_pertinent": 1})
    assert shown["categories"] == {"iwf/2024/A": 2, "vics-us/2.0/0": 1}
    assert shown["categories_not_matched"] == {"vics-us/2.0/0": "non_pertinent"}
    assert [one["added"] for one in shown["imports"]] == [0, 3]
    assert shown["last_refusals"] == imported["refused"]

    configured = as_json(
        run("lists", "configure", "known", "--threshold-bits", "20", "--dihedral", "--json")
    )
    assert (configured["threshold_bits"], configured["dihedral"]) == (20, True)
    assert configured["second_person"] is False

    options = ("--kind", "md5", "--value", md5(1).upper(), "--json")
    assert as_json(run("lists", "withdraw", "known", *options))["withdrawn"] == 1
    assert as_json(run("lists", "restore", "known", *options))["restored"] == 1
    record = ("--external-id", "rec-1", "--json")
    assert as_json(run("lists", "withdraw", "known", *record))["withdrawn"] == 2
    listed = as_json(run("lists", "list", "--json"))
    assert (listed["name"], listed["active"]) == ("known", 0)
    assert listed["not_matched"] == {"non_pertinent": 1, "withdrawn": 2}


def test_a_person_reads_the_same_in_words(run: Run, table: Path) -> None:
    code, out, err = run("lists", "list")
    assert (code, err) == (0, "")
    assert "No list has been imported yet" in out
    _, out, _ = run("lists", "import", str(table), "--name", "known", "--second-person")
    assert "3 added, 0 updated, 0 withdrawn, 0 unchanged, 1 refused" in out
    assert "row 5" in out
    _, out, _ = run("lists", "list")
    assert "known" in out
    assert "second person" in " ".join(out.split())
    _, out, _ = run("lists", "show", "known")
    assert "vics-us/2.0/0" in out
    assert "no: non_pertinent" in out
    _, out, _ = run("lists", "configure", "known", "--disable")
    assert "disabled" in out
    _, out, _ = run("lists", "refusals", "known")
    assert out.strip() == "row 5: md5: it contains something that is no hexadecimal digit"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "none"), 3, "no list has been imported yet"),
        (("import", "FILE", "--name", "x", "--format", "xlsx"), 2, "--format csv, "),
        (("import", "nowhere.csv", "--name", "x"), 3, "no such file"),
        (("import", "FILE", "--name", "x", "--threshold-bits", "99"), 2, "0 and 63"),
        (("withdraw", "x", "--kind", "md5", "--value", "zz"), 2, "no hash of this --kind"),
        (("withdraw", "x", "--kind", "md5"), 2, "belong together"),
        (("refusals", "none"), 3, "no hash list of this name"),
    ],
)
def test_a_mistake_is_told_with_its_reason_and_exit_code(
    run: Run, table: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    given = [str(table) if one == "FILE" else one for one in arguments]
    left, out, err = run("lists", *given, "--json")
    assert (left, out) == (code, "")
    error = json.loads(err.strip().splitlines()[-1])["error"]
    assert words in " ".join((error["what"], error["why"], error["remedy"]))


def test_refusals_of_one_import_are_one_json_object_a_line(run: Run, table: Path) -> None:
    first = as_json(run("lists", "import", str(table), "--name", "known", "--json"))["import"]
    table.write_text("kind,value\nmd5,zz\nmd5,yy\n")
    run("lists", "import", str(table), "--name", "known")
    _, out, _ = run("lists", "refusals", "known", "--json")
    assert [json.loads(line)["row"] for line in out.splitlines()] == [2, 3]
    _, out, _ = run("lists", "refusals", "known", "--import", first, "--json")
    assert [json.loads(line)["row"] for line in out.splitlines()] == [5]
    code, _, _ = run("lists", "refusals", "known", "--import", "imp_" + "0" * 26)
    assert code == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        ("kind,value\n".encode("utf-16"), "read as UTF-8"),
        (b"kind,value,qualty\n", "column 3 is not one of ours"),
        (b"value\n", "the column kind is missing"),
        (b"\x00\x01\x02", "begins like none"),
    ],
)
def test_a_file_that_is_no_list_is_told_what_is_wrong_with_it(
    run: Run, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "list").write_bytes(content)
    left, _, err = run("lists", "import", str(tmp_path / "list"), "--name", "x")
    assert left == 2
    assert words in err


def test_a_pipe_is_refused_and_not_waited_for(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    left, _, err = run("lists", "import", str(tmp_path / "pipe"), "--name", "x")
    assert left == 2
    assert "a pipe or a device" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("show", os.fsdecode(b"odd \xff")), "no UTF-8"),
        (("withdraw", "known", "--external-id", os.fsdecode(b"odd \xff")), "no UTF-8"),
        (("configure", "known", "--video-seconds", str(1 << 31)), "2,147,483,647"),
    ],
)
def test_what_the_database_could_not_hold_is_bad_input(
    run: Run, table: Path, arguments: tuple[str, ...], why: str
) -> None:
    run("lists", "import", str(table), "--name", "known")
    code, _, told = run("lists", *arguments)
    assert code == 2
    assert why in told
