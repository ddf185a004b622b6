"""The weights that the alignment starts with: PyTorch's own would put it to sleep.

PyTorch's default shrinks features in every layer with a ReLU. After the eleven of small's style
encoder, all places of a painting were alike to four digits: every pixel got the same aligned
feature, and training did not find out that it could differ. The content encoder keeps the default,
because its features are normalised before anything reads them.
"""

from __future__ import annotations

from torch import nn


def start_for_relu(layer: nn.Conv2d) -> None:
    """Keep the size of features through `layer` and the ReLU after it (He et al., ICCV 2015)."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    _without_bias(layer)


def start_linear(layer: nn.Conv2d) -> None:
    """Keep the variance of independent channels through `layer`, which no ReLU follows."""
    nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5)
    _without_bias(layer)


def _without_bias(layer: nn.Conv2d) -> None:
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
