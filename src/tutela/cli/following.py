"""`tutela scan --follow`: matches of a video while it is still written."""

from pathlib import Path

from tutela.adapters.media.video.jail import pipeline_of
from tutela.cli.acting import machine_user
from tutela.cli.presenting import OUT, emit, marked
from tutela.hashing.model import Digests, FrameHash, Hashed, VideoHash
from tutela.indicators.model import Finding, Match
from tutela.intake.model import Admission, Context, Origin
from tutela.scan.model import Scanned
from tutela.wiring.building import Parts
from tutela.wiring.live import follow


def follow_video(
    parts: Parts,
    path: Path,
    *,
    context: Context,
    idle_seconds: float,
    dry_run: bool,
    as_json: bool,
) -> Scanned:
    """Tell each frame that meets a list at once; admit the whole when the writer has ended."""
    seen: list[FrameHash] = []
    with follow(parts.jail.videos, path, idle_seconds=idle_seconds, dihedral=True) as live:
        for frame in live.frames:
            seen.append(frame)
            _tell(frame, _met(parts, frame), as_json=as_json)
        hashed = live.hashed(tuple(seen))
        is_file = live.is_file
    admission = _admitted(
        parts, path if is_file else None, hashed, context=context, dry_run=dry_run
    )
    result = admission.result
    return Scanned(
        path=path,
        finding=result.finding,
        matches=result.matches,
        unmatchable=result.unmatchable,
        why=result.why,
        case_id=admission.case_id,
        already_known=admission.already_known,
    )


def _met(parts: Parts, frame: FrameHash) -> tuple[Match, ...]:
    """What this frame alone meets; its digests are nobody's, so that only the picture counts."""
    alone = Hashed(
        digests=Digests(), pdq=None, pipeline=pipeline_of(), video=VideoHash(frames=(frame,))
    )
    result = parts.intake.look_up([alone])[0]
    return result.matches if result.finding is Finding.MATCHED else ()


def _admitted(
    parts: Parts, path: Path | None, hashed: Hashed, *, context: Context, dry_run: bool
) -> Admission:
    """The whole, like any other item."""
    if dry_run:
        return Admission(result=parts.intake.look_up([hashed])[0], hashed=hashed)
    if path is not None:
        return parts.intake.admit_file(
            path, context=context, by=machine_user().id, origin=Origin.SCAN
        )
    return parts.intake.admit_hashes(
        hashed, context=context, by=machine_user().id, origin=Origin.SCAN
    )


def _tell(frame: FrameHash, matches: tuple[Match, ...], *, as_json: bool) -> None:
    if not matches:
        return
    said = {
        "second": frame.timestamp_s,
        "frame": frame.frame_number,
        "met": [
            {
                "list": match.list_name,
                "entry": match.entry_id,
                "distance_bits": _frame_distance(match),
                "threshold_bits": match.threshold_bits,
            }
            for match in matches
        ],
    }

    def show() -> None:
        for match in matches:
            place = (
                f"{match.list_name}, PDQ distance {_frame_distance(match)} "
                f"(threshold {match.threshold_bits})"
            )
            second = f"second {frame.timestamp_s:.1f}: {place}"
            OUT.print(marked("frame met", second, style="bold"), soft_wrap=True)

    emit(said, as_json=as_json, render=show)


def _frame_distance(match: Match) -> int | None:
    """How far the one frame is from the nearest frame of the known video."""
    return None if match.video is None else match.video.frame_distance_bits
