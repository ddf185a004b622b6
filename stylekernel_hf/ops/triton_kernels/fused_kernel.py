"""Use of the fused kernels: on which tensors, and the fallback if one does not work.

`torch.library.triton_op` does not replace this: its operators cannot decline a call by dtype, by
size or after a failure, so the choice would stay here, beside a registration that only
torch.compile and torch.export need.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

import torch
from torch import Tensor

from stylekernel_hf.errors.messages import first_line

logger = logging.getLogger(__name__)

_DTYPES = (torch.float32, torch.bfloat16, torch.float16)

# The kernels use 32-bit offsets; larger tensors take the portable path.
_MOST_VALUES = 2**31 - 1


class FusedKernel:
    """A function of a module that needs Triton, for tensors on CUDA.

    A call returns the function's result, or None if the caller must take the portable path. The
    first failure logs a warning; from then on every call returns None.
    """

    def __init__(self, module: str, function: str) -> None:
        self._module, self._function = module, function
        self._works = True

    def __call__(self, *inputs: Any) -> Any | None:
        """Call the function with tensors and numbers; the first tensor sets device and dtype."""
        if not self._works or not is_fusible(inputs[0]) or not _are_countable(inputs):
            return None
        try:
            return getattr(importlib.import_module(self._module), self._function)(*inputs)
        except torch.OutOfMemoryError:
            raise  # The caller retries in smaller tiles.
        except Exception as error:  # Triton and its tools raise errors of many types.
            self._works = False
            logger.warning(
                "the fused kernel %s does not work here, using the portable path: %s",
                self._function,
                first_line(error),
            )
            return None


def is_fusible(tensor: Tensor) -> bool:
    """Whether the kernels take a tensor: of a float dtype of at most 32 bits, on CUDA."""
    return tensor.is_cuda and tensor.dtype in _DTYPES


def _are_countable(inputs: tuple[Any, ...]) -> bool:
    tensors = (part for part in inputs if isinstance(part, Tensor))
    return all(tensor.numel() <= _MOST_VALUES for tensor in tensors)
