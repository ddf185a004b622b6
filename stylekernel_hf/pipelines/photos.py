"""The photos of a call: read and checked, and the images that are returned for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Num
from PIL import Image
from torch import Tensor

from stylekernel_hf.images.bounds import MAX_PIXELS, Bounds
from stylekernel_hf.images.geometry import check_size
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.images.tensors import (
    ImageInput,
    OutputType,
    from_rgb_tensor,
    to_rgb_tensors,
)
from stylekernel_hf.images.unseen_colors import fill_unseen
from stylekernel_hf.styles.picture_size import MIN_SIDE


class Photo(NamedTuple):
    """A content as it was read."""

    rgb: Num[Tensor, "1 3 h w"]
    alpha: Num[Tensor, "1 1 h w"] | None
    visible: Num[Tensor, "1 3 h w"]
    """`rgb` with fully transparent colours replaced by those around them."""
    source: ImageInput


def read_photos(content: ImageInput | Sequence[ImageInput]) -> list[Photo]:
    """Read and check the contents of a call; what has 8 bits stays uint8."""
    contents, _ = to_rgb_tensors(
        content, name="content", keep_bytes=True, bounds=Bounds(MAX_PIXELS, MIN_SIDE)
    )
    listed = content if isinstance(content, list | tuple) else [content] * len(contents)
    photos: list[Photo] = []
    for index, ((rgb, alpha), source) in enumerate(zip(contents, listed, strict=True)):
        name = "content" if len(contents) == 1 else f"content[{index}]"
        check_size(rgb, name=name, min_side=MIN_SIDE, max_pixels=MAX_PIXELS)
        photos.append(Photo(rgb, alpha, fill_unseen(rgb, alpha), cast(ImageInput, source)))
    return photos


def make_images(
    results: Sequence[Tensor], photos: Sequence[Photo], output_type: OutputType
) -> list[Any]:
    """Return the results as `output_type`, with the alpha and the metadata of their photos."""
    images: list[Any] = [
        from_rgb_tensor(rgb, photo.alpha, output_type=output_type)
        for rgb, photo in zip(results, photos, strict=True)
    ]
    for image, photo in zip(images, photos, strict=True):
        if isinstance(image, Image.Image):
            image.info.update(read_metadata(photo.source).for_result(image.size).info())
    return [ordinary_tensor(image) for image in images] if output_type == "pt" else images


def ordinary_tensor(tensor: Tensor) -> Tensor:
    """Copy a tensor of inference mode into one that autograd and in-place operations take."""
    with torch.inference_mode(False):
        return tensor.clone()
