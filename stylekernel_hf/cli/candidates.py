"""The checkpoints that `evaluate` scores side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stylekernel_hf.pipelines.call_checks import check_strength

if TYPE_CHECKING:
    import torch

    from stylekernel_hf.evaluation.candidate import Candidate
    from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline

EMBEDDED = "embedded"
"""The name of the weights in the package, where a checkpoint is named."""


def load_pipelines(models: list[str], device: str | None) -> dict[str, StyleKernelPipeline]:
    """Load every model by its name; "embedded" means the weights in the package.

    Raises ValueError for a model that is named twice.
    """
    from stylekernel_hf.devices.processors import share_processors
    from stylekernel_hf.pipelines.tasks import pipeline

    _check_distinct("model", models)
    share_processors()
    return {
        name: pipeline("style-kernel", model=None if name == EMBEDDED else name, device=device)
        for name in models
    }


def load_candidates(
    models: list[str], strengths: list[float], device: str | None
) -> tuple[list[Candidate], torch.device]:
    """Load every model once and return it at every strength, with the device of all of them.

    Raises ValueError for a model or strength that is named twice, or a strength outside [0, 1].
    """
    from stylekernel_hf.evaluation.candidate import Candidate

    _check_distinct("strength", strengths)
    for strength in strengths:
        check_strength(strength)
    pipes = load_pipelines(models, device)
    candidates = [
        Candidate(
            name,
            stylizer,
            pipe.encode_style,
            strength,
            without_alignment=stylizer.without_alignment,
        )
        for name, pipe in pipes.items()
        for strength in strengths
        for stylizer in [_Stylizer(pipe, strength)]
    ]
    return candidates, next(iter(pipes.values())).device


class _Stylizer:
    def __init__(self, pipe: StyleKernelPipeline, strength: float) -> None:
        self.pipe, self.strength = pipe, strength

    def __call__(self, content: torch.Tensor, style: Any) -> torch.Tensor:
        return self.pipe(content, style, strength=self.strength, output_type="pt").images[0][None]

    def without_alignment(self, content: torch.Tensor, style: Any) -> torch.Tensor:
        """Stylize with the aligned feature averaged over the picture, or over each tile."""
        hook = self.pipe.model.style_alignment.register_forward_hook(_averaged)
        try:
            return self(content, style)
        finally:
            hook.remove()


def _averaged(_module: object, _inputs: object, aligned: torch.Tensor) -> torch.Tensor:
    return aligned.mean(dim=(2, 3), keepdim=True).expand_as(aligned).contiguous()


def _check_distinct(name: str, values: list[str] | list[float]) -> None:
    for value in values:
        if values.count(value) > 1:  # type: ignore[arg-type]
            raise ValueError(f"{name} must have different values, got {value} twice")
