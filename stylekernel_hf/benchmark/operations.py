"""The arithmetic operations and the memory traffic of a piece of work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


class Demand(NamedTuple):
    """The arithmetic operations and the memory traffic of a piece of work."""

    operations: int
    """Multiplications and additions of matrix products and convolutions; no others."""
    traffic: int
    """Bytes that all operators read and write, without caches."""


@torch.no_grad()
def count_demand(work: Callable[[], object]) -> Demand:
    """Run `work` twice and count."""
    with FlopCounterMode(display=False) as flops:
        work()
    with _TrafficCounter() as traffic:
        work()
    return Demand(flops.get_total_flops(), traffic.total)


class _TrafficCounter(TorchDispatchMode):
    """Adds up the bytes of the inputs and outputs of every operator that is no view."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view and not func.name().startswith("aten::empty"):
            self.total += _bytes(tree_leaves((args, kwargs))) + _bytes(tree_leaves(out))
        return out


def _bytes(values: Iterable[object]) -> int:
    return sum(x.numel() * x.element_size() for x in values if isinstance(x, Tensor))
