"""Which checkpoint encoded a style: a name for people, and a signature of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from stylekernel_hf.errors.given_values import as_float, as_list, shown

# The modules that make a StyleEmbedding out of a picture.
STYLE_SIDE = ("style_encoder.", "style_code.", "style_alignment.")
_ENTRIES = 32
_LONGEST_NAME = 300
# Rounding the weights moves the entries by so much at most; another checkpoint's differ by about 1.
_TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "float16": 1e-3, "bfloat16": 8e-3}


@dataclass(frozen=True)
class CheckpointIdentity:
    """Tells checkpoints apart by the weights of their style side, whatever their dtype.

    The signature holds random projections of the weights, each of unit variance. It does not
    depend on the names of tensors' owners, nor on where a checkpoint was loaded from.
    """

    name: str
    signature: tuple[float, ...]
    dtype: str

    def matches(self, other: CheckpointIdentity) -> bool:
        """Say whether both are the same weights, up to rounding to their dtypes."""
        tolerance = _TOLERANCE[self.dtype] + _TOLERANCE[other.dtype]
        return len(self.signature) == len(other.signature) and all(
            abs(a - b) <= tolerance for a, b in zip(self.signature, other.signature, strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"name": self.name, "signature": list(self.signature), "dtype": self.dtype}

    @staticmethod
    def from_json(value: Mapping[str, Any], origin: object) -> CheckpointIdentity:
        """Read what `to_json` returned; ValueError with the file of origin for anything else."""
        name, dtype = value.get("name"), value.get("dtype")
        try:
            if not isinstance(name, str) or len(name) > _LONGEST_NAME:
                raise TypeError(f"name must be a short text, got {shown(name)}")
            if not isinstance(dtype, str) or dtype not in _TOLERANCE:
                raise TypeError(f"dtype must be one of {', '.join(_TOLERANCE)}, got {shown(dtype)}")
            entries = as_list(value.get("signature"), "signature", "numbers")
            if len(entries) != _ENTRIES:
                raise ValueError(f"signature must hold {_ENTRIES} numbers, got {len(entries)}")
            signature = tuple(as_float(x, f"signature[{i}]") for i, x in enumerate(entries))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"style: the name of its checkpoint is damaged in '{origin}': {error}"
            ) from error
        return CheckpointIdentity(name, signature, dtype)


_Key = tuple[str, tuple[tuple[int, int], ...]]
_known: WeakKeyDictionary[nn.Module, tuple[_Key, CheckpointIdentity]] = WeakKeyDictionary()


def identify(model: nn.Module, name: str) -> CheckpointIdentity:
    """Return a network's identity, which is computed anew only after the weights have changed."""
    tensors = [
        parameter.detach()
        for key, parameter in sorted(model.named_parameters())
        if key.startswith(STYLE_SIDE)
    ]
    versions = tuple((x.data_ptr(), 0 if x.is_inference() else x._version) for x in tensors)
    key = (name, versions)
    known = _known.get(model)
    if known is None or known[0] != key:
        dtype = str(tensors[0].dtype).removeprefix("torch.")
        known = (key, CheckpointIdentity(name, _signature(tensors), dtype))
        _known[model] = known
    return known[1]


def _signature(tensors: list[Tensor]) -> tuple[float, ...]:
    """Sum the weights with pseudo-random signs in 32 interleaved groups, in units of their norm."""
    weights = torch.cat([x.float().cpu().flatten() for x in tensors])
    place = torch.arange(len(weights))
    # Knuth's multiplicative hash: the same signs on every platform and in every version of torch.
    signs = 1 - 2 * (((place * 2654435761) >> 15) & 1)
    padding = -len(weights) % _ENTRIES
    groups = nn.functional.pad(weights, (0, padding)).double().view(-1, _ENTRIES)
    sums = (groups * nn.functional.pad(signs, (0, padding)).view(-1, _ENTRIES)).sum(0)
    norms = groups.square().sum(0).sqrt().clamp(min=1e-12)
    return tuple(round(entry, 6) for entry in cast(list[float], (sums / norms).tolist()))
