"""Colour modes: which colours of the content a stylized image keeps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Num
from torch import Tensor

from stylekernel_hf.images.color_mode_names import ColorMode
from stylekernel_hf.images.tensors import unit_floats

# Smallest standard deviation of a colour direction that is stretched. Below it lie the rounding
# errors of a grey image, which must stay grey.
_MIN_STD = 0.5 / 255


def recolor(
    stylized: Num[Tensor, "1 3 h w"], content: Num[Tensor, "1 3 h w"], color: ColorMode
) -> Num[Tensor, "1 3 h w"]:
    """Apply the colour mode to a stylized image.

    "style" returns it unchanged; "luminance" and "statistics" restore colours of the content.
    """
    if color == "style":
        return stylized
    floats, original = unit_floats(stylized).float(), unit_floats(content).to(stylized.device)
    keep = keep_luminance if color == "luminance" else match_color_statistics
    return keep(floats, original.float())


def transfer_color(
    content: Num[Tensor, "1 3 h w"],
    styles: Sequence[Float[Tensor, "1 3 _ _"]],
    shares: Float[Tensor, "1 n #h #w"],
    strength: float | Float[Tensor, "1 1 h w"],
) -> Float[Tensor, "1 3 h w"]:
    """Give the content the colours of the styles, mixed by their shares, and no strokes."""
    original = unit_floats(content).float()
    changed = torch.zeros_like(original)
    for index, style in enumerate(styles):
        share = shares[:, index : index + 1].to(original.device)
        matched = match_color_statistics(original, style.to(original.device))
        changed += share * (matched - original)
    amount = strength.to(original.device) if isinstance(strength, Tensor) else strength
    return original + amount * changed


def keep_luminance(
    stylized: Float[Tensor, "b 3 h w"], content: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 3 h w"]:
    """Combine the luminance of `stylized` with the chroma of `content`, both RGB in [0, 1].

    This is the luminance-only transfer of Gatys et al. (Preserving Color in Neural Artistic Style
    Transfer, 2016). Colours outside RGB lose chroma until they fit, so that hue and luminance stay.
    """
    brightness = luma(stylized)
    chroma = content - luma(content)
    # The largest share of the chroma that keeps every channel in [0, 1].
    room = torch.where(chroma > 0, 1 - brightness, brightness)
    share = (room / chroma.abs().clamp_min(1e-6)).amin(dim=1, keepdim=True).clamp(0, 1)
    return (brightness + share * chroma).clamp(0, 1)


def luma(rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Return the luma of gamma-coded RGB (ITU-R BT.601), as in JPEG."""
    weights = torch.tensor((0.299, 0.587, 0.114), dtype=rgb.dtype, device=rgb.device)
    return (rgb * weights[:, None, None]).sum(dim=1, keepdim=True)


def match_color_statistics(
    image: Float[Tensor, "b 3 h w"], reference: Float[Tensor, "#b 3 i j"]
) -> Float[Tensor, "b 3 h w"]:
    """Give `image` the mean and the covariance of the colours of `reference`, both in [0, 1].

    The map is the linear one that moves colours the least (Pitie and Kokaram, The Linear
    Monge-Kantorovitch Colour Mapping, 2007). Results are clamped to [0, 1].
    """
    mean, covariance = _color_statistics(image)
    target_mean, target_covariance = _color_statistics(reference)
    root, inverse_root = _roots(covariance)
    inner, _ = _roots(root @ target_covariance @ root)
    linear = (inverse_root @ inner @ inverse_root).to(image)
    centred = image - mean.to(image.dtype)[..., None, None]
    # Three products and a sum, since matrix products on CUDA may round to TF32.
    mapped = (linear[..., None, None] * centred[:, None]).sum(dim=2)
    return (mapped + target_mean.to(image.dtype)[..., None, None]).clamp(0, 1)


def _color_statistics(
    image: Float[Tensor, "b 3 h w"],
) -> tuple[Float[Tensor, "b 3"], Float[Tensor, "b 3 3"]]:
    # The covariance is moved to the CPU for float64, which MPS lacks.
    pixels = image.flatten(2).float()
    mean = pixels.mean(dim=2)
    centred = pixels - mean[..., None]
    products = [(centred[:, i] * centred[:, j]).mean(dim=1) for i in range(3) for j in range(3)]
    covariance = torch.stack(products, dim=1).unflatten(1, (3, 3)).cpu().double()
    return mean, covariance


def _roots(matrix: Float[Tensor, "b 3 3"]) -> tuple[Tensor, Tensor]:
    """Return the square root of a covariance, and its inverse without flat directions."""
    values, vectors = torch.linalg.eigh(matrix)
    root = values.clamp_min(0).sqrt()
    inverse = torch.where(root > _MIN_STD, 1 / root.clamp_min(_MIN_STD), torch.zeros_like(root))
    transposed = vectors.transpose(1, 2)
    return (vectors * root[:, None]) @ transposed, (vectors * inverse[:, None]) @ transposed
