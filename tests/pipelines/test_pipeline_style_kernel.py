"""The pipeline with tiny random weights: inputs, outputs, strength, errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.tiny import save_picture, tiny_model


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", (50, 37), seed=1)


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "painting.png", (70, 81), seed=2)


def as_array(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (50, 37), (64, 64), (200, 16), (33, 129)])
def test_output_is_exactly_as_large_as_the_content(
    pipe: StyleKernelPipeline, painting: Path, size: tuple[int, int]
) -> None:
    content = Image.new("RGB", size, "teal")
    assert pipe(content, painting).images[0].size == size


def test_every_kind_of_input_gives_the_same_picture(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    pil = Image.open(photo)
    array = np.asarray(pil)
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    expected = as_array(pipe(photo, painting).images[0])
    kinds = [str(photo), photo.read_bytes(), pil, array, array / 255, tensor, tensor / 255]
    for content in kinds:
        assert np.array_equal(as_array(pipe(content, painting).images[0]), expected)


def test_list_in_gives_list_out_and_one_style_serves_all(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    images = pipe([photo, painting], painting).images
    assert [image.size for image in images] == [(50, 37), (70, 81)]
    assert np.array_equal(as_array(images[0]), as_array(pipe(photo, painting).images[0]))


def test_list_of_styles_holds_one_per_content(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    images = pipe([photo, photo], [painting, photo]).images
    for image, style in zip(images, (painting, photo), strict=True):
        assert np.array_equal(as_array(image), as_array(pipe(photo, style).images[0]))


def test_encoded_style_gives_the_same_as_the_painting(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    style = pipe.encode_style(painting)
    assert np.array_equal(
        as_array(pipe(photo, style).images[0]), as_array(pipe(photo, painting).images[0])
    )


def test_same_input_gives_the_same_output(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    first, second = (pipe(photo, painting, output_type="np").images[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_strength_zero_returns_the_photo_unchanged(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    image = pipe(photo, painting, strength=0).images[0]
    assert np.array_equal(as_array(image), as_array(Image.open(photo)))


def test_small_strength_changes_the_photo_little(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    unchanged = pipe(photo, painting, strength=0.0, output_type="np").images[0]
    nearly = pipe(photo, painting, strength=0.001, output_type="np").images[0]
    full = pipe(photo, painting, output_type="np").images[0]
    assert 0 < abs(nearly - unchanged).mean() < 0.05 * abs(full - unchanged).mean()


def test_alpha_is_kept(pipe: StyleKernelPipeline, photo: Path, painting: Path) -> None:
    content = Image.open(photo)
    alpha = Image.linear_gradient("L").resize(content.size)
    content.putalpha(alpha)
    image = pipe(content, painting).images[0]
    assert image.mode == "RGBA"
    assert np.array_equal(as_array(image.getchannel("A")), as_array(alpha))


def test_output_types(pipe: StyleKernelPipeline, photo: Path, painting: Path) -> None:
    pil, array, tensor = (
        pipe(photo, painting, output_type=kind).images[0] for kind in ("pil", "np", "pt")
    )
    assert array.shape == (37, 50, 3) and array.dtype == np.float32
    assert tensor.shape == (3, 37, 50)
    assert np.abs(array * 255 - as_array(pil)).max() <= 0.5 + 1e-3
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), array)


def test_style_size_changes_the_scale_of_the_style(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    small, same = (
        pipe(photo, painting, style_size=size, output_type="np").images[0] for size in (64, None)
    )
    assert not np.array_equal(small, same)


def test_content_in_the_middle_of_the_padding_has_no_visible_border(
    pipe: StyleKernelPipeline, painting: Path
) -> None:
    flat = Image.new("RGB", (64, 48), (90, 120, 200))
    image = pipe(flat, painting, output_type="np").images[0]
    assert np.abs(image - image[24, 32]).max() < 0.02


def test_nothing_is_kept_for_gradients(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    assert not pipe(photo, painting, output_type="pt").images[0].requires_grad


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf")])
def test_strength_outside_its_range_is_refused(
    pipe: StyleKernelPipeline, photo: Path, painting: Path, strength: float
) -> None:
    with pytest.raises(ValueError, match=r"strength must lie in \[0, 1\], got"):
        pipe(photo, painting, strength=strength)


def test_strength_of_another_type_is_refused(
    pipe: StyleKernelPipeline, photo: Path, painting: Path
) -> None:
    with pytest.raises(TypeError, match="strength must be a number or an image .*, got dict"):
        pipe(photo, painting, strength={"strength": 0.5})  # type: ignore[arg-type]


def test_pixel_sized_images_are_refused(pipe: StyleKernelPipeline, photo: Path) -> None:
    dot = Image.new("RGB", (1, 1))
    with pytest.raises(ValueError, match="content must be at least 16 px a side, got 1x1"):
        pipe(dot, photo)
    with pytest.raises(ValueError, match="style must be at least 16 px a side, got 1x1"):
        pipe(photo, dot)


def test_error_names_the_item_of_a_list(pipe: StyleKernelPipeline, photo: Path) -> None:
    dot = Image.new("RGB", (1, 1))
    with pytest.raises(ValueError, match=r"content\[1\] must be at least"):
        pipe([photo, dot], photo)
    with pytest.raises(ValueError, match=r"style\[1\] must be at least"):
        pipe([photo, photo], [photo, dot])


def test_number_of_styles_must_fit(pipe: StyleKernelPipeline, photo: Path) -> None:
    with pytest.raises(ValueError, match="got 2 styles for 3 contents"):
        pipe([photo] * 3, [photo] * 2)


def test_empty_lists_are_refused(pipe: StyleKernelPipeline, photo: Path) -> None:
    with pytest.raises(ValueError, match="content must be at least one image"):
        pipe([], photo)
    with pytest.raises(ValueError, match="style must be"):
        pipe(photo, [])


def test_nan_in_a_tensor_is_refused(pipe: StyleKernelPipeline, photo: Path) -> None:
    tensor = torch.full((3, 32, 32), 0.5)
    tensor[0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="content must be finite"):
        pipe(tensor, photo)
    with pytest.raises(ValueError, match="style must be finite"):
        pipe(photo, tensor)


def test_missing_file_is_named(pipe: StyleKernelPipeline, photo: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"style: no such file: 'nowhere\.jpg'"):
        pipe(photo, "nowhere.jpg")


@pytest.mark.parametrize("style_size", [0, 63, 5000, -1])
def test_bad_style_size_is_refused(pipe: StyleKernelPipeline, photo: Path, style_size: int) -> None:
    with pytest.raises(ValueError, match="style_size must lie in"):
        pipe(photo, photo, style_size=style_size)


def test_unknown_output_type_is_refused(pipe: StyleKernelPipeline, photo: Path) -> None:
    with pytest.raises(ValueError, match="output_type must be"):
        pipe(photo, photo, output_type="jpg")  # type: ignore[arg-type]


def test_embedding_of_another_checkpoint_is_refused(pipe: StyleKernelPipeline, photo: Path) -> None:
    other = StyleKernelPipeline(tiny_model()).encode_style(photo)
    narrow = type(other)(other.key[..., :2], other.value, other.code)
    with pytest.raises(ValueError, match="style was encoded by another checkpoint"):
        pipe(photo, narrow)
