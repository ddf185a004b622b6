"""Many pictures at once: finding, naming, making, failing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from stylekernel_hf.cli.bulk import Outcome, run_jobs
from stylekernel_hf.cli.jobs import Job, find_images, plan_jobs, plan_mixtures
from stylekernel_hf.images.color_mode_names import ColorMode
from stylekernel_hf.large import file_stylization
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.tiny import save_picture, tiny_model


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [save_picture(tmp_path / f"{name}.png", seed=i) for i, name in enumerate("abc")]


def test_files_folders_and_globs_are_found_once(pictures: list[Path], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    sources = [str(pictures[2]), str(tmp_path), str(tmp_path / "[ab].png")]
    assert find_images(sources, name="content") == [pictures[2], *pictures[:2]]


def test_glob_reaches_subfolders(tmp_path: Path) -> None:
    (tmp_path / "x" / "y").mkdir(parents=True)
    inner = save_picture(tmp_path / "x" / "y" / "deep.png")
    assert find_images([str(tmp_path / "**" / "*.png")], name="content") == [inner]


@pytest.mark.parametrize("source", ["nowhere.png", "nowhere/*.png"])
def test_source_without_pictures_is_named(tmp_path: Path, source: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"style: .*{source.split('/')[0]}"):
        find_images([str(tmp_path / source)], name="style")


def test_one_result_goes_to_the_file_named() -> None:
    jobs = plan_jobs([Path("a.jpg")], [Path("b.jpg")], Path("out.png"))
    assert jobs == [Job(Path("a.jpg"), (Path("b.jpg"),), Path("out.png"))]


def test_every_combination_is_named_after_its_pictures() -> None:
    jobs = plan_jobs([Path("x/a.jpg"), Path("b.png")], [Path("s.jpg"), Path("t.jpg")], Path("out"))
    assert [job.output.name for job in jobs] == ["a_s.png", "a_t.png", "b_s.png", "b_t.png"]


def test_equal_names_are_made_distinct() -> None:
    contents = [Path("x/a.jpg"), Path("y/a.jpg"), Path("y/a.png")]
    names = {job.output.name for job in plan_jobs(contents, [Path("s.jpg")], Path("out"))}
    assert len(names) == 3
    assert "x-a_s.png" in names


def test_one_file_for_several_results_is_refused() -> None:
    with pytest.raises(ValueError, match="output must be a folder for 2 pictures"):
        plan_jobs([Path("a.jpg"), Path("b.jpg")], [Path("s.jpg")], Path("out.png"))


def test_failing_picture_does_not_stop_the_others(
    pipe: StyleKernelPipeline, pictures: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("not a picture")
    seen: list[Outcome] = []
    jobs = plan_jobs([pictures[0], bad, pictures[1]], [pictures[2]], tmp_path / "out")
    outcomes = run_jobs(pipe, jobs, on_outcome=seen.append)
    assert [outcome.status for outcome in outcomes] == ["written", "failed", "written"]
    assert "content" in outcomes[1].error and "bad.jpg" in outcomes[1].error
    assert seen == outcomes
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_c.png", "b_c.png"]


def test_bad_style_fails_its_own_pictures_only(
    pipe: StyleKernelPipeline, pictures: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("not a picture")
    outcomes = run_jobs(pipe, plan_jobs(pictures[:1], [bad, pictures[1]], tmp_path / "out"))
    assert [outcome.status for outcome in outcomes] == ["failed", "written"]
    assert outcomes[0].error.startswith("style")


def test_results_equal_the_pipelines_own(
    pipe: StyleKernelPipeline, pictures: list[Path], tmp_path: Path
) -> None:
    [job] = plan_jobs(pictures[:1], pictures[1:2], tmp_path / "out.png")
    run_jobs(pipe, [job], strength=0.5)
    expected = pipe(pictures[0], pictures[1], strength=0.5).images[0]
    assert list(Image.open(job.output).get_flattened_data()) == list(expected.get_flattened_data())


def test_tile_size_is_the_pipelines(
    pipe: StyleKernelPipeline, pictures: list[Path], tmp_path: Path
) -> None:
    [job] = plan_jobs(pictures[:1], pictures[1:2], tmp_path / "out.png")
    [outcome] = run_jobs(pipe, [job], tile_size=70)
    assert outcome.error.startswith("tile_size must be a multiple of 8 px")


@pytest.mark.parametrize(
    ("existing", "status", "kept"),
    [("refuse", "failed", True), ("skip", "skipped", True), ("overwrite", "written", False)],
)
def test_existing_file(
    pipe: StyleKernelPipeline,
    pictures: list[Path],
    tmp_path: Path,
    existing: str,
    status: str,
    kept: bool,
) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"precious")
    [job] = plan_jobs(pictures[:1], pictures[1:2], target)
    [outcome] = run_jobs(pipe, [job], existing=existing)  # type: ignore[arg-type]
    assert outcome.status == status
    assert (target.read_bytes() == b"precious") == kept


def test_mixtures_are_one_picture_per_content(tmp_path: Path) -> None:
    styles = [Path("s/red.png"), Path("s/blue.png")]
    jobs = plan_mixtures([Path("a.jpg"), Path("b.jpg")], styles, tmp_path)
    assert [job.output.name for job in jobs] == ["a_red_blue.png", "b_red_blue.png"]
    assert all(job.styles == tuple(styles) for job in jobs)
    [job] = plan_mixtures([Path("a.jpg")], styles, Path("out.png"))
    assert job.output == Path("out.png")
    with pytest.raises(ValueError, match="output must be a folder for 2 pictures"):
        plan_mixtures([Path("a.jpg"), Path("b.jpg")], styles, Path("out.png"))


@pytest.mark.parametrize("color", ["style", "transfer"])
def test_controls_reach_the_pipeline(
    pipe: StyleKernelPipeline, pictures: list[Path], tmp_path: Path, color: ColorMode
) -> None:
    content, *styles = pictures[:3]
    mask = tmp_path / "mask.png"
    Image.linear_gradient("L").save(mask)
    for index, controls in enumerate(
        ({"style_weights": [1.0, 2.0], "strength": mask}, {"masks": [mask, mask]})
    ):
        jobs = plan_mixtures([content], styles, tmp_path / f"{color}{index}.png")
        [outcome] = run_jobs(pipe, jobs, color=color, **controls)  # type: ignore[arg-type]
        assert outcome.status == "written", outcome.error
        expected = pipe(content, styles, color=color, **controls).images[0]  # type: ignore[arg-type]
        assert Image.open(jobs[0].output).tobytes() == expected.tobytes()


@pytest.fixture
def painted_in_strips(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Contents that are painted in strips, where more than 47 x 40 px are large."""
    contents: list[Path] = []

    def note(_: StyleKernelPipeline, content: Path, *__: object, **___: object) -> None:
        contents.append(content)

    monkeypatch.setattr(file_stylization, "LARGE_PIXELS", 47 * 40)
    monkeypatch.setattr(file_stylization, "has_vips", lambda: True)
    monkeypatch.setattr(file_stylization, "reads_in_strips", lambda _: True)
    monkeypatch.setattr(
        file_stylization, "stylize_file", lambda _, content, *__, **___: contents.append(content)
    )
    return contents


