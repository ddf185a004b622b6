"""Sheets of fixed held-out pairs, to look at while a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from stylekernel_hf.images.bounds import MAX_DECODED_PIXELS, Bounds
from stylekernel_hf.images.contact_sheet import contact_sheet
from stylekernel_hf.images.geometry import crop_back, pad_to_multiple
from stylekernel_hf.images.loading import ImageSource
from stylekernel_hf.images.tensors import from_rgb_tensor, load_rgb, to_rgb_tensor
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.model.style_kernel import BORDER_MARGIN
from stylekernel_hf.pretrained.model import StyleKernelModel


class SampleSheet:
    """Draws every held-out content in every held-out style, cut to squares of `size` px."""

    def __init__(
        self, contents: Sequence[ImageSource], styles: Sequence[ImageSource], *, size: int
    ) -> None:
        side = -(-size // 32) * 32
        self.contents = [_square(each, side) for each in contents]
        self.styles = [_square(each, side) for each in styles]
        self.side = side

    def draw(self, model: StyleKernelModel, path: Path) -> None:
        """Stylize all pairs and write the sheet."""
        self._write(self.contents, self._stylize(model), path)

    def draw_before_after(
        self, before: StyleKernelModel, after: StyleKernelModel, path: Path
    ) -> None:
        """Write a sheet of two rows for each content: by the first network, and by the second."""
        pairs = zip(self._stylize(before), self._stylize(after), strict=True)
        rows = [row for pair in pairs for row in pair]
        self._write([each for each in self.contents for _ in range(2)], rows, path)

    @torch.no_grad()
    def _stylize(self, model: StyleKernelModel) -> list[list[Image.Image]]:
        encoded = [model.encode_style(_to_tensor(style, model.device)) for style in self.styles]
        rows: list[list[Image.Image]] = []
        for content in self.contents:
            padded, padding = pad_to_multiple(
                _to_tensor(content, model.device), model.stride, BORDER_MARGIN
            )
            rows.append(
                [
                    from_rgb_tensor(crop_back(model(padded, style), padding), output_type="pil")
                    for style in encoded
                ]
            )
        return rows

    def _write(
        self, contents: list[Image.Image], rows: list[list[Image.Image]], path: Path
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_image(contact_sheet(contents, self.styles, rows, cell=self.side), path)


def _square(source: ImageSource, side: int) -> Image.Image:
    picture = load_rgb(source, bounds=Bounds(MAX_DECODED_PIXELS, needed_side=side))
    return ImageOps.fit(picture, (side, side), Image.Resampling.BICUBIC)


def _to_tensor(image: Image.Image, device: torch.device) -> Float[Tensor, "1 3 h w"]:
    rgb, _ = to_rgb_tensor(image, name="image")
    return rgb.to(device).contiguous(memory_format=torch.channels_last)
