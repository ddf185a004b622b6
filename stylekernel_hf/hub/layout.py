"""The layout of a repository, and its loader files for diffusers and Inference Endpoints."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

from stylekernel_hf import __version__
from stylekernel_hf.errors.given_values import name_shown
from stylekernel_hf.hub.configs import CONFIG_NAME, MODEL_CLASS, read_json_object
from stylekernel_hf.hub.embedded import EMBEDDED_CHECKPOINT, EMBEDDED_NAME
from stylekernel_hf.hub.sources import Source

CARD_NAME = "README.md"
INDEX_NAME = "model_index.json"
MODEL_FOLDER = "model"
_PIPELINE_CLASS = "StyleKernelPipeline"
# diffusers loads unknown classes from modules of the repository itself.
_PIPELINE_MODULE = "pipeline"
_MODEL_MODULE = "modeling_stylekernel"

_REQUIREMENTS_NAME = "requirements.txt"
_FOR_DIFFUSERS = "Lets diffusers load this repository with trust_remote_code=True."
_FOR_ENDPOINTS = "Lets an Inference Endpoint stylize with this repository."
_LOADER = '''"""{purpose}"""

try:
    from stylekernel_hf import {imported} as {name}
except ModuleNotFoundError as error:
    if error.name != "stylekernel_hf":
        raise
    message = "this repository needs the package stylekernel_hf: pip install stylekernel-hf"
    raise ImportError(message) from None

__all__ = ["{name}"]
'''


def write_model_index(folder: Path) -> None:
    """Write model_index.json, which diffusers reads first, and the loader files of a repository."""
    index = {
        "_class_name": [_PIPELINE_MODULE, _PIPELINE_CLASS],
        "_diffusers_version": importlib.metadata.version("diffusers"),
        MODEL_FOLDER: [_MODEL_MODULE, MODEL_CLASS],
    }
    text = json.dumps(index, indent=2, sort_keys=True) + "\n"
    (folder / INDEX_NAME).write_text(text, encoding="utf-8")
    _write_loaders(folder)


def _write_loaders(folder: Path) -> None:
    """Write the files that give other programs classes of this package under the names they ask."""
    (folder / MODEL_FOLDER).mkdir(parents=True, exist_ok=True)
    model_file = f"{MODEL_FOLDER}/{_MODEL_MODULE}.py"
    for path, name, imported, purpose in (
        (f"{_PIPELINE_MODULE}.py", _PIPELINE_CLASS, "StyleKernelDiffusionPipeline", _FOR_DIFFUSERS),
        (model_file, MODEL_CLASS, "StyleKernelDiffusionModel", _FOR_DIFFUSERS),
        ("handler.py", "EndpointHandler", "EndpointHandler", _FOR_ENDPOINTS),
    ):
        text = _LOADER.format(name=name, imported=imported, purpose=purpose)
        (folder / path).write_text(text, encoding="utf-8")
    # An endpoint installs these before it starts.
    required = f"stylekernel-hf>={__version__}\n"
    (folder / _REQUIREMENTS_NAME).write_text(required, encoding="utf-8")


def loaded_folder(origin: str | None) -> Path | None:
    """Return the folder from which a network was loaded, or None for the Hub and for no folder."""
    if origin == EMBEDDED_NAME:
        return EMBEDDED_CHECKPOINT
    return Path(origin) if origin is not None and Path(origin).is_dir() else None


def find_model(source: Source) -> tuple[str, Path]:
    """Return the folder of the network in the source ("" or "model/"), and its config file.

    ValueError for the repository of another pipeline, FileNotFoundError if there is no config.
    """
    index = source.find(INDEX_NAME)
    if index is not None:
        _check_model_index(index, source)
    places = [f"{MODEL_FOLDER}/"] if index is not None else ["", f"{MODEL_FOLDER}/"]
    for folder in places:
        config = source.find(folder + CONFIG_NAME)
        if config is not None:
            return folder, config
    raise source.missing(
        f"model: no {CONFIG_NAME} in {source.name} nor in its folder {MODEL_FOLDER}",
        "; is it a repository of StyleKernelModel?",
    )


def _check_model_index(path: Path, source: Source) -> None:
    index = read_json_object(path)
    name = _class_name(index.get("_class_name"))
    if name != _PIPELINE_CLASS:
        raise ValueError(
            f"model must be a {_PIPELINE_CLASS}, but {source.name} is a {name_shown(name)}; "
            "load it with diffusers' DiffusionPipeline"
        )
    name = _class_name(index.get(MODEL_FOLDER))
    if name != MODEL_CLASS:
        raise ValueError(f"model must be a {MODEL_CLASS}, but '{path}' names a {name_shown(name)}")


def _class_name(entry: object) -> object:
    """Return the class name of an entry, which is a name, or a module and a name."""
    return entry[1] if isinstance(entry, list) and len(entry) == 2 else entry  # pyright: ignore[reportUnknownVariableType]
