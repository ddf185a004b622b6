"""Paintings and files of styles as the styles of many pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylekernel_hf import StyleKernelPipeline, StyleLibrary
from stylekernel_hf.cli.bulk import run_jobs
from stylekernel_hf.cli.jobs import plan_jobs, plan_mixtures
from stylekernel_hf.cli.style_sources import NamedStyle, expand_styles
from stylekernel_hf.images.loading import load_image
from tests.tiny import save_picture, tiny_model


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png")


@pytest.fixture
def paintings(tmp_path: Path) -> list[Path]:
    return [save_picture(tmp_path / f"{name}.png", seed=i) for i, name in enumerate("xyz", 1)]


@pytest.fixture
def library(pipe: StyleKernelPipeline, paintings: list[Path], tmp_path: Path) -> Path:
    one, other = map(pipe.encode_style, paintings[:2])
    path = tmp_path / "styles.safetensors"
    StyleLibrary({"wave": one, "night: at sea?": other}).save(path)
    return path


@pytest.fixture
def single(pipe: StyleKernelPipeline, paintings: list[Path], tmp_path: Path) -> Path:
    path = tmp_path / "single.safetensors"
    pipe.encode_style(paintings[2]).save(path)
    return path


def test_file_of_several_styles_is_taken_apart(
    paintings: list[Path], library: Path, single: Path
) -> None:
    assert expand_styles([paintings[0], library, single]) == [
        paintings[0],
        NamedStyle(library, "wave"),
        NamedStyle(library, "night: at sea?"),
        single,
    ]


def test_each_style_of_a_file_makes_the_picture_of_its_painting(
    pipe: StyleKernelPipeline, photo: Path, paintings: list[Path], library: Path, tmp_path: Path
) -> None:
    jobs = plan_jobs([photo], expand_styles([library]), tmp_path / "out")
    names = [job.output.name for job in jobs]
    assert names == ["photo_wave.png", "photo_night- at sea-.png"]
    assert [outcome.error for outcome in run_jobs(pipe, jobs)] == ["", ""]
    for job, painting in zip(jobs, paintings, strict=False):
        expected = pipe(photo, painting).images[0]
        assert load_image(job.output).tobytes() == expected.tobytes()


def test_styles_of_a_file_are_mixed(
    pipe: StyleKernelPipeline, photo: Path, paintings: list[Path], library: Path, tmp_path: Path
) -> None:
    jobs = plan_mixtures([photo], expand_styles([library]), tmp_path / "mixed.png")
    (outcome,) = run_jobs(pipe, jobs, style_weights=[1, 3])
    assert outcome.error == ""
    expected = pipe(photo, paintings[:2], style_weights=[1, 3]).images[0]
    assert load_image(tmp_path / "mixed.png").tobytes() == expected.tobytes()


def test_equal_names_in_two_files_are_made_distinct(library: Path, tmp_path: Path) -> None:
    (tmp_path / "more.safetensors").write_bytes(library.read_bytes())
    styles = expand_styles([library, tmp_path / "more.safetensors"])
    jobs = plan_jobs([tmp_path / "photo.png"], styles, tmp_path)
    assert [job.output.name for job in jobs if "wave" in job.output.name] == [
        "photo_styles-wave.png",
        "photo_more-wave.png",
    ]


@pytest.mark.parametrize("name", ["../../up", "..\\up", "/root", "C:up", "a\x00b"])
def test_name_of_a_style_leads_into_no_other_folder(tmp_path: Path, name: str) -> None:
    (job,) = plan_jobs([tmp_path / "p.png"], [NamedStyle(tmp_path / "s", name)], tmp_path)
    assert job.output.parent == tmp_path
    assert not set(job.output.name) & set("/\\:\x00")


def test_styles_of_another_checkpoint_fail_with_the_reason(
    photo: Path, library: Path, tmp_path: Path
) -> None:
    other = StyleKernelPipeline(tiny_model(seed=7))
    jobs = plan_jobs([photo], expand_styles([library]), tmp_path / "out")
    for outcome in run_jobs(other, jobs):
        assert outcome.status == "failed" and "another checkpoint" in outcome.error


def test_colours_of_encoded_styles_cannot_be_transferred(
    pipe: StyleKernelPipeline, photo: Path, library: Path, single: Path, tmp_path: Path
) -> None:
    jobs = plan_jobs([photo], expand_styles([library, single]), tmp_path / "out")
    outcomes = run_jobs(pipe, jobs, color="transfer")
    assert len(outcomes) == 3
    for outcome in outcomes:
        assert "must be an image for color='transfer', got an encoded style" in outcome.error


def test_damaged_file_fails_and_the_others_are_made(
    pipe: StyleKernelPipeline, photo: Path, paintings: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing")
    styles = expand_styles([bad, paintings[0]])
    outcomes = run_jobs(pipe, plan_jobs([photo], styles, tmp_path / "out"))
    assert [outcome.status for outcome in outcomes] == ["failed", "written"]
    assert "style must be a safetensors file" in outcomes[0].error
