"""What an evaluation scores: a way of stylizing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image
from torch import Tensor

from stylekernel_hf.image_processor import from_rgb_tensor


@dataclass(frozen=True)
class Candidate:
    """A checkpoint at a strength.

    `stylize(content, style)` gets and returns 1x3xhxw RGB in [0, 1], on the device of the
    perceptual network; with `encode_style`, which is called once for each style, `style` is what
    that returned.
    """

    model: str
    stylize: Callable[[Tensor, Any], Tensor]
    encode_style: Callable[[Tensor], Any] | None = None
    strength: float = 1.0

    def encode(self, style: Tensor) -> Any:
        """Return a style as `stylize` takes it."""
        return self.encode_style(style) if self.encode_style else style

    def paint(self, content: Tensor, style: Any, names: tuple[str, str]) -> Image.Image:
        """Stylize, and return the picture as a user gets it; `names` are told in errors."""
        stylized = self.stylize(content, style)
        pair = f"for content {names[0]!r} and style {names[1]!r}"
        if stylized.shape != content.shape:
            wanted, shape = ("x".join(map(str, x.shape)) for x in (content, stylized))
            raise ValueError(f"stylize must return {wanted}, got {shape} {pair}")
        if not stylized.isfinite().all():
            raise ValueError(f"stylize must return finite values, got NaN or infinity {pair}")
        return from_rgb_tensor(stylized.float(), output_type="pil")
