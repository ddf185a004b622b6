"""Every way in which a repository of ours is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers import DiffusionPipeline

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, pipeline

Load = Callable[..., Any]
LOADERS: dict[str, Load] = {
    "pipeline class": StyleKernelPipeline.from_pretrained,
    "model class": lambda *a, **k: StyleKernelPipeline(StyleKernelModel.from_pretrained(*a, **k)),
    "task": lambda name, **k: pipeline("style-kernel", model=name, device="cpu", **k),
    "diffusers": lambda *a, **k: DiffusionPipeline.from_pretrained(*a, trust_remote_code=True, **k),
}


def weights_equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
