"""The training loop, on accelerate."""

from __future__ import annotations

import contextlib
import copy
import logging
import math
from collections.abc import Callable, Iterator
from itertools import islice

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration, set_seed
from torch import Tensor
from torch.utils.data import DataLoader

from stylekernel_hf.hub.card import CardDetails
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from stylekernel_hf.pretrained.adapter import ADAPTER_NAME, Adapter, write_adapter
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training import attention_teaching, scale_and_shift
from stylekernel_hf.training.averaged_weights import average_weights, averaged_network
from stylekernel_hf.training.checkpoints import (
    check_weights,
    latest_checkpoint,
    load_checkpoint_into,
    remove_leftovers,
    save_checkpoint,
    step_of,
    told_where,
    what_is_left,
)
from stylekernel_hf.training.crops import CropPair
from stylekernel_hf.training.encoder_init import initialise_encoders
from stylekernel_hf.training.failed_step import save_failed_step
from stylekernel_hf.training.low_rank import changes, train_changes_alone
from stylekernel_hf.training.merged_weights import merged
from stylekernel_hf.training.muon import Muon
from stylekernel_hf.training.objective import Objective
from stylekernel_hf.training.run_card import with_before_after
from stylekernel_hf.training.run_log import RunLog
from stylekernel_hf.training.run_record import RunRecord
from stylekernel_hf.training.sample_sheet import SampleSheet
from stylekernel_hf.training.schedule import cosine_with_warmup
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.sole_training import check_sole_training, sole_training
from stylekernel_hf.training.throughput import Throughput, ThroughputMeter
from stylekernel_hf.training.training_data import load_training_data

logger = logging.getLogger(__name__)

# Gradients are scaled down to this norm, so that one odd pair cannot throw the weights far.
MAX_GRADIENT_NORM = 5.0

BEFORE_AFTER_NAME = "before_after.jpg"


