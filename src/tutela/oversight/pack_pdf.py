"""A pack as one document to print: the text that the typesetter reads, with the pages' tables."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tutela.law.assessing import Assessment, Met
from tutela.law.model import Timing
from tutela.oversight.changing import WORDS_OF, Change
from tutela.oversight.coverage import Found
from tutela.oversight.drawing import Tongue, percent, period
from tutela.oversight.law_words import LAW_WORDS
from tutela.oversight.open_points import Who
from tutela.oversight.pack import Pack, Ratification
from tutela.oversight.typesetting import Words, heading, literal, paragraph, table


def _(text: str) -> str:
    """Mark a text for translation; it is translated when it is set."""
    return text


_SETUP = """#set document(title: {title}, date: datetime(year: {year}, month: {month}, day: {day}))
#set text(lang: {lang}, size: 9.5pt, hyphenate: true)
#set page(paper: "a4", margin: 2cm, numbering: "1 / 1")
#set heading(numbering: "1.")
#set table(stroke: 0.4pt, inset: 4pt)
#show table.cell.where(y: 0): set text(weight: "bold")
#show heading: set block(above: 1.6em, below: 0.8em)
#title()
"""
_NOTHING = "\N{EN DASH}"
_NOT_COUNTED = ("errors", "complaints", "identified", "recipients")


def document(pack: Pack, *, language: Tongue, digest: str, changes: Sequence[Change] | None) -> str:
    """The whole document in the typesetter's language."""
    words = Words(language=language)
    seen = pack.overview
    title = f"{words.say(_('For parliament'))}: {words.place(seen.jurisdiction.code)}"
    setup = _SETUP.format(
        title=literal(title),
        lang=literal(language.code.split("-")[0]),
        year=seen.as_of.year,
        month=seen.as_of.month,
        day=seen.as_of.day,
    )
    parts: Iterable[Iterable[str]] = (
        _opening(pack, words, digest),
        _ratification(pack, words),
        _tallies(pack, words),
        _gaps(pack, words),
        _clauses(pack, words),
        _duties(pack, words),
        _capabilities(pack, words),
        _questions(pack, words),
        _safeguards(pack, words),
        _changes(changes, words),
        _open_points(pack, words),
    )
    return setup + "\n".join(line for part in parts for line in part) + "\n"


def _opening(pack: Pack, words: Words, digest: str) -> Iterable[str]:
    seen = pack.overview
    share = percent(seen.tally().unknown_share, words.language)
    yield heading(words.say(_("What cannot be said")))
    said = _(
        "of what is asked of the country cannot be answered from what is recorded and checked."
    )
    yield paragraph(f"{share} {words.say(said)}")
    yield paragraph(
        words.say(
            _(
                "“Cannot say” is never “lawful”, “safe” or “no duty”. It says that nobody has "
                "recorded the law here, or nobody has checked it yet."
            )
        )
    )
    yield paragraph(f"{words.say(_('Law as of'))} {seen.as_of.isoformat()}.")
    floor = words.word("rule_status", seen.floor.value)
    yield paragraph(f"{words.say(_('Lowest review status that counts'))}: {floor}.")
    yield paragraph(f"{words.say(_('Digest of this pack'))}: {digest}")
    yield paragraph(
        words.say(
            _(
                "It is no legal advice, and what is not recorded may still be law. "
                "Places are not ranked."
            )
        )
    )


def _ratification(pack: Pack, words: Words) -> Iterable[str]:
    yield heading(words.say(_("Ratification")))
    yield table(
        (3, 4, 2, 3, 2),
        [
            words.say(each)
            for each in (
                _("Instrument"),
                _("Treaty status"),
                _("Since"),
                _("Bound on this day"),
                _("Review status"),
            )
        ],
        [_ratification_row(one, words) for one in pack.overview.ratifications],
    )


def _ratification_row(one: Ratification, words: Words) -> tuple[str, ...]:
    membership = one.membership
    bound = words.word("bound", one.bound.value)
    if membership is None:
        said = words.say(_("not recorded"))
        return one.instrument.short, said, _NOTHING, bound, _NOTHING
    return (
        one.instrument.short,
        words.word("party", membership.state.value),
        membership.since.isoformat() if membership.since else _NOTHING,
        bound,
        words.word("rule_status", membership.status.value),
    )


