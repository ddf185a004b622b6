"""The sheet of `stylekernel stylize`, and how little of the pictures it holds."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf.cli import sheet, thumbnail
from stylekernel_hf.cli.jobs import Job
from stylekernel_hf.cli.sheet import CELL, check_sheet, draw_sheet
from stylekernel_hf.cli.thumbnail import load_thumbnail
from stylekernel_hf.images.contact_sheet import GAP
from stylekernel_hf.images.loading import load_image, read_image
from tests.cli.shell import Shell
from tests.tiny import save_picture, tiny_model


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Two photos in two styles, made already."""
    photos = [save_picture(tmp_path / f"{name}.png", (300, 240), seed=9) for name in "ab"]
    styles = [save_picture(tmp_path / f"{name}.jpg", seed=8) for name in "st"]
    (tmp_path / "out").mkdir()
    return [
        Job(photo, (style,), save_picture(tmp_path / "out" / f"{photo.stem}_{style.stem}.png"))
        for photo in photos
        for style in styles
    ]


def cell_of(drawn: Image.Image, row: int, column: int, side: int = CELL) -> np.ndarray:
    step = side + GAP
    left, top = GAP + column * step, GAP + row * step
    return np.asarray(drawn.crop((left, top, left + side, top + side)))


def test_one_picture_is_held_at_a_time(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[weakref.ref[Image.Image]] = []

    def load(*args: object, **options: object) -> Image.Image:
        gc.collect()
        assert not any(picture() is not None for picture in read), "an earlier picture is held"
        image = read_image(*args, **options)  # type: ignore[arg-type]
        read.append(weakref.ref(image))
        return image

    monkeypatch.setattr(thumbnail, "read_image", load)
    gc.collect()
    # What all other tests have left need not be looked through again and again.
    gc.freeze()
    try:
        assert draw_sheet(jobs, tmp_path / "sheet.png")
    finally:
        gc.unfreeze()
    assert len(read) == 2 + 2 + 4
    assert load_image(tmp_path / "sheet.png").size == (3 * CELL + 4 * GAP,) * 2


@pytest.mark.parametrize("size", [(900, 700), (701, 33), (40, 1000)])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_large_picture_is_shown_as_if_it_were_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], suffix: str
) -> None:
    pytest.importorskip("pyvips")
    path = save_picture(tmp_path / f"picture.{suffix}", size)
    whole = load_thumbnail(path, 50, name="result")
    monkeypatch.setattr(thumbnail, "LARGE_PIXELS", 1000)
    monkeypatch.setattr(thumbnail, "read_image", None)
    in_rows = load_thumbnail(path, 50, name="result")
    assert in_rows.size == whole.size and max(whole.size) == 50
    difference = np.asarray(in_rows).astype(float) - np.asarray(whole.convert("RGB"))
    assert np.abs(difference).mean() < 2


def test_large_picture_is_shown_upright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyvips")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.linear_gradient("L").resize((400, 200)).save(tmp_path / "turned.jpg", exif=exif)
    monkeypatch.setattr(thumbnail, "LARGE_PIXELS", 1000)
    shown = load_thumbnail(tmp_path / "turned.jpg", 50, name="content")
    assert shown.size == (25, 50)
    left, right = np.asarray(shown)[:, 2].mean(), np.asarray(shown)[:, -3].mean()
    assert left > 200 and right < 55


