"""`export_onnx`: a network as ONNX files in a folder."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.export.calibration import drawn_pairs, measure_ranges
from stylekernel_hf.export.differences import Models, describe_differences
from stylekernel_hf.export.graph_builder import IR_VERSION, OPSET, PRECISIONS, Precision
from stylekernel_hf.export.graphs import smallest_side, style_model, transform_model
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.files.output_paths import check_output_folder
from stylekernel_hf.hub.checkpoint_identity import shared_name
from stylekernel_hf.hub.configs import CONFIG_NAME, read_config
from stylekernel_hf.hub.embedded import EMBEDDED_CHECKPOINT
from stylekernel_hf.hub.layout import CARD_NAME, loaded_folder
from stylekernel_hf.hub.model_card import LICENSE_NAME
from stylekernel_hf.hub.saving import staged_folder
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.adapter_file import changed_checkpoint
from stylekernel_hf.pretrained.model import StyleKernelModel

STYLE_NAME, TRANSFORM_NAME = "style.onnx", "transform.onnx"


def export_onnx(
    model: StyleKernelModel, folder: str | os.PathLike[str], *, precision: Precision = "fp32"
) -> None:
    """Write a network as `style.onnx` and `transform.onnx`, with a README and the licence.

    Both take pictures of any size of at least 48 px a side, and run in every runtime that knows
    ONNX. The README says what goes in and out. An earlier export in the folder is replaced.

    Args:
        model: The network. Its dtype does not matter.
        folder: The folder, which is created if need be. It appears whole or not at all.
        precision: "fp32"; "fp16" for files of half the size, in which features have 16 bits; or
            "int8", in which most convolutions of the transformation have 8 bits, for processors.
            Statistics and attention stay in 32 bits, and the README says what pictures differ by.
            Inputs and outputs are float32.

    Raises:
        ValueError: `precision` is unknown.
        FileExistsError: The folder holds a README.md or LICENSE.md that is of no export.
        OSError: The folder cannot be written.
        ImportError: The package `onnx` is missing, or for "int8" `onnxruntime` (the extra "onnx").

    Example:
        >>> from stylekernel_hf import export_onnx, pipeline
        >>> export_onnx(pipeline("style-kernel").model, "exported")
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be 'fp32', 'fp16' or 'int8', got {shown(precision)}")
    target = Path(folder)
    check_output_folder(target, name="folder")
    check_replaceable(target, name="folder")
    origin = model.origin or "a network that was not loaded"
    arrays = {
        name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()
    }
    weights = NetworkWeights(arrays, "the network")
    config = model.config
    facts = {
        "checkpoint_id": model.checkpoint_id,
        "style_stride": str(model.style_stride),
        "content_stride": str(model.stride),
        "license": f"see {LICENSE_NAME}",
    }
    models, differences = _models(config, weights, precision, facts)
    template = files("stylekernel_hf.export").joinpath("readme.md").read_text(encoding="utf-8")
    fields = {
        "ORIGIN": shared_name(origin),
        "CHECKPOINT_ID": model.checkpoint_id,
        "PRECISION": precision,
        "DIFFERENCES": differences,
        "OPSET": str(OPSET),
        "IR_VERSION": str(IR_VERSION),
        "SMALLEST_SIDE": str(smallest_side(config)),
        "KEY": str(config.attention_channels),
        "VALUE": str(config.style_channels[model.token_level]),
        "CODE": str(config.code_channels),
    }
    for name, value in fields.items():
        template = template.replace(f"@{name}@", value)
    with staged_folder(target) as staging:
        for name, exported in zip((STYLE_NAME, TRANSFORM_NAME), models, strict=True):
            (staging / name).write_bytes(exported.SerializeToString())
        (staging / CARD_NAME).write_text(template, encoding="utf-8")
        (staging / LICENSE_NAME).write_text(_licence(model.origin), encoding="utf-8")


def check_replaceable(folder: Path, *, name: str) -> None:
    """Raise FileExistsError, with the argument's name, for texts that come from elsewhere."""
    if (folder / STYLE_NAME).exists():
        return
    others = [each for each in (CARD_NAME, LICENSE_NAME) if (folder / each).exists()]
    if others:
        raise FileExistsError(
            f"{name} must hold nothing that the export replaces, but '{folder}' has a "
            f"{' and a '.join(others)} that is of no export"
        )


def _models(
    config: StyleKernelConfig,
    weights: NetworkWeights,
    precision: Precision,
    facts: dict[str, str],
) -> tuple[Models, str]:
    """Return the models of the style and the transformation, and what their pictures differ by."""
    # A painting is encoded once: 8 bits would gain no time there.
    style = style_model(config, weights, "fp32" if precision == "int8" else precision, facts)
    ranges = measure_ranges(config, weights, drawn_pairs()) if precision == "int8" else None
    models = style, transform_model(config, weights, precision, facts, ranges=ranges)
    weights.check_all_taken()
    if precision == "fp32":
        return models, ""
    single = style_model(config, weights), transform_model(config, weights)
    return models, describe_differences(single, models, precision)


def _licence(origin: str | None) -> str:
    """Return the terms of the weights beside the loaded ones, or where they are to be found."""
    loaded = _weights_folder(origin)
    terms = None if loaded is None else loaded / LICENSE_NAME
    if terms is not None and terms.is_file():
        return terms.read_text(encoding="utf-8")
    source = "the network that was exported" if origin is None else f"'{shared_name(origin)}'"
    return f"# Terms of these weights\n\nThey are those of the weights of {source}.\n"


def _weights_folder(origin: str | None) -> Path | None:
    """Return the folder of the weights that were loaded, or that an adapter changed, if known."""
    if origin is None or not Path(origin).is_file():
        return loaded_folder(origin)
    _, embedded_id = read_config(EMBEDDED_CHECKPOINT / CONFIG_NAME)
    return EMBEDDED_CHECKPOINT if changed_checkpoint(Path(origin)).id == embedded_id else None
