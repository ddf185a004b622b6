"""A network in a runtime: its graphs, each built and prepared when it is first used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from stylekernel_hf.export.checkpoint import StoredNetwork
from stylekernel_hf.export.graph_builder import onnx
from stylekernel_hf.export.graphs import style_model, transform_model
from stylekernel_hf.export.tile_graphs import features_model, paint_model, summary_model
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.runtime.engines import Engine, Floats, Precision, Runtime, load_engine
from stylekernel_hf.runtime.low_detail import LEAST_DETAIL, measure_detail
from stylekernel_hf.runtime.measuring import Statistics
from stylekernel_hf.runtime.style import RuntimeStyle


class RuntimeNetwork:
    """The graphs of a checkpoint in a runtime.

    Args:
        stored: The checkpoint.
        runtime: "onnx" or "openvino".
        precision: In which pictures are computed; paintings are encoded in float32.
    """

    def __init__(
        self, stored: StoredNetwork, runtime: Runtime, precision: Precision = "float32"
    ) -> None:
        self.config = stored.config
        self.identity = CheckpointIdentity(stored.short_name, stored.id)
        width = self.config.style_channels[len(self.config.encoder_channels) - 1]
        self.style_channels = self.config.attention_channels, width, self.config.code_channels
        """The channels of a style's key, value and code."""
        self._stored = stored
        self._runtime: Runtime = runtime
        self._precision: Precision = precision

    def for_picture(self, rgb: Floats) -> RuntimeNetwork:
        """Return this network, or the one in float32 for a picture with too little detail."""
        if self._precision == "float32" or measure_detail(rgb) >= LEAST_DETAIL:
            return self
        return self._in_float32

    def encode(self, painting: Floats) -> RuntimeStyle:
        """Encode a painting, 1 x 3 x h x w, in one piece."""
        return RuntimeStyle(*self._style.run({"painting": painting}), checkpoint=self.identity)

    def transform(
        self, photo: Floats, styles: Sequence[RuntimeStyle], shares: Floats, strength: float
    ) -> Floats:
        """Stylize a photo with its margin, 1 x 3 x h x w, in one piece."""
        inputs = {"photo": photo, **_stacked(styles, shares)}
        if strength == 1:
            return self._transform.run(inputs)[0]
        inputs["strength"] = np.array(strength, np.float32)
        return self._fading_transform.run(inputs)[0]

    def content_features(self, window: Floats) -> list[Floats]:
        """Return the content features of the dynamic levels of a window, finest first."""
        return self._content_features.run({"window": window})

    def style_features(self, window: Floats) -> list[Floats]:
        """Return the features of all stages of the style encoder, finest first."""
        return self._style_features.run({"window": window})

    def summarise(self, pooled: Floats, statistics: Sequence[Statistics]) -> RuntimeStyle:
        """Return the style of a picture from what `StyleMeasure` measured."""
        parts = self._summary.run({"pooled": pooled, **_named(statistics)})
        return RuntimeStyle(*parts, checkpoint=self.identity)

    def paint(
        self,
        window: Floats,
        styles: Sequence[RuntimeStyle],
        shares: Floats,
        statistics: Sequence[Statistics],
    ) -> Floats:
        """Stylize a window of a picture whose statistics are given, in full strength.

        `shares` are n numbers, or maps n x h x w of the window.
        """
        measured = _named(statistics)
        if shares.ndim == 1:
            inputs = {"window": window, **_stacked(styles, shares), **measured}
            return self._paint.run(inputs)[0]
        even = np.ones(len(styles), np.float32)
        maps = np.ascontiguousarray(shares[:, None])
        inputs = {"window": window, **_stacked(styles, even), "shares": maps, **measured}
        return self._paint_by_map.run(inputs)[0]

    @cached_property
    def _in_float32(self) -> RuntimeNetwork:
        return RuntimeNetwork(self._stored, self._runtime)

    @cached_property
    def _style(self) -> Engine:
        return self._load(style_model(self.config, self._stored.weights))

    @cached_property
    def _transform(self) -> Engine:
        """In full strength: without the style encoder, the graph is prepared in half the time."""
        model = transform_model(self.config, self._stored.weights, pads=False, fades=False)
        return self._load(model, self._precision)

    @cached_property
    def _fading_transform(self) -> Engine:
        model = transform_model(self.config, self._stored.weights, pads=False, fades=True)
        self._stored.weights.check_all_taken()
        return self._load(model, self._precision)

    @cached_property
    def _content_features(self) -> Engine:
        return self._load(features_model(self.config, self._stored.weights, "content"))

    @cached_property
    def _style_features(self) -> Engine:
        return self._load(features_model(self.config, self._stored.weights, "style"))

    @cached_property
    def _summary(self) -> Engine:
        return self._load(summary_model(self.config, self._stored.weights))

    @cached_property
    def _paint(self) -> Engine:
        model = paint_model(self.config, self._stored.weights, has_map=False)
        return self._load(model, self._precision)

    @cached_property
    def _paint_by_map(self) -> Engine:
        model = paint_model(self.config, self._stored.weights, has_map=True)
        return self._load(model, self._precision)

    def _load(self, model: onnx.ModelProto, precision: Precision = "float32") -> Engine:
        return load_engine(self._runtime, model.SerializeToString(), precision)


def _named(statistics: Sequence[Statistics]) -> dict[str, Floats]:
    """Return the inputs for statistics."""
    named: dict[str, Floats] = {}
    for index, (mean, std) in enumerate(statistics):
        named |= {f"mean_{index}": mean, f"std_{index}": std}
    return named


def _stacked(styles: Sequence[RuntimeStyle], shares: Floats) -> dict[str, Floats]:
    """Return the inputs for a mixture: stacked styles, their tokens filled up with zeros."""
    tokens = max(style.key.shape[1] for style in styles)
    fills = [((0, 0), (0, tokens - style.key.shape[1]), (0, 0)) for style in styles]
    parts = list(zip(styles, fills, shares, strict=True))
    return {
        "key": np.concatenate([np.pad(style.key, fill) for style, fill, _ in parts]),
        "value": np.concatenate([share * np.pad(style.value, z) for style, z, share in parts]),
        "code": np.concatenate([share * style.code for style, _, share in parts]),
    }
