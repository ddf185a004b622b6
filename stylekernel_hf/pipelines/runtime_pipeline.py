"""The pipeline in ONNX Runtime or OpenVINO: the same pictures without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import numpy as np
from PIL import Image

from stylekernel_hf.errors.given_values import plain_number
from stylekernel_hf.export.checkpoint import StoredNetwork
from stylekernel_hf.export.graphs import smallest_side
from stylekernel_hf.images.bounds import MAX_PIXELS, Bounds
from stylekernel_hf.images.color_mode_names import COLOR_MODES, ColorMode
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.pipelines.call_checks import (
    check_choice,
    check_combination,
    check_strength,
    check_stroke_scale,
    check_style_size,
)
from stylekernel_hf.pipelines.progress_bars import ProgressBars
from stylekernel_hf.runtime.colors import recolor, transfer_color
from stylekernel_hf.runtime.engines import Floats, Runtime
from stylekernel_hf.runtime.network import RuntimeNetwork, RuntimeStyle
from stylekernel_hf.runtime.pictures import PictureInput, as_bytes, clipped, read_picture, resize
from stylekernel_hf.styles.picture_size import (
    MIN_SIDE,
    PALETTE_SIZE,
    is_style_file,
    scaled_size,
    style_bounds,
)

MAX_RUNTIME_PIXELS = 2**25
"""Largest content: it is stylized in one piece, which takes about 150 bytes a pixel."""
RuntimeStyleInput: TypeAlias = PictureInput | RuntimeStyle


class RuntimeOutput(NamedTuple):
    """What a call of the pipeline returns.

    Attributes:
        images: one picture per content, in the order of the contents.
    """

    images: list[Any]


class _Content(NamedTuple):
    """A content as it was read; `weights` are the shares of the styles in it."""

    rgb: Floats
    alpha: Floats | None
    has_bytes: bool
    source: PictureInput
    weights: list[float]


class RuntimePipeline(ProgressBars):
    """Stylizes photos in ONNX Runtime or OpenVINO, on a CPU, without importing torch.

    `pipeline("style-kernel", runtime="onnx")` makes one. Results are those of StyleKernelPipeline
    in float32, up to one level of 255.

    Args:
        stored: The checkpoint.
        runtime: "onnx" or "openvino".
    """

    def __init__(self, stored: StoredNetwork, runtime: Runtime) -> None:
        self.runtime = runtime
        self._network = RuntimeNetwork(stored, runtime)

    def __call__(
        self,
        content: PictureInput | Sequence[PictureInput],
        style: RuntimeStyleInput | Sequence[RuntimeStyleInput],
        *,
        strength: float = 1.0,
        style_weights: Sequence[float] | None = None,
        color: ColorMode = "style",
        stroke_scale: float = 1.0,
        style_size: int | None = 512,
        output_type: Literal["pil", "np"] = "pil",
    ) -> RuntimeOutput:
        """Stylize every content; each result is exactly as large as its content.

        Arguments are those of StyleKernelPipeline, but for maps of the strength, masks, tiles and
        files of encoded styles, which need torch.

        Args:
            content: The photo, or a list of photos, of 16 px a side to 32 megapixels: paths, bytes,
                PIL images or arrays HxW or HxWxC.
            style: The painting, of the same kinds as a photo, or what `encode_style` returned. One
                style serves all contents; a list holds one for each content.
            strength: From 0, which returns the photo unchanged, to 1, the full style.
            style_weights: One number for each style: all styles are mixed in these proportions
                into every content.
            color: "style", "luminance", "statistics" or "transfer", as in StyleKernelPipeline.
            stroke_scale: How wide strokes are, 0.5 to 4, relative to the frame.
            style_size: The short side in px, 64 to 4096, to which paintings are scaled before they
                are encoded; None keeps their size, of at least 48 px a side.
            output_type: "pil" for PIL images, "np" for float32 arrays HxWxC in [0, 1].

        Returns:
            One image for each content, in `images`, with the metadata of the content's file.

        Raises:
            ValueError: An argument has a value that it cannot have; the message names it.
            TypeError: An argument has a type that it cannot have; the message names it.
            OSError: A file cannot be read.
        """
        # 1. Check the options.
        strength = _check_number(check_strength(strength))
        check_choice("color", color, COLOR_MODES)
        check_choice("output_type", output_type, ("pil", "np"))
        stroke_scale = check_stroke_scale(stroke_scale)
        style_size = check_style_size(style_size)

        # 2. Read the photos, and the share of every style in each of them.
        styles = _style_items(style)
        contents = _read_contents(content, len(styles), style_weights)

        # 3. Colours alone need no network.
        if color == "transfer":
            palettes = [
                _read_painting(item, name, PALETTE_SIZE, "color='transfer'")
                for name, item in styles.items()
            ]
            changed = [
                transfer_color(each.rgb, palettes, each.weights, strength) for each in contents
            ]
            return RuntimeOutput(_make_images(changed, contents, output_type))

        # 4. Encode every style once, and stylize the photos one by one.
        encoded = [self._encode(item, name, style_size) for name, item in styles.items()]
        results: list[Floats] = []
        with self.progress_bar(total=len(contents)) as bar:
            for each in contents:
                present = [index for index, weight in enumerate(each.weights) if weight > 0]
                stylized = each.rgb
                if strength > 0:
                    stylized = self._network.stylize(
                        each.rgb,
                        [encoded[index] for index in present],
                        [each.weights[index] for index in present],
                        strength=strength,
                        stroke_scale=stroke_scale,
                        has_bytes=each.has_bytes,
                    )
                results.append(recolor(stylized, each.rgb, color))
                bar.update()
        return RuntimeOutput(_make_images(results, contents, output_type))

    def encode_style(
        self, style: RuntimeStyleInput, *, style_size: int | None = 512
    ) -> RuntimeStyle:
        """Encode one painting, for use as `style` in any number of calls.

        Args:
            style: The painting, of the kinds that a call takes.
            style_size: As in a call.

        Returns:
            The encoded style.

        Raises:
            ValueError: The painting is too small or large, or another checkpoint encoded it.
            TypeError: An argument has a type that it cannot have.
            OSError: The file cannot be read.
        """
        return self._encode(style, "style", check_style_size(style_size))

    def _encode(self, style: RuntimeStyleInput, name: str, style_size: int | None) -> RuntimeStyle:
        if isinstance(style, RuntimeStyle):
            if style.checkpoint != self._network.checkpoint_id:
                raise ValueError(f"{name} was encoded by another checkpoint: encode it anew")
            return style
        painting = _read_painting(style, name, style_size, "encoding")
        least = smallest_side(self._network.config)
        if min(painting.shape[:2]) < least:
            height, width = painting.shape[:2]
            raise ValueError(f"{name} must be at least {least} px a side, got {width}x{height}")
        return self._network.encode(painting)


def _check_number(strength: Any) -> float:
    if plain_number(strength) is None:
        raise TypeError(
            "strength must be a number in a runtime other than torch, "
            f"got {type(strength).__name__}"
        )
    return float(strength)


def _style_items(style: Any) -> Mapping[str, Any]:
    """Return the styles by their names in error messages."""
    if isinstance(style, list | tuple):
        listed = cast("Sequence[Any]", style)
        return {f"style[{index}]": item for index, item in enumerate(listed)}
    return {"style": style}


def _read_contents(content: Any, styles: int, style_weights: Any) -> list[_Content]:
    sources = cast("Sequence[Any]", content) if isinstance(content, list | tuple) else [content]
    if len(sources) == 0:
        raise ValueError("content must be at least one image, got none")
    weights = check_combination(styles, len(sources), style_weights, None)
    bounds = Bounds(MAX_RUNTIME_PIXELS, MIN_SIDE)
    contents: list[_Content] = []
    for index, source in enumerate(sources):
        name = "content" if len(sources) == 1 else f"content[{index}]"
        own = weights or [float(styles == 1 or each == index) for each in range(styles)]
        shares = [weight / sum(own) for weight in own]
        contents.append(_Content(*read_picture(source, name, bounds), source, shares))
    return contents


def _read_painting(style: Any, name: str, style_size: int | None, purpose: str) -> Floats:
    """Read a painting and scale it."""
    if isinstance(style, RuntimeStyle) or is_style_file(style):
        raise TypeError(f"{name} must be an image for {purpose}, got an encoded style")
    bounds = style_bounds(style_size)
    if isinstance(style, np.ndarray):
        bounds = Bounds(MAX_PIXELS, MIN_SIDE)
    painting, _, _ = read_picture(style, name, bounds)
    size = scaled_size(painting.shape[0], painting.shape[1], style_size)
    return clipped(resize(painting, size, bicubic=True))


def _make_images(
    results: Sequence[Floats], contents: Sequence[_Content], output_type: str
) -> list[Any]:
    """Return the results with the alpha and the metadata of their contents."""
    images: list[Any] = []
    for rgb, content in zip(results, contents, strict=True):
        parts = [rgb] if content.alpha is None else [rgb, content.alpha]
        values = np.concatenate(parts, axis=2)
        if output_type == "np":
            images.append(clipped(values))
            continue
        image = Image.fromarray(as_bytes(values))
        metadata = read_metadata(content.source)
        image.info.update(metadata.for_result(image.size).info())
        images.append(image)
    return images
