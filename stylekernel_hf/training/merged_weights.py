"""Plain weights from a network whose weights are parametrized for training."""

from __future__ import annotations

from operator import attrgetter
from typing import cast

from torch import Tensor

from stylekernel_hf.hub.building import build_without_weights
from stylekernel_hf.pretrained.model import StyleKernelModel


def merged(network: StyleKernelModel) -> StyleKernelModel:
    """Return a copy of a network, with its parametrizations merged into plain weights."""
    # torch's remove_parametrizations changes the class that a copy shares with the network.
    plain = build_without_weights(type(network), network.config)
    weights = {
        name: cast(Tensor, attrgetter(name)(network)).detach().clone()
        for name, _ in plain.named_parameters()
    }
    plain.load_state_dict(weights, assign=True)
    plain.origin = network.origin
    return plain.requires_grad_(True).train(network.training)
