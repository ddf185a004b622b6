"""The moving average of the weights, which is what is kept of a run."""

from __future__ import annotations

from diffusers.training_utils import EMAModel

from stylekernel_hf.pretrained.model import StyleKernelModel


class AveragedWeights:
    """Puts the averaged weights into the model for a while."""

    def __init__(self, model: StyleKernelModel, ema: EMAModel) -> None:
        self.model = model
        self.ema = ema

    def __enter__(self) -> StyleKernelModel:
        self.ema.store(self.model.parameters())
        self.ema.copy_to(self.model.parameters())
        return self.model

    def __exit__(self, *_: object) -> None:
        self.ema.restore(self.model.parameters())
