"""The training loop, on accelerate."""

from __future__ import annotations

import json
import logging
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration, set_seed
from diffusers.training_utils import EMAModel
from torch import Tensor
from torch.utils.data import DataLoader

from stylekernel_hf.image_io import list_images
from stylekernel_hf.image_processor import crop_back, pad_to_multiple
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from stylekernel_hf.model.style_embedding import StyleEmbedding
from stylekernel_hf.model.style_kernel import StyleKernelModel
from stylekernel_hf.training.checkpoints import latest_checkpoint, save_checkpoint, save_model
from stylekernel_hf.training.crops import CropPair, CropPairs, RandomCrops, unit_batch
from stylekernel_hf.training.encoder_init import initialise_encoders
from stylekernel_hf.training.losses import identity_loss, stylization_losses
from stylekernel_hf.training.muon import Muon
from stylekernel_hf.training.sample_sheet import SampleSheet
from stylekernel_hf.training.schedule import cosine_with_warmup
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.targets import PerceptualTargets

logger = logging.getLogger(__name__)

# Pictures of each kind that are kept out of training for the sample sheets.
HELD_OUT = 5
# Gradients are scaled down to this norm, so that one odd pair cannot throw the weights far.
MAX_GRADIENT_NORM = 5.0
# In px. The pipeline's margin would more than double the work on a crop; what is left of the zero
# padding's influence within it, the network learns to live with.
TRAINING_MARGIN = 16


