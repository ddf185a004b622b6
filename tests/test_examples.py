"""The example pictures: what draws them, and that the committed ones are accounted for."""

import re
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "demo" / "examples"
sys.path.insert(0, str(EXAMPLES))

import draw_controls  # noqa: E402
import fetch_photos  # noqa: E402
import make_paintings  # noqa: E402
from paintings import MINIMUM_SIZE, STYLES, paint  # noqa: E402

from stylekernel_hf import StyleKernelPipeline  # noqa: E402
from tests.tiny import vivid_model  # noqa: E402

SIZE = MINIMUM_SIZE
SOURCES = (EXAMPLES / "SOURCES.md").read_text(encoding="utf-8")
STYLE_FILES = sorted((EXAMPLES / "styles").iterdir())
PHOTO_FILES = sorted((EXAMPLES / "photos").iterdir())
ARTWORK_FILES = sorted((EXAMPLES / "artworks").iterdir())

each_style = pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)


@pytest.fixture(scope="module")
def paintings() -> dict[str, np.ndarray]:
    """One small painting per style, in [0, 1]."""
    return {s.__name__: np.asarray(paint(s, size=SIZE, seed=0)) / 255 for s in STYLES}


def statistics(picture: np.ndarray) -> np.ndarray:
    """Mean and deviation of each channel, and of its steps from pixel to pixel."""
    steps = np.abs(np.diff(picture, axis=0))
    parts = (picture.mean((0, 1)), picture.std((0, 1)), steps.mean((0, 1)), steps.std((0, 1)))
    return np.concatenate(parts)


@each_style
def test_same_seed_paints_the_same_picture(style, paintings):
    again = np.asarray(paint(style, size=SIZE, seed=0)) / 255
    np.testing.assert_array_equal(again, paintings[style.__name__])


@each_style
def test_another_seed_paints_another_picture(style, paintings):
    other = np.asarray(paint(style, size=SIZE, seed=1)) / 255
    assert np.abs(other - paintings[style.__name__]).mean() > 0.05


@each_style
def test_painting_is_a_square_rgb_picture_with_contrast(style, paintings):
    picture = paintings[style.__name__]
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.std() > 0.06
    assert np.abs(np.diff(picture, axis=1)).mean() > 0.01


def test_odd_sizes_are_kept_and_the_mode_is_rgb():
    image = paint(STYLES[0], size=SIZE + 1, seed=2)
    assert (image.size, image.mode) == ((SIZE + 1, SIZE + 1), "RGB")


def test_committed_styles_differ_in_channel_statistics():
    marks = {path.stem: statistics(np.asarray(Image.open(path)) / 255) for path in STYLE_FILES}
    for (one, first), (two, second) in combinations(marks.items(), 2):
        assert np.linalg.norm(first - second) > 0.08, f"{one} and {two} look alike"


def test_one_seed_gives_the_styles_different_motifs(paintings):
    blurred = [
        np.asarray(Image.fromarray((p * 255).astype(np.uint8)).convert("L").resize((8, 8)), float)
        for p in paintings.values()
    ]
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in combinations(blurred, 2)]
    assert np.median(alike) < 0.6


def test_too_small_a_size_is_refused():
    with pytest.raises(ValueError, match=f"size must be at least {MINIMUM_SIZE} px, got 8"):
        paint(STYLES[0], size=8, seed=0)


def run_script(monkeypatch, script, *arguments):
    monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, arguments)])
    script.main()


def test_count_makes_numbered_pictures_of_the_chosen_style(monkeypatch, tmp_path):
    options = ("--output", tmp_path, "--size", 64, "--seed", 3, "--count", 2)
    run_script(monkeypatch, make_paintings, *options, "--style", "stained_glass")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["stained_glass-00003.jpg", "stained_glass-00004.jpg"]


