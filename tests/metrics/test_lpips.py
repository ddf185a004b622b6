"""LPIPS against a computation of its own in float64, on random weights.

The real AlexNet is nowhere in this repository; its linear layers come with torchmetrics.
"""

import sys
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from stylekernel_hf.metrics.lpips import PerceptualSimilarity

# Where torchvision's AlexNet has its convolutions, with stride and padding; 3x3 pooling of stride
# 2 comes before the second and the third.
LAYERS = ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1))


@pytest.fixture(scope="module")
def similarity() -> PerceptualSimilarity:
    """The measure with random weights where the downloaded ones would be."""
    torch.manual_seed(0)
    state = torchvision.models.alexnet().state_dict()
    with pytest.MonkeyPatch.context() as patch:
        weights = torchvision.models.AlexNet_Weights
        patch.setattr(weights, "get_state_dict", lambda *_, **__: state)
        similarity = PerceptualSimilarity()
    similarity.state = state  # type: ignore[attr-defined]
    return similarity


def slow_lpips(similarity: PerceptualSimilarity, result: Tensor, content: Tensor) -> float:
    """The paper's formula: unit features, squared differences, weighted, averaged and added."""
    state = similarity.state  # type: ignore[attr-defined]
    linear = [
        weight.double().flatten().numpy()
        for name, weight in similarity.network.state_dict().items()
        if name.startswith("net.lin") and not name.startswith("net.lins")
    ]
    mean, std = (
        np.array(x)[:, None, None] for x in ((-0.03, -0.088, -0.188), (0.458, 0.448, 0.45))
    )
    total = 0.0
    pictures = [
        torch.from_numpy((2 * x[0].double().numpy() - 1 - mean) / std)[None]
        for x in (result, content)
    ]
    for level, (place, stride, padding) in enumerate(LAYERS):
        if level in (1, 2):
            pictures = [torch.nn.functional.max_pool2d(x, 3, 2) for x in pictures]
        weight, bias = (state[f"features.{place}.{kind}"].double() for kind in ("weight", "bias"))
        pictures = [
            torch.nn.functional.conv2d(x, weight, bias, stride, padding).clamp(min=0)
            for x in pictures
        ]
        a, b = (x[0].numpy() / np.sqrt((x[0].numpy() ** 2).sum(0)) for x in pictures)
        total += float(np.einsum("chw,c->hw", (a - b) ** 2, linear[level]).mean())
    return total


def test_lpips_equals_the_formula_in_float64(similarity: PerceptualSimilarity) -> None:
    generator = torch.Generator().manual_seed(1)
    content = torch.rand(1, 3, 64, 80, generator=generator)
    for share in (0.1, 1.0):
        result = torch.lerp(content, torch.rand(1, 3, 64, 80, generator=generator), share)
        expected = slow_lpips(similarity, result, content)
        assert expected > 1e-4
        assert similarity(result, content) == pytest.approx(expected, rel=1e-3)


def test_a_picture_is_at_no_distance_from_itself(similarity: PerceptualSimilarity) -> None:
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    assert similarity(picture, picture.clone()) == 0


def test_weights_that_cannot_be_had_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", fail)
    with pytest.raises(OSError, match=r"LPIPS needs the weights alexnet-[\w-]+\.pth") as caught:
        PerceptualSimilarity()
    assert "no network" in str(caught.value) and f"{tmp_path}/checkpoints" in str(caught.value)


def test_without_torchmetrics_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics.image.lpip", None)
    with pytest.raises(ImportError, match=r"LPIPS needs torchmetrics.*stylekernel-hf\[train\]"):
        PerceptualSimilarity()
