"""Candidates: the networks, at their strengths, that an evaluation scores."""

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

    `stylize(content, style)` takes and returns 1x3xhxw RGB in [0, 1] on the device of the
    perceptual network. With `encode_style`, which is called once for each style, `style` is its
    result. `without_alignment` does the same as `stylize`, but with the aligned feature averaged
    over the picture; if it is given, the metric `alignment` is measured.
    """

    model: str
    stylize: Callable[[Tensor, Any], Tensor]
    encode_style: Callable[[Tensor], Any] | None = None
    strength: float = 1.0
    without_alignment: Callable[[Tensor, Any], Tensor] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", as_float(self.strength, "strength"))

    def encode(self, style: Tensor) -> Any:
        """Return a style in the form that `stylize` takes."""
        return self.encode_style(style) if self.encode_style else style

    def alignment(
        self, content: Tensor, style: Any, result: Float[Tensor, "1 3 h w"]
    ) -> dict[str, float]:
        """Return {"alignment": share of the stylization that is lost without the alignment}.

        The share is the mean absolute difference of `result` from the picture without alignment,
        divided by that of `result` from the content. It is 0 for a result that equals the content.
        Returns nothing if the candidate has no `without_alignment`.
        """
        if self.without_alignment is None:
            return {}
        averaged = self.without_alignment(content, style).float().clamp(0, 1)
        changed = float((result - content).abs().mean())
        lost = float((result - averaged).abs().mean())
        return {"alignment": lost / changed if changed > _LEAST_CHANGE else 0.0}

    def run(self, content: Tensor, style: Any, names: tuple[str, str]) -> Image.Image:
        """Stylize, and return the 8-bit picture that a user gets; errors show `names`."""
        stylized = self.stylize(content, style)
        pair = f"for content {names[0]!r} and style {names[1]!r}"
        if stylized.shape != content.shape:
            required, shape = ("x".join(map(str, x.shape)) for x in (content, stylized))
            raise ValueError(f"stylize must return {required}, got {shape} {pair}")
        if not stylized.isfinite().all():
            raise ValueError(f"stylize must return finite values, got NaN or infinity {pair}")
        return from_rgb_tensor(stylized.float(), output_type="pil")
