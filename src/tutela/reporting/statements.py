"""The sentences of a report, each made from a fact and from nothing else.

`tests/reporting/test_statements.py` holds the table of facts and sentences. A sentence that no
fact supports is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutela.cases.model import Decision, MatchFound
from tutela.evidence.model import Viewed
from tutela.indicators.model import EntryStatus
from tutela.indicators.reasons import in_short
from tutela.primitives.clock import iso
from tutela.primitives.ids import DecisionId, ExhibitId
from tutela.reporting.limits import carriable

_VIEWED = {
    Viewed.NOTHING: "had opened nothing of {it}",
    Viewed.RENDITION: "had seen reduced forms of {it} only and no full view of it",
    Viewed.PART: "had opened a full view of one frame or page of {it}, not of all of it",
    Viewed.ENTIRE: "had opened a full view of all of {it}",
}
_NO_LONGER = {
    None: "the list no longer holds this entry",
    EntryStatus.WITHDRAWN: "the list has withdrawn this entry since",
    EntryStatus.DELETED: "the list has deleted this entry since",
    EntryStatus.SET_ASIDE: "this entry of the list is malformed and is no longer matched",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedFrom:
    """A decision on another case that the same person applied to this one.

    The two items are `distance_bits` of PDQ apart, joined by `steps` near pairs (None: the first
    release did not record it, and joined by one only). `viewed`: the most this person had been
    shown of the other item before deciding there.
    """

    distance_bits: int
    steps: int | None
    viewed: Viewed


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgment:
    """What a final decision rests on: each opinion in order, the last one final.

    `applied` says of those that were applied from another case from where, nearest first: that
    one may have been applied itself. `agreeing_lists` are the hash lists that gave a matched
    entry the very category that the person gave.
    """

    opinions: tuple[Decision, ...]
    applied: Mapping[DecisionId, tuple[AppliedFrom, ...]]
    agreeing_lists: tuple[str, ...]


def of_matches(
    matches: Sequence[MatchFound], statuses: Mapping[int, EntryStatus]
) -> tuple[str, ...]:
    """How each match was found, as its reasons say; the category as the list gives it.

    `statuses` are the entries' as of now, by number: one that may not match any more is named.
    """
    return tuple(carriable(_of_match(each, statuses)) for each in matches)


def _of_match(found: MatchFound, statuses: Mapping[int, EntryStatus]) -> str:
    match = found.match
    parts = list(match.reasons) or [in_short(match)]
    if match.category is not None:
        parts.append(f"category in the list when found: {match.category}")
    status = statuses.get(match.entry_id)
    if status is not EntryStatus.ACTIVE:
        parts.append(_NO_LONGER[status])
    return f"Matched the hash list {match.list_name}: {'; '.join(parts)}."


def of_judgment(judgment: Judgment) -> tuple[str, ...]:
    """Who decided what and when, what each person had been shown, where the category is from."""
    first, *others = judgment.opinions
    decided = (
        f"A reviewer of the provider decided on {iso(first.at)}: apparent child sexual abuse "
        f"material; category {first.category}; apparent age {first.age_band.value}."
    )
    lines = [decided, *_of_views(first, "this reviewer"), *_of_applied(judgment, first)]
    for opinion in others:
        lines += [
            f"A second reviewer agreed with that decision on {iso(opinion.at)}.",
            *_of_views(opinion, "the second reviewer"),
        ]
    return (*lines, _of_category(judgment))


def of_classification(judgment: Judgment, exhibit: ExhibitId, code: str) -> str:
    """Where a file's industryClassification comes from."""
    first = judgment.opinions[0]
    viewed = first.viewed.get(exhibit, Viewed.NOTHING)
    given = (
        f"The industry classification {code} was given by a reviewer of the provider on "
        f"{iso(first.at)}. By the view log, this reviewer "
        f"{_VIEWED[viewed].format(it='the file')} before."
    )
    return " ".join([given, *_of_applied(judgment, first), _of_lists(judgment)])


def _of_views(opinion: Decision, who: str) -> list[str]:
    """One sentence for each exhibit, which is named where there are several."""
    several = len(opinion.viewed) > 1
    return [
        (f"Exhibit {exhibit}: by" if several else "By")
        + f" the view log, {who} {_VIEWED[viewed].format(it='the file')} before deciding."
        for exhibit, viewed in opinion.viewed.items()
    ]


def _of_applied(judgment: Judgment, opinion: Decision) -> list[str]:
    """From which other item a decision was applied, and what had been seen of that one."""
    lines = []
    for number, applied in enumerate(judgment.applied.get(opinion.id, ())):
        what = "That decision was itself" if number else "The decision was"
        others = (applied.steps or 1) - 1
        joined = f", joined through {others} other item{'s' * (others > 1)}" if others else ""
        lines.append(
            f"{what} applied from the decision of the same reviewer on another item, at PDQ "
            f"distance {applied.distance_bits}{joined}; this reviewer "
            f"{_VIEWED[applied.viewed].format(it='that item')} before deciding there."
        )
    return lines


def _of_category(judgment: Judgment) -> str:
    if judgment.applied.get(judgment.opinions[0].id):
        source = "The category comes from the decision on that other item."
    elif len(judgment.opinions) > 1:
        source = "The category was given by the first reviewer."
    else:
        source = "The category was given by the reviewer."
    return f"{source} {_of_lists(judgment)}"


def _of_lists(judgment: Judgment) -> str:
    names = ", ".join(judgment.agreeing_lists)
    if not names:
        return "No matched entry of a hash list has this category."
    return carriable(f"A matched entry has the same category in the hash list: {names}.")
