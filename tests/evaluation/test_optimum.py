"""Descent on the pixels of results, against Adam written out, on a tiny random feature network."""

import pytest
import torch
from torch import Tensor, nn

from stylekernel_hf.evaluation.candidate import Candidate
from stylekernel_hf.evaluation.optimum import descend, with_optimum
from stylekernel_hf.metrics.distances import content_distance, style_distance
from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.training.losses import LossWeights, color_loss


def picture(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    return nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0, 1)


def objective(
    network: PerceptualNetwork, result: Tensor, content: Tensor, style: Tensor, draws: int = 0
) -> Tensor:
    """The sum that training minimises, from the distances as evaluation computes them."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(draws):
        torch.randn(16, 3, generator=generator)
    features = network(result)
    return (
        content_distance(features, network(content)).mean()
        + 20 * style_distance(features, network(style)).mean()
        + 2 * color_loss(result, style, generator)
    )


def test_steps_are_those_of_adam(network: PerceptualNetwork) -> None:
    content, style, start = picture(0), picture(1), picture(2)
    logits = start.clamp(0.02, 0.98).logit()
    mean, square = torch.zeros_like(logits), torch.zeros_like(logits)
    for step in range(1, 4):
        logits = logits.detach().requires_grad_()
        loss = objective(network, logits.sigmoid(), content, style, draws=step - 1)
        (gradient,) = torch.autograd.grad(loss, logits)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        unbiased = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        logits = logits - 0.08 * unbiased[0] / (unbiased[1].sqrt() + 1e-8)
    actual = descend(start, content, style, network, steps=3)
    assert torch.allclose(actual, logits.detach().sigmoid(), atol=1e-4)


def test_optimum_is_lower_in_the_objective_than_the_result(network: PerceptualNetwork) -> None:
    content, style = picture(0), picture(1)
    candidate = Candidate("mixed", lambda content, style: (content + style) / 2)
    better = with_optimum(candidate, network, 30)
    assert better.model == "mixed, 30 steps on its pixels"
    with torch.inference_mode():
        result = better.stylize(content, better.encode(style))
    before = objective(network, (content + style) / 2, content, style)
    assert objective(network, result, content, style) < 0.8 * before
    assert float(result.min()) > 0 and float(result.max()) < 1


def test_candidate_encodes_its_styles_once(network: PerceptualNetwork) -> None:
    seen: list[Tensor] = []

    def encode(style: Tensor) -> float:
        seen.append(style)
        return float(style.mean())

    candidate = Candidate("grey", lambda content, mean: torch.full_like(content, mean), encode)
    better = with_optimum(candidate, network, 1)
    encoded = better.encode(picture(1))
    for seed in (2, 3):
        better.stylize(picture(seed), encoded)
    assert len(seen) == 1 and torch.equal(seen[0], picture(1))


def test_other_weights_lead_elsewhere(network: PerceptualNetwork) -> None:
    content, style = picture(0), picture(1)
    weights = LossWeights(content=1.0, style=0.0, color=0.0)
    actual = descend(style, content, style, network, steps=20, weights=weights)
    distances = [
        float(content_distance(network(image), network(content))) for image in (style, actual)
    ]
    assert distances[1] < 0.7 * distances[0]


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "3", True])
def test_steps_must_be_at_least_one(network: PerceptualNetwork, wrong: object) -> None:
    candidate = Candidate("keep", lambda content, style: content)
    with pytest.raises((TypeError, ValueError), match="optimum must be"):
        with_optimum(candidate, network, wrong)  # pyright: ignore[reportArgumentType]
