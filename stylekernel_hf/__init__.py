"""Arbitrary artistic style transfer with dynamic style kernels (Xu, Long and Nie, CVPR 2023).

from stylekernel_hf import pipeline

pipe = pipeline("style-kernel")
image = pipe("photo.jpg", "painting.jpg").images[0]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stylekernel_hf.diffusers_pipeline import (
        StyleKernelDiffusionModel,
        StyleKernelDiffusionPipeline,
    )
    from stylekernel_hf.explanation import Explanation
    from stylekernel_hf.file_painting import stylize_file
    from stylekernel_hf.freed_memory import give_back_freed_memory, keep_freed_memory
    from stylekernel_hf.hub import load_checkpoint
    from stylekernel_hf.image_io import load_image
    from stylekernel_hf.image_writing import save_image
    from stylekernel_hf.metadata.picture_metadata import PictureMetadata
    from stylekernel_hf.metadata.reading import read_metadata
    from stylekernel_hf.model.config import StyleKernelConfig
    from stylekernel_hf.model.presets import build_model
    from stylekernel_hf.model.style_embedding import StyleEmbedding
    from stylekernel_hf.model.style_kernel import StyleKernelModel
    from stylekernel_hf.model.style_library import StyleLibrary
    from stylekernel_hf.pipeline_style_kernel import StyleKernelPipeline, StyleKernelPipelineOutput
    from stylekernel_hf.processors import share_processors
    from stylekernel_hf.repository.card import CardDetails
    from stylekernel_hf.tasks import pipeline
    from stylekernel_hf.transformers_pipeline import register_with_transformers

__version__ = "0.1.0"

__all__ = [
    "CardDetails",
    "Explanation",
    "PictureMetadata",
    "StyleEmbedding",
    "StyleKernelConfig",
    "StyleKernelDiffusionModel",
    "StyleKernelDiffusionPipeline",
    "StyleKernelModel",
    "StyleKernelPipeline",
    "StyleKernelPipelineOutput",
    "StyleLibrary",
    "build_model",
    "give_back_freed_memory",
    "keep_freed_memory",
    "load_checkpoint",
    "load_image",
    "pipeline",
    "read_metadata",
    "register_with_transformers",
    "save_image",
    "share_processors",
    "stylize_file",
]

# Names are imported on first use: torch alone takes more than a second.
_HOMES = {
    "CardDetails": "stylekernel_hf.repository.card",
    "Explanation": "stylekernel_hf.explanation",
    "PictureMetadata": "stylekernel_hf.metadata.picture_metadata",
    "StyleEmbedding": "stylekernel_hf.model.style_embedding",
    "StyleKernelConfig": "stylekernel_hf.model.config",
    "StyleKernelDiffusionModel": "stylekernel_hf.diffusers_pipeline",
    "StyleKernelDiffusionPipeline": "stylekernel_hf.diffusers_pipeline",
    "StyleKernelModel": "stylekernel_hf.model.style_kernel",
    "StyleKernelPipeline": "stylekernel_hf.pipeline_style_kernel",
    "StyleKernelPipelineOutput": "stylekernel_hf.pipeline_style_kernel",
    "StyleLibrary": "stylekernel_hf.model.style_library",
    "build_model": "stylekernel_hf.model.presets",
    "give_back_freed_memory": "stylekernel_hf.freed_memory",
    "keep_freed_memory": "stylekernel_hf.freed_memory",
    "load_checkpoint": "stylekernel_hf.hub",
    "load_image": "stylekernel_hf.image_io",
    "pipeline": "stylekernel_hf.tasks",
    "read_metadata": "stylekernel_hf.metadata.reading",
    "register_with_transformers": "stylekernel_hf.transformers_pipeline",
    "save_image": "stylekernel_hf.image_writing",
    "share_processors": "stylekernel_hf.processors",
    "stylize_file": "stylekernel_hf.file_painting",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
