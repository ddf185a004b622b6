"""Strict loading of weights: safetensors only, in one file or in shards with an index.

`load_torch_model` of huggingface_hub compares names once the tensors are in the network. Here
names, shapes, dtypes and sizes are checked before a tensor is read, and its numbers before it is
used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.files.safetensors_file import read_finite
from stylekernel_hf.files.safetensors_header import listed_shape, open_tensors
from stylekernel_hf.hub.configs import read_json_object
from stylekernel_hf.hub.saved_together import check_saved_together
from stylekernel_hf.hub.sources import Source
from stylekernel_hf.hub.weights_digest import weights_id

WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*\.safetensors")
_STEM = WEIGHTS_NAME.removesuffix(".safetensors")


def weights_name(variant: str | None) -> str:
    """Return the file name of unsharded weights."""
    return f"{_STEM}.{variant}.safetensors" if variant else WEIGHTS_NAME


def index_name(variant: str | None) -> str:
    """Return the file name of the index of sharded weights."""
    return f"{WEIGHTS_NAME}.index.{variant}.json" if variant else f"{WEIGHTS_NAME}.index.json"


def load_weights(
    model: nn.Module,
    source: Source,
    folder: str,
    variant: str | None,
    dtype: torch.dtype,
    config: Mapping[str, Any],
) -> list[Path]:
    """Give a model on the device "meta" the weights in `folder` of the source, in `dtype`.

    Returns the files of the weights. ValueError unless they fit to the last tensor, hold finite
    numbers in that dtype, and were saved together, with this config.
    """
    if variant is not None and not re.fullmatch(r"\w+", variant):
        raise ValueError(f"variant must be letters and digits such as 'fp16', got {variant!r}")
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    files = _find_files(source, folder, variant, expected)
    present: set[str] = set()
    for path, indexed in files.items():
        names = _check_tensors(expected, path)
        if indexed is not None and names != set(indexed):
            raise ValueError(
                f"model: '{path}' does not hold what its index says: "
                f"{_shorten(names ^ set(indexed))}; download or save all of it again"
            )
        present |= names
    where = f"'{next(iter(files))}'" if len(files) == 1 else f"{len(files)} shards of {source.name}"
    if names := expected.keys() - present:
        raise ValueError(f"model: {where} lacks {_shorten(names)}")
    check_saved_together(list(files), config)
    tensors: dict[str, Tensor] = {}
    for path in files:
        with _open(path) as weights:
            for name in weights.keys():  # noqa: SIM118
                tensors[name] = read_finite(weights, name, _named(name, path), dtype)
    model.load_state_dict(tensors, strict=True, assign=True)
    return list(files)


def stored_weights_id(files: Iterable[Path]) -> str:
    """Return the id of an older checkpoint, whose config has none, from its weights as stored."""
    with ExitStack() as stack:
        tensors: dict[str, Tensor] = {}
        for weights in (stack.enter_context(_open(path)) for path in files):
            tensors |= {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118
        return weights_id(tensors)


def _find_files(
    source: Source, folder: str, variant: str | None, expected: Collection[str]
) -> Mapping[Path, Collection[str] | None]:
    """Return the files of the weights; shards with the names of their tensors by the index."""
    whole = source.find(folder + weights_name(variant))
    if whole is not None:
        return {whole: None}
    index = source.find(folder + index_name(variant))
    if index is not None:
        return _find_shards(source, folder, index, expected)
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


def _find_shards(
    source: Source, folder: str, index: Path, expected: Collection[str]
) -> Mapping[Path, Collection[str]]:
    weight_map: object = read_json_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ValueError(f"model: '{index}' must have a weight_map from tensors to files")
    places = cast(dict[str, Any], weight_map)
    # This bounds the number of downloads: there are at most as many shards as tensors.
    if surplus := places.keys() - set(expected):
        raise ValueError(f"model: '{index}' has surplus {_shorten(surplus)}")
    tensors_of: dict[str, set[str]] = {}
    for tensor, name in places.items():
        # A name with folders in it could lead out of the repository.
        if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
            raise ValueError(
                f"model: '{index}' must name safetensors files beside it, got {shown(name)} "
                f"for {tensor}"
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


def _check_tensors(expected: Mapping[str, tuple[int, ...]], path: Path) -> set[str]:
    """Return the names of the tensors in a file; ValueError for surplus or misshapen ones."""
    with _open(path) as weights:
        names: set[str] = set(weights.keys())
        if surplus := names - expected.keys():
            raise ValueError(f"model: '{path}' has surplus {_shorten(surplus)}")
        for name in sorted(names):
            shape = listed_shape(weights, name, _named(name, path))
            if shape != expected[name]:
                raise ValueError(
                    f"{_named(name, path)} must have shape {list(expected[name])}, "
                    f"got {shown(list(shape))}"
                )
    return names


def _open(path: Path) -> AbstractContextManager[Any]:
    refusal = f"model weights must be safetensors, but '{path}' is not, or not whole"
    return open_tensors(path, refusal)


def _named(tensor: str, path: Path) -> str:
    return f"model: tensor {tensor} in '{path}'"


def _shorten(names: Collection[str]) -> str:
    first = [name[:100] for name in sorted(names)[:3]]
    rest = len(names) - len(first)
    return ", ".join(first) + (f" and {rest} more tensors" if rest else "")
