"""The pipeline and its network as classes of diffusers.

They are separate classes, because importing diffusers takes longer than the rest of a start.
"""

from __future__ import annotations

import os
from typing import Any

from diffusers.models.modeling_utils import ModelMixin
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from torch import nn
from typing_extensions import Self

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.model import StyleKernelModel

# Options that diffusers passes to every component, with the values that change nothing here.
_HARMLESS_OPTIONS: dict[str, tuple[object, ...]] = {
    "disable_mmap": (False, True),
    "low_cpu_mem_usage": (False, True),
    "max_memory": (None,),
    "offload_folder": (None,),
    "offload_state_dict": (None, False),
    "use_flashpack": (False,),
    "use_safetensors": (None, True),
}


class StyleKernelDiffusionModel(StyleKernelModel, ModelMixin):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A StyleKernelModel that is a ModelMixin of diffusers too, with the same config and weights.

    diffusers passes `variant` and other options of weights to a ModelMixin only.
    """

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, pretrained_model_name_or_path: str | os.PathLike[str], **options: Any
    ) -> Self:
        """Load the network as `StyleKernelModel.from_pretrained` does, with the same options.

        Further options that diffusers passes to every component must have values that change
        nothing: others raise a ValueError.
        """
        for name, harmless in _HARMLESS_OPTIONS.items():
            value = options.pop(name, harmless[0])
            if value not in harmless:
                raise ValueError(f"{name} is not supported, got {value!r}; leave it out")
        # diffusers' old name of dtype, which its pipelines still pass to components, even as None.
        if (dtype := options.pop("torch_dtype", None)) is not None:
            options["dtype"] = dtype
        return super().from_pretrained(pretrained_model_name_or_path, **options)

    # diffusers' own `to` warns of modules that stay in float32, even if there are none.
    to = nn.Module.to  # pyright: ignore[reportAssignmentType]


class StyleKernelDiffusionPipeline(StyleKernelPipeline, DiffusionPipeline):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A StyleKernelPipeline that is a DiffusionPipeline too.

    `DiffusionPipeline.from_pretrained(..., trust_remote_code=True)` returns such a pipeline. It
    stylizes, loads, saves and pushes as StyleKernelPipeline does, with the same errors.
    """

    _model_class = StyleKernelDiffusionModel

    def __init__(self, model: StyleKernelModel) -> None:
        super().__init__(model)
        # diffusers finds its components by this register.
        self.register_modules(model=model)
