"""Structural similarity (Wang et al., 2004) of luminance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# Weights of red, green and blue in luminance (ITU-R BT.601).
_REC601 = (0.299, 0.587, 0.114)


def luminance_ssim(
    image: Float[Tensor, "b 3 h w"], reference: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, " b"]:
    """Compare the luminance of RGB pictures in [0, 1]: 1 for the same, about 0 for unrelated ones.

    The window is Gaussian with sigma 1.5 px, and borders are reflected. Raises ImportError without
    torchmetrics.
    """
    try:
        from torchmetrics.functional.image import structural_similarity_index_measure
    except ImportError as error:
        raise ImportError(
            "SSIM needs torchmetrics, which the extra [train] installs: "
            "pip install 'stylekernel-hf[train]'"
        ) from error
    similarity = structural_similarity_index_measure(
        _luminance(image), _luminance(reference), data_range=1.0, reduction="none"
    )
    # torchmetrics returns a pair only if the full map of similarities is requested.
    assert isinstance(similarity, Tensor)
    return similarity


def _luminance(rgb: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    weights = torch.tensor(_REC601, device=rgb.device, dtype=rgb.dtype)[:, None, None]
    return (rgb * weights).sum(dim=1, keepdim=True)
