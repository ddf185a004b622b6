"""Which pictures a run trains on, and which it holds out."""

from __future__ import annotations

from dataclasses import replace

import torch

from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.training_data import load_training_data


def test_seed_changes_the_crops_and_not_what_is_held_out(settings: TrainingSettings) -> None:
    runs = [load_training_data(replace(settings, seed=seed)) for seed in range(4)]
    assert len(runs[0].held_contents) == 1
    for run in runs[1:]:
        assert run.held_contents == runs[0].held_contents
        assert run.held_styles == runs[0].held_styles
        assert not torch.equal(run.pairs[0].content, runs[0].pairs[0].content)
