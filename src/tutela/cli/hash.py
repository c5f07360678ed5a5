"""`tutela hash`: digests and PDQ of files and folders.

Here are its options. What does the work is loaded after a decoder has been started: both load at
the same time, and whoever hashes one file waits for the longer of the two only.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from subprocess import Popen
from typing import Annotated

import typer

from tutela.adapters.media.sniffing import HEAD_BYTES, sniff
from tutela.adapters.media.starting import decoder_ahead
from tutela.cli.loading import loading
from tutela.cli.options import AsJson
from tutela.hashing.model import Mode
from tutela.primitives.errors import BadInput

SOME_REFUSED = 2
"""Exit code when at least one file gave no picture; the others are hashed all the same."""

_FEW = 8  # files: more are hashed by several processes, which have decoders of their own


def hash_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files, or folders (all files below).")
    ] = None,
    as_json: AsJson = False,
    mode: Annotated[
        Mode,
        typer.Option(help="Every pixel (for lists), or large JPEGs at a smaller scale (to scan)."),
    ] = Mode.EXACT,
    dihedral: Annotated[
        bool, typer.Option("--dihedral", help="Also the eight hashes of the turned picture.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Processes that hash; all cores if not given."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Append rows (JSON lines) to this file; the same command again goes on there.",
        ),
    ] = None,
    vpdq: Annotated[
        Path | None,
        typer.Option("--vpdq", help="Write the frames of videos to this file as vPDQ's text."),
    ] = None,
    every: Annotated[
        float, typer.Option(min=0, help="With --vpdq: seconds between frames; 0 is every frame.")
    ] = 1.0,
    key_frames: Annotated[
        bool, typer.Option("--key-frames", help="With --vpdq: key frames only.")
    ] = False,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", help="Say which decoder and policy hashes come from.")
    ] = False,
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test", help="Prove the code compiled for this processor; exit 1 if not."
        ),
    ] = False,
) -> None:
    """Hash files: PDQ with quality, MD5, SHA-1, SHA-256. Stores nothing but what `--out` names.

    Exit code 0: every file gave a picture; 2: some did not (each says why, with the
    digests where it could be read), or the arguments are wrong.
    """
    if pipeline or self_test:
        _look(mode, pipeline=pipeline, as_json=as_json)
        return
    if not paths:
        raise BadInput("There is nothing to hash", remedy="Give files or folders")
    if vpdq is not None:
        refused = _frames(paths, vpdq, every_s=every, key_frames=key_frames, as_json=as_json)
    else:
        with _ahead(paths) as decoder:
            with loading():
                from tutela.cli.hash_files import Wish, hash_and_tell  # noqa: PLC0415

            wish = Wish(mode=mode, dihedral=dihedral, workers=workers, out=out, as_json=as_json)
            refused = hash_and_tell(paths, wish, ahead=decoder)
    if refused:
        raise typer.Exit(SOME_REFUSED)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("hash")(hash_command)


def _look(mode: Mode, *, pipeline: bool, as_json: bool) -> None:
    from tutela.cli.hash_files import prove, show_pipeline  # noqa: PLC0415

    if pipeline:
        show_pipeline(mode, as_json=as_json)
    elif prove(as_json=as_json):
        raise typer.Exit(1)


def _frames(
    paths: Sequence[Path], out: Path, *, every_s: float, key_frames: bool, as_json: bool
) -> int:
    from tutela.cli.hash_video import FrameWish, write_frames  # noqa: PLC0415

    wish = FrameWish(every_s=every_s, key_frames=key_frames)
    return write_frames(paths, out, wish, as_json=as_json)


def _ahead(paths: Sequence[Path]) -> AbstractContextManager[Popen[bytes] | None]:
    """A decoder that loads already, when a few files are given and one looks like a picture."""
    if len(paths) <= _FEW and any(map(_looks_like_a_picture, paths)):
        return decoder_ahead()
    return nullcontext(None)


def _looks_like_a_picture(path: Path) -> bool:
    try:
        if not path.is_file():  # reading a pipe here would take away its beginning
            return False
        with path.open("rb") as file:
            return bool(sniff(file.read(HEAD_BYTES)))
    except OSError:  # whoever reads it says why
        return False