class Trainer:
    """Trains `model` in place; `run` returns when all steps are done.

    The output folder gets `log.jsonl` (every term, every `log_every` steps), `sheets/`,
    `checkpoints/` (the newest two, to resume from) and, at the end and at every save, `model/`
    with the averaged weights.
    """

    def __init__(self, model: StyleKernelModel, settings: TrainingSettings) -> None:
        self.settings = settings
        self.output = settings.output
        self.accelerator = Accelerator(
            mixed_precision=settings.mixed_precision,
            dataloader_config=DataLoaderConfiguration(split_batches=True),
        )
        set_seed(settings.seed)
        contents, held_contents = _hold_out(_list_all(settings.contents), settings.seed)
        styles, held_styles = _hold_out(_list_all(settings.styles), settings.seed)
        self.sheet = SampleSheet(held_contents, held_styles, size=settings.size)
        self.pairs = _crop_pairs(contents, styles, settings)
        device = self.accelerator.device
        model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.perceptual = load_perceptual_network(settings.perceptual).to(device)
        if settings.encoder_init:
            initialise_encoders(model, self.perceptual)
        self.targets = PerceptualTargets(self.perceptual, keep=settings.distinct_crops > 0)
        optimizer = Muon(model, lr=settings.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._learning_rate_factor)
        self.ema = EMAModel(model.parameters(), decay=settings.ema_decay, use_ema_warmup=False)
        self.ema.to(device)
        self.plain_model = model
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.schedule = schedule
        self.accelerator.register_for_checkpointing(schedule, self.ema)
        self.step = 0

    def run(self, on_step: Callable[[int, dict[str, float]], None] | None = None) -> None:
        """Train from the newest checkpoint in the output folder, or from the start.

        `on_step` is called after every step with its number and the terms last logged.
        """
        self.output.mkdir(parents=True, exist_ok=True)
        self._resume()
        settings = self.settings
        running: dict[str, list[Tensor]] = {}
        logged: dict[str, float] = {}
        began = time.perf_counter()
        for batch in self._batches():
            for name, value in self._train_step(batch).items():
                running.setdefault(name, []).append(value)
            self.step += 1
            if self.step % settings.log_every == 0 or self.step == settings.steps:
                logged = {name: torch.stack(v).mean().item() for name, v in running.items()}
                self._check_finite(logged)
                seconds = (time.perf_counter() - began) / settings.log_every
                rate = float(self.schedule.get_last_lr()[0])
                self._log(logged | {"seconds": seconds, "lr": rate})
                running, began = {}, time.perf_counter()
            done = self.step == settings.steps
            if self.step % settings.sheet_every == 0 or done:
                self._draw_sheet()
            if self.step % settings.save_every == 0 or done:
                self._save()
            if on_step:
                on_step(self.step, logged)

    def _train_step(self, batch: CropPair) -> dict[str, Tensor]:
        device = self.accelerator.device
        content, style = unit_batch(batch.content, device), unit_batch(batch.style, device)
        weights = self.settings.weights
        generator = torch.Generator().manual_seed(self.settings.seed + self.step)
        with self.accelerator.autocast():
            stylized = self._stylize(content, self.plain_model.encode_style(style))
            structure = self.targets.structure(content, torch.as_tensor(batch.content_number))
            statistics = self.targets.statistics(style, torch.as_tensor(batch.style_number))
            terms = stylization_losses(
                self.perceptual, stylized, structure, statistics, style, generator
            )
            loss = sum(getattr(weights, name) * value for name, value in terms.items())
            every = self.settings.identity_every
            if every and self.step % every == 0:
                terms["identity"] = self._identity_term(content, style)
                loss = loss + weights.identity * terms["identity"]
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        self.ema.step(self.plain_model.parameters())
        measured = {name: value.detach() for name, value in terms.items()}
        return measured if norm is None else measured | {"gradient_norm": norm}

    def _identity_term(self, content: Tensor, style: Tensor) -> Tensor:
        half = max(1, len(style) // 2)
        terms = [
            identity_loss(self._stylize(images, self.plain_model.encode_style(images)), images)
            for images in (style[:half], content[half:])
            if len(images)
        ]
        return torch.stack(terms).mean()

    def _stylize(self, content: Tensor, style: StyleEmbedding) -> Tensor:
        padded, padding = pad_to_multiple(content, self.plain_model.stride, TRAINING_MARGIN)
        padded = padded.contiguous(memory_format=torch.channels_last)
        return crop_back(self.model(padded, style), padding)

    def _batches(self) -> DataLoader[CropPair]:
        settings = self.settings
        size = settings.batch_size
        loader = DataLoader(
            self.pairs,
            batch_size=size,
            sampler=range(self.step * size, settings.steps * size),
            num_workers=settings.loader_workers,
            prefetch_factor=8 if settings.loader_workers else None,
        )
        return self.accelerator.prepare(loader)

    def _learning_rate_factor(self, step: int) -> float:
        settings = self.settings
        return cosine_with_warmup(
            step, settings.steps, warmup_steps=settings.warmup_steps, floor=0.002
        )

    def _resume(self) -> None:
        checkpoint = latest_checkpoint(self.output)
        if checkpoint is not None:
            self.accelerator.load_state(str(checkpoint))
            self.step = int(checkpoint.name.removeprefix("step_"))
            logger.info("resuming from step %d", self.step)

    def _save(self) -> None:
        save_checkpoint(self.accelerator, self.output, self.step)
        if self.accelerator.is_main_process:
            with self._averaged_weights() as model:
                save_model(model, self.output / "model")

    def _draw_sheet(self) -> None:
        if self.accelerator.is_main_process:
            with self._averaged_weights() as model:
                self.sheet.draw(model, self.output / "sheets" / f"step_{self.step:07d}.jpg")

    def _averaged_weights(self) -> _AveragedWeights:
        return _AveragedWeights(self.plain_model, self.ema)

    def _check_finite(self, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"the {name} term became {value} before step {self.step}; the newest "
                    f"checkpoint in '{self.output}' is intact: resume it with a lower learning_rate"
                )

    def _log(self, terms: dict[str, float]) -> None:
        if self.accelerator.is_main_process:
            line = {"step": self.step, **{name: round(v, 6) for name, v in terms.items()}}
            with (self.output / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")


class _AveragedWeights:
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


def _list_all(folders: tuple[Path, ...]) -> list[Path]:
    return [path for folder in folders for path in list_images(folder)]


def _hold_out(paths: list[Path], seed: int) -> tuple[list[Path], list[Path]]:
    held = random.Random(seed).sample(paths, min(HELD_OUT, max(1, len(paths) // 2)))
    chosen = set(held)
    return [path for path in paths if path not in chosen] or held, held


def _crop_pairs(contents: list[Path], styles: list[Path], settings: TrainingSettings) -> CropPairs:
    zoom_and_cache: dict[str, Any] = {
        "min_zoom": settings.min_zoom,
        "max_zoom": settings.max_zoom,
        "cache_bytes": int(settings.cache_gigabytes * 2**30 / 2),
    }
    return CropPairs(
        RandomCrops(contents, settings.size, **zoom_and_cache),
        RandomCrops(styles, settings.style_size, **zoom_and_cache),
        seed=settings.seed,
        color_augmentation=settings.color_augmentation,
        distinct_crops=settings.distinct_crops,
    )
