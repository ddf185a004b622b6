"""The network compiled for training."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from stylekernel_hf.pipelines.compilation import compile_parts
from stylekernel_hf.pretrained.model import StyleKernelModel


def compile_for_training(
    model: StyleKernelModel, autocast: AbstractContextManager[object], *, size: int
) -> bool:
    """Compile the parts that take the most time, and try them with gradients on `size` px a side.

    Return whether that worked; if not, a warning is logged and the model left as it was.
    """
    parts = (model.content_encoder, model.style_encoder, model.style_alignment, model.decoder)

    def train_once() -> None:
        picture = torch.zeros(1, 3, size, size, device=model.device)
        picture = picture.contiguous(memory_format=torch.channels_last)
        with autocast:
            model(picture, model.encode_style(picture)).sum().backward()

    worked = compile_parts(parts, train_once)
    model.zero_grad()
    return worked
