"""Images of any kind to RGB tensors in [0, 1], and back."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Num, UInt8
from PIL import Image
from torch import Tensor

from stylekernel_hf.images.arrays import check_unit_values, pixels_of
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.loading import ImageSource, read_image
from stylekernel_hf.images.unseen_colors import fill_unseen

ImageInput: TypeAlias = ImageSource | npt.NDArray[Any] | Tensor
OutputType: TypeAlias = Literal["pil", "np", "pt"]
RgbAndAlpha: TypeAlias = tuple[Num[Tensor, "1 3 h w"], Num[Tensor, "1 1 h w"] | None]

ANY_SIZE = Bounds()


def to_rgb_tensor(
    image: ImageInput, *, name: str, keep_bytes: bool = False, bounds: Bounds = ANY_SIZE
) -> RgbAndAlpha:
    """Return the colours of one image as float32 in [0, 1], and its alpha if it has any.

    With `keep_bytes`, 8-bit values stay uint8, at a quarter of the memory; `unit_floats` converts
    them later. `bounds` apply to images that are read, not to arrays and tensors.

    A path, bytes or PIL image is read by `load_image`. An array is HxW or HxWxC, of uint8, uint16,
    bool, or floats in [0, 1]; a tensor is CxHxW of uint8 or floats in [0, 1] and stays on its
    device; C is 1, 3 or 4 with alpha last, and a leading batch dimension of 1 is allowed.

    Raises TypeError for another type or dtype and ValueError for another shape, for values that are
    not finite or not in [0, 1], and what `load_image` raises; each error begins with `name`.
    """
    if isinstance(image, Tensor):
        values = _tensor_values(image, name)
    elif isinstance(image, np.ndarray):
        values = _array_values(image, name)
    else:
        picture = read_image(image, name, bounds)
        values = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    values = (values if keep_bytes else unit_floats(values))[None]
    # Contiguous, so that every source of the same pixels takes the same path of convolution.
    rgb = values[:, :3].expand(-1, 3, -1, -1).contiguous()
    return rgb, values[:, 3:] if values.shape[1] == 4 else None


def to_rgb_tensors(
    images: ImageInput | Sequence[ImageInput],
    *,
    name: str,
    keep_bytes: bool = False,
    bounds: Bounds = ANY_SIZE,
) -> tuple[list[RgbAndAlpha], bool]:
    """Apply `to_rgb_tensor` to one image or several, and return whether it was a single one.

    Several are a list or tuple of images, or a tensor or array of rank 4, even of batch size 1.
    Errors call the third image `name[2]`.
    """
    is_array = isinstance(images, np.ndarray | Tensor)
    if not isinstance(images, list | tuple) and not (is_array and images.ndim == 4):
        only = cast(ImageInput, images)
        return [to_rgb_tensor(only, name=name, keep_bytes=keep_bytes, bounds=bounds)], True
    several = cast(Sequence[ImageInput], images)
    if len(several) == 0:
        raise ValueError(f"{name} must be at least one image, got none")
    return [
        to_rgb_tensor(image, name=f"{name}[{index}]", keep_bytes=keep_bytes, bounds=bounds)
        for index, image in enumerate(several)
    ], False


def load_rgb(source: ImageSource, *, name: str = "image", bounds: Bounds = ANY_SIZE) -> Image.Image:
    """Read an image as "RGB"; fully transparent pixels are filled from their surroundings.

    Errors are those of `load_image`.
    """
    picture = read_image(source, name, bounds)
    if picture.mode == "RGB":
        return picture
    rgb, alpha = to_rgb_tensor(picture, name=name, keep_bytes=True)
    return from_rgb_tensor(fill_unseen(rgb, alpha), output_type="pil")


def unit_floats(values: Num[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return uint8 as float32 in [0, 1]; floats unchanged."""
    return values.float().div_(255) if values.dtype == torch.uint8 else values


