"""`stylekernel evaluate` and `evaluate-frames` from their words to their files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf import StyleKernelModel, export_onnx
from stylekernel_hf.images.loading import load_image
from tests.cli.shell import Shell
from tests.tiny import save_picture, save_tiny_vgg, tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    for kind in ("photos", "paintings"):
        (folder / kind).mkdir()
        for index in range(2):
            save_picture(folder / kind / f"{kind[:2]}{index}.png", (72, 64), seed=index)
    tiny_model().save_pretrained(folder / "model")
    save_tiny_vgg(folder / "vgg.safetensors")
    return folder


def common(folder: Path) -> list[object]:
    words: list[object] = [folder / "photos", folder / "paintings", "--size", 64]
    return [*words, "--perceptual", folder / "vgg.safetensors"]


def test_models_and_strengths_are_scored_side_by_side_into_every_file(
    folder: Path, shell: Shell
) -> None:
    model = folder / "model"
    words = [*common(folder), "--model", "embedded", "--model", model]
    words += ["--strength", 0, "--strength", 1, "--cfsd"]
    for option, name in (("json", "s.json"), ("html", "s.html"), ("plot", "s.svg")):
        words += [f"--{option}", folder / name]
    status, printed, error = shell("evaluate", *words, "--sheet", folder / "s.png")
    assert status == 0, error
    lines = [[x.strip() for x in line.split("|")[1:-1]] for line in printed.splitlines()]
    assert lines[0] == [
        *("mean of 4 pairs at 64 px", "content", "style"),
        *("SSIM", "near", "pattern", "CFSD", "alignment"),
    ]
    names = [f"{each}, strength {strength}" for each in ("embedded", model) for strength in (0, 1)]
    assert [line[0] for line in lines[2:]] == [*names, "content unchanged", "style pasted"]
    # Of no strength, either model leaves the photo as it is.
    assert lines[2][1:] == lines[4][1:] != lines[3][1:]
    assert lines[2][1:-1] == lines[6][1:-1]
    # What changes nothing loses nothing; of the photo itself it is not measured.
    assert (lines[2][-1], lines[6][-1]) == ("0.0000", "-")

    result = json.loads((folder / "s.json").read_text())["evaluations"]
    assert [(each["model"], each["strength"]) for each in result] == [
        (each, strength) for each in ("embedded", str(model)) for strength in (0, 1)
    ]
    assert f"{result[3]['mean']['cfsd']:.4f}" == lines[5][6]
    report = (folder / "s.html").read_text()
    assert names[3] in report and "evaluate" in report and "--cfsd" in report
    assert (folder / "s.svg").read_text().startswith("<?xml")
    assert load_image(folder / "s.png").width == 6 * 260 + 4


def test_one_checkpoint_s_json_is_what_a_model_card_takes(folder: Path, shell: Shell) -> None:
    words = [*common(folder), "--model", folder / "model", "--json", folder / "one.json"]
    assert shell("evaluate", *words, "--every", 2).status == 0
    result = json.loads((folder / "one.json").read_text())
    assert result["pair_count"] == 2 and result["size"] == 64
    names = {"content", "style", "ssim", "near", "pattern", "alignment"}
    assert set(result["mean"]) == names
    # A network with random weights looks as well: averaging its aligned feature changes something.
    assert 0 < result["mean"]["alignment"] < 2
    assert len(result["pairs"]) == 2


def test_export_is_scored_like_the_network(folder: Path, shell: Shell) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    model, exported = folder / "model", folder / "exported"
    export_onnx(StyleKernelModel.from_pretrained(model), exported)
    words = [*common(folder), "--model", model, "--model", exported, "--strength", 0.5]
    status, _, error = shell("evaluate", *words, "--every", 2, "--json", folder / "two.json")
    assert status == 0, error
    expected, actual = json.loads((folder / "two.json").read_text())["evaluations"]
    assert actual["model"] == str(exported)
    assert expected["mean"].keys() - actual["mean"].keys() == {"alignment"}
    for name, value in actual["mean"].items():
        assert value == pytest.approx(expected["mean"][name], rel=0.01)


def test_results_of_another_program_are_scored_like_its_own(folder: Path, shell: Shell) -> None:
    """The photos themselves, as one program would name them, and the paintings, as another."""
    (folder / "kept").mkdir()
    (folder / "pasted").mkdir()
    for photo in (folder / "photos").iterdir():
        for painting in (folder / "paintings").iterdir():
            pair = photo.stem, painting.stem
            load_image(photo).save(folder / "kept" / f"{'_'.join(pair)}.webp", lossless=True)
            load_image(painting).resize((64, 64), box=(4, 0, 68, 64)).save(
                folder / "pasted" / f"{'_stylized_'.join(pair)}.png"
            )
    words = ["--results", folder / "kept", "--results", folder / "pasted"]
    status, printed, error = shell("evaluate", *common(folder), *words)
    assert status == 0, error
    rows = {
        cells[1].strip(): cells[2:7] for line in printed.splitlines() if (cells := line.split("|"))
    }
    assert rows[str(folder / "kept")] == rows["content unchanged"]
    assert rows[str(folder / "pasted")] == rows["style pasted"]
    assert "embedded" not in printed

    load_image(folder / "kept/ph0_pa1.webp").crop((0, 0, 72, 50)).save(folder / "kept/ph0_pa1.webp")
    words = ["--results", folder / "kept", "--every", 2]
    assert shell("evaluate", *common(folder), *words).status == 0
    _, _, error = shell("evaluate", *common(folder), *words[:2])
    assert "results must be squares or have the shape of their photo, got 72x50 in" in error
    (folder / "kept/ph0_pa1.webp").unlink()
    _, _, error = shell("evaluate", *common(folder), *words[:2])
    assert "results: no image called 'ph0_pa1' or 'ph0_stylized_pa1' in" in error


def test_optimum_is_scored_beside_the_results(folder: Path, shell: Shell) -> None:
    words = [*common(folder), "--model", folder / "model", "--every", 4, "--optimum", 15]
    status, printed, error = shell("evaluate", *words)
    assert status == 0, error
    rows = {cells[1].strip(): cells for line in printed.splitlines() if (cells := line.split("|"))}
    model = str(folder / "model")
    plain, optimum = rows[model], rows[f"{model}, 15 steps on its pixels"]
    # Content and style count 1 and 20 in the objective.
    score = [float(cells[2]) + 20 * float(cells[3]) for cells in (plain, optimum)]
    assert score[1] < score[0]
    assert optimum[-2].strip() == "-"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strength", "1.5"], "strength must lie in [0, 1], got 1.5"),
        (["--strength", "1", "--strength", "1"], "strength must have different values, got"),
        (["--model", "a/b", "--model", "a/b"], "model must have different values, got a/b twice"),
        (["--plot", "curve.gif"], "plot must be a .png or .svg file"),
        (["--html", "nowhere/report.html"], "no such folder: 'nowhere'"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_scored(
    folder: Path, shell: Shell, words: list[str], message: str
) -> None:
    status, printed, error = shell("evaluate", *common(folder), *words)
    assert status == 1 and not printed
    assert message in error
    assert len(error.splitlines()) == 1


def test_frames_are_stylized_or_read_and_followed(folder: Path, shell: Shell) -> None:
    scene = load_image(save_picture(folder / "scene.png", (120, 100)))
    for name, invert in (("clip", False), ("inverted", True)):
        (folder / name).mkdir()
        for place in range(3):
            frame = np.asarray(scene.crop((2 * place, 0, 2 * place + 96, 96)))
            Image.fromarray(255 - frame if invert else frame).save(folder / name / f"{place}.png")
    words = ["--model", folder / "model", "--style", folder / "paintings/pa0.png"]
    words += ["--stylized", folder / "inverted", "--json", folder / "steady.json"]
    status, printed, error = shell("evaluate-frames", folder / "clip", *words)
    assert status == 0, error
    result = json.loads((folder / "steady.json").read_text())
    errors = result["warping_errors"]
    assert [*errors][:2] == ["original frames", str(folder / "inverted")]
    assert [name.endswith("pa0.png, each frame alone") for name in errors][2:] == [False, True]
    for name, changes in result["changes"].items():
        assert changes["1"]["rmse"] >= errors[name] ** 0.5 * 0.5 and "10" not in changes
    assert errors[str(folder / "inverted")] == pytest.approx(errors["original frames"], rel=1e-3)
    assert result["frame_count"] == 3 and f"{result['visible']:.0%} visible" in printed

    _, _, error = shell("evaluate-frames", folder / "clip", "--stylized", folder / "photos")
    assert "stylized must be as many frames as the originals, 3, got 2" in error
    _, _, error = shell("evaluate-frames", folder / "clip")
    assert "style or stylized must be given" in error


def test_camera_moves_over_every_photo_of_a_folder(folder: Path, shell: Shell) -> None:
    (folder / "wide").mkdir()
    for index in range(2):
        save_picture(folder / "wide" / f"{index}.png", (96, 88), seed=index)
    words = ["--camera-path", "--model", folder / "model"]
    style = ["--style", folder / "paintings/pa0.png"]
    status, printed, error = shell(
        "evaluate-frames", folder / "wide", *words, *style, "--json", folder / "camera.json"
    )
    assert status == 0, error
    result = json.loads((folder / "camera.json").read_text())
    assert result["frame_count"] == 32 and printed.startswith("| 32 frames")
    _, printed, _ = shell("evaluate-frames", folder / "wide/0.png", *words, *style)
    assert printed.startswith("| 16 frames")
    for changes in result["changes"].values():
        assert changes.keys() == {"1", "10"}

    _, _, error = shell("evaluate-frames", folder / "photos", *words, *style)
    assert "ph0.png' must be at least 85 px on its shorter side" in error


def test_frames_of_the_camera_are_written_for_other_programs(folder: Path, shell: Shell) -> None:
    """Another program inverts them, which changes no difference between frames."""
    (folder / "seen").mkdir()
    for index in range(2):
        save_picture(folder / "seen" / f"{index}.png", (88, 96), seed=index)
    words = [folder / "seen", "--camera-path"]
    status, printed, error = shell("evaluate-frames", *words, "--write-frames", folder / "frames")
    assert status == 0 and not printed, error
    frames = sorted((folder / "frames").glob("*/*.png"))
    assert len(frames) == 32
    for frame in frames:
        target = folder / "foreign" / frame.parent.name / f"{frame.stem}_stylized_painting.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - np.asarray(Image.open(frame))).save(target)
    stylized = ["--stylized", folder / "foreign", "--stylized", folder / "frames"]
    status, _, error = shell(
        "evaluate-frames", *words, *stylized, "--json", folder / "foreign.json"
    )
    assert status == 0, error
    result = json.loads((folder / "foreign.json").read_text())
    expected = result["changes"]["original frames"]
    assert result["changes"][str(folder / "frames")] == expected
    for distance, change in result["changes"][str(folder / "foreign")].items():
        assert change["rmse"] == pytest.approx(expected[distance]["rmse"], rel=1e-3)

    (folder / "foreign/1/15_stylized_painting.png").unlink()
    _, _, error = shell("evaluate-frames", *words, *stylized)
    assert "stylized must be as many frames as the originals, 16, got 15" in error
    _, _, error = shell("evaluate-frames", *words, "--write-frames", folder / "frames")
    assert "write_frames must be new folders, but" in error
    _, _, error = shell("evaluate-frames", folder / "seen", "--write-frames", folder / "frames")
    assert "write_frames must be left out without camera_path" in error
