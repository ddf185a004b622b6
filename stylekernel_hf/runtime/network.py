"""A network in a runtime: styles encoded, pictures stylized in one pass or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stylekernel_hf.export.checkpoint import StoredNetwork
from stylekernel_hf.export.graphs import MARGIN, style_model, transform_model
from stylekernel_hf.runtime.engines import Engine, Floats, Runtime, load_engine
from stylekernel_hf.runtime.pictures import clipped, resize, rounded
from stylekernel_hf.tiling.working_size import working_size


@dataclass(frozen=True)
class RuntimeStyle:
    """An encoded painting.

    Attributes:
        key: Keys of m style tokens, 1 x m x d.
        value: Their values, 1 x m x s.
        code: The style code, 1 x e.
        checkpoint: The id of the checkpoint that encoded it, or None.
    """

    key: Floats
    value: Floats
    code: Floats
    checkpoint: str | None


class RuntimeNetwork:
    """The graphs of a checkpoint in a runtime, each built when it is first used.

    Args:
        stored: The checkpoint.
        runtime: "onnx" or "openvino".
    """

    def __init__(self, stored: StoredNetwork, runtime: Runtime) -> None:
        self.config, self.checkpoint_id = stored.config, stored.id
        self._stored = stored
        self._runtime: Runtime = runtime
        self._stride = self.config.stride

    @cached_property
    def _style(self) -> Engine:
        model = style_model(self.config, self._stored.weights)
        return load_engine(self._runtime, model.SerializeToString())

    @cached_property
    def _transform(self) -> Engine:
        """In full strength: without the style encoder, the graph is prepared in half the time."""
        return self._load_transform(fades=False)

    @cached_property
    def _fading_transform(self) -> Engine:
        return self._load_transform(fades=True)

    def encode(self, painting: Floats) -> RuntimeStyle:
        """Encode a painting, h x w x 3, of at least `smallest_side` px a side."""
        key, value, code = self._style.run({"painting": _as_batch(painting)})
        return RuntimeStyle(key, value, code, self.checkpoint_id)

    def stylize(
        self,
        rgb: Floats,
        styles: Sequence[RuntimeStyle],
        shares: Sequence[float],
        *,
        strength: float,
        stroke_scale: float,
        has_bytes: bool,
    ) -> Floats:
        """Stylize a picture h x w x 3, in strokes of a width relative to the frame.

        See `tiling.coarse_to_fine`. With `has_bytes`, the picture and what is between the passes
        have the values of 8 bits.
        """
        style = _stacked(styles, shares, strength)
        size = working_size(rgb.shape[0], rgb.shape[1], stroke_scale)
        if size is None:
            return self._pass(rgb, style)
        small = resize(rgb, size)
        coarse = self._pass(small, style)
        changed = _with_change(rgb, coarse - small)
        if size[0] > rgb.shape[0]:
            return changed
        finished = self._pass(rounded(changed) if has_bytes else changed, style)
        return _with_change(finished, coarse - resize(finished, size))

    def _pass(self, rgb: Floats, style: dict[str, Floats]) -> Floats:
        height, width = rgb.shape[:2]
        after = (MARGIN - (side + 2 * MARGIN) % -self._stride for side in (height, width))
        around = [(MARGIN, each) for each in after]
        padded = np.pad(rgb, [*around, (0, 0)], mode="reflect")
        transform = self._fading_transform if "strength" in style else self._transform
        (picture,) = transform.run({"photo": _as_batch(padded), **style})
        inside = picture[0, :, MARGIN : MARGIN + height, MARGIN : MARGIN + width]
        return np.moveaxis(inside, 0, 2)

    def _load_transform(self, *, fades: bool) -> Engine:
        weights = self._stored.weights
        model = transform_model(self.config, weights, pads=False, fades=fades)
        if fades:
            weights.check_all_taken()
        return load_engine(self._runtime, model.SerializeToString())


def _as_batch(rgb: Floats) -> Floats:
    return np.ascontiguousarray(np.moveaxis(rgb, 2, 0)[None])


def _with_change(rgb: Floats, change: Floats) -> Floats:
    """Return a picture with a change of any size added."""
    return clipped(rgb + resize(change, (rgb.shape[0], rgb.shape[1])))


def _stacked(
    styles: Sequence[RuntimeStyle], shares: Sequence[float], strength: float
) -> dict[str, Floats]:
    """Return the inputs for a mixture: stacked styles, their tokens filled up with zeros."""
    tokens = max(style.key.shape[1] for style in styles)
    fills = [((0, 0), (0, tokens - style.key.shape[1]), (0, 0)) for style in styles]
    parts = list(zip(styles, fills, map(np.float32, shares), strict=True))
    return {
        "key": np.concatenate([np.pad(style.key, fill) for style, fill, _ in parts]),
        "value": np.concatenate([share * np.pad(style.value, z) for style, z, share in parts]),
        "code": np.concatenate([share * style.code for style, _, share in parts]),
        **({"strength": np.array(strength, np.float32)} if strength < 1 else {}),
    }