@pytest.mark.parametrize(
    ("size", "options", "suffix", "strips"),
    [
        ((48, 40), {}, ".png", True),
        ((47, 40), {}, ".png", False),
        ((48, 40), {"strength": 0.5, "color": "luminance"}, ".jpg", True),
        ((48, 40), {"color": "statistics"}, ".png", False),
        ((48, 40), {"masks": ["photo"]}, ".png", False),
        ((48, 40), {"strength": "photo"}, ".png", False),
        ((48, 40), {}, ".bmp", False),
    ],
)
def test_large_file_is_stylized_in_strips_if_possible(
    pipe: StyleKernelPipeline,
    tmp_path: Path,
    painted_in_strips: list[Path],
    size: tuple[int, int],
    options: dict[str, object],
    suffix: str,
    strips: bool,
) -> None:
    photo = save_picture(tmp_path / "photo.png", size)
    given = {
        name: photo if value == "photo" else [photo] if value == ["photo"] else value
        for name, value in options.items()
    }
    [outcome] = run_jobs(pipe, [Job(photo, (photo,), tmp_path / f"out{suffix}")], **given)  # type: ignore[arg-type]
    assert outcome.status == "written", outcome.error
    assert painted_in_strips == [photo] * strips


def test_without_libvips_a_large_file_is_stylized_in_memory(
    pipe: StyleKernelPipeline,
    pictures: list[Path],
    tmp_path: Path,
    painted_in_strips: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_stylization, "has_vips", lambda: False)
    [outcome] = run_jobs(pipe, [Job(pictures[0], (pictures[1],), tmp_path / "out.png")])
    assert outcome.status == "written" and not painted_in_strips


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masks": ["mask.png"]}, "masks must be left out"),
        ({"color": "transfer"}, "color of an image in strips must be"),
        ({"strength": Path("map.png")}, "strength must be a number"),
        ({}, "pip install 'stylekernel-hf[large]'"),
    ],
)
def test_file_too_large_for_memory_fails_with_what_stands_against_strips(
    pipe: StyleKernelPipeline,
    pictures: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, object],
    message: str,
) -> None:
    monkeypatch.setattr(file_stylization, "MAX_PIXELS", 1000)
    monkeypatch.setitem(sys.modules, "pyvips", None)
    job = Job(pictures[0], (pictures[1],), tmp_path / "out.png")
    [outcome] = run_jobs(pipe, [job], **options)  # type: ignore[arg-type]
    assert outcome.status == "failed" and message in outcome.error
