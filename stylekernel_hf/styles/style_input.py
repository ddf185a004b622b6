"""Styles as callers give them: pictures, encoded styles, their files, or several of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.images.bounds import MAX_PIXELS
from stylekernel_hf.images.geometry import check_size, resize_rgb
from stylekernel_hf.images.tensors import ImageInput, to_rgb_tensor
from stylekernel_hf.images.unseen_colors import fill_unseen
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.styles.embedding import StyleEmbedding, check_style
from stylekernel_hf.styles.library import StyleLibrary
from stylekernel_hf.styles.picture_size import (
    MIN_SIDE,
    is_style_file,
    scaled_size,
    style_bounds,
)

StyleInput: TypeAlias = ImageInput | StyleEmbedding


def style_items(style: StyleInput | Sequence[StyleInput] | StyleLibrary) -> dict[str, Any]:
    """Return the styles by their names in error messages."""
    several: list[Any]
    if isinstance(style, StyleLibrary):
        style = list(style.values())
    if isinstance(style, list | tuple):
        several = list(cast(Sequence[Any], style))
    elif isinstance(style, np.ndarray | Tensor) and style.ndim == 4:
        several = list(style)
    else:
        return {"style": style}
    return {f"style[{index}]": item for index, item in enumerate(several)}


def read_style_picture(
    style: Any, name: str, purpose: str, *, style_size: int | None
) -> Float[Tensor, "1 3 h w"]:
    """Read a style image; TypeError for an encoded style, which does not serve this purpose.

    A file of far more pixels than scaling to `style_size` needs is reduced while it is read. An
    image that keeps its size may have `MAX_SCALED_PIXELS`.
    """
    if isinstance(style, StyleEmbedding) or is_style_file(style):
        raise TypeError(f"{name} must be an image for {purpose}, got an encoded style")
    rgb, alpha = to_rgb_tensor(style, name=name, bounds=style_bounds(style_size))
    check_size(rgb, name=name, min_side=MIN_SIDE, max_pixels=MAX_PIXELS)
    return fill_unseen(rgb, alpha)


def scale_style_picture(
    rgb: Float[Tensor, "1 3 h w"], style_size: int | None
) -> Float[Tensor, "1 3 h2 w2"]:
    """Scale a style image so that its short side has `style_size` px; None keeps its size.

    Very elongated images are scaled to at most `MAX_SCALED_PIXELS`.
    """
    return resize_rgb(rgb, scaled_size(rgb.shape[2], rgb.shape[3], style_size))


def fit_embedding(
    style: StyleEmbedding,
    name: str,
    model: StyleKernelNetwork,
    identity: CheckpointIdentity,
) -> StyleEmbedding:
    """Return the style on the device and in the dtype of the model.

    ValueError unless the checkpoint of this identity may have encoded the style.
    """
    channels = check_style(style, name)
    if style.checkpoint is not None and not style.checkpoint.may_be(identity):
        raise ValueError(
            f"{name} was encoded by another checkpoint, '{style.checkpoint.name}', and this "
            f"is '{identity.name}': load that one, or encode the painting anew"
        )
    alignment = model.style_alignment
    expected = (
        alignment.key.out_channels,
        alignment.value.out_channels,
        model.config.code_channels,
    )
    if channels != expected:
        raise ValueError(
            f"{name} was encoded by another checkpoint: its key, value and code are "
            f"{channels} wide, not {expected}"
        )
    fitting = style.to(model.device, model.dtype)
    for part, tensor in (("key", fitting.key), ("value", fitting.value), ("code", fitting.code)):
        if not bool(tensor.isfinite().all()):
            raise ValueError(f"{name}: its {part} must hold numbers that {model.dtype} can hold")
    return fitting
