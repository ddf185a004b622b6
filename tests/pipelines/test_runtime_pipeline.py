"""The pipeline in other runtimes gives the pictures of the pipeline in PyTorch, without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import (
    RuntimePipeline,
    StyleEmbedding,
    StyleKernelModel,
    StyleKernelPipeline,
    StyleLibrary,
    pipeline,
)
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.runtime import tiles
from stylekernel_hf.runtime.measuring import own_part
from stylekernel_hf.runtime.style import read_runtime_style, read_runtime_styles
from tests.openvino_alone import openvino_alone
from tests.tiny import save_picture

pytest.importorskip("onnx")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def by_torch() -> StyleKernelPipeline:
    return pipeline("style-kernel", device="cpu")


RUNTIMES = ["onnx", pytest.param("openvino", marks=openvino_alone)]


@pytest.fixture(scope="module", params=RUNTIMES)
def pipe(request: pytest.FixtureRequest) -> RuntimePipeline:
    pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[request.param])
    return pipeline("style-kernel", runtime=request.param)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    sizes = {"photo": (97, 71), "other": (64, 80), "one": (120, 90), "two": (90, 131)}
    named = {
        name: save_picture(folder / f"{name}.png", size, seed)
        for seed, (name, size) in enumerate(sizes.items())
    }
    ramp = Image.linear_gradient("L")
    maps = {"down": ramp.resize((40, 33)), "across": ramp.rotate(90).resize((97, 71))}
    # Black above, so that the photo stays there.
    maps["lower"] = maps["down"].point(lambda value: max(0, value - 100))
    for name, image in maps.items():
        named[name] = folder / f"{name}.png"
        image.save(named[name])
    return named


CALLS: dict[str, dict[str, Any]] = {
    "plain": {},
    "strength": {"strength": 0.4},
    "no strength": {"strength": 0},
    "luminance": {"color": "luminance"},
    "statistics": {"color": "statistics", "strength": 0.7},
    "transfer": {"color": "transfer", "strength": 0.7},
    "wide strokes": {"stroke_scale": 1.5},
    "fine strokes": {"stroke_scale": 0.6},
    "large style": {"style_size": 200},
    "tiles": {"tile_size": 64},
    "tiles of a part": {"tile_size": 64, "strength": 0.4},
    "map in tiles": {"strength": "down", "tile_size": 64, "color": "luminance"},
    "map with fine strokes": {"strength": "across", "stroke_scale": 0.6},
    "map of colours": {"strength": "down", "color": "transfer"},
}


@pytest.mark.parametrize("options", CALLS.values(), ids=CALLS)
def test_pictures_are_those_of_torch(
    pipe: RuntimePipeline,
    by_torch: StyleKernelPipeline,
    files: dict[str, Path],
    options: dict[str, Any],
):
    options = {"style_size": 96, **options}
    options["strength"] = files.get(options.get("strength", 1), options.get("strength", 1))
    (actual,) = pipe(files["photo"], files["one"], **options).images
    (expected,) = by_torch(files["photo"], files["one"], **options).images
    assert actual.size == expected.size
    difference = np.abs(np.asarray(actual, float) - np.asarray(expected, float))
    assert difference.max() <= 1
    assert difference.mean() < 0.1


def test_mixtures_are_those_of_torch(
    pipe: RuntimePipeline, by_torch: StyleKernelPipeline, files: dict[str, Path]
):
    styles, options = [files["one"], files["two"]], {"style_size": 96, "output_type": "np"}
    for weights in ([1, 3], [0, 1]):
        actual = pipe(files["photo"], styles, style_weights=weights, **options).images[0]
        expected = by_torch(files["photo"], styles, style_weights=weights, **options).images[0]
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, atol=0.5 / 255)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strength": 0.7, "stroke_scale": 1.5},
        {"strength": "across", "tile_size": 64},
        {"color": "transfer"},
    ],
    ids=["whole", "part", "map in tiles", "colours"],
)
def test_masked_styles_are_those_of_torch(
    pipe: RuntimePipeline,
    by_torch: StyleKernelPipeline,
    files: dict[str, Path],
    options: dict[str, Any],
):
    given: Any = {"masks": [files["lower"], files["across"]], "style_size": 96, **options}
    given["strength"] = files.get(given.get("strength", 1), given.get("strength", 1))
    styles = [files["one"], files["two"]]
    actual = pipe(files["photo"], styles, output_type="np", **given).images[0]
    expected = by_torch(files["photo"], styles, output_type="np", **given).images[0]
    np.testing.assert_allclose(actual, expected, atol=0.1 / 255)


def test_painting_in_tiles_is_that_of_one_piece(
    pipe: RuntimePipeline, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    whole = pipe.encode_style(files["two"], style_size=160)
    monkeypatch.setattr(tiles, "MAX_WHOLE_PIXELS", 0)
    monkeypatch.setattr(tiles, "_WINDOW_PIXELS", 200**2)
    tiled = pipe.encode_style(files["two"], style_size=160)
    for part in ("key", "value", "code"):
        np.testing.assert_allclose(getattr(tiled, part), getattr(whole, part), atol=1e-4)


def test_photo_that_is_too_large_for_one_piece_is_stylized_in_tiles(
    pipe: RuntimePipeline, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    style = pipe.encode_style(files["one"], style_size=96)
    whole = pipe(files["photo"], style, output_type="np").images[0]
    monkeypatch.setattr(tiles, "MAX_WHOLE_PIXELS", 0)
    monkeypatch.setattr(tiles, "_WINDOW_PIXELS", 1)
    used: list[int] = []
    monkeypatch.setattr(tiles, "own_part", lambda *given: used.append(1) or own_part(*given))
    tiled = pipe(files["photo"], style, output_type="np").images[0]
    assert len(used) == 4
    np.testing.assert_allclose(tiled, whole, atol=0.1 / 255)


def test_encoded_styles_are_those_of_torch_and_the_other_way_round(
    pipe: RuntimePipeline, by_torch: StyleKernelPipeline, files: dict[str, Path], tmp_path: Path
):
    encoded = by_torch.encode_style(files["one"], style_size=96)
    encoded.save(tmp_path / "torch.safetensors")
    pipe.encode_style(files["one"], style_size=96).save(tmp_path / "runtime.safetensors")
    options: Any = {"output_type": "np"}
    (expected,) = by_torch(files["photo"], encoded, **options).images
    for style in (encoded, tmp_path / "torch.safetensors", tmp_path / "runtime.safetensors"):
        (actual,) = pipe(files["photo"], style, **options).images
        np.testing.assert_allclose(actual, expected, atol=0.1 / 255)
    (actual,) = by_torch(files["photo"], tmp_path / "runtime.safetensors", **options).images
    np.testing.assert_allclose(actual, expected, atol=0.1 / 255)


def test_library_gives_a_style_for_each_photo(
    pipe: RuntimePipeline, by_torch: StyleKernelPipeline, files: dict[str, Path], tmp_path: Path
):
    styles = {name: by_torch.encode_style(files[name], style_size=64) for name in ("one", "two")}
    library = StyleLibrary(styles)
    library.save(tmp_path / "styles.safetensors")
    photos = [files["photo"], files["other"]]
    expected = [pipe(*pair).images[0] for pair in zip(photos, styles.values(), strict=True)]
    for given in (library, read_runtime_styles(tmp_path / "styles.safetensors")):
        for actual, single in zip(pipe(photos, given).images, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(actual), np.asarray(single))
    with pytest.raises(ValueError, match="holds 2 styles"):
        pipe(photos[0], tmp_path / "styles.safetensors")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_files_in_every_precision_are_read(dtype: torch.dtype, tmp_path: Path):
    generator = torch.Generator().manual_seed(0)
    shapes = [(1, 5, 3), (1, 5, 4), (1, 7)]
    parts = [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]
    StyleEmbedding(*parts).save(tmp_path / "style.safetensors")
    style = read_runtime_style(tmp_path / "style.safetensors")
    for actual, expected in zip((style.key, style.value, style.code), parts, strict=True):
        np.testing.assert_array_equal(actual, expected.float().numpy())


def test_several_photos_get_one_style_or_their_own(pipe: RuntimePipeline, files: dict[str, Path]):
    photos, style = [files["photo"], files["other"]], pipe.encode_style(files["one"], style_size=96)
    together = pipe(photos, style).images
    apart = [pipe(photo, style).images[0] for photo in photos]
    assert [image.size for image in together] == [(97, 71), (64, 80)]
    for actual, expected in zip(together, apart, strict=True):
        np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected))
    (_, second) = pipe(photos, [files["two"], files["one"]], style_size=96).images
    np.testing.assert_array_equal(np.asarray(second), np.asarray(apart[1]))


def test_photo_larger_than_the_working_size_is_that_of_torch(
    pipe: RuntimePipeline, by_torch: StyleKernelPipeline, files: dict[str, Path], tmp_path: Path
):
    large = save_picture(tmp_path / "large.png", (720, 655))
    # As a PIL image, torch rounds once more between the passes.
    options: Any = {"style_size": 96, "output_type": "np"}
    (actual,) = pipe(large, files["one"], **options).images
    (expected,) = by_torch(large, files["one"], **options).images
    np.testing.assert_allclose(actual, expected, atol=0.5 / 255)


def test_smallest_photo_with_alpha_and_metadata(
    pipe: RuntimePipeline, by_torch: StyleKernelPipeline, files: dict[str, Path], tmp_path: Path
):
    exif = Image.Exif()
    exif[0x010E] = "a lake"
    image = load_image(files["photo"]).resize((16, 17)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((16, 17)))
    image.save(tmp_path / "small.png", exif=exif)
    (actual,) = pipe(tmp_path / "small.png", files["one"], style_size=96).images
    (expected,) = by_torch(tmp_path / "small.png", files["one"], style_size=96).images
    assert actual.mode == "RGBA"
    assert actual.info.keys() == expected.info.keys()
    assert np.abs(np.asarray(actual, float) - np.asarray(expected, float)).max() <= 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"strength": "map.png"}, FileNotFoundError, "strength: no such file: 'map.png'"),
        ({"masks": ["map.png"]}, FileNotFoundError, r"masks\[0\]: no such file: 'map.png'"),
        ({"masks": []}, ValueError, "masks must be one image per style, got 0 for 1 styles"),
        ({"tile_size": 65}, ValueError, "tile_size must be a multiple of 8 px"),
        ({"strength": 2}, ValueError, r"strength must lie in \[0, 1\], got 2"),
        ({"color": "grey"}, ValueError, "color must be 'style', 'luminance'"),
        ({"output_type": "pt"}, ValueError, "output_type must be 'pil' or 'np', got 'pt'"),
        ({"style_weights": [1, 2]}, ValueError, "style_weights must be one number per style"),
        ({"style": "no.safetensors"}, FileNotFoundError, "style: no such file"),
        ({"content": []}, ValueError, "content must be at least one image, got none"),
        ({"content": np.zeros((8, 90))}, ValueError, "content must be at least 16 px a side"),
        ({"style": np.zeros((30, 30)), "style_size": None}, ValueError, "at least 48 px a side"),
    ],
)
def test_what_cannot_be_is_refused(
    files: dict[str, Path], options: dict[str, Any], error: type[Exception], message: str
):
    pytest.importorskip("onnxruntime")
    pipe = pipeline("style-kernel", runtime="onnx")
    with pytest.raises(error, match=message):
        pipe(**{"content": files["photo"], "style": files["one"], **options})


def test_styles_of_another_checkpoint_are_refused(files: dict[str, Path], tmp_path: Path):
    pytest.importorskip("onnxruntime")
    StyleKernelModel().save_pretrained(tmp_path)
    other = pipeline("style-kernel", model=tmp_path, runtime="onnx")
    style = other.encode_style(files["one"], style_size=64)
    with pytest.raises(ValueError, match="style was encoded by another checkpoint"):
        pipeline("style-kernel", runtime="onnx")(files["photo"], style)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runtime": "tvm"}, "runtime must be 'torch', 'onnx', 'openvino' or 'auto', got"),
        ({"runtime": "onnx", "device": "cuda"}, "device must be 'cpu' with runtime='onnx'"),
        ({"runtime": "onnx", "variant": "fp16"}, "variant must be None with runtime='onnx'"),
        ({"runtime": "onnx", "dtype": "bfloat16"}, "dtype must be float32 with runtime='onnx'"),
        (
            {"runtime": "openvino", "dtype": torch.float16},
            "dtype must be float32 or bfloat16 with runtime='openvino', got float16",
        ),
        ({"dtype": "int8"}, "dtype must be one of torch.float32, .*, got 'int8'"),
    ],
)
def test_options_that_a_runtime_lacks_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        pipeline("style-kernel", **options)


def test_sharded_checkpoint_is_read(files: dict[str, Path], tmp_path: Path):
    pytest.importorskip("onnxruntime")
    model = pipeline("style-kernel", device="cpu").model
    model.save_pretrained(tmp_path, max_shard_size="3MB")
    assert len([*tmp_path.glob("*.safetensors")]) > 1
    sharded, whole = (pipeline("style-kernel", model=x, runtime="onnx") for x in (tmp_path, None))
    actual, expected = (
        pipe(files["other"], files["one"], style_size=64, output_type="np").images[0]
        for pipe in (sharded, whole)
    )
    np.testing.assert_array_equal(actual, expected)
    next(iter(tmp_path.glob("*.safetensors"))).unlink()
    with pytest.raises(FileNotFoundError, match="model: no .*safetensors in"):
        pipeline("style-kernel", model=tmp_path, runtime="onnx")


def test_damaged_weights_are_refused(tmp_path: Path):
    StyleKernelModel().save_pretrained(tmp_path)
    (weights,) = tmp_path.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ValueError, match="model weights must be safetensors, but .* not whole"):
        pipeline("style-kernel", model=tmp_path, runtime="onnx")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_torch_is_not_imported(runtime: str, files: dict[str, Path]):
    pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[runtime])
    program = f"""
