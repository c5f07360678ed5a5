"""How an item came to us, split in two: what may lie open, and what rests sealed.

The open part answers the law's questions (where, when, by which kind of channel). The sealed
part is every value that could name a person, as one age-sealed JSON object: whoever reads the
database alone learns nothing about an uploader. The names of item and service are sealed in a
value of their own (`references`).
"""

import json
from collections.abc import Mapping
from datetime import datetime

from tutela.evidence.model import Context
from tutela.primitives.clock import iso
from tutela.primitives.redacted import Redacted

_WRAPPED = ("uploader_screen_name", "uploader_email", "uploader_ip", "location_url", "file_name")
"""Fields that are `Redacted` in the model; they go into the sealed part."""

_SEALED_PLAIN = ("uploader_reference", "uploader_port", "extra")
"""Fields that are plain values in the model, but still could name a person."""

_OPEN = ("uploader_location", "publicly_available", "channel")


def open_part(context: Context) -> dict[str, object]:
    """The values that may lie open in the database; unknown ones are absent."""
    part: dict[str, object] = {}
    for name in _OPEN:
        value = getattr(context, name)
        if value not in ("", None):
            part[name] = value
    if context.uploaded_at is not None:
        part["uploaded_at"] = iso(context.uploaded_at)
    return part


def personal_part(context: Context) -> bytes | None:
    """The values that must be sealed, as JSON bytes; None when there are none."""
    part: dict[str, object] = {}
    for name in _WRAPPED:
        wrapped = getattr(context, name)
        if wrapped is not None:
            part[name] = wrapped.reveal()
    for name in _SEALED_PLAIN:
        value = getattr(context, name)
        if value not in ("", None, {}):
            part[name] = value
    return json.dumps(part, sort_keys=True).encode() if part else None


def joined(
    opened: Mapping[str, object], reference: Mapping[str, str], personal: bytes | None
) -> Context:
    """The context again; what was not opened is unknown, and so is a blank name of a service."""
    values: dict[str, object] = {name: opened[name] for name in _OPEN if name in opened}
    if "uploaded_at" in opened:
        values["uploaded_at"] = datetime.fromisoformat(str(opened["uploaded_at"]))
    if personal is not None:
        for name, value in json.loads(personal).items():
            values[name] = Redacted(value) if name in _WRAPPED else value
    values["item_reference"] = reference.get("item_reference", "")
    values["service"] = reference.get("service", "").strip()
    return Context(**values)  # type: ignore[arg-type]
