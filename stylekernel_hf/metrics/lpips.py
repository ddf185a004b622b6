"""LPIPS (Zhang et al., 2018) on AlexNet, as torchmetrics computes it."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.metrics.downloads import named_download


class PerceptualSimilarity:
    """LPIPS between a result and its content: 0 for the same picture, about 0.7 for unrelated ones.

    The linear layers come with torchmetrics; torchvision downloads AlexNet's ImageNet weights once.
    Raises ImportError without these packages, and OSError if the weights cannot be downloaded.
    """

    def __init__(self) -> None:
        with extra_required("train", "LPIPS", "torchmetrics and torchvision"):
            from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
            from torchvision.models import AlexNet_Weights
        with named_download("LPIPS", AlexNet_Weights.DEFAULT.url):
            self._metric = LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)

    @property
    def network(self) -> nn.Module:
        """The network, which must be on the device of the pictures."""
        return self._metric

    def __call__(
        self, result: Float[Tensor, "1 3 h w"], content: Float[Tensor, "1 3 h w"]
    ) -> float:
        """Compare two RGB pictures in [0, 1] of the same size, of at least 64 px a side."""
        return self._metric(result, content).item()