import sys
from stylekernel_hf import pipeline, save_image
pipe = pipeline("style-kernel", runtime={runtime!r})
image = pipe({str(files["photo"])!r}, {str(files["one"])!r}, style_size=64).images[0]
save_image(image, {str(files["photo"].with_name("result.png"))!r})
print([name for name in ("torch", "huggingface_hub", "diffusers") if name in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@openvino_alone
def test_bfloat16_of_openvino_is_near_and_flat_photos_are_exact(files: dict[str, Path]):
    openvino = pytest.importorskip("openvino")
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return  # The next test is of such a CPU.
    exact, near = (
        pipeline("style-kernel", runtime="openvino", dtype=dtype) for dtype in (None, "bfloat16")
    )
    random = np.random.default_rng(0)
    photo = np.asarray(load_image(files["photo"]), np.float32) / 255
    photo = (0.8 * photo + 0.2 * random.random(photo.shape)).astype(np.float32)
    style = exact.encode_style(files["one"], style_size=96)
    flat = 0.5 + 0.01 * photo
    for options in ({}, {"strength": 0.5}, {"tile_size": 64}):
        given: Any = {"output_type": "np", **options}
        pairs = [
            (near(each, style, **given).images[0], exact(each, style, **given).images[0])
            for each in (photo, flat)
        ]
        difference = 255 * np.abs(pairs[0][0] - pairs[0][1])
        assert 0.01 < difference.mean() < 2
        assert difference.max() < 20
        np.testing.assert_array_equal(*pairs[1])


@openvino_alone
def test_openvino_refuses_bfloat16_where_the_processor_lacks_it(monkeypatch: pytest.MonkeyPatch):
    openvino = pytest.importorskip("openvino")

    class Laptop:
        def get_property(self, *_: str) -> list[str]:
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino, "Core", Laptop)
    with pytest.raises(ValueError, match="this CPU has no instructions for it"):
        pipeline("style-kernel", runtime="openvino", dtype=torch.bfloat16)
