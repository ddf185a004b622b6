"""CUDA graphs: the kernels of the whole network, recorded once per size and started as one."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.errors.messages import first_line
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.style_kernel import StyleKernelNetwork

logger = logging.getLogger(__name__)

# In larger pictures and batches, the kernels take longer than their start.
MOST_PIXELS = 2**21
# Number of recordings kept, each with all the memory of its pass.
KEPT = 4
_WARM_UPS = 2
# Side in px of the picture of the trial.
_TRIED = 128


class Recording(NamedTuple):
    """A pass of the network; replaying it reads `inputs` and writes `output`."""

    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    output: Tensor


class RecordedForward:
    """Replaces the forward of a network on CUDA by recordings of it.

    On a GPU, computing a picture of 512 px takes less time than starting its two hundred kernels
    one by one. Passes in full strength and one encoded style, of up to `MOST_PIXELS` and without
    gradients, are recorded; all others run as before. The recordings used last are kept. The first
    failure logs a warning; from then on all passes run as before.
    """

    def __init__(self, model: StyleKernelNetwork) -> None:
        self._model = model
        self._recordings: OrderedDict[Hashable, Recording] = OrderedDict()
        self.works = True

    def __call__(self, content: Tensor, style: Any, strength: Any = 1.0) -> Tensor:
        """Return what the model's forward does."""
        if self.works and _is_recordable(content, style, strength):
            try:
                return self._replay(content, style)
            except torch.OutOfMemoryError:
                raise  # The caller retries in smaller tiles.
            except Exception as error:  # Drivers raise errors of many types.
                self.works = False
                self._recordings.clear()
                logger.warning(
                    "CUDA graphs do not work here, running without: %s", first_line(error)
                )
        return self._model.forward(content, style, strength)

    def _replay(
        self, content: Float[Tensor, "b 3 h w"], style: EncodedStyle
    ) -> Float[Tensor, "b 3 h w"]:
        inputs = (content, style.key, style.value, style.code)
        weights = next(self._model.parameters())
        # Moving or casting the weights changes their address; changes in place need no recording.
        key = weights.data_ptr(), *((each.shape, each.stride(), each.dtype) for each in inputs)
        recording = self._recordings.pop(key, None)
        if recording is None:
            if len(self._recordings) == KEPT:
                self._recordings.popitem(last=False)
            recording = record(self._model, inputs)
        self._recordings[key] = recording
        for place, value in zip(recording.inputs, inputs, strict=True):
            place.copy_(value)
        recording.graph.replay()
        return recording.output.clone()


def record_network(model: StyleKernelNetwork) -> bool:
    """Run a network on CUDA by recordings from now on; return whether a trial worked.

    If not, or on another device, a warning is logged and the model stays as it was.
    """
    picture = torch.zeros(1, 3, _TRIED, _TRIED, device=model.device, dtype=model.dtype)
    picture = picture.contiguous(memory_format=torch.channels_last)
    if not _is_on_gpu(picture):
        logger.warning("CUDA graphs need a CUDA device, got %s: running without", model.device)
        return False
    forward = RecordedForward(model)
    with torch.no_grad():
        forward(picture, model.encode_style(picture))
    if forward.works:
        # Where torch.compile puts its replacement of a module's forward; copies leave it behind.
        model._compiled_call_impl = forward  # pyright: ignore[reportPrivateUsage]
    return forward.works


def record(model: StyleKernelNetwork, inputs: tuple[Tensor, ...]) -> Recording:
    """Record a pass over copies of a content and of the key, value and code of a style."""
    # Outside inference mode, so that any later call may write to the copies.
    with torch.inference_mode(False), torch.no_grad():
        content, key, value, code = copies = tuple(each.clone() for each in inputs)
        style = EncodedStyle(key, value, code)
        stream = torch.cuda.Stream(content.device)
        stream.wait_stream(torch.cuda.current_stream(content.device))
        with torch.cuda.stream(stream):
            # Compiling and autotuning at the first calls must not be part of the recording.
            for _ in range(_WARM_UPS):
                model.forward(content, style)
        torch.cuda.current_stream(content.device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = model.forward(content, style)
    return Recording(graph, copies, output)


def _is_recordable(content: Tensor, style: Any, strength: Any) -> bool:
    return (
        _is_on_gpu(content)
        and content[:, 0].numel() <= MOST_PIXELS
        and isinstance(style, EncodedStyle)
        and not isinstance(strength, Tensor)
        and strength == 1
        and not torch.is_grad_enabled()
    )


def _is_on_gpu(tensor: Tensor) -> bool:
    return tensor.is_cuda
