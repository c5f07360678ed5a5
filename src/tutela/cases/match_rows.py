"""Between a match and its row in the table of matches."""

from sqlalchemy import Row

from tutela.cases.model import MatchFound
from tutela.indicators.model import Match, SignalKind
from tutela.indicators.reasons import video_extent, video_fields
from tutela.primitives.ids import ExhibitId, ListId
from tutela.taxonomy.model import Category


def columns_of(found: MatchFound) -> dict[str, object]:
    """The columns of a match as it was when found, but for its case."""
    match, category = found.match, found.match.category
    return {
        "exhibit_id": found.exhibit_id,
        "list_id": match.list_id,
        "list_name": match.list_name,
        "entry_id": match.entry_id,
        "external_id": match.external_id,
        "kind": match.kind.value,
        "distance_bits": match.distance_bits,
        "threshold_bits": match.threshold_bits,
        "transform": match.transform,
        "form": match.form,
        "scheme": category.scheme if category else None,
        "scheme_version": category.version if category else None,
        "category_code": category.code if category else None,
        "second_person": match.second_person,
        "reasons": list(match.reasons),
        "video": video_fields(match.video),
        "found_at": found.found_at,
    }


def match_found(row: Row[tuple[object, ...]]) -> MatchFound:
    """A match from its row; only a PDQ match has a distance.

    Up to migration 0011 digests and videos had a number there too: the videos' was that of
    their frames, so that 0 did not mean the same video.
    """
    kind = SignalKind(row.kind)
    category = (
        Category(scheme=row.scheme, version=row.scheme_version, code=row.category_code)
        if row.scheme
        else None
    )
    return MatchFound(
        exhibit_id=ExhibitId(row.exhibit_id),
        match=Match(
            list_id=ListId(row.list_id),
            list_name=row.list_name,
            entry_id=row.entry_id,
            external_id=row.external_id,
            kind=kind,
            distance_bits=row.distance_bits if kind is SignalKind.PDQ else None,
            threshold_bits=row.threshold_bits,
            transform=row.transform,
            form=row.form,
            category=category,
            second_person=row.second_person,
            reasons=tuple(row.reasons),
            video=video_extent(row.video),
        ),
        found_at=row.found_at,
    )
