"""Networks built from config files, without memory for their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from stylekernel_hf.hub.configs import read_config
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.style_kernel import StyleKernelNetwork

Network = TypeVar("Network", bound=StyleKernelNetwork)

MAX_PARAMETERS = 2**28
"""Bound on the weights of a network, 1 GiB in float32; the preset "base" has 44 million."""


def build_network(network: type[Network], path: Path) -> tuple[Network, str | None]:
    """Build a network from its config file on the device "meta": it has shapes, but no weights.

    Returns the network and the checkpoint id of the config, None for an older config without one.
    No memory is taken and no random numbers are drawn. Errors are those of `read_config`.
    """
    config, checkpoint_id = read_config(path)
    try:
        built = build_without_weights(network, config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"model: '{path}' describes no network: {error}") from error
    size = sum(parameter.numel() for parameter in built.parameters())
    if size > MAX_PARAMETERS:
        raise ValueError(
            f"model: '{path}' must describe a network of at most {MAX_PARAMETERS} parameters, "
            f"got {size}"
        )
    return built, checkpoint_id


def build_without_weights(network: type[Network], config: StyleKernelConfig) -> Network:
    """Build a network on the device "meta", without memory and without random numbers."""
    with torch.device("meta"), _WithoutDraws():
        return network(config)


class _WithoutDraws(TorchFunctionMode):
    """Skips normal_ on "meta" tensors, for which torch would spend a second on imports."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in (Tensor.normal_, nn.init.normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
