"""`stylekernel stylize`: where results go, and what is refused before the work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stylekernel_hf.cli import bulk
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.cli.shell import Shell
from tests.tiny import save_picture, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny_model().save_pretrained(folder)
    return folder


@pytest.fixture
def stylize(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> Shell:
    """Run the command in a folder with photos, a style and a file "plain"."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save_picture(tmp_path / name / "a.png", seed=1)
    save_picture(tmp_path / "two" / "b.png", seed=2)
    save_picture(tmp_path / "s.png", seed=3)
    Path("plain").write_text("precious")

    return lambda *words: shell("stylize", *words, "--model", model, "--device", "cpu")


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> None:
        raise AssertionError("the network is loaded, which means work")

    monkeypatch.setattr("stylekernel_hf.pipelines.tasks.pipeline", load)


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize("photos", ["one", "two"])
@pytest.mark.parametrize(
    "output", ["out_v1.0/", "out_v1.0", "new/deep", "pictures.png/", "there.jpg", ".", "two.old"]
)
def test_name_that_is_a_folder_s(stylize: Shell, photos: str, output: str) -> None:
    Path("there.jpg").mkdir()
    result = stylize(photos, "s.png", "-o", output)
    assert result.status == 0, result.err
    names = ["a_s.png", "b_s.png"] if photos == "two" else ["a_s.png"]
    assert sorted(path.name for path in Path(output).glob("*_s.png")) == names


def test_new_folder_with_a_suffix_is_reported_where_one_picture_is_made(stylize: Shell) -> None:
    result = stylize("one", "s.png", "-o", "result.xyz")
    assert result.out == f"wrote {Path('result.xyz/a_s.png')}\n"
    assert ".xyz is not a suffix of pictures" in result.err
    assert stylize("one", "s.png", "-o", "other.xyz/").err == ""


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("photos", ["one", "two"])
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("plain", "output must be a folder, but 'plain' is a file"),
        ("s.png/sub", "output must be a folder, but 's.png' is a file"),
        ("plain/sub/a.png", "'plain' is a file"),
        ("-", "got '-': standard output"),
        ("", "output must be the name of a file or folder, got ''"),
        (f"{'x' * 300}/", "names of at most 255 bytes, got 300"),
        ("/dev/null", "'/dev/null' is a device or a pipe"),
        ("/dev/stdout", "'/dev/stdout' is a device or a pipe"),
        ("/proc/nowhere/out", "cannot write to the folder '/proc'"),
    ],
)
def test_place_that_cannot_be_written_is_refused_in_one_line(
    stylize: Shell, photos: str, output: str, message: str
) -> None:
    if "a.png" in output and photos == "two":
        message = "output must be a folder for 2 pictures"
    before = files()
    for option in ([], ["--overwrite"], ["--skip-existing"]):
        result = stylize(photos, "s.png", "-o", output, *option)
        assert result.status == 1 and result.out == ""
        assert message in result.err and len(result.err.strip().splitlines()) == 1
        assert files() == before


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("a.heic", "output must end in the suffix of an image format"),
        ("a.svg", "output must end in the suffix of an image format"),
        ("a.ico", "output must end in the suffix of an image format"),
        (f"{'x' * 300}.png", "names of at most 255 bytes, got 304"),
        ("one/a.png", "output must not replace a file that is read, got 'one/a.png'"),
        ("hard.png", "output must not replace a file that is read"),
        ("soft.png", "output must not replace a file that is read"),
        ("s.png", "output must not replace a file that is read"),
        ("map.png", "output must not replace a file that is read"),
    ],
)
def test_picture_that_cannot_be_written_is_refused(
    stylize: Shell, output: str, message: str
) -> None:
    os.link("one/a.png", "hard.png")
    Path("soft.png").symlink_to("s.png")
    save_picture(Path("map.png"))
    before = files()
    result = stylize("one", "s.png", "-o", output, "--overwrite", "--strength-map", "map.png")
    assert result.status == 1 and message in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert files() == before


@pytest.mark.usefixtures("no_work")
def test_result_that_would_replace_a_photo_of_the_batch_is_refused(stylize: Shell) -> None:
    save_picture(Path("two/a_s.png"), seed=5)
    before = files()
    for option in ("--overwrite", "--skip-existing"):
        result = stylize("two", "s.png", "-o", "two", option)
        assert result.status == 1 and "got 'two/a_s.png'" in result.err
    assert files() == before


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strength", "2"], "strength must lie in [0, 1]"),
        (["--style-size", "7"], "style_size must lie in"),
        (["--strength-map", "nowhere.png"], "strength_map: no such file"),
        (["--mask", "nowhere.png"], "mask 1: no such file"),
        (["--mask", "plain"], "mask 1 must be an image file"),
    ],
)
def test_option_that_is_wrong_for_all_is_reported_once(
    stylize: Shell, words: list[str], message: str
) -> None:
    result = stylize("two", "s.png", "-o", "out", *words)
    assert result.status == 1 and message in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_picture_too_wide_for_its_format_is_refused_before_the_work(
    stylize: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(Path("wide.png"), (17_000, 16))
    monkeypatch.setattr(StyleKernelPipeline, "__call__", None)
    result = stylize("wide.png", "s.png", "-o", "wide.webp")
    assert result.status == 1 and "at most 16383 px a side for WEBP" in result.err


def test_four_pictures_of_alike_names_are_four_files(stylize: Shell) -> None:
    for name, source in (("portrait", "two/a.png"), ("portrait_old", "two/b.png")):
        Path("p").mkdir(exist_ok=True)
        os.link(source, f"p/{name}.png")
    for name, seed in (("old_master", 6), ("master", 7)):
        Path("m").mkdir(exist_ok=True)
        save_picture(Path(f"m/{name}.png"), seed=seed)
    assert stylize("p", "m", "-o", "out", "--overwrite").out == "wrote 4 pictures to out\n"
    made = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert len(made) == 4
    Path("out", "portrait_master.png").unlink()
    again = stylize("p", "m", "-o", "out", "--skip-existing")
    assert again.out == f"wrote {Path('out/portrait_master.png')}\nskipped 3 that existed\n"
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == made


def test_photo_with_a_long_name_is_made_like_the_others(stylize: Shell) -> None:
    for letter in "xy":
        os.link("one/a.png", f"two/{letter * 250}.png")
    assert stylize("two", "s.png", "-o", "out").out == "wrote 4 pictures to out\n"
    assert len([*Path("out").iterdir()]) == 4


def test_failed_picture_is_reported_though_the_batch_breaks_off(
    stylize: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault that no picture is to blame for")

    save_picture(Path("two/0.png"), (8, 8))
    paint = bulk.save_image
    monkeypatch.setattr(
        bulk, "save_image", lambda *given, **options: paint(*given, **options) or break_off()
    )
    result = stylize("two", "s.png", "-o", "out")
    assert result.status == 1
    first, second = result.err.strip().splitlines()[-2:]
    assert "failed: two/0.png" in first and "no picture is to blame" in second


def test_name_that_the_terminal_cannot_show_is_printed_all_the_same(stylize: Shell) -> None:
    name = os.fsdecode(b"\xff.png")
    try:
        os.link("one/a.png", name)
    except OSError:
        pytest.skip("this file system takes no such name")
    assert stylize(name, "s.png", "-o", "out").status == 0
    assert load_image(Path("out", os.fsdecode(b"\xff_s.png"))).size == (48, 40)
