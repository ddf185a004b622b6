"""What an evaluation scores: a way of stylizing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from stylekernel_hf.errors.given_values import as_float
from stylekernel_hf.images.tensors import from_rgb_tensor

# A tenth of a grey level.
_LEAST_CHANGE = 0.1 / 255


@dataclass(frozen=True)
class Candidate:
    """A checkpoint at a strength.

    `stylize(content, style)` gets and returns 1x3xhxw RGB in [0, 1], on the device of the
    perceptual network; with `encode_style`, which is called once for each style, `style` is what
    that returned. `without_alignment` does what `stylize` does, with the aligned feature averaged
    over the picture; where it is given, the figure `alignment` is measured.
    """

    model: str
    stylize: Callable[[Tensor, Any], Tensor]
    encode_style: Callable[[Tensor], Any] | None = None
    strength: float = 1.0
    without_alignment: Callable[[Tensor, Any], Tensor] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", as_float(self.strength, "strength"))

    def encode(self, style: Tensor) -> Any:
        """Return a style as `stylize` takes it."""
        return self.encode_style(style) if self.encode_style else style

    def alignment(
        self, content: Tensor, style: Any, result: Float[Tensor, "1 3 h w"]
    ) -> dict[str, float]:
        """Return the share of the stylization that is lost without the alignment, by its name.

        That is the mean absolute difference of `result` from the picture without it, divided by
        that of `result` from the content. It is 0 for a result that is the content, and nothing is
        returned where it cannot be measured.
        """
        if self.without_alignment is None:
            return {}
        averaged = self.without_alignment(content, style).float().clamp(0, 1)
        changed = float((result - content).abs().mean())
        lost = float((result - averaged).abs().mean())
        return {"alignment": lost / changed if changed > _LEAST_CHANGE else 0.0}

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
