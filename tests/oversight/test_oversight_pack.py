"""A pack for a parliament: closed under its own links, honest about what nobody knows."""

import csv
import io
import json
import posixpath
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from own_lawbook import own_lawbook
from tutela.adapters.languages import load_languages
from tutela.adapters.typst import to_pdf
from tutela.cli import app
from tutela.law.elements import ElementAnswer, Rests
from tutela.law.expressions import UNKNOWN
from tutela.law.model import Status
from tutela.ledger.model import Line
from tutela.oversight import changing, law_words
from tutela.oversight.maturity import read_maturity
from tutela.oversight.measuring import _COUNTED, measure
from tutela.oversight.open_points import COLUMNS, OpenPoint, Who, as_csv, who_answers
from tutela.oversight.pack import Pack, make_pack
from tutela.oversight.pack_pages import PARTS, pages
from tutela.oversight.pack_pdf import document
from tutela.oversight.questioning import own_text, questions, read_questions
from tutela.oversight.typesetting import literal
from tutela.primitives.errors import BadInput, NotFound, Refused, Unavailable

RUN = CliRunner()
DAY = date(2026, 11, 21)
REPOSITORY = Path(__file__).resolve().parents[2]
LEVELS = """
assessed_on: 2026-11-01
assessed_by: Office of the committee
capabilities:
  MNR-1: {level: 2, evidence: "Strategy of 2025, chapter 3"}
"""
_VOID = {"meta", "link", "br", "input", "img"}
_SHAPES = {"line", "rect", "path"}


def line(number: int, action: str) -> Line:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Line(
        seq=number, at=at, actor="acct_person_a", action=action, subject="case_x", detail={},
        previous="0", digest=f"head-{number}",
    )  # fmt: skip


@cache
def pack() -> Pack:
    """Read as far as anything is recorded, so that there is something to lead to."""
    book = own_lawbook()
    actions = ["case_opened"] * 12 + ["report_finished"] * 3
    return make_pack(
        book,
        "GB",
        as_of=DAY,
        floor=Status.RECALLED,
        against=("BUDAPEST", "IPU"),
        maturity=read_maturity(LEVELS, book=book, where="levels"),
        figures=measure(
            [line(number, action) for number, action in enumerate(actions)],
            since=date(2026, 1, 1),
            until=date(2026, 12, 1),
        ),
    )


@cache
def changed() -> tuple[changing.Change, ...]:
    """What is new against a pack of the day before, of a book that lacked a rule."""
    book = own_lawbook()
    rule = next(each for each in book.rules if each.jurisdiction == "GB")
    without = replace(book, rules=tuple(each for each in book.rules if each.id != rule.id))
    older = make_pack(without, "GB", as_of=date(2026, 11, 20), against=("BUDAPEST",))
    return changing.changes(changing.snapshot(older, without), changing.snapshot(pack(), book))


@cache
def site() -> Mapping[str, str]:
    return pages(
        pack(),
        own_lawbook(),
        language=load_languages("console")["en"],
        digest="0" * 64,
        changes=changed(),
        with_pdf=True,
    )


