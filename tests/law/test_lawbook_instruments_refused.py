"""Instruments that are numbered wrong, dated wrong or lean on nothing are refused."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import tutela
from tutela.law.loading import load_lawbook
from tutela.primitives.errors import BadInput

LAWBOOK = Path(tutela.__file__).parent / "lawbook"
NEEDS = {"uncc": ("opsc",)}


def alone(root: Path, name: str) -> Path:
    """The shared files, one country and one instrument (with those that it names)."""
    (root / "us").mkdir(parents=True)
    (root / "instruments").mkdir()
    shared = [each.name for each in LAWBOOK.glob("*.yaml")]
    for file in (*shared, "us/country.yaml", "us/2258A.yaml"):
        shutil.copy(LAWBOOK / file, root / file)
    for each in (name, *NEEDS.get(name, ())):
        shutil.copy(LAWBOOK / "instruments" / f"{each}.yaml", root / "instruments")
    return root


def renumbered(text: str) -> str:
    """Locators from article 4 on counted one too high, as in a public "full text"."""

    def up(found: re.Match[str]) -> str:
        number = int(found.group(2))
        return f"{found.group(1)}{number + 1 if number >= 4 else number}"

    return re.sub(r'(locator: "?)(\d+)', up, text)


SPOILED: dict[str, tuple[str, Callable[[str], str], str]] = {
    "numbers off by one": (
        "uncc",
        renumbered,
        "UNCC-4: the locator 5(1) is not that of the id",
    ),
    "a bill as an act": (
        "csar",
        lambda text: text.replace("legal_status: bill", "legal_status: in_force"),
        "does not fit legal_status in_force",
    ),
    "an agreement with a date": (
        "recast",
        lambda text: text.replace("from: null", "from: 2026-06-22"),
        "does not fit legal_status agreed_not_adopted",
    ),
    "lapsed without an end": (
        "interim-2021",
        lambda text: text.replace("to: 2026-04-04", "to: null").replace(
            "      after: not_law\n", ""
        ),
        "needs in_force.to",
    ),
    "a variation nobody permits": (
        "budapest",
        lambda text: text.replace("variations: [BUDAPEST-29-4]", "variations: [BUDAPEST-29-9]"),
        "the instrument permits no variation BUDAPEST-29-9",
    ),
    "a requirement of another text": (
        "opsc",
        lambda text: text.replace(
            "  - id: OPSC-2c\n    instrument: OPSC",
            "  - id: OPSC-2c\n    instrument: UNCC",
        ),
        "the id must begin with the instrument's",
    ),
    "an invented term": (
        "crc",
        lambda text: text.replace("measure: child_privacy", "measure: child_secrecy"),
        "child_secrecy is not in measures.yaml",
    ),
    "an invented status": (
        "malabo",
        lambda text: text.replace("status: recalled", "status: verified"),
        "is verified, its source only recalled",
    ),
    "an element with two tests": (
        "icmec",
        lambda text: text.replace("duty: report}", "duty: report, measure: csam_law}"),
        "exactly one of conduct, measure, duty, party",
    ),
    "an unknown word": (
        "opsc",
        lambda text: text.replace("conduct.act: sell_child", "conduct.act: haggle"),
        "conduct.act",
    ),
    "a dangling precedence": (
        "uncc",
        lambda text: text.replace("yields_to: [OPSC-2c,", "yields_to: [OPSC-2z,"),
        "there is no requirement OPSC-2z",
    ),
}


@pytest.mark.parametrize(("file", "change", "why"), SPOILED.values(), ids=SPOILED)
def test_a_spoiled_instrument_is_refused(
    tmp_path: Path, file: str, change: Callable[[str], str], why: str
) -> None:
    root = alone(tmp_path / "book", file)
    path = root / "instruments" / f"{file}.yaml"
    sound = path.read_text("utf-8")
    path.write_text(change(sound), "utf-8")
    assert path.read_text("utf-8") != sound
    with pytest.raises(BadInput) as refused:
        load_lawbook(root)
    assert why in str(refused.value)


def test_an_instrument_alone_is_sound(tmp_path: Path) -> None:
    read = load_lawbook(alone(tmp_path / "book", "uncc"))
    assert {each.id for each in read.instruments} == {"UNCC", "OPSC"}
