"""Weights with the changes of an adapter; see `pretrained.adapter` for the same in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stylekernel_hf.files.safetensors_arrays import StoredArrays, check_finite
from stylekernel_hf.pretrained.adapter_file import LEFT, RIGHT, open_adapter


def with_adapter(
    arrays: Mapping[str, npt.NDArray[Any]], base_id: str | None, adapter: Path
) -> tuple[dict[str, npt.NDArray[Any]], str]:
    """Return the weights with the changes of an adapter's file, and the id of these weights.

    ValueError if the file is no adapter, is for another checkpoint, or does not fit the weights.
    """
    changed = dict(arrays)
    with open_adapter(adapter, {name: x.shape for name, x in arrays.items()}, "np") as file:
        file.check_base(base_id)
        stored = StoredArrays(adapter)
        for name in file.names:
            where = file.where(name)
            left, right = (stored.read_finite(name + part, where) for part in (LEFT, RIGHT))
            with np.errstate(over="ignore", invalid="ignore"):  # What is not finite is refused.
                change = (left @ right).reshape(changed[name].shape)
                changed[name] = changed[name].astype(np.float32) + change
            check_finite(changed[name], where)
    return changed, file.checkpoint_id
