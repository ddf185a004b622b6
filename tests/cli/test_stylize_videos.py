"""`stylekernel stylize` with videos among photos."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("av", reason="needs PyAV")

from PIL import Image

from stylekernel_hf.cli import main
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.video.segments import Segment, SegmentFolder
from tests.tiny import save_picture, tiny_model
from tests.video.clips import Clip, decode, packets, picture, save_clip

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny_model().save_pretrained(folder)
    return folder


@pytest.fixture
def stylize(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """Run the command in a folder with a clip, a photo among two clips, and a style."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mixed").mkdir()
    save_clip(tmp_path / "clip.mp4", Clip(audio="aac"))
    save_clip(tmp_path / "mixed" / "b.mkv")
    save_clip(tmp_path / "mixed" / "c.mov")
    save_picture(tmp_path / "mixed" / "a.png", seed=1)
    save_picture(tmp_path / "s.png", seed=3)

    def run(*words: object) -> tuple[int, str, str]:
        command = ["stylekernel", "stylize", *words, "--model", model, "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", [str(word) for word in command])
        with pytest.raises(SystemExit) as ended:
            main()
        code, seen = ended.value.code, capsys.readouterr()
        if isinstance(code, str):
            return 1, seen.out, seen.err + code
        return int(code or 0), seen.out, seen.err

    return run


def test_clip_becomes_the_file_that_is_named(stylize: Shell) -> None:
    status, out, err = stylize("clip.mp4", "s.png", "-o", "out.mp4")
    assert (status, out) == (0, "wrote out.mp4\n"), err
    assert decode(Path("out.mp4")).times == decode(Path("clip.mp4")).times
    assert packets(Path("out.mp4"), "audio") == packets(Path("clip.mp4"), "audio")
    status, _, err = stylize("clip.mp4", "s.png", "-o", "out.mp4")
    assert status == 1 and "exists already" in err


def test_options_of_videos_are_heeded(stylize: Shell) -> None:
    words = ["--start", 0.1, "--end", 0.3, "--max-side", 32, "--fps", 10, "--codec", "vp9"]
    status, _, err = stylize("clip.mp4", "s.png", "-o", "out.mkv", "--quality", 40, *words)
    assert status == 0, err
    actual = decode(Path("out.mkv"))
    assert actual.codec.endswith("vp9")
    assert len(actual.pictures) == 2
    assert actual.pictures[0].shape == (24, 32, 3)


def test_folder_gives_its_photos_and_its_videos(stylize: Shell) -> None:
    status, out, err = stylize("mixed", "s.png", "-o", "made")
    assert (status, out) == (0, "wrote 3 pictures to made\n"), err
    assert sorted(path.name for path in Path("made").iterdir()) == [
        "a_s.png",
        "b_s.mkv",
        "c_s.mov",
    ]
    assert load_image("made/a_s.png").size == load_image("mixed/a.png").size


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["clip.mp4", "s.png", "-o", "out.png"], "output must end in .mp4"),
        (["mixed/a.png", "s.png", "-o", "out.mp4"], "output must end in the suffix of an image"),
        (["clip.mp4", "s.png", "-o", "clip.mp4", "--overwrite"], "output"),
        (["mixed", "s.png", "-o", "x/", "--sheet", "s2.png"], "--sheet shows pictures, not videos"),
        (["clip.mp4", "s.png", "-o", "out.mp4", "--codec", "x"], "codec must be"),
    ],
)
def test_what_cannot_be_is_refused(stylize: Shell, words: list[str], message: str) -> None:
    before = sorted(Path().rglob("*"))
    status, out, err = stylize(*words)
    assert status in (1, 2) and out == ""
    assert message in " ".join(err.split())
    assert sorted(Path().rglob("*")) == before


def test_truncated_clip_ends_with_code_1(stylize: Shell) -> None:
    save_clip(Path("long.mkv"), Clip(times=tuple(range(0, 2400, 24))))
    data = Path("long.mkv").read_bytes()
    Path("long.mkv").write_bytes(data[: len(data) // 2])
    status, out, _ = stylize("long.mkv", "s.png", "-o", "out.mp4")
    assert (status, out) == (1, "wrote out.mp4\n")
    assert 20 < len(decode(Path("out.mp4")).pictures) < 80


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
def test_command_that_is_stopped_says_what_is_kept(
    stylize: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_clip(Path("long.mp4"), Clip(times=tuple(range(0, 960, 24)), size=(32, 32)))
    monkeypatch.setattr("stylekernel_hf.video.recording._part_length", lambda pixels: 8)
    finish = SegmentFolder.finish
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = {number: signal.getsignal(number) for number in numbers}

    def stop_after_two(folder: SegmentFolder, part: Segment) -> None:
        finish(folder, part)
        if len(folder.parts) == 2:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(SegmentFolder, "finish", stop_after_two)
        try:
            status, _, errors = stylize("long.mp4", "s.png", "-o", "out.mp4")
        finally:
            for number, handler in heeded.items():
                signal.signal(number, handler)
    assert status == 143, errors
    last = errors.strip().splitlines()[-1]
    assert "0 of 1 pictures were written; " in last
    # The thread that writes may be a part ahead of the one that hears the signal, or behind.
    kept = r"\b(8|16|24) of 40 frames are in '\.out\.mp4\.segments', the same command continues"
    assert re.search(kept, last), last
    assert not Path("out.mp4").exists()
    assert stylize("long.mp4", "s.png", "-o", "out.mp4")[0] == 0
    assert len(decode(Path("out.mp4")).pictures) == 40


def test_animated_picture_moves_where_the_result_can(stylize: Shell) -> None:
    frames = [Image.fromarray(picture(number)) for number in (0, 4, 8)]
    frames[0].save("moves.gif", save_all=True, append_images=frames[1:], duration=[80, 40, 120])
    for name, expected in (("out.gif", 3), ("out.webp", 3), ("out.png", 1), ("all/", 3)):
        status, _, err = stylize("moves.gif", "s.png", "-o", name)
        assert status == 0, err
        path = Path(name) / "moves_s.gif" if name == "all/" else Path(name)
        with Image.open(path) as image:
            assert getattr(image, "n_frames", 1) == expected


def test_folder_of_frames_is_one_video_on_demand(stylize: Shell) -> None:
    Path("shot").mkdir()
    for number in range(3):
        Image.fromarray(picture(number)).save(f"shot/{number}.png")
    assert stylize("shot", "s.png", "--frames", "-o", "out.mp4", "--fps", 10)[0] == 0
    assert [float(time) for time in decode(Path("out.mp4")).times] == [0, 0.1, 0.2]
    assert stylize("shot", "s.png", "--frames", "-o", "new")[0] == 0
    assert sorted(path.name for path in Path("new").iterdir()) == ["0.png", "1.png", "2.png"]
    assert stylize("shot", "-c", "clip.mp4", "s.png", "--frames", "-o", "both/")[0] == 0
    assert len([*Path("both/shot_s").iterdir()]) == 3
    assert len([*Path("both/clip_s").iterdir()]) == 10
    status, _, err = stylize("shot", "s.png", "--frames", "-o", "new")
    assert status == 1 and "exists already" in err
    assert stylize("shot", "s.png", "--frames", "-o", "new", "--skip-existing")[0] == 0
