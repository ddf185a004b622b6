"""The checkpoints that `evaluate` scores side by side."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from stylekernel_hf.cli.exported_models import ExportedModel, is_export
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

    Folders that `stylekernel export` wrote run in ONNX Runtime.

    Raises ValueError for a model or strength that is named twice, or a strength outside [0, 1].
    """
    from stylekernel_hf.devices.resolution import best_device, resolve_device

    _check_distinct("model", models)
    _check_distinct("strength", strengths)
    for strength in strengths:
        check_strength(strength)
    pipes = load_pipelines([name for name in models if not is_export(name)], device)
    candidates: list[Candidate] = []
    for name in models:
        if name in pipes:
            candidates += _of_pipeline(name, pipes[name], strengths)
        else:
            candidates += _of_export(name, strengths)
    if pipes:
        return candidates, next(iter(pipes.values())).device
    return candidates, best_device() if device is None else resolve_device(device)


def _of_pipeline(
    name: str, pipe: StyleKernelPipeline, strengths: list[float]
) -> Iterator[Candidate]:
    from stylekernel_hf.evaluation.candidate import Candidate

    for strength in strengths:
        stylizer = _Stylizer(pipe, strength)
        yield Candidate(
            name,
            stylizer,
            pipe.encode_style,
            strength,
            without_alignment=stylizer.without_alignment,
        )


def _of_export(name: str, strengths: list[float]) -> Iterator[Candidate]:
    from stylekernel_hf.evaluation.candidate import Candidate

    exported = ExportedModel(name)
    for strength in strengths:
        stylize = partial(exported.stylize, strength=strength)
        yield Candidate(name, stylize, exported.encode_style, strength)


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
