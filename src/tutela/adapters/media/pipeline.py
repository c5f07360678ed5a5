"""The name of the decoding pipeline: policy version and decoder version, kept with each hash.

Two hashes are comparable bit for bit only when their pipelines are the same. Change the
version here whenever a line of `converting.py` changes what pixels a file gives.
"""

from importlib.metadata import version

POLICY_VERSION = "tutela-exact/1"

POLICY = {
    "scaling": "none: hashed at full size",
    "orientation": "ignored: pixels as stored, as peers do; the eight dihedral hashes cover turns",
    "colour_profile": "ignored, as peers do",
    "alpha": "composed on white; stored colours when that leaves no detail",
    "palette": "expanded to its colours",
    "cmyk": "converted to RGB, JPEG with Adobe polarity",
    "sixteen_bit": "upper eight bits",
    "wide_numbers": "32-bit and floating point stretched from lowest to highest value",
    "one_bit": "black and white",
    "animation": "first frame",
    "truncated": "refused",
}


def pipeline_id() -> str:
    """For example `tutela-exact/1+pillow-13.0.0`; reads package metadata, loads no decoder."""
    return f"{POLICY_VERSION}+pillow-{version('pillow')}"
