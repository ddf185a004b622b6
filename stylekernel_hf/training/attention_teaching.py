"""Teaches the alignment alone where to look, before the network learns to paint with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.model.statistics import channel_statistics, normalise
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.model.token_grid import token_grid
from stylekernel_hf.training.crops import CropPair, unit_batch
from stylekernel_hf.training.local_losses import attention_loss, perceptual_attention
from stylekernel_hf.training.schedule import cosine_with_warmup

LEARNING_RATE = 3e-3
# Pairs whose features are kept for the lessons, pairs of a lesson, and places of a content in it.
PAIRS, BATCH_SIZE, PLACES = 480, 4, 256
# relu4_1 of FEATURE_LAYERS, and the layers up to it.
_TEACHER, _LAYERS = 3, 4


class _Contents(NamedTuple):
    """Normalised features of contents at some places: the network's, and relu4_1."""

    features: Float[Tensor, "b c n 1"]
    perceptual: Float[Tensor, "b p n 1"]


class _Styles(NamedTuple):
    """Normalised features of styles, averaged over the grid of tokens: the network's, and relu4_1.

    The key of an average is the average of the keys.
    """

    features: Float[Tensor, "b s i j"]
    perceptual: Float[Tensor, "b p i j"]


def teach_attention(
    model: StyleKernelNetwork,
    perceptual: PerceptualNetwork,
    pairs: Iterable[CropPair],
    *,
    steps: int,
    seed: int,
) -> list[float]:
    """Teach query and key of `model`, in place, to look where relu4_1 looks.

    The features of `pairs` are computed once; every step then takes `BATCH_SIZE` contents and as
    many styles of them, paired anew. Return the divergence of every step, in nats. All other
    weights stay as they are. The caller may turn autocast on for the features; the steps are in
    float32.
    """
    generator = torch.Generator().manual_seed(seed)
    taken = [_features_of(model, perceptual, pair, generator) for pair in pairs]
    contents, styles = ([each[kind] for each in taken] for kind in (0, 1))
    layers = (model.style_alignment.query, model.style_alignment.key)
    parameters = [part for layer in layers for part in layer.parameters()]
    device = parameters[0].device
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    divergences: list[float] = []
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * cosine_with_warmup(
            step, steps, warmup_steps=1
        )
        chosen = torch.randint(len(taken), (2, BATCH_SIZE), generator=generator).tolist()
        # Autocast keeps its copies of weights until it ends: the steps would not see their changes.
        with torch.autocast(device.type, enabled=False):
            loss = _divergence(
                model,
                _Contents(*map(torch.cat, zip(*(contents[i] for i in chosen[0]), strict=True))),
                _Styles(*map(torch.cat, zip(*(styles[i] for i in chosen[1]), strict=True))),
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        divergences.append(float(loss.detach()))
    optimizer.zero_grad()
    return divergences


def _divergence(
    model: StyleKernelNetwork, contents: _Contents, styles: _Styles
) -> Float[Tensor, ""]:
    alignment = model.style_alignment
    query, key = (
        layer(features.float()).flatten(2).transpose(1, 2)
        for layer, features in (
            (alignment.query, contents.features),
            (alignment.key, styles.features),
        )
    )
    wanted = perceptual_attention(contents.perceptual, styles.perceptual)
    return attention_loss(query, key, wanted)


@torch.no_grad()
def _features_of(
    model: StyleKernelNetwork,
    perceptual: PerceptualNetwork,
    pair: CropPair,
    generator: torch.Generator,
) -> tuple[_Contents, _Styles]:
    """Compute what the lessons need of one pair of crops."""
    device = next(model.parameters()).device
    content, style = (unit_batch(crop[None], device) for crop in (pair.content, pair.style))
    features = model.encode_content(content)[-1]
    features = normalise(features, channel_statistics(features))
    tokens = normalise(model.style_encoder(style)[model.token_level])
    grid = token_grid(tokens.shape[2], tokens.shape[3], model.style_alignment.max_tokens)
    seen, seen_style = (
        functional.instance_norm(perceptual(image, layers=_LAYERS)[_TEACHER].float())
        for image in (content, style)
    )
    seen = functional.interpolate(seen, features.shape[2:], mode="bilinear")
    places = torch.randint(features[0, 0].numel(), (PLACES,), generator=generator).to(device)
    pool = functional.adaptive_avg_pool2d
    return (
        _Contents(*(x.flatten(2)[:, :, places, None].bfloat16() for x in (features, seen))),
        _Styles(*(pool(x.float(), grid).bfloat16() for x in (tokens, seen_style))),
    )
