"""The moving average of weights, against a loop in float64."""

import torch

from stylekernel_hf.training.averaged_weights import average_weights, averaged_network
from tests.tiny import tiny_model


def test_average_follows_the_weights_slower_and_slower() -> None:
    model = tiny_model()
    average = average_weights(model, 0.4)
    expected = {name: weights.double() for name, weights in model.named_parameters()}
    for step in range(12):
        with torch.no_grad():
            for weights in model.parameters():
                weights.add_(torch.randn_like(weights))
        average.update_parameters(model)
        kept = min(0.4, (1 + step) / (10 + step)) if step else 0
        for name, weights in model.named_parameters():
            expected[name] = kept * expected[name] + (1 - kept) * weights.double()
    network = averaged_network(average)
    assert network is not model and type(network) is type(model)
    for name, weights in network.named_parameters():
        assert torch.allclose(weights.double(), expected[name], atol=1e-5)


def test_average_resumes_from_its_state() -> None:
    model = tiny_model()
    first, second = (average_weights(model, 0.9) for _ in range(2))
    first.update_parameters(model)
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(2)
    for average in (first, second):
        average.update_parameters(model)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
