from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from stylekernel_hf.images.geometry import (
    crop_back,
    pad_to_multiple,
)
from stylekernel_hf.images.tensors import from_rgb_tensor, to_rgb_tensor, to_rgb_tensors

# Every 8-bit value in every channel, 4 channels: 16 x 16 pixels.
LEVELS = np.stack([np.roll(np.arange(256), 61 * channel) for channel in range(4)], axis=-1)
LEVELS = LEVELS.reshape(16, 16, 4).astype(np.uint8)


def as_numpy(tensor: Tensor) -> np.ndarray:
    """1xCxHxW to HxWxC, in float64."""
    return tensor[0].permute(1, 2, 0).double().numpy()


# Into tensors


@pytest.mark.parametrize("form", ["pil", "path", "str", "bytes"])
def test_pictures_become_rgb_in_0_to_1(tmp_path: Path, form: str):
    path = tmp_path / "x.png"
    Image.fromarray(LEVELS[..., :3]).save(path)
    source = {
        "pil": Image.fromarray(LEVELS[..., :3]),
        "path": path,
        "str": str(path),
        "bytes": path.read_bytes(),
    }[form]

    rgb, alpha = to_rgb_tensor(source, name="content")

    assert alpha is None
    assert (rgb.shape, rgb.dtype, rgb.device.type) == ((1, 3, 16, 16), torch.float32, "cpu")
    assert rgb.is_contiguous()
    np.testing.assert_allclose(as_numpy(rgb), LEVELS[..., :3] / 255, atol=1e-7)


def test_alpha_of_a_picture_is_split_off():
    rgb, alpha = to_rgb_tensor(Image.fromarray(LEVELS), name="content")
    assert alpha is not None and alpha.shape == (1, 1, 16, 16)
    np.testing.assert_allclose(as_numpy(rgb), LEVELS[..., :3] / 255, atol=1e-7)
    np.testing.assert_allclose(as_numpy(alpha), LEVELS[..., 3:] / 255, atol=1e-7)


def test_errors_of_loading_carry_the_name():
    with pytest.raises(FileNotFoundError, match="^style: no such file: 'missing.png'"):
        to_rgb_tensor("missing.png", name="style")
    with pytest.raises(TypeError, match="^style must be a path.* got int"):
        to_rgb_tensor(3, name="style")  # type: ignore[arg-type]


FULL_SCALE = {
    "uint8": 255,
    "uint16": 65535,
    ">u2": 65535,
    "bool": 1,
    "float16": 1,
    "float32": 1,
    "float64": 1,
    ">f4": 1,
    "longdouble": 1,
}


@pytest.mark.parametrize("dtype", FULL_SCALE)
@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4), (1, 4, 6, 3)])
def test_arrays_become_rgb_in_0_to_1(dtype: str, shape: tuple[int, ...]):
    unit = np.random.default_rng(0).random(shape)
    array = (unit * FULL_SCALE[dtype] + (0.5 if dtype == "bool" else 0)).astype(dtype)

    rgb, alpha = to_rgb_tensor(array, name="content")

    expected = (array.astype(np.float64) / FULL_SCALE[dtype]).reshape(4, 6, -1)
    assert rgb.dtype == torch.float32 and rgb.shape == (1, 3, 4, 6)
    np.testing.assert_allclose(
        as_numpy(rgb), np.broadcast_to(expected[..., :3], (4, 6, 3)), atol=1e-7
    )
    if shape[-1] == 4:
        assert alpha is not None
        np.testing.assert_allclose(as_numpy(alpha), expected[..., 3:], atol=1e-7)
    else:
        assert alpha is None


def test_flipped_and_read_only_arrays_are_taken_and_left_alone():
    array = LEVELS[::-1, ::-1, :3]
    array.flags.writeable = False
    rgb, _ = to_rgb_tensor(array, name="content")
    before = array.copy()
    np.testing.assert_allclose(as_numpy(rgb), array / 255, atol=1e-7)
    rgb.zero_()
    assert np.array_equal(array, before)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float64])
def test_tensors_become_rgb_in_0_to_1(channels: int, batched: bool, dtype: torch.dtype):
    tensor = torch.from_numpy(LEVELS[..., :channels]).permute(2, 0, 1)
    scale = 255 if dtype == torch.uint8 else 1
    tensor = tensor if scale == 255 else (tensor / 255).to(dtype)
    expected = tensor.double().permute(1, 2, 0).numpy() / scale

    rgb, alpha = to_rgb_tensor(tensor[None] if batched else tensor, name="content")

    assert rgb.dtype == torch.float32 and rgb.shape == (1, 3, 16, 16)
    np.testing.assert_allclose(
        as_numpy(rgb), np.broadcast_to(expected[..., :3], (16, 16, 3)), atol=1e-7
    )
    assert (alpha is not None) == (channels == 4)
    if alpha is not None:
        np.testing.assert_allclose(as_numpy(alpha), expected[..., 3:], atol=1e-7)