def test_picture_that_cannot_be_shown_leaves_a_white_cell_and_is_reported(
    jobs: list[Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs[1].output.write_bytes(b"damaged")
    jobs[2].output.unlink()
    assert not draw_sheet(jobs, tmp_path / "sheet.png")
    drawn = load_image(tmp_path / "sheet.png")
    white = [(cell_of(drawn, row, column) == 255).all() for row in (1, 2) for column in (1, 2)]
    assert white == [False, True, True, False]
    said = capsys.readouterr()
    assert "a cell is left white" in said.err and jobs[1].output.name in said.err
    assert len(said.err.splitlines()) == 1 and "drew" in said.out


def test_more_pictures_get_smaller_cells(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "MAX_PIXELS", 9 * 104**2)
    draw_sheet(jobs, tmp_path / "sheet.png")
    assert load_image(tmp_path / "sheet.png").size == (3 * 100 + 4 * GAP,) * 2
    monkeypatch.setattr(sheet, "MAX_PIXELS", 9 * 20**2)
    with pytest.raises(ValueError, match="sheet can show at most 2 pictures, got 9"):
        check_sheet(tmp_path / "sheet.png", jobs, [])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out", "sheet must be a file, but '.*out' is a folder"),
        ("nowhere/sheet.png", "sheet: no such folder"),
        ("sheet.xyz", "sheet must end in the suffix of an image format"),
        ("sheet", "sheet must end in the suffix of an image format"),
        (f"{'x' * 300}.png", "sheet must have names of at most 255 bytes"),
        ("a.png", "sheet must not replace a file that is read"),
        ("s.jpg", "sheet must not replace a file that is read"),
        ("map.png", "sheet must not replace a file that is read"),
        ("out/a_s.png", "sheet must be a file of its own, but '.*a_s.png' is one of the results"),
        ("out/../out/A_S.PNG", "sheet must be a file of its own"),
    ],
)
def test_sheet_that_cannot_be_written_is_refused(
    jobs: list[Job], tmp_path: Path, name: str, message: str
) -> None:
    other = save_picture(tmp_path / "map.png")
    with pytest.raises((OSError, ValueError), match=message):
        check_sheet(tmp_path / name, jobs, [other])


def test_sheet_of_the_name_of_the_folder_to_be_made_is_refused(tmp_path: Path) -> None:
    job = Job(tmp_path / "a.png", (tmp_path / "s.png",), tmp_path / "new.png" / "a_s.png")
    with pytest.raises(ValueError, match=r"sheet must be .*new\.png' is the folder of the results"):
        check_sheet(tmp_path / "new.png", [job], [])


def test_sheet_too_long_for_its_format_is_refused() -> None:
    jobs = [Job(Path(f"{i}.png"), (Path("s.png"),), Path(f"out/{i}.png")) for i in range(400)]
    with pytest.raises(ValueError, match=r"sheet must be at most 65500 px a side for JPEG"):
        check_sheet(Path("sheet.jpg"), jobs, [])
    check_sheet(Path("sheet.png"), jobs, [])


@pytest.fixture
def stylize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> Shell:
    monkeypatch.chdir(tmp_path)
    tiny_model().save_pretrained(tmp_path / "model")
    Path("in").mkdir()
    for name in "ab":
        save_picture(Path("in", f"{name}.png"))
    save_picture(Path("s.png"), seed=2)
    return lambda *words: shell("stylize", *words, "--model", "model", "--device", "cpu")


def test_report_comes_first_whatever_is_wrong_with_the_sheet(
    stylize: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(sheet, "save_image", full)
    status, out, err = stylize("in", "s.png", "-o", "out", "--sheet", "sheet.png")
    assert status == 1 and out == "wrote 2 pictures to out\n"
    assert err.strip().splitlines()[-1] == "stylekernel: error: the disk is full"


def test_sheet_may_lie_in_the_folder_that_is_made_for_the_pictures(
    stylize: Shell,
) -> None:
    status, out, _ = stylize("in", "s.png", "-o", "new/er", "--sheet", "new/er/sheet.png")
    assert (status, out) == (0, "wrote 2 pictures to new/er\ndrew new/er/sheet.png\n")


def test_existing_sheet_is_replaced_only_when_asked_to(
    stylize: Shell,
) -> None:
    words = ("in", "s.png", "-o", "out", "--sheet", "sheet.png")
    Path("sheet.png").write_bytes(b"precious")
    status, out, err = stylize(*words)
    assert (status, out) == (1, "") and not Path("out").exists()
    assert "sheet must be a new file, but 'sheet.png' exists: use --overwrite" in err
    status, out, _ = stylize(*words, "--skip-existing")
    skipped = "skipped the sheet sheet.png, which existed"
    assert (status, out.splitlines()) == (0, ["wrote 2 pictures to out", skipped])
    assert Path("sheet.png").read_bytes() == b"precious"
    status, _, _ = stylize(*words, "--overwrite")
    assert status == 0 and load_image("sheet.png").width == 2 * CELL + 3 * GAP


def test_without_pictures_there_is_no_sheet(
    stylize: Shell,
) -> None:
    Path("s.png").write_bytes(b"damaged")
    status, _, err = stylize("in", "s.png", "-o", "out", "--sheet", "sheet.png")
    assert status == 1 and "failed: in/a.png" in err
    assert err.strip().splitlines()[-1] == "stylekernel: sheet: there are no pictures to show"
    assert not Path("sheet.png").exists()
