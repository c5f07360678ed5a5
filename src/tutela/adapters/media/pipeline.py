"""The names of the decoding pipelines: policy and decoder versions, kept with each hash.

Two hashes are comparable bit for bit only when their pipelines are the same. Change the
version here whenever a line of `converting.py` changes what pixels a file gives.
"""

from importlib.metadata import version

from tutela.hashing.model import Mode

POLICY_VERSIONS = {Mode.EXACT: "tutela-exact/3", Mode.FAST: "tutela-fast/1"}

_DECODERS = ("pillow", "simplejpeg", "pi-heif")

POLICY = {
    "scaling": "none: hashed at full size; JPEG in fast mode decoded at k/8 of its size, short "
    "side 256 or more (from 128 on at full size, grey), and hashed as if at full size",
    "orientation": "primary hash: pixels as stored, as peers do; the upright ones beside it",
    "heif_transforms": "HEIC: turns, mirroring and clean aperture of the file are part of decoding "
    "it; AVIF: as stored",
    "colour_profile": "ignored, as peers do",
    "alpha": "composed on white; stored colours when that leaves no detail",
    "palette": "expanded to its colours",
    "cmyk": "converted to RGB, JPEG with Adobe polarity",
    "sixteen_bit": "upper eight bits",
    "ten_and_twelve_bit": "HEIC, AVIF: upper eight bits",
    "wide_numbers": "32-bit and floating point stretched from lowest to highest value",
    "one_bit": "black and white",
    "animation": "primary hash: first frame, HEIC: its primary picture; further ones beside it",
    "truncated": "rows that came, the nearest one repeated below; refused under three quarters",
}


def pipeline_id(mode: Mode = Mode.EXACT) -> str:
    """For example `tutela-exact/3+pillow-13.0.0+...`; reads package metadata, loads no decoder."""
    return "+".join((POLICY_VERSIONS[mode], *(f"{name}-{version(name)}" for name in _DECODERS)))
