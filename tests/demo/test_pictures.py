"""What is uploaded, and what a visitor is told about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from demo.limits import Limits
from demo.messages import VisitorError
from demo.pictures import new_file, own_size, read_picture, save_preview, scaled_note, within
from tests.demo.pictures import difference, huge_png, opened
from tests.tiny import save_picture

LIMITS = Limits(upload_bytes=100_000, pixels=10_000, most_pixels=400_000)


def test_picture_is_read_as_it_is(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "photo.png")
    assert difference(read_picture(str(path), "Photo", LIMITS), path) == 0


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("notes.txt", b"dear diary", "is not a picture that can be read"),
        ("empty.png", b"", "is not a picture that can be read"),
        ("large.png", b"x" * 100_001, "is too large: 0 MB, and at most 0 MB"),
    ],
)
def test_other_file_is_refused_by_its_name(
    tmp_path: Path, name: str, data: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(VisitorError, match=told) as caught:
        read_picture(str(tmp_path / name), "Photo", LIMITS)
    assert name in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(VisitorError, match="at most 0 megapixels"):
        read_picture(str(huge_png(tmp_path / "bomb.png")), "Photo", LIMITS)


def test_picture_of_more_pixels_is_scaled_down_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    Image.linear_gradient("L").resize((800, 200)).save(path)
    result = read_picture(str(path), "Photo", LIMITS)
    # 10,000 pixels of the same proportions.
    assert result.size == (200, 50)
    assert difference(result, opened(path).resize((200, 50), Image.Resampling.BOX)) < 2
    assert scaled_note(result) == (
        "The photo has 0 megapixels (800×200 px), more than can be stylized here. The result has "
        "200×50 px."
    )


def test_picture_is_read_at_the_size_of_a_screen_and_knows_its_own(tmp_path: Path) -> None:
    picture = Image.linear_gradient("L").resize((300, 120)).convert("RGB")
    picture.save(tmp_path / "wide.png")
    limits = Limits(pixels=20_000)
    result = read_picture(str(tmp_path / "wide.png"), "Photo", limits, long_side=100)
    assert result.size == (100, 40) and own_size(result, limits) == (223, 89)
    assert difference(result, within(picture, 100)) < 1
    whole = read_picture(str(tmp_path / "wide.png"), "Photo", limits)
    assert whole.size == own_size(whole, limits) == (223, 89)


def test_picture_of_as_many_pixels_as_allowed_has_no_note(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "photo.png", (100, 100))
    result = read_picture(str(path), "Photo", LIMITS)
    assert result.size == (100, 100) and scaled_note(result) is None


def test_damaged_picture_is_called_damaged(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "photo.png")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(VisitorError, match="damaged or cut off"):
        read_picture(str(path), "Photo", LIMITS)


def test_postscript_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "page.eps")
    with pytest.raises(VisitorError, match="is not a picture that can be read"):
        read_picture(str(tmp_path / "page.eps"), "Photo", LIMITS)


def test_tiny_picture_is_refused_with_its_size() -> None:
    path = new_file("dot.png")
    Image.new("RGB", (40, 15)).save(path)
    with pytest.raises(VisitorError, match="40×15 px, and at least 16 px"):
        read_picture(str(path), "Photo", LIMITS)


@pytest.mark.parametrize(
    ("size", "side", "reduced"),
    [((400, 200), 100, (100, 50)), ((50, 80), 100, (50, 80)), ((900, 20), 90, (90, 16))],
)
def test_only_larger_pictures_are_reduced(
    size: tuple[int, int], side: int, reduced: tuple[int, int]
) -> None:
    assert within(Image.new("RGB", size), side).size == reduced


def test_previews_lie_in_folders_that_nobody_can_guess() -> None:
    picture = Image.new("RGB", (20, 20))
    one, other = Path(save_preview(picture, "a")), Path(save_preview(picture, "a"))
    assert one.parent != other.parent and len(one.parent.name) == 32


def test_transparency_of_a_preview_is_kept() -> None:
    path = save_preview(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "clear")
    assert opened(path).getextrema()[3] == (0, 0)
