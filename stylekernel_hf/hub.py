"""What a checkpoint folder of ours holds, and strict loading of it."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from stylekernel_hf.model.style_kernel import StyleKernelModel

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"
EMBEDDED_CHECKPOINT = Path(__file__).parent / "weights"
"""The checkpoint that comes with the package: the preset "small", trained, in float16."""


def load_checkpoint(folder: str | os.PathLike[str]) -> StyleKernelModel:
    """Load a model in float32 from a folder with its config and weights.

    The folder is one that `StyleKernelModel.save_pretrained` wrote, or holds one named "model".
    Loading is strict: FileNotFoundError for a missing folder or file, ValueError for weights that
    are no safetensors (pickles are never opened), for unknown or missing config keys, and for
    missing, surplus or misshapen tensors.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"model: no such folder: '{root}'")
    if not (root / CONFIG_NAME).exists() and (root / "model").is_dir():
        root = root / "model"
    model = _build(root / CONFIG_NAME)
    _check_tensors(model, root)
    model.load_state_dict(load_file(root / WEIGHTS_NAME), strict=True)
    return model.eval()


def _build(path: Path) -> StyleKernelModel:
    if not path.is_file():
        raise FileNotFoundError(f"model: no {CONFIG_NAME} in '{path.parent}'")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"model: '{path}' is not valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"model: '{path}' must hold a JSON object")
    config = cast(dict[str, Any], config)
    if config.get("_class_name", "StyleKernelModel") != "StyleKernelModel":
        raise ValueError(
            f"model must be a StyleKernelModel, but '{path}' is the config of a "
            f"{config['_class_name']}"
        )
    given = {key: value for key, value in config.items() if not key.startswith("_")}
    known = set(inspect.signature(StyleKernelModel.__init__).parameters) - {"self"}
    for kind, names in (("unknown", given.keys() - known), ("missing", known - given.keys())):
        if names:
            raise ValueError(f"model: {kind} config keys in '{path}': {', '.join(sorted(names))}")
    try:
        return StyleKernelModel(**given)
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise ValueError(f"model: '{path}' describes no network: {error}") from error


def _check_tensors(model: StyleKernelModel, root: Path) -> None:
    path = root / WEIGHTS_NAME
    if not path.is_file():
        pickles = sorted(
            file.name for file in root.iterdir() if file.suffix in (".bin", ".pt", ".pth", ".ckpt")
        )
        found = f"; {', '.join(pickles)} may run code and is not opened" if pickles else ""
        raise FileNotFoundError(f"model: no {WEIGHTS_NAME} in '{root}'{found}")
    try:
        with safe_open(path, "pt") as weights:
            found = {key: tuple(weights.get_slice(key).get_shape()) for key in weights.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"model weights must be safetensors, but '{path}' is not: {error}") from (
            error
        )
    needed = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    for kind, names in (
        ("lacks", needed.keys() - found.keys()),
        ("has surplus", found.keys() - needed.keys()),
    ):
        if names:
            raise ValueError(f"model: '{path}' {kind} {_shorten(names)}")
    for name, shape in needed.items():
        if found[name] != shape:
            raise ValueError(
                f"model: tensor {name} in '{path}' must have shape {list(shape)}, "
                f"got {list(found[name])}"
            )


def _shorten(names: set[str]) -> str:
    shown = sorted(names)[:3]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more tensors" if rest else "")
