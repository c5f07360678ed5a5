"""Reforms: patches that are shown and never stored, with what they would turn."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from law_making import CITED, CONDUCT, DAY, SPAN, WEAK, Maker, offence_data, row
from typer.testing import CliRunner

from tutela.cli import app
from tutela.law.assessing import Met
from tutela.law.book import Lawbook
from tutela.law.model import LegalStatus, Status
from tutela.law.offences import Dimension
from tutela.law.parsing import read_yaml
from tutela.law.reforming import (
    Change,
    Reform,
    TakenOver,
    better,
    effect,
    read_reform,
    reformed,
    worse,
)
from tutela.primitives.errors import BadInput, NotFound

RUN = CliRunner()
DRAWN = CONDUCT | {"material.depiction": "virtual_child"}


@pytest.fixture(scope="module")
def maker(book: Lawbook) -> Maker:
    return Maker(book)


def patch(maker: Maker, **changes: object) -> Reform:
    data = {"title": "A patch", "adds": {}} | changes
    return read_reform(maker.book, data, where="patch")


def newer(**changes: object) -> dict[str, object]:
    """A draft offence that covers every child below 18, of the placeholder's jurisdiction."""
    return (
        offence_data(
            id="xx.new.possess",
            jurisdiction="XX",
            legal_status="bill",
            in_force=SPAN | {"from": None},
            scope=[
                row("act", "possess"),
                row("medium", "photo", "video", excludes=("text",)),
                row("depiction", "real_child", excludes=("virtual_child",)),
                row("age", below=18),
            ],
        )
        | changes
    )


def asking(**conduct: object) -> Mapping[str, object]:
    return {"elements": [{"id": "possess", "text": "possession", "conduct": CONDUCT | conduct}]}


def test_a_diff_shows_what_is_added_replaced_and_repealed(maker: Maker) -> None:
    gone = maker.offence(id="de.test.gone")
    book = maker.book_with(
        offences=[maker.offence(), gone],
        requirements=[maker.requirement(**asking(**{"victim.age": 17}))],
    )
    adds = {"offences": [newer(), newer(id="xx.test.possess")]}
    found = effect(book, patch(maker, adds=adds, repeals=["de.test.gone"]), "DE", as_of=DAY)
    assert found.added == ("de.new.possess",)
    assert found.replaced == ("de.test.possess",)
    assert found.repealed == ("de.test.gone",)
    assert found.taken_over == ()
    [change] = found.changes
    assert (change.before, change.after) == (Met.NOT_MET, Met.MET)
    assert better(found.changes) == (change,)
    assert worse(found.changes) == ()


def test_a_repeal_shows_what_gets_worse(maker: Maker) -> None:
    book = maker.book_with(offences=[maker.offence()], requirements=[maker.requirement()])
    found = effect(book, patch(maker, repeals=["de.test.possess"]), "DE", as_of=DAY)
    [change] = found.changes
    assert (change.before, change.after) == (Met.MET, Met.UNKNOWN)
    assert worse(found.changes) == (change,)
    assert better(found.changes) == ()


@pytest.mark.parametrize("name", ["de.test.nothing", "fr.test.possess"])
def test_repealing_what_is_not_there_is_refused(maker: Maker, name: str) -> None:
    other = maker.offence(id="fr.test.possess", jurisdiction="FR")
    book = maker.book_with(offences=[maker.offence(), other], requirements=[maker.requirement()])
    with pytest.raises(NotFound, match=r"nothing called .* to repeal in DE"):
        effect(book, patch(maker, repeals=[name]), "DE", as_of=DAY)


def test_a_patch_that_changes_nothing_is_refused(maker: Maker) -> None:
    with pytest.raises(BadInput, match="changes nothing"):
        patch(maker)


def test_a_patch_that_breaks_the_book_is_refused(maker: Maker) -> None:
    book = maker.book_with(offences=[maker.offence()])
    without_age = newer(scope=[row("act", "possess"), row("medium", "photo")])
    with pytest.raises(BadInput, match=r"The reform is refused: .*no scope row speaks of"):
        reformed(book, patch(maker, adds={"offences": [without_age]}), "DE", on=DAY)
    foreign = newer(id="fr.new.possess")
    with pytest.raises(BadInput, match="the id must be the jurisdiction"):
        reformed(book, patch(maker, adds={"offences": [foreign]}), "DE", on=DAY)


def test_what_is_enacted_is_in_force_and_beyond_doubt(maker: Maker) -> None:
    weak = newer(scope=[row("act", "possess") | WEAK, *newer()["scope"][1:]], **WEAK)  # type: ignore[index]
    book = maker.book_with(offences=[])
    after = reformed(book, patch(maker, adds={"offences": [weak]}), "DE", on=DAY)
    [made] = after.offences
    assert made.id == "de.new.possess"
    assert made.jurisdiction == "DE"
    assert made.legal_status is LegalStatus.IN_FORCE
    assert made.in_force.from_ == DAY
    assert {made.status, made.in_force.status, *(each.status for each in made.scope)} == {
        Status.VERIFIED
    }
    assert book.offences == (), "the book is not touched"


