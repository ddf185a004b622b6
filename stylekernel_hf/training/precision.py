"""The precision that training computes in."""

from __future__ import annotations

import torch

from stylekernel_hf.devices.dtypes import is_native

PRECISIONS = ("auto", "no", "bf16", "fp16")


def resolve_precision(mixed_precision: str) -> str:
    """Return the precision that "auto" is here: bf16 where the device has it, or else no.

    ValueError for a name that is none of `PRECISIONS`.
    """
    if mixed_precision not in PRECISIONS:
        raise ValueError(
            f"mixed_precision must be {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}, "
            f"got {mixed_precision!r}"
        )
    if mixed_precision != "auto":
        return mixed_precision
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return "bf16" if is_native(torch.bfloat16, device) else "no"
