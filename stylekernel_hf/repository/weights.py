"""Strict loading of weights: safetensors only, in one file or in shards with an index."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from stylekernel_hf.repository.configs import read_json_object
from stylekernel_hf.repository.sources import Source

WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_FLOATS = {"F64", "F32", "F16", "BF16"}
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*\.safetensors")
_STEM = WEIGHTS_NAME.removesuffix(".safetensors")


def weights_name(variant: str | None) -> str:
    """Return the file name of unsharded weights."""
    return f"{_STEM}.{variant}.safetensors" if variant else WEIGHTS_NAME


def index_name(variant: str | None) -> str:
    """Return the file name of the index of sharded weights."""
    return f"{WEIGHTS_NAME}.index.{variant}.json" if variant else f"{WEIGHTS_NAME}.index.json"


def load_weights(model: nn.Module, source: Source, folder: str, variant: str | None) -> None:
    """Load the weights in `folder` of the source; ValueError unless they fit to the last tensor."""
    if variant is not None and not re.fullmatch(r"\w+", variant):
        raise ValueError(f"variant must be letters and digits such as 'fp16', got {variant!r}")
    files = _find_files(source, folder, variant)
    found: dict[str, Path] = {}
    for path, promised in files.items():
        names = _check_tensors(model, path)
        if promised is not None and names != set(promised):
            raise ValueError(
                f"model: '{path}' does not hold what its index says: "
                f"{_shorten(names ^ set(promised))}; download or save all of it again"
            )
        found.update(dict.fromkeys(names, path))
    needed = set(model.state_dict())
    where = f"'{next(iter(files))}'" if len(files) == 1 else f"{len(files)} shards of {source.name}"
    for kind, names in (("lacks", needed - found.keys()), ("has surplus", found.keys() - needed)):
        if names:
            raise ValueError(f"model: {where} {kind} {_shorten(names)}")
    tensors: dict[str, Tensor] = {}
    for path in files:
        with safe_open(path, "pt") as weights:
            tensors.update({name: weights.get_tensor(name) for name in weights.keys()})  # noqa: SIM118
    model.load_state_dict(tensors, strict=True)


def _find_files(
    source: Source, folder: str, variant: str | None
) -> Mapping[Path, Collection[str] | None]:
    """Return the files of weights, for shards with the names of the tensors in each."""
    whole = source.find(folder + weights_name(variant))
    if whole is not None:
        return {whole: None}
    index = source.find(folder + index_name(variant))
    if index is not None:
        return _find_shards(source, folder, index)
    listed = [path for path in source.list_files() if path.startswith(folder)]
    variants = sorted(
        {match[1] for path in listed if (match := re.search(rf"{_STEM}\.(\w+)[.-]", path))}
        - {"safetensors", "bin"}
    )
    pickles = [path for path in listed if path.endswith(_PICKLES)]
    hints = [f"variants there: {', '.join(variants)}"] if variants else []
    hints += [f"{', '.join(pickles)} may run code and is not opened"] if pickles else []
    raise source.missing(
        "; ".join([f"model: no {folder}{weights_name(variant)} in {source.name}", *hints])
    )


def _find_shards(source: Source, folder: str, index: Path) -> Mapping[Path, Collection[str]]:
    weight_map: object = read_json_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ValueError(f"model: '{index}' must have a weight_map from tensors to files")
    tensors_of: dict[str, set[str]] = {}
    for tensor, name in cast(dict[str, Any], weight_map).items():
        # A name with folders in it could lead out of the repository.
        if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
            raise ValueError(
                f"model: '{index}' must name safetensors files beside it, got {name!r} for {tensor}"
            )
        tensors_of.setdefault(name, set()).add(tensor)
    shards: dict[Path, Collection[str]] = {}
    for name, tensors in sorted(tensors_of.items()):
        path = source.find(folder + name)
        if path is None:
            raise source.missing(
                f"model: no {folder}{name} in {source.name}, which '{index}' names"
            )
        shards[path] = tensors
    return shards


def _check_tensors(model: nn.Module, path: Path) -> set[str]:
    needed = model.state_dict()
    try:
        with safe_open(path, "pt") as weights:
            slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118
            for name in slices.keys() & needed.keys():
                shape, kind = slices[name].get_shape(), slices[name].get_dtype()
                if list(shape) != list(needed[name].shape):
                    raise ValueError(
                        f"model: tensor {name} in '{path}' must have shape "
                        f"{list(needed[name].shape)}, got {list(shape)}"
                    )
                if kind not in _FLOATS:
                    raise ValueError(
                        f"model: tensor {name} in '{path}' must be of floating point, got {kind}"
                    )
            return set(slices)
    except SafetensorError as error:
        raise ValueError(
            f"model weights must be safetensors, but '{path}' is not, or not whole: {error}"
        ) from error


def _shorten(names: Collection[str]) -> str:
    shown = sorted(names)[:3]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more tensors" if rest else "")
