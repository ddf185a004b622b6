"""Fréchet distance (FID; Heusel et al., 2017) of results from their styles, and ArtFID."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.metrics.downloads import named_download


class _Given(nn.Module):
    """Passes computed features through, where torchmetrics expects a network."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def frechet_distance(
    features: Float[Tensor, "n d"], reference_features: Float[Tensor, "m d"]
) -> float:
    """Compare the mean and the covariance of two sets of features: 0 for the same set.

    With fewer pictures than features it is biased upwards: compare it only for equal numbers of
    pictures.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    if torch.equal(features, reference_features):
        return 0.0  # Rounding of the eigenvalues would give a little more.
    distance = FrechetInceptionDistance(feature=_Given(features.shape[1]))
    # torchmetrics sums in float64, which some devices do not have.
    distance.update(reference_features.cpu(), real=True)
    distance.update(features.cpu(), real=False)
    return distance.compute().item()


def art_fid(lpips: float, fid: float) -> float:
    """(1 + LPIPS) (1 + FID), of Wright and Ommer (2022): 1 is best.

    They compute FID with an Inception network trained on art. With the standard network the
    values are not comparable with theirs.
    """
    return (1 + lpips) * (1 + fid)


def load_inception() -> nn.Module:
    """Load the Inception network that FID is defined with, which torch-fidelity downloads once.

    It maps 8-bit RGB of any size to 2048 features. Raises ImportError without torch-fidelity, and
    OSError if the weights cannot be downloaded.
    """
    with extra_required("train,fid", "FID", "torchmetrics and torch-fidelity"):
        from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
        from torchmetrics.image.fid import NoTrainInceptionV3
    with named_download("FID", URL_INCEPTION_V3):
        return NoTrainInceptionV3("inception-v3-compat", ["2048"])