class _Page(HTMLParser):
    """The links and ids of a page whose every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.headings: list[str] = []
        self.unnamed: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "a" and told.get("href"):
            self.links.append(told["href"] or "")
        if told.get("id"):
            self.ids.append(told["id"] or "")
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)
        if tag == "svg" and "aria-labelledby" not in told and told.get("aria-hidden") != "true":
            self.unnamed.append(tag)
        self.loads += [told[name] or "" for name in ("src", "srcset", "action") if name in told]
        if tag == "link":
            self.loads.append(told.get("href") or "")
        assert not {"style", "onclick", "onload"} & set(told)
        assert tag not in {"script", "style", "iframe", "object", "form"}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _SHAPES | _VOID
        assert "style" not in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag


@cache
def parsed() -> Mapping[str, _Page]:
    return {path: _Page(text) for path, text in site().items()}


def target(path: str, link: str) -> tuple[str, str]:
    file, _, anchor = unquote(link).partition("#")
    if not file:
        return path, anchor
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), file)), anchor


def test_every_link_of_the_pack_stays_in_the_pack_and_resolves() -> None:
    beside = {"pack.json", "pack.pdf", "pack.css", "unknowns.csv"}
    followed = 0
    for path, page in parsed().items():
        for link in page.links:
            file, anchor = target(path, link)
            assert file in beside or file in parsed(), f"{path}: {link}"
            if anchor:
                assert anchor in parsed()[file].ids, f"{path}: {link}"
            followed += 1
    assert followed > 1000


def test_pages_load_nothing_but_their_own_stylesheet() -> None:
    for path, page in parsed().items():
        for loaded in page.loads:
            assert target(path, loaded)[0] == "pack.css", path
        assert "://" not in re.sub(r'xmlns="[^"]*"|<code[^>]*>[^<]*</code>', "", site()[path]) or (
            path.startswith(("entries/contacts", "sources/"))
        ), path


def test_pages_are_well_formed_with_one_h1_and_unique_ids() -> None:
    for path, page in parsed().items():
        assert page.headings.count("h1") == 1, path
        assert page.headings[0] == "h1", path
        assert len(page.ids) == len(set(page.ids)), path
        assert page.unnamed == [], path


def test_every_figure_leads_to_the_rule_the_citation_and_the_source() -> None:
    met = next(row for row in pack().gap.of("BUDAPEST") if row.assessment.outcome.good)
    entry = met.assessment.elements[0].rests[0]
    for path in ("gaps-BUDAPEST.html", f"requirements/{met.assessment.requirement}.html"):
        links = {target(path, link)[0] for link in parsed()[path].links}
        assert f"entries/{entry.kind}/{entry.id}.html" in links
    path = f"entries/{entry.kind}/{entry.id}.html"
    assert entry.cite in site()[path]
    sources = [link for link in parsed()[path].links if "sources/" in link]
    source = own_lawbook().sources[entry.source]
    assert source.retrieved.isoformat() in site()[target(path, sources[0])[0]]
    for row in pack().overview.coverage:
        for found in row.found:
            assert f"entries/{found.kind}/{found.entry.id}.html" in site()


def test_the_notes_on_the_country_are_listed_under_their_sources() -> None:
    place = pack().overview.jurisdiction
    cited = {each.source for each in (place, *place.notes)}
    assert cited
    for source in cited:
        page = f"sources/{source}.html"
        assert f"places/{place.code}.html" in {
            target(page, link)[0] for link in parsed()[page].links
        }


def test_a_clause_is_proposed_for_what_is_not_met_alone() -> None:
    text = site()["gaps-BUDAPEST.html"]
    for row in pack().gap.of("BUDAPEST"):
        found = row.assessment
        shown = text.partition(f'<tr id="{found.requirement}">')[2].partition("</tr>")[0]
        clause = pack().clause(found.requirement)
        if found.outcome.good:
            assert "clauses/" not in shown
        elif clause:
            assert f"clauses/{clause.clause}.html" in shown
            assert f'<h1><span lang="en">{clause.title}' in site()[f"clauses/{clause.clause}.html"]
        else:
            assert "no model clause yet" in shown
    assert pack().drafted


def test_the_share_of_the_unknown_comes_first_and_nothing_is_ranked() -> None:
    index = site()["index.html"]
    share = round(pack().overview.tally().unknown_share * 100)
    assert f"<strong>{share}%</strong>" in index
    assert index.index("What cannot be said") < index.index("Ratification")
    assert "Places are not ranked" in index
    for path in (name for name, _ in PARTS):
        assert f'href="{path}"' in index or path == "index.html"


def test_another_country_is_shown_only_as_far_as_a_figure_rests_on_it() -> None:
    named = {code for row in pack().gap.rows for code in row.precedents} - {"GB"}
    assert named
    for code in named:
        assert "that is no picture of its law" in site()[f"places/{code}.html"]
    assert "Provider duties" in site()["places/GB.html"]


def test_paper_and_practice_stand_apart_and_nothing_entered_is_said() -> None:
    text = site()["capabilities.html"]
    assert "Office of the committee" in text
    assert "2: in place for a part" in text
    assert text.count("not entered<") == 20
    assert "20 capabilities were not entered" in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("capabilities: {MNR-1: {level: 2, evidence: x}}", "assessed_on"),
        ("assessed_on: 2026-11-01\nassessed_by: x", "names none"),
        (LEVELS.replace("level: 2", "level: 5"), "not one of 0, 1, 2, 3, 4"),
        (LEVELS.replace("level: 2", "level: true"), "not one of 0, 1, 2, 3, 4"),
        (LEVELS.replace("MNR-1", "MNR-22"), "none of the 21 capabilities"),
        (LEVELS.replace("evidence:", "proof:"), "'proof' is not one of"),
        (LEVELS.replace('"Strategy of 2025, chapter 3"', '""'), "a text is missing"),
        (LEVELS.replace("2026-11-01", "soon"), "no day"),
        (LEVELS + "ranking: 1\n", "'ranking' is not one of"),
        ("- 1", "expected a mapping"),
    ],
)
def test_levels_that_are_not_exactly_of_the_shape_are_refused(text: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_maturity(text, book=own_lawbook(), where="levels.yaml")
    assert why in str(refused.value)


def test_each_paragraph_has_one_to_three_questions() -> None:
    book = own_lawbook()
    listed = questions(book)
    assert [each.paragraph for each in listed] == [f"IPU-{n}" for n in range(1, 23)]
    assert all(1 <= len(each.questions) <= 3 for each in listed)
    text = site()["questions.html"]
    assert all(f'id="{each.paragraph}"' in text for each in listed)
    german = questions(book, language="de")
    assert [len(each.questions) for each in german] == [len(each.questions) for each in listed]
    assert {each.language for each in german} == {"de"}
    for other in ("eo", "../lawbook", "zh-Hant"):
        assert questions(book, language=other) == listed


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("  IPU-22:", "  IPU-23:", "IPU-22 is missing or strange"),
        ("and what was taken up?", "and what was taken up.", "no question"),
        ("paragraphs:", "chapters:", "expected `paragraphs` alone"),
    ],
)
def test_questions_that_are_damaged_are_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(BadInput, match=re.escape(why)):
        read_questions(own_lawbook(), own_text().replace(old, new))


def test_what_cannot_be_said_is_a_work_list_of_each_point_once() -> None:
    points = pack().overview.open_points
    unknown = {
        (each.requirement, element.why)
        for each in pack().overview.assessments
        if each.outcome.value != "not_applicable"
        for element in each.elements
        if element.result is UNKNOWN and not element.excused_by
    }
    assert {(name, each.what) for each in points for name in each.decides} == unknown
    order = tuple(Who)
    ranks = [(order.index(each.who), -len(each.decides)) for each in points]
    assert ranks == sorted(ranks)
    rows = list(csv.reader(io.StringIO(as_csv(points))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(points) + 1


def test_at_a_higher_status_what_is_recorded_goes_to_two_reviewers() -> None:
    made = make_pack(own_lawbook(), "GB", as_of=DAY, floor=Status.VERIFIED, against=("BUDAPEST",))
    reviewed = [each for each in made.overview.open_points if each.who is Who.TWO_REVIEWERS]
    assert reviewed
    assert all(each.rests for each in reviewed)
    assert made.overview.tally().unknown_share == 1


def test_a_statement_whose_dates_alone_are_unchecked_goes_to_two_reviewers() -> None:
    book = own_lawbook()
    measure = next(each for each in book.measures if each.status is Status.SECONDARY)
    dates = replace(measure.in_force, status=Status.RECALLED)
    weaker = replace(book, measures=(replace(measure, in_force=dates),))
    rests = Rests(
        kind="measures", id=measure.id, cite=measure.cite, source=measure.source,
        status=measure.status,
    )  # fmt: skip
    element = ElementAnswer(
        id="x", text="x", result=UNKNOWN, why="x", rests=(rests,), variations=(), status=None
    )
    assert who_answers(weaker, element, floor=Status.SECONDARY) is Who.TWO_REVIEWERS
    bare = replace(element, rests=())
    assert who_answers(weaker, bare, floor=Status.SECONDARY) is Who.LEGAL_STAFF
    condition = replace(element, part="condition.0")
    assert who_answers(weaker, condition, floor=Status.RECALLED) is Who.FACT


def test_a_cell_never_begins_as_a_formula() -> None:
    point = OpenPoint(who=Who.FACT, what="=1+1", rests=(), decides=("X",))
    assert "'=1+1" in as_csv([point])


def test_an_earlier_pack_is_compared_part_by_part() -> None:
    kept = changing.snapshot(pack(), own_lawbook())
    assert changing.changes(kept, kept) == ()
    told = {(each.part, each.id): each for each in changed()}
    assert told["reading", "as_of"].before == "2026-11-20"
    assert told["capabilities", "MNR-1"].after == "2"
    turned = next(each for each in changed() if each.part == "elements" and each.before)
    text = site()["changes.html"]
    assert turned.id in text
    assert law_words.LAW_WORDS["truth"][turned.after or ""] in text
    [new] = [each for each in changed() if each.part == "entries"]
    assert new.before is None
    assert f"entries/{new.id.replace(' ', '/')}.html" in site()["changes.html"]


def test_the_same_input_gives_the_same_snapshot_and_survives_being_kept() -> None:
    kept = changing.snapshot(pack(), own_lawbook())
    text = changing.written(kept)
    assert text == changing.written(changing.snapshot(pack(), own_lawbook()))
    read = changing.read_snapshot(text, jurisdiction="GB")
    assert changing.changes(read, kept) == ()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "tutela-oversight-pack/1"}', "[" * 100_000]
)
def test_what_is_no_earlier_pack_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        changing.read_snapshot(text, jurisdiction="GB")
    kept = changing.written(changing.snapshot(pack(), own_lawbook()))
    with pytest.raises(BadInput, match="it is not about DE"):
        changing.read_snapshot(kept, jurisdiction="DE")
    odd = kept.replace('"met"', '"excellent"')
    with pytest.raises(BadInput, match="words of another program version"):
        changing.read_snapshot(odd, jurisdiction="GB")


def test_small_figures_are_withheld_and_no_person_or_case_is_named() -> None:
    text = site()["safeguards.html"]
    assert re.search(r"Cases opened after a match</th><td>12<", text)
    assert re.search(r"Reports an authority has confirmed</th><td>withheld \(fewer than 10\)", text)
    assert "not counted by this program" in text
    kept = changing.written(changing.snapshot(pack(), own_lawbook()))
    for told in (text, kept):
        assert "acct_person_a" not in told
        assert "case_x" not in told


def test_every_figure_has_words() -> None:
    assert set(law_words.LAW_WORDS["figure"]) == {key for key, *_ in _COUNTED}


def test_the_document_holds_every_table_and_no_text_becomes_markup() -> None:
    source = document(pack(), language=load_languages("console")["en"], digest="ab", changes=None)
    for heading in ("What cannot be said", "Ratification", "Gaps", "Provider duties",
                    "Capabilities", "Questions to government", "Safeguard report"):  # fmt: skip
        assert f'"{heading}")' in source
    tables = source.count("#table(columns")
    assert tables == source.count("table.header(") >= 8
    assert literal('a"#set page()\\ \n') == '"a\\"#set page()\\\\  "'


def run(*words: object) -> str:
    result = RUN.invoke(app, ["oversight", "pack", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


ASKED = ("--jurisdiction", "gb", "--as-of", "2026-11-21", "--status", "recalled")


def test_the_command_writes_a_folder_and_replaces_an_older_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url.replace("+psycopg", ""))
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path / "home"))
    out = tmp_path / "pack"
    asked = (*ASKED, "--out", out)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "typst", None)
        told = json.loads(run(*asked, "--against", "ipu", "--json"))
    kept = json.loads((out / "pack.json").read_text("utf-8"))
    assert told["digest"] == kept["digest"]
    assert told["files"] == len(kept["files"]) + 1 == sum(each.is_file() for each in out.rglob("*"))
    index = (out / "index.html").read_text("utf-8")
    assert told["pdf"] is None
    assert "pip install 'tutela[parliament]'" in told["pdf_missing"]
    assert "pack.pdf" not in index
    assert "were not asked for" in (out / "safeguards.html").read_text("utf-8")

    (out / "kept-by-a-person.txt").write_text("notes", "utf-8")
    run(*asked, "--against", "mnr", "--previous", out, "--with-figures", "--lang", "de")
    assert '<code class="id">report_finished</code>' in (out / "safeguards.html").read_text("utf-8")
    assert not (out / "gaps-IPU.html").exists()
    assert (out / "gaps-MNR.html").exists()
    assert (out / "kept-by-a-person.txt").exists()
    assert "MNR" in (out / "changes.html").read_text("utf-8")
    index = (out / "index.html").read_text("utf-8")
    assert '<html lang="de"' in index
    assert "Vereinigtes Königreich" in index
    assert '<ol lang="de">' in (out / "questions.html").read_text("utf-8")
    assert (out / "pack.pdf").read_bytes().startswith(b"%PDF-")


def test_the_pdf_is_an_accessible_one_and_the_same_each_time() -> None:
    source = '#set document(title: "Person A")\n#set text(lang: "en")\n#title()\n#table([a])\n'
    made = to_pdf(source, day=DAY)
    assert made == to_pdf(source, day=DAY)
    assert b"pdfuaid" in made  # the mark of PDF/UA in its metadata
    assert b"/StructTreeRoot" in made
    with pytest.raises(Unavailable, match="refused the document"):
        to_pdf("#no-such-function()", day=DAY)


def test_a_folder_with_other_files_is_not_touched_unasked(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", "utf-8")
    words = ["oversight", "pack", *ASKED, "--out", str(tmp_path)]
    result = RUN.invoke(app, words)
    assert isinstance(result.exception, Refused)
    assert [each.name for each in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--lang", "tlh"), BadInput),
        (("--maturity", "absent.yaml"), NotFound),
        (("--previous", "absent"), NotFound),
        (("--against", "magna-carta"), NotFound),
        (("--jurisdiction", "zz"), NotFound),
    ],
)
def test_what_is_asked_wrongly_is_refused_and_nothing_is_written(
    tmp_path: Path, words: tuple[str, ...], error: type[Exception]
) -> None:
    out = tmp_path / "pack"
    result = RUN.invoke(app, ["oversight", "pack", *ASKED, *words, "--out", str(out)])
    assert isinstance(result.exception, error)
    assert not out.exists()


def test_the_how_to_shows_levels_that_are_accepted() -> None:
    page = REPOSITORY / "docs/how-to/prepare-an-oversight-pack.md"
    [example] = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    read = read_maturity(example, book=own_lawbook(), where="the how-to")
    assert {name: each.level for name, each in read.levels.items()} == {"MNR-1": 2, "MNR-12": 3}
