"""Cameras over photos, whose motion is known."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from stylekernel_hf.metrics.camera_path import FRAME_COUNT, CameraPath
from stylekernel_hf.metrics.optical_flow import flow_between, warp_back
from stylekernel_hf.metrics.temporal import ORIGINAL, mean_consistency, warping_errors

FLICKER = 20


def photo(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(width).normal(size=(height, width, 3))
    soft = gaussian_filter(noise, (4, 4, 0))
    return Image.fromarray(np.uint8(np.clip(128 + 30 * soft / soft.std(), 30, 225)))


def brightened(place: int, frame: Image.Image) -> Image.Image:
    """Every other frame brighter by FLICKER levels."""
    return Image.fromarray(np.asarray(frame) + np.uint8(FLICKER * (place % 2)))


@pytest.fixture(scope="module")
def path() -> CameraPath:
    return CameraPath(photo(200, 160), 3)


def test_motion_is_what_the_frames_show(path: CameraPath) -> None:
    frames = [np.asarray(load()) for load in path.loaders()]
    assert [*frames[0].shape[:2]] == [*path.size] == [120, 150]
    for earlier, later in ((0, 1), (5, 15)):
        flow, seen = path.motion(earlier, later)
        moved = warp_back(np.float32(frames[later]), flow)
        error = np.abs(moved - frames[earlier])[seen].mean()
        still = np.abs(np.float32(frames[later]) - frames[earlier])[seen].mean()
        assert error < 1 < still
        estimated = flow_between(frames[earlier], frames[later])
        assert np.abs(estimated - flow)[seen].mean() < 0.1
        assert 0.8 < seen.mean() < 1


@pytest.mark.parametrize("size", [(128, 128), (600, 130), (130, 600), (3000, 2000), (86, 100)])
def test_camera_stays_over_the_photo(size: tuple[int, int]) -> None:
    flat = Image.new("L", size, 100)
    # A reflected border would hide what is outside: a frame of the photo's own colour shows it.
    marked = Image.new("L", size, 255)
    marked.paste(flat.crop((2, 2, size[0] - 2, size[1] - 2)), (2, 2))
    for number in range(8):
        path = CameraPath(marked, number)
        assert max(path.size) <= 512
        for load in (path.loaders()[0], path.loaders()[-1]):
            assert np.asarray(load()).max() <= 101


def test_flicker_alone_is_measured(path: CameraPath) -> None:
    result = warping_errors(path.loaders(), {"bright": brightened}, motion=path.motion)
    assert result.frame_count == FRAME_COUNT
    changes = result.changes["bright"]
    assert changes[1].rmse == pytest.approx(FLICKER / 255, rel=0.02)
    assert changes[10].rmse == pytest.approx(result.changes[ORIGINAL][10].rmse, rel=1e-6)
    assert result.changes[ORIGINAL][1].rmse < 0.005


def test_mean_of_clips_is_that_of_their_figures(path: CameraPath) -> None:
    other = CameraPath(photo(120, 140), 4)
    clips = [
        warping_errors(each.loaders(), {"bright": brightened}, motion=each.motion)
        for each in (path, other)
    ]
    result = mean_consistency(clips)
    assert result.frame_count == 2 * FRAME_COUNT
    assert result.visible == pytest.approx(np.mean([clip.visible for clip in clips]))
    for name in (ORIGINAL, "bright"):
        expected = np.mean([clip.warping_errors[name] for clip in clips])
        assert result.warping_errors[name] == pytest.approx(expected)
        for distance in (1, 10):
            expected = np.mean([clip.changes[name][distance].rmse for clip in clips])
            assert result.changes[name][distance].rmse == pytest.approx(expected)
            assert result.changes[name][distance].perceptual is None


@pytest.mark.parametrize("size", [(84, 300), (900, 86)])
def test_photos_without_room_for_a_frame_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"frames must .* got {size[0]}x{size[1]}"):
        CameraPath(Image.new("RGB", size), 0, name="frames")
