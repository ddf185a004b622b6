"""Settings for fine-tuning on a few paintings, by the name of a recipe and the kind of device."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stylekernel_hf.training.losses import LossWeights


@dataclass(frozen=True)
class FinetuneRecipe:
    """The settings by which recipes differ, each as in `TrainingSettings`."""

    steps: int
    batch_size: int
    size: int
    style_size: int
    max_zoom: float
    identity_every: int
    loader_workers: int
    weights: LossWeights


_GENTLE = FinetuneRecipe(
    steps=300,
    batch_size=4,
    size=256,
    style_size=224,
    max_zoom=1.5,
    identity_every=4,
    loader_workers=1,
    weights=LossWeights(content=1.5, style=20.0, smoothness=2.0),
)
_STRONG = FinetuneRecipe(
    steps=120,
    batch_size=3,
    size=320,
    style_size=384,
    max_zoom=1.35,
    identity_every=0,
    loader_workers=1,
    weights=LossWeights(
        content=1.2, style=30.0, coarse_style=4.0, pattern=12.0, near=3.0, smoothness=2.0
    ),
)


def _on_gpu(recipe: FinetuneRecipe, steps: int) -> FinetuneRecipe:
    return replace(
        recipe,
        steps=steps,
        batch_size=16,
        size=_STRONG.size,
        style_size=_STRONG.style_size,
        max_zoom=_STRONG.max_zoom,
        loader_workers=2,
    )


# The steps on a GPU are an estimate, not a measurement: two minutes on a quarter of the slowest
# rate of small on an H200 in docs/pages/training.md, if a pair of gentle takes twice as long as one
# there, and a pair of strong four times.
_RECIPES = {
    "gentle": {"cpu": _GENTLE, "cuda": _on_gpu(_GENTLE, steps=150)},
    "strong": {"cpu": _STRONG, "cuda": _on_gpu(_STRONG, steps=80)},
}


def finetune_recipe(name: str, device_type: str) -> FinetuneRecipe:
    """Return the recipe "gentle" or "strong" for a type of `torch.device`.

    "cuda" gets few steps of large batches. All others get the CPU's values: Apple's GPUs ("mps")
    are slower and share their memory with the system. ValueError for an unknown recipe.
    """
    if name not in _RECIPES:
        known = " or ".join(map(repr, _RECIPES))
        raise ValueError(f"recipe must be {known}, got {name!r}")
    devices = _RECIPES[name]
    return devices.get(device_type, devices["cpu"])