def taking(maker: Maker, *, takes_over: bool, **changes: object) -> Reform:
    return patch(maker, adds={"offences": [newer(**changes)]}, takes_over=takes_over)


def test_a_section_that_governs_an_act_takes_it_from_recorded_law(maker: Maker) -> None:
    """Unchecked old law would leave unknown what the new section plainly leaves out."""
    acts = [row("act", "possess", "access"), row("medium", "photo"), row("age", below=18)]
    old = maker.offence(scope=[*acts, row("depiction", "virtual_child")], **WEAK)
    unsure = replace(old, scope=tuple(replace(each, status=Status.RECALLED) for each in old.scope))
    book = maker.book_with(
        offences=[unsure],
        requirements=[maker.requirement(elements=[{"id": "a", "text": "b", "conduct": DRAWN}])],
    )
    beside = effect(book, taking(maker, takes_over=False), "DE", as_of=DAY)
    assert beside.changes == ()
    assert beside.taken_over == ()
    alone = effect(book, taking(maker, takes_over=True), "DE", as_of=DAY)
    assert [each.after for each in alone.changes] == [Met.NOT_MET]
    assert alone.taken_over == (TakenOver(offence="de.test.possess", acts=("possess",)),)
    after = reformed(book, taking(maker, takes_over=True), "DE", on=DAY)
    [left] = [each for each in after.offences if each.id == "de.test.possess"]
    assert [each.covers for each in left.rows(Dimension.ACT)] == [("access",)]


def test_only_the_same_acts_of_the_same_country_and_matter_are_taken(maker: Maker) -> None:
    child = maker.offence(
        id="de.test.child", about="child", scope=[row("act", "possess"), row("age", below=16)]
    )
    abroad = maker.offence(id="fr.test.possess", jurisdiction="FR")
    book = maker.book_with(offences=[maker.offence(), child, abroad])
    reform = taking(maker, takes_over=True)
    after = {each.id for each in reformed(book, reform, "DE", on=DAY).offences}
    assert after == {"de.new.possess", "de.test.child", "fr.test.possess"}
    gone = effect(book, reform, "DE", as_of=DAY).taken_over
    assert gone == (TakenOver(offence="de.test.possess", acts=("possess",)),)


def test_a_section_with_a_further_condition_only_adds(maker: Maker) -> None:
    book = maker.book_with(offences=[maker.offence()])
    further = {"fact": "conduct.for_distribution", "eq": True, **CITED}
    found = effect(book, taking(maker, takes_over=True, requires=further), "DE", as_of=DAY)
    assert found.taken_over == ()


def test_the_command_shows_a_repeal(tmp_path: Path) -> None:
    file = tmp_path / "repeal.yaml"
    file.write_text("title: A repeal\nadds: {}\nrepeals: [ie.measure.hotline]\n", "utf-8")
    words = ["law", "reform", str(file), "--jurisdiction", "IE", "--as-of", "2026-11-22"]
    result = RUN.invoke(app, [*words, "--json"], catch_exceptions=False)
    data = json.loads(result.stdout)
    assert data["repealed"] == ["ie.measure.hotline"]
    turned = {each["requirement"]: (each["before"], each["after"]) for each in data["changes"]}
    assert turned["MNR-12"] == ("met", "unknown")
    shown = RUN.invoke(app, words, catch_exceptions=False).stdout
    assert "Repeals: ie.measure.hotline" in shown
    assert "No longer met: MNR-12" in " ".join(shown.split())


def test_the_command_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    words = ["law", "reform", str(tmp_path / "none.yaml"), "--jurisdiction", "IE"]
    result = RUN.invoke(app, words)
    assert result.exit_code != 0
    assert isinstance(result.exception, BadInput)


def test_the_patch_of_the_how_to_is_one(book: Lawbook) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "draft-a-clause.md"
    [text] = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    reform = read_reform(book, read_yaml(text, where="how-to"), where="how-to")
    found = effect(book, reform, "IE", as_of=date(2026, 11, 22))
    assert found.added == ("ie.measure.hotline-by-law",)
    assert found.repealed == ("ie.measure.hotline",)


@pytest.mark.parametrize(
    ("before", "after", "doubtful"),
    [
        (Met.MET, Met.UNKNOWN, True),
        (Met.UNKNOWN, Met.PARTLY, True),
        (Met.UNKNOWN, Met.NOT_MET, True),
        (Met.UNKNOWN, Met.MET, False),
        (Met.PARTLY, Met.MET, False),
    ],
)
def test_a_drafter_is_pointed_to_what_a_wording_loses_or_leaves_open(
    before: Met, after: Met, *, doubtful: bool
) -> None:
    change = Change(
        requirement="X-1", instrument="X", locator="1", title="x", before=before, after=after
    )
    assert change.doubtful is doubtful
