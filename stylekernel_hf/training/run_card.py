"""What a model card says of the run that made the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from stylekernel_hf.hub.card import CardDetails
from stylekernel_hf.hub.sources import is_hub_id
from stylekernel_hf.images.folder import scan_folder
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.streams import PREFIX, dataset_name

_TEXT = """\
- Photos: {contents}
- Paintings: {styles}
- Started from {start}.
- {steps:,} steps of {pairs} pairs (crops of {size} px, paintings {style_size} px), with a learning
  rate of {learning_rate} at its peak, in {precision}, seed {seed}{alone}.
- Loss: {terms}, on {perceptual}.

Made by

    {command}
"""

_BEFORE_AFTER = """\
The picture at the top shows held-out photos in held-out paintings. Of the two rows of each photo,
the first was made before the run and the second after it.
"""


def run_card(
    settings: TrainingSettings,
    *,
    init: str | Path | None,
    preset: str | None,
    command: Sequence[str],
    learning_rates: Mapping[int, float] | None = None,
) -> CardDetails:
    """Describe a run that starts from `init`, a folder or Hub id, from a preset, or both.

    `learning_rates` has, if it was changed on the way, every rate by the step after which it holds.
    Of folders only the names are told, never where on the disk they are.
    """
    perceptual = f"`{settings.perceptual.name}`" if settings.perceptual else "torchvision's VGG-19"
    text = _TEXT.format(
        contents=_count(settings.contents),
        styles=_count(settings.styles),
        start=_start(init, preset),
        steps=settings.steps,
        pairs=settings.pairs_per_step,
        size=settings.size,
        style_size=settings.style_size,
        learning_rate=_rates(learning_rates or {0: settings.learning_rate}),
        precision="float32"
        if settings.precision == "no"
        else f"mixed precision ({settings.precision})",
        seed=settings.seed,
        alone=_trained_alone(settings),
        terms=_terms(settings),
        perceptual=perceptual,
        command=" ".join(_without_place(word) for word in command),
    )
    named = [dataset_name(folder) for folder in (*settings.contents, *settings.styles)]
    ids = [name for name in named if name is not None and is_hub_id(name)]
    return CardDetails(training_data=text, datasets=list(dict.fromkeys(ids)))


def _trained_alone(settings: TrainingSettings) -> str:
    if settings.rank:
        return f"; changes of rank {settings.rank} alone"
    return "; a scale and a shift of each channel alone" if settings.scale_and_shift else ""


def with_before_after(card: CardDetails | None, sheet: Path) -> CardDetails:
    """Add the sheet of pairs before and after the run to a card."""
    card = card or CardDetails()
    text = f"{card.training_data or ''}\n{_BEFORE_AFTER}".lstrip()
    return replace(card, samples=[*card.samples, sheet], training_data=text)


def _terms(settings: TrainingSettings) -> str:
    weights = {each.name: getattr(settings.weights, each.name) for each in fields(LossWeights)}
    text = ", ".join(
        f"{name.replace('_', ' ')} {weight:g}" for name, weight in weights.items() if weight
    )
    if settings.code_dropout:
        text += f", without the style code in {settings.code_dropout:.0%} of the pairs"
    return text or "none"


def _rates(rates: Mapping[int, float]) -> str:
    later = ", ".join(f"{rate:g} after step {step:,}" for step, rate in rates.items() if step)
    return f"{rates[0]:g} ({later})" if later else f"{rates[0]:g}"


def _count(folders: Sequence[Path]) -> str:
    counts: list[str] = []
    for folder in folders:
        dataset = dataset_name(folder)
        if dataset is None:
            counts.append(f"`{folder.resolve().name}` ({len(scan_folder(folder).images):,})")
        else:
            counts.append(f"the data set `{_without_place(dataset)}`")
    return ", ".join(counts)


def _start(init: str | Path | None, preset: str | None) -> str:
    if init is None:
        return f"random weights of the preset `{preset or 'small'}`"
    if Path(init) == EMBEDDED_CHECKPOINT:
        start = "the weights that come with stylekernel_hf"
    else:
        start = f"`{Path(init).name if Path(init).exists() else init}`"
    return f"{start}, widened to the preset `{preset}`" if preset else start


def _without_place(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={_without_place(value)}"
    if word.startswith(PREFIX):
        return PREFIX + _without_place(word.removeprefix(PREFIX))
    return Path(word).name if Path(word).is_absolute() else word
