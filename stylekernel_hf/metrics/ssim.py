"""Structural similarity (Wang et al., 2004) of luminance."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.images.color_modes import luma


def luminance_ssim(
    image: Float[Tensor, "b 3 h w"], reference: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, " b"]:
    """Compare the luminance of RGB pictures in [0, 1]: 1 for the same, about 0 for unrelated ones.

    The window is Gaussian with sigma 1.5 px, and borders are reflected. Raises ImportError without
    torchmetrics.
    """
    with extra_required("train", "SSIM", "torchmetrics"):
        from torchmetrics.functional.image import structural_similarity_index_measure
    similarity = structural_similarity_index_measure(
        luma(image), luma(reference), data_range=1.0, reduction="none"
    )
    # torchmetrics returns a pair only if the full map of similarities is requested.
    assert isinstance(similarity, Tensor)
    return similarity
