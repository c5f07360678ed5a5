"""From the rooms' facts to the API's words."""

from collections.abc import Iterable

from tutela.api.bodies import (
    CaseAnswer,
    FindingAnswer,
    FormAnswer,
    HashesAnswer,
    IgnoredAnswer,
    MatchAnswer,
    MediaAnswer,
    VideoAnswer,
)
from tutela.cases.model import Case, Decision
from tutela.hashing.model import Hashed
from tutela.indicators.model import Finding, Match, MatchResult, VideoExtent
from tutela.indicators.reasons import stated_distance, video_fields
from tutela.intake.model import Admission, Ignored

_NOT_SAFE = "No list has this item. That does not mean that it is harmless."


def finding_of(result: MatchResult) -> FindingAnswer:
    """What the lists say about one item."""
    not_safe = _NOT_SAFE if result.finding is Finding.NO_KNOWN_MATCH else ""
    return FindingAnswer(
        finding=result.finding.value,
        matches=[_match(match) for match in result.matches],
        unmatchable=result.unmatchable,
        why=" ".join(filter(None, (result.why, not_safe))),
    )


def media_of(admission: Admission, ignored: Iterable[Ignored] = ()) -> MediaAnswer:
    """The whole answer to one submission; `ignored` is what beside it was not taken as given."""
    found = finding_of(admission.result)
    return MediaAnswer(
        finding=found.finding,
        matches=found.matches,
        unmatchable=found.unmatchable,
        why=found.why,
        case_id=admission.case_id,
        exhibit_id=admission.exhibit_id,
        already_known=admission.already_known,
        hashes=_hashes(admission.hashed),
        ignored=ignored_of(ignored),
    )


def ignored_of(ignored: Iterable[Ignored]) -> list[IgnoredAnswer]:
    """The same in the answer's words."""
    return [IgnoredAnswer(field=one.field, why=one.why) for one in ignored]


def case_of(case: Case, *, item_reference: str | None, final: Decision | None) -> CaseAnswer:
    """How far a case has come: states, times and verdict, nothing about people or content."""
    return CaseAnswer(
        case_id=case.id,
        item_reference=item_reference,
        state=case.state.value,
        opened_at=case.opened_at,
        needed=sorted(outcome.value for outcome in case.needed),
        reached={outcome.value: moment for outcome, moment in case.reached.items()},
        closed_at=case.closed_at,
        verdict=None if final is None else final.verdict.value,
        decided_at=None if final is None else final.at,
    )


def _match(match: Match) -> MatchAnswer:
    return MatchAnswer(
        list_name=match.list_name,
        entry=match.external_id or str(match.entry_id),
        kind=match.kind.value,
        distance_bits=stated_distance(match),
        threshold_bits=match.threshold_bits,
        transform=match.transform,
        form=match.form,
        category=str(match.category) if match.category else None,
        reasons=list(match.reasons),
        video=None if match.video is None else _video(match.video),
    )


def _video(extent: VideoExtent) -> VideoAnswer:
    return VideoAnswer.model_validate(video_fields(extent))


def _hashes(hashed: Hashed) -> HashesAnswer:
    digests = hashed.digests
    return HashesAnswer(
        pdq=hashed.pdq.hex if hashed.pdq else None,
        quality=hashed.pdq.quality if hashed.pdq else None,
        md5=digests.md5.hex() or None,
        sha1=digests.sha1.hex() or None,
        sha256=digests.sha256.hex() or None,
        pipeline=hashed.pipeline,
        further=[
            FormAnswer(
                form=one.kind.value,
                number=one.number,
                of=one.total,
                pdq=one.pdq.hex,
                quality=one.pdq.quality,
            )
            for one in hashed.further
        ],
        truncated=hashed.truncated,
    )
