"""StyleKernelPipeline: pictures of any kind in, the repainted pictures out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Num
from PIL import Image
from torch import Tensor

from stylekernel_hf.devices.processors import shared_painting
from stylekernel_hf.images.bounds import MAX_PIXELS, Bounds
from stylekernel_hf.images.color_modes import COLOR_MODES, ColorMode, recolor, transfer_color
from stylekernel_hf.images.geometry import check_size
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.images.tensors import (
    ImageInput,
    OutputType,
    RgbAndAlpha,
    from_rgb_tensor,
    to_rgb_tensor,
    to_rgb_tensors,
)
from stylekernel_hf.images.unseen_colors import fill_unseen
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.pipelines.call_checks import (
    check_choice,
    check_combination,
    check_strength,
    check_style_size,
)
from stylekernel_hf.pipelines.cuda_graphs import record_network
from stylekernel_hf.pipelines.explanation import Explanation, check_point, explain
from stylekernel_hf.pipelines.pretrained import PretrainedPipeline
from stylekernel_hf.pipelines.progress_bars import ProgressBars
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.styles.library import StyleLibrary
from stylekernel_hf.styles.mixing import combine, one_style, plan_shares
from stylekernel_hf.styles.style_input import (
    MIN_SIDE,
    PALETTE_SIZE,
    StyleInput,
    fit_embedding,
    is_style_file,
    read_style_picture,
    scale_style_picture,
    style_items,
)
from stylekernel_hf.tiling.out_of_memory import retry_in_smaller_tiles
from stylekernel_hf.tiling.painting import Painting
from stylekernel_hf.tiling.plain_pictures import model_for
from stylekernel_hf.tiling.style_encoding import encode_style_image
from stylekernel_hf.tiling.tile_size import check_tile_size

MAX_EXPLAINED_PIXELS = 16 * 2**20


class StyleKernelPipelineOutput(NamedTuple):
    """What a call returns: one picture per content, in the order of the contents."""

    images: list[Any]


class StyleKernelPipeline(ProgressBars, PretrainedPipeline):
    """Repaints photos in the style of any painting, in one feed-forward pass each."""

    model: StyleKernelModel

    def __init__(self, model: StyleKernelModel) -> None:
        # Sums come out the same to the bit wherever the network came from only in one layout.
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
        style_size: int | None = 512,
        tile_size: int | None = None,
        output_type: OutputType = "pil",
    ) -> StyleKernelPipelineOutput:
        """Repaint every content; each result is exactly as large as its content.

        `content` and `style` are a path, bytes, PIL image, NumPy array or tensor (see
        `stylekernel_hf.images.tensors.to_rgb_tensor`) of at least 16 px a side, or a list of
        them. One style serves all contents; a list of styles holds one per content. A style may
        also be what `encode_style` returned, or the name of a file of it; a StyleLibrary is a list
        of its styles.

        `strength` runs from the photo itself (0, returned unchanged) to the full style (1); an
        image is a map of it, white for 1. With `style_weights`, one per style, all styles are
        mixed in these proportions. With `masks`, one image of any size per style, each style goes
        where its mask is white, and the photo stays where none is.

        `color` is "style" for the painting's colours; "luminance" keeps the photo's, with the
        luminance of the repainted picture; "statistics" gives the repainted picture the mean and
        covariance of the photo's colours; "transfer" paints nothing and gives the photo the mean
        and covariance of the painting's. `style_size` is the short side in px to which style
        images are scaled first, so that a larger one makes coarser strokes; None keeps their size,
        of files of up to 32 megapixels. Far larger files are reduced while they are read; they may
        have 64 megapixels, baseline JPEG files 200.
        Marks of less than 2 px after that are lost, and an image that is enlarged gives softer
        strokes. Of one so long that it would get more than 32 megapixels, the short side is less.
        `tile_size` is the side in px of the tiles in which a larger content is painted, a multiple
        of the model's stride; tiles bound the memory and change no value by more than 1/255 in
        float32. None tiles only what would take the network more than 512 MiB, on CUDA more than
        half of the free memory. Where a device runs out of memory, tiles of half the side are
        tried once.
        `output_type` is "pil", "np" (float32 HxWxC in [0, 1]) or "pt" (CxHxW). An alpha channel
        of a content is kept as it is; colours of which nothing is seen count nowhere. The `info`
        of a PIL image holds the EXIF, XMP and IPTC data of a content's file, put right for the
        result, for `save_image`.

        Raises ValueError, TypeError or OSError with the name of the argument at fault.
        """
        # 1. Check and read the inputs.
        strength = check_strength(strength)
        check_choice("color", color, COLOR_MODES)
        check_choice("output_type", output_type, ("pil", "np", "pt"))
        tile_size = check_tile_size(tile_size, self.model)
        style_size = check_style_size(style_size)
        contents, _ = to_rgb_tensors(
            content, name="content", keep_bytes=True, bounds=Bounds(MAX_PIXELS, MIN_SIDE)
        )
        for index, (rgb, _) in enumerate(contents):
            name = "content" if len(contents) == 1 else f"content[{index}]"
            check_size(rgb, name=name, min_side=MIN_SIDE, max_pixels=MAX_PIXELS)
        named = style_items(style)
        weights = check_combination(len(named), len(contents), style_weights, masks)
        shares = [
            plan_shares(
                (rgb.shape[2], rgb.shape[3]),
                strength=strength,
                weights=weights or one_style(len(named), index),
                masks=masks,
            )
            for index, (rgb, _) in enumerate(contents)
        ]
        # What an alpha of 0 hides must not count: neither in statistics nor beside what is seen.
        photos = [fill_unseen(rgb, alpha) for rgb, alpha in contents]
        # 2. Colours alone need no network.
        if color == "transfer":
            palettes = [
                read_style_picture(item, name, "color='transfer'", style_size=PALETTE_SIZE)
                for name, item in named.items()
            ]
            recolored = [
                transfer_color(rgb, palettes, *planned)
                for rgb, planned in zip(photos, shares, strict=True)
            ]
            return _output(recolored, contents, output_type, content)
        # 3. Encode each style once.
        with shared_painting():
            styles = [self._encode(item, name, style_size) for name, item in named.items()]
        # 4. Repaint the contents one by one, in one piece or tile by tile.
        paintings = [
            Painting(model_for(self.model, rgb), rgb, planned.strength, tile_size)
            for rgb, planned in zip(photos, shares, strict=True)
        ]
        painted: list[Tensor] = []
        as_bytes = output_type == "pil" and color == "style"
        steps = sum(painting.steps for painting in paintings)
        with shared_painting() as adapt_threads, self.progress_bar(total=steps) as bar:

            def step() -> None:
                bar.update()
                adapt_threads()

            for index, (painting, planned) in enumerate(zip(paintings, shares, strict=True)):
                if not isinstance(planned.strength, Tensor) and planned.strength == 0:
                    painted.append(contents[index][0])
                    bar.update(painting.steps)
                    continue
                style_here = combine(styles, planned.styles)
                result = self._paint(painting, style_here, as_bytes, bar, step)
                painted.append(recolor(result, photos[index], color))
        return _output(painted, contents, output_type, content)

    @torch.inference_mode()
    def encode_style(self, style: StyleInput, *, style_size: int | None = 512) -> StyleEmbedding:
        """Encode one style image for use as `style` in any number of calls, or to be shared.

        `style_size` is the short side in px to which the image is scaled first; None keeps it. An
        encoded style, or a file of one, is returned as it is if this checkpoint made it.
        """
        style_size = check_style_size(style_size)
        with shared_painting():
            encoded = self._encode(style, "style", style_size)
        return replace(
            encoded,
            key=_ordinary(encoded.key),
            value=_ordinary(encoded.value),
            code=_ordinary(encoded.code),
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
        """Show what a point (x, y) of the content, in px, takes from the style image, and how.

        The explanation holds the attention over the painting, the gate over the photo and the
        point's kernels, as arrays and as pictures. Content and style are one image each, as in a
        call; the content has at most 16 megapixels, since it is seen in one piece.
        """
        style_size = check_style_size(style_size)
        bounds = Bounds(MAX_EXPLAINED_PIXELS, MIN_SIDE)
        rgb, alpha = to_rgb_tensor(content, name="content", bounds=bounds)
        rgb = fill_unseen(rgb, alpha)
        check_size(rgb, name="content", min_side=MIN_SIDE, max_pixels=MAX_EXPLAINED_PIXELS)
        place = check_point(point, rgb.shape[3], rgb.shape[2])
        painting = read_style_picture(style, "style", "an explanation", style_size=style_size)
        return explain(
            model_for(self.model, rgb), rgb, scale_style_picture(painting, style_size), place
        )

    def compile(self) -> bool:
        """Run the network by CUDA graphs from now on; return whether that works here.

        The kernels of the network are recorded at the first picture of a size and replayed at the
        next ones, for pictures of up to 2 megapixels in full strength and one style. The last four
        sizes are kept. On other devices than CUDA, and where recording fails, a warning says so
        and the pipeline goes on as before.
        """
        return record_network(self.model)

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

    def _paint(
        self,
        painting: Painting,
        style: StyleEmbedding | StyleField,
        as_bytes: bool,
        bar: Any,
        on_step: Callable[[], None],
    ) -> Num[Tensor, "1 3 h w"]:
        end = bar.n + painting.steps

        def lengthen(smaller: Painting) -> None:
            bar.total += bar.n + smaller.steps - end

        painted = retry_in_smaller_tiles(
            painting,
            lambda each: each.paint(style, as_bytes=as_bytes, on_step=on_step),
            self.device,
            name="content",
            remedy="tile_size",
            on_retry=lengthen,
        )
        return painted if as_bytes else painted.to(self.dtype)


def _output(
    pictures: Sequence[Tensor],
    contents: Sequence[RgbAndAlpha],
    output_type: OutputType,
    sources: ImageInput | Sequence[ImageInput],
) -> StyleKernelPipelineOutput:
    """Return the pictures with the alpha, and what is written in the files, of their contents."""
    images = [
        from_rgb_tensor(rgb, alpha, output_type=output_type)
        for rgb, (_, alpha) in zip(pictures, contents, strict=True)
    ]
    listed = sources if isinstance(sources, list | tuple) else [sources] * len(images)
    for image, source in zip(images, listed, strict=True):
        if isinstance(image, Image.Image):
            image.info.update(read_metadata(source).for_result(image.size).info())
    if output_type == "pt":
        images = [_ordinary(image) for image in images]
    return StyleKernelPipelineOutput(images=images)


def _ordinary(tensor: Tensor) -> Tensor:
    """Copy a tensor of inference mode into one that autograd and in-place operations take."""
    with torch.inference_mode(False):
        return tensor.clone()