def _tallies(pack: Pack, words: Words) -> Iterable[str]:
    seen = pack.overview
    yield heading(words.say(_("Gaps")))
    names: list[str | None] = [*seen.against, None]
    yield table(
        (3, 2, *(2 for _met in Met)),
        [
            words.say(_("Instrument")),
            words.say(_("share of “cannot say”")),
            *(words.word("met", met.value) for met in Met),
        ],
        [
            (
                name or words.say(_("All")),
                percent(seen.tally(name).unknown_share, words.language),
                *(seen.tally(name).counts.get(met, 0) for met in Met),
            )
            for name in names
        ],
    )


def _gaps(pack: Pack, words: Words) -> Iterable[str]:
    header = [
        words.say(each)
        for each in (_("Requirement"), _("Outcome"), _("What decides"), _("Proposed clause"))
    ]
    for name in pack.gap.against:
        yield heading(name, 2)
        yield table(
            (4, 3, 6, 3),
            header,
            [_gap_row(pack, row.assessment, words) for row in pack.gap.of(name)],
        )


def _gap_row(pack: Pack, found: Assessment, words: Words) -> tuple[str, ...]:
    deciding = found.failing() or found.elements[0]
    rests = "; ".join(
        f"{each.id}: {each.cite}, {words.word('rule_status', each.status.value)}"
        for each in deciding.rests
    )
    clause = pack.clause(found.requirement)
    proposed = clause.title if clause else words.say(_("no model clause yet"))
    if found.outcome.good or found.outcome is Met.NOT_APPLICABLE:
        proposed = _NOTHING
    return (
        f"{found.requirement}: {found.title}",
        words.outcome(found),
        f"{words.word('truth', deciding.result.value)}: {deciding.text}: {deciding.why}"
        + (f" ({rests})" if rests else ""),
        proposed,
    )


def _clauses(pack: Pack, words: Words) -> Iterable[str]:
    if pack.drafted is None:
        return
    yield heading(words.say(_("Proposed clauses")))
    yield paragraph(
        words.say(
            _(
                "A draft in our own words, for discussion; nobody has adopted it. "
                "Square brackets are choices left to parliament."
            )
        )
    )
    rights = words.say(_("Children's rights"))
    for each in pack.drafted.clauses:
        yield heading(each.title, 2)
        yield f"#quote(block: true, {literal(each.text)})"
        yield paragraph(each.note)
        yield paragraph(f"{rights}: {each.childrens_rights}")
        yield paragraph(f"{words.say(_('Answers to'))}: {', '.join(each.for_)}")


def _duties(pack: Pack, words: Words) -> Iterable[str]:
    yield heading(words.say(_("Provider duties")))
    yield table(
        (3, 4, 6),
        [
            words.say(each)
            for each in (
                _("Duty"),
                _("Is there one?"),
                _("What is recorded, and by when it must be done"),
            )
        ],
        [
            (
                words.word("coverage", one.key),
                f"{words.word('truth', one.result.value)}. {one.why}",
                "; ".join(_recorded(each, words) for each in one.found)
                or words.say(_("Nothing is recorded here. That is not the same as no duty.")),
            )
            for one in pack.overview.coverage
        ],
    )


def _recorded(found: Found, words: Words) -> str:
    checked = words.word("rule_status", found.status.value)
    if found.kind == "bases":
        stance = words.word("stance", found.entry.stance.value)
        return f"{found.entry.id}: {stance} ({checked})"
    return f"{found.entry.title}: {timing(found.entry.clock, words.language)} ({checked})"


def timing(one: Timing, language: Tongue) -> str:
    """A clock in words, each of the law's three ways as what it is."""
    if one.n is not None and one.unit is not None:
        return period(one.n, one.unit.value, language)
    if one.standard is not None:
        return one.standard.replace("_", " ")
    if one.delegated_to is not None:
        return f"{language.say(_('set by:'))} {one.delegated_to}"
    return language.say(LAW_WORDS["clock_kind"]["none"])


