"""The pipeline: photos and paintings of any kind in, stylized photos out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Num
from torch import Tensor

from stylekernel_hf.devices.processors import adaptive_threads
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.color_mode_names import COLOR_MODES, ColorMode
from stylekernel_hf.images.color_modes import recolor, transfer_color
from stylekernel_hf.images.geometry import check_size
from stylekernel_hf.images.tensors import (
    ImageInput,
    OutputType,
    to_rgb_tensor,
)
from stylekernel_hf.images.unseen_colors import fill_unseen
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.pipelines.call_checks import (
    check_choice,
    check_combination,
    check_strength,
    check_stroke_scale,
    check_style_size,
)
from stylekernel_hf.pipelines.cuda_graphs import record_network
from stylekernel_hf.pipelines.explanation import Explanation, check_point, explain
from stylekernel_hf.pipelines.photos import Photo, make_images, ordinary_tensor, read_photos
from stylekernel_hf.pipelines.pretrained import PretrainedPipeline
from stylekernel_hf.pipelines.progress_bars import ProgressBars
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.styles.library import StyleLibrary
from stylekernel_hf.styles.mixing import Shares, combine, one_style, plan_shares
from stylekernel_hf.styles.picture_size import MIN_SIDE, PALETTE_SIZE, is_style_file
from stylekernel_hf.styles.style_input import (
    StyleInput,
    fit_embedding,
    read_style_picture,
    scale_style_picture,
    style_items,
)
from stylekernel_hf.tiling.coarse_to_fine import CoarseToFine
from stylekernel_hf.tiling.low_detail import measure_detail, model_for_detail
from stylekernel_hf.tiling.out_of_memory import retry_in_smaller_tiles
from stylekernel_hf.tiling.style_encoding import encode_style_image
from stylekernel_hf.tiling.tile_side import check_tile_size

MAX_EXPLAINED_PIXELS = 16 * 2**20


class StyleKernelPipelineOutput(NamedTuple):
    """What a call of the pipeline returns.

    Attributes:
        images: one picture per content, in the order of the contents.
    """

    images: list[Any]


class StyleKernelPipeline(ProgressBars, PretrainedPipeline):
    """Stylizes photos in the style of any painting, in one feed-forward pass each.

    Args:
        model: The network. `pipeline("style-kernel")` and `from_pretrained` load one.

    Example:
        >>> from stylekernel_hf import pipeline
        >>> pipe = pipeline("style-kernel")
        >>> style = pipe.encode_style("painting.jpg")
        >>> len(pipe(["photo.jpg", "photo.jpg"], style).images)
        2
    """

    model: StyleKernelModel

    def __init__(self, model: StyleKernelModel) -> None:
        # In one memory layout, sums are the same to the bit wherever the network came from.
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def __call__(
        self,
        content: ImageInput | Sequence[ImageInput],
        style: StyleInput | Sequence[StyleInput] | StyleLibrary,
        *,
        strength: float | ImageInput = 1.0,
        style_weights: Sequence[float] | None = None,
        masks: Sequence[ImageInput] | None = None,
        color: ColorMode = "style",
        stroke_scale: float = 1.0,
        style_size: int | None = 512,
        tile_size: int | None = None,
        output_type: OutputType = "pil",
    ) -> StyleKernelPipelineOutput:
        """Stylize every content; each result is exactly as large as its content.

        Args:
            content: The photo, or a list of photos. A photo is a path, bytes, a PIL image, an
                array HxW or HxWxC, or a tensor CxHxW; arrays and tensors hold uint8, or floats in
                [0, 1]. Every side has at least 16 px. An alpha channel is kept as it is, and fully
                transparent colours do not influence the result.
            style: The painting, of the same kinds as a photo; what `encode_style` returned; or the
                name of a file of an encoded style. One style serves all contents. A list of styles,
                or a StyleLibrary, holds one style for each content. Files may have 64 megapixels,
                baseline JPEG files 200: large ones are reduced while they are read.
            strength: From 0, which returns the photo unchanged, to 1, the full style. An image of
                any size is a map of it: white for 1, black for 0.
            style_weights: One number for each style, at least 0 and not all 0. All styles are mixed
                in these proportions into every content. Excludes `masks`.
            masks: One image of any size for each style. Each style goes where its mask is white,
                and the photo stays where all masks are black. Excludes `style_weights`.
            color: "style" takes the painting's colours. "luminance" keeps the photo's colours and
                takes the luminance of the result. "statistics" gives the result the mean and
                covariance of the photo's colours. "transfer" gives the photo the mean and
                covariance of the painting's colours, without the network.
            stroke_scale: How wide strokes are, 0.5 to 4, relative to the frame: 1 for strokes as
                wide as in a photo with a short side of 512 px, whatever the size of the photo; 2
                for twice as wide. Photos of more than 640 px a side are stylized at a smaller
                working size first, and finished at full size.
            style_size: The short side in px, 64 to 4096, to which paintings are scaled before they
                are encoded; a larger one makes coarser strokes. Marks of less than 2 px after
                scaling are lost, and enlarged paintings give softer strokes. Very elongated
                paintings are scaled to at most 32 megapixels. None keeps the painting's size, of
                files of up to 32 megapixels.
            tile_size: The side in px, a multiple of the model's stride, of the tiles in which a
                larger content is stylized. Tiles bound the memory and change no value by more than
                1/255 in float32. None uses tiles for contents that would need more than 512 MiB,
                on CUDA more than half of the free memory. If a device runs out of memory, tiles of
                half the side are tried once.
            output_type: "pil" for PIL images, "np" for float32 arrays HxWxC in [0, 1], "pt" for
                tensors CxHxW in [0, 1].

        Returns:
            One image for each content, in `images`. The `info` of a PIL image holds the EXIF, XMP
            and IPTC data of the content's file, adapted to the result; `save_image` writes them.

        Raises:
            ValueError: An argument has a value that it cannot have; the message names it.
            TypeError: An argument has a type that it cannot have; the message names it.
            OSError: A file cannot be read.
            MemoryError: The device has too little memory, even with smaller tiles.

        Example:
            >>> from stylekernel_hf import pipeline
            >>> pipe = pipeline("style-kernel")
            >>> pipe("photo.jpg", "painting.jpg", strength=0.8).images[0].save("stylized.png")
        """
        # 1. Check the options.
        strength = check_strength(strength)
        check_choice("color", color, COLOR_MODES)
        check_choice("output_type", output_type, ("pil", "np", "pt"))
        tile_size = check_tile_size(tile_size, self.model.stride)
        stroke_scale = check_stroke_scale(stroke_scale)
        style_size = check_style_size(style_size)

        # 2. Read the photos, and the share of every style in each of them.
        photos = read_photos(content)
        styles = style_items(style)
        weights = check_combination(len(styles), len(photos), style_weights, masks)
        shares = [
            plan_shares(
                (photo.rgb.shape[2], photo.rgb.shape[3]),
                strength=strength,
                weights=weights or one_style(len(styles), index),
                masks=masks,
            )
            for index, photo in enumerate(photos)
        ]

        # 3. Colours alone need no network.
        if color == "transfer":
            pictures = _transfer_colors(photos, styles, shares)
            return StyleKernelPipelineOutput(make_images(pictures, photos, output_type))

        # 4. Encode every style once.
        with adaptive_threads():
            encoded = [self._encode(item, name, style_size) for name, item in styles.items()]

        # 5. Stylize the photos one by one, each in one piece or tile by tile.
        as_bytes = output_type == "pil" and color == "style"
        forwards = [
            CoarseToFine(self._model_for, photo.visible, each.strength, tile_size, stroke_scale)
            for photo, each in zip(photos, shares, strict=True)
        ]
        results = self._stylize(photos, forwards, encoded, shares, color, as_bytes=as_bytes)
        return StyleKernelPipelineOutput(make_images(results, photos, output_type))

    @torch.inference_mode()
    def encode_style(self, style: StyleInput, *, style_size: int | None = 512) -> StyleEmbedding:
        """Encode one painting, for use as `style` in any number of calls.

        Args:
            style: The painting, of the kinds that a call takes. An encoded style, or the name of
                a file of one, is returned as it is if this checkpoint made it.
            style_size: The short side in px, 64 to 4096, to which the painting is scaled first;
                None keeps its size.

        Returns:
            The encoded style, which can be saved, shared and trained on.

        Raises:
            ValueError: The painting is too small or large, or another checkpoint encoded it.
            TypeError: An argument has a type that it cannot have.
            OSError: The file cannot be read.

        Example:
            >>> from stylekernel_hf import pipeline
            >>> pipe = pipeline("style-kernel")
            >>> pipe.encode_style("painting.jpg").save("painting.safetensors")
        """
        style_size = check_style_size(style_size)
        with adaptive_threads():
            encoded = self._encode(style, "style", style_size)
        return replace(
            encoded,
            key=ordinary_tensor(encoded.key),
            value=ordinary_tensor(encoded.value),
            code=ordinary_tensor(encoded.code),
            checkpoint=self._identity(),
        )

    @torch.inference_mode()
    def explain(
        self,
        content: ImageInput,
        style: ImageInput,
        *,
        point: tuple[float, float],
        style_size: int | None = 512,
    ) -> Explanation:
        """Show which parts of the painting the network used at one point of the photo, and how.

        Args:
            content: One photo of at most 16 megapixels, of the kinds that a call takes.
            style: One painting. An encoded style is not enough.
            point: (x, y) in px of the photo, from its upper left corner.
            style_size: As in a call.

        Returns:
            The attention over the painting, the gate over the photo, and the kernels at the point,
            as arrays and as images.

        Raises:
            ValueError: The point lies outside the photo, or an image is too small or large.
            TypeError: An argument has a type that it cannot have.
            OSError: A file cannot be read.

        Example:
            >>> from stylekernel_hf import pipeline
            >>> pipe = pipeline("style-kernel")
            >>> explanation = pipe.explain("photo.jpg", "painting.jpg", point=(30, 20))
            >>> explanation.attention_image().save("attention.png")
        """
        style_size = check_style_size(style_size)
        bounds = Bounds(MAX_EXPLAINED_PIXELS, MIN_SIDE)
        rgb, alpha = to_rgb_tensor(content, name="content", bounds=bounds)
        rgb = fill_unseen(rgb, alpha)
        check_size(rgb, name="content", min_side=MIN_SIDE, max_pixels=MAX_EXPLAINED_PIXELS)
        place = check_point(point, rgb.shape[3], rgb.shape[2])
        painting = read_style_picture(style, "style", "an explanation", style_size=style_size)
        return explain(self._model_for(rgb), rgb, scale_style_picture(painting, style_size), place)

    def compile(self) -> bool:
        """Run the network by CUDA graphs from now on; return whether that works here.

        The kernels of the network are recorded at the first picture of a size and replayed at the
        next ones, for pictures of up to 2 megapixels in full strength and one style. The last four
        sizes are kept. On other devices than CUDA, and where recording fails, a warning says so
        and the pipeline goes on as before.

        Returns:
            Whether the network runs by CUDA graphs.
        """
        return record_network(self.model)

    def _model_for(self, rgb: Num[Tensor, "1 3 h w"]) -> StyleKernelNetwork:
        return model_for_detail(self.model, lambda: measure_detail(rgb))

    def _encode(self, style: StyleInput, name: str, style_size: int | None) -> StyleEmbedding:
        if is_style_file(style):
            encoded = StyleEmbedding.load(style)
            try:
                return fit_embedding(encoded, name, self.model, self._identity())
            except ValueError as error:
                raise ValueError(f"{error} (in '{style}')") from error
        if isinstance(style, StyleEmbedding):
            return fit_embedding(style, name, self.model, self._identity())
        rgb = read_style_picture(style, name, "encoding", style_size=style_size)
        encoded = encode_style_image(self.model, scale_style_picture(rgb, style_size))
        return StyleEmbedding.of(encoded)

    def _stylize(
        self,
        photos: Sequence[Photo],
        forwards: Sequence[CoarseToFine],
        styles: Sequence[StyleEmbedding],
        shares: Sequence[Shares],
        color: ColorMode,
        *,
        as_bytes: bool,
    ) -> list[Num[Tensor, "1 3 h w"]]:
        """Stylize every photo and recolour it, with one progress bar over the tiles of all."""
        total = sum(forward.steps for forward in forwards)
        results: list[Tensor] = []
        with self.progress_bar(total=total) as bar, adaptive_threads(bar.update) as on_step:
            for photo, each, forward in zip(photos, shares, forwards, strict=True):
                if not isinstance(each.strength, Tensor) and each.strength == 0:
                    results.append(photo.rgb)
                    bar.update(forward.steps)
                    continue
                style = combine(styles, each.styles)
                result = self._run(forward, style, as_bytes, bar, on_step)
                results.append(recolor(result, photo.visible, color))
        return results

    def _run(
        self,
        forward: CoarseToFine,
        style: StyleEmbedding | StyleField,
        as_bytes: bool,
        bar: Any,
        on_step: Callable[[], object],
    ) -> Num[Tensor, "1 3 h w"]:
        """Stylize one photo; if memory runs out, try once more with tiles of half the side."""
        end = bar.n + forward.steps

        def lengthen(smaller: CoarseToFine) -> None:
            bar.total += bar.n + smaller.steps - end

        result = retry_in_smaller_tiles(
            forward,
            lambda each: each.run(style, as_bytes=as_bytes, on_step=on_step),
            self.device,
            name="content",
            remedy="tile_size",
            on_retry=lengthen,
        )
        return result if as_bytes else result.to(self.dtype)


def _transfer_colors(
    photos: Sequence[Photo], styles: Mapping[str, Any], shares: Sequence[Shares]
) -> list[Tensor]:
    """Give every photo the colours of its share of the paintings."""
    palettes = [
        read_style_picture(item, name, "color='transfer'", style_size=PALETTE_SIZE)
        for name, item in styles.items()
    ]
    return [
        transfer_color(photo.visible, palettes, *each)
        for photo, each in zip(photos, shares, strict=True)
    ]
