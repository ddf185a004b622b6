"""Teaches the style side what sets paintings apart, before the network learns to paint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from stylekernel_hf.images.folder import list_images
from stylekernel_hf.metrics.distances import statistics_distance, style_statistics
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.crops import RandomCrops, draw_style, unit_batch
from stylekernel_hf.training.muon import Muon
from stylekernel_hf.training.precision import resolve_precision
from stylekernel_hf.training.schedule import cosine_with_warmup
from stylekernel_hf.training.setting_checks import (
    check_color_augmentation,
    check_counts,
    check_learning_rate,
    make_plain,
)
from stylekernel_hf.training.sole_training import check_sole_training, sole_training

WARMUP_STEPS = 50
# The whole crop, then its quadrants; mirrored, left and right quadrants change places.
REGIONS = 5
MIRRORED_REGIONS = (0, 2, 1, 4, 3)


@dataclass(frozen=True)
class StylePretrainingSettings:
    """Settings of one run; `pretrain` documents each in the command line's words."""

    styles: tuple[Path, ...]
    output: Path
    perceptual: Path | None = None
    steps: int = 3000
    batch_size: int = 16
    size: int = 192
    max_zoom: float = 2.5
    color_augmentation: float = 0.4
    distinct_crops: int = 8000
    learning_rate: float = 1e-3
    mixed_precision: str = "auto"
    seed: int = 0
    cache_gigabytes: float = 4.0

    def __post_init__(self) -> None:
        make_plain(self)
        check_counts(
            steps=self.steps,
            batch_size=self.batch_size,
            distinct_crops=self.distinct_crops,
        )
        if self.size < 64 or self.size % 32:
            raise ValueError(f"size must be a multiple of 32 px, at least 64, got {self.size}")
        if self.max_zoom < 1:
            raise ValueError(f"max_zoom must be at least 1, got {self.max_zoom}")
        check_color_augmentation(self.color_augmentation)
        check_learning_rate(self.learning_rate)
        resolve_precision(self.mixed_precision)