class Trainer:
    """Trains `model` in place; `run` returns when all steps are done.

    The output folder gets `log.jsonl` (every term, every `log_every` steps), `sheets/`,
    `checkpoints/` (the newest two, to resume from) and, at the end and at every save, `model/`
    with the averaged weights and the model card of `card`. With a rank, `adapter.safetensors` holds
    the changes alone. With `before_after`, `before_after.jpg` and the card show the held-out pairs
    by the network as it was and as it is. The `record` is written before the first step.
    """

    def __init__(
        self,
        model: StyleKernelModel,
        settings: TrainingSettings,
        *,
        card: CardDetails | None = None,
        record: RunRecord | None = None,
    ) -> None:
        self.settings = settings
        self.card = card
        self.record = record
        self.output = settings.output
        self.accelerator = Accelerator(
            mixed_precision=settings.precision,
            dataloader_config=DataLoaderConfiguration(split_batches=True),
            log_with=settings.log_with,
            project_dir=self.output,
        )
        if self.accelerator.is_main_process:
            check_sole_training(self.output)
        _check_shares(settings.batch_size, self.accelerator.num_processes)
        set_seed(settings.seed)
        # Crops all have one size: what cuDNN learns of a convolution's shape serves every step.
        torch.backends.cudnn.benchmark = True
        data = load_training_data(settings)
        self.pairs = data.pairs
        self.sheet = SampleSheet(data.held_contents, data.held_styles, size=settings.size)
        device = self.accelerator.device
        model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.perceptual = load_perceptual_network(settings.perceptual).to(device)
        if settings.encoder_init:
            initialise_encoders(model, self.perceptual)
        for part in settings.fixed:
            model.get_submodule(part).requires_grad_(False)
        if settings.attention_steps and latest_checkpoint(self.output) is None:
            self._teach_attention(model)
        self.before = copy.deepcopy(model).eval() if settings.before_after else None
        if settings.rank:
            self.base = CheckpointIdentity(model.origin or "", model.checkpoint_id)
            train_changes_alone(model, settings.rank)
        if settings.scale_and_shift:
            pairs = self._first_pairs(scale_and_shift.PAIRS)
            scale_and_shift.train_scales_and_shifts_alone(model, pairs)
        optimizer = Muon(model, lr=settings.learning_rate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._learning_rate_factor)
        self.average = average_weights(model, settings.ema_decay)
        self.plain_model = model
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.accelerator.register_for_checkpointing(self.schedule, self.average)
        self.objective = Objective(model, self.model, self.perceptual, settings)
        self.log = RunLog(self.accelerator, self.output)
        self.step = 0

    def run(self, on_step: Callable[[int, dict[str, float]], None] | None = None) -> Throughput:
        """Train from the newest checkpoint in the output folder, or from the start.

        `on_step` is called after every step with its number and the terms last logged. OSError
        when the disk is full, the pictures are gone or another training is going on in the folder,
        FloatingPointError when a term is not finite; the last checkpoint stays intact.
        """
        with told_where(self.output):
            self.output.mkdir(parents=True, exist_ok=True)
        is_main = self.accelerator.is_main_process
        with sole_training(self.output) if is_main else contextlib.nullcontext():
            return self._run(on_step)

    def _run(self, on_step: Callable[[int, dict[str, float]], None] | None) -> Throughput:
        with told_where(self.output):
            self._resume()
        settings = self.settings
        meter = ThroughputMeter(settings.pairs_per_step)
        logged: dict[str, float] = {}
        before = meter.count()
        for batches in meter.watch(self._steps()):
            self.log.gather(self._train_step(batches))
            self.step += 1
            done = self.step == settings.steps
            if self.step % settings.log_every == 0 or done:
                now = meter.count()
                logged = self._write_log(now - before)
                before = now
            if self.step % settings.sheet_every == 0 or done:
                self._draw_sheet()
            if self.step % settings.save_every == 0 or done:
                self._save()
            if on_step:
                on_step(self.step, logged)
        self._draw_before_after()
        # Once more: a run that was killed after its last checkpoint takes no step.
        self._save_model()
        self.accelerator.end_training()
        return meter.count()

    def _train_step(self, batches: list[CropPair]) -> dict[str, Tensor]:
        """Take one step on batches whose gradients are added up; returns the terms' means."""
        measured: list[dict[str, Tensor]] = []
        for number, batch in enumerate(batches, start=1):
            last = number == len(batches)
            alone = contextlib.nullcontext() if last else self.accelerator.no_sync(self.model)
            with alone:
                with self.accelerator.autocast():
                    terms = self.objective.terms(batch, self.step, self.accelerator.device)
                    loss = self.objective.total(terms)
                self.accelerator.backward(loss / len(batches))
            measured.append({name: term.detach() for name, term in terms.items()})
        means = {
            name: torch.stack([part[name] for part in measured]).mean() for name in measured[0]
        }
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        if norm is not None:
            means["gradient_norm"] = norm
        self._check_finite(means, batches)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        self.average.update_parameters(self.plain_model)
        return means

    def _steps(self) -> Iterator[list[CropPair]]:
        """Yield the batches of every step that is left."""
        settings = self.settings
        pairs = settings.pairs_per_step
        loader = DataLoader(
            self.pairs,
            batch_size=settings.batch_size,
            sampler=range(self.step * pairs, settings.steps * pairs),
            num_workers=settings.loader_workers,
            prefetch_factor=8 if settings.loader_workers else None,
        )
        batches = iter(self.accelerator.prepare(loader))
        try:
            while step := list(islice(batches, settings.accumulate)):
                yield step
        except (OSError, ValueError) as error:
            raise type(error)(f"{_last_line(error)}; {what_is_left(self.output)}") from error

    def _learning_rate_factor(self, step: int) -> float:
        settings = self.settings
        return cosine_with_warmup(
            step, settings.steps, warmup_steps=settings.warmup_steps, floor=0.002
        )

    def _set_learning_rate(self) -> None:
        """Take the settings' rate for the next step, instead of that of a loaded checkpoint."""
        peak = self.settings.learning_rate
        self.schedule.base_lrs = [peak for _ in self.schedule.base_lrs]
        for group in self.optimizer.param_groups:
            group["lr"] = peak * self._learning_rate_factor(self.step)

    def _resume(self) -> None:
        if self.accelerator.is_main_process:
            remove_leftovers(self.output)
            if self.record is not None:
                self.record.write(self.output)
        self.accelerator.wait_for_everyone()
        checkpoint = latest_checkpoint(self.output)
        if checkpoint is not None:
            self.log.load_state_dict(load_checkpoint_into(self.accelerator, checkpoint))
            check_weights(self.plain_model, self.averaged_network, checkpoint)
            self.step = step_of(checkpoint)
            self._set_learning_rate()
            logger.info("resuming from step %d", self.step)
        self.log.begin(self.step)

    def _save(self) -> None:
        with told_where(self.output):
            save_checkpoint(self.accelerator, self.output, self.step, self.log.state_dict())
        self._save_model()

    def _save_model(self) -> None:
        if self.accelerator.is_main_process:
            network = self.averaged_network
            with told_where(self.output):
                network.save_pretrained(self.output / "model", card=self.card)
                if self.settings.rank:
                    self._save_adapter(network.checkpoint_id)

    def _save_adapter(self, checkpoint_id: str) -> None:
        averaged = changes(averaged_network(self.average))
        write_adapter(self.output / ADAPTER_NAME, Adapter(averaged, self.base, checkpoint_id))

    def _draw_sheet(self) -> None:
        if self.accelerator.is_main_process:
            path = self.output / "sheets" / f"step_{self.step:07d}.jpg"
            with told_where(self.output):
                self.sheet.draw(self.averaged_network, path)
            self.log.show(self.step, path)

    def _draw_before_after(self) -> None:
        """Draw what the run has changed, and show it in the card."""
        if self.before is None or not self.accelerator.is_main_process:
            return
        path = self.output / BEFORE_AFTER_NAME
        with told_where(self.output):
            self.sheet.draw_before_after(self.before, self.averaged_network, path)
        self.card = with_before_after(self.card, path)

    def _teach_attention(self, model: StyleKernelModel) -> None:
        """Teach every process's copy of the network the same."""
        settings = self.settings
        with self.accelerator.autocast():
            divergences = attention_teaching.teach_attention(
                model,
                self.perceptual,
                self._first_pairs(attention_teaching.PAIRS),
                steps=settings.attention_steps,
                seed=settings.seed,
            )
        logger.info(
            "attention: %.3f nats from that of relu4_1 at first, %.3f after %d steps",
            divergences[0],
            divergences[-1],
            settings.attention_steps,
        )

    def _first_pairs(self, count: int) -> Iterator[CropPair]:
        return (self.pairs[number] for number in range(count))

    @property
    def averaged_network(self) -> StyleKernelModel:
        """The network with the averaged weights."""
        network = averaged_network(self.average)
        parametrized = self.settings.rank or self.settings.scale_and_shift
        return merged(network) if parametrized else network

    def _write_log(self, speed: Throughput) -> dict[str, float]:
        terms = self.log.means()
        steps = speed.images / self.settings.pairs_per_step
        values = {
            "seconds": speed.seconds / steps,
            "images_per_second": speed.images_per_second,
            "loading_share": speed.loading_share,
            "lr": float(self.schedule.get_last_lr()[0]),
        }
        with told_where(self.output):
            self.log.write(self.step, terms | values)
        return terms

    def _check_finite(self, terms: dict[str, Tensor], batches: list[CropPair]) -> None:
        """Stop before a step that would spoil the weights."""
        # float16 has its own remedy for gradients that overflow.
        scaled = self.settings.mixed_precision == "fp16"
        checked = [n for n in terms if not (scaled and n == "gradient_norm")]
        if bool(torch.stack([terms[name].float() for name in checked]).isfinite().all()):
            return
        values = {name: float(term) for name, term in terms.items()}
        name = next(name for name in checked if not math.isfinite(values[name]))
        folder = self.output / "failed" / f"step_{self.step + 1:07d}"
        with told_where(self.output):
            process = f"process_{self.accelerator.process_index}"
            save_failed_step(folder / process, batches, values, self.step + 1)
            if self.accelerator.is_main_process:
                merged(self.plain_model).save_pretrained(folder / "model")
        raise FloatingPointError(
            f"the {name} term became {values[name]} in step {self.step + 1}; its inputs and the "
            f"weights before it are in '{folder}', {what_is_left(self.output)}: "
            "resume it with a lower learning_rate"
        )


def _check_shares(batch_size: int, processes: int) -> None:
    if batch_size % processes:
        raise ValueError(
            f"batch_size must be a multiple of the number of processes ({processes}), "
            f"got {batch_size}"
        )


def _last_line(error: Exception) -> str:
    # What a loading process raises arrives with its traceback as the message.
    message = str(error).strip().splitlines()[-1]
    return message.removeprefix(f"{type(error).__name__}: ")
