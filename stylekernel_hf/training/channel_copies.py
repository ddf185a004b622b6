"""Which channel of a narrow network each channel of a wide one is a copy of."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor, nn

from stylekernel_hf.model.kernel_generator import KernelGenerator
from stylekernel_hf.ops.dynamic_conv import channel_shuffle

# For every channel of the wide network the number of the narrow one's.
Copies = Int[Tensor, " wide"]


def even_copies(narrow: nn.Conv2d | nn.Linear, wide: nn.Conv2d | nn.Linear) -> Copies:
    """Spread the outputs of a layer of the narrow network over those of its wide counterpart."""
    return torch.arange(wide.weight.shape[0]) % narrow.weight.shape[0]


def level_copies(narrow: KernelGenerator, wide: KernelGenerator) -> tuple[Copies, Copies]:
    """Return the copies before and after the dynamic convolutions of a level.

    A copy must be in a group of the original's kernels in every convolution, although the shuffles
    between them move channels of the wide network otherwise. ValueError if there is no such way.
    """
    theirs, ours = _routes(narrow, narrow.groups), _routes(wide, narrow.groups)
    originals: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for channel, groups in enumerate(theirs.groups):
        originals[groups].append(channel)
    taken: Counter[tuple[int, ...]] = Counter()
    before: list[int] = []
    for groups in ours.groups:
        candidates = originals[groups]
        if candidates:
            before.append(candidates[taken[groups] % len(candidates)])
            taken[groups] += 1
    if len(before) < len(ours.groups) or len(set(before)) < len(theirs.groups):
        raise ValueError(
            f"kernel_groups must let {len(theirs.groups)} channels in {narrow.groups} groups be "
            f"copied into {len(ours.groups)}, got {wide.groups}"
        )
    copies = torch.tensor(before)
    return copies, theirs.places[copies][ours.places.argsort()]


class _Routes(NamedTuple):
    """For every channel its groups in the convolutions of a level, and its place after them."""

    groups: list[tuple[int, ...]]
    places: Int[Tensor, " channels"]


def _routes(generator: KernelGenerator, groups: int) -> _Routes:
    """Follow the channels of a level; its groups are counted as if there were only `groups`."""
    channels = generator.split[1]
    order = torch.arange(channels, dtype=torch.float32)
    passed: list[Tensor] = []
    for index in range(generator.convolutions):
        if index:
            order = channel_shuffle(order.view(1, -1, 1, 1), generator.groups).flatten()
        passed.append(order.argsort() // (channels // groups))
    return _Routes([tuple(row) for row in torch.stack(passed, 1).tolist()], order.argsort())