class StylePretrainer:
    """Trains the style encoder and the style code of `model` in place.

    A linear layer on the style code, dropped afterwards, learns to predict the statistics of the
    perceptual features that styles are scored by, of crops and of their quadrants. From painting
    alone, a small encoder is slow to learn to tell textures apart; and what the code does not
    tell, no decoder can paint.
    """

    def __init__(self, model: StyleKernelModel, settings: StylePretrainingSettings) -> None:
        check_sole_training(settings.output)
        self.settings = settings
        self.model = model
        self.accelerator = Accelerator(mixed_precision=resolve_precision(settings.mixed_precision))
        set_seed(settings.seed)
        device = self.accelerator.device
        model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.perceptual = load_perceptual_network(settings.perceptual).to(device)
        self.crops = RandomCrops(
            [path for folder in settings.styles for path in list_images(folder)],
            settings.size,
            max_zoom=settings.max_zoom,
            cache_bytes=int(settings.cache_gigabytes * 2**30),
        )
        self.kept: dict[int, tuple[Tensor, Tensor]] = {}
        self.widths: list[int] = []

    def run(self, on_step: Callable[[int, float], None] | None = None) -> float:
        """Train, write `model/` to the output folder, and return the mean of the last distances.

        The distance is `style_distance`'s, between the predicted and the real statistics: about
        what a picture painted from the code must be away from its style. `on_step` is called
        after every step with its number and the distance. OSError where another training is going
        on in the folder.
        """
        self.settings.output.mkdir(parents=True, exist_ok=True)
        with sole_training(self.settings.output):
            return self._run(on_step)

    def _run(self, on_step: Callable[[int, float], None] | None) -> float:
        settings = self.settings
        generator = torch.Generator().manual_seed(settings.seed)
        predictor = self._predictor()
        optimizer = Muon(predictor, lr=settings.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: cosine_with_warmup(step, settings.steps, warmup_steps=WARMUP_STEPS),
        )
        distances: list[float] = []
        for step in range(settings.steps):
            numbers = torch.randint(
                settings.distinct_crops, (settings.batch_size,), generator=generator
            )
            images, targets = self._batch(numbers.tolist(), mirrored=step % 2 == 1)
            with self.accelerator.autocast():
                predicted = predictor(images)
            loss = statistics_distance(
                predicted.split(self.widths, dim=1), targets.split(self.widths, dim=1)
            ).mean()
            if not loss.isfinite():
                raise FloatingPointError(
                    f"the distance became {loss.item()} in step {step + 1}: use a lower "
                    f"learning_rate than {settings.learning_rate}"
                )
            self.accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            distances.append(loss.item())
            if on_step:
                on_step(step + 1, distances[-1])
        self.model.save_pretrained(settings.output / "model")
        return sum(distances[-100:]) / len(distances[-100:])

    def _predictor(self) -> _StatisticsPredictor:
        # The usual statistics and their size, of a few crops: what the linear layer starts from.
        count = min(64, self.settings.distinct_crops)
        _, usual = self._batch(list(range(count)), mirrored=False)
        sizes = [
            part.square().mean().sqrt().expand(width)
            for part, width in zip(usual.split(self.widths, dim=1), self.widths, strict=True)
        ]
        predictor = _StatisticsPredictor(self.model, usual.mean(dim=0), torch.cat(sizes))
        return predictor.to(self.accelerator.device)

    def _batch(self, numbers: list[int], *, mirrored: bool) -> tuple[Tensor, Tensor]:
        """Return the crops, and the statistics of the regions of each, region by region."""
        items = [self._crop(number) for number in numbers]
        images = torch.stack([image for image, _ in items])
        statistics = torch.stack([regions for _, regions in items], dim=1)
        if mirrored:
            # Networks trained on mirrored pictures, too, find much the same in them.
            images, statistics = images.flip(3), statistics[list(MIRRORED_REGIONS)]
        device = self.accelerator.device
        return unit_batch(images, device), statistics.flatten(0, 1).to(device)

    def _crop(self, number: int) -> tuple[UInt8[Tensor, "3 s s"], Float[Tensor, "r m"]]:
        """Draw a crop and measure its regions, the first time that it is asked for."""
        if number not in self.kept:
            settings = self.settings
            image = draw_style(self.crops, settings.seed, number, settings.color_augmentation)
            rgb = unit_batch(image[None], self.accelerator.device)
            with torch.no_grad(), self.accelerator.autocast():
                features = self.perceptual(rgb)
                measured = [style_statistics(parts) for parts in split_regions(features)]
            self.widths = [part.shape[1] for part in measured[0]]
            rows = [torch.cat(parts, dim=1) for parts in measured]
            self.kept[number] = image, torch.cat(rows).cpu()
        return self.kept[number]


class _StatisticsPredictor(nn.Module):
    """The style side of a model, and the linear layer that reads statistics off the code."""

    mean: Tensor
    size: Tensor

    def __init__(self, model: StyleKernelModel, mean: Tensor, size: Tensor) -> None:
        super().__init__()
        self.style_encoder = model.style_encoder
        self.style_code = model.style_code
        self.linear = nn.Linear(model.config.code_channels, len(mean))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("mean", mean)
        self.register_buffer("size", size)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "rb m"]:
        """Predict the statistics of the regions of the images, region by region."""
        features = self.style_encoder(images)
        codes = [
            self.style_code(image, features)
            for image, *features in split_regions([images, *features])
        ]
        return self.mean + self.size * self.linear(torch.cat(codes)).float()


def split_regions(layers: list[Tensor]) -> list[list[Tensor]]:
    """Return all layers of the whole, then of each quadrant: left to right, then downwards."""
    regions = [layers]
    for rows in (0, 1):
        for columns in (0, 1):
            regions.append([_quadrant(layer, rows, columns) for layer in layers])
    return regions


def _quadrant(features: Float[Tensor, "b c h w"], row: int, column: int) -> Tensor:
    half = features.chunk(2, dim=2)[row]
    return half.chunk(2, dim=3)[column]