@pytest.mark.gpu
def test_tensor_stays_on_its_device():
    rgb, alpha = to_rgb_tensor(torch.rand(4, 8, 8, device="cuda"), name="content")
    assert alpha is not None
    assert (rgb.device.type, alpha.device.type) == ("cuda", "cuda")
    padded, padding = pad_to_multiple(rgb, 5, 3)
    assert torch.equal(crop_back(padded, padding), rgb)
    assert from_rgb_tensor(rgb, alpha, output_type="pt").device.type == "cuda"
    assert from_rgb_tensor(rgb, output_type="np").shape == (8, 8, 3)


def test_values_just_outside_the_range_are_clamped():
    tensor = torch.full((3, 2, 2), 0.5)
    tensor[0, 0, 0], tensor[1, 1, 1] = -9e-4, 1 + 9e-4
    rgb, _ = to_rgb_tensor(tensor, name="content")
    assert (rgb.min(), rgb.max(), rgb[0, 2, 0, 0]) == (0, 1, 0.5)
    assert tensor.min() < 0


@pytest.mark.parametrize("kind", ["array", "tensor"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([np.nan, np.nan, np.inf], "must be finite, got NaN in 2 of 48 values"),
        ([-np.inf], "must be finite, got infinity in 1 of 48 values"),
        ([1.002], r"must be in \[0, 1\], got values from 0 to 1.002"),
        ([-0.002], r"must be in \[0, 1\], got values from -0.002 to 0"),
        ([255.0], r"must be in \[0, 1\], got values from 0 to 255"),
        ([1e300], r"must be in \[0, 1\], got values from 0 to 1e\+300"),
    ],
)
def test_wrong_values_are_an_error(kind: str, values: list[float], message: str):
    array = np.zeros((4, 4, 3))
    array.flat[: len(values)] = values
    image = array if kind == "array" else torch.from_numpy(array).permute(2, 0, 1)
    with pytest.raises(ValueError, match=f"^content {message}$"):
        to_rgb_tensor(image, name="content")


@pytest.mark.parametrize(
    "shape", [(4,), (4, 4), (6, 6, 3), (2, 4, 4), (5, 4, 4), (2, 3, 4, 4), (1, 1, 3, 4, 4)]
)
def test_wrong_tensor_shapes_are_an_error(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="^content must be a CxHxW tensor .* got ") as caught:
        to_rgb_tensor(torch.zeros(shape), name="content")
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (3, 4, 5), (2, 4, 4, 3), (1, 1, 4, 4, 3)])
def test_wrong_array_shapes_are_an_error(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="^content must be an HxW or HxWxC array") as caught:
        to_rgb_tensor(np.zeros(shape), name="content")
    assert str(shape) in str(caught.value)


def test_empty_arrays_and_tensors_are_an_error():
    with pytest.raises(ValueError, match=r"^content must not be empty, got \(3, 0, 5\)"):
        to_rgb_tensor(np.zeros((0, 5, 3), np.uint8), name="content")
    with pytest.raises(ValueError, match=r"^content must not be empty, got \(3, 5, 0\)"):
        to_rgb_tensor(torch.zeros(3, 5, 0), name="content")


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint32", "complex64", "object", "U1"])
def test_wrong_array_dtypes_are_a_type_error(dtype: str):
    with pytest.raises(TypeError, match="^content must be an array of uint8, .* or floats, got"):
        to_rgb_tensor(np.zeros((4, 4, 3), dtype), name="content")


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_wrong_tensor_dtypes_are_a_type_error(dtype: torch.dtype):
    with pytest.raises(TypeError, match=f"^content must be a tensor of .* got {dtype}$"):
        to_rgb_tensor(torch.zeros(3, 4, 4, dtype=dtype), name="content")


# Several images


@pytest.mark.parametrize(
    "image",
    [Image.new("RGB", (4, 4)), np.zeros((4, 4)), np.zeros((4, 4, 3)), torch.zeros(3, 4, 4)],
)
def test_one_image_is_single(image):
    tensors, is_single = to_rgb_tensors(image, name="content")
    assert is_single and len(tensors) == 1
    assert tensors[0][0].shape == (1, 3, 4, 4)


