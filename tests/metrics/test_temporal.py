"""Warping errors of synthetic clips, whose motion and flicker are known."""

import sys
from functools import partial

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from stylekernel_hf.metrics.optical_flow import flow_between, visible_in_both, warp_back
from stylekernel_hf.metrics.temporal import ORIGINAL, warping_errors

SIDE = 96


def texture(side: int, seed: int = 0) -> np.ndarray:
    """Smooth random patches of good contrast, 8 bits."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3))
    soft = gaussian_filter(noise, (3, 3, 0), mode="wrap")
    return np.uint8(np.clip(128 + 50 * soft / soft.std(), 0, 255))


def panned(count: int, right: int, down: int) -> list[Image.Image]:
    """Frames in which everything moves so many px a frame, new pixels coming in at the border."""
    scene = texture(SIDE + 64)
    frames = []
    for place in range(count):
        x, y = 32 - right * place, 32 - down * place
        frames.append(Image.fromarray(scene[y : y + SIDE, x : x + SIDE]))
    return frames


def loaders(frames: list[Image.Image]):
    return [partial(Image.Image.copy, frame) for frame in frames]


def constant_flow(right: float, down: float) -> np.ndarray:
    return np.full((20, 30, 2), (right, down), np.float32)


# Motion


def test_flow_of_a_pan_is_its_motion() -> None:
    before, after = (np.asarray(frame) for frame in panned(2, 3, -2))
    flow = flow_between(before, after)
    inner = flow[16:-16, 16:-16]
    assert np.abs(inner - (3, -2)).mean() < 0.1
    assert np.abs(np.median(inner, axis=(0, 1)) - (3, -2)).max() < 0.05


def test_warping_fetches_what_is_where_scipy_finds_it() -> None:
    random = np.random.default_rng(1)
    following = random.random((20, 30, 3)).astype(np.float32)
    flow = random.uniform(-2, 2, (20, 30, 2)).astype(np.float32)
    y, x = np.mgrid[:20, :30]
    places = [y + flow[..., 1], x + flow[..., 0]]
    expected = [
        map_coordinates(c, places, order=1, mode="nearest") for c in following.T.swapaxes(1, 2)
    ]
    # OpenCV interpolates at 32nds of a pixel.
    np.testing.assert_allclose(warp_back(following, flow), np.moveaxis(expected, 0, 2), atol=0.07)


def test_warping_by_whole_pixels_is_exact() -> None:
    following = np.random.default_rng(2).random((20, 30, 3)).astype(np.float32)
    moved = warp_back(following, constant_flow(4, 3))
    np.testing.assert_array_equal(moved[:-3, :-4], following[3:, 4:])


def test_pixels_that_leave_the_picture_are_not_visible() -> None:
    seen = visible_in_both(constant_flow(4, -3), constant_flow(-4, 3))
    expected = np.zeros((20, 30), bool)
    expected[3:, :-4] = True
    np.testing.assert_array_equal(seen, expected)


def test_pixels_whose_way_back_leads_elsewhere_are_hidden() -> None:
    backward = constant_flow(-4, 0)
    backward[:, 10:15] = (3, 0)
    seen = visible_in_both(constant_flow(4, 0), backward)
    expected = np.ones((20, 30), bool)
    expected[:, 6:11] = expected[:, -4:] = False
    np.testing.assert_array_equal(seen, expected)


def test_background_that_a_square_comes_to_cover_does_not_count() -> None:
    background, square = texture(SIDE, 3), texture(32, 4)
    frames = []
    for left in (24, 34):
        frame = background.copy()
        frame[32:64, left : left + 32] = square
        frames.append(frame)
    seen = visible_in_both(flow_between(*frames), flow_between(*frames[::-1]))
    covered, still = seen[36:60, 58:64], seen[:20, 8:-8]
    assert covered.mean() < 0.3
    assert still.mean() > 0.95


# Errors


def test_results_that_move_with_the_scene_are_steady_and_noise_is_not() -> None:
    deviation = 0.1
    random = np.random.default_rng(5)

    def noisy(_: int, frame: Image.Image) -> Image.Image:
        noise = random.normal(0, deviation, (SIDE, SIDE, 3))
        return Image.fromarray(np.uint8((0.5 + noise).clip(0, 1) * 255))

    tracks = {"inverted": lambda _, frame: Image.fromarray(255 - np.asarray(frame)), "noise": noisy}
    result = warping_errors(loaders(panned(4, 2, 1)), tracks)
    errors = result.warping_errors
    assert list(errors) == [ORIGINAL, "inverted", "noise"]
    assert errors[ORIGINAL] < 1e-3
    assert errors["inverted"] == pytest.approx(errors[ORIGINAL], rel=1e-3)
    # The difference of two independent values has twice the variance; interpolation at places
    # between pixels takes off at most three quarters of that of one of them.
    assert 1.2 * deviation**2 < errors["noise"] < 2.1 * deviation**2
    assert result.frame_count == 4
    assert 0.85 < result.visible < 1


def test_flicker_on_a_still_scene_is_its_squared_step() -> None:
    def flickering(place: int, _: Image.Image) -> Image.Image:
        return Image.new("RGB", (SIDE, SIDE), (102, 102, 102) if place % 2 else (153, 153, 153))

    result = warping_errors(loaders(panned(3, 0, 0)), {"flicker": flickering})
    assert result.warping_errors == pytest.approx({ORIGINAL: 0, "flicker": 0.2**2}, abs=1e-6)
    assert result.visible == 1


def test_changes_are_told_at_both_distances() -> None:
    def brighter(place: int, _: Image.Image) -> Image.Image:
        return Image.new("RGB", (SIDE, SIDE), (51 + 5 * place,) * 3)

    def flickering(place: int, _: Image.Image) -> Image.Image:
        return Image.new("RGB", (SIDE, SIDE), (153 if place % 2 else 102,) * 3)

    def largest(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.abs(one - other).max())

    tracks = {"brighter": brighter, "flicker": flickering}
    changes = warping_errors(loaders(panned(12, 0, 0)), tracks, similarity=largest).changes
    for name, near, far in (("brighter", 5 / 255, 50 / 255), ("flicker", 0.2, 0.0)):
        actual = changes[name]
        assert [*actual] == [1, 10]
        for distance, expected in ((1, near), (10, far)):
            assert actual[distance].rmse == pytest.approx(expected, abs=1e-6)
            assert actual[distance].perceptual == pytest.approx(expected, abs=1e-6)
    assert [*warping_errors(loaders(panned(10, 0, 0)), tracks).changes["flicker"]] == [1]
    assert warping_errors(loaders(panned(2, 0, 0)), {}).changes[ORIGINAL][1].perceptual is None


def test_every_frame_is_reported() -> None:
    reports: list[tuple[int, int]] = []
    warping_errors(loaders(panned(3, 1, 0)), {}, on_frame=lambda *at: reports.append(at))
    assert reports == [(1, 3), (2, 3), (3, 3)]


def test_one_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="frames must be at least 2, got 1"):
        warping_errors(loaders(panned(1, 0, 0)), {})


def test_a_track_of_another_size_is_named() -> None:
    tracks = {"small": lambda _, frame: frame.resize((48, 96))}
    with pytest.raises(ValueError, match="frames must all be 96x96, got 48x96 at place 0 of small"):
        warping_errors(loaders(panned(2, 0, 0)), tracks)


def test_without_opencv_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"opencv-python-headless.*stylekernel-hf\[video\]"):
        warping_errors(loaders(panned(2, 0, 0)), {})
