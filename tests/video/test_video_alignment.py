"""Alignment finds the line on which two videos run along, whatever else meets."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from video_drawing import film

from tutela.hashing.pdq import pdq
from tutela.index.alignment import SPEEDS, TOLERANCE_SECONDS, aligned


@given(
    speed=st.sampled_from(SPEEDS),
    start=st.integers(0, 60),
    length=st.integers(12, 60),
    bank_start=st.integers(0, 200),
    noise=st.integers(0, 60),
    seed=st.integers(0, 1 << 16),
)
def test_a_stretch_is_found_among_noise(  # noqa: PLR0917 - hypothesis gives them by name
    speed: float, start: int, length: int, bank_start: int, noise: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    upload = np.arange(130.0)
    query = upload[start : start + length]
    bank = np.round(bank_start + speed * (query - start))
    query = np.concatenate((query, chance.choice(upload, noise)))
    bank = np.concatenate((bank, np.round(chance.uniform(0, 300, noise))))
    found = aligned(query, bank, all_query_s=upload)
    assert found is not None
    # Noise may lie on the line beyond the ends, within the longest gap.
    assert found.query_start_s <= start + 3
    assert found.query_end_s >= start + length - 4
    middle = start + length // 2
    at_middle = found.bank_start_s + found.speed * (middle - found.query_start_s)
    assert at_middle == pytest.approx(bank_start + speed * (middle - start), abs=2.5)


def test_a_still_scene_has_no_more_votes_than_frames() -> None:
    still_query, still_bank = np.meshgrid(np.arange(8.0), np.arange(8.0))
    moving = np.arange(20.0, 40.0)
    query = np.concatenate((still_query.ravel(), moving))
    bank = np.concatenate((still_bank.ravel(), moving + 100))
    found = aligned(query, bank, all_query_s=np.arange(60.0))
    assert found is not None
    assert (found.query_start_s, found.query_end_s) == (20, 39)
    assert (found.bank_start_s, found.bank_end_s) == (120, 139)
    assert (found.frames, found.frames_possible, found.score) == (20, 20, 1.0)


def test_a_long_gap_ends_the_stretch_and_a_short_one_does_not() -> None:
    upload = np.arange(60.0)
    query = np.r_[0:10, 13:20, 40:50].astype(np.float64)
    found = aligned(query, query, all_query_s=upload)
    assert found is not None
    assert (found.query_start_s, found.query_end_s) == (0, 19)
    assert found.score == pytest.approx(17 / 20)


def test_one_pair_is_a_point_and_none_is_nothing() -> None:
    one = aligned(np.array([3.0]), np.array([70.0]), all_query_s=np.arange(9.0))
    assert one is not None
    assert (one.query_start_s, one.bank_start_s, one.seconds) == (3, 70, 0)
    assert aligned(np.array([]), np.array([]), all_query_s=np.arange(9.0)) is None


def test_time_never_runs_backwards() -> None:
    query = np.arange(30.0)
    bank = query + np.where(np.arange(30) % 2, TOLERANCE_SECONDS, -TOLERANCE_SECONDS) * 0.9
    found = aligned(query, bank, all_query_s=query)
    assert found is not None
    assert found.bank_end_s >= found.bank_start_s


SPEEDS_ASKED = (0.80, 0.87, 0.93, 0.96, 0.98, 1.0, 1.02, 1.0427, 1.06, 1.10, 1.15, 1.25)


def _in_scenes(
    speed: float, start: float, length: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of frames of the same scene; scenes of one to six seconds stand still."""
    cuts = np.cumsum(np.random.default_rng(seed).uniform(1, 6, 400))
    upload = np.arange(float(length))
    bank = np.arange(np.ceil(start + speed * length) + 20)
    scene_of = np.searchsorted(cuts, start + speed * upload)
    met = scene_of[:, None] == np.searchsorted(cuts, bank)[None, :]
    query, known = np.nonzero(met)
    return upload[query], bank[known], upload


@pytest.mark.parametrize("speed", SPEEDS_ASKED)
@pytest.mark.parametrize("length", [20, 60, 180])
def test_the_speed_is_right_within_what_is_said_of_it(speed: float, length: int) -> None:
    for seed in range(4):
        start = 3.3 * seed
        query, bank, upload = _in_scenes(speed, start, length, seed)
        found = aligned(query, bank, all_query_s=upload)
        assert found is not None
        assert abs(found.speed - speed) <= max(found.speed_error, 0.001)
        if length >= 180:
            assert abs(found.speed - speed) <= 0.005
            assert found.speed_error <= 0.02
            assert found.query_end_s - found.query_start_s >= length - 4
        for at, seconds in (
            (found.query_start_s, found.bank_start_s),
            (found.query_end_s, found.bank_end_s),
        ):
            assert seconds == pytest.approx(start + speed * at, abs=2.0)


@pytest.mark.parametrize("shortest", [0.5, 5.0, 12.0])
def test_films_whose_scenes_stand_still_for_long_say_less_of_their_speed(shortest: float) -> None:
    """Scenes of up to half a minute, a third of the pairs missing, and some that are no pairs."""
    chance = np.random.default_rng(int(shortest * 10))
    wrong = 0
    for _ in range(25):
        speed, start = chance.uniform(0.8, 1.26), chance.uniform(0, 90)
        upload = np.arange(float(chance.integers(20, 240)))
        bank = np.arange(np.ceil(start + speed * len(upload)) + 20)
        cuts = np.cumsum(chance.uniform(shortest, 30, 900))
        scene_of = np.searchsorted(cuts, start + speed * upload)
        met = scene_of[:, None] == np.searchsorted(cuts, bank)[None, :]
        met &= chance.uniform(size=met.shape) > 0.3
        met |= chance.uniform(size=met.shape) < 0.002
        query, known = np.nonzero(met)
        found = aligned(upload[query], bank[known], all_query_s=upload)
        assert found is not None
        known_at_all = found.speed_error < 0.25
        wrong += known_at_all and abs(found.speed - speed) > found.speed_error
    assert wrong <= 1


def test_a_film_of_two_hours_is_followed_at_the_speed_of_television() -> None:
    upload = np.arange(7200.0)
    bank = np.round(11 + 25 / 23.976 * upload)
    found = aligned(upload, bank, all_query_s=upload)
    assert found is not None
    assert found.speed == pytest.approx(25 / 23.976, abs=0.001)
    assert found.frames > 7100


def test_the_speed_of_a_drawn_film_is_right() -> None:
    shown = film(1)

    def hashes(seconds: np.ndarray) -> list[int]:
        grey = (np.asarray(Image.fromarray(shown(float(one))).convert("L")) for one in seconds)
        return [int.from_bytes(pdq(one).bits) for one in grey]

    upload, known = np.arange(50.0), np.arange(66.0)
    bank = hashes(known)
    asked = hashes(4.3 + 1.1 * upload)
    pairs = [
        (second, known[place], (one ^ other).bit_count())
        for (second, one), (place, other) in product(
            zip(upload, asked, strict=True), enumerate(bank)
        )
        if (one ^ other).bit_count() <= 31
    ]
    query, other, distance = (np.array(column) for column in zip(*pairs, strict=True))
    found = aligned(query, other, all_query_s=upload, distance_bits=distance)
    assert found is not None
    assert found.speed == pytest.approx(1.1, abs=0.01)
    assert found.speed_error < 0.03


def test_two_frames_say_nothing_of_a_speed() -> None:
    found = aligned(np.array([3.0, 4.0]), np.array([70.0, 71.0]), all_query_s=np.arange(9.0))
    assert found is not None
    assert (found.speed, found.speed_error) == (1.0, 0.25)
