"""The network made faster for all later calls, where this machine has what it takes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch
from torch import nn

from stylekernel_hf.errors.first_line import first_line
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.pipelines.cuda_graphs import record_network

logger = logging.getLogger(__name__)

# Two shapes, so that the second compiles code for any shape; tiles and pictures have many.
_SIDES = (128, 192)


@torch.inference_mode()
def compile_network(model: StyleKernelNetwork) -> bool:
    """Compile the parts that take the most time, and try them; return whether that worked.

    If it did not, for want of a C++ compiler for instance, a warning is logged and the model is
    left as it was. Compiling takes about a minute. On CUDA the network is recorded instead: there
    starting the kernels takes the most time, and that a recording does at once.
    """
    if model.device.type == "cuda":
        return record_network(model)

    def paint_twice() -> None:
        for side in _SIDES:
            content = torch.zeros(1, 3, side, side, device=model.device, dtype=model.dtype)
            content = content.contiguous(memory_format=torch.channels_last)
            # As a style, a black picture is as good as any.
            model(content, model.encode_style(content))

    return compile_parts((model.content_encoder, model.style_alignment, model.decoder), paint_twice)


def compile_parts(parts: Sequence[nn.Module], use: Callable[[], object]) -> bool:
    """Compile modules in place, and try them by `use`; return whether that worked."""
    try:
        for part in parts:
            part.compile()
        use()
    except Exception as error:  # Compilers and their tools raise whatever comes.
        for part in parts:
            # torch has no public way back.
            part._compiled_call_impl = None  # pyright: ignore[reportPrivateUsage]
        logger.warning("torch.compile does not work here, going on without: %s", first_line(error))
        return False
    return True
