"""A checkpoint read as NumPy arrays, as strictly as PyTorch reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from stylekernel_hf.export.adapted_weights import with_adapter
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.hub.checkpoint_identity import shared_name
from stylekernel_hf.hub.configs import CONFIG_NAME, read_config, read_json_object
from stylekernel_hf.hub.embedded import EMBEDDED_CHECKPOINT, EMBEDDED_NAME
from stylekernel_hf.model.config import StyleKernelConfig

if TYPE_CHECKING:
    from stylekernel_hf.hub.sources import HubAccess, Source

_WEIGHTS = "diffusion_pytorch_model.safetensors"
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*\.safetensors")
_MAX_HEADER_BYTES = 2**23
_FLOATS = ("F64", "F32", "F16")


@dataclass(frozen=True)
class StoredNetwork:
    """The config and the weights of a checkpoint, with its name and its id if it has one."""

    config: StyleKernelConfig
    weights: NetworkWeights
    name: str
    id: str | None

    @property
    def short_name(self) -> str:
        """The name without the folders above: files that are shared do not tell of them."""
        return shared_name(self.name)


def read_network(
    model: str | os.PathLike[str] | None = None, access: HubAccess | None = None
) -> StoredNetwork:
    """Read a folder, a Hub repository, or the embedded weights, which an adapter's file may change.

    Raises FileNotFoundError for a missing folder or file, and ValueError for what is damaged. Names
    and shapes are checked when a graph takes the weights.
    """
    adapter = Path(model) if model is not None and Path(model).suffix == ".safetensors" else None
    if model is None or (adapter is not None and adapter.is_file()):
        return _read_embedded(adapter)
    # These import the Hub's library, which takes as long as the first picture.
    from stylekernel_hf.hub.layout import find_model
    from stylekernel_hf.hub.sources import HubAccess, open_source

    source = open_source(model, access or HubAccess())
    folder, config = find_model(source)
    return _read(config, _weight_files(source, folder), source.origin)


def _read_embedded(adapter: Path | None) -> StoredNetwork:
    config, weights = EMBEDDED_CHECKPOINT / CONFIG_NAME, EMBEDDED_CHECKPOINT / _WEIGHTS
    if adapter is None:
        return _read(config, [weights], EMBEDDED_NAME)
    shapes, base_id = read_config(config)
    arrays, checkpoint_id = with_adapter(_read_arrays(weights), base_id, adapter)
    name = str(adapter)
    return StoredNetwork(shapes, NetworkWeights(arrays, name), name, checkpoint_id)


def _weight_files(source: Source, folder: str) -> list[Path]:
    whole = source.find(folder + _WEIGHTS)
    if whole is not None:
        return [whole]
    index = source.find(f"{folder}{_WEIGHTS}.index.json")
    if index is None:
        raise source.missing(f"model: no {folder}{_WEIGHTS} in {source.name}")
    places: Any = read_json_object(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ValueError(f"model: '{index}' must have a weight_map from tensors to files")
    files: list[Path] = []
    for name in sorted({str(value) for value in places.values()}):
        # A name with folders in it could lead out of the repository.
        found = source.find(folder + name) if _PLAIN_NAME.fullmatch(name) else None
        if found is None:
            raise source.missing(
                f"model: no {folder}{name} in {source.name}, which '{index}' names"
            )
        files.append(found)
    return files


def _read(config: Path, files: Iterable[Path], name: str) -> StoredNetwork:
    shapes, checkpoint_id = read_config(config)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for path in files:
        arrays |= _read_arrays(path)
    return StoredNetwork(shapes, NetworkWeights(arrays, name), name, checkpoint_id)


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file; ValueError unless they are floats, and finite."""
    refusal = f"model weights must be safetensors, but '{path}' is not, or not whole"
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > _MAX_HEADER_BYTES:
        raise ValueError(
            f"{refusal}: its header must have at most {_MAX_HEADER_BYTES} bytes, got {header}"
        )
    arrays: dict[str, npt.NDArray[Any]] = {}
    try:
        with safe_open(path, "np") as stored:
            for name in stored.keys():  # noqa: SIM118
                kind = stored.get_slice(name).get_dtype()
                if kind not in _FLOATS:
                    raise ValueError(
                        f"model: tensor {name} in '{path}' must be of {', '.join(_FLOATS)}, "
                        f"got {kind}"
                    )
                arrays[name] = stored.get_tensor(name)
                if not np.isfinite(arrays[name]).all():
                    raise ValueError(
                        f"model: tensor {name} in '{path}' must hold finite numbers, "
                        "got NaN or infinity"
                    )
    except SafetensorError as error:
        raise ValueError(f"{refusal}: {error}") from error
    return arrays
