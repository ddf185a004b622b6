"""The pipeline and its network for diffusers, which works with classes of its own.

They are classes by themselves, because importing diffusers takes longer than all the rest of a
start.
"""

from __future__ import annotations

from diffusers.models.modeling_utils import ModelMixin
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from torch import nn

from stylekernel_hf.model.style_kernel import StyleKernelModel
from stylekernel_hf.pipeline_style_kernel import StyleKernelPipeline


class StyleKernelDiffusionModel(StyleKernelModel, ModelMixin):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A StyleKernelModel that is a ModelMixin of diffusers too, with the same config and weights.

    diffusers hands `variant`, and what else concerns weights, to no other class.
    """

    # diffusers' own warns of modules that have to stay in float32, even if there are none.
    to = nn.Module.to  # pyright: ignore[reportAssignmentType]


class StyleKernelDiffusionPipeline(StyleKernelPipeline, DiffusionPipeline):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A StyleKernelPipeline that is a DiffusionPipeline too.

    `DiffusionPipeline.from_pretrained(..., trust_remote_code=True)` returns one. It paints, loads,
    saves and pushes as StyleKernelPipeline does, with the same errors.
    """

    _model_class = StyleKernelDiffusionModel

    def __init__(self, model: StyleKernelModel) -> None:
        super().__init__(model)
        # What diffusers looks up its components by.
        self.register_modules(model=model)
