"""The drawn pictures are good subjects: repeatable, detailed, far apart; edits stay near."""

import io
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from tutela.hashing.dihedral import dihedral
from tutela.hashing.model import Pdq
from tutela.hashing.pdq import pdq

MATCH_BITS = 31
SIDE = 100  # small, so that many are drawn in a few seconds


def test_drawn_pictures_have_detail_and_are_far_apart(drawing: ModuleType) -> None:
    kinds = list(drawing.KINDS)
    hashes = [
        pdq(np.asarray(drawing.draw(kinds[n % len(kinds)], n, (SIDE * 2, SIDE * 2))))
        for n in range(126)
    ]
    assert sum(found.unmatchable is not None for found in hashes) <= 2
    bits = np.array([np.frombuffer(found.bits, dtype=np.uint8) for found in hashes])
    apart = np.bitwise_count(bits[:, np.newaxis] ^ bits[np.newaxis]).sum(axis=-1, dtype=np.int64)
    np.fill_diagonal(apart, 256)
    assert apart.min() > MATCH_BITS


def test_the_same_seed_draws_the_same_picture(drawing: ModuleType) -> None:
    for kind in drawing.KINDS:
        first, again = (drawing.draw(kind, 3, (90, 70)) for _ in range(2))
        assert first.size == (90, 70)
        assert first.tobytes() == again.tobytes()
        assert first.tobytes() != drawing.draw(kind, 4, (90, 70)).tobytes()


def test_every_edit_is_found_within_the_threshold(drawing: ModuleType) -> None:
    for kind in drawing.KINDS:
        image = drawing.draw(kind, 21, (420, 360))
        original = pdq(np.asarray(image))
        for name, form in drawing.edits(image).items():
            edited = Image.open(io.BytesIO(form)) if isinstance(form, bytes) else form
            turned = dihedral(np.asarray(edited.convert("RGB")))
            nearest = min(one.distance_bits(original) for one in turned)
            assert nearest <= MATCH_BITS, (kind, name)
            if name in {"rotate", "mirror"}:
                assert turned[0].distance_bits(original) > MATCH_BITS, (kind, name)


def test_the_script_fills_a_folder_and_says_what_is_in_it(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[2] / "vectors" / "draw.py"
    order = ["--out", str(tmp_path), "--count", "16", "--listed", "8", "--seed", "3", "--json"]
    done = subprocess.run(
        [sys.executable, str(script), *order], check=True, capture_output=True, text=True
    )
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert json.loads(done.stdout) == manifest
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.is_file()}
    assert files == {*manifest, "manifest.json"}
    edits = [entry["edit"] for entry in manifest.values()]
    assert edits.count("original") == edits.count("stranger") == 8
    assert {"identical", "resize", "recompress", "crop", "rotate", "mirror", "caption"} <= {*edits}
    for name, entry in manifest.items():
        if entry["edit"] == "identical":
            assert (tmp_path / name).read_bytes() == (tmp_path / entry["source"]).read_bytes()
        if entry["edit"] in {"resize", "caption", "crop"}:
            near = _hash(tmp_path / name).distance_bits(_hash(tmp_path / entry["source"]))
            assert near <= MATCH_BITS


def _hash(path: Path) -> Pdq:
    with Image.open(path) as image:
        return pdq(np.asarray(image.convert("RGB")))