def _capabilities(pack: Pack, words: Words) -> Iterable[str]:
    yield heading(words.say(_("Capabilities")))
    yield paragraph(
        words.say(
            _(
                "The capabilities of the Model National Response. The law on paper is assessed "
                "from the lawbook; the level in practice is what somebody entered. The two are "
                "never put together into one figure."
            )
        )
    )
    if pack.maturity:
        yield paragraph(f"{pack.maturity.assessed_by}, {pack.maturity.assessed_on.isoformat()}.")
    yield table(
        (4, 3, 3, 4),
        [
            words.say(each)
            for each in (
                _("Capability"),
                _("Law on paper"),
                _("In practice, as entered"),
                _("Where that can be read"),
            )
        ],
        [
            (
                f"{one.assessment.requirement}: {one.assessment.title}",
                words.outcome(one.assessment),
                f"{one.level.level}: {words.word('level', one.level.level)}"
                if one.level
                else words.say(_("not entered")),
                one.level.evidence if one.level else _NOTHING,
            )
            for one in pack.capabilities
        ],
    )


def _questions(pack: Pack, words: Words) -> Iterable[str]:
    yield heading(words.say(_("Questions to government")))
    yield table(
        (3, 8, 3),
        [words.say(each) for each in (_("Paragraph"), _("Questions"), _("What the lawbook says"))],
        [
            (
                f"{one.asked.paragraph}: {one.assessment.title}",
                " ".join(one.asked.questions),
                words.outcome(one.assessment),
            )
            for one in pack.overview.questions
        ],
    )


def _safeguards(pack: Pack, words: Words) -> Iterable[str]:
    yield heading(words.say(_("Safeguard report")))
    figures = pack.figures
    if figures is None:
        yield paragraph(
            words.say(
                _(
                    "The figures of an installation were not asked for in this pack, so none are "
                    "shown. That is not the same as zero."
                )
            )
        )
        return
    yield paragraph(f"{figures.since.isoformat()} / {figures.until.isoformat()}")
    withheld = words.say(_("withheld (fewer than %(num)s)")) % {"num": figures.smallest}
    rows: list[tuple[object, ...]] = [
        (words.word("figure", one.key), withheld if one.count is None else one.count)
        for one in figures.figures
    ]
    missing = words.say(_("not counted by this program; ask the operator"))
    rows += [(words.word("not_counted", key), missing) for key in _NOT_COUNTED]
    yield table((3, 2), [words.say(_("What was counted")), words.say(_("Number"))], rows)


def _changes(changes: Sequence[Change] | None, words: Words) -> Iterable[str]:
    yield heading(words.say(_("What changed since the last pack")))
    if not changes:
        none = _("No earlier pack was named, so nothing can be compared.")
        same = _("Nothing is different from the earlier pack.")
        yield paragraph(words.say(none if changes is None else same))
        return
    yield table(
        (2, 3, 4, 4),
        [words.say(each) for each in (_("Part"), _("What"), _("Before"), _("Now"))],
        [
            (
                words.word("changed", each.part),
                words.word("coverage", each.id) if each.part == "coverage" else each.id,
                _value(each, each.before, words),
                _value(each, each.after, words),
            )
            for each in changes
        ],
    )


def _value(change: Change, said: str | None, words: Words) -> str:
    """A value before or after, in words where there are any."""
    if said is None:
        return _NOTHING
    group = WORDS_OF.get(change.part)
    return words.word(group, said) if group else said


def _open_points(pack: Pack, words: Words) -> Iterable[str]:
    yield heading(words.say(_("Unknowns, and who must look at what")))
    points = pack.overview.open_points
    header = [words.say(each) for each in (_("What is open"), _("Rests on"), _("Decides about"))]
    for who in Who:
        listed = [each for each in points if each.who is who]
        if listed:
            yield heading(words.word("who", who.value), 2)
            yield table((6, 3, 3), header, [_point(each, words.say) for each in listed])


def _point(point: Any, say: Callable[[str], str]) -> tuple[str, ...]:  # noqa: ANN401 - an open point
    rests = "; ".join(f"{each.id}: {each.cite}" for each in point.rests)
    return point.what, rests or say(_("nothing recorded")), ", ".join(point.decides)
