"""What a training run is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.precision import resolve_precision
from stylekernel_hf.training.setting_checks import (
    check_color_augmentation,
    check_counts,
    check_fixed,
    check_learning_rate,
    make_plain,
)


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of one run; `train` documents each in the command line's words.

    Two runs with the same settings, files and number of threads take the same trajectory, however
    often they were stopped and resumed on the way. `mixed_precision` stays as given, and
    `precision` is what "auto" is on this machine. `rank` 0 trains all weights, another one changes
    of this rank alone. `scale_and_shift` trains a scale and a shift of each channel alone. `fixed`
    names parts of the network that stay as they are.
    `before_after` draws the held-out pairs before and after the run, for the card.
    Every `temporal_every` steps, the temporal term, if it has a weight, paints the contents once
    more: such a step took 22 % longer, with the 16x perceptual network.
    """

    contents: tuple[Path, ...]
    styles: tuple[Path, ...]
    output: Path
    perceptual: Path | None = None
    encoder_init: bool = False
    fixed: tuple[str, ...] = ()
    rank: int = 0
    scale_and_shift: bool = False
    before_after: bool = False
    steps: int = 20_000
    batch_size: int = 4
    size: int = 256
    style_size: int = 224
    min_zoom: float = 1.0
    max_zoom: float = 1.5
    distinct_crops: int = 0
    color_augmentation: float = 0.4
    code_dropout: float = 0.0
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    attention_steps: int = 0
    ema_decay: float = 0.999
    identity_every: int = 4
    temporal_every: int = 2
    weights: LossWeights = field(default_factory=LossWeights)
    mixed_precision: str = "auto"
    seed: int = 0
    save_every: int = 500
    sheet_every: int = 500
    log_every: int = 20
    loader_workers: int = 1
    cache_gigabytes: float = 4.0
    accumulate: int = 1
    log_with: str | None = None

    def __post_init__(self) -> None:
        make_plain(self)
        check_counts(
            steps=self.steps,
            batch_size=self.batch_size,
            save_every=self.save_every,
            sheet_every=self.sheet_every,
            log_every=self.log_every,
            temporal_every=self.temporal_every,
            accumulate=self.accumulate,
        )
        for name in ("size", "style_size"):
            if getattr(self, name) % 16:
                raise ValueError(f"{name} must be a multiple of 16 px, got {getattr(self, name)}")
            if getattr(self, name) < 32:
                raise ValueError(f"{name} must be at least 32 px, got {getattr(self, name)}")
        if self.min_zoom < 1:
            raise ValueError(f"min_zoom must be at least 1, got {self.min_zoom}")
        if self.max_zoom < self.min_zoom:
            raise ValueError(
                f"max_zoom must be at least min_zoom ({self.min_zoom}), got {self.max_zoom}"
            )
        for name in ("distinct_crops", "attention_steps", "rank"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        check_fixed(self.fixed)
        if self.encoder_init and self.fixed:
            raise ValueError("encoder_init starts new encoders: it does not go with fixed")
        if self.rank and (self.encoder_init or self.fixed):
            raise ValueError(
                "rank trains changes of all layers: it does not go with encoder_init or fixed"
            )
        if self.rank and self.scale_and_shift:
            raise ValueError(
                "rank and scale_and_shift each train one thing alone: give one of them"
            )
        check_color_augmentation(self.color_augmentation)
        if not 0 <= self.code_dropout < 1:
            raise ValueError(f"code_dropout must lie in [0, 1), got {self.code_dropout}")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must lie in [0, 1), got {self.ema_decay}")
        check_learning_rate(self.learning_rate)
        resolve_precision(self.mixed_precision)
        if self.log_with not in (None, "tensorboard"):
            raise ValueError(f"log_with must be tensorboard, or None, got {self.log_with!r}")

    @property
    def precision(self) -> str:
        """The precision that this machine computes in: no, bf16 or fp16."""
        return resolve_precision(self.mixed_precision)

    @property
    def pairs_per_step(self) -> int:
        """Pairs of crops that one step of the optimizer sees, over all processes."""
        return self.batch_size * self.accumulate
