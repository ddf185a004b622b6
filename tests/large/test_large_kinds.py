"""Large files of every kind are stylized with libvips as without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from stylekernel_hf.cli.bulk import run_jobs
from stylekernel_hf.cli.jobs import Job
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.large import file_stylization
from stylekernel_hf.large.strip_files import reads_in_strips
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.images.image_files import png_bytes
from tests.tiny import save_picture, tiny_model

pytest.importorskip("pyvips", reason="needs libvips")

Save = Callable[[Image.Image, Path], None]


def plainly(mode: str, **options: object) -> Save:
    return lambda picture, path: picture.convert(mode).save(path, **options)


def grey(scale: float, kind: type) -> Save:
    def save(picture: Image.Image, path: Path) -> None:
        Image.fromarray((np.asarray(picture.convert("L")).astype(float) * scale).astype(kind)).save(
            path
        )

    return save


def lab(picture: Image.Image, path: Path) -> None:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(picture, *profiles, outputMode="LAB")
    assert converted is not None
    converted.info.clear()
    converted.save(path)


def deep_png(picture: Image.Image, path: Path) -> None:
    rows = [(row.astype(">u2") * 257).tobytes() for row in np.asarray(picture)]
    width, height = picture.size
    path.write_bytes(png_bytes(width, height, bits=16, color_type=2, rows=rows))


def frames(picture: Image.Image, path: Path) -> None:
    other = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture.save(path, save_all=True, append_images=[other])


KINDS: dict[str, tuple[str, Save, bool]] = {
    "rgb": (".png", plainly("RGB"), True),
    "alpha": (".png", plainly("RGBA"), True),
    "palette": (".png", plainly("P"), True),
    "16-bit png": (".png", deep_png, True),
    "grey": (".jpg", plainly("L"), True),
    "progressive": (".jpg", plainly("RGB", progressive=True), True),
    "webp": (".webp", plainly("RGB", lossless=True), True),
    "tiff": (".tif", plainly("RGB"), True),
    "tiff of deflate": (".tif", plainly("RGB", compression="tiff_deflate"), True),
    "tiff of jpeg": (".tif", plainly("RGB", compression="jpeg"), True),
    "tiff in grey of 16 bits": (".tif", grey(257, np.uint16), True),
    "tiff of fax": (".tif", plainly("1", compression="group4"), True),
    "pages": (".tif", frames, True),
    "animated webp": (".webp", frames, True),
    "bmp": (".bmp", plainly("RGB"), False),
    "tga": (".tga", plainly("RGB"), False),
    "jpeg 2000": (".jp2", plainly("RGB"), False),
    "avif": (".avif", plainly("RGB"), False),
    "gif": (".gif", plainly("P"), False),
    "ppm": (".ppm", plainly("RGB"), False),
    "cmyk jpeg": (".jpg", plainly("CMYK"), False),
    "cmyk tiff": (".tif", plainly("CMYK"), False),
    "lab tiff": (".tif", lab, False),
    "float tiff": (".tif", grey(1 / 255, np.float32), False),
    "tiff of 32 bits": (".tif", grey(257, np.int32), False),
    "tiff with an unused channel": (".tif", plainly("RGBX"), False),
    "tiff of lzma": (".tif", plainly("RGB", compression="lzma"), False),
    "tiff of zstd": (".tif", plainly("RGB", compression="zstd"), False),
}


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.mark.parametrize("kind", KINDS)
def test_large_file_of_any_kind_is_stylized_as_without_libvips(
    pipe: StyleKernelPipeline, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix, save, in_strips = KINDS[kind]
    photo = load_image(save_picture(tmp_path / "photo.png", (90, 64), seed=1))
    save(photo, tmp_path / f"in{suffix}")
    assert in_strips or not reads_in_strips(tmp_path / f"in{suffix}")
    style = pipe.encode_style(save_picture(tmp_path / "style.png", seed=2))
    monkeypatch.setattr(file_stylization, "LARGE_PIXELS", 0)
    results: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = []
    for has_vips in (False, True):
        monkeypatch.setattr(file_stylization, "has_vips", lambda there=has_vips: there)
        monkeypatch.setattr("stylekernel_hf.cli.bulk._read_style", lambda *_, **__: style)
        job = Job(tmp_path / f"in{suffix}", (tmp_path / "style.png",), tmp_path / "out.png")
        [outcome] = run_jobs(pipe, [job], existing="overwrite")
        assert outcome.status == "written", outcome.error
        with Image.open(job.output) as image:
            results.append(np.asarray(image).astype(int))
    assert results[0].shape == results[1].shape
    assert np.abs(results[1] - results[0]).mean() < 0.5


@pytest.mark.parametrize("kind", ["rgb", "progressive", "tiff of deflate", "webp", "bmp", "tga"])
def test_damaged_large_file_is_an_error_and_leaves_nothing(
    pipe: StyleKernelPipeline, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix, save, _ = KINDS[kind]
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    save(Image.fromarray(noise), tmp_path / f"in{suffix}")
    data = (tmp_path / f"in{suffix}").read_bytes()
    (tmp_path / f"in{suffix}").write_bytes(data[: len(data) * 2 // 3])
    style = save_picture(tmp_path / "style.png", seed=2)
    monkeypatch.setattr(file_stylization, "LARGE_PIXELS", 0)
    [outcome] = run_jobs(pipe, [Job(tmp_path / f"in{suffix}", (style,), tmp_path / "out.png")])
    assert outcome.status == "failed" and "damaged" in outcome.error
    assert {path.name for path in tmp_path.iterdir()} == {f"in{suffix}", "style.png"}