def test_single_pictures_are_named_after_their_style(monkeypatch, tmp_path):
    options = ("--output", tmp_path, "--size", 64, "--style", "mosaic", "--style", "ink_wash")
    run_script(monkeypatch, make_paintings, *options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ink_wash.jpg", "mosaic.jpg"]


def test_photos_are_the_committed_ones(monkeypatch, tmp_path):
    run_script(monkeypatch, fetch_photos, "--output", tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [p.name for p in PHOTO_FILES]
    for path in PHOTO_FILES:
        made, committed = Image.open(tmp_path / path.name), Image.open(path)
        assert made.size == committed.size
        assert np.abs(np.asarray(made, float) - np.asarray(committed, float)).mean() < 1


def test_large_photos_are_reduced_to_a_short_side_of_512():
    image = fetch_photos.load_photo(lambda: np.zeros((600, 1200, 3), np.uint8))
    assert image.size == (1024, 512)


def test_every_style_has_a_committed_picture():
    assert [path.stem for path in STYLE_FILES] == sorted(style.__name__ for style in STYLES)


@pytest.mark.parametrize("path", STYLE_FILES, ids=lambda path: path.stem)
def test_committed_style_is_512_px_and_small(path):
    with Image.open(path) as image:
        assert (image.size, image.mode, image.format) == ((512, 512), "RGB", "JPEG")
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize("path", ARTWORK_FILES, ids=lambda path: path.stem)
def test_committed_artwork_is_512_px_and_small(path):
    with Image.open(path) as image:
        assert (image.size, image.mode, image.format) == ((512, 512), "RGB", "WEBP")
    assert path.stat().st_size < 70_000


def test_sources_name_every_committed_picture_and_no_other():
    folders = "artworks|photos|styles"
    named = re.findall(rf"^\| `((?:{folders})/\w+\.(?:jpg|webp))` \|", SOURCES, re.MULTILINE)
    files = ARTWORK_FILES + PHOTO_FILES + STYLE_FILES
    assert sorted(named) == sorted(f"{path.parent.name}/{path.name}" for path in files)


@pytest.mark.parametrize("name", ["ink_wash", "mosaic", "stained_glass"])
def test_the_command_in_sources_makes_the_committed_picture(name, monkeypatch, tmp_path):
    command = re.search(
        rf"`python demo/examples/make_paintings\.py (.*--style {name} .*)`", SOURCES
    )
    assert command is not None
    arguments = command[1].replace("demo/examples/styles", str(tmp_path)).split()
    run_script(monkeypatch, make_paintings, *arguments)
    made, committed = (
        np.asarray(Image.open(folder / f"{name}.jpg"), float)
        for folder in (tmp_path, EXAMPLES / "styles")
    )
    assert np.abs(made - committed).mean() < 4


def test_every_row_of_controls_has_five_captioned_pictures_of_the_photo():
    pipe = StyleKernelPipeline(vivid_model())
    photo = Image.fromarray(np.tile(np.arange(240, dtype=np.uint8)[:, None, None], (1, 320, 3)))
    styles = [EXAMPLES / "styles" / name for name in ("mosaic.jpg", "woodblock.jpg")]
    rows = [
        draw_controls.strengths(pipe, photo, styles[0]),
        draw_controls.mixtures(pipe, photo, styles),
        draw_controls.colors(pipe, photo, styles[0]),
        draw_controls.stroke_sizes(pipe, photo, styles[0]),
        draw_controls.places(pipe, photo, styles),
    ]
    assert [len(row) for row in rows] == [5] * 5
    for row in rows[:4]:
        assert {picture.size for _, picture in row} == {photo.size}
        assert len({caption for caption, _ in row}) == 5
        shown = [np.asarray(picture.convert("RGB")) for _, picture in row]
        assert all((one != other).any() for one, other in combinations(shown, 2))
    width, height = draw_controls.sheet(rows).size
    assert (width, height) == (8 + 5 * 248, 8 + 5 * (180 + 24 + 8))
