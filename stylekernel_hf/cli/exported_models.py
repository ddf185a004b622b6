"""Exported networks among those that `evaluate` scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_STYLE, _TRANSFORM = "style.onnx", "transform.onnx"
_STYLE_SIZE = 512


def is_export(model: str) -> bool:
    """Return whether this is a folder that `stylekernel export` wrote."""
    return Path(model, _TRANSFORM).is_file()


class ExportedModel:
    """The files of an export in ONNX Runtime, on the CPU."""

    def __init__(self, folder: str) -> None:
        from stylekernel_hf.runtime.engines import load_engine

        self._style, self._transform = (
            load_engine("onnx", Path(folder, name).read_bytes(), "float32")
            for name in (_STYLE, _TRANSFORM)
        )

    def encode_style(self, style: torch.Tensor) -> dict[str, Any]:
        """Encode a painting, 1 x 3 x h x w in [0, 1], at the size that the pipeline does."""
        import numpy as np

        from stylekernel_hf.styles.style_input import scale_style_picture

        painting = scale_style_picture(style, _STYLE_SIZE).float().cpu().numpy()
        parts = self._style.run({"painting": np.ascontiguousarray(painting)})
        return dict(zip(("key", "value", "code"), parts, strict=True))

    def stylize(self, content: torch.Tensor, style: Any, strength: float) -> torch.Tensor:
        """Stylize a photo, 1 x 3 x h x w in [0, 1], in one pass at its own size."""
        import numpy as np
        import torch

        photo = np.ascontiguousarray(content.float().cpu().numpy())
        inputs = {"photo": photo, **style, "strength": np.array(strength, np.float32)}
        (picture,) = self._transform.run(inputs)
        return torch.from_numpy(picture).to(content.device)