@pytest.mark.parametrize("sequence", [list, tuple])
def test_images_of_a_list_keep_their_order_and_sizes(sequence: type):
    images = sequence([Image.new("RGB", (2, 3), "white"), np.zeros((4, 5)), torch.ones(4, 6, 7)])
    tensors, is_single = to_rgb_tensors(images, name="content")
    assert not is_single
    assert [tuple(rgb.shape) for rgb, _ in tensors] == [(1, 3, 3, 2), (1, 3, 4, 5), (1, 3, 6, 7)]
    assert [float(rgb.mean()) for rgb, _ in tensors] == [1, 0, 1]
    assert [alpha is None for _, alpha in tensors] == [True, True, False]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_rank_4_is_a_batch(batch: int, kind: str):
    array = np.random.default_rng(0).random((batch, 4, 5, 3)).astype(np.float32)
    images = array if kind == "array" else torch.from_numpy(array).permute(0, 3, 1, 2)
    tensors, is_single = to_rgb_tensors(images, name="content")
    assert not is_single and len(tensors) == batch
    for index, (rgb, _) in enumerate(tensors):
        np.testing.assert_array_equal(as_numpy(rgb), array[index])


def test_list_of_one_is_a_batch():
    tensors, is_single = to_rgb_tensors([Image.new("RGB", (4, 4))], name="content")
    assert len(tensors) == 1 and not is_single


@pytest.mark.parametrize("nothing", [[], (), torch.zeros(0, 3, 4, 4), np.zeros((0, 4, 4, 3))])
def test_no_images_are_an_error(nothing):
    with pytest.raises(ValueError, match="^content must be at least one image, got none$"):
        to_rgb_tensors(nothing, name="content")


def test_errors_name_the_item():
    fine = Image.new("RGB", (4, 4))
    with pytest.raises(ValueError, match=r"^content\[2\] must be finite"):
        to_rgb_tensors([fine, fine, torch.full((3, 2, 2), torch.nan)], name="content")
    with pytest.raises(ValueError, match=r"^style\[1\] must be in \[0, 1\]"):
        to_rgb_tensors(np.array([0.0, 7.0])[:, None, None, None].repeat(3, 3), name="style")
    with pytest.raises(TypeError, match=r"^style\[1\] must be a path"):
        to_rgb_tensors([fine, [fine]], name="style")  # type: ignore[list-item]


# Out of tensors


@pytest.mark.parametrize("channels", [3, 4])
def test_round_trip_through_a_tensor_is_exact(channels: int):
    picture = Image.fromarray(LEVELS[..., :channels])
    rgb, alpha = to_rgb_tensor(picture, name="content")
    result = from_rgb_tensor(rgb, alpha, output_type="pil")
    assert result.mode == picture.mode
    assert result.tobytes() == picture.tobytes()


def test_pil_values_are_rounded_and_clamped():
    values = torch.tensor([-0.5, 0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.5])
    picture = from_rgb_tensor(values.expand(1, 3, 1, 6), output_type="pil")
    assert [picture.getpixel((x, 0))[0] for x in range(6)] == [0, 0, 0, 1, 255, 255]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_arrays_and_tensors_come_out_in_their_layout(dtype: torch.dtype, with_alpha: bool):
    rgb = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    alpha = torch.rand(1, 1, 4, 5) if with_alpha else None
    joined = rgb if alpha is None else torch.cat([rgb, alpha.to(dtype)], dim=1)

    array = from_rgb_tensor(rgb.requires_grad_(), alpha, output_type="np")
    tensor = from_rgb_tensor(rgb, alpha, output_type="pt")

    assert isinstance(array, np.ndarray) and array.dtype == np.float32
    assert array.shape == (4, 5, 4 if with_alpha else 3) and array.flags.c_contiguous
    np.testing.assert_array_equal(array, as_numpy(joined.detach()))
    assert torch.equal(tensor, joined[0])


def test_unknown_output_type_is_an_error():
    with pytest.raises(ValueError, match="^output_type must be 'pil', 'np' or 'pt', got 'latent'$"):
        from_rgb_tensor(torch.zeros(1, 3, 2, 2), output_type="latent")  # type: ignore[call-overload]


def test_kept_bytes_are_those_of_the_picture():
    rgb, alpha = to_rgb_tensor(Image.fromarray(LEVELS), name="content", keep_bytes=True)
    assert alpha is not None and rgb.dtype == alpha.dtype == torch.uint8
    both = torch.cat([rgb, alpha], dim=1)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(both, LEVELS)
    floats = torch.full((1, 3, 16, 16), 0.25)
    assert torch.equal(to_rgb_tensor(floats, name="content", keep_bytes=True)[0], floats)


def test_alpha_in_bytes_survives_colours_in_half_precision():
    alpha = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    rgb = torch.zeros(1, 3, 16, 16, dtype=torch.bfloat16)
    image = from_rgb_tensor(rgb, alpha, output_type="pil")
    np.testing.assert_array_equal(np.asarray(image)[..., 3], alpha[0, 0].numpy())
