"""Fine-tuning on a painter's few pictures: what it gains, and that it loses nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stylekernel_hf.cli.finetune import finetune
from stylekernel_hf.evaluation.candidate import Candidate
from stylekernel_hf.evaluation.evaluation import evaluate
from stylekernel_hf.metrics.pair_metrics import Metrics
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.tiny import save_tiny_vgg

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"
PHOTOS = sorted((EXAMPLES / "photos").glob("*.jpg"))


def draw_paintings(folder: Path, seeds: range) -> list[Path]:
    from paintings import STYLES, paint  # type: ignore[import-not-found]

    folder.mkdir()
    (style,) = (style for style in STYLES if style.__name__ == "drip_painting")
    paths = [folder / f"{seed}.png" for seed in seeds]
    for seed, path in zip(seeds, paths, strict=True):
        paint(style, size=128, seed=seed).save(path)
    return paths


def score(model: Path, perceptual: Path, paintings: list[Path]) -> Metrics:
    network = load_checkpoint(model)
    (result,) = evaluate(
        [Candidate("ours", network.forward, network.encode_style)],
        PHOTOS[-1:],
        paintings,
        network=load_perceptual_network(perceptual),
        size=96,
    )
    return result.mean


def test_finetuning_brings_a_painters_other_pictures_nearer_and_keeps_the_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    draw_paintings(tmp_path / "paintings", range(10))
    held_out = draw_paintings(tmp_path / "held_out", range(100, 104))
    (tmp_path / "photos").mkdir()
    for photo in PHOTOS[:-1]:
        shutil.copy(photo, tmp_path / "photos")
    perceptual = save_tiny_vgg(tmp_path / "vgg.safetensors", width=12)
    finetune(
        content=[tmp_path / "photos"],
        style=[tmp_path / "paintings"],
        output=tmp_path / "run",
        perceptual=perceptual,
        steps=12,
        batch_size=2,
        size=64,
        style_size=96,
        distinct_crops=30,
        loader_workers=0,
        save_every=40,
        mixed_precision="no",
    )
    before = score(EMBEDDED_CHECKPOINT, perceptual, held_out)
    after = score(tmp_path / "run" / "model", perceptual, held_out)
    assert after.style < 0.9 * before.style
    assert after.content < 1.05 * before.content
