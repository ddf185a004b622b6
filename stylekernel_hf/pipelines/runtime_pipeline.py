"""The pipeline in ONNX Runtime or OpenVINO: the same pictures without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from stylekernel_hf.export.checkpoint import StoredNetwork
from stylekernel_hf.export.graphs import smallest_side
from stylekernel_hf.images.color_mode_names import COLOR_MODES, ColorMode
from stylekernel_hf.pipelines.call_checks import (
    check_choice,
    check_strength,
    check_stroke_scale,
    check_style_size,
)
from stylekernel_hf.pipelines.progress_bars import ProgressBars
from stylekernel_hf.pipelines.runtime_photos import (
    RuntimeContent,
    make_images,
    read_contents,
    read_painting,
    style_items,
)
from stylekernel_hf.runtime.colors import recolor, transfer_color
from stylekernel_hf.runtime.engines import Floats, Runtime, check_precision
from stylekernel_hf.runtime.network import RuntimeNetwork
from stylekernel_hf.runtime.pictures import PictureInput
from stylekernel_hf.runtime.strokes import CoarseToFine
from stylekernel_hf.runtime.style import (
    RuntimeStyle,
    as_runtime_style,
    fit_style,
    read_runtime_style,
)
from stylekernel_hf.runtime.tiles import encode_painting
from stylekernel_hf.styles.picture_size import (
    PALETTE_SIZE,
    is_style_file,
)
from stylekernel_hf.tiling.tile_side import check_tile_size

if TYPE_CHECKING:
    from stylekernel_hf.styles.embedding import StyleEmbedding

RuntimeStyleInput: TypeAlias = (
    "PictureInput | RuntimeStyle | StyleEmbedding | Sequence[Any] | Mapping[str, Any]"
)


class RuntimeOutput(NamedTuple):
    """What a call of the pipeline returns.

    Attributes:
        images: one picture per content, in the order of the contents.
    """

    images: list[Any]


class RuntimePipeline(ProgressBars):
    """Stylizes photos in ONNX Runtime or OpenVINO, on a CPU, without importing torch.

    `pipeline("style-kernel", runtime="onnx")` makes one. Results are those of StyleKernelPipeline
    in float32, up to one level of 255.

    Args:
        stored: The checkpoint.
        runtime: "onnx" or "openvino".
        dtype: "float32", or "bfloat16" for OpenVINO on a CPU that computes in it. Photos with too
            little detail for bfloat16 are computed in float32.

    Raises:
        ValueError: The runtime does not compute in the dtype here.
    """

    def __init__(self, stored: StoredNetwork, runtime: Runtime, dtype: str = "float32") -> None:
        self.runtime = runtime
        self._network = RuntimeNetwork(stored, runtime, check_precision(runtime, dtype))

    @property
    def stride(self) -> int:
        """Sides of tiles are multiples of this, in px."""
        return self._network.config.stride

    def __call__(
        self,
        content: PictureInput | Sequence[PictureInput],
        style: RuntimeStyleInput,
        *,
        strength: float | PictureInput = 1.0,
        style_weights: Sequence[float] | None = None,
        masks: Sequence[PictureInput] | None = None,
        color: ColorMode = "style",
        stroke_scale: float = 1.0,
        style_size: int | None = 512,
        tile_size: int | None = None,
        output_type: Literal["pil", "np"] = "pil",
    ) -> RuntimeOutput:
        """Stylize every content; each result is exactly as large as its content.

        Arguments and results are those of StyleKernelPipeline, without tensors.

        Args:
            content: The photo, or a list of photos, of 16 px a side to 64 megapixels: paths, bytes,
                PIL images or arrays HxW or HxWxC.
            style: The painting, of the same kinds as a photo; what `encode_style` returned, here or
                in PyTorch; or the name of a file of an encoded style. One style serves all
                contents. A list of styles, or a mapping such as a StyleLibrary, holds one style for
                each content.
            strength: From 0, which returns the photo unchanged, to 1, the full style. An image of
                any size is a map of it: white for 1, black for 0.
            style_weights: One number for each style: all styles are mixed in these proportions
                into every content. Excludes `masks`.
            masks: One image of any size for each style. Each style goes where its mask is white,
                and the photo stays where all masks are black. Excludes `style_weights`.
            color: "style", "luminance", "statistics" or "transfer", as in StyleKernelPipeline.
            stroke_scale: How wide strokes are, 0.5 to 4, relative to the frame.
            style_size: The short side in px, 64 to 4096, to which paintings are scaled before they
                are encoded; None keeps their size, of at least 48 px a side.
            tile_size: The side in px, a multiple of the model's stride, of the tiles in which a
                larger content is stylized, with the result of one piece. None uses tiles for
                contents of more than 16 megapixels; one piece takes about 150 bytes a pixel.
            output_type: "pil" for PIL images, "np" for float32 arrays HxWxC in [0, 1].

        Returns:
            One image for each content, in `images`, with the metadata of the content's file.

        Raises:
            ValueError: An argument has a value that it cannot have; the message names it.
            TypeError: An argument has a type that it cannot have; the message names it.
            OSError: A file cannot be read.
        """
        # 1. Check the options.
        strength = check_strength(strength)
        check_choice("color", color, COLOR_MODES)
        check_choice("output_type", output_type, ("pil", "np"))
        stroke_scale = check_stroke_scale(stroke_scale)
        style_size = check_style_size(style_size)
        tile_size = check_tile_size(tile_size, self.stride)

        # 2. Read the photos, and the share of every style in each of them.
        styles = style_items(style)
        contents = read_contents(content, len(styles), style_weights, masks, strength)

        # 3. Colours alone need no network.
        if color == "transfer":
            palettes = [
                read_painting(item, name, PALETTE_SIZE, "color='transfer'")
                for name, item in styles.items()
            ]
            changed = [transfer_color(each.rgb, palettes, each.shares) for each in contents]
            return RuntimeOutput(make_images(changed, contents, output_type))

        # 4. Encode every style once, and stylize the photos one by one.
        encoded = [self._encode(item, name, style_size) for name, item in styles.items()]
        results = self._stylize(contents, encoded, tile_size, stroke_scale)
        recolored = [
            recolor(stylized, each.rgb, color)
            for stylized, each in zip(results, contents, strict=True)
        ]
        return RuntimeOutput(make_images(recolored, contents, output_type))

    def encode_style(self, style: Any, *, style_size: int | None = 512) -> RuntimeStyle:
        """Encode one painting, for use as `style` in any number of calls.

        Args:
            style: The painting, of the kinds that a call takes. An encoded style, or the name of a
                file of one, is returned if this checkpoint made it.
            style_size: As in a call.

        Returns:
            The encoded style, which can be saved.

        Raises:
            ValueError: The painting is too small or large, or another checkpoint encoded it.
            TypeError: An argument has a type that it cannot have.
            OSError: The file cannot be read.
        """
        return self._encode(style, "style", check_style_size(style_size))

    def _encode(self, style: Any, name: str, style_size: int | None) -> RuntimeStyle:
        identity = self._network.identity
        channels = self._network.style_channels
        if is_style_file(style):
            stored = read_runtime_style(style)
            try:
                return fit_style(stored, name, channels, identity)
            except ValueError as error:
                raise ValueError(f"{error} (in '{style}')") from error
        encoded = as_runtime_style(style)
        if encoded is not None:
            return fit_style(encoded, name, channels, identity)
        painting = read_painting(style, name, style_size, "encoding")
        least = smallest_side(self._network.config)
        if min(painting.shape[:2]) < least:
            height, width = painting.shape[:2]
            raise ValueError(f"{name} must be at least {least} px a side, got {width}x{height}")
        return encode_painting(self._network, painting)

    def _stylize(
        self,
        contents: Sequence[RuntimeContent],
        styles: Sequence[RuntimeStyle],
        tile_size: int | None,
        stroke_scale: float,
    ) -> list[Floats]:
        """Stylize every photo, with one progress bar over the tiles of all."""
        present = [each.shares.present() for each in contents]
        works = [
            CoarseToFine(
                self._network,
                (each.rgb.shape[0], each.rgb.shape[1]),
                each.shares.of(chosen),
                tile_size,
                stroke_scale,
            )
            for each, chosen in zip(contents, present, strict=True)
        ]
        results: list[Floats] = []
        with self.progress_bar(total=sum(work.steps for work in works)) as bar:
            for each, chosen, work in zip(contents, present, works, strict=True):
                if not each.shares.strength.any():
                    results.append(each.rgb)
                    bar.update(work.steps)
                    continue
                own = [styles[index] for index in chosen]
                results.append(
                    work.run(each.rgb, own, has_bytes=each.has_bytes, on_step=bar.update)
                )
        return results
