"""The how-to "Add a country in an hour", done as it is written: its files, then its commands."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tutela
from tutela.cli import app
from tutela.law.loading import load_lawbook
from tutela.primitives.errors import BadInput

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-country.md"
LAWBOOK = Path(tutela.__file__).parent / "lawbook"
RUN = CliRunner()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's folder, with every file of the page."""
    for block in blocks("yaml"):
        name = re.match(r"# (\S+\.yaml)\n", block)
        assert name, block
        path = tmp_path / name[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUTELA_LAWBOOK", str(tmp_path / "my-lawbook"))
    return tmp_path


def test_the_page_is_followed_from_end_to_end(followed: Path) -> None:
    commands = [
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("tutela law")
    ]
    said = []
    for command in commands:
        done = RUN.invoke(app, [*shlex.split(command)[1:], "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        said.append(json.loads(done.stdout))
    _, lint, shown, unread, gap, compared, owed, before = said

    assert lint["clean"]
    assert "NO" in lint["jurisdictions"]
    assert shown["origin"] == "my-lawbook"
    assert "invented" in shown["editions"][0]["title"]
    assert {row["outcome"] for row in unread["requirements"]} == {"unknown"}
    met = {row["requirement"]: row["outcome"] for row in gap["requirements"]}
    assert met == {
        "ICMEC-1": "unknown",
        "ICMEC-2": "unknown",
        "ICMEC-3": "unknown",
        "ICMEC-4": "met",
        "ICMEC-5": "met",
    }
    assert compared["outcome"] == "yes"
    (rule,) = owed["duties"]
    assert (rule["state"], rule["due"]["due_at"]) == ("owed", "2026-11-22T11:30:00Z")
    assert before["duties"][0]["state"] == "not_in_force"

    drawn = (followed / "conduct.yaml").read_text("utf-8").replace("photo", "drawing")
    (followed / "conduct.yaml").write_text(drawn, "utf-8")
    command = next(each for each in commands if " compare " in each)
    done = RUN.invoke(app, [*shlex.split(command)[1:], "--json"], catch_exceptions=False)
    assert (json.loads(done.stdout)["outcome"], json.loads(done.stdout)["divergence"]) == (
        "no",
        "medium",
    )


SLIPS = {
    "a word that is none": (
        "no/offences.yaml",
        "covers: [possess, access]",
        "covers: [possession]",
        "possession is no word of conduct.act (did you mean possess",
    ),
    "a measure that is none": (
        "no/measures.yaml",
        "measure: hotline",
        "measure: hot_line",
        "did you mean hotline",
    ),
    "a comma without quotes": (
        "no/offences.yaml",
        "cite: Exercise Act s.2 (invented)",
        "cite: Exercise Act, s.2",
        "a text with a comma stands in quotes",
    ),
    "a colon without quotes": (
        "no/offences.yaml",
        "cite: Exercise Act s.2 (invented)",
        "cite: Exercise Act: s.2",
        "quote text with ': '",
    ),
    "yes for true": ("no/measures.yaml", "holds: true", "holds: yes", "expected true or false"),
    "a bill with a date": (
        "no/offences.yaml",
        "legal_status: in_force",
        "legal_status: bill",
        "it is null until it commences",
    ),
    "more than the source": (
        "no/measures.yaml",
        "    status: recalled\n",
        "    status: secondary\n",
        "is secondary, its source only recalled",
    ),
    "a key left out": ("no/offences.yaml", "    about: material\n", "", "missing keys about"),
    "the wrong folder": ("no/country.yaml", "code: NO", "code: SJ", "stands in the folder no"),
}


MISLAID = {
    "another ending": ("no/offences.yaml", "no/offences.yml", "ends in .yaml"),
    "beside the folder": ("no/offences.yaml", "offences.yaml", "belongs into a country's folder"),
    "a folder too deep": (
        "no/offences.yaml",
        "no/criminal/offences.yaml",
        "only cases and detection-cases",
    ),
    "capitals": ("no/offences.yaml", "NO/offences.yaml", "its folder is no"),
}


@pytest.mark.parametrize("case", MISLAID)
def test_a_file_that_would_not_be_read_is_no_silent_loss(case: str, followed: Path) -> None:
    right, wrong, said = MISLAID[case]
    book = followed / "my-lawbook"
    (book / wrong).parent.mkdir(exist_ok=True)
    (book / right).rename(book / wrong)
    with pytest.raises(BadInput) as refused:
        load_lawbook(small(followed / "small"), overlays=[book])
    assert said in str(refused.value)


def small(root: Path) -> Path:
    """Our lawbook without its countries and most of its instruments: read in a moment."""
    (root / "instruments").mkdir(parents=True)
    shared = [each.name for each in LAWBOOK.glob("*.yaml")]
    for file in (*shared, "instruments/uncc.yaml", "instruments/opsc.yaml"):
        shutil.copy(LAWBOOK / file, root / file)
    return root


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_a_new_user_has_an_answer_that_helps(slip: str, followed: Path) -> None:
    file, right, wrong, said = SLIPS[slip]
    path = followed / "my-lawbook" / file
    text = path.read_text("utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), "utf-8")
    with pytest.raises(BadInput) as refused:
        load_lawbook(small(followed / "small"), overlays=[followed / "my-lawbook"])
    assert said in str(refused.value)
