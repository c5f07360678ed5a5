"""The process that decodes strangers' files. Started by `starting`, never imported by the parent.

Loads everything, is told its limits, gives up its rights, then answers one request after the
other on standard input until that closes. A refusal is an answer; whatever ends the process is
for the parent to notice.
"""

import io
import os
import sys
from typing import BinaryIO

from PIL import Image

from tutela.adapters.media import confining, decoding, file_facts, rendering
from tutela.adapters.media.flat_heic import FLAT_HEIC
from tutela.adapters.media.frames import BadFrame, Header, receive, send
from tutela.adapters.media.model import STYLES, Limits, RefusalReason
from tutela.adapters.media.opening import NoPicture, obey
from tutela.adapters.media.sniffing import HEIF, JPEG, KINDS, Kind
from tutela.hashing.model import Mode
from tutela.hashing.scaled import MIN_SIDE_PX
from tutela.primitives import kernels

Answer = tuple[Header, bytes]


def main() -> None:
    """Load, learn the limits, serve requests; argument: parent=PROCESS."""
    parent = int(sys.argv[1].removeprefix("parent="))
    requests, replies = _pipes()
    decoding.prepare()
    _warm_up()
    first = receive(requests, max_body_bytes=0)
    if first is None:  # nobody needed us after all
        return
    wish, _ = first
    limits = Limits(**wish["limits"])
    obey(limits)
    held = confining.confine(
        memory_bytes=limits.memory_bytes, cpu_seconds=wish["cpu_seconds"], parent=parent
    )
    send(replies, {"ready": True, "confinement": held})
    try:
        _serve(requests, replies, limits)
    except (BadFrame, BrokenPipeError):
        os._exit(1)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Requests and replies; a library that prints to standard output reaches nobody."""
    replies = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.close(silence)
    return sys.stdin.buffer, replies


def _serve(requests: BinaryIO, replies: BinaryIO, limits: Limits) -> None:
    while True:
        try:
            message = receive(requests, max_body_bytes=limits.max_file_bytes)
        except MemoryError:
            send(replies, {"refused": RefusalReason.OUT_OF_MEMORY, "detail": "reading"})
            os._exit(1)  # the rest of that file is still in the pipe
        if message is None:
            return
        header, body = message
        del message
        confining.allow_cpu(limits.cpu_seconds)
        answer, out = answer_to(header, body, limits)
        del body
        answer["cpu_used_seconds"] = confining.cpu_used_seconds()
        send(replies, answer, out)


def answer_to(header: Header, body: bytes, limits: Limits) -> Answer:
    """Do one job; any error of a decoder becomes a refusal that names only its class."""
    try:
        return _done(header, body, limits)
    except NoPicture as refusal:
        return {"refused": refusal.reason, "detail": refusal.detail}, b""
    except MemoryError:
        return {"refused": RefusalReason.OUT_OF_MEMORY, "detail": ""}, b""
    except Exception as error:  # noqa: BLE001 - decoders raise almost anything on hostile bytes
        return {"refused": RefusalReason.DAMAGED, "detail": type(error).__name__}, b""


def _done(header: Header, body: bytes, limits: Limits) -> Answer:
    kind = decoding.kind_named(header["decoder"])
    body = _beginning(body, offset=header.get("offset", 0), brand=header.get("brand", ""))
    match header["job"]:
        case "hash":
            wanted = bool(header["dihedral"])
            mode = Mode(header["mode"])
            return (
                decoding.hash_picture(body, kind=kind, limits=limits, dihedral=wanted, mode=mode),
                b"",
            )
        case "facts":
            return file_facts.facts(body, kind=kind, limits=limits), b""
        case "rendition":
            style = header["style"]
            return {}, rendering.rendition(body, kind=kind, limits=limits, style=style)
        case _:
            return {}, rendering.full_view(body, kind=kind, limits=limits)


def _beginning(body: bytes, *, offset: int, brand: str) -> bytes:
    """The file from where the picture begins, under the brand that its decoder heeds."""
    if offset:
        body = body[offset:]
    return body[:8] + brand.encode("ascii") + body[12:] if brand else body


def _warm_up() -> None:
    """Load every kernel, try every decoder and every job once: then nothing is left to load.

    Our HEIC picture was made before (`flat_heic`), for nothing here can write one.
    """
    kernels.prepare()
    small, large = (_gradient(side) for side in (MIN_SIDE_PX // 4, MIN_SIDE_PX))
    plain: Header = {"job": "hash", "dihedral": False, "mode": Mode.EXACT}
    for kind in KINDS:
        body = FLAT_HEIC if kind is HEIF else _written(small, kind)
        _try(kind, body, plain, {"job": "facts"}, {"job": "full_view"})
    _try(JPEG, _written(small, JPEG), plain | {"dihedral": True}, *_renditions())
    fast = plain | {"mode": Mode.FAST}  # of a picture that is large enough for it
    _try(JPEG, _written(large, JPEG), fast, fast | {"dihedral": True})


def _gradient(side: int) -> Image.Image:
    return Image.linear_gradient("L").resize((side + 8, side)).convert("RGB")


def _written(image: Image.Image, kind: Kind) -> bytes:
    held = io.BytesIO()
    image.save(held, format=kind.decoder)
    return held.getvalue()


def _renditions() -> list[Header]:
    return [{"job": "rendition", "style": style} for style in STYLES]


def _try(kind: Kind, body: bytes, *jobs: Header) -> None:
    for job in jobs:
        answer, _ = answer_to({**job, "decoder": kind.decoder}, body, Limits())
        if "refused" in answer:
            raise SystemExit(f"the {kind.decoder} decoder does not work here")


if __name__ == "__main__":
    main()