def rounded_bytes(values: Num[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Return floats, clamped to [0, 1], as uint8; uint8 unchanged."""
    if values.dtype == torch.uint8:
        return values
    return (values.float().clamp(0, 1) * 255).round_().to(torch.uint8)


@overload
def from_rgb_tensor(
    rgb: Num[Tensor, "1 3 h w"],
    alpha: Num[Tensor, "1 1 h w"] | None = None,
    *,
    output_type: Literal["pil"],
) -> Image.Image: ...
@overload
def from_rgb_tensor(
    rgb: Num[Tensor, "1 3 h w"],
    alpha: Num[Tensor, "1 1 h w"] | None = None,
    *,
    output_type: Literal["np"],
) -> npt.NDArray[np.float32]: ...
@overload
def from_rgb_tensor(
    rgb: Num[Tensor, "1 3 h w"],
    alpha: Num[Tensor, "1 1 h w"] | None = None,
    *,
    output_type: Literal["pt"],
) -> Float[Tensor, "c h w"]: ...
def from_rgb_tensor(
    rgb: Num[Tensor, "1 3 h w"],
    alpha: Num[Tensor, "1 1 h w"] | None = None,
    *,
    output_type: OutputType,
) -> Image.Image | npt.NDArray[np.float32] | Tensor:
    """Return a PIL image ("pil"), a float32 HxWxC array ("np") or a CxHxW tensor ("pt").

    Values are in [0, 1]; those of a PIL image are rounded to 8 bits. C is 4 with `alpha`, which
    comes last. `rgb` and `alpha` may be uint8 or floats.
    """
    if output_type not in ("pil", "np", "pt"):
        raise ValueError(f"output_type must be 'pil', 'np' or 'pt', got {output_type!r}")
    parts = [rgb] if alpha is None else [rgb, alpha.to(rgb.device)]
    if output_type == "pil":
        pixels = torch.cat([rounded_bytes(part) for part in parts], dim=1)[0]
        return Image.fromarray(pixels.permute(1, 2, 0).contiguous().cpu().numpy())
    parts = [unit_floats(part) for part in parts]
    values = torch.cat([part.to(parts[0].dtype) for part in parts], dim=1)[0].clamp(0, 1)
    if output_type == "pt":
        return values
    return np.ascontiguousarray(values.detach().permute(1, 2, 0).float().cpu().numpy())


def _tensor_values(image: Tensor, name: str) -> Num[Tensor, "c h w"]:
    if image.dtype != torch.uint8 and not image.is_floating_point():
        raise TypeError(f"{name} must be a tensor of uint8 or floats, got {image.dtype}")
    values = image[0] if image.ndim == 4 and image.shape[0] == 1 else image
    if values.ndim != 3 or values.shape[0] not in (1, 3, 4):
        raise ValueError(
            f"{name} must be a CxHxW tensor with 1, 3 or 4 channels, got {tuple(image.shape)}"
        )
    return _checked(values, name)


def _array_values(image: npt.NDArray[Any], name: str) -> Num[Tensor, "c h w"]:
    values = pixels_of(image, name)
    if image.dtype.kind == "f":
        values = values.astype(np.float32 if image.dtype.itemsize <= 4 else np.float64)
    elif image.dtype.kind == "u" and image.dtype.itemsize == 2:
        values = values.astype(np.float32) / 65535
    elif image.dtype.kind == "b":
        values = values.astype(np.float32)
    # A copy: torch takes no negative strides, and warns of arrays that cannot be written to.
    return _checked(torch.from_numpy(values.transpose(2, 0, 1).copy()), name)


def _checked(values: Tensor, name: str) -> Num[Tensor, "c h w"]:
    """Return uint8 unchanged, and floats as float32 after a check that they are in [0, 1]."""
    if values.numel() == 0:
        raise ValueError(f"{name} must not be empty, got {tuple(values.shape)} (CxHxW)")
    if values.dtype == torch.uint8:
        return values
    check_unit_values(values, values.numel(), name)
    return values.float().clamp(0, 1)
